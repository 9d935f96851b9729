//! PowerShell: `Invoke-WebRequest` and `Invoke-RestMethod` as browsers copy them, and `curl.exe` with its lines joined by backticks.
//!
//! Each request becomes the words of the curl command that sends the same. Only what stands in the text by itself is understood:
//! strings, here-strings, tables of strings, and the session that browsers write before the request.

use std::collections::BTreeMap;

use super::cursor::Cursor;
use super::{Command, Words, unclosed};
use crate::draft::DraftError;
use crate::draft::error::cut;
use crate::draft::marks::{is_variable_name, variable};

/// The commands in a text.
pub(super) fn commands(text: &str) -> Result<Vec<Command>, DraftError> {
    let mut script = Script::default();
    for (line, statement) in statements(text)? {
        script.line = line;
        script.take(&statement).map_err(|error| error.at(Some(line)))?;
    }
    Ok(script.commands)
}

/// What a statement consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// A word without quotes, such as `-Uri` or `POST`.
    Bare(String),
    /// A text in quotes.
    Text(String),
    /// `@{ … }`, with keys and values as far as both are texts.
    Table(Vec<(String, String)>),
    /// `( … )`
    Group(Vec<Token>),
}

impl Token {
    fn text(&self) -> Option<String> {
        match self {
            Token::Bare(text) | Token::Text(text) => Some(text.clone()),
            // `[System.Text.Encoding]::UTF8.GetBytes("…")`: how browsers write what is not ASCII.
            Token::Group(inner) => {
                let texts: Vec<&String> = inner
                    .iter()
                    .filter_map(|token| match token {
                        Token::Text(text) => Some(text),
                        Token::Group(deeper) => {
                            deeper.iter().find_map(|token| if let Token::Text(text) = token { Some(text) } else { None })
                        }
                        _ => None,
                    })
                    .collect();
                (texts.len() == 1).then(|| texts[0].clone())
            }
            Token::Table(_) => None,
        }
    }
}

#[derive(Default)]
struct Script {
    cookies: Vec<String>,
    variables: BTreeMap<String, Token>,
    /// That of the statement.
    line: usize,
    commands: Vec<Command>,
}

impl Script {
    fn take(&mut self, statement: &[Token]) -> Result<(), DraftError> {
        let Some(Token::Bare(first)) = statement.first() else { return Ok(()) };
        let lower = first.to_ascii_lowercase();
        if let (Some(name), Some(Token::Bare(equals))) = (lower.strip_prefix('$'), statement.get(1))
            && equals == "="
        {
            if let Some(rest) = request(&statement[2..]) {
                return self.request(rest);
            }
            // A new session has no cookies yet.
            let is_session = |token: &Token| matches!(token, Token::Bare(kind) if kind.to_ascii_lowercase().ends_with("webrequestsession"));
            if statement.iter().any(is_session) {
                self.cookies.clear();
            }
            if let (Some(value), None) = (statement.get(2), statement.get(3)) {
                self.variables.insert(name.to_owned(), value.clone());
            }
            return Ok(());
        }
        if lower.ends_with(".cookies.add") {
            self.cookies.extend(cookie(statement));
            return Ok(());
        }
        if matches!(lower.rsplit(['/', '\\']).next(), Some("curl" | "curl.exe")) {
            self.push(statement.iter().filter_map(Token::text).map(|word| unescaped(&word)).collect());
            return Ok(());
        }
        match request(statement) {
            Some(rest) => self.request(rest),
            None => Ok(()),
        }
    }

    fn request(&mut self, arguments: &[Token]) -> Result<(), DraftError> {
        let mut words = vec!["curl".to_owned()];
        let (mut body, mut content_type) = (None, None);
        let mut rest = arguments.iter().peekable();
        while let Some(token) = rest.next() {
            let Token::Bare(option) = token else {
                words.extend(token.text());
                continue;
            };
            let Some(option) = option.strip_prefix('-') else {
                words.push(option.clone());
                continue;
            };
            let option = option.to_ascii_lowercase();
            if matches!(
                option.as_str(),
                "usebasicparsing" | "skipcertificatecheck" | "skiphttperrorcheck" | "passthru" | "disablekeepalive"
            ) {
                continue;
            }
            let value = rest.next().map(|token| self.value(token));
            let value = value.ok_or_else(|| DraftError::new(format!("-{option} has no value"), "copy the whole command"))?;
            match (option.as_str(), value) {
                ("uri", value) => words.push(text_of(&option, &value)?),
                ("method" | "custommethod", value) => words.extend(["-X".to_owned(), text_of(&option, &value)?]),
                ("headers", Token::Table(members)) => {
                    // Browsers write the parts of the first line as headers, too.
                    let is_header = |name: &str| !["authority", "method", "path", "scheme"].contains(&name);
                    for (name, value) in members.iter().filter(|(name, _)| is_header(name)) {
                        words.extend(["-H".to_owned(), format!("{name}: {value}")]);
                    }
                }
                ("contenttype", value) => content_type = Some(text_of(&option, &value)?),
                ("useragent", value) => words.extend(["-A".to_owned(), text_of(&option, &value)?]),
                ("body", value) => body = Some(value),
                ("websession" | "sessionvariable" | "timeoutsec" | "maximumredirection" | "outfile", _) => {}
                _ => {
                    return Err(DraftError::new(
                        format!("PowerShell's -{option} is not understood here"),
                        "choose \"Copy as cURL\" in the browser's network tab",
                    ));
                }
            }
        }
        if let Some(kind) = content_type {
            words.extend(["-H".to_owned(), format!("Content-Type: {kind}")]);
        }
        match body {
            Some(Token::Table(fields)) => {
                for (name, value) in fields {
                    words.extend(["--data-urlencode".to_owned(), format!("{name}={value}")]);
                }
            }
            Some(value) => words.extend(["--data-raw".to_owned(), text_of("body", &value)?]),
            None => {}
        }
        if !self.cookies.is_empty() {
            words.extend(["-H".to_owned(), format!("Cookie: {}", self.cookies.join("; "))]);
        }
        self.push(words);
        Ok(())
    }

