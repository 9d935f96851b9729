//! `statusgap report --format latency`: several runs as one report, and a target's objectives in it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::served::Served;
use crate::support::twinless::twinless;

fn statusgap(folder: &Path, words: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_statusgap"));
    command
        .args(twinless(words.split_whitespace()))
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env_remove("GITHUB_ACTIONS")
        .output()
        .expect("the binary starts")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A run on virtual time, begun on this day of January 2026; virtual runs all begin on the first.
fn run(folder: &Path, name: &str, day: u32, words: &str) {
    statusgap(folder, &format!("run --virtual --quiet --seed {day} --out {name} {words}"));
    let log = folder.join(name).join("log.ndjson");
    let text = fs::read_to_string(&log).expect("a log");
    assert!(text.contains("\"started\":\"2026-01-01"), "virtual runs begin on another day now");
    let text = text.replacen("\"started\":\"2026-01-01", &format!("\"started\":\"2026-01-{day:02}"), 1);
    // As of a log whose end does not yet have a sum over its header.
    let (lines, end) = text.trim_end().rsplit_once('\n').expect("several lines");
    let mut end: Value = serde_json::from_str(end).expect("a line of a log");
    end.as_object_mut().expect("an object").remove("others");
    fs::write(log, format!("{lines}\n{end}\n")).expect("a writable log");
}

/// The row of a table that begins with this cell, cell by cell.
fn row(markdown: &str, first: &str) -> Vec<String> {
    let row =
        markdown.lines().find(|line| line.starts_with(&format!("| {first} |"))).unwrap_or_else(|| panic!("no row {first}: {markdown}"));
    row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
}

#[test]
fn the_newest_run_is_reported_against_the_one_before_or_the_one_that_is_named() {
    let folder = TempDir::new().expect("a folder");
    run(folder.path(), "old", 5, "immediate --service deferred");
    run(folder.path(), "new", 20, "immediate --service sound");
    run(folder.path(), "between", 12, "immediate --service deferred");
    let told = statusgap(folder.path(), "report new old between --format latency --out week");
    assert_eq!(told.status.code(), Some(0), "the newest run passes: {}", String::from_utf8_lossy(&told.stderr));
    let text = out(&told);
    assert!(text.contains("## Against the run of 2026-01-12"), "{text}");
    assert_eq!(text.matches("\n| 2026-01-").count(), 3, "{text}");
    // The window is gone, and that is not a chance.
    let moved = text.lines().find(|line| line.starts_with("| POST to visible | p50 |")).expect("a row");
    assert!(moved.ends_with("faster |"), "{moved}");
    // On its own the page cannot know whether the picture lies beside it.
    assert!(!text.contains("latency.svg"), "{text}");
    let written = fs::read_to_string(folder.path().join("week/latency.md")).expect("a report");
    assert!(written.contains("](latency.svg)"), "{written}");
    let picture = fs::read_to_string(folder.path().join("week/latency.svg")).expect("a picture");
    let page = fs::read_to_string(folder.path().join("week/latency.html")).expect("a page");
    assert!(picture.starts_with("<svg ") && page.contains("src=\"data:image/svg+xml;base64,"), "the page has the picture in it");
    let json: Value = serde_json::from_str(&fs::read_to_string(folder.path().join("week/latency.json")).expect("a result")).expect("JSON");
    assert_eq!(json["runs"].as_array().map(Vec::len), Some(3));
    let visible = json["changes"].as_array().expect("changes").iter().find(|row| row["wait"] == "visible" && row["quantile"] == "p50");
    assert_eq!(visible.map(|row| &row["change"]), Some(&"faster".into()));

    let told = statusgap(folder.path(), "report new --against old/log.ndjson --format latency");
    assert!(out(&told).contains("## Against the run of 2026-01-05"), "{}", out(&told));
    let told = statusgap(folder.path(), "report old --format latency");
    assert_eq!(told.status.code(), Some(1), "the log's own verdict");
    assert!(!out(&told).contains("## Against"), "there is nothing to hold it against");
}

#[test]
fn a_quantile_without_enough_jobs_says_what_it_needs_and_a_run_can_be_asked_for_that() {
    let folder = TempDir::new().expect("a folder");
    run(folder.path(), "few", 1, "immediate completion --service deferred");
    run(folder.path(), "many", 2, "immediate --service deferred --quantile p99");
    let few = out(&statusgap(folder.path(), "report few --format latency"));
    assert_eq!(row(&few, "POST to visible")[3..5], ["needs 59, has 53", "needs 299, has 53"].map(str::to_owned));
    assert_eq!(row(&few, "POST to done")[1..3], ["3", "needs 5, has 3"].map(str::to_owned));
    let many = out(&statusgap(folder.path(), "report many --format latency"));
    let visible = row(&many, "POST to visible");
    assert_eq!(visible[1], "368");
    // Both limits are there.
    assert!(visible[4].contains('(') && visible[4].contains('–') && !visible[4].contains("or more"), "{visible:?}");
    assert_eq!(row(&many, "POST to done")[5], "not measured: no scenario watched scans to their end, as the scenario completion does");
}

#[test]
fn the_objectives_of_a_target_are_met_missed_or_unknown() {
    let folder = TempDir::new().expect("a folder");
    let file =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/targets/opportunity-scan.toml")).expect("a target file");
    let slo = "\n[slo]\nvisible = [\"p50 <= 30s\", \"p95 <= 1s\", \"p99 <= 30s\"]\ndone = \"p95 <= 60s\"\n";
    let served = Served::start(&["--service", "deferred"]);
    let file = file.replace("${STATUSGAP_URL:-http://127.0.0.1:8080}", &format!("http://{}", served.address));
    fs::write(folder.path().join("target.toml"), file + slo).expect("a file");
    let ended = statusgap(folder.path(), "run immediate --quiet --out gap --target target.toml");
    assert_eq!(ended.status.code(), Some(1), "{}", String::from_utf8_lossy(&ended.stderr));
    let text = out(&statusgap(folder.path(), "report gap --format latency"));
    let standing = |promise: &str| row(&text, promise)[1].clone();
    assert_eq!(standing("p50 of POST to visible at most 30s"), "✅ met");
    assert_eq!(standing("p95 of POST to visible at most 1s"), "❌ missed");
    assert_eq!(standing("p99 of POST to visible at most 30s"), "unknown");
    assert!(row(&text, "p99 of POST to visible at most 30s")[2].ends_with("needs 299, has 50"), "{text}");
    assert_eq!(row(&text, "p95 of POST to done at most 1m")[2], "nothing was measured for it");
}

#[test]
fn a_run_writes_the_latency_report_beside_its_others() {
    let folder = TempDir::new().expect("a folder");
    statusgap(folder.path(), "run immediate --virtual --service sound --quiet --out gap --also latency,latency-html");
    let text = fs::read_to_string(folder.path().join("gap/latency.md")).expect("a report");
    assert!(
        text.contains("](latency.svg)")
            && folder.path().join("gap/latency.svg").exists()
            && folder.path().join("gap/latency.html").exists()
    );
}

#[test]
fn what_makes_no_sense_is_refused_with_a_way_out() {
    let folder = TempDir::new().expect("a folder");
    run(folder.path(), "one", 1, "immediate --service sound");
    run(folder.path(), "two", 2, "immediate --service sound");
    for (words, told) in [
        ("report one --against two", "--format latency"),
        ("report one --format latency --trend", "leave out --trend"),
        ("report one two --format latency --out x --also junit", "leave out --also"),
        ("report one --against nowhere --format latency", "nowhere"),
        ("run gate --virtual --quantile p99", "such as `immediate`"),
        ("run immediate --virtual --quantile p98", "p99.9"),
    ] {
        let ended = statusgap(folder.path(), words);
        let error = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(2), "{words}: {error}");
        assert!(error.contains(told), "{words}: {error}");
    }
}
