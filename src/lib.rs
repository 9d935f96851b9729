//! statusgap finds, measures, explains and gates the window in which an async-job API denies a job that it has just accepted.
//!
//! # The way through the code
//!
//! ```text
//!  scenario ─┐                                                       ┌─► terminal, markdown, JSON
//!            ├─► plan ─► probe ─► LOG ─► analysis ─► verdict ─► report ┘
//!  target  ──┘         (effects)   │   (functions of the log: no clock, no network, no files)
//!                         ▲        └─► kept, shared, read again a month later
//!                         │
//!            a deployment, or the reference service
//! ```
//!
//! One half of the crate acts and decides nothing; the other half decides and never acts. They share the log and nothing else,
//! so whatever was concluded once can be concluded again from the file alone.
//!
//! | where | what to look for there |
//! |---|---|
//! | [`model`] | the words: stamps, exchanges, answers, scenarios, the header of a run |
//! | [`target`] | a TOML file becomes requests and the meaning of their replies |
//! | [`probe`] | sends what a scenario asks for, when it asks for it, and writes down what happened |
//! | [`log`] | one line of JSON an exchange: the writer, the reader, and the files |
//! | [`statistics`] | the mathematics: counts, values and intervals in, limits and p-values out |
//! | [`analysis`] | brackets, exact limits, the window's distribution, guarantees, causes |
//! | [`verdict`] | pass, fail or inconclusive, why, and the exit codes |
//! | [`import`] | recordings that others made (HAR, k6, access logs, JSON lines) become logs |
//! | [`run`] | the application: one run from its header to its conclusion, pairs, shards, watches, investigations |
//! | [`bundle`] | what belongs on a ticket: a script that shows the fault, and the requests as an HTTP Archive |
//! | [`report`] | every number is chosen once, in its view; each format only sets it |
//! | [`service`] | an API that has the fault, its cures and its known variants |
//! | [`cli`] | arguments and commands; alone knows clap, prints, exits, and reads the environment |
//!
//! # What does not happen here
//!
//! - `probe` knows no faults and no statistics; `analysis`, `verdict` and `report` know no sockets, no clock and no files.
//! - `service` names no other room. A harness that shares types with the API it tests cannot see that a field was renamed.
//! - No source names a particular API outside `service`: contracts are target files.
//! - Virtual time never meets a socket, and a test with sockets never pauses the clock.
//! - A window is never a number: a scan gives an interval, and what nobody saw is censored, not lost.
//!
//! The module `architecture` holds the first two lines as a test: the table of who may name whom, and of what the pure rooms
//! may not touch.

#[cfg(test)]
mod architecture;

pub mod analysis;
pub mod bundle;
pub mod cli;
pub mod import;
pub mod log;
pub mod model;
pub mod probe;
pub mod report;
pub mod run;
pub mod service;
pub mod statistics;
pub mod target;
pub mod traces;
pub mod verdict;
