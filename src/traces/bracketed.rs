//! The scans that have something to explain, each with its bracket and with the spans of its POST, on one axis.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::scan::{ScanHistory, Visibility};
use crate::model::run::Journal;
use crate::model::span::Span;
use crate::model::time::Stamp;
use crate::model::trace::TraceId;

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
        let mut linked: BTreeMap<TraceId, BTreeSet<TraceId>> = BTreeMap::new();
        for span in &journal.inside.spans {
            linked.entry(span.trace).or_default().extend(&span.links);
        }
        let mut by_trace: BTreeMap<TraceId, Vec<&Span>> = BTreeMap::new();
        for span in &journal.inside.spans {
            by_trace.entry(span.trace).or_default().push(span);
            for link in linked.get(&span.trace).into_iter().flatten().filter(|link| **link != span.trace) {
                by_trace.entry(*link).or_default().push(span);
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
