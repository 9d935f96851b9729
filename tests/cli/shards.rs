//! A run in shards: together they ask what one run asks, and their merged log tells what its log tells.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// What the shards of a plan must have in common, as one scan's plan: its scenario and number, arm, purpose and offset of a
/// poll, its poller, and for the first poll that follows the age at which it was planned.
type Asked = BTreeMap<String, usize>;

struct Folder(TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(TempDir::new().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, words: &str, variables: &[(&str, &str)]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_statusgap"));
        command.args(words.split_whitespace()).current_dir(self.0.path()).env_clear().envs(variables.iter().copied());
        command.output().expect("the binary starts")
    }

    #[track_caller]
    fn run(&self, words: &str, code: i32) -> String {
        let output = self.command(words, &[]);
        let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{words}: {told}");
        told
    }

    /// Runs a whole plan into `whole`, and as three shards into `1`, `2` and `3`.
    fn run_both(&self, words: &str, whole: i32, shard: i32) {
        self.run(&format!("run {words} --virtual --seed 7 --quiet --out whole"), whole);
        for index in 1..=3 {
            self.run(&format!("run {words} --virtual --seed 7 --quiet --shard {index}/3 --out {index}"), shard);
        }
    }

    fn lines(&self, run: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path(run).join("log.ndjson")).expect("a log");
        text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }

    fn result(&self, run: &str) -> Value {
        let text = std::fs::read_to_string(self.path(run).join("result.json")).expect("a result");
        serde_json::from_str(&text).expect("JSON")
    }
}

fn asked(lines: &[Value]) -> Asked {
    let mut asked = Asked::new();
    let mut known: BTreeMap<u64, u64> = BTreeMap::new();
    let mut followed: BTreeMap<u64, u64> = BTreeMap::new();
    for line in lines.iter().filter(|line| line["kind"] == "initiate") {
        let (scan, done) = (line["scan"].as_u64().expect("a scan"), line["done"].as_u64().expect("a stamp"));
        assert_eq!(known.insert(scan, done), None, "scan {scan} was asked for twice");
        *asked.entry(format!("{} scan {scan} arm {}", line["scenario"], line["arm"])).or_default() += 1;
    }
    for line in lines.iter().filter(|line| line["kind"] == "poll") {
        let scan = line["scan"].as_u64().expect("a scan");
        if line["purpose"] == "offset" {
            *asked.entry(format!("scan {scan} at {} by {}", line["offset"], line["poller"])).or_default() += 1;
        } else if line["purpose"] == "follow" {
            let age = line["planned"].as_u64().expect("a stamp") - known[&scan];
            followed.entry(scan).and_modify(|first| *first = age.min(*first)).or_insert(age);
        }
    }
    asked.extend(followed.into_iter().map(|(scan, age)| (format!("scan {scan} followed from {age}"), 1)));
    asked
}

/// One scenario of each kind of load, with arms, single shots and a follow-up.
const KINDS: &str = "immediate settled zero-delay burst concurrent-polls keep-alive";

#[test]
fn shards_together_ask_what_the_whole_run_asks() {
    let folder = Folder::new();
    folder.run_both(KINDS, 1, 1);
    let whole = asked(&folder.lines("whole"));
    let mut together = Asked::new();
    for index in ["1", "2", "3"] {
        let share = asked(&folder.lines(index));
        assert!(share.len() * 6 > whole.len(), "shard {index} does next to nothing");
        for (what, times) in share {
            *together.entry(what).or_default() += times;
        }
    }
    let differing: Vec<_> = whole.iter().filter(|(what, times)| together.get(*what) != Some(*times)).collect();
    assert!(differing.is_empty() && whole.len() == together.len(), "{differing:?}");
}

