//! What the harness costs: polls per second of the whole probe (plan, stamps, reading, log) against a bare client loop.
//!
//! Both ask the same server, an axum router on a thread of its own, over loopback, with a connection per request and as many
//! requests in flight. After the two rows, the ratio is measured anew by turns: on a machine whose speed drifts, two rows
//! that were measured one after the other compare the weather.
#![allow(missing_docs, clippy::expect_used, clippy::print_stdout)]

#[path = "../tests/support/driven.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod driven;
mod plain;

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use divan::Bencher;
use divan::counter::ItemsCount;
use statusgap::model::scenario::Scenario;
use statusgap::probe::{Clock, Network, Transport};
use statusgap::target::Target;
use tokio::runtime::Runtime;

const SCANS: u64 = 25;
const POLLERS: u64 = 16;
const IN_FLIGHT: u64 = 2;

/// What both sides send: per scan one initiate and its polls.
const REQUESTS: u64 = SCANS * (1 + POLLERS);

/// How often the two take turns for the ratio.
const ROUNDS: u32 = 15;

/// Where the server listens. It lives as long as the process.
static SERVER: LazyLock<String> = LazyLock::new(|| {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.set_nonblocking(true).expect("a socket for tokio");
    let base_url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async move {
            let router = Router::new()
                .route("/jobs", post(|| async { (StatusCode::ACCEPTED, r#"{"id":"j-1"}"#) }))
                .route("/jobs/{id}", get(|| async { r#"{"state":"busy"}"# }));
            axum::serve(tokio::net::TcpListener::from_std(listener).expect("a listener"), router).await
        })
    });
    base_url
});

fn main() {
    divan::main();
    // `cargo test --benches` only wants to know that it runs.
    if !std::env::args().any(|word| word == "--test" || word == "--list") {
        println!("requests per second of the probe, as a share of the bare loop's: {:.2} (median of {ROUNDS} turns)", ratio());
    }
}

/// A driver, ready to go again.
struct Driver {
    runtime: Runtime,
    target: Arc<Target>,
    transport: Transport,
    scenario: Scenario,
    client: reqwest::Client,
}

impl Driver {
    fn new() -> Driver {
        let base_url = SERVER.as_str();
        let target = driven::target(&format!(
            "name = 'bench'\nbase_url = '{base_url}'\n[initiate]\npath = '/jobs'\njson = {{ n = '{{n}}' }}\nid = {{ pointer = '/id' }}\n\
             [status]\npath = '/jobs/{{id}}'\nstate = {{ pointer = '/state' }}\nstates = {{ running = ['busy'] }}\n"
        ));
        let scenario = driven::scenario(&format!(
            "[load]\nscans = {SCANS}\nmodel = 'closed'\nin_flight = {IN_FLIGHT}\n[polls]\noffsets = ['0s']\npollers = {POLLERS}\n\
             [controls]\nunknown_id = 0\n"
        ));
        Driver {
            runtime: tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime"),
            target: Arc::new(target),
            transport: Transport::Network(Network::new(base_url).expect("a client")),
            scenario,
            client: plain::client().pool_max_idle_per_host(0).build().expect("a client"),
        }
    }

    /// The whole probe: one run of the scenario, with its log in memory.
    fn probe(&self) -> usize {
        let journal = self.runtime.block_on(async {
            let clock = Clock::real().expect("a kernel timer");
            driven::journal(&self.target, self.transport.clone(), &clock, &self.scenario, driven::options(1)).await
        });
        assert!(journal.exchanges.iter().all(statusgap::model::exchange::Exchange::was_answered), "the server kept up");
        journal.exchanges.len()
    }

    /// As many requests with nothing around them, as many at a time.
    fn bare_loop(&self) -> usize {
        let at_a_time = IN_FLIGHT * POLLERS;
        self.runtime.block_on(async {
            let tasks = (0..at_a_time).map(|task| {
                let client = self.client.clone();
                let url = format!("{}/jobs/j-1", SERVER.as_str());
                tokio::spawn(async move {
                    let mut bytes = 0;
                    for _ in (task..REQUESTS).step_by(at_a_time as usize) {
                        bytes += client.get(&url).send().await.expect("a reply").bytes().await.expect("a body").len();
                    }
                    bytes
                })
            });
            futures_util::future::join_all(tasks).await.into_iter().map(|bytes| bytes.expect("no panic")).sum()
        })
    }
}

#[divan::bench(max_time = 5)]
fn probe(bencher: Bencher<'_, '_>) {
    let driver = Driver::new();
    bencher.counter(ItemsCount::new(REQUESTS)).bench_local(|| driver.probe());
}

#[divan::bench(max_time = 5)]
fn bare_loop(bencher: Bencher<'_, '_>) {
    let driver = Driver::new();
    bencher.counter(ItemsCount::new(REQUESTS)).bench_local(|| driver.bare_loop());
}

/// The probe's rate over the bare loop's, by turns; the median, since a disturbed turn is no one's rate.
fn ratio() -> f64 {
    let driver = Driver::new();
    let time = |work: &dyn Fn() -> usize| -> Duration {
        let begin = Instant::now();
        divan::black_box(work());
        begin.elapsed()
    };
    let mut ratios: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let bare = time(&|| driver.bare_loop());
            let probe = time(&|| driver.probe());
            bare.as_secs_f64() / probe.as_secs_f64()
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}
