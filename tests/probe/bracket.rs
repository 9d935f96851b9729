//! The bracket's promise: whatever happens to the prober, the instant at which a scan became visible lies in its `(a, b]`.
//!
//! The service says itself when each scan became visible; nothing of that reaches the prober. Most runs are on virtual
//! time, so the stamps of both are exact and the tolerance is zero. Beside erratic latency and stalls on every part of an
//! exchange's way, a jolt now and then takes the processor away from everybody at once, so that timers fire late. One run is
//! over sockets, with the stamps of the kernel that come with them; its tolerance is zero, too.

use crate::support::driven;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use statusgap::analysis::scan::Scans;
use statusgap::model::exchange::{Exchange, Kind};
use statusgap::model::run::Journal;
use statusgap::model::time::{Nanos, Stamp};
use statusgap::probe::{Clock, Erratic, InProcess, Latency, Network, Transport};
use statusgap::service::{GroundTruth, Service, Settings};
use statusgap::target::Target;

/// The service's durations, short so that a thousand scans are over soon; the window comes from the knobs under test.
const BRISK: &[(&str, &str)] = &[
    ("stage-profile", "0"),
    ("stage-portfolio", "0"),
    ("stage-assets", "5ms"),
    ("strategy", "1ms"),
    ("strategy-concurrency", "14"),
    ("status-latency", "exp(2ms)"),
];

/// What the service says about itself, beside what the prober saw.
struct Measured {
    journal: Journal,
    visible: BTreeMap<String, Stamp>,
}

async fn service(preset: &str, knobs: &[(&str, &str)], seed: u64) -> Service {
    let mut settings = Settings::preset(preset).expect("a preset");
    for (knob, value) in BRISK.iter().chain(knobs) {
        settings.set(knob, value).expect("a knob");
    }
    settings.seed = Some(seed);
    settings.epoch = Some(0);
    Service::open(settings).await.expect("a service")
}

/// The truth of every scan by the prober's clock.
fn visible(truth: &GroundTruth, clock: &Clock) -> BTreeMap<String, Stamp> {
    let since = |instant: tokio::time::Instant| Stamp(instant.into_std().saturating_duration_since(clock.epoch()).as_nanos() as u64);
    truth.all().into_iter().map(|(id, instant)| (id, since(instant))).collect()
}

async fn measure(preset: &str, knobs: &[(&str, &str)], scans: u32, seed: u64) -> Measured {
    let service = service(preset, knobs, seed).await;
    let truth = service.truth();
    let erratic = Erratic { seed, usual: Duration::from_millis(3), longest_stall: Duration::from_millis(900), stalled: 0.08 };
    let transport = Transport::InProcess(InProcess::new(service.router(), Latency::Erratic(erratic)));
    let clock = Clock::virtual_time();
    let target = Arc::new(Target::reference("http://127.0.0.1:1", &|_| None).expect("the reference contract"));
    let scenario = driven::scenario(&format!(
        "[load]\nscans = {scans}\nevery = \"7ms\"\n[polls]\noffsets = [\"0s\", \"40ms\"]\n\
         [follow]\nuntil = \"visible\"\nevery = \"60ms\"\ndeadline = \"3s\"\n[controls]\nunknown_id = 1\n"
    ));
    let jolts = tokio::spawn(jolts(seed));
    let journal = driven::journal(&target, transport, &clock, &scenario, driven::options(seed)).await;
    jolts.abort();
    let visible = visible(&truth, &clock);
    service.shut_down().await;
    Measured { journal, visible }
}

/// Takes time away from everybody: all that should have happened meanwhile happens late.
async fn jolts(seed: u64) {
    let mut random = ChaCha8Rng::seed_from_u64(!seed);
    loop {
        tokio::time::sleep(Duration::from_millis(random.random_range(50..1_500))).await;
        tokio::time::advance(Duration::from_micros(random.random_range(1..250_000))).await;
    }
}

/// How many scans were seen to become visible, and which of them had their true instant outside the bracket.
fn outside(measured: &Measured) -> (usize, Vec<String>) {
    let mut seen = 0;
    let mut outside = Vec::new();
    for scan in Scans::of(&measured.journal.exchanges).histories() {
        let (Some(bracket), Some(known), Some(id)) = (scan.bracket(), scan.known_from(), scan.id()) else { continue };
        let visible = measured.visible.get(id).unwrap_or_else(|| panic!("the service never showed {id}"));
        let age = visible.since(known);
        // A scan that was visible before anybody could ask has no window; then nothing may claim that there was one.
        let before_anybody_asked = age <= Nanos(0) && scan.denials().next().is_none() && bracket.after == Nanos(0);
        if !before_anybody_asked && !bracket.contains(age) {
            outside.push(format!("{id}: visible at {age:?}, bracket {bracket:?}"));
        }
        seen += usize::from(bracket.until.is_some());
    }
    (seen, outside)
}

/// How many scans were denied at least once: others have no window that a bracket could miss.
fn denied(measured: &Measured) -> usize {
    Scans::of(&measured.journal.exchanges).histories().iter().filter(|scan| scan.denials().next().is_some()).count()
}

