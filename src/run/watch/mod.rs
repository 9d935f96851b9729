//! A watch: a small scenario again and again, each round a run of its own, the last rounds judged together.
//!
//! The caller asks for one step after the other, and does with each what it likes: between two steps nothing goes on but time.

mod logs;

pub use logs::{FOLDER, Logs, NotedChange};

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::watch::Receiver;
use tokio::time::Instant;

use crate::log::{LogWriter, StorageError, storage};
use crate::model::answer::Answer;
use crate::model::contact::Contact;
use crate::model::exchange::{Exchange, Kind};
use crate::model::run::{Capabilities, EndReason, Run};
use crate::model::scenario::Scenario;
use crate::probe::OnStrain;
use crate::run::contact::{asks_for_jobs, first_contact, problem};
use crate::run::gates::onward;
use crate::run::limits::{self, Limits};
use crate::run::planned::{possible, within};
use crate::run::recording::{Drive, Recording, Sink};
use crate::run::second_opinion::{self, Bounds};
use crate::run::{Concluded, Note, RunError, RunOptions, Session, now};
use crate::verdict::Verdict;
use crate::verdict::rolling::{Change, Outcome, RollingVerdict, Round, Rules};

/// What a watch repeats, how often and for how long.
#[derive(Clone)]
pub struct WatchOptions {
    /// Each round's; its command repeats one round, but for the seed.
    pub run: RunOptions,
    /// From the beginning of one round to that of the next.
    pub every: Duration,
    /// Begins no more rounds after this time.
    pub lasting: Option<Duration>,
    /// Ends after so many rounds.
    pub rounds: Option<u64>,
    pub rules: Rules,
    /// Logs that are kept beside those of changes.
    pub keep_logs: usize,
}

/// A watch that goes on.
pub struct Watch {
    pub scenarios: Vec<Scenario>,
    /// Scenarios that the target's contract does not allow for, and why.
    pub left_out: Vec<(String, String)>,
    /// Jobs that a round starts at most.
    pub jobs: u64,
    /// After how long a round ends in any case.
    pub time: Duration,
    /// When it began, RFC 3339.
    pub began: String,
    pub rolling: RollingVerdict,
    options: WatchOptions,
    limits: Limits,
    session: Session,
    clock: Instant,
    first_n: u64,
    contact: Option<Contact>,
    begun: u64,
    scans: u64,
    next: Instant,
}

/// What a step of a watch came to. `V` is what the caller makes of a log.
pub enum Step<V> {
    /// A round that was measured, or could not be.
    Round(Box<JudgedRound<V>>),
    /// First contact keeps the watch from working.
    HeldUp(V),
    /// It was stopped during a round: the rounds that were judged together, or this one.
    Interrupted(V),
    /// It was stopped between two rounds.
    Stopped,
    /// All rounds are done.
    Over,
}

/// A round, and what it did to the rolling verdict.
pub struct JudgedRound<V> {
    pub number: u64,
    /// When it began, counted from the beginning of the watch.
    pub began: Duration,
    pub log: PathBuf,
    pub outcome: Outcome,
    /// The round alone.
    pub alone: V,
    /// The rounds that are judged together; `None` where there are none, or the target is lost.
    pub together: Option<V>,
    pub change: Option<Change>,
}

impl Watch {
    /// Plans a watch; nothing is sent yet.
    pub fn of(options: WatchOptions, scenarios: Vec<Scenario>, session: Session) -> Watch {
        let (scenarios, left_out) = possible(scenarios, session.target.can());
        let limits = options.run.limits(&session);
        let scenarios = limits.apply(scenarios);
        let clock = Instant::now();
        Watch {
            jobs: limits::planned_jobs(&scenarios),
            time: limits::time_limit(&scenarios, limits.max_rps, options.run.max_wait),
            scenarios,
            left_out,
            began: session.header(options.run.seed, Vec::new(), String::new()).started,
            rolling: RollingVerdict::new(options.rules),
            first_n: session.first_n(),
            options,
            limits,
            session,
            clock,
            contact: None,
            begun: 0,
            scans: 0,
            next: clock,
        }
    }

