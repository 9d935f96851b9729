//! Limits keep their promise: at least 95 %, less three standard errors, over 2,000 seeded runs, for laws of the window
//! of every shape and for a poller that reacts to what it sees. The usual bootstrap of the estimate does not.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use statusgap::statistics::band::Band;
use statusgap::statistics::npmle::{Observation, npmle};
use std::f64::consts::{LN_2, TAU};

const RUNS: u64 = 2000;
const SCANS: usize = 60;
const DEADLINE: f64 = 3000.0;

/// 0.9-quantile of the standard normal law.
const NORMAL_90: f64 = 1.281_551_565_544_600_4;

struct Distribution {
    name: &'static str,
    draw: fn(&mut ChaCha8Rng) -> f64,
    /// Times and the share of windows over by then.
    shares: [(f64, f64); 3],
    /// The 0.5- and the 0.9-quantile.
    quantiles: [f64; 2],
}

fn laws() -> [Distribution; 4] {
    [
        Distribution {
            name: "step at 2 s",
            draw: |_| 2000.0,
            shares: [(1990.0, 0.0), (2000.0, 1.0), (2200.0, 1.0)],
            quantiles: [2000.0, 2000.0],
        },
        Distribution {
            name: "uniform between 1.9 and 2.1 s",
            draw: |chance| 1900.0 + 200.0 * chance.random::<f64>(),
            shares: [(1920.0, 0.1), (2000.0, 0.5), (2080.0, 0.9)],
            quantiles: [2000.0, 2080.0],
        },
        Distribution {
            name: "exponential with mean 50 ms",
            draw: |chance| -50.0 * (1.0 - chance.random::<f64>()).ln(),
            shares: [(-50.0 * 0.9_f64.ln(), 0.1), (50.0 * LN_2, 0.5), (50.0 * 10.0_f64.ln(), 0.9)],
            quantiles: [50.0 * LN_2, 50.0 * 10.0_f64.ln()],
        },
        Distribution {
            name: "log-normal around 300 ms",
            draw: |chance| {
                let radius = (-2.0 * (1.0 - chance.random::<f64>()).ln()).sqrt();
                300.0 * (0.8 * radius * (TAU * chance.random::<f64>()).cos()).exp()
            },
            shares: [(300.0 * (-0.8 * NORMAL_90).exp(), 0.1), (300.0, 0.5), (300.0 * (0.8 * NORMAL_90).exp(), 0.9)],
            quantiles: [300.0, 300.0 * (0.8 * NORMAL_90).exp()],
        },
    ]
}

#[derive(Debug, Clone, Copy)]
enum Poller {
    /// All the time: every window is known exactly, and quantile limits have no slack either.
    Watching,
    /// At the very times asked about: there the limits have no slack, and a tail that is too small would show.
    Scheduled,
    /// Every 100 ms from a random phase on.
    RandomPhase,
    /// Waits twice as long after each `not_found`, and gives up early now and then.
    BacksOff,
}

/// Polls one scan. An answer is decided half-way through its round trip; the bracket holds only what client stamps prove.
fn bracket(law: &Distribution, poller: Poller, chance: &mut ChaCha8Rng) -> Observation {
    let window = (law.draw)(chance);
    let round_trip = 4.0;
    let (mut wait, mut sent) = match poller {
        Poller::Watching => return Observation::exact(window),
        Poller::Scheduled => {
            let mut after = 0.0;
            for (at, _) in law.shares {
                if window <= at {
                    return Observation::new(after, at);
                }
                after = at;
            }
            return Observation::new(after, f64::INFINITY);
        }
        Poller::RandomPhase => (100.0, 100.0 * chance.random::<f64>()),
        Poller::BacksOff => (20.0, 20.0 * chance.random::<f64>()),
    };
    let mut after = 0.0;
    while sent < DEADLINE {
        if window <= sent + round_trip / 2.0 {
            return Observation::new(after, sent + round_trip);
        }
        after = sent;
        sent += wait;
        if let Poller::BacksOff = poller {
            wait *= 2.0;
            if chance.random::<f64>() < 0.02 {
                break;
            }
        }
    }
    Observation::new(after, f64::INFINITY)
}

