//! The comparison as GitHub-flavoured markdown, for a pull request or a weekly report.

use crate::report::comparison::Told;
use crate::report::comparison::told::Row;
use crate::verdict::comparison::{Change, Comparison, Outcome};

/// The comparison as markdown. Ends with a newline.
pub fn markdown(comparison: &Comparison) -> String {
    let told = Told::of(comparison);
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
    if !told.rows.is_empty() {
        lines.extend([
            String::new(),
            "| Scenario | What | Base | New | Difference | p | Change |".to_owned(),
            "|---|---|--:|--:|--:|--:|---|".to_owned(),
        ]);
        lines.extend(told.rows.iter().map(row));
    }
    if !told.open.is_empty() {
        lines.extend([String::new(), "## What was not told".to_owned(), String::new()]);
        lines.extend(told.open.iter().map(|why| format!("- {}", escape(why))));
    }
    lines.extend([String::new(), format!("Compared: {}.", escape(&told.method))]);
    lines.join("\n") + "\n"
}

fn row(row: &Row) -> String {
    let change = match row.change {
        Change::Regression => "❌ worse".to_owned(),
        Change::Improvement => "✅ better".to_owned(),
        other => row.needs.as_ref().map_or_else(|| other.word().to_owned(), |needs| format!("{}; takes {needs}", other.word())),
    };
    let cells = [&row.scenario, &row.what, &row.base, &row.new, &row.difference, &row.p, &change];
    format!("| {} |", cells.map(|cell| escape(cell)).join(" | "))
}

/// Text that is text in markdown, also within a table.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if "\\`*_[]<>|#".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
