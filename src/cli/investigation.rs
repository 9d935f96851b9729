//! Runs an inquiry: one step after the other, each decided on what is known by then.

use std::sync::Arc;
use std::time::Duration;

use crate::analysis::analyse;
use crate::cli::limits::Limits;
use crate::inquiry::Stage;
use crate::model::run::{Capabilities, EndReason, Journal, Run};
use crate::model::scenario::Scenario;
use crate::probe::Probe;

/// An inquiry about one target.
pub struct Investigation<'a> {
    /// What sends and records; its recorder must keep what it records.
    pub probe: &'a Arc<Probe>,
    /// The log's header.
    pub header: &'a Run,
    /// What the target's contract allows for.
    pub can: Capabilities,
    /// How much may be asked of it.
    pub limits: Limits,
    /// How long it may take.
    pub budget: Duration,
}

impl Investigation<'_> {
    /// Goes through the steps until there is nothing left to ask, or the budget is spent. `note` hears of each step. Gives
    /// back why it ended, and the scenarios that it decided on.
    pub async fn run(&self, note: impl Fn(Stage)) -> (EndReason, Vec<Scenario>) {
        let clock = self.probe.clock();
        let deadline = clock.now().after(self.budget);
        let mut journal = self.journal();
        let mut analysis = analyse(&journal);
        let mut step = Some(Stage::FIRST);
        while let Some(stage) = step {
            note(stage);
            let scenarios = self.limits.apply(stage.scenarios(&journal, &analysis, self.can, self.limits.max_rps));
            let left = deadline.elapsed_from(clock.now());
            journal.scenarios.extend(scenarios.iter().cloned());
            match tokio::time::timeout(left, self.probe.run_also(&scenarios)).await {
                Err(_) => return (EndReason::Budget, journal.scenarios),
                Ok(Err(_)) => return (EndReason::TargetGone, journal.scenarios),
                Ok(Ok(())) => {}
            }
            journal.exchanges.extend(self.probe.recorder().kept_from(journal.exchanges.len()));
            crate::log::in_order(&mut journal.exchanges);
            analysis = analyse(&journal);
            step = stage.next(&analysis, self.limits.max_rps);
        }
        (EndReason::Complete, journal.scenarios)
    }

    fn journal(&self) -> Journal {
        Journal { run: self.header.clone(), scenarios: Vec::new(), exchanges: Vec::new(), stopped: Vec::new(), end: None, torn: false }
    }
}
