//! How much may be asked of a target: no limit on this machine, little anywhere else unless it is raised by name.

use std::time::Duration;

use crate::model::plan::Plan;
use crate::model::scenario::{LoadModel, Scenario};
use crate::model::time::Span;
use crate::probe::is_loopback;
use crate::run::RunError;

/// The jobs that an investigation starts where nobody says otherwise: as many as its probes need to tell anything. With 60 the comparisons that
/// tell a negative cache (D) and a held response (P) have too few jobs in each arm, and with 84 so has the one at the end of scans (U, W).
pub const INVESTIGATION_JOBS: u32 = 120;

/// Requests per second, and scans, that a target which is not on this machine is sent where nobody says otherwise.
pub const ELSEWHERE_RPS: f64 = 5.0;
pub const ELSEWHERE_SCANS: u32 = 50;

/// The longest that one exchange may take where nobody says otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// The limits of one run.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Requests per second; `None`: no limit.
    pub max_rps: Option<f64>,
    /// Scans in all; `None`: no limit.
    pub max_scans: Option<u32>,
}

impl Limits {
    /// The limits that were named, or those that suit the target.
    pub fn towards(addresses: &[&str], max_rps: Option<f64>, max_scans: Option<u32>) -> Limits {
        let elsewhere = !addresses.iter().all(|address| is_loopback(address));
        Limits { max_rps: max_rps.or(elsewhere.then_some(ELSEWHERE_RPS)), max_scans: max_scans.or(elsewhere.then_some(ELSEWHERE_SCANS)) }
    }

    /// The stricter of both, for two targets that are asked alike.
    pub fn stricter(self, other: Limits) -> Limits {
        let rps = self.max_rps.into_iter().chain(other.max_rps).reduce(f64::min);
        Limits { max_rps: rps, max_scans: self.max_scans.into_iter().chain(other.max_scans).min() }
    }

    /// The scenarios within these limits.
    pub fn apply(self, scenarios: Vec<Scenario>) -> Vec<Scenario> {
        bounded(scenarios, self.max_scans).into_iter().map(|scenario| slowed(scenario, self.max_rps)).collect()
    }
}

/// The jobs that scenarios start at most: one for each scan, and one for each repeat.
pub fn planned_jobs(scenarios: &[Scenario]) -> u64 {
    scenarios.iter().map(|scenario| Plan::of(scenario).jobs()).sum()
}

/// Refuses more jobs than are allowed.
pub fn allow_jobs(what: &str, jobs: u64, most: Option<u32>, hint: &str) -> Result<(), RunError> {
    match most {
        Some(most) if jobs > u64::from(most) => {
            Err(RunError::refused(format!("{what} would start {jobs} jobs, and --max-jobs allows {most}: nothing was sent"), hint))
        }
        _ => Ok(()),
    }
}

/// After how long a run ends in any case: twice what its plan takes with round trips of [`ROUND_TRIP`] and within its rate, and time
/// for a target that asks for waits.
pub fn time_limit(scenarios: &[Scenario], max_rps: Option<f64>, max_wait: Duration) -> Duration {
    let planned: Duration = scenarios.iter().map(|scenario| Plan::of(scenario).at_most.0 + ROUND_TRIP * rounds(scenario)).sum();
    let requests: u64 = scenarios.iter().map(|scenario| Plan::of(scenario).total()).sum();
    // A rate is above 0, and the quotient of a plan's requests by it far below the longest duration.
    let paced = max_rps.map_or(Duration::ZERO, |rps| Duration::try_from_secs_f64(requests as f64 / rps).unwrap_or(Duration::MAX));
    planned.max(paced).saturating_mul(2).saturating_add(max_wait).saturating_add(Duration::from_secs(60))
}

/// What an exchange may take where others wait for it.
const ROUND_TRIP: Duration = Duration::from_secs(2);

/// How many exchanges of a scenario wait for each other: controls, and scans that start when others have ended.
fn rounds(scenario: &Scenario) -> u32 {
    let scans = match scenario.load.model {
        LoadModel::Open { .. } => 1,
        LoadModel::Closed { in_flight } => scenario.load.scans.div_ceil(in_flight.max(1)),
    };
    scenario.controls.unknown_id + scans
}

/// Cuts the scenarios down to at most so many scans in all, each by the same share and to no less than one.
fn bounded(mut scenarios: Vec<Scenario>, max_scans: Option<u32>) -> Vec<Scenario> {
    let total: u32 = scenarios.iter().map(|scenario| scenario.load.scans).sum();
    if let Some(max) = max_scans.filter(|max| total > *max) {
        for scenario in scenarios.iter_mut().filter(|scenario| scenario.load.scans > 0) {
            let share = f64::from(scenario.load.scans) / f64::from(total) * f64::from(max);
            scenario.load.scans = (share as u32).max(1);
        }
    }
    scenarios
}

/// Slows a scenario down so that its polls can be on time under a rate limit: a scan's requests must fit between two starts.
fn slowed(mut scenario: Scenario, max_rps: Option<f64>) -> Scenario {
    let Some(rps) = max_rps else { return scenario };
    let beat = Duration::from_secs_f64(1.0 / rps);
    // Polls of several scenarios would wait for each other's turn, and be late.
    scenario.side_by_side = false;
    for arm in &mut scenario.arms {
        // Without any, a router that goes round would always send a scan's poll to the same neighbour.
        arm.fillers = arm.fillers.min(1);
        if let Some(follow) = &mut arm.follow {
            follow.every = Span(follow.every.0.max(beat * 5));
        }
        let affordable = (rps / 2.0).max(1.0) as u32;
        arm.pollers = arm.pollers.min(affordable);
    }
    if scenario.load.scans > 0 {
        let plan = Plan::of(&scenario);
        let per_scan = (plan.total() / u64::from(scenario.load.scans)).clamp(2, 20) as u32;
        // One more than planned: connections are opened with a request, and another scenario may run beside this one.
        scenario.load.model = match scenario.load.model {
            LoadModel::Open { every } => LoadModel::Open { every: Span(every.0.max(beat * (per_scan + 1))) },
            LoadModel::Closed { .. } => LoadModel::Closed { in_flight: 1 },
        };
    }
    scenario
}
