//! What polls show besides denials: whether a change is there, what a job's first words are worth, whether its result can be fetched.
//!
//! Each is known by a bracket, in milliseconds: not yet, or still, at the first age, and otherwise by the second.

use crate::analysis::diagnosis::Member;
use crate::analysis::diagnosis::first_word::completed_at;
use crate::analysis::scan::ScanHistory;
use crate::analysis::twin::rows::{Poll, Row, Trip};
use crate::model::answer::{Answer, State};
use crate::model::exchange::Exchange;
use crate::model::run::Journal;
use crate::model::time::Nanos;

/// A poll after a write: how long after it the service dealt with the poll, and whether it showed the write.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    pub(super) since: f64,
    pub(super) shown: bool,
}

/// What was written about a job that was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Write {
    /// An update, or else a cancel.
    Change,
    Deletion,
}

/// The polls after one write, in their order; there are some.
#[derive(Debug, Clone)]
pub(super) struct AfterWrite {
    pub(super) looks: Vec<Look>,
}

impl AfterWrite {
    /// `None` where there was no such write, it was not answered, or nobody looked after it.
    pub(super) fn of(scan: &ScanHistory<'_>, write: Write, trip: Trip) -> Option<AfterWrite> {
        let write = match write {
            Write::Change => scan.change(),
            Write::Deletion => scan.delete(),
        };
        let write = write.filter(|write| write.was_answered())?;
        let made = trip.made(write);
        let look = |poll: &Exchange| Some(Look { since: trip.served(poll) - made, shown: poll.seen? });
        let mut looks: Vec<Look> = scan.polls_after(write).filter_map(look).collect();
        looks.sort_by(|a, b| a.since.total_cmp(&b.since));
        (!looks.is_empty()).then_some(AfterWrite { looks })
    }

    fn first_shown(&self) -> Option<f64> {
        self.looks.iter().find(|look| look.shown).map(|look| look.since)
    }

    /// Whether it was shown, and hidden again.
    pub(super) fn is_taken_back(&self) -> bool {
        self.first_shown().is_some_and(|shown| self.looks.iter().any(|look| !look.shown && look.since > shown))
    }

    /// The last look before the write was shown, and the first that showed it; `None`: it was never shown.
    pub(super) fn shown_by(&self) -> Option<(f64, f64)> {
        let by = self.first_shown()?;
        let not_yet = self.looks.iter().filter(|look| !look.shown && look.since <= by).map(|look| look.since).fold(0.0, f64::max);
        Some((not_yet, by.max(not_yet)))
    }

    /// Whether any look did not show it.
    pub(super) fn is_hidden(&self) -> bool {
        self.looks.iter().any(|look| !look.shown)
    }
}

fn listed(poll: &Poll<'_>) -> Option<State> {
    poll.exchange.state.filter(|state| *state != State::Unknown && poll.seen)
}

/// A job that began with an end and ran later: until when it showed that end, and by when it ran.
pub(super) fn first_end(row: &Row<'_>) -> Option<(f64, f64)> {
    let rewritten = row.scan.rewritten_from();
    let mut states: Vec<(f64, State)> =
        row.polls.iter().filter(|poll| poll.exchange.sent < rewritten).filter_map(|poll| Some((poll.served, listed(poll)?))).collect();
    states.sort_by(|a, b| a.0.total_cmp(&b.0));
    states.first().filter(|(_, state)| state.is_terminal())?;
    let ran = states.iter().position(|(_, state)| !state.is_terminal())?;
    Some((states[ran - 1].0, states[ran].0))
}

/// The end that a job began with, if it ran later.
pub(super) fn first_state(row: &Row<'_>) -> Option<State> {
    let first = row.polls.iter().filter(|poll| listed(poll).is_some()).min_by(|a, b| a.served.total_cmp(&b.served))?;
    listed(first)
}

/// A job of which something was missing at first that each later answer had: until when it was missing, and by when it was there.
pub(super) fn half_record(row: &Row<'_>, state_at: Option<&str>) -> Option<(f64, f64)> {
    let rewritten = row.scan.rewritten_from();
    let mut sights: Vec<&Poll<'_>> = row.polls.iter().filter(|poll| poll.seen && poll.exchange.sent < rewritten).collect();
    sights.sort_by(|a, b| a.served.total_cmp(&b.served));
    let exchanges: Vec<&Exchange> = sights.iter().map(|poll| poll.exchange).collect();
    let of = |member: Member| {
        let first = completed_at(&exchanges, member, state_at)?;
        Some((sights[first - 1].served, sights[first].served))
    };
    // What progress there is often comes later, in services that are right.
    [Member::Complete, Member::State, Member::Id].into_iter().find_map(of)
}

/// What became of the result of a job that succeeded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum AfterEnd {
    /// It was there whenever it was asked for after the end.
    There,
    /// It was missing for at least so long after the end, and there by the second time, infinite where it never was.
    Late(f64, f64),
}

impl AfterEnd {
    pub(super) fn late(self) -> Option<(f64, f64)> {
        if let AfterEnd::Late(missing, there) = self { Some((missing, there)) } else { None }
    }
}

/// Whether the result of a job that succeeded was there after the end; `None`: it was not asked for then.
pub(super) fn result_after_end(row: &Row<'_>, trip: Trip) -> Option<AfterEnd> {
    let (ended, State::Succeeded) = row.scan.ended()? else { return None };
    let accepted = trip.made(row.scan.initiate);
    let end_by = trip.served(ended) - accepted;
    let before = |poll: &&Poll<'_>| poll.seen && poll.served < end_by;
    let end_after = row.polls.iter().filter(before).map(|poll| poll.served).fold(0.0, f64::max);
    let asked = || row.scan.results().iter().filter(|reading| reading.sent < row.scan.rewritten_from() && ended.done <= reading.sent);
    let is_there = |reading: &Exchange| reading.answer == Answer::Visible && reading.state != Some(State::Running);
    let is_missing =
        |reading: &Exchange| reading.answer == Answer::NotFound || reading.state == Some(State::Running) && reading.http != Some(202);
    let age = |reading: &Exchange| trip.served(reading) - accepted;
    let there = asked().filter(|reading| is_there(reading)).map(|reading| age(reading)).reduce(f64::min);
    let missing = asked()
        .filter(|reading| is_missing(reading))
        .map(|reading| age(reading))
        .filter(|missing| there.is_none_or(|there| *missing < there))
        .reduce(f64::max);
    match (missing, there) {
        (Some(missing), there) => {
            let there = there.map_or(f64::INFINITY, |there| (there - end_after).max(0.0));
            Some(AfterEnd::Late((missing - end_by).max(0.0), there))
        }
        (None, Some(_)) => Some(AfterEnd::There),
        (None, None) => None,
    }
}

/// Two arms of a scenario that are asked for at one age, of which one was asked for before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub(super) scenario: u32,
    pub(super) polled_before: u32,
    pub(super) alone: u32,
    pub(super) at: Nanos,
}

/// All such pairs of a run.
pub(super) fn pairs(journal: &Journal) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (scenario, plan) in (0..).zip(&journal.scenarios) {
        for (polled_before, earlier) in (0..).zip(&plan.arms) {
            for (alone, once) in (0..).zip(&plan.arms) {
                let [only] = once.offsets.as_slice() else { continue };
                let is_pair = earlier.offsets.first() < Some(only) && earlier.offsets.contains(only);
                if is_pair && earlier.connection == once.connection {
                    pairs.push(Pair { scenario, polled_before, alone, at: only.as_nanos() });
                }
            }
        }
    }
    pairs
}
