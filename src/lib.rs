//! statusgap finds, measures, explains and gates the window in which an async-job API denies a job that it has just accepted.

pub mod analysis;
pub mod cli;
pub mod inquiry;
pub mod log;
pub mod model;
pub mod probe;
pub mod report;
pub mod service;
pub mod target;
pub mod verdict;
