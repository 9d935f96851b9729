//! What the inside says of causes. It rests on who answered, what was asked of which database, and how long a message waited, and decides
//! nothing: a cause is named by what was measured outside, and where the two disagree both are said.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::Analysis;
use crate::analysis::scan::ScanHistory;
use crate::model::answer::Answer;
use crate::model::exchange::Exchange;
use crate::model::fault::FaultClass;
use crate::model::run::Journal;
use crate::model::span::{Span, SpanKind};
use crate::model::time::Nanos;
use crate::traces::bracketed::ByTrace;
use crate::traces::candidates::{only_reads, shape};
use crate::traces::clocks::{Clocks, is_answer_to};
use crate::traces::explain::{Explanation, Outcome, Unexplained, median};

/// Whether something speaks for a cause or against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stance {
    /// For it.
    For,
    /// Against it.
    Against,
}

/// What the inside says of one cause.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct InsideFact {
    /// The letter of the class.
    #[serde(serialize_with = "letter")]
    #[schemars(with = "String")]
    pub class: FaultClass,
    /// For or against it.
    pub stance: Stance,
    /// Whether the causes found outside agree; `None`: no cause was found outside.
    pub agrees: Option<bool>,
    /// What was seen.
    #[serde(flatten)]
    pub statement: Statement,
}

/// What was seen inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the variant says what its numbers are of; what ends in `_ns` is a duration in nanoseconds")]
pub enum Statement {
    /// The span that makes scans visible begins after the answer with the id had arrived.
    WrittenAfterAnswer { scans: u64, of: u64, begins_ns: Nanos },
    /// Denials came from other processes than the one that wrote, and visible answers from that one.
    AnsweredByOthers { denied_elsewhere: u64, denied: u64, visible_at_writer: u64, visible: u64 },
    /// The process that wrote denied what it had written.
    DeniedByWriter { denied_at_writer: u64, denied: u64 },
    /// Denials were read from another address than was written to.
    ReadElsewhere { elsewhere: u64, denied: u64 },
    /// Denials have no span of the target, nearly all other answers have one: something in front of it answered.
    NotAnsweredByTarget { without_span: u64, denied: u64, others_with_span: u64, others: u64 },
    /// Spans of denials say that a cache was hit.
    CacheHit { hits: u64, denied: u64 },
    /// A message waited, from when it was sent until it was worked on.
    MessageWaited { scans: u64, of: u64, waited_ns: Nanos, window_ns: Nanos },
}

/// So few answers of a kind decide nothing.
const FEWEST: u64 = 5;

/// Nearly all, of some answers.
fn nearly_all(part: u64, of: u64) -> bool {
    of >= FEWEST && part as f64 >= 0.95 * of as f64
}

/// One poll of a scan, as the inside has it.
struct Answered<'a> {
    is_denial: bool,
    /// The span that answered.
    server: Option<&'a Span>,
    spans: &'a [&'a Span],
}

/// One scan that has spans.
struct InsideScan<'a> {
    window_ns: Option<i64>,
    history: &'a ScanHistory<'a>,
    of_post: &'a [&'a Span],
    polls: Vec<Answered<'a>>,
}

