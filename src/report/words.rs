//! How numbers and foreign text are written, in every format alike.
//!
//! What was planned is written without a blank (`100ms`, `2.5s`), what was measured with one (`100.4 ms`).

use std::time::Duration;

use crate::model::time::{Nanos, Span};

/// Makes text from outside safe to print: control characters, which could steer a terminal, and invisible or
/// direction-changing ones, which could make a line read as something else, are replaced; the length is bounded.
pub(super) fn clean(text: &str, most: usize) -> String {
    let mut out: String = text
        .chars()
        .take(most)
        .map(|c| {
            if c.is_whitespace() {
                ' '
            } else if is_unsafe(c) {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect();
    if text.chars().nth(most).is_some() {
        out.push('…');
    }
    out
}

/// A sentence that may quote a server.
pub(super) fn sentence(text: &str) -> String {
    clean(text, 400)
}

/// A name that a server, a log or a file gave.
pub(super) fn name(text: &str) -> String {
    clean(text, 80)
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A measured age or duration: `100.4 ms`, from a second on `1.998 s`.
pub(super) fn age(ms: f64) -> String {
    let (number, unit) = split(ms);
    format!("{number} {unit}")
}

fn split(ms: f64) -> (String, &'static str) {
    // 999.96 would be written 1000.0 ms.
    if ms.abs() < 999.95 {
        // Enough digits for a loopback round trip, no more than a timer holds.
        let number = if ms == 0.0 {
            "0".to_owned()
        } else if ms.abs() < 10.0 {
            format!("{ms:.2}")
        } else {
            format!("{ms:.1}")
        };
        (number, "ms")
    } else {
        (format!("{:.3}", ms / 1e3), "s")
    }
}

/// An interval of ages: `1.998–2.004 s`; one number where both ends are written alike.
pub(super) fn between(from_ms: f64, to_ms: Option<f64>) -> String {
    let Some(to_ms) = to_ms else { return format!("after {}", age(from_ms)) };
    let ((from, from_unit), (to, unit)) = (split(from_ms), split(to_ms));
    if from == to && from_unit == unit {
        format!("{to} {unit}")
    } else if from_unit == unit || from_ms == 0.0 {
        format!("{from}–{to} {unit}")
    } else {
        format!("{from} {from_unit}–{to} {unit}")
    }
}

/// A planned age: `100ms`, `2s`, `2.5s`. Files write the last one `2s500ms`, which is exact, and hard to compare with others.
pub(super) fn planned(at: Nanos) -> String {
    const MILLISECOND: u64 = 1_000_000;
    const SECOND: u64 = 1000 * MILLISECOND;
    let ns = at.0.max(0) as u64;
    let (text, unit) = if ns.is_multiple_of(SECOND) || ns < MILLISECOND {
        return Span(Duration::from_nanos(ns)).to_string();
    } else if ns < SECOND {
        (format!("{:.1}", ns as f64 / MILLISECOND as f64), "ms")
    } else {
        (format!("{:.3}", ns as f64 / SECOND as f64), "s")
    };
    format!("{}{unit}", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A share of 0 to 1 in per cent, never rounded up to all or down to none.
pub(super) fn share(share: f64) -> String {
    let percent = share * 100.0 + 0.0;
    let text = if (10.0..99.95).contains(&percent) {
        format!("{percent:.1}")
    } else if percent >= 99.95 {
        format!("{:.3}", if percent < 100.0 { percent.min(99.999) } else { percent })
    } else if percent >= 0.01 || percent == 0.0 {
        format!("{percent:.2}")
    } else {
        format!("{percent:.1e}")
    };
    let text = if text.contains(['.']) && !text.contains('e') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} %")
}

/// An upper limit: rounded up, since a limit that is rounded down excludes what was not excluded.
pub(super) fn share_at_most(limit: f64) -> String {
    share(outwards(limit, 1.0).min(1.0))
}

/// A lower limit: rounded down.
pub(super) fn share_at_least(limit: f64) -> String {
    share(outwards(limit, -1.0).max(0.0))
}

/// A share moved away from what lies within the limit, by less than one step of the digits that [`share`] shows.
fn outwards(limit: f64, direction: f64) -> f64 {
    let percent = limit * 100.0;
    let step = match percent {
        percent if percent >= 99.95 => 1e-3,
        percent if percent >= 10.0 => 0.1,
        percent if percent >= 0.01 => 0.01,
        // So small that two digits are shown: nothing is claimed by rounding them.
        _ => return limit,
    };
    // What is a whole step but for the last bits of a double stays one.
    let steps = percent / step;
    let steps = match steps {
        whole if (whole - whole.round()).abs() < 1e-6 => whole.round(),
        up if direction > 0.0 => up.ceil(),
        down => down.floor(),
    };
    steps * step / 100.0
}

/// A share that is known only to lie between two.
pub(super) fn share_between(from: f64, to: f64) -> String {
    if (to - from).abs() < 1e-12 {
        return share(from);
    }
    let (low, high) = (share_at_least(from), share_at_most(to));
    if low == high { low } else { format!("{}–{high}", low.trim_end_matches(" %")) }
}

/// A count with its thousands apart: `2,995`.
pub(super) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 scan`, `2 scans`.
pub(super) fn counted(n: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(n), if n == 1 { "" } else { "s" })
}

/// A wall-clock time in RFC 3339 as the time since 1970: the only arithmetic that is done with one.
pub(super) fn since_1970(rfc3339: &str) -> Option<Duration> {
    let at = humantime::parse_rfc3339(rfc3339.trim()).ok()?;
    at.duration_since(std::time::UNIX_EPOCH).ok()
}

/// A quantile's label: `p50`, `p99.9`.
pub(super) fn quantile(p: f64) -> String {
    let text = format!("{:.4}", p * 100.0);
    format!("p{}", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Breaks text into lines of at most `width` columns, between words; a word longer than that keeps a line of its own, since
/// half an address is none.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in unbroken(text) {
        let columns = word.chars().count();
        if used > 0 && used + 1 + columns > width {
            lines.push(String::new());
            used = 0;
        }
        // The vector is never empty: it begins with one line and only grows.
        if let Some(line) = lines.last_mut() {
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            line.push_str(&word);
            used += columns;
        }
    }
    lines
}

/// The words of a text, each number together with its unit.
fn unbroken(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let unit = word.trim_end_matches([',', '.', ';', ':', ')']);
        match words.last_mut().filter(|last| ["s", "ms", "%", "ns"].contains(&unit) && last.ends_with(|c: char| c.is_ascii_digit())) {
            Some(number) => {
                number.push(' ');
                number.push_str(word);
            }
            None => words.push(word.to_owned()),
        }
    }
    words
}

/// The classes that a finding may be, after its sentence: `. It may be E, A or M.`
pub(crate) fn may_be(letters: &[&str]) -> String {
    match letters {
        [] => String::new(),
        [only] => format!(". It may be {only}."),
        [first @ .., last] => format!(". It may be {} or {last}.", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_people_read_them() {
        for (written, expected) in [
            (age(0.0), "0 ms"),
            (age(1.234), "1.23 ms"),
            (age(100.44), "100.4 ms"),
            (age(999.97), "1.000 s"),
            (age(2003.94), "2.004 s"),
            (between(1998.2, Some(2003.9)), "1.998–2.004 s"),
            (between(0.0, Some(100.6)), "0–100.6 ms"),
            (between(998.2, Some(1003.9)), "998.2 ms–1.004 s"),
            (between(12000.0, None), "after 12.000 s"),
            (between(100.61, Some(100.63)), "100.6 ms"),
            (planned(Nanos(0)), "0s"),
            (planned(Nanos(250_000)), "250us"),
            (planned(Nanos(100_000_000)), "100ms"),
            (planned(Nanos(384_678_071)), "384.7ms"),
            (planned(Nanos(2_500_000_000)), "2.5s"),
            (planned(Nanos(90_000_000_000)), "1m30s"),
            (share_at_most(0.010_036), "1.01 %"),
            (share_at_most(0.009_967), "1 %"),
            (share_at_most(0.01), "1 %"),
            (share_at_most(1.0), "100 %"),
            (share_at_least(0.010_099), "1 %"),
            (share_at_least(0.942_9), "94.2 %"),
            (share_between(0.0, 0.069_01), "0–6.91 %"),
            (share_between(1.0 / 3.0, 1.0 / 3.0), "33.3 %"),
            (share(0.0), "0 %"),
            (share(1.0), "100 %"),
            (share(0.99999), "99.999 %"),
            (share(0.9289), "92.9 %"),
            (share(0.00498), "0.5 %"),
            (share_between(0.25, 0.25), "25 %"),
            (share(0.01), "1 %"),
            (share_between(0.0, 1.0), "0–100 %"),
            (count(2995), "2,995"),
            (count(1_000_000), "1,000,000"),
            (quantile(0.999), "p99.9"),
        ] {
            assert_eq!(written, expected);
        }
    }

    #[test]
    fn a_wall_clock_time_is_a_time_since_1970_or_nothing() {
        assert_eq!(since_1970("2026-01-01T00:00:00.25Z"), Some(Duration::from_millis(1_767_225_600_250)));
        assert_eq!(since_1970("yesterday"), None);
    }

    #[test]
    fn text_from_a_server_cannot_steer_the_terminal() {
        let hostile = "ok\u{1b}[2J\u{1b}]0;owned\u{7}\r\nPASS\u{202e}live\u{200b}";
        let cleaned = clean(hostile, 100);
        assert!(!cleaned.chars().any(is_unsafe), "{cleaned:?}");
        assert!(!cleaned.contains('\n'), "{cleaned:?}");
        assert_eq!(clean(&"x".repeat(500), 10), format!("{}…", "x".repeat(10)));
    }

    #[test]
    fn lines_are_broken_between_words_only() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("within 1.998–2.004 s.", 20), ["within", "1.998–2.004 s."], "a number keeps its unit");
        assert_eq!(wrap("http://a.long/address x", 8), ["http://a.long/address", "x"]);
    }
}
