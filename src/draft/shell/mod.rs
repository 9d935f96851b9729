//! The words of command lines, in the quoting of bash, zsh, Windows' cmd and PowerShell, as browsers and people write it.

mod ansi_c;
mod bash;
mod cmd;
mod cursor;
mod powershell;

use std::collections::BTreeMap;

use super::DraftError;
use super::error::cut;
use super::marks::{Part, unmarked, variable, variables, written};

/// The words of a command, in which variables are marked.
pub(super) type Words = Vec<String>;

/// One command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Command {
    /// The line on which it begins, from 1.
    pub(super) line: usize,
    pub(super) words: Words,
}

/// The commands in a text. Assignments (`ID=17`, `export TOKEN=…`) are carried over into the commands behind them.
pub(super) fn commands(text: &str) -> Result<Vec<Command>, DraftError> {
    let text = unmarked(text).replace("\r\n", "\n");
    let commands = match Shell::of(&text) {
        Shell::Cmd => cmd::commands(&text)?,
        Shell::Windows => powershell::commands(&text)?,
        Shell::Bash => bash::commands(&text)?,
    };
    Ok(assigned(commands))
}

/// Whose quoting a text has: `Windows` is PowerShell's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shell {
    Bash,
    Cmd,
    Windows,
}

impl Shell {
    fn of(text: &str) -> Shell {
        let has_line_with = |end: &str| text.lines().any(|line| line.trim_end().ends_with(end));
        let lower = text.to_ascii_lowercase();
        if ["invoke-webrequest", "invoke-restmethod", "new-object microsoft.powershell"].iter().any(|name| lower.contains(name)) {
            return Shell::Windows;
        }
        // Browsers write a caret before every quote; people end lines with one.
        if text.contains("^\"") || has_line_with(" ^") {
            return Shell::Cmd;
        }
        if has_line_with(" `") { Shell::Windows } else { Shell::Bash }
    }
}

/// Commands with what earlier ones assigned in the place of variables.
fn assigned(commands: Vec<Command>) -> Vec<Command> {
    let mut values: BTreeMap<String, String> = BTreeMap::new();
    let mut out = Vec::new();
    for Command { line, words } in commands {
        let command: Words = words.iter().map(|word| with_values(word, &values)).collect();
        let rest: Words = command.iter().skip_while(|word| matches!(word.as_str(), "export" | "set" | "env")).cloned().collect();
        let assignments = rest.iter().take_while(|word| assignment(word).is_some()).count();
        for (name, value) in rest[..assignments].iter().filter_map(|word| assignment(word)) {
            // What another command wrote is known to nobody here.
            if !value.contains(super::marks::OUTPUT) {
                values.insert(name.to_owned(), value.to_owned());
            }
        }
        if rest.len() > assignments {
            out.push(Command { line, words: rest[assignments..].iter().map(|word| with_values(word, &values)).collect() });
        }
    }
    out
}

/// `NAME=value`
fn assignment(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.trim_start_matches("$env:").split_once('=')?;
    let is_name =
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.starts_with(|c: char| c.is_ascii_digit());
    is_name.then_some((name, value))
}

fn with_values(word: &str, values: &BTreeMap<String, String>) -> String {
    if variables(word).next().is_none() {
        return word.to_owned();
    }
    written(word, str::to_owned, |place| match place {
        Part::Variable(name) => values.get(name).cloned().unwrap_or_else(|| variable(name)),
        Part::Id => super::marks::ID.to_string(),
        Part::Fresh => super::marks::FRESH.to_string(),
        Part::Token => super::marks::TOKEN.to_string(),
        Part::Output => super::marks::OUTPUT.to_string(),
        Part::Text(text) => text.to_owned(),
    })
}

/// The error for a quote that is never closed: it may be any of the command's.
fn unclosed(command: &str, line: usize) -> DraftError {
    DraftError::new(format!("a quote is not closed in `{}`", cut(command)), "copy the whole command, up to its last quote").at(Some(line))
}
