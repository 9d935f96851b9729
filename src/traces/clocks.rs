//! How far the target's clocks and the run's are apart, bounded by what must have happened in which order.
//!
//! A server's span begins after its request was sent and before the whole answer had arrived. That bounds the difference of the two clocks
//! from both sides, for each exchange; over many exchanges the bounds are narrowed to less than a round trip. The span's end bounds nothing:
//! some frameworks end it only when work in the background has ended.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::exchange::Exchange;
use crate::model::run::Journal;
use crate::model::span::{Span, SpanKind};
use crate::model::time::Nanos;
use crate::model::trace::{SpanId, TraceId};

/// By how much a clock of the target is ahead of the run's: at least and at most, in ns. The run's wall clock at stamp zero is its zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ClockBound {
    /// At least.
    pub least_ns: Nanos,
    /// At most.
    pub most_ns: Nanos,
    /// The server spans that it rests on.
    pub spans: u64,
}

impl ClockBound {
    fn of(exchange: &Exchange, server: &Span) -> ClockBound {
        let at = |stamp: u64| i64::try_from(stamp).unwrap_or(i64::MAX);
        ClockBound {
            least_ns: Nanos(server.start.0.saturating_sub(at(exchange.done.0))),
            most_ns: Nanos(server.start.0.saturating_sub(at(exchange.sent.0))),
            spans: 1,
        }
    }

    fn and(self, other: ClockBound) -> ClockBound {
        ClockBound {
            least_ns: self.least_ns.max(other.least_ns),
            most_ns: self.most_ns.min(other.most_ns),
            spans: self.spans + other.spans,
        }
    }

    fn is_consistent(self) -> bool {
        self.least_ns <= self.most_ns
    }

    /// How much is open between the two limits.
    pub fn width(self) -> Nanos {
        Nanos(self.most_ns.0.saturating_sub(self.least_ns.0))
    }
}

/// The clocks of a log's spans.
#[derive(Debug, Default)]
pub(super) struct Clocks<'a> {
    /// By machine; `None` for spans that do not say theirs.
    whole: BTreeMap<Option<&'a str>, ClockBound>,
    /// The same for each scan alone: all that is left of a clock that was set, or drifts, while the run went on.
    of_scan: BTreeMap<(Option<&'a str>, u64), ClockBound>,
    /// The processes whose clocks are bounded.
    processes: BTreeSet<(Option<&'a str>, Option<&'a str>)>,
}

/// The clock by which a span was timed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct SpanClock {
    pub(super) bound: ClockBound,
    /// Nothing says that the span's process has the clock that was bounded.
    pub(super) is_assumed: bool,
}

/// The spans that answer an exchange: those that name its own id as their parent, or none where the parent was lost on the way.
pub(super) fn is_answer_to(span: &Span, own: SpanId) -> bool {
    span.parent == Some(own) || (span.parent.is_none() && span.kind == SpanKind::Server)
}

impl<'a> Clocks<'a> {
    /// Bounds every clock from the exchanges of a log and the spans that answer them.
    pub(super) fn of(journal: &'a Journal) -> Clocks<'a> {
        let mut clocks = Clocks::default();
        let Some(run) = journal.run.trace_prefix else { return clocks };
        let mut exchanges: BTreeMap<TraceId, &Exchange> = BTreeMap::new();
        exchanges.extend(journal.exchanges.iter().filter_map(|one| Some((TraceId::joined(run, one.trace?), one))));
        for span in &journal.inside.spans {
            let Some(exchange) = exchanges.get(&span.trace).filter(|one| one.trace.is_some_and(|own| is_answer_to(span, own))) else {
                continue;
            };
            let bound = ClockBound::of(exchange, span);
            let narrow = |known: &mut ClockBound| *known = known.and(bound);
            clocks.whole.entry(span.host()).and_modify(narrow).or_insert(bound);
            if let Some(scan) = exchange.scan.get() {
                clocks.of_scan.entry((span.host(), scan)).and_modify(narrow).or_insert(bound);
            }
            clocks.processes.insert(process(span));
        }
        clocks
    }

    /// The clock of a span that belongs to a scan; `None` where nothing bounds it, or its bounds contradict each other.
    pub(super) fn of_span(&self, span: &Span, scan: u64) -> Option<SpanClock> {
        let host = span.host();
        let (host, is_assumed) = if self.whole.contains_key(&host) {
            (host, !self.processes.contains(&process(span)) && host.is_none())
        } else if let (1, Some((only, _))) = (self.whole.len(), self.whole.first_key_value()) {
            // The machine is another one, or does not say which it is.
            (*only, true)
        } else {
            return None;
        };
        let whole = self.whole.get(&host).copied().filter(|bound| bound.is_consistent());
        let bound = whole.or_else(|| self.of_scan.get(&(host, scan)).copied().filter(|bound| bound.is_consistent()))?;
        Some(SpanClock { bound, is_assumed })
    }

    /// The bound of the clock that answered most, if it held all the while.
    pub(super) fn usual(&self) -> Option<ClockBound> {
        self.whole.values().copied().filter(|bound| bound.is_consistent()).max_by_key(|bound| bound.spans)
    }

    /// Whether there is a clock at all.
    pub(super) fn is_empty(&self) -> bool {
        self.whole.is_empty()
    }
}

fn process(span: &Span) -> (Option<&str>, Option<&str>) {
    (span.attribute("service.name"), span.either(&["service.instance.id", "process.pid"]))
}
