//! Wrong files are told with their place and a way out; right ones say what can be assessed.

use super::super::{REFERENCE, TEMPLATE};
use super::{file, read, target};

/// A file that must be refused: the line it points to, a part of the message, a part of the hint.
fn refused(text: &str, line: &str, message: &str, hint: &str) {
    let error = read(text).expect_err(message);
    let shown = error.to_string();
    assert!(error.message.contains(message), "{shown}");
    assert!(error.hint.as_deref().unwrap_or_default().contains(hint), "{shown}");
    let place = error.place.unwrap_or_else(|| panic!("no place: {shown}"));
    assert!(place.text.contains(line), "{shown}");
}

#[test]
fn a_wrong_status_table_is_told_with_its_place_and_a_way_out() {
    let path = "path = '/jobs/{id}'\n";
    for (status, line, message, hint) in [
        ("path = '/jobs'", "path = '/jobs'", "which scan", "{id}"),
        ("path = 'jobs/{id}'", "path = 'jobs", "slash", "base_url"),
        ("path = '/a/../{id}'", "'/a/../", "cannot be sent", ".."),
        ("path = '/{uid}'", "/{uid}", "unknown template `{uid}`", "did you mean `{uuid}`"),
        ("path = '/{id}/{'", "/{id}/{", "lone `{`", "twice"),
        ("path = '/${NONE}/{id}'", "NONE", "`NONE` is not set", "${NONE:-"),
        ("path = '/${TOKEN/{id}'", "TOKEN", "not a whole", "${TOKEN}"),
        ("pth = '/jobs/{id}'", "pth", "unknown field `pth`", "did you mean `path`"),
        ("state = { pointer = '/s' }", "[status]", "nothing to ask", "follow"),
        ("path = '/{id}'\nmethod = 'get'", "'get'", "not an HTTP method", "GET"),
        ("path = '/{id}'\nuser = 'admn'\n[users.admin]", "'admn'", "no user `admn`", "did you mean `admin`"),
        ("path = '/{id}'\nuser = 'x'", "'x'", "no user `x`", "[users.x]"),
        ("path = '/{id}'\nbody = ''\nform = {}", "[status]", "more than one of", "one body"),
        ("path = '/{id}'\nlong_poll = '0s'", "'0s'", "not a long poll", "remove it"),
        ("path = '/{id}'\nlong_poll = '1h'", "'1h'", "more than 10 minutes", "30s"),
        ("path = '/{id}'\nlong_poll = 'long'", "'long'", "not a length of time", ""),
        ("path = '/{id}'\n[witness]\npath = '/w/{id}'\nlong_poll = '3s'", "'3s'", "only status requests", "[status]"),
        ("path = '/{id}'\nfollow_other_origins = true", "true", "no address is followed", "follow ="),
        ("path = '/{id}'\nheaders = { 'a b' = '' }", "a b", "not a header name", "dashes"),
        ("path = '/{id}'\nheaders = { a = '', A = '' }", "headers", "given twice", "keep one"),
        ("path = '/{id}'\nheaders = { a = \"x\\n\" }", "headers", "no header may have", "newline"),
        ("path = '/{id}'\nstate = { pointer = 's' }", "'s'", "begins with a slash", "/jobs/0/id"),
        ("path = '/{id}'\nstate = { pointer = '/~2' }", "~2", "followed by `0` or `1`", "~1"),
        ("path = '/{id}'\nstate = { jsonpath = '$.jobs.{id:raw}' }", "$.jobs.", "not a JSONPath", "'{id:raw}'"),
        ("path = '/{id}'\nstate = { jsonpath = '$[' }", "$[", "not a JSONPath", "RFC 9535"),
        ("path = '/{id}'\nstate = { }", "state", "no place", "pointer"),
        ("path = '/{id}'\nstate = { pointer = '', header = 'a' }", "state", "more than one of", "one place"),
        ("path = '/{id}'\nstate = { header = 'a', pattern = '(' }", "'('", "not a regular expression: unclosed group", "\\("),
        ("path = '/{id}'\n[status.states]\nrunning = ['a']", "states", "where a reply has its state", "state ="),
        (
            "path = '/{id}'\nstate = { pointer = '/s' }\n[status.states]\nrunning = ['a']\nfailed = ['a']",
            "failed = ['a']",
            "also listed as running",
            "one state",
        ),
    ] {
        refused(&file(status), line, message, hint);
    }
    for (when, line, message, hint) in [
        ("http = 99", "http = 99", "expected an HTTP code", ""),
        ("http = 'many'", "many", "expected an HTTP code", ""),
        ("http = []", "[]", "expected an HTTP code", ""),
        ("http = 404, equals = 1", "when", "no place is named", "pointer"),
        ("pointer = '/a'", "when", "nothing is asked", "exists"),
        ("pointer = '/a', one_of = []", "[]", "one of none", "list"),
        ("pointer = '/a', matches = '['", "'['", "not a regular expression", "\\."),
        ("pointer = '/a', equals = '{user}'", "{user}", "no value here", "{id}"),
        ("pointer = '/a', equals = nan", "nan", "JSON has no number", "text"),
        ("", "when", "every reply", "http"),
    ] {
        let text = file(&format!("{path}[[status.answer]]\nis = 'not_found'\nwhen = {{ {when} }}"));
        refused(&text, line, message, hint);
    }
    let text = file(&format!("{path}[[status.answer]]\nis = 'not_found'\nstate = 'failed'\nwhen = {{ http = 404 }}"));
    refused(&text, "state = 'failed'", "only a visible scan", "visible");
}

