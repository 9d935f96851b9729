//! From findings to text: what a person or a program reads of a run.
//!
//! In go a [`Journal`](crate::model::run::Journal), its [`Analysis`](crate::analysis::Analysis) and the
//! [`Judgement`](crate::verdict::Judgement) on it; out comes text. [`View`] chooses every number and every sentence once, so
//! that the formats cannot contradict each other; each format is one small file that lays a view out. This room does no I/O,
//! reads no clock and detects no terminal: width and colour come in as [`Style`]. Whatever came from a server, a log or a
//! file is stripped of control characters and bounded before it enters a view. It may name `model`, `analysis`, `verdict`.

mod json;
mod markdown;
mod plot;
#[cfg(test)]
mod samples;
mod terminal;
pub mod view;
mod words;

pub use json::json;
pub use markdown::markdown;
pub use terminal::{Colour, Style, terminal};
pub use view::View;

/// What a report is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// A table for the terminal.
    #[default]
    Table,
    /// GitHub-flavoured markdown.
    Markdown,
    /// `statusgap.result/1`.
    Json,
}

impl Format {
    /// All formats, in the order in which help lists them.
    pub const ALL: [Format; 3] = [Format::Table, Format::Markdown, Format::Json];

    /// The name used in flags.
    pub fn name(self) -> &'static str {
        match self {
            Format::Table => "table",
            Format::Markdown => "markdown",
            Format::Json => "json",
        }
    }
}

/// Why a text is not a format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a report format: use table, markdown or json")]
pub struct FormatError {
    /// The text as it was given.
    pub text: String,
}

impl std::str::FromStr for Format {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Format::ALL.into_iter().find(|format| format.name() == text).ok_or_else(|| FormatError { text: text.to_owned() })
    }
}

/// Lays a view out. `style` matters to [`Format::Table`] alone; files have no width. Ends with a newline.
pub fn render(view: &View, format: Format, style: Style) -> String {
    match format {
        Format::Table => terminal(view, style),
        Format::Markdown => markdown(view),
        Format::Json => json(view),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_read_by_the_name_it_is_written_with() {
        for format in Format::ALL {
            assert_eq!(format.name().parse(), Ok(format));
        }
        let error = "yaml".parse::<Format>().expect_err("there is no such format");
        assert!(error.to_string().contains("table, markdown or json"), "{error}");
    }
}
