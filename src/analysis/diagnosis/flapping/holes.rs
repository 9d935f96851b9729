//! H: denials between two sights of a scan.

use crate::analysis::diagnosis::chance::all_among;
use crate::analysis::diagnosis::dataset::{Dataset, Observation, ScanRow, ns};
use crate::analysis::diagnosis::fact::Fact;
use crate::analysis::diagnosis::flapping::flaps::{self, Flapping, Flaps, Kind, Run, instants, runs};
use crate::analysis::diagnosis::open::OpenQuestion;
use crate::analysis::diagnosis::thresholds::{CHANCE, FEW_SCANS, MOMENT_MS, RARE_CHANCE};
use crate::analysis::diagnosis::{Diagnosis, Strength};
use crate::model::fault::FaultClass;

/// H: the instant decides whether a scan is denied, and not the poller: denials lie together in time, or where what the scan shows
/// changes, or at one age, and pollers of one instant agree.
pub(super) fn holes(diagnosis: &mut Diagnosis, data: &Dataset<'_>, flaps: &Flaps<'_, '_>) -> Option<Flapping> {
    // A hole's edge may fall between pollers of one instant; workers that disagree split nearly every instant.
    let rarely_split = flaps.split * 4 <= instants(data, flaps.until_ms);
    if !rarely_split || flaps.observations < 12 || flaps.denied < 2 {
        return None;
    }
    // New scans are denied at the same ages: a copy that lags hides what another one has shown, and nothing was taken out.
    let window = data.denied_until();
    let latest = flaps::flaps(&flaps.rows).map(Observation::age).fold(0.0, f64::max);
    if latest <= window + MOMENT_MS || denied_at_once_again(data) {
        return None;
    }
    let holes: Vec<Run> = flaps.rows.iter().flat_map(|row| runs(row)).filter(|run| !run.seen).collect();
    let one_each = flaps.twice == 0 && flaps.rows.iter().all(|row| matches!(runs(row).as_slice(), [_, _, _]));
    let changes = Changes::around(&flaps.rows);
    let lie_together = flaps.together < CHANCE;
    let at_changes = changes.p() < CHANCE;
    let at_one_age = flaps.rows.len() >= 2 && one_each && at_one_age(&flaps.rows) < 0.02;
    if !lie_together && !at_one_age && !at_changes {
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
    if changes.at_the_end() && one_each && flaps.rows.len() >= 2 {
        facts.push(Fact::HolesAtTheEnd { scans: flaps.rows.len() as u64 });
    } else if at_changes {
        facts.push(Fact::HolesAtChanges { holes: changes.holes as u64, p: changes.p() });
    } else if at_one_age && !lie_together {
        facts.push(Fact::HolesAtOneAge);
    }
    // What lies at changes of the scan's own is no disturbance of the service.
    let own = flaps.is_repeated() && flaps.denied >= 4 && lie_together;
    let sure = own || (at_changes && changes.p() < RARE_CHANCE && flaps.moments >= 2);
    if diagnosis.open.contains(&OpenQuestion::EvictedOrHole) {
        diagnosis.found_among(FaultClass::H, vec![FaultClass::F], facts);
    } else {
        diagnosis.found(FaultClass::H, if sure { Strength::Strong } else { Strength::Moderate }, facts);
    }
    if !sure {
        diagnosis.open.push(OpenQuestion::HoleOrDisturbance { scans: flaps.rows.len() as u64 });
    }
    // A scan that was first asked for within its hole says nothing of its beginning.
    let earliest = holes.iter().map(|run| run.from).reduce(f64::min);
    Some(Flapping {
        share: flaps.denied as f64 / flaps.observations.max(1) as f64,
        until_ms: flaps.until_ms,
        gone_ms: earliest,
        ..Flapping::of(Kind::Holes)
    })
}

/// Whether most scans were denied by the very next poll after their first sight: then most reads deny them, and what is short is the sight.
fn denied_at_once_again(data: &Dataset<'_>) -> bool {
    let next = || data.watched().filter(|row| row.denied_at_start().next().is_some()).filter_map(|row| row.after_seen().next());
    let (denied, all) = next().fold((0, 0), |(denied, all), look| (denied + usize::from(!look.seen()), all + 1));
    denied >= FEW_SCANS && denied * 2 > all
}

/// Whether the holes lie where what a scan shows changes.
struct Changes {
    /// Holes between two sights that can be compared, and how many of them lie at a change.
    holes: usize,
    at_change: usize,
    /// Of those, at the change from at work to ended.
    at_end: usize,
    /// ln of the chance that holes at any place would lie at changes so often.
    ln_p: f64,
}

impl Changes {
    fn around(rows: &[&ScanRow<'_>]) -> Changes {
        let mut changes = Changes { holes: 0, at_change: 0, at_end: 0, ln_p: 0.0 };
        for row in rows {
            let after: Vec<&Observation<'_>> = row.after_seen().collect();
            let sights: Vec<usize> = (0..after.len()).filter(|index| after[*index].seen()).collect();
            let pairs: Vec<(usize, usize)> = sights.windows(2).map(|pair| (pair[0], pair[1])).collect();
            let differs = |(from, to): &(usize, usize)| after[*from].shows() != after[*to].shows();
            let changing = pairs.iter().filter(|pair| differs(pair)).count();
            let holes: Vec<&(usize, usize)> = pairs.iter().filter(|(from, to)| to - from > 1).collect();
            let hit = holes.iter().filter(|pair| differs(pair)).count();
            changes.holes += holes.len();
            changes.at_change += hit;
            changes.at_end += holes.iter().filter(|(from, to)| !after[*from].is_end() && after[*to].is_end()).count();
            if hit == holes.len() {
                changes.ln_p += all_among(holes.len(), changing, pairs.len()).ln();
            }
        }
        changes
    }

    /// The chance that all holes would lie at changes if they lay anywhere; 1 where not all do.
    fn p(&self) -> f64 {
        if self.holes > 0 && self.at_change == self.holes { self.ln_p.exp() } else { 1.0 }
    }

    fn at_the_end(&self) -> bool {
        self.holes > 0 && self.at_end == self.holes
    }
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
