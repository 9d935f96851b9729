//! Nowhere to write to: closed and full outputs, folders that take nothing, disks without room.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use super::binary::{given, statusgap, told};

/// A folder with the log of a run that found the gap, and that of one that did not.
fn with_logs() -> TempDir {
    let folder = TempDir::new().expect("a folder");
    for (service, code) in [("deferred", 1), ("sound", 0)] {
        let ran = statusgap(folder.path(), &format!("run immediate --virtual --seed 1 --service {service} --out {service}")).output();
        let ran = ran.expect("it runs");
        assert_eq!(ran.status.code(), Some(code), "{}", told(&ran));
    }
    fs::write(
        folder.path().join("small.toml"),
        "name = 'small'\ntitle = 'six jobs'\nsource = 'a test'\n[load]\nscans = 6\nevery = '20ms'\n[polls]\noffsets = ['100ms']\n",
    )
    .expect("a file");
    let ran = statusgap(folder.path(), "run small.toml --virtual --seed 1 --service deferred --out small").output().expect("it runs");
    assert_eq!(ran.status.code(), Some(1), "{}", told(&ran));
    folder
}

/// The one of them that simulates causes, and shows how far it is: of a small log, since that takes as long as the log is.
const SIMULATING: &str = "diagnose small/log.ndjson";

const COMMANDS: [&str; 12] = [
    "run immediate --virtual --seed 1 --service deferred --out again",
    "run immediate --virtual --seed 1 --service sound --out again --format json",
    "run no-such-scenario",
    "report deferred/log.ndjson",
    "report deferred/log.ndjson --format html",
    "report no-such.ndjson",
    SIMULATING,
    "bundle deferred/log.ndjson --out ticket",
    "explain SG-RYW",
    "check deferred/log.ndjson",
    "--help",
    "--no-such-option",
];

fn command(folder: &Path, words: &str) -> Command {
    if words == SIMULATING { given(folder, &words.split_whitespace().collect::<Vec<_>>()) } else { statusgap(folder, words) }
}