#[test]
fn what_is_far_off_is_told_in_the_words_of_the_file() {
    let head = "name = 'x'\nbase_url = 'http://h'\n";
    let rest = "[initiate]\npath = '/jobs'\nid = { pointer = '/id' }\n[status]\npath = '/{id}'\n";
    for (text, message, hint) in [
        (format!("url = 'x'\n{head}{rest}"), "unknown field `url`", "`base_url`"),
        (format!("{head}{rest}[auth]\ntoken = 'x'"), "unknown field `auth`", "[users.owner]"),
        (format!("{head}{rest}[poll]\npath = '/x'"), "unknown field `poll`", "[status]"),
        (format!("{head}{rest}url = '/x'"), "unknown field `url`", "path = "),
        (format!("{head}{rest}state = 'status'"), "a place such as", "{ pointer = \"/status\" }"),
        (format!("{head}{rest}state = 'data.status'"), "a place such as", "{ pointer = \"/data/status\" }"),
        (format!("{head}{rest}state = '$.status'"), "a place such as", "{ jsonpath = \"$.status\" }"),
        (format!("{head}{rest}follow = '/url'"), "a place such as", "{ pointer = \"/url\" }"),
        (format!("{head}{rest}[webhook]\nurl = 'x'"), "unknown field `webhook`", "webhooks are not received"),
        (format!("{head}{rest}events = true"), "unknown field `events`", "server-sent events"),
        (format!("{head}{rest}headers = 'a: b'"), "a table", ""),
        (format!("{head}{rest}[[status.answer]]\nis = 'not_found'\nwhen = 404"), "conditions such as", ""),
    ] {
        let error = read(&text).expect_err(&text);
        let shown = error.to_string();
        assert!(shown.contains(message) && error.hint.unwrap_or_default().contains(hint), "{shown}");
        assert!(!shown.contains("struct ") && !shown.contains("File"), "no word of the program's own: {shown}");
    }
}

#[test]
fn wrong_steps_and_captures_are_told_with_their_place_and_a_way_out() {
    let small = file("path = '/jobs/{id}'");
    let with_id = |id: &str| small.replace("id = { pointer = '/id' }", id);
    for (text, line, message, hint) in [
        (format!("{small}[[setup]]\npath = '/u/{{x}}'"), "/u/{x}", "unknown template `{x}`", "`{uuid}`"),
        (
            format!("{small}[[setup]]\npath = '/u'\ncapture = {{ id = {{ pointer = '/x' }} }}"),
            "pointer = '/x'",
            "has a meaning already",
            "another name",
        ),
        (format!("{small}[[setup]]\npath = '/u'\ncapture = {{ a-b = {{ pointer = '/x' }} }}"), "a-b", "not a name", "letters"),
        (format!("{small}[login]\npath = '/l'\ncapture = {{}}"), "capture", "changes no request", "access_token"),
        (with_id("id = 'job'"), "'job'", "every scan would have the id", "{uuid}"),
        (with_id("id = '{uuid}'"), "'{uuid}'", "does not carry it", "{id}"),
        (with_id("id = { pointer = '/id' }\norphan = true"), "true", "no id that could be asked for", "{uuid}"),
        (format!("{small}ask_before = true"), "true", "no id to ask for", "{uuid}"),
        (format!("{small}pages = {{ next = {{ pointer = '/n' }}, most = 1 }}"), "1", "1 pages", "2 to 100"),
        (format!("{small}base_url = 'unix:/x'"), "unix", "only the `base_url` at the top", "http://"),
        (format!("{small}[results]\npath = '/r/{{id}}'\nconditional = true"), "true", "belongs to [status]", "remove it"),
        (format!("{small}[slo]\nvisible = 'fast'"), "'fast'", "not an objective", "p99 <= 200ms"),
        (format!("noun = 'job#'\n{small}"), "'job#'", "letters only", "noun ="),
        (
            small.replace("path = '/jobs'\n", "path = '/jobs'\njson = { q = '{{' }\nverbatim = ['/p']\n"),
            "'/p'",
            "no text at `/p`",
            "/query",
        ),
        (format!("{small}[update]\npath = '/jobs'\nseen_when = {{ http = 200 }}"), "'/jobs'", "which scan the update is for", "{id}"),
    ] {
        refused(&text, line, message, hint);
    }
}

