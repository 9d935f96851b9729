//! From the file as it is written to a [`Target`] that is checked whole, with a complaint that points to whatever is wrong.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue, Method};
use regex::Regex;
use serde_json::Value;

use crate::model::answer::{Answer, State};
use crate::model::input::{InputError, Source, nearest};

use super::address::{Base, OtherOrigins};
use super::file::{
    AskFile, ExtractFile, HttpCodes, IsFile, ReadFile, RuleFile, StateFile, StatesFile, TargetFile,
    WhenFile,
};
use super::json::JsonTemplate;
use super::place::{Extract, Path, Place};
use super::reading::{InitiateReader, Reader};
use super::request::{Body, Endpoint, Headers};
use super::rules::{Rule, Test, When};
use super::template::{Braces, Lookup, Template, TemplateFault, Variable, expand};
use super::{Cancel, FOREIGN, OWNER, REFERENCE, Read, Target};

/// The line of the reference file that another address replaces.
const REFERENCE_ADDRESS: &str = "base_url = \"${STATUSGAP_URL:-http://127.0.0.1:8080}\"";

/// The reference file, with another address.
pub(super) fn reference(base_url: &str, lookup: Lookup<'_>) -> Result<Target, InputError> {
    let base = Base::read(base_url).map_err(|message| InputError {
        file: base_url.to_owned(),
        place: None,
        message,
        hint: Some("a target is a file, or an address such as http://127.0.0.1:8080".to_owned()),
    })?;
    let address = format!("base_url = {}", toml::Value::from(base.text()));
    let text = REFERENCE.replacen(REFERENCE_ADDRESS, &address, 1);
    compile(
        Source {
            file: "opportunity-scan.toml",
            text: &text,
        },
        lookup,
    )
}

/// Understands a file.
pub(super) fn compile(source: Source<'_>, lookup: Lookup<'_>) -> Result<Target, InputError> {
    let mut file: TargetFile = source.read()?;
    let mut users = BTreeMap::new();
    users.insert(OWNER.to_owned(), Headers::new());
    let compiler = Compiler {
        source,
        lookup,
        users: file
            .users
            .keys()
            .cloned()
            .chain([OWNER.to_owned()])
            .collect(),
    };
    for (name, user) in &file.users {
        let at = format!("users.{name}.headers");
        let headers = compiler.headers(&at, &user.headers, Variable::WITHOUT_ID)?;
        users.insert(name.clone(), headers);
    }
    let name = compiler.text("name", &file.name)?;
    let base = Base::read(&compiler.text("base_url", &file.base_url)?).map_err(|problem| {
        compiler.complain(
            "base_url",
            problem,
            "for example `base_url = \"http://127.0.0.1:8080\"`",
        )
    })?;
    let unknown_id = compiler.unknown_id(file.unknown_id.as_deref())?;
    let ask = file.initiate.ask();
    let initiate = compiler.endpoint("initiate", ask, &Method::POST, Variable::WITHOUT_ID)?;
    let initiate_reader = InitiateReader {
        accept: file.initiate.accept.unwrap_or_else(HttpCodes::success),
        id: compiler.extract("initiate.id", &file.initiate.id, &[])?,
    };
    let status = compiler.read("status", file.status, None)?;
    let witness = file
        .witness
        .map(|read| compiler.read("witness", read, None))
        .transpose()?;
    let results = file
        .results
        .map(|read| compiler.read("results", read, Some(State::Running)))
        .transpose()?;
    let cancel = file
        .cancel
        .map(|mut cancel| {
            let ask = cancel.ask();
            let endpoint = compiler.endpoint("cancel", ask, &Method::POST, Variable::WITH_ID)?;
            if !endpoint.names_the_id() {
                return Err(compiler.complain(
                    "cancel.path",
                    "nothing here says which scan is to be cancelled",
                    "put `{id}` into the path, a header or the body",
                ));
            }
            Ok(Cancel {
                endpoint,
                seen_when: compiler.when("cancel.seen_when", &cancel.seen_when)?,
            })
        })
        .transpose()?;
    let filler = file
        .filler
        .map(|mut filler| {
            let ask = filler.ask();
            compiler.endpoint("filler", ask, &Method::GET, Variable::WITHOUT_ID)
        })
        .transpose()?;
    let told_apart = users
        .get(FOREIGN)
        .is_none_or(|foreign| Some(foreign) != users.get(&status.endpoint.user))
        || status.endpoint.names_the_user()
        || users[FOREIGN]
            .iter()
            .any(|(_, value)| value.variables().any(|variable| variable == Variable::User));
    if !told_apart {
        return Err(compiler.complain(
            "users.foreign",
            format!(
                "`foreign` sends the same headers as `{}`, so nothing would be learnt from it",
                status.endpoint.user
            ),
            "give it credentials of its own, or remove it: isolation is then not assessed",
        ));
    }
    Ok(Target {
        name,
        base,
        source_text: source.text.to_owned(),
        users,
        unknown_id,
        initiate,
        initiate_reader,
        status,
        witness,
        results,
        cancel,
        filler,
    })
}

