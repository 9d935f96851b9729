//! Where the id of a job stands in the requests about it.

use serde_json::Value;

use super::IdFrom;
use crate::draft::DraftError;
use crate::draft::address::{Address, decoded};
use crate::draft::error::cut;
use crate::draft::json::{leaves, name, text};
use crate::draft::marks::{self, ID, OUTPUT, Part};
use crate::draft::shape::Shape;
use crate::model::call::Call;

/// What names the job in a status request.
#[derive(Debug)]
pub(super) enum Named {
    /// An id, or a placeholder for one.
    Id {
        /// As it stands there.
        id: String,
        /// What it looks like; unknown for a placeholder.
        shape: Option<Shape>,
        /// Who gave it.
        from: IdFrom,
    },
    /// Nothing does: the answer must be a list of jobs.
    Nothing,
}

/// A text that may be the id.
#[derive(Debug)]
struct Candidate {
    score: u32,
    text: String,
    shape: Option<Shape>,
    /// Whether the request that starts the job has it, too.
    is_given: bool,
}

impl Named {
    /// An id that was named by whoever asks.
    pub(super) fn said(id: &str, initiate: &Call) -> Named {
        let from = if with_mark(initiate, id).is_some() { IdFrom::Client } else { IdFrom::Answer };
        Named::Id { id: id.to_owned(), shape: Shape::of(id), from }
    }
}

/// What names the job in the status request: the part that the request for a job has not, and that looks most like an id. Where only
/// such parts look like one as both requests have, the client gave the job its id.
pub(super) fn id_in(initiate: &Call, status: &Call) -> Result<Named, DraftError> {
    let (start, asked) = (Address::of(initiate)?, Address::of(status)?);
    let mut candidates = candidates(initiate, status)?;
    candidates.sort_by_key(|candidate| (candidate.is_given, std::cmp::Reverse(candidate.score)));
    candidates.dedup_by(|one, other| one.text == other.text);
    let shown = cut(&status.url);
    let [best, rest @ ..] = candidates.as_slice() else {
        // An address that only goes on where the initiate's ended: what follows is the id, whatever it looks like.
        return match asked.segments().strip_prefix(start.segments().as_slice()) {
            Some([only]) => Ok(Named::Id { id: only.clone(), shape: None, from: IdFrom::Answer }),
            _ if status.method == "GET" => Ok(Named::Nothing),
            _ => Err(DraftError::new(
                format!("no part of `{shown}` looks like a job's id"),
                "name it, as it stands in the command that asks for the status: --id-in-url TEXT",
            )
            .at(status.line)),
        };
    };
    let is_equal = |other: &&Candidate| other.score == best.score && other.is_given == best.is_given;
    if rest.iter().any(|other| is_equal(&other)) {
        let values = candidates.iter().filter(is_equal);
        let values = values.map(|candidate| (marks::readable(&candidate.text), format!("in {} {shown}", status.method)));
        return Err(DraftError::ambiguous(format!("several parts of `{shown}` look like a job's id"), "--id-in-url", values.collect())
            .at(status.line));
    }
    let from = if best.is_given { IdFrom::Client } else { IdFrom::Answer };
    Ok(Named::Id { id: best.text.clone(), shape: best.shape.clone(), from })
}

fn candidates(initiate: &Call, status: &Call) -> Result<Vec<Candidate>, DraftError> {
    let (start, asked) = (Address::of(initiate)?, Address::of(status)?);
    let (path, given) = (start.segments(), given_texts(initiate, &start));
    let mut found: Vec<Candidate> = Vec::new();
    let mut offer = |text: &str, bonus: u32| {
        let is_given = given.iter().any(|known| known == text);
        // What stands further up in the initiate's path is not the job's: a tenant, a project.
        if !is_given && path.iter().any(|known| known == text) {
            return;
        }
        if is_placeholder(text) {
            // `{id}` rather than `{tenant}`.
            let is_named = is_job_name(text.trim_end_matches(['}', '>'])) || is_job_name(&marks::readable(text));
            found.push(Candidate { score: 9 + u32::from(is_named), text: text.to_owned(), shape: None, is_given });
        } else if let Some(shape) = Shape::of(text).filter(|shape| !is_given || shape.certainty() >= 2) {
            found.push(Candidate { score: shape.certainty() * 2 + bonus, text: text.to_owned(), shape: Some(shape), is_given });
        }
    };
    for segment in asked.segments() {
        offer(&segment, 1);
    }
    for (name, value) in asked.parameters() {
        offer(&value, u32::from(is_job_name(&name)));
    }
    if let Some(json) = json_of(status) {
        let is_rpc = json.get("jsonrpc").is_some();
        leaves(&json, &mut |pointer, leaf| {
            // The number of the call itself.
            if is_rpc && matches!(pointer, "/id" | "/jsonrpc") {
                return;
            }
            let bonus = u32::from(is_job_name(&name(pointer)));
            match leaf {
                Value::String(text) => {
                    offer(text, bonus);
                    // Within a query of GraphQL.
                    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'));
                    for word in words.filter(|word| *word != text.as_str()) {
                        if Shape::of(word).is_some_and(|shape| shape.certainty() >= 2) {
                            offer(word, 0);
                        }
                    }
                }
                // A number may be anything; one that is called so is an id.
                Value::Number(_) if bonus > 0 => offer(&text(leaf).unwrap_or_default(), bonus),
                _ => {}
            }
        });
    }
    Ok(found)
}

