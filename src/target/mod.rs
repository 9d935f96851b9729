//! The contract as data: what "initiate", "id", "not found" and "complete" mean for one deployment.
//!
//! In come the text of a target file and a way to look up environment variables; out come requests, ready to be sent, and the
//! meaning of their replies. This room sends nothing and reads no file, no clock, no randomness and no environment of its own;
//! of the other rooms it may name only `model`.

mod address;
mod compile;
mod contact;
pub mod credentials;
mod file;
mod fingerprint;
mod json;
mod logged;
mod reading;
mod redirect;
mod request;
mod routes;
mod rules;
mod selector;
mod sender;
mod template;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::model::answer::{Answer, State};
use crate::model::exchange::Route;
use crate::model::redaction::SHORTEST_SECRET;
use crate::model::run::{Capabilities, HttpVersion, StatusNote};
use crate::model::secret_names::is_credential;
use crate::model::source::{InputError, Source};
use crate::model::time::Span;

pub use address::AddressError;
pub use contact::{Explaining, Heard, IdFault, StatusFinding};
pub(crate) use file::{HttpCode, HttpCodes};
pub use fingerprint::fingerprint;
pub(crate) use json::JsonTemplate;
pub use logged::{EnvironmentVariable, LoggedRequest, LoggedTarget, Piece, Placeholder};
pub use reading::{Accepted, Initiated, Reading};
pub use request::{Encoding, Request, RequestError, Variables, usual_method};
pub use routes::{Hosts, MatchedRoute, RouteMatcher};
pub(crate) use rules::{Rule, Test, When};
pub use selector::Reply;
pub(crate) use selector::{Extract, Selector, Step};
pub use sender::{cache_note, worker};

use address::{Base, OtherOrigins, ShownBase};
use credentials::parts;
use reading::{InitiateReader, Reader, Replies, by_code, text_at};
use request::{Endpoint, Filling, Headers};
use routes::Shape;
use selector::Opened;
use template::Template;

const OWNER: &str = "owner";
const FOREIGN: &str = "foreign";

/// The shipped target file of the reference contract.
pub const REFERENCE: &str = include_str!("../../scenarios/targets/opportunity-scan.toml");

/// The shipped target file that explains every key.
pub const TEMPLATE: &str = include_str!("../../scenarios/targets/template.toml");

/// A deployment's contract, checked whole: whatever can be wrong with the file was found when it was read.
#[derive(Debug, Clone)]
pub struct Target {
    name: String,
    base: Base,
    shown_base: ShownBase,
    http: HttpVersion,
    tls: TlsFiles,
    source_text: String,
    /// Credentials that stand in the file itself.
    literal_secrets: Vec<String>,
    users: BTreeMap<String, Headers>,
    unknown_id: Template,
    initiate: Endpoint,
    initiate_reader: InitiateReader,
    status: Read,
    witness: Option<Read>,
    results: Option<Read>,
    cancel: Option<Cancel>,
    filler: Option<Endpoint>,
    /// How its requests look in a recording, made when it is first asked: expressions take a while to compile, and most runs read none.
    shapes: OnceLock<Arc<[Shape]>>,
}

/// The files that `[tls]` names, as they stand there: relative to the target file, if they are relative.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// Authorities to trust beside the system's.
    pub ca: Option<String>,
    /// The certificate to show.
    pub client_cert: Option<String>,
    /// Its key; in the certificate's file, if it is missing.
    pub client_key: Option<String>,
}

/// An endpoint that tells about a scan.
#[derive(Debug, Clone)]
struct Read {
    endpoint: Endpoint,
    follow: Option<Extract>,
    others: OtherOrigins,
    reader: Reader,
    /// For how long the service holds a request on purpose.
    long_poll: Option<Span>,
}

/// The second write, and how a status reply shows that it was seen.
#[derive(Debug, Clone)]
struct Cancel {
    endpoint: Endpoint,
    seen_when: When,
}

/// Who asks for a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// The user who asked for the scan.
    Owner,
    /// A user who must not see it.
    Foreign,
}

