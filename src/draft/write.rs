//! The target file as text, with a comment where a person has to look.

use std::fmt::Write as _;

use serde_json::Value;

use super::address::Address;
use super::error::DraftError;
use super::infer::{Contract, IdPlace, Token, TokenPlace, Unknown};
use super::marks::{self, Part};
use super::requests::Draft;
use super::states::States;
use crate::model::call::Call;

/// What a target file says besides its requests.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// The contract.
    pub contract: &'a Contract,
    /// Where the id stands in the initiate's answer.
    pub id_at: &'a IdPlace,
    /// The template of an id that was never issued.
    pub unknown_id: &'a str,
    /// What the login gave, if there is one.
    pub token: Option<&'a Token>,
    /// The code of a redirect that says that the job was accepted, if one does.
    pub redirect: Option<u16>,
    /// What the file was made from, for its first line.
    pub source: &'a str,
    /// The file beside it that has the form of target files, for editors.
    pub schema: Option<&'a str>,
    /// Whether a job was asked for, so that it is known and not assumed.
    pub is_tried: bool,
}

/// The target file.
pub fn target_file(draft: &Draft, said: Said<'_>) -> Result<String, DraftError> {
    let mut file = File { draft, out: String::new() };
    file.head(&said);
    let common = common_headers(draft);
    file.users(&common);
    if let Some(token) = said.token {
        file.logins(token)?;
    }
    file.initiate(&common, &said)?;
    file.status(&common, said.contract, said.is_tried)?;
    Ok(file.out)
}

type Header = (String, String);

/// The headers that both requests have, but for the body's type.
fn common_headers(draft: &Draft) -> Vec<&Header> {
    let status = &draft.pair.status.headers;
    let own = |name: &str| name.eq_ignore_ascii_case("content-type") || name.eq_ignore_ascii_case("accept");
    draft.pair.initiate.headers.iter().filter(|header| !own(&header.0) && status.contains(header)).collect()
}

struct File<'a> {
    draft: &'a Draft,
    out: String,
}

