//! What is typed: clap's definition of each option, and what becomes of the values before a command has them.

pub mod comparison;
pub mod environment;
pub mod examples;
pub mod exit_codes;
pub mod gate;
pub mod global;
pub mod headings;
pub mod network;
pub mod parser;
pub mod probe;
pub mod repeat;
pub mod scenarios;
pub mod service;
pub mod shard;
pub mod target;
pub mod twin;
pub mod traces;
