//! The manifests of `deploy/`, as far as they can be played without their schedulers: each job's own command in a shell, with the
//! variables that the scheduler would set, against a service that has the gap and one that has none; then the merge.
//!
//! Beside this, by hand: kubernetes.yaml against the schemas of Kubernetes, and slurm.sbatch under a real Slurm (see
//! `deploy/README.md`).

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use saphyr::{LoadableYamlNode, Yaml};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::skip::have;

/// One quick scenario, tolerant of a busy machine: what is tested is the manifest.
const SCENARIO: &str = "name = 'gap'\ntitle = 'x'\nsource = 'x'\n[load]\nscans = 8\nevery = '1ms'\n[polls]\noffsets = ['0s']\ntolerance = '30s'\n\
    [follow]\nuntil = 'visible'\nevery = '50ms'\ndeadline = '30s'\n[expect]\nlate_at_most = 1.0\nguarantees = ['read-your-writes', 'honesty', 'echo']\n";

/// The presets that each manifest meets, and the exit code of the merged verdict.
const MEETS: [(&str, i32); 2] = [("deferred", 1), ("sound", 0)];

const SHARDS: usize = 4;

/// A checkout with a target file, and the service that it names.
struct Workspace {
    folder: TempDir,
    service: Child,
}

impl Workspace {
    fn new(preset: &str) -> Workspace {
        let mut service = Command::new(env!("CARGO_BIN_EXE_statusgap"));
        let mut service = service.args(["serve", "--port", "0", "--service", preset]).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut ready = String::new();
        BufReader::new(service.stdout.take().expect("a pipe")).read_line(&mut ready).expect("a READY line");
        let address = ready.split_whitespace().nth(1).expect("an address");
        let folder = TempDir::new().expect("a folder");
        let contract = fs::read_to_string(repository("scenarios/targets/opportunity-scan.toml")).expect("a target file");
        fs::write(folder.path().join("target.toml"), contract.replace("${STATUSGAP_URL:-http://127.0.0.1:8080}", address)).expect("a file");
        fs::write(folder.path().join("gap.toml"), SCENARIO).expect("a file");
        fs::write(folder.path().join("statusgap.toml"), "[run]\nscenarios = [\"gap.toml\"]\n").expect("a file");
        fs::create_dir(folder.path().join(".git")).expect("a folder");
        Workspace { folder, service }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a script with these variables and no others, and returns its exit code and what it printed.
    fn shell(&self, shell: &[&str], script: &str, variables: &[(String, String)]) -> (i32, String) {
        let mut path = std::ffi::OsString::from(Path::new(env!("CARGO_BIN_EXE_statusgap")).parent().expect("a folder"));
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        let mut command = Command::new(shell[0]);
        command.args(&shell[1..]).arg(script).current_dir(self.folder.path()).env_clear().env("PATH", path);
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        let output = command.output().expect("a shell");
        let told = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        (output.status.code().unwrap_or(-1), told)
    }

    /// The merged run holds every scan once.
    #[track_caller]
    fn holds_all(&self, merged: &str) {
        let result = fs::read_to_string(self.path(merged).join("result.json")).expect("a result");
        let result: Value = serde_json::from_str(&result).expect("JSON");
        assert_eq!(result["shard"]["of"], SHARDS, "{result}");
        assert_eq!(result["shard"]["missing"], serde_json::json!([]), "{result}");
        assert_eq!(result["scenarios"][0]["accepted"], 8, "{result}");
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        // It is over either way.
        let _ = self.service.kill();
        let _ = self.service.wait();
    }
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn manifest(name: &str) -> String {
    fs::read_to_string(repository("deploy").join(name)).expect("a manifest")
}

fn yaml(text: &str) -> Vec<Yaml<'_>> {
    Yaml::load_from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The value below some keys.
fn at<'a, 'b>(value: &'a Yaml<'b>, path: &[&str]) -> &'a Yaml<'b> {
    path.iter().fold(value, |value, key| value.as_mapping_get(key).unwrap_or_else(|| panic!("no {key} in {path:?}")))
}

fn string(value: &Yaml<'_>) -> String {
    value.as_str().map(str::to_owned).or_else(|| value.as_integer().map(|number| number.to_string())).expect("a scalar")
}

fn strings(value: &Yaml<'_>) -> Vec<String> {
    value.as_vec().expect("a list").iter().map(string).collect()
}

fn pairs(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn an_indexed_job_of_kubernetes_runs_every_shard_and_merges_them() {
    let text = manifest("kubernetes.yaml").replace("${SEED}", "17");
    let documents = yaml(&text);
    let jobs: Vec<&Yaml<'_>> = documents.iter().filter(|document| string(at(document, &["kind"])) == "Job").collect();
    let [shards, merge] = jobs[..] else { panic!("{} jobs", jobs.len()) };
    let spec = at(shards, &["spec"]);
    assert_eq!(string(at(spec, &["completionMode"])), "Indexed");
    assert_eq!(at(spec, &["completions"]).as_integer(), i64::try_from(SHARDS).ok());
    for (preset, code) in MEETS {
        let workspace = Workspace::new(preset);
        let play = |job: &Yaml<'_>, more: &[(String, String)]| {
            let container = &at(job, &["spec", "template", "spec", "containers"]).as_vec().expect("containers")[0];
            let named = |variable: &Yaml<'_>| (string(at(variable, &["name"])), string(at(variable, &["value"])));
            let mut variables: Vec<_> = at(container, &["env"]).as_vec().expect("variables").iter().map(named).collect();
            variables.extend_from_slice(more);
            let command = strings(at(container, &["command"]));
            let shell: Vec<&str> = command.iter().map(String::as_str).collect();
            // The volumes are folders here.
            let script = strings(at(container, &["args"])).join(" ");
            let script = script.replace("/logs/", &format!("{}/", workspace.path("logs").display()));
            let script = script.replace("/etc/statusgap/", &format!("{}/", workspace.folder.path().display()));
            workspace.shell(&shell, &script, &variables)
        };
        for index in 0..SHARDS {
            let (ended, told) = play(shards, &pairs(&[("JOB_COMPLETION_INDEX", &index.to_string())]));
            assert_eq!(ended, 0, "{preset}, pod {index}: {told}");
        }
        let (ended, told) = play(merge, &[]);
        assert_eq!(ended, code, "{preset}: {told}");
        workspace.holds_all("logs/17-merged");
    }
}

#[test]
fn an_array_of_slurm_runs_every_shard_and_merges_them() {
    for (preset, code) in MEETS {
        let workspace = Workspace::new(preset);
        let script = repository("deploy/slurm.sbatch").display().to_string();
        let tasks = manifest("slurm.sbatch").lines().find_map(|line| line.strip_prefix("#SBATCH --array=").map(str::to_owned));
        assert_eq!(tasks.as_deref(), Some("1-4"));
        for task in 1..=SHARDS {
            let task = task.to_string();
            let variables = [
                ("SEED", "18"),
                ("SLURM_ARRAY_JOB_ID", "900"),
                ("SLURM_ARRAY_TASK_ID", task.as_str()),
                ("SLURM_ARRAY_TASK_COUNT", "4"),
                ("SLURM_ARRAY_TASK_MIN", "1"),
                ("SLURM_ARRAY_TASK_MAX", "4"),
                ("SLURM_ARRAY_TASK_STEP", "1"),
            ];
            let (ended, told) = workspace.shell(&["sh"], &script, &pairs(&variables));
            assert_eq!(ended, 0, "{preset}, task {task}: {told}");
        }
        let merge = repository("deploy/slurm-merge.sbatch").display().to_string();
        let (ended, told) = workspace.shell(&["sh", "-c", "exec sh \"$0\" logs/900"], &merge, &[]);
        assert_eq!(ended, code, "{preset}: {told}");
        workspace.holds_all("logs/900/merged");
    }
}

#[test]
fn a_matrix_of_github_runs_every_shard_and_merges_them() {
    let text = manifest("github.yml");
    let document = yaml(&text).remove(0);
    let shards = strings(at(&document, &["jobs", "shard", "strategy", "matrix", "shard"]));
    let run = |job: &str| {
        let steps = at(&document, &["jobs", job, "steps"]).as_vec().expect("steps").clone();
        steps.into_iter().find(|step| step.as_mapping_get("run").is_some_and(|run| string(run).starts_with("statusgap"))).expect("a step")
    };
    let shard = run("shard");
    for (preset, code) in MEETS {
        let workspace = Workspace::new(preset);
        for index in &shards {
            let filled = |(name, value): (&Yaml<'_>, &Yaml<'_>)| {
                let value = string(value).replace("${{ matrix.shard }}", index).replace("${{ strategy.job-total }}", "4");
                let value = value.replace("${{ github.run_id }}", "15000000001").replace("${{ github.run_attempt }}", "1");
                (string(name), value.replace("${{ secrets.API_TOKEN }}", ""))
            };
            let variables: Vec<_> = at(&shard, &["env"]).as_mapping().expect("variables").iter().map(filled).collect();
            assert!(variables.iter().all(|(_, value)| !value.contains("${{")), "{variables:?}");
            // How the runner starts a step that names no shell.
            let (ended, told) = workspace.shell(&["bash", "-ec"], &string(at(&shard, &["run"])), &variables);
            assert_eq!(ended, 0, "{preset}, shard {index}: {told}");
            // Uploaded by one job and downloaded by the other.
            let uploaded = workspace.path("shards").join(format!("shard-{index}"));
            fs::create_dir_all(&uploaded).expect("a folder");
            fs::rename(workspace.path("shard/log.ndjson"), uploaded.join("log.ndjson")).expect("the log");
        }
        let (ended, told) = workspace.shell(&["bash", "-ec"], &string(at(&run("verdict"), &["run"])), &[]);
        assert_eq!(ended, code, "{preset}: {told}");
        workspace.holds_all("merged");
    }
}

#[test]
fn a_parallel_job_of_gitlab_runs_every_shard_and_merges_them() {
    let text = manifest("gitlab.yml");
    let document = yaml(&text).remove(0);
    assert_eq!(at(&document, &["shard", "parallel"]).as_integer(), i64::try_from(SHARDS).ok());
    let script = |job: &str| strings(at(&document, &[job, "script"])).join("\n");
    for (preset, code) in MEETS {
        let workspace = Workspace::new(preset);
        for node in 1..=SHARDS {
            let node = node.to_string();
            let variables = [("CI_NODE_INDEX", node.as_str()), ("CI_NODE_TOTAL", "4"), ("CI_PIPELINE_ID", "19"), ("GITLAB_CI", "true")];
            let (ended, told) = workspace.shell(&["bash", "-eo", "pipefail", "-c"], &script("shard"), &pairs(&variables));
            assert_eq!(ended, 0, "{preset}, node {node}: {told}");
        }
        let (ended, told) = workspace.shell(&["bash", "-eo", "pipefail", "-c"], &script("verdict"), &[]);
        assert_eq!(ended, code, "{preset}: {told}");
        workspace.holds_all("merged");
    }
}

#[test]
fn gnu_parallel_runs_every_shard_and_merges_them() {
    if !have("parallel") {
        return;
    }
    for (preset, code) in MEETS {
        let workspace = Workspace::new(preset);
        let script = repository("deploy/parallel.sh").display().to_string();
        let home = workspace.folder.path().display().to_string();
        let (ended, told) = workspace.shell(&["sh"], &script, &pairs(&[("SEED", "20"), ("HOME", &home)]));
        assert_eq!(ended, code, "{preset}: {told}");
        workspace.holds_all("logs/20/merged");
    }
}

#[test]
fn the_alert_rules_fire_when_they_should() {
    if !have("promtool") {
        return;
    }
    for arguments in [["check", "rules", "prometheus-alerts.yml"], ["test", "rules", "prometheus-alerts.test.yml"]] {
        let ended = Command::new("promtool").args(arguments).current_dir(repository("deploy")).output().expect("promtool");
        let told = [ended.stdout, ended.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert_eq!(ended.status.code(), Some(0), "{arguments:?}: {told}");
    }
}
