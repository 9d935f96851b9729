//! How far the target's clocks and the run's are apart, bounded by what must have happened in which order.
//!
//! A server's span begins after its request was sent and before the whole answer had arrived. That bounds the difference of the two clocks
//! from both sides, for each exchange; over many exchanges the bounds are narrowed to less than a round trip. The span's end bounds nothing:
//! some frameworks end it only when work in the background has ended. A service behind another is bounded likewise, by the client span of the
//! one that asked it. Nothing bounds a worker from both sides: it is assumed to have the others' clock, unless that would put what it did
//! before the request that asked for it, or after the run.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::exchange::Exchange;
use crate::model::run::Journal;
use crate::model::span::{Span, SpanKind};
use crate::model::time::{Nanos, Stamp};
use crate::model::trace::{SpanId, TraceId};
use crate::traces::explain::median;

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
        ClockBound {
            least_ns: Nanos(server.start.0.saturating_sub(nanos(exchange.done))),
            most_ns: Nanos(server.start.0.saturating_sub(nanos(exchange.sent))),
            spans: 1,
        }
    }

    /// Of a server that was asked by a client with this bound.
    fn behind(self, client: &Span, server: &Span) -> ClockBound {
        ClockBound {
            least_ns: Nanos(server.start.0.saturating_sub(client.end.0).saturating_add(self.least_ns.0)),
            most_ns: Nanos(server.start.0.saturating_sub(client.start.0).saturating_add(self.most_ns.0)),
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
    processes: BTreeSet<Process<'a>>,
    /// What all machines have in common that are known, if their clocks agree: others are assumed to agree with them, too.
    common: Option<ClockBound>,
    /// The processes that cannot have the clock that they would be assumed to have.
    elsewhere: BTreeSet<Process<'a>>,
}

/// A machine, a service, and which of its processes, as far as spans say.
type Process<'a> = (Option<&'a str>, Option<&'a str>, Option<&'a str>);

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
            clocks.narrow(span, exchange.scan.get(), ClockBound::of(exchange, span));
        }
        clocks.bound_services_behind(journal);
        clocks.common = common(clocks.whole.values().copied());
        clocks.find_elsewhere(journal, &exchanges);
        clocks
    }

    fn narrow(&mut self, span: &'a Span, scan: Option<u64>, bound: ClockBound) {
        let narrow = |known: &mut ClockBound| *known = known.and(bound);
        self.whole.entry(span.host()).and_modify(narrow).or_insert(bound);
        if let Some(scan) = scan {
            self.of_scan.entry((span.host(), scan)).and_modify(narrow).or_insert(bound);
        }
        self.processes.insert(process(span));
    }

    /// Bounds the clocks of services that are asked by others, one after the other.
    fn bound_services_behind(&mut self, journal: &'a Journal) {
        let spans = &journal.inside.spans;
        let clients: BTreeMap<(TraceId, SpanId), &Span> =
            spans.iter().filter(|span| span.kind == SpanKind::Client).map(|span| ((span.trace, span.span), span)).collect();
        for _ in 0..SERVICES_IN_A_ROW {
            let mut bounds = Vec::new();
            for span in spans.iter().filter(|span| span.kind == SpanKind::Server && !self.whole.contains_key(&span.host())) {
                let Some(client) = span.parent.and_then(|parent| clients.get(&(span.trace, parent))) else { continue };
                if let Some(known) = self.whole.get(&client.host()).filter(|known| known.is_consistent()) {
                    bounds.push((span, known.behind(client, span)));
                }
            }
            if bounds.is_empty() {
                return;
            }
            for (span, bound) in bounds {
                self.narrow(span, None, bound);
            }
        }
    }

    /// Finds the processes whose clock is another one: it has what they did for a request before the request, or after the run.
    fn find_elsewhere(&mut self, journal: &'a Journal, exchanges: &BTreeMap<TraceId, &Exchange>) {
        let ended = exchanges.values().map(|exchange| nanos(exchange.done)).max().unwrap_or(i64::MAX);
        let mut by_request: BTreeMap<(Process<'a>, TraceId), Order> = BTreeMap::new();
        for span in &journal.inside.spans {
            let asked = std::iter::once(&span.trace).chain(&span.links).filter_map(|trace| Some((*trace, exchanges.get(trace)?)));
            let Some((trace, asked)) = asked.min_by_key(|(_, exchange)| exchange.sent) else { continue };
            let Some(clock) = self.of_span(span, asked.scan.get().unwrap_or(u64::MAX)).filter(|clock| clock.is_assumed) else { continue };
            let (earliest, latest) =
                (span.start.0.saturating_sub(clock.bound.most_ns.0), span.start.0.saturating_sub(clock.bound.least_ns.0));
            let order = by_request.entry((process(span), trace)).or_default();
            order.before_request |= latest < nanos(asked.sent);
            order.during_run |= earliest <= ended;
        }
        let mut counts: BTreeMap<Process<'a>, (u64, u64)> = BTreeMap::new();
        for ((process, _), order) in by_request {
            let (outside, all) = counts.entry(process).or_default();
            (*outside, *all) = (*outside + u64::from(order.is_impossible()), *all + 1);
        }
        self.elsewhere = counts.into_iter().filter(|(_, (outside, all))| outside * SOME > *all).map(|(process, _)| process).collect();
    }

    /// The clock of a span that belongs to a scan; `None` where nothing bounds it, or its bounds contradict each other.
    pub(super) fn of_span(&self, span: &Span, scan: u64) -> Option<SpanClock> {
        let host = span.host();
        if !self.whole.contains_key(&host) {
            // The machine is another one, or does not say which it is.
            let bound = self.common.or_else(|| match self.whole.first_key_value() {
                Some((only, _)) if self.whole.len() == 1 => self.of_scan.get(&(*only, scan)).copied().filter(|bound| bound.is_consistent()),
                _ => None,
            })?;
            return (!self.elsewhere.contains(&process(span))).then_some(SpanClock { bound, is_assumed: true });
        }
        let is_assumed = host.is_none() && !self.processes.contains(&process(span));
        if is_assumed && self.elsewhere.contains(&process(span)) {
            return None;
        }
        let whole = self.whole.get(&host).copied().filter(|bound| bound.is_consistent());
        let bound = whole.or_else(|| self.of_scan.get(&(host, scan)).copied().filter(|bound| bound.is_consistent()))?;
        Some(SpanClock { bound, is_assumed })
    }

    /// Whether a span was timed by a clock that cannot be laid beside the run's.
    pub(super) fn is_elsewhere(&self, span: &Span) -> bool {
        self.elsewhere.contains(&process(span))
            || (!self.whole.is_empty() && !self.whole.contains_key(&span.host()) && self.common.is_none())
    }

    /// The bound of the clock that answered most, if it held all the while.
    pub(super) fn usual(&self) -> Option<ClockBound> {
        self.whole.values().copied().filter(|bound| bound.is_consistent()).max_by_key(|bound| bound.spans)
    }

    /// How much the bounds of single scans leave open, in the middle: what is left of a clock that did not hold all the while.
    pub(super) fn of_single_scans(&self) -> Option<Nanos> {
        let held = self.of_scan.values().filter(|bound| bound.is_consistent());
        let mut widths: Vec<i64> = held.map(|bound| bound.width().0).collect();
        (self.usual().is_none() && !widths.is_empty()).then(|| Nanos(median(&mut widths)))
    }

    /// Whether there is a clock at all.
    pub(super) fn is_empty(&self) -> bool {
        self.whole.is_empty()
    }
}

