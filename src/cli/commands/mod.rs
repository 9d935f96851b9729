//! The commands, a file each: parse, call `run`, print.

pub mod bundle;
pub mod check;
pub mod compare;
pub mod completions;
pub mod config;
pub mod diagnose;
pub mod explain;
pub mod import;
pub mod init;
pub mod man;
pub mod matrix;
pub mod merge;
pub mod report;
pub mod reproduce;
pub mod run;
pub mod schema;
pub mod serve;
pub mod watch;
