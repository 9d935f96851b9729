//! Answers that a 2xx code makes visible and that do not show the job: an error in the body, an empty object, `null`, a state that
//! the target file does not list and that reads as a denial.
//!
//! Where other answers of the run carry the state or the id at the places that the target file names, an answer with neither is no
//! sight of the job: it may be the denial itself, in other words than a never-issued id gets. Nor does it prove a denial.

use serde_json::Value;

use crate::model::answer::{Answer, State};
use crate::model::denial_word::reads_as_denial;
use crate::model::exchange::{Exchange, Kind};
use crate::model::run::Journal;

/// The places of such answers among the exchanges of a run.
pub(super) fn of(journal: &Journal) -> Vec<usize> {
    let status = &journal.run.target.status;
    let names_places = status.state.is_some() || status.echo.is_some();
    let polls = || journal.exchanges.iter().enumerate().filter(|(_, exchange)| is_visible_poll(exchange));
    // Where no answer says anything, the places in the file are wrong, which the guarantees report.
    if !polls().any(|(_, poll)| says_something(poll)) {
        return Vec::new();
    }
    let says_no_state = |poll: &Exchange| poll.word.is_none() && poll.state.is_none_or(|state| state == State::Unknown);
    let is_blank = |poll: &Exchange| match poll.word.as_deref() {
        Some(word) => poll.state == Some(State::Unknown) && reads_as_denial(word),
        None => {
            names_places
                && says_no_state(poll)
                && (reports_failure(poll) || !(says_something(poll) || has_null_state(poll, status.state.as_deref()) && has_value(poll)))
        }
    };
    polls().filter(|(_, poll)| is_blank(poll)).map(|(place, _)| place).collect()
}

fn is_visible_poll(exchange: &Exchange) -> bool {
    matches!(exchange.kind, Kind::Poll | Kind::ForeignPoll)
        && exchange.answer == Answer::Visible
        && exchange.http.is_some_and(|code| (200..300).contains(&code))
}

fn says_something(poll: &Exchange) -> bool {
    let knows_state = poll.state.is_some_and(|state| state != State::Unknown);
    poll.word.is_some() || knows_state || poll.echo.is_some() || poll.progress.get().is_some()
}

/// Whether the state is there and null, as many services leave it until work begins; `at` is the place of the state as the log notes it.
pub(super) fn has_null_state(poll: &Exchange, at: Option<&str>) -> bool {
    body(poll).zip(at).is_some_and(|(body, at)| body.pointer(at.trim_matches('`')).is_some_and(Value::is_null))
}

/// Whether any member of the body has a value: of a job that waits, its id at least.
fn has_value(poll: &Exchange) -> bool {
    matches!(body(poll), Some(Value::Object(body)) if body.values().any(|value| !value.is_null()))
}

/// Whether the body says that the request failed: a member for errors that is not empty, or one for success that is false.
fn reports_failure(poll: &Exchange) -> bool {
    let Some(Value::Object(body)) = body(poll) else { return false };
    let is_said = |value: &Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(object) => !object.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    };
    body.iter().any(|(name, value)| match name.to_ascii_lowercase().as_str() {
        "error" | "errors" => is_said(value),
        "success" | "ok" => *value == Value::Bool(false),
        _ => false,
    })
}

/// What the log has of the reply's body, as JSON; the reason why it is kept may stand before it.
fn body(poll: &Exchange) -> Option<Value> {
    let body = poll.body.as_deref()?;
    serde_json::from_str(&body[body.find('{')?..]).ok()
}
