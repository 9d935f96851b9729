//! Where records and lookups are kept, for each read path.

use std::time::Duration;

use serde_json::json;

use super::Job;
use super::changes::Changes;
use crate::service::database::View;
use crate::service::fault::scope::Region;
use crate::service::record::{Admission, Record};
use crate::service::settings::{Fallback, Placeholder, ReadPath, Resolve, StoreHandle};
use crate::service::shared::Shared;
use crate::service::spans::{self, Description};
use crate::service::store::{Followed, Put, StoreError, Write, keys};
use crate::service::worker::Worker;

/// What a status or results request is answered from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    /// The id the answer carries.
    pub(crate) scan_id: String,
    /// The slot it was found in.
    pub(crate) cache_key: String,
    pub(crate) record: Record,
    /// What its owner has changed about it.
    pub(crate) changes: Changes,
}

/// The slot that an id leads to.
struct Slot {
    cache_key: String,
    /// What the store told of it in the same answer, if it was asked for everything at once.
    seen: Option<Seen>,
}

struct Seen {
    record: Option<String>,
    /// Whether the scan that led here has a lease.
    leased: bool,
    changes: Changes,
}

impl Shared {
    /// Registers a job's lookup, and a first record if there is one.
    pub(crate) async fn register(&self, job: &Job, first: Option<Record>, also: Vec<Write>) -> Result<Admission, StoreError> {
        let ttl = self.settings.ttl.lookup;
        if self.settings.read_path == ReadPath::Store {
            let writes = [self.registration(job), also].concat();
            return match first {
                Some(record) => self.write(job, &record, writes).await,
                None => self.database.apply(&writes, None).await.map(|()| Admission::Written),
            };
        }
        job.worker.register_lookup(job.region, &job.scan_id, &job.cache_key, ttl, Some(&self.truth));
        job.worker.set_latest(&job.user, &job.scan_id, ttl);
        let shared = if self.copies_to_store(job) { self.registration(job) } else { Vec::new() };
        let writes = [shared, also].concat();
        if let Some(record) = first {
            return self.write(job, &record, writes).await;
        }
        self.apply_if_possible(&writes).await;
        Ok(Admission::Written)
    }

    /// The keys written when a scan is registered: those by which its slot is found, and the user's latest scan.
    pub(crate) fn registration(&self, job: &Job) -> Vec<Write> {
        let mut writes = self.lookup_keys(job);
        let key = keys::user_latest(&job.user);
        let ttl = self.settings.ttl.lookup;
        writes.push(Write::Set { key, value: job.scan_id.clone(), ttl });
        writes
    }

    /// The keys by which a job's slot is found, and its lease where there are leases.
    pub(crate) fn lookup_keys(&self, job: &Job) -> Vec<Write> {
        let set = |key| Write::Set { key, value: job.cache_key.clone(), ttl: self.settings.ttl.lookup };
        let mut writes = vec![set(keys::lookup(job.region, &job.scan_id)), set(keys::index(job.region, &job.scan_id))];
        writes.extend(self.lease(job));
        writes
    }

    /// Writes a record into its slot.
    pub(crate) async fn write(&self, job: &Job, record: &Record, also: Vec<Write>) -> Result<Admission, StoreError> {
        spans::within(|| Description::work("write_record", spans::here!("write")), self.write_record(job, record, also)).await
    }

    async fn write_record(&self, job: &Job, record: &Record, also: Vec<Write>) -> Result<Admission, StoreError> {
        let put = self.put_of(job, record);
        let guarded = self.settings.placeholder == Placeholder::Guarded;
        if self.settings.read_path == ReadPath::Store {
            if guarded {
                return self.database.put_guarded(&put, &also, Some(&job.scan_id)).await;
            }
            let writes = [vec![put.into()], also].concat();
            return self.database.apply(&writes, Some(&job.scan_id)).await.map(|()| Admission::Written);
        }
        let into_memory = async {
            if guarded {
                return job.worker.put_guarded(&job.cache_key, record, put.ttl, Some(&self.truth));
            }
            job.worker.put(&job.cache_key, record, put.ttl, Some(&self.truth));
            Admission::Written
        };
        let describe = || Description::database("worker memory", "SET", "worker", spans::here!("write_record"));
        let admission = spans::within(describe, into_memory).await;
        let shared = if self.copies_to_store(job) { vec![put.into()] } else { Vec::new() };
        // In these variants the store is a copy: that it is away must not hurt, which is what was wrong with them.
        self.apply_if_possible(&[shared, also].concat()).await;
        Ok(admission)
    }

    /// The record as a write.
    pub(crate) fn put_of(&self, job: &Job, record: &Record) -> Put {
        Put { key: keys::result(job.region, &job.cache_key), value: record.to_text(), ttl: self.lifetime(record) }
    }

