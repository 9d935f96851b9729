//! How many consecutive scans say no more than one.

/// Fewer values than this do not show how they depend on each other.
const FEWEST: usize = 8;

/// A first autocorrelation of less than so many standard errors is chance.
const NOTICEABLE: f64 = 1.3;

/// So many consecutive values of a series carry as much as one independent value; 1 where nothing speaks against independence.
///
/// It is the factor by which autocorrelation inflates the variance of a mean, 1 + 2 Σ ρ, summed over the initial positive lags.
/// Source: Geyer, Statistical Science 7 (1992), section 3.3.
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
    if correlation(1) < NOTICEABLE / (n as f64).sqrt() {
        return 1;
    }
    let positive: f64 = (1..n / 2).map(correlation).take_while(|rho| *rho > 0.0).sum();
    ((1.0 + 2.0 * positive).ceil() as usize).min(n)
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
    fn values_that_never_differ_say_nothing_of_dependence() {
        assert_eq!(together(&[0.3; 40]), 1);
        assert_eq!(together(&[]), 1);
    }
}
