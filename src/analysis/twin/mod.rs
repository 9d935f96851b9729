//! The twin: whether a cause explains a log, by comparing the log with runs of the reference service that has this cause.
//!
//! In go a log and its diagnosis; out come [`Hypothesis`]es, each a cause with the settings of the reference service that would show it.
//! Somebody else runs them (this room touches no service) and hands back what was measured of each run; out comes a [`Twin`], which says
//! which hypotheses fit, with one test of known error, and what the others do not explain.

mod answer;
mod aspects;
mod estimate;
mod fit;
mod later;
mod law;
mod measures;
mod picture;
mod rivals;
mod rows;
mod separation;
mod strength;

use std::collections::BTreeSet;

use crate::analysis::diagnosis::Diagnosis;
use crate::analysis::scan::Scans;
use crate::analysis::twin::estimate::{ESTIMATORS, Evidence, job};
use crate::analysis::twin::law::{LIKELY, written};
use crate::analysis::twin::rows::{Trip, rows};
use crate::model::fault::FaultClass;
use crate::model::run::Journal;

pub use crate::analysis::twin::answer::{Answer, Candidate, Likely, Setting, Twin};
pub use crate::analysis::twin::aspects::Aspect;
pub use crate::analysis::twin::estimate::{Estimate, Point, Value};
pub use crate::analysis::twin::fit::{Fit, LEVEL, Misfit};
pub use crate::analysis::twin::law::Law;
pub use crate::analysis::twin::measures::Measures;
pub use crate::analysis::twin::picture::{AgeRow, Beside, Picture, SeenRow};
pub use crate::analysis::twin::separation::Separation;

/// A cause, or several together, with the settings of the reference service that would show it.
#[derive(Debug, Clone, PartialEq)]
pub struct Hypothesis {
    /// Its causes; none for a service without a fault.
    pub classes: Vec<FaultClass>,
    /// Whether the diagnosis named it.
    pub named: bool,
    job: Estimate,
    parts: Vec<Estimate>,
}

impl Hypothesis {
    /// The best settings.
    pub fn best(&self) -> Point {
        self.parts.iter().fold(self.job.best.clone(), |point, part| point.with(&part.best))
    }

    /// Likely settings, others for each run.
    pub fn likely(&self, run: usize) -> Point {
        // A stride without a common factor: few runs reach all over what is likely.
        let at = |part: usize| (run * 17 + part * 7) % LIKELY;
        let ground = self.job.likely[at(3)].clone();
        self.parts.iter().enumerate().fold(ground, |point, (place, part)| point.with(&part.likely[at(place)]))
    }

    /// Both together.
    fn and(&self, other: &Hypothesis) -> Hypothesis {
        let mut classes: Vec<FaultClass> = self.classes.iter().chain(&other.classes).copied().collect();
        classes.sort_unstable();
        let parts = self.parts.iter().chain(&other.parts).cloned().collect();
        Hypothesis { classes, named: self.named && other.named, job: self.job.clone(), parts }
    }

    /// Whether settings of both can stand together: none is of a class or a knob of the other, and status reads one copy.
    fn goes_with(&self, other: &Hypothesis) -> bool {
        const COPIES: [&str; 3] = ["replica-lag", "index-period", "read-path"];
        let knobs = |hypothesis: &Hypothesis| -> BTreeSet<&'static str> {
            hypothesis.parts.iter().flat_map(|part| part.best.knobs.iter().map(|(name, _)| *name)).collect()
        };
        let (own, others) = (knobs(self), knobs(other));
        let copies = |knobs: &BTreeSet<&str>| COPIES.iter().any(|knob| knobs.contains(knob));
        own.is_disjoint(&others) && !(copies(&own) && copies(&others)) && self.classes.iter().all(|class| !other.classes.contains(class))
    }

    /// The settings as text, with what is likely of each.
    fn settings(&self) -> Vec<Setting> {
        let best = self.best();
        let setting = |(knob, value): &(&'static str, Value)| {
            let is_of_job = self.job.best.knobs.iter().any(|(name, _)| name == knob)
                && self.parts.iter().all(|part| part.best.knobs.iter().all(|(name, _)| name != knob));
            let mut likely: Vec<Value> = std::iter::once(&self.job)
                .filter(|_| is_of_job)
                .chain(&self.parts)
                .flat_map(|part| &part.likely)
                .flat_map(|point| &point.knobs)
                .filter(|(name, value)| name == knob && value.size().is_some())
                .map(|(_, value)| *value)
                .collect();
            likely.sort_by(|a, b| a.size().unwrap_or_default().total_cmp(&b.size().unwrap_or_default()));
            let text = |value: &Value| match value {
                Value::Law(law) => written(law.median()),
                value => value.text(),
            };
            Setting {
                knob,
                value: value.text(),
                likely: likely.first().map(text).zip(likely.last().map(text)).map(|(from, to)| Likely { from, to }),
                is_of_job,
            }
        };
        best.knobs.iter().map(setting).collect()
    }
}