impl Target {
    /// The form of a target file, as JSON Schema. It knows the keys and their types; what they must mean together is checked
    /// by [`Target::read`].
    pub fn file_schema() -> schemars::Schema {
        schemars::schema_for!(file::TargetFile)
    }

    /// Understands a target file. `lookup` reads an environment variable.
    ///
    /// Whatever is wrong with the file is an error with its place: an unknown key, an environment variable without value or
    /// default, a template, pointer, `JSONPath` or pattern that cannot be read, a user that is not defined, and the like.
    ///
    /// ```
    /// use statusgap::model::{answer::Answer, source::Source};
    /// use statusgap::target::{Reply, Target};
    ///
    /// let text = r#"
    ///     name = "jobs"
    ///     base_url = "http://localhost:8080"
    ///     [initiate]
    ///     path = "/jobs"
    ///     id = { pointer = "/id" }
    ///     [status]
    ///     path = "/jobs/{id}"
    ///     [[status.answer]]
    ///     is = "not_found"
    ///     when = { pointer = "/error", equals = "NO_SUCH_JOB" }
    /// "#;
    /// let target = Target::read(Source { file: "jobs.toml", text }, &|_| None)?;
    /// let headers = http::HeaderMap::new();
    /// let reply = Reply { http: 200, headers: &headers, body: br#"{"error": "NO_SUCH_JOB"}"# };
    /// assert_eq!(target.read_status(&reply, "j1").answer, Answer::NotFound);
    /// # Ok::<(), statusgap::model::source::InputError>(())
    /// ```
    pub fn read(source: Source<'_>, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Target, InputError> {
        compile::compile_at(source, &|name, _| lookup(name), |address| address)
    }

    /// The reference contract at another address: what `--target http://host:port` means.
    pub fn reference(base_url: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Target, InputError> {
        compile::reference(base_url, &|name, _| lookup(name))
    }

    /// The target's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address that all paths are added to; never with a user or a password in it. To be sent to, and not to be shown.
    pub fn base_url(&self) -> &str {
        self.base.text()
    }

    /// The same as it may be shown and recorded: what its path has from the environment is struck out.
    pub fn shown_url(&self) -> &str {
        &self.shown_base.text
    }

    /// The file as it was written, but for credentials that stand in it and are struck out; environment variables stand in it as
    /// `${NAME}`, never as values.
    pub fn source_text(&self) -> &str {
        &self.source_text
    }

    /// Which HTTP the file asks for.
    pub fn http(&self) -> HttpVersion {
        self.http
    }

    /// The files that TLS needs.
    pub fn tls(&self) -> &TlsFiles {
        &self.tls
    }

    /// What the file lets a run assess.
    pub fn can(&self) -> Capabilities {
        let status = &self.status.reader;
        Capabilities {
            foreign_user: self.users.contains_key(FOREIGN),
            witness: self.witness.is_some(),
            results: self.results.is_some(),
            cancel: self.cancel.is_some(),
            echo: status.echo.is_some(),
            states: !status.states.is_empty() || status.rules.iter().any(|rule| rule.state.is_some()),
            handed_out: self.status.follow.is_some(),
            other_initiator: self.initiate.user != self.status.endpoint.user
                || self.identity_of(&self.initiate) != self.identity_of(&self.status.endpoint),
        }
    }

    /// How status replies are read, for the record of a run.
    pub fn status_note(&self) -> StatusNote {
        let reader = &self.status.reader;
        let place = |extract: &Option<Extract>| extract.as_ref().map(|extract| extract.selector.written());
        StatusNote {
            state: place(&reader.state),
            echo: place(&reader.echo),
            progress: place(&reader.progress),
            long_poll: self.status.long_poll,
        }
    }

    fn replies(&self) -> Replies<'_> {
        let InitiateReader { accept, id } = &self.initiate_reader;
        let Reader { rules, state, states, echo, .. } = &self.status.reader;
        Replies { accept, id, rules, state: state.as_ref(), states, echo: echo.as_ref() }
    }

