//! A table before it is written: its columns and cells are chosen once, and each format lays them out.

use crate::report::view::Mark;
use crate::verdict::Verdict;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Table {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Cell>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) is_number: bool,
    /// The least room in which the column is shown.
    pub(super) room: Room,
    /// Whether it is a second line of the column before it, where a cell can have two.
    pub(super) is_second_line: bool,
}

/// How much room a format has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Room {
    /// A terminal, or a comment.
    Narrow,
    /// A terminal of 120 columns.
    Wide,
    /// A markdown document.
    Document,
    /// A page whose tables scroll.
    Page,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Text(String),
    /// What the row is about, with a code that is written beside it where there is room.
    Name(String, &'static str),
    /// A value with the key under which scripts find it.
    Value(String, String),
    Marked(Mark, String),
    Verdict(Verdict),
    /// Why there is no value.
    Missing(&'static str),
}

impl Column {
    pub(super) const fn text(name: &'static str) -> Column {
        Column { name, is_number: false, room: Room::Narrow, is_second_line: false }
    }

    pub(super) const fn number(name: &'static str) -> Column {
        Column { is_number: true, ..Column::text(name) }
    }

    pub(super) const fn from(self, room: Room) -> Column {
        Column { room, ..self }
    }

    pub(super) const fn second_line(self) -> Column {
        Column { is_second_line: true, ..self }
    }
}

impl Table {
    pub(super) fn new<const N: usize>(columns: [Column; N], rows: impl IntoIterator<Item = [Cell; N]>) -> Table {
        Table { columns: columns.to_vec(), rows: rows.into_iter().map(Vec::from).collect() }
    }

    /// The columns that are shown where there is so much room, with their places.
    pub(super) fn shown(&self, room: Room) -> impl Iterator<Item = (usize, &Column)> {
        self.columns.iter().enumerate().filter(move |(_, column)| column.room <= room)
    }
}

impl Cell {
    /// The cell in words alone.
    pub(super) fn text(&self) -> &str {
        match self {
            Cell::Text(text) | Cell::Name(text, _) | Cell::Value(_, text) | Cell::Marked(_, text) => text,
            Cell::Verdict(verdict) => verdict.word(),
            Cell::Missing(why) => why,
        }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell::Text(text)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }
}

impl From<Option<Verdict>> for Cell {
    fn from(verdict: Option<Verdict>) -> Cell {
        verdict.map_or(Cell::Missing("–"), Cell::Verdict)
    }
}
