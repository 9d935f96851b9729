//! Logs of any length, for what must hold of long ones. Their lines are such as a run against preset `deferred` writes.

use std::fs::File;
use std::path::Path;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use statusgap::log::LogWriter;
use statusgap::model::digest::Digest;
use statusgap::model::exchange::Exchange;
use statusgap::model::run::{EndReason, Run};
use statusgap::model::scenario::Scenario;
use statusgap::model::source::Source;
use statusgap::model::time::Stamp;

const MS: u64 = 1_000_000;

/// Writes a log of so many scans, asked for one millisecond apart, each polled so often: 100 ms after its id, and then every
/// 100 ms. Six of ten scans have a window, of up to 400 ms.
pub fn write(path: &Path, scans: u64, polls: u64) {
    let log =
        LogWriter::begin_patiently(Box::new(File::create(path).expect("a file")), &header(scans.min(1_000_000), polls)).expect("a header");
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let write = |line: serde_json::Value, digest: Option<Digest>| {
        let mut exchange: Exchange = serde_json::from_value(line).expect("an exchange");
        exchange.digest = digest;
        log.exchange(&exchange).expect("a line");
    };
    write(
        json!({ "scenario": 0, "kind": "unknown_poll", "purpose": "other", "connection": "fresh", "planned": 0, "sent": 0,
            "first_byte": 4 * MS, "done": 4 * MS, "conn": 1, "new_conn": true, "http": 200, "answer": "not_found",
            "word": "not_found", "id": "scan_c6e59c1cbd4c4116817dedc104698b97", "worker": "1" }),
        Some(Digest::from([1; 8])),
    );
    for scan in 0..scans {
        let asked = 10 * MS + scan * MS;
        let known = asked + MS;
        let id = format!("scan_{:032x}", random.random::<u128>());
        let worker = (1 + scan % 4).to_string();
        write(
            json!({ "scenario": 0, "scan": scan, "kind": "initiate", "purpose": "other", "connection": "fresh", "planned": asked,
                "sent": asked + 30_000, "first_byte": known - 90_000, "done": known, "conn": scan % 60_000, "new_conn": true,
                "http": 200, "answer": "accepted", "id": id, "worker": worker }),
            Some(Digest::from(random.random::<[u8; 8]>())),
        );
        let window = if random.random_bool(0.6) { random.random_range(20 * MS..400 * MS) } else { 0 };
        for poll in 0..polls {
            let planned = known + (poll + 1) * 100 * MS + if poll == 0 { 0 } else { random.random_range(0..20 * MS) };
            let sent = planned + random.random_range(0..300_000);
            let mut line = json!({ "scenario": 0, "scan": scan, "kind": "poll", "purpose": if poll == 0 { "offset" } else { "follow" },
                "connection": "fresh", "offset": (poll == 0).then_some(100 * MS), "planned": planned, "sent": sent,
                "first_byte": sent + 900_000, "done": sent + MS, "conn": (scan * 7 + poll) % 60_000, "new_conn": true, "http": 200,
                "worker": worker });
            let seen = sent - known > window;
            let more = if seen {
                json!({ "answer": "visible", "state": "running", "word": "scanning", "progress": poll as f64 * 4.0, "echo": id })
            } else {
                json!({ "answer": "not_found", "word": "not_found", "body": format!("{{\"scan_id\":\"{id}\",\"status\":\"not_found\"}}") })
            };
            line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            write(line, Some(Digest::from(if seen { random.random::<[u8; 8]>() } else { [1; 8] })));
        }
    }
    log.end(Stamp(3600 * 1000 * MS), EndReason::Complete).expect("an end");
}

fn header(scans: u64, polls: u64) -> Run {
    let follow = if polls > 1 { "[follow]\nuntil = 'deadline'\nevery = '100ms'\ndeadline = '1s'" } else { "" };
    let text =
        format!("name = 'long'\ntitle = 't'\nsource = 's'\n[load]\nscans = {scans}\nevery = '1ms'\n[polls]\noffsets = ['100ms']\n{follow}");
    let scenario = Scenario::read(Source { file: "long.toml", text: &text }).expect("a right scenario");
    serde_json::from_value(json!({
        "schema": 1, "tool": "test", "run_id": "long", "started": "2026-01-01T00:00:00Z", "seed": 1,
        "target": { "name": "long", "base_url": "http://127.0.0.1:1", "file": "", "can": { "foreign_user": false, "witness": false,
            "results": false, "cancel": false, "echo": true, "states": true, "handed_out": false } },
        "scenarios": [scenario], "clock": { "timer": "timerfd", "resolution": 1 }, "command": "test",
        "environment": { "system": "test", "processors": 2 },
    }))
    .expect("a header")
}
