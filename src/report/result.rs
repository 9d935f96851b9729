//! The form of the result, `statusgap.result/1`: one struct for each object, from which text and schema are both made.
//!
//! Times are in milliseconds and end in `_ms`. A number that must not be told is `null`, with the reason beside it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::{Serialize, Serializer};
use serde_json::Value;

use crate::analysis::diagnosis::{Exclusion, Fact, OpenQuestion, Pattern};
use crate::analysis::guarantees::{Proof, Unclear};
use crate::model::exchange::Connection;
use crate::verdict::power::Outlook;
use crate::verdict::{Reason, Verdict};

/// The result of a run.
#[derive(serde::Serialize, JsonSchema)]
#[schemars(title = "The result of a run")]
pub(super) struct RunResult<'a> {
    /// `statusgap.result/1`
    pub schema: &'static str,
    /// The verdict.
    pub verdict: Verdict,
    /// What happened, in one line.
    pub headline: &'a str,
    /// Why the verdict is what it is, the weightiest first.
    pub reasons: &'a [String],
    /// The data behind the reasons, in the same order.
    #[serde(skip_serializing_if = "<[Value]>::is_empty")]
    #[schemars(with = "Vec<Reason>")]
    pub reason_facts: &'a [Value],
    /// What must be known before anything else is read: that the log is partial, torn, or cannot be judged.
    pub notices: &'a [String],
    /// Whether a never-issued id was denied, so that a visible answer means something.
    pub assessable: bool,
    /// Whether everything planned was done.
    pub complete: bool,
    /// The target's name.
    pub target: &'a str,
    /// Its address.
    pub base_url: &'a str,
    /// The settings of the reference service, if the run started one.
    pub service: Option<&'a str>,
    /// The run's own id.
    pub run_id: &'a str,
    /// Wall clock at the run's beginning, RFC 3339.
    pub started: &'a str,
    /// The probe's name and version.
    pub tool: &'a str,
    /// The seed of all the run's randomness.
    pub seed: u64,
    /// The command that repeats the run.
    pub command: &'a str,
    /// Which part of a larger run this is.
    pub shard: Option<ShareResult>,
    /// Requests of all kinds in the log.
    pub exchanges: u64,
    /// Scenario by scenario, in the order of the run.
    pub scenarios: Vec<ScenarioResult<'a>>,
    /// The window over all scenarios.
    pub window: WindowResult<'a>,
    /// The guarantees over all scenarios.
    pub guarantees: Vec<GuaranteeResult<'a>>,
    /// The causes that the findings support, strongest first.
    pub diagnosis: Vec<CauseResult<'a>>,
    /// The causes that are excluded.
    pub ruled_out: Vec<RuledOutResult<'a>>,
    /// What was found that no class is named for.
    pub patterns: Vec<PatternResult<'a>>,
    /// What could not be told apart.
    pub undecided: &'a [String],
    /// The same as data: one object for each sentence.
    #[schemars(with = "Vec<OpenQuestion>")]
    pub undecided_facts: &'a [Value],
    /// Round trips by kind of exchange; a kind's other connections have entries of their own.
    pub latency_ms: Ordered<LatencyResult>,
    /// The clearest scan, step by step.
    pub timeline: Option<TimelineResult<'a>>,
    /// The jobs that the run started.
    pub jobs: JobsResult,
    /// How punctual the probe itself was.
    pub punctuality: PunctualityResult,
    /// What this run could not see.
    pub unseen: &'a [String],
    /// What to do now.
    pub next_step: &'a str,
}

/// Which part of a larger run this is; shards count from 0.
#[derive(serde::Serialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum ShareResult {
    /// One shard.
    Shard {
        /// Which.
        index: u32,
        /// Of how many.
        of: u32,
    },
    /// Several, merged.
    Merged {
        /// How many there are in all.
        of: u32,
        /// Those that are in it.
        merged: Vec<u32>,
        /// Those that are not.
        missing: Vec<u32>,
    },
}

