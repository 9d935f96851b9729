//! One scan, from its initiate to the last poll.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{OptionFuture, join, join_all};
use rand::RngExt;

use crate::model::answer::{Answer, State};
use crate::model::exchange::{Connection, Exchange, Kind, Purpose, Route};
use crate::model::plan::ORPHAN_POLLS;
use crate::model::redaction::Redaction;
use crate::model::scenario::{Action, Arm, Follow, MOST_FOLLOWED, Then, Until};
use crate::model::time::{Span, Stamp};
use crate::probe::asking::Sender;
use crate::probe::backlog::OpenJob;
use crate::probe::cookies::Jar;
use crate::probe::poll::{PollState, is_plain};
use crate::probe::recorded::Recorded;
use crate::probe::request_meta::RequestMeta;
use crate::probe::runner::{ScenarioRun, uuid};
use crate::probe::transport::{Lane, Prepared, Unsendable};
use crate::target::{About, Accepted, Caller, Initiated, Reading, Reply, Request, RequestError, Variables, WriteKind};

/// One scan to be run.
pub(crate) struct ScanTask {
    pub(crate) run: Arc<ScenarioRun>,
    pub(crate) scan: u64,
    /// Its place in its scenario, from 0.
    pub(crate) index: u32,
    pub(crate) n: u64,
    pub(crate) arm: u32,
    /// The one offset to poll at; `None` for all.
    pub(crate) only: Option<usize>,
    pub(crate) planned: Stamp,
}

impl ScanTask {
    pub(crate) async fn run(self: Box<Self>) {
        let run = Arc::clone(&self.run);
        let arm = &run.scenario.arms[self.arm as usize];
        let transport = &run.probe.transport;
        let Drawn { uuid, fillers, from_here } = self.draw(arm);
        let initiate_lane = transport.lane(arm.connection.of_initiate());
        let poll_lanes: Vec<Lane> = match arm.connection {
            Connection::KeepAlive => Vec::new(),
            Connection::Fresh | Connection::Pooled => vec![transport.lane(arm.connection)],
            Connection::PreOpened => (0..arm.pollers).map(|_| transport.lane(Connection::PreOpened)).collect(),
        };
        // Boxed, so that whatever wakes the task need not pass through it.
        let mut scan = Box::new(Scan {
            task: &self,
            arm,
            from_here,
            variables: Variables { n: self.n, uuid, ..Variables::default() },
            jar: run.probe.target.keeps_cookies().then(Arc::default),
            polls_so_far: Box::default(),
            secrets: None,
            accepted: Accepted::default(),
            t0: Stamp(0),
            initiate_lane,
            poll_lanes,
            fresh: transport.lane(Connection::Fresh),
            status_request: None,
            watch: Mutex::new(Watch::default()),
        });
        let target = &run.probe.target;
        let mut planned = scan.task.planned;
        if target.setups() > 0 || target.asks_before() {
            let Some(variables) = Box::pin(scan.before_initiate()).await else { return };
            scan.variables = variables;
            planned = planned.max(run.probe.clock.now());
        }
        scan.warm(fillers).await;
        let Some((accepted, t0)) = scan.initiate(Kind::Initiate, planned).await else {
            if target.looks_for_orphans() {
                Box::pin(scan.look_for_orphan()).await;
            }
            return;
        };
        scan.secrets = scan.secrets_of(&accepted);
        scan.variables.captured = accepted.captured.clone();
        scan.accepted = accepted;
        scan.t0 = t0;
        scan.keep_open(Kind::Initiate, &scan.accepted);
        scan.status_request = is_plain(target).then(|| scan.status_request());
        // What is rare or soon over is boxed, here and below, and left out where there is nothing to do: a thousand scans under way
        // would each hold the place for it, and be woken through it.
        let controls = run.owes_controls().then(|| Box::pin(run.controls_at(&scan.accepted)));
        join(OptionFuture::from(controls), scan.watch_over(fillers)).await;
    }

