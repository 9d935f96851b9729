//! One scenario: its controls first, then its load, each scan in a task of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::task::JoinSet;

use crate::model::answer::TransportFault;
use crate::model::exchange::{Connection, Kind};
use crate::model::run::Stopped;
use crate::model::scenario::{Input, LoadModel, Scenario};
use crate::model::shard::Shard;
use crate::model::time::Stamp;
use crate::probe::asking::Sender;
use crate::probe::recorded::Recorded;
use crate::probe::request_meta::RequestMeta;
use crate::probe::runner::assignment::{Assignment, Assignments};
use crate::probe::runner::{Event, Observation, Probe, Unreachable, uuid};
use crate::probe::scan::ScanTask;
use crate::target::{About, Accepted, Reply, Request, RequestError, Variables};

/// One scenario under way.
pub(crate) struct ScenarioRun {
    pub(crate) probe: Arc<Probe>,
    pub(crate) index: u32,
    pub(crate) scenario: Arc<Scenario>,
    first_scan: u64,
    /// The part of the scans that is run; `None`: all.
    shard: Option<Shard>,
    /// The controls wait for the first accepted scan: its handed-out address is the only way to ask for another id.
    controls_wait: AtomicBool,
}

/// How long a target that answered before, and accepts no connection now, is waited for between looks at it.
const RESTART_WAITS: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// Which randomness: each use has a stream of its own, so that one more poll in one place does not change all the others.
pub(super) const CONTROLS: u64 = 1 << 62;
pub(super) const ASSIGNING: u64 = 1 << 61;
pub(super) const TURNS: u64 = 1 << 60;

/// Waits for the scenarios that ran beside others.
pub(super) async fn all_ended(beside: &mut JoinSet<Result<(), Unreachable>>) -> Result<(), Unreachable> {
    while let Some(ended) = beside.join_next().await {
        // A task that panicked is a bug of ours, and is passed on; nobody else cancels these tasks.
        ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))?;
    }
    Ok(())
}

impl ScenarioRun {
    /// The next scenario of a probe, with the numbers that follow.
    pub(super) fn next(probe: &Arc<Probe>, scenario: &Scenario, shard: Option<Shard>) -> ScenarioRun {
        let index = probe.next_scenario.fetch_add(1, Ordering::Relaxed);
        let first_scan = probe.next_scan.fetch_add(u64::from(scenario.load.scans), Ordering::Relaxed);
        let (probe, scenario) = (Arc::clone(probe), Arc::new(scenario.clone()));
        ScenarioRun { probe, index, scenario, first_scan, shard, controls_wait: AtomicBool::new(false) }
    }

    pub(super) async fn run(self) -> Result<(), Unreachable> {
        let index = self.index;
        (self.probe.watcher)(Event::ScenarioBegan { scenario: index });
        let run = Arc::new(self);
        run.controls().await?;
        run.load().await;
        run.probe.side_by_side.ended(index);
        (run.probe.watcher)(Event::ScenarioEnded { scenario: index });
        Ok(())
    }

    pub(crate) fn random(&self, stream: u64) -> ChaCha8Rng {
        let mut random = ChaCha8Rng::seed_from_u64(self.probe.options.seed);
        random.set_stream(stream);
        random
    }

    /// Polls never-issued ids. If not one of them reaches the target, nothing else will; one that has answered before may only be
    /// starting again, and is asked again after a while.
    pub(super) async fn controls(&self) -> Result<(), Unreachable> {
        let mut random = self.random(self.controls_stream());
        for wait in RESTART_WAITS {
            match self.ask_controls(&mut random).await {
                Err(_) if self.probe.was_reached.load(Ordering::Relaxed) => {
                    self.probe.clock.sleep_until(self.probe.clock.now().after(wait)).await;
                }
                asked => return asked,
            }
        }
        self.ask_controls(&mut random).await
    }

    async fn ask_controls(&self, random: &mut ChaCha8Rng) -> Result<(), Unreachable> {
        let mut unreachable = None;
        for poll in 0..self.scenario.controls.unknown_id {
            let variables = self.control_variables(random);
            let Ok((id, _)) = self.probe.target.unknown(&self.filled(&variables).await) else {
                self.controls_wait.store(true, Ordering::Relaxed);
                return Ok(());
            };
            match self.control(&id, &variables, |filled| Ok(self.probe.target.unknown(filled)?.1)).await {
                Some(
                    fault @ (TransportFault::Connect
                    | TransportFault::ConnectTimeout
                    | TransportFault::Resolve
                    | TransportFault::Proxy
                    | TransportFault::Tls),
                ) if poll == 0 || unreachable.is_some() => {
                    unreachable = Some(Unreachable(fault));
                }
                _ => unreachable = None,
            }
        }
        unreachable.map_or(Ok(()), Err)
    }

    /// Whether there are controls that wait for an address.
    pub(crate) fn owes_controls(&self) -> bool {
        self.controls_wait.load(Ordering::Relaxed)
    }

    /// The controls that had to wait for an address: asked once, with the first one that was handed out.
    pub(crate) async fn controls_at(&self, accepted: &Accepted) {
        if !self.controls_wait.swap(false, Ordering::Relaxed) {
            return;
        }
        let mut random = self.random(self.controls_stream());
        for _ in 0..self.scenario.controls.unknown_id {
            // An address in which the id does not occur cannot be asked about another: the verdict says that the control is missing.
            let variables = self.control_variables(&mut random);
            let target = &self.probe.target;
            let Ok((id, _)) = target.unknown_like(&self.filled(&variables).await, accepted) else { return };
            self.control(&id, &variables, |filled| Ok(target.unknown_like(filled, accepted)?.1)).await;
        }
    }

