//! Spans: what a service that is instrumented says it did, as far as it is kept.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::text::Text;
use crate::model::time::Nanos;
use crate::model::trace::{SpanId, TraceId};

/// What a span stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SpanKind {
    /// Something within a process.
    #[default]
    Internal,
    /// A request that was answered.
    Server,
    /// A request that was sent, also to a database.
    Client,
    /// A message that was sent.
    Producer,
    /// A message that was worked on.
    Consumer,
}

impl SpanKind {
    /// The word used in tables.
    pub fn word(self) -> &'static str {
        match self {
            SpanKind::Internal => "internal",
            SpanKind::Server => "server",
            SpanKind::Client => "client",
            SpanKind::Producer => "producer",
            SpanKind::Consumer => "consumer",
        }
    }
}

/// One span. Its instants are by the clock of the machine that made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Span {
    /// Its trace: of an exchange, or of work that is linked with one.
    pub trace: TraceId,
    /// Its own id.
    pub span: SpanId,
    /// The span that it is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<SpanId>,
    /// The traces of this run that it is linked with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<TraceId>,
    /// What it stands for.
    #[serde(default, skip_serializing_if = "is_internal")]
    pub kind: SpanKind,
    /// Its name.
    pub name: Text,
    /// When it began, since the run's wall clock at stamp zero, by its own machine's clock.
    pub start: Nanos,
    /// When it ended, likewise.
    pub end: Nanos,
    /// Whether it says that it failed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub failed: bool,
    /// Attributes of the span and of its process, those of a fixed list alone, without secrets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<Text, Text>,
}

impl Span {
    /// An attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(Text::as_str)
    }

    /// The first of several attributes that is there: conventions have changed names over the years.
    pub fn either(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.attribute(name))
    }

    /// Which of several processes of a service made it, as far as it says.
    pub fn instance(&self) -> Option<String> {
        if let Some(id) = self.attribute("service.instance.id") {
            return Some(id.to_owned());
        }
        let pid = self.attribute("process.pid")?;
        Some(self.host().map_or_else(|| format!("process {pid}"), |host| format!("process {pid} on {host}")))
    }

    /// The machine by whose clock it was timed, as far as it says.
    pub fn host(&self) -> Option<&str> {
        self.either(&["host.id", "host.name", "k8s.pod.name", "container.id"])
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out a reference")]
fn is_internal(kind: &SpanKind) -> bool {
    *kind == SpanKind::Internal
}

/// What became of the spans that came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct SpanIntake {
    /// Spans that were read, of whatever run.
    pub read: u64,
    /// Those of them that came twice.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub doubled: u64,
    /// Those that are of no exchange of this run, nor linked with one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub foreign: u64,
    /// Those of this run that were dropped, because there were too many of them or of one trace.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dropped: u64,
    /// Requests or lines that could not be read.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unreadable: u64,
}

impl SpanIntake {
    /// These and others.
    #[must_use]
    pub fn and(self, other: SpanIntake) -> SpanIntake {
        SpanIntake {
            read: self.read + other.read,
            doubled: self.doubled + other.doubled,
            foreign: self.foreign + other.foreign,
            dropped: self.dropped + other.dropped,
            unreadable: self.unreadable + other.unreadable,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// What a log has of the inside of its target.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inside {
    /// The spans, by when they began.
    pub spans: Vec<Span>,
    /// What came in; `None` where nobody listened for spans.
    pub intake: Option<SpanIntake>,
}
