//! `statusgap watch`: rounds on virtual time, and a real one before a deployment that changes under it.

use crate::support::served;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use served::Served;

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_statusgap"));
    command.arg("watch").args(arguments).current_dir(folder).env("NO_COLOR", "1").env_remove("GITHUB_ACTIONS");
    command
}

/// A watch on virtual time, with its folder `out`.
fn virtually(folder: &Path, arguments: &str, more: &[&str]) -> Output {
    let mut words = vec!["--virtual", "--seed", "1", "--out", "out"];
    words.extend(arguments.split_whitespace());
    command(folder, &words).args(more).output().expect("the binary starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn rounds(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder.join("out/rounds")).expect("logs");
    let mut names: Vec<String> = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name")).collect();
    names.sort();
    names
}

#[test]
fn rounds_are_logged_one_by_one_and_judged_together() {
    let folder = tempfile::tempdir().expect("a folder");
    let ended = virtually(folder.path(), "--service sound --every 10s --rounds 5 --keep-logs 3", &["--also", "openmetrics"]);
    assert_eq!(ended.status.code(), Some(0), "{}", text(&ended.stderr));
    assert!(text(&ended.stdout).starts_with("PASS  No: every accepted scan was found"), "{}", text(&ended.stdout));
    // The first round brought the verdict, so its log is kept beside the last three.
    assert_eq!(rounds(folder.path()), [1, 3, 4, 5].map(|round| format!("round-{round:06}.ndjson")));
    assert!(folder.path().join("out/metrics.txt").exists());
    let first = |name: &str| {
        let log = fs::read_to_string(folder.path().join("out").join(name)).expect("a log");
        serde_json::from_str::<Value>(log.lines().next().expect("a header")).expect("JSON")
    };
    // Rounds begin every ten seconds, and the next one has a seed of its own.
    assert_eq!((&first("latest.ndjson")["started"], &first("latest.ndjson")["seed"]), (&"2026-01-01T00:00:40Z".into(), &5.into()));
    assert_eq!(first("rounds/round-000003.ndjson")["started"], "2026-01-01T00:00:20Z");
    let repeats = "statusgap watch --virtual --service sound --rounds 1 --seed 5";
    assert_eq!(first("latest.ndjson")["command"], repeats, "a round is repeated alone");
    let again = tempfile::tempdir().expect("a folder");
    virtually(again.path(), "--service sound --every 10s --rounds 5 --keep-logs 3", &[]);
    let log =
        |folder: &Path| fs::read_to_string(folder.join("out/latest.ndjson")).expect("a log").split_once('\n').expect("lines").1.to_owned();
    assert_eq!(log(folder.path()), log(again.path()), "the same seed gives the same rounds");
}

#[test]
fn a_watch_ends_with_what_stands_and_at_once_when_it_fails() {
    for (arguments, more, code, logs) in [
        ("--service deferred --rounds 3", &[][..], 1, 1),
        ("--service deferred --rounds 3 --keep-going", &[], 1, 3),
        ("--service deferred --rounds 3", &["--on-change", "true"], 1, 3),
        ("--service sound --every 20s --for 1m", &[], 0, 3),
        ("--service zoo-n --rounds 2", &[], 3, 2),
        ("--service sound --scenario immediate --scenario unknown-id --rounds 2", &[], 0, 2),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let ended = virtually(folder.path(), arguments, more);
        assert_eq!(ended.status.code(), Some(code), "{arguments}: {}", text(&ended.stderr));
        assert_eq!(rounds(folder.path()).len(), logs, "{arguments}");
        let result: Value =
            serde_json::from_str(&fs::read_to_string(folder.path().join("out/result.json")).expect("a result")).expect("JSON");
        let verdict = ["pass", "fail", "", "inconclusive"][usize::try_from(code).expect("a small number")];
        assert_eq!(result["verdict"], verdict, "{arguments}");
    }
}

#[test]
fn what_makes_no_sense_is_refused_with_a_way_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("an address").to_string();
    for (arguments, told) in [
        (&["--keep", "3", "--recover", "4"][..], "raise --keep"),
        (&["--virtual"], "say --rounds or --for"),
        (&["--every", "25h"], "longer than a day"),
        (&["--listen", "9464"], "127.0.0.1:9464"),
        (&["--listen", &taken], "--listen 127.0.0.1:0"),
        (&["--scenario", "cannary"], "did you mean `canary`"),
    ] {
        let held = TcpListener::bind(&taken);
        let ended = command(folder.path(), arguments).output().expect("the binary starts");
        drop(held);
        assert_eq!(ended.status.code(), Some(2), "{arguments:?}: {}", text(&ended.stderr));
        assert!(text(&ended.stderr).contains(told), "{arguments:?}: {}", text(&ended.stderr));
    }
}

