//! Questions, where somebody sits at a terminal.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use crate::cli::error::CliError;
use crate::cli::terminal::output;
use crate::draft::DraftError;

/// What somebody said to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Go on.
    Yes,
    /// Do not.
    No,
    /// Nobody is there to ask.
    Nobody,
}

/// Whether questions reach somebody: both standard input and standard error are a terminal.
fn somebody_is_there() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks whether to go on.
pub fn confirm(question: &str) -> Result<Answer, CliError> {
    if !somebody_is_there() {
        return Ok(Answer::Nobody);
    }
    Ok(match line(&format!("{question} [Y/n] "))?.to_ascii_lowercase().as_str() {
        "" | "y" | "yes" => Answer::Yes,
        _ => Answer::No,
    })
}

/// Asks which of several is meant; `None` if nobody is there, or nothing was said.
pub fn settle(error: &DraftError) -> Option<String> {
    let choice = error.choice.as_ref().filter(|_| somebody_is_there())?;
    output::eprint_note(&format!("{}:", error.what));
    for (at, (value, meaning)) in choice.values.iter().enumerate() {
        output::eprint_note(&format!("  {}  {value}   {meaning}", at + 1));
    }
    let said = line(&format!("which one? [1-{}] ", choice.values.len())).ok()?;
    let number: usize = said.parse().ok()?;
    choice.values.get(number.checked_sub(1)?).map(|(value, _)| value.clone())
}

fn line(question: &str) -> Result<String, CliError> {
    let mut stderr = std::io::stderr().lock();
    // If nobody can see the question, nobody answers it.
    let _ = write!(stderr, "{question}");
    let _ = stderr.flush();
    let mut said = String::new();
    let read = std::io::stdin().lock().read_line(&mut said);
    read.map_err(|source| CliError::System { action: "read the answer", source })?;
    Ok(said.trim().to_owned())
}
