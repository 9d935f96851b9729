//! Runs scenarios against one target: what a run may ask for, how it ends, and what watchers hear of it.

mod assignment;
mod pairs;
mod scenario_run;
mod send;
mod sequence;
mod side_by_side;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::Rng;
use side_by_side::SideBySide;

use crate::model::answer::TransportFault;
use crate::model::exchange::{Exchange, Kind};
use crate::model::run::{EndReason, NotAsked};
use crate::model::scenario::Scenario;
use crate::model::shard::Shard;
use crate::model::time::Stamp;
use crate::probe::backlog::OpenJob;
use crate::probe::clock::Clock;
use crate::probe::jobs::{OnStrain, Restraint};
use crate::probe::pace::{Pace, Throttled};
use crate::probe::record::Recorder;
use crate::probe::session::Sessions;
use crate::probe::strain::{Signs, Strain};
use crate::probe::transport::Transport;
use crate::target::Target;

pub(crate) use scenario_run::ScenarioRun;

/// How a run is driven, apart from what its scenarios say.
#[derive(Debug, Clone)]
pub struct Options {
    /// The seed of all randomness.
    pub seed: u64,
    /// At most so many requests per second; `None` for no limit.
    pub max_rps: Option<f64>,
    /// The longest that one exchange may take.
    pub timeout: Duration,
    /// The number that the first scan carries in its request: numbers must not come back in the next run, or a service that
    /// remembers its requests would answer from memory.
    pub first_n: u64,
    /// What keeps it from asking too much.
    pub restraint: Restraint,
}

/// What a watcher hears while a run is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A scenario begins.
    ScenarioBegan {
        /// Its index in the run.
        scenario: u32,
    },
    /// A scan has ended, however.
    ScanEnded {
        /// Index of its scenario.
        scenario: u32,
    },
    /// A scenario has ended.
    ScenarioEnded {
        /// Its index in the run.
        scenario: u32,
    },
}

/// What happened in a scenario, for whoever decides whether it needs more scans.
#[derive(Debug, Clone, Copy)]
pub enum Observation<'a> {
    /// An exchange has ended and is in the log.
    Exchange(&'a Exchange),
    /// A scan has ended: all its exchanges have been seen.
    ScanEnded {
        /// Index of its scenario.
        scenario: u32,
        /// Its number in the run.
        scan: u64,
    },
}

/// Whether a scenario goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It does.
    Continue,
    /// It starts no more scans; those under way go on to their end.
    StopScenario,
}

/// The target could not be reached at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the target cannot be reached: {}", .0.word())]
pub struct Unreachable(pub TransportFault);

/// Why a run ended before its plan was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    /// Nothing reaches the target.
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    /// The target answers with nothing but 429, or 503 with `Retry-After`.
    #[error("the target asked for waits for {} s, and answered nothing else", .0.waited.as_secs())]
    Throttled(Throttled),
}

impl Halt {
    /// The same for the end of a log.
    pub fn reason(self) -> EndReason {
        match self {
            Halt::Unreachable(_) => EndReason::TargetGone,
            Halt::Throttled(Throttled { waited, retry_after }) => {
                EndReason::Throttled { waited: waited.into(), retry_after: retry_after.map(Into::into) }
            }
        }
    }
}

/// Drives one target.
pub struct Probe {
    pub(crate) target: Arc<Target>,
    pub(crate) transport: Transport,
    pub(crate) clock: Clock,
    pub(crate) recorder: Recorder,
    pub(crate) options: Options,
    pub(crate) pace: Pace,
    pub(crate) strain: Strain,
    pub(crate) sessions: Sessions,
    /// The jobs that were accepted and not seen to end; kept only where the run slows down under strain.
    pub(crate) open: Mutex<BTreeMap<(u64, Kind), OpenJob>>,
    side_by_side: SideBySide,
    next_scenario: AtomicU32,
    next_scan: AtomicU64,
    nonce: AtomicU64,
    /// Whether the target has answered anything in this run.
    was_reached: AtomicBool,
    watcher: Box<dyn Fn(Event) + Send + Sync>,
    decide: Box<dyn Fn(Observation<'_>) -> Decision + Send + Sync>,
    /// The scenarios that are to start no more scans.
    stopped: Mutex<BTreeSet<u32>>,
}

impl Probe {
    /// A probe that has sent nothing yet. `watcher` hears of events as they happen and must return at once.
    pub fn new(
        target: Arc<Target>,
        transport: Transport,
        clock: Clock,
        recorder: Recorder,
        options: Options,
        watcher: impl Fn(Event) + Send + Sync + 'static,
    ) -> Arc<Probe> {
        Probe::with_decisions(target, transport, clock, recorder, options, watcher, |_| Decision::Continue)
    }

