//! The evidence, arranged for diagnosis: each scan as a row of observations.

use crate::analysis::scan::ScanHistory;
use crate::model::answer::{Answer, State};
use crate::model::compact::CompactOption;
use crate::model::exchange::{Connection, Exchange, Purpose, Route};
use crate::model::run::Journal;
use crate::model::scenario::{LoadModel, Scenario};
use crate::model::shard::Share;
use crate::model::time::{Nanos, Span, Stamp};

/// One status answer that says seen or not seen. Two words: there may be millions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Observation<'a> {
    /// Twice the age in nanoseconds, and one more where the scan was seen.
    age_and_seen: i64,
    pub(super) exchange: &'a Exchange,
}

impl<'a> Observation<'a> {
    fn of(scan: &ScanHistory<'_>, exchange: &'a Exchange) -> Observation<'a> {
        // No age reaches half of what fits.
        Observation { age_and_seen: (scan.age(exchange).0 << 1) | i64::from(exchange.answer == Answer::Visible), exchange }
    }

    /// The age in milliseconds at which it was sent.
    pub(super) fn age(&self) -> f64 {
        Nanos(self.age_and_seen >> 1).as_ms()
    }

    pub(super) fn seen(&self) -> bool {
        self.age_and_seen & 1 == 1
    }

    /// How the scan stood, as far as the answer says: its word, its state and its progress.
    pub(super) fn shows(&self) -> (Option<&'a str>, Option<State>, Option<f64>) {
        (self.exchange.word.as_deref(), self.exchange.state, self.exchange.progress.get())
    }

    /// Whether it showed an end.
    pub(super) fn is_end(&self) -> bool {
        self.seen() && self.exchange.state.is_some_and(State::is_terminal)
    }
}

/// The observations at the usual address on connections of their own, scan after scan.
///
/// One row for all, of which each scan has a piece: there may be a million scans of one look each.
#[derive(Debug)]
pub(super) struct Observations<'a> {
    observations: Vec<Observation<'a>>,
    /// Where the piece of each scan ends.
    ends: Vec<u32>,
}

impl<'a> Observations<'a> {
    /// Those that were sent before an instant from which on answers speak of other scans.
    pub(super) fn of(scans: &[&'a ScanHistory<'a>], until: Stamp) -> Observations<'a> {
        // Room is measured before it is filled: a vector that grows needs its memory twice for a moment.
        let mut observations = Vec::with_capacity(scans.iter().map(|scan| scan.polls().len()).sum());
        let mut ends = Vec::with_capacity(scans.len());
        for scan in scans {
            let usual = scan.evidence().filter(|poll| poll.route.is_none() && poll.connection.is_own() && poll.sent < until);
            observations.extend(usual.map(|poll| Observation::of(scan, poll)));
            ends.push(observations.len() as u32);
        }
        Observations { observations, ends }
    }
}

/// One scan as a row of observations, by the time they were sent.
#[derive(Debug)]
pub(super) struct ScanRow<'a> {
    pub(super) scan: &'a ScanHistory<'a>,
    /// At the usual address, on connections of their own.
    pub(super) observations: &'a [Observation<'a>],
    first_seen: CompactOption<f64>,
}

/// All rows of a log.
#[derive(Debug)]
pub(super) struct Dataset<'a> {
    pub(super) journal: &'a Journal,
    pub(super) rows: Vec<ScanRow<'a>>,
}

impl<'a> Dataset<'a> {
    /// The rows of scans whose observations are these.
    pub(super) fn new(journal: &'a Journal, scans: &[&'a ScanHistory<'a>], observations: &'a Observations<'a>) -> Dataset<'a> {
        let mut rows = Vec::with_capacity(scans.len());
        let mut from = 0;
        for (scan, end) in scans.iter().zip(&observations.ends) {
            let observations = &observations.observations[from..*end as usize];
            from = *end as usize;
            let (Some(t0), Some(_)) = (scan.t0(), scan.id()) else { continue };
            if scan.scenario() as usize >= journal.scenarios.len() {
                continue;
            }
            let seen = observations.iter().filter(|observation| observation.seen()).map(|observation| observation.exchange.done).min();
            rows.push(ScanRow { scan, observations, first_seen: seen.map(|done| done.since(t0).as_ms()).into() });
        }
        Dataset { journal, rows }
    }

    /// The scenario of a row: there is one for each.
    pub(super) fn scenario(&self, row: &ScanRow<'_>) -> &'a Scenario {
        &self.journal.scenarios[row.scan.scenario() as usize]
    }

    /// Whether a scan was asked for while no other scan was under way: those of its scenario that came before it had ended, as far as
    /// the service says when a scan ends.
    pub(super) fn was_idle(&self, row: &ScanRow<'_>) -> bool {
        let (true, Some(t0)) = (self.scenario(row).load.model == LoadModel::Closed { in_flight: 1 }, row.scan.t0()) else {
            return false;
        };
        let before = |other: &&ScanRow<'_>| other.scan.scenario() == row.scan.scenario() && other.scan.number() < row.scan.number();
        let ended = |other: &ScanRow<'_>| other.scan.ended().is_some_and(|(ended, _)| ended.done <= t0);
        let tells_ends = self.rows.iter().any(|row| row.scan.ended().is_some());
        !tells_ends || self.rows.iter().filter(before).all(ended)
    }

    /// Whether a scan was asked for together with all others of its scenario.
    pub(super) fn is_of_burst(&self, row: &ScanRow<'_>) -> bool {
        let load = &self.scenario(row).load;
        matches!(load.model, LoadModel::Open { every } if every.0.is_zero()) && load.scans >= 8
    }

    /// Whether scans were polled, but none of them on a connection of its own.
    pub(super) fn only_on_used_connections(&self) -> bool {
        let polled = |row: &ScanRow<'_>| row.scan.evidence().any(|poll| !poll.connection.is_own());
        self.watched().next().is_none() && self.rows.iter().any(polled)
    }

    /// Whether the log was put together from several, whose clocks are not to be compared.
    pub(super) fn is_merged(&self) -> bool {
        matches!(self.journal.run.shard, Some(Share::Merged(_)))
    }

    /// Rows that have observations on connections of their own.
    pub(super) fn watched(&self) -> impl Iterator<Item = &ScanRow<'a>> {
        self.rows.iter().filter(|row| !row.observations.is_empty())
    }

    /// The observations of one arm of a scenario at an age that its plan names.
    pub(super) fn at_offset(&self, scenario: usize, arm: usize, age: Span) -> impl Iterator<Item = &Observation<'a>> {
        self.watched()
            .filter(move |row| row.scan.scenario() as usize == scenario && row.scan.arm() as usize == arm)
            .flat_map(|row| row.observations)
            .filter(move |seen| seen.exchange.purpose == Purpose::Offset && seen.exchange.offset.get() == Some(age.as_nanos()))
    }

