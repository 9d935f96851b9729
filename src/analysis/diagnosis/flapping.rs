//! Scans that are seen and then denied: B, C′, F and H.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::compare::rates::Rates;
use crate::analysis::diagnosis::chance::{all_among_first, few_runs_together, ln_choose, share_left};
use crate::analysis::diagnosis::dataset::{Dataset, Observation, ScanRow, ns};
use crate::analysis::diagnosis::fact::{Exclusion, Fact};
use crate::analysis::diagnosis::open::OpenQuestion;
use crate::analysis::diagnosis::{Diagnosis, Pattern, Strength, instances, stretch};
use crate::model::answer::{Answer, State};
use crate::model::exchange::Exchange;
use crate::model::fault::FaultClass;
use crate::model::time::{Nanos, Stamp};

/// What the flaps are, for the classes that must not be mistaken for them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Flapping {
    /// The kind, if there are flaps and they fit one.
    pub(super) kind: Option<Kind>,
    /// Share of denials among observations after the first sight.
    pub(super) share: f64,
    /// The age of the last flap, in ms.
    pub(super) until_ms: f64,
    /// The longest row of denials of a scan that was seen before, each at an instant of its own.
    pub(super) streak: usize,
    /// Where scans are evicted: the earliest age at which one was seen for the last time, in ms.
    pub(super) gone_ms: Option<f64>,
}

impl Flapping {
    fn none() -> Flapping {
        Flapping { kind: None, share: 0.0, until_ms: 0.0, streak: 0, gone_ms: None }
    }

    fn of(kind: Kind) -> Flapping {
        Flapping { kind: Some(kind), ..Flapping::none() }
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
    /// Now and then, and nothing accounts for it.
    AtRandom,
    /// All scans at one time.
    OneStretch,
}

/// A run of equal observations.
struct Run {
    seen: bool,
    observations: usize,
    from: f64,
    to: f64,
}

/// What all flaps have in common.
struct Flaps<'r, 'a> {
    /// Scans that were denied after they had been seen.
    rows: Vec<&'r ScanRow<'a>>,
    /// Denials after the first sight, and all polls after it, of these scans.
    denied: usize,
    observations: usize,
    /// All polls after the first sight, of all scans.
    all: usize,
    /// The age up to which polls are comparable with those that were denied.
    until_ms: f64,
    /// Polls up to that age.
    before: usize,
    /// How many scans were denied, seen and denied again.
    twice: usize,
    /// Instants at which pollers of one scan got both answers.
    split: usize,
    /// Different moments of the run at which scans were denied, and how many scans have one that is none of another's.
    moments: usize,
    /// The chance that denials spread evenly over the polls would lie together as closely as these do.
    together: f64,
}

impl<'r, 'a> Flaps<'r, 'a> {
    fn of(data: &Dataset<'a>, rows: Vec<&'r ScanRow<'a>>) -> Flaps<'r, 'a> {
        let (denied, observations) = counts(&rows);
        let until_ms = comparable_until(data, &rows);
        let after = || data.watched().flat_map(ScanRow::after_seen);
        let runs_of = |row: &ScanRow<'_>| runs(row).iter().filter(|run| !run.seen).count();
        let sizes: Vec<(usize, usize)> = rows.iter().map(|row| counts(&[row])).collect();
        let mut instants: Vec<u64> = flaps(&rows).map(|observation| observation.exchange.sent.0 / 1_000_000).collect();
        instants.sort_unstable();
        Flaps {
            denied,
            observations,
            all: after().count(),
            before: after().filter(|observation| observation.age() <= until_ms).count(),
            until_ms,
            twice: rows.iter().filter(|row| runs_of(row) >= 2).count(),
            split: split_instants(&rows).len(),
            moments: moments(instants.into_iter().map(|at| at as f64)),
            together: few_runs_together(rows.iter().map(|row| runs_of(row)).sum(), &sizes),
            rows,
        }
    }

    /// Share of denials among the polls that are comparable with the denied ones: later ones would make anything rare.
    fn share(&self) -> f64 {
        self.denied as f64 / self.before.max(1) as f64
    }

    /// Whether scans were denied at moments of their own: what one scan, or one moment, shows may be an accident of it.
    fn is_repeated(&self) -> bool {
        self.rows.len() >= 2 && self.moments >= 2
    }

