//! What went wrong with a command, told once: a line of cause, a line of remedy.

use std::error::Error;
use std::fmt::Write as _;
use std::io::ErrorKind;
use std::path::Path;

use crate::cli::output;
use crate::import::ImportError;
use crate::log::{LogError, MergeError, WriteError};
use crate::model::redaction::without_passwords;
use crate::model::source::InputError;
use crate::probe::NetworkError;
use crate::service::{OpenError, SettingsError};
use crate::verdict::Exit;

/// A command's failure that is not a finding about the target.
#[derive(Debug, thiserror::Error)]
pub enum Complaint {
    /// A scenario or target file is wrong.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A recording cannot be imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// A text that says how a recording's lines are written makes no sense.
    #[error("{0}")]
    Format(String),
    /// A log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Logs cannot be put together.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// The log could not be written on.
    #[error("stopped, because the log {log} could not be written")]
    Recording {
        /// The file.
        log: String,
        /// What the system said.
        #[source]
        source: WriteError,
    },
    /// Where the run wrote its log there is another one, or none that can be read.
    #[error("{log} is no longer what this run wrote: another program wrote there meanwhile, so this run has no verdict")]
    Replaced {
        /// The file.
        log: String,
    },
    /// A file or folder cannot be read or written.
    #[error("cannot {action} {path}")]
    File {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The arguments do not fit together.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to do.
        hint: String,
    },
    /// A knob of the reference service has no such name or value.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The reference service could not be started.
    #[error("cannot start the reference service")]
    Service(#[source] OpenError),
    /// The HTTP client could not be set up.
    #[error(transparent)]
    Network(#[from] NetworkError),
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

impl Complaint {
    /// A usage error with its remedy.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Complaint {
        Complaint::Usage { message: message.into(), hint: hint.into() }
    }

    /// A file error.
    pub fn file(action: &'static str, path: &Path, source: std::io::Error) -> Complaint {
        Complaint::File { action, path: path.display().to_string(), source }
    }

    /// A log that could not be written.
    pub fn recording(log: &Path, source: WriteError) -> Complaint {
        Complaint::Recording { log: log.display().to_string(), source }
    }

    /// What to do about it, where the message does not say so itself.
    fn hint(&self) -> Option<&str> {
        match self {
            Complaint::Usage { hint, .. } => Some(hint),
            Complaint::Recording { .. } => Some(
                "make room there or name another place with --out; what the log has until then can be reported with `statusgap report`",
            ),
            Complaint::Replaced { .. } => Some("run it again, with a folder of its own: --out"),
            Complaint::File { source, .. } => match source.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                    Some("make room there, or name another place, such as with --out")
                }
                ErrorKind::PermissionDenied
                | ErrorKind::ReadOnlyFilesystem
                | ErrorKind::NotADirectory
                | ErrorKind::IsADirectory
                | ErrorKind::AlreadyExists => Some("name a place that this user can read and write, such as with --out"),
                _ => None,
            },
            _ => None,
        }
    }

    /// Prints the complaint with the chain of its causes.
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
        output::tell(&without_passwords(&text));
    }

    /// A run that lost its log could not be measured; everything else is the user's to mend.
    pub fn exit(&self) -> Exit {
        match self {
            Complaint::Recording { .. } | Complaint::Replaced { .. } => Exit::Inconclusive,
            _ => Exit::Usage,
        }
    }
}
