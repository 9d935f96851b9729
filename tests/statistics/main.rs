//! The statistics against published answers and against simulations whose truth is known.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "tests"
)]

mod binomial;
mod comparison;
mod coverage;
mod gate;
mod hypothesis_tests;
mod locating;
mod npmle;
mod staleness;
#[path = "../support/mod.rs"]
mod support;
mod windows;
