//! What a client can observe, in virtual time through the router unless said otherwise.

mod bounds;
mod contract;
mod history;
mod presets;
mod redis;
mod sockets;
mod stores;
mod zoo;
mod zoo_later;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{Service, Settings};

/// A service with a seed, and new connections to it.
struct World {
    service: Service,
    ports: AtomicU16,
}

/// One connection of one user.
struct Client {
    router: Router,
    peer: SocketAddr,
    user: &'static str,
}

/// An answer, read.
#[derive(Debug, Clone)]
struct Answer {
    code: u16,
    headers: HeaderMap,
    text: String,
    body: Value,
}

fn settings(preset: &str, knobs: &[(&str, &str)]) -> Settings {
    let mut settings = Settings::preset(preset).expect("a preset of ours");
    settings.set("seed", "1").expect("a seed");
    settings.set("epoch", "2026-01-01T00:00:00Z").expect("an epoch");
    for (knob, value) in knobs {
        settings.set(knob, value).unwrap_or_else(|error| panic!("{error}"));
    }
    settings
}

impl World {
    async fn open(preset: &str, knobs: &[(&str, &str)]) -> World {
        Self::with(settings(preset, knobs)).await
    }

    async fn with(settings: Settings) -> World {
        let service = Service::open(settings).await.expect("the service opens");
        World { service, ports: AtomicU16::new(1) }
    }

    /// A new connection.
    fn fresh(&self, user: &'static str) -> Client {
        let port = self.ports.fetch_add(1, Ordering::Relaxed);
        Client { router: self.service.router(), peer: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), user }
    }

    /// A new scan on a new connection of alice's; its id.
    async fn scan(&self, body: Value) -> String {
        self.fresh("alice").discover(body).await.id()
    }

    /// What status says to alice on a new connection.
    async fn status(&self, id: &str) -> String {
        self.fresh("alice").status(id).await
    }

    /// The first letters of what status says, on new connections, this far apart.
    async fn trace(&self, id: &str, every: Duration, count: usize) -> String {
        let mut letters = String::new();
        for _ in 0..count {
            letters.push_str(&self.status(id).await[..1]);
            tokio::time::sleep(every).await;
        }
        letters
    }
}

impl Client {
    async fn send(&self, method: &str, path: &str, body: impl Into<Body>) -> Answer {
        self.send_with(method, path, &[], body).await
    }

    async fn send_with(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}-token", self.user))
            .extension(ConnectInfo(self.peer));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.into()).expect("a well-formed request");
        let response = self.router.clone().oneshot(request).await.expect("the router cannot fail");
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 1 << 20).await.expect("the body is in memory");
        let text = String::from_utf8(bytes.to_vec()).expect("bodies are text");
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { code: parts.status.as_u16(), headers: parts.headers, text, body }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, Body::empty()).await
    }

    async fn discover(&self, body: Value) -> Answer {
        self.send("POST", "/api/v1/opportunities/discover", body.to_string()).await
    }

    /// The status word, with progress where there is some: `scanning 3/14`.
    async fn status(&self, id: &str) -> String {
        self.status_at(&format!("/api/v1/opportunities/status/{}", super::fault::mangling::encode_segment(id))).await
    }

    async fn status_at(&self, path: &str) -> String {
        let answer = self.get(path).await;
        let Some(word) = answer.body["status"].as_str() else {
            return format!("http {}", answer.code);
        };
        match answer.body.get("progress") {
            Some(progress) => format!("{word} {}/{}", progress["strategies_completed"], progress["total_strategies"]),
            None => word.to_owned(),
        }
    }

    async fn results(&self, id: &str) -> Answer {
        self.get(&format!("/api/v1/opportunities/results/{id}")).await
    }

    async fn lifecycle(&self, id: &str) -> Answer {
        self.get(&format!("/api/v1/scan-diagnostics/scan-lifecycle/{id}")).await
    }

    async fn label(&self, id: &str, label: &str) -> Answer {
        self.send("PATCH", &format!("/api/v1/opportunities/scans/{id}"), json!({"label": label}).to_string()).await
    }

    async fn delete(&self, id: &str) -> Answer {
        self.send("DELETE", &format!("/api/v1/opportunities/scans/{id}"), Body::empty()).await
    }

    async fn cancel(&self, id: &str) -> Answer {
        self.send("POST", &format!("/api/v1/opportunities/cancel/{id}"), Body::empty()).await
    }
}

impl Answer {
    fn id(&self) -> String {
        self.body["scan_id"].as_str().unwrap_or_else(|| panic!("no scan_id in {}", self.text)).to_owned()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

async fn wait(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

fn forced() -> Value {
    json!({"force_refresh": true})
}
