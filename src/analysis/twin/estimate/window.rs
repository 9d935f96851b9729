//! The settings of A, C, D and I: what denies a job at first.

use crate::analysis::twin::estimate::{Estimate, Evidence, Known, Point, Value, estimate, mixed};
use crate::analysis::twin::law::{Bracketed, LIKELY, Law, LawFit, Look, fit, fit_fixed, fit_share};
use crate::analysis::twin::rows::{Poll, Row};
use crate::model::answer::Answer;
use crate::model::exchange::{Exchange, Kind};
use crate::model::fault::FaultClass;

/// The law of the windows at the start; `None` where nothing was denied at first, or nothing was seen.
pub(super) fn start(evidence: &Evidence<'_>) -> Option<LawFit> {
    let rows = evidence.rows;
    rows.iter().any(|row| row.denied_at_start() && row.first_seen.is_some()).then_some(())?;
    let longest = rows.iter().filter_map(|row| row.first_seen).fold(0.0, f64::max);
    let brackets: Vec<Bracketed> = rows
        .iter()
        // A job that was watched beyond all others and never seen is another matter.
        .filter(|row| row.first_seen.is_some() || row.polls.last().is_some_and(|poll| poll.sent <= longest))
        .filter_map(|row| row.window_served().map(Bracketed::new))
        .collect();
    fit(&brackets)
}

/// A: a record that is written late.
pub(super) fn registration(evidence: &Evidence<'_>) -> Vec<Estimate> {
    start(evidence).map(|law| estimate(FaultClass::A, &[("registration-delay", Known::Law(law))])).into_iter().collect()
}

/// C: a copy that lags.
pub(super) fn replica(evidence: &Evidence<'_>) -> Vec<Estimate> {
    start(evidence).map(|law| estimate(FaultClass::C, &[("replica-lag", Known::Law(law))])).into_iter().collect()
}

/// R: a permission that comes later than the job.
pub(super) fn grant(evidence: &Evidence<'_>) -> Vec<Estimate> {
    // What cannot be seen yet is refused, and not denied.
    let mut denials = evidence.rows.iter().flat_map(|row| row.scan.denials());
    if !denials.any(|denial| matches!(denial.http, Some(401 | 403))) {
        return Vec::new();
    }
    let flaps = evidence.rows.iter().any(|row| row.after_seen().any(|poll| !poll.seen));
    if flaps {
        // Some of the servers know of the grant at once.
        let looks = evidence.rows.iter().flat_map(|row| &row.polls).map(|poll| (poll.served, poll.seen)).collect();
        return mixed(looks)
            .map(|(lag, share)| estimate(FaultClass::R, &[("grant-lag", Known::Law(lag)), ("grant-share", share)]))
            .into_iter()
            .collect();
    }
    start(evidence).map(|law| estimate(FaultClass::R, &[("grant-lag", Known::Law(law))])).into_iter().collect()
}

/// D: a denial that is kept, of an id whose record is written a little late, or of a user who had no job yet.
pub(super) fn negative_cache(evidence: &Evidence<'_>) -> Vec<Estimate> {
    by_address(evidence).into_iter().chain(in_steps(evidence)).chain(by_user(evidence)).collect()
}

/// The steps of a cache that counts seconds.
const STEP_MS: f64 = 1000.0;
const PHASES: u32 = 100;

/// A denial that is kept by a cache that counts seconds: until the second has ended in which its time is over.
fn in_steps(evidence: &Evidence<'_>) -> Option<Estimate> {
    let absolute = |poll: &Poll<'_>| evidence.trip.served(poll.exchange);
    // When a first denial was kept, and between which two polls it was dropped.
    let kept: Vec<(f64, f64, f64)> = evidence
        .rows
        .iter()
        .filter_map(|row| {
            let first = row.polls.first().filter(|poll| !poll.seen)?;
            let seen = row.polls.iter().filter(|poll| poll.seen).map(absolute).reduce(f64::min)?;
            let denied = row.polls.iter().filter(|poll| !poll.seen).map(absolute).filter(|denied| *denied < seen).reduce(f64::max)?;
            Some((absolute(first), denied, seen))
        })
        .collect();
    let shortest = kept.iter().map(|(from, denied, _)| denied - from).fold(0.0, f64::max);
    let explained = |steps: u64, phase: f64| {
        let dropped = |from: f64| ((from - phase) / STEP_MS).floor() * STEP_MS + phase + (steps + 1) as f64 * STEP_MS;
        kept.iter().filter(|(from, denied, seen)| (denied - 2.0..=seen + 2.0).contains(&dropped(*from))).count()
    };
    let around = (shortest / STEP_MS) as u64;
    let mut most = 0;
    let mut region: Vec<(u64, f64)> = Vec::new();
    for steps in around.saturating_sub(1).max(1)..=around + 1 {
        for phase in 0..PHASES {
            let phase = STEP_MS * f64::from(phase) / f64::from(PHASES);
            let count = explained(steps, phase);
            if count > most {
                most = count;
                region.clear();
            }
            if count == most {
                region.push((steps, phase));
            }
        }
    }
    (kept.len() >= 4 && most * 10 >= kept.len() * 9).then_some(())?;
    let delay = start_of(evidence)?;
    let point = |at: usize, delay: Law| {
        let (steps, phase) = region[(at * region.len() / LIKELY).min(region.len() - 1)];
        Point {
            knobs: vec![
                ("negative-cache-ttl", Value::Law(Law::Fixed(steps as f64 * STEP_MS))),
                ("cache-clock", Value::Law(Law::Fixed(STEP_MS))),
                ("registration-delay", Value::Law(delay)),
            ],
            uptime_ms: (STEP_MS - phase).rem_euclid(STEP_MS),
        }
    };
    Some(Estimate {
        class: FaultClass::D,
        best: point(LIKELY / 2, delay.best),
        likely: (0..LIKELY).map(|place| point(place, delay.likely[place * 7 % LIKELY])).collect(),
    })
}

