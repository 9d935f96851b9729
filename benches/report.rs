//! What a report costs: reading and analysing a log of a million exchanges, in time and in memory, against counting its lines and
//! against parsing it as any JSON on one thread.
//!
//! Two shapes of run: 100,000 scans of ten polls each, and 500,000 scans of a single poll. `STATUSGAP_BENCH_SCANS` makes both
//! smaller or larger. Each step is measured in a process of its own, since the peak of memory belongs to a process.
#![allow(missing_docs, clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

#[path = "../tests/support/long_log.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod long_log;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use statusgap::analysis::analyse;
use statusgap::log;
use statusgap::model::run::Journal;
use statusgap::report::{Colour, Format, Style, View, render};
use statusgap::verdict::judge;

const STEPS: [&str; 4] = ["lines", "json", "read", "report"];

fn main() {
    let words: Vec<String> = std::env::args().collect();
    if let [_, step, path] = words.as_slice()
        && STEPS.contains(&step.as_str())
    {
        let begun = Instant::now();
        let counted = take(step, Path::new(path));
        println!("{} {} {counted}", begun.elapsed().as_secs_f64(), peak_mb());
        return;
    }
    // `cargo test --benches` only wants to know that it runs.
    let small = words.iter().any(|word| word == "--test" || word == "--list");
    let scans = std::env::var("STATUSGAP_BENCH_SCANS").ok().and_then(|scans| scans.parse().ok());
    let scans: u64 = scans.unwrap_or(if small { 200 } else { 100_000 });
    let folder = tempfile::tempdir().expect("a folder");
    for (scans, polls) in [(scans, 10), (scans * 5, 1)] {
        let path = folder.path().join("log.ndjson");
        long_log::write(&path, scans, polls);
        let size = std::fs::metadata(&path).expect("the log").len();
        println!("{scans} scans of {polls} polls: {} exchanges, {} MB", scans * (1 + polls) + 1, size / 1_000_000);
        let mut json = None;
        for step in STEPS {
            let told = Command::new(std::env::current_exe().expect("this program")).arg(step).arg(&path).output().expect("a step");
            let told = String::from_utf8(told.stdout).expect("text");
            let numbers: Vec<f64> = told.split_whitespace().filter_map(|word| word.parse().ok()).collect();
            let [seconds, mb, _] = numbers[..] else { panic!("{step}: {told}") };
            if step == "json" {
                json = Some(seconds);
            }
            let ratio = json.map_or_else(String::new, |json| format!("  {:.2} of parsing as JSON", seconds / json));
            println!("  {step:7} {seconds:6.2} s  {mb:5.0} MB{ratio}");
        }
    }
}

fn take(step: &str, path: &Path) -> usize {
    let input = || BufReader::with_capacity(1 << 16, File::open(path).expect("the log"));
    match step {
        "lines" => input().split(b'\n').count(),
        "json" => input().split(b'\n').filter(|line| serde_json::from_slice::<serde_json::Value>(line.as_ref().unwrap()).is_ok()).count(),
        "read" => read(path).exchanges.len(),
        _ => {
            let journal = read(path);
            let analysis = analyse(&journal);
            let judgement = judge(&journal, &analysis);
            let view = View::of(&journal, &analysis, &judgement);
            render(&view, Format::Markdown, Style { width: 100, colour: Colour::Off }).len()
        }
    }
}

/// As the command does, which knows how long the file is.
fn read(path: &Path) -> Journal {
    let file = File::open(path).expect("the log");
    let bytes = file.metadata().map_or(0, |metadata| metadata.len());
    log::read_sized("log", BufReader::new(file), bytes).expect("a log")
}

/// The most memory that this process ever held, in MB; 0 where the system does not say.
fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).and_then(|told| told.split_whitespace().next());
    peak.and_then(|kb| kb.parse::<f64>().ok()).map_or(0.0, |kb| kb / 1e3)
}
