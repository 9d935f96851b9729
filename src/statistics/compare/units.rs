//! Two runs, one value for each scan: a permutation test whose units are what may be exchanged.
//!
//! Scans of one run are often not independent: a flush every second hides fifty scans of half a second alike. What is
//! exchanged between the runs is therefore a stretch of consecutive scans, as many as belong together, and for scans that were
//! asked for by turns the two members of a pair.

use std::collections::BTreeMap;

use super::permutation::{Arrangements, Block, Draws, shares};

/// What may be exchanged between the runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Any scans: the runs were made one after the other.
    Apart,
    /// The two members of a pair: the scans were asked for by turns.
    Pairs,
}

/// One scan's value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// Its number: its place in the run, and what makes it the partner of another run's scan.
    pub scan: u64,
    /// What was measured of it, or its score.
    pub value: f64,
}

/// Outcome of a test of two runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UnitTest {
    /// One-sided p-value for "the new values are larger".
    pub p_larger: f64,
    /// One-sided p-value for "the new values are smaller".
    pub p_smaller: f64,
    /// What they rest on.
    pub arrangements: Arrangements,
}

/// How many units two runs have; for pairs both numbers are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Units {
    /// Of the old run.
    pub base: usize,
    /// Of the new run.
    pub new: usize,
}

impl Units {
    /// Counts units without looking at their values.
    pub fn of(base: &[Scored], new: &[Scored], together: usize, layout: Layout) -> Units {
        let stretches = |scans: usize| scans.div_euclid(together.max(1));
        match layout {
            Layout::Apart => Units { base: stretches(base.len()), new: stretches(new.len()) },
            Layout::Pairs => {
                let pairs = stretches(paired(base, new).len());
                Units { base: pairs, new: pairs }
            }
        }
    }

    /// The smallest p-value that any outcome could have: below it there is nothing to be found.
    pub fn smallest_p(self, layout: Layout) -> f64 {
        match layout {
            Layout::Pairs => 0.5_f64.powi(self.base.min(1_000) as i32),
            Layout::Apart if self.base == 0 || self.new == 0 => 1.0,
            Layout::Apart => {
                let of = |n: usize| libm::lgamma(n as f64 + 1.0);
                (of(self.base) + of(self.new) - of(self.base + self.new)).exp()
            }
        }
    }
}

/// At most this p-value after the first few draws is worth many.
const WORTH_A_LOOK: f64 = 0.05;

/// The first look: enough draws to see that nothing is the matter.
const FIRST_LOOK: u32 = 500;

/// Tests whether the new run's values tend to be larger or smaller; `None` when a run has no unit.
///
/// `together` consecutive scans (or pairs) are one unit; what is left over is left out. Where arrangements are drawn, a few come
/// first, and all that were asked for only if those give a p-value of at most 5 %: up to that level the second look alone
/// decides, so that the p-value stays valid.
pub fn compare_units(base: &[Scored], new: &[Scored], together: usize, layout: Layout, draws: Draws) -> Option<UnitTest> {
    let together = together.max(1);
    let blocks = match layout {
        Layout::Apart => {
            let (new, base) = (sums(&values(new), together), sums(&values(base), together));
            if new.is_empty() || base.is_empty() {
                return None;
            }
            vec![Block { chosen: new.len(), values: new.into_iter().chain(base).collect() }]
        }
        Layout::Pairs => {
            let pairs = paired(base, new);
            let base = sums(&pairs.iter().map(|pair| pair.0).collect::<Vec<_>>(), together);
            let new = sums(&pairs.iter().map(|pair| pair.1).collect::<Vec<_>>(), together);
            if new.is_empty() {
                return None;
            }
            new.into_iter().zip(base).map(|(new, base)| Block { values: vec![new, base], chosen: 1 }).collect()
        }
    };
    let mut found = shares(&blocks, Draws { count: draws.count.min(FIRST_LOOK), seed: draws.seed });
    if matches!(found.arrangements, Arrangements::Drawn(_)) && found.at_least.min(found.at_most) <= WORTH_A_LOOK {
        found = shares(&blocks, Draws { seed: draws.seed.wrapping_add(1), ..draws });
    }
    Some(UnitTest { p_larger: found.at_least, p_smaller: found.at_most, arrangements: found.arrangements })
}