    /// Takes a job's record out of its slot.
    pub(crate) async fn take_out(&self, job: &Job) {
        job.worker.remove(&job.cache_key);
        if self.settings.read_path == ReadPath::Store || self.copies_to_store(job) {
            self.apply_if_possible(&[Write::Delete { key: keys::result(job.region, &job.cache_key) }]).await;
        }
    }

    /// A lifecycle phase of a job as a write.
    pub(crate) fn phase(&self, job: &Job, phase: &str, status: &str) -> Write {
        self.phase_of(&job.scan_id, &job.user, phase, status)
    }

    /// A lifecycle phase of a scan as a write.
    pub(crate) fn phase_of(&self, scan_id: &str, user: &str, phase: &str, status: &str) -> Write {
        Write::Phase {
            scan_id: scan_id.to_owned(),
            phase: phase.to_owned(),
            value: json!({"status": status, "timestamp": self.clock.unix_seconds(), "user_id": user}).to_string(),
            at: self.clock.unix_millis(),
            ttl: self.settings.ttl.lifecycle,
        }
    }

    /// Applies writes that nothing depends on.
    pub(crate) async fn apply_if_possible(&self, writes: &[Write]) {
        if !writes.is_empty() {
            // The lifecycle and copies are best effort: a store that is away costs them, not the scan.
            let _ = self.database.apply(writes, None).await;
        }
    }

    /// Whether the lifecycle alone makes a scan visible in status.
    pub(crate) fn lifecycle_reveals(&self) -> bool {
        self.settings.fallback != Fallback::None
    }

    /// Looks a scan up for a user, as status and results do.
    pub(crate) async fn find(&self, worker: &Worker, user: &str, scan_id: &str, region: Region) -> Result<Option<Found>, StoreError> {
        if self.settings.store_handle == StoreHandle::OnRead {
            worker.open_handle();
        }
        let view = self.database.status_view();
        let late = self.database.late_changes(scan_id);
        let found = self.find_in(view, worker, user, scan_id, region, late).await?;
        if found.is_none() {
            self.may_deny().await?;
        }
        Ok(found)
    }

    /// Succeeds unless a denial could be wrong because the one source of truth has lost what it held. Where the store is a copy
    /// behind memory nobody asks, as in the original.
    pub(crate) async fn may_deny(&self) -> Result<(), StoreError> {
        if self.settings.read_path == ReadPath::Store { self.database.confirm_missing().await } else { Ok(()) }
    }

    /// As [`Shared::find`], but past any replica or index.
    pub(crate) async fn find_current(
        &self,
        worker: &Worker,
        user: &str,
        scan_id: &str,
        region: Region,
    ) -> Result<Option<Found>, StoreError> {
        self.find_in(View::Primary, worker, user, scan_id, region, None).await
    }

    /// Looks a scan up; `late` is what the read knows of its changes, if it is one that learns of them late.
    async fn find_in(
        &self,
        view: View,
        worker: &Worker,
        user: &str,
        scan_id: &str,
        region: Region,
        late: Option<Changes>,
    ) -> Result<Option<Found>, StoreError> {
        let Some(mut slot) = self.slot(view, worker, scan_id, region).await? else {
            return Ok(None);
        };
        let owned = slot.cache_key.split_once(':').is_some_and(|(owner, _)| owner == user);
        if self.settings.owner_check.is_on() && !owned {
            return Ok(None);
        }
        let mut answered = scan_id.to_owned();
        if self.settings.resolve == Resolve::Latest
            && let Some(latest) = self.latest(view, worker, user).await?
            && let Some(of_latest) = self.slot(view, worker, &latest, region).await?
        {
            (answered, slot) = (latest, of_latest);
        }
        let Slot { cache_key, seen } = slot;
        let changes = match (late, &seen) {
            (Some(late), _) => late,
            (None, Some(seen)) => seen.changes.clone(),
            (None, None) => self.changes(view, worker, &answered).await?,
        };
        if changes.deleted {
            return Ok(None);
        }
        let leased = seen.as_ref().is_some_and(|seen| seen.leased).then_some(answered.as_str());
        let Some(record) = self.record(view, worker, &cache_key, seen, region).await? else {
            return Ok(None);
        };
        let record = self.believe(record, &cache_key, region, leased).await?;
        Ok(Some(Found { scan_id: answered, cache_key, record, changes }))
    }

