//! The whole way from a span to a sentence: exported by the reference service, received or read from a file, kept in the log, reported.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::twinless::twinless;

const FOLLOWED: &str = "name = 'followed'\ntitle = 'follows each scan'\nsource = 'a test'\n[load]\nscans = 20\nevery = '130ms'\n\
                        [polls]\noffsets = ['0s']\ntolerance = '5s'\n[follow]\nuntil = 'visible'\nevery = '20ms'\ndeadline = '20s'\n";

fn statusgap(folder: &Path, words: &str) -> Output {
    fs::write(folder.join("followed.toml"), FOLLOWED).expect("a file");
    Command::new(env!("CARGO_BIN_EXE_statusgap"))
        .args(twinless(words.split_whitespace()))
        .current_dir(folder)
        .output()
        .expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn lines(log: &Path) -> Vec<Value> {
    let text = fs::read_to_string(log).expect("a log");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn result(folder: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(folder.join("result.json")).expect("a result")).expect("JSON")
}

/// The spans of a log as the collector's file exporter would have written them, a batch a line.
fn as_collected(lines: &[Value]) -> String {
    let started: u64 = 1_767_225_600_000_000_000; // 2026-01-01, at which virtual runs begin
    let span = |line: &Value| {
        let at = |name: &str| (i128::from(started) + i128::from(line[name].as_i64().expect("ns"))).to_string();
        let empty = serde_json::Map::new();
        let attributes = line["attributes"].as_object().unwrap_or(&empty).iter();
        let attributes: Vec<Value> = attributes.map(|(key, value)| json!({ "key": key, "value": { "stringValue": value } })).collect();
        let kind = ["internal", "server", "client", "producer", "consumer"].iter().position(|kind| line["kind"] == **kind).unwrap_or(0) + 1;
        json!({ "traceId": line["trace"], "spanId": line["span"], "parentSpanId": line.get("parent").unwrap_or(&json!("")), "name": line["name"],
            "kind": kind, "startTimeUnixNano": at("start"), "endTimeUnixNano": at("end"), "attributes": attributes })
    };
    let spans: Vec<Value> = lines.iter().filter(|line| line["line"] == "span").map(span).collect();
    let batches =
        spans.chunks(100).map(|batch| json!({ "resourceSpans": [{ "resource": {}, "scopeSpans": [{ "spans": batch }] }] }).to_string());
    batches.map(|line| line + "\n").collect()
}

#[test]
fn a_log_of_last_week_is_explained_by_what_a_collector_wrote() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    statusgap(folder, "run followed.toml --virtual --seed 2 --quiet --otlp 4318 --out with");
    statusgap(folder, "run followed.toml --virtual --seed 2 --quiet --out without");
    let (with, without) = (lines(&folder.join("with/log.ndjson")), lines(&folder.join("without/log.ndjson")));
    assert_eq!(
        (with[0]["schema"].as_u64(), without[0]["schema"].as_u64()),
        (Some(2), Some(1)),
        "old readers still read a log without spans"
    );
    let prefix = with[0]["trace_prefix"].as_str().expect("a half of a trace id");
    assert!(with.iter().filter(|line| line["line"] == "span").all(|line| line["trace"].as_str().is_some_and(|id| id.starts_with(prefix))));
    assert!(without.iter().filter(|line| line["line"] == "exchange").all(|line| line["trace"].is_string()));

    let direct = result(&folder.join("with"));
    assert_eq!(direct["inside"]["outcome"], "named", "{}", direct["inside"]);
    assert_eq!(direct["inside"]["named"]["explained"], 20, "{}", direct["inside"]);
    assert!(result(&folder.join("without")).get("inside").is_none());

    fs::write(folder.join("traces.json"), as_collected(&with)).expect("a file");
    let later = statusgap(folder, "report without --traces traces.json --format json");
    let later: Value = serde_json::from_slice(&later.stdout).expect("JSON");
    for field in ["outcome", "named", "clock_ahead_ms", "evidence", "spans"] {
        assert_eq!(later["inside"][field], direct["inside"][field], "{field}");
    }
    let diagnosed = text(&statusgap(folder, "diagnose without --traces traces.json").stdout);
    assert!(diagnosed.contains("\ninside\n") && diagnosed.contains("20 of 20"), "{diagnosed}");
    let first_screen = text(&statusgap(folder, "report with").stdout);
    assert!(first_screen.contains("\ninside   visible") && first_screen.lines().count() <= 25, "{first_screen}");
    // In every format that people read, and again from the log alone.
    for format in ["table", "markdown", "html"] {
        let told = text(&statusgap(folder, &format!("report with --format {format}")).stdout);
        let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains("20 of 20 scans") || told.contains("20 of 20\u{a0}scans"), "{format}: {told}");
    }
    let page = text(&statusgap(folder, "report with --format html").stdout);
    assert!(page.contains("span named"), "the picture marks the span");
}