    /// Whether polls that could have gone either way did: a scan changed more than once, or pollers disagreed.
    fn goes_both_ways(&self) -> bool {
        self.twice > 0 || self.split > 0
    }
}

/// The age up to which other polls are comparable with the denied ones: to the end of the polls at the planned age of the last, and a
/// moment on.
fn comparable_until(data: &Dataset<'_>, rows: &[&ScanRow<'_>]) -> f64 {
    let denied: BTreeSet<i64> = flaps(rows).filter_map(|observation| Some(observation.exchange.offset.get()?.0)).collect();
    let alike = data
        .watched()
        .flat_map(|row| row.observations)
        .filter(|observation| observation.exchange.offset.get().is_some_and(|at| denied.contains(&at.0)));
    let last = flaps(rows).map(Observation::age).fold(0.0, f64::max) + MOMENT_MS;
    alike.map(Observation::age).fold(last, f64::max)
}

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
    let evicted: Vec<&ScanRow<'_>> = flapping.iter().copied().filter(|row| is_evicted(row)).collect();
    let others: Vec<&ScanRow<'_>> = flapping.iter().copied().filter(|row| !is_evicted(row)).collect();
    // A scan that was denied at the very last only may be either; those that came back decide for it.
    let came_back = others.iter().any(|row| runs(row).len() >= 3);
    if !evicted.is_empty() && !came_back {
        return eviction(diagnosis, data, &evicted, Strength::Strong);
    }
    if !came_back && gone_at_last(&others) {
        return eviction(diagnosis, data, &others, Strength::Moderate);
    }
    if by_worker(&others) {
        return per_instance(diagnosis, data, &others, Strength::Strong);
    }
    let flaps = Flaps::of(data, others);
    if let Some(found) = same_poll(diagnosis, data, &flaps) {
        return found;
    }
    if let Some(found) = holes(diagnosis, data, &flaps) {
        return found;
    }
    if flaps.denied < 3 && flaps.all >= 8 {
        diagnosis.patterns.push(Pattern::TooFew { denied: flaps.denied as u64, polls: flaps.all as u64 });
        return Flapping { share: flaps.denied as f64 / flaps.observations.max(1) as f64, ..Flapping::of(Kind::AtRandom) };
    }
    if let Some(found) = mixed_reads(diagnosis, data, &flaps) {
        return found;
    }
    if one_each(data, &flaps) {
        let asked = data.watched().filter(|row| row.after_seen().next().is_some()).count() as u64;
        diagnosis.patterns.push(Pattern::OnceEach { scans: flaps.rows.len() as u64, of: asked });
        return Flapping { share: flaps.share(), until_ms: flaps.until_ms, ..Flapping::of(Kind::AtRandom) };
    }
    memories_or_chance(diagnosis, data, &flaps)
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

