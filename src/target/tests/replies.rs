//! What a target makes of replies.

use super::super::{About, Reply, Target, Variables, WriteKind};
use super::{file, headers, status, target, variables};
use crate::model::answer::{Answer, State};

use Answer::{Malformed, NotFound, Refused, ServerError, Throttled, Visible};

/// A target that asks by path, with one `not_found` rule.
fn denies_when(when: &str) -> Target {
    target(&file(&format!("path = '/jobs/{{id}}'\n[[status.answer]]\nis = 'not_found'\nwhen = {{ {when} }}")))
}

#[test]
fn without_rules_the_code_decides() {
    let target = target(&file("path = '/jobs/{id}'"));
    for (http, answer) in [
        (200, Visible),
        (204, Visible),
        (299, Visible),
        (301, Malformed),
        (304, Malformed),
        (400, Malformed),
        (401, Refused),
        (403, Refused),
        (404, NotFound),
        (410, NotFound),
        (429, Throttled),
        (500, ServerError),
        (503, ServerError),
        (100, Malformed),
    ] {
        assert_eq!(status(&target, http, b"anything").answer, answer, "{http}");
    }
}

#[test]
fn a_redirect_to_another_address_says_that_the_scan_has_ended() {
    use State::{Failed, Succeeded};
    let states = "path = '/jobs/{id}'\nstate = { pointer = '/s' }\n[status.states]\nrunning = ['run']\nfailed = ['bad']";
    let check = |http, location: &[(&str, &str)], body: &[u8], answer, state, why: &str| {
        let target = target(&file(states));
        let headers = headers(location);
        let reading = target.read_status(&Reply { http, headers: &headers, body }, "j1");
        assert_eq!((reading.answer, reading.state), (answer, state), "{http} {location:?}");
        assert!(reading.reason.unwrap_or_default().contains(why), "{http} {location:?}");
    };
    let results =
        ["/jobs/j1/result", "http://localhost:8080/results/j1", "https://storage.example.com/a/b", "result", "/jobs/j12", "/jobs?of=j1"];
    for http in [302, 303, 307] {
        for location in results {
            check(http, &[("Location", location)], b"", Visible, Some(Succeeded), "");
        }
        check(http, &[("Location", "/results/j1")], br#"{"s":"bad"}"#, Visible, Some(Failed), "");
        check(http, &[], b"", Malformed, None, "without a Location");
    }
    for http in [301, 302, 303, 307, 308] {
        for own in ["/jobs/j1", "http://localhost:8080/jobs/j1/", "j1", "/jobs/%6a1"] {
            check(http, &[("Location", own)], b"", Malformed, None, "the address that was asked");
        }
        for login in ["/login?next=/jobs/j1", "https://accounts.example.com/x", "https://sso.example.com/", "/oauth2/authorize?x", "login"]
        {
            check(http, &[("Location", login)], b"", Malformed, None, "login page");
        }
        for above in ["/", "..", "/jobs", "/jobs/", "http://localhost:8080"] {
            check(http, &[("Location", above)], b"", Malformed, None, "not about one job");
        }
        for error in ["/not-found", "/errors/404.html", "/Error?code=7", "https://status.example.com/maintenance"] {
            check(http, &[("Location", error)], b"", Malformed, None, "an error page");
        }
        for moved in ["https://other.example.com/jobs/j1", "file:///etc/passwd", "http://[::1"] {
            check(http, &[("Location", moved)], b"", Malformed, None, "no redirect is followed");
        }
    }
    for http in [301, 308] {
        check(http, &[("Location", "/v2/jobs/j1?sig=secret")], b"", Malformed, None, "redirects to /v2/jobs/j1, ");
    }
    // A rule goes first.
    let ruled = target(&file("path = '/jobs/{id}'\n[[status.answer]]\nis = 'not_found'\nwhen = { http = 303 }"));
    let headers = headers(&[("Location", "/")]);
    assert_eq!(ruled.read_status(&Reply { http: 303, headers: &headers, body: b"" }, "j1").answer, NotFound);
}

#[test]
fn every_known_shape_of_a_denial_can_be_said() {
    for (when, http, denial, found) in [
        ("http = 404", 404, "{}", "{}"),
        ("pointer = '/status', equals = 'not_found'", 200, r#"{"status":"not_found"}"#, r#"{"status":"running"}"#),
        ("pointer = '/job', null = true", 200, r#"{"job":null}"#, r#"{"job":{}}"#),
        ("pointer = '/error', exists = true", 200, r#"{"error":{"code":7}}"#, r#"{"id":"j1"}"#),
        (
            "jsonpath = \"$.jobs[?@.id == '{id:raw}']\", exists = false",
            200,
            r#"{"jobs":[{"id":"j2"}]}"#,
            r#"{"jobs":[{"id":"j2"},{"id":"j1"}]}"#,
        ),
        ("pointer = '/state', equals = 'PENDING'", 200, r#"{"state":"PENDING"}"#, r#"{"state":"STARTED"}"#),
    ] {
        let target = denies_when(when);
        assert_eq!(status(&target, http, denial.as_bytes()).answer, NotFound, "{when}");
        assert_eq!(status(&target, 200, found.as_bytes()).answer, Visible, "{when}");
    }
}

#[test]
fn a_condition_holds_exactly_when_it_says() {
    let body = br#"{"a":null,"b":"","c":[],"d":{},"e":1,"f":"job j1","g":[1,{"x":2.0}],"h":"j1","j1":true,"big":9007199254740993}"#;
    for (when, holds) in [
        ("http = 200", true),
        ("http = [404, '2xx']", true),
        ("http = '200'", true),
        ("http = ['4xx', 500]", false),
        ("pointer = '/a', null = true", true),
        ("pointer = '/b', null = false", true),
        ("pointer = '/zz', null = true", false),
        ("pointer = '/zz', null = false", false),
        ("pointer = '/a', exists = true", true),
        ("pointer = '/zz', exists = false", true),
        ("pointer = '/b', empty = true", true),
        ("pointer = '/c', empty = true", true),
        ("pointer = '/d', empty = true", true),
        ("pointer = '/a', empty = true", false),
        ("pointer = '/f', empty = false", true),
        ("pointer = '/e', equals = 1", true),
        ("pointer = '/e', equals = 1.0", true),
        ("pointer = '/e', equals = '1'", false),
        ("pointer = '/big', equals = 9007199254740992", false),
        ("pointer = '/g', equals = [1, { x = 2 }]", true),
        ("pointer = '/g', equals = [1]", false),
        ("pointer = '/h', equals = '{id}'", true),
        ("pointer = '/{id:raw}', equals = true", true),
        ("pointer = '/h', one_of = ['x', '{id:raw}']", true),
        ("pointer = '/h', one_of = ['x', 'y']", false),
        ("pointer = '/f', matches = '^job \\w{2}$'", true),
        ("pointer = '/e', matches = '^1$'", true),
        ("pointer = '/f', matches = '^j1$'", false),
        ("pointer = '/f', matches = 'job', equals = 'job j1'", true),
        ("pointer = '/f', matches = 'job', equals = 'other'", false),
        ("http = 404, pointer = '/a', null = true", false),
        ("jsonpath = '$.*', equals = 1", true),
        ("jsonpath = '$.g[*].x', equals = 2", true),
        ("header = 'X-Status', equals = 'gone'", true),
        ("header = 'X-Status', matches = 'here'", false),
        ("header = 'X-Other', exists = false", true),
        ("body_matches = '\"big\":\\d+'", true),
        ("body_matches = 'nothing'", false),
        ("http = 200, body_matches = 'nothing'", false),
    ] {
        let target = denies_when(when);
        let headers = headers(&[("x-status", "gone")]);
        let reply = Reply { http: 200, headers: &headers, body };
        let expected = if holds { NotFound } else { Visible };
        assert_eq!(target.read_status(&reply, "j1").answer, expected, "{when}");
    }
}

#[test]
fn the_first_rule_that_holds_decides() {
    let target = target(&file(
        "path = '/{id}'\n\
         [[status.answer]]\nis = 'throttled'\nwhen = { pointer = '/e', equals = 1 }\n\
         [[status.answer]]\nis = 'refused'\nwhen = { pointer = '/e', exists = true }\n\
         [[status.answer]]\nis = 'error'\nwhen = { http = '2xx' }\n\
         [[status.answer]]\nis = 'visible'\nstate = 'running'\nwhen = { http = 404 }",
    ));
    assert_eq!(status(&target, 200, br#"{"e":1}"#).answer, Throttled);
    assert_eq!(status(&target, 500, br#"{"e":2}"#).answer, Refused);
    assert_eq!(status(&target, 200, b"{}").answer, ServerError);
    let reading = status(&target, 404, b"");
    assert_eq!((reading.answer, reading.state), (Visible, Some(State::Running)));
}

#[test]
fn absence_is_no_denial_in_a_reply_that_failed() {
    let absent = "jsonpath = \"$.jobs[?@.id == '{id:raw}']\", exists = false";
    let target = denies_when(absent);
    for (http, body, answer) in [
        (503, r#"{"error":"down"}"#, ServerError),
        (429, "{}", Throttled),
        (401, "{}", Refused),
        (200, "<html>", Visible),
        (200, "{}", NotFound),
    ] {
        assert_eq!(status(&target, http, body.as_bytes()).answer, answer, "{http} {body}");
    }
    let asked_for = denies_when(&format!("http = 500, {absent}"));
    assert_eq!(status(&asked_for, 500, b"{}").answer, NotFound);
}

#[test]
fn an_id_cannot_break_out_of_a_jsonpath() {
    let target = denies_when("jsonpath = \"$.jobs[?@.id == '{id:raw}']\", exists = false");
    let headers = headers(&[]);
    for id in ["x' || true || @.id == 'x", "a\\", "\"", "é😀", "a\u{0}b", "{n}", "a/b+c="] {
        let body = serde_json::json!({ "jobs": [{ "id": id }] }).to_string();
        let here = Reply { http: 200, headers: &headers, body: body.as_bytes() };
        assert_eq!(target.read_status(&here, id).answer, Visible, "{id}");
        let absent = Reply { http: 200, headers: &headers, body: br#"{"jobs":[{"id":"other"}]}"# };
        assert_eq!(target.read_status(&absent, id).answer, NotFound, "{id}");
    }
}

#[test]
fn a_visible_reply_tells_state_progress_and_id() {
    let target = target(&file(
        "path = '/{id}'\nstate = { pointer = '/s' }\necho = { pointer = '/id' }\nprogress = { pointer = '/p' }\n\
         [status.states]\nrunning = ['busy', '2']\nsucceeded = ['done']\nfailed = ['dead']",
    ));
    for (body, answer, state, word, progress, echo) in [
        (r#"{"s":"busy","p":12.5,"id":"j1"}"#, Visible, Some(State::Running), Some("busy"), Some(12.5), Some("j1")),
        (r#"{"s":"done","p":"100 %","id":7}"#, Visible, Some(State::Succeeded), Some("done"), Some(100.0), Some("7")),
        (r#"{"s":2,"p":"many","id":null}"#, Visible, Some(State::Running), Some("2"), None, None),
        (r#"{"s":"odd","p":"inf"}"#, Visible, Some(State::Unknown), Some("odd"), None, None),
        (r#"{"s":null}"#, Visible, Some(State::Unknown), None, None, None),
        ("{}", Visible, Some(State::Unknown), None, None, None),
        ("<html>", Malformed, None, None, None, None),
        ("", Malformed, None, None, None, None),
        ("\u{feff}{\"s\":\"dead\"}", Visible, Some(State::Failed), Some("dead"), None, None),
    ] {
        let reading = status(&target, 200, body.as_bytes());
        assert_eq!(
            (reading.answer, reading.state, reading.word.as_deref(), reading.progress, reading.echo.as_deref()),
            (answer, state, word, progress, echo),
            "{body}"
        );
        let explained = reading.reason.is_some();
        assert_eq!(explained, !matches!(state, Some(State::Running | State::Succeeded | State::Failed)), "{body}");
    }
}

#[test]
fn deep_broken_and_binary_bodies_are_malformed_and_nothing_worse() {
    let target =
        target(&file("path = '/{id}'\nstate = { pointer = '/s' }\n[[status.answer]]\nis = 'not_found'\nwhen = { body_matches = 'gone' }"));
    let deep = "[".repeat(200_000);
    for body in [deep.as_bytes(), b"\xff\xfe\x00", b"{\"s\":", b"{\"s\":\"\xff\"}", b"NaN"] {
        assert_eq!(status(&target, 200, body).answer, Malformed);
    }
    assert_eq!(status(&target, 200, b"\xff gone \xfe").answer, NotFound);
}

#[test]
fn a_list_may_have_ids_that_are_numbers() {
    let target = denies_when("jsonpath = '$.jobs[?@.id == {id:raw}]', exists = false");
    let headers = headers(&[]);
    for (id, answer) in [("7", Visible), ("8", NotFound), ("07", NotFound), ("a'b", Visible), ("x] || [", NotFound)] {
        let reply = Reply { http: 200, headers: &headers, body: br#"{"jobs":[{"id":7},{"id":"a'b"}]}"# };
        assert_eq!(target.read_status(&reply, id).answer, answer, "{id}");
    }
}

#[test]
fn the_cancels_effect_is_read_from_status_replies() {
    let cancel = "[cancel]\npath = '/{id}/cancel'\nseen_when = { pointer = '/s', equals = 'cancelled' }";
    let target = target(&file(&format!("path = '/{{id}}'\nstate = {{ pointer = '/s' }}\n{cancel}")));
    let headers = headers(&[]);
    for (http, body, seen) in [
        (200, r#"{"s":"cancelled"}"#, Some(true)),
        (200, r#"{"s":"busy"}"#, Some(false)),
        (404, "", Some(false)),
        (503, "", None),
        (429, "{}", None),
        (200, "<html>", None),
    ] {
        let reply = Reply { http, headers: &headers, body: body.as_bytes() };
        assert_eq!(target.read_write_seen(WriteKind::Cancel, &reply, "j1"), seen, "{http} {body}");
    }
    let without = super::target(&file("path = '/{id}'"));
    assert_eq!(without.read_write_seen(WriteKind::Cancel, &Reply { http: 200, headers: &headers, body: b"{}" }, "j1"), None);
}

#[test]
fn an_update_and_a_delete_are_read_from_status_replies() {
    let writes = "[update]\npath = '/{id}'\nseen_when = { pointer = '/name', equals = 'after' }\n[delete]\npath = '/{id}'";
    let target = target(&file(&format!("path = '/{{id}}'\n{writes}")));
    let headers = headers(&[]);
    for (http, body, updated, deleted) in [
        (200, r#"{"name":"after"}"#, Some(true), Some(false)),
        (200, r#"{"name":"before"}"#, Some(false), Some(false)),
        (404, "", Some(false), Some(true)),
        (410, "", Some(false), Some(true)),
        (500, "", None, None),
    ] {
        let reply = Reply { http, headers: &headers, body: body.as_bytes() };
        let seen = |write| target.read_write_seen(write, &reply, "j1");
        assert_eq!((seen(WriteKind::Update), seen(WriteKind::Delete)), (updated, deleted), "{http} {body}");
    }
}

#[test]
fn a_pointer_leads_where_the_library_says() {
    let body = r#"{"": "e", "a": "x", "a/b": "y", "m~n": "z", "~1": "w", "0": "k", "list": ["p", ["q"], "r"]}"#;
    let json: serde_json::Value = serde_json::from_str(body).expect("JSON");
    let pointers = [
        "/",
        "/a",
        "/a~1b",
        "/m~0n",
        "/~01",
        "/0",
        "/b",
        "/a/b",
        "/list/0",
        "/list/2",
        "/list/3",
        "/list/1/0",
        "/list/00",
        "/list/01",
        "/list/+0",
        "/list/-",
        "/list/",
        "/list/1~10",
        "/list/99999999999999999999",
    ];
    let mut found = 0;
    for pointer in pointers {
        let target = target(&file(&format!("path = '/{{id}}'\nstate = {{ pointer = '{pointer}' }}")));
        let expected = json.pointer(pointer).and_then(serde_json::Value::as_str);
        assert_eq!(status(&target, 200, body.as_bytes()).word.as_deref(), expected, "{pointer}");
        found += usize::from(expected.is_some());
    }
    assert_eq!(found, 9);
}

#[test]
fn a_rule_may_ask_for_several_places_and_for_what_is_the_scans_own() {
    let rule = |when: &str| target(&file(&format!("path = '/{{id}}'\n[[status.answer]]\nis = 'not_found'\nwhen = {{ {when} }}")));
    let several = rule("http = 200, all = [{ header = 'X-State', equals = 'ok' }, { pointer = '/id', exists = false }]");
    for (state, body, answer) in [("ok", "{}", NotFound), ("ok", r#"{"id":1}"#, Visible), ("no", "{}", Visible)] {
        let headers = headers(&[("X-State", state)]);
        assert_eq!(
            several.read_status(&Reply { http: 200, headers: &headers, body: body.as_bytes() }, "j1").answer,
            answer,
            "{state} {body}"
        );
    }
    let absent = rule("all = [{ pointer = '/id', exists = false }]");
    assert_eq!(status(&absent, 503, b"{}").answer, ServerError, "absence alone passes over errors");
    assert_eq!(status(&absent, 200, b"{}").answer, NotFound);
    let own = rule("http = 200, jsonpath = \"$.jobs[?@.marker == '{uuid}']\", exists = false");
    let headers = headers(&[]);
    let reply = Reply { http: 200, headers: &headers, body: br#"{"jobs":[{"marker":"00ff"}]}"# };
    let of = |uuid: &str| Variables { uuid: uuid.to_owned(), ..variables() };
    assert_eq!(own.read_status(&reply, About::scan("j1", &of("00ff"))).answer, Visible);
    assert_eq!(own.read_status(&reply, About::scan("j1", &of("11ee"))).answer, NotFound);
    assert_eq!(own.read_status(&reply, "j1").answer, Malformed, "a recording does not tell");
}