impl File<'_> {
    fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn head(&mut self, said: &Said<'_>) {
        let draft = self.draft;
        if let Some(schema) = said.schema {
            self.line(&format!("#:schema ./{schema}"));
        }
        self.line(&format!("# Made from {} by statusgap.", one_line(said.source)));
        if !said.is_tried {
            self.line("# No job was asked for, so what stands below is what is usual: `statusgap check --live` tries it.");
        }
        self.line("");
        self.line(&format!("name = {}", quoted(&braces(&draft.name))));
        self.line(&format!("base_url = {}", quoted(&format!("${{{}:-{}}}", draft.address_variable(), draft.origin))));
        // Where the client gives the ids, those that were never issued look alike by themselves.
        if !matches!(said.id_at, IdPlace::Client(_)) {
            self.line("# What an id looks like that was never issued. It must be answered as unknown.");
            self.line(&format!("unknown_id = {}", quoted(said.unknown_id)));
        }
        let [ca, cert, key] = &draft.certificates;
        if draft.certificates.iter().any(Option::is_some) {
            self.line("\n# Relative to this file.\n[tls]");
            for (name, file) in [("ca", ca), ("client_cert", cert), ("client_key", key)] {
                if let Some(file) = file {
                    self.line(&format!("{name} = {}", quoted(&marks::readable(file))));
                }
            }
        }
    }

    fn users(&mut self, common: &[&Header]) {
        if !common.is_empty() {
            let members = common.iter().map(|(name, value)| (name.as_str(), quoted(&template(value, "{id:raw}"))));
            self.line(&format!("\n[users.owner]\nheaders = {}", table(members)));
        }
        let has_foreign = self.draft.pair.login.as_ref().is_some_and(|login| login.foreign.is_some());
        if has_foreign {
            let carried = common.iter().filter(|(_, value)| value.contains(marks::TOKEN));
            let members = carried.map(|(name, value)| (name.as_str(), quoted(&template(value, "{id:raw}"))));
            self.line("\n# Another user, who must not see the jobs.\n[users.foreign]");
            self.line(&format!("headers = {}", table(members)));
        } else {
            self.line("\n# Another user, who must not see the jobs. Without one, isolation is not assessed.");
            self.line("# [users.foreign]\n# headers = { Authorization = \"Bearer ${OTHER_TOKEN}\" }");
        }
    }

    fn logins(&mut self, token: &Token) -> Result<(), DraftError> {
        let Some(login) = &self.draft.pair.login else { return Ok(()) };
        if let Some(foreign) = &login.foreign {
            self.line("\n[users.foreign.login]");
            self.login(foreign, token)?;
        }
        self.line("\n# Asked for once, and again before it expires or when a request is answered 401.\n[login]");
        self.login(&login.call, token)
    }

    fn login(&mut self, call: &Call, token: &Token) -> Result<(), DraftError> {
        let origin = Address::read(&call.url)?.origin;
        if origin != self.draft.origin {
            self.line(&format!("base_url = {}", quoted(&origin)));
        }
        self.request(call, "POST", &[])?;
        if !(200..300).contains(&token.http) {
            self.line(&format!("accept = [{}]", token.http));
        }
        let place = match &token.place {
            TokenPlace::Pointer(pointer) => format!("pointer = {}", quoted(&braces(pointer))),
            TokenPlace::Header { name, pattern: Some(pattern) } => format!("header = {}, pattern = {}", quoted(name), quoted(pattern)),
            TokenPlace::Header { name, pattern: None } => format!("header = {}", quoted(name)),
        };
        self.line(&format!("capture = {{ token = {{ {place} }} }}"));
        match &token.expires {
            Some(pointer) => self.line(&format!("expires = {{ pointer = {} }}", quoted(&braces(pointer)))),
            None => self.line("# For how long it is good is not in the answer: lasts = \"10m\""),
        }
        Ok(())
    }

    fn initiate(&mut self, common: &[&Header], said: &Said<'_>) -> Result<(), DraftError> {
        self.line("\n[initiate]");
        let call = &self.draft.pair.initiate;
        let is_given = matches!(said.id_at, IdPlace::Client(_));
        if call.body.is_some() && !is_given && !is_new_each_time(call) {
            self.line("# If the service takes equal requests for one job, put {uuid} or {n} into a text of the body.");
        }
        self.request(call, "POST", common)?;
        if let Some(http) = said.redirect {
            self.line(&format!("accept = [{http}]"));
        }
        let id = match said.id_at {
            IdPlace::Pointer(pointer) => format!("{{ pointer = {} }}", quoted(&braces(pointer))),
            IdPlace::Within(pointer, pattern) => {
                format!("{{ pointer = {}, pattern = {} }}", quoted(&braces(pointer)), quoted(pattern))
            }
            IdPlace::Location(pattern) => format!("{{ header = \"Location\", pattern = {} }}", quoted(pattern)),
            IdPlace::Client(template) => quoted(template),
        };
        self.line(&format!("id = {id}"));
        if is_given {
            self.line("# Whether a job is there although its request failed: orphan = true; whether an early poll spoils it: ask_before = true in [status].");
        }
        Ok(())
    }

    fn status(&mut self, common: &[&Header], contract: &Contract, is_tried: bool) -> Result<(), DraftError> {
        self.line("\n[status]");
        self.request(&self.draft.pair.status, "GET", common)?;
        match &contract.follow {
            Some(IdPlace::Pointer(pointer)) => self.line(&format!("follow = {{ pointer = {} }}", quoted(&braces(pointer)))),
            Some(IdPlace::Location(_)) => self.line("follow = { header = \"Location\" }"),
            Some(IdPlace::Client(_) | IdPlace::Within(..)) | None => {}
        }
        for (key, place) in [("state", &contract.state), ("echo", &contract.echo), ("progress", &contract.progress)] {
            if let Some(place) = place {
                self.line(&format!("{key} = {}", placed(place)));
            }
        }
        if contract.state.is_some() {
            self.states(&contract.states, is_tried);
        } else if contract.by_list.is_empty() {
            self.line("# Where the state stands is not known: state = { pointer = \"/status\" }, and its words below [status.states].");
        }
        if let Some(when) = when(&contract.unknown) {
            for (list, state) in &contract.by_list {
                let when = format!("{{ jsonpath = {}, exists = true }}", quoted(list));
                self.line(&format!("\n[[status.answer]]\nis = \"visible\"\nstate = \"{state}\"\nwhen = {when}"));
            }
            self.line(&format!("\n# How an id is answered that is not known.\n[[status.answer]]\nis = \"not_found\"\nwhen = {when}"));
        }
        Ok(())
    }

    fn states(&mut self, states: &States, is_tried: bool) {
        let which = if is_tried {
            "The words that came up, or stand in the API's description."
        } else {
            "The words that stand in the API's description."
        };
        self.line(&format!("\n# {which} Add the others that the service has, above all those for failure.\n[status.states]"));
        for (key, words) in [("running", &states.running), ("succeeded", &states.succeeded), ("failed", &states.failed)] {
            self.line(&format!("{key} = [{}]", words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(", ")));
        }
    }

    fn request(&mut self, call: &Call, usual: &str, common: &[&Header]) -> Result<(), DraftError> {
        let address = Address::read(&call.url)?;
        if call.method != usual {
            self.line(&format!("method = {}", quoted(&call.method)));
        }
        self.line(&format!("path = {}", quoted(&template(&address.target(), "{id}"))));
        let is_json_kind = call.header("content-type").is_none_or(|kind| kind.to_ascii_lowercase().contains("json"));
        let json =
            call.body.as_deref().and_then(|body| serde_json::from_str::<Value>(body).ok()).filter(|json| is_json_kind && fits_toml(json));
        // `json` brings its type along.
        let is_implied = |(name, value): &&Header| {
            json.is_some() && name.eq_ignore_ascii_case("content-type") && value.eq_ignore_ascii_case("application/json")
        };
        let own: Vec<(&str, String)> = call
            .headers
            .iter()
            .filter(|header| !common.contains(header) && !is_implied(header))
            .map(|(name, value)| (name.as_str(), quoted(&template(value, "{id:raw}"))))
            .collect();
        if !own.is_empty() {
            self.line(&format!("headers = {}", table(own.into_iter())));
        }
        match (json, &call.body) {
            (Some(json), _) => self.line(&format!("json = {}", toml_of(&json))),
            (None, Some(body)) => self.line(&format!("body = {}", quoted(&raw_body(body)?))),
            (None, None) => {}
        }
        Ok(())
    }
}

