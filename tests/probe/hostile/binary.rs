//! Some of it through the binary: exit codes, and files that can be read.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use futures_util::future::join_all;
use tempfile::TempDir;

use super::cases::{Case, Closed, Fail, Inconclusive, Malformed, NotFound, Pass, ServerError, Timeout, TooLarge, Visible};
use super::wire::{Act, Script, Server, accepted, busy, denied, reply};
use crate::support::twinless::twinless;

/// The binary, in a folder, without the simulation of causes.
pub fn statusgap(folder: &Path, words: &str) -> Command {
    given(folder, &twinless(words.split_whitespace()))
}

/// The binary with just these words, in a folder.
pub fn given(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_statusgap"));
    command.args(words).current_dir(folder).env("NO_COLOR", "1").env_remove("STATUSGAP_URL");
    command
}

/// What it told, in one text.
pub fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_code_tells_a_breach_from_what_could_not_be_measured() {
    let flood = Act::Flood(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n".to_vec(), vec![b'x'; 1 << 16]);
    let deep = Act::Say(reply("200 OK", "", "[".repeat(100_000).as_bytes()));
    let known = Script::new(|asked| if asked.is_initiate() { accepted() } else { busy() });
    // In other words than those for a path that does not exist.
    let denying = Script::about_polls(|asked| match asked {
        asked if asked.line.contains("no-such-path") => Act::Say(reply("404 Not Found", "", b"no such page")),
        _ => denied(),
    });
    let cases = [
        (0, Case::poll("a service as it should be", busy(), Visible, Pass)),
        (1, Case::new("a denial", denying, NotFound, Fail)),
        (3, Case::poll("silence", Act::Silence(Vec::new()), Timeout, Inconclusive)),
        (
            3,
            Case::poll(
                "a body that drips",
                Act::Drip(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n".to_vec(), Vec::new()),
                Timeout,
                Inconclusive,
            ),
        ),
        (3, Case::poll("1 GiB", flood, TooLarge, Inconclusive)),
        (3, Case::poll("deep JSON", deep, Malformed, Inconclusive)),
        (3, Case::poll("a reset", Act::Reset(Vec::new()), Closed, Inconclusive)),
        (3, Case::poll("503", Act::Say(reply("503 Busy", "Retry-After: 99999\r\n", b"")), ServerError, Inconclusive)),
        (3, Case::initiate("no id", Act::Say(reply("202 Accepted", "", b"{}")), Malformed, Inconclusive)),
        (3, Case::new("everything is known", known, Visible, Inconclusive)),
    ];
    join_all(cases.into_iter().map(|(code, case)| async move {
        let server = Server::start(case.script.clone()).await;
        let target = case.target(&server.base_url);
        // Waited for on a thread of its own: the server lives on this one's runtime.
        tokio::task::spawn_blocking(move || through_the_binary(&case, &target, code)).await.expect("it holds");
    }))
    .await;
}

fn through_the_binary(case: &Case, target: &str, code: i32) {
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("target.toml"), target).expect("a target file");
    let scenario = format!("name = 'x'\ntitle = 't'\nsource = 's'\n{}", case.scenario());
    fs::write(folder.path().join("x.toml"), scenario).expect("a scenario");
    let ran = statusgap(folder.path(), "run x.toml --target target.toml --timeout 2s --out out --format json").output().expect("it runs");
    let told = told(&ran);
    assert_eq!(ran.status.code(), Some(code), "{}: {told}", case.name);
    assert!(!told.contains("panicked"), "{}: {told}", case.name);
    assert_eq!(fs::read(folder.path().join("out/result.json")).expect("a result"), ran.stdout, "{}", case.name);
    let again = statusgap(folder.path(), "report out/log.ndjson --format json").output().expect("it runs");
    assert_eq!((again.status.code(), again.stdout), (Some(code), ran.stdout), "{}: the log says the same", case.name);
}
