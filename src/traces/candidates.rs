//! Which beginnings and ends of spans may go with scans becoming visible: one candidate for each name, edge and occurrence.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::span::{Span, SpanKind};
use crate::model::trace::SpanId;
use crate::traces::bracketed::Bracketed;
use crate::traces::clocks::{Clocks, SpanClock};
use crate::traces::explain::{median, most_frequent};

/// Which part of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Edge {
    /// When it ended.
    End,
    /// Somewhere in it: a request to a database takes effect before its answer is back.
    During,
    /// When it began.
    Start,
}

/// What spans of different scans have in common that stand for the same piece of code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct SpanName {
    /// The service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Its name, with what looks like an id as `*`.
    pub name: String,
    /// The name of the span around it.
    #[serde(rename = "in", skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
    /// What it stands for.
    pub kind: SpanKind,
    /// The database or queue that it talked to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// What it did there, or to which queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The function, where the span or one around it says which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// File and line, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Which of several spans of this name in one trace, from 1; 0: the last of them, where some traces have more than others.
    pub occurrence: u32,
}

/// One end of the spans of one name.
#[derive(Debug)]
pub(super) struct Candidate<'a> {
    pub(super) name: SpanName,
    pub(super) edge: Edge,
    /// How many spans are around it, at most.
    pub(super) depth: u32,
    /// Whether it only read.
    pub(super) only_reads: bool,
    /// For each scan the earliest and latest age at which it can have been, in ns; `None` where the scan has no such span.
    pub(super) ages: Vec<Option<(i64, i64)>>,
    /// The spans themselves, scan by scan.
    pub(super) spans: Vec<Option<&'a Span>>,
    /// What is around it, and where in the code it is: not the same in all scans, since outer spans may not have ended yet.
    surroundings: Vec<Surroundings>,
    /// Whether some were timed by a clock that is only assumed to be the one that was bounded.
    pub(super) is_assumed: bool,
}

/// What is known of where a span belongs.
type Surroundings = (Option<String>, Option<String>, Option<String>);

/// So many spans of one name in one trace are told apart.
const OCCURRENCES: u32 = 8;

/// The last span of its name: what is tried again until it succeeds, or done once for each of some pieces.
pub(super) const LAST: u32 = 0;

/// So many candidates are looked at, those that most scans have: more are not pieces of code, but names with something in them that differs
/// from scan to scan.
const MOST: usize = 120;

/// Spans that are longer than so many brackets say too little of when something took effect in them.
const LONGEST: i64 = 2;

/// A span of one scan with its name and number.
struct Numbered<'a> {
    name: SpanName,
    depth: u32,
    surroundings: Surroundings,
    span: &'a Span,
    clock: SpanClock,
    is_last: bool,
}

/// The spans of a scan whose clock is known.
fn numbered<'a>(scan: &Bracketed<'a>, clocks: &Clocks<'_>) -> Vec<Numbered<'a>> {
    let around: BTreeMap<SpanId, &Span> = scan.spans.iter().map(|span| (span.span, *span)).collect();
    let mut counts: BTreeMap<SpanName, (u32, usize)> = BTreeMap::new();
    let mut all: Vec<Numbered<'a>> = Vec::new();
    for span in &scan.spans {
        let Some(clock) = clocks.of_span(span, scan.scan) else { continue };
        let (name, depth, surroundings) = named(span, &around);
        let (count, last) = counts.entry(name.clone()).or_default();
        (*count, *last) = (*count + 1, all.len());
        all.push(Numbered { name: SpanName { occurrence: *count, ..name }, depth, surroundings, span, clock, is_last: false });
    }
    for (_, last) in counts.values() {
        all[*last].is_last = true;
    }
    all
}

/// The names of which some scans have more spans than others.
fn varying<'n>(scans: impl Iterator<Item = &'n Numbered<'n>>) -> BTreeSet<SpanName> {
    let mut counts: BTreeMap<SpanName, BTreeSet<u32>> = BTreeMap::new();
    for last in scans.filter(|one| one.is_last) {
        counts.entry(SpanName { occurrence: LAST, ..last.name.clone() }).or_default().insert(last.name.occurrence);
    }
    counts.into_iter().filter(|(_, counts)| counts.len() > 1).map(|(name, _)| name).collect()
}

