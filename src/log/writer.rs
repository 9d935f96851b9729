//! Writes the log: whoever has a line serialises it into one shared buffer, which goes to the file when it is large or old.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::model::exchange::Exchange;
use crate::model::run::{End, EndReason, Line, Run, Stopped};
use crate::model::scenario::Scenario;
use crate::model::time::Stamp;

/// A line is on the disk at most this long after it was written: what a killed run may lose.
const FLUSH_EVERY: Duration = Duration::from_millis(250);

/// Why a line could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The file did not take it: disk full, folder gone.
    #[error("cannot write the log")]
    Io(#[from] std::io::Error),
    /// The line could not be put into JSON.
    #[error("cannot put a line into JSON")]
    Json(#[from] serde_json::Error),
}

/// Appends lines to a log.
///
/// Lines are serialised by the caller into a shared buffer under a plain mutex (held for a copy of some hundred bytes, never
/// across an await), and written out when the buffer is large or old. That is cheaper than a channel and a task per line,
/// and the order of lines is the order of calls, which keeps virtual runs byte-identical.
#[derive(Clone)]
pub struct LogWriter {
    inner: Arc<Mutex<Inner>>,
    exchanges: Arc<AtomicU64>,
}

struct Inner {
    out: Box<dyn Write + Send>,
    buffer: Vec<u8>,
    flushed: Instant,
    failed: Option<std::io::Error>,
}

/// Enough lines for one system call to be cheap per line, few enough to lose little.
const BUFFER: usize = 64 * 1024;

impl LogWriter {
    /// Begins a log with its header.
    pub fn begin(out: Box<dyn Write + Send>, run: &Run) -> Result<LogWriter, WriteError> {
        let writer = LogWriter {
            inner: Arc::new(Mutex::new(Inner { out, buffer: Vec::with_capacity(2 * BUFFER), flushed: Instant::now(), failed: None })),
            exchanges: Arc::new(AtomicU64::new(0)),
        };
        writer.line(&Line::Run(Box::new(run.clone())))?;
        writer.flush()?;
        Ok(writer)
    }

    /// Adds a scenario that was decided on during the run.
    pub fn scenario(&self, scenario: &Scenario) -> Result<(), WriteError> {
        self.line(&Line::Scenario(Box::new(scenario.clone())))
    }

    /// Adds an exchange.
    pub fn exchange(&self, exchange: &Exchange) -> Result<(), WriteError> {
        self.exchanges.fetch_add(1, Ordering::Relaxed);
        self.line(&Line::Exchange(Box::new(exchange.clone())))
    }

    /// Adds that a scenario was stopped.
    pub fn stopped(&self, stopped: Stopped) -> Result<(), WriteError> {
        self.line(&Line::Stopped(stopped))
    }

    /// Ends the log. Lines of exchanges that come later are still kept, after the end.
    pub fn end(&self, at: Stamp, reason: EndReason) -> Result<(), WriteError> {
        self.line(&Line::End(End { at, reason, exchanges: self.exchanges.load(Ordering::Relaxed) }))?;
        self.flush()
    }

    /// Writes out what is buffered.
    pub fn flush(&self) -> Result<(), WriteError> {
        let mut inner = self.lock();
        inner.write_out()?;
        inner.out.flush()?;
        Ok(())
    }

    /// Flushes if the oldest buffered line is older than the promise; to be called now and then by whoever owns the run.
    pub fn flush_if_due(&self) -> Result<(), WriteError> {
        let due = self.lock().flushed.elapsed() >= FLUSH_EVERY;
        if due { self.flush() } else { Ok(()) }
    }

    fn line(&self, line: &Line) -> Result<(), WriteError> {
        let mut inner = self.lock();
        serde_json::to_writer(&mut inner.buffer, line)?;
        inner.buffer.push(b'\n');
        if inner.buffer.len() >= BUFFER || inner.flushed.elapsed() >= FLUSH_EVERY {
            inner.write_out()?;
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        // A panic while holding the lock can only have come from serialisation; the buffer is still a row of whole lines
        // and at most one torn one, which readers expect.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// One failed write ends the log: a gap in the middle would look like a whole log.
    fn write_out(&mut self) -> Result<(), std::io::Error> {
        if let Some(error) = &self.failed {
            return Err(std::io::Error::new(error.kind(), error.to_string()));
        }
        self.flushed = Instant::now();
        if let Err(error) = self.out.write_all(&self.buffer) {
            let told = std::io::Error::new(error.kind(), error.to_string());
            self.failed = Some(error);
            return Err(told);
        }
        self.buffer.clear();
        Ok(())
    }
}
