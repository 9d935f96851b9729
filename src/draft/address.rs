//! Addresses of copied requests, cut by hand: marks stand in them, which no parser of addresses lets through.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use url::Url;

use super::DraftError;
use super::error::cut;
use super::marks::{self, Part};
use crate::model::call::Call;

/// An address, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// Scheme, host and port, in their usual form.
    pub(super) origin: String,
    /// `user:password`, decoded.
    pub(super) user: Option<String>,
    /// The path, with its leading slash.
    pub(super) path: String,
    /// The query without its mark.
    pub(super) query: Option<String>,
}

/// What no path or query may have as it is.
const UNWRITABLE: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`').add(b'{').add(b'}').add(b'\\').add(b'^').add(b'|');

impl Address {
    /// The address of a request.
    pub(super) fn of(call: &Call) -> Result<Address, DraftError> {
        Address::read(&call.url).map_err(|error| error.at(call.line))
    }

    /// Reads a whole address.
    pub(super) fn read(url: &str) -> Result<Address, DraftError> {
        let shown = cut(url);
        let wrong = |why: &str| {
            DraftError::new(format!("`{shown}` is not an address: {why}"), "copy the whole command, with the address as it works")
        };
        let no_host = |name: &str| {
            DraftError::new(
                format!("the address `{shown}` has the variable ${name} in its host, which is not set"),
                format!("set {name} when statusgap runs, or write the host itself"),
            )
        };
        if let Some(Part::Variable(name)) = marks::parts(url).first() {
            return Err(no_host(name));
        }
        let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("it has no scheme such as https://"))?;
        if scheme.eq_ignore_ascii_case("ws") || scheme.eq_ignore_ascii_case("wss") {
            return Err(DraftError::new(
                format!("`{shown}` is a WebSocket, and only requests that are answered are understood"),
                "give the GET that asks for a job's status; of a stream of server-sent events, the first event is the answer",
            ));
        }
        if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
            return Err(wrong("only http and https are spoken"));
        }
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        if let Some(name) = marks::variables(authority).next() {
            return Err(no_host(name));
        }
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(percent_decode_str(user).decode_utf8_lossy().into_owned()), host),
            None => (None, authority),
        };
        let parsed = Url::parse(&format!("{scheme}://{host}")).map_err(|error| wrong(&error.to_string()))?;
        let origin = parsed.origin().ascii_serialization();
        let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        let path = if path.is_empty() { "/".to_owned() } else { encoded(path) };
        Ok(Address { origin, user, path, query: query.map(encoded) })
    }

    /// Path and query.
    pub(super) fn target(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }

    /// The segments of the path, decoded.
    pub(super) fn segments(&self) -> Vec<String> {
        self.path.split('/').filter(|segment| !segment.is_empty()).map(decoded).collect()
    }

    /// The parameters of the query, decoded.
    pub(super) fn parameters(&self) -> Vec<(String, String)> {
        let pairs = self.query.iter().flat_map(|query| query.split('&'));
        pairs
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (decoded(name), decoded(&value.replace('+', " "))))
            .collect()
    }
}

/// A text without percent-encoding; marks stay.
pub(super) fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// What cannot be written as it is, percent-encoded; marks stay.
fn encoded(text: &str) -> String {
    let of = |part: Part<'_>| match part {
        Part::Text(text) => utf8_percent_encode(text, UNWRITABLE).to_string(),
        Part::Variable(name) => marks::variable(name),
        Part::Id => marks::ID.to_string(),
        Part::Fresh => marks::FRESH.to_string(),
        Part::Token => marks::TOKEN.to_string(),
        Part::Output => String::new(),
    };
    marks::parts(text).into_iter().map(of).collect()
}
