//! The view: every number and every sentence of a report, chosen once.

mod advice;
mod answers;
mod denials;
mod evidence;
mod headline;
mod histograms;
mod import_caveats;
mod inside;
mod jobs;
mod lanes;
mod limitations;
mod noun;
mod repeat;
mod second_opinion;
mod shard;
mod steps;
mod tables;
mod timing;
mod twin;
mod window;

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::analysis::Analysis;
use crate::analysis::diagnosis::{Exclusion, Fact, OpenQuestion, Pattern};
use crate::analysis::guarantees::{Proof, Unclear};
use crate::analysis::scan::Scans;
use crate::model::answer::Answer;
use crate::model::exchange::{Connection, Kind};
use crate::model::guarantee::Guarantee;
use crate::model::noun::Noun;
use crate::model::run::Journal;
use crate::model::shard::Share;
use crate::report::view::window::Everyone;
use crate::report::{rounded, sentences, words};
use crate::verdict::Reason;
use crate::verdict::power::Outlook;
use crate::verdict::{Judgement, Verdict};

pub use answers::{Answered, Answers};
pub use denials::DenialRow;
pub use histograms::Histograms;
pub use inside::{InsideEvidence, InsideRow, InsideView, NamedSpan, Picture, SpanLabel};
pub use jobs::Jobs;
pub(super) use lanes::reach;
pub use lanes::{Lane, LaneMark, Sign};
pub use second_opinion::SecondOpinionRow;
pub use steps::{Curve, CurveStep};
pub use timing::{ObjectiveRow, TimingQuantile, TimingRow, TimingView, Wait};
pub use twin::{CandidateRow, Reproducer, TwinView};
pub use window::{QuantileRow, SafeDelay, WindowView};

/// All that any format tells of a run. Text in it is safe to print and bounded.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct View {
    /// The verdict.
    pub verdict: Verdict,
    /// What happened, in one line that does not name the verdict.
    pub headline: String,
    /// Why the verdict is what it is, the weightiest first.
    pub reasons: Vec<String>,
    /// The data behind the reasons, in the same order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<Reason>")]
    pub reason_facts: Vec<Value>,
    /// What must be known before anything else is read: that the log is partial, torn, or cannot be judged.
    pub notices: Vec<String>,
    /// What an ordinary HTTP client was answered, where the run saw a denial and asked for a second opinion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub second_opinion: Option<SecondOpinionRow>,
    /// Whether a never-issued id was denied, so that a visible answer means something.
    pub assessable: bool,
    /// What was run, where and when.
    #[serde(flatten)]
    pub run: RunNote,
    /// Scenario by scenario, in the order of the run.
    pub scenarios: Vec<ScenarioRow>,
    /// The window over all scenarios.
    pub window: WindowView,
    /// The guarantees over all scenarios.
    pub guarantees: Vec<GuaranteeRow>,
    /// The causes that the findings support, strongest first.
    #[serde(rename = "diagnosis")]
    pub causes: Vec<CauseRow>,
    /// The causes that are excluded.
    pub ruled_out: Vec<RuledOutRow>,
    /// What was found that no class is named for, with what to ask next.
    pub patterns: Vec<PatternRow>,
    /// What could not be told apart, with the probe that would.
    pub undecided: Vec<String>,
    /// The same as data: one object for each sentence.
    #[serde(rename = "undecided_facts")]
    #[schemars(with = "Vec<OpenQuestion>")]
    pub open: Vec<Value>,
    /// What simulated services with these causes say of them; absent where none was run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub twin: Option<TwinView>,
    /// What the target says of itself, where it is instrumented and somebody listened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inside: Option<InsideView>,
    /// Round trips by kind of exchange; a kind's other connections have entries of their own.
    #[serde(rename = "latency_ms", serialize_with = "by_name")]
    #[schemars(with = "BTreeMap<String, LatencyRow>")]
    pub latency: Vec<LatencyRow>,
    /// The clearest scan, step by step.
    pub timeline: Option<Timeline>,
    /// The jobs that the run started.
    pub jobs: Jobs,
    /// How punctual the probe itself was.
    pub punctuality: Lateness,
    /// What this run could not see.
    pub unseen: Vec<String>,
    /// What to do now.
    pub next_step: String,
    /// Whether it is broken, whether the job is lost, why, and what to do: for whoever knows nothing of this program.
    #[serde(skip)]
    pub answers: Answers,
    /// Those reasons, also of single scenarios, that neither the headline nor a row of counts tells.
    #[serde(skip)]
    pub other_reasons: Vec<String>,
    /// What was checked, when, and with which result.
    #[serde(skip)]
    pub evidence: Vec<EvidenceRow>,
    /// The window's curve with the limits around it, for drawing; `None` where there is nothing to draw.
    #[serde(skip)]
    pub curve: Option<Curve>,
    /// How often status denied, by age and connection, over all scenarios.
    #[serde(skip)]
    pub denials: Vec<DenialRow>,
    /// A bounded number of scans with what each was answered, the clearest of each scenario.
    #[serde(skip)]
    pub lanes: Vec<Lane>,
    /// The round trips, counted whole.
    #[serde(skip)]
    pub histograms: Vec<Histograms>,
    /// How long things took, for the latency report.
    #[serde(skip)]
    pub timing: TimingView,
    /// How to see it again.
    #[serde(skip)]
    pub repeat: Repeat,
    /// What a job is called.
    #[serde(skip)]
    pub noun: Noun,
}

