//! `repro.sh` sends what the run sent, shows what a sick service does, and shows nothing of a healthy one, however a service writes its
//! replies.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::skip::have;

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Asked {
    method: String,
    target: String,
    headers: BTreeSet<String>,
    body: String,
}

/// How a service writes its replies.
#[derive(Clone, Copy)]
struct Style {
    /// The id of the n-th job.
    id: fn(usize) -> String,
    /// Headers and body of the reply that hands it out.
    accepts: fn(&str) -> (String, String),
    /// Code and body for a job that is there.
    shows: fn(&str) -> (u16, String),
    /// Code and body for one that is not.
    denies: fn() -> (u16, String),
    /// Headers and body of a list at `/list`, by its address and the ids of the jobs that are there.
    lists: fn(&str, &[String]) -> (String, String),
}

struct Service {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// A service in which each job is there after `window`.
fn serve(style: Style, window: Duration) -> Service {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
    let (noted, jobs) = (Arc::clone(&asked), Arc::new(Mutex::new(BTreeMap::<String, Instant>::new())));
    // Ends with the test's process; nothing joins it.
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (noted, jobs) = (Arc::clone(&noted), Arc::clone(&jobs));
            thread::spawn(move || answer(stream, style, window, &noted, &jobs));
        }
    });
    Service { url, asked }
}

fn answer(
    mut stream: TcpStream,
    style: Style,
    window: Duration,
    noted: &Mutex<Vec<Asked>>,
    jobs: &Mutex<BTreeMap<String, Instant>>,
) -> Option<()> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let (head, body) = loop {
        let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
        if body.len() >= length {
            break (head.to_owned(), body.to_owned());
        }
    };
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let passing = ["user-agent:", "x-statusgap-run:", "host:", "traceparent:", "tracestate:"];
    // Names mean the same in either case; one header carries the id, which differs.
    let spelt = |line: &str| {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = if name == "x-id" { value.replace(|c: char| c.is_ascii_digit(), "") } else { value.to_owned() };
        format!("{}: {}", name.to_ascii_lowercase(), value.trim())
    };
    let headers = lines.map(spelt).filter(|line| !passing.iter().any(|name| line.starts_with(name))).collect();
    noted.lock().expect("no panic").push(Asked { method: method.clone(), target: target.clone(), headers, body: body.clone() });
    let (code, headers, reply) = if ["POST", "PUT"].contains(&method.as_str()) {
        let mut jobs = jobs.lock().expect("no panic");
        let id = (style.id)(jobs.len());
        jobs.insert(id.clone(), Instant::now());
        let (headers, reply) = (style.accepts)(&id);
        (202, headers, reply)
    } else if target.starts_with("/list") {
        let jobs = jobs.lock().expect("no panic");
        let there: Vec<String> = jobs.iter().filter(|(_, begun)| begun.elapsed() >= window).map(|(id, _)| id.clone()).collect();
        let (headers, reply) = (style.lists)(&target, &there);
        (200, headers, reply)
    } else {
        let path = target.split('?').next()?.trim_start_matches("/jobs/").trim_end_matches('/');
        let id = percent_encoding::percent_decode_str(path).decode_utf8_lossy().into_owned();
        let there = jobs.lock().expect("no panic").get(&id).is_some_and(|begun| begun.elapsed() >= window);
        let (code, reply) = if there { (style.shows)(&id) } else { (style.denies)() };
        (code, String::new(), reply)
    };
    write!(stream, "HTTP/1.1 {code} X\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{reply}", reply.len()).ok()
}

/// JSON with everything escaped that can be.
fn escaped(text: &str) -> String {
    text.encode_utf16()
        .map(|unit| match char::from_u32(u32::from(unit)) {
            Some('/') => "\\/".to_owned(),
            Some('"') => "\\\"".to_owned(),
            Some(c) if c.is_ascii_alphanumeric() => c.to_string(),
            _ => format!("\\u{unit:04x}"),
        })
        .collect()
}

fn nothing() -> (u16, String) {
    (404, "{\"error\": 1}".to_owned())
}

/// All jobs on one page.
fn one_page(_: &str, ids: &[String]) -> (String, String) {
    let items: Vec<_> = ids.iter().map(|id| serde_json::json!({ "meta": { "id": id }, "state": "running" })).collect();
    (String::new(), serde_json::json!({ "queued": [], "active": items }).to_string())
}

