//! An OTLP receiver over HTTP (protobuf and JSON), for as long as a run goes on.
//!
//! It lives on a thread of its own: on the probe's it would delay the very requests that are measured. Nothing is forwarded; spans of other
//! runs are counted and dropped. Metrics and logs are accepted and dropped, since exporters that send all three complain otherwise.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tokio::sync::Semaphore;
use tokio::sync::watch;

use super::unpack::{Unusable, unpacked};
use crate::run::RunError;
use crate::traces::{Keeper, read_json, read_protobuf};

/// The largest request that is read, as it was sent. Exporters send 512 spans at a time.
const LARGEST_REQUEST: usize = 16 * 1024 * 1024;

/// So many requests are read at a time; whoever comes then is asked to come again, which exporters do.
const AT_A_TIME: usize = 4;

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
    room: Arc<Semaphore>,
}

impl Receiver {
    /// Listens on an address from now on.
    pub fn open(address: SocketAddr, keeper: Arc<Mutex<Keeper>>) -> Result<Receiver, RunError> {
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
        let intake = Intake { keeper, room: Arc::new(Semaphore::new(AT_A_TIME)) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|source| RunError::System { action: "start the receiver of spans", source })?;
        let thread = std::thread::Builder::new().name("spans".to_owned()).spawn(move || runtime.block_on(serve(listener, intake, stopped)));
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

async fn serve(listener: TcpListener, intake: Intake, mut stop: watch::Receiver<bool>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let router = Router::new()
        .route("/v1/traces", post(traces))
        .route("/v1/metrics", post(dropped))
        .route("/v1/logs", post(dropped))
        .with_state(intake);
    // Exporters keep their connections open: they are cut, since nothing that comes now is kept.
    tokio::select! {
        _ = axum::serve(listener, router) => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

/// How the body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Protobuf,
    Json,
}

async fn traces(State(intake): State<Intake>, headers: HeaderMap, body: Body) -> Response {
    let Ok(_room) = intake.room.try_acquire() else {
        return (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")]).into_response();
    };
    let form =
        match headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).map(|kind| kind.split(';').next().unwrap_or_default().trim()) {
            Some("application/json") => Form::Json,
            Some("application/x-protobuf") => Form::Protobuf,
            _ => return (StatusCode::UNSUPPORTED_MEDIA_TYPE, "send application/x-protobuf or application/json").into_response(),
        };
    let Ok(body) = to_bytes(body, LARGEST_REQUEST).await else {
        intake.unreadable();
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let encoding = headers.get(CONTENT_ENCODING).and_then(|encoding| encoding.to_str().ok());
    let body = match unpacked(encoding, &body) {
        Ok(body) => body,
        Err(why) => {
            intake.unreadable();
            return match why {
                Unusable::Encoding => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "send it as it is, or compressed by gzip").into_response(),
                Unusable::Broken => (StatusCode::BAD_REQUEST, "this is not gzip").into_response(),
                Unusable::TooLarge => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
            };
        }
    };
    let read = match form {
        Form::Protobuf => read_protobuf(&body),
        Form::Json => read_json(&body),
    };
    match read {
        Ok(spans) => {
            intake.keeper.lock().unwrap_or_else(PoisonError::into_inner).take_in(spans);
            accepted(form)
        }
        Err(why) => {
            intake.unreadable();
            (StatusCode::BAD_REQUEST, why.to_string()).into_response()
        }
    }
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
    fn unreadable(&self) {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner).unreadable(1);
    }
}
