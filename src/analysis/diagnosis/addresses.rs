//! Two addresses of one status: the path that clients put together, and the one that the initiate's answer hands out.

use crate::analysis::diagnosis::dataset::{Dataset, ScanRow};
use crate::analysis::diagnosis::thresholds::{ALIKE_MS, ALIKE_SHARE, CHANCE};
use crate::analysis::diagnosis::{Diagnosis, Pattern};
use crate::model::answer::Answer;
use crate::model::exchange::Route;
use crate::model::time::Nanos;
use crate::statistics::compare::rates::Rates;

/// Notes where the address that was handed out denies scans more often than the usual path does at the same ages.
pub(super) fn disagree(diagnosis: &mut Diagnosis, data: &Dataset<'_>) {
    let asked: Vec<(Nanos, bool)> = data
        .rows
        .iter()
        .flat_map(|row| row.scan.evidence().map(|poll| (row.scan.age(poll), poll)))
        .filter(|(_, poll)| poll.route == Some(Route::HandedOut))
        .map(|(age, poll)| (age, poll.answer == Answer::NotFound))
        .collect();
    let denied: Vec<Nanos> = asked.iter().filter(|(_, denied)| *denied).map(|(age, _)| *age).collect();
    let Some(latest_ns) = denied.iter().max().copied() else { return };
    let usual: Vec<bool> = data.rows.iter().flat_map(|row| at_such_ages(row, &denied)).collect();
    let table = Rates {
        base_events: usual.iter().filter(|denied| **denied).count() as u64,
        base_trials: usual.len() as u64,
        new_events: denied.len() as u64,
        new_trials: asked.iter().filter(|(age, _)| denied.iter().any(|other| are_alike(*age, *other))).count() as u64,
    };
    if table.fisher_higher() < CHANCE {
        diagnosis.patterns.push(Pattern::OtherAddress {
            denied: table.new_events,
            polls: table.new_trials,
            latest_ns,
            usual_denied: table.base_events,
            usual_polls: table.base_trials,
        });
    }
}

/// Whether the usual path denied a scan, once for each stretch of ages, so that a scan that is polled every few milliseconds counts no more
/// than others.
fn at_such_ages(row: &ScanRow<'_>, ages: &[Nanos]) -> Vec<bool> {
    let mut apart: Vec<(Nanos, bool)> = Vec::new();
    for observation in row.observations {
        let age = row.scan.age(observation.exchange);
        if ages.iter().any(|other| are_alike(age, *other)) && !apart.iter().any(|(known, _)| are_alike(age, *known)) {
            apart.push((age, !observation.seen()));
        }
    }
    apart.into_iter().map(|(_, denied)| denied).collect()
}

fn are_alike(one: Nanos, other: Nanos) -> bool {
    let (one, other) = (one.as_ms(), other.as_ms());
    (one - other).abs() <= ALIKE_MS.max(ALIKE_SHARE * one.max(other))
}
