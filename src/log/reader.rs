//! Reads a log back, whole or cut off.

use std::io::BufRead;

use crate::model::exchange::Exchange;
use crate::model::run::{Journal, LOG_SCHEMA, Line};

/// Why a log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file could not be read.
    #[error("cannot read {file}")]
    Io {
        /// The file as the user named it.
        file: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A line in the middle is not a log line: the file is no log, or it was edited.
    #[error("{file}:{line}: not a line of a statusgap log: {why}")]
    Line {
        /// The file as the user named it.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What the parser said.
        why: String,
    },
    /// The file holds no header.
    #[error("{file}: empty, or cut off before its first line was whole: nothing to report")]
    NoHeader {
        /// The file as the user named it.
        file: String,
    },
    /// The log was written by a later version.
    #[error("{file}: schema {found} is newer than the {LOG_SCHEMA} that this version reads: use a newer statusgap")]
    Schema {
        /// The file as the user named it.
        file: String,
        /// The log's version.
        found: u32,
    },
}

/// Reads a log. A torn last line is dropped and noted; a broken line anywhere else is an error.
pub fn read(file: &str, mut input: impl BufRead) -> Result<Journal, LogError> {
    let mut journal: Option<Journal> = None;
    let mut torn = false;
    let mut text = Vec::new();
    let mut number = 0;
    loop {
        text.clear();
        let length = input.read_until(b'\n', &mut text).map_err(|source| LogError::Io { file: file.to_owned(), source })?;
        if length == 0 {
            break;
        }
        number += 1;
        let whole = text.ends_with(b"\n");
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let line = match serde_json::from_slice::<Line>(&text) {
            Ok(line) => line,
            Err(_) if !whole => {
                torn = true;
                break;
            }
            Err(error) => {
                return Err(LogError::Line { file: file.to_owned(), line: number, why: error.to_string() });
            }
        };
        match (&mut journal, line) {
            (None, Line::Run(run)) => {
                if run.schema > LOG_SCHEMA {
                    return Err(LogError::Schema { file: file.to_owned(), found: run.schema });
                }
                let scenarios = run.scenarios.clone();
                journal = Some(Journal { run: *run, scenarios, exchanges: Vec::new(), stopped: Vec::new(), end: None, torn: false });
            }
            (Some(journal), Line::Scenario(scenario)) => journal.scenarios.push(*scenario),
            (Some(journal), Line::Exchange(exchange)) => journal.exchanges.push(*exchange),
            (Some(journal), Line::Stopped(stopped)) => journal.stopped.push(stopped),
            (Some(journal), Line::End(end)) => journal.end = Some(end),
            (None, _) => {
                return Err(LogError::Line { file: file.to_owned(), line: number, why: "the first line must be a run's header".into() });
            }
            (Some(_), Line::Run(_)) => {
                return Err(LogError::Line {
                    file: file.to_owned(),
                    line: number,
                    why: "a second header; use `statusgap merge` to put several logs together".into(),
                });
            }
        }
    }
    let mut journal = journal.ok_or_else(|| LogError::NoHeader { file: file.to_owned() })?;
    journal.torn = torn;
    for exchange in &journal.exchanges {
        if journal.scenarios.get(exchange.scenario as usize).is_none_or(|scenario| exchange.arm as usize >= scenario.arms.len()) {
            return Err(LogError::Line {
                file: file.to_owned(),
                line: number,
                why: format!("an exchange names scenario {} arm {}, which the log does not define", exchange.scenario, exchange.arm),
            });
        }
    }
    in_order(&mut journal.exchanges);
    Ok(journal)
}

/// Puts exchanges into the order in which they were sent. Lines are written as exchanges end; everything after wants them as
/// they began.
pub fn in_order(exchanges: &mut [Exchange]) {
    exchanges.sort_by_key(|exchange| (exchange.sent, exchange.done, exchange.scenario, exchange.scan, exchange.kind, exchange.poller));
}
