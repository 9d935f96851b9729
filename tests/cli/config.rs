//! Defaults from `statusgap.toml` and from the environment, through the binary: each takes effect, and the stronger one wins.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::twinless::twinless;

/// A repository with a file of defaults, and a shell in its folder `work`.
struct Repository {
    top: TempDir,
}

impl Repository {
    fn new(file: &str) -> Repository {
        let repository = Repository { top: TempDir::new().expect("a folder") };
        for folder in [".git", "work"] {
            fs::create_dir(repository.path(folder)).expect("a folder");
        }
        repository.write("statusgap.toml", file);
        repository
    }

    fn path(&self, name: &str) -> PathBuf {
        self.top.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("a file");
    }

    fn run(&self, words: &str, variables: &[(&str, &str)]) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_statusgap"));
        command.args(twinless(words.split_whitespace())).current_dir(self.path("work")).env_clear().envs(variables.iter().copied());
        let output = command.output().expect("the binary starts");
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        Ended { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    fn log(&self, folder: &str) -> String {
        fs::read_to_string(self.path(folder).join("log.ndjson")).expect("a log")
    }
}

#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ended {
    #[track_caller]
    fn exits(self, code: i32) -> Ended {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.err))
    }
}

/// A quick run on virtual time whose result is JSON; each test adds the key that it is about.
const QUICK: &str = "virtual = true\nformat = \"json\"\nout = \"gap\"\n";

#[test]
fn every_key_takes_effect() {
    let told = |result: &Value, key: &str, part: &str| assert!(result[key].to_string().contains(part), "{part}: {}", result[key]);
    let result = |file: &str, code: i32| Repository::new(&format!("{QUICK}{file}")).run("run immediate", &[]).exits(code).json();
    told(&result("service = \"sound\"", 0), "service", "preset sound");
    told(&result("service = \"sound\"\nworkers = 3", 0), "service", "3 workers");
    told(&result("profile = \"production\"", 1), "service", "production durations");
    told(&result("set = [\"registration-delay=3s\", \"status-latency=1ms\"]", 1), "service", "registration-delay=3s");
    told(&result("seed = 42", 1), "seed", "42");
    told(&result("max_scans = 7\nservice = \"sound\"", 0)["scenarios"][0], "accepted", "7");
    // The answers take longer than may be waited for.
    told(&result("service = \"sound\"\ntimeout = \"100ms\"\nset = [\"status-latency=300ms\"]", 3), "verdict", "inconclusive");
    // Nobody is known by the token that the target sends.
    told(&result("user = [\"zed:zed-token\"]", 3), "verdict", "inconclusive");

    let repository = Repository::new(&format!("{QUICK}service = \"sound\"\nstore = \"embedded\"\ndata_dir = \"kept\"\nseed = 1"));
    told(&repository.run("run immediate", &[]).exits(0).json(), "service", "embedded store");
    assert!(repository.path("kept").is_dir(), "the folder is relative to the file");
    assert!(repository.log("gap").contains("\"run_id\":\"virtual-0000000000000001\""), "on virtual time, below the file's folder");

    let repository = Repository::new(&format!("{QUICK}scenarios = [\"burst\", \"own.toml\"]"));
    repository.write("own.toml", "name = \"own\"\ntitle = \"x\"\nsource = \"x\"\n[load]\nscans = 1\n[polls]\noffsets = [\"0s\"]\n");
    let result = repository.run("run", &[]).exits(1).json();
    assert_eq!((&result["scenarios"][0]["name"], &result["scenarios"][1]["name"]), (&"burst".into(), &"own".into()));

    let repository = Repository::new("target = \"https://jobs.example\"\nmax_rps = 2.5\n");
    let plan = repository.run("run immediate --dry-run", &[]).exits(0).out;
    assert!(plan.contains("at most 2.5 requests per second"), "{plan}");

    let repository = Repository::new(&format!("{QUICK}[reproduce]\nbudget = \"1ms\"\n"));
    repository.run("reproduce", &[]);
    assert!(repository.log("gap").lines().last().is_some_and(|line| line.contains("budget")));
}

#[test]
fn keys_about_speaking_take_effect() {
    let repository = Repository::new("virtual = true\nquiet = true\ncolor = \"always\"\n");
    let ended = repository.run("run immediate --out gap", &[]).exits(1);
    assert!(ended.err.is_empty() && ended.out.contains("\u{1b}["), "{}{}", ended.out, ended.err);
    let repository = Repository::new("no_progress = true\nservice = \"sound\"\n");
    let ended = repository.run("reproduce --virtual --out gap --color never", &[]).exits(0);
    assert!(!ended.err.contains(" s  ") && ended.err.contains("written to"), "{}", ended.err);
    assert!(!ended.out.contains('\u{1b}'), "{}", ended.out);
}

