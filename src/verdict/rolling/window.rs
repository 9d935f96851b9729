//! Rounds as one log: their exchanges on one clock, their scans and connections with numbers of their own.

use std::collections::VecDeque;

use crate::model::run::{End, EndReason, Journal, Stopped};
use crate::model::span::{Inside, Span};
use crate::model::time::{Nanos, Stamp};
use crate::verdict::rolling::Round;

/// Puts rounds of the same scenarios together, the earliest first. All that lies within a scan stays what it was: its stamps move
/// by one constant.
pub(super) fn as_one(rounds: &VecDeque<Round>) -> Option<Journal> {
    let (first, newest) = (rounds.front()?, rounds.back()?);
    let mut whole = Journal {
        run: newest.journal.run.clone(),
        scenarios: newest.journal.scenarios.clone(),
        exchanges: Vec::with_capacity(rounds.iter().map(|round| round.journal.exchanges.len()).sum()),
        stopped: Vec::new(),
        not_asked: Vec::new(),
        inside: Inside::default(),
        end: None,
        torn: false,
    };
    whole.run.started.clone_from(&first.journal.run.started);
    for scenario in &mut whole.scenarios {
        scenario.load.scans = scenario.load.scans.saturating_mul(rounds.len() as u32);
    }
    whole.run.scenarios.clone_from(&whole.scenarios);
    let (mut next_scan, mut next_conn, mut last) = (0, 0, Stamp::default());
    for round in rounds {
        let (scans_before, conns_before) = (next_scan, next_conn);
        let shift = round.began.saturating_sub(first.began);
        for exchange in &round.journal.exchanges {
            let mut exchange = exchange.clone();
            for stamp in [&mut exchange.planned, &mut exchange.sent, &mut exchange.done].into_iter().chain(exchange.first_byte.get_mut()) {
                *stamp = stamp.after(shift);
            }
            if let Some(scan) = exchange.scan.get_mut() {
                *scan += scans_before;
                next_scan = next_scan.max(*scan + 1);
            }
            if let Some(conn) = exchange.conn.get_mut() {
                *conn = conn.wrapping_add(conns_before);
                next_conn = next_conn.max(conn.wrapping_add(1));
            }
            last = last.max(exchange.done);
            whole.exchanges.push(exchange);
        }
        let moved = |at: Nanos| Nanos(at.0.saturating_add(Nanos::from(shift).0));
        let spans = round.journal.inside.spans.iter();
        whole.inside.spans.extend(spans.map(|span| Span { start: moved(span.start), end: moved(span.end), ..span.clone() }));
        if let Some(intake) = round.journal.inside.intake {
            whole.inside.intake = Some(whole.inside.intake.unwrap_or_default().and(intake));
        }
        whole.stopped.extend(round.journal.stopped.iter().map(|stopped| Stopped { at: stopped.at.after(shift), ..*stopped }));
    }
    // Rounds that were cut short are kept only if they prove a breach, which needs no end.
    let flaws = rounds.iter().filter_map(|round| round.journal.end.as_ref()).flat_map(|end| end.flaws.iter().cloned()).collect();
    whole.end = Some(End { flaws, ..End::new(last, EndReason::Complete, whole.exchanges.len() as u64) });
    Some(whole)
}
