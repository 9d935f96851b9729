//! A never-issued id that is visible by the target file's doing: a rule reads a 404 as visible, or none reads an error under 200 as
//! `not_found`. Then no answer proves that a job exists, and the service is not to blame.

use serde_json::Value;

use crate::model::answer::Answer;
use crate::model::contact::{Problem, visible};

use super::Target;
use super::captured::About;
use super::contact::Heard;
use super::selector::Selector;

/// Where a body says that something went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorMember {
    pointer: String,
    /// What it says, where that is a short text without digits, which may be an id's.
    text: Option<String>,
    /// Whether its name alone says so: `error`, and not `message`.
    is_named: bool,
}

/// Names that say that something went wrong, and names that may.
const NAMED: [&str; 5] = ["error", "errors", "err", "fault", "exception"];
const PERHAPS: [&str; 5] = ["message", "detail", "reason", "title", "code"];

impl ErrorMember {
    /// The likeliest among a body's own members.
    pub(super) fn of(json: &Value) -> Option<ErrorMember> {
        /// Longer texts differ from one answer to the next.
        const LONGEST: usize = 60;
        let members = json.as_object()?;
        let name = NAMED.iter().chain(&PERHAPS).find(|name| members.get(**name).is_some_and(says_something))?;
        let text = members[*name].as_str().filter(|text| text.len() <= LONGEST && !text.contains(|c: char| c.is_ascii_digit()));
        Some(ErrorMember { pointer: format!("/{name}"), text: text.map(str::to_owned), is_named: NAMED.contains(name) })
    }

    fn test(&self) -> String {
        let test = self.text.as_ref().map_or("exists = true".to_owned(), |text| format!("equals = {}", toml::Value::String(text.clone())));
        format!("pointer = \"{}\", {test}", self.pointer)
    }
}

fn says_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    }
}

impl Target {
    /// What to change where an id that was never issued is visible by the target file's doing; `poll` is the answer about the job.
    pub fn visible_by_mistake(&self, never: &Heard, poll: &Heard) -> Option<Problem> {
        let http = never.http.filter(|_| never.answer == Answer::Visible)?;
        if let Some(place) = never.knows.rule
            && !(200..300).contains(&http)
        {
            let when = self.written_rule(place).map_or_else(String::new, |when| format!(" (`when = {}`)", visible(&when)));
            return Some(never.problem(format!(
                "that id was never issued, and rule {}{when} of `[[status.answer]]` reads its answer as visible, so that no answer proves that a \
                 job exists: take the rule out, or write `is = \"not_found\"`",
                place + 1
            )));
        }
        let error = never.knows.error.as_ref();
        let reader = &self.status.reader;
        let (what, test) = match (&reader.state, error) {
            (Some(_), _) if never.knows.has_state => return None,
            (Some(state), Some(error)) if error.is_named || poll.knows.state.is_some() => {
                (format!("has no state at `[status] state` ({})", state.selector.written()), error.test())
            }
            (Some(state), None) if poll.knows.state.is_some() => match &state.selector {
                Selector::Pointer(path) => {
                    let pointer = toml::Value::String(path.pointer(About::from(&poll.id)));
                    (
                        format!("has no state at `[status] state` ({})", state.selector.written()),
                        format!("pointer = {pointer}, exists = false"),
                    )
                }
                Selector::JsonPath(_) | Selector::Header(_) => return None,
            },
            (None, Some(error)) if error.is_named && poll.answer == Answer::Visible && poll.knows.error.is_none() => {
                ("tells of an error".to_owned(), error.test())
            }
            _ => return None,
        };
        Some(never.problem(format!(
            "that id was never issued, and its answer {what}. If the API denies a job so, `[[status.answer]]` must say it: \
             `is = \"not_found\"` and `when = {{ http = {http}, {test} }}`"
        )))
    }

    /// The conditions of a rule, as the file has them.
    fn written_rule(&self, place: usize) -> Option<String> {
        let file = self.source_text.parse::<toml::Table>().ok()?;
        Some(file.get("status")?.get("answer")?.get(place)?.get("when")?.to_string())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_member_that_tells_of_an_error_is_written_as_a_rule() {
        for (body, test) in [
            (json!({"error": "nf"}), Some(r#"pointer = "/error", equals = "nf""#)),
            (json!({"error": "no job 7"}), Some(r#"pointer = "/error", exists = true"#)),
            (json!({"error": {"code": 5}}), Some(r#"pointer = "/error", exists = true"#)),
            (json!({"message": "gone", "errors": ["x"]}), Some(r#"pointer = "/errors", exists = true"#)),
            (json!({"message": "unknown"}), Some(r#"pointer = "/message", equals = "unknown""#)),
            (json!({"error": null, "id": "a"}), None),
            (json!([]), None),
        ] {
            assert_eq!(ErrorMember::of(&body).map(|error| error.test()).as_deref(), test, "{body}");
        }
    }
}
