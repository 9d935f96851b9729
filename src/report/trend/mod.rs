//! Several runs as a history: one row each, in the order in which they began, and how they changed.
//!
//! Rows stand side by side and are not tested against each other: whether a difference is more than chance is the business
//! of a comparison. Where the runs did not ask the same, the trend says so.

mod json;
mod markdown;
mod terminal;

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::exchange::Kind;
use crate::model::noun::Noun;
use crate::model::run::Journal;
use crate::model::scenario::Scenario;
use crate::report::table::{Cell, Column, Room, Table};
use crate::report::view::{QuantileRow, View};
use crate::report::{rounded, words};
use crate::statistics::binomial::clopper_pearson;
use crate::verdict::Verdict;

pub use json::{json, schema};
pub use markdown::markdown;
pub use terminal::terminal;

/// The runs by the time they began, and what keeps them from being compared.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Trend {
    /// Where the runs differ in what they asked and whom.
    pub warnings: Vec<String>,
    /// One row for each run.
    #[serde(rename = "runs")]
    pub rows: Vec<Row>,
}

/// One run of a history. Text in it is safe to print and bounded.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Row {
    /// The log, as the user named it.
    pub log: String,
    /// The run's id.
    pub run_id: String,
    /// When it began, RFC 3339.
    pub started: String,
    /// The same since 1970; `None` where the log's text is not a time.
    #[serde(skip)]
    pub began: Option<Duration>,
    /// The verdict.
    pub verdict: Verdict,
    /// Whether everything planned was done.
    pub complete: bool,
    /// What was probed.
    pub target: String,
    /// The settings of the reference service, if that was the target.
    pub service: Option<String>,
    /// The probe's name and version.
    pub tool: String,
    /// How many accepted scans were denied.
    pub denied: Denied,
    /// Interval in which the window's quantiles lie, and their 95 % limits; absent where too few scans were seen, `null` where
    /// there is no finite end.
    pub window: Quantiles,
    /// Round trips of status polls on their usual connection.
    pub polls: Option<Polls>,
    /// What the target calls a job.
    #[serde(skip)]
    pub noun: Noun,
    #[serde(skip)]
    scenarios: Vec<Scenario>,
}

/// How many accepted scans were denied after their id was handed out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Denied {
    /// Scans denied.
    pub scans: u64,
    /// Scans checked.
    pub of: u64,
    /// Their share; `null` without a scan.
    #[serde(serialize_with = "rounded::significant")]
    pub share: Option<f64>,
    /// Exact 95 % limit (Clopper–Pearson) for it; 0 without a scan.
    #[serde(serialize_with = "rounded::significant")]
    pub lower: f64,
    /// Upper limit; 1 without a scan.
    #[serde(serialize_with = "rounded::significant")]
    pub upper: f64,
}

/// Quantiles of a run's window, those that may be told.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Quantiles {
    /// The median.
    pub p50: Option<QuantileRow>,
    /// The 99th percentile.
    pub p99: Option<QuantileRow>,
}

/// Quantiles of round trips.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Polls {
    /// How many.
    pub count: u64,
    /// Median; `null`: too few for it.
    #[serde(serialize_with = "rounded::ms")]
    pub p50_ms: Option<f64>,
    /// 99th percentile; `null`: too few for it.
    #[serde(serialize_with = "rounded::ms")]
    pub p99_ms: Option<f64>,
}

impl Denied {
    /// Of all scenarios of a run.
    pub(super) fn of(view: &View) -> Denied {
        let reads = view.guarantees.iter().find(|row| row.guarantee == crate::model::guarantee::Guarantee::ReadYourWrites);
        let (scans, of) = reads.map_or((0, 0), |row| (row.broken, row.checked));
        let (lower, upper) = if of == 0 {
            (0.0, 1.0)
        } else {
            let limits = clopper_pearson(scans, of, 0.95);
            (limits.lower, limits.upper)
        };
        Denied { scans, of, share: (of > 0).then(|| scans as f64 / of as f64), lower, upper }
    }

    /// `25 of 25 (86.3–100 %)`.
    pub(super) fn told(&self, noun: &Noun) -> String {
        if self.of == 0 {
            return format!("no {}", noun.many());
        }
        format!("{} of {} ({})", words::count(self.scans), words::count(self.of), words::share_between(self.lower, self.upper))
    }
}

impl Row {
    /// Takes from a run what its history needs.
    pub fn of(log: &str, journal: &Journal, view: &View) -> Row {
        let quantile = |key: &str| {
            let row = view.window.quantiles.iter().find(|row| row.key == key && row.told_at_all)?;
            view.assessable.then(|| row.clone())
        };
        let polls = view.latency.iter().find(|row| row.kind == Kind::Poll);
        Row {
            log: words::clean(log, 200),
            run_id: view.run.run_id.clone(),
            started: view.run.started.clone(),
            began: view.run.began,
            verdict: view.verdict,
            complete: view.run.complete,
            target: view.run.target.clone(),
            service: view.run.service.clone(),
            tool: view.run.tool.clone(),
            denied: Denied::of(view),
            window: Quantiles { p50: quantile("p50"), p99: quantile("p99") },
            polls: polls.map(|row| Polls { count: row.sent.count, p50_ms: row.sent.p50, p99_ms: row.sent.p99 }),
            noun: view.noun.clone(),
            scenarios: journal.scenarios.iter().map(questions).collect(),
        }
    }

