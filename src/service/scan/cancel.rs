//! Cancelling a scan: the second write that every client can make.

use crate::service::fault::scope::Region;
use crate::service::metrics::Event;
use crate::service::record::{Admission, Record, State};
use crate::service::scan::Job;
use crate::service::shared::Shared;
use crate::service::store::{StoreError, Write, keys};
use crate::service::worker::Worker;
use std::sync::Arc;

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
    let Some(found) = shared
        .find_current(worker, user, scan_id, region)
        .await?
        .filter(|found| found.record.user_id == user)
    else {
        return Ok(Cancelled::Unknown);
    };
    let Some(job) = shared
        .running_job(&found.record.scan_id)
        .filter(|_| !found.record.is_terminal())
    else {
        return Ok(Cancelled::TooLate);
    };
    worker.abort_task(&job.scan_id);
    Ok(
        match end(
            shared,
            &Job {
                worker: worker.clone(),
                ..job
            },
            Some(found.record),
            CANCELLED,
        )
        .await?
        {
            Admission::Written => Cancelled::Done,
            Admission::Behind | Admission::Superseded => Cancelled::TooLate,
        },
    )
}

/// Ends a running job as failed, keeping the progress it had.
pub(crate) async fn end(
    shared: &Shared,
    job: &Job,
    last: Option<Record>,
    message: &str,
) -> Result<Admission, StoreError> {
    let fresh = job.record(shared, State::Failed, message);
    let record = match last {
        Some(last) => Record {
            state: State::Failed,
            message: message.to_owned(),
            updated: fresh.updated,
            ..last
        },
        None => fresh,
    };
    let also = vec![
        Write::DeleteIf {
            key: keys::active(&job.filter_key),
            value: job.scan_id.clone(),
        },
        shared.phase(job, "failed", "error"),
    ];
    let admission = shared.write(job, &record, also).await?;
    if admission == Admission::Written {
        shared.job_ends(job);
        shared.metrics.scan(Event::Failed);
    }
    Ok(admission)
}
