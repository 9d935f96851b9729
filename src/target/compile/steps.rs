//! Steps before a scan, and what is captured of replies.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::exchange::Kind;
use crate::model::source::InputError;

use super::super::file::{AskFile, ExtractFile, HttpCodes, IdFile, InitiateFile, LoginFile, SetupFile};
use super::super::reading::{Capture, IdSource, InitiateReader};
use super::super::request::Endpoint;
use super::super::steps::{Login, Step};
use super::super::template::{Braces, Template, Variable};
use super::Compiler;

/// So many values are captured at most: each takes a place in every scan.
const MOST_CAPTURES: usize = 64;

/// The longest time that a login may be said to last.
const LONGEST_LOGIN: Duration = Duration::from_secs(366 * 86_400);

impl Compiler<'_> {
    /// A login. What it captures is known from then on.
    pub(super) fn login(&mut self, at: &str, mut file: LoginFile) -> Result<Login, InputError> {
        let place = |key: &str| format!("{at}.{key}");
        let ask = file.ask();
        if file.capture.is_empty() {
            return Err(self.complain(
                &place("capture"),
                "a login that gives nothing changes no request",
                "write `capture = { token = { pointer = \"/access_token\" } }`, and name `{token}` in a user's headers",
            ));
        }
        let expires = file.expires.as_ref().map(|expires| self.extract(&place("expires"), expires, &[])).transpose()?;
        if let Some(lasts) = file.lasts
            && (lasts.0.is_zero() || lasts.0 > LONGEST_LOGIN)
        {
            return Err(self.complain(
                &place("lasts"),
                "a login lasts for more than no time, and for a year at most",
                "for example `lasts = \"10m\"`",
            ));
        }
        let step = self.step(at, ask, Kind::Login, file.accept, &file.capture)?;
        if step.endpoint.cookies {
            return Err(self.complain(
                &place("cookies"),
                "cookies belong to one scan, and a login to all of them",
                "capture the cookie: `capture = { session = { header = \"Set-Cookie\", pattern = \"sid=([^;]+)\" } }`",
            ));
        }
        Ok(Login { step, expires, lasts: file.lasts.map(|lasts| lasts.0) })
    }

    /// The login of one user, as whom it is sent. What it captures is known in that user's headers alone, under its own name; elsewhere
    /// that name may mean what `[login]` gave.
    pub(super) fn login_of(&mut self, user: &str, mut file: LoginFile) -> Result<Login, InputError> {
        let shared = std::mem::take(&mut self.captures);
        // The places stay, and the names are free.
        self.captures = vec![String::new(); shared.len()];
        file.set_user(user);
        let login = self.login(&format!("users.{user}.login"), file);
        let own = self.captures.split_off(shared.len());
        let of_others = shared.iter().map(|name| if own.contains(name) { String::new() } else { name.clone() });
        self.of_user = Some(of_others.chain(own.iter().cloned()).collect());
        self.captures = shared.into_iter().chain(own.into_iter().map(|name| format!("{name} of {user}"))).collect();
        login
    }

    /// The steps before each initiate; each may name what those before it captured.
    pub(super) fn setup(&mut self, files: Vec<SetupFile>) -> Result<Vec<Step>, InputError> {
        let mut steps = Vec::with_capacity(files.len());
        for (index, mut file) in files.into_iter().enumerate() {
            let ask = file.ask();
            steps.push(self.step(&format!("setup.{index}"), ask, Kind::Setup, file.accept, &file.capture)?);
        }
        Ok(steps)
    }

    fn step(
        &mut self,
        at: &str,
        ask: AskFile,
        kind: Kind,
        accept: Option<HttpCodes>,
        capture: &BTreeMap<String, ExtractFile>,
    ) -> Result<Step, InputError> {
        let endpoint = self.endpoint(at, ask, kind, Variable::WITHOUT_ID)?;
        let capture = self.captures(&format!("{at}.capture"), capture)?;
        Ok(Step { endpoint, accept: accept.unwrap_or_else(HttpCodes::success), capture })
    }

    /// The initiate, and how its reply is read.
    pub(super) fn initiate(&mut self, mut file: InitiateFile) -> Result<(Endpoint, InitiateReader), InputError> {
        let ask = file.ask();
        let id = match &file.id {
            IdFile::InReply(place) => IdSource::InReply(self.extract("initiate.id", place, &[])?),
            IdFile::OfTheClient(text) => IdSource::OfTheClient(self.client_id(text)?),
        };
        let allowed = if matches!(id, IdSource::OfTheClient(_)) { Variable::WITH_ID } else { Variable::WITHOUT_ID };
        let endpoint = self.endpoint("initiate", ask, Kind::Initiate, allowed)?;
        if let IdSource::OfTheClient(_) = id
            && !endpoint.templates().any(|template| template.variables().any(|variable| variable.is_id() || variable.is_fresh()))
        {
            return Err(self.complain(
                "initiate.id",
                "the client gives the id, and the request does not carry it",
                "put `{id}` into the path, a header or the body",
            ));
        }
        if file.orphan && matches!(id, IdSource::InReply(_)) {
            return Err(self.complain(
                "initiate.orphan",
                "a scan whose initiate failed has no id that could be asked for",
                "it takes an id that the client gives: `id = \"{uuid}\"`",
            ));
        }
        let capture = self.captures("initiate.capture", &file.capture)?;
        Ok((endpoint, InitiateReader { accept: file.accept.unwrap_or_else(HttpCodes::success), id, capture }))
    }

    fn client_id(&self, text: &str) -> Result<Template, InputError> {
        let template = self.template("initiate.id", text, Braces::AreHoles, Variable::IN_IDS)?;
        if !template.variables().any(|variable| Variable::IN_IDS.contains(&variable)) {
            return Err(self.complain(
                "initiate.id",
                format!("every scan would have the id `{text}`"),
                "write `id = \"{uuid}\"`, or say where the reply has it: `id = { pointer = \"/id\" }`",
            ));
        }
        Ok(template)
    }

    fn captures(&mut self, at: &str, file: &BTreeMap<String, ExtractFile>) -> Result<Vec<Capture>, InputError> {
        let mut captures = Vec::with_capacity(file.len());
        for (name, place) in file {
            let at = format!("{at}.{name}");
            if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                return Err(self.complain(
                    &at,
                    format!("`{name}` is not a name"),
                    "a name has letters, digits and `_`, and begins with a letter",
                ));
            }
            if Variable::is_reserved(name) {
                return Err(self.complain(&at, format!("`{{{name}}}` has a meaning already"), "give it another name"));
            }
            if self.captures.contains(name) {
                return Err(self.complain(&at, format!("`{name}` is captured twice"), "give one of them another name"));
            }
            let from = self.extract(&at, place, &[])?;
            let place = u8::try_from(self.captures.len() + captures.len()).ok().filter(|place| usize::from(*place) < MOST_CAPTURES);
            let Some(place) = place else {
                return Err(self.complain(
                    &at,
                    format!("more than {MOST_CAPTURES} values are captured"),
                    "keep those that a request needs",
                ));
            };
            captures.push(Capture { place, name: name.clone(), from });
        }
        self.captures.extend(captures.iter().map(|capture| capture.name.clone()));
        Ok(captures)
    }
}
