//! Exact statements about a share of successes: binomial probabilities, Clopper–Pearson limits, and what "0 of n" means.
//!
//! Confidence is a number strictly between 0 and 1 (0.95 for 95 %). Functions that take a count of successes `x` and a
//! number of trials `n` expect `x <= n` and `n > 0`; a caller that breaks this has a bug, and they panic.

use std::f64::consts::TAU;

/// An interval for a probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Smallest probability that the data do not contradict.
    pub lower: f64,
    /// Largest probability that the data do not contradict.
    pub upper: f64,
}

/// Two-sided Clopper–Pearson limits: each side errs with at most half of `1 - confidence`.
///
/// Source: Clopper & Pearson, Biometrika 26 (1934), 404–413.
pub fn clopper_pearson(x: u64, n: u64, confidence: f64) -> Limits {
    let one_sided = f64::midpoint(1.0, confidence);
    Limits { lower: lower_limit(x, n, one_sided), upper: upper_limit(x, n, one_sided) }
}

/// One-sided lower limit: the share at which `x` or more successes in `n` have probability `1 - confidence`.
pub fn lower_limit(x: u64, n: u64, confidence: f64) -> f64 {
    check(x, n, confidence);
    let tail = 1.0 - confidence;
    if x == 0 {
        0.0
    } else if x == n {
        (tail.ln() / n as f64).exp()
    } else {
        solve(n, Side::AtLeast(x), tail)
    }
}

/// One-sided upper limit: the share at which `x` or fewer successes in `n` have probability `1 - confidence`.
pub fn upper_limit(x: u64, n: u64, confidence: f64) -> f64 {
    check(x, n, confidence);
    if x == n {
        1.0
    } else if x == 0 {
        zero_failure_bound(n, confidence)
    } else {
        solve(n, Side::AtMost(x), 1.0 - confidence)
    }
}

/// The largest rate that `n` trials without a single event leave open: `1 - (1 - confidence)^(1/n)`.
///
/// It also holds at any early stop under "fail at the first event", because stopping only ever shrinks the all-zero event.
pub fn zero_failure_bound(n: u64, confidence: f64) -> f64 {
    check(0, n, confidence);
    -((1.0 - confidence).ln() / n as f64).exp_m1()
}

/// How many trials without an event are needed before the rate is known to be at most `rate`.
pub fn n_for_zero_failures(rate: f64, confidence: f64) -> u64 {
    assert!(rate > 0.0 && rate < 1.0, "a rate strictly between 0 and 1, not {rate}");
    smallest_power_below((-rate).ln_1p(), 1.0 - confidence)
}

/// The smallest whole `n >= 1` with `exp(n * log_base) <= tail`, steady where the quotient is a whole number.
pub(crate) fn smallest_power_below(log_base: f64, tail: f64) -> u64 {
    assert!(tail > 0.0 && tail < 1.0, "a confidence strictly between 0 and 1");
    let exact = tail.ln() / log_base;
    // 0.5^n <= 0.25 must give 2 also when the quotient of logarithms comes out as 2.0000000000000004
    (exact - 1e-9 * exact.max(1.0)).ceil().max(1.0) as u64
}

/// Probability of exactly `x` successes in `n` trials.
///
/// Loader's saddle-point form ("Fast and accurate computation of binomial probabilities", 2000): relative error near
/// 1e-15 up to n = 10^6 and beyond, where a difference of log-gammas would lose six digits.
pub fn pmf(x: u64, n: u64, p: f64) -> f64 {
    if x > n {
        return 0.0;
    }
    let (count, rest, total, q) = (x as f64, (n - x) as f64, n as f64, 1.0 - p);
    if p <= 0.0 {
        return if x == 0 { 1.0 } else { 0.0 };
    }
    if q <= 0.0 {
        return if x == n { 1.0 } else { 0.0 };
    }
    if x == 0 {
        return (total * (-p).ln_1p()).exp();
    }
    if x == n {
        return (total * p.ln()).exp();
    }
    let log = stirling_error(n) - stirling_error(x) - stirling_error(n - x) - deviance(count, total * p) - deviance(rest, total * q);
    log.exp() * (total / (TAU * count * rest)).sqrt()
}

/// Probability of at most `x` successes in `n` trials.
pub fn cdf(x: u64, n: u64, p: f64) -> f64 {
    if x >= n {
        return 1.0;
    }
    if (x as f64) < n as f64 * p { lower_tail(x, n, p) } else { 1.0 - upper_tail(x + 1, n, p) }
}

/// Probability of at least `x` successes in `n` trials.
pub fn survival(x: u64, n: u64, p: f64) -> f64 {
    if x == 0 {
        return 1.0;
    }
    if x > n {
        return 0.0;
    }
    if x as f64 > n as f64 * p { upper_tail(x, n, p) } else { 1.0 - lower_tail(x - 1, n, p) }
}

/// Which tail event a limit is the root of.
#[derive(Clone, Copy)]
enum Side {
    AtLeast(u64),
    AtMost(u64),
}

fn check(x: u64, n: u64, confidence: f64) {
    assert!(n > 0 && x <= n, "{x} successes of {n} trials");
    assert!(confidence > 0.0 && confidence < 1.0, "a confidence strictly between 0 and 1, not {confidence}");
}

