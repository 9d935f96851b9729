//! Where a run's spans come from: exporters that send them, files that a collector writes, or the reference service in this process.

mod receiver;
#[cfg(test)]
mod tests;
mod unpack;

use std::fs::File;
use std::io::BufReader;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::log::StorageError;
use crate::model::run::Journal;
use crate::model::span::{Inside, Span, SpanIntake};
use crate::model::trace::SpanId;
use crate::run::RunError;
use crate::service::SpanStore;
use crate::traces::{Bounds, Keeper, read_file, read_json};

use receiver::Receiver;

/// The address at which exporters look for a collector.
pub const USUAL_ADDRESS: &str = "127.0.0.1:4318";

/// How long spans are waited for after the last request: exporters send theirs every 5 s.
pub const USUAL_WAIT: Duration = Duration::from_secs(6);

/// What is asked of traces.
#[derive(Debug, Clone)]
pub struct SpanOptions {
    /// Whether requests carry `traceparent`.
    pub headers: bool,
    /// Where exporters may send spans.
    pub listen: Option<SocketAddr>,
    /// Files that are read when the run has ended.
    pub files: Vec<PathBuf>,
    /// How long spans are waited for after the last request.
    pub wait: Duration,
}

impl Default for SpanOptions {
    /// Headers, and nobody who listens.
    fn default() -> SpanOptions {
        SpanOptions { headers: true, listen: None, files: Vec::new(), wait: USUAL_WAIT }
    }
}

impl SpanOptions {
    /// The same headers, and nobody who listens: for a second target.
    #[must_use]
    pub fn headers_alone(&self) -> SpanOptions {
        SpanOptions { headers: self.headers, ..SpanOptions::default() }
    }

    /// Whether spans are wanted.
    pub fn wants_spans(&self) -> bool {
        self.listen.is_some() || !self.files.is_empty()
    }
}

/// What spans of a run come from.
#[derive(Debug)]
pub struct SpanSource {
    keeper: Arc<Mutex<Keeper>>,
    files: Vec<PathBuf>,
    receiver: Option<Receiver>,
    /// The reference service in this process.
    store: Option<SpanStore>,
    wait: Duration,
}

impl SpanSource {
    /// Opens what was asked for.
    pub fn open(options: &SpanOptions, run: SpanId) -> Result<SpanSource, RunError> {
        for file in &options.files {
            // Not after a run of an hour.
            opened(file)?;
        }
        let keeper = Arc::new(Mutex::new(Keeper::of_run(run, Bounds::default())));
        let receiver = options.listen.map(|address| Receiver::open(address, Arc::clone(&keeper))).transpose()?;
        Ok(SpanSource { keeper, files: options.files.clone(), receiver, store: None, wait: options.wait })
    }

    /// Also the spans of a reference service in this process, which are there at once.
    #[must_use]
    pub fn with_store(self, store: SpanStore) -> SpanSource {
        SpanSource { store: Some(store), ..self }
    }

    /// Where exporters may send spans.
    pub fn address(&self) -> Option<SocketAddr> {
        self.receiver.as_ref().map(Receiver::address)
    }

    /// From now on the spans of the run whose trace ids begin so.
    pub fn expect(&self, run: SpanId) {
        *self.keeper() = Keeper::of_run(run, Bounds::default());
    }

    /// How long spans have to be waited for.
    pub fn wait(&self) -> Duration {
        self.wait
    }

    /// What has come so far. `started`: the run's wall clock at stamp zero; `clean` takes secrets out of a text.
    pub fn hand_over(&self, started: &str, clean: impl Fn(String) -> String) -> Result<(Vec<Span>, SpanIntake), RunError> {
        if let Some(store) = &self.store {
            for json in store.take() {
                self.take_json(&json);
            }
        }
        let mut keeper = self.keeper();
        for file in &self.files {
            // The run is over, and its log does not depend on what somebody wrote beside it.
            match read_into(&mut keeper, file) {
                Err(RunError::Spans(_) | RunError::Storage(_)) => keeper.unreadable(1),
                read => read?,
            }
        }
        Ok(keeper.hand_over(since_1970(started), clean))
    }

    /// Stops listening.
    pub fn close(&self) {
        if let Some(receiver) = &self.receiver {
            receiver.close();
        }
    }

    fn take_json(&self, json: &[u8]) {
        let mut keeper = self.keeper();
        let read = read_json(json, &mut |span| keeper.take_in(span));
        keeper.unreadable(read.unwrap_or(1));
    }

    fn keeper(&self) -> MutexGuard<'_, Keeper> {
        // It is whole after each span.
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds the spans of files to a log that was written before, in memory.
pub fn add_files(journal: &mut Journal, files: &[PathBuf]) -> Result<(), RunError> {
    let Some(run) = journal.run.trace_prefix else {
        return Err(RunError::refused(
            "the requests of this log carried no trace ids, so that no span can be said to be theirs",
            "run it again without --no-trace-headers: every request then carries a `traceparent`",
        ));
    };
    let mut keeper = Keeper::of_run(run, Bounds::default());
    for file in files {
        read_into(&mut keeper, file)?;
    }
    // Texts of a log have no secrets left, and nobody knows any more which there were.
    let redaction = crate::model::redaction::Redaction::default();
    let (spans, intake) = keeper.hand_over(since_1970(&journal.run.started), |text| redaction.clean(text));
    let known: std::collections::BTreeSet<_> = journal.inside.spans.iter().map(|span| (span.trace, span.span)).collect();
    let mut all = std::mem::take(&mut journal.inside.spans);
    all.extend(spans.into_iter().filter(|span| !known.contains(&(span.trace, span.span))));
    all.sort_by_key(|span| (span.start, span.end, span.trace, span.span));
    journal.inside = Inside { spans: all, intake: Some(journal.inside.intake.unwrap_or_default().and(intake)) };
    Ok(())
}

fn read_into(keeper: &mut Keeper, file: &Path) -> Result<(), RunError> {
    let input = opened(file)?;
    let bad = read_file(&file.display().to_string(), BufReader::new(input), &mut |span| keeper.take_in(span))?;
    keeper.unreadable(bad);
    Ok(())
}

/// Opens a file of spans.
fn opened(file: &Path) -> Result<File, RunError> {
    let unreadable = |source| StorageError::file("read", file, source);
    let opened = File::open(file).map_err(unreadable)?;
    if opened.metadata().map_err(unreadable)?.is_dir() {
        return Err(RunError::refused(format!("{} is a folder", file.display()), "give the files in it, each with a --traces of its own"));
    }
    Ok(opened)
}

/// A wall clock as ns since 1970; 0 where it is not a time, so that spans stay comparable with each other.
fn since_1970(started: &str) -> u64 {
    let nanos = started.parse::<jiff::Timestamp>().map_or(0, jiff::Timestamp::as_nanosecond);
    u64::try_from(nanos).unwrap_or(0)
}
