//! The store as one map in this process.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::{Put, Reveal, Write};
use crate::service::record::{Admission, Standing};

/// A map with lifetimes. An expired value is never answered, whether or not it has been purged.
#[derive(Debug, Default)]
pub(crate) struct MemoryStore {
    maps: Mutex<Maps>,
}

/// What the store holds. Also what a lagging replica holds.
#[derive(Debug, Default)]
pub(crate) struct Maps {
    values: BTreeMap<String, (String, Instant)>,
    phases: BTreeMap<String, (BTreeMap<String, String>, Instant)>,
    lifecycle_index: BTreeMap<String, u64>,
}

impl Maps {
    /// A key's value at `now`.
    pub(crate) fn get(&self, key: &str, now: Instant) -> Option<&str> {
        self.values.get(key).filter(|(_, until)| now < *until).map(|(value, _)| value.as_str())
    }

    /// Applies one write at `now`.
    pub(crate) fn apply(&mut self, write: &Write, now: Instant) {
        match write {
            Write::Set { key, value, ttl } => {
                self.values.insert(key.clone(), (value.clone(), now + *ttl));
            }
            Write::Delete { key } => {
                self.values.remove(key);
            }
            Write::DeleteIf { key, value } => {
                if self.get(key, now) == Some(value) {
                    self.values.remove(key);
                }
            }
            Write::Phase { scan_id, phase, value, at, ttl } => {
                let (phases, until) = self.phases.entry(scan_id.clone()).or_insert_with(|| (BTreeMap::new(), now));
                phases.insert(phase.clone(), value.clone());
                *until = now + *ttl;
                self.lifecycle_index.insert(scan_id.clone(), *at);
            }
        }
    }

    /// Applies a batch at `now`.
    fn apply_all(&mut self, writes: &[Write], now: Instant) {
        for write in writes {
            self.apply(write, now);
        }
    }

    /// Removes what has expired by `now`.
    pub(crate) fn purge(&mut self, now: Instant) {
        self.values.retain(|_, (_, until)| now < *until);
        self.phases.retain(|_, (_, until)| now < *until);
        let phases = &self.phases;
        self.lifecycle_index.retain(|scan_id, _| phases.contains_key(scan_id));
    }
}

impl MemoryStore {
    pub(crate) fn get(&self, key: &str) -> Option<String> {
        self.lock().get(key, Instant::now()).map(str::to_owned)
    }

    pub(crate) fn apply(&self, writes: &[Write], reveal: Option<Reveal<'_>>) {
        let mut maps = self.lock();
        let now = Instant::now();
        maps.apply_all(writes, now);
        Reveal::now(reveal);
    }

    pub(crate) fn claim(&self, put: &Put, also: &[Write], reveal: Option<Reveal<'_>>) -> Option<String> {
        let mut maps = self.lock();
        let now = Instant::now();
        if let Some(holder) = maps.get(&put.key, now) {
            return Some(holder.to_owned());
        }
        maps.apply(&put.clone().into(), now);
        maps.apply_all(also, now);
        Reveal::now(reveal);
        None
    }

    pub(crate) fn put_guarded(&self, put: &Put, also: &[Write], reveal: Option<Reveal<'_>>) -> Admission {
        let mut maps = self.lock();
        let now = Instant::now();
        let admission = judge(maps.get(&put.key, now), &put.value);
        if admission == Admission::Written {
            maps.apply(&put.clone().into(), now);
            maps.apply_all(also, now);
            Reveal::now(reveal);
        }
        admission
    }

    pub(crate) fn phases(&self, scan_id: &str) -> Vec<(String, String)> {
        let maps = self.lock();
        let now = Instant::now();
        let Some((phases, _)) = maps.phases.get(scan_id).filter(|(_, until)| now < *until) else {
            return Vec::new();
        };
        phases.iter().map(|(phase, value)| (phase.clone(), value.clone())).collect()
    }

    pub(crate) fn latest_lifecycle(&self) -> Option<String> {
        let maps = self.lock();
        maps.lifecycle_index.iter().max_by_key(|(_, at)| **at).map(|(scan_id, _)| scan_id.clone())
    }

    pub(crate) fn purge(&self) {
        self.lock().purge(Instant::now());
    }

    pub(crate) fn size(&self) -> usize {
        let maps = self.lock();
        maps.values.len() + maps.phases.len()
    }

    fn lock(&self) -> MutexGuard<'_, Maps> {
        // Every critical section leaves the maps whole at each step, so a poisoned lock is still good.
        self.maps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<Put> for Write {
    fn from(put: Put) -> Write {
        Write::Set { key: put.key, value: put.value, ttl: put.ttl }
    }
}

/// Whether the record `there` admits the record `new`; what is not a record admits anything.
pub(super) fn judge(there: Option<&str>, new: &str) -> Admission {
    match (there.and_then(Standing::from_text), Standing::from_text(new)) {
        (Some(there), Some(new)) => there.admits(&new),
        _ => Admission::Written,
    }
}
