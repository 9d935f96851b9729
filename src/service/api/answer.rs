//! The bodies of status, results and discover.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde_json::{Value, json};

use crate::service::fault::answer_cache::Subject;
use crate::service::fault::mangling::encode_segment;
use crate::service::fault::scope::Region;
use crate::service::record::{Opportunity, Record, State};
use crate::service::scan::slots::Found;
use crate::service::settings::UnsetState;

/// Seconds a scan is said to take.
pub(super) const ESTIMATED_SECONDS: u64 = 120;

/// The address of a scan under one of the two read routes. The other region has to be named.
pub(super) fn address(route: &str, scan_id: &str, region: Region) -> String {
    let query = region.query();
    format!("/api/v1/opportunities/{route}/{}{query}", encode_segment(scan_id))
}

/// The one answer for a scan that status cannot find, marked for a cache in front.
pub(super) fn status_not_found(subject: Subject) -> Response {
    let body = json!({"success": false, "status": "not_found", "message": "No scan found for this user. Please initiate a new scan."});
    let mut response = axum::Json(body).into_response();
    response.extensions_mut().insert(subject);
    response
}

/// What status says a scan's state is: a word of the contract.
fn state(found: &Found, unset: UnsetState) -> State {
    match (found.record.state, unset) {
        // The work has not come to write one.
        (State::Accepted, UnsetState::Complete) => State::Complete,
        (State::Accepted, UnsetState::Failed) => State::Failed,
        (state, _) => state,
    }
}

/// Status from a record. `unset` stands for a state that has not been written, `running_code` is the HTTP code for a scan that still runs.
pub(super) fn status(found: &Found, region: Region, unset: UnsetState, running_code: StatusCode) -> Response {
    let Found { scan_id, record, changes, .. } = found;
    let created_at = timestamp(record.created);
    let label = changes.label.as_deref();
    let (code, body) = match state(found, unset) {
        State::Accepted | State::Scanning => {
            let partial_results = &record.opportunities[..record.opportunities.len().min(10)];
            let about = About { scan_id, message: &record.message, created_at: Some(&created_at), label };
            return present(running(&about, progress(record), partial_results, running_code));
        }
        State::Complete => (
            StatusCode::OK,
            json!({
                "success": true, "status": "complete", "scan_id": scan_id, "message": record.message, "created_at": created_at,
                "total_opportunities": record.opportunities.len(), "results_url": address("results", scan_id, region),
                "progress": progress(record),
            }),
        ),
        State::Failed => (
            StatusCode::OK,
            json!({"success": false, "status": "failed", "scan_id": scan_id, "message": record.message, "created_at": created_at}),
        ),
    };
    present((code, axum::Json(labelled(body, label))).into_response())
}

/// Status of a record that has been written in part: its state and no more. A label is not part of the record.
pub(super) fn status_without_details(found: &Found, unset: UnsetState, running_code: StatusCode) -> Response {
    let (code, body) = match state(found, unset) {
        State::Accepted | State::Scanning => (running_code, json!({"success": true, "status": "scanning"})),
        State::Complete => (StatusCode::OK, json!({"success": true, "status": "complete"})),
        State::Failed => (StatusCode::OK, json!({"success": false, "status": "failed"})),
    };
    let body = labelled(body, found.changes.label.as_deref());
    present((code, axum::Json(body)).into_response())
}

/// Marks an answer as one about a scan that is there, for a cache in front.
fn present(mut response: Response) -> Response {
    response.extensions_mut().insert(Subject::Present);
    response
}

fn labelled(mut body: Value, label: Option<&str>) -> Value {
    if let Some(label) = label {
        body["label"] = label.into();
    }
    body
}

/// Status for a scan of which nothing is known but that it was begun.
pub(super) fn status_presumed(scan_id: &str, message: &str, running_code: StatusCode) -> Response {
    let nothing_yet = Progress { strategies_completed: 0, total_strategies: 14, opportunities_found_so_far: 0, percentage: 0.0 };
    running(&About { scan_id, message, created_at: None, label: None }, nothing_yet, &[], running_code)
}

/// What a status answer says of a scan beside its state.
struct About<'a> {
    scan_id: &'a str,
    message: &'a str,
    created_at: Option<&'a str>,
    label: Option<&'a str>,
}

/// Status of a scan that runs: what pollers get nearly always, so it is written without a tree in between.
fn running(about: &About<'_>, progress: Progress, partial_results: &[Opportunity], code: StatusCode) -> Response {
    #[derive(Serialize)]
    struct Running<'a> {
        success: bool,
        status: &'static str,
        scan_id: &'a str,
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        created_at: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        label: Option<&'a str>,
        progress: Progress,
        partial_results: &'a [Opportunity],
        estimated_time_remaining_seconds: u64,
    }
    let open = 1.0 - progress.percentage / 100.0;
    let estimated_time_remaining_seconds = (ESTIMATED_SECONDS as f64 * open).round() as u64;
    let About { scan_id, message, created_at, label } = *about;
    let (success, status) = (true, "scanning");
    let body =
        Running { success, status, scan_id, message, created_at, label, progress, partial_results, estimated_time_remaining_seconds };
    (code, axum::Json(body)).into_response()
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
#[derive(Serialize)]
pub(super) struct Progress {
    strategies_completed: usize,
    total_strategies: usize,
    opportunities_found_so_far: usize,
    percentage: f64,
}

/// How far a scan has come.
pub(super) fn progress(record: &Record) -> Progress {
    Progress {
        strategies_completed: record.strategies_completed,
        total_strategies: record.total_strategies,
        opportunities_found_so_far: record.opportunities.len(),
        percentage: record.percentage(),
    }
}

/// Milliseconds since 1970 in RFC 3339.
pub(super) fn timestamp(millis: u64) -> String {
    // Every time the clock can show lies within jiff's range; past it the epoch is shown.
    i64::try_from(millis).ok().and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok()).unwrap_or_default().to_string()
}
