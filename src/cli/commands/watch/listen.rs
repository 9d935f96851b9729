//! The page and the metrics of a watch, on a socket. It is read only, and knows nothing but what was published.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderValue, StatusCode, Version, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::cli::commands::watch::connections;
use crate::cli::commands::watch::publish::{Publication, PublishedRound};
use crate::cli::error::CliError;
use crate::report::watch_status::ChangeRow;
use crate::report::{View, html, watch_html, watch_openmetrics};

/// Where to listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listen {
    /// Nowhere.
    Nowhere,
    /// At an address.
    At(SocketAddr),
}

/// Why a text is not a place to listen at.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not an address with a port, such as 127.0.0.1:9464, and not `none`")]
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
    ended: JoinHandle<()>,
}

/// How long a reader may take for the rest of an answer when the watch is over.
const DRAIN: Duration = Duration::from_millis(500);

impl Page {
    /// Begins to serve what is published, under addresses, loopback names and the names that were given.
    pub async fn open(listen: Listen, names: &[String], publication: Publication) -> Result<Page, CliError> {
        let Listen::At(address) = listen else { return Ok(Page { publication, served: None }) };
        let refused = |error: std::io::Error| {
            CliError::usage(
                format!("cannot listen on {address}: {error}"),
                "--listen 127.0.0.1:0 picks a free port, --listen none serves no page",
            )
        };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let app = router(publication.clone(), names.into());
        let ended = tokio::spawn(connections::serve(listener, app, connections::Limits::usual(), stopped));
        Ok(Page { publication, served: Some(Served { address, stop, ended }) })
    }

    /// Where it is served.
    pub fn address(&self) -> Option<SocketAddr> {
        self.served.as_ref().map(|served| served.address)
    }

    /// Shows a round. The change that it made comes back as it is told.
    pub fn publish(&self, round: &PublishedRound<'_>, shown: &View, log: String) -> Option<ChangeRow> {
        self.publication.publish(round, shown, log)
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

fn router(publication: Publication, names: Arc<[String]>) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/report", get(report))
        .route("/metrics", get(metrics))
        .route("/healthz", get(health))
        .fallback(|| async { (StatusCode::NOT_FOUND, "there are /, /report, /metrics and /healthz\n") })
        .with_state(publication)
        .layer(from_fn_with_state(names, asked_by_name))
}

/// Serves those alone who asked for this page by its own name. A browser that was led to another site's name, which then turned into
/// this machine's address (DNS rebinding), says that name, and its script may read what it gets.
async fn asked_by_name(State(names): State<Arc<[String]>>, request: Request, next: Next) -> Response {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let named = match (hosts.next().map(HeaderValue::to_str), hosts.next(), request.uri().authority()) {
        (Some(Ok(host)), None, Some(whole)) => is_own(host, &names) && is_own(whole.as_str(), &names),
        (Some(Ok(host)), None, None) => is_own(host, &names),
        // No browser speaks HTTP/1.0.
        (None, None, None) => request.version() < Version::HTTP_11,
        _ => false,
    };
    if named {
        next.run(request).await
    } else {
        let told = "this page is not served under that name: use an address, or give the name to --listen-as\n";
        (StatusCode::MISDIRECTED_REQUEST, told).into_response()
    }
}

/// Whether a host, with or without a port, is an address, a name of the loopback, or one of those that were given.
fn is_own(host: &str, names: &[String]) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    if authority.as_str().contains('@') {
        return false;
    }
    let name = authority.host().trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
    // Nobody can make an address mean another machine.
    name.parse::<IpAddr>().is_ok()
        || name == "localhost"
        || name.ends_with(".localhost")
        || names.iter().any(|own| own.trim_end_matches('.').eq_ignore_ascii_case(&name))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_answers_to_addresses_loopback_names_and_names_that_were_given() {
        let names = ["watch.example".to_owned()];
        for own in [
            "127.0.0.1:9464",
            "127.0.0.1",
            "[::1]:9464",
            "[::1]",
            "10.1.2.3:80",
            "localhost:1",
            "LOCALHOST",
            "localhost.:9464",
            "a.localhost",
            "watch.example:9464",
            "Watch.Example.",
        ] {
            assert!(is_own(own, &names), "{own}");
        }
        for other in [
            "evil.example",
            "evil.example:9464",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "watch.example.evil",
            "notlocalhost",
            "",
            ":9464",
            "user@localhost",
            "a b",
            "watch.exampl",
            "[::1",
            "127.0.0.1@evil.example",
        ] {
            assert!(!is_own(other, &names), "{other}");
        }
    }
}
