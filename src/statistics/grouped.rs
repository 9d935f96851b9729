//! Quantiles of values that come in groups, where the groups are independent and the values of one group need not be: several
//! requests of one job.
//!
//! The law is that of a random value of a random group, so that a group with many values counts no more than one with few. The share
//! of a group's values at or below `t` lies in `[0, 1]`, and its mean over the groups is the law's distribution function, whatever
//! ties the values of a group together. Hoeffding's inequality for such means (*Probability inequalities for sums of bounded random
//! variables*, 1963, theorem 1) limits it; with one value in each group the exact binomial limits of [`super::order`] are closer, and
//! are used.

use super::band::{Sides, min_n_for_quantile_upper};
use super::order;

/// Values in groups, sorted once.
#[derive(Debug, Clone, Default)]
pub struct Grouped {
    /// Each value with the share of all values up to it, every group counting the same.
    sorted: Vec<(f64, f64)>,
    groups: u64,
}

/// A quantile with two-sided limits; an end is `None` where the sample is too small to have one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroupedQuantile {
    /// The smallest value with at least the quantile's share at or below it.
    pub estimate: f64,
    /// Lower limit.
    pub lower: Option<f64>,
    /// Upper limit.
    pub upper: Option<f64>,
}

/// A share that was added up of many may miss a round one by so much.
const ROUNDING: f64 = 1e-9;

impl Grouped {
    /// Sorts values, each with the number of its group.
    pub fn of(mut values: Vec<(u64, f64)>) -> Grouped {
        values.sort_unstable_by_key(|(group, _)| *group);
        let groups = values.chunk_by(|a, b| a.0 == b.0).count() as u64;
        let mut sorted = Vec::with_capacity(values.len());
        for group in values.chunk_by(|a, b| a.0 == b.0) {
            let weight = 1.0 / (groups as f64 * group.len() as f64);
            sorted.extend(group.iter().map(|(_, value)| (*value, weight)));
        }
        sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut share = 0.0;
        for (_, weight) in &mut sorted {
            share += *weight;
            *weight = share;
        }
        Grouped { sorted, groups }
    }

    /// How many values.
    pub fn values(&self) -> u64 {
        self.sorted.len() as u64
    }

    /// How many groups.
    pub fn groups(&self) -> u64 {
        self.groups
    }

    /// The `p`-quantile, `0 < p < 1`; `None` without values.
    pub fn quantile(&self, p: f64, confidence: f64) -> Option<GroupedQuantile> {
        let estimate = self.reaching(|share| share >= p - ROUNDING)?;
        let (lower, upper) = if self.groups == self.values() {
            let values: Vec<f64> = self.sorted.iter().map(|(value, _)| *value).collect();
            order::quantile_interval(&values, p, confidence)
        } else {
            self.limits(p, confidence)
        };
        Some(GroupedQuantile { estimate, lower, upper })
    }

    fn limits(&self, p: f64, confidence: f64) -> (Option<f64>, Option<f64>) {
        let each = Sides::Two.each(confidence);
        let rarer = |share: f64| self.groups as f64 * divergence(share, p) >= -(1.0 - each).ln() - ROUNDING;
        let upper = self.reaching(|share| share > p && rarer(share));
        // A value bounds the quantile from below if too few lie below it.
        let first = rarer(0.0);
        let kept = self.reaching(|share| share >= p || !rarer(share));
        // Equal values are one step of the distribution function: its height is that of the last of them.
        (kept.filter(|_| first), upper)
    }

    /// The smallest value at which the distribution function is as asked for; what is asked must hold from some height on.
    fn reaching(&self, is_reached: impl Fn(f64) -> bool) -> Option<f64> {
        self.sorted.iter().find(|(_, share)| is_reached(share.min(1.0))).map(|(value, _)| *value)
    }
}

/// Kullback and Leibler's divergence of a coin that shows a share from one that shows `p`, in nats.
fn divergence(share: f64, p: f64) -> f64 {
    let part = |share: f64, p: f64| if share <= 0.0 { 0.0 } else { share * (share / p).ln() };
    part(share, p) + part((1.0 - share).max(0.0), 1.0 - p)
}

