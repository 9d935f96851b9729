//! What every command line tool should do: help, exit codes, colours, quiet, completions, manual pages.

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::support::skip::have;
use crate::support::twinless::twinless;

fn run(words: &str, variables: &[(&str, &str)]) -> Output {
    let folder = TempDir::new().expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_statusgap"));
    command.args(twinless(words.split_whitespace())).current_dir(folder.path()).env_clear().envs(variables.iter().copied());
    command.output().expect("the binary starts")
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

/// All commands, as the help lists them.
fn commands() -> Vec<String> {
    let help = out(&run("--help", &[]));
    let list = help.split("Commands:\n").nth(1).expect("a list of commands").split("\n\n").next().unwrap_or_default();
    let names =
        list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn every_command_takes_the_common_options_and_refuses_unknown_ones_with_2() {
    let commands = commands();
    assert!(commands.iter().any(|name| name == "run") && commands.iter().any(|name| name == "explain"), "{commands:?}");
    for name in &commands {
        let help = run(&format!("{name} --help"), &[]);
        assert_eq!(help.status.code(), Some(0), "{name}");
        for told in ["Exit codes:", "--quiet", "--no-progress", "--color", "--config"] {
            assert!(out(&help).contains(told), "{name} does not tell {told}");
        }
        let refused = run(&format!("{name} --no-such-option"), &[]);
        assert!(refused.stdout.is_empty() && !refused.stderr.is_empty(), "{name}");
        assert_eq!(refused.status.code(), Some(2), "{name}");
    }
}

#[test]
fn colour_is_asked_for_in_the_usual_ways() {
    for (words, variables, coloured) in [
        ("", &[][..], false),
        ("--color always", &[], true),
        ("", &[("CLICOLOR_FORCE", "1")], true),
        ("", &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
        ("--color always", &[("NO_COLOR", "1")], true),
        ("--color never", &[("CLICOLOR_FORCE", "1")], false),
    ] {
        let table = out(&run(&format!("{words} run --virtual immediate --out gap"), variables));
        assert_eq!(table.contains("\u{1b}["), coloured, "{words} {variables:?}: {table}");
        let help = out(&run(&format!("{words} run --help"), variables));
        assert_eq!(help.contains("\u{1b}["), coloured, "help, {words} {variables:?}: {help}");
    }
}

#[test]
fn in_a_log_nothing_is_drawn_over() {
    for (words, variables) in [("run --virtual immediate", &[("CI", "true")][..]), ("reproduce --virtual", &[("BUILDKITE", "true")])] {
        let ended = run(&format!("{words} --out gap"), variables);
        assert!(!ended.stderr.contains(&b'\r') && !ended.stderr.contains(&0x1b), "{}", String::from_utf8_lossy(&ended.stderr));
        let quiet = run(&format!("{words} --out gap --quiet"), variables);
        assert_eq!(String::from_utf8_lossy(&quiet.stderr), "");
    }
}

#[test]
fn completions_are_right_by_each_shells_own_parser() {
    for (shell, check) in [("bash", &["-n"][..]), ("zsh", &["-n"]), ("fish", &["--no-execute"])] {
        let script = run(&format!("completions {shell}"), &[]);
        assert_eq!(script.status.code(), Some(0));
        let text = out(&script);
        for word in ["reproduce", "placeholder", "markdown"] {
            assert!(text.contains(word), "{shell} does not complete {word}");
        }
        if have(shell) {
            let folder = TempDir::new().expect("a folder");
            let path = folder.path().join("script");
            std::fs::write(&path, text).expect("a file");
            let parsed = Command::new(shell).args(check).arg(&path).output().expect("the shell starts");
            assert!(parsed.status.success() && parsed.stderr.is_empty(), "{shell}: {}", String::from_utf8_lossy(&parsed.stderr));
        }
    }
    assert_eq!(run("completions cmd", &[]).status.code(), Some(2));
}

#[test]
fn bash_completes_an_option_and_its_values() {
    if !have("bash") {
        return;
    }
    let script = out(&run("completions bash", &[]));
    let complete = |words: &str, count: usize| {
        let asked = format!(
            "{script}\nCOMP_WORDS=({words}); COMP_CWORD={count}; _statusgap statusgap \"${{COMP_WORDS[{count}]}}\" \"${{COMP_WORDS[{}]}}\"; echo \"${{COMPREPLY[@]}}\"",
            count - 1
        );
        let ended = Command::new("bash").arg("-c").arg(asked).output().expect("bash");
        String::from_utf8_lossy(&ended.stdout).trim().to_owned()
    };
    assert_eq!(complete("statusgap rep", 1), "report reproduce");
    assert_eq!(complete("statusgap run --serv", 2), "--service");
    assert_eq!(complete("statusgap run --service zoo-c", 3), "zoo-c zoo-c-prime zoo-c-prime-timers");
    assert_eq!(complete("statusgap run imm", 2), "immediate");
    assert_eq!(complete("statusgap run --format mark", 3), "markdown");
    assert_eq!(complete("statusgap explain SG-RY", 2), "SG-RYW");
}

#[test]
fn manual_pages_cover_every_command_and_are_set_without_a_warning() {
    let folder = TempDir::new().expect("a folder");
    let into = folder.path().join("man");
    assert_eq!(run(&format!("man {}", into.display()), &[]).status.code(), Some(0));
    let page = |name: &str| std::fs::read_to_string(into.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(page("statusgap.1"), out(&run("man", &[])), "the page on standard output is the same");
    for name in commands() {
        let text = page(&format!("statusgap-{name}.1"));
        assert!(text.contains(".SH \"EXIT STATUS\"\n.TP\n0\n"), "{name}: {text}");
        for section in ["EXAMPLES\n.TP\nstatusgap ", "ENVIRONMENT\n.TP\n", "FILES\n.TP\n"] {
            assert!(text.contains(&format!(".SH {section}")), "{name} has no {section}: {text}");
        }
    }
    if have("man") {
        for entry in std::fs::read_dir(&into).expect("a folder") {
            let path = entry.expect("an entry").path();
            assert_eq!(warnings(&path), "", "{}", path.display());
        }
    }
}

/// What the system's own formatter has against a page.
fn warnings(page: &Path) -> String {
    let mut command = Command::new("man");
    command.args(["--warnings", "--local-file", "--encoding=UTF-8"]).arg(page).envs([("MANWIDTH", "80"), ("LC_ALL", "C.UTF-8")]);
    let set = command.output().expect("man starts");
    assert!(set.stdout.len() > 200, "{}: nothing was set", page.display());
    String::from_utf8_lossy(&set.stderr).into_owned()
}

#[test]
fn codes_of_reports_are_explained() {
    let result: serde_json::Value = serde_json::from_str(&out(&run("run --virtual immediate --format json --out gap", &[]))).expect("JSON");
    let codes = result["guarantees"].as_array().expect("a list").iter().map(|row| row["code"].as_str().expect("a code").to_owned());
    let causes = result["diagnosis"].as_array().expect("a list").iter().map(|row| row["class"].as_str().expect("a letter").to_owned());
    let all: Vec<String> = codes.chain(causes).collect();
    assert!(all.contains(&"SG-RYW".to_owned()) && all.contains(&"A".to_owned()), "{all:?}");
    for code in all {
        let told = run(&format!("explain {code}"), &[]);
        assert!(told.status.success() && out(&told).starts_with(&code) && out(&told).contains("\nmends "), "{code}");
    }
    let unknown = run("explain SG-XYZ", &[]);
    assert_eq!(unknown.status.code(), Some(2));
    let list: serde_json::Value = serde_json::from_str(&out(&run("explain --format json", &[]))).expect("JSON");
    assert_eq!(list.as_array().map(Vec::len), Some(37));
}
