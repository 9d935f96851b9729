//! Workflow commands: what GitHub shows beside a run and on the changed files' page.
//!
//! GitHub keeps ten annotations of a kind for each step and drops the rest without a word, so the rest is counted here.

use crate::report::view::View;
use crate::verdict::Verdict;

/// So many annotations of one kind are kept for a step.
const MOST: usize = 10;

/// The run as annotations, the verdict first. Ends with a newline.
pub fn github(view: &View) -> String {
    let (first, told) = (level(view.verdict), view.verdict.word());
    let mut annotations = vec![(first, format!("statusgap {told}: {}", view.run.target), format!("{}\n{}", view.headline, view.next_step))];
    annotations.extend(view.notices.iter().map(|notice| ("warning", "statusgap".to_owned(), notice.clone())));
    for scenario in view.scenarios.iter().filter(|scenario| scenario.verdict != Verdict::Pass) {
        let title = format!("statusgap {}: {}", scenario.verdict.word(), scenario.name);
        annotations.push((level(scenario.verdict), title, scenario.reasons.join("\n")));
    }
    let mut text = String::new();
    for kind in ["error", "warning", "notice"] {
        let all: Vec<_> = annotations.iter().filter(|(level, ..)| *level == kind).collect();
        let kept = if all.len() > MOST { MOST - 1 } else { all.len() };
        for (level, title, message) in &all[..kept] {
            text.push_str(&command(level, title, message));
        }
        if all.len() > kept {
            text.push_str(&command(kind, "statusgap", &format!("and {} more, in the report", all.len() - kept)));
        }
    }
    text
}

fn level(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "notice",
        Verdict::Inconclusive => "warning",
        Verdict::Fail => "error",
    }
}

/// One workflow command. A message ends at its line's end, a property at a comma or a colon as well.
fn command(level: &str, title: &str, message: &str) -> String {
    let data = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    format!("::{level} title={}::{}\n", data(title).replace(':', "%3A").replace(',', "%2C"), data(message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn every_kind_of_run_reads_as_in_its_snapshot() {
        for (name, view) in samples::all() {
            insta::assert_snapshot!(name, github(&view));
        }
    }

    #[test]
    fn what_would_end_a_command_is_escaped() {
        assert_eq!(
            command("error", "a: 5 %, b", "5 %: x, y\r\n::error::z"),
            "::error title=a%3A 5 %25%2C b::5 %25: x, y%0D%0A::error::z\n"
        );
    }

    #[test]
    fn of_too_many_annotations_the_last_one_says_how_many_are_left_out() {
        let mut view = samples::view(&samples::seed_bug());
        let scenario = view.scenarios[0].clone();
        view.scenarios = vec![scenario; 30];
        let text = github(&view);
        let errors: Vec<&str> = text.lines().filter(|line| line.starts_with("::error")).collect();
        assert_eq!((errors.len(), errors[9]), (10, "::error title=statusgap::and 22 more, in the report"));
    }
}
