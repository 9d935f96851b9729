//! The contract, from the answers about one job and about ids that were never issued.

mod id;
mod list;
mod progress;
mod rule;
mod token;

use serde_json::Value;

pub use id::{IdPlace, id, other_ids};
pub use rule::{Unknown, is_unknown};
pub use token::{Token, TokenPlace, token};

use super::DraftError;
use super::error::cut;
use super::json::{depth, leaves, name, text};
use super::pair::{Known, Pair};
use super::shape::Shape;
use super::states::{States, is_end, is_of_envelope, is_running, state_name};
use crate::model::call::Answered;
use crate::target::Variables;

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
    /// Whether the status request names no job, so that only a list can show it.
    pub is_list: bool,
    /// What the request for the job was filled with, where the client gives the id.
    pub variables: Variables,
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
    /// The lists whose names say the state, each as a JSONPath with what it means.
    pub by_list: Vec<(String, &'static str)>,
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
            by_list: Vec::new(),
            echo: None,
            progress: None,
            follow: None,
        }
    }

    /// The contract that the answers show, completed by what is known of the states.
    pub fn of(evidence: &Evidence, pair: &Pair) -> Result<Contract, DraftError> {
        let known = &pair.known;
        let mut contract = if evidence.never.is_empty() { recorded(evidence, known)? } else { asked(evidence)? };
        if let Unknown::Constant { http, pointer, value: Value::String(word) } = &contract.unknown
            && state_name(&name(pointer)) > 0
            && is_running(word)
        {
            return Err(answered_as_at_work(*http, pointer, word));
        }
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
    if evidence.polls.last().is_some_and(|poll| poll.answer.is_redirect_to_what_it_made()) {
        return true;
    }
    let Some(last) = evidence.polls.last().and_then(|poll| poll.answer.json()) else { return false };
    if let Unknown::NotListed { list, .. } = &contract.unknown
        && let Some(name) = list.state(&last, &evidence.id)
    {
        return is_end(&name);
    }
    // The place is known by all answers together: in the last one alone nothing changes.
    let items = visible_items(&contract.unknown, evidence);
    let is_of_last = items.last().is_some() && items.last() == self::items(&contract.unknown, std::iter::once(last), &evidence.id).last();
    let at = state(&items, &evidence.id, &Envelopes::of(evidence));
    let word = at.and_then(|at| items.last()?.pointer(&at).and_then(text));
    is_of_last && word.is_some_and(|word| is_end(&word))
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
    // A job that has ended may lead on to its result, or be gone: the last answer that shows it has the word for its end.
    let is_over = !last.answer.is_success();
    let last = polls.iter().rfind(|poll| poll.answer.is_success()).filter(|_| is_over).unwrap_or(last);
    let rule = if evidence.is_list { rule::not_listed(&last.answer, id) } else { rule::between(never, &last.answer, id) };
    let rule = rule.ok_or_else(|| if evidence.is_list { not_in_a_list(last) } else { not_told_apart(unknown, last) })?;
    Ok(understood(rule, evidence))
}

fn not_in_a_list(last: &Poll) -> DraftError {
    DraftError::new(
        format!("the second request names no job, and its last answer (HTTP {}) has no list in which the job stands", last.answer.http),
        "copy a request that asks for one job, with its id; name the id as it stands there with --id-in-url; or give the job more time (--wait 2m)",
    )
}

fn answered_as_at_work(http: u16, pointer: &str, word: &str) -> DraftError {
    DraftError::new(
        format!("an id that was never issued is answered like a job that waits: HTTP {http}, and {pointer} is \"{}\"", cut(word)),
        "nothing tells an unknown id from a job at work then, which is a fault of its own (class N: `statusgap explain N`): copy another \
         request that asks for the job, if the service has one",
    )
}

