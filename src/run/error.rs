//! Why a run cannot begin, or has no verdict.

use crate::log::StorageError;
use crate::model::source::InputError;
use crate::probe::NetworkError;
use crate::service::OpenError;

/// A run's failure that is not a finding about the target.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A target or scenario file is wrong.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A log, or a file beside it, cannot be written or read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Where the run wrote its log there is another one, or none that can be read.
    #[error("{log} is no longer what this run wrote: another program wrote there meanwhile, so this run has no verdict")]
    Replaced {
        /// The file.
        log: String,
    },
    /// Spans cannot be read.
    #[error(transparent)]
    Spans(#[from] crate::traces::ReadError),
    /// What was asked for cannot be done.
    #[error("{message}")]
    Refused {
        /// What is wrong.
        message: String,
        /// What to do.
        hint: String,
    },
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

impl RunError {
    pub(crate) fn refused(message: impl Into<String>, hint: impl Into<String>) -> RunError {
        RunError::Refused { message: message.into(), hint: hint.into() }
    }
}
