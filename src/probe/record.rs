//! From a reply to a line in the log: what is kept of it, and what must never be.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::log::{LogWriter, WriteError};
use crate::model::exchange::{Exchange, Kind};
use crate::model::limits::{LONGEST_NOTE, LONGEST_WORD, cut};
use crate::model::redaction::Redaction;
use crate::model::run::{EndReason, NotAsked, Stopped};
use crate::model::scenario::Scenario;
use crate::model::span::Inside;
use crate::model::time::Stamp;
use crate::probe::trace::{self, Tracing};
use crate::probe::transport::{Prepared, Received};

/// The longest body that is kept in the log.
const LONGEST_BODY: usize = 2048;

/// Where exchanges go: into the log, and into memory for whoever decides on the next scenario.
#[derive(Clone)]
pub struct Recorder {
    /// `None` where nobody will read a log.
    log: Option<LogWriter>,
    redaction: Arc<RwLock<Arc<Redaction>>>,
    kept: Option<Arc<Mutex<Vec<Exchange>>>>,
    stops: Arc<Mutex<Vec<Stopped>>>,
    left_out: Arc<Mutex<Vec<NotAsked>>>,
    decided: Arc<Mutex<Vec<Scenario>>>,
    /// Who is shown every exchange.
    trace: Option<Arc<Trace>>,
    /// The first failure to write; the run ends with it.
    failed: Arc<Mutex<Option<WriteError>>>,
}

fn shared(redaction: Redaction) -> Arc<RwLock<Arc<Redaction>>> {
    Arc::new(RwLock::new(Arc::new(redaction)))
}

struct Trace {
    to: Arc<dyn Tracing>,
    /// t = 0 of each scan.
    born: Mutex<BTreeMap<u64, Stamp>>,
}

impl Recorder {
    /// Records into a log; `secrets` are struck out of every text of the target's that is kept, in whatever form it repeats them.
    pub fn new(log: LogWriter, secrets: Vec<String>) -> Recorder {
        Recorder {
            log: Some(log),
            redaction: shared(Redaction::of(secrets)),
            kept: None,
            stops: Arc::default(),
            left_out: Arc::default(),
            decided: Arc::default(),
            trace: None,
            failed: Arc::new(Mutex::new(None)),
        }
    }

    /// Records into memory alone.
    pub fn in_memory() -> Recorder {
        Recorder {
            log: None,
            redaction: Arc::default(),
            kept: None,
            stops: Arc::default(),
            left_out: Arc::default(),
            decided: Arc::default(),
            trace: None,
            failed: Arc::new(Mutex::new(None)),
        }
        .keeping()
    }

    /// Records into memory alone; `secrets` are struck out of every body that is kept.
    pub fn in_memory_without(secrets: Vec<String>) -> Recorder {
        Recorder { redaction: shared(Redaction::of(secrets)), ..Recorder::in_memory() }
    }

    /// Also shows every exchange.
    #[must_use]
    pub fn tracing(mut self, to: Arc<dyn Tracing>) -> Recorder {
        self.trace = Some(Arc::new(Trace { to, born: Mutex::default() }));
        self
    }

    /// Shows an exchange to whoever wants to see all.
    pub(crate) fn trace(&self, exchange: &Exchange, request: Option<&Prepared>, reply: Option<&Received>) {
        let Some(trace) = &self.trace else { return };
        let born = exchange.scan.get().and_then(|scan| {
            let mut born = trace.born.lock().unwrap_or_else(PoisonError::into_inner);
            if exchange.kind == Kind::Initiate {
                born.insert(scan, exchange.done);
                return None;
            }
            born.get(&scan).copied()
        });
        trace.to.exchange(trace::text(self, exchange, request, born, reply));
    }

    /// Also keeps the exchanges in memory.
    #[must_use]
    pub fn keeping(mut self) -> Recorder {
        self.kept = Some(Arc::new(Mutex::new(Vec::new())));
        self
    }

    /// Also strikes these out.
    #[must_use]
    pub(crate) fn striking_out(mut self, more: Vec<String>) -> Recorder {
        if !more.is_empty() {
            self.redaction = shared(self.redaction().and(more));
        }
        self
    }

    /// Also strikes these out from now on, for all who record here.
    pub(crate) fn strike_out_too(&self, more: Vec<String>) {
        if !more.is_empty() {
            let with_more = Arc::new(self.redaction().and(more));
            *self.redaction.write().unwrap_or_else(PoisonError::into_inner) = with_more;
        }
    }

