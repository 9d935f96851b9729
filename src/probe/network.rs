//! Requests over sockets, by reqwest: no retry, no redirect, no proxy on loopback, no delayed small packets.

use std::error::Error as _;
use std::io::ErrorKind as Kind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use hyper_util::client::legacy::connect::HttpInfo;

use crate::model::answer::TransportFault;
use crate::model::exchange::Connection;
use crate::probe::clock::Clock;
use crate::probe::transport::{Head, LARGEST_BODY, Received};
use crate::target::Request;

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// The client refused its settings.
    #[error("cannot set up the HTTP client")]
    Client(#[source] reqwest::Error),
    /// The system's certificates could not be used.
    #[error("cannot set up TLS")]
    Tls(#[source] rustls::Error),
}

/// Whether connections are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// The target is `http://…`: no certificates are loaded.
    Off,
    /// The target is `https://…`.
    On,
}

/// Sockets to one target.
#[derive(Debug, Clone)]
pub struct Network {
    tls: Arc<rustls::ClientConfig>,
    loopback: bool,
    /// Never keeps a connection: every exchange on it opens its own.
    fresh: reqwest::Client,
}

#[derive(Debug)]
pub(crate) struct NetworkLane {
    client: reqwest::Client,
    kept: bool,
    /// The local port of the last exchange, 0 before the first.
    last_port: Arc<AtomicU32>,
}

impl Network {
    /// Prepares clients for a target.
    pub fn new(base_url: &str) -> Result<Network, NetworkError> {
        let tls = if base_url.starts_with("https:") { Tls::On } else { Tls::Off };
        let tls = tls_config(tls).map_err(NetworkError::Tls)?;
        let loopback = is_loopback(base_url);
        let fresh = client(&tls, 0, loopback).map_err(NetworkError::Client)?;
        Ok(Network { tls: Arc::new(tls), loopback, fresh })
    }

    pub(crate) fn lane(&self, connection: Connection) -> NetworkLane {
        let kept = match connection {
            Connection::Fresh => None,
            // A client was made with these very settings before, so this one can be made, too.
            Connection::KeepAlive | Connection::PreOpened => client(&self.tls, 1, self.loopback).ok(),
        };
        NetworkLane { kept: kept.is_some(), client: kept.unwrap_or_else(|| self.fresh.clone()), last_port: Arc::new(AtomicU32::new(0)) }
    }

    pub(crate) async fn send(
        &self,
        lane: &NetworkLane,
        request: Request,
        clock: &Clock,
        head: &mut Head,
    ) -> Result<Received, TransportFault> {
        let mut builder = lane.client.request(request.method, &request.url);
        for (name, value) in &request.headers {
            builder = builder.header(name.as_str(), value.as_str());
        }
        if !request.body.is_empty() {
            builder = builder.body(request.body);
        }
        let mut response = builder.send().await.map_err(|error| fault(&error))?;
        head.first_byte = Some(clock.now());
        if let Some(port) = response.extensions().get::<HttpInfo>().map(|connection| u32::from(connection.local_addr().port())) {
            let last = lane.last_port.swap(port, Ordering::Relaxed);
            head.conn = Some(port);
            head.new_conn = Some(!lane.kept || last != port);
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| fault(&error))? {
            if body.len() + chunk.len() > LARGEST_BODY {
                return Err(TransportFault::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Received { http: response.status().as_u16(), headers: std::mem::take(response.headers_mut()), body: body.into() })
    }
}

fn client(tls: &rustls::ClientConfig, idle: usize, loopback: bool) -> Result<reqwest::Client, reqwest::Error> {
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls.clone())
        .pool_max_idle_per_host(idle)
        .redirect(reqwest::redirect::Policy::none())
        // A request that was silently sent twice is two requests, and the window is measured from neither.
        .retry(reqwest::retry::never())
        // A small request that waits for a delayed acknowledgement looks like a window of 40 ms.
        .tcp_nodelay(true)
        // HTTP/2 would carry "fresh" exchanges over one connection.
        .http1_only()
        .user_agent(concat!("statusgap/", env!("CARGO_PKG_VERSION")));
    let builder = if loopback { builder.no_proxy() } else { builder };
    builder.build()
}

fn tls_config(tls: Tls) -> Result<rustls::ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    Ok(match tls {
        Tls::Off => builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth(),
        Tls::On => {
            let verifier = rustls_platform_verifier::Verifier::new(provider)?;
            builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()
        }
    })
}

/// Whether a base URL names this machine.
pub fn is_loopback(base_url: &str) -> bool {
    let rest = base_url.split_once("://").map_or(base_url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host_port = authority.rsplit('@').next().unwrap_or_default();
    let host = match host_port.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host_port.split(':').next().unwrap_or_default(),
    };
    host.eq_ignore_ascii_case("localhost") || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Which kind of failure an error is: by the errors behind it, since reqwest's own kinds are coarser.
fn fault(error: &reqwest::Error) -> TransportFault {
    if error.is_timeout() {
        return TransportFault::Timeout;
    }
    if error.is_builder() {
        return TransportFault::Request;
    }
    let mut source = error.source();
    let mut found = None;
    while let Some(cause) = source {
        if cause.is::<rustls::Error>() {
            return TransportFault::Tls;
        }
        if let Some(http) = cause.downcast_ref::<hyper::Error>() {
            if http.is_incomplete_message() || http.is_canceled() || http.is_closed() || http.is_body_write_aborted() {
                found = Some(TransportFault::Closed);
            } else if http.is_parse() {
                found = Some(TransportFault::Protocol);
            }
        }
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            if matches!(io.get_ref(), Some(inner) if inner.is::<rustls::Error>()) {
                return TransportFault::Tls;
            }
            found = match io.kind() {
                Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe | Kind::UnexpectedEof if !error.is_connect() => {
                    Some(TransportFault::Closed)
                }
                _ => found,
            };
        }
        // hyper-util's resolver error has no public type; its text is all there is to tell it by.
        if error.is_connect() && cause.to_string().contains("dns error") {
            return TransportFault::Resolve;
        }
        source = cause.source();
    }
    if error.is_connect() { TransportFault::Connect } else { found.unwrap_or(TransportFault::Protocol) }
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn loopback_is_told_by_the_host_alone() {
        for (url, expected) in [
            ("http://127.0.0.1:8080", true),
            ("http://127.8.9.10/x", true),
            ("http://localhost/api", true),
            ("https://[::1]:9/", true),
            ("http://example.com/127.0.0.1", false),
            ("http://localhost@example.com/", false),
            ("http://localhost.example.com/", false),
            ("http://10.0.0.1/", false),
        ] {
            assert_eq!(is_loopback(url), expected, "{url}");
        }
    }
}
