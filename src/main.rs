//! The `statusgap` binary: parse, run, exit code; nothing else.

use std::process::ExitCode;

/// The probe and the reference service allocate many small things for a short time, on several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    statusgap::cli::run()
}
