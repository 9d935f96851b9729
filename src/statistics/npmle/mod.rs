//! The interval-censored estimate of a window's distribution: the nonparametric maximum-likelihood estimate (NPMLE).
//!
//! In come brackets `(after, until]` that hold one window each; out come the innermost intervals that carry
//! probability, how much each carries, and a certificate of how far the likelihood is from its maximum. Where inside
//! its interval a mass lies is not identified by the data, and every answer here says so by being an interval.
//! This room knows nothing of scans or polls, and it never replaces a bracket by a point.
//!
//! Sources: Peto, Applied Statistics 22 (1973); Turnbull, JRSS B 38 (1976); Gentleman & Geyer, Biometrika 81 (1994).

mod certificate;
mod cholesky;
mod closed_form;
mod convex_minorant;
mod general;
mod newton;
mod reduction;

use reduction::Reduction;

/// One bracket: the window is later than `after` and not later than `until`.
///
/// `until = f64::INFINITY` is a window that was not over when the observation ended; `after == until` is a window
/// known exactly. Times are in any one unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observation {
    /// Excluded lower end.
    pub after: f64,
    /// Included upper end.
    pub until: f64,
    /// How many windows have this very bracket.
    pub weight: u64,
}

impl Observation {
    /// One window in `(after, until]`.
    pub const fn new(after: f64, until: f64) -> Self {
        Self { after, until, weight: 1 }
    }

    /// One window known exactly.
    pub const fn exact(at: f64) -> Self {
        Self::new(at, at)
    }

    /// Panics on a bracket that no window can be in: the caller folded its stamps wrongly.
    pub(crate) fn check(&self) {
        assert!(
            self.after <= self.until && self.after < f64::INFINITY && self.until > f64::NEG_INFINITY,
            "no window lies in ({}, {}]",
            self.after,
            self.until
        );
    }

    pub(crate) fn is_exact(&self) -> bool {
        self.after >= self.until
    }
}

/// Probability that lies somewhere in `(left, right]`, or at `left` when both are equal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mass {
    /// Excluded lower end.
    pub left: f64,
    /// Included upper end; infinite when the last windows were never seen to end.
    pub right: f64,
    /// The probability.
    pub mass: f64,
}

/// How the estimate was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// No two different brackets share an innermost interval: shares are counts.
    Counting,
    /// Every bracket begins at the start or ends with the last: one look each, pooled in whole numbers.
    PooledAdjacentViolators,
    /// Every bracket is a single interval or open-ended: Kaplan and Meier's product of conditional shares.
    ProductLimit,
    /// Expectation–maximisation and convex-minorant steps, finished by Newton steps on the support.
    Newton,
    /// Expectation–maximisation and convex-minorant steps alone, because the support is too large for a matrix.
    ConvexMinorant,
}

impl Method {
    /// The method in words, as reports name it.
    pub fn words(self) -> &'static str {
        match self {
            Method::Counting => "counting of disjoint brackets",
            Method::PooledAdjacentViolators => "pool-adjacent-violators in whole numbers",
            Method::ProductLimit => "product limit (Kaplan-Meier)",
            Method::Newton => "EM and convex-minorant steps, finished by Newton steps",
            Method::ConvexMinorant => "EM and convex-minorant steps",
        }
    }
}

/// The estimate with its certificate.
#[derive(Debug, Clone, PartialEq)]
pub struct Npmle {
    /// Intervals with positive mass, in order of time; they do not overlap.
    pub support: Vec<Mass>,
    /// Natural logarithm of the likelihood at the estimate.
    pub log_likelihood: f64,
    /// No distribution has a log-likelihood larger than `log_likelihood + kkt_gap` (nats). Below 1e-9 up to a million
    /// windows; beyond, the last digit of a sum of that many terms.
    pub kkt_gap: f64,
    /// Whether no other masses reach the same likelihood (the rank condition of Gentleman & Geyer). Checked rather than
    /// assumed; where inside its interval a mass lies is never determined, unique or not.
    pub unique: bool,
    /// How it was found.
    pub method: Method,
    /// Number of windows.
    pub n: u64,
}

/// Where a quantile lies: anywhere in `(left, right]`, as far as the data tell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QuantileInterval {
    /// Excluded lower end.
    pub left: f64,
    /// Included upper end; infinite when the quantile lies beyond what was observed.
    pub right: f64,
}

/// Estimates the distribution of windows from their brackets. Without any bracket the support is empty.
///
/// ```
/// use statusgap::statistics::npmle::{Observation, npmle};
///
/// // three scans found at the first poll, one hidden at 100 ms and visible at 2,003 ms
/// let fit = npmle(&[
///     Observation { after: 0.0, until: 104.0, weight: 3 },
///     Observation::new(100.0, 2003.0),
/// ]);
/// assert_eq!(fit.cdf_bounds(99.0).0, 0.0);
/// assert!(fit.kkt_gap < 1e-9);
/// ```
pub fn npmle(observations: &[Observation]) -> Npmle {
    npmle_of(&observations.iter().copied())
}

