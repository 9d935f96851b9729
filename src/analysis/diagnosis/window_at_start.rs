//! The window between the id and the first sight: A, C, D, E, G and I.

use std::collections::BTreeMap;

use crate::analysis::binomial::{clopper_pearson, survival};
use crate::analysis::compare::rates::Rates;
use crate::analysis::diagnosis::chance::share_left;
use crate::analysis::diagnosis::dataset::{Dataset, Observation, ScanRow, median, ns};
use crate::analysis::diagnosis::fact::{Exclusion, Fact, Pairs};
use crate::analysis::diagnosis::flapping::{Flapping, Kind};
use crate::analysis::diagnosis::never_visible::Lost;
use crate::analysis::diagnosis::open::OpenQuestion;
use crate::analysis::diagnosis::{Diagnosis, Pattern, Strength};
use crate::model::answer::{Answer, State};
use crate::model::exchange::{Connection, Purpose};
use crate::model::fault::FaultClass;
use crate::model::scenario::Action;
use crate::model::shard::{Numbering, Share, owner};

/// A poll this young was sent at once.
const AT_ONCE_MS: f64 = 5.0;
/// A commit that comes after the answer comes within this; what lasts longer is a registration.
const COMMIT_MS: f64 = 30.0;

/// What is known of the windows, from scans whose first poll was not preceded by another.
struct Windows {
    /// First polls of scans: how many, and how many were denied.
    singles: usize,
    denied: usize,
    /// The latest first poll that was denied, and the earliest age from which every later first poll saw its scan.
    latest_denied: f64,
    /// Median of the brackets' ends.
    median: Option<(f64, f64)>,
}

/// What was decided before the shape of the window is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    /// It grows with the queue ([`queue`]).
    pub(super) queued: bool,
    /// Polling lengthens it ([`observer_effect`]).
    pub(super) observer: bool,
}

/// The classes of the window at the start.
pub(super) fn diagnose(diagnosis: &mut Diagnosis, data: &Dataset<'_>, flapping: &Flapping, lost: &Lost, known: Known) {
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
    // Behind a queue that this run filled a window is as long as the queue was, and its shape says nothing of the service.
    if diagnosis.patterns.iter().any(|pattern| matches!(pattern, Pattern::StillWaiting { .. })) {
        return;
    }
    // A scan that was first polled when others were gone says nothing about its start.
    let too_late = |row: &ScanRow<'_>| {
        flapping
            .gone_ms
            .is_some_and(|gone| row.observations.first().is_some_and(|observation| !observation.seen() && observation.age() >= gone))
    };
    // Room for all at once: a vector that grows needs its memory twice for a moment.
    let mut rows = Vec::with_capacity(data.rows.len());
    rows.extend(data.watched().filter(|row| !lost.contains(&row.scan.number()) && !too_late(row)));
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
    if observer && windows.denied < 3 {
        return;
    }
    if queued {
        return;
    }
    let rows_for_shape: Vec<&ScanRow<'_>> =
        if observer { rows.iter().copied().filter(|row| row.observations.len() == 1).collect() } else { rows.clone() };
    if !observer && lattice(diagnosis, &on_one_clock(data, rows_for_shape)) {
        return;
    }
    if commit(diagnosis, data, &rows, &windows, lost, observer) {
        return;
    }
    registration_or_lag(diagnosis, data, &rows, &windows, Before { lost, flapping, observer });
}

