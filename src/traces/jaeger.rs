//! Jaeger's JSON: what its page saves, and what `/api/traces` answers.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::model::span::SpanKind;
use crate::model::trace::{SpanId, TraceId};
use crate::traces::ReadError;
use crate::traces::received::{Parts, ReceivedSpan};

#[derive(Debug, Deserialize)]
struct Answer {
    data: Vec<Trace>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Trace {
    spans: Vec<JaegerSpan>,
    processes: BTreeMap<String, Process>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct JaegerSpan {
    #[serde(rename = "traceID")]
    trace_id: String,
    #[serde(rename = "spanID")]
    span_id: String,
    operation_name: String,
    references: Vec<Reference>,
    /// In µs since 1970.
    start_time: u64,
    /// In µs.
    duration: u64,
    tags: Vec<Tag>,
    #[serde(rename = "processID")]
    process_id: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Reference {
    ref_type: String,
    #[serde(rename = "traceID")]
    trace_id: String,
    #[serde(rename = "spanID")]
    span_id: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Tag {
    key: String,
    value: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Process {
    service_name: String,
    tags: Vec<Tag>,
}

/// Reads what Jaeger saved or answered. Spans without ids or instants are left out. Jaeger keeps whole microseconds.
pub fn read_jaeger(bytes: &[u8]) -> Result<Vec<ReceivedSpan>, ReadError> {
    let answer: Answer = serde_json::from_slice(bytes).map_err(|error| ReadError::Json(error.to_string()))?;
    let mut received = Vec::new();
    let nobody = Process::default();
    for trace in &answer.data {
        for span in &trace.spans {
            let process = trace.processes.get(&span.process_id).unwrap_or(&nobody);
            received.extend(read(span, process));
        }
    }
    Ok(received)
}

fn read(span: &JaegerSpan, process: &Process) -> Option<ReceivedSpan> {
    let trace = trace_id(&span.trace_id)?;
    // A parent in the same trace; whatever else a span refers to is a link.
    let parent = span.references.iter().find(|one| one.ref_type == "CHILD_OF" && trace_id(&one.trace_id) == Some(trace));
    let links = span.references.iter().filter_map(|one| trace_id(&one.trace_id)).filter(|other| *other != trace);
    let tag = |key: &str| span.tags.iter().find(|tag| tag.key == key).map(|tag| text(&tag.value));
    let parts = Parts {
        trace: Some(trace),
        span: padded(&span.span_id, 16).parse().ok(),
        parent: parent.and_then(|parent| padded(&parent.span_id, 16).parse::<SpanId>().ok()),
        links: links.collect(),
        kind: match tag("span.kind").as_deref() {
            Some("server") => SpanKind::Server,
            Some("client") => SpanKind::Client,
            Some("producer") => SpanKind::Producer,
            Some("consumer") => SpanKind::Consumer,
            _ => SpanKind::Internal,
        },
        name: &span.operation_name,
        start: span.start_time.saturating_mul(1000),
        end: span.start_time.saturating_add(span.duration).saturating_mul(1000),
        failed: tag("error").as_deref() == Some("true") || tag("otel.status_code").as_deref() == Some("ERROR"),
    };
    let service = std::iter::once(("service.name", process.service_name.clone()));
    let tags = process.tags.iter().chain(&span.tags).map(|tag| (tag.key.as_str(), text(&tag.value)));
    parts.with(service.chain(tags))
}

fn trace_id(text: &str) -> Option<TraceId> {
    padded(text, 32).parse().ok()
}

/// Jaeger leaves out leading zeros.
fn padded(id: &str, digits: usize) -> Cow<'_, str> {
    if id.len() < digits && !id.is_empty() { Cow::Owned(format!("{id:0>digits$}")) } else { Cow::Borrowed(id) }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
