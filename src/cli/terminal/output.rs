//! Standard output: what was asked for, alone. Notes and progress go to standard error. Either may be closed or full.

use std::borrow::Cow;
use std::io::Write;

use clap::ValueEnum;

use crate::cli::error::CliError;
use crate::cli::terminal::environment;
use crate::report::{Colour, Style};

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ColourChoice {
    /// On a terminal; `NO_COLOR` and `CLICOLOR_FORCE` are obeyed
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Width without a terminal: what most pagers and CI logs show without wrapping.
const UNKNOWN_WIDTH: usize = 100;

/// How the table is to look on this terminal.
pub fn style(choice: ColourChoice) -> Style {
    let width = std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok())
        .or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)));
    let wanted = match choice {
        ColourChoice::Always => true,
        ColourChoice::Never => false,
        ColourChoice::Auto => environment::wants_colour(),
    };
    Style { width: width.unwrap_or(UNKNOWN_WIDTH).clamp(40, 200), colour: if wanted { Colour::On } else { Colour::Off } }
}

/// Columns of the terminal that standard error goes to.
pub fn width_of_standard_error() -> usize {
    let asked = terminal_size::terminal_size_of(std::io::stderr()).map(|(width, _)| usize::from(width.0));
    asked.unwrap_or(UNKNOWN_WIDTH).clamp(20, 200)
}

/// Writes a note or an error to standard error, ignoring a closed pipe (`2>&1 | head`) or a full disk: the exit code still tells,
/// whereas `eprintln!` would end the run in a panic.
pub fn eprint_note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", harmless(text));
}

/// A text that leaves the terminal as it is, whoever had a part in it: what controls it is shown as a mark.
fn harmless(text: &str) -> Cow<'_, str> {
    let controls = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if text.contains(controls) { Cow::Owned(text.replace(controls, "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// Prints the result. A reader that went away (`| head`) is not an error.
pub fn print(text: &str) -> Result<(), CliError> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(CliError::System { action: "write to standard output", source: error })
        }
        _ => Ok(()),
    }
}
