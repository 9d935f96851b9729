//! Quarantine: failures that are known, and put up with for a while: for a stated reason, and until a stated day.

use std::fmt;

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

use crate::model::guarantee::Guarantee;
use crate::model::source::{InputError, Source};
use crate::model::time::Span;

/// One failure that is put up with until a day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Allow {
    /// The scenario that may fail.
    pub scenario: String,
    /// In what it may fail.
    pub failure: Failure,
    /// Only for the target of this name; for all if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Why it is put up with.
    pub reason: String,
    /// The last day on which it is.
    pub expires: Date,
    /// Where it is written: file and line.
    pub place: String,
}

/// What a scenario may fail in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// One guarantee. For read-your-writes that includes the denials at all gate offsets.
    Guarantee(Guarantee),
    /// Denials at these gate offsets, and the broken read-your-writes that goes with them.
    NotFoundAt(Vec<Span>),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Guarantee(guarantee) => f.write_str(guarantee.name()),
            Failure::NotFoundAt(offsets) => {
                let offsets: Vec<String> = offsets.iter().map(ToString::to_string).collect();
                write!(f, "not_found at {}", offsets.join(", "))
            }
        }
    }
}

/// A day of the calendar, in UTC, such as 2026-12-31.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("format" = "date"))]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

/// Why a text is not a day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a date: write it as 2026-12-31")]
pub struct DateError {
    /// The text as it was given.
    pub text: String,
}

impl Date {
    /// The day of an instant such as `2026-11-23T20:08:55Z`, which is how logs write it: in UTC.
    pub fn of_instant(instant: &str) -> Result<Date, DateError> {
        instant.split('T').next().unwrap_or_default().parse()
    }
}

impl std::str::FromStr for Date {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Date, DateError> {
        // The reader of TOML knows the calendar, leap years included.
        let read = text.parse::<toml::value::Datetime>().ok().filter(|read| read.time.is_none());
        let date = read.and_then(|read| read.date).ok_or_else(|| DateError { text: text.to_owned() })?;
        Ok(Date { year: date.year, month: date.month, day: date.day })
    }
}

impl TryFrom<String> for Date {
    type Error = DateError;

    fn try_from(text: String) -> Result<Date, DateError> {
        text.parse()
    }
}

impl From<Date> for String {
    fn from(date: Date) -> String {
        date.to_string()
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// An entry as it stands in a file: `[[allow]]`, in a file of its own or in another.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AllowEntry {
    /// The scenario that may fail.
    #[schemars(required)]
    scenario: Option<String>,
    /// The guarantee that may be broken. This or `not_found`, and never honesty.
    guarantee: Option<Guarantee>,
    /// The gate offsets at which scans may be denied. This or `guarantee`.
    not_found: Option<Vec<Span>>,
    /// Only for the target of this name; for all if not given.
    target: Option<String>,
    /// Why it is put up with.
    #[schemars(required)]
    reason: Option<String>,
    /// The last day on which it is: a date of TOML, such as 2026-12-31.
    #[schemars(required, with = "Date")]
    expires: Option<toml::value::Datetime>,
}

/// A file of failures that are put up with.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AllowFile {
    /// One entry for each failure.
    #[serde(default)]
    allow: Vec<AllowEntry>,
}

impl Allow {
    /// Reads a file that holds nothing but `[[allow]]` entries.
    pub fn read(source: Source<'_>) -> Result<Vec<Allow>, InputError> {
        let file: AllowFile = source.read()?;
        AllowEntry::check_all(file.allow, source)
    }

    /// The form of such a file.
    pub fn file_schema() -> Schema {
        schemars::schema_for!(AllowFile)
    }
}

impl AllowEntry {
    /// Checks the entries of a file whose list of them is called `allow`.
    pub fn check_all(entries: Vec<AllowEntry>, source: Source<'_>) -> Result<Vec<Allow>, InputError> {
        entries.into_iter().enumerate().map(|(index, entry)| entry.check(source, &format!("allow.{index}"))).collect()
    }

