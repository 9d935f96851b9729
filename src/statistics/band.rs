//! Limits for the share of windows over by a time, and for quantiles, that hold for any law of the window and any way
//! of polling, also polling that reacts to what was seen.
//!
//! A window in `(after, until]` is over by every `t >= until` and lasts at every `t <= after`. Counting only what is
//! certain gives two binomial counts, one that is never too large and one that is never too small, and Clopper and
//! Pearson's exact limits for each. At an offset that every scan polls the two counts complement each other, and the
//! limits are the plain Clopper–Pearson ones.

use super::binomial::{self, lower_limit, smallest_power_below};
use super::npmle::Observation;

/// The share of windows over by some time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// Share seen to be over.
    pub estimate_lo: f64,
    /// One minus the share seen to last.
    pub estimate_hi: f64,
    /// Lower confidence limit.
    pub lower: f64,
    /// Upper confidence limit.
    pub upper: f64,
}

/// How many windows are over by some time, how many last, and of how many; of the others it is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Certainly over.
    pub over: u64,
    /// Certainly not.
    pub lasting: u64,
    /// All.
    pub n: u64,
}

impl Counts {
    /// The share that is over, with two-sided limits. Without any window nothing is excluded.
    pub fn share(&self, confidence: f64) -> Share {
        if self.n == 0 {
            return Share { estimate_lo: 0.0, estimate_hi: 1.0, lower: 0.0, upper: 1.0 };
        }
        let each = Sides::Two.each(confidence);
        Share {
            estimate_lo: self.over as f64 / self.n as f64,
            estimate_hi: (self.n - self.lasting) as f64 / self.n as f64,
            lower: lower_limit(self.over, self.n, each),
            upper: 1.0 - lower_limit(self.lasting, self.n, each),
        }
    }
}

/// Confidence limits for a quantile of the windows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QuantileLimits {
    /// The quantile is not below this; 0, where every window begins, when the data set no lower end.
    pub lower: f64,
    /// The quantile is at most this; infinite when the data set no upper end.
    pub upper: f64,
    /// Whether the number of windows could have set both ends.
    pub sample: Sample,
}

/// Whether there are enough windows for an upper limit, whatever they turn out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample {
    /// An infinite upper end means that windows outlasted their observation.
    Enough,
    /// An infinite upper end means that the sample is too small; `needed` windows would do.
    TooSmall {
        /// The smallest number of windows that can bound this quantile from above.
        needed: u64,
    },
}

/// Which ends share the allowed error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sides {
    /// One limit, wrong with probability `1 - confidence`.
    One,
    /// Two limits, each wrong with probability `(1 - confidence) / 2`.
    Two,
}

impl Sides {
    /// The confidence that each single limit must have.
    pub fn each(self, confidence: f64) -> f64 {
        match self {
            Self::One => confidence,
            Self::Two => f64::midpoint(1.0, confidence),
        }
    }
}

/// Windows that end (or begin) at the same instant, counted with all before (or after) them.
#[derive(Debug, Clone, Copy)]
struct Step {
    at: f64,
    count: u64,
}

/// Sorted counts of a set of brackets: built once, asked in logarithmic time.
#[derive(Debug, Clone)]
pub struct Band {
    /// At each `until`, the windows over by then.
    over: Vec<Step>,
    /// At each `after`, latest first, the windows that last at least that long.
    beginnings: Vec<Step>,
    /// Those of them that are known exactly: they last until, but not at, their instant.
    exact: Vec<Step>,
    n: u64,
}

impl Band {
    /// Sorts the brackets.
    pub fn new(observations: &[Observation]) -> Self {
        Self::of(observations.iter().copied())
    }

