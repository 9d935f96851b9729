//! OTLP in protobuf: what exporters send by default.
//!
//! Only the fields that are kept are named; the decoder skips all others. The numbers are those of `opentelemetry-proto` 1.x, which are
//! stable.

use prost::Message;

use crate::model::span::SpanKind;
use crate::model::trace::{SpanId, TraceId};
use crate::traces::attributes::Attributes;
use crate::traces::received::{LINKS, Parts, ReceivedSpan};
use crate::traces::{ReadError, Take};

#[derive(Clone, PartialEq, Message)]
struct Resource {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<KeyValue>,
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

/// Lists and maps are not a value of an attribute that is kept.
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

/// The longest span that is read, in bytes: decoding takes many times as much.
const LONGEST_SPAN: usize = 1024 * 1024;

/// Where the messages stand in those around them.
const RESOURCE_SPANS: u64 = 1;
const RESOURCE: u64 = 1;
const SCOPE_SPANS: u64 = 2;
const SPANS: u64 = 2;

/// Reads a request of an exporter, span by span: a few bytes can stand for a message that takes hundreds. Returns how many spans cannot be
/// used: they have no ids or no instants, or are not of the form.
pub fn read_protobuf(bytes: &[u8], take: Take<'_>) -> Result<u64, ReadError> {
    let mut unusable = 0;
    for of_resource in Fields::of(bytes, RESOURCE_SPANS) {
        let of_resource = of_resource?;
        let mut resource = Attributes::default();
        for one in Fields::of(of_resource, RESOURCE) {
            let one = one?;
            if one.len() <= LONGEST_SPAN {
                let decoded = Resource::decode(one).map_err(|error| ReadError::Protobuf(error.to_string()))?;
                resource = attributes(&decoded.attributes).over(&resource);
            }
        }
        for scope in Fields::of(of_resource, SCOPE_SPANS) {
            for span in Fields::of(scope?, SPANS) {
                match read(span?, &resource) {
                    Some(span) => take(span),
                    None => unusable += 1,
                }
            }
        }
    }
    Ok(unusable)
}

fn read(bytes: &[u8], resource: &Attributes) -> Option<ReceivedSpan> {
    let span = Some(bytes).filter(|bytes| bytes.len() <= LONGEST_SPAN).and_then(|bytes| WireSpan::decode(bytes).ok())?;
    let parts = Parts {
        trace: TraceId::of(&span.trace_id),
        span: SpanId::of(&span.span_id),
        parent: SpanId::of(&span.parent_span_id),
        links: span.links.iter().filter_map(|link| TraceId::of(&link.trace_id)).take(LINKS).collect(),
        kind: kind(span.kind.into()),
        name: &span.name,
        start: span.start,
        end: span.end,
        failed: span.status.is_some_and(|status| status.code == FAILED),
    };
    parts.with(attributes(&span.attributes).over(resource))
}

fn attributes(list: &[KeyValue]) -> Attributes {
    let mut attributes = Attributes::default();
    for one in list {
        attributes.add(&one.key, || text(one));
    }
    attributes
}

fn text(attribute: &KeyValue) -> Option<String> {
    Some(match attribute.value.as_ref()?.value.as_ref()? {
        Value::Text(text) => text.clone(),
        Value::Bool(bool) => bool.to_string(),
        Value::Int(int) => int.to_string(),
        Value::Double(double) => double.to_string(),
    })
}

/// The messages of one field, one after the other; all other fields are skipped. Ends after the first error.
struct Fields<'b> {
    rest: &'b [u8],
    wanted: u64,
}

impl<'b> Fields<'b> {
    fn of(message: &'b [u8], wanted: u64) -> Fields<'b> {
        Fields { rest: message, wanted }
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.rest.split_off_first()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn bytes(&mut self, length: u64) -> Option<&'b [u8]> {
        self.rest.split_off(..usize::try_from(length).ok()?)
    }

    /// The next field: its number, and its bytes where it is a message or text.
    fn field(&mut self) -> Option<(u64, Option<&'b [u8]>)> {
        let key = self.varint()?;
        // The wire types; groups are none that OTLP has.
        let message = match key & 7 {
            0 => self.varint().map(|_| None)?,
            1 => self.bytes(8).map(|_| None)?,
            2 => {
                let length = self.varint()?;
                Some(self.bytes(length)?)
            }
            5 => self.bytes(4).map(|_| None)?,
            _ => return None,
        };
        Some((key >> 3, message))
    }
}

impl<'b> Iterator for Fields<'b> {
    type Item = Result<&'b [u8], ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            match self.field() {
                Some((number, Some(message))) if number == self.wanted => return Some(Ok(message)),
                Some(_) => {}
                None => {
                    self.rest = &[];
                    return Some(Err(ReadError::Protobuf("a field is cut off, or of a kind that OTLP does not have".to_owned())));
                }
            }
        }
        None
    }
}
