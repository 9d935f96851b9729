//! What goes onto a ticket and what comes from elsewhere, through the binary: `repro.sh` shows the fault to whoever has curl, and a
//! run's archive is opened by readers that are not ours, and by ours.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::skip::{have, skipped};
use crate::support::twinless::twinless;

fn statusgap(folder: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_statusgap"))
        .args(twinless(words.iter().copied()))
        .current_dir(folder)
        .output()
        .expect("the binary starts")
}

#[track_caller]
fn exits(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}\n{}", text(&output.stdout), text(&output.stderr));
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn repository(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path).display().to_string()
}

/// A served reference service, ended with the test.
struct Served {
    process: Child,
    url: String,
}

impl Served {
    fn start(preset: &str) -> Served {
        Served::with(preset, &[])
    }

    fn with(preset: &str, settings: &[&str]) -> Served {
        let mut process = Command::new(env!("CARGO_BIN_EXE_statusgap"))
            .args(["serve", "--port", "0", "--service", preset])
            .args(settings)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut ready = String::new();
        BufReader::new(process.stdout.take().expect("a pipe")).read_line(&mut ready).expect("a line");
        let url = ready.split_whitespace().nth(1).expect("an address").to_owned();
        Served { process, url }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// An inquiry on virtual time, with its files in a folder.
fn inquiry(preset: &str) -> (TempDir, Output) {
    let folder = TempDir::new().expect("a folder");
    let words = ["reproduce", "--virtual", "--seed", "3", "--service", preset, "--out", ".", "--color", "never"];
    let output = statusgap(folder.path(), &words);
    (folder, output)
}

fn played(folder: &Path, url: &str) -> Output {
    Command::new("sh").arg(folder.join("repro.sh")).env("BASE_URL", url).output().expect("sh starts")
}

fn curl_is_here() -> bool {
    have("curl")
}

/// The script made from a run against a fault shows it on a service that has it.
#[track_caller]
fn shows(preset: &str, told: &str) -> TempDir {
    shows_on(preset, &[], told)
}

#[track_caller]
fn shows_on(preset: &str, settings: &[&str], told: &str) -> TempDir {
    let (folder, output) = inquiry(preset);
    assert!(matches!(output.status.code(), Some(1 | 3)), "{preset}: {}", text(&output.stderr));
    if curl_is_here() {
        let faulty = Served::with(preset, settings);
        let played = played(folder.path(), &faulty.url);
        exits(&played, 1);
        let out = text(&played.stdout);
        let last = out.lines().last().unwrap_or_default();
        assert!(last.starts_with("SHOWN: ") && last.contains(told), "{preset}: {out}");
    }
    folder
}

#[track_caller]
fn does_not_show_on_a_sound_service(folder: &TempDir) {
    if curl_is_here() {
        let sound = Served::start("sound");
        let played = played(folder.path(), &sound.url);
        exits(&played, 0);
        assert!(text(&played.stdout).ends_with("not shown\n"));
    }
}

#[test]
fn a_script_shows_the_window_on_the_faulty_service_and_nothing_on_the_sound_one() {
    does_not_show_on_a_sound_service(&shows("deferred", "was handed out, and is denied"));
}

#[test]
fn a_script_shows_a_status_that_comes_and_goes() {
    shows("zoo-b", "was visible, and is denied afterwards");
}

#[test]
fn a_script_shows_that_polling_early_is_the_cause() {
    // On a busy machine curl does not ask within the preset's 60 ms.
    shows_on("zoo-d", &["--set", "registration-delay=500ms"], "because it was polled early");
}

#[test]
fn a_script_shows_scans_that_are_never_found() {
    does_not_show_on_a_sound_service(&shows("zoo-k", "is still denied after"));
}

#[test]
fn a_script_shows_an_answer_about_another_scan() {
    does_not_show_on_a_sound_service(&shows("zoo-j", "answered for"));
}

#[test]
fn a_script_shows_a_scan_that_a_stranger_may_see() {
    does_not_show_on_a_sound_service(&shows("zoo-q", "another user is shown"));
}

#[test]
fn a_script_shows_an_id_that_was_never_issued() {
    does_not_show_on_a_sound_service(&shows("zoo-n", "was never issued"));
}

#[test]
fn a_script_that_reaches_nobody_says_so_and_is_no_proof() {
    if curl_is_here() {
        let (folder, _) = inquiry("deferred");
        exits(&played(folder.path(), "http://127.0.0.1:1"), 2);
    }
}

#[test]
fn where_nothing_was_found_there_is_no_script() {
    let (folder, output) = inquiry("sound");
    exits(&output, 0);
    assert!(!folder.path().join("repro.sh").exists());
    assert!(text(&output.stderr).contains("no repro.sh: the run found no fault that could be shown again"), "{}", text(&output.stderr));
}

#[test]
fn a_bundle_is_made_from_a_log_alone() {
    let (folder, output) = inquiry("deferred");
    exits(&output, 1);
    let again = TempDir::new().expect("a folder");
    let log = folder.path().join("log.ndjson");
    exits(&statusgap(again.path(), &["bundle", &log.display().to_string(), "--out", "ticket"]), 1);
    for name in ["log.ndjson", "report.md", "report.html", "result.json", "repro.sh", "requests.har"] {
        let (first, second) = (fs::read(folder.path().join(name)), fs::read(again.path().join("ticket").join(name)));
        assert_eq!(first.expect(name), second.expect(name), "{name} differs");
    }
}

/// A run against a target whose credentials come from the environment, and two that stand in the file.
#[test]
fn no_secret_is_in_a_bundle() {
    let service = Served::start("deferred");
    let folder = TempDir::new().expect("a folder");
    let file = fs::read_to_string(repository("scenarios/targets/opportunity-scan.toml")).expect("the shipped file");
    let file =
        file.replace("${STATUSGAP_URL:-http://127.0.0.1:8080}", &service.url).replace("${SCAN_TOKEN:-alice-token}", "${SECRET_TOKEN}");
    let file =
        file.replace("json = { force_refresh", "headers = { X-Api-Key = 'k3y' }\njson = { login = { password = 'hunter2' }, force_refresh");
    fs::write(folder.path().join("t.toml"), file).expect("a file");
    let scenario = "name = 'short'\ntitle = 't'\nsource = 's'\n[load]\nscans = 3\n[polls]\noffsets = ['100ms', '300ms']\n";
    fs::write(folder.path().join("short.toml"), scenario).expect("a file");
    let run = Command::new(env!("CARGO_BIN_EXE_statusgap"))
        .args(["run", "--no-twin", "short.toml", "--target", "t.toml", "--out", "run", "--quiet"])
        .current_dir(folder.path())
        .env("SECRET_TOKEN", "alice-token")
        .output()
        .expect("the binary starts");
    exits(&run, 1);
    let bundled = statusgap(folder.path(), &["bundle", "run/log.ndjson"]);
    exits(&bundled, 1);
    let told = text(&bundled.stderr);
    assert!(told.contains("(initiate.headers.X-Api-Key, initiate.json.login.password): they are struck out"), "{told}");
    for entry in fs::read_dir(folder.path().join("run")).expect("a folder") {
        let path = entry.expect("an entry").path();
        let text = fs::read_to_string(&path).expect("text");
        for secret in ["alice-token", "hunter2", "k3y"] {
            assert!(!text.contains(secret), "{} has {secret}", path.display());
        }
    }
    for name in ["repro.sh", "requests.har", "log.ndjson"] {
        let text = fs::read_to_string(folder.path().join("run").join(name)).expect(name);
        assert!(text.contains("${SECRET_TOKEN"), "{name}");
    }
    if curl_is_here() {
        let without = played(&folder.path().join("run"), &service.url);
        assert!(text(&without.stderr).contains("SECRET_TOKEN"), "it says what is missing: {}", text(&without.stderr));
        let mut with = Command::new("sh");
        with.arg(folder.path().join("run/repro.sh")).env("SECRET_TOKEN", "alice-token").env("INITIATE_X_API_KEY", "k3y");
        let partly = with.output().expect("sh");
        assert!(text(&partly.stderr).contains("INITIATE_LOGIN_PASSWORD"), "{}", text(&partly.stderr));
        exits(&with.env("INITIATE_LOGIN_PASSWORD", "hunter2").output().expect("sh"), 1);
    }
}

fn archive() -> (TempDir, PathBuf) {
    let folder = TempDir::new().expect("a folder");
    let words = ["run", "immediate", "unknown-id", "--virtual", "--seed", "5", "--out", ".", "--quiet"];
    exits(&statusgap(folder.path(), &words), 1);
    exits(&statusgap(folder.path(), &["bundle", "log.ndjson", "--quiet"]), 1);
    let path = folder.path().join("requests.har");
    (folder, path)
}

/// What HAR 1.2 demands. By hand, `har-validator` 5.1.5 (npm) called such a file valid, and `haralyzer` 2.4.0 (PyPI) opened it.
#[test]
fn a_runs_archive_has_all_that_har_demands() {
    let (_folder, path) = archive();
    let archive: Value = serde_json::from_slice(&fs::read(&path).expect("an archive")).expect("JSON");
    let log = &archive["log"];
    assert_eq!((log["version"].as_str(), log["creator"]["name"].as_str()), (Some("1.2"), Some("statusgap")));
    let entries = log["entries"].as_array().expect("entries");
    assert!(entries.len() > 100);
    for entry in entries {
        let started = entry["startedDateTime"].as_str().expect("a stamp");
        assert!(started.ends_with('Z') && started.contains('.'), "{started}");
        let timings = &entry["timings"];
        let sum: f64 = ["send", "wait", "receive"].iter().map(|phase| timings[*phase].as_f64().expect("a number")).sum();
        assert!((sum - entry["time"].as_f64().expect("a number")).abs() < 1e-6, "{entry}");
        for (part, members) in [
            ("request", &["method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize", "bodySize"][..]),
            (
                "response",
                &["status", "statusText", "httpVersion", "cookies", "headers", "content", "redirectURL", "headersSize", "bodySize"],
            ),
        ] {
            for member in members {
                assert!(!entry[part][*member].is_null(), "{part}.{member} is missing: {entry}");
            }
        }
        assert!(entry["cache"].is_object() && entry["response"]["content"]["size"].is_number());
        assert!(entry["request"]["url"].as_str().is_some_and(|url| url.starts_with("http://127.0.0.1:1/")), "{entry}");
    }
}

#[test]
fn an_archive_says_which_http_was_spoken() {
    let (folder, _) = archive();
    let log = fs::read_to_string(folder.path().join("log.ndjson")).expect("a log");
    let log = log.replacen("\"target\":{", "\"target\":{\"http\":\"2\",", 1);
    fs::write(folder.path().join("two.ndjson"), log).expect("a file");
    exits(&statusgap(folder.path(), &["bundle", "two.ndjson", "--out", "two", "--quiet"]), 1);
    let archive: Value = serde_json::from_slice(&fs::read(folder.path().join("two/requests.har")).expect("an archive")).expect("JSON");
    for entry in archive["log"]["entries"].as_array().expect("entries") {
        assert_eq!((entry["request"]["httpVersion"].as_str(), entry["response"]["httpVersion"].as_str()), (Some("HTTP/2"), Some("HTTP/2")));
    }
}

/// With `haralyzer` where Python has it: another reader sees the requests, in order.
#[test]
fn a_reader_by_somebody_else_opens_the_archive() {
    let (_folder, path) = archive();
    let script =
        "import sys\nfrom haralyzer import HarParser\nh = HarParser.from_file(sys.argv[1])\nprint(h.version, len(h.har_data['entries']))";
    let read = Command::new("python3").args(["-c", script]).arg(&path).output();
    match read {
        Ok(read) if read.status.success() => {
            let archive: Value = serde_json::from_slice(&fs::read(&path).expect("an archive")).expect("JSON");
            let entries = archive["log"]["entries"].as_array().map_or(0, Vec::len);
            assert_eq!(text(&read.stdout).trim(), format!("1.2 {entries}"));
        }
        _ => skipped("Python's haralyzer is not installed"),
    }
}

#[test]
fn a_run_survives_the_way_through_an_archive() {
    let (folder, _) = archive();
    let result = |log: &str| {
        let output = statusgap(folder.path(), &["report", log, "--format", "json"]);
        exits(&output, 1);
        serde_json::from_slice::<Value>(&output.stdout).expect("JSON")
    };
    exits(&statusgap(folder.path(), &["import", "har", "requests.har", "--out", "again.ndjson"]), 0);
    let (first, again) = (result("log.ndjson"), result("again.ndjson"));
    for part in ["verdict", "scenarios", "window", "guarantees", "diagnosis"] {
        assert_eq!(first[part], again[part], "{part}");
        assert!(!first[part].is_null(), "{part} is part of a result");
    }
}

#[test]
fn a_recording_is_reported_with_what_it_cannot_show() {
    let folder = TempDir::new().expect("a folder");
    let log = repository("fixtures/recordings/nginx-combined.log");
    let jobs = repository("fixtures/services/jobs.toml");
    let imported = statusgap(folder.path(), &["import", "access-log", &log, "--target", &jobs, "--at", "1s"]);
    exits(&imported, 0);
    assert!(text(&imported.stderr).contains("126 of 129 requests are the target's: 15 scans"), "{}", text(&imported.stderr));
    fs::write(folder.path().join("log.ndjson"), &imported.stdout).expect("a file");
    let report = statusgap(folder.path(), &["report", "log.ndjson", "--format", "markdown"]);
    exits(&report, 1);
    let report = text(&report.stdout);
    for told in
        ["15 of 15", "no request was sent", "never issued", "steps of 1s", "order of one client's requests", "statusgap import access-log"]
    {
        assert!(report.contains(told), "{told}: {report}");
    }
    exits(&statusgap(folder.path(), &["diagnose", "log.ndjson"]), 1);
}

#[test]
fn a_recording_comes_through_a_pipe_as_well() {
    let mut import = Command::new(env!("CARGO_BIN_EXE_statusgap"))
        .args(["import", "har", "-", "--any-host", "--target", &repository("fixtures/services/jobs.toml")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts");
    let archive = fs::read(repository("fixtures/recordings/chromium.har")).expect("a fixture");
    let mut stdin = import.stdin.take().expect("a pipe");
    let writer = thread::spawn(move || stdin.write_all(&archive));
    let output = import.wait_with_output().expect("it ends");
    writer.join().expect("no panic").expect("all was read");
    exits(&output, 0);
    assert_eq!(text(&output.stdout).lines().filter(|line| line.contains("\"kind\":\"initiate\"")).count(), 4);
}

#[test]
fn what_cannot_be_imported_is_refused_with_two_and_a_way_out() {
    let folder = TempDir::new().expect("a folder");
    let jobs = repository("fixtures/services/jobs.toml");
    let combined = repository("fixtures/recordings/nginx-combined.log");
    let archive = repository("fixtures/recordings/chromium.har");
    for (words, told) in [
        (vec!["har", &combined, "--target", &jobs], "not an HTTP Archive"),
        (vec!["har", &archive, "--target", &jobs], "--any-host"),
        (vec!["ndjson", &combined, "--target", &jobs], "--map"),
        (vec!["access-log", &combined, "--target", &jobs, "--log-format", "$status"], "no time"),
        (vec!["access-log", &combined, "--target", &jobs, "--map", "tim=x"], "did you mean `time`?"),
        (vec!["access-log", &combined, "--target", &jobs, "--at", "2s,1s"], "ascending"),
        (vec!["k6-json", "nowhere.json", "--target", &jobs], "nowhere.json"),
    ] {
        let output = statusgap(folder.path(), &[&["import"], words.as_slice()].concat());
        exits(&output, 2);
        assert!(output.stdout.is_empty() && text(&output.stderr).contains(told), "{words:?}: {}", text(&output.stderr));
    }
}
