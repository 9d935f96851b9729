//! Writes the log: whoever has a line puts it into a shared list, and a thread of the log's own makes JSON of it and takes that to the
//! file.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::log::tally::Tally;
use crate::model::exchange::Exchange;
use crate::model::run::{End, EndReason, Flaw, NotAsked, Run, Stopped};
use crate::model::scenario::Scenario;
use crate::model::span::{Span, SpanIntake};
use crate::model::time::Stamp;

/// A line is on the disk at most this long after it was written: what a killed run may lose.
const FLUSH_EVERY: Duration = Duration::from_millis(250);

/// Enough lines for one system call to be cheap per line, few enough to lose little.
const BUFFER: usize = 64 * 1024;

/// So much may wait for a slow disk: some seconds of the fastest polling, hours of the usual.
const MOST_WAITING: usize = 64 * 1024 * 1024;

/// So much may wait where whoever records can wait as well.
const MOST_WAITING_PATIENTLY: usize = 8 * BUFFER;

/// Why a line could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The file did not take it: disk full, folder gone.
    #[error("cannot write the log")]
    Io(#[from] io::Error),
    /// The line could not be put into JSON.
    #[error("cannot put a line into JSON")]
    Json(#[from] serde_json::Error),
}

/// Appends lines to a log.
///
/// A line is put into a shared list under a plain mutex, which nobody holds while JSON is made or a file is written. The order of
/// lines is the order of calls, which keeps virtual runs byte-identical. A thread swaps the list for an empty one when it is large
/// or old, and writes it out: many lines one after the other cost a fraction of what each does between two requests, when none of
/// the code for it is in the processor's caches. A slow disk delays no poll, and if it is too slow by `MOST_WAITING`, recording
/// fails rather than waits.
#[derive(Clone)]
pub struct LogWriter {
    shared: Arc<Shared>,
    /// Ends with the last clone.
    _thread: Arc<WriterThread>,
}

struct Shared {
    waiting: Mutex<Waiting>,
    /// Something is to be written, or the log is closed.
    due: Condvar,
    /// The thread has written what it had.
    idle: Condvar,
    when_full: WhenFull,
}

/// What becomes of a line for which there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WhenFull {
    /// The recording has failed.
    Fail,
    /// Whoever records waits.
    Wait,
}

/// A line that is to be written.
enum Entry {
    Exchange(Exchange),
    Scenario(Box<Scenario>),
    Stopped(Stopped),
    NotAsked(Box<NotAsked>),
    Span(Box<Span>),
    SpanIntake(SpanIntake),
    End(End),
}

#[derive(Default)]
struct Waiting {
    lines: Vec<Entry>,
    /// The memory that they take, in bytes.
    weight: usize,
    /// Since when the oldest of them waits; `None` if there is none.
    since: Option<Instant>,
    /// To be written whatever its size and age.
    flush: bool,
    writing: bool,
    closed: bool,
    /// One failed write ends the log: a gap in the middle would look like a whole log.
    failed: Option<io::Error>,
}

struct WriterThread {
    shared: Arc<Shared>,
    handle: Option<JoinHandle<()>>,
}

