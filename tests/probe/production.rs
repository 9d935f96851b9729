//! A production service on virtual time: scans of 170 s and lives of an hour pass in moments, by the same code as in real time.

use std::path::Path;
use std::process::{Command, Output};

fn statusgap(args: &[&str], out: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_statusgap")).args(args).arg("--out").arg(out).output().expect("the binary runs")
}

fn log(out: &Path) -> String {
    std::fs::read_to_string(out.join("log.ndjson")).expect("a log")
}

#[test]
fn the_original_bug_is_found_in_production_time_too_and_equal_seeds_give_equal_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let inquiry = |name: &str, seed: &str| {
        let out = folder.path().join(name);
        let args =
            ["reproduce", "--no-twin", "--virtual", "--service", "deferred", "--profile", "production", "--budget", "10m", "--seed", seed];
        let output = statusgap(&args, &out);
        (output.status.code(), log(&out), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, first, told) = inquiry("first", "7");
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("Delayed registration (A)"), "{told}");
    let (_, second, _) = inquiry("second", "7");
    assert!(first == second, "equal seeds give different logs");
    let (_, other, _) = inquiry("other", "8");
    assert!(first != other, "the seed changes nothing");
}

#[test]
fn a_scan_of_170_seconds_is_watched_to_its_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("to-the-end.toml");
    let scenario = "name = \"to-the-end\"\ntitle = \"a production scan to its end\"\nsource = \"a test\"\n[load]\nscans = 2\n\
        [follow]\nuntil = \"terminal\"\nevery = \"2s\"\nsettle = \"10s\"\ndeadline = \"4m\"\n[readings]\nat_end = true\n";
    std::fs::write(&file, scenario).expect("it can be written");
    let file = file.to_str().expect("a path in UTF-8");
    let output =
        statusgap(&["run", file, "--virtual", "--service", "sound", "--profile", "production", "--seed", "3"], &folder.path().join("out"));
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
    let log = log(&folder.path().join("out"));
    let mut ended: Vec<u64> = log
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a line of JSON"))
        .filter(|line| line["kind"] == "poll" && line["state"] == "succeeded")
        .map(|line| line["sent"].as_u64().expect("a stamp") / 1_000_000_000)
        .collect();
    ended.sort_unstable();
    assert!((150..185).contains(&ended[0]), "ended after {} s", ended[0]);
}
