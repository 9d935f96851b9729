//! What the first polls of scans say of their windows.

use crate::analysis::diagnosis::dataset::{Observation, ScanRow, median};

/// What is known of the windows, from scans whose first poll was not preceded by another.
pub(super) struct Windows {
    /// First polls of scans: how many, and how many were denied.
    pub(super) singles: usize,
    pub(super) denied: usize,
    /// The latest first poll that was denied, and the earliest age from which every later first poll saw its scan.
    pub(super) latest_denied: f64,
    /// Median of the brackets' ends.
    pub(super) median: Option<(f64, f64)>,
}

pub(super) fn windows(rows: &[&ScanRow<'_>]) -> Windows {
    let firsts = || rows.iter().filter_map(|row| row.observations.first());
    let denied = || firsts().filter(|observation| !observation.seen()).map(Observation::age);
    let brackets: Vec<(f64, f64)> =
        rows.iter().filter(|row| row.denied_at_start().next().is_some()).filter_map(|row| row.start()).collect();
    let median_of = |end: fn(&(f64, f64)) -> f64| median(brackets.iter().map(end).collect());
    Windows {
        singles: firsts().count(),
        denied: denied().count(),
        latest_denied: denied().fold(0.0, f64::max),
        median: median_of(|bracket| bracket.0).zip(median_of(|bracket| bracket.1)),
    }
}
