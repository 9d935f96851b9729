//! Changing a scan and deleting it: extensions of the contract, for the owner only.

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::Context;
use super::discover::{BODY_LIMIT, to_the_end};
use super::identity::{ScanId, User};
use super::refusal::Refusal;
use crate::service::fault::scope::Region;
use crate::service::request::label_from_body;
use crate::service::scan::changes::{Change, Changed, change};

/// `PATCH /opportunities/scans/{scan_id}`
pub(super) async fn update(
    State(context): State<Context>,
    User(user): User,
    ScanId(scan_id): ScanId,
    region: Region,
    request: Request,
) -> Result<Response, Refusal> {
    let body = to_bytes(request.into_body(), BODY_LIMIT).await.map_err(|_| Refusal::too_large())?;
    let label = label_from_body(&body)?;
    make(context, user, &scan_id, region, Change::Label(label.clone())).await?;
    Ok(axum::Json(json!({"success": true, "scan_id": scan_id, "label": label})).into_response())
}

/// `DELETE /opportunities/scans/{scan_id}`
pub(super) async fn delete(
    State(context): State<Context>,
    User(user): User,
    ScanId(scan_id): ScanId,
    region: Region,
) -> Result<Response, Refusal> {
    make(context, user, &scan_id, region, Change::Delete).await?;
    Ok(axum::Json(json!({"success": true, "scan_id": scan_id, "message": "Scan deleted"})).into_response())
}

async fn make(context: Context, user: String, scan_id: &str, region: Region, wanted: Change) -> Result<(), Refusal> {
    let scan_id = scan_id.to_owned();
    let changing = async move { change(&context.shared, &context.worker, &user, &scan_id, region, wanted).await };
    match to_the_end(changing).await? {
        Changed::Done => Ok(()),
        Changed::Unknown => Err(Refusal::not_found("No scan found for this user.")),
    }
}
