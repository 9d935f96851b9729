//! Steps before a scan: each a request, and what of its reply later requests need.

use std::time::Duration;

use crate::model::answer::Answer;

use super::captured::{About, Captured};
use super::file::HttpCodes;
use super::reading::{Capture, capture_all, check_code};
use super::request::{Endpoint, Filling, Headers};
use super::selector::{Extract, Opened};
use super::template::Variable;
use super::{Reply, Request, RequestError, Target, Variables};

/// One `[[setup]]`, or the request of `[login]`.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) endpoint: Endpoint,
    pub(super) accept: HttpCodes,
    pub(super) capture: Vec<Capture>,
}

/// `[login]` or that of a user: one for all scans of a run, until it has expired.
#[derive(Debug, Clone)]
pub(super) struct Login {
    pub(super) step: Step,
    /// Where the reply says for how many seconds it lasts.
    pub(super) expires: Option<Extract>,
    /// For how long it lasts, where the reply does not say.
    pub(super) lasts: Option<Duration>,
}

/// What a login gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The values that requests need.
    pub captured: Captured,
    /// For how long they are good, if that is known.
    pub lasts: Option<Duration>,
}

/// The longest that a login is taken to last, whatever its reply says.
const LONGEST_SESSION: f64 = 366.0 * 86_400.0;

impl Target {
    /// How many steps there are before each initiate.
    pub fn setups(&self) -> usize {
        self.setup.len()
    }

    /// The request of a step; it may need what the steps before it gave.
    pub fn setup(&self, step: usize, variables: &Variables) -> Option<Result<Request, RequestError>> {
        self.setup.get(step).map(|step| self.ask(&step.endpoint, variables, ""))
    }

    /// Reads the reply to a step: the values known so far and those that it gave, or what it means instead, and why.
    pub fn read_setup(&self, step: usize, reply: &Reply<'_>, variables: &Variables) -> Result<Captured, (Answer, String)> {
        match self.setup.get(step) {
            Some(step) => step.read(&Opened::new(reply), &variables.captured),
            None => Ok(variables.captured.clone()),
        }
    }

    /// Whether requests need a login.
    pub fn has_login(&self) -> bool {
        !self.logins.is_empty()
    }

    /// How many logins there are: one that users share, and those of users.
    pub fn logins(&self) -> usize {
        self.logins.len()
    }

    /// The request that logs in. What its user's headers take from a login is left out: there is none yet.
    pub fn login(&self, nth: usize, variables: &Variables) -> Option<Result<Request, RequestError>> {
        let endpoint = &self.logins.get(nth)?.step.endpoint;
        let user: Headers =
            self.users.get(&endpoint.user).into_iter().flatten().filter(|(_, value)| !names_a_capture(value)).cloned().collect();
        let filling = Filling { variables, user: &endpoint.user, id: "" };
        Some(endpoint.at_path(&self.base, &user, filling))
    }

    /// The table of a login in the file, for messages.
    pub fn login_table(&self, nth: usize) -> String {
        let is_shared = self.logins.get(nth).is_none_or(|login| {
            login.step.capture.iter().all(|capture| self.captures.get(usize::from(capture.place)).is_some_and(|name| *name == capture.name))
        });
        match self.logins.get(nth).filter(|_| !is_shared) {
            Some(login) => format!("[users.{}.login]", login.step.endpoint.user),
            None => "[login]".to_owned(),
        }
    }

    /// Reads the reply to a login.
    pub fn read_login(&self, nth: usize, reply: &Reply<'_>) -> Result<Session, (Answer, String)> {
        let Some(login) = self.logins.get(nth) else { return Ok(Session { captured: Captured::default(), lasts: None }) };
        let reply = Opened::new(reply);
        let captured = login.step.read(&reply, &Captured::default())?;
        let said = login.expires.as_ref().and_then(|expires| expires.text(&reply, About::nothing()));
        let seconds = said.and_then(|text| text.trim().parse::<f64>().ok()).filter(|seconds| *seconds > 0.0 && *seconds < LONGEST_SESSION);
        Ok(Session { captured, lasts: seconds.map(Duration::from_secs_f64).or(login.lasts) })
    }

    /// Of what was captured, the values that must not be recorded: all that a login gave, and what has the name of a credential or
    /// stood in such a header.
    pub fn captured_secrets(&self, captured: &Captured) -> Vec<String> {
        let of_login = self.logins.iter().flat_map(|login| &login.step.capture).map(|capture| capture.place);
        let named = self.all_captures().filter(|capture| capture.is_secret()).map(|capture| capture.place);
        of_login.chain(named).filter_map(|place| captured.get(place)).map(str::to_owned).collect()
    }

    pub(super) fn all_captures(&self) -> impl Iterator<Item = &Capture> {
        let of_setup = self.setup.iter().flat_map(|step| &step.capture);
        self.logins.iter().flat_map(|login| &login.step.capture).chain(of_setup).chain(&self.initiate_reader.capture)
    }
}

fn names_a_capture(template: &super::template::Template) -> bool {
    template.variables().any(|variable| matches!(variable, Variable::Capture(_) | Variable::CaptureRaw(_)))
}

impl Step {
    fn read(&self, reply: &Opened<'_>, before: &Captured) -> Result<Captured, (Answer, String)> {
        check_code(&self.accept, reply.http)?;
        let mut captured = before.clone();
        capture_all(&self.capture, reply, &mut captured).map_err(|reason| (Answer::Malformed, reason))?;
        Ok(captured)
    }
}
