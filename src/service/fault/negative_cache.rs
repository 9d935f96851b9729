//! Class D: a cache in front of status that keeps `not_found` answers.
//!
//! It is keyed by the full URL with its query string, as caching proxies are, so an address with a random parameter misses. The window that
//! a client sees is then made by its own first poll.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use tokio::time::Instant;

/// Marks a worker's answer as a `not_found`, for the cache in front.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Absent;

/// An answer kept.
#[derive(Debug, Clone)]
struct Kept {
    fetched: Instant,
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

/// Answers kept by full URL, each from the instant it was fetched.
#[derive(Debug)]
pub(crate) struct NegativeCache {
    ttl: Duration,
    kept: Mutex<BTreeMap<String, Kept>>,
}

impl NegativeCache {
    pub(crate) fn new(ttl: Duration) -> Self {
        NegativeCache { ttl, kept: Mutex::default() }
    }

    /// The answer kept for this URL, with its age.
    pub(crate) fn hit(&self, url: &str) -> Option<Response> {
        let kept = self.lock().get(url).filter(|kept| kept.fetched.elapsed() < self.ttl).cloned()?;
        let mut response = (kept.status, kept.headers, kept.body).into_response();
        response.headers_mut().insert("age", HeaderValue::from(kept.fetched.elapsed().as_secs()));
        response.headers_mut().insert("x-cache", HeaderValue::from_static("HIT"));
        Some(response)
    }

    /// Passes an answer on, and keeps it if it is a `not_found`.
    pub(crate) async fn pass(&self, url: &str, response: Response) -> Response {
        let absent = response.extensions().get::<Absent>().is_some();
        let (mut parts, body) = response.into_parts();
        parts.headers.insert("x-cache", HeaderValue::from_static("MISS"));
        if !absent {
            return Response::from_parts(parts, body);
        }
        // The body was made in this process from a fixed text: it is small and cannot fail.
        let body = axum::body::to_bytes(body, 64 * 1024).await.unwrap_or_default();
        let kept = Kept { fetched: Instant::now(), status: parts.status, headers: parts.headers.clone(), body: body.clone() };
        self.lock().insert(url.to_owned(), kept);
        Response::from_parts(parts, body.into())
    }

    /// Removes what is too old.
    pub(crate) fn purge(&self) {
        self.lock().retain(|_, kept| kept.fetched.elapsed() < self.ttl);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
