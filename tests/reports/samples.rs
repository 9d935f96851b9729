//! The committed samples in `reports/` are what the binary renders from the committed log, byte for byte.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Set, the samples are written anew instead of compared.
const UPDATE: &str = "STATUSGAP_UPDATE_SAMPLES";

fn rendered(arguments: &[&str]) -> String {
    let root = env!("CARGO_MANIFEST_DIR");
    let told = Command::new(env!("CARGO_BIN_EXE_statusgap"))
        .current_dir(root)
        .args(["--color", "never", "report"])
        .args(arguments)
        .env("COLUMNS", "100")
        .output()
        .expect("the binary runs");
    // The log's verdict is a fail, and the exit code says so; anything else would be another report.
    assert_eq!(told.status.code(), Some(1), "{}", String::from_utf8_lossy(&told.stderr));
    String::from_utf8(told.stdout).expect("reports are UTF-8")
}

fn check(format: &str, sample: &str) {
    compare(&rendered(&["fixtures/logs/deferred.ndjson", "--format", format]), sample);
}

fn compare(now: &str, sample: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports").join(sample);
    if std::env::var_os(UPDATE).is_some() {
        fs::write(&path, now).expect("the sample can be written");
        return;
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let differs = now.lines().zip(committed.lines()).position(|(now, committed)| now != committed);
    assert!(
        now == committed,
        "reports/{sample} differs from what is rendered now, first in line {}; if that is meant: {UPDATE}=1 cargo test --test samples",
        differs.unwrap_or_else(|| now.lines().count().min(committed.lines().count())) + 1
    );
}

#[test]
fn the_sample_first_screen_is_what_the_binary_prints() {
    check("table", "sample.txt");
}

#[test]
fn the_sample_table_is_what_the_binary_prints_with_more_to_say() {
    compare(&rendered(&["fixtures/logs/deferred.ndjson", "-v"]), "sample.full.txt");
}

#[test]
fn the_sample_markdown_is_what_the_binary_prints() {
    check("markdown", "sample.md");
}

#[test]
fn the_sample_page_is_what_the_binary_prints() {
    check("html", "sample.html");
}

#[test]
fn the_sample_json_is_what_the_binary_prints() {
    check("json", "sample.json");
}

#[test]
fn the_sample_junit_is_what_the_binary_prints() {
    check("junit", "sample.junit.xml");
}

#[test]
fn the_sample_annotations_are_what_the_binary_prints() {
    check("github", "sample.annotations.txt");
}

#[test]
fn the_sample_comment_is_what_the_binary_prints() {
    check("pr", "sample.comment.md");
}

#[test]
fn the_sample_metrics_are_what_the_binary_prints() {
    check("openmetrics", "sample.metrics.txt");
}

#[test]
fn the_sample_histogram_log_is_what_the_binary_prints() {
    check("hlog", "sample.hlog");
}

#[test]
fn the_sample_trends_are_what_the_binary_prints() {
    let history = ["03", "04", "12", "13"].map(|day| format!("fixtures/recorded/2025-11-{day}.ndjson"));
    // Given in another order than that in which they began.
    for (format, sample) in [("table", "sample.trend.txt"), ("markdown", "sample.trend.md"), ("json", "sample.trend.json")] {
        compare(&rendered(&[&history[2], &history[0], &history[3], &history[1], "--trend", "--format", format]), sample);
    }
}

#[test]
fn the_sample_latency_reports_are_what_the_binary_prints() {
    let history = ["03", "04", "12", "13"].map(|day| format!("fixtures/recorded/2025-11-{day}.ndjson"));
    for (format, sample) in [
        ("latency", "sample.latency.md"),
        ("latency-html", "sample.latency.html"),
        ("latency-svg", "sample.latency.svg"),
        ("latency-json", "sample.latency.json"),
    ] {
        let logs = [&history[2], "fixtures/logs/deferred.ndjson", &history[0], &history[3], &history[1]];
        compare(&rendered(&[logs.as_slice(), &["--format", format]].concat()), sample);
    }
}
