//! A history as JSON, `statusgap.trend/1`.

use schemars::{JsonSchema, Schema};
use serde::Serialize;

use super::{Denied, Row, Trend};
use crate::report::result::{Rounded, schema_of};
use crate::report::view::QuantileRow;
use crate::verdict::Verdict;

/// Several runs, in the order in which they began. Times end in `_ms` and are in milliseconds.
#[derive(Serialize, JsonSchema)]
struct TrendResult<'a> {
    /// `statusgap.trend/1`
    schema: &'static str,
    /// Where the runs differ in what they asked and whom.
    warnings: &'a [String],
    /// One row for each run.
    runs: Vec<RunResult<'a>>,
}

/// One run of a history.
#[derive(Serialize, JsonSchema)]
struct RunResult<'a> {
    /// The log, as the user named it.
    log: &'a str,
    /// The run's id.
    run_id: &'a str,
    /// When it began, RFC 3339.
    started: &'a str,
    /// The verdict.
    verdict: Verdict,
    /// Whether everything planned was done.
    complete: bool,
    /// What was probed.
    target: &'a str,
    /// The settings of the reference service, if that was the target.
    service: Option<&'a str>,
    /// The probe's name and version.
    tool: &'a str,
    /// How many accepted scans were denied.
    denied: DeniedResult,
    /// Interval in which the window's quantiles lie, and their 95 % limits; absent where too few scans were seen, `null` where
    /// there is no finite end.
    window: WindowResult,
    /// Round trips of status polls on their usual connection.
    polls: Option<PollsResult>,
}

/// How many accepted scans were denied after their id was handed out.
#[derive(Serialize, JsonSchema)]
struct DeniedResult {
    /// Scans denied.
    scans: u64,
    /// Scans checked.
    of: u64,
    /// Their share; `null` without a scan.
    share: Option<Rounded>,
    /// Exact 95 % limit for it.
    lower: Rounded,
    /// Upper limit.
    upper: Rounded,
}

/// Quantiles of a run's window.
#[derive(Serialize, JsonSchema)]
struct WindowResult {
    /// The median.
    p50: Option<QuantileResult>,
    /// The 99th percentile.
    p99: Option<QuantileResult>,
}

/// One quantile of the window.
#[derive(Serialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "the unit belongs to the names that others read")]
struct QuantileResult {
    /// Where the estimate reaches it, from.
    from_ms: Rounded,
    /// To.
    to_ms: Option<Rounded>,
    /// 95 % limit.
    lower_ms: Rounded,
    /// Upper limit.
    upper_ms: Option<Rounded>,
}

/// Quantiles of round trips.
#[derive(Serialize, JsonSchema)]
struct PollsResult {
    /// How many.
    count: u64,
    /// Median; `null`: too few for it.
    p50_ms: Option<Rounded>,
    /// 99th percentile; `null`: too few for it.
    p99_ms: Option<Rounded>,
}

/// The trend as JSON. Ends with a newline.
pub fn json(trend: &Trend) -> String {
    let result = TrendResult { schema: "statusgap.trend/1", warnings: &trend.warnings, runs: trend.rows.iter().map(run).collect() };
    // Plain structs of strings and finite numbers always have a text.
    let mut text = serde_json::to_string_pretty(&result).unwrap_or_default();
    text.push('\n');
    text
}

/// The form of what [`json`] writes.
pub fn schema() -> Schema {
    schema_of::<TrendResult<'_>>("statusgap.trend/1")
}

fn run(row: &Row) -> RunResult<'_> {
    RunResult {
        log: &row.log,
        run_id: &row.run_id,
        started: &row.started,
        verdict: row.verdict,
        complete: row.complete,
        target: &row.target,
        service: row.service.as_deref(),
        tool: &row.tool,
        denied: denied(&row.denied),
        window: WindowResult { p50: row.window_p50.as_ref().map(quantile), p99: row.window_p99.as_ref().map(quantile) },
        polls: row.polls.map(|trip| PollsResult {
            count: trip.count,
            p50_ms: trip.p50.map(Rounded::ms),
            p99_ms: trip.p99.map(Rounded::ms),
        }),
    }
}

fn denied(denied: &Denied) -> DeniedResult {
    DeniedResult {
        scans: denied.scans,
        of: denied.of,
        share: denied.share().map(Rounded::significant),
        lower: Rounded::significant(denied.lower),
        upper: Rounded::significant(denied.upper),
    }
}

fn quantile(row: &QuantileRow) -> QuantileResult {
    QuantileResult {
        from_ms: Rounded::ms(row.from_ms),
        to_ms: row.to_ms.map(Rounded::ms),
        lower_ms: Rounded::ms(row.lower_ms),
        upper_ms: row.upper_ms.map(Rounded::ms),
    }
}
