//! The wire contract: what each route reads and answers.
//!
//! In come HTTP requests that the front has given to one worker, out go the answers of the contract, word for word. This room knows scans
//! through `scan` and nothing of how they are stored; faults that sit between client and worker are the front's.

mod answer;
mod changes;
mod discover;
mod identity;
mod operations;
mod read;
pub(crate) mod refusal;
mod witness;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, patch, post};

use self::refusal::Refusal;
use super::shared::Shared;
use super::worker::Worker;

/// What a handler is given: the worker that serves, and what it shares with the others.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) shared: Arc<Shared>,
    pub(crate) worker: Arc<Worker>,
}

/// The routes of one worker.
pub(crate) fn routes(context: Context) -> Router {
    Router::new()
        .route("/api/v1/opportunities/discover", post(discover::discover))
        .route("/api/v1/opportunities/status/{scan_id}", get(read::status))
        .route("/api/v1/opportunities/results/{scan_id}", get(read::results))
        .route("/api/v1/opportunities/cancel/{scan_id}", post(discover::cancel))
        .route("/api/v1/opportunities/scans/{scan_id}", patch(changes::update).delete(changes::delete))
        .route("/api/v1/scan-diagnostics/scan-lifecycle/{scan_id}", get(witness::lifecycle))
        .route("/health", get(operations::health))
        .route("/metrics", get(operations::metrics))
        .fallback(async || Refusal::not_found("Not Found"))
        .method_not_allowed_fallback(async || Refusal::method_not_allowed())
        .with_state(context)
}
