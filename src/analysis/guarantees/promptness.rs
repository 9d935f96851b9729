//! Whether polls on used connections are held back while fresh ones of equal age are not.
//!
//! A slow answer is not a fault: a service pauses, is slow under load, or holds a long poll on purpose. A response that waits for background
//! work is one, since it hides a window from whoever keeps connections; and that is what only a comparison of connections can show.

use super::{Ambiguity, Breach, Checked, Evidence, NotAssessed, PROOFS, Proof, SlowOn, Unclear};
use crate::analysis::scan::ScanHistory;
use crate::model::exchange::{Connection, Exchange};
use crate::model::guarantee::Guarantee;
use crate::model::time::{Nanos, Stamp};

/// A scan, and its first poll that took far longer than usual.
type Stall<'a> = (&'a ScanHistory<'a>, &'a Exchange);

/// So unlikely must the difference between connections be, if there were none.
const CHANCE: f64 = 0.005;
/// Ages within so much of each other are equal.
const EQUAL_AGE: i64 = 50_000_000;

pub(super) fn check(evidence: Evidence<'_>) -> Checked {
    let mut checked = Checked::nothing(Guarantee::Promptness);
    let usual = usual_trip(evidence.scans, |poll| poll.connection == Connection::Fresh)
        .or_else(|| usual_trip(evidence.scans, |_| true))
        .unwrap_or_default();
    let held = evidence.target.status.long_poll.unwrap_or_default().0.as_nanos() as u64;
    let limit = (evidence.scenario.expect.stall.0.as_nanos() as u64).max(usual.saturating_mul(20)).saturating_add(held);
    let used = polled(evidence, |connection| !connection.is_own());
    let fresh = polled(evidence, Connection::is_own);
    let (on_used, on_fresh) = (stalls(evidence, limit, |connection| !connection.is_own()), stalls(evidence, limit, Connection::is_own));
    checked.checked = if used > 0 && fresh > 0 { used as u64 } else { 0 };
    if checked.checked > 0 && are_held_back(evidence, used, &on_used, &on_fresh) {
        checked.broken = on_used.len() as u64;
        checked.evidence = on_used.iter().take(PROOFS).map(|stall| proof(evidence, *stall, usual)).collect();
    } else if !on_used.is_empty() || !on_fresh.is_empty() {
        checked.unclear(slow(evidence, &on_used, &on_fresh, limit));
    }
    checked.conclude(match (used, fresh) {
        (0, 0) => NotAssessed::NoPollAnswered,
        (0, _) => NotAssessed::NoUsedConnection,
        _ => NotAssessed::NoFreshConnection,
    });
    checked
}

/// How many scans were polled, and answered, on such connections.
fn polled(evidence: Evidence<'_>, on: fn(Connection) -> bool) -> usize {
    evidence.scans.iter().filter(|scan| scan.polls().iter().any(|poll| poll.was_answered() && on(poll.connection))).count()
}

fn stalls(evidence: Evidence<'_>, limit: u64, on: fn(Connection) -> bool) -> Vec<Stall<'_>> {
    let stalled = |poll: &&&Exchange| poll.was_answered() && on(poll.connection) && trip(poll) > limit;
    evidence.scans.iter().filter_map(|scan| scan.polls().iter().find(stalled).map(|poll| (*scan, *poll))).collect()
}

fn trip(poll: &Exchange) -> u64 {
    poll.round_trip().as_nanos() as u64
}

/// Whether stalls are a matter of the connection: used ones stall, time and again, where fresh ones of equal age do not.
fn are_held_back(evidence: Evidence<'_>, used: usize, on_used: &[Stall<'_>], on_fresh: &[Stall<'_>]) -> bool {
    let ages = || on_used.iter().map(|(scan, poll)| scan.age(poll).0);
    let (Some(youngest), Some(oldest)) = (ages().min(), ages().max()) else { return false };
    let of_equal_age = |scan: &&&ScanHistory<'_>| {
        let equal = |poll: &&Exchange| -> bool {
            let age = scan.age(poll).0;
            poll.was_answered()
                && poll.connection.is_own()
                && youngest.saturating_sub(EQUAL_AGE) <= age
                && age <= oldest.saturating_add(EQUAL_AGE)
        };
        scan.polls().iter().any(equal)
    };
    let compared = evidence.scans.iter().filter(of_equal_age).count();
    chance(accidents(on_used).min(used), used, on_fresh.len().min(compared), compared) < CHANCE
}

