//! A login among the commands: the request whose answer has the credentials that the others carry.

use super::{Pair, TWO};
use crate::draft::DraftError;
use crate::draft::address::{Address, decoded};
use crate::draft::error::cut;
use crate::draft::json::{leaves, name};
use crate::draft::marks::{self, OUTPUT, TOKEN};
use crate::model::call::Call;
use crate::model::secret_names::{is_credential, is_secret};

/// A login, and how the others carry what it gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The request.
    pub call: Call,
    /// The same for a user who must not see the jobs, where another command has that.
    pub foreign: Option<Call>,
    /// The cookie that the others carry; `None` where they carry a token.
    pub cookie: Option<String>,
    /// The header in which the others carry it, in small letters.
    pub header: String,
}

/// Logins among commands.
pub(super) struct Logins {
    owner: Call,
    others: Vec<Call>,
}

/// The login, if there is one beside a request for a job and one for its status, and the other commands.
pub(super) fn among(calls: &[Call]) -> (Option<Logins>, Vec<Call>) {
    let (logins, others): (Vec<Call>, Vec<Call>) = calls.iter().cloned().partition(is_login);
    let mut logins = logins.into_iter();
    match logins.next() {
        Some(owner) if others.len() >= 2 => (Some(Logins { owner, others: logins.collect() }), others),
        _ => (None, calls.to_vec()),
    }
}

/// The login in a recording: the last one before the job whose answer has what the request for the job carries.
pub(super) fn recorded(before: &[Call], initiate: &Call) -> Option<Logins> {
    let (header, cookie) = carries(initiate)?;
    let carried = initiate.header(&header)?;
    let value = match &cookie {
        Some(name) => carried.split(';').filter_map(|cookie| cookie.split_once('=')).find(|(known, _)| known.trim() == name)?.1.trim(),
        None => carried.rsplit(' ').next()?,
    };
    let gives = |call: &&Call| {
        let answer = call.answer.as_ref();
        is_login(call)
            && answer.is_some_and(|answer| {
                let in_header = answer.headers.iter().any(|(_, text)| text.contains(value));
                in_header || String::from_utf8_lossy(&answer.body).contains(value)
            })
    };
    let owner = before.iter().rev().find(gives)?.clone();
    Some(Logins { owner, others: Vec::new() })
}

/// Refuses a text that another command writes. In the address it may well be the job's id, and in a credential what the login gave.
pub(super) fn check_outputs(call: &Call, has_login: bool) -> Result<(), DraftError> {
    let headers = call.headers.iter().filter(|(name, _)| !(has_login && is_credential(name))).map(|(_, value)| value);
    let query = call.url.split_once('?').map(|(_, query)| query.split('&').filter(|pair| !pair.ends_with(OUTPUT)));
    let query = query.into_iter().flatten();
    let body = call.body.iter().map(String::as_str);
    match headers.map(String::as_str).chain(query).chain(body).find(|text| text.contains(OUTPUT)) {
        Some(text) => Err(DraftError::new(
            format!("a curl command takes what another command writes: `{}`", cut(text)),
            "write the value itself there, or a variable such as $TOKEN that is set when statusgap runs; a login may be given as a command of its own",
        )
        .at(call.line)),
        None => Ok(()),
    }
}

