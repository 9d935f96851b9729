//! A target file, held against the deployment that it describes: one job by an ordinary client, and how the file reads each answer.

use std::time::{Duration, Instant};

use crate::client::{Client, ClientError};
use crate::draft::infer::{self, Contract, Evidence, Poll};
use crate::draft::with_reply;
use crate::model::answer::{Answer, State, TransportFault};
use crate::model::call::Answered;
use crate::model::contact::Problem;
use crate::model::redaction::Redaction;
use crate::probe::is_loopback;
use crate::run::learn::{FIRST_PAUSE, LONGEST_PAUSE, POLLS, first_n, fresh};
use crate::run::ordinary::{self, Sent, StepFailure, Unanswered};
use crate::target::{
    About, Accepted, Caller, Explaining, Heard, Initiated, Knows, Reading, Request, RequestError, StatusFinding, Target, Variables,
};

/// For how long a job that is not visible is asked for before the file is doubted.
const PATIENCE: Duration = Duration::from_secs(10);

/// What happens on the way.
#[derive(Debug, Clone, Copy)]
pub enum CheckNote<'a> {
    /// The POST was answered after so long; the id, if the file finds one.
    Posted(&'a Answered, Duration, Option<&'a str>),
    /// The answer about an id that was never issued, and how the file reads it.
    Never(&'a Answered, &'a Reading),
    /// A poll of the job, and how the file reads its answer.
    Polled(&'a Poll, &'a Reading),
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct LiveCheck {
    /// What cannot work.
    pub problem: Option<Problem>,
    /// What should be looked at, as sentences.
    pub notes: Vec<String>,
    /// The ages in ms of polls that were denied.
    pub denied: Vec<f64>,
    /// The age in ms of the first poll that was visible.
    pub visible: Option<f64>,
    /// The word of the last state, and what the file takes it for.
    pub last_state: Option<(String, State)>,
    /// Words at `[status] state` that `[status.states]` does not list.
    pub unlisted: Vec<String>,
    /// What the answers have, and the file does not use.
    pub unused: Option<Contract>,
}

/// How it is checked.
pub struct Checking<'a> {
    /// Who sends.
    pub client: &'a Client,
    /// The file.
    pub target: &'a Target,
    /// For how long the job is polled at most.
    pub wait: Duration,
}

struct Asked<'a, 'n> {
    checking: &'a Checking<'a>,
    asking: ordinary::Asking<'a>,
    redaction: Redaction,
    note: &'n mut dyn FnMut(CheckNote<'_>),
    variables: Variables,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Initiate,
    Status,
}

impl Checking<'_> {
    /// Checks.
    pub async fn check(&self, note: &mut dyn FnMut(CheckNote<'_>)) -> LiveCheck {
        let redaction = Redaction::of(self.target.secrets());
        let asking = ordinary::Asking::new(self.client, self.target);
        let variables = Variables { n: first_n(), uuid: fresh(), ..Variables::default() };
        let mut asked = Asked { checking: self, asking, redaction, note, variables };
        asked.check().await
    }
}

impl Asked<'_, '_> {
    async fn check(&mut self) -> LiveCheck {
        let target = self.checking.target;
        let mut found = LiveCheck::default();
        if !ordinary::is_plain(target) {
            found.notes.push("the file keeps cookies or looks on at further pages, which this check does not do".to_owned());
        }
        if let Some(problem) = self.prepare().await {
            found.problem = Some(problem);
            return found;
        }
        let sent = Instant::now();
        let (heard, posted) = self.ask(|variables| target.initiate(variables), "", Wanted::Initiate).await;
        let handed_out = Instant::now();
        let initiated = posted.as_ref().map(|posted| with_reply(posted, |reply| target.read_initiate(reply, &self.variables)));
        let accepted = match initiated {
            Some(Initiated::Accepted(accepted)) => Some(accepted),
            _ => None,
        };
        if let Some(posted) = &posted {
            (self.note)(CheckNote::Posted(posted, handed_out - sent, accepted.as_ref().map(|accepted| accepted.id.as_str())));
        }
        found.problem = target.wrong_initiate(&heard);
        let (None, Some(accepted), Some(posted)) = (&found.problem, accepted, posted) else { return found };
        self.variables.captured = accepted.captured.clone();
        let mut evidence = Evidence { posted, id: accepted.id.clone(), ..Evidence::default() };
        let mut last = self.poll(&accepted, handed_out, &mut evidence, &mut found).await;
        let never = self.controls(&accepted, &mut evidence).await;
        let mut pause = FIRST_PAUSE[usize::from(!is_loopback(target.base_url()))];
        while handed_out.elapsed() < self.checking.wait && evidence.polls.len() < POLLS {
            let has_ended = found.last_state.as_ref().is_some_and(|(_, state)| matches!(state, State::Succeeded | State::Failed));
            let is_hopeless = found.visible.is_none() && last.answer != Answer::NotFound && handed_out.elapsed() > PATIENCE;
            // A word that the file does not list may well be one for an end.
            if has_ended || is_hopeless || found.visible.is_some() && infer::has_ended(&evidence) {
                break;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 3 / 2).min(LONGEST_PAUSE);
            last = self.poll(&accepted, handed_out, &mut evidence, &mut found).await;
        }
        self.judge(&accepted, never.as_ref(), &last, &mut found).await;
        found.unused = unused(target, &evidence);
        found
    }

