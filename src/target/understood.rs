//! What a target file was understood to say, in words: each request, and how its replies are read.
//!
//! Values of the environment stay out: requests are shown with `${NAME}`, as the file has them.

use http::Method;

use crate::model::answer::State;
use crate::model::exchange::Kind;

use super::captured::About;
use super::file::{HttpCode, HttpCodes};
use super::json::JsonTemplate;
use super::logged::{LoggedRequest, LoggedTarget};
use super::reading::{Capture, IdSource, Reader};
use super::rules::{Rule, Test, When};
use super::selector::Extract;
use super::steps::Step;
use super::{LaterWrite, Read, Target};

/// One line: what it is about, and what was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Understood {
    /// The table of the file, or a part of it, which is indented.
    pub label: String,
    /// In words.
    pub text: String,
}

/// So much of a body is shown.
const BODY_SHOWN: usize = 160;

impl Target {
    /// What the file says, request by request.
    pub fn understood(&self) -> Vec<Understood> {
        let Some(logged) = LoggedTarget::read(&self.note()) else { return Vec::new() };
        let mut telling = Telling { logged: &logged, lines: Vec::new() };
        telling.all();
        telling.lines
    }
}

struct Telling<'a> {
    logged: &'a LoggedTarget,
    lines: Vec<Understood>,
}

