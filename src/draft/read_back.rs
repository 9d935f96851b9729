//! A target file that was just made, held against the answers that it was made from.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::error::cut;
use super::infer::{Evidence, Poll};
use super::{Draft, DraftError, IdFrom};
use crate::model::answer::Answer;
use crate::model::call::Answered;
use crate::target::{Initiated, Reading, Reply, Target, Variables};

/// How a target file reads the answers about a job.
#[derive(Debug, Clone, PartialEq)]
pub struct Readings {
    /// The polls, each with its reading.
    pub polls: Vec<(Poll, Reading)>,
}

impl Readings {
    /// The ages in ms of the polls that were denied although an id had been handed out.
    pub fn denied(&self) -> Vec<f64> {
        self.polls.iter().filter(|(_, reading)| reading.answer == Answer::NotFound).map(|(poll, _)| poll.age_ms).collect()
    }

    /// The age in ms of the first poll that showed the job.
    pub fn first_visible(&self) -> Option<f64> {
        self.polls.iter().find(|(_, reading)| reading.answer == Answer::Visible).map(|(poll, _)| poll.age_ms)
    }
}

/// Reads every answer with the file. Whatever it makes of them that is not so means that the file is wrong, and is an error.
pub fn read_back(draft: &Draft, target: &Target, evidence: &Evidence) -> Result<Readings, DraftError> {
    let wrong = |what: String| {
        DraftError::new(
            format!("the target file that was made would misread the answers: {}", draft.shown(&what)),
            "write the file by hand: `statusgap schema target` lists its keys",
        )
    };
    let is_given = evidence.variables == Variables::default() && draft.pair.id_from == IdFrom::Client;
    match with_reply(&evidence.posted, |reply| target.read_initiate(reply, &evidence.variables)) {
        // What a recording's client filled its ids with is not known.
        Initiated::Accepted(accepted) if accepted.id == evidence.id || is_given => {}
        Initiated::Accepted(accepted) => return Err(wrong(format!("it would take `{}` for the id", cut(&accepted.id)))),
        Initiated::Failed { reason, .. } => return Err(wrong(format!("it would take no id from the answer to the POST: {reason}"))),
    }
    for never in &evidence.never {
        let reading = with_reply(never, |reply| target.read_status(reply, "an-id-that-was-never-issued"));
        if !matches!(reading.answer, Answer::NotFound | Answer::Refused) {
            return Err(wrong(format!("an id that was never issued (HTTP {}) would be read as `{}`", never.http, reading.answer.word())));
        }
    }
    let read = |poll: &Poll| (poll.clone(), with_reply(&poll.answer, |reply| target.read_status(reply, &evidence.id)));
    let polls: Vec<(Poll, Reading)> = evidence.polls.iter().map(read).collect();
    if let Some((last, reading)) = polls.last()
        && !evidence.never.is_empty()
        && polls.iter().all(|(_, reading)| reading.answer != Answer::Visible)
    {
        return Err(wrong(format!("the job's last answer (HTTP {}) would be read as `{}`", last.answer.http, reading.answer.word())));
    }
    Ok(Readings { polls })
}

/// Calls `read` with the answer as the target's readers take it.
pub fn with_reply<T>(answer: &Answered, read: impl FnOnce(&Reply<'_>) -> T) -> T {
    let headers: HeaderMap = answer
        .headers
        .iter()
        .filter_map(|(name, value)| Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?)))
        .collect();
    read(&Reply { http: answer.http, headers: &headers, body: &answer.body })
}
