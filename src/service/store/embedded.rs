//! The store as one database file, by redb: it survives the process.
//!
//! Writes are made inline on the async task. They are small, and only the accepted record, the claim and an ending wait for the disk;
//! partial snapshots are committed to memory and reach the disk with the next of those. A dedicated task would add a queue between
//! "acknowledged" and "written" for nothing.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use redb::{Database, Durability, ReadableDatabase as _, ReadableTable, Table, TableDefinition};

use super::keys;
use super::memory::judge;
use super::{Put, Reveal, StoreError, Write};
use crate::service::clock::Clock;
use crate::service::record::{Admission, Record, Standing, State};

/// Key → (end of life in ms since 1970, value).
const VALUES: TableDefinition<'_, &str, (u64, &str)> = TableDefinition::new("values");
/// `scan id \n phase` → (end of life, value). No id contains a line end.
const PHASES: TableDefinition<'_, &str, (u64, &str)> = TableDefinition::new("phases");
/// Scan id → (end of life, time of change).
const LIFECYCLES: TableDefinition<'_, &str, (u64, u64)> = TableDefinition::new("lifecycles");

/// What a scan says that was running when its process ended.
pub(crate) const INTERRUPTED: &str = "Scan interrupted by a restart";

/// One database file.
#[derive(Debug)]
pub(crate) struct EmbeddedStore {
    database: Database,
    clock: Clock,
    /// Held by every reader and writer, so that the instant of visibility can be noted together with the commit.
    turn: Mutex<()>,
}

/// Whether a commit waits for the disk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Commit {
    ToDisk,
    ToMemory,
}

impl EmbeddedStore {
    /// Opens or creates the file, and ends the scans that were running when it was closed.
    pub(crate) fn open(dir: &Path, clock: Clock) -> Result<Self, StoreError> {
        std::fs::create_dir_all(dir).map_err(|source| StoreError::Directory { path: dir.display().to_string(), source })?;
        let database = Database::create(dir.join("statusgap.redb")).map_err(redb::Error::from)?;
        let store = EmbeddedStore { database, clock, turn: Mutex::new(()) };
        store.end_interrupted()?;
        Ok(store)
    }

