//! Scans that are seen and then denied: B, C′, F and H.

use std::collections::BTreeMap;

use crate::analysis::diagnosis::case::{Case, Look, Row, ms};
use crate::analysis::diagnosis::{Diagnosis, Strength};
use crate::model::fault::FaultClass;

/// What the flaps are, for the classes that must not be mistaken for them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Flapping {
    /// The kind, if there are flaps and they fit one.
    pub(super) kind: Option<Kind>,
    /// Share of denials among looks after the first sight.
    pub(super) share: f64,
    /// The age of the last flap, in ms.
    pub(super) until_ms: f64,
    /// The longest row of denials of a scan that was seen before, each at an instant of its own.
    pub(super) streak: usize,
    /// Where scans are evicted: the earliest age at which one was gone, in ms.
    pub(super) gone_ms: Option<f64>,
}

impl Flapping {
    fn none() -> Flapping {
        Flapping { kind: None, share: 0.0, until_ms: 0.0, streak: 0, gone_ms: None }
    }
}

/// Which pattern the flaps have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// By chance of the connection, for ever.
    PerInstance,
    /// By chance of the connection, until a lag is over.
    MixedReads,
    /// Once seen, then denied for good.
    Evicted,
    /// Short holes.
    Holes,
}

/// A run of equal looks.
struct Run {
    seen: bool,
    looks: usize,
    from: f64,
    to: f64,
}

pub(super) fn diagnose(diagnosis: &mut Diagnosis, case: &Case<'_>) -> Flapping {
    let flapping: Vec<&Row<'_>> = case.watched().filter(|row| row.after_seen().any(|look| !look.seen())).collect();
    let after: usize = case.watched().map(|row| row.after_seen().count()).sum();
    if flapping.is_empty() {
        rule_out(diagnosis, case, after);
        return Flapping::none();
    }
    let evicted: Vec<&Row<'_>> = flapping.iter().copied().filter(|row| is_evicted(row)).collect();
    let others: Vec<&Row<'_>> = flapping.iter().copied().filter(|row| !is_evicted(row)).collect();
    // A scan that was denied at the very last only may be either; those that came back decide for it.
    let came_back = others.iter().any(|row| runs(row).len() >= 3);
    if !evicted.is_empty() && !came_back {
        return eviction(diagnosis, &evicted, Strength::Strong);
    }
    if !came_back && gone_at_last(&others) {
        return eviction(diagnosis, &others, Strength::Moderate);
    }
    if by_worker(&others) {
        return per_instance(diagnosis, case, &others, Strength::Strong);
    }
    let (denied, looks) = counts(&others);
    let share = denied as f64 / looks.max(1) as f64;
    let until_ms = flaps(&others).map(Look::age).fold(0.0, f64::max);
    let narrow =
        others.iter().flat_map(|row| runs(row)).filter(|run| !run.seen).all(|run| run.looks <= 3 || run.to - run.from <= NARROW_MS);
    let both_at_once = split_instants(&others);
    // Only the looks up to the last flap tell how often a scan is denied while it is: later ones would make anything rare.
    let before = flapping_region(case, 0.0, until_ms);
    let share_before = before.0 as f64 / before.1.max(1) as f64;
    // A hole's edge may fall between pollers of one instant; workers that disagree split nearly every instant.
    let rarely_split = both_at_once.len() * 4 <= instants(case, until_ms);
    if share_before <= RARE && narrow && rarely_split && looks >= 50 {
        return holes(diagnosis, &others, denied, looks, until_ms);
    }
    // Looks of the same scans after the last flap, and how likely they would all be seen if the flaps went on.
    let until = until_ms * 1.3 + 100.0;
    let settled = case.watched().flat_map(Row::after_seen).filter(|look| look.age() > until).count();
    if (1.0 - share_before).powi(i32::try_from(settled).unwrap_or(i32::MAX)) < 1e-4 && settled >= 12 {
        diagnosis.found(
            FaultClass::CPrime,
            Strength::Strong,
            vec![
                format!("{} scans were seen and then denied, {denied} times in all, until {} after their id", others.len(), ms(until_ms)),
                format!("after that none of {settled} polls was denied: the disagreement heals"),
            ],
        );
        diagnosis.excluded(FaultClass::B, format!("settled polls on fresh connections: 0 of {settled} denied after {}", ms(until)));
        return Flapping { kind: Some(Kind::MixedReads), share, until_ms, ..Flapping::none() };
    }
    let strength = if both_at_once.is_empty() && looks < 20 { Strength::Moderate } else { Strength::Strong };
    per_instance(diagnosis, case, &others, strength)
}