#[test]
fn a_wrong_table_elsewhere_is_told_with_its_place_and_a_way_out() {
    let status = "[status]\npath = '/{id}'\n";
    let head = "name = 'x'\nbase_url = 'http://h'\n";
    let initiate = "[initiate]\npath = '/'\nid = { pointer = '/id' }\n";
    for (text, line, message, hint) in [
        (format!("{head}[initiate]\npath = '/{{id}}'\nid = {{ pointer = '' }}\n{status}"), "/{id}", "no value here", "after the initiate"),
        (format!("{head}{initiate}accept = 'ok'\n{status}"), "ok", "expected an HTTP code", ""),
        (format!("name = 'x'\nbase_url = 'ftp://h'\n{initiate}{status}"), "ftp", "only http", "base_url"),
        (format!("name = 'x'\nbase_url = 'h:80'\n{initiate}{status}"), "h:80", "only http", "base_url"),
        (format!("name = 'x'\nbase_url = 'http://u:p@h'\n{initiate}{status}"), "u:*", "credentials", "base_url"),
        (format!("name = 'x'\nbase_url = 'http://h?q'\n{initiate}{status}"), "?q", "query", "base_url"),
        (format!("{head}{initiate}{status}[cancel]\npath = '/c'\nseen_when = {{ http = 200 }}"), "'/c'", "which scan", "{id}"),
        (format!("{head}{initiate}{status}[filler]\npath = '/{{id}}'"), "/{id}", "no value here", "id"),
        (format!("{head}{initiate}{status}[users.foreign]"), "[users.foreign]", "same headers", "of its own"),
        (format!("{head}{initiate}{status}[users.owner]\nheaders = {{ a = '{{id}}' }}"), "headers", "no value here", "id"),
    ] {
        refused(&text, line, message, hint);
    }
}

#[test]
fn the_shipped_files_are_valid_and_can_assess_everything() {
    for (name, text) in [("reference", REFERENCE), ("template", TEMPLATE)] {
        let target = target(text);
        let can = target.can();
        assert!(
            can.foreign_user && can.witness && can.results && can.cancel && can.echo && can.states && can.handed_out,
            "{name}: {can:?}"
        );
        assert_eq!(target.source_text(), text);
    }
}

#[test]
fn the_smallest_file_can_assess_nothing_beyond_status() {
    assert_eq!(target(&file("path = '/jobs/{id}'")).can(), crate::model::run::Capabilities::default());
}

#[test]
fn an_address_alone_is_the_reference_contract_there() {
    let target = super::Target::reference("https://scans.example:8443/v/", &|_| None).expect("an address");
    assert_eq!(target.base_url(), "https://scans.example:8443/v");
    assert!(target.source_text().contains("https://scans.example:8443/v"));
    let wrong = super::Target::reference("scans.example", &|_| None).expect_err("no scheme");
    assert!(wrong.to_string().contains("http://127.0.0.1:8080"), "{wrong}");
}

#[test]
fn values_from_the_environment_never_change_the_structure() {
    let target = target(&file("path = '/jobs/{id}'\nheaders = { X-Odd = '${BRACES}', X-Default = '${EMPTY:-d}' }"));
    let request = target.status(&super::variables(), super::super::Caller::Owner, &super::accepted("j1"), None).expect("sendable");
    let find = |name: &str| request.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    assert_eq!(find("x-odd"), Some("{id} ${TOKEN} \""));
    assert_eq!(find("x-default"), Some("d"));
}

#[test]
fn secrets_are_what_came_from_the_environment_or_says_who_asks() {
    let target = target(
        "name = 'x'\nbase_url = 'http://h'\n[users.owner]\nheaders = { Authorization = 'Bearer literal-token', X-Plain = 'plain-value', Cookie = 'id={uuid}' }\n\
         [initiate]\npath = '/?key=${TOKEN}'\nbody = '${BRACES}'\nid = { pointer = '/id' }\n[status]\npath = '/{id}'",
    );
    assert_eq!(target.secrets(), ["Bearer literal-token", "{id} ${TOKEN} \"", "literal-token", "s3cret-token"]);
    assert!(!target.source_text().contains("s3cret-token"));
}

#[test]
fn what_a_run_notes_of_the_status_endpoint_is_what_the_file_says() {
    let written = target(&file("path = '/{id}'\nlong_poll = '1500ms'\nstate = { pointer = '/s' }\necho = { header = 'X-Id' }"));
    let note = written.status_note();
    assert_eq!(note.state.as_deref(), Some("`/s`"));
    assert_eq!(note.echo.as_deref(), Some("the header `x-id`"));
    assert_eq!(note.progress, None);
    assert_eq!(note.long_poll.map(|held| held.0.as_millis()), Some(1500));
    assert_eq!(target(&file("path = '/{id}'")).long_poll(), std::time::Duration::ZERO);
}
