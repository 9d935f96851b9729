//! One worker: its own memory, as each process of the original system had it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::fault::scope::Region;
use super::ground_truth::GroundTruth;
use super::record::{Admission, Record};
use super::scan::changes::{Change, Changes};
use super::settings::StoreHandle;

/// A worker's number, its maps, and its handle on the shared store.
#[derive(Debug)]
pub(crate) struct Worker {
    /// Counted from 1.
    pub(crate) number: usize,
    memory: Mutex<Memory>,
    /// Whether scan results and lookups are read from and written to the shared store.
    handle_open: AtomicBool,
}

/// The five maps.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    opportunity_cache: BTreeMap<String, Entry>,
    scan_lookup: BTreeMap<String, (String, Instant)>,
    scan_tasks: BTreeMap<String, Task>,
    user_latest: BTreeMap<String, (String, Instant)>,
    changes: BTreeMap<String, (Changes, Instant)>,
}

#[derive(Debug, Clone)]
struct Entry {
    payload: Record,
    expires_at: Instant,
    partial: bool,
}

/// The background task that runs for a user and filters.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) scan_id: String,
    pub(crate) run: u64,
    /// Unknown for the moment between the claim and the start.
    abort: Option<AbortHandle>,
}

/// What a claim found.
#[derive(Debug, Clone)]
pub(crate) enum Claim {
    /// Nobody ran: the key is now taken for the given scan.
    Taken,
    /// This task runs already.
    Running(Task),
}

impl Worker {
    pub(crate) fn new(number: usize, handle: StoreHandle) -> Self {
        Worker { number, memory: Mutex::default(), handle_open: AtomicBool::new(handle == StoreHandle::Eager) }
    }

    /// Opens the handle for good.
    pub(crate) fn open_handle(&self) {
        self.handle_open.store(true, Ordering::Release);
    }

    /// Whether the shared store is used for results.
    pub(crate) fn has_handle(&self) -> bool {
        self.handle_open.load(Ordering::Acquire)
    }

    /// Takes the key for a scan unless a task runs under it.
    pub(crate) fn claim_task(&self, filter_key: &str, scan_id: &str) -> Claim {
        let mut memory = self.lock();
        if let Some(task) = memory.scan_tasks.get(filter_key).filter(|task| task.runs()) {
            return Claim::Running(task.clone());
        }
        let task = Task { scan_id: scan_id.to_owned(), run: 1, abort: None };
        memory.scan_tasks.insert(filter_key.to_owned(), task);
        Claim::Taken
    }

    /// Notes the task that now runs under a key.
    pub(crate) fn set_task(&self, filter_key: &str, scan_id: &str, run: u64, abort: AbortHandle) {
        let task = Task { scan_id: scan_id.to_owned(), run, abort: Some(abort) };
        self.lock().scan_tasks.insert(filter_key.to_owned(), task);
    }

    /// Forgets the task of a run that has ended; a later run's stays.
    pub(crate) fn end_task(&self, filter_key: &str, scan_id: &str, run: u64) {
        self.lock().scan_tasks.retain(|key, task| key != filter_key || task.scan_id != scan_id || task.run != run);
    }

    /// Cancels the task of a scan, if it runs here. Returns the key it ran under.
    pub(crate) fn abort_task(&self, scan_id: &str) -> Option<String> {
        let mut memory = self.lock();
        let key = memory.scan_tasks.iter().find(|(_, task)| task.scan_id == scan_id).map(|(key, _)| key.clone())?;
        if let Some(abort) = memory.scan_tasks.remove(&key).and_then(|task| task.abort) {
            abort.abort();
        }
        Some(key)
    }

    /// Registers where a scan's entry is to be found. If something is there already, the scan can be answered from now on.
    pub(crate) fn register_lookup(&self, region: Region, scan_id: &str, cache_key: &str, ttl: Duration, truth: Option<&GroundTruth>) {
        let mut memory = self.lock();
        let now = Instant::now();
        let key = format!("{}{scan_id}", region.prefix());
        memory.scan_lookup.insert(key, (cache_key.to_owned(), now + ttl));
        let warm = memory.opportunity_cache.get(cache_key).is_some_and(|entry| now < entry.expires_at);
        if let Some(truth) = truth.filter(|_| warm) {
            truth.mark(scan_id, now);
        }
    }

