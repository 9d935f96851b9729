//! What a request says about itself: who asks, for which scan, in which region.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::Context;
use super::refusal::Refusal;
use crate::service::fault::scope::Region;

/// The user whose token came with the request.
#[derive(Debug, Clone)]
pub(super) struct User(pub(super) String);

impl FromRequestParts<Context> for User {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, context: &Context) -> Result<Self, Response> {
        let token = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        let name = token.and_then(|token| context.shared.settings.users.get(token));
        name.cloned().map(User).ok_or_else(|| {
            let body = axum::Json(json!({"detail": "Missing authorization header"}));
            (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], body).into_response()
        })
    }
}

/// The scan that the path names, decoded.
#[derive(Debug, Clone)]
pub(super) struct ScanId(pub(super) String);

impl FromRequestParts<Context> for ScanId {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, context: &Context) -> Result<Self, Refusal> {
        match Path::<String>::from_request_parts(parts, context).await {
            Ok(Path(scan_id)) => Ok(ScanId(scan_id)),
            Err(_) => Err(Refusal::new(StatusCode::BAD_REQUEST, "The scan id in the path is not valid UTF-8")),
        }
    }
}

/// The region that the query string names.
impl FromRequestParts<Context> for Region {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &Context) -> Result<Self, Refusal> {
        let unknown = || Refusal::new(StatusCode::BAD_REQUEST, "The query string names a region that there is not");
        Region::from_query(parts.uri.query().unwrap_or_default()).ok_or_else(unknown)
    }
}
