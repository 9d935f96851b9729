//! Scans that are denied as long as anybody looks: K, L and M.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::diagnosis::case::{Case, Look, Row};
use crate::analysis::diagnosis::chance::{ln_choose, percent, share_left};
use crate::analysis::diagnosis::flapping::{Flapping, Kind, moments};
use crate::analysis::diagnosis::{Diagnosis, Pattern, Strength};
use crate::model::answer::Answer;
use crate::model::exchange::{Kind as Exchanged, Route};
use crate::model::fault::FaultClass;
use crate::model::time::Stamp;
use crate::model::wording::{age as ms, counted, of_were};
use crate::statistics::compare::rates::Rates;

/// The numbers of the scans that were never seen and should have been.
pub(super) type Lost = BTreeSet<u64>;

/// A scan is lost only if it was watched so many times as long as the longest window that was seen to end.
const LONGER: f64 = 2.0;
/// And if no window was seen at all, for so long, in ms.
const LONG_MS: f64 = 1000.0;
/// Where windows are seen, so many scans that were asked for later must have become visible while it was still denied: else it may
/// wait in a queue.
const OVERTAKEN_BY: usize = 3;

/// The scans that were never seen, by what that says.
struct Unseen<'r, 'a> {
    /// Denied far longer and far more often than any other scan.
    lost: Vec<&'r Row<'a>>,
    /// Denied at ages at which all others were visible, but not often enough to call it lost.
    suspects: Vec<&'r Row<'a>>,
    /// Denied often, but scans before them needed long, too, and none after them was served first.
    waiting: Vec<&'r Row<'a>>,
    /// First polled later than any scan was visible.
    late: Vec<&'r Row<'a>>,
    /// Denied while windows like the others' were still open.
    early: Vec<&'r Row<'a>>,
}

/// What scans that were seen say about those that were not.
struct Usual {
    /// The longest window that was seen to end.
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
    fn covers(&self, row: &Row<'_>) -> bool {
        row.looks.last().is_some_and(|look| look.age() > self.settled())
    }
}

fn usual(case: &Case<'_>) -> Usual {
    let opened = case.watched().filter(|row| row.denied_at_start().next().is_some());
    let seen_looks = case.watched().flat_map(|row| row.looks).filter(|look| look.seen());
    Usual {
        latest: opened.filter_map(Row::first_seen).fold(0.0, f64::max),
        earliest: case.watched().filter_map(Row::first_seen).fold(f64::INFINITY, f64::min),
        visible_until: seen_looks.map(Look::age).fold(0.0, f64::max),
    }
}

