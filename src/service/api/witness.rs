//! The lifecycle: what is known of a scan independently of its status.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Map, Value, json};

use super::Context;
use super::answer::timestamp;
use super::identity::{ScanId, User};
use super::refusal::Refusal;

/// Phases in the order in which a scan goes through them; the last two exclude each other.
const PHASES: [&str; 6] = ["started", "portfolio_fetch", "asset_discovery", "strategies_scan", "completed", "failed"];

/// A running scan whose phase is older is called stuck, in seconds.
const STUCK_AFTER: f64 = 300.0;

/// `GET /scan-diagnostics/scan-lifecycle/{scan_id}`, for the owner and the user called admin.
pub(super) async fn lifecycle(State(context): State<Context>, User(user): User, ScanId(scan_id): ScanId) -> Result<Response, Refusal> {
    let database = &context.shared.database;
    let unknown = || Refusal::not_found("Scan lifecycle not found");
    let mut resolved = scan_id.clone();
    let mut phases = database.phases(&scan_id).await?;
    let recovered = phases.is_empty() && context.shared.settings.lifecycle_index_fallback.is_on();
    if recovered {
        // The defect as it was: the most recent scan of anybody will do.
        resolved = database.latest_lifecycle().await?.ok_or_else(unknown)?;
        phases = database.phases(&resolved).await?;
    }
    let mut known: Vec<(&str, Value)> = PHASES
        .iter()
        .filter_map(|name| {
            let (_, text) = phases.iter().find(|(phase, _)| phase == name)?;
            Some((*name, serde_json::from_str(text).ok()?))
        })
        .collect();
    let mine = known.iter().all(|(_, phase)| phase["user_id"] == user.as_str());
    if known.is_empty() {
        context.shared.may_deny().await?;
    }
    if known.is_empty() || !(recovered || mine || user == "admin") {
        return Err(unknown());
    }
    // Known is not empty, so there is a last one.
    let (current, last) = known.last().map_or(("", Value::Null), |(name, phase)| (*name, phase.clone()));
    let updated = known.iter().filter_map(|(_, phase)| phase["timestamp"].as_f64()).fold(0.0, f64::max);
    let running = !matches!(current, "completed" | "failed");
    let all: Map<String, Value> = known.drain(..).map(|(name, phase)| (name.to_owned(), phase)).collect();
    let body = json!({
        "success": true, "scan_id": scan_id, "resolved_scan_id": resolved,
        "current_phase": current, "current_status": last["status"], "last_updated": timestamp((updated * 1000.0).round() as u64),
        "phases": all, "is_stuck": running && context.shared.clock.unix_seconds() - updated > STUCK_AFTER,
        "recovered_from_index": recovered,
    });
    Ok(axum::Json(body).into_response())
}
