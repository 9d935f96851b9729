//! `statusgap init`, `check --live`, `reproduce --curl` and `import har`: from what a person has, with one job.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use wiremock::matchers::{method, path, path_regex};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::support::twinless::twinless;

const ID: &str = "3cd63d03-1111-4222-8333-0123456789ab";

fn statusgap(folder: &Path, arguments: &[&str], variables: &[(&str, &str)], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_statusgap"));
    command.args(twinless(arguments.iter().copied())).current_dir(folder).env_clear().envs(variables.iter().copied());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    // A command that does not read its input closes it.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    child.wait_with_output().expect("it ends")
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A service that denies each job for a while after it was accepted, to whoever has the right token.
#[derive(Clone, Default)]
struct Late {
    jobs: Arc<Mutex<BTreeMap<String, Instant>>>,
}

/// For how long a job is denied.
const DENIED_FOR: Duration = Duration::from_millis(400);

impl Respond for Late {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body = |code, body: serde_json::Value| ResponseTemplate::new(code).set_body_json(body);
        if request.headers.get("authorization").is_none_or(|value| value != "Bearer alice-token") {
            return body(401, serde_json::json!({"detail": "who are you?"}));
        }
        let mut jobs = self.jobs.lock().expect("nobody panics");
        if request.method == "POST" {
            let id = uuid::Uuid::new_v4().to_string();
            jobs.insert(id.clone(), Instant::now());
            return body(202, serde_json::json!({"job": {"id": id}}));
        }
        let id = request.url.path().rsplit('/').next().unwrap_or_default();
        match jobs.get(id).map(Instant::elapsed) {
            Some(age) if age > 2 * DENIED_FOR => body(200, serde_json::json!({"id": id, "state": "finished"})),
            Some(age) if age > DENIED_FOR => body(200, serde_json::json!({"id": id, "state": "working"})),
            _ => body(404, serde_json::json!({"detail": format!("no job {id}")})),
        }
    }
}

async fn late() -> MockServer {
    let server = MockServer::start().await;
    Mock::given(path_regex("^/api/jobs")).respond_with(Late::default()).mount(&server).await;
    server
}