/// What was run, where and when.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RunNote {
    /// Whether everything planned was done.
    pub complete: bool,
    /// The target's name.
    pub target: String,
    /// Its address.
    pub base_url: String,
    /// The settings of the reference service, if the run started one.
    pub service: Option<String>,
    /// The run's own id.
    pub run_id: String,
    /// Wall clock at the run's beginning, RFC 3339.
    pub started: String,
    /// The probe's name and version.
    pub tool: String,
    /// The seed of all the run's randomness.
    pub seed: u64,
    /// The command that repeats the run.
    pub command: String,
    /// Which part of a larger run this is.
    #[serde(serialize_with = "shard::write")]
    #[schemars(with = "Option<shard::ShareRow>")]
    pub shard: Option<Share>,
    /// Requests of all kinds in the log.
    pub exchanges: u64,
    /// `started` as the time since 1970; `None` where the log's text is not a time.
    #[serde(skip)]
    pub began: Option<Duration>,
    /// From stamp zero to the end of the last exchange.
    #[serde(skip)]
    pub lasted: Duration,
    /// The probe's timer.
    #[serde(skip)]
    pub timer: String,
    /// Its resolution.
    #[serde(skip)]
    pub resolution_ms: f64,
    /// The machine's system.
    #[serde(skip)]
    pub system: String,
    /// Its processors.
    #[serde(skip)]
    pub processors: u32,
}

/// One scenario.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ScenarioRow {
    /// Its name.
    pub name: String,
    /// What it does, in one line.
    pub title: String,
    /// Its verdict.
    pub verdict: Verdict,
    /// Why.
    pub reasons: Vec<String>,
    /// The data behind the reasons, in the same order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<Reason>")]
    pub reason_facts: Vec<Value>,
    /// Scans asked for.
    pub initiates: u64,
    /// Scans accepted.
    pub accepted: u64,
    /// Status polls.
    pub polls: u64,
    /// The smallest true rate that a pass excludes at 95 %, at each of its ages.
    #[serde(serialize_with = "rounded::significant")]
    pub could_miss: Option<f64>,
    /// The same with what it rests on; absent unless the scenario passed without a denial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bound: Option<BoundRow>,
    /// What its gate could detect and what not, with the scans that it got.
    pub power: Option<String>,
    /// The data behind that.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Outlook>")]
    pub power_facts: Option<Value>,
    /// What was answered at each planned age.
    pub offsets: Vec<OffsetRow>,
    /// The window of its scans.
    pub window: WindowView,
    /// Its guarantees.
    pub guarantees: Vec<GuaranteeRow>,
    /// How often it was answered `not_found`, in a few words.
    #[serde(skip)]
    pub denied: String,
}

/// What was answered at one planned age on one kind of connection.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct OffsetRow {
    /// The age.
    #[serde(serialize_with = "rounded::ms")]
    pub at_ms: f64,
    /// The same, as files write it.
    #[serde(skip)]
    pub at: String,
    /// The arm's name.
    pub arm: String,
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
    #[serde(serialize_with = "rounded::significant")]
    pub rate: Option<f64>,
    /// Scans behind the polls.
    pub scans: u64,
    /// Scans that were denied at this age.
    pub scans_denied: u64,
    /// Scans of which no poll at this age told anything; absent if there are none.
    #[serde(skip_serializing_if = "rounded::is_zero")]
    pub scans_lost: u64,
    /// Exact 95 % limit (Clopper–Pearson) for the share of scans denied.
    #[serde(serialize_with = "rounded::significant")]
    pub lower: f64,
    /// Upper limit.
    #[serde(serialize_with = "rounded::significant")]
    pub upper: f64,
}

