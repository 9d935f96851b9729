//! How far away an in-process router is: always the same, or erratic, with stalls wherever an exchange can stall.

use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The network, and the prober's own machine, between a request and its reply.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Latency {
    /// One way always takes this long, and nothing stalls.
    Fixed(Duration),
    /// Every way takes its own time, and now and then something stalls.
    Erratic(Erratic),
    /// The same, and slower from exchange to exchange: a machine on which something else sets in.
    Drifting {
        /// At the first exchange.
        from: Erratic,
        /// By which share of that each further exchange is slower.
        growth: f64,
    },
    /// As it was measured elsewhere.
    Measured(Measured),
}

/// Round trips as they were measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// The seed of its draws.
    pub seed: u64,
    /// Round trips on an open connection.
    pub open: Quantiles,
    /// How much longer they take on a new one.
    pub handshake: Quantiles,
}

/// Nine quantiles of a duration, from the shortest to the longest, in microseconds; between them it is spread evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quantiles([u32; 9]);

impl Quantiles {
    /// Those of some durations; of none, no time.
    pub fn of(mut durations: Vec<Duration>) -> Quantiles {
        durations.sort_unstable();
        let Some(last) = durations.len().checked_sub(1) else { return Quantiles([0; 9]) };
        Quantiles(std::array::from_fn(|eighth| u32::try_from(durations[last * eighth / 8].as_micros()).unwrap_or(u32::MAX)))
    }

    /// What is more than these, quantile by quantile.
    #[must_use]
    pub fn less(self, other: Quantiles) -> Quantiles {
        Quantiles(std::array::from_fn(|eighth| self.0[eighth].saturating_sub(other.0[eighth])))
    }

    /// The quantile of a share from 0 to 1.
    fn at(self, share: f64) -> Duration {
        let place = share.clamp(0.0, 1.0) * 8.0;
        let below = (place.floor() as usize).min(7);
        let (from, to) = (f64::from(self.0[below]), f64::from(self.0[below + 1]));
        Duration::from_secs_f64((from + (to - from) * (place - below as f64)) / 1e6)
    }
}

/// Latency as a bad day has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Erratic {
    /// The seed of its draws; the n-th exchange has the same journey in every run.
    pub seed: u64,
    /// Mean of one way, exponentially distributed.
    pub usual: Duration,
    /// The longest stall.
    pub longest_stall: Duration,
    /// Share of exchanges that stall, 0 to 1; where along the way is a matter of chance.
    pub stalled: f64,
}

/// How long each part of one exchange takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Journey {
    /// From the stamp of sending to the moment the request really leaves: a prober that was not scheduled.
    pub(crate) before_sending: Duration,
    /// Opening a connection, where one is opened.
    pub(crate) handshake: Duration,
    /// The request's way.
    pub(crate) there: Duration,
    /// The way of the reply's head.
    pub(crate) back: Duration,
    /// From the reply's head to its last byte read.
    pub(crate) reading: Duration,
}

/// The shortest way: a request that takes no time at all would be at both ends at once.
const SHORTEST: Duration = Duration::from_micros(100);

impl Latency {
    /// The journey of the n-th exchange.
    pub(crate) fn journey(&self, exchange: u64) -> Journey {
        match self {
            Latency::Fixed(way) => {
                Journey { before_sending: Duration::ZERO, handshake: *way * 2, there: *way, back: *way, reading: Duration::ZERO }
            }
            Latency::Erratic(erratic) => erratic.journey(exchange),
            Latency::Drifting { from, growth } => {
                Erratic { usual: from.usual.mul_f64(1.0 + growth * exchange as f64), ..*from }.journey(exchange)
            }
            Latency::Measured(measured) => measured.journey(exchange),
        }
    }
}

impl Measured {
    fn journey(&self, exchange: u64) -> Journey {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(exchange);
        let way = self.open.at(random.random()) / 2;
        let handshake = self.handshake.at(random.random());
        Journey { before_sending: Duration::ZERO, handshake, there: way.max(SHORTEST), back: way, reading: Duration::ZERO }
    }
}

impl Erratic {
    fn journey(&self, exchange: u64) -> Journey {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(exchange);
        // 1 − u lies in (0, 1], so its logarithm is finite.
        let mut way = || SHORTEST + self.usual.mul_f64(-(1.0 - random.random::<f64>()).ln());
        let mut journey = Journey { before_sending: Duration::ZERO, handshake: way() + way(), there: way(), back: way(), reading: way() };
        if random.random::<f64>() < self.stalled {
            let stall = self.longest_stall.mul_f64(random.random());
            let part = match random.random_range(0..4u8) {
                0 => &mut journey.before_sending,
                1 => &mut journey.there,
                2 => &mut journey.back,
                _ => &mut journey.reading,
            };
            *part += stall;
        }
        journey
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_erratic_journey_is_the_same_in_every_run_and_another_for_every_exchange() {
        let erratic = Erratic { seed: 7, usual: Duration::from_millis(5), longest_stall: Duration::from_secs(2), stalled: 0.5 };
        let first: Vec<Journey> = (0..50).map(|n| Latency::Erratic(erratic).journey(n)).collect();
        let again: Vec<Journey> = (0..50).map(|n| Latency::Erratic(erratic).journey(n)).collect();
        assert_eq!(first, again);
        assert!(first.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn stalls_fall_on_every_part_of_the_way() {
        let erratic = Erratic { seed: 7, usual: Duration::from_millis(1), longest_stall: Duration::from_secs(60), stalled: 1.0 };
        let stalled = |part: fn(&Journey) -> Duration| (0..200).any(|n| part(&erratic.journey(n)) > Duration::from_secs(1));
        assert!(stalled(|journey| journey.before_sending), "before sending");
        assert!(stalled(|journey| journey.there), "between sending and arrival");
        assert!(stalled(|journey| journey.back), "before the answer's head");
        assert!(stalled(|journey| journey.reading), "before the answer was read");
    }
}
