//! The report as GitHub-flavoured markdown: the analysis that a careful engineer would have written, made of what was seen.
//!
//! The plot stands twice. As a mermaid chart it is drawn by the code-hosting sites; as text it reads in a mail, a diff or a
//! terminal, and alone can shade what the brackets leave open.

use std::fmt::Write as _;

use crate::report::plot::Plot;
use crate::report::table::{Cell, Column, Room, Table};
use crate::report::view::{InsideView, Mark, Timeline, TimelineStep, View};
use crate::report::{tables, words};
use crate::verdict::Verdict;

/// The report as markdown. Ends with a newline.
pub fn markdown(view: &View) -> String {
    let sections = [
        title(view),
        timeline(view),
        evidence(view),
        scenarios(view),
        window(view),
        rates(view),
        causes(view),
        twin(view),
        inside(view),
        guarantees(view),
        latency(view),
        repeat(view),
        unseen(view),
        about(view),
    ];
    let mut text = sections
        .into_iter()
        .filter(|section| !section.is_empty())
        .map(|section| section.trim_end().to_owned())
        .collect::<Vec<_>>()
        .join("\n\n");
    text.push('\n');
    text
}

fn title(view: &View) -> String {
    let mut lines = vec![
        format!("# Status gap: {}", escape(&view.run.target)),
        String::new(),
        format!("**{} {}**: {}.", sign(view.verdict), view.verdict.word().to_uppercase(), escape(&view.headline)),
    ];
    for notice in &view.notices {
        lines.extend([String::new(), "> [!WARNING]".to_owned(), format!("> {}", prose(notice))]);
    }
    lines.extend([String::new(), answers(view)]);
    if let Some(second) = &view.second_opinion {
        lines.extend([String::new(), escape(&format!("{}.", words::sentence_case(&words::sentence(&second.told))))]);
    }
    if !view.reasons.is_empty() {
        lines.push(String::new());
        lines.push(list(&view.reasons));
    }
    lines.extend([String::new(), format!("**Next step.** {}", prose(&view.next_step))]);
    lines.join("\n")
}

/// The four questions with their answers, one paragraph each, and what the target's spans say.
pub(super) fn answers(view: &View) -> String {
    let inside = view.inside_in_short().map(|told| format!("**{}** {}.", InsideView::QUESTION, prose(&words::sentence_case(told))));
    let told = view.answers.all().into_iter().map(|told| format!("**{}** {}", told.question, prose(told.answer)));
    told.chain(inside).collect::<Vec<_>>().join("\n\n")
}

fn timeline(view: &View) -> String {
    let Some(timeline) = &view.timeline else { return String::new() };
    let rows: Vec<(String, String, String)> = timeline
        .steps
        .iter()
        .map(|step| {
            let when = step.when();
            let asked = match step.connection {
                Some(connection) => format!("{} ({})", step.asked, connection.word()),
                None => step.asked.clone(),
            };
            let times = if step.times > 1 { format!(", {} times", words::count(step.times)) } else { String::new() };
            let worker = step.worker.as_ref().map_or_else(String::new, |worker| format!(" [worker {worker}]"));
            (when, asked, format!("{}{times}{worker} {}", step.told, plain_mark(step.mark)).trim_end().to_owned())
        })
        .collect();
    let (first, second) =
        rows.iter().fold((0, 0), |(first, second), (when, asked, _)| (first.max(when.chars().count()), second.max(asked.chars().count())));
    let lines: Vec<String> = rows.iter().map(|(when, asked, told)| format!("{when:>first$}  {asked:second$}  {told}")).collect();
    format!(
        "## Timeline\n\nScan {} of scenario {}, the clearest of the run. Ages count from the last byte of the answer that handed out its id.\n\n{}",
        timeline.scan,
        escape(&timeline.scenario),
        fenced("text", &lines.join("\n"))
    ) + &trace_ids(timeline)
}

fn plain_mark(mark: Mark) -> &'static str {
    match mark {
        Mark::Works => "✅",
        Mark::Fails => "❌",
        Mark::Neutral => "",
    }
}

pub(super) fn evidence(view: &View) -> String {
    if view.evidence.is_empty() {
        return String::new();
    }
    format!("## Evidence\n\n{}", table(&tables::evidence(view), Room::Document))
}

fn scenarios(view: &View) -> String {
    if view.scenarios.is_empty() {
        return String::new();
    }
    let table = table(&tables::scenarios(&view.scenarios), Room::Document);
    let reasons = tables::scenario_reasons(view);
    let gap = if reasons.is_empty() { "" } else { "\n\n" };
    format!("## Scenarios\n\n{table}{gap}{}", list(&reasons))
}

