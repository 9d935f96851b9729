//! Where the answer to the initiate has the job's id, and the address to poll.

use serde_json::Value;

use crate::draft::address::decoded;
use crate::draft::error::{DraftError, Settled, cut};
use crate::draft::json::{depth, leaves, name, text};
use crate::draft::marks::ID;
use crate::draft::pair::Pair;
use crate::draft::shape::Shape;
use crate::model::call::Answered;

/// Where something stands in the answer to the initiate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdPlace {
    /// At a JSON pointer.
    Pointer(String),
    /// Within the address at a JSON pointer, as the first group of a pattern.
    Within(String, String),
    /// In the `Location` header, as the first group of a pattern; the whole header, if the pattern is empty.
    Location(String),
    /// Nowhere: the client gives it, by a template such as `{uuid}`.
    Client(String),
}

impl IdPlace {
    /// The place as it is shown.
    pub fn shown(&self) -> String {
        match self {
            IdPlace::Pointer(pointer) | IdPlace::Within(pointer, _) => pointer.clone(),
            IdPlace::Location(_) => "Location".to_owned(),
            IdPlace::Client(template) => template.clone(),
        }
    }

    /// What `--id` says: a JSON pointer, or `Location`.
    pub fn named(named: &str, pair: &Pair) -> Result<IdPlace, DraftError> {
        if named.eq_ignore_ascii_case("location") {
            return Ok(IdPlace::Location(location_pattern(pair)));
        }
        if named.starts_with('/') {
            return Ok(IdPlace::Pointer(named.to_owned()));
        }
        Err(DraftError::new(
            format!("--id `{}` is not a place in an answer", cut(named)),
            "write a JSON pointer such as /job/id, or Location for that header",
        ))
    }
}

/// The id in the answer to the initiate, and its place. `wanted` is the place that was named, if any.
pub fn id(posted: &Answered, pair: &Pair, wanted: Settled<'_>) -> Result<(String, IdPlace), DraftError> {
    if let Some(named) = wanted {
        let place = IdPlace::named(named, pair)?;
        // What stands there may be an address that ends with the id.
        let place = match place {
            IdPlace::Pointer(pointer) => within(posted, pair, &pointer).unwrap_or(IdPlace::Pointer(pointer)),
            place => place,
        };
        return at(posted, &place).map(|id| (id, place)).ok_or_else(|| {
            DraftError::new(
                format!("there is no id at {named} in the answer"),
                "name the place where the answer has it, such as --id /job/id",
            )
        });
    }
    if let Some(place) = &pair.known.id_at
        && let Some(id) = at(posted, place)
    {
        return Ok((id, place.clone()));
    }
    let mut candidates = in_body(posted, pair.shape.as_ref());
    candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.score));
    let of_location = in_location(posted, pair);
    // A Location that ends as the status address does has the last word.
    let is_overruled = |best: &Candidate| {
        of_location.as_ref().is_some_and(|(id, _)| candidates.iter().any(|other| other.id == *id && other.id != best.id))
    };
    if !candidates.first().is_some_and(is_overruled)
        && let Some(found) = the_best(&candidates)?
    {
        return Ok(found);
    }
    if let Some((id, pattern)) = of_location {
        return Ok((id, IdPlace::Location(pattern)));
    }
    if let Some(place) = in_address(posted, pair)
        && let Some(id) = at(posted, &place)
    {
        return Ok((id, place));
    }
    // The id in the second command may have been typed by hand, and look like none of the service's.
    let mut candidates = in_body(posted, None);
    candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.score));
    if let Some(found) = the_best(&candidates)? {
        return Ok(found);
    }
    let (method, http) = (&pair.initiate.method, posted.http);
    if posted.json().is_none() && !posted.body.is_empty() {
        let kind = posted.header("content-type").map_or_else(|| "no JSON".to_owned(), |kind| format!("{}, and no JSON", cut(kind)));
        return Err(DraftError::new(
            format!("the answer to the {method} (HTTP {http}) is {kind}: an id is taken out of JSON or of a header"),
            "if the service also speaks JSON, ask for it (-H 'Accept: application/json'); if the client itself chooses the id, both commands \
             must have the same one; otherwise this service cannot be described",
        ));
    }
    Err(DraftError::new(
        format!("there is no id in the answer to the {method} (HTTP {http})"),
        "name its place with --id, such as --id /job/id; if the client itself chooses the id, both commands must have the same one",
    ))
}

/// The best of several, which are in order; `None` of none.
fn the_best(candidates: &[Candidate]) -> Result<Option<(String, IdPlace)>, DraftError> {
    let Some(best) = candidates.first() else { return Ok(None) };
    let equal = || candidates.iter().filter(|other| other.score == best.score);
    if equal().any(|other| other.id != best.id) {
        let values = equal().map(|other| (other.pointer.clone(), cut(&other.id))).collect();
        return Err(DraftError::ambiguous("the answer has several texts that look like the job's id", "--id", values));
    }
    Ok(Some((best.id.clone(), IdPlace::Pointer(best.pointer.clone()))))
}

/// Other places of the answer where an id may stand, each with what stands there.
pub fn other_ids(posted: &Answered, id: &str) -> Vec<(String, String)> {
    let mut candidates = in_body(posted, None);
    candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.score));
    candidates.into_iter().filter(|other| other.id != id).map(|other| (other.pointer, other.id)).collect()
}

