//! Round trips by kind of exchange: from the actual sending, and from the planned one (coordinated omission).

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::analysis::latency::{Latency, RoundTrip, summary};
use crate::model::exchange::{Connection, Exchange, Kind};

/// The round trips of one kind of exchange on one kind of connection. Windows never come in here: they are censored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoundTrips {
    /// Which exchanges.
    pub kind: Kind,
    /// How they travelled.
    pub connection: Connection,
    /// From the instant they were sent.
    pub from_sent: Percentiles,
    /// From the instant they should have been sent.
    pub from_planned: Percentiles,
}

/// Percentiles of round trips, by nearest rank to three significant digits, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Percentiles {
    /// How many round trips.
    pub count: u64,
    /// Median.
    pub p50_ms: f64,
    /// 90th percentile.
    pub p90_ms: f64,
    /// 95th percentile.
    pub p95_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
    /// 99.9th percentile.
    pub p999_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

impl Percentiles {
    fn of(histogram: &Histogram<u64>) -> Percentiles {
        let Some(told) = summary(histogram) else { return Percentiles::default() };
        let ms = |nanos: u64| nanos as f64 / 1e6;
        Percentiles {
            count: told.count,
            p50_ms: ms(told.p50),
            p90_ms: ms(told.p90),
            p95_ms: ms(told.p95),
            p99_ms: ms(told.p99),
            p999_ms: ms(told.p999),
            max_ms: ms(told.max),
        }
    }

    /// One of the percentiles that are kept, if there are enough round trips for it to be more than the longest one's name.
    pub fn quantile_ms(&self, quantile: f64) -> Option<f64> {
        let kept = [(0.5, self.p50_ms), (0.9, self.p90_ms), (0.95, self.p95_ms), (0.99, self.p99_ms), (0.999, self.p999_ms)];
        let (q, ms) = kept.into_iter().find(|(kept, _)| (kept - quantile).abs() < 1e-9)?;
        (self.count as f64 * (1.0 - q) >= 1.0 - 1e-9).then_some(ms)
    }
}

/// Summarises round trips by kind and connection. Exchanges without a complete reply have no round trip.
pub fn round_trips(exchanges: &[&Exchange]) -> Vec<RoundTrips> {
    let mut groups: BTreeMap<(Kind, Connection), Latency> = BTreeMap::new();
    for exchange in exchanges.iter().filter(|exchange| exchange.was_answered()) {
        let trip = RoundTrip { planned: exchange.planned.min(exchange.sent).0, sent: exchange.sent.0, done: exchange.done.0 };
        groups.entry((exchange.kind, exchange.connection)).or_default().record(trip);
    }
    groups
        .into_iter()
        .map(|((kind, connection), latency)| RoundTrips {
            kind,
            connection,
            from_sent: Percentiles::of(latency.from_sent()),
            from_planned: Percentiles::of(latency.from_planned()),
        })
        .collect()
}
