//! From findings to a verdict: pass, fail or inconclusive, each with its reasons.
//!
//! In go an [`Analysis`] and the scenarios' expectations, out comes a [`Judgement`]. Whatever the evidence, three rules stand:
//! if a never-issued id is answered as visible nothing can be judged; a proven breach is a fail however noisy the run was;
//! and a run without samples, or of errors only, never passes.

mod allowance;
pub mod comparison;
mod exit;
pub mod power;
mod reason;
pub mod rolling;
pub mod sequential;

pub use allowance::UnusedAllowance;
pub use exit::Exit;
pub use reason::Reason;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::analysis::diagnosis::Strength;
use crate::analysis::gate::{Bound, OffsetRate, sequential_test};
use crate::analysis::guarantees::{Ambiguity, Checked};
use crate::analysis::{Analysis, ScenarioAnalysis};
use crate::model::answer::Answer;
use crate::model::exchange::{Exchange, Kind};
use crate::model::fault::FaultClass;
use crate::model::guarantee::Guarantee;
use crate::model::run::{EndReason, Journal};
use crate::model::scenario::{Scenario, Tolerance};
use crate::model::shard::Share;
use crate::model::time::Nanos;
use crate::statistics::sprt::Decision;
use crate::verdict::allowance::Allowances;
use crate::verdict::power::{Outlook, Power};

/// One of three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All expectations held, as far as this many scans can tell.
    Pass,
    /// It could not be measured.
    Inconclusive,
    /// An expectation was broken.
    Fail,
}

impl Verdict {
    /// The word used everywhere.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Inconclusive => "inconclusive",
            Verdict::Fail => "fail",
        }
    }
}

/// The verdict on a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, the weightiest first.
    pub reasons: Vec<Reason>,
    /// Whether a `visible` meant anything.
    pub assessable: bool,
    /// Scenario by scenario.
    pub scenarios: Vec<ScenarioJudgement>,
    /// Allowances that allowed nothing.
    pub unused_allowances: Vec<UnusedAllowance>,
}

/// The verdict on one scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct ScenarioJudgement {
    /// The scenario's name.
    pub name: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Why.
    pub reasons: Vec<Reason>,
    /// What a pass could have missed: the smallest true rate that is excluded at 95 % at each of its ages.
    pub could_miss: Option<f64>,
    /// The same with what it rests on: the age of which least is known.
    pub bound: Option<Bound>,
    /// What its gate could see and what not, with the scans that it got.
    pub power: Option<Outlook>,
}

/// Judges a run.
pub fn judge(journal: &Journal, analysis: &Analysis) -> Judgement {
    let is_shard = matches!(journal.run.shard, Some(Share::Shard(_)));
    let flaws = journal.end.as_ref().map_or(&[][..], |end| &end.flaws);
    let mut allowances = Allowances::of(journal);
    let scenarios: Vec<ScenarioJudgement> = journal
        .scenarios
        .iter()
        .zip(&analysis.scenarios)
        .enumerate()
        .map(|(index, (scenario, seen))| {
            let stopped = journal.stopped.iter().any(|stopped| stopped.scenario as usize == index);
            let course = match (journal.is_complete(), stopped) {
                (_, true) => Course::Stopped,
                (true, false) => Course::Whole,
                (false, false) if was_done(journal, index, seen) => Course::Whole,
                (false, false) => Course::Cut,
            };
            let judged = judge_scenario(scenario, seen, course, analysis.honest, &mut allowances);
            let judged = if flaws.is_empty() { judged } else { despite_flaws(scenario, judged) };
            if is_shard { without_others(judged) } else { judged }
        })
        .collect();
    if let Some(reason) = not_usable(journal) {
        return Judgement {
            scenarios: scenarios.into_iter().map(|judged| not_judged(judged, &reason)).collect(),
            ..whole_run(journal, reason)
        };
    }
    let ran: Vec<&str> = scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
    let unused_allowances = allowances.unused(&ran);
    let assessable = analysis.honest != Some(false);
    let mut reasons = Vec::new();
    if !assessable {
        reasons.push(Reason::UnknownIdVisible);
    }
    reasons.extend(contact_problem(journal).or_else(|| cut_short(journal)));
    if !flaws.is_empty() {
        reasons.push(Reason::Damaged { flaws: flaws.to_vec() });
    }
    reasons.extend(first_polls_lost(journal, analysis, &scenarios));
    if scenarios.is_empty() {
        reasons.push(Reason::NothingRun);
    }
    if let Some(share) = &journal.run.shard {
        let missing: Vec<u32> = share.missing().iter().map(|index| index + 1).collect();
        if !missing.is_empty() {
            reasons.push(Reason::ShardsMissing { missing, of: share.of() });
        }
    }
    let found = faults_between_scans(analysis);
    let failed = !found.is_empty() || scenarios.iter().any(|scenario| scenario.verdict == Verdict::Fail);
    let verdict = if !assessable {
        Verdict::Inconclusive
    } else if failed {
        Verdict::Fail
    } else if !reasons.is_empty() || scenarios.iter().any(|scenario| scenario.verdict == Verdict::Inconclusive) {
        Verdict::Inconclusive
    } else {
        Verdict::Pass
    };
    // The run's reasons are its scenarios' reasons of the verdict's own kind, each told once.
    let of_run = reasons.len();
    for scenario in scenarios.iter().filter(|scenario| scenario.verdict == verdict) {
        for reason in &scenario.reasons {
            // That it was cut short is the run's own reason, in other words.
            let is_news = *reason != Reason::CutShort && reason.speaks_for() == verdict;
            if is_news && verdict != Verdict::Pass && !reasons.iter().any(|told| told.same_matter(reason)) {
                reasons.push(reason.clone());
            }
        }
    }
    if verdict == Verdict::Fail {
        reasons.extend(found);
    }
    reasons[of_run..].sort_by_key(Reason::rank);
    Judgement { verdict, reasons, assessable, scenarios, unused_allowances }
}

