//! What a run leaves for other programs: further files in its folder, GitHub's places, and a history of several logs.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::skip::skipped;

const SCENARIO: &str = "name = \"short\"\ntitle = \"a short one\"\nsource = \"a test\"\n[load]\nscans = 6\n[polls]\noffsets = [\"100ms\"]\n[controls]\nunknown_id = 1\n";

/// A short run on virtual time that fails, with its folder in `folder`.
fn run(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let scenario = folder.join("short.toml");
    fs::write(&scenario, SCENARIO).expect("the scenario can be written");
    let told = Command::new(env!("CARGO_BIN_EXE_statusgap"))
        .env_remove("GITHUB_ACTIONS")
        .env_remove("GITHUB_STEP_SUMMARY")
        .env_remove("GITHUB_OUTPUT")
        .envs(variables.iter().copied())
        .args(["run", "--no-twin", "short.toml", "--virtual", "--seed", "1", "--out", "run"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the binary runs");
    assert_eq!(told.status.code(), Some(1), "{}", String::from_utf8_lossy(&told.stderr));
    told
}

fn report(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_statusgap"))
        .args(["report", "--no-twin"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn further_formats_stand_beside_the_log_and_are_what_the_log_gives_later() {
    let folder = tempfile::tempdir().expect("a folder");
    run(folder.path(), &["--also", "junit,openmetrics", "--also", "hlog"], &[]);
    for (format, name) in [("junit", "junit.xml"), ("openmetrics", "metrics.txt"), ("hlog", "latency.hlog"), ("json", "result.json")] {
        let written = fs::read_to_string(folder.path().join("run").join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(text(&report(folder.path(), &["run", "--format", format]).stdout), written, "{name}");
        assert!(!written.contains("--also"), "{name}: where the output went is not part of the repeating command");
    }
    assert!(!folder.path().join("run/comment.md").exists(), "nobody asked for it");
}

#[test]
fn github_is_told_in_its_own_places_and_standard_output_stays_what_was_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name).display().to_string();
    fs::write(place("summary"), "what stood there\n").expect("a file can be written");
    let (summary, output) = (place("summary"), place("output"));
    let variables = [("GITHUB_ACTIONS", "true"), ("GITHUB_STEP_SUMMARY", summary.as_str()), ("GITHUB_OUTPUT", output.as_str())];
    let told = run(folder.path(), &["--format", "json", "-q"], &variables);
    let result: serde_json::Value = serde_json::from_slice(&told.stdout).expect("JSON, and nothing else");
    assert_eq!(result["verdict"], "fail");
    assert!(text(&told.stderr).starts_with("::error title=statusgap fail%3A "), "{}", text(&told.stderr));
    let written = fs::read_to_string(&summary).expect("a summary");
    assert!(written.starts_with("what stood there\n<!-- statusgap:"), "{written}");
    assert_eq!(fs::read_to_string(&output).expect("outputs"), "verdict=fail\nfolder=run\n");

    let told = run(folder.path(), &["--no-github", "-q"], &variables);
    assert_eq!(text(&told.stderr), "");
    assert_eq!(fs::read_to_string(&summary).expect("a summary"), written, "the second run was told to be silent");
}

#[test]
fn a_summary_that_cannot_be_written_is_a_note_and_changes_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let full = folder.path().join("full").display().to_string();
    fs::write(&full, "x".repeat(1024 * 1024)).expect("a file can be written");
    for (place, why) in [("/nowhere/summary", "No such file"), (full.as_str(), "larger than GitHub takes")] {
        let told = run(folder.path(), &[], &[("GITHUB_ACTIONS", "true"), ("GITHUB_STEP_SUMMARY", place)]);
        let notes = text(&told.stderr);
        assert!(notes.contains(&format!("note: cannot write to {place}")) && notes.contains(why), "{notes}");
    }
    assert_eq!(fs::metadata(&full).expect("the file").len(), 1024 * 1024);
}

#[test]
fn several_logs_are_followed_by_their_trend() {
    let folder = tempfile::tempdir().expect("a folder");
    run(folder.path(), &[], &[]);
    let log = fs::read_to_string(folder.path().join("run/log.ndjson")).expect("a log");
    fs::write(folder.path().join("later.ndjson"), log.replace("2026-01-01T", "2026-01-09T")).expect("a log can be written");
    let told = report(folder.path(), &["later.ndjson", "run"]);
    let table = text(&told.stdout);
    let (reports, trend) = table.split_once("TREND").unwrap_or_else(|| panic!("no trend: {table}"));
    assert_eq!(reports.matches("FAIL  Yes: ").count(), 2, "each log has its first screen: {reports}");
    let (first, second) = (trend.find(" 2026-01-01T"), trend.find(" 2026-01-09T"));
    assert!(first.is_some() && first < second, "{trend}");
    assert!(!trend.contains("warning"), "{trend}");
    assert_eq!(told.status.code(), Some(1));
    assert!(text(&report(folder.path(), &["run", "later.ndjson", "--trend"]).stdout).starts_with("TREND"), "the trend alone");
}

#[test]
fn formats_that_are_one_document_take_one_log() {
    let folder = tempfile::tempdir().expect("a folder");
    run(folder.path(), &[], &[]);
    for arguments in [["run", "run", "--format", "junit"].as_slice(), &["run", "--trend", "--format", "openmetrics"]] {
        let told = report(folder.path(), arguments);
        assert_eq!((told.status.code(), text(&told.stdout).as_str()), (Some(2), ""), "{}", text(&told.stderr));
        assert!(text(&told.stderr).contains("hint: "), "{}", text(&told.stderr));
    }
}

/// Reads the sample with the `hdrhistogram` package for Python, where that is installed (checked with 0.10.8), and compares
/// with the percentiles that the result tells of the same round trips.
#[test]
fn another_implementation_reads_the_same_percentiles_from_the_histogram_log() {
    const READ: &str = "
import sys
from hdrh.log import HistogramLogReader
from hdrh.histogram import HdrHistogram
reader = HistogramLogReader(sys.argv[1], HdrHistogram(1, 3600 * 10**9, 3))
while True:
    one = reader.get_next_interval_histogram()
    if one is None: break
    print(one.get_tag(), one.get_total_count(), one.get_value_at_percentile(50), one.get_value_at_percentile(90))
";
    let reports = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports");
    let python = std::env::var("STATUSGAP_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let Ok(told) = Command::new(&python).args(["-c", READ]).arg(reports.join("sample.hlog")).output() else {
        return skipped("python3 is not installed");
    };
    if text(&told.stderr).contains("ModuleNotFoundError") {
        return skipped("Python's hdrhistogram is not installed");
    }
    let told_text = text(&told.stdout);
    let result: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(reports.join("sample.json")).expect("the sample")).expect("JSON");
    let poll = &result["latency_ms"]["poll"];
    let line =
        told_text.lines().find(|line| line.starts_with("poll/fresh ")).unwrap_or_else(|| panic!("{told_text}{}", text(&told.stderr)));
    let numbers: Vec<f64> = line.split(' ').skip(1).map(|number| number.parse().expect("a number")).collect();
    assert_eq!(Some(numbers[0]), poll["count"].as_f64());
    for (nanos, ms) in [(numbers[1], &poll["p50"]), (numbers[2], &poll["p90"])] {
        let expected = ms.as_f64().expect("a number") * 1e6;
        assert!((nanos - expected).abs() <= expected * 2e-3, "{nanos} and {expected}");
    }
}
