//! The reference service answers as the goldens in `fixtures/wire` say: the same code, the same headers, fields of the same name and type.
//!
//! The target's own tests read the same goldens. The two sides share no code, so a field that is renamed on one of them
//! alone fails on the other.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use statusgap::service::{Service, Settings};
use tower::ServiceExt;

/// Fields whose values are words of the contract, and not only examples.
const WORDS: &[&str] = &["success", "status", "current_phase", "current_status", "status_code", "is_stuck", "recovered_from_index"];

/// A way to make the service give one kind of reply.
struct Way {
    golden: &'static str,
    knobs: &'static [(&'static str, &'static str)],
    steps: &'static [Step],
}

#[derive(Clone, Copy)]
enum Step {
    /// Asks for a scan; its id is the one that later steps ask about.
    Discover,
    DiscoverAgain,
    DiscoverForced,
    Wait(u64),
    Anonymous,
    Unknown,
    Status,
    Results,
    Lifecycle,
}

const WAYS: &[Way] = &[
    way("discover-new", &[], &[Step::Discover]),
    way("discover-running", &[], &[Step::Discover, Step::Wait(3000), Step::DiscoverAgain]),
    way("discover-restarted", &[], &[Step::Discover, Step::Wait(3000), Step::DiscoverForced]),
    way("discover-throttled", &[("rate-limit", "1")], &[Step::Discover, Step::DiscoverAgain]),
    way("discover-unauthorised", &[], &[Step::Anonymous, Step::Discover]),
    way("status-scanning", &[], &[Step::Discover, Step::Wait(3500), Step::Status]),
    way("status-complete", &[], &[Step::Discover, Step::Wait(9000), Step::Status]),
    way("status-failed", &[("crash-stage", "strategies")], &[Step::Discover, Step::Wait(9000), Step::Status]),
    way("status-not-found", &[], &[Step::Unknown, Step::Status]),
    way("status-unauthorised", &[], &[Step::Anonymous, Step::Unknown, Step::Status]),
    way("status-unavailable", &[("outage", "0..1h")], &[Step::Unknown, Step::Status]),
    way("results-none", &[], &[Step::Unknown, Step::Results]),
    way("results-running", &[], &[Step::Discover, Step::Wait(3000), Step::Results]),
    way("results-ready", &[], &[Step::Discover, Step::Wait(9000), Step::Results]),
    way("lifecycle-unknown", &[], &[Step::Unknown, Step::Lifecycle]),
    way("lifecycle-in-progress", &[], &[Step::Discover, Step::Lifecycle]),
    way("lifecycle-completed", &[], &[Step::Discover, Step::Wait(9000), Step::Lifecycle]),
    way("lifecycle-failed", &[("crash-stage", "strategies")], &[Step::Discover, Step::Wait(9000), Step::Lifecycle]),
    way("lifecycle-recovered", &[("lifecycle-index-fallback", "on")], &[Step::Discover, Step::Wait(3500), Step::Unknown, Step::Lifecycle]),
];

/// What only the target must understand: this service begins a phase at the very instant at which it ends the one before.
const NOT_SENT: &[&str] = &["lifecycle-stage-completed"];

const fn way(golden: &'static str, knobs: &'static [(&'static str, &'static str)], steps: &'static [Step]) -> Way {
    Way { golden, knobs, steps }
}

/// One reply: code, header names, body.
struct Reply {
    code: u16,
    headers: Vec<String>,
    body: Value,
}

async fn ask(router: &Router, method: &str, path: &str, token: Option<&str>, body: Value) -> Reply {
    let mut request = axum::http::Request::builder().method(method).uri(path);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    let Ok(response) = router.clone().oneshot(request.header("content-type", "application/json").body(body).expect("a request")).await;
    let (head, body) = response.into_parts();
    let body = body.collect().await.expect("a whole body").to_bytes();
    Reply {
        code: head.status.as_u16(),
        headers: head.headers.keys().map(|name| name.as_str().to_owned()).collect(),
        body: serde_json::from_slice(&body).expect("JSON"),
    }
}

