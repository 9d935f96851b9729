//! What tells the answer about a never-issued id from the answer about a job.

use serde_json::Value;

use super::list::ItemsBy;
use crate::draft::json::{depth, leaves, name};
use crate::draft::states::state_name;
use crate::model::call::Answered;

/// How a reply says that it does not know an id.
#[derive(Debug, Clone, PartialEq)]
pub enum Unknown {
    /// By a status code that means this without any rule (404, 410).
    UsualCode(u16),
    /// By another status code.
    Code(u16),
    /// By a constant in the body.
    Constant {
        /// The reply's status code.
        http: u16,
        /// Where it stands.
        pointer: String,
        /// What stands there: a text, a number, a truth, null, or an empty list or object.
        value: Value,
    },
    /// By a member that known jobs have.
    Absent {
        /// The reply's status code.
        http: u16,
        /// Where it would stand.
        pointer: String,
    },
    /// By being absent from a list.
    NotListed {
        /// The reply's status code.
        http: u16,
        /// The list.
        list: ItemsBy,
    },
}

/// Whether a reply says, by this rule, that it does not know the id.
pub fn is_unknown(rule: &Unknown, answer: &Answered, id: &str) -> bool {
    let json = || answer.json();
    match rule {
        Unknown::UsualCode(code) | Unknown::Code(code) => answer.http == *code,
        Unknown::Constant { http, pointer, value } => {
            answer.http == *http && json().is_some_and(|json| json.pointer(pointer) == Some(value))
        }
        Unknown::Absent { http, pointer } => answer.http == *http && json().is_none_or(|json| json.pointer(pointer).is_none()),
        Unknown::NotListed { http, list } => answer.http == *http && json().is_none_or(|json| list.item(&json, id).is_none()),
    }
}

/// Absence from the list in which the job stands: the only sign where the request names no job.
pub(super) fn not_listed(known: &Answered, id: &str) -> Option<Unknown> {
    let list = ItemsBy::with(&known.json()?, id)?;
    known.is_success().then_some(Unknown::NotListed { http: known.http, list })
}

/// The code, else absence from a list, else a constant, else a member's absence; `None` where nothing differs. `never` are answers
/// about ids that were never issued, `known` the one about a job.
pub(super) fn between(never: &[Answered], known: &Answered, id: &str) -> Option<Unknown> {
    let unknown = never.first()?;
    let http = unknown.http;
    if http != known.http {
        // What is not a success does not show the job.
        let usual = matches!(http, 404 | 410);
        return known.is_success().then_some(if usual { Unknown::UsualCode(http) } else { Unknown::Code(http) });
    }
    let (here, there) = (unknown.json()?, known.json()?);
    if let Some(list) = ItemsBy::with(&there, id) {
        return list.item(&here, id).is_none().then_some(Unknown::NotListed { http, list });
    }
    constant(never, &here, &there)
        .map(|(pointer, value)| Unknown::Constant { http, pointer, value })
        .or_else(|| absent(&here, &there, id).map(|pointer| Unknown::Absent { http, pointer }))
}

/// A place at which all answers about unknown ids have the same, and the job's answer something else.
fn constant(never: &[Answered], here: &Value, there: &Value) -> Option<(String, Value)> {
    let others: Vec<Value> = never.iter().filter_map(Answered::json).collect();
    let mut best: Option<((usize, usize, String), Value)> = None;
    leaves(here, &mut |pointer, leaf| {
        let is_steady = others.len() == never.len() && others.iter().all(|other| other.pointer(pointer) == Some(leaf));
        if pointer.is_empty() || !is_steady || there.pointer(pointer) == Some(leaf) {
            return;
        }
        let length = match leaf {
            Value::String(text) => text.len(),
            _ => 4,
        };
        // A word at a place of that name says it best; a sentence may be reworded.
        let name = name(pointer);
        let is_likely = state_name(&name) > 0 || name.contains("code") || name.contains("error");
        let key = (usize::from(!is_likely) * 20 + length, depth(pointer), pointer.to_owned());
        if best.as_ref().is_none_or(|(least, _)| key < *least) {
            best = Some((key, leaf.clone()));
        }
    });
    best.map(|((_, _, pointer), value)| (pointer, value))
}

/// A member that the job's answer has and the other has not: best the one with the id.
fn absent(here: &Value, there: &Value, id: &str) -> Option<String> {
    let mut members: Vec<(bool, String)> = Vec::new();
    leaves(there, &mut |pointer, leaf| {
        let top = pointer.split('/').nth(1).map(|name| format!("/{name}")).unwrap_or_default();
        if !top.is_empty() && here.pointer(&top).is_none() && !members.iter().any(|(_, known)| *known == top) {
            members.push((leaf.as_str() != Some(id), top));
        }
    });
    members.into_iter().min_by_key(|(is_other, _)| *is_other).map(|(_, pointer)| pointer)
}