/// What a prober that believes its own plan would have logged: every poll sent and answered when it should have been.
fn as_planned(exchange: &Exchange) -> Exchange {
    let mut believed = exchange.clone();
    if believed.kind == Kind::Poll {
        (believed.sent, believed.done) = (exchange.planned, exchange.planned);
    }
    believed
}

/// What a prober that forgets the round trip would have logged.
fn as_sent(exchange: &Exchange) -> Exchange {
    let mut believed = exchange.clone();
    if believed.kind == Kind::Poll {
        believed.done = exchange.sent;
    }
    believed
}

async fn check(preset: &str, knobs: &[(&str, &str)], scans: u32) {
    let measured = measure(preset, knobs, scans, u64::from(scans)).await;
    let (seen, outside) = outside(&measured);
    assert!(seen * 100 >= scans as usize * 99, "only {seen} of {scans} scans were seen at all");
    assert!(outside.is_empty(), "{} of {seen} outside, such as {}", outside.len(), outside[0]);
    let exchanges = &measured.journal.exchanges;
    assert!(exchanges.iter().any(|exchange| exchange.lateness() > Nanos::from(Duration::from_millis(100))), "nothing was sent late");
    assert!(exchanges.iter().any(|exchange| exchange.round_trip() > Duration::from_millis(500)), "nothing stalled on its way");
    let denied = denied(&measured);
    assert!(denied * 5 >= scans as usize, "only {denied} of {scans} scans were ever denied: these settings test nothing");
}

#[tokio::test(start_paused = true)]
async fn a_late_first_snapshot_lies_in_every_bracket() {
    check("deferred", &[("stage-assets", "exp(80ms)")], 2_501).await;
}

#[tokio::test(start_paused = true)]
async fn a_late_registration_in_a_store_lies_in_every_bracket() {
    check("sound", &[("registration-delay", "uniform(1ms,250ms)")], 2_502).await;
}

#[tokio::test(start_paused = true)]
async fn a_late_registration_behind_four_workers_lies_in_every_bracket() {
    check("sound", &[("registration-delay", "exp(90ms)"), ("workers", "4"), ("routing", "per-request"), ("policy", "random")], 2_503).await;
}

#[tokio::test(start_paused = true)]
async fn a_lagging_replica_lies_in_every_bracket() {
    check("sound", &[("replica-lag", "lognormal(60ms,0.8)"), ("workers", "4")], 1_504).await;
}

#[tokio::test(start_paused = true)]
async fn an_index_that_is_refreshed_from_time_to_time_lies_in_every_bracket() {
    check("sound", &[("index-period", "170ms")], 1_505).await;
}

/// Over sockets, with the service on threads of its own: whoever wakes late here is not waited for, and t = 0 and the ends of
/// brackets are the kernel's stamps.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_kernel_stamped_lies_in_every_bracket() {
    for connection in ["fresh", "keep-alive", "pooled"] {
        let service = service("sound", &[("registration-delay", "uniform(200ms,400ms)"), ("status-latency", "0")], 7).await;
        let truth = service.truth();
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let base_url = format!("http://{}", listener.local_addr().expect("an address"));
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let serving = tokio::spawn(service.serve(listener, async move {
            let _ = stopped.await;
        }));
        let target = Arc::new(Target::reference(&base_url, &|_| None).expect("the reference contract"));
        let clock = Clock::real().expect("a kernel timer");
        let scenario = driven::scenario(&format!(
            "[load]\nscans = 200\nevery = \"5ms\"\n[polls]\noffsets = [\"0s\"]\nconnection = \"{connection}\"\nfillers = 0\n\
             [follow]\nuntil = \"visible\"\nevery = \"10ms\"\ndeadline = \"5s\"\n[controls]\nunknown_id = 1\n"
        ));
        let transport = Transport::Network(Network::new(&base_url).expect("a client"));
        let journal = driven::journal(&target, transport, &clock, &scenario, driven::options(7)).await;
        let measured = Measured { journal, visible: visible(&truth, &clock) };
        let _ = stop.send(());
        serving.await.expect("no panic").expect("a socket that works");
        let (seen, outside) = outside(&measured);
        assert!(outside.is_empty(), "{connection}: {} of {seen} outside, such as {}", outside.len(), outside[0]);
        let denied = denied(&measured);
        assert!(seen >= 30 && denied >= 30, "{connection}: {seen} of 200 were seen, {denied} denied: this tests nothing");
    }
}

#[tokio::test(start_paused = true)]
async fn a_prober_that_believes_its_plan_or_forgets_the_round_trip_is_found_out() {
    let measured = measure("sound", &[("registration-delay", "uniform(1ms,250ms)")], 300, 6).await;
    assert_eq!(outside(&measured).1, Vec::<String>::new(), "the actual stamps hold");
    for (belief, name) in [(as_planned as fn(&Exchange) -> Exchange, "its plan"), (as_sent, "that answers take no time")] {
        let journal = Journal { exchanges: measured.journal.exchanges.iter().map(belief).collect(), ..measured.journal.clone() };
        let (_, outside) = outside(&Measured { journal, visible: measured.visible.clone() });
        assert!(outside.len() > 3, "believing {name} went unnoticed");
    }
}
