//! Health and metrics, without authorization.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::Context;

/// `GET /health`
pub(super) async fn health(State(context): State<Context>) -> Response {
    let shared = &context.shared;
    let body = json!({
        "status": "ok", "worker": context.worker.number, "workers": shared.settings.workers, "preset": shared.settings.preset,
        "uptime_seconds": shared.clock.elapsed().as_secs_f64(),
    });
    axum::Json(body).into_response()
}

/// `GET /metrics`
pub(super) async fn metrics(State(context): State<Context>) -> Response {
    let text = context.shared.metrics.exposition(context.shared.size());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}
