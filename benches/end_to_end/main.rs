//! What statusgap costs and how punctual it is, from end to end, beside other load generators on the same machine.
//!
//! `cargo bench --bench end_to_end` runs each of them as a process of its own, in turn, against one server in this process that
//! keeps its own time (`server.rs`), and prints a table for this machine. statusgap runs as its library does behind the command
//! line: plan, stamps, reading, log on disk. Peers take part: a plain client (`client.rs`) in the open load, `wrk` and `oha` in the
//! closed loop where they are installed.
#![allow(missing_docs, clippy::expect_used, clippy::print_stdout)]

mod client;
#[path = "../../tests/support/driven.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod driven;
mod machine;
#[path = "../plain/mod.rs"]
mod plain;
mod server;

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use statusgap::log::LogWriter;
use statusgap::model::exchange::{Exchange, Kind};
use statusgap::model::run::{EndReason, Journal};
use statusgap::probe::{Clock, Network, Probe, Recorder, Transport, make_room_for_connections};
use tokio::runtime;

use server::Server;

/// Set for the process that asks: what it is to do, as JSON.
const ROLE: &str = "STATUSGAP_BENCH_ROLE";

/// How often the closed loops take turns.
const ROUNDS: usize = 3;

fn main() {
    // As the command line does, and for the server and the peer alike.
    make_room_for_connections();
    if let Ok(role) = std::env::var(ROLE) {
        return ask(&serde_json::from_str(&role).expect("a role"));
    }
    // `cargo test --benches` only wants to know that it runs.
    if std::env::args().any(|word| word == "--test" || word == "--list") {
        return;
    }
    let only: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wanted = |name: &str| only.is_empty() || only.iter().any(|word| name.contains(word.as_str()));
    let server = Server::start();
    let folder = tempfile::tempdir().expect("a folder for logs");
    println!("{} processors, {}", std::thread::available_parallelism().map_or(1, usize::from), machine::processor());
    if wanted("offset") {
        offset_errors(&server, folder.path(), "1,000 in flight, 500/s", Duration::from_millis(1900), Duration::from_millis(2), 5_000);
        offset_errors(&server, folder.path(), "10,000 in flight, 1,000/s", Duration::from_millis(9900), Duration::from_millis(1), 15_000);
    }
    if wanted("closed") {
        closed_loops(&server, folder.path());
    }
    if wanted("fresh") {
        fresh_polls(&server, folder.path());
    }
    if wanted("start") {
        start_up(&server, folder.path());
    }
}

/// `POST`, and a `GET` 100 ms after its answer: open load, so that a slow prober cannot slow the load. Once with a pool of connections,
/// as the plain client and other tools have it, and once with a connection for each scan. Before them, what this machine allows.
fn offset_errors(server: &Server, folder: &Path, name: &str, hold: Duration, every: Duration, scans: u32) {
    let (p50, p99) = quantiles(machine::lateness(2 * scans, every / 2));
    println!("{name}: a thread that only sleeps until each request is due woke p50 {p50:.0} us, p99 {p99:.0} us late");
    server.reset(hold);
    let role = serde_json::json!({ "base_url": base_url(server), "scans": scans, "every_us": every.as_micros() as u64 });
    let plain = OpenLoad::told(server, &process(&role), scans);
    println!("POST, +100 ms, GET; {name}: a plain client with a pool, nothing recorded\n  {plain}");
    for connection in ["pooled", "keep-alive"] {
        let scenario = format!(
            "[load]\nscans = {scans}\nevery = '{}us'\n[polls]\noffsets = ['100ms']\nconnection = '{connection}'\nfillers = 0\n[controls]\nunknown_id = 0\n",
            every.as_micros()
        );
        server.reset(hold);
        let seen = run(server, folder, &scenario);
        let late: Vec<f64> = polls(&seen.journal).map(|poll| poll.lateness().0 as f64 / 1e3).collect();
        let (p50, p99) = quantiles(late);
        let ours = OpenLoad::told(server, &seen.cost, scans);
        println!(
            "POST, +100 ms, GET; {name}: statusgap, {connection}, everything recorded\n  {ours}; it sent late p50 {p50:.0} us, p99 {p99:.0} us\n  \
             / plain client: p99 {:.2}, CPU {:.2}, RSS {:.2}",
            ours.p99 / plain.p99,
            ours.cpu_ms / plain.cpu_ms,
            ours.peak_mb / plain.peak_mb
        );
    }
}

/// What open load cost its client, and how far from 100 ms after the id its polls came, as the server saw it.
struct OpenLoad {
    p50: f64,
    p99: f64,
    /// With how late the server was to read them.
    p99_read: f64,
    cpu_ms: f64,
    peak_mb: f64,
}

