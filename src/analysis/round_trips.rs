//! Round trips by kind of exchange: from the actual sending, and from the planned one (coordinated omission).

use serde::{Deserialize, Serialize};

use crate::analysis::latency::{Latency, summarise};
use crate::model::exchange::{Connection, Exchange, Kind};

/// The round trips of one kind of exchange on one kind of connection. Windows never come in here: they are censored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoundTrips {
    /// Which exchanges.
    pub kind: Kind,
    /// How they travelled.
    pub connection: Connection,
    /// From the instant they were sent.
    pub from_sent: Latency,
    /// From the instant they should have been sent.
    pub from_planned: Latency,
}

/// Summarises round trips by kind and connection. Exchanges without a complete reply have no round trip.
pub fn round_trips(exchanges: &[&Exchange]) -> Vec<RoundTrips> {
    let mut groups: std::collections::BTreeMap<(Kind, Connection), (Vec<u64>, Vec<u64>)> = std::collections::BTreeMap::new();
    for exchange in exchanges.iter().filter(|exchange| exchange.was_answered()) {
        let (sent, planned) = groups.entry((exchange.kind, exchange.connection)).or_default();
        sent.push(exchange.round_trip().as_nanos() as u64);
        planned.push(exchange.done.elapsed_from(exchange.planned.min(exchange.sent)).as_nanos() as u64);
    }
    groups
        .into_iter()
        .map(|((kind, connection), (sent, planned))| RoundTrips { kind, connection, from_sent: summarise(&sent), from_planned: summarise(&planned) })
        .collect()
}