/// A line as it is written: [`Line`](crate::model::run::Line) without ownership.
#[derive(Serialize)]
#[serde(tag = "line", rename_all = "snake_case")]
enum LineRef<'a> {
    Run(&'a Run),
    Scenario(&'a Scenario),
    Exchange(&'a Exchange),
    Stopped(Stopped),
    NotAsked(&'a NotAsked),
    Span(&'a Span),
    SpanIntake(SpanIntake),
    End(End),
}

impl LogWriter {
    /// Begins a log with its header, and waits until that is written.
    pub fn begin(out: Box<dyn Write + Send>, run: &Run) -> Result<LogWriter, WriteError> {
        LogWriter::with(out, run, WhenFull::Fail)
    }

    /// [`LogWriter::begin`], for whoever has no schedule to keep: lines wait for a slow file, and so does whoever adds them.
    pub fn begin_patiently(out: Box<dyn Write + Send>, run: &Run) -> Result<LogWriter, WriteError> {
        LogWriter::with(out, run, WhenFull::Wait)
    }

    fn with(out: Box<dyn Write + Send>, run: &Run, when_full: WhenFull) -> Result<LogWriter, WriteError> {
        let shared = Arc::new(Shared { waiting: Mutex::default(), due: Condvar::new(), idle: Condvar::new(), when_full });
        let mut lines = Lines { text: Vec::with_capacity(2 * BUFFER), tally: Tally::default(), scenarios: run.scenarios.len() };
        lines.put_other(&LineRef::Run(run))?;
        let of_thread = Arc::clone(&shared);
        let handle = std::thread::Builder::new().name("log".to_owned()).spawn(move || of_thread.write_until_closed(out, lines))?;
        let thread = Arc::new(WriterThread { shared: Arc::clone(&shared), handle: Some(handle) });
        let writer = LogWriter { shared, _thread: thread };
        writer.flush()?;
        Ok(writer)
    }

    /// Adds a scenario that was decided on during the run.
    pub fn scenario(&self, scenario: &Scenario) -> Result<(), WriteError> {
        self.add(Entry::Scenario(Box::new(scenario.clone())))
    }

    /// Adds an exchange.
    pub fn exchange(&self, exchange: &Exchange) -> Result<(), WriteError> {
        self.add(Entry::Exchange(exchange.clone()))
    }

    /// Adds that a scenario was stopped.
    pub fn stopped(&self, stopped: Stopped) -> Result<(), WriteError> {
        self.add(Entry::Stopped(stopped))
    }

    /// Adds that a scenario was left out.
    pub fn not_asked(&self, not_asked: &NotAsked) -> Result<(), WriteError> {
        self.add(Entry::NotAsked(Box::new(not_asked.clone())))
    }

    /// Adds a span of the target's.
    pub fn span(&self, span: &Span) -> Result<(), WriteError> {
        self.add(Entry::Span(Box::new(span.clone())))
    }

    /// Adds what became of the spans.
    pub fn span_intake(&self, intake: SpanIntake) -> Result<(), WriteError> {
        self.add(Entry::SpanIntake(intake))
    }

    /// Ends the log. Lines of exchanges that come later are still kept, after the end.
    pub fn end(&self, at: Stamp, reason: EndReason) -> Result<(), WriteError> {
        self.end_with(at, reason, Vec::new())
    }

    /// [`LogWriter::end`], where something is known to be wrong with the lines.
    pub fn end_with(&self, at: Stamp, reason: EndReason, flaws: Vec<Flaw>) -> Result<(), WriteError> {
        self.end_as(End { flaws, ..End::new(at, reason, 0) })
    }

    /// [`LogWriter::end`], with all that is to be said at the end but for the counts.
    pub fn end_as(&self, end: End) -> Result<(), WriteError> {
        self.add(Entry::End(end))?;
        self.flush()
    }

    /// Writes out what is buffered, and waits for it.
    pub fn flush(&self) -> Result<(), WriteError> {
        let mut waiting = self.shared.lock();
        waiting.flush = true;
        self.shared.due.notify_one();
        while (waiting.flush || waiting.writing) && waiting.failed.is_none() {
            waiting = self.shared.idle.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.check()
    }

    /// Has what is older than the promise written out, and does not wait for it; to be called now and then by whoever owns the
    /// run, since the thread does not look at the clock by itself.
    pub fn flush_if_due(&self) -> Result<(), WriteError> {
        let waiting = self.shared.lock();
        if waiting.since.is_some_and(|since| since.elapsed() >= FLUSH_EVERY) {
            self.shared.due.notify_one();
        }
        waiting.check()
    }

    fn add(&self, entry: Entry) -> Result<(), WriteError> {
        let weight = entry.weight();
        let mut waiting = self.shared.lock();
        waiting.check()?;
        match self.shared.when_full {
            WhenFull::Fail if waiting.weight + weight > MOST_WAITING => {
                waiting.failed =
                    Some(io::Error::new(io::ErrorKind::StorageFull, "the disk is slower than the run: 64 MiB wait to be written"));
                return waiting.check();
            }
            WhenFull::Fail => {}
            WhenFull::Wait => {
                // What waits already is due, so that the thread has been told.
                while waiting.weight > MOST_WAITING_PATIENTLY {
                    waiting = self.shared.idle.wait(waiting).unwrap_or_else(PoisonError::into_inner);
                    waiting.check()?;
                }
            }
        }
        waiting.lines.push(entry);
        waiting.weight += weight;
        let since = *waiting.since.get_or_insert_with(Instant::now);
        // A list that is being written is not announced again: the thread looks before it sleeps.
        if !waiting.writing && waiting.is_due(since) {
            self.shared.due.notify_one();
        }
        Ok(())
    }
}

impl Entry {
    /// The memory that it takes, in bytes; texts that it shares with others are counted as its own.
    fn weight(&self) -> usize {
        let texts = match self {
            Entry::Exchange(exchange) => exchange.texts().map(|text| text.len()).sum(),
            Entry::Span(span) => {
                size_of::<Span>() + span.attributes.iter().map(|(name, value)| name.len() + value.len() + 64).sum::<usize>()
            }
            // They are few.
            Entry::Scenario(_) | Entry::Stopped(_) | Entry::NotAsked(_) | Entry::SpanIntake(_) | Entry::End(_) => 0,
        };
        size_of::<Entry>() + texts
    }
}

/// Appends a line in JSON.
fn put_line(text: &mut Vec<u8>, line: &LineRef<'_>) -> serde_json::Result<()> {
    serde_json::to_writer(&mut *text, line)?;
    text.push(b'\n');
    Ok(())
}

/// What the thread has of the log: lines that are put together, and what was added up of all lines so far. The end is counted here,
/// where lines have their final order, so that recording an exchange costs nothing more.
struct Lines {
    text: Vec<u8>,
    tally: Tally,
    /// Scenarios so far.
    scenarios: usize,
}

impl Lines {
    /// Appends a line that is neither an exchange nor a span.
    fn put_other(&mut self, line: &LineRef<'_>) -> serde_json::Result<()> {
        let from = self.text.len();
        put_line(&mut self.text, line)?;
        self.tally.other(&self.text[from..]);
        Ok(())
    }

    /// Writes lines out, in pieces of about `BUFFER`.
    fn write_all(&mut self, out: &mut dyn Write, lines: &[Entry]) -> io::Result<()> {
        for line in lines {
            match line {
                Entry::Exchange(exchange) => {
                    self.tally.exchange(exchange);
                    put_line(&mut self.text, &LineRef::Exchange(exchange))?;
                }
                Entry::Scenario(scenario) => {
                    self.tally.scenario(scenario, self.scenarios);
                    self.scenarios += 1;
                    self.put_other(&LineRef::Scenario(scenario))?;
                }
                Entry::Stopped(stopped) => {
                    self.tally.stopped(*stopped);
                    self.put_other(&LineRef::Stopped(*stopped))?;
                }
                Entry::NotAsked(not_asked) => {
                    self.tally.not_asked(not_asked);
                    self.put_other(&LineRef::NotAsked(not_asked))?;
                }
                Entry::Span(span) => {
                    self.tally.span(span);
                    put_line(&mut self.text, &LineRef::Span(span))?;
                }
                Entry::SpanIntake(intake) => self.put_other(&LineRef::SpanIntake(*intake))?,
                Entry::End(end) => {
                    let (sum, others) = (Some(self.tally.sum()), Some(self.tally.others()));
                    let counted = End { exchanges: self.tally.exchanges, sum, others, ..end.clone() };
                    put_line(&mut self.text, &LineRef::End(counted))?;
                }
            }
            if self.text.len() >= BUFFER {
                out.write_all(&self.text)?;
                self.text.clear();
            }
        }
        out.write_all(&self.text)?;
        self.text.clear();
        Ok(())
    }
}

impl Waiting {
    fn is_due(&self, since: Instant) -> bool {
        self.weight >= BUFFER || since.elapsed() >= FLUSH_EVERY
    }

    fn check(&self) -> Result<(), WriteError> {
        match &self.failed {
            Some(error) => Err(WriteError::Io(io::Error::new(error.kind(), error.to_string()))),
            None => Ok(()),
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing that can panic happens under the lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread's whole life.
    fn write_until_closed(&self, mut out: Box<dyn Write + Send>, mut text: Lines) {
        let mut taken = Vec::new();
        let mut waiting = self.lock();
        loop {
            let due = waiting.flush || waiting.closed || waiting.since.is_some_and(|since| waiting.is_due(since));
            if !due {
                waiting = self.due.wait(waiting).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            std::mem::swap(&mut waiting.lines, &mut taken);
            let flush = std::mem::take(&mut waiting.flush);
            waiting.weight = 0;
            waiting.since = None;
            waiting.writing = true;
            drop(waiting);
            let written = text.write_all(&mut out, &taken).and_then(|()| if flush { out.flush() } else { Ok(()) });
            taken.clear();
            waiting = self.lock();
            waiting.writing = false;
            if let Err(error) = written {
                waiting.failed.get_or_insert(error);
            }
            self.idle.notify_all();
            if waiting.failed.is_some() || (waiting.closed && waiting.lines.is_empty()) {
                return;
            }
        }
    }
}

/// What was handed over is written before the last owner goes.
impl Drop for WriterThread {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.due.notify_one();
        if let Some(handle) = self.handle.take() {
            // A writer that panicked has nothing to add to what it failed with.
            let _ = handle.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::model::answer::Answer;
    use crate::model::exchange::{Connection, Kind, Purpose};
    use crate::model::run::{Capabilities, ClockNote, Environment, HttpVersion, LOG_SCHEMA, Line, TargetNote};
    use crate::model::time::Nanos;

    fn run() -> Run {
        Run {
            schema: LOG_SCHEMA,
            tool: "test".into(),
            run_id: "test".into(),
            started: "2026-01-01T00:00:00Z".into(),
            seed: 1,
            target: TargetNote {
                name: "test".into(),
                base_url: "http://localhost".into(),
                file: String::new(),
                service: None,
                can: Capabilities::default(),
                status: crate::model::run::StatusNote::default(),
                http: HttpVersion::One,
                noun: crate::model::noun::Noun::default(),
                slo: Vec::new(),
            },
            scenarios: Vec::new(),
            clock: ClockNote { timer: "virtual".into(), resolution: Nanos(1) },
            shard: None,
            pair: None,
            command: "test".into(),
            environment: Environment { system: "test".into(), processors: 1 },
            allow: Vec::new(),
            recording: None,
            contact: None,
            trace_prefix: None,
        }
    }

    fn exchange(scan: u64) -> Exchange {
        Exchange {
            scenario: 0,
            arm: 0,
            scan: Some(scan).into(),
            kind: Kind::Poll,
            purpose: Purpose::Offset,
            connection: Connection::Fresh,
            poller: 0,
            offset: Some(Nanos(100)).into(),
            planned: Stamp(1),
            sent: Stamp(2),
            first_byte: Some(Stamp(3)).into(),
            done: Stamp(4),
            conn: Some(5).into(),
            new_conn: Some(true),
            http: Some(200),
            answer: Answer::Visible,
            fault: None,
            state: None,
            word: Some("busy".into()),
            progress: Some(0.5).into(),
            id: None,
            echo: None,
            worker: None,
            cache: None,
            seen: None,
            complete: None,
            created: crate::model::compact::CompactOption::NONE,
            route: None,
            trace: None,
            digest: Some([1; 8].into()),
            body: None,
        }
    }

    /// Says when it is written to, and goes on when it is told to.
    struct Slow {
        began: mpsc::Sender<usize>,
        go_on: mpsc::Receiver<io::Result<()>>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // A test that has ended does not mind.
            let _ = self.began.send(bytes.len());
            self.go_on.recv().unwrap_or(Ok(()))?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn slow() -> (Slow, mpsc::Receiver<usize>, mpsc::Sender<io::Result<()>>) {
        let ((began, began_here), (go_on, told)) = (mpsc::channel(), mpsc::channel());
        (Slow { began, go_on: told }, began_here, go_on)
    }

    /// A log whose header is written, on a file that now waits to be told. The log comes first: its end waits for the file, so that
    /// it must be the last to go, also where an assertion fails.
    fn slow_log() -> (LogWriter, mpsc::Receiver<usize>, mpsc::Sender<io::Result<()>>) {
        let (file, began, go_on) = slow();
        go_on.send(Ok(())).expect("the header may be written");
        let log = LogWriter::begin(Box::new(file), &run()).expect("a header");
        began.recv().expect("the header");
        (log, began, go_on)
    }

    /// An exchange that is due as soon as it is recorded.
    fn large() -> Exchange {
        Exchange { body: Some("x".repeat(1 << 20).into()), ..exchange(0) }
    }

    #[test]
    fn a_line_without_ownership_is_written_like_the_one_that_is_read() {
        let one = exchange(7);
        let written = serde_json::to_string(&LineRef::Exchange(&one)).expect("plain data");
        assert_eq!(written, serde_json::to_string(&Line::Exchange(Box::new(one))).expect("plain data"));
        let written = serde_json::to_string(&LineRef::Run(&run())).expect("plain data");
        assert_eq!(written, serde_json::to_string(&Line::Run(Box::new(run()))).expect("plain data"));
    }

    #[test]
    fn lines_are_taken_while_the_file_is_being_written() {
        let (log, began, go_on) = slow_log();
        log.exchange(&large()).expect("a line");
        began.recv().expect("its writing begins, and does not end");
        for more in 0..1000 {
            log.exchange(&exchange(more)).expect("a line that waits for nobody");
        }
        drop(go_on);
        log.end(Stamp(9), EndReason::Complete).expect("the rest is written");
    }

    #[test]
    fn whoever_has_no_schedule_waits_for_a_slow_file_and_loses_nothing() {
        let (file, began, go_on) = slow();
        let writing = std::thread::spawn(move || {
            let log = LogWriter::begin_patiently(Box::new(file), &run()).expect("a header");
            for _ in 0..200 {
                log.exchange(&large()).expect("room for it, sooner or later");
            }
            log.end(Stamp(9), EndReason::Complete).expect("the rest is written");
        });
        let mut written = 0;
        while let Ok(bytes) = began.recv() {
            written += bytes;
            go_on.send(Ok(())).expect("somebody writes");
        }
        assert!(written > 200 << 20, "{written}");
        writing.join().expect("no panic");
    }

    #[test]
    fn a_failed_write_is_told_with_every_line_after_it() {
        let (log, _began, go_on) = slow_log();
        go_on.send(Err(io::Error::from(io::ErrorKind::StorageFull))).expect("somebody writes");
        log.exchange(&exchange(0)).expect("nobody has written it yet");
        assert!(log.flush().is_err());
        assert!(log.exchange(&exchange(1)).is_err());
        assert!(log.end(Stamp(9), EndReason::Complete).is_err());
    }

    #[test]
    fn a_disk_that_is_too_slow_ends_the_recording_and_delays_nobody() {
        let (log, began, _go_on) = slow_log();
        log.exchange(&large()).expect("a line");
        began.recv().expect("its writing begins, and does not end");
        let taken = (0..200).take_while(|_| log.exchange(&large()).is_ok()).count();
        // Lines of a little more than 1 MiB, of which 64 MiB may wait.
        assert_eq!(taken, 63);
    }
}