#[test]
fn the_merged_log_tells_what_the_whole_log_tells() {
    for (preset, code) in [("deferred", 1), ("sound", 0)] {
        let folder = Folder::new();
        folder.run_both(&format!("{KINDS} --service {preset}"), code, code);
        folder.run("merge 1/log.ndjson 2/log.ndjson 3/log.ndjson --out merged", code);
        let (whole, merged) = (folder.result("whole"), folder.result("merged"));
        for key in ["verdict", "assessable", "complete", "seed", "target"] {
            assert_eq!(merged[key], whole[key], "{preset}: {key}");
        }
        let told = |result: &Value, what: &dyn Fn(&Value) -> Value| -> Vec<Value> {
            result["scenarios"].as_array().expect("scenarios").iter().map(what).collect()
        };
        let counts = |scenario: &Value| {
            let offsets = scenario["offsets"].as_array().expect("offsets").iter();
            let offsets: Vec<_> = offsets.map(|at| serde_json::json!([at["at_ms"], at["arm"], at["polls"], at["scans"]])).collect();
            serde_json::json!([scenario["name"], scenario["verdict"], scenario["initiates"], scenario["accepted"], offsets])
        };
        assert_eq!(told(&merged, &counts), told(&whole, &counts), "{preset}");
        let classes = |result: &Value| -> Vec<Value> {
            result["diagnosis"].as_array().expect("a diagnosis").iter().map(|cause| cause["class"].clone()).collect()
        };
        assert_eq!(classes(&merged), classes(&whole), "{preset}");
        // Once merged, the log is a log like any other.
        let again = folder.run("report merged/log.ndjson --format json --quiet", code);
        assert_eq!(serde_json::from_str::<Value>(&again).expect("JSON"), merged);
        assert_eq!(merged["command"], whole["command"], "the merged log repeats the whole run");
    }
}

#[test]
fn a_missing_shard_leaves_a_clean_run_open_and_does_not_hide_a_failure() {
    for (preset, shard, merged) in [("sound", 0, 3), ("deferred", 1, 1)] {
        let folder = Folder::new();
        folder.run_both(&format!("immediate --service {preset}"), shard, shard);
        for format in ["table", "markdown"] {
            let told = folder.run(&format!("merge 1/log.ndjson 3/log.ndjson --out merged --format {format}"), merged);
            assert!(told.contains("2 of 3 shards") && told.contains("shard 2 of 3 is missing"), "{told}");
        }
        // A shard by itself is all there.
        assert!(!folder.run("report 1/log.ndjson", shard).contains("PARTIAL"));
    }
}

#[test]
fn a_killed_shard_is_kept_as_far_as_it_came_and_the_run_is_cut_off() {
    let folder = Folder::new();
    folder.run_both("immediate --service sound", 0, 0);
    let log = folder.path("2").join("log.ndjson");
    let text = std::fs::read_to_string(&log).expect("a log");
    std::fs::write(&log, &text[..text.len() * 2 / 3]).expect("a shorter log");
    let told = folder.run("merge 1/log.ndjson 2/log.ndjson 3/log.ndjson --out merged --format markdown", 3);
    assert!(told.contains("2/log.ndjson has no end") && told.contains("cut off"), "{told}");
}

/// Each shard decides for itself when its gate is decided; the merged log says where each of them stopped.
#[test]
fn shards_that_stopped_at_their_first_denial_fail_the_run_and_say_where_they_stopped() {
    let folder = Folder::new();
    for index in 1..=3 {
        let stop = if index == 3 { "never" } else { "first-failure" };
        folder.run(&format!("run gate --virtual --seed 7 --quiet --stop {stop} --shard {index}/3 --out {index}"), 1);
    }
    // What to do at the first denial is part of the plan.
    let told = folder.run("merge 1/log.ndjson 2/log.ndjson 3/log.ndjson --out refused", 2);
    assert!(told.contains("scenario gate is not the same in both"), "{told}");
    let told = folder.run("merge 1/log.ndjson 2/log.ndjson --out merged --format markdown", 1);
    let begun = |run: &str| -> Vec<Value> {
        folder.lines(run).into_iter().filter(|line| line["line"] == "stopped").map(|line| line["begun"].clone()).collect()
    };
    let own = [begun("1"), begun("2")].concat();
    assert_eq!((own.len(), begun("merged")), (2, own.clone()));
    for begun in own {
        assert!(told.contains(&format!("gate started {begun} of ")), "{told}");
    }
}

