//! Round trips: percentiles counted from the instant a request was sent and from the instant it was planned for.
//!
//! When a stalled answer delays the requests behind it, the first kind of figure forgets the wait (coordinated
//! omission); the second keeps it. Only round trips belong here: a window is censored, and a histogram has no place
//! for an interval.

use hdrhistogram::Histogram;

/// Relative precision of a percentile: three significant digits; values below 2,048 units are exact.
const DIGITS: u8 = 3;

/// One answered request; stamps in whole units of the caller's choice since one common origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoundTrip {
    /// When it should have been sent.
    pub planned: u64,
    /// When it was sent.
    pub sent: u64,
    /// When its answer had been read.
    pub done: u64,
}

/// Percentiles of one kind of latency, by nearest rank, in the units that were recorded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Number of round trips.
    pub count: u64,
    /// Shortest.
    pub min: u64,
    /// Mean.
    pub mean: f64,
    /// Median.
    pub p50: u64,
    /// 90th percentile.
    pub p90: u64,
    /// 95th percentile.
    pub p95: u64,
    /// 99th percentile.
    pub p99: u64,
    /// 99.9th percentile.
    pub p999: u64,
    /// Longest.
    pub max: u64,
}

/// Histograms of many round trips.
#[derive(Debug, Clone, PartialEq)]
pub struct Latency {
    from_sent: Histogram<u64>,
    from_planned: Histogram<u64>,
}

impl Latency {
    /// Without any round trip.
    pub fn new() -> Self {
        Self { from_sent: empty(), from_planned: empty() }
    }

    /// Counts one round trip. A stamp before its predecessor counts as a latency of zero.
    pub fn record(&mut self, trip: RoundTrip) {
        count(&mut self.from_sent, trip.done.saturating_sub(trip.sent));
        count(&mut self.from_planned, trip.done.saturating_sub(trip.planned));
    }

    /// From the sent instant: what the server needed.
    pub fn from_sent(&self) -> &Histogram<u64> {
        &self.from_sent
    }

    /// From the planned instant: what a user on that schedule would have waited.
    pub fn from_planned(&self) -> &Histogram<u64> {
        &self.from_planned
    }
}

impl Default for Latency {
    fn default() -> Self {
        Self::new()
    }
}

impl Extend<RoundTrip> for Latency {
    fn extend<T: IntoIterator<Item = RoundTrip>>(&mut self, trips: T) {
        for trip in trips {
            self.record(trip);
        }
    }
}

/// The percentiles of a histogram; `None` when it is empty.
pub fn summary(histogram: &Histogram<u64>) -> Option<Summary> {
    if histogram.is_empty() {
        return None;
    }
    // a percentile is reported as the largest value of its bucket, which may be larger than anything recorded
    let at = |quantile| histogram.value_at_quantile(quantile).min(histogram.max());
    Some(Summary {
        count: histogram.len(),
        min: histogram.min(),
        mean: histogram.mean(),
        p50: at(0.5),
        p90: at(0.9),
        p95: at(0.95),
        p99: at(0.99),
        p999: at(0.999),
        max: histogram.max(),
    })
}

fn empty() -> Histogram<u64> {
    // refused only for more than five digits
    Histogram::new(DIGITS).expect("three digits are allowed")
}

fn count(histogram: &mut Histogram<u64>, value: u64) {
    // it grows as needed; only a table larger than the address space could not be
    histogram.record(value).expect("a histogram of 64-bit values fits into memory");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_recorded_has_no_percentiles() {
        assert_eq!(summary(Latency::new().from_sent()), None);
    }

    #[test]
    fn a_late_request_counts_its_wait_only_from_the_plan() {
        let mut latency = Latency::new();
        latency.extend([RoundTrip { planned: 10, sent: 110, done: 115 }]);
        assert_eq!(summary(latency.from_sent()).map(|one| one.p50), Some(5));
        assert_eq!(summary(latency.from_planned()).map(|one| one.p50), Some(105));
    }
}