/// The smallest number of groups that can limit the `p`-quantile on both sides.
pub fn groups_needed(p: f64, confidence: f64) -> u64 {
    let upper = min_n_for_quantile_upper(p, confidence, Sides::Two);
    upper.max(min_n_for_quantile_upper(1.0 - p, confidence, Sides::Two))
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

    use super::*;

    fn uniform(random: &mut ChaCha8Rng) -> f64 {
        (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    #[test]
    fn one_value_a_group_is_a_plain_sample() {
        let grouped = Grouped::of((1..=20).map(|n| (n, n as f64)).collect());
        assert_eq!((grouped.groups(), grouped.values()), (20, 20));
        let median = grouped.quantile(0.5, 0.95).expect("values");
        assert_eq!(median, GroupedQuantile { estimate: 10.0, lower: Some(6.0), upper: Some(15.0) });
    }

    #[test]
    fn a_group_with_many_values_counts_no_more_than_one_with_few() {
        let mut values: Vec<(u64, f64)> = (0..1000).map(|_| (0, 9.0)).collect();
        values.extend([(1, 1.0), (2, 2.0)]);
        let grouped = Grouped::of(values);
        assert_eq!(grouped.quantile(0.5, 0.95).map(|quantile| quantile.estimate), Some(2.0));
        assert_eq!(grouped.quantile(0.99, 0.95), Some(GroupedQuantile { estimate: 9.0, lower: Some(2.0), upper: None }));
    }

    #[test]
    fn copies_of_a_value_are_no_further_evidence() {
        let copies = |times: u64| Grouped::of((0..40).flat_map(|n| (0..times).map(move |_| (n, n as f64))).collect());
        assert_eq!(copies(2).quantile(0.5, 0.95), copies(50).quantile(0.5, 0.95));
        let (once, often) = (copies(1).quantile(0.5, 0.95).expect("values"), copies(50).quantile(0.5, 0.95).expect("values"));
        assert!(often.lower <= once.lower && often.upper >= once.upper, "{once:?}, {often:?}");
    }

    #[test]
    fn as_many_groups_are_needed_as_a_plain_sample_has_values() {
        assert_eq!((groups_needed(0.5, 0.95), groups_needed(0.99, 0.95)), (6, 368));
        let of = |groups: u64| Grouped::of((0..groups).flat_map(|n| [(n, n as f64), (n, n as f64)]).collect());
        assert_eq!(of(367).quantile(0.99, 0.95).and_then(|quantile| quantile.upper), None);
        assert!(of(368).quantile(0.99, 0.95).is_some_and(|quantile| quantile.upper.is_some() && quantile.lower.is_some()));
        assert_eq!(Grouped::of(Vec::new()).quantile(0.5, 0.95), None);
    }

    /// Where the values of a group are all alike, a sample that takes them as independent misses often; these limits do not.
    #[test]
    fn limits_hold_however_the_values_of_a_group_hang_together() {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        for (p, spread) in [(0.5, 0.0), (0.5, 1.0), (0.9, 0.0), (0.9, 0.3)] {
            let (mut missed, mut bounded) = (0, 0);
            for _ in 0..400 {
                let mut values = Vec::new();
                for group in 0..60 {
                    let own = uniform(&mut random);
                    for _ in 0..=random.next_u32() % 8 {
                        // Each value is uniform, whatever the group's own share in it: with some chance it is the group's.
                        let value = if uniform(&mut random) < spread { uniform(&mut random) } else { own };
                        values.push((group, value));
                    }
                }
                let quantile = Grouped::of(values).quantile(p, 0.95).expect("values");
                bounded += u32::from(quantile.lower.is_some() && quantile.upper.is_some());
                missed += u32::from(quantile.lower.is_some_and(|lower| lower > p) || quantile.upper.is_some_and(|upper| upper < p));
            }
            assert!(missed <= 20, "p {p}, spread {spread}: {missed} of 400");
            assert_eq!(bounded, 400, "p {p}");
        }
    }
}
