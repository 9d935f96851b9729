//! How foreign text and lines are written, in every format alike; numbers are written by `model::wording`.

use std::time::Duration;

use crate::report::sentences;
use crate::verdict::Reason;

pub(super) use crate::model::wording::{
    age, alternatives, are, between, count, counted, of_were, planned, planned_span, share, share_at_least, share_at_most, share_between,
    were,
};

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

/// A reason of the verdict. What first contact quotes is bounded where it is quoted, and the key to change comes last, so it needs more room.
pub(super) fn reason(reason: &Reason) -> String {
    let is_contact = matches!(reason.matter(), Reason::FirstContact { .. } | Reason::LikeNoSuchPath { .. });
    clean(&sentences::reason(reason), if is_contact { LONGEST_ADVICE } else { 400 })
}

/// Advice that may quote a server several times; a longer one comes from no run.
const LONGEST_ADVICE: usize = 2000;

/// Advice of first contact as a sentence: it may be a question.
pub(super) fn advice(change: &str) -> String {
    let change = clean(change, LONGEST_ADVICE);
    if change.ends_with(['.', '?', '…']) { change } else { change + "." }
}

/// A name that a server, a log or a file gave.
pub(super) fn name(text: &str) -> String {
    clean(text, 80)
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A wall-clock time in RFC 3339 as the time since 1970: the only arithmetic that is done with one.
pub(super) fn since_1970(rfc3339: &str) -> Option<Duration> {
    let at = humantime::parse_rfc3339(rfc3339.trim()).ok()?;
    at.duration_since(std::time::UNIX_EPOCH).ok()
}

/// A quantile's label: `p50`, `p99.9`.
pub(crate) fn quantile(p: f64) -> String {
    let text = format!("{:.4}", p * 100.0);
    format!("p{}", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Breaks text into lines of at most `width` columns, between words; a word longer than that keeps a line of its own, since
/// half an address is none.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
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
pub(super) fn unbroken(text: &str) -> Vec<String> {
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

/// With a capital at the beginning.
pub(super) fn sentence_case(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The classes that a finding may be, after its sentence: `. It may be enqueue-to-start gap (E) or lost job (M).`
pub(crate) fn may_be(named: &[String]) -> String {
    if named.is_empty() { String::new() } else { format!(". It may be {}.", alternatives(named)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_labelled_as_people_say_it() {
        assert_eq!(quantile(0.999), "p99.9");
        assert_eq!(quantile(0.5), "p50");
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