    /// How much longer than other requests a status request may take, because the service holds it on purpose.
    pub fn long_poll(&self) -> Duration {
        self.status.long_poll.unwrap_or_default().0
    }

    /// The headers that an endpoint's requests carry, but for those that speak of the body.
    fn identity_of(&self, endpoint: &Endpoint) -> BTreeMap<String, String> {
        let user = self.users.get(&endpoint.user).into_iter().flatten();
        user.chain(&endpoint.headers)
            .filter(|(name, _)| !speaks_of_the_body(name.as_str()))
            // Holes are filled alike in all requests about one scan.
            .map(|(name, value)| (name.to_string(), value.fill(|variable| format!("{variable:?}"))))
            .collect()
    }

    /// The names of the users that requests may be sent as.
    pub fn users(&self) -> impl Iterator<Item = &str> {
        self.users.keys().map(String::as_str)
    }

    /// Texts that must not be shown or recorded: values from the environment in addresses, headers and bodies (also in the
    /// path of the base address), the values of headers that identify a caller, and of whatever else has the name of a credential. Longest first, so that a secret within
    /// another leaves no rest.
    pub fn secrets(&self) -> Vec<String> {
        let endpoints = [&self.initiate, &self.status.endpoint]
            .into_iter()
            .chain(self.witness.iter().map(|read| &read.endpoint))
            .chain(self.results.iter().map(|read| &read.endpoint))
            .chain(self.cancel.iter().map(|cancel| &cancel.endpoint))
            .chain(&self.filler);
        let mut secrets = BTreeSet::new();
        for endpoint in endpoints.clone() {
            for template in endpoint.templates() {
                secrets.extend(template.environment_values().map(str::to_owned));
            }
        }
        let headers = endpoints.flat_map(|endpoint| &endpoint.headers).chain(self.users.values().flatten());
        for (name, value) in headers {
            secrets.extend(value.environment_values().map(str::to_owned));
            // a value with holes in it is another one in every request, and no secret of the file's
            if is_credential(name.as_str()) && value.variables().next().is_none() {
                secrets.extend(parts(&value.fill(|_| String::new())));
            }
        }
        secrets.extend(self.literal_secrets.iter().cloned());
        secrets.extend(self.shown_base.secrets.iter().cloned());
        let mut secrets: Vec<String> = secrets.into_iter().filter(|secret| secret.len() >= SHORTEST_SECRET).collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets
    }

    /// Asks for a scan. The same variables give the same request, which is what a repeat is.
    pub fn initiate(&self, variables: &Variables) -> Result<Request, RequestError> {
        self.ask(&self.initiate, variables, "")
    }

    /// Asks how a scan stands, as its owner or as a user who must not see it, at the usual address or another.
    pub fn status(
        &self,
        variables: &Variables,
        caller: Caller,
        accepted: &Accepted,
        route: Option<Route>,
    ) -> Result<Request, RequestError> {
        let user = match caller {
            Caller::Owner => self.status.endpoint.user.as_str(),
            Caller::Foreign => FOREIGN,
        };
        let filling = Filling { variables, user, id: &accepted.id };
        let handed_out = accepted.handed_out.as_deref();
        if route == Some(Route::AsInitiator) {
            return self.status_as_initiator(filling, handed_out);
        }
        let mut request = self.ask_about(&self.status, filling, handed_out, route)?;
        if route == Some(Route::CacheBusted) {
            let mark = if request.url.contains('?') { '&' } else { '?' };
            let fresh = format!("{mark}statusgap={}-{}", template::encode(&variables.uuid), variables.nonce);
            request.url.push_str(&fresh);
        }
        Ok(request)
    }

