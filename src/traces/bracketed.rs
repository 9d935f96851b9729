//! The scans that have something to explain, each with its bracket and with the spans of its POST, on one axis.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::scan::{ScanHistory, Visibility};
use crate::model::run::Journal;
use crate::model::span::Span;
use crate::model::time::Stamp;
use crate::model::trace::{SpanId, TraceId};
use crate::traces::candidates::DEEPEST;

/// A scan that was denied at first and visible later.
#[derive(Debug, Clone)]
pub(super) struct Bracketed<'a> {
    pub(super) scan: u64,
    /// From when its ages count.
    pub(super) from: Stamp,
    /// Its bracket, as ages in ns.
    pub(super) after: i64,
    pub(super) until: i64,
    /// The spans of its POST's trace and of the traces that are linked with it, by when they began.
    pub(super) spans: Vec<&'a Span>,
}

/// The spans of a log by the traces of the run that they belong to.
#[derive(Debug, Default)]
pub(super) struct ByTrace<'a>(BTreeMap<TraceId, Vec<&'a Span>>);

impl<'a> ByTrace<'a> {
    pub(super) fn of(journal: &'a Journal) -> ByTrace<'a> {
        let mut of_trace: BTreeMap<TraceId, Vec<&Span>> = BTreeMap::new();
        for span in &journal.inside.spans {
            of_trace.entry(span.trace).or_default().push(span);
        }
        let mut by_trace = of_trace.clone();
        for (trace, spans) in of_trace.iter().filter(|(_, spans)| spans.iter().any(|span| !span.links.is_empty())) {
            for (link, span) in linked(spans).filter(|(link, _)| link != trace) {
                by_trace.entry(link).or_default().push(span);
            }
        }
        for spans in by_trace.values_mut() {
            spans.sort_by_key(|span| (span.start, span.end, span.span));
        }
        ByTrace(by_trace)
    }

    /// The spans of a trace.
    pub(super) fn get(&self, trace: TraceId) -> &[&'a Span] {
        self.0.get(&trace).map_or(&[], Vec::as_slice)
    }
}

/// Which traces the spans of another one belong to by its links. A worker may have one trace for all its messages, or one for a batch of them:
/// a span belongs to what it is linked with itself, or else the nearest span around it; where none is, to all that the trace is linked with.
fn linked<'s, 'a>(spans: &'s [&'a Span]) -> impl Iterator<Item = (TraceId, &'a Span)> + use<'s, 'a> {
    let by_id: BTreeMap<SpanId, &Span> = spans.iter().map(|span| (span.span, *span)).collect();
    let all: BTreeSet<TraceId> = spans.iter().flat_map(|span| span.links.iter().copied()).collect();
    spans.iter().flat_map(move |span| {
        let around = std::iter::successors(Some(*span), |inner| by_id.get(&inner.parent?).copied()).take(DEEPEST);
        let nearest = around.into_iter().find(|span| !span.links.is_empty());
        let links = nearest.map_or_else(|| all.clone(), |span| span.links.iter().copied().collect());
        links.into_iter().map(|link| (link, *span))
    })
}

/// The scans with a window, in the order of their numbers.
pub(super) fn bracketed<'a>(journal: &'a Journal, histories: &[ScanHistory<'_>], by_trace: &ByTrace<'a>) -> Vec<Bracketed<'a>> {
    let one = |scan: &ScanHistory<'_>| {
        let Visibility::Seen(bracket) = scan.visibility() else { return None };
        scan.denials().next()?;
        let spans = journal.trace_of(scan.initiate).map(|trace| by_trace.get(trace).to_vec()).unwrap_or_default();
        Some(Bracketed { scan: scan.number(), from: scan.known_from()?, after: bracket.after.0, until: bracket.until?.0, spans })
    };
    histories.iter().filter_map(one).collect()
}
