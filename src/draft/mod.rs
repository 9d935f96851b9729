//! A target file from what a person has: curl commands, a HAR file, an OpenAPI document, and the answers about one job.
//!
//! In come texts and recorded answers, out comes a [`Draft`] (two requests, with variables in place of credentials), the contract that
//! the answers show, and the text of a target file. This room is pure: it sends nothing, and files, the environment and randomness come
//! in as parameters. Whatever it cannot decide is an error that names the option that decides it, never a guess; of the other rooms it
//! may name only `model` and `target`.

mod address;
pub mod curl;
mod error;
mod fetch;
mod finished;
pub mod har;
pub mod infer;
mod json;
mod marks;
pub mod openapi;
pub mod pair;
mod read_back;
mod requests;
mod secrets;
pub mod shape;
mod shell;
mod source;
mod states;
#[cfg(test)]
mod tests;
mod write;
mod yaml;

pub use error::{Choice, DraftError, Settled};
pub use finished::{Answers, Finished, Origin, from_answers, from_assumptions, recorded};
pub use pair::{IdFrom, Pair};
pub use read_back::{Readings, read_back, with_reply};
pub use requests::{Draft, Filling, Lookup, fill_hosts};
pub use secrets::Secret;
pub use source::{SourceKind, commands, kind_of};
pub use write::{Said, target_file};
