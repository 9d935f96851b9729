//! Round trips by kind of exchange: from the actual sending, and from the planned one (coordinated omission).

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use crate::model::exchange::{Connection, Exchange, Kind};
use crate::statistics::band::quantile_needs;
use crate::statistics::latency::{Latency, RoundTrip, summary};

/// The round trips of one kind of exchange on one kind of connection. Windows never come in here: they are censored.
#[derive(Debug, Clone, PartialEq)]
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

/// Percentiles of round trips, by nearest rank, in milliseconds, to three significant digits at least.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
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
    /// By nearest rank, from all values in ns.
    fn sorted(mut nanos: Vec<u64>) -> Percentiles {
        nanos.sort_unstable();
        let at = |q: f64| {
            let rank = (q * nanos.len() as f64).ceil() as usize;
            nanos.get(rank.saturating_sub(1)).map_or(0.0, |nanos| *nanos as f64 / 1e6)
        };
        Percentiles {
            count: nanos.len() as u64,
            p50_ms: at(0.5),
            p90_ms: at(0.9),
            p95_ms: at(0.95),
            p99_ms: at(0.99),
            p999_ms: at(0.999),
            max_ms: at(1.0),
        }
    }

    /// From a histogram of values in ns.
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

    /// One of the percentiles that are kept, if there are as many round trips as it needs ([`quantile_needs`]). What states a
    /// percentile asks here, so that no format states one that another withholds.
    pub fn quantile_ms(&self, quantile: f64) -> Option<f64> {
        let kept = [(0.5, self.p50_ms), (0.9, self.p90_ms), (0.95, self.p95_ms), (0.99, self.p99_ms), (0.999, self.p999_ms)];
        let (q, ms) = kept.into_iter().find(|(kept, _)| (kept - quantile).abs() < 1e-9)?;
        (self.count >= quantile_needs(q)).then_some(ms)
    }
}

/// Up to so many round trips are sorted; more are counted in histograms, whose fixed size then costs less than it saves.
const FEW: usize = 4096;

/// Summarises round trips by kind and connection. Exchanges without a complete reply have no round trip.
pub fn round_trips<'a>(exchanges: impl Iterator<Item = &'a Exchange>) -> Vec<RoundTrips> {
    let mut groups: BTreeMap<(Kind, Connection), Trips> = BTreeMap::new();
    for exchange in exchanges.filter(|exchange| exchange.was_answered()) {
        let trip = RoundTrip { planned: exchange.planned.min(exchange.sent).0, sent: exchange.sent.0, done: exchange.done.0 };
        groups.entry((exchange.kind, exchange.connection)).or_insert(Trips::Few(Vec::new())).push(trip);
    }
    groups
        .into_iter()
        .map(|((kind, connection), trips)| {
            let (from_sent, from_planned) = match trips {
                Trips::Few(trips) => {
                    let since = |origin: fn(&RoundTrip) -> u64| {
                        Percentiles::sorted(trips.iter().map(|trip| trip.done.saturating_sub(origin(trip))).collect())
                    };
                    (since(|trip| trip.sent), since(|trip| trip.planned))
                }
                Trips::Many(latency) => (Percentiles::of(latency.from_sent()), Percentiles::of(latency.from_planned())),
            };
            RoundTrips { kind, connection, from_sent, from_planned }
        })
        .collect()
}

/// The round trips of one group: one by one as long as they are few.
enum Trips {
    Few(Vec<RoundTrip>),
    Many(Box<Latency>),
}

impl Trips {
    fn push(&mut self, trip: RoundTrip) {
        match self {
            Trips::Few(trips) if trips.len() < FEW => trips.push(trip),
            Trips::Few(trips) => {
                let mut latency = Box::<Latency>::default();
                latency.extend(trips.drain(..).chain([trip]));
                *self = Trips::Many(latency);
            }
            Trips::Many(latency) => latency.record(trip),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorting_and_counting_agree_to_three_digits() {
        let nanos: Vec<u64> = (1..=3000u64).map(|n| n * n * 37 % 9_000_017 + 50_000).collect();
        let mut latency = Latency::new();
        latency.extend(nanos.iter().map(|done| RoundTrip { planned: 0, sent: 0, done: *done }));
        let (counted, sorted) = (Percentiles::of(latency.from_sent()), Percentiles::sorted(nanos));
        let pairs = |percentiles: Percentiles| {
            [percentiles.p50_ms, percentiles.p90_ms, percentiles.p95_ms, percentiles.p99_ms, percentiles.p999_ms, percentiles.max_ms]
        };
        for (counted, sorted) in pairs(counted).into_iter().zip(pairs(sorted)) {
            assert!((counted - sorted).abs() <= sorted * 2e-3, "{counted} and {sorted}");
        }
    }
}
