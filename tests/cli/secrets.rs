//! No secret reaches an artefact or the screen, in whatever form a target sends it back, and wherever it stood when it was used.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use tempfile::TempDir;

use crate::support::twinless::twinless;

const TOKEN: &str = "tok/EN+S3cret=9\"x&y";
const TENANT: &str = "tenant S3cret/42+";
const PASSWORD: &str = "pässS3cret/9\"";
const KEY: &str = "key%2FS3cret 77/a";
const ACCOUNT: &str = "svc-probe:bas/ic+S3cret9>>";
const IN_BASE: &str = "hooks/T0S3cret42/B-1";

/// How a service escapes what it sends back.
type Form = fn(&str) -> String;

fn json(text: &str) -> String {
    let quoted = serde_json::to_string(text).expect("a text");
    quoted[1..quoted.len() - 1].to_owned()
}

fn other_than_letters(text: &str, form: impl Fn(char) -> String) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_string() } else { form(c) }).collect()
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

const FORMS: [(&str, Form); 20] = [
    ("JSON", json),
    ("JSON of PHP", |text| json(text).replace('/', "\\/")),
    ("JSON with lower \\u", |text| other_than_letters(text, |c| format!("\\u{:04x}", u32::from(c)))),
    ("JSON with upper \\u", |text| text.chars().map(|c| format!("\\u{:04X}", u32::from(c))).collect::<Vec<_>>().concat()),
    ("JSON in JSON", |text| json(&json(text))),
    ("URL", percent),
    ("URL, lower", |text| percent(text).to_lowercase()),
    ("form", |text| percent(text).replace("%20", "+")),
    ("URL twice", |text| percent(&percent(text))),
    ("URL, decoded", |text| json(&percent_encoding::percent_decode_str(text).decode_utf8_lossy())),
    ("HTML", |text| text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;").replace('/', "&#x2F;").replace('+', "&#43;")),
    ("HTML, decimal", |text| other_than_letters(text, |c| format!("&#{};", u32::from(c)))),
    ("URL of 16 bits", |text| text.chars().map(|c| format!("%u{:04X}", u32::from(c))).collect::<Vec<_>>().concat()),
    ("HTML without its end", |text| text.chars().map(|c| format!("&#x{:x}", u32::from(c))).collect::<Vec<_>>().concat()),
    ("quoted-printable", |text| text.bytes().map(|byte| format!("={byte:02X}")).collect::<Vec<_>>().concat()),
    ("bytes with colons", |text| text.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")),
    ("a list of bytes", |text| format!("[{}]", text.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(","))),
    ("base64 twice", |text| STANDARD.encode(STANDARD.encode(text))),
    ("base64", |text| STANDARD.encode(text)),
    ("base64url of more", |text| URL_SAFE_NO_PAD.encode(format!("you sent {text}, sorry"))),
];

/// Where a service sends it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A status of 404, also for those that were never issued.
    Denial,
    /// A status of 500.
    Failure,
    /// A refused initiate.
    Initiate,
    /// The state's word, an unlisted one, so that the body is kept as well.
    State,
    /// The id itself, and its echo.
    Id,
    /// The repeated id alone.
    Echo,
    /// Headers that are recorded, and an address elsewhere that is followed.
    Headers,
    /// What the witness says.
    Witness,
    /// A job that is known and done, in a member that nobody asked for and in a header: the run passes.
    Passing,
}

/// Between two ids, so that an id that was never issued is none of them.
const STEP: usize = 7919;

struct Echoes {
    form: Form,
    place: Place,
    issued: AtomicUsize,
}

fn serve(form: Form, place: Place) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let echoes = Arc::new(Echoes { form, place, issued: AtomicUsize::new(0) });
    // Ends with the test's process; nothing joins it.
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let echoes = Arc::clone(&echoes);
            thread::spawn(move || echoes.answer(stream));
        }
    });
    port
}

impl Echoes {
    /// Whether an address names a job that was handed out.
    fn issued(&self, target: &str) -> bool {
        let id = target.split(['/', '?']).find_map(|part| part.strip_prefix('j')?.parse::<usize>().ok());
        id.is_some_and(|id| id % STEP == 0 && id < self.issued.load(Ordering::Relaxed) * STEP)
    }

