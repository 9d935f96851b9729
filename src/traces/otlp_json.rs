//! OTLP in JSON: what some exporters send, and what the collector's file exporter writes, a request a line.

use serde::Deserialize;
use serde_json::Value;

use crate::model::span::SpanKind;
use crate::model::trace::{SpanId, TraceId};
use crate::traces::ReadError;
use crate::traces::otlp::{FAILED, kind};
use crate::traces::received::{Parts, ReceivedSpan};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Export {
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ResourceSpans {
    resource: Resource,
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Resource {
    attributes: Vec<KeyValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ScopeSpans {
    spans: Vec<JsonSpan>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct JsonSpan {
    trace_id: String,
    span_id: String,
    parent_span_id: String,
    name: String,
    kind: Value,
    start_time_unix_nano: Value,
    end_time_unix_nano: Value,
    attributes: Vec<KeyValue>,
    links: Vec<Link>,
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Link {
    trace_id: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    code: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct KeyValue {
    key: String,
    value: AnyValue,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct AnyValue {
    #[serde(rename = "stringValue")]
    text: Option<String>,
    #[serde(rename = "boolValue")]
    bool: Option<bool>,
    /// A number, or a text of digits, as JSON has no 64 bits.
    #[serde(rename = "intValue")]
    int: Option<Value>,
    #[serde(rename = "doubleValue")]
    double: Option<f64>,
}

/// Reads a request of an exporter, or a line of the collector's. Spans without ids or instants are left out.
pub fn read_json(bytes: &[u8]) -> Result<Vec<ReceivedSpan>, ReadError> {
    let export: Export = serde_json::from_slice(bytes).map_err(|error| ReadError::Json(error.to_string()))?;
    let mut received = Vec::new();
    for of_resource in &export.resource_spans {
        for span in of_resource.scope_spans.iter().flat_map(|scope| &scope.spans) {
            let parts = Parts {
                trace: span.trace_id.parse().ok(),
                span: span.span_id.parse().ok(),
                parent: span.parent_span_id.parse::<SpanId>().ok(),
                links: span.links.iter().filter_map(|link| link.trace_id.parse::<TraceId>().ok()).collect(),
                kind: kind_of(&span.kind),
                name: &span.name,
                start: number(&span.start_time_unix_nano).unwrap_or(0),
                end: number(&span.end_time_unix_nano).unwrap_or(0),
                failed: span.status.code == FAILED || span.status.code == "STATUS_CODE_ERROR",
            };
            let attributes = of_resource.resource.attributes.iter().chain(&span.attributes);
            received.extend(parts.with(attributes.filter_map(|one| Some((one.key.as_str(), text(&one.value)?)))));
        }
    }
    Ok(received)
}

fn number(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => text.parse().ok(),
        value => value.as_u64(),
    }
}

/// By number, as the specification has it, or by name, as some write it.
fn kind_of(value: &Value) -> SpanKind {
    match value.as_str().map(|name| name.trim_start_matches("SPAN_KIND_")) {
        Some("SERVER") => SpanKind::Server,
        Some("CLIENT") => SpanKind::Client,
        Some("PRODUCER") => SpanKind::Producer,
        Some("CONSUMER") => SpanKind::Consumer,
        Some(_) => SpanKind::Internal,
        None => kind(value.as_i64().unwrap_or(0)),
    }
}

fn text(value: &AnyValue) -> Option<String> {
    if let Some(text) = &value.text {
        return Some(text.clone());
    }
    if let Some(int) = &value.int {
        return Some(int.as_str().map_or_else(|| int.to_string(), str::to_owned));
    }
    value.bool.map(|bool| bool.to_string()).or_else(|| value.double.map(|double| double.to_string()))
}
