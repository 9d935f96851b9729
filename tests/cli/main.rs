//! The binary as its users meet it: commands, files, messages, exit codes.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "tests"
)]

mod ci_snippets;
mod commands;
mod comparing;
mod config;
mod contact;
mod conventions;
mod deploy;
mod few_requests;
mod formats;
mod install;
mod latency;
mod scripts;
mod secrets;
mod shards;
#[path = "../support/mod.rs"]
mod support;
mod sweep;
mod traces;
mod watch;
