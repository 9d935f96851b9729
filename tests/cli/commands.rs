//! What a user does at a shell, through the binary: exit codes, files, messages.
//!
//! Mostly on virtual time. The few runs over real sockets assert what came after what, never how long it took.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// A shell in an empty folder.
struct Shell {
    folder: TempDir,
}

impl Shell {
    fn new() -> Shell {
        Shell { folder: TempDir::new().expect("a folder") }
    }

    fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_statusgap"));
        command.args(words.split_whitespace()).current_dir(self.folder.path()).env_remove("STATUSGAP_URL").env("NO_COLOR", "1");
        // What twins say has tests of its own, and in a build for tests they take a while.
        command.env("STATUSGAP_NO_TWIN", "true");
        // Variables are read by the commands that probe.
        if ["report ", "diagnose ", "bundle "].iter().any(|reading| words.starts_with(reading)) {
            command.arg("--no-twin");
        }
        command
    }

    fn run(&self, words: &str) -> Ended {
        Ended::of(&self.command(words).output().expect("the binary starts"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("a file");
    }
}

/// What a command left behind.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ended {
    fn of(output: &Output) -> Ended {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        Ended { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    #[track_caller]
    fn exits(self, code: i32) -> Ended {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        self
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The names of the scenarios, or guarantees, whose verdict is fail.
fn failed(result: &Value, list: &str) -> Vec<String> {
    let items = result[list].as_array().expect("a list");
    items.iter().filter(|item| item["verdict"] == "fail").filter_map(|item| Some(item["name"].as_str()?.to_owned())).collect()
}

#[test]
fn every_preset_ends_with_the_exit_code_that_its_fault_deserves() {
    for (service, code, scenarios, guarantees) in [
        ("deferred", 1, &["immediate", "zero-delay"][..], &["read-your-writes"][..]),
        ("deferred --workers 4", 1, &["concurrent-polls"], &["read-your-writes", "monotonic-visibility"]),
        ("placeholder", 1, &["repeat-request"], &["monotonic-state"]),
        ("placeholder --workers 4", 1, &["concurrent-polls"], &["monotonic-visibility"]),
        ("lifecycle-fallback", 1, &["foreign-user"], &["isolation"]),
        ("shared-cache --workers 2", 1, &["concurrent-polls"], &["monotonic-visibility"]),
        ("sound", 0, &[], &[]),
        ("sound --workers 4", 0, &[], &[]),
        ("sound --set status-latency=300ms", 0, &[], &[]),
        ("zoo-q", 1, &["foreign-user"], &["isolation"]),
        ("zoo-n", 3, &[], &[]),
    ] {
        let shell = Shell::new();
        let result = shell.run(&format!("run --virtual --seed 7 --out run --format json --service {service}")).exits(code).json();
        let told = (failed(&result, "scenarios"), failed(&result, "guarantees"));
        assert!(scenarios.iter().all(|name| told.0.iter().any(|failed| failed == name)), "{service}: {:?}", told.0);
        assert!(guarantees.iter().all(|name| told.1.iter().any(|failed| failed == name)), "{service}: {:?}", told.1);
        let verdict = ["pass", "fail", "", "inconclusive"][usize::try_from(code).expect("a small number")];
        assert_eq!(result["verdict"], verdict, "{service}");
    }
}

#[test]
fn what_a_weaker_fix_does_keep_is_not_held_against_it() {
    let shell = Shell::new();
    let result = shell.run("run --virtual --seed 7 --out run --format json --service placeholder").exits(1).json();
    assert_eq!(failed(&result, "scenarios"), ["repeat-request"]);
    assert!(!failed(&result, "guarantees").contains(&"read-your-writes".to_owned()));
}

#[test]
fn a_target_that_knows_every_id_is_not_assessable() {
    let shell = Shell::new();
    let result = shell.run("run --virtual --seed 7 --out run --format json --service zoo-n").exits(3).json();
    assert_eq!((&result["assessable"], &result["verdict"]), (&Value::Bool(false), &Value::from("inconclusive")));
    assert!(result["diagnosis"].as_array().is_some_and(|found| found.iter().any(|cause| cause["class"] == "N")), "{}", result["diagnosis"]);
}

#[test]
fn reports_are_rebuilt_from_the_log_byte_for_byte() {
    for service in ["deferred", "sound", "zoo-n"] {
        let shell = Shell::new();
        let ran = shell.run(&format!("run --virtual --seed 3 --service {service} --out run --format markdown"));
        let again = shell.run("report run/log.ndjson --out again --format markdown");
        assert_eq!(again.code, ran.code, "{service}: the verdict is in the log");
        assert_eq!(again.out, ran.out);
        assert_eq!(again.out, shell.read("again/report.md"));
        for file in ["result.json", "report.md", "report.html"] {
            assert_eq!(shell.read(&format!("again/{file}")), shell.read(&format!("run/{file}")), "{service}: {file}");
        }
        for format in ["table", "json", "markdown"] {
            let [first, second] = [0, 1].map(|_| shell.run(&format!("report run/log.ndjson --format {format}")).out);
            assert_eq!(first, second, "{format}");
        }
    }
}

#[test]
fn the_same_seed_writes_the_same_log_and_another_one_does_not() {
    let log = |seed: u32| {
        let shell = Shell::new();
        shell.run(&format!("run --virtual --seed {seed} --workers 3 --out run")).exits(1);
        shell.read("run/log.ndjson")
    };
    let first = log(11);
    assert!(first == log(11), "two runs with one seed differ");
    let exchanges = |log: &str| log.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert!(exchanges(&first) != exchanges(&log(12)), "the seed decides nothing");
}

#[test]
fn a_dry_run_tells_the_plan_and_sends_nothing() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let address = listener.local_addr().expect("an address");
    let shell = Shell::new();
    let ended = shell.run(&format!("run --dry-run --target http://{address}")).exits(0);
    assert!(ended.out.contains("nothing was sent"), "{}", ended.out);
    assert!(ended.out.contains("initiate"), "{}", ended.out);
    listener.set_nonblocking(true).expect("a socket that does not wait");
    assert!(listener.accept().is_err(), "somebody connected");
    assert_eq!(fs::read_dir(shell.folder.path()).expect("a folder").count(), 0, "and nothing is written");
}

#[test]
fn a_wrong_scenario_is_shown_with_file_line_and_column() {
    const HEAD: &str = "name = \"x\"\ntitle = \"x\"\nsource = \"x\"\n";
    for (text, place, word) in [
        ("[polls]\noffsets = [\"100\"]\n", "wrong.toml:5:12", "100ms"),
        ("[polls]\nofsets = [\"100ms\"]\n", "wrong.toml:5:1", "offsets"),
        ("[load]\nscans = \"many\"\n", "wrong.toml:5:9", ""),
        ("[polls]\noffsets = [\"2s\", \"1s\"]\n", "wrong.toml:5:1", "ascending"),
    ] {
        let shell = Shell::new();
        shell.write("wrong.toml", &format!("{HEAD}{text}"));
        for command in ["run --virtual wrong.toml", "check wrong.toml"] {
            let ended = shell.run(command).exits(2);
            assert!(ended.err.contains(place) && ended.err.contains(word), "{command}: {text}{}", ended.err);
            assert!(ended.out.is_empty(), "complaints go to standard error");
        }
    }
}

#[test]
fn a_misspelt_name_is_answered_with_the_right_one() {
    let shell = Shell::new();
    for (command, meant) in [
        ("run --virtual imediate", "immediate"),
        ("run --virtual --service defered", "deferred"),
        ("run --virtual --set registration-dela=2s", "registration-delay"),
        ("report nowhere.ndjson", "nowhere.ndjson"),
        ("run --target nowhere.toml", "nowhere.toml"),
    ] {
        let ended = shell.run(command).exits(2);
        assert!(ended.err.contains(meant), "{command}: {}", ended.err);
    }
    assert!(shell.run("run --virtual imediate").err.contains("did you mean"));
}

#[test]
fn contradicting_or_unknown_options_are_refused() {
    let shell = Shell::new();
    for command in [
        "run --virtual --target http://127.0.0.1:1",
        "run --target http://127.0.0.1:1 --workers 2",
        "run --virtual --max-rps 0",
        "run --virtual --timeout 5",
        "run --colour",
        "sing",
        "",
    ] {
        let ended = shell.run(command).exits(2);
        assert!(!ended.err.is_empty(), "{command}");
    }
}

#[test]
fn everything_that_is_shipped_checks_out() {
    let shell = Shell::new();
    let mut command = shell.command("check");
    for folder in ["scenarios", "scenarios/targets"] {
        let entries = fs::read_dir(repository(folder)).expect("a folder").map(|entry| entry.expect("an entry").path());
        command.args(entries.filter(|path| path.extension().is_some_and(|end| end == "toml")));
    }
    let ended = Ended::of(&command.output().expect("the binary starts")).exits(0);
    assert!(ended.out.contains("scenario `immediate`") && ended.out.contains("target `opportunity-scan`"), "{}", ended.out);
}

#[test]
fn standard_output_is_the_result_alone() {
    let shell = Shell::new();
    let ended = shell.run("run --virtual --seed 1 --out run --format json immediate").exits(1);
    assert_eq!(ended.out, shell.read("run/result.json"), "what is printed is what is written");
    assert!(ended.err.contains("run"), "where it was written is told on standard error: {}", ended.err);
    let quiet = shell.run("run --virtual --seed 1 --out run --format json --quiet immediate").exits(1);
    assert_eq!(quiet.err, "");
}

#[test]
fn a_log_that_was_torn_is_reported_as_the_part_it_is() {
    for (service, code) in [("deferred", 1), ("sound", 3)] {
        let shell = Shell::new();
        shell.run(&format!("run --virtual --seed 5 --service {service} --out run"));
        let whole = fs::read(shell.path("run/log.ndjson")).expect("a log");
        fs::write(shell.path("torn.ndjson"), &whole[..whole.len() - 300]).expect("a file");
        let ended = shell.run("report torn.ndjson --format json").exits(code);
        assert!(ended.err.contains("torn"), "{}", ended.err);
        let reasons = ended.json()["reasons"].to_string();
        assert!(reasons.contains("cut off"), "{service}: {reasons}");
    }
}

#[test]
fn a_log_that_was_edited_is_refused_with_its_line() {
    let shell = Shell::new();
    shell.run("run --virtual --seed 5 --out run unknown-id");
    let mut lines: Vec<String> = shell.read("run/log.ndjson").lines().map(str::to_owned).collect();
    lines[3].truncate(20);
    shell.write("edited.ndjson", &format!("{}\n", lines.join("\n")));
    let ended = shell.run("report edited.ndjson").exits(2);
    assert!(ended.err.contains("edited.ndjson:4"), "{}", ended.err);
    shell.write("empty.ndjson", "");
    assert!(shell.run("report empty.ndjson").exits(2).err.contains("empty"));
}

#[test]
fn a_target_that_is_not_there_is_inconclusive() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let shell = Shell::new();
    let ended = shell.run(&format!("run --target http://{address} --out run --format json")).exits(3);
    let result = ended.json();
    assert_eq!(result["verdict"], "inconclusive");
    let reason = result["reasons"][0].as_str().unwrap_or_default();
    assert!(reason.contains("connection failed") && reason.contains(&address.to_string()), "{reason}");
    let inquired = shell.run(&format!("reproduce --target http://{address} --out inquiry --format json")).exits(3).json();
    assert_eq!(inquired["reasons"][0], result["reasons"][0]);
    assert!(ended.err.contains("connection failed"), "{}", ended.err);
}

#[test]
fn a_gate_that_failed_is_stopped_and_judged_alike_from_its_log() {
    let shell = Shell::new();
    let ran = shell.run("run gate --virtual --seed 1 --service deferred --out run --format markdown").exits(1);
    assert!(ran.out.contains("STOPPED EARLY: gate started 1 of 299 scans"), "{}", ran.out);
    assert!(shell.read("run/log.ndjson").lines().any(|line| line.starts_with(r#"{"line":"stopped","scenario":0,"#)), "the log says so");
    assert_eq!(shell.run("report run/log.ndjson --format markdown").exits(1).out, ran.out);
    let whole = shell.run("run gate --virtual --seed 1 --service deferred --out whole --format json --stop never").exits(1).json();
    assert_eq!((&whole["scenarios"][0]["initiates"], &whole["notices"]), (&Value::from(299), &Value::from(Vec::<Value>::new())));
    let immediate = shell.run("run immediate --virtual --seed 1 --out early --format json --stop first-failure").exits(1).json();
    assert!(immediate["scenarios"][0]["initiates"].as_u64().is_some_and(|scans| scans < 50), "{}", immediate["scenarios"][0]);
}

#[test]
fn what_must_be_detected_sets_the_number_of_scans_and_what_is_left_of_it_is_told() {
    let shell = Shell::new();
    let plan = |options: &str| shell.run(&format!("run --virtual --dry-run {options}")).exits(0);
    let asked = plan("immediate burst --detect 1% --power 0.99");
    assert!(asked.out.contains("      459 initiate") && asked.out.contains("       20 initiate"), "{}", asked.out);
    assert!(asked.out.contains("detects a rate of 1 % with power 0.99"), "{}", asked.out);
    let short = plan("gate --max-scans 50");
    for told in ["gate may start only 50 of the 299 scans", "only detects a rate of 1 % with power 0.395"] {
        assert!(short.err.contains(told), "{}", short.err);
    }
    assert!(short.out.contains("0.1 % with power 0.95 takes 2,995 scans"), "{}", short.out);
    for (wrong, way_out) in [
        ("burst --detect 1%", "such as `gate`"),
        ("gate --detect 2", "between 0 and 1"),
        ("gate --power 0.9", "--detect"),
        ("gate --detect 0.000000001", "ten million"),
    ] {
        let refused = shell.run(&format!("run --virtual --dry-run {wrong}")).exits(2);
        assert!(refused.err.contains(way_out), "{wrong}: {}", refused.err);
    }
}

#[test]
fn a_known_failure_is_put_up_with_until_its_day_and_not_longer() {
    let shell = Shell::new();
    // On virtual time a run begins on 2026-01-01.
    let known = |failure: &str, expires: &str| {
        format!("[[allow]]\nscenario = 'immediate'\n{failure}\nreason = 'SG-17 is under way'\nexpires = {expires}\n")
    };
    let run = |name: &str, allow: &str| {
        shell.write("allow.toml", allow);
        shell.run(&format!("run immediate --virtual --seed 1 --allow allow.toml --out {name} --format json"))
    };
    let two = |expires: &str| known("not_found = ['100ms']", expires) + &known("guarantee = 'agreement'", expires);
    let allowed = run("until", &two("2026-01-01")).exits(0).json();
    let reasons = allowed["scenarios"][0]["reasons"].to_string();
    assert!(reasons.contains("allowed until 2026-01-01 because SG-17 is under way: 50 of 50 polls at 100ms"), "{reasons}");
    assert!(allowed["headline"].as_str().is_some_and(|line| line.contains("50 of 50 accepted scans were denied")), "{allowed}");
    let expired = run("after", &two("2025-12-31")).exits(1).json();
    let reason = expired["reasons"][0].as_str().expect("a reason");
    assert!(reason.contains("that entry (allow.toml:1) expired on 2025-12-31"), "{reason}");
    // One failure of two is put up with.
    run("half", &known("not_found = ['100ms']", "2026-12-31")).exits(1);
    let idle = run("idle", &(two("2026-12-31") + &known("guarantee = 'echo'", "2026-12-31"))).exits(0).json();
    assert!(idle["notices"].to_string().contains("allow.toml:11: echo in scenario immediate did not fail"), "{}", idle["notices"]);
    let elsewhere = run("elsewhere", &two("2026-12-31").replace("reason", "target = 'staging'\nreason")).exits(1);
    assert!(!elsewhere.out.contains("UNUSED"), "an entry for another target is none of this run's");
    let again = shell.run("report until/log.ndjson --format json").exits(0);
    assert_eq!(again.out, shell.read("until/result.json"), "the allowances are in the log");
    let open = run("open", "[[allow]]\nscenario = 'immediate'\nguarantee = 'echo'\nreason = 'x'\n").exits(2);
    assert!(open.err.contains("allow.toml:1:1: this entry never expires"), "{}", open.err);
}

/// Answers every request by its method and path, one connection each, and tells about it.
fn serve(listener: &TcpListener, asked: &Sender<String>, answer: impl Fn(&str, &str) -> (u16, String)) {
    for stream in listener.incoming() {
        let Ok(stream) = stream else { continue };
        let Some((line, authorization)) = request(&stream) else { continue };
        let (code, body) = answer(&line, &authorization);
        let head = format!("HTTP/1.1 {code} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        // The prober may be gone, and so may the test.
        let _ = (&stream).write_all((head + &body).as_bytes());
        let _ = asked.send(line);
    }
}

/// The request line and the credentials of one request, once all of it has come.
fn request(stream: &TcpStream) -> Option<(String, String)> {
    let mut reader = BufReader::new(stream);
    let (mut first, mut authorization, mut length) = (String::new(), String::new(), 0);
    reader.read_line(&mut first).ok()?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim();
        let (name, value) = line.split_once(": ").unwrap_or((line, ""));
        match name.to_ascii_lowercase().as_str() {
            "" => break,
            "content-length" => length = value.parse().ok()?,
            "authorization" => value.clone_into(&mut authorization),
            _ => {}
        }
    }
    reader.read_exact(&mut vec![0; length]).ok()?;
    Some((first.trim().to_owned(), authorization))
}

const JOBS: &str = "name = 'jobs'\nunknown_id = 'never-{uuid}'\nbase_url = '${JOBS_URL}'\n\
    [users.owner]\nheaders = { Authorization = 'Bearer ${JOBS_TOKEN:-nobody}' }\n\
    [initiate]\npath = '/jobs'\nid = { pointer = '/id' }\n[status]\npath = '/jobs/{id}'\n";

#[test]
fn ctrl_c_keeps_the_log_and_writes_a_partial_report() {
    let shell = Shell::new();
    shell.write("jobs.toml", JOBS);
    shell.write(
        "long.toml",
        "name = 'long'\ntitle = 'x'\nsource = 'x'\n[load]\nscans = 1\n[follow]\nuntil = 'deadline'\nevery = '20ms'\ndeadline = '1h'\n",
    );
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (asked, requests) = channel();
    std::thread::spawn(move || {
        serve(&listener, &asked, |line, _| match line {
            line if line.starts_with("POST") => (202, r#"{"id":"j-1"}"#.into()),
            line if line.contains("/jobs/j-1") => (200, "{}".into()),
            _ => (404, String::new()),
        });
    });
    let mut command = shell.command("run long.toml --target jobs.toml --out run --format json");
    let child = command.env("JOBS_URL", format!("http://{address}")).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.expect("the binary starts");
    // Eight polls were answered, one of them at first contact: the run is in the middle of its work. The bound is for a run that
    // never gets there.
    let polls = std::iter::from_fn(|| requests.recv_timeout(Duration::from_secs(60)).ok()).filter(|line| line.contains("/jobs/j-1"));
    assert_eq!(polls.take(8).count(), 8, "the run never got to its polls");
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill").success());
    let ended = Ended::of(&child.wait_with_output().expect("it ends")).exits(130);
    assert!(ended.json()["reasons"].to_string().contains("interrupted"), "{}", ended.out);
    let log = shell.read("run/log.ndjson");
    assert!(log.lines().last().is_some_and(|line| line.contains("interrupted")), "the log has its end");
    assert!(log.lines().filter(|line| line.contains(r#""kind":"poll""#)).count() >= 4, "and what was done before it");
    assert_eq!(shell.read("run/result.json"), ended.out);
    shell.run("report run/log.ndjson").exits(3);
}

#[test]
fn a_secret_is_sent_and_never_written_down() {
    let shell = Shell::new();
    shell.write("jobs.toml", JOBS);
    shell.write("one.toml", "name = 'one'\ntitle = 'x'\nsource = 'x'\n[load]\nscans = 1\n[polls]\noffsets = ['0s']\n");
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (asked, requests) = channel();
    std::thread::spawn(move || {
        // A service that repeats its caller's credentials in its errors.
        serve(&listener, &asked, |line, authorization| match line {
            line if line.starts_with("POST") => (202, r#"{"id":"j-1"}"#.into()),
            line if line.contains("/jobs/j-1") => (500, format!("no such user: {authorization}")),
            _ => (404, format!("{authorization} may not ask")),
        });
    });
    let mut command = shell.command("run one.toml --target jobs.toml --out run --format markdown");
    command.env("JOBS_URL", format!("http://{address}")).env("JOBS_TOKEN", "open-sesame-42");
    let ended = Ended::of(&command.output().expect("the binary starts")).exits(3);
    assert!(requests.try_iter().any(|line| line.contains("/jobs/j-1")), "it was asked");
    let texts = [
        ended.out,
        ended.err,
        shell.read("run/log.ndjson"),
        shell.read("run/result.json"),
        shell.read("run/report.md"),
        shell.read("run/report.html"),
    ];
    assert!(texts[2].contains("no such user"), "the error's body is kept");
    assert!(texts.iter().all(|text| !text.contains("open-sesame")), "a secret was written down");
}

#[test]
fn over_real_sockets_the_gap_is_caught_in_one_service_and_absent_from_another() {
    let shell = Shell::new();
    // Tolerant of a busy machine: what is tested is that everything is joined, not how punctual this machine is.
    shell.write(
        "gap.toml",
        "name = 'gap'\ntitle = 'x'\nsource = 'x'\n[load]\nscans = 3\nevery = '1ms'\n[polls]\noffsets = ['0s']\ntolerance = '30s'\n\
         [follow]\nuntil = 'visible'\nevery = '50ms'\ndeadline = '30s'\n[expect]\nlate_at_most = 1.0\nguarantees = ['read-your-writes', 'honesty', 'echo']\n",
    );
    let caught = shell.run("run gap.toml --service deferred --out caught --format json").exits(1).json();
    assert_eq!(failed(&caught, "guarantees"), ["read-your-writes"]);
    assert_eq!(caught["window"]["never_visible"], 0);
    let absent = shell.run("run gap.toml --service sound --workers 4 --out absent --format json").exits(0).json();
    assert_eq!(absent["verdict"], "pass");
}
