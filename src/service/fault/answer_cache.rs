//! Classes D and U: a cache in front of status that keeps answers.
//!
//! It is keyed by the full URL with its query string, as caching proxies are, so an address with a random parameter misses. Of `not_found`
//! answers (D) the window that a client sees is then made by its own first poll; of visible answers (U), which are kept for each
//! caller apart, the first poll freezes what is seen. A cache of "this user has no scan" (D, filled before any scan was asked for) is
//! keyed by the caller.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use tokio::time::Instant;

use crate::service::settings::{CacheKey, Settings};

/// What a worker's status answer was about, for the cache in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A scan that is not there.
    Absent,
    /// A scan that is not there, of a caller who has none at all.
    NothingOfCaller,
    /// A scan that is there.
    Present,
}

/// An answer kept.
#[derive(Debug, Clone)]
struct Kept {
    until: Instant,
    fetched: Instant,
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

/// Answers kept, each from the instant it was fetched.
#[derive(Debug)]
pub(crate) struct AnswerCache {
    absent_ttl: Duration,
    absent_key: CacheKey,
    present_ttl: Duration,
    clock: Duration,
    began: Instant,
    kept: Mutex<BTreeMap<String, Kept>>,
}

/// The keys under which the answer to one request may be kept.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    url: String,
    url_of_caller: String,
    caller: String,
}

impl Keys {
    pub(crate) fn of<B>(request: &Request<B>) -> Keys {
        let url = request.uri().to_string();
        let caller = request.headers().get(header::AUTHORIZATION).map_or(&b""[..], HeaderValue::as_bytes);
        let caller = String::from_utf8_lossy(caller).into_owned();
        Keys { url_of_caller: format!("{caller}\n{url}"), caller: format!("{caller}\n"), url }
    }
}

impl AnswerCache {
    /// The cache that the settings ask for, if they do.
    pub(crate) fn of(settings: &Settings) -> Option<AnswerCache> {
        let Settings { negative_cache_ttl: absent_ttl, negative_cache_key: absent_key, positive_cache_ttl: present_ttl, .. } = *settings;
        let keeps = !absent_ttl.is_zero() || !present_ttl.is_zero();
        let (clock, began) = (settings.cache_clock, Instant::now());
        keeps.then(|| AnswerCache { absent_ttl, absent_key, present_ttl, clock, began, kept: Mutex::default() })
    }

    /// The answer kept for this request, with its age.
    pub(crate) fn hit(&self, keys: &Keys) -> Option<Response> {
        let now = Instant::now();
        let all = self.lock();
        let kept =
            [&keys.url, &keys.url_of_caller, &keys.caller].into_iter().find_map(|key| all.get(key).filter(|kept| now < kept.until))?;
        let kept = kept.clone();
        let mut response = (kept.status, kept.headers, kept.body).into_response();
        response.headers_mut().insert("age", HeaderValue::from(kept.fetched.elapsed().as_secs()));
        response.headers_mut().insert("x-cache", HeaderValue::from_static("HIT"));
        Some(response)
    }

    /// Passes an answer on, and keeps it if it is one of those that are kept.
    pub(crate) async fn pass(&self, keys: Keys, response: Response) -> Response {
        let place = response.extensions().get::<Subject>().and_then(|subject| self.place(*subject, keys));
        let (mut parts, body) = response.into_parts();
        parts.headers.insert("x-cache", HeaderValue::from_static("MISS"));
        let Some((key, ttl)) = place else {
            return Response::from_parts(parts, body);
        };
        // The body was made in this process: it is small and cannot fail.
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap_or_default();
        let fetched = Instant::now();
        let kept =
            Kept { until: self.until(fetched, ttl), fetched, status: parts.status, headers: parts.headers.clone(), body: body.clone() };
        self.lock().insert(key, kept);
        Response::from_parts(parts, body.into())
    }

    /// Under which key an answer is kept, and for how long.
    fn place(&self, subject: Subject, keys: Keys) -> Option<(String, Duration)> {
        let (key, ttl) = match (subject, self.absent_key) {
            (Subject::Present, _) => (keys.url_of_caller, self.present_ttl),
            (Subject::Absent | Subject::NothingOfCaller, CacheKey::Url) => (keys.url, self.absent_ttl),
            (Subject::NothingOfCaller, CacheKey::User) => (keys.caller, self.absent_ttl),
            (Subject::Absent, CacheKey::User) => return None,
        };
        (!ttl.is_zero()).then_some((key, ttl))
    }

    /// Until when an answer is kept. nginx, for one, counts seconds: it keeps an answer until the second has ended in which its time is over.
    fn until(&self, fetched: Instant, ttl: Duration) -> Instant {
        if self.clock.is_zero() {
            return fetched + ttl;
        }
        let over = (fetched + ttl).duration_since(self.began).as_nanos();
        let steps = over / self.clock.as_nanos() + 1;
        self.began + self.clock.saturating_mul(u32::try_from(steps).unwrap_or(u32::MAX))
    }

    /// Removes what is too old.
    pub(crate) fn purge(&self) {
        let now = Instant::now();
        self.lock().retain(|_, kept| now < kept.until);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_cache_that_counts_seconds_keeps_an_answer_until_its_last_second_has_ended() {
        let mut settings = Settings { negative_cache_ttl: Duration::from_secs(3), ..Settings::default() };
        let at = |cache: &AnswerCache, ms: u64| cache.began + Duration::from_millis(ms);
        let exact = AnswerCache::of(&settings).expect("it keeps not_found");
        assert_eq!(exact.until(at(&exact, 400), Duration::from_secs(3)), at(&exact, 3400));
        settings.cache_clock = Duration::from_secs(1);
        let counting = AnswerCache::of(&settings).expect("it keeps not_found");
        for (fetched, until) in [(0, 4000), (400, 4000), (999, 4000), (1000, 5000)] {
            assert_eq!(counting.until(at(&counting, fetched), Duration::from_secs(3)), at(&counting, until), "fetched after {fetched} ms");
        }
    }
}
