//! The sizes of one seed: those of the list with seed 0, and others near them with every other seed.

use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// How far a size of another seed may lie from the list's, as a factor: the list's own steps are about 2.5.
const SPREAD: f64 = 1.5;

/// Draws the sizes of one seed.
#[derive(Debug)]
pub(super) struct Sizes {
    dice: Option<ChaCha8Rng>,
}

impl Sizes {
    pub(super) fn new(seed: u64) -> Sizes {
        Sizes { dice: (seed > 0).then(|| ChaCha8Rng::seed_from_u64(seed)) }
    }

    /// A time near so many milliseconds.
    pub(super) fn time(&mut self, millis: f64) -> Duration {
        // Three digits are as much as anybody would write.
        Duration::from_secs_f64(three_digits(millis * self.factor()) / 1000.0)
    }

    /// A share near this one; all stays all.
    pub(super) fn share(&mut self, share: f64) -> f64 {
        let factor = self.factor();
        if share >= 1.0 { 1.0 } else { three_digits((share * factor).min(f64::midpoint(1.0, share))) }
    }

    fn factor(&mut self) -> f64 {
        self.dice.as_mut().map_or(1.0, |dice| SPREAD.powf(dice.random::<f64>() * 2.0 - 1.0))
    }
}

fn three_digits(number: f64) -> f64 {
    let unit = 10f64.powi(2 - number.abs().log10().floor() as i32);
    (number * unit).round() / unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_stay_near_the_list() {
        assert_eq!(Sizes::new(0).time(25.0), Duration::from_millis(25));
        let mut sizes = Sizes::new(3);
        for _ in 0..100 {
            let time = sizes.time(100.0).as_secs_f64();
            assert!((0.066..0.151).contains(&time), "{time}");
            let share = sizes.share(0.8);
            assert!((0.53..=0.9).contains(&share), "{share}");
            assert!((sizes.share(1.0) - 1.0).abs() < f64::EPSILON);
        }
    }
}
