//! What a job is called in everything that people read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::wording;

/// A singular noun such as `render` or `batch export`, always one that [`Noun::read`] accepts, or that stood in a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Noun(String);

/// The longest noun: it stands in the heads of narrow columns.
const LONGEST: usize = 24;

/// What the reference contract calls a job.
const OF_THE_REFERENCE: &str = "scan";

impl Default for Noun {
    /// The noun of a target that names none.
    fn default() -> Self {
        Noun("job".to_owned())
    }
}

impl Noun {
    /// The noun of logs that have none: they were written when every job was called a scan.
    pub fn of_older_logs() -> Noun {
        Noun(OF_THE_REFERENCE.to_owned())
    }

    /// Whether it is that of older logs.
    pub fn is_of_older_logs(&self) -> bool {
        self.0 == OF_THE_REFERENCE
    }

    /// Checks a noun: words of letters, with blanks or dashes between them. The error is a fragment for the author of the file.
    pub fn read(text: &str) -> Result<Noun, &'static str> {
        let text = text.trim();
        if text.is_empty() {
            return Err("a noun has at least one letter");
        }
        if text.chars().count() > LONGEST {
            return Err("a noun of more than 24 letters fits into no table");
        }
        if !text.split([' ', '-']).all(|word| !word.is_empty() && word.chars().all(char::is_alphabetic)) {
            return Err("a noun has letters only, with a blank or a dash between two words");
        }
        Ok(Noun(text.to_owned()))
    }

    /// One of them: `render`.
    pub fn one(&self) -> &str {
        &self.0
    }

    /// Several of them, by the rules of English for regular nouns and those in `-sis`: `renders`, `batches`, `queries`, `analyses`.
    pub fn many(&self) -> String {
        let one = self.0.as_str();
        let lower = one.to_lowercase();
        if let Some(stem) = lower.ends_with("sis").then(|| &one[..one.len() - 2]) {
            return format!("{stem}es");
        }
        if ["s", "x", "z", "ch", "sh"].iter().any(|end| lower.ends_with(end)) {
            return format!("{one}es");
        }
        let before_y = lower.strip_suffix('y').and_then(|stem| stem.chars().next_back());
        match before_y {
            Some(letter) if !matches!(letter, 'a' | 'e' | 'i' | 'o' | 'u') => format!("{}ies", &one[..one.len() - 1]),
            _ => format!("{one}s"),
        }
    }

    /// One or several, as so many of them are called.
    pub fn of(&self, n: u64) -> String {
        if n == 1 { self.0.clone() } else { self.many() }
    }

    /// So many of them: `1 render`, `1,200 renders`.
    pub fn counted(&self, n: u64) -> String {
        format!("{} {}", wording::count(n), self.of(n))
    }

    /// The article before one of them: `an export`, `a render`. By the first letter, but for the long u of `user` and `union`.
    pub fn article(&self) -> &'static str {
        let lower = self.0.to_lowercase();
        let sounds_like_you = ["uni", "use", "usa", "uti", "eu"].iter().any(|start| lower.starts_with(start));
        if lower.starts_with(['a', 'e', 'i', 'o', 'u']) && !sounds_like_you { "an" } else { "a" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regular_nouns_have_a_plural_and_an_article() {
        for (one, many, article) in [
            ("job", "jobs", "a"),
            ("export", "exports", "an"),
            ("batch", "batches", "a"),
            ("query", "queries", "a"),
            ("relay", "relays", "a"),
            ("analysis", "analyses", "an"),
            ("index", "indexes", "an"),
            ("unit test", "unit tests", "a"),
            ("Umfrage", "Umfrages", "an"),
        ] {
            let noun = Noun::read(one).unwrap_or_else(|problem| panic!("{one}: {problem}"));
            assert_eq!((noun.one(), noun.many().as_str(), noun.article()), (one, many, article));
        }
    }

    #[test]
    fn what_is_no_noun_is_refused() {
        for text in ["", "  ", "job#1", "a  b", "-job", "job_run", "averylongnounthatfitsnowhere", "job\n"] {
            let trimmed = Noun::read(text);
            assert!(trimmed.is_err() || text == "job\n", "{text:?}: {trimmed:?}");
        }
    }
}