/// The candidates of all scans.
pub(super) fn candidates<'a>(scans: &[Bracketed<'a>], clocks: &Clocks<'_>) -> Vec<Candidate<'a>> {
    let mut found: BTreeMap<(SpanName, Edge), Candidate<'a>> = BTreeMap::new();
    let width = median(&mut scans.iter().map(|scan| scan.until - scan.after).collect::<Vec<i64>>());
    let all: Vec<Vec<Numbered<'a>>> = scans.iter().map(|scan| numbered(scan, clocks)).collect();
    let varying = varying(all.iter().flatten());
    for (place, one) in all.iter().enumerate().flat_map(|(place, spans)| spans.iter().map(move |one| (place, one))) {
        let Numbered { depth, surroundings, span, clock, .. } = one;
        let last = SpanName { occurrence: LAST, ..one.name.clone() };
        let by_number = Some(one.name.clone()).filter(|name| name.occurrence <= OCCURRENCES);
        let from_the_end = Some(last).filter(|last| one.is_last && varying.contains(last));
        let takes_effect_inside = span.kind == SpanKind::Client && span.end.0.saturating_sub(span.start.0) <= LONGEST * width;
        for name in by_number.into_iter().chain(from_the_end) {
            for edge in [Edge::End, Edge::During, Edge::Start].into_iter().filter(|edge| *edge != Edge::During || takes_effect_inside) {
                let candidate = found.entry((name.clone(), edge)).or_insert_with(|| Candidate {
                    name: name.clone(),
                    edge,
                    depth: 0,
                    only_reads: only_reads(span),
                    ages: vec![None; scans.len()],
                    spans: vec![None; scans.len()],
                    surroundings: Vec::new(),
                    is_assumed: false,
                });
                candidate.depth = candidate.depth.max(*depth);
                candidate.is_assumed |= clock.is_assumed;
                candidate.ages[place] = Some(ages(&scans[place], span, edge, *clock));
                candidate.spans[place] = Some(span);
                candidate.surroundings.push(surroundings.clone());
            }
        }
    }
    let mut found: Vec<Candidate<'a>> = found.into_values().collect();
    for candidate in &mut found {
        let (within, functions, places) = candidate.surroundings.drain(..).fold((Vec::new(), Vec::new(), Vec::new()), |mut all, one| {
            all.0.extend(one.0);
            all.1.extend(one.1);
            all.2.extend(one.2);
            all
        });
        candidate.name.within = most_frequent(within.into_iter());
        candidate.name.function = most_frequent(functions.into_iter());
        candidate.name.place = most_frequent(places.into_iter());
    }
    let present = |candidate: &Candidate<'_>| candidate.ages.iter().flatten().count();
    found.sort_by_key(|candidate| std::cmp::Reverse(present(candidate)));
    found.truncate(MOST);
    found
}

/// The ages at which an end of a span can have been, by the clock's bound.
pub(super) fn ages(scan: &Bracketed<'_>, span: &Span, edge: Edge, clock: SpanClock) -> (i64, i64) {
    let (first, last) = match edge {
        Edge::Start => (span.start.0, span.start.0),
        Edge::During => (span.start.0, span.end.0),
        Edge::End => (span.end.0, span.end.0),
    };
    let age = |at: i64| at.saturating_sub(i64::try_from(scan.from.0).unwrap_or(i64::MAX));
    (age(first).saturating_sub(clock.bound.most_ns.0), age(last).saturating_sub(clock.bound.least_ns.0))
}

/// The name of one span of a scan.
pub(super) fn name_in(span: &Span, scan: &Bracketed<'_>) -> SpanName {
    let around: BTreeMap<SpanId, &Span> = scan.spans.iter().map(|span| (span.span, *span)).collect();
    let (name, _, (within, function, place)) = named(span, &around);
    SpanName { occurrence: 1, within, function, place, ..name }
}

