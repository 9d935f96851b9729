//! How extreme a sum is among all ways to deal the same values to two groups, within blocks.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The values of one block and how many of them, the first ones, were dealt to the group whose sum is asked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Block {
    pub(super) values: Vec<f64>,
    pub(super) chosen: usize,
}

/// How arrangements are drawn when there are too many to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draws {
    /// How many.
    pub count: u32,
    /// Where the chance comes from: the same seed gives the same p-value.
    pub seed: u64,
}

/// How many arrangements were looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrangements {
    /// All of them: the p-value is exact.
    All(u64),
    /// This many drawn ones, with the observed one counted among them so that the p-value is still valid.
    Drawn(u32),
}

/// Shares of arrangements with a sum at least, at most, and in absolute distance from its mean at least as observed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shares {
    pub(super) at_least: f64,
    pub(super) at_most: f64,
    pub(super) as_far: f64,
    pub(super) arrangements: Arrangements,
}

/// More than this are drawn instead of counted.
const COUNTABLE: u64 = 100_000;

pub(super) fn shares(blocks: &[Block], draws: Draws) -> Shares {
    let observed: f64 = blocks.iter().map(|block| block.values[..block.chosen].iter().sum::<f64>()).sum();
    let mean: f64 = blocks
        .iter()
        .filter(|block| !block.values.is_empty())
        .map(|block| block.values.iter().sum::<f64>() * block.chosen as f64 / block.values.len() as f64)
        .sum();
    // sums that are equal in real numbers differ by rounding: 8 of 35 arrangements, not 7
    let same = 1e-10 * blocks.iter().flat_map(|block| &block.values).map(|value| value.abs()).sum::<f64>();
    let mut tally = Tally { observed, mean, same, all: 0, at_least: 0, at_most: 0, as_far: 0 };

    let arrangements = if let Some(all) = arrangements(blocks) {
        let mut sums = vec![0.0];
        for block in blocks {
            let within = sums_of_choices(&block.values, block.chosen);
            sums = sums.iter().flat_map(|sum| within.iter().map(move |more| sum + more)).collect();
        }
        for sum in sums {
            tally.add(sum);
        }
        Arrangements::All(all)
    } else {
        let mut chance = ChaCha8Rng::seed_from_u64(draws.seed);
        let mut shuffled = blocks.to_vec();
        tally.add(observed);
        for _ in 0..draws.count {
            let sum = shuffled.iter_mut().map(|block| deal(block, &mut chance)).sum();
            tally.add(sum);
        }
        Arrangements::Drawn(draws.count)
    };
    let share = |count: u64| count as f64 / tally.all as f64;
    Shares { at_least: share(tally.at_least), at_most: share(tally.at_most), as_far: share(tally.as_far), arrangements }
}

#[derive(Debug)]
struct Tally {
    observed: f64,
    mean: f64,
    same: f64,
    all: u64,
    at_least: u64,
    at_most: u64,
    as_far: u64,
}

impl Tally {
    fn add(&mut self, sum: f64) {
        self.all += 1;
        self.at_least += u64::from(sum >= self.observed - self.same);
        self.at_most += u64::from(sum <= self.observed + self.same);
        self.as_far += u64::from((sum - self.mean).abs() >= (self.observed - self.mean).abs() - self.same);
    }
}

/// The number of arrangements, if it is small enough to count.
fn arrangements(blocks: &[Block]) -> Option<u64> {
    let mut all = 1_u64;
    for block in blocks {
        let (size, chosen) = (block.values.len() as u64, block.chosen as u64);
        let mut choices = 1_u64;
        for k in 1..=chosen.min(size - chosen) {
            // the product of k successive numbers is divisible by k!, so this stays whole
            choices = choices.checked_mul(size + 1 - k)? / k;
            if choices > COUNTABLE {
                return None;
            }
        }
        all *= choices;
        if all > COUNTABLE {
            return None;
        }
    }
    Some(all)
}

/// The sums of all choices of `chosen` values.
fn sums_of_choices(values: &[f64], chosen: usize) -> Vec<f64> {
    // sums[k]: of all choices of k among the values so far, as far as they can still be completed
    let mut sums: Vec<Vec<f64>> = vec![Vec::new(); chosen + 1];
    sums[0].push(0.0);
    for (index, value) in values.iter().enumerate() {
        let left = values.len() - index - 1;
        for k in (1..=chosen).rev() {
            let (fewer, more) = sums.split_at_mut(k);
            more[0].extend(fewer[k - 1].iter().map(|sum| sum + value));
        }
        for (k, reached) in sums.iter_mut().enumerate() {
            if k + left < chosen {
                reached.clear();
            }
        }
    }
    sums.swap_remove(chosen)
}

/// Deals a block anew (the first steps of Fisher and Yates's shuffle); returns the sum of the chosen values.
fn deal(block: &mut Block, chance: &mut ChaCha8Rng) -> f64 {
    let size = block.values.len();
    for place in 0..block.chosen {
        let left = (size - place) as u128;
        // multiply and shift: a bias of left / 2^64 is far below what any number of draws could show
        let jump = (u128::from(chance.next_u64()) * left) >> 64;
        block.values.swap(place, place + jump as usize);
    }
    block.values[..block.chosen].iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: Draws = Draws { count: 20_000, seed: 7 };

    fn block(values: &[f64], chosen: usize) -> Block {
        Block { values: values.to_vec(), chosen }
    }

    #[test]
    fn few_arrangements_are_counted_and_equal_sums_are_equal() {
        // 0.1 + 0.2 against 0.3 + 0.0: the same sum, not the same double
        let shares = shares(&[block(&[0.1, 0.2, 0.3, 0.0], 2)], DRAWS);
        assert_eq!(shares.arrangements, Arrangements::All(6));
        assert!((shares.at_least - 4.0 / 6.0).abs() < 1e-15);
    }

    #[test]
    fn blocks_are_never_mixed() {
        let shares = shares(&[block(&[9.0, 8.0], 1), block(&[1.0, 2.0], 1)], DRAWS);
        assert_eq!(shares.arrangements, Arrangements::All(4));
        assert!((shares.at_least - 3.0 / 4.0).abs() < 1e-15, "{shares:?}");
    }

    #[test]
    fn drawn_arrangements_agree_with_the_law_and_repeat_with_their_seed() {
        let values: Vec<f64> = (0..60).map(f64::from).collect();
        let (first, again) = (shares(&[block(&values, 20)], DRAWS), shares(&[block(&values, 20)], DRAWS));
        assert_eq!(first, again);
        assert!(first.at_most < 1e-4 && first.at_least > 0.999);
        let mixed: Vec<f64> = (0..60).map(|k| f64::from(k * 37 % 60)).collect();
        let middle = shares(&[block(&mixed, 20)], DRAWS);
        assert!(middle.at_least > 0.1 && middle.at_most > 0.1, "{middle:?}");
    }
}
