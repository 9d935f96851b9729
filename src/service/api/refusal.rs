//! HTTP errors in the contract's form.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::service::request::BodyError;
use crate::service::store::StoreError;

/// An error answer. A worker does not know under which path it was reached; the front completes the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    status: StatusCode,
    text: String,
    retry_after: Option<u16>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Refusal { status, text: text.into(), retry_after: None }
    }

    pub(crate) fn not_found(text: &str) -> Self {
        Refusal::new(StatusCode::NOT_FOUND, text)
    }

    pub(crate) fn method_not_allowed() -> Self {
        Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
    }

    pub(crate) fn forbidden(text: &str) -> Self {
        Refusal::new(StatusCode::FORBIDDEN, text)
    }

    pub(crate) fn too_large() -> Self {
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "The body is larger than 64 KiB")
    }

    pub(crate) fn too_many() -> Self {
        let text = "Rate limit exceeded. Please wait before starting another scan.";
        Refusal { retry_after: Some(60), ..Refusal::new(StatusCode::TOO_MANY_REQUESTS, text) }
    }

    /// The answer in full, for the path the client used, at this time in seconds since 1970.
    pub(crate) fn complete(&self, path: &str, timestamp: f64) -> Response {
        let body = json!({"error": self.text, "status_code": self.status.as_u16(), "path": path, "timestamp": timestamp});
        let mut response = (self.status, axum::Json(body)).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// A store that is away is not evidence about any scan: 503, never `not_found`.
impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Refusal { retry_after: Some(1), ..Refusal::new(StatusCode::SERVICE_UNAVAILABLE, format!("Storage unavailable: {error}")) }
    }
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        let status = match error {
            BodyError::NotJson(_) => StatusCode::BAD_REQUEST,
            BodyError::NotAnObject | BodyError::WrongType { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Refusal::new(status, error.to_string())
    }
}
