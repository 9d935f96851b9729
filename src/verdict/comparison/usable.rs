//! Which runs may be compared at all: a failed measurement must never become a baseline, nor be held against one.

use crate::analysis::Analysis;
use crate::analysis::baseline::Baseline;
use crate::model::run::{EndReason, Journal};
use crate::verdict::{Judgement, Reason};

/// Why nothing can be compared with a run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// It did not do all it had planned.
    #[error("the run is partial ({0})")]
    Partial(&'static str),
    /// A never-issued id was answered as visible, or nobody asked for one.
    #[error("{0}")]
    NotAssessable(&'static str),
    /// No scenario has scans to compare.
    #[error("no scan was accepted")]
    NoScans,
    /// Every scenario failed to measure.
    #[error("no scenario could be measured: {0}")]
    NotMeasured(String),
}

/// Why nothing may be compared with a scenario.
#[derive(Debug, Clone, Copy)]
pub enum Spoilt<'a> {
    /// It was not measured well enough.
    Reason(&'a Reason),
    /// Where to stop was decided by what was seen, so what was seen by then is not a fair sample.
    StoppedWhenDecided,
}

/// What is to be kept of a run, unless it failed to measure. A run that found the window is a good baseline for it; a scenario that
/// failed to measure is kept by name alone, with the reason in words: `told` writes them.
pub fn usable(
    journal: &Journal,
    analysis: &Analysis,
    judgement: &Judgement,
    contract: Option<String>,
    told: fn(Spoilt<'_>) -> String,
) -> Result<Baseline, Unusable> {
    match journal.end.as_ref().map(|end| end.reason) {
        Some(EndReason::Complete) => {}
        Some(EndReason::Interrupted) => return Err(Unusable::Partial("interrupted before the plan was done")),
        Some(EndReason::Budget) => return Err(Unusable::Partial("the budget was spent before the plan was done")),
        Some(EndReason::Throttled { .. }) => return Err(Unusable::Partial("the target throttled the run until it was given up")),
        Some(EndReason::TargetGone) => return Err(Unusable::Partial("the target could not be reached any more")),
        None => return Err(Unusable::Partial("the log is cut off")),
    }
    if judgement.reasons.iter().any(|reason| matches!(reason, Reason::ShardsMissing { .. })) {
        return Err(Unusable::Partial("shards of it are missing: merge the logs of all"));
    }
    if judgement.reasons.iter().any(|reason| matches!(reason, Reason::Damaged { .. })) {
        return Err(Unusable::Partial("its log is not as it was written: lines are missing or repeated"));
    }
    match analysis.honest {
        Some(true) => {}
        Some(false) => return Err(Unusable::NotAssessable("a never-issued id was answered as visible, so `visible` means nothing")),
        None => return Err(Unusable::NotAssessable("no control was answered, so it is open whether `visible` means anything")),
    }
    let mut baseline = Baseline::of(journal, analysis, contract);
    let stopped: Vec<&str> =
        journal.stopped.iter().filter_map(|stop| journal.scenarios.get(stop.scenario as usize)).map(|one| one.name.as_str()).collect();
    for scenario in &mut baseline.scenarios {
        let judged = judgement.scenarios.iter().find(|judged| judged.name == scenario.name);
        let reason = judged.and_then(|judged| judged.reasons.iter().find(|reason| reason.spoils_measurement()));
        let stopped = stopped.contains(&scenario.name.as_str());
        let spoilt = reason.map(Spoilt::Reason).or_else(|| stopped.then_some(Spoilt::StoppedWhenDecided));
        if let Some(why) = spoilt.map(told) {
            scenario.refused = Some(why);
            scenario.rates.clear();
            scenario.windows = None;
            scenario.round_trips.clear();
        }
    }
    if baseline.scenarios.iter().all(|scenario| scenario.scans == 0) {
        return Err(Unusable::NoScans);
    }
    match baseline.scenarios.iter().find_map(|scenario| scenario.refused.clone()) {
        Some(why) if baseline.scenarios.iter().all(|scenario| scenario.refused.is_some()) => Err(Unusable::NotMeasured(why)),
        _ => Ok(baseline),
    }
}
