//! Cancelling a scan: the second write that every client can make.

use std::sync::Arc;

use crate::service::fault::scope::Region;
use crate::service::metrics::Event;
use crate::service::record::{Admission, Record, State};
use crate::service::scan::Job;
use crate::service::settings::ReadPath;
use crate::service::shared::Shared;
use crate::service::store::{StoreError, Write, keys};
use crate::service::worker::Worker;

/// What a cancelled scan says.
pub(crate) const CANCELLED: &str = "Scan cancelled";

/// What became of a cancellation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cancelled {
    /// The scan has failed now.
    Done,
    /// It had ended before.
    TooLate,
    /// This user has no such scan, as far as this worker knows.
    Unknown,
}

/// Cancels a scan of this user.
pub(crate) async fn cancel(
    shared: &Shared,
    worker: &Arc<Worker>,
    user: &str,
    scan_id: &str,
    region: Region,
) -> Result<Cancelled, StoreError> {
    let Some(found) = shared.find_current(worker, user, scan_id, region).await?.filter(|found| found.record.user_id == user) else {
        shared.may_deny().await?;
        return Ok(Cancelled::Unknown);
    };
    if found.record.is_terminal() {
        return Ok(Cancelled::TooLate);
    }
    let admission = match shared.running_job(&found.record.scan_id) {
        Some(job) => {
            worker.abort_task(&job.scan_id);
            let here = Job { worker: worker.clone(), ..job };
            end(shared, &here, Some(found.record), CANCELLED).await?
        }
        None if shared.settings.read_path == ReadPath::Store => {
            shared.fail_elsewhere(&found.record, &found.cache_key, region, CANCELLED).await?.0
        }
        // Its task died and left this entry in memory: there is nothing to cancel.
        None => Admission::Superseded,
    };
    Ok(match admission {
        Admission::Written => Cancelled::Done,
        Admission::Behind | Admission::Superseded => Cancelled::TooLate,
    })
}

/// Ends a running job as failed, keeping the progress it had.
pub(crate) async fn end(shared: &Shared, job: &Job, last: Option<Record>, message: &str) -> Result<Admission, StoreError> {
    let fresh = job.record(shared, State::Failed, message);
    let record = match last {
        Some(last) => Record { state: State::Failed, message: message.to_owned(), updated: fresh.updated, ..last },
        None => fresh,
    };
    let also =
        vec![Write::DeleteIf { key: keys::active(&job.filter_key), value: job.scan_id.clone() }, shared.phase(job, "failed", "error")];
    let admission = shared.write(job, &record, also).await?;
    if admission == Admission::Written {
        shared.job_ends(job);
        shared.metrics.scan(Event::Failed);
    }
    Ok(admission)
}