    /// Where a scan's entry is to be found.
    pub(crate) fn lookup(&self, region: Region, scan_id: &str) -> Option<String> {
        let memory = self.lock();
        let found = memory.scan_lookup.get(&format!("{}{scan_id}", region.prefix()));
        found.filter(|(_, until)| Instant::now() < *until).map(|(key, _)| key.clone())
    }

    /// Notes a user's latest scan.
    pub(crate) fn set_latest(&self, user: &str, scan_id: &str, ttl: Duration) {
        self.lock().user_latest.insert(user.to_owned(), (scan_id.to_owned(), Instant::now() + ttl));
    }

    /// A user's latest scan.
    pub(crate) fn latest(&self, user: &str) -> Option<String> {
        let memory = self.lock();
        memory.user_latest.get(user).filter(|(_, until)| Instant::now() < *until).map(|(scan_id, _)| scan_id.clone())
    }

    /// Notes a change to a scan.
    pub(crate) fn change(&self, scan_id: &str, change: &Change, ttl: Duration) {
        let mut memory = self.lock();
        let (changes, until) = memory.changes.entry(scan_id.to_owned()).or_insert_with(|| (Changes::default(), Instant::now()));
        *until = Instant::now() + ttl;
        match change {
            Change::Label(label) => changes.label = Some(label.clone()),
            Change::Delete => changes.deleted = true,
        }
    }

    /// The changes to a scan that were made here.
    pub(crate) fn changes(&self, scan_id: &str) -> Changes {
        let memory = self.lock();
        memory.changes.get(scan_id).filter(|(_, until)| Instant::now() < *until).map(|(changes, _)| changes.clone()).unwrap_or_default()
    }

    /// The entry in a slot, if it has not expired.
    pub(crate) fn entry(&self, cache_key: &str) -> Option<Record> {
        let memory = self.lock();
        memory.opportunity_cache.get(cache_key).filter(|entry| Instant::now() < entry.expires_at).map(|entry| entry.payload.clone())
    }

    /// Writes an entry over whatever is in the slot.
    pub(crate) fn put(&self, cache_key: &str, record: &Record, ttl: Duration, truth: Option<&GroundTruth>) {
        Self::insert(&mut self.lock(), cache_key, record, ttl, truth);
    }

    /// Writes an entry if the one in the slot admits it.
    pub(crate) fn put_guarded(&self, cache_key: &str, record: &Record, ttl: Duration, truth: Option<&GroundTruth>) -> Admission {
        let mut memory = self.lock();
        let there = memory.opportunity_cache.get(cache_key).filter(|entry| Instant::now() < entry.expires_at);
        let admission = there.map_or(Admission::Written, |entry| entry.payload.admits(record));
        if admission == Admission::Written {
            Self::insert(&mut memory, cache_key, record, ttl, truth);
        }
        admission
    }

    /// Removes an entry.
    pub(crate) fn remove(&self, cache_key: &str) {
        self.lock().opportunity_cache.remove(cache_key);
    }

    /// Removes what has expired.
    pub(crate) fn purge(&self) {
        let now = Instant::now();
        let mut memory = self.lock();
        memory.opportunity_cache.retain(|_, entry| now < entry.expires_at);
        memory.scan_lookup.retain(|_, (_, until)| now < *until);
        memory.user_latest.retain(|_, (_, until)| now < *until);
        memory.changes.retain(|_, (_, until)| now < *until);
        memory.scan_tasks.retain(|_, task| task.runs());
    }

    /// Number of entries, lookups and tasks, and how many of the entries are partial.
    pub(crate) fn size(&self) -> (usize, usize) {
        let memory = self.lock();
        let partial = memory.opportunity_cache.values().filter(|entry| entry.partial).count();
        (memory.opportunity_cache.len() + memory.scan_lookup.len() + memory.scan_tasks.len() + memory.user_latest.len(), partial)
    }

    fn insert(memory: &mut Memory, cache_key: &str, record: &Record, ttl: Duration, truth: Option<&GroundTruth>) {
        let now = Instant::now();
        let entry = Entry { payload: record.clone(), expires_at: now + ttl, partial: !record.is_terminal() };
        memory.opportunity_cache.insert(cache_key.to_owned(), entry);
        if let Some(truth) = truth {
            truth.mark(&record.scan_id, now);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        // Every critical section leaves the maps whole at each step, so a poisoned lock is still good.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Task {
    fn runs(&self) -> bool {
        self.abort.as_ref().is_none_or(|abort| !abort.is_finished())
    }
}