#[test]
fn readers_that_go_away_change_no_exit_code() {
    let folder = with_logs();
    for words in COMMANDS {
        let usual = command(folder.path(), words).output().expect("it runs");
        let mut child = command(folder.path(), words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        // Gone before anything is written: what `| head -1` does, and `2>&1 | head -1`.
        drop((child.stdout.take(), child.stderr.take()));
        assert_eq!(child.wait().expect("it ends").code(), usual.status.code(), "{words}");
    }
}

#[cfg(target_os = "linux")]
fn full() -> fs::File {
    fs::OpenOptions::new().write(true).open("/dev/full").expect("a full device")
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_standard_error_changes_no_exit_code() {
    let folder = with_logs();
    for words in COMMANDS {
        let usual = command(folder.path(), words).output().expect("it runs");
        let full = command(folder.path(), words).stderr(full()).output().expect("it runs");
        assert_eq!(full.status.code(), usual.status.code(), "{words}");
        assert_eq!(full.stdout, usual.stdout, "{words}: what was asked for is told all the same");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_standard_output_is_told_and_costs_a_run_nothing_but_the_showing() {
    let folder = with_logs();
    for (service, code) in [("deferred", 1), ("sound", 0)] {
        let words = format!("run immediate --virtual --seed 1 --service {service} --out again --format json");
        let ran = statusgap(folder.path(), &words).stdout(full()).output().expect("it runs");
        assert_eq!(ran.status.code(), Some(code), "{}", told(&ran));
        assert!(told(&ran).contains("standard output") && told(&ran).contains("statusgap report again/log.ndjson"), "{}", told(&ran));
        assert!(folder.path().join("again/result.json").exists(), "the reports are written");
    }
    let report = statusgap(folder.path(), "report deferred/log.ndjson").stdout(full()).output().expect("it runs");
    assert_eq!(report.status.code(), Some(2), "showing is all that this command is for: {}", told(&report));
}

#[test]
fn a_folder_that_takes_nothing_is_named_with_a_way_out_before_anything_is_sent() {
    let folder = with_logs();
    fs::write(folder.path().join("file"), "").expect("a file");
    fs::create_dir_all(folder.path().join("taken/log.ndjson")).expect("a folder where the log should be");
    for (out, named) in [("file", "file"), ("file/below", "file/below"), ("taken", "taken/log.ndjson"), ("/proc/nowhere", "/proc/nowhere")]
    {
        for command in ["run immediate --virtual", "reproduce --virtual"] {
            let ran = statusgap(folder.path(), &format!("{command} --seed 1 --out {out}")).output().expect("it runs");
            assert_eq!(ran.status.code(), Some(2), "{out}: {}", told(&ran));
            assert!(told(&ran).contains(named), "{out}: {}", told(&ran));
            assert!(told(&ran).contains("--out") || out.starts_with("/proc"), "{out}: {}", told(&ran));
        }
    }
}

/// A run whose folder is a disk of so many KiB; what it told, and what is on the disk after it. `None` where no such disk can be
/// made: it needs Linux, and the right to mount.
fn on_a_disk_of(kib: u32, words: &str) -> Option<(Output, Vec<String>)> {
    const SCRIPT: &str = r#"mount -t tmpfs -o size="$1"k tmpfs "$2" 2>/dev/null || exit 77
shift; cd "$1"; shift; "$@"; code=$?; for file in *; do echo "left: $file"; done; exit $code"#;
    for rights in ["-m", "-rm"] {
        let folder = TempDir::new().expect("a folder");
        let mut command = Command::new("unshare");
        command.args([rights, "sh", "-c", SCRIPT, "sh"]).arg(kib.to_string()).arg(folder.path());
        command.arg(env!("CARGO_BIN_EXE_statusgap")).args(words.split_whitespace()).env("NO_COLOR", "1");
        match command.output() {
            Ok(output) if output.status.code() != Some(77) && String::from_utf8_lossy(&output.stdout).contains("left: ") => {
                let text = String::from_utf8_lossy(&output.stdout).into_owned();
                return Some((output, text.lines().filter_map(|line| line.strip_prefix("left: ").map(str::to_owned)).collect()));
            }
            _ => {}
        }
    }
    crate::support::skip::skipped("this machine lets nobody mount a small disk");
    None
}

#[test]
fn a_disk_that_fills_up_under_the_log_ends_the_run_as_inconclusive() {
    let Some((ran, left)) = on_a_disk_of(64, "run --virtual --seed 1 --out .") else { return };
    assert_eq!(ran.status.code(), Some(3), "{}", told(&ran));
    let told = told(&ran);
    assert!(told.contains("./log.ndjson") && told.contains("No space left") && told.contains("--out"), "{told}");
    assert_eq!(left, ["log.ndjson"], "nothing looks like a result");
}

#[test]
fn a_disk_that_fills_up_under_the_reports_leaves_the_log_and_the_verdict() {
    // Room for the log and for the shorter reports, and none for the page.
    let Some((ran, left)) = on_a_disk_of(REPORTS_DO_NOT_FIT, "run immediate --virtual --max-scans 1 --seed 1 --out .") else { return };
    assert_eq!(ran.status.code(), Some(1), "{}", told(&ran));
    let told = told(&ran);
    assert!(told.contains("FAIL"), "the verdict is shown: {told}");
    assert!(told.contains("No space left") && told.contains("--out"), "{told}");
    assert!(
        left.contains(&"log.ndjson".to_owned()) && !left.iter().any(|name| name.contains(".part") || name == "report.html"),
        "{left:?}"
    );
}

const REPORTS_DO_NOT_FIT: u32 = 48;

#[test]
fn a_run_begins_with_a_folder_in_which_nothing_looks_like_its_result() {
    let folder = with_logs();
    let full_of_the_past = |name: &str| folder.path().join("deferred").join(name).exists();
    assert!(full_of_the_past("result.json") && full_of_the_past("report.html"));
    let port_of_nobody = "run immediate --target http://127.0.0.1:1 --out deferred --format json";
    let ran = statusgap(folder.path(), port_of_nobody).output().expect("it runs");
    assert_eq!(ran.status.code(), Some(3), "{}", told(&ran));
    assert_eq!(fs::read(folder.path().join("deferred/result.json")).expect("a result"), ran.stdout);
    assert!(Path::new(&folder.path().join("deferred/log.ndjson")).exists());
}