    fn push(&mut self, words: Words) {
        self.commands.push(Command { line: self.line, words });
    }

    /// A value, or what was assigned to the variable that stands for it.
    fn value(&self, token: &Token) -> Token {
        let Token::Bare(name) = token else { return token.clone() };
        let Some(name) = name.strip_prefix('$') else { return token.clone() };
        let of_environment = name.trim_start_matches("env:");
        let unknown = || if is_variable_name(of_environment) { Token::Text(variable(of_environment)) } else { token.clone() };
        self.variables.get(&name.to_ascii_lowercase()).cloned().unwrap_or_else(unknown)
    }
}

/// The arguments, if a statement asks for something.
fn request(statement: &[Token]) -> Option<&[Token]> {
    let Token::Bare(name) = statement.first()? else { return None };
    matches!(name.to_ascii_lowercase().as_str(), "invoke-webrequest" | "invoke-restmethod" | "iwr" | "irm").then(|| &statement[1..])
}

fn text_of(option: &str, value: &Token) -> Result<String, DraftError> {
    value.text().ok_or_else(|| {
        DraftError::new(
            format!("the value of PowerShell's -{option} is computed, and only texts are understood"),
            "write the text itself there, or choose \"Copy as cURL\" in the browser's network tab",
        )
    })
}

