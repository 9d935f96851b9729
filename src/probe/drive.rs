//! Runs scenarios: controls first, then the load, each scan in a task of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rand::seq::SliceRandom;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::task::JoinSet;

use crate::model::answer::{Answer, State, TransportFault};
use crate::model::denial_word::reads_as_denial;
use crate::model::exchange::{Connection, Exchange, Kind, Purpose};
use crate::model::run::{EndReason, NotAsked, Stopped};
use crate::model::scenario::{Each, Input, LoadModel, Scenario};
use crate::model::shard::Shard;
use crate::model::text::Text;
use crate::model::time::Stamp;
use crate::probe::asking::Sender;
use crate::probe::backlog::OpenJob;
use crate::probe::clock::Clock;
use crate::probe::jobs::{OnStrain, Restraint};
use crate::probe::pace::{Pace, Throttled, retry_after};
use crate::probe::record::Recorder;
use crate::probe::scan::{Noted, ScanTask, Shot};
use crate::probe::session::Sessions;
use crate::probe::strain::{Signs, Strain};
use crate::probe::transport::{Lane, Limits, Prepared, Transport, Unsendable};
use crate::target::{About, Accepted, Reply, Request, RequestError, Target, Variables};

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

/// What a watcher may be told while a run is under way.
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

/// What is seen of a scenario while it runs, for whoever decides whether it needs more scans.
#[derive(Debug, Clone, Copy)]
pub enum Seen<'a> {
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
pub enum Onward {
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
    next_scenario: AtomicU32,
    next_scan: AtomicU64,
    nonce: AtomicU64,
    /// Whether the target has answered anything in this run.
    was_reached: AtomicBool,
    watcher: Box<dyn Fn(Event) + Send + Sync>,
    onward: Box<dyn Fn(Seen<'_>) -> Onward + Send + Sync>,
    /// The scenarios that are to start no more scans.
    stopped: Mutex<BTreeSet<u32>>,
}

impl Probe {
    /// A probe that has sent nothing yet. `watcher` is told of events as they happen and must return at once.
    pub fn new(
        target: Arc<Target>,
        transport: Transport,
        clock: Clock,
        recorder: Recorder,
        options: Options,
        watcher: impl Fn(Event) + Send + Sync + 'static,
    ) -> Arc<Probe> {
        Probe::with_decisions(target, transport, clock, recorder, options, watcher, |_| Onward::Continue)
    }

