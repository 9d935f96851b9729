//! The comparison as JSON, `statusgap.comparison/1`: what other programs read. One struct for each object, from which text and schema
//! are both made. It lies between the verdict's own types, which know no rounding and hold names as logs have them, and the reader.
//!
//! Times are in milliseconds and end in `_ms`, shares are of 0 to 1; `null` stands for what cannot be told.

use schemars::{JsonSchema, Schema};
use serde::Serialize;

use crate::model::exchange::{Connection, Kind};
use crate::model::noun::Noun;
use crate::report::comparison::{ComparisonView, view};
use crate::report::json::{document, schema_of};
use crate::report::rounded::Rounded;
use crate::report::sentences::comparison as sentences;
use crate::report::words;
use crate::statistics::compare::units::Layout;
use crate::verdict::comparison::{Change, Comparison, Finding, Minimum, Outcome, RunNote, ScenarioComparison, Subject};

const FORM: &str = "statusgap.comparison/1";

/// Whether a run is worse than an earlier one.
#[derive(Serialize, JsonSchema)]
struct ComparisonResult<'a> {
    /// `statusgap.comparison/1`
    schema: &'static str,
    /// What it amounts to.
    outcome: Outcome,
    /// The same as a sentence.
    headline: &'a str,
    /// The old run.
    base: RunResult,
    /// The new run.
    new: RunResult,
    /// Whether both runs were made for themselves, or their scans were asked for by turns.
    #[schemars(extend("enum" = ["apart", "pairs"]))]
    layout: &'static str,
    /// What counts as a regression.
    criteria: CriteriaResult,
    /// How many tests were asked together.
    tests: usize,
    /// Why nothing at all was compared.
    blocked: Vec<String>,
    /// What a reader should know of the two runs.
    notes: &'a [String],
    /// What could not be told, and why.
    open: &'a [String],
    /// Scenario by scenario, in the order of the new run.
    scenarios: Vec<ScenarioResult>,
}

/// One of the two runs.
#[derive(Serialize, JsonSchema)]
struct RunResult {
    /// What was probed.
    target: String,
    /// When it began, RFC 3339.
    started: String,
    /// The probe's name and version.
    tool: String,
}

/// How sure and how large a difference must be.
#[derive(Serialize, JsonSchema)]
struct CriteriaResult {
    /// The chance of any false regression in the whole comparison (Holm over all its tests).
    alpha: f64,
    /// A rate of denials must rise by at least this share of all scans.
    min_rate: f64,
    /// A window must become longer by at least this.
    min_window: MinimumResult,
    /// A round trip must become longer by at least this.
    min_latency: MinimumResult,
    /// The seed of permutations that are drawn.
    seed: u64,
}

/// A difference in time that matters.
#[derive(Serialize, JsonSchema)]
struct MinimumResult {
    /// At least this share of the old value.
    share: f64,
    /// And in any case this.
    floor_ms: f64,
}

/// One scenario in both runs.
#[derive(Serialize, JsonSchema)]
struct ScenarioResult {
    /// Its name.
    name: String,
    /// Why it was not compared.
    not_compared: Option<String>,
    /// What could not be asked of it, and why.
    left_out: Vec<String>,
    /// Consecutive scans that counted as one.
    together: u64,
    /// What was asked.
    findings: Vec<FindingResult>,
}

/// One thing that was compared.
#[derive(Serialize, JsonSchema)]
struct FindingResult {
    /// What.
    #[schemars(extend("enum" = ["denied", "flapping", "window", "round_trip"]))]
    subject: &'static str,
    /// The same in words.
    told: String,
    /// The unit of `base`, `new` and `minimum`.
    #[schemars(extend("enum" = ["share", "ms"]))]
    unit: &'static str,
    /// The old value; `null` where it is not identified.
    base: Option<Rounded>,
    /// The new value; likewise.
    new: Option<Rounded>,
    /// Scans behind the old value.
    base_scans: u64,
    /// Scans behind the new value.
    new_scans: u64,
    /// The smallest difference that counts.
    minimum: Option<Rounded>,
    /// p-value for "worse", adjusted for all tests of the comparison; `null` where the samples could not have shown anything.
    p_worse: Option<Rounded>,
    /// p-value for "better", adjusted likewise.
    p_better: Option<Rounded>,
    /// What it amounts to.
    change: Change,
    /// About so many scans for each run would show a difference of `minimum`; `null` where these were enough.
    needs_scans: Option<u64>,
    /// The arm's name; only where denials at an age were compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    arm: Option<String>,
    /// Which exchanges; only where round trips were compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    exchange: Option<Kind>,
    /// How the exchanges travelled; not for windows, which may rest on several kinds.
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<Connection>,
    /// The age; only where denials at one were compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    at_ms: Option<Rounded>,
}

