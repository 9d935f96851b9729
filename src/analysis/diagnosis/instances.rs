//! Whether workers that each have a memory of their own explain who was denied how often.

use std::collections::BTreeMap;

use crate::analysis::diagnosis::dataset::Dataset;
use crate::statistics::compare::rates::Rates;

/// What speaks for and against memories of their own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Instances {
    /// ln of how many times better the best division into workers explains the denials than chance alike for every poll.
    pub(super) ln_ratio: f64,
    /// Polls on the initiator's connection, of scans that had been visible: denied, and all.
    pub(super) kept: (u64, u64),
    /// The chance of so few denials on kept connections if the connection made no difference.
    pub(super) kept_p: f64,
}

impl Instances {
    /// Whether the denials depend on the connection.
    pub(super) fn by_connection(&self) -> bool {
        self.kept_p < 1e-3
    }

    /// Whether a kept connection gave both answers about one scan, which the connection of one worker does not.
    pub(super) fn kept_disagree(&self) -> bool {
        self.kept.0 > 0
    }

    /// Whether no division into workers explains them.
    pub(super) fn refuted(&self) -> bool {
        self.ln_ratio < -20.0_f64.ln()
    }

    /// Whether a division into workers explains them, and equal chance for every poll does not.
    pub(super) fn supported(&self) -> bool {
        self.ln_ratio > 20.0_f64.ln()
    }
}

/// Scans that are alike: denied and all polls after each was seen, and all its polls.
struct Alike {
    denied: f64,
    observations: f64,
    all: i32,
    scans: f64,
}

/// A worker with weight w accepts a share w of scans, and all others deny those: a poll is denied with 1 − w. So a small worker
/// makes a few scans that are nearly always denied, and equal ones deny a half at least; equal chance for every poll does neither.
pub(super) fn weigh(data: &Dataset<'_>) -> Instances {
    let mut alike: BTreeMap<(u32, u32, usize), u32> = BTreeMap::new();
    for row in data.watched() {
        let (observations, denied) = row
            .after_seen()
            .fold((0_u32, 0_u32), |(observations, denied), observation| (observations + 1, denied + u32::from(!observation.seen())));
        if observations > 0 {
            *alike.entry((denied, observations, row.observations.len())).or_default() += 1;
        }
    }
    let scans: Vec<Alike> = alike
        .into_iter()
        .map(|((denied, observations, all), scans)| Alike {
            denied: f64::from(denied),
            observations: f64::from(observations),
            all: i32::try_from(all).unwrap_or(i32::MAX),
            scans: f64::from(scans),
        })
        .collect();
    let denied: f64 = scans.iter().map(|alike| alike.scans * alike.denied).sum();
    let observations: f64 = scans.iter().map(|alike| alike.scans * alike.observations).sum();
    let ln_of = |scan: &Alike, share: f64| {
        let share = share.clamp(1e-6, 1.0 - 1e-6);
        scan.denied * share.ln() + (scan.observations - scan.denied) * (-share).ln_1p()
    };
    let random: f64 = scans.iter().map(|scan| scan.scans * ln_of(scan, denied / observations.max(1.0))).sum();
    let workers = |weights: &[(f64, f64)]| -> f64 {
        scans
            .iter()
            .map(|scan| {
                // A scan is compared only if it was seen at all, which a small worker's often is not.
                let seen = |weight: f64| 1.0 - (1.0 - weight).powi(scan.all);
                let all: f64 = weights.iter().map(|(many, weight)| many * weight * seen(*weight)).sum();
                let terms: Vec<f64> =
                    weights.iter().map(|(many, weight)| (many * weight * seen(*weight) / all).ln() + ln_of(scan, 1.0 - weight)).collect();
                let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                scan.scans * (largest + terms.iter().map(|term| (term - largest).exp()).sum::<f64>().ln())
            })
            .sum()
    };
    let mut best = f64::NEG_INFINITY;
    for n in 2..=32 {
        best = best.max(workers(&[(f64::from(n), 1.0 / f64::from(n))]));
    }
    // One worker of any weight, and one to three that share the rest.
    for others in [1.0, 2.0, 3.0] {
        for step in 1..100 {
            let large = f64::from(step) / 100.0;
            best = best.max(workers(&[(1.0, large), (others, (1.0 - large) / others)]));
        }
        for small in [0.001, 0.002, 0.005] {
            best = best.max(workers(&[(1.0, 1.0 - small), (others, small / others)]));
        }
    }
    let kept = data.rows.iter().fold((0, 0), |(denied, all), row| {
        row.kept_after_seen().fold((denied, all), |(denied, all), seen| (denied + u64::from(!seen), all + 1))
    });
    let test = Rates { base_events: denied as u64, base_trials: observations as u64, new_events: kept.0, new_trials: kept.1 };
    Instances { ln_ratio: best - random, kept, kept_p: test.fisher().p_lower }
}