fn window(view: &View) -> String {
    let window = &view.window;
    if window.scans + window.flapping == 0 {
        return String::new();
    }
    if !view.assessable {
        return "## The window\n\nNot measured: a never-issued id is answered as visible, too, so a visible answer proves nothing."
            .to_owned();
    }
    let mut text = format!("## The window\n\n{}\n\n**{}.**", window.basis(), words::sentence_case(&window.safe.told));
    if window.scans == 0 {
        return text;
    }
    let _ = write!(text, "\n\n{}", table(&tables::quantiles(window), Room::Document));
    // Without a denial the curve shows when somebody looked, and nothing of the service.
    if let Some(plot) = Plot::of(&window.curve).filter(|_| window.instead.is_none()) {
        let _ = write!(text, "\n\n{}\n\n{}", mermaid(plot), fenced("text", &plot.chart(60, 8).join("\n")));
        text.push_str("\n\nShare of scans visible by age. Where the text plot is shaded (░), the polls leave open how the curve rises.");
    }
    if !window.visible_by.is_empty() {
        let _ = write!(text, "\n\n{}", folded(&tables::visible_by(window)));
    }
    if let Some(note) = &window.estimate {
        let unique = if note.unique { "No other curve fits them as well" } else { "Other curves fit them as well" };
        let within = if note.kkt_gap == 0.0 { String::new() } else { format!(", to within {:.0e} nats of log-likelihood", note.kkt_gap) };
        let _ = write!(
            text,
            "\n\nThe curve is the maximum-likelihood estimate from brackets (method: {}). {unique}{within} (Kuhn–Tucker). The 95 % limits do not rest on it: they \
             hold whatever the law of the window.",
            escape(&note.method),
        );
    }
    text
}

/// The curve as points; where the estimate is an interval, its lower and its upper end are two lines.
fn mermaid(plot: Plot<'_>) -> String {
    const POINTS: usize = 40;
    let bounds: Vec<(f64, f64)> = (0..=POINTS).map(|point| plot.bounds(plot.end_ms * point as f64 / POINTS as f64)).collect();
    let line =
        |end: &dyn Fn(&(f64, f64)) -> f64| bounds.iter().map(|bound| format!("{:.0}", end(bound) * 100.0)).collect::<Vec<_>>().join(", ");
    let (certain, at_most) = (line(&|bound| bound.0), line(&|bound| bound.1));
    let mut lines = vec![
        "xychart-beta".to_owned(),
        "    title \"Scans visible by age\"".to_owned(),
        format!("    x-axis \"age in ms\" 0 --> {}", plot.end_ms),
        "    y-axis \"visible in %\" 0 --> 100".to_owned(),
        format!("    line [{certain}]"),
    ];
    if at_most != certain {
        lines.push(format!("    line [{at_most}]"));
    }
    fenced("mermaid", &lines.join("\n"))
}

fn rates(view: &View) -> String {
    let rates = tables::rates(view);
    if rates.rows.is_empty() {
        return String::new();
    }
    format!("## not_found by age and connection\n\n{}\n\n{}", folded(&rates), tables::RATES_NOTE)
}

pub(super) fn causes(view: &View) -> String {
    if view.causes.is_empty() && view.ruled_out.is_empty() && view.undecided.is_empty() && view.patterns.is_empty() {
        return String::new();
    }
    let mut text = "## Diagnosis".to_owned();
    for cause in &view.causes {
        let _ = write!(text, "\n\n### {}, {} evidence\n\n{}", words::sentence_case(&cause.named), cause.strength, prose(&cause.mechanism));
        if !cause.evidence.is_empty() {
            let _ = write!(text, "\n\n{}", list(&cause.evidence));
        }
        let _ = write!(text, "\n\n**Cure.** {}", prose(&cause.cure));
    }
    for pattern in &view.patterns {
        let may_be = words::may_be(&pattern.possible_named);
        let _ =
            write!(text, "\n\n### No class is named\n\n{}{may_be}\n\n**Ask next.** {}", prose(&pattern.statement), prose(pattern.ask_next));
    }
    if !view.ruled_out.is_empty() {
        let _ = write!(text, "\n\nRuled out:\n\n{}", table(&tables::ruled_out(view), Room::Document));
    }
    if !view.undecided.is_empty() {
        let _ = write!(text, "\n\nUndecided:\n\n{}", list(&view.undecided));
    }
    text
}

