//! Readings: what a reply means under the contract.

use std::collections::BTreeMap;

use crate::model::answer::{Answer, State};
use crate::model::secret_names::{is_credential, is_secret};

use super::captured::{About, Captured};
use super::file::HttpCodes;
use super::redirect::{Meaning, Redirects};
use super::request::Variables;
use super::rules::{Rule, When};
use super::selector::{Extract, Extracted, Opened, Selector};
use super::template::Template;

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
    /// What was captured so far, by the steps before it and out of its own reply.
    pub captured: Captured,
}

/// Where a scan's id comes from.
#[derive(Debug, Clone)]
pub(crate) enum IdSource {
    /// The reply to the initiate has it.
    InReply(Extract),
    /// The client makes it, and the initiate carries it.
    OfTheClient(Template),
}

impl IdSource {
    /// Its place in words, for reasons.
    pub(super) fn written(&self) -> String {
        match self {
            IdSource::InReply(extract) => extract.selector.written(),
            IdSource::OfTheClient(_) => "the target file itself".to_owned(),
        }
    }
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
    /// Whether a visible reply has everything that belongs to the scan, where the target file says how that is told.
    pub complete: Option<bool>,
    /// When the service says that it made the record, in ms since 1970.
    pub created: Option<i64>,
    /// Why the reply is malformed, as a fragment; or why a visible scan's state is unknown.
    pub reason: Option<String>,
}

impl Reading {
    /// An answer of which nothing else is known.
    pub fn of(answer: Answer) -> Reading {
        Reading { answer, state: None, word: None, progress: None, echo: None, complete: None, created: None, reason: None }
    }
}

/// How the replies to initiates and polls are read, for whoever writes it down in another language.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Replies<'a> {
    pub(crate) accept: &'a HttpCodes,
    pub(crate) id: &'a IdSource,
    pub(crate) rules: &'a [Rule],
    pub(crate) state: Option<&'a Extract>,
    pub(crate) states: &'a BTreeMap<String, State>,
    pub(crate) echo: Option<&'a Extract>,
}

/// How an initiate's reply is read.
#[derive(Debug, Clone)]
pub(super) struct InitiateReader {
    pub(super) accept: HttpCodes,
    pub(super) id: IdSource,
    pub(super) capture: Vec<Capture>,
}

/// A value that is taken out of a reply for later requests.
#[derive(Debug, Clone)]
pub(crate) struct Capture {
    /// Its place among the names of the target file.
    pub(crate) place: u8,
    pub(crate) name: String,
    pub(crate) from: Extract,
}

impl Capture {
    /// Whether it is a credential, by its own name or by that of the place where it stands.
    pub(super) fn is_secret(&self) -> bool {
        let place = match &self.from.selector {
            Selector::Header(header) => is_credential(header.as_str()),
            selector => selector.steps().is_some_and(|steps| steps.last().is_some_and(|step| is_secret(&step.name))),
        };
        place || is_secret(&self.name)
    }
}

/// Takes all values out of a reply; the error says which is missing, as a fragment.
pub(super) fn capture_all(all: &[Capture], reply: &Opened<'_>, into: &mut Captured) -> Result<(), String> {
    for capture in all {
        let value =
            text_at(&capture.from, reply, About::nothing()).map_err(|reason| format!("no `{}` to capture: {reason}", capture.name))?;
        if value.len() > LONGEST_ID {
            return Err(format!("`{}` has {} bytes; {LONGEST_ID} is the limit", capture.name, value.len()));
        }
        into.set(capture.place, &value);
    }
    Ok(())
}

/// How the replies of an endpoint about a scan are read.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    pub(super) rules: Vec<Rule>,
    pub(super) state: Option<Extract>,
    pub(super) states: BTreeMap<String, State>,
    pub(super) echo: Option<Extract>,
    pub(super) progress: Option<Extract>,
    /// Whether a visible reply has everything that belongs to the scan.
    pub(super) complete: Option<When>,
    /// When the record was made, by the service's own clock.
    pub(super) created: Option<Extract>,
    /// What 202 says of the scan where nothing else does: for results, that it is running.
    pub(super) not_yet: Option<State>,
    /// What redirects say where no rule holds.
    pub(super) redirects: Redirects,
}

impl InitiateReader {
    /// The id that the client gives, where it does.
    pub(super) fn client_id(&self, variables: &Variables) -> Option<String> {
        match &self.id {
            IdSource::InReply(_) => None,
            IdSource::OfTheClient(template) => Some(client_id(template, variables)),
        }
    }

