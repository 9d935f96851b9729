//! What logs mean: analysis, diagnosis and verdict, from hand-made timelines, recorded logs and damaged ones.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "tests"
)]

mod checker;
mod damaged_logs;
mod healthy_kinds;
mod histories;
mod inside;
mod later_classes;
mod load;
mod recorded;
#[path = "../support/mod.rs"]
mod support;
mod told_apart;
mod wrong_sentences;
