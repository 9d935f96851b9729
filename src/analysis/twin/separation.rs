//! What would tell two hypotheses apart that both fit: the aspect in which their runs differ most, and the scenario that asks for it.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::twin::aspects::Aspect;
use crate::analysis::twin::rows::mean_and_variance;
use crate::analysis::twin::{FIRST_RUNS, Tried};
use crate::model::fault::FaultClass;
use crate::model::run::Journal;
use crate::model::scenario::{Action, Arm, Scenario, Until};

/// Which polls would tell two hypotheses apart.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Separation {
    /// The causes of the one.
    pub one: Vec<FaultClass>,
    /// The causes of the other.
    pub other: Vec<FaultClass>,
    /// The scenario that asks for it; `None`: no scenario of the run does.
    pub scenario: Option<String>,
    /// What differs there.
    pub aspect: Aspect,
    /// How many times as many jobs tell them apart in nine of ten runs.
    pub times: f64,
}

/// Where two hypotheses differ most, in standard deviations of their runs.
pub(super) fn separation(journal: &Journal, one: &Tried, other: &Tried) -> Option<Separation> {
    let values = |tried: &Tried, aspect: Aspect| -> Vec<f64> {
        tried.runs.iter().filter_map(|run| run.aspects.get(&aspect)).map(|measured| measured.value).collect()
    };
    let aspects: BTreeSet<Aspect> = one.runs.iter().flat_map(|run| run.aspects.keys().copied()).collect();
    let (aspect, effect) = aspects
        .into_iter()
        .filter_map(|aspect| {
            let (a, b) = (values(one, aspect), values(other, aspect));
            if a.len() < FIRST_RUNS || b.len() < FIRST_RUNS {
                return None;
            }
            let resolution =
                one.runs.iter().filter_map(|run| run.aspects.get(&aspect)).map(|measured| measured.resolution).fold(0.0, f64::max);
            let ((a, in_a), (b, in_b)) = (mean_and_variance(&a), mean_and_variance(&b));
            Some((aspect, (a - b).abs() / (f64::midpoint(in_a, in_b) + resolution * resolution).sqrt()))
        })
        .max_by(|a, b| a.1.total_cmp(&b.1))?;
    // What hardly differs is no way to tell them apart.
    if effect < 0.5 {
        return None;
    }
    let scenario = asked_by(aspect, &journal.scenarios).map(|scenario| scenario.name.clone());
    // One-sided 5 % and a power of 90 %: 1.645 and 1.282 standard deviations apart, which shrink with the root of the jobs.
    let times = ((1.645 + 1.282) / effect).powi(2).max(1.0);
    Some(Separation { one: one.hypothesis.classes.clone(), other: other.hypothesis.classes.clone(), scenario, aspect, times })
}

/// The scenario that says the most of an aspect: of those that ask for it at all, the one with the most jobs.
fn asked_by(aspect: Aspect, scenarios: &[Scenario]) -> Option<&Scenario> {
    let most =
        |asks: &dyn Fn(&Scenario) -> bool| scenarios.iter().filter(|scenario| asks(scenario)).max_by_key(|scenario| scenario.load.scans);
    let arms = |asks: fn(&Arm) -> bool| move |scenario: &Scenario| scenario.arms.iter().any(asks);
    let writes = |scenario: &Scenario| scenario.then.as_ref().is_some_and(|then| then.action != Action::Repeat);
    match aspect {
        Aspect::Denied { scenario, .. }
        | Aspect::Growth { scenario }
        | Aspect::DeniedIfPolledBefore { scenario }
        | Aspect::BehindIfPolledBefore { scenario } => scenarios.get(scenario as usize),
        Aspect::SecondWrite | Aspect::ChangeHidden | Aspect::ChangeTakenBack | Aspect::Deletion | Aspect::DeletionHidden => most(&writes),
        Aspect::PollersDisagree => most(&arms(|arm| arm.pollers > 1)),
        Aspect::DeniedOnKept | Aspect::HeldBack => most(&arms(|arm| !arm.connection.is_own())),
        Aspect::Flapping
        | Aspect::DeniedAfterSeen
        | Aspect::CameBack
        | Aspect::Twice
        | Aspect::LatestFlap
        | Aspect::DeniedInARow
        | Aspect::WentBack
        | Aspect::BegunWithAnEnd
        | Aspect::FirstEnd
        | Aspect::HalfARecord
        | Aspect::Missing => most(&arms(|arm| arm.follow.is_some_and(|follow| follow.until != Until::Visible))),
        Aspect::ResultMissing | Aspect::ResultLate => most(&|scenario| !scenario.readings.results.is_empty() || scenario.readings.at_end),
        Aspect::Witness => most(&|scenario| !scenario.readings.witness.is_empty()),
        Aspect::ByRoute { .. } => most(&arms(|arm| arm.route.is_some())),
        Aspect::Disclosed => most(&|scenario| !scenario.controls.foreign_user.is_empty()),
        Aspect::UnknownSeen => most(&|scenario| scenario.controls.unknown_id > 0),
        Aspect::WindowFrom | Aspect::WindowUntil | Aspect::WindowRank | Aspect::Instants => most(&arms(|arm| arm.follow.is_some())),
        Aspect::DeniedByAge { .. }
        | Aspect::DeniedAtFirst
        | Aspect::NeverSeen
        | Aspect::LostIdsMarked
        | Aspect::OtherId
        | Aspect::Refused
        | Aspect::KnownThoughFailed => most(&|scenario| scenario.load.scans > 0),
    }
}