    fn redaction(&self) -> Arc<Redaction> {
        Arc::clone(&self.redaction.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The exchanges kept so far.
    pub fn kept(&self) -> Vec<Exchange> {
        self.kept_from(0)
    }

    /// The exchanges kept so far, but for the first `known`, which the caller has already.
    pub fn kept_from(&self, known: usize) -> Vec<Exchange> {
        let kept = self.kept.as_ref().map(|kept| kept.lock().unwrap_or_else(PoisonError::into_inner));
        kept.and_then(|kept| kept.get(known..).map(<[Exchange]>::to_vec)).unwrap_or_default()
    }

    /// The scenarios that were stopped so far.
    pub fn stops(&self) -> Vec<Stopped> {
        self.stops.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The scenarios that were left out so far.
    pub fn left_out(&self) -> Vec<NotAsked> {
        self.left_out.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The scenarios that were decided on during the run so far.
    pub fn decided(&self) -> Vec<Scenario> {
        self.decided.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends the log.
    pub fn end(&self, at: Stamp, reason: EndReason) -> Result<(), WriteError> {
        self.log.as_ref().map_or(Ok(()), |log| log.end(at, reason))
    }

    /// Writes out what has been waiting for long enough.
    pub fn flush_if_due(&self) {
        if let Some(log) = &self.log {
            self.note_failure(log.flush_if_due());
        }
    }

    /// The failure that ended the recording, if there was one.
    pub fn failure(&self) -> Option<WriteError> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    pub(crate) fn scenario(&self, scenario: &Scenario) {
        if let Some(log) = &self.log {
            self.note_failure(log.scenario(scenario));
        }
        self.decided.lock().unwrap_or_else(PoisonError::into_inner).push(scenario.clone());
    }

    pub(crate) fn stopped(&self, stopped: Stopped) {
        if let Some(log) = &self.log {
            self.note_failure(log.stopped(stopped));
        }
        self.stops.lock().unwrap_or_else(PoisonError::into_inner).push(stopped);
    }

    pub(crate) fn not_asked(&self, not_asked: &NotAsked) {
        if let Some(log) = &self.log {
            self.note_failure(log.not_asked(not_asked));
        }
        self.left_out.lock().unwrap_or_else(PoisonError::into_inner).push(not_asked.clone());
    }

    /// Writes what the target says it did.
    pub(crate) fn inside(&self, inside: &Inside) {
        let Some(log) = &self.log else { return };
        for span in &inside.spans {
            self.note_failure(log.span(span));
        }
        if let Some(intake) = inside.intake {
            self.note_failure(log.span_intake(intake));
        }
    }

    pub(crate) fn exchange(&self, exchange: &Exchange) {
        if let Some(log) = &self.log {
            self.note_failure(log.exchange(exchange));
        }
        if let Some(kept) = &self.kept {
            kept.lock().unwrap_or_else(PoisonError::into_inner).push(exchange.clone());
        }
    }

    fn note_failure(&self, written: Result<(), WriteError>) {
        if let Err(error) = written {
            self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
    }

    /// The part of a body that may be kept: bounded, readable, without credentials.
    pub(crate) fn excerpt(&self, body: &[u8]) -> String {
        cut(self.redaction().excerpt(body, LONGEST_BODY), LONGEST_BODY)
    }

    /// The same without what only one scan keeps secret.
    pub(crate) fn excerpt_without(&self, body: &[u8], of_scan: Option<&Redaction>) -> String {
        match of_scan {
            None => self.excerpt(body),
            Some(of_scan) => self.excerpt(of_scan.excerpt(body, LONGEST_BODY).as_bytes()),
        }
    }

    /// The part of a word or a name that may be kept.
    pub(crate) fn word(&self, text: String) -> String {
        cut(self.without_secrets(text), LONGEST_WORD)
    }

    /// The part of a reason, or of what a cache says, that may be kept.
    pub(crate) fn note(&self, text: String) -> String {
        cut(self.without_secrets(text), LONGEST_NOTE)
    }

    /// A text that the target gave, without the credentials that it may repeat.
    pub(crate) fn without_secrets(&self, text: String) -> String {
        self.redaction().clean(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_of_a_secret_is_left_at_the_cut() {
        let secret = "abcdefghij".repeat(30);
        let recorder = Recorder { redaction: shared(Redaction::of([secret.clone()])), ..Recorder::in_memory() };
        for shift in (0..400).step_by(7) {
            let body = "x".repeat(shift) + &format!("{secret} ").repeat(60);
            let kept = recorder.excerpt(body.as_bytes());
            assert!(!kept.contains("abc") && kept.len() <= LONGEST_BODY + '…'.len_utf8(), "{shift}: {kept}");
            let word = recorder.word(String::from_utf8(body.into_bytes()).expect("ASCII"));
            assert!(!word.contains("abc") && word.len() <= LONGEST_WORD + '…'.len_utf8(), "{shift}: {word}");
        }
    }
}
