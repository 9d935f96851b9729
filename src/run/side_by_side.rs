//! Which scenarios of a run may begin together, beyond those whose files say so.

use crate::model::scenario::Scenario;

/// Has scenarios of several pollers run beside the others where there is one worker: they look for workers that contradict each other,
/// and must come before other jobs only because a worker may change with its first job.
pub fn beside(scenarios: Vec<Scenario>, workers: Option<usize>) -> Vec<Scenario> {
    if workers != Some(1) {
        return scenarios;
    }
    let several = |scenario: &Scenario| scenario.arms.iter().any(|arm| arm.pollers > 1);
    scenarios.into_iter().map(|scenario| Scenario { overlap: scenario.overlap || several(&scenario), ..scenario }).collect()
}
