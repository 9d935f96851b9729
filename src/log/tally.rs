//! What the end of a log says of the lines before it: how many exchanges, and two sums.
//!
//! A count alone does not show that one line is missing and another is there twice. One sum is over what makes each line itself: of an
//! exchange its place, stamps, kind, connection, answer and code. The other is over all that the few lines say that are neither
//! exchanges nor spans, the header among them: what they say decides how every exchange is read. Neither is over bytes, so that a log
//! that was only laid out anew keeps them; they do not depend on the order, so that blocks are summed on all processors. They find
//! accidents, not forgery: whoever edits a log can also edit its end.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::model::digest::Digest;
use crate::model::exchange::{Exchange, Kind};
use crate::model::run::{End, EndReason, Flaw, FlawKind, NotAsked, Run, Stopped};
use crate::model::scenario::Scenario;
use crate::model::span::Span;

/// The lines of a log so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) exchanges: u64,
    sum: u64,
    others: u64,
}

impl Tally {
    pub(super) fn exchange(&mut self, exchange: &Exchange) {
        self.exchanges += 1;
        let numbers = [
            u64::from(exchange.scenario) << 32 | u64::from(exchange.arm),
            exchange.scan.get().map_or(0, |scan| scan.wrapping_add(1)),
            exchange.planned.0,
            exchange.sent.0,
            exchange.done.0,
            exchange.offset.get().map_or(0, |offset| offset.0.cast_unsigned().wrapping_add(1)),
            u64::from(exchange.poller) << 32 | u64::from(exchange.http.unwrap_or_default()),
            exchange.conn.get().map_or(0, |conn| u64::from(conn) + 1),
        ];
        let words = [exchange.kind.word(), exchange.connection.word(), exchange.answer.word()];
        self.add(words.iter().fold(numbers.into_iter().fold(1, mixed), |hash, word| text(hash, word)));
    }

    /// A line that is neither an exchange nor a span nor an end, as it stands in the log.
    pub(super) fn other(&mut self, line: &[u8]) {
        // A line that was read as one of a log is JSON.
        if let Ok(said) = serde_json::from_slice::<Value>(line) {
            self.others = self.others.wrapping_add(value(6, &said));
        }
    }

    /// Scenarios get their index from their place among the others.
    pub(super) fn scenario(&mut self, scenario: &Scenario, index: usize) {
        self.add(text(mixed(2, index as u64), &scenario.name));
    }

    pub(super) fn stopped(&mut self, stopped: Stopped) {
        let numbers = [u64::from(stopped.scenario), stopped.at.0, u64::from(stopped.begun)];
        self.add(numbers.into_iter().fold(3, mixed));
    }

    pub(super) fn not_asked(&mut self, not_asked: &NotAsked) {
        self.add(text(4, &not_asked.scenario));
    }

    pub(super) fn span(&mut self, span: &Span) {
        let half = |bytes: &[u8]| bytes.iter().fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
        let [trace, own] = [span.trace.bytes().as_slice(), span.span.bytes()].map(half);
        self.add([trace, own, span.start.0.cast_unsigned(), span.end.0.cast_unsigned()].into_iter().fold(text(5, &span.name), mixed));
    }

    /// These lines and others.
    pub(super) fn with(&mut self, other: Tally) {
        self.exchanges += other.exchanges;
        self.sum = self.sum.wrapping_add(other.sum);
        self.others = self.others.wrapping_add(other.others);
    }

    pub(super) fn sum(&self) -> Digest {
        self.sum.to_be_bytes().into()
    }

    /// The sum over the lines that are neither exchanges nor spans.
    pub(super) fn others(&self) -> Digest {
        self.others.to_be_bytes().into()
    }

    fn add(&mut self, line: u64) {
        self.sum = self.sum.wrapping_add(line);
    }
}

/// One step of a multiplicative hash; the multipliers are those of splitmix64, which spread every bit over all others.
fn mixed(hash: u64, number: u64) -> u64 {
    let spread = (hash ^ number).wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (spread ^ (spread >> 29)).wrapping_mul(0x94d0_49bb_1331_11eb) ^ (spread >> 32)
}

