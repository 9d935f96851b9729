//! First contact: what a target answered before the run began, and whether the run could begin at all.
//!
//! It stands in the log's header, apart from the exchanges that are counted.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::answer::{Answer, TransportFault};
use crate::model::exchange::{Exchange, Kind};
use crate::model::redaction::unescaped;
use crate::model::run::Journal;
use crate::model::time::Nanos;

/// So many bytes of an answer are quoted.
pub const QUOTED: usize = 200;

/// What was asked before a run, and what came of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Contact {
    /// The requests, in order.
    pub exchanges: Vec<Contacted>,
    /// What keeps the run from working; the run ended there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
    /// What the user should look at, although the run went on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Set where the answers about the new job may be the target file's fault: a path that does not exist, or a rule that denies
    /// the job itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unrouted: Option<Unrouted>,
}

/// Which request of the first contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContactStep {
    /// The login that other requests need.
    Login,
    /// A step before the POST.
    Setup,
    /// The POST that asks for a job.
    Initiate,
    /// The status of an id that was never issued.
    NeverIssued,
    /// The status of the job that was just accepted.
    HandedOut,
    /// The same as a poll, at a path that the API cannot have.
    NoSuchPath,
    /// The status of something else that the POST's answer has, where the id that the target file names was not known.
    OtherId,
}

/// One request of the first contact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Contacted {
    /// Which one.
    pub step: ContactStep,
    /// Method and path, without secrets.
    pub asked: String,
    /// The HTTP status code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<u16>,
    /// Why no complete reply arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<TransportFault>,
    /// What the answer means under the contract.
    pub answer: Answer,
    /// The first bytes of the body, without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The round trip.
    pub took: Nanos,
}

/// Why a run ended at first contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// Method and path.
    pub asked: String,
    /// The code and the first bytes of the body, or why there was none.
    pub answered: String,
    /// Which key of the target file, variable or option to look at.
    pub change: String,
    /// Whether it may pass by itself: the target is down or busy.
    #[serde(default)]
    pub may_pass: bool,
}

/// How the job of first contact was answered where the target file may be wrong. It is not a denial while no job is ever visible.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unrouted {
    /// The poll: method and path.
    pub asked: String,
    /// The HTTP status code.
    pub http: u16,
    /// The first bytes of the body.
    pub quoted: String,
    /// The body without what differs from request to request; `None` where the answers to other jobs may differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<String>,
    /// Which key of the target file, variable or option to look at.
    pub change: String,
}

impl Contact {
    /// How many jobs it may have left without knowing their ids: the POST succeeded, and its answer was not understood.
    pub fn jobs_without_an_id(&self) -> u64 {
        let left = |one: &&Contacted| {
            one.step == ContactStep::Initiate && one.answer != Answer::Accepted && one.http.is_some_and(|code| (200..300).contains(&code))
        };
        self.exchanges.iter().filter(left).count() as u64
    }

