//! Starting a scan, and cancelling one.

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::Context;
use super::answer::{ESTIMATED_SECONDS, address, progress, timestamp};
use super::identity::{ScanId, User};
use super::refusal::Refusal;
use crate::service::fault::scope::Region;
use crate::service::request::DiscoverRequest;
use crate::service::scan::accept::{Accepted, accept};
use crate::service::scan::cancel::{CANCELLED, Cancelled};
use crate::service::scan::{Job, cancel as scan_cancel};
use crate::service::spans;
use crate::service::store::StoreError;

/// Largest body that is read.
pub(super) const BODY_LIMIT: usize = 64 * 1024;

/// `POST /opportunities/discover`
pub(super) async fn discover(State(context): State<Context>, User(user): User, request: Request) -> Result<Response, Refusal> {
    let body = to_bytes(request.into_body(), BODY_LIMIT).await.map_err(|_| Refusal::too_large())?;
    let request = DiscoverRequest::from_body(&body)?;
    if !context.shared.within_rate(&user) {
        return Err(Refusal::too_many());
    }
    let filters = request.filters.to_json();
    let recommendations = request.recommendations;
    let hold = context.shared.settings.hold_connection.is_on();
    let acceptance = async move { accept(&context.shared, &context.worker, &user, request).await };
    match to_the_end(acceptance).await? {
        Accepted::Started { job, first_phase } => {
            tokio::time::sleep(job.fate.answered_after).await;
            let mut response = started(&job, recommendations);
            if hold {
                response.extensions_mut().insert(first_phase);
            }
            Ok(response)
        }
        Accepted::Joined { scan_id, record, region } => {
            let body = json!({
                "success": true, "scan_id": scan_id, "status": "scanning",
                "message": "A scan with these filters is already in progress",
                "estimated_completion_seconds": ESTIMATED_SECONDS, "poll_url": address("status", &scan_id, region),
                "progress": record.as_ref().map(progress), "filters": filters,
            });
            Ok(axum::Json(body).into_response())
        }
    }
}

fn started(job: &Job, recommendations: bool) -> Response {
    let mut body = json!({
        "success": true, "scan_id": job.scan_id, "status": "initiated",
        "message": "Opportunity scan initiated. Poll the status endpoint for progress.",
        "estimated_completion_seconds": ESTIMATED_SECONDS,
        "created_at": timestamp(job.created),
        "poll_url": address("status", &job.scan_id, job.region),
        "results_url": address("results", &job.scan_id, job.region),
        "polling_interval_seconds": 3,
        "instructions": "Poll poll_url every 3 seconds until the status is complete or failed, then fetch results_url.",
        "filters": job.filters.to_json(),
    });
    if recommendations {
        body["strategy_recommendations"] = json!(job.filters.strategies());
    }
    axum::Json(body).into_response()
}

/// `POST /opportunities/cancel/{scan_id}`: an extension of the contract, for the owner only.
pub(super) async fn cancel(
    State(context): State<Context>,
    User(user): User,
    ScanId(scan_id): ScanId,
    region: Region,
) -> Result<Response, Refusal> {
    let id = scan_id.clone();
    let cancellation = async move { scan_cancel::cancel(&context.shared, &context.worker, &user, &id, region).await };
    match to_the_end(cancellation).await? {
        Cancelled::Done => {
            let body = json!({"success": true, "status": "failed", "scan_id": scan_id, "message": CANCELLED});
            Ok(axum::Json(body).into_response())
        }
        Cancelled::TooLate => Err(Refusal::new(StatusCode::CONFLICT, "The scan has already ended")),
        Cancelled::Unknown => Err(Refusal::not_found("No scan found for this user.")),
    }
}

/// Does work that must not be left half done. A client that hangs up drops its handler; what it has asked for is finished all the same,
/// because a claim without a task, or a task stopped without a record, would be in everybody's way.
pub(super) async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, Refusal> {
    let unfinished = |_| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "The request could not be finished");
    Ok(tokio::spawn(spans::carried(work)).await.map_err(unfinished)??)
}