    /// Sorts brackets that are not kept.
    pub fn of(observations: impl ExactSizeIterator<Item = Observation>) -> Self {
        let mut over = Vec::with_capacity(observations.len());
        let (mut beginnings, mut exact) = (Vec::with_capacity(observations.len()), Vec::new());
        for observation in observations {
            observation.check();
            over.push(Step { at: observation.until, count: observation.weight });
            let beginning = Step { at: observation.after, count: observation.weight };
            beginnings.push(beginning);
            if observation.is_exact() {
                exact.push(beginning);
            }
        }
        over.sort_unstable_by(|a, b| a.at.total_cmp(&b.at));
        for steps in [&mut beginnings, &mut exact] {
            steps.sort_unstable_by(|a, b| b.at.total_cmp(&a.at));
        }
        for steps in [&mut over, &mut beginnings, &mut exact] {
            let mut sum = 0;
            for step in steps {
                sum += step.count;
                step.count = sum;
            }
        }
        let n = over.last().map_or(0, |step| step.count);
        Self { over, beginnings, exact, n }
    }

    /// Number of windows.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// Windows certainly over by `t`.
    pub fn over_by(&self, t: f64) -> u64 {
        counted(&self.over, |at| at <= t)
    }

    /// Windows that certainly last at `t`.
    pub fn lasting_at(&self, t: f64) -> u64 {
        let known_to_end_at_t = counted(&self.exact, |at| at >= t) - counted(&self.exact, |at| at > t);
        counted(&self.beginnings, |at| at >= t) - known_to_end_at_t
    }

    /// The share of windows over by `t`, with two-sided limits. Without any window nothing is excluded.
    pub fn visible_by(&self, t: f64, confidence: f64) -> Share {
        Counts { over: self.over_by(t), lasting: self.lasting_at(t), n: self.n }.share(confidence)
    }

    /// Two-sided limits for the `p`-quantile, `0 < p < 1`: the times at which the band crosses `p`.
    pub fn quantile_limits(&self, p: f64, confidence: f64) -> QuantileLimits {
        let lower = self.quantile_lower(p, Sides::Two.each(confidence));
        let upper = self.quantile_upper(p, Sides::Two.each(confidence));
        let needed = min_n_for_quantile_upper(p, confidence, Sides::Two);
        let sample = if self.n < needed { Sample::TooSmall { needed } } else { Sample::Enough };
        QuantileLimits { lower, upper, sample }
    }

    /// One-sided upper limit of the `p`-quantile; infinite when there is none.
    pub fn quantile_upper(&self, p: f64, confidence: f64) -> f64 {
        quantile_rank(self.n, p, confidence).and_then(|rank| reaching(&self.over, rank)).unwrap_or(f64::INFINITY)
    }

    /// One-sided lower limit of the `p`-quantile; 0, where every window begins, when there is none.
    pub fn quantile_lower(&self, p: f64, confidence: f64) -> f64 {
        // a window lasts longer than the p-quantile with probability at most 1 - p
        quantile_rank(self.n, 1.0 - p, confidence).and_then(|rank| reaching(&self.beginnings, rank)).unwrap_or(0.0)
    }
}

/// The share of windows over by `t`; for more than one `t` build a [`Band`].
pub fn visible_by(observations: &[Observation], t: f64, confidence: f64) -> Share {
    Band::new(observations).visible_by(t, confidence)
}

/// Limits for a quantile; for more than one quantile build a [`Band`].
pub fn quantile_limits(observations: &[Observation], p: f64, confidence: f64) -> QuantileLimits {
    Band::new(observations).quantile_limits(p, confidence)
}

/// The smallest number of windows that can bound the `p`-quantile from above, all of them having ended: 299 for the
/// 0.99-quantile, one side, 95 %.
pub fn min_n_for_quantile_upper(p: f64, confidence: f64, sides: Sides) -> u64 {
    assert!(p > 0.0 && p < 1.0, "a quantile strictly between 0 and 1, not {p}");
    smallest_power_below(p.ln(), 1.0 - sides.each(confidence))
}

/// How many values a quantile needs before it is stated at all: so many that the largest of them bounds it from above at 95 %.
/// With fewer, what is called the quantile is the largest value by another name. 5 for the median, 29, 59, 299 and 2,995 for
/// p90, p95, p99 and p99.9.
pub fn quantile_needs(p: f64) -> u64 {
    min_n_for_quantile_upper(p, 0.95, Sides::One)
}

