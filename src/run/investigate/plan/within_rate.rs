//! The same steps where only few requests may be sent: the most telling probes first, each as small as it can be.
//!
//! At 5 requests per second, a minute affords 300 of them. A probe that lives on density (dense traces, bursts, a lattice)
//! cannot be afforded; what it would decide is said to be undecided.

use std::time::Duration;

use crate::model::scenario::Scenario;
use crate::model::time::Span;
use crate::run::investigate::plan::Stage;
use crate::run::investigate::plan::question::Question;

/// From this rate on, the usual scenarios fit a budget of a minute.
const AMPLE_RPS: f64 = 60.0;

/// The part of a scenario that few requests can pay for.
struct Share {
    scans: u32,
    pollers: u32,
    /// Which offsets to keep, in ms; `None`: all.
    offsets: Option<(f64, usize)>,
}

/// What is kept of a scenario; `None`: it lives on density, and is left out.
fn share(question: Question) -> Option<Share> {
    let (scans, pollers, offsets) = match question {
        Question::Controls => (0, 1, None),
        Question::ToTheEnd => (1, 1, None),
        // All pollers of an instant must fit into a second, and so must what follows closely.
        Question::Pollers => (2, 4, Some((1000.0, 3))),
        Question::Alone | Question::Foreign | Question::Addresses => (2, 1, None),
        Question::Kept => (4, 1, Some((1000.0, 2))),
        Question::AtOnce => (10, 1, None),
        Question::SingleShots => (16, 1, None),
        Question::ManyIds | Question::Observer => (8, 1, None),
        Question::SecondWrite => (3, 1, None),
        Question::Unasked => (6, 1, None),
        // The pairs of `Ends` need fifteen scans to tell anything (`within_jobs`), and a minute has no room for them.
        Question::Ends
        | Question::Together
        | Question::Dense
        | Question::Again
        | Question::Lattice
        | Question::Edge
        | Question::Deeper
        | Question::Later => {
            return None;
        }
    };
    Some(Share { scans, pollers, offsets })
}

/// The scenarios of a step, within a rate; `None` or an ample one changes nothing.
pub fn within(scenarios: Vec<Scenario>, max_rps: Option<f64>) -> Vec<Scenario> {
    let Some(rps) = max_rps.filter(|rps| *rps < AMPLE_RPS) else { return scenarios };
    let mut smaller: Vec<Scenario> = scenarios.into_iter().filter_map(|scenario| smaller(scenario, rps)).collect();
    // If the budget does not last, the second write tells more than the rest of its step.
    smaller.sort_by_key(|scenario| Question::of(scenario) != Some(Question::SecondWrite));
    smaller
}

/// Whether a step is worth its requests at this rate.
pub fn affords(stage: Stage, max_rps: Option<f64>) -> bool {
    max_rps.is_none_or(|rps| rps >= AMPLE_RPS) || !matches!(stage, Stage::Together | Stage::Further | Stage::Edge)
}

fn smaller(mut scenario: Scenario, rps: f64) -> Option<Scenario> {
    let question = Question::of(&scenario)?;
    let share = share(question)?;
    scenario.load.scans = scenario.load.scans.min(share.scans);
    // One after the other, lest each makes the others late; only the long watch of a scan goes on beside them.
    scenario.overlap = question == Question::ToTheEnd;
    for arm in &mut scenario.arms {
        let affordable = (rps * 0.8).max(2.0) as u32;
        if question == Question::SingleShots {
            // One poll per scan at ages of all kinds is dithered as it is.
            arm.fillers = 0;
        }
        arm.pollers = arm.pollers.min(share.pollers).min(affordable);
        arm.tolerance = Span(arm.tolerance.0.max(Duration::from_millis(150)));
        if let Some((from_ms, most)) = share.offsets {
            arm.offsets.retain(|offset| offset.as_ms() >= from_ms);
            arm.offsets.truncate(most);
        }
    }
    if let Some(then) = &mut scenario.then {
        // The polls after a delete cost as much as those after the write before it.
        for offsets in [&mut then.offsets, &mut then.delete] {
            let step = offsets.len().div_ceil(5).max(1);
            *offsets = offsets.iter().copied().step_by(step).collect();
        }
    }
    Some(scenario)
}
