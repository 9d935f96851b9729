//! How statusgap is installed and started by others: the action, the GitLab component, the fetched archive, the release's own steps,
//! and the examples for test suites, each run by the shell or the program that would run it.
//!
//! Beside this, by hand: the packages themselves (`scripts/package`, then `packaging/check`), and the files against their services'
//! schemas (see `docs/install.md`).

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use saphyr::Yaml;
use tempfile::TempDir;

use crate::ci_snippets::{Meets, Workspace, pairs, string, yaml};
use crate::support::skip::have;

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn text(path: &str) -> String {
    fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn program(path: &Path, script: &str) {
    fs::write(path, script).expect("a file");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a mode");
}

fn shell(script: &str, folder: &Path, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new("bash");
    command
        .args(["-eo", "pipefail", "-c", script])
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.envs(variables.iter().copied()).output().expect("a shell")
}

#[track_caller]
fn ends_with(output: &Output, code: i32) {
    let said = [output.stdout.as_slice(), output.stderr.as_slice()].map(|text| String::from_utf8_lossy(text).into_owned()).concat();
    assert_eq!(output.status.code(), Some(code), "{said}");
}

/// A release's folder, with an archive whose program is this build's.
fn release(folder: &Path) {
    let name = format!("statusgap-{VERSION}-{}-unknown-linux-gnu", std::env::consts::ARCH);
    fs::create_dir_all(folder.join(&name)).expect("a folder");
    program(&folder.join(&name).join("statusgap"), &format!("#!/bin/sh\nexec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_statusgap")));
    let packed = shell(&format!("tar -czf {name}.tar.gz {name} && rm -r {name} && sha256sum {name}.tar.gz > SHA256SUMS"), folder, &[]);
    ends_with(&packed, 0);
}

fn fetch(release: &Path, into: &Path) -> Output {
    let mut command = Command::new(repository("packaging/fetch"));
    command.arg(format!("file://{}", release.display())).args([VERSION]).arg(into).output().expect("a shell")
}

#[test]
fn an_archive_is_unpacked_only_if_its_sum_is_right() {
    if !have("curl") {
        return;
    }
    let folder = TempDir::new().expect("a folder");
    release(folder.path());
    let into = folder.path().join("bin");
    ends_with(&fetch(folder.path(), &into), 0);
    let version = Command::new(into.join("statusgap")).arg("--version").output().expect("the program");
    assert!(String::from_utf8_lossy(&version.stdout).contains(VERSION));

    let sums = fs::read_to_string(folder.path().join("SHA256SUMS")).expect("sums");
    for wrong in [sums.replace(&sums[..8], "00000000"), sums.replace("statusgap", "another"), String::new()] {
        fs::write(folder.path().join("SHA256SUMS"), &wrong).expect("a file");
        let into = TempDir::new().expect("a folder");
        ends_with(&fetch(folder.path(), into.path()), 1);
        assert!(!into.path().join("statusgap").exists(), "unpacked with {wrong:?}");
    }
    ends_with(&fetch(&folder.path().join("nowhere"), &folder.path().join("other")), 1);
}

/// A step of the action by its name.
fn action_step<'a>(action: &'a Yaml<'a>, name: &str) -> &'a Yaml<'a> {
    let steps = action.as_mapping_get("runs").and_then(|runs| runs.as_mapping_get("steps")).and_then(Yaml::as_vec).expect("steps");
    steps.iter().find(|step| step.as_mapping_get("name").is_some_and(|told| string(told) == name)).expect("a step")
}

/// The variables of a step, with the inputs in place.
fn step_variables(step: &Yaml<'_>, inputs: &[(&str, &str)]) -> Vec<(String, String)> {
    let variables = step.as_mapping_get("env").and_then(Yaml::as_mapping).expect("variables");
    let filled =
        |value: &Yaml<'_>| inputs.iter().fold(string(value), |value, (name, input)| value.replace(&format!("${{{{ {name} }}}}"), input));
    let filled: Vec<(String, String)> = variables.iter().map(|(name, value)| (string(name), filled(value))).collect();
    assert!(filled.iter().all(|(_, value)| !value.contains("${{")), "{filled:?}");
    filled
}

