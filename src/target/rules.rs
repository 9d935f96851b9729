//! Answer rules: what a reply must look like to mean something.

use regex::Regex;
use serde_json::Value;

use crate::model::answer::{Answer, State};

use super::captured::About;
use super::file::HttpCodes;
use super::json::JsonTemplate;
use super::selector::{Opened, Selector, plain};
use super::template::Template;

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
    /// More conditions, each with a place of its own.
    pub(crate) all: Vec<When>,
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
    pub(super) fn holds(&self, reply: &Opened<'_>, about: About<'_>) -> bool {
        !(self.passes_over_errors() && is_trouble(reply.http)) && self.holds_here(reply, about)
    }

    fn holds_here(&self, reply: &Opened<'_>, about: About<'_>) -> bool {
        if let Some(codes) = &self.http
            && !codes.contain(reply.http)
        {
            return false;
        }
        if let Some((selector, tests)) = &self.at {
            let Some(found) = selector.find(reply, about) else {
                return false;
            };
            let values = found.all();
            if !tests.iter().all(|test| test.holds(&values, about)) {
                return false;
            }
        }
        self.body_matches.as_ref().is_none_or(|pattern| pattern.is_match(&reply.text()))
            && self.all.iter().all(|part| part.holds_here(reply, about))
    }

    /// Whether it holds for no error: an error answer lacks nearly everything, so that absence is told by it only where the rule asks
    /// for its code.
    pub(crate) fn passes_over_errors(&self) -> bool {
        self.asks_for_no_code() && self.asks_only_for_absence()
    }

    /// Whether a reply with this code meets every condition, as far as the code alone tells; `None` where it does not.
    pub(super) fn by_code(&self, http: u16) -> Option<bool> {
        if self.passes_over_errors() && is_trouble(http) { Some(false) } else { self.by_code_here(http) }
    }

    fn by_code_here(&self, http: u16) -> Option<bool> {
        if self.http.as_ref().is_some_and(|codes| !codes.contain(http)) {
            return Some(false);
        }
        let mut parts: Vec<Option<bool>> = self.all.iter().map(|part| part.by_code_here(http)).collect();
        parts.push((self.at.is_none() && self.body_matches.is_none()).then_some(true));
        if parts.contains(&Some(false)) { Some(false) } else { parts.into_iter().all(|part| part == Some(true)).then_some(true) }
    }

    fn asks_for_no_code(&self) -> bool {
        self.http.is_none() && self.all.iter().all(When::asks_for_no_code)
    }

    fn asks_only_for_absence(&self) -> bool {
        let here = self.at.as_ref().map(|(_, tests)| tests.iter().all(Test::is_absence));
        let nothing_else = here.is_none() && self.body_matches.is_none() && !self.all.is_empty();
        (here == Some(true) || nothing_else) && self.all.iter().all(When::asks_only_for_absence)
    }

    /// Whether it depends on which scan was asked for.
    pub(super) fn names_the_scan(&self) -> bool {
        self.at.as_ref().is_some_and(|(selector, tests)| {
            selector.template().is_some_and(|template| template.variables().next().is_some()) || tests.iter().any(Test::names_the_scan)
        }) || self.all.iter().any(When::names_the_scan)
    }

    /// Whether it names something of the scan that a recording does not tell.
    pub(super) fn names_more_than_the_id(&self) -> bool {
        let more = |template: &Template| template.variables().any(|variable| !variable.is_id());
        self.at
            .as_ref()
            .is_some_and(|(selector, tests)| selector.template().is_some_and(more) || tests.iter().flat_map(Test::templates).any(more))
            || self.all.iter().any(When::names_more_than_the_id)
    }
}

/// Codes that say something about the caller or the service, and nothing about the scan.
fn is_trouble(http: u16) -> bool {
    matches!(http, 401 | 403 | 429 | 500..=599)
}

impl Test {
    fn holds(&self, values: &[&Value], about: About<'_>) -> bool {
        match self {
            Test::OneOf(wanted) => values.iter().any(|value| wanted.iter().any(|wanted| wanted.equals(value, about))),
            Test::Matches(pattern) => values.iter().filter_map(|value| plain(value)).any(|text| pattern.is_match(&text)),
            Test::Exists(exists) => values.is_empty() != *exists,
            Test::Null(null) => values.iter().any(|value| value.is_null() == *null),
            Test::Empty(empty) => values.iter().any(|value| is_empty(value) == *empty),
        }
    }

    fn is_absence(&self) -> bool {
        matches!(self, Test::Exists(false))
    }

    fn names_the_scan(&self) -> bool {
        matches!(self, Test::OneOf(wanted) if wanted.iter().any(JsonTemplate::names_the_scan))
    }

    fn templates(&self) -> Vec<&Template> {
        match self {
            Test::OneOf(wanted) => wanted.iter().flat_map(JsonTemplate::templates).collect(),
            _ => Vec::new(),
        }
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