    async fn slot(&self, view: View, worker: &Worker, scan_id: &str, region: Region) -> Result<Option<Slot>, StoreError> {
        if self.settings.read_path == ReadPath::Store && matches!(view, View::Primary) {
            return self.slot_in_store(scan_id, region).await;
        }
        if self.settings.read_path != ReadPath::Store {
            if let Some(cache_key) = worker.lookup(region, scan_id) {
                return Ok(Some(Slot { cache_key, seen: None }));
            }
            if self.settings.read_path == ReadPath::Memory || !worker.has_handle() {
                return Ok(None);
            }
        }
        let mut found = self.read(view, &keys::lookup(region, scan_id)).await?;
        if found.is_none() {
            found = self.read(view, &keys::index(region, scan_id)).await?;
        }
        if let Some(cache_key) = found.as_deref().filter(|_| self.settings.read_path == ReadPath::MemoryFirst) {
            worker.register_lookup(region, scan_id, cache_key, self.settings.ttl.lookup, None);
        }
        Ok(found.map(|cache_key| Slot { cache_key, seen: None }))
    }

    /// A slot with what it holds, which is what a poll of the sound design costs its store.
    async fn slot_in_store(&self, scan_id: &str, region: Region) -> Result<Option<Slot>, StoreError> {
        let records = keys::result(region, "");
        let mut beside = vec![keys::label(scan_id), keys::deleted(scan_id)];
        beside.extend(self.has_leases().then(|| keys::lease(scan_id)));
        for key in [keys::lookup(region, scan_id), keys::index(region, scan_id)] {
            if let Some(Followed { name, value, beside }) = self.database.follow(&key, &records, &beside).await? {
                let mut beside = beside.into_iter();
                let changes = Changes { label: beside.next().flatten(), deleted: beside.next().flatten().is_some() };
                let leased = beside.next().flatten().is_some();
                return Ok(Some(Slot { cache_key: name, seen: Some(Seen { record: value, leased, changes }) }));
            }
        }
        Ok(None)
    }

    /// What has been changed about a scan, as this view has it.
    async fn changes(&self, view: View, worker: &Worker, scan_id: &str) -> Result<Changes, StoreError> {
        let own = worker.changes(scan_id);
        let knows_itself = own != Changes::default() || !worker.has_handle();
        if self.settings.read_path == ReadPath::Memory || (self.settings.read_path == ReadPath::MemoryFirst && knows_itself) {
            return Ok(own);
        }
        let label = self.read(view, &keys::label(scan_id)).await?;
        let deleted = self.read(view, &keys::deleted(scan_id)).await?.is_some();
        Ok(Changes { label, deleted })
    }

    /// Whether a scan's owner has deleted it.
    pub(crate) async fn is_deleted(&self, worker: &Worker, scan_id: &str) -> Result<bool, StoreError> {
        Ok(self.changes(View::Primary, worker, scan_id).await?.deleted)
    }

    /// Whether a user has asked for any scan that is still remembered.
    pub(crate) async fn has_scans(&self, worker: &Worker, user: &str) -> Result<bool, StoreError> {
        Ok(self.latest(View::Primary, worker, user).await?.is_some())
    }

    async fn latest(&self, view: View, worker: &Worker, user: &str) -> Result<Option<String>, StoreError> {
        if self.settings.read_path == ReadPath::Store {
            return self.read(view, &keys::user_latest(user)).await;
        }
        Ok(worker.latest(user))
    }

    async fn record(
        &self,
        view: View,
        worker: &Worker,
        cache_key: &str,
        seen: Option<Seen>,
        region: Region,
    ) -> Result<Option<Record>, StoreError> {
        if self.settings.read_path != ReadPath::Store {
            if let Some(record) = worker.entry(cache_key) {
                return Ok(Some(record));
            }
            if self.settings.read_path == ReadPath::Memory || !worker.has_handle() {
                return Ok(None);
            }
        }
        let text = match seen {
            Some(seen) => seen.record,
            None => self.read(view, &keys::result(region, cache_key)).await?,
        };
        let record = text.as_deref().and_then(Record::from_text);
        if let Some(record) = record.as_ref().filter(|_| self.settings.read_path == ReadPath::MemoryFirst) {
            // The copy has a lifetime of its own, and nobody ever refreshes it: this is where a worker freezes.
            worker.put(cache_key, record, self.lifetime(record), None);
        }
        Ok(record)
    }

    /// Reads a key. With the store as a copy behind memory, a store that is away is taken for an empty one, as it was in the original.
    async fn read(&self, view: View, key: &str) -> Result<Option<String>, StoreError> {
        match self.database.get(view, key).await {
            Err(_) if self.settings.read_path == ReadPath::MemoryFirst => Ok(None),
            answer => answer,
        }
    }

    fn copies_to_store(&self, job: &Job) -> bool {
        self.settings.read_path == ReadPath::MemoryFirst && job.worker.has_handle()
    }

    fn lifetime(&self, record: &Record) -> Duration {
        if record.is_terminal() { self.settings.ttl.full } else { self.settings.ttl.partial }
    }
}
