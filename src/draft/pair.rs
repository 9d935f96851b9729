//! Which of several requests starts a job, which asks for its status, and where the id stands in the second.

use std::collections::BTreeMap;

use serde_json::Value;

use super::DraftError;
use super::address::{Address, decoded};
use super::error::{Settled, cut};
use super::infer::IdPlace;
use super::json::leaves;
use super::marks::{self, ID, OUTPUT, Part};
use super::shape::Shape;
use super::states::States;
use crate::model::call::{Answered, Call};

/// The two requests that describe a job API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// Starts a job.
    pub initiate: Call,
    /// Asks for a job's status; the id is marked in it.
    pub status: Call,
    /// The id that stood there; `None` for a placeholder.
    pub id: Option<String>,
    /// What ids look like; unknown where a placeholder stood there.
    pub shape: Option<Shape>,
    /// What a document says of the answers.
    pub known: Known,
}

/// What is known of the answers before anything was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Where the id stands in the answer to the initiate.
    pub id_at: Option<IdPlace>,
    /// Where the state stands in the answer to the status request.
    pub state: Option<String>,
    /// The words that it may have.
    pub states: States,
}

/// What was settled about a pair.
#[derive(Debug, Clone, Copy, Default)]
pub struct PairOptions<'a> {
    /// Which commands are meant: `1,3`.
    pub calls: Settled<'a>,
    /// The id as it stands in the status request.
    pub id_in_url: Settled<'a>,
}

const TWO: &str = "give two commands: the POST that starts a job, and the GET that asks for its status";

/// The pair among commands.
pub fn of_commands(calls: &[Call], options: PairOptions<'_>) -> Result<Pair, DraftError> {
    let (initiate, status) = chosen(calls, options)?;
    let (id, shape) = match options.id_in_url {
        Some(id) => (id.to_owned(), Shape::of(id)),
        None => id_in(initiate, status)?,
    };
    let is_placeholder = is_placeholder(&id);
    let marked = with_mark(status, &id).ok_or_else(|| {
        DraftError::new(
            format!("`{}` does not stand in {} {}", cut(&id), status.method, cut(&status.url)),
            "name the id as it stands there: --id-in-url TEXT",
        )
    })?;
    let id = (!is_placeholder).then_some(id);
    Ok(Pair { initiate: initiate.clone(), status: marked, id, shape, known: Known::default() })
}

/// The two commands that are meant.
fn chosen<'a>(calls: &'a [Call], options: PairOptions<'_>) -> Result<(&'a Call, &'a Call), DraftError> {
    if let Some(named) = options.calls {
        let numbers: Vec<usize> = named.split(',').filter_map(|number| number.trim().parse().ok()).collect();
        return match numbers.as_slice() {
            [start, ask] if (1..=calls.len()).contains(start) && (1..=calls.len()).contains(ask) => {
                Ok((&calls[start - 1], &calls[ask - 1]))
            }
            _ => Err(DraftError::new(
                format!("`--calls {}` names no two of the {} commands", cut(named), calls.len()),
                "write the numbers of the POST and of the GET, such as --calls 1,3",
            )),
        };
    }
    let starts: Vec<usize> = (0..calls.len()).filter(|at| !calls[*at].only_reads()).collect();
    if starts.is_empty() {
        return Err(DraftError::new("none of the commands starts a job: all of them only read", TWO));
    }
    let reads: Vec<usize> = (0..calls.len()).filter(|at| calls[*at].method == "GET").collect();
    let asks = match reads.as_slice() {
        // A status may be asked for by a POST, too.
        [] if starts.len() > 1 => vec![*starts.last().unwrap_or(&0)],
        [] => return Err(DraftError::new("there is no command that asks for a job's status", TWO)),
        _ => reads,
    };
    let pairs: Vec<(usize, usize)> =
        starts.iter().flat_map(|start| asks.iter().map(|ask| (*start, *ask))).filter(|(start, ask)| start != ask).collect();
    // Where there are more than two, a status that asks for an id below the address that starts a job is the likeliest.
    let fits: Vec<(usize, usize)> = match pairs.as_slice() {
        [only] => vec![*only],
        _ => pairs.iter().copied().filter(|(start, ask)| is_below(&calls[*start], &calls[*ask])).collect(),
    };
    match fits.as_slice() {
        [(start, ask)] => Ok((&calls[*start], &calls[*ask])),
        _ => {
            let several = if fits.is_empty() { pairs } else { fits };
            let shown = |at: usize| format!("{} {}", calls[at].method, cut(&marks::readable(&calls[at].url)));
            let values =
                several.iter().map(|(start, ask)| (format!("{},{}", start + 1, ask + 1), format!("{}, {}", shown(*start), shown(*ask))));
            Err(DraftError::ambiguous(format!("there are {} commands", calls.len()), "--calls", values.collect()))
        }
    }
}

