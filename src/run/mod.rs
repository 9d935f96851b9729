//! The application without a command line and without output: everything between a command's options and what its run came to.
//!
//! In come plain options and a [`Session`]; out come `Concluded`s, and notes to an observer on the way. One run, from its header to
//! its conclusion, is written once, in `recording`; runs of scenarios, pairs, shards, the rounds of a watch, an investigation and
//! the rehearsals of `matrix` differ in what they ask for. It names every room but `cli` and `report`, and prints nothing.

pub(crate) mod baseline;
mod conclude;
pub(crate) mod connections;
pub mod contact;
mod embedded;
mod error;
mod folder;
mod forecast;
mod gates;
pub mod investigate;
pub mod learn;
mod limits;
pub mod live_check;
mod options;
pub(crate) mod ordinary;
mod paired;
mod parallel;
mod planned;
mod recording;
mod rehearsal;
mod second_opinion;
mod session;
mod shard;
mod spans;
mod stop;
pub(crate) mod sweep;
pub(crate) mod twin;
pub(crate) mod watch;
mod window_after_gate;

pub use error::RunError;
pub use limits::{DEFAULT_TIMEOUT, INVESTIGATION_JOBS};
pub use rehearsal::{rehearse, rehearse_by_turns, virtual_options};
pub use second_opinion::OUTLINE as SECOND_OPINION;
pub use session::{ReferenceService, Session};

pub(crate) use conclude::Concluded;
pub(crate) use folder::{Artefacts, Destination};
pub(crate) use forecast::{Forecast, Left, Shown};
pub(crate) use limits::Limits;
pub(crate) use options::{Note, Observer, RunOptions};
pub(crate) use paired::twin_seed;
pub(crate) use parallel::in_parallel;
pub(crate) use planned::{Finished, PlannedRun};
pub(crate) use session::{Contract, Time, environment, new_run_id, now};
pub(crate) use shard::Place;
pub(crate) use spans::{SpanOptions, USUAL_ADDRESS, USUAL_WAIT, add_files};
pub(crate) use stop::interrupted;
