//! The terminal: what a tired on-call engineer needs, on one screen.
//!
//! The headline comes first, since a log scrolls; the next step comes last, since that is where the eye is when the command
//! has ended. Between them one table, what was broken with its first proof, and the window in a curve and a line.

use crate::report::layout::{MARGIN, Page, Style, code};
use crate::report::plot::Plot;
use crate::report::view::{Standing, View};
use crate::report::{tables, words};
use crate::verdict::Verdict;

/// Below so many columns scenarios are stacked instead of tabulated.
const TABLE_FROM: usize = 80;
/// At most so many things unseen are told here; the markdown report tells all.
const UNSEEN: usize = 4;
/// At most so many steps of the clearest scan are told here.
const STEPS: usize = 8;
/// At most so many broken guarantees, and other reasons, are told here.
const TOLD: usize = 6;

/// The report for a terminal. Ends with a newline.
pub fn terminal(view: &View, style: Style) -> String {
    let mut page = Page::new(style);
    page.headline(view);
    page.scenarios(view);
    page.broken(view);
    page.timeline(view);
    page.window(view);
    page.causes(view);
    page.twin(view);
    page.inside(view);
    page.unseen(view);
    page.section("jobs", &view.jobs.told().into_iter().collect::<Vec<_>>());
    page.section("sent", &view.punctual().into_iter().collect::<Vec<_>>());
    page.section("next", std::slice::from_ref(&view.next_step));
    if !view.repeat.command.is_empty() {
        let lines = command_lines(&view.repeat.command, page.style.width - MARGIN);
        page.block("repeat", &lines);
    }
    page.by_hand(view);
    page.text
}

impl Page {
    fn headline(&mut self, view: &View) {
        let word = view.verdict.word().to_uppercase();
        let indent = word.len() + 2;
        let lines = words::wrap(&view.headline, self.style.width - indent);
        for (place, line) in lines.iter().enumerate() {
            if place == 0 {
                let word = self.style.paint(&word, &format!("1;{}", code(view.verdict)));
                self.line(&format!("{word}  {line}"));
            } else {
                self.line(&format!("{:indent$}{line}", ""));
            }
        }
        let run = &view.run;
        let what = match &run.service {
            Some(service) => format!("{} at {} ({service})", run.target, run.base_url),
            None => format!("{} at {}", run.target, run.base_url),
        };
        self.section("target", &[what]);
        self.section("note", &view.notices);
        let mut reasons: Vec<String> = view.other_reasons.iter().take(TOLD).cloned().collect();
        if view.other_reasons.len() > TOLD {
            let more = (view.other_reasons.len() - TOLD) as u64;
            reasons.push(format!("and {}, all in report.md", words::counted(more, "more reason")));
        }
        self.section("because", &reasons);
        let second = view.second_opinion.iter().map(|second| words::sentence(&second.told));
        self.section("client", &second.collect::<Vec<_>>());
        self.line("");
    }

    fn scenarios(&mut self, view: &View) {
        if view.scenarios.is_empty() {
            return;
        }
        self.table(&tables::scenarios(&view.scenarios), TABLE_FROM);
        self.line("");
    }

    fn twin(&mut self, view: &View) {
        let Some(twin) = &view.twin else { return };
        let width = self.style.width - MARGIN;
        let mut lines = words::wrap(&twin.statement, width);
        if let Some(separation) = &twin.separation {
            lines.extend(words::wrap(separation, width));
        }
        if let Some(reproducer) = &twin.reproducer {
            lines.extend(command_lines(&reproducer.run, width));
        }
        self.block("twin", &lines);
    }

    fn broken(&mut self, view: &View) {
        let broken: Vec<_> = view.guarantees.iter().filter(|row| row.standing == Standing::Broken).collect();
        let mut told = Vec::new();
        let width = self.style.width - MARGIN;
        for row in broken.iter().take(TOLD) {
            let line =
                format!("{} {} in {} of {}: {}", row.code, row.name, words::count(row.broken), words::count(row.checked), row.promise);
            told.extend(words::wrap(&line, width));
            if let Some(proof) = row.evidence.first() {
                told.extend(words::wrap(proof, width - 2).into_iter().map(|line| format!("  {line}")));
            }
        }
        if broken.len() > TOLD {
            told.push(format!("and {} more, all in report.md", broken.len() - TOLD));
        }
        // Beside another verdict these lines would read as a failure of the run.
        let (heading, why) = match view.verdict {
            Verdict::Fail => ("broken", None),
            Verdict::Pass => ("seen", Some("within what the scenarios tolerate or expect:")),
            Verdict::Inconclusive if !view.assessable => ("seen", None),
            Verdict::Inconclusive => ("seen", Some("no verdict rests on this, for the reason above:")),
        };
        if let Some(why) = why.filter(|_| !told.is_empty()) {
            told.splice(0..0, words::wrap(why, width));
        }
        self.block(heading, &told);
        self.unclear(view);
    }