/// What coverage may fall to by chance over the runs.
fn least(runs: u64) -> f64 {
    let nominal = 0.95_f64;
    nominal - 3.0 * (nominal * (1.0 - nominal) / runs as f64).sqrt()
}

#[test]
fn shares_and_quantiles_are_covered_for_every_law_and_poller() {
    for law in laws() {
        for poller in [Poller::Watching, Poller::Scheduled, Poller::RandomPhase, Poller::BacksOff] {
            let mut shares = [0_u64; 3];
            let mut quantiles = [0_u64; 2];
            for seed in 0..RUNS {
                let mut chance = ChaCha8Rng::seed_from_u64(seed);
                let scans: Vec<Observation> = (0..SCANS).map(|_| bracket(&law, poller, &mut chance)).collect();
                let band = Band::new(&scans);
                for (covered, (t, truth)) in shares.iter_mut().zip(law.shares) {
                    let share = band.visible_by(t, 0.95);
                    *covered += u64::from((share.lower..=share.upper).contains(&truth));
                }
                for ((covered, truth), p) in quantiles.iter_mut().zip(law.quantiles).zip([0.5, 0.9]) {
                    let limits = band.quantile_limits(p, 0.95);
                    *covered += u64::from((limits.lower..=limits.upper).contains(&truth));
                }
            }
            for covered in shares.into_iter().chain(quantiles) {
                let coverage = covered as f64 / RUNS as f64;
                assert!(coverage >= least(RUNS), "{}, {poller:?}: {coverage} {shares:?} {quantiles:?}", law.name);
            }
        }
    }
}

/// The percentile bootstrap of the estimated share at `t`: limits that many would print.
fn bootstrap(observations: &[Observation], t: f64, resamples: usize, chance: &mut ChaCha8Rng) -> (f64, f64) {
    let mut shares: Vec<f64> = (0..resamples)
        .map(|_| {
            let resample: Vec<Observation> =
                (0..observations.len()).map(|_| observations[chance.random_range(0..observations.len())]).collect();
            let (low, high) = npmle(&resample).cdf_bounds(t);
            f64::midpoint(low, high)
        })
        .collect();
    shares.sort_by(f64::total_cmp);
    let tail = resamples / 40;
    (shares[tail], shares[resamples - 1 - tail])
}

/// Every scan is looked at once, later when the one before it had not been visible: a poller that backs off.
#[test]
fn a_bootstrap_of_the_estimate_misses_the_truth_where_the_band_does_not() {
    let runs = 150;
    let t = 10.0_f64.ln();
    let (mut by_bootstrap, mut by_band) = (0, 0);
    for seed in 0..runs {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let mut patience = 1.0;
        let looks: Vec<Observation> = (0..50)
            .map(|_| {
                let window = -(1.0 - chance.random::<f64>()).ln();
                let look = patience * (0.1 + chance.random::<f64>());
                if window <= look {
                    patience = 1.0;
                    Observation::new(0.0, look)
                } else {
                    patience = 4.0_f64.min(patience * 2.0);
                    Observation::new(look, f64::INFINITY)
                }
            })
            .collect();
        let (low, high) = bootstrap(&looks, t, 80, &mut chance);
        by_bootstrap += u64::from((low..=high).contains(&0.9));
        let share = Band::new(&looks).visible_by(t, 0.95);
        by_band += u64::from((share.lower..=share.upper).contains(&0.9));
    }
    let (by_bootstrap, by_band) = (by_bootstrap as f64 / runs as f64, by_band as f64 / runs as f64);
    assert!(by_bootstrap < 0.85, "the bootstrap covered {by_bootstrap}");
    assert!(by_band >= least(runs), "the band covered {by_band}");
}
