//! The evidence, arranged for diagnosis: each scan as a row of looks.

use crate::analysis::scan::ScanHistory;
use crate::model::answer::Answer;
use crate::model::compact::CompactOption;
use crate::model::exchange::{Connection, Exchange, Route};
use crate::model::run::Journal;
use crate::model::scenario::{LoadModel, Scenario};
use crate::model::shard::Share;
use crate::model::time::Nanos;

/// One status answer that says seen or not seen. Two words: there may be millions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look<'a> {
    /// Twice the age in nanoseconds, and one more where the scan was seen.
    told: i64,
    pub(super) exchange: &'a Exchange,
}

impl<'a> Look<'a> {
    fn of(scan: &ScanHistory<'_>, exchange: &'a Exchange) -> Look<'a> {
        // No age reaches half of what fits.
        Look { told: (scan.age(exchange).0 << 1) | i64::from(exchange.answer == Answer::Visible), exchange }
    }

    /// The age in milliseconds at which it was sent.
    pub(super) fn age(&self) -> f64 {
        Nanos(self.told >> 1).as_ms()
    }

    pub(super) fn seen(&self) -> bool {
        self.told & 1 == 1
    }
}

/// The looks at the usual address on connections of their own, scan after scan.
///
/// One row for all, of which each scan has a piece: there may be a million scans of one look each.
#[derive(Debug)]
pub(super) struct Looks<'a> {
    looks: Vec<Look<'a>>,
    /// Where the piece of each scan ends.
    ends: Vec<u32>,
}

impl<'a> Looks<'a> {
    pub(super) fn of(scans: &[&'a ScanHistory<'a>]) -> Looks<'a> {
        // Room is measured before it is filled: a vector that grows needs its memory twice for a moment.
        let mut looks = Vec::with_capacity(scans.iter().map(|scan| scan.polls().len()).sum());
        let mut ends = Vec::with_capacity(scans.len());
        for scan in scans {
            let usual = scan.evidence().filter(|poll| poll.route.is_none() && poll.connection.is_own());
            looks.extend(usual.map(|poll| Look::of(scan, poll)));
            ends.push(looks.len() as u32);
        }
        Looks { looks, ends }
    }
}

/// One scan as a row of looks, by the time they were sent.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) scan: &'a ScanHistory<'a>,
    /// At the usual address, on connections of their own.
    pub(super) looks: &'a [Look<'a>],
    first_seen: CompactOption<f64>,
}

/// All rows of a log.
#[derive(Debug)]
pub(super) struct Case<'a> {
    pub(super) journal: &'a Journal,
    pub(super) rows: Vec<Row<'a>>,
}

impl<'a> Case<'a> {
    /// The rows of scans whose looks are these.
    pub(super) fn new(journal: &'a Journal, scans: &[&'a ScanHistory<'a>], looks: &'a Looks<'a>) -> Case<'a> {
        let mut rows = Vec::with_capacity(scans.len());
        let mut from = 0;
        for (scan, end) in scans.iter().zip(&looks.ends) {
            let looks = &looks.looks[from..*end as usize];
            from = *end as usize;
            let (Some(t0), Some(_)) = (scan.t0(), scan.id()) else { continue };
            if scan.scenario() as usize >= journal.scenarios.len() {
                continue;
            }
            let seen = looks.iter().filter(|look| look.seen()).map(|look| look.exchange.done).min();
            rows.push(Row { scan, looks, first_seen: seen.map(|done| done.since(t0).as_ms()).into() });
        }
        Case { journal, rows }
    }

    /// The scenario of a row: there is one for each.
    pub(super) fn scenario(&self, row: &Row<'_>) -> &'a Scenario {
        &self.journal.scenarios[row.scan.scenario() as usize]
    }

    /// Whether a scan was asked for while no other scan of its scenario was under way.
    pub(super) fn was_idle(&self, row: &Row<'_>) -> bool {
        self.scenario(row).load.model == LoadModel::Closed { in_flight: 1 }
    }

    /// Whether a scan was asked for together with all others of its scenario.
    pub(super) fn is_of_burst(&self, row: &Row<'_>) -> bool {
        let load = &self.scenario(row).load;
        matches!(load.model, LoadModel::Open { every } if every.0.is_zero()) && load.scans >= 8
    }

    /// Whether scans were polled, but none of them on a connection of its own.
    pub(super) fn only_on_used_connections(&self) -> bool {
        let polled = |row: &Row<'_>| row.scan.evidence().any(|poll| !poll.connection.is_own());
        self.watched().next().is_none() && self.rows.iter().any(polled)
    }

    /// Whether the log was put together from several, whose clocks are not to be compared.
    pub(super) fn is_merged(&self) -> bool {
        matches!(self.journal.run.shard, Some(Share::Merged(_)))
    }

    /// Rows that have looks on connections of their own.
    pub(super) fn watched(&self) -> impl Iterator<Item = &Row<'a>> {
        self.rows.iter().filter(|row| !row.looks.is_empty())
    }
}

impl<'a> Row<'a> {
    /// The age in milliseconds at which the first of the looks that saw the scan had its answer.
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

    /// The looks sent after the scan was known to have been seen.
    pub(super) fn after_seen(&self) -> impl Iterator<Item = &Look<'a>> {
        let seen = self.first_seen().unwrap_or(f64::INFINITY);
        self.looks.iter().filter(move |look| look.age() > seen)
    }

    /// The denials before the first sight.
    pub(super) fn denied_at_start(&self) -> impl Iterator<Item = &Look<'a>> {
        let seen = self.first_seen().unwrap_or(f64::INFINITY);
        self.looks.iter().filter(move |look| !look.seen() && look.age() < seen)
    }

    /// The start window as `(last denial before the first sight, first sight]`.
    pub(super) fn start(&self) -> Option<(f64, f64)> {
        let seen = self.first_seen()?;
        let denied = self.denied_at_start().map(Look::age).fold(0.0, f64::max);
        Some((denied, seen))
    }
}

/// The median of some numbers; the lower one of two.
pub(super) fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len().saturating_sub(1) / 2).copied()
}