    fn answer(&self, mut stream: TcpStream) -> Option<()> {
        let mut bytes = Vec::new();
        let mut buffer = [0; 4096];
        let asked = loop {
            let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
            bytes.extend_from_slice(&buffer[..read]);
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length =
                head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
            if body.len() >= length {
                break text;
            }
        };
        let header = |name: &str| asked.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned();
        let target = asked.split(' ').nth(1)?.to_owned();
        let account = header("x-auth: Basic ");
        let account = String::from_utf8(STANDARD.decode(&account).unwrap_or_default()).unwrap_or_default();
        let body = asked.split("\r\n\r\n").nth(1)?;
        let sent = serde_json::from_str::<serde_json::Value>(body).ok();
        let sent = sent.and_then(|sent| Some(sent.get("password")?.as_str()?.to_owned())).unwrap_or_default();
        let token = header("authorization: Bearer ");
        // Alone and together, decoded and as they came, with credentials of its own and an address that lets its bearer in.
        let password = account.split_once(':').map_or("", |(_, password)| password);
        let told: Vec<String> = [&token, &target, account.as_str(), password, &sent].map(self.form).to_vec();
        let own = r#""access_token": "S3cretOfTheServer", "next": "https://u:S3cretOfTheServer@b.example/o?X-Amz-Signature=S3cretOfTheServer&sig=S3cretOfTheServer""#;
        let in_body = format!("{{\"error\": \"{}\", {own}, \"state\": \"busy\"}}", told.join("\", \"also\": \""));
        let word = told.join(" ");
        let one_line = |text: &str| text.chars().filter(|c| !c.is_control()).collect::<String>();
        let is_initiate = asked.starts_with("POST");
        let id = if self.place == Place::Id {
            format!("{}-{}", one_line(&told[0]), self.issued.fetch_add(1, Ordering::Relaxed))
        } else {
            format!("j{:012}", self.issued.fetch_add(1, Ordering::Relaxed) * STEP)
        };
        let json = |value: serde_json::Value| value.to_string();
        let (code, body) = match self.place {
            Place::Initiate if is_initiate => (400, in_body),
            _ if is_initiate => (202, json(serde_json::json!({ "id": id }))),
            Place::Denial => (404, in_body),
            Place::Passing if !self.issued(&target) => (404, in_body),
            Place::Passing => (
                200,
                json(
                    serde_json::json!({ "state": "done", "id": target.split(['/', '?']).find(|part| part.starts_with('j') && *part != "jobs"), "also": word }),
                ),
            ),
            Place::Failure => (500, in_body),
            Place::Witness if target.contains("/witness/") => (404, in_body),
            Place::State => (200, json(serde_json::json!({ "state": word, "id": "j" }))),
            Place::Echo | Place::Id => (200, json(serde_json::json!({ "state": "busy", "id": one_line(&told[0]) }))),
            Place::Headers | Place::Witness | Place::Initiate => (200, json(serde_json::json!({ "state": "busy", "id": "j" }))),
        };
        let line = one_line(&word);
        let headers = if self.place == Place::Passing {
            format!("X-Worker: {line}\r\nX-Cache: HIT {line}\r\n")
        } else if self.place == Place::Headers {
            format!(
                "X-Worker: {line}\r\nX-Cache: HIT {line}\r\nVia: 1.1 {line}\r\nAge: 1\r\n\
                 Location: http://127.0.0.2:1/jobs/{id}?X-Amz-Signature=S3cretOfTheServer&token={}\r\n",
                one_line(&told[0])
            )
        } else {
            String::new()
        };
        write!(stream, "HTTP/1.1 {code} X\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).ok()
    }
}

const CONTRACT: &str = r#"
name = "x"
base_url = "${S_URL}"
[users.owner]
headers = { Authorization = "Bearer ${S_TOKEN}", X-Auth = "Basic ${S_BASIC}" }
[users.foreign]
headers = { Authorization = "Bearer nobody-at-all" }
[initiate]
path = "/jobs?tenant=${S_TENANT}"
json = { n = "{n}", password = "${S_PASSWORD}" }
id = { pointer = "/id" }
[status]
path = "/jobs/{id}?key=${S_KEY}"
follow = { header = "Location" }
state = { pointer = "/state" }
echo = { pointer = "/id" }
[status.states]
running = ["busy"]
succeeded = ["done"]
[witness]
path = "/witness/{id}"
state = { pointer = "/state" }
"#;

const SCENARIO: &str = "name = 's'\ntitle = 't'\nsource = 's'\n[load]\nscans = 2\n[polls]\noffsets = ['0s']\ntolerance = '5s'\nfillers = 0\nROUTE\n[controls]\n\
                        unknown_id = 1\n[readings]\nwitness = ['1ms']\nat_end = true\n";

fn statusgap(folder: &Path, port: u16, words: &[&str]) -> Output {
    given(folder, port, &twinless(words.iter().copied()))
}

fn given(folder: &Path, port: u16, words: &[&str]) -> Output {
    command(folder, port).args(words).output().expect("the binary starts")
}

fn command(folder: &Path, port: u16) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_statusgap"));
    command
        .current_dir(folder)
        .env("S_URL", format!("http://127.0.0.1:{port}/{IN_BASE}"))
        .env("S_TOKEN", TOKEN)
        .env("S_BASIC", STANDARD.encode(ACCOUNT))
        .env("S_TENANT", TENANT)
        .env("S_PASSWORD", PASSWORD)
        .env("S_KEY", KEY);
    command
}