    /// What proves nothing, and should be known all the same: beside what was kept, since what was not assessed says so elsewhere.
    fn unclear(&mut self, view: &View) {
        let width = self.style.width - MARGIN;
        let rows = view.guarantees.iter().filter(|row| row.standing != Standing::NotAssessed);
        let lines = rows.flat_map(|row| row.unclear.iter().map(|why| format!("{}: {why}", row.name)));
        let told: Vec<String> = lines.flat_map(|line| words::wrap(&line, width)).collect();
        self.block("unclear", &told);
    }

    /// The clearest scan, step by step: only where something went wrong, since a healthy one tells nothing.
    fn timeline(&mut self, view: &View) {
        let Some(timeline) = view.timeline.as_ref().filter(|_| view.verdict == Verdict::Fail) else { return };
        let width = self.style.width - MARGIN;
        let mut lines = Vec::new();
        for step in timeline.steps.iter().take(STEPS) {
            let worker = step.worker.as_ref().map_or_else(String::new, |worker| format!(" [worker {worker}]"));
            let times =
                if step.times > 1 { format!(" ({} times, until {})", step.times, words::age(step.until_ms)) } else { String::new() };
            let line = format!("{:>8}  {}: {}{worker}{times}", words::age(step.at_ms), step.asked, step.told);
            lines.extend(
                words::wrap(&line, width)
                    .into_iter()
                    .enumerate()
                    .map(|(place, part)| if place == 0 { line_start(&line, &part) } else { format!("{:10}{part}", "") }),
            );
        }
        if timeline.steps.len() > STEPS {
            lines.push(format!("{:10}and {}, all in report.md", "", words::counted((timeline.steps.len() - STEPS) as u64, "more step")));
        }
        self.block("scan", &lines);
    }

    /// The smallest set of requests that shows it, where the terminal is wide enough for them to be pasted.
    fn by_hand(&mut self, view: &View) {
        // A service that the run started itself is gone by now.
        let shows = view.verdict == Verdict::Fail && view.run.service.is_none();
        let Some(snippet) = view.repeat.snippet.as_ref().filter(|_| shows) else { return };
        let width = self.style.width - MARGIN;
        if snippet.lines().all(|line| line.chars().count() <= width) {
            let lines: Vec<String> = snippet.lines().map(str::to_owned).collect();
            self.block("by hand", &lines);
        } else {
            self.section("by hand", &["report.md has the curl commands that show it".to_owned()]);
        }
    }

    fn window(&mut self, view: &View) {
        let window = &view.window;
        if window.scans + window.flapping == 0 || !view.assessable {
            return;
        }
        let width = self.style.width - MARGIN;
        let mut lines = Vec::new();
        if let Some(instead) = &window.instead {
            lines.extend(words::wrap(instead, width));
        } else if let Some(plot) = Plot::of(&window.curve) {
            let end = words::age(plot.end_ms);
            let caption = if width >= 90 { "  share of scans visible by age" } else { "" };
            let room = width.saturating_sub(5 + end.chars().count() + caption.chars().count()).min(60);
            lines.push(format!("0 ▕{}▏ {end}{caption}", plot.line(room)));
        }
        let told: Vec<String> = window.quantiles.iter().take(3).map(|row| format!("{} {}", row.label, row.told)).collect();
        if window.scans > 0 && window.instead.is_none() {
            lines.extend(words::wrap(&told.join(" · "), width));
        }
        lines.extend(words::wrap(&window.safe.told, width));
        self.block("window", &lines);
    }

