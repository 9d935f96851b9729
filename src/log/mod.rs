//! The log: one line of JSON per exchange, appended while the run goes on. One writer, one reader, one schema version.
//!
//! In go exchanges and headers from [`crate::model`], out comes a [`Journal`](crate::model::run::Journal); what the lines
//! mean is the business of `analysis`. The log is the only thing that the probe and the reports share.

mod block;
mod line;
mod merge;
mod reader;
pub mod storage;
mod tally;
mod valid;
mod writer;

pub use merge::{MergeError, Shards, Summary, open_shards};
pub use reader::{LogError, in_order, read, read_sized};
pub use storage::StorageError;
pub use writer::{LogWriter, WriteError};
