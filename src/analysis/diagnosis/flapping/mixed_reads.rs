//! C′: reads of which some go to a copy that lags.

use crate::analysis::diagnosis::chance::{all_among_first, share_left};
use crate::analysis::diagnosis::dataset::{Dataset, Observation, ScanRow, ns};
use crate::analysis::diagnosis::fact::{Exclusion, Fact};
use crate::analysis::diagnosis::flapping::flaps::{Flapping, Flaps, Kind, flaps};
use crate::analysis::diagnosis::flapping::memory::per_instance;
use crate::analysis::diagnosis::open::OpenQuestion;
use crate::analysis::diagnosis::thresholds::{LIKELY, MOMENT_MS, SETTLED};
use crate::analysis::diagnosis::{Diagnosis, Strength};
use crate::model::fault::FaultClass;
use crate::model::time::Stamp;
use crate::statistics::compare::rates::Rates;

/// C′: denied now and then up to an age, and never after it.
pub(super) fn mixed_reads(diagnosis: &mut Diagnosis, data: &Dataset<'_>, flaps: &Flaps<'_, '_>) -> Option<Flapping> {
    // Polls after the last flap, well apart from it, and the chance that all denials would come before them by accident.
    let until = well_after(flaps.until_ms);
    let settled = settled(data, flaps.until_ms);
    if settled < SETTLED || all_among_first(flaps.denied, flaps.before, flaps.all) > 1e-4 || begins_clean(data, flaps) {
        return None;
    }
    if let Some(at) = ended_in_the_run(data, flaps) {
        let found = per_instance(diagnosis, data, &flaps.rows, Strength::Moderate);
        diagnosis.open.push(OpenQuestion::MemoryOrChange { from_ns: at.since(Stamp(0)) });
        return Some(found);
    }
    let sure = flaps.is_repeated() && flaps.goes_both_ways();
    diagnosis.found(
        FaultClass::CPrime,
        if sure { Strength::Strong } else { Strength::Moderate },
        vec![
            Fact::DeniedAfterSeen {
                scans: flaps.rows.len() as u64,
                denied: flaps.denied as u64,
                polls: flaps.before as u64,
                latest_ns: ns(flaps.until_ms),
            },
            Fact::Healed { polls: settled as u64 },
        ],
    );
    if !sure {
        diagnosis.open.push(OpenQuestion::MixedReadsOrHole);
    }
    diagnosis
        .excluded(FaultClass::B, Exclusion::SettledPollsSeen { polls: settled as u64, after_ns: ns(until), share: share_left(settled) });
    Some(Flapping {
        share: flaps.denied as f64 / flaps.observations.max(1) as f64,
        until_ms: flaps.until_ms,
        ..Flapping::of(Kind::MixedReads)
    })
}

/// The age from which on polls come well after a denial of that age.
fn well_after(denied_ms: f64) -> f64 {
    denied_ms * 1.3 + 100.0
}

/// How many polls came well after the last denial.
pub(super) fn settled(data: &Dataset<'_>, last_denial_ms: f64) -> usize {
    let until = well_after(last_denial_ms);
    data.watched().flat_map(ScanRow::after_seen).filter(|observation| observation.age() > until).count()
}

/// Whether younger polls were denied less often than those among which the denials lie: a copy that lags denies the youngest most.
fn begins_clean(data: &Dataset<'_>, flaps: &Flaps<'_, '_>) -> bool {
    let earliest = self::flaps(&flaps.rows).map(Observation::age).fold(f64::INFINITY, f64::min) - MOMENT_MS;
    let younger = data.watched().flat_map(|row| row.observations).filter(|observation| observation.age() < earliest);
    let (denied, all) = younger.fold((0, 0), |(denied, all), observation| (denied + u64::from(!observation.seen()), all + 1));
    let test =
        Rates { base_events: flaps.denied as u64, base_trials: flaps.before.max(flaps.denied) as u64, new_events: denied, new_trials: all };
    test.fisher().p_lower < 0.01
}

/// The instant of the last denial, if the disagreement ended with the run's time and not with the scans' age: later scans were polled at
/// the same ages, and none of them was denied. What heals by age goes on in later scans.
fn ended_in_the_run(data: &Dataset<'_>, flaps: &Flaps<'_, '_>) -> Option<Stamp> {
    // Instants of several clocks are not to be compared.
    if data.is_merged() {
        return None;
    }
    // First polls count as well: what heals by age denies new scans to the last.
    let denied = |row: &ScanRow<'_>| {
        let mut young = row.observations.iter().filter(|observation| observation.age() <= flaps.until_ms).peekable();
        young.peek()?;
        Some(young.any(|observation| !observation.seen()))
    };
    let mut scans: Vec<(Stamp, bool)> = data.watched().filter_map(|row| Some((row.scan.initiate.sent, denied(row)?))).collect();
    scans.sort_unstable();
    let first = scans.iter().rposition(|(_, denied)| *denied)? + 1;
    let denied = scans.iter().filter(|(_, denied)| *denied).count();
    // Scans and not polls: those of one scan are not independent.
    if all_among_first(denied, first, scans.len()) > LIKELY {
        return None;
    }
    self::flaps(&flaps.rows).map(|observation| observation.exchange.sent).max()
}