    /// The login and the steps before the POST.
    async fn prepare(&mut self) -> Option<Problem> {
        let target = self.checking.target;
        let failure = self.asking.prepare(&mut self.variables).await.err();
        let captured = self.variables.captured.with(self.asking.captured());
        self.redaction = self.redaction.and(target.captured_secrets(&captured));
        let StepFailure { table, sent, read } = failure?;
        let mut heard = self.heard(&sent, &table, "");
        if let Some((answer, reason)) = read {
            (heard.answer, heard.reason) = (answer, Some(self.redaction.clean(reason)));
        }
        Some(target.wrong_step(&heard, &table))
    }

    /// One poll of the job.
    async fn poll(&mut self, accepted: &Accepted, handed_out: Instant, evidence: &mut Evidence, found: &mut LiveCheck) -> Heard {
        let target = self.checking.target;
        let age_ms = handed_out.elapsed().as_secs_f64() * 1e3;
        let status = |variables: &Variables| target.status(variables, Caller::Owner, accepted, None);
        let (heard, answer) = self.ask(status, &accepted.id, Wanted::Status).await;
        let Some(answer) = answer else { return heard };
        let reading = with_reply(&answer, |reply| target.read_status(reply, About::scan(&accepted.id, &self.variables)));
        let poll = Poll { age_ms, answer };
        (self.note)(CheckNote::Polled(&poll, &reading));
        match reading.answer {
            Answer::NotFound => found.denied.push(age_ms),
            Answer::Visible => found.visible = found.visible.or(Some(age_ms)),
            _ => {}
        }
        if let (Answer::Visible, Some(word)) = (reading.answer, &reading.word) {
            let word = self.redaction.clean(word.clone());
            let state = reading.state.unwrap_or(State::Unknown);
            if state == State::Unknown && !found.unlisted.contains(&word) {
                found.unlisted.push(word.clone());
            }
            found.last_state = Some((word, state));
        }
        evidence.polls.push(poll);
        heard
    }

    /// Two ids that were never issued: the first is judged.
    async fn controls(&mut self, accepted: &Accepted, evidence: &mut Evidence) -> Option<Heard> {
        let target = self.checking.target;
        let mut first = None;
        for _ in 0..2 {
            let uuid = fresh();
            let unknown = |variables: &Variables| target.unknown_like(&Variables { uuid: uuid.clone(), ..variables.clone() }, accepted);
            let Ok((id, _)) = unknown(&self.variables) else { break };
            let (heard, answer) = self.ask(|variables| unknown(variables).map(|(_, request)| request), &id, Wanted::Status).await;
            let Some(answer) = answer else { break };
            if first.is_none() {
                let reading = with_reply(&answer, |reply| target.read_status(reply, About::scan(&id, &self.variables)));
                (self.note)(CheckNote::Never(&answer, &reading));
                first = Some(heard);
            }
            evidence.never.push(answer);
        }
        first
    }