    pub(crate) fn get(&self, key: &str) -> Result<Option<String>, StoreError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(self.read(key)?)
    }

    pub(crate) fn apply(&self, writes: &[Write], reveal: Option<Reveal<'_>>) -> Result<(), StoreError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.write(writes, commit_for(writes))?;
        Reveal::now(reveal);
        Ok(())
    }

    pub(crate) fn claim(&self, put: &Put, also: &[Write], reveal: Option<Reveal<'_>>) -> Result<Option<String>, StoreError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(holder) = self.read(&put.key)? {
            return Ok(Some(holder));
        }
        self.write(&joined(put, also), Commit::ToDisk)?;
        Reveal::now(reveal);
        Ok(None)
    }

    pub(crate) fn put_guarded(&self, put: &Put, also: &[Write], reveal: Option<Reveal<'_>>) -> Result<Admission, StoreError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let admission = judge(self.read(&put.key)?.as_deref(), &put.value);
        if admission == Admission::Written {
            let writes = joined(put, also);
            self.write(&writes, commit_for(&writes))?;
            Reveal::now(reveal);
        }
        Ok(admission)
    }

    pub(crate) fn phases(&self, scan_id: &str) -> Result<Vec<(String, String)>, StoreError> {
        let now = self.clock.unix_millis();
        let read = || -> Result<_, redb::Error> {
            let table = self.database.begin_read()?.open_table(PHASES)?;
            let mut phases = Vec::new();
            for row in table.range(format!("{scan_id}\n").as_str()..format!("{scan_id}\x0b").as_str())? {
                let (key, value) = row?;
                let (until, text) = value.value();
                if let Some((_, phase)) = key.value().split_once('\n').filter(|_| now < until) {
                    phases.push((phase.to_owned(), text.to_owned()));
                }
            }
            Ok(phases)
        };
        Ok(read()?)
    }

    pub(crate) fn latest_lifecycle(&self) -> Result<Option<String>, StoreError> {
        let read = || -> Result<_, redb::Error> {
            let table = self.database.begin_read()?.open_table(LIFECYCLES)?;
            let mut latest = None;
            for row in table.iter()? {
                let (key, value) = row?;
                latest = latest.max(Some((value.value().1, key.value().to_owned())));
            }
            Ok(latest.map(|(_, scan_id)| scan_id))
        };
        Ok(read()?)
    }

    pub(crate) fn purge(&self) -> Result<(), StoreError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.unix_millis();
        let sweep = || -> Result<(), redb::Error> {
            let mut transaction = self.database.begin_write()?;
            transaction.set_durability(Durability::None)?;
            transaction.open_table(VALUES)?.retain(|_, (until, _)| now < until)?;
            transaction.open_table(PHASES)?.retain(|_, (until, _)| now < until)?;
            transaction.open_table(LIFECYCLES)?.retain(|_, (until, _)| now < until)?;
            Ok(transaction.commit()?)
        };
        Ok(sweep()?)
    }

    fn read(&self, key: &str) -> Result<Option<String>, redb::Error> {
        let now = self.clock.unix_millis();
        let table = self.database.begin_read()?.open_table(VALUES)?;
        Ok(table.get(key)?.and_then(|held| {
            let (until, value) = held.value();
            (now < until).then(|| value.to_owned())
        }))
    }

    fn write(&self, writes: &[Write], commit: Commit) -> Result<(), redb::Error> {
        let now = self.clock.unix_millis();
        let mut transaction = self.database.begin_write()?;
        if commit == Commit::ToMemory {
            transaction.set_durability(Durability::None)?;
        }
        {
            let mut values = transaction.open_table(VALUES)?;
            let mut phases = transaction.open_table(PHASES)?;
            let mut lifecycles = transaction.open_table(LIFECYCLES)?;
            for write in writes {
                apply_one(write, now, &mut values, &mut phases, &mut lifecycles)?;
            }
        }
        Ok(transaction.commit()?)
    }

    /// A scan that was running when the process ended has failed; its flag must not keep the next one from starting.
    fn end_interrupted(&self) -> Result<(), StoreError> {
        self.write(&[], Commit::ToDisk)?; // makes the tables
        let now = self.clock.unix_millis();
        let mut ended = Vec::new();
        let mut collect = || -> Result<(), redb::Error> {
            let table = self.database.begin_read()?.open_table(VALUES)?;
            for row in table.iter()? {
                let (key, value) = row?;
                let ((until, text), key) = (value.value(), key.value());
                if key.contains(keys::RESULT_PREFIX) {
                    let Some(mut record) = Record::from_text(text).filter(|record| now < until && !record.is_terminal()) else {
                        continue;
                    };
                    record.state = State::Failed;
                    INTERRUPTED.clone_into(&mut record.message);
                    record.updated = now;
                    let ttl = std::time::Duration::from_millis(until - now);
                    ended.push(Write::Set { key: key.to_owned(), value: record.to_text(), ttl });
                    ended.push(Write::Phase {
                        value: serde_json::json!({"status": "error", "timestamp": now as f64 / 1000.0, "user_id": record.user_id})
                            .to_string(),
                        scan_id: record.scan_id,
                        phase: "failed".to_owned(),
                        at: now,
                        ttl: std::time::Duration::from_secs(3600),
                    });
                } else if key.starts_with(&keys::active("")) {
                    ended.push(Write::Delete { key: key.to_owned() });
                }
            }
            Ok(())
        };
        collect()?;
        Ok(self.write(&ended, Commit::ToDisk)?)
    }
}

fn joined(put: &Put, also: &[Write]) -> Vec<Write> {
    std::iter::once(put.clone().into()).chain(also.iter().cloned()).collect()
}

/// Only a snapshot of running work may be lost: the next one repeats it, and a restart fails the scan anyway.
fn commit_for(writes: &[Write]) -> Commit {
    let durable = writes.iter().any(|write| match write {
        Write::Set { value, .. } => Standing::from_text(value).is_none_or(|record| record.state != State::Scanning),
        Write::Delete { .. } | Write::DeleteIf { .. } => true,
        Write::Phase { .. } => false,
    });
    if durable { Commit::ToDisk } else { Commit::ToMemory }
}

fn apply_one(
    write: &Write,
    now: u64,
    values: &mut Table<'_, &'static str, (u64, &'static str)>,
    phases: &mut Table<'_, &'static str, (u64, &'static str)>,
    lifecycles: &mut Table<'_, &'static str, (u64, u64)>,
) -> Result<(), redb::Error> {
    match write {
        Write::Set { key, value, ttl } => {
            values.insert(key.as_str(), (now + ttl.as_millis() as u64, value.as_str()))?;
        }
        Write::Delete { key } => {
            values.remove(key.as_str())?;
        }
        Write::DeleteIf { key, value } => {
            let same = values.get(key.as_str())?.is_some_and(|held| held.value().1 == value);
            if same {
                values.remove(key.as_str())?;
            }
        }
        Write::Phase { scan_id, phase, value, at, ttl } => {
            let until = now + ttl.as_millis() as u64;
            phases.insert(format!("{scan_id}\n{phase}").as_str(), (until, value.as_str()))?;
            lifecycles.insert(scan_id.as_str(), (until, *at))?;
        }
    }
    Ok(())
}