/// The jobs of others on the first page, ours on the second, which is named in the body and in a header.
fn pages(target: &str, ids: &[String]) -> (String, String) {
    let of = |ids: &[&str], next: Option<&str>| {
        let items: Vec<_> = ids.iter().map(|id| serde_json::json!({ "id": id })).collect();
        serde_json::json!({ "jobs": items, "next": next }).to_string()
    };
    if target.contains("page=2") {
        return (String::new(), of(&ids.iter().map(String::as_str).collect::<Vec<_>>(), None));
    }
    ("Link: </list?page=2>; rel=\"next\"\r\n".to_owned(), of(&["other-a", "other-b"], Some("/list?page=2")))
}

const NESTED: Style = Style {
    id: |n| format!("job-{n}"),
    accepts: |id| (String::new(), format!("{{\"request\":{{\"id\":\"req-77\",\"status\":\"not_found\"}},\"job\":{{\"id\":\"{id}\"}}}}")),
    shows: |id| {
        (200, format!("{{\"request\":{{\"id\":\"r\",\"status\":\"not_found\"}},\"job\":{{\"id\":\"{id}\",\"status\":\"running\"}}}}"))
    },
    denies: nothing,
    lists: one_page,
};

const PLAIN: Style = Style {
    id: |n| format!("job-{n}"),
    accepts: |id| (String::new(), format!("{{\"id\": \"{}\"}}", escaped(id))),
    shows: |id| (200, format!("{{\"id\": \"{}\", \"state\": \"running\"}}", escaped(id))),
    denies: nothing,
    lists: one_page,
};

fn output(folder: &Path, words: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_statusgap"));
    command.args(words).current_dir(folder).envs(environment.iter().copied()).output().expect("the binary starts")
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn tools_are_here() -> bool {
    ["curl", "jq"].into_iter().all(have)
}

fn file(contract: &str, base_url: &str) -> String {
    format!("name = 'x'\nbase_url = '{base_url}'\n{contract}")
}

const USUAL: &str = "[initiate]\npath = '/jobs'\nid = { pointer = '/id' }\n[status]\npath = '/jobs/{id}'\nstate = { pointer = '/state' }\n\
                     [status.states]\nrunning = ['running']\n";

/// A run against a service that is sick for a second, and what belongs on its ticket.
fn recorded(contract: &str, style: Style, environment: &[(&str, &str)]) -> (TempDir, Service) {
    let sick = serve(style, Duration::from_secs(1));
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("t.toml"), file(contract, &sick.url)).expect("a file");
    let scenario = "name = 's'\ntitle = 't'\nsource = 's'\n[load]\nscans = 3\n[polls]\noffsets = ['100ms', '200ms']\nfillers = 0\n[controls]\nunknown_id = 1\n";
    fs::write(folder.path().join("s.toml"), scenario).expect("a file");
    let run = output(folder.path(), &["run", "s.toml", "--target", "t.toml", "--out", "run", "--quiet"], environment);
    assert_eq!(run.status.code(), Some(1), "{}", text(&run));
    let bundled = output(folder.path(), &["bundle", "run/log.ndjson", "--out", "run"], environment);
    assert!(folder.path().join("run/repro.sh").exists(), "{contract}\n{}", text(&bundled));
    (folder, sick)
}

fn played(shell: &str, folder: &Path, url: &str, environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(shell);
    command.arg(folder.join("run/repro.sh")).env("BASE_URL", url).envs(environment.iter().copied()).output().expect("a shell starts")
}

