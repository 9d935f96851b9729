//! Signs of life: how one process learns that another one, which ran a scan, is gone.
//!
//! Only where several processes can share a store that outlives them, which is Redis. A map in this process dies with its scans, and a
//! database file has one process at a time, which ends what it finds running when it opens the file.

use super::Job;
use crate::service::database::View;
use crate::service::fault::scope::Region;
use crate::service::record::{Admission, Record, State};
use crate::service::settings::{Placeholder, ReadPath, StoreChoice};
use crate::service::shared::Shared;
use crate::service::store::{Put, StoreError, Write, keys};

/// What a scan says whose process is gone.
const ABANDONED: &str = "Scan failed: the process that ran it is gone";

impl Shared {
    /// A job's lease as a write, where there are leases.
    pub(crate) fn lease(&self, job: &Job) -> Option<Write> {
        let set = || Write::Set { key: keys::lease(&job.scan_id), value: "alive".into(), ttl: self.settings.lease };
        self.has_leases().then(set)
    }

    /// Renews a job's lease for as long as this is polled.
    pub(crate) async fn keep_lease(&self, job: &Job) {
        let Some(lease) = self.lease(job) else {
            return std::future::pending().await;
        };
        loop {
            tokio::time::sleep(self.settings.lease / 4).await;
            self.apply_if_possible(std::slice::from_ref(&lease)).await;
        }
    }

    /// A record as it is to be believed: running work without a lease has failed, and is recorded so. `leased` is a scan whose lease was
    /// there when the record was read.
    pub(crate) async fn believe(
        &self,
        record: Record,
        cache_key: &str,
        region: Region,
        leased: Option<&str>,
    ) -> Result<Record, StoreError> {
        if leased == Some(record.scan_id.as_str()) {
            return Ok(record);
        }
        if record.is_terminal() || !self.has_leases() || self.running_job(&record.scan_id).is_some() {
            return Ok(record);
        }
        if self.database.get(View::Primary, &keys::lease(&record.scan_id)).await?.is_some() {
            return Ok(record);
        }
        Ok(match self.fail_elsewhere(&record, cache_key, region, ABANDONED).await? {
            (Admission::Written, failed) => failed,
            // Somebody was quicker; the next read shows what is there.
            (Admission::Behind | Admission::Superseded, _) => record,
        })
    }

    /// Records a scan in the store as failed that does not run in this process. Returns the record as written, if it was.
    pub(crate) async fn fail_elsewhere(
        &self,
        record: &Record,
        cache_key: &str,
        region: Region,
        message: &str,
    ) -> Result<(Admission, Record), StoreError> {
        let failed = Record { state: State::Failed, message: message.to_owned(), updated: self.clock.unix_millis(), ..record.clone() };
        let put = Put { key: keys::result(region, cache_key), value: failed.to_text(), ttl: self.settings.ttl.full };
        let phase = self.phase_of(&failed.scan_id, &failed.user_id, "failed", "error");
        // The flag that it runs stays, under a key only its own process knows; the next claim finds an ended scan and lowers it.
        let admission = self.database.put_guarded(&put, &[phase], None).await?;
        Ok((admission, failed))
    }

    /// Whether several processes can share scans.
    pub(crate) fn has_leases(&self) -> bool {
        let Self { settings, .. } = self;
        let shared = settings.read_path == ReadPath::Store && matches!(settings.store, StoreChoice::Redis(_));
        shared && settings.placeholder == Placeholder::Guarded && !settings.lease.is_zero()
    }
}
