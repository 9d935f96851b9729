//! How many scans a difference takes to be seen: what a test that found nothing could have missed.
//!
//! Approximations by the normal law, for planning; no verdict rests on them.

use super::rates::normal_tail;

/// The chance that a difference of the stated size is to be found with.
pub const POWER: f64 = 0.95;

/// Scans for each run that tell a rate of `from` from one of `to`, at level `alpha`, with [`POWER`].
pub fn scans_for_rates(from: f64, to: f64, alpha: f64) -> u64 {
    let spread = |p: f64| (p * (1.0 - p)).max(0.0);
    let middle = f64::midpoint(from, to);
    let root = normal_quantile(alpha) * (2.0 * spread(middle)).sqrt() + normal_quantile(1.0 - POWER) * (spread(from) + spread(to)).sqrt();
    whole((root / (to - from)).powi(2))
}

/// Scans for each run that tell means `apart` from each other, of values with standard deviation `sd`; pairs need as many.
pub fn scans_for_means(sd: f64, apart: f64, alpha: f64) -> u64 {
    // a rank test needs a twentieth more than one that knows the law to be normal: Lehmann, Nonparametrics (1975), section 2.4
    let reach = (normal_quantile(alpha) + normal_quantile(1.0 - POWER)) * sd / apart;
    whole(2.0 * reach * reach / (3.0 / std::f64::consts::PI))
}

/// The value that a standard normal variable exceeds with probability `tail`, which is at most one half.
fn normal_quantile(tail: f64) -> f64 {
    let (mut low, mut high) = (0.0, 40.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if normal_tail(middle) > tail { low = middle } else { high = middle }
    }
    low
}

fn whole(scans: f64) -> u64 {
    if scans.is_finite() { scans.ceil().max(1.0) as u64 } else { u64::MAX }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_agree_with_another_calculator() {
        // statsmodels 0.15: NormalIndPower().solve_power (less the rank test's share), samplesize_proportions_2indep_onetail
        assert_eq!(scans_for_means(1.0, 0.5, 0.01), (126.163_530_f64 * std::f64::consts::PI / 3.0).ceil() as u64);
        assert_eq!(scans_for_rates(0.05, 0.07, 0.01), 4_444);
        assert_eq!(scans_for_rates(0.0, 0.02, 0.01), 778);
    }
}