#[test]
fn a_known_failure_calls_nobody_until_its_day_has_passed() {
    let folder = tempfile::tempdir().expect("a folder");
    let known = "[[allow]]\nscenario = 'canary'\nguarantee = 'read-your-writes'\nreason = 'SG-17'\nexpires = 2026-01-01\n";
    fs::write(folder.path().join("allow.toml"), known).expect("a writable folder");
    // Rounds at 0, 10, 20 and 30 hours: the last one begins on the second of January.
    let arguments = "--service deferred --every 10h --allow allow.toml --rounds";
    let ended = virtually(folder.path(), &format!("{arguments} 3"), &["--on-change", "echo called"]);
    assert_eq!(ended.status.code(), Some(0), "{}", text(&ended.stderr));
    assert!(text(&ended.stdout).contains("Cure what is allowed before its day: after 2026-01-01"), "{}", text(&ended.stdout));
    assert!(!text(&ended.stderr).contains("called"), "{}", text(&ended.stderr));
    assert_eq!(rounds(folder.path()).len(), 3);
    let ended = virtually(folder.path(), &format!("{arguments} 9"), &[]);
    // The fourth of its rounds, beside the three of before.
    assert_eq!((ended.status.code(), rounds(folder.path()).len()), (Some(1), 3 + 4), "{}", text(&ended.stderr));
    assert!(text(&ended.stdout).contains("(allow.toml:1) expired on 2026-01-01"), "{}", text(&ended.stdout));
}

#[test]
fn a_plan_is_shown_and_a_failing_command_is_told_and_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let plan = virtually(folder.path(), "--dry-run --rounds 1", &[]);
    assert!(text(&plan.stdout).contains("4 initiate") && text(&plan.stdout).contains("nothing was sent"), "{}", text(&plan.stdout));
    let ended =
        virtually(folder.path(), "--service deferred --rounds 2", &["--on-change", "echo $STATUSGAP_WAS-$STATUSGAP_VERDICT; exit 3"]);
    let told = text(&ended.stderr);
    assert!(told.contains("none-fail\n") && told.contains("--on-change ended with exit status: 3"), "{told}");
    assert_eq!(told.matches("none-fail").count(), 1, "it is called for changes only: {told}");
    assert!(text(&ended.stdout).starts_with("FAIL  "), "standard output is the report's: {}", text(&ended.stdout));
}

/// An address behind which the deployment can be exchanged, and taken away.
struct Front {
    address: SocketAddr,
    behind: Arc<Mutex<Option<SocketAddr>>>,
}

impl Front {
    fn new() -> Front {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let behind = Arc::new(Mutex::new(None));
        let route = Arc::clone(&behind);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let to: Option<SocketAddr> = *route.lock().expect("no panic");
                let Some(server) = to.and_then(|to| TcpStream::connect(to).ok()) else { continue };
                for (mut from, mut to) in [(client.try_clone().expect("a socket"), server.try_clone().expect("a socket")), (server, client)]
                {
                    std::thread::spawn(move || {
                        let _ = std::io::copy(&mut from, &mut to);
                        let _ = to.shutdown(std::net::Shutdown::Write);
                    });
                }
            }
        });
        Front { address, behind }
    }

    fn lead_to(&self, to: Option<SocketAddr>) {
        *self.behind.lock().expect("no panic") = to;
    }
}

/// A watch under way, ended with the test.
struct Watching {
    process: Child,
    told: BufReader<ChildStderr>,
}

