//! One run, from its header to what it comes to. Every command that probes goes this way, and no other.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::log::{LogWriter, StorageError};
use crate::model::run::{End, EndReason, Journal, Run};
use crate::model::second_opinion::SecondOpinion;
use crate::model::span::Inside;
use crate::probe::{Decision, Event, Observation, Options, Probe, Recorder, Tracing};
use crate::run::conclude::{Concluded, read_own};
use crate::run::spans::SpanSource;
use crate::run::{RunError, Session};

/// Where exchanges are recorded.
pub enum Sink {
    /// In memory alone: a run that leaves nothing behind.
    Memory,
    /// In a log.
    File { path: PathBuf, log: LogWriter },
    /// In a log, and in memory for whoever decides on the next scenario.
    Followed { path: PathBuf, log: LogWriter },
}

/// How a run is driven.
pub struct Drive {
    pub options: Options,
    /// Who is shown every exchange.
    pub trace: Option<Arc<dyn Tracing>>,
    /// Who hears of scenarios and scans.
    pub events: Box<dyn Fn(Event) + Send + Sync>,
    /// Whether a scenario goes on.
    pub decide: Box<dyn Fn(Observation<'_>) -> Decision + Send + Sync>,
}

impl Drive {
    /// With nobody who watches, and every scenario to its end.
    pub fn plain(options: Options) -> Drive {
        Drive { options, trace: None, events: Box::new(|_| {}), decide: Box::new(|_| Decision::Continue) }
    }
}

/// A run under way.
pub struct Recording {
    pub probe: Arc<Probe>,
    pub header: Run,
    log: Option<PathBuf>,
    /// Where spans of the target come from.
    spans: Option<Arc<SpanSource>>,
    second_opinion: Option<SecondOpinion>,
}

impl Recording {
    /// Begins a run whose header says what is about to be done; nothing is sent yet.
    pub fn begin(session: &Session, header: Run, sink: Sink, drive: Drive) -> Recording {
        let secrets = session.target.secrets();
        let (log, recorder) = match sink {
            Sink::Memory => (None, Recorder::in_memory_without(secrets)),
            Sink::File { path, log } => (Some(path), Recorder::new(log, secrets)),
            Sink::Followed { path, log } => (Some(path), Recorder::new(log, secrets).keeping()),
        };
        let recorder = match drive.trace {
            Some(trace) => recorder.tracing(trace),
            None => recorder,
        };
        let (target, transport, clock) = (Arc::clone(&session.target), session.transport.clone(), session.clock.clone());
        let probe = Probe::with_decisions(target, transport, clock, recorder, drive.options, drive.events, drive.decide);
        Recording { probe, header, log, spans: session.spans.clone(), second_opinion: None }
    }

    /// Waits for a run to its end, or until `stop`. Stopping drops what is under way; the log keeps what was done.
    pub async fn until(&self, stop: impl Future<Output = ()>, run: impl Future<Output = EndReason>) -> EndReason {
        if self.probe.clock().is_virtual() {
            // Signals have no place on a paused clock, and it is over in a moment.
            return run.await;
        }
        // Boxed, so that the caller need not hold the place for all of a run several times.
        let work = Box::pin(async {
            let reason = run.await;
            self.await_spans().await;
            reason
        });
        tokio::select! {
            reason = self.flushing(work) => reason,
            () = stop => EndReason::Interrupted,
        }
    }

    /// Gives exporters the time to send what is left.
    async fn await_spans(&self) {
        if let Some(spans) = self.spans.as_ref().filter(|_| !self.probe.clock().is_virtual()) {
            tokio::time::sleep(spans.wait()).await;
        }
    }

    /// What the target says it did, without the secrets that may stand in it.
    fn inside(&self) -> Result<Inside, RunError> {
        let Some(source) = &self.spans else { return Ok(Inside::default()) };
        let recorder = self.probe.recorder();
        let (spans, intake) = source.hand_over(&self.header.started, |text| recorder.word(text))?;
        Ok(Inside { spans, intake: Some(intake) })
    }

    /// Keeps the log's promise of flushing for as long as something else goes on.
    pub async fn flushing<T>(&self, work: impl Future<Output = T>) -> T {
        if self.probe.clock().is_virtual() {
            return work.await;
        }
        let flush = async {
            loop {
                tokio::time::sleep(FLUSH_EVERY).await;
                self.probe.recorder().flush_if_due();
            }
        };
        tokio::select! {
            done = work => done,
            () = flush => unreachable!("it goes on for ever"),
        }
    }

    /// Whether a poll of a job was answered `not_found` so far.
    pub fn has_denials(&self) -> bool {
        self.probe.recorder().has_denials()
    }

    /// What the run recorded so far, with no end.
    pub fn so_far(&self) -> Result<Journal, RunError> {
        let Some(path) = &self.log else {
            return Ok(Journal { end: None, ..kept(&self.probe, self.header.clone(), EndReason::Complete, Inside::default()) });
        };
        self.probe.recorder().flush().map_err(|error| StorageError::recording(path, error))?;
        read_own(path, &self.header)
    }

    /// Takes an ordinary client's answers into the log's end.
    #[must_use]
    pub fn with_second_opinion(mut self, second_opinion: Option<SecondOpinion>) -> Recording {
        self.second_opinion = second_opinion;
        self
    }

    /// Ends the log, and judges it.
    pub fn conclude(self, reason: EndReason) -> Result<Concluded, RunError> {
        Ok(Concluded::of(self.end(reason)?))
    }

    /// Ends the log, and reads it back.
    pub fn end(self, reason: EndReason) -> Result<Journal, RunError> {
        let inside = self.inside()?;
        let Recording { probe, header, log, second_opinion, .. } = self;
        let Some(path) = log else { return Ok(kept(&probe, header, reason, inside)) };
        let lost = |error| StorageError::recording(&path, error);
        if let Some(error) = probe.recorder().failure() {
            return Err(lost(error).into());
        }
        probe.recorder().inside(&inside);
        if let Some(error) = probe.recorder().failure() {
            return Err(lost(error).into());
        }
        probe.recorder().end_as(End { second_opinion, ..End::new(probe.clock().now(), reason, 0) }).map_err(lost)?;
        // What it held is free for what is read back.
        drop(probe);
        read_own(&path, &header)
    }
}

/// How often it is looked whether lines have waited for long enough.
const FLUSH_EVERY: Duration = Duration::from_millis(250);

/// What a log would say of a run that has none.
fn kept(probe: &Probe, run: Run, reason: EndReason, inside: Inside) -> Journal {
    let recorder = probe.recorder();
    let mut exchanges = recorder.kept();
    crate::log::in_order(&mut exchanges);
    Journal {
        scenarios: run.scenarios.iter().cloned().chain(recorder.decided()).collect(),
        run,
        end: Some(End::new(probe.clock().now(), reason, exchanges.len() as u64)),
        exchanges,
        stopped: recorder.stops(),
        not_asked: recorder.left_out(),
        inside,
        torn: false,
    }
}
