//! One scan, from its initiate to the last poll.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{OptionFuture, join, join_all};
use rand::RngExt;
use sha1::{Digest as _, Sha1};

use crate::model::answer::Answer;
use crate::model::compact::CompactOption;
use crate::model::digest::Digest;
use crate::model::exchange::{Connection, Exchange, Kind, Purpose, Route};
use crate::model::scenario::{Action, Arm, Follow, MOST_FOLLOWED, Then, Until};
use crate::model::text::Text;
use crate::model::time::{Nanos, Span, Stamp};
use crate::probe::backlog::OpenJob;
use crate::probe::drive::{ScenarioRun, uuid};
use crate::probe::transport::{Lane, Prepared, Unsendable};
use crate::target::{Accepted, Caller, Initiated, Reading, Reply, Variables};

/// A request about to be sent: everything of its log line that is known beforehand.
#[derive(Debug, Clone)]
pub(crate) struct Shot {
    scenario: u32,
    arm: u32,
    scan: Option<u64>,
    kind: Kind,
    purpose: Purpose,
    connection: Connection,
    poller: u32,
    offset: Option<Nanos>,
    planned: Stamp,
    route: Option<Route>,
    id: Option<Text>,
}

impl Shot {
    /// A request that belongs to no scan, on a fresh connection.
    pub(crate) fn other(scenario: u32, kind: Kind, planned: Stamp) -> Shot {
        Shot {
            scenario,
            arm: 0,
            scan: None,
            kind,
            purpose: Purpose::Other,
            connection: Connection::Fresh,
            poller: 0,
            offset: None,
            planned,
            route: None,
            id: None,
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// A look at a job beside what is measured: it is no evidence, and counts as a filler.
    pub(crate) fn look(scenario: u32, arm: u32, scan: u64, id: &str, now: Stamp) -> Shot {
        Shot { arm, scan: Some(scan), ..Shot::other(scenario, Kind::Filler, now) }.with_id(id)
    }

    /// A poll of a job that its scan's own polls left denied.
    pub(crate) fn follow(scenario: u32, arm: u32, scan: u64, now: Stamp) -> Shot {
        Shot { arm, scan: Some(scan), purpose: Purpose::Follow, ..Shot::other(scenario, Kind::Poll, now) }
    }

    /// When it was to leave.
    pub(crate) fn planned(&self) -> Stamp {
        self.planned
    }

    /// Whether nothing but ourselves could make it leave late: it waits for no answer before it.
    pub(crate) fn is_due(&self) -> bool {
        self.kind == Kind::Poll && self.purpose == Purpose::Offset && matches!(self.connection, Connection::Fresh | Connection::Pooled)
    }

    pub(crate) fn with_id(mut self, id: &str) -> Shot {
        self.id = Some(id.into());
        self
    }

    /// The log line, as far as it is known when the request leaves.
    pub(crate) fn begin(&self, sent: Stamp) -> Exchange {
        Exchange {
            scenario: self.scenario,
            arm: self.arm,
            scan: self.scan.into(),
            kind: self.kind,
            purpose: self.purpose,
            connection: self.connection,
            poller: self.poller,
            offset: self.offset.into(),
            planned: self.planned,
            sent,
            first_byte: CompactOption::NONE,
            done: sent,
            conn: CompactOption::NONE,
            new_conn: None,
            http: None,
            answer: Answer::Transport,
            fault: None,
            state: None,
            word: None,
            progress: CompactOption::NONE,
            id: self.id.clone(),
            echo: None,
            worker: None,
            cache: None,
            seen: None,
            route: self.route,
            trace: None,
            digest: None,
            body: None,
        }
    }

    /// Whether an answer is worth keeping the body of.
    pub(crate) fn is_unexpected(&self, answer: Answer) -> bool {
        match self.kind {
            Kind::Initiate | Kind::Repeat => answer != Answer::Accepted,
            Kind::Poll | Kind::Witness => answer != Answer::Visible,
            Kind::ForeignPoll | Kind::UnknownPoll => answer != Answer::NotFound,
            Kind::Results => !answer.is_evidence(),
            Kind::Cancel | Kind::Filler => false,
        }
    }
}

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
        let mut scan = Scan {
            task: &self,
            arm,
            from_here,
            variables: Variables { n: self.n, uuid, nonce: 0 },
            accepted: Accepted::default(),
            t0: Stamp(0),
            initiate_lane,
            poll_lanes,
            fresh: transport.lane(Connection::Fresh),
            status_request: None,
            watch: Mutex::new(Watch::default()),
        };
        scan.warm(fillers).await;
        let Some((accepted, t0)) = scan.initiate(Kind::Initiate, scan.task.planned).await else { return };
        scan.accepted = accepted;
        scan.t0 = t0;
        scan.keep_open(Kind::Initiate, &scan.accepted);
        scan.status_request = Some(scan.status_request());
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
struct Scan<'a> {
    task: &'a ScanTask,
    arm: &'a Arm,
    /// Where its randomness goes on.
    from_here: u128,
    variables: Variables,
    accepted: Accepted,
    t0: Stamp,
    /// The initiate's lane; polls of a kept arm share it.
    initiate_lane: Lane,
    /// One lane per poller, or a single one from which every exchange gets a connection.
    poll_lanes: Vec<Lane>,
    /// For readings beside the polls.
    fresh: Lane,
    /// The status request, once the id is known: the same for every poll that is not to miss a cache.
    status_request: Option<Result<Prepared, Unsendable>>,
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
}

/// Fillers are sent only if the first poll is at least this far away: a filler under way would delay a poll on a small
/// machine by more than it shifts any routing.
const ROOM_FOR_FILLERS: Duration = Duration::from_millis(20);

/// The last poll leaves a little after what may be a lag, so that rounding cannot make it too early.
const AFTER_THE_STALL: Duration = Duration::from_millis(10);

impl Scan<'_> {
    fn probe(&self) -> &crate::probe::drive::Probe {
        &self.task.run.probe
    }

