//! What follows from the runs of all hypotheses.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::diagnosis::Diagnosis;
use crate::analysis::twin::fit::Fit;
use crate::analysis::twin::measures::Measures;
use crate::analysis::twin::picture::Picture;
use crate::analysis::twin::separation::{Separation, separation};
use crate::analysis::twin::{Hypothesis, Tried, strength};
use crate::model::fault::FaultClass;
use crate::model::run::Journal;

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
    /// The causes that explain the log better where the two differ, beyond chance, though this one by itself is not excluded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outdone_by: Option<Vec<FaultClass>>,
    /// The comparison; `None`: it was not run.
    pub fit: Option<Fit>,
}

impl Candidate {
    fn not_run(hypothesis: &Hypothesis) -> Candidate {
        Candidate {
            classes: hypothesis.classes.clone(),
            settings: hypothesis.settings(),
            fits: false,
            far_off: false,
            outdone_by: None,
            fit: None,
        }
    }

    /// Whether it cannot be the cause, by itself: it is far off, or another candidate explains the log better beyond chance.
    pub fn is_excluded(&self) -> bool {
        self.far_off || self.outdone_by.is_some() || self.fit.as_ref().is_some_and(Fit::excludes)
    }
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

impl Twin {
    /// A log that is not replayed, with what was estimated of it all the same.
    pub fn not_run(why: Answer, hypotheses: &[Hypothesis]) -> Twin {
        let worth = hypotheses.iter().filter(|hypothesis| hypothesis.named);
        Twin {
            answer: why,
            candidates: worth.map(Candidate::not_run).collect(),
            untried: Vec::new(),
            separation: None,
            picture: None,
            healthy_denies: None,
        }
    }

    /// What follows from the hypotheses that were run.
    pub fn of(journal: &Journal, observed: &Measures, mut tried: Vec<Tried>, untried: Vec<FaultClass>, healthy: &Measures) -> Twin {
        // Of what fits, the fewest causes first; among equals what was named, and then what is nearest.
        let rank = |tried: &Tried| {
            let causes = tried.hypothesis.classes.len() * usize::from(tried.fits());
            (!tried.fits(), tried.far_off, causes, !tried.hypothesis.named)
        };
        tried.sort_by(|a, b| rank(a).cmp(&rank(b)).then(a.fit.distance.total_cmp(&b.fit.distance)));
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
                fits: tried.fits(),
                far_off: tried.far_off,
                outdone_by: tried.outdone_by.clone(),
                fit: Some(tried.fit.clone()),
                ..Candidate::not_run(&tried.hypothesis)
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
