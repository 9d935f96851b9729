//! Scenarios against a target, or by turns against two: what is planned, and how it is carried out.

use std::sync::Arc;
use std::time::Duration;

use crate::log::storage::{LOG, OwnFolder};
use crate::model::run::{Capabilities, EndReason, Pair, Side};
use crate::model::scenario::{Action, Scenario, Then};
use crate::probe::{Halt, OnStrain, Probe};
use crate::run::contact::{asks_for_jobs, first_contact, held_up_by, problem};
use crate::run::gates::onward;
use crate::run::limits::{self, Limits};
use crate::run::paired::Second;
use crate::run::recording::{Drive, Recording, Sink};
use crate::run::second_opinion::{self, Bounds};
use crate::run::shard::{Place, as_shard, shared_first_n};
use crate::run::stop::interrupted;
use crate::run::{Concluded, Note, RunError, RunOptions, Session, window_after_gate};

/// A run that is about to begin.
pub struct PlannedRun {
    pub scenarios: Vec<Scenario>,
    /// Scenarios that a target's contract does not allow for, and why.
    pub left_out: Vec<(String, String)>,
    /// Jobs that it starts at most, in all shards and for both targets.
    pub jobs: u64,
    /// Those of them that first contact starts at one target.
    pub contacts: u64,
    /// After how long it ends in any case.
    pub time: Duration,
    options: RunOptions,
    limits: Limits,
    place: Option<Place>,
    session: Session,
    /// A second target, which is probed by turns.
    second: Option<Session>,
}

/// A run that has ended, and what it came to.
pub struct Finished {
    /// Nobody else writes into it for as long as this value lives.
    pub folder: OwnFolder,
    pub concluded: Concluded,
    pub reason: EndReason,
    /// The second target's.
    pub second: Option<(OwnFolder, Concluded)>,
}

impl Finished {
    /// Whether first contact kept it from working.
    pub fn was_held_up(&self) -> bool {
        problem(self.concluded.journal.run.contact.as_ref()).is_some()
    }
}

impl PlannedRun {
    /// Plans a run of these scenarios, or of one shard's share, within the limits. `budget`: after how long it ends in any case, where
    /// that was said.
    pub fn of(
        options: RunOptions,
        scenarios: Vec<Scenario>,
        session: Session,
        second: Option<Session>,
        place: Option<Place>,
        budget: Option<Duration>,
    ) -> PlannedRun {
        let mut limits = options.limits(&session);
        let (mut scenarios, mut left_out) = possible(scenarios, session.target.can());
        if let Some(second) = &second {
            limits = limits.stricter(options.limits(second));
            let (both, more_left_out) = possible(scenarios, second.target.can());
            scenarios = both;
            left_out.extend(more_left_out);
        }
        let scenarios = limits.apply(scenarios);
        let sides = if second.is_some() { 2 } else { 1 };
        // First contact asks each target for a job of its own, unless it is the reference service that the run starts.
        let contacts = if asks_for_jobs(&scenarios) && session.settings.is_none() { sides } else { 0 };
        let jobs = limits::planned_jobs(&scenarios) * sides + contacts;
        let time = budget.unwrap_or_else(|| limits::time_limit(&scenarios, limits.max_rps, options.max_wait));
        PlannedRun { scenarios, left_out, jobs, contacts: contacts / sides, time, options, limits, place, session, second }
    }

    /// Refuses a plan of more jobs than are allowed.
    pub fn check_jobs(&self) -> Result<(), RunError> {
        let whole = match (&self.second, self.place) {
            (Some(_), _) => "this run, with both targets,",
            (_, Some(_)) => "this run, with all its shards,",
            _ => "this run",
        };
        limits::allow_jobs(whole, self.jobs, self.options.max_jobs, "raise --max-jobs, name fewer scenarios, or lower --max-scans")
    }

    /// The scenarios that measure how long denials last, should its gates fail.
    pub fn windows(&self) -> Vec<Scenario> {
        if self.place.is_some() || self.is_paired() { Vec::new() } else { window_after_gate::possible(&self.scenarios, self.limits) }
    }

    /// What the target's contract allows for.
    pub fn can(&self) -> Capabilities {
        self.session.target.can()
    }

    /// Whether two targets are probed by turns.
    pub fn is_paired(&self) -> bool {
        self.second.is_some()
    }

    /// Requests per second at most. The limit is that of the whole run: each shard has its share.
    pub fn max_rps(&self) -> Option<f64> {
        self.limits.max_rps.map(|rps| rps / self.place.map_or(1.0, |place| f64::from(place.of)))
    }

    /// Stops what was started for it; nothing was sent.
    pub async fn cancel(self) {
        self.session.close().await;
        if let Some(second) = self.second {
            second.close().await;
        }
    }

