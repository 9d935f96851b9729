//! A run in several parts: which scans belong to which of them.
//!
//! The plan is one: all shards are given the same scenarios, target and seed, number the scans of the whole run alike, and draw
//! the same randomness for each. A shard leaves out the scans of the others; put together, the shards send what one run would
//! have sent.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::digest::Digest;
use crate::model::exchange::Exchange;
use crate::model::scenario::{LoadModel, Scenario};
use crate::model::time::Nanos;

/// The most shards that a run may have.
pub const MOST_SHARDS: u32 = 1_000;

/// How much of a larger run a log holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Share {
    /// One shard.
    Shard(Shard),
    /// Several shards, put together by `statusgap merge`.
    Merged(Merged),
}

/// One of several parts of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shard {
    /// Which, from 0.
    pub index: u32,
    /// Of how many.
    pub of: u32,
    /// What the shards of one run have in common: a digest of scenarios, target, seed and number of shards.
    pub plan: Digest,
}

/// Shards put together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Merged {
    /// Of how many shards the run consists.
    pub of: u32,
    /// The plan that they have in common.
    pub plan: Digest,
    /// Those that are here, by index.
    pub parts: Vec<Part>,
}

/// One shard of a merged log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Part {
    /// Which, from 0.
    pub index: u32,
    /// The shard's own run id.
    pub run_id: String,
    /// Wall clock at the shard's own stamp zero, RFC 3339.
    pub started: String,
    /// What was added to the shard's stamps: its start after the first shard's, by their wall clocks. Ages are differences
    /// within one shard and do not depend on it; stamps of two shards are comparable only as well as these clocks agreed.
    pub shift: Nanos,
}

impl Share {
    /// Of how many shards the whole run consists.
    pub fn of(&self) -> u32 {
        match self {
            Share::Shard(shard) => shard.of,
            Share::Merged(merged) => merged.of,
        }
    }

    /// The shards that are not in this log, from 0.
    pub fn missing(&self) -> Vec<u32> {
        let here = |index: &u32| match self {
            Share::Shard(shard) => shard.index == *index,
            Share::Merged(merged) => merged.parts.iter().any(|part| part.index == *index),
        };
        (0..self.of()).filter(|index| !here(index)).collect()
    }
}

/// Over how many shards the scans of one scenario are spread.
///
/// Scans that start one by one are dealt to all of them. What is asked for *at once* stays on one clock, since no two machines
/// agree on an instant; and a load of at most so many scans *at a time* is not exceeded, so that the scans of a scenario that
/// wants one at a time stay on one shard.
fn spread(load: LoadModel, of: u32) -> u32 {
    match load {
        LoadModel::Open { every } if every.0.is_zero() => 1,
        LoadModel::Open { .. } => of,
        LoadModel::Closed { in_flight } => in_flight.min(of).max(1),
    }
}

/// The shard, from 0, that runs a scan: `scan` is its place in its scenario, `scenario` that one's index in the run. Scenarios
/// begin with different shards, so that not all that cannot be spread falls to the first.
pub fn owner(of: u32, scenario: u32, load: LoadModel, scan: u32) -> u32 {
    (scan % spread(load, of) + scenario % of) % of
}

impl Shard {
    /// Whether this shard runs a scan; see [`owner`].
    pub fn takes(&self, scenario: u32, load: LoadModel, scan: u32) -> bool {
        owner(self.of, scenario, load, scan) == self.index
    }

    /// How many scans of a scenario this shard may have under way, where the whole run may have `in_flight`.
    pub fn in_flight(&self, scenario: u32, in_flight: u32) -> u32 {
        let spread = in_flight.min(self.of).max(1);
        let place = (self.index + self.of - scenario % self.of) % self.of;
        (in_flight / spread + u32::from(place < in_flight % spread)).max(1)
    }

    /// How many of the scenarios' scans this shard runs.
    pub fn scans(&self, scenarios: &[Scenario]) -> u64 {
        let own = |(index, scenario): (u32, &Scenario)| {
            (0..scenario.load.scans).filter(|scan| self.takes(index, scenario.load.model, *scan)).count() as u64
        };
        (0..).zip(scenarios).map(own).sum()
    }

    /// Whether an exchange may be of this shard: one of another shard's scans in its log means that the log was edited, or that
    /// it was written for another plan.
    pub fn may_hold(&self, exchange: &Exchange, numbering: &Numbering) -> bool {
        let Some(scan) = exchange.scan.get() else { return true };
        numbering.place(exchange.scenario, scan).is_some_and(|(load, place)| self.takes(exchange.scenario, load, place))
    }
}

/// Where each scenario's scans begin in the numbering of the whole run.
#[derive(Debug, Clone)]
pub struct Numbering(Vec<(u64, u64, LoadModel)>);

impl Numbering {
    /// The numbering of a run's scenarios.
    pub fn of(scenarios: &[Scenario]) -> Numbering {
        let mut first = 0;
        let range = |scenario: &Scenario| {
            let begin = first;
            first += u64::from(scenario.load.scans);
            (begin, first, scenario.load.model)
        };
        Numbering(scenarios.iter().map(range).collect())
    }

    /// A scan's place in its scenario, from its number in the run; `None` for one that the scenario does not have.
    pub fn place(&self, scenario: u32, scan: u64) -> Option<(LoadModel, u32)> {
        let (begin, end, load) = *self.0.get(scenario as usize)?;
        (begin..end).contains(&scan).then_some((load, (scan - begin) as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Span;

    const LOADS: [LoadModel; 5] = [
        LoadModel::Open { every: Span::millis(10) },
        LoadModel::Open { every: Span::millis(0) },
        LoadModel::Closed { in_flight: 1 },
        LoadModel::Closed { in_flight: 5 },
        LoadModel::Closed { in_flight: 1000 },
    ];

    fn shards(of: u32) -> impl Iterator<Item = Shard> {
        (0..of).map(move |index| Shard { index, of, plan: Digest::from([0; 8]) })
    }

    #[test]
    fn every_scan_belongs_to_exactly_one_shard() {
        for load in LOADS {
            for of in [1, 2, 3, 7, 100] {
                for scenario in 0..5 {
                    for scan in 0..250 {
                        let owners = shards(of).filter(|shard| shard.takes(scenario, load, scan)).count();
                        assert_eq!(owners, 1, "scan {scan} of scenario {scenario}, {load:?}, {of} shards");
                    }
                }
            }
        }
    }

    #[test]
    fn shards_together_have_no_more_under_way_than_the_plan_allows() {
        for (in_flight, of) in [(1, 3), (5, 3), (3, 5), (64, 7)] {
            let load = LoadModel::Closed { in_flight };
            for scenario in 0..4 {
                let busy = shards(of).filter(|shard| (0..1000).any(|scan| shard.takes(scenario, load, scan)));
                let together: u32 = busy.map(|shard| shard.in_flight(scenario, in_flight)).sum();
                assert_eq!(together, in_flight, "{of} shards, scenario {scenario}");
            }
        }
    }

    #[test]
    fn what_is_asked_for_at_once_or_one_at_a_time_stays_together() {
        for load in [LOADS[1], LOADS[2]] {
            for scenario in 0..9 {
                let first = owner(4, scenario, load, 0);
                assert!((0..100).all(|scan| owner(4, scenario, load, scan) == first));
            }
        }
    }
}
