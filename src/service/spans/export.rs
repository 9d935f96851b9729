//! Sends spans to a collector: OTLP over HTTP, as JSON.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Request, Uri, header};
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::SpanStore;

/// How often spans are sent.
const EVERY: Duration = Duration::from_secs(1);

/// The longest that sending may take: a collector that is away must not keep the service from stopping.
const LONGEST: Duration = Duration::from_secs(3);

/// A collector.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    authority: String,
    path: String,
}

impl Endpoint {
    /// The place for traces below an address such as `http://127.0.0.1:4318`; `None` if it is none that can be reached in the clear.
    pub(crate) fn of(address: &str) -> Option<Endpoint> {
        let uri: Uri = address.parse().ok()?;
        if uri.scheme_str() != Some("http") {
            return None;
        }
        let authority = uri.authority()?;
        let authority = if authority.port().is_some() { authority.to_string() } else { format!("{}:4318", authority.host()) };
        Some(Endpoint { authority, path: format!("{}/v1/traces", uri.path().trim_end_matches('/')) })
    }

    async fn send(&self, body: Vec<u8>) -> Option<()> {
        let stream = TcpStream::connect(&self.authority).await.ok()?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
        let driven = tokio::spawn(connection);
        let request = Request::post(&self.path)
            .header(header::HOST, &self.authority)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .ok()?;
        let answered = sender.send_request(request).await;
        driven.abort();
        answered.ok().filter(|answer| answer.status().is_success()).map(|_| ())
    }
}

/// Sends what has ended. What a collector does not take is lost, as from any exporter whose collector stays away.
pub(crate) async fn send_all(store: &SpanStore, endpoint: &Endpoint) {
    for body in store.take() {
        // Nobody can be told: the service has no log, and its answers must not depend on it.
        let _ = timeout(LONGEST, endpoint.send(body)).await;
    }
}

/// Sends for as long as the service exists.
pub(crate) async fn export_from_time_to_time(store: SpanStore, endpoint: Endpoint) {
    loop {
        tokio::time::sleep(EVERY).await;
        send_all(&store, &endpoint).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_for_traces_is_below_the_address() {
        let told = |address: &str| Endpoint::of(address).map(|endpoint| format!("{}{}", endpoint.authority, endpoint.path));
        assert_eq!(told("http://127.0.0.1:4318").as_deref(), Some("127.0.0.1:4318/v1/traces"));
        assert_eq!(told("http://collector/otlp/").as_deref(), Some("collector:4318/otlp/v1/traces"));
        assert_eq!(told("https://collector"), None);
        assert_eq!(told("127.0.0.1:4318"), None);
    }
}