/// Sums outwards from `x`, where the terms fall at least geometrically because `x >= n p`.
fn upper_tail(x: u64, n: u64, p: f64) -> f64 {
    let odds = p / (1.0 - p);
    let (mut term, mut sum, mut k) = (1.0, 1.0, x as f64);
    for left in (1..=n - x).rev() {
        term *= left as f64 / (k + 1.0) * odds;
        sum += term;
        k += 1.0;
        if term < sum * 1e-18 {
            break;
        }
    }
    (pmf(x, n, p) * sum).min(1.0)
}

/// The mirror image: at most `x` successes are at least `n - x` failures.
fn lower_tail(x: u64, n: u64, p: f64) -> f64 {
    let odds = (1.0 - p) / p;
    let (mut term, mut sum, mut failures) = (1.0, 1.0, (n - x) as f64);
    for left in (1..=x).rev() {
        term *= left as f64 / (failures + 1.0) * odds;
        sum += term;
        failures += 1.0;
        if term < sum * 1e-18 {
            break;
        }
    }
    (pmf(x, n, p) * sum).min(1.0)
}

/// Newton's method on the logarithm of the tail, kept inside a bracket; the derivative of a binomial tail is one term.
fn solve(n: u64, side: Side, tail: f64) -> f64 {
    let total = n as f64;
    let goal = tail.ln();
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    let mut p = match side {
        Side::AtLeast(x) => x as f64 / total,
        Side::AtMost(x) => (x as f64 + 1.0) / (total + 1.0),
    };
    for _ in 0..200 {
        // `slope` is the derivative of ln P with respect to p
        let (log, slope) = match side {
            Side::AtLeast(x) => {
                let value = survival(x, n, p);
                (value.ln(), x as f64 / p * pmf(x, n, p) / value)
            }
            Side::AtMost(x) => {
                let value = cdf(x, n, p);
                (value.ln(), -((n - x) as f64) / (1.0 - p) * pmf(x, n, p) / value)
            }
        };
        let excess = log - goal;
        if (excess > 0.0) == (slope > 0.0) {
            high = p;
        } else {
            low = p;
        }
        let newton = p - excess / slope;
        let next = if newton > low && newton < high { newton } else { f64::midpoint(low, high) };
        let step = (next - p).abs();
        p = next;
        if step <= p * 1e-16 || high - low <= p * 1e-16 {
            break;
        }
    }
    p
}

/// `ln n!` minus Stirling's approximation of it.
fn stirling_error(n: u64) -> f64 {
    let x = n as f64;
    if n < 16 {
        // 15! is exact in a double, so the difference keeps its digits
        let factorial: f64 = (1..=n).map(|k| k as f64).product();
        return factorial.ln() - (x + 0.5) * x.ln() + x - 0.5 * TAU.ln();
    }
    let square = x * x;
    (1.0 / 12.0
        - (1.0 / 360.0 - (1.0 / 1260.0 - (1.0 / 1680.0 - (1.0 / 1188.0 - 691.0 / 360_360.0 / square) / square) / square) / square) / square)
        / x
}

/// `x ln(x / mean) + mean - x` without cancellation where `x` is near `mean`.
fn deviance(x: f64, mean: f64) -> f64 {
    let difference = x - mean;
    if difference.abs() >= 0.1 * (x + mean) {
        return x * (x / mean).ln() + mean - x;
    }
    let ratio = difference / (x + mean);
    let mut sum = difference * ratio;
    let mut power = 2.0 * x * ratio;
    let square = ratio * ratio;
    for j in 1..1000 {
        power *= square;
        let next = sum + power / f64::from(2 * j + 1);
        if next.to_bits() == sum.to_bits() {
            break;
        }
        sum = next;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_of_all_counts_sum_to_one() {
        for (n, p) in [(1, 0.3), (15, 0.5), (16, 0.01), (400, 0.37), (3000, 0.999)] {
            let sum: f64 = (0..=n).map(|x| pmf(x, n, p)).sum();
            assert!((sum - 1.0).abs() < 1e-13, "n = {n}, p = {p}: {sum}");
        }
    }

    #[test]
    fn the_two_tails_complement_each_other() {
        for x in 1..=50 {
            let sum = cdf(x - 1, 50, 0.21) + survival(x, 50, 0.21);
            assert!((sum - 1.0).abs() < 1e-14, "{x}: {sum}");
        }
    }

    #[test]
    fn a_million_trials_still_satisfy_the_defining_equation() {
        for x in [1, 37, 10_000, 500_000, 999_999] {
            // near p = 1 the spacing of doubles alone moves the tail by 4e-11
            let limits = clopper_pearson(x, 1_000_000, 0.95);
            let low = survival(x, 1_000_000, limits.lower);
            let high = cdf(x, 1_000_000, limits.upper);
            assert!((low - 0.025).abs() < 1e-10 && (high - 0.025).abs() < 1e-10, "{x}: {low} {high}");
        }
    }

    #[test]
    fn a_whole_quotient_needs_no_extra_trial() {
        assert_eq!(n_for_zero_failures(0.5, 0.75), 2);
    }
}
