//! Findings as data, beside their sentences: texts in them are as clean and as bounded as in the sentences.

use serde::Serialize;
use serde_json::Value;

use crate::report::result::Rounded;
use crate::report::words;

/// A finding as JSON.
pub(super) fn data(finding: &impl Serialize) -> Value {
    // Findings are made of structs, texts and numbers, which JSON always has a form for.
    cleaned(serde_json::to_value(finding).unwrap_or_default())
}

/// Findings as JSON.
pub(super) fn all<T: Serialize>(findings: &[T]) -> Vec<Value> {
    findings.iter().map(data).collect()
}

fn cleaned(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(words::sentence(&text)),
        Value::Number(number) if number.is_f64() => {
            number.as_f64().and_then(|number| serde_json::to_value(Rounded::significant(number)).ok()).unwrap_or_default()
        }
        Value::Array(all) => all.into_iter().map(cleaned).collect(),
        Value::Object(all) => all.into_iter().map(|(key, value)| (words::sentence(&key), cleaned(value))).collect(),
        other => other,
    }
}