/// What the spans say of causes; and what makes scans visible, unless denials were read from where nothing was written.
pub(super) fn facts(
    journal: &Journal,
    analysis: &Analysis,
    histories: &[ScanHistory<'_>],
    by_trace: &ByTrace<'_>,
    clocks: &Clocks<'_>,
    outcome: Outcome,
) -> (Vec<InsideFact>, Outcome) {
    let scans: Vec<InsideScan<'_>> = histories.iter().filter_map(|scan| inside(journal, scan, by_trace)).collect();
    let mut facts = Vec::new();
    let mut found = |class, stance, statement| facts.push(InsideFact { class, stance, agrees: agrees(analysis, class, stance), statement });
    let waits = message_waits(&scans, clocks);
    if let Some(statement) = waits {
        found(FaultClass::E, Stance::For, statement);
    }
    if let Some((stance, statement)) = instances(&scans, analysis) {
        found(FaultClass::B, stance, statement);
    }
    let elsewhere = read_elsewhere(&scans);
    if let Some(statement) = elsewhere {
        found(FaultClass::C, Stance::For, statement);
    }
    if let Some(statement) = in_front(&scans) {
        found(FaultClass::D, Stance::For, statement);
    }
    if let (Outcome::Named(named), None) = (&outcome, waits)
        && named.begins_ns.0 > 0
    {
        let statement = Statement::WrittenAfterAnswer { scans: named.explained, of: named.of, begins_ns: named.begins_ns };
        found(FaultClass::A, Stance::For, statement);
    }
    // A copy is as good an explanation as the span, unless what was measured outside says that it is none.
    let may_be_copied = agrees(analysis, FaultClass::C, Stance::For) != Some(false);
    let outcome = match (outcome, elsewhere) {
        (Outcome::Named(named), Some(Statement::ReadElsewhere { elsewhere, denied })) if may_be_copied => {
            let Explanation { span, explained, of, .. } = named;
            Outcome::CannotTell(Unexplained::ReadElsewhere { elsewhere, denied, span, explained, of })
        }
        (outcome, _) => outcome,
    };
    (facts, outcome)
}

/// Whether what was found outside agrees.
fn agrees(analysis: &Analysis, class: FaultClass, stance: Stance) -> Option<bool> {
    let causes = &analysis.diagnosis.causes;
    let is_named = causes.iter().any(|cause| cause.may_be(class));
    match stance {
        Stance::For => (!causes.is_empty()).then_some(is_named),
        Stance::Against => is_named.then_some(false),
    }
}

fn inside<'a>(journal: &Journal, scan: &'a ScanHistory<'a>, by_trace: &'a ByTrace<'_>) -> Option<InsideScan<'a>> {
    let of_post = by_trace.get(journal.trace_of(scan.initiate)?);
    let known = scan.known_from()?;
    let answered = |poll: &&Exchange| {
        let is_denial = match poll.answer {
            Answer::NotFound if known <= poll.sent => true,
            Answer::Visible => false,
            _ => return None,
        };
        let spans = by_trace.get(journal.trace_of(poll)?);
        let server = spans.iter().copied().find(|span| poll.trace.is_some_and(|own| is_answer_to(span, own)));
        Some(Answered { is_denial, server, spans })
    };
    let polls: Vec<Answered<'_>> = scan.polls().iter().filter_map(answered).collect();
    let window_ns = scan.bracket().and_then(|bracket| bracket.until).filter(|_| scan.denials().next().is_some()).map(|until| until.0);
    Some(InsideScan { window_ns, history: scan, of_post, polls })
}

/// E: from when a message was sent until it was worked on, against the window.
fn message_waits(scans: &[InsideScan<'_>], clocks: &Clocks<'_>) -> Option<Statement> {
    let denied: Vec<&InsideScan<'_>> = scans.iter().filter(|scan| scan.window_ns.is_some()).collect();
    let mut waited = Vec::new();
    let mut windows = Vec::new();
    for scan in &denied {
        let (Some(wait), Some(window)) = (waited_in(scan, clocks), scan.window_ns) else { continue };
        windows.push(window);
        waited.push(wait);
    }
    let of = denied.len() as u64;
    // Where the message waited for most of the window, the queue made it, and not what was done with the message.
    let most = waited.iter().zip(&windows).filter(|(waited, window)| **waited * 2 > **window).count() as u64;
    if !nearly_all(most, of) || clocks.is_empty() {
        return None;
    }
    Some(Statement::MessageWaited { scans: most, of, waited_ns: Nanos(median(&mut waited)), window_ns: Nanos(median(&mut windows)) })
}

/// How long the message of a scan waited, in ns, by the run's clock; `None` where that cannot be said.
fn waited_in(scan: &InsideScan<'_>, clocks: &Clocks<'_>) -> Option<i64> {
    let of_kind = |kind: SpanKind| scan.of_post.iter().filter(move |span| span.kind == kind);
    // By the middle of what the clock's bounds leave open: of one machine, what is open is the same for both.
    let at = |span: &Span, instant: Nanos| {
        let bound = clocks.of_span(span, scan.history.number())?.bound;
        Some(instant.0.saturating_sub(bound.least_ns.0.saturating_add(bound.most_ns.0) / 2))
    };
    let begun = of_kind(SpanKind::Consumer).min_by_key(|span| span.start)?;
    let begun = at(begun, begun.start)?;
    let known = i64::try_from(scan.history.known_from()?.0).ok()?;
    let sent = match of_kind(SpanKind::Producer).min_by_key(|span| span.end) {
        Some(producer) => at(producer, producer.end)?,
        // Nobody says when the message was sent; it was before the answer with the id.
        None => known,
    };
    // What was worked on after the scan was visible did not make it so.
    (begun.saturating_sub(known) <= scan.window_ns?).then(|| begun.saturating_sub(sent))
}

/// B: who denied, and who wrote.
fn instances(scans: &[InsideScan<'_>], analysis: &Analysis) -> Option<(Stance, Statement)> {
    let (mut denied, mut elsewhere, mut visible, mut at_writer) = (0, 0, 0, 0);
    let mut instances = BTreeSet::new();
    for scan in scans.iter().filter(|scan| scan.polls.iter().any(|poll| poll.is_denial)) {
        let own = scan.history.initiate.trace;
        let writer = scan.of_post.iter().find(|span| own.is_some_and(|own| is_answer_to(span, own))).and_then(|span| span.instance());
        let Some(writer) = writer else { continue };
        for (poll, instance) in scan.polls.iter().filter_map(|poll| Some((poll, poll.server?.instance()?))) {
            let is_writer = instance == writer;
            if poll.is_denial {
                denied += 1;
                elsewhere += u64::from(!is_writer);
            } else {
                visible += 1;
                at_writer += u64::from(is_writer);
            }
            instances.insert(instance);
        }
        instances.insert(writer);
    }
    if instances.len() >= 2 && nearly_all(elsewhere, denied) && nearly_all(at_writer, visible) {
        let statement = Statement::AnsweredByOthers { denied_elsewhere: elsewhere, denied, visible_at_writer: at_writer, visible };
        return Some((Stance::For, statement));
    }
    let named = analysis.diagnosis.names(FaultClass::B);
    // Processes that share one id, as those that are forked after their resource was made, cannot be told apart by it.
    (named && instances.len() >= 2 && denied >= FEWEST && (denied - elsewhere) * 2 > denied)
        .then_some((Stance::Against, Statement::DeniedByWriter { denied_at_writer: denied - elsewhere, denied }))
}

/// A database that a span talked to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Peer<'a> {
    system: &'a str,
    host: &'a str,
    port: Option<&'a str>,
}

impl<'a> Peer<'a> {
    fn of(span: &'a Span) -> Option<Peer<'a>> {
        let system = span.either(&["db.system.name", "db.system"])?;
        let host = span.either(&["server.address", "network.peer.address", "net.peer.name"])?;
        let host = if matches!(host, "127.0.0.1" | "::1") { "localhost" } else { host };
        Some(Peer { system, host, port: span.either(&["server.port", "network.peer.port", "net.peer.port"]) })
    }

    /// Whether it is another one, as far as that can be said: a name says nothing of an address, and one database nothing of another.
    fn differs(&self, other: &Peer<'_>) -> Option<bool> {
        let is_address = |host: &str| host.contains(':') || host.chars().all(|c| c.is_ascii_digit() || c == '.');
        if self.system != other.system || (is_address(self.host) != is_address(other.host) && self.host != other.host) {
            return None;
        }
        let ports = self.port.zip(other.port);
        Some(self.host != other.host || ports.is_some_and(|(port, other)| port != other))
    }
}

/// Whether what was read is nowhere among what was written; `None` where nothing was written to a database that it can be compared with.
fn is_elsewhere(read: &BTreeSet<Peer<'_>>, written: &BTreeSet<Peer<'_>>) -> Option<bool> {
    let compared = read.iter().flat_map(|read| written.iter().filter_map(|written| read.differs(written)));
    compared.reduce(|all, differs| all && differs)
}

/// C: denials that were read from where nothing was written.
fn read_elsewhere(scans: &[InsideScan<'_>]) -> Option<Statement> {
    let (mut denied, mut elsewhere) = (0, 0);
    for scan in scans {
        let written: BTreeSet<Peer<'_>> = scan.of_post.iter().filter(|span| !only_reads(span)).filter_map(|span| Peer::of(span)).collect();
        for poll in scan.polls.iter().filter(|poll| poll.is_denial) {
            let read: BTreeSet<Peer<'_>> = poll.spans.iter().filter_map(|span| Peer::of(span)).collect();
            if let Some(is_elsewhere) = is_elsewhere(&read, &written) {
                denied += 1;
                elsewhere += u64::from(is_elsewhere);
            }
        }
    }
    nearly_all(elsewhere, denied).then_some(Statement::ReadElsewhere { elsewhere, denied })
}

/// D: denials that the target itself did not give.
fn in_front(scans: &[InsideScan<'_>]) -> Option<Statement> {
    let polls = || scans.iter().flat_map(|scan| &scan.polls);
    // The first denial of a scan is the one that a cache keeps.
    let later: Vec<&Answered<'_>> = scans.iter().flat_map(|scan| scan.polls.iter().filter(|poll| poll.is_denial).skip(1)).collect();
    if let Some(statement) = cache_hits(scans, &later) {
        return Some(statement);
    }
    let (denied, others) = (later.len() as u64, polls().filter(|poll| !poll.is_denial).count() as u64);
    let without_span = later.iter().filter(|poll| poll.server.is_none()).count() as u64;
    let others_with_span = polls().filter(|poll| !poll.is_denial && poll.server.is_some()).count() as u64;
    (without_span >= FEWEST && without_span * 2 > denied && nearly_all(others_with_span, others))
        .then_some(Statement::NotAnsweredByTarget { without_span, denied, others_with_span, others })
}

/// A cache that denials hit. One that every request hits, as that of sessions, has nothing to do with them: where it keeps denials, the first
/// of a scan was none of its hits (it was kept then), or the first visible answer was none (it was kept no longer).
fn cache_hits(scans: &[InsideScan<'_>], later: &[&Answered<'_>]) -> Option<Statement> {
    let caches: BTreeSet<String> =
        later.iter().flat_map(|poll| poll.spans).filter(|span| is_hit(span)).map(|span| shape(&span.name)).collect();
    let hit = |poll: &Answered<'_>, cache: &str| poll.spans.iter().any(|span| is_hit(span) && shape(&span.name) == cache);
    let firsts = |is_denial: bool| scans.iter().filter_map(move |scan| scan.polls.iter().find(|poll| poll.is_denial == is_denial));
    let missed = |is_denial: bool, cache: &str| {
        let missed = firsts(is_denial).filter(|poll| !hit(poll, cache)).count() as u64;
        nearly_all(missed, firsts(is_denial).count() as u64)
    };
    let denied = later.len() as u64;
    caches.iter().find_map(|cache| {
        let hits = later.iter().filter(|poll| hit(poll, cache)).count() as u64;
        let keeps_denials = nearly_all(hits, denied) && (missed(true, cache) || missed(false, cache));
        keeps_denials.then_some(Statement::CacheHit { hits, denied })
    })
}

/// Whether a span is of a cache that had what was looked up.
fn is_hit(span: &Span) -> bool {
    span.attribute("cache.hit") == Some("true")
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out a reference")]
fn letter<S: serde::Serializer>(class: &FaultClass, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(class.letter())
}
