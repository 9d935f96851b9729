//! When the scenarios of a run begin: after those before them, or beside them.

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::model::scenario::Scenario;
use crate::model::shard::Shard;
use crate::model::time::Stamp;
use crate::probe::runner::scenario_run::all_ended;
use crate::probe::runner::{Halt, Probe, ScenarioRun, Unreachable};

/// The scenarios under way that others do not wait for.
#[derive(Default)]
struct UnderWay {
    /// Those that overlap: nobody waits for them before the end of the run.
    beside: JoinSet<Result<(), Unreachable>>,
    /// Those that may have company: whoever may not waits for them.
    company: JoinSet<Result<(), Unreachable>>,
}

impl UnderWay {
    async fn run(&mut self, run: ScenarioRun, in_turn: bool) -> Result<(), Unreachable> {
        if run.scenario.overlap {
            self.beside.spawn(run.run());
        } else if run.scenario.side_by_side && !in_turn {
            self.company.spawn(run.run());
        } else {
            return run.run().await;
        }
        Ok(())
    }

    async fn end(mut self) -> Result<(), Unreachable> {
        all_ended(&mut self.company).await?;
        all_ended(&mut self.beside).await
    }
}

impl Probe {
    pub(super) async fn run_all(self: &Arc<Probe>, scenarios: &[Scenario], shard: Option<Shard>) -> Result<(), Unreachable> {
        // A shard sees a part of the jobs, and its scenarios must begin with those of the others.
        let in_turn = shard.is_some() || !scenarios.iter().any(|scenario| scenario.side_by_side);
        if !in_turn {
            self.side_by_side.watch();
        }
        let mut under_way = UnderWay::default();
        let mut company: Vec<(u32, Scenario)> = Vec::new();
        for scenario in scenarios {
            if !in_turn && (scenario.overlap || scenario.side_by_side) {
                tokio::select! {
                    ended = all_ended(&mut under_way.company) => ended?,
                    () = self.side_by_side.room(scenario, &company, &self.clock) => {}
                }
            } else if !scenario.overlap {
                all_ended(&mut under_way.company).await?;
            }
            let run = ScenarioRun::next(self, scenario, shard);
            if scenario.side_by_side {
                company.push((run.index, scenario.clone()));
            }
            under_way.run(run, in_turn).await?;
        }
        under_way.end().await
    }

    /// Runs the scenarios of another run again, each no earlier than it began there.
    pub async fn replay(self: &Arc<Probe>, plan: &[(Scenario, Stamp)]) -> Result<(), Halt> {
        let run_all = async {
            let mut under_way = UnderWay::default();
            for (scenario, began) in plan {
                if !scenario.overlap && !scenario.side_by_side {
                    all_ended(&mut under_way.company).await?;
                }
                self.clock.sleep_until(*began).await;
                under_way.run(ScenarioRun::next(self, scenario, None), false).await?;
            }
            under_way.end().await
        };
        tokio::select! {
            ran = run_all => Ok(ran?),
            throttled = self.pace.given_up() => Err(Halt::Throttled(throttled)),
        }
    }
}
