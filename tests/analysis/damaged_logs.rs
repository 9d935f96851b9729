//! Logs that are not as they were written: lines missing, repeated or moved, and numbers that no run writes. None of them passes, none
//! fails a healthy target, and none brings the program down.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use statusgap::analysis::analyse;
use statusgap::log::read;
use statusgap::verdict::{Judgement, Verdict, judge};
use tempfile::TempDir;

use crate::support::twinless::twinless;

struct Folder(TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(TempDir::new().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs the words; gives back the exit code, and both outputs as one text.
    fn run(&self, words: &str) -> (Option<i32>, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_statusgap"));
        let output =
            command.args(twinless(words.split_whitespace())).current_dir(self.0.path()).env("NO_COLOR", "1").output().expect("it starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    }

    /// The lines of a run's log.
    fn log_of(&self, words: &str, code: i32) -> Vec<String> {
        let (ended, told) = self.run(&format!("run {words} --virtual --seed 3 -q --out x"));
        assert_eq!(ended, Some(code), "{told}");
        fs::read_to_string(self.path("x/log.ndjson")).expect("a log").lines().map(str::to_owned).collect()
    }
}

fn judged(lines: &[String]) -> Judgement {
    let text = lines.join("\n") + "\n";
    let journal = read("x.ndjson", text.as_bytes()).expect("a log");
    judge(&journal, &analyse(&journal))
}

/// The same log as an earlier version wrote it, whose end only counts.
fn counted_only(mut lines: Vec<String>) -> Vec<String> {
    let end = lines.pop().expect("an end");
    let mut end: Value = serde_json::from_str(&end).expect("JSON");
    assert!(end.as_object_mut().expect("an object").remove("sum").is_some(), "the end has a sum");
    lines.push(end.to_string());
    lines
}

const HEALTHY: &str = "immediate unknown-id completion --service sound";

#[test]
fn a_log_without_any_one_of_its_lines_neither_passes_nor_fails_a_healthy_target() {
    let whole = Folder::new().log_of(HEALTHY, 0);
    assert_eq!(judged(&whole).verdict, Verdict::Pass);
    let old = counted_only(whole.clone());
    assert_eq!(judged(&old).verdict, Verdict::Pass, "a log of an earlier version is as good");
    for (lines, every) in [(&whole, 1), (&old, 7)] {
        for at in (1..lines.len()).step_by(every) {
            let left: Vec<String> = lines.iter().enumerate().filter(|(place, _)| *place != at).map(|(_, line)| line.clone()).collect();
            let judgement = judged(&left);
            assert_eq!(judgement.verdict, Verdict::Inconclusive, "without line {}: {}", at + 1, lines[at]);
        }
    }
}

#[test]
fn lines_that_are_repeated_exchanged_or_moved_do_not_pass() {
    let whole = Folder::new().log_of(HEALTHY, 0);
    let (end, rest) = whole.split_last().expect("an end");
    let (header, lines) = rest.split_first().expect("a header");
    let log = |parts: &[&[String]]| parts.concat();
    let (header, end) = (std::slice::from_ref(header), std::slice::from_ref(end));
    let place = |kind: &str| lines.iter().position(|line| line.contains(&format!("\"kind\":\"{kind}\""))).expect("such a line");
    let (poll, initiate) = (place("poll"), place("initiate"));
    let twice: Vec<String> = lines.iter().flat_map(|line| [line.clone(), line.clone()]).collect();
    // The count stays right: one line for another.
    let exchanged = |missing: usize, twice: usize| {
        let mut lines = lines.to_vec();
        lines[missing] = lines[twice].clone();
        lines
    };
    let (for_poll, for_initiate) = (exchanged(poll + 1, poll), exchanged(initiate, poll));
    let cases: [(&str, Vec<String>); 8] = [
        ("every exchange twice", log(&[header, &twice, end])),
        ("one exchange twice", log(&[header, lines, &lines[poll..=poll], end])),
        ("one for another", log(&[header, &for_poll, end])),
        ("a poll for an initiate", log(&[header, &for_initiate, end])),
        ("two ends", log(&[header, lines, end, end])),
        ("an end in the middle", log(&[header, &lines[..5], end, &lines[5..]])),
        ("lines after the end", log(&[header, lines, end, &lines[3..6]])),
        ("an end in the middle and one at the end", log(&[header, &lines[..5], end, &lines[5..], end])),
    ];
    for (what, damaged) in cases {
        assert_eq!(judged(&damaged).verdict, Verdict::Inconclusive, "{what}");
        let judgement = judged(&damaged);
        assert!(
            judgement.reasons.iter().any(|reason| statusgap::report::sentences::reason(reason).contains("not as it was written")),
            "{what}: {judgement:?}"
        );
    }
    for (what, lines) in [("one for another", &for_poll), ("a poll for an initiate", &for_initiate)] {
        let old = counted_only(log(&[header, lines, end]));
        assert_eq!(judged(&old).verdict, Verdict::Inconclusive, "{what}, in a log of an earlier version");
    }
    let mut backwards = lines.to_vec();
    backwards.reverse();
    assert_eq!(judged(&log(&[header, &backwards, end])).verdict, Verdict::Pass, "the order of lines says nothing");
    let spaced: Vec<String> =
        whole.iter().map(|line| serde_json::from_str::<Value>(line).expect("JSON").to_string().replace("\":", "\": ")).collect();
    assert_eq!(judged(&spaced).verdict, Verdict::Pass, "nor does their layout");
}

#[test]
fn a_sick_target_without_its_denials_does_not_pass_and_with_some_of_them_still_fails() {
    let folder = Folder::new();
    let whole = folder.log_of("zero-delay immediate --service zoo-i", 1);
    let is_denial = |line: &String| line.contains("\"kind\":\"poll\"") && line.contains("\"not_found\"");
    let without: Vec<String> = whole.iter().filter(|line| !is_denial(line)).cloned().collect();
    assert!(without.len() < whole.len());
    assert_eq!(judged(&without).verdict, Verdict::Inconclusive);
    let last = whole.iter().rposition(is_denial).expect("a denial");
    let mut fewer = whole.clone();
    fewer.remove(last);
    assert_eq!(judged(&fewer).verdict, Verdict::Fail, "what is there proves the breach");
    fs::write(folder.path("thin.ndjson"), without.join("\n") + "\n").expect("a file");
    for format in ["table", "markdown", "json"] {
        let (code, told) = folder.run(&format!("report thin.ndjson --format {format}"));
        assert_eq!(code, Some(3), "{told}");
        assert!(told.contains("are in it"), "{told}");
    }
    let (code, told) = folder.run("compare x thin.ndjson");
    assert_eq!(code, Some(3), "{told}");
}

#[test]
fn a_rate_is_not_proven_by_a_log_that_lacks_lines() {
    let whole = Folder::new().log_of("gate --service sound --set commit-delay=300ms --set commit-share=0.2", 1);
    let visible = whole.iter().position(|line| line.contains("\"visible\"")).expect("a sight");
    let fewer: Vec<String> = whole.iter().enumerate().filter(|(place, _)| *place != visible).map(|(_, line)| line.clone()).collect();
    let verdict = judged(&fewer).verdict;
    assert_ne!(verdict, Verdict::Pass);
}

#[test]
fn merging_keeps_what_is_wrong_with_a_shards_log() {
    let folder = Folder::new();
    for index in 1..=2 {
        let (code, told) = folder.run(&format!("run immediate --service sound --virtual --seed 3 -q --shard {index}/2 --out {index}"));
        assert_eq!(code, Some(0), "{told}");
    }
    let whole = fs::read_to_string(folder.path("2/log.ndjson")).expect("a log");
    let lines: Vec<&str> = whole.lines().collect();
    let last = lines.len() - 1;
    let write = |lines: &[&str]| fs::write(folder.path("2/log.ndjson"), lines.join("\n") + "\n").expect("a file");
    let merge = || folder.run("merge 1/log.ndjson 2/log.ndjson --out merged");
    assert_eq!(merge().0, Some(0), "both are whole");
    let cases: [(&str, Vec<&str>); 5] = [
        ("a line is missing", [&lines[..4], &lines[5..]].concat()),
        ("a line is there twice", [&lines[..5], &lines[4..]].concat()),
        ("one line for another", [&lines[..4], &lines[5..6], &lines[5..]].concat()),
        ("two ends", [&lines[..], &lines[last..]].concat()),
        ("a line after the end", [&lines[..4], &lines[5..], &lines[4..5]].concat()),
    ];
    for (what, damaged) in cases {
        write(&damaged);
        let (code, told) = merge();
        assert_eq!(code, Some(3), "{what}: {told}");
        assert!(told.contains("in shard 2's log"), "{what}: {told}");
        assert_eq!(folder.run("report merged/log.ndjson").0, Some(3), "{what}: the merged log says so by itself");
    }
}

#[test]
fn a_stopped_gate_whose_log_lacks_lines_does_not_pass() {
    let whole = Folder::new().log_of("gate --service sound --stop decided", 0);
    for (at, line) in
        whole.iter().enumerate().skip(1).step_by(97).chain(whole.iter().enumerate().filter(|(_, line)| line.contains("\"stopped\"")))
    {
        let left: Vec<String> = whole.iter().enumerate().filter(|(place, _)| *place != at).map(|(_, line)| line.clone()).collect();
        assert_eq!(judged(&left).verdict, Verdict::Inconclusive, "without {line}");
    }
}

#[test]
fn numbers_that_no_run_writes_are_refused_with_their_line_and_field() {
    let whole = Folder::new().log_of("immediate --service sound", 0);
    let header: Value = serde_json::from_str(&whole[0]).expect("JSON");
    let merged = |of: u64, parts: &[u32]| {
        let parts: Vec<Value> =
            parts.iter().map(|index| json!({ "index": index, "run_id": "r", "started": "2026-01-01T00:00:00Z", "shift": 0 })).collect();
        json!({ "of": of, "plan": "0123456789abcdef", "parts": parts })
    };
    let shard = |index: u32, of: u64| json!({ "index": index, "of": of, "plan": "0123456789abcdef" });
    let cases: Vec<(&str, Value, &str)> = vec![
        ("/shard", merged(0, &[0]), "shard.of"),
        ("/shard", merged(4_294_967_295, &[0]), "shard.of"),
        ("/shard", merged(1_000_001, &[0]), "shard.of"),
        ("/shard", merged(3, &[]), "shard.parts"),
        ("/shard", merged(3, &[3]), "shard.parts"),
        ("/shard", merged(3, &[1, 1]), "shard.parts"),
        ("/shard", shard(0, 0), "shard.of"),
        ("/shard", shard(2, 2), "shard.index"),
        ("/clock/resolution", json!(-1), "clock.resolution"),
        ("/scenarios/0/load/scans", json!(4_000_000_000_u32), "scenarios.0.load.scans"),
        ("/scenarios/0/arms/0/pollers", json!(0), "scenarios.0.arms.0.pollers"),
        ("/scenarios/0/arms/0/pollers", json!(4_000_000_000_u32), "scenarios.0.arms.0.pollers"),
        ("/scenarios/0/expect/errors_at_most", json!(-0.5), "scenarios.0.expect.errors_at_most"),
        ("/scenarios/0/expect/late_at_most", json!(1e300), "scenarios.0.expect.late_at_most"),
        ("/scenarios/0/expect/not_found", json!({ "rate": { "at_most": 2.0, "confidence": 0.9 } }), "expect.not_found.at_most"),
    ];
    for (pointer, value, field) in cases {
        let mut header = header.clone();
        match header.pointer_mut(pointer) {
            Some(place) => *place = value.clone(),
            None => header[&pointer[1..]] = value.clone(),
        }
        let text = header.to_string() + "\n" + &whole[1..].join("\n") + "\n";
        let error = read("x.ndjson", text.as_bytes()).expect_err(field).to_string();
        assert!(error.starts_with("x.ndjson:1: ") && error.contains(field), "{pointer} = {value}: {error}");
    }
    // An index of an exchange, in the line in which it stands.
    let mut lines = whole;
    lines.insert(3, String::new());
    lines[7] = lines[7].replacen("\"scenario\":0", "\"scenario\":7", 1);
    let error = read("x.ndjson", lines.join("\n").as_bytes()).expect_err("no such scenario").to_string();
    assert!(error.starts_with("x.ndjson:8: ") && error.contains("scenario 7"), "{error}");
}

#[test]
fn a_folder_that_another_run_writes_into_is_refused_and_left_alone() {
    let folder = Folder::new();
    let (code, told) = folder.run("run immediate --service sound --virtual --seed 1 -q --out gap");
    assert_eq!(code, Some(0), "{told}");
    let before = fs::read_to_string(folder.path("gap/log.ndjson")).expect("a log");
    fs::copy(folder.path("gap/log.ndjson"), folder.path("kept.ndjson")).expect("a copy");
    let held = fs::File::open(folder.path("gap")).expect("a folder");
    held.lock().expect("nobody else has it");
    for words in [
        "run immediate --service sound --virtual --seed 2 --out gap",
        "reproduce --service sound --virtual --seed 2 --out gap",
        "watch --scenario immediate --service sound --virtual --seed 2 --rounds 1 --out gap",
        "report kept.ndjson --out gap",
        "bundle kept.ndjson --out gap",
        "compare kept.ndjson kept.ndjson --out gap",
    ] {
        let (code, told) = folder.run(words);
        assert_eq!(code, Some(2), "{words}: {told}");
        assert!(told.contains("another statusgap is writing into gap") && told.contains("--out"), "{words}: {told}");
        assert_eq!(fs::read_to_string(folder.path("gap/log.ndjson")).expect("a log"), before, "{words}");
    }
    drop(held);
    assert_eq!(folder.run("run immediate --service sound --virtual --seed 2 -q --out gap").0, Some(0), "free again");
}