fn not_told_apart(unknown: &Answered, last: &Poll) -> DraftError {
    let (never, job) = (unknown.http, last.answer.http);
    if last.answer.is_success() {
        return DraftError::new(
            format!("an id that was never issued is answered like the job itself (HTTP {never}), so that nothing tells them apart"),
            "if the service answers unknown ids as if they were jobs, that is a fault of its own (class N): `statusgap explain N`",
        );
    }
    DraftError::new(
        format!(
            "the job did not become visible within the wait: its last answer was HTTP {job}, and an id that was never issued gets HTTP {never}"
        ),
        "is the address of the second command right, may its user see the job, or does it take longer (--wait 2m)?",
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
fn understood(unknown: Unknown, evidence: &Evidence) -> Contract {
    let id = &evidence.id;
    let items = visible_items(&unknown, evidence);
    let place = |pointer: String| match &unknown {
        Unknown::NotListed { list, .. } => list.place(&pointer),
        _ => pointer,
    };
    let by_list = by_list(&unknown);
    let state = if by_list.is_empty() { state(&items, id, &Envelopes::of(evidence)) } else { None };
    let states = state.as_ref().map(|pointer| states(&items, pointer)).unwrap_or_default();
    // In a list, the item was found by the id.
    let echo = if matches!(unknown, Unknown::NotListed { .. }) { None } else { echo(&items, id) };
    Contract { states, state: state.map(place), by_list, echo, progress: progress::of(&items).map(place), follow: None, unknown }
}

/// What the answers say of the job that show it.
fn visible_items(unknown: &Unknown, evidence: &Evidence) -> Vec<Value> {
    let answers = evidence.polls.iter().map(|poll| &poll.answer);
    let visible = answers.filter(|answer| answer.is_success() && !is_unknown(unknown, answer, &evidence.id));
    items(unknown, visible.filter_map(Answered::json), &evidence.id)
}

/// The lists whose names say the state.
fn by_list(unknown: &Unknown) -> Vec<(String, &'static str)> {
    let Unknown::NotListed { list, .. } = unknown else { return Vec::new() };
    let meaning = |name: &str| {
        let mut states = States::default();
        states.add(name);
        states.words().next().map_or("running", |(_, meaning)| meaning)
    };
    list.of_states().into_iter().map(|(name, one)| (one.path(), meaning(&name))).collect()
}

/// The bodies, or in each the job's own item where it stands in a list.
fn items(unknown: &Unknown, bodies: impl Iterator<Item = Value>, id: &str) -> Vec<Value> {
    match unknown {
        Unknown::NotListed { list, .. } => bodies.filter_map(|body| list.item(&body, id).cloned()).collect(),
        _ => bodies.collect(),
    }
}

/// Answers that are not about a job at work. What they have in common with the polls is said of the request, and not of the job.
#[derive(Debug, Default)]
struct Envelopes {
    /// About ids that were never issued.
    never: Vec<Value>,
    /// To the initiate, when no job can have ended.
    posted: Option<Value>,
}

impl Envelopes {
    fn of(evidence: &Evidence) -> Envelopes {
        Envelopes { never: evidence.never.iter().filter_map(Answered::json).collect(), posted: evidence.posted.json() }
    }

    /// Whether a word at a place that never changes is that of an envelope.
    fn explain(&self, pointer: &str, word: &str) -> bool {
        let same = |body: &Value| body.pointer(pointer).and_then(text).as_deref() == Some(word);
        self.never.iter().any(same) || (is_end(word) && self.posted.as_ref().is_some_and(same))
    }
}

/// A place that may hold the state.
struct StatePlace {
    score: i32,
    pointer: String,
    is_named: bool,
    /// Whether its word may be that of an envelope.
    is_doubtful: bool,
}

/// Where the state stands: a word at a place of such a name, or one that changes into a word for an end.
fn state(bodies: &[Value], id: &str, envelopes: &Envelopes) -> Option<String> {
    let mut places: Vec<StatePlace> = Vec::new();
    leaves(bodies.last()?, &mut |pointer, leaf| {
        let Some(word) = text(leaf).filter(|word| *word != id) else { return };
        let named = state_name(&name(pointer));
        let values: Vec<String> = bodies.iter().filter_map(|body| body.pointer(pointer).and_then(text)).collect();
        let changes = values.windows(2).any(|pair| pair[0] != pair[1]);
        let is_possible = match leaf {
            Value::String(_) => word.len() <= 40 && word.split(' ').count() <= 3 && Shape::of(&word).is_none() && !word.contains("://"),
            Value::Bool(_) => named > 0,
            Value::Number(_) => named > 4 && changes,
            _ => false,
        };
        let ends = values.iter().any(|value| is_end(value));
        if !is_possible || (named == 0 && !(changes && ends)) || (!changes && envelopes.explain(pointer, &word)) {
            return;
        }
        let score = named + 3 * i32::from(changes && named > 0) + 3 * i32::from(ends) + i32::from(changes)
            - depth(pointer) as i32
            - i32::from(leaf.is_boolean());
        let is_doubtful = !changes && is_of_envelope(&word);
        places.push(StatePlace { score, pointer: pointer.to_owned(), is_named: named > 0, is_doubtful });
    });
    // Around another state, "ok" and "success" speak of the request.
    if places.iter().any(|place| place.is_named && !place.is_doubtful) {
        places.retain(|place| !place.is_doubtful);
    }
    let best = places.iter().map(|place| place.score).max()?;
    places.into_iter().find(|place| place.score == best).map(|place| place.pointer)
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
