//! The sentences that are made of findings: one file for each source of data, and each statement in one place.
//!
//! Data comes in, text goes out; nothing is decided here, and nothing is decided by what comes out.

pub mod comparison;
mod data;
mod guarantees;
mod power;
mod reasons;
mod remedies;

pub(super) use data::facts;
pub use guarantees::{not_assessed, proof, unclear};
pub use power::{detects, outlook, percent, plan};
pub use reasons::{reason, unused_allowance};
pub(super) use remedies::remedy;
