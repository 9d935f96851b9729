//! What else in the answer to a POST may be the job's id, where `[initiate] id` may point to something else.

use serde_json::Value;

use crate::model::exchange::Kind;
use crate::model::redaction::is_secret_in_reply;

use super::selector::{Opened, plain};
use super::{Accepted, Hosts, IdSource, Reply, RouteMatcher, Target, template};

/// Something in the answer to a POST that may be the job's id, other than what `[initiate] id` finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherId {
    /// Where it stands, as `[initiate] id` would say it.
    pub place: String,
    /// What it is.
    pub id: String,
    /// Whether it comes from an address at which `[status] path` asks for this very id.
    pub is_status_address: bool,
    /// Whether its name says that it is not the job's, but the batch's, the parent's or the like; or that of something else, where
    /// the file's own place is called a job's.
    pub of_several: bool,
}

impl Target {
    /// What else in the answer to a POST may be the job's id, the likeliest first.
    pub fn other_ids(&self, reply: &Reply<'_>, accepted: &Accepted) -> Vec<OtherId> {
        /// Each is asked for once.
        const MOST: usize = 8;
        let endpoint = &self.status.endpoint;
        if endpoint.path.is_none() || matches!(self.initiate_reader.id, IdSource::OfTheClient(_)) {
            return Vec::new();
        }
        let opened = Opened::new(reply);
        let routes = RouteMatcher::new(self, Hosts::Any);
        let own = self.initiate_reader.id.written();
        let path_words = self.status_words();
        let is_another =
            |place: &str| is_of_several(place, &path_words) || (!may_be_job(place, &path_words) && may_be_job(&own, &path_words));
        // An address in a header has no name of its own; what stands at several places is the job's where one of them is.
        let mut found: Vec<(u8, OtherId, Option<bool>)> = Vec::new();
        let mut add = |rank, place: String, id: String, is_status_address| {
            let same = id == accepted.id || template::encode(&id) == accepted.id || id == template::encode(&accepted.id);
            if same || id.is_empty() {
                return;
            }
            let is_another = (!place.starts_with("the header") || rank > 2).then(|| is_another(&place));
            match found.iter_mut().find(|(_, known, _)| known.id == id) {
                Some((_, _, known)) => *known = known.map_or(is_another, |known| Some(known && is_another.unwrap_or(true))),
                None => found.push((rank, OtherId { place, id, is_status_address, of_several: false }, is_another)),
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
        found.sort_by_key(|(rank, _, is_another)| (*is_another == Some(true), *rank));
        let all = found.into_iter().map(|(_, other, is_another)| OtherId { of_several: is_another == Some(true), ..other });
        all.take(MOST).collect()
    }

    /// Whether an answer calls what was asked for a batch, a parent or the like, and not a job.
    pub(super) fn is_of_several(&self, answer: &Value, id: &str) -> bool {
        let path_words = self.status_words();
        let mut kinds = ["type", "kind", "object", "resource"].iter().filter_map(|name| answer.get(name)?.as_str());
        let mut members = Vec::new();
        scalars(answer, String::new(), "", &mut members);
        let mut places =
            members.into_iter().filter(|(_, _, value)| plain(value).is_some_and(|text| text == id)).map(|(place, ..)| place).peekable();
        let is_called_so = places.peek().is_some() && places.all(|place| is_of_several(&place, &path_words));
        is_called_so || kinds.any(|kind| is_of_several(kind, &path_words))
    }

    /// What the status path calls its things: `render` of `/v1/renders/{id}`.
    fn status_words(&self) -> Vec<String> {
        self.status.endpoint.path.as_ref().map_or_else(Vec::new, |path| words(&path.fill(|_| String::new())))
    }
}

/// Words for what has jobs in it, or stands beside one.
const SEVERAL: [&str; 22] = [
    "account",
    "batch",
    "bulk",
    "campaign",
    "chain",
    "collection",
    "customer",
    "group",
    "order",
    "owner",
    "parent",
    "pipeline",
    "previous",
    "project",
    "queue",
    "root",
    "schedule",
    "series",
    "session",
    "tenant",
    "user",
    "workflow",
];

/// Words for a job.
const JOB: [&str; 9] = ["job", "task", "operation", "ticket", "scan", "run", "execution", "process", "item"];

/// Words that say of what is an id, where it stands or how it is written, and not of what.
const NEUTRAL: [&str; 36] = [
    "id",
    "uuid",
    "guid",
    "uid",
    "num",
    "number",
    "no",
    "nr",
    "ref",
    "reference",
    "handle",
    "name",
    "slug",
    "code",
    "key",
    "data",
    "response",
    "result",
    "payload",
    "body",
    "meta",
    "metadata",
    "attribute",
    "resource",
    "content",
    "value",
    "link",
    "self",
    "href",
    "url",
    "uri",
    "status",
    "location",
    "the",
    "header",
    "x",
];

fn is_of_several(place: &str, path_words: &[String]) -> bool {
    words(place).iter().any(|word| SEVERAL.contains(&word.as_str()) && !path_words.contains(word))
}

fn may_be_job(place: &str, path_words: &[String]) -> bool {
    let words = words(place);
    let mut telling = words.iter().filter(|word| !NEUTRAL.contains(&word.as_str())).peekable();
    telling.peek().is_none() || telling.any(|word| JOB.contains(&word.as_str()) || path_words.contains(word))
}

/// The words of a name or a pointer, in lower case and in the singular: `/batchJobs/id` has `batch`, `job` and `id`.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in text.chars() {
        if !c.is_ascii_alphabetic() || (c.is_ascii_uppercase() && was_lower) {
            words.push(String::new());
        }
        was_lower = c.is_ascii_lowercase();
        if let Some(word) = words.last_mut().filter(|_| c.is_ascii_alphabetic()) {
            word.push(c.to_ascii_lowercase());
        }
    }
    let singular = |word: String| {
        let is_plural = word.ends_with('s') && !["ss", "us", "series"].iter().any(|end| word.ends_with(end));
        match word.strip_suffix("es").filter(|stem| stem.ends_with("ch") || stem.ends_with("sh")) {
            Some(stem) => stem.to_owned(),
            None if is_plural => word[..word.len() - 1].to_owned(),
            None => word,
        }
    };
    words.into_iter().filter(|word| !word.is_empty()).map(singular).collect()
}

