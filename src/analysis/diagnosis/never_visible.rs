//! Scans that are denied as long as anybody looks: K, L and M.

use std::collections::BTreeSet;

use crate::analysis::diagnosis::chance::share_left;
use crate::analysis::diagnosis::dataset::{Dataset, Observation, ScanRow, ns};
use crate::analysis::diagnosis::fact::{Exclusion, Fact};
use crate::analysis::diagnosis::flapping::{Flapping, Kind, moments};
use crate::analysis::diagnosis::ids::{can_tell, telling_feature};
use crate::analysis::diagnosis::open::OpenQuestion;
use crate::analysis::diagnosis::thresholds::{FEW_SCANS, LONG_MS, LONGER, OVERTAKEN_BY};
use crate::analysis::diagnosis::{Diagnosis, Pattern, Strength};
use crate::model::answer::{Answer, State};
use crate::model::exchange::{Kind as Exchanged, Route};
use crate::model::fault::FaultClass;
use crate::model::time::{Nanos, Stamp};

/// The numbers of the scans that were never seen and should have been.
pub(super) type Lost = BTreeSet<u64>;

/// The scans that were never seen, by what that says.
struct Unseen<'r, 'a> {
    /// Denied far longer and far more often than any other scan.
    lost: Vec<&'r ScanRow<'a>>,
    /// Denied at ages at which all others were visible, but not often enough to call it lost.
    suspects: Vec<&'r ScanRow<'a>>,
    /// Denied often, but scans before them needed long, too, and none after them was served first.
    waiting: Vec<&'r ScanRow<'a>>,
    /// First polled later than any scan was visible.
    late: Vec<&'r ScanRow<'a>>,
    /// Denied while windows like the others' were still open.
    early: Vec<&'r ScanRow<'a>>,
}

/// What scans that were seen say about those that were not.
struct Usual {
    /// No window that was seen to end need be longer: the earliest sight that came after the latest denial before any.
    latest: f64,
    /// The earliest sight of any scan.
    earliest: f64,
    /// The latest age at which a scan was visible.
    visible_until: f64,
}

impl Usual {
    /// The age from which a scan that is denied is no longer within a window like the others'.
    fn settled(&self) -> f64 {
        if self.latest > 0.0 { self.latest + 100.0 } else { 30.0 }
    }

    /// Whether a scan was polled at such an age.
    fn covers(&self, row: &ScanRow<'_>) -> bool {
        row.observations.last().is_some_and(|observation| observation.age() > self.settled())
    }
}

fn usual(data: &Dataset<'_>) -> Usual {
    // A scan that was denied once and looked at again much later bounds its window, and does not show a long one.
    let opened = || data.watched().filter(|row| row.denied_at_start().next().is_some()).filter_map(ScanRow::start);
    let denied = opened().map(|(denied, _)| denied).fold(0.0, f64::max);
    let latest = opened().map(|(_, seen)| seen).filter(|seen| *seen >= denied).reduce(f64::min);
    let seen = data.watched().flat_map(|row| row.observations).filter(|observation| observation.seen());
    Usual {
        latest: latest.unwrap_or_default(),
        earliest: data.watched().filter_map(ScanRow::first_seen).fold(f64::INFINITY, f64::min),
        visible_until: seen.map(Observation::age).fold(0.0, f64::max),
    }
}