/// A run of denials at most this long between two sights is a hole.
const NARROW_MS: f64 = 250.0;
/// Holes are rare; several workers of equal weight deny at least a quarter of all polls.
const RARE: f64 = 0.2;

fn rule_out(diagnosis: &mut Diagnosis, case: &Case<'_>, after: usize) {
    if after < 12 {
        return;
    }
    let mut connections = Vec::with_capacity(after);
    connections.extend(case.watched().flat_map(Row::after_seen).filter_map(|look| look.exchange.conn.get()));
    connections.sort_unstable();
    connections.dedup();
    let told = format!("{after} polls of scans that had been seen, on {} connections: none denied", connections.len().max(1));
    diagnosis.excluded(FaultClass::B, told.clone());
    diagnosis.excluded(FaultClass::CPrime, told);
    let dense = case.watched().map(|row| row.after_seen().count()).max().unwrap_or_default();
    if dense >= 100 {
        diagnosis.excluded(FaultClass::H, format!("a dense trace of {dense} polls of one scan: no hole"));
    }
    let past_end = case
        .watched()
        .filter_map(|row| {
            let (ended, _) = row.scan.ended()?;
            let last = row.looks.iter().rfind(|look| look.seen())?;
            Some(last.exchange.sent.since(ended.done).as_ms())
        })
        .fold(0.0, f64::max);
    if past_end >= 500.0 {
        diagnosis
            .excluded(FaultClass::F, format!("scans stayed visible for as long as they were watched after their end ({})", ms(past_end)));
    }
}

/// Runs of equal looks after the first sight.
fn runs(row: &Row<'_>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for look in row.after_seen() {
        match runs.last_mut() {
            Some(run) if run.seen == look.seen() => {
                run.looks += 1;
                run.to = look.age();
            }
            _ => runs.push(Run { seen: look.seen(), looks: 1, from: look.age(), to: look.age() }),
        }
    }
    runs
}

/// Seen for a while, then denied for good: one change only, with enough looks on both sides for it not to be chance.
fn is_evicted(row: &Row<'_>) -> bool {
    let runs = runs(row);
    match runs.as_slice() {
        [seen, gone] => seen.seen && !gone.seen && seen.looks >= 3 && gone.looks >= 3 && seen.looks + gone.looks >= 8,
        _ => false,
    }
}

/// Whether scans went once each, at the very end of the watch and after so many sights that workers that disagree would have
/// denied them before.
fn gone_at_last(rows: &[&Row<'_>]) -> bool {
    let sights = |row: &&Row<'_>| match runs(row).as_slice() {
        [seen, gone] if seen.seen && !gone.seen => Some(seen.looks),
        _ => None,
    };
    let Some(sights) = rows.iter().map(sights).sum::<Option<usize>>() else { return false };
    // One denial of one scan may as well be a hole.
    let denials = flaps(rows).count();
    denials >= 2 && (1.0 - RARE).powi(i32::try_from(sights).unwrap_or(i32::MAX)) < 1e-3 && split_instants(rows).is_empty()
}

/// The longest row of denials after the first sight. Denials within a moment count once: concurrent pollers often meet the
/// same worker.
fn streak(row: &Row<'_>) -> usize {
    let mut longest = 0;
    let mut current: Vec<f64> = Vec::new();
    for look in row.after_seen() {
        if look.seen() {
            longest = longest.max(moments(current.drain(..)));
        } else {
            current.push(look.age());
        }
    }
    longest.max(moments(current.into_iter()))
}

