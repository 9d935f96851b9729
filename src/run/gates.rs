//! When a scenario needs no more scans.

use std::sync::{Mutex, PoisonError};

use crate::model::scenario::{Scenario, Stop, Tolerance};
use crate::model::shard::Shard;
use crate::probe::{Decision, Observation};
use crate::verdict::sequential::{Gates, Need};

/// Decides, from what is seen of each scenario, whether its gate needs more scans.
///
/// A shard sees its own scans only. A denial decides there as it does anywhere; what a tolerated rate is, the merged log decides.
pub fn onward(scenarios: &[Scenario], shard: Option<Shard>) -> Box<dyn Fn(Observation<'_>) -> Decision + Send + Sync> {
    let mut watched = scenarios.to_vec();
    for scenario in watched.iter_mut().filter(|scenario| shard.is_some() && scenario.expect.not_found != Tolerance::Never) {
        scenario.expect.stop = Stop::Never;
    }
    let gates = Mutex::new(Gates::new(&watched));
    Box::new(move |observation| {
        // What a panic elsewhere left behind is still a count of whole exchanges.
        let mut gates = gates.lock().unwrap_or_else(PoisonError::into_inner);
        let need = match observation {
            Observation::Exchange(exchange) => gates.exchange(exchange),
            Observation::ScanEnded { scenario, scan } => gates.scan_ended(scenario, scan),
        };
        match need {
            Need::More => Decision::Continue,
            Need::NoMore => Decision::StopScenario,
        }
    })
}