    /// How many jobs it started.
    pub fn jobs(&self) -> u64 {
        self.exchanges.iter().filter(|one| one.step == ContactStep::Initiate && one.answer == Answer::Accepted).count() as u64
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` {}: {}", self.asked, self.answered, self.change)
    }
}

impl Unrouted {
    fn is_like(&self, poll: &Exchange) -> bool {
        let id = poll.id.as_deref().unwrap_or_default();
        let alike = |known: &String| same_shape(&shape(poll.body.as_deref().unwrap_or_default(), id), known);
        poll.http == Some(self.http) && self.shape.as_ref().is_none_or(alike)
    }
}

impl Journal {
    /// How the job of first contact was answered, if no job was ever visible and every poll was answered like that.
    pub fn unrouted(&self) -> Option<&Unrouted> {
        let unrouted = self.run.contact.as_ref()?.unrouted.as_ref()?;
        let says = |poll: &&Exchange| matches!(poll.answer, Answer::Visible | Answer::NotFound | Answer::Refused);
        let mut polls = self.exchanges.iter().filter(|exchange| exchange.kind == Kind::Poll).filter(says).peekable();
        polls.peek()?;
        polls.all(|poll| unrouted.is_like(poll)).then_some(unrouted)
    }
}

/// A body without what differs from request to request: the id, paths, and words with digits in them, such as stamps and the
/// numbers of requests; however they are escaped.
pub fn shape(body: &str, id: &str) -> String {
    shape_without(body, id, &[])
}

/// The same, also without these words: the segments of the path that was asked for.
pub fn shape_without(body: &str, id: &str, segments: &[&str]) -> String {
    let (mut body, id) = (unescaped(body), unescaped(id));
    if !id.is_empty() {
        body = body.replace(&id, "*");
    }
    let is_word = |c: char| c.is_alphanumeric() || "-_./%:~+*".contains(c);
    let mut out = String::with_capacity(body.len());
    let mut rest = body.as_str();
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| is_word(c) != is_word(first)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        match word {
            word if !is_word(first) => out.push_str(word),
            word if word.contains(['/', '*']) || segments.contains(&word.trim_end_matches('.')) => out.push('*'),
            word if word.contains(|c: char| c.is_ascii_digit()) => out.push('#'),
            word => out.push_str(word),
        }
        rest = after;
    }
    out
}

/// Whether two shapes are one. Of bodies that were cut, what both have is compared: a longer path leaves less room for the rest.
pub fn same_shape(one: &str, other: &str) -> bool {
    let whole = |shape: &str| shape.strip_suffix('…').map(|cut| cut[..cut.rfind(['*', '#', ' ', '"', '<']).unwrap_or(0)].to_owned());
    match (whole(one), whole(other)) {
        (Some(one), Some(other)) => one.starts_with(&other) || other.starts_with(&one),
        _ => one == other,
    }
}

/// A text in which nothing moves the cursor, hides or reorders what follows.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() && (c as u32) < 0x100 => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => {
                let _ = write!(out, "\\u{{{:x}}}", c as u32);
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_that_differ_by_the_request_alone_have_one_shape() {
        for (a, b, alike) in [
            (r#"{"detail":"Not Found"}"#, r#"{"detail":"Not Found"}"#, true),
            ("Cannot GET /v1/render/job-a", "Cannot GET /v1/render-no-such-path-12/job-a", true),
            (
                r#"{"timestamp":"2026-01-01T00:00:00.000+00:00","status":404,"error":"Not Found","path":"/render/job-a"}"#,
                r#"{"timestamp":"2026-01-01T00:00:09.125+00:00","status":404,"error":"Not Found","path":"/render-x1/job-a"}"#,
                true,
            ),
            (r#"{"error":"no route","request":"req_81"}"#, r#"{"error":"no route","request":"req_7c"}"#, true),
            (r#"{"path":"\/v1\/render\/job-a"}"#, r#"{"path":"\/v1\/render-x1\/job-a"}"#, true),
            (r#"{"path":"\u002fv1\u002Frender\u002fjob\u002da"}"#, r#"{"path":"\u002fv1\u002Frender-x1\u002fjob\u002da"}"#, true),
            ("no %2Fv1%2Frender%2Fjob%2Da here", "no %2fv1%2frender-x1%2fjob-a here", true),
            ("<p>/v1/render/job-a</p>", "<p>&#x2F;v1&#47;render-x1&sol;job&#45;a</p>", true),
            (r#"{"m":"\u0026#x2F;v1\u0026#x2F;render\u0026#x2F;job-a"}"#, r#"{"m":"&#x2F;v1&#x2F;render-x1&#x2F;job-a"}"#, true),
            ("no route for job-a", "no route for job-a", true),
            (r#"{"error":"no \/jobs here"}"#, r#"{"error":"no jobs here"}"#, false),
            (r#"{"error":"no such job"}"#, r#"{"error":"no route"}"#, false),
            (r#"{"detail":"Render not found"}"#, r#"{"detail":"Not Found"}"#, false),
            ("no job job-a", "no page here", false),
            ("", "<html>404</html>", false),
        ] {
            assert_eq!(shape(a, "job-a") == shape(b, "job-a"), alike, "{a} and {b}");
        }
    }

    #[test]
    fn what_is_quoted_cannot_move_the_cursor() {
        assert_eq!(visible("a\x1b[2J\r\n\u{202e}b\u{9b}"), "a\\x1b[2J\\r\\n\\u{202e}b\\x9b");
    }
}
