//! The probe against servers that answer as told, from polite to hostile.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "tests"
)]

mod answers;
mod bracket;
mod contracts;
mod hostile;
mod later_writes;
mod overload;
mod production;
mod safety;
#[path = "../support/mod.rs"]
mod support;
mod traces;