/// What a pass excludes at the age of which least is known.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BoundRow {
    /// The age; `null`: scans were followed at no set age.
    #[serde(serialize_with = "rounded::ms")]
    pub at_ms: Option<f64>,
    /// The same, as files write it.
    #[serde(skip)]
    pub at: Option<String>,
    /// How the polls travelled.
    pub connection: Connection,
    /// Scans that were found at this age.
    pub scans: u64,
    /// Scans whose polls told nothing; each counts as if it had been denied.
    pub lost: u64,
    /// One-sided 95 % upper limit for the share of scans denied.
    #[serde(serialize_with = "rounded::significant")]
    pub below: f64,
}

/// One scan, step by step.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Timeline {
    /// Its number in the run.
    pub scan: u64,
    /// Its scenario.
    pub scenario: String,
    /// Its id.
    pub id: Option<String>,
    /// Its steps by age; the first is the handing out of the id, at 0.
    pub steps: Vec<TimelineStep>,
}

/// One step of a scan.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TimelineStep {
    /// Age at which the first request was sent.
    #[serde(serialize_with = "rounded::ms")]
    pub at_ms: f64,
    /// Age of the last one.
    #[serde(serialize_with = "rounded::ms")]
    pub until_ms: f64,
    /// How many exchanges it stands for.
    pub times: u64,
    /// What was asked, in words.
    pub asked: String,
    /// How it travelled; `null` for the handing out of the id.
    pub connection: Option<Connection>,
    /// What was answered.
    pub told: String,
    /// Whether it denied the scan.
    pub denied: bool,
    /// Who answered.
    pub worker: Option<String>,
    /// The trace id of the (first) request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// How the answer is to be taken.
    #[serde(skip)]
    pub mark: Mark,
}

impl TimelineStep {
    /// The age, or the ages, at which it was asked.
    pub fn when(&self) -> String {
        if self.times == 1 { words::age(self.at_ms) } else { words::between(self.at_ms, Some(self.until_ms)) }
    }
}

/// How an answer is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// As it should be.
    Works,
    /// A broken promise.
    Fails,
    /// Neither.
    Neutral,
}

/// One row of the evidence table.
#[derive(Debug, Clone, PartialEq)]
pub struct EvidenceRow {
    /// What was checked.
    pub check: String,
    /// At which age.
    pub timing: String,
    /// How it is to be taken.
    pub mark: Mark,
    /// What was answered.
    pub result: String,
    /// What it rests on.
    pub evidence: String,
}

/// Round trips of one kind of exchange, in milliseconds, from the actual sending.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct LatencyRow {
    /// Which: the kind, and the connection where it is not the usual one.
    #[serde(skip)]
    pub name: String,
    /// Which exchanges.
    #[serde(skip)]
    pub kind: Kind,
    /// How they travelled.
    #[serde(skip)]
    pub connection: Connection,
    /// From the sending.
    #[serde(flatten)]
    pub sent: RoundTrip,
    /// The same from the planned sending, which a late probe cannot flatter (coordinated omission).
    #[serde(rename = "corrected")]
    pub planned: RoundTrip,
}

/// Quantiles of round trips, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct RoundTrip {
    /// Median; this and each other percentile is `null` where there are fewer than it needs (5, 29, 59, 299 and 2,995).
    #[serde(serialize_with = "rounded::ms")]
    pub p50: Option<f64>,
    /// 90th percentile.
    #[serde(serialize_with = "rounded::ms")]
    pub p90: Option<f64>,
    /// 95th percentile; absent rather than `null`.
    #[serde(serialize_with = "rounded::ms", skip_serializing_if = "Option::is_none")]
    pub p95: Option<f64>,
    /// 99th percentile.
    #[serde(serialize_with = "rounded::ms")]
    pub p99: Option<f64>,
    /// 99.9th percentile; absent rather than `null`.
    #[serde(serialize_with = "rounded::ms", skip_serializing_if = "Option::is_none")]
    pub p999: Option<f64>,
    /// The longest.
    #[serde(serialize_with = "rounded::ms")]
    pub max: f64,
    /// How many.
    pub count: u64,
}

