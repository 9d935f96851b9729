//! Commands, as browsers, shells and people write them.

use super::{calls, draft, no_files, pair};
use crate::draft::curl as reader;
use crate::draft::pair::{PairOptions, of_recording};
use crate::draft::{Filling, SourceKind, commands, har, kind_of};
use crate::model::call::Call;

#[track_caller]
fn check(text: &str, method: &str, url: &str, headers: &[(&str, &str)], body: Option<&str>) {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let (method, url, body) = (method.to_owned(), url.to_owned(), body.map(str::to_owned));
    let found: Vec<Call> = calls(text).into_iter().map(|call| Call { line: None, ..call }).collect();
    assert_eq!(found, [Call { method, url, headers, body, ..Call::default() }], "{text}");
}

const JSON: (&str, &str) = ("Content-Type", "application/json");
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

#[test]
fn a_curl_command_is_read_in_every_quoting() {
    let url = "http://h/jobs";
    let body = Some(r#"{"a": "it's \"b\""}"#);
    for text in [
        // bash, as people write it
        "curl http://h/jobs -H 'Content-Type: application/json' -d '{\"a\": \"it'\\''s \\\"b\\\"\"}'",
        // bash, as Chrome copies it where a text holds a quote
        "curl 'http://h/jobs' \\\n  -H 'Content-Type: application/json' \\\n  --data-raw $'{\"a\": \"it\\'s \\\\\"b\\\\\"\"}' \\\n  --compressed",
        // double quotes
        "curl \"http://h/jobs\" -H \"Content-Type: application/json\" --data \"{\\\"a\\\": \\\"it's \\\\\\\"b\\\\\\\"\\\"}\"",
        // cmd, as Chrome copies it
        "curl ^\"http://h/jobs^\" ^\r\n  -H ^\"Content-Type: application/json^\" ^\r\n  --data-raw ^\"^{^\\^\"a^\\^\": ^\\^\"it's ^\\\\^\\^\"b^\\\\^\\^\"^\\^\"^}^\"",
        // PowerShell
        "curl.exe http://h/jobs `\n -H 'Content-Type: application/json' `\n -d '{\"a\": \"it''s \\\"b\\\"\"}'",
        // with a prompt, and with what comes after it
        "$ curl -sS http://h/jobs -H 'Content-Type: application/json' -d '{\"a\": \"it'\\''s \\\"b\\\"\"}' | jq .",
    ] {
        check(text, "POST", url, &[JSON], body);
    }
    check("curl $'http://h/\\u00fc?\\x41=\\101'", "GET", "http://h/ü?A=A", &[], None);
}

#[test]
fn options_change_the_request_as_curl_says() {
    check("curl h/x", "GET", "http://h/x", &[], None);
    check("curl -X PUT h/x", "PUT", "http://h/x", &[], None);
    check("curl -XDELETE h/x", "DELETE", "http://h/x", &[], None);
    check("curl -I h/x", "HEAD", "http://h/x", &[], None);
    check("curl -d a=1 -d b=2 h/x", "POST", "http://h/x", &[FORM], Some("a=1&b=2"));
    check("curl -G -d a=1 --data-urlencode 'b=x y' h/x", "GET", "http://h/x?a=1&b=x%20y", &[], None);
    check("curl -Gd a=1 'h/x?c=2'", "GET", "http://h/x?c=2&a=1", &[], None);
    check("curl --json '{}' h/x", "POST", "http://h/x", &[JSON, ("Accept", "application/json")], Some("{}"));
    check("curl -u bob:pw h/x", "GET", "http://h/x", &[("Authorization", "Basic Ym9iOnB3")], None);
    check("curl --oauth2-bearer t h/x", "GET", "http://h/x", &[("Authorization", "Bearer t")], None);
    check("curl -b 'a=1; b=2' h/x", "GET", "http://h/x", &[("Cookie", "a=1; b=2")], None);
    check("curl -sSLko out.json --max-time 5 --url h/x", "GET", "http://h/x", &[], None);
    check("curl -H 'X-Empty:' -H 'X-Y:  z ' h/x", "GET", "http://h/x", &[("X-Y", "z")], None);
    check("curl -A me -e h/y h/x", "GET", "http://h/x", &[("User-Agent", "me"), ("Referer", "h/y")], None);
    let multipart = calls("curl -F a=1 -F 'b=x y' h/x");
    assert_eq!(multipart[0].method, "POST");
    assert!(multipart[0].header("content-type").is_some_and(|kind| kind.starts_with("multipart/form-data; boundary=")));
    assert_eq!(multipart[0].body.as_deref().map(|body| body.matches("Content-Disposition").count()), Some(2));
}

#[test]
fn several_commands_stand_in_lines_and_after_separators() {
    for text in
        ["curl h/a -d x\ncurl h/b", "curl h/a -d x; curl h/b", "curl h/a -d x && curl h/b", "# a note\ncurl h/a -d x\n\n  curl h/b\n"]
    {
        let urls: Vec<String> = calls(text).into_iter().map(|call| call.url).collect();
        assert_eq!(urls, ["http://h/a", "http://h/b"], "{text}");
    }
    // `;` and `&` within quotes end nothing.
    assert_eq!(calls("curl 'h/a?x=1&y=2;3'")[0].url, "http://h/a?x=1&y=2;3");
}

#[track_caller]
fn id_of(text: &str) -> Result<String, String> {
    // A placeholder stands where no id is known.
    pair(text).map(|pair| pair.id.unwrap_or_else(|| "–".to_owned())).map_err(|error| error.what)
}

#[test]
fn the_id_is_found_in_the_second_command() {
    let uuid = "6f1de3a1-aaaa-4bbb-8ccc-0123456789ab";
    for (status, id) in [
        (format!("h/v1/renders/{uuid}"), uuid),
        (format!("h/v1/renders/{uuid}/status?verbose=1"), uuid),
        (format!("h/v1/status?render_id={uuid}"), uuid),
        ("h/v1/renders/17".to_owned(), "17"),
        ("h/v1/renders/scan_0123456789abcdef".to_owned(), "scan_0123456789abcdef"),
        ("h/v1/renders/%7Bid%7D".to_owned(), "–"),
        ("'h/v1/renders/<id>'".to_owned(), "–"),
        ("h/v1/renders/$ID".to_owned(), "–"),
        ("\"h/v1/renders/${RENDER_ID}/status\"".to_owned(), "–"),
        ("h/v1/renders/urn%3Ajob%3A7".to_owned(), "urn:job:7"),
        ("h/v1/renders/plain-name".to_owned(), "plain-name"),
    ] {
        assert_eq!(id_of(&format!("curl -d x h/v1/renders\ncurl {status}")), Ok(id.to_owned()), "{status}");
    }
    // A request that names no job asks for a list.
    assert!(pair("curl -d x h/jobs\ncurl h/jobs").is_ok_and(|pair| pair.asks_for_a_list()));
    assert!(pair("curl -d x h/schedule\ncurl h/list?project=shop").is_ok_and(|pair| pair.asks_for_a_list()));
    assert!(id_of("curl -d x h/jobs\ncurl -d y h/look").is_err_and(|error| error.contains("looks like a job's id")));
    assert!(id_of("curl h/a\ncurl h/b").is_err_and(|error| error.contains("only read")));
    assert!(id_of("curl -d x h/a").is_err_and(|error| error.contains("asks for a job's status")));
    let two = format!("curl -d x h/jobs\ncurl h/{uuid}/jobs/{}", uuid.replace("6f1d", "7777"));
    assert!(id_of(&two).is_err_and(|error| error.starts_with("several parts")));
}

#[test]
fn the_id_is_found_in_bodies_of_json() {
    let rpc = |params: &str| format!("curl h/rpc -d '{{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"get\",\"params\":{params}}}'");
    let start = rpc("{\"kind\":\"backup\"}").replace("get", "start");
    for (params, id, marked) in [
        ("{\"job\":\"job-1004\"}", "job-1004", "\"job\":\"\u{e003}\""),
        ("{\"id\":1004}", "1004", "\"params\":{\"id\":\u{e003}}"),
        ("[\"6f1de3a1aaaa4bbb8ccc0123456789ab\"]", "6f1de3a1aaaa4bbb8ccc0123456789ab", "[\"\u{e003}\"]"),
    ] {
        let pair = pair(&format!("{start}\n{}", rpc(params))).unwrap_or_else(|error| panic!("{params}: {error}"));
        assert_eq!(pair.id.as_deref(), Some(id), "{params}");
        assert!(pair.status.body.as_ref().is_some_and(|body| body.contains(marked) && body.contains("\"id\":2")), "{pair:?}");
    }
    let inline = "curl h/graphql --json '{\"query\": \"mutation { start { id } }\"}'\n\
        curl h/graphql --json '{\"query\": \"{ job(id: \\\"8c0e2c6e-1d2a-4f0a-9d4f-0a1b2c3d4e5f\\\") { id status } }\"}'";
    assert_eq!(id_of(inline), Ok("8c0e2c6e-1d2a-4f0a-9d4f-0a1b2c3d4e5f".to_owned()));
}

#[test]
fn a_recording_gives_the_post_whose_answer_names_what_is_polled() {
    let entry = |method: &str, url: &str, status: u16, body: &str| {
        let body = serde_json::Value::from(body);
        format!(
            r#"{{"request":{{"method":"{method}","url":"{url}","headers":[]}},"response":{{"status":{status},"headers":[],"content":{{"text":{body}}}}}}}"#
        )
    };
    let entries = [
        entry("POST", "http://h/login", 200, r#"{"session":"ab12cd34ef"}"#),
        entry("POST", "http://h/jobs", 202, r#"{"job":{"id":"9f8e7d6c5b"}}"#),
        entry("GET", "http://h/assets/app.js", 200, "x"),
        entry("GET", "http://h/jobs/9f8e7d6c5b", 404, "{}"),
        entry("GET", "http://h/jobs/9f8e7d6c5b", 200, "{}"),
        entry("GET", "http://h/jobs/9f8e7d6c5b/result", 200, "{}"),
        "{\"request\": 7}".to_owned(),
    ];
    let archive = format!("\u{feff}{{\"log\":{{\"entries\":[{}]}}}}", entries.join(","));
    assert_eq!(kind_of(&archive), Some(SourceKind::Har));
    let pair = of_recording(&har::calls(&archive).expect("an archive"), PairOptions::default()).expect("a pair");
    assert_eq!((pair.initiate.url.as_str(), pair.id.as_deref()), ("http://h/jobs", Some("9f8e7d6c5b")));
    assert_eq!(pair.status.url, "http://h/jobs/\u{e003}");
    let alone = format!("{{\"log\":{{\"entries\":[{}]}}}}", entries[0]);
    assert!(of_recording(&har::calls(&alone).expect("an archive"), PairOptions::default()).is_err());
    assert!(har::calls("{}").is_err_and(|error| error.what.contains("not an HTTP Archive")));
}

#[test]
fn what_browsers_copy_for_windows_is_the_same_request() {
    let chrome = [
        r#"curl ^"https://h/jobs^" ^"#,
        r#"  -X ^"POST^" ^"#,
        r#"  -H ^"accept: */*^" ^"#,
        r#"  -b ^"a=^%^20b^" ^"#,
        r#"  --data-raw ^"^{^\^"path^\^":^\^"C:^\^\^\^\x^\^",^\^"pct^\^":^\^"5%^a^\^",^\^"q^\^":^\^"a ^& b^\^"^}^" &"#,
        r#"curl ^"https://h/jobs/17^""#,
    ]
    .join("\r\n");
    let read = calls(&chrome);
    assert_eq!(read.len(), 2, "{read:?}");
    assert_eq!(read[0].body.as_deref(), Some(r#"{"path":"C:\\x","pct":"5%a","q":"a & b"}"#));
    assert_eq!(read[0].header("cookie"), Some("a=%20b"));
    // Firefox doubles quotes.
    let firefox = "curl ^\"https://h/jobs^\" ^\r\n  -X POST ^\r\n  --data-raw \"{\"\"a\"\":\"\"b c\"\"}\"";
    assert_eq!(calls(firefox)[0].body.as_deref(), Some(r#"{"a":"b c"}"#));
    let powershell = "$session = New-Object Microsoft.PowerShell.Commands.WebRequestSession\r\n$session.UserAgent = \"Mozilla\"\r\n\
        $session.Cookies.Add((New-Object System.Net.Cookie(\"sid\", \"a1\", \"/\", \"h\")))\r\n\
        Invoke-WebRequest -UseBasicParsing -Uri \"https://h/jobs\" `\r\n-Method \"POST\" `\r\n-WebSession $session `\r\n-Headers @{\r\n\
        \"authority\"=\"h\"\r\n  \"method\"=\"POST\"\r\n  \"authorization\"=\"Bearer `$x\"\r\n} `\r\n-ContentType \"application/json\" `\r\n\
        -Body \"{`\"a`\":`\"$([char]252)`\"}\"\r\n";
    let [first, second] = [calls(powershell), calls(&format!("{powershell}\r\n{powershell}"))];
    assert_eq!(second.iter().map(|call| &call.headers).collect::<Vec<_>>(), [&first[0].headers; 2], "a new session has no cookies yet");
    check(powershell, "POST", "https://h/jobs", &[("authorization", "Bearer $x"), JSON, ("Cookie", "sid=a1")], Some("{\"a\":\"ü\"}"));
    check(
        "Invoke-RestMethod -Method Post -Uri 'http://h/x' -Body (@'\n{\"a\": 1}\n'@) -ContentType 'application/json' | ConvertTo-Json",
        "POST",
        "http://h/x",
        &[JSON],
        Some("{\"a\": 1}"),
    );
    check(
        "irm http://h/x # a note\nInvoke-RestMethod http://h/x -Headers @{ 'X-A' = 'b'; \"X-C\"='d' }\n".split_once('\n').expect("two").1,
        "GET",
        "http://h/x",
        &[("X-A", "b"), ("X-C", "d")],
        None,
    );
}

#[test]
fn what_is_no_variable_stays_text() {
    for (text, header) in [
        ("Invoke-WebRequest -Uri 'http://h/x' -Headers @{ \"X-A\"=\"a $ref: b\" }", "a \u{e000}ref\u{e001}: b"),
        ("Invoke-WebRequest -Uri 'http://h/x' -Headers @{ \"X-A\"=\"$env:NAME $1\" }", "\u{e000}NAME\u{e001} $1"),
        ("curl http://h/x -H \"X-A: ${1} $2 ${N}\"", "${1} $2 \u{e000}N\u{e001}"),
    ] {
        assert_eq!(calls(text)[0].header("x-a"), Some(header), "{text}");
    }
}

#[test]
fn a_call_of_fetch_is_read() {
    let text = "await fetch(\"https://h/jobs\", {\n  \"headers\": {\n    \"content-type\": \"application/json\"\n  },\n  \"body\": \"{\\\"a\\\":1}\",\n  \
        \"method\": \"POST\",\n  \"mode\": \"cors\"\n});\nfetch(\"https://h/jobs/17\");";
    let read = commands(text, &no_files).expect("calls").calls;
    assert_eq!((read[0].method.as_str(), read[0].body.as_deref()), ("POST", Some("{\"a\":1}")));
    assert_eq!((read[1].method.as_str(), read[1].url.as_str()), ("GET", "https://h/jobs/17"));
}

#[test]
fn a_script_has_variables_and_commands_within_commands() {
    let script = "#!/bin/sh\n# it's a note; with \"quotes\nset -e\nBASE=http://h:1/api\nexport TOKEN=t0ken-value\n\
        ID=$(curl -sS -X POST \"$BASE/jobs\" -H \"Authorization: Bearer $TOKEN\" -d '{\"price\": \"$5\"}' | jq -r .id)\n\
        curl -sS \"${BASE}/jobs/$ID\" -H \"Authorization: Bearer $TOKEN\" > /dev/null 2>&1\n";
    let draft = draft(script);
    assert_eq!((draft.origin.as_str(), draft.pair.id.as_ref()), ("http://h:1", None));
    assert_eq!(draft.pair.initiate.body.as_deref(), Some("{\"price\": \"$5\"}"));
    assert_eq!(draft.secrets.len(), 1);
    assert!(draft.variables.is_empty(), "{:?}", draft.variables);
    let unset = super::draft(
        "curl http://h/jobs -H \"Authorization: Bearer $API_TOKEN\" -d x\ncurl http://h/jobs/7 -H \"Authorization: Bearer ${API_TOKEN}\"",
    );
    assert_eq!(unset.variables, ["API_TOKEN"]);
    let sent = unset.initiate(Filling { lookup: &|name| Some(format!("<{name}>")), token: "", fresh: "" }, "");
    assert_eq!(sent.header("authorization"), Some("Bearer <API_TOKEN>"));
}

#[test]
fn a_host_may_come_from_the_environment() {
    for (address, base) in [("$BASE/jobs", "http://h:1/api"), ("\"${BASE}/jobs\"", "h:1/api"), ("http://$BASE/jobs", "h:1/api")] {
        let mut found = calls(&format!("curl {address} -d x\ncurl {}", address.replace("jobs", "jobs/17")));
        crate::draft::fill_hosts(&mut found, &|name| (name == "BASE").then(|| base.to_owned()));
        assert_eq!(found[1].url, "http://h:1/api/jobs/17", "{address}");
    }
}

#[test]
fn files_are_read_that_commands_name() {
    let files = |name: &str| match name {
        "body.json" => Ok(b"{\"a\": 1,\n \"b\": 2}".to_vec()),
        "headers" => Ok(b"X-A: b\nX-C: d\n".to_vec()),
        "picture" => Ok(vec![0xff, 0, 1]),
        _ => Err("no such file".to_owned()),
    };
    let call = |text: &str| reader::commands(text, &files).map(|found| found.calls[0].clone());
    assert_eq!(call("curl h -d @body.json").expect("a call").body.as_deref(), Some("{\"a\": 1, \"b\": 2}"));
    assert_eq!(call("curl h --data-binary @body.json").expect("a call").body.as_deref(), Some("{\"a\": 1,\n \"b\": 2}"));
    assert_eq!(call("curl h --json @body.json -H @headers").expect("a call").header("x-c"), Some("d"));
    let form = call("curl h -F 'f=@body.json;type=application/json' -F a=b").expect("a call");
    let body = form.body.unwrap_or_default();
    assert!(body.contains("filename=\"body.json\"\r\nContent-Type: application/json\r\n\r\n{\"a\""), "{body}");
    assert!(call("curl h -d @picture").is_err_and(|error| error.what.contains("not text")));
}

#[test]
fn texts_are_known_by_what_they_look_like() {
    for (text, kind) in [
        ("curl h/x", Some(SourceKind::Commands)),
        ("$ TOKEN=x curl h/x", Some(SourceKind::Commands)),
        ("ID=$(curl h/x)", Some(SourceKind::Commands)),
        ("fetch(\"http://h\");", Some(SourceKind::Commands)),
        ("Invoke-WebRequest -Uri h", Some(SourceKind::Commands)),
        ("{\"openapi\": \"3.1.0\"}", Some(SourceKind::OpenApi)),
        ("# a comment\nopenapi: 3.0.1\n", Some(SourceKind::OpenApi)),
        ("{\"log\": {\"entries\": []}}", Some(SourceKind::Har)),
        ("name = \"curl\"\nbase_url = \"http://h\"\n", None),
        ("# made by curl h/x\nname = 'x'", None),
        ("", None),
    ] {
        assert_eq!(kind_of(text), kind, "{text}");
    }
}

#[test]
fn a_call_within_the_body_of_another_is_text() {
    let text = "await fetch(\"http://h/jobs\", {\n  \"body\": \"{\\\"js\\\":\\\"fetch(x)\\\"}\",\n  \"method\": \"POST\"\n}); ;\nfetch(\"http://h/jobs/17\");";
    let found = commands(text, &no_files).expect("two calls").calls;
    assert_eq!(found.iter().map(|call| (call.method.as_str(), call.line)).collect::<Vec<_>>(), [("POST", Some(1)), ("GET", Some(5))]);
    assert_eq!(found[0].body.as_deref(), Some("{\"js\":\"fetch(x)\"}"));
}