fn sort<'r, 'a>(data: &'r Dataset<'a>, flapping: &Flapping, usual: &Usual) -> Unseen<'r, 'a> {
    let mut unseen = Unseen { lost: Vec::new(), suspects: Vec::new(), waiting: Vec::new(), late: Vec::new(), early: Vec::new() };
    let mut all_workers = BTreeSet::new();
    for observation in data.watched().flat_map(|row| row.observations).filter(|observation| observation.age() >= 0.0) {
        all_workers.extend(observation.exchange.worker.as_deref());
    }
    let all_workers = all_workers.len();
    // Before anybody saw any scan even the worker that knows one may not have known it yet.
    let nothing_seen = usual.earliest.is_infinite();
    // Where scans are removed, later polls say nothing.
    let goes = flapping.gone_ms.filter(|_| flapping.kind != Some(Kind::Holes));
    let evicted_from = goes.unwrap_or(f64::INFINITY);
    let asked = |row: &ScanRow<'_>| workers(row, 1.2 * usual.earliest, evicted_from).len();
    let long = (LONGER * usual.latest).max(LONG_MS);
    let overtaking = Overtaking::of(data);
    for row in data.watched().filter(|row| row.observations.iter().all(|observation| !observation.seen())) {
        let (Some(first), Some(last)) = (row.observations.first(), row.observations.last()) else { continue };
        if first.age() >= evicted_from {
            continue;
        }
        if !nothing_seen && first.age() > usual.visible_until {
            unseen.late.push(row);
            continue;
        }
        let denials = moments(row.observations.iter().map(Observation::age).filter(|age| *age < evicted_from));
        // Where scans are denied now and then, one may be denied many times in a row because the one worker that knows it was never
        // asked, or by bad luck.
        let unlucky = match flapping.kind {
            Some(Kind::PerInstance) if all_workers >= 2 => asked(row) < all_workers,
            // Connections may stick to one worker for a while, so the longest row of chance denials counts as well.
            Some(Kind::PerInstance | Kind::AtRandom) => {
                flapping.share.powi(i32::try_from(denials).unwrap_or(i32::MAX)) >= 1e-6 || denials <= 3 * flapping.streak
            }
            // Where scans are evicted, one that was not polled in between may have been there.
            Some(Kind::Evicted) => {
                row.observations.iter().filter(|observation| usual.latest < observation.age() && observation.age() < evicted_from).count()
                    < 4
            }
            Some(Kind::OneStretch) => row.observations.len() < 8,
            _ => false,
        };
        if unlucky {
            continue;
        }
        // A window that is no longer than others' needs no other explanation.
        if !nothing_seen && !usual.covers(row) {
            unseen.early.push(row);
            continue;
        }
        let watched_enough = row.observations.len() >= 4 && last.age() >= long;
        let in_turn = usual.latest > 0.0 && !overtaking.overtook(row) && row.observations.len() >= 4;
        if in_turn || (row.observations.len() >= 4 && usual.latest > 0.0 && !watched_enough) {
            unseen.waiting.push(row);
        } else if watched_enough {
            unseen.lost.push(row);
        } else {
            unseen.suspects.push(row);
        }
    }
    unseen
}

/// Of each scan, the instants at which the first few scans that were asked for after it were seen.
struct Overtaking(Vec<(Stamp, [Stamp; OVERTAKEN_BY])>);

impl Overtaking {
    fn of(data: &Dataset<'_>) -> Overtaking {
        let mut asked: Vec<(Stamp, Stamp)> = data
            .watched()
            .filter_map(|row| {
                let seen =
                    row.observations.iter().filter(|observation| observation.seen()).map(|observation| observation.exchange.done).min();
                Some((row.scan.t0()?, seen.unwrap_or(Stamp(u64::MAX))))
            })
            .collect();
        asked.sort_unstable();
        let mut soonest = [Stamp(u64::MAX); OVERTAKEN_BY];
        let mut after = Vec::with_capacity(asked.len());
        for (t0, seen) in asked.into_iter().rev() {
            after.push((t0, soonest));
            if seen < soonest[OVERTAKEN_BY - 1] {
                soonest[OVERTAKEN_BY - 1] = seen;
                soonest.sort_unstable();
            }
        }
        after.reverse();
        Overtaking(after)
    }

    /// Whether enough scans that were asked for after this one were seen before its last denial.
    fn overtook(&self, row: &ScanRow<'_>) -> bool {
        let (Some(t0), Some(last)) = (row.scan.t0(), row.observations.last()) else { return false };
        // The last of those that were asked for at the same instant.
        let place = self.0.partition_point(|(asked, _)| *asked <= t0);
        place > 0 && self.0[place - 1].1[OVERTAKEN_BY - 1] < last.exchange.sent
    }
}

