//! From plain numbers to what may be said about them: exact binomial limits, the interval-censored estimate of the
//! window and its band, comparisons of two runs, sequential tests, and summaries of round trips.
//!
//! In come brackets, counts and durations; out go estimates with their limits and certificates. Nothing here knows a
//! clock, a network, a file or an operating system's randomness: where chance is needed, the caller brings the seed,
//! so the same log gives the same bytes.

pub mod band;
pub mod binomial;
pub mod compare;
pub mod latency;
pub mod npmle;
pub mod order;
pub mod sprt;
