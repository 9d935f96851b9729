//! Whose id is whose, and what is left out because nobody can tell.

use super::*;

/// JSON lines of `SECOND CLIENT METHOD PATH STATUS`, one request each, all within their millisecond.
fn lines(requests: &[&str]) -> String {
    let line = |request: &&str| {
        let words: Vec<&str> = request.split(' ').collect();
        let [at, client, method, path, status] = words[..] else { panic!("five words: {request}") };
        let (client, user) = client.split_once('@').map_or((client, ""), |(user, client)| (client, user));
        format!(
            r#"{{"time":"2025-11-23T20:08:{at}00Z","client":"{client}","user":"{user}","method":"{method}","url":"{path}","status":{status},"duration":0.001}}"#
        )
    };
    requests.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn check(requests: &[&str], scans: usize, told: &[Blind]) -> (Imported, Target) {
    let target = target(IN_BODY, "");
    let imported = read(lines(requests).as_bytes(), &json_lines(), &target).expect("right lines");
    let found = Scans::of(&journal(&imported, &target).exchanges).histories().len();
    assert_eq!(found, scans, "{:#?}", imported.exchanges);
    for wanted in told {
        assert!(blind(&imported, wanted), "{wanted:?} is not among {:?}", imported.recording.blind);
    }
    (imported, target)
}

#[test]
fn an_initiate_belongs_to_the_id_that_the_same_client_polls_next() {
    let requests =
        ["01.0 a POST /jobs 202", "01.1 b POST /jobs 202", "01.2 a GET /jobs/1 404", "01.3 b GET /jobs/2 200", "01.4 a GET /jobs/1 200"];
    let (imported, target) = check(&requests, 2, &[Blind::Paired { scans: 2 }]);
    assert_eq!(judged(&imported, &target).1, Verdict::Fail);
}

#[test]
fn two_initiates_of_one_client_cannot_be_told_apart_and_ages_count_from_the_first_poll() {
    let requests = ["01.0 a POST /jobs 202", "01.1 a POST /jobs 202", "01.5 a GET /jobs/1 404", "01.9 a GET /jobs/1 200"];
    let (imported, target) = check(&requests, 1, &[Blind::Inferred { scans: 1 }, Blind::Unmatched { initiates: 2 }]);
    assert_eq!(imported.scenarios[0].name, "imported-inferred");
    let (analysis, verdict) = judged(&imported, &target);
    assert_eq!((verdict, analysis.window.denied), (Verdict::Fail, 1), "denied before it was visible");
}

#[test]
fn without_a_client_no_order_tells_whose_an_id_is() {
    let line = |at: &str, method: &str, path: &str, status: u32| {
        format!(r#"{{"time":"2025-11-23T20:08:{at}Z","method":"{method}","url":"{path}","status":{status}}}"#)
    };
    let text = [line("01.0", "POST", "/jobs", 202), line("01.5", "GET", "/jobs/1", 200)].join("\n");
    let imported = read(text.as_bytes(), &json_lines(), &target(IN_BODY, "")).expect("right lines");
    assert!(blind(&imported, &Blind::Inferred { scans: 1 }) && blind(&imported, &Blind::Unmatched { initiates: 1 }));
}

#[test]
fn an_id_that_was_only_ever_denied_proves_nothing() {
    let requests = ["01.0 a POST /jobs 202", "01.1 a GET /jobs/stale 404", "02.0 b GET /jobs/made-up 404"];
    let (imported, target) = check(&requests, 0, &[Blind::DeniedOnly { ids: 2 }, Blind::Unmatched { initiates: 1 }]);
    assert_eq!(judged(&imported, &target).1, Verdict::Inconclusive);
}

#[test]
fn another_users_denial_is_no_broken_promise() {
    let requests = ["01.0 eve@a POST /jobs 202", "01.1 eve@a GET /jobs/1 200", "01.2 bob@a GET /jobs/1 404", "01.3 eve@a GET /jobs/1 200"];
    let (imported, target) = check(&requests, 1, &[Blind::OtherUsers { polls: 1 }]);
    let (analysis, verdict) = judged(&imported, &target);
    assert_eq!((verdict, analysis.window.flapping), (Verdict::Inconclusive, 0));
}

#[test]
fn without_a_breach_a_recording_does_not_pass() {
    let requests = ["01.0 a POST /jobs 202", "01.1 a GET /jobs/1 200", "01.9 a GET /jobs/1 200"];
    let (imported, target) = check(&requests, 1, &[Blind::Controls]);
    assert_eq!(judged(&imported, &target).1, Verdict::Inconclusive);
}

#[test]
fn a_scan_that_is_denied_after_it_was_seen_flaps() {
    let requests = ["01.0 a POST /jobs 202", "01.1 a GET /jobs/1 200", "01.5 a GET /jobs/1 404", "01.9 a GET /jobs/1 200"];
    let (imported, target) = check(&requests, 1, &[]);
    assert_eq!(judged(&imported, &target).0.window.flapping, 1);
}

#[test]
fn requests_that_are_not_the_targets_are_left_alone() {
    let requests = [
        "01.0 a POST /jobs 202",
        "01.1 a GET /jobs/1/results 200",
        "01.2 a GET /jobs/1 200",
        "01.3 a HEAD /jobs/1 404",
        "01.4 a GET /other/1 404",
    ];
    let (imported, _) = check(&requests, 1, &[]);
    assert_eq!((imported.recording.requests, imported.recording.recognised), (5, 2));
}

#[test]
fn where_the_body_decides_a_code_is_no_evidence() {
    let text = format!("{IN_BODY}[[status.answer]]\nis = 'not_found'\nwhen = {{ pointer = '/status', equals = 'not_found' }}\n");
    let target = target(&text, "");
    let requests = lines(&["01.0 a POST /jobs 202", "01.1 a GET /jobs/1 200", "01.2 a GET /jobs/1 200"]);
    let imported = read(requests.as_bytes(), &json_lines(), &target).expect("right lines");
    assert!(blind(&imported, &Blind::BodyDecides { polls: 2 }));
    let (analysis, verdict) = judged(&imported, &target);
    assert_eq!((verdict, analysis.window.denied), (Verdict::Inconclusive, 0));
    let with_bodies = [
        r#"{"time":1763928535.000,"method":"POST","url":"/jobs","status":202,"body":{"id":"1"}}"#,
        r#"{"time":1763928535.100,"method":"GET","url":"/jobs/1","status":200,"body":"{\"status\":\"not_found\"}"}"#,
        r#"{"time":1763928535.200,"method":"GET","url":"/jobs/1","status":200,"body":{"status":"running"}}"#,
    ];
    let imported = read(with_bodies.join("\n").as_bytes(), &json_lines(), &target).expect("right lines");
    assert_eq!(judged(&imported, &target).1, Verdict::Fail, "with bodies it is told");
}

#[test]
fn the_step_of_a_stamp_widens_the_bracket_on_both_sides() {
    for (time, step_ms) in [("01", 1000.0), ("01.0", 100.0), ("01.000", 1.0)] {
        let later = |seconds: &str| time.replacen("01", seconds, 1);
        let line = |at: &str, method: &str, path: &str, status: u32, id: &str| {
            format!(r#"{{"time":"2025-11-23T20:08:{at}Z","method":"{method}","url":"{path}","status":{status}{id}}}"#)
        };
        let text = [
            line(time, "POST", "/jobs", 202, r#","id":"1""#),
            line(&later("11"), "GET", "/jobs/1", 404, ""),
            line(&later("21"), "GET", "/jobs/1", 200, ""),
        ];
        let target = target(IN_BODY, "");
        let imported = read(text.join("\n").as_bytes(), &json_lines(), &target).expect("right lines");
        let brackets = brackets(&imported, &target);
        let [bracket] = brackets.as_slice() else { panic!("one scan: {brackets:?}") };
        assert_eq!((bracket.after.as_ms(), bracket.until.map(Nanos::as_ms)), (10_000.0 - step_ms, Some(20_000.0 + step_ms)), "{time}");
    }
}