/// One scenario.
#[derive(serde::Serialize, JsonSchema)]
pub(super) struct ScenarioResult<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it does, in one line.
    pub title: &'a str,
    /// Its verdict.
    pub verdict: Verdict,
    /// Why.
    pub reasons: &'a [String],
    /// The data behind the reasons, in the same order.
    #[serde(skip_serializing_if = "<[Value]>::is_empty")]
    #[schemars(with = "Vec<Reason>")]
    pub reason_facts: &'a [Value],
    /// Scans asked for.
    pub initiates: u64,
    /// Scans accepted.
    pub accepted: u64,
    /// Status polls.
    pub polls: u64,
    /// The smallest true rate that a pass excludes at 95 %, at each of its ages.
    pub could_miss: Option<Rounded>,
    /// The same with what it rests on; absent unless the scenario passed without a denial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bound: Option<BoundResult>,
    /// What its gate could detect and what not, with the scans that it got.
    pub power: Option<&'a str>,
    /// The data behind that.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Outlook>")]
    pub power_facts: Option<&'a Value>,
    /// What was answered at each planned age.
    pub offsets: Vec<OffsetResult<'a>>,
    /// The window of its scans.
    pub window: WindowResult<'a>,
    /// Its guarantees.
    pub guarantees: Vec<GuaranteeResult<'a>>,
}

/// What was answered at one planned age on one kind of connection.
#[derive(serde::Serialize, JsonSchema)]
pub(super) struct OffsetResult<'a> {
    /// The age.
    pub at_ms: Rounded,
    /// The arm's name.
    pub arm: &'a str,
    /// How the polls travelled.
    pub connection: Connection,
    /// Polls that count.
    pub polls: u64,
    /// Those that were answered `not_found`.
    pub not_found: u64,
    /// Polls that said neither visible nor `not_found`.
    pub other: u64,
    /// Polls outside the scenario's tolerance, which do not count.
    pub late: u64,
    /// Share of polls answered `not_found`; `null` without polls.
    pub rate: Option<Rounded>,
    /// Scans behind the polls.
    pub scans: u64,
    /// Scans that were denied at this age.
    pub scans_denied: u64,
    /// Scans of which no poll at this age told anything; absent if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scans_lost: Option<u64>,
    /// Exact 95 % limit (Clopper–Pearson) for the share of scans denied.
    pub lower: Rounded,
    /// Upper limit.
    pub upper: Rounded,
}

/// What a pass excludes at the age of which least is known.
#[derive(serde::Serialize, JsonSchema)]
pub(super) struct BoundResult {
    /// The age; `null`: scans were followed at no set age.
    pub at_ms: Option<Rounded>,
    /// How the polls travelled.
    pub connection: Connection,
    /// Scans that were found at this age.
    pub scans: u64,
    /// Scans whose polls told nothing; each counts as if it had been denied.
    pub lost: u64,
    /// One-sided 95 % upper limit for the share of scans denied.
    pub below: Rounded,
}

/// A window. A quantile of which too few scans were seen, or that lies beyond what was watched, is `null` in `quantiles_ms`;
/// its reason stands in `quantile_notes`, as does that of one that is an interval rather than a number.
#[derive(serde::Serialize, JsonSchema)]
pub(super) struct WindowResult<'a> {
    /// Scans that the distribution describes.
    pub scans: u64,
    /// Scans that were denied at least once.
    pub denied: u64,
    /// Scans that were seen and then denied.
    pub flapping: u64,
    /// Scans that were denied as long as anybody looked.
    pub never_visible: u64,
    /// Scans about which nothing was learnt.
    pub no_evidence: u64,
    /// Share of scans visible by certain ages.
    pub visible_by: Vec<VisibleByResult>,
    /// Where the estimate reaches each quantile: from, and to.
    pub quantiles_ms: BTreeMap<&'a str, Option<(Rounded, Option<Rounded>)>>,
    /// 95 % limits of each quantile; a limit that is `null` is not finite.
    pub quantiles_limits_ms: BTreeMap<&'a str, (Rounded, Option<Rounded>)>,
    /// What keeps a quantile from being a number.
    pub quantile_notes: BTreeMap<&'a str, &'a str>,
    /// From when on a first poll is safe.
    pub first_poll_safe: FirstPollResult<'a>,
    /// The estimate's support: how much of it lies in which interval.
    pub curve: Vec<CurveResult>,
    /// How well the estimate is established.
    pub estimate: Option<EstimateResult<'a>>,
}

/// Share of scans visible by an age.
#[derive(serde::Serialize, JsonSchema)]
pub(super) struct VisibleByResult {
    /// The age.
    pub t_ms: Rounded,
    /// What is visible for certain.
    pub share: Rounded,
    /// What may be.
    pub share_to: Rounded,
    /// Exact 95 % limit for the share.
    pub lower: Rounded,
    /// Upper limit.
    pub upper: Rounded,
    /// Scans that were to be polled at this very age, on which the share rests; absent: it rests on the brackets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scans: Option<u64>,
}

