//! The comparison as GitHub-flavoured markdown, for a pull request or a weekly report.

use crate::report::comparison::ComparisonView;
use crate::report::markdown::{escape, table};
use crate::report::table::Room;
use crate::verdict::comparison::{Comparison, Outcome};

/// The comparison as markdown. Ends with a newline.
pub fn markdown(comparison: &Comparison) -> String {
    let told = ComparisonView::of(comparison);
    let mark = match comparison.outcome {
        Outcome::Regression => "❌",
        Outcome::NoRegression => "✅",
        Outcome::Inconclusive => "⚠️",
    };
    let mut lines = vec![
        "# Status gap: two runs compared".to_owned(),
        String::new(),
        format!("**{mark} {}**: {}.", comparison.outcome.word().to_uppercase(), escape(&told.headline)),
        String::new(),
        format!("- Base: {}", escape(&told.runs[0])),
        format!("- New: {}", escape(&told.runs[1])),
    ];
    lines.extend(told.notes.iter().map(|note| format!("- Note: {}", escape(note))));
    if !told.table.rows.is_empty() {
        lines.extend([String::new(), table(&told.table, Room::Document)]);
    }
    if !told.open.is_empty() {
        lines.extend([String::new(), "## What stayed open".to_owned(), String::new()]);
        lines.extend(told.open.iter().map(|why| format!("- {}", escape(why))));
    }
    lines.extend([String::new(), format!("Compared: {}.", escape(&told.method))]);
    lines.join("\n") + "\n"
}
