//! Which of two causes that both may be the log is it: one of them is out if the log is unlike all its runs just where the two differ.
//!
//! The aspects in which runs of the one differ from runs of the other are weighed by that difference (Fisher's linear discriminant, Annals of
//! Eugenics 7, 1936), of each group the one that differs most. The score of a log is a number, and those of a cause's runs, each scored
//! without itself, say how it is spread if the cause is right: the log is one draw among them. A test against everything at once, as `fit`
//! has it, is blunter, because what is alike in both outweighs the rest.

use std::collections::BTreeMap;

use crate::analysis::twin::aspects::{Aspect, Group};
use crate::analysis::twin::measures::Measures;
use crate::analysis::twin::rows::mean_and_variance;

/// So many standard deviations from the runs of the worse, besides being beyond all of them, so that more than one comparison of one log
/// hardly ever rejects the right cause.
const FAR: f64 = 3.5;

/// An aspect in which two causes differ by less than this many standard deviations says nothing.
const LEAST: f64 = 1.0;

/// Whether the log is better explained by the runs of one cause than by those of another, beyond chance.
pub(super) fn outdoes(observed: &Measures, better: &[Measures], worse: &[Measures]) -> bool {
    let weighed = weighed(observed, better, worse);
    if weighed.is_empty() || worse.len() < 3 || better.len() < 3 {
        return false;
    }
    let (all_better, all_worse): (Vec<&Measures>, Vec<&Measures>) = (better.iter().collect(), worse.iter().collect());
    let score = |log: &Measures, better: &[&Measures], worse: &[&Measures]| -> f64 {
        weighed.iter().filter_map(|aspect| contribution(log, *aspect, better, worse)).sum()
    };
    let of_worse: Vec<f64> = each_with_others(&all_worse).map(|(run, others)| score(run, &all_better, &others)).collect();
    let of_better: Vec<f64> = each_with_others(&all_better).map(|(run, others)| score(run, &others, &all_worse)).collect();
    let own = score(observed, &all_better, &all_worse);
    let (mean_worse, variance) = mean_and_variance(&of_worse);
    let (mean_better, _) = mean_and_variance(&of_better);
    let beyond_all = of_worse.iter().all(|score| *score < own);
    beyond_all && own > mean_worse + FAR * variance.sqrt() && own > f64::midpoint(mean_worse, mean_better)
}

/// Each of some runs, and the others.
fn each_with_others<'a>(all: &'a [&'a Measures]) -> impl Iterator<Item = (&'a Measures, Vec<&'a Measures>)> {
    all.iter().enumerate().map(|(left_out, run)| (*run, [&all[..left_out], &all[left_out + 1..]].concat()))
}

/// The aspects that all logs have and in which the runs of two causes differ, of each group the one that does most.
fn weighed(observed: &Measures, better: &[Measures], worse: &[Measures]) -> Vec<Aspect> {
    let (better, worse): (Vec<&Measures>, Vec<&Measures>) = (better.iter().collect(), worse.iter().collect());
    let mut most: BTreeMap<Group, (Aspect, f64)> = BTreeMap::new();
    for aspect in observed.aspects.keys() {
        let Some(effect) = Difference::of(*aspect, &better, &worse).map(|difference| difference.effect().abs()) else { continue };
        let most = most.entry(aspect.group()).or_insert((*aspect, effect));
        if effect > most.1 {
            *most = (*aspect, effect);
        }
    }
    most.into_values().filter(|(_, effect)| *effect >= LEAST).map(|(aspect, _)| aspect).collect()
}

fn contribution(log: &Measures, aspect: Aspect, better: &[&Measures], worse: &[&Measures]) -> Option<f64> {
    let difference = Difference::of(aspect, better, worse)?;
    let value = log.aspects.get(&aspect)?.value;
    let middle = f64::midpoint(difference.better, difference.worse);
    // A log beyond both is no more like the one than that one's own runs are.
    let reach = (difference.better - difference.worse).abs();
    let from_middle = (value - middle).clamp(-reach, reach);
    Some(from_middle * difference.effect() / difference.deviation)
}

/// How an aspect differs between the runs of two causes.
struct Difference {
    better: f64,
    worse: f64,
    deviation: f64,
}

impl Difference {
    fn of(aspect: Aspect, better: &[&Measures], worse: &[&Measures]) -> Option<Difference> {
        let all = |runs: &[&Measures]| -> Option<Vec<f64>> {
            runs.iter().map(|run| run.aspects.get(&aspect).map(|measured| measured.value)).collect()
        };
        let (of_better, of_worse) = (all(better)?, all(worse)?);
        let resolution = better.iter().chain(worse).filter_map(|run| run.aspects.get(&aspect)).map(|measured| measured.resolution);
        let resolution = resolution.fold(0.0, f64::max);
        let ((better, in_better), (worse, in_worse)) = (mean_and_variance(&of_better), mean_and_variance(&of_worse));
        let variance = f64::midpoint(in_better, in_worse) + resolution * resolution;
        Some(Difference { better, worse, deviation: variance.sqrt() })
    }

    /// In standard deviations.
    fn effect(&self) -> f64 {
        (self.better - self.worse) / self.deviation
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::twin::measures::Measured;

    /// Numbers without a pattern, the same in every run.
    fn noise(n: u64) -> f64 {
        (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64 / f64::from(1 << 24)
    }

    fn log(n: u64, flapping: f64, hidden: f64) -> Measures {
        let measured = |value| Measured { value, resolution: 0.01 };
        let aspects = [
            (Aspect::Flapping, measured(flapping + 0.1 * noise(3 * n))),
            (Aspect::ChangeHidden, measured(hidden + 0.1 * noise(3 * n + 1))),
            (Aspect::HeldBack, measured(noise(3 * n + 2))),
        ];
        Measures { aspects: aspects.into(), windows: Vec::new() }
    }

    #[test]
    fn of_two_causes_the_one_whose_runs_are_like_the_log_where_they_differ_is_kept() {
        let one: Vec<Measures> = (0..19).map(|n| log(n, 0.5, 0.0)).collect();
        let other: Vec<Measures> = (100..119).map(|n| log(n, 0.5, 0.6)).collect();
        assert!(outdoes(&log(300, 0.5, 0.0), &one, &other));
        assert!(!outdoes(&log(300, 0.5, 0.0), &other, &one));
        assert!(!outdoes(&log(300, 0.5, 0.3), &one, &other), "it is like neither");
    }

    #[test]
    fn the_right_cause_is_hardly_ever_rejected_for_one_that_is_the_same() {
        let rejected = (0..1000_u64)
            .filter(|trial| {
                let runs = |from: u64| (from..from + 19).map(|n| log(n, 0.5, 0.0)).collect::<Vec<_>>();
                outdoes(&log(trial * 40, 0.5, 0.0), &runs(trial * 40 + 1), &runs(trial * 40 + 20))
            })
            .count();
        assert!(rejected <= 10, "{rejected} of 1000");
    }
}
