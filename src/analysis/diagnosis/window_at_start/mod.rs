//! The window between the id and the first sight: A, C, D, E, G and I.

mod changed;
mod commit;
mod delay_or_lag;
mod disagreement;
mod observer_effect;
mod queue;
mod refresh;
mod second_write;
mod windows;

pub(super) use observer_effect::{observer_effect, says_hit};
pub(super) use queue::queue;
pub(super) use second_write::lag_as_well;

use crate::analysis::diagnosis::chance::share_left;
use crate::analysis::diagnosis::dataset::{Dataset, Observation, ScanRow, ns};
use crate::analysis::diagnosis::fact::{Exclusion, Fact};
use crate::analysis::diagnosis::flapping::{Flapping, Kind, moments};
use crate::analysis::diagnosis::never_visible::Lost;
use crate::analysis::diagnosis::thresholds::{AT_ONCE_MS, FEW_SCANS, NEARLY_ALL};
use crate::analysis::diagnosis::window_at_start::changed::changed;
use crate::analysis::diagnosis::window_at_start::commit::commit;
use crate::analysis::diagnosis::window_at_start::delay_or_lag::{Before, registration_or_lag};
use crate::analysis::diagnosis::window_at_start::disagreement::disagreement;
use crate::analysis::diagnosis::window_at_start::refresh::{lattice, on_one_clock};
use crate::analysis::diagnosis::window_at_start::windows::windows;
use crate::analysis::diagnosis::{Diagnosis, Pattern, Strength};
use crate::model::fault::FaultClass;
use crate::statistics::binomial::survival;

/// What was decided before the shape of the window is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    /// It grows with the queue ([`queue()`]).
    pub(super) queued: bool,
    /// Polling lengthens it ([`observer_effect()`]).
    pub(super) observer: bool,
}

/// The classes of the window at the start.
pub(super) fn diagnose<'a>(diagnosis: &mut Diagnosis, data: &Dataset<'a>, flapping: &Flapping, lost: &Lost, known: Known) {
    match flapping.kind {
        Some(Kind::PerInstance | Kind::MixedReads) => {
            under_disagreement(diagnosis, data, flapping, lost);
            return;
        }
        // What denied everything at one time says nothing about ages.
        Some(Kind::OneStretch) => return,
        Some(Kind::AtRandom) if no_oftener_at_first(data, flapping, lost) => return,
        _ => {}
    }
    // Behind a queue that this run filled a window is as long as the queue was, and its shape says nothing of the service. Where windows did not
    // grow with the place and a scan alone was denied as well, whoever is still denied only has a longer window than the rest.
    let denied_alone = data.watched().filter(|row| data.was_idle(row)).any(|row| row.denied_at_start().next().is_some());
    let may_be_queued = !(diagnosis.excludes(FaultClass::E) && denied_alone);
    if lost.is_empty() && may_be_queued && diagnosis.patterns.iter().any(|pattern| matches!(pattern, Pattern::StillWaiting { .. })) {
        return;
    }
    let gone = flapping.gone_ms.unwrap_or(f64::INFINITY);
    // A scan that was first polled within what may have been its hole says nothing about its start, and of one that goes later polls do not.
    let too_late = |row: &ScanRow<'_>| row.observations.first().is_some_and(|first| !first.seen() && first.age() >= gone);
    let until = if flapping.kind == Some(Kind::Holes) { f64::INFINITY } else { gone };
    let before = |row: &ScanRow<'a>| row.first(row.observations.partition_point(|look| look.age() < until));
    // Room for all at once: a vector that grows needs its memory twice for a moment.
    let mut cut = Vec::with_capacity(data.rows.len());
    cut.extend(data.watched().filter(|row| !lost.contains(&row.scan.number()) && !too_late(row)).map(before));
    cut.retain(|row| !row.observations.is_empty());
    let rows: Vec<&ScanRow<'a>> = cut.iter().collect();
    let windows = windows(&rows);
    // A denial is part of a window only if the scan was seen later; a single denied look may as well be of a lost scan.
    let opened = rows.iter().filter(|row| row.first_seen().is_some() && row.denied_at_start().next().is_some()).count();
    // Single shots show a window, too, if they are denied early and no longer later.
    let over =
        rows.iter().filter_map(|row| row.observations.first()).filter(|observation| observation.age() > windows.latest_denied).count();
    let share = windows.denied as f64 / (windows.singles - over).max(1) as f64;
    let closes = windows.denied > 0 && lost.is_empty() && (1.0 - share).powi(over as i32) < 1e-4;
    if opened == 0 && !closes {
        if rows.len() >= 8 && windows.denied == 0 {
            rule_out_all(diagnosis, data, &rows);
        }
        return;
    }
    let Known { queued, observer } = known;
    // A negative cache stretches every window that is polled more than once; only first polls tell the one beneath.
    if observer && (windows.denied < 3 || kept_from_before(&rows)) {
        return;
    }
    if queued {
        return;
    }
    if !observer && diagnosis.considers(FaultClass::CPrime) && disagreement(diagnosis, data, &rows, flapping) {
        return;
    }
    let rows_for_shape: Vec<&ScanRow<'_>> =
        if observer { rows.iter().copied().filter(|row| row.observations.len() == 1).collect() } else { rows.clone() };
    if !observer && diagnosis.considers(FaultClass::G) && lattice(diagnosis, &on_one_clock(data, rows_for_shape)) {
        return;
    }
    if diagnosis.considers(FaultClass::I) && commit(diagnosis, data, &rows, &windows, lost, observer) {
        return;
    }
    let known = diagnosis.causes.len();
    registration_or_lag(diagnosis, data, &rows, &windows, Before { lost, flapping, observer });
    // One or two late scans among many that were not may be an accident as well.
    let late = opened.max(windows.denied);
    if late < FEW_SCANS && (rows.len() - late) as f64 > NEARLY_ALL * rows.len() as f64 {
        for cause in &mut diagnosis.causes[known..] {
            cause.strength = Strength::Weak;
        }
    }
    changed(diagnosis, data, &rows);
}