#[test]
fn logs_that_are_not_of_one_run_are_refused_and_named() {
    let folder = Folder::new();
    folder.run_both("immediate", 1, 1);
    for (name, words) in [
        ("seed", "run immediate --virtual --seed 8 --shard 2/3"),
        ("of", "run immediate --virtual --seed 7 --shard 2/4"),
        ("scenarios", "run settled --virtual --seed 7 --shard 2/3"),
        ("service", "run immediate --virtual --seed 7 --shard 2/3 --service sound --workers 2"),
    ] {
        folder.command(&format!("{words} --quiet --out {name}"), &[]);
    }
    for (logs, why) in [
        ("1/log.ndjson seed/log.ndjson", "their seeds are 7 and 8"),
        ("1/log.ndjson of/log.ndjson", "one is of 3 shards, the other of 4"),
        ("1/log.ndjson scenarios/log.ndjson", "their scenarios are immediate and settled"),
        ("1/log.ndjson service/log.ndjson", "their targets are"),
        ("1/log.ndjson 1/log.ndjson", "are both shard 1"),
        ("1/log.ndjson whole/log.ndjson", "whole/log.ndjson: the log is of a whole run"),
    ] {
        let told = folder.run(&format!("merge {logs} --out merged"), 2);
        assert!(told.contains(why), "{logs}: {told}");
        assert!(!folder.path("merged").exists(), "{logs}: nothing is written");
    }
    // A shard's log in which another shard's scan was put.
    let own = std::fs::read_to_string(folder.path("1").join("log.ndjson")).expect("a log");
    let other = std::fs::read_to_string(folder.path("2").join("log.ndjson")).expect("a log");
    let stray = other.lines().find(|line| line.contains("\"kind\":\"poll\"")).expect("a poll");
    std::fs::write(folder.path("stray.ndjson"), format!("{own}{stray}\n")).expect("a log");
    let told = folder.run("merge stray.ndjson 3/log.ndjson --out merged", 2);
    assert!(told.contains("stray.ndjson:") && told.contains("belongs to another shard"), "{told}");
}

#[test]
fn a_shard_needs_a_common_seed_and_says_which_it_is() {
    let folder = Folder::new();
    let told = folder.run("run immediate --virtual --shard 1/3", 2);
    assert!(told.contains("--seed"), "{told}");
    let told = folder.run("run immediate --virtual --seed 1 --shard 4/3", 2);
    assert!(told.contains("there is no shard 4 of 3"), "{told}");
    let told = folder.run("run immediate --virtual --seed 1 --shard auto", 2);
    assert!(told.contains("CI_NODE_INDEX"), "{told}");
    let output =
        folder.command("run immediate --virtual --seed 1 --shard auto --quiet --out gl", &[("CI_NODE_INDEX", "2"), ("CI_NODE_TOTAL", "3")]);
    assert_eq!(output.status.code(), Some(1));
    let command = folder.result("gl")["command"].as_str().expect("a command").to_owned();
    assert!(command.contains("--shard 2/3"), "{command}");
    assert_eq!(folder.result("gl")["shard"], serde_json::json!({ "index": 1, "of": 3 }));
    // A scheduler's variables alone mean nothing: a job that was never asked to be a shard runs the whole plan.
    let output = folder.command("run immediate --virtual --seed 1 --out all", &[("CI_NODE_INDEX", "2"), ("CI_NODE_TOTAL", "3")]);
    assert_eq!(folder.result("all")["shard"], Value::Null);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("note: this is job 2 of 3"), "{told}");
}

/// The stamps of a shard move by when it started; what is within it stays.
#[test]
fn shards_that_started_at_different_times_keep_their_ages() {
    let folder = Folder::new();
    folder.run_both("immediate", 1, 1);
    let log = folder.path("2").join("log.ndjson");
    let text = std::fs::read_to_string(&log).expect("a log");
    std::fs::write(&log, text.replacen("2026-01-01T00:00:00Z", "2026-01-01T00:00:01.5Z", 1)).expect("a log");
    folder.run("merge 1/log.ndjson 2/log.ndjson 3/log.ndjson --out merged", 1);
    let late = |lines: &[Value], path: &str| -> BTreeMap<u64, u64> {
        let own = lines.iter().filter(|line| line["kind"] == "initiate");
        own.map(|line| (line["scan"].as_u64().expect("a scan"), line[path].as_u64().expect("a stamp"))).collect()
    };
    let (own, merged) = (folder.lines("2"), folder.lines("merged"));
    let after = late(&merged, "done");
    for (scan, done) in late(&own, "done") {
        assert_eq!(after[&scan], done + 1_500_000_000, "scan {scan}");
    }
    let result = folder.result("merged");
    assert_eq!(result["started"], "2026-01-01T00:00:00Z");
    assert_eq!(result["scenarios"][0]["offsets"][0]["late"], 0, "a poll is late against its own plan only");
}
