//! What a job is called, in every text that people read.
//!
//! Sentences are written about a "scan" or a "job", the words of this program. Where a target calls its jobs something else, these
//! words, and the article before them, are replaced when a text is finished. What stands in backticks or quotation marks is somebody
//! else's and stays, as does whatever is part of a longer name: `--max-scans`, `scan_7`, `/jobs/7`, `jobs.toml`.

use crate::model::noun::Noun;

/// What a text is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Medium {
    /// A sentence.
    Sentence,
    /// Lines whose columns are aligned with blanks.
    Columns,
    /// Markdown: what is fenced stays as well.
    Markdown,
    /// HTML or XML: only the text between tags is read by people.
    Markup,
}

/// The words that are replaced: as they are written, whether they mean several.
const WORDS: [(&str, bool); 4] = [("scans", true), ("scan", false), ("jobs", true), ("job", false)];

/// A text with the noun in place of the program's own words.
pub(super) fn called(text: &str, noun: &Noun, medium: Medium) -> String {
    let names = Names { one: noun.one().to_owned(), many: noun.many(), article: noun.article() };
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let at_word = !out.chars().next_back().is_some_and(continues_a_name);
        let taken = match skipped(rest, medium) {
            Some(length) => length,
            None if at_word => match names.found(rest) {
                Some(Found::Own(length)) => length,
                Some(Found::Ours { length, many }) => {
                    rest = names.replace(&mut out, rest, length, many, medium);
                    continue;
                }
                None => first.len_utf8(),
            },
            None => first.len_utf8(),
        };
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    out
}

struct Names {
    one: String,
    many: String,
    article: &'static str,
}

/// What stands at a place.
enum Found {
    /// The noun itself, which may have one of our words in it.
    Own(usize),
    Ours {
        length: usize,
        many: bool,
    },
}

impl Names {
    fn found(&self, text: &str) -> Option<Found> {
        if let Some(own) = [&self.many, &self.one].into_iter().find(|own| begins_with_word(text, own)) {
            return Some(Found::Own(own.len()));
        }
        WORDS.iter().find(|(word, _)| begins_with_word(text, word)).map(|(word, many)| Found::Ours { length: word.len(), many: *many })
    }

    /// Writes the noun, and returns the text after the word that it replaces.
    fn replace<'a>(&self, out: &mut String, text: &'a str, length: usize, many: bool, medium: Medium) -> &'a str {
        let word = if many { &self.many } else { &self.one };
        if !many {
            self.correct_article(out);
        }
        let (old, rest) = text.split_at(length);
        let is_capital = old.starts_with(char::is_uppercase);
        let mut letters = word.chars();
        match letters.next().filter(|_| is_capital) {
            Some(first) => out.extend(first.to_uppercase().chain(letters)),
            None => out.push_str(word),
        }
        if medium == Medium::Columns { kept_in_column(out, rest, word.chars().count(), length) } else { rest }
    }

    /// Makes the article before the noun fit it.
    fn correct_article(&self, out: &mut String) {
        for (article, capital) in [("a ", "A "), ("an ", "An ")] {
            for (written, right) in [(article, self.article.to_owned()), (capital, self.article.replacen('a', "A", 1))] {
                let before = out.strip_suffix(written).map(|before| before.chars().next_back());
                if before.is_some_and(|last| last.is_none_or(|last| !continues_a_name(last) && last != '\'')) {
                    out.truncate(out.len() - written.len());
                    out.push_str(&right);
                    out.push(' ');
                    return;
                }
            }
        }
    }
}

/// Blanks after a cell make up for a longer or shorter word; one stays between it and the next.
fn kept_in_column<'a>(out: &mut String, rest: &'a str, new: usize, old: usize) -> &'a str {
    let blanks = rest.len() - rest.trim_start_matches(' ').len();
    if blanks < 2 {
        return rest;
    }
    if new < old {
        out.extend(std::iter::repeat_n(' ', old - new));
        return rest;
    }
    &rest[(new - old).min(blanks - 1)..]
}