    /// Carries it out, until its end, its time limit or Ctrl-C.
    pub async fn carry_out(self) -> Result<Finished, RunError> {
        let max_rps = self.max_rps();
        let PlannedRun { scenarios, options, place, session, second, time, limits, .. } = self;
        if scenarios.is_empty() {
            session.close().await;
            return Err(RunError::refused(
                "the target supports none of these scenarios",
                "describe more of it in the target file, or name other scenarios",
            ));
        }
        let mut header = session.header(options.seed, scenarios.clone(), options.command.clone());
        header.pair = second.as_ref().map(|_| Pair { id: header.run_id.clone(), side: Side::New });
        let shard = place.map(|place| as_shard(&mut header, place));
        if let Some(shard) = shard {
            session.trace_as_shard(options.seed, shard.index, &mut header);
        }
        header.allow.clone_from(&options.allow);
        let folder = options.destination.claim(&header.started, &session.name)?;
        let first_n = shard.map_or_else(|| session.first_n(), |_| shared_first_n(&session, options.seed));
        let restraint = options.restraint(options.max_jobs, OnStrain::GoOn);
        let jobs = restraint.jobs.clone();
        let probe = options.probe(max_rps, first_n, restraint);
        let mut second_contact = None;
        if asks_for_jobs(&scenarios) {
            // Below the numbers of the scans, and each shard its own.
            let n = first_n.saturating_sub(1 + 2 * shard.map_or(0, |shard| u64::from(shard.index)));
            header.contact = first_contact(&session, &options, &probe, n).await;
            if let Some(second) = &second {
                second_contact = first_contact(second, &options, &probe, n.saturating_sub(1)).await;
            }
        }
        if let Some(met) = problem(second_contact.as_ref()).filter(|_| problem(header.contact.as_ref()).is_none()) {
            header.contact = Some(held_up_by(met, header.contact.take()));
        }
        let held_up = problem(header.contact.as_ref()).is_some();
        if let Some(problem) = problem(header.contact.as_ref()) {
            options.note(Note::HeldUp(problem));
        }

        let scans = match shard {
            Some(shard) => shard.scans(&scenarios),
            None => scenarios.iter().map(|scenario| u64::from(scenario.load.scans)).sum(),
        };
        let log = options.destination.begin_log(&folder, &header)?;
        let (observer, witness) = (options.observer.clone(), options.observer.clone());
        let decide = onward(if second.is_some() { &[] } else { &scenarios }, shard);
        let drive = Drive {
            options: probe.clone(),
            trace: options.trace.clone(),
            events: Box::new(move |event| observer(Note::Event(event))),
            decide: Box::new(move |observation| {
                witness(Note::Observed(observation));
                decide(observation)
            }),
        };
        let recording = Recording::begin(&session, header, Sink::File { path: folder.join(LOG), log }, drive);
        let second =
            second.map(|second| Second::begin(second, &folder, &recording.header, &options, &probe, second_contact)).transpose()?;
        if !held_up {
            options.note(Note::Begins { run: &recording.header, scenarios: &scenarios, scans });
        }
        let run = async {
            if held_up {
                return EndReason::TargetGone;
            }
            let ran = async {
                match (&second, shard) {
                    (Some(second), _) => second.run_by_turns(&recording, &scenarios).await,
                    (None, Some(shard)) => recording.probe.run_shard(&scenarios, shard).await,
                    (None, None) => run_with_windows(&recording.probe, &scenarios, limits, &options).await,
                }
            };
            within(time, ran, &options).await
        };
        let reason = recording.until(interrupted(), Box::pin(run)).await;
        // A pair is compared with itself, and shards are parts.
        let recording = if second.is_none() && shard.is_none() {
            let bounds = Bounds { jobs, max_rps, timeout: options.timeout };
            let opinion = second_opinion::ask(&recording, &session, reason, bounds).await?;
            recording.with_second_opinion(opinion)
        } else {
            recording
        };
        options.note(Note::Ends);
        let concluded = recording.conclude(reason)?;
        session.close().await;
        let second = match second {
            Some(second) => Some(second.end(reason).await?),
            None => None,
        };
        Ok(Finished { folder, concluded, reason, second })
    }
}

/// Runs scenarios, and measures the windows of gates that stopped at their first denial.
async fn run_with_windows(probe: &Arc<Probe>, scenarios: &[Scenario], limits: Limits, options: &RunOptions) -> Result<(), Halt> {
    probe.run(scenarios).await?;
    for window in window_after_gate::scenarios(scenarios, &probe.recorder().stops(), limits) {
        options.note(Note::Measures(&window));
        probe.run_also(std::slice::from_ref(&window)).await?;
    }
    Ok(())
}

/// Runs to the end, or until its time is over.
pub(super) async fn within(time: Duration, run: impl Future<Output = Result<(), Halt>>, options: &RunOptions) -> EndReason {
    match tokio::time::timeout(time, run).await {
        Ok(Ok(())) => EndReason::Complete,
        Ok(Err(halt)) => {
            options.note(Note::Halted(halt));
            halt.reason()
        }
        Err(_) => EndReason::Budget,
    }
}

/// Why a scenario's later write cannot be sent.
fn no_such_write(then: &Then, can: Capabilities) -> Option<&'static str> {
    match then.action {
        Action::Cancel if !can.cancel => Some("the target file has no [cancel]"),
        Action::Update if !can.update => Some("the target file has no [update]"),
        Action::Delete if !can.delete => Some("the target file has no [delete]"),
        _ => None,
    }
}

/// The scenarios that the target's contract allows for, and why the others are left out.
pub(super) fn possible(scenarios: Vec<Scenario>, can: Capabilities) -> (Vec<Scenario>, Vec<(String, String)>) {
    let mut left_out = Vec::new();
    let kept = scenarios
        .into_iter()
        .filter(|scenario| {
            let polls = scenario.arms.iter().any(|arm| !arm.offsets.is_empty() || arm.follow.is_some());
            let only_foreign = !polls && scenario.load.scans > 0 && !scenario.controls.foreign_user.is_empty();
            let why = if only_foreign && !can.foreign_user {
                "the target file has no [users.foreign], so isolation is not assessed"
            } else if let Some(why) = scenario.then.as_ref().and_then(|then| no_such_write(then, can)) {
                why
            } else {
                return true;
            };
            left_out.push((scenario.name.clone(), why.to_owned()));
            false
        })
        .collect();
    (kept, left_out)
}