/// The comparison. Ends with a newline.
pub fn json(comparison: &Comparison) -> String {
    let told = ComparisonView::of(comparison);
    let criteria = &comparison.criteria;
    document(&ComparisonResult {
        schema: FORM,
        outcome: comparison.outcome,
        headline: &told.headline,
        base: run(&comparison.base),
        new: run(&comparison.new),
        layout: match comparison.layout {
            Layout::Apart => "apart",
            Layout::Pairs => "pairs",
        },
        criteria: CriteriaResult {
            alpha: criteria.alpha,
            min_rate: criteria.min_rate.0,
            min_window: minimum(criteria.min_window),
            min_latency: minimum(criteria.min_latency),
            seed: criteria.seed,
        },
        tests: comparison.tests,
        blocked: comparison.blocked.iter().map(|why| words::sentence(&sentences::mismatch(why))).collect(),
        notes: &told.notes,
        open: &told.open,
        scenarios: comparison.scenarios.iter().map(|one| scenario(one, &comparison.noun)).collect(),
    })
}

/// The form of what [`json`] writes.
pub fn schema() -> Schema {
    schema_of::<ComparisonResult<'_>>(FORM)
}

fn run(run: &RunNote) -> RunResult {
    RunResult { target: words::name(&run.target), started: words::name(&run.started), tool: words::name(&run.tool) }
}

fn minimum(minimum: Minimum) -> MinimumResult {
    MinimumResult { share: minimum.share.0, floor_ms: minimum.floor.as_ms() }
}

fn scenario(scenario: &ScenarioComparison, noun: &Noun) -> ScenarioResult {
    ScenarioResult {
        name: words::name(&scenario.name),
        not_compared: scenario.not_compared.as_ref().map(|why| words::sentence(&sentences::not_compared(why))),
        left_out: scenario.left_out.iter().map(|why| words::sentence(&sentences::left_out(why, noun))).collect(),
        together: scenario.together,
        findings: scenario.findings.iter().map(|one| finding(one, noun)).collect(),
    }
}

fn finding(finding: &Finding, noun: &Noun) -> FindingResult {
    let (subject, unit) = match &finding.subject {
        Subject::Denied { .. } => ("denied", "share"),
        Subject::Flapping => ("flapping", "share"),
        Subject::Window => ("window", "ms"),
        Subject::RoundTrip { .. } => ("round_trip", "ms"),
    };
    let mut result = FindingResult {
        subject,
        told: view::subject(&finding.subject, noun),
        unit,
        base: number(finding.base).filter(|_| finding.base_known),
        new: number(finding.new).filter(|_| finding.new_known),
        base_scans: finding.base_scans,
        new_scans: finding.new_scans,
        minimum: number(finding.minimum),
        p_worse: finding.p_worse.and_then(number),
        p_better: finding.p_better.and_then(number),
        change: finding.change,
        needs_scans: finding.needs,
        arm: None,
        exchange: None,
        connection: None,
        at_ms: None,
    };
    match &finding.subject {
        Subject::Denied { arm, connection, at } => {
            result.arm = Some(words::name(arm));
            result.connection = Some(*connection);
            result.at_ms = number(at.as_ms());
        }
        Subject::RoundTrip { kind, connection } => {
            result.exchange = Some(*kind);
            result.connection = Some(*connection);
        }
        Subject::Flapping | Subject::Window => {}
    }
    result
}

/// Six significant digits: the same text everywhere.
fn number(value: f64) -> Option<Rounded> {
    value.is_finite().then(|| Rounded::significant(value))
}
