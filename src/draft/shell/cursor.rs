//! A text that is read from its beginning, with the line that has been reached.

use std::str::Chars;

/// What is left of a text.
#[derive(Clone)]
pub(super) struct Cursor<'a> {
    rest: Chars<'a>,
    line: usize,
}

impl<'a> Cursor<'a> {
    /// At the beginning of a text that begins on this line.
    pub(super) fn at(text: &'a str, line: usize) -> Cursor<'a> {
        Cursor { rest: text.chars(), line }
    }

    /// All of it.
    pub(super) fn left(&self) -> &'a str {
        self.rest.as_str()
    }

    /// The line of the next character, from 1.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    pub(super) fn next_if(&mut self, wanted: impl FnOnce(char) -> bool) -> Option<char> {
        self.peek().filter(|c| wanted(*c))?;
        self.next()
    }

    pub(super) fn next_if_eq(&mut self, wanted: char) -> Option<char> {
        self.next_if(|c| c == wanted)
    }
}

impl Iterator for Cursor<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        self.line += usize::from(c == '\n');
        Some(c)
    }
}
