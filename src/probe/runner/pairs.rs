//! The same scenarios against two targets, scan by scan.

use std::sync::Arc;

use rand::RngExt;
use rand::seq::SliceRandom;
use tokio::task::JoinSet;

use crate::model::scenario::{LoadModel, Scenario};
use crate::probe::runner::assignment::Assignments;
use crate::probe::runner::scenario_run::{ASSIGNING, TURNS, all_ended};
use crate::probe::runner::{Event, Halt, Probe, ScenarioRun, Unreachable};

impl Probe {
    /// Runs the same scenarios against two targets by turns: each scan of one beside its twin of the other, in random order, so
    /// that whatever drifts meets both alike. Scans of one number are twins: they are assigned the same arm and offset. Both targets
    /// have their own rate limit, and both probes must have the same clock. Dropping the future stops everything.
    pub async fn run_beside(self: &Arc<Probe>, other: &Arc<Probe>, scenarios: &[Scenario]) -> Result<(), Halt> {
        tokio::select! {
            ran = self.run_all_beside(other, scenarios) => Ok(ran?),
            throttled = self.pace.given_up() => Err(Halt::Throttled(throttled)),
            throttled = other.pace.given_up() => Err(Halt::Throttled(throttled)),
        }
    }

    async fn run_all_beside(self: &Arc<Probe>, other: &Arc<Probe>, scenarios: &[Scenario]) -> Result<(), Unreachable> {
        let mut beside = JoinSet::new();
        for scenario in scenarios {
            let twins = [self, other].map(|probe| Arc::new(ScenarioRun::next(probe, scenario, None)));
            if scenario.overlap {
                beside.spawn(run_twins(twins));
            } else {
                run_twins(twins).await?;
            }
        }
        all_ended(&mut beside).await
    }
}

/// One scenario against two targets.
async fn run_twins(twins: [Arc<ScenarioRun>; 2]) -> Result<(), Unreachable> {
    for twin in &twins {
        (twin.probe.watcher)(Event::ScenarioBegan { scenario: twin.index });
        twin.controls().await?;
    }
    load_twins(&twins).await;
    for twin in &twins {
        (twin.probe.watcher)(Event::ScenarioEnded { scenario: twin.index });
    }
    Ok(())
}

/// Puts on the load of one scenario, by turns. It never stops early: a comparison needs what was planned.
async fn load_twins(twins: &[Arc<ScenarioRun>; 2]) {
    let first = &twins[0];
    let stream = u64::from(first.index);
    let clock = &first.probe.clock;
    let mut assignments = Assignments::new(&first.scenario, first.random(ASSIGNING | stream));
    let mut turns = first.random(TURNS | stream);
    let mut order = [0, 1];
    let mut tasks = [JoinSet::new(), JoinSet::new()];
    let start = clock.now();
    for scan in 0..first.scenario.load.scans {
        let assignment = assignments.next();
        order.shuffle(&mut turns);
        for (place, side) in order.into_iter().enumerate() {
            let (twin, tasks) = (&twins[side], &mut tasks[side]);
            let planned = match first.scenario.load.model {
                LoadModel::Open { every } => {
                    // Spread, as scans of one target are, within the half of the slot that is this twin's.
                    let within = f64::midpoint(place as f64, turns.random());
                    start.after(every.0.mul_f64(f64::from(scan) + within))
                }
                LoadModel::Closed { in_flight } => {
                    if tasks.len() >= in_flight as usize
                        && let Some(ended) = tasks.join_next().await
                    {
                        twin.ended(ended);
                    }
                    clock.now()
                }
            };
            clock.sleep_until(planned).await;
            while tasks.try_join_next().is_some_and(|ended| twin.ended(ended)) {}
            let Some(planned) = twin.probe.job(planned).await else { continue };
            twin.begin(tasks, assignment, scan, planned);
        }
    }
    for (twin, tasks) in twins.iter().zip(&mut tasks) {
        while let Some(ended) = tasks.join_next().await {
            twin.ended(ended);
        }
    }
}
