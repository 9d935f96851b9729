//! Whether a log could be one of its twin's: one test over all that is compared, exact whatever the laws are.
//!
//! All logs, the observed one among them, are measured, and each is as far from the others as its aspects are from the others' means, in
//! their standard deviations. If the twin's settings are right, the observed log is one draw among equals, and the chance that it is among
//! the k farthest of n is at most k/n (Barnard, JRSS B 25, 1963; Besag and Clifford, Biometrika 76, 1989). The twin's settings are drawn
//! anew for each run from what is likely, so that not knowing them exactly rejects nobody.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::twin::aspects::{Aspect, Group};
use crate::analysis::twin::measures::{Measured, Measures};
use crate::statistics::compare::windows::{Scores, scores};
use crate::statistics::npmle::Observation;

/// How a log compares with runs of a twin.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Fit {
    /// The chance that a log of the twin's is at least as far from the others as the observed one.
    pub p: f64,
    /// How far the observed log is from the twin's, in standard deviations: the root of the sum of squares over groups of aspects.
    pub distance: f64,
    /// How many runs of the twin this rests on.
    pub runs: u64,
    /// What differs most, the largest first: none where the twin fits.
    pub misfits: Vec<Misfit>,
}

/// One aspect in which a log differs from its twin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Misfit {
    /// Which.
    pub aspect: Aspect,
    /// Its value in the log.
    pub observed: f64,
    /// The smallest in the twin's runs.
    pub twin_from: f64,
    /// The largest.
    pub twin_to: f64,
    /// The difference in standard deviations.
    pub z: f64,
}

/// Below this chance a twin is said not to fit.
pub const LEVEL: f64 = 0.05;

/// How many of the largest differences are kept.
const KEPT: usize = 3;

impl Fit {
    /// Compares a log with runs of a twin, of which there must be some.
    pub fn of(observed: &Measures, runs: &[&Measures]) -> Fit {
        let logs: Vec<&Measures> = std::iter::once(observed).chain(runs.iter().copied()).collect();
        let table = Table::of(&logs);
        let distances: Vec<f64> = (0..logs.len()).map(|log| table.distance(log)).collect();
        let as_far = distances[1..].iter().filter(|distance| **distance >= distances[0] - 1e-9).count();
        let p = (1 + as_far) as f64 / logs.len() as f64;
        let misfits = if p > LEVEL { Vec::new() } else { table.misfits() };
        Fit { p, distance: distances[0], runs: runs.len() as u64, misfits }
    }

    /// Whether the twin may be what was observed. Runs that are all but equal leave any log the farthest; what differs in nothing by
    /// much is no reason to reject.
    pub fn fits(&self) -> bool {
        self.p > LEVEL || self.misfits.iter().all(|misfit| misfit.z.abs() < REJECTS)
    }

    /// Whether the twin is so unlike the log that chance, and what a service has besides its fault, cannot be why.
    pub fn excludes(&self) -> bool {
        !self.fits() && self.misfits.iter().any(|misfit| misfit.z.abs() >= EXCLUDES)
    }
}

/// The aspects of all logs, the observed one first.
struct Table(BTreeMap<Aspect, Vec<Option<Measured>>>);

impl Table {
    fn of(logs: &[&Measures]) -> Table {
        let aspects: BTreeSet<Aspect> = logs.iter().flat_map(|log| log.aspects.keys().copied()).collect();
        let mut table: BTreeMap<Aspect, Vec<Option<Measured>>> =
            aspects.into_iter().map(|aspect| (aspect, logs.iter().map(|log| log.aspects.get(&aspect).copied()).collect())).collect();
        if let Some(ranks) = ranks(logs) {
            table.insert(Aspect::WindowRank, ranks);
        }
        Table(table)
    }

    /// How far one log is from the others.
    fn distance(&self, log: usize) -> f64 {
        let mut groups: BTreeMap<Group, f64> = BTreeMap::new();
        for (aspect, values) in &self.0 {
            if let Some(z) = z(values, log) {
                let largest = groups.entry(aspect.group()).or_default();
                *largest = largest.max(z.abs().min(FARTHEST));
            }
        }
        groups.values().map(|z| z * z).sum::<f64>().sqrt()
    }