/// The script of a run shows the fault where it is and not where it is not, and sends the run's own requests.
#[track_caller]
fn check(contract: &str, style: Style, environment: &[(&str, &str)]) {
    let (folder, sick) = recorded(contract, style, environment);
    if !tools_are_here() {
        return;
    }
    // All that was asked, but for the control of a never-issued id, first contact's path that does not exist, and the numbers in ids. First
    // contact also asks for other ids of a job that it cannot see.
    let asked = |service: &Service| -> BTreeSet<Asked> {
        let asked = std::mem::take(&mut *service.asked.lock().expect("no panic"));
        let without_numbers = |asked: Asked| Asked { target: asked.target.replace(|c: char| c.is_ascii_digit(), ""), ..asked };
        let of_the_run = |asked: &Asked| !asked.target.contains("never") && !asked.target.contains("no-such-path");
        asked.into_iter().filter(of_the_run).map(without_numbers).collect()
    };
    let of_run = asked(&sick);
    for shell in ["sh", "bash"] {
        let shown = played(shell, folder.path(), &sick.url, environment);
        assert_eq!(shown.status.code(), Some(1), "{shell}: {}\n{contract}", text(&shown));
        let of_script = asked(&sick);
        assert!(of_script.len() > 1 && of_script.is_subset(&of_run), "{shell}\n{contract}\n{of_script:?}\n{of_run:?}");
    }
    let not_shown = played("sh", folder.path(), &serve(style, Duration::ZERO).url, environment);
    assert_eq!(not_shown.status.code(), Some(0), "{}\n{contract}", text(&not_shown));
}

fn with_unknown(contract: &str) -> String {
    format!("unknown_id = 'never'\n{contract}")
}

#[test]
fn an_id_is_taken_from_its_place_and_from_no_other() {
    let contract = "[users.owner]\nheaders = { X-Role = 'reader' }\n\
         [initiate]\npath = '/graphql'\nheaders = { x-role = 'writer' }\n\
         json = { query = 'mutation {{ start {{ job {{ id }} }} }}' }\nid = { pointer = '/job/id' }\n\
         [status]\npath = '/jobs/{id}'\nstate = { pointer = '/job/status' }\n[status.states]\nrunning = ['running']\n\
         [[status.answer]]\nis = 'not_found'\nwhen = { pointer = '/job/status', equals = 'not_found' }\n";
    check(&with_unknown(contract), NESTED, &[]);
}

#[test]
fn a_login_and_the_steps_before_the_initiate_are_played_as_well() {
    let steps = "[login]\npath = '/login'\nform = { user = 'u' }\ncapture = { token = { pointer = '/id' } }\n\
         [[setup]]\npath = '/uploads?t={token}'\ncapture = { upload = { pointer = '/id' } }\n";
    let contract = USUAL.replace("path = '/jobs'\n", "path = '/jobs?u={upload}&t={token}'\ncapture = { own = { pointer = '/id' } }\n");
    let spaced = Style { id: |n| format!("job {n}/x"), ..PLAIN };
    check(&with_unknown(&format!("{steps}{contract}")), spaced, &[]);
}

#[test]
fn ids_are_read_with_their_escapes_undone() {
    for id in [
        (|n| format!("jöb-{n}-日本😀")) as fn(usize) -> String,
        |n| format!("job/{n}"),
        |n| format!("job \"{n}'%2F\\"),
        |n| format!("job+{n}&x=$(id)`id`!*"),
    ] {
        check(&with_unknown(USUAL), Style { id, ..PLAIN }, &[]);
    }
}

#[test]
fn an_id_may_be_a_number_or_stand_in_a_list() {
    let numbers = Style {
        id: |n| format!("{}", 1000 + n),
        accepts: |id| (String::new(), format!("{{\"jobs\": [{{\"id\": {id}, \"n\": {{\"id\": 7}}}}, {{\"id\": 8}}], \"id\": 9}}")),
        ..PLAIN
    };
    check(&with_unknown(USUAL).replace("'/id'", "'/jobs/0/id'"), numbers, &[]);
}

#[test]
fn an_id_may_stand_in_a_header() {
    let located = Style {
        accepts: |id| (format!("location: /jobs/{id}/jobs/other-9\r\nX-Location: /jobs/x\r\n"), "{\"id\": \"wrong\"}".to_owned()),
        ..PLAIN
    };
    let contract = USUAL.replace("{ pointer = '/id' }", "{ header = 'Location', pattern = '/jobs/([^/?]+)' }").replace("{id}", "{id:raw}");
    check(&with_unknown(&contract), located, &[]);
}