/// Whether a request has something that is another one for each job.
fn is_new_each_time(call: &Call) -> bool {
    call.body.iter().chain(call.headers.iter().map(|(_, value)| value)).any(|text| text.contains(marks::FRESH))
}

/// A text as a template: braces are doubled, and places are written as the format has them.
fn template(marked: &str, id: &str) -> String {
    marks::written(marked, braces, |place| written(place, id))
}

fn written(place: Part<'_>, id: &str) -> String {
    match place {
        Part::Variable(name) => format!("${{{name}}}"),
        Part::Id => id.to_owned(),
        Part::Fresh => "{uuid}".to_owned(),
        Part::Token => "{token}".to_owned(),
        Part::Output => String::new(),
        Part::Text(text) => text.to_owned(),
    }
}

/// Doubles braces, which would otherwise begin a place.
fn braces(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}

/// A body as text, in which braces that begin no place stay as they are: one that looks like a place cannot be written.
fn raw_body(marked: &str) -> Result<String, DraftError> {
    for part in marks::parts(marked) {
        let Part::Text(text) = part else { continue };
        let place = ["{id}", "{id:raw}", "{uuid}", "{uuid:dashed}", "{n}", "{user}", "{token}", "${"]
            .into_iter()
            .find(|place| text.contains(*place));
        if let Some(place) = place {
            return Err(DraftError::new(
                format!("the body has the text `{place}`, which would be filled in"),
                "use a job whose input has no such text",
            ));
        }
    }
    Ok(marks::written(marked, str::to_owned, |place| written(place, "{id:raw}")))
}

