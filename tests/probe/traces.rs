//! Every request carries a `traceparent` of its own, however it travels, and the log says which.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, Version};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use statusgap::model::run::{HttpVersion, Journal};
use statusgap::model::trace::traceparent;
use statusgap::probe::{Clock, InProcess, Latency, Network, NetworkOptions, TraceIds, Transport};
use tokio::net::TcpListener;

use crate::support::driven;

/// What requests said: version of HTTP, `traceparent`, `tracestate`.
type Asked = Arc<Mutex<Vec<(Version, String, String)>>>;

async fn note(State(asked): State<Asked>, request: Request, next: Next) -> Response {
    let said = said(&request);
    asked.lock().expect("no panic").push(said);
    next.run(request).await
}

fn said(request: &Request) -> (Version, String, String) {
    let header = |name: &str| request.headers().get(name).map(|value| value.to_str().expect("a text").to_owned()).unwrap_or_default();
    (request.version(), header("traceparent"), header("tracestate"))
}

fn jobs(asked: &Asked) -> Router {
    Router::new()
        .route("/jobs", post(|| async { (StatusCode::ACCEPTED, r#"{"id":"j-1"}"#) }))
        .route("/jobs/{id}", get(|| async { r#"{"state":"busy"}"# }))
        .layer(from_fn_with_state(Arc::clone(asked), note))
}

const CONNECTIONS: [&str; 3] = ["fresh", "keep-alive", "pooled"];

/// Three scans with a control, each polled twice.
async fn run(base_url: &str, transport: Transport, clock: &Clock, connection: &str) -> Journal {
    let scenario = driven::scenario(&format!(
        "[load]\nscans = 3\n[polls]\noffsets = ['0s', '1ms']\nconnection = '{connection}'\n[controls]\nunknown_id = 1",
    ));
    let target = format!(
        "name = 'canned'\nbase_url = '{base_url}'\nunknown_id = 'never-{{uuid}}'\n[initiate]\npath = '/jobs'\nid = {{ pointer = '/id' }}\n\
         [status]\npath = '/jobs/{{id}}'\nstate = {{ pointer = '/state' }}\nstates = {{ running = ['busy'] }}"
    );
    driven::journal(&Arc::new(driven::target(&target)), transport, clock, &scenario, driven::options(1)).await
}

/// Every request had ids of its own, and the log has them.
fn check(asked: &Asked, journal: &Journal, ids: &TraceIds, version: Version) {
    let asked = std::mem::take(&mut *asked.lock().expect("no panic"));
    let sent: BTreeSet<String> = asked.iter().map(|(_, parent, _)| parent.clone()).collect();
    let logged: BTreeSet<String> =
        journal.exchanges.iter().map(|exchange| traceparent(ids.run(), exchange.trace.expect("ids in the log"))).collect();
    assert_eq!(sent, logged);
    assert_eq!((sent.len(), asked.len()), (journal.exchanges.len(), journal.exchanges.len()), "no two have the same");
    assert!(journal.exchanges.len() >= 10, "{}", journal.exchanges.len());
    assert!(asked.iter().all(|(spoken, _, state)| *spoken == version && state == "statusgap=r-1"), "{asked:?}");
}

#[tokio::test]
async fn over_both_versions_of_http() {
    for (version, spoken) in [(HttpVersion::One, Version::HTTP_11), (HttpVersion::Two, Version::HTTP_2)] {
        let asked = Asked::default();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let base_url = format!("http://{}", listener.local_addr().expect("an address"));
        let router = jobs(&asked);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = TowerToHyperService::new(router.clone());
                tokio::spawn(async move {
                    // How a connection ends is the client's business.
                    if version == HttpVersion::Two {
                        let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                            .serve_connection(TokioIo::new(stream), service)
                            .await;
                    } else {
                        let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                    }
                });
            }
        });
        let ids = TraceIds::of_run(7, "r-1");
        let options = NetworkOptions { version, trace_ids: Some(ids.clone()), ..NetworkOptions::default() };
        let network = Transport::Network(Network::with(&base_url, options).expect("a way"));
        for connection in CONNECTIONS {
            let journal = run(&base_url, network.clone(), &Clock::real().expect("a kernel timer"), connection).await;
            check(&asked, &journal, &ids, spoken);
        }
        serving.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn in_process() {
    let asked = Asked::default();
    let ids = TraceIds::of_run(7, "r-1");
    let router = InProcess::new(jobs(&asked), Latency::Fixed(Duration::from_millis(1))).traced_by(ids.clone());
    for connection in CONNECTIONS {
        let journal = run("http://in-process", Transport::InProcess(router.clone()), &Clock::virtual_time(), connection).await;
        check(&asked, &journal, &ids, Version::HTTP_11);
    }
}