    /// [`Probe::new`], for a run whose scenarios may end before all that was planned is done: `decide` sees everything that
    /// is recorded and says whether its scenario goes on. It must return at once.
    pub fn with_decisions(
        target: Arc<Target>,
        transport: Transport,
        clock: Clock,
        recorder: Recorder,
        options: Options,
        watcher: impl Fn(Event) + Send + Sync + 'static,
        decide: impl Fn(Observation<'_>) -> Decision + Send + Sync + 'static,
    ) -> Arc<Probe> {
        let pace = Pace::new(options.max_rps, options.restraint.max_wait);
        let watcher = Box::new(watcher);
        let recorder = recorder.striking_out(transport.secrets());
        Arc::new(Probe {
            target,
            transport,
            clock,
            recorder,
            options,
            pace,
            strain: Strain::default(),
            sessions: Sessions::default(),
            open: Mutex::default(),
            side_by_side: SideBySide::default(),
            next_scenario: AtomicU32::new(0),
            next_scan: AtomicU64::new(0),
            nonce: AtomicU64::new(0),
            was_reached: AtomicBool::new(false),
            watcher,
            decide: Box::new(decide),
            stopped: Mutex::default(),
        })
    }

    /// The clock of this run.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Where its exchanges go.
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Runs the scenarios of the log's header in their order; one that overlaps runs beside those after it, and those that may
    /// have company begin when `SideBySide` says so. Dropping the future stops all of them.
    pub async fn run(self: &Arc<Probe>, scenarios: &[Scenario]) -> Result<(), Halt> {
        self.run_share(scenarios, None).await
    }

    /// [`Probe::run`], leaving out the scans of the other shards. Everything else is as in the whole run: the numbers of the
    /// scans, their arms, ages and phases.
    pub async fn run_shard(self: &Arc<Probe>, scenarios: &[Scenario], shard: Shard) -> Result<(), Halt> {
        // Requests that are meant to be like no other must differ from those of the other shards, too.
        self.nonce.store(u64::from(shard.index) << NONCES_PER_SHARD, Ordering::Relaxed);
        self.run_share(scenarios, Some(shard)).await
    }

    async fn run_share(self: &Arc<Probe>, scenarios: &[Scenario], shard: Option<Shard>) -> Result<(), Halt> {
        tokio::select! {
            ran = self.run_all(scenarios, shard) => Ok(ran?),
            throttled = self.pace.given_up() => Err(Halt::Throttled(throttled)),
        }
    }

    /// Runs scenarios that were decided on during the run: they are written into the log first.
    pub async fn run_also(self: &Arc<Probe>, scenarios: &[Scenario]) -> Result<(), Halt> {
        for scenario in scenarios {
            self.recorder.scenario(scenario);
        }
        self.run(scenarios).await
    }

    /// Writes into the log that a scenario was left out, and why.
    pub fn leave_out(&self, not_asked: &NotAsked) {
        self.recorder.not_asked(not_asked);
    }

    /// The signs of strain seen so far; none where the run goes on as planned whatever happens.
    pub fn signs(&self) -> Signs {
        self.strain.signs()
    }

    pub(crate) fn slows_down(&self) -> bool {
        self.options.restraint.strain == OnStrain::SlowDown
    }

    /// Waits until a job may be started, and counts it: for a job that was due at `planned`, when it may be asked for. `None` when
    /// no more may be started. Whoever gets an instant sends one initiate, and no more.
    pub(crate) async fn job(&self, planned: Stamp) -> Option<Stamp> {
        if !self.options.restraint.jobs.start() {
            return None;
        }
        let waited = self.slows_down() && self.strain.room(&self.clock).await;
        // That it had to wait is not the probe's own lateness.
        Some(if waited { self.clock.now().max(planned) } else { planned })
    }

    fn see(&self, scenario: u32, observation: Observation<'_>) {
        if (self.decide)(observation) == Decision::StopScenario {
            self.stopped.lock().unwrap_or_else(PoisonError::into_inner).insert(scenario);
        }
    }

    fn is_stopped(&self, scenario: u32) -> bool {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner).contains(&scenario)
    }

    /// A number that no other request of this run has had.
    pub(crate) fn nonce(&self) -> u64 {
        self.nonce.fetch_add(1, Ordering::Relaxed)
    }
}

/// Each shard has so many bits of numbers of its own: with a thousand shards a double still holds them exactly.
const NONCES_PER_SHARD: u32 = 40;

/// A version 4 UUID as 32 hex digits, from the run's own randomness.
pub(crate) fn uuid(random: &mut impl Rng) -> String {
    let mut bytes = [0; 16];
    random.fill_bytes(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid().simple().to_string()
}