    /// What the last answers say about the file: the same that first contact says.
    async fn judge(&mut self, accepted: &Accepted, never: Option<&Heard>, last: &Heard, found: &mut LiveCheck) {
        let target = self.checking.target;
        if let Some(problem) = never.and_then(|never| target.visible_by_mistake(never, last)) {
            found.problem = Some(problem);
            return;
        }
        if let Some(never) = never.filter(|never| never.answer == Answer::Visible) {
            found.notes.push(format!(
                "an id that was never issued is read as visible (HTTP {}): if the service answers so, that is a fault of its own (class N); if its \
                 answer says that it does not know the id, a rule of [[status.answer]] must say so",
                never.http.unwrap_or_default()
            ));
        }
        let nowhere = if found.visible.is_none() && target.no_such_path(&self.variables, accepted).is_some() {
            let build = |variables: &Variables| target.no_such_path(variables, accepted).unwrap_or(Err(RequestError::NoPath));
            Some(self.ask(build, &accepted.id, Wanted::Status).await.0)
        } else {
            None
        };
        match target.status_finding(never, last, nowhere.as_ref()) {
            StatusFinding::GoOn(note) => found.notes.extend(note),
            StatusFinding::Doubtful(unrouted) => found
                .notes
                .push(format!("`{}` answered {} {} to the end, and {}", unrouted.asked, unrouted.http, unrouted.quoted, unrouted.change)),
            StatusFinding::AskAgain(problem) | StatusFinding::End(problem) => found.problem = Some(problem),
        }
    }

    /// Sends a request, and takes down what first contact would.
    async fn ask(
        &mut self,
        build: impl Fn(&Variables) -> Result<Request, RequestError>,
        id: &str,
        wanted: Wanted,
    ) -> (Heard, Option<Answered>) {
        let target = self.checking.target;
        let sent = self.asking.ask(&self.variables, build).await;
        self.redaction = self.redaction.and(target.captured_secrets(self.asking.captured()));
        let mut heard = self.heard(&sent, if wanted == Wanted::Initiate { "[initiate]" } else { "[status]" }, id);
        let Ok(answer) = sent.answer else { return (heard, None) };
        let clean = |text: String| self.redaction.clean(text);
        with_reply(&answer, |reply| {
            heard.knows = target.knows(reply, About::scan(id, &self.variables));
            if wanted == Wanted::Initiate {
                heard.id_fault = target.id_fault(reply, &self.variables);
                (heard.answer, heard.reason) = match target.read_initiate(reply, &self.variables) {
                    Initiated::Accepted(_) => (Answer::Accepted, None),
                    Initiated::Failed { answer, reason } => (answer, Some(clean(reason))),
                };
            } else {
                let reading = target.read_status(reply, About::scan(id, &self.variables));
                (heard.answer, heard.reason) = (reading.answer, reading.reason.map(clean));
            }
        });
        (heard, Some(answer))
    }

    /// What was sent and what came back, before anybody reads it. `asked` is what it is called if it could not be built.
    fn heard(&self, sent: &Sent, asked: &str, id: &str) -> Heard {
        let clean = |text: String| self.redaction.clean(text);
        let asked = sent.asked.as_ref().map_or_else(
            || asked.to_owned(),
            |(method, url)| {
                let path = url.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| rest[at..].to_owned()));
                clean(format!("{method} {}", path.unwrap_or_else(|| url.clone())))
            },
        );
        let heard = Heard {
            asked,
            answer: Answer::Transport,
            http: None,
            fault: None,
            reason: None,
            headers: Explaining::default(),
            body: String::new(),
            id: id.to_owned(),
            id_fault: None,
            knows: Knows::default(),
        };
        match &sent.answer {
            Ok(answer) => Heard {
                http: Some(answer.http),
                headers: with_reply(answer, |reply| Explaining::of(reply.headers, clean)),
                body: clean(String::from_utf8_lossy(&answer.body).into_owned()),
                ..heard
            },
            Err(why) => Heard { fault: Some(fault(why)), reason: Some(clean(why.to_string())), ..heard },
        }
    }
}

fn fault(why: &Unanswered) -> TransportFault {
    match why {
        Unanswered::Client(ClientError::Timeout) => TransportFault::Timeout,
        Unanswered::Request(_) | Unanswered::Client(ClientError::Request(_) | ClientError::Setup(_)) => TransportFault::Request,
        Unanswered::Client(ClientError::NoAnswer(_)) => TransportFault::Connect,
    }
}

/// What the answers have that the file does not read.
fn unused(target: &Target, evidence: &Evidence) -> Option<Contract> {
    let mut contract = infer::suggested(evidence)?;
    let note = target.status_note();
    if note.state.is_some() {
        contract.state = None;
    }
    if note.echo.is_some() {
        contract.echo = None;
    }
    if note.progress.is_some() {
        contract.progress = None;
    }
    let has_any = contract.state.is_some() || contract.echo.is_some() || contract.progress.is_some();
    has_any.then_some(contract)
}