/// First polls that were lost where later ones were not, if no scenario has said so of its own polls and none of them tolerates it.
fn first_polls_lost(journal: &Journal, analysis: &Analysis, scenarios: &[ScenarioJudgement]) -> Option<Reason> {
    let said = |reason: &Reason| matches!(reason.matter(), Reason::Lost { .. } | Reason::PollsFailed { .. } | Reason::Silent { .. });
    let tolerated = journal.scenarios.iter().all(|scenario| scenario.expect.errors_at_most >= 1.0);
    if tolerated || scenarios.iter().flat_map(|scenario| &scenario.reasons).any(said) {
        return None;
    }
    analysis.first_polls.clone().map(|found| Reason::FirstPolls { found })
}

/// The faults that break no guarantee of a single scan, and show by comparing scans: they are strong, or none.
fn faults_between_scans(analysis: &Analysis) -> Vec<Reason> {
    let shows_in_comparison = |class: FaultClass| matches!(class, FaultClass::U | FaultClass::X | FaultClass::Z);
    let strong = analysis.diagnosis.causes.iter().filter(|cause| cause.strength == Strength::Strong && cause.or.is_empty());
    strong.filter(|cause| shows_in_comparison(cause.class)).map(|cause| Reason::FaultFound { class: cause.class }).collect()
}

/// What one shard lacks because other shards have it is one reason rather than many.
fn without_others(mut judged: ScenarioJudgement) -> ScenarioJudgement {
    let reasons = judged.reasons.len();
    judged.reasons.retain(|reason| !matches!(reason, Reason::NoSamples { late: 0, other: 0, .. } | Reason::NoScans { initiates: 0 }));
    if judged.reasons.len() < reasons {
        judged.reasons.push(Reason::OnOtherShards);
    }
    judged
}

/// Why nothing that the log holds can be judged: what the first contact met, or a status path that does not exist.
fn not_usable(journal: &Journal) -> Option<Reason> {
    // Of a merged log, some shards may have begun: what they saw is judged.
    contact_problem(journal).filter(|_| journal.exchanges.is_empty()).or_else(|| {
        let unrouted = journal.unrouted()?;
        Some(Reason::LikeNoSuchPath {
            asked: unrouted.asked.clone(),
            http: unrouted.http,
            quoted: unrouted.quoted.clone(),
            change: unrouted.change.clone(),
        })
    })
}

fn contact_problem(journal: &Journal) -> Option<Reason> {
    let problem = journal.run.contact.as_ref()?.problem.clone()?;
    Some(Reason::FirstContact { problem })
}