/// From when on a first poll is safe.
#[derive(serde::Serialize, JsonSchema)]
pub(super) struct FirstPollResult<'a> {
    /// For which share of scans; `null` where nothing can be said.
    pub p: Option<Rounded>,
    /// The age: an upper 95 % limit.
    pub ms: Option<Rounded>,
    /// The same as a sentence.
    pub told: &'a str,
}

/// A part of the estimated distribution.
#[derive(serde::Serialize, JsonSchema)]
pub(super) struct CurveResult {
    /// Beginning of the interval, exclusive.
    pub from_ms: Rounded,
    /// Its end; `null`: beyond what was watched.
    pub to_ms: Option<Rounded>,
    /// Share of scans that became visible in it.
    pub mass: Rounded,
}

/// How well an estimate is established.
#[derive(serde::Serialize, JsonSchema)]
pub(super) struct EstimateResult<'a> {
    /// How it was computed.
    pub method: &'a str,
    /// How far below the best log-likelihood it can be (Kuhn–Tucker).
    pub kkt_gap: Rounded,
    /// Whether no other curve fits as well.
    pub unique: bool,
}

/// How one guarantee fared.
#[derive(serde::Serialize, JsonSchema)]
pub(super) struct GuaranteeResult<'a> {
    /// Its code, which `statusgap explain` takes.
    pub code: &'static str,
    /// Its name.
    pub name: &'static str,
    /// `pass`, `fail` or `not_assessed`.
    pub verdict: &'static str,
    /// How often it was checked.
    pub checked: u64,
    /// How often it was broken.
    pub broken: u64,
    /// What proves it.
    pub evidence: &'a [String],
    /// The data behind the evidence, in the same order.
    #[serde(skip_serializing_if = "<[Value]>::is_empty")]
    #[schemars(with = "Vec<Proof>")]
    pub facts: &'a [Value],
    /// Why it was not assessed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<&'a str>,
    /// What was seen that a healthy service might show as well, so that it proves nothing; with the number of scans.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub unclear: &'a [String],
    /// The data behind that, in the same order.
    #[serde(skip_serializing_if = "<[Value]>::is_empty")]
    #[schemars(with = "Vec<Unclear>")]
    pub unclear_facts: &'a [Value],
}

/// One supported cause.
#[derive(serde::Serialize, JsonSchema)]
pub(super) struct CauseResult<'a> {
    /// The fault class' letter.
    pub class: &'static str,
    /// The letters of classes that explain what was seen as well, and are not told from it.
    pub or: &'a [&'static str],
    /// Its name; with `or`, one name for all of them.
    pub name: &'static str,
    /// `strong`, `moderate` or `weak`.
    pub strength: &'static str,
    /// What supports it.
    pub evidence: &'a [String],
    /// The same as data: one object for each sentence.
    #[schemars(with = "Vec<Fact>")]
    pub facts: &'a [Value],
    /// What happens inside such a service.
    pub mechanism: &'a str,
    /// What cures it.
    pub cure: &'a str,
}

/// A finding that no class is named for.
#[derive(serde::Serialize, JsonSchema)]
pub(super) struct PatternResult<'a> {
    /// `at_random`, `one_stretch`, `too_few`, `same_poll`, `once_each`, `maybe_lost`, `still_waiting`, `denied_late`, `nothing_seen` or `partition`.
    pub kind: &'static str,
    /// What was found.
    pub statement: &'a str,
    /// The letters of the classes that it may be.
    pub possible: &'a [&'static str],
    /// What to ask next.
    pub ask_next: &'static str,
    /// The same as data.
    #[schemars(with = "Pattern")]
    pub fact: &'a Value,
}

/// One excluded cause.
#[derive(serde::Serialize, JsonSchema)]
pub(super) struct RuledOutResult<'a> {
    /// The fault class' letter.
    pub class: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The probe that excludes it.
    pub by: &'a str,
    /// The same as data.
    #[schemars(with = "Exclusion")]
    pub fact: &'a Value,
}

/// Round trips of one kind of exchange, in milliseconds, from the actual sending.
#[derive(serde::Serialize, JsonSchema)]
pub(super) struct LatencyResult {
    #[serde(flatten)]
    pub sent: RoundTripResult,
    /// The same from the planned sending, which a late probe cannot flatter.
    pub corrected: RoundTripResult,
}

