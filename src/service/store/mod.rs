//! The shared database of all workers: small text values with a lifetime, under the keys of the original system.
//!
//! In come reads, batches of writes that are applied together, and two conditional writes: a claim (write only if nobody else has) and a
//! guarded put (write only if the record there admits it). Out go values, or [`StoreError`] when the database cannot be reached. The store
//! knows nothing of HTTP, workers or faults. It is a closed enum of three: a map in this process, a file, Redis.

pub(crate) mod embedded;
mod epoch;
pub(crate) mod keys;
pub(crate) mod memory;
pub(crate) mod redis;

use std::time::Duration;

use tokio::time::Instant;

use super::clock::Clock;
use super::ground_truth::GroundTruth;
use super::record::Admission;
use super::settings::{Settings, StoreChoice};

/// One change to the database.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Write {
    /// Sets a key for a time.
    Set { key: String, value: String, ttl: Duration },
    /// Removes a key.
    Delete { key: String },
    /// Removes a key if it still has this value.
    DeleteIf { key: String, value: String },
    /// Records a lifecycle phase, and the scan in the lifecycle index with a time in milliseconds.
    Phase { scan_id: String, phase: String, value: String, at: u64, ttl: Duration },
}

/// A record to be written if what is there admits it.
#[derive(Debug, Clone)]
pub(crate) struct Put {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) ttl: Duration,
}

/// What a key leads to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Followed {
    /// The key's value, which names another one.
    pub(crate) name: String,
    /// What is kept under that name.
    pub(crate) value: Option<String>,
    /// What is kept under the keys that were asked for beside them, in their order.
    pub(crate) beside: Vec<Option<String>>,
}

/// Whose visibility begins with a write, and where that is noted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reveal<'a> {
    pub(crate) truth: &'a GroundTruth,
    pub(crate) scan_id: &'a str,
}

impl Reveal<'_> {
    /// Notes the present instant; called inside the critical section of the insert.
    pub(crate) fn now(this: Option<Self>) {
        if let Some(reveal) = this {
            reveal.truth.mark(reveal.scan_id, Instant::now());
        }
    }
}

