//! Scans that are seen and then denied: B, C′, F, H and W.

mod eviction;
mod flaps;
mod holes;
mod idle;
mod memory;
mod mixed_reads;
mod read_once;
mod tails;

pub(super) use flaps::{Flapping, Kind, moments};

use crate::analysis::diagnosis::chance::share_left;
use crate::analysis::diagnosis::dataset::{Dataset, Observation, ScanRow, ns};
use crate::analysis::diagnosis::fact::Exclusion;
use crate::analysis::diagnosis::flapping::eviction::{eviction, gone_after_end, gone_at_last, is_evicted};
use crate::analysis::diagnosis::flapping::flaps::{Flaps, runs};
use crate::analysis::diagnosis::flapping::holes::holes;
use crate::analysis::diagnosis::flapping::idle::idle;
use crate::analysis::diagnosis::flapping::memory::{by_worker, memories_or_chance, per_instance};
use crate::analysis::diagnosis::flapping::mixed_reads::mixed_reads;
use crate::analysis::diagnosis::flapping::read_once::read_once;
use crate::analysis::diagnosis::flapping::tails::Tails;
use crate::analysis::diagnosis::stretch;
use crate::analysis::diagnosis::thresholds::{MOMENT_MS, SOON_MS};
use crate::analysis::diagnosis::{Diagnosis, Pattern, Strength};
use crate::model::fault::FaultClass;
use crate::model::time::Stamp;

pub(super) fn diagnose(diagnosis: &mut Diagnosis, data: &Dataset<'_>) -> Flapping {
    if let Some(stretch) = stretch::of(data) {
        diagnosis.patterns.push(Pattern::OneStretch {
            from_ns: stretch.from.since(Stamp(0)),
            to_ns: stretch.to.since(Stamp(0)),
            denied: stretch.denied,
            polls: stretch.polls,
            scans: stretch.scans,
        });
        return Flapping::of(Kind::OneStretch);
    }
    let flapping: Vec<&ScanRow<'_>> = data.watched().filter(|row| row.after_seen().any(|observation| !observation.seen())).collect();
    if flapping.is_empty() {
        rule_out(diagnosis, data);
        return Flapping::none();
    }
    if diagnosis.considers(FaultClass::W)
        && let Some(found) = read_once(diagnosis, data, &flapping)
    {
        return found;
    }
    if diagnosis.considers(FaultClass::F)
        && let Some(found) = idle(diagnosis, data)
    {
        return found;
    }
    if diagnosis.considers(FaultClass::F)
        && let Some(tails) = Tails::of(diagnosis, data)
    {
        // What is denied before the end is another fault's doing.
        let rest = diagnose(diagnosis, &tails.without(data));
        return Flapping { kind: Some(rest.kind.unwrap_or(Kind::Evicted)), gone_ms: Some(tails.gone_ms), ..rest };
    }
    let evicted: Vec<&ScanRow<'_>> = flapping.iter().copied().filter(|row| is_evicted(row)).collect();
    let others: Vec<&ScanRow<'_>> = flapping.iter().copied().filter(|row| !is_evicted(row)).collect();
    // A scan that was denied at the very last only may be either; those that came back decide for it.
    let came_back = others.iter().any(|row| runs(row).len() >= 3);
    if !evicted.is_empty() && !came_back && diagnosis.considers(FaultClass::F) {
        return eviction(diagnosis, data, &evicted, Strength::Strong);
    }
    if !came_back && gone_at_last(&others) && diagnosis.considers(FaultClass::F) {
        return eviction(diagnosis, data, &others, Strength::Moderate);
    }
    if by_worker(&others) && diagnosis.considers(FaultClass::B) {
        return per_instance(diagnosis, data, &others, Strength::Strong);
    }
    if gone_after_end(&others) && diagnosis.considers(FaultClass::F) {
        return eviction(diagnosis, data, &others, Strength::Moderate);
    }
    let flaps = Flaps::of(data, others);
    let gone_for_good = flaps.rows.iter().all(|row| runs(row).last().is_some_and(|run| !run.seen));
    if gone_for_good && !flaps.goes_both_ways() && flaps.denied >= 3 {
        return gone_or_elsewhere(diagnosis, data, &flaps);
    }
    if let Some(found) = same_poll(diagnosis, data, &flaps) {
        return found;
    }
    if diagnosis.considers(FaultClass::H)
        && let Some(found) = holes(diagnosis, data, &flaps)
    {
        return found;
    }
    if flaps.denied < 3 && flaps.all >= 8 {
        diagnosis.patterns.push(Pattern::TooFew { denied: flaps.denied as u64, polls: flaps.all as u64 });
        return Flapping { share: flaps.denied as f64 / flaps.observations.max(1) as f64, ..Flapping::of(Kind::AtRandom) };
    }
    if diagnosis.considers(FaultClass::CPrime)
        && let Some(found) = mixed_reads(diagnosis, data, &flaps)
    {
        return found;
    }
    if one_each(data, &flaps) {
        let asked = data.watched().filter(|row| row.after_seen().next().is_some()).count() as u64;
        diagnosis.patterns.push(Pattern::OnceEach { scans: flaps.rows.len() as u64, of: asked });
        return Flapping { share: flaps.share(), until_ms: flaps.until_ms, ..Flapping::of(Kind::AtRandom) };
    }
    memories_or_chance(diagnosis, data, &flaps)
}

