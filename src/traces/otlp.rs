//! OTLP in protobuf: what exporters send by default.
//!
//! Only the fields that are kept are named; the decoder skips all others. The numbers are those of `opentelemetry-proto` 1.x, which are
//! stable.

use prost::Message;

use crate::model::span::SpanKind;
use crate::model::trace::{SpanId, TraceId};
use crate::traces::ReadError;
use crate::traces::received::{Parts, ReceivedSpan};

#[derive(Clone, PartialEq, Message)]
struct Export {
    #[prost(message, repeated, tag = "1")]
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Clone, PartialEq, Message)]
struct Resource {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeSpans {
    #[prost(message, repeated, tag = "2")]
    spans: Vec<WireSpan>,
}

#[derive(Clone, PartialEq, Message)]
struct WireSpan {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    span_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    parent_span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    name: String,
    #[prost(int32, tag = "6")]
    kind: i32,
    #[prost(fixed64, tag = "7")]
    start: u64,
    #[prost(fixed64, tag = "8")]
    end: u64,
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<KeyValue>,
    #[prost(message, repeated, tag = "13")]
    links: Vec<Link>,
    #[prost(message, optional, tag = "15")]
    status: Option<Status>,
}

#[derive(Clone, PartialEq, Message)]
struct Link {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "3")]
    code: i32,
}

#[derive(Clone, PartialEq, Message)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

/// Lists and maps are no value of an attribute that is kept.
#[derive(Clone, PartialEq, Message)]
struct AnyValue {
    #[prost(oneof = "Value", tags = "1, 2, 3, 4")]
    value: Option<Value>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Value {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(bool, tag = "2")]
    Bool(bool),
    #[prost(int64, tag = "3")]
    Int(i64),
    #[prost(double, tag = "4")]
    Double(f64),
}

/// What a span's status says if it failed.
pub(super) const FAILED: i32 = 2;

/// The kind by its number.
pub(super) fn kind(number: i64) -> SpanKind {
    match number {
        2 => SpanKind::Server,
        3 => SpanKind::Client,
        4 => SpanKind::Producer,
        5 => SpanKind::Consumer,
        _ => SpanKind::Internal,
    }
}

/// Reads a request of an exporter. Spans without ids or instants are left out.
pub fn read_protobuf(bytes: &[u8]) -> Result<Vec<ReceivedSpan>, ReadError> {
    let export = Export::decode(bytes).map_err(|error| ReadError::Protobuf(error.to_string()))?;
    let mut received = Vec::new();
    for of_resource in export.resource_spans {
        let resource = of_resource.resource.unwrap_or_default().attributes;
        for span in of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            let parts = Parts {
                trace: TraceId::of(&span.trace_id),
                span: SpanId::of(&span.span_id),
                parent: SpanId::of(&span.parent_span_id),
                links: span.links.iter().filter_map(|link| TraceId::of(&link.trace_id)).collect(),
                kind: kind(span.kind.into()),
                name: &span.name,
                start: span.start,
                end: span.end,
                failed: span.status.is_some_and(|status| status.code == FAILED),
            };
            received.extend(parts.with(resource.iter().chain(&span.attributes).filter_map(text)));
        }
    }
    Ok(received)
}

fn text(attribute: &KeyValue) -> Option<(&str, String)> {
    let value = match attribute.value.as_ref()?.value.as_ref()? {
        Value::Text(text) => text.clone(),
        Value::Bool(bool) => bool.to_string(),
        Value::Int(int) => int.to_string(),
        Value::Double(double) => double.to_string(),
    };
    Some((&attribute.key, value))
}
