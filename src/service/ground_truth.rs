//! What the service itself knows about when each scan became visible, and what became of it: the answer key for whoever measures it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// For each scan the instant at which the status read path began to be able to answer it.
///
/// With the memory and the embedded store, and with worker memory, the instant is taken inside the critical section of the insert. With
/// Redis it is taken when the write was acknowledged. With a replica or an index it is when the write arrives there; with a mixed read
/// path, when it arrives anywhere that is read. An owner who may not see a scan yet is no earlier than the grant.
#[derive(Debug, Clone, Default)]
pub struct GroundTruth {
    visible: Arc<Mutex<BTreeMap<String, Instant>>>,
    milestones: Arc<Mutex<BTreeMap<(String, Milestone), Instant>>>,
}

/// An instant in the life of a scan, beside the one at which it became visible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Milestone {
    /// The owner may see it, wherever that is checked.
    Granted,
    /// All that is recorded of it at first is there.
    Detailed,
    /// The latest change shows in every status answer.
    Changed,
    /// Its deletion shows in every status answer.
    Deleted,
    /// Its result can be fetched.
    ResultReady,
}

impl GroundTruth {
    /// The instant at which this scan became visible, if it did.
    pub fn visible_since(&self, scan_id: &str) -> Option<Instant> {
        let recorded = self.lock().get(scan_id).copied()?;
        Some(self.reached(scan_id, Milestone::Granted).map_or(recorded, |granted| granted.max(recorded)))
    }

    /// All of them.
    pub fn all(&self) -> BTreeMap<String, Instant> {
        let scans: Vec<String> = self.lock().keys().cloned().collect();
        scans.into_iter().filter_map(|scan_id| Some((self.visible_since(&scan_id)?, scan_id))).map(|(at, scan_id)| (scan_id, at)).collect()
    }

    /// The instant at which a scan reached a milestone or will, if that is known.
    pub fn reached(&self, scan_id: &str, milestone: Milestone) -> Option<Instant> {
        self.milestones().get(&(scan_id.to_owned(), milestone)).copied()
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

    /// Notes when a scan reaches a milestone; the latest counts.
    pub(crate) fn reaches(&self, scan_id: &str, milestone: Milestone, at: Instant) {
        self.milestones().insert((scan_id.to_owned(), milestone), at);
    }

    /// Forgets what happened longer than `age` ago, so that memory stays bounded.
    pub(crate) fn forget_older(&self, age: Duration) {
        let now = Instant::now();
        self.lock().retain(|_, at| now.saturating_duration_since(*at) < age);
        self.milestones().retain(|_, at| now.saturating_duration_since(*at) < age);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Instant>> {
        self.visible.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn milestones(&self) -> std::sync::MutexGuard<'_, BTreeMap<(String, Milestone), Instant>> {
        self.milestones.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