/// Everything below a folder, file by file.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.display().to_string(), String::from_utf8_lossy(&fs::read(&path).expect("a file")).into_owned()));
        }
    }
    found
}

/// Fails if any form of any secret is in a text.
#[track_caller]
fn tells_nothing(case: &str, name: &str, text: &str) {
    // Each secret has this in it, which no escape but base64 changes.
    for mark in ["S3cret", "s3cret", "S3CRET"] {
        if let Some(at) = text.find(mark) {
            let start = (0..=at.saturating_sub(80)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            panic!("{case}: {name} tells …{}", text[start..].chars().take(200).collect::<String>());
        }
    }
    let shifted = |secret: &str| (0..3).map(|shift| STANDARD.encode(format!("{}{secret}", "x".repeat(shift)))).collect::<Vec<_>>();
    for secret in [TOKEN, TENANT, PASSWORD, KEY, ACCOUNT, IN_BASE] {
        for (form, encode) in FORMS {
            let encoded = encode(secret);
            assert!(!text.contains(&encoded), "{case}: {name} has {secret} as {form}");
        }
        for code in shifted(secret) {
            let core = code.trim_end_matches('=');
            let core = &core[4..core.len() - 3];
            assert!(!text.contains(core), "{case}: {name} has {secret} in base64");
        }
        let upper = secret.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect::<Vec<_>>().concat();
        assert!(!text.to_lowercase().contains(&upper), "{case}: {name} has {secret} in \\u");
    }
}

/// All forms at once, because each run waits for a job that stays unknown.
fn check(place: Place, route: &str) {
    std::thread::scope(|scope| {
        for (form, encode) in FORMS {
            scope.spawn(move || check_form(place, route, form, encode));
        }
    });
}

fn check_form(place: Place, route: &str, form: &str, encode: fn(&str) -> String) {
    let case = format!("{place:?} as {form}");
    let port = serve(encode, place);
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("t.toml"), CONTRACT).expect("a file");
    fs::write(folder.path().join("s.toml"), SCENARIO.replace("ROUTE", route)).expect("a file");
    let run = [
        "run",
        "s.toml",
        "--target",
        "t.toml",
        "--out",
        "out",
        "--also",
        "junit,openmetrics,hlog,pr,github",
        "--save-baseline",
        "out/base.json",
    ];
    let mut screens = vec![statusgap(folder.path(), port, &run)];
    let ran = String::from_utf8_lossy(&screens[0].stderr).into_owned();
    assert!(matches!(screens[0].status.code(), Some(0 | 1 | 3)), "{case}: {ran}");
    for words in [
        &["bundle", "out/log.ndjson", "--out", "out/ticket"][..],
        &["report", "out/log.ndjson", "--format", "markdown"],
        &["report", "out/log.ndjson", "--format", "json"],
        &["diagnose", "out/log.ndjson"],
    ] {
        screens.push(statusgap(folder.path(), port, words));
    }
    let log = fs::read_to_string(folder.path().join("out/log.ndjson")).expect("a log");
    assert!(log.contains("[secret]"), "{case}: nothing was sent back\n{log}");
    for (name, text) in files(&folder.path().join("out")) {
        tells_nothing(&case, &name, &text);
    }
    for screen in screens {
        tells_nothing(
            &case,
            "the screen",
            &format!("{}{}", String::from_utf8_lossy(&screen.stdout), String::from_utf8_lossy(&screen.stderr)),
        );
    }
}

