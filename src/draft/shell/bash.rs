//! The quoting of POSIX shells. Words are split by shlex; what it does not know is rewritten before: comments, the ends of commands,
//! `$'…'`, variables, and what other commands write.

use super::cursor::Cursor;
use super::{Command, Words, ansi_c, unclosed};
use crate::draft::DraftError;
use crate::draft::marks::{OUTPUT, REDIRECTION, is_variable_name, variable};

/// How deep commands may stand in one another.
const DEEPEST: usize = 8;

/// The commands in a text, each after those that it takes its input from.
pub(super) fn commands(text: &str) -> Result<Vec<Command>, DraftError> {
    let mut found = Vec::new();
    Reader::of(text, 1, 0, &mut found).read()?;
    let split = |(line, command): &(usize, String)| {
        let words = shlex::split(command).ok_or_else(|| unclosed(command, *line))?;
        Ok(Command { line: *line, words: without_redirections(words) })
    };
    found.iter().map(split).collect()
}

struct Reader<'a, 'f> {
    rest: Cursor<'a>,
    command: String,
    /// What is left where the command began.
    began: Cursor<'a>,
    depth: usize,
    found: &'f mut Vec<(usize, String)>,
}

impl<'a, 'f> Reader<'a, 'f> {
    fn of(text: &'a str, line: usize, depth: usize, found: &'f mut Vec<(usize, String)>) -> Reader<'a, 'f> {
        let rest = Cursor::at(text, line);
        Reader { began: rest.clone(), rest, command: String::new(), depth, found }
    }

    fn unclosed(&self) -> DraftError {
        unclosed(self.began.left(), self.began.line())
    }

    fn read(&mut self) -> Result<(), DraftError> {
        loop {
            if self.command.trim_start().is_empty() {
                self.began = self.rest.clone();
            }
            let Some(c) = self.rest.next() else { break };
            match c {
                '\\' => self.escaped(),
                '\'' => self.single().ok_or_else(|| self.unclosed())?,
                '"' => self.double()?,
                '$' => self.dollar(false)?,
                '`' => self.backticks()?,
                '#' if self.command.is_empty() || self.command.ends_with(char::is_whitespace) => {
                    while self.rest.next_if(|c| c != '\n').is_some() {}
                }
                '<' if self.is_placeholder() => self.command.push(c),
                '>' if self.command.rsplit(char::is_whitespace).next().is_some_and(|word| word.contains('<')) => self.command.push(c),
                // `&>file` ends nothing.
                '&' if self.rest.peek() == Some('>') => {}
                '<' | '>' => self.redirection(),
                '\n' | ';' | '&' | '|' => self.end(),
                c => self.command.push(c),
            }
        }
        self.end();
        Ok(())
    }

    /// Whether `<id>` stands there, as people write "the id here".
    fn is_placeholder(&self) -> bool {
        let mut ahead = self.rest.clone();
        let mut name = String::new();
        while let Some(c) = ahead.next_if(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')) {
            name.push(c);
        }
        !name.is_empty() && ahead.next() == Some('>')
    }

    /// `>file`, `2> file`, `>>file`, `2>&1`: a mark, and the file behind it if there is one.
    fn redirection(&mut self) {
        let kept = self.command.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        if kept == 0 || self.command[..kept].ends_with(char::is_whitespace) {
            self.command.truncate(kept);
        }
        while self.rest.next_if(|c| matches!(c, '<' | '>' | '|')).is_some() {}
        if self.rest.next_if_eq('&').is_some() && self.rest.peek().is_some_and(|c| c.is_ascii_digit() || c == '-') {
            while self.rest.next_if(|c| c.is_ascii_digit() || c == '-').is_some() {}
            return;
        }
        self.command.push(' ');
        self.command.push(REDIRECTION);
        self.command.push(' ');
    }

    fn end(&mut self) {
        let command = std::mem::take(&mut self.command);
        if !command.trim().is_empty() {
            self.found.push((self.began.line(), command));
        }
    }

    /// A line that ends with a backslash goes on, also where a blank came behind it in copying.
    fn escaped(&mut self) {
        let mut ahead = self.rest.clone();
        while ahead.next_if(|c| c == ' ' || c == '\t').is_some() {}
        if ahead.next_if_eq('\n').is_some() {
            self.rest = ahead;
            self.command.push(' ');
        } else {
            self.command.push('\\');
            self.command.extend(self.rest.next());
        }
    }

