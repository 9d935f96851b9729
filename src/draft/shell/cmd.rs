//! The quoting of Windows' command processor, as browsers write it: everything doubtful behind a caret, and within quotes what the C
//! runtime makes of backslashes and doubled quotes.

use super::{Words, unclosed};
use crate::draft::DraftError;

/// The commands in a text.
pub(super) fn commands(text: &str) -> Result<Vec<Words>, DraftError> {
    lines(text)
        .iter()
        .map(|command| words(command))
        .filter(|words| words.as_ref().is_ok_and(|words| !words.is_empty()) || words.is_err())
        .collect()
}

/// The commands without carets. A caret at a line's end joins the next one; two line ends behind it are one within a text.
fn lines(text: &str) -> Vec<String> {
    let mut commands = vec![String::new()];
    let mut in_quotes = false;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        // The list begins with one, and only grows.
        let last = commands.len() - 1;
        match c {
            '^' => match rest.next() {
                Some('\n') if rest.next_if_eq(&'\n').is_some() => commands[last].push('\n'),
                Some('\n') => commands[last].push(' '),
                Some('"') => {
                    in_quotes = !in_quotes && !ends_escaped(&commands[last]) || in_quotes && ends_escaped(&commands[last]);
                    commands[last].push('"');
                }
                Some(escaped) => commands[last].push(escaped),
                None => {}
            },
            '"' => {
                if !ends_escaped(&commands[last]) {
                    in_quotes = !in_quotes;
                }
                commands[last].push(c);
            }
            '\n' | '&' | '|' if !in_quotes => commands.push(String::new()),
            c => commands[last].push(c),
        }
    }
    commands
}

/// Whether the next character stands behind an odd number of backslashes.
fn ends_escaped(text: &str) -> bool {
    text.chars().rev().take_while(|c| *c == '\\').count() % 2 == 1
}

/// The words of one command.
fn words(command: &str) -> Result<Words, DraftError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut in_quotes = false;
    let mut rest = command.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' if in_quotes || rest.peek() == Some(&'"') => {
                // Browsers double every backslash, and put one before a quote.
                let escaped = rest.next_if(|c| matches!(c, '\\' | '"' | '$' | '`'));
                word.get_or_insert_default().push(escaped.unwrap_or('\\'));
            }
            '"' if in_quotes && rest.next_if_eq(&'"').is_some() => word.get_or_insert_default().push('"'),
            '"' => {
                in_quotes = !in_quotes;
                word.get_or_insert_default();
            }
            c if c.is_whitespace() && !in_quotes => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    if in_quotes {
        return Err(unclosed(command));
    }
    words.extend(word);
    Ok(words)
}