#[test]
fn what_the_spans_say_of_the_cause_stands_on_the_first_screen() {
    let folder = tempfile::tempdir().expect("a folder");
    for (preset, said) in [
        // Which of two causes that the polls do not tell apart.
        ("deferred", "The service's own spans speak for delayed registration (A): write the record before the answer"),
        ("zoo-d", "speaks for negative cache (observer effect, D)"),
        // What was measured stands, and the spans beside it.
        ("zoo-b", "speaks for per-instance memory (B); what was measured outside names delayed registration (A) or replica"),
        ("zoo-e", "But spans speak for enqueue-to-start gap (E), against what was measured"),
        // One address more may be a copy, or the same database.
        ("zoo-c", "read from another database address than was written to: what copies from one to the other, or the span"),
    ] {
        statusgap(folder.path(), &format!("run followed.toml --virtual --seed 2 --quiet --service {preset} --otlp 4318 --out {preset}"));
        let first_screen = text(&statusgap(folder.path(), &format!("report {preset}")).stdout);
        assert!(first_screen.lines().count() <= 25, "{first_screen}");
        let in_a_row = first_screen.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(in_a_row.contains(said), "{preset}: {first_screen}");
        let document = text(&statusgap(folder.path(), &format!("report {preset} --format markdown")).stdout);
        let answers = document.split("\n## ").next().unwrap_or_default();
        assert!(answers.contains("What do its own spans say?"), "{preset}: {answers}");
        let whole = text(&statusgap(folder.path(), &format!("report {preset} -v")).stdout);
        let whole = whole.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(whole.contains(": speaks for "), "{preset}: {whole}");
    }
}

#[test]
fn the_reference_service_exports_to_the_run_over_sockets() {
    let folder = tempfile::tempdir().expect("a folder");
    let told = statusgap(folder.path(), "run followed.toml --service deferred --seed 2 --quiet --otlp :0 --span-wait 3s --out run");
    assert_eq!(told.status.code(), Some(1), "{}", text(&told.stderr));
    let lines = lines(&folder.path().join("run/log.ndjson"));
    let exported: Vec<&Value> = lines.iter().filter(|line| line["line"] == "span").collect();
    assert!(exported.iter().any(|span| span["kind"] == "server") && exported.iter().any(|span| span["name"] == "write_record"));
    let inside = &result(&folder.path().join("run"))["inside"];
    // A busy machine may leave the brackets too wide for a name; the spans are there all the same.
    assert_eq!((&inside["with_spans"], &inside["scans"]), (&json!(20), &json!(20)), "{inside}");
    assert!(["named", "cannot_tell"].iter().any(|outcome| inside["outcome"] == **outcome), "{inside}");
}

