//! The comparison for a terminal: what came of it first, then one table, then what could not be told.

use comfy_table::{Cell, Color};

use crate::report::comparison::Told;
use crate::report::comparison::told::Row;
use crate::report::page::{Page, Style, ruled};
use crate::report::words;
use crate::verdict::comparison::{Change, Comparison, Outcome};

/// Below so many columns rows are stacked instead of tabulated.
const TABLE_FROM: usize = 90;

/// At most so many rows without a change are told here; markdown and JSON tell all.
const UNCHANGED: usize = 8;

/// The comparison for a terminal. Ends with a newline.
pub fn table(comparison: &Comparison, style: Style) -> String {
    let told = Told::of(comparison);
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
    let changed = told.rows.iter().filter(|row| row.change != Change::None).count();
    let shown = told.rows.len().min(changed + UNCHANGED);
    if shown > 0 {
        page.line("");
        if page.style.width < TABLE_FROM {
            told.rows[..shown].iter().for_each(|row| stacked(&mut page, row));
        } else {
            tabulated(&mut page, &told.rows[..shown]);
        }
    }
    if shown < told.rows.len() {
        page.line(&format!("and {} without a change", words::counted((told.rows.len() - shown) as u64, "more value")));
    }
    if shown > 0 {
        page.line("");
    }
    page.section("not told", &told.open);
    page.section("how", &[told.method]);
    page.text
}

/// What happened to a row's value; a regression must be seen without colour, too.
fn change(row: &Row) -> (String, Color) {
    match row.change {
        Change::Regression => ("WORSE".to_owned(), Color::DarkRed),
        Change::Improvement => ("better".to_owned(), Color::DarkGreen),
        other => (other.word().to_owned(), Color::Reset),
    }
}

fn tabulated(page: &mut Page, rows: &[Row]) {
    let mut table = ruled(page.style);
    table.set_header(["scenario", "what", "base", "new", "difference", "p", "change", "takes"]);
    for row in rows {
        let (word, tint) = change(row);
        let cell = Cell::new(word);
        let cell = if tint == Color::Reset { cell } else { cell.fg(tint) };
        let takes = row.needs.clone().unwrap_or_default();
        let plain = [&row.scenario, &row.what, &row.base, &row.new, &row.difference, &row.p].map(Cell::new);
        table.add_row(plain.into_iter().chain([cell, Cell::new(takes)]));
    }
    for each in table.lines() {
        page.line(&each);
    }
}

fn stacked(page: &mut Page, row: &Row) {
    let (word, tint) = change(row);
    let code = match tint {
        Color::DarkRed => "31",
        Color::DarkGreen => "32",
        _ => "2",
    };
    page.line(&format!("{}: {}", row.scenario, page.style.paint(&word, code)));
    let takes = row.needs.as_ref().map_or_else(String::new, |needs| format!(", takes {needs}"));
    let told = format!("{} {} → {} ({}, p {}{takes})", row.what, row.base, row.new, row.difference, row.p);
    for part in words::wrap(&told, page.style.width - 2) {
        page.line(&format!("  {part}"));
    }
}
