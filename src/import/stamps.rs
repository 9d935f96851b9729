//! Stamps as other tools write them, each with the step that its digits leave open.

use jiff::Timestamp;

const SECOND: i64 = 1_000_000_000;

/// The last instant (in 2116) that is taken for a stamp: sums and differences of a few stamps and distances fit `i64`.
const FARTHEST: i64 = i64::MAX / 2;

/// The longest distance, a hundred days: no request takes longer.
const LONGEST: i64 = 100 * 86_400 * SECOND;

/// An instant that was written with so many digits and no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Nanoseconds since 1970.
    pub at: i64,
    /// The written step: the true instant lies less than this later.
    pub step: i64,
}

/// Reads a stamp: RFC 3339 (without a zone: UTC, since only distances count), `23/Nov/2026:20:08:55 +0000` as in access logs, or
/// a number since 1970 in seconds, milliseconds, microseconds or nanoseconds, told by its size. None before 1970 or after 2116.
pub fn read(text: &str) -> Option<Written> {
    written(text).filter(|written| (0..=FARTHEST).contains(&written.at))
}

/// Milliseconds as nanoseconds; none if negative, not finite, or longer than any request takes.
pub fn millis(ms: f64) -> Option<i64> {
    (ms.is_finite() && (0.0..=LONGEST as f64 / 1e6).contains(&ms)).then_some((ms * 1e6) as i64)
}

fn written(text: &str) -> Option<Written> {
    let text = text.trim().trim_start_matches('[').trim_end_matches(']');
    if text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return number(text);
    }
    if text.as_bytes().get(2) == Some(&b'/') {
        let parsed = jiff::fmt::strtime::parse("%d/%b/%Y:%H:%M:%S %z", text).ok()?.to_timestamp().ok()?;
        return Some(Written { at: nanos(parsed)?, step: SECOND });
    }
    let at: Timestamp = text.parse().or_else(|_| format!("{text}Z").parse()).ok()?;
    let digits = text.split_once(['.', ',']).map_or(0, |(_, rest)| rest.chars().take_while(char::is_ascii_digit).count());
    Some(Written { at: nanos(at)?, step: step_of(digits) })
}

/// A distance in time as a number with a unit, in nanoseconds, with its step.
pub fn distance(text: &str, unit: i64) -> Option<Written> {
    let value: f64 = text.trim().parse().ok()?;
    let digits = text.split_once('.').map_or(0, |(_, rest)| rest.trim().len());
    let step = (unit as f64 / 10f64.powi(digits.min(12) as i32)).max(1.0) as i64;
    (value.is_finite() && (0.0..=LONGEST as f64).contains(&(value * unit as f64)))
        .then_some(Written { at: (value * unit as f64) as i64, step })
}

fn number(text: &str) -> Option<Written> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: i64 = whole.parse().ok()?;
    let unit = match whole {
        0..100_000_000_000 => SECOND,
        100_000_000_000..100_000_000_000_000 => 1_000_000,
        100_000_000_000_000..100_000_000_000_000_000 => 1_000,
        _ => 1,
    };
    if !fraction.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let (mut at, mut step) = (whole.checked_mul(unit)?, unit);
    for digit in fraction.chars() {
        if step < 10 {
            break;
        }
        step /= 10;
        at = at.checked_add(i64::from(digit.to_digit(10)?) * step)?;
    }
    Some(Written { at, step })
}

fn step_of(digits: usize) -> i64 {
    (0..digits.min(9)).fold(SECOND, |step, _| step / 10)
}

fn nanos(at: Timestamp) -> Option<i64> {
    i64::try_from(at.as_nanosecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_with_the_step_that_its_digits_leave_open() {
        const AT: i64 = 1_763_928_535 * SECOND;
        for (text, past, step) in [
            ("2025-11-23T20:08:55Z", 0, SECOND),
            ("2025-11-23T20:08:55.250Z", 250_000_000, 1_000_000),
            ("2025-11-23T21:08:55.25+01:00", 250_000_000, 10_000_000),
            ("2025-11-23T20:08:55.625742514Z", 625_742_514, 1),
            ("2025-11-23 20:08:55", 0, SECOND),
            ("23/Nov/2025:20:08:55 +0000", 0, SECOND),
            ("[23/Nov/2025:15:08:55 -0500]", 0, SECOND),
            ("1763928535", 0, SECOND),
            ("1763928535.250", 250_000_000, 1_000_000),
            ("1763928535250", 250_000_000, 1_000_000),
            ("1763928535250125", 250_125_000, 1_000),
        ] {
            assert_eq!(read(text), Some(Written { at: AT + past, step }), "{text}");
        }
    }

    #[test]
    fn what_is_no_stamp_is_refused() {
        for text in [
            "",
            "yesterday",
            "23/Nov/2025",
            "1.2.3",
            "2025-13-45T99:99:99Z",
            "-",
            "9999999999999999999999",
            "1677-09-21T00:12:44Z",
            "2200-01-01T00:00:00Z",
            "9223372036854775807",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_distance_has_a_unit_and_a_step() {
        assert_eq!(distance("0.003", SECOND), Some(Written { at: 3_000_000, step: 1_000_000 }));
        assert_eq!(distance("12", 1_000_000), Some(Written { at: 12_000_000, step: 1_000_000 }));
        for text in ["-1", "-", "NaN", "inf", "", "1e12"] {
            assert_eq!(distance(text, SECOND), None, "{text}");
        }
    }
}
