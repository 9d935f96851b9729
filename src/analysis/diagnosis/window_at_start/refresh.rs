//! G: scans that become visible at common instants.

use std::collections::BTreeMap;

use crate::analysis::diagnosis::dataset::{Dataset, ScanRow, median, ns};
use crate::analysis::diagnosis::fact::{Exclusion, Fact};
use crate::analysis::diagnosis::{Diagnosis, Strength};
use crate::model::fault::FaultClass;
use crate::model::shard::{Numbering, Share, owner};

/// G: scans become visible on a common lattice of instants, whatever their age.
pub(super) fn lattice(diagnosis: &mut Diagnosis, rows: &[&ScanRow<'_>]) -> bool {
    let mut ages = Vec::new();
    let mut instants = Vec::new();
    for row in rows {
        let (Some((after, until)), Some(t0)) = (row.start(), row.scan.t0()) else { continue };
        if until - after > 80.0 || row.denied_at_start().next().is_none() {
            continue;
        }
        let origin = t0.0 as f64 / 1e6;
        ages.push((after, until));
        instants.push((origin + after, origin + until));
    }
    let n = ages.len();
    if n < 12 {
        return false;
    }
    let by_age = stabbing(&mut ages);
    let by_instant = stabbing(&mut instants);
    let first = instants.iter().map(|bracket| bracket.1).fold(f64::INFINITY, f64::min);
    let last = instants.iter().map(|bracket| bracket.0).fold(0.0, f64::max);
    if by_instant.len() * 3 <= n && by_age.len() >= 4 && by_age.len() > by_instant.len() && by_instant.len() >= 3 {
        let gaps: Vec<f64> = by_instant.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let period = median(gaps).unwrap_or_default();
        diagnosis.found(
            FaultClass::G,
            Strength::Strong,
            vec![
                Fact::CommonInstants {
                    scans: n as u64,
                    asked_over_ns: ns(last - first),
                    instants: by_instant.len() as u64,
                    apart_ns: ns(period),
                },
                Fact::AgesDiffer { ages: by_age.len() as u64 },
            ],
        );
        return true;
    }
    diagnosis.excluded(FaultClass::G, Exclusion::NoCommonInstants { scans: n as u64, instants: by_instant.len() as u64 });
    false
}

/// The rows of one shard, the largest, where a log was put together from several: instants of different clocks are not to be
/// compared.
pub(super) fn on_one_clock<'r, 'a>(data: &Dataset<'a>, rows: Vec<&'r ScanRow<'a>>) -> Vec<&'r ScanRow<'a>> {
    let Some(share @ Share::Merged(_)) = &data.journal.run.shard else { return rows };
    let numbering = Numbering::of(&data.journal.scenarios);
    let mut by_shard: BTreeMap<u32, Vec<&ScanRow<'_>>> = BTreeMap::new();
    for row in rows {
        if let Some((load, place)) = numbering.place(row.scan.scenario(), row.scan.number()) {
            by_shard.entry(owner(share.of(), row.scan.scenario(), load, place)).or_default().push(row);
        }
    }
    // Of shards of equal size the first, so that the choice does not depend on anything else.
    by_shard.into_values().rev().max_by_key(Vec::len).unwrap_or_default()
}

/// The fewest points that touch every interval, by the greedy choice of right ends (which is optimal); the points are returned.
fn stabbing(intervals: &mut [(f64, f64)]) -> Vec<f64> {
    intervals.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut points: Vec<f64> = Vec::new();
    for (after, until) in intervals.iter() {
        if points.last().is_none_or(|point| point <= after) {
            points.push(*until);
        }
    }
    points
}
