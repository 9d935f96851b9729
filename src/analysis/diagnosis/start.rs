//! The window between the id and the first sight: A, C, D, E, G and I.

use std::collections::BTreeMap;

use crate::analysis::diagnosis::case::{Case, Look, Row, median};
use crate::analysis::diagnosis::chance::{percent, share_left};
use crate::analysis::diagnosis::flapping::{Flapping, Kind};
use crate::analysis::diagnosis::never::Lost;
use crate::analysis::diagnosis::{Diagnosis, Pattern, Strength};
use crate::model::answer::{Answer, State};
use crate::model::exchange::{Connection, Purpose};
use crate::model::fault::FaultClass;
use crate::model::scenario::Action;
use crate::model::shard::{Numbering, Share, owner};
use crate::model::wording::{age as ms, counted, of_were};
use crate::statistics::binomial::{clopper_pearson, survival};
use crate::statistics::compare::rates::Rates;

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
pub(super) fn diagnose(diagnosis: &mut Diagnosis, case: &Case<'_>, flapping: &Flapping, lost: &Lost, known: Known) {
    match flapping.kind {
        Some(Kind::PerInstance | Kind::MixedReads) => {
            under_disagreement(diagnosis, case, flapping, lost);
            return;
        }
        // What denied everything at one time says nothing about ages.
        Some(Kind::OneStretch) => return,
        Some(Kind::AtRandom) if no_oftener_at_first(case, flapping, lost) => return,
        _ => {}
    }
    // Behind a queue that this run filled a window is as long as the queue was, and its shape says nothing of the service.
    if diagnosis.patterns.iter().any(|pattern| matches!(pattern, Pattern::StillWaiting { .. })) {
        return;
    }
    // A scan that was first polled when others were gone says nothing about its start.
    let too_late =
        |row: &Row<'_>| flapping.gone_ms.is_some_and(|gone| row.looks.first().is_some_and(|look| !look.seen() && look.age() >= gone));
    // Room for all at once: a vector that grows needs its memory twice for a moment.
    let mut rows = Vec::with_capacity(case.rows.len());
    rows.extend(case.watched().filter(|row| !lost.contains(&row.scan.number()) && !too_late(row)));
    let windows = windows(&rows);
    // A denial is part of a window only if the scan was seen later; a single denied look may as well be of a lost scan.
    let opened = rows.iter().filter(|row| row.first_seen().is_some() && row.denied_at_start().next().is_some()).count();
    // Single shots show a window, too, if they are denied early and no longer later.
    let over = rows.iter().filter_map(|row| row.looks.first()).filter(|look| look.age() > windows.latest_denied).count();
    let share = windows.denied as f64 / (windows.singles - over).max(1) as f64;
    let closes = windows.denied > 0 && lost.is_empty() && (1.0 - share).powi(over as i32) < 1e-4;
    if opened == 0 && !closes {
        if rows.len() >= 8 && windows.denied == 0 {
            rule_out_all(diagnosis, case, &rows);
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
    let rows_for_shape: Vec<&Row<'_>> =
        if observer { rows.iter().copied().filter(|row| row.looks.len() == 1).collect() } else { rows.clone() };
    if !observer && lattice(diagnosis, &on_one_clock(case, rows_for_shape)) {
        return;
    }
    if commit(diagnosis, case, &rows, &windows, lost, observer) {
        return;
    }
    registration_or_lag(diagnosis, case, &rows, &windows, Before { lost, flapping, observer });
}

fn windows(rows: &[&Row<'_>]) -> Windows {
    let firsts = || rows.iter().filter_map(|row| row.looks.first());
    let denied = || firsts().filter(|look| !look.seen()).map(Look::age);
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

fn rule_out_all(diagnosis: &mut Diagnosis, case: &Case<'_>, rows: &[&Row<'_>]) {
    let mut ages: Vec<f64> = rows.iter().filter_map(|row| row.looks.first()).map(Look::age).collect();
    ages.sort_by(f64::total_cmp);
    // The earliest polls that are enough to exclude anything: what they bound is the size of a window that would have shown.
    let Some(earliest) = ages.get(7).copied() else { return };
    let within = (2.0 * earliest).max(earliest + 5.0);
    let early = ages.iter().filter(|age| **age <= within).count();
    let told = format!(
        "{early} scans were first polled within {} of their id, none of {} was denied: a window longer than that in more than {} of scans would have shown with 95 %",
        ms(within),
        rows.len(),
        percent(share_left(early))
    );
    diagnosis.excluded(FaultClass::A, told.clone());
    diagnosis.excluded(FaultClass::C, format!("{told}; whether later changes lag was not looked at"));
    diagnosis.excluded(FaultClass::G, told);
    diagnosis.excluded(
        FaultClass::D,
        format!("none of {} first polls was denied, so there was no denial that a cache could have kept", rows.len()),
    );
    let at_once = ages.iter().filter(|age| **age <= AT_ONCE_MS).count();
    if at_once >= 20 {
        diagnosis.excluded(
            FaultClass::I,
            format!(
                "{at_once} scans polled at once: none denied; more than {} of them would have shown with 95 %",
                percent(share_left(at_once))
            ),
        );
    }
    let burst = rows.iter().filter(|row| case.is_of_burst(row)).count();
    if burst >= 8 {
        diagnosis.excluded(
            FaultClass::E,
            format!("{burst} scans asked for at once: none denied; a queue that only fills with more was not looked at"),
        );
    }
}

/// D: scans of equal age, one arm polled early and one not; the early polls make the difference.
pub(super) fn observer_effect(diagnosis: &mut Diagnosis, case: &Case<'_>) -> bool {
    let mut evidence = Vec::new();
    let mut by_pairs = false;
    let mut tested = None;
    for scenario in &case.journal.scenarios {
        let [a, b] = scenario.arms.as_slice() else { continue };
        let (Some(common), Some(first_a), Some(first_b)) = (a.offsets.last(), a.offsets.first(), b.offsets.first()) else { continue };
        if b.offsets.last() != Some(common) || first_a == first_b || a.connection != b.connection {
            continue;
        }
        let early_is_a = first_a < first_b;
        let at_common = |arm_index: u32| {
            let looks = case
                .watched()
                .filter(|row| case.scenario(row).name == scenario.name && row.scan.arm() == arm_index)
                .flat_map(|row| row.looks)
                .filter(|look| look.exchange.purpose == Purpose::Offset && look.exchange.offset.get() == Some(common.as_nanos()));
            let answers: Vec<bool> = looks.map(Look::seen).collect();
            (answers.iter().filter(|seen| !**seen).count() as u64, answers.len() as u64)
        };
        let (early, undisturbed) = if early_is_a { (at_common(0), at_common(1)) } else { (at_common(1), at_common(0)) };
        if early.1 < 4 || undisturbed.1 < 4 {
            continue;
        }
        let test = Rates { base_events: undisturbed.0, base_trials: undisturbed.1, new_events: early.0, new_trials: early.1 }.boschloo();
        let told = format!(
            "paired polls at {common}: denied {}/{} where the scan had been polled before, {}/{} where it had not",
            early.0, early.1, undisturbed.0, undisturbed.1
        );
        // A cache that keeps denials makes all the difference; a threshold this low costs no power and hardly ever misleads.
        if test.p_higher <= 0.0005 {
            by_pairs = true;
            evidence.push(format!("{told} (p = {:.1e})", test.p_higher));
        } else {
            tested = Some(told);
        }
    }
    let from_cache = case
        .watched()
        .flat_map(|row| row.looks)
        .filter(|look| !look.seen() && look.exchange.cache.as_deref().is_some_and(says_hit))
        .count();
    if from_cache > 0 {
        evidence.push(format!("{} came from a cache, as the headers say", counted(from_cache as u64, "denial")));
    }
    if evidence.is_empty() {
        if let Some(told) = tested {
            diagnosis.excluded(FaultClass::D, format!("{told}: no cache that keeps denials for longer than that"));
        }
        return false;
    }
    let strength = if by_pairs { Strength::Strong } else { Strength::Moderate };
    diagnosis.found(FaultClass::D, strength, evidence);
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
pub(super) fn queue(diagnosis: &mut Diagnosis, case: &Case<'_>) -> bool {
    let mut found = false;
    let mut checked = None;
    for (index, _) in case.journal.scenarios.iter().enumerate() {
        let mut burst: Vec<(f64, (f64, f64))> = case
            .watched()
            .filter(|row| row.scan.scenario() as usize == index && case.is_of_burst(row))
            .filter_map(|row| Some((row.scan.t0()?.0 as f64, row.start().or_else(|| still_denied(row))?)))
            .collect();
        let asked = case.rows.iter().filter(|row| row.scan.scenario() as usize == index).count();
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
        let idle = median(case.watched().filter(|row| case.was_idle(row)).filter_map(Row::start).map(|(_, until)| until).collect());
        // Queues serve roughly in order, but not exactly in the order in which answers came back.
        let by_size = spread(&lower);
        let grows = last > 2.0 * first || idle.is_some_and(|idle| by_size > 3.0 * idle.max(5.0));
        let told = format!(
            "{} scans at once: the window grew from at most {} for the first third to at least {} for the last{}",
            burst.len(),
            ms(first),
            ms(last),
            idle.map_or_else(String::new, |idle| format!("; alone a scan was seen within {}", ms(idle)))
        );
        // Windows that differ by chance are as spread out, but no longer for those that were asked for later.
        let by_place = growth_with_place(&burst);
        if grows && staircase(&burst) && by_place > LIKELY_Z {
            let sure = idle.is_some() && by_place > SURE_Z;
            diagnosis.found(FaultClass::E, if sure { Strength::Strong } else { Strength::Moderate }, vec![told]);
            if !sure {
                diagnosis.undecided.push(
                    "cannot tell a queue (E) from windows that differ by chance (A): they hardly grow with the place in which scans were asked for; ask for \
                     more scans at once, and for one while nothing else is under way"
                        .to_owned(),
                );
            }
            found = true;
        } else {
            checked = Some(format!(
                "{} scans at once: the window did not grow with their number ({} for the first third, {} for the last)",
                burst.len(),
                ms(first),
                ms(last)
            ));
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
fn still_denied(row: &Row<'_>) -> Option<(f64, f64)> {
    let last = row.looks.last().filter(|_| row.first_seen().is_none())?;
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
fn on_one_clock<'r, 'a>(case: &Case<'a>, rows: Vec<&'r Row<'a>>) -> Vec<&'r Row<'a>> {
    let Some(share @ Share::Merged(_)) = &case.journal.run.shard else { return rows };
    let numbering = Numbering::of(&case.journal.scenarios);
    let mut by_shard: BTreeMap<u32, Vec<&Row<'_>>> = BTreeMap::new();
    for row in rows {
        if let Some((load, place)) = numbering.place(row.scan.scenario(), row.scan.number()) {
            by_shard.entry(owner(share.of(), row.scan.scenario(), load, place)).or_default().push(row);
        }
    }
    // Of shards of equal size the first, so that the choice does not depend on anything else.
    by_shard.into_values().rev().max_by_key(Vec::len).unwrap_or_default()
}

/// G: scans become visible on a common lattice of instants, whatever their age.
fn lattice(diagnosis: &mut Diagnosis, rows: &[&Row<'_>]) -> bool {
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
                format!(
                    "{n} scans, asked for over {}, became visible at only {} instants, about {} apart",
                    ms(last - first),
                    by_instant.len(),
                    ms(period)
                ),
                format!("their windows differ: no fewer than {} different ages explain them", by_age.len()),
            ],
        );
        return true;
    }
    diagnosis.excluded(
        FaultClass::G,
        format!("{n} scans became visible at no fewer than {} different instants: no common lattice", by_instant.len()),
    );
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
fn no_oftener_at_first(case: &Case<'_>, flapping: &Flapping, lost: &Lost) -> bool {
    let firsts = || case.watched().filter(|row| !lost.contains(&row.scan.number())).filter_map(|row| row.looks.first());
    let (polls, denied) = (firsts().count() as u64, firsts().filter(|look| !look.seen()).count() as u64);
    survival(denied, polls, flapping.share.clamp(0.001, 0.999)) > 1e-4
}

/// I: some polls at once are denied, none a few milliseconds later.
fn commit(diagnosis: &mut Diagnosis, case: &Case<'_>, rows: &[&Row<'_>], windows: &Windows, lost: &Lost, observer: bool) -> bool {
    let firsts = || rows.iter().filter_map(|row| row.looks.first());
    let at_once = AtOnce::of(rows);
    let last_denied =
        if observer { windows.latest_denied } else { rows.iter().flat_map(|row| row.denied_at_start()).map(Look::age).fold(0.0, f64::max) };
    // The first sight after a denial bounds the window from above; a sight some milliseconds later is what makes it a commit.
    let later = firsts().filter(|look| look.age() > COMMIT_MS).count();
    let later_denied = firsts().filter(|look| look.age() > COMMIT_MS && !look.seen()).count();
    if last_denied > COMMIT_MS {
        if at_once.all >= 20 {
            diagnosis.excluded(
                FaultClass::I,
                format!("the window lasts far longer than a commit: a poll at {} was still denied", ms(last_denied)),
            );
        }
        return false;
    }
    if later < 8 {
        diagnosis.undecided.push(format!(
            "cannot tell a commit after the answer (I) from a delayed registration (A) with these offsets: the last not_found was at {}, and only {later} scans were first polled after {}",
            ms(last_denied),
            ms(COMMIT_MS)
        ));
    }
    if at_once.all >= 10 && at_once.denied == at_once.all {
        return false;
    }
    let evidence = vec![
        format!("polled at once, {} denied", of_were(at_once.denied as u64, at_once.all as u64, "scan")),
        format!(
            "the last denial came {} after the id; of {later} scans that were first polled later than {}, {later_denied} were denied",
            ms(last_denied),
            ms(COMMIT_MS)
        ),
    ];
    // What else explains it: a registration that is late in every scan, and a copy that lags by as little.
    let mut or = Vec::new();
    if later < 8 || !at_once.some_are_in_time() {
        or.push(FaultClass::A);
    }
    if second_write(case, lost).is_none_or(|(_, until, _)| until > 0.5 * last_denied) {
        or.push(FaultClass::C);
    }
    if !agrees_with_itself(rows, last_denied) {
        or.push(FaultClass::CPrime);
    }
    if or.is_empty() {
        // What a single denial, or those of one moment, may be an accident of is not known from them.
        let strength = if at_once.all >= 20 && denied_rows(rows) >= 2 { Strength::Strong } else { Strength::Moderate };
        diagnosis.found(FaultClass::I, strength, evidence);
        return true;
    }
    if or.contains(&FaultClass::A) && later >= 8 {
        diagnosis.undecided.push(
            "cannot tell a commit after the answer (I) from a registration that is late in every scan (A): no polls of equal age over connections of \
             one kind went either way often enough; poll at least 20 scans at once on connections that are already open (`statusgap run zero-delay`)"
                .to_owned(),
        );
    }
    if or.iter().any(|class| matches!(class, FaultClass::C | FaultClass::CPrime)) {
        diagnosis.undecided.push(format!(
            "cannot tell a record that is written late (I, A) from a copy that lags by as little (C, C'): the window of {} is shorter than what a second write or a \
             second poll of the same scan resolves; see in the service whether status reads from where the initiate writes",
            ms(last_denied)
        ));
    }
    diagnosis.found_among(FaultClass::I, or, evidence);
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
    fn of(rows: &[&Row<'_>]) -> AtOnce {
        let mut by_connection: BTreeMap<Connection, Vec<(f64, bool)>> = BTreeMap::new();
        for look in rows.iter().filter_map(|row| row.looks.first()).filter(|look| look.age() <= AT_ONCE_MS) {
            by_connection.entry(look.exchange.connection).or_default().push((look.age(), look.seen()));
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
fn agrees_with_itself(rows: &[&Row<'_>], last_denied: f64) -> bool {
    let firsts = || rows.iter().filter_map(|row| row.looks.first()).filter(|look| look.age() <= last_denied);
    let (all, denied) = (firsts().count(), firsts().filter(|look| !look.seen()).count());
    if all == denied {
        // No read went anywhere but to the copy.
        return all >= 8;
    }
    let share = denied as f64 / all as f64;
    let again = rows.iter().flat_map(|row| row.after_seen()).filter(|look| look.age() <= last_denied);
    let (again, contrary) = again.fold((0, 0), |(all, denied), look| (all + 1, denied + usize::from(!look.seen())));
    contrary == 0 && (1.0 - share).powi(again) < 0.01
}

fn denied_rows(rows: &[&Row<'_>]) -> usize {
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
fn registration_or_lag(diagnosis: &mut Diagnosis, case: &Case<'_>, rows: &[&Row<'_>], windows: &Windows, before: Before<'_>) {
    let Before { lost, flapping, observer } = before;
    let mut evidence = vec![format!(
        "{} of {} first polls were denied, the latest {} after the id",
        windows.denied,
        windows.singles,
        ms(windows.latest_denied)
    )];
    if let Some((after, until)) = windows.median.filter(|_| !observer) {
        evidence.push(format!("half of the denied scans were seen within {}–{} and were never denied again", ms(after), ms(until)));
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
        evidence.push(format!("the witness knew {witnessed} of them before status did"));
    }
    let own = windows
        .median
        .map_or(windows.latest_denied, |(after, until)| if observer { windows.latest_denied } else { f64::midpoint(after, until) });
    let at_least = windows.median.map_or(windows.latest_denied, |(after, _)| if observer { windows.latest_denied } else { after });
    for (class, hint) in [
        (
            FaultClass::G,
            "cannot tell a delay (A) from an index that refreshes periodically (G): follow scans that were asked for at random instants closely",
        ),
        (FaultClass::E, "cannot tell whether the window grows with the queue (E): ask for several scans at once"),
    ] {
        if !diagnosis.names(class) && !diagnosis.ruled_out.iter().any(|out| out.class == class) {
            diagnosis.undecided.push(hint.to_owned());
        }
    }
    match second_write(case, lost) {
        Some((after, until, n)) if after > 0.3 * own && after > 10.0 => {
            evidence.push(format!("a second write lagged as well: {n} cancels were seen only after {}–{}", ms(after), ms(until)));
            // What is refreshed now and then shows a second write late as well, but each scan after another time.
            if one_age(rows) {
                diagnosis.found(FaultClass::C, Strength::Strong, evidence);
            } else {
                diagnosis.undecided.push(
                    "cannot tell a copy that lags (C) from an index that refreshes periodically (G): the windows differ; follow scans that were asked for \
                     at random instants more closely"
                        .to_owned(),
                );
                diagnosis.found_among(FaultClass::C, vec![FaultClass::G], evidence);
            }
            diagnosis.excluded(FaultClass::A, "the second write lags like the first, which a delayed registration does not".to_owned());
        }
        // Compared with what is certain of the window: its middle may be far from it where polls were few.
        Some((after, until, n)) if until > 0.5 * at_least => {
            // Followed too loosely: the second write may have lagged as the first did, or not at all.
            diagnosis.undecided.push(format!(
                "cannot tell a delayed registration (A) from a replica that lags (C): {n} cancels were seen after {}–{}, which is too wide; poll more often",
                ms(after),
                ms(until)
            ));
            diagnosis.found_either(FaultClass::A, FaultClass::C, evidence);
        }
        Some((_, until, n)) => {
            diagnosis
                .excluded(FaultClass::C, format!("the second write: {n} cancels were seen within {}, so writes do not lag", ms(until)));
            if !denied_alone(case, rows, at_least) {
                diagnosis.undecided.push(
                    "cannot tell a delayed registration (A) from a queue (E): scans that were asked for while no other was under way were not denied; \
                     ask for more scans at once"
                        .to_owned(),
                );
                diagnosis.found_among(FaultClass::A, vec![FaultClass::E], evidence);
                return;
            }
            // A second write that a primary shows at once proves nothing of reads that go to a copy now and then.
            if flapping.kind.is_some() || !agrees_with_itself(rows, windows.latest_denied) {
                diagnosis.undecided.push(
                    "cannot tell a delayed registration (A) from reads of which only some go to a copy that lags (C'): poll a scan from several \
                     fresh connections at once while others are still denied"
                        .to_owned(),
                );
                diagnosis.found_among(FaultClass::A, vec![FaultClass::CPrime], evidence);
            } else {
                diagnosis.found(FaultClass::A, Strength::Strong, evidence);
            }
        }
        None => {
            diagnosis.undecided.push("cannot tell a delayed registration (A) from a replica that lags (C) without a second write: `statusgap reproduce` sends one where the target file has a [cancel] section".to_owned());
            match without_second_write(rows) {
                Some((class, told)) => {
                    evidence.push(told);
                    diagnosis.found(class, Strength::Moderate, evidence);
                }
                None => diagnosis.found_either(FaultClass::A, FaultClass::C, evidence),
            }
        }
    }
}

/// Whether one age lies in the bracket of nearly every scan: a lag that is always the same.
fn one_age(rows: &[&Row<'_>]) -> bool {
    let brackets: Vec<(f64, f64)> = rows.iter().filter_map(|row| row.start()).collect();
    let within = |age: f64| brackets.iter().filter(|(after, until)| *after <= age && age <= *until).count();
    let most = brackets.iter().map(|(_, until)| within(*until)).max().unwrap_or_default();
    most * 10 >= brackets.len() * 9
}

/// Whether scans that were asked for alone were denied at the ages at which others were; true where none was asked so early.
fn denied_alone(case: &Case<'_>, rows: &[&Row<'_>], at_least: f64) -> bool {
    let mut early = rows
        .iter()
        .filter(|row| case.was_idle(row))
        .filter_map(|row| row.looks.first())
        .filter(|look| look.age() < 0.5 * at_least)
        .peekable();
    early.peek().is_none() || early.any(|look| !look.seen())
}

/// What scans that were denied at first show of the copy that is read, where no second write was sent: a record that is written late
/// is up to date once it is there, a copy that lags shows every change late.
fn without_second_write(rows: &[&Row<'_>]) -> Option<(FaultClass, String)> {
    let denied = || rows.iter().filter(|row| row.denied_at_start().next().is_some());
    let behind = denied().filter(|row| behind_the_witness(row).is_some()).count();
    if behind >= 2 {
        let lag = median(denied().filter_map(|row| behind_the_witness(row)).collect()).unwrap_or_default();
        return Some((
            FaultClass::C,
            format!(
                "the end was shown late as well: in {behind} scans status said running {} or more after the witness had said that it ended",
                ms(lag)
            ),
        ));
    }
    let began: Vec<(f64, f64)> = denied().filter_map(|row| Some((began(row)?, row.start()?.0))).collect();
    let current = began.iter().filter(|(began, denied)| *began < 0.5 * denied).count();
    (current >= 3 && current * 4 >= began.len() * 3).then(|| {
        (
            FaultClass::A,
            format!(
                "{current} of {} scans had already progressed when they were first visible, as far as if they had begun with their id: what is read is up to date, as a lagging copy is not",
                began.len()
            ),
        )
    })
}

/// How long after the witness had said that a scan was over status still said that it was running, in ms, if by half its window.
fn behind_the_witness(row: &Row<'_>) -> Option<f64> {
    let over =
        row.scan.witness().iter().filter(|reading| reading.state.is_some_and(State::is_terminal)).map(|reading| reading.done).min()?;
    let running = row.scan.polls().iter().filter(|poll| poll.answer == Answer::Visible && poll.state == Some(State::Running));
    let last = running.map(|poll| poll.sent).max()?;
    let behind = last.since(over).as_ms();
    (behind > 0.5 * row.start()?.0).then_some(behind)
}

/// The age at which a scan's progress was zero, by its first and last visible answers that differ; none if it began unprogressed.
fn began(row: &Row<'_>) -> Option<f64> {
    let told = || row.looks.iter().filter(|look| look.seen()).filter_map(|look| Some((look.age(), look.exchange.progress.get()?)));
    let first = told().next().filter(|(_, progress)| *progress > 0.0)?;
    // The last answer that shows more than the one before it: at the end progress stands still.
    let last = told().zip(told().skip(1)).filter(|(before, now)| now.1 > before.1).map(|(_, now)| now).last()?;
    (last.0 > first.0 + 100.0 && last.1 > first.1).then(|| first.0 - first.1 * (last.0 - first.0) / (last.1 - first.1))
}

/// The lag of the second write: medians of the last poll that did not show it and of the first answer that did.
fn second_write(case: &Case<'_>, lost: &Lost) -> Option<(f64, f64, usize)> {
    let mut lower = Vec::new();
    let mut upper = Vec::new();
    for row in &case.rows {
        let cancelled = case.scenario(row).then.as_ref().is_some_and(|then| then.action == Action::Cancel);
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
fn under_disagreement(diagnosis: &mut Diagnosis, case: &Case<'_>, flapping: &Flapping, lost: &Lost) {
    if flapping.kind != Some(Kind::PerInstance) {
        return;
    }
    let rows = || case.watched().filter(|row| !lost.contains(&row.scan.number()));
    let earliest = rows().filter_map(Row::first_seen).fold(f64::INFINITY, f64::min);
    let before = rows().flat_map(|row| row.looks).filter(|look| look.age() < earliest).count();
    let by_chance = flapping.share.powi(i32::try_from(before).unwrap_or(i32::MAX));
    if !earliest.is_finite() || earliest < 15.0 || before < 20 || by_chance > 1e-6 {
        return;
    }
    diagnosis.found(
        FaultClass::A,
        if before >= 50 { Strength::Strong } else { Strength::Moderate },
        vec![format!(
            "no worker knew any scan before {}: {before} of {} up to then were denied",
            ms(earliest),
            counted(before as u64, "poll")
        )],
    );
}