/// The judgement on a run of which nothing can be judged.
fn whole_run(journal: &Journal, reason: Reason) -> Judgement {
    let blocked = matches!(reason, Reason::FirstContact { .. });
    let cut = cut_short(journal).filter(|_| !blocked);
    Judgement {
        verdict: Verdict::Inconclusive,
        reasons: [reason].into_iter().chain(cut).collect(),
        assessable: true,
        scenarios: Vec::new(),
        unused_allowances: Vec::new(),
    }
}

fn not_judged(judged: ScenarioJudgement, reason: &Reason) -> ScenarioJudgement {
    ScenarioJudgement { verdict: Verdict::Inconclusive, reasons: vec![reason.clone()], could_miss: None, power: None, ..judged }
}

/// Why a run ended before it was done.
fn cut_short(journal: &Journal) -> Option<Reason> {
    match journal.end.as_ref().map(|end| end.reason) {
        Some(EndReason::Complete) => None,
        Some(EndReason::Interrupted) => Some(Reason::Interrupted),
        Some(EndReason::Budget) => Some(Reason::BudgetSpent),
        Some(EndReason::TargetGone) => Some(gone(journal)),
        Some(EndReason::Throttled { waited, retry_after }) => Some(throttled(journal, waited, retry_after)),
        None => Some(Reason::CutOff),
    }
}

/// The verdict on a scenario whose log is not as it was written: it fails only by what a missing line cannot have made of a healthy
/// target. After a second write a denial may be right, and the line that would say so may be the one that is missing.
fn despite_flaws(scenario: &Scenario, judged: ScenarioJudgement) -> ScenarioJudgement {
    let stands = judged.reasons.iter().any(|reason| reason.speaks_for() == Verdict::Fail && reason.stands_alone());
    let verdict = match judged.verdict {
        Verdict::Fail if stands && scenario.then.is_none() => Verdict::Fail,
        _ => Verdict::Inconclusive,
    };
    ScenarioJudgement { verdict, could_miss: None, ..judged }
}

/// A target that was lost on the way, or was never there.
fn gone(journal: &Journal) -> Reason {
    let answered = journal.exchanges.iter().any(Exchange::was_answered);
    match journal.exchanges.iter().rev().find_map(|exchange| exchange.fault) {
        Some(fault) if !answered => Reason::Unreachable { fault },
        _ => Reason::TargetGone,
    }
}

/// A target that answered with nothing but 429, or 503 with a wait.
fn throttled(journal: &Journal, waited: Nanos, retry_after: Option<Nanos>) -> Reason {
    let last = journal.exchanges.iter().rev().find(|exchange| exchange.http == Some(503) || exchange.answer == Answer::Throttled);
    let http = last.and_then(|exchange| exchange.http).unwrap_or(429);
    let kind = last.map(|exchange| exchange.kind);
    let other = journal.exchanges.iter().any(|exchange| exchange.was_answered() && exchange.http != Some(http));
    Reason::Throttled { http, kind: kind.filter(|_| other), waited, retry_after }
}

/// Whether a run that ended before it was done had done all of a scenario: they are run one after the other.
fn was_done(journal: &Journal, index: usize, seen: &ScenarioAnalysis) -> bool {
    let is_shard = matches!(journal.run.shard, Some(Share::Shard(_)));
    let later = journal.exchanges.iter().any(|exchange| exchange.scenario as usize > index);
    later && (is_shard || seen.counts.initiates >= u64::from(journal.scenarios[index].load.scans))
}

/// How far a scenario came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    /// To its end.
    Whole,
    /// To where its gate was decided, and it was to stop there.
    Stopped,
    /// To where the run ended before it was done.
    Cut,
}