/// Whether a text begins with a word, in small letters or with a capital, that no longer name goes on from.
fn begins_with_word(text: &str, word: &str) -> bool {
    let Some(start) = text.get(..word.len()).filter(|start| start.eq_ignore_ascii_case(word)) else { return false };
    // `SCAN` is somebody else's.
    if start.len() > 1 && start.chars().skip(1).any(char::is_uppercase) && !word.chars().any(char::is_uppercase) {
        return false;
    }
    let mut after = text[word.len()..].chars();
    match (after.next(), after.next()) {
        (None, _) => true,
        // The end of a sentence, and no file's name.
        (Some('.'), next) => next.is_none_or(|next| !next.is_alphanumeric()),
        (Some(':'), Some('/')) => false,
        // In markup, a tag or a character that is written by its name ends a word.
        (Some(next), _) => matches!(next, '<' | '&') || !continues_a_name(next),
    }
}

/// Whether a letter beside a word makes it a part of a longer name.
fn continues_a_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '/' | '.' | '$' | '{' | '}' | '=' | '<' | '@' | '&' | '#')
}

/// How much of the text that begins here stays as it is, whatever it says.
fn skipped(text: &str, medium: Medium) -> Option<usize> {
    let up_to = |end: &str, from: usize| text[from..].find(end).map(|at| from + at + end.len());
    let on_this_line = |end: Option<usize>| end.filter(|end| !text[..*end].contains('\n'));
    match medium {
        Medium::Markup if text.starts_with('<') => {
            let element = ["script", "style"].into_iter().find(|name| text[1..].starts_with(name));
            let end = element.map_or_else(|| up_to(">", 1), |name| up_to(&format!("</{name}>"), 1));
            Some(end.unwrap_or(text.len()))
        }
        Medium::Markdown if text.starts_with("```") => {
            let fence: String = text.chars().take_while(|c| *c == '`').collect();
            Some(up_to(&format!("\n{fence}"), fence.len()).unwrap_or(text.len()))
        }
        _ if text.starts_with('`') => on_this_line(up_to("`", 1)),
        Medium::Sentence if text.starts_with('"') => on_this_line(up_to("\"", 1)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(noun: &str, text: &str, medium: Medium) -> String {
        called(text, &Noun::read(noun).expect("a noun"), medium)
    }

    #[test]
    fn sentences_speak_of_what_the_target_calls_its_jobs() {
        for (noun, text, expected) in [
            ("render", "status denied 176 of 201 accepted scans", "status denied 176 of 201 accepted renders"),
            ("export", "Asks for a scan; A job was lost", "Asks for an export; An export was lost"),
            ("render", "Each scan's window: scan 3, scan: x.", "Each render's window: render 3, render: x."),
            ("query", "Scans were created", "Queries were created"),
            ("render", "an ended scan stays ended", "an ended render stays ended"),
            ("job", "a scan, and a job", "a job, and a job"),
            ("render job", "the job of this scan", "the render job of this render job"),
            ("render", "`GET /scans/7` said \"no such scan\" (scan_7)", "`GET /scans/7` said \"no such scan\" (scan_7)"),
            ("render", "--max-scans 3 --max-jobs 4 jobs.toml /jobs scanning", "--max-scans 3 --max-jobs 4 jobs.toml /jobs scanning"),
        ] {
            assert_eq!(with(noun, text, Medium::Sentence), expected);
        }
    }

    #[test]
    fn what_is_said_once_is_said_the_same_again() {
        for noun in ["render", "render job", "scan run", "analysis"] {
            let text = "a scan, 2 scans, a job and 3 Jobs";
            let once = with(noun, text, Medium::Sentence);
            assert_eq!(with(noun, &once, Medium::Sentence), once, "{noun}");
        }
    }

    #[test]
    fn columns_keep_their_places() {
        let table = " scenario   scans   not_found\n immediate  50      50/50";
        assert_eq!(with("render", table, Medium::Columns).lines().next(), Some(" scenario   renders not_found"));
        assert_eq!(with("job", table, Medium::Columns).lines().next(), Some(" scenario   jobs    not_found"));
    }

    #[test]
    fn markup_and_code_stay() {
        let page = "<p class=\"scan\" title=\"a scan\">a scan</p><script>let scan = 1;</script><b>Scans</b>";
        let expected = "<p class=\"scan\" title=\"a scan\">an export</p><script>let scan = 1;</script><b>Exports</b>";
        assert_eq!(with("export", page, Medium::Markup), expected);
        let markdown = "a scan\n```sh\nscan a scan\n```\nscans";
        assert_eq!(with("export", markdown, Medium::Markdown), "an export\n```sh\nscan a scan\n```\nexports");
    }
}