/// Two commands, as a browser copies them.
fn commands(server: &MockServer) -> String {
    let base = format!("{}/api/jobs", server.uri());
    format!(
        "curl '{base}' -H 'authorization: Bearer alice-token' -H 'content-type: application/json' -H 'sec-fetch-mode: cors' --data-raw '{{\"a\":1}}'\n\
         curl '{base}/6f1de3a1-aaaa-4bbb-8ccc-0123456789ab' -H 'authorization: Bearer alice-token'\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn two_curl_commands_become_a_target_file_that_finds_the_gap() {
    let server = late().await;
    let folder = TempDir::new().expect("a folder");
    let commands = commands(&server);
    let made = statusgap(folder.path(), &["init", "--curl", "-", "--yes", "--name", "scans", "--ci", "github"], &[], &commands);
    assert_eq!(made.status.code(), Some(0), "{}", err(&made));
    for said in ["id       /job/id", "GAP ", "finished →", "wrote    scans.toml", "$SCANS_TOKEN"] {
        assert!(err(&made).contains(said), "no `{said}` in {}", err(&made));
    }
    assert!(err(&made).lines().all(|line| line.chars().count() <= 80), "{}", err(&made));
    let step = String::from_utf8_lossy(&made.stdout).into_owned();
    assert!(step.contains("--target scans.toml") && step.contains("SCANS_TOKEN: ${{ secrets.SCANS_TOKEN }}"), "{step}");
    let text = std::fs::read_to_string(folder.path().join("scans.toml")).expect("the file");
    assert!(!text.contains("alice-token") && !err(&made).contains("alice-token"), "{text}");
    assert!(text.starts_with("#:schema ./target.schema.json\n") && folder.path().join("target.schema.json").is_file(), "{text}");
    let token = [("SCANS_TOKEN", "alice-token")];
    let checked = statusgap(folder.path(), &["check", "--live", "--yes", "scans.toml"], &token, "");
    assert_eq!(checked.status.code(), Some(0), "{}", err(&checked));
    assert!(err(&checked).contains("GAP ") && !err(&checked).contains("alice-token"), "{}", err(&checked));
    let run = statusgap(folder.path(), &["run", "immediate", "--target", "scans.toml", "--out", "run"], &token, "");
    assert_eq!(run.status.code(), Some(1), "{}", err(&run));
    // What one client saw another sees as well.
    let result = std::fs::read_to_string(folder.path().join("run/result.json")).expect("a result");
    let result: serde_json::Value = serde_json::from_str(&result).expect("JSON");
    let second = &result["second_opinion"];
    assert_eq!((second["jobs"].as_u64(), second["only_own_client"].as_bool()), (Some(5), Some(false)), "{second}");
    assert!(second["not_found"].as_u64() > Some(0), "{second}");
    assert!(String::from_utf8_lossy(&run.stdout).contains("ordinary HTTP client"), "{}", String::from_utf8_lossy(&run.stdout));
    let none_left = ["run", "immediate", "--max-scans", "3", "--max-jobs", "4", "--target", "scans.toml", "--out", "few"];
    assert_eq!(statusgap(folder.path(), &none_left, &token, "").status.code(), Some(1));
    let few = std::fs::read_to_string(folder.path().join("few/result.json")).expect("a result");
    assert!(!few.contains("\"second_opinion\""), "the limit of jobs holds for it, too");
    // A file that is there is not lost, and without a terminal nothing is sent that nobody agreed to.
    let again = statusgap(folder.path(), &["init", "--curl", "-", "--yes", "--name", "scans"], &[], &commands);
    assert!(again.status.code() == Some(2) && err(&again).contains("--force"), "{}", err(&again));
    let unasked = statusgap(folder.path(), &["init", "--curl", "-", "--name", "other"], &[], &commands);
    assert!(unasked.status.code() == Some(2) && err(&unasked).contains("--yes"), "{}", err(&unasked));
    assert!(!folder.path().join("other.toml").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inquiry_needs_no_target_file() {
    let server = late().await;
    let folder = TempDir::new().expect("a folder");
    let arguments = ["reproduce", "--curl", "-", "--max-jobs", "12", "--out", "found"];
    let found = statusgap(folder.path(), &arguments, &[], &commands(&server));
    assert_eq!(found.status.code(), Some(1), "{}", err(&found));
    let kept = std::fs::read_to_string(folder.path().join("found/derived-target.toml")).expect("the file");
    assert!(kept.contains("[initiate]") && !kept.contains("alice-token"), "{kept}");
    for name in ["log.ndjson", "report.md", "result.json"] {
        let text = std::fs::read_to_string(folder.path().join("found").join(name)).expect("a file");
        assert!(!text.contains("alice-token"), "{name}");
    }
    let planned = statusgap(folder.path(), &["reproduce", "--curl", "-", "--dry-run"], &[], &commands(&server));
    assert!(planned.status.success() && String::from_utf8_lossy(&planned.stdout).contains("nothing was sent"), "{}", err(&planned));
    let both = statusgap(folder.path(), &["reproduce", "--curl", "-", "--service", "sound"], &[], "");
    assert!(both.status.code() == Some(2) && err(&both).contains("cannot be used with"), "{}", err(&both));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_the_verdict_is_posted() {
    let server = late().await;
    let hook = MockServer::start().await;
    Mock::given(method("POST")).and(path("/s3cret-hook")).respond_with(ResponseTemplate::new(204)).mount(&hook).await;
    let folder = TempDir::new().expect("a folder");
    let target = format!(
        "name = 'late'\nbase_url = '{}'\n[users.owner]\nheaders = {{ authorization = 'Bearer ${{T}}' }}\n[initiate]\npath = '/api/jobs'\n\
         id = {{ pointer = '/job/id' }}\n[status]\npath = '/api/jobs/{{id}}'\n",
        server.uri()
    );
    std::fs::write(folder.path().join("t.toml"), target).expect("a file");
    let url = format!("{}/s3cret-hook", hook.uri());
    let arguments = ["watch", "--target", "t.toml", "--rounds", "1", "--listen", "none", "--out", "w", "--post", &url];
    let watched = statusgap(folder.path(), &arguments, &[("T", "alice-token")], "");
    assert_eq!(watched.status.code(), Some(1), "{}", err(&watched));
    let posted = hook.received_requests().await.expect("requests are kept");
    let body: serde_json::Value = serde_json::from_slice(&posted.first().expect("a post").body).expect("JSON");
    assert_eq!(
        (body["schema"].as_str(), body["verdict"].as_str(), body["was"].as_str()),
        (Some("statusgap.change/1"), Some("fail"), None),
        "{body}"
    );
    assert!(body["text"].as_str().is_some_and(|text| text.starts_with("FAIL late: ")), "{body}");
    assert!(!body.to_string().contains("alice-token"));
    for entry in std::fs::read_dir(folder.path().join("w/rounds")).expect("logs") {
        let log = std::fs::read_to_string(entry.expect("an entry").path()).expect("a log");
        assert!(!log.contains("s3cret-hook"), "{log}");
    }
    let gone =
        ["watch", "--target", "t.toml", "--rounds", "1", "--listen", "none", "--out", "w2", "--post", "http://127.0.0.1:1/s3cret-hook"];
    let noted = statusgap(folder.path(), &gone, &[("T", "alice-token")], "");
    assert!(noted.status.code() == Some(1) && err(&noted).contains("--post: http://127.0.0.1:1 got no answer"), "{}", err(&noted));
    assert!(!err(&noted).contains("s3cret-hook"), "{}", err(&noted));
}

/// What the POST is answered, and what is said about it.
#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_refuses_is_quoted() {
    for (code, said) in [
        (401, "no credentials"),
        (422, "does not take this request"),
        (404, "address that starts a job"),
        (500, "by hand"),
        (429, "later"),
        (302, "no redirect is followed"),
    ] {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(code).set_body_string("{\"detail\":\"why not\"}");
        Mock::given(method("POST")).respond_with(answer).expect(1).mount(&server).await;
        Mock::given(method("GET")).respond_with(ResponseTemplate::new(200)).expect(0).mount(&server).await;
        let folder = TempDir::new().expect("a folder");
        let commands = format!("curl -d x {0}/jobs\ncurl {0}/jobs/17", server.uri());
        let refused = statusgap(folder.path(), &["init", "--curl", "-", "--yes"], &[], &commands);
        assert_eq!(refused.status.code(), Some(3), "{code}: {}", err(&refused));
        for told in [said, "why not", &code.to_string()] {
            assert!(err(&refused).contains(told), "{code}: no `{told}` in {}", err(&refused));
        }
        assert!(!folder.path().join("jobs.toml").exists());
    }
}

/// A service whose document, jobs and unknown ids are answered so.
async fn renders(never: u16) -> MockServer {
    let server = MockServer::start().await;
    let document = "{\"openapi\":\"3.1.0\",\"info\":{},\"paths\":{\"/renders\":{\"post\":{\"responses\":{\"202\":{\"content\":{\"application/json\":\
        {\"schema\":{\"properties\":{\"render_id\":{}}}}}}}}},\"/renders/{render_id}\":{\"get\":{}}}}";
    let answer = |code, body: &str| ResponseTemplate::new(code).set_body_string(body);
    Mock::given(path("/openapi.json")).respond_with(answer(200, document)).mount(&server).await;
    Mock::given(method("POST"))
        .and(path("/renders"))
        .respond_with(answer(202, &format!("{{\"render_id\":\"{ID}\"}}")))
        .mount(&server)
        .await;
    Mock::given(path(format!("/renders/{ID}"))).respond_with(answer(200, "{\"status\":\"archived\",\"pct\":5}")).mount(&server).await;
    Mock::given(path_regex("^/renders/")).respond_with(answer(never, "{}")).mount(&server).await;
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_serves_its_document_needs_no_more() {
    let server = renders(404).await;
    let folder = TempDir::new().expect("a folder");
    let made = statusgap(folder.path(), &["init", &server.uri(), "--yes", "--wait", "500ms"], &[], "");
    assert_eq!(made.status.code(), Some(0), "{}", err(&made));
    let checked = statusgap(folder.path(), &["check", "renders.toml"], &[], "");
    assert_eq!(checked.status.code(), Some(0), "{}", err(&checked));
    let offline = statusgap(folder.path(), &["init", &server.uri(), "--offline", "--out", "-"], &[], "");
    assert!(String::from_utf8_lossy(&offline.stdout).contains("id = { pointer = \"/render_id\" }"), "{}", err(&offline));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_check_names_what_the_file_leaves_out_or_has_wrong() {
    let server = renders(404).await;
    let folder = TempDir::new().expect("a folder");
    let write = |status: &str| {
        let text = format!(
            "name = 'r'\nbase_url = '{}'\n[initiate]\npath = '/renders'\nid = {{ pointer = '/render_id' }}\n[status]\n{status}\n",
            server.uri()
        );
        std::fs::write(folder.path().join("r.toml"), text).expect("a file");
    };
    let check = || statusgap(folder.path(), &["check", "--live", "--yes", "--wait", "300ms", "r.toml"], &[], "");
    write("path = '/renders/{id}'\nstate = { pointer = '/status' }\n[status.states]\nrunning = ['queued']");
    let unlisted = check();
    assert!(unlisted.status.success() && err(&unlisted).contains("does not list `archived`"), "{}", err(&unlisted));
    write("path = '/renders/{id}'");
    let unused = check();
    assert!(unused.status.success() && err(&unused).contains("what looks like the state at /status"), "{}", err(&unused));
    write("path = '/render/{id}'");
    let wrong = check();
    assert!(wrong.status.code() == Some(3) && err(&wrong).contains("[status] path"), "{}", err(&wrong));
    let scenario = statusgap(folder.path(), &["check", "--live", "--yes", "x.toml"], &[], "");
    assert_eq!(scenario.status.code(), Some(2), "{}", err(&scenario));
    drop(server);
    let gone = check();
    assert_eq!(gone.status.code(), Some(3), "{}", err(&gone));
}

#[test]
fn a_recording_is_read_and_nothing_is_sent() {
    let folder = TempDir::new().expect("a folder");
    let entry = |second: u32, method: &str, url: &str, status: u16, body: &str| {
        let body = serde_json::Value::from(body);
        format!(
            r#"{{"startedDateTime":"2026-01-01T00:00:0{second}.000Z","time":5,"request":{{"method":"{method}","url":"{url}","headers":[{{"name":"Authorization","value":"Bearer s3cr3t-value"}}]}},
            "response":{{"status":{status},"headers":[],"content":{{"text":{body}}}}}}}"#
        )
    };
    let job = format!("http://127.0.0.1:1/jobs/{ID}");
    let entries = [
        entry(0, "POST", "http://127.0.0.1:1/jobs", 202, &format!("{{\"id\":\"{ID}\"}}")),
        entry(1, "GET", &job, 404, "{\"detail\":\"no such job\"}"),
        entry(2, "GET", &job, 200, "{\"status\":\"queued\"}"),
        entry(3, "GET", &job, 200, "{\"status\":\"done\"}"),
    ];
    std::fs::write(folder.path().join("x.har"), format!("{{\"log\":{{\"entries\":[{}]}}}}", entries.join(","))).expect("a file");
    let made = statusgap(folder.path(), &["init", "--har", "x.har"], &[], "");
    assert_eq!(made.status.code(), Some(0), "{}", err(&made));
    assert!(err(&made).contains("how a never-issued id is answered"), "{}", err(&made));
    let imported = statusgap(folder.path(), &["import", "har", "x.har", "--out", "x.ndjson"], &[], "");
    assert_eq!(imported.status.code(), Some(0), "{}", err(&imported));
    let log = std::fs::read_to_string(folder.path().join("x.ndjson")).expect("a log");
    assert!(!log.contains("s3cr3t") && !err(&imported).contains("s3cr3t"), "{log}");
    let report = statusgap(folder.path(), &["report", "x.ndjson"], &[], "");
    assert_eq!(report.status.code(), Some(1), "{}", err(&report));
}

#[test]
fn a_file_that_is_no_target_file_is_recognised() {
    let folder = TempDir::new().expect("a folder");
    for (name, text, option) in [
        ("calls.txt", "curl h/jobs -d x\ncurl h/jobs/17\n", "--curl calls.txt"),
        ("a.har", "{\"log\": {\"entries\": []}}", "--har a.har"),
        ("api.yaml", "openapi: 3.0.0\n", "--openapi api.yaml"),
    ] {
        std::fs::write(folder.path().join(name), text).expect("a file");
        let refused = statusgap(folder.path(), &["run", "--target", name], &[], "");
        assert_eq!(refused.status.code(), Some(2), "{name}");
        assert!(err(&refused).contains(&format!("statusgap init {option}")), "{name}: {}", err(&refused));
    }
    let target = "name = 'x'\nbase_url = 'http://h'\n[initiate]\npath = '/j'\nid = { pointer = '/id' }\n[status]\npath = '/j/{id}'\n";
    std::fs::write(folder.path().join("x.toml"), target).expect("a file");
    for (option, file, wanted) in [
        ("--curl", "x.toml", "statusgap run --target x.toml"),
        ("--har", "x.toml", "statusgap run --target x.toml"),
        ("--openapi", "x.toml", "statusgap run --target x.toml"),
        ("--har", "calls.txt", "give it with --curl"),
        ("--openapi", "calls.txt", "give it with --curl"),
        ("--curl", "api.yaml", "init --openapi"),
    ] {
        let refused = statusgap(folder.path(), &["init", option, file, "--offline"], &[], "");
        assert_eq!(refused.status.code(), Some(2), "{option} {file}");
        assert!(err(&refused).contains(&format!("{file}: ")) && err(&refused).contains(wanted), "{option} {file}: {}", err(&refused));
    }
    let commands = statusgap(folder.path(), &["check", "calls.txt"], &[], "");
    assert!(commands.status.code() == Some(2) && err(&commands).contains("init --curl calls.txt"), "{}", err(&commands));
    let document = statusgap(folder.path(), &["run", "--target", "http://127.0.0.1:1/openapi.json"], &[], "");
    assert!(document.status.code() == Some(2) && err(&document).contains("init --openapi"), "{}", err(&document));
}

#[test]
fn what_is_wrong_in_a_file_of_commands_is_said_with_its_line() {
    let folder = TempDir::new().expect("a folder");
    std::fs::write(folder.path().join("calls.txt"), "curl -d x http://h/jobs\n\ncurl --frobnicate http://h/jobs/17\n").expect("a file");
    for arguments in [&["init", "--curl", "calls.txt"][..], &["init", "calls.txt"], &["reproduce", "--curl", "calls.txt"]] {
        let refused = statusgap(folder.path(), arguments, &[], "");
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}");
        let told = err(&refused);
        assert!(told.contains("calls.txt:3: curl command 2: curl's option --frobnicate is not known here"), "{arguments:?}: {told}");
        assert!(told.contains("leave it out"), "{told}");
    }
}

#[test]
fn a_file_of_another_kind_is_told_what_it_is_and_what_to_do() {
    let folder = TempDir::new().expect("a folder");
    for (name, text, arguments, wanted) in [
        (
            "x.toml",
            "base_url = 'http://h'\n[initate]\npath = '/x'\n",
            &["init"][..],
            &["this is a target file already", "check --live x.toml"][..],
        ),
        (
            "p.json",
            "{\"info\": {\"schema\": \"https://schema.getpostman.com/json/collection/v2.1.0/collection.json\"}, \"item\": []}",
            &["init"],
            &["p.json is nothing that a target file can be made from", "Postman", "cURL"],
        ),
        ("x.py", "import requests\n", &["check"], &["x.py:1:8", "the file is TOML", "statusgap init"]),
    ] {
        std::fs::write(folder.path().join(name), text).expect("a file");
        let refused = statusgap(folder.path(), &[arguments, &[name]].concat(), &[], "");
        assert_eq!(refused.status.code(), Some(2), "{name}");
        for part in wanted {
            assert!(err(&refused).contains(part), "{name}: no {part} in {}", err(&refused));
        }
    }
    let plain = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = plain.local_addr().expect("an address").port();
    let answers = std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        if let Ok((mut stream, _)) = plain.accept() {
            drop(stream.read(&mut [0; 1024]));
            drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"));
        }
    });
    let commands = format!("curl -d x https://127.0.0.1:{port}/jobs\ncurl https://127.0.0.1:{port}/jobs/17\n");
    let refused = statusgap(folder.path(), &["init", "--curl", "-", "--yes"], &[], &commands);
    assert!(
        refused.status.code() == Some(3) && err(&refused).contains("speaks no TLS: is it http:// instead of https://?"),
        "{}",
        err(&refused)
    );
    answers.join().expect("it answers once");
    let directory = statusgap(folder.path(), &["init", "."], &[], "");
    assert!(directory.status.code() == Some(2) && err(&directory).contains("name a file in it"), "{}", err(&directory));
}