    /// Draws, and lets go of the generator: its state is larger than all else that a scan keeps.
    fn draw(&self, arm: &Arm) -> Drawn {
        let mut random = self.run.random(self.scan);
        let uuid = uuid(&mut random);
        let fillers = if arm.fillers == 0 { 0 } else { random.random_range(0..=arm.fillers) };
        Drawn { uuid, fillers, from_here: random.get_word_pos() }
    }
}

/// What is drawn for a scan before it begins.
struct Drawn {
    uuid: String,
    fillers: u32,
    /// Where its randomness goes on.
    from_here: u128,
}

/// One scan under way.
pub(super) struct Scan<'a> {
    task: &'a ScanTask,
    pub(super) arm: &'a Arm,
    /// Where its randomness goes on.
    from_here: u128,
    variables: Variables,
    pub(super) accepted: Accepted,
    t0: Stamp,
    /// The initiate's lane; polls of a kept arm share it.
    initiate_lane: Lane,
    /// One lane per poller, or a single one from which every exchange gets a connection.
    poll_lanes: Vec<Lane>,
    /// For readings beside the polls.
    fresh: Lane,
    /// The status request, once the id is known: the same for every poll that is not to miss a cache. `None` where polls depend on
    /// each other.
    status_request: Option<Result<Prepared, Unsendable>>,
    /// The cookies that its replies set, where they go along.
    pub(super) jar: Option<Arc<Jar>>,
    pub(super) polls_so_far: Box<Mutex<PollState>>,
    secrets: Option<Arc<Redaction>>,
    watch: Mutex<Watch>,
}

/// What the pollers of one scan know together: when it was first seen, and when it ended.
#[derive(Debug, Clone, Copy, Default)]
struct Watch {
    visible: Option<Stamp>,
    terminal: Option<Stamp>,
}

/// A poll at a plan's instant.
#[derive(Debug, Clone, Copy)]
struct Planned {
    purpose: Purpose,
    offset: Option<Span>,
    at: Stamp,
    poller: u32,
    /// The write before it, whose effect it asks for.
    write: Option<WriteKind>,
}

/// Fillers are sent only if the first poll is at least this far away: a filler under way would delay a poll on a small
/// machine by more than it shifts any routing.
const ROOM_FOR_FILLERS: Duration = Duration::from_millis(20);

/// When a scan is looked for whose initiate failed, since the failure.
const LOOKS_FOR_ORPHANS: [Duration; ORPHAN_POLLS as usize] = [Duration::from_millis(100), Duration::from_secs(1), Duration::from_secs(3)];

/// The last poll leaves a little after what may be a lag, so that rounding cannot make it too early.
const AFTER_THE_STALL: Duration = Duration::from_millis(10);

