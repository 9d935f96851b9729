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
    let mut rest = text.as_str();
    while let Some((_, after)) = rest.split_once(CALL) {
        let line = 1 + text[..text.len() - after.len()].matches('\n').count();
        let (call, taken) = call(after).map_err(|error| error.at(Some(line)))?;
        calls.push(Call { line: Some(line), ..call });
        rest = &after[taken..];
    }
    Ok(calls)
}

/// What a call begins with.
const CALL: &str = "fetch(";

/// The request, and how much of the text it takes.
fn call(after: &str) -> Result<(Call, usize), DraftError> {
    let wrong = |why: String| {
        DraftError::new(format!("a call of fetch is not understood: {why}"), "choose \"Copy as cURL\" in the browser's network tab")
    };
    let mut values = serde_json::Deserializer::from_str(after).into_iter::<Value>();
    let Some(Ok(Value::String(url))) = values.next() else { return Err(wrong("its address is not text in double quotes".to_owned())) };
    let mut rest = after[values.byte_offset()..].trim_start();
    let mut options = None;
    if let Some(given) = rest.strip_prefix(',') {
        let mut values = serde_json::Deserializer::from_str(given).into_iter::<Options>();
        options = values.next().transpose().map_err(|error| wrong(error.to_string()))?;
        rest = &given[values.byte_offset()..];
    }
    let options = options.unwrap_or(Options { headers: Map::new(), body: None, method: None });
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let call = Call {
        method: options.method.map_or_else(|| "GET".to_owned(), |method| method.to_ascii_uppercase()),
        url,
        headers: options.headers.iter().map(|(name, value)| (name.clone(), text(value))).collect(),
        body: options.body.filter(|body| !body.is_null()).map(|body| text(&body)),
        ..Call::default()
    };
    Ok((call, after.len() - rest.len()))
}
