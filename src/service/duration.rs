//! Durations as people write them: `100ms`, `2s`, `1m30s`.

use std::fmt::Write as _;
use std::time::Duration;

/// Units in the order in which they may follow one another, with their length in nanoseconds.
const UNITS: [(&str, u64); 6] =
    [("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000), ("ns", 1)];

/// Reads `1m30s`, `2s`, `1.5s`, `100ms`, `0`. Units run from large to small, each at most once.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text;
    let mut total = 0.0;
    let mut allowed = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let unit = UNITS.iter().position(|(name, _)| *name == &rest[..letters])?;
        if unit < allowed {
            return None;
        }
        allowed = unit + 1;
        total += number * UNITS[unit].1 as f64;
        rest = &rest[letters..];
    }
    // Half a century is more than any knob needs and far below overflow.
    (!text.is_empty() && total < 1.6e18).then(|| Duration::from_nanos(total.round() as u64))
}

/// Writes a duration so that [`parse`] reads it back exactly.
pub(crate) fn show(duration: Duration) -> String {
    let mut left = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    if left == 0 {
        return "0".into();
    }
    let mut text = String::new();
    for (name, length) in UNITS {
        if left >= length {
            // Writing to a String cannot fail.
            let _ = write!(text, "{}{name}", left / length);
            left %= length;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_written() {
        for (text, millis) in [("100ms", 100), ("2s", 2000), ("1m30s", 90_000), ("1.5s", 1500), ("0", 0), ("1h", 3_600_000)] {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "5", "s", "1x", "-2s", "30s1m", "2s2s", "1..2s"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_shown_is_read_back() {
        for nanos in [0, 1, 1_500_000, 90_000_000_000, 3_661_001_000_007] {
            let duration = Duration::from_nanos(nanos);
            assert_eq!(parse(&show(duration)), Some(duration));
        }
    }
}
