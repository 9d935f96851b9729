//! How finely the window is located, on virtual time: a step by an inquiry, a spread-out window by polls that are far apart, and that
//! the limits hold although each step of an inquiry polls where the one before it saw something.

use crate::support::virtual_run;

use std::process::Command;

use statusgap::analysis::window::{Caveat, Quantile};
use statusgap::analysis::{Analysis, analyse};
use statusgap::model::exchange::Kind;
use virtual_run::{ONE_WAY_MS, Tried, scenario};

/// The window's median and its law as a knob: the answer with the id is a way's time old when its age begins, and delays are
/// whole milliseconds on the service's clock, rounded up.
const LAWS: [(&str, f64); 4] = [
    ("2s", 2000.0 - ONE_WAY_MS as f64),
    ("uniform(1900ms,2100ms)", 2000.0 - ONE_WAY_MS as f64),
    ("exp(50ms)", 35.0 - ONE_WAY_MS as f64),
    ("lognormal(300ms,0.8)", 300.0 - ONE_WAY_MS as f64),
];

fn median(analysis: &Analysis) -> Quantile {
    *analysis.window.quantile(0.5).expect("it is told")
}

/// The middle of the interval that is told as the estimate.
fn middle(told: Quantile) -> f64 {
    f64::midpoint(told.from_ms, told.to_ms.expect("half of the scans were seen"))
}

#[test]
fn an_inquiry_locates_a_step_to_a_millisecond_with_two_hundred_scans() {
    for seed in 0..5 {
        let (journal, analysis) = virtual_run::inquire(Tried { preset: "zoo-a", knobs: &[], seed });
        let scans = journal.exchanges.iter().filter(|exchange| exchange.kind == Kind::Initiate).count();
        let told = median(&analysis);
        assert!(scans <= 200, "seed {seed}: {scans} scans");
        assert!((middle(told) - LAWS[0].1).abs() <= 1.0 && told.caveat.is_none(), "seed {seed}: {told:?}");
    }
}

#[test]
fn phases_locate_a_window_that_is_shorter_than_the_polls_spacing() {
    let followed = scenario("[load]\nscans = 200\nevery = \"20ms\"\n[follow]\nuntil = \"visible\"\nevery = \"500ms\"\ndeadline = \"5s\"");
    let (law, truth) = LAWS[2];
    let mut errors: Vec<f64> = Vec::new();
    for seed in 0..30 {
        let journal = virtual_run::run(Tried { preset: "zoo-a", knobs: &[("registration-delay", law)], seed }, &followed);
        let analysis = analyse(&journal);
        errors.push(middle(median(&analysis)) - truth);
        // What would be told without the estimate: the first sight is late by most of a poll's spacing.
        let mut sights: Vec<f64> = analysis.window.brackets.iter().filter_map(|bracket| bracket.1.get()).collect();
        sights.sort_by(f64::total_cmp);
        assert!(sights[sights.len() / 2] - truth > 50.0, "seed {seed}: {}", sights[sights.len() / 2]);
    }
    let typical = (errors.iter().map(|error| error * error).sum::<f64>() / errors.len() as f64).sqrt();
    assert!(typical <= 15.0, "the median is off by {typical} ms as a rule: {errors:?}");
    let bias = errors.iter().sum::<f64>() / errors.len() as f64;
    assert!(bias.abs() <= 6.0, "the median is off by {bias} ms on average: {errors:?}");
}

#[test]
fn polls_that_all_fall_on_the_same_ages_are_told_as_not_identified() {
    let fixed = "[load]\nscans = 40\nevery = \"20ms\"\n[polls]\noffsets = [\"500ms\", \"1s\"]\n";
    let analysis =
        analyse(&virtual_run::run(Tried { preset: "zoo-a", knobs: &[("registration-delay", "exp(50ms)")], seed: 1 }, &scenario(fixed)));
    let told = median(&analysis);
    assert_eq!(told.caveat, Some(Caveat::NotIdentified), "{told:?}");
    assert!(told.from_ms <= 0.0 && told.to_ms.is_some_and(|to| (500.0..510.0).contains(&to)), "{told:?}");

    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("fixed.toml");
    std::fs::write(&file, format!("name = \"fixed\"\ntitle = \"fixed ages\"\nsource = \"a test\"\n{fixed}")).expect("it can be written");
    let output = Command::new(env!("CARGO_BIN_EXE_statusgap"))
        .args(["run", "--virtual", "--service", "zoo-a", "--set", "registration-delay=exp(50ms)", "--seed", "1", "--format", "markdown"])
        .arg("--out")
        .arg(folder.path().join("out"))
        .arg(&file)
        .output()
        .expect("the binary runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("not identified: somewhere in 0–504"), "{text}");
}

/// Inquiries whose limits for the median contain it, of so many for each law.
fn covered(seeds: u64) -> u64 {
    let mut covered = 0;
    for (law, truth) in LAWS {
        for seed in 0..seeds {
            let (_, analysis) = virtual_run::inquire(Tried { preset: "zoo-a", knobs: &[("registration-delay", law)], seed });
            let told = median(&analysis);
            covered += u64::from(told.lower_ms <= truth && told.upper_ms.is_none_or(|upper| truth <= upper));
        }
    }
    covered
}

/// What coverage may fall to by chance.
fn least(runs: u64) -> f64 {
    0.95 - 3.0 * (0.95 * 0.05 / runs as f64).sqrt()
}

#[test]
fn the_limits_hold_although_an_inquiry_polls_where_it_saw_something() {
    let runs = 4 * 5;
    let share = covered(5) as f64 / runs as f64;
    assert!(share >= least(runs), "{share} of {runs}");
}

#[test]
#[ignore = "minutes: cargo test --release --test locating -- --ignored"]
fn the_limits_hold_in_two_thousand_inquiries() {
    let share = covered(500) as f64 / 2000.0;
    assert!(share >= least(2000), "{share}");
}
