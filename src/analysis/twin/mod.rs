//! The twin: whether a cause explains a log, by comparing the log with runs of the reference service that has this cause.
//!
//! In go a log and its diagnosis; out come [`Hypothesis`]es, each a cause with the settings of the reference service that would show it.
//! Somebody else runs them (this room touches no service) and hands back what was measured of each run; out comes a [`Twin`], which says
//! which hypotheses fit, with one test of known error, and what the others do not explain.

mod aspects;
mod estimate;
mod fit;
mod law;
mod picture;
mod rows;
mod strength;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::diagnosis::Diagnosis;
use crate::analysis::scan::Scans;
use crate::analysis::twin::estimate::{ESTIMATORS, Evidence, job};
use crate::analysis::twin::law::{LIKELY, written};
use crate::analysis::twin::rows::rows;
use crate::model::fault::FaultClass;
use crate::model::run::Journal;

pub use crate::analysis::twin::aspects::{Aspect, Measures};
pub use crate::analysis::twin::estimate::{Estimate, Point, Value};
pub use crate::analysis::twin::fit::{Fit, LEVEL, Misfit};
pub use crate::analysis::twin::law::Law;
pub use crate::analysis::twin::picture::{AgeRow, Beside, Picture, SeenRow};

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
    let rows = rows(&histories);
    let evidence = Evidence { journal, rows: &rows };
    let job = job(&evidence);
    let named: BTreeSet<FaultClass> = diagnosis.causes.iter().map(|cause| cause.class).collect();
    let possible: BTreeSet<FaultClass> = diagnosis
        .causes
        .iter()
        .flat_map(|cause| cause.or.iter().copied())
        .chain(diagnosis.patterns.iter().flat_map(|pattern| pattern.possible().iter().copied()))
        .collect();
    let alone = |estimate: Estimate| Hypothesis {
        classes: vec![estimate.class],
        named: named.contains(&estimate.class),
        job: job.clone(),
        parts: vec![estimate],
    };
    let mut all: Vec<Hypothesis> = ESTIMATORS.iter().flat_map(|(_, estimator)| estimator(&evidence)).map(alone).collect();
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
    let rows = rows(&histories);
    Hypothesis { classes: Vec::new(), named: false, job: job(&Evidence { journal, rows: &rows }), parts: Vec::new() }
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
}

impl Tried {
    /// Compares a log with the runs of a hypothesis.
    pub fn of(hypothesis: Hypothesis, observed: &Measures, runs: Vec<Measures>) -> Tried {
        let fit = Fit::of(observed, &runs.iter().collect::<Vec<_>>());
        Tried { hypothesis, runs, fit, far_off: false }
    }

    /// Whether it may be what was observed.
    pub fn fits(&self) -> bool {
        !self.far_off && self.fit.fits()
    }
}

/// A log after its few first runs is so far from a twin that more of them would change nothing: farther than chance reaches in one of a
/// thousand logs, with as few runs as [`FIRST_RUNS`].
pub const FAR: f64 = 15.0;

/// How many runs a hypothesis gets before it is decided whether it gets the others.
pub const FIRST_RUNS: usize = 5;

/// How many runs a hypothesis gets: the fewest that can reject it at [`LEVEL`].
pub const RUNS: usize = 19;

/// What a log's twins say of it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Twin {
    /// What follows.
    pub answer: Answer,
    /// The hypotheses, the best first.
    pub candidates: Vec<Candidate>,
    /// Causes that the diagnosis names and that have no twin.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub untried: Vec<FaultClass>,
    /// Which further polls would tell two that fit apart.
    pub separation: Option<Separation>,
    /// The log beside the best of its twins.
    pub picture: Option<Picture>,
    /// Whether a service without the fault, asked in the same way, denied anything; `None`: it was not run.
    pub healthy_denies: Option<bool>,
}

/// What follows from the runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// One cause fits, and no other.
    OneFits,
    /// Several fit: the log does not decide between them.
    SeveralFit,
    /// No known cause fits.
    NoneFits,
    /// None fits of the causes that have a twin; the diagnosis names another.
    NotSimulated,
    /// The log cannot be replayed: it is a recording, whose polls follow no plan.
    Recording,
    /// The log cannot be replayed: it was put together from several that ran at the same time.
    Merged,
    /// The log is too long to be replayed in a few seconds.
    TooLong,
}

impl Answer {
    /// Whether twins were run.
    pub fn was_run(self) -> bool {
        matches!(self, Answer::OneFits | Answer::SeveralFit | Answer::NoneFits | Answer::NotSimulated)
    }
}

/// A hypothesis and how it fared.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Candidate {
    /// Its causes.
    pub classes: Vec<FaultClass>,
    /// The settings on top of the preset `sound`.
    pub settings: Vec<Setting>,
    /// Whether it fits.
    pub fits: bool,
    /// Whether it was so far off that it was given up after a few runs.
    pub far_off: bool,
    /// The comparison; `None`: it was not run.
    pub fit: Option<Fit>,
}

/// One knob of the reference service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Setting {
    /// Its name.
    pub knob: &'static str,
    /// The best value, as `--set` takes it.
    pub value: String,
    /// What is likely of it: of a law the median.
    #[serde(flatten)]
    pub likely: Option<Likely>,
    /// Whether it says how long a job takes rather than what is wrong.
    pub is_of_job: bool,
}

/// The limits of what is likely.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Likely {
    /// The smallest.
    pub from: String,
    /// The largest.
    pub to: String,
}

/// Which polls would tell two hypotheses apart.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Separation {
    /// The causes of the one.
    pub one: Vec<FaultClass>,
    /// The causes of the other.
    pub other: Vec<FaultClass>,
    /// The scenario in which they differ most; `None`: they differ in what all scenarios show together.
    pub scenario: Option<String>,
    /// What differs there.
    pub aspect: Aspect,
    /// How many times as many jobs tell them apart in nine of ten runs.
    pub times: f64,
}

