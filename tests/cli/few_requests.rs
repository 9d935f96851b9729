//! What `reproduce` finds out where it may send only a few requests per second, as it must towards machines of others.

use std::process::Command;

use serde_json::Value;

/// A minute at five requests per second, on virtual time.
fn reproduce(service: &str) -> (Option<i32>, Value) {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(env!("CARGO_BIN_EXE_statusgap"))
        .args([
            "reproduce",
            "--no-twin",
            "--virtual",
            "--seed",
            "1",
            "--max-rps",
            "5",
            "--max-scans",
            "50",
            "--quiet",
            "--format",
            "json",
            "--service",
            service,
        ])
        .current_dir(folder.path())
        .output()
        .expect("the binary starts");
    let result = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    (output.status.code(), result)
}

fn classes(result: &Value) -> Vec<&str> {
    result["diagnosis"].as_array().expect("a diagnosis").iter().filter_map(|cause| cause["class"].as_str()).collect()
}

#[test]
fn a_sound_service_passes_within_a_minute_of_few_requests() {
    let (code, result) = reproduce("sound");
    assert_eq!((code, classes(&result)), (Some(0), vec![]), "{}", result["reasons"]);
}

#[test]
fn late_registration_workers_apart_and_early_eviction_are_named_with_few_requests() {
    for (service, class) in [("zoo-a", "A"), ("zoo-b", "B"), ("zoo-f", "F")] {
        let (code, result) = reproduce(service);
        assert_eq!((code, classes(&result)), (Some(1), vec![class]), "{service}: {}", result["reasons"]);
    }
}

#[test]
fn a_replica_that_was_watched_too_loosely_is_not_excluded() {
    let (code, result) = reproduce("zoo-c");
    assert_eq!(code, Some(1));
    let excluded = result["ruled_out"].as_array().expect("a list").iter().any(|out| out["class"] == "C");
    assert!(!excluded, "{}", result["ruled_out"]);
}
