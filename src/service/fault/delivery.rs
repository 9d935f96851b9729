//! Class W: an end is delivered once, to whoever asks first, as a message is that a reader takes out of a queue.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The ends that have been delivered.
#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    delivered: Mutex<BTreeMap<String, Instant>>,
}

impl Deliveries {
    /// Takes the end of a scan; `false` if somebody has taken it before.
    pub(crate) fn take(&self, scan_id: &str) -> bool {
        let mut delivered = self.lock();
        if delivered.contains_key(scan_id) {
            return false;
        }
        delivered.insert(scan_id.to_owned(), Instant::now());
        true
    }

    /// Forgets what was delivered longer than `age` ago, by when the record is gone as well.
    pub(crate) fn forget_older(&self, age: Duration) {
        self.lock().retain(|_, at| at.elapsed() < age);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Instant>> {
        self.delivered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
