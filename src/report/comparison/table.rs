//! The comparison for a terminal: what came of it first, then one table, then what could not be told.

use comfy_table::{Cell, Color, ContentArrangement, LineStyle, Table, TableStyle};

use crate::report::comparison::Told;
use crate::report::comparison::told::Row;
use crate::report::words;
use crate::report::{Colour, Style};
use crate::verdict::comparison::{Change, Comparison, Outcome};

/// Below so many columns rows are stacked instead of tabulated.
const TABLE_FROM: usize = 90;

/// No terminal is narrower, whatever it says of itself.
const NARROWEST: usize = 40;

/// Columns of the section names on the left.
const MARGIN: usize = 9;

/// At most so many rows without a change are told here; markdown and JSON tell all.
const UNCHANGED: usize = 8;

/// A rule under the header and nothing else.
const RULED: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// The comparison for a terminal. Ends with a newline.
pub fn table(comparison: &Comparison, style: Style) -> String {
    let style = Style { width: style.width.max(NARROWEST), ..style };
    let told = Told::of(comparison);
    let (word, code) = match comparison.outcome {
        Outcome::Regression => ("REGRESSION", "1;31"),
        Outcome::NoRegression => ("NO REGRESSION", "1;32"),
        Outcome::Inconclusive => ("INCONCLUSIVE", "1;33"),
    };
    let mut text = String::new();
    section(&mut text, style, (word, code, word.len() + 2), std::slice::from_ref(&told.headline));
    let [base, new] = told.runs;
    section(&mut text, style, ("base", "2", MARGIN), &[base]);
    section(&mut text, style, ("new", "2", MARGIN), &[new]);
    section(&mut text, style, ("note", "2", MARGIN), &told.notes);
    let changed = told.rows.iter().filter(|row| row.change != Change::None).count();
    let shown = told.rows.len().min(changed + UNCHANGED);
    if shown > 0 {
        text.push('\n');
        if style.width < TABLE_FROM {
            told.rows[..shown].iter().for_each(|row| stacked(&mut text, style, row));
        } else {
            tabulated(&mut text, style, &told.rows[..shown]);
        }
    }
    if shown < told.rows.len() {
        line(&mut text, &format!("and {} without a change", words::counted((told.rows.len() - shown) as u64, "more value")));
    }
    if shown > 0 {
        text.push('\n');
    }
    section(&mut text, style, ("not told", "2", MARGIN), &told.open);
    section(&mut text, style, ("how", "2", MARGIN), &[told.method]);
    text
}

fn line(text: &mut String, line: &str) {
    text.push_str(line.trim_end());
    text.push('\n');
}

/// Paragraphs beside a name, broken to the width.
fn section(text: &mut String, style: Style, (name, code, margin): (&str, &str, usize), paragraphs: &[String]) {
    let lines = paragraphs.iter().flat_map(|paragraph| words::wrap(paragraph, style.width - margin));
    for (place, part) in lines.enumerate() {
        let label = format!("{:margin$}", if place == 0 { name } else { "" });
        line(text, &format!("{}{part}", paint(style, &label, code)));
    }
}

fn paint(style: Style, text: &str, code: &str) -> String {
    match style.colour {
        Colour::On if !text.trim().is_empty() => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        _ => text.to_owned(),
    }
}

/// What happened to a row's value; a regression must be seen without colour, too.
fn change(row: &Row) -> (String, Color) {
    match row.change {
        Change::Regression => ("WORSE".to_owned(), Color::DarkRed),
        Change::Improvement => ("better".to_owned(), Color::DarkGreen),
        other => (other.word().to_owned(), Color::Reset),
    }
}

fn tabulated(text: &mut String, style: Style, rows: &[Row]) {
    let mut table = Table::new();
    table.load_style(RULED).set_content_arrangement(ContentArrangement::Dynamic);
    table.force_no_tty().set_width(u16::try_from(style.width).unwrap_or(u16::MAX));
    if style.colour == Colour::On {
        table.enforce_styling();
    }
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
        line(text, &each);
    }
}

fn stacked(text: &mut String, style: Style, row: &Row) {
    let (word, tint) = change(row);
    let code = match tint {
        Color::DarkRed => "31",
        Color::DarkGreen => "32",
        _ => "2",
    };
    line(text, &format!("{}: {}", row.scenario, paint(style, &word, code)));
    let takes = row.needs.as_ref().map_or_else(String::new, |needs| format!(", takes {needs}"));
    let told = format!("{} {} → {} ({}, p {}{takes})", row.what, row.base, row.new, row.difference, row.p);
    for part in words::wrap(&told, style.width - 2) {
        line(text, &format!("  {part}"));
    }
}
