//! The steps of a `JSONPath`, for whoever follows it by other means than the crate that reads it here.
//!
//! What is understood is followed to the letter; a query with anything else has no steps.

use super::selector::Query;
use super::template::Variable;

/// One step of a query: from each value to the values below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum QueryStep {
    /// The member of this name.
    Name(String),
    /// The item at this place of a list.
    Index(usize),
    /// Every member, or every item.
    Each,
    /// Of these, the ones in which a place below has this value.
    Where {
        /// The names on the way to that place.
        place: Vec<String>,
        /// What stands there.
        equals: Comparand,
    },
}

/// What a filter compares with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Comparand {
    /// A text.
    Text(String),
    /// The id, as a text.
    Id,
    /// The id: a number if it is written as one, else a text.
    IdAlone,
}

/// Stands for the id while the query is read.
const ID: &str = "\u{e000}";

impl Query {
    /// The steps; `None` where it takes something from the environment, or has a part that is none of them.
    pub(crate) fn steps(&self) -> Option<Vec<QueryStep>> {
        let has_others = self.template.variables().any(|variable| variable != Variable::IdRaw);
        if has_others || self.template.environment_values().next().is_some() {
            return None;
        }
        let text = self.template.fill(|_| ID.to_owned());
        let mut rest = text.strip_prefix('$')?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, after) = step(rest)?;
            steps.push(step);
            rest = after;
        }
        Some(steps)
    }
}

/// The step at the beginning of a text, and what follows.
fn step(text: &str) -> Option<(QueryStep, &str)> {
    if let Some(rest) = text.strip_prefix('.') {
        return match rest.strip_prefix('*') {
            Some(rest) => Some((QueryStep::Each, rest)),
            None => name(rest).map(|(name, rest)| (QueryStep::Name(name), rest)),
        };
    }
    let inner = text.strip_prefix('[')?.trim_start();
    let (step, rest) = if let Some(rest) = inner.strip_prefix('*') {
        (QueryStep::Each, rest)
    } else if let Some(rest) = inner.strip_prefix('?') {
        filter(rest.trim_start())?
    } else if inner.starts_with(['\'', '"']) {
        let (name, rest) = quoted(inner).filter(|(name, _)| !name.contains(ID))?;
        (QueryStep::Name(name), rest)
    } else {
        let end = inner.find(|c: char| !c.is_ascii_digit()).unwrap_or(inner.len());
        (QueryStep::Index(inner[..end].parse().ok()?), &inner[end..])
    };
    Some((step, rest.trim_start().strip_prefix(']')?))
}

/// `@.place == 'value'`
fn filter(text: &str) -> Option<(QueryStep, &str)> {
    let mut rest = text.strip_prefix('@')?;
    let mut place = Vec::new();
    while rest.starts_with(['.', '[']) {
        let (QueryStep::Name(name), after) = step(rest)? else { return None };
        place.push(name);
        rest = after;
    }
    let value = rest.trim_start().strip_prefix("==")?.trim_start();
    if let Some(rest) = value.strip_prefix(ID) {
        return Some((QueryStep::Where { place, equals: Comparand::IdAlone }, rest));
    }
    let (text, rest) = quoted(value)?;
    let equals = match text.as_str() {
        ID => Comparand::Id,
        text if text.contains(ID) => return None,
        text => Comparand::Text(text.to_owned()),
    };
    Some((QueryStep::Where { place, equals }, rest))
}

/// A name that needs no quotes.
fn name(text: &str) -> Option<(String, &str)> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    (name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')).then(|| (name.to_owned(), rest))
}

/// A text in quotes of either kind, without escapes.
fn quoted(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    let (inner, rest) = text[1..].split_once(quote)?;
    (!inner.contains('\\')).then(|| (inner.to_owned(), rest))
}

#[cfg(test)]
mod tests {
    use super::super::selector::Query;
    use super::super::template::{Braces, Template, Variable};
    use super::*;

    fn steps(path: &str) -> Option<Vec<QueryStep>> {
        let template = Template::read(path, Braces::AreText, Variable::IN_RULES, &[], &|_, _| Some("x".to_owned())).expect("a template");
        Query::read(template, path).unwrap_or_else(|error| panic!("{path}: {error}")).steps()
    }

    #[test]
    fn what_is_understood_is_followed_to_the_letter() {
        use QueryStep::{Each, Index, Name};
        let of = |name: &str| Name(name.to_owned());
        let is = |place: &[&str], equals| QueryStep::Where { place: place.iter().map(|&name| name.to_owned()).collect(), equals };
        for (path, wanted) in [
            ("$", vec![]),
            ("$.a['b c'].d", vec![of("a"), of("b c"), of("d")]),
            ("$.a[0][*]", vec![of("a"), Index(0), Each]),
            ("$.*", vec![Each]),
            ("$[*][?@.id == '{id:raw}']", vec![Each, is(&["id"], Comparand::Id)]),
            ("$.jobs[?@['job id']==\"{id:raw}\"].state", vec![of("jobs"), is(&["job id"], Comparand::Id), of("state")]),
            ("$.jobs[?@.meta.id == {id:raw}]", vec![of("jobs"), is(&["meta", "id"], Comparand::IdAlone)]),
            ("$.links[?@.rel == 'next'].href", vec![of("links"), is(&["rel"], Comparand::Text("next".to_owned())), of("href")]),
        ] {
            assert_eq!(steps(path), Some(wanted), "{path}");
        }
    }

    #[test]
    fn a_query_with_anything_else_has_no_steps() {
        for path in [
            "$..a",
            "$.a[?@.b]",
            "$.a[-1]",
            "$.a[0:2]",
            "$['a','b']",
            "$.a[?@.b == 'x' && @.c == 'y']",
            "$.a[?@.b != 'x']",
            "$.a[?@.b == 'job-{id:raw}']",
            "$.a[?@.b == 'it\\'s']",
            "$.a[?@.b == '{uuid}']",
            "$.a[?@.b == '${NAME}']",
            "$.ä",
        ] {
            assert_eq!(steps(path), None, "{path}");
        }
    }
}
