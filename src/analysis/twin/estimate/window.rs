//! The settings of A, C, D and I: what denies a job at first.

use crate::analysis::twin::estimate::{Estimate, Evidence, Known, Point, Value, estimate};
use crate::analysis::twin::law::{Bracketed, Law, LawFit, Look, fit, fit_fixed, fit_share};
use crate::analysis::twin::rows::Row;
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
        .filter_map(|row| row.window().map(Bracketed::new))
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
    start(evidence).map(|law| estimate(FaultClass::R, &[("grant-lag", Known::Law(law))])).into_iter().collect()
}

/// D: a denial that is kept, over a record that is written a little late.
pub(super) fn negative_cache(evidence: &Evidence<'_>) -> Vec<Estimate> {
    let first_denial = |row: &Row<'_>| row.polls.first().filter(|poll| !poll.seen).map(|poll| (poll.sent.max(0.0), poll.done));
    let kept: Vec<Bracketed> = evidence
        .rows
        .iter()
        .filter_map(|row| {
            let (sent, done) = first_denial(row)?;
            let (last, seen) = row.window()?;
            (seen.is_finite() || last > done).then(|| Bracketed::new(((last - done).max(0.0), seen - sent)))
        })
        .collect();
    let written: Vec<Bracketed> = evidence
        .rows
        .iter()
        .filter_map(|row| {
            let (_, seen) = row.window()?;
            Some(Bracketed::new((first_denial(row).map_or(0.0, |(sent, _)| sent), seen)))
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
    let (Some(ttl), Some(delay)) = (fit_fixed(&kept), fit(&written)) else { return Vec::new() };
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
            let (after, until) = row.window()?;
            Some(if poll.seen { Look { after: None, until: poll.sent.max(0.0) } } else { Look { after: Some(after), until } })
        })
        .collect();
    let Some((best, likely)) = fit_share(&looks) else { return Vec::new() };
    let point = |(law, share): (Law, f64)| Point {
        knobs: vec![("commit-delay", Value::Law(law)), ("commit-share", Value::Share(share))],
        uptime_ms: 0.0,
    };
    vec![Estimate { class: FaultClass::I, best: point(best), likely: likely.into_iter().map(point).collect() }]
}