/// A process that does not outlive a test that fails.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // One that has ended already is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What `watch` serves and writes, at a target that is judged as it should be.
fn watched(case: &str, folder: &Path, port: u16) -> Vec<(String, String)> {
    let words = ["watch", "--scenario", "s.toml", "--target", "t.toml", "--every", "1h", "--keep-going", "--listen", "127.0.0.1:0"];
    let process = command(folder, port)
        .args(words)
        .args(["--out", "watched"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut process = Killed(process);
    let mut lines = BufReader::new(process.0.stderr.take().expect("it is piped")).lines().map_while(Result::ok);
    let begun = lines.find(|line| line.contains("watching ")).expect("the page's address");
    let page = begun.rsplit("http://").next().and_then(|rest| rest.split('/').next()).expect("an address").to_owned();
    let judged = lines.find(|line| line.contains("PASS") || line.contains("FAIL") || line.contains("INCONCLUSIVE"));
    let mut shown = vec![("the lines".to_owned(), format!("{begun}{}", judged.unwrap_or_else(|| panic!("{case}: it ended"))))];
    for path in ["/", "/report", "/metrics", "/healthz"] {
        let mut stream = TcpStream::connect(&page).expect("it listens");
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {page}\r\nconnection: close\r\n\r\n").expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("UTF-8");
        assert!(answer.starts_with("HTTP/1.1 200"), "{case}: {path}: {answer}");
        shown.push((path.to_owned(), answer));
    }
    assert!(Command::new("kill").args(["-TERM", &process.0.id().to_string()]).status().expect("kill runs").success());
    shown.push(("the last lines".to_owned(), lines.collect()));
    process.0.wait().expect("it ends");
    shown.extend(files(&folder.join("watched")));
    shown
}

/// Everything but `run`, after a run: pairs of runs, an inquiry with its ticket, a watch with its page.
fn check_other_commands(place: Place, form: &str, encode: fn(&str) -> String) {
    let case = format!("{place:?} as {form}");
    let port = serve(encode, place);
    let folder = TempDir::new().expect("a folder");
    let path = folder.path();
    fs::write(path.join("t.toml"), CONTRACT).expect("a file");
    fs::write(path.join("s.toml"), SCENARIO.replace("ROUTE", "").replace("witness = ['1ms']\n", "")).expect("a file");
    let mut shown = watched(&case, path, port);
    let run = ["run", "s.toml", "--target", "t.toml", "--also", "junit,openmetrics,hlog,pr,github", "--out"];
    let mut words: Vec<Vec<&str>> = ["one", "two"].map(|out| [&run[..], &[out]].concat()).to_vec();
    words.push(vec!["reproduce", "--target", "t.toml", "--max-jobs", "12", "--budget", "10s", "--out", "inquiry"]);
    words.push(vec!["run", "s.toml", "--target", "t.toml", "--against", "t.toml", "--out", "pair"]);
    for format in ["table", "markdown", "json"] {
        words.push(vec!["compare", "one/log.ndjson", "two/log.ndjson", "--format", format]);
        words.push(vec!["report", "one/log.ndjson", "--format", format]);
    }
    for words in words {
        // One of them simulates causes, too: what that says is made from the same texts.
        let ran = if form == "JSON" && words[0] == "reproduce" { given(path, port, &words) } else { statusgap(path, port, &words) };
        let screen = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        assert_ne!(ran.status.code(), Some(2), "{case}: {words:?}: {screen}");
        if words.contains(&"one") {
            assert_eq!(ran.status.code(), Some(if place == Place::Passing { 0 } else { 3 }), "{case}: {screen}");
        }
        shown.push((words.join(" "), screen));
    }
    shown.extend(files(path).into_iter().filter(|(name, _)| !name.ends_with("t.toml") || name.contains("inquiry")));
    assert!(shown.iter().any(|(_, text)| text.contains("[secret]")), "{case}: nothing was sent back");
    for (name, text) in &shown {
        tells_nothing(&case, name, text);
    }
}

#[test]
fn no_other_command_shows_what_a_target_repeats() {
    std::thread::scope(|scope| {
        for (form, encode) in FORMS.into_iter().filter(|(form, _)| ["JSON", "URL", "HTML", "base64"].contains(form)) {
            for place in [Place::Denial, Place::Passing] {
                scope.spawn(move || check_other_commands(place, form, encode));
            }
        }
    });
}

#[test]
fn a_denial_that_repeats_the_request_tells_nothing() {
    check(Place::Denial, "");
}

#[test]
fn a_failure_that_repeats_the_request_tells_nothing() {
    check(Place::Failure, "");
    check(Place::Initiate, "");
}

#[test]
fn a_state_that_repeats_the_request_tells_nothing() {
    check(Place::State, "");
}

#[test]
fn an_id_that_repeats_the_request_tells_nothing() {
    check(Place::Id, "");
    check(Place::Echo, "");
}

#[test]
fn headers_and_refused_addresses_tell_nothing() {
    check(Place::Headers, "route = 'handed_out'");
}

#[test]
fn a_witness_that_repeats_the_request_tells_nothing() {
    check(Place::Witness, "");
}

#[test]
fn what_is_shown_before_a_run_tells_nothing() {
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("t.toml"), CONTRACT).expect("a file");
    for words in [
        &["check", "t.toml"][..],
        &["run", "immediate", "--target", "t.toml", "--dry-run"],
        &["config", "run", "--target", "https://bob:S3cret9@h/x"],
        &["config", "--format", "json", "run", "--store", "rediss:/u:S3cret9@h", "--user", "bob:S3cret9"],
        // Nobody listens there.
        &["run", "immediate", "--target", "t.toml", "--out", "out", "--max-scans", "1"],
        &["watch", "--target", "t.toml", "--out", "watch", "--rounds", "1", "--max-scans", "1"],
    ] {
        let shown = statusgap(folder.path(), 1, words);
        tells_nothing(
            &words.join(" "),
            "the screen",
            &format!("{}{}", String::from_utf8_lossy(&shown.stdout), String::from_utf8_lossy(&shown.stderr)),
        );
    }
    for (name, text) in files(folder.path()) {
        tells_nothing("before a run", &name, &text);
    }
}

#[test]
fn an_error_quotes_no_secret() {
    let folder = TempDir::new().expect("a folder");
    let valid = "name = 'x'\nbase_url = 'http://127.0.0.1:1'\n[initiate]\npath = '/jobs'\nid = { pointer = '/id' }\n[status]\npath = '/jobs/{id}'\n";
    let written: Vec<String> = [
        valid.replace("http://127.0.0.1:1", "https://bob:S3cret9@h"),
        valid.replace("http://127.0.0.1:1", "https://S3cret9@h"),
        valid.replace("http://127.0.0.1:1", "ftp://bob:S3cret9@h"),
        format!("{valid}[users.owner]\nheaders = {{ Authorization = 'Bearer S3cret9{{x}}' }}\n"),
        format!("{valid}[users.owner]\nheaders = {{ Authorization = \"Bearer S3cret9\\n\" }}\n"),
        format!("{valid}[users.owner]\nheaders = 'Authorization: Bearer S3cret9'\n"),
        format!("{valid}[users.owner]\nheaders = {{ X-Api-Key = 'S3cret9', x-api-key = 'S3cret9' }}\n"),
        format!("{valid}[users.owner]\nheaders = {{ Cookie = 'sid=S3cret9 }}\n"),
        valid.replace("path = '/jobs'", "path = '/jobs?api_key=S3cret9&n={m}'"),
        valid.replace("path = '/jobs'", "path = '/jobs'\njson = { password = 'S3cret9{' }"),
    ]
    .into();
    for (index, text) in written.iter().enumerate() {
        fs::write(folder.path().join(format!("{index}.toml")), text).expect("a file");
    }
    let mut commands: Vec<Vec<String>> = Vec::new();
    for index in 0..written.len() {
        let name = format!("{index}.toml");
        commands.push(vec!["check".into(), name.clone()]);
        commands.push(vec!["run".into(), "--target".into(), name]);
    }
    for address in [
        "https://bob:S3cret9@h",
        "HTTPS://bob:S3cret9@h",
        "https://bob:S3cret9 x@h",
        "https://bob:S3cret9/x@h",
        "https://S3cret9@h",
        "http://h/?token=S3cret9",
        "bob:S3cret9@h",
        "ftp://bob:S3cret9@h",
        "https://bob:S3cret9@",
        "unix:bob:S3cret9@h",
    ] {
        commands.push(vec!["run".into(), "--target".into(), address.into()]);
        commands.push(vec!["run".into(), format!("--target={address}")]);
        commands.push(vec!["reproduce".into(), "--target".into(), address.into()]);
        commands.push(vec!["import".into(), "har".into(), "none.har".into(), "--target".into(), address.into()]);
    }
    commands.push(vec!["run".into(), "https://bob:S3cret9@h".into()]);
    commands.push(vec!["https://bob:S3cret9@h".into()]);
    for store in [
        "rediss:/u:S3cret9@h",
        "redis:u:S3cret9@h",
        "redis//u:S3cret9@h",
        "redis/u:S3cret9@h",
        "mysql://u:S3cret9@h/x",
        "u:S3cret9@h",
        "redis://u:S3cret9@127.0.0.1:1/0",
        "redis://u:S3cret9@127.0.0.1:x",
    ] {
        commands.push(vec!["run".into(), "immediate".into(), "--store".into(), store.into()]);
        commands.push(vec!["serve".into(), "--port".into(), "0".into(), "--store".into(), store.into()]);
        commands.push(vec!["run".into(), "immediate".into(), "--set".into(), format!("store={store}")]);
    }
    commands.push(vec!["serve".into(), "--user".into(), "S3cret9".into()]);
    commands.push(vec!["run".into(), "--user".into(), ":S3cret9".into()]);
    for words in &commands {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let refused = statusgap(folder.path(), 1, &words);
        let told = format!("{}{}", String::from_utf8_lossy(&refused.stdout), String::from_utf8_lossy(&refused.stderr));
        assert_eq!(refused.status.code(), Some(2), "{words:?}: {told}");
        tells_nothing(&words.join(" "), "the screen", &told);
    }
    let from_environment = Command::new(env!("CARGO_BIN_EXE_statusgap"))
        .args(["run", "immediate"])
        .current_dir(folder.path())
        .env("STATUSGAP_TARGET", "https://bob:S3cret9@h")
        .output()
        .expect("the binary starts");
    assert_eq!(from_environment.status.code(), Some(2));
    tells_nothing("STATUSGAP_TARGET", "the screen", &String::from_utf8_lossy(&from_environment.stderr));
    for proxy in ["http://u:S3cret9@[", "socks5://u:S3cret9@h:1", "http://u:S3cret9@127.0.0.1:1"] {
        fs::write(folder.path().join("t.toml"), valid.replace("http://127.0.0.1:1", "http://jobs.test")).expect("a file");
        let ran = Command::new(env!("CARGO_BIN_EXE_statusgap"))
            .args(["run", "immediate", "--target", "t.toml", "--out", "proxied", "--max-scans", "1"])
            .current_dir(folder.path())
            .env("HTTP_PROXY", proxy)
            .output()
            .expect("the binary starts");
        tells_nothing(proxy, "the screen", &format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr)));
    }
    if folder.path().join("proxied").exists() {
        for (name, text) in files(&folder.path().join("proxied")) {
            tells_nothing("a proxy", &name, &text);
        }
    }
}