/// Whether one address goes on where the other ends, and has an id there.
fn is_below(start: &Call, ask: &Call) -> bool {
    let (Ok(start), Ok(asked)) = (Address::read(&start.url), Address::read(&ask.url)) else { return false };
    let (start, asked_segments) = (start.segments(), asked.segments());
    let common = start.iter().zip(&asked_segments).take_while(|(one, other)| one == other).count();
    let looks = |text: &String| Shape::of(text).is_some() || is_placeholder(text);
    common + 1 >= start.len()
        && common > 0
        && (asked_segments[common..].iter().any(looks) || asked.parameters().iter().any(|(_, value)| looks(value)))
}

/// The pair in a recording: the request whose answer holds what most later requests ask for.
pub fn of_recording(calls: &[Call], options: PairOptions<'_>) -> Result<Pair, DraftError> {
    if options.calls.is_some() || options.id_in_url.is_some() {
        return of_commands(calls, options);
    }
    let mut best: Option<(usize, usize, usize, String)> = None;
    for (at, start) in calls.iter().enumerate() {
        let accepted = start.answer.as_ref().filter(|answer| answer.is_success());
        let (false, Some(answer)) = (start.only_reads(), accepted) else { continue };
        for value in handed_out(answer) {
            let mut by_path: BTreeMap<String, (usize, usize)> = BTreeMap::new();
            for (later, call) in
                calls.iter().enumerate().skip(at + 1).filter(|(_, call)| call.method == "GET" && with_mark(call, &value).is_some())
            {
                let path = call.url.split('?').next().unwrap_or_default().to_owned();
                by_path.entry(path).or_insert((0, later)).0 += 1;
            }
            // The endpoint that is asked most often is the one that is polled; among equals the first.
            let Some((times, first)) = by_path.into_values().max_by_key(|(times, first)| (*times, std::cmp::Reverse(*first))) else {
                continue;
            };
            if best.as_ref().is_none_or(|(most, ..)| times > *most) {
                best = Some((times, at, first, value));
            }
        }
    }
    let Some((_, start, status, id)) = best else {
        return Err(DraftError::new(
            "the recording holds no POST whose answer names what a later GET asks for",
            "record with the bodies (\"Save all as HAR with content\"), from before the job starts until it has ended",
        ));
    };
    // It was found there.
    let marked = with_mark(&calls[status], &id).unwrap_or_else(|| calls[status].clone());
    let shape = Shape::of(&id);
    Ok(Pair { initiate: calls[start].clone(), status: marked, id: Some(id), shape, known: Known::default() })
}

/// Texts of an answer that may be ids: those that look like one.
fn handed_out(answer: &Answered) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    if let Some(json) = answer.json() {
        leaves(&json, &mut |_, leaf| {
            let text = match leaf {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => return,
            };
            if Shape::of(&text).is_some() && !found.contains(&text) {
                found.push(text);
            }
        });
    }
    if let Some(location) = answer.header("location")
        && let Some(last) = location.split(['?', '#']).next().and_then(|path| path.rsplit('/').find(|part| !part.is_empty()))
        && !found.iter().any(|known| known == last)
    {
        found.push(last.to_owned());
    }
    found
}

