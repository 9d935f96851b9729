//! H: denials between two sights of a scan.

use crate::analysis::diagnosis::dataset::{Dataset, ScanRow, ns};
use crate::analysis::diagnosis::fact::Fact;
use crate::analysis::diagnosis::flapping::flaps::{Flapping, Flaps, Kind, RARE, Run, instants, runs};
use crate::analysis::diagnosis::open::OpenQuestion;
use crate::analysis::diagnosis::{Diagnosis, Strength};
use crate::model::fault::FaultClass;

/// H: denials lie together in time, between two sights, and pollers of one instant agree.
pub(super) fn holes(diagnosis: &mut Diagnosis, data: &Dataset<'_>, flaps: &Flaps<'_, '_>) -> Option<Flapping> {
    let holes: Vec<Run> = flaps.rows.iter().flat_map(|row| runs(row)).filter(|run| !run.seen).collect();
    let narrow = holes.iter().all(|run| run.observations <= 3 || run.to - run.from <= NARROW_MS);
    // A single hole in each scan is one of the scan's life, however wide; connections that disagree make several.
    let one_each = flaps.twice == 0 && flaps.rows.iter().all(|row| matches!(runs(row).as_slice(), [_, _, _]));
    // A hole's edge may fall between pollers of one instant; workers that disagree split nearly every instant.
    let rarely_split = flaps.split * 4 <= instants(data, flaps.until_ms);
    if !rarely_split || !((narrow && flaps.share() <= RARE) || one_each) || flaps.observations < 12 {
        return None;
    }
    let lie_together = flaps.together < 0.01;
    let at_one_age = flaps.rows.len() >= 2 && one_each && at_one_age(&flaps.rows) < 0.02;
    if !lie_together && !at_one_age {
        return None;
    }
    let widest = holes.iter().map(|run| run.to - run.from).fold(0.0, f64::max);
    let mut facts = vec![
        Fact::Holes {
            holes: holes.len() as u64,
            scans: flaps.rows.len() as u64,
            denied: flaps.denied as u64,
            polls: flaps.observations as u64,
        },
        Fact::WidestHole { at_least_ns: ns(widest) },
    ];
    if at_one_age && !lie_together {
        facts.push(Fact::HolesAtOneAge);
    }
    let idle = only_after_idleness(&flaps.rows);
    let sure = lie_together && flaps.is_repeated() && flaps.denied >= 4 && !idle;
    diagnosis.found(FaultClass::H, if sure { Strength::Strong } else { Strength::Moderate }, facts);
    if idle {
        diagnosis.open.push(OpenQuestion::HoleOrIdle);
    } else if !sure {
        diagnosis.open.push(OpenQuestion::HoleOrDisturbance { scans: flaps.rows.len() as u64 });
    }
    Some(Flapping { share: flaps.denied as f64 / flaps.observations.max(1) as f64, until_ms: flaps.until_ms, ..Flapping::of(Kind::Holes) })
}

/// A run of denials at most this long between two sights is a hole.
const NARROW_MS: f64 = 250.0;

/// Whether every hole began after a longer pause between polls than any sight came after.
fn only_after_idleness(rows: &[&ScanRow<'_>]) -> bool {
    let (mut before_hole, mut before_sight) = (f64::INFINITY, 0.0_f64);
    for row in rows {
        for pair in row.observations.windows(2) {
            let pause = pair[1].age() - pair[0].age();
            match (pair[0].seen(), pair[1].seen()) {
                (true, false) => before_hole = before_hole.min(pause),
                (true, true) => before_sight = before_sight.max(pause),
                _ => {}
            }
        }
    }
    before_sight > 0.0 && before_hole > 1.5 * before_sight
}

/// The chance that single holes lie at the same age in every scan by accident.
fn at_one_age(rows: &[&ScanRow<'_>]) -> f64 {
    let middle = |row: &ScanRow<'_>| runs(row).iter().find(|run| !run.seen).map_or(0.0, |run| f64::midpoint(run.from, run.to));
    let first = middle(rows[0]);
    // The share of a scan's polls that lie as near to the first hole as its own hole does.
    let chance = |row: &&ScanRow<'_>| {
        let wide = (middle(row) - first).abs() + 1.0;
        let near = row.after_seen().filter(|observation| (observation.age() - first).abs() <= wide).count();
        near as f64 / row.after_seen().count().max(1) as f64
    };
    rows.iter().skip(1).map(chance).product()
}
