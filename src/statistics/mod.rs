//! The mathematics, without a word of the domain: counts, values and intervals come in, limits, estimates and p-values go out.
//!
//! `binomial` has exact limits for shares, `npmle` the distribution behind interval-censored values, `band` the limits around it,
//! `order` those of quantiles (`grouped`, where only groups of values are independent), `sprt` the sequential test, `compare` the tests of two samples,
//! `coincidence` how often events meet intervals by chance, and `latency` percentiles.

pub mod band;
pub mod binomial;
pub mod coincidence;
pub mod compare;
pub mod grouped;
pub mod latency;
pub mod npmle;
pub mod order;
pub mod sprt;
