//! B: workers that each have a memory of their own, or denials at random.

use std::collections::BTreeMap;

use crate::analysis::diagnosis::dataset::{Dataset, Observation, ScanRow, ns};
use crate::analysis::diagnosis::fact::Fact;
use crate::analysis::diagnosis::flapping::flaps::{Flapping, Flaps, Kind, counts, flaps, moments, split_instants};
use crate::analysis::diagnosis::flapping::mixed_reads::settled;
use crate::analysis::diagnosis::instances;
use crate::analysis::diagnosis::open::OpenQuestion;
use crate::analysis::diagnosis::thresholds::{CHANCE, RARE, SETTLED};
use crate::analysis::diagnosis::{Diagnosis, Pattern, Strength};
use crate::model::fault::FaultClass;

/// B where some number of workers explains who was denied how often, or the connection does; else denials at random.
pub(super) fn memories_or_chance(diagnosis: &mut Diagnosis, data: &Dataset<'_>, flaps: &Flaps<'_, '_>) -> Flapping {
    let instances = instances::weigh(data);
    let share = flaps.denied as f64 / flaps.observations.max(1) as f64;
    let of_all = flaps.denied as f64 / flaps.all.max(1) as f64;
    let by_workers = instances.by_connection() || instances.supported() || (of_all > RARE && !instances.refuted());
    // A memory of its own shows in a scan that goes both ways, in pollers that disagree, or in the connection.
    if !by_workers || !(flaps.goes_both_ways() || instances.by_connection()) {
        let settled = settled(data, flaps.until_ms);
        let may_be = [
            (!instances.refuted(), FaultClass::B),
            // Later polls exclude a copy that lags for longer only where it would have denied some of them.
            (settled < SETTLED || (1.0 - flaps.share()).powi(i32::try_from(settled).unwrap_or(i32::MAX)) > CHANCE, FaultClass::CPrime),
            // Pollers of one instant that disagree met no hole.
            (flaps.split == 0, FaultClass::H),
        ];
        diagnosis.patterns.push(Pattern::AtRandom {
            denied: flaps.denied as u64,
            polls: flaps.all as u64,
            scans: flaps.rows.len() as u64,
            latest_ns: ns(self::flaps(&flaps.rows).map(Observation::age).fold(0.0, f64::max)),
            may_be: may_be.into_iter().filter(|(may_be, _)| *may_be).map(|(_, class)| class).collect(),
        });
        return Flapping { share: of_all, until_ms: flaps.until_ms, ..Flapping::of(Kind::AtRandom) };
    }
    let plain = flaps.split == 0 && flaps.observations < 20;
    let sure = !plain && flaps.goes_both_ways() && !instances.kept_disagree() && flaps.moments >= 2;
    if !plain && instances.kept_disagree() {
        let (kept_denied, kept) = instances.kept;
        diagnosis.open.push(OpenQuestion::MemoryOrChance { share, kept_denied, kept });
    }
    let found = per_instance(diagnosis, data, &flaps.rows, if sure { Strength::Strong } else { Strength::Moderate });
    if diagnosis.open.contains(&OpenQuestion::EvictedOrHole)
        && let Some(cause) = diagnosis.causes.last_mut().filter(|cause| cause.class == FaultClass::B)
    {
        (cause.strength, cause.or) = (Strength::Moderate, vec![FaultClass::F]);
        return found;
    }
    // Reads that go now and then to a copy look alike for as long as the copy lags, and nobody looked for longer.
    if !sure
        && instances.kept_disagree()
        && let Some(cause) = diagnosis.causes.last_mut().filter(|cause| cause.class == FaultClass::B)
    {
        cause.or = vec![FaultClass::CPrime];
    }
    found
}

pub(super) fn per_instance(diagnosis: &mut Diagnosis, data: &Dataset<'_>, rows: &[&ScanRow<'_>], strength: Strength) -> Flapping {
    let (denied, observations) = counts(rows);
    let until_ms = flaps(rows).map(Observation::age).fold(0.0, f64::max);
    let mut facts = vec![Fact::FreshConnectionsDisagree {
        scans: rows.len() as u64,
        denied: denied as u64,
        polls: observations as u64,
        latest_ns: ns(until_ms),
    }];
    if by_worker(rows) {
        facts.push(Fact::WorkersDisagree);
    }
    if let Some((at, seen, denied)) = split_instants(rows).last() {
        facts.push(Fact::PollersDisagree { at_ns: *at, seen: *seen, denied: *denied });
    }
    let kept: Vec<_> = data.rows.iter().filter(|row| row.kept().count() >= 3).collect();
    if !kept.is_empty() && kept.iter().all(|row| row.kept().all(|seen| Some(seen) == row.kept().next())) {
        facts.push(Fact::KeptConnectionsAgree { scans: kept.len() as u64 });
    }
    diagnosis.found(FaultClass::B, strength, facts);
    if strength < Strength::Strong {
        diagnosis.open.push(OpenQuestion::MemoryOrEvicted);
    }
    let streak = rows.iter().map(|row| streak(row)).max().unwrap_or_default();
    Flapping { share: denied as f64 / observations.max(1) as f64, until_ms, streak, ..Flapping::of(Kind::PerInstance) }
}

/// Whether it depends on the worker alone: of each scan every worker that is named either always knows it or never does.
pub(super) fn by_worker(rows: &[&ScanRow<'_>]) -> bool {
    let mut of_several = 0;
    for row in rows {
        let mut answers: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
        for observation in row.after_seen() {
            let Some(worker) = observation.exchange.worker.as_deref() else { return false };
            let (seen, denied) = answers.entry(worker).or_default();
            if observation.seen() { *seen += 1 } else { *denied += 1 }
        }
        if answers.values().any(|(seen, denied)| *seen > 0 && *denied > 0) {
            return false;
        }
        if answers.len() >= 2 {
            of_several += answers.values().map(|(seen, denied)| seen + denied).sum::<u32>();
        }
    }
    of_several >= 6
}

/// The longest row of denials after the first sight. Denials within a moment count once: concurrent pollers often meet the
/// same worker.
fn streak(row: &ScanRow<'_>) -> usize {
    let mut longest = 0;
    let mut current: Vec<f64> = Vec::new();
    for observation in row.after_seen() {
        if observation.seen() {
            longest = longest.max(moments(current.drain(..)));
        } else {
            current.push(observation.age());
        }
    }
    longest.max(moments(current.into_iter()))
}