fn is_job_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["id", "job", "task", "uuid", "run", "scan"].iter().any(|end| name.ends_with(end))
}

fn json_of(call: &Call) -> Option<Value> {
    serde_json::from_str(call.body.as_deref()?).ok()
}

/// Texts of a request that its client may have given the job as an id: the last segment of its path, and what stands in its query and its
/// body.
fn given_texts(initiate: &Call, address: &Address) -> Vec<String> {
    let mut given: Vec<String> = address.segments().pop().into_iter().collect();
    given.extend(address.parameters().into_iter().map(|(_, value)| value));
    if let Some(json) = json_of(initiate) {
        leaves(&json, &mut |_, leaf| given.extend(text(leaf)));
    } else if let Some(body) = &initiate.body {
        given.extend(url::form_urlencoded::parse(body.as_bytes()).map(|(_, value)| value.into_owned()));
    }
    given
}

/// The ids that the client may have given in this request.
pub(super) fn given(initiate: &Call) -> Vec<(String, IdFrom)> {
    let Ok(address) = Address::read(&initiate.url) else { return Vec::new() };
    let is_id = |text: &String| Shape::of(text).is_some_and(|shape| shape.certainty() >= 2);
    given_texts(initiate, &address).into_iter().filter(is_id).map(|text| (text, IdFrom::Client)).collect()
}

/// The request with its id marked: as a whole segment of its path, a whole value of its query, or in a text of its body. `None` if it
/// does not stand there.
pub(super) fn with_mark(call: &Call, id: &str) -> Option<Call> {
    if id.is_empty() {
        return None;
    }
    let is_id = |part: &str| part == id || decoded(part) == id;
    let (before, after) = call.url.split_once("://").map_or((0, call.url.as_str()), |(scheme, after)| (scheme.len() + 3, after));
    let path = before + after.find(['/', '?']).unwrap_or(after.len());
    let separators = ['/', '?', '&', '='];
    let mut found = false;
    let mut url = call.url[..path].to_owned();
    for piece in call.url[path..].split('#').next().unwrap_or_default().split_inclusive(separators) {
        let (part, separator) = piece.strip_suffix(separators).map_or((piece, ""), |part| (part, &piece[part.len()..]));
        if is_id(part) {
            found = true;
            url.push(ID);
        } else {
            url.push_str(part);
        }
        url.push_str(separator);
    }
    let body = call.body.as_ref().map(|body| {
        let marked = body_with_mark(body, id);
        found |= marked.is_some();
        marked.unwrap_or_else(|| body.clone())
    });
    found.then(|| Call { url, body, ..call.clone() })
}

/// The request for a job, with its id marked if the client gives it.
pub(super) fn with_place_for(from: IdFrom, initiate: &Call, id: &str) -> Call {
    let marked = if from == IdFrom::Client { with_mark(initiate, id) } else { None };
    marked.unwrap_or_else(|| initiate.clone())
}

/// A body with its id marked: as a whole text, as a number at a place with such a name, or, where it is long enough not to be found
/// everywhere, within a text (a query of GraphQL, a form).
fn body_with_mark(body: &str, id: &str) -> Option<String> {
    let whole = format!("\"{id}\"");
    if body.contains(&whole) {
        return Some(body.replace(&whole, &format!("\"{ID}\"")));
    }
    if id.bytes().all(|byte| byte.is_ascii_digit()) && serde_json::from_str::<Value>(body).is_ok() {
        return with_number(body, id);
    }
    (id.len() >= 6 && body.contains(id)).then(|| body.replace(id, &ID.to_string()))
}

/// A body of JSON in which a number is marked that is called an id. Without quotes around it, what is left is a text, and no JSON.
fn with_number(body: &str, id: &str) -> Option<String> {
    let json: Value = serde_json::from_str(body).ok()?;
    // The number of the call itself is not the job's.
    if json.get("jsonrpc").is_some() && json.get("id").and_then(text).as_deref() == Some(id) {
        return None;
    }
    let number = regex::Regex::new(&format!(r#"("([^"\\]*)"\s*:\s*){id}(\s*[,}}])"#)).ok()?;
    let mut found = false;
    let marked = number.replace_all(body, |groups: &regex::Captures<'_>| {
        if is_job_name(&groups[2]) {
            found = true;
            format!("{}{ID}{}", &groups[1], &groups[3])
        } else {
            groups[0].to_owned()
        }
    });
    found.then(|| marked.into_owned())
}

/// `{id}`, `:id`, `<id>`, `$ID`, `ID`: how people write "the id here".
pub(super) fn is_placeholder(text: &str) -> bool {
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ' | '.'));
    let marked = |open: &str, close: &str| text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)).is_some_and(is_name);
    let is_variable = matches!(marks::parts(text).as_slice(), [Part::Variable(_) | Part::Output]);
    is_variable
        || text.contains(OUTPUT)
        || marked("{", "}")
        || marked("{{", "}}")
        || marked("<", ">")
        || marked(":", "")
        || matches!(text, "ID" | "JOB_ID" | "TASK_ID" | "JOBID" | "TASKID" | "YOUR_ID" | "UUID")
}
