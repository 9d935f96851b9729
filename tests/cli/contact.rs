//! First contact: what the command says, and how little it sends, where the target file or the target cannot work.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::Value;

use crate::support::twinless::twinless;

/// A request: `POST /v1/renders`, and how many of its method came before it.
struct Asked<'a> {
    line: &'a str,
    nth: usize,
}

/// An API on a free port of the loopback that answers as it is told; it ends with the test.
struct Api {
    url: String,
    requests: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
}

type Answers = fn(&Asked<'_>) -> String;

impl Api {
    fn start(answers: Answers) -> Api {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (requests, over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (counted, ends) = (Arc::clone(&requests), Arc::clone(&over));
        std::thread::spawn(move || {
            let posts = Arc::new(AtomicUsize::new(0));
            for stream in listener.incoming().map_while(Result::ok) {
                if ends.load(Ordering::Relaxed) {
                    return;
                }
                let (counted, posts) = (Arc::clone(&counted), Arc::clone(&posts));
                std::thread::spawn(move || serve(stream, answers, &counted, &posts));
            }
        });
        Api { url, requests, over }
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Wakes whoever accepts.
        drop(TcpStream::connect(self.url.trim_start_matches("http://")));
    }
}

fn serve(mut stream: TcpStream, answers: Answers, counted: &AtomicUsize, posts: &AtomicUsize) {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    loop {
        let (mut first, mut length) = (String::new(), 0);
        if reader.read_line(&mut first).unwrap_or(0) == 0 {
            return;
        }
        loop {
            let mut header = String::new();
            if reader.read_line(&mut header).unwrap_or(0) == 0 || header == "\r\n" {
                break;
            }
            if let Some(told) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                length = told.trim().parse().unwrap_or(0);
            }
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        counted.fetch_add(1, Ordering::Relaxed);
        let line = first.trim_end().trim_end_matches(" HTTP/1.1");
        let nth = if line.starts_with("POST") { posts.fetch_add(1, Ordering::Relaxed) } else { posts.load(Ordering::Relaxed) };
        let answer = answers(&Asked { line, nth });
        if answer.is_empty() || stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn reply(code: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {code} X\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}

fn json(code: u16, body: &str) -> String {
    reply(code, "Content-Type: application/json\r\n", body)
}

/// A sound API with one job after the other, each visible at once.
fn sound(asked: &Asked<'_>) -> String {
    match asked.line {
        line if line.starts_with("POST /v1/renders") => json(202, &format!(r#"{{"id":"job-{}"}}"#, asked.nth)),
        line if line.starts_with("GET /v1/renders/job-") => json(200, r#"{"status":"done"}"#),
        line if line.starts_with("GET /v1/renders/") => json(404, r#"{"detail":"render not found"}"#),
        _ => json(404, r#"{"detail":"Not Found"}"#),
    }
}

/// The same, with other answers to whatever `is` holds for.
macro_rules! sound_but {
    ($is:expr, $answer:expr) => {
        |asked: &Asked<'_>| {
            let is: fn(&str) -> bool = $is;
            if is(asked.line) { $answer } else { sound(asked) }
        }
    };
}

const TARGET: &str = r#"
name = "renders"
base_url = "${RENDERS_URL}"
[users.owner]
headers = { Authorization = "Bearer ${JOBS_TOKEN}" }
[initiate]
path = "/v1/renders"
json = { n = "{n}" }
id = { pointer = "/id" }
[status]
path = "/v1/renders/{id}"
state = { pointer = "/status" }
states = { running = ["running"], succeeded = ["done"] }
"#;

const SCENARIO: &str =
    "name = 'two'\ntitle = 'two scans'\nsource = 'a test'\n[load]\nscans = 2\n[polls]\noffsets = ['100ms']\ntolerance = '1s'\n";

const TOKEN: &str = "s3cret/of+mine";

fn statusgap(api: &str, folder: &Path, target: &str, args: &[&str]) -> Output {
    std::fs::write(folder.join("renders.toml"), target).expect("a target file");
    std::fs::write(folder.join("two.toml"), SCENARIO).expect("a scenario");
    Command::new(env!("CARGO_BIN_EXE_statusgap"))
        .args(twinless(args.iter().copied()))
        .args(["--target", "renders.toml", "--out", "out", "--no-progress"])
        .env("RENDERS_URL", api)
        .env("JOBS_TOKEN", TOKEN)
        .env("COLUMNS", "200")
        .current_dir(folder)
        .output()
        .expect("the binary starts")
}

fn result(folder: &Path) -> Value {
    let text = std::fs::read_to_string(folder.join("out/result.json")).expect("a result");
    serde_json::from_str(&text).expect("JSON")
}

/// What is wrong, how the API answers, what of the target file is changed, how many requests are sent, and what must be said.
struct Row {
    wrong: &'static str,
    answers: Answers,
    target: Option<(&'static str, &'static str)>,
    requests: usize,
    said: &'static [&'static str],
}

const fn row(wrong: &'static str, answers: Answers, requests: usize, said: &'static [&'static str]) -> Row {
    Row { wrong, answers, target: None, requests, said }
}

const fn file(wrong: &'static str, from: &'static str, to: &'static str, requests: usize, said: &'static [&'static str]) -> Row {
    Row { wrong, answers: sound, target: Some((from, to)), requests, said }
}

/// Rows that end at first contact: exit 3, the words in headline and reasons, no scenario begun, and no secret anywhere.
fn check(rows: &[Row]) {
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let rows: Vec<_> = rows.iter().map(|row| scope.spawn(move || complaint(row))).collect();
        rows.into_iter().filter_map(|row| row.join().expect("no panic")).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn complaint(row: &Row) -> Option<String> {
    let api = Api::start(row.answers);
    let folder = tempfile::tempdir().expect("a folder");
    let (from, to) = row.target.unwrap_or_default();
    assert!(TARGET.contains(from), "{from} is not in the target file");
    let target = if from.is_empty() { TARGET.to_owned() } else { TARGET.replace(from, to) };
    let output = statusgap(&api.url, folder.path(), &target, &["run", "two.toml"]);
    let sent = api.requests.load(Ordering::Relaxed);
    let result = result(folder.path());
    let headline = result["headline"].as_str().unwrap_or_default();
    let log = std::fs::read_to_string(folder.path().join("out/log.ndjson")).expect("a log");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned() + &log + &result.to_string();
    let mut wrong: Vec<String> = row.said.iter().filter(|said| !headline.contains(*said)).map(|said| format!("lacks `{said}`")).collect();
    if output.status.code() != Some(3) || result["verdict"] != "inconclusive" {
        wrong.push(format!("ended with {:?}", output.status.code()));
    }
    if sent != row.requests {
        wrong.push(format!("sent {sent} requests and not {}", row.requests));
    }
    if result["exchanges"] != 0 || result["reasons"][0] != headline || !log.contains("\"contact\":{") {
        wrong.push("has exchanges, or its reason or contact elsewhere".to_owned());
    }
    if shown.contains(TOKEN) || shown.contains('\x1b') || shown.contains("quieter") {
        wrong.push("shows a secret, moves the cursor, or speaks of the machine".to_owned());
    }
    let header: Value = serde_json::from_str(log.lines().next().unwrap_or_default()).expect("a header");
    let change = header["contact"]["problem"]["change"].as_str().unwrap_or("no change");
    if !headline.contains(change) || !result["next_step"].as_str().is_some_and(|next| next.contains(change)) {
        wrong.push(format!("does not say to the end what to change: {change}; {}", result["next_step"]));
    }
    if !shown.contains("Nothing was measured") || shown.contains("carry no id") || shown.contains("No scan was") {
        wrong.push("says of something that it was measured".to_owned());
    }
    (!wrong.is_empty()).then(|| format!("{}: {}\n{headline}", row.wrong, wrong.join("; ")))
}

#[test]
fn a_post_that_is_not_accepted_ends_the_run_with_the_key_to_change() {
    const POST: fn(&str) -> bool = |line| line.starts_with("POST");
    check(&[
        row(
            "token",
            sound_but!(POST, json(401, r#"{"detail":"bad token s3cret/of+mine"}"#)),
            1,
            &[
                "`POST /v1/renders` answered 401 `{\"detail\":\"bad token [secret]\"}`",
                "is `$JOBS_TOKEN` set and valid?",
                "`Authorization` in `[users.owner] headers`",
            ],
        ),
        row("rights", sound_but!(POST, json(403, "{}")), 1, &["answered 403 `{}`", "may `owner` ask for a job", "`$JOBS_TOKEN`"]),
        row(
            "body",
            sound_but!(POST, json(422, r#"{"loc":["body","url"]}"#)),
            1,
            &["422 `{\"loc\":[\"body\",\"url\"]}`", "`[initiate] json`"],
        ),
        row("body refused as such", sound_but!(POST, reply(400, "", "\u{1b}[2Jno")), 1, &["400 `\\x1b[2Jno`", "`[initiate] json`"]),
        row("media type", sound_but!(POST, json(415, "")), 1, &["415 with an empty body", "Content-Type", "`[initiate] json`"]),
        row("method", sound_but!(POST, reply(405, "Allow: PUT\r\n", "")), 1, &["405", "`[initiate] method` (POST)", "PUT"]),
        row(
            "login",
            sound_but!(POST, reply(302, "Location: https://login.example/x\r\n", "")),
            1,
            &["302", "https://login.example/x", "login"],
        ),
        row(
            "scheme",
            sound_but!(POST, reply(308, "Location: https://127.0.0.1/v1/renders\r\n", "")),
            1,
            &["308", "https:// in `base_url`"],
        ),
        row(
            "limit",
            sound_but!(POST, reply(429, "Retry-After: 3600\r\n", "slow")),
            1,
            &["429 `slow`", "asks to wait (3600 s)", "--max-rps"],
        ),
        row(
            "web page",
            sound_but!(POST, reply(200, "", "<!DOCTYPE html><p>App")),
            1,
            &["200", "web page", "`base_url`", "`[initiate] path`"],
        ),
        row("code", sound_but!(POST, json(303, r#"{"id":"a"}"#)), 1, &["303", "redirect"]),
        row("compressed", sound_but!(POST, reply(202, "Content-Encoding: br\r\n", "\0\0\0\0a")), 1, &["not text", "compressed (br)"]),
        row("huge", sound_but!(POST, reply(200, "", &"x".repeat(1_100_000))), 1, &["larger than 1 MiB"]),
        row("long", sound_but!(POST, reply(400, "", &"é".repeat(3000))), 1, &["é…`: the API does not take"]),
        row(
            "long",
            sound_but!(POST, json(401, &"a long explanation of this. ".repeat(90))),
            1,
            &["answered 401 `a long", "is `$JOBS_TOKEN` set and valid? It is sent by `Authorization` in `[users.owner] headers`"],
        ),
        row(
            "many headers",
            sound_but!(POST, reply(202, &"X: 1\r\n".repeat(150), "{}")),
            1,
            &["broken HTTP", "the reply has more than 100 headers", "`curl -i`"],
        ),
        row(
            "a space",
            sound_but!(POST, "HTTP/1.1 202 X\r\nContent-Length : 2\r\n\r\n{}".to_owned()),
            1,
            &["the reply has a space before the colon of a header"],
        ),
        row("no HTTP", sound_but!(POST, "SSH-2.0-OpenSSH_9.2\r\n\r\n".to_owned()), 1, &["broken HTTP", "port in `base_url`"]),
        file(
            "path",
            "path = \"/v1/renders\"",
            "path = \"/v2/renders\"",
            1,
            &["`POST /v2/renders` answered 404 `{\"detail\":\"Not Found\"}`", "`[initiate] path`", "`base_url`"],
        ),
        Row {
            wrong: "no credentials",
            answers: |_| json(401, "{}"),
            target: Some(("headers = { Authorization = \"Bearer ${JOBS_TOKEN}\" }", "headers = {}")),
            requests: 1,
            said: &["sends no credentials as `owner`", "[users.owner]"],
        },
    ]);
}

#[test]
fn an_id_that_cannot_be_used_ends_the_run_with_what_the_reply_has_instead() {
    const POST: fn(&str) -> bool = |line| line.starts_with("POST");
    check(&[
        row(
            "pointer",
            sound_but!(POST, json(202, r#"{"data":{"job_id":"a","at":1},"ok":true}"#)),
            1,
            &["`[initiate] id` (`/id`) finds nothing", "`/data/job_id`, `/data/at`, `/ok`"],
        ),
        row("object", sound_but!(POST, json(202, r#"{"id":{"value":"a"},"b":1}"#)), 1, &["finds no text", "the reply has `/id/value`"]),
        row("null", sound_but!(POST, json(202, r#"{"id":null,"b":1}"#)), 1, &["finds nothing", "`/b`"]),
        row("empty", sound_but!(POST, json(202, r#"{"id":""}"#)), 1, &["`[initiate] id` (`/id`) is empty"]),
        row("too long", sound_but!(POST, json(202, &format!(r#"{{"id":"{}"}}"#, "x".repeat(70_000)))), 1, &["too long"]),
        row("header", sound_but!(POST, reply(202, "Location: /v1/renders/a\r\n", "")), 1, &["not JSON", "`Location: /v1/renders/a`"]),
        row(
            "GraphQL",
            sound_but!(POST, json(200, r#"{"errors":[{"message":"Unauthorized"}]}"#)),
            1,
            &["Unauthorized", "`/errors/0/message`"],
        ),
        file(
            "pattern",
            "{ pointer = \"/id\" }",
            "{ pointer = \"/id\", pattern = \"^render-(.*)$\" }",
            1,
            &["`pattern`", "`[initiate] id`"],
        ),
        file("code", "json = {", "accept = [201]\njson = {", 1, &["answered 202", "`[initiate] accept`"]),
    ]);
}

#[test]
fn a_status_that_cannot_work_ends_the_run_too() {
    const GET: fn(&str) -> bool = |line| line.starts_with("GET");
    check(&[
        row(
            "method",
            sound_but!(GET, reply(405, "Allow: POST\r\n", "")),
            4,
            &["`GET /v1/renders/job-0` answered 405", "`[status] method` (GET)"],
        ),
        row("login", sound_but!(GET, reply(302, "Location: /login\r\n", "")), 4, &["302", "/login", "`[status] path`"]),
        row("web page", sound_but!(GET, reply(200, "", "<html>app")), 4, &["web page", "`[status] path`"]),
        row("token", sound_but!(GET, json(401, "{}")), 7, &["answered 401", "the POST was accepted", "`$JOBS_TOKEN`"]),
        row("down", sound_but!(GET, reply(502, "", "bad gateway")), 7, &["502 `bad gateway`", "every status request fails"]),
    ]);
}

#[test]
fn an_address_without_a_server_is_named() {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port");
    for (url, said) in [
        (format!("http://{free}"), vec!["connection failed", "(3 tries)", "`base_url`"]),
        ("http://no-such-host.invalid".to_owned(), vec!["name not resolved", "`base_url` (http://no-such-host.invalid)"]),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let output = statusgap(&url, folder.path(), TARGET, &["run", "two.toml"]);
        let result = result(folder.path());
        let headline = result["headline"].as_str().unwrap_or_default();
        assert_eq!(output.status.code(), Some(3), "{headline}");
        assert!(said.iter().all(|said| headline.contains(said)), "{headline}");
    }
}

#[test]
fn a_target_that_recovers_is_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let api = Api::start(|asked| if asked.line.starts_with("POST") && asked.nth == 0 { reply(503, "", "starting") } else { sound(asked) });
    let output = statusgap(&api.url, folder.path(), TARGET, &["run", "two.toml"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
}

/// How a run ends that goes on after first contact, and what its headline says.
fn check_goes_on(what: &str, answers: Answers, code: i32, said: &str, noted: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let api = Api::start(answers);
    let output = statusgap(&api.url, folder.path(), TARGET, &["run", "two.toml"]);
    let (result, notes) = (result(folder.path()), String::from_utf8_lossy(&output.stderr).into_owned());
    let headline = result["headline"].as_str().unwrap_or_default();
    assert_eq!(output.status.code(), Some(code), "{what}: {headline}");
    assert!(headline.contains(said), "{what}: {headline}");
    assert!(notes.contains(noted) && notes.contains("first contact") != noted.is_empty(), "{what}: {notes}");
    assert!(result["exchanges"].as_u64() > Some(0), "{what}");
}

#[test]
fn a_misspelt_status_path_is_no_lost_job() {
    let router: Answers = |asked| if asked.line.starts_with("POST") { sound(asked) } else { json(404, r#"{"detail":"Not Found"}"#) };
    check_goes_on("path", router, 3, "`[status] path` is answered like a path that does not exist", "like a path that does not exist");
    let express: Answers =
        |asked| if asked.line.starts_with("POST") { sound(asked) } else { reply(404, "", &format!("Cannot {}", asked.line)) };
    check_goes_on("path that is repeated", express, 3, "like a path that does not exist", "like a path that does not exist");
}

/// How often the job of first contact was looked at.
static LOOKS: AtomicUsize = AtomicUsize::new(0);

#[test]
fn first_contact_never_ends_the_run_of_a_sick_service() {
    let lost = sound_but!(|line| line.starts_with("GET /v1/renders/job-"), json(404, r#"{"detail":"render not found"}"#));
    check_goes_on("lost in its own words", lost, 1, "status denied 2 of 2", "");
    // Its denials are the router's, and nobody looks at a job for as long as they last, but first contact.
    let late: Answers = |asked| match asked.line {
        line if line.starts_with("GET /v1/renders/job-0") && LOOKS.fetch_add(1, Ordering::Relaxed) > 2 => sound(asked),
        line if line.starts_with("GET") => json(404, r#"{"detail":"Not Found"}"#),
        _ => sound(asked),
    };
    check_goes_on("late, and denied in the router's words", late, 1, "status denied 2 of 2", "");
    // Its denials are the router's, and one job in two is lost, the first among them.
    let half: Answers = |asked| match asked.line {
        line if line.starts_with("GET") && !line.ends_with("job-1") => json(404, r#"{"detail":"Not Found"}"#),
        _ => sound(asked),
    };
    check_goes_on("one in two lost", half, 1, "status denied 1 of 2", "like a path that does not exist");
}

/// An API whose answers to a POST name the request, the region, the batch and the earlier job beside the job.
fn wordy(asked: &Asked<'_>) -> String {
    let n = asked.nth;
    match asked.line {
        "POST /v1/renders" => reply(
            202,
            &format!("X-Request-Id: 4f{n}a\r\nLocation: /v1/renders/job-{n}\r\n"),
            &format!(
                r#"{{"request":{{"id":"req-{n}"}},"job":{{"num":{},"id":"job-{n}","state":"queued"}},"region":"eu-1","batch_id":"batch-1","previous_id":"job-{}"}}"#,
                700 + n,
                (n + 99) % 100
            ),
        ),
        _ => sound(asked),
    }
}

/// The same without the address.
fn wordy_in_its_body(asked: &Asked<'_>) -> String {
    wordy(asked).replace("Location: /v1", "X-Location-Of: ")
}

/// Runs with another target file; gives the exit code, the result, and what was said.
fn run_with(answers: Answers, from: &str, to: &str) -> (Option<i32>, Value, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let api = Api::start(answers);
    assert!(TARGET.contains(from), "{from}");
    let output = statusgap(&api.url, folder.path(), &TARGET.replace(from, to), &["run", "two.toml"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), result(folder.path()), said)
}

/// What it is, how the API answers, what of the target file is changed to what, the exit code, and words of the headline.
type VerdictRow<'a> = (&'a str, Answers, (&'a str, &'a str), i32, &'a [&'a str]);

/// Runs all at once, since each waits for as long as a window may last.
fn check_verdicts(rows: &[VerdictRow<'_>]) {
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let runs: Vec<_> = rows.iter().map(|row| scope.spawn(move || (row, run_with(row.1, row.2.0, row.2.1)))).collect();
        runs.into_iter()
            .filter_map(|run| {
                let ((what, _, _, code, words), (exit, result, _)) = run.join().expect("no panic");
                let headline = result["headline"].as_str().unwrap_or_default();
                let lacks: Vec<_> = words.iter().filter(|word| !headline.contains(*word)).collect();
                (exit != Some(*code) || !lacks.is_empty()).then(|| format!("{what}: {exit:?}, lacks {lacks:?}: {headline}"))
            })
            .collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

const ID: &str = "{ pointer = \"/id\" }";

const TWO_KEYS: &str = "id = { pointer = \"/id\" }\n[status]\npath = \"/v1/renders/{id}\"";

#[test]
fn an_id_that_status_does_not_know_ends_the_run_where_another_of_the_same_answer_is_known() {
    check_verdicts(&[
        (
            "request",
            wordy,
            (ID, r#"{ pointer = "/request/id" }"#),
            3,
            &[
                "`GET /v1/renders/req-0` answered 404",
                "`[initiate] id` (`/request/id`) found `req-0`",
                "header `location`",
                "`job-0`",
                "answered 200",
            ],
        ),
        (
            "number",
            wordy_in_its_body,
            (ID, r#"{ pointer = "/job/num" }"#),
            3,
            &["(`/job/num`) found `700`", "`/job/id` has `job-0`", "answered 200"],
        ),
        ("constant", wordy_in_its_body, (ID, r#"{ pointer = "/region" }"#), 3, &["(`/region`) found `eu-1`", "`/job/id` has `job-0`"]),
        ("trace", wordy_in_its_body, (ID, r#"{ header = "x-request-id" }"#), 3, &["(the header `x-request-id`) found `4f0a`", "`/job/id`"]),
        // Whatever the API makes of an id that is none of its own.
        (
            "refused",
            |asked| if asked.line.starts_with("GET") && !asked.line.contains("/job-") { json(422, "{}") } else { wordy(asked) },
            (ID, r#"{ pointer = "/job/num" }"#),
            3,
            &["answered 422", "(`/job/num`) found `700`", "header `location`"],
        ),
        (
            "told apart",
            |asked| if asked.line.contains("/req-") { json(404, r#"{"error":"no render of request"}"#) } else { wordy(asked) },
            (ID, r#"{ pointer = "/request/id" }"#),
            3,
            &["(`/request/id`) found `req-0`", "header `location`"],
        ),
        (
            "behind long quotes",
            |asked| match asked.line {
                line if line.starts_with("GET") && !line.contains("/job-") => json(404, &"no such render, see the guide ".repeat(40)),
                line if line.starts_with("GET") => json(200, &format!(r#"{{"status":"done","note":"{}"}}"#, "long ".repeat(99))),
                _ => wordy(asked),
            },
            (
                TWO_KEYS,
                "id = { pointer = \"/request/id\" }\n[status]\npath = \"/v1/renders/{id}?fields=id,state,progress,owner,tenant,created,updated,\
                 links,errors,warnings,logs,metrics,children,parents,retries,attempts,queue,worker,region,zone,cluster,node,pod,and,so,on\"",
            ),
            3,
            &["`[initiate] id` (`/request/id`) found `req-0`", "header `location`", "`job-0`", ": is that the job's id?"],
        ),
        ("right", wordy, (ID, r#"{ pointer = "/job/id" }"#), 0, &[]),
    ]);
}

#[test]
fn jobs_that_are_lost_are_lost_whatever_else_the_answer_names() {
    check_verdicts(&[
        // The batch is one for all jobs, and the earlier job is another one.
        (
            "batch",
            |asked| match asked.line {
                "GET /v1/renders/batch-1" => json(200, r#"{"status":"done"}"#),
                line if line.starts_with("GET /v1/renders/") => json(404, r#"{"detail":"render not found"}"#),
                _ => wordy_in_its_body(asked),
            },
            (ID, r#"{ pointer = "/job/id" }"#),
            1,
            &["status denied 2 of 2"],
        ),
        (
            "a batch of its own",
            |asked| match asked.line {
                "POST /v1/renders" => json(202, &format!(r#"{{"batch":"batch-{0}","id":"job-{0}"}}"#, asked.nth)),
                line if line.starts_with("GET /v1/renders/batch-") => json(200, r#"{"status":"done"}"#),
                line if line.starts_with("GET /v1/renders/") => json(404, r#"{"detail":"render not found"}"#),
                _ => sound(asked),
            },
            (ID, ID),
            1,
            &["status denied 2 of 2"],
        ),
        (
            "what calls itself a batch, in the router's words",
            |asked| match asked.line {
                "POST /v1/renders" => json(202, &format!(r#"{{"uuid":"batch-{0}","id":"job-{0}"}}"#, asked.nth)),
                line if line.starts_with("GET /v1/renders/batch-") => json(200, r#"{"status":"done","type":"batch"}"#),
                line if line.starts_with("GET") => json(404, r#"{"detail":"Not Found"}"#),
                _ => sound(asked),
            },
            (ID, ID),
            1,
            &["status denied 2 of 2"],
        ),
        (
            "two of three",
            |asked| match asked.line {
                "POST /v1/renders" => json(202, &format!(r#"{{"uuid":"u{0}","id":"job-{0}"}}"#, asked.nth)),
                line if line.starts_with("GET /v1/renders/u") => json(200, r#"{"status":"done"}"#),
                "GET /v1/renders/job-0" | "GET /v1/renders/job-1" | "GET /v1/renders/job-3" => {
                    json(404, r#"{"detail":"render not found"}"#)
                }
                _ => sound(asked),
            },
            (ID, ID),
            1,
            &["status denied 1 of 2"],
        ),
        (
            "earlier job",
            |asked| match asked.line {
                line if line.starts_with("GET /v1/renders/job-") && line.ends_with(&format!("-{}", asked.nth.wrapping_sub(1))) => {
                    json(404, r#"{"detail":"render not found"}"#)
                }
                _ => wordy_in_its_body(asked),
            },
            (ID, r#"{ pointer = "/job/id" }"#),
            1,
            &["status denied"],
        ),
        (
            "late",
            |asked| match asked.line {
                line if line.starts_with("GET /v1/renders/job-0") && LATE.fetch_add(1, Ordering::Relaxed) > 3 => sound(asked),
                line if line.starts_with("GET /v1/renders/job-") => json(404, r#"{"detail":"render not found"}"#),
                line if line.starts_with("GET /v1/renders/req-") => json(200, r#"{"status":"done"}"#),
                _ => wordy_in_its_body(asked),
            },
            (ID, r#"{ pointer = "/job/id" }"#),
            1,
            &["status denied 2 of 2"],
        ),
    ]);
}

/// How often the late job of first contact was looked at.
static LATE: AtomicUsize = AtomicUsize::new(0);

#[test]
fn a_never_issued_id_that_the_file_makes_visible_ends_the_run_with_the_rule() {
    const NEVER: fn(&str) -> bool = |line| line.starts_with("GET /v1/renders/") && !line.contains("/job-");
    check(&[
        file(
            "a rule",
            "states = {",
            "answer = [{ is = \"visible\", when = { http = 404 } }]\nstates = {",
            3,
            &["answered 404 `{\"detail\":\"render not found\"}`", "rule 1 (`when = { http = 404 }`) of `[[status.answer]]`"],
        ),
        row(
            "an error",
            sound_but!(NEVER, json(200, r#"{"error":"nf"}"#)),
            3,
            &[
                "answered 200 `{\"error\":\"nf\"}`",
                "no state at `[status] state` (`/status`)",
                "`when = { http = 200, pointer = \"/error\", equals = \"nf\" }`",
            ],
        ),
        row(
            "nothing",
            sound_but!(NEVER, json(200, "{}")),
            3,
            &["answered 200 `{}`", "`when = { http = 200, pointer = \"/status\", exists = false }`"],
        ),
        Row {
            wrong: "no states",
            answers: sound_but!(NEVER, json(200, r#"{"error":{"code":5}}"#)),
            target: Some(("state = { pointer = \"/status\" }\nstates = { running = [\"running\"], succeeded = [\"done\"] }", "")),
            requests: 3,
            said: &["tells of an error", "pointer = \"/error\", exists = true"],
        },
    ]);
    // The service itself answers as if there were a job.
    let masks = sound_but!(NEVER, json(200, r#"{"status":"running"}"#));
    check_goes_on("masked", masks, 3, "an id that was never issued is answered as if it existed", "");
}

#[test]
fn a_job_that_is_refused_or_fails_at_first_is_no_gap_at_once() {
    const JOB: fn(&str) -> bool = |line| line.starts_with("GET /v1/renders/job-");
    check_goes_on("login", sound_but!(JOB, json(401, "{}")), 3, "", "this user may not read: is `$JOBS_TOKEN` set and valid?");
    check_goes_on("down", sound_but!(JOB, json(500, "{}")), 3, "", "The service failed: see its own log. Only if every new job");
}

const STATES: &str = "states = { running = [\"running\"], succeeded = [\"done\"] }";

#[test]
fn a_rule_that_denies_a_job_which_the_target_knows_is_no_gap() {
    const JOB: fn(&str) -> bool = |line| line.starts_with("GET /v1/renders/job-");
    let rule = |when: &str| format!("{STATES}\n[[status.answer]]\nis = \"not_found\"\nwhen = {when}\n");
    let running = rule(r#"{ http = 200, pointer = "/status", one_of = ["running"] }"#);
    let all = rule("{ http = 200 }");
    let missing = rule(r#"{ http = 200, pointer = "/result", exists = false }"#);
    let null = rule(r#"{ http = 200, pointer = "/job", null = true }"#);
    let in_list = rule(r#"{ http = 200, jsonpath = "$.items[?@.id == '{id:raw}']", exists = false }"#);
    check_verdicts(&[
        (
            "a state that is listed",
            sound_but!(JOB, json(200, r#"{"status":"running"}"#)),
            (STATES, &running),
            3,
            &[
                "answered 200 `{\"status\":\"running\"}`",
                "`[[status.answer]]`",
                "an id that was never issued answered 404",
                "the state `running`",
            ],
        ),
        ("the code", sound, (STATES, &all), 3, &["`[[status.answer]]`", "the state `done`"]),
        (
            "what is not there",
            sound_but!(JOB, json(200, r#"{"phase":"two"}"#)),
            (STATES, &missing),
            3,
            &["no job was ever visible", "answered 200 `{\"phase\":\"two\"}`", "`[[status.answer]]`", "answered 404"],
        ),
        (
            "a list",
            |asked| match asked.line {
                line if line.starts_with("GET /v1/renders/") => {
                    let ids: Vec<String> = (0..asked.nth).map(|n| format!(r#"{{"id":"job-{n}"}}"#)).collect();
                    json(200, &format!(r#"{{"jobs":[{}]}}"#, ids.join(",")))
                }
                _ => sound(asked),
            },
            (STATES, &in_list),
            3,
            &["no job was ever visible", "`[[status.answer]]`", "has its id"],
        ),
        // And what the rule is for.
        (
            "lost, as never issued",
            sound_but!(|line| line.starts_with("GET /v1/renders/"), json(200, r#"{"job":null}"#)),
            (STATES, &null),
            1,
            &["status denied 2 of 2"],
        ),
        (
            "a list without it",
            sound_but!(|line| line.starts_with("GET /v1/renders/"), json(200, r#"{"items":[{"id":"other"}]}"#)),
            (STATES, &in_list),
            1,
            &["status denied 2 of 2"],
        ),
        (
            "denied in other words for a while",
            |asked| match asked.line {
                "GET /v1/renders/job-0" if APART.fetch_add(1, Ordering::Relaxed) > 2 => sound(asked),
                line if line.starts_with("GET /v1/renders/job-1") && APART.fetch_add(1, Ordering::Relaxed) > 5 => sound(asked),
                line if line.starts_with("GET /v1/renders/job-") => json(200, r#"{"job":null}"#),
                _ => sound(asked),
            },
            (STATES, &null),
            1,
            &["status denied"],
        ),
    ]);
}

/// How often the jobs that are denied in other words were looked at.
static APART: AtomicUsize = AtomicUsize::new(0);

#[test]
fn a_sound_service_is_asked_for_one_job_more_and_passes_without_a_word() {
    check_goes_on("sound", sound, 0, "0 of 2 accepted jobs were denied", "");
}

#[test]
fn a_state_that_is_not_where_the_file_says_is_pointed_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let api = Api::start(sound);
    let output = statusgap(&api.url, folder.path(), &TARGET.replace("\"/status\"", "\"/state\""), &["run", "two.toml"]);
    let notes = String::from_utf8_lossy(&output.stderr);
    assert!(notes.contains("no state at `/state`") && notes.contains("`[status] state`"), "{notes}");
}

#[test]
fn reproduce_and_watch_end_at_first_contact_as_run_does() {
    for args in [
        &["reproduce"][..],
        &["watch", "--rounds", "3", "--every", "1s", "--listen", "none"],
        &["run", "two.toml", "--shard", "1/2", "--seed", "4"],
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let api = Api::start(|_| json(401, "{}"));
        let output = statusgap(&api.url, folder.path(), TARGET, args);
        assert_eq!(output.status.code(), Some(3), "{args:?}");
        assert_eq!(api.requests.load(Ordering::Relaxed), 1, "{args:?}");
        let headline = result(folder.path())["headline"].as_str().unwrap_or_default().to_owned();
        assert!(headline.contains("is `$JOBS_TOKEN` set and valid?"), "{args:?}: {headline}");
    }
}

#[test]
fn a_second_target_that_cannot_work_ends_the_run_of_both() {
    let folder = tempfile::tempdir().expect("a folder");
    let (good, bad) = (Api::start(sound), Api::start(|_| json(403, "{}")));
    let output = statusgap(&good.url, folder.path(), TARGET, &["run", "two.toml", "--against", &bad.url]);
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    let headline = result(folder.path())["headline"].as_str().unwrap_or_default().to_owned();
    assert!(headline.contains("answered 403") && headline.contains("--against"), "{headline}");
    assert_eq!((good.requests.load(Ordering::Relaxed), bad.requests.load(Ordering::Relaxed)), (3, 1));
}

#[test]
fn every_exchange_is_shown_if_that_is_wanted_and_no_secret_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let api = Api::start(|asked| {
        let told = sound(asked).replace("X\r\n", "X\r\nX-Echo: Bearer s3cret/of+mine\r\nSet-Cookie: sid=abc\r\n");
        // As long as it was.
        told.replace("render not found", "no \u{1b}[2J render  ")
    });
    let output = statusgap(&api.url, folder.path(), TARGET, &["run", "two.toml", "-vv"]);
    let shown = String::from_utf8_lossy(&output.stderr);
    let exchanges = shown.lines().filter(|line| line.starts_with("* ")).count();
    assert_eq!(exchanges, api.requests.load(Ordering::Relaxed), "{shown}");
    for line in ["> POST /v1/renders HTTP/1.1", "> authorization: [secret]", "< x-echo: [secret]", "< set-cookie: [secret]", "\\x1b[2J"] {
        assert!(shown.contains(line), "{line} in\n{shown}");
    }
    assert!(shown.lines().any(|line| line.contains("poll  scan 0  age 1")), "{shown}");
    assert!(!shown.contains(TOKEN) && !shown.contains('\x1b') && !shown.contains("sid=abc"), "{shown}");
    let quiet = statusgap(&api.url, folder.path(), TARGET, &["run", "two.toml"]);
    assert!(!String::from_utf8_lossy(&quiet.stderr).contains("> POST"));
}

#[test]
fn no_first_contact_where_no_job_is_asked_for_or_the_contract_is_known() {
    let folder = tempfile::tempdir().expect("a folder");
    let api = Api::start(sound);
    let output = statusgap(&api.url, folder.path(), TARGET, &["run", "unknown-id"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
    let log = std::fs::read_to_string(folder.path().join("out/log.ndjson")).expect("a log");
    assert!(!log.contains("\"contact\"") && !log.contains("\"initiate\","), "no job is asked for");
}

#[test]
fn a_shard_that_could_not_begin_leaves_the_merged_run_without_a_verdict_and_says_why() {
    // One job for the first shard's first contact, one for its scan; the token is revoked before the second.
    let api = Api::start(|asked| if asked.line.starts_with("POST") && asked.nth >= 2 { json(401, "{}") } else { sound(asked) });
    let folder = tempfile::tempdir().expect("a folder");
    for (shard, code) in [("1/2", 0), ("2/2", 3)] {
        let out = format!("shard-{}", &shard[..1]);
        std::fs::create_dir_all(folder.path().join(&out)).expect("a folder");
        let ended = statusgap(&api.url, folder.path(), TARGET, &["run", "two.toml", "--shard", shard, "--seed", "4"]);
        assert_eq!(ended.status.code(), Some(code), "{shard}: {}", String::from_utf8_lossy(&ended.stdout));
        std::fs::rename(folder.path().join("out/log.ndjson"), folder.path().join(&out).join("log.ndjson")).expect("a log");
    }
    let merged = Command::new(env!("CARGO_BIN_EXE_statusgap"))
        .args(["merge", "shard-1/log.ndjson", "shard-2/log.ndjson", "--out", "merged"])
        .current_dir(folder.path())
        .env("COLUMNS", "200")
        .output()
        .expect("the binary starts");
    let told = String::from_utf8_lossy(&merged.stdout);
    assert_eq!(merged.status.code(), Some(3), "{told}");
    assert!(told.contains("answered 401") && told.contains("`$JOBS_TOKEN`"), "{told}");
}
