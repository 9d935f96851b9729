//! Why no target file can be made, and the way out.

use std::fmt;

/// Why no target file can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct DraftError {
    /// What is missing or cannot be decided.
    pub what: String,
    /// The way out.
    pub hint: String,
    /// The line of the text that it is about, from 1.
    pub line: Option<usize>,
    /// Where one of several is meant, which they are: whoever sits at a terminal can be asked.
    pub choice: Option<Choice>,
}

/// One of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The option that settles it, such as `--id`.
    pub option: &'static str,
    /// What may be said there, each with what it stands for.
    pub values: Vec<(String, String)>,
}

/// What was settled by an option or by an answer: `None` while nobody said anything.
pub type Settled<'a> = Option<&'a str>;

impl DraftError {
    /// What is wrong, and the way out.
    pub fn new(what: impl Into<String>, hint: impl Into<String>) -> DraftError {
        DraftError { what: what.into(), hint: hint.into(), line: None, choice: None }
    }

    /// The same, about this line of the text if it is about none yet.
    #[must_use]
    pub(super) fn at(self, line: Option<usize>) -> DraftError {
        DraftError { line: self.line.or(line), ..self }
    }

    /// Several things may be meant. `what` is a sentence that ends before the list of them.
    pub(super) fn ambiguous(what: impl fmt::Display, option: &'static str, values: Vec<(String, String)>) -> DraftError {
        let listed: Vec<String> = values.iter().map(|(value, meaning)| format!("{option} {value}   {meaning}")).collect();
        DraftError {
            what: what.to_string(),
            hint: format!("say which one is meant:\n    {}", listed.join("\n    ")),
            line: None,
            choice: Some(Choice { option, values }),
        }
    }
}

/// The beginning of a text on one line, for messages.
pub(super) fn cut(text: &str) -> String {
    const LONGEST: usize = 60;
    let line = super::marks::readable(text.trim()).split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = line.chars().take(LONGEST).collect();
    if short.len() < line.len() { format!("{short}…") } else { short }
}
