//! Runs the twins of a log: the reference service with the fault that the log may have, under the plan that was executed, on virtual time.
//!
//! Everything is decided in `analysis::twin`; this runs what it asks for. It is a function of the log, its seed included: the same log
//! has the same twins, wherever and whenever they are run. A thread of its own runs them, one after the other, when probing is over.

mod excerpt;
mod replay;
mod round_trips;
#[cfg(test)]
mod tests;

use crate::analysis::as_meant;
use crate::analysis::twin::{
    Answer, FAR, FIRST_RUNS, Hypothesis, Measures, RUNS, Tried, Twin, compare, healthy, hypotheses, pairs, untried,
};
use crate::model::fault::FaultClass;
use crate::model::run::Journal;
use crate::model::shard::Share;
use crate::run::Concluded;
use crate::run::twin::excerpt::Excerpt;
use crate::run::twin::replay::Replay;

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
        for hypothesis in std::mem::take(&mut waiting) {
            note(&Trying { classes: hypothesis.classes.clone(), place: tried.len() + 1, of });
            let outcome = try_one(&replay, &observed, hypothesis);
            spent += outcome.as_ref().map_or(0, |tried| tried.runs.len()) * cut.exchanges.len();
            tried.extend(outcome);
        }
        compare(&mut tried, &observed);
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

/// Runs one hypothesis: a few times, and as often as a rejection needs unless it is far off by then. `None` where the reference service
/// refuses its settings.
fn try_one(replay: &Replay<'_>, observed: &Measures, hypothesis: Hypothesis) -> Option<Tried> {
    let mut runs = Vec::with_capacity(RUNS);
    for run in 0..FIRST_RUNS {
        runs.push(replay.run(&hypothesis.likely(run), run + 1)?);
    }
    let first = Tried::of(hypothesis, observed, runs);
    if first.fit.distance > FAR && !first.hypothesis.named {
        return Some(Tried { far_off: true, ..first });
    }
    let Tried { hypothesis, mut runs, .. } = first;
    for run in FIRST_RUNS..RUNS {
        runs.push(replay.run(&hypothesis.likely(run), run + 1)?);
    }
    Some(Tried::of(hypothesis, observed, runs))
}
