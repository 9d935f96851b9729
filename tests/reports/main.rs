//! What is written for people and programs: reports, schemas, and the material of a ticket.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "tests"
)]

mod evidence;
mod first_screen;
mod html;
mod one_story;
mod samples;
mod schemas;
#[path = "../support/mod.rs"]
mod support;
