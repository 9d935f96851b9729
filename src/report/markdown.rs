//! The report as GitHub-flavoured markdown: the analysis that a careful engineer would have written, made of what was seen.
//!
//! The plot stands twice. As a mermaid chart it is drawn by the code-hosting sites; as text it reads in a mail, a diff or a
//! terminal, and alone can shade what the brackets leave open.

use std::fmt::Write as _;

use crate::report::plot::Plot;
use crate::report::view::{Mark, Standing, View};
use crate::report::words;
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
        lines.extend([String::new(), "> [!WARNING]".to_owned(), format!("> {}", escape(notice))]);
    }
    if !view.reasons.is_empty() {
        lines.push(String::new());
        lines.extend(view.reasons.iter().map(|reason| format!("- {}", escape(reason))));
    }
    lines.extend([String::new(), format!("**Next step.** {}", escape(&view.next_step))]);
    lines.join("\n")
}

fn timeline(view: &View) -> String {
    let Some(timeline) = &view.timeline else { return String::new() };
    let rows: Vec<(String, String, String)> = timeline
        .steps
        .iter()
        .map(|step| {
            let when = if step.times == 1 { words::age(step.at_ms) } else { words::between(step.at_ms, Some(step.until_ms)) };
            let asked = match step.kind {
                Some(_) => format!("{} ({})", step.asked, step.connection.word()),
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
    )
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
    let rows = view.evidence.iter().map(|row| {
        let mark = plain_mark(row.mark);
        let gap = if mark.is_empty() { "" } else { " " };
        vec![escape(&row.check), escape(&row.timing), format!("{mark}{gap}{}", escape(&row.result)), escape(&row.evidence)]
    });
    format!("## Evidence\n\n{}", table(&["Check", "Timing", "Result", "Evidence"], "llll", rows))
}

fn scenarios(view: &View) -> String {
    if view.scenarios.is_empty() {
        return String::new();
    }
    let rows = view.scenarios.iter().map(|row| {
        let scans =
            if row.accepted == row.initiates { words::count(row.accepted) } else { format!("{} of {}", row.accepted, row.initiates) };
        vec![
            escape(&row.name),
            escape(&row.title),
            scans,
            escape(&row.denied),
            escape(&row.window.short),
            format!("{} {}", sign(row.verdict), row.verdict.word()),
        ]
    });
    let mut text = format!("## Scenarios\n\n{}", table(&["Scenario", "What", "Scans", "not_found", "Window", "Verdict"], "llrlll", rows));
    let reasons: Vec<String> = view
        .scenarios
        .iter()
        .filter(|row| row.verdict != Verdict::Pass)
        .flat_map(|row| row.reasons.iter().map(move |reason| format!("- {}: {}", escape(&row.name), escape(reason))))
        .collect();
    if !reasons.is_empty() {
        let _ = write!(text, "\n\n{}", reasons.join("\n"));
    }
    text
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
    let mut text = format!("## The window\n\n{}\n\n**{}.**", window.basis(), sentence_case(&window.safe.told));
    if window.scans == 0 {
        return text;
    }
    let quantiles = window.quantiles.iter().map(|row| {
        // Limits of a quantile that is not to be told would be read as the quantile.
        let limits = if row.told_at_all { row.limits() } else { "–".to_owned() };
        vec![row.label.clone(), escape(&row.told), limits]
    });
    let _ = write!(text, "\n\n{}", table(&["Quantile", "Window", "95 % limits"], "lll", quantiles));
    // Without a denial the curve shows when somebody looked, and nothing of the service.
    if let Some(plot) = Plot::of(&window.curve).filter(|_| window.instead.is_none()) {
        let _ = write!(text, "\n\n{}\n\n{}", mermaid(plot), fenced("text", &plot.chart(60, 8).join("\n")));
        text.push_str("\n\nShare of scans visible by age. Where the text plot is shaded (░), the polls leave open how the curve rises.");
    }
    if !window.visible_by.is_empty() {
        let shares = window.visible_by.iter().map(|by| {
            vec![words::age(by.t_ms), words::share_between(by.share_from, by.share_to), words::share_between(by.lower, by.upper)]
        });
        let _ = write!(text, "\n\n{}", folded(table(&["Visible by", "Share of scans", "95 % limits"], "rrr", shares)));
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
    let rows: Vec<Vec<String>> = view
        .scenarios
        .iter()
        .flat_map(|scenario| scenario.offsets.iter().map(move |row| (scenario, row)))
        .map(|(scenario, row)| {
            vec![
                escape(&scenario.name),
                row.at.clone(),
                row.connection.word().to_owned(),
                words::count(row.polls),
                words::count(row.not_found),
                words::count(row.other),
                words::count(row.late),
                row.rate.map_or_else(|| "–".to_owned(), words::share),
                if row.scans > 0 { words::share_between(row.lower, row.upper) } else { "–".to_owned() },
            ]
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let header = ["Scenario", "Age", "Connection", "Polls", "not_found", "Other", "Late", "Rate", "95 % limits"];
    format!(
        "## not_found by age and connection\n\n{}\n\nLimits (Clopper–Pearson) are for the share of scans denied at that age: polls of one scan are not independent. \
         Late polls left outside the scenario's tolerance and do not count; other polls said neither visible nor not_found.",
        folded(table(&header, "lrlrrrrrr", rows.into_iter()))
    )
}

pub(super) fn causes(view: &View) -> String {
    if view.causes.is_empty() && view.ruled_out.is_empty() && view.undecided.is_empty() && view.patterns.is_empty() {
        return String::new();
    }
    let mut text = "## Diagnosis".to_owned();
    for cause in &view.causes {
        let _ = write!(text, "\n\n### {}, {} evidence\n\n{}", sentence_case(&cause.named), cause.strength, escape(&cause.mechanism));
        let evidence: Vec<String> = cause.evidence.iter().map(|told| format!("- {}", escape(told))).collect();
        if !evidence.is_empty() {
            let _ = write!(text, "\n\n{}", evidence.join("\n"));
        }
        let _ = write!(text, "\n\n**Cure.** {}", escape(&cause.cure));
    }
    for pattern in &view.patterns {
        let may_be = words::may_be(&pattern.possible_named);
        let _ = write!(
            text,
            "\n\n### No class is named\n\n{}{may_be}\n\n**Ask next.** {}",
            escape(&pattern.statement),
            escape(pattern.ask_next)
        );
    }
    if !view.ruled_out.is_empty() {
        let rows = view.ruled_out.iter().map(|row| vec![row.class.to_owned(), row.name.to_owned(), escape(&row.by)]);
        let _ = write!(text, "\n\nRuled out:\n\n{}", table(&["Class", "Name", "By"], "lll", rows));
    }
    if !view.undecided.is_empty() {
        let lines: Vec<String> = view.undecided.iter().map(|told| format!("- {}", escape(told))).collect();
        let _ = write!(text, "\n\nUndecided:\n\n{}", lines.join("\n"));
    }
    text
}

pub(super) fn guarantees(view: &View) -> String {
    let rows = view.guarantees.iter().map(|row| {
        let (standing, proof) = match &row.standing {
            Standing::Kept => ("✅ kept", escape(&row.unclear.join("; "))),
            Standing::Broken => ("❌ broken", escape(row.evidence.first().map_or("", String::as_str))),
            Standing::NotAssessed(why) => ("not assessed", escape(why)),
        };
        vec![row.name.to_owned(), row.promise.to_owned(), standing.to_owned(), words::count(row.checked), words::count(row.broken), proof]
    });
    let mut text = format!(
        "## Guarantees\n\n{}",
        table(&["Guarantee", "Promise", "Standing", "Checked", "Broken", "First proof, or why not"], "lllrrl", rows)
    );
    for row in view.guarantees.iter().filter(|row| row.evidence.len() > 1) {
        let proofs: Vec<String> = row.evidence.iter().map(|told| format!("- {}", escape(told))).collect();
        let _ = write!(text, "\n\n<details><summary>Proofs: {}</summary>\n\n{}\n\n</details>", row.name, proofs.join("\n"));
    }
    text
}

fn latency(view: &View) -> String {
    if view.latency.is_empty() {
        return String::new();
    }
    let ms = |value: f64| format!("{value:.2}");
    let told = |value: Option<f64>| value.map_or_else(|| "n too small".to_owned(), ms);
    let rows = view.latency.iter().flat_map(|row| {
        [("sent", &row.sent), ("planned", &row.planned)].map(|(from, trip)| {
            vec![row.name.clone(), from.to_owned(), words::count(trip.count), told(trip.p50), told(trip.p90), told(trip.p99), ms(trip.max)]
        })
    });
    let punctual = view.punctual().map_or_else(String::new, |told| format!(" {told}"));
    format!(
        "## Latency\n\nRound trips in milliseconds, to the last byte; counted from the actual sending, and from the planned one, which a late sender cannot flatter.\
         {punctual}\n\n{}",
        table(&["Exchange", "From", "Count", "p50", "p90", "p99", "Max"], "llrrrrr", rows)
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
    let lines: Vec<String> = view.unseen.iter().map(|told| format!("- {}", escape(told))).collect();
    format!("## What could not be seen\n\n{}", lines.join("\n"))
}

pub(super) fn about(view: &View) -> String {
    let run = &view.run;
    let mut rows = vec![
        ["Target".to_owned(), format!("{} at {}", escape(&run.target), escape(&run.base_url))],
        ["Started".to_owned(), escape(&run.started)],
        ["Run".to_owned(), escape(&run.run_id)],
        ["Tool".to_owned(), escape(&run.tool)],
        ["Timer".to_owned(), format!("{}, resolution {} ns", escape(&run.timer), (run.resolution_ms * 1e6).round())],
        ["Machine".to_owned(), format!("{}, {}", escape(&run.system), words::counted(u64::from(run.processors), "processor"))],
        ["Exchanges".to_owned(), words::count(run.exchanges)],
    ];
    rows.extend(view.jobs().map(|jobs| ["Jobs".to_owned(), escape(&jobs)]));
    if let Some(service) = &run.service {
        rows.insert(1, ["Service".to_owned(), escape(service)]);
    }
    format!("## About this run\n\n{}", table(&["", ""], "ll", rows.into_iter().map(Vec::from)))
}

pub(super) fn sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✅",
        Verdict::Fail => "❌",
        Verdict::Inconclusive => "⚠️",
    }
}

/// A table; `align` has an `l` or `r` for each column. Cells must be escaped.
pub(super) fn table(header: &[&str], align: &str, rows: impl Iterator<Item = Vec<String>>) -> String {
    let rule: Vec<&str> = align.chars().map(|side| if side == 'r' { "--:" } else { "---" }).collect();
    let mut lines = vec![format!("| {} |", header.join(" | ")), format!("| {} |", rule.join(" | "))];
    lines.extend(rows.map(|cells| format!("| {} |", cells.join(" | "))));
    lines.join("\n")
}

/// Longer tables are folded, so that what comes after them is found.
const UNFOLDED: usize = 40;

fn folded(table: String) -> String {
    let rows = table.lines().count().saturating_sub(2);
    if rows > UNFOLDED { format!("<details><summary>{rows} rows</summary>\n\n{table}\n\n</details>") } else { table }
}

/// A code block whose fence is longer than any run of backticks in it.
pub(super) fn fenced(language: &str, text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{text}\n{fence}")
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

pub(super) fn sentence_case(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

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
        let long = |rows| folded(table(&["a"], "l", (0..rows).map(|n: usize| vec![n.to_string()])));
        assert!(!long(40).contains("<details>"));
        assert!(long(41).starts_with("<details><summary>41 rows</summary>\n\n| a |"), "a table needs a blank line before it");
    }

    #[test]
    fn text_from_a_server_stays_text() {
        assert_eq!(escape("a|b `c` <img> @all [x](y) not_found _x_"), r"a\|b \`c\` &lt;img&gt; &#64;all \[x\](y) not_found \_x\_");
        assert_eq!(fenced("sh", "a ``` b"), "````sh\na ``` b\n````");
    }
}
