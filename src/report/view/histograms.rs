//! Round trips counted whole, for whoever wants another percentile than those that are told.

use std::collections::BTreeMap;

use crate::model::exchange::{Connection, Kind};
use crate::model::run::Journal;
use crate::statistics::latency::{Latency, RoundTrip};

/// All round trips of one kind of exchange on one kind of connection, in nanoseconds. Windows never come in here: they are
/// censored.
#[derive(Debug, Clone, PartialEq)]
pub struct Histograms {
    /// Which exchanges.
    pub kind: Kind,
    /// How they travelled.
    pub connection: Connection,
    /// From the sent and from the planned instant.
    pub latency: Latency,
}

/// Counts the answered exchanges of a log by kind and connection.
pub(super) fn histograms(journal: &Journal) -> Vec<Histograms> {
    let mut groups: BTreeMap<(Kind, Connection), Latency> = BTreeMap::new();
    for exchange in journal.exchanges.iter().filter(|exchange| exchange.was_answered()) {
        let trip = RoundTrip { planned: exchange.planned.min(exchange.sent).0, sent: exchange.sent.0, done: exchange.done.0 };
        groups.entry((exchange.kind, exchange.connection)).or_default().record(trip);
    }
    groups.into_iter().map(|((kind, connection), latency)| Histograms { kind, connection, latency }).collect()
}