    /// Every shard asks for never-issued ids of its own: one that was asked for before may be remembered as denied.
    fn controls_stream(&self) -> u64 {
        CONTROLS | (u64::from(self.shard.map_or(0, |shard| shard.index)) << 32) | u64::from(self.index)
    }

    fn control_variables(&self, random: &mut ChaCha8Rng) -> Variables {
        Variables { n: self.probe.options.first_n, uuid: uuid(random), nonce: self.probe.nonce(), ..Variables::default() }
    }

    /// The values of a request, with those of the login, if there is one.
    async fn filled(&self, variables: &Variables) -> Variables {
        if self.probe.target.has_login() { self.probe.sessions.current(&self.probe).await.filled(variables) } else { variables.clone() }
    }

    async fn control(
        &self,
        id: &str,
        variables: &Variables,
        build: impl Fn(&Variables) -> Result<Request, RequestError>,
    ) -> Option<TransportFault> {
        let lane = self.probe.transport.lane(Connection::Fresh);
        let meta = RequestMeta::other(self.index, Kind::UnknownPoll, self.probe.clock.now()).with_id(id);
        let read =
            |reply: &Reply<'_>, filled: &Variables| (Recorded::of(self.probe.target.read_status(reply, About::scan(id, filled))), ());
        self.probe.ask(meta, &lane, Sender { variables, jar: None }, build, read).await.0.fault
    }

    async fn load(self: &Arc<Self>) {
        let scans = self.scenario.load.scans;
        let mut assignments = Assignments::new(&self.scenario, self.random(ASSIGNING | u64::from(self.index)));
        let mut tasks = JoinSet::new();
        match self.scenario.load.model {
            LoadModel::Open { every } => {
                let start = self.probe.clock.now();
                let mut random = self.random(ASSIGNING | (1 << 32) | u64::from(self.index));
                for scan in 0..scans {
                    // Starts are spread within their slots: a strict period would alias with whatever the service does
                    // periodically.
                    let slot = every.0.mul_f64(f64::from(scan) + random.random::<f64>());
                    let planned = start.after(slot);
                    let assignment = assignments.next();
                    if !self.takes(scan) {
                        continue;
                    }
                    self.probe.clock.sleep_until(planned).await;
                    while tasks.try_join_next().is_some_and(|ended| self.ended(ended)) {}
                    if self.stops_before(scan) {
                        break;
                    }
                    let Some(planned) = self.probe.job(planned).await else { break };
                    self.begin(&mut tasks, assignment, scan, planned);
                }
            }
            LoadModel::Closed { in_flight } => {
                let in_flight = self.shard.map_or(in_flight, |shard| shard.in_flight(self.index, in_flight));
                for scan in 0..scans {
                    let assignment = assignments.next();
                    if !self.takes(scan) {
                        continue;
                    }
                    if tasks.len() >= in_flight as usize
                        && let Some(ended) = tasks.join_next().await
                    {
                        self.ended(ended);
                    }
                    if self.stops_before(scan) {
                        break;
                    }
                    let Some(planned) = self.probe.job(self.probe.clock.now()).await else { break };
                    self.begin(&mut tasks, assignment, scan, planned);
                }
            }
        }
        while let Some(ended) = tasks.join_next().await {
            self.ended(ended);
        }
    }

    /// Whether the scenario is to start no more scans; the log says where it stopped.
    fn stops_before(&self, scan: u32) -> bool {
        let stops = self.probe.is_stopped(self.index);
        if stops {
            self.probe.recorder.stopped(Stopped { scenario: self.index, at: self.probe.clock.now(), begun: scan });
        }
        stops
    }

    /// Whether this shard runs a scan. What is drawn for the scans of the others is drawn all the same, so that the plan is one.
    fn takes(&self, scan: u32) -> bool {
        self.shard.is_none_or(|shard| shard.takes(self.index, self.scenario.load.model, scan))
    }

    pub(super) fn begin(self: &Arc<Self>, tasks: &mut JoinSet<u64>, assignment: Assignment, index: u32, planned: Stamp) {
        if self.probe.recorder.has_failed() {
            return;
        }
        let scan = self.first_scan + u64::from(index);
        let n = match self.scenario.load.input {
            Input::Distinct => self.probe.options.first_n + scan,
            Input::Same => self.probe.options.first_n + self.first_scan,
        };
        let task = Box::new(ScanTask { run: Arc::clone(self), scan, index, n, arm: assignment.arm, only: assignment.offset, planned });
        tasks.spawn(async move {
            task.run().await;
            scan
        });
    }

    pub(super) fn ended(&self, ended: Result<u64, tokio::task::JoinError>) -> bool {
        // Nobody cancels single scans, so this is a panic: a bug of ours, to be passed on.
        let scan = ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        self.probe.side_by_side.job_ended(scan);
        self.probe.see(self.index, Observation::ScanEnded { scenario: self.index, scan });
        (self.probe.watcher)(Event::ScanEnded { scenario: self.index });
        true
    }
}
