//! The settings of S and T: changes and deletions that are read back old.

use crate::analysis::twin::estimate::{Estimate, Evidence, Known, estimate, mixed};
use crate::analysis::twin::later::{AfterWrite, Write};
use crate::analysis::twin::law::{Bracketed, fit, longer_than};
use crate::model::fault::FaultClass;

/// S: status learns late of a change.
pub(super) fn updates(evidence: &Evidence<'_>) -> Vec<Estimate> {
    late(evidence, FaultClass::S, "update-lag", Write::Change)
}

/// T: status learns late of a deletion.
pub(super) fn deletions(evidence: &Evidence<'_>) -> Vec<Estimate> {
    late(evidence, FaultClass::T, "delete-lag", Write::Deletion)
}

fn late(evidence: &Evidence<'_>, class: FaultClass, knob: &'static str, write: Write) -> Vec<Estimate> {
    let followed: Vec<AfterWrite> = evidence.rows.iter().filter_map(|row| AfterWrite::of(row.scan, write, evidence.trip)).collect();
    if !followed.iter().any(AfterWrite::is_hidden) {
        return Vec::new();
    }
    let looks = || followed.iter().flat_map(|after| &after.looks);
    if followed.iter().any(AfterWrite::is_taken_back) {
        // Some readers know of it at once, and others do not.
        let looks: Vec<(f64, bool)> = looks().map(|look| (look.since, look.shown)).collect();
        return mixed(looks).map(|(lag, share)| estimate(class, &[(knob, Known::Law(lag)), ("change-share", share)])).into_iter().collect();
    }
    let last = |after: &AfterWrite| after.looks.last().map_or(0.0, |look| look.since);
    let brackets: Vec<Bracketed> =
        followed.iter().map(|after| Bracketed::new(after.shown_by().unwrap_or((last(after), f64::INFINITY)))).collect();
    let longest = followed.iter().map(last).fold(0.0, f64::max);
    let lag = fit(&brackets).unwrap_or_else(|| longer_than(longest));
    vec![estimate(class, &[(knob, Known::Law(lag))])]
}
