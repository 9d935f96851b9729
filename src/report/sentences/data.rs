//! Findings as they stand in a result beside their sentences.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::report::words;

/// The data behind sentences, with every text made safe to print and every fraction to six digits that count.
pub(crate) fn facts<T: Serialize>(findings: &[T]) -> Vec<Value> {
    // Findings are made of texts, numbers, and maps with text as keys: each has a value.
    findings.iter().map(|finding| clean(serde_json::to_value(finding).unwrap_or_default())).collect()
}

fn clean(value: Value) -> Value {
    match value {
        Value::String(text) => words::sentence(&text).into(),
        Value::Number(number) if number.is_f64() => six_digits(number.as_f64().unwrap_or_default()),
        Value::Array(values) => values.into_iter().map(clean).collect(),
        Value::Object(entries) => entries.into_iter().map(|(key, value)| (key, clean(value))).collect::<Map<_, _>>().into(),
        other => other,
    }
}

fn six_digits(number: f64) -> Value {
    format!("{number:.5e}").parse::<f64>().map_or(Value::Null, Value::from)
}