#[test]
fn a_flag_is_stronger_than_the_environment_and_that_than_the_file() {
    let repository = Repository::new(&format!("{QUICK}seed = 1\nmax_scans = 9\n[run]\nseed = 2\n"));
    let seed = |words: &str, variables: &[(&str, &str)]| repository.run(words, variables).exits(1).json()["seed"].clone();
    assert_eq!(seed("run immediate", &[]), 2, "a command's own table is stronger than the top of the file");
    assert_eq!(seed("run immediate", &[("STATUSGAP_SEED", "3")]), 3);
    assert_eq!(seed("run immediate", &[("STATUSGAP_SEED", "3"), ("STATUSGAP_RUN_SEED", "4")]), 4);
    assert_eq!(seed("run immediate --seed 5", &[("STATUSGAP_SEED", "3"), ("STATUSGAP_RUN_SEED", "4")]), 5);
    assert_eq!(seed("run immediate", &[("STATUSGAP_SEED", "")]), 2, "an empty variable is none");
    assert_eq!(seed("reproduce", &[]), 1);

    let told = repository.run("config --format json run --timeout 3s", &[("STATUSGAP_MAX_RPS", "4")]).exits(0).json();
    let from = |key: &str| (told["settings"][key]["value"].clone(), told["settings"][key]["from"].clone());
    let place = |line: u32| serde_json::json!({ "kind": "file", "path": "../statusgap.toml", "line": line });
    assert_eq!(from("timeout"), ("3s".into(), serde_json::json!({ "kind": "flag" })));
    assert_eq!(from("max_rps"), ("4".into(), serde_json::json!({ "kind": "environment", "variable": "STATUSGAP_MAX_RPS" })));
    assert_eq!(from("seed"), ("2".into(), place(7)));
    assert_eq!(from("max_scans"), ("9".into(), place(5)));
    assert_eq!(from("virtual"), (true.into(), place(1)));
    assert_eq!(from("service"), ("deferred".into(), serde_json::json!({ "kind": "default" })));
    let table = repository.run("config", &[]).exits(0).out;
    assert!(table.lines().any(|line| line.split_whitespace().eq(["seed", "2", "../statusgap.toml:7"])), "{table}");
}

#[test]
fn what_contradicts_something_stronger_gives_way_and_equals_are_refused() {
    let repository = Repository::new(&format!("target = \"nowhere.toml\"\n{QUICK}"));
    let refused = repository.run("run", &[]).exits(2);
    assert!(refused.err.contains("target") && refused.err.contains("virtual") && refused.err.contains("contradicts"), "{}", refused.err);

    let repository = Repository::new("target = \"nowhere.toml\"\nformat = \"json\"\nout = \"gap\"\n");
    let result = repository.run("run immediate --virtual --service sound", &[]).exits(0).json();
    assert!(result["service"].to_string().contains("preset sound"));
    assert!(repository.run("run", &[]).exits(2).err.contains("../nowhere.toml"), "else it is the file's target");

    let closed = TcpListener::bind(("127.0.0.1", 0)).expect("a free port").local_addr().expect("an address");
    let target = format!("http://{closed}");
    let repository = Repository::new("service = \"sound\"\nworkers = 2\nformat = \"json\"\nout = \"gap\"\n");
    let gone = repository.run("run immediate", &[("STATUSGAP_TARGET", &target)]).exits(3).json();
    assert_eq!(gone["base_url"], target.as_str(), "a variable's target is stronger than a file's service");
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let repository = Repository::new("format = \"json\"\n\nmax_rsp = 3\n");
    let ended = repository.run("run --virtual", &[]).exits(2);
    assert!(ended.err.contains("../statusgap.toml:3:1") && ended.err.contains("did you mean `max_rps`?"), "{}", ended.err);
    let repository = Repository::new("");
    let ended = repository.run("run --virtual", &[("STATUSGAP_TIMEOUT", "soon")]).exits(2);
    assert!(ended.err.contains("STATUSGAP_TIMEOUT"), "{}", ended.err);
    let ended = repository.run("run --virtual", &[("STATUSGAP_QUIET", "perhaps")]).exits(2);
    assert!(ended.err.contains("STATUSGAP_QUIET") && ended.err.contains("true or false"), "{}", ended.err);
    assert!(repository.run("run --virtual --config nowhere.toml", &[]).exits(2).err.contains("nowhere.toml"));
    // What explains must not depend on what may be wrong.
    Repository::new("nonsense").run("explain A", &[]).exits(0);
}

#[test]
fn a_file_can_be_named_by_flag_and_by_variable() {
    let repository = Repository::new("seed = 1\n");
    for (name, seed) in [("flag.toml", 2), ("variable.toml", 3)] {
        repository.write(&format!("work/{name}"), &format!("{QUICK}seed = {seed}\n"));
    }
    let seed = |words: &str, variables: &[(&str, &str)]| repository.run(words, variables).exits(1).json()["seed"].clone();
    assert_eq!(seed("run immediate", &[("STATUSGAP_CONFIG", "variable.toml")]), 3);
    assert_eq!(seed("--config flag.toml run immediate", &[("STATUSGAP_CONFIG", "variable.toml")]), 2);
    assert_eq!(seed("run --config=flag.toml immediate", &[]), 2);
}

#[test]
fn the_command_that_repeats_a_run_needs_neither_file_nor_environment() {
    let repository = Repository::new(&format!("{QUICK}service = \"sound\"\n"));
    let variables = [("STATUSGAP_MAX_SCANS", "5"), ("STATUSGAP_STORE", "memory")];
    let command = repository.run("run immediate", &variables).exits(0).json()["command"].as_str().expect("a command").to_owned();
    let elsewhere = Repository::new("");
    let again = elsewhere.run(&format!("{} --format json --out gap", command.trim_start_matches("statusgap ")), &[]).exits(0).json();
    assert_eq!((&again["scenarios"][0]["accepted"], &again["command"]), (&5.into(), &command.into()));
    assert_eq!(repository.log("gap").lines().skip(1).collect::<Vec<_>>(), elsewhere.log("work/gap").lines().skip(1).collect::<Vec<_>>());
}

#[test]
fn no_secret_is_shown() {
    let repository = Repository::new("user = [\"alice:open-sesame\"]\nstore = \"redis://me:open-sesame@127.0.0.1:1/0\"\n");
    for format in ["table", "json"] {
        let out = repository.run(&format!("config --format {format}"), &[]).exits(0).out;
        assert!(out.contains("alice:***") && out.contains("redis://me:***@") && !out.contains("sesame"), "{out}");
    }
}
