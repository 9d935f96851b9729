//! Jaeger's JSON: what its page saves, and what `/api/traces` answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::model::span::SpanKind;
use crate::traces::attributes::Attributes;
use crate::traces::received::{LINKS, Parts, ReceivedSpan, span_id, trace_id};
use crate::traces::{ReadError, Take};

/// What its page saves and what it answers is one and the same; some tools save the list of traces alone, or one trace.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Document {
    List(Vec<Trace>),
    Answer(Answer),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answer {
    data: Option<Vec<Trace>>,
    #[serde(deserialize_with = "or_none")]
    spans: Vec<JaegerSpan>,
    #[serde(deserialize_with = "or_none")]
    processes: BTreeMap<String, Process>,
}

/// A member that is `null` means the same as none.
fn or_none<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Trace {
    #[serde(deserialize_with = "or_none")]
    spans: Vec<JaegerSpan>,
    #[serde(deserialize_with = "or_none")]
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
    #[serde(deserialize_with = "or_none")]
    references: Vec<Reference>,
    /// In µs since 1970.
    start_time: u64,
    /// In µs.
    duration: u64,
    #[serde(deserialize_with = "or_none")]
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
    #[serde(deserialize_with = "or_none")]
    tags: Vec<Tag>,
}

/// Reads what Jaeger saved or answered. Returns how many spans have no ids or no instants. Jaeger keeps whole microseconds.
pub fn read_jaeger(bytes: &[u8], take: Take<'_>) -> Result<u64, ReadError> {
    let document: Document = serde_json::from_slice(bytes).map_err(|error| ReadError::Json(error.to_string()))?;
    let traces = match document {
        Document::List(traces) | Document::Answer(Answer { data: Some(traces), .. }) => traces,
        Document::Answer(Answer { data: None, spans, processes }) => vec![Trace { spans, processes }],
    };
    let mut unusable = 0;
    let nobody = Process::default();
    for trace in &traces {
        for span in &trace.spans {
            match read(span, trace.processes.get(&span.process_id).unwrap_or(&nobody)) {
                Some(span) => take(span),
                None => unusable += 1,
            }
        }
    }
    Ok(unusable)
}

fn read(span: &JaegerSpan, process: &Process) -> Option<ReceivedSpan> {
    let trace = trace_id(&span.trace_id)?;
    // A parent in the same trace; whatever else a span refers to is a link.
    let parent = span.references.iter().find(|one| one.ref_type == "CHILD_OF" && trace_id(&one.trace_id) == Some(trace));
    let links = span.references.iter().filter_map(|one| trace_id(&one.trace_id)).filter(|other| *other != trace);
    let tag = |key: &str| span.tags.iter().find(|tag| tag.key == key).map(|tag| text(&tag.value));
    let parts = Parts {
        trace: Some(trace),
        span: span_id(&span.span_id),
        parent: parent.and_then(|parent| span_id(&parent.span_id)),
        links: links.take(LINKS).collect(),
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
    let mut attributes = Attributes::default();
    attributes.add("service.name", || Some(process.service_name.clone()).filter(|name| !name.is_empty()));
    for tag in process.tags.iter().chain(&span.tags) {
        attributes.add(&tag.key, || Some(text(&tag.value)));
    }
    parts.with(attributes)
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