/// Of stalls that overlap in time, those that were released together are one accident: whatever stopped the service stopped them all.
/// Stalls that are released one by one, as their scans began one by one, are each held by their own.
fn accidents(stalls: &[Stall<'_>]) -> usize {
    let mut polls: Vec<&Exchange> = stalls.iter().map(|(_, poll)| *poll).collect();
    polls.sort_by_key(|poll| poll.sent);
    let mut accidents = 0;
    let mut from = 0;
    while from < polls.len() {
        let (mut until, mut done) = (from + 1, polls[from].done);
        while until < polls.len() && polls[until].sent < done {
            done = done.max(polls[until].done);
            until += 1;
        }
        let group = &polls[from..until];
        let sent = spread(group.iter().map(|poll| poll.sent));
        let released = spread(group.iter().map(|poll| poll.done));
        accidents += if sent >= ONE_BY_ONE && released >= sent / 2 { group.len() } else { 1 };
        from = until;
    }
    accidents
}

/// Polls that were sent within so short a time may be released together by either.
const ONE_BY_ONE: u64 = 100_000_000;

fn spread(stamps: impl Iterator<Item = Stamp> + Clone) -> u64 {
    let (first, last) = (stamps.clone().min(), stamps.max());
    last.zip(first).map_or(0, |(last, first)| last.0 - first.0)
}

/// How likely so many or more of the stalls would be on used connections if the connection made no difference: Fisher's exact test.
fn chance(used_stalled: usize, used: usize, fresh_stalled: usize, fresh: usize) -> f64 {
    if used == 0 || fresh == 0 || used_stalled == 0 {
        return 1.0;
    }
    let stalled = used_stalled + fresh_stalled;
    let ln_factorials: Vec<f64> = std::iter::once(0.0)
        .chain((1..=used + fresh).scan(0.0, |sum, n| {
            *sum += (n as f64).ln();
            Some(*sum)
        }))
        .collect();
    let ln_choose = |n: usize, k: usize| ln_factorials[n] - ln_factorials[k] - ln_factorials[n - k];
    let most = stalled.min(used);
    (used_stalled..=most)
        .filter(|on_used| stalled - on_used <= fresh)
        .map(|on_used| (ln_choose(used, on_used) + ln_choose(fresh, stalled - on_used) - ln_choose(used + fresh, stalled)).exp())
        .sum()
}

fn proof(evidence: Evidence<'_>, (scan, poll): Stall<'_>, usual: u64) -> Proof {
    let beside = beside(evidence, &[(scan, poll)]);
    let breach = Breach::HeldBack { usual_ns: Nanos(usual as i64), slow: beside.slow_polls as u64, of: beside.polls as u64 };
    Proof::of_scan(scan, breach, &[poll])
}

/// What else was under way while polls stalled.
#[derive(Default)]
struct Beside {
    /// Other exchanges that were sent in the meantime.
    sent: usize,
    /// Those that took at least half as long as the shortest stall.
    slow: usize,
    /// The same of polls on fresh connections.
    polls: usize,
    slow_polls: usize,
}

fn beside(evidence: Evidence<'_>, stalls: &[Stall<'_>]) -> Beside {
    let mut spans: Vec<(Stamp, Stamp)> = stalls.iter().map(|(_, poll)| (poll.sent, poll.done)).collect();
    spans.sort_unstable();
    // Joined where they overlap, so that each can be found by its beginning.
    let mut joined: Vec<(Stamp, Stamp)> = Vec::new();
    for (from, until) in spans {
        match joined.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(until),
            _ => joined.push((from, until)),
        }
    }
    let shortest = stalls.iter().map(|(_, poll)| trip(poll)).min().unwrap_or_default();
    let meanwhile = |exchange: &Exchange| {
        let place = joined.partition_point(|(from, _)| *from <= exchange.sent);
        place.checked_sub(1).is_some_and(|place| exchange.sent < joined[place].1)
    };
    let mut beside = Beside::default();
    for exchange in evidence.scans.iter().flat_map(|scan| scan.exchanges()).chain(evidence.unknown) {
        let is_stall = stalls.iter().take(PROOFS).any(|(_, poll)| std::ptr::eq(*poll, *exchange));
        if is_stall || !exchange.was_answered() || !meanwhile(exchange) {
            continue;
        }
        let slow = usize::from(trip(exchange) >= shortest / 2);
        beside.sent += 1;
        beside.slow += slow;
        if exchange.kind == crate::model::exchange::Kind::Poll && exchange.connection.is_own() {
            beside.polls += 1;
            beside.slow_polls += slow;
        }
    }
    beside
}

/// Slow polls that are not breach.
fn slow(evidence: Evidence<'_>, on_used: &[Stall<'_>], on_fresh: &[Stall<'_>], limit: u64) -> Unclear {
    let all: Vec<Stall<'_>> = on_used.iter().chain(on_fresh).copied().collect();
    let beside = beside(evidence, &all);
    let on = match (on_used.is_empty(), on_fresh.is_empty()) {
        (false, false) => SlowOn::Both,
        (false, true) => SlowOn::Used,
        _ => SlowOn::Fresh,
    };
    Unclear {
        why: Ambiguity::SlowPolls { limit_ns: Nanos(limit as i64), on },
        scans: all.len() as u64,
        hits: beside.slow as u64,
        of: beside.sent as u64,
    }
}

/// The usual round trip of some polls, in ns: that of half of them is shorter.
fn usual_trip(scans: &[&ScanHistory<'_>], counts: fn(&Exchange) -> bool) -> Option<u64> {
    let polls = || scans.iter().flat_map(|scan| scan.polls()).filter(|poll| poll.was_answered() && counts(poll));
    // Counted first, for no more memory than is needed: there may be a million.
    let mut trips = Vec::with_capacity(polls().count());
    trips.extend(polls().map(|poll| trip(poll)));
    let middle = trips.len() / 2;
    (!trips.is_empty()).then(|| *trips.select_nth_unstable(middle).1)
}