    fn single(&mut self) -> Option<()> {
        self.command.push('\'');
        loop {
            let c = self.rest.next()?;
            self.command.push(c);
            if c == '\'' {
                return Some(());
            }
        }
    }

    fn double(&mut self) -> Result<(), DraftError> {
        self.command.push('"');
        loop {
            match self.rest.next() {
                Some('"') => {
                    self.command.push('"');
                    return Ok(());
                }
                Some('\\') => {
                    self.command.push('\\');
                    self.command.extend(self.rest.next());
                }
                Some('$') => self.dollar(true)?,
                Some('`') => self.backticks()?,
                Some(c) => self.command.push(c),
                None => return Err(self.unclosed()),
            }
        }
    }

    /// What follows a dollar sign.
    fn dollar(&mut self, in_quotes: bool) -> Result<(), DraftError> {
        match self.rest.peek() {
            Some('\'') if !in_quotes => {
                self.rest.next();
                let value = ansi_c::quoted(&mut self.rest).ok_or_else(|| self.unclosed())?;
                self.command.push('\'');
                self.command.push_str(&value.replace('\'', "'\\''"));
                self.command.push('\'');
            }
            // A translated text is the text.
            Some('"') if !in_quotes => {}
            Some('(') => {
                self.rest.next();
                let line = self.rest.line();
                let inner = self.in_parentheses().ok_or_else(|| self.unclosed())?;
                self.other_command(&inner, line)?;
            }
            Some('{') => {
                self.rest.next();
                let inner: String = std::iter::from_fn(|| self.rest.next_if(|c| c != '}')).collect();
                self.rest.next();
                let name: String = inner.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                if is_variable_name(&name) {
                    self.command.push_str(&variable(&name));
                } else {
                    // As it stands, since what a shell makes of it helps nobody.
                    self.literal(&format!("${{{inner}}}"), in_quotes);
                }
            }
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let name: String = std::iter::from_fn(|| self.rest.next_if(|c| c.is_ascii_alphanumeric() || c == '_')).collect();
                self.command.push_str(&variable(&name));
            }
            // A prompt, a price, or a parameter such as `$1`.
            _ => self.literal("$", in_quotes),
        }
        Ok(())
    }

    fn literal(&mut self, text: &str, in_quotes: bool) {
        // A prompt stands before the command, and is not a word of it.
        if !in_quotes && text == "$" && self.command.trim().is_empty() && self.rest.peek() == Some(' ') {
            return;
        }
        if in_quotes {
            self.command.push_str(&text.replace('$', "\\$"));
        } else {
            self.command.push('\'');
            self.command.push_str(text);
            self.command.push('\'');
        }
    }

    fn backticks(&mut self) -> Result<(), DraftError> {
        let line = self.rest.line();
        let inner: String = std::iter::from_fn(|| self.rest.next_if(|c| c != '`')).collect();
        self.rest.next().ok_or_else(|| self.unclosed())?;
        self.other_command(&inner, line)
    }

    fn other_command(&mut self, inner: &str, line: usize) -> Result<(), DraftError> {
        if self.depth >= DEEPEST {
            return Err(DraftError::new(
                format!("commands stand more than {DEEPEST} deep in one another"),
                "give the two curl commands by themselves",
            )
            .at(Some(line)));
        }
        Reader::of(inner, line, self.depth + 1, self.found).read()?;
        self.command.push(OUTPUT);
        Ok(())
    }

    /// What stands up to the parenthesis that closes.
    fn in_parentheses(&mut self) -> Option<String> {
        let (mut inner, mut open, mut quote) = (String::new(), 1, None);
        loop {
            let c = self.rest.next()?;
            match (quote, c) {
                (None | Some('"'), '\\') => {
                    inner.push(c);
                    inner.push(self.rest.next()?);
                    continue;
                }
                (None, '\'' | '"') => quote = Some(c),
                (Some(open), c) if open == c => quote = None,
                (None, '(') => open += 1,
                (None, ')') => open -= 1,
                _ => {}
            }
            if open == 0 {
                return Some(inner);
            }
            inner.push(c);
        }
    }
}

/// The words without the files of redirections.
fn without_redirections(words: Words) -> Words {
    let mut kept = Vec::with_capacity(words.len());
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        if word.starts_with(REDIRECTION) {
            words.next();
        } else {
            kept.push(word);
        }
    }
    kept
}
