//! The latency report as JSON, `statusgap.latency/1`.

use schemars::{JsonSchema, Schema};
use serde::Serialize;

use crate::report::json::{document, schema_of};
use crate::report::latency::Latency;
use crate::report::latency::change::{Change, moved};
use crate::report::rounded::Rounded;
use crate::report::trend::Denied;
use crate::report::view::{TimingQuantile, TimingRow, View, Wait};
use crate::verdict::Verdict;

const FORM: &str = "statusgap.latency/1";

/// How long jobs took in one run or in several. Times end in `_ms` and are in milliseconds.
#[derive(Serialize, JsonSchema)]
struct LatencyResult<'a> {
    /// `statusgap.latency/1`
    schema: &'static str,
    /// What keeps the runs from being compared.
    warnings: &'a [String],
    /// The runs by the time they began; the last one is reported.
    runs: Vec<RunRow<'a>>,
    /// The run that it is held against; `null`: none.
    before: Option<RunRow<'a>>,
    /// What moved from that run to the reported one.
    changes: Vec<ChangeOfQuantile>,
}

/// One run.
#[derive(Serialize, JsonSchema)]
struct RunRow<'a> {
    /// The run's id.
    run_id: &'a str,
    /// When it began, RFC 3339.
    started: &'a str,
    /// What was probed.
    target: &'a str,
    /// The verdict.
    verdict: Verdict,
    /// What must be known before anything else is read: that the log is partial, torn, or cannot be judged.
    notices: &'a [String],
    /// Whether everything planned was done.
    complete: bool,
    /// Jobs that were accepted.
    jobs: u64,
    /// How many of them were denied.
    denied: Denied,
    /// How long things took.
    waits: Vec<WaitRow<'a>>,
    /// What the run shows of the target's objectives.
    objectives: Vec<ObjectiveResult<'a>>,
}

/// One wait.
#[derive(Serialize, JsonSchema)]
struct WaitRow<'a> {
    /// `post`, `visible` or `done`; `poll_` and an answer for polls.
    wait: String,
    /// Jobs that it rests on.
    jobs: u64,
    /// Requests that it rests on; `null` where each job has one.
    requests: Option<u64>,
    /// p50, p95 and p99; none where nothing was measured.
    quantiles: Vec<QuantileResult<'a>>,
    /// What the quantiles do not say.
    note: Option<&'a str>,
}

/// One quantile of a wait.
#[derive(Serialize, JsonSchema)]
struct QuantileResult<'a> {
    /// `p50`, `p95` or `p99`.
    quantile: &'a str,
    /// Where it lies, from; `null`: it cannot be stated.
    from_ms: Option<Rounded>,
    /// To; the same where it is known exactly.
    to_ms: Option<Rounded>,
    /// Lower 95 % limit; `null`: none.
    lower_ms: Option<Rounded>,
    /// Upper 95 % limit; `null`: none.
    upper_ms: Option<Rounded>,
    /// The number in words, or why there is none.
    told: &'a str,
}

/// One objective.
#[derive(Serialize, JsonSchema)]
struct ObjectiveResult<'a> {
    /// What is promised.
    objective: &'a str,
    /// `met`, `missed` or `unknown`.
    standing: &'static str,
    /// What that rests on.
    why: &'a str,
}

/// A quantile in two runs.
#[derive(Serialize, JsonSchema)]
struct ChangeOfQuantile {
    /// Which wait.
    wait: String,
    /// Which quantile.
    quantile: String,
    /// `slower` or `faster` where the limits of both runs exclude each other; `null`: no difference is shown.
    change: Option<&'static str>,
}

/// The report as JSON. Ends with a newline.
pub fn json(report: &Latency<'_>) -> String {
    let changes = report.before.map_or_else(Vec::new, |before| moved(before, report.newest()));
    let changes = changes.into_iter().map(|moved| ChangeOfQuantile {
        wait: key(moved.wait),
        quantile: moved.now.label.clone(),
        change: (moved.change != Change::NotProven).then(|| moved.change.word()),
    });
    document(&LatencyResult {
        schema: FORM,
        warnings: &report.warnings,
        runs: report.runs.iter().map(|view| run(view)).collect(),
        before: report.before.map(run),
        changes: changes.collect(),
    })
}

/// The form of what [`json`] writes.
pub fn schema() -> Schema {
    schema_of::<LatencyResult<'_>>(FORM)
}

fn run(view: &View) -> RunRow<'_> {
    let objectives = view.timing.objectives.iter();
    RunRow {
        run_id: &view.run.run_id,
        started: &view.run.started,
        target: &view.run.target,
        verdict: view.verdict,
        notices: &view.notices,
        complete: view.run.complete,
        jobs: view.timing.jobs,
        denied: Denied::of(view),
        waits: view.timing.rows.iter().map(wait).collect(),
        objectives: objectives.map(|row| ObjectiveResult { objective: &row.promise, standing: row.standing, why: &row.why }).collect(),
    }
}

fn wait(row: &TimingRow) -> WaitRow<'_> {
    let quantile = |quantile: &'_ TimingQuantile| -> [Option<Rounded>; 4] {
        [quantile.ms.map(|ms| ms.0), quantile.ms.map(|ms| ms.1), quantile.limits.0, quantile.limits.1].map(|ms| ms.map(Rounded::ms))
    };
    let quantiles = row.quantiles.iter().map(|row| {
        let [from_ms, to_ms, lower_ms, upper_ms] = quantile(row);
        QuantileResult { quantile: &row.label, from_ms, to_ms, lower_ms, upper_ms, told: &row.told }
    });
    WaitRow { wait: key(row.wait), jobs: row.jobs, requests: row.requests, quantiles: quantiles.collect(), note: row.note.as_deref() }
}

fn key(wait: Wait) -> String {
    match wait {
        Wait::Post => "post".to_owned(),
        Wait::Visible => "visible".to_owned(),
        Wait::Done => "done".to_owned(),
        Wait::Poll(answer) => format!("poll_{}", answer.word().replace(' ', "_")),
    }
}
