//! Is the new run worse than the old one? Tests for two rates, two samples of values and two samples of windows, and
//! the correction when many of them are asked at once.
//!
//! Scans of one run that depend on each other are counted as one, and scans of two runs that were asked for by turns are
//! exchanged in pairs only (`units`, `dependence`). Plain counts, values and brackets come in, p-values go out; whether a difference is large enough to matter is
//! decided elsewhere. Where all arrangements cannot be counted they are drawn from a seed that the caller names.

pub mod dependence;
pub mod multiple;
pub mod needed;
mod permutation;
pub mod ranks;
pub mod rates;
pub mod units;
pub mod windows;
