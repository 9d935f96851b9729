//! The settings of U, V, W and Z: kept answers, late results, ends that are answered once, and jobs of which the request said that it failed.

use crate::analysis::scan::Scans;
use crate::analysis::twin::estimate::{Estimate, Evidence, Known, estimate};
use crate::analysis::twin::later::{AfterEnd, result_after_end};
use crate::analysis::twin::law::{Bracketed, fit, fit_fixed, longer_than};
use crate::analysis::twin::rows::{Poll, Row};
use crate::model::answer::{Answer, State};
use crate::model::exchange::{Exchange, Kind};
use crate::model::fault::FaultClass;

fn is_end(poll: &Poll<'_>) -> bool {
    poll.exchange.state.is_some_and(State::is_terminal)
}

/// U: what was seen is answered for a while, whatever becomes of the job.
pub(super) fn positive_cache(evidence: &Evidence<'_>) -> Vec<Estimate> {
    let kept: Vec<Bracketed> = evidence.rows.iter().flat_map(stretches).collect();
    let Some(ttl) = fit_fixed(&kept).filter(|_| kept.len() >= FEW) else { return Vec::new() };
    // What was asked for the first time is no older than the question; an end that is seen later was there at some time before.
    let works: Vec<Bracketed> = evidence
        .rows
        .iter()
        .filter_map(|row| {
            let first = row.polls.iter().find(|poll| poll.seen)?;
            if is_end(first) {
                return Some(Bracketed::new((0.0, first.served)));
            }
            let by = row.polls.iter().filter(|poll| poll.seen && is_end(poll)).map(|poll| poll.served).reduce(f64::min);
            Some(Bracketed::new((first.served, by.unwrap_or(f64::INFINITY))))
        })
        .collect();
    let mut knobs = vec![("positive-cache-ttl", Known::Law(ttl))];
    knobs.extend(fit(&works).map(|work| ("stage-finalise", Known::Law(work))));
    vec![estimate(FaultClass::U, &knobs)]
}

/// Fewer kept answers say nothing.
const FEW: usize = 4;

/// How long one answer stood: from when it was fetched to its last repetition, and to the first other answer. An end stands for good.
fn stretches(row: &Row<'_>) -> Vec<Bracketed> {
    let rewritten = row.scan.rewritten_from();
    let mut sights: Vec<&Poll<'_>> = row.polls.iter().filter(|poll| poll.seen && poll.exchange.sent < rewritten).collect();
    sights.sort_by(|a, b| a.served.total_cmp(&b.served));
    let runs: Vec<&[&Poll<'_>]> = sights.chunk_by(|a, b| a.exchange.digest.is_some() && a.exchange.digest == b.exchange.digest).collect();
    let mut fetched = None;
    let mut stretches = Vec::new();
    for pair in runs.windows(2) {
        let (run, next) = (pair[0], pair[1]);
        // A poll that changed the answer fetched it, or one shortly before it did for another: only the first run began with a fetch.
        let began = fetched.unwrap_or(run[0].served);
        if run.len() > 1 && !is_end(run[0]) {
            stretches.push(Bracketed::new((run[run.len() - 1].served - began, next[0].served - began)));
        }
        fetched = Some(next[0].served);
    }
    stretches
}

/// V: the result is there some time after the end.
pub(super) fn late_results(evidence: &Evidence<'_>) -> Vec<Estimate> {
    let asked = evidence.rows.iter().filter_map(|row| result_after_end(row, evidence.trip));
    let late: Vec<Bracketed> = asked.filter_map(AfterEnd::late).map(Bracketed::new).collect();
    if late.is_empty() {
        return Vec::new();
    }
    let longest = late.iter().map(|late| late.after).fold(0.0, f64::max);
    let lag = fit(&late).unwrap_or_else(|| longer_than(longest));
    vec![estimate(FaultClass::V, &[("result-lag", Known::Law(lag))])]
}

/// W: an end is answered once.
pub(super) fn consumed(evidence: &Evidence<'_>) -> Vec<Estimate> {
    let is_gone_after_end = |row: &Row<'_>| {
        let ended = row.polls.iter().filter(|poll| poll.seen && is_end(poll)).map(|poll| poll.done).reduce(f64::min);
        ended.is_some_and(|ended| row.polls.iter().any(|poll| !poll.seen && poll.sent > ended))
    };
    if !evidence.rows.iter().any(is_gone_after_end) {
        return Vec::new();
    }
    vec![estimate(FaultClass::W, &[("consume-on-read", Known::Word("on"))])]
}

/// Z: requests that the front gave up, of jobs that were accepted.
pub(super) fn orphans(evidence: &Evidence<'_>) -> Vec<Estimate> {
    let exchanges = &evidence.journal.exchanges;
    let is_known = |number: u64| {
        let mut looks = exchanges.iter().filter(|exchange| exchange.kind == Kind::OrphanPoll && exchange.scan.get() == Some(number));
        looks.any(|look| look.answer == Answer::Visible)
    };
    let scans = Scans::of(exchanges);
    let histories = scans.histories();
    let took = |initiate: &Exchange| (initiate.round_trip().as_secs_f64() * 1e3 - evidence.trip.ms()).max(0.0);
    let failed: Vec<f64> =
        histories.iter().filter(|scan| scan.t0().is_none() && is_known(scan.number())).map(|scan| took(scan.initiate)).collect();
    let around = |ms: f64| Bracketed::new(((ms - evidence.trip.ms() - 1.0).max(0.0), ms + 1.0));
    let Some(given_up) = fit_fixed(&failed.iter().map(|ms| around(*ms)).collect::<Vec<_>>()) else { return Vec::new() };
    let timeout = given_up.best.median();
    let answered = histories.iter().filter(|scan| scan.t0().is_some()).map(|scan| around(took(scan.initiate)));
    let longer = failed.iter().map(|_| Bracketed::new((timeout, f64::INFINITY)));
    let Some(latency) = fit(&answered.chain(longer).collect::<Vec<_>>()) else { return Vec::new() };
    vec![estimate(FaultClass::Z, &[("gateway-timeout", Known::Law(given_up)), ("initiate-latency", Known::Law(latency))])]
}
