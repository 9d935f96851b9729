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
use crate::probe::cookies::Jar;
use crate::probe::recorded::Recorded;
use crate::probe::request_meta::RequestMeta;
use crate::probe::runner::{Probe, uuid};
use crate::probe::session::Known;
use crate::target::{
    About, Accepted, Caller, Explaining, Heard, IdFault, Initiated, Knows, LoginOutcome, OtherId, Reading, Reply, Request, RequestError,
    Session, StatusFinding, Target, Turn, Variables,
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

/// One job may be lost, and two may be.
const MORE_JOBS: usize = 2;

/// Nobody waits longer than that for a run that has not begun.
const LONGEST_WAIT: u64 = 10;

/// Asks for one job, for an id that was never issued, and for the job; `n` is the number in the first request. Says what keeps the
/// run from working, if anything does.
pub async fn first_contact(probe: &Arc<Probe>, n: u64) -> Contact {
    let mut random = ChaCha8Rng::seed_from_u64(probe.options.seed);
    random.set_stream(CONTACT);
    let mut variables = Variables { n, uuid: uuid(&mut random), ..Variables::default() };
    let mut contact = Contact::default();
    let mut asking = Asking { probe, contact: &mut contact, login: Known::default(), jar: None };
    if let Err(problem) = asking.log_in(&variables).await {
        contact.problem = Some(problem);
        return contact;
    }
    let (accepted, others) = match asking.for_a_job(&mut variables, &mut random).await {
        Ok(accepted) => accepted,
        Err(problem) => {
            contact.problem = Some(problem);
            return contact;
        }
    };
    match asking.about(&accepted, &others, &mut variables, &mut random).await {
        StatusFinding::GoOn(note) => contact.notes.extend(note),
        StatusFinding::Doubtful(unrouted) => contact.unrouted = Some(unrouted),
        StatusFinding::AskAgain(problem) | StatusFinding::End(problem) => contact.problem = Some(problem),
    }
    contact
}

struct Asking<'a> {
    probe: &'a Arc<Probe>,
    contact: &'a mut Contact,
    /// What the logins gave.
    login: Known,
    /// The cookies of the last job.
    jar: Option<Jar>,
}

/// What the reader of a reply takes along.
struct More {
    initiated: Option<Initiated>,
    id_fault: Option<IdFault>,
    reason: Option<String>,
    headers: Explaining,
    body: String,
    knows: Knows,
    others: Vec<OtherId>,
    /// What a step before the POST gave.
    session: Option<Session>,
}

/// Reads the reply to a step: what it gave, or what it means instead, and why.
type ReadStep<'a> = dyn Fn(&Reply<'_>, &Variables) -> Result<Session, (Answer, String)> + Sync + 'a;

/// A request that is filled with the login that holds when it is sent.
type Build<'a> = dyn Fn(&Variables) -> Result<Request, RequestError> + Sync + 'a;

/// What came of a POST that was accepted.
type Job = (Accepted, Vec<OtherId>);