/// Goes the way and returns the last reply.
async fn go(way: &Way) -> Reply {
    let mut settings = Settings::preset("sound").expect("a preset");
    for (knob, value) in [("seed", "7"), ("epoch", "2026-01-01T00:00:00Z")].iter().chain(way.knobs) {
        settings.set(knob, value).unwrap_or_else(|error| panic!("{}: {error}", way.golden));
    }
    let service = Service::open(settings).await.expect("a service");
    let router = service.router();
    let (mut last, mut id, mut token) = (None, "scan_0".to_owned(), Some("alice-token"));
    for step in way.steps {
        let discover = |forced| json!({ "symbols": ["S3-EXAMPLE"], "force_refresh": forced });
        let lifecycle = format!("/api/v1/scan-diagnostics/scan-lifecycle/{id}");
        let reply = match step {
            Step::Wait(ms) => {
                tokio::time::sleep(Duration::from_millis(*ms)).await;
                continue;
            }
            Step::Anonymous => {
                token = None;
                continue;
            }
            Step::Unknown => {
                "scan_00000000000040008000000000000000".clone_into(&mut id);
                continue;
            }
            Step::Discover | Step::DiscoverAgain => ask(&router, "POST", "/api/v1/opportunities/discover", token, discover(false)).await,
            Step::DiscoverForced => ask(&router, "POST", "/api/v1/opportunities/discover", token, discover(true)).await,
            Step::Status => ask(&router, "GET", &format!("/api/v1/opportunities/status/{id}"), token, Value::Null).await,
            Step::Results => ask(&router, "GET", &format!("/api/v1/opportunities/results/{id}"), token, Value::Null).await,
            Step::Lifecycle => ask(&router, "GET", &lifecycle, Some("admin-token"), Value::Null).await,
        };
        if let Some(issued) = reply.body["scan_id"].as_str().filter(|_| matches!(step, Step::Discover)) {
            issued.clone_into(&mut id);
        }
        last = Some(reply);
    }
    service.shut_down().await;
    last.expect("a way that asks for something")
}

/// The differences in form between a golden and a reply, each with its place.
fn differences(at: &str, golden: &Value, reply: &Value, found: &mut Vec<String>) {
    match (golden, reply) {
        (Value::Object(golden), Value::Object(reply)) => {
            // A map from names to equal things: which names there are is no matter of form.
            if at.ends_with("phases") {
                for phase in reply.values() {
                    differences(&format!("{at}/*"), golden.values().next().unwrap_or(phase), phase, found);
                }
                return;
            }
            for name in golden.keys().filter(|name| !reply.contains_key(*name)) {
                found.push(format!("{at}/{name} is missing in the reply"));
            }
            for (name, value) in reply {
                match golden.get(name) {
                    Some(expected) => {
                        // Phases carry states of their own, which differ from phase to phase.
                        if WORDS.contains(&name.as_str()) && !at.ends_with('*') && expected != value {
                            found.push(format!("{at}/{name} is {value} instead of {expected}"));
                        }
                        differences(&format!("{at}/{name}"), expected, value, found);
                    }
                    None => found.push(format!("{at}/{name} is not in the golden")),
                }
            }
        }
        (Value::Array(golden), Value::Array(reply)) => {
            if let (Some(expected), Some(value)) = (golden.first(), reply.first()) {
                differences(&format!("{at}/0"), expected, value, found);
            }
        }
        (Value::Null, Value::Null)
        | (Value::Bool(_), Value::Bool(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::String(_), Value::String(_)) => {}
        _ => found.push(format!("{at} is {reply} instead of something like {golden}")),
    }
}

fn golden(name: &str) -> Value {
    let path = format!("{}/fixtures/wire/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).expect("JSON")
}

#[tokio::test(start_paused = true)]
async fn the_service_answers_in_the_form_of_its_goldens() {
    let mut wrong = BTreeMap::new();
    for way in WAYS {
        let golden = golden(way.golden);
        let reply = go(way).await;
        let mut found = Vec::new();
        if golden["http"] != reply.code {
            found.push(format!("code {} instead of {}", reply.code, golden["http"]));
        }
        for name in golden["headers"].as_object().expect("headers").keys().filter(|name| !reply.headers.contains(*name)) {
            found.push(format!("no header {name}"));
        }
        differences("", &golden["body"], &reply.body, &mut found);
        if !found.is_empty() {
            wrong.insert(way.golden, found);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_golden_has_a_way_or_a_reason() {
    let folder = std::fs::read_dir(format!("{}/fixtures/wire", env!("CARGO_MANIFEST_DIR"))).expect("the goldens");
    let mut goldens: Vec<String> =
        folder.filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".json").map(str::to_owned)).collect();
    goldens.sort();
    let mut ways: Vec<&str> = WAYS.iter().map(|way| way.golden).chain(NOT_SENT.iter().copied()).collect();
    ways.sort_unstable();
    assert_eq!(goldens, ways);
}

#[test]
fn a_renamed_or_retyped_field_is_noticed() {
    let check = |reply: Value| {
        let mut found = Vec::new();
        differences("", &json!({ "status": "scanning", "progress": { "percentage": 1.0 } }), &reply, &mut found);
        found.len()
    };
    assert_eq!(check(json!({ "status": "scanning", "progress": { "percentage": 50 } })), 0);
    assert_eq!(check(json!({ "status": "running", "progress": { "percentage": 50 } })), 1, "a word of the contract");
    assert_eq!(check(json!({ "status": "scanning", "progress": { "percent": 50 } })), 2, "one is missing, one is new");
    assert_eq!(check(json!({ "status": "scanning", "progress": { "percentage": "50" } })), 1, "another type");
}
