//! Whether receiving spans makes the probe late: the same run with nobody who sends spans and with 100,000 spans a minute, by turns.
//!
//! Prints how late polls left in each, the ratio, and how many spans were accepted: on a busy machine the receiver gives way, and senders wait.
//! What is compared are two runs of one machine at one time, so that the ratio means something on any.
#![allow(missing_docs, clippy::expect_used, clippy::print_stdout, reason = "a bench")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const STATUSGAP: &str = env!("CARGO_BIN_EXE_statusgap");
const PAIRS: u32 = 5;
/// Spans in one request, as exporters send them, and the pause after each.
const BATCH: u64 = 512;
const PAUSE: Duration = Duration::from_millis(307);

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = folder.path().join("steady.toml");
    let text = "name = 'steady'\ntitle = 'polls at set ages'\nsource = 'a bench'\n[load]\nscans = 150\nevery = '40ms'\n\
                [polls]\noffsets = ['0s', '100ms', '500ms']\ntolerance = '1s'\n";
    std::fs::write(&scenario, text).expect("a file");
    let (mut quiet, mut flooded, mut sent, mut took) = (Vec::new(), Vec::new(), 0, Duration::ZERO);
    for pair in 0..PAIRS {
        let run = |name: &str, flood: bool| lateness(&folder.path().join(format!("{name}-{pair}")), &scenario, flood);
        quiet.push(run("quiet", false).0);
        let began = Instant::now();
        let (late, spans) = run("flooded", true);
        flooded.push(late);
        (sent, took) = (sent + spans, took + began.elapsed());
    }
    let median = |values: &mut Vec<[f64; 2]>, at: usize| {
        let mut values: Vec<f64> = values.iter().map(|value| value[at]).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    for (at, name) in ["p50", "p99"].into_iter().enumerate() {
        let (without, with) = (median(&mut quiet, at), median(&mut flooded, at));
        println!("lateness {name}: {without:.3} ms without spans, {with:.3} ms with them, ratio {:.2}", with / without);
    }
    let rate = sent as f64 / took.as_secs_f64() * 60.0;
    println!("100,000 spans a minute were offered, and {rate:.0} a minute accepted: {sent} in {PAIRS} runs");
}

/// Lateness of one run, p50 and p99 in ms, and the spans that were sent to it.
fn lateness(out: &std::path::Path, scenario: &std::path::Path, flood: bool) -> ([f64; 2], u64) {
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let stop = Arc::new(AtomicBool::new(false));
    let sent = Arc::new(AtomicU64::new(0));
    let flooding = flood.then(|| {
        let (stop, sent) = (Arc::clone(&stop), Arc::clone(&sent));
        thread::spawn(move || send(port, &stop, &sent))
    });
    let ended = Command::new(STATUSGAP)
        .args(["run", "--service", "sound", "--quiet", "--span-wait", "0s", "--otlp"])
        .arg(port.to_string())
        .arg("--out")
        .arg(out)
        .arg(scenario)
        .stdout(Stdio::null())
        .status();
    stop.store(true, Ordering::Relaxed);
    if let Some(flooding) = flooding {
        flooding.join().expect("no panic");
    }
    assert!(ended.expect("it runs").code().is_some());
    let result = std::fs::read_to_string(out.join("result.json")).expect("a result");
    let result: serde_json::Value = serde_json::from_str(&result).expect("JSON");
    let late = |name: &str| result["punctuality"][name].as_f64().expect("enough polls");
    ([late("p50_ms"), late("p99_ms")], sent.load(Ordering::Relaxed))
}

/// Sends batches until the run has ended.
fn send(port: u16, stop: &AtomicBool, sent: &AtomicU64) {
    let mut batch = 0;
    while !stop.load(Ordering::Relaxed) {
        let began = Instant::now();
        let body = request(batch);
        batch += 1;
        if post(port, &body).is_some() {
            sent.fetch_add(BATCH, Ordering::Relaxed);
        }
        thread::sleep(PAUSE.saturating_sub(began.elapsed()));
    }
}

/// Spans of traces that differ from batch to batch, with attributes as services have them.
fn request(batch: u64) -> String {
    let spans: Vec<serde_json::Value> = (0..BATCH)
        .map(|n| {
            serde_json::json!({
                "traceId": format!("{:032x}", (u128::from(batch) << 64) | u128::from(n / 8 + 1)), "spanId": format!("{:016x}", batch * BATCH + n + 1),
                "name": "SET", "kind": 3, "startTimeUnixNano": "1700000000000000000", "endTimeUnixNano": "1700000000001000000",
                "attributes": [
                    { "key": "db.system", "value": { "stringValue": "redis" } },
                    { "key": "db.statement", "value": { "stringValue": "SET ? ?" } },
                    { "key": "net.peer.name", "value": { "stringValue": "127.0.0.1" } },
                ],
            })
        })
        .collect();
    serde_json::json!({ "resourceSpans": [{ "resource": { "attributes": [] }, "scopeSpans": [{ "spans": spans }] }] }).to_string()
}

fn post(port: u16, body: &str) -> Option<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.starts_with("HTTP/1.1 200").then_some(())
}
