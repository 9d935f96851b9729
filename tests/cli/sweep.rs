//! `matrix --sizes`: what it prints, and what it refuses.

use std::process::{Command, Output};

use serde_json::Value;

fn matrix(arguments: &str) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    Command::new(env!("CARGO_BIN_EXE_statusgap"))
        .arg("matrix")
        .args(arguments.split_whitespace())
        .current_dir(folder.path())
        .output()
        .expect("the binary starts")
}

#[test]
fn a_sweep_says_what_each_answer_is_worth() {
    let output = matrix("--sizes --only Q --format json");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let sweep: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let trials = sweep["trials"].as_array().expect("trials");
    assert!(!trials.is_empty());
    for trial in trials {
        assert_eq!((&trial["row"], &trial["outcome"], &trial["seed"]), (&"Q".into(), &"right".into(), &0.into()), "{trial}");
        assert_eq!(trial["settings"]["owner-check"], "off");
    }
    assert!(sweep["measures"].as_array().expect("measures").iter().all(|measure| measure["met"] == true), "{}", sweep["measures"]);
}

#[test]
fn a_class_that_is_left_out_is_not_named() {
    let output = matrix("--sizes --leave-out Q --seeds 2 --jobs 1 --format json");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let sweep: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let trials = sweep["trials"].as_array().expect("trials");
    assert!(trials.iter().all(|trial| trial["row"] == "Q" && trial["causes"].as_array().is_some_and(Vec::is_empty)), "{sweep:#}");
    let seeds: Vec<&Value> = trials.iter().map(|trial| &trial["seed"]).collect();
    assert_eq!(seeds, [0, 0, 1, 1], "every case with every seed");
}

#[test]
fn what_cannot_be_swept_is_refused() {
    for (arguments, says) in [
        ("--leave-out Q", "--sizes"),
        ("--sizes --leave-out AB", "`each`"),
        ("--sizes --only zzz", "leave --only out"),
        ("--sizes --seeds 0", "0 is not in"),
        ("--sizes --jobs 0", "0 is not in"),
    ] {
        let output = matrix(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {stderr}");
        assert!(stderr.contains(says), "{arguments}: {stderr}");
    }
}
