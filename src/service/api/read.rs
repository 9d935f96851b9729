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
use crate::service::fault::answer_cache::Subject;
use crate::service::fault::scope::Region;
use crate::service::settings::{CacheKey, Fallback, ReadPath};

/// What an owner is answered who is not yet in the access list.
const NOT_GRANTED: &str = "You do not have access to this scan";

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
        if !shared.is_granted(&found.scan_id) {
            return Err(Refusal::forbidden(NOT_GRANTED));
        }
        if settings.consume_on_read.is_on() && found.record.is_terminal() && !shared.deliveries.take(&found.scan_id) {
            return Ok(answer::status_not_found(Subject::Absent));
        }
        if !shared.details.has(&found.scan_id) {
            return Ok(answer::status_without_details(&found, settings.unset_state, running_code));
        }
        return Ok(answer::status(&found, region, settings.unset_state, running_code));
    }
    if lifecycle_vouches(&context, &user, &scan_id).await? {
        return Ok(answer::status_presumed(&scan_id, "Scan in progress (retrieved from lifecycle)", running_code));
    }
    if settings.unknown_as_pending.is_on() {
        return Ok(answer::status_presumed(&scan_id, "Scan pending", running_code));
    }
    // Asked only where it makes a difference: it is one more read.
    let has_none = settings.negative_cache_key == CacheKey::User && !shared.has_scans(&context.worker, &user).await?;
    Ok(answer::status_not_found(if has_none { Subject::NothingOfCaller } else { Subject::Absent }))
}

/// `GET /opportunities/results/{scan_id}`
pub(super) async fn results(
    State(context): State<Context>,
    User(user): User,
    ScanId(scan_id): ScanId,
    region: Region,
) -> Result<Response, Refusal> {
    let shared = &context.shared;
    let found = shared.find(&context.worker, &user, &scan_id, region).await?;
    if found.as_ref().is_some_and(|found| !shared.is_granted(&found.scan_id)) {
        return Err(Refusal::forbidden(NOT_GRANTED));
    }
    let ready = found.filter(|found| !found.record.is_terminal() || shared.results.has(&found.scan_id));
    ready.as_ref().and_then(answer::results).ok_or_else(|| Refusal::not_found("No scan results found. Please initiate a new scan."))
}

/// Whether the lifecycle is a reason to answer at all.
async fn lifecycle_vouches(context: &Context, user: &str, scan_id: &str) -> Result<bool, Refusal> {
    let fallback = context.shared.settings.fallback;
    if fallback == Fallback::None {
        return Ok(false);
    }
    // What a deletion leaves behind in the lifecycle is another fault than an expired record.
    if context.shared.is_deleted(&context.worker, scan_id).await? {
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
