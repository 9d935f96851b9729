//! The settings of G: the period of a refresh, and where in it the run began.

use crate::analysis::twin::estimate::{Estimate, Evidence, Point, Value};
use crate::analysis::twin::law::{LIKELY, Law};
use crate::model::fault::FaultClass;

/// A job: when it was written, at the earliest and at the latest, and in which bracket it was seen; in milliseconds of the run.
struct Job {
    written: (f64, f64),
    seen: (f64, f64),
}

/// Shorter and longer refreshes are not tried.
const SHORTEST_MS: f64 = 10.0;
const LONGEST_MS: f64 = 120_000.0;
const PERIODS: u32 = 1200;
const PHASES: u32 = 60;
/// More jobs than this say nothing more about a period.
const ENOUGH: usize = 120;

/// G: each job is seen from the first refresh after it was written.
pub(super) fn refresh(evidence: &Evidence<'_>) -> Vec<Estimate> {
    let step = evidence.rows.len().div_ceil(ENOUGH).max(1);
    let jobs: Vec<Job> = evidence
        .rows
        .iter()
        .step_by(step)
        .filter_map(|row| {
            let t0 = row.scan.t0()?.0 as f64 / 1e6;
            let (after, until) = row.window()?;
            Some(Job { written: (row.scan.initiate.sent.0 as f64 / 1e6, t0), seen: (t0 + after, t0 + until) })
        })
        .collect();
    let denied = evidence.rows.iter().filter(|row| row.denied_at_start() && row.first_seen.is_some()).count();
    if denied < 4 {
        return Vec::new();
    }
    // A period is no shorter than the longest window that is certain.
    let longest = evidence
        .rows
        .iter()
        .filter_map(|row| row.window().filter(|_| row.first_seen.is_some()).map(|(after, _)| after))
        .fold(0.0, f64::max);
    let from = longest.max(SHORTEST_MS);
    let to = (from * 12.0).min(LONGEST_MS).max(from * 1.01);
    let mut region = best_of(&jobs, (0..=PERIODS).map(|step| from * (to / from).powf(f64::from(step) / f64::from(PERIODS))), PHASES);
    if region.is_empty() {
        return Vec::new();
    }
    // Twice more around what explains the most, with finer steps.
    let mut width = (to / from).ln() / f64::from(PERIODS);
    for _ in 0..2 {
        let middle = region[region.len() / 2].0;
        region = best_of(&jobs, (-40..=40).map(|step| middle * (width * f64::from(step) / 20.0).exp()), 4 * PHASES);
        width /= 20.0;
    }
    if region.first().is_none_or(|(period, phase)| score(&jobs, *period, *phase) * 10 < jobs.len() * 8) {
        return Vec::new();
    }
    let point = |(period, phase): (f64, f64)| Point {
        knobs: vec![("index-period", Value::Law(Law::Fixed(period)))],
        // Refreshes come at whole periods of the service's own time.
        uptime_ms: (period - phase).rem_euclid(period),
    };
    let at = |place: usize| region[(place * region.len() / LIKELY).min(region.len() - 1)];
    vec![Estimate {
        class: FaultClass::G,
        best: point(region[region.len() / 2]),
        likely: (0..LIKELY).map(|place| point(at(place))).collect(),
    }]
}

/// The periods and phases that explain the most jobs, in the order of the periods.
fn best_of(jobs: &[Job], periods: impl Iterator<Item = f64>, phases: u32) -> Vec<(f64, f64)> {
    let mut most = 0;
    let mut region = Vec::new();
    for period in periods {
        for step in 0..phases {
            let phase = period * f64::from(step) / f64::from(phases);
            let explained = score(jobs, period, phase);
            if explained > most {
                most = explained;
                region.clear();
            }
            if explained == most {
                region.push((period, phase));
            }
        }
    }
    region
}

/// How many jobs were first seen at the first refresh after they had been written.
fn score(jobs: &[Job], period: f64, phase: f64) -> usize {
    let next = |at: f64| at + period - (at - phase).rem_euclid(period);
    jobs.iter()
        .filter(|job| {
            let (early, late) = (next(job.written.0), next(job.written.1));
            job.seen.0 - 2.0 <= late && early <= job.seen.1 + 2.0
        })
        .count()
}