    /// [`Probe::new`], for a run whose scenarios may end before all that was planned is done: `onward` sees everything that
    /// is recorded and says whether its scenario goes on. It must return at once.
    pub fn with_decisions(
        target: Arc<Target>,
        transport: Transport,
        clock: Clock,
        recorder: Recorder,
        options: Options,
        watcher: impl Fn(Event) + Send + Sync + 'static,
        onward: impl Fn(Seen<'_>) -> Onward + Send + Sync + 'static,
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
            next_scenario: AtomicU32::new(0),
            next_scan: AtomicU64::new(0),
            nonce: AtomicU64::new(0),
            was_reached: AtomicBool::new(false),
            watcher,
            onward: Box::new(onward),
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

    /// Runs the scenarios of the log's header in their order; one that overlaps runs beside those after it. Dropping the future
    /// stops all of them.
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

    async fn run_all(self: &Arc<Probe>, scenarios: &[Scenario], shard: Option<Shard>) -> Result<(), Unreachable> {
        let mut beside = JoinSet::new();
        for scenario in scenarios {
            let run = ScenarioRun::next(self, scenario, shard);
            if scenario.overlap {
                beside.spawn(run.run());
            } else {
                run.run().await?;
            }
        }
        all_ended(beside).await
    }

    /// Runs the same scenarios against two targets by turns: each scan of one beside its twin of the other, in random order, so
    /// that whatever drifts meets both alike. Scans of one number are twins: they are dealt the same arm and offset. Both targets
    /// have their own rate limit, and both probes must have the same clock. Dropping the future stops everything.
    pub async fn run_beside(self: &Arc<Probe>, other: &Arc<Probe>, scenarios: &[Scenario]) -> Result<(), Halt> {
        tokio::select! {
            ran = self.run_all_beside(other, scenarios) => Ok(ran?),
            throttled = self.pace.given_up() => Err(Halt::Throttled(throttled)),
            throttled = other.pace.given_up() => Err(Halt::Throttled(throttled)),
        }
    }

    async fn run_all_beside(self: &Arc<Probe>, other: &Arc<Probe>, scenarios: &[Scenario]) -> Result<(), Unreachable> {
        let mut beside = JoinSet::new();
        for scenario in scenarios {
            let twins = [self, other].map(|probe| Arc::new(ScenarioRun::next(probe, scenario, None)));
            if scenario.overlap {
                beside.spawn(run_twins(twins));
            } else {
                run_twins(twins).await?;
            }
        }
        all_ended(beside).await
    }

    /// Runs the scenarios of another run again, each no earlier than it began there.
    pub async fn replay(self: &Arc<Probe>, plan: &[(Scenario, Stamp)]) -> Result<(), Halt> {
        let run_all = async {
            let mut beside = JoinSet::new();
            for (scenario, began) in plan {
                self.clock.sleep_until(*began).await;
                let run = ScenarioRun::next(self, scenario, None);
                if scenario.overlap {
                    beside.spawn(run.run());
                } else {
                    run.run().await?;
                }
            }
            all_ended(beside).await
        };
        tokio::select! {
            ran = run_all => Ok(ran?),
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

    /// Sends one request and records what came of it: the only way from a plan to a line in the log. `read` may return more than the log
    /// keeps. Boxed, since it is large and soon over: a thousand scans
    /// that wait would each hold the place for it.
    pub(crate) fn fire_for<T>(
        &self,
        shot: Shot,
        lane: &Lane,
        request: &Result<Prepared, Unsendable>,
        read: impl FnOnce(&Reply<'_>) -> (Noted, T),
    ) -> Pin<Box<impl Future<Output = (Exchange, Option<T>)>>> {
        Box::pin(async move {
            if self.slows_down() && shot.is_due() && !self.pace.holds_back() {
                self.strain.leaves(shot.planned(), self.clock.now());
            }
            // Before it is its turn: what is sent must not wait for it.
            let traced = request.as_ref().map(|request| self.transport.traced(request));
            self.pace.turn(&self.clock, shot.urgency()).await;
            let sent = self.clock.now();
            let mut exchange = shot.begin(sent);
            let request = match &traced {
                Ok((request, own)) => {
                    exchange.trace = *own;
                    &**request
                }
                Err(error) => {
                    exchange.fault = Some(TransportFault::Request);
                    exchange.body = Some(self.recorder.excerpt(error.to_string().as_bytes()).into());
                    self.recorder.trace(&exchange, None, None);
                    self.record(&exchange);
                    return (exchange, None);
                }
            };
            let outcome = self.transport.exchange(lane, request, self.limits(shot.kind()), &self.clock).await;
            exchange.first_byte = outcome.first_byte.into();
            // The head may have been read without the kernel's stamp, and the rest with one from before that.
            exchange.done = outcome.first_byte.map_or(outcome.done, |first_byte| first_byte.max(outcome.done));
            exchange.conn = outcome.conn.into();
            exchange.new_conn = outcome.new_conn;
            let mut more = None;
            match &outcome.reply {
                Err(fault) => {
                    exchange.fault = Some(*fault);
                    exchange.body = outcome.broken.map(Text::from);
                }
                Ok(received) => {
                    self.was_reached.store(true, Ordering::Relaxed);
                    let reply = Reply { http: received.http, headers: &received.headers, body: &received.body };
                    let (Noted { reading, id, seen, kind, asked_at }, extra) = read(&reply);
                    more = Some(extra);
                    if let Some((kind, purpose)) = kind {
                        (exchange.kind, exchange.purpose) = (kind, purpose);
                    } else if received.http == 401 && shot.renews() {
                        exchange.purpose = Purpose::Expired;
                    }
                    let of_scan = shot.secrets();
                    let without = |text: String| of_scan.map_or(text.clone(), |secrets| secrets.clean(text));
                    let clean = |text| Text::from(self.recorder.without_secrets(without(text)));
                    let word = |text| Text::from(self.recorder.word(without(text)));
                    exchange.id = id.map(clean).or(exchange.id);
                    exchange.seen = seen;
                    exchange.http = Some(received.http);
                    exchange.answer = reading.answer;
                    // Visible, and no state says so: what the body says instead is kept for whoever has to tell.
                    let is_doubtful = exchange.kind == Kind::Poll
                        && exchange.answer == Answer::Visible
                        && reading.state == Some(State::Unknown)
                        && reading.word.as_deref().is_none_or(reads_as_denial);
                    exchange.state = reading.state;
                    exchange.word = reading.word.map(word);
                    exchange.progress = reading.progress.into();
                    exchange.echo = reading.echo.map(clean);
                    exchange.complete = reading.complete;
                    exchange.created = reading.created.and_then(|created| u64::try_from(created).ok()).into();
                    exchange.worker = crate::target::worker(&received.headers).or(asked_at).map(word);
                    exchange.cache = crate::target::cache_note(&received.headers).map(|told| Text::from(self.recorder.note(told)));
                    exchange.digest = Some(crate::probe::scan::digest(&received.body));
                    let wait = received.headers.get(http::header::RETRY_AFTER);
                    if exchange.answer == Answer::Throttled || received.http == 503 && wait.is_some() {
                        self.pace.pause(exchange.kind, self.clock.now(), wait.and_then(|wait| self.wait(wait, &received.headers)));
                    } else {
                        self.pace.answered(exchange.kind);
                    }
                    if is_doubtful || shot.is_unexpected(exchange.answer) {
                        let why = reading.reason.map_or_else(String::new, |reason| format!("[{}] ", self.recorder.note(without(reason))));
                        exchange.body = Some((why + &self.recorder.excerpt_without(&received.body, of_scan)).into());
                    }
                }
            }
            self.recorder.trace(&exchange, Some(request), outcome.reply.as_ref().ok());
            self.record(&exchange);
            (exchange, more)
        })
    }

    /// How long an exchange may take: a status request longer than others, where the target holds it on purpose.
    fn limits(&self, kind: Kind) -> Limits {
        let is_status = matches!(kind, Kind::Poll | Kind::ForeignPoll | Kind::UnknownPoll);
        Limits { usual: self.options.timeout, held: if is_status { self.target.long_poll() } else { Duration::ZERO } }
    }

    /// The pause that a `Retry-After` asks for.
    fn wait(&self, value: &http::HeaderValue, headers: &http::HeaderMap) -> Option<Duration> {
        // An instant without the target's own clock beside it is compared with ours, which has no meaning on virtual time.
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok().filter(|_| !self.clock.is_virtual());
        let date = headers.get(http::header::DATE).and_then(|date| date.to_str().ok());
        retry_after(value.to_str().ok()?, date, wall.unwrap_or_default())
    }

    /// Does everything for a request that can be done before its time has come.
    pub(crate) fn prepare(&self, request: Result<Request, RequestError>) -> Result<Prepared, Unsendable> {
        self.transport.prepare(request?)
    }

    fn record(&self, exchange: &Exchange) {
        self.recorder.exchange(exchange);
        self.see(exchange.scenario, Seen::Exchange(exchange));
    }

    fn see(&self, scenario: u32, seen: Seen<'_>) {
        if (self.onward)(seen) == Onward::StopScenario {
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
const CONTROLS: u64 = 1 << 62;
const DEALING: u64 = 1 << 61;
const TURNS: u64 = 1 << 60;

/// Waits for the scenarios that ran beside others.
async fn all_ended(mut beside: JoinSet<Result<(), Unreachable>>) -> Result<(), Unreachable> {
    while let Some(ended) = beside.join_next().await {
        // A task that panicked is a bug of ours, and is passed on; nobody else cancels these tasks.
        ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))?;
    }
    Ok(())
}

/// One scenario against two targets.
async fn run_twins(twins: [Arc<ScenarioRun>; 2]) -> Result<(), Unreachable> {
    for twin in &twins {
        (twin.probe.watcher)(Event::ScenarioBegan { scenario: twin.index });
        twin.controls().await?;
    }
    load_twins(&twins).await;
    for twin in &twins {
        (twin.probe.watcher)(Event::ScenarioEnded { scenario: twin.index });
    }
    Ok(())
}

/// Puts on the load of one scenario, by turns. It never stops early: a comparison needs what was planned.
async fn load_twins(twins: &[Arc<ScenarioRun>; 2]) {
    let first = &twins[0];
    let stream = u64::from(first.index);
    let clock = &first.probe.clock;
    let mut deal = Deal::new(&first.scenario, first.random(DEALING | stream));
    let mut turns = first.random(TURNS | stream);
    let mut order = [0, 1];
    let mut tasks = [JoinSet::new(), JoinSet::new()];
    let start = clock.now();
    for scan in 0..first.scenario.load.scans {
        let hand = deal.next();
        order.shuffle(&mut turns);
        for (place, side) in order.into_iter().enumerate() {
            let (twin, tasks) = (&twins[side], &mut tasks[side]);
            let planned = match first.scenario.load.model {
                LoadModel::Open { every } => {
                    // Spread, as scans of one target are, within the half of the slot that is this twin's.
                    let within = f64::midpoint(place as f64, turns.random());
                    start.after(every.0.mul_f64(f64::from(scan) + within))
                }
                LoadModel::Closed { in_flight } => {
                    if tasks.len() >= in_flight as usize
                        && let Some(ended) = tasks.join_next().await
                    {
                        twin.ended(ended);
                    }
                    clock.now()
                }
            };
            clock.sleep_until(planned).await;
            while tasks.try_join_next().is_some_and(|ended| twin.ended(ended)) {}
            let Some(planned) = twin.probe.job(planned).await else { continue };
            twin.begin(tasks, hand, scan, planned);
        }
    }
    for (twin, tasks) in twins.iter().zip(&mut tasks) {
        while let Some(ended) = tasks.join_next().await {
            twin.ended(ended);
        }
    }
}

impl ScenarioRun {
    /// The next scenario of a probe, with the numbers that follow.
    fn next(probe: &Arc<Probe>, scenario: &Scenario, shard: Option<Shard>) -> ScenarioRun {
        let index = probe.next_scenario.fetch_add(1, Ordering::Relaxed);
        let first_scan = probe.next_scan.fetch_add(u64::from(scenario.load.scans), Ordering::Relaxed);
        let (probe, scenario) = (Arc::clone(probe), Arc::new(scenario.clone()));
        ScenarioRun { probe, index, scenario, first_scan, shard, controls_wait: AtomicBool::new(false) }
    }

    async fn run(self) -> Result<(), Unreachable> {
        let index = self.index;
        (self.probe.watcher)(Event::ScenarioBegan { scenario: index });
        let run = Arc::new(self);
        run.controls().await?;
        run.load().await;
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
    async fn controls(&self) -> Result<(), Unreachable> {
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
        let shot = Shot::other(self.index, Kind::UnknownPoll, self.probe.clock.now()).with_id(id);
        let read = |reply: &Reply<'_>, filled: &Variables| (Noted::of(self.probe.target.read_status(reply, About::scan(id, filled))), ());
        self.probe.ask(shot, &lane, Sender { variables, jar: None }, build, read).await.0.fault
    }

    async fn load(self: &Arc<Self>) {
        let scans = self.scenario.load.scans;
        let mut deal = Deal::new(&self.scenario, self.random(DEALING | u64::from(self.index)));
        let mut tasks = JoinSet::new();
        match self.scenario.load.model {
            LoadModel::Open { every } => {
                let start = self.probe.clock.now();
                let mut random = self.random(DEALING | (1 << 32) | u64::from(self.index));
                for scan in 0..scans {
                    // Starts are spread within their slots: a strict period would alias with whatever the service does
                    // periodically.
                    let slot = every.0.mul_f64(f64::from(scan) + random.random::<f64>());
                    let planned = start.after(slot);
                    let hand = deal.next();
                    if !self.takes(scan) {
                        continue;
                    }
                    self.probe.clock.sleep_until(planned).await;
                    while tasks.try_join_next().is_some_and(|ended| self.ended(ended)) {}
                    if self.stops_before(scan) {
                        break;
                    }
                    let Some(planned) = self.probe.job(planned).await else { break };
                    self.begin(&mut tasks, hand, scan, planned);
                }
            }
            LoadModel::Closed { in_flight } => {
                let in_flight = self.shard.map_or(in_flight, |shard| shard.in_flight(self.index, in_flight));
                for scan in 0..scans {
                    let hand = deal.next();
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
                    self.begin(&mut tasks, hand, scan, planned);
                }
            }
        }
        while let Some(ended) = tasks.join_next().await {
            self.ended(ended);
        }
    }

    /// Whether the scenario is to start no more scans; the log is told where it stopped.
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

    fn begin(self: &Arc<Self>, tasks: &mut JoinSet<u64>, hand: Hand, index: u32, planned: Stamp) {
        if self.probe.recorder.has_failed() {
            return;
        }
        let scan = self.first_scan + u64::from(index);
        let n = match self.scenario.load.input {
            Input::Distinct => self.probe.options.first_n + scan,
            Input::Same => self.probe.options.first_n + self.first_scan,
        };
        let task = Box::new(ScanTask { run: Arc::clone(self), scan, index, n, arm: hand.arm, only: hand.offset, planned });
        tasks.spawn(async move {
            task.run().await;
            scan
        });
    }

    fn ended(&self, ended: Result<u64, tokio::task::JoinError>) -> bool {
        // Nobody cancels single scans, so this is a panic: a bug of ours, to be passed on.
        let scan = ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        self.probe.see(self.index, Seen::ScanEnded { scenario: self.index, scan });
        (self.probe.watcher)(Event::ScanEnded { scenario: self.index });
        true
    }
}

/// Deals scans to arms, and single shots to offsets, in random order but evenly: in blocks that hold each once.
struct Deal {
    hands: Vec<Hand>,
    block: Vec<Hand>,
    random: ChaCha8Rng,
}

#[derive(Debug, Clone, Copy)]
struct Hand {
    arm: u32,
    /// The one offset to poll at; `None` for all.
    offset: Option<usize>,
}

impl Deal {
    fn new(scenario: &Scenario, random: ChaCha8Rng) -> Deal {
        let mut hands = Vec::new();
        for (index, arm) in scenario.arms.iter().enumerate() {
            let arm_index = index as u32;
            match arm.each {
                Each::One if !arm.offsets.is_empty() => {
                    hands.extend((0..arm.offsets.len()).map(|offset| Hand { arm: arm_index, offset: Some(offset) }));
                }
                _ => hands.push(Hand { arm: arm_index, offset: None }),
            }
        }
        Deal { hands, block: Vec::new(), random }
    }

    fn next(&mut self) -> Hand {
        if self.block.is_empty() {
            self.block.clone_from(&self.hands);
            self.block.shuffle(&mut self.random);
        }
        // A checked scenario has at least one arm, so the block just filled is not empty.
        self.block.pop().unwrap_or(Hand { arm: 0, offset: None })
    }
}

/// A version 4 UUID as 32 hex digits, from the run's own randomness.
pub(crate) fn uuid(random: &mut impl Rng) -> String {
    let mut bytes = [0; 16];
    random.fill_bytes(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid().simple().to_string()
}