/// A service that takes the client's own ids from whoever has logged in, and lets a login make three requests.
#[derive(Clone, Default)]
struct Strict {
    known: Arc<Mutex<(u64, BTreeMap<String, u32>)>>,
}

/// So many requests a login is good for.
const GOOD_FOR: u64 = 3;

/// So many times a job is denied, and then visible before it ends.
const TIMES: u32 = 4;

impl Respond for Strict {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body = |code, body: serde_json::Value| ResponseTemplate::new(code).set_body_json(body);
        let mut known = self.known.lock().expect("nobody panics");
        let (used, jobs) = &mut *known;
        if request.url.path() == "/login" {
            let is_right = String::from_utf8_lossy(&request.body).contains("lovelace-1");
            // The next login begins where the last one ends.
            *used = used.next_multiple_of(GOOD_FOR);
            return if is_right {
                body(200, serde_json::json!({"token": format!("token-{used}")}))
            } else {
                body(401, serde_json::json!({}))
            };
        }
        let bearer = format!("Bearer token-{}", *used - *used % GOOD_FOR);
        let is_fresh = request.headers.get("authorization").is_some_and(|value| value.as_bytes() == bearer.as_bytes());
        *used += 1;
        if !is_fresh {
            return body(401, serde_json::json!({"detail": "log in"}));
        }
        let id = request.url.path().rsplit('/').next().unwrap_or_default().to_owned();
        if request.method == "PUT" {
            jobs.insert(id, 0);
            return body(202, serde_json::json!({"accepted": true}));
        }
        let Some(asked) = jobs.get_mut(&id) else { return body(404, serde_json::json!({"detail": "no such package"})) };
        *asked += 1;
        match *asked {
            ..=TIMES => body(404, serde_json::json!({"detail": "no such package"})),
            n if n <= 2 * TIMES => body(200, serde_json::json!({"package": id, "phase": "running"})),
            _ => body(200, serde_json::json!({"package": id, "phase": "done"})),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_is_a_third_command_and_is_made_again_when_it_has_expired() {
    let server = MockServer::start().await;
    Mock::given(path_regex("^/(login|packages)")).respond_with(Strict::default()).mount(&server).await;
    let folder = TempDir::new().expect("a folder");
    let base = server.uri();
    let commands = format!(
        "curl {base}/login --json '{{\"user\": \"ada\", \"password\": \"lovelace-1\"}}'\n\
         curl -X PUT {base}/packages/{ID} -H 'Authorization: Bearer old' -d x\n\
         curl {base}/packages/{ID} -H 'Authorization: Bearer old'\n"
    );
    let made = statusgap(folder.path(), &["init", "--curl", "-", "--yes"], &[], &commands);
    assert_eq!(made.status.code(), Some(0), "{}", err(&made));
    let file = std::fs::read_to_string(folder.path().join("packages.toml")).expect("a file");
    for wanted in
        ["[login]", "capture = { token = { pointer = \"/token\" } }", "Bearer {token}", "id = \"{uuid:dashed}\"", "method = \"PUT\""]
    {
        assert!(file.contains(wanted), "no {wanted} in\n{file}");
    }
    assert!(!file.contains("lovelace-1") && !err(&made).contains("token-0"), "{file}\n{}", err(&made));
    let told = err(&made);
    assert!(told.contains(&format!("denied this job {TIMES} times")) && told.contains("done → succeeded"), "{told}");
    let checked = statusgap(folder.path(), &["check", "--live", "--yes", "packages.toml"], &[("PACKAGES_PASSWORD", "lovelace-1")], "");
    assert_eq!(checked.status.code(), Some(0), "{}", err(&checked));
    assert!(err(&checked).contains("denied this job"), "{}", err(&checked));
}