    fn check(self, source: Source<'_>, at: &str) -> Result<Allow, InputError> {
        let wrong = |key: &str, message: &str, hint: &str| source.complain(&format!("{at}{key}"), message, Some(hint.to_owned()));
        let filled = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let scenario = filled(self.scenario).ok_or_else(|| {
            wrong(
                "",
                "this entry does not say which scenario may fail",
                "add scenario = \"NAME\": an allowance is for one failure, not for all",
            )
        })?;
        let reason = filled(self.reason)
            .ok_or_else(|| wrong("", "this entry gives no reason", "add reason = \"…\": whoever meets the failure next will ask"))?;
        let expires = self.expires.ok_or_else(|| {
            wrong("", "this entry never expires", "add expires = 2026-12-31: what may fail for ever is no longer checked")
        })?;
        let expires = expires
            .to_string()
            .parse()
            .map_err(|error: DateError| wrong(".expires", &error.to_string(), "give a day without a time of day"))?;
        let failure = match (self.guarantee, self.not_found) {
            (Some(Guarantee::Honesty), None) => {
                return Err(wrong(
                    ".guarantee",
                    "honesty cannot be allowed to fail",
                    "where a never-issued id is visible, nothing can be judged at all",
                ));
            }
            (Some(guarantee), None) => Failure::Guarantee(guarantee),
            (None, Some(offsets)) if !offsets.is_empty() => Failure::NotFoundAt(offsets),
            (Some(_), Some(_)) => {
                return Err(wrong(
                    "",
                    "this entry allows two failures",
                    "write one entry for each: each has its own reason and its own day",
                ));
            }
            (None, _) => {
                return Err(wrong(
                    "",
                    "this entry does not say what may fail",
                    "add not_found = [\"100ms\"], the gate offsets at which it may, or guarantee = \"NAME\"",
                ));
            }
        };
        let place = source.line_of(at).map_or_else(|| source.file.to_owned(), |line| format!("{}:{line}", source.file));
        Ok(Allow { scenario, failure, target: self.target, reason, expires, place })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHT: &str =
        "[[allow]]\nscenario = \"burst\"\nnot_found = [\"100ms\"]\nreason = \"the queue is rebuilt\"\nexpires = 2026-12-31\n";

    fn read(text: &str) -> Result<Vec<Allow>, InputError> {
        Allow::read(Source { file: "allow.toml", text })
    }

    #[test]
    fn an_entry_knows_where_it_stands_and_survives_the_log() {
        let allowed = read(&format!("# known\n\n{RIGHT}")).expect("a right entry");
        assert_eq!((allowed[0].place.as_str(), allowed[0].expires.to_string().as_str()), ("allow.toml:3", "2026-12-31"));
        let line = serde_json::to_string(&allowed).expect("plain data");
        assert_eq!(serde_json::from_str::<Vec<Allow>>(&line).ok(), Some(allowed));
    }

    #[test]
    fn an_entry_that_leaves_something_open_is_refused_with_its_line() {
        for (left_out, told) in [
            ("reason = \"the queue is rebuilt\"\n", "allow.toml:6:1: this entry gives no reason"),
            ("expires = 2026-12-31\n", "allow.toml:6:1: this entry never expires"),
            ("scenario = \"burst\"\n", "which scenario may fail"),
            ("not_found = [\"100ms\"]\n", "what may fail"),
        ] {
            let error = read(&format!("{RIGHT}{}", RIGHT.replace(left_out, ""))).expect_err("something is missing").to_string();
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn what_an_entry_cannot_mean_is_refused() {
        for (from, to, told) in [
            ("2026-12-31", "2026-12-31T10:00:00Z", "allow.toml:5:11: `2026-12-31T10:00:00Z` is not a date"),
            ("2026-12-31", "2026-02-30", "allow.toml:5"),
            ("2026-12-31", "\"soon\"", "allow.toml:5:11"),
            ("reason = \"the queue is rebuilt\"", "reason = \" \"", "gives no reason"),
            ("not_found = [\"100ms\"]", "guarantee = \"honesty\"", "allow.toml:3:13: honesty cannot be allowed"),
            ("not_found = [\"100ms\"]", "guarantee = \"promptnes\"", "did you mean `promptness`?"),
            ("not_found =", "guarantee = \"promptness\"\nnot_found =", "allows two failures"),
        ] {
            let error = read(&RIGHT.replace(from, to)).expect_err(to).to_string();
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn days_are_in_order_and_come_from_a_logs_instant() {
        let day = |text: &str| text.parse::<Date>().unwrap_or_else(|error| panic!("{error}"));
        assert!(day("2026-12-31") < day("2027-01-01") && day("2026-09-30") < day("2026-10-01"));
        assert_eq!(Date::of_instant("2026-11-23T20:08:55.123Z"), Ok(day("2026-11-23")));
        assert!(Date::of_instant("yesterday").is_err());
    }
}