fn judge_scenario(
    scenario: &Scenario,
    seen: &ScenarioAnalysis,
    course: Course,
    honest: Option<bool>,
    allowances: &mut Allowances<'_>,
) -> ScenarioJudgement {
    let complete = course == Course::Whole;
    let mut reasons = Vec::new();
    for rate in &seen.offsets {
        reasons.extend(judge_rate(scenario, rate, complete));
        reasons.extend(judge_losses(scenario, seen, rate));
    }
    for checked in seen.guarantees.iter().filter(|checked| scenario.expect.guarantees.contains(&checked.guarantee)) {
        reasons.extend(judge_guarantee(scenario, seen, checked, honest));
    }
    reasons.extend(judge_quantiles(scenario, seen));
    reasons.extend(judge_quality(scenario, seen));
    if course == Course::Stopped && !is_decided(scenario, seen) {
        reasons.push(Reason::StoppedOpen);
    }
    // What it did not get to send might have failed.
    if course == Course::Cut {
        reasons.push(Reason::CutShort);
    }
    let mut reasons = allowances.apply(&scenario.name, reasons);
    let verdict = reasons.iter().map(Reason::speaks_for).max().unwrap_or(Verdict::Pass);
    // Never the other way round: what cannot be assessed is not a proven breach.
    let verdict = if reasons.contains(&Reason::UnknownIdVisible) { Verdict::Inconclusive } else { verdict };
    reasons.sort_by_key(|reason| (std::cmp::Reverse(reason.speaks_for()), reason.rank()));
    let bound = if verdict == Verdict::Pass { bound(seen) } else { None };
    let could_miss = bound.as_ref().map(|bound| bound.below);
    // The offset with the fewest scans sees least.
    let scans = seen.offsets.iter().map(|rate| rate.scans).min().unwrap_or_default();
    let power = Power::of(scenario, scans).map(|power| power.outlook(scenario.load.detect));
    ScenarioJudgement { name: scenario.name.clone(), verdict, reasons, could_miss, bound, power }
}

/// What a scenario without a denial excludes: at each of its ages, hence that of the age of which least is known. A scenario
/// that polls at no set age speaks of scans that are followed as its own were.
fn bound(seen: &ScenarioAnalysis) -> Option<Bound> {
    let reads = seen.guarantees.iter().find(|checked| checked.guarantee == Guarantee::ReadYourWrites)?;
    if reads.broken > 0 || reads.checked == 0 {
        return None;
    }
    let polled = seen.offsets.iter().filter(|rate| rate.in_time() > 0);
    let weakest = polled.filter_map(OffsetRate::bound).max_by(|a, b| a.below.total_cmp(&b.below).then(b.at.cmp(&a.at)));
    let followed = || {
        let connection = seen.round_trips.iter().find(|trips| trips.kind == Kind::Poll)?.connection;
        Some(Bound::of(None, connection, reads.checked, seen.window.no_evidence))
    };
    weakest.or_else(followed)
}

/// Whether what is in the log decides the gates of a scenario that was stopped because they were decided.
fn is_decided(scenario: &Scenario, seen: &ScenarioAnalysis) -> bool {
    let crossed = |decision| move |rate: &OffsetRate| rate.crossed.is_some_and(|crossing| crossing.decision == decision);
    match scenario.expect.not_found {
        Tolerance::Any => false,
        Tolerance::Never => seen.offsets.iter().any(|rate| rate.not_found > 0),
        Tolerance::Rate { .. } => seen.offsets.iter().any(crossed(Decision::Fail)) || seen.offsets.iter().all(crossed(Decision::Pass)),
    }
}

/// Whether at this offset too many polls told nothing, or more than at the others. One lost poll is an accident of the network;
/// losses all over the scenario are one matter, and judged together.
fn judge_losses(scenario: &Scenario, seen: &ScenarioAnalysis, rate: &OffsetRate) -> Option<Reason> {
    let tolerated = scenario.expect.errors_at_most;
    let too_many = |lost: u64, of: u64| of > 0 && lost as f64 / of as f64 > tolerated;
    let everywhere = too_many(seen.counts.without_evidence, seen.counts.polls);
    let here = rate.other > 1 && too_many(rate.other, rate.in_time()) && !everywhere;
    // Where it is the only offset, that is what the scenario's polls together say.
    let gathered = rate.gathered.is_some() && tolerated < 1.0 && !(everywhere && seen.offsets.len() == 1);
    (here || gathered).then(|| Reason::Lost {
        arm: rate.arm.clone(),
        at: rate.at,
        connection: rate.connection,
        lost: rate.other,
        of: rate.in_time(),
        losses: rate.losses.clone(),
        gathered: rate.gathered,
        scans_lost: rate.scans_lost,
        then_visible: rate.lost_then_visible,
    })
}

