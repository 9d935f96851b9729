//! What belongs on a ticket beside the report: the shortest script of plain curl commands that shows the fault, and the run's requests
//! as an HTTP Archive.
//!
//! In come a journal and its analysis, out come texts. Both are made of the target file as it stands in the log, so that environment
//! variables stay variables. A log may come from anywhere: everything of it that enters a script is quoted for the shell. This
//! room runs nothing and judges nothing; of the other rooms it may name `model` and `analysis`.

mod contract;
mod har;
mod plot;
mod script;
pub mod shell;

pub use contract::Unscriptable;
pub use har::archive;
pub use script::script;
