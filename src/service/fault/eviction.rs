//! Class F: records that are dropped before anybody expects it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::service::settings::Evict;

/// The rule, and what it has to remember.
#[derive(Debug)]
pub(crate) struct Eviction<T> {
    rule: Evict,
    after: Duration,
    keep: usize,
    finished: Mutex<VecDeque<T>>,
    last_asked: Mutex<BTreeMap<String, Instant>>,
}

impl<T> Eviction<T> {
    pub(crate) fn new(rule: Evict, after: Duration, keep: usize) -> Self {
        Eviction { rule, after, keep, finished: Mutex::default(), last_asked: Mutex::default() }
    }

    /// Waits as long as a finished scan is kept, and says which scans are to be dropped then.
    pub(crate) async fn after_completion(&self, scan: T) -> Vec<T> {
        match self.rule {
            Evict::None | Evict::Idle => Vec::new(),
            Evict::OnCompletion => vec![scan],
            Evict::Ttl => {
                tokio::time::sleep(self.after).await;
                vec![scan]
            }
            Evict::KeepLast => {
                let mut finished = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
                finished.push_back(scan);
                let surplus = finished.len().saturating_sub(self.keep);
                finished.drain(..surplus).collect()
            }
        }
    }

    /// Whether scans are dropped when nobody asks for them.
    pub(crate) fn watches_idleness(&self) -> bool {
        self.rule == Evict::Idle
    }

    /// Watches a scan from now on, as if it had just been asked for.
    pub(crate) fn watch(&self, scan_id: &str) {
        self.asked_at().insert(scan_id.to_owned(), Instant::now());
    }

    /// Somebody asked for a scan; ids that are not watched leave no trace.
    pub(crate) fn asked(&self, scan_id: &str) {
        if let Some(last) = self.asked_at().get_mut(scan_id) {
            *last = Instant::now();
        }
    }

    /// Returns when nobody has asked for a scan for the time it may be idle.
    pub(crate) async fn idle(&self, scan_id: &str) {
        loop {
            let last = self.asked_at().get(scan_id).copied();
            match last {
                Some(last) if last.elapsed() < self.after => {
                    tokio::time::sleep_until(last + self.after).await;
                }
                _ => break,
            }
        }
        self.asked_at().remove(scan_id);
    }

    fn asked_at(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Instant>> {
        self.last_asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