pub(super) fn twin(view: &View) -> String {
    let Some(twin) = &view.twin else { return String::new() };
    let mut text = format!("## The fault, simulated\n\n{}.", prose(&words::sentence_case(&twin.statement)));
    let _ = write!(text, "\n\n{}", table(&tables::twins(twin), Room::Document));
    for candidate in twin.candidates.iter().filter(|candidate| !candidate.misfits.is_empty()) {
        let _ = write!(text, "\n\n{} does not explain:\n\n{}", escape(&words::sentence_case(&candidate.name)), list(&candidate.misfits));
    }
    if let Some(separation) = &twin.separation {
        let _ = write!(text, "\n\n**To tell them apart.** {}.", prose(&words::sentence_case(separation)));
    }
    if let Some(picture) = &twin.picture {
        let _ = write!(text, "\n\nThis service beside the simulated one that is nearest:\n\n{}", folded(&tables::picture(picture)));
    }
    if let Some(reproducer) = &twin.reproducer {
        let _ = write!(
            text,
            "\n\nThe fault on another machine:\n\n{}\n\nThe same scenarios against it, and against the same service without the fault ({}):\n\n{}",
            fenced("sh", &reproducer.serve),
            prose(&reproducer.cured_shows),
            fenced("sh", &format!("{}\n{}", reproducer.run, reproducer.cured))
        );
    }
    text
}

/// What the target says of itself.
pub(super) fn inside(view: &View) -> String {
    let Some(inside) = &view.inside else { return String::new() };
    let mut text = format!("## Inside the service\n\n**{}.**", prose(&words::sentence_case(&inside.statement)));
    if let Some(basis) = &inside.basis {
        let _ = write!(text, "\n\n{}.", prose(basis));
    }
    if !inside.spans.is_empty() {
        let _ = write!(text, "\n\n{}", table(&tables::inside(inside), Room::Document));
    }
    let said: Vec<String> =
        inside.evidence.iter().map(|one| words::sentence_case(&one.sentence)).chain(inside.contradictions.clone()).collect();
    if !said.is_empty() {
        let _ = write!(text, "\n\n{}", list(&said));
    }
    if let Some(lost) = &inside.lost {
        let _ = write!(text, "\n\n{}.", prose(lost));
    }
    text
}

/// Where the clearest scan's requests are found in a tracing backend.
fn trace_ids(timeline: &Timeline) -> String {
    let of = |what: &str, step: Option<&TimelineStep>| Some(format!("{what} `{}`", step?.trace.as_ref()?));
    let last_denied = timeline.steps.iter().rposition(|step| step.denied);
    let seen = timeline.steps.iter().skip(last_denied.map_or(1, |place| place + 1)).find(|step| step.mark == Mark::Works);
    let ids = [
        of("the POST", timeline.steps.first()),
        of("a denial", last_denied.and_then(|place| timeline.steps.get(place))),
        of("the first sight", seen),
    ];
    let ids: Vec<String> = ids.into_iter().flatten().collect();
    if ids.is_empty() { String::new() } else { format!("\n\nTrace ids, to be looked up in a tracing backend: {}.", ids.join(", ")) }
}

pub(super) fn guarantees(view: &View) -> String {
    let mut text = format!("## Guarantees\n\n{}", table(&tables::guarantees(&view.guarantees), Room::Document));
    for row in view.guarantees.iter().filter(|row| row.evidence.len() > 1) {
        let _ = write!(text, "\n\n<details><summary>Proofs: {}</summary>\n\n{}\n\n</details>", row.name, list(&row.evidence));
    }
    text
}

fn latency(view: &View) -> String {
    if view.latency.is_empty() {
        return String::new();
    }
    let punctual = view.punctual().map_or_else(String::new, |told| format!(" {told}"));
    format!(
        "## Latency\n\nRound trips in milliseconds, to the last byte; counted from the actual sending, and from the planned one, which a late sender cannot flatter.\
         {punctual}\n\n{}",
        table(&tables::latency(view), Room::Document)
    )
}

pub(super) fn repeat(view: &View) -> String {
    let mut text = "## How to repeat".to_owned();
    if !view.repeat.command.is_empty() {
        let _ = write!(text, "\n\nThe same plan with the same seed ({}):\n\n{}", view.run.seed, fenced("sh", &view.repeat.command));
    }
    if let Some(snippet) = &view.repeat.snippet {
        let first = if view.run.service.is_some() { " (against a running service; the run had started its own)" } else { "" };
        let _ = write!(text, "\n\nBy hand{first}, with a new scan and a poll at the failing age:\n\n{}", fenced("sh", snippet));
    }
    if view.repeat.command.is_empty() && view.repeat.snippet.is_none() {
        return String::new();
    }
    text
}

pub(super) fn unseen(view: &View) -> String {
    if view.unseen.is_empty() {
        return String::new();
    }
    format!("## What could not be seen\n\n{}", list(&view.unseen))
}

pub(super) fn about(view: &View) -> String {
    format!("## About this run\n\n{}", table(&tables::about(view), Room::Document))
}

