//! From findings to a verdict: pass, fail or inconclusive, each with its reasons.
//!
//! In go an [`Analysis`] and the scenarios' expectations, out comes a [`Judgement`]. Whatever the evidence, three rules stand:
//! if a never-issued id is answered as visible nothing can be judged; a proven breach is a fail however noisy the run was;
//! and a run without samples, or of errors only, never passes.

mod exit;
mod reason;

pub use exit::Exit;
pub use reason::Reason;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::analysis::binomial::{upper_limit, zero_failure_bound};
use crate::analysis::gate::OffsetRate;
use crate::analysis::guarantees::Checked;
use crate::analysis::{Analysis, ScenarioAnalysis};
use crate::model::guarantee::Guarantee;
use crate::model::run::{EndReason, Journal};
use crate::model::scenario::{Scenario, Tolerance};

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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, the weightiest first.
    pub reasons: Vec<Reason>,
    /// Whether a `visible` meant anything.
    pub assessable: bool,
    /// Scenario by scenario.
    pub scenarios: Vec<ScenarioJudgement>,
}

/// The verdict on one scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScenarioJudgement {
    /// The scenario's name.
    pub name: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Why.
    pub reasons: Vec<Reason>,
    /// What a pass could have missed: the smallest true rate that so many clean scans exclude at 95 %.
    pub could_miss: Option<f64>,
}

/// Judges a run.
pub fn judge(journal: &Journal, analysis: &Analysis) -> Judgement {
    let scenarios: Vec<ScenarioJudgement> = journal
        .scenarios
        .iter()
        .zip(&analysis.scenarios)
        .map(|(scenario, seen)| judge_scenario(scenario, seen, journal.is_complete(), analysis.honest))
        .collect();
    let assessable = analysis.honest != Some(false);
    let mut reasons = Vec::new();
    if !assessable {
        reasons.push(Reason::UnknownIdVisible);
    }
    match journal.end.as_ref().map(|end| end.reason) {
        Some(EndReason::Complete) => {}
        Some(EndReason::Interrupted) => reasons.push(Reason::Interrupted),
        Some(EndReason::Budget) => reasons.push(Reason::BudgetSpent),
        Some(EndReason::TargetGone) => reasons.push(Reason::TargetGone),
        None => reasons.push(Reason::CutOff),
    }
    if scenarios.is_empty() {
        reasons.push(Reason::NothingRun);
    }
    if let Some(share) = &journal.run.shard {
        let missing: Vec<u32> = share.missing().iter().map(|index| index + 1).collect();
        if !missing.is_empty() {
            reasons.push(Reason::ShardsMissing { missing, of: share.of() });
        }
    }
    let failed = scenarios.iter().any(|scenario| scenario.verdict == Verdict::Fail);
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
    for scenario in scenarios.iter().filter(|scenario| scenario.verdict == verdict) {
        for reason in &scenario.reasons {
            if reason.speaks_for() == verdict && !reasons.iter().any(|told| told.same_matter(reason)) {
                reasons.push(reason.clone());
            }
        }
    }
    Judgement { verdict, reasons, assessable, scenarios }
}

fn judge_scenario(scenario: &Scenario, seen: &ScenarioAnalysis, complete: bool, honest: Option<bool>) -> ScenarioJudgement {
    let mut reasons = Vec::new();
    for rate in &seen.offsets {
        reasons.extend(judge_rate(scenario, rate, complete));
    }
    for checked in seen.guarantees.iter().filter(|checked| scenario.expect.guarantees.contains(&checked.guarantee)) {
        reasons.extend(judge_guarantee(scenario, checked, honest));
    }
    reasons.extend(judge_quantiles(scenario, seen));
    reasons.extend(judge_quality(scenario, seen));
    let verdict = reasons.iter().map(Reason::speaks_for).max().unwrap_or(Verdict::Pass);
    // Never the other way round: what cannot be assessed is not a proven breach.
    let verdict = if reasons.contains(&Reason::UnknownIdVisible) { Verdict::Inconclusive } else { verdict };
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.speaks_for()));
    let clean =
        seen.guarantees.iter().find(|checked| checked.guarantee == Guarantee::ReadYourWrites && checked.broken == 0 && checked.checked > 0);
    let could_miss = clean.filter(|_| verdict == Verdict::Pass).map(|checked| zero_failure_bound(checked.checked, 0.95));
    ScenarioJudgement { name: scenario.name.clone(), verdict, reasons, could_miss }
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
        Tolerance::Rate { at_most, confidence } => {
            let upper = upper_limit(rate.scans_denied, rate.scans, confidence);
            let lower = crate::analysis::binomial::lower_limit(rate.scans_denied, rate.scans, confidence);
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
                    at_most,
                    upper,
                })
            } else {
                None
            }
        }
    }
}

fn judge_guarantee(scenario: &Scenario, checked: &Checked, honest: Option<bool>) -> Option<Reason> {
    if checked.broken == 0 {
        // A control that nobody answered leaves open whether `visible` means anything, unless another scenario's was answered.
        let silent =
            honest.is_none() && checked.guarantee == Guarantee::Honesty && checked.checked == 0 && scenario.controls.unknown_id > 0;
        return silent.then_some(Reason::NoControl);
    }
    if checked.guarantee == Guarantee::Honesty {
        return Some(Reason::UnknownIdVisible);
    }
    // A tolerated rate of not_found tolerates the denials behind it.
    if checked.guarantee == Guarantee::ReadYourWrites && scenario.expect.not_found != Tolerance::Never {
        return None;
    }
    Some(Reason::Broken { guarantee: checked.guarantee, broken: checked.broken, checked: checked.checked })
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
        let polls = seen.round_trips.iter().filter(|trips| trips.kind == crate::model::exchange::Kind::Poll);
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

/// Whether the run was good enough to say anything.
fn judge_quality(scenario: &Scenario, seen: &ScenarioAnalysis) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let counts = seen.counts;
    let share = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    if scenario.load.scans > 0 {
        let refused = counts.initiates - counts.accepted;
        if counts.accepted == 0 {
            reasons.push(Reason::NoScans { initiates: counts.initiates });
        } else if share(refused, counts.initiates) > scenario.expect.errors_at_most {
            reasons.push(Reason::InitiatesFailed { failed: refused, of: counts.initiates });
        }
        if share(counts.repeated_ids, counts.accepted) > 0.5
            && scenario.load.input == crate::model::scenario::Input::Distinct
            && counts.accepted > 1
        {
            reasons.push(Reason::WarmIds { repeated: counts.repeated_ids, of: counts.accepted });
        }
    }
    if share(counts.without_evidence, counts.polls) > scenario.expect.errors_at_most {
        reasons.push(Reason::PollsFailed { failed: counts.without_evidence, of: counts.polls });
    }
    let late: u64 = seen.offsets.iter().map(|rate| rate.late).sum();
    let gated: u64 = seen.offsets.iter().map(|rate| rate.late + rate.polls + rate.other).sum();
    if share(late, gated) > scenario.expect.late_at_most {
        reasons.push(Reason::Late { late, of: gated, p99_ms: seen.punctuality.p99_ms });
    }
    reasons
}