/// A chain of parents that is longer goes in a circle.
pub(super) const DEEPEST: usize = 64;

/// The name of a span by what it says itself, how deep it stands, and what is around it.
fn named(span: &Span, around: &BTreeMap<SpanId, &Span>) -> (SpanName, u32, Surroundings) {
    let parent = |span: &Span| span.parent.and_then(|parent| around.get(&parent).copied()).filter(|parent| parent.span != span.span);
    let within = parent(span);
    let mut depth = 0;
    let mut coded = Some(span).filter(|span| has_code(span));
    let mut next = within;
    while let Some(outer) = next.filter(|_| (depth as usize) < DEEPEST) {
        depth += 1;
        if coded.is_none() && has_code(outer) {
            coded = Some(outer);
        }
        next = parent(outer);
    }
    let text = |span: &Span, names: &[&str]| span.either(names).map(str::to_owned);
    let destination = text(span, &["messaging.destination.name", "messaging.destination"]);
    let operation = text(span, &["db.query.summary", "db.operation.name", "db.operation"]).or(destination);
    let name = SpanName {
        service: text(span, &["service.name"]),
        name: shape(&span.name),
        within: None,
        kind: span.kind,
        system: text(span, &["db.system.name", "db.system", "messaging.system"]),
        operation: operation.map(|operation| shape(&operation)),
        function: function(span),
        place: place(span),
        occurrence: LAST,
    };
    (name, depth, (within.map(|outer| shape(&outer.name)), coded.and_then(function), coded.and_then(place)))
}

fn has_code(span: &Span) -> bool {
    span.either(&["code.function.name", "code.function", "code.file.path", "code.filepath", "celery.task_name"]).is_some()
}

fn function(span: &Span) -> Option<String> {
    let name = span.either(&["code.function.name", "code.function", "celery.task_name"])?;
    let namespace = span.attribute("code.namespace").filter(|namespace| !name.starts_with(namespace));
    Some(namespace.map_or_else(|| name.to_owned(), |namespace| format!("{namespace}.{name}")))
}

fn place(span: &Span) -> Option<String> {
    let file = span.either(&["code.file.path", "code.filepath"])?;
    let line = span.either(&["code.line.number", "code.lineno"]);
    Some(line.map_or_else(|| file.to_owned(), |line| format!("{file}:{line}")))
}

/// A name with what looks like an id as `*`, so that spans of different scans have one name.
pub(super) fn shape(name: &str) -> String {
    let mut shaped = String::with_capacity(name.len());
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c: char| is_part(c) != is_part(first)).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        rest = after;
        let digits = run.chars().filter(char::is_ascii_digit).count();
        let looks_like_an_id = is_part(first) && ((run.len() >= 8 && digits > 0) || (digits == run.len() && digits >= 4));
        shaped.push_str(if looks_like_an_id { "*" } else { run });
    }
    shaped
}

/// Commands that change nothing: what only read cannot have made a scan visible.
const READS: [&str; 22] = [
    "SELECT",
    "GET",
    "MGET",
    "HGET",
    "HGETALL",
    "HMGET",
    "EXISTS",
    "HEXISTS",
    "TTL",
    "PTTL",
    "SCAN",
    "KEYS",
    "LRANGE",
    "LLEN",
    "SMEMBERS",
    "SISMEMBER",
    "ZRANGE",
    "ZSCORE",
    "TYPE",
    "PING",
    "XLEN",
    "FIND",
];

/// Whether a span can have changed nothing, by what it says that it did.
pub(super) fn only_reads(span: &Span) -> bool {
    if span.either(&["db.system.name", "db.system"]).is_none() {
        return matches!(span.either(&["http.request.method", "http.method"]), Some("GET" | "HEAD" | "OPTIONS"));
    }
    let said = span.either(&["db.operation.name", "db.operation", "db.query.summary"]).unwrap_or(&span.name);
    let verb = said.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
    READS.contains(&verb.as_str())
}
