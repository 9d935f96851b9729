//! Whether all denials fell into one or two stretches of time in which the service denied everything.

use std::collections::BTreeSet;

use crate::analysis::diagnosis::case::{Case, Look, Row};
use crate::analysis::diagnosis::chance::{few_runs, ln_choose};
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

/// Below this chance the denials do not lie in so few stretches by accident.
const CHANCE: f64 = 1e-4;

/// The one stretch into which all denials fall, if there is one that age does not explain.
pub(super) fn of(case: &Case<'_>) -> Option<Stretch> {
    // Instants of several clocks are not to be compared.
    if case.is_merged() {
        return None;
    }
    let total: usize = case.watched().map(|row| row.looks.len()).sum();
    let denied_in_all = case.watched().flat_map(|row| row.looks).filter(|look| !look.seen()).count();
    if denied_in_all < 3 || denied_in_all * 4 > total {
        return None;
    }
    let mut looks = Vec::with_capacity(total);
    looks.extend(case.watched().flat_map(|row| row.looks.iter().map(move |look| (row, look))));
    looks.sort_by_key(|(_, look)| look.exchange.sent);
    let is_denied = |(_, look): &(&Row<'_>, &Look<'_>)| !look.seen();
    let first = looks.iter().position(is_denied)?;
    let last = looks.iter().rposition(is_denied)?;
    let inside = &looks[first..=last];
    // A poll at either edge may have been sent before and answered after another.
    if (inside.len() - denied_in_all) * 10 > denied_in_all || few_runs(1, denied_in_all, total) > CHANCE {
        return None;
    }
    let scans: BTreeSet<u64> = inside.iter().filter(|look| is_denied(look)).map(|(row, _)| row.scan.number()).collect();
    let flapped = inside.iter().any(|(row, look)| is_denied(&(*row, *look)) && row.first_seen().is_some_and(|seen| seen < look.age()));
    let returned = |scan: &u64| looks[last + 1..].iter().any(|(row, look)| row.scan.number() == *scan && look.seen());
    let polled_later = |scan: &u64| looks[last + 1..].iter().any(|(row, _)| row.scan.number() == *scan);
    let all_came_back = scans.iter().filter(|scan| polled_later(scan)).all(returned);
    if scans.len() < 2 || last + 1 == looks.len() || !all_came_back || (flapped && !scans.iter().any(returned)) {
        return None;
    }
    // Scans that were visible before and after show by themselves that the time was special. Others need polls of the same age at other
    // times: without them, their age explains the denials as well as the time does.
    let ages = || inside.iter().filter(|look| is_denied(look)).map(|(_, look)| look.age());
    let (youngest, oldest) = ages().fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), age| (low.min(age), high.max(age)));
    let scenarios: BTreeSet<u32> = inside.iter().filter(|look| is_denied(look)).map(|(row, _)| row.scan.scenario()).collect();
    let outside = looks[..first].iter().chain(&looks[last + 1..]);
    let comparable = outside
        .filter(|(row, look)| flapped || ((youngest..=oldest).contains(&look.age()) && scenarios.contains(&row.scan.scenario())))
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
