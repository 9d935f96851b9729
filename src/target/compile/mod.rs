//! From the file as it is written to a [`Target`] that is checked whole, with a complaint that points to whatever is wrong.

mod objectives;
mod polling;
mod replies;
mod requests;
mod steps;
mod writes;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::model::answer::State;
use crate::model::exchange::Kind;
use crate::model::redaction::without_query;
use crate::model::run::HttpVersion;
use crate::model::source::{InputError, Source};

use super::address::{Base, OtherOrigins, ShownBase};
use super::credentials;
use super::file::{ExtractFile, HttpFile, ReadFile, StatesFile, TargetFile, TlsFile};
use super::hints;
use super::reading::{IdSource, Reader};
use super::redirect::{Own, Redirects};
use super::request::Headers;
use super::template::{Braces, Lookup, Template, TemplateFault, Variable, expand};
use super::{FOREIGN, OWNER, REFERENCE, Read, Target, TlsFiles, WriteKind};

/// The line of the reference file that another address replaces.
const REFERENCE_ADDRESS: &str = "base_url = \"${STATUSGAP_URL:-http://127.0.0.1:8080}\"";

/// The lines of the reference file by which the service gives the id, and those by which the client does.
const IDS: [(&str, &str); 2] = [
    ("symbols = [\"S{n}-{uuid}\"] }", "symbols = [\"S{n}-{uuid}\"], scan_id = \"scan_{uuid}\" }"),
    ("id = { pointer = \"/scan_id\" }", "id = \"scan_{uuid}\"\norphan = true"),
];

/// The reference file, with another address, and perhaps with ids that the client gives.
pub(super) fn reference(base_url: &str, names_scans: bool, lookup: Lookup<'_>) -> Result<Target, InputError> {
    let base = Base::read(base_url).map_err(|message| InputError {
        file: without_query(base_url),
        place: None,
        message,
        hint: Some("a target is a file, or an address such as http://127.0.0.1:8080".to_owned()),
    })?;
    let address = format!("base_url = {}", toml::Value::from(base.text()));
    let text = REFERENCE.replacen(REFERENCE_ADDRESS, &address, 1);
    let text = if names_scans { IDS.iter().fold(text, |text, (service, client)| text.replacen(service, client, 1)) } else { text };
    compile_at(Source { file: "opportunity-scan.toml", text: &text }, lookup, |address| address)
}

