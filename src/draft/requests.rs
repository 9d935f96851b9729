//! Two requests made ready: for a target file, and to be sent.

use super::address::Address;
use super::curl::basic;
use super::error::{DraftError, cut};
use super::marks::{self, FRESH, Part};
use super::pair::{IdFrom, Login, Pair};
use super::secrets::{Secret, is_idempotency_key, take_out, upper};
use super::shape::Shape;
use crate::model::call::Call;

/// Looks up a variable of the environment.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What stands in the places of a request, beside the id.
#[derive(Clone, Copy)]
pub struct Filling<'a> {
    /// The environment.
    pub lookup: Lookup<'a>,
    /// What the login gave; empty where there is none.
    pub token: &'a str,
    /// A text that no other request has.
    pub fresh: &'a str,
}

/// A target that is about to be described.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The two requests, with places marked: credentials, variables, the id, what must be new for each job.
    pub pair: Pair,
    /// The target's name.
    pub name: String,
    /// Scheme, host and port of both.
    pub origin: String,
    /// The credentials that became variables.
    pub secrets: Vec<Secret>,
    /// How many headers were left out as the browser's own.
    pub dropped: usize,
    /// The variables that the texts have besides, such as a script's `$TOKEN`.
    pub variables: Vec<String>,
    /// Files of certificates: authorities, certificate, key.
    pub certificates: [Option<String>; 3],
}

impl Draft {
    /// Names the target, finds the credentials, and drops what is the browser's own.
    pub fn of(mut pair: Pair, name: Option<&str>) -> Result<Draft, DraftError> {
        let (one, other) = (address(&mut pair.initiate)?, address(&mut pair.status)?);
        for call in pair.login.iter_mut().flat_map(Login::calls) {
            address(call)?;
        }
        if one.origin != other.origin {
            return Err(DraftError::new(
                format!("the two requests go to different servers: {} and {}", one.origin, other.origin),
                "a target file has one base_url: take both from the same deployment, or write the file by hand",
            )
            .at(pair.status.line));
        }
        let name = name.map_or_else(|| named(&one), str::to_owned);
        let calls = [&pair.initiate, &pair.status].into_iter().chain(pair.login.iter().flat_map(Login::requests));
        for call in calls {
            call.headers.iter().try_for_each(|(name, value)| check_header(name, value)).map_err(|error| error.at(call.line))?;
        }
        let mut dropped = 0;
        let login = pair.login.iter_mut().flat_map(Login::calls);
        for call in [&mut pair.initiate, &mut pair.status].into_iter().chain(login) {
            let before = call.headers.len();
            call.headers.retain(|(name, value)| !is_browsers_own(name, value));
            dropped = dropped.max(before - call.headers.len());
            for (_, value) in call.headers.iter_mut().filter(|(name, _)| is_idempotency_key(name)) {
                *value = FRESH.to_string();
            }
        }
        let login = pair.login.iter_mut().flat_map(Login::calls);
        let secrets = take_out([&mut pair.initiate, &mut pair.status].into_iter().chain(login).collect(), &name);
        let mut draft = Draft { pair, name, origin: one.origin, secrets, dropped, variables: Vec::new(), certificates: [None, None, None] };
        draft.variables = draft.other_variables();
        Ok(draft)
    }

    fn other_variables(&self) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        let login = self.pair.login.iter().flat_map(Login::requests);
        for call in [&self.pair.initiate, &self.pair.status].into_iter().chain(login) {
            let texts = std::iter::once(&call.url).chain(call.headers.iter().map(|(_, value)| value)).chain(&call.body);
            for name in texts.flat_map(|text| marks::variables(text)) {
                if !found.iter().any(|known| known == name) && !self.secrets.iter().any(|secret| secret.variable == name) {
                    found.push(name.to_owned());
                }
            }
        }
        found
    }

    /// The variable that the address is taken from.
    pub fn address_variable(&self) -> String {
        format!("{}_URL", upper(&self.name))
    }

    /// A variable's value: a credential that was copied, or what the environment has.
    pub fn value(&self, name: &str, lookup: Lookup<'_>) -> Option<String> {
        let copied = self.secrets.iter().find(|secret| secret.variable == name).map(|secret| secret.value.clone());
        copied.or_else(|| lookup(name))
    }

    /// The variables that have no value yet.
    pub fn missing(&self, lookup: Lookup<'_>) -> Vec<&str> {
        self.variables.iter().filter(|name| lookup(name).is_none()).map(String::as_str).collect()
    }

    /// The request that logs in.
    pub fn login(&self, filling: Filling<'_>) -> Option<Call> {
        self.pair.login.as_ref().map(|login| self.filled(&login.call, filling, ""))
    }

    /// The request that starts a job; the id is the one that the client gives, if it does.
    pub fn initiate(&self, filling: Filling<'_>, id: &str) -> Call {
        self.filled(&self.pair.initiate, filling, id)
    }

    /// The request that asks for the status of a job.
    pub fn status(&self, filling: Filling<'_>, id: &str) -> Call {
        self.filled(&self.pair.status, filling, id)
    }

    /// The template of the ids that the client gives; `None` where the service does.
    pub fn id_of_the_client(&self) -> Option<String> {
        let of_shape = || self.pair.shape.as_ref().map_or_else(|| "{uuid}".to_owned(), Shape::of_the_client);
        (self.pair.id_from == IdFrom::Client).then(of_shape)
    }

    fn filled(&self, call: &Call, filling: Filling<'_>, id: &str) -> Call {
        let fill = |text: &str, id: &str| {
            marks::written(text, str::to_owned, |place| match place {
                Part::Variable(name) => self.value(name, filling.lookup).unwrap_or_default(),
                Part::Id => id.to_owned(),
                Part::Fresh => filling.fresh.to_owned(),
                Part::Token => filling.token.to_owned(),
                Part::Output | Part::Text(_) => String::new(),
            })
        };
        let json_id = serde_json::Value::from(id).to_string();
        let is_json = call.body.as_deref().is_some_and(|body| serde_json::from_str::<serde_json::Value>(body).is_ok());
        let in_body = if is_json { json_id.trim_matches('"') } else { id };
        Call {
            method: call.method.clone(),
            url: fill(&call.url, &encoded(id)),
            headers: call.headers.iter().map(|(name, value)| (name.clone(), fill(value, id))).collect(),
            body: call.body.as_ref().map(|body| fill(body, in_body)),
            answer: None,
            line: None,
        }
    }

    /// The text without credentials, as it may be shown.
    pub fn shown(&self, text: &str) -> String {
        let long = self.secrets.iter().filter(|secret| secret.value.len() >= 4);
        long.fold(text.to_owned(), |text, secret| text.replace(&secret.value, &format!("${}", secret.variable)))
    }

    /// The request as it is shown: method and path.
    pub fn asked(&self, call: &Call) -> String {
        let target = Address::read(&call.url).map_or_else(|_| call.url.clone(), |address| address.target());
        let target = match &self.pair.id {
            Some(id) => target.replace(marks::ID, id),
            None => target,
        };
        format!("{} {}", call.method, marks::readable(&target))
    }

    /// Templates of ids that were never issued, the best first. `random` is new in each call.
    pub fn never_issued(&self, id: &str, random: &[u8; 32]) -> Vec<String> {
        let shape = self.pair.shape.clone().filter(|shape| shape.fits(id)).or_else(|| Shape::of(id));
        shape.map_or_else(|| vec!["{uuid}".to_owned()], |shape| shape.never_issued(random))
    }
}

