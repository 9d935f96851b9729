//! How counts, shares, offsets and durations are written, in every sentence alike.
//!
//! What was planned is written without a blank (`100ms`, `2.5s`), what was measured with one (`100.4 ms`).

use std::time::Duration;

use crate::model::time::{Nanos, Span};

/// `a`, `a or b`, `a, b or c`.
pub fn alternatives(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// A measured age or duration: `100.4 ms`, from a second on `1.998 s`.
pub fn age(ms: f64) -> String {
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
pub fn between(from_ms: f64, to_ms: Option<f64>) -> String {
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

/// A planned age: `100ms`, `2s`, `2.5s`. Files may write the last one `2s500ms`, too, which is hard to compare with others.
pub fn planned(at: Nanos) -> String {
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

/// A planned duration, as [`planned`] writes an age.
pub fn planned_span(span: Span) -> String {
    planned(Nanos::from(span.0))
}

/// A share of 0 to 1 in per cent, never rounded up to all or down to none.
pub fn share(share: f64) -> String {
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
pub fn share_at_most(limit: f64) -> String {
    share(outwards(limit, 1.0).min(1.0))
}

/// A lower limit: rounded down.
pub fn share_at_least(limit: f64) -> String {
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
pub fn share_between(from: f64, to: f64) -> String {
    if (to - from).abs() < 1e-12 {
        return share(from);
    }
    let (low, high) = (share_at_least(from), share_at_most(to));
    if low == high { low } else { format!("{}–{high}", low.trim_end_matches(" %")) }
}

/// A count with its thousands apart: `2,995`.
pub fn count(n: u64) -> String {
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

/// `1 scan`, `2 scans`: the only place where a number meets its noun. Of `poll of a scan`, the first word is counted.
pub fn counted(n: u64, what: &str) -> String {
    let (head, tail) = what.split_once(" of ").map_or((what, String::new()), |(head, tail)| (head, format!(" of {tail}")));
    format!("{} {}{tail}", count(n), noun(n, head))
}

/// `scan` or `scans`, for so many.
pub fn noun(n: u64, one: &str) -> String {
    if n == 1 { one.to_owned() } else { plural(one) }
}

fn plural(one: &str) -> String {
    match one.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ if one.ends_with(['s', 'x']) || one.ends_with("ch") => format!("{one}es"),
        _ => format!("{one}s"),
    }
}

/// `1 of 20 polls was`, `3 of 20 polls were`.
pub fn of_were(n: u64, of: u64, what: &str) -> String {
    format!("{} of {} {}", count(n), counted(of, what), if of == 1 { "was" } else { were(n) })
}

/// `was` or `were`, after so many.
pub fn were(n: u64) -> &'static str {
    if n == 1 { "was" } else { "were" }
}

/// `is` or `are`, after so many.
pub fn are(n: u64) -> &'static str {
    if n == 1 { "is" } else { "are" }
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
        ] {
            assert_eq!(written, expected);
        }
    }

    #[test]
    fn one_of_a_thing_is_singular_and_any_other_number_is_plural() {
        for (n, noun, written) in [
            (0, "scan", "0 scans"),
            (1, "scan", "1 scan"),
            (2, "scan", "2 scans"),
            (1, "such denial", "1 such denial"),
            (1_000, "reply", "1,000 replies"),
            (2, "gate", "2 gates"),
            (2, "address", "2 addresses"),
            (2, "day", "2 days"),
            (2, "poll of one scan", "2 polls of one scan"),
            (1, "poll of two scans", "1 poll of two scans"),
        ] {
            assert_eq!(counted(n, noun), written);
        }
        assert_eq!((were(1), were(0), are(1), are(2)), ("was", "were", "is", "are"));
    }

    #[test]
    fn an_offset_has_no_blank_and_a_measured_time_has_one() {
        for (ms, offset, measured) in
            [(2500.0, "2.5s", "2.500 s"), (100.0, "100ms", "100.0 ms"), (1.5, "1.5ms", "1.50 ms"), (61_500.0, "61.5s", "61.500 s")]
        {
            assert_eq!(planned(Nanos((ms * 1e6) as i64)), offset);
            assert_eq!(planned_span(Span(Duration::from_micros((ms * 1e3) as u64))), offset);
            assert_eq!(age(ms), measured);
        }
    }
}