    /// Refuses a round that has nothing to do, or starts more jobs than are allowed.
    pub fn check(&self) -> Result<(), RunError> {
        if self.scenarios.is_empty() {
            return Err(RunError::refused(
                "the target supports none of these scenarios",
                "describe more of it in the target file, or name others",
            ));
        }
        let hint = "raise --max-jobs, or lower --max-scans or load.scans in the scenario";
        limits::allow_jobs("a round", self.jobs, self.options.run.max_jobs, hint)
    }

    /// Requests per second at most.
    pub fn max_rps(&self) -> Option<f64> {
        self.limits.max_rps
    }

    /// What the target's contract allows for.
    pub fn can(&self) -> Capabilities {
        self.session.target.can()
    }

    /// Jobs that first contact starts, before the first round.
    pub fn contact_jobs(&self) -> u64 {
        u64::from(asks_for_jobs(&self.scenarios) && self.session.settings.is_none())
    }

    /// The header of its rounds, but for what is a round's own.
    pub fn header(&self) -> Run {
        self.session.header(self.options.run.seed, Vec::new(), String::new())
    }

    /// Its folder, created and locked. A watch goes on where an earlier one with the same folder ended.
    pub fn logs(&self) -> Result<Logs, RunError> {
        let folder = self.options.run.destination.claim(&self.began, &format!("watch-{}", self.session.name))?;
        Ok(Logs::open(folder, self.options.keep_logs)?)
    }

    /// Stops what was started for it.
    pub async fn close(self) {
        self.session.close().await;
    }

    /// What the target answers before the first round. What may pass by itself, such as a target that is down, is what a watch looks
    /// at, and ends none. Whether it is to go on: it may have been stopped meanwhile.
    pub async fn first_contact(&mut self, stopping: &mut Receiver<bool>) -> bool {
        if !asks_for_jobs(&self.scenarios) {
            return true;
        }
        let run = &self.options.run;
        // The limit is each round's; the one job of first contact is beside them.
        let options = run.probe(self.limits.max_rps, self.first_n, run.restraint(None, OnStrain::GoOn));
        let asked = first_contact(&self.session, run, &options, self.first_n.saturating_sub(1));
        let mut contact = if self.session.clock.is_virtual() {
            asked.await
        } else {
            tokio::select! {
                contact = asked => contact,
                () = stopped(stopping) => return false,
            }
        };
        if let Some(problem) = contact.as_mut().and_then(|contact| contact.problem.take_if(|problem| problem.may_pass)) {
            run.note(Note::HeldUp(&problem));
        }
        self.contact = contact;
        true
    }

    /// Waits for the next round, runs it, and judges it. `view` makes of a log what the caller shows.
    pub async fn next<V>(
        &mut self,
        logs: &mut Logs,
        stopping: &mut Receiver<bool>,
        view: impl Fn(&Concluded) -> V,
    ) -> Result<Step<V>, RunError> {
        if self.begun > 0 {
            self.next = (self.next + self.options.every).max(Instant::now());
            let over = self.options.rounds.is_some_and(|rounds| self.begun >= rounds)
                || self.options.lasting.is_some_and(|lasting| self.next.duration_since(self.clock) >= lasting);
            if over {
                return Ok(Step::Over);
            }
            tokio::select! {
                () = tokio::time::sleep_until(self.next) => {}
                () = stopped(stopping) => return Ok(Step::Stopped),
            }
        }
        self.begun += 1;
        let began = self.clock.elapsed();
        let (log, concluded, reason) = self.round(began, logs, stopping).await?;
        let alone = view(&concluded);
        if problem(self.contact.as_ref()).is_some() {
            return Ok(Step::HeldUp(alone));
        }
        // A path at which a job was visible exists, whatever happens to later ones.
        if let Some(contact) = self.contact.as_mut().filter(|_| concluded.journal.exchanges.iter().any(is_visible_poll)) {
            contact.unrouted = None;
        }
        if reason == EndReason::Interrupted {
            let together = self.rolling.window().filter(|_| !self.rolling.is_lost());
            return Ok(Step::Interrupted(together.map_or(alone, |window| view(&Concluded::of(window)))));
        }
        self.scans += self.scenarios.iter().map(|scenario| u64::from(scenario.load.scans)).sum::<u64>();
        let outcome = Outcome::of(&concluded.judgement);
        self.rolling.take(Round { began, journal: concluded.journal, outcome });
        let window = self.rolling.window().map(Concluded::of);
        let change = self.rolling.settle(window.as_ref().map(|window| window.judgement.verdict));
        // A target that is lost is told of by the round that lost it.
        let together = window.filter(|_| !self.rolling.is_lost()).map(|window| view(&window));
        let round = JudgedRound { number: logs.number(), began, log, outcome, alone, together, change };
        Ok(Step::Round(Box::new(round)))
    }

