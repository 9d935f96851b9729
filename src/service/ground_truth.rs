//! What the service itself knows about when each scan became visible: the answer key for whoever measures it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// For each scan the instant at which the status read path began to be able to answer it.
///
/// With the memory and the embedded store, and with worker memory, the instant is taken inside the critical section of the insert. With
/// Redis it is taken when the write was acknowledged. With a replica or an index it is when the write arrives there; with a mixed read
/// path, when it arrives anywhere that is read.
#[derive(Debug, Clone, Default)]
pub struct GroundTruth {
    visible: Arc<Mutex<BTreeMap<String, Instant>>>,
}

impl GroundTruth {
    /// The instant at which this scan became visible, if it did.
    pub fn visible_since(&self, scan_id: &str) -> Option<Instant> {
        self.lock().get(scan_id).copied()
    }

    /// All of them.
    pub fn all(&self) -> BTreeMap<String, Instant> {
        self.lock().clone()
    }

    /// Notes that a scan can be answered from `at` on; only the earliest counts.
    pub(crate) fn mark(&self, scan_id: &str, at: Instant) {
        let mut visible = self.lock();
        match visible.get_mut(scan_id) {
            Some(known) => *known = at.min(*known),
            None => {
                visible.insert(scan_id.to_owned(), at);
            }
        }
    }

    /// Forgets what became visible longer than `age` ago, so that memory stays bounded.
    pub(crate) fn forget_older(&self, age: Duration) {
        let now = Instant::now();
        self.lock().retain(|_, at| now.saturating_duration_since(*at) < age);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Instant>> {
        self.visible.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
