//! Readings: what a reply means under the contract.

use std::collections::BTreeMap;

use crate::model::answer::{Answer, State};

use super::file::HttpCodes;
use super::redirect::{Meaning, Redirects};
use super::rules::Rule;
use super::selector::{Extract, Extracted, Opened};

/// Longer ids are refused: they come from a broken or a hostile server, and would be sent back with every poll.
pub(super) const LONGEST_ID: usize = 64 * 1024;

/// What an initiate's reply came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Initiated {
    /// A scan was accepted.
    Accepted(Accepted),
    /// No scan was accepted, or no id could be found.
    Failed {
        /// Which kind of failure; never `Accepted`, `Visible` or `NotFound`.
        answer: Answer,
        /// What was wrong, as a fragment.
        reason: String,
    },
}

/// What an accepted scan goes by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Accepted {
    /// The id, never empty.
    pub id: String,
    /// The status address that was handed out, as it was written, if the target file says where it stands.
    pub handed_out: Option<String>,
    /// The same for the witness.
    pub witness_at: Option<String>,
    /// The same for the results.
    pub results_at: Option<String>,
}

/// What a status, witness or results reply says. Its texts are as long as the reply has them: whoever shows them cuts them, after
/// striking out what must not be shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// What it means.
    pub answer: Answer,
    /// How the scan stands, for a visible scan of a target that tells states.
    pub state: Option<State>,
    /// The deployment's own word for the state, also where it means `not_found`.
    pub word: Option<String>,
    /// Progress as the deployment counts it.
    pub progress: Option<f64>,
    /// The id that the reply carried.
    pub echo: Option<String>,
    /// Why the reply is malformed, as a fragment; or why a visible scan's state is unknown.
    pub reason: Option<String>,
}

/// How the replies to initiates and polls are read, for whoever writes it down in another language.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Replies<'a> {
    pub(crate) accept: &'a HttpCodes,
    pub(crate) id: &'a Extract,
    pub(crate) rules: &'a [Rule],
    pub(crate) state: Option<&'a Extract>,
    pub(crate) states: &'a BTreeMap<String, State>,
    pub(crate) echo: Option<&'a Extract>,
}

/// How an initiate's reply is read.
#[derive(Debug, Clone)]
pub(super) struct InitiateReader {
    pub(super) accept: HttpCodes,
    pub(super) id: Extract,
}

/// How the replies of an endpoint about a scan are read.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    pub(super) rules: Vec<Rule>,
    pub(super) state: Option<Extract>,
    pub(super) states: BTreeMap<String, State>,
    pub(super) echo: Option<Extract>,
    pub(super) progress: Option<Extract>,
    /// What 202 says of the scan where nothing else does: for results, that it is running.
    pub(super) not_yet: Option<State>,
    /// What redirects say where no rule holds.
    pub(super) redirects: Redirects,
}

impl InitiateReader {
    /// The id, or the failure.
    pub(super) fn read(&self, reply: &Opened<'_>) -> Result<String, (Answer, String)> {
        if !self.accept.contain(reply.http) {
            let answer = match by_code(reply.http) {
                answer @ (Answer::Refused | Answer::Throttled | Answer::ServerError) => answer,
                _ => Answer::Malformed,
            };
            return Err((answer, format!("HTTP {} is not an accepted code", reply.http)));
        }
        let id = text_at(&self.id, reply, "").map_err(|reason| (Answer::Malformed, reason))?;
        let problem = if id.is_empty() {
            "is empty".to_owned()
        } else if id.len() > LONGEST_ID {
            format!("has {} bytes; {LONGEST_ID} is the limit", id.len())
        } else {
            return Ok(id);
        };
        Err((Answer::Malformed, format!("the id at {} {problem}", self.id.selector.written())))
    }
}

