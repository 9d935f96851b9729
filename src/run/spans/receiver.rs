//! An OTLP receiver over HTTP (protobuf and JSON), for as long as a run goes on.
//!
//! It lives on a thread of its own: on the probe's it would delay the very requests that are measured. Nothing is forwarded; spans of other
//! runs are counted and dropped. Metrics and logs are accepted and dropped, since exporters that send all three complain otherwise.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures_util::StreamExt as _;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::unpack::{Unusable, unpacked};
use crate::run::{RunError, connections};
use crate::traces::{Keeper, read_json, read_protobuf};

/// What senders may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// So many connections at a time; others wait in the system's queue.
    pub(super) connections: usize,
    /// The largest request that is read, as it was sent, in bytes. Exporters send 512 spans at a time.
    pub(super) request: usize,
    /// The memory that all requests together may take that are on their way, in bytes.
    pub(super) room: usize,
    /// A request, and the pause before it, may take so long.
    pub(super) time: Duration,
}

pub(super) const LIMITS: Limits =
    Limits { connections: 64, request: 16 * 1024 * 1024, room: 64 * 1024 * 1024, time: Duration::from_secs(30) };

/// How much the receiver gives way to the probe, where both want a processor.
const NICENESS: i32 = 10;

/// The receiver.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Clone)]
struct Intake {
    keeper: Arc<Mutex<Keeper>>,
    limits: Limits,
    room: Arc<Semaphore>,
}

impl Receiver {
    /// Listens on an address from now on.
    pub fn open(address: SocketAddr, keeper: Arc<Mutex<Keeper>>) -> Result<Receiver, RunError> {
        Receiver::within(LIMITS, address, keeper)
    }

    pub(super) fn within(limits: Limits, address: SocketAddr, keeper: Arc<Mutex<Keeper>>) -> Result<Receiver, RunError> {
        let refused = |source: std::io::Error| {
            RunError::refused(
                format!("cannot listen for spans on {address}: {source}"),
                "another collector may have the port: give --otlp another one (:0 picks a free one) and set OTEL_EXPORTER_OTLP_ENDPOINT to it",
            )
        };
        let listener = TcpListener::bind(address).map_err(refused)?;
        listener.set_nonblocking(true).map_err(refused)?;
        let bound = listener.local_addr().map_err(refused)?;
        let (stop, stopped) = watch::channel(false);
        let intake = Intake { keeper, limits, room: Arc::new(Semaphore::new(limits.room)) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|source| RunError::System { action: "start the receiver of spans", source })?;
        let thread = std::thread::Builder::new().name("spans".to_owned()).spawn(move || {
            // Of this thread alone, as Linux has it; where it is refused, the receiver is as urgent as the rest.
            let _ = rustix::process::setpriority_process(None, NICENESS);
            runtime.block_on(serve(listener, intake, stopped));
        });
        let thread = thread.map_err(|source| RunError::System { action: "start the receiver of spans", source })?;
        Ok(Receiver { address: bound, stop, thread: Mutex::new(Some(thread)) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops listening, and waits until nobody does.
    pub fn close(&self) {
        // Nobody listens any more only when it is over.
        let _ = self.stop.send(true);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A receiver that panicked has no more spans; the run has what came before.
            let _ = thread.join();
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.close();
    }
}

/// Accepts a bounded number of senders, each for a bounded time.
async fn serve(listener: TcpListener, intake: Intake, mut stop: watch::Receiver<bool>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let limits = intake.limits;
    let router = Router::new()
        .route("/v1/traces", post(traces))
        .route("/v1/metrics", post(dropped))
        .route("/v1/logs", post(dropped))
        .with_state(intake);
    let stopped = stop.wait_for(|stop| *stop);
    // Exporters keep their connections open: they are cut, since nothing that comes now is kept.
    drop(connections::accept(listener, limits.connections, stopped, |stream| answer(stream, router.clone(), limits)).await);
}

/// The requests of one connection.
async fn answer(stream: TcpStream, router: Router, limits: Limits) {
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(limits.time);
    // What became of a sender is its own affair: it sends again.
    let _ = server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)).await;
}

/// How the body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Protobuf,
    Json,
}

async fn traces(State(intake): State<Intake>, headers: HeaderMap, body: Body) -> Response {
    let form =
        match headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).map(|kind| kind.split(';').next().unwrap_or_default().trim()) {
            Some("application/json") => Form::Json,
            Some("application/x-protobuf") => Form::Protobuf,
            _ => return refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send application/x-protobuf or application/json"),
        };
    let read = tokio::time::timeout(intake.limits.time, intake.body(&headers, body)).await;
    let (body, _room) = match read.unwrap_or(Err(StatusCode::REQUEST_TIMEOUT)) {
        Ok(body) => body,
        // An exporter that is asked to come again does.
        Err(StatusCode::SERVICE_UNAVAILABLE) => return (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")]).into_response(),
        Err(why) => {
            intake.unreadable(1);
            return why.into_response();
        }
    };
    let encoding = headers.get(CONTENT_ENCODING).and_then(|encoding| encoding.to_str().ok());
    let body = match unpacked(encoding, &body) {
        Ok(body) => body,
        Err(why) => {
            intake.unreadable(1);
            return match why {
                Unusable::Encoding => refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send it as it is, or compressed by gzip"),
                Unusable::Broken => refused(StatusCode::BAD_REQUEST, "this is not gzip"),
                Unusable::TooLarge => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
            };
        }
    };
    let read = {
        let mut keeper = intake.keeper();
        let mut take = |span| keeper.take_in(span);
        match form {
            Form::Protobuf => read_protobuf(&body, &mut take),
            Form::Json => read_json(&body, &mut take),
        }
    };
    match read {
        Ok(unusable) => {
            intake.unreadable(unusable);
            accepted(form)
        }
        Err(why) => {
            intake.unreadable(1);
            refused(StatusCode::BAD_REQUEST, why.to_string())
        }
    }
}

fn refused(status: StatusCode, why: impl Into<String>) -> Response {
    (status, why.into()).into_response()
}

async fn dropped(headers: HeaderMap) -> Response {
    let is_json = headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    accepted(if is_json { Form::Json } else { Form::Protobuf })
}

/// An empty answer of the same form: all was accepted.
fn accepted(form: Form) -> Response {
    match form {
        Form::Protobuf => ([(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"))], "").into_response(),
        Form::Json => ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], "{}").into_response(),
    }
}

impl Intake {
    /// A body, and its share of the room for as long as it is needed; otherwise the status of the answer.
    async fn body(&self, headers: &HeaderMap, body: Body) -> Result<(Vec<u8>, Option<OwnedSemaphorePermit>), StatusCode> {
        let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        if announced.is_some_and(|length| length > self.limits.request) {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        let mut pieces = body.into_data_stream();
        let (mut whole, mut room): (Vec<u8>, Option<OwnedSemaphorePermit>) = (Vec::new(), None);
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|_| StatusCode::BAD_REQUEST)?;
            if whole.len() + piece.len() > self.limits.request {
                return Err(StatusCode::PAYLOAD_TOO_LARGE);
            }
            let length = u32::try_from(piece.len()).map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
            let more = Arc::clone(&self.room).try_acquire_many_owned(length).map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
            match &mut room {
                Some(room) => room.merge(more),
                None => room = Some(more),
            }
            whole.extend_from_slice(&piece);
        }
        Ok((whole, room))
    }

    fn keeper(&self) -> MutexGuard<'_, Keeper> {
        // It is whole after each span.
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unreadable(&self, pieces: u64) {
        self.keeper().unreadable(pieces);
    }
}