impl Asking<'_> {
    /// Logs in, if the target wants that.
    async fn log_in(&mut self, variables: &Variables) -> Result<(), Problem> {
        let target = Arc::clone(&self.probe.target);
        let (mut logins, mut captured) = (Vec::new(), self.login.captured.clone());
        let mut problem = None;
        for nth in 0..target.logins() {
            let Some(request) = target.login(nth, variables) else { continue };
            let read = |reply: &Reply<'_>, _: &Variables| target.read_login(nth, reply);
            let (heard, _, session) = self.ask_step(ContactStep::Login, request, "", variables, Some(&read)).await;
            let at = self.probe.clock.now();
            if let Some(session) = session {
                captured = captured.with(&session.captured);
                logins.push(LoginOutcome::Given { at, lasts: session.lasts });
            } else {
                logins.push(LoginOutcome::Failed { at });
                problem = Some(self.without_secrets(target.wrong_step(&heard, &target.login_table(nth))));
                break;
            }
        }
        self.login = Known { validity: self.login.validity.after(&logins), captured };
        problem.map_or(Ok(()), Err)
    }

    /// The steps before the POST.
    async fn set_up(&mut self, variables: &mut Variables) -> Result<(), Problem> {
        variables.captured = self.login.captured.clone();
        self.jar = self.probe.target.keeps_cookies().then(Jar::default);
        let target = Arc::clone(&self.probe.target);
        for step in 0..target.setups() {
            let build = |variables: &Variables| target.setup(step, variables).unwrap_or(Err(RequestError::NoPath));
            let read = |reply: &Reply<'_>, variables: &Variables| {
                target.read_setup(step, reply, variables).map(|captured| Session { captured, lasts: None })
            };
            let (heard, _, session) = self.ask_logged_in(ContactStep::Setup, &build, "", variables, Some(&read)).await;
            let Some(session) = session else { return Err(self.without_secrets(target.wrong_step(&heard, "[[setup]]"))) };
            variables.captured = session.captured;
        }
        Ok(())
    }

    async fn for_a_job(&mut self, variables: &mut Variables, random: &mut ChaCha8Rng) -> Result<Job, Problem> {
        let mut pauses = BETWEEN_POSTS.iter();
        loop {
            // Counted against the run's limit of jobs; a limit that is reached here leaves none for the run, which says so.
            self.probe.options.restraint.jobs.start();
            self.set_up(variables).await?;
            let target = Arc::clone(&self.probe.target);
            let (heard, job) = self.ask(ContactStep::Initiate, &|variables| target.initiate(variables), "", variables).await;
            let Some(mut problem) = self.probe.target.wrong_initiate(&heard) else {
                if let Some(job) = job {
                    return Ok(job);
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

    async fn about(
        &mut self,
        accepted: &Accepted,
        others: &[OtherId],
        variables: &mut Variables,
        random: &mut ChaCha8Rng,
    ) -> StatusFinding {
        let target = Arc::clone(&self.probe.target);
        variables.captured = accepted.captured.clone();
        let of_scan = variables.clone();
        let began = self.probe.clock.now();
        variables.uuid = uuid(random);
        let never = match target.unknown_like(variables, accepted) {
            Ok((id, _)) => {
                let build = |variables: &Variables| target.unknown_like(variables, accepted).map(|(_, request)| request);
                Some(self.ask(ContactStep::NeverIssued, &build, &id, variables).await.0)
            }
            // The verdict says that the control is missing.
            Err(_) => None,
        };
        if let Some(never) = never.as_ref().filter(|never| never.answer == Answer::Throttled && waits_long(never)) {
            return StatusFinding::End(Target::throttled(never));
        }
        // Where even that is visible, no other id proves anything.
        let mut others = if never.as_ref().is_some_and(|never| never.answer == Answer::Visible) { &[][..] } else { others };
        let mut known = None;
        // What is visible by the same path and proves nothing of the job's id; but the path exists.
        let mut beside = None;
        let mut path_exists = false;
        let mut nowhere = None;
        let mut doubt = None;
        let (mut pauses, mut looks) = (BETWEEN_POLLS.iter(), BETWEEN_LOOKS.iter());
        loop {
            let poll = self.poll(&of_scan, accepted).await;
            if let Some(problem) = never.as_ref().and_then(|never| target.visible_by_mistake(never, &poll)) {
                return StatusFinding::End(self.without_secrets(problem));
            }
            let in_question = poll.answer != Answer::Visible && poll.fault.is_none();
            if in_question
                && nowhere.is_none()
                && never.as_ref().is_none_or(|never| Target::are_alike(never, &poll))
                && target.no_such_path(variables, accepted).is_some()
            {
                let uuid = &variables.uuid;
                let build = |of_scan: &Variables| {
                    let beside = Variables { uuid: uuid.clone(), ..of_scan.clone() };
                    target.no_such_path(&beside, accepted).unwrap_or(Err(RequestError::NoPath))
                };
                nowhere = Some(self.ask(ContactStep::NoSuchPath, &build, &accepted.id, &of_scan).await.0);
            }
            let may_be_another = in_question && !matches!(poll.answer, Answer::Throttled);
            if may_be_another {
                for other in std::mem::take(&mut others) {
                    let heard = self.for_another(&of_scan, other).await;
                    if heard.answer != Answer::Visible {
                        continue;
                    }
                    path_exists = true;
                    let names_another = heard.knows.echo.as_ref().is_some_and(|echo| *echo != other.id && *echo != accepted.id);
                    if other.of_several || heard.knows.of_several || names_another {
                        beside.get_or_insert((other.clone(), heard));
                    } else {
                        known = Some((other.clone(), heard));
                        break;
                    }
                }
            }
            let finding = match target.status_finding(never.as_ref(), &poll, nowhere.as_ref()) {
                StatusFinding::Doubtful(unrouted) if path_exists && unrouted.shape.is_some() => StatusFinding::GoOn(None),
                finding => finding,
            };
            let pause = match &finding {
                _ if may_be_another && known.is_some() => looks.next(),
                StatusFinding::AskAgain(_) if !waits_long(&poll) => pauses.next(),
                StatusFinding::Doubtful(unrouted) => {
                    doubt = Some(unrouted.clone()).filter(|unrouted| unrouted.shape.is_none());
                    looks.next()
                }
                _ => None,
            };
            if let Some(pause) = pause {
                self.pause(*pause).await;
                continue;
            }
            if let Some((other, heard)) = known.take().filter(|_| may_be_another) {
                let waited = self.probe.clock.now().elapsed_from(began).as_secs();
                if self.is_of_the_job(accepted, &other, variables, random).await {
                    return StatusFinding::End(self.without_secrets(target.wrong_pointer(&poll, waited, &other, &heard)));
                }
                // It proves nothing, and what else is to be asked is asked as without it.
                continue;
            }
            if let Some((other, heard)) = beside.take().filter(|_| in_question) {
                self.contact.notes.push(self.probe.recorder.without_secrets(target.perhaps_wrong_pointer(&other, &heard)));
            }
            // A rule that denied the job for a while may be the gap, and may be wrong.
            return match (finding, doubt) {
                (StatusFinding::GoOn(None), Some(doubt)) => {
                    StatusFinding::GoOn(Some(format!("`{}` answered {} {}, and {}", doubt.asked, doubt.http, doubt.quoted, doubt.change)))
                }
                (finding, _) => finding,
            };
        }
    }

    /// The status of something else that the POST's answer has.
    async fn for_another(&mut self, variables: &Variables, other: &OtherId) -> Heard {
        let accepted = Accepted { id: other.id.clone(), ..Accepted::default() };
        let target = Arc::clone(&self.probe.target);
        let build = |variables: &Variables| target.status(variables, Caller::Owner, &accepted, None);
        self.ask(ContactStep::OtherId, &build, &other.id, variables).await.0
    }

    /// The status of a job.
    async fn poll(&mut self, variables: &Variables, accepted: &Accepted) -> Heard {
        let target = Arc::clone(&self.probe.target);
        let build = |variables: &Variables| target.status(variables, Caller::Owner, accepted, None);
        self.ask(ContactStep::HandedOut, &build, &accepted.id, variables).await.0
    }

    /// Whether something else that is visible names the job, and not what all jobs have in common, or an earlier job: two more jobs have
    /// others, which are visible as well, and neither is visible by the id that the file names for as long as the first was looked at.
    async fn is_of_the_job(&mut self, accepted: &Accepted, other: &OtherId, variables: &mut Variables, random: &mut ChaCha8Rng) -> bool {
        if other.is_status_address {
            return true;
        }
        let mut jobs = Vec::with_capacity(MORE_JOBS);
        let mut known = vec![other.id.clone(), accepted.id.clone()];
        for _ in 0..MORE_JOBS {
            variables.uuid = uuid(random);
            let Ok((job, others)) = self.for_a_job(variables, random).await else { return false };
            let Some(its) = others.into_iter().find(|its| its.place == other.place).filter(|its| !known.contains(&its.id)) else {
                return false;
            };
            known.extend([its.id.clone(), job.id.clone()]);
            variables.captured = job.captured.clone();
            jobs.push((variables.clone(), job, its));
        }
        let mut are_others_visible = vec![false; jobs.len()];
        let mut looks = BETWEEN_LOOKS.iter();
        loop {
            for ((variables, job, its), is_visible) in jobs.iter().zip(&mut are_others_visible) {
                if self.poll(variables, job).await.answer == Answer::Visible {
                    return false;
                }
                *is_visible = *is_visible || self.for_another(variables, its).await.answer == Answer::Visible;
            }
            let Some(pause) = looks.next() else { return are_others_visible.into_iter().all(|is_visible| is_visible) };
            self.pause(*pause).await;
        }
    }

    fn without_secrets(&self, problem: Problem) -> Problem {
        Problem { change: self.probe.recorder.without_secrets(problem.change), ..problem }
    }

    async fn pause(&self, pause: Duration) {
        self.probe.clock.sleep_until(self.probe.clock.now().after(pause)).await;
    }

    async fn ask(&mut self, step: ContactStep, build: &Build<'_>, id: &str, variables: &Variables) -> (Heard, Option<Job>) {
        let (heard, job, _) = self.ask_logged_in(step, build, id, variables, None).await;
        (heard, job)
    }

    /// Sends a request with the login that holds, and once more with a new one where it is refused as if the login had expired, as the
    /// run does.
    async fn ask_logged_in(
        &mut self,
        step: ContactStep,
        build: &Build<'_>,
        id: &str,
        variables: &Variables,
        read_step: Option<&ReadStep<'_>>,
    ) -> (Heard, Option<Job>, Option<Session>) {
        if !self.probe.target.has_login() {
            return self.ask_step(step, build(variables), id, variables, read_step).await;
        }
        if !self.login.validity.will_do(self.probe.clock.now()) {
            // Where it fails, the answer to the request itself says what that means.
            drop(self.log_in(variables).await);
        }
        let may_have_expired = self.login.validity.may_have_expired(self.probe.clock.now());
        let filled = self.login.filled(variables);
        let first = self.ask_step(step, build(&filled), id, &filled, read_step).await;
        self.login.validity.answered(first.0.http, Turn::First);
        if first.0.http != Some(401) || !may_have_expired || self.log_in(variables).await.is_err() {
            return first;
        }
        let filled = self.login.filled(variables);
        let again = self.ask_step(step, build(&filled), id, &filled, read_step).await;
        self.login.validity.answered(again.0.http, Turn::Again);
        again
    }

    async fn ask_step(
        &mut self,
        step: ContactStep,
        mut request: Result<Request, RequestError>,
        id: &str,
        variables: &Variables,
        read_step: Option<&ReadStep<'_>>,
    ) -> (Heard, Option<Job>, Option<Session>) {
        let probe = self.probe;
        let about = About::scan(id, variables);
        let jar = self.jar.as_ref().filter(|_| step != ContactStep::NeverIssued);
        let mut url = String::new();
        if let (Some(jar), Ok(request)) = (jar, &mut request) {
            jar.fill(request);
            url.clone_from(&request.url);
        }
        let clean = |text: String| probe.recorder.without_secrets(text);
        let asked = match &request {
            Ok(request) => visible(&cut(clean(as_asked(request)), 2 * QUOTED)),
            Err(_) if step == ContactStep::Login => "[login]".to_owned(),
            Err(_) if step == ContactStep::Setup => "[[setup]]".to_owned(),
            Err(_) if step == ContactStep::Initiate => "[initiate]".to_owned(),
            Err(_) => "[status]".to_owned(),
        };
        let kind = match step {
            ContactStep::Login => Kind::Login,
            ContactStep::Setup => Kind::Setup,
            ContactStep::Initiate => Kind::Initiate,
            ContactStep::NeverIssued => Kind::UnknownPoll,
            ContactStep::HandedOut | ContactStep::NoSuchPath | ContactStep::OtherId => Kind::Poll,
        };
        let lane = probe.transport.lane(Connection::Fresh);
        let meta = RequestMeta::other(0, kind, probe.clock.now()).with_id(id);
        let mut sets_a_cookie = None;
        let read = |reply: &Reply<'_>| {
            if let Some(jar) = jar {
                jar.learn(&url, reply.headers);
            }
            sets_a_cookie = cookie_name(reply.headers);
            let mut session = None;
            let (reading, initiated) = match step {
                ContactStep::Login | ContactStep::Setup => match read_step.map(|read| read(reply, variables)) {
                    Some(Err((answer, reason))) => (plain(answer, Some(reason)), None),
                    given => {
                        session = given.and_then(Result::ok);
                        let captured = session.as_ref().map(|given: &Session| &given.captured);
                        probe.recorder.strike_out_too(captured.map_or_else(Vec::new, |given| probe.target.captured_secrets(given)));
                        (plain(Answer::Accepted, None), None)
                    }
                },
                ContactStep::Initiate => {
                    let initiated = probe.target.read_initiate(reply, variables);
                    let reading = match &initiated {
                        Initiated::Accepted(_) => plain(Answer::Accepted, None),
                        Initiated::Failed { answer, reason } => plain(*answer, Some(reason.clone())),
                    };
                    (reading, Some(initiated))
                }
                _ => (probe.target.read_status(reply, about), None),
            };
            let others = match &initiated {
                Some(Initiated::Accepted(accepted)) => probe
                    .target
                    .other_ids(reply, accepted)
                    .into_iter()
                    // A secret that the target repeats goes into no address.
                    .filter(|other| clean(other.id.clone()) == other.id)
                    .collect(),
                _ => Vec::new(),
            };
            let more = More {
                knows: probe.target.knows(reply, about),
                others,
                id_fault: initiated.as_ref().and_then(|_| probe.target.id_fault(reply, variables)),
                initiated,
                reason: reading.reason.clone().map(|reason| probe.recorder.note(reason)),
                headers: Explaining::of(reply.headers, |text| probe.recorder.note(text)),
                body: probe.recorder.excerpt(reply.body),
                session,
            };
            (Recorded::of(reading), more)
        };
        let (exchange, more) = probe.send_recorded(meta, &lane, &probe.prepare(request), read).await;
        let session = more.as_ref().and_then(|more: &More| more.session.clone());
        let (heard, job) = heard(asked, id, &exchange, more);
        self.contact.exchanges.push(Contacted {
            step,
            asked: heard.asked.clone(),
            http: heard.http,
            fault: heard.fault,
            answer: heard.answer,
            body: (!heard.body.is_empty()).then(|| cut(visible(&heard.body), QUOTED)),
            took: Nanos::from(exchange.round_trip()),
        });
        if let Some(name) = sets_a_cookie.filter(|_| self.jar.is_none() && step != ContactStep::Login) {
            self.note_cookie(&heard.asked, &clean(name));
        }
        (heard, job, session)
    }

    /// Says once that a reply sets a cookie which no later request sends back.
    fn note_cookie(&mut self, asked: &str, name: &str) {
        const KEY: &str = "`cookies = true`";
        if !self.contact.notes.iter().any(|note| note.contains(KEY)) {
            self.contact.notes.push(format!(
                "the answer to `{asked}` sets the cookie `{}`, which no later request sends back: a client with a cookie jar may see another \
                 service; {KEY} at the top of the target file keeps the cookies of each job",
                visible(&cut(name.to_owned(), QUOTED))
            ));
        }
    }
}

fn heard(asked: String, id: &str, exchange: &Exchange, more: Option<More>) -> (Heard, Option<Job>) {
    let of_request = exchange.body.as_ref().filter(|_| more.is_none()).map(|why| why.as_str().to_owned());
    let more = more.unwrap_or_else(|| More {
        initiated: None,
        id_fault: None,
        reason: of_request,
        headers: Explaining::default(),
        body: String::new(),
        knows: Knows::default(),
        others: Vec::new(),
        session: None,
    });
    let heard = Heard {
        asked,
        answer: exchange.answer,
        http: exchange.http,
        fault: exchange.fault,
        reason: more.reason,
        headers: more.headers,
        body: more.body,
        id: id.to_owned(),
        id_fault: more.id_fault,
        knows: more.knows,
    };
    let others = more.others;
    let job = more.initiated.and_then(|initiated| match initiated {
        Initiated::Accepted(accepted) => Some((accepted, others)),
        Initiated::Failed { .. } => None,
    });
    (heard, job)
}

/// The name of the first cookie that a reply sets.
fn cookie_name(headers: &http::HeaderMap) -> Option<String> {
    let cookie = headers.get(http::header::SET_COOKIE)?.to_str().ok()?;
    cookie.split_once('=').map(|(name, _)| name.trim().to_owned())
}

/// Whether a target asks to be left alone for longer than a run should take to begin.
fn waits_long(heard: &Heard) -> bool {
    heard.headers.retry_after.as_ref().is_some_and(|after| after.trim().parse().is_ok_and(|seconds: u64| seconds > LONGEST_WAIT))
}

fn plain(answer: Answer, reason: Option<String>) -> Reading {
    Reading { reason, ..Reading::of(answer) }
}

/// Method and path, or the whole address where it is another server's.
fn as_asked(request: &Request) -> String {
    let path = request.url.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
    match path {
        Some(path) if !request.leaves_origin => format!("{} {path}", request.method),
        _ => format!("{} {}", request.method, request.url),
    }
}