fn judge_rate(scenario: &Scenario, rate: &OffsetRate, complete: bool) -> Option<Reason> {
    if rate.polls == 0 && scenario.load.scans > 0 {
        // Who puts up with half of the polls being late cannot ask for one at every offset: late polls still tell of their own ages.
        let forgiven = rate.late > 0 && scenario.expect.late_at_most >= 0.5;
        return (complete && !forgiven).then(|| Reason::NoSamples {
            arm: rate.arm.clone(),
            at: rate.at,
            late: rate.late,
            other: rate.other,
        });
    }
    match scenario.expect.not_found {
        Tolerance::Any => None,
        Tolerance::Never => (rate.not_found > 0).then_some(Reason::NotFound {
            at: rate.at,
            connection: rate.connection,
            not_found: rate.not_found,
            polls: rate.polls,
        }),
        Tolerance::Rate { at_most, .. } if sequential_test(scenario).is_some() => judge_sequentially(scenario, rate, at_most),
        Tolerance::Rate { at_most, confidence } => {
            let upper = rate.upper_with_lost(confidence);
            let lower = crate::statistics::binomial::lower_limit(rate.scans_denied, rate.scans, confidence);
            if lower > at_most {
                Some(Reason::RateTooHigh {
                    at: rate.at,
                    connection: rate.connection,
                    denied: rate.scans_denied,
                    scans: rate.scans,
                    at_most,
                    lower,
                })
            } else if upper > at_most {
                Some(Reason::RateUnproven {
                    at: rate.at,
                    connection: rate.connection,
                    denied: rate.scans_denied,
                    scans: rate.scans,
                    lost: rate.scans_lost,
                    at_most,
                    upper,
                })
            } else {
                None
            }
        }
    }
}

/// A gate with a sequential test is judged by where that test was decided, and by nothing that came later.
fn judge_sequentially(scenario: &Scenario, rate: &OffsetRate, at_most: f64) -> Option<Reason> {
    match rate.crossed.map(|crossing| (crossing.decision, crossing)) {
        Some((Decision::Pass, _)) => None,
        Some((Decision::Fail, crossing)) => {
            Some(Reason::RateCaught { at: rate.at, connection: rate.connection, denied: crossing.events, scans: crossing.trials, at_most })
        }
        _ => Some(Reason::RateUndecided {
            at: rate.at,
            connection: rate.connection,
            denied: rate.scans_denied,
            scans: rate.scans,
            lost: rate.scans_lost,
            at_most,
            caught: scenario.load.detect.map_or(1.0, |detect| detect.rate),
        }),
    }
}

fn judge_guarantee(scenario: &Scenario, seen: &ScenarioAnalysis, checked: &Checked, honest: Option<bool>) -> Option<Reason> {
    if checked.broken == 0 {
        if checked.guarantee == Guarantee::Completion && checked.checked == 0 {
            return none_ended(checked);
        }
        // A control that nobody answered leaves open whether `visible` means anything, unless another scenario's was answered.
        let silent =
            honest.is_none() && checked.guarantee == Guarantee::Honesty && checked.checked == 0 && scenario.controls.unknown_id > 0;
        return silent.then(|| Reason::NoControl { losses: seen.lost_controls.clone() });
    }
    if checked.guarantee == Guarantee::Honesty {
        return Some(Reason::UnknownIdVisible);
    }
    // A tolerated rate of not_found tolerates the denials behind it.
    if checked.guarantee == Guarantee::ReadYourWrites && scenario.expect.not_found != Tolerance::Never {
        return None;
    }
    let flaps = |guarantee| seen.guarantees.iter().find(|checked| checked.guarantee == guarantee).map_or(0, |checked| checked.broken);
    if flaps(Guarantee::MonotonicVisibility) <= scenario.expect.flaps_at_most {
        // Flaps within what is tolerated break nothing, neither as flaps nor as denials of a scan that is known.
        let tolerated = match checked.guarantee {
            Guarantee::MonotonicVisibility => checked.broken,
            Guarantee::ReadYourWrites => seen.counts.denied_late.min(scenario.expect.flaps_at_most),
            _ => 0,
        };
        if tolerated >= checked.broken {
            return None;
        }
    }
    Some(Reason::Broken { guarantee: checked.guarantee, broken: checked.broken, checked: checked.checked })
}

/// Jobs that status never showed as ended though something else speaks for it that they had: that may be a status that never tells,
/// where none was seen to end.
fn none_ended(checked: &Checked) -> Option<Reason> {
    let of = checked.unclear.iter().map(|unclear| unclear.scans).sum();
    checked.unclear.iter().find_map(|unclear| {
        let (by, may_be_partial) = match unclear.why {
            Ambiguity::ResultsWhileRunning => (Kind::Results, true),
            Ambiguity::EndedElsewhere(by) => (by, false),
            _ => return None,
        };
        Some(Reason::NoneEnded { jobs: unclear.scans, of, by, may_be_partial })
    })
}

