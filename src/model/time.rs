//! Instants, durations and the bracket in which a scan became visible.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant on the prober's monotonic clock, in nanoseconds since the run began.
///
/// The wall clock appears once, in the run's header; everything else is a `Stamp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Stamp(#[serde(deserialize_with = "stamp_within_reach")] pub u64);

impl Stamp {
    /// The stamp `span` later; saturates rather than wraps.
    #[must_use]
    pub fn after(self, span: Duration) -> Stamp {
        Stamp(self.0.saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// Signed nanoseconds from `origin` to here.
    pub fn since(self, origin: Stamp) -> Nanos {
        let signed = |stamp: Stamp| i64::try_from(stamp.0).unwrap_or(i64::MAX);
        Nanos(signed(self).saturating_sub(signed(origin)))
    }

    /// Time from `earlier` to here, zero if `earlier` is in fact later.
    pub fn elapsed_from(self, earlier: Stamp) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// A signed distance in nanoseconds: the age of a scan, or a poll's lateness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Nanos(#[serde(deserialize_with = "nanos_within_reach")] pub i64);

impl Nanos {
    /// The distance in milliseconds, for the statistics and the reports.
    pub fn as_ms(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// The same distance, never below zero.
    #[must_use]
    pub fn clamped(self) -> Nanos {
        Nanos(self.0.max(0))
    }
}

/// Windows that differ by less than one part in so many are one window: timers of a busy machine are late by as much.
const ONE_WINDOW: i64 = 20;

/// Whether one window explains jobs that were denied up to one age and jobs that were found from another age on.
pub fn is_one_window(denied: Nanos, found: Nanos) -> bool {
    denied.0 <= found.0 + found.0 / ONE_WINDOW
}

/// More than 292 years, which no clock here can tell from 292 years, saturate.
impl From<Duration> for Nanos {
    fn from(span: Duration) -> Self {
        Nanos(i64::try_from(span.as_nanos()).unwrap_or(i64::MAX))
    }
}

/// The farthest that a stamp or a distance in a file may lie from zero, 73 years: sums and differences of a few of them fit `i64`.
const FARTHEST: i64 = i64::MAX / 4;

fn stamp_within_reach<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let stamp = u64::deserialize(deserializer)?;
    if stamp > FARTHEST.unsigned_abs() { Err(serde::de::Error::custom("a stamp of more than 73 years")) } else { Ok(stamp) }
}

fn nanos_within_reach<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let nanos = i64::deserialize(deserializer)?;
    let reach = -FARTHEST..=FARTHEST;
    if reach.contains(&nanos) { Ok(nanos) } else { Err(serde::de::Error::custom("a distance of more than 73 years")) }
}

/// For one scan, the interval `(after, until]` in which its status became visible, as ages from t = 0.
///
/// `after` is the sending time of the last `not_found` that was sent once the id was known, `until` the receiving time of
/// the first visible answer after it; `until = None` is right-censored: not visible while anybody looked. Half-open on
/// purpose: a `not_found` proves the window was still open when the poll was sent, a visible answer that it was closed when
/// the answer had arrived. Round trip and timer error are inside the bracket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Bracket {
    /// Lower end, exclusive; zero when the first evidence was already "visible".
    pub after: Nanos,
    /// Upper end, inclusive; `None` when the scan was never seen.
    pub until: Option<Nanos>,
}

impl Bracket {
    /// Whether an instant, given as an age, lies in `(after, until]`.
    pub fn contains(&self, age: Nanos) -> bool {
        self.after < age && self.until.is_none_or(|until| age <= until)
    }
}

/// A length of time as people write it in files and flags: `100ms`, `2s`, `1m30s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(pub Duration);

impl Span {
    /// A span of whole milliseconds.
    pub const fn millis(ms: u64) -> Span {
        Span(Duration::from_millis(ms))
    }

