//! The reference service, on its own and in several processes, and one by somebody else.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "tests"
)]

mod another_language;
mod model;
mod processes;
mod restart;
mod serve;
#[path = "../support/mod.rs"]
mod support;
mod wire;
