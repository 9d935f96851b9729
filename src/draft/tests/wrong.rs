//! Wrong inputs, and what is said about each.

use super::no_files;
use crate::draft::openapi::{self, DocumentOptions};
use crate::draft::pair::{PairOptions, of_commands, of_recording};
use crate::draft::{Draft, DraftError, commands, har};

fn of_text(text: &str) -> Result<Draft, DraftError> {
    let found = commands(text, &no_files)?;
    Draft::of(of_commands(&found.calls, PairOptions::default())?, None)
}

#[track_caller]
fn check(text: &str, result: Result<Draft, DraftError>, what: &str, way_out: &str) {
    let error = result.err().unwrap_or_else(|| panic!("{text:?} is taken"));
    assert!(error.what.contains(what), "{text:?}: no {what:?} in {:?}", error.what);
    assert!(error.hint.contains(way_out), "{text:?}: no {way_out:?} in {:?}", error.hint);
    assert!(!error.what.contains('\u{e000}') && error.what.len() < 400, "{:?}", error.what);
}

#[test]
fn every_wrong_command_is_refused_with_its_reason_and_a_way_out() {
    for (text, what, way_out) in [
        ("", "no curl command", "give two"),
        ("nc h 80", "no curl command", "give two"),
        ("{\"log\": {\"entries\": []}}", "an HTTP Archive", "--har"),
        ("openapi: 3.0.0", "an OpenAPI document", "--openapi"),
        ("curl 'h/x", "a quote is not closed", "whole command"),
        ("curl \"h/x", "a quote is not closed", "whole command"),
        ("curl $'h/x", "a quote is not closed", "whole command"),
        ("curl `h", "a quote is not closed", "whole command"),
        ("curl ^\"h/x", "a quote is not closed", "whole command"),
        ("curl -H", "--header has no value", "whole command"),
        ("curl -s", "no address", "whole command"),
        ("curl --frobnicate h/x", "option --frobnicate is not known", "leave it out"),
        ("curl -W h/x", "option -W is not known", "leave it out"),
        ("curl -d @body.json h/x", "reads the file `body.json`, which cannot be read", "--data-raw"),
        ("curl -d @- h/x", "reads standard input", "--data-raw"),
        ("curl -F h/x", "--form has no `=`", "name=content"),
        ("curl -F f=@a.png h/x", "cannot be read: no such file", "folder where the command works"),
        ("curl -b jar.txt h/x", "reads a cookie jar", "name=value"),
        ("curl -K opts h/x", "--config cannot be carried over", "write the options"),
        ("curl --resolve a:1:2 h/x", "--resolve cannot be carried over", "Host"),
        ("curl --unix-socket /s h/x", "--unix-socket cannot be carried over", "unix:"),
        ("curl -X 'A B' h/x", "`A B` is not an HTTP method", "whole command"),
        ("curl -H 'a b: c' h/x", "`a b` is not the name of a header", "whole command"),
        ("curl -d x h/x -H \"Authorization: $(cat token)\"\ncurl h/x/17", "takes what another command writes", "variable"),
        ("curl h/a\ncurl h/b", "all of them only read", "the POST that starts"),
        ("curl -d x h/a", "no command that asks for a job's status", "the GET"),
        ("curl -d x h/jobs\ncurl -d y h/look", "no part of `http://h/look` looks like a job's id", "--id-in-url"),
        ("curl -d x -H $'X-A: b\\nc' h/jobs\ncurl h/jobs/17", "`X-A` has characters that cannot be sent", "on one line"),
        ("curl -u bob -d x h/jobs\ncurl h/jobs/17", "--user `bob` has no password", "name:password"),
        ("curl --url-query @q -d x h/jobs\ncurl h/jobs/17", "command 1: curl's --url-query reads the file `q`", "--data-raw"),
        ("curl -d x h/jobs\ncurl wss://h/jobs/17", "`wss://h/jobs/17` is a WebSocket", "server-sent events"),
        ("curl ws://h/jobs\ncurl ws://h/jobs/17", "is a WebSocket", "the GET"),
        ("http POST h/jobs a=1\nhttp h/jobs/17", "commands of HTTPie are not read", "curl commands"),
        ("wget --post-data=x h/jobs", "commands of wget are not read", "curl commands"),
        ("$ websocat ws://h/jobs/17", "commands of websocat are not read", "curl commands"),
        ("curl h/login -d password=x\ncurl -d x h/jobs\ncurl h/jobs/17", "carry no credentials", "--calls"),
        ("curl -d x h/jobs\ncurl h/jobs/12345678/parts/87654321", "several parts", "--id-in-url 12345678"),
        ("curl -d x h/jobs\ncurl -d y h/jobs\ncurl h/jobs/17", "there are 3 commands", "--calls 1,3"),
        ("curl -d x a/jobs\ncurl b/jobs/17", "go to different servers: http://a and http://b", "same deployment"),
        ("curl -d x ftp://h/jobs\ncurl ftp://h/jobs/17", "only http and https", "address as it works"),
        ("curl -d x http://h:99999/jobs\ncurl http://h:99999/jobs/17", "is not an address", "address as it works"),
        ("curl -d x $BASE/jobs\ncurl $BASE/jobs/17", "has the variable $BASE in its host", "set BASE"),
        ("Invoke-WebRequest -Uri h -Body ($x | ConvertTo-Json)", "-body is computed", "Copy as cURL"),
        ("Invoke-WebRequest -Uri h -Certificate $c", "-certificate is not understood", "Copy as cURL"),
        ("Invoke-WebRequest -Uri", "-uri has no value", "whole command"),
        ("fetch(\"http://h\", {body: f()})", "fetch is not understood", "Copy as cURL"),
    ] {
        check(text, of_text(text), what, way_out);
    }
}