/// Behind a queue of this run's own a scan is denied for as long as the queue is. One that enough later ones have overtaken may be lost all the
/// same: a queue with a few slots does not serve so many before it.
pub(super) fn overtaken(diagnosis: &mut Diagnosis, data: &Dataset<'_>) {
    let overtaking = Overtaking::of(data);
    let is_overtaken = |row: &&ScanRow<'_>| row.first_seen().is_none() && overtaking.overtook(row);
    let denied: Vec<&ScanRow<'_>> = data.watched().filter(is_overtaken).collect();
    if !denied.is_empty() {
        let seen = data.watched().filter(|row| row.first_seen().is_some()).count();
        diagnosis.patterns.push(Pattern::MaybeLost {
            scans: denied.len() as u64,
            of: (denied.len() + seen) as u64,
            latest_ns: oldest(&denied),
        });
    }
}

fn oldest(rows: &[&ScanRow<'_>]) -> Nanos {
    ns(rows.iter().filter_map(|row| row.observations.last()).map(Observation::age).fold(0.0, f64::max))
}

pub(super) fn diagnose(diagnosis: &mut Diagnosis, data: &Dataset<'_>, flapping: &Flapping) -> Lost {
    let usual = usual(data);
    let unseen = sort(data, flapping, &usual);
    let seen: Vec<&ScanRow<'_>> = data.watched().filter(|row| row.first_seen().is_some()).collect();
    let numbers: Lost = unseen.lost.iter().map(|row| row.scan.number()).collect();
    if seen.is_empty() {
        nothing_seen(diagnosis, data, &unseen);
        return numbers;
    }
    if !unseen.waiting.is_empty() {
        diagnosis.patterns.push(Pattern::StillWaiting {
            scans: unseen.waiting.len() as u64,
            of: data.watched().count() as u64,
            watched_ns: oldest(&unseen.waiting),
            longest_ns: ns(usual.latest),
        });
    }
    if !unseen.late.is_empty() {
        diagnosis.patterns.push(Pattern::DeniedLate {
            scans: unseen.late.len() as u64,
            from_ns: ns(unseen.late.iter().filter_map(|row| row.observations.first()).map(Observation::age).fold(f64::INFINITY, f64::min)),
            visible_ns: ns(usual.visible_until),
        });
    }
    let settled: Vec<&ScanRow<'_>> = seen.iter().copied().filter(|row| usual.covers(row)).collect();
    // Where no window was seen to end, a scan that was denied early may be one of those that are never seen.
    let early: &[&ScanRow<'_>] = if usual.latest > 0.0 { &[] } else { &unseen.early };
    let denied: Vec<&ScanRow<'_>> = unseen.lost.iter().chain(&unseen.suspects).chain(early).copied().collect();
    if seen_otherwise(diagnosis, &unseen, seen.len()) {
        return denied.iter().map(|row| row.scan.number()).collect();
    }
    if let Some(feature) = telling_feature(&denied, &seen) {
        by_feature(diagnosis, data, &denied, unseen.lost.len(), seen.len(), feature);
        // Whatever is wrong with these ids, they say nothing about when a scan becomes visible.
        return denied.iter().map(|row| row.scan.number()).collect();
    }
    if unseen.lost.is_empty() && unseen.suspects.is_empty() {
        let unexplained = data.watched().any(|row| row.first_seen().is_none() && usual.covers(row));
        if settled.len() >= 8 && !unexplained {
            let by =
                Exclusion::AllSeen { scans: settled.len() as u64, later_than_ns: ns(usual.settled()), share: share_left(settled.len()) };
            for class in [FaultClass::K, FaultClass::L, FaultClass::M] {
                diagnosis.excluded(class, by.clone());
            }
        }
        return numbers;
    }
    if unseen.lost.is_empty() {
        diagnosis.patterns.push(Pattern::MaybeLost {
            scans: unseen.suspects.len() as u64,
            of: (unseen.suspects.len() + settled.len()) as u64,
            latest_ns: oldest(&unseen.suspects),
        });
        return denied.iter().map(|row| row.scan.number()).collect();
    }
    lost(diagnosis, &unseen, &seen);
    // Where scans are lost, one that was denied to the last says nothing of a window.
    denied.iter().chain(&unseen.waiting).chain(&unseen.late).map(|row| row.scan.number()).collect()
}

fn never_visible(lost: &[&ScanRow<'_>], seen: usize) -> Fact {
    Fact::NeverVisible { scans: lost.len() as u64, of: (lost.len() + seen) as u64, watched_ns: oldest(lost) }
}

/// K where another way to ask shows the scans; else nothing was ever seen, and why cannot be told.
fn nothing_seen(diagnosis: &mut Diagnosis, data: &Dataset<'_>, unseen: &Unseen<'_, '_>) {
    let lost: Vec<&ScanRow<'_>> = unseen.lost.iter().chain(&unseen.waiting).chain(&unseen.suspects).copied().collect();
    if lost.is_empty() {
        return;
    }
    let mut asked_otherwise = false;
    let mut facts = vec![never_visible(&lost, 0)];
    for route in [Route::HandedOut, Route::AsInitiator] {
        let asked: Vec<&ScanRow<'_>> = data.rows.iter().filter(|row| row.by_route(route).next().is_some()).collect();
        let found = asked.iter().filter(|row| row.by_route(route).any(|seen| seen)).count();
        asked_otherwise |= !asked.is_empty();
        if found > 0 {
            facts.push(Fact::SeenByRoute { route, scans: found as u64, of: asked.len() as u64 });
        }
    }
    if facts.len() > 1 && !unseen.lost.is_empty() {
        diagnosis.found(FaultClass::K, Strength::Strong, facts);
        return;
    }
    if unseen.lost.is_empty() && lost.iter().all(|row| row.observations.len() < 4) {
        return;
    }
    let failed = lost.iter().filter(|row| failed_by_witness(row)).count();
    if failed >= FEW_SCANS && failed * 2 > lost.len() {
        // They were refused after they had been accepted, and only the witness says so.
        let facts = vec![never_visible(&lost, 0), Fact::FailedByWitness { scans: failed as u64, of: lost.len() as u64 }];
        diagnosis.found(FaultClass::M, Strength::Moderate, facts);
        return;
    }
    let witnessed = lost.iter().filter(|row| knows(row, Answer::Visible)).count();
    diagnosis.patterns.push(Pattern::NothingSeen {
        scans: lost.len() as u64,
        watched_ns: oldest(&lost),
        witnessed: witnessed as u64,
        asked_otherwise,
    });
}

/// K for a part of the scans: those that this caller never sees are shown when they are asked for by another way, at an age at which status
/// went on denying them.
fn seen_otherwise(diagnosis: &mut Diagnosis, unseen: &Unseen<'_, '_>, seen: usize) -> bool {
    let denied: Vec<&ScanRow<'_>> = unseen.lost.iter().chain(&unseen.suspects).chain(&unseen.waiting).copied().collect();
    let mut facts = vec![never_visible(&denied, seen)];
    let mut asked_and_shown = (0, 0);
    for route in [Route::HandedOut, Route::AsInitiator] {
        let asked: Vec<&&ScanRow<'_>> = denied.iter().filter(|row| row.by_route(route).next().is_some()).collect();
        let shown = asked.iter().filter(|row| row.shown_while_denied(route)).count();
        if shown > 0 {
            asked_and_shown = (asked.len(), shown);
            facts.push(Fact::SeenByRoute { route, scans: shown as u64, of: asked.len() as u64 });
        }
    }
    let (asked, shown) = asked_and_shown;
    if facts.len() < 2 || shown * 2 <= asked {
        return false;
    }
    diagnosis.found(FaultClass::K, if shown >= 2 { Strength::Strong } else { Strength::Moderate }, facts);
    true
}

fn failed_by_witness(row: &ScanRow<'_>) -> bool {
    row.scan.witness().iter().any(|reading| reading.state == Some(State::Failed))
}

fn knows(row: &ScanRow<'_>, answer: Answer) -> bool {
    row.scan.witness().iter().any(|reading| reading.answer == answer)
}

/// L: what the ids that are never seen have in common. Where it is nothing that a router or decoder would trip over, the records of
/// these ids may as well be lost.
fn by_feature(diagnosis: &mut Diagnosis, data: &Dataset<'_>, denied: &[&ScanRow<'_>], lost: usize, seen: usize, feature: Fact) {
    let mut facts = vec![never_visible(denied, seen), feature.clone()];
    facts.extend(another_denial(data, denied));
    if let Fact::IdsDivided { part, .. } = feature {
        diagnosis.found_among(FaultClass::L, vec![FaultClass::M], facts);
        diagnosis.patterns.push(Pattern::Partition { part, scans: denied.len() as u64, of: (denied.len() + seen) as u64 });
    } else {
        // A scan that was polled once or twice may as well have been early.
        diagnosis.found(FaultClass::L, if lost >= 2 { Strength::Strong } else { Strength::Moderate }, facts);
        diagnosis.excluded(FaultClass::M, Exclusion::IdsInCommon);
    }
}

/// M: lost, and nothing about the ids says which.
fn lost(diagnosis: &mut Diagnosis, unseen: &Unseen<'_, '_>, seen: &[&ScanRow<'_>]) {
    let lost = &unseen.lost;
    let witnessed = lost.iter().filter(|row| knows(row, Answer::Visible)).count();
    let unwitnessed = lost.iter().filter(|row| knows(row, Answer::NotFound) && !knows(row, Answer::Visible)).count();
    let mut facts = vec![never_visible(lost, seen.len())];
    let ids = lost.len() + unseen.suspects.len();
    let telling = can_tell(ids, seen.len());
    if telling {
        facts.push(Fact::IdsAlike);
        diagnosis.excluded(FaultClass::L, Exclusion::IdsAlike { lost: ids as u64, seen: seen.len() as u64 });
    }
    let failed = lost.iter().filter(|row| failed_by_witness(row)).count();
    if failed * 2 > lost.len() && telling {
        // They are known to have ended, and status says nothing of it.
        facts.push(Fact::FailedByWitness { scans: failed as u64, of: lost.len() as u64 });
        diagnosis.found(FaultClass::M, if failed >= FEW_SCANS { Strength::Strong } else { Strength::Moderate }, facts);
        return;
    }
    let strength = if unwitnessed > 0 && witnessed == 0 && telling {
        facts.push(Fact::UnknownToWitness { scans: unwitnessed as u64 });
        Strength::Strong
    } else {
        if witnessed > 0 {
            facts.push(Fact::KnownToWitness { scans: witnessed as u64 });
        }
        Strength::Moderate
    };
    if telling {
        diagnosis.found(FaultClass::M, strength, facts);
    } else {
        facts.push(Fact::TooFewIds);
        diagnosis.found_among(FaultClass::M, vec![FaultClass::L], facts);
        diagnosis.open.push(OpenQuestion::LostOrIds);
    }
}

/// The workers that answered a scan's polls between two ages, as far as headers say.
fn workers<'a>(row: &ScanRow<'a>, from: f64, until: f64) -> BTreeSet<&'a str> {
    row.observations
        .iter()
        .filter(|observation| (from..until).contains(&observation.age()))
        .filter_map(|observation| observation.exchange.worker.as_deref())
        .collect()
}

/// Whether the denials of lost scans look different from the service's own denial of a never-issued id.
fn another_denial(data: &Dataset<'_>, lost: &[&ScanRow<'_>]) -> Option<Fact> {
    let own: BTreeSet<Option<u16>> = data
        .journal
        .exchanges
        .iter()
        .filter(|exchange| exchange.kind == Exchanged::UnknownPoll && exchange.digest.is_some())
        .map(|exchange| exchange.http)
        .collect();
    let other =
        lost.iter().flat_map(|row| row.observations).find(|observation| !own.is_empty() && !own.contains(&observation.exchange.http))?;
    Some(Fact::AnotherDenial { http: other.exchange.http, own: own.into_iter().collect() })
}
