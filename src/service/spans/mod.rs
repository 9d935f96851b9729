//! The service's own traces: what it does for a request, and in the background after it, as OpenTelemetry has it.
//!
//! A request that carries a sampled `traceparent` is recorded, others cost nothing. Which span something is a part of goes along with
//! the task, and with the tasks that it starts.

mod context;
mod export;
mod json;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::clock::Clock;

pub(crate) use context::{carried, serve, within};
pub(crate) use export::{Endpoint, export_from_time_to_time, send_all};

/// Where spans go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SpanExport {
    /// Nowhere: nothing is recorded.
    #[default]
    Off,
    /// They are kept until somebody takes them ([`super::Service::spans`]).
    Kept,
    /// To an OTLP/HTTP receiver at this address, as JSON.
    To(String),
}

/// What is recorded at most before it is sent or taken.
const MOST: usize = 100_000;

/// Spans that have ended.
#[derive(Debug, Clone)]
pub struct SpanStore {
    shared: Arc<Recorded>,
}

#[derive(Debug)]
struct Recorded {
    clock: Clock,
    finished: Mutex<Vec<Finished>>,
    next: AtomicU64,
    seed: u64,
}

/// Where in the sources something is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CodePlace {
    pub(crate) function: &'static str,
    pub(crate) file: &'static str,
    pub(crate) line: u32,
}

/// This place in the sources, within the named function.
macro_rules! here {
    ($function:literal) => {
        $crate::service::spans::CodePlace { function: concat!(module_path!(), "::", $function), file: file!(), line: line!() }
    };
}
pub(crate) use here;

/// What a span stands for, by OTLP's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Internal = 1,
    Server = 2,
    Client = 3,
    Producer = 4,
    Consumer = 5,
}

/// What a span is to say.
#[derive(Debug, Clone)]
pub(crate) struct Description {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) place: CodePlace,
    pub(crate) attributes: Vec<(&'static str, String)>,
}

impl Description {
    /// A piece of work within the process.
    pub(crate) fn work(name: &str, place: CodePlace) -> Description {
        Description { name: name.to_owned(), kind: Kind::Internal, place, attributes: Vec::new() }
    }

    /// A message that is sent to the queue of jobs, or worked on.
    pub(crate) fn message(kind: Kind, place: CodePlace) -> Description {
        let (name, operation) = if kind == Kind::Producer { ("publish discovery", "publish") } else { ("process discovery", "process") };
        let attributes = vec![
            ("messaging.system", "statusgap".to_owned()),
            ("messaging.destination.name", "discovery".to_owned()),
            ("messaging.operation.name", operation.to_owned()),
        ];
        Description { name: name.to_owned(), kind, place, attributes }
    }

    /// A request to a database.
    pub(crate) fn database(system: &str, operation: &str, address: &str, place: CodePlace) -> Description {
        let attributes = vec![
            ("db.system.name", system.to_owned()),
            ("db.operation.name", operation.to_owned()),
            ("server.address", address.to_owned()),
        ];
        Description { name: operation.to_owned(), kind: Kind::Client, place, attributes }
    }
}

/// A span that has ended.
#[derive(Debug, Clone)]
struct Finished {
    trace: [u8; 16],
    span: u64,
    parent: u64,
    description: Description,
    /// In ns since 1970.
    start: u64,
    end: u64,
    worker: usize,
}

impl SpanStore {
    pub(crate) fn new(clock: Clock, seed: u64) -> SpanStore {
        SpanStore { shared: Arc::new(Recorded { clock, finished: Mutex::default(), next: AtomicU64::new(1), seed }) }
    }

    /// The spans that have ended since the last time, as requests of OTLP in JSON, one for each worker.
    pub fn take(&self) -> Vec<Vec<u8>> {
        let finished = std::mem::take(&mut *self.shared.finished.lock().unwrap_or_else(PoisonError::into_inner));
        json::requests(&finished)
    }

    fn now(&self) -> u64 {
        self.shared.clock.unix_nanos()
    }

    /// An id that no other span of this service has.
    fn next_id(&self) -> u64 {
        let n = self.shared.next.fetch_add(1, Ordering::Relaxed);
        // Odd multiplier: different numbers stay different; never zero, since `n` is not.
        let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let id = (mixed ^ (mixed >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93) ^ self.shared.seed;
        if id == 0 { n } else { id }
    }

    fn finish(&self, span: Finished) {
        let mut finished = self.shared.finished.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever does not take them loses the latest.
        if finished.len() < MOST {
            finished.push(span);
        }
    }
}
