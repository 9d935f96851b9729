//! Recordings that real tools made of a service whose window is known (`fixtures/README.md`).

use super::*;

/// Every scan of the recordings of nginx became visible so long after it was registered, a few ms before its id was sent.
const WINDOW_MS: f64 = 2500.0;

#[track_caller]
fn holds_the_truth(imported: &Imported, target: &Target, scans: usize, width_ms: f64) {
    let brackets = brackets(imported, target);
    assert_eq!(brackets.len(), scans);
    for bracket in brackets {
        let (after, until) = (bracket.after.as_ms(), bracket.until.expect("seen").as_ms());
        assert!(after < WINDOW_MS && WINDOW_MS - 20.0 <= until && until - after <= width_ms, "({after}, {until}]");
    }
    let (analysis, verdict) = judged(imported, target);
    assert_eq!(verdict, Verdict::Fail, "a promise is broken in it");
    assert_eq!(analysis.window.denied, scans as u64);
    assert!(blind(imported, &Blind::Controls) && blind(imported, &Blind::ClientsChose) && blind(imported, &Blind::ServerClock));
    assert!(blind(imported, &Blind::DeniedOnly { ids: 1 }), "one id was made up: {:?}", imported.recording.blind);
    assert_eq!((imported.recording.requests, imported.recording.recognised), (129, 126), "three were for something else");
}

#[test]
fn an_access_log_with_durations_and_ids_gives_windows() {
    let format =
        LogFormat::read(r#"$remote_addr $msec $request_time "$request" $status $upstream_addr $sent_http_location"#).expect("a format");
    let target = target(JOBS, "http://127.0.0.1:8080");
    let log = include_bytes!("../../../fixtures/recordings/nginx-timed.log");
    let imported = read(log, &Format::AccessLog(format, Stamped::End), &target).expect("a right log");
    holds_the_truth(&imported, &target, 15, 700.0);
    assert!(imported.exchanges.iter().all(|exchange| exchange.worker.as_deref() == Some("127.0.0.1:18098")));
    let mapping = "time=msec,method=http.method,url=http.path,status=http.status,duration=took,client=ip,location=loc";
    let json = include_bytes!("../../../fixtures/recordings/nginx.ndjson");
    let format = Format::JsonLines(mapping.parse().expect("a mapping"), Stamped::End, "access-log");
    let same = read(json, &format, &target).expect("a right log");
    assert_eq!(brackets(&same, &target), brackets(&imported, &target), "both logs tell the same requests");
}

#[test]
fn a_combined_log_has_neither_ids_nor_parts_of_seconds_and_its_brackets_are_as_wide() {
    let target = target(JOBS, "http://127.0.0.1:8080");
    let log = include_bytes!("../../../fixtures/recordings/nginx-combined.log");
    let imported = read(log, &combined(), &target).expect("a right log");
    holds_the_truth(&imported, &target, 15, 4000.0);
    assert!(blind(&imported, &Blind::Paired { scans: 15 }), "{:?}", imported.recording.blind);
    assert!(blind(&imported, &Blind::NoDurations));
}

#[test]
fn a_browsers_archive_gives_windows_states_and_the_foreign_user() {
    let target = target(JOBS, "http://127.0.0.1:18097");
    let archive = include_bytes!("../../../fixtures/recordings/chromium.har");
    let imported = read(archive, &Format::Har, &target).expect("a right archive");
    let brackets = brackets(&imported, &target);
    assert_eq!(brackets.len(), 4);
    for bracket in brackets {
        let (after, until) = (bracket.after.as_ms(), bracket.until.expect("seen").as_ms());
        assert!(after < 600.0 && 580.0 <= until && until - after < 150.0, "({after}, {until}]");
    }
    let (analysis, verdict) = judged(&imported, &target);
    assert_eq!(verdict, Verdict::Fail);
    let isolation = analysis.guarantees.iter().find(|checked| checked.guarantee.name() == "isolation").expect("it is listed");
    assert_eq!((isolation.checked, isolation.broken), (4, 0), "the other key's polls are a control");
    assert!(imported.exchanges.iter().any(|exchange| exchange.word.as_deref() == Some("queued")), "bodies tell states");
}

#[test]
fn an_archive_of_another_host_is_not_taken_for_the_targets() {
    let target = target(JOBS, "http://127.0.0.1:8080");
    let archive = include_bytes!("../../../fixtures/recordings/chromium.har");
    let error = read(archive, &Format::Har, &target).expect_err("another port").to_string();
    assert!(error.contains("http://127.0.0.1:18097") && error.contains("--any-host"), "{error}");
    let options = Options { target: Some(&target), hosts: Hosts::Any, at: vec![Span::millis(0)], tolerance: Span::millis(50) };
    let imported = import("x", archive.as_slice(), &Format::Har, &options).expect("by path alone");
    let (analysis, _) = judged(&imported, &target);
    let rate = &analysis.scenarios[0].offsets[0];
    assert_eq!((rate.polls, rate.not_found, rate.scans), (4, 4, 4), "each scan's first poll was sent at once");
}

/// Lines in the form that k6's documentation shows; k6 itself made none of them.
fn k6(polls: &[(&str, &str, u32, &str)]) -> String {
    let sample = |metric: &str, (at, method, status, path): &(&str, &str, u32, &str), value: f64| {
        let tags = format!(r#""group":"","method":"{method}","status":"{status}","url":"http://h{path}","vu":"3""#);
        format!(r#"{{"type":"Point","metric":"{metric}","data":{{"time":"2025-11-23T20:08:{at}Z","value":{value},"tags":{{{tags}}}}}}}"#)
    };
    let mut lines = vec![r#"{"type":"Metric","data":{"name":"http_reqs","type":"counter"},"metric":"http_reqs"}"#.to_owned()];
    for poll in polls {
        lines.push(sample("http_reqs", poll, 1.0));
        lines.push(sample("http_req_duration", poll, 10.0));
    }
    lines.join("\n")
}

#[test]
fn k6_has_no_bodies_and_ids_are_found_by_the_order_of_a_virtual_user() {
    let target = target(IN_BODY, "");
    let text =
        k6(&[("01.000000000", "POST", 202, "/jobs"), ("01.100000000", "GET", 404, "/jobs/a"), ("01.900000000", "GET", 200, "/jobs/a")]);
    let imported = read(text.as_bytes(), &Format::K6Json, &target).expect("right lines");
    assert_eq!(imported.recording.requests, 3, "other metrics are not requests");
    assert!(blind(&imported, &Blind::Paired { scans: 1 }) && blind(&imported, &Blind::NoBodies { polls: 2 }));
    let brackets = brackets(&imported, &target);
    let [bracket] = brackets.as_slice() else { panic!("one scan: {brackets:?}") };
    assert_eq!((bracket.after.as_ms().round(), bracket.until.map(|until| until.as_ms().round())), (90.0, Some(900.0)));
}
