//! A scan from its acceptance to its end.
//!
//! In comes an accepted request on some worker; out go records in result slots, lifecycle phases, and the task that writes them.
//! `accept` decides what is written before the answer, `run` is the background work, `slots` knows where records and lookups are kept for
//! each read path, `lease` notices that the process behind a scan is gone. None of this knows HTTP.

pub(crate) mod accept;
pub(crate) mod cancel;
pub(crate) mod changes;
pub(crate) mod lease;
pub(crate) mod run;
pub(crate) mod slots;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::fault::scope::Region;
use super::record::{Record, State};
use super::request::Filters;
use super::settings::Placeholder;
use super::shared::Shared;
use super::worker::Worker;

/// One run of one scan.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) scan_id: String,
    pub(crate) user: String,
    pub(crate) filters: Filters,
    /// User and filters.
    pub(crate) filter_key: String,
    /// The slot of its records.
    pub(crate) cache_key: String,
    /// Where it is recorded.
    pub(crate) region: Region,
    /// Counts restarts, from 1.
    pub(crate) run: u64,
    /// Whether the request forced a refresh.
    pub(crate) forced: bool,
    /// Its number among all accepted requests.
    pub(crate) ordinal: u64,
    pub(crate) accepted: Instant,
    /// When it was accepted first, in milliseconds since 1970.
    pub(crate) created: u64,
    /// The worker it runs on.
    pub(crate) worker: Arc<Worker>,
    pub(crate) fate: Fate,
}

/// What the faults have in store for a job, drawn when it was accepted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Fate {
    /// Accepted, and never heard of again.
    pub(crate) lost: bool,
    /// How long after the answer it is recorded.
    pub(crate) recorded_after: Duration,
    /// How long it keeps a queue slot.
    pub(crate) slot_held: Duration,
    /// Whether it dies at the crash stage.
    pub(crate) dies: bool,
    /// Accepted, and refused by what looks at it afterwards.
    pub(crate) refused: bool,
    /// How long after its acceptance its owner may see it.
    pub(crate) granted_after: Duration,
    /// How long after its first record the rest of it is written.
    pub(crate) detailed_after: Duration,
    /// How long after its acceptance the POST is answered.
    pub(crate) answered_after: Duration,
}

/// What a running scan says.
pub(crate) const IN_PROGRESS: &str = "Scan in progress";

impl Job {
    /// A record of this job.
    pub(crate) fn record(&self, shared: &Shared, state: State, message: &str) -> Record {
        Record {
            scan_id: self.scan_id.clone(),
            user_id: self.user.clone(),
            run: self.run,
            state,
            message: message.to_owned(),
            strategies_completed: 0,
            total_strategies: self.filters.strategies().len(),
            opportunities: Vec::new(),
            created: self.created,
            updated: shared.clock.unix_millis(),
            execution_time_ms: self.accepted.elapsed().as_millis() as u64,
        }
    }

    /// What is written into the slot before there is a snapshot, for this kind of placeholder.
    pub(crate) fn placeholder(&self, shared: &Shared, kind: Placeholder) -> Option<Record> {
        let mut record = self.record(shared, State::Accepted, "Scan initiated, processing in background...");
        match kind {
            Placeholder::None => return None,
            Placeholder::Unforced if self.forced => return None,
            // The original's placeholder carries no progress at all.
            Placeholder::Plain | Placeholder::Unforced => record.total_strategies = 0,
            Placeholder::Guarded => {}
        }
        Some(record)
    }
}
