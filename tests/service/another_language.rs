//! A service that somebody else wrote in another language, described by a target file alone, is judged correctly.
//!
//! `fixtures/services/jobs.py` shares nothing with this project: no code, no contract, no HTTP library.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::skip::have;

/// The service, killed when the test ends, however it ends.
struct Jobs {
    child: Child,
    url: String,
}

impl Jobs {
    fn start(options: &[&str]) -> Option<Jobs> {
        if !have("python3") {
            return None;
        }
        let mut child = Command::new("python3")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/services/jobs.py"))
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 starts");
        let mut url = String::new();
        // The line is printed once the port is bound, so the service is ready when it is read.
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut url).expect("a line");
        Some(Jobs { child, url: url.trim().to_owned() })
    }
}

impl Drop for Jobs {
    fn drop(&mut self) {
        // It may have died already, which the test has then noticed in its own way.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Tolerant of a busy machine, as what is tested is the judgement; the window is far longer than any delay that fits in here.
const SCENARIO: &str = r#"
name = "jobs"
title = "Jobs of another service"
source = "a service in another language"

[load]
scans = 8
every = "5ms"

[polls]
offsets = ["0s", "50ms"]
tolerance = "10s"

[follow]
until = "terminal"
every = "40ms"
deadline = "20s"

[controls]
unknown_id = 3
foreign_user = ["600ms"]

[expect]
guarantees = ["honesty", "isolation", "read-your-writes", "monotonic-visibility", "monotonic-state", "echo", "completion"]
late_at_most = 1.0
"#;

/// The exit code and the result of a run against the service.
/// `None` where Python is not installed: the test that asks is skipped.
fn judged(options: &[&str]) -> Option<(Option<i32>, Value)> {
    let jobs = Jobs::start(options)?;
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("jobs-scenario.toml"), SCENARIO).expect("a file");
    let output = Command::new(env!("CARGO_BIN_EXE_statusgap"))
        .args(["run", "jobs-scenario.toml", "--format", "json", "--out", "run", "--seed", "5", "--target"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/services/jobs.toml"))
        .env("JOBS_URL", &jobs.url)
        .current_dir(folder.path())
        .output()
        .expect("the binary starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let result = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}{}", String::from_utf8_lossy(&output.stderr)));
    Some((output.status.code(), result))
}

fn broken(result: &Value) -> Vec<&str> {
    let guarantees = result["guarantees"].as_array().expect("guarantees");
    guarantees.iter().filter(|guarantee| guarantee["verdict"] == "fail").filter_map(|guarantee| guarantee["name"].as_str()).collect()
}

#[test]
fn a_healthy_service_passes_with_everything_assessed() {
    let Some((code, result)) = judged(&["--work", "0.4"]) else { return };
    assert_eq!(code, Some(0), "{}", result["reasons"]);
    let names = ["honesty", "isolation", "read-your-writes", "echo", "completion"];
    let guarantees = result["guarantees"].as_array().expect("guarantees");
    for name in names {
        assert!(guarantees.iter().any(|found| found["name"] == name && found["verdict"] == "pass"), "{name}: {}", result["guarantees"]);
    }
}

#[test]
fn a_late_registration_fails_and_its_window_is_bracketed() {
    let Some((code, result)) = judged(&["--register-after", "0.8", "--work", "0.4"]) else { return };
    assert_eq!(code, Some(1), "{}", result["reasons"]);
    assert_eq!(broken(&result), ["read-your-writes"]);
    let p50 = &result["window"]["quantiles_ms"]["p50"];
    let [lower, upper] = [0, 1].map(|end| p50[end].as_f64().expect("an end"));
    // The job exists 800 ms after the service wrote down that it will, which is some time before the prober has read its id.
    assert!(lower < 800.0 && 400.0 < upper, "{p50} is not around 800 ms");
    assert!(
        result["diagnosis"].as_array().is_some_and(|causes| causes.iter().any(|cause| cause["class"] == "A")),
        "{}",
        result["diagnosis"]
    );
}

#[test]
fn workers_that_share_nothing_are_found_out() {
    let Some((code, result)) = judged(&["--workers", "3", "--work", "0.4"]) else { return };
    assert_eq!(code, Some(1), "{}", result["reasons"]);
    assert!(broken(&result).contains(&"monotonic-visibility"), "{:?}", broken(&result));
}

#[test]
fn a_service_that_knows_every_id_is_not_assessable() {
    let Some((code, result)) = judged(&["--mask-unknown"]) else { return };
    assert_eq!((code, &result["assessable"]), (Some(3), &Value::Bool(false)), "{}", result["reasons"]);
}
