//! The other way round: from a request that somebody else sent, and the code it was answered with, to what it meant.
//!
//! A recording has addresses and codes, and often no bodies. Which endpoint an address belongs to, and which id stands in it, is
//! read off the same templates that requests are built from. What a code alone says is only told where no rule that looks
//! into a body could say otherwise.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use regex::Regex;
use url::Url;

use crate::model::answer::Answer;
use crate::model::exchange::Kind;

use super::address::{Base, OtherOrigins};
use super::reading::{Reading, by_code};
use super::request::Endpoint;
use super::template::Variable;
use super::{FOREIGN, LaterWrite, Target};

/// Which requests of a recording are taken for requests to the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hosts {
    /// Those to the target's own origin, and those whose address is a bare path.
    Own,
    /// Those to any origin, by their path alone.
    Any,
}

/// What a recorded request was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchedRoute {
    /// What it was for. Never `Repeat`, `UnknownPoll` or `ForeignPoll`, which a single address cannot tell.
    pub kind: Kind,
    /// The id in its address, decoded; `None` for initiates and fillers.
    pub id: Option<String>,
}

/// Recognises a target's requests by method and address.
#[derive(Debug, Clone)]
pub struct RouteMatcher {
    base: Base,
    /// The origins at which its endpoints live.
    origins: Vec<url::Origin>,
    hosts: Hosts,
    shapes: Arc<[Shape]>,
}

/// What the requests to one endpoint look like.
#[derive(Debug)]
pub(super) struct Shape {
    kind: Kind,
    method: String,
    path: Regex,
    /// What must stand in the query, by name; a recorded query may have more.
    query: Vec<(String, Regex)>,
    /// Whether an id is in it: a shape without one says exactly what it means, and is tried first.
    has_id: bool,
}

/// The group that captures an id.
const ID: &str = "id";

impl RouteMatcher {
    /// The endpoints whose address says which scan is meant. Endpoints that are only followed, and those whose id stands in a
    /// header or body, are told by [`Target::handed_out`] or not at all.
    pub fn new(target: &Target, hosts: Hosts) -> RouteMatcher {
        let shapes = target.shapes.get_or_init(|| Shape::all(target));
        let origins = target.addresses().into_iter().filter_map(|address| Base::read(address).ok()).map(|base| base.origin()).collect();
        RouteMatcher { base: target.base.clone(), origins, hosts, shapes: Arc::clone(shapes) }
    }

    /// Whether polls can be recognised by their address at all.
    pub fn sees_polls(&self) -> bool {
        self.shapes.iter().any(|shape| shape.kind == Kind::Poll)
    }

    /// What a request was; `None` for one that has nothing to do with the target.
    pub fn route_of(&self, method: &str, address: &str) -> Option<MatchedRoute> {
        let url = self.absolute(address)?;
        self.shapes.iter().filter(|shape| shape.method.eq_ignore_ascii_case(method)).find_map(|shape| shape.matched(&url))
    }

    /// An address as this target's addresses are compared: whole, without a fragment.
    pub fn absolute(&self, address: &str) -> Option<Url> {
        if address.starts_with('/') {
            return self.base.resolve(address, OtherOrigins::Forbidden).ok().map(|resolved| resolved.url);
        }
        let mut url = Url::parse(address).ok()?;
        url.set_fragment(None);
        match self.hosts {
            Hosts::Own if !self.origins.contains(&url.origin()) => None,
            Hosts::Own | Hosts::Any => Some(url),
        }
    }
}

impl Shape {
    /// Those of all endpoints, in the order in which they are tried.
    fn all(target: &Target) -> Arc<[Shape]> {
        let read = |kind, read: &Option<super::Read>| read.as_ref().map(|read| (kind, read.endpoint.clone()));
        let endpoints = [
            Some((Kind::Initiate, target.initiate.clone())),
            Some((Kind::Poll, target.status.endpoint.clone())),
            read(Kind::Results, &target.results),
            read(Kind::Witness, &target.witness),
            target.filler.clone().map(|filler| (Kind::Filler, filler)),
        ];
        let writes = target.writes.iter().map(|(write, LaterWrite { endpoint, .. })| (write.kind(), endpoint.clone()));
        let mut shapes: Vec<Shape> =
            endpoints.into_iter().flatten().chain(writes).filter_map(|(kind, endpoint)| Shape::of(kind, &endpoint, &target.base)).collect();
        shapes.retain(|shape| shape.has_id || matches!(shape.kind, Kind::Initiate | Kind::Filler));
        shapes.sort_by_key(|shape| shape.has_id);
        shapes.into()
    }

    /// `None` for an endpoint without a path, and for one whose path no request could have.
    fn of(kind: Kind, endpoint: &Endpoint, base: &Base) -> Option<Shape> {
        let mut marked = endpoint.path.as_ref()?.fill(|variable| mark(variable).to_owned());
        if let Some(fragment) = marked.find('#') {
            marked.truncate(fragment);
        }
        let url = Url::parse(&endpoint.base(base, 0).path(&marked).ok()?).ok()?;
        let query = url.query_pairs().map(|(name, value)| Some((name.into_owned(), pattern(&value, QUERY)?))).collect::<Option<_>>()?;
        let names_id = marked.contains(mark(Variable::Id)) || marked.contains(mark(Variable::IdRaw));
        Some(Shape { kind, method: endpoint.method.to_string(), path: pattern(&decoded(url.path()), PATH)?, query, has_id: names_id })
    }

