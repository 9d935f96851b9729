//! The clearest scan with its spans, on the axis of its ages.

use crate::model::span::SpanKind;
use crate::model::time::Nanos;
use crate::traces::bracketed::Bracketed;
use crate::traces::candidates::{Edge, LAST, SpanName, ages, name_in};
use crate::traces::clocks::Clocks;
use crate::traces::explain::Outcome;

/// One scan as seen from inside.
#[derive(Debug, Clone, PartialEq)]
pub struct ScanPicture {
    /// Its number in the run.
    pub scan: u64,
    /// Its bracket, as ages.
    pub after_ns: Nanos,
    /// The upper end.
    pub until_ns: Nanos,
    /// Its spans, by when they began.
    pub spans: Vec<PicturedSpan>,
    /// Spans that are not among them.
    pub left_out: u64,
}

/// One span of it.
#[derive(Debug, Clone, PartialEq)]
pub struct PicturedSpan {
    /// Which.
    pub name: SpanName,
    /// The age at which it began, by the middle of what the clocks leave open.
    pub start_ns: Nanos,
    /// The age at which it ended, likewise.
    pub end_ns: Nanos,
    /// What it stands for.
    pub kind: SpanKind,
    /// Whether it is the one that makes scans visible.
    pub is_named: bool,
}

/// More are not drawn.
const SPANS: usize = 40;

/// The scan with the narrowest bracket among those that have what explains the windows, or any span.
pub(super) fn clearest(scans: &[Bracketed<'_>], clocks: &Clocks<'_>, outcome: &Outcome) -> Option<ScanPicture> {
    let named = match outcome {
        Outcome::Named(named) => Some(&named.span),
        _ => None,
    };
    let pictures = scans.iter().filter_map(|scan| drawn(scan, clocks, named));
    pictures.min_by_key(|picture| {
        let lacks_it = named.is_some() && !picture.spans.iter().any(|span| span.is_named);
        (lacks_it, picture.until_ns.0 - picture.after_ns.0, picture.scan)
    })
}

fn drawn(scan: &Bracketed<'_>, clocks: &Clocks<'_>, named: Option<&SpanName>) -> Option<ScanPicture> {
    // What comes long after it was visible is another matter.
    let end = scan.until.saturating_add(scan.until / 4);
    let mut occurrences: std::collections::BTreeMap<SpanName, u32> = std::collections::BTreeMap::new();
    let mut spans = Vec::new();
    let mut left_out = 0;
    for span in &scan.spans {
        let name = name_in(span, scan);
        let occurrence = occurrences.entry(SpanName { within: None, function: None, place: None, ..name.clone() }).or_default();
        *occurrence += 1;
        let name = SpanName { occurrence: *occurrence, ..name };
        let Some(clock) = clocks.of_span(span, scan.scan) else { continue };
        let middle = |edge| {
            let (least, most) = ages(scan, span, edge, clock);
            least + (most - least) / 2
        };
        let start = middle(Edge::Start);
        if start > end || spans.len() >= SPANS {
            left_out += 1;
            continue;
        }
        let is_named = named.is_some_and(|named| {
            (&named.name, &named.service, named.kind, &named.operation) == (&name.name, &name.service, name.kind, &name.operation)
                && [LAST, name.occurrence].contains(&named.occurrence)
        });
        spans.push(PicturedSpan { name, start_ns: Nanos(start), end_ns: Nanos(middle(Edge::End)), kind: span.kind, is_named });
    }
    if named.is_some_and(|named| named.occurrence == LAST)
        && let Some(last) = spans.iter().rposition(|span: &PicturedSpan| span.is_named)
    {
        for earlier in &mut spans[..last] {
            earlier.is_named = false;
        }
    }
    (!spans.is_empty()).then_some(ScanPicture {
        scan: scan.scan,
        after_ns: Nanos(scan.after),
        until_ns: Nanos(scan.until),
        spans,
        left_out,
    })
}
