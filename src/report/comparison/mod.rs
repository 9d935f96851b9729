//! A comparison of two runs as text: a table for the terminal, markdown, and JSON (`statusgap.comparison/1`).
//!
//! In comes a [`Comparison`](crate::verdict::comparison::Comparison), out comes text. Every number and sentence is chosen once, in `ComparisonView`; the formats lay it out. Names
//! come from logs and files, so they are stripped and bounded here like everything that a report shows.

mod json;
mod markdown;
mod table;
mod view;

pub use json::{json, schema};
pub use markdown::markdown;
pub use table::table;

use view::ComparisonView;

#[cfg(test)]
mod tests;
