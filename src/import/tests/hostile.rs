//! Files that are broken, enormous or something else.

use proptest::prelude::*;

use super::*;

#[track_caller]
fn refused(text: &str, format: &Format, wanted: &[&str]) {
    let error = read(text.as_bytes(), format, &target(IN_BODY, "")).expect_err("it is wrong").to_string();
    for wanted in wanted.iter().chain(&["hint:"]) {
        assert!(error.contains(wanted), "{error}\nlacks: {wanted}");
    }
}

#[test]
fn a_file_of_another_kind_is_refused_with_its_place_and_a_way_out() {
    let line = r#"10.0.0.7 - - [23/Nov/2025:20:08:55 +0000] "GET /jobs/1 HTTP/1.1" 404 17 "-" "curl""#;
    refused("", &combined(), &["recording: 0 of 0 lines", "empty"]);
    refused("{}\n{}\n", &combined(), &["2 of 2 lines", "recording:1: not by the format"]);
    refused(line, &json_lines(), &["1 of 1 lines", "recording:1: not JSON", "--map"]);
    refused(line, &Format::K6Json, &["recording:1: not a line of k6's"]);
    refused(line, &Format::Har, &["recording:1:", "not an HTTP Archive"]);
    refused("{\"log\":{}}", &Format::Har, &["missing field `entries`"]);
    refused("{\"log\":{\"entries\":[{}]}}", &Format::Har, &["1 of 1 entries", "startedDateTime"]);
    refused("{\"log\":{\"entries\":[]}}", &Format::Har, &["none of 0 requests"]);
    refused(&line.replace("jobs", "other"), &combined(), &["none of 1 requests", "[initiate] and [status]"]);
}

#[test]
fn few_bad_lines_are_counted_and_many_are_refused() {
    let line = r#"10.0.0.7 - - [23/Nov/2025:20:08:55 +0000] "GET /jobs/1 HTTP/1.1" 200 17 "-" "curl""#;
    let mut lines = vec![line; 99];
    lines.insert(40, "what is this");
    let imported = read(lines.join("\n").as_bytes(), &combined(), &target(IN_BODY, "")).expect("one bad line in a hundred");
    assert!(blind(&imported, &Blind::BadLines { lines: 1, first: vec![41] }), "{:?}", imported.recording.blind);
    lines.extend(["what is this"; 10]);
    refused(&lines.join("\n"), &combined(), &["11 of 110 lines", "recording:41:"]);
}

#[test]
fn an_entry_that_cannot_be_read_is_counted() {
    let entry = r#"{"startedDateTime":"2025-11-23T20:08:55.1Z","time":1,"request":{"method":"GET","url":"http://h/jobs/1"},"response":{"status":200}}"#;
    let mut entries = vec![entry; 30];
    entries[6] = "{\"time\":1}";
    let archive = format!("{{\"log\":{{\"entries\":[{}]}}}}", entries.join(","));
    let imported = read(archive.as_bytes(), &Format::Har, &target(IN_BODY, "")).expect("one bad entry in thirty");
    assert!(blind(&imported, &Blind::BadLines { lines: 1, first: vec![7] }), "{:?}", imported.recording.blind);
}

#[test]
fn without_a_target_only_an_archive_of_our_own_is_understood() {
    let options = Options { target: None, hosts: Hosts::Own, at: Vec::new(), tolerance: Span::millis(50) };
    for (text, format) in [("{\"log\":{\"entries\":[]}}", Format::Har), ("{}", json_lines())] {
        let error = import("recording", text.as_bytes(), &format, &options).expect_err("nothing says what it means").to_string();
        assert!(error.contains("--target FILE"), "{error}");
    }
}

#[test]
fn stamps_and_lengths_at_the_edge_of_time_do_not_overflow() {
    let target = target(IN_BODY, "");
    for time in ["1677-09-21T00:12:44Z", "2262-04-11T23:47:16Z", "1970-01-01T00:00:00Z", "9223372036854775807"] {
        for took in ["0", "1e300", "9223372036854775807"] {
            let line = format!(r#"{{"time":"{time}","method":"GET","url":"/jobs/1","status":200,"duration":{took}}}"#);
            let usual = r#"{"time":1763928535,"method":"GET","url":"/jobs/1","status":200}"#;
            let lines = [vec![usual; 30], vec![line.as_str()]].concat().join("\n");
            read(lines.as_bytes(), &json_lines(), &target).unwrap_or_else(|error| panic!("{time}, {took}: {error}"));
            let entry = format!(
                r#"{{"startedDateTime":"{time}","time":{took},"request":{{"method":"GET","url":"http://h/jobs/1"}},"response":{{"status":200}}}}"#
            );
            let _ = read(format!(r#"{{"log":{{"entries":[{entry}]}}}}"#).as_bytes(), &Format::Har, &target);
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_reading_panic(bytes in any::<Vec<u8>>()) {
        let target = target(IN_BODY, "");
        for format in [combined(), json_lines(), Format::K6Json, Format::Har] {
            let _ = read(&bytes, &format, &target).map_err(|error| error.to_string());
        }
    }

    #[test]
    fn no_values_in_a_right_line_make_reading_panic(time in "\\PC{0,30}", stamp in any::<i64>(), took in any::<f64>(), status in any::<i64>(), url in "\\PC{0,30}") {
        let target = target(IN_BODY, "");
        let line = serde_json::json!({"time": stamp, "method": "GET", "url": format!("/jobs/{url}"), "status": status, "duration": took});
        let text = serde_json::json!({"time": time, "method": "POST", "url": "/jobs", "status": 202, "id": url});
        let _ = read(format!("{line}\n{text}\n{line}").as_bytes(), &json_lines(), &target).map_err(|error| error.to_string());
        let entry = serde_json::json!({"startedDateTime": time, "time": took, "request": {"method": "GET", "url": url}, "response": {"status": status}});
        let archive = serde_json::json!({"log": {"entries": [entry]}}).to_string();
        let _ = read(archive.as_bytes(), &Format::Har, &target).map_err(|error| error.to_string());
    }
}