/// That a user has no job was answered and kept before there was one: whatever the user asked was denied until that had passed.
fn by_user(evidence: &Evidence<'_>) -> Option<Estimate> {
    let served = |poll: &Exchange| evidence.trip.served(poll);
    let polls = || evidence.rows.iter().flat_map(|row| &row.polls);
    let first_job = evidence.rows.iter().map(|row| row.scan.initiate.sent).min()?;
    let is_before =
        |exchange: &&Exchange| exchange.kind == Kind::UnknownPoll && exchange.answer == Answer::NotFound && exchange.sent < first_job;
    let kept_from = evidence.journal.exchanges.iter().filter(is_before).map(served).reduce(f64::min)?;
    let last_denied = polls().filter(|poll| !poll.seen).map(|poll| served(poll.exchange)).reduce(f64::max)?;
    let seen = polls().filter(|poll| poll.seen).map(|poll| served(poll.exchange)).reduce(f64::min)?;
    let ttl = fit_fixed(&[Bracketed::new((last_denied - kept_from, seen - kept_from))]).filter(|_| last_denied < seen)?;
    Some(estimate(FaultClass::D, &[("negative-cache-ttl", Known::Law(ttl)), ("negative-cache-key", Known::Word("user"))]))
}

/// How late records are written under a cache: after the first denial, and before the first sight.
fn start_of(evidence: &Evidence<'_>) -> Option<LawFit> {
    let written = |row: &Row<'_>| {
        let (_, seen) = row.window_served()?;
        let denied = row.polls.first().filter(|poll| !poll.seen).map_or(0.0, |poll| poll.served);
        Some(Bracketed::new((denied, seen)))
    };
    fit(&evidence.rows.iter().filter_map(written).collect::<Vec<_>>())
}

fn by_address(evidence: &Evidence<'_>) -> Vec<Estimate> {
    let first_denial = |row: &Row<'_>| row.polls.first().filter(|poll| !poll.seen).map(|poll| poll.served);
    let kept: Vec<Bracketed> = evidence
        .rows
        .iter()
        .filter_map(|row| {
            let first = first_denial(row)?;
            let (last, seen) = row.window_served()?;
            (seen.is_finite() || last > first).then(|| Bracketed::new((last - first, seen - first)))
        })
        .collect();
    // The age from which jobs that had not been asked for before were seen, and the latest denial of one that had been.
    let unasked = evidence.rows.iter().filter_map(|row| row.polls.first()).filter(|poll| poll.seen).map(|poll| poll.sent);
    let from = unasked.reduce(f64::min);
    let latest =
        evidence.rows.iter().filter_map(|row| row.window().filter(|_| row.denied_at_start()).map(|(last, _)| last)).reduce(f64::max);
    let (Some(from), Some(latest)) = (from, latest) else { return Vec::new() };
    if latest <= from {
        return Vec::new();
    }
    let (Some(ttl), Some(delay)) = (fit_fixed(&kept), start_of(evidence)) else { return Vec::new() };
    vec![estimate(FaultClass::D, &[("negative-cache-ttl", Known::Law(ttl)), ("registration-delay", Known::Law(delay))])]
}

/// I: a record that is committed after the answer, for a part of the jobs.
pub(super) fn commit(evidence: &Evidence<'_>) -> Vec<Estimate> {
    let firsts = || evidence.rows.iter().filter_map(|row| Some((row, row.polls.first()?)));
    let latest = firsts().filter(|(_, poll)| !poll.seen).map(|(_, poll)| poll.sent).reduce(f64::max);
    // Jobs that were in time, at ages at which others were not.
    if latest.is_none_or(|latest| !firsts().any(|(_, poll)| poll.seen && poll.sent <= latest)) {
        return Vec::new();
    }
    let looks: Vec<Look> = firsts()
        .filter_map(|(row, poll)| {
            let (after, until) = row.window_served()?;
            Some(if poll.seen { Look { after: None, until: poll.served } } else { Look { after: Some(after), until } })
        })
        .collect();
    let Some((best, likely)) = fit_share(&looks) else { return Vec::new() };
    let point = |(law, share): (Law, f64)| Point {
        knobs: vec![("commit-delay", Value::Law(law)), ("commit-share", Value::Share(share))],
        uptime_ms: 0.0,
    };
    vec![Estimate { class: FaultClass::I, best: point(best), likely: likely.into_iter().map(point).collect() }]
}