/// The condition under which a reply does not know the id; none where the code says it by itself.
fn when(unknown: &Unknown) -> Option<String> {
    let pointer_of = |pointer: &str| quoted(&braces(pointer));
    Some(match unknown {
        Unknown::UsualCode(_) => return None,
        Unknown::Code(code) => format!("{{ http = {code} }}"),
        Unknown::Constant { http, pointer, value } => {
            let test = match value {
                Value::Null => "null = true".to_owned(),
                Value::Array(_) | Value::Object(_) => "empty = true".to_owned(),
                Value::String(text) => format!("equals = {}", quoted(&braces(text))),
                other => format!("equals = {other}"),
            };
            format!("{{ http = {http}, pointer = {}, {test} }}", pointer_of(pointer))
        }
        Unknown::Absent { http, pointer } => format!("{{ http = {http}, pointer = {}, exists = false }}", pointer_of(pointer)),
        Unknown::NotListed { http, list } => format!("{{ http = {http}, jsonpath = {}, exists = false }}", quoted(&list.path())),
    })
}

fn placed(place: &str) -> String {
    if place.starts_with('$') {
        format!("{{ jsonpath = {} }}", quoted(place))
    } else {
        format!("{{ pointer = {} }}", quoted(&braces(place)))
    }
}

/// Whether TOML has a value for it: there is no null, and no integer beyond 64 bits.
fn fits_toml(json: &Value) -> bool {
    match json {
        Value::Null => false,
        Value::Array(items) => items.iter().all(fits_toml),
        Value::Object(members) => members.values().all(fits_toml),
        Value::Number(number) => number.is_i64() || number.is_f64(),
        _ => true,
    }
}

fn toml_of(json: &Value) -> String {
    match json {
        Value::String(text) => quoted(&template(text, "{id:raw}")),
        Value::Array(items) => format!("[{}]", items.iter().map(toml_of).collect::<Vec<_>>().join(", ")),
        Value::Object(members) if members.is_empty() => "{}".to_owned(),
        Value::Object(members) => table(members.iter().map(|(name, value)| (name.as_str(), toml_of(value)))),
        other => other.to_string(),
    }
}

/// An inline table; the values are written already.
fn table<'a>(pairs: impl Iterator<Item = (&'a str, String)>) -> String {
    let mut out = String::from("{ ");
    for (at, (name, value)) in pairs.enumerate() {
        // Writing to a string cannot fail.
        let _ = write!(out, "{}{} = {value}", if at > 0 { ", " } else { "" }, key(name));
    }
    out.push_str(" }");
    out
}

fn key(name: &str) -> String {
    let is_bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if is_bare { name.to_owned() } else { quoted(name) }
}

/// A TOML string on one line.
fn quoted(text: &str) -> String {
    if !text.contains(['"', '\\', '\n']) && !text.chars().any(char::is_control) {
        return format!("\"{text}\"");
    }
    if !text.contains(['\'', '\n']) && !text.chars().any(char::is_control) {
        return format!("'{text}'");
    }
    let escaped: String = text
        .chars()
        .map(|c| match c {
            '"' => "\\\"".to_owned(),
            '\\' => "\\\\".to_owned(),
            '\n' => "\\n".to_owned(),
            '\r' => "\\r".to_owned(),
            '\t' => "\\t".to_owned(),
            c if c.is_control() => format!("\\u{:04X}", u32::from(c)),
            c => c.to_string(),
        })
        .collect();
    format!("\"{escaped}\"")
}

/// A name as a comment may have it.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}
