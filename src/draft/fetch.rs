//! "Copy as fetch": JavaScript's `fetch("…", { … })`, whose options browsers write as JSON.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::DraftError;
use super::marks::unmarked;
use crate::model::call::Call;

#[derive(Deserialize)]
struct Options {
    #[serde(default)]
    headers: Map<String, Value>,
    body: Option<Value>,
    method: Option<String>,
}

/// The requests of all calls of `fetch` in a text.
pub(super) fn calls(text: &str) -> Result<Vec<Call>, DraftError> {
    let text = unmarked(text);
    let mut calls = Vec::new();
    for after in text.split("fetch(").skip(1) {
        calls.push(call(after)?);
    }
    Ok(calls)
}

fn call(after: &str) -> Result<Call, DraftError> {
    let wrong = |why: String| {
        DraftError::new(format!("a call of fetch is not understood: {why}"), "choose \"Copy as cURL\" in the browser's network tab")
    };
    let mut values = serde_json::Deserializer::from_str(after).into_iter::<Value>();
    let Some(Ok(Value::String(url))) = values.next() else { return Err(wrong("its address is no text in double quotes".to_owned())) };
    let rest = after[values.byte_offset()..].trim_start();
    let options = match rest.strip_prefix(',') {
        Some(rest) => {
            let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Options>();
            values.next().transpose().map_err(|error| wrong(error.to_string()))?
        }
        None => None,
    };
    let options = options.unwrap_or(Options { headers: Map::new(), body: None, method: None });
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Ok(Call {
        method: options.method.map_or_else(|| "GET".to_owned(), |method| method.to_ascii_uppercase()),
        url,
        headers: options.headers.iter().map(|(name, value)| (name.clone(), text(value))).collect(),
        body: options.body.filter(|body| !body.is_null()).map(|body| text(&body)),
        answer: None,
    })
}
