//! Status and results of a scan.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;

use super::Context;
use super::answer;
use super::identity::{ScanId, User};
use super::refusal::Refusal;
use crate::service::chance::Purpose;
use crate::service::fault::scope::Region;
use crate::service::settings::{Fallback, ReadPath};

/// `GET /opportunities/status/{scan_id}`
pub(super) async fn status(
    State(context): State<Context>,
    User(user): User,
    ScanId(scan_id): ScanId,
    region: Region,
) -> Result<Response, Refusal> {
    let shared = &context.shared;
    let settings = &shared.settings;
    if !settings.status_latency.is_zero() {
        tokio::time::sleep(shared.chance.with(Purpose::Read, |dice| settings.status_latency.draw(dice))).await;
    }
    // The knob admits 200 and 202 only.
    let running_code = StatusCode::from_u16(settings.running_code).unwrap_or(StatusCode::OK);
    shared.eviction.asked(&scan_id);
    if let Some(found) = shared.find(&context.worker, &user, &scan_id, region).await? {
        return Ok(answer::status(&found, region, running_code));
    }
    if lifecycle_vouches(&context, &user, &scan_id).await? {
        return Ok(answer::status_presumed(&scan_id, "Scan in progress (retrieved from lifecycle)", running_code));
    }
    if settings.unknown_as_pending.is_on() {
        return Ok(answer::status_presumed(&scan_id, "Scan pending", running_code));
    }
    Ok(answer::status_not_found())
}

/// `GET /opportunities/results/{scan_id}`
pub(super) async fn results(
    State(context): State<Context>,
    User(user): User,
    ScanId(scan_id): ScanId,
    region: Region,
) -> Result<Response, Refusal> {
    let found = context.shared.find(&context.worker, &user, &scan_id, region).await?;
    found.as_ref().and_then(answer::results).ok_or_else(|| Refusal::not_found("No scan results found. Please initiate a new scan."))
}

/// Whether the lifecycle is a reason to answer at all.
async fn lifecycle_vouches(context: &Context, user: &str, scan_id: &str) -> Result<bool, Refusal> {
    let fallback = context.shared.settings.fallback;
    if fallback == Fallback::None {
        return Ok(false);
    }
    let phases = match context.shared.database.phases(scan_id).await {
        Ok(phases) => phases,
        // As it was proposed: no lifecycle, no fallback.
        Err(_) if context.shared.settings.read_path != ReadPath::Store => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let by_user = |text: &str| serde_json::from_str::<Value>(text).is_ok_and(|phase| phase["user_id"] == user);
    Ok(match fallback {
        Fallback::LifecycleOwner => phases.iter().any(|(_, text)| by_user(text)),
        // Exactly as it was proposed: nobody looks whose scan it is.
        _ => !phases.is_empty(),
    })
}
