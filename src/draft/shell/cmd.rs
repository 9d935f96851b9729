//! The quoting of Windows' command processor, as browsers write it: everything doubtful behind a caret, and within quotes what the C
//! runtime makes of backslashes and doubled quotes.

use super::cursor::Cursor;
use super::{Command, Words, unclosed};
use crate::draft::DraftError;

/// The commands in a text.
pub(super) fn commands(text: &str) -> Result<Vec<Command>, DraftError> {
    let mut commands = Vec::new();
    for (line, command) in lines(text) {
        let words = words(&command).ok_or_else(|| unclosed(&command, line))?;
        if !words.is_empty() {
            commands.push(Command { line, words });
        }
    }
    Ok(commands)
}

/// The commands without carets. A caret at a line's end joins the next one; two line ends behind it are one within a text.
fn lines(text: &str) -> Vec<(usize, String)> {
    let mut commands = vec![(1, String::new())];
    let mut in_quotes = false;
    let mut rest = Cursor::at(text, 1);
    loop {
        let line = rest.line();
        let Some(c) = rest.next() else { break };
        // The list begins with one, and only grows.
        let last = commands.len() - 1;
        if commands[last].1.trim_start().is_empty() {
            commands[last].0 = line;
        }
        let command = &mut commands[last].1;
        match c {
            '^' => match rest.next() {
                Some('\n') if rest.next_if_eq('\n').is_some() => command.push('\n'),
                Some('\n') => command.push(' '),
                Some('"') => {
                    in_quotes = !in_quotes && !ends_escaped(command) || in_quotes && ends_escaped(command);
                    command.push('"');
                }
                Some(escaped) => command.push(escaped),
                None => {}
            },
            '"' => {
                if !ends_escaped(command) {
                    in_quotes = !in_quotes;
                }
                command.push(c);
            }
            '\n' | '&' | '|' if !in_quotes => commands.push((line, String::new())),
            c => command.push(c),
        }
    }
    commands
}

/// Whether the next character stands behind an odd number of backslashes.
fn ends_escaped(text: &str) -> bool {
    text.chars().rev().take_while(|c| *c == '\\').count() % 2 == 1
}

/// The words of one command; `None` if a quote is not closed.
fn words(command: &str) -> Option<Words> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut in_quotes = false;
    let mut rest = Cursor::at(command, 1);
    while let Some(c) = rest.next() {
        match c {
            '\\' if in_quotes || rest.peek() == Some('"') => {
                // Browsers double every backslash, and put one before a quote.
                let escaped = rest.next_if(|c| matches!(c, '\\' | '"' | '$' | '`'));
                word.get_or_insert_default().push(escaped.unwrap_or('\\'));
            }
            '"' if in_quotes && rest.next_if_eq('"').is_some() => word.get_or_insert_default().push('"'),
            '"' => {
                in_quotes = !in_quotes;
                word.get_or_insert_default();
            }
            c if c.is_whitespace() && !in_quotes => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    (!in_quotes).then_some(words)
}
