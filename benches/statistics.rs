//! The estimate and its band at the sizes of a long run (1,000 windows) and of many merged ones (100,000).

use divan::{Bencher, black_box};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use statusgap::statistics::band::Band;
use statusgap::statistics::npmle::{Observation, npmle};

fn main() {
    divan::main();
}

/// Exponential windows of mean 1, seen between two random instants: before the first, between, or after the second.
fn two_looks(count: usize) -> Vec<Observation> {
    let mut chance = ChaCha8Rng::seed_from_u64(1);
    (0..count)
        .map(|_| {
            let window = -(1.0 - chance.random::<f64>()).ln();
            let (a, b): (f64, f64) = (2.0 * chance.random::<f64>(), 2.0 * chance.random::<f64>());
            let (first, second) = (a.min(b), a.max(b));
            if window <= first {
                Observation::new(0.0, first)
            } else if window <= second {
                Observation::new(first, second)
            } else {
                Observation::new(second, f64::INFINITY)
            }
        })
        .collect()
}

/// Windows near 2 s, polled every `spacing` ms from a random phase.
fn random_phase(count: usize, spacing: f64) -> Vec<Observation> {
    let mut chance = ChaCha8Rng::seed_from_u64(2);
    (0..count)
        .map(|_| {
            let window = 1900.0 + 200.0 * chance.random::<f64>();
            let phase = spacing * chance.random::<f64>();
            let polls_before = ((window - phase) / spacing).ceil();
            let until = phase + polls_before * spacing;
            Observation::new((until - spacing).max(0.0), until)
        })
        .collect()
}

#[divan::bench(args = [1_000, 10_000, 100_000])]
fn npmle_of_two_looks(bencher: Bencher, count: usize) {
    let observations = two_looks(count);
    bencher.bench(|| npmle(black_box(&observations)));
}

#[divan::bench(args = [1_000, 10_000, 100_000])]
fn npmle_of_random_phases_every_500_ms(bencher: Bencher, count: usize) {
    let observations = random_phase(count, 500.0);
    bencher.bench(|| npmle(black_box(&observations)));
}

#[divan::bench(args = [1_000, 10_000, 100_000])]
fn npmle_of_random_phases_every_10_ms(bencher: Bencher, count: usize) {
    let observations = random_phase(count, 10.0);
    bencher.bench(|| npmle(black_box(&observations)));
}

#[divan::bench(args = [1_000, 100_000])]
fn band_at_a_hundred_times(bencher: Bencher, count: usize) {
    let band = Band::new(&two_looks(count));
    bencher.bench(|| (0..100).map(|t| band.visible_by(f64::from(t) / 50.0, 0.95).lower).sum::<f64>());
}
