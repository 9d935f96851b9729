//! A history as a markdown table.

use super::Trend;
use crate::report::markdown::{escape, sign, table};

/// The trend as markdown. Ends with a newline.
pub fn markdown(trend: &Trend) -> String {
    let rows = trend.rows.iter().map(|row| {
        vec![
            escape(&row.started),
            format!("{} {}", sign(row.verdict), row.verdict.word()),
            row.denied.told(),
            escape(&row.window(row.window_p50.as_ref())),
            escape(&row.window(row.window_p99.as_ref())),
            row.polls_told(),
            escape(&row.target),
            escape(&row.tool),
            escape(&row.log),
        ]
    });
    let header = ["Started", "Verdict", "Denied (95 % limits)", "Window p50", "Window p99", "Poll p50 / p99", "Target", "Tool", "Log"];
    let mut text = format!("# Trend\n\n{}\n", table(&header, "lllllllll", rows));
    for warning in &trend.warnings {
        text.push_str("\n> [!WARNING]\n> ");
        text.push_str(&escape(warning));
        text.push('\n');
    }
    text
}
