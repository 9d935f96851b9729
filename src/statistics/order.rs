//! Quantiles of values that are known exactly (round trips): two order statistics with the exact probability that the
//! quantile lies between them, whatever the law.
//!
//! A censored window is not such a value; its quantiles come from [`super::band`].

use super::band::{Sides, quantile_rank};
use super::binomial;

/// Ranks, counted from 1, of the two sorted values that enclose a quantile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QuantileRanks {
    /// Rank of the lower end; `None` when the sample is too small to have one.
    pub lower: Option<u64>,
    /// Rank of the upper end; `None` when the sample is too small to have one.
    pub upper: Option<u64>,
    /// Exact probability that a continuous law's quantile lies between them.
    pub coverage: f64,
}

/// The closest ranks of `n` values such that each end misses the `p`-quantile with at most half of `1 - confidence`.
///
/// Source: David & Nagaraja, *Order Statistics* (3rd ed.), section 7.1.
pub fn quantile_ranks(n: u64, p: f64, confidence: f64) -> QuantileRanks {
    assert!(p > 0.0 && p < 1.0, "a quantile strictly between 0 and 1, not {p}");
    let each = Sides::Two.each(confidence);
    let upper = quantile_rank(n, p, each);
    // the k-th largest bounds the quantile from below as the k-th smallest of the mirrored values does from above
    let lower = quantile_rank(n, 1.0 - p, each).map(|rank| n + 1 - rank);
    // the quantile lies between them when at least `lower` and fewer than `upper` values are below it
    let too_low = lower.map_or(0.0, |rank| binomial::cdf(rank - 1, n, p));
    let too_high = upper.map_or(0.0, |rank| binomial::survival(rank, n, p));
    QuantileRanks { lower, upper, coverage: 1.0 - too_low - too_high }
}

/// The interval for a quantile of sorted values; an end is `None` when the sample is too small to have one.
pub fn quantile_interval(sorted: &[f64], p: f64, confidence: f64) -> (Option<f64>, Option<f64>) {
    let ranks = quantile_ranks(sorted.len() as u64, p, confidence);
    let value = |rank: u64| sorted[rank as usize - 1];
    (ranks.lower.map(value), ranks.upper.map(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_sample_has_an_open_end() {
        let values: Vec<f64> = (1..=20).map(f64::from).collect();
        assert_eq!(quantile_interval(&values, 0.5, 0.95), (Some(6.0), Some(15.0)));
        assert_eq!(quantile_interval(&values, 0.99, 0.95).1, None);
        assert_eq!(quantile_ranks(0, 0.5, 0.95).coverage.to_bits(), 1.0_f64.to_bits());
    }
}
