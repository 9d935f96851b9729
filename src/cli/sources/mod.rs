//! What somebody has in place of a target file, read into two requests: files, standard input, documents from addresses.

mod ask;
mod client;
mod read;
mod screen;

pub use ask::{Answer, confirm, settle};
pub use client::{client_for, for_documents, for_posts};
pub use read::{Described, Found, Named, check_variables, named, read};
pub use screen::Screen;

use crate::cli::error::CliError;
use crate::draft::DraftError;
use crate::run::learn::LearnError;

impl From<DraftError> for CliError {
    fn from(error: DraftError) -> CliError {
        CliError::usage(error.what, error.hint)
    }
}

impl From<LearnError> for CliError {
    fn from(error: LearnError) -> CliError {
        match error {
            LearnError::Undecided(error) => error.into(),
            LearnError::Target(error) => CliError::target(error.what, error.hint),
        }
    }
}

/// A variable of the environment.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