/// The hypotheses that are worth a run, those that the diagnosis names first.
pub fn hypotheses(journal: &Journal, diagnosis: &Diagnosis) -> Vec<Hypothesis> {
    let scans = Scans::of(&journal.exchanges);
    let histories = scans.histories();
    let trip = Trip::of(journal);
    let rows = rows(&histories, trip);
    let evidence = Evidence { journal, rows: &rows, trip };
    let job = job(&evidence);
    let named: BTreeSet<FaultClass> = diagnosis.causes.iter().map(|cause| cause.class).collect();
    let possible = diagnosis.possible();
    let alone = |estimate: Estimate| Hypothesis {
        classes: vec![estimate.class],
        named: named.contains(&estimate.class),
        job: job.clone(),
        parts: vec![estimate],
    };
    let considered = ESTIMATORS.iter().filter(|(class, _)| diagnosis.candidates.has(*class));
    let mut all: Vec<Hypothesis> = considered.flat_map(|(_, estimator)| estimator(&evidence)).map(alone).collect();
    // All that is named, together: alone none of them explains what the others do.
    let mut together: Option<Hypothesis> = None;
    for hypothesis in all.iter().filter(|hypothesis| hypothesis.named) {
        together = match together {
            None => Some(hypothesis.clone()),
            Some(so_far) if so_far.goes_with(hypothesis) => Some(so_far.and(hypothesis)),
            so_far => so_far,
        };
    }
    if let Some(together) = together.filter(|together| together.classes.len() > 1) {
        all.push(together);
    }
    let place = |hypothesis: &Hypothesis| {
        let of = |classes: &BTreeSet<FaultClass>| hypothesis.classes.iter().all(|class| classes.contains(class));
        match () {
            () if of(&named) => 0,
            () if of(&possible) => 1,
            () => 2,
        }
    };
    all.sort_by_key(|hypothesis| (place(hypothesis), std::cmp::Reverse(hypothesis.classes.len())));
    all.truncate(MOST_TRIED);
    all
}

/// The causes that the diagnosis names and that no hypothesis has: they have no twin.
pub fn untried(diagnosis: &Diagnosis, hypotheses: &[Hypothesis]) -> Vec<FaultClass> {
    let has = |class: &FaultClass| hypotheses.iter().any(|hypothesis| hypothesis.classes.contains(class));
    diagnosis.causes.iter().map(|cause| cause.class).filter(|class| !has(class)).collect()
}

/// A service without a fault, whose jobs take as long.
pub fn healthy(journal: &Journal) -> Hypothesis {
    let scans = Scans::of(&journal.exchanges);
    let histories = scans.histories();
    let trip = Trip::of(journal);
    let rows = rows(&histories, trip);
    Hypothesis { classes: Vec::new(), named: false, job: job(&Evidence { journal, rows: &rows, trip }), parts: Vec::new() }
}

/// More hypotheses than this are not tried.
const MOST_TRIED: usize = 12;

/// Pairs of hypotheses of which neither fits, the most promising first: the nearest, each with those that go with it.
pub fn pairs(tried: &[Tried]) -> Vec<Hypothesis> {
    let mut near: Vec<&Tried> = tried.iter().filter(|tried| tried.hypothesis.classes.len() == 1).collect();
    near.sort_by(|a, b| a.fit.distance.total_cmp(&b.fit.distance));
    let mut pairs = Vec::new();
    for (place, first) in near.iter().enumerate().take(3) {
        for second in near.iter().skip(place + 1).take(4) {
            let pair = first.hypothesis.and(&second.hypothesis);
            let is_new = tried.iter().all(|tried| tried.hypothesis.classes != pair.classes);
            if first.hypothesis.goes_with(&second.hypothesis) && is_new {
                pairs.push(pair);
            }
        }
    }
    pairs.truncate(MOST_PAIRS);
    pairs
}

const MOST_PAIRS: usize = 3;

/// Takes out the pairs that the log does not ask for: one of their causes by itself is near enough not to be excluded, and the pair does not
/// outdo it. Two causes have more freedom than one, and are nearer to almost any log; and what a real service has besides its fault is not
/// in any twin.
pub fn drop_needless(tried: &mut Vec<Tried>) {
    let near: BTreeSet<FaultClass> = tried
        .iter()
        .filter(|tried| !tried.is_excluded())
        .filter_map(|tried| if let [class] = tried.hypothesis.classes[..] { Some(class) } else { None })
        .collect();
    tried.retain(|tried| {
        let classes = &tried.hypothesis.classes;
        tried.hypothesis.named || classes.len() < 2 || classes.iter().all(|class| !near.contains(class))
    });
}

/// A hypothesis that was run.
#[derive(Debug, Clone)]
pub struct Tried {
    /// Which.
    pub hypothesis: Hypothesis,
    /// What was measured of its runs.
    pub runs: Vec<Measures>,
    /// How the log compares with them.
    pub fit: Fit,
    /// Whether it was so far off after its first runs that no more were made.
    pub far_off: bool,
    /// The causes that explain the log better, beyond chance.
    pub outdone_by: Option<Vec<FaultClass>>,
}

