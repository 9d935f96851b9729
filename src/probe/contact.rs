//! First contact: a few requests before a run, sent and recorded apart from it. What they mean is the target's business.

use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::model::answer::{Answer, TransportFault};
use crate::model::contact::{Contact, ContactStep, Contacted, Problem, QUOTED, visible};
use crate::model::exchange::{Connection, Exchange, Kind};
use crate::model::limits::cut;
use crate::model::time::Nanos;
use crate::probe::drive::{Probe, uuid};
use crate::probe::scan::{Noted, Shot};
use crate::target::{
    Accepted, Caller, Explaining, Heard, IdFault, Initiated, Reading, Reply, Request, RequestError, StatusFinding, Target, Variables,
};

/// Randomness of its own, so that a run draws the same with first contact and without.
const CONTACT: u64 = 1 << 59;

/// How long a target that is down or busy has, before it is asked again.
const BETWEEN_POSTS: [Duration; 2] = [Duration::from_millis(500), Duration::from_millis(1500)];

/// The same for a job that may only just have been accepted.
const BETWEEN_POLLS: [Duration; 3] = [Duration::from_millis(250), Duration::from_millis(750), Duration::from_millis(1500)];

/// The same for a job that is answered like a path that does not exist: most windows are over by then, and whoever was visible once
/// proves that the path exists.
const BETWEEN_LOOKS: [Duration; 5] = [
    Duration::from_millis(250),
    Duration::from_millis(750),
    Duration::from_millis(1500),
    Duration::from_millis(2500),
    Duration::from_secs(5),
];

/// Nobody waits longer than that for a run that has not begun.
const LONGEST_WAIT: u64 = 10;

/// Asks for one job, for an id that was never issued, and for the job; `n` is the number in the first request. Says what keeps the
/// run from working, if anything does.
pub async fn first_contact(probe: &Arc<Probe>, n: u64) -> Contact {
    let mut random = ChaCha8Rng::seed_from_u64(probe.options.seed);
    random.set_stream(CONTACT);
    let mut variables = Variables { n, uuid: uuid(&mut random), nonce: 0 };
    let mut contact = Contact::default();
    let mut asking = Asking { probe, contact: &mut contact };
    let accepted = match asking.for_a_job(&mut variables, &mut random).await {
        Ok(accepted) => accepted,
        Err(problem) => {
            contact.problem = Some(problem);
            return contact;
        }
    };
    match asking.about(&accepted, &mut variables, &mut random).await {
        StatusFinding::GoOn(note) => contact.notes.extend(note),
        StatusFinding::LikeNoSuchPath(unrouted) => contact.unrouted = Some(unrouted),
        StatusFinding::AskAgain(problem) | StatusFinding::End(problem) => contact.problem = Some(problem),
    }
    contact
}

struct Asking<'a> {
    probe: &'a Arc<Probe>,
    contact: &'a mut Contact,
}

/// What the reader of a reply takes along.
struct More {
    initiated: Option<Initiated>,
    id_fault: Option<IdFault>,
    reason: Option<String>,
    headers: Explaining,
    body: String,
}