#[test]
fn without_trace_headers_nothing_is_sent_and_nothing_recorded() {
    let folder = tempfile::tempdir().expect("a folder");
    statusgap(folder.path(), "run followed.toml --virtual --seed 2 --quiet --no-trace-headers --out run");
    let lines = lines(&folder.path().join("run/log.ndjson"));
    assert!(lines[0].get("trace_prefix").is_none());
    assert!(lines.iter().all(|line| line.get("trace").is_none()));
    let refused = statusgap(folder.path(), "report run --traces followed.toml");
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        text(&refused.stderr).contains("carried no trace ids") && text(&refused.stderr).contains("--no-trace-headers"),
        "{}",
        text(&refused.stderr)
    );
}

#[test]
fn what_cannot_be_used_is_refused_before_anything_is_sent() {
    let folder = tempfile::tempdir().expect("a folder");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("an address");
    for (words, told) in [
        (format!("run followed.toml --otlp {taken}"), "--otlp"),
        ("run followed.toml --otlp nowhere".to_owned(), "127.0.0.1:4318"),
        ("run followed.toml --no-trace-headers --otlp 0".to_owned(), "--no-trace-headers"),
        ("run followed.toml --virtual --traces missing.json".to_owned(), "missing.json"),
        ("serve --port 0 --otlp-endpoint collector:4318".to_owned(), "http://127.0.0.1:4318"),
    ] {
        let refused = statusgap(folder.path(), &words);
        assert_eq!(refused.status.code(), Some(2), "{words}: {}", text(&refused.stderr));
        assert!(text(&refused.stderr).contains(told), "{words}: {}", text(&refused.stderr));
    }
    statusgap(folder.path(), "run followed.toml --virtual --seed 2 --quiet --out run");
    fs::write(folder.path().join("bad.json"), "{\"a\": 1}\n").expect("a file");
    fs::write(folder.path().join("empty.json"), "").expect("a file");
    for command in ["report", "diagnose"] {
        for (file, told) in [("bad.json", "bad.json:1:"), ("empty.json", "it is empty"), (".", "is a folder")] {
            let refused = statusgap(folder.path(), &format!("{command} run --traces {file}"));
            let said = text(&refused.stderr);
            assert_eq!(refused.status.code(), Some(2), "{command} {file}: {said}");
            assert!(said.contains(told) && (file == "." || said.contains("file exporter")), "{command} {file}: {said}");
        }
    }
    // A run that has been made keeps its verdict, whatever somebody wrote into the file meanwhile.
    let kept = statusgap(folder.path(), "run followed.toml --virtual --seed 2 --quiet --traces bad.json --out kept");
    assert_eq!(kept.status.code(), Some(1), "{}", text(&kept.stderr));
    assert_eq!(result(&folder.path().join("kept"))["inside"]["intake"]["unreadable"], 1);
}

#[test]
fn tickets_carry_the_trace_of_each_request() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    statusgap(folder, "run followed.toml --virtual --seed 2 --quiet --out run");
    let bundled = statusgap(folder, "bundle run --out ticket");
    assert_eq!(bundled.status.code(), Some(1), "the verdict's: {}", text(&bundled.stderr));
    let archive: Value = serde_json::from_str(&fs::read_to_string(folder.join("ticket/requests.har")).expect("an archive")).expect("JSON");
    let lines = lines(&folder.join("run/log.ndjson"));
    let prefix = lines[0]["trace_prefix"].as_str().expect("a half");
    let first = lines.iter().find(|line| line["line"] == "exchange").and_then(|line| line["trace"].as_str()).expect("the other half");
    let expected = format!("00-{prefix}{first}-{first}-01");
    let headers = archive["log"]["entries"][0]["request"]["headers"].as_array().expect("headers");
    assert!(headers.iter().any(|header| header["name"] == "traceparent" && header["value"] == *expected), "{headers:?}");
    let script = fs::read_to_string(folder.join("ticket/repro.sh")).expect("a script");
    assert!(script.contains("traceparent: 00-$trace-"), "{script}");
    let report = text(&statusgap(folder, "report run --format markdown").stdout);
    assert!(report.contains(&format!("`{prefix}")), "the report names traces to look up");
}
