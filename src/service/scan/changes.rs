//! What the owner changes about a scan after it was accepted: its label, and its deletion.
//!
//! Both are kept beside the record, under keys of their own, so that the work that goes on writing records cannot undo them.

use std::sync::Arc;

use super::Job;
use crate::service::fault::scope::Region;
use crate::service::settings::ReadPath;
use crate::service::shared::Shared;
use crate::service::store::{StoreError, Write, keys};
use crate::service::worker::Worker;

/// What has been changed about a scan, as a reader learns of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Changes {
    /// The label that its owner has given it.
    pub(crate) label: Option<String>,
    /// Whether its owner has deleted it.
    pub(crate) deleted: bool,
}

/// A change to a scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// Gives it a label.
    Label(String),
    /// Deletes it.
    Delete,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Changed {
    /// It has been made.
    Done,
    /// This user has no such scan, as far as this worker knows.
    Unknown,
}

/// Changes a scan of this user.
pub(crate) async fn change(
    shared: &Shared,
    worker: &Arc<Worker>,
    user: &str,
    scan_id: &str,
    region: Region,
    change: Change,
) -> Result<Changed, StoreError> {
    let Some(found) = shared.find_current(worker, user, scan_id, region).await?.filter(|found| found.record.user_id == user) else {
        shared.may_deny().await?;
        return Ok(Changed::Unknown);
    };
    let scan_id = &found.scan_id;
    let ttl = shared.settings.ttl.lookup;
    let write = match &change {
        Change::Label(label) => Write::Set { key: keys::label(scan_id), value: label.clone(), ttl },
        Change::Delete => Write::Set { key: keys::deleted(scan_id), value: "deleted".to_owned(), ttl },
    };
    if shared.settings.read_path == ReadPath::Store {
        shared.database.apply_change(&write, scan_id, &change).await?;
    } else {
        worker.change(scan_id, &change, ttl);
        if shared.settings.read_path == ReadPath::MemoryFirst && worker.has_handle() {
            shared.apply_if_possible(&[write]).await;
        }
    }
    if change == Change::Delete
        && let Some(job) = shared.running_job(scan_id)
    {
        stop(shared, &job).await;
    }
    Ok(Changed::Done)
}

/// Ends the work of a scan that is no longer wanted, and lowers the flag that it runs.
async fn stop(shared: &Shared, job: &Job) {
    job.worker.abort_task(&job.scan_id);
    shared.job_ends(job);
    shared.apply_if_possible(&[Write::DeleteIf { key: keys::active(&job.filter_key), value: job.scan_id.clone() }]).await;
}
