//! The contract as data: what "initiate", "id", "not found" and "complete" mean for one deployment.
//!
//! In come the text of a target file and a way to look up environment variables; out come requests, ready to be sent, and the
//! meaning of their replies. This room sends nothing and reads no file, no clock, no randomness and no environment of its own;
//! of the other rooms it may name only `model`.

mod address;
mod captured;
mod compile;
mod contact;
pub mod credentials;
mod file;
mod fingerprint;
mod hints;
mod json;
mod logged;
mod never_issued;
mod other_id;
mod polling;
mod query_steps;
mod reading;
mod redirect;
mod replies;
mod request;
mod requests;
mod routes;
mod rules;
mod selector;
mod sender;
mod steps;
mod template;
#[cfg(test)]
mod tests;
mod understood;
mod validity;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::model::exchange::Kind;
use crate::model::noun::Noun;
use crate::model::redaction::SHORTEST_SECRET;
use crate::model::run::{Capabilities, HttpVersion, StatusNote, TargetNote};
use crate::model::secret_names::is_credential;
use crate::model::slo::Slo;
use crate::model::source::{InputError, Source};
use crate::model::time::Span;

pub use address::AddressError;
pub use captured::{About, Captured};
pub use contact::{Explaining, Heard, IdFault, Knows, StatusFinding};
pub(crate) use file::{HttpCode, HttpCodes};
pub use fingerprint::fingerprint;
pub(crate) use json::JsonTemplate;
pub(crate) use logged::{EnvironmentVariable, LoggedFollow, LoggedRequest, LoggedStep, LoggedTarget, Piece, Placeholder};
pub use other_id::OtherId;
pub(crate) use query_steps::{Comparand, QueryStep};
pub(crate) use reading::IdSource;
pub use reading::{Accepted, Initiated, Reading};
pub(crate) use request::{Encoding, usual_method};
pub use request::{Request, RequestError, Variables};
pub use routes::{Hosts, MatchedRoute, RouteMatcher};
pub(crate) use rules::{Rule, Test, When};
pub use selector::Reply;
pub(crate) use selector::{Extract, Selector, Step};
pub use sender::{cache_note, worker};
pub use steps::Session;
pub use template::filled_id;
pub use understood::Understood;
pub use validity::{LoginOutcome, Turn, Validity};

use address::{Base, OtherOrigins, ShownBase};
use credentials::parts;
use polling::{Follow, Pages};
use reading::{InitiateReader, Reader, Replies};
use request::{Endpoint, Headers};
use routes::Shape;
use steps::Login;
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
    noun: Noun,
    slo: Vec<Slo>,
    base: Base,
    shown_base: ShownBase,
    http: HttpVersion,
    tls: TlsFiles,
    source_text: String,
    /// Credentials that stand in the file itself.
    literal_secrets: Vec<String>,
    users: BTreeMap<String, Headers>,
    unknown_id: Template,
    /// The one that users share first, then those of users.
    logins: Vec<Login>,
    setup: Vec<steps::Step>,
    /// The names of what is captured, by place.
    captures: Vec<String>,
    initiate: Endpoint,
    initiate_reader: InitiateReader,
    /// Whether a scan is looked for whose initiate failed.
    orphan: bool,
    status: Read,
    witness: Option<Read>,
    results: Option<Read>,
    writes: BTreeMap<WriteKind, LaterWrite>,
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
    follow: Option<Follow>,
    others: OtherOrigins,
    pages: Option<Pages>,
    conditional: bool,
    ask_before: bool,
    reader: Reader,
    /// For how long the service holds a request on purpose.
    long_poll: Option<Span>,
}

/// A write to a scan that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WriteKind {
    /// It is cancelled.
    Cancel,
    /// It is changed.
    Update,
    /// It is deleted.
    Delete,
}

impl WriteKind {
    /// What such a request is in the log.
    pub fn kind(self) -> Kind {
        match self {
            WriteKind::Cancel => Kind::Cancel,
            WriteKind::Update => Kind::Update,
            WriteKind::Delete => Kind::Delete,
        }
    }

    /// The write that an exchange was, if it was one.
    pub fn of(kind: Kind) -> Option<WriteKind> {
        match kind {
            Kind::Cancel => Some(WriteKind::Cancel),
            Kind::Update => Some(WriteKind::Update),
            Kind::Delete => Some(WriteKind::Delete),
            _ => None,
        }
    }

    /// Its table in a target file.
    fn section(self) -> &'static str {
        self.kind().word()
    }
}

/// How a write is sent, and how a status reply shows that it was seen.
#[derive(Debug, Clone)]
struct LaterWrite {
    endpoint: Endpoint,
    /// `None`: by `not_found`.
    seen_when: Option<When>,
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
        compile::reference(base_url, false, &|name, _| lookup(name))
    }

    /// The same contract with ids that the client gives, so that a scan whose request failed can be looked for.
    pub fn reference_with_own_ids(base_url: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Target, InputError> {
        compile::reference(base_url, true, &|name, _| lookup(name))
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

    /// What a log's header says of it, where nothing else is known than its file.
    pub fn note(&self) -> TargetNote {
        TargetNote {
            name: self.name().to_owned(),
            base_url: self.shown_url().to_owned(),
            file: self.source_text().to_owned(),
            service: None,
            can: self.can(),
            status: self.status_note(),
            http: HttpVersion::One,
            noun: self.noun.clone(),
            slo: self.slo.clone(),
        }
    }

    /// What a job is called.
    pub fn noun(&self) -> &Noun {
        &self.noun
    }

    /// The objectives that reports hold a run to.
    pub fn slo(&self) -> &[Slo] {
        &self.slo
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
            cancel: self.writes.contains_key(&WriteKind::Cancel),
            update: self.writes.contains_key(&WriteKind::Update),
            delete: self.writes.contains_key(&WriteKind::Delete),
            setups: self.setup.len() as u32,
            pages: self.status.pages.as_ref().map_or(0, |pages| pages.most),
            login: self.has_login(),
            asks_before: self.status.ask_before,
            orphans: self.orphan,
            complete: status.complete.is_some(),
            created: status.created.is_some(),
            echo: status.echo.is_some(),
            states: !status.states.is_empty() || status.rules.iter().any(|rule| rule.state.is_some()),
            handed_out: self.status.follow.is_some(),
            two_addresses: self.status.follow.is_some() && self.status.endpoint.path.is_some(),
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
        let InitiateReader { accept, id, .. } = &self.initiate_reader;
        let Reader { rules, state, states, echo, .. } = &self.status.reader;
        Replies { accept, id, rules, state: state.as_ref(), states, echo: echo.as_ref() }
    }

    /// How much longer than other requests a status request may take, because the service holds it on purpose.
    pub fn long_poll(&self) -> Duration {
        self.status.long_poll.unwrap_or_default().0
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
            .chain(self.logins.iter().map(|login| &login.step.endpoint))
            .chain(self.setup.iter().map(|step| &step.endpoint))
            .chain(self.writes.values().map(|write| &write.endpoint))
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
}
