//! The last question: what two causes differ in whose twins both explain what was found, asked of as many jobs as it takes.

use std::time::Duration;

use crate::analysis::analyse;
use crate::analysis::twin::Separation;
use crate::model::run::{End, EndReason, Journal};
use crate::model::scenario::Scenario;
use crate::model::time::Stamp;
use crate::run::Concluded;
use crate::run::investigate::plan::{JobBudget, Stage};
use crate::run::investigate::steps::{Investigation, Progress};
use crate::run::twin::Twins;

/// With less time than this left, nothing more is simulated.
const LEAST_TIME: Duration = Duration::from_secs(15);

/// A scenario is repeated with no more jobs than this.
const MOST_SCANS: u32 = 80;

/// What separates two causes only with more times as many jobs than this is named, and not asked.
const MOST_TIMES: f64 = 6.0;

/// A scenario may take longer than it took by this factor and still end before the budget.
const MARGIN: f64 = 1.3;

impl Investigation<'_> {
    /// The scenario that tells two causes apart, if there are such causes, and time and jobs for it.
    pub(super) async fn separating(&self, journal: &Journal, deadline: Stamp, note: impl Fn(&Progress)) -> Option<Scenario> {
        let left = || deadline.elapsed_from(self.probe.clock().now());
        if self.explaining.twins == Twins::LeftOut || left() < LEAST_TIME {
            return None;
        }
        note(&Progress::Simulates);
        let (mut log, candidates) = (journal.clone(), self.explaining.candidates.clone());
        // Nothing is under way: what was planned so far has been asked.
        log.end = Some(End::new(self.probe.clock().now(), EndReason::Complete, log.exchanges.len() as u64));
        // It takes seconds of a processor, in which what is recorded has to be written all the same.
        let simulated = tokio::task::spawn_blocking(move || Concluded::among(log, &candidates).with_twin(|_| {})).await;
        // A panic in there is a bug of ours, and is passed on; nothing cancels it.
        let concluded = simulated.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        let separation = concluded.analysis.twin?.separation.filter(|separation| separation.times <= MOST_TIMES)?;
        let (scenario, took) = larger(journal, &separation)?;
        let scenario = self.limits.apply(vec![scenario]).pop()?;
        let scenario = match self.jobs.left() {
            None => scenario,
            Some(left) => {
                let budget = JobBudget { most: left + self.jobs.started(), left };
                Stage::Separate.within_jobs(vec![scenario], &analyse(journal), budget).0.pop()?
            }
        };
        (took.mul_f64(MARGIN) < left()).then_some(scenario)
    }
}

/// The scenario with so many times as many jobs, and how long that takes.
fn larger(journal: &Journal, separation: &Separation) -> Option<(Scenario, Duration)> {
    let name = separation.scenario.as_ref()?;
    let at = journal.scenarios.iter().rposition(|scenario| scenario.name == *name && scenario.load.scans > 0)?;
    let mut scenario = journal.scenarios[at].clone();
    let own = || journal.exchanges.iter().filter(|exchange| exchange.scenario as usize == at);
    let began = own().map(|exchange| exchange.sent).min()?;
    let took = own().map(|exchange| exchange.done).max()?.elapsed_from(began);
    let before = scenario.load.scans;
    scenario.load.scans = ((f64::from(before) * separation.times).ceil() as u32).clamp(before.min(MOST_SCANS), MOST_SCANS);
    Some((scenario.clone(), took.mul_f64((f64::from(scenario.load.scans) / f64::from(before)).max(1.0))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::twin::Aspect;
    use crate::model::fault::FaultClass::{A, C};

    #[test]
    fn a_scenario_is_repeated_with_as_many_more_jobs_as_it_takes_and_no_more_than_the_limit() {
        let text = include_str!("../../../fixtures/logs/deferred.ndjson");
        let journal = crate::log::read("deferred.ndjson", text.as_bytes()).expect("a log");
        let before = journal.scenarios[0].load.scans;
        let name = journal.scenarios[0].name.clone();
        let separation =
            |scenario: Option<String>, times| Separation { one: vec![A], other: vec![C], scenario, aspect: Aspect::DeniedAtFirst, times };
        let (twice, took) = larger(&journal, &separation(Some(name.clone()), 2.0)).expect("it is in the log");
        assert_eq!(twice.load.scans, (2 * before).min(MOST_SCANS));
        let (once, took_once) = larger(&journal, &separation(Some(name.clone()), 1.0)).expect("it is in the log");
        assert_eq!(once.load.scans, before.min(MOST_SCANS));
        assert!(took >= took_once && took_once > Duration::ZERO);
        let (most, _) = larger(&journal, &separation(Some(name), 1e6)).expect("it is in the log");
        assert_eq!(most.load.scans, MOST_SCANS);
        assert!(larger(&journal, &separation(None, 1.0)).is_none());
        assert!(larger(&journal, &separation(Some("another".to_owned()), 1.0)).is_none());
    }
}
