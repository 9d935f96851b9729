//! Where a value stands in a reply: a JSON Pointer (RFC 6901), a `JSONPath` (RFC 9535) or a header.

use std::borrow::Cow;
use std::fmt::Write as _;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use regex::Regex;
use serde_json::Value;
use serde_json_path::JsonPath;

use crate::model::events;

use super::captured::About;
use super::template::{Template, Variable};

/// A reply, whole, as it came.
#[derive(Debug, Clone, Copy)]
pub struct Reply<'a> {
    /// The HTTP status code.
    pub http: u16,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The body, as far as the caller's bound let it in.
    pub body: &'a [u8],
}

/// A reply with its body understood once, however many rules look at it.
pub(super) struct Opened<'a> {
    pub(super) http: u16,
    pub(super) headers: &'a HeaderMap,
    bytes: Cow<'a, [u8]>,
    /// `None` where the body is not JSON (or nests deeper than the parser's limit of 128).
    pub(super) json: Option<Value>,
}

impl<'a> Opened<'a> {
    pub(super) fn new(reply: &Reply<'a>) -> Self {
        let bytes = reply.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(reply.body);
        let kind = reply.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let bytes = events::content(kind, bytes);
        let json = serde_json::from_slice(&bytes).ok();
        Opened { http: reply.http, headers: reply.headers, bytes, json }
    }

    /// The body as text; bytes that are not UTF-8 become U+FFFD.
    pub(super) fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }
}

/// Where to look in a reply.
#[derive(Debug, Clone)]
pub(crate) enum Selector {
    Pointer(Path),
    JsonPath(Query),
    Header(HeaderName),
}

/// One member on the way to a value: a name, and the place in a list that it may mean as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) index: Option<usize>,
}

/// A pointer, which may name the scan's id.
#[derive(Debug, Clone)]
pub(crate) struct Path {
    pub(super) template: Template,
    /// The pointer as it stands in the file, for reasons.
    written: String,
    /// Its steps, unescaped, where it names no id: most do not, and need not be read anew for every reply.
    steps: Option<Vec<String>>,
}

/// A `JSONPath`, which may name the scan's id.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(super) template: Template,
    /// The path as it stands in the file, for reasons.
    pub(super) written: String,
    id_stands: IdStands,
}

/// Where an id stands in a `JSONPath`; in either place no id can change the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IdStands {
    /// Inside a string literal: `@.id == '{id:raw}'`.
    InQuotes,
    /// As a value: `@.id == {id:raw}`, where an id of digits is a number and any other a string.
    Alone,
}