/// Changed once and not back, too few times to tell a scan that is gone from one that met a worker without it from then on.
fn gone_or_elsewhere(diagnosis: &mut Diagnosis, data: &Dataset<'_>, flaps: &Flaps<'_, '_>) -> Flapping {
    let found = per_instance(diagnosis, data, &flaps.rows, Strength::Moderate);
    if let Some(cause) = diagnosis.causes.last_mut().filter(|cause| cause.class == FaultClass::B) {
        cause.or = vec![FaultClass::F];
    }
    found
}

/// The denied poll is always the same one, counted from the first, at different ages.
fn same_poll(diagnosis: &mut Diagnosis, data: &Dataset<'_>, flaps: &Flaps<'_, '_>) -> Option<Flapping> {
    let place = |row: &ScanRow<'_>| row.observations.iter().position(|observation| !observation.seen());
    let nth = place(flaps.rows.first()?)?;
    let all_there = flaps
        .rows
        .iter()
        .all(|row| place(row) == Some(nth) && row.observations.iter().filter(|observation| !observation.seen()).count() == 1);
    let asked: Vec<&ScanRow<'_>> = data.watched().filter(|row| row.observations.len() > nth).collect();
    let mut ages: Vec<f64> = asked.iter().map(|row| row.observations[nth].age()).collect();
    ages.sort_by(f64::total_cmp);
    let spread = ages.last()? > &(2.0 * ages.first()? + MOMENT_MS);
    if !all_there || !spread || flaps.rows.len() < 4 || flaps.rows.len() * 10 < asked.len() * 9 {
        return None;
    }
    diagnosis.patterns.push(Pattern::SamePoll { nth: nth as u64 + 1, denied: flaps.rows.len() as u64, scans: asked.len() as u64 });
    Some(Flapping { share: flaps.denied as f64 / flaps.observations.max(1) as f64, ..Flapping::of(Kind::AtRandom) })
}

/// Whether denials are spread over the scans more evenly than chance or workers with memories of their own spread them: each of many scans
/// has exactly one.
fn one_each(data: &Dataset<'_>, flaps: &Flaps<'_, '_>) -> bool {
    if flaps.denied != flaps.rows.len() || flaps.split > 0 {
        return false;
    }
    // All of them at the poll of one place.
    let place = |row: &ScanRow<'_>| row.after_seen().position(|observation| !observation.seen());
    let same_place = flaps.rows.iter().all(|row| place(row) == place(flaps.rows[0]));
    let by_chance: f64 = flaps.rows.iter().skip(1).map(|row| 1.0 / row.after_seen().count().max(1) as f64).product();
    let everywhere = data.watched().all(|row| row.after_seen().next().is_none() || row.after_seen().any(|observation| !observation.seen()));
    if same_place && everywhere && flaps.rows.len() >= 4 && by_chance < 0.01 {
        return true;
    }
    // Denials that lie anywhere fall into one scan together about so many times; workers that disagree make it more.
    let pairs = |n: f64| n * (n - 1.0);
    let within: f64 = data.watched().map(|row| pairs(row.after_seen().count() as f64)).sum();
    pairs(flaps.denied as f64) / 2.0 * within / pairs(flaps.all as f64).max(1.0) > 7.0
}

fn rule_out(diagnosis: &mut Diagnosis, data: &Dataset<'_>) {
    let after: usize = data.watched().map(|row| row.after_seen().count()).sum();
    if after < 12 {
        return;
    }
    let mut connections = Vec::with_capacity(after);
    connections.extend(data.watched().flat_map(ScanRow::after_seen).filter_map(|observation| observation.exchange.conn.get()));
    connections.sort_unstable();
    connections.dedup();
    // Where connections are not numbered, each look had one of its own.
    let chances = if connections.is_empty() { after } else { connections.len() };
    diagnosis.excluded(
        FaultClass::B,
        Exclusion::LaterPollsSeen { polls: after as u64, connections: chances as u64, share: share_left(chances) },
    );
    // A lagging copy disagrees soon after the first sight or not at all.
    let soon = |row: &ScanRow<'_>| {
        row.after_seen().filter(|observation| observation.age() <= row.first_seen().unwrap_or_default() + SOON_MS).count()
    };
    let early: usize = data.watched().map(soon).sum();
    if early >= 12 {
        diagnosis.excluded(
            FaultClass::CPrime,
            Exclusion::SoonPollsSeen { polls: early as u64, within_ns: ns(SOON_MS), share: share_left(early) },
        );
    }
    if let Some(row) = data.watched().max_by_key(|row| row.after_seen().count()).filter(|row| row.after_seen().count() >= 100) {
        let ages: Vec<f64> = row.after_seen().map(Observation::age).collect();
        let widest = ages.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
        diagnosis.excluded(
            FaultClass::H,
            Exclusion::DenseTrace { polls: ages.len() as u64, widest_ns: ns(widest), until_ns: ns(ages[ages.len() - 1]) },
        );
    }
    let past_end: Vec<f64> = data
        .watched()
        .filter_map(|row| {
            let (ended, _) = row.scan.ended()?;
            let last = row.observations.iter().rfind(|observation| observation.seen())?;
            Some(last.exchange.sent.since(ended.done).as_ms())
        })
        .filter(|past| *past >= 500.0)
        .collect();
    if let Some(longest) = past_end.iter().copied().reduce(f64::max) {
        let watched = past_end.iter().filter(|past| **past >= longest * 0.9).count();
        diagnosis.excluded(FaultClass::F, Exclusion::StayedVisible { after_end_ns: ns(longest), scans: watched as u64 });
    }
}
