//! The evidence, arranged for diagnosis: each scan as a row of looks.

use crate::analysis::scan::ScanHistory;
use crate::model::answer::Answer;
use crate::model::exchange::{Connection, Exchange, Route};
use crate::model::run::Journal;
use crate::model::scenario::{LoadModel, Scenario};
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

/// One scan as a row of looks, by the time they were sent.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) scan: &'a ScanHistory<'a>,
    pub(super) scenario: &'a Scenario,
    /// At the usual address, on connections of their own.
    pub(super) looks: Box<[Look<'a>]>,
    /// The age at which the first of those looks that saw the scan had its answer.
    pub(super) first_seen: Option<f64>,
    /// At the usual address, on the initiator's connection.
    pub(super) kept: Box<[Look<'a>]>,
    /// At the address that was handed out.
    pub(super) handed_out: Box<[Look<'a>]>,
}

/// All rows of a log.
#[derive(Debug)]
pub(super) struct Case<'a> {
    pub(super) journal: &'a Journal,
    pub(super) rows: Vec<Row<'a>>,
}

impl<'a> Case<'a> {
    pub(super) fn new(journal: &'a Journal, scans: &[&'a ScanHistory<'a>]) -> Case<'a> {
        // Filled for each scan and then copied, for no more memory than is needed: there may be a million rows of one look each.
        let (mut looks, mut kept, mut handed_out) = (Vec::new(), Vec::new(), Vec::new());
        let mut rows = Vec::with_capacity(scans.len());
        rows.extend(scans.iter().filter(|scan| scan.id.is_some()).filter_map(|scan| {
            let scenario = journal.scenarios.get(scan.scenario as usize)?;
            for exchange in scan.evidence() {
                let look = Look::of(scan, exchange);
                match (exchange.route, exchange.connection) {
                    (Some(Route::HandedOut), _) => handed_out.push(look),
                    (Some(Route::CacheBusted), _) => {}
                    (None, Connection::KeepAlive) => kept.push(look),
                    (None, _) => looks.push(look),
                }
            }
            let seen = looks.iter().filter(|look| look.seen()).map(|look| look.exchange.done).min();
            let first_seen = seen.map(|done| done.since(scan.t0.unwrap_or(scan.initiate.done)).as_ms());
            let take = |looks: &mut Vec<Look<'a>>| looks.drain(..).collect();
            Some(Row { scan, scenario, looks: take(&mut looks), first_seen, kept: take(&mut kept), handed_out: take(&mut handed_out) })
        }));
        Case { journal, rows }
    }

    /// Rows that have looks on connections of their own.
    pub(super) fn watched(&self) -> impl Iterator<Item = &Row<'a>> {
        self.rows.iter().filter(|row| !row.looks.is_empty())
    }
}

impl<'a> Row<'a> {
    /// The looks sent after the scan was known to have been seen.
    pub(super) fn after_seen(&self) -> impl Iterator<Item = &Look<'a>> {
        let seen = self.first_seen.unwrap_or(f64::INFINITY);
        self.looks.iter().filter(move |look| look.age() > seen)
    }

    /// The denials before the first sight.
    pub(super) fn denied_at_start(&self) -> impl Iterator<Item = &Look<'a>> {
        let seen = self.first_seen.unwrap_or(f64::INFINITY);
        self.looks.iter().filter(move |look| !look.seen() && look.age() < seen)
    }

    /// The start window as `(last denial before the first sight, first sight]`.
    pub(super) fn start(&self) -> Option<(f64, f64)> {
        let seen = self.first_seen?;
        let denied = self.denied_at_start().map(Look::age).fold(0.0, f64::max);
        Some((denied, seen))
    }

    /// Whether the scan was asked for while no other scan of its scenario was under way.
    pub(super) fn is_idle(&self) -> bool {
        self.scenario.load.model == LoadModel::Closed { in_flight: 1 }
    }

    /// Whether the scan was asked for together with all others of its scenario.
    pub(super) fn is_of_burst(&self) -> bool {
        matches!(self.scenario.load.model, LoadModel::Open { every } if every.0.is_zero()) && self.scenario.load.scans >= 8
    }
}

/// The median of some numbers; the lower one of two.
pub(super) fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len().saturating_sub(1) / 2).copied()
}

/// Milliseconds in words.
pub(super) fn ms(value: f64) -> String {
    if value < 10.0 {
        format!("{value:.1} ms")
    } else if value < 10_000.0 {
        format!("{value:.0} ms")
    } else {
        format!("{:.1} s", value / 1e3)
    }
}