/// Compiles a file, for the address that `at` makes of the file's own.
pub(super) fn compile_at(source: Source<'_>, lookup: Lookup<'_>, at: impl FnOnce(String) -> String) -> Result<Target, InputError> {
    let mut file: TargetFile = source.read().map_err(hints::explained)?;
    let mut users = BTreeMap::new();
    users.insert(OWNER.to_owned(), Headers::new());
    let mut compiler = Compiler {
        source,
        lookup,
        users: file.users.keys().cloned().chain([OWNER.to_owned()]).collect(),
        captures: Vec::new(),
        of_user: None,
        cookies: file.cookies,
    };
    // What a login captures stands in the headers of users, so it comes first.
    let mut logins = Vec::new();
    if let Some(login) = file.login.take() {
        logins.push(compiler.login("login", login)?);
    }
    for (name, user) in &mut file.users {
        if let Some(login) = user.login.take() {
            logins.push(compiler.login_of(name, login)?);
        }
        let at = format!("users.{name}.headers");
        let headers = compiler.headers(&at, &user.headers, Variable::WITHOUT_ID)?;
        compiler.of_user = None;
        users.insert(name.clone(), headers);
    }
    let name = compiler.text("name", &file.name)?;
    let noun = compiler.noun(file.noun.as_deref())?;
    let slo = compiler.slo(&file.slo.unwrap_or_default())?;
    let address = compiler.template("base_url", &file.base_url, Braces::AreText, &[])?;
    let base = Base::read(&at(address.fill(|_| String::new())))
        .map_err(|problem| compiler.complain("base_url", problem, "for example `base_url = \"http://127.0.0.1:8080\"`"))?;
    let setup = compiler.setup(std::mem::take(&mut file.setup))?;
    let orphan = file.initiate.orphan;
    let (initiate, initiate_reader) = compiler.initiate(file.initiate)?;
    let unknown_id = match (&file.unknown_id, &initiate_reader.id) {
        // An id that was never issued looks like those that are.
        (None, IdSource::OfTheClient(template)) => template.clone(),
        (written, _) => compiler.unknown_id(written.as_deref())?,
    };
    let status = compiler.read("status", file.status, Asked::Status(&base))?;
    let witness = file.witness.map(|read| compiler.read("witness", read, Asked::Witness)).transpose()?;
    let results = file.results.map(|read| compiler.read("results", read, Asked::Results)).transpose()?;
    let mut writes = BTreeMap::new();
    if let Some(mut cancel) = file.cancel {
        let write = compiler.write(WriteKind::Cancel, cancel.ask(), Some(&cancel.seen_when))?;
        writes.insert(WriteKind::Cancel, write);
    }
    if let Some(mut update) = file.update {
        let write = compiler.write(WriteKind::Update, update.ask(), Some(&update.seen_when))?;
        writes.insert(WriteKind::Update, write);
    }
    if let Some(mut delete) = file.delete {
        let write = compiler.write(WriteKind::Delete, delete.ask(), delete.seen_when.as_ref())?;
        writes.insert(WriteKind::Delete, write);
    }
    let filler = file
        .filler
        .map(|mut filler| {
            let ask = filler.ask();
            compiler.endpoint("filler", ask, Kind::Filler, Variable::WITHOUT_ID)
        })
        .transpose()?;
    let told_apart = users.get(FOREIGN).is_none_or(|foreign| Some(foreign) != users.get(&status.endpoint.user))
        || status.endpoint.names_the_user()
        || users[FOREIGN].iter().any(|(_, value)| value.variables().any(|variable| variable == Variable::User));
    if !told_apart {
        return Err(compiler.complain(
            "users.foreign",
            format!("`foreign` sends the same headers as `{}`, so nothing would be learnt from it", status.endpoint.user),
            "give it credentials of its own, or remove it: isolation is then not assessed",
        ));
    }
    if status.ask_before && matches!(initiate_reader.id, IdSource::InReply(_)) {
        return Err(compiler.complain(
            "status.ask_before",
            "before the initiate there is no id to ask for",
            "it takes an id that the client gives: `id = \"{uuid}\"` in [initiate]",
        ));
    }
    let tls = compiler.tls(&file.tls)?;
    let http = match file.http {
        Some(HttpFile::Two) => HttpVersion::Two,
        Some(HttpFile::One) | None => HttpVersion::One,
    };
    Ok(Target {
        name,
        noun,
        slo,
        shown_base: ShownBase::of(&base, &address),
        base,
        http,
        tls,
        source_text: credentials::struck(source.text),
        literal_secrets: credentials::literals(source.text).into_iter().map(|literal| literal.value).collect(),
        users,
        unknown_id,
        logins,
        setup,
        captures: compiler.captures,
        initiate,
        initiate_reader,
        orphan,
        status,
        witness,
        results,
        writes,
        filler,
        shapes: OnceLock::new(),
    })
}

/// Which endpoint is read.
#[derive(Clone, Copy)]
enum Asked<'a> {
    /// The one under test, at this base.
    Status(&'a Base),
    Witness,
    Results,
}

struct Compiler<'a> {
    source: Source<'a>,
    lookup: Lookup<'a>,
    users: Vec<String>,
    /// The names of what was captured so far.
    captures: Vec<String>,
    /// The same as one user sees them, whose own login may give something of the same name.
    of_user: Option<Vec<String>>,
    /// Whether cookies go along where an endpoint does not say otherwise.
    cookies: bool,
}