/// What stands at a place.
#[derive(Debug)]
pub(super) enum Found<'r> {
    AtMostOne(Option<&'r Value>),
    Any(Vec<Cow<'r, Value>>),
}

impl Found<'_> {
    /// The first value.
    fn first(&self) -> Option<&Value> {
        match self {
            Found::AtMostOne(value) => *value,
            Found::Any(values) => values.first().map(AsRef::as_ref),
        }
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<&Value> {
        match self {
            Found::AtMostOne(value) => value.iter().copied().collect(),
            Found::Any(values) => values.iter().map(AsRef::as_ref).collect(),
        }
    }
}

impl Selector {
    /// The values found there. `None` where there is nothing to look into: a body that is not JSON.
    pub(super) fn find<'r>(&self, reply: &'r Opened<'_>, about: About<'_>) -> Option<Found<'r>> {
        match self {
            Selector::Pointer(path) => Some(Found::AtMostOne(path.find(reply.json.as_ref()?, about))),
            Selector::JsonPath(query) => {
                let json = reply.json.as_ref()?;
                let query = query.about(about).ok()?;
                Some(Found::Any(query.query(json).into_iter().map(Cow::Borrowed).collect()))
            }
            Selector::Header(name) => {
                Some(Found::Any(reply.headers.get_all(name).iter().map(|value| Cow::Owned(header_value(value))).collect()))
            }
        }
    }

    /// The way to the one value that it selects, for whoever looks it up by other means. `None` where it may select several, or depends
    /// on the scan or on the environment; and for headers.
    pub(crate) fn steps(&self) -> Option<Vec<Step>> {
        match self {
            Selector::Pointer(path) => {
                path.template.constant()?;
                Some(path.steps.iter().flatten().map(|name| Step { name: name.clone(), index: index(name) }).collect())
            }
            Selector::JsonPath(query) => {
                let is_name = |name: &str| {
                    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                };
                let names = query.template.constant()?.strip_prefix("$.")?.split('.');
                names.map(|name| is_name(name).then(|| Step { name: name.to_owned(), index: None })).collect()
            }
            Selector::Header(_) => None,
        }
    }

    /// The text that may depend on the scan; headers have fixed names.
    pub(super) fn template(&self) -> Option<&Template> {
        match self {
            Selector::Pointer(path) => Some(&path.template),
            Selector::JsonPath(query) => Some(&query.template),
            Selector::Header(_) => None,
        }
    }

    /// The place in words, for reasons.
    pub(super) fn written(&self) -> String {
        match self {
            Selector::Pointer(path) => format!("`{}`", path.written),
            Selector::JsonPath(query) => format!("`{}`", query.written),
            Selector::Header(name) => format!("the header `{name}`"),
        }
    }
}

impl Path {
    pub(super) fn new(template: Template, written: &str) -> Path {
        let mut path = Path { template, written: written.to_owned(), steps: None };
        if path.template.variables().next().is_none() {
            let step = |token: &str| token.replace("~1", "/").replace("~0", "~");
            path.steps = Some(path.pointer(About::nothing()).split('/').skip(1).map(step).collect());
        }
        path
    }

    /// The pointer for one scan; `~` and `/` in the id are written as RFC 6901 wants them.
    pub(super) fn pointer(&self, about: About<'_>) -> String {
        self.template.fill(|variable| about.value(variable).replace('~', "~0").replace('/', "~1"))
    }

    fn find<'r>(&self, json: &'r Value, about: About<'_>) -> Option<&'r Value> {
        match &self.steps {
            Some(steps) => steps.iter().try_fold(json, |value, step| member(value, step)),
            None => json.pointer(&self.pointer(about)),
        }
    }
}

/// One step of a pointer (RFC 6901, section 4): places in a list are numbers without leading zeros.
fn member<'r>(value: &'r Value, step: &str) -> Option<&'r Value> {
    match value {
        Value::Object(members) => members.get(step),
        Value::Array(list) => list.get(index(step)?),
        _ => None,
    }
}

fn index(step: &str) -> Option<usize> {
    (step == "0" || step.starts_with(|c: char| matches!(c, '1'..='9'))).then(|| step.parse().ok()).flatten()
}

impl Query {
    /// Finds out where the id stands. The error is that of the query with an id like any other.
    pub(super) fn read(template: Template, written: &str) -> Result<Query, serde_json_path::ParseError> {
        // outside of quotes, a quote and a star would be noticed
        const TELLTALE: &str = "x'*";
        let mut query = Query { template, written: written.to_owned(), id_stands: IdStands::InQuotes };
        let with = |value: &'static str, query: &Query| query.filled(|_| value.to_owned());
        if with(TELLTALE, &query).is_err() {
            query.id_stands = IdStands::Alone;
            with(TELLTALE, &query)?;
            with("7", &query)?;
        }
        Ok(query)
    }

    /// The query for one scan.
    fn about(&self, about: About<'_>) -> Result<JsonPath, serde_json_path::ParseError> {
        self.filled(|variable| about.value(variable))
    }

