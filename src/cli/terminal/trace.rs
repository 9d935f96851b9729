//! `--verbose`: exchanges as text, on their way to standard error.
//!
//! A thread of its own writes them: a terminal that is slow, or a pager that waits, must not make a poll late.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::cli::terminal::output;
use crate::probe::Tracing;

/// So many exchanges may wait to be written; what is more is left out and counted.
const WAITING: usize = 1024;

/// Where exchanges are shown.
pub struct Trace {
    lines: Mutex<Option<SyncSender<String>>>,
    left_out: Arc<AtomicU64>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Trace {
    /// Shows them on standard error.
    pub fn to_standard_error() -> Arc<Trace> {
        let (lines, waiting) = sync_channel(WAITING);
        let left_out = Arc::new(AtomicU64::new(0));
        let of_thread = Arc::clone(&left_out);
        // Without a thread nothing is shown, and the run goes on.
        let thread = std::thread::Builder::new().name("trace".to_owned()).spawn(move || show(&waiting, &of_thread)).ok();
        Arc::new(Trace { lines: Mutex::new(Some(lines)), left_out, thread: Mutex::new(thread) })
    }
}

impl Tracing for Trace {
    fn exchange(&self, text: String) {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.as_ref().is_none_or(|lines| lines.try_send(text).is_err()) {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What was handed over is shown before the last owner goes.
impl Drop for Trace {
    fn drop(&mut self) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // A thread that panicked has nothing to show.
            let _ = thread.join();
        }
    }
}

fn show(waiting: &Receiver<String>, left_out: &AtomicU64) {
    for text in waiting {
        output::eprint_note(&text);
        let left_out = left_out.swap(0, Ordering::Relaxed);
        if left_out > 0 {
            output::eprint_note(&format!(
                "* {left_out} exchanges are not shown: standard error is slower than the run; they are in the log"
            ));
        }
    }
}
