//! Archives that this tool wrote itself: the log's lines travel in them, and the standard members tell their times.

use std::io::BufRead;

use serde::Deserialize;

use super::{ImportError, Imported, har, stamps};
use crate::model::exchange::Exchange;
use crate::model::recording::Recording;
use crate::model::run::{EndReason, NEWEST_LOG_SCHEMA, Run};
use crate::model::time::{Nanos, Stamp};

/// The member that carries what HAR has no place for, in the log and in each entry.
#[derive(Debug, Deserialize)]
struct Header {
    run: Run,
    end: Option<EndReason>,
}

/// Reads such an archive back. What was planned comes from the log's line; what happened comes from the entry's own members, as any
/// other reader of the archive sees it.
pub(super) fn read(file: &str, input: impl BufRead) -> Result<Imported, ImportError> {
    let mut found: Vec<(Exchange, i64, f64, f64)> = Vec::new();
    let mut requests = 0;
    let mut step = 1;
    let read = har::entries(file, input, &mut |entry| {
        requests += 1;
        let Some(own) = entry.own.clone() else { return Ok(()) };
        let exchange = Exchange::deserialize(own).map_err(|error| format!("_statusgap: {error}"))?;
        let (began, took) = entry.span()?;
        step = step.max(began.step);
        let receive = entry.timings.and_then(|timings| timings.receive).filter(|ms| ms.is_finite() && (0.0..=took).contains(ms));
        found.push((exchange, began.at, took, receive.unwrap_or(0.0)));
        Ok(())
    })?;
    let no_target = || ImportError::NoTarget { file: file.to_owned() };
    let Header { run, end } = read.own.and_then(|header| Header::deserialize(header).ok()).ok_or_else(no_target)?;
    let base = stamps::read(&run.started).ok_or_else(no_target)?.at;
    let scenarios = run.scenarios.clone();
    let fits = |exchange: &Exchange| {
        scenarios.get(exchange.scenario as usize).is_some_and(|scenario| (exchange.arm as usize) < scenario.arms.len())
    };
    if run.schema > NEWEST_LOG_SCHEMA || found.is_empty() || !found.iter().all(|(exchange, ..)| fits(exchange)) {
        return Err(no_target());
    }
    let exchanges: Vec<Exchange> = found
        .into_iter()
        .map(|(exchange, began, took, receive)| {
            let sent = Stamp(began.saturating_sub(base).max(0).unsigned_abs());
            let later = |ms: f64| Stamp(sent.0.saturating_add((ms * 1e6).round() as u64));
            Exchange { sent, first_byte: exchange.first_byte.get().map(|_| later(took - receive)).into(), done: later(took), ..exchange }
        })
        .collect();
    let recording =
        Recording { format: "har".to_owned(), file: file.to_owned(), requests, recognised: exchanges.len() as u64, blind: Vec::new() };
    Ok(Imported { end, started: run.started.clone(), run: Some(run), scenarios, exchanges, recording, resolution: Nanos(step) })
}
