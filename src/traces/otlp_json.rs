//! OTLP in JSON: what some exporters send, and what the collector's file exporter writes, a request a line.
//!
//! Lists are read element by element: a text of a few megabytes can have millions of empty ones, which would take gigabytes at once.

use serde::Deserialize;
use serde::de::{self, Deserializer as _, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::model::span::SpanKind;
use crate::model::trace::TraceId;
use crate::traces::attributes::Attributes;
use crate::traces::otlp::{FAILED, kind};
use crate::traces::received::{LINKS, Parts, ReceivedSpan, span_id, trace_id};
use crate::traces::{ReadError, Take};

// Any member may be `null`, which means the same as its absence.

#[derive(Deserialize)]
struct Export<'a> {
    /// Tempo's answers call them batches.
    #[serde(borrow, rename = "resourceSpans", alias = "batches")]
    resource_spans: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ResourceSpans<'a> {
    #[serde(borrow)]
    resource: Option<Resource<'a>>,
    /// They had another name until 2022.
    #[serde(borrow, rename = "scopeSpans", alias = "instrumentationLibrarySpans")]
    scope_spans: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Resource<'a> {
    #[serde(borrow)]
    attributes: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ScopeSpans<'a> {
    #[serde(borrow)]
    spans: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonSpan<'a> {
    trace_id: Option<String>,
    span_id: Option<String>,
    parent_span_id: Option<String>,
    name: Option<String>,
    kind: Option<Value>,
    start_time_unix_nano: Option<Value>,
    end_time_unix_nano: Option<Value>,
    #[serde(borrow)]
    attributes: Option<&'a RawValue>,
    #[serde(borrow)]
    links: Option<&'a RawValue>,
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Link {
    trace_id: Option<String>,
}

#[derive(Deserialize)]
struct Status {
    code: Option<Value>,
}

#[derive(Deserialize)]
struct KeyValue {
    key: Option<String>,
    value: Option<AnyValue>,
}

#[derive(Deserialize)]
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

/// Reads a request of an exporter, or a line of the collector's. Returns how many spans cannot be used: they have no ids or no instants,
/// or are not of the form.
pub fn read_json(bytes: &[u8], take: Take<'_>) -> Result<u64, ReadError> {
    let export: Export<'_> = serde_json::from_slice(bytes).map_err(|error| ReadError::Json(error.to_string()))?;
    let mut unusable = 0;
    let read = each(export.resource_spans, |of_resource| {
        let of_resource: ResourceSpans<'_> = serde_json::from_str(of_resource.get())?;
        let resource = attributes(of_resource.resource.and_then(|resource| resource.attributes))?;
        each(of_resource.scope_spans, |scope| {
            let scope: ScopeSpans<'_> = serde_json::from_str(scope.get())?;
            each(scope.spans, |span| {
                match read(span, &resource) {
                    Ok(Some(span)) => take(span),
                    Ok(None) | Err(_) => unusable += 1,
                }
                Ok(())
            })
        })
    });
    read.map_err(|error| ReadError::Json(without_place(&error)))?;
    Ok(unusable)
}

/// An error without its place, which would count from the beginning of the part that was read.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

fn read(span: &RawValue, resource: &Attributes) -> Result<Option<ReceivedSpan>, serde_json::Error> {
    let span: JsonSpan<'_> = serde_json::from_str(span.get())?;
    let parts = Parts {
        trace: span.trace_id.as_deref().and_then(trace_id),
        span: span.span_id.as_deref().and_then(span_id),
        parent: span.parent_span_id.as_deref().and_then(span_id),
        links: links(span.links)?,
        kind: kind_of(span.kind.as_ref()),
        name: span.name.as_deref().unwrap_or_default(),
        start: number(span.start_time_unix_nano.as_ref()),
        end: number(span.end_time_unix_nano.as_ref()),
        failed: span.status.and_then(|status| status.code).is_some_and(|code| code == FAILED || code == "STATUS_CODE_ERROR"),
    };
    Ok(parts.with(attributes(span.attributes)?.over(resource)))
}

fn attributes(list: Option<&RawValue>) -> Result<Attributes, serde_json::Error> {
    let mut attributes = Attributes::default();
    each(list, |one| {
        let one: KeyValue = serde_json::from_str(one.get())?;
        if let (Some(key), Some(value)) = (one.key, one.value) {
            attributes.add(&key, || text(&value));
        }
        Ok(())
    })?;
    Ok(attributes)
}

fn links(list: Option<&RawValue>) -> Result<Vec<TraceId>, serde_json::Error> {
    let mut links = Vec::new();
    each(list, |one| {
        let one: Link = serde_json::from_str(one.get())?;
        links.extend(one.trace_id.as_deref().and_then(trace_id).filter(|_| links.len() < LINKS));
        Ok(())
    })?;
    Ok(links)
}

/// Hands over the elements of a list one by one; no list has none.
fn each<'a>(list: Option<&'a RawValue>, take: impl FnMut(&'a RawValue) -> Result<(), serde_json::Error>) -> Result<(), serde_json::Error> {
    match list {
        Some(list) => serde_json::Deserializer::from_str(list.get()).deserialize_seq(Elements(take)),
        None => Ok(()),
    }
}

struct Elements<F>(F);

impl<'a, F: FnMut(&'a RawValue) -> Result<(), serde_json::Error>> Visitor<'a> for Elements<F> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'a>>(mut self, mut list: A) -> Result<(), A::Error> {
        while let Some(element) = list.next_element()? {
            (self.0)(element).map_err(de::Error::custom)?;
        }
        Ok(())
    }
}

fn number(value: Option<&Value>) -> u64 {
    match value {
        Some(Value::String(text)) => text.parse().unwrap_or(0),
        Some(value) => value.as_u64().unwrap_or(0),
        None => 0,
    }
}

/// By number, as the specification has it, or by name, as some write it.
fn kind_of(value: Option<&Value>) -> SpanKind {
    match value.and_then(Value::as_str).map(|name| name.trim_start_matches("SPAN_KIND_")) {
        Some("SERVER") => SpanKind::Server,
        Some("CLIENT") => SpanKind::Client,
        Some("PRODUCER") => SpanKind::Producer,
        Some("CONSUMER") => SpanKind::Consumer,
        Some(_) => SpanKind::Internal,
        None => kind(value.and_then(Value::as_i64).unwrap_or(0)),
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