struct Compiler<'a> {
    source: Source<'a>,
    lookup: Lookup<'a>,
    users: Vec<String>,
}

impl Compiler<'_> {
    fn complain(
        &self,
        at: &str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> InputError {
        self.source.complain(at, message, Some(hint.into()))
    }

    fn fault(&self, at: &str, fault: TemplateFault) -> InputError {
        self.complain(at, fault.message, fault.hint)
    }

    /// A text whose only holes are environment variables.
    fn text(&self, at: &str, text: &str) -> Result<String, InputError> {
        expand(text, self.lookup).map_err(|fault| self.fault(at, fault))
    }

    fn template(
        &self,
        at: &str,
        text: &str,
        braces: Braces,
        allowed: &[Variable],
    ) -> Result<Template, InputError> {
        Template::read(text, braces, allowed, self.lookup).map_err(|fault| self.fault(at, fault))
    }

    fn unknown_id(&self, text: Option<&str>) -> Result<Template, InputError> {
        let text = text.unwrap_or("{uuid}");
        let allowed = &[Variable::Uuid, Variable::N];
        let template = self.template("unknown_id", text, Braces::AreHoles, allowed)?;
        if !template
            .variables()
            .any(|variable| variable == Variable::Uuid)
        {
            return Err(self.complain(
                "unknown_id",
                "an id that is always the same may have been issued, or be remembered from the last run",
                "put `{uuid}` into it, for example \"scan_{uuid}\"",
            ));
        }
        Ok(template)
    }

    fn headers(
        &self,
        at: &str,
        headers: &BTreeMap<String, String>,
        allowed: &[Variable],
    ) -> Result<Headers, InputError> {
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

    fn header_name(&self, at: &str, name: &str) -> Result<HeaderName, InputError> {
        name.parse().map_err(|_| {
            self.complain(
                at,
                format!("`{name}` is not a header name"),
                "a header name has letters, digits and dashes, for example `X-Status`",
            )
        })
    }

    fn endpoint(
        &self,
        name: &str,
        ask: AskFile,
        method: &Method,
        allowed: &[Variable],
    ) -> Result<Endpoint, InputError> {
        let at = |key: &str| format!("{name}.{key}");
        let method = match &ask.method {
            None => method.clone(),
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

    fn path(&self, at: &str, path: &str, allowed: &[Variable]) -> Result<Template, InputError> {
        let template = self.template(at, path, Braces::AreHoles, allowed)?;
        let sample = template.fill(|_| "x".to_owned());
        if !sample.starts_with('/') {
            return Err(self.complain(
                at,
                "a path begins with a slash",
                "the address of the server is given once, as `base_url`",
            ));
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

    fn body(&self, name: &str, ask: AskFile, allowed: &[Variable]) -> Result<Body, InputError> {
        match (ask.json, ask.form, ask.body) {
            (None, None, None) => Ok(Body::None),
            (Some(json), None, None) => {
                let at = format!("{name}.json");
                Ok(Body::Json(self.json(
                    &at,
                    json,
                    Braces::AreHoles,
                    allowed,
                )?))
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
                self.template(&at, &text, Braces::AreText, allowed)
                    .map(Body::Text)
            }
            _ => Err(self.complain(
                name,
                "more than one of `json`, `form` and `body`",
                "a request has one body; keep one of them",
            )),
        }
    }

    fn json(
        &self,
        at: &str,
        value: toml::Value,
        braces: Braces,
        allowed: &[Variable],
    ) -> Result<JsonTemplate, InputError> {
        let plain = |value: Value| Ok(JsonTemplate::Plain(value));
        match value {
            toml::Value::String(text) => self
                .template(at, &text, braces, allowed)
                .map(JsonTemplate::Text),
            toml::Value::Datetime(stamp) => self
                .template(at, &stamp.to_string(), braces, allowed)
                .map(JsonTemplate::Text),
            toml::Value::Integer(number) => plain(number.into()),
            toml::Value::Boolean(truth) => plain(truth.into()),
            toml::Value::Float(number) => match serde_json::Number::from_f64(number) {
                Some(number) => plain(number.into()),
                None => Err(self.complain(
                    at,
                    format!("JSON has no number `{number}`"),
                    "write it as a text, or leave it out",
                )),
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

    fn read(
        &self,
        name: &str,
        mut file: ReadFile,
        not_yet: Option<State>,
    ) -> Result<Read, InputError> {
        let at = |key: &str| format!("{name}.{key}");
        let endpoint = self.endpoint(name, file.ask(), &Method::GET, Variable::WITH_ID)?;
        let rules = file
            .answer
            .iter()
            .enumerate()
            .map(|(index, rule)| self.rule(&at(&format!("answer.{index}")), rule))
            .collect::<Result<Vec<_>, _>>()?;
        let extract = |key: &str, file: &Option<ExtractFile>| {
            file.as_ref()
                .map(|file| self.extract(&at(key), file, Variable::ID_ALONE))
                .transpose()
        };
        let follow = extract("follow", &file.follow)?;
        let reader = Reader {
            state: extract("state", &file.state)?,
            echo: extract("echo", &file.echo)?,
            progress: extract("progress", &file.progress)?,
            states: self.states(&at("states"), &file.states)?,
            rules,
            not_yet,
        };
        if endpoint.path.is_none() && follow.is_none() {
            return Err(self.complain(
                name,
                "neither `path` nor `follow`: there is nothing to ask",
                "add `path = \"/…/{id}\"`, or `follow = { pointer = \"/poll_url\" }`",
            ));
        }
        if endpoint.path.is_some()
            && !endpoint.names_the_id()
            && !reader.rules.iter().any(|rule| rule.when.names_the_id())
        {
            return Err(self.complain(
                &at("path"),
                "nothing here says which scan is asked for",
                "put `{id}` into the path; for a list of all scans, add a rule whose `jsonpath` has '{id:raw}' in it",
            ));
        }
        if !reader.states.is_empty() && reader.state.is_none() {
            return Err(self.complain(
                &at("states"),
                "there are states, and nothing says where a reply has its state",
                "add `state = { pointer = \"/status\" }`",
            ));
        }
        if file.follow_other_origins && follow.is_none() {
            return Err(self.complain(
                &at("follow_other_origins"),
                "no address is followed here",
                "add `follow = { pointer = \"/poll_url\" }`, or remove this",
            ));
        }
        Ok(Read {
            endpoint,
            follow,
            others: if file.follow_other_origins {
                OtherOrigins::FollowedWithoutCredentials
            } else {
                OtherOrigins::Forbidden
            },
            reader,
        })
    }

    fn states(&self, at: &str, file: &StatesFile) -> Result<BTreeMap<String, State>, InputError> {
        let lists = [
            ("running", &file.running, State::Running),
            ("succeeded", &file.succeeded, State::Succeeded),
            ("failed", &file.failed, State::Failed),
        ];
        let mut states = BTreeMap::new();
        for (key, words, state) in lists {
            for (index, word) in words.iter().enumerate() {
                let at = format!("{at}.{key}.{index}");
                let word = self.text(&at, word)?;
                if let Some(earlier) = states.insert(word.clone(), state)
                    && earlier != state
                {
                    return Err(self.complain(
                        &at,
                        format!("`{word}` is also listed as {}", earlier.word()),
                        "a word means one state",
                    ));
                }
            }
        }
        Ok(states)
    }

    fn rule(&self, at: &str, file: &RuleFile) -> Result<Rule, InputError> {
        let answer = match file.is {
            IsFile::Visible => Answer::Visible,
            IsFile::NotFound => Answer::NotFound,
            IsFile::Refused => Answer::Refused,
            IsFile::Throttled => Answer::Throttled,
            IsFile::Error => Answer::ServerError,
        };
        if file.state.is_some() && answer != Answer::Visible {
            return Err(self.complain(
                &format!("{at}.state"),
                "only a visible scan has a state",
                "remove `state`, or write `is = \"visible\"`",
            ));
        }
        Ok(Rule {
            answer,
            state: file.state.map(|state| match state {
                StateFile::Running => State::Running,
                StateFile::Succeeded => State::Succeeded,
                StateFile::Failed => State::Failed,
            }),
            when: self.when(&format!("{at}.when"), &file.when)?,
        })
    }

    fn when(&self, at: &str, file: &WhenFile) -> Result<When, InputError> {
        let tests = self.tests(at, file)?;
        let place = self.place(
            at,
            [&file.pointer, &file.jsonpath, &file.header],
            Variable::ID_ALONE,
        )?;
        let body_matches = file
            .body_matches
            .as_ref()
            .map(|pattern| self.pattern(&format!("{at}.body_matches"), pattern))
            .transpose()?;
        let at_place = match (place, tests.is_empty()) {
            (Some(place), false) => Some((place, tests)),
            (None, true) => None,
            (Some(_), true) => {
                return Err(self.complain(
                    at,
                    "a place is named, and nothing is asked of what stands there",
                    "add `equals`, `one_of`, `matches`, `exists`, `null` or `empty`",
                ));
            }
            (None, false) => {
                return Err(self.complain(
                    at,
                    "something is asked, and no place is named",
                    "add `pointer = \"/status\"`, a `jsonpath` or a `header`",
                ));
            }
        };
        if file.http.is_none() && at_place.is_none() && body_matches.is_none() {
            return Err(self.complain(
                at,
                "an empty condition holds for every reply",
                "add `http`, `pointer`, `jsonpath`, `header` or `body_matches`",
            ));
        }
        Ok(When {
            http: file.http.clone(),
            at: at_place,
            body_matches,
        })
    }

    fn tests(&self, at: &str, file: &WhenFile) -> Result<Vec<Test>, InputError> {
        let mut tests = Vec::new();
        if let Some(wanted) = &file.equals {
            let at = format!("{at}.equals");
            let wanted = self.json(&at, wanted.clone(), Braces::AreText, Variable::ID_ALONE)?;
            tests.push(Test::OneOf(vec![wanted]));
        }
        if let Some(list) = &file.one_of {
            let at = format!("{at}.one_of");
            if list.is_empty() {
                return Err(self.complain(&at, "nothing is one of none", "list what it may be"));
            }
            let list = list
                .iter()
                .map(|wanted| self.json(&at, wanted.clone(), Braces::AreText, Variable::ID_ALONE))
                .collect::<Result<_, _>>()?;
            tests.push(Test::OneOf(list));
        }
        if let Some(pattern) = &file.matches {
            let pattern = self.pattern(&format!("{at}.matches"), pattern)?;
            tests.push(Test::Matches(pattern));
        }
        tests.extend(file.exists.map(Test::Exists));
        tests.extend(file.null.map(Test::Null));
        tests.extend(file.empty.map(Test::Empty));
        Ok(tests)
    }

    fn extract(
        &self,
        at: &str,
        file: &ExtractFile,
        allowed: &[Variable],
    ) -> Result<Extract, InputError> {
        let Some(place) = self.place(at, [&file.pointer, &file.jsonpath, &file.header], allowed)?
        else {
            return Err(self.complain(
                at,
                "no place is named",
                "write `{ pointer = \"/id\" }`, `{ jsonpath = \"$.id\" }` or `{ header = \"Location\" }`",
            ));
        };
        let pattern = file
            .pattern
            .as_ref()
            .map(|pattern| self.pattern(&format!("{at}.pattern"), pattern))
            .transpose()?;
        Ok(Extract { place, pattern })
    }

    /// The one place that is named, if any is.
    fn place(
        &self,
        at: &str,
        [pointer, jsonpath, header]: [&Option<String>; 3],
        allowed: &[Variable],
    ) -> Result<Option<Place>, InputError> {
        let path = |key: &str, written: &str| {
            let template =
                self.template(&format!("{at}.{key}"), written, Braces::AreText, allowed)?;
            Ok::<_, InputError>(Path {
                template,
                written: written.to_owned(),
            })
        };
        match (pointer, jsonpath, header) {
            (None, None, None) => Ok(None),
            (Some(written), None, None) => {
                let path = path("pointer", written)?;
                check_pointer(&path.pointer("x")).map_err(|message| {
                    self.complain(
                        &format!("{at}.pointer"),
                        message,
                        "a JSON Pointer looks like `/jobs/0/id`; `~` is written `~0` and `/` in a name `~1`",
                    )
                })?;
                Ok(Some(Place::Pointer(path)))
            }
            (None, Some(written), None) => {
                let path = path("jsonpath", written)?;
                path.query("x").map_err(|error| {
                    self.complain(
                        &format!("{at}.jsonpath"),
                        format!("not a JSONPath: {error}"),
                        "a JSONPath (RFC 9535) looks like `$.jobs[?@.id == '{id:raw}']`",
                    )
                })?;
                Ok(Some(Place::JsonPath(path)))
            }
            (None, None, Some(name)) => {
                let at = format!("{at}.header");
                let name = self.text(&at, name)?;
                self.header_name(&at, &name).map(Place::Header).map(Some)
            }
            _ => Err(self.complain(
                at,
                "more than one of `pointer`, `jsonpath` and `header`",
                "one place at a time: keep one of them",
            )),
        }
    }

    fn pattern(&self, at: &str, pattern: &str) -> Result<Regex, InputError> {
        Regex::new(&self.text(at, pattern)?).map_err(|error| {
            let text = error.to_string();
            let cause = text.lines().last().unwrap_or_default().trim();
            let cause = cause.strip_prefix("error: ").unwrap_or(cause);
            self.complain(
                at,
                format!("not a regular expression: {cause}"),
                "a literal character such as `(` or `.` is written `\\(` or `\\.`; single quotes spare doubling the backslash",
            )
        })
    }
}

fn is_upper_case(method: &Method) -> bool {
    !method.as_str().contains(|c: char| c.is_ascii_lowercase())
}

/// RFC 6901, section 3.
fn check_pointer(pointer: &str) -> Result<(), &'static str> {
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return Err("a JSON Pointer begins with a slash");
    }
    let escapes = pointer.split('~').skip(1);
    if escapes
        .into_iter()
        .any(|after| !after.starts_with(['0', '1']))
    {
        return Err("a `~` in a JSON Pointer is followed by `0` or `1`");
    }
    Ok(())
}
