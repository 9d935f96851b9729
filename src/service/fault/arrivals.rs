//! Classes R, V and X: something beside the record that is sent on when the record is written, and arrives later.
//!
//! What arrives is the entry in the access list by which the owner may see a scan (R), the result in the store that serves results (V), or
//! the rest of a record that is written in two parts (X). Whoever looks finds what has arrived by then, which is the same as applying each
//! arrival on time.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What is under way or has arrived, by scan.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    due: Mutex<BTreeMap<String, Instant>>,
}

impl Arrivals {
    /// Sends something that takes this long, unless it has been sent before. Returns when it arrives.
    pub(crate) fn send(&self, scan_id: &str, takes: Duration) -> Instant {
        *self.lock().entry(scan_id.to_owned()).or_insert_with(|| Instant::now() + takes)
    }

    /// Whether what was sent has arrived. What was never sent is not waited for.
    pub(crate) fn has(&self, scan_id: &str) -> bool {
        self.lock().get(scan_id).is_none_or(|due| *due <= Instant::now())
    }

    /// Forgets what arrived longer than `age` ago: it is there for good.
    pub(crate) fn forget_older(&self, age: Duration) {
        let now = Instant::now();
        self.lock().retain(|_, due| now.saturating_duration_since(*due) < age);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Instant>> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