#[test]
fn a_header_without_a_colon_is_left_out_and_its_value_is_not_repeated() {
    let found = commands("curl -d x h/jobs -H 'Authorization s3cret-token'\ncurl h/jobs/17", &no_files).expect("two commands");
    assert!(found.calls[0].header("authorization").is_none());
    let [note] = found.left_out.as_slice() else { panic!("one note: {:?}", found.left_out) };
    assert!(note.contains("`Authorization…` has no colon") && !note.contains("s3cret"), "{note}");
}

#[test]
fn the_line_of_a_wrong_command_is_named() {
    for (text, line) in [
        ("# mine\n\ncurl http://h/a \\\n  -d x\ncurl -s \\\n  --frobnicate http://h/b\n", 5),
        ("curl -d x h/x\n\ncurl 'h/x", 3),
        ("curl -d 'x h/x\n\ncurl h/x\n", 1),
        ("curl -d x h/x; curl -s\n", 1),
        ("curl -d x h/x\nID=$(\n  curl -W h/y)\n", 3),
        ("curl -d 'a\nb' h/x && \\\n curl -b jar h/x/17", 3),
        ("curl -d x h/jobs\r\n\r\ncurl h/look -X POST -d y\r\n", 3),
        ("curl -d x h/jobs\ncurl ftp://h/jobs/17", 2),
        ("curl -d x a/jobs\ncurl b/jobs/17", 2),
        ("curl -d x h/jobs\ncurl -H $'X-A: b\\nc' h/jobs/17", 2),
        ("curl -d x h/jobs\ncurl h/jobs/12345678/parts/87654321", 2),
        ("curl ^\"h/a^\" ^\n  -d x\ncurl ^\"h/b^\" ^\n  --frobnicate", 3),
        ("curl ^\"h/a^\" ^\n  -d x\n\ncurl ^\"h/b", 4),
        ("$a = 1\nInvoke-WebRequest -Uri h `\n -Certificate $c", 2),
        ("\nInvoke-WebRequest -Uri \"h\n", 2),
        ("fetch(\"http://h\", {\"body\": \"x\\n\"});\n\nfetch(url)", 3),
    ] {
        let error = of_text(text).err().unwrap_or_else(|| panic!("{text:?} is taken"));
        assert_eq!(error.line, Some(line), "{text:?}: {}", error.what);
    }
}

#[test]
fn every_wrong_recording_and_document_is_refused_likewise() {
    let har_of =
        |text: &str| har::calls(text).and_then(|calls| of_recording(&calls, PairOptions::default())).and_then(|pair| Draft::of(pair, None));
    for (text, what, way_out) in [
        ("", "not an HTTP Archive", "Save all as HAR"),
        ("{\"log\": 7}", "not an HTTP Archive", "Save all as HAR"),
        ("{\"log\": {\"entries\": []}}", "none of the archive's 0 entries", "Save all as HAR"),
        ("{\"log\": {\"entries\": [7, {}]}}", "none of the archive's 2 entries", "Save all as HAR"),
        (
            "{\"log\": {\"entries\": [{\"request\": {\"method\": \"GET\", \"url\": \"http://h\"}}]}}",
            "no POST whose answer names",
            "record with the bodies",
        ),
    ] {
        check(text, har_of(text), what, way_out);
    }
    let document = |text: &str, operation: Option<&str>| {
        openapi::pair(text, DocumentOptions { operation, ..DocumentOptions::default() }).and_then(|pair| Draft::of(pair, None))
    };
    let jobs = "openapi: 3.0.0\nservers: [{url: 'http://h'}]\npaths:\n  /jobs: {post: {responses: {'202': {content: {a/json: {schema: {}}}}}}}\n  /jobs/{id}: {get: {}}\n";
    for (text, operation, what, way_out) in [
        ("{", None, "not an OpenAPI document", "3.0 or 3.1"),
        ("a: [", None, "not an OpenAPI document", "3.0 or 3.1"),
        ("hello", None, "no `openapi` version", "3.0 or 3.1"),
        ("openapi: '4.0'", None, "of version 4.0", "3.0 or 3.1"),
        ("swagger: '2.0'", None, "Swagger 2", "3.0 or 3.1"),
        ("openapi: 3.0.0\nservers: [{url: 'http://h'}]\npaths: {}", None, "no POST whose answer has an id", "--curl"),
        ("openapi: 3.0.0\nservers: [{url: '/v1'}]\npaths: {}", None, "`/v1` is not a complete address", "--base-url"),
        (
            "openapi: 3.0.0\nservers: [{url: 'http://h'}]\npaths: {/jobs: {post: {responses: {'202': {$ref: '#/x/y'}}}}}",
            None,
            "`$ref: #/x/y` at /paths/~1jobs/post/responses/202 leads nowhere",
            "--curl",
        ),
        (
            "openapi: 3.0.0\nservers: [{url: 'http://h'}]\npaths: {/jobs: {$ref: 'jobs.yaml'}}",
            None,
            "`$ref: jobs.yaml` at /paths/~1jobs is in another file",
            "--curl",
        ),
        (jobs, Some("other"), "no operation `other`", "it has: /jobs"),
    ] {
        check(text, document(text, operation), what, way_out);
    }
    assert!(document(jobs, None).is_ok());
}