#[test]
fn the_action_installs_its_own_version_and_does_what_it_says() {
    if !have("curl") {
        return;
    }
    let text = text("action.yml");
    let action = yaml(&text);
    let server = TempDir::new().expect("a folder");
    let releases = server.path().join(format!("someone/statusgap/releases/download/v{VERSION}"));
    fs::create_dir_all(&releases).expect("a folder");
    release(&releases);
    let cases = [
        (Meets::NoGap, "warn", 0, "pass"),
        (Meets::Gap, "warn", 1, "fail"),
        (Meets::Nothing, "warn", 0, "inconclusive"),
        (Meets::Nothing, "fail", 3, "inconclusive"),
    ];
    for (meets, inconclusive, code, verdict) in cases {
        let workspace = Workspace::new(meets);
        let temporary = workspace.folder.path().display().to_string();
        let (root, server) = (repository(""), format!("file://{}", server.path().display()));
        let runner = pairs(&[
            ("CI", "true"),
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_STEP_SUMMARY", "summary"),
            ("GITHUB_OUTPUT", "output"),
            ("GITHUB_PATH", "path"),
            ("GITHUB_ACTION_PATH", root.to_str().expect("a path")),
            ("GITHUB_SERVER_URL", &server),
            ("RUNNER_TEMP", &temporary),
            ("JOBS_URL", &workspace.address),
        ]);
        let inputs = [
            ("github.action_repository", "someone/statusgap"),
            ("inputs.target", "ci/jobs.toml"),
            ("inputs.scenarios", "gap.toml"),
            ("inputs.arguments", "--seed 7"),
            ("inputs.out", "gap"),
            ("inputs.inconclusive", inconclusive),
        ];
        let play = |name: &str, before: &str| {
            let step = action_step(&action, name);
            assert_eq!(step.as_mapping_get("shell").map(string).as_deref(), Some("bash"));
            let variables = [runner.clone(), step_variables(step, &inputs)].concat();
            let script = format!("{before}{}", step.as_mapping_get("run").map(string).expect("a script"));
            // How the runner starts a step whose shell is bash.
            workspace.step(&["bash", "--noprofile", "--norc", "-eo", "pipefail"], &script, &variables)
        };
        assert_eq!(play("Install statusgap", ""), 0, "{}", workspace.read("step.out"));
        let installed = workspace.read("path").trim().to_owned();
        assert!(installed.ends_with(VERSION), "{installed}");
        // The runner puts it on the path of the steps that follow.
        assert_eq!(play("Run", &format!("PATH='{installed}':$PATH\n")), code, "{meets:?}: {}", workspace.read("step.out"));
        assert!(workspace.read("output").contains(&format!("verdict={verdict}\n")), "{meets:?}");
        workspace.keeps("gap");
    }
}

#[test]
fn the_component_for_gitlab_installs_this_version_and_does_what_it_says() {
    let text = text("templates/statusgap.yml");
    let (header, body) = text.split_once("\n---\n").expect("a header and a job");
    let header = yaml(header);
    let inputs = header.as_mapping_get("spec").and_then(|spec| spec.as_mapping_get("inputs")).and_then(Yaml::as_mapping).expect("inputs");
    let mut filled = body.to_owned();
    for (name, input) in inputs {
        let default = input.as_mapping_get("default").map(string);
        let value = match string(name).as_str() {
            "target" => "ci/jobs.toml".to_owned(),
            "scenarios" => "gap.toml".to_owned(),
            _ => default.expect("a default"),
        };
        filled = filled.replace(&format!("$[[ inputs.{} ]]", string(name)), &value);
    }
    assert!(!filled.contains("$[["), "{filled}");
    let document = yaml(&filled);
    let job = document.as_mapping_get("status-gap").expect("a job");
    let script: Vec<String> = job.as_mapping_get("script").and_then(Yaml::as_vec).expect("a script").iter().map(string).collect();
    for (meets, code) in [(Meets::NoGap, 0), (Meets::Gap, 1), (Meets::Nothing, 3)] {
        let workspace = Workspace::new(meets);
        // What would be installed is on the path already; which version was asked for is what matters here.
        let bin = workspace.folder.path().join("bin");
        fs::create_dir(&bin).expect("a folder");
        program(&bin.join("pip"), "#!/bin/sh\necho \"$@\" > asked\n");
        let script = format!("PATH='{}':$PATH\n{}", bin.display(), script.join("\n"));
        let variables = pairs(&[("CI", "true"), ("GITLAB_CI", "true"), ("JOBS_URL", &workspace.address)]);
        assert_eq!(workspace.step(&["bash", "-eo", "pipefail"], &script, &variables), code, "{meets:?}: {}", workspace.read("step.out"));
        assert!(workspace.read("asked").trim().ends_with(&format!("statusgap=={VERSION}")), "{}", workspace.read("asked"));
        workspace.keeps("gap");
    }
}

#[test]
fn what_installs_a_version_installs_this_one() {
    let mut named = 0;
    for path in ["docs/install.md", "deploy/github.yml", "deploy/gitlab.yml", "templates/statusgap.yml", "docs/ci.md", "README.md"] {
        let text = text(path);
        for mark in ["statusgap==", "statusgap@v", "statusgap@", "statusgap_", "/download/v"] {
            for after in text.split(mark).skip(1).filter(|after| after.starts_with(|c: char| c.is_ascii_digit())) {
                named += 1;
                assert!(after.starts_with(VERSION), "{path}: {mark}{}", after.chars().take(12).collect::<String>());
            }
        }
    }
    assert!(named >= 6, "the marks find no version any more");
}

