//! The jobs of a log, each with the polls that say seen or denied: what estimates and comparisons are made of.

use std::collections::BTreeMap;

use crate::analysis::scan::ScanHistory;
use crate::model::answer::{Answer, State};
use crate::model::exchange::{Connection, Exchange, Kind};
use crate::model::run::Journal;
use crate::model::time::Nanos;

/// How long a round trip on an open connection takes, in milliseconds: what lies between a stamp here and the instant at the service.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Trip(f64);

impl Trip {
    pub(super) fn of(journal: &Journal) -> Trip {
        let polls = || journal.exchanges.iter().filter(|exchange| exchange.kind == Kind::Poll && exchange.was_answered());
        let trip = |poll: &Exchange| poll.round_trip().as_secs_f64() * 1e3;
        let open = polls().filter(|poll| poll.new_conn == Some(false)).map(trip).collect();
        let shortest = || polls().map(trip).reduce(f64::min);
        Trip(median(open).or_else(shortest).unwrap_or_default())
    }

    /// It, in milliseconds.
    pub(super) fn ms(self) -> f64 {
        self.0
    }

    /// About when an exchange was dealt with at the service, in milliseconds of the run: half of a round trip before its reply had arrived.
    /// What is longer than usual about it may have been on the way there as well as on the way back.
    pub(super) fn served(self, exchange: &Exchange) -> f64 {
        let (sent, done) = (exchange.sent.0 as f64 / 1e6, exchange.done.0 as f64 / 1e6);
        let is_open = exchange.new_conn == Some(false);
        if is_open { f64::midpoint(sent, done) } else { f64::midpoint(sent, done).max(done - self.0 / 2.0) }
    }

    /// When a write was made at the service that was acknowledged by this reply, at the latest: half of a round trip before it arrived.
    pub(super) fn made(self, write: &Exchange) -> f64 {
        (write.done.0 as f64 / 1e6 - self.0 / 2.0).max(write.sent.0 as f64 / 1e6)
    }
}

/// One status answer that says seen or denied. Ages are in milliseconds since the id was known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Poll<'a> {
    /// The age at which it was sent.
    pub(super) sent: f64,
    /// The age at which its answer had arrived.
    pub(super) done: f64,
    /// About how long the job had been accepted when the service dealt with it.
    pub(super) served: f64,
    pub(super) seen: bool,
    pub(super) exchange: &'a Exchange,
}

/// One job that was accepted.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) scan: &'a ScanHistory<'a>,
    /// Polls at the usual address by the time they were sent: on connections of their own, or on any where there are none of those.
    pub(super) polls: Vec<Poll<'a>>,
    /// The age at which the first answer that showed it had arrived.
    pub(super) first_seen: Option<f64>,
}