/// How many of these ages, in ascending order, lie apart from each other.
pub(super) fn moments(ages: impl Iterator<Item = f64>) -> usize {
    let mut last = f64::NEG_INFINITY;
    ages.filter(|age| {
        let apart = age - last >= MOMENT_MS;
        if apart {
            last = *age;
        }
        apart
    })
    .count()
}

/// Polls this close to each other are not independent draws of a worker.
const MOMENT_MS: f64 = 20.0;

/// The age at which a scan that had been seen was first denied.
fn gone(row: &Row<'_>) -> f64 {
    row.after_seen().find(|look| !look.seen()).map_or(0.0, Look::age)
}

fn eviction(diagnosis: &mut Diagnosis, evicted: &[&Row<'_>], at_most: Strength) -> Flapping {
    let last_seen = |row: &&Row<'_>| row.looks.iter().filter(|look| look.seen()).map(Look::age).fold(0.0, f64::max);
    let mut evidence = Vec::new();
    for row in evicted.iter().take(3) {
        let gone = gone(row);
        let end = row.scan.ended().map_or_else(String::new, |(ended, _)| {
            format!(", {} after its end was seen", ms(row.scan.t0().map_or(0.0, |t0| gone - ended.done.since(t0).as_ms()).max(0.0)))
        });
        let denials = row.looks.iter().filter(|look| !look.seen() && look.age() >= gone).count();
        evidence.push(format!(
            "scan {}: visible until {}, then not_found for good from {}{end} ({denials} polls)",
            row.scan.number(),
            ms(last_seen(row)),
            ms(gone)
        ));
    }
    evidence.insert(0, format!("{} scans were seen, then denied for good", evicted.len()));
    let strength = if evicted.len() >= 2 { at_most } else { Strength::Moderate };
    diagnosis.found(FaultClass::F, strength, evidence);
    if at_most < Strength::Strong {
        diagnosis.undecided.push(
            "cannot tell whether scans that were denied at the last come back: watch them well beyond their end to tell early eviction (F) from holes (H)"
                .to_owned(),
        );
    }
    Flapping { kind: Some(Kind::Evicted), gone_ms: evicted.iter().map(|row| gone(row)).reduce(f64::min), ..Flapping::none() }
}

/// Whether it depends on the worker alone: of each scan every worker that is named either always knows it or never does.
fn by_worker(rows: &[&Row<'_>]) -> bool {
    let mut looks_of_several = 0;
    for row in rows {
        let mut answers: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
        for look in row.after_seen() {
            let Some(worker) = look.exchange.worker.as_deref() else { return false };
            let (seen, denied) = answers.entry(worker).or_default();
            if look.seen() { *seen += 1 } else { *denied += 1 }
        }
        if answers.values().any(|(seen, denied)| *seen > 0 && *denied > 0) {
            return false;
        }
        if answers.len() >= 2 {
            looks_of_several += answers.values().map(|(seen, denied)| seen + denied).sum::<u32>();
        }
    }
    looks_of_several >= 6
}

fn per_instance(diagnosis: &mut Diagnosis, case: &Case<'_>, rows: &[&Row<'_>], strength: Strength) -> Flapping {
    let (denied, looks) = counts(rows);
    let until_ms = flaps(rows).map(Look::age).fold(0.0, f64::max);
    let mut evidence = vec![format!(
        "{} scans were seen and then denied: {denied} of {looks} polls on fresh connections, as late as {} after the id",
        rows.len(),
        ms(until_ms)
    )];
    if by_worker(rows) {
        evidence.push("of each scan every worker either always knows it or never does (by the worker header)".to_owned());
    }
    if let Some((age, seen, denied)) = split_instants(rows).last() {
        evidence.push(format!("at one instant ({}), {seen} pollers saw the same scan and {denied} did not", ms(*age)));
    }
    let kept: Vec<_> = case.rows.iter().filter(|row| row.kept().count() >= 3).collect();
    if !kept.is_empty() && kept.iter().all(|row| row.kept().all(|seen| Some(seen) == row.kept().next())) {
        evidence.push(format!("on kept connections each of {} scans was answered one way only", kept.len()));
    }
    diagnosis.found(FaultClass::B, strength, evidence);
    if strength < Strength::Strong {
        diagnosis.undecided.push("cannot tell per-instance memory (B) from early eviction (F) and mixed reads (C') with so few polls: poll one scan from several fresh connections at once, well after it was seen".to_owned());
    }
    let streak = rows.iter().map(|row| streak(row)).max().unwrap_or_default();
    Flapping { kind: Some(Kind::PerInstance), share: denied as f64 / looks.max(1) as f64, until_ms, streak, gone_ms: None }
}

fn holes(diagnosis: &mut Diagnosis, rows: &[&Row<'_>], denied: usize, looks: usize, until_ms: f64) -> Flapping {
    let all: Vec<Run> = rows.iter().flat_map(|row| runs(row)).filter(|run| !run.seen).collect();
    let widest = all.iter().map(|run| run.to - run.from).fold(0.0, f64::max);
    diagnosis.found(
        FaultClass::H,
        Strength::Strong,
        vec![
            format!(
                "{} short holes in {} scans: {denied} of {looks} polls after the first sight, each hole between two sights",
                all.len(),
                rows.len()
            ),
            format!("the widest held for at least {}", ms(widest)),
        ],
    );
    Flapping { kind: Some(Kind::Holes), share: denied as f64 / looks.max(1) as f64, until_ms, ..Flapping::none() }
}

fn flaps<'r, 'a: 'r>(rows: &'r [&'r Row<'a>]) -> impl Iterator<Item = &'r Look<'a>> {
    rows.iter().flat_map(|row| row.after_seen()).filter(|look| !look.seen())
}

fn counts(rows: &[&Row<'_>]) -> (usize, usize) {
    (flaps(rows).count(), rows.iter().map(|row| row.after_seen().count()).sum())
}

fn flapping_region(case: &Case<'_>, from: f64, to: f64) -> (usize, usize) {
    let region = || case.watched().flat_map(Row::after_seen).filter(|look| from <= look.age() && look.age() <= to);
    (region().filter(|look| !look.seen()).count(), region().count())
}

/// Instants, up to an age, at which several pollers asked for a scan that had been seen.
fn instants(case: &Case<'_>, until_ms: f64) -> usize {
    let at = |row: &Row<'_>| {
        let mut pollers: BTreeMap<i64, usize> = BTreeMap::new();
        for offset in row.after_seen().filter(|look| look.age() <= until_ms).filter_map(|look| look.exchange.offset.get()) {
            *pollers.entry(offset.0).or_default() += 1;
        }
        pollers.values().filter(|pollers| **pollers >= 2).count()
    };
    case.watched().map(at).sum()
}

/// Instants at which pollers of one scan got both answers: offset, sights, denials; after the scan had been seen.
fn split_instants(rows: &[&Row<'_>]) -> Vec<(f64, usize, usize)> {
    let mut split = Vec::new();
    for row in rows {
        let mut at: BTreeMap<i64, (usize, usize)> = BTreeMap::new();
        for look in row.after_seen() {
            let Some(offset) = look.exchange.offset.get() else { continue };
            let (seen, denied) = at.entry(offset.0).or_default();
            if look.seen() { *seen += 1 } else { *denied += 1 }
        }
        split.extend(
            at.into_iter()
                .filter(|(_, (seen, denied))| *seen > 0 && *denied > 0)
                .map(|(offset, (seen, denied))| (offset as f64 / 1e6, seen, denied)),
        );
    }
    split.sort_by(|a, b| a.0.total_cmp(&b.0));
    split
}