/// Longer texts are not ids that anybody would put into an address.
const LONGEST_OTHER: usize = 200;

/// Whether a member's name says that it holds an id, or where the job is.
fn is_id_name(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let ends = ["id", "uuid", "guid", "num", "number", "no", "nr", "ref", "reference", "handle", "name", "slug", "code", "key"];
    let is = ["job", "task", "operation", "ticket", "scan", "run", "request", "result", "data", "value", "self", "href", "url", "uri"];
    ends.iter().any(|end| plain.ends_with(end)) || is.contains(&plain.as_str())
}

/// A word with a digit in it that is not a stamp and no number with a fraction.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_whether_it_is_a_jobs() {
        let path = words("/v1/renders/");
        assert_eq!(path, ["v", "render"]);
        for (place, job, several) in [
            ("`/id`", true, false),
            ("`/job/id`", true, false),
            ("`/data/renderId`", true, false),
            ("the header `location`", true, false),
            ("`/uuid`", true, false),
            ("`/req/id`", false, false),
            ("the header `x-request-id`", false, false),
            ("`/batch`", false, true),
            ("`/batches/0/id`", false, true),
            ("`/parentId`", false, true),
            ("`/previous_id`", false, true),
            ("`/video/id`", false, false),
        ] {
            assert_eq!((may_be_job(place, &path), is_of_several(place, &path)), (job, several), "{place}");
        }
        assert!(!is_of_several("`/batch_id`", &words("/batches/")), "the path asks for batches");
    }
}