fn text(hash: u64, text: &str) -> u64 {
    text.as_bytes().chunks(8).fold(mixed(hash, text.len() as u64), |hash, chunk| {
        mixed(hash, chunk.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    })
}

/// What a value says, whatever the order of its keys.
fn value(hash: u64, said: &Value) -> u64 {
    match said {
        Value::Null => mixed(hash, 1),
        Value::Bool(is) => mixed(mixed(hash, 2), u64::from(*is)),
        Value::Number(number) => text(mixed(hash, 3), &number.to_string()),
        Value::String(own) => text(mixed(hash, 4), own),
        Value::Array(list) => list.iter().fold(mixed(mixed(hash, 5), list.len() as u64), value),
        Value::Object(fields) => {
            let of = |(key, field): (&String, &Value)| value(text(7, key), field);
            fields.iter().map(of).fold(mixed(hash, 6), u64::wrapping_add)
        }
    }
}

/// Where the ends of a log stand among its lines.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ends {
    pub(super) ends: u64,
    /// Lines of other kinds after the first end.
    pub(super) after: u64,
}

/// What the first end and its place show to be wrong with the lines; the tally is that of the lines before it.
pub(super) fn flaws_of(end: &End, tally: &Tally, ends: Ends) -> Vec<FlawKind> {
    let mut flaws = Vec::new();
    if end.exchanges != tally.exchanges {
        flaws.push(FlawKind::Count { written: end.exchanges, read: tally.exchanges });
    } else if end.sum.is_some_and(|sum| sum != tally.sum()) || end.others.is_some_and(|others| others != tally.others()) {
        flaws.push(FlawKind::Lines);
    }
    // What was under way when a run was stopped may still have been written.
    if ends.after > 0 && end.reason == EndReason::Complete {
        flaws.push(FlawKind::AfterEnd { lines: ends.after });
    }
    if ends.ends > 1 {
        flaws.push(FlawKind::Ends { ends: ends.ends });
    }
    flaws
}

/// What the exchanges of a whole run show to be wrong by themselves, whatever the end says of them: all there is to go by where a log
/// of an earlier version has no sum. The exchanges are in the order of sending.
pub(super) fn flaws_among(run: &Run, end: &End, exchanges: &[Exchange]) -> Vec<FlawKind> {
    let mut flaws = Vec::new();
    // A recording may have two requests in one tick of its clock, and scans that began before it did.
    if run.recording.is_some() {
        return flaws;
    }
    let repeated = exchanges
        .chunk_by(|a, b| a.sent == b.sent)
        .filter(|same| same.len() > 1)
        .map(|same| {
            let again = |(place, one): &(usize, &Exchange)| one.scan.is_some() && same[..*place].contains(one);
            same.iter().take(MOST_AT_ONCE).enumerate().filter(again).count() as u64
        })
        .sum();
    if repeated > 0 {
        flaws.push(FlawKind::Repeated { exchanges: repeated });
    }
    if end.reason == EndReason::Complete {
        let begun: BTreeSet<u64> = exchanges.iter().filter(|one| one.kind == Kind::Initiate).filter_map(|one| one.scan.get()).collect();
        let polled: BTreeSet<u64> = exchanges.iter().filter_map(|one| one.scan.get()).filter(|scan| !begun.contains(scan)).collect();
        if !polled.is_empty() {
            flaws.push(FlawKind::NoInitiate { scans: polled.len() as u64 });
        }
    }
    flaws
}

/// So many exchanges of one instant are compared with each other: more were not sent at once, but have lost their stamps.
const MOST_AT_ONCE: usize = 2_000;

/// The same flaws as they are said of a shard's log, or of the log at hand.
pub(super) fn said_of(shard: Option<u32>, kinds: Vec<FlawKind>) -> impl Iterator<Item = Flaw> {
    kinds.into_iter().map(move |kind| Flaw { shard, kind })
}