    /// One round: a log from its first line to its last, read back and judged.
    async fn round(
        &mut self,
        began: Duration,
        logs: &mut Logs,
        stopping: &mut Receiver<bool>,
    ) -> Result<(PathBuf, Concluded, EndReason), RunError> {
        self.session.clock = self.session.new_clock()?;
        let seed = self.options.run.seed.wrapping_add(self.begun - 1);
        let run = RunOptions { seed, ..self.options.run.clone() };
        let mut header = self.session.header(seed, self.scenarios.clone(), format!("{} --seed {seed}", run.command));
        header.started = self.wall_clock(began);
        header.allow.clone_from(&run.allow);
        header.contact.clone_from(&self.contact);
        let path = logs.next()?;
        let log = LogWriter::begin(Box::new(storage::create(&path)?), &header).map_err(|error| StorageError::recording(&path, error))?;
        // Each round is a run of its own, with the whole limit.
        let restraint = run.restraint(run.max_jobs, OnStrain::GoOn);
        let jobs = restraint.jobs.clone();
        let drive = Drive {
            options: run.probe(self.limits.max_rps, self.first_n + self.scans, restraint),
            trace: run.trace.clone(),
            events: Box::new(|_| {}),
            decide: onward(&self.scenarios, None),
        };
        let recording = Recording::begin(&self.session, header, Sink::File { path: path.clone(), log }, drive);
        let held_up = problem(self.contact.as_ref()).is_some();
        let work = async {
            if held_up {
                return EndReason::TargetGone;
            }
            within(self.time, recording.probe.run(&self.scenarios), &run).await
        };
        let reason = recording.until(stopped(stopping), work).await;
        // Once a failure stands, further rounds need no second opinion.
        let recording = if self.rolling.verdict() == Some(Verdict::Fail) {
            recording
        } else {
            let bounds = Bounds { jobs, max_rps: self.limits.max_rps, timeout: run.timeout };
            let opinion = second_opinion::ask(&recording, &self.session, reason, bounds).await?;
            recording.with_second_opinion(opinion)
        };
        let concluded = recording.conclude(reason)?;
        logs.ended(&path)?;
        Ok((path, concluded, reason))
    }

    /// The wall clock so long after the beginning: that of the machine, or the one that virtual time pretends.
    fn wall_clock(&self, since_began: Duration) -> String {
        let virtual_clock = || Some((self.began.parse::<jiff::Timestamp>().ok()? + since_began).to_string());
        if self.session.clock.is_virtual() { virtual_clock().unwrap_or_else(now) } else { now() }
    }
}

impl<V> JudgedRound<V> {
    /// What is shown of the watch after this round.
    pub fn shown(&self) -> &V {
        self.together.as_ref().unwrap_or(&self.alone)
    }

    /// Whether the round made the verdict fail.
    pub fn turned_to_fail(&self) -> bool {
        self.change.is_some_and(|change| change.is == Verdict::Fail)
    }
}

fn is_visible_poll(exchange: &Exchange) -> bool {
    exchange.kind == Kind::Poll && exchange.answer == Answer::Visible
}

/// Until somebody wants it to stop.
async fn stopped(stopping: &mut Receiver<bool>) {
    if stopping.wait_for(|stop| *stop).await.is_err() {
        // On virtual time there is nobody who could.
        std::future::pending::<()>().await;
    }
}
