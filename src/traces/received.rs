//! A span as it came in, whatever format it came in, before anybody decided whether to keep it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::model::span::{Span, SpanKind};
use crate::model::text::{Text, Texts};
use crate::model::time::Nanos;
use crate::model::trace::{SpanId, TraceId};
use crate::traces::attributes::{Attributes, without_values};

/// The longest name or value that is kept, in bytes.
pub(super) const LONGEST: usize = 200;

/// So many links of one span are kept: SDKs send no more by default.
pub(super) const LINKS: usize = 128;

/// One span, with those attributes alone that may be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedSpan {
    pub(super) trace: TraceId,
    pub(super) span: SpanId,
    pub(super) parent: Option<SpanId>,
    /// The traces that it is linked with, of this run or not.
    pub(super) links: Vec<TraceId>,
    pub(super) kind: SpanKind,
    pub(super) name: String,
    /// In ns since 1970, by its own machine's clock.
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) failed: bool,
    pub(super) attributes: BTreeMap<String, String>,
}

impl ReceivedSpan {
    /// About how much memory it takes, in bytes.
    pub(super) fn weight(&self) -> usize {
        let attributes: usize = self.attributes.iter().map(|(name, value)| name.len() + value.len() + 96).sum();
        size_of::<ReceivedSpan>() + self.name.len() + self.links.len() * size_of::<TraceId>() + attributes
    }

    /// The span as the log has it. `started`: the run's wall clock at stamp zero, in ns since 1970; `is_own` says whether a trace is of the run,
    /// `clean` takes secrets out of a text.
    pub(super) fn keep(self, started: u64, texts: &mut Texts, is_own: impl Fn(&TraceId) -> bool, clean: impl Fn(String) -> String) -> Span {
        let since = |at: u64| Nanos(i64::try_from(i128::from(at) - i128::from(started)).unwrap_or(0));
        let mut shared = |text: String| texts.shared(&clean(text));
        Span {
            trace: self.trace,
            span: self.span,
            parent: self.parent,
            links: self.links.into_iter().filter(|link| is_own(link)).collect(),
            kind: self.kind,
            name: shared(self.name),
            start: since(self.start),
            end: since(self.end),
            failed: self.failed,
            attributes: self.attributes.into_iter().map(|(name, value)| (Text::from(name), shared(value))).collect(),
        }
    }
}

/// A span under construction: readers hand over everything, and what may not be kept is left out here.
#[derive(Debug, Default)]
pub(super) struct Parts<'a> {
    pub(super) trace: Option<TraceId>,
    pub(super) span: Option<SpanId>,
    pub(super) parent: Option<SpanId>,
    pub(super) links: Vec<TraceId>,
    pub(super) kind: SpanKind,
    pub(super) name: &'a str,
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) failed: bool,
}

impl Parts<'_> {
    /// The span with its attributes; `None` where it has no ids or no instants.
    pub(super) fn with(self, attributes: Attributes) -> Option<ReceivedSpan> {
        // A span that ends before it begins was timed by a clock that was set meanwhile: it says nothing of when anything happened.
        if self.start == 0 || self.end < self.start {
            return None;
        }
        Some(ReceivedSpan {
            trace: self.trace?,
            span: self.span?,
            parent: self.parent,
            links: self.links,
            kind: self.kind,
            name: without_values(&cut(self.name)),
            start: self.start,
            end: self.end,
            failed: self.failed,
            attributes: attributes.into_map(),
        })
    }
}

/// A trace id as texts have it: hex digits, of which Jaeger leaves out leading zeros, or base64, as protobuf's own JSON and Tempo have it.
pub(super) fn trace_id(text: &str) -> Option<TraceId> {
    padded(text, 32).parse().ok().or_else(|| TraceId::of(&STANDARD.decode(text).ok()?))
}

/// The id of a span, likewise.
pub(super) fn span_id(text: &str) -> Option<SpanId> {
    padded(text, 16).parse().ok().or_else(|| SpanId::of(&STANDARD.decode(text).ok()?))
}

fn padded(id: &str, digits: usize) -> Cow<'_, str> {
    if id.len() < digits && !id.is_empty() { Cow::Owned(format!("{id:0>digits$}")) } else { Cow::Borrowed(id) }
}

/// A text of at most so many bytes, without what controls a terminal.
pub(super) fn cut(text: &str) -> String {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].chars().filter(|c| !c.is_control()).collect()
}
