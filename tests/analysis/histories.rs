//! The semantics of a verdict on one scan, against hand-derived histories.

use serde_json::Value;
use statusgap::analysis::scan::{Scans, Visibility};
use statusgap::model::answer::Answer;
use statusgap::model::exchange::{Connection, Exchange, Kind, Purpose};
use statusgap::model::time::{Nanos, Stamp};

const MS: u64 = 1_000_000;

fn exchange(kind: Kind, sent: u64, done: u64, answer: Answer) -> Exchange {
    serde_json::from_value(serde_json::json!({
        "scenario": 0, "scan": 0, "kind": kind, "purpose": Purpose::Follow, "connection": Connection::Fresh,
        "planned": sent * MS, "sent": sent * MS, "done": done * MS, "answer": answer,
        "id": (kind == Kind::Initiate).then_some("scan_1"),
    }))
    .expect("an exchange's required fields")
}

fn polls(case: &Value) -> Vec<Exchange> {
    case["polls"]
        .as_array()
        .expect("polls")
        .iter()
        .map(|poll| {
            let sent = poll[0].as_u64().expect("sent");
            let answer = match poll[2].as_str().expect("answer") {
                "found" => Answer::Visible,
                "nf" => Answer::NotFound,
                "err" => Answer::ServerError,
                "timeout" => Answer::Transport,
                other => panic!("an answer that the golden file does not explain: {other}"),
            };
            exchange(Kind::Poll, sent, poll[1].as_u64().unwrap_or(sent + 10_000), answer)
        })
        .collect()
}

fn ms(nanos: Nanos) -> Value {
    Value::from(nanos.0 / 1_000_000)
}

#[test]
fn every_golden_history_has_its_verdict_and_its_bracket() {
    let golden: Value = serde_json::from_str(include_str!("../../fixtures/golden/histories_golden.json")).expect("golden file");
    let cases = golden["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), 14);
    for case in cases {
        let id = case["id"].as_str().expect("id");
        let posted = case["post"][0].as_u64().expect("post");
        let received = case["post"][1].as_u64();
        let answer = if received.is_some() { Answer::Accepted } else { Answer::Transport };
        let mut exchanges = vec![exchange(Kind::Initiate, posted, received.unwrap_or(posted), answer)];
        exchanges.extend(polls(case));
        let scans = Scans::of(&exchanges);
        let [history] = scans.histories().try_into().expect("one scan");
        let violated = match history.visibility() {
            Visibility::NotAccepted | Visibility::NoEvidence => None,
            _ => Some(history.denials().next().is_some()),
        };
        // Without any poll nothing can be said; with polls that are not evidence, no violation was seen.
        let expected = match &case["ryw_violation"] {
            Value::Bool(violated) => Some(*violated),
            _ => None,
        };
        assert_eq!(violated, expected, "{id}: read-your-writes");
        if let Some(flap) = case.get("monotonic_violation").and_then(Value::as_bool) {
            assert_eq!(!history.flaps().is_empty(), flap, "{id}: monotonic visibility");
        }
        if let Some(r0) = case.get("r0").and_then(Value::as_u64) {
            assert_eq!(history.known_from(), Some(Stamp(r0 * MS)), "{id}: the instant from which the id is known");
        }
        let bracket = match case.get("start_window_bracket") {
            Some(expected) => history.first_bracket().map(|bracket| (bracket, expected)),
            None => history.bracket().map(|bracket| (bracket, &case["bracket"])),
        };
        match bracket {
            None => assert!(case["bracket"].is_null(), "{id}: no bracket"),
            Some((bracket, expected)) => {
                let until = bracket.until.map_or(Value::from("inf"), ms);
                assert_eq!(Value::from(vec![ms(bracket.after), until]), *expected, "{id}: bracket");
            }
        }
    }
}
