//! The shipped target file reads each golden reply of the reference contract as the golden says.

use serde_json::Value;

use super::super::{Initiated, REFERENCE, Reading, Reply};
use super::{target, variables};

macro_rules! goldens {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../../fixtures/wire/", $name, ".json")))),*]
    };
}

const SCAN: &str = "scan_5b1c0f0e7a4d4c1f9d3e2b6a8c7d9e01";

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Golden {
    #[serde(rename = "about")]
    _about: String,
    #[serde(rename = "request")]
    _request: String,
    http: u16,
    headers: std::collections::BTreeMap<String, String>,
    body: Value,
    read_as: String,
    means: Value,
}

#[test]
fn every_reply_of_the_reference_contract_is_read_as_what_it_is() {
    let target = target(REFERENCE);
    for (name, text) in goldens![
        "discover-new",
        "discover-restarted",
        "discover-running",
        "discover-throttled",
        "discover-unauthorised",
        "lifecycle-completed",
        "lifecycle-failed",
        "lifecycle-in-progress",
        "lifecycle-recovered",
        "lifecycle-stage-completed",
        "lifecycle-unknown",
        "results-none",
        "results-ready",
        "results-running",
        "status-complete",
        "status-failed",
        "status-not-found",
        "status-scanning",
        "status-unauthorised",
        "status-unavailable",
    ] {
        let golden: Golden = serde_json::from_str(text).expect(name);
        let pairs: Vec<_> = golden.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let headers = super::headers(&pairs);
        let body = golden.body.to_string();
        let reply = Reply { http: golden.http, headers: &headers, body: body.as_bytes() };
        let got = match golden.read_as.as_str() {
            "initiate" => initiated(&target.read_initiate(&reply, &variables())),
            "status" => reading(&target.read_status(&reply, SCAN)),
            "results" => reading(&target.read_results(&reply, SCAN)),
            "witness" => reading(&target.read_witness(&reply, SCAN)),
            other => panic!("{name}: nothing reads {other}"),
        };
        assert_eq!(got, golden.means, "{name}");
    }
}

fn initiated(initiated: &Initiated) -> Value {
    match initiated {
        Initiated::Accepted(accepted) => told(serde_json::json!({
            "answer": "accepted", "id": accepted.id, "handed_out": accepted.handed_out,
        })),
        Initiated::Failed { answer, .. } => serde_json::json!({ "answer": answer }),
    }
}

fn reading(reading: &Reading) -> Value {
    told(serde_json::json!({
        "answer": reading.answer,
        "state": reading.state,
        "word": reading.word,
        "progress": reading.progress,
        "echo": reading.echo,
    }))
}

/// Without the keys that say nothing.
fn told(mut value: Value) -> Value {
    if let Some(object) = value.as_object_mut() {
        object.retain(|_, value| !value.is_null());
    }
    value
}
