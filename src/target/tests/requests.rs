//! The requests that a target builds.

use super::super::{AddressError, Caller, REFERENCE, Reply, Request, RequestError, Variables, WriteKind};
use super::{accepted, file, handed_out, headers, target, variables};
use crate::model::exchange::Route;

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn url_for(status: &str, id: &str) -> Result<String, RequestError> {
    target(&file(status)).status(&variables(), Caller::Owner, &accepted(id), None).map(|request| request.url)
}

#[test]
fn the_reference_initiate_asks_for_a_job_of_its_own() {
    let request = target(REFERENCE).initiate(&variables()).expect("sendable");
    assert_eq!(request.method, "POST");
    assert_eq!(request.url, "http://127.0.0.1:8080/api/v1/opportunities/discover");
    assert_eq!(String::from_utf8_lossy(&request.body), r#"{"force_refresh":true,"symbols":["S7-00ff"]}"#);
    assert_eq!(header(&request, "content-type"), Some("application/json"));
    assert_eq!(header(&request, "authorization"), Some("Bearer alice-token"));
    assert!(!format!("{request:?}").contains("alice-token"));
}

#[test]
fn each_endpoint_is_asked_as_its_user() {
    let target = target(REFERENCE);
    let (v, a) = (variables(), accepted("j1"));
    let owner = target.status(&v, Caller::Owner, &a, None).expect("sendable");
    let foreign = target.status(&v, Caller::Foreign, &a, None).expect("sendable");
    let witness = target.witness(&v, &a).expect("there").expect("sendable");
    assert_eq!(header(&owner, "authorization"), Some("Bearer alice-token"));
    assert_eq!(header(&foreign, "authorization"), Some("Bearer mallory-token"));
    assert_eq!(header(&witness, "authorization"), Some("Bearer admin-token"));
    assert_eq!(owner.url, foreign.url);
    let (id, unknown) = target.unknown(&v).expect("sendable");
    assert_eq!(id, "scan_00ff");
    assert_eq!(unknown.url, "http://127.0.0.1:8080/api/v1/opportunities/status/scan_00ff");
    let cancel = target.write(WriteKind::Cancel, &v, &a).expect("there").expect("sendable");
    assert_eq!((cancel.method.as_str(), cancel.url.as_str()), ("POST", "http://127.0.0.1:8080/api/v1/opportunities/cancel/j1"));
    assert_eq!(target.filler(&v).expect("sendable").url, "http://127.0.0.1:8080/health");
}

#[test]
fn an_id_stays_one_path_segment() {
    for (path, id, end) in [
        ("/jobs/{id}", "a b/c?d#e%é", "/jobs/a%20b%2Fc%3Fd%23e%25%C3%A9"),
        ("/jobs/{id}", "A-z_0.9~", "/jobs/A-z_0.9~"),
        ("/jobs/{id:raw}", "a%2Fb", "/jobs/a%2Fb"),
        ("/jobs?id={id}&n={n}&u={user}", "a&b", "/jobs?id=a%26b&n=7&u=owner"),
        ("/{{{id}}}", "a", "/%7Ba%7D"),
        ("/{id:raw}", "/evil.example/x", "//evil.example/x"),
    ] {
        let url = url_for(&format!("path = '{path}'"), id).expect("sendable");
        assert_eq!(url, format!("http://localhost:8080{end}"), "{path} {id}");
    }
}

#[test]
fn an_id_that_would_ask_for_something_else_is_refused() {
    for (path, id) in [
        ("/jobs/{id}", ".."),
        ("/jobs/{id}", "."),
        ("/jobs/{id:raw}", "x/../../admin"),
        ("/jobs/{id:raw}", "x\\..\\admin"),
        ("/jobs/{id:raw}", "%2e%2E"),
        ("/jobs/{id:raw}", "a\nb"),
    ] {
        let got = url_for(&format!("path = '{path}'"), id);
        assert!(matches!(got, Err(RequestError::Address(AddressError::Path { .. }))), "{path} {id}: {got:?}");
    }
    let got = url_for("path = '/{id}'\nheaders = { X-Id = '{id:raw}' }", "a\r\nX-Evil: 1");
    assert_eq!(got, Err(RequestError::Header { name: "x-id".to_owned() }));
}

#[test]
fn bodies_are_json_forms_or_text() {
    for (body, sent, content_type) in [
        (
            r#"json = { id = "{id:raw}", n = 1, list = ["{uuid}", 1.5, true], at = 2025-11-03 }"#,
            r#"{"id":"a \"b","n":1,"list":["00ff",1.5,true],"at":"2025-11-03"}"#,
            Some("application/json"),
        ),
        (r#"form = { id = "{id:raw}", "k&" = "" }"#, "id=a+%22b&k%26=", Some("application/x-www-form-urlencoded")),
        (r#"body = '{"a":{"b":{n}},"c":"{id}","d":"{x}"}'"#, r#"{"a":{"b":7},"c":"a%20%22b","d":"{x}"}"#, None),
    ] {
        let request = target(&file(&format!(
            "path = '/'\nmethod = 'POST'\n{body}\n[[status.answer]]\nis = 'visible'\nwhen = {{ pointer = '/id', equals = '{{id}}' }}"
        )))
        .status(&variables(), Caller::Owner, &accepted("a \"b"), None)
        .expect("sendable");
        let mut got = String::from_utf8_lossy(&request.body).into_owned();
        let mut wanted = sent.to_owned();
        if content_type == Some("application/json") {
            // the order of keys is the parser's affair
            got = sorted(&got);
            wanted = sorted(&wanted);
        }
        assert_eq!(got, wanted);
        assert_eq!(header(&request, "content-type"), content_type);
    }
}

fn sorted(json: &str) -> String {
    let map: std::collections::BTreeMap<String, serde_json::Value> = serde_json::from_str(json).expect("an object");
    format!("{map:?}")
}

#[test]
fn an_endpoints_header_wins_over_the_users() {
    let text = file("path = '/{id}'\nheaders = { ACCEPT = 'text/plain' }\n[users.owner]\nheaders = { Accept = 'x/y', X-User = '{user}' }");
    let request = target(&text).status(&variables(), Caller::Owner, &accepted("j1"), None).expect("sendable");
    let sent: Vec<_> = request.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(sent, [("x-user", "owner"), ("accept", "text/plain")]);
}

#[test]
fn routes_choose_between_the_path_and_the_handed_out_address() {
    let both = file("path = '/jobs/{id}'\nfollow = { pointer = '/poll_url' }");
    let follow_only = file("follow = { pointer = '/poll_url' }");
    for (text, address, route, url) in [
        (&both, "/other/j1", None, "http://localhost:8080/jobs/j1"),
        (&both, "/other/j1", Some(Route::HandedOut), "http://localhost:8080/other/j1"),
        (&both, "/other/j1", Some(Route::CacheBusted), "http://localhost:8080/jobs/j1?statusgap=00ff-3"),
        (&follow_only, "/other/j1", None, "http://localhost:8080/other/j1"),
        (&follow_only, "other/j1#top", None, "http://localhost:8080/other/j1"),
        (&follow_only, "http://LOCALHOST:8080/x?a=1", Some(Route::CacheBusted), "http://localhost:8080/x?a=1&statusgap=00ff-3"),
    ] {
        let request = target(text).status(&variables(), Caller::Owner, &handed_out("j1", address), route).expect("sendable");
        assert_eq!((request.url.as_str(), request.leaves_origin), (url, false));
    }
    let target = target(&follow_only);
    assert_eq!(target.status(&variables(), Caller::Owner, &accepted("j1"), None), Err(RequestError::NotHandedOut));
    assert_eq!(target.unknown(&variables()), Err(RequestError::NoPath));
    let (id, request) = target.unknown_like(&variables(), &handed_out("j1", "/other/j1?x")).expect("sendable");
    assert_eq!((id.as_str(), request.url.as_str()), ("00ff", "http://localhost:8080/other/00ff?x"));
}

#[test]
fn another_origin_is_followed_only_where_allowed_and_never_with_credentials() {
    let status = "follow = { header = 'Location' }\nheaders = { Accept = 'x/y', X-Env = '${TOKEN}', X-Api-Key = 'k' }";
    let users = "[users.owner]\nheaders = { Authorization = 'Bearer ${TOKEN}', X-Mine = 'm' }";
    let elsewhere = handed_out("j1", "https://localhost:8080/jobs/j1");
    let forbidden = target(&file(&format!("{status}\n{users}"))).status(&variables(), Caller::Owner, &elsewhere, None);
    assert!(matches!(forbidden, Err(RequestError::Address(AddressError::LeavesOrigin { .. }))), "another scheme is another origin");
    let request = target(&file(&format!("{status}\nfollow_other_origins = true\n{users}")))
        .status(&variables(), Caller::Owner, &elsewhere, None)
        .expect("sendable");
    assert!(request.leaves_origin);
    assert_eq!(request.headers, [("accept".to_owned(), "x/y".to_owned())]);
}

#[test]
fn hostile_addresses_are_not_followed() {
    let target = target(&file("follow = { header = 'Location' }\nfollow_other_origins = true"));
    for address in
        ["file:///etc/passwd", "javascript:alert(1)", "http://user:pass@localhost:8080/x", "http://", "http://[::1", "//u@other.example/x"]
    {
        let got = target.status(&variables(), Caller::Owner, &handed_out("j1", address), None);
        assert!(matches!(got, Err(RequestError::Address(_))), "{address}: {got:?}");
    }
}

#[test]
fn a_target_without_a_foreign_user_cannot_ask_as_one() {
    let got = target(&file("path = '/{id}'")).status(&variables(), Caller::Foreign, &accepted("j1"), None);
    assert_eq!(got, Err(RequestError::NoUser("foreign".to_owned())));
}

#[test]
fn the_status_can_be_asked_for_as_the_initiates_caller() {
    let text = "name = \"t\"\nbase_url = \"http://localhost:8080\"\n\
        [users.owner]\nheaders = { X-User = \"starter\", X-Tenant = \"one\" }\n[users.reader]\nheaders = { X-User = \"reader\" }\n\
        [initiate]\npath = \"/jobs\"\njson = {}\nheaders = { X-Region = \"eu\" }\nid = { pointer = \"/id\" }\n\
        [status]\nuser = \"reader\"\npath = \"/jobs/{id}\"\nheaders = { X-Region = \"us\", X-Trace = \"on\" }";
    let other = target(text);
    assert!(other.can().other_initiator);
    let sent = |route| {
        let request = other.status(&variables(), Caller::Owner, &accepted("j1"), route).expect("sendable");
        let mut headers = request.headers.clone();
        headers.sort();
        (request.url, headers.into_iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>())
    };
    let (url, plain) = sent(None);
    assert_eq!(plain, ["x-region: us", "x-trace: on", "x-user: reader"]);
    assert_eq!(
        sent(Some(Route::AsInitiator)),
        (url, ["x-region: eu", "x-tenant: one", "x-trace: on", "x-user: starter"].map(str::to_owned).to_vec())
    );
    let same = target(&text.replace("user = \"reader\"\n", "").replace("X-Region = \"us\", X-Trace = \"on\"", "X-Region = \"eu\""));
    assert!(!same.can().other_initiator);
}

#[test]
fn what_was_captured_is_encoded_in_paths_and_as_it_is_elsewhere() {
    let text = "name = 'x'\nbase_url = 'http://h'\n[[setup]]\npath = '/u'\ncapture = { part = { pointer = '/p' } }\n\
        [initiate]\npath = '/jobs/{part}'\nheaders = { X-Part = '{part}' }\njson = { id = '{id}', part = '{part}' }\nid = 'p-{uuid}'\n\
        [status]\npath = '/{part:raw}/{id}?n={n}'\n";
    let target = target(text);
    let before = variables();
    assert_eq!(target.initiate(&before), Err(RequestError::NotCaptured { name: "part".to_owned() }));
    let headers = headers(&[]);
    let reply = Reply { http: 200, headers: &headers, body: br#"{"p":"a/b c"}"# };
    let captured = target.read_setup(0, &reply, &before).expect("a good reply");
    let variables = Variables { captured, ..before };
    let initiate = target.initiate(&variables).expect("a request");
    assert_eq!(initiate.url, "http://h/jobs/a%2Fb%20c");
    assert!(initiate.headers.contains(&("x-part".to_owned(), "a/b c".to_owned())));
    assert_eq!(initiate.body, br#"{"id":"p-00ff","part":"a/b c"}"#);
    let accepted = target.before_acceptance(&variables).expect("the client's own id");
    assert_eq!(accepted.id, "p-00ff");
    let status = target.status(&variables, Caller::Owner, &accepted, None).expect("a request");
    assert_eq!(status.url, "http://h/a/b%20c/p-00ff?n=7");
}

#[test]
fn a_text_full_of_braces_is_sent_as_it_stands() {
    let text = "name = 'x'\nbase_url = 'http://h'\n[initiate]\npath = '/graphql'\nid = { pointer = '/data/id' }\n\
        json = { query = 'mutation { start { id } } ${HOME}', variables = { n = '{n}' } }\nverbatim = ['/query']\n\
        [status]\nmethod = 'POST'\npath = '/graphql'\njson = { query = 'query($id: ID!) {job(id: $id){id}}', variables = { id = '{id:raw}' } }\n\
        verbatim = ['/query']\n";
    let target = target(text);
    let initiate = target.initiate(&variables()).expect("a request");
    assert_eq!(initiate.body, br#"{"query":"mutation { start { id } } ${HOME}","variables":{"n":"7"}}"#);
    let status = target.status(&variables(), Caller::Owner, &accepted("j 1"), None).expect("a request");
    assert_eq!(status.body, br#"{"query":"query($id: ID!) {job(id: $id){id}}","variables":{"id":"j 1"}}"#);
}

#[test]
fn a_users_own_login_gives_what_its_headers_name() {
    let text = "name = 'x'\nbase_url = 'http://h'\n\
        [login]\npath = '/login'\njson = { user = 'ada' }\ncapture = { token = { pointer = '/token' } }\n\
        [users.owner]\nheaders = { Authorization = 'Bearer {token}' }\n\
        [users.foreign]\nheaders = { Authorization = 'Bearer {token}', X-Tenant = 'b' }\n\
        [users.foreign.login]\npath = '/other'\ncapture = { token = { pointer = '/token' } }\n\
        [initiate]\npath = '/jobs'\nid = { pointer = '/id' }\n[status]\npath = '/jobs/{id}'\nheaders = { X-Shared = '{token}' }\n";
    let target = target(text);
    assert_eq!(target.logins(), 2);
    assert_eq!((target.login_table(0), target.login_table(1)), ("[login]".to_owned(), "[users.foreign.login]".to_owned()));
    // It is sent as its user, without what it is yet to give.
    let login = target.login(1, &variables()).expect("a login").expect("sendable");
    assert_eq!((login.url.as_str(), header(&login, "x-tenant"), header(&login, "authorization")), ("http://h/other", Some("b"), None));
    let mut known = variables();
    for (nth, token) in [(0, "ada's"), (1, "mallory's")] {
        let body = format!("{{\"token\": \"{token}\"}}");
        let reply = Reply { http: 200, headers: &http::HeaderMap::new(), body: body.as_bytes() };
        known.captured = known.captured.with(&target.read_login(nth, &reply).expect("a login").captured);
    }
    for (caller, token) in [(Caller::Owner, "Bearer ada's"), (Caller::Foreign, "Bearer mallory's")] {
        let request = target.status(&known, caller, &accepted("j1"), None).expect("sendable");
        assert_eq!(header(&request, "authorization"), Some(token));
        assert_eq!(header(&request, "x-shared"), Some("ada's"), "elsewhere it is what all share");
    }
    let mut secrets = target.captured_secrets(&known.captured);
    secrets.sort();
    secrets.dedup();
    assert_eq!(secrets, ["ada's", "mallory's"]);
}

#[test]
fn a_dashed_uuid_is_the_same_in_all_requests_of_a_scan() {
    let text = "name = 'x'\nbase_url = 'http://h'\n[initiate]\nmethod = 'PUT'\npath = '/jobs/{id}'\nid = 'j-{uuid:dashed}'\n\
        [status]\npath = '/jobs/{id}?trace={uuid:dashed}'\n";
    let known = Variables { uuid: "6f1de3a1aaaa4bbb8ccc0123456789ab".to_owned(), ..variables() };
    let dashed = "6f1de3a1-aaaa-4bbb-8ccc-0123456789ab";
    let target = target(text);
    assert_eq!(target.initiate(&known).expect("sendable").url, format!("http://h/jobs/j-{dashed}"));
    let status = target.status(&known, Caller::Owner, &accepted("j-1"), None).expect("sendable");
    assert_eq!(status.url, format!("http://h/jobs/j-1?trace={dashed}"));
    // Without an `unknown_id`, one that was never issued looks like the client's own.
    assert_eq!(target.unknown(&known).expect("sendable").0, format!("j-{dashed}"));
}
