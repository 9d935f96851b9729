//! The bodies of status, results and discover.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use crate::service::fault::mangling::encode_segment;
use crate::service::fault::negative_cache::Absent;
use crate::service::fault::scope::Region;
use crate::service::record::{Record, State};
use crate::service::scan::slots::Found;

/// Seconds a scan is said to take.
pub(super) const ESTIMATED_SECONDS: u64 = 120;

/// The address of a scan under one of the two read routes. The other region has to be named.
pub(super) fn address(route: &str, scan_id: &str, region: Region) -> String {
    let query = region.query();
    format!("/api/v1/opportunities/{route}/{}{query}", encode_segment(scan_id))
}

/// The one answer for a scan that status cannot find, marked for a cache in front.
pub(super) fn status_not_found() -> Response {
    let body = json!({"success": false, "status": "not_found", "message": "No scan found for this user. Please initiate a new scan."});
    let mut response = axum::Json(body).into_response();
    response.extensions_mut().insert(Absent);
    response
}

/// Status from a record. `running_code` is the HTTP code for a scan that still runs.
pub(super) fn status(found: &Found, region: Region, running_code: StatusCode) -> Response {
    let Found { scan_id, record, .. } = found;
    let progress = progress(record);
    let body = match record.state {
        State::Accepted | State::Scanning => json!({
            "success": true, "status": "scanning", "scan_id": scan_id, "message": record.message, "progress": progress,
            "partial_results": record.opportunities.iter().take(10).collect::<Vec<_>>(),
            "estimated_time_remaining_seconds": remaining(record),
        }),
        State::Complete => json!({
            "success": true, "status": "complete", "scan_id": scan_id, "message": record.message,
            "total_opportunities": record.opportunities.len(), "results_url": address("results", scan_id, region), "progress": progress,
        }),
        State::Failed => {
            json!({"success": false, "status": "failed", "scan_id": scan_id, "message": record.message})
        }
    };
    let code = if record.is_terminal() { StatusCode::OK } else { running_code };
    (code, axum::Json(body)).into_response()
}

/// Status for a scan of which nothing is known but that it was begun.
pub(super) fn status_presumed(scan_id: &str, message: &str, running_code: StatusCode) -> Response {
    let body = json!({
        "success": true, "status": "scanning", "scan_id": scan_id, "message": message,
        "progress": {"strategies_completed": 0, "total_strategies": 14, "opportunities_found_so_far": 0, "percentage": 0.0},
        "partial_results": [], "estimated_time_remaining_seconds": ESTIMATED_SECONDS,
    });
    (running_code, axum::Json(body)).into_response()
}

/// Results from a record; `None` where there are none to be had.
pub(super) fn results(found: &Found) -> Option<Response> {
    let Found { scan_id, record, .. } = found;
    match record.state {
        State::Accepted | State::Scanning => {
            let body = json!({
                "success": true, "scan_id": scan_id, "status": "scanning", "message": "Scan is still in progress", "progress": progress(record),
            });
            Some((StatusCode::ACCEPTED, axum::Json(body)).into_response())
        }
        State::Complete => {
            let body = json!({
                "success": true, "scan_id": scan_id, "user_id": record.user_id, "opportunities": record.opportunities,
                "total_opportunities": record.opportunities.len(), "execution_time_ms": record.execution_time_ms,
                "last_updated": timestamp(record.updated),
            });
            Some(axum::Json(body).into_response())
        }
        State::Failed => None,
    }
}

/// Progress as a body carries it.
pub(super) fn progress(record: &Record) -> Value {
    json!({
        "strategies_completed": record.strategies_completed,
        "total_strategies": record.total_strategies,
        "opportunities_found_so_far": record.opportunities.len(),
        "percentage": record.percentage(),
    })
}

/// Milliseconds since 1970 in RFC 3339.
pub(super) fn timestamp(millis: u64) -> String {
    // Every time the clock can show lies within jiff's range; past it the epoch is shown.
    i64::try_from(millis).ok().and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok()).unwrap_or_default().to_string()
}

fn remaining(record: &Record) -> u64 {
    let open = 1.0 - record.percentage() / 100.0;
    (ESTIMATED_SECONDS as f64 * open).round() as u64
}
