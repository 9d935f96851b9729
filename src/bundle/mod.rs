//! What belongs on a ticket beside the report: the shortest script of curl commands that shows the fault, a few such lines for the
//! report itself, and the run's requests as an HTTP Archive.
//!
//! In come a journal and its analysis, out come texts. All are made of the log's target file as `target` compiles it, so that they
//! have the run's own requests, and environment variables stay variables. A log may come from anywhere: everything of it that enters
//! a script is quoted for the shell. This room runs nothing and judges nothing; of the other rooms it may name `model`, `analysis` and
//! `target`.

mod by_hand;
mod contract;
mod curl;
mod experiment;
mod har;
mod meaning;
mod request_line;
mod script;
pub(crate) mod shell;

pub use by_hand::by_hand;
pub use har::archive;
pub use request_line::{initiate_line, status_line};
pub use script::script;

/// Why there is no script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unscriptable {
    /// Nothing was found.
    #[error("the run found no fault that could be shown again")]
    NothingFound,
    /// The log's target file cannot be read.
    #[error("the log's target file cannot be read")]
    NoTargetFile,
    /// The target is not an address that a script can be sent to.
    #[error("the target is a Unix socket, or not an address for HTTP, and a script can only ask addresses")]
    NoAddress,
    /// The contract needs more than curl and jq.
    #[error("{0} cannot be followed with curl and jq alone")]
    Contract(String),
    /// What was found takes more than curl.
    #[error("{0}")]
    Fault(&'static str),
}