impl Asking<'_> {
    async fn for_a_job(&mut self, variables: &mut Variables, random: &mut ChaCha8Rng) -> Result<Accepted, Problem> {
        let mut pauses = BETWEEN_POSTS.iter();
        loop {
            // Counted against the run's limit of jobs; a limit that is reached here leaves none for the run, which says so.
            self.probe.options.restraint.jobs.start();
            let (heard, initiated) = self.ask(ContactStep::Initiate, self.probe.target.initiate(variables), "").await;
            let Some(mut problem) = self.probe.target.wrong_initiate(&heard) else {
                if let Some(Initiated::Accepted(accepted)) = initiated {
                    return Ok(accepted);
                }
                continue;
            };
            let pause = pauses.next().filter(|_| problem.may_pass && !waits_long(&heard) && heard.fault != Some(TransportFault::Timeout));
            let Some(pause) = pause else {
                let tries = self.contact.exchanges.len();
                if tries > 1 {
                    problem.answered = format!("{} ({tries} tries)", problem.answered);
                }
                return Err(problem);
            };
            self.pause(*pause).await;
            variables.uuid = uuid(random);
        }
    }

    async fn about(&mut self, accepted: &Accepted, variables: &mut Variables, random: &mut ChaCha8Rng) -> StatusFinding {
        let target = Arc::clone(&self.probe.target);
        let of_scan = variables.clone();
        variables.uuid = uuid(random);
        let never = match target.unknown_like(variables, accepted) {
            Ok((id, request)) => Some(self.ask(ContactStep::NeverIssued, Ok(request), &id).await.0),
            // The verdict says that the control is missing.
            Err(_) => None,
        };
        if let Some(never) = never.as_ref().filter(|never| never.answer == Answer::Throttled && waits_long(never)) {
            return StatusFinding::End(Target::throttled(never));
        }
        let mut nowhere = None;
        let (mut pauses, mut looks) = (BETWEEN_POLLS.iter(), BETWEEN_LOOKS.iter());
        loop {
            let request = target.status(&of_scan, Caller::Owner, accepted, None);
            let poll = self.ask(ContactStep::HandedOut, request, &accepted.id).await.0;
            let in_question = poll.answer != Answer::Visible && poll.fault.is_none();
            if in_question
                && nowhere.is_none()
                && never.as_ref().is_none_or(|never| Target::are_alike(never, &poll))
                && let Some(request) = target.no_such_path(variables, accepted)
            {
                nowhere = Some(self.ask(ContactStep::NoSuchPath, request, &accepted.id).await.0);
            }
            let finding = target.status_finding(never.as_ref(), &poll, nowhere.as_ref());
            let pause = match &finding {
                StatusFinding::AskAgain(_) if !waits_long(&poll) => pauses.next(),
                StatusFinding::LikeNoSuchPath(_) => looks.next(),
                _ => None,
            };
            match pause {
                Some(pause) => self.pause(*pause).await,
                None => return finding,
            }
        }
    }

    async fn pause(&self, pause: Duration) {
        self.probe.clock.sleep_until(self.probe.clock.now().after(pause)).await;
    }

    async fn ask(&mut self, step: ContactStep, request: Result<Request, RequestError>, id: &str) -> (Heard, Option<Initiated>) {
        let probe = self.probe;
        let clean = |text: String| probe.recorder.without_secrets(text);
        let asked = match &request {
            Ok(request) => visible(&cut(clean(as_asked(request)), 2 * QUOTED)),
            Err(_) if step == ContactStep::Initiate => "[initiate]".to_owned(),
            Err(_) => "[status]".to_owned(),
        };
        let kind = match step {
            ContactStep::Initiate => Kind::Initiate,
            ContactStep::NeverIssued => Kind::UnknownPoll,
            ContactStep::HandedOut | ContactStep::NoSuchPath => Kind::Poll,
        };
        let lane = probe.transport.lane(Connection::Fresh);
        let shot = Shot::other(0, kind, probe.clock.now()).with_id(id);
        let read = |reply: &Reply<'_>| {
            let (reading, initiated) = match step {
                ContactStep::Initiate => {
                    let initiated = probe.target.read_initiate(reply);
                    let reading = match &initiated {
                        Initiated::Accepted(_) => plain(Answer::Accepted, None),
                        Initiated::Failed { answer, reason } => plain(*answer, Some(reason.clone())),
                    };
                    (reading, Some(initiated))
                }
                _ => (probe.target.read_status(reply, id), None),
            };
            let more = More {
                id_fault: initiated.as_ref().and_then(|_| probe.target.id_fault(reply)),
                initiated,
                reason: reading.reason.clone().map(|reason| probe.recorder.note(reason)),
                headers: Explaining::of(reply.headers, |text| probe.recorder.note(text)),
                body: probe.recorder.excerpt(reply.body),
            };
            (Noted { reading, id: None, seen: None }, more)
        };
        let (exchange, more) = probe.fire_for(shot, &lane, &probe.prepare(request), read).await;
        let (heard, initiated) = heard(asked, id, &exchange, more);
        self.contact.exchanges.push(Contacted {
            step,
            asked: heard.asked.clone(),
            http: heard.http,
            fault: heard.fault,
            answer: heard.answer,
            body: (!heard.body.is_empty()).then(|| cut(visible(&heard.body), QUOTED)),
            took: Nanos::from(exchange.round_trip()),
        });
        (heard, initiated)
    }
}

fn heard(asked: String, id: &str, exchange: &Exchange, more: Option<More>) -> (Heard, Option<Initiated>) {
    let of_request = exchange.body.as_ref().filter(|_| more.is_none()).map(|why| why.as_str().to_owned());
    let (initiated, id_fault, reason, headers, body) = match more {
        Some(more) => (more.initiated, more.id_fault, more.reason, more.headers, more.body),
        None => (None, None, of_request, Explaining::default(), String::new()),
    };
    let heard = Heard {
        asked,
        answer: exchange.answer,
        http: exchange.http,
        fault: exchange.fault,
        reason,
        headers,
        body,
        id: id.to_owned(),
        id_fault,
    };
    (heard, initiated)
}

/// Whether a target asks to be left alone for longer than a run should take to begin.
fn waits_long(heard: &Heard) -> bool {
    heard.headers.retry_after.as_ref().is_some_and(|after| after.trim().parse().is_ok_and(|seconds: u64| seconds > LONGEST_WAIT))
}

fn plain(answer: Answer, reason: Option<String>) -> Reading {
    Reading { answer, state: None, word: None, progress: None, echo: None, reason }
}

/// Method and path, or the whole address where it is another server's.
fn as_asked(request: &Request) -> String {
    let path = request.url.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
    match path {
        Some(path) if !request.leaves_origin => format!("{} {path}", request.method),
        _ => format!("{} {}", request.method, request.url),
    }
}
