//! Scans that are seen and then denied: B, C′, F and H.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::diagnosis::case::{Case, Look, Row};
use crate::analysis::diagnosis::chance::{all_among_first, few_runs_together, ln_choose, percent, share_left};
use crate::analysis::diagnosis::{Diagnosis, Pattern, Strength, instances, stretch};
use crate::model::answer::{Answer, State};
use crate::model::exchange::Exchange;
use crate::model::fault::FaultClass;
use crate::model::time::Stamp;
use crate::model::wording::{age as ms, counted, were};
use crate::statistics::compare::rates::Rates;

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

/// A run of equal looks.
struct Run {
    seen: bool,
    looks: usize,
    from: f64,
    to: f64,
}

/// What all flaps have in common.
struct Flaps<'r, 'a> {
    /// Scans that were denied after they had been seen.
    rows: Vec<&'r Row<'a>>,
    /// Denials after the first sight, and all polls after it, of these scans.
    denied: usize,
    looks: usize,
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
    fn of(case: &Case<'a>, rows: Vec<&'r Row<'a>>) -> Flaps<'r, 'a> {
        let (denied, looks) = counts(&rows);
        let until_ms = comparable_until(case, &rows);
        let after = || case.watched().flat_map(Row::after_seen);
        let runs_of = |row: &Row<'_>| runs(row).iter().filter(|run| !run.seen).count();
        let sizes: Vec<(usize, usize)> = rows.iter().map(|row| counts(&[row])).collect();
        let mut instants: Vec<u64> = flaps(&rows).map(|look| look.exchange.sent.0 / 1_000_000).collect();
        instants.sort_unstable();
        Flaps {
            denied,
            looks,
            all: after().count(),
            before: after().filter(|look| look.age() <= until_ms).count(),
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
fn comparable_until(case: &Case<'_>, rows: &[&Row<'_>]) -> f64 {
    let denied: BTreeSet<i64> = flaps(rows).filter_map(|look| Some(look.exchange.offset.get()?.0)).collect();
    let alike = case.watched().flat_map(|row| row.looks).filter(|look| look.exchange.offset.get().is_some_and(|at| denied.contains(&at.0)));
    let last = flaps(rows).map(Look::age).fold(0.0, f64::max) + MOMENT_MS;
    alike.map(Look::age).fold(last, f64::max)
}

pub(super) fn diagnose(diagnosis: &mut Diagnosis, case: &Case<'_>) -> Flapping {
    if let Some(stretch) = stretch::of(case) {
        let from_ms = |at: Stamp| at.0 as f64 / 1e6;
        diagnosis.patterns.push(Pattern::OneStretch {
            from_ms: from_ms(stretch.from),
            to_ms: from_ms(stretch.to),
            denied: stretch.denied,
            polls: stretch.polls,
            scans: stretch.scans,
        });
        return Flapping::of(Kind::OneStretch);
    }
    let flapping: Vec<&Row<'_>> = case.watched().filter(|row| row.after_seen().any(|look| !look.seen())).collect();
    if flapping.is_empty() {
        rule_out(diagnosis, case);
        return Flapping::none();
    }
    let evicted: Vec<&Row<'_>> = flapping.iter().copied().filter(|row| is_evicted(row)).collect();
    let others: Vec<&Row<'_>> = flapping.iter().copied().filter(|row| !is_evicted(row)).collect();
    // A scan that was denied at the very last only may be either; those that came back decide for it.
    let came_back = others.iter().any(|row| runs(row).len() >= 3);
    if !evicted.is_empty() && !came_back {
        return eviction(diagnosis, case, &evicted, Strength::Strong);
    }
    if !came_back && gone_at_last(&others) {
        return eviction(diagnosis, case, &others, Strength::Moderate);
    }
    if by_worker(&others) {
        return per_instance(diagnosis, case, &others, Strength::Strong);
    }
    let flaps = Flaps::of(case, others);
    if let Some(found) = same_poll(diagnosis, case, &flaps) {
        return found;
    }
    if let Some(found) = holes(diagnosis, case, &flaps) {
        return found;
    }
    if flaps.denied < 3 && flaps.all >= 8 {
        diagnosis.patterns.push(Pattern::TooFew { denied: flaps.denied as u64, polls: flaps.all as u64 });
        return Flapping { share: flaps.denied as f64 / flaps.looks.max(1) as f64, ..Flapping::of(Kind::AtRandom) };
    }
    if let Some(found) = mixed_reads(diagnosis, case, &flaps) {
        return found;
    }
    if one_each(case, &flaps) {
        let asked = case.watched().filter(|row| row.after_seen().next().is_some()).count() as u64;
        diagnosis.patterns.push(Pattern::OnceEach { scans: flaps.rows.len() as u64, of: asked });
        return Flapping { share: flaps.share(), until_ms: flaps.until_ms, ..Flapping::of(Kind::AtRandom) };
    }
    memories_or_chance(diagnosis, case, &flaps)
}

/// The denied poll is always the same one, counted from the first, at different ages.
fn same_poll(diagnosis: &mut Diagnosis, case: &Case<'_>, flaps: &Flaps<'_, '_>) -> Option<Flapping> {
    let place = |row: &Row<'_>| row.looks.iter().position(|look| !look.seen());
    let nth = place(flaps.rows.first()?)?;
    let all_there = flaps.rows.iter().all(|row| place(row) == Some(nth) && row.looks.iter().filter(|look| !look.seen()).count() == 1);
    let asked: Vec<&Row<'_>> = case.watched().filter(|row| row.looks.len() > nth).collect();
    let mut ages: Vec<f64> = asked.iter().map(|row| row.looks[nth].age()).collect();
    ages.sort_by(f64::total_cmp);
    let spread = ages.last()? > &(2.0 * ages.first()? + MOMENT_MS);
    if !all_there || !spread || flaps.rows.len() < 4 || flaps.rows.len() * 10 < asked.len() * 9 {
        return None;
    }
    diagnosis.patterns.push(Pattern::SamePoll { nth: nth as u64 + 1, denied: flaps.rows.len() as u64, scans: asked.len() as u64 });
    Some(Flapping { share: flaps.denied as f64 / flaps.looks.max(1) as f64, ..Flapping::of(Kind::AtRandom) })
}

/// H: denials lie together in time, between two sights, and pollers of one instant agree.
fn holes(diagnosis: &mut Diagnosis, case: &Case<'_>, flaps: &Flaps<'_, '_>) -> Option<Flapping> {
    let holes: Vec<Run> = flaps.rows.iter().flat_map(|row| runs(row)).filter(|run| !run.seen).collect();
    let narrow = holes.iter().all(|run| run.looks <= 3 || run.to - run.from <= NARROW_MS);
    // A single hole in each scan is one of the scan's life, however wide; connections that disagree make several.
    let one_each = flaps.twice == 0 && flaps.rows.iter().all(|row| matches!(runs(row).as_slice(), [_, _, _]));
    // A hole's edge may fall between pollers of one instant; workers that disagree split nearly every instant.
    let rarely_split = flaps.split * 4 <= instants(case, flaps.until_ms);
    if !rarely_split || !((narrow && flaps.share() <= RARE) || one_each) || flaps.looks < 12 {
        return None;
    }
    let lie_together = flaps.together < 0.01;
    let at_one_age = flaps.rows.len() >= 2 && one_each && at_one_age(&flaps.rows) < 0.02;
    if !lie_together && !at_one_age {
        return None;
    }
    let widest = holes.iter().map(|run| run.to - run.from).fold(0.0, f64::max);
    let mut evidence = vec![format!(
        "{} in {}: {} of {} after the first sight, each hole between two sights",
        counted(holes.len() as u64, "hole"),
        counted(flaps.rows.len() as u64, "scan"),
        flaps.denied,
        counted(flaps.looks as u64, "poll")
    )];
    evidence.push(format!("the widest held for at least {}", ms(widest)));
    if at_one_age && !lie_together {
        evidence.push("each at about the same age".to_owned());
    }
    let idle = only_after_idleness(&flaps.rows);
    let sure = lie_together && flaps.is_repeated() && flaps.denied >= 4 && !idle;
    diagnosis.found(FaultClass::H, if sure { Strength::Strong } else { Strength::Moderate }, evidence);
    if idle {
        diagnosis.undecided.push(
            "cannot tell a hole in a scan's life (H) from a record that is dropped while nobody asks for it (F): each denial came after a longer pause \
             between polls than any sight did; watch scans without pauses"
                .to_owned(),
        );
    } else if !sure {
        diagnosis.undecided.push(format!(
            "cannot tell a hole in a scan's life (H) from a disturbance of the service: {}; watch more scans, asked for at different times, closely",
            if flaps.rows.len() < 2 { "only one scan has one" } else { "they are few, or lie at one time" }
        ));
    }
    Some(Flapping { share: flaps.denied as f64 / flaps.looks.max(1) as f64, until_ms: flaps.until_ms, ..Flapping::of(Kind::Holes) })
}

/// Whether every hole began after a longer pause between polls than any sight came after.
fn only_after_idleness(rows: &[&Row<'_>]) -> bool {
    let (mut before_hole, mut before_sight) = (f64::INFINITY, 0.0_f64);
    for row in rows {
        for pair in row.looks.windows(2) {
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
fn at_one_age(rows: &[&Row<'_>]) -> f64 {
    let middle = |row: &Row<'_>| runs(row).iter().find(|run| !run.seen).map_or(0.0, |run| f64::midpoint(run.from, run.to));
    let first = middle(rows[0]);
    // The share of a scan's polls that lie as near to the first hole as its own hole does.
    let chance = |row: &&Row<'_>| {
        let wide = (middle(row) - first).abs() + 1.0;
        let near = row.after_seen().filter(|look| (look.age() - first).abs() <= wide).count();
        near as f64 / row.after_seen().count().max(1) as f64
    };
    rows.iter().skip(1).map(chance).product()
}

/// C′: denied now and then up to an age, and never after it.
fn mixed_reads(diagnosis: &mut Diagnosis, case: &Case<'_>, flaps: &Flaps<'_, '_>) -> Option<Flapping> {
    // Polls after the last flap, well apart from it, and the chance that all denials would come before them by accident.
    let until = flaps.until_ms * 1.3 + 100.0;
    let settled = case.watched().flat_map(Row::after_seen).filter(|look| look.age() > until).count();
    if settled < 12 || all_among_first(flaps.denied, flaps.before, flaps.all) > 1e-4 || begins_clean(case, flaps) {
        return None;
    }
    if let Some(at) = ended_in_the_run(case, flaps) {
        let found = per_instance(diagnosis, case, &flaps.rows, Strength::Moderate);
        diagnosis.undecided.push(format!(
            "from {} into the run on, no poll of the same ages was denied: instances that had learned of the store by then (per-instance memory, B), or a service that changed meanwhile",
            ms(at.0 as f64 / 1e6)
        ));
        return Some(found);
    }
    let sure = flaps.is_repeated() && flaps.goes_both_ways();
    diagnosis.found(
        FaultClass::CPrime,
        if sure { Strength::Strong } else { Strength::Moderate },
        vec![
            format!(
                "{} {} seen and then denied: {} of {} up to {} after the id",
                counted(flaps.rows.len() as u64, "scan"),
                were(flaps.rows.len() as u64),
                flaps.denied,
                counted(flaps.before as u64, "poll"),
                ms(flaps.until_ms)
            ),
            format!("after that none of {settled} polls was denied: the disagreement heals"),
        ],
    );
    if !sure {
        diagnosis.undecided.push(
            "cannot tell mixed reads (C') from a hole in the scans' life (H): no scan was seen to change more than once, and no two pollers disagreed; poll a scan from several fresh connections at once, from its id on"
                .to_owned(),
        );
    }
    diagnosis.excluded(
        FaultClass::B,
        format!(
            "settled polls on fresh connections, all from one client address: 0 of {settled} denied after {}; a worker without the scan that takes more than {} of them would have shown with 95 %",
            ms(until),
            percent(share_left(settled))
        ),
    );
    Some(Flapping { share: flaps.denied as f64 / flaps.looks.max(1) as f64, until_ms: flaps.until_ms, ..Flapping::of(Kind::MixedReads) })
}

/// Whether younger polls were denied less often than those among which the denials lie: a copy that lags denies the youngest most.
fn begins_clean(case: &Case<'_>, flaps: &Flaps<'_, '_>) -> bool {
    let earliest = self::flaps(&flaps.rows).map(Look::age).fold(f64::INFINITY, f64::min) - MOMENT_MS;
    let younger = case.watched().flat_map(|row| row.looks).filter(|look| look.age() < earliest);
    let (denied, all) = younger.fold((0, 0), |(denied, all), look| (denied + u64::from(!look.seen()), all + 1));
    let test =
        Rates { base_events: flaps.denied as u64, base_trials: flaps.before.max(flaps.denied) as u64, new_events: denied, new_trials: all };
    test.fisher().p_lower < 0.01
}

/// The instant of the last denial, if the disagreement ended with the run's time and not with the scans' age: later scans were polled at
/// the same ages, and none of them was denied. What heals by age goes on in later scans.
fn ended_in_the_run(case: &Case<'_>, flaps: &Flaps<'_, '_>) -> Option<Stamp> {
    // Instants of several clocks are not to be compared.
    if case.is_merged() {
        return None;
    }
    let young = |row: &&Row<'_>| row.after_seen().any(|look| look.age() <= flaps.until_ms);
    let mut scans: Vec<(Stamp, bool)> = case
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
    self::flaps(&flaps.rows).map(|look| look.exchange.sent).max()
}

/// Whether denials are spread over the scans more evenly than chance or workers with memories of their own spread them: each of many scans
/// has exactly one.
fn one_each(case: &Case<'_>, flaps: &Flaps<'_, '_>) -> bool {
    if flaps.denied != flaps.rows.len() || flaps.split > 0 {
        return false;
    }
    // All of them at the poll of one place.
    let place = |row: &Row<'_>| row.after_seen().position(|look| !look.seen());
    let same_place = flaps.rows.iter().all(|row| place(row) == place(flaps.rows[0]));
    let by_chance: f64 = flaps.rows.iter().skip(1).map(|row| 1.0 / row.after_seen().count().max(1) as f64).product();
    let everywhere = case.watched().all(|row| row.after_seen().next().is_none() || row.after_seen().any(|look| !look.seen()));
    if same_place && everywhere && flaps.rows.len() >= 4 && by_chance < 0.01 {
        return true;
    }
    // Denials that lie anywhere fall into one scan together about so many times; workers that disagree make it more.
    let pairs = |n: f64| n * (n - 1.0);
    let within: f64 = case.watched().map(|row| pairs(row.after_seen().count() as f64)).sum();
    pairs(flaps.denied as f64) / 2.0 * within / pairs(flaps.all as f64).max(1.0) > 7.0
}

/// B where some number of workers explains who was denied how often, or the connection does; else denials at random.
fn memories_or_chance(diagnosis: &mut Diagnosis, case: &Case<'_>, flaps: &Flaps<'_, '_>) -> Flapping {
    let instances = instances::weigh(case);
    let share = flaps.denied as f64 / flaps.looks.max(1) as f64;
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
    let plain = flaps.split == 0 && flaps.looks < 20;
    let sure = !plain && flaps.goes_both_ways() && !instances.kept_disagree() && flaps.moments >= 2;
    if !plain && instances.kept_disagree() {
        diagnosis.undecided.push(format!(
            "cannot tell per-instance memory (B) behind a balancer that deals out requests from denials at random (share {}): kept connections were denied as well, {} of {} polls; have the service name the worker in its answers",
            percent(share),
            instances.kept.0,
            instances.kept.1
        ));
    }
    per_instance(diagnosis, case, &flaps.rows, if sure { Strength::Strong } else { Strength::Moderate })
}

/// A run of denials at most this long between two sights is a hole.
const NARROW_MS: f64 = 250.0;
/// Holes are rare; several workers of equal weight deny at least a half of all polls, and unequal ones some scans nearly always.
const RARE: f64 = 0.2;

fn rule_out(diagnosis: &mut Diagnosis, case: &Case<'_>) {
    let after: usize = case.watched().map(|row| row.after_seen().count()).sum();
    if after < 12 {
        return;
    }
    let mut connections = Vec::with_capacity(after);
    connections.extend(case.watched().flat_map(Row::after_seen).filter_map(|look| look.exchange.conn.get()));
    connections.sort_unstable();
    connections.dedup();
    // Where connections are not numbered, each look had one of its own.
    let chances = if connections.is_empty() { after } else { connections.len() };
    diagnosis.excluded(
        FaultClass::B,
        format!(
            "{} of scans that had been seen, on {} from one client address: none denied; a worker without the scan that takes more than {} of connections would have shown with 95 %",
            counted(after as u64, "poll"),
            counted(chances as u64, "connection"),
            percent(share_left(chances))
        ),
    );
    // A lagging copy disagrees soon after the first sight or not at all.
    let soon = |row: &Row<'_>| row.after_seen().filter(|look| look.age() <= row.first_seen().unwrap_or_default() + SOON_MS).count();
    let early: usize = case.watched().map(soon).sum();
    if early >= 12 {
        diagnosis.excluded(
            FaultClass::CPrime,
            format!(
                "{early} polls within {} of a scan's first sight: none denied; a copy that lags and serves more than {} of reads would have shown with 95 %",
                ms(SOON_MS),
                percent(share_left(early))
            ),
        );
    }
    if let Some(row) = case.watched().max_by_key(|row| row.after_seen().count()).filter(|row| row.after_seen().count() >= 100) {
        let ages: Vec<f64> = row.after_seen().map(Look::age).collect();
        let widest = ages.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
        diagnosis.excluded(
            FaultClass::H,
            format!(
                "a dense trace of {} polls of one scan: no hole wider than {} up to {}",
                ages.len(),
                ms(widest),
                ms(ages[ages.len() - 1])
            ),
        );
    }
    let past_end: Vec<f64> = case
        .watched()
        .filter_map(|row| {
            let (ended, _) = row.scan.ended()?;
            let last = row.looks.iter().rfind(|look| look.seen())?;
            Some(last.exchange.sent.since(ended.done).as_ms())
        })
        .filter(|past| *past >= 500.0)
        .collect();
    if let Some(longest) = past_end.iter().copied().reduce(f64::max) {
        let watched = past_end.iter().filter(|past| **past >= longest * 0.9).count();
        diagnosis.excluded(
            FaultClass::F,
            format!(
                "no eviction within {} of the end: {} stayed visible for as long as the watch went on after it; a longer lifetime was not looked at",
                ms(longest),
                counted(watched as u64, "scan")
            ),
        );
    }
}

/// How long after the first sight a copy that lags can still be met.
const SOON_MS: f64 = 2000.0;

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
    // Denials at random would hardly all come last.
    let by_accident: f64 = rows.iter().map(|row| counts(&[row])).map(|(denied, looks)| -ln_choose(looks, denied)).sum();
    denials >= 2
        && by_accident < 0.01_f64.ln()
        && (1.0 - RARE).powi(i32::try_from(sights).unwrap_or(i32::MAX)) < 1e-3
        && split_instants(rows).is_empty()
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

/// Whether one instant lies between the last sight and the first denial of every one of these scans.
fn gone_at_one_time(evicted: &[&Row<'_>]) -> bool {
    let bracket = |row: &&Row<'_>| {
        let gone = row.after_seen().find(|look| !look.seen())?.exchange.sent;
        let last = row.looks.iter().filter(|look| look.seen() && look.exchange.sent < gone).map(|look| look.exchange.sent).max()?;
        Some((last, gone))
    };
    let brackets: Vec<(Stamp, Stamp)> = evicted.iter().filter_map(bracket).collect();
    let (latest_seen, first_gone) = (brackets.iter().map(|(last, _)| *last).max(), brackets.iter().map(|(_, gone)| *gone).min());
    latest_seen <= first_gone
}

fn eviction(diagnosis: &mut Diagnosis, case: &Case<'_>, evicted: &[&Row<'_>], at_most: Strength) -> Flapping {
    let last_seen = |row: &Row<'_>| row.looks.iter().filter(|look| look.seen()).map(Look::age).fold(0.0, f64::max);
    let mut evidence = Vec::new();
    for row in evicted.iter().take(3) {
        let row: &Row<'_> = row;
        let gone = gone(row);
        let end = row.scan.ended().zip(row.scan.t0()).map_or_else(String::new, |((ended, _), t0)| {
            let since = |age: f64| ms((age - ended.done.since(t0).as_ms()).max(0.0));
            format!(": removed between {} and {} after its end was seen", since(last_seen(row)), since(gone))
        });
        let denials = row.looks.iter().filter(|look| !look.seen() && look.age() >= gone).count();
        let denied = match denials {
            1 => format!("not_found at {}, its last poll", ms(gone)),
            n => format!("not_found at all {} from {} on", counted(n as u64, "poll"), ms(gone)),
        };
        evidence.push(format!("scan {}: visible until {}, then {denied}{end}", row.scan.number(), ms(last_seen(row))));
    }
    let denials = |row: &&Row<'_>| row.looks.iter().filter(|look| !look.seen() && look.age() >= gone(row)).count();
    let fewest = evicted.iter().map(denials).min().unwrap_or_default();
    let scans = counted(evicted.len() as u64, "scan");
    evidence.insert(
        0,
        match fewest {
            0 | 1 => format!("{scans} {} seen, then denied when last polled", were(evicted.len() as u64)),
            _ => format!("{scans} {} seen, then denied at every later poll", were(evicted.len() as u64)),
        },
    );
    let at_one_time = evicted.len() >= 2 && !case.is_merged() && gone_at_one_time(evicted);
    let read_once = read_once(evicted);
    let strength = if evicted.len() >= 2 && !at_one_time && !read_once { at_most } else { Strength::Moderate };
    diagnosis.found(FaultClass::F, strength, evidence);
    if at_one_time {
        diagnosis.undecided.push(
            "cannot tell a lifetime (F) from records that were all lost at one time, as by a restart: the scans may have gone at the same instant; watch scans \
             that were asked for at other times"
                .to_owned(),
        );
    }
    if read_once {
        diagnosis.undecided.push(
            "cannot tell early eviction (F) from a read that removes the record: no end was ever answered twice; ask for the end of a scan from several \
             connections at once, and leave another scan of equal age unasked until then"
                .to_owned(),
        );
    }
    if at_most < Strength::Strong {
        diagnosis.undecided.push(
            "cannot tell whether scans that were denied at the last come back: watch them well beyond their end to tell early eviction (F) from holes (H)"
                .to_owned(),
        );
    }
    Flapping { gone_ms: evicted.iter().map(|row| last_seen(row)).reduce(f64::min), ..Flapping::of(Kind::Evicted) }
}

/// Whether the answer that showed the end may have been what removed the scans: of none was it given twice.
fn read_once(evicted: &[&Row<'_>]) -> bool {
    let ends = |row: &&Row<'_>| {
        let is_end = |poll: &&&Exchange| poll.answer == Answer::Visible && poll.state.is_some_and(State::is_terminal);
        row.scan.polls().iter().filter(is_end).count()
    };
    evicted.iter().map(ends).max() == Some(1)
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
        "{} {} seen and then denied: {denied} of {} on fresh connections, as late as {} after the id",
        counted(rows.len() as u64, "scan"),
        were(rows.len() as u64),
        counted(looks as u64, "poll"),
        ms(until_ms)
    )];
    if by_worker(rows) {
        evidence.push("of each scan every worker either always knows it or never does (by the worker header)".to_owned());
    }
    if let Some((age, seen, denied)) = split_instants(rows).last() {
        evidence.push(format!("at one instant ({}), {} saw the same scan and {denied} did not", ms(*age), counted(*seen as u64, "poller")));
    }
    let kept: Vec<_> = case.rows.iter().filter(|row| row.kept().count() >= 3).collect();
    if !kept.is_empty() && kept.iter().all(|row| row.kept().all(|seen| Some(seen) == row.kept().next())) {
        evidence.push(format!(
            "on kept connections {} {} answered one way only",
            counted(kept.len() as u64, "scan"),
            were(kept.len() as u64)
        ));
    }
    diagnosis.found(FaultClass::B, strength, evidence);
    if strength < Strength::Strong {
        diagnosis.undecided.push("cannot tell per-instance memory (B) from early eviction (F) and mixed reads (C') with so few polls: poll one scan from several fresh connections at once, well after it was seen".to_owned());
    }
    let streak = rows.iter().map(|row| streak(row)).max().unwrap_or_default();
    Flapping { share: denied as f64 / looks.max(1) as f64, until_ms, streak, ..Flapping::of(Kind::PerInstance) }
}

fn flaps<'r, 'a: 'r>(rows: &'r [&'r Row<'a>]) -> impl Iterator<Item = &'r Look<'a>> {
    rows.iter().flat_map(|row| row.after_seen()).filter(|look| !look.seen())
}

fn counts(rows: &[&Row<'_>]) -> (usize, usize) {
    (flaps(rows).count(), rows.iter().map(|row| row.after_seen().count()).sum())
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
