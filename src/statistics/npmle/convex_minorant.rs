//! One step of the modified iterative convex minorant algorithm.
//!
//! The likelihood is approximated at the current distribution function by a parabola with a diagonal Hessian, whose
//! best nondecreasing function is a weighted isotonic regression; a line search keeps the step an ascent.
//! Sources: Groeneboom & Wellner (1992); Jongbloed, J. Comput. Graph. Statist. 7 (1998); Wellner & Zhan, JASA 92 (1997).

use super::certificate::{log_likelihood, probabilities};
use super::reduction::Reduction;

/// Replaces the masses by better ones; leaves them alone when no better ones lie along the step.
pub(super) fn step(reduction: &Reduction, masses: &mut [f64]) {
    let cells = masses.len();
    if cells < 2 {
        return;
    }
    let likely = probabilities(&reduction.ranges, masses);
    let now = log_likelihood(&reduction.ranges, &likely);
    // the value of the distribution function at the boundary after each cell but the last
    let mut slope = vec![0.0; cells - 1];
    let mut curvature = vec![0.0; cells - 1];
    for (range, &probability) in reduction.ranges.iter().zip(&likely) {
        let pull = range.weight as f64 / probability;
        let bend = pull / probability;
        if range.last + 1 < cells {
            slope[range.last] += pull;
            curvature[range.last] += bend;
        }
        if range.first > 0 {
            slope[range.first - 1] -= pull;
            curvature[range.first - 1] += bend;
        }
    }
    let mut reached = 0.0;
    let aim: Vec<f64> = (0..cells - 1)
        .map(|cell| {
            reached += masses[cell];
            reached + slope[cell] / curvature[cell]
        })
        .collect();
    let target = isotonic(&aim, &curvature);
    let mut before = 0.0;
    let target: Vec<f64> = target
        .into_iter()
        .map(|value| value.clamp(0.0, 1.0))
        .chain([1.0])
        .map(|value| {
            let mass = value - before;
            before = value;
            mass
        })
        .collect();

    let mut share = 1.0;
    while share > 1e-6 {
        let trial: Vec<f64> = masses.iter().zip(&target).map(|(mass, target)| mass + share * (target - mass)).collect();
        let value = log_likelihood(&reduction.ranges, &probabilities(&reduction.ranges, &trial));
        if value > now {
            masses.copy_from_slice(&trial);
            return;
        }
        share *= 0.5;
    }
}

/// Weighted least-squares nondecreasing fit (pool adjacent violators).
fn isotonic(values: &[f64], weights: &[f64]) -> Vec<f64> {
    // mean, weight, width
    let mut pools: Vec<(f64, f64, usize)> = Vec::with_capacity(values.len());
    for (&value, &weight) in values.iter().zip(weights) {
        pools.push((value, weight, 1));
        while let [.., before, last] = pools[..] {
            if before.0 < last.0 {
                break;
            }
            pools.pop();
            pools.pop();
            let weight = before.1 + last.1;
            pools.push(((before.0 * before.1 + last.0 * last.1) / weight, weight, before.2 + last.2));
        }
    }
    pools.into_iter().flat_map(|(mean, _, width)| std::iter::repeat_n(mean, width)).collect()
}