    fn shot(&self, kind: Kind, connection: Connection, planned: Stamp) -> Shot {
        Shot { arm: self.task.arm, scan: Some(self.task.scan), connection, ..Shot::other(self.task.run.index, kind, planned) }
    }

    fn numbered(&self) -> Variables {
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
        let shot = self.shot(Kind::Filler, connection, self.probe().clock.now());
        let mut variables = self.numbered();
        // The default filler polls a never-issued id, which must not become the id of this scan.
        variables.uuid = format!("{:032x}", u128::from(variables.nonce));
        let request = self.probe().prepare(self.probe().target.filler(&variables));
        self.probe().fire(shot, lane, &request, |reply| by_code(self.probe().target.read_by_code(reply))).await;
    }

    /// Asks for the scan; t = 0 is the instant at which the whole answer had arrived.
    async fn initiate(&self, kind: Kind, planned: Stamp) -> Option<(Accepted, Stamp)> {
        let shot = self.shot(kind, self.arm.connection.of_initiate(), planned);
        let request = self.probe().prepare(self.probe().target.initiate(&self.variables));
        let (exchange, initiated) = self.probe().fire_initiate(shot, &self.initiate_lane, &request).await;
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
                Box::pin(self.poll(Planned { purpose: Purpose::Follow, offset: None, at, poller: 0 })).await;
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
        let at = |offset: Span, poller| Planned { purpose: Purpose::Offset, offset: Some(offset), at: self.t0.after(offset.0), poller };
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
        // Results that come late after the end are only missed by whoever asks at once.
        let mut owes_results = self.task.run.scenario.readings.at_end && !follow.settle.0.is_zero();
        // Each poll strays from its slot by up to a fifth of it: scans that are polled in lock-step would meet a round-robin
        // router in the same order for ever, and each would always be sent to the same worker.
        let mut random = self.task.run.random(self.task.scan);
        random.set_word_pos(self.from_here);
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
            if planned > deadline || self.is_over(follow, planned) {
                return;
            }
            slot += 1;
            // A poller that was held up does not make up for what it missed.
            if slot > 1 && !follow.every.0.is_zero() && planned.after(follow.every.0) < self.probe().clock.now() {
                continue;
            }
            self.poll(Planned { purpose: Purpose::Follow, offset: None, at: planned, poller: 0 }).await;
            if owes_results && self.reached(Until::Terminal).is_some() {
                owes_results = false;
                Box::pin(self.read(Kind::Results, None)).await;
            }
            if let Some(second) = then
                && self.reached(second.when).is_some()
            {
                then = None;
                Box::pin(self.second_write(second)).await;
                if second.action == Action::Cancel {
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
            Until::Visible => watch.visible,
            Until::Terminal => watch.terminal,
            Until::Deadline => None,
        }
    }

    fn is_over(&self, follow: Follow, planned: Stamp) -> bool {
        self.reached(follow.until).is_some_and(|reached| planned > reached.after(follow.settle.0))
    }

    /// The second write, and the polls after its answer.
    async fn second_write(&self, then: &Then) {
        let t1 = match then.action {
            Action::Repeat => {
                // A repeat may start a job, too.
                let Some(planned) = self.probe().job(self.probe().clock.now()).await else { return };
                let Some((accepted, t1)) = self.initiate(Kind::Repeat, planned).await else { return };
                if accepted.id != self.accepted.id {
                    self.keep_open(Kind::Repeat, &accepted);
                }
                t1
            }
            Action::Cancel => {
                let Some(request) = self.probe().target.cancel(&self.variables, &self.accepted) else { return };
                let request = self.probe().prepare(request);
                let shot = self.shot(Kind::Cancel, Connection::Fresh, self.probe().clock.now());
                self.probe().fire(shot, &self.fresh, &request, |reply| by_code(self.probe().target.read_by_code(reply))).await.done
            }
        };
        for offset in &then.offsets {
            self.poll(Planned { purpose: Purpose::Then, offset: Some(*offset), at: t1.after(offset.0), poller: 0 }).await;
        }
    }

    /// Remembers a job until it is seen to end.
    fn keep_open(&self, kind: Kind, accepted: &Accepted) {
        let run = &self.task.run;
        if run.probe.slows_down() {
            let job = OpenJob::new(run.index, self.task.arm, accepted.clone(), self.variables.clone());
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
        // The request is built beforehand, so that nothing but the sending lies between the timer and the wire.
        let own;
        let request = match (&self.status_request, self.arm.route) {
            (Some(request), None | Some(Route::HandedOut)) => request,
            _ => {
                own = self.status_request();
                &own
            }
        };
        let shot = Shot {
            purpose: planned.purpose,
            offset: planned.offset.map(Span::as_nanos),
            poller: planned.poller,
            route: self.arm.route,
            ..self.shot(Kind::Poll, self.arm.connection, planned.at)
        };
        probe.clock.sleep_until(planned.at).await;
        let exchange = probe.fire_status(shot, lane, request, &self.accepted.id).await;
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
        let id = self.accepted.id.as_str();
        let request = match kind {
            Kind::ForeignPoll if target.can().foreign_user => Some(target.status(&self.numbered(), Caller::Foreign, &self.accepted, None)),
            Kind::Witness => target.witness(&self.numbered(), &self.accepted),
            Kind::Results => target.results(&self.numbered(), &self.accepted),
            _ => None,
        };
        let request = probe.prepare(request?);
        let planned = age.map_or_else(|| probe.clock.now(), |age| self.t0.after(age.0));
        probe.clock.sleep_until(planned).await;
        let shot = Shot { offset: age.map(Span::as_nanos), ..self.shot(kind, Connection::Fresh, planned) };
        let reading = probe.fire(shot, &self.fresh, &request, |reply| match kind {
            Kind::Witness => target.read_witness(reply, id),
            Kind::Results => target.read_results(reply, id),
            _ => target.read_status(reply, id),
        });
        Some(reading.await)
    }
}

/// So many times the pause between two polls; a checked scenario stays far below the largest duration.
fn slot_time(every: Duration, slot: u64) -> Duration {
    every.saturating_mul(u32::try_from(slot).unwrap_or(u32::MAX))
}

/// A reading that tells no more than its HTTP code does.
fn by_code(answer: Answer) -> Reading {
    Reading { answer, state: None, word: None, progress: None, echo: None, reason: None }
}

impl crate::probe::drive::Probe {
    /// Sends an initiate; its log line carries the id that was handed out, or the reason why there is none.
    async fn fire_initiate(&self, shot: Shot, lane: &Lane, request: &Result<Prepared, Unsendable>) -> (Exchange, Option<Initiated>) {
        self.fire_for(shot, lane, request, |reply| {
            let initiated = self.target.read_initiate(reply);
            let reading = match &initiated {
                Initiated::Accepted(accepted) => Noted { reading: by_code(Answer::Accepted), id: Some(accepted.id.clone()), seen: None },
                Initiated::Failed { answer, reason } => {
                    Noted { reading: Reading { reason: Some(reason.clone()), ..by_code(*answer) }, id: None, seen: None }
                }
            };
            (reading, initiated)
        })
        .await
    }

    /// Sends a status poll of the owner, and notes whether a second write is already seen in the answer.
    async fn fire_status(&self, shot: Shot, lane: &Lane, request: &Result<Prepared, Unsendable>, id: &str) -> Exchange {
        let after_write = shot.purpose == Purpose::Then;
        let read = |reply: &Reply<'_>| {
            let seen = if after_write { self.target.read_cancel_seen(reply, id) } else { None };
            (Noted { reading: self.target.read_status(reply, id), id: None, seen }, ())
        };
        self.fire_for(shot, lane, request, read).await.0
    }
}

/// A reading with what only some exchanges note beside it.
pub(crate) struct Noted {
    pub(crate) reading: Reading,
    pub(crate) id: Option<String>,
    pub(crate) seen: Option<bool>,
}

/// What is kept of a body to tell it from others.
pub(crate) fn digest(body: &[u8]) -> Digest {
    let mut first = [0; 8];
    // The digest has 20 bytes.
    first.copy_from_slice(&Sha1::digest(body)[..8]);
    first.into()
}

#[cfg(test)]
mod tests {
    use super::{ScanTask, digest};

    /// How large the future of a function is.
    fn room<A, F: Future>(_: impl FnOnce(A) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_scan_under_way_needs_little_room() {
        let bytes = room(ScanTask::run);
        assert!(bytes < 768, "{bytes} bytes for each scan");
    }

    #[test]
    fn a_digest_is_the_beginning_of_the_sha1_that_everybody_computes() {
        // sha1sum (GNU coreutils 9.1) of `abc` and of nothing
        assert_eq!(digest(b"abc").to_string(), "a9993e364706816a");
        assert_eq!(digest(b"").to_string(), "da39a3ee5e6b4b0d");
    }
}
