//! Places in the texts of a request that are filled anew for each request: variables of the environment, the job's id, a fresh text.
//!
//! Copied texts have braces and dollar signs of their own. A place is therefore marked by characters that no copied text has: those of
//! Unicode's private use, which are replaced in whatever comes in.

const OPEN: char = '\u{e000}';
const CLOSE: char = '\u{e001}';

/// Stands for what another command wrote: `$(…)`.
pub(super) const OUTPUT: char = '\u{e002}';
/// Stands for the job's id.
pub(super) const ID: char = '\u{e003}';
/// Stands for a text that no other request has.
pub(super) const FRESH: char = '\u{e004}';

/// Stands for the credential that a login gives.
pub(super) const TOKEN: char = '\u{e006}';

/// Stands before the file of a redirection, which is not a word of the command.
pub(super) const REDIRECTION: char = '\u{e005}';

fn is_mark(c: char) -> bool {
    (OPEN..=TOKEN).contains(&c)
}

/// A copied text, in which no mark stands.
pub(super) fn unmarked(text: &str) -> String {
    text.chars().map(|c| if is_mark(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// The mark of a variable of the environment.
pub(super) fn variable(name: &str) -> String {
    format!("{OPEN}{name}{CLOSE}")
}

/// Whether a variable of the environment may have this name, so that a target file can take it from there.
pub(super) fn is_variable_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// A part of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part<'a> {
    Text(&'a str),
    Variable(&'a str),
    Id,
    Fresh,
    Output,
    Token,
}

/// The parts of a text.
pub(super) fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(is_mark) {
        if at > 0 {
            parts.push(Part::Text(&rest[..at]));
        }
        let mark = rest[at..].chars().next().unwrap_or(CLOSE);
        let after = &rest[at + mark.len_utf8()..];
        rest = match (mark, after.split_once(CLOSE)) {
            (OPEN, Some((name, after))) => {
                parts.push(Part::Variable(name));
                after
            }
            (ID, _) => {
                parts.push(Part::Id);
                after
            }
            (FRESH, _) => {
                parts.push(Part::Fresh);
                after
            }
            (OUTPUT, _) => {
                parts.push(Part::Output);
                after
            }
            (TOKEN, _) => {
                parts.push(Part::Token);
                after
            }
            // A mark that was never closed is made by nobody, and one of a redirection is gone by then.
            _ => after,
        };
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    parts
}

/// The text as it is written: each place by `write`, and what stands between them as `text` has it.
pub(super) fn written(marked: &str, text: impl Fn(&str) -> String, write: impl Fn(Part<'_>) -> String) -> String {
    let part = |part: Part<'_>| match part {
        Part::Text(plain) => text(plain),
        place => write(place),
    };
    parts(marked).into_iter().map(part).collect()
}

/// The text as it is shown to people.
pub(super) fn readable(marked: &str) -> String {
    written(marked, str::to_owned, |place| match place {
        Part::Variable(name) => format!("${name}"),
        Part::Id => "{id}".to_owned(),
        Part::Fresh => "{uuid}".to_owned(),
        Part::Output => "$(…)".to_owned(),
        Part::Token => "{token}".to_owned(),
        Part::Text(text) => text.to_owned(),
    })
}

/// The names of the variables in a text.
pub(super) fn variables(marked: &str) -> impl Iterator<Item = &str> {
    parts(marked).into_iter().filter_map(|part| match part {
        Part::Variable(name) => Some(name),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found_and_a_copied_text_has_none() {
        let marked = format!("a{}b{ID}{FRESH}", variable("X"));
        assert_eq!(parts(&marked), [Part::Text("a"), Part::Variable("X"), Part::Text("b"), Part::Id, Part::Fresh]);
        assert_eq!(readable(&marked), "a$Xb{id}{uuid}");
        assert_eq!(parts(&unmarked(&marked)).len(), 1);
        assert_eq!(parts("\u{e000}never closed"), [Part::Text("never closed")]);
    }
}
