//! kill -9 at random instants: what is there can be read, and says that it is a part.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use super::binary::{statusgap, told};

/// A run that lasts much longer than it is let live, and writes some hundred lines a second.
const ENDLESS: &str = "name = 'endless'\ntitle = 't'\nsource = 's'\n[load]\nscans = 100000\nmodel = 'closed'\nin_flight = 8\n[polls]\noffsets = ['0s', '5ms']\n";

/// Some of them run at once, so that they meet each other's load.
const AT_ONCE: usize = 4;

#[test]
fn a_run_that_is_killed_at_any_instant_leaves_a_log_that_says_so() {
    let instants = if std::env::var_os("STATUSGAP_LONG").is_some() { 100 } else { 12 };
    let lanes: Vec<_> = (0..AT_ONCE)
        .map(|lane| {
            std::thread::spawn(move || {
                let mut random = ChaCha8Rng::seed_from_u64(lane as u64);
                (lane..instants).step_by(AT_ONCE).map(|number| killed(number, &mut random)).filter(|left| *left == Left::Log).count()
            })
        })
        .collect();
    let logs: usize = lanes.into_iter().map(|lane| lane.join().expect("no lane fails")).sum();
    assert!(logs > instants / 3, "{logs} of {instants} runs lived long enough to begin a log");
}

/// What a killed run left behind.
#[derive(Debug, PartialEq, Eq)]
enum Left {
    Nothing,
    Log,
}

/// Starts a run and kills it: every other one some time after it was started, the others some time after its log began.
fn killed(number: usize, random: &mut ChaCha8Rng) -> Left {
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("endless.toml"), ENDLESS).expect("a scenario");
    let service = if random.random() { "deferred" } else { "sound" };
    let mut child = statusgap(folder.path(), &format!("run endless.toml --service {service} --out out --quiet"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let log = folder.path().join("out/log.ndjson");
    if number.is_multiple_of(2) {
        let guard = Instant::now();
        while !log.exists() && guard.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    // The instant is what is tested; nothing is made true by waiting for it.
    std::thread::sleep(Duration::from_micros(random.random_range(0..1_200_000)));
    child.kill().expect("it is alive");
    assert_eq!(child.wait().expect("it ends").code(), None, "it was killed, and did not end");
    look_at(folder.path(), &log)
}

fn look_at(folder: &Path, log: &Path) -> Left {
    for whole in ["result.json", "report.md", "report.html"] {
        assert!(!folder.join("out").join(whole).exists(), "{whole} of a run that did not end");
    }
    if !log.exists() {
        return Left::Nothing;
    }
    let report = statusgap(folder, "report out/log.ndjson").output().expect("it runs");
    let told = told(&report);
    let breach = told.contains("FAIL");
    assert_eq!(report.status.code(), Some(if breach { 1 } else { 3 }), "{told}");
    assert!(told.contains("PARTIAL LOG"), "{told}");
    Left::Log
}
