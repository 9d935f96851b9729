//! Tests that need more than Rust: what is missing here is said on standard error, and in the file that `STATUSGAP_SKIPPED` names,
//! where `scripts/test` reads it.

use std::io::Write as _;
use std::process::Command;

/// Whether a program is installed. If not, the running test is noted as skipped.
#[track_caller]
pub fn have(program: &str) -> bool {
    // Some answer `--version` with an error code; it is enough that they start.
    let starts = Command::new(program).arg("--version").output().is_ok();
    if !starts {
        skipped(&format!("{program} is not installed"));
    }
    starts
}

/// Notes that the running test, or a part of it, is skipped.
pub fn skipped(why: &str) {
    let thread = std::thread::current();
    let line = format!("{why}: {}\n", thread.name().unwrap_or("a test"));
    // Whoever runs the tests reads it.
    #[allow(clippy::print_stderr, reason = "not a part of the program")]
    {
        eprint!("skipped: {line}");
    }
    if let Some(path) = std::env::var_os("STATUSGAP_SKIPPED") {
        let file = std::fs::File::options().create(true).append(true).open(path);
        file.and_then(|mut file| file.write_all(line.as_bytes())).expect("the list of what is skipped can be written");
    }
}