/// The request with its id marked: as a whole segment of its path, a whole value of its query, or in a text of its body. `None` if it
/// does not stand there.
fn with_mark(call: &Call, id: &str) -> Option<Call> {
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
    // In a body, where it stands within a text (a query of GraphQL), too; a short one would be found everywhere.
    let body = call.body.as_ref().map(|body| {
        let whole = format!("\"{id}\"");
        if body.contains(&whole) {
            found = true;
            body.replace(&whole, &format!("\"{ID}\""))
        } else if id.len() >= 6 && body.contains(id) {
            found = true;
            body.replace(id, &ID.to_string())
        } else {
            body.clone()
        }
    });
    found.then(|| Call { url, body, ..call.clone() })
}

/// The id in the status request: the part that is not in the initiate and looks most like one.
fn id_in(initiate: &Call, status: &Call) -> Result<(String, Option<Shape>), DraftError> {
    let (start, address) = (Address::read(&initiate.url)?, Address::read(&status.url)?);
    let known = start.segments();
    let segments: Vec<String> = address.segments().into_iter().filter(|segment| !known.contains(segment)).collect();
    let mut candidates: Vec<(u32, String, Option<Shape>)> = Vec::new();
    let mut offer = |text: &str, bonus: u32| {
        if is_placeholder(text) {
            candidates.push((9, text.to_owned(), None));
        } else if let Some(shape) = Shape::of(text) {
            candidates.push((shape.certainty() * 2 + bonus, text.to_owned(), Some(shape)));
        }
    };
    // What stands in the initiate's path as well is no job's.
    for segment in &segments {
        offer(segment, 1);
    }
    for (name, value) in address.parameters() {
        let name = name.to_ascii_lowercase();
        offer(&value, u32::from(["id", "job", "task", "uuid"].iter().any(|end| name.ends_with(end))));
    }
    if let Some(json) = status.body.as_ref().and_then(|body| serde_json::from_str::<Value>(body).ok()) {
        leaves(&json, &mut |pointer, leaf| {
            if let Value::String(text) = leaf {
                let bonus = u32::from(pointer.to_ascii_lowercase().ends_with("id"));
                offer(text, bonus);
                // Within a query of GraphQL.
                for word in text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')).filter(|word| *word != text.as_str())
                {
                    if Shape::of(word).is_some_and(|shape| shape.certainty() >= 2) {
                        offer(word, 0);
                    }
                }
            }
        });
    }
    candidates.sort_by_key(|(score, ..)| std::cmp::Reverse(*score));
    candidates.dedup_by(|one, other| one.1 == other.1);
    let shown = cut(&status.url);
    match candidates.as_slice() {
        // An address that only goes on where the initiate's ended: what follows is the id, whatever it looks like.
        [] => match segments.as_slice() {
            [only] => Ok((only.clone(), None)),
            _ => Err(DraftError::new(
                format!("no part of `{shown}` looks like a job's id"),
                "name it, as it stands in the command that asks for the status: --id-in-url TEXT",
            )),
        },
        [(first, ..), (second, ..), ..] if first == second => {
            let best = candidates.iter().filter(|(score, ..)| score == first);
            let values = best.map(|(_, id, _)| (marks::readable(id), format!("in {} {shown}", status.method))).collect();
            Err(DraftError::ambiguous(format!("several parts of `{shown}` look like a job's id"), "--id-in-url", values))
        }
        [(_, id, shape), ..] => Ok((id.clone(), shape.clone())),
    }
}

/// `{id}`, `:id`, `<id>`, `$ID`, `ID`: how people write "the id here".
fn is_placeholder(text: &str) -> bool {
    let marked = |open: &str, close: &str| text.strip_prefix(open).is_some_and(|rest| rest.ends_with(close) && rest.len() > close.len());
    let is_variable = matches!(marks::parts(text).as_slice(), [Part::Variable(_) | Part::Output]);
    is_variable
        || text.contains(OUTPUT)
        || marked("{", "}")
        || marked("<", ">")
        || marked(":", "")
        || matches!(text, "ID" | "JOB_ID" | "TASK_ID" | "JOBID" | "TASKID" | "YOUR_ID" | "UUID")
}
