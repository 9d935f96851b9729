//! What else in the answer to a POST may be the job's id, where `[initiate] id` may point to something else.

use serde_json::Value;

use crate::model::exchange::Kind;
use crate::model::redaction::is_secret_in_reply;

use super::selector::{Opened, plain};
use super::{Accepted, Hosts, Reply, RouteMatcher, Target, template};

/// Something in the answer to a POST that may be the job's id, other than what `[initiate] id` finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherId {
    /// Where it stands, as `[initiate] id` would say it.
    pub place: String,
    /// What it is.
    pub id: String,
    /// Whether it comes from an address at which `[status] path` asks for this very id.
    pub is_status_address: bool,
}

impl Target {
    /// What else in the answer to a POST may be the job's id, the likeliest first.
    pub fn other_ids(&self, reply: &Reply<'_>, accepted: &Accepted) -> Vec<OtherId> {
        /// Each is asked for once.
        const MOST: usize = 8;
        let endpoint = &self.status.endpoint;
        if endpoint.path.is_none() {
            return Vec::new();
        }
        let opened = Opened::new(reply);
        let routes = RouteMatcher::new(self, Hosts::Any);
        let mut found: Vec<(u8, OtherId)> = Vec::new();
        let mut add = |rank, place: String, id: String, is_status_address| {
            let same = id == accepted.id || template::encode(&id) == accepted.id || id == template::encode(&accepted.id);
            if !same && !id.is_empty() && !found.iter().any(|(_, known)| known.id == id) {
                found.push((rank, OtherId { place, id, is_status_address }));
            }
        };
        let in_address = |address: &str| {
            let route = routes.route_of(endpoint.method.as_str(), address).filter(|known| known.kind == Kind::Poll);
            route.and_then(|known| known.id).map(|id| (id, true)).or_else(|| Some((last_segment(address)?, false)))
        };
        for (name, value) in reply.headers {
            let Ok(value) = value.to_str() else { continue };
            let place = format!("the header `{name}`");
            let name = name.as_str();
            if name.ends_with("location") {
                if let Some((id, is_status_address)) = in_address(value) {
                    add(u8::from(!is_status_address), place, id, is_status_address);
                }
            } else if name.ends_with("-id") && !is_secret_in_reply(name) && looks_like_id(value) {
                add(3, place, value.to_owned(), false);
            }
        }
        let mut members = Vec::new();
        if let Some(json) = &opened.json {
            scalars(json, String::new(), "", &mut members);
        }
        for (pointer, name, value) in members {
            let Some(text) = plain(value).filter(|_| !is_secret_in_reply(name)) else { continue };
            let place = format!("`{pointer}`");
            let is_text = value.is_string();
            if is_text && text.contains('/') {
                if let Some((id, is_status_address)) = in_address(&text) {
                    add(if is_status_address { 0 } else { 2 }, place, id, is_status_address);
                }
            } else if is_id_name(name) && (is_text || value.is_u64()) && text.len() <= LONGEST_OTHER && !text.contains(char::is_whitespace)
            {
                add(2, place, text, false);
            } else if is_text && looks_like_id(&text) {
                add(4, place, text, false);
            }
        }
        found.sort_by_key(|(rank, _)| *rank);
        found.into_iter().map(|(_, other)| other).take(MOST).collect()
    }
}

/// Longer texts are no ids that anybody would put into an address.
const LONGEST_OTHER: usize = 200;

/// Whether a member's name says that it holds an id, or where the job is.
fn is_id_name(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let ends = ["id", "uuid", "guid", "num", "number", "no", "nr", "ref", "reference", "handle", "name", "slug", "code", "key"];
    let is = ["job", "task", "operation", "ticket", "scan", "run", "request", "result", "data", "value", "self", "href", "url", "uri"];
    ends.iter().any(|end| plain.ends_with(end)) || is.contains(&plain.as_str())
}

/// A word with a digit in it that is no stamp and no number with a fraction.
fn looks_like_id(text: &str) -> bool {
    let is_stamp = text.len() >= 10 && text.get(4..5) == Some("-") && text.get(7..8) == Some("-");
    let is_word = !text.contains(|c: char| c.is_whitespace() || c == ',');
    text.len() <= LONGEST_OTHER
        && is_word
        && !is_stamp
        && text.parse::<f64>().map_or(true, |number| number.fract() == 0.0)
        && text.contains(|c: char| c.is_ascii_digit())
}

/// What an address ends with, decoded.
fn last_segment(address: &str) -> Option<String> {
    let path = address.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let last = percent_encoding::percent_decode_str(path.rsplit('/').next()?).decode_utf8().ok()?.into_owned();
    (last.len() <= LONGEST_OTHER && !last.contains(char::is_whitespace)).then_some(last)
}

/// Texts and numbers with their pointers, and the names of the members that hold them.
fn scalars<'v>(value: &'v Value, at: String, name: &'v str, found: &mut Vec<(String, &'v str, &'v Value)>) {
    /// Bodies with more are lists of something.
    const ENOUGH: usize = 100;
    const LONGEST_LIST: usize = 12;
    if found.len() >= ENOUGH {
        return;
    }
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                scalars(value, format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), name, found);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate().take(LONGEST_LIST) {
                scalars(value, format!("{at}/{index}"), name, found);
            }
        }
        Value::String(_) | Value::Number(_) => found.push((at, name, value)),
        Value::Null | Value::Bool(_) => {}
    }
}