    /// The status request with the user and the headers of the initiate, which win over its own.
    fn status_as_initiator(&self, filling: Filling<'_>, handed_out: Option<&str>) -> Result<Request, RequestError> {
        let mut status = self.status.clone();
        for (name, value) in self.initiate.headers.iter().filter(|(name, _)| !speaks_of_the_body(name.as_str())) {
            status.endpoint.headers.retain(|(own, _)| own != name);
            status.endpoint.headers.push((name.clone(), value.clone()));
        }
        // The user's own headers win as well: what identifies the caller must be the initiate's.
        let user = self.headers_of(&self.initiate.user)?;
        status.endpoint.headers.retain(|(name, _)| {
            user.iter().all(|(of_user, _)| of_user != name) || self.initiate.headers.iter().any(|(own, _)| own == name)
        });
        self.ask_about(&status, Filling { user: &self.initiate.user, ..filling }, handed_out, None)
    }

    /// Asks for the status of an id that was never issued, and says which. Needs variables that no scan has had.
    ///
    /// [`RequestError::NoPath`] where the file only follows handed-out addresses: see [`Target::unknown_like`].
    pub fn unknown(&self, variables: &Variables) -> Result<(String, Request), RequestError> {
        let id = self.unknown_id(variables);
        let request = self.ask(&self.status.endpoint, variables, &id)?;
        Ok((id, request))
    }

    /// The same for a target that only follows handed-out addresses: one that was handed out, with another id in it.
    pub fn unknown_like(&self, variables: &Variables, accepted: &Accepted) -> Result<(String, Request), RequestError> {
        if self.status.endpoint.path.is_some() {
            return self.unknown(variables);
        }
        let id = self.unknown_id(variables);
        let handed_out = accepted.handed_out.as_deref().ok_or(RequestError::NotHandedOut)?;
        let encoded = template::encode(&accepted.id);
        let known =
            [encoded.as_str(), accepted.id.as_str()].into_iter().find(|known| handed_out.contains(known)).ok_or(RequestError::NoPath)?;
        let address = handed_out.replace(known, &template::encode(&id));
        let filling = Filling { variables, user: &self.status.endpoint.user, id: &id };
        let request = self.ask_about(&self.status, filling, Some(&address), None)?;
        Ok((id, request))
    }

    /// Asks the witness, if the target has one.
    pub fn witness(&self, variables: &Variables, accepted: &Accepted) -> Option<Result<Request, RequestError>> {
        let read = self.witness.as_ref()?;
        Some(self.read_of(read, variables, accepted, accepted.witness_at.as_deref()))
    }

    /// Asks for the results, if the target has any.
    pub fn results(&self, variables: &Variables, accepted: &Accepted) -> Option<Result<Request, RequestError>> {
        let read = self.results.as_ref()?;
        Some(self.read_of(read, variables, accepted, accepted.results_at.as_deref()))
    }

    /// Asks for the scan to be cancelled, if the target can.
    pub fn cancel(&self, variables: &Variables, accepted: &Accepted) -> Option<Result<Request, RequestError>> {
        let cancel = self.cancel.as_ref()?;
        Some(self.ask(&cancel.endpoint, variables, &accepted.id))
    }

    /// A harmless request: the file's, or a poll of an id that was never issued.
    pub fn filler(&self, variables: &Variables) -> Result<Request, RequestError> {
        match &self.filler {
            Some(filler) => self.ask(filler, variables, ""),
            None => self.unknown(variables).map(|(_, request)| request),
        }
    }

    /// Reads the reply to an initiate.
    pub fn read_initiate(&self, reply: &Reply<'_>) -> Initiated {
        let reply = Opened::new(reply);
        let id = match self.initiate_reader.read(&reply) {
            Ok(id) => id,
            Err((answer, reason)) => return Initiated::Failed { answer, reason },
        };
        let address = |read: Option<&Read>| -> Result<Option<String>, String> {
            let Some((read, follow)) = read.and_then(|read| Some((read, read.follow.as_ref()?))) else {
                return Ok(None);
            };
            match text_at(follow, &reply, &id) {
                Ok(address) => Ok(Some(address)),
                Err(_) if read.endpoint.path.is_some() => Ok(None),
                Err(reason) => Err(format!("no address to follow: {reason}")),
            }
        };
        let addresses = address(Some(&self.status))
            .and_then(|handed_out| Ok((handed_out, address(self.witness.as_ref())?, address(self.results.as_ref())?)));
        match addresses {
            Ok((handed_out, witness_at, results_at)) => Initiated::Accepted(Accepted { id, handed_out, witness_at, results_at }),
            Err(reason) => Initiated::Failed { answer: Answer::Malformed, reason },
        }
    }

