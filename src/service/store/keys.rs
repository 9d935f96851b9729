//! The keys of the original system, in one place.
//!
//! What belongs to a region begins with its prefix, which is empty for the one that status looks in by default.

use crate::service::fault::scope::Region;

/// Scan id → cache key, written with the POST.
pub(crate) fn lookup(region: Region, scan_id: &str) -> String {
    format!("{}opportunity_scan_lookup:{scan_id}", region.prefix())
}

/// Scan id → cache key, written with the first record.
pub(crate) fn index(region: Region, scan_id: &str) -> String {
    format!("{}opportunity_scan_result_index:{scan_id}", region.prefix())
}

/// User → latest scan id.
pub(crate) fn user_latest(user: &str) -> String {
    format!("opportunity_user_latest_scan:{user}")
}

/// Cache key → record.
pub(crate) fn result(region: Region, cache_key: &str) -> String {
    format!("{}opportunity_scan_result:{cache_key}", region.prefix())
}

/// User and filters → id of the scan that runs for them.
pub(crate) fn active(filter_key: &str) -> String {
    format!("opportunity_scan_active:{filter_key}")
}

/// Scan id → the label that its owner has given it.
pub(crate) fn label(scan_id: &str) -> String {
    format!("opportunity_scan_label:{scan_id}")
}

/// Scan id → anything, if its owner has deleted it.
pub(crate) fn deleted(scan_id: &str) -> String {
    format!("opportunity_scan_deleted:{scan_id}")
}

/// Scan id → anything, for as long as the process that runs it lives.
pub(crate) fn lease(scan_id: &str) -> String {
    format!("opportunity_scan_lease:{scan_id}")
}

/// Scan id → its phases.
pub(crate) fn lifecycle(scan_id: &str) -> String {
    format!("scan_lifecycle:{scan_id}")
}

/// All lifecycles by time of change.
pub(crate) const LIFECYCLE_INDEX: &str = "scan_lifecycle:index";

/// What the keys of records begin with, in the default region.
pub(crate) const RESULT_PREFIX: &str = "opportunity_scan_result:";
