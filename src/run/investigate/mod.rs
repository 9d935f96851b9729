//! An investigation: what a target has, and why, in a minute. The plan is adaptive: what is asked next depends on what was found.

mod plan;
mod separate;
pub(super) mod steps;
#[cfg(test)]
mod tests;

pub use plan::Stage;
pub use steps::Progress;

use std::time::Duration;

use crate::analysis::diagnosis::Candidates;
use crate::log::storage::LOG;
use crate::model::run::{Capabilities, EndReason, Journal};
use crate::model::scenario::Scenario;
use crate::probe::{Decision, Jobs, OnStrain, Options, Restraint};
use crate::run::contact::{first_contact, problem};
use crate::run::limits::{INVESTIGATION_JOBS, Limits};
use crate::run::recording::{Drive, Recording, Sink};
use crate::run::second_opinion::{self, Bounds};
use crate::run::stop::interrupted;
use crate::run::twin::Twins;
use crate::run::{Finished, Note, RunError, RunOptions, Session};
use steps::Investigation;

/// What an investigation may do at most, before anything is known of its target.
pub(crate) struct Outline {
    pub limits: Limits,
    /// What the target's contract allows for.
    pub can: Capabilities,
    /// Whether a job is asked for before the first step.
    pub has_first_contact: bool,
    /// The most jobs that it starts.
    pub jobs: u64,
    /// For how long it is put off by 429.
    pub max_wait: Duration,
    /// Its steps, each with scenarios as large as they can be within the limits.
    pub steps: Vec<(Stage, Vec<Scenario>)>,
}

/// For how long a target may put an investigation off: no longer than half of its time.
fn max_wait(options: &RunOptions, budget: Duration) -> Duration {
    options.max_wait.min(budget / 2)
}

/// The steps, and the most that each of them may send.
pub(crate) fn outline(options: &RunOptions, session: &Session, budget: Duration) -> Outline {
    let limits = options.limits(session);
    let header = session.header(options.seed, Vec::new(), String::new());
    let journal = steps::empty(&header);
    let scenarios = |stage: Stage| limits.apply(stage.outline(&journal, session.target.can(), limits.max_rps));
    Outline {
        limits,
        can: session.target.can(),
        has_first_contact: session.settings.is_none(),
        jobs: u64::from(options.max_jobs.unwrap_or(INVESTIGATION_JOBS)),
        max_wait: max_wait(options, budget),
        steps: Stage::all(limits.max_rps).map(|stage| (stage, scenarios(stage))).collect(),
    }
}

/// How an investigation explains what it finds: which classes it considers, and whether it runs their twins to decide what to ask last.
#[derive(Debug, Clone)]
pub(crate) struct Explaining {
    pub(crate) candidates: Candidates,
    pub(crate) twins: Twins,
}

/// Investigates a target, until there is nothing left to ask, the budget is spent, or Ctrl-C.
pub(crate) async fn investigate(options: RunOptions, session: Session, budget: Duration, twins: Twins) -> Result<Finished, RunError> {
    let limits = options.limits(&session);
    let mut header = session.header(options.seed, Vec::new(), options.command.clone());
    let folder = options.destination.claim(&header.started, &session.name)?;
    let most = options.max_jobs.unwrap_or(INVESTIGATION_JOBS);
    let restraint = Restraint { max_wait: max_wait(&options, budget), ..options.restraint(Some(most), OnStrain::SlowDown) };
    let jobs = restraint.jobs.clone();
    // A limit that was named holds for all; the usual one leaves room for the second opinion.
    let for_second_opinion = match options.max_jobs {
        Some(_) => jobs.clone(),
        None => Jobs::at_most(Some(second_opinion::TRIES)),
    };
    let probe = options.probe(limits.max_rps, session.first_n(), restraint);
    header.contact = first_contact(&session, &options, &probe, probe.first_n.saturating_sub(1)).await;
    let held_up = problem(header.contact.as_ref()).is_some();
    if let Some(problem) = problem(header.contact.as_ref()) {
        options.note(Note::HeldUp(problem));
    }
    let log = options.destination.begin_log(&folder, &header)?;
    let (observer, witness) = (options.observer.clone(), options.observer.clone());
    let drive = Drive {
        trace: options.trace.clone(),
        events: Box::new(move |event| observer(Note::Event(event))),
        decide: Box::new(move |observation| {
            witness(Note::Observed(observation));
            Decision::Continue
        }),
        options: probe,
    };
    let recording = Recording::begin(&session, header, Sink::Followed { path: folder.join(LOG), log }, drive);
    let explaining = Explaining { candidates: Candidates::all(), twins };
    let investigation = Investigation { probe: &recording.probe, header: &recording.header, limits, jobs, budget, explaining };
    let note = |progress: &Progress| options.note(Note::Investigates { at: recording.probe.clock().now(), progress });
    if !held_up {
        options.note(Note::Begins { run: &recording.header, scenarios: &[], scans: 0 });
    }
    let run = async { if held_up { EndReason::TargetGone } else { investigation.run(note).await } };
    let reason = recording.until(interrupted(), run).await;
    let bounds = Bounds { jobs: for_second_opinion, max_rps: limits.max_rps, timeout: options.timeout };
    let opinion = second_opinion::ask(&recording, &session, reason, bounds).await?;
    options.note(Note::Ends);
    let concluded = recording.with_second_opinion(opinion).conclude(reason)?;
    session.close().await;
    Ok(Finished { folder, concluded, reason, second: None })
}

/// The same, recorded in memory alone and without limits of rate and scans.
pub async fn rehearse(session: &Session, options: Options, budget: Duration, note: impl Fn(&Progress)) -> Result<Journal, RunError> {
    let explaining = Explaining { candidates: Candidates::all(), twins: Twins::LeftOut };
    rehearse_among(session, options, budget, explaining, note).await
}

/// The same, with what it finds explained so.
pub(crate) async fn rehearse_among(
    session: &Session,
    options: Options,
    budget: Duration,
    explaining: Explaining,
    note: impl Fn(&Progress),
) -> Result<Journal, RunError> {
    let jobs = options.restraint.jobs.clone();
    let header = session.header(options.seed, Vec::new(), String::new());
    let recording = Recording::begin(session, header, Sink::Memory, Drive::plain(options));
    let limits = Limits { max_rps: None, max_scans: None };
    let reason = Investigation { probe: &recording.probe, header: &recording.header, limits, jobs, budget, explaining }.run(note).await;
    recording.end(reason)
}
