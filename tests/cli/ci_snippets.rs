//! The snippets of `docs/ci.md`, run as those services would: by a shell, with their variables, against a service
//! that has the gap, one that has none, and one that is not there.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use saphyr::{LoadableYamlNode, Yaml};
use tempfile::TempDir;

/// The address that the snippets have.
const WRITTEN: &str = "http://127.0.0.1:8080";

/// One quick scenario instead of all of them, tolerant of a busy machine: what is tested is the snippet.
const SCENARIO: &str = "name = 'gap'\ntitle = 'x'\nsource = 'x'\n[load]\nscans = 3\nevery = '1ms'\n[polls]\noffsets = ['0s']\ntolerance = '30s'\n\
    [follow]\nuntil = 'visible'\nevery = '50ms'\ndeadline = '30s'\n[expect]\nlate_at_most = 1.0\nguarantees = ['read-your-writes', 'honesty', 'echo']\n";

/// The code block of this language below a line of the page.
fn snippet(heading: &str, language: &str) -> String {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ci.md")).expect("the page on CI");
    let after = page.split(&format!("\n{heading}:\n")).nth(1).unwrap_or_else(|| panic!("docs/ci.md: no `{heading}:`"));
    let block = after.split(&format!("```{language}\n")).nth(1).and_then(|rest| rest.split("```").next());
    block.unwrap_or_else(|| panic!("docs/ci.md: no {language} below `{heading}:`")).to_owned()
}

pub(super) fn yaml(text: &str) -> Yaml<'_> {
    Yaml::load_from_str(text).unwrap_or_else(|error| panic!("{error}: {text}")).remove(0)
}

pub(super) fn string(value: &Yaml<'_>) -> String {
    value.as_str().map(str::to_owned).or_else(|| value.as_integer().map(|number| number.to_string())).expect("a scalar")
}

/// What a service is like that the snippet meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meets {
    Gap,
    NoGap,
    Nothing,
}

/// A checkout as a project would have it, and the service under test.
pub(super) struct Workspace {
    pub(super) folder: TempDir,
    pub(super) address: String,
    service: Option<Child>,
}

impl Workspace {
    pub(super) fn new(meets: Meets) -> Workspace {
        let folder = TempDir::new().expect("a folder");
        fs::create_dir_all(folder.path().join("ci")).expect("a folder");
        fs::create_dir_all(folder.path().join(".git")).expect("a folder");
        let contract = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/targets/opportunity-scan.toml"));
        let contract = contract.expect("a target file").replace("${STATUSGAP_URL:-http://127.0.0.1:8080}", "${JOBS_URL}");
        fs::write(folder.path().join("ci/jobs.toml"), contract).expect("a file");
        fs::write(folder.path().join("gap.toml"), SCENARIO).expect("a file");
        fs::write(folder.path().join("statusgap.toml"), "[run]\nscenarios = [\"gap.toml\"]\n").expect("a file");
        let preset = match meets {
            Meets::Gap => "deferred",
            Meets::NoGap => "sound",
            Meets::Nothing => {
                let closed = TcpListener::bind(("127.0.0.1", 0)).expect("a free port").local_addr().expect("an address");
                return Workspace { folder, address: format!("http://{closed}"), service: None };
            }
        };
        let mut service = Command::new(env!("CARGO_BIN_EXE_statusgap"));
        let mut service = service.args(["serve", "--port", "0", "--service", preset]).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut ready = String::new();
        BufReader::new(service.stdout.take().expect("a pipe")).read_line(&mut ready).expect("a READY line");
        let address = ready.split_whitespace().nth(1).expect("an address").to_owned();
        Workspace { folder, address, service: Some(service) }
    }

    /// Runs a step by a shell as the build service starts it, with its variables and no others.
    pub(super) fn step(&self, shell: &[&str], script: &str, variables: &[(String, String)]) -> i32 {
        let mut path = std::ffi::OsString::from(Path::new(env!("CARGO_BIN_EXE_statusgap")).parent().expect("a folder"));
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        let file = self.folder.path().join("step.sh");
        fs::write(&file, script.replace(WRITTEN, &self.address).replace(" run gate ", " run gap.toml ")).expect("a file");
        let mut command = Command::new(shell[0]);
        command.args(&shell[1..]).arg(&file).current_dir(self.folder.path()).env_clear().env("PATH", path);
        command.envs(variables.iter().map(|(name, value)| (name, value.replace(WRITTEN, &self.address))));
        let output = command.output().expect("a shell");
        // Build services read both.
        fs::write(self.folder.path().join("step.out"), [output.stdout.clone(), output.stderr.clone()].concat()).expect("a file");
        output.status.code().unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)))
    }

    pub(super) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// What the snippet promises to keep is there.
    #[track_caller]
    pub(super) fn keeps(&self, folder: &str) {
        for file in ["log.ndjson", "result.json", "report.md", "junit.xml"] {
            assert!(self.folder.path().join(folder).join(file).is_file(), "{folder}/{file}");
        }
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        if let Some(service) = &mut self.service {
            // It is over either way.
            let _ = service.kill();
            let _ = service.wait();
        }
    }
}

