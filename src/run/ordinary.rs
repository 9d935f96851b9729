//! The ordinary client, set up for a target.

use std::time::{Duration, Instant};

use crate::client::{Client, ClientError, ClientOptions, Redirects};
use crate::draft::with_reply;
use crate::model::answer::Answer;
use crate::model::call::Answered;
use crate::model::time::Stamp;
use crate::probe::{Certificates, tls_for_others};
use crate::run::RunError;
use crate::target::{Captured, LoginOutcome, Request, RequestError, Session, Target, Turn, Validity, Variables};

/// A client with a pool of its own, which trusts whom the probe trusts.
pub fn client(base_url: &str, certificates: &Certificates, timeout: Duration) -> Result<Client, RunError> {
    let tls = tls_for_others(certificates)?;
    let socket = base_url.strip_prefix("unix:").map(Into::into);
    Ok(Client::new(ClientOptions { tls, timeout, redirects: Redirects::Taken, socket })?)
}

/// Whether one plain request tells how a job stands: no pages to look on at, and no cookies to be kept.
pub fn is_plain(target: &Target) -> bool {
    !target.keeps_cookies() && target.most_pages() <= 1
}

/// A target as an ordinary client asks it: with the login that holds, which is made anew when it nears its end or a request is refused.
pub struct Asking<'a> {
    /// Who sends.
    pub client: &'a Client,
    /// Who is asked.
    pub target: &'a Target,
    began: Instant,
    validity: Validity,
    captured: Captured,
}

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// It cannot be built.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// Nothing came back.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// A request as it was sent, and what came of it.
pub struct Sent {
    /// Method and address; `None` where it could not be built.
    pub asked: Option<(String, String)>,
    /// The answer.
    pub answer: Result<Answered, Unanswered>,
}

/// A login or a step that gave nothing.
pub struct StepFailure {
    /// Its table in the file.
    pub table: String,
    /// The request.
    pub sent: Sent,
    /// What the answer means instead, and why.
    pub read: Option<(Answer, String)>,
}

impl<'a> Asking<'a> {
    /// Nobody has logged in yet.
    pub fn new(client: &'a Client, target: &'a Target) -> Asking<'a> {
        Asking { client, target, began: Instant::now(), validity: Validity::default(), captured: Captured::default() }
    }

    /// The same, over the connections of another client.
    #[must_use]
    pub fn by(self, client: &'a Client) -> Asking<'a> {
        Asking { client, ..self }
    }

    fn now(&self) -> Stamp {
        Stamp::default().after(self.began.elapsed())
    }

    /// Logs in whoever has a login.
    pub async fn log_in(&mut self, variables: &Variables) -> Result<(), StepFailure> {
        let (mut logins, mut captured) = (Vec::new(), self.captured.clone());
        let mut failure = None;
        for nth in 0..self.target.logins() {
            let Some(request) = self.target.login(nth, variables) else { continue };
            let sent = self.send(request).await;
            let read = sent.answer.as_ref().ok().map(|answer| with_reply(answer, |reply| self.target.read_login(nth, reply)));
            let at = self.now();
            match read {
                Some(Ok(Session { captured: given, lasts })) => {
                    captured = captured.with(&given);
                    logins.push(LoginOutcome::Given { at, lasts });
                }
                read => {
                    logins.push(LoginOutcome::Failed { at });
                    failure = Some(StepFailure { table: self.target.login_table(nth), sent, read: read.and_then(Result::err) });
                    break;
                }
            }
        }
        (self.validity, self.captured) = (self.validity.after(&logins), captured);
        failure.map_or(Ok(()), Err)
    }

    /// Logs in, and takes the steps before the POST: what they gave stands in the variables.
    pub async fn prepare(&mut self, variables: &mut Variables) -> Result<(), StepFailure> {
        if self.target.has_login() && !self.validity.will_do(self.now()) {
            self.log_in(variables).await?;
        }
        variables.captured = self.captured.clone();
        for step in 0..self.target.setups() {
            let build = |variables: &Variables| self.target.setup(step, variables).unwrap_or(Err(RequestError::NoPath));
            let sent = self.ask(variables, build).await;
            let read = sent.answer.as_ref().ok().map(|answer| with_reply(answer, |reply| self.target.read_setup(step, reply, variables)));
            match read {
                Some(Ok(captured)) => variables.captured = captured,
                read => return Err(StepFailure { table: "[[setup]]".to_owned(), sent, read: read.and_then(Result::err) }),
            }
        }
        Ok(())
    }

    /// Sends a request with the login that holds, and once more with a new one where it is refused as if the login had expired, as runs do.
    pub async fn ask(&mut self, variables: &Variables, build: impl Fn(&Variables) -> Result<Request, RequestError>) -> Sent {
        if !self.target.has_login() {
            return self.send(build(variables)).await;
        }
        if !self.validity.will_do(self.now()) {
            // Where it fails, the answer to the request itself says what that means.
            drop(self.log_in(variables).await);
        }
        let may_have_expired = self.validity.may_have_expired(self.now());
        let first = self.send(build(&self.filled(variables))).await;
        self.validity.answered(first.http(), Turn::First);
        if first.http() != Some(401) || !may_have_expired || self.log_in(variables).await.is_err() {
            return first;
        }
        let again = self.send(build(&self.filled(variables))).await;
        self.validity.answered(again.http(), Turn::Again);
        again
    }

    /// What the logins gave.
    pub fn captured(&self) -> &Captured {
        &self.captured
    }

    fn filled(&self, variables: &Variables) -> Variables {
        Variables { captured: variables.captured.with(&self.captured), ..variables.clone() }
    }

    async fn send(&self, request: Result<Request, RequestError>) -> Sent {
        let request = match request {
            Ok(request) => request,
            Err(error) => return Sent { asked: None, answer: Err(error.into()) },
        };
        let answer = self.client.ask(&request).await.map_err(Unanswered::from);
        Sent { asked: Some((request.method.to_string(), request.url)), answer }
    }
}

impl Sent {
    /// The code of the answer.
    pub fn http(&self) -> Option<u16> {
        self.answer.as_ref().ok().map(|answer| answer.http)
    }
}

impl From<ClientError> for RunError {
    fn from(error: ClientError) -> RunError {
        let cause = std::error::Error::source(&error).map_or_else(String::new, |cause| format!(": {cause}"));
        RunError::refused(format!("{error}{cause}"), "check the proxy variables (HTTP_PROXY, HTTPS_PROXY), and the system's certificates")
    }
}