impl Telling<'_> {
    fn say(&mut self, label: &str, text: impl Into<String>) {
        self.lines.push(Understood { label: label.to_owned(), text: text.into() });
    }

    fn part(&mut self, label: &str, text: impl Into<String>) {
        self.say(&format!("  {label}"), text);
    }

    fn all(&mut self) {
        let logged = self.logged;
        let target = logged.target();
        self.say("called", format!("one {}, several {}", target.noun.one(), target.noun.many()));
        for (nth, login) in target.logins.iter().enumerate() {
            self.request("login", Kind::Login, nth);
            if nth > 0 || login.step.endpoint.user != super::OWNER {
                self.part("of", login.step.endpoint.user.clone());
            }
            self.step(&login.step);
            let lasts = match (&login.expires, login.lasts) {
                (Some(expires), _) => format!("for as many seconds as {} says, and until a 401", self.place(expires)),
                (None, Some(lasts)) => format!("for {lasts:?}, and until a 401"),
                (None, None) => "until a 401".to_owned(),
            };
            self.part("lasts", lasts);
        }
        for (index, step) in target.setup.iter().enumerate() {
            self.request("setup", Kind::Setup, index);
            self.step(step);
        }
        self.request("initiate", Kind::Initiate, 0);
        let reader = &target.initiate_reader;
        self.part("accepted", codes(&reader.accept));
        let id = match &reader.id {
            IdSource::InReply(place) => format!("from the reply, at {}", self.place(place)),
            IdSource::OfTheClient(template) => {
                let text = template.fill(|variable| About::scan("", &logged.marked()).value(variable));
                format!("the client gives it: {}", logged.shown(&text))
            }
        };
        self.part("id", id);
        self.captures(&reader.capture);
        if target.orphan {
            self.part("after a failure", "the job is looked for all the same, 3 times");
        }
        self.read("status", Kind::Poll, &target.status);
        for (label, kind, read) in [("witness", Kind::Witness, &target.witness), ("results", Kind::Results, &target.results)] {
            if let Some(read) = read {
                self.read(label, kind, read);
            }
        }
        for (write, LaterWrite { seen_when, .. }) in &target.writes {
            self.request(write.section(), write.kind(), 0);
            let seen = seen_when.as_ref().map_or_else(|| "not_found".to_owned(), |when| self.when(when));
            self.part("seen", format!("when a status reply has {seen}"));
        }
        if target.filler.is_some() {
            self.request("filler", Kind::Filler, 0);
        }
        for slo in &target.slo {
            self.say("objective", slo.to_string());
        }
    }

    fn step(&mut self, step: &Step) {
        self.part("accepted", codes(&step.accept));
        self.captures(&step.capture);
    }

    fn captures(&mut self, captures: &[Capture]) {
        for capture in captures {
            let from = self.place(&capture.from);
            self.part(&format!("{{{}}}", capture.name), format!("from the reply, at {from}"));
        }
    }

    /// The request of an endpoint, with its headers and its body.
    fn request(&mut self, label: &str, kind: Kind, step: usize) {
        let logged = self.logged;
        let Some(request) = logged.request_of(kind, step) else {
            let method = logged.method(kind).unwrap_or(&Method::GET);
            self.say(label, format!("{method} to the address that is handed out"));
            return;
        };
        let LoggedRequest { method, path, headers, body } = &request;
        self.say(label, format!("{method} {}", logged.written(path)));
        let headers: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {}", logged.written(value))).collect();
        if !headers.is_empty() {
            self.part("headers", headers.join(", "));
        }
        let body = logged.written(body);
        if !body.is_empty() {
            self.part("body", crate::model::limits::cut(body, BODY_SHOWN));
        }
        if let Some(endpoint) = logged.endpoint_of(kind, step) {
            let bases: Vec<String> = endpoint.bases.iter().map(|base| logged.shown(base.text())).collect();
            if !bases.is_empty() {
                let turns = if bases.len() > 1 { ", by turns" } else { "" };
                self.part("address", format!("{}{turns}", bases.join(" and ")));
            }
            if endpoint.cookies {
                self.part("cookies", "those that the job's earlier replies set");
            }
        }
    }

    fn read(&mut self, label: &str, kind: Kind, read: &Read) {
        self.request(label, kind, 0);
        if let Some(follow) = &read.follow {
            let suffix = if follow.suffix.is_empty() { String::new() } else { format!(", with {} added", follow.suffix) };
            let chain = if follow.chain { "; each status reply may give the next one" } else { "" };
            let when = if read.endpoint.path.is_some() { ", where a scenario asks for that" } else { "" };
            self.part("follows", format!("the address at {} of the initiate's reply{suffix}{when}{chain}", self.place(&follow.from)));
        }
        if let Some(pages) = &read.pages {
            self.part("pages", format!("{} at most, each next one at {}", pages.most, self.place(&pages.next)));
        }
        if read.conditional {
            self.part("conditional", "If-None-Match with the last ETag; 304 means as before");
        }
        if read.ask_before {
            self.part("asked before", "one poll before the initiate");
        }
        if let Some(held) = read.long_poll {
            self.part("held", format!("for up to {held}, on purpose"));
        }
        self.reader(&read.reader, kind);
    }

    fn reader(&mut self, reader: &Reader, kind: Kind) {
        for (number, Rule { answer, state, when }) in (1..).zip(&reader.rules) {
            let state = state.map_or_else(String::new, |state| format!(" and {}", state.word()));
            let when = self.when(when);
            self.part(&format!("rule {number}"), format!("{}{state}, if the reply has {when}", answer.word()));
        }
        let ended = if kind == Kind::Poll { ", 302 303 307 to another address visible and ended" } else { "" };
        self.part("else", format!("401 403 refused, 404 410 not_found, 429 throttled, 5xx error, 2xx visible{ended}"));
        if let Some(state) = &reader.state {
            let words = |wanted: State| -> Option<String> {
                let words: Vec<String> =
                    reader.states.iter().filter(|(_, state)| **state == wanted).map(|(word, _)| self.logged.shown(word)).collect();
                (!words.is_empty()).then(|| format!("{}: {}", wanted.word(), words.join(" ")))
            };
            let states: Vec<String> = [State::Running, State::Succeeded, State::Failed].into_iter().filter_map(words).collect();
            let states = if states.is_empty() { "no word has a meaning".to_owned() } else { states.join("; ") };
            self.part("state", format!("at {}; {states}", self.place(state)));
        }
        for (label, place) in [("echo", &reader.echo), ("progress", &reader.progress), ("made at", &reader.created)] {
            if let Some(place) = place {
                self.part(label, format!("at {}", self.place(place)));
            }
        }
        if let Some(complete) = &reader.complete {
            let complete = self.when(complete);
            self.part("complete", format!("when a visible reply has {complete}"));
        }
    }

    fn place(&self, extract: &Extract) -> String {
        let place = self.logged.shown(&extract.selector.written());
        match &extract.pattern {
            Some(pattern) => format!("{place}, what `{}` matches", self.logged.shown(pattern.as_str())),
            None => place,
        }
    }

    fn when(&self, when: &When) -> String {
        let mut parts: Vec<String> = when.http.iter().map(|codes_of| format!("code {}", codes(codes_of))).collect();
        if let Some((selector, tests)) = &when.at {
            let tests: Vec<String> = tests.iter().map(|test| self.test(test)).collect();
            parts.push(format!("{} {}", self.logged.shown(&selector.written()), tests.join(" and ")));
        }
        parts.extend(when.body_matches.iter().map(|pattern| format!("a body that `{}` matches", self.logged.shown(pattern.as_str()))));
        parts.extend(when.all.iter().map(|part| self.when(part)));
        parts.join(" and ")
    }

    fn test(&self, test: &Test) -> String {
        match test {
            Test::OneOf(wanted) => {
                let wanted: Vec<String> = wanted.iter().map(|wanted| self.json(wanted)).collect();
                format!("equal to {}", wanted.join(" or "))
            }
            Test::Matches(pattern) => format!("that `{}` matches", self.logged.shown(pattern.as_str())),
            Test::Exists(true) => "there".to_owned(),
            Test::Exists(false) => "missing".to_owned(),
            Test::Null(true) => "null".to_owned(),
            Test::Null(false) => "not null".to_owned(),
            Test::Empty(true) => "empty".to_owned(),
            Test::Empty(false) => "not empty".to_owned(),
        }
    }

    fn json(&self, wanted: &JsonTemplate) -> String {
        let marked = self.logged.marked();
        let id = self.logged.marked_id();
        let text = wanted.fill(&|variable| About::scan(&id, &marked).value(variable));
        self.logged.shown(&String::from_utf8_lossy(&text))
    }
}

/// Codes in words: `200, 202` or `2xx`.
fn codes(codes: &HttpCodes) -> String {
    let word = |code: &HttpCode| match code {
        HttpCode::Exactly(code) => code.to_string(),
        HttpCode::Hundred(hundred) => format!("{hundred}xx"),
    };
    codes.0.iter().map(word).collect::<Vec<_>>().join(", ")
}
