//! Durations as people write them: `100ms`, `2s`, `1m30s`.

use std::time::Duration;

/// Half a century is more than any knob needs and far below overflow.
const LONGEST: Duration = Duration::from_secs(1_600_000_000);

/// Reads `1m30s`, `2s`, `1.5s`, `100ms`, `0`.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    humantime::parse_duration(text).ok().filter(|duration| *duration < LONGEST)
}

/// Writes a duration so that [`parse`] reads it back exactly.
pub(crate) fn show(duration: Duration) -> String {
    if duration.is_zero() { "0".to_owned() } else { humantime::format_duration(duration).to_string().replace(' ', "") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_written() {
        for (text, millis) in [("100ms", 100), ("2s", 2000), ("1m30s", 90_000), ("1.5s", 1500), ("0", 0), ("1h", 3_600_000)] {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "5", "s", "1x", "-2s", "1..2s", "1000years"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_shown_is_read_back() {
        for (nanos, text) in [(0, "0"), (1, "1ns"), (1_500_000, "1ms500us"), (90_000_000_000, "1m30s"), (3_661_001_000_007, "1h1m1s1ms7ns")]
        {
            let duration = Duration::from_nanos(nanos);
            assert_eq!((show(duration).as_str(), parse(&show(duration))), (text, Some(duration)));
        }
    }
}