impl OpenLoad {
    fn told(server: &Server, cost: &Cost, scans: u32) -> OpenLoad {
        let ages = server.ages();
        assert_eq!(ages.len(), scans as usize, "every scan was polled");
        let errors = |ages: Vec<Duration>| quantiles(ages.iter().map(|age| (age.as_secs_f64() - 0.1) * 1e6).collect());
        let ((p50, p99), (_, p99_read)) = (errors(ages), errors(server.ages_when_read()));
        OpenLoad { p50, p99, p99_read, cpu_ms: cost.cpu.as_secs_f64() * 1e3 / f64::from(scans), peak_mb: cost.peak_mb }
    }
}

impl std::fmt::Display for OpenLoad {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the server saw p50 {:.0} us, p99 {:.0} us (when it read them {:.0} us); CPU per scan {:.3} ms, peak RSS {:.1} MB",
            self.p50, self.p99, self.p99_read, self.cpu_ms, self.peak_mb
        )
    }
}

/// Whoever polls as fast as answers come, on 50 kept connections.
fn closed_loops(server: &Server, folder: &Path) {
    let scenario = "[load]\nscans = 50\nmodel = 'closed'\nin_flight = 50\n[polls]\nconnection = 'keep-alive'\nfillers = 0\n\
                    [follow]\nuntil = 'deadline'\nevery = '0ms'\ndeadline = '3s'\n[controls]\nunknown_id = 0\n";
    let url = format!("http://{}/jobs/1", server.address);
    let peers: [(&str, Vec<&str>); 2] =
        [("wrk", vec!["-t2", "-c50", "-d3s", &url]), ("oha", vec!["-c", "50", "-z", "3s", "--no-tui", "--output-format", "quiet", &url])];
    let mut rates: Vec<(&str, Vec<f64>)> = vec![("statusgap", Vec::new())];
    let mut cpu = Vec::new();
    for _ in 0..ROUNDS {
        server.reset(Duration::ZERO);
        let seen = run(server, folder, scenario);
        rates[0].1.push(seen.journal.exchanges.len() as f64 / seen.cost.took.as_secs_f64());
        cpu.push(seen.cost.cpu.as_secs_f64() * 1e6 / seen.journal.exchanges.len() as f64);
        for (name, words) in &peers {
            server.reset(Duration::ZERO);
            let quiet = Command::new(name).args(words).stdout(Stdio::null()).stderr(Stdio::null()).status();
            if !quiet.is_ok_and(|status| status.success()) {
                continue;
            }
            let rate = server.requests() as f64 / 3.0;
            match rates.iter_mut().find(|(known, _)| known == name) {
                Some((_, of_this)) => of_this.push(rate),
                None => rates.push((name, vec![rate])),
            }
        }
    }
    println!("closed loop, 50 kept connections: {:.1} us of CPU for a poll of statusgap, with its line in the log", median(&cpu));
    let ours = median(&rates[0].1);
    for (name, of_this) in &rates {
        println!(
            "closed loop, 50 kept connections: {name} {:.0} polls/s (statusgap / {name} {:.2})",
            median(of_this),
            ours / median(of_this)
        );
    }
}

/// A connection for every poll.
fn fresh_polls(server: &Server, folder: &Path) {
    let scenario = "[load]\nscans = 20\nmodel = 'closed'\nin_flight = 20\n[polls]\nconnection = 'fresh'\nfillers = 0\n\
                    [follow]\nuntil = 'deadline'\nevery = '0ms'\ndeadline = '3s'\n[controls]\nunknown_id = 0\n";
    server.reset(Duration::ZERO);
    let seen = run(server, folder, scenario);
    let answered = seen.journal.exchanges.iter().filter(|exchange| exchange.was_answered()).count();
    println!(
        "fresh connections: {:.0} polls/s, {} of {} answered",
        answered as f64 / seen.cost.took.as_secs_f64(),
        answered,
        seen.journal.exchanges.len()
    );
}

/// From the start of the process to the arrival of its first request, with the command line as a user gives it.
fn start_up(server: &Server, folder: &Path) {
    let scenario = folder.join("one.toml");
    let text = "name = 'one'\ntitle = 'one scan'\nsource = 'a bench'\n[load]\nscans = 1\n[polls]\noffsets = ['0s']\n";
    fs::write(&scenario, text).expect("a scenario file");
    let target = folder.join("target.toml");
    fs::write(&target, target_file(server)).expect("a target file");
    let mut took = Vec::new();
    for _ in 0..15 {
        server.reset(Duration::ZERO);
        let begin = Instant::now();
        let mut command = Command::new(env!("CARGO_BIN_EXE_statusgap"));
        command.arg("run").arg(&scenario).arg("--target").arg(&target).arg("--out").arg(folder.join("one")).arg("--quiet");
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("the binary runs");
        took.push(server.first_request().expect("a request came").duration_since(begin).as_secs_f64() * 1e3);
    }
    println!("start-up to the first request: {:.1} ms (median of {})", median(&took), took.len());
}