    /// Reads a status reply about the scan `id`, whoever asked.
    pub fn read_status(&self, reply: &Reply<'_>, id: &str) -> Reading {
        self.status.reader.read(&Opened::new(reply), id)
    }

    /// Reads the witness's reply; by its HTTP code alone if the target has no witness.
    pub fn read_witness(&self, reply: &Reply<'_>, id: &str) -> Reading {
        read_by(self.witness.as_ref(), reply, id)
    }

    /// Reads a results reply; by its HTTP code alone if the target has no results.
    pub fn read_results(&self, reply: &Reply<'_>, id: &str) -> Reading {
        read_by(self.results.as_ref(), reply, id)
    }

    /// Reads a reply that is told by its HTTP code alone: a cancel's or a filler's.
    pub fn read_by_code(&self, reply: &Reply<'_>) -> Answer {
        by_code(reply.http)
    }

    /// Whether a status reply shows the cancel's effect. `None` where the target cannot cancel, and where the reply is neither
    /// visible nor not found and so says nothing about it.
    pub fn read_cancel_seen(&self, reply: &Reply<'_>, id: &str) -> Option<bool> {
        let cancel = self.cancel.as_ref()?;
        let opened = Opened::new(reply);
        if cancel.seen_when.holds(&opened, id) {
            return Some(true);
        }
        let reading = self.status.reader.read(&opened, id);
        reading.answer.is_evidence().then_some(false)
    }

    fn unknown_id(&self, variables: &Variables) -> String {
        Filling { variables, user: &self.status.endpoint.user, id: "" }.fill(&self.unknown_id)
    }

    /// The request to an endpoint's own path, as its own user.
    fn ask(&self, endpoint: &Endpoint, variables: &Variables, id: &str) -> Result<Request, RequestError> {
        let filling = Filling { variables, user: &endpoint.user, id };
        endpoint.at_path(&self.base, self.headers_of(&endpoint.user)?, filling)
    }

    fn read_of(&self, read: &Read, variables: &Variables, accepted: &Accepted, handed_out: Option<&str>) -> Result<Request, RequestError> {
        let filling = Filling { variables, user: &read.endpoint.user, id: &accepted.id };
        self.ask_about(read, filling, handed_out, None)
    }

    /// The request about a scan: to the endpoint's path if it has one and no handed-out address is asked for.
    fn ask_about(
        &self,
        read: &Read,
        filling: Filling<'_>,
        handed_out: Option<&str>,
        route: Option<Route>,
    ) -> Result<Request, RequestError> {
        let user = self.headers_of(filling.user)?;
        if read.endpoint.path.is_some() && route != Some(Route::HandedOut) {
            return read.endpoint.at_path(&self.base, user, filling);
        }
        let handed_out = handed_out.ok_or(RequestError::NotHandedOut)?;
        let address = self.base.resolve(handed_out, read.others)?;
        if address.leaves_origin {
            read.endpoint.abroad(address.url.into(), filling)
        } else {
            read.endpoint.at_address(address.url.into(), user, filling)
        }
    }

    fn headers_of(&self, user: &str) -> Result<&Headers, RequestError> {
        self.users.get(user).ok_or_else(|| RequestError::NoUser(user.to_owned()))
    }
}

/// Whether a header says something of the body that it comes with, and nothing of who sends it.
fn speaks_of_the_body(header: &str) -> bool {
    matches!(header, "content-type" | "content-length" | "content-encoding" | "accept" | "idempotency-key")
}

fn read_by(read: Option<&Read>, reply: &Reply<'_>, id: &str) -> Reading {
    match read {
        Some(read) => read.reader.read(&Opened::new(reply), id),
        None => Reading { answer: by_code(reply.http), state: None::<State>, word: None, progress: None, echo: None, reason: None },
    }
}
