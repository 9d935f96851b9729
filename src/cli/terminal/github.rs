//! Where GitHub Actions runs the command, its result is shown there: annotations, a step's summary, and outputs.
//!
//! Annotations go to standard error, which GitHub reads as well, so that standard output stays what was asked for. None of
//! this may change how a run ends: what cannot be written is a note.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use crate::cli::terminal::output;
use crate::report::{View, github, pull_request};

/// Whether GitHub is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Annotations {
    /// Where `GITHUB_ACTIONS` says that it runs the command.
    WhereItRuns,
    /// Not at all.
    Off,
}

/// What a step's summary may hold, in bytes; a longer one is dropped as a whole.
const SUMMARY_LIMIT: u64 = 1024 * 1024;

/// Annotates what was found.
pub fn annotate(view: &View, folder: &Path, where_it_runs: Annotations) {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if where_it_runs == Annotations::Off || variable("GITHUB_ACTIONS").as_deref() != Some("true") {
        return;
    }
    output::eprint_note(github(view).trim_end());
    if let Some(path) = variable("GITHUB_STEP_SUMMARY") {
        note(&path, append(Path::new(&path), &pull_request(view), SUMMARY_LIMIT));
    }
    if let Some(path) = variable("GITHUB_OUTPUT") {
        let outputs = format!("verdict={}\nfolder={}\n", view.verdict.word(), one_line(&folder.display().to_string()));
        note(&path, append(Path::new(&path), &outputs, SUMMARY_LIMIT));
    }
}

fn append(path: &Path, text: &str, most: u64) -> std::io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    if file.metadata()?.len() + text.len() as u64 > most {
        return Err(std::io::Error::other("it would become larger than GitHub takes"));
    }
    file.write_all(text.as_bytes())
}

fn note(path: &str, written: std::io::Result<()>) {
    if let Err(error) = written {
        output::eprint_note(&format!("note: cannot write to {path}: {error}"));
    }
}

/// An output's value ends at its line's end; what follows would be taken for another output.
fn one_line(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
}