    fn filled(&self, value: impl Fn(Variable) -> String) -> Result<JsonPath, serde_json_path::ParseError> {
        JsonPath::parse(&self.template.fill(|variable| {
            let value = value(variable);
            match self.id_stands {
                IdStands::InQuotes => literal(&value),
                IdStands::Alone if is_number(&value) => value,
                IdStands::Alone => format!("'{}'", literal(&value)),
            }
        }))
    }
}

/// Whether an id can stand as a whole number in a `JSONPath`, whose numbers end at 2^53 (RFC 9535, section 2.1).
fn is_number(id: &str) -> bool {
    id == "0" || (!id.is_empty() && id.len() <= 15 && !id.starts_with('0') && id.bytes().all(|b| b.is_ascii_digit()))
}

/// A text inside a `JSONPath` string literal of either quote (RFC 9535, section 2.3.1.1): quotes, backslashes and control
/// characters become `\uXXXX`, all else stands for itself.
fn literal(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\'' | '"' | '\\' | '\0'..='\x1f') {
            // writing to a String cannot fail
            let _ = write!(safe, "\\u{:04x}", u32::from(c));
        } else {
            safe.push(c);
        }
    }
    safe
}

/// Takes one text out of a reply.
#[derive(Debug, Clone)]
pub(crate) struct Extract {
    pub(crate) selector: Selector,
    /// The first group that took part is the text; without groups, the whole match is.
    pub(crate) pattern: Option<Regex>,
}

/// What an extraction came to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Extracted {
    Text(String),
    /// The body is not JSON.
    NotJson,
    /// Nothing there, or null.
    Nothing,
    /// Something that is not text, number or truth value; or a number or a header that cannot be read exactly.
    Composite,
    /// A text that the pattern does not match.
    Unmatched(String),
}

impl Extract {
    /// The first value at the place, as text.
    pub(super) fn take(&self, reply: &Opened<'_>, about: About<'_>) -> Extracted {
        let Some(found) = self.selector.find(reply, about) else {
            return Extracted::NotJson;
        };
        // A header may come several times, such as `Set-Cookie`: the first value that the pattern matches is meant.
        let is_header = matches!(self.selector, Selector::Header(_)) && self.pattern.is_some();
        let values = if is_header { found.all() } else { found.first().into_iter().collect() };
        let mut first = None;
        for value in values {
            match self.of(value) {
                Extracted::Text(text) => return Extracted::Text(text),
                other => first = first.or(Some(other)),
            }
        }
        first.unwrap_or(Extracted::Nothing)
    }

    fn of(&self, value: &Value) -> Extracted {
        if value.is_null() {
            return Extracted::Nothing;
        }
        let Some(text) = plain(value) else { return Extracted::Composite };
        let Some(pattern) = &self.pattern else {
            return Extracted::Text(text);
        };
        let taken = pattern.captures(&text).and_then(|captures| {
            captures.iter().skip(1).flatten().next().or_else(|| captures.get(0)).map(|group| group.as_str().to_owned())
        });
        taken.map_or(Extracted::Unmatched(text), Extracted::Text)
    }

    /// The text, where there is one.
    pub(super) fn text(&self, reply: &Opened<'_>, about: About<'_>) -> Option<String> {
        match self.take(reply, about) {
            Extracted::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// A header's value. One that is not UTF-8 is something that is there and is not text: with the bytes replaced that cannot be read,
/// an id would become another one, and a scan would be asked for that nobody knows.
fn header_value(value: &HeaderValue) -> Value {
    std::str::from_utf8(value.as_bytes()).map_or_else(|_| Value::Array(vec![Value::Null]), Value::from)
}

/// From here on a double leaves out whole numbers.
const INEXACT: f64 = 9_007_199_254_740_992.0;

/// A scalar as text. A whole number that is too large for 64 bits was rounded when it was read, so its text is not known any more:
/// an id of 25 digits would become another id.
pub(super) fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if number.is_f64() && number.as_f64().is_none_or(|number| number.abs() >= INEXACT) => None,
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