#[test]
fn an_id_may_stand_within_an_address_in_the_body() {
    let linked = Style { accepts: |id| (String::new(), format!("{{\"links\": {{\"self\": \"https://h/jobs/{id}?v=1\"}}}}")), ..PLAIN };
    check(&with_unknown(&USUAL.replace("{ pointer = '/id' }", "{ pointer = '/links/self', pattern = 'jobs/([^/?#]+)' }")), linked, &[]);
}

#[test]
fn of_a_stream_of_events_the_first_is_the_answer() {
    let stream = Style {
        lists: |target, ids| {
            let is_known = ids.iter().any(|id| target.ends_with(&format!("job={id}")));
            let events = format!(
                ": hello\r\n\r\nevent: ping\ndata: {{\"known\": null}}\n\nid: 1\nevent: status\ndata: {{\ndata: \"known\": {is_known}}}\n\n\
                 data: {{\"known\": 7}}\n\n"
            );
            ("Content-Type: text/event-stream; charset=utf-8\r\n".to_owned(), events)
        },
        ..PLAIN
    };
    let contract = "[initiate]\npath = '/jobs'\nid = { pointer = '/id' }\n\
         [status]\npath = '/list?job={id}'\nheaders = { Accept = 'text/event-stream' }\n\
         [[status.answer]]\nis = 'not_found'\nwhen = { pointer = '/known', equals = false }\n\
         [[status.answer]]\nis = 'visible'\nwhen = { pointer = '/known', equals = true }\n\
         [[status.answer]]\nis = 'error'\nwhen = { http = '2xx' }\n";
    check(&with_unknown(contract), stream, &[]);
}

#[test]
fn a_list_is_looked_through_as_the_run_did_it() {
    let of_list = |path: &str, pages: &str, rule: &str| {
        with_unknown(&format!(
            "[initiate]\npath = '/jobs'\nid = {{ pointer = '/id' }}\n[status]\npath = '{path}'\n{pages}\
             [[status.answer]]\nis = 'not_found'\nwhen = {{ http = 200, jsonpath = \"{rule}\", exists = false }}\n"
        ))
    };
    let numbers = Style {
        id: |n| format!("{}", 1000 + n),
        accepts: |id| (String::new(), format!("{{\"id\": {id}}}")),
        lists: |_, ids| {
            let items: Vec<_> = ids.iter().map(|id| serde_json::json!({ "id": id.parse::<u64>().unwrap_or_default() })).collect();
            (String::new(), serde_json::json!({ "jobs": items }).to_string())
        },
        ..PLAIN
    };
    let quoted = Style { id: |n| format!("it's \"{n}\" \\ $id"), ..PLAIN };
    check(&of_list("/list", "", "$[*][?@.meta.id == '{id:raw}']"), PLAIN, &[]);
    check(&of_list("/list", "", "$.active[?@['meta']['id']=='{id:raw}'].state"), quoted, &[]);
    check(&of_list("/list", "", "$.jobs[?@.id == {id:raw}]"), numbers, &[]);
    let of_pages = Style { lists: pages, ..PLAIN };
    for next in ["{ pointer = '/next' }", "{ header = 'Link', pattern = '<([^>]+)>; rel=\"next\"' }"] {
        let pages = format!("pages = {{ next = {next}, most = 90 }}\n");
        check(&of_list("/list", &pages, "$.jobs[?@.id == '{id:raw}']"), of_pages, &[]);
    }
}

#[test]
fn an_address_that_is_handed_out_is_asked_and_so_is_the_next_one() {
    let handed_out = Style {
        accepts: |id| (String::new(), format!("{{\"id\": \"{id}\", \"at\": \"/jobs/{id}?turn=0\"}}")),
        shows: |id| (200, format!("{{\"id\": \"{id}\", \"at\": \"jobs/{id}?turn=1\"}}")),
        denies: || (404, "{}".to_owned()),
        ..PLAIN
    };
    let contract = |follow: &str| {
        with_unknown(&format!(
            "[users.owner]\nheaders = {{ X-Role = 'reader' }}\n[initiate]\npath = '/jobs'\nid = {{ pointer = '/id' }}\n\
             [status]\nfollow = {{ pointer = '/at'{follow} }}\n"
        ))
    };
    for follow in ["", ", chain = true", ", suffix = '/'"] {
        check(&contract(follow), handed_out, &[]);
    }
    // One that leads to another server is not asked, and the script says so.
    if !tools_are_here() {
        return;
    }
    let (folder, _sick) = recorded(&contract(", chain = true"), handed_out, &[]);
    let abroad =
        Style { accepts: |id| (String::new(), format!("{{\"id\": \"{id}\", \"at\": \"http://127.0.0.1:9/jobs/{id}\"}}")), ..handed_out };
    let refused = played("sh", folder.path(), &serve(abroad, Duration::ZERO).url, &[]);
    assert!(refused.status.code() == Some(2) && text(&refused).contains("leads to another server"), "{}", text(&refused));
}