impl Scan<'_> {
    pub(super) fn probe(&self) -> &crate::probe::runner::Probe {
        &self.task.run.probe
    }

    fn meta(&self, kind: Kind, connection: Connection, planned: Stamp) -> RequestMeta {
        let secrets = self.secrets.clone();
        RequestMeta {
            arm: self.task.arm,
            scan: Some(self.task.scan),
            connection,
            secrets,
            ..RequestMeta::other(self.task.run.index, kind, planned)
        }
    }

    pub(super) fn numbered(&self) -> Variables {
        Variables { nonce: self.probe().nonce(), ..self.variables.clone() }
    }

    /// Opens the connections that are to be open before they are needed. Fillers come first: once the poll's connection is
    /// open, only they can keep a round-robin router from always sending the initiate to the worker next to the poll's.
    async fn warm(&self, fillers: u32) {
        if self.arm.connection == Connection::PreOpened {
            join_all(self.poll_lanes.iter().map(|lane| self.fill(lane, Connection::PreOpened))).await;
            for _ in 0..fillers {
                Box::pin(self.fill(&self.fresh, Connection::Fresh)).await;
            }
        }
    }

    async fn fill(&self, lane: &Lane, connection: Connection) {
        let meta = self.meta(Kind::Filler, connection, self.probe().clock.now());
        let mut variables = self.numbered();
        // The default filler polls a never-issued id, which must not become the id of this scan.
        variables.uuid = format!("{:032x}", u128::from(variables.nonce));
        let target = &self.probe().target;
        // What the filler needs may not be known before the initiate; without a filler nothing is lost.
        if !target.has_login() && matches!(target.filler(&variables), Err(RequestError::NotCaptured { .. })) {
            return;
        }
        self.ask(meta, lane, &variables, |filled| target.filler(filled), |reply, _| by_code(target.read_by_code(reply))).await;
    }

    /// One request of this scan, with its cookies and the login, whose reply is read as it stands.
    async fn ask(
        &self,
        meta: RequestMeta,
        lane: &Lane,
        variables: &Variables,
        build: impl Fn(&Variables) -> Result<Request, RequestError>,
        read: impl Fn(&Reply<'_>, &Variables) -> Reading,
    ) -> Exchange {
        let read = |reply: &Reply<'_>, filled: &Variables| (Recorded::of(read(reply, filled)), ());
        self.probe().ask(meta, lane, Sender { variables, jar: self.jar.as_deref() }, build, read).await.0
    }

    /// The steps before the initiate, and the poll before it; what they gave, or `None` where one of them went wrong.
    async fn before_initiate(&self) -> Option<Variables> {
        let target = &self.probe().target;
        let mut variables = self.variables.clone();
        for step in 0..target.setups() {
            let meta = self.meta(Kind::Setup, self.arm.connection.of_initiate(), self.probe().clock.now());
            let meta = RequestMeta { poller: step as u32, ..meta };
            let build = |filled: &Variables| target.setup(step, filled).unwrap_or(Err(RequestError::NoPath));
            let read = |reply: &Reply<'_>, filled: &Variables| match target.read_setup(step, reply, filled) {
                Ok(captured) => (Recorded::of(by_code(Answer::Accepted)), Some(captured)),
                Err((answer, reason)) => (Recorded::of(Reading { reason: Some(reason), ..by_code(answer) }), None),
            };
            let sender = Sender { variables: &variables, jar: self.jar.as_deref() };
            let (_, captured) = self.probe().ask(meta, &self.initiate_lane, sender, build, read).await;
            variables.captured = captured.flatten()?;
        }
        if target.asks_before() {
            self.poll_unaccepted(Kind::EarlyPoll, &variables).await;
        }
        Some(variables)
    }

    /// Looks a few times for a scan whose initiate failed: it may be there all the same.
    async fn look_for_orphan(&self) {
        let failed = self.probe().clock.now();
        for age in LOOKS_FOR_ORPHANS {
            self.probe().clock.sleep_until(failed.after(age)).await;
            self.poll_unaccepted(Kind::OrphanPoll, &self.variables).await;
        }
    }

    /// One poll by the id that the client gives.
    async fn poll_unaccepted(&self, kind: Kind, variables: &Variables) {
        let target = &self.probe().target;
        let Some(accepted) = target.before_acceptance(variables) else { return };
        let meta = self.meta(kind, Connection::Fresh, self.probe().clock.now()).with_id(&accepted.id);
        let build = |filled: &Variables| target.status(filled, Caller::Owner, &accepted, None);
        let read = |reply: &Reply<'_>, filled: &Variables| target.read_status(reply, About::scan(&accepted.id, filled));
        self.ask(meta, &self.fresh, variables, build, read).await;
    }

    /// What of this scan must not be recorded, beside what the target file keeps secret.
    fn secrets_of(&self, accepted: &Accepted) -> Option<Arc<Redaction>> {
        let cookies = self.jar.iter().flat_map(|jar| jar.values());
        let secrets: Vec<String> = self.probe().target.captured_secrets(&accepted.captured).into_iter().chain(cookies).collect();
        (!secrets.is_empty()).then(|| Arc::new(Redaction::of(secrets)))
    }

    /// Asks for the scan; t = 0 is the instant at which the whole answer had arrived.
    async fn initiate(&self, kind: Kind, planned: Stamp) -> Option<(Accepted, Stamp)> {
        let meta = self.meta(kind, self.arm.connection.of_initiate(), planned);
        let target = &self.probe().target;
        let sender = Sender { variables: &self.variables, jar: self.jar.as_deref() };
        let read = |reply: &Reply<'_>, filled: &Variables| {
            let initiated = target.read_initiate(reply, filled);
            let noted = match &initiated {
                Initiated::Accepted(accepted) => Recorded { id: Some(accepted.id.clone()), ..Recorded::of(by_code(Answer::Accepted)) },
                Initiated::Failed { answer, reason } => Recorded::of(Reading { reason: Some(reason.clone()), ..by_code(*answer) }),
            };
            (noted, initiated)
        };
        let (exchange, initiated) = self.probe().ask(meta, &self.initiate_lane, sender, |filled| target.initiate(filled), read).await;
        if self.probe().slows_down() {
            self.probe().strain.initiated(&exchange);
        }
        match initiated {
            Some(Initiated::Accepted(accepted)) => Some((accepted, exchange.done)),
            _ => None,
        }
    }

    /// Everything after the id was handed out.
    async fn watch_over(&self, fillers: u32) {
        let scenario = &self.task.run.scenario;
        let readings = [
            (Kind::ForeignPoll, scenario.controls.foreign_user.as_slice()),
            (Kind::Witness, scenario.readings.witness.as_slice()),
            (Kind::Results, scenario.readings.results.as_slice()),
        ];
        let beside = (fillers > 0 || readings.iter().any(|(_, ages)| !ages.is_empty()))
            .then(|| Box::pin(join(self.fillers(fillers), join_all(readings.map(|(kind, ages)| self.readings(kind, ages))))));
        join(OptionFuture::from(beside), self.polls()).await;
        if scenario.readings.at_end {
            let ended = Box::pin(self.read_at_end()).await;
            // Where they say that it has ended and status did not, status has the last word: the readings came after its polls.
            if ended && self.reached(Until::Terminal).is_none() && scenario.then.is_none() && self.is_watched_to_its_end() {
                let at = self.probe().clock.now().after(scenario.expect.stall.0).after(AFTER_THE_STALL);
                Box::pin(self.poll(Planned { purpose: Purpose::Follow, offset: None, at, poller: 0, write: None })).await;
            }
        }
    }

    fn is_watched_to_its_end(&self) -> bool {
        self.arm.follow.is_some_and(|follow| follow.until == Until::Terminal)
    }

    /// Reads witness and results; whether either says that the scan has ended.
    async fn read_at_end(&self) -> bool {
        let mut ended = false;
        for kind in [Kind::Witness, Kind::Results] {
            let reading = self.read(kind, None).await;
            ended |= reading.is_some_and(|reading| match (kind, reading.state) {
                (_, Some(state)) => state.is_terminal(),
                (Kind::Results, None) => reading.answer == Answer::Visible,
                _ => false,
            });
        }
        ended
    }

    async fn fillers(&self, count: u32) {
        let first = self.offsets().first().copied().unwrap_or(Span(ROOM_FOR_FILLERS));
        if first.0 < ROOM_FOR_FILLERS || self.arm.connection == Connection::PreOpened {
            return;
        }
        for _ in 0..count {
            self.fill(&self.fresh, Connection::Fresh).await;
        }
    }

    fn offsets(&self) -> &[Span] {
        match self.task.only {
            Some(only) => self.arm.offsets.get(only..=only).unwrap_or_default(),
            None => &self.arm.offsets,
        }
    }

    /// The polls at the offsets, and the following after them. Where each poll gets a connection they may overlap, so that a slow
    /// answer never delays the next question; on a kept connection they cannot.
    async fn polls(&self) {
        let at = |offset: Span, poller| Planned {
            purpose: Purpose::Offset,
            offset: Some(offset),
            at: self.t0.after(offset.0),
            poller,
            write: None,
        };
        match self.arm.connection {
            Connection::Fresh | Connection::Pooled => {
                // Collected, since few whose number is known wait in a plain list.
                let mut polls = Vec::with_capacity(self.offsets().len() * self.arm.pollers as usize);
                for offset in self.offsets() {
                    polls.extend((0..self.arm.pollers).map(|poller| self.poll(at(*offset, poller))));
                }
                join(join_all(polls), OptionFuture::from(self.follow_if_asked())).await;
            }
            Connection::KeepAlive | Connection::PreOpened => {
                let pollers = (0..self.arm.pollers).map(|poller| async move {
                    for offset in self.offsets() {
                        self.poll(at(*offset, poller)).await;
                    }
                    if poller == 0 {
                        OptionFuture::from(self.follow_if_asked()).await;
                    }
                });
                join_all(pollers).await;
            }
        }
    }

    fn follow_if_asked(&self) -> Option<Pin<Box<impl Future<Output = ()>>>> {
        self.arm.follow.map(|follow| Box::pin(self.follow(follow)))
    }

    /// Polls on until the follow's end, with a phase of this scan's own.
    async fn follow(&self, follow: Follow) {
        let first = self.t0.after(self.offsets().last().copied().unwrap_or_default().0).after(self.phase(follow));
        let deadline = self.t0.after(follow.deadline.0);
        let mut then = self.task.run.scenario.then.as_ref();
        let mut slot = 0;
        // Results that come late after the end are only missed by whoever asks at once; when they come, by whoever goes on asking.
        let mut owes_results = self.task.run.scenario.readings.at_end && !follow.settle.0.is_zero();
        // Each poll strays from its slot by up to a fifth of it: scans that are polled in lock-step would meet a round-robin
        // router in the same order for ever, and each would always be sent to the same worker.
        let mut random = self.task.run.random(self.task.scan);
        random.set_word_pos(self.from_here);
        if follow.until == Until::Accepted {
            if let Some(second) = then {
                self.probe().clock.sleep_until(self.t0.after(follow.settle.0)).await;
                Box::pin(self.second_write(second)).await;
            }
            return;
        }
        loop {
            if slot == MOST_FOLLOWED {
                return;
            }
            // The first poll has its phase, which differs from scan to scan by itself.
            let stray = if slot == 0 { Duration::ZERO } else { follow.every.0.mul_f64(0.2 * random.random::<f64>()) };
            // Without a pause the answers set the pace.
            let planned = if follow.every.0.is_zero() {
                first.max(self.probe().clock.now())
            } else {
                first.after(slot_time(follow.every.0, slot) + stray)
            };
            // An end without its result may be none: it is watched for as long as the scan may be.
            let is_open = owes_results && self.reached(Until::Terminal).is_some();
            if planned > deadline || (self.is_over(follow, planned) && !is_open) {
                return;
            }
            slot += 1;
            // A poller that was held up does not make up for what it missed.
            if slot > 1 && !follow.every.0.is_zero() && planned.after(follow.every.0) < self.probe().clock.now() {
                continue;
            }
            self.poll(Planned { purpose: Purpose::Follow, offset: None, at: planned, poller: 0, write: None }).await;
            if owes_results && self.reached(Until::Terminal).is_some() {
                let reading = Box::pin(self.read(Kind::Results, None)).await;
                owes_results = reading.is_some_and(|reading| reading.answer == Answer::NotFound || reading.state == Some(State::Running));
            }
            if let Some(second) = then
                && self.reached(second.when).is_some()
            {
                then = None;
                Box::pin(self.second_write(second)).await;
                if second.action.ends_the_watching() || !second.delete.is_empty() {
                    return;
                }
            }
        }
    }

    /// The phases of consecutive scans are as even as can be (the golden ratio's multiples), from a start that the seed gives:
    /// so that many scans together resolve the window below the polls' spacing. Squared, early ages have more of them: a window
    /// that is shorter than the spacing is told by the first polls alone, and only by those that leave while it lasts.
    fn phase(&self, follow: Follow) -> Duration {
        const GOLDEN: f64 = 0.618_033_988_749_894_9;
        let start = (self.probe().options.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 11) as f64 / (1u64 << 53) as f64;
        follow.every.0.mul_f64((start + GOLDEN * f64::from(self.task.index + 1)).fract().powi(2))
    }

    fn reached(&self, until: Until) -> Option<Stamp> {
        let watch = *self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        match until {
            Until::Accepted => Some(self.t0),
            Until::Visible => watch.visible,
            Until::Terminal => watch.terminal,
            Until::Deadline => None,
        }
    }

    fn is_over(&self, follow: Follow, planned: Stamp) -> bool {
        self.reached(follow.until).is_some_and(|reached| planned > reached.after(follow.settle.0))
    }

    /// The second write and the polls after its answer; then perhaps the delete and the polls after that.
    async fn second_write(&self, then: &Then) {
        match then.action {
            Action::Repeat => {
                // A repeat may start a job, too.
                let Some(planned) = self.probe().job(self.probe().clock.now()).await else { return };
                let Some((accepted, t1)) = self.initiate(Kind::Repeat, planned).await else { return };
                if accepted.id != self.accepted.id {
                    self.keep_open(Kind::Repeat, &accepted);
                }
                self.polls_after(t1, &then.offsets, None).await;
            }
            Action::Cancel => self.write_and_poll(WriteKind::Cancel, &then.offsets).await,
            Action::Update => self.write_and_poll(WriteKind::Update, &then.offsets).await,
            Action::Delete => self.write_and_poll(WriteKind::Delete, &then.offsets).await,
        }
        if !then.delete.is_empty() {
            self.write_and_poll(WriteKind::Delete, &then.delete).await;
        }
    }

    /// Writes to the scan, if the target can, and asks whether that is seen.
    async fn write_and_poll(&self, write: WriteKind, offsets: &[Span]) {
        let target = &self.probe().target;
        if target.write(write, &self.variables, &self.accepted).is_none() {
            return;
        }
        let meta = self.meta(write.kind(), Connection::Fresh, self.probe().clock.now());
        let build = |filled: &Variables| target.write(write, filled, &self.accepted).unwrap_or(Err(RequestError::NoPath));
        let written = self.ask(meta, &self.fresh, &self.numbered(), build, |reply, _| by_code(target.read_by_code(reply))).await;
        if write == WriteKind::Delete && written.answer == Answer::Visible {
            // What its owner has deleted is not a job to wait for.
            self.probe().open().remove(&(self.task.scan, Kind::Initiate));
        }
        self.polls_after(written.done, offsets, Some(write)).await;
    }

    async fn polls_after(&self, t1: Stamp, offsets: &[Span], write: Option<WriteKind>) {
        for offset in offsets {
            let at = t1.after(offset.0);
            self.poll(Planned { purpose: Purpose::Then, offset: Some(*offset), at, poller: 0, write }).await;
        }
    }

    /// Remembers a job until it is seen to end.
    fn keep_open(&self, kind: Kind, accepted: &Accepted) {
        let run = &self.task.run;
        if run.probe.slows_down() {
            let job = OpenJob::new(run.index, self.task.arm, accepted.clone(), self.variables.clone(), self.jar.clone());
            run.probe.open().insert((self.task.scan, kind), job);
        }
    }

    fn status_request(&self) -> Result<Prepared, Unsendable> {
        self.probe().prepare(self.probe().target.status(&self.numbered(), Caller::Owner, &self.accepted, self.arm.route))
    }

    async fn poll(&self, planned: Planned) {
        let probe = self.probe();
        let lane = match self.arm.connection {
            Connection::KeepAlive => &self.initiate_lane,
            // There is a lane for every poller, or one for all.
            _ => self.poll_lanes.get(planned.poller as usize).unwrap_or(&self.poll_lanes[0]),
        };
        let meta = RequestMeta {
            purpose: planned.purpose,
            offset: planned.offset.map(Span::as_nanos),
            poller: planned.poller,
            route: self.arm.route,
            ..self.meta(Kind::Poll, self.arm.connection, planned.at)
        };
        let prepared = match self.arm.route {
            Some(Route::CacheBusted | Route::AsInitiator) if self.status_request.is_some() => self.status_request(),
            _ => Err(Unsendable::Address),
        };
        probe.clock.sleep_until(planned.at).await;
        let exchange = match (&self.status_request, self.arm.route) {
            // The request was built beforehand, so that nothing but the sending lies between the timer and the wire.
            (Some(request), None | Some(Route::HandedOut)) => self.send_status(meta, lane, request, planned.write).await,
            (Some(_), _) => self.send_status(meta, lane, &prepared, planned.write).await,
            (None, _) => Box::pin(self.poll_onward(meta, lane, planned.write)).await,
        };
        probe.was_asked((self.task.scan, Kind::Initiate), &exchange);
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        if exchange.answer == Answer::Visible {
            watch.visible.get_or_insert(exchange.done);
            if exchange.state.is_some_and(crate::model::answer::State::is_terminal) {
                watch.terminal.get_or_insert(exchange.done);
            }
        }
    }

    async fn readings(&self, kind: Kind, ages: &[Span]) {
        join_all(ages.iter().map(|age| self.read(kind, Some(*age)))).await;
    }

    /// One reading of something beside the owner's status, at an age or now; nothing if the target has no such thing.
    async fn read(&self, kind: Kind, age: Option<Span>) -> Option<Exchange> {
        let probe = self.probe();
        let target = &probe.target;
        let build = |filled: &Variables| match kind {
            Kind::ForeignPoll if target.can().foreign_user => Some(target.status(filled, Caller::Foreign, &self.accepted, None)),
            Kind::Witness => target.witness(filled, &self.accepted),
            Kind::Results => target.results(filled, &self.accepted),
            _ => None,
        };
        let variables = self.numbered();
        build(&variables)?.ok();
        let planned = age.map_or_else(|| probe.clock.now(), |age| self.t0.after(age.0));
        probe.clock.sleep_until(planned).await;
        let meta = RequestMeta { offset: age.map(Span::as_nanos), ..self.meta(kind, Connection::Fresh, planned) };
        let read = |reply: &Reply<'_>, filled: &Variables| {
            let about = About::scan(&self.accepted.id, filled);
            match kind {
                Kind::Witness => target.read_witness(reply, about),
                Kind::Results => target.read_results(reply, about),
                _ => target.read_status(reply, about),
            }
        };
        let build = |filled: &Variables| build(filled).unwrap_or(Err(RequestError::NoPath));
        // Another user has none of the scan's cookies.
        let jar = self.jar.as_deref().filter(|_| kind != Kind::ForeignPoll);
        let read = |reply: &Reply<'_>, filled: &Variables| (Recorded::of(read(reply, filled)), ());
        Some(probe.ask(meta, &self.fresh, Sender { variables: &variables, jar }, build, read).await.0)
    }

    /// Sends the status request, and notes whether the write before it is already seen in the answer.
    async fn send_status(
        &self,
        meta: RequestMeta,
        lane: &Lane,
        request: &Result<Prepared, Unsendable>,
        write: Option<WriteKind>,
    ) -> Exchange {
        let target = &self.probe().target;
        let read = |reply: &Reply<'_>| {
            let about = About::scan(&self.accepted.id, &self.variables);
            let seen = write.and_then(|write| target.read_write_seen(write, reply, about));
            (Recorded { seen, ..Recorded::of(target.read_status(reply, about)) }, ())
        };
        self.probe().send_recorded(meta, lane, request, read).await.0
    }
}

/// So many times the pause between two polls; a checked scenario stays far below the largest duration.
fn slot_time(every: Duration, slot: u64) -> Duration {
    every.saturating_mul(u32::try_from(slot).unwrap_or(u32::MAX))
}

/// A reading that tells no more than its HTTP code does.
fn by_code(answer: Answer) -> Reading {
    Reading::of(answer)
}

#[cfg(test)]
mod tests {
    use super::ScanTask;

    /// How large the future of a function is.
    fn room<A, F: Future>(_: impl FnOnce(A) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_scan_under_way_needs_little_room() {
        let bytes = room(ScanTask::run);
        assert!(bytes < 768, "{bytes} bytes for each scan");
    }
}
