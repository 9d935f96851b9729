//! Errors in files that people write: always with the file, the line, the column, what was expected and a way out.

use std::fmt;
use std::ops::Range;

use serde::de::DeserializeOwned;

use crate::model::redaction::starred;

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputError {
    /// The file as the user named it.
    pub file: String,
    /// The place, where one is known: line and column, both from 1, and the line's text.
    pub place: Option<Place>,
    /// What is wrong, as a fragment.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// A place in a text file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// How many characters the culprit spans on that line.
    pub width: usize,
    /// The whole line.
    pub text: String,
}

impl std::error::Error for InputError {}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => {
                writeln!(f, "{}:{}:{}: {}", self.file, place.line, place.column, self.message)?;
                let gutter = place.line.to_string();
                writeln!(f, "  {gutter} | {}", place.text)?;
                write!(f, "  {:>1$} | {2:>3$}", "", gutter.len(), "", place.column - 1)?;
                f.write_str(&"^".repeat(place.width.max(1)))?;
            }
            None => write!(f, "{}: {}", self.file, self.message)?,
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

/// A TOML document with its name, so that any later complaint can point into it.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The file as the user named it.
    pub file: &'a str,
    /// Its text.
    pub text: &'a str,
}

impl Source<'_> {
    /// Reads the document into `T`; a complaint carries its place and, for a mistyped name, the nearest right one.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, InputError> {
        toml::from_str(self.text).map_err(|error| {
            let message = error.message().trim().replace('\n', ", ");
            let hint = nearest_expected(&message);
            let place = error.span().map(|span| self.place(&span));
            // The value that is quoted may be what the line beside it does not show.
            let message = if place.as_ref().is_some_and(|place| place.text.contains("***")) { without_value(&message) } else { message };
            InputError { file: self.file.to_owned(), place, message, hint }
        })
    }

    /// A complaint about the value at a dotted path such as `load.scans` or `status.answer.1.when`.
    ///
    /// Where the path does not exist, the complaint points to the nearest parent that does.
    pub fn complain(&self, path: &str, message: impl Into<String>, hint: Option<String>) -> InputError {
        InputError { file: self.file.to_owned(), place: self.find(path).map(|span| self.place(&span)), message: message.into(), hint }
    }

    /// The line of the value at a dotted path, from 1.
    pub fn line_of(&self, path: &str) -> Option<usize> {
        self.find(path).map(|span| self.place(&span).line)
    }

    /// A complaint about the key at the end of a dotted path, rather than about its value.
    pub fn complain_of_key(&self, path: &str, message: impl Into<String>, hint: Option<String>) -> InputError {
        let place = self.find_key(path).map(|span| self.place(&span));
        InputError { file: self.file.to_owned(), place, message: message.into(), hint }
    }

    fn find_key(&self, path: &str) -> Option<Range<usize>> {
        use toml::de::{DeTable, DeValue};
        let document = DeTable::parse(self.text).ok()?;
        let (tables, key) = path.rsplit_once('.').map_or((None, path), |(tables, key)| (Some(tables), key));
        let mut table = document.get_ref();
        for part in tables.into_iter().flat_map(|tables| tables.split('.')) {
            let DeValue::Table(next) = table.get(part)?.get_ref() else { return None };
            table = next;
        }
        table.keys().find(|here| here.get_ref() == key).map(toml::Spanned::span)
    }

    fn find(&self, path: &str) -> Option<Range<usize>> {
        use toml::de::{DeTable, DeValue};
        let document = DeTable::parse(self.text).ok()?;
        let mut span = None;
        let mut parts = path.split('.');
        let first = document.get_ref().get(parts.next()?)?;
        span.replace(first.span());
        let mut here = first.get_ref();
        for part in parts {
            let next = match here {
                DeValue::Table(table) => table.get(part),
                DeValue::Array(array) => part.parse::<usize>().ok().and_then(|index| array.get(index)),
                _ => None,
            };
            let Some(next) = next else { break };
            span.replace(next.span());
            here = next.get_ref();
        }
        span
    }

    fn place(&self, span: &Range<usize>) -> Place {
        let start = span.start.min(self.text.len());
        let line_start = self.text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = self.text[line_start..].find('\n').map_or(self.text.len(), |newline| line_start + newline);
        // What is quoted ends up in logs of builds: columns stay, credentials do not.
        let text = starred(self.text[line_start..line_end].trim_end_matches('\r')).into_owned();
        let end = span.end.clamp(start, line_end.max(start));
        Place {
            line: self.text[..start].matches('\n').count() + 1,
            column: self.text[line_start..start].chars().count() + 1,
            width: self.text[start..end].chars().count(),
            text,
        }
    }
}

