//! What must not stand in a target file: credentials become variables of the environment.

use serde_json::Value;

use super::address::decoded;
use super::marks;
use crate::model::call::Call;
use crate::model::secret_names::{is_credential, is_secret};

/// A credential of the copied requests.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// Where it stood, for people: `authorization`.
    pub place: String,
    /// The variable that takes its place.
    pub variable: String,
    /// The value as it is sent there.
    pub value: String,
    /// Whether it is a user with a password in base64.
    pub is_basic: bool,
}

/// The value is nobody's business.
impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secret").field("place", &self.place).field("variable", &self.variable).finish_non_exhaustive()
    }
}

/// From this length on, a credential is also replaced where it stands under another name: a shorter one may be an ordinary word.
const NO_WORD: usize = 8;

/// Takes the credentials out of the requests and marks their places. `name` is the target's, and begins the variables' names.
pub(super) fn take_out(mut calls: Vec<&mut Call>, name: &str) -> Vec<Secret> {
    let mut vault = Vault { name, secrets: Vec::new() };
    for call in &mut calls {
        for (name, value) in &mut call.headers {
            if is_credential(name) && !is_idempotency_key(name) {
                *value = vault.header(name, value);
            }
        }
        call.url = vault.query(&call.url);
        if let Some(body) = &mut call.body {
            *body = vault.body(body);
        }
    }
    for call in calls {
        for (_, value) in &mut call.headers {
            *value = vault.elsewhere(value);
        }
        call.url = vault.elsewhere(&call.url);
        if let Some(body) = &mut call.body {
            *body = vault.elsewhere(body);
        }
    }
    vault.secrets
}

/// A key that makes a service take two equal requests for one: each job needs one of its own.
pub(super) fn is_idempotency_key(header: &str) -> bool {
    let name = header.to_ascii_lowercase();
    name.contains("idempotency") || name.contains("idempotent")
}

struct Vault<'a> {
    name: &'a str,
    secrets: Vec<Secret>,
}

impl Vault<'_> {
    /// The mark for a value. A scheme is not a secret: only what follows it.
    fn header(&mut self, name: &str, value: &str) -> String {
        let scheme = value.split_once(' ').filter(|(scheme, rest)| {
            name.to_ascii_lowercase().contains("auth")
                && !rest.trim().is_empty()
                && scheme.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        });
        let has_places = marks::parts(value).iter().any(|part| !matches!(part, marks::Part::Text(_)));
        if has_places && name.eq_ignore_ascii_case("cookie") {
            return self.cookies(name, value);
        }
        match scheme {
            Some((scheme, rest)) => format!("{scheme} {}", self.mark(name, rest.trim(), scheme.eq_ignore_ascii_case("basic"))),
            None => self.mark(name, value, false),
        }
    }

    /// The cookies, one by one: where one is a variable already, the others may still be secrets.
    fn cookies(&mut self, name: &str, value: &str) -> String {
        let each = |cookie: &str| match cookie.trim().split_once('=') {
            Some((one, text)) => format!("{one}={}", self.mark(name, text, false)),
            None => cookie.trim().to_owned(),
        };
        value.split(';').map(each).collect::<Vec<_>>().join("; ")
    }

    fn mark(&mut self, place: &str, value: &str, is_basic: bool) -> String {
        // A variable already, as scripts and documents have them.
        if value.is_empty() || marks::parts(value).iter().any(|part| !matches!(part, marks::Part::Text(_))) {
            return value.to_owned();
        }
        if let Some(known) = self.secrets.iter().find(|secret| secret.value == value) {
            return marks::variable(&known.variable);
        }
        let stem = format!("{}_{}", upper(self.name), if is_basic { "BASIC".to_owned() } else { variable_of(place) });
        let is_taken = |candidate: &String| self.secrets.iter().any(|secret| secret.variable == *candidate);
        let mut candidates = std::iter::once(stem.clone()).chain((2..).map(|nth| format!("{stem}_{nth}")));
        // The numbers never end, so that one is free.
        let variable = candidates.find(|candidate| !is_taken(candidate)).unwrap_or(stem);
        self.secrets.push(Secret { place: place.to_ascii_lowercase(), variable: variable.clone(), value: value.to_owned(), is_basic });
        marks::variable(&variable)
    }

    fn query(&mut self, url: &str) -> String {
        let Some((path, query)) = url.split_once('?') else { return url.to_owned() };
        let parameter = |pair: &str| match pair.split_once('=') {
            Some((name, value)) if is_secret(&decoded(name)) => format!("{name}={}", self.mark(&decoded(name), value, false)),
            _ => pair.to_owned(),
        };
        let parameters: Vec<String> = query.split('&').map(parameter).collect();
        format!("{path}?{}", parameters.join("&"))
    }

    /// A body, whose members or fields have names.
    fn body(&mut self, body: &str) -> String {
        if let Ok(mut json) = serde_json::from_str::<Value>(body) {
            let before = self.secrets.len();
            let had = json.clone();
            self.members(&mut json);
            // As it was written, unless something is taken out.
            return if before == self.secrets.len() && had == json { body.to_owned() } else { json.to_string() };
        }
        let is_form = body.contains('=') && !body.contains(['\n', ' ', '<', '{']);
        if is_form { self.query(&format!("?{body}")).split_off(1) } else { body.to_owned() }
    }

    fn members(&mut self, json: &mut Value) {
        match json {
            Value::Object(members) => {
                for (name, member) in members.iter_mut() {
                    match member {
                        Value::String(text) if is_secret(name) => *text = self.mark(name, text, false),
                        other => self.members(other),
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.members(item)),
            _ => {}
        }
    }

    fn elsewhere(&self, text: &str) -> String {
        let mut long: Vec<&Secret> = self.secrets.iter().filter(|secret| secret.value.len() >= NO_WORD).collect();
        // A secret within another is replaced after it.
        long.sort_by_key(|secret| std::cmp::Reverse(secret.value.len()));
        long.into_iter().fold(text.to_owned(), |text, secret| text.replace(&secret.value, &marks::variable(&secret.variable)))
    }
}

fn variable_of(place: &str) -> String {
    match place.to_ascii_lowercase().as_str() {
        "authorization" => "TOKEN".to_owned(),
        "cookie" => "COOKIE".to_owned(),
        other => upper(other.trim_start_matches("x-")),
    }
}

/// A name as variables have them.
pub(super) fn upper(text: &str) -> String {
    let name: String = text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    let name = name.trim_matches('_').to_owned();
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        format!("JOBS_{name}").trim_end_matches('_').to_owned()
    } else {
        name
    }
}
