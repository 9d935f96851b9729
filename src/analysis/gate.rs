//! The rates at the scheduled offsets: exact binomials, valid for any window law and any other polling.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::analysis::binomial::{Limits, clopper_pearson};
use crate::analysis::scan::ScanHistory;
use crate::analysis::sprt::{Crossing, Sprt, Walk};
use crate::model::answer::Answer;
use crate::model::exchange::Connection;
use crate::model::scenario::{Scenario, Stop, Tolerance};
use crate::model::time::{Nanos, Span};

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
    /// Where the scenario's sequential test was decided here, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crossed: Option<Crossing>,
}

impl OffsetRate {
    /// Share of polls that said `not_found`; `None` without polls.
    pub fn rate(&self) -> Option<f64> {
        (self.polls > 0).then(|| self.not_found as f64 / self.polls as f64)
    }
}

/// What one poll says of the gate offset it was meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample {
    /// Nothing: it left outside the tolerance.
    Late,
    /// Nothing: it was answered neither visible nor `not_found`.
    NoEvidence,
    /// The scan was visible.
    Visible,
    /// The scan was denied.
    Denied,
}

/// Takes a poll of a scan's `age` for the sample at `offset` that it was meant to be.
pub fn sample(age: Nanos, offset: Nanos, tolerance: Span, answer: Answer) -> Sample {
    if (age.0 - offset.0).abs() > tolerance.as_nanos().0 {
        Sample::Late
    } else if !answer.is_evidence() {
        Sample::NoEvidence
    } else if answer == Answer::NotFound {
        Sample::Denied
    } else {
        Sample::Visible
    }
}

/// The sequential test by which a scenario's gates are judged: for a tolerated rate that may be decided early. Its trials are
/// the scans, in the order of their numbers: in the order of their answers, quick ones would be tried first.
pub fn sequential_test(scenario: &Scenario) -> Option<Sprt> {
    let Tolerance::Rate { at_most, confidence } = scenario.expect.not_found else { return None };
    let detect = scenario.load.detect.filter(|_| scenario.expect.stop != Stop::Never)?;
    Sprt::new(at_most, detect.rate, 1.0 - confidence, 1.0 - detect.power)
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
        walk: Option<Walk>,
    }
    let test = sequential_test(scenario);
    let mut counts: BTreeMap<(u32, Nanos), Count> = BTreeMap::new();
    for (index, arm) in scenario.arms.iter().enumerate() {
        for offset in &arm.offsets {
            counts.entry((index as u32, offset.as_nanos())).or_default().walk = test.map(Walk::new);
        }
    }
    for scan in scans {
        let Some(arm) = scenario.arms.get(scan.arm() as usize) else { continue };
        let mut denied: BTreeMap<Nanos, bool> = BTreeMap::new();
        for poll in scan.gate_polls() {
            let Some(offset) = poll.offset.get() else { continue };
            let count = counts.entry((scan.arm(), offset)).or_default();
            match sample(scan.age(poll), offset, arm.tolerance, poll.answer) {
                Sample::Late => count.late += 1,
                Sample::NoEvidence => count.other += 1,
                told @ (Sample::Visible | Sample::Denied) => {
                    count.polls += 1;
                    count.not_found += u64::from(told == Sample::Denied);
                    *denied.entry(offset).or_default() |= told == Sample::Denied;
                }
            }
        }
        for (offset, denied) in denied {
            let count = counts.entry((scan.arm(), offset)).or_default();
            count.scans += 1;
            count.scans_denied += u64::from(denied);
            if let Some(walk) = &mut count.walk {
                walk.step(denied);
            }
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
                crossed: count.walk.as_ref().and_then(Walk::crossing),
            })
        })
        .collect()
}
