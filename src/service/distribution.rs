//! Laws of duration: how long something takes, as a distribution.

use std::time::Duration;

use rand::RngExt as _;

use super::chance::RandomStream;
use super::duration;

/// A distribution over durations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Distribution {
    /// Always the same.
    Fixed(Duration),
    /// Evenly between two ends.
    Uniform(Duration, Duration),
    /// Exponential with this mean.
    Exponential(Duration),
    /// Log-normal with this median and the standard deviation of the logarithm.
    LogNormal(Duration, f64),
}

impl Distribution {
    /// No time at all.
    pub const ZERO: Distribution = Distribution::Fixed(Duration::ZERO);

    /// Always `millis` milliseconds.
    pub const fn fixed(millis: u64) -> Distribution {
        Distribution::Fixed(Duration::from_millis(millis))
    }

    /// Evenly between `from` and `to` milliseconds.
    pub const fn uniform(from: u64, to: u64) -> Distribution {
        Distribution::Uniform(Duration::from_millis(from), Duration::from_millis(to))
    }

    /// Whether nothing ever takes time under this law.
    pub fn is_zero(&self) -> bool {
        *self == Distribution::ZERO
    }

    /// Draws one duration.
    pub(crate) fn draw(&self, dice: &mut RandomStream) -> Duration {
        match *self {
            Distribution::Fixed(duration) => duration,
            Distribution::Uniform(from, to) => from + to.saturating_sub(from).mul_f64(dice.random::<f64>()),
            // 1 − u lies in (0, 1], so its logarithm is finite.
            Distribution::Exponential(mean) => mean.mul_f64(-(1.0 - dice.random::<f64>()).ln()),
            Distribution::LogNormal(median, sigma) => {
                // Box and Muller (1958), one of the two normals.
                let radius = (-2.0 * (1.0 - dice.random::<f64>()).ln()).sqrt();
                let normal = radius * (std::f64::consts::TAU * dice.random::<f64>()).cos();
                // A year caps what a careless sigma could otherwise overflow.
                let seconds = median.as_secs_f64() * (sigma * normal).exp();
                Duration::from_secs_f64(seconds.min(31_536_000.0))
            }
        }
    }

    /// Reads `2s`, `uniform(1.9s,2.1s)`, `exp(50ms)`, `lognormal(300ms,0.8)`.
    pub(crate) fn parse(text: &str) -> Option<Distribution> {
        let Some((name, rest)) = text.split_once('(') else {
            return duration::parse(text).map(Distribution::Fixed);
        };
        let inner = rest.strip_suffix(')')?;
        let mut parts = inner.split(',').map(str::trim);
        let first = duration::parse(parts.next()?)?;
        let second = parts.next();
        if parts.next().is_some() {
            return None;
        }
        match (name.trim(), second) {
            ("uniform", Some(to)) => duration::parse(to).filter(|to| *to >= first).map(|to| Distribution::Uniform(first, to)),
            ("exp", None) => Some(Distribution::Exponential(first)),
            ("lognormal", Some(sigma)) => {
                sigma.parse().ok().filter(|sigma| (0.0..=10.0).contains(sigma)).map(|sigma| Distribution::LogNormal(first, sigma))
            }
            _ => None,
        }
    }

    /// Writes the law so that [`Distribution::parse`] reads it back.
    pub(crate) fn show(&self) -> String {
        let d = duration::show;
        match *self {
            Distribution::Fixed(duration) => d(duration),
            Distribution::Uniform(from, to) => format!("uniform({},{})", d(from), d(to)),
            Distribution::Exponential(mean) => format!("exp({})", d(mean)),
            Distribution::LogNormal(median, sigma) => format!("lognormal({},{sigma})", d(median)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::chance::{Chance, Purpose};
    use super::*;

    #[test]
    fn laws_are_read_and_shown_alike() {
        for text in ["2s", "0", "uniform(1s900ms,2s100ms)", "exp(50ms)", "lognormal(300ms,0.8)"] {
            assert_eq!(Distribution::parse(text).map(|law| law.show()).as_deref(), Some(text));
        }
    }

    #[test]
    fn impossible_laws_are_refused() {
        for text in ["uniform(2s,1s)", "uniform(1s)", "exp(1s,2)", "gauss(1s)", "lognormal(1s,-1)", "exp(1s", "uniform(1s,2s,3s)"] {
            assert_eq!(Distribution::parse(text), None, "{text}");
        }
    }

    #[test]
    fn draws_have_the_stated_middle() {
        let chance = Chance::new(Some(7));
        let mut dice = chance.dice(Purpose::Scan, 1);
        // Medians: uniform 2 s, exponential 50 ms · ln 2, log-normal 300 ms.
        for (law, median) in [("uniform(1s,3s)", 2.0), ("exp(50ms)", 0.034_657), ("lognormal(300ms,0.8)", 0.3)] {
            let law = Distribution::parse(law).expect("a law of the table");
            let below = (0..20_000).filter(|_| law.draw(&mut dice).as_secs_f64() < median).count();
            // Five standard errors of a fair coin over 20,000 throws.
            assert!(below.abs_diff(10_000) < 354, "{law:?}: {below} of 20000 below the median");
        }
    }
}
