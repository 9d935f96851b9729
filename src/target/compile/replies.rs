//! Replies: where values stand in them, and what makes a reply mean something.

use regex::Regex;

use crate::model::answer::{Answer, State};
use crate::model::source::InputError;

use super::super::captured::About;
use super::super::file::{ExtractFile, IsFile, RuleFile, StateFile, WhenFile};
use super::super::rules::{Rule, Test, When};
use super::super::selector::{Extract, Path, Query, Selector};
use super::super::template::{Braces, Variable};
use super::Compiler;

impl Compiler<'_> {
    pub(super) fn rule(&self, at: &str, file: &RuleFile) -> Result<Rule, InputError> {
        let answer = match file.is {
            IsFile::Visible => Answer::Visible,
            IsFile::NotFound => Answer::NotFound,
            IsFile::Refused => Answer::Refused,
            IsFile::Throttled => Answer::Throttled,
            IsFile::Error => Answer::ServerError,
        };
        if file.state.is_some() && answer != Answer::Visible {
            return Err(self.complain(
                &format!("{at}.state"),
                "only a visible scan has a state",
                "remove `state`, or write `is = \"visible\"`",
            ));
        }
        Ok(Rule {
            answer,
            state: file.state.map(|state| match state {
                StateFile::Running => State::Running,
                StateFile::Succeeded => State::Succeeded,
                StateFile::Failed => State::Failed,
            }),
            when: self.when(&format!("{at}.when"), &file.when)?,
        })
    }

    pub(super) fn when(&self, at: &str, file: &WhenFile) -> Result<When, InputError> {
        let tests = self.tests(at, file)?;
        let selector = self.selector(at, [&file.pointer, &file.jsonpath, &file.header], Variable::IN_RULES)?;
        let body_matches = file.body_matches.as_ref().map(|pattern| self.pattern(&format!("{at}.body_matches"), pattern)).transpose()?;
        let at_place = match (selector, tests.is_empty()) {
            (Some(selector), false) => Some((selector, tests)),
            (None, true) => None,
            (Some(_), true) => {
                return Err(self.complain(
                    at,
                    "a place is named, and nothing is asked of what stands there",
                    "add `equals`, `one_of`, `matches`, `exists`, `null` or `empty`",
                ));
            }
            (None, false) => {
                return Err(self.complain(
                    at,
                    "something is asked, and no place is named",
                    "add `pointer = \"/status\"`, a `jsonpath` or a `header`",
                ));
            }
        };
        let all: Vec<When> =
            file.all.iter().enumerate().map(|(index, part)| self.when(&format!("{at}.all.{index}"), part)).collect::<Result<_, _>>()?;
        if file.http.is_none() && at_place.is_none() && body_matches.is_none() && all.is_empty() {
            return Err(self.complain(
                at,
                "an empty condition holds for every reply",
                "add `http`, `pointer`, `jsonpath`, `header` or `body_matches`",
            ));
        }
        Ok(When { http: file.http.clone(), at: at_place, body_matches, all })
    }

    pub(super) fn tests(&self, at: &str, file: &WhenFile) -> Result<Vec<Test>, InputError> {
        let mut tests = Vec::new();
        if let Some(wanted) = &file.equals {
            let at = format!("{at}.equals");
            let wanted = self.json(&at, wanted.clone(), Braces::AreText, Variable::IN_RULES)?;
            tests.push(Test::OneOf(vec![wanted]));
        }
        if let Some(list) = &file.one_of {
            let at = format!("{at}.one_of");
            if list.is_empty() {
                return Err(self.complain(&at, "nothing is one of none", "list what it may be"));
            }
            let list =
                list.iter().map(|wanted| self.json(&at, wanted.clone(), Braces::AreText, Variable::IN_RULES)).collect::<Result<_, _>>()?;
            tests.push(Test::OneOf(list));
        }
        if let Some(pattern) = &file.matches {
            let pattern = self.pattern(&format!("{at}.matches"), pattern)?;
            tests.push(Test::Matches(pattern));
        }
        tests.extend(file.exists.map(Test::Exists));
        tests.extend(file.null.map(Test::Null));
        tests.extend(file.empty.map(Test::Empty));
        Ok(tests)
    }

    pub(super) fn extract(&self, at: &str, file: &ExtractFile, allowed: &[Variable]) -> Result<Extract, InputError> {
        let Some(selector) = self.selector(at, [&file.pointer, &file.jsonpath, &file.header], allowed)? else {
            return Err(self.complain(
                at,
                "no place is named",
                "write `{ pointer = \"/id\" }`, `{ jsonpath = \"$.id\" }` or `{ header = \"Location\" }`",
            ));
        };
        let pattern = file.pattern.as_ref().map(|pattern| self.pattern(&format!("{at}.pattern"), pattern)).transpose()?;
        Ok(Extract { selector, pattern })
    }

    /// The one place that is named, if any is.
    pub(super) fn selector(
        &self,
        at: &str,
        [pointer, jsonpath, header]: [&Option<String>; 3],
        allowed: &[Variable],
    ) -> Result<Option<Selector>, InputError> {
        let template = |key: &str, written: &str| self.template(&format!("{at}.{key}"), written, Braces::AreText, allowed);
        match (pointer, jsonpath, header) {
            (None, None, None) => Ok(None),
            (Some(written), None, None) => {
                let path = Path::new(template("pointer", written)?, written);
                check_pointer(&path.pointer(About::from("x"))).map_err(|message| {
                    self.complain(
                        &format!("{at}.pointer"),
                        message,
                        "a JSON Pointer looks like `/jobs/0/id`; `~` is written `~0` and `/` in a name `~1`",
                    )
                })?;
                Ok(Some(Selector::Pointer(path)))
            }
            (None, Some(written), None) => {
                let template = template("jsonpath", written)?;
                let query = Query::read(template, written).map_err(|error| {
                    self.complain(
                        &format!("{at}.jsonpath"),
                        format!("not a JSONPath: {error}"),
                        "a JSONPath (RFC 9535) looks like `$.jobs[?@.id == '{id:raw}']`",
                    )
                })?;
                Ok(Some(Selector::JsonPath(query)))
            }
            (None, None, Some(name)) => {
                let at = format!("{at}.header");
                let name = self.text(&at, name)?;
                self.header_name(&at, &name).map(Selector::Header).map(Some)
            }
            _ => Err(self.complain(
                at,
                "more than one of `pointer`, `jsonpath` and `header`",
                "one place at a time: keep one of them, or write `all = [{ … }, { … }]` in a `when`",
            )),
        }
    }

    pub(super) fn pattern(&self, at: &str, pattern: &str) -> Result<Regex, InputError> {
        Regex::new(&self.text(at, pattern)?).map_err(|error| {
            let text = error.to_string();
            let cause = text.lines().last().unwrap_or_default().trim();
            let cause = cause.strip_prefix("error: ").unwrap_or(cause);
            self.complain(
                at,
                format!("not a regular expression: {cause}"),
                "a literal character such as `(` or `.` is written `\\(` or `\\.`; single quotes spare doubling the backslash",
            )
        })
    }
}

/// RFC 6901, section 3.
fn check_pointer(pointer: &str) -> Result<(), &'static str> {
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return Err("a JSON Pointer begins with a slash");
    }
    let escapes = pointer.split('~').skip(1);
    if escapes.into_iter().any(|after| !after.starts_with(['0', '1'])) {
        return Err("a `~` in a JSON Pointer is followed by `0` or `1`");
    }
    Ok(())
}