#[test]
fn a_denial_is_told_by_the_value_at_its_place() {
    let words = Style {
        shows: |id| (200, format!("{{\"log\": {{\"code\": \"NO JOB\", \"gone\": null}}, \"id\": \"{id}\", \"code\": \"OK\"}}")),
        denies: || (200, "{\"code\": \"NO\\u0020JOB\"}".to_owned()),
        ..PLAIN
    };
    let contract = "[initiate]\npath = '/jobs'\nid = { pointer = '/id' }\n[status]\npath = '/jobs/{id}'\n";
    for when in [
        "{ pointer = '/code', equals = 'NO JOB' }",
        "{ pointer = '/code', one_of = ['a', 'NO JOB'] }",
        "{ pointer = '/id', exists = false }",
        "{ jsonpath = '$.code', equals = 'NO JOB' }",
    ] {
        check(&with_unknown(&format!("{contract}[[status.answer]]\nis = 'not_found'\nwhen = {when}\n")), words, &[]);
    }
    let nulls = Style {
        shows: |id| (200, format!("{{\"error\": null, \"id\": \"{id}\", \"job\": {{\"a\": [null]}}}}")),
        denies: || (200, "{\"job\": null}".to_owned()),
        ..PLAIN
    };
    check(
        &with_unknown(&format!("{contract}[[status.answer]]\nis = 'not_found'\nwhen = {{ pointer = '/job', null = true }}\n")),
        nulls,
        &[],
    );
}

#[test]
fn bodies_headers_and_paths_are_those_of_the_run() {
    let environment = [
        ("T_TOKEN", "a\"b\\c ä+&=%'$x`!"),
        ("T_KEY", "k e+y/ü"),
        // What stands in the file itself and has the name of a credential becomes a variable of the script.
        ("OWNER_COOKIE", "a=b; c=\"d\""),
        ("INITIATE_AUTHORIZATION", "Basic x"),
    ];
    let users =
        "[users.owner]\nheaders = { Authorization = 'Bearer ${T_TOKEN}', Cookie = 'a=b; c=\"d\"', X-Default = '${T_NONE:-de fault$\"}' }\n";
    for body in [
        "json = { a = '${T_TOKEN}', b = { c = ['x{{y}}', 1, 1.5, true], 'd\"' = 'é\\n' } }",
        "json = [\"line\\nbreak\\ttab\"]",
        "form = { a = '${T_TOKEN}', b = 'x y*~ü', 'c d' = '100 %' }",
        "body = '<a b=\"{{${T_TOKEN}}}\">@file</a>'",
        "body = '@/etc/passwd'\nheaders = { Content-Type = 'text/plain' }",
        "method = 'PUT'",
        "headers = { authorization = 'Basic x', Accept = 'application/json', X-Empty = '' }",
    ] {
        let contract = format!(
            "{users}[initiate]\npath = '/jobs?key=${{T_KEY}}&q=\"x\"'\n{body}\nid = {{ pointer = '/id' }}\n\
             [status]\npath = '/jobs/{{id}}?k=${{T_KEY}}'\nheaders = {{ X-Id = '{{id:raw}}' }}\n"
        );
        check(&with_unknown(&contract), PLAIN, &environment);
    }
}

