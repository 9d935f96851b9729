//! F: scans that are seen for a while and then gone.

use crate::analysis::diagnosis::chance::ln_choose;
use crate::analysis::diagnosis::dataset::{Dataset, Observation, ScanRow, ns};
use crate::analysis::diagnosis::fact::Fact;
use crate::analysis::diagnosis::flapping::flaps::{Flapping, Kind, counts, flaps, runs, split_instants};
use crate::analysis::diagnosis::flapping::tails::earliest_end;
use crate::analysis::diagnosis::open::OpenQuestion;
use crate::analysis::diagnosis::thresholds::RARE;
use crate::analysis::diagnosis::{Diagnosis, Strength};
use crate::model::answer::{Answer, State};
use crate::model::exchange::Exchange;
use crate::model::fault::FaultClass;
use crate::model::time::{Nanos, Stamp};

pub(super) fn eviction(diagnosis: &mut Diagnosis, data: &Dataset<'_>, evicted: &[&ScanRow<'_>], at_most: Strength) -> Flapping {
    let last_seen =
        |row: &ScanRow<'_>| row.observations.iter().filter(|observation| observation.seen()).map(Observation::age).fold(0.0, f64::max);
    let denials = |row: &ScanRow<'_>| {
        row.observations.iter().filter(|observation| !observation.seen() && observation.age() >= gone(row)).count() as u64
    };
    let fewest = evicted.iter().map(|row| denials(row)).min().unwrap_or_default();
    let mut facts = vec![Fact::Gone { scans: evicted.len() as u64, fewest, after_end: evicted.iter().all(|row| denied_after_end(row)) }];
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
    // What goes after its end may be gone as soon as any was seen to end.
    let from = if evicted.iter().all(|row| denied_after_end(row)) { earliest_end(data) } else { None };
    Flapping { gone_ms: evicted.iter().map(|row| last_seen(row)).chain(from).reduce(f64::min), ..Flapping::of(Kind::Evicted) }
}

/// Seen for a while, then denied for good: one change only, with enough observations on both sides for it not to be chance.
pub(super) fn is_evicted(row: &ScanRow<'_>) -> bool {
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
pub(super) fn gone_at_last(rows: &[&ScanRow<'_>]) -> bool {
    let sights = |row: &&ScanRow<'_>| match runs(row).as_slice() {
        [seen, gone] if seen.seen && !gone.seen => Some(seen.observations),
        _ => None,
    };
    let Some(sights) = rows.iter().map(sights).sum::<Option<usize>>() else { return false };
    // One denial of one scan may as well be a hole.
    flaps(rows).count() >= 2
        && ln_last_by_accident(rows) < 0.01_f64.ln()
        && (1.0 - RARE).powi(i32::try_from(sights).unwrap_or(i32::MAX)) < 1e-3
        && split_instants(rows).is_empty()
}

/// Whether scans were denied after their end had been seen and not before, and did not come back: workers that disagree, and chance, know
/// nothing of an end.
pub(super) fn gone_after_end(rows: &[&ScanRow<'_>]) -> bool {
    flaps(rows).count() >= 2 && rows.iter().all(|row| denied_after_end(row)) && ln_last_by_accident(rows) < 0.05_f64.ln()
}

fn denied_after_end(row: &ScanRow<'_>) -> bool {
    let Some((ended, _)) = row.scan.ended() else { return false };
    let sight = |observation: &&Observation<'_>| observation.seen();
    let last_seen = row.observations.iter().filter(sight).map(|observation| observation.exchange.sent).max();
    // Of polls that were under way together, either may have been served first.
    flaps(&[row]).all(|denied| ended.sent <= denied.exchange.done && last_seen <= Some(denied.exchange.done))
}

/// The logarithm of the chance that denials at random all come last.
fn ln_last_by_accident(rows: &[&ScanRow<'_>]) -> f64 {
    rows.iter().map(|row| counts(&[row])).map(|(denied, observations)| -ln_choose(observations, denied)).sum()
}

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

/// Whether the answer that showed the end may have been what removed the scans: of none was it given twice.
fn read_once(evicted: &[&ScanRow<'_>]) -> bool {
    let ends = |row: &&ScanRow<'_>| {
        let is_end = |poll: &&&Exchange| poll.answer == Answer::Visible && poll.state.is_some_and(State::is_terminal);
        row.scan.polls().iter().filter(is_end).count()
    };
    evicted.iter().map(ends).max() == Some(1)
}