/// The shell step of this name in the release's workflow.
fn release_step(name: &str) -> String {
    let text = text(".github/workflows/release.yml");
    let document = yaml(&text);
    let jobs = document.as_mapping_get("jobs").and_then(Yaml::as_mapping).expect("jobs");
    let steps = jobs.iter().flat_map(|(_, job)| job.as_mapping_get("steps").and_then(Yaml::as_vec).expect("steps"));
    let mut named = steps.filter(|step| step.as_mapping_get("name").is_some_and(|told| string(told) == name));
    let run = named.next().and_then(|step| step.as_mapping_get("run"));
    string(run.unwrap_or_else(|| panic!("no step `{name}`")))
}

#[test]
fn a_release_is_refused_where_tag_manifest_and_changelog_differ() {
    let script = release_step("The tag, Cargo.toml and the changelog name one version");
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("Cargo.toml"), "[package]\nname = \"statusgap\"\nversion = \"1.2.3\"\n[dependencies]\nversion = \"9\"\n")
        .expect("a file");
    for (tag, changelog, code) in [
        ("v1.2.3", "## [1.2.3] - 2026-01-01\n", 0),
        ("v1.2.4", "## [1.2.3]\n", 1),
        ("1.2.3", "## [1.2.3]\n", 1),
        ("v1.2.3", "## [Unreleased]\n", 1),
    ] {
        fs::write(folder.path().join("CHANGELOG.md"), changelog).expect("a file");
        ends_with(&shell(&script, folder.path(), &[("TAG", tag)]), code);
    }
}

#[test]
fn a_release_puts_both_processors_files_under_one_list_of_sums() {
    let script = release_step("Put both processors' files and checksums together");
    let folder = TempDir::new().expect("a folder");
    for part in ["a", "b"] {
        let part_folder = folder.path().join("parts").join(part);
        fs::create_dir_all(&part_folder).expect("a folder");
        fs::write(part_folder.join(format!("statusgap-{part}.tar.gz")), part).expect("a file");
        ends_with(&shell("sha256sum statusgap-* > SHA256SUMS", &part_folder, &[]), 0);
    }
    ends_with(&shell(&script, folder.path(), &[]), 0);
    let sums = fs::read_to_string(folder.path().join("dist/SHA256SUMS")).expect("sums");
    assert_eq!(sums.lines().count(), 2, "{sums}");
    // A file that was changed on the way is noticed.
    fs::remove_dir_all(folder.path().join("dist")).expect("a folder");
    for part in ["a", "b"] {
        fs::write(folder.path().join(format!("parts/{part}/SHA256SUMS")), &sums).expect("a file");
    }
    fs::write(folder.path().join("parts/a/statusgap-a.tar.gz"), "changed").expect("a file");
    ends_with(&shell(&script, folder.path(), &[]), 1);
}

/// The example of this language in the page on test suites, with a scenario that takes no time.
fn example(language: &str) -> String {
    let page = text("docs/test-suites.md");
    let block = page.split(&format!("```{language}\n")).nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    assert!(block.lines().count() <= 15, "no longer short: {block}");
    assert!(block.contains("\"gate\""));
    block.replace("\"gate\"", "\"gap.toml\"")
}

/// This build on the path, then everything else.
fn path() -> String {
    let own = Path::new(env!("CARGO_BIN_EXE_statusgap")).parent().expect("a folder").display().to_string();
    format!("{own}:{}", std::env::var("PATH").unwrap_or_default())
}

#[test]
fn the_example_for_pytest_fails_with_the_gap_and_skips_what_could_not_be_measured() {
    if !have("pytest-3") {
        return;
    }
    for (meets, code, told) in [(Meets::NoGap, 0, "1 passed"), (Meets::Gap, 1, "1 failed"), (Meets::Nothing, 0, "1 skipped")] {
        let workspace = Workspace::new(meets);
        fs::write(workspace.folder.path().join("test_gap.py"), example("python")).expect("a file");
        let mut command = Command::new("pytest-3");
        command.args(["-p", "no:cacheprovider", "test_gap.py"]).current_dir(workspace.folder.path());
        let ended = command.env("PATH", path()).env("JOBS_URL", &workspace.address).output().expect("pytest");
        ends_with(&ended, code);
        let said = String::from_utf8_lossy(&ended.stdout).into_owned();
        assert!(said.contains(told), "{meets:?}: {said}");
    }
}

#[test]
fn the_example_for_cargo_test_fails_with_the_gap_alone() {
    if !have("rustc") {
        return;
    }
    let built = TempDir::new().expect("a folder");
    fs::write(built.path().join("gap.rs"), example("rust")).expect("a file");
    let compiled = Command::new("rustc").args(["--test", "--edition", "2024", "gap.rs"]).current_dir(built.path()).output().expect("rustc");
    ends_with(&compiled, 0);
    for (meets, code) in [(Meets::NoGap, 0), (Meets::Gap, 101), (Meets::Nothing, 0)] {
        let workspace = Workspace::new(meets);
        let mut command = Command::new(built.path().join("gap"));
        command.current_dir(workspace.folder.path()).env("PATH", path()).env("JOBS_URL", &workspace.address);
        // Its own folder for what the example leaves behind.
        ends_with(&command.env("TMPDIR", workspace.folder.path()).output().expect("the test"), code);
    }
}
