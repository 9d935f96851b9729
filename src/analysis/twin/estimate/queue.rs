//! The settings of E: how many jobs run at a time, and for how long each keeps its place.

use crate::analysis::twin::estimate::{Estimate, Evidence, Point, Value};
use crate::analysis::twin::law::{Bracketed, LIKELY, Law, fit};
use crate::analysis::twin::rows::median;
use crate::model::fault::FaultClass;

/// The most slots that are tried.
const MOST_SLOTS: usize = 16;

/// A job that waited: when it was accepted and when it had begun, in milliseconds since the run began.
struct Job {
    accepted: f64,
    began: (f64, f64),
}

/// E: jobs begin in the order in which they were accepted, as soon as a slot is free.
pub(super) fn queue(evidence: &Evidence<'_>) -> Vec<Estimate> {
    let mut jobs: Vec<Job> = evidence
        .rows
        .iter()
        .filter_map(|row| {
            let t0 = row.scan.t0()?.0 as f64 / 1e6;
            let accepted = f64::midpoint(row.scan.initiate.sent.0 as f64 / 1e6, t0);
            let (after, until) = row.window().unwrap_or((0.0, f64::INFINITY));
            Some(Job { accepted, began: (t0 + after, t0 + until) })
        })
        .collect();
    jobs.sort_by(|a, b| a.accepted.total_cmp(&b.accepted));
    let waited = evidence.rows.iter().filter(|row| row.denied_at_start()).count();
    if waited < 4 || jobs.len() < 8 {
        return Vec::new();
    }
    let longest = jobs.iter().map(|job| job.began.0 - job.accepted).fold(0.0, f64::max);
    let mut tried: Vec<(usize, f64, usize)> = Vec::new();
    for slots in 1..=MOST_SLOTS {
        for step in 0..=HOLDS {
            let hold = 2.0 * (longest.max(4.0) / 2.0).powf(f64::from(step) / f64::from(HOLDS));
            tried.push((slots, hold, explained(&jobs, slots, hold)));
        }
    }
    let best = |tried: &[(usize, f64, usize)]| tried.iter().map(|(.., explained)| *explained).max().unwrap_or_default();
    // A look between the holds of the grid, around those that explain nearly the most.
    let near: Vec<(usize, f64)> = tried.iter().filter(|(.., by)| by + 3 >= best(&tried)).map(|(slots, hold, _)| (*slots, *hold)).collect();
    let ratio = (longest.max(4.0) / 2.0).powf(1.0 / f64::from(HOLDS));
    for (slots, hold) in near {
        for step in -10..=10 {
            let hold = hold * ratio.powf(f64::from(step) / 10.0);
            tried.push((slots, hold, explained(&jobs, slots, hold)));
        }
    }
    let most = best(&tried);
    if most * 10 >= jobs.len() * 8 {
        let likely = || tried.iter().filter(|(.., by)| by + 1 >= most).map(|(slots, hold, _)| (*slots, *hold));
        // A timer is up to a millisecond late each time, so that what is held may be so much shorter than what is seen.
        let mut region: Vec<(usize, f64)> = likely().chain(likely().map(|(slots, hold)| (slots, (hold - TIMER_MS).max(0.1)))).collect();
        region.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        region.dedup();
        return vec![among(&region)];
    }
    random_holds(&jobs).into_iter().collect()
}

const HOLDS: u32 = 120;
const TIMER_MS: f64 = 1.0;

/// How many jobs begin within their brackets. A job that began later than its turn is as wrong as one that began earlier.
fn explained(jobs: &[Job], slots: usize, hold: f64) -> usize {
    let mut free = vec![f64::NEG_INFINITY; slots];
    let mut right = 0;
    for job in jobs {
        let (at, first) = free.iter().copied().enumerate().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, 0.0));
        let began = first.max(job.accepted);
        free[at] = began + hold;
        right += usize::from(job.began.0 - 2.0 <= began && began <= job.began.1 + 2.0);
    }
    right
}

fn among(region: &[(usize, f64)]) -> Estimate {
    let point = |(slots, hold): (usize, f64)| Point {
        knobs: vec![("queue-slots", Value::Count(slots as u64)), ("queue-hold", Value::Law(Law::Fixed(hold)))],
        uptime_ms: 0.0,
    };
    let at = |place: usize| region[(place * region.len() / LIKELY).min(region.len() - 1)];
    Estimate { class: FaultClass::E, best: point(region[region.len() / 2]), likely: (0..LIKELY).map(|place| point(at(place))).collect() }
}

/// One slot that is held for a time that differs from job to job: the time between two beginnings, while others wait.
fn random_holds(jobs: &[Job]) -> Option<Estimate> {
    let brackets: Vec<Bracketed> = jobs
        .windows(2)
        // The second one waited, so that it began when the first one left.
        .filter(|pair| pair[1].began.0 > pair[1].accepted + 2.0 && pair[0].began.1.is_finite())
        .map(|pair| Bracketed::new(((pair[1].began.0 - pair[0].began.1).max(0.0), (pair[1].began.1 - pair[0].began.0).max(0.0))))
        .collect();
    let mut growing: Vec<f64> = brackets.iter().filter(|bracket| bracket.until.is_finite()).map(|bracket| bracket.after).collect();
    growing.retain(|after| *after > 0.0);
    // A queue moves on from job to job; windows that differ by chance go down as often as up.
    if growing.len() * 3 < brackets.len() || median(growing).is_none() {
        return None;
    }
    let law = fit(&brackets)?;
    let point = |law: Law| Point { knobs: vec![("queue-slots", Value::Count(1)), ("queue-hold", Value::Law(law))], uptime_ms: 0.0 };
    Some(Estimate { class: FaultClass::E, best: point(law.best), likely: law.likely.iter().map(|law| point(*law)).collect() })
}