    fn misfits(&self) -> Vec<Misfit> {
        let misfit = |(aspect, values): (&Aspect, &Vec<Option<Measured>>)| {
            let twins = || values[1..].iter().flatten().map(|twin| twin.value);
            Some(Misfit {
                aspect: *aspect,
                observed: values[0]?.value,
                twin_from: twins().reduce(f64::min)?,
                twin_to: twins().reduce(f64::max)?,
                z: z(values, 0)?,
            })
        };
        let mut misfits: Vec<Misfit> = self.0.iter().filter_map(misfit).filter(|misfit| misfit.z.abs() > MUCH).collect();
        misfits.sort_by(|a, b| b.z.abs().total_cmp(&a.z.abs()));
        misfits.truncate(KEPT);
        misfits
    }
}

/// A difference of more standard deviations is named.
const MUCH: f64 = 2.0;

/// A twin is rejected for a difference of at least as many: of some fifty aspects one is more than two away in most logs.
const REJECTS: f64 = 3.0;

/// And excluded for a difference of at least as many.
const EXCLUDES: f64 = 6.0;

/// Farther than this is as good as impossible.
const FARTHEST: f64 = 1e3;

/// One log's difference from the mean of the others, in their standard deviations.
fn z(values: &[Option<Measured>], log: usize) -> Option<f64> {
    let own = values[log]?;
    let others = || values.iter().enumerate().filter(|(other, _)| *other != log).filter_map(|(_, value)| *value);
    let n = others().count();
    if n < 2 {
        return None;
    }
    let mean = others().map(|other| other.value).sum::<f64>() / n as f64;
    let variance = others().map(|other| (other.value - mean).powi(2)).sum::<f64>() / (n - 1) as f64;
    let resolution = others().map(|other| other.resolution).sum::<f64>() / n as f64;
    Some((own.value - mean) / (variance + resolution * resolution).sqrt())
}

/// The mean score of each log's windows in the interval log-rank test over the windows of all logs together.
fn ranks(logs: &[&Measures]) -> Option<Vec<Option<Measured>>> {
    let all: Vec<Observation> = logs.iter().flat_map(|log| sampled(log)).map(|(after, until)| Observation::new(after, until)).collect();
    let differs = all.iter().any(|one| one.after > 0.0);
    if !differs || all.len() > MOST_WINDOWS {
        return None;
    }
    let scores = scores(&all, Scores::SunLogRank);
    let mut from = 0;
    let mean = |log: &&Measures| {
        let n = sampled(log).count();
        let own = &scores[from..from + n];
        from += n;
        let value = own.iter().sum::<f64>() / n.max(1) as f64;
        (n > 0 && value.is_finite()).then_some(Measured { value, resolution: 0.05 })
    };
    Some(logs.iter().map(mean).collect())
}

/// With more windows than this the estimate behind the scores takes longer than a twin's run.
const MOST_WINDOWS: usize = 6_000;
const WINDOWS_OF_A_LOG: usize = 150;

fn sampled(log: &Measures) -> impl Iterator<Item = (f64, f64)> + '_ {
    log.windows.iter().copied().step_by(log.windows.len().div_ceil(WINDOWS_OF_A_LOG).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(flapping: f64, held: f64) -> Measures {
        let measured = |value| Measured { value, resolution: 0.01 };
        Measures { aspects: [(Aspect::Flapping, measured(flapping)), (Aspect::HeldBack, measured(held))].into(), windows: Vec::new() }
    }

    /// Numbers without a pattern, the same in every run.
    fn noise(n: u64) -> f64 {
        (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64 / f64::from(1 << 24)
    }

    #[test]
    fn equals_are_rejected_no_more_often_than_the_level_says() {
        let rejected = (0..2000_u64)
            .filter(|trial| {
                let logs: Vec<Measures> =
                    (0..20).map(|log_index| log(noise(trial * 40 + log_index), noise(trial * 40 + 20 + log_index))).collect();
                !Fit::of(&logs[0], &logs[1..].iter().collect::<Vec<_>>()).fits()
            })
            .count();
        // One in twenty, within four standard errors.
        assert!(rejected <= 139, "{rejected} of 2000");
    }

    #[test]
    fn another_log_is_told_with_what_differs() {
        let twins: Vec<Measures> = (0..19).map(|n| log(0.2 + 0.02 * noise(n), 3.0)).collect();
        let fit = Fit::of(&log(0.9, 3.0), &twins.iter().collect::<Vec<_>>());
        assert_eq!((fit.fits(), fit.p), (false, 0.05));
        assert_eq!(fit.misfits.iter().map(|misfit| misfit.aspect).collect::<Vec<_>>(), [Aspect::Flapping]);
    }

    #[test]
    fn a_difference_below_the_resolution_tells_nothing() {
        let twins = vec![log(0.2, 3.0); 19];
        assert!(Fit::of(&log(0.2, 3.0), &twins.iter().collect::<Vec<_>>()).fits());
    }
}
