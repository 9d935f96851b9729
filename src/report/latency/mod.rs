//! The latency report: how long jobs of a deployment take, against the run before and over time. For whoever owns that latency, and
//! reads it once a week rather than when something broke.
//!
//! In go the views of one run or of several, out come tables, a page and a picture. The newest run is reported; the others are its
//! history. Numbers of two runs stand side by side, and a difference is called one only where the limits of both exclude that there is
//! none (`change`); a test over all of it is what a comparison is for.

mod change;
mod html;
mod json;
mod markdown;
mod svg;
mod tables;

use crate::report::trend::Denied;
use crate::report::view::View;
use crate::report::words;

pub use html::html;
pub use json::{json, schema};
pub use markdown::markdown;
pub use svg::svg;

/// The runs of a latency report.
#[derive(Debug, Clone)]
pub struct Latency<'a> {
    /// All runs by the time they began; the newest is the last one.
    runs: Vec<&'a View>,
    /// The run that the newest one is held against.
    before: Option<&'a View>,
    /// What keeps the runs from being compared.
    warnings: Vec<String>,
}

impl<'a> Latency<'a> {
    /// A report on one run.
    pub fn of(view: &'a View) -> Latency<'a> {
        Latency { runs: vec![view], before: None, warnings: Vec::new() }
    }

    /// A report on the newest of several runs, held against `before` or, without one, against the run that began last before it.
    /// `None` without a run.
    pub fn over(runs: impl IntoIterator<Item = &'a View>, before: Option<&'a View>, warnings: Vec<String>) -> Option<Latency<'a>> {
        let mut runs: Vec<&View> = runs.into_iter().collect();
        runs.sort_by_key(|view| (view.run.began.is_none(), view.run.began));
        let last = runs.len().checked_sub(2).map(|place| runs[place]);
        (!runs.is_empty()).then(|| Latency { before: before.or(last), runs, warnings })
    }

    /// The run that is reported.
    fn newest(&self) -> &'a View {
        // Both ways to make a report give it a run.
        self.runs[self.runs.len() - 1]
    }
}

/// How many jobs were denied, and when the run began, in a line.
fn lead(view: &View) -> String {
    let denied = Denied::of(view);
    let noun = view.timing.noun.one();
    let denied =
        if denied.of == 0 { format!("no {noun} was polled") } else { format!("not found although accepted: {}", denied.told(&view.noun)) };
    format!("{} accepted; {denied}", words::counted(view.timing.jobs, noun))
}

/// `2026-02-01 08:00`: a moment as a table's cell has room for it.
fn day_and_minute(started: &str) -> String {
    let minute: String = started.chars().take(16).collect();
    minute.replace('T', " ")
}

/// What the numbers are, for whoever reads them for the first time.
const NOTE: &str = "POST and polls: from the sending to the last byte of the answer. POST to visible and to done: from the end of the POST's \
     answer until status knows the job, and until it says that the job has ended. Polls tell only between which two of them that was, so these are \
     intervals. In brackets: 95 % limits, exact whatever the distribution. “needs 299, has 201”: with fewer jobs a p99 would be the slowest job by \
     another name. Polls: each job counts the same, and limits count jobs, since the polls of one job are not independent.";

/// What the comparison of two runs rests on.
const AGAINST_NOTE: &str = "A difference is called one where the limits of both runs exclude each other, which chance alone does in at most 5 % \
     of such pairs. `statusgap compare` tests all of them together.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    fn week() -> Vec<View> {
        let runs = [
            ("2026-02-01T08:00:00Z", samples::seed_bug()),
            ("2026-02-08T08:00:00Z", samples::flapping()),
            ("2026-02-15T08:00:00Z", samples::healthy()),
        ];
        let began = |(started, mut sample): (&str, (crate::model::run::Journal, crate::analysis::Analysis, crate::verdict::Judgement))| {
            sample.0.run.started = started.to_owned();
            samples::view(&sample)
        };
        runs.into_iter().map(began).collect()
    }

    #[test]
    fn the_newest_run_is_reported_against_the_one_before_whatever_their_order() {
        let views = week();
        let report = Latency::over([&views[2], &views[0], &views[1]], None, Vec::new()).expect("runs");
        assert_eq!(report.newest().run.started, "2026-02-15T08:00:00Z");
        assert_eq!(report.before.map(|view| view.run.started.as_str()), Some("2026-02-08T08:00:00Z"));
        let held = Latency::over([&views[2]], Some(&views[0]), Vec::new()).expect("a run");
        assert_eq!(held.before.map(|view| view.run.started.as_str()), Some("2026-02-01T08:00:00Z"));
        assert!(Latency::over([], None, Vec::new()).is_none());
    }

    #[test]
    fn a_history_reads_as_in_its_snapshots() {
        let views = week();
        let report = Latency::over(&views, None, vec!["other scenarios".to_owned()]).expect("runs");
        insta::assert_snapshot!("latency_markdown", markdown(&report, Some("latency.svg")));
        insta::assert_snapshot!("latency_svg", svg(&report));
        insta::assert_snapshot!("latency_json", json(&report));
    }

    /// What sites and mail programs show of a picture: no script, no foreign objects, no style sheet, nothing that is loaded.
    #[test]
    fn the_picture_is_plain_svg_for_every_kind_of_run() {
        for (name, view) in samples::all() {
            let picture = svg(&Latency::of(&view));
            assert!(picture.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""), "{name}");
            for bad in ["<script", "foreignObject", "<style", " style=", "href", "url(", "NaN", "inf", "class="] {
                assert!(!picture.contains(bad), "{name}: {bad} in {picture}");
            }
        }
    }
}
