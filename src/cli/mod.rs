//! The commands, one a file: they alone print, end, and know the command line.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the command line is where things are printed"
)]

pub mod serve;
pub mod service_args;
