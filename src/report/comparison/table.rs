//! The comparison for a terminal: what came of it first, then one table, then what could not be told.

use crate::report::comparison::ComparisonView;
use crate::report::layout::{Page, Style};
use crate::report::words;
use crate::verdict::comparison::{Comparison, Outcome};

/// Below so many columns rows are stacked instead of tabulated.
const TABLE_FROM: usize = 90;

/// At most so many rows without a change are told here; markdown and JSON tell all.
const UNCHANGED: usize = 8;

/// The comparison for a terminal. Ends with a newline.
pub fn table(comparison: &Comparison, style: Style) -> String {
    let mut told = ComparisonView::of(comparison);
    let (word, code) = match comparison.outcome {
        Outcome::Regression => ("REGRESSION", "1;31"),
        Outcome::NoRegression => ("NO REGRESSION", "1;32"),
        Outcome::Inconclusive => ("INCONCLUSIVE", "1;33"),
    };
    let mut page = Page::new(style);
    let columns = word.len() + 2;
    let headline = words::wrap(&told.headline, page.style.width - columns);
    page.beside(word, code, columns, &headline);
    let [base, new] = told.runs;
    page.section("base", &[base]);
    page.section("new", &[new]);
    page.section("note", &told.notes);
    let left_out = told.unchanged.saturating_sub(UNCHANGED);
    told.table.rows.truncate(told.table.rows.len() - left_out);
    if !told.table.rows.is_empty() {
        page.line("");
        page.table(&told.table, TABLE_FROM);
        if left_out > 0 {
            page.line(&format!("and {} without a change", words::counted(left_out as u64, "more value")));
        }
        page.line("");
    }
    page.section("open", &told.open);
    page.section("how", &[told.method]);
    page.text
}
