//! From findings to sentences: all English that is said of data, one file for each source of it.
//!
//! What analysis and verdict find are enums with numbers. Here alone they become text, as fragments without a full stop, and nothing is
//! decided by it afterwards.

pub mod causes;
pub mod comparison;
mod data;
pub mod exclusions;
pub mod facts;
pub mod faults;
mod guarantees;
pub mod inside;
pub mod open;
pub mod patterns;
mod power;
mod reasons;
mod remedies;
pub mod second_opinion;
pub mod twin;

pub(super) use data::facts;

use crate::model::time::Nanos;
use crate::report::words::age;

pub(crate) use crate::report::words::quantile;
pub use guarantees::{not_assessed, proof, unclear};
pub use power::{detects, outlook, percent, plan};
pub use reasons::{reason, unused_allowance};
pub(super) use remedies::remedy;

/// A measured age or duration.
fn time(at: Nanos) -> String {
    age(at.as_ms())
}

/// A share in few digits, for limits that are themselves rough.
fn rough_share(share: f64) -> String {
    let percent = share * 100.0;
    if percent < 10.0 { format!("{percent:.1} %") } else { format!("{percent:.0} %") }
}