/// Serde's "invalid type: string "…", expected a map" without the value: the line is quoted beside it, without what it must not show.
fn without_value(message: &str) -> String {
    let quoted = message.split_once(": string \"").and_then(|(before, rest)| Some((before, rest.split_once("\", expected ")?.1)));
    quoted.map_or_else(|| message.to_owned(), |(before, expected)| format!("{before}: a string, expected {expected}"))
}

/// Serde's "unknown field `x`, expected one of `a`, `b`" lists the right names: pick the one that was probably meant.
fn nearest_expected(message: &str) -> Option<String> {
    if !message.starts_with("unknown ") {
        return None;
    }
    let mut quoted = message.split('`').skip(1).step_by(2);
    let wrong = quoted.next()?;
    nearest(wrong, quoted).map(|right| format!("did you mean `{right}`?"))
}

/// The candidate that is nearest to a mistyped word, if any is near enough to be what was meant.
pub fn nearest<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|right| (strsim::jaro_winkler(wrong, right), right))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, right)| right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[serde(rename = "offsets")]
        _offsets: Vec<crate::model::time::Span>,
    }

    #[test]
    fn a_mistyped_key_is_shown_in_its_line_with_the_right_one() {
        let source = Source { file: "x.toml", text: "# first\noffset = [\"1s\"]\n" };
        let error = source.read::<Sample>().expect_err("`offset` is not a key");
        let shown = error.to_string();
        assert!(shown.starts_with("x.toml:2:1: unknown field `offset`"), "{shown}");
        assert!(shown.contains("did you mean `offsets`?"), "{shown}");
        assert!(shown.contains("  2 | offset = [\"1s\"]\n"), "{shown}");
    }

    #[test]
    fn a_wrong_value_is_underlined() {
        let source = Source { file: "x.toml", text: "offsets = [\"1s\", \"soon\"]" };
        let error = source.read::<Sample>().expect_err("`soon` is not a length of time");
        let place = error.place.clone().expect("toml knows the place");
        assert_eq!((place.line, place.column, place.width), (1, 18, 6), "{error}");
    }

    #[test]
    fn a_quoted_line_shows_no_credential() {
        #[derive(Debug, serde::Deserialize)]
        struct Sample {
            #[serde(rename = "headers")]
            _headers: std::collections::BTreeMap<String, String>,
        }
        for text in [
            "headers = \"Authorization: Bearer s3cretpart\"",
            "headers = { Authorization = \"Bearer s3cretpart }",
            "headers = { Authorization = \"Bearer s3cretpart\", a = 1 }",
            "headers = [\"Cookie: sid=s3cretpart\"]",
        ] {
            let error = Source { file: "x.toml", text }.read::<Sample>().expect_err(text).to_string();
            assert!(!error.contains("s3cret") && error.contains("*****"), "{error}");
        }
    }

    #[test]
    fn a_complaint_of_a_key_points_to_the_key() {
        let source = Source { file: "x.toml", text: "scans = 1\n[load]\n  sacns = 0\n" };
        let place = |path| source.complain_of_key(path, "unknown", None).place.map(|place| (place.line, place.column, place.width));
        assert_eq!((place("load.sacns"), place("scans"), place("load.x")), (Some((3, 3, 5)), Some((1, 1, 5)), None));
    }

    #[test]
    fn a_later_complaint_finds_its_value_by_path() {
        let source = Source { file: "x.toml", text: "[load]\nscans = 0\n" };
        let error = source.complain("load.scans", "must be at least 1", None);
        assert_eq!(error.place.map(|place| (place.line, place.column)), Some((2, 9)));
    }
}
