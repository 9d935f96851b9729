//! A status endpoint that is a list of jobs: a job is known if an item has its id.

use serde_json::Value;

use crate::draft::json::{leaves, text};

/// Where the items stand, and which of their members is the id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemsBy {
    /// Names of the members on the way to the list.
    path: Vec<String>,
    /// The member of an item that is its id.
    member: String,
    /// Whether ids are numbers there.
    is_number: bool,
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
            if let [path @ .., index, member] = steps.as_slice()
                && index.bytes().all(|byte| byte.is_ascii_digit())
            {
                let by = ItemsBy { path: path.to_vec(), member: member.clone(), is_number: leaf.is_number() };
                // A member of an object may be called `0`.
                found = by.list(body).is_some().then_some(by);
            }
        });
        found
    }

    fn list<'a>(&self, body: &'a Value) -> Option<&'a Vec<Value>> {
        self.path.iter().try_fold(body, |value, step| value.get(step))?.as_array()
    }

    /// The item that has the id.
    pub(super) fn item<'a>(&self, body: &'a Value, id: &str) -> Option<&'a Value> {
        self.list(body)?.iter().find(|item| item.get(&self.member).and_then(text).as_deref() == Some(id))
    }

    /// The items with the id of a request, as JSONPath (RFC 9535).
    pub fn path(&self) -> String {
        let path: String = self.path.iter().map(|name| step(name)).collect();
        let quote = if self.is_number { "" } else { "'" };
        format!("${path}[?@{} == {quote}{{id:raw}}{quote}]", step(&self.member))
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
        format!("${} by `{}`", self.path.iter().map(|name| step(name)).collect::<String>(), self.member)
    }
}

fn step(name: &str) -> String {
    let is_plain =
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if is_plain { format!(".{name}") } else { format!("['{}']", name.replace('\\', "\\\\").replace('\'', "\\'")) }
}