impl Twin {
    /// A log that is not replayed, with what was estimated of it all the same.
    pub fn not_run(why: Answer, hypotheses: &[Hypothesis]) -> Twin {
        let candidate = |hypothesis: &Hypothesis| Candidate {
            classes: hypothesis.classes.clone(),
            settings: hypothesis.settings(),
            fits: false,
            far_off: false,
            fit: None,
        };
        let worth = hypotheses.iter().filter(|hypothesis| hypothesis.named);
        Twin {
            answer: why,
            candidates: worth.map(candidate).collect(),
            untried: Vec::new(),
            separation: None,
            picture: None,
            healthy_denies: None,
        }
    }

    /// What follows from the hypotheses that were run.
    pub fn of(journal: &Journal, observed: &Measures, mut tried: Vec<Tried>, untried: Vec<FaultClass>, healthy: &Measures) -> Twin {
        let rank = |tried: &Tried| (!tried.fits(), tried.far_off);
        // Of what fits, the fewest causes first; among equals what was named, and then what is nearest.
        tried.sort_by(|a, b| {
            (rank(a), a.hypothesis.classes.len() * usize::from(a.fits()), !a.hypothesis.named)
                .cmp(&(rank(b), b.hypothesis.classes.len() * usize::from(b.fits()), !b.hypothesis.named))
                .then(a.fit.distance.total_cmp(&b.fit.distance))
        });
        let fitting: Vec<&Tried> = tried.iter().filter(|tried| tried.fits()).collect();
        let fewest = fitting.first().map_or(0, |tried| tried.hypothesis.classes.len());
        // More causes than are needed explain it as well, of course.
        let equals: Vec<&Tried> = fitting.into_iter().filter(|tried| tried.hypothesis.classes.len() == fewest).collect();
        let different: BTreeSet<&[FaultClass]> = equals.iter().map(|tried| tried.hypothesis.classes.as_slice()).collect();
        let answer = match different.len() {
            0 if !untried.is_empty() => Answer::NotSimulated,
            0 => Answer::NoneFits,
            1 => Answer::OneFits,
            _ => Answer::SeveralFit,
        };
        let rival = equals.iter().find(|tried| tried.hypothesis.classes != equals[0].hypothesis.classes);
        let separation = rival.and_then(|rival| separation(journal, equals[0], rival));
        let picture = tried.first().map(|best| Picture::of(observed, &best.runs));
        let mut seen: BTreeSet<Vec<FaultClass>> = BTreeSet::new();
        let candidates = tried
            .iter()
            // Of the ways in which one cause may arise, the best stands for it.
            .filter(|tried| seen.insert(tried.hypothesis.classes.clone()))
            .map(|tried| Candidate {
                classes: tried.hypothesis.classes.clone(),
                settings: tried.hypothesis.settings(),
                fits: tried.fits(),
                far_off: tried.far_off,
                fit: Some(tried.fit.clone()),
            })
            .collect();
        Twin { answer, candidates, untried, separation, picture, healthy_denies: Some(healthy.denies()) }
    }

    /// The candidates that fit with as few causes as possible.
    pub fn fitting(&self) -> impl Iterator<Item = &Candidate> {
        let fewest = self.candidates.first().map_or(0, |best| best.classes.len());
        self.candidates.iter().filter(move |candidate| candidate.fits && candidate.classes.len() == fewest)
    }

    /// Takes into a diagnosis what the twins say of its strengths.
    pub fn weigh(&self, diagnosis: &mut Diagnosis) {
        strength::weigh(self, diagnosis);
    }
}

/// Where two hypotheses differ most, in standard deviations of their runs.
fn separation(journal: &Journal, one: &Tried, other: &Tried) -> Option<Separation> {
    let values = |tried: &Tried, aspect: Aspect| -> Vec<f64> {
        tried.runs.iter().filter_map(|run| run.aspects.get(&aspect)).map(|measured| measured.value).collect()
    };
    let mean_and_variance = |values: &[f64]| {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        (mean, values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64)
    };
    let aspects: BTreeSet<Aspect> = one.runs.iter().flat_map(|run| run.aspects.keys().copied()).collect();
    let (aspect, effect) = aspects
        .into_iter()
        .filter_map(|aspect| {
            let (a, b) = (values(one, aspect), values(other, aspect));
            if a.len() < FIRST_RUNS || b.len() < FIRST_RUNS {
                return None;
            }
            let resolution =
                one.runs.iter().filter_map(|run| run.aspects.get(&aspect)).map(|measured| measured.resolution).fold(0.0, f64::max);
            let ((a, in_a), (b, in_b)) = (mean_and_variance(&a), mean_and_variance(&b));
            Some((aspect, (a - b).abs() / (f64::midpoint(in_a, in_b) + resolution * resolution).sqrt()))
        })
        .max_by(|a, b| a.1.total_cmp(&b.1))?;
    // What hardly differs is no way to tell them apart.
    if effect < 0.5 {
        return None;
    }
    let scenario = match aspect {
        Aspect::Denied { scenario, .. } | Aspect::Growth { scenario } => {
            journal.scenarios.get(scenario as usize).map(|scenario| scenario.name.clone())
        }
        _ => None,
    };
    // One-sided 5 % and a power of 90 %: 1.645 and 1.282 standard deviations apart, which shrink with the root of the jobs.
    let times = ((1.645 + 1.282) / effect).powi(2).max(1.0);
    Some(Separation { one: one.hypothesis.classes.clone(), other: other.hypothesis.classes.clone(), scenario, aspect, times })
}