#[test]
fn what_no_shell_can_carry_is_refused_and_never_printed() {
    if !tools_are_here() {
        return;
    }
    let (folder, _sick) = recorded(&with_unknown(USUAL), PLAIN, &[]);
    for id in [
        (|n| format!("j\x1b[31mRED\x1b]0;pwn\x07{n}")) as fn(usize) -> String,
        |n| format!("j\n{n}"),
        |n| format!("{n}\n"),
        |n| format!("j\0{n}"),
        |_| String::new(),
    ] {
        for window in [Duration::ZERO, Duration::from_secs(60)] {
            let service = serve(Style { id, accepts: |id| (String::new(), serde_json::json!({ "id": id }).to_string()), ..PLAIN }, window);
            let played = played("sh", folder.path(), &service.url, &[]);
            assert_eq!(played.status.code(), Some(2), "{}", text(&played));
            assert!(!text(&played).contains(['\x1b', '\x07']), "{:?}", text(&played));
        }
    }
    for accepts in [
        (|_| (String::new(), "no JSON \x1b[31m".to_owned())) as fn(&str) -> (String, String),
        |_| (String::new(), "{\"id\": 90071992547409931}".to_owned()),
        |_| (String::new(), "{\"id\": {}}".to_owned()),
        |_| (String::new(), "{\"id\": null}".to_owned()),
        |_| (String::new(), "{\"other\": {\"id\": \"x\"}}".to_owned()),
        |_| (String::new(), "{\"id\": \"a\"} {\"id\": \"b\"}".to_owned()),
    ] {
        let service = serve(Style { accepts, ..PLAIN }, Duration::ZERO);
        let played = played("sh", folder.path(), &service.url, &[]);
        assert_eq!(played.status.code(), Some(2), "{}", text(&played));
        assert!(!text(&played).contains('\x1b'), "{:?}", text(&played));
    }
}

#[test]
fn a_page_that_is_no_answer_of_the_service_is_no_sight_of_the_scan() {
    if !tools_are_here() {
        return;
    }
    let (folder, _sick) = recorded(&with_unknown(USUAL), PLAIN, &[]);
    let proxy = Style { shows: |_| (200, "<html>try again</html>".to_owned()), ..PLAIN };
    let played = played("sh", folder.path(), &serve(proxy, Duration::ZERO).url, &[]);
    assert_eq!(played.status.code(), Some(2), "{}", text(&played));
}

#[test]
fn without_jq_a_script_says_what_to_install() {
    let (folder, sick) = recorded(&with_unknown(USUAL), PLAIN, &[]);
    let tools = TempDir::new().expect("a folder");
    for tool in ["mktemp", "curl", "tr", "rm", "date"] {
        let path = Command::new("sh").args(["-c", &format!("command -v {tool}")]).output().expect("sh").stdout;
        // A tool that is missing is missed by nothing before jq.
        let _ = std::os::unix::fs::symlink(String::from_utf8_lossy(&path).trim(), tools.path().join(tool));
    }
    let shell = Command::new("sh").args(["-c", "command -v sh"]).output().expect("sh").stdout;
    let mut command = Command::new(String::from_utf8_lossy(&shell).trim());
    let played = command.arg(folder.path().join("run/repro.sh")).env("PATH", tools.path()).env("BASE_URL", &sick.url).output().expect("sh");
    assert_eq!(played.status.code(), Some(2), "{}", text(&played));
    assert!(text(&played).contains("install the package jq"), "{}", text(&played));
}

#[test]
fn where_a_script_would_guess_why_there_is_none_stands_in_its_place() {
    let sick = serve(PLAIN, Duration::from_secs(1));
    let folder = TempDir::new().expect("a folder");
    let contract = with_unknown(USUAL) + "[[status.answer]]\nis = 'not_found'\nwhen = { body_matches = 'error' }\n";
    fs::write(folder.path().join("t.toml"), file(&contract, &sick.url)).expect("a file");
    let scenario = "name = 's'\ntitle = 't'\nsource = 's'\n[load]\nscans = 3\n[polls]\noffsets = ['100ms', '200ms']\n";
    fs::write(folder.path().join("s.toml"), scenario).expect("a file");
    output(folder.path(), &["run", "s.toml", "--target", "t.toml", "--out", "run", "--quiet"], &[]);
    let bundled = output(folder.path(), &["bundle", "run/log.ndjson"], &[]);
    assert!(text(&bundled).contains("no repro.sh: [[status.answer]] number 1 cannot be followed"), "{}", text(&bundled));
    let why = fs::read_to_string(folder.path().join("run/repro.txt")).expect("a note in the script's place");
    assert!(why.contains("[[status.answer]] number 1"), "{why}");
}
