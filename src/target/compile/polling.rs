//! How polls go on: handed-out addresses, pages, conditional requests.

use std::time::Duration;

use crate::model::source::InputError;
use crate::model::time::Span;

use super::super::file::{ExtractFile, FollowFile, PagesFile};
use super::super::polling::{Follow, Pages};
use super::super::template::Variable;
use super::{Asked, Compiler};

/// The longest hold that a target file may ask a poll to wait for.
const LONGEST_POLL: Duration = Duration::from_secs(600);

/// A poll that looks at more pages would be a crawl.
const MOST_PAGES: u32 = 100;

impl Compiler<'_> {
    pub(super) fn follow(&self, at: &str, file: FollowFile, asked: Asked<'_>) -> Result<Follow, InputError> {
        let FollowFile { pointer, jsonpath, header, pattern, suffix, chain } = file;
        let from = self.extract(at, &ExtractFile { pointer, jsonpath, header, pattern }, Variable::IN_RULES)?;
        if chain && !matches!(asked, Asked::Status(_)) {
            return Err(self.complain(&format!("{at}.chain"), "only status is polled again and again", "remove `chain`"));
        }
        let suffix = suffix.map(|suffix| self.text(&format!("{at}.suffix"), &suffix)).transpose()?.unwrap_or_default();
        if !suffix.is_empty() && !suffix.starts_with('/') {
            return Err(self.complain(
                &format!("{at}.suffix"),
                "a suffix begins with a slash, since it is added to a path",
                "for example `suffix = \"/api/json\"`",
            ));
        }
        Ok(Follow { from, suffix, chain })
    }

    pub(super) fn pages(&self, at: &str, file: &PagesFile, asked: Asked<'_>) -> Result<Pages, InputError> {
        if !matches!(asked, Asked::Status(_)) {
            return Err(self.complain(at, "only status is looked at page by page", "remove `pages`, or ask for enough in one page"));
        }
        if file.most < 2 || file.most > MOST_PAGES {
            return Err(self.complain(
                &format!("{at}.most"),
                format!("{} pages", file.most),
                format!("a poll looks at 2 to {MOST_PAGES} pages: `pages = {{ next = {{ pointer = \"/next\" }}, most = 5 }}`"),
            ));
        }
        Ok(Pages { next: self.extract(&format!("{at}.next"), &file.next, Variable::IN_RULES)?, most: file.most })
    }

    /// What only the measured endpoint may say.
    pub(super) fn only_status(&self, name: &str, asked: Asked<'_>, given: &[(&str, bool)]) -> Result<(), InputError> {
        let wrong = given.iter().find(|(_, given)| *given && !matches!(asked, Asked::Status(_)));
        wrong.map_or(Ok(()), |(key, _)| {
            Err(self.complain(
                &format!("{name}.{key}"),
                format!("`{key}` belongs to [status], which is measured"),
                "move it there, or remove it",
            ))
        })
    }

    pub(super) fn long_poll(&self, at: &str, held: Option<Span>, asked: Asked<'_>) -> Result<Option<Span>, InputError> {
        let Some(held) = held else { return Ok(None) };
        let problem = if !matches!(asked, Asked::Status(_)) {
            "only status requests are measured, so only they can be long polls"
        } else if held.0.is_zero() {
            "a request that is held for no time is not a long poll"
        } else if held.0 > LONGEST_POLL {
            "a status request that is held for more than 10 minutes would outlast any run"
        } else {
            return Ok(Some(held));
        };
        Err(self.complain(at, problem, "write `long_poll = \"30s\"` under [status], or remove it"))
    }
}
