//! How much memory a run needs against servers that send as much as anybody takes.
//!
//! `cargo bench --bench memory` runs the binary against each of them, with 32 scans in flight, reads its largest resident set from
//! /proc (Linux alone), prints a table, and fails if a server can make it larger by more than the bodies' bound accounts for.
#![allow(missing_docs, clippy::expect_used, clippy::print_stdout)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const SCANS: usize = 200;
const IN_FLIGHT: u64 = 32;

/// A body has at most 1 MiB, in a buffer that doubles and of which only what was written is resident. One thread probes, so that one at
/// a time is read as JSON: 350,000 empty objects are 25 MiB of values, in a vector that doubles as well.
const ALLOWED_KIB: u64 = IN_FLIGHT * 1024 + 40 * 1024;

/// What a server does about a poll.
type Poll = fn(&mut TcpStream) -> std::io::Result<()>;

const SERVERS: [(&str, Poll); 7] = [
    ("an answer like any other", |to| to.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{\"state\":\"busy\"}")),
    ("1 GiB, announced", |to| flood(to, "Content-Length: 1073741824\r\n\r\n", &[b'x'; 1 << 16], 1 << 14)),
    ("1 GiB in chunks", |to| flood(to, "Transfer-Encoding: chunked\r\n\r\n", &chunk(), 1 << 18)),
    ("1 GiB until it closes", |to| flood(to, "\r\n", &[b' '; 1 << 16], 1 << 14)),
    ("gzip that unpacks to 1 TiB", |to| flood(to, "Content-Encoding: gzip\r\n\r\n\x1f", &[0; 1 << 16], 1 << 14)),
    ("1 MiB of small values", |to| to.write_all(small_values().as_bytes())),
    ("headers without an end", |to| flood(to, "X: ", &[b'x'; 1 << 16], 1 << 14)),
];

fn flood(to: &mut TcpStream, head: &str, piece: &[u8], times: usize) -> std::io::Result<()> {
    to.write_all(b"HTTP/1.1 200 OK\r\n")?;
    to.write_all(head.as_bytes())?;
    (0..times).try_for_each(|_| to.write_all(piece))
}

fn chunk() -> Vec<u8> {
    [b"1000\r\n".to_vec(), vec![b'x'; 0x1000], b"\r\n".to_vec()].concat()
}

fn small_values() -> String {
    let body = format!("{{\"state\":\"busy\",\"more\":[{}{{}}]}}", "{},".repeat((1 << 20) / 3 - 20));
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn main() {
    // `cargo test --benches` only wants to know that it runs.
    if !cfg!(target_os = "linux") || std::env::args().any(|word| word == "--test" || word == "--list") {
        return;
    }
    let mut usual = 0;
    println!("{:<30} {:>12} {:>12}", "server", "peak, MiB", "above usual");
    for (name, poll) in SERVERS {
        let peak = peak_kib(poll);
        if usual == 0 {
            usual = peak;
        }
        let above = peak.saturating_sub(usual);
        println!("{name:<30} {:>12.1} {:>12.1}", peak as f64 / 1024.0, above as f64 / 1024.0);
        assert!(above <= ALLOWED_KIB, "{name}: {above} KiB more than usual, and {ALLOWED_KIB} are accounted for");
    }
}

/// The largest resident set of a run against such a server.
fn peak_kib(poll: Poll) -> u64 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            // The client hangs up on most of what is sent, which is its right.
            std::thread::spawn(move || converse(stream, poll));
        }
    });
    let folder = tempfile::tempdir().expect("a folder");
    let target = format!(
        "name = 'large'\nbase_url = 'http://{address}'\nunknown_id = 'never-{{uuid}}'\n[initiate]\npath = '/jobs'\nid = {{ pointer = '/id' }}\n\
         [status]\npath = '/jobs/{{id}}'\nstate = {{ pointer = '/state' }}\n"
    );
    let scenario = format!(
        "name = 'x'\ntitle = 't'\nsource = 's'\n[load]\nmodel = 'closed'\nscans = {SCANS}\nin_flight = {IN_FLIGHT}\n[polls]\noffsets = ['0s']\nfillers = 0\n[controls]\nunknown_id = 1"
    );
    fs::write(folder.path().join("target.toml"), target).expect("a target file");
    fs::write(folder.path().join("x.toml"), scenario).expect("a scenario");
    let mut child = Command::new(env!("CARGO_BIN_EXE_statusgap"))
        .args(["run", "x.toml", "--target", "target.toml", "--out", "out", "--quiet"])
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts");
    let status = Path::new("/proc").join(child.id().to_string()).join("status");
    let mut peak = 0;
    while child.try_wait().expect("a child").is_none() {
        peak = peak.max(high_water_kib(&status).unwrap_or(0));
        std::thread::sleep(Duration::from_millis(1));
    }
    let log = fs::read_to_string(folder.path().join("out/log.ndjson")).expect("the run leaves a log");
    let polls = log.lines().filter(|line| line.contains("\"kind\":\"poll\"")).count();
    assert_eq!(polls, SCANS, "a run that did not ask for everything says nothing of what it takes");
    peak
}

fn high_water_kib(status: &Path) -> Option<u64> {
    let text = fs::read_to_string(status).ok()?;
    text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok())
}

fn converse(stream: TcpStream, poll: Poll) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        let mut length = 0;
        while !head.ends_with("\r\n\r\n") {
            let start = head.len();
            if !matches!(reader.read_line(&mut head), Ok(1..)) {
                return;
            }
            length = head[start..].to_ascii_lowercase().strip_prefix("content-length:").map_or(length, |n| n.trim().parse().unwrap_or(0));
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let to = reader.get_mut();
        let sent = match &head {
            head if head.starts_with("POST") => to.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 12\r\n\r\n{\"id\":\"j-1\"}"),
            head if head.contains("/never-") => to.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
            _ => poll(to),
        };
        if sent.is_err() {
            return;
        }
    }
}
