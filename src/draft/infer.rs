//! The contract, from the answers about one job and about ids that were never issued.

mod id;
mod list;
mod progress;
mod rule;

use serde_json::Value;

pub use id::{IdPlace, id};
pub use rule::{Unknown, is_unknown};

use super::DraftError;
use super::json::{depth, leaves, name, text};
use super::pair::{Known, Pair};
use super::shape::Shape;
use super::states::{STATE_NAMES, States, is_end};
use crate::model::call::Answered;

/// A poll of a job, with its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Poll {
    /// The job's age in ms when it was sent.
    pub age_ms: f64,
    /// The answer.
    pub answer: Answered,
}

/// Everything that was asked and answered about one job.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evidence {
    /// The answer to the initiate.
    pub posted: Answered,
    /// The job's id.
    pub id: String,
    /// Answers about ids that were never issued; none in a recording.
    pub never: Vec<Answered>,
    /// The polls of the job, in order.
    pub polls: Vec<Poll>,
}

/// What the answers say about the contract.
#[derive(Debug, Clone, PartialEq)]
pub struct Contract {
    /// How an unknown id is answered.
    pub unknown: Unknown,
    /// Where the state stands: a JSON pointer, or a JSONPath that begins with `$`.
    pub state: Option<String>,
    /// Its words.
    pub states: States,
    /// Where the id is repeated.
    pub echo: Option<String>,
    /// Where the progress stands.
    pub progress: Option<String>,
    /// Where the initiate's answer hands out the address to poll.
    pub follow: Option<IdPlace>,
}

impl Contract {
    /// What is assumed where nothing was asked: 404 for an unknown id, and what a document says of the state.
    pub fn assumed(known: &Known) -> Contract {
        Contract {
            unknown: Unknown::UsualCode(404),
            state: known.state.clone(),
            states: known.states.clone(),
            echo: None,
            progress: None,
            follow: None,
        }
    }

    /// The contract that the answers show, completed by what is known of the states.
    pub fn of(evidence: &Evidence, pair: &Pair) -> Result<Contract, DraftError> {
        let known = &pair.known;
        let mut contract = if evidence.never.is_empty() { recorded(evidence, known)? } else { asked(evidence)? };
        contract.follow = id::follow(&evidence.posted, pair, &evidence.id);
        // A word that did not come up in one job is still one.
        if contract.state == known.state || contract.state.is_none() {
            contract.state = contract.state.or_else(|| known.state.clone());
            contract.states.extend(&known.states);
        }
        Ok(contract)
    }
}

/// Whether the job has ended, as far as its last answer shows by common words.
pub fn has_ended(evidence: &Evidence) -> bool {
    let Ok(contract) = asked(evidence) else { return false };
    let Some(last) = evidence.polls.last().and_then(|poll| poll.answer.json()) else { return false };
    let items = items(&contract.unknown, std::iter::once(last), &evidence.id);
    let state = items.first().and_then(|item| state(&items, &evidence.id).and_then(|pointer| item.pointer(&pointer).and_then(text)));
    state.is_some_and(|word| is_end(&word))
}

/// Whether the last poll shows the job.
pub fn is_visible(evidence: &Evidence) -> bool {
    asked(evidence).is_ok()
}

/// What the answers say, without a file or a document; `None` where they do not show the job.
pub fn suggested(evidence: &Evidence) -> Option<Contract> {
    asked(evidence).ok()
}

fn asked(evidence: &Evidence) -> Result<Contract, DraftError> {
    let Evidence { id, never, polls, .. } = evidence;
    let (Some(unknown), Some(last)) = (never.first(), polls.last()) else {
        return Err(DraftError::new("nothing was asked", "try again"));
    };
    if let Some(trouble) = never.iter().find(|answer| matches!(answer.http, 429 | 500..=599)) {
        return Err(DraftError::new(
            format!("an id that was never issued is answered with an error of the service itself (HTTP {})", trouble.http),
            "nothing tells \"no such job\" from \"out of order\" then: look at the service's log, or try again later",
        ));
    }
    let rule = rule::between(never, &last.answer, id).ok_or_else(|| not_told_apart(unknown, last))?;
    Ok(understood(rule, polls, id))
}

fn not_told_apart(unknown: &Answered, last: &Poll) -> DraftError {
    let hint = if last.answer.is_success() {
        "if the service answers unknown ids as if they were jobs, that is a fault of its own (class N): `statusgap explain N`"
    } else {
        "the job did not become visible within the wait: is the address of the second command right, may its user see the job, or does it take \
         longer (--wait 2m)?"
    };
    DraftError::new(
        format!("an id that was never issued is answered like the job itself (HTTP {}), so that nothing tells them apart", unknown.http),
        hint,
    )
}