/// H: denials lie together in time, between two sights, and pollers of one instant agree.
fn holes(diagnosis: &mut Diagnosis, data: &Dataset<'_>, flaps: &Flaps<'_, '_>) -> Option<Flapping> {
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

/// C′: denied now and then up to an age, and never after it.
fn mixed_reads(diagnosis: &mut Diagnosis, data: &Dataset<'_>, flaps: &Flaps<'_, '_>) -> Option<Flapping> {
    // Polls after the last flap, well apart from it, and the chance that all denials would come before them by accident.
    let until = flaps.until_ms * 1.3 + 100.0;
    let settled = data.watched().flat_map(ScanRow::after_seen).filter(|observation| observation.age() > until).count();
    if settled < 12 || all_among_first(flaps.denied, flaps.before, flaps.all) > 1e-4 || begins_clean(data, flaps) {
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
    let young = |row: &&ScanRow<'_>| row.after_seen().any(|observation| observation.age() <= flaps.until_ms);
    let mut scans: Vec<(Stamp, bool)> = data
        .watched()
        .filter(young)
        .map(|row| (row.scan.initiate.sent, flaps.rows.iter().any(|flapping| flapping.scan.number() == row.scan.number())))
        .collect();
    scans.sort_unstable();
    let first = scans.iter().rposition(|(_, denied)| *denied)? + 1;
    // Scans and not polls: those of one scan are not independent.
    if all_among_first(flaps.rows.len(), first, scans.len()) > 0.01 {
        return None;
    }
    self::flaps(&flaps.rows).map(|observation| observation.exchange.sent).max()
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

/// B where some number of workers explains who was denied how often, or the connection does; else denials at random.
fn memories_or_chance(diagnosis: &mut Diagnosis, data: &Dataset<'_>, flaps: &Flaps<'_, '_>) -> Flapping {
    let instances = instances::weigh(data);
    let share = flaps.denied as f64 / flaps.observations.max(1) as f64;
    let of_all = flaps.denied as f64 / flaps.all.max(1) as f64;
    let by_workers = instances.by_connection() || instances.supported() || (of_all > RARE && !instances.refuted());
    if !by_workers {
        diagnosis.patterns.push(Pattern::AtRandom {
            denied: flaps.denied as u64,
            polls: flaps.all as u64,
            scans: flaps.rows.len() as u64,
            may_be_worker: !instances.refuted(),
        });
        return Flapping { share: of_all, until_ms: flaps.until_ms, ..Flapping::of(Kind::AtRandom) };
    }
    let plain = flaps.split == 0 && flaps.observations < 20;
    let sure = !plain && flaps.goes_both_ways() && !instances.kept_disagree() && flaps.moments >= 2;
    if !plain && instances.kept_disagree() {
        let (kept_denied, kept) = instances.kept;
        diagnosis.open.push(OpenQuestion::MemoryOrChance { share, kept_denied, kept });
    }
    per_instance(diagnosis, data, &flaps.rows, if sure { Strength::Strong } else { Strength::Moderate })
}

/// A run of denials at most this long between two sights is a hole.
const NARROW_MS: f64 = 250.0;
/// Holes are rare; several workers of equal weight deny at least a half of all polls, and unequal ones some scans nearly always.
const RARE: f64 = 0.2;

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

/// How long after the first sight a copy that lags can still be met.
const SOON_MS: f64 = 2000.0;

/// Runs of equal observations after the first sight.
fn runs(row: &ScanRow<'_>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for observation in row.after_seen() {
        match runs.last_mut() {
            Some(run) if run.seen == observation.seen() => {
                run.observations += 1;
                run.to = observation.age();
            }
            _ => runs.push(Run { seen: observation.seen(), observations: 1, from: observation.age(), to: observation.age() }),
        }
    }
    runs
}

/// Seen for a while, then denied for good: one change only, with enough observations on both sides for it not to be chance.
fn is_evicted(row: &ScanRow<'_>) -> bool {
    let runs = runs(row);
    match runs.as_slice() {
        [seen, gone] => {
            seen.seen && !gone.seen && seen.observations >= 3 && gone.observations >= 3 && seen.observations + gone.observations >= 8
        }
        _ => false,
    }
}

/// Whether scans went once each, at the very end of the watch and after so many sights that workers that disagree would have
/// denied them before.
fn gone_at_last(rows: &[&ScanRow<'_>]) -> bool {
    let sights = |row: &&ScanRow<'_>| match runs(row).as_slice() {
        [seen, gone] if seen.seen && !gone.seen => Some(seen.observations),
        _ => None,
    };
    let Some(sights) = rows.iter().map(sights).sum::<Option<usize>>() else { return false };
    // One denial of one scan may as well be a hole.
    let denials = flaps(rows).count();
    // Denials at random would hardly all come last.
    let by_accident: f64 = rows.iter().map(|row| counts(&[row])).map(|(denied, observations)| -ln_choose(observations, denied)).sum();
    denials >= 2
        && by_accident < 0.01_f64.ln()
        && (1.0 - RARE).powi(i32::try_from(sights).unwrap_or(i32::MAX)) < 1e-3
        && split_instants(rows).is_empty()
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
fn gone(row: &ScanRow<'_>) -> f64 {
    row.after_seen().find(|observation| !observation.seen()).map_or(0.0, Observation::age)
}

/// Whether one instant lies between the last sight and the first denial of every one of these scans.
fn gone_at_one_time(evicted: &[&ScanRow<'_>]) -> bool {
    let bracket = |row: &&ScanRow<'_>| {
        let gone = row.after_seen().find(|observation| !observation.seen())?.exchange.sent;
        let last = row
            .observations
            .iter()
            .filter(|observation| observation.seen() && observation.exchange.sent < gone)
            .map(|observation| observation.exchange.sent)
            .max()?;
        Some((last, gone))
    };
    let brackets: Vec<(Stamp, Stamp)> = evicted.iter().filter_map(bracket).collect();
    let (latest_seen, first_gone) = (brackets.iter().map(|(last, _)| *last).max(), brackets.iter().map(|(_, gone)| *gone).min());
    latest_seen <= first_gone
}

fn eviction(diagnosis: &mut Diagnosis, data: &Dataset<'_>, evicted: &[&ScanRow<'_>], at_most: Strength) -> Flapping {
    let last_seen =
        |row: &ScanRow<'_>| row.observations.iter().filter(|observation| observation.seen()).map(Observation::age).fold(0.0, f64::max);
    let denials = |row: &ScanRow<'_>| {
        row.observations.iter().filter(|observation| !observation.seen() && observation.age() >= gone(row)).count() as u64
    };
    let fewest = evicted.iter().map(|row| denials(row)).min().unwrap_or_default();
    let mut facts = vec![Fact::Gone { scans: evicted.len() as u64, fewest }];
    facts.extend(evicted.iter().take(3).map(|row| {
        let after_end = row.scan.ended().zip(row.scan.t0()).map(|((ended, _), t0)| {
            let since = |age: f64| Nanos(ns(age).0 - ended.done.since(t0).0).clamped();
            (since(last_seen(row)), since(gone(row)))
        });
        Fact::GoneScan {
            scan: row.scan.number(),
            visible_until_ns: ns(last_seen(row)),
            denied: denials(row),
            denied_from_ns: ns(gone(row)),
            after_end_ns: after_end,
        }
    }));
    let at_one_time = evicted.len() >= 2 && !data.is_merged() && gone_at_one_time(evicted);
    let read_once = read_once(evicted);
    let strength = if evicted.len() >= 2 && !at_one_time && !read_once { at_most } else { Strength::Moderate };
    diagnosis.found(FaultClass::F, strength, facts);
    if at_one_time {
        diagnosis.open.push(OpenQuestion::EvictedOrLostAtOnce);
    }
    if read_once {
        diagnosis.open.push(OpenQuestion::EvictedOrReadOnce);
    }
    if at_most < Strength::Strong {
        diagnosis.open.push(OpenQuestion::EvictedOrHole);
    }
    Flapping { gone_ms: evicted.iter().map(|row| last_seen(row)).reduce(f64::min), ..Flapping::of(Kind::Evicted) }
}

/// Whether the answer that showed the end may have been what removed the scans: of none was it given twice.
fn read_once(evicted: &[&ScanRow<'_>]) -> bool {
    let ends = |row: &&ScanRow<'_>| {
        let is_end = |poll: &&&Exchange| poll.answer == Answer::Visible && poll.state.is_some_and(State::is_terminal);
        row.scan.polls().iter().filter(is_end).count()
    };
    evicted.iter().map(ends).max() == Some(1)
}

/// Whether it depends on the worker alone: of each scan every worker that is named either always knows it or never does.
fn by_worker(rows: &[&ScanRow<'_>]) -> bool {
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

fn per_instance(diagnosis: &mut Diagnosis, data: &Dataset<'_>, rows: &[&ScanRow<'_>], strength: Strength) -> Flapping {
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

fn flaps<'r, 'a: 'r>(rows: &'r [&'r ScanRow<'a>]) -> impl Iterator<Item = &'r Observation<'a>> {
    rows.iter().flat_map(|row| row.after_seen()).filter(|observation| !observation.seen())
}

fn counts(rows: &[&ScanRow<'_>]) -> (usize, usize) {
    (flaps(rows).count(), rows.iter().map(|row| row.after_seen().count()).sum())
}

/// Instants, up to an age, at which several pollers asked for a scan that had been seen.
fn instants(data: &Dataset<'_>, until_ms: f64) -> usize {
    let at = |row: &ScanRow<'_>| {
        let mut pollers: BTreeMap<i64, usize> = BTreeMap::new();
        for offset in
            row.after_seen().filter(|observation| observation.age() <= until_ms).filter_map(|observation| observation.exchange.offset.get())
        {
            *pollers.entry(offset.0).or_default() += 1;
        }
        pollers.values().filter(|pollers| **pollers >= 2).count()
    };
    data.watched().map(at).sum()
}

/// Instants at which pollers of one scan got both answers: offset, sights, denials; after the scan had been seen.
fn split_instants(rows: &[&ScanRow<'_>]) -> Vec<(Nanos, u64, u64)> {
    let mut split = Vec::new();
    for row in rows {
        let mut at: BTreeMap<Nanos, (u64, u64)> = BTreeMap::new();
        for observation in row.after_seen() {
            let Some(offset) = observation.exchange.offset.get() else { continue };
            let (seen, denied) = at.entry(offset).or_default();
            if observation.seen() { *seen += 1 } else { *denied += 1 }
        }
        split.extend(
            at.into_iter().filter(|(_, (seen, denied))| *seen > 0 && *denied > 0).map(|(offset, (seen, denied))| (offset, seen, denied)),
        );
    }
    split.sort_by_key(|(at, ..)| *at);
    split
}
