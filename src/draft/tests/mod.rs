//! From texts to target files.

mod commands;
mod contracts;
mod documents;
mod logins;
mod properties;
mod wrong;

use crate::draft::curl::{self, Commands};
use crate::draft::pair::{self, Pair, PairOptions};
use crate::draft::{Draft, DraftError};
use crate::model::call::Call;

/// No file is there to be read.
fn no_files(_: &str) -> Result<Vec<u8>, String> {
    Err("no such file".to_owned())
}

fn curl(text: &str) -> Result<Commands, DraftError> {
    curl::commands(text, &no_files)
}

#[track_caller]
fn calls(text: &str) -> Vec<Call> {
    curl(text).unwrap_or_else(|error| panic!("{text}: {error}")).calls
}

fn pair(text: &str) -> Result<Pair, DraftError> {
    pair::of_commands(&calls(text), PairOptions::default())
}

#[track_caller]
fn draft(text: &str) -> Draft {
    pair(text).and_then(|pair| Draft::of(pair, None)).unwrap_or_else(|error| panic!("{text}: {error}"))
}
