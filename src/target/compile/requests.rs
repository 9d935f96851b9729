//! Requests: users' headers, endpoints, bodies.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue, Method};
use serde_json::Value;

use crate::model::exchange::Kind;
use crate::model::source::{InputError, nearest};

use super::super::OWNER;
use super::super::address::Base;
use super::super::file::{AskFile, OneOrMore};
use super::super::json::JsonTemplate;
use super::super::request::{Body, Endpoint, Headers, usual_method};
use super::super::template::{Braces, Template, Variable};
use super::Compiler;

impl Compiler<'_> {
    pub(super) fn headers(&self, at: &str, headers: &BTreeMap<String, String>, allowed: &[Variable]) -> Result<Headers, InputError> {
        let mut compiled = Headers::new();
        for (name, value) in headers {
            let at = format!("{at}.{name}");
            let header = self.header_name(&at, name)?;
            if compiled.iter().any(|(earlier, _)| *earlier == header) {
                return Err(self.complain(
                    &at,
                    format!("the header `{name}` is given twice"),
                    "header names are the same in upper and lower case; keep one",
                ));
            }
            let value = self.template(&at, value, Braces::AreHoles, allowed)?;
            if HeaderValue::from_str(&value.fill(|_| String::new())).is_err() {
                return Err(self.complain(
                    &at,
                    format!("the header `{name}` has characters that no header may have"),
                    "line breaks and other control characters cannot be sent; look for a trailing newline",
                ));
            }
            compiled.push((header, value));
        }
        Ok(compiled)
    }

    pub(super) fn header_name(&self, at: &str, name: &str) -> Result<HeaderName, InputError> {
        name.parse().map_err(|_| {
            self.complain(
                at,
                format!("`{name}` is not a header name"),
                "a header name has letters, digits and dashes, for example `X-Status`",
            )
        })
    }

    pub(super) fn endpoint(&self, name: &str, ask: AskFile, kind: Kind, allowed: &[Variable]) -> Result<Endpoint, InputError> {
        let at = |key: &str| format!("{name}.{key}");
        let method = match &ask.method {
            None => usual_method(kind),
            Some(written) => written.parse().ok().filter(is_upper_case).ok_or_else(|| {
                self.complain(
                    &at("method"),
                    format!("`{written}` is not an HTTP method"),
                    "methods are written in capitals: GET, POST, PUT, PATCH, DELETE",
                )
            })?,
        };
        let path = match &ask.path {
            None => None,
            Some(path) => Some(self.path(&at("path"), path, allowed)?),
        };
        let user = ask.user.clone().unwrap_or_else(|| OWNER.to_owned());
        if !self.users.contains(&user) {
            let known = self.users.iter().map(String::as_str);
            return Err(self.complain(
                &at("user"),
                format!("there is no user `{user}`"),
                nearest(&user, known).map_or_else(
                    || format!("add `[users.{user}]` with its headers"),
                    |right| format!("did you mean `{right}`? or add `[users.{user}]`"),
                ),
            ));
        }
        Ok(Endpoint {
            method,
            path,
            headers: self.headers(&at("headers"), &ask.headers, allowed)?,
            user,
            bases: self.bases(&at("base_url"), ask.base_url.as_ref())?,
            cookies: ask.cookies.unwrap_or(self.cookies),
            body: self.body(name, ask, allowed)?,
        })
    }

    /// The addresses of an endpoint's own.
    fn bases(&self, at: &str, written: Option<&OneOrMore>) -> Result<Vec<Base>, InputError> {
        let mut bases = Vec::new();
        for (end, text) in written.iter().flat_map(|written| written.texts()) {
            let at = format!("{at}{end}");
            let text = self.text(&at, text)?;
            if text.starts_with("unix:") {
                return Err(self.complain(
                    &at,
                    "only the `base_url` at the top may be a Unix socket",
                    "give an address such as http://127.0.0.1:8081",
                ));
            }
            bases.push(
                Base::read(&text).map_err(|problem| self.complain(&at, problem, "for example `base_url = \"http://127.0.0.1:8081\"`"))?,
            );
        }
        Ok(bases)
    }

    pub(super) fn path(&self, at: &str, path: &str, allowed: &[Variable]) -> Result<Template, InputError> {
        let template = self.template(at, path, Braces::AreHoles, allowed)?;
        let sample = template.fill(|_| "x".to_owned());
        if !sample.starts_with('/') {
            return Err(self.complain(at, "a path begins with a slash", "the address of the server is given once, as `base_url`"));
        }
        let nowhere = Base::read("http://localhost").map(|base| base.path(&sample));
        if !matches!(nowhere, Ok(Ok(_))) {
            return Err(self.complain(
                at,
                "this path cannot be sent as it stands",
                "control characters and the segments `.` and `..` have no place in it",
            ));
        }
        Ok(template)
    }

    pub(super) fn body(&self, name: &str, ask: AskFile, allowed: &[Variable]) -> Result<Body, InputError> {
        let verbatim = self.verbatim(name, &ask)?;
        match (ask.json, ask.form, ask.body) {
            (None, None, None) => Ok(Body::None),
            (Some(json), None, None) => {
                let at = format!("{name}.json");
                let texts = Texts { braces: Braces::AreHoles, allowed, verbatim: &verbatim };
                Ok(Body::Json(self.json_with(&at, "", json, texts)?))
            }
            (None, Some(form), None) => form
                .into_iter()
                .map(|(key, value)| {
                    let at = format!("{name}.form.{key}");
                    let value = self.template(&at, &value, Braces::AreHoles, allowed)?;
                    Ok((key, value))
                })
                .collect::<Result<_, _>>()
                .map(Body::Form),
            (None, None, Some(text)) => {
                let at = format!("{name}.body");
                self.template(&at, &text, Braces::AreText, allowed).map(Body::Text)
            }
            _ => Err(self.complain(name, "more than one of `json`, `form` and `body`", "a request has one body; keep one of them")),
        }
    }

    /// The places of `json` whose texts are sent as they stand; each must be one.
    fn verbatim(&self, name: &str, ask: &AskFile) -> Result<Vec<String>, InputError> {
        let json: Option<Value> = ask.json.as_ref().and_then(|json| serde_json::to_value(json).ok());
        for (index, place) in ask.verbatim.iter().enumerate() {
            let at = format!("{name}.verbatim.{index}");
            let Some(json) = &json else {
                return Err(self.complain(
                    &at,
                    "there is no `json` here",
                    "`body` needs no `verbatim`: braces around other names stay as they are there",
                ));
            };
            if !json.pointer(place).is_some_and(Value::is_string) {
                return Err(self.complain(
                    &at,
                    format!("`json` has no text at `{place}`"),
                    "write a JSON Pointer into `json`, such as `/query`",
                ));
            }
        }
        Ok(ask.verbatim.clone())
    }

    pub(super) fn json(&self, at: &str, value: toml::Value, braces: Braces, allowed: &[Variable]) -> Result<JsonTemplate, InputError> {
        self.json_with(at, "", value, Texts { braces, allowed, verbatim: &[] })
    }

    /// The value at a place of the file, and at a JSON Pointer below `json`.
    fn json_with(&self, at: &str, pointer: &str, value: toml::Value, texts: Texts<'_>) -> Result<JsonTemplate, InputError> {
        let Texts { braces, allowed, verbatim } = texts;
        let plain = |value: Value| Ok(JsonTemplate::Plain(value));
        match value {
            toml::Value::String(text) if verbatim.iter().any(|place| place == pointer) => plain(text.into()),
            toml::Value::String(text) => self.template(at, &text, braces, allowed).map(JsonTemplate::Text),
            toml::Value::Datetime(stamp) => self.template(at, &stamp.to_string(), braces, allowed).map(JsonTemplate::Text),
            toml::Value::Integer(number) => plain(number.into()),
            toml::Value::Boolean(truth) => plain(truth.into()),
            toml::Value::Float(number) => match serde_json::Number::from_f64(number) {
                Some(number) => plain(number.into()),
                None => Err(self.complain(at, format!("JSON has no number `{number}`"), "write it as a text, or leave it out")),
            },
            toml::Value::Array(list) => list
                .into_iter()
                .enumerate()
                .map(|(index, item)| self.json_with(&format!("{at}.{index}"), &format!("{pointer}/{index}"), item, texts))
                .collect::<Result<_, _>>()
                .map(JsonTemplate::List),
            toml::Value::Table(table) => table
                .into_iter()
                .map(|(key, item)| {
                    let below = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                    let item = self.json_with(&format!("{at}.{key}"), &below, item, texts)?;
                    Ok((key, item))
                })
                .collect::<Result<_, _>>()
                .map(JsonTemplate::Object),
        }
    }
}

/// How the texts of a JSON value are read.
#[derive(Clone, Copy)]
struct Texts<'a> {
    braces: Braces,
    allowed: &'a [Variable],
    verbatim: &'a [String],
}

fn is_upper_case(method: &Method) -> bool {
    !method.as_str().contains(|c: char| c.is_ascii_lowercase())
}
