//! What went wrong with a command, told once: a line of cause, a line of remedy.

use std::error::Error;
use std::fmt::Write as _;
use std::io::ErrorKind;
use std::path::Path;

use crate::cli::terminal::output;
use crate::import::ImportError;
use crate::log::{MergeError, StorageError, WriteError};
use crate::model::redaction::without_passwords;
use crate::model::source::InputError;
use crate::run::RunError;
use crate::service::SettingsError;
use crate::verdict::Exit;

/// A command's failure that is not a finding about the target.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// A scenario or target file is wrong.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A recording cannot be imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// A text that says how a recording's lines are written makes no sense.
    #[error("{0}")]
    Format(String),
    /// Logs cannot be put together.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// A log, or a file beside it, cannot be written or read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A run could not begin, or has no verdict.
    #[error(transparent)]
    Run(Box<RunError>),
    /// The arguments do not fit together.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to do.
        hint: String,
    },
    /// The target's answers cannot be used.
    #[error("{message}")]
    Target {
        /// What was asked and answered.
        message: String,
        /// What to do.
        hint: String,
    },
    /// A knob of the reference service has no such name or value.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The system refused something that every run needs.
    #[error("cannot {action}")]
    System {
        /// What was tried.
        action: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

impl From<RunError> for CliError {
    fn from(error: RunError) -> CliError {
        match error {
            RunError::Storage(error) => CliError::Storage(error),
            error => CliError::Run(Box::new(error)),
        }
    }
}

impl CliError {
    /// A usage error with its remedy.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> CliError {
        CliError::Usage { message: message.into(), hint: hint.into() }
    }

    /// Answers of the target's that cannot be used.
    pub fn target(message: impl Into<String>, hint: impl Into<String>) -> CliError {
        CliError::Target { message: message.into(), hint: hint.into() }
    }

    /// A file error.
    pub fn file(action: &'static str, path: &Path, source: std::io::Error) -> CliError {
        CliError::Storage(StorageError::file(action, path, source))
    }

    /// A log that could not be written.
    pub fn recording(log: &Path, source: WriteError) -> CliError {
        CliError::Storage(StorageError::recording(log, source))
    }

    /// What to do about it, where the message does not say so itself.
    fn hint(&self) -> Option<&str> {
        match self {
            CliError::Usage { hint, .. } | CliError::Target { hint, .. } => Some(hint),
            CliError::Run(error) => match &**error {
                RunError::Refused { hint, .. } => Some(hint),
                RunError::Replaced { .. } => Some("run it again, with a folder of its own: --out"),
                _ => None,
            },
            CliError::Storage(StorageError::Locked(_)) => Some("wait until it has ended, or name another place with --out"),
            CliError::Storage(StorageError::Recording { .. }) => Some(
                "make room there or name another place with --out; what the log has until then can be reported with `statusgap report`",
            ),
            CliError::Storage(StorageError::File { action: "read" | "open", source, .. }) if source.kind() == ErrorKind::IsADirectory => {
                Some("that is a directory: name a file in it")
            }
            CliError::Storage(StorageError::File { source, .. }) => match source.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                    Some("make room there, or name another place, such as with --out")
                }
                ErrorKind::IsADirectory => Some("a directory is in the way: name a file, or another place with --out"),
                ErrorKind::InvalidData => Some("name a text file in UTF-8"),
                ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem | ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
                    Some("name a place that this user can read and write, such as with --out")
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// Prints the error with the chain of its causes.
    pub fn print(&self) {
        // Writing to a string cannot fail.
        let mut text = format!("error: {self}");
        let mut source = self.source();
        while let Some(cause) = source {
            let _ = write!(text, ": {cause}");
            source = cause.source();
        }
        if let Some(hint) = self.hint() {
            let _ = write!(text, "\n  hint: {hint}");
        }
        // Whatever was quoted: a password in an address is nobody's business.
        output::eprint_note(&without_passwords(&text));
    }

    /// A run that lost its log could not be measured; everything else is the user's to mend.
    pub fn exit(&self) -> Exit {
        match self {
            CliError::Storage(StorageError::Recording { .. }) | CliError::Target { .. } => Exit::Inconclusive,
            CliError::Run(error) if matches!(**error, RunError::Replaced { .. }) => Exit::Inconclusive,
            _ => Exit::Usage,
        }
    }
}