/// What came of one run of the probe.
struct Seen {
    journal: Journal,
    cost: Cost,
}

/// What a process took.
struct Cost {
    took: Duration,
    cpu: Duration,
    peak_mb: f64,
}

/// Runs a scenario in a process of its own.
fn run(server: &Server, folder: &Path, scenario: &str) -> Seen {
    let log: PathBuf = folder.join("log.ndjson");
    let cost =
        process(&serde_json::json!({ "base_url": base_url(server), "target": target_file(server), "scenario": scenario, "log": log }));
    let journal = statusgap::log::read("log", BufReader::new(File::open(&log).expect("its log"))).expect("a whole log");
    Seen { journal, cost }
}

/// Has a process of its own do something.
fn process(role: &Value) -> Cost {
    let itself = std::env::current_exe().expect("this very program");
    let output = Command::new(itself).env(ROLE, role.to_string()).stderr(Stdio::inherit()).output().expect("a process");
    let told: Vec<f64> = String::from_utf8_lossy(&output.stdout).split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [took, cpu, peak_mb] = told[..] else { panic!("the process that asks failed: {}", output.status) };
    Cost { took: Duration::from_secs_f64(took), cpu: Duration::from_secs_f64(cpu), peak_mb }
}

/// The process that asks: the probe where a scenario is given, else the plain client. Tells its seconds, its CPU seconds and its
/// peak memory in MB.
fn ask(role: &Value) {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let took = runtime.block_on(async {
        if role["scenario"].is_string() {
            return probe(role).await;
        }
        let number = |key: &str| role[key].as_u64().expect("a number");
        let begin = Instant::now();
        client::run(word(role, "base_url"), number("scans") as u32, Duration::from_micros(number("every_us"))).await;
        begin.elapsed()
    });
    let cpu = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let cpu = cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9;
    println!("{} {cpu} {}", took.as_secs_f64(), peak_mb());
}

async fn probe(role: &Value) -> Duration {
    let target = Arc::new(driven::target(word(role, "target")));
    let scenario = driven::scenario(word(role, "scenario"));
    let transport = Transport::Network(Network::new(word(role, "base_url")).expect("a client"));
    let clock = Clock::real().expect("a kernel timer");
    let file = Box::new(File::create(word(role, "log")).expect("a log"));
    let log = LogWriter::begin(file, &driven::header(&target, &clock, &scenario, 1)).expect("a log that can be written");
    let recorder = Recorder::new(log, target.secrets());
    let probe = Probe::new(Arc::clone(&target), transport, clock, recorder, driven::options(1), |_| {});
    let begin = Instant::now();
    probe.run(std::slice::from_ref(&scenario)).await.expect("the server is there");
    let took = begin.elapsed();
    probe.recorder().end(probe.clock().now(), EndReason::Complete).expect("the log takes its end");
    took
}

fn word<'a>(role: &'a Value, key: &str) -> &'a str {
    role[key].as_str().expect("a text")
}

/// The peak of this process's resident memory; 0 where the system does not tell.
fn peak_mb() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.unwrap_or_default() / 1024.0
}

fn base_url(server: &Server) -> String {
    format!("http://{}", server.address)
}

fn target_file(server: &Server) -> String {
    format!(
        "name = 'bench'\nbase_url = '{}'\n[initiate]\npath = '/jobs'\njson = {{ n = '{{n}}' }}\nid = {{ pointer = '/id' }}\n\
         [status]\npath = '/jobs/{{id}}'\nstate = {{ pointer = '/state' }}\nstates = {{ running = ['busy'] }}\n",
        base_url(server)
    )
}

fn polls(journal: &Journal) -> impl Iterator<Item = &Exchange> {
    journal.exchanges.iter().filter(|exchange| exchange.kind == Kind::Poll)
}

/// p50 and p99, nearest rank.
fn quantiles(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let rank = |p: f64| values.get(((p * values.len() as f64).ceil() as usize).saturating_sub(1)).copied().unwrap_or(f64::NAN);
    (rank(0.5), rank(0.99))
}

fn median(values: &[f64]) -> f64 {
    quantiles(values.to_vec()).0
}
