//! The keys of the original system, in one place.
//!
//! `region` is empty for the region that status looks in by default, and otherwise put before the key.

/// Scan id → cache key, written with the POST.
pub(crate) fn lookup(region: &str, scan_id: &str) -> String {
    format!("{region}opportunity_scan_lookup:{scan_id}")
}

/// Scan id → cache key, written with the first record.
pub(crate) fn index(region: &str, scan_id: &str) -> String {
    format!("{region}opportunity_scan_result_index:{scan_id}")
}

/// User → latest scan id.
pub(crate) fn user_latest(user: &str) -> String {
    format!("opportunity_user_latest_scan:{user}")
}

/// Cache key → record.
pub(crate) fn result(region: &str, cache_key: &str) -> String {
    format!("{region}opportunity_scan_result:{cache_key}")
}

/// User and filters → id of the scan that runs for them.
pub(crate) fn active(filter_key: &str) -> String {
    format!("opportunity_scan_active:{filter_key}")
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