impl Watching {
    fn start(folder: &Path, arguments: &[&str]) -> Watching {
        let mut process = command(folder, arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the binary starts");
        let told = BufReader::new(process.stderr.take().expect("a pipe"));
        Watching { process, told }
    }

    /// Reads on until a line says that, and gives it back.
    fn until(&mut self, what: &str) -> String {
        let mut all = String::new();
        loop {
            let before = all.len();
            assert!(self.told.read_line(&mut all).expect("UTF-8") > 0, "it ended without saying {what}: {all}");
            if all[before..].contains(what) {
                return all[before..].to_owned();
            }
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // A process that is gone already is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What is served at a path; the head first.
fn fetch(address: &str, path: &str) -> String {
    fetch_as(address, path, address)
}

/// The same, asked for by some name.
fn fetch_as(address: &str, path: &str, host: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("the watch listens");
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("UTF-8");
    answer
}

/// Two scans, denied 0.1 s after the id by a service that registers them two seconds late. However busy the machine is, late polls
/// make no round unmeasured.
const SCENARIO: &str = "name = \"short\"\ntitle = \"a short one\"\nsource = \"a test\"\n[load]\nscans = 2\nevery = \"1ms\"\n[polls]\noffsets = [\"100ms\"]\ntolerance = \"1s\"\n[expect]\nlate_at_most = 1.0\n";

#[test]
fn a_deployment_that_changes_is_followed_on_the_page_in_the_metrics_and_by_the_command() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("short.toml"), SCENARIO).expect("a file");
    let (sound, gap) = (Served::start(&["--service", "sound"]), Served::start(&["--service", "deferred"]));
    let front = Front::new();
    front.lead_to(Some(sound.address));
    let called = "echo \"$STATUSGAP_WAS-$STATUSGAP_VERDICT\" >> called; test -s \"$STATUSGAP_LOG\" && test -n \"$STATUSGAP_REASON\"";
    let target = format!("http://{}", front.address);
    let mut watch = Watching::start(
        folder.path(),
        &[
            "--target",
            &target,
            "--scenario",
            "short.toml",
            "--every",
            "1ms",
            "--recover",
            "2",
            "--listen",
            "127.0.0.1:0",
            "--out",
            "out",
            "--on-change",
            called,
        ],
    );
    let begun = watch.until("watching ");
    let page = begun.split("http://").nth(2).and_then(|rest| rest.split('/').next()).expect("an address").to_owned();
    assert!(fetch(&page, "/healthz").contains("\"watching\":true"));
    assert!(fetch_as(&page, "/report", "evil.example").starts_with("HTTP/1.1 421"), "another site's name");
    watch.until("PASS: 0 of 2");
    front.lead_to(Some(gap.address));
    watch.until("FAIL (was pass): status denied");
    front.lead_to(Some(sound.address));
    watch.until("PASS (was fail): 0 of ");
    front.lead_to(None);
    watch.until("INCONCLUSIVE (was pass): ");
    // The command for the last change has been called when the next round is told of.
    watch.until("unmeasured: ");
    assert_eq!(fs::read_to_string(folder.path().join("called")).expect("it was called"), "pass-fail\nfail-pass\npass-inconclusive\n");
    let metrics = fetch(&page, "/metrics");
    for line in [
        "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8",
        "statusgap_watch_verdict{statusgap_watch_verdict=\"inconclusive\"} 1",
        "statusgap_watch_changes_total 3",
        "statusgap_verdict{statusgap_verdict=\"inconclusive\"} 1",
        "# EOF",
    ] {
        assert!(metrics.lines().any(|told| told == line), "{line} is not in {metrics}");
    }
    let number = |name: &str| metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok()).expect("a number");
    assert!(number("statusgap_watch_rounds_total{outcome=\"failing\"}") >= 1.0);
    assert!(number("statusgap_watch_rounds_total{outcome=\"unmeasured\"}") >= 3.0);
    let shown = fetch(&page, "/");
    for told in ["</span> INCONCLUSIVE", "data-reloads=", "href=\"/report\"", "badge fail"] {
        assert!(shown.contains(told), "{told} is not in {shown}");
    }
    assert!(fetch(&page, "/report").starts_with("HTTP/1.1 200") && fetch(&page, "/other").starts_with("HTTP/1.1 404"));
    let stopped = Command::new("kill").args(["-TERM", &watch.process.id().to_string()]).status().expect("kill runs");
    assert!(stopped.success());
    watch.until("written to out");
    assert_eq!(watch.process.wait().expect("it ends").code(), Some(130));
    let changes = fs::read_to_string(folder.path().join("out/changes.ndjson")).expect("a list");
    let verdicts: Vec<Value> = changes.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")["verdict"].clone()).collect();
    assert_eq!(verdicts, ["pass", "fail", "pass", "inconclusive"]);
}

#[test]
fn a_killed_watch_leaves_logs_that_can_be_reported() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("short.toml"), SCENARIO).expect("a file");
    let service = Served::start(&["--service", "deferred"]);
    let target = format!("http://{}", service.address);
    let arguments = ["--target", &target, "--scenario", "short.toml", "--every", "1ms", "--listen", "none", "--keep-going", "--out", "out"];
    let mut watch = Watching::start(folder.path(), &arguments);
    watch.until("round 2  failing: ");
    watch.process.kill().expect("it was running");
    watch.process.wait().expect("it ends");
    let told = Command::new(env!("CARGO_BIN_EXE_statusgap"))
        .args(["report", "out/rounds/round-000001.ndjson", "out/latest.ndjson"])
        .current_dir(folder.path())
        .output()
        .expect("the binary starts");
    assert_eq!(told.status.code(), Some(1), "{}", text(&told.stderr));
}