/// An object of round trips whose keys keep their order.
fn by_name<S: Serializer>(rows: &[LatencyRow], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(rows.iter().map(|row| (&row.name, row)))
}

/// How one guarantee fared.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct GuaranteeRow {
    /// Its code, which `statusgap explain` takes.
    pub code: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Kept, broken or not assessed.
    #[serde(rename = "verdict")]
    pub standing: Standing,
    /// How often it was checked.
    pub checked: u64,
    /// How often it was broken.
    pub broken: u64,
    /// What proves it.
    pub evidence: Vec<String>,
    /// The data behind the evidence, in the same order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<Proof>")]
    pub facts: Vec<Value>,
    /// Why it was not assessed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What was seen that a healthy service might show as well, so that it proves nothing; with the number of scans.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unclear: Vec<String>,
    /// The data behind that, in the same order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<Unclear>")]
    pub unclear_facts: Vec<Value>,
    /// Which.
    #[serde(skip)]
    pub guarantee: Guarantee,
    /// What it promises.
    #[serde(skip)]
    pub promise: String,
}

/// Whether a guarantee was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub enum Standing {
    /// No breach was seen.
    #[serde(rename = "pass")]
    Kept,
    /// At least one was.
    #[serde(rename = "fail")]
    Broken,
    /// Nothing was checked.
    #[serde(rename = "not_assessed")]
    NotAssessed,
}

/// One supported cause.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CauseRow {
    /// The fault class' letter.
    pub class: &'static str,
    /// The letters of classes that explain what was seen as well, and are not told from it.
    pub or: Vec<&'static str>,
    /// Its name; with `or`, one name for all of them.
    pub name: &'static str,
    /// `strong`, `moderate` or `weak`.
    pub strength: &'static str,
    /// What supports it.
    pub evidence: Vec<String>,
    /// The same as data: one object for each sentence.
    #[schemars(with = "Vec<Fact>")]
    pub facts: Vec<Value>,
    /// What happens inside such a service.
    pub mechanism: String,
    /// What cures it.
    pub cure: String,
    /// What people read: its name with the letter in brackets.
    #[serde(skip)]
    pub named: String,
}

/// A finding that no class is named for.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PatternRow {
    /// `at_random`, `one_stretch`, `too_few`, `same_poll`, `once_each`, `maybe_lost`, `still_waiting`, `denied_late`, `nothing_seen` or `partition`.
    pub kind: &'static str,
    /// What was found.
    pub statement: String,
    /// The letters of the classes that it may be.
    pub possible: Vec<&'static str>,
    /// The same by their names, with the letters in brackets.
    #[serde(skip)]
    pub possible_named: Vec<String>,
    /// What to ask next.
    pub ask_next: &'static str,
    /// The same as data.
    #[schemars(with = "Pattern")]
    pub fact: Value,
}

/// One excluded cause.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RuledOutRow {
    /// The fault class' letter.
    pub class: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The probe that excludes it.
    pub by: String,
    /// The same as data.
    #[schemars(with = "Exclusion")]
    pub fact: Value,
}

/// How punctual the probe was.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Lateness {
    /// Polls that had a planned age.
    pub polls: u64,
    /// Median lateness; `null`: fewer polls than it needs.
    #[serde(serialize_with = "rounded::ms")]
    pub p50_ms: Option<f64>,
    /// 99th percentile; `null`: fewer polls than it needs.
    #[serde(serialize_with = "rounded::ms")]
    pub p99_ms: Option<f64>,
    /// The latest.
    #[serde(serialize_with = "rounded::ms")]
    pub max_ms: f64,
}

/// How to see it again.
#[derive(Debug, Clone, PartialEq)]
pub struct Repeat {
    /// The command that repeats the run; empty where the log does not say.
    pub command: String,
    /// A shell snippet that asks for a new scan and polls it at the failing age.
    pub snippet: Option<String>,
}

impl View {
    /// What the target's own spans say, for a first screen; nothing where nobody asked for them, or there is nothing to explain.
    pub fn inside_in_short(&self) -> Option<&str> {
        let inside = self.inside.as_ref().filter(|inside| self.verdict != Verdict::Pass || inside.scans > 0);
        inside.map(|inside| inside.short.as_str())
    }

