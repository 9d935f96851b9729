//! How punctual the probe was: planned against actual sending.

use crate::analysis::scan::ScanHistory;
use crate::statistics::band::quantile_needs;

/// Lateness of the polls at gate offsets, in milliseconds. A prober that is late measures itself.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Punctuality {
    /// Polls at gate offsets.
    pub polls: u64,
    /// Half of them left at most this late.
    pub p50_ms: f64,
    /// 99 % of them left at most this late.
    pub p99_ms: f64,
    /// The latest.
    pub max_ms: f64,
}

impl Punctuality {
    /// The 99th percentile, if there are as many polls as it needs.
    pub fn told_p99_ms(&self) -> Option<f64> {
        (self.polls >= quantile_needs(0.99)).then_some(self.p99_ms)
    }

    /// The median, if there are as many polls as it needs.
    pub fn told_p50_ms(&self) -> Option<f64> {
        (self.polls >= quantile_needs(0.5)).then_some(self.p50_ms)
    }
}

/// Measures the lateness of the polls at gate offsets. Quantiles are nearest-rank.
pub fn punctuality(scans: &[&ScanHistory<'_>]) -> Punctuality {
    let mut late: Vec<f64> = scans.iter().flat_map(|scan| scan.gate_polls()).map(|poll| poll.lateness().as_ms().abs()).collect();
    late.sort_by(f64::total_cmp);
    let rank = |p: f64| late.get(((p * late.len() as f64).ceil() as usize).saturating_sub(1)).copied().unwrap_or_default();
    Punctuality { polls: late.len() as u64, p50_ms: rank(0.5), p99_ms: rank(0.99), max_ms: late.last().copied().unwrap_or_default() }
}
