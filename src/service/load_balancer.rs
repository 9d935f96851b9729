//! What stands between the clients and the workers: routing, and the faults that live on the way.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use rand::RngExt as _;
use tokio::time::Instant;
use tower::ServiceExt as _;

use super::api::refusal::Refusal;
use super::api::{self, Context};
use super::chance::Purpose;
use super::fault::affinity;
use super::fault::answer_cache::{AnswerCache, Keys};
use super::fault::hold::{FirstPhase, HeldConnections};
use super::fault::mangling::decode_early;
use super::settings::{Affinity, PathDecoding, Policy, Routing};
use super::shared::Shared;
use super::spans;

/// A connection nobody used for so long has no worker any more.
const PIN_LIFE: Duration = Duration::from_secs(600);

/// What comes within this time of the former is of one burst.
const BURST: Duration = Duration::from_millis(2);

/// Pins are looked through when there are this many more than there were after the last look.
const PIN_SLACK: usize = 4096;

/// The front of a service.
#[derive(Debug)]
pub(crate) struct LoadBalancer {
    shared: Arc<Shared>,
    workers: Vec<Router>,
    next: AtomicUsize,
    pins: Mutex<Pins>,
    /// Which worker was chosen last, and when.
    last: Mutex<Option<(usize, Instant)>>,
    held: HeldConnections,
    cache: Option<AnswerCache>,
}

/// Which worker each connection belongs to.
#[derive(Debug, Default)]
struct Pins {
    workers: BTreeMap<SocketAddr, (usize, Instant)>,
    look_at: usize,
}

impl LoadBalancer {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let workers = shared.workers.iter().map(|worker| api::routes(Context { shared: shared.clone(), worker: worker.clone() })).collect();
        LoadBalancer {
            workers,
            next: AtomicUsize::new(0),
            pins: Mutex::default(),
            last: Mutex::default(),
            held: HeldConnections::default(),
            cache: AnswerCache::of(&shared.settings),
            shared,
        }
    }

    /// A new connection was accepted from this address; what was known of an older one is void.
    pub(crate) fn opened(&self, peer: SocketAddr) {
        self.held.opened(peer);
        if self.shared.settings.routing == Routing::PerConnection {
            let worker = self.choose();
            self.pins().workers.insert(peer, (worker, Instant::now()));
        }
    }

    /// The worker that a cookie leads to, where there are cookies.
    fn worker_by_cookie(&self, request: &Request) -> Option<usize> {
        let has_cookies = self.shared.settings.affinity == Affinity::Cookie;
        has_cookies.then(|| affinity::named(request.headers(), self.workers.len())).flatten()
    }

    fn worker_for(&self, peer: SocketAddr) -> usize {
        if self.shared.settings.routing == Routing::PerRequest {
            return self.choose();
        }
        let mut pins = self.pins();
        let now = Instant::now();
        if pins.workers.len() > pins.look_at + PIN_SLACK {
            pins.workers.retain(|_, (_, used)| now.saturating_duration_since(*used) < PIN_LIFE);
            pins.look_at = pins.workers.len();
        }
        if let Some((worker, used)) = pins.workers.get_mut(&peer) {
            *used = now;
            return *worker;
        }
        let worker = self.choose();
        pins.workers.insert(peer, (worker, now));
        worker
    }

    fn choose(&self) -> usize {
        let count = self.workers.len();
        match self.shared.settings.policy {
            Policy::RoundRobin => self.next.fetch_add(1, Ordering::Relaxed) % count,
            Policy::Random => self.draw(count),
            Policy::Bursts => {
                let now = Instant::now();
                // Whatever a panicking thread was doing, a worker and an instant are worth as much as any others.
                let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
                let worker = match *last {
                    Some((worker, at)) if now.saturating_duration_since(at) <= BURST => worker,
                    _ => self.draw(count),
                };
                *last = Some((worker, now));
                worker
            }
        }
    }

    fn draw(&self, count: usize) -> usize {
        self.shared.chance.with(Purpose::Routing, |dice| dice.random_range(0..count))
    }

    /// A worker's answer to a request. To a POST that takes too long the front answers itself, and the worker goes on (class Z).
    async fn ask(&self, worker: usize, request: Request) -> Response {
        let patience = self.shared.settings.gateway_timeout;
        let waits = request.method() != Method::POST || request.uri().path() != DISCOVER || patience.is_zero();
        let answer = self.workers[worker].clone().oneshot(request);
        if waits {
            let Ok(response) = answer.await;
            return response;
        }
        match tokio::time::timeout(patience, answer).await {
            Ok(Ok(response)) => response,
            Err(_) => Refusal::new(StatusCode::GATEWAY_TIMEOUT, "The service took too long to answer").into_response(),
        }
    }

    /// Number of connections that are known.
    #[cfg(test)]
    pub(crate) fn connections(&self) -> usize {
        self.pins().workers.len()
    }

    fn pins(&self) -> MutexGuard<'_, Pins> {
        self.pins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a request from a connection to a worker, and its answer back.
pub(crate) async fn pass(State(front): State<Arc<LoadBalancer>>, mut request: Request) -> Response {
    // A caller without a connection of its own shares one with all others like it.
    let nowhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map_or(nowhere, |info| info.0);
    front.held.readable(peer).await;
    let path = request.uri().path().to_owned();
    if front.shared.settings.path_decoding == PathDecoding::Eager {
        match decode_early(request.uri()) {
            Ok(uri) => *request.uri_mut() = uri,
            Err(response) => {
                front.shared.metrics.request(&path, response.status().as_u16());
                return *response;
            }
        }
    }
    let cached = front.cache.as_ref().filter(|_| request.method() == Method::GET && path.starts_with(STATUS));
    let cached = cached.map(|cache| (cache, Keys::of(&request)));
    if let Some(kept) = cached.as_ref().and_then(|(cache, keys)| cache.hit(keys)) {
        front.shared.metrics.request(&path, kept.status().as_u16());
        return kept;
    }
    let led = front.worker_by_cookie(&request);
    let worker = led.unwrap_or_else(|| front.worker_for(peer));
    let named = (request.method().to_string(), request.headers().clone());
    let work = front.ask(worker, request);
    let mut response = spans::serve(front.shared.spans.as_ref(), worker + 1, (&named.0, &path, &named.1), spans::here!("pass"), work).await;
    if let Some(refusal) = response.extensions_mut().remove::<Refusal>() {
        let allow = response.headers_mut().remove(header::ALLOW);
        response = refusal.complete(&path, front.shared.clock.unix_seconds());
        if let Some(allow) = allow {
            response.headers_mut().insert(header::ALLOW, allow);
        }
    }
    if let Some(phase) = response.extensions_mut().remove::<FirstPhase>() {
        front.held.hold(peer, phase);
    }
    response.headers_mut().insert("x-worker", HeaderValue::from(worker + 1));
    if led.is_none() && front.shared.settings.affinity == Affinity::Cookie {
        response.headers_mut().append(header::SET_COOKIE, affinity::cookie(worker));
    }
    front.shared.metrics.request(&path, response.status().as_u16());
    match cached {
        Some((cache, keys)) => {
            // Looked through with every answer that may add to it: entries live for seconds.
            cache.purge();
            cache.pass(keys, response).await
        }
        None => response,
    }
}

/// The route that is given up after a time.
const DISCOVER: &str = "/api/v1/opportunities/discover";

/// The route the cache is in front of.
const STATUS: &str = "/api/v1/opportunities/status/";
