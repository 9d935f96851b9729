//! Comparisons through the binary, on virtual time: exit codes, files, and what is refused.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::twinless::twinless;

struct Shell(TempDir);

impl Shell {
    fn new() -> Shell {
        Shell(TempDir::new().expect("a folder"))
    }

    /// Runs the words; gives back the exit code, and both outputs as one text.
    fn run(&self, words: &str) -> (Option<i32>, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_statusgap"));
        let output =
            command.args(twinless(words.split_whitespace())).current_dir(self.0.path()).env("NO_COLOR", "1").output().expect("it starts");
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    }

    #[track_caller]
    fn ends(&self, words: &str, code: i32, told: &str) -> String {
        let (ended, text) = self.run(words);
        assert_eq!(ended, Some(code), "{words}: {text}");
        assert!(text.contains(told), "{words}: {text}\nlacks: {told}");
        text
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn json(&self, name: &str) -> Value {
        let text = fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

const SOUND: &str = "run immediate --virtual --service sound -q";
const DELAYED: &str = "run immediate --virtual --service zoo-a -q";

#[test]
fn a_baseline_is_saved_held_to_and_broken() {
    let shell = Shell::new();
    shell.ends(&format!("{SOUND} --seed 1 --out a --save-baseline base.json"), 0, "PASS");
    assert_eq!(shell.json("base.json")["schema"], "statusgap.baseline/1");
    shell.ends(&format!("{SOUND} --seed 2 --out b --baseline base.json"), 0, "NO REGRESSION");
    assert_eq!(shell.json("b/comparison.json")["outcome"], "no regression");
    assert!(shell.path("b/comparison.md").is_file());
    for new in ["b", "b/log.ndjson", "b/result.json"] {
        shell.ends(&format!("compare base.json {new}"), 0, "NO REGRESSION");
    }
    shell.ends(&format!("{DELAYED} --seed 2 --out c"), 1, "FAIL");
    shell.ends("compare base.json c", 1, "REGRESSION");
    shell.ends("compare c base.json", 0, "better");
    shell.ends("compare a/result.json c/result.json", 1, "REGRESSION");
    let told = shell.ends("compare a c --format json --out told", 1, "statusgap.comparison/1");
    let told: Value = serde_json::from_str(&told).expect("JSON alone");
    assert_eq!(told, shell.json("told/comparison.json"));
}

#[test]
fn runs_of_two_deployments_compare_only_if_that_is_asked_for() {
    let shell = Shell::new();
    shell.ends(&format!("{SOUND} --seed 1 --out a --save-baseline base.json"), 0, "PASS");
    let mut other = shell.json("base.json");
    other["target"] = "somebody else".into();
    other.as_object_mut().expect("an object").remove("service");
    fs::write(shell.path("other.json"), other.to_string()).expect("a file");
    shell.ends("compare base.json other.json", 3, "the targets differ");
    shell.ends("compare base.json other.json --across-targets", 0, "NO REGRESSION");
}

#[test]
fn a_bug_that_was_always_there_is_no_regression_and_still_fails_the_run() {
    let shell = Shell::new();
    shell.ends(&format!("{DELAYED} --seed 1 --out a --save-baseline base.json"), 1, "FAIL");
    shell.ends(&format!("{DELAYED} --seed 2 --out b --baseline base.json"), 1, "NO REGRESSION");
    let delayed = format!("{DELAYED} --set registration-delay=2400ms --seed 3 --out c --baseline base.json");
    shell.ends(&delayed, 1, "mean window of immediate went from");
}

#[test]
fn a_result_without_its_log_tells_rates_alone_and_says_so() {
    let shell = Shell::new();
    shell.ends(&format!("{SOUND} --seed 1 --out a"), 0, "PASS");
    shell.ends(&format!("{SOUND} --seed 2 --out b"), 0, "PASS");
    fs::copy(shell.path("a/result.json"), shell.path("old.json")).expect("a copy");
    let text = shell.ends("compare old.json b --format markdown", 0, "taken on trust");
    assert!(text.contains("denied at 100ms") && text.contains("does not hold the brackets"), "{text}");
}

#[test]
fn what_failed_to_measure_is_no_baseline() {
    let shell = Shell::new();
    let masked = "run immediate --virtual --service zoo-n -q --seed 1";
    shell.ends(&format!("{masked} --out a --save-baseline base.json"), 3, "no baseline was written");
    assert!(!shell.path("base.json").exists());
    shell.ends("compare a a", 3, "never-issued");
    shell.ends(&format!("{SOUND} --baseline a"), 2, "is not a baseline");
}

#[test]
fn wrong_files_and_wrong_sizes_are_refused() {
    let shell = Shell::new();
    fs::write(shell.path("other.json"), "{\"schema\": \"statusgap.baseline/9\"}").expect("a file");
    fs::write(shell.path("broken.json"), "{\"schema\": \"statusgap.baseline/1\", \"tool\": 3}").expect("a file");
    fs::create_dir(shell.path("empty")).expect("a folder");
    for (words, told) in [
        ("compare nowhere nowhere", "cannot read nowhere"),
        ("compare empty empty", "holds neither log.ndjson nor result.json"),
        ("compare other.json other.json", "a newer form needs a newer statusgap"),
        ("compare broken.json broken.json", "broken.json:1:"),
        ("compare a b --min-window 10", "write a percentage"),
        ("compare a b --alpha 70%", "cannot be the chance of error"),
        ("compare a b --min-rate lots", "write a percentage such as 1%"),
        ("run --against x --service sound", "--target"),
    ] {
        shell.ends(words, 2, told);
    }
}

#[test]
fn two_services_are_probed_by_turns_and_compared_in_pairs() {
    let shell = Shell::new();
    let text = shell.ends(&format!("{SOUND} --seed 1 --out same --against-service sound"), 0, "pairs of scans, asked for by turns");
    assert!(text.contains("NO REGRESSION"), "{text}");
    assert!(shell.path("same/against/log.ndjson").is_file() && shell.path("same/against/report.md").is_file());
    shell.ends(&format!("{DELAYED} --seed 1 --out worse --against-service sound"), 1, "REGRESSION");
    assert_eq!(shell.json("worse/comparison.json")["layout"], "pairs");
    // The two logs say the same once more, without the run.
    shell.ends("compare worse/against worse", 1, "pairs of scans");
    shell.ends(&format!("{SOUND} --seed 1 --out better --against-service zoo-a"), 0, "better");
}