    /// Chooses what a report tells.
    pub fn of(journal: &Journal, analysis: &Analysis, judgement: &Judgement) -> View {
        let journal = analysis.read(journal);
        let scans = Scans::of(&journal.exchanges);
        let histories = scans.histories();
        let scenarios = tables::scenarios(journal, analysis, judgement);
        let everyone = Everyone::of(&analysis.guarantees, &analysis.guarantees);
        let window = window::view(&analysis.window, everyone, judgement.assessable, judgement.verdict);
        let (causes, ruled_out, undecided) = tables::diagnosis(&analysis.diagnosis, journal.run.target.owner());
        let patterns = tables::patterns(&analysis.diagnosis);
        let inside = inside::inside(journal, analysis, &histories);
        let view = View {
            verdict: judgement.verdict,
            headline: headline::headline(analysis, judgement, &window),
            second_opinion: second_opinion::row(journal),
            answers: answers::answers(journal, analysis, judgement, &histories, &window, inside.as_ref()),
            notices: headline::notices(journal, analysis, judgement),
            reason_facts: sentences::facts(&judgement.reasons),
            reasons: judgement.reasons.iter().map(words::reason).collect(),
            other_reasons: headline::other_reasons(judgement),
            assessable: judgement.assessable,
            run: run_note(journal),
            timeline: evidence::timeline(journal, analysis),
            evidence: evidence::rows(journal, analysis, &histories),
            curve: steps::curve(&analysis.window, judgement.assessable),
            denials: denials::rows(analysis),
            lanes: lanes::lanes(journal, &histories),
            latency: tables::latency(&analysis.round_trips),
            histograms: histograms::histograms(journal),
            guarantees: analysis.guarantees.iter().map(tables::guarantee).collect(),
            causes,
            ruled_out,
            patterns,
            undecided,
            open: sentences::facts(&analysis.diagnosis.open),
            twin: TwinView::of(journal, analysis),
            unseen: Vec::new(),
            punctuality: Lateness {
                polls: analysis.punctuality.polls,
                p50_ms: analysis.punctuality.told_p50_ms(),
                p99_ms: analysis.punctuality.told_p99_ms(),
                max_ms: analysis.punctuality.max_ms,
            },
            timing: timing::view(analysis, everyone, &journal.run.target.noun, judgement.assessable),
            jobs: Jobs::of(journal, &analysis.load),
            repeat: repeat::repeat(journal, analysis),
            noun: journal.run.target.noun.clone(),
            next_step: advice::next_step(journal, analysis, judgement, inside.as_ref()),
            inside,
            scenarios,
            window,
        };
        let mut view = View { unseen: limitations::limitations(journal, analysis, &view), ..view };
        let noun = &view.noun.clone();
        if !noun.is_of_older_logs() {
            noun::call_jobs(&mut view, noun);
        }
        view
    }

    /// How punctual the probe was, as a sentence; `None` where no age was to be met.
    pub fn punctual(&self) -> Option<String> {
        let late = &self.punctuality;
        (late.polls > 0).then(|| {
            let told = [("p50", late.p50_ms), ("p99", late.p99_ms)];
            let told: String = told.into_iter().filter_map(|(name, ms)| Some(format!("{name} {}, ", words::age(ms?)))).collect();
            format!("The probe's own lateness at {}: {told}at most {}.", words::counted(late.polls, "gate poll"), words::age(late.max_ms))
        })
    }
}

fn run_note(journal: &Journal) -> RunNote {
    let run = &journal.run;
    RunNote {
        target: words::name(&run.target.name),
        base_url: words::clean(&run.target.base_url, 200),
        service: run.target.service.as_deref().map(words::sentence),
        run_id: words::name(&run.run_id),
        tool: words::name(&run.tool),
        started: words::name(&run.started),
        began: words::since_1970(&run.started),
        lasted: Duration::from_nanos(journal.exchanges.iter().map(|exchange| exchange.done.0).max().unwrap_or_default()),
        seed: run.seed,
        command: words::clean(&run.command, 2000),
        timer: words::name(&run.clock.timer),
        resolution_ms: run.clock.resolution.as_ms(),
        system: words::name(&run.environment.system),
        processors: run.environment.processors,
        shard: run.shard.clone(),
        exchanges: journal.exchanges.len() as u64,
        complete: journal.is_complete(),
    }
}

/// Whether an answer shows the scan.
fn is_visible(answer: Answer) -> bool {
    answer == Answer::Visible
}
