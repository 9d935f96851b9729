//! Whether all denials fell into one or two stretches of time in which the service denied everything.

use std::collections::BTreeSet;

use crate::analysis::diagnosis::chance::{few_runs, ln_choose};
use crate::analysis::diagnosis::dataset::{Dataset, Observation, ScanRow};
use crate::analysis::diagnosis::thresholds::RARE_CHANCE;
use crate::model::time::Stamp;

/// A stretch of time in which everything was denied.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stretch {
    pub(super) from: Stamp,
    pub(super) to: Stamp,
    pub(super) denied: u64,
    pub(super) polls: u64,
    pub(super) scans: u64,
}

/// The one stretch into which all denials fall, if there is one that age does not explain.
pub(super) fn of(data: &Dataset<'_>) -> Option<Stretch> {
    // Instants of several clocks are not to be compared.
    if data.is_merged() {
        return None;
    }
    let total: usize = data.watched().map(|row| row.observations.len()).sum();
    let denied_in_all = data.watched().flat_map(|row| row.observations).filter(|observation| !observation.seen()).count();
    if denied_in_all < 3 || denied_in_all * 4 > total {
        return None;
    }
    let mut observations = Vec::with_capacity(total);
    observations.extend(data.watched().flat_map(|row| row.observations.iter().map(move |observation| (row, observation))));
    observations.sort_by_key(|(_, observation)| observation.exchange.sent);
    let is_denied = |(_, observation): &(&ScanRow<'_>, &Observation<'_>)| !observation.seen();
    let first = observations.iter().position(is_denied)?;
    let last = observations.iter().rposition(is_denied)?;
    let inside = &observations[first..=last];
    // A poll at either edge may have been sent before and answered after another.
    if (inside.len() - denied_in_all) * 10 > denied_in_all || few_runs(1, denied_in_all, total) > RARE_CHANCE {
        return None;
    }
    let scans: BTreeSet<u64> = inside.iter().filter(|observation| is_denied(observation)).map(|(row, _)| row.scan.number()).collect();
    let flapped = inside
        .iter()
        .any(|(row, observation)| is_denied(&(*row, *observation)) && row.first_seen().is_some_and(|seen| seen < observation.age()));
    let returned = |scan: &u64| observations[last + 1..].iter().any(|(row, observation)| row.scan.number() == *scan && observation.seen());
    let polled_later = |scan: &u64| observations[last + 1..].iter().any(|(row, _)| row.scan.number() == *scan);
    let all_came_back = scans.iter().filter(|scan| polled_later(scan)).all(returned);
    if scans.len() < 2 || last + 1 == observations.len() || !all_came_back || (flapped && !scans.iter().any(returned)) {
        return None;
    }
    // Without polls of the same age at other times, the age of the scans explains the denials as well as the time does. Scans that were
    // visible before and after may be compared with those of any scenario.
    let ages = || inside.iter().filter(|observation| is_denied(observation)).map(|(_, observation)| observation.age());
    let (youngest, oldest) = ages().fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), age| (low.min(age), high.max(age)));
    let scenarios: BTreeSet<u32> = inside.iter().filter(|observation| is_denied(observation)).map(|(row, _)| row.scan.scenario()).collect();
    let outside = observations[..first].iter().chain(&observations[last + 1..]);
    let comparable = outside
        .filter(|(row, observation)| {
            (youngest..=oldest).contains(&observation.age()) && (flapped || scenarios.contains(&row.scan.scenario()))
        })
        .count();
    let by_chance = (-ln_choose(denied_in_all + comparable, denied_in_all)).exp();
    (by_chance <= 1e-3).then(|| Stretch {
        from: inside[0].1.exchange.sent,
        to: inside[inside.len() - 1].1.exchange.sent,
        denied: denied_in_all as u64,
        polls: inside.len() as u64,
        scans: scans.len() as u64,
    })
}
