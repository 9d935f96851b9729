//! Published laws of staleness as ground truth: reads that race with a write to three replicas (Bailis et al., "Probabilistically
//! Bounded Staleness for Practical Partial Quorums", VLDB 2012), one poll per scan at one of twenty ages.
//!
//! The truth is the paper's race, drawn here anew from its parameters: a write is acknowledged at `w = min(W + A)` over the replicas,
//! a read goes to the replica with the smallest `R + S`, and is fresh `t` after the acknowledgement if `t >= W - w - R` there.

use crate::support::virtual_run;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use statusgap::analysis::analyse;
use statusgap::statistics::band::Band;
use statusgap::statistics::npmle::Observation;
use virtual_run::{ONE_WAY_MS, Tried};

const RUNS: u64 = 200;
const SCANS: usize = 40;
const TRIALS: usize = 40_000;

/// A delay in ms: Pareto(xm, alpha) with probability p, else exponential with this rate.
#[derive(Clone, Copy)]
struct Delay {
    p: f64,
    xm: f64,
    alpha: f64,
    rate: f64,
}

struct Distribution {
    name: &'static str,
    write: Delay,
    rest: Delay,
    /// Ages in ms at which scans are polled.
    ages: [u64; 20],
}

const FAST: Delay = Delay { p: 0.9122, xm: 0.235, alpha: 10.0, rate: 1.66 };

const LAWS: [Distribution; 2] = [
    Distribution {
        name: "LNKD-DISK",
        write: Delay { p: 0.38, xm: 1.05, alpha: 1.51, rate: 0.183 },
        rest: FAST,
        ages: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 20, 25, 30, 40, 60],
    },
    Distribution {
        name: "YMMR",
        write: Delay { p: 0.939, xm: 3.0, alpha: 3.35, rate: 0.0028 },
        rest: Delay { p: 0.982, xm: 1.5, alpha: 3.8, rate: 0.0217 },
        ages: [0, 1, 2, 3, 5, 10, 20, 40, 60, 90, 120, 160, 200, 250, 300, 400, 500, 700, 1000, 1400],
    },
];

impl Delay {
    fn draw(self, chance: &mut ChaCha8Rng) -> f64 {
        let pareto = chance.random::<f64>() < self.p;
        let u = 1.0 - chance.random::<f64>();
        if pareto { self.xm * u.powf(-1.0 / self.alpha) } else { -u.ln() / self.rate }
    }
}

impl Distribution {
    /// How long after the acknowledgement a read must be sent to be fresh, in ms, for many writes and reads; sorted.
    fn needed(&self) -> Vec<f64> {
        let mut chance = ChaCha8Rng::seed_from_u64(2012);
        let mut needed: Vec<f64> = (0..TRIALS)
            .map(|_| {
                let writes: [f64; 3] = std::array::from_fn(|_| self.write.draw(&mut chance));
                let acknowledged = writes.iter().map(|write| write + self.rest.draw(&mut chance)).fold(f64::INFINITY, f64::min);
                let reads: [(f64, f64); 3] = std::array::from_fn(|_| (self.rest.draw(&mut chance), self.rest.draw(&mut chance)));
                let fastest = (0..3).min_by(|a, b| (reads[*a].0 + reads[*a].1).total_cmp(&(reads[*b].0 + reads[*b].1))).unwrap_or(0);
                writes[fastest] - acknowledged - reads[fastest].0
            })
            .collect();
        needed.sort_by(f64::total_cmp);
        needed
    }
}

/// The share of reads that are fresh when they are sent `t` ms after the acknowledgement.
fn fresh(needed: &[f64], t: f64) -> f64 {
    needed.partition_point(|needed| *needed <= t) as f64 / needed.len() as f64
}

#[test]
fn the_race_drawn_here_is_the_published_one() {
    for (law, at_zero, t999) in [(&LAWS[0], 0.437, 51.2), (&LAWS[1], 0.887, 1447.0)] {
        let needed = law.needed();
        assert!((fresh(&needed, 0.0) - at_zero).abs() < 0.01, "{}", law.name);
        assert!((fresh(&needed, t999) - 0.999).abs() < 0.001, "{}", law.name);
    }
}

#[test]
fn the_reported_bands_contain_the_published_curves() {
    for law in &LAWS {
        let needed = law.needed();
        // The answer with the id was a way's time under way when its age began, and so is the poll before it reads.
        let truth = law.ages.map(|age| fresh(&needed, (age + 2 * ONE_WAY_MS) as f64));
        let ages: Vec<String> = law.ages.iter().map(|age| format!("\"{age}ms\"")).collect();
        let shots = virtual_run::scenario(&format!(
            "[load]\nscans = {SCANS}\nevery = \"20ms\"\n[polls]\noffsets = [{}]\neach = \"one\"\nconnection = \"pre-opened\"\nfillers = 0\ntolerance = \"0s\"",
            ages.join(", ")
        ));
        // The scan's next write would come after 2 s and be a second chance to see it.
        let knobs = [("quorum", law.name), ("stage-profile", "1h")];
        let (mut points, mut shares, mut curves) = (0, 0, 0);
        let mut pooled = [(0_u64, 0_u64); 20];
        for seed in 0..RUNS {
            let analysis = analyse(&virtual_run::run(Tried { preset: "sound", knobs: &knobs, seed }, &shots));
            let seen = &analysis.scenarios[0];
            assert_eq!(seen.offsets.iter().map(|rate| rate.scans).sum::<u64>(), SCANS as u64, "every poll leaves in time");
            for ((rate, truth), pooled) in seen.offsets.iter().zip(truth).zip(&mut pooled) {
                points += u64::from((rate.lower..=rate.upper).contains(&(1.0 - truth)));
                *pooled = (pooled.0 + rate.scans - rate.scans_denied, pooled.1 + rate.scans);
            }
            for (share, truth) in seen.window.visible_by.iter().zip(truth) {
                shares += u64::from((share.lower..=share.upper).contains(&truth));
            }
            // A window in terms of the age at which the poll reads, which is a way's time after its sending. One that was over at the
            // first poll may have been over before its age began.
            let brackets = seen.window.observations().map(|seen| if seen.after > 0.0 { seen } else { Observation { after: -1.0, ..seen } });
            let whole = Band::of(brackets);
            let band = law.ages.iter().all(|age| {
                let share = whole.visible_by(*age as f64, 0.95);
                (share.lower..=share.upper).contains(&fresh(&needed, (age + ONE_WAY_MS) as f64))
            });
            curves += u64::from(band);
        }
        assert!(points * 100 >= 95 * 20 * RUNS, "{}: the limits at an offset hold in {points} of {}", law.name, 20 * RUNS);
        assert!(shares * 100 >= 95 * 20 * RUNS, "{}: the limits of a share hold in {shares} of {}", law.name, 20 * RUNS);
        assert!(curves * 100 >= 95 * RUNS, "{}: the whole band holds in {curves} of {RUNS} runs", law.name);
        // All runs together are not a band but an estimate, and so tell whether anything above could have failed.
        for ((age, truth), (seen, scans)) in law.ages.iter().zip(truth).zip(pooled) {
            let (share, scans) = (seen as f64 / scans as f64, scans as f64);
            let error = (truth * (1.0 - truth) / scans + 0.25 / TRIALS as f64).sqrt();
            assert!((share - truth).abs() < 4.0 * error + 0.002, "{} at {age} ms: {share} instead of {truth}", law.name);
        }
    }
}