fn sort<'r, 'a>(case: &'r Case<'a>, flapping: &Flapping, usual: &Usual) -> Unseen<'r, 'a> {
    let mut unseen = Unseen { lost: Vec::new(), suspects: Vec::new(), waiting: Vec::new(), late: Vec::new(), early: Vec::new() };
    let mut all_workers = BTreeSet::new();
    for look in case.watched().flat_map(|row| row.looks).filter(|look| look.age() >= 0.0) {
        all_workers.extend(look.exchange.worker.as_deref());
    }
    let all_workers = all_workers.len();
    // Before anybody saw any scan even the worker that knows one may not have known it yet.
    let asked = |row: &Row<'_>| workers(row, 1.2 * usual.earliest).len();
    let nothing_seen = usual.earliest.is_infinite();
    let evicted_from = flapping.gone_ms.unwrap_or(f64::INFINITY);
    let long = (LONGER * usual.latest).max(LONG_MS);
    let overtaking = Overtaking::of(case);
    for row in case.watched().filter(|row| row.looks.iter().all(|look| !look.seen())) {
        let (Some(first), Some(last)) = (row.looks.first(), row.looks.last()) else { continue };
        if flapping.kind == Some(Kind::Evicted) && first.age() >= evicted_from {
            continue;
        }
        if !nothing_seen && first.age() > usual.visible_until {
            unseen.late.push(row);
            continue;
        }
        let denials = moments(row.looks.iter().map(Look::age));
        // Where scans are denied now and then, one may be denied many times in a row because the one worker that knows it was never
        // asked, or by bad luck.
        let unlucky = match flapping.kind {
            Some(Kind::PerInstance) if all_workers >= 2 => asked(row) < all_workers,
            // Connections may stick to one worker for a while, so the longest row of chance denials counts as well.
            Some(Kind::PerInstance | Kind::AtRandom) => {
                flapping.share.powi(i32::try_from(denials).unwrap_or(i32::MAX)) >= 1e-6 || denials <= 3 * flapping.streak
            }
            // Where scans are evicted, one that was not polled in between may have been there.
            Some(Kind::Evicted) => row.looks.iter().filter(|look| usual.latest < look.age() && look.age() < evicted_from).count() < 4,
            Some(Kind::OneStretch) => row.looks.len() < 8,
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
        let watched_enough = row.looks.len() >= 4 && last.age() >= long;
        let in_turn = usual.latest > 0.0 && !overtaking.overtook(row) && row.looks.len() >= 4;
        if in_turn || (row.looks.len() >= 4 && usual.latest > 0.0 && !watched_enough) {
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
    fn of(case: &Case<'_>) -> Overtaking {
        let mut asked: Vec<(Stamp, Stamp)> = case
            .watched()
            .filter_map(|row| {
                let seen = row.looks.iter().filter(|look| look.seen()).map(|look| look.exchange.done).min();
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
    fn overtook(&self, row: &Row<'_>) -> bool {
        let (Some(t0), Some(last)) = (row.scan.t0(), row.looks.last()) else { return false };
        // The last of those that were asked for at the same instant.
        let place = self.0.partition_point(|(asked, _)| *asked <= t0);
        place > 0 && self.0[place - 1].1[OVERTAKEN_BY - 1] < last.exchange.sent
    }
}

fn oldest(rows: &[&Row<'_>]) -> f64 {
    rows.iter().filter_map(|row| row.looks.last()).map(Look::age).fold(0.0, f64::max)
}

pub(super) fn diagnose(diagnosis: &mut Diagnosis, case: &Case<'_>, flapping: &Flapping) -> Lost {
    let usual = usual(case);
    let unseen = sort(case, flapping, &usual);
    let seen: Vec<&Row<'_>> = case.watched().filter(|row| row.first_seen().is_some()).collect();
    let numbers: Lost = unseen.lost.iter().map(|row| row.scan.number()).collect();
    if seen.is_empty() {
        nothing_seen(diagnosis, case, &unseen);
        return numbers;
    }
    if !unseen.waiting.is_empty() {
        diagnosis.patterns.push(Pattern::StillWaiting {
            scans: unseen.waiting.len() as u64,
            of: case.watched().count() as u64,
            watched_ms: oldest(&unseen.waiting),
            longest_ms: usual.latest,
        });
    }
    if !unseen.late.is_empty() {
        diagnosis.patterns.push(Pattern::DeniedLate {
            scans: unseen.late.len() as u64,
            from_ms: unseen.late.iter().filter_map(|row| row.looks.first()).map(Look::age).fold(f64::INFINITY, f64::min),
            visible_ms: usual.visible_until,
        });
    }
    let settled: Vec<&Row<'_>> = seen.iter().copied().filter(|row| usual.covers(row)).collect();
    // Where no window was seen to end, a scan that was denied early may be one of those that are never seen.
    let early: &[&Row<'_>] = if usual.latest > 0.0 { &[] } else { &unseen.early };
    let denied: Vec<&Row<'_>> = unseen.lost.iter().chain(&unseen.suspects).chain(early).copied().collect();
    if let Some(feature) = telling_feature(&denied, &seen) {
        by_feature(diagnosis, case, &denied, unseen.lost.len(), seen.len(), feature);
        // Whatever is wrong with these ids, they say nothing about when a scan becomes visible.
        return denied.iter().map(|row| row.scan.number()).collect();
    }
    if unseen.lost.is_empty() && unseen.suspects.is_empty() {
        let unexplained = case.watched().any(|row| row.first_seen().is_none() && usual.covers(row));
        if settled.len() >= 8 && !unexplained {
            let told = format!(
                "all of {} that were polled later than {} were seen; more than {} lost would have shown with 95 %",
                counted(settled.len() as u64, "scan"),
                ms(usual.settled()),
                percent(share_left(settled.len()))
            );
            for class in [FaultClass::K, FaultClass::L, FaultClass::M] {
                diagnosis.excluded(class, told.clone());
            }
        }
        return numbers;
    }
    if unseen.lost.is_empty() {
        diagnosis.patterns.push(Pattern::MaybeLost {
            scans: unseen.suspects.len() as u64,
            of: (unseen.suspects.len() + settled.len()) as u64,
            latest_ms: oldest(&unseen.suspects),
        });
        return numbers;
    }
    lost(diagnosis, &unseen, &seen);
    numbers
}

fn told_of(lost: &[&Row<'_>], seen: usize) -> String {
    format!("{} denied as long as watched ({} at most)", of_were(lost.len() as u64, (lost.len() + seen) as u64, "scan"), ms(oldest(lost)))
}

/// K where another way to ask shows the scans; else nothing was ever seen, and why cannot be told.
fn nothing_seen(diagnosis: &mut Diagnosis, case: &Case<'_>, unseen: &Unseen<'_, '_>) {
    let lost: Vec<&Row<'_>> = unseen.lost.iter().chain(&unseen.waiting).chain(&unseen.suspects).copied().collect();
    if lost.is_empty() {
        return;
    }
    let mut asked_otherwise = false;
    let mut evidence = vec![told_of(&lost, 0)];
    for (route, how) in
        [(Route::HandedOut, "at the address that the answer handed out"), (Route::AsInitiator, "asked for with the initiate's own headers")]
    {
        let asked: Vec<&Row<'_>> = case.rows.iter().filter(|row| row.by_route(route).next().is_some()).collect();
        let found = asked.iter().filter(|row| row.by_route(route).any(|seen| seen)).count();
        asked_otherwise |= !asked.is_empty();
        if found > 0 {
            evidence.push(format!("{how} {} seen", of_were(found as u64, asked.len() as u64, "scan")));
        }
    }
    if evidence.len() > 1 && !unseen.lost.is_empty() {
        diagnosis.found(FaultClass::K, Strength::Strong, evidence);
        return;
    }
    if unseen.lost.is_empty() && lost.iter().all(|row| row.looks.len() < 4) {
        return;
    }
    let witnessed = lost.iter().filter(|row| knows(row, Answer::Visible)).count();
    diagnosis.patterns.push(Pattern::NothingSeen {
        scans: lost.len() as u64,
        watched_ms: oldest(&lost),
        witnessed: witnessed as u64,
        asked_otherwise,
    });
}

fn knows(row: &Row<'_>, answer: Answer) -> bool {
    row.scan.witness().iter().any(|reading| reading.answer == answer)
}

/// L: what the ids that are never seen have in common. Where it is nothing that a router or decoder would trip over, the records of
/// these ids may as well be lost.
fn by_feature(diagnosis: &mut Diagnosis, case: &Case<'_>, denied: &[&Row<'_>], lost: usize, seen: usize, feature: Feature) {
    let mut evidence = vec![told_of(denied, seen), feature.told];
    if let Some(differs) = foreign_body(case, denied) {
        evidence.push(differs);
    }
    match feature.part {
        None => {
            // A scan that was polled once or twice may as well have been early.
            diagnosis.found(FaultClass::L, if lost >= 2 { Strength::Strong } else { Strength::Moderate }, evidence);
            diagnosis.excluded(FaultClass::M, "the ids of the scans that were never seen have something in common".to_owned());
        }
        Some(ids) => {
            diagnosis.found_either(FaultClass::L, FaultClass::M, evidence);
            diagnosis.patterns.push(Pattern::Partition { ids, scans: denied.len() as u64, of: (denied.len() + seen) as u64 });
        }
    }
}

/// M: lost, and nothing about the ids says which.
fn lost(diagnosis: &mut Diagnosis, unseen: &Unseen<'_, '_>, seen: &[&Row<'_>]) {
    let lost = &unseen.lost;
    let witnessed = lost.iter().filter(|row| knows(row, Answer::Visible)).count();
    let unwitnessed = lost.iter().filter(|row| knows(row, Answer::NotFound) && !knows(row, Answer::Visible)).count();
    let mut evidence = vec![told_of(lost, seen.len())];
    let telling = can_tell(lost.len() + unseen.suspects.len(), seen.len());
    if telling {
        evidence.push("their ids have nothing in common that the others' have not".to_owned());
        diagnosis.excluded(
            FaultClass::L,
            format!(
                "{} ids that were never seen compared with {} that were: no character, beginning, end or remainder tells them apart",
                lost.len() + unseen.suspects.len(),
                seen.len()
            ),
        );
    }
    let strength = if unwitnessed > 0 && witnessed == 0 && telling {
        evidence.push(format!("the witness does not know them either ({unwitnessed} asked)"));
        Strength::Strong
    } else {
        if witnessed > 0 {
            evidence.push(format!("though the witness knew {witnessed} of them"));
        }
        Strength::Moderate
    };
    if telling {
        diagnosis.found(FaultClass::M, strength, evidence);
    } else {
        evidence.push("too few ids to compare with the others'".to_owned());
        diagnosis.found_either(FaultClass::M, FaultClass::L, evidence);
        diagnosis
            .undecided
            .push("cannot tell lost jobs (M) from ids that do not get through (L) with so few of them: ask for more scans".to_owned());
    }
}

/// The workers that answered a scan's polls from an age on, as far as headers say.
fn workers<'a>(row: &Row<'a>, from: f64) -> BTreeSet<&'a str> {
    row.looks.iter().filter(|look| from <= look.age()).filter_map(|look| look.exchange.worker.as_deref()).collect()
}

/// What tells ids that are never seen from the others.
struct Feature {
    told: String,
    /// Where it is a part of all ids rather than something that gets lost on the way: which ids, in words.
    part: Option<String>,
}

/// A mark in an id, and its name.
type Mark = (&'static str, fn(&str) -> bool);

const MARKS: [Mark; 9] = [
    ("a `/`", |id| id.contains('/')),
    ("a `+`", |id| id.contains('+')),
    ("a `=`", |id| id.contains('=')),
    ("a `%`", |id| id.contains('%')),
    ("a blank", |id| id.contains(' ')),
    ("a `.`", |id| id.contains('.')),
    ("a character that must be percent-encoded", |id| id.chars().any(|c| !(c.is_ascii_alphanumeric() || "-_.~".contains(c)))),
    ("an upper-case letter", |id| id.chars().any(|c| c.is_ascii_uppercase())),
    ("a leading zero", |id| id.starts_with('0')),
];

/// A way to divide all ids into parts: what it is called, and the part of an id.
type Division = (&'static str, fn(&str) -> Option<String>);

const DIVISIONS: [Division; 5] = [
    ("end in", |id| id.chars().last().map(String::from)),
    ("begin with", |id| id.chars().next().map(String::from)),
    ("leave, divided by 3, a remainder of", |id| Some((id.parse::<u64>().ok()? % 3).to_string())),
    ("leave, divided by 4, a remainder of", |id| Some((id.parse::<u64>().ok()? % 4).to_string())),
    ("leave, divided by 16, a remainder of", |id| Some((id.parse::<u64>().ok()? % 16).to_string())),
];

/// The largest chance at which a feature counts, after the correction for how many are tried.
const FEATURE_P: f64 = 0.01;

fn tried() -> f64 {
    (MARKS.len() + DIVISIONS.len()) as f64
}

/// Whether so many ids could tell anything: a perfect feature would be beyond chance.
fn can_tell(lost: usize, seen: usize) -> bool {
    tried() * (-ln_choose(lost + seen, lost)).exp() <= FEATURE_P
}

/// A feature that separates the ids of lost scans from the others', beyond chance, corrected for the number of features that are
/// tried: marks by Fisher's test, divisions by the share of all labellings that respect the parts as well.
fn telling_feature(lost: &[&Row<'_>], seen: &[&Row<'_>]) -> Option<Feature> {
    if lost.is_empty() {
        return None;
    }
    mark(lost, seen).or_else(|| division(lost, seen))
}

fn mark(lost: &[&Row<'_>], seen: &[&Row<'_>]) -> Option<Feature> {
    let having = |rows: &[&Row<'_>], has: fn(&str) -> bool| rows.iter().filter(|row| row.scan.id().is_some_and(has)).count() as u64;
    let (best, p) = MARKS
        .iter()
        .filter_map(|mark| {
            let (with_lost, with_seen) = (having(lost, mark.1), having(seen, mark.1));
            // It must explain nearly all losses, and nearly only losses.
            let explains = with_lost * 10 >= lost.len() as u64 * 9 && with_seen * 10 <= seen.len() as u64;
            let rates =
                Rates { base_events: with_seen, base_trials: seen.len() as u64, new_events: with_lost, new_trials: lost.len() as u64 };
            explains.then(|| (mark, rates.fisher().p_two_sided))
        })
        .min_by(|a, b| a.1.total_cmp(&b.1))?;
    (p * tried() <= FEATURE_P).then(|| Feature {
        told: format!(
            "{} in {} of {} ids that were never seen, and in {} of {} that were (p = {p:.1e})",
            best.0,
            having(lost, best.1),
            lost.len(),
            having(seen, best.1),
            seen.len()
        ),
        part: None,
    })
}

fn division(lost: &[&Row<'_>], seen: &[&Row<'_>]) -> Option<Feature> {
    let (division, parts, p) = DIVISIONS
        .iter()
        .filter_map(|division| {
            let parts = |rows: &[&Row<'_>]| rows.iter().map(|row| row.scan.id().and_then(division.1)).collect::<Option<Vec<String>>>();
            let (lost_in, seen_in) = (parts(lost)?, parts(seen)?);
            let affected: BTreeSet<&String> = lost_in.iter().collect();
            if seen_in.iter().any(|part| affected.contains(part)) {
                return None;
            }
            let mut sizes: BTreeMap<&String, usize> = BTreeMap::new();
            for part in lost_in.iter().chain(&seen_in) {
                *sizes.entry(part).or_default() += 1;
            }
            let sizes: Vec<usize> = sizes.into_values().collect();
            let named: Vec<String> = affected.iter().map(|part| (*part).clone()).collect();
            Some((division, named, (unions(&sizes, lost.len()).ln() - ln_choose(lost.len() + seen.len(), lost.len())).exp()))
        })
        .min_by(|a, b| a.2.total_cmp(&b.2))?;
    (p * tried() <= FEATURE_P).then(|| {
        let ids = format!("ids that {} {}", division.0, parts.iter().map(|part| format!("`{part}`")).collect::<Vec<_>>().join(", "));
        Feature {
            told: format!(
                "{ids}: {} of {} were never seen; of all other ids {} of {} were seen (p = {p:.1e})",
                lost.len(),
                lost.len(),
                seen.len(),
                seen.len()
            ),
            part: Some(ids),
        }
    })
}

/// How many unions of whole parts have so many members.
fn unions(sizes: &[usize], members: usize) -> f64 {
    let mut ways = vec![0.0; members + 1];
    ways[0] = 1.0;
    for size in sizes {
        for total in (*size..=members).rev() {
            ways[total] += ways[total - size];
        }
    }
    ways[members]
}

/// Whether the denials of lost scans look different from the service's own denial of a never-issued id.
fn foreign_body(case: &Case<'_>, lost: &[&Row<'_>]) -> Option<String> {
    let codes: BTreeSet<Option<u16>> = case
        .journal
        .exchanges
        .iter()
        .filter(|exchange| exchange.kind == Exchanged::UnknownPoll && exchange.digest.is_some())
        .map(|exchange| exchange.http)
        .collect();
    let other = lost.iter().flat_map(|row| row.looks).find(|look| !codes.is_empty() && !codes.contains(&look.exchange.http))?;
    Some(format!(
        "their not_found came with HTTP {}, the service's own comes with {}",
        code(other.exchange.http),
        codes.iter().map(|http| code(*http)).collect::<Vec<_>>().join(", ")
    ))
}

fn code(http: Option<u16>) -> String {
    http.map_or_else(|| "?".to_owned(), |http| http.to_string())
}