/// Each value's rank among all, the mean rank for equal ones: what makes a test blind to how far out an outlier is.
pub fn ranked(base: &[Scored], new: &[Scored]) -> (Vec<Scored>, Vec<Scored>) {
    let mut sorted: Vec<f64> = base.iter().chain(new).map(|one| one.value).collect();
    sorted.sort_by(f64::total_cmp);
    let rank = |value: f64| {
        let (below, upto) = (sorted.partition_point(|other| *other < value), sorted.partition_point(|other| *other <= value));
        (below + upto + 1) as f64 / 2.0
    };
    let all = |run: &[Scored]| run.iter().map(|one| Scored { value: rank(one.value), ..*one }).collect();
    (all(base), all(new))
}

/// New less old for scans that both runs have, in the order of their numbers.
pub fn differences(base: &[Scored], new: &[Scored]) -> Vec<f64> {
    paired(base, new).into_iter().map(|(old, new)| new - old).collect()
}

fn values(run: &[Scored]) -> Vec<f64> {
    run.iter().map(|one| one.value).collect()
}

/// The sums of stretches of `together` values.
fn sums(values: &[f64], together: usize) -> Vec<f64> {
    values.chunks_exact(together).map(|stretch| stretch.iter().sum()).collect()
}

/// The values of scans that both runs have, old and new, in the order of their numbers.
fn paired(base: &[Scored], new: &[Scored]) -> Vec<(f64, f64)> {
    let base: BTreeMap<u64, f64> = base.iter().map(|one| (one.scan, one.value)).collect();
    new.iter().filter_map(|one| base.get(&one.scan).map(|old| (*old, one.value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: Draws = Draws { count: 20_000, seed: 3 };

    fn run(values: impl IntoIterator<Item = f64>) -> Vec<Scored> {
        values.into_iter().enumerate().map(|(scan, value)| Scored { scan: scan as u64, value }).collect()
    }

    #[test]
    fn stretches_that_belong_together_count_as_one() {
        let (base, new) = (run((0..12).map(|_| 0.0)), run((0..12).map(|_| 1.0)));
        let p = |together| compare_units(&base, &new, together, Layout::Apart, DRAWS).map(|test| test.p_larger);
        assert!(p(1).is_some_and(|p| p < 1e-4));
        assert_eq!(p(4), Some(1.0 / 20.0), "three stretches against three");
        assert_eq!(p(13), None, "no run has as many");
        assert!((Units::of(&base, &new, 4, Layout::Apart).smallest_p(Layout::Apart) - 1.0 / 20.0).abs() < 1e-12);
    }

    #[test]
    fn pairs_see_through_a_drift_that_hides_a_difference_from_runs_apart() {
        let (base, new) = (run((0..12).map(|k| f64::from(k) * 10.0)), run((0..12).map(|k| f64::from(k) * 10.0 + 1.0)));
        let p = |layout| compare_units(&base, &new, 1, layout, DRAWS).map_or(1.0, |test| test.p_larger);
        assert!((p(Layout::Pairs) - 0.5_f64.powi(12)).abs() < 1e-12);
        assert!(p(Layout::Apart) > 0.3);
    }

    #[test]
    fn a_scan_without_its_partner_is_left_out() {
        let (base, mut new) = (run([1.0, 1.0, 1.0]), run([2.0, 2.0, 2.0]));
        new.remove(1);
        assert_eq!(Units::of(&base, &new, 1, Layout::Pairs), Units { base: 2, new: 2 });
    }

    #[test]
    fn equal_values_share_their_rank() {
        let (base, new) = ranked(&run([1.0, 5.0]), &run([5.0, 9.0]));
        assert_eq!((base[1].value, new[0].value, new[1].value), (2.5, 2.5, 4.0));
    }
}