/// Why the database did not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It is switched off by the outage knob.
    #[error("the store is unavailable")]
    Unavailable,
    /// It was started again without its data, so that what it does not hold may have been accepted.
    #[error("the store has lost what it held, so an unknown scan may have been accepted")]
    Forgetful,
    /// Redis did not answer, or not as expected.
    #[error("Redis: {0}")]
    Redis(#[from] ::redis::RedisError),
    /// The database file could not be used.
    #[error("database file: {0}")]
    Embedded(#[from] redb::Error),
    /// The data directory could not be made.
    #[error("data directory {path}: {source}")]
    Directory {
        /// The directory.
        path: String,
        /// Why.
        source: std::io::Error,
    },
}

/// The database, whichever it is.
#[derive(Debug)]
pub(crate) enum Store {
    /// A map in this process.
    Memory(memory::MemoryStore),
    /// A database file.
    Embedded(embedded::EmbeddedStore),
    /// Redis.
    Redis(Box<redis::RedisStore>),
}

impl Store {
    /// Opens the store that the settings name.
    pub(crate) async fn open(settings: &Settings, clock: Clock) -> Result<Store, StoreError> {
        Ok(match (&settings.store, &settings.data_dir) {
            (StoreChoice::Redis(url), _) => {
                let memory = settings.ttl.lookup.max(settings.ttl.full).max(settings.ttl.partial);
                Store::Redis(Box::new(redis::RedisStore::open(url, &settings.redis_prefix, clock, memory).await?))
            }
            (StoreChoice::Embedded, Some(dir)) => Store::Embedded(embedded::EmbeddedStore::open(dir, clock)?),
            (StoreChoice::Memory | StoreChoice::Embedded, _) => Store::Memory(memory::MemoryStore::default()),
        })
    }

    /// A key's value.
    pub(crate) async fn get(&self, key: &str) -> Result<Option<String>, StoreError> {
        match self {
            Store::Memory(store) => Ok(store.get(key)),
            Store::Embedded(store) => store.get(key),
            Store::Redis(store) => store.get(key).await,
        }
    }

    /// What a key leads to, and what is kept under other keys.
    pub(crate) async fn follow(&self, key: &str, prefix: &str, beside: &[String]) -> Result<Option<Followed>, StoreError> {
        if let Store::Redis(store) = self {
            return store.follow(key, prefix, beside).await;
        }
        let Some(name) = self.get(key).await? else {
            return Ok(None);
        };
        let value = self.get(&format!("{prefix}{name}")).await?;
        let mut others = Vec::with_capacity(beside.len());
        for key in beside {
            others.push(self.get(key).await?);
        }
        Ok(Some(Followed { name, value, beside: others }))
    }

    /// Applies a batch as one.
    pub(crate) async fn apply(&self, writes: &[Write], reveal: Option<Reveal<'_>>) -> Result<(), StoreError> {
        match self {
            Store::Memory(store) => store.apply(writes, reveal),
            Store::Embedded(store) => store.apply(writes, reveal)?,
            Store::Redis(store) => store.apply(writes, reveal).await?,
        }
        Ok(())
    }

    /// Sets `put` and applies `also` if the key is free; otherwise changes nothing and returns the value that is there.
    pub(crate) async fn claim(&self, put: &Put, also: &[Write], reveal: Option<Reveal<'_>>) -> Result<Option<String>, StoreError> {
        match self {
            Store::Memory(store) => Ok(store.claim(put, also, reveal)),
            Store::Embedded(store) => store.claim(put, also, reveal),
            Store::Redis(store) => store.claim(put, also, reveal).await,
        }
    }

    /// Sets `put` and applies `also` if the record under the key admits it.
    pub(crate) async fn put_guarded(&self, put: &Put, also: &[Write], reveal: Option<Reveal<'_>>) -> Result<Admission, StoreError> {
        match self {
            Store::Memory(store) => Ok(store.put_guarded(put, also, reveal)),
            Store::Embedded(store) => store.put_guarded(put, also, reveal),
            Store::Redis(store) => store.put_guarded(put, also, reveal).await,
        }
    }

    /// A scan's lifecycle: phase name and value, by name.
    pub(crate) async fn phases(&self, scan_id: &str) -> Result<Vec<(String, String)>, StoreError> {
        match self {
            Store::Memory(store) => Ok(store.phases(scan_id)),
            Store::Embedded(store) => store.phases(scan_id),
            Store::Redis(store) => store.phases(scan_id).await,
        }
    }

    /// The scan whose lifecycle changed last, whosever it is.
    pub(crate) async fn latest_lifecycle(&self) -> Result<Option<String>, StoreError> {
        match self {
            Store::Memory(store) => Ok(store.latest_lifecycle()),
            Store::Embedded(store) => store.latest_lifecycle(),
            Store::Redis(store) => store.latest_lifecycle().await,
        }
    }

    /// Succeeds if what is not there was never there, or has lived its time. A map ends with the process that was told its ids, and a
    /// file is as durable as what it acknowledged; a Redis may come back without its data.
    pub(crate) async fn confirm_missing(&self) -> Result<(), StoreError> {
        match self {
            Store::Memory(_) | Store::Embedded(_) => Ok(()),
            Store::Redis(store) => store.confirm_missing().await,
        }
    }

    /// Removes what has expired; Redis does that by itself.
    pub(crate) fn purge(&self) -> Result<(), StoreError> {
        match self {
            Store::Memory(store) => store.purge(),
            Store::Embedded(store) => store.purge()?,
            Store::Redis(_) => {}
        }
        Ok(())
    }

    /// Number of values held, where it is cheap to know.
    pub(crate) fn size(&self) -> usize {
        match self {
            Store::Memory(store) => store.size(),
            Store::Embedded(_) | Store::Redis(_) => 0,
        }
    }
}
