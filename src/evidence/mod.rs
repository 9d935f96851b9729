//! What belongs on a ticket beside the report: the shortest script of curl commands that shows the fault, a few such lines for the
//! report itself, and the run's requests as an HTTP Archive.
//!
//! In come a journal and its analysis, out come texts. Both are made of the target file as it stands in the log, so that environment
//! variables stay variables. A log may come from anywhere: everything of it that enters a script is quoted for the shell. This
//! room runs nothing and judges nothing; of the other rooms it may name `model`, `analysis` and
//! `target`, which makes the requests as it did for the run.

mod by_hand;
mod contract;
mod har;
mod plot;
mod requests;
mod script;
mod shell;

pub use by_hand::by_hand;
pub use contract::Unscriptable;
pub use har::archive;
pub use script::script;