/// A recording has no never-issued id. What it denied at first is the best it has; else a 404 is assumed, as everywhere.
fn recorded(evidence: &Evidence, known: &Known) -> Result<Contract, DraftError> {
    let polls = &evidence.polls;
    let Some(visible) = polls.iter().rposition(|poll| poll.answer.is_success()) else { return Ok(Contract::assumed(known)) };
    let denied = polls[..visible].iter().find(|poll| {
        let (one, other) = (&poll.answer, &polls[visible].answer);
        one.http != other.http && !matches!(one.http, 401 | 403 | 429 | 500..=599 | 304)
    });
    let never = denied.map_or_else(|| Answered { http: 404, ..Answered::default() }, |poll| poll.answer.clone());
    let evidence = Evidence { never: vec![never.clone(), never], polls: polls[..=visible].to_vec(), ..evidence.clone() };
    asked(&evidence)
}

/// What the answers say, once it is known how an unknown id is answered.
fn understood(unknown: Unknown, polls: &[Poll], id: &str) -> Contract {
    let visible = polls.iter().map(|poll| &poll.answer).filter(|answer| answer.is_success() && !is_unknown(&unknown, answer, id));
    let items = items(&unknown, visible.filter_map(Answered::json), id);
    let place = |pointer: String| match &unknown {
        Unknown::NotListed { list, .. } => list.place(&pointer),
        _ => pointer,
    };
    let state = state(&items, id);
    let states = state.as_ref().map(|pointer| states(&items, pointer)).unwrap_or_default();
    // In a list, the item was found by the id.
    let echo = if matches!(unknown, Unknown::NotListed { .. }) { None } else { echo(&items, id) };
    Contract { states, state: state.map(place), echo, progress: progress::of(&items).map(place), follow: None, unknown }
}

/// The bodies, or in each the job's own item where it stands in a list.
fn items(unknown: &Unknown, bodies: impl Iterator<Item = Value>, id: &str) -> Vec<Value> {
    match unknown {
        Unknown::NotListed { list, .. } => bodies.filter_map(|body| list.item(&body, id).cloned()).collect(),
        _ => bodies.collect(),
    }
}

/// Where the state stands: a word at a place of such a name, or one that changes into a word for an end.
fn state(bodies: &[Value], id: &str) -> Option<String> {
    let last = bodies.last()?;
    let mut best: Option<(i32, String)> = None;
    leaves(last, &mut |pointer, leaf| {
        let Some(word) = text(leaf).filter(|word| *word != id) else { return };
        let name = name(pointer);
        let named = STATE_NAMES.iter().position(|known| *known == name).map_or(0, |at| if at < 2 { 6 } else { 4 });
        let values: Vec<String> = bodies.iter().filter_map(|body| body.pointer(pointer).and_then(text)).collect();
        let changes = values.windows(2).any(|pair| pair[0] != pair[1]);
        let is_possible = match leaf {
            Value::String(_) => word.len() <= 40 && word.split(' ').count() <= 3 && Shape::of(&word).is_none() && !word.contains("://"),
            Value::Bool(_) => named > 0,
            Value::Number(_) => named > 4 && changes,
            _ => false,
        };
        let ends = values.iter().any(|value| is_end(value));
        if !is_possible || (named == 0 && !(changes && ends)) {
            return;
        }
        let score = named + 3 * i32::from(changes && named > 0) + 3 * i32::from(ends) + i32::from(changes)
            - depth(pointer) as i32
            - i32::from(leaf.is_boolean());
        if best.as_ref().is_none_or(|(most, _)| score > *most) {
            best = Some((score, pointer.to_owned()));
        }
    });
    best.map(|(_, pointer)| pointer)
}

fn states(bodies: &[Value], pointer: &str) -> States {
    let mut states = States::default();
    for value in bodies.iter().filter_map(|body| body.pointer(pointer)) {
        if value.is_boolean() {
            // Of two words, both are known.
            return States { running: vec!["false".to_owned()], succeeded: vec!["true".to_owned()], failed: Vec::new() };
        }
        if let Some(word) = text(value) {
            states.add(&word);
        }
    }
    states
}

/// The shortest place at which every body has the id.
fn echo(bodies: &[Value], id: &str) -> Option<String> {
    let mut found: Option<String> = None;
    leaves(bodies.last()?, &mut |pointer, leaf| {
        let everywhere = || bodies.iter().all(|body| body.pointer(pointer).and_then(text).as_deref() == Some(id));
        let is_shorter = found.as_ref().is_none_or(|known| depth(pointer) < depth(known));
        if text(leaf).as_deref() == Some(id) && is_shorter && everywhere() {
            found = Some(pointer.to_owned());
        }
    });
    found
}
