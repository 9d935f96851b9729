//! statusgap finds, measures, explains and gates the window in which an async-job API denies a job that it has just accepted.

pub mod cli;
pub mod service;
