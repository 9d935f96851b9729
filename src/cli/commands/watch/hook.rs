//! The command that is called when the verdict changes.
//!
//! It goes to `sh -c`, so that a pipe or a redirection works as it is written in the configuration. What a target said reaches it in
//! variables only, never as part of the command, so that no server can have anything executed.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tokio::sync::watch::Receiver;

use crate::cli::terminal::output;
use crate::report::live::ChangeRow;

/// The longest that it may take; the next round waits for it. Then it is ended, together with all that it started.
const LONGEST: Duration = Duration::from_secs(30);

/// How often it is looked whether it has ended.
const LOOK: Duration = Duration::from_millis(20);

/// Calls the command and waits for its end, at most until the watch is to stop. That it fails is told, and changes nothing else.
pub async fn call(command: &str, change: &ChangeRow, log: &Path, stopping: &Receiver<bool>) {
    let log = std::path::absolute(log).unwrap_or_else(|_| PathBuf::from(log));
    let mut shell = shell(command);
    shell
        .env("STATUSGAP_VERDICT", change.is.word())
        .env("STATUSGAP_WAS", change.was.map_or("none", crate::verdict::Verdict::word))
        .env("STATUSGAP_REASON", &change.reason)
        .env("STATUSGAP_LOG", log)
        // Standard output is for the report.
        .stdout(Stdio::from(std::io::stderr()));
    let (began, stopping) = (Instant::now(), stopping.clone());
    let until = move || {
        let cut = if *stopping.borrow() {
            Cut::Stopped
        } else if began.elapsed() >= LONGEST {
            Cut::TooLong
        } else {
            return None;
        };
        Some(cut)
    };
    // On a thread of its own, which also keeps virtual time where it is.
    let ended = tokio::task::spawn_blocking(move || run(&mut shell, until)).await;
    match ended {
        Ok(Ok(Ending::Itself(status))) if status.success() => {}
        Ok(Ok(Ending::Itself(status))) => output::eprint_note(&format!("note: --on-change ended with {status}")),
        Ok(Ok(Ending::Cut(Cut::TooLong))) => output::eprint_note(&format!("note: --on-change was ended after {} s", LONGEST.as_secs())),
        Ok(Ok(Ending::Cut(Cut::Stopped))) => output::eprint_note("note: --on-change was ended with the watch"),
        Ok(Err(error)) => output::eprint_note(&format!("note: --on-change cannot be called: {error}")),
        // Nobody cancels the thread, so this is a panic: a bug of ours, to be passed on.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// How a command ended.
#[derive(Debug)]
enum Ending {
    Itself(ExitStatus),
    Cut(Cut),
}

/// Why a command was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// It took longer than it may.
    TooLong,
    /// The watch is to stop.
    Stopped,
}

/// The command for the shell, in a process group of its own: what it starts can be ended with it.
fn shell(command: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).stdin(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut shell, 0);
    shell
}

/// Runs a command to its end, or until there is a reason to end it.
fn run(command: &mut Command, mut until: impl FnMut() -> Option<Cut>) -> std::io::Result<Ending> {
    let mut child = command.spawn()?;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Ending::Itself(status));
        }
        if let Some(cut) = until() {
            end(&mut child)?;
            return Ok(Ending::Cut(cut));
        }
        std::thread::sleep(LOOK);
    }
}

/// Ends a child that was not yet waited for, so that its number is still its own, and all of its group.
fn end(child: &mut Child) -> std::io::Result<()> {
    #[cfg(unix)]
    let ended = rustix::process::kill_process_group(rustix::process::Pid::from_child(child), rustix::process::Signal::KILL).is_ok();
    #[cfg(not(unix))]
    let ended = false;
    // A group of which only the ended leader is left cannot be signalled everywhere.
    if !ended {
        child.kill()?;
    }
    child.wait().map(|_| ())
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::{BufRead as _, BufReader, Read as _};

    use super::*;

    #[test]
    fn a_command_that_is_ended_takes_along_what_it_started() {
        // Whoever holds the pipe's other end lives: its end is read when all of them are gone.
        let (said, says) = std::io::pipe().expect("a pipe");
        let mut said = BufReader::new(said);
        let mut first = String::new();
        let ended = {
            let mut shell = shell("(sleep 20; echo the grandchild lives) & echo started; wait");
            shell.stdout(says);
            run(&mut shell, || {
                said.read_line(&mut first).expect("a line");
                Some(Cut::TooLong)
            })
        };
        assert!(matches!(ended, Ok(Ending::Cut(Cut::TooLong))), "{ended:?}");
        let mut rest = String::new();
        said.read_to_string(&mut rest).expect("an end");
        assert_eq!((first.as_str(), rest.as_str()), ("started\n", ""));
    }

    #[test]
    fn a_command_that_ends_by_itself_tells_how() {
        let ended = run(&mut shell("exit 3"), || None);
        assert!(matches!(&ended, Ok(Ending::Itself(status)) if status.code() == Some(3)), "{ended:?}");
    }
}
