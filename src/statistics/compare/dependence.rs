//! How many consecutive scans say no more than one.

/// Fewer values than this do not show how they depend on each other.
const FEWEST: usize = 8;

/// A first autocorrelation of less than so many standard errors is chance.
const NOTICEABLE: f64 = 1.3;

/// Of so many units of dependent values at least one has to be able to speak: with fewer, a single phase that lasts as long as a tenth of
/// the run decides, and how long phases last cannot be estimated from so few of them.
pub const FEWEST_UNITS: usize = 8;

/// A unit is so many times as long as values that keep their state by chance depend on each other. Units of that length alone would
/// still depend on their neighbours: sums over them vary by half of what they should.
const APART: f64 = 2.0;

/// So many consecutive values of a series are to be counted as one; 1 where nothing speaks against independence, and all of them where
/// they depend on each other for so long that fewer than [`FEWEST_UNITS`] would be left.
///
/// How long they depend is the factor by which autocorrelation inflates the variance of a mean, 1 + 2 Σ ρ, summed over the initial
/// positive lags, or twice what it would be for values that keep their state by chance, (1 + ρ) / (1 - ρ), whichever is larger: in a
/// series of only a few phases the sum falls short. There ρ is corrected for the mean that was estimated from the same series, and
/// raised by half its standard error.
/// Sources: Geyer, Statistical Science 7 (1992), section 3.3; Kendall, Biometrika 41 (1954).
pub fn together(series: &[f64]) -> usize {
    let n = series.len();
    if n < FEWEST {
        return 1;
    }
    let mean = series.iter().sum::<f64>() / n as f64;
    let around: Vec<f64> = series.iter().map(|value| value - mean).collect();
    let variance: f64 = around.iter().map(|value| value * value).sum();
    if variance <= f64::EPSILON * mean * mean * n as f64 {
        return 1;
    }
    let correlation = |lag: usize| around.iter().zip(&around[lag..]).map(|(a, b)| a * b).sum::<f64>() / variance;
    let first = correlation(1);
    if first < NOTICEABLE / (n as f64).sqrt() {
        return 1;
    }
    let positive: f64 = (1..n / 2).map(correlation).take_while(|rho| *rho > 0.0).sum();
    let corrected = first + (1.0 + 3.0 * first) / n as f64;
    let raised = corrected + 0.5 * ((1.0 - corrected.min(1.0).powi(2)) / n as f64).sqrt();
    let kept = if raised < 1.0 { (1.0 + raised) / (1.0 - raised) } else { n as f64 };
    let unit = (1.0 + 2.0 * positive).max(APART * kept).ceil() as usize;
    if n / unit < FEWEST_UNITS { n } else { unit }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;

    fn noise(n: usize, seed: u64) -> Vec<f64> {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        (0..n).map(|_| f64::from(chance.next_u32()) / f64::from(u32::MAX)).collect()
    }

    #[test]
    fn independent_values_mostly_count_each() {
        let alone = (0..200).filter(|seed| together(&noise(50, *seed)) == 1).count();
        assert!(alone > 160, "{alone} of 200");
    }

    #[test]
    fn a_slope_or_a_step_leaves_but_a_few() {
        let slope: Vec<f64> = noise(50, 1).iter().enumerate().map(|(k, noise)| k as f64 * 0.1 + noise).collect();
        let step: Vec<f64> = (0..50).map(|k| f64::from(u8::from(k < 30))).collect();
        for series in [slope, step] {
            assert!(50 / together(&series) <= 5, "{}", together(&series));
        }
    }

    #[test]
    fn phases_as_long_as_the_series_leave_one_unit() {
        let phases = |length: usize| -> Vec<f64> { (0..100).map(|k| f64::from(u8::from(k / length % 2 == 1))).collect() };
        for length in [15, 30, 50, 80] {
            assert_eq!(together(&phases(length)), 100, "phases of {length}");
        }
    }

    #[test]
    fn values_that_never_differ_say_nothing_of_dependence() {
        assert_eq!(together(&[0.3; 40]), 1);
        assert_eq!(together(&[]), 1);
    }
}