/// Refuses what no header can have: a line break in a copied value is a mistake in copying.
fn check_header(name: &str, value: &str) -> Result<(), DraftError> {
    let is_sendable = http::HeaderName::from_bytes(name.as_bytes()).is_ok() && !value.chars().any(|c| c.is_control() && c != '\t');
    is_sendable.then_some(()).ok_or_else(|| {
        DraftError::new(
            format!("the header `{}` has characters that cannot be sent, such as a line break", cut(name)),
            "copy the command again, with the header on one line",
        )
    })
}

/// An id as it stands in a path.
fn encoded(id: &str) -> String {
    const RESERVED: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    percent_encoding::utf8_percent_encode(id, RESERVED).to_string()
}

/// Fills the variables that stand in the hosts of addresses, as `$BASE/jobs` in a script: without its host no address can be read.
pub fn fill_hosts(calls: &mut [Call], lookup: Lookup<'_>) {
    for call in calls {
        let host_at = call.url.split_once("://").map_or(0, |(scheme, _)| scheme.len() + 3);
        let path_at = call.url[host_at..].find('/').map_or(call.url.len(), |at| host_at + at);
        let (host, rest) = call.url.split_at(path_at);
        if marks::variables(host).next().is_none() {
            continue;
        }
        let filled = marks::written(host, str::to_owned, |place| match place {
            Part::Variable(name) => lookup(name).unwrap_or_else(|| marks::variable(name)),
            _ => String::new(),
        });
        if marks::variables(&filled).next().is_none() {
            let scheme = if filled.contains("://") { "" } else { "http://" };
            call.url = format!("{scheme}{}{rest}", filled.trim_end_matches('/'));
        }
    }
}

/// A request's address; a user and a password in it become a header.
fn address(call: &mut Call) -> Result<Address, DraftError> {
    let address = Address::of(call)?;
    if let Some(user) = &address.user
        && call.header("authorization").is_none()
    {
        call.headers.push(("Authorization".to_owned(), basic(user)));
    }
    call.url = format!("{}{}", address.origin, address.target());
    Ok(address)
}

/// The last word of the path that is not a version, such as `renders` of `/v1/renders`.
fn named(address: &Address) -> String {
    let is_word = |part: &&String| part.len() > 2 && part.chars().all(|c| c.is_ascii_alphabetic() || c == '-' || c == '_');
    address.segments().iter().rev().find(is_word).map_or_else(|| "jobs".to_owned(), |word| word.to_ascii_lowercase())
}

/// Headers that belong to the browser or to the connection, and say nothing about the job.
const BROWSERS_OWN: &[&str] = &[
    "user-agent",
    "accept-encoding",
    "accept-language",
    "referer",
    "origin",
    "connection",
    "host",
    "content-length",
    "dnt",
    "priority",
    "pragma",
    "cache-control",
    "te",
    "upgrade-insecure-requests",
    "if-none-match",
    "if-modified-since",
    "x-requested-with",
    "keep-alive",
    "transfer-encoding",
    "expect",
    "traceparent",
    "tracestate",
    "x-statusgap-run",
];

fn is_browsers_own(name: &str, value: &str) -> bool {
    let name = name.to_ascii_lowercase();
    BROWSERS_OWN.contains(&name.as_str())
        || name.starts_with("sec-")
        || name.starts_with("proxy-")
        || (name == "accept" && (value.starts_with("*/*") || value.starts_with("application/json, text/plain, */*")))
}