impl Reader {
    /// The first rule that holds decides, then the HTTP code.
    pub(super) fn read(&self, reply: &Opened<'_>, id: &str) -> Reading {
        let rule = self.rules.iter().find(|rule| rule.when.holds(reply, id));
        let redirect = if rule.is_none() { self.redirects.read(reply, id) } else { None };
        let answer = match (&redirect, rule) {
            (Some(Meaning::Ended), _) => Answer::Visible,
            (_, Some(rule)) => rule.answer,
            (_, None) => by_code(reply.http),
        };
        let told = self.state.as_ref().map(|state| state.take(reply, id));
        let mut reading = Reading {
            answer,
            state: None,
            word: None,
            progress: self.progress(reply, id),
            echo: self.echo.as_ref().and_then(|echo| echo.text(reply, id)).filter(|echo| echo.len() <= LONGEST_ID),
            reason: None,
        };
        match answer {
            Answer::Visible if redirect.is_some() => {
                let listed = match &told {
                    Some(Extracted::Text(word)) => self.states.get(word).copied(),
                    _ => None,
                };
                reading.state = Some(listed.unwrap_or(State::Succeeded));
            }
            Answer::Visible => {
                self.tell_state(rule.and_then(|rule| rule.state), reply, told.as_ref(), &mut reading);
            }
            Answer::Malformed => {
                reading.reason = Some(match redirect {
                    Some(Meaning::Nothing(why)) => why,
                    _ => format!("the contract gives HTTP {} no meaning", reply.http),
                });
            }
            _ => {}
        }
        if let Some(Extracted::Text(word)) = told {
            reading.word = Some(word);
        }
        reading
    }

    /// A visible reply must be able to say how the scan stands, if the contract says where. A body in which nothing can be
    /// looked up (an error page of a proxy, say) is no evidence that the scan was found, so it is malformed. A body that can
    /// be read but has no word, or an unlisted one, stays visible: no rule calls it anything else, many APIs leave the state
    /// null until work begins, and a target whose *denials* look like that is caught by the never-issued id.
    fn tell_state(&self, by_rule: Option<State>, reply: &Opened<'_>, told: Option<&Extracted>, reading: &mut Reading) {
        if by_rule.is_some() {
            reading.state = by_rule;
            return;
        }
        let (Some(state), Some(told)) = (&self.state, told) else {
            reading.state = self.not_yet.filter(|_| reply.http == 202);
            return;
        };
        match told {
            Extracted::Text(word) => {
                let known = self.states.get(word).copied();
                reading.state = Some(known.unwrap_or(State::Unknown));
                if known.is_none() && !self.states.is_empty() {
                    reading.reason = Some(format!("the target file lists no state {word:?}"));
                }
            }
            Extracted::NotJson if self.not_yet.is_some() && reply.http == 202 => {
                reading.state = self.not_yet;
            }
            Extracted::NotJson => {
                reading.answer = Answer::Malformed;
                reading.reason = Some("the body is not JSON".to_owned());
            }
            Extracted::Nothing | Extracted::Composite | Extracted::Unmatched(_) => {
                reading.state = Some(match self.not_yet {
                    Some(running) if reply.http == 202 => running,
                    _ => State::Unknown,
                });
                reading.reason = Some(format!("no state at {}", state.selector.written()));
            }
        }
    }

    /// A number, or a text that begins as one, such as `45 %`.
    fn progress(&self, reply: &Opened<'_>, id: &str) -> Option<f64> {
        let text = self.progress.as_ref()?.text(reply, id)?;
        let number: f64 = text.trim_end_matches('%').trim().parse().ok()?;
        number.is_finite().then_some(number)
    }
}

/// What a reply means by its code alone, for endpoints without rules.
pub(super) fn by_code(http: u16) -> Answer {
    match http {
        401 | 403 => Answer::Refused,
        404 | 410 => Answer::NotFound,
        429 => Answer::Throttled,
        500..=599 => Answer::ServerError,
        200..=299 => Answer::Visible,
        _ => Answer::Malformed,
    }
}

/// The text that an extraction finds, or what was wrong, as a fragment.
pub(super) fn text_at(extract: &Extract, reply: &Opened<'_>, id: &str) -> Result<String, String> {
    let at = || extract.selector.written();
    match extract.take(reply, id) {
        Extracted::Text(text) => Ok(text),
        Extracted::NotJson => Err("the body is not JSON".to_owned()),
        Extracted::Nothing => Err(format!("nothing at {}", at())),
        Extracted::Composite => Err(format!("no text or number that can be read exactly at {}", at())),
        Extracted::Unmatched(text) => Err(format!("{text:?} at {} does not match the pattern", at())),
    }
}
