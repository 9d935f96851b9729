//! Runs the twins of a log: the reference service with the fault that the log may have, under the plan that was executed, on virtual time.
//!
//! Everything is decided in `analysis::twin`; this runs what it asks for. It is a function of the log, its seed included: the same log
//! has the same twins, wherever and whenever they are run, on however many processors. Threads of their own run them when probing is over.

mod excerpt;
mod replay;
mod round_trips;
#[cfg(test)]
mod tests;

use std::ops::Range;

use crate::analysis::as_meant;
use crate::analysis::twin::{
    Answer, FAR, FIRST_RUNS, Hypothesis, Measures, RUNS, Tried, Twin, compare, drop_needless, healthy, hypotheses, pairs, untried,
};
use crate::model::fault::FaultClass;
use crate::model::run::Journal;
use crate::model::shard::Share;
use crate::run::twin::excerpt::Excerpt;
use crate::run::twin::replay::Replay;
use crate::run::{Concluded, in_parallel};

/// A log of more exchanges is not replayed: to estimate its settings takes too long, and each scenario of it has more than is ever replayed.
const MOST_EXCHANGES: usize = 300_000;

/// How many exchanges are replayed in all before pairs of causes are left out.
const BUDGET: usize = 250_000;

/// Whether twins are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Twins {
    Run,
    LeftOut,
}

/// What is being tried, for people who watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trying {
    /// The causes of the twin.
    pub classes: Vec<FaultClass>,
    /// Which of them this is, from 1.
    pub place: usize,
    /// How many there are by now.
    pub of: usize,
}

impl Concluded {
    /// The same with what its twins say, and the strengths of causes that follow from it. `note` hears what is being tried.
    #[must_use]
    pub fn with_twin(mut self, note: impl Fn(&Trying) + Sync) -> Concluded {
        if let Some(twin) = twin(&as_meant(&self.journal), &self.analysis, &note) {
            twin.weigh(&mut self.analysis.diagnosis);
            self.analysis.twin = Some(twin);
        }
        self
    }
}

/// The twins of a log; `None` where there is nothing to be explained.
fn twin(journal: &Journal, analysis: &crate::analysis::Analysis, note: &(impl Fn(&Trying) + Sync)) -> Option<Twin> {
    let diagnosis = &analysis.diagnosis;
    if diagnosis.causes.is_empty() && diagnosis.patterns.is_empty() {
        return None;
    }
    let hypotheses = hypotheses(journal, diagnosis);
    let why_not = match () {
        () if journal.run.recording.is_some() => Some(Answer::Recording),
        () if matches!(journal.run.shard, Some(Share::Merged(_))) => Some(Answer::Merged),
        () if journal.exchanges.len() > MOST_EXCHANGES => Some(Answer::TooLong),
        () => None,
    };
    // A shard did a part of a plan that only all of them did.
    if hypotheses.is_empty() || matches!(journal.run.shard, Some(Share::Shard(_))) {
        return None;
    }
    if let Some(why) = why_not {
        return Some(Twin::not_run(why, &hypotheses));
    }
    let without = untried(diagnosis, &hypotheses);
    // A paused clock needs a runtime of its own, which cannot be entered from inside another.
    std::thread::scope(|scope| {
        let all = scope.spawn(|| try_all(journal, hypotheses, without, note)).join();
        // A panic in there is a bug of ours, and is passed on.
        all.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn try_all(journal: &Journal, hypotheses: Vec<Hypothesis>, untried: Vec<FaultClass>, note: &(impl Fn(&Trying) + Sync)) -> Option<Twin> {
    let excerpt = Excerpt::of(journal);
    let cut = excerpt.cut(journal);
    let observed = Measures::of(&cut);
    let replay = Replay::of(&cut, &excerpt);
    let healthy = replay.run(&healthy(journal).best(), 0)?;
    let mut tried: Vec<Tried> = Vec::new();
    let mut spent = 0;
    let mut of = hypotheses.len();
    let mut waiting = hypotheses;
    loop {
        let outcomes = try_each(&replay, &observed, std::mem::take(&mut waiting), |after, hypothesis| {
            note(&Trying { classes: hypothesis.classes.clone(), place: of - after, of });
        });
        spent += outcomes.iter().map(|tried| tried.runs.len()).sum::<usize>() * cut.exchanges.len();
        tried.extend(outcomes);
        compare(&mut tried, &observed);
        drop_needless(&mut tried);
        let is_open = !tried.iter().any(Tried::fits) && tried.iter().all(|tried| tried.hypothesis.classes.len() == 1);
        if !is_open || spent > BUDGET {
            break;
        }
        waiting = pairs(&tried);
        of += waiting.len();
        if waiting.is_empty() {
            break;
        }
    }
    (!tried.is_empty()).then(|| Twin::of(journal, &observed, tried, untried, &healthy))
}

/// Runs hypotheses: each a few times, and as often as a rejection needs unless it is far off by then. Those are left out whose settings the
/// reference service refuses. Runs know nothing of each other, so that they can be made at the same time. `begins` hears which hypothesis is
/// begun, and how many come after it.
fn try_each(
    replay: &Replay<'_>,
    observed: &Measures,
    hypotheses: Vec<Hypothesis>,
    begins: impl Fn(usize, &Hypothesis) + Sync,
) -> Vec<Tried> {
    let after = |at: usize| hypotheses.len() - 1 - at;
    let all: Vec<usize> = (0..hypotheses.len()).collect();
    let first = run_each(replay, &hypotheses, &all, 0..FIRST_RUNS, |at| begins(after(at), &hypotheses[at]));
    let mut runs: Vec<Option<Vec<Measures>>> = first;
    let far_off: Vec<bool> = hypotheses
        .iter()
        .zip(&runs)
        .map(|(hypothesis, runs)| {
            let is_far = |runs: &Vec<Measures>| Tried::of(hypothesis.clone(), observed, runs.clone()).fit.distance > FAR;
            !hypothesis.named && runs.as_ref().is_some_and(is_far)
        })
        .collect();
    let near: Vec<usize> = all.into_iter().filter(|at| !far_off[*at] && runs[*at].is_some()).collect();
    for (at, more) in near.iter().zip(run_each(replay, &hypotheses, &near, FIRST_RUNS..RUNS, |_| {})) {
        runs[*at] = runs[*at].take().zip(more).map(|(first, more)| [first, more].concat());
    }
    let tried = hypotheses.into_iter().zip(runs).zip(far_off);
    tried.filter_map(|((hypothesis, runs), far_off)| Some(Tried { far_off, ..Tried::of(hypothesis, observed, runs?) })).collect()
}

/// What was measured of these runs of some of the hypotheses; `None` where a run was refused.
fn run_each(
    replay: &Replay<'_>,
    hypotheses: &[Hypothesis],
    which: &[usize],
    runs: Range<usize>,
    begins: impl Fn(usize) + Sync,
) -> Vec<Option<Vec<Measures>>> {
    let each = || which.iter().flat_map(|at| runs.clone().map(move |run| (*at, run)));
    let mut measured = in_parallel(&each().collect::<Vec<_>>(), None, |(at, run)| {
        if *run == 0 {
            begins(*at);
        }
        replay.run(&hypotheses[*at].likely(*run), run + 1)
    })
    .into_iter();
    which.iter().map(|_| measured.by_ref().take(runs.len()).collect::<Vec<_>>().into_iter().collect()).collect()
}