    fn matched(&self, url: &Url) -> Option<MatchedRoute> {
        let path = self.path.captures(url.path())?;
        let mut id = path.name(ID).map(|id| decoded(id.as_str()));
        let pairs: Vec<_> = url.query_pairs().collect();
        for (name, wanted) in &self.query {
            let found = pairs.iter().filter(|(known, _)| known == name).find_map(|(_, value)| wanted.captures(value))?;
            id = id.or_else(|| found.name(ID).map(|id| id.as_str().to_owned()));
        }
        if self.has_id && id.as_deref().is_none_or(str::is_empty) {
            return None;
        }
        Some(MatchedRoute { kind: self.kind, id })
    }
}

/// What stands for a hole while an address is put together: characters that no address has.
fn mark(variable: Variable) -> &'static str {
    match variable {
        Variable::Id => "\u{f8f0}",
        Variable::IdRaw => "\u{f8f1}",
        _ => "\u{f8f2}",
    }
}

/// What an id and another hole may be in an address: a segment of a path keeps its escapes, a query's value has lost them.
#[derive(Debug, Clone, Copy)]
struct Holes {
    segment: &'static str,
    raw: &'static str,
    escapes: bool,
}

const PATH: Holes = Holes { segment: "[^/]+", raw: ".+", escapes: true };
const QUERY: Holes = Holes { segment: ".+", raw: ".+", escapes: false };

/// A text with marks as an expression over a recorded one; whatever is not a mark stands for itself, escaped or not.
fn pattern(marked: &str, holes: Holes) -> Option<Regex> {
    let mut expression = String::from("^");
    let mut named = false;
    for c in marked.chars() {
        let hole = match c {
            '\u{f8f0}' => Some((holes.segment, true)),
            '\u{f8f1}' => Some((holes.raw, true)),
            '\u{f8f2}' => Some((holes.segment, false)),
            _ => None,
        };
        match hole {
            // The same id may stand twice; the first one is as good as the other.
            Some((inner, true)) if !named => {
                named = true;
                // Writing to a string cannot fail.
                let _ = write!(expression, "(?P<{ID}>{inner})");
            }
            Some((inner, _)) => expression.push_str(inner),
            None => {
                let plain = regex::escape(&c.to_string());
                if holes.escapes && !c.is_ascii_alphanumeric() && c != '/' {
                    let _ = write!(expression, "(?:{plain}|(?i:");
                    for byte in c.to_string().bytes() {
                        let _ = write!(expression, "%{byte:02X}");
                    }
                    expression.push_str("))");
                } else {
                    expression.push_str(&plain);
                }
            }
        }
    }
    expression.push('$');
    Regex::new(&expression).ok()
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

impl Target {
    /// An address that an initiate's reply handed out, as [`RouteMatcher::absolute`] gives addresses; `None` where it is not
    /// followed.
    pub fn handed_out(&self, address: &str) -> Option<String> {
        self.base.resolve(address, self.status.others).ok().map(|resolved| resolved.url.into())
    }

    /// Whether status requests go to the addresses that initiates hand out, and nowhere else.
    pub fn only_follows(&self) -> bool {
        self.status.endpoint.path.is_none()
    }

    /// Whether a request with these headers was sent as the user who must not see the owner's scans.
    pub fn is_foreign(&self, headers: &http::HeaderMap) -> bool {
        let Some(foreign) = self.users.get(FOREIGN) else { return false };
        let plain = |value: &super::template::Template| value.variables().next().is_none().then(|| value.fill(|_| String::new()));
        let told: Vec<_> = foreign.iter().filter_map(|(name, value)| Some((name, plain(value)?))).collect();
        !told.is_empty() && told.iter().all(|(name, value)| headers.get(*name).is_some_and(|sent| sent.as_bytes() == value.as_bytes()))
    }

    /// What an initiate's reply means as far as its code tells: `Accepted`, or the kind of failure.
    pub fn initiate_by_code(&self, http: u16) -> Answer {
        if self.initiate_reader.accept.contain(http) {
            return Answer::Accepted;
        }
        match by_code(http) {
            answer @ (Answer::Refused | Answer::Throttled | Answer::ServerError) => answer,
            _ => Answer::Malformed,
        }
    }

    /// What a reply means by its code alone, for a recording without bodies: `Malformed`, with the reason, where a rule that
    /// looks into the reply could decide either way.
    pub fn read_code(&self, kind: Kind, http: u16) -> Reading {
        let reader = match kind {
            Kind::Witness => self.witness.as_ref().map(|read| &read.reader),
            Kind::Results => self.results.as_ref().map(|read| &read.reader),
            _ => Some(&self.status.reader),
        };
        let mut possible = BTreeMap::new();
        let mut decided = false;
        for rule in reader.into_iter().flat_map(|reader| &reader.rules) {
            match rule.when.by_code(http) {
                Some(false) => {}
                None => {
                    possible.insert(rule.answer, None);
                }
                Some(true) => {
                    possible.insert(rule.answer, rule.state);
                    decided = true;
                    break;
                }
            }
        }
        if !decided {
            possible.entry(by_code(http)).or_insert(None);
        }
        let mut possible = possible.into_iter();
        let (answer, state, reason) = match (possible.next(), possible.next()) {
            (Some((answer, state)), None) => (answer, state, None),
            _ => (Answer::Malformed, None, Some(format!("HTTP {http} alone does not tell: the target file asks for the body"))),
        };
        Reading { state, reason, ..Reading::of(answer) }
    }
}
