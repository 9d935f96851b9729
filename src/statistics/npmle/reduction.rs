//! From brackets to innermost intervals: the estimate can put mass only where some bracket has just begun and the
//! next end point is the end of some bracket. Every bracket then covers an unbroken range of such cells.

use super::Observation;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// An innermost interval `(left, right]`, or the point `left == right`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    pub(super) left: f64,
    pub(super) right: f64,
}

/// Observations that cover the cells `first..=last`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) weight: u64,
}

/// The problem in terms of cells: all the estimate depends on.
#[derive(Debug)]
pub(super) struct Reduction {
    pub(super) cells: Vec<Cell>,
    /// Distinct ranges, ordered.
    pub(super) ranges: Vec<Range>,
    /// Number of windows.
    pub(super) total: f64,
}

/// What happens at one instant, in this order: a point begins, whatever ends here ends, an open bracket begins.
/// The order is the half-open convention: `(0, 1]` and `(1, 2]` have no instant in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    PointBegins,
    Ends,
    Begins,
}

type End = (f64, Kind);

fn by_time(a: &End, b: &End) -> Ordering {
    // adding zero turns -0 into +0, which total_cmp would tell apart
    (a.0 + 0.0).total_cmp(&(b.0 + 0.0)).then(a.1.cmp(&b.1))
}

fn beginning(observation: &Observation) -> End {
    let kind = if observation.is_exact() { Kind::PointBegins } else { Kind::Begins };
    (observation.after, kind)
}

impl Reduction {
    pub(super) fn of(observations: &(impl ExactSizeIterator<Item = Observation> + Clone)) -> Self {
        let observed = || observations.clone().filter(|observation| observation.weight > 0);
        let mut ends: Vec<End> = Vec::with_capacity(2 * observations.len());
        for observation in observed() {
            observation.check();
            ends.push(beginning(&observation));
            ends.push((observation.until, Kind::Ends));
        }
        ends.sort_unstable_by(by_time);

        let mut beginnings: Vec<End> = Vec::new();
        let mut cells: Vec<Cell> = Vec::new();
        for pair in ends.windows(2) {
            if pair[0].1 != Kind::Ends && pair[1].1 == Kind::Ends {
                beginnings.push(pair[0]);
                cells.push(Cell { left: pair[0].0, right: pair[1].0 });
            }
        }

        let mut merged: BTreeMap<(usize, usize), u64> = BTreeMap::new();
        for observation in observed() {
            let from = beginning(&observation);
            let first = beginnings.partition_point(|begins| by_time(begins, &from).is_lt());
            let past = cells.partition_point(|cell| cell.right <= observation.until);
            *merged.entry((first, past - 1)).or_default() += observation.weight;
        }
        let ranges: Vec<Range> = merged.into_iter().map(|((first, last), weight)| Range { first, last, weight }).collect();
        let total = ranges.iter().map(|range| range.weight as f64).sum();
        Self { cells, ranges, total }
    }

    pub(super) fn last_cell(&self) -> usize {
        self.cells.len() - 1
    }
}