/// The smallest rank whose order statistic is at least the `p`-quantile with this confidence, if `n` has one: the
/// smallest `k` such that `k` or more of `n` below the quantile have probability at most `1 - confidence`.
pub(super) fn quantile_rank(n: u64, p: f64, confidence: f64) -> Option<u64> {
    let allowed = 1.0 - confidence;
    if n == 0 || binomial::survival(n, n, p) > allowed {
        return None;
    }
    let (mut too_small, mut enough) = (0, n);
    while enough - too_small > 1 {
        let middle = u64::midpoint(too_small, enough);
        if binomial::survival(middle, n, p) <= allowed {
            enough = middle;
        } else {
            too_small = middle;
        }
    }
    Some(enough)
}

fn counted(steps: &[Step], within: impl Fn(f64) -> bool) -> u64 {
    let past = steps.partition_point(|step| within(step.at));
    past.checked_sub(1).map_or(0, |last| steps[last].count)
}

/// The first instant at which `count` windows are counted.
fn reaching(steps: &[Step], count: u64) -> Option<f64> {
    steps.get(steps.partition_point(|step| step.count < count)).map(|step| step.at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::binomial::clopper_pearson;

    fn repeated(after: f64, until: f64, weight: u64) -> Observation {
        Observation { after, until, weight }
    }

    #[test]
    fn at_an_offset_that_every_scan_polls_the_band_is_clopper_pearson() {
        let share = visible_by(&[repeated(0.0, 100.0, 30), repeated(100.0, 2000.0, 70)], 100.0, 0.95);
        let plain = clopper_pearson(30, 100, 0.95);
        assert_eq!((share.estimate_lo, share.estimate_hi), (0.3, 0.3));
        assert!((share.lower - plain.lower).abs() < 1e-14 && (share.upper - plain.upper).abs() < 1e-14);
    }

    #[test]
    fn between_two_polls_the_band_says_both_ends() {
        let share = visible_by(&[repeated(0.0, 100.0, 30), repeated(100.0, 2000.0, 70)], 500.0, 0.95);
        assert_eq!((share.estimate_lo, share.estimate_hi, share.upper), (0.3, 1.0, 1.0));
    }

    #[test]
    fn an_exact_window_lasts_before_its_instant_and_is_over_at_it() {
        let band = Band::new(&[Observation::exact(5.0), Observation::new(5.0, 9.0)]);
        assert_eq!((band.over_by(4.9), band.lasting_at(4.9)), (0, 2));
        assert_eq!((band.over_by(5.0), band.lasting_at(5.0)), (1, 1));
    }

    #[test]
    fn a_p99_needs_299_windows_on_one_side_and_368_on_two() {
        assert_eq!(min_n_for_quantile_upper(0.99, 0.95, Sides::One), 299);
        assert_eq!(min_n_for_quantile_upper(0.99, 0.95, Sides::Two), 368);
        let limits = quantile_limits(&[repeated(10.0, 20.0, 367)], 0.99, 0.95);
        assert_eq!(limits, QuantileLimits { lower: 10.0, upper: f64::INFINITY, sample: Sample::TooSmall { needed: 368 } });
        let limits = quantile_limits(&[repeated(10.0, 20.0, 368)], 0.99, 0.95);
        assert_eq!(limits, QuantileLimits { lower: 10.0, upper: 20.0, sample: Sample::Enough });
    }

    #[test]
    fn windows_that_outlast_the_observation_leave_the_quantile_open() {
        let limits = quantile_limits(&[repeated(0.0, 20.0, 50), repeated(500.0, f64::INFINITY, 50)], 0.5, 0.95);
        assert_eq!((limits.lower, limits.upper, limits.sample), (0.0, f64::INFINITY, Sample::Enough));
    }

    #[test]
    fn without_windows_nothing_is_excluded() {
        let share = visible_by(&[], 1.0, 0.95);
        assert_eq!((share.lower, share.upper), (0.0, 1.0));
        assert!(quantile_limits(&[], 0.5, 0.95).upper.is_infinite());
    }
}
