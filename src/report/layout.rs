//! What pages for a terminal are laid out with: lines broken to the width, names beside them, one kind of table, and colour.

use comfy_table::{Cell, Color, ColumnConstraint, ContentArrangement, LineStyle, TableStyle, Width};

use crate::report::table::{self, Room};
use crate::report::view::Mark;
use crate::report::words;
use crate::verdict::Verdict;

/// How a terminal wants its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Columns. Lines are broken between words to fit; a single word longer than that is left whole.
    pub width: usize,
    /// Whether to use colour.
    pub colour: Colour,
}

/// Whether to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// With ANSI escapes. They only repeat what the words say.
    On,
    /// Text alone.
    Off,
}

/// No terminal is narrower, whatever it says of itself.
const NARROWEST: usize = 40;

/// Columns of the section names on the left.
pub(super) const MARGIN: usize = 9;

/// From so many columns on, a table also has the columns that need room.
const WIDE_FROM: usize = 120;

/// A rule under the header and nothing else: rows are read across, and rules between them would double their number.
const RULED: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// A page as far as it is written.
pub(super) struct Page {
    pub(super) style: Style,
    pub(super) text: String,
}

impl Page {
    pub(super) fn new(style: Style) -> Page {
        Page { style: Style { width: style.width.max(NARROWEST), ..style }, text: String::new() }
    }

    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// Paragraphs beside a section's name, broken to the width.
    pub(super) fn section(&mut self, name: &str, paragraphs: &[String]) {
        let width = self.style.width - MARGIN;
        let lines: Vec<String> = paragraphs.iter().flat_map(|paragraph| words::wrap(paragraph, width)).collect();
        self.block(name, &lines);
    }

    /// Finished lines beside a section's name.
    pub(super) fn block(&mut self, name: &str, lines: &[String]) {
        self.beside(name, "2", MARGIN, lines);
    }

    /// A table; on a page of fewer columns than `from`, each row has lines of its own instead.
    pub(super) fn table(&mut self, table: &table::Table, from: usize) {
        if self.style.width < from {
            table.rows.iter().for_each(|row| self.stacked(table, row));
        } else {
            ruled(table, self.style).lines().for_each(|line| self.line(&line));
        }
    }

    /// A row as its first cell with what came of it, and below them the others by name.
    fn stacked(&mut self, table: &table::Table, row: &[table::Cell]) {
        let (mut title, mut told) = (Vec::new(), Vec::new());
        let (mut outcome, mut code) = (String::new(), "2");
        for (at, column) in table.shown(Room::Narrow) {
            let (text, tint) = shown(&row[at]);
            match &row[at] {
                _ if at == 0 || column.is_second_line => title.push(text),
                table::Cell::Marked(..) | table::Cell::Verdict(_) => (outcome, code) = (text, tint.unwrap_or(code)),
                _ if text.is_empty() => {}
                _ => told.push(format!("{} {text}", column.name.to_lowercase())),
            }
        }
        for line in words::wrap(&format!("{}: {outcome}", title.join(", ")), self.style.width) {
            let line =
                line.strip_suffix(&outcome).map_or_else(|| line.clone(), |start| format!("{start}{}", self.style.paint(&outcome, code)));
            self.line(&line);
        }
        for line in words::wrap(&told.join(" · "), self.style.width - 2) {
            self.line(&format!("  {line}"));
        }
    }

    /// Finished lines beside a word that takes so many columns.
    pub(super) fn beside(&mut self, word: &str, code: &str, columns: usize, lines: &[String]) {
        for (place, line) in lines.iter().enumerate() {
            let label = format!("{:columns$}", if place == 0 { word } else { "" });
            let label = self.style.paint(&label, code);
            self.line(&format!("{label}{line}"));
        }
    }
}

impl Style {
    /// A text in a colour, named as ANSI does.
    pub(super) fn paint(self, text: &str, code: &str) -> String {
        match self.colour {
            Colour::On if !text.trim().is_empty() => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            _ => text.to_owned(),
        }
    }
}

/// The ANSI code of a verdict's colour.
pub(super) fn code(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "32",
        Verdict::Fail => "31",
        Verdict::Inconclusive => "33",
    }
}

/// A cell's text and the code of its colour. What failed must be seen without colour, too.
fn shown(cell: &table::Cell) -> (String, Option<&'static str>) {
    let verdict = match cell {
        table::Cell::Verdict(verdict) => Some(*verdict),
        table::Cell::Marked(Mark::Works, _) => Some(Verdict::Pass),
        table::Cell::Marked(Mark::Fails, _) => Some(Verdict::Fail),
        _ => None,
    };
    let text = if verdict == Some(Verdict::Fail) { cell.text().to_uppercase() } else { cell.text().to_owned() };
    (text, verdict.map(code))
}

/// A table for comfy-table, as wide as the terminal.
fn ruled(rows: &table::Table, style: Style) -> comfy_table::Table {
    let columns: Vec<(usize, String)> = rows
        .shown(if style.width >= WIDE_FROM { Room::Wide } else { Room::Narrow })
        .map(|(at, column)| (at, column.name.to_lowercase()))
        .collect();
    let mut table = comfy_table::Table::new();
    table.load_style(RULED).set_content_arrangement(ContentArrangement::Dynamic);
    table.force_no_tty().set_width(u16::try_from(style.width).unwrap_or(u16::MAX));
    if style.colour == Colour::On {
        table.enforce_styling();
    }
    table.set_header(columns.iter().map(|(_, name)| name));
    // No column may become so narrow that a word of it, or a number with its limits, is torn.
    let longest: Vec<usize> = columns
        .iter()
        .map(|(at, name)| {
            let length = |cell: &table::Cell| {
                let whole = if rows.columns[*at].is_number { cell.text().chars().count() } else { 0 };
                cell.text().split(' ').map(|word| word.chars().count()).chain([whole]).max().unwrap_or_default()
            };
            rows.rows.iter().map(|row| length(&row[*at])).chain([name.len()]).max().unwrap_or_default()
        })
        .collect();
    // Where it would not fit otherwise, columns stand closer.
    let padding = u16::from(longest.iter().map(|columns| columns + 3).sum::<usize>() <= style.width);
    for row in &rows.rows {
        table.add_row(columns.iter().map(|(at, _)| {
            let (text, code) = shown(&row[*at]);
            match code {
                Some("32") => Cell::new(text).fg(Color::DarkGreen),
                Some("31") => Cell::new(text).fg(Color::DarkRed),
                Some(_) => Cell::new(text).fg(Color::DarkYellow),
                None => Cell::new(text),
            }
        }));
    }
    table.set_constraints(longest.into_iter().map(|columns| ColumnConstraint::LowerBoundary(Width::Fixed(columns as u16 + 1 + padding))));
    table.column_iter_mut().for_each(|column| {
        column.set_padding((1, padding));
    });
    table
}