/// [`npmle`] of brackets that are told one by one, and more than once.
pub fn npmle_of(observations: &(impl ExactSizeIterator<Item = Observation> + Clone)) -> Npmle {
    let reduction = Reduction::of(observations);
    if reduction.ranges.is_empty() {
        return Npmle { support: Vec::new(), log_likelihood: 0.0, kkt_gap: 0.0, unique: true, method: Method::Counting, n: 0 };
    }
    let (method, masses) = if let Some(masses) = closed_form::counting(&reduction) {
        (Method::Counting, masses)
    } else if let Some(masses) = closed_form::single_look(&reduction) {
        (Method::PooledAdjacentViolators, masses)
    } else if let Some(masses) = closed_form::product_limit(&reduction) {
        (Method::ProductLimit, masses)
    } else {
        general::estimate(&reduction)
    };
    let likely = certificate::probabilities(&reduction.ranges, &masses);
    let gradient = certificate::gradient(&reduction, &likely);
    Npmle {
        log_likelihood: certificate::log_likelihood(&reduction.ranges, &likely),
        kkt_gap: certificate::gap(&reduction, &gradient).max(0.0),
        unique: certificate::masses_are_unique(&reduction, &gradient),
        support: reduction
            .cells
            .iter()
            .zip(&masses)
            .filter(|(_, mass)| **mass > 0.0)
            .map(|(cell, &mass)| Mass { left: cell.left, right: cell.right, mass })
            .collect(),
        method,
        n: reduction.ranges.iter().map(|range| range.weight).sum(),
    }
}

impl Npmle {
    /// Smallest and largest share of windows over by `t` that the estimate allows: a mass counts for the first once
    /// its whole interval has passed, for the second as soon as its interval has begun.
    pub fn cdf_bounds(&self, t: f64) -> (f64, f64) {
        let over = |mass: &&Mass| mass.right <= t;
        let begun = |mass: &&Mass| mass.left < t || mass.right <= t;
        // an empty sum is -0.0, which would be written so
        let share = |masses: f64| (masses + 0.0).clamp(0.0, 1.0);
        (
            share(self.support.iter().filter(over).map(|mass| mass.mass).sum()),
            share(self.support.iter().filter(begun).map(|mass| mass.mass).sum()),
        )
    }

    /// The interval that holds the `p`-quantile of the estimate; `None` without data or for a `p` outside `(0, 1)`.
    ///
    /// When the masses up to an interval add up to `p` itself, every time from that interval to the next one with
    /// mass is a `p`-quantile, and the answer spans both.
    pub fn quantile(&self, p: f64) -> Option<QuantileInterval> {
        // a sum of masses that are thirds or sevenths misses p by some rounding errors
        const SAME: f64 = 1e-9;
        if !(p > 0.0 && p < 1.0) {
            return None;
        }
        let mut sum = 0.0;
        for (index, mass) in self.support.iter().enumerate() {
            sum += mass.mass;
            if (sum - p).abs() <= SAME {
                let next = self.support.get(index + 1).unwrap_or(mass);
                return Some(QuantileInterval { left: mass.left, right: next.right });
            }
            if sum > p {
                return Some(QuantileInterval { left: mass.left, right: mass.right });
            }
        }
        self.support.last().map(|mass| QuantileInterval { left: mass.left, right: mass.right })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brackets(ends: &[(f64, f64)]) -> Vec<Observation> {
        ends.iter().map(|&(after, until)| Observation::new(after, until)).collect()
    }

    #[test]
    fn touching_half_open_brackets_share_no_window() {
        let fit = npmle(&[Observation { after: 0.0, until: 1.0, weight: 5 }, Observation { after: 1.0, until: 2.0, weight: 5 }]);
        let masses: Vec<f64> = fit.support.iter().map(|mass| mass.mass).collect();
        assert_eq!((masses, fit.method), (vec![0.5, 0.5], Method::Counting));
    }

    #[test]
    fn an_exact_window_is_inside_the_bracket_that_ends_with_it_and_outside_the_one_that_begins_there() {
        let fit = npmle(&brackets(&[(0.0, 3.0), (3.0, 3.0), (3.0, 5.0)]));
        let ends: Vec<(f64, f64)> = fit.support.iter().map(|mass| (mass.left, mass.right)).collect();
        assert_eq!(ends, [(3.0, 3.0), (3.0, 5.0)]);
        assert!((fit.support[0].mass - 2.0 / 3.0).abs() < 1e-15);
    }

    #[test]
    fn a_share_inside_an_interval_is_bounded_and_not_interpolated() {
        let fit = npmle(&brackets(&[(0.0, 100.0), (0.0, 100.0), (200.0, 300.0), (200.0, f64::INFINITY)]));
        assert_eq!(fit.cdf_bounds(50.0), (0.0, 0.5));
        assert_eq!(fit.cdf_bounds(100.0), (0.5, 0.5));
        assert_eq!(fit.cdf_bounds(250.0), (0.5, 1.0));
    }

    #[test]
    fn a_quantile_that_a_step_hits_exactly_spans_to_the_next_mass() {
        let fit = npmle(&brackets(&[(0.0, 1.0), (2.0, 3.0), (4.0, 5.0)]));
        assert_eq!(fit.quantile(1.0 / 3.0), Some(QuantileInterval { left: 0.0, right: 3.0 }));
        assert_eq!(fit.quantile(0.5), Some(QuantileInterval { left: 2.0, right: 3.0 }));
        assert_eq!(fit.quantile(1.0), None);
    }

    #[test]
    fn windows_that_never_end_put_their_mass_at_infinity() {
        let fit = npmle(&brackets(&[(0.0, 10.0), (50.0, f64::INFINITY), (60.0, f64::INFINITY)]));
        assert_eq!(fit.quantile(0.9).map(|quantile| quantile.right), Some(f64::INFINITY));
        assert!((fit.cdf_bounds(1e9).0 - 1.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn nothing_observed_gives_nothing() {
        let fit = npmle(&[]);
        assert!(fit.support.is_empty() && fit.quantile(0.5).is_none());
    }
}