pub(super) fn pairs(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A mapping of names to scalars.
pub(super) fn mapping(value: Option<&Yaml<'_>>) -> Vec<(String, String)> {
    let mapping = value.and_then(Yaml::as_mapping).expect("a mapping");
    mapping.iter().map(|(name, value)| (string(name), string(value))).collect()
}

#[test]
fn the_snippet_for_github_actions_does_what_it_says() {
    let text = snippet("GitHub Actions", "yaml");
    let document = yaml(&text);
    let steps = document.as_vec().expect("a list of steps");
    let runs: Vec<&Yaml<'_>> = steps.iter().filter(|step| step.as_mapping_get("run").is_some()).collect();
    assert_eq!((steps.len(), runs.len()), (2, 1));
    let kept = steps[1].as_mapping_get("with").and_then(|with| with.as_mapping_get("path")).map(string).expect("a path to keep");
    for (meets, code, annotation, verdict) in
        [(Meets::NoGap, 0, "::notice ", "pass"), (Meets::Gap, 1, "::error ", "fail"), (Meets::Nothing, 0, "::warning ", "inconclusive")]
    {
        let workspace = Workspace::new(meets);
        let mut variables =
            pairs(&[("CI", "true"), ("GITHUB_ACTIONS", "true"), ("GITHUB_STEP_SUMMARY", "summary"), ("GITHUB_OUTPUT", "output")]);
        variables.extend(mapping(runs[0].as_mapping_get("env")));
        let script = runs[0].as_mapping_get("run").map(string).expect("a script");
        // How the runner starts a step that names no shell.
        assert_eq!(workspace.step(&["bash", "-e"], &script, &variables), code, "{meets:?}");
        let told = workspace.read("step.out");
        assert!(told.lines().any(|line| line.starts_with(annotation) && line.contains(verdict)), "{meets:?}: {told}");
        assert!(workspace.read("summary").to_lowercase().contains(verdict), "{meets:?}");
        assert!(workspace.read("output").contains(&format!("verdict={verdict}\n")), "{meets:?}");
        workspace.keeps(&kept);
    }
}

#[test]
fn the_snippet_for_gitlab_does_what_it_says() {
    let text = snippet("GitLab CI", "yaml");
    let document = yaml(&text);
    let job = document.as_mapping_get("status-gap").expect("a job");
    let script: Vec<String> = job.as_mapping_get("script").and_then(Yaml::as_vec).expect("a script").iter().map(string).collect();
    let tolerated = job.as_mapping_get("allow_failure").and_then(|allowed| allowed.as_mapping_get("exit_codes")).and_then(Yaml::as_integer);
    assert_eq!(tolerated, Some(3), "what could not be measured is a warning");
    let artifacts = job.as_mapping_get("artifacts").expect("artifacts");
    assert_eq!(artifacts.as_mapping_get("when").map(string).as_deref(), Some("always"), "also of a job that failed");
    let kept: Vec<String> = artifacts.as_mapping_get("paths").and_then(Yaml::as_vec).expect("paths").iter().map(string).collect();
    for (meets, code) in [(Meets::NoGap, 0), (Meets::Gap, 1), (Meets::Nothing, 3)] {
        let workspace = Workspace::new(meets);
        let mut variables =
            pairs(&[("CI", "true"), ("GITLAB_CI", "true"), ("CI_PROJECT_DIR", &workspace.folder.path().display().to_string())]);
        variables.extend(mapping(job.as_mapping_get("variables")));
        // The runner joins the lines into one script that stops at the first failure.
        assert_eq!(workspace.step(&["bash", "-eo", "pipefail"], &script.join("\n"), &variables), code, "{meets:?}");
        assert_eq!(kept.len(), 1);
        workspace.keeps(&kept[0]);
        let junit = artifacts.as_mapping_get("reports").and_then(|reports| reports.as_mapping_get("junit")).map(string).expect("a path");
        assert!(workspace.read(&junit).contains("<testsuite"), "{junit}");
    }
}

#[test]
fn the_snippet_for_jenkins_does_what_it_says() {
    let text = snippet("Jenkins", "groovy");
    assert_eq!(text.matches('{').count(), text.matches('}').count());
    let between = |text: &str, from: &str, to: &str| text.split(from).nth(1).and_then(|rest| rest.split(to).next()).expect(from).to_owned();
    let script = between(&text, "sh(returnStatus: true, script: '", "')");
    let environment = between(&text, "environment {", "}");
    let assigned = environment.lines().filter_map(|line| line.trim().split_once(" = "));
    let assigned: Vec<(String, String)> = assigned.map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned())).collect();
    assert_eq!(assigned.len(), 1);
    assert!(text.contains("if (code == 3) {\n            unstable("), "what could not be measured is a warning");
    let kept = between(&text, "artifacts: '", "'");
    for (meets, code) in [(Meets::NoGap, 0), (Meets::Gap, 1), (Meets::Nothing, 3)] {
        let workspace = Workspace::new(meets);
        let mut variables = pairs(&[
            ("CI", "true"),
            ("JENKINS_URL", "http://builds.example/"),
            ("WORKSPACE", &workspace.folder.path().display().to_string()),
            ("BUILD_NUMBER", "7"),
        ]);
        variables.extend(assigned.iter().cloned());
        // How the durable task plugin starts a step.
        assert_eq!(workspace.step(&["sh", "-xe"], &script, &variables), code, "{meets:?}");
        workspace.keeps(kept.trim_end_matches("/**"));
    }
}
