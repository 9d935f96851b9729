//! A status endpoint that is a list of jobs: a job is known if an item has its id.
//!
//! Some have a list for each state (`pending`, `running`, `finished`), and a job goes from one into the next.

use serde_json::Value;

use crate::draft::json::{leaves, text};
use crate::draft::states::{is_end, is_running};

/// Where the items stand, and which of their members is the id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemsBy {
    /// The way to the list.
    path: Vec<Step>,
    /// The member of an item that is its id.
    member: String,
    /// Whether ids are numbers there.
    is_number: bool,
}

/// A step on the way to a list.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// The member of this name.
    Member(String),
    /// Every member, of which these are lists that are called as states are.
    Each(Vec<String>),
}

impl ItemsBy {
    /// The list in which an item has the id.
    pub(super) fn with(body: &Value, id: &str) -> Option<ItemsBy> {
        let mut found = None;
        leaves(body, &mut |pointer, leaf| {
            if found.is_some() || text(leaf).as_deref() != Some(id) {
                return;
            }
            let steps: Vec<String> = pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
            if let [names @ .., index, member] = steps.as_slice()
                && index.bytes().all(|byte| byte.is_ascii_digit())
            {
                let path = names.iter().cloned().map(Step::Member).collect();
                let mut by = ItemsBy { path, member: member.clone(), is_number: leaf.is_number() };
                by.widen(body);
                // A member of an object may be called `0`.
                found = by.item(body, id).is_some().then_some(by);
            }
        });
        found
    }

    /// Where the list is one of several that are called as states are, the job may stand in each of them.
    fn widen(&mut self, body: &Value) {
        let Some((Step::Member(own), before)) = self.path.split_last() else { return };
        let Some(parent) = before.iter().try_fold(body, |value, step| match step {
            Step::Member(name) => value.get(name),
            Step::Each(_) => None,
        }) else {
            return;
        };
        let members = parent.as_object().into_iter().flatten();
        let of_states: Vec<String> = members
            .filter(|(name, member)| member.is_array() && (is_end(name) || is_running(name)))
            .map(|(name, _)| name.clone())
            .collect();
        if of_states.len() > 1 && of_states.contains(own) {
            let last = self.path.len() - 1;
            self.path[last] = Step::Each(of_states);
        }
    }

    fn lists<'a>(&self, body: &'a Value) -> Vec<&'a Vec<Value>> {
        let mut values = vec![body];
        for step in &self.path {
            values = match step {
                Step::Member(name) => values.into_iter().filter_map(|value| value.get(name)).collect(),
                Step::Each(_) => values.into_iter().filter_map(Value::as_object).flat_map(|object| object.values()).collect(),
            };
        }
        values.into_iter().filter_map(Value::as_array).collect()
    }

    /// The item that has the id.
    pub(super) fn item<'a>(&self, body: &'a Value, id: &str) -> Option<&'a Value> {
        self.lists(body).into_iter().flatten().find(|item| item.get(&self.member).and_then(text).as_deref() == Some(id))
    }

    /// The name of the list that has the id, where that says the state.
    pub(super) fn state(&self, body: &Value, id: &str) -> Option<String> {
        self.of_states().into_iter().find_map(|(name, one)| one.item(body, id).map(|_| name))
    }

    /// The lists whose names say the state, each by itself.
    pub fn of_states(&self) -> Vec<(String, ItemsBy)> {
        let Some((Step::Each(names), before)) = self.path.split_last() else { return Vec::new() };
        let one = |name: &String| {
            let path = before.iter().cloned().chain([Step::Member(name.clone())]).collect();
            (name.clone(), ItemsBy { path, ..self.clone() })
        };
        names.iter().map(one).collect()
    }

    /// The items with the id of a request, as JSONPath (RFC 9535).
    pub fn path(&self) -> String {
        let quote = if self.is_number { "" } else { "'" };
        format!("{}[?@{} == {quote}{{id:raw}}{quote}]", self.to_list(), step(&self.member))
    }

    fn to_list(&self) -> String {
        let of = |one: &Step| match one {
            Step::Member(name) => step(name),
            Step::Each(_) => "[*]".to_owned(),
        };
        format!("${}", self.path.iter().map(of).collect::<String>())
    }

    /// A place within such an item, from its pointer there.
    pub(super) fn place(&self, pointer: &str) -> String {
        let below: String = pointer
            .split('/')
            .skip(1)
            .map(|part| part.replace("~1", "/").replace("~0", "~"))
            .map(|part| if part.bytes().all(|byte| byte.is_ascii_digit()) && !part.is_empty() { format!("[{part}]") } else { step(&part) })
            .collect();
        format!("{}{below}", self.path())
    }

    /// The list, for people.
    pub fn shown(&self) -> String {
        format!("{} by `{}`", self.to_list(), self.member)
    }
}

fn step(name: &str) -> String {
    let is_plain =
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if is_plain { format!(".{name}") } else { format!("['{}']", name.replace('\\', "\\\\").replace('\'', "\\'")) }
}
