//! Requests as calls to a router, on virtual time, with what matters of a connection: fresh or kept, its peer address, latency.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_LENGTH, HOST, HeaderName, HeaderValue};
use http_body_util::{BodyExt, Limited};
use tower::ServiceExt;

use crate::model::answer::TransportFault;
use crate::model::exchange::Connection;
use crate::probe::clock::Clock;
use crate::probe::http1::LARGEST_BODY;
use crate::probe::http1::events;
use crate::probe::network::{USER_AGENT, usual_headers};
use crate::probe::pool::Pool;
use crate::probe::trace_ids::TraceIds;
use crate::probe::transport::{Head, Received, Unsendable};
use crate::probe::virtual_network::Latency;
use crate::target::Request;

/// A router, and how far away it is.
#[derive(Debug, Clone)]
pub struct InProcess {
    router: Router,
    latency: Latency,
    next_conn: Arc<AtomicU32>,
    pool: Arc<Pool<u32>>,
    exchanges: Arc<AtomicU64>,
    usual: Arc<[(HeaderName, HeaderValue)]>,
    trace_ids: Option<TraceIds>,
}

#[derive(Debug)]
pub(crate) enum InProcessLane {
    /// A connection per exchange.
    Fresh,
    /// The kept connection and how many exchanges it has carried.
    Kept(u32, AtomicU32),
    /// Whichever is idle.
    Pooled,
}

impl InProcess {
    /// A router at some distance.
    pub fn new(router: Router, latency: Latency) -> InProcess {
        InProcess {
            router,
            latency,
            next_conn: Arc::new(AtomicU32::new(1)),
            pool: Arc::default(),
            exchanges: Arc::new(AtomicU64::new(0)),
            usual: usual_headers(USER_AGENT, None, None).into(),
            trace_ids: None,
        }
    }

    /// The same with the run's id in every request, as over sockets.
    #[must_use]
    pub fn named(self, run_id: &str) -> InProcess {
        InProcess { usual: usual_headers(USER_AGENT, Some(run_id), self.trace_ids.as_ref()).into(), ..self }
    }

    /// The same with these ids in every request. Before it is named.
    #[must_use]
    pub fn traced_by(self, trace_ids: TraceIds) -> InProcess {
        InProcess { usual: usual_headers(USER_AGENT, None, Some(&trace_ids)).into(), trace_ids: Some(trace_ids), ..self }
    }

    pub(crate) fn trace_ids(&self) -> Option<&TraceIds> {
        self.trace_ids.as_ref()
    }

    fn connect(&self) -> u32 {
        self.next_conn.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn lane(&self, connection: Connection) -> InProcessLane {
        match connection {
            Connection::Fresh => InProcessLane::Fresh,
            Connection::KeepAlive | Connection::PreOpened => InProcessLane::Kept(self.connect(), AtomicU32::new(0)),
            Connection::Pooled => InProcessLane::Pooled,
        }
    }

    /// Does everything for a request that can be done before its time has come.
    pub(crate) fn prepare(&self, request: Request) -> Result<http::Request<Bytes>, Unsendable> {
        let mut builder = http::Request::builder().method(&request.method).uri(path_of(&request.url));
        for (name, value) in &request.headers {
            builder = builder.header(name.as_str(), value.as_str());
        }
        let has = |name: &HeaderName| request.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name.as_str()));
        for (name, value) in self.usual.iter().filter(|(name, _)| !has(name)) {
            builder = builder.header(name, value);
        }
        if !has(&HOST)
            && let Some(authority) = request.url.split('/').nth(2)
        {
            builder = builder.header(HOST, authority);
        }
        if !request.body.is_empty() || matches!(request.method, Method::POST | Method::PUT | Method::PATCH) {
            builder = builder.header(CONTENT_LENGTH, request.body.len());
        }
        builder.body(Bytes::from(request.body)).map_err(|_| Unsendable::Address)
    }

    pub(crate) async fn send(
        &self,
        lane: &InProcessLane,
        request: &http::Request<Bytes>,
        clock: &Clock,
        head: &mut Head,
    ) -> Result<Received, TransportFault> {
        let (conn, new) = match lane {
            InProcessLane::Fresh => (self.connect(), true),
            InProcessLane::Kept(conn, carried) => (*conn, carried.fetch_add(1, Ordering::Relaxed) == 0),
            InProcessLane::Pooled => self.pool.take(|_| true).map_or_else(|| (self.connect(), true), |conn| (conn, false)),
        };
        head.conn = Some(conn);
        head.new_conn = Some(new);
        let journey = self.latency.journey(self.exchanges.fetch_add(1, Ordering::Relaxed));
        let handshake = if new { journey.handshake } else { Duration::ZERO };
        pass(journey.before_sending + handshake + journey.there).await;
        let mut call = request.clone().map(Body::from);
        call.extensions_mut().insert(ConnectInfo(peer(conn)));
        // A router's error type is Infallible.
        let response = self.router.clone().oneshot(call).await.map_err(|never| match never {})?;
        pass(journey.back).await;
        head.first_byte = Some(clock.now());
        let (parts, body) = response.into_parts();
        let body = if events::is_stream(&parts.headers) { first_event(body).await } else { whole(body).await }?;
        pass(journey.reading).await;
        if matches!(lane, InProcessLane::Pooled) {
            self.pool.give(conn);
        }
        Ok(Received { http: parts.status.as_u16(), headers: parts.headers, body })
    }
}

async fn whole(body: Body) -> Result<Bytes, TransportFault> {
    Ok(Limited::new(body, LARGEST_BODY).collect().await.map_err(|_| TransportFault::TooLarge)?.to_bytes())
}

/// A stream up to the end of its first event.
async fn first_event(body: Body) -> Result<Bytes, TransportFault> {
    let mut body = Limited::new(body, LARGEST_BODY);
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(|_| TransportFault::TooLarge)?.into_data() {
            read.extend_from_slice(&data);
            if events::end_of_first(&read).is_some() {
                break;
            }
        }
    }
    Ok(read.into())
}

/// Lets time pass; no time at all is not even a turn for the other tasks.
async fn pass(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

/// The address that a connection comes from: the service tells connections apart by it, as it does over sockets.
fn peer(conn: u32) -> SocketAddr {
    let [_, a, b, c] = conn.to_be_bytes();
    SocketAddr::from((Ipv4Addr::new(127, a, b, c), 40_000))
}

/// The path and query of a URL.
fn path_of(url: &str) -> &str {
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    url[after_scheme..].find('/').map_or("/", |at| &url[after_scheme + at..])
}