    /// A window's quantile in words. Nobody denied is another thing than too few scans to tell.
    fn quantile(&self, quantile: Option<&QuantileRow>) -> String {
        match quantile {
            _ if self.denied.scans == 0 => "none seen".to_owned(),
            // That it is an interval and not a number says itself.
            Some(row) => words::between(row.from_ms, row.to_ms),
            None => "not known".to_owned(),
        }
    }

    /// Median and 99th percentile of the polls' round trip.
    fn polls_told(&self) -> String {
        let told = |ms: Option<f64>| ms.map_or_else(|| "n too small".to_owned(), words::age);
        self.polls.as_ref().map_or_else(|| "–".to_owned(), |trip| format!("{} / {}", told(trip.p50_ms), told(trip.p99_ms)))
    }
}

impl Trend {
    /// Orders runs by their beginning; those without a readable one come last, as they were given.
    pub fn over(mut rows: Vec<Row>) -> Trend {
        rows.sort_by_key(|row| (row.began.is_none(), row.began));
        let warnings = warnings(&rows);
        Trend { warnings, rows }
    }

    fn table(&self) -> Table {
        let columns = [
            Column::text("Started"),
            Column::text("Verdict"),
            Column::number("Denied (95 % limits)"),
            Column::number("Window p50"),
            Column::number("Window p99"),
            Column::text("Poll p50 / p99"),
            Column::text("Target").from(Room::Document),
            Column::text("Tool").from(Room::Document),
            Column::text("Log").from(Room::Document),
        ];
        let rows = self.rows.iter().map(|row| {
            [
                row.started.as_str().into(),
                Cell::Verdict(row.verdict),
                row.denied.told(&row.noun).into(),
                row.quantile(row.window.p50.as_ref()).into(),
                row.quantile(row.window.p99.as_ref()).into(),
                row.polls_told().into(),
                row.target.as_str().into(),
                row.tool.as_str().into(),
                row.log.as_str().into(),
            ]
        });
        Table::new(columns, rows)
    }
}

/// What a scenario asks, whatever the number of scans: more of them answer the same questions more closely.
fn questions(scenario: &Scenario) -> Scenario {
    let mut scenario = scenario.clone();
    (scenario.load.scans, scenario.load.detect) = (0, None);
    scenario
}

/// What differs from the first run, and so keeps its row from being compared with the first one's.
fn warnings(rows: &[Row]) -> Vec<String> {
    let Some((first, later)) = rows.split_first() else { return Vec::new() };
    let differing =
        |differs: &dyn Fn(&Row) -> bool| -> Vec<&str> { later.iter().filter(|row| differs(row)).map(|row| row.log.as_str()).collect() };
    let mut warnings = Vec::new();
    for (what, logs) in [
        ("another target", differing(&|row| row.target != first.target || row.service != first.service)),
        ("other scenarios", differing(&|row| row.scenarios != first.scenarios)),
        ("another version of the probe", differing(&|row| row.tool != first.tool)),
    ] {
        if let Some(log) = logs.first() {
            let more = if logs.len() > 1 { format!(" and {} more", logs.len() - 1) } else { String::new() };
            warnings.push(format!("{what} than in {}: {log}{more}; differences may come from that", first.log));
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Colour, Style, samples};

    /// The samples as a history: the bug, a flapping fix, and a healthy service, given out of order.
    fn history() -> Trend {
        let named = [
            ("healthy.ndjson", samples::healthy(), "03"),
            ("bug.ndjson", samples::seed_bug(), "01"),
            ("flaps.ndjson", samples::flapping(), "02"),
        ];
        let rows = named.into_iter().map(|(log, mut sample, day)| {
            sample.0.run.started = format!("2026-02-{day}T08:00:00Z");
            Row::of(log, &sample.0, &samples::view(&sample))
        });
        Trend::over(rows.collect())
    }

    #[test]
    fn a_history_reads_as_in_its_snapshots() {
        let trend = history();
        insta::assert_snapshot!("trend_table", terminal(&trend, Style { width: 100, colour: Colour::Off }));
        insta::assert_snapshot!("trend_narrow", terminal(&trend, Style { width: 60, colour: Colour::Off }));
        insta::assert_snapshot!("trend_markdown", markdown(&trend));
        insta::assert_snapshot!("trend_json", json(&trend));
    }

    #[test]
    fn runs_are_told_in_the_order_in_which_they_began() {
        let logs: Vec<String> = history().rows.into_iter().map(|row| row.log).collect();
        assert_eq!(logs, ["bug.ndjson", "flaps.ndjson", "healthy.ndjson"]);
    }

    #[test]
    fn runs_that_asked_something_else_are_named() {
        let sample = samples::seed_bug();
        let view = samples::view(&sample);
        let mut other = sample.0.clone();
        other.scenarios[0].load.scans += 1;
        assert_eq!(Trend::over(vec![Row::of("a", &sample.0, &view), Row::of("b", &other, &view)]).warnings, [""; 0], "more of the same");
        other.scenarios.pop();
        let trend = Trend::over(vec![Row::of("a", &sample.0, &view), Row::of("b", &other, &view), Row::of("c", &other, &view)]);
        assert_eq!(trend.warnings, ["other scenarios than in a: b and 1 more; differences may come from that"]);
        assert_eq!(Trend::over(vec![Row::of("a", &sample.0, &view), Row::of("b", &sample.0, &view)]).warnings, [""; 0]);
    }
}