    /// The id, or the failure.
    pub(super) fn read(&self, reply: &Opened<'_>, variables: &Variables) -> Result<String, (Answer, String)> {
        check_code(&self.accept, reply.http)?;
        let id = match &self.id {
            IdSource::InReply(extract) => text_at(extract, reply, About::nothing()).map_err(|reason| (Answer::Malformed, reason))?,
            IdSource::OfTheClient(template) => client_id(template, variables),
        };
        let problem = if id.is_empty() {
            "is empty".to_owned()
        } else if id.len() > LONGEST_ID {
            format!("has {} bytes; {LONGEST_ID} is the limit", id.len())
        } else {
            return Ok(id);
        };
        Err((Answer::Malformed, format!("the id at {} {problem}", self.id.written())))
    }
}

/// The id that the client gives a scan.
pub(super) fn client_id(template: &Template, variables: &Variables) -> String {
    template.fill(|variable| About::scan("", variables).value(variable))
}

/// Whether a reply has an accepted code; the error says what it means instead, and why.
pub(super) fn check_code(accept: &HttpCodes, http: u16) -> Result<(), (Answer, String)> {
    if accept.contain(http) {
        return Ok(());
    }
    let answer = match by_code(http) {
        answer @ (Answer::Refused | Answer::Throttled | Answer::ServerError) => answer,
        _ => Answer::Malformed,
    };
    Err((answer, format!("HTTP {http} is not an accepted code")))
}

impl Reader {
    /// The first rule that holds decides, then the HTTP code.
    pub(super) fn read(&self, reply: &Opened<'_>, about: About<'_>) -> Reading {
        if about.variables.is_none() && self.rules.iter().any(|rule| rule.when.names_more_than_the_id()) {
            let reason = "a rule names what a recording does not tell: `{uuid}`, `{n}` or a captured value".to_owned();
            return Reading { reason: Some(reason), ..Reading::of(Answer::Malformed) };
        }
        let rule = self.rules.iter().find(|rule| rule.when.holds(reply, about));
        let redirect = if rule.is_none() { self.redirects.read(reply, about) } else { None };
        let answer = match (&redirect, rule) {
            (Some(Meaning::Ended), _) => Answer::Visible,
            (_, Some(rule)) => rule.answer,
            (_, None) => by_code(reply.http),
        };
        let told = self.state.as_ref().map(|state| state.take(reply, about));
        let mut reading = Reading {
            answer,
            state: None,
            word: None,
            progress: self.progress(reply, about),
            echo: self.echo.as_ref().and_then(|echo| echo.text(reply, about)).filter(|echo| echo.len() <= LONGEST_ID),
            complete: self.complete.as_ref().filter(|_| answer == Answer::Visible).map(|when| when.holds(reply, about)),
            created: self.created.as_ref().and_then(|created| created_ms(&created.text(reply, about)?)),
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
    /// looked up (an error page of a proxy, say) is not evidence that the scan was found, so it is malformed. A body that can
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
    fn progress(&self, reply: &Opened<'_>, about: About<'_>) -> Option<f64> {
        let text = self.progress.as_ref()?.text(reply, about)?;
        let number: f64 = text.trim_end_matches('%').trim().parse().ok()?;
        number.is_finite().then_some(number)
    }
}

/// An instant in RFC 3339, or seconds or milliseconds since 1970, in ms since 1970.
fn created_ms(text: &str) -> Option<i64> {
    /// Seconds reach it in the year 5138, milliseconds did in 1973.
    const SECONDS_BELOW: f64 = 1e11;
    if let Ok(instant) = text.trim().parse::<jiff::Timestamp>() {
        return Some(instant.as_millisecond());
    }
    let number: f64 = text.trim().parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0 && *number < 1e15)?;
    Some(if number < SECONDS_BELOW { number * 1e3 } else { number }.round() as i64)
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
pub(super) fn text_at(extract: &Extract, reply: &Opened<'_>, about: About<'_>) -> Result<String, String> {
    let at = || extract.selector.written();
    match extract.take(reply, about) {
        Extracted::Text(text) => Ok(text),
        Extracted::NotJson => Err("the body is not JSON".to_owned()),
        Extracted::Nothing => Err(format!("nothing at {}", at())),
        Extracted::Composite => Err(format!("no text or number that can be read exactly at {}", at())),
        Extracted::Unmatched(text) => Err(format!("{text:?} at {} does not match the pattern", at())),
    }
}
