//! What is known of one scan beside its id: the values that earlier replies gave, and what rules and requests make of them.

use std::fmt;
use std::sync::Arc;

use super::request::Variables;
use super::template::{Variable, dashed, encode};

/// The values that `capture` took out of replies, each at the place of its name in the target file. Some are credentials, so none is
/// shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Captured(Vec<Option<Arc<str>>>);

impl fmt::Debug for Captured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Captured").field(&self.0.iter().flatten().count()).finish()
    }
}

impl Captured {
    /// The value at a place; `None` while it is not known.
    pub(super) fn get(&self, place: u8) -> Option<&str> {
        self.0.get(usize::from(place))?.as_deref()
    }

    pub(super) fn set(&mut self, place: u8, value: &str) {
        let place = usize::from(place);
        if self.0.len() <= place {
            self.0.resize(place + 1, None);
        }
        self.0[place] = Some(value.into());
    }

    /// The same, with the values of `newer` in place of those that it has.
    #[must_use]
    pub fn with(&self, newer: &Captured) -> Captured {
        let mut all = self.clone();
        for (place, value) in (0..).zip(&newer.0) {
            if let Some(value) = value {
                all.set(place, value);
            }
        }
        all
    }
}

/// What rules may name of the scan that a reply is about.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// Its id.
    pub id: &'a str,
    /// What its requests were filled with; `None` where that is not known, as in recordings.
    pub variables: Option<&'a Variables>,
}

impl<'a> About<'a> {
    /// A scan, with what its requests were filled with.
    pub fn scan(id: &'a str, variables: &'a Variables) -> About<'a> {
        About { id, variables: Some(variables) }
    }

    /// Nothing yet: no id is known.
    pub(super) fn nothing() -> About<'static> {
        About { id: "", variables: None }
    }

    /// The value of a hole in a rule. What is not known is equal to nothing that a reply has.
    pub(super) fn value(self, variable: Variable) -> String {
        const NOT_KNOWN: &str = "\u{fffd}\u{fffd}";
        let known = match variable {
            Variable::Id => Some(encode(self.id)),
            Variable::IdRaw => Some(self.id.to_owned()),
            Variable::Uuid => self.variables.map(|variables| variables.uuid.clone()),
            Variable::UuidDashed => self.variables.map(|variables| dashed(&variables.uuid)),
            Variable::N => self.variables.map(|variables| variables.n.to_string()),
            Variable::Capture(place) | Variable::CaptureRaw(place) => {
                self.variables.and_then(|variables| variables.captured.get(place)).map(str::to_owned)
            }
            // No rule has it.
            Variable::User => None,
        };
        known.unwrap_or_else(|| NOT_KNOWN.to_owned())
    }
}

impl About<'_> {
    /// The value of a hole in a path.
    pub(super) fn in_path(self, variable: Variable) -> String {
        let value = self.value(variable);
        if matches!(variable, Variable::Capture(_)) { encode(&value) } else { value }
    }
}

impl<'a> From<&'a str> for About<'a> {
    fn from(id: &'a str) -> About<'a> {
        About { id, variables: None }
    }
}

impl<'a> From<&'a String> for About<'a> {
    fn from(id: &'a String) -> About<'a> {
        About { id, variables: None }
    }
}