/// Whether a request asks for credentials: it has some itself, and says so by its address or by a grant (RFC 6749).
fn is_login(call: &Call) -> bool {
    const WORDS: &[&str] =
        &["login", "logon", "signin", "auth", "oauth", "oauth2", "token", "tokens", "authenticate", "session", "sessions", "connect"];
    let Ok(address) = Address::read(&call.url) else { return false };
    let segments = address.segments();
    let is_word = |part: &str| WORDS.contains(&part.to_ascii_lowercase().as_str());
    let says_so = segments.iter().any(|segment| is_word(&segment.replace(['-', '_'], "")) || segment.split(['-', '_', '.']).any(is_word));
    let names = names(call);
    let has_grant = names.iter().any(|name| name == "grant_type");
    let has_credentials = names.iter().any(|name| is_secret(name))
        || call.header("authorization").is_some_and(|value| value.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic ")));
    !call.only_reads() && (has_grant || (says_so && has_credentials))
}

/// The names of members and fields of a body.
fn names(call: &Call) -> Vec<String> {
    let Some(body) = &call.body else { return Vec::new() };
    let mut names = Vec::new();
    match serde_json::from_str(body) {
        Ok(json) => leaves(&json, &mut |pointer, _| names.push(name(pointer))),
        Err(_) => names.extend(body.split('&').filter_map(|field| field.split_once('=')).map(|(name, _)| decoded(name))),
    }
    names
}

impl Logins {
    /// Puts a mark in the place of what the login gives, in both requests.
    pub(super) fn into_pair(self, pair: &mut Pair) -> Result<(), DraftError> {
        let same = |other: &Call| other.method == self.owner.method && other.url == self.owner.url && other.body != self.owner.body;
        let foreign = match self.others.as_slice() {
            [] => None,
            // The same login with other credentials is another user's.
            [other] if same(other) => Some(other.clone()),
            [other, ..] => {
                return Err(DraftError::new(
                    format!("two commands look like logins: {} and {}", cut(&self.owner.url), cut(&other.url)),
                    "give one login, or the same one for two users, the POST that starts a job, and the GET of its status; name the two that \
                     are meant with --calls N,N",
                )
                .at(other.line));
            }
        };
        let carried = [&pair.initiate, &pair.status].into_iter().find_map(carries);
        let Some((header, cookie)) = carried else {
            return Err(DraftError::new(
                format!("{} looks like a login, and the other commands carry no credentials", cut(&self.owner.url)),
                format!("{TWO}, with the header or cookie that the login gave; or name the two with --calls N,N, if it is none"),
            )
            .at(self.owner.line));
        };
        for call in [&mut pair.initiate, &mut pair.status] {
            for (name, value) in call.headers.iter_mut().filter(|(name, _)| name.eq_ignore_ascii_case(&header)) {
                *value = with_token(name, value, cookie.as_deref());
            }
        }
        pair.login = Some(Login { call: self.owner, foreign, cookie, header });
        Ok(())
    }
}

/// The header in which a request carries credentials, and the cookie that they are, if one is.
fn carries(call: &Call) -> Option<(String, Option<String>)> {
    let named = |wanted: fn(&str) -> bool| call.headers.iter().find(|(name, _)| wanted(&name.to_ascii_lowercase()));
    let header = named(|name| name == "authorization")
        .or_else(|| named(|name| is_credential(name) && !name.contains("cookie") && !name.contains("idempoten") && !name.contains("csrf")));
    if let Some((name, _)) = header {
        return Some((name.to_ascii_lowercase(), None));
    }
    let (name, value) = named(|name| name == "cookie")?;
    let cookies: Vec<&str> = value.split(';').filter_map(|cookie| cookie.split_once('=')).map(|(name, _)| name.trim()).collect();
    let is_session =
        |name: &&&str| ["sess", "sid", "token", "auth", "jwt", "login"].iter().any(|mark| name.to_ascii_lowercase().contains(mark));
    let cookie = cookies.iter().find(is_session).or(cookies.first())?;
    Some((name.to_ascii_lowercase(), Some((*cookie).to_owned())))
}

/// A header's value with a mark for what the login gives: behind a scheme such as `Bearer`, or as the value of its cookie.
fn with_token(name: &str, value: &str, cookie: Option<&str>) -> String {
    // What else stands there may be a credential, too, and comes from the same login if it is needed.
    if let Some(cookie) = cookie {
        return format!("{cookie}={TOKEN}");
    }
    let scheme = value
        .split_once(' ')
        .filter(|(scheme, _)| name.to_ascii_lowercase().contains("auth") && scheme.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
    scheme.map_or_else(|| TOKEN.to_string(), |(scheme, _)| format!("{scheme} {TOKEN}"))
}

impl Login {
    /// Its requests.
    pub(crate) fn calls(&mut self) -> impl Iterator<Item = &mut Call> {
        std::iter::once(&mut self.call).chain(&mut self.foreign)
    }

    /// The same, to be read.
    pub(crate) fn requests(&self) -> impl Iterator<Item = &Call> {
        std::iter::once(&self.call).chain(&self.foreign)
    }

    /// The login as it is shown.
    pub(crate) fn shown(&self) -> String {
        let path = Address::read(&self.call.url).map_or_else(|_| self.call.url.clone(), |address| address.path);
        format!("{} {}", self.call.method, marks::readable(&path))
    }
}
