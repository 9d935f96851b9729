//! Requests: users' headers, endpoints, bodies.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue, Method};
use serde_json::Value;

use crate::model::exchange::Kind;
use crate::model::source::{InputError, nearest};

use super::super::OWNER;
use super::super::address::Base;
use super::super::file::AskFile;
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
            body: self.body(name, ask, allowed)?,
        })
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
        match (ask.json, ask.form, ask.body) {
            (None, None, None) => Ok(Body::None),
            (Some(json), None, None) => {
                let at = format!("{name}.json");
                Ok(Body::Json(self.json(&at, json, Braces::AreHoles, allowed)?))
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

    pub(super) fn json(&self, at: &str, value: toml::Value, braces: Braces, allowed: &[Variable]) -> Result<JsonTemplate, InputError> {
        let plain = |value: Value| Ok(JsonTemplate::Plain(value));
        match value {
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
                .map(|(index, item)| self.json(&format!("{at}.{index}"), item, braces, allowed))
                .collect::<Result<_, _>>()
                .map(JsonTemplate::List),
            toml::Value::Table(table) => table
                .into_iter()
                .map(|(key, item)| {
                    let item = self.json(&format!("{at}.{key}"), item, braces, allowed)?;
                    Ok((key, item))
                })
                .collect::<Result<_, _>>()
                .map(JsonTemplate::Object),
        }
    }
}

fn is_upper_case(method: &Method) -> bool {
    !method.as_str().contains(|c: char| c.is_ascii_lowercase())
}
