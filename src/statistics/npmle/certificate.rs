//! How good a set of masses is: probabilities of the brackets, the likelihood, its gradient, and the two certificates
//! (distance from the maximum, and whether the masses are the only ones).
//!
//! Sums run over prefixes, so everything is linear in cells and ranges. They carry their rounding error along: at
//! 100,000 windows the gap of 1e-9 nats is 14 digits below the terms it is a difference of.

use super::reduction::{Range, Reduction};

/// A sum with the rounding error it has made so far (Knuth's two-sum).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Carried {
    sum: f64,
    error: f64,
}

impl Carried {
    pub(super) fn add(&mut self, term: f64) {
        let sum = self.sum + term;
        let virtual_term = sum - self.sum;
        self.error += (self.sum - (sum - virtual_term)) + (term - virtual_term);
        self.sum = sum;
    }

    fn add_all(&mut self, other: Self) {
        self.add(other.sum);
        self.error += other.error;
    }

    fn minus(self, other: Self) -> f64 {
        (self.sum - other.sum) + (self.error - other.error)
    }

    pub(super) fn value(self) -> f64 {
        self.sum + self.error
    }
}

/// The probability of each range.
pub(super) fn probabilities(ranges: &[Range], masses: &[f64]) -> Vec<f64> {
    let mut before = Vec::with_capacity(masses.len() + 1);
    let mut sum = Carried::default();
    before.push(sum);
    for &mass in masses {
        sum.add(mass);
        before.push(sum);
    }
    ranges
        .iter()
        .map(|range| if range.first == range.last { masses[range.first] } else { before[range.last + 1].minus(before[range.first]) })
        .collect()
}

/// Negative infinity when a bracket that was observed has no probability.
pub(super) fn log_likelihood(ranges: &[Range], likely: &[f64]) -> f64 {
    let mut sum = Carried::default();
    for (range, &probability) in ranges.iter().zip(likely) {
        if probability <= 0.0 {
            return f64::NEG_INFINITY;
        }
        sum.add(range.weight as f64 * probability.ln());
    }
    sum.value()
}

/// For each cell the sum of `weight / probability` over the ranges that cover it.
pub(super) fn gradient(reduction: &Reduction, likely: &[f64]) -> Vec<f64> {
    let cells = reduction.cells.len();
    let mut change = vec![Carried::default(); cells + 1];
    for (range, &probability) in reduction.ranges.iter().zip(likely) {
        let pull = range.weight as f64 / probability;
        change[range.first].add(pull);
        change[range.last + 1].add(-pull);
    }
    let mut sum = Carried::default();
    change
        .iter()
        .take(cells)
        .map(|&change| {
            sum.add_all(change);
            sum.value()
        })
        .collect()
}

/// By concavity no distribution is more than this many nats better (zero at the maximum).
pub(super) fn gap(reduction: &Reduction, gradient: &[f64]) -> f64 {
    gradient.iter().copied().fold(f64::NEG_INFINITY, f64::max) - reduction.total
}

/// Whether the cells that may carry mass (those whose gradient equals the number of windows) have linearly
/// independent columns.
///
/// A range over cells `first..=last` fixes the difference of the distribution function at two boundaries, so it is an
/// edge between them, and the rank condition becomes: all boundaries hang together. No tolerance is involved but the
/// one that says which gradients are equal.
pub(super) fn masses_are_unique(reduction: &Reduction, gradient: &[f64]) -> bool {
    let threshold = reduction.total * (1.0 - 1e-7);
    // boundary[j] = how many of the candidate cells lie before cell j
    let mut boundary = Vec::with_capacity(gradient.len() + 1);
    let mut candidates = 0_usize;
    boundary.push(0);
    for &pull in gradient {
        candidates += usize::from(pull >= threshold);
        boundary.push(candidates);
    }
    let mut root: Vec<usize> = (0..=candidates).collect();
    // the masses sum to one: an edge from the first boundary to the last
    let mut parts = candidates + 1 - join(&mut root, 0, candidates);
    for range in &reduction.ranges {
        parts -= join(&mut root, boundary[range.first], boundary[range.last + 1]);
    }
    parts == 1
}

/// Joins two components; returns how many fewer there are.
fn join(root: &mut [usize], a: usize, b: usize) -> usize {
    let (a, b) = (find(root, a), find(root, b));
    root[a.max(b)] = a.min(b);
    usize::from(a != b)
}

fn find(root: &mut [usize], mut node: usize) -> usize {
    while root[node] != node {
        root[node] = root[root[node]];
        node = root[node];
    }
    node
}

/// The gap (nats) at which the estimate is done: 1e-9, or what the rounding of a gradient of this size allows, which
/// is more from a million windows on.
pub(super) fn enough(reduction: &Reduction) -> f64 {
    1e-9_f64.max(1e-15 * reduction.total)
}

pub(super) fn gap_of(reduction: &Reduction, masses: &[f64]) -> f64 {
    let likely = probabilities(&reduction.ranges, masses);
    gap(reduction, &gradient(reduction, &likely))
}

pub(super) fn normalise(masses: &mut [f64]) {
    let sum: f64 = masses.iter().sum();
    for mass in masses {
        *mass /= sum;
    }
}
