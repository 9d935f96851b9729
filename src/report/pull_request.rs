//! Markdown for a comment on a pull request, or a step's summary: the answer first, the proof folded.

use std::fmt::Write as _;

use crate::report::markdown::{about, answers, causes, escape, evidence, guarantees, list, prose, repeat, sign, table, unseen};
use crate::report::table::Room;
use crate::report::tables;
use crate::report::view::{ScenarioRow, View};
use crate::report::words;
use crate::verdict::Verdict;

/// What GitHub takes for one comment, in characters; counted here in bytes, which are never fewer.
const MOST: usize = 65_536;

/// So many scenarios are listed; those that did not pass come first.
const ROWS: usize = 20;

/// The run as a comment of at most 65,536 characters. It begins with a mark in an HTML comment, the same for each run against
/// one target, by which a bot finds the comment that it is to replace. Ends with a newline.
pub fn pull_request(view: &View) -> String {
    let mut text = format!(
        "<!-- statusgap:{} -->\n### {} statusgap: {}\n\n**{}.**\n",
        mark(&view.run.target),
        sign(view.verdict),
        view.verdict.word(),
        escape(&view.headline)
    );
    for notice in &view.notices {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n> [!WARNING]\n> {}\n", prose(notice));
    }
    let _ = write!(text, "\n{}\n", answers(view));
    if let Some(second) = &view.second_opinion {
        let _ = write!(text, "\n{}\n", escape(&format!("{}.", words::sentence_case(&words::sentence(&second.told)))));
    }
    if !view.scenarios.is_empty() {
        let _ = write!(text, "\n{}\n", scenarios(view));
    }

    let next_step = format!("**Next step.** {}", prose(&view.next_step));
    let sections = [next_step, reasons(view), evidence(view), causes(view), guarantees(view), repeat(view), unseen(view), about(view)];
    let (open, close) = ("\n<details><summary>Evidence, causes, and how to repeat it</summary>\n", "\n</details>\n");
    let cut = "\nThe rest did not fit; it is in the run's report.\n";
    text.push_str(open);
    let mut left_out = false;
    for section in sections.iter().filter(|section| !section.is_empty()) {
        if text.len() + section.len() + 2 + cut.len() + close.len() > MOST {
            left_out = true;
            continue;
        }
        let _ = write!(text, "\n{}\n", section.trim_end());
    }
    if left_out {
        text.push_str(cut);
    }
    text.push_str(close);
    text
}

/// A target's name as part of an HTML comment, which must not contain what would end it.
fn mark(target: &str) -> String {
    let words: Vec<&str> = target.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join("-")
}

fn scenarios(view: &View) -> String {
    let mut rows: Vec<&ScenarioRow> = view.scenarios.iter().collect();
    rows.sort_by_key(|row| row.verdict == Verdict::Pass);
    let more = rows.len().saturating_sub(ROWS);
    let mut text = table(&tables::scenarios(rows.into_iter().take(ROWS)), Room::Narrow);
    if more > 0 {
        let _ = write!(text, "\n\nand {more} more");
    }
    text
}

fn reasons(view: &View) -> String {
    if view.reasons.is_empty() { String::new() } else { format!("## Why\n\n{}", list(&view.reasons)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn a_run_reads_as_in_its_snapshot() {
        for (name, view) in samples::all().into_iter().filter(|(name, _)| ["seed_bug", "partial"].contains(name)) {
            insta::assert_snapshot!(name, pull_request(&view));
        }
    }

    #[test]
    fn a_comment_is_never_longer_than_the_host_takes() {
        let mut view = samples::view(&samples::seed_bug());
        view.evidence = view.evidence.iter().cycle().take(5000).cloned().collect();
        view.scenarios = view.scenarios.iter().cycle().take(5000).cloned().collect();
        let text = pull_request(&view);
        assert!(text.len() <= MOST, "{}", text.len());
        assert!(text.contains("The rest did not fit") && text.contains("and 4980 more"));
        assert!(text.trim_end().ends_with("</details>"), "it is closed");
        assert!(text.contains("## How to repeat"), "a section that fits is not lost to one that does not");
    }

    #[test]
    fn the_mark_stays_one_whatever_the_target_is_called() {
        assert_eq!(mark("a --> <b> -- c"), "a-b-c");
    }
}
