//! Newton's method on the cells that carry mass, with cells entering and leaving (an active-set method).
//!
//! The sum-to-one constraint is dropped: `log-likelihood - n * sum of masses` has the same maximum over nonnegative
//! masses, and there the sum is one. What is left per step is a nonnegative least-squares problem. Cells leave while it
//! is solved (each costs a few rotations of the Cholesky factor) and enter where the gradient peaks above `n`.
//! Sources: Wang, JRSS B 69 (2007); Groeneboom, Jongbloed & Wellner, Scand. J. Statist. 35 (2008); Lawson & Hanson (1974).

use super::certificate::{enough, gap_of, gradient, log_likelihood, normalise, probabilities};
use super::cholesky::{Factor, Square};
use super::reduction::Reduction;

const STEPS: usize = 120;
/// Entries of the largest matrix: 128 MB.
const LARGEST_ORDER: usize = 4000;
/// Multiplications to factor it: about a second.
const LARGEST_EFFORT: usize = 1_500_000_000;

/// Masses in all cells, most of them zero.
#[derive(Debug, Clone)]
pub(super) struct Support {
    masses: Vec<f64>,
}

impl Support {
    /// Drops what the linear steps have only left behind; a cell dropped in error comes back by its gradient.
    pub(super) fn of(reduction: &Reduction, masses: &[f64]) -> Self {
        let small = 1e-3 / reduction.total;
        let mut kept: Vec<f64> = masses.iter().map(|&mass| if mass < small { 0.0 } else { mass }).collect();
        let likely = probabilities(&reduction.ranges, &kept);
        for (range, probability) in reduction.ranges.iter().zip(likely) {
            if probability <= 0.0 {
                // this bracket keeps its best cell
                let cells = range.first..=range.last;
                if let Some(best) = cells.max_by(|&a, &b| masses[a].total_cmp(&masses[b])) {
                    kept[best] = masses[best].max(small);
                }
            }
        }
        normalise(&mut kept);
        Self { masses: kept }
    }
}

/// The maximum, or `None` when it was not reached within the steps or the matrix would be too large.
pub(super) fn finish(reduction: &Reduction, start: &Support) -> Option<Vec<f64>> {
    let mut masses = start.masses.clone();
    let mut last_gain = f64::INFINITY;
    for _ in 0..STEPS {
        let likely = probabilities(&reduction.ranges, &masses);
        let pulls = gradient(reduction, &likely);
        let cells = candidates(reduction, &masses, &pulls);
        if cells.len() > LARGEST_ORDER {
            return None;
        }
        let places = Places::of(reduction, &cells);
        if places.effort() > LARGEST_EFFORT {
            return None;
        }
        let now: Vec<f64> = cells.iter().map(|&cell| masses[cell]).collect();
        let excess: Vec<f64> = cells.iter().map(|&cell| pulls[cell] - reduction.total).collect();
        let target = best_nonnegative(&places.curvature(reduction, &likely), places.reach, &excess, &now);
        // the gain that the parabola promises, twice
        let gain: f64 = target.iter().zip(&now).zip(&excess).map(|((to, from), pull)| (to - from) * pull).sum();
        let entered = now.contains(&0.0);
        let settled = !entered && (gain.abs() < 1e-22 || (gain < 1e-12 && gain > 0.1 * last_gain));
        last_gain = gain;
        if !advance(reduction, &mut masses, &cells, &target, gain) || settled {
            break;
        }
    }
    let kept = without_dust(reduction, masses);
    (gap_of(reduction, &kept) < enough(reduction)).then_some(kept)
}

/// Cells with mass, and between each two of them the cell where the gradient peaks, when it does so above `n`.
fn candidates(reduction: &Reduction, masses: &[f64], pulls: &[f64]) -> Vec<usize> {
    // by more than the rounding of the gradient
    let above = reduction.total + enough(reduction) / 10.0;
    let mut cells = Vec::new();
    let mut peak: Option<usize> = None;
    for cell in 0..masses.len() {
        if masses[cell] > 0.0 {
            cells.extend(peak.take());
            cells.push(cell);
        } else if pulls[cell] > peak.map_or(above, |best| pulls[best]) {
            peak = Some(cell);
        }
    }
    cells.extend(peak);
    cells
}

/// Moves towards the target as far as the likelihood rises; `false` when it does not.
fn advance(reduction: &Reduction, masses: &mut [f64], cells: &[usize], target: &[f64], gain: f64) -> bool {
    let value = |masses: &[f64]| {
        let sum: f64 = masses.iter().sum();
        log_likelihood(&reduction.ranges, &probabilities(&reduction.ranges, masses)) - reduction.total * sum
    };
    let now = value(masses);
    // below this a rise drowns in the rounding of the likelihood, and the parabola is the better judge
    let drowned = 1e-13 * now.abs().max(1.0);
    let mut share = 1.0;
    for _ in 0..40 {
        let mut trial = masses.to_vec();
        for (&cell, &to) in cells.iter().zip(target) {
            // at full length the target itself, so that what leaves is exactly zero
            trial[cell] = if share < 1.0 { masses[cell] + share * (to - masses[cell]) } else { to };
        }
        let there = value(&trial);
        if there.is_finite() && there >= now + 1e-4 * share * gain - drowned {
            normalise(&mut trial);
            masses.copy_from_slice(&trial);
            return true;
        }
        share *= 0.5;
    }
    false
}