fn judge_quantiles(scenario: &Scenario, seen: &ScenarioAnalysis) -> Vec<Reason> {
    let mut reasons = Vec::new();
    for limit in &scenario.expect.window {
        let Some(found) = seen.window.quantile(limit.quantile) else {
            reasons.push(Reason::WindowUnproven { quantile: limit.quantile, below: limit.below, upper_ms: None });
            continue;
        };
        if found.lower_ms > limit.below.as_ms() {
            reasons.push(Reason::WindowTooLong { quantile: limit.quantile, below: limit.below, lower_ms: found.lower_ms });
        } else if found.at_most_ms.is_none_or(|upper| upper > limit.below.as_ms()) {
            reasons.push(Reason::WindowUnproven { quantile: limit.quantile, below: limit.below, upper_ms: found.at_most_ms });
        }
    }
    for limit in &scenario.expect.latency {
        let polls = seen.round_trips.iter().filter(|trips| trips.kind == Kind::Poll);
        for trips in polls {
            match trips.from_planned.quantile_ms(limit.quantile) {
                Some(ms) if ms > limit.below.as_ms() => reasons.push(Reason::TooSlow { quantile: limit.quantile, below: limit.below, ms }),
                Some(_) => {}
                None => {
                    reasons.push(Reason::SpeedUnproven { quantile: limit.quantile, below: limit.below, samples: trips.from_planned.count });
                }
            }
        }
    }
    reasons
}

/// Whether more requests failed than are tolerated. A single one among others is an accident of the network, in a small scenario too.
fn too_many(failed: u64, of: u64, scenario: &Scenario) -> bool {
    let tolerated = scenario.expect.errors_at_most;
    failed as f64 > tolerated * of as f64 && (failed > 1 || of == 1 || tolerated <= 0.0)
}

/// Whether the run was good enough to say anything.
fn judge_quality(scenario: &Scenario, seen: &ScenarioAnalysis) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let counts = seen.counts;
    let share = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    if scenario.load.scans > 0 {
        let refused = counts.initiates - counts.accepted;
        if counts.accepted == 0 {
            reasons.push(Reason::NoScans { initiates: counts.initiates });
        } else if too_many(refused, counts.initiates, scenario) {
            reasons.push(Reason::InitiatesFailed { failed: refused, of: counts.initiates });
        }
        if share(counts.repeated_ids, counts.accepted) > 0.5
            && scenario.load.input == crate::model::scenario::Input::Distinct
            && counts.accepted > 1
        {
            reasons.push(Reason::WarmIds { repeated: counts.repeated_ids, of: counts.accepted });
        }
    }
    if too_many(counts.without_evidence, counts.polls, scenario) {
        reasons.push(Reason::PollsFailed { failed: counts.without_evidence, of: counts.polls, losses: seen.losses.clone() });
    }
    if counts.unlisted_after_end > 0 && scenario.expect.guarantees.contains(&Guarantee::MonotonicState) {
        reasons.push(Reason::UnlistedAfterEnd { scans: counts.unlisted_after_end });
    }
    // Losses that fall on all polls of some scans, and on hardly any of the others, are not an accident of the network.
    let (lost, of) = counts.lost_elsewhere;
    let by_chance = if of == 0 { 1.0 } else { (counts.accepted as f64) * ((lost + 1) as f64 / (of + 1) as f64).powi(2) };
    if counts.silent >= 2 && by_chance * 10.0 < counts.silent as f64 && scenario.expect.errors_at_most < 1.0 {
        reasons.push(Reason::Silent { scans: counts.silent, of: counts.accepted, losses: seen.losses.clone() });
    }
    let late: u64 = seen.offsets.iter().map(|rate| rate.late).sum();
    let gated: u64 = seen.offsets.iter().map(|rate| rate.late + rate.polls + rate.other).sum();
    if share(late, gated) > scenario.expect.late_at_most {
        reasons.push(Reason::Late {
            late,
            of: gated,
            latest_ms: seen.punctuality.max_ms,
            throttled: counts.throttled,
            throttled_after: counts.throttled_after,
        });
    }
    reasons
}