/// `$session.Cookies.Add((New-Object System.Net.Cookie("name", "value", "/", "host")))`
fn cookie(statement: &[Token]) -> Option<String> {
    fn texts(tokens: &[Token], found: &mut Vec<String>) {
        for token in tokens {
            match token {
                Token::Text(text) => found.push(text.clone()),
                Token::Group(inner) => texts(inner, found),
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    texts(statement, &mut found);
    let [name, value, ..] = found.as_slice() else { return None };
    Some(format!("{name}={value}"))
}

/// Before version 7.3, a quote within an argument of another program had to stand behind a backslash.
fn unescaped(word: &str) -> String {
    let bare = word.replace("\\\"", "\"");
    let is_json = |text: &str| serde_json::from_str::<serde_json::Value>(text).is_ok();
    if bare != word && !is_json(word) && is_json(&bare) { bare } else { word.to_owned() }
}

fn statements(text: &str) -> Result<Vec<(usize, Vec<Token>)>, DraftError> {
    let mut rest = Cursor::at(text, 1);
    let mut statements = Vec::new();
    loop {
        while rest.next_if(char::is_whitespace).is_some() {}
        let began = rest.clone();
        let (statement, ended) = sequence(&mut rest, &began, None, 0)?;
        if !statement.is_empty() {
            statements.push((began.line(), statement));
        }
        if ended {
            return Ok(statements);
        }
    }
}

/// How deep groups may stand in one another.
const DEEPEST: usize = 16;

/// Tokens up to the end of a statement that began there, or up to the closing parenthesis; and whether the text ended.
fn sequence(rest: &mut Cursor<'_>, began: &Cursor<'_>, close: Option<char>, depth: usize) -> Result<(Vec<Token>, bool), DraftError> {
    if depth > DEEPEST {
        return Err(DraftError::new("parentheses stand too deep in one another", "choose \"Copy as cURL\" in the browser's network tab"));
    }
    let mut tokens = Vec::new();
    while let Some(c) = rest.next() {
        match c {
            c if Some(c) == close => return Ok((tokens, false)),
            '`' if rest.peek().is_none_or(|c| c == '\n') => {
                rest.next();
            }
            '\n' | ';' if close.is_none() => return Ok((tokens, false)),
            // What a pipe does with the answer is of no interest.
            '|' if close.is_none() => while rest.next_if(|c| c != '\n').is_some() {},
            ',' | ';' => {}
            c if c.is_whitespace() => {}
            '#' => while rest.next_if(|c| c != '\n').is_some() {},
            '"' | '\'' => tokens.push(Token::Text(string(rest, c).ok_or_else(|| unclosed(began.left(), began.line()))?)),
            '@' if matches!(rest.peek(), Some('"' | '\'')) => {
                tokens.push(Token::Text(here_string(rest).ok_or_else(|| unclosed(began.left(), began.line()))?));
            }
            '@' if rest.next_if_eq('{').is_some() => tokens.push(Token::Table(table(rest, began, depth)?)),
            '(' => tokens.push(Token::Group(sequence(rest, began, Some(')'), depth + 1)?.0)),
            c => tokens.push(Token::Bare(bare(c, rest))),
        }
    }
    if close.is_some() { Err(unclosed(began.left(), began.line())) } else { Ok((tokens, true)) }
}

fn bare(first: char, rest: &mut Cursor<'_>) -> String {
    let ends = |c: char| c.is_whitespace() || matches!(c, ';' | ',' | '(' | ')' | '{' | '}' | '"' | '\'' | '`' | '|');
    std::iter::once(first).chain(std::iter::from_fn(|| rest.next_if(|c| !ends(c)))).collect()
}

/// A text up to its closing quote; the opening one has been read.
fn string(rest: &mut Cursor<'_>, quote: char) -> Option<String> {
    let mut text = String::new();
    loop {
        match rest.next()? {
            c if c == quote => {
                // A doubled quote is one.
                if rest.next_if_eq(quote).is_none() {
                    return Some(text);
                }
                text.push(quote);
            }
            '`' if quote == '"' => text.push(match rest.next()? {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                '0' => '\0',
                other => other,
            }),
            '$' if quote == '"' => dollar(rest, &mut text),
            c => text.push(c),
        }
    }
}

/// `$([char]252)`, by which browsers write what is not ASCII, and variables.
fn dollar(rest: &mut Cursor<'_>, text: &mut String) {
    let mut ahead = rest.clone();
    if "([char]".chars().all(|wanted| ahead.next() == Some(wanted)) {
        let digits: String = std::iter::from_fn(|| ahead.next_if(|c| c.is_ascii_digit())).collect();
        if ahead.next() == Some(')')
            && let Some(c) = digits.parse().ok().map(|code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
        {
            *rest = ahead;
            text.push(c);
            return;
        }
    }
    rest.next_if_eq('{');
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut name: String = std::iter::from_fn(|| rest.next_if(is_of_name)).collect();
    // `$env:NAME`
    if name.eq_ignore_ascii_case("env") && rest.next_if_eq(':').is_some() {
        name = std::iter::from_fn(|| rest.next_if(is_of_name)).collect();
    }
    rest.next_if_eq('}');
    if is_variable_name(&name) {
        text.push_str(&variable(&name));
    } else {
        text.push('$');
        text.push_str(&name);
    }
}

/// `@"` … `"@`, each on a line of its own.
fn here_string(rest: &mut Cursor<'_>) -> Option<String> {
    let quote = rest.next()?;
    while rest.next()? != '\n' {}
    let mut text = String::new();
    loop {
        let mut ahead = rest.clone();
        while ahead.next_if(|c| c == ' ' || c == '\t').is_some() {}
        if ahead.next() == Some(quote) && ahead.next() == Some('@') {
            *rest = ahead;
            // The line end before the closing mark is not part of the text.
            text.pop();
            return Some(text);
        }
        text.extend(std::iter::from_fn(|| rest.next_if(|c| c != '\n')));
        rest.next()?;
        text.push('\n');
    }
}

/// The members of `@{ … }`; those that are not texts are left out, since none of them is understood.
fn table(rest: &mut Cursor<'_>, began: &Cursor<'_>, depth: usize) -> Result<Vec<(String, String)>, DraftError> {
    let (tokens, _) = sequence(rest, began, Some('}'), depth + 1)?;
    let mut members = Vec::new();
    let mut tokens = tokens.into_iter();
    while let Some(key) = tokens.next() {
        let mut key = key.text().unwrap_or_default();
        // `name=` stuck to the value, or `=` apart, or `name="…"`.
        let value;
        if let Some((name, rest)) = key.clone().split_once('=').filter(|(name, _)| !name.is_empty()) {
            key = String::from(name);
            value = (!rest.is_empty()).then(|| rest.to_owned());
        } else if let Some(Token::Bare(equals)) = tokens.next() {
            value = equals.strip_prefix('=').filter(|rest| !rest.is_empty()).map(str::to_owned);
        } else {
            return Err(DraftError::new(format!("a table is not understood at `{}`", cut(&key)), "write `@{ \"name\" = \"value\" }`"));
        }
        let value = match value {
            Some(value) => value,
            None => tokens.next().and_then(|token| token.text()).unwrap_or_default(),
        };
        if let Some(name) = key.strip_suffix(';').or(Some(key.as_str())).filter(|name| !name.is_empty() && !name.starts_with(':')) {
            members.push((name.to_owned(), value));
        }
    }
    Ok(members)
}