impl<'a> Row<'a> {
    /// `None` for a job that was not accepted.
    fn of(scan: &'a ScanHistory<'a>, trip: Trip) -> Option<Row<'a>> {
        let t0 = scan.t0()?;
        let accepted = trip.made(scan.initiate);
        scan.id()?;
        let read = |exchange: &'a Exchange| Poll {
            sent: exchange.sent.since(t0).as_ms(),
            done: exchange.done.since(t0).as_ms(),
            served: trip.served(exchange) - accepted,
            seen: exchange.answer == Answer::Visible,
            exchange,
        };
        let usual = || scan.evidence().filter(|poll| poll.route.is_none());
        let mut polls: Vec<Poll<'a>> = usual().filter(|poll| poll.connection.is_own()).map(read).collect();
        if polls.is_empty() {
            polls = usual().map(read).collect();
        }
        let first_seen = polls.iter().filter(|poll| poll.seen).map(|poll| poll.done).reduce(f64::min);
        Some(Row { scan, polls, first_seen })
    }

    /// The window at the start: the last denial before the job was seen, and that sight; infinite where it never was.
    pub(super) fn window(&self) -> Option<(f64, f64)> {
        let first = self.polls.first()?;
        let seen = self.first_seen.unwrap_or(f64::INFINITY);
        let denied = self.polls.iter().filter(|poll| !poll.seen && poll.sent < seen).map(|poll| poll.sent.max(0.0)).reduce(f64::max);
        // A first poll that was seen bounds the window from above alone.
        Some((denied.unwrap_or(0.0), seen.max(first.done).max(f64::MIN_POSITIVE)))
    }

    /// The same by the service's time: how long the job had been accepted when it was denied last, and when it was seen first.
    pub(super) fn window_served(&self) -> Option<(f64, f64)> {
        self.polls.first()?;
        let seen = self.first_seen.unwrap_or(f64::INFINITY);
        let denied = self.polls.iter().filter(|poll| !poll.seen && poll.sent < seen).map(|poll| poll.served).fold(0.0, f64::max);
        let by = self.polls.iter().filter(|poll| poll.seen).map(|poll| poll.served).fold(f64::INFINITY, f64::min);
        Some((denied, by.max(denied).max(f64::MIN_POSITIVE)))
    }

    /// Whether it was denied before it was seen.
    pub(super) fn denied_at_start(&self) -> bool {
        let seen = self.first_seen.unwrap_or(f64::INFINITY);
        self.polls.iter().any(|poll| !poll.seen && poll.sent < seen)
    }

    /// The polls that were sent after it had been seen.
    pub(super) fn after_seen(&self) -> impl Iterator<Item = &Poll<'a>> {
        let seen = self.first_seen.unwrap_or(f64::INFINITY);
        self.polls.iter().filter(move |poll| poll.sent > seen)
    }

    /// When it ended: after the last answer that showed it at work, and by the first that showed its end; infinite where none did.
    pub(super) fn end(&self) -> Option<(f64, f64)> {
        let is_end = |poll: &&Poll<'_>| poll.exchange.state.is_some_and(State::is_terminal);
        let by = self.polls.iter().filter(is_end).map(|poll| poll.done).fold(f64::INFINITY, f64::min);
        let running = self.polls.iter().filter(|poll| poll.seen && !is_end(poll) && poll.sent < by).map(|poll| poll.sent);
        running.reduce(f64::max).map(|after| (after.max(0.0), by)).or_else(|| by.is_finite().then_some((0.0, by)))
    }

    /// What the polls on the connection of the request that started it said.
    pub(super) fn kept(&self) -> impl Iterator<Item = &'a Exchange> {
        self.scan.evidence().filter(|poll| poll.route.is_none() && poll.connection == Connection::KeepAlive)
    }
}

/// The jobs that were accepted.
pub(super) fn rows<'a>(histories: &'a [ScanHistory<'a>], trip: Trip) -> Vec<Row<'a>> {
    histories.iter().filter_map(|scan| Row::of(scan, trip)).collect()
}

/// What those said who asked for one job at one planned age, after it had been seen.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pollers {
    /// How many saw it.
    pub(super) seen: u32,
    all: u32,
}

impl Pollers {
    /// Whether some of them saw it and others did not.
    pub(super) fn disagree(self) -> bool {
        self.seen > 0 && self.seen < self.all
    }
}

/// Those of each job and age that was asked for more than once.
pub(super) fn pollers(rows: &[Row<'_>]) -> Vec<Pollers> {
    let mut instants: BTreeMap<(u64, Nanos), Pollers> = BTreeMap::new();
    for row in rows {
        for poll in row.after_seen() {
            if let Some(at) = poll.exchange.offset.get() {
                let pollers = instants.entry((row.scan.number(), at)).or_default();
                pollers.seen += u32::from(poll.seen);
                pollers.all += 1;
            }
        }
    }
    instants.into_values().filter(|pollers| pollers.all > 1).collect()
}

/// The mean of some numbers; `None` of none.
pub(super) fn mean(numbers: &[f64]) -> Option<f64> {
    (!numbers.is_empty()).then(|| numbers.iter().sum::<f64>() / numbers.len() as f64)
}

/// Mean and variance of several numbers.
pub(super) fn mean_and_variance(numbers: &[f64]) -> (f64, f64) {
    let mean = mean(numbers).unwrap_or_default();
    (mean, numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / numbers.len().saturating_sub(1).max(1) as f64)
}

/// The median of some numbers, the lower one of two.
pub(super) fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len().saturating_sub(1) / 2).copied()
}
