//! A workflow command: what GitHub shows beside a run and on the changed files' page. One for a run: GitHub keeps ten of a step's
//! annotations, and a reader looks at one.

use crate::report::view::View;
use crate::verdict::Verdict;

/// The run as one annotation, with all four answers in at most 200 characters. Ends with a newline.
pub fn github(view: &View) -> String {
    let title = format!("statusgap {}: {}", view.verdict.word(), view.run.target);
    // Of what must be known before the rest is read, the label: PARTIAL RUN, TORN LOG.
    let labels: Vec<&str> = view.notices.iter().filter_map(|notice| notice.split([':', ';']).next()).collect();
    let labels = if labels.is_empty() { String::new() } else { format!(" [{}]", labels.join(", ")) };
    command(level(view.verdict), &format!("{title}{labels}"), &view.answers.line)
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
    fn a_run_is_one_annotation_whatever_it_found() {
        for (name, mut view) in samples::all() {
            view.scenarios = view.scenarios.iter().cycle().take(30).cloned().collect();
            let text = github(&view);
            assert_eq!(text.lines().count(), 1, "{name}: {text}");
            let message = text.splitn(3, "::").last().unwrap_or_default().trim_end().replace("%25", "%");
            assert!(message.chars().count() <= 200, "{name}: {message}");
        }
    }
}
