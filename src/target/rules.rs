//! Answer rules: what a reply must look like to mean something.

use regex::Regex;
use serde_json::Value;

use crate::model::answer::{Answer, State};

use super::file::HttpCodes;
use super::json::JsonTemplate;
use super::selector::{Opened, Selector, plain};
use super::template::Variable;

/// One `[[status.answer]]`.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) answer: Answer,
    /// How a visible scan stands, where the rule says it.
    pub(crate) state: Option<State>,
    pub(crate) when: When,
}

/// The conditions; all must hold.
#[derive(Debug, Clone)]
pub(crate) struct When {
    pub(crate) http: Option<HttpCodes>,
    pub(crate) at: Option<(Selector, Vec<Test>)>,
    pub(crate) body_matches: Option<Regex>,
}

/// What is asked of the values at a place. A test holds when any value there passes it.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    OneOf(Vec<JsonTemplate>),
    Matches(Regex),
    Exists(bool),
    /// A value is there and is (or is not) JSON null.
    Null(bool),
    /// A value is there and is (or is not) an empty text, list or object.
    Empty(bool),
}

impl When {
    /// Whether the reply meets every condition.
    pub(super) fn holds(&self, reply: &Opened<'_>, id: &str) -> bool {
        if let Some(codes) = &self.http
            && !codes.contain(reply.http)
        {
            return false;
        }
        if let Some((selector, tests)) = &self.at {
            if self.passes_over_errors() && is_trouble(reply.http) {
                return false;
            }
            let Some(found) = selector.find(reply, id) else {
                return false;
            };
            let values = found.all();
            if !tests.iter().all(|test| test.holds(&values, id)) {
                return false;
            }
        }
        self.body_matches.as_ref().is_none_or(|pattern| pattern.is_match(&reply.text()))
    }

    /// Whether it holds for no error: an error answer lacks nearly everything, so that absence is told by it only where the rule asks
    /// for its code.
    pub(crate) fn passes_over_errors(&self) -> bool {
        self.http.is_none() && self.at.as_ref().is_some_and(|(_, tests)| tests.iter().all(Test::is_absence))
    }

    /// Whether a reply with this code meets every condition, as far as the code alone tells; `None` where it does not.
    pub(super) fn by_code(&self, http: u16) -> Option<bool> {
        if self.http.as_ref().is_some_and(|codes| !codes.contain(http)) {
            return Some(false);
        }
        if self.passes_over_errors() && is_trouble(http) {
            return Some(false);
        }
        (self.at.is_none() && self.body_matches.is_none()).then_some(true)
    }

    /// Whether it depends on which scan was asked for.
    pub(super) fn names_the_id(&self) -> bool {
        self.at.as_ref().is_some_and(|(selector, tests)| {
            let in_selector = match selector {
                Selector::Pointer(path) => path.template.variables().any(Variable::is_id),
                Selector::JsonPath(query) => query.template.variables().any(Variable::is_id),
                Selector::Header(_) => false,
            };
            in_selector || tests.iter().any(Test::names_the_id)
        })
    }
}

/// Codes that say something about the caller or the service, and nothing about the scan.
fn is_trouble(http: u16) -> bool {
    matches!(http, 401 | 403 | 429 | 500..=599)
}

impl Test {
    fn holds(&self, values: &[&Value], id: &str) -> bool {
        match self {
            Test::OneOf(wanted) => values.iter().any(|value| wanted.iter().any(|wanted| wanted.equals(value, id))),
            Test::Matches(pattern) => values.iter().filter_map(|value| plain(value)).any(|text| pattern.is_match(&text)),
            Test::Exists(exists) => values.is_empty() != *exists,
            Test::Null(null) => values.iter().any(|value| value.is_null() == *null),
            Test::Empty(empty) => values.iter().any(|value| is_empty(value) == *empty),
        }
    }

    fn is_absence(&self) -> bool {
        matches!(self, Test::Exists(false))
    }

    fn names_the_id(&self) -> bool {
        matches!(self, Test::OneOf(wanted) if wanted.iter().any(JsonTemplate::names_the_id))
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(object) => object.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