/// When a process worked for a request, by the clock that it is assumed to have.
#[derive(Debug, Default)]
struct Order {
    before_request: bool,
    during_run: bool,
}

impl Order {
    /// Work that goes on after the run is none that only begins then.
    fn is_impossible(&self) -> bool {
        self.before_request || !self.during_run
    }
}

fn process(span: &Span) -> Process<'_> {
    (span.host(), span.attribute("service.name"), span.either(&["service.instance.id", "process.pid"]))
}

/// The bounds of several clocks that agree, as one.
fn common(bounds: impl Iterator<Item = ClockBound> + Clone) -> Option<ClockBound> {
    let agreed = bounds.clone().reduce(ClockBound::and).filter(|bound| bound.is_consistent())?;
    Some(ClockBound {
        least_ns: bounds.clone().map(|bound| bound.least_ns).min()?,
        most_ns: bounds.map(|bound| bound.most_ns).max()?,
        spans: agreed.spans,
    })
}

fn nanos(stamp: Stamp) -> i64 {
    i64::try_from(stamp.0).unwrap_or(i64::MAX)
}

/// A few may be of a request that was sent again, and some work goes on after the run: so many times those that are out of order have to be
/// more than all.
const SOME: u64 = 4;

/// So many services that ask one another are followed.
const SERVICES_IN_A_ROW: usize = 8;
