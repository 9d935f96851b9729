//! The page and the metrics of a watch, on a socket. It is read only, and knows nothing but what was published.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::cli::complaint::Complaint;
use crate::cli::watch::publish::{Publication, Told};
use crate::report::live::ChangeRow;
use crate::report::{View, html, watch_html, watch_openmetrics};

/// Where to listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listen {
    /// Nowhere.
    Nowhere,
    /// At an address.
    At(SocketAddr),
}

/// Why a text is no place to listen at.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no address with a port, such as 127.0.0.1:9464, and not `none`")]
pub struct ListenError(String);

impl FromStr for Listen {
    type Err = ListenError;

    fn from_str(text: &str) -> Result<Listen, ListenError> {
        if text == "none" { Ok(Listen::Nowhere) } else { text.parse().map(Listen::At).map_err(|_| ListenError(text.to_owned())) }
    }
}

/// What is published, and the server that shows it, if there is one.
pub struct Page {
    publication: Publication,
    served: Option<Served>,
}

struct Served {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<std::io::Result<()>>,
}

/// How long a reader may take for the rest of an answer when the watch is over.
const DRAIN: Duration = Duration::from_millis(500);

impl Page {
    /// Begins to serve what is published.
    pub async fn open(listen: Listen, publication: Publication) -> Result<Page, Complaint> {
        let Listen::At(address) = listen else { return Ok(Page { publication, served: None }) };
        let refused = |error: std::io::Error| {
            Complaint::usage(
                format!("cannot listen on {address}: {error}"),
                "--listen 127.0.0.1:0 picks a free port, --listen none serves no page",
            )
        };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let app = router(publication.clone());
        let ended = tokio::spawn(async move {
            axum::serve(listener, app)
                .with_graceful_shutdown(async {
                    // A dropped sender means the same as a sent stop.
                    let _ = stopped.await;
                })
                .await
        });
        Ok(Page { publication, served: Some(Served { address, stop, ended }) })
    }

    /// Where it is served.
    pub fn address(&self) -> Option<SocketAddr> {
        self.served.as_ref().map(|served| served.address)
    }

    /// Shows a round. The change that it made comes back as it is told.
    pub fn publish(&self, told: &Told<'_>, shown: &View, log: String) -> Option<ChangeRow> {
        self.publication.publish(told, shown, log)
    }

    /// Ends the server.
    pub async fn close(self) {
        let Some(mut served) = self.served else { return };
        let _ = served.stop.send(());
        if tokio::time::timeout(DRAIN, &mut served.ended).await.is_err() {
            // A reader that holds its connection open has had its time.
            served.ended.abort();
            let _ = served.ended.await;
        }
    }
}

fn router(publication: Publication) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/report", get(report))
        .route("/metrics", get(metrics))
        .route("/healthz", get(health))
        .fallback(|| async { (StatusCode::NOT_FOUND, "there are /, /report, /metrics and /healthz\n") })
        .with_state(publication)
}

const HTML: &str = "text/html; charset=utf-8";
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

fn answer(kind: &'static str, text: String) -> Response {
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (headers, text).into_response()
}

async fn page(State(publication): State<Publication>) -> Response {
    let shown = publication.shown();
    answer(HTML, watch_html(&shown.live, shown.view.as_ref()))
}

async fn report(State(publication): State<Publication>) -> Response {
    match &publication.shown().view {
        Some(view) => answer(HTML, html(view)),
        None => (StatusCode::NOT_FOUND, "the first round has not ended yet\n").into_response(),
    }
}

async fn metrics(State(publication): State<Publication>) -> Response {
    let shown = publication.shown();
    answer(OPENMETRICS, watch_openmetrics(&shown.live, shown.view.as_ref()))
}

/// Whether the watch works. What it says of the target is beside the point, and told all the same.
async fn health(State(publication): State<Publication>) -> Response {
    let live = &publication.shown().live;
    let last = live.recent.first().map(|round| &round.began.told);
    let told = json!({ "watching": true, "verdict": live.verdict, "rounds": live.rounds.iter().sum::<u64>(), "last_round": last });
    answer("application/json", format!("{told}\n"))
}
