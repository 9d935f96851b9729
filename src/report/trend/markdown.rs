//! A history as a markdown table.

use super::Trend;
use crate::report::markdown::{escape, table};
use crate::report::table::Room;

/// The trend as markdown. Ends with a newline.
pub fn markdown(trend: &Trend) -> String {
    let mut text = format!("# Trend\n\n{}\n", table(&trend.table(), Room::Document));
    for warning in &trend.warnings {
        text.push_str("\n> [!WARNING]\n> ");
        text.push_str(&escape(warning));
        text.push('\n');
    }
    text
}