pub(super) fn sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✅",
        Verdict::Fail => "❌",
        Verdict::Inconclusive => "⚠️",
    }
}

/// A table with the columns that are shown where there is so much room.
pub(super) fn table(table: &Table, room: Room) -> String {
    let columns: Vec<(usize, &Column)> = table.shown(room).collect();
    let line = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    let header = line(columns.iter().map(|(_, column)| column.name.to_owned()).collect());
    let rule = line(columns.iter().map(|(_, column)| if column.is_number { "--:" } else { "---" }.to_owned()).collect());
    let rows = table.rows.iter().map(|row| line(columns.iter().map(|(at, _)| cell(&row[*at])).collect()));
    [header, rule].into_iter().chain(rows).collect::<Vec<_>>().join("\n")
}

fn cell(cell: &Cell) -> String {
    let text = escape(cell.text());
    match cell {
        Cell::Marked(mark @ (Mark::Works | Mark::Fails), _) => format!("{} {text}", plain_mark(*mark)),
        Cell::Verdict(verdict) => format!("{} {text}", sign(*verdict)),
        Cell::Text(_) | Cell::Name(..) | Cell::Value(..) | Cell::Marked(..) | Cell::Missing(_) => text,
    }
}

/// Longer tables are folded, so that what comes after them is found.
const UNFOLDED: usize = 40;

fn folded(rows: &Table) -> String {
    let (count, text) = (rows.rows.len(), table(rows, Room::Document));
    if count > UNFOLDED { format!("<details><summary>{count} rows</summary>\n\n{text}\n\n</details>") } else { text }
}

/// Sentences as a list.
pub(super) fn list(items: &[String]) -> String {
    items.iter().map(|item| format!("- {}", prose(item))).collect::<Vec<_>>().join("\n")
}

/// A code block whose fence is longer than any run of backticks in it.
pub(super) fn fenced(language: &str, text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{text}\n{fence}")
}

/// A sentence in which backquotes mark code; the rest is literal text, and so is all of it where a backquote has no partner.
pub(super) fn prose(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    let is_code = |at: usize, part: &str| at % 2 == 1 && !part.trim().is_empty();
    if parts.len().is_multiple_of(2) || parts.iter().enumerate().any(|(at, part)| at % 2 == 1 && !is_code(at, part)) {
        return escape(text);
    }
    parts.iter().enumerate().map(|(at, part)| if is_code(at, part) { format!("`{part}`") } else { escape(part) }).collect()
}

/// Text from outside as literal text: nothing in it formats, links, mentions or ends a cell. An underscore within a word
/// formats nothing, and words such as `not_found` stay readable in the source.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '_' if before.is_alphanumeric() && rest.peek().is_some_and(|next| next.is_alphanumeric()) => out.push(c),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' => out.extend(['\\', c]),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '@' => out.push_str("&#64;"),
            c => out.push(c),
        }
        before = c;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn code_in_a_sentence_is_code_and_the_rest_is_literal() {
        assert_eq!(prose("see `GET /a_b/{id}` and *x*"), "see `GET /a_b/{id}` and \\*x\\*");
        assert_eq!(prose("one ` alone"), "one \\` alone");
        assert_eq!(prose("empty `` code"), "empty \\`\\` code");
    }

    #[test]
    fn every_kind_of_run_reads_as_in_its_snapshot() {
        for (name, view) in samples::all() {
            insta::assert_snapshot!(name, markdown(&view));
        }
    }

    #[test]
    fn every_row_of_a_table_has_as_many_cells_as_its_header() {
        let cells = |line: &str| line.replace(r"\|", "").matches('|').count();
        for (name, view) in samples::all() {
            let text = markdown(&view);
            let mut header = None;
            for line in text.lines() {
                if !line.starts_with("| ") {
                    header = None;
                    continue;
                }
                assert_eq!(cells(line), *header.get_or_insert_with(|| cells(line)), "{name}: {line}");
            }
        }
    }

    #[test]
    fn a_long_table_is_folded() {
        let long = |rows| folded(&Table::new([Column::text("a")], (0..rows).map(|n: usize| [n.to_string().into()])));
        assert!(!long(40).contains("<details>"));
        assert!(long(41).starts_with("<details><summary>41 rows</summary>\n\n| a |"), "a table needs a blank line before it");
    }

    #[test]
    fn text_from_a_server_stays_text() {
        assert_eq!(escape("a|b `c` <img> @all [x](y) not_found _x_"), r"a\|b \`c\` &lt;img&gt; &#64;all \[x\](y) not_found \_x\_");
        assert_eq!(fenced("sh", "a ``` b"), "````sh\na ``` b\n````");
    }
}
