//! From a recorded request back to what it was.

use proptest::prelude::*;

use super::super::{Caller, Hosts, MatchedRoute, REFERENCE, RouteMatcher, TEMPLATE};
use super::{accepted, file, headers, target, variables};
use crate::model::answer::Answer;
use crate::model::exchange::Kind;

#[track_caller]
fn check(text: &str, method: &str, address: &str, expected: Option<(Kind, Option<&str>)>) {
    let found = RouteMatcher::new(&target(text), Hosts::Own).route_of(method, address);
    let expected = expected.map(|(kind, id)| MatchedRoute { kind, id: id.map(str::to_owned) });
    assert_eq!(found, expected, "{method} {address}");
}

#[test]
fn requests_are_recognised_by_method_and_path() {
    let reference = |method: &str, address: &str, expected: Option<(Kind, Option<&str>)>| check(REFERENCE, method, address, expected);
    let base = "/api/v1/opportunities";
    reference("POST", &format!("{base}/discover"), Some((Kind::Initiate, None)));
    reference("GET", &format!("http://127.0.0.1:8080{base}/status/scan_1?x=1#y"), Some((Kind::Poll, Some("scan_1"))));
    reference("GET", &format!("{base}/status/a%2Fb"), Some((Kind::Poll, Some("a/b"))));
    reference("GET", &format!("{base}/results/scan_1"), Some((Kind::Results, Some("scan_1"))));
    reference("POST", &format!("{base}/cancel/scan_1"), Some((Kind::Cancel, Some("scan_1"))));
    reference("GET", "/health", Some((Kind::Filler, None)));
    reference("GET", &format!("{base}/discover"), None);
    reference("GET", &format!("{base}/status/"), None);
    reference("GET", &format!("{base}/status/a/b"), None);
    reference("GET", &format!("http://elsewhere:8080{base}/status/scan_1"), None);
    reference("GET", "not an address", None);
}

#[test]
fn ids_may_stand_in_queries_and_bases_may_have_paths() {
    let text = file("path = '/jobs?kind=x&id={id}'").replace("8080", "8080/api");
    check(&text, "GET", "/api/jobs?id=a%2Fb&more=1&kind=x", Some((Kind::Poll, Some("a/b"))));
    check(&text, "GET", "/api/jobs?id=7", None);
    check(&text, "GET", "/jobs?id=7&kind=x", None);
    let text = file("path = '/jobs/{id:raw}/status of {user}'");
    check(&text, "GET", "/jobs/a/b/status%20of%20me", Some((Kind::Poll, Some("a/b"))));
}

#[test]
fn a_code_alone_says_what_no_rule_could_turn() {
    let answer = |text: &str, http| target(text).read_code(Kind::Poll, http).answer;
    let plain = file("path = '/jobs/{id}'");
    assert_eq!(
        [200, 404, 410, 500, 429, 403].map(|http| answer(&plain, http)),
        [Answer::Visible, Answer::NotFound, Answer::NotFound, Answer::ServerError, Answer::Throttled, Answer::Refused]
    );
    // In the reference contract a 200 may deny in its body; a 404 always denies.
    assert_eq!([200, 404].map(|http| answer(REFERENCE, http)), [Answer::Malformed, Answer::NotFound]);
    let only_404 =
        file("path = '/jobs/{id}'\n[[status.answer]]\nis = 'not_found'\nwhen = { http = 404, pointer = '/error', exists = true }");
    assert_eq!([200, 404].map(|http| answer(&only_404, http)), [Answer::Visible, Answer::NotFound], "either way it is not found");
    let absence = file("path = '/jobs/{id}'\n[[status.answer]]\nis = 'not_found'\nwhen = { pointer = '/id', exists = false }");
    assert_eq!([200, 500].map(|http| answer(&absence, http)), [Answer::Malformed, Answer::ServerError], "an error lacks everything");
}

#[test]
fn the_foreign_user_is_told_by_the_headers_that_the_file_gives_it() {
    let target = target(REFERENCE);
    assert!(target.is_foreign(&headers(&[("authorization", "Bearer mallory-token")])));
    assert!(!target.is_foreign(&headers(&[("authorization", "Bearer alice-token")])));
    assert!(!target.is_foreign(&headers(&[])));
}

proptest! {
    #[test]
    fn what_a_target_asks_is_recognised_with_its_id(id in "\\PC{1,40}") {
        prop_assume!(id != "." && id != "..");
        for text in [REFERENCE, TEMPLATE] {
            let target = target(text);
            let routes = RouteMatcher::new(&target, Hosts::Own);
            let poll = target.status(&variables(), Caller::Owner, &accepted(&id), None).expect("any id can be sent");
            let found = routes.route_of(poll.method.as_str(), &poll.url);
            prop_assert_eq!(found, Some(MatchedRoute { kind: Kind::Poll, id: Some(id.clone()) }));
            let initiate = target.initiate(&variables()).expect("an initiate can be sent");
            let found = routes.route_of(initiate.method.as_str(), &initiate.url);
            prop_assert_eq!(found, Some(MatchedRoute { kind: Kind::Initiate, id: None }));
        }
    }

    #[test]
    fn a_code_that_tells_is_never_contradicted_by_the_body(http in 100..600_u16, body in any::<Vec<u8>>(), key in "[a-z]{1,6}", word in "[a-z_]{1,9}") {
        let body = if key.len() % 2 == 0 { body } else { serde_json::json!({ key.as_str(): word, "status": "not_found", "error": {"code": "EXPIRED"} }).to_string().into_bytes() };
        for text in [REFERENCE, TEMPLATE] {
            let target = target(text);
            let told = target.read_code(Kind::Poll, http).answer;
            let headers = http::HeaderMap::new();
            let read = target.read_status(&super::Reply { http, headers: &headers, body: &body }, "x").answer;
            // A body that cannot be understood is malformed whatever its code says.
            prop_assert!(told == Answer::Malformed || read == Answer::Malformed || told == read, "{:?} {:?}", told, read);
        }
    }

    #[test]
    fn no_address_makes_recognising_panic(method in "\\PC{0,8}", address in any::<String>()) {
        for text in [REFERENCE, TEMPLATE] {
            for hosts in [Hosts::Own, Hosts::Any] {
                let _ = RouteMatcher::new(&target(text), hosts).route_of(&method, &address);
            }
        }
    }
}

#[test]
fn an_endpoint_elsewhere_is_recognised_and_the_clients_id_stands_in_its_address() {
    let text = "name = 'x'\nbase_url = 'http://h/api'\n[initiate]\nmethod = 'PUT'\npath = '/jobs/{id}'\nid = '{uuid}'\n\
        [status]\npath = '/jobs/{id}'\nbase_url = ['http://read/v1', 'http://other/v1']\n";
    let routes = RouteMatcher::new(&target(text), Hosts::Own);
    let found = |method, url| routes.route_of(method, url).map(|route| (route.kind, route.id));
    assert_eq!(found("PUT", "http://h/api/jobs/7"), Some((Kind::Initiate, Some("7".to_owned()))));
    assert_eq!(found("GET", "http://read/v1/jobs/7"), Some((Kind::Poll, Some("7".to_owned()))));
    assert_eq!(found("GET", "http://other/v1/jobs/7"), Some((Kind::Poll, Some("7".to_owned()))));
    assert_eq!(found("GET", "http://elsewhere/v1/jobs/7"), None);
}