fn windows(rows: &[&ScanRow<'_>]) -> Windows {
    let firsts = || rows.iter().filter_map(|row| row.observations.first());
    let denied = || firsts().filter(|observation| !observation.seen()).map(Observation::age);
    let brackets: Vec<(f64, f64)> =
        rows.iter().filter(|row| row.denied_at_start().next().is_some()).filter_map(|row| row.start()).collect();
    let median_of = |end: fn(&(f64, f64)) -> f64| median(brackets.iter().map(end).collect());
    Windows {
        singles: firsts().count(),
        denied: denied().count(),
        latest_denied: denied().fold(0.0, f64::max),
        median: median_of(|bracket| bracket.0).zip(median_of(|bracket| bracket.1)),
    }
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

/// D: scans of equal age, one arm polled early and one not; the early polls make the difference.
pub(super) fn observer_effect(diagnosis: &mut Diagnosis, data: &Dataset<'_>) -> bool {
    let mut facts = Vec::new();
    let mut by_pairs = false;
    let mut tested = None;
    for scenario in &data.journal.scenarios {
        let [a, b] = scenario.arms.as_slice() else { continue };
        let (Some(common), Some(first_a), Some(first_b)) = (a.offsets.last(), a.offsets.first(), b.offsets.first()) else { continue };
        if b.offsets.last() != Some(common) || first_a == first_b || a.connection != b.connection {
            continue;
        }
        let early_is_a = first_a < first_b;
        let at_common = |arm_index: u32| {
            let observations = data
                .watched()
                .filter(|row| data.scenario(row).name == scenario.name && row.scan.arm() == arm_index)
                .flat_map(|row| row.observations)
                .filter(|observation| {
                    observation.exchange.purpose == Purpose::Offset && observation.exchange.offset.get() == Some(common.as_nanos())
                });
            let answers: Vec<bool> = observations.map(Observation::seen).collect();
            (answers.iter().filter(|seen| !**seen).count() as u64, answers.len() as u64)
        };
        let (early, undisturbed) = if early_is_a { (at_common(0), at_common(1)) } else { (at_common(1), at_common(0)) };
        if early.1 < 4 || undisturbed.1 < 4 {
            continue;
        }
        let test = Rates { base_events: undisturbed.0, base_trials: undisturbed.1, new_events: early.0, new_trials: early.1 }.boschloo();
        let pairs = Pairs {
            at: *common,
            polled_before_denied: early.0,
            polled_before: early.1,
            undisturbed_denied: undisturbed.0,
            undisturbed: undisturbed.1,
        };
        // A cache that keeps denials makes all the difference; a threshold this low costs no power and hardly ever misleads.
        if test.p_higher <= 0.0005 {
            by_pairs = true;
            facts.push(Fact::PairsDiffer { pairs, p: test.p_higher });
        } else {
            tested = Some(pairs);
        }
    }
    let from_cache = data
        .watched()
        .flat_map(|row| row.observations)
        .filter(|observation| !observation.seen() && observation.exchange.cache.as_deref().is_some_and(says_hit))
        .count();
    if from_cache > 0 {
        facts.push(Fact::DeniedByCache { denials: from_cache as u64 });
    }
    if facts.is_empty() {
        if let Some(pairs) = tested {
            diagnosis.excluded(FaultClass::D, Exclusion::PairsAlike { pairs });
        }
        return false;
    }
    let strength = if by_pairs { Strength::Strong } else { Strength::Moderate };
    diagnosis.found(FaultClass::D, strength, facts);
    true
}

/// Whether a cache says that an answer was its own.
fn says_hit(note: &str) -> bool {
    let note = note.to_ascii_lowercase();
    note.split(';').any(|part| {
        let part = part.trim();
        (part.contains("cache") && part.contains("hit"))
            || part.strip_prefix("age: ").is_some_and(|age| age.parse::<u64>().is_ok_and(|age| age > 0))
    })
}

/// E: the window grows with the place in the queue.
///
/// Decided before lost scans are: behind a long queue a scan may be denied as long as anybody looks.
pub(super) fn queue(diagnosis: &mut Diagnosis, data: &Dataset<'_>) -> bool {
    let mut found = false;
    let mut checked = None;
    for (index, _) in data.journal.scenarios.iter().enumerate() {
        let mut burst: Vec<(f64, (f64, f64))> = data
            .watched()
            .filter(|row| row.scan.scenario() as usize == index && data.is_of_burst(row))
            .filter_map(|row| Some((row.scan.t0()?.0 as f64, row.start().or_else(|| still_denied(row))?)))
            .collect();
        let asked = data.rows.iter().filter(|row| row.scan.scenario() as usize == index).count();
        // Who is still denied when the watch ends has a window of at least that; if nobody is served, nothing grows.
        let served = burst.iter().filter(|(_, (_, until))| until.is_finite()).count();
        if burst.len() < 8 || burst.len() * 3 < asked * 2 || served * 3 < burst.len() {
            continue;
        }
        burst.sort_by(|a, b| a.0.total_cmp(&b.0));
        // The ends of the brackets bound each window; growth must show in the lower ends, where nothing is assumed.
        let lower: Vec<f64> = burst.iter().map(|(_, (after, _))| *after).collect();
        let third = lower.len() / 3;
        let first = median(burst[..third].iter().map(|(_, (_, until))| *until).collect()).unwrap_or_default();
        let last = median(lower[lower.len() - third..].to_vec()).unwrap_or_default();
        let idle = median(data.watched().filter(|row| data.was_idle(row)).filter_map(ScanRow::start).map(|(_, until)| until).collect());
        // Queues serve roughly in order, but not exactly in the order in which answers came back.
        let by_size = spread(&lower);
        let grows = last > 2.0 * first || idle.is_some_and(|idle| by_size > 3.0 * idle.max(5.0));
        let first_third = first.is_finite().then(|| ns(first));
        // Windows that differ by chance are as spread out, but no longer for those that were asked for later.
        let by_place = growth_with_place(&burst);
        if grows && staircase(&burst) && by_place > LIKELY_Z {
            let sure = idle.is_some() && by_place > SURE_Z;
            let grown = Fact::WindowGrows {
                scans: burst.len() as u64,
                first_third_at_most_ns: first_third,
                last_third_at_least_ns: ns(last),
                alone_ns: idle.map(ns),
            };
            diagnosis.found(FaultClass::E, if sure { Strength::Strong } else { Strength::Moderate }, vec![grown]);
            if !sure {
                diagnosis.open.push(OpenQuestion::QueueOrDelay);
            }
            found = true;
        } else {
            checked = Some(Exclusion::NoGrowth { scans: burst.len() as u64, first_third_ns: first_third, last_third_ns: ns(last) });
        }
    }
    if let Some(checked) = checked.filter(|_| !found) {
        diagnosis.excluded(FaultClass::E, checked);
    }
    found
}

/// A growth with the place as clear as this comes by chance in one of a thousand bursts, and in one of forty.
const SURE_Z: f64 = 3.1;
const LIKELY_Z: f64 = 1.96;

/// How far the windows of a burst grow with the place at which each scan was asked for: Kendall's S in standard deviations of its
/// distribution under exchangeability (Kendall, 1938). Only brackets that do not overlap are ordered.
fn growth_with_place(burst: &[(f64, (f64, f64))]) -> f64 {
    let mut sum = 0.0;
    let mut ordered = 0.0;
    for (place, (_, (after, until))) in burst.iter().enumerate() {
        for (_, (next_after, next_until)) in &burst[place + 1..] {
            let step = f64::from(u8::from(until <= next_after)) - f64::from(u8::from(next_until <= after));
            sum += step;
            ordered += step.abs();
        }
    }
    let n = burst.len() as f64;
    let pairs: f64 = n * (n - 1.0) / 2.0;
    // Pairs that overlap add nothing to the sum, and their share of the variance is left out as well.
    let variance = n * (n - 1.0) * (2.0 * n + 5.0) / 18.0 * (ordered / pairs.max(1.0));
    if variance > 0.0 { sum / variance.sqrt() } else { 0.0 }
}

/// The window of a scan that was denied to the last: at least so long.
fn still_denied(row: &ScanRow<'_>) -> Option<(f64, f64)> {
    let last = row.observations.last().filter(|_| row.first_seen().is_none())?;
    Some((last.age(), f64::INFINITY))
}

fn spread(numbers: &[f64]) -> f64 {
    let largest = numbers.iter().copied().fold(0.0, f64::max);
    let smallest = numbers.iter().copied().fold(f64::INFINITY, f64::min);
    largest - smallest.min(largest)
}

/// Whether the windows of a burst are many different ones, as a queue makes them, rather than one common instant: no single
/// age lies in more than half of the brackets.
fn staircase(burst: &[(f64, (f64, f64))]) -> bool {
    let sorted = |end: fn(&(f64, f64)) -> f64| {
        let mut ends: Vec<f64> = burst.iter().map(|(_, bracket)| end(bracket)).collect();
        ends.sort_by(f64::total_cmp);
        ends
    };
    let (afters, untils) = (sorted(|bracket| bracket.0), sorted(|bracket| bracket.1));
    // At the end of a bracket lie those that have begun before it, but for those that are over.
    let depth = |at: f64| afters.partition_point(|after| *after < at) - untils.partition_point(|until| *until < at);
    let deepest = untils.iter().map(|until| depth(*until)).max().unwrap_or_default();
    deepest * 2 <= burst.len()
}

/// The rows of one shard, the largest, where a log was put together from several: instants of different clocks are not to be
/// compared.
fn on_one_clock<'r, 'a>(data: &Dataset<'a>, rows: Vec<&'r ScanRow<'a>>) -> Vec<&'r ScanRow<'a>> {
    let Some(share @ Share::Merged(_)) = &data.journal.run.shard else { return rows };
    let numbering = Numbering::of(&data.journal.scenarios);
    let mut by_shard: BTreeMap<u32, Vec<&ScanRow<'_>>> = BTreeMap::new();
    for row in rows {
        if let Some((load, place)) = numbering.place(row.scan.scenario(), row.scan.number()) {
            by_shard.entry(owner(share.of(), row.scan.scenario(), load, place)).or_default().push(row);
        }
    }
    // Of shards of equal size the first, so that the choice does not depend on anything else.
    by_shard.into_values().rev().max_by_key(Vec::len).unwrap_or_default()
}

/// G: scans become visible on a common lattice of instants, whatever their age.
fn lattice(diagnosis: &mut Diagnosis, rows: &[&ScanRow<'_>]) -> bool {
    let mut ages = Vec::new();
    let mut instants = Vec::new();
    for row in rows {
        let (Some((after, until)), Some(t0)) = (row.start(), row.scan.t0()) else { continue };
        if until - after > 80.0 || row.denied_at_start().next().is_none() {
            continue;
        }
        let origin = t0.0 as f64 / 1e6;
        ages.push((after, until));
        instants.push((origin + after, origin + until));
    }
    let n = ages.len();
    if n < 12 {
        return false;
    }
    let by_age = stabbing(&mut ages);
    let by_instant = stabbing(&mut instants);
    let first = instants.iter().map(|bracket| bracket.1).fold(f64::INFINITY, f64::min);
    let last = instants.iter().map(|bracket| bracket.0).fold(0.0, f64::max);
    if by_instant.len() * 3 <= n && by_age.len() >= 4 && by_age.len() > by_instant.len() && by_instant.len() >= 3 {
        let gaps: Vec<f64> = by_instant.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let period = median(gaps).unwrap_or_default();
        diagnosis.found(
            FaultClass::G,
            Strength::Strong,
            vec![
                Fact::CommonInstants {
                    scans: n as u64,
                    asked_over_ns: ns(last - first),
                    instants: by_instant.len() as u64,
                    apart_ns: ns(period),
                },
                Fact::AgesDiffer { ages: by_age.len() as u64 },
            ],
        );
        return true;
    }
    diagnosis.excluded(FaultClass::G, Exclusion::NoCommonInstants { scans: n as u64, instants: by_instant.len() as u64 });
    false
}

/// The fewest points that touch every interval, by the greedy choice of right ends (which is optimal); the points are returned.
fn stabbing(intervals: &mut [(f64, f64)]) -> Vec<f64> {
    intervals.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut points: Vec<f64> = Vec::new();
    for (after, until) in intervals.iter() {
        if points.last().is_none_or(|point| point <= after) {
            points.push(*until);
        }
    }
    points
}

/// Whether first polls are denied no more often than denials at random account for.
fn no_oftener_at_first(data: &Dataset<'_>, flapping: &Flapping, lost: &Lost) -> bool {
    let firsts = || data.watched().filter(|row| !lost.contains(&row.scan.number())).filter_map(|row| row.observations.first());
    let (polls, denied) = (firsts().count() as u64, firsts().filter(|observation| !observation.seen()).count() as u64);
    survival(denied, polls, flapping.share.clamp(0.001, 0.999)) > 1e-4
}

/// I: some polls at once are denied, none a few milliseconds later.
fn commit(diagnosis: &mut Diagnosis, data: &Dataset<'_>, rows: &[&ScanRow<'_>], windows: &Windows, lost: &Lost, observer: bool) -> bool {
    let firsts = || rows.iter().filter_map(|row| row.observations.first());
    let at_once = AtOnce::of(rows);
    let last_denied = if observer {
        windows.latest_denied
    } else {
        rows.iter().flat_map(|row| row.denied_at_start()).map(Observation::age).fold(0.0, f64::max)
    };
    // The first sight after a denial bounds the window from above; a sight some milliseconds later is what makes it a commit.
    let later = firsts().filter(|observation| observation.age() > COMMIT_MS).count();
    let later_denied = firsts().filter(|observation| observation.age() > COMMIT_MS && !observation.seen()).count();
    if last_denied > COMMIT_MS {
        if at_once.all >= 20 {
            diagnosis.excluded(FaultClass::I, Exclusion::LongerThanCommit { denied_at_ns: ns(last_denied) });
        }
        return false;
    }
    if later < 8 {
        diagnosis.open.push(OpenQuestion::CommitOrDelay { latest_ns: ns(last_denied), later_than_ns: ns(COMMIT_MS), later: later as u64 });
    }
    if at_once.all >= 10 && at_once.denied == at_once.all {
        return false;
    }
    let facts = vec![
        Fact::DeniedAtOnce { denied: at_once.denied as u64, of: at_once.all as u64 },
        Fact::LatestDenial { at_ns: ns(last_denied), later_than_ns: ns(COMMIT_MS), later: later as u64, later_denied: later_denied as u64 },
    ];
    // What else explains it: a registration that is late in every scan, and a copy that lags by as little.
    let mut or = Vec::new();
    if later < 8 || !at_once.some_are_in_time() {
        or.push(FaultClass::A);
    }
    if second_write(data, lost).is_none_or(|(_, until, _)| until > 0.5 * last_denied) {
        or.push(FaultClass::C);
    }
    if !agrees_with_itself(rows, last_denied) {
        or.push(FaultClass::CPrime);
    }
    if or.is_empty() {
        // What a single denial, or those of one moment, may be an accident of is not known from them.
        let strength = if at_once.all >= 20 && denied_rows(rows) >= 2 { Strength::Strong } else { Strength::Moderate };
        diagnosis.found(FaultClass::I, strength, facts);
        return true;
    }
    if or.contains(&FaultClass::A) && later >= 8 {
        diagnosis.open.push(OpenQuestion::CommitOrDelayInAll);
    }
    if or.iter().any(|class| matches!(class, FaultClass::C | FaultClass::CPrime)) {
        diagnosis.open.push(OpenQuestion::LateOrLagging { window_ns: ns(last_denied) });
    }
    diagnosis.found_among(FaultClass::I, or, facts);
    true
}

/// First polls that were sent at once.
struct AtOnce {
    all: usize,
    denied: usize,
    /// Age and sight by the kind of connection, since a new one takes its poll a round trip longer.
    by_connection: BTreeMap<Connection, Vec<(f64, bool)>>,
}

impl AtOnce {
    fn of(rows: &[&ScanRow<'_>]) -> AtOnce {
        let mut by_connection: BTreeMap<Connection, Vec<(f64, bool)>> = BTreeMap::new();
        for observation in rows.iter().filter_map(|row| row.observations.first()).filter(|observation| observation.age() <= AT_ONCE_MS) {
            by_connection.entry(observation.exchange.connection).or_default().push((observation.age(), observation.seen()));
        }
        let all = || by_connection.values().flatten();
        AtOnce { all: all().count(), denied: all().filter(|(_, seen)| !seen).count(), by_connection }
    }

    /// Whether scans went either way whose polls travelled alike and were of equal age: a registration that is late in every scan denies
    /// all that are younger than it, and none besides.
    fn some_are_in_time(&self) -> bool {
        self.by_connection.values().any(|polls| {
            let earliest_seen = polls.iter().filter(|(_, seen)| *seen).map(|(age, _)| *age).fold(f64::INFINITY, f64::min);
            let denied = polls.iter().filter(|(_, seen)| !seen).count() as u64;
            let late = polls.iter().filter(|(age, seen)| !seen && *age >= earliest_seen).count();
            let share = clopper_pearson(denied, polls.len() as u64, 0.95);
            late >= 2 && share.upper < 0.9
        })
    }
}

/// Whether polls of one scan within the window were of one mind, and often enough: where some reads go to a copy that lags, a scan that
/// one of them saw is denied by another.
fn agrees_with_itself(rows: &[&ScanRow<'_>], last_denied: f64) -> bool {
    let firsts = || rows.iter().filter_map(|row| row.observations.first()).filter(|observation| observation.age() <= last_denied);
    let (all, denied) = (firsts().count(), firsts().filter(|observation| !observation.seen()).count());
    if all == denied {
        // No read went anywhere but to the copy.
        return all >= 8;
    }
    let share = denied as f64 / all as f64;
    let again = rows.iter().flat_map(|row| row.after_seen()).filter(|observation| observation.age() <= last_denied);
    let (again, contrary) = again.fold((0, 0), |(all, denied), observation| (all + 1, denied + usize::from(!observation.seen())));
    contrary == 0 && (1.0 - share).powi(again) < 0.01
}

fn denied_rows(rows: &[&ScanRow<'_>]) -> usize {
    rows.iter().filter(|row| row.denied_at_start().next().is_some()).count()
}

/// What was decided before A and C are told apart.
#[derive(Clone, Copy)]
struct Before<'a> {
    lost: &'a Lost,
    flapping: &'a Flapping,
    observer: bool,
}

/// A or C: a delay before the first sight. A second write tells them apart: a replica lags behind every write.
fn registration_or_lag(diagnosis: &mut Diagnosis, data: &Dataset<'_>, rows: &[&ScanRow<'_>], windows: &Windows, before: Before<'_>) {
    let Before { lost, flapping, observer } = before;
    let mut facts =
        vec![Fact::FirstPollsDenied { denied: windows.denied as u64, of: windows.singles as u64, latest_ns: ns(windows.latest_denied) }];
    if let Some((after, until)) = windows.median.filter(|_| !observer) {
        facts.push(Fact::HalfSeen { after_ns: ns(after), until_ns: ns(until) });
    }
    let witnessed =
        rows.iter()
            .filter(|row| {
                let seen = row.first_seen().unwrap_or(f64::INFINITY);
                row.scan.witness().iter().any(|reading| {
                    reading.answer == Answer::Visible && row.scan.t0().is_some_and(|t0| reading.done.since(t0).as_ms() < seen)
                })
            })
            .count();
    if witnessed > 0 {
        facts.push(Fact::WitnessAhead { scans: witnessed as u64 });
    }
    let own = windows
        .median
        .map_or(windows.latest_denied, |(after, until)| if observer { windows.latest_denied } else { f64::midpoint(after, until) });
    let at_least = windows.median.map_or(windows.latest_denied, |(after, _)| if observer { windows.latest_denied } else { after });
    for (class, question) in [(FaultClass::G, OpenQuestion::DelayOrRefresh), (FaultClass::E, OpenQuestion::GrowthNotAsked)] {
        if !diagnosis.names(class) && !diagnosis.ruled_out.iter().any(|out| out.class == class) {
            diagnosis.open.push(question);
        }
    }
    match second_write(data, lost) {
        Some((after, until, n)) if after > 0.3 * own && after > 10.0 => {
            facts.push(Fact::SecondWriteLags { cancels: n as u64, after_ns: ns(after), until_ns: ns(until) });
            // What is refreshed now and then shows a second write late as well, but each scan after another time.
            if one_age(rows) {
                diagnosis.found(FaultClass::C, Strength::Strong, facts);
            } else {
                diagnosis.open.push(OpenQuestion::LagOrRefresh);
                diagnosis.found_among(FaultClass::C, vec![FaultClass::G], facts);
            }
            diagnosis.excluded(FaultClass::A, Exclusion::SecondWriteLags);
        }
        // Compared with what is certain of the window: its middle may be far from it where polls were few.
        Some((after, until, n)) if until > 0.5 * at_least => {
            // Followed too loosely: the second write may have lagged as the first did, or not at all.
            diagnosis.open.push(OpenQuestion::DelayOrLag { cancels: n as u64, after_ns: ns(after), until_ns: ns(until) });
            diagnosis.found_among(FaultClass::A, vec![FaultClass::C], facts);
        }
        Some((_, until, n)) => {
            diagnosis.excluded(FaultClass::C, Exclusion::SecondWriteCurrent { cancels: n as u64, within_ns: ns(until) });
            if !denied_alone(data, rows, at_least) {
                diagnosis.open.push(OpenQuestion::DelayOrQueue);
                diagnosis.found_among(FaultClass::A, vec![FaultClass::E], facts);
                return;
            }
            // A second write that a primary shows at once proves nothing of reads that go to a copy now and then.
            if flapping.kind.is_some() || !agrees_with_itself(rows, windows.latest_denied) {
                diagnosis.open.push(OpenQuestion::DelayOrMixedReads);
                diagnosis.found_among(FaultClass::A, vec![FaultClass::CPrime], facts);
            } else {
                diagnosis.found(FaultClass::A, Strength::Strong, facts);
            }
        }
        None => {
            diagnosis.open.push(OpenQuestion::NoSecondWrite);
            match without_second_write(rows) {
                Some((class, fact)) => {
                    facts.push(fact);
                    diagnosis.found(class, Strength::Moderate, facts);
                }
                None => diagnosis.found_among(FaultClass::A, vec![FaultClass::C], facts),
            }
        }
    }
}

/// Whether one age lies in the bracket of nearly every scan: a lag that is always the same.
fn one_age(rows: &[&ScanRow<'_>]) -> bool {
    let brackets: Vec<(f64, f64)> = rows.iter().filter_map(|row| row.start()).collect();
    let within = |age: f64| brackets.iter().filter(|(after, until)| *after <= age && age <= *until).count();
    let most = brackets.iter().map(|(_, until)| within(*until)).max().unwrap_or_default();
    most * 10 >= brackets.len() * 9
}

/// Whether scans that were asked for alone were denied at the ages at which others were; true where none was asked so early.
fn denied_alone(data: &Dataset<'_>, rows: &[&ScanRow<'_>], at_least: f64) -> bool {
    let mut early = rows
        .iter()
        .filter(|row| data.was_idle(row))
        .filter_map(|row| row.observations.first())
        .filter(|observation| observation.age() < 0.5 * at_least)
        .peekable();
    early.peek().is_none() || early.any(|observation| !observation.seen())
}

/// What scans that were denied at first show of the copy that is read, where no second write was sent: a record that is written late
/// is up to date once it is there, a copy that lags shows every change late.
fn without_second_write(rows: &[&ScanRow<'_>]) -> Option<(FaultClass, Fact)> {
    let denied = || rows.iter().filter(|row| row.denied_at_start().next().is_some());
    let behind = denied().filter(|row| behind_the_witness(row).is_some()).count();
    if behind >= 2 {
        let lag = median(denied().filter_map(|row| behind_the_witness(row)).collect()).unwrap_or_default();
        return Some((FaultClass::C, Fact::EndLags { scans: behind as u64, lag_ns: ns(lag) }));
    }
    let began: Vec<(f64, f64)> = denied().filter_map(|row| Some((began(row)?, row.start()?.0))).collect();
    let current = began.iter().filter(|(began, denied)| *began < 0.5 * denied).count();
    (current >= 3 && current * 4 >= began.len() * 3)
        .then_some((FaultClass::A, Fact::ProgressIsCurrent { scans: current as u64, of: began.len() as u64 }))
}

/// How long after the witness had said that a scan was over status still said that it was running, in ms, if by half its window.
fn behind_the_witness(row: &ScanRow<'_>) -> Option<f64> {
    let over =
        row.scan.witness().iter().filter(|reading| reading.state.is_some_and(State::is_terminal)).map(|reading| reading.done).min()?;
    let running = row.scan.polls().iter().filter(|poll| poll.answer == Answer::Visible && poll.state == Some(State::Running));
    let last = running.map(|poll| poll.sent).max()?;
    let behind = last.since(over).as_ms();
    (behind > 0.5 * row.start()?.0).then_some(behind)
}

/// The age at which a scan's progress was zero, by its first and last visible answers that differ; none if it began unprogressed.
fn began(row: &ScanRow<'_>) -> Option<f64> {
    let told = || {
        row.observations
            .iter()
            .filter(|observation| observation.seen())
            .filter_map(|observation| Some((observation.age(), observation.exchange.progress.get()?)))
    };
    let first = told().next().filter(|(_, progress)| *progress > 0.0)?;
    // The last answer that shows more than the one before it: at the end progress stands still.
    let last = told().zip(told().skip(1)).filter(|(before, now)| now.1 > before.1).map(|(_, now)| now).last()?;
    (last.0 > first.0 + 100.0 && last.1 > first.1).then(|| first.0 - first.1 * (last.0 - first.0) / (last.1 - first.1))
}

/// The lag of the second write: medians of the last poll that did not show it and of the first answer that did.
fn second_write(data: &Dataset<'_>, lost: &Lost) -> Option<(f64, f64, usize)> {
    let mut lower = Vec::new();
    let mut upper = Vec::new();
    for row in &data.rows {
        let cancelled = data.scenario(row).then.as_ref().is_some_and(|then| then.action == Action::Cancel);
        let Some(cancel) = row.scan.cancel().filter(|cancel| cancelled && !lost.contains(&row.scan.number()) && cancel.was_answered())
        else {
            continue;
        };
        let told: Vec<_> = row.scan.polls().iter().filter(|poll| poll.purpose == Purpose::Then && poll.seen.is_some()).collect();
        let Some(shown) = told.iter().filter(|poll| poll.seen == Some(true)).min_by_key(|poll| poll.done) else { continue };
        let hidden = told
            .iter()
            .filter(|poll| poll.seen == Some(false) && poll.sent < shown.sent)
            .map(|poll| poll.sent.since(cancel.done).as_ms())
            .fold(0.0, f64::max);
        lower.push(hidden);
        upper.push(shown.done.since(cancel.done).as_ms());
    }
    let n = lower.len();
    (n >= 3).then_some(())?;
    Some((median(lower)?, median(upper)?, n))
}

/// With workers that disagree, a denial before the first sight says nothing about time, unless nobody at all had seen any
/// scan before some age.
fn under_disagreement(diagnosis: &mut Diagnosis, data: &Dataset<'_>, flapping: &Flapping, lost: &Lost) {
    if flapping.kind != Some(Kind::PerInstance) {
        return;
    }
    let rows = || data.watched().filter(|row| !lost.contains(&row.scan.number()));
    let earliest = rows().filter_map(ScanRow::first_seen).fold(f64::INFINITY, f64::min);
    let before = rows().flat_map(|row| row.observations).filter(|observation| observation.age() < earliest).count();
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
