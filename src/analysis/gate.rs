//! The rates at the scheduled offsets: exact binomials, valid for any window law and any other polling.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::analysis::binomial::{Limits, clopper_pearson};
use crate::analysis::scan::ScanHistory;
use crate::model::answer::Answer;
use crate::model::exchange::Connection;
use crate::model::scenario::Scenario;
use crate::model::time::Nanos;

/// What was answered at one scheduled offset on one kind of connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OffsetRate {
    /// The age asked for.
    pub at: Nanos,
    /// The arm's name.
    pub arm: String,
    /// How the polls travelled.
    pub connection: Connection,
    /// Polls that said visible or `not_found` and were sent within the tolerance.
    pub polls: u64,
    /// Those among them that said `not_found`.
    pub not_found: u64,
    /// Polls that said neither.
    pub other: u64,
    /// Polls outside the tolerance: void for this offset.
    pub late: u64,
    /// Scans behind these polls: the sample size of the limits, since polls of one scan are not independent.
    pub scans: u64,
    /// Scans with at least one `not_found` here.
    pub scans_denied: u64,
    /// Clopper–Pearson limits at 95 % for the share of scans that are denied at this offset.
    pub lower: f64,
    /// Its upper limit.
    pub upper: f64,
}

impl OffsetRate {
    /// Share of polls that said `not_found`; `None` without polls.
    pub fn rate(&self) -> Option<f64> {
        (self.polls > 0).then(|| self.not_found as f64 / self.polls as f64)
    }
}

/// The rates of one scenario, by arm and offset. Every planned offset has its row, polled or not.
pub fn offset_rates(scenario: &Scenario, scans: &[&ScanHistory<'_>]) -> Vec<OffsetRate> {
    #[derive(Default)]
    struct Count {
        polls: u64,
        not_found: u64,
        other: u64,
        late: u64,
        scans: u64,
        scans_denied: u64,
    }
    let mut counts: BTreeMap<(u32, Nanos), Count> = BTreeMap::new();
    for (index, arm) in scenario.arms.iter().enumerate() {
        for offset in &arm.offsets {
            counts.entry((index as u32, offset.as_nanos())).or_default();
        }
    }
    for scan in scans {
        let Some(arm) = scenario.arms.get(scan.arm as usize) else { continue };
        let tolerance = arm.tolerance.as_nanos().0;
        let mut denied: BTreeMap<Nanos, bool> = BTreeMap::new();
        for poll in scan.gate_polls() {
            let Some(offset) = poll.offset else { continue };
            let count = counts.entry((scan.arm, offset)).or_default();
            if (scan.age(poll).0 - offset.0).abs() > tolerance {
                count.late += 1;
            } else if poll.answer.is_evidence() {
                count.polls += 1;
                let not_found = poll.answer == Answer::NotFound;
                count.not_found += u64::from(not_found);
                *denied.entry(offset).or_default() |= not_found;
            } else {
                count.other += 1;
            }
        }
        for (offset, denied) in denied {
            let count = counts.entry((scan.arm, offset)).or_default();
            count.scans += 1;
            count.scans_denied += u64::from(denied);
        }
    }
    counts
        .into_iter()
        .filter_map(|((arm, at), count)| {
            let arm = scenario.arms.get(arm as usize)?;
            // Without a scan nothing is excluded.
            let limits =
                if count.scans == 0 { Limits { lower: 0.0, upper: 1.0 } } else { clopper_pearson(count.scans_denied, count.scans, 0.95) };
            Some(OffsetRate {
                at,
                arm: arm.name.clone(),
                connection: arm.connection,
                polls: count.polls,
                not_found: count.not_found,
                other: count.other,
                late: count.late,
                scans: count.scans,
                scans_denied: count.scans_denied,
                lower: limits.lower,
                upper: limits.upper,
            })
        })
        .collect()
}