/// Quantiles of round trips, in milliseconds.
#[derive(serde::Serialize, JsonSchema)]
pub(super) struct RoundTripResult {
    /// Median; this and each other percentile is `null` where there are fewer than it needs (5, 29, 59, 299 and 2,995).
    pub p50: Option<Rounded>,
    /// 90th percentile.
    pub p90: Option<Rounded>,
    /// 95th percentile; absent rather than `null`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p95: Option<Rounded>,
    /// 99th percentile.
    pub p99: Option<Rounded>,
    /// 99.9th percentile; absent rather than `null`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p999: Option<Rounded>,
    /// The longest.
    pub max: Rounded,
    /// How many.
    pub count: u64,
}

/// One scan, step by step.
#[derive(serde::Serialize, JsonSchema)]
pub(super) struct TimelineResult<'a> {
    /// Its number in the run.
    pub scan: u64,
    /// Its scenario.
    pub scenario: &'a str,
    /// Its id.
    pub id: Option<&'a str>,
    /// Its steps by age.
    pub steps: Vec<StepResult<'a>>,
}

/// One step of a scan.
#[derive(serde::Serialize, JsonSchema)]
pub(super) struct StepResult<'a> {
    /// Age at which the first request was sent.
    pub at_ms: Rounded,
    /// Age of the last one.
    pub until_ms: Rounded,
    /// How many exchanges it stands for.
    pub times: u64,
    /// What was asked, in words.
    pub asked: &'a str,
    /// How it travelled; `null` for the handing out of the id.
    pub connection: Option<Connection>,
    /// What was answered.
    pub told: &'a str,
    /// Whether it denied the scan.
    pub denied: bool,
    /// Who answered.
    pub worker: Option<&'a str>,
}

/// The jobs that the run started, and what became of them as far as it looked.
#[derive(serde::Serialize, JsonSchema)]
pub(super) struct JobsResult {
    /// Initiates and repeats that were sent, and the jobs of first contact.
    pub started: u64,
    /// Those of them that first contact started; nobody watched them.
    pub at_first_contact: u64,
    /// Those that were not accepted.
    pub not_accepted: u64,
    /// Accepted ones that were seen to end.
    pub ended: u64,
    /// Accepted ones that were still at work when last looked at.
    pub unfinished: u64,
    /// Accepted ones of which no answer said how they stand.
    pub unknown: u64,
}

/// How punctual the probe was.
#[derive(serde::Serialize, JsonSchema)]
pub(super) struct PunctualityResult {
    /// Polls that had a planned age.
    pub polls: u64,
    /// Median lateness; `null`: fewer polls than it needs.
    pub p50_ms: Option<Rounded>,
    /// 99th percentile; `null`: fewer polls than it needs.
    pub p99_ms: Option<Rounded>,
    /// The latest.
    pub max_ms: Rounded,
}

/// A number that was rounded, so that equal logs give equal bytes; `null` if it is not finite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rounded(f64);

impl Rounded {
    /// Milliseconds to a tenth of a microsecond: finer than any clock here, coarse enough to be the same text everywhere.
    pub(super) fn ms(value: f64) -> Rounded {
        // Minus zero is zero to every reader but a text comparison.
        Rounded((value * 1e4).round() / 1e4 + 0.0)
    }

    /// Six significant digits.
    pub(super) fn significant(value: f64) -> Rounded {
        Rounded(format!("{value:.5e}").parse().map_or(f64::NAN, |rounded: f64| rounded + 0.0))
    }
}

impl Serialize for Rounded {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // JSON has no other numbers; the serialiser makes `null` of them.
        serializer.serialize_f64(self.0)
    }
}

impl JsonSchema for Rounded {
    fn schema_name() -> Cow<'static, str> {
        "Number".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number" })
    }
}

/// An object whose keys keep the order in which they were put in.
pub(super) struct Ordered<T>(pub Vec<(String, T)>);

impl<T: Serialize> Serialize for Ordered<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl<T: JsonSchema> JsonSchema for Ordered<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Map_of_{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        <BTreeMap<String, T>>::json_schema(generator)
    }
}

/// The schema of something that is written, under its name and version.
pub(super) fn schema_of<T: JsonSchema>(id: &'static str) -> Schema {
    let mut schema = SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>();
    schema.insert("$id".to_owned(), id.into());
    // What is written names its own form, so that no reader has to guess.
    if let Some(named) = schema.pointer_mut("/properties/schema") {
        *named = serde_json::json!({ "const": id, "description": "The form of this document." });
    }
    schema
}