/// Whether nearly all first polls that were denied were answered by a cache, as its headers say: it was filled before the scans were asked for,
/// and nothing of the denials is theirs.
fn kept_from_before(rows: &[&ScanRow<'_>]) -> bool {
    let denied = || rows.iter().filter_map(|row| row.observations.first()).filter(|first| !first.seen());
    let kept = denied().filter(|first| first.exchange.cache.as_deref().is_some_and(says_hit)).count();
    kept as f64 >= NEARLY_ALL * denied().count() as f64
}

fn rule_out_all(diagnosis: &mut Diagnosis, data: &Dataset<'_>, rows: &[&ScanRow<'_>]) {
    let mut ages: Vec<f64> = rows.iter().filter_map(|row| row.observations.first()).map(Observation::age).collect();
    ages.sort_by(f64::total_cmp);
    // The earliest polls that are enough to exclude anything: what they bound is the size of a window that would have shown.
    let Some(earliest) = ages.get(7).copied() else { return };
    let within = (2.0 * earliest).max(earliest + 5.0);
    let early = ages.iter().filter(|age| **age <= within).count();
    let by = Exclusion::EarlyPollsSeen { early: early as u64, within_ns: ns(within), of: rows.len() as u64, share: share_left(early) };
    for class in [FaultClass::A, FaultClass::C, FaultClass::G] {
        diagnosis.excluded(class, by.clone());
    }
    diagnosis.excluded(FaultClass::D, Exclusion::NothingToKeep { polls: rows.len() as u64 });
    let at_once = ages.iter().filter(|age| **age <= AT_ONCE_MS).count();
    if at_once >= 20 {
        diagnosis.excluded(FaultClass::I, Exclusion::SeenAtOnce { scans: at_once as u64, share: share_left(at_once) });
    }
    let burst = rows.iter().filter(|row| data.is_of_burst(row)).count();
    if burst >= 8 {
        diagnosis.excluded(FaultClass::E, Exclusion::BurstSeen { scans: burst as u64 });
    }
}

/// Whether first polls are denied no more often than denials at random account for.
fn no_oftener_at_first(data: &Dataset<'_>, flapping: &Flapping, lost: &Lost) -> bool {
    let firsts = || data.watched().filter(|row| !lost.contains(&row.scan.number())).filter_map(|row| row.observations.first());
    let (polls, denied) = (firsts().count() as u64, firsts().filter(|observation| !observation.seen()).count() as u64);
    survival(denied, polls, flapping.share.clamp(0.001, 0.999)) > 1e-4
}

/// With workers that disagree, a denial before the first sight says nothing about time, unless nobody at all had seen any
/// scan before some age.
fn under_disagreement(diagnosis: &mut Diagnosis, data: &Dataset<'_>, flapping: &Flapping, lost: &Lost) {
    if flapping.kind != Some(Kind::PerInstance) {
        return;
    }
    let rows = || data.watched().filter(|row| !lost.contains(&row.scan.number()));
    let earliest = rows().filter_map(ScanRow::first_seen).fold(f64::INFINITY, f64::min);
    // Polls within a moment meet one worker, or workers next to each other: they are one chance.
    let before: usize = rows().map(|row| moments(row.observations.iter().map(Observation::age).filter(|age| *age < earliest))).sum();
    let by_chance = flapping.share.powi(i32::try_from(before).unwrap_or(i32::MAX));
    if !earliest.is_finite() || earliest < 15.0 || before < 20 || by_chance > 1e-6 {
        return;
    }
    diagnosis.found(
        FaultClass::A,
        if before >= 50 { Strength::Strong } else { Strength::Moderate },
        vec![Fact::NoWorkerKnew { before_ns: ns(earliest), denied: before as u64 }],
    );
}
