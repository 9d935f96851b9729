//! The command that is called when the verdict changes.
//!
//! It goes to `sh -c`, so that a pipe or a redirection works as it is written in the configuration. What a target said reaches it in
//! variables only, never as part of the command, so that no server can have anything executed.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::cli::output;
use crate::report::live::ChangeRow;

/// The longest that it may take; the next round waits for it.
const LONGEST: Duration = Duration::from_secs(30);

/// How often it is looked whether it has ended.
const LOOK: Duration = Duration::from_millis(20);

/// Calls the command and waits for its end. That it fails is told, and changes nothing else.
pub async fn call(command: &str, change: &ChangeRow, log: &Path) {
    let log = std::path::absolute(log).unwrap_or_else(|_| PathBuf::from(log));
    let mut shell = Command::new("sh");
    shell
        .args(["-c", command])
        .env("STATUSGAP_VERDICT", change.is.word())
        .env("STATUSGAP_WAS", change.was.map_or("none", crate::verdict::Verdict::word))
        .env("STATUSGAP_REASON", &change.reason)
        .env("STATUSGAP_LOG", log)
        .stdin(Stdio::null())
        // Standard output is for the report.
        .stdout(Stdio::from(std::io::stderr()));
    // On a thread of its own, which also keeps virtual time where it is.
    let ended = tokio::task::spawn_blocking(move || run(&mut shell)).await;
    match ended {
        Ok(Ok(Some(status))) if status.success() => {}
        Ok(Ok(Some(status))) => output::tell(&format!("note: --on-change ended with {status}")),
        Ok(Ok(None)) => output::tell(&format!("note: --on-change was ended after {} s", LONGEST.as_secs())),
        Ok(Err(error)) => output::tell(&format!("note: --on-change cannot be called: {error}")),
        // Nobody cancels the thread, so this is a panic: a bug of ours, to be passed on.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// Runs a command for as long as it may take; `None` if it had to be ended.
fn run(command: &mut Command) -> std::io::Result<Option<ExitStatus>> {
    let mut child = command.spawn()?;
    let began = Instant::now();
    while began.elapsed() < LONGEST {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        std::thread::sleep(LOOK);
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}