    /// The highest age in milliseconds at which a scan was denied that had not been seen yet.
    pub(super) fn denied_until(&self) -> f64 {
        self.watched().flat_map(ScanRow::denied_at_start).map(Observation::age).fold(0.0, f64::max)
    }
}

impl<'a> ScanRow<'a> {
    /// The same with its first observations only.
    pub(super) fn first(&self, observations: usize) -> ScanRow<'a> {
        ScanRow { scan: self.scan, observations: &self.observations[..observations], first_seen: self.first_seen }
    }

    /// The age in milliseconds at which the first of the observations that saw the scan had its answer.
    pub(super) fn first_seen(&self) -> Option<f64> {
        self.first_seen.get()
    }

    /// What the polls at the usual address on the initiator's connection said: seen or not.
    pub(super) fn kept(&self) -> impl Iterator<Item = bool> {
        let kept = |poll: &&Exchange| poll.route.is_none() && poll.connection == Connection::KeepAlive;
        self.scan.evidence().filter(kept).map(|poll| poll.answer == Answer::Visible)
    }

    /// What those polls said that were sent after the scan was known to have been seen, on whichever connection.
    pub(super) fn kept_after_seen(&self) -> impl Iterator<Item = bool> {
        let seen = self.scan.evidence().filter(|poll| poll.answer == Answer::Visible).map(|poll| poll.done).min();
        let kept = move |poll: &&Exchange| {
            poll.route.is_none() && poll.connection == Connection::KeepAlive && seen.is_some_and(|seen| seen < poll.sent)
        };
        self.scan.evidence().filter(kept).map(|poll| poll.answer == Answer::Visible)
    }

    /// What the polls by another route said: seen or not.
    pub(super) fn by_route(&self, route: Route) -> impl Iterator<Item = bool> {
        let by_route = move |poll: &&Exchange| poll.route == Some(route);
        self.scan.evidence().filter(by_route).map(|poll| poll.answer == Answer::Visible)
    }

    /// Whether a poll by another route was answered as visible, and the usual one that came after it was denied.
    pub(super) fn shown_while_denied(&self, route: Route) -> bool {
        let denied = self.observations.iter().filter(|observation| !observation.seen()).map(|observation| observation.exchange.sent).max();
        let shown = |poll: &Exchange| poll.route == Some(route) && poll.answer == Answer::Visible;
        denied.is_some_and(|denied| self.scan.evidence().any(|poll| shown(poll) && poll.done <= denied))
    }

    /// The observations sent after the scan was known to have been seen.
    pub(super) fn after_seen(&self) -> impl Iterator<Item = &Observation<'a>> {
        let seen = self.first_seen().unwrap_or(f64::INFINITY);
        self.observations.iter().filter(move |observation| observation.age() > seen)
    }

    /// The denials before the first sight.
    pub(super) fn denied_at_start(&self) -> impl Iterator<Item = &Observation<'a>> {
        let seen = self.first_seen().unwrap_or(f64::INFINITY);
        self.observations.iter().filter(move |observation| !observation.seen() && observation.age() < seen)
    }

    /// The start window as `(last denial before the first sight, first sight]`.
    pub(super) fn start(&self) -> Option<(f64, f64)> {
        let seen = self.first_seen()?;
        let denied = self.denied_at_start().map(Observation::age).fold(0.0, f64::max);
        Some((denied, seen))
    }
}

/// What was computed in milliseconds, as it is kept in findings.
pub(super) fn ns(ms: f64) -> Nanos {
    Nanos((ms * 1e6).round() as i64)
}

/// The median of some numbers; the lower one of two.
pub(super) fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len().saturating_sub(1) / 2).copied()
}