/// The first address in the answer that leads where the status request goes, and has an id of the same shape there.
fn in_address(posted: &Answered, pair: &Pair) -> Option<IdPlace> {
    let mut found = None;
    leaves(&posted.json()?, &mut |pointer, leaf| {
        if found.is_none() && leaf.as_str().is_some_and(|address| address.contains('/')) {
            found = within(posted, pair, pointer);
        }
    });
    found
}

/// The place of an id within the address that stands at a pointer.
fn within(posted: &Answered, pair: &Pair, pointer: &str) -> Option<IdPlace> {
    let place = IdPlace::Within(pointer.to_owned(), location_pattern(pair));
    let fits = |id: &String| pair.shape.as_ref().map_or_else(|| Shape::of(id).is_some(), |shape| shape.fits(id));
    at(posted, &place).filter(fits).map(|_| place)
}

/// What stands at a place.
fn at(posted: &Answered, place: &IdPlace) -> Option<String> {
    match place {
        IdPlace::Pointer(pointer) => posted.json()?.pointer(pointer).and_then(text),
        IdPlace::Within(pointer, pattern) => first_group(pattern, posted.json()?.pointer(pointer)?.as_str()?),
        IdPlace::Location(pattern) => first_group(pattern, posted.header("location")?),
        IdPlace::Client(_) => None,
    }
}

fn first_group(pattern: &str, text: &str) -> Option<String> {
    Some(regex::Regex::new(pattern).ok()?.captures(text)?.get(1)?.as_str().to_owned())
}

struct Candidate {
    score: u32,
    id: String,
    pointer: String,
}

fn in_body(posted: &Answered, shape: Option<&Shape>) -> Vec<Candidate> {
    let mut candidates: Vec<Candidate> = Vec::new();
    let Some(json) = posted.json() else { return candidates };
    leaves(&json, &mut |pointer, leaf| {
        let Some(value) = text(leaf).filter(|value| !value.is_empty() && !leaf.is_boolean()) else { return };
        let name = name(pointer);
        let named = match name.as_str() {
            "id" => 3,
            "uuid" | "key" | "handle" | "ticket" | "name" | "token" => 1,
            // What names the exchange, or whose it is, rather than what it made.
            other
                if ["request", "correlation", "trace", "span", "tenant", "user", "account", "session"]
                    .iter()
                    .any(|of| other.starts_with(of)) =>
            {
                1
            }
            other if ["job", "task", "run", "scan", "operation", "process", "execution"].iter().any(|noun| other.starts_with(noun)) => 4,
            other if other.ends_with("id") || other.ends_with("_uuid") => 4,
            _ => 0,
        };
        let alike = match shape {
            Some(shape) if shape.fits(&value) => 6,
            Some(_) => return,
            None => Shape::of(&value).map_or(0, |shape| shape.certainty()),
        };
        if named + alike >= 4 {
            // Closer to the root is more likely.
            let near = 4 - (depth(pointer) as u32).min(4);
            candidates.push(Candidate { score: (named + alike) * 4 + near, id: value, pointer: pointer.to_owned() });
        }
    });
    candidates
}

/// The id in the `Location`, where that goes on as the status address does.
fn in_location(posted: &Answered, pair: &Pair) -> Option<(String, String)> {
    let pattern = location_pattern(pair);
    let id = at(posted, &IdPlace::Location(pattern.clone()))?;
    (!id.is_empty()).then_some((id, pattern))
}

/// What stands in a `Location` where the status address has the id; its last segment, where nothing is known of that.
fn location_pattern(pair: &Pair) -> String {
    let path = pair.status.url.split_once("://").map_or(pair.status.url.as_str(), |(_, rest)| rest);
    let path = path.find('/').map_or("", |at| &path[at..]);
    let before = path.split_once(ID).map(|(before, _)| before).unwrap_or_default();
    // `?job=…`
    if let Some(name) = before.strip_suffix('=').and_then(|before| before.rsplit(['?', '&']).next()) {
        return format!("[?&]{}=([^&#]+)", regex::escape(name));
    }
    match before.rsplit_once('/') {
        Some((before, "")) => {
            let last = before.rsplit('/').next().unwrap_or_default();
            format!("{}/([^/?#]+)", regex::escape(last))
        }
        _ => "/([^/?#]+)/?$".to_owned(),
    }
}

/// Where the initiate's answer hands out the address to poll: one that leads where the status request goes.
pub(super) fn follow(posted: &Answered, pair: &Pair, id: &str) -> Option<IdPlace> {
    let wanted = path_of(&pair.status.url.replace(ID, id));
    let leads_there = |address: &str| address.contains('/') && path_of(address) == wanted;
    let mut found: Option<String> = None;
    if let Some(json) = posted.json() {
        leaves(&json, &mut |pointer, leaf: &Value| {
            if found.is_none() && leaf.as_str().is_some_and(leads_there) {
                found = Some(pointer.to_owned());
            }
        });
    }
    let in_body = found.map(IdPlace::Pointer);
    in_body.or_else(|| posted.header("location").filter(|address| leads_there(address)).map(|_| IdPlace::Location(String::new())))
}

/// The path of an address, whole or relative, without its escapes.
fn path_of(address: &str) -> String {
    let address = match address.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => address,
    };
    let path = address.split(['?', '#']).next().unwrap_or_default();
    decoded(path).trim_end_matches('/').to_owned()
}
