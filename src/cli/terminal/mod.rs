//! What is shown, and where: standard output, standard error, a build service.

pub mod environment;
pub mod github;
pub mod notes;
pub mod output;
pub mod progress;
pub mod trace;
