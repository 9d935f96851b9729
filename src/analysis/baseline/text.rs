//! A baseline as text that reads well in a diff: keys on lines of their own, lists of numbers on one.

use std::fmt::Write as _;

use serde_json::Value;

use crate::analysis::baseline::Baseline;

/// Lists go on with a new line after so many columns.
const WIDTH: usize = 120;

/// The text of a baseline. Ends with a newline.
pub(super) fn text(baseline: &Baseline) -> String {
    // Plain data with finite numbers always has a value.
    let value = serde_json::to_value(baseline).unwrap_or_default();
    let mut out = String::new();
    write(&value, 0, &mut out);
    out.push('\n');
    out
}

fn write(value: &Value, depth: usize, out: &mut String) {
    let indent = |depth: usize| "  ".repeat(depth);
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            out.push_str("{\n");
            for (place, (key, value)) in entries.iter().enumerate() {
                let _ = write!(out, "{}{}: ", indent(depth + 1), Value::from(key.as_str()));
                write(value, depth + 1, out);
                out.push_str(if place + 1 < entries.len() { ",\n" } else { "\n" });
            }
            let _ = write!(out, "{}}}", indent(depth));
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            out.push_str("[\n");
            for (place, item) in items.iter().enumerate() {
                out.push_str(&indent(depth + 1));
                write(item, depth + 1, out);
                out.push_str(if place + 1 < items.len() { ",\n" } else { "\n" });
            }
            let _ = write!(out, "{}]", indent(depth));
        }
        Value::Array(items) if items.iter().any(Value::is_array) || items.len() > 1 => {
            let mut line = format!("[\n{}", indent(depth + 1));
            let mut used = 2 * (depth + 1);
            for (place, item) in items.iter().enumerate() {
                let item = format!("{item}{}", if place + 1 < items.len() { "," } else { "" });
                if used + item.len() + 1 > WIDTH {
                    let _ = write!(line, "\n{}", indent(depth + 1));
                    used = 2 * (depth + 1);
                } else if place > 0 {
                    line.push(' ');
                    used += 1;
                }
                used += item.len();
                line.push_str(&item);
            }
            let _ = write!(out, "{line}\n{}]", indent(depth));
        }
        plain => out.push_str(&plain.to_string()),
    }
}
