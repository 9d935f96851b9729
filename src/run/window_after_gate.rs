//! A few more jobs after a gate has failed at its first denial, so that a reviewer knows how long denials last.
//!
//! They are taken from the jobs that the gate no longer needs: the run never starts more of them than were planned and allowed.
//! They only measure: nothing is expected of them, so that a failure that is allowed stays allowed.

use crate::model::run::Stopped;
use crate::model::scenario::{Arm, Controls, Each, Expect, Follow, Load, LoadModel, Readings, Scenario, Stop, Tolerance, Until};
use crate::model::time::{Span, Stamp};
use crate::run::Limits;

/// Jobs that show a window well enough for a review: the median has limits from 5 of them on.
const JOBS: u32 = 20;

/// The longest that a job is followed: whoever waits for a gate waits this long once more, and no longer.
const LONGEST: Span = Span::millis(5_000);

/// The scenarios that measure the windows of gates which stopped early; none for a gate that had no jobs left.
pub fn scenarios(planned: &[Scenario], stopped: &[Stopped], limits: Limits) -> Vec<Scenario> {
    let of = |stopped: &Stopped| {
        let gate = planned.get(stopped.scenario as usize)?;
        let left = gate.load.scans.saturating_sub(stopped.begun);
        // Under a rate limit each job takes a second and more of the run.
        let affordable = limits.max_rps.map_or(JOBS, |rps| (rps as u32).clamp(3, JOBS));
        let jobs = left.min(affordable);
        (jobs > 0 && stops_at_a_failure(gate)).then(|| window_of(gate, jobs))
    };
    Limits { max_scans: None, ..limits }.apply(stopped.iter().filter_map(of).collect())
}

/// The same before anything was sent: what would be measured if each gate failed with its first job.
pub fn possible(planned: &[Scenario], limits: Limits) -> Vec<Scenario> {
    let stopped: Vec<Stopped> = (0..).zip(planned).map(|(scenario, _)| Stopped { scenario, at: Stamp(0), begun: 1 }).collect();
    scenarios(planned, &stopped, limits)
}

/// Whether a gate stops early, and for a failure alone: one that is decided by a sequential test may have passed.
fn stops_at_a_failure(gate: &Scenario) -> bool {
    match gate.expect.not_found {
        Tolerance::Never => gate.expect.stop != Stop::Never,
        Tolerance::Rate { .. } => gate.expect.stop == Stop::FirstFailure,
        Tolerance::Any => false,
    }
}

/// The scenario that follows so many jobs of a gate until they are found.
fn window_of(gate: &Scenario, jobs: u32) -> Scenario {
    let first = gate.arms.iter().find(|arm| !arm.offsets.is_empty()).or(gate.arms.first()).cloned();
    let arm = first.map(|arm| Arm {
        offsets: Vec::new(),
        each: Each::All,
        pollers: 1,
        follow: Some(Follow { until: Until::Visible, every: Span::millis(50), settle: Span::millis(200), deadline: LONGEST }),
        ..arm
    });
    Scenario {
        name: format!("{}-window", gate.name),
        title: format!("{jobs} more jobs, polled until they are found, since {} had failed", gate.name),
        source: "how long denials last, for the reviewer of a failed gate".to_owned(),
        overlap: false,
        side_by_side: false,
        load: Load { scans: jobs, model: LoadModel::Open { every: Span::millis(20) }, input: gate.load.input, detect: None },
        arms: arm.into_iter().collect(),
        then: None,
        controls: Controls { unknown_id: 0, foreign_user: Vec::new() },
        readings: Readings::default(),
        expect: Expect {
            not_found: Tolerance::Any,
            guarantees: Vec::new(),
            window: Vec::new(),
            latency: Vec::new(),
            stop: Stop::Never,
            flaps_at_most: u64::MAX,
            ..gate.expect.clone()
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::source::Source;

    fn gate() -> Scenario {
        let text = include_str!("../../scenarios/gate.toml");
        let gate = Scenario::read(Source { file: "gate.toml", text }).unwrap_or_else(|error| panic!("{error}"));
        crate::verdict::power::sized(gate)
    }

    #[test]
    fn no_more_jobs_are_started_than_the_gate_had_left() {
        let free = Limits { max_rps: None, max_scans: None };
        let strange = Limits { max_rps: Some(5.0), max_scans: Some(50) };
        for (begun, limits, jobs) in [(12, free, Some(20)), (290, free, Some(9)), (299, free, None), (12, strange, Some(5))] {
            let stopped = Stopped { scenario: 0, at: Stamp(0), begun };
            let scenarios = scenarios(&[gate()], &[stopped], limits);
            assert_eq!(scenarios.first().map(|scenario| scenario.load.scans), jobs, "{begun} {limits:?}");
        }
        assert!(scenarios(&[gate()], &[], free).is_empty(), "no gate failed");
        assert_eq!(possible(&[gate()], free).len(), 1);
        let mut decided = gate();
        decided.expect.stop = Stop::Decided;
        decided.expect.not_found = Tolerance::Rate { at_most: 0.01, confidence: 0.95 };
        assert!(possible(&[decided], free).is_empty(), "it may have stopped because it passed");
    }
}