    /// The span in milliseconds.
    pub fn as_ms(self) -> f64 {
        self.0.as_secs_f64() * 1e3
    }

    /// The span in nanoseconds.
    pub fn as_nanos(self) -> Nanos {
        Nanos::from(self.0)
    }
}

/// Why a text is not a length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a length of time: write a number with a unit, such as 100ms, 2s or 1m30s")]
pub struct SpanError {
    /// The text as it was given.
    pub text: String,
}

impl std::str::FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let trimmed = text.trim();
        // "0" alone is unambiguous, and the natural way to ask for no delay.
        if trimmed == "0" {
            return Ok(Span::default());
        }
        humantime::parse_duration(trimmed).map(Span).map_err(|_| SpanError { text: text.to_owned() })
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_zero() {
            return f.write_str("0s");
        }
        // humantime separates the parts with blanks; our files and flags do not.
        f.write_str(&humantime::format_duration(self.0).to_string().replace(' ', ""))
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A length of time: a number with a unit, such as 100ms, 2s or 1m30s. 0 alone needs none.",
            "type": "string",
            "pattern": r"^\s*(0|(\d+(\.\d+)?\s*[a-zµ]+\s*)+)\s*$",
            "examples": ["100ms", "2s", "1m30s"],
        })
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Span;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a length of time in quotes, such as \"100ms\", \"2s\" or \"1m30s\"")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Span, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_written_as_people_write_them() {
        for (text, ms) in [("100ms", 100.0), ("2s", 2000.0), ("1m30s", 90_000.0), ("250us", 0.25), ("0", 0.0), ("0s", 0.0)] {
            let span: Span = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert!((span.as_ms() - ms).abs() < 1e-9, "{text}");
            assert_eq!(span.to_string().parse::<Span>().as_ref(), Ok(&span), "{text} does not survive a round trip");
        }
    }

    #[test]
    fn a_bare_number_is_refused_with_a_way_out() {
        let error = "100".parse::<Span>().expect_err("100 has no unit");
        assert!(error.to_string().contains("100ms"), "{error}");
    }

    #[test]
    fn stamps_and_distances_that_would_overflow_are_refused() {
        for (text, right) in [("1", true), ("2305843009213693951", true), ("2305843009213693952", false), ("9223372036854775807", false)] {
            assert_eq!(serde_json::from_str::<Stamp>(text).is_ok(), right, "{text}");
            assert_eq!(serde_json::from_str::<Nanos>(text).is_ok(), right, "{text}");
            assert_eq!(serde_json::from_str::<Nanos>(&format!("-{text}")).is_ok(), right, "-{text}");
        }
    }

    #[test]
    fn distances_too_long_for_their_digits_are_the_longest_there_are() {
        let years = |years: u64| Duration::from_secs(years * 365 * 86_400);
        assert_eq!(Nanos::from(years(292)).0, 292 * 365 * 86_400 * 1_000_000_000);
        for span in [years(300), years(600), Duration::MAX] {
            assert_eq!(Nanos::from(span), Nanos(i64::MAX), "{span:?}");
        }
        assert_eq!(Stamp(7).after(years(600)), Stamp(u64::MAX));
        assert_eq!(Stamp(u64::MAX).after(years(1)), Stamp(u64::MAX));
        assert_eq!(Stamp(7).after(years(300)).since(Stamp(7)), Nanos(i64::MAX - 7), "later, however far");
    }

    #[test]
    fn a_bracket_is_open_below_and_closed_above() {
        let bracket = Bracket { after: Nanos(10), until: Some(Nanos(20)) };
        let inside: Vec<bool> = [9, 10, 11, 20, 21].map(|age| bracket.contains(Nanos(age))).to_vec();
        assert_eq!(inside, [false, false, true, true, false]);
        assert!(Bracket { after: Nanos(10), until: None }.contains(Nanos(i64::MAX)), "a censored bracket has no upper end");
    }
}