    fn causes(&mut self, view: &View) {
        let width = self.style.width - MARGIN;
        let mut told = Vec::new();
        for cause in view.causes.iter().take(2) {
            told.extend(words::wrap(&format!("{}, {} evidence: {}", cause.named, cause.strength, cause.mechanism), width));
            if let Some(evidence) = cause.evidence.first() {
                told.extend(words::wrap(evidence, width - 2).into_iter().map(|line| format!("  {line}")));
            }
        }
        for pattern in &view.patterns {
            told.extend(words::wrap(&format!("no class: {}{}", pattern.statement, words::may_be(&pattern.possible_named)), width));
        }
        self.block("cause", &told);
    }

    /// What the target says of itself: where in the code it is, and whether that fits.
    fn inside(&mut self, view: &View) {
        let Some(inside) = &view.inside else { return };
        let mut told = vec![inside.statement.clone()];
        told.extend(inside.evidence.iter().filter(|one| one.agrees != Some(false)).map(|one| one.sentence.clone()));
        told.extend(inside.contradictions.iter().cloned());
        told.extend(inside.lost.clone());
        self.section("inside", &told);
    }

    fn unseen(&mut self, view: &View) {
        let mut told: Vec<String> = view.unseen.iter().take(UNSEEN).cloned().collect();
        if view.unseen.len() > UNSEEN {
            told.push(format!(
                "and {}, all in report.md",
                words::counted((view.unseen.len() - UNSEEN) as u64, "more limit of this verdict")
            ));
        }
        self.section("unseen", &told);
    }
}

/// The first part of a wrapped line, with the blanks before it that wrapping takes away.
fn line_start(line: &str, part: &str) -> String {
    let blanks = line.len() - line.trim_start().len();
    format!("{:blanks$}{part}", "")
}

/// A shell command over several lines, broken only where the shell allows it: at blanks outside quotes.
pub(super) fn command_lines(command: &str, width: usize) -> Vec<String> {
    let mut words_of_it = vec![String::new()];
    let mut quote = None;
    for c in command.chars() {
        if c == ' ' && quote.is_none() {
            words_of_it.push(String::new());
            continue;
        }
        if quote == Some(c) {
            quote = None;
        } else if quote.is_none() && (c == '\'' || c == '"') {
            quote = Some(c);
        }
        if let Some(word) = words_of_it.last_mut() {
            word.push(c);
        }
    }
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in words_of_it.into_iter().filter(|word| !word.is_empty()) {
        let columns = line.chars().count() + 1 + word.chars().count();
        // Two columns are kept free for the mark that the command goes on.
        if !line.is_empty() && columns + 2 > width {
            lines.push(format!("{line} \\"));
            line = String::from("  ");
        } else if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::layout::Colour;
    use crate::report::samples;

    #[test]
    fn no_line_is_longer_than_the_terminal_is_wide() {
        for (name, view) in samples::all() {
            for width in [60, 80, 100, 120] {
                let text = terminal(&view, Style { width, colour: Colour::Off });
                for line in text.lines() {
                    assert!(line.chars().count() <= width, "{name} at {width}: {line}");
                }
            }
        }
    }

    #[test]
    fn colour_only_repeats_what_the_words_say() {
        let escapes = regex::Regex::new("\u{1b}\\[[0-9;]*m").expect("a right expression");
        for (name, view) in samples::all() {
            let plain = terminal(&view, Style { width: 100, colour: Colour::Off });
            let coloured = terminal(&view, Style { width: 100, colour: Colour::On });
            let stripped: Vec<String> = coloured.lines().map(|line| escapes.replace_all(line, "").trim_end().to_owned()).collect();
            assert_eq!(stripped.join("\n") + "\n", plain, "{name}");
            assert!(!plain.contains('\u{1b}'), "{name}: an escape without colour, or from a server");
        }
    }

    #[test]
    fn every_kind_of_run_reads_as_in_its_snapshot() {
        for (name, view) in samples::all() {
            insta::assert_snapshot!(format!("{name}_80"), terminal(&view, Style { width: 80, colour: Colour::Off }));
        }
        let view = samples::view(&samples::seed_bug());
        insta::assert_snapshot!("seed_bug_60", terminal(&view, Style { width: 60, colour: Colour::Off }));
        insta::assert_snapshot!("seed_bug_120", terminal(&view, Style { width: 120, colour: Colour::Off }));
    }

    #[test]
    fn a_long_command_can_still_be_pasted() {
        let lines = command_lines("statusgap run immediate --target 'my target.toml' --seed 7", 34);
        assert_eq!(lines, ["statusgap run immediate --target \\", "  'my target.toml' --seed 7"]);
    }
}
