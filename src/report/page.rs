//! What pages for a terminal are laid out with: lines broken to the width, names beside them, one kind of table, and colour.

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};

use crate::report::words;

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

/// An empty table as wide as the terminal.
pub(super) fn ruled(style: Style) -> Table {
    let mut table = Table::new();
    table.load_style(RULED).set_content_arrangement(ContentArrangement::Dynamic);
    table.force_no_tty().set_width(u16::try_from(style.width).unwrap_or(u16::MAX));
    if style.colour == Colour::On {
        table.enforce_styling();
    }
    table
}
