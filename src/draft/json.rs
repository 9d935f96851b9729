//! Walks through JSON.

use serde_json::Value;

/// Calls `each` with every leaf of a JSON value and its pointer (RFC 6901); an empty object or list is a leaf.
pub(super) fn leaves(value: &Value, each: &mut impl FnMut(&str, &Value)) {
    below(value, &mut String::new(), each);
}

fn below(value: &Value, pointer: &mut String, each: &mut impl FnMut(&str, &Value)) {
    let before = pointer.len();
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                pointer.push('/');
                pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
                below(member, pointer, each);
                pointer.truncate(before);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                pointer.push('/');
                pointer.push_str(&index.to_string());
                below(item, pointer, each);
                pointer.truncate(before);
            }
        }
        leaf => each(pointer, leaf),
    }
}

/// A scalar as text; null, lists and objects are none.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// The last step of a pointer, in small letters.
pub(super) fn name(pointer: &str) -> String {
    pointer.rsplit('/').next().unwrap_or_default().replace("~1", "/").replace("~0", "~").to_ascii_lowercase()
}

/// How many steps a pointer has.
pub(super) fn depth(pointer: &str) -> usize {
    pointer.matches('/').count()
}