impl Tried {
    /// Compares a log with the runs of a hypothesis.
    pub fn of(hypothesis: Hypothesis, observed: &Measures, runs: Vec<Measures>) -> Tried {
        let fit = Fit::of(observed, &runs.iter().collect::<Vec<_>>());
        Tried { hypothesis, runs, fit, far_off: false, outdone_by: None }
    }

    /// Whether it may be what was observed.
    pub fn fits(&self) -> bool {
        !self.far_off && self.fit.fits() && self.outdone_by.is_none()
    }

    /// Whether it cannot be what was observed: it is far off, or another one explains the log better beyond chance.
    fn is_excluded(&self) -> bool {
        self.far_off || self.outdone_by.is_some() || self.fit.excludes()
    }
}

/// Says of each hypothesis whether another one that fits explains the log better where the two differ.
pub fn compare(tried: &mut [Tried], observed: &Measures) {
    let fitting: Vec<usize> = (0..tried.len()).filter(|at| tried[*at].fits()).collect();
    let outdone = outdone(tried, observed, &fitting, &fitting);
    // If each is outdone by another, the log is like none where they differ, and nothing is decided.
    if outdone.len() < fitting.len() {
        mark(tried, outdone);
    }
    // What does not fit may still be near enough not to be excluded by itself.
    let fitting: Vec<usize> = (0..tried.len()).filter(|at| tried[*at].fits()).collect();
    let others: Vec<usize> = (0..tried.len()).filter(|at| !tried[*at].far_off && !tried[*at].fit.fits()).collect();
    let outdone = self::outdone(tried, observed, &others, &fitting);
    mark(tried, outdone);
}

/// Of some hypotheses those that are outdone, each with the causes by which.
fn outdone(tried: &[Tried], observed: &Measures, worse: &[usize], better: &[usize]) -> Vec<(usize, Vec<FaultClass>)> {
    let by = |worse: usize| {
        let differs = |better: &&usize| tried[**better].hypothesis.classes != tried[worse].hypothesis.classes;
        let better = better.iter().filter(differs).find(|better| rivals::outdoes(observed, &tried[**better].runs, &tried[worse].runs))?;
        Some((worse, tried[*better].hypothesis.classes.clone()))
    };
    worse.iter().filter_map(|worse| by(*worse)).collect()
}

fn mark(tried: &mut [Tried], outdone: Vec<(usize, Vec<FaultClass>)>) {
    for (at, by) in outdone {
        tried[at].outdone_by = Some(by);
    }
}

/// A log after its few first runs is so far from a twin that more of them would change nothing: farther than chance reaches in one of a
/// thousand logs, with as few runs as [`FIRST_RUNS`].
pub const FAR: f64 = 15.0;

/// How many runs a hypothesis gets before it is decided whether it gets the others.
pub const FIRST_RUNS: usize = 5;

/// How many runs a hypothesis gets: the fewest that can reject it at [`LEVEL`].
pub const RUNS: usize = 19;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::twin::measures::Measured;
    use FaultClass::{A, G, H};

    fn log(flapping: f64) -> Measures {
        Measures { aspects: [(Aspect::Flapping, Measured { value: flapping, resolution: 0.01 })].into(), windows: Vec::new() }
    }

    /// A hypothesis whose runs lie evenly between two shares of flapping jobs, and are compared with a log of which 30 % flap.
    fn tried(classes: &[FaultClass], named: bool, (from, to): (f64, f64)) -> Tried {
        let job = Estimate { class: A, best: Point::default(), likely: vec![Point::default(); LIKELY] };
        let hypothesis = Hypothesis { classes: classes.to_vec(), named, job, parts: Vec::new() };
        let runs = (0..RUNS).map(|run| log(from + (to - from) * run as f64 / (RUNS - 1) as f64)).collect();
        Tried::of(hypothesis, &log(0.3), runs)
    }

    /// The causes of those that fit, once needless pairs are out.
    fn fitting(mut all: Vec<Tried>) -> Vec<Vec<FaultClass>> {
        compare(&mut all, &log(0.3));
        drop_needless(&mut all);
        all.iter().filter(|tried| tried.fits()).map(|tried| tried.hypothesis.classes.clone()).collect()
    }

    #[test]
    fn a_second_cause_is_not_added_for_being_a_bit_nearer() {
        let (near, far, pair) = ((0.09, 0.23), (0.0, 0.02), (0.15, 0.45));
        assert!(!tried(&[A], true, near).fits(), "by itself it is rejected");
        assert_eq!(fitting(vec![tried(&[A], true, near), tried(&[A, G], false, pair)]), Vec::<Vec<FaultClass>>::new());
        // Where neither can be it by itself, two are what explains it.
        let both = vec![tried(&[A], true, far), tried(&[G], false, far), tried(&[A, G], false, pair)];
        assert_eq!(fitting(both), [vec![A, G]]);
        // What the diagnosis names is not taken out for one of two being near.
        assert_eq!(fitting(vec![tried(&[A], true, near), tried(&[A, H], true, pair)]), [vec![A, H]]);
    }
}
