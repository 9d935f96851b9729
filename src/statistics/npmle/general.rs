//! Overlapping brackets: a start by expectation–maximisation and convex-minorant steps, a finish by Newton steps.
//!
//! The first kind of step treats all cells at once in linear time and finds where the mass is, but creeps at the end;
//! the second works on the few cells with mass and doubles the digits with each step.

use super::Method;
use super::certificate::{enough, gap_of, gradient, normalise, probabilities};
use super::convex_minorant;
use super::newton;
use super::reduction::Reduction;

/// Rounds before the support is handed to Newton; more of them cost more than they save.
const START_ROUNDS: usize = 24;
/// Rounds when no Newton step is possible.
const ROUNDS: usize = 20_000;

pub(super) fn estimate(reduction: &Reduction) -> (Method, Vec<f64>) {
    let cells = reduction.cells.len();
    let mut masses = vec![1.0 / cells as f64; cells];
    for _ in 0..3 {
        expectation_step(reduction, &mut masses);
    }
    let mut rounds = 0;
    loop {
        for _ in 0..START_ROUNDS {
            expectation_step(reduction, &mut masses);
            convex_minorant::step(reduction, &mut masses);
        }
        rounds += START_ROUNDS;
        let support = newton::Support::of(reduction, &masses);
        if let Some(finished) = newton::finish(reduction, &support) {
            return (Method::Newton, finished);
        }
        if rounds >= ROUNDS || gap_of(reduction, &masses) < enough(reduction) / 5.0 {
            return (Method::ConvexMinorant, masses);
        }
    }
}

/// Turnbull's self-consistency step: each mass is multiplied by its mean share of the brackets that cover it.
fn expectation_step(reduction: &Reduction, masses: &mut [f64]) {
    let likely = probabilities(&reduction.ranges, masses);
    let pulls = gradient(reduction, &likely);
    for (mass, pull) in masses.iter_mut().zip(&pulls) {
        *mass *= pull.max(0.0) / reduction.total;
    }
    normalise(masses);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::npmle::Observation;

    /// What a support too large for a matrix has to do with.
    #[test]
    fn linear_steps_alone_reach_the_same_masses_as_newton() {
        let brackets: Vec<Observation> = (0..200)
            .map(|k| {
                let start = f64::from(k * 73 % 199);
                Observation::new(start, start + f64::from(1 + k % 9))
            })
            .collect();
        let reduction = Reduction::of(&brackets.iter().copied());
        let (method, finished) = estimate(&reduction);
        assert_eq!(method, Method::Newton);
        let mut masses = vec![1.0 / finished.len() as f64; finished.len()];
        let mut rounds = 0;
        while gap_of(&reduction, &masses) > 1e-9 {
            expectation_step(&reduction, &mut masses);
            convex_minorant::step(&reduction, &mut masses);
            rounds += 1;
            assert!(rounds < 20_000, "gap {}", gap_of(&reduction, &masses));
        }
        for (slow, fast) in masses.iter().zip(&finished) {
            assert!((slow - fast).abs() < 1e-5, "{slow} {fast}");
        }
    }
}