impl Compiler<'_> {
    fn tls(&self, file: &TlsFile) -> Result<TlsFiles, InputError> {
        let named = |key: &str, name: &Option<String>| name.as_ref().map(|name| self.text(&format!("tls.{key}"), name)).transpose();
        if file.client_key.is_some() && file.client_cert.is_none() {
            return Err(self.complain("tls.client_key", "a key without its certificate", "give tls.client_cert, too"));
        }
        Ok(TlsFiles {
            ca: named("ca", &file.ca)?,
            client_cert: named("client_cert", &file.client_cert)?,
            client_key: named("client_key", &file.client_key)?,
        })
    }

    fn complain(&self, at: &str, message: impl Into<String>, hint: impl Into<String>) -> InputError {
        self.source.complain(at, message, Some(hint.into()))
    }

    fn fault(&self, at: &str, fault: TemplateFault) -> InputError {
        self.complain(at, fault.message, fault.hint)
    }

    /// A text whose only holes are environment variables.
    fn text(&self, at: &str, text: &str) -> Result<String, InputError> {
        expand(text, self.lookup).map_err(|fault| self.fault(at, fault))
    }

    fn template(&self, at: &str, text: &str, braces: Braces, allowed: &[Variable]) -> Result<Template, InputError> {
        // What was captured may stand wherever a scan's own text may.
        let known = self.of_user.as_ref().unwrap_or(&self.captures);
        let captures = if allowed.contains(&Variable::Uuid) { known.as_slice() } else { &[] };
        Template::read(text, braces, allowed, captures, self.lookup).map_err(|fault| self.fault(at, fault))
    }

    fn unknown_id(&self, text: Option<&str>) -> Result<Template, InputError> {
        let text = text.unwrap_or("{uuid}");
        Template::read(text, Braces::AreHoles, Variable::IN_IDS, &[], self.lookup).map_err(|fault| self.fault("unknown_id", fault))
    }

    fn read(&self, name: &str, mut file: ReadFile, asked: Asked<'_>) -> Result<Read, InputError> {
        let at = |key: &str| format!("{name}.{key}");
        let endpoint = self.endpoint(name, file.ask(), Kind::Poll, Variable::WITH_ID)?;
        let rules = file
            .answer
            .iter()
            .enumerate()
            .map(|(index, rule)| self.rule(&at(&format!("answer.{index}")), rule))
            .collect::<Result<Vec<_>, _>>()?;
        let extract =
            |key: &str, file: &Option<ExtractFile>| file.as_ref().map(|file| self.extract(&at(key), file, Variable::IN_RULES)).transpose();
        let follow = file.follow.map(|follow| self.follow(&at("follow"), follow, asked)).transpose()?;
        let pages = file.pages.as_ref().map(|pages| self.pages(&at("pages"), pages, asked)).transpose()?;
        self.only_status(
            name,
            asked,
            &[
                ("conditional", file.conditional),
                ("ask_before", file.ask_before),
                ("complete", file.complete.is_some()),
                ("created", file.created.is_some()),
            ],
        )?;
        let reader = Reader {
            state: extract("state", &file.state)?,
            echo: extract("echo", &file.echo)?,
            progress: extract("progress", &file.progress)?,
            complete: file.complete.as_ref().map(|when| self.when(&at("complete"), when)).transpose()?,
            created: extract("created", &file.created)?,
            states: self.states(&at("states"), &file.states)?,
            rules,
            not_yet: if matches!(asked, Asked::Results) { Some(State::Running) } else { None },
            redirects: match asked {
                Asked::Status(base) => {
                    Redirects::ElsewhereIsTheEnd(Own { base: endpoint.base(base, 0).clone(), path: endpoint.path.clone() })
                }
                Asked::Witness | Asked::Results => Redirects::NoAnswer,
            },
        };
        if endpoint.path.is_none() && follow.is_none() {
            return Err(self.complain(
                name,
                "neither `path` nor `follow`: there is nothing to ask",
                "add `path = \"/…/{id}\"`, or `follow = { pointer = \"/poll_url\" }`",
            ));
        }
        if endpoint.path.is_some() && !endpoint.names_the_scan() && !reader.rules.iter().any(|rule| rule.when.names_the_scan()) {
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
            pages,
            conditional: file.conditional,
            ask_before: file.ask_before,
            long_poll: self.long_poll(&at("long_poll"), file.long_poll, asked)?,
            others: if file.follow_other_origins { OtherOrigins::FollowedWithoutCredentials } else { OtherOrigins::Forbidden },
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
                    return Err(self.complain(&at, format!("`{word}` is also listed as {}", earlier.word()), "a word means one state"));
                }
            }
        }
        Ok(states)
    }
}
