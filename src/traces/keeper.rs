//! Decides which spans are kept: those of the run's own traces, and those of traces that are linked with them. Bounded whatever comes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::model::span::{Span, SpanIntake};
use crate::model::text::Texts;
use crate::model::trace::{SpanId, TraceId};
use crate::traces::ReceivedSpan;
use crate::traces::candidates::DEEPEST;

/// What is kept at most.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Spans of the run.
    pub spans: usize,
    /// Memory that they take, in bytes.
    pub bytes: usize,
    /// Spans of one trace: a job that goes on for hours must not leave no room for the others.
    pub of_one_trace: usize,
    /// Spans of other traces that wait for a link: children arrive before their parents.
    pub waiting: usize,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { spans: 50_000, bytes: 32 * 1024 * 1024, of_one_trace: 500, waiting: 5_000 }
    }
}

/// The largest share of the memory that spans of other traces may take while they wait.
const WAITING_BYTES: usize = 4 * 1024 * 1024;

/// Linked traces that are remembered at most.
const LINKED: usize = 20_000;

/// Spans as they come in.
#[derive(Debug)]
pub struct Keeper {
    run: SpanId,
    bounds: Bounds,
    kept: BTreeMap<(TraceId, SpanId), ReceivedSpan>,
    bytes: usize,
    of_trace: BTreeMap<TraceId, usize>,
    /// Traces that are not the run's, but in which spans are linked with those that are: by how many links.
    linked: BTreeMap<TraceId, usize>,
    waiting: VecDeque<ReceivedSpan>,
    waiting_bytes: usize,
    intake: SpanIntake,
}

impl Keeper {
    /// Keeps the spans of the run whose trace ids begin so.
    pub fn of_run(run: SpanId, bounds: Bounds) -> Keeper {
        Keeper {
            run,
            bounds,
            kept: BTreeMap::new(),
            bytes: 0,
            of_trace: BTreeMap::new(),
            linked: BTreeMap::new(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            intake: SpanIntake::default(),
        }
    }

    /// Takes a span in, in whatever order they come.
    pub fn take_in(&mut self, span: ReceivedSpan) {
        self.intake.read += 1;
        self.offer(span);
    }

    /// Notes requests, lines or spans that could not be read.
    pub fn unreadable(&mut self, pieces: u64) {
        self.intake.unreadable += pieces;
    }

    /// Spans that are kept at the moment.
    pub fn count(&self) -> usize {
        self.kept.len()
    }

    fn offer(&mut self, span: ReceivedSpan) {
        let own_links = span.links.iter().filter(|link| self.is_own(link)).count();
        if self.is_own(&span.trace) {
            self.keep(span);
        } else if let Some(links) = self.linked.get_mut(&span.trace) {
            *links += own_links;
            self.keep(span);
        } else if own_links > 0 {
            self.adopt(span, own_links);
        } else {
            self.wait(span);
        }
    }

    fn is_own(&self, trace: &TraceId) -> bool {
        trace.of_run(self.run).is_some()
    }

    /// A span of another trace that is linked with the run: the trace counts from now on, and what came of it before.
    fn adopt(&mut self, span: ReceivedSpan, own_links: usize) {
        if self.linked.len() >= LINKED {
            self.intake.dropped += 1;
            return;
        }
        let trace = span.trace;
        self.linked.insert(trace, own_links);
        self.keep(span);
        let (mine, others): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waiting).into_iter().partition(|waiting| waiting.trace == trace);
        self.waiting = others.into();
        for span in mine {
            self.waiting_bytes = self.waiting_bytes.saturating_sub(span.weight());
            self.keep(span);
        }
    }

    fn keep(&mut self, span: ReceivedSpan) {
        let key = (span.trace, span.span);
        if self.kept.contains_key(&key) {
            self.intake.doubled += 1;
            return;
        }
        let weight = span.weight();
        // One trace may have the work for many jobs.
        let most = self.bounds.of_one_trace * self.linked.get(&span.trace).map_or(1, |links| (*links).max(1));
        let of_trace = self.of_trace.entry(span.trace).or_default();
        if self.kept.len() >= self.bounds.spans || self.bytes + weight > self.bounds.bytes || *of_trace >= most {
            self.intake.dropped += 1;
            return;
        }
        *of_trace += 1;
        self.bytes += weight;
        self.kept.insert(key, span);
    }

    /// Holds a span of another trace for a while, since the one that links it may come later.
    fn wait(&mut self, span: ReceivedSpan) {
        self.waiting_bytes += span.weight();
        self.waiting.push_back(span);
        while self.waiting.len() > self.bounds.waiting || self.waiting_bytes > WAITING_BYTES {
            let Some(gone) = self.waiting.pop_front() else { break };
            self.waiting_bytes = self.waiting_bytes.saturating_sub(gone.weight());
            self.intake.foreign += 1;
        }
    }

    /// The spans of linked traces that are of somebody else's work: a worker with one trace for all its messages has more than the run's.
    fn of_others(&self) -> BTreeSet<(TraceId, SpanId)> {
        let around = |key: &(TraceId, SpanId)| {
            let outer = |inner: &&ReceivedSpan| self.kept.get(&(inner.trace, inner.parent?));
            std::iter::successors(self.kept.get(key), outer).take(DEEPEST)
        };
        let is_others = |key: &(TraceId, SpanId)| {
            let linking = around(key).find(|span| !span.links.is_empty());
            linking.is_some_and(|span| !span.links.iter().any(|link| self.is_own(link)))
        };
        self.kept.keys().filter(|key| self.linked.contains_key(&key.0) && is_others(key)).copied().collect()
    }

    /// What was kept, by when it began, and what became of the rest. `started`: the run's wall clock at stamp zero, in ns since 1970;
    /// `clean` takes secrets out of a text. Spans that come later are taken in for the next call: the next round of a watch.
    pub fn hand_over(&mut self, started: u64, clean: impl Fn(String) -> String) -> (Vec<Span>, SpanIntake) {
        let mut intake = std::mem::take(&mut self.intake);
        intake.foreign += self.waiting.len() as u64;
        self.waiting.clear();
        self.waiting_bytes = 0;
        self.bytes = 0;
        self.of_trace.clear();
        let run = self.run;
        let mut texts = Texts::default();
        let others = self.of_others();
        let mut kept = std::mem::take(&mut self.kept);
        kept.retain(|key, _| !others.contains(key));
        intake.foreign += others.len() as u64;
        let mut spans: Vec<Span> =
            kept.into_values().map(|span| span.keep(started, &mut texts, |trace| trace.of_run(run).is_some(), &clean)).collect();
        spans.sort_by_key(|span| (span.start, span.end, span.trace, span.span));
        (spans, intake)
    }
}