/// Masses below rounding are zero, unless the certificate needs them.
fn without_dust(reduction: &Reduction, masses: Vec<f64>) -> Vec<f64> {
    let mut clean: Vec<f64> = masses.iter().map(|&mass| if mass < 1e-12 { 0.0 } else { mass }).collect();
    normalise(&mut clean);
    let gap = gap_of(reduction, &clean);
    if gap.is_finite() && gap <= gap_of(reduction, &masses).max(enough(reduction) / 10.0) { clean } else { masses }
}

/// Where the candidate cells lie in the brackets.
struct Places {
    /// For each boundary between cells the number of candidates before it.
    before: Vec<usize>,
    /// For each candidate the last one that shares a bracket with it or with an earlier one. Beyond, a row of the
    /// curvature and of its factor is zero: narrow brackets make a narrow matrix.
    reach: Vec<usize>,
}

impl Places {
    fn of(reduction: &Reduction, cells: &[usize]) -> Self {
        let mut before = vec![0; reduction.cells.len() + 1];
        for &cell in cells {
            before[cell + 1] = 1;
        }
        for cell in 0..reduction.cells.len() {
            before[cell + 1] += before[cell];
        }
        let mut reach: Vec<usize> = (0..cells.len()).collect();
        for range in &reduction.ranges {
            let (first, past) = (before[range.first], before[range.last + 1]);
            if first < past {
                reach[first] = reach[first].max(past - 1);
            }
        }
        for candidate in 1..reach.len() {
            reach[candidate] = reach[candidate].max(reach[candidate - 1]);
        }
        Self { before, reach }
    }

    /// Multiplications to factor the curvature.
    fn effort(&self) -> usize {
        self.reach.iter().enumerate().map(|(row, reach)| (reach - row + 1).pow(2) / 2).sum()
    }

    /// Second derivatives of the log-likelihood in the masses of the candidates, negated; upper triangle.
    ///
    /// A bracket covers a range of candidates, so each entry is a corner sum of a table, and two sweeps give them all.
    fn curvature(&self, reduction: &Reduction, likely: &[f64]) -> Square {
        let order = self.reach.len();
        let mut table = Square::zero(order);
        for (range, &probability) in reduction.ranges.iter().zip(likely) {
            let (first, past) = (self.before[range.first], self.before[range.last + 1]);
            if first < past {
                table.row_mut(first)[past - 1] += range.weight as f64 / (probability * probability);
            }
        }
        for row in 1..order {
            let (above, below) = table.two_rows(row - 1, row);
            for (entry, add) in below[row..].iter_mut().zip(&above[row..]) {
                *entry += *add;
            }
        }
        for row in 0..order {
            let entries = table.row_mut(row);
            for column in (row + 1..order).rev() {
                entries[column - 1] += entries[column];
            }
        }
        table
    }
}

/// Where the parabola with this gradient (`excess`) and curvature at `now` is highest among nonnegative masses, up to
/// cells that have left and would return: those are seen by the next step's gradient.
fn best_nonnegative(curvature: &Square, reach: Vec<usize>, excess: &[f64], now: &[f64]) -> Vec<f64> {
    let order = now.len();
    let symmetric = |a: usize, b: usize| curvature.row(a.min(b))[a.max(b)];
    let mut inside: Vec<usize> = (0..order).collect();
    let mut factor = Factor::of(curvature, reach);
    let mut at = now.to_vec();
    // the gradient of the parabola at `now` without the masses that have left
    let mut pull = excess.to_vec();
    loop {
        let right: Vec<f64> = inside.iter().map(|&index| pull[index]).collect();
        let change = factor.solve(right);
        let goal: Vec<f64> = inside.iter().zip(&change).map(|(&index, change)| now[index] + change).collect();
        let mut share = 1.0_f64;
        for (&index, &goal) in inside.iter().zip(&goal) {
            if goal <= 0.0 {
                share = share.min(at[index] / (at[index] - goal));
            }
        }
        // a cell that is at zero already and wants to go below makes the quotient 0 / positive, or 0 / 0
        let share = if share.is_nan() { 0.0 } else { share };
        let mut leaving = Vec::new();
        for (place, (&index, &goal)) in inside.iter().zip(&goal).enumerate() {
            let reached = at[index] + share * (goal - at[index]);
            if goal <= 0.0 && reached <= at[index].max(1e-300) * 1e-12 {
                leaving.push(place);
                at[index] = 0.0;
            } else {
                at[index] = reached;
            }
        }
        if leaving.is_empty() {
            return at;
        }
        for &place in leaving.iter().rev() {
            let gone = inside.remove(place);
            factor.remove(place);
            for &index in &inside {
                pull[index] += symmetric(index, gone) * now[gone];
            }
        }
        if inside.is_empty() {
            return now.to_vec();
        }
    }
}
