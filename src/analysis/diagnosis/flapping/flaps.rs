//! Which polls of scans that had been seen were denied, and how those lie.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::diagnosis::chance::few_runs_together;
use crate::analysis::diagnosis::dataset::{Dataset, Observation, ScanRow};
use crate::analysis::diagnosis::thresholds::MOMENT_MS;
use crate::model::exchange::Purpose;
use crate::model::time::Nanos;

/// What the flaps are, for the classes that must not be mistaken for them.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::analysis::diagnosis) struct Flapping {
    /// The kind, if there are flaps and they fit one.
    pub(in crate::analysis::diagnosis) kind: Option<Kind>,
    /// Share of denials among observations after the first sight.
    pub(in crate::analysis::diagnosis) share: f64,
    /// The age of the last flap, in ms.
    pub(in crate::analysis::diagnosis) until_ms: f64,
    /// The longest row of denials of a scan that was seen before, each at an instant of its own.
    pub(in crate::analysis::diagnosis) streak: usize,
    /// Where scans are evicted, or have holes: the earliest age at which one was seen for the last time, or denied again, in ms.
    pub(in crate::analysis::diagnosis) gone_ms: Option<f64>,
}

impl Flapping {
    /// No scan was denied after it had been seen.
    pub(in crate::analysis::diagnosis) fn none() -> Flapping {
        Flapping { kind: None, share: 0.0, until_ms: 0.0, streak: 0, gone_ms: None }
    }

    pub(super) fn of(kind: Kind) -> Flapping {
        Flapping { kind: Some(kind), ..Flapping::none() }
    }
}

/// Which pattern the flaps have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::analysis::diagnosis) enum Kind {
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
pub(super) struct Run {
    pub(super) seen: bool,
    pub(super) observations: usize,
    pub(super) from: f64,
    pub(super) to: f64,
}

/// Runs of equal observations after the first sight.
pub(super) fn runs(row: &ScanRow<'_>) -> Vec<Run> {
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

/// What all flaps have in common.
pub(super) struct Flaps<'r, 'a> {
    /// Scans that were denied after they had been seen.
    pub(super) rows: Vec<&'r ScanRow<'a>>,
    /// Denials after the first sight, and all polls after it, of these scans.
    pub(super) denied: usize,
    pub(super) observations: usize,
    /// All polls after the first sight, of all scans.
    pub(super) all: usize,
    /// The age up to which polls are comparable with those that were denied.
    pub(super) until_ms: f64,
    /// Polls up to that age.
    pub(super) before: usize,
    /// How many scans were denied, seen and denied again.
    pub(super) twice: usize,
    /// Instants at which pollers of one scan got both answers.
    pub(super) split: usize,
    /// Different moments of the run at which scans were denied, and how many scans have one that is none of another's.
    pub(super) moments: usize,
    /// The chance that denials spread evenly over the polls up to the last of each scan would lie together as closely as these do.
    pub(super) together: f64,
}

impl<'r, 'a> Flaps<'r, 'a> {
    pub(super) fn of(data: &Dataset<'a>, rows: Vec<&'r ScanRow<'a>>) -> Flaps<'r, 'a> {
        let (denied, observations) = counts(&rows);
        let until_ms = comparable_until(data, &rows);
        let after = || data.watched().flat_map(ScanRow::after_seen);
        let runs_of = |row: &ScanRow<'_>| runs(row).iter().filter(|run| !run.seen).count();
        let sizes: Vec<(usize, usize)> = rows.iter().map(|row| up_to_last_denial(row)).collect();
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
    pub(super) fn share(&self) -> f64 {
        self.denied as f64 / self.before.max(1) as f64
    }

    /// Whether scans were denied at moments of their own: what one scan, or one moment, shows may be an accident of it.
    pub(super) fn is_repeated(&self) -> bool {
        self.rows.len() >= 2 && self.moments >= 2
    }

    /// Whether polls that could have gone either way did: a scan changed more than once, or pollers disagreed.
    pub(super) fn goes_both_ways(&self) -> bool {
        self.twice > 0 || self.split > 0
    }
}

/// The age up to which other polls are comparable with the denied ones: to the end of the polls at the planned age of the last, and a
/// moment on.
fn comparable_until(data: &Dataset<'_>, rows: &[&ScanRow<'_>]) -> f64 {
    // The offset of a poll after a later write is no age.
    let planned = |observation: &&Observation<'_>| observation.exchange.purpose == Purpose::Offset;
    let denied: BTreeSet<i64> = flaps(rows).filter(planned).filter_map(|observation| Some(observation.exchange.offset.get()?.0)).collect();
    let alike = data
        .watched()
        .flat_map(|row| row.observations)
        .filter(planned)
        .filter(|observation| observation.exchange.offset.get().is_some_and(|at| denied.contains(&at.0)));
    let last = flaps(rows).map(Observation::age).fold(0.0, f64::max) + MOMENT_MS;
    alike.map(Observation::age).fold(last, f64::max)
}

/// Denials, and polls up to the last of them and the one after it: what heals by age says nothing of how denials lie before that.
fn up_to_last_denial(row: &ScanRow<'_>) -> (usize, usize) {
    let after: Vec<bool> = row.after_seen().map(Observation::seen).collect();
    let polls = after.iter().rposition(|seen| !seen).map_or(0, |last| (last + 2).min(after.len()));
    (after.iter().filter(|seen| !**seen).count(), polls)
}

/// How many of these ages, in ascending order, lie apart from each other.
pub(in crate::analysis::diagnosis) fn moments(ages: impl Iterator<Item = f64>) -> usize {
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

pub(super) fn flaps<'r, 'a: 'r>(rows: &'r [&'r ScanRow<'a>]) -> impl Iterator<Item = &'r Observation<'a>> {
    rows.iter().flat_map(|row| row.after_seen()).filter(|observation| !observation.seen())
}

pub(super) fn counts(rows: &[&ScanRow<'_>]) -> (usize, usize) {
    (flaps(rows).count(), rows.iter().map(|row| row.after_seen().count()).sum())
}

/// Instants, up to an age, at which several pollers asked for a scan that had been seen.
pub(super) fn instants(data: &Dataset<'_>, until_ms: f64) -> usize {
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
pub(super) fn split_instants(rows: &[&ScanRow<'_>]) -> Vec<(Nanos, u64, u64)> {
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
