//! From single requests to scans: whose id is whose, where t = 0 lies, and what had to be left out.

use std::collections::{BTreeMap, HashSet};

use http::HeaderMap;

use super::record::Record;
use super::{Format, ImportError, Imported, Options, scans};
use crate::model::answer::{Answer, TransportFault};
use crate::model::compact::CompactOption;
use crate::model::exchange::{Connection, Exchange, Kind, Purpose};
use crate::model::limits::{LONGEST_NOTE, LONGEST_WORD, cut};
use crate::model::recording::{Blind, Recording};
use crate::model::run::EndReason;
use crate::model::text::Text;
use crate::model::time::{Nanos, Stamp};
use crate::target::{Hosts, Initiated, Reading, Reply, RouteMatcher, Target, Variables, WriteKind};

/// A request to the target, with what its reply meant; bodies are dropped by now.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) kind: Kind,
    pub(super) id: Option<String>,
    pub(super) from: i64,
    pub(super) done: i64,
    pub(super) step: i64,
    pub(super) http: Option<u16>,
    pub(super) reading: Reading,
    pub(super) client: Option<String>,
    pub(super) user: Option<String>,
    worker: Option<String>,
    cache: Option<String>,
    pub(super) connection: Option<String>,
}

/// Takes records one by one, keeps what is about the target, and makes scans of it at the end.
#[derive(Debug)]
pub(super) struct Assembler<'a> {
    target: &'a Target,
    routes: RouteMatcher,
    /// Recognises by path alone, to tell a wrong address from a wrong path.
    elsewhere: RouteMatcher,
    /// Addresses that initiates handed out, for targets whose status is only followed.
    addresses: BTreeMap<String, String>,
    seen: Vec<Seen>,
    requests: u64,
    elsewhere_at: Option<String>,
    without_body: u64,
    untold: u64,
    untimed: bool,
    bad: (u64, Vec<u64>),
}

impl<'a> Assembler<'a> {
    pub(super) fn new(target: &'a Target, hosts: Hosts) -> Assembler<'a> {
        Assembler {
            target,
            routes: RouteMatcher::new(target, hosts),
            elsewhere: RouteMatcher::new(target, Hosts::Any),
            addresses: BTreeMap::new(),
            seen: Vec::new(),
            requests: 0,
            elsewhere_at: None,
            without_body: 0,
            untold: 0,
            untimed: false,
            bad: (0, Vec::new()),
        }
    }

    /// Notes what could not be read.
    pub(super) fn bad_lines(&mut self, lines: u64, first: Vec<u64>) {
        self.bad = (lines, first);
    }

    /// Takes one request.
    pub(super) fn take(&mut self, record: Record) {
        self.requests += 1;
        let Some((kind, id)) = self.recognise(&record) else { return };
        self.untimed |= !record.timed;
        let worker = record.worker.clone().or_else(|| crate::target::worker(&record.headers)).map(|name| cut(name, LONGEST_WORD));
        let cache = crate::target::cache_note(&record.headers).map(|note| cut(note, LONGEST_NOTE));
        let (id, reading) = if kind == Kind::Initiate {
            self.read_initiate(&record, id)
        } else {
            let reading = self.read_about(kind, &record, id.as_deref().unwrap_or_default());
            (id, reading)
        };
        let kind = if kind == Kind::Poll && self.target.is_foreign(&record.asked_with) { Kind::ForeignPoll } else { kind };
        self.seen.push(Seen {
            kind,
            id,
            from: record.from,
            done: record.done.max(record.from),
            step: record.step,
            http: record.http,
            reading,
            client: record.client,
            user: record.user,
            worker,
            cache,
            connection: record.connection,
        });
    }

    fn recognise(&mut self, record: &Record) -> Option<(Kind, Option<String>)> {
        if let Some(found) = self.routes.route_of(&record.method, &record.url) {
            return (found.kind != Kind::Filler).then_some((found.kind, found.id));
        }
        if let Some(id) = self.routes.absolute(&record.url).and_then(|url| self.addresses.get(url.as_str())) {
            return Some((Kind::Poll, Some(id.clone())));
        }
        if self.elsewhere_at.is_none()
            && self.elsewhere.route_of(&record.method, &record.url).is_some_and(|found| found.kind != Kind::Filler)
        {
            self.elsewhere_at = self.elsewhere.absolute(&record.url).map(|url| url.origin().ascii_serialization());
        }
        None
    }

    fn read_initiate(&mut self, record: &Record, in_address: Option<String>) -> (Option<String>, Reading) {
        let Some(http) = record.http else { return (None, by_answer(Answer::Transport)) };
        if self.target.client_gives_ids() {
            return match (in_address.or_else(|| record.id.clone()), self.target.initiate_by_code(http)) {
                (None, Answer::Accepted) => {
                    let reason = "the client gives the id, and its address does not show it".to_owned();
                    (None, Reading { reason: Some(reason), ..by_answer(Answer::Malformed) })
                }
                (id, Answer::Accepted) => (id, by_answer(Answer::Accepted)),
                (_, answer) => (None, by_answer(answer)),
            };
        }
        if let (Some(id), Answer::Accepted) = (&record.id, self.target.initiate_by_code(http)) {
            return (Some(id.clone()), by_answer(Answer::Accepted));
        }
        match self.target.read_initiate(&reply(http, &record.headers, record.body.as_deref()), &Variables::default()) {
            Initiated::Accepted(accepted) => {
                if let Some(address) = accepted.handed_out.as_deref().and_then(|address| self.target.handed_out(address))
                    && self.target.only_follows()
                {
                    self.addresses.insert(address, accepted.id.clone());
                }
                (Some(accepted.id), by_answer(Answer::Accepted))
            }
            // Without a body there is no id to be found; that it was accepted is told by the code.
            Initiated::Failed { .. } if record.body.is_none() => (None, by_answer(self.target.initiate_by_code(http))),
            Initiated::Failed { answer, reason } => (None, Reading { reason: Some(reason), ..by_answer(answer) }),
        }
    }

    fn read_about(&mut self, kind: Kind, record: &Record, id: &str) -> Reading {
        let Some(http) = record.http else { return by_answer(Answer::Transport) };
        let Some(body) = &record.body else {
            let reading = if WriteKind::of(kind).is_some() { by_answer(Answer::Visible) } else { self.target.read_code(kind, http) };
            if kind == Kind::Poll {
                self.without_body += 1;
                self.untold += u64::from(reading.answer == Answer::Malformed);
            }
            return reading;
        };
        let reply = reply(http, &record.headers, Some(body));
        match kind {
            Kind::Witness => self.target.read_witness(&reply, id),
            Kind::Results => self.target.read_results(&reply, id),
            Kind::Cancel | Kind::Update | Kind::Delete => by_answer(self.target.read_by_code(&reply)),
            _ => self.target.read_status(&reply, id),
        }
    }

    /// Makes scans of what was taken.
    pub(super) fn finish(self, file: &str, format: &Format, options: &Options<'_>) -> Result<Imported, ImportError> {
        if !self.seen.iter().any(|seen| matches!(seen.kind, Kind::Initiate | Kind::Poll)) {
            return Err(ImportError::NothingRecognised { file: file.to_owned(), requests: self.requests, hint: self.hint() });
        }
        let recognised = self.seen.len() as u64;
        let step = self.seen.iter().map(|seen| seen.step).max().unwrap_or(1);
        let connections = self.seen.iter().any(|seen| seen.connection.is_some());
        let polls = self.seen.iter().filter(|seen| seen.kind == Kind::Poll).count() as u64;
        let base = self.seen.iter().map(|seen| seen.from.saturating_sub(seen.step)).min().unwrap_or(0);
        let sorted = scans::sort(self.seen);

        let mut blind = vec![Blind::Controls, Blind::ClientsChose];
        let mut add = |blind_to: Blind, so: bool| {
            if so {
                blind.push(blind_to);
            }
        };
        add(Blind::BodyDecides { polls: self.untold }, self.untold > 0);
        add(Blind::NoBodies { polls: self.without_body }, self.without_body > self.untold);
        add(Blind::NoConnections, !connections && polls > 0);
        add(Blind::NoDurations, self.untimed);
        add(Blind::ServerClock, format.is_of_server());
        add(Blind::CoarseStamps { step: Nanos(step) }, step > 1_000_000);
        add(Blind::Paired { scans: sorted.paired }, sorted.paired > 0);
        add(Blind::Inferred { scans: sorted.inferred }, sorted.inferred > 0);
        add(Blind::DeniedOnly { ids: sorted.denied_only }, sorted.denied_only > 0);
        add(Blind::Unmatched { initiates: sorted.unmatched }, sorted.unmatched > 0);
        add(Blind::OtherUsers { polls: sorted.other_users }, sorted.other_users > 0);
        add(Blind::BadLines { lines: self.bad.0, first: self.bad.1 }, self.bad.0 > 0);

        let (exchanges, scenarios) = scans::tell(&sorted, base, options);
        let started = jiff::Timestamp::from_nanosecond(i128::from(base)).unwrap_or_default().to_string();
        let recording = Recording { format: format.name().to_owned(), file: file.to_owned(), requests: self.requests, recognised, blind };
        Ok(Imported { run: None, end: Some(EndReason::Complete), started, scenarios, exchanges, recording, resolution: Nanos(step.max(1)) })
    }

    fn hint(&self) -> String {
        if let Some(origin) = &self.elsewhere_at {
            return format!(
                "requests to {origin} have the right paths, and the target's base_url is {}: put it right, or add --any-host",
                self.target.shown_url()
            );
        }
        if !self.routes.sees_polls() && !self.target.only_follows() {
            return "the target file's status path has no `{id}`, so that a recorded address does not say which scan was meant".to_owned();
        }
        format!(
            "compare the paths of [initiate] and [status] in the target file, below {}, with those in the recording",
            self.target.shown_url()
        )
    }
}

fn by_answer(answer: Answer) -> Reading {
    Reading::of(answer)
}

fn reply<'r>(http: u16, headers: &'r HeaderMap, body: Option<&'r [u8]>) -> Reply<'r> {
    Reply { http, headers, body: body.unwrap_or_default() }
}

impl Seen {
    /// The line of the log, with stamps that begin at `base`.
    ///
    /// What the stamp's step leaves open is given away: a poll was sent no earlier than a step before its stamp (its own step is
    /// that of t = 0 as well, from which ages count) and answered no later than a step after it; t = 0 is the earliest instant.
    /// A poll whose stamp lies within its step of t = 0 was sent after it, since it has the id.
    pub(super) fn exchange(&self, base: i64, t0: Option<i64>) -> Exchange {
        let is_start = self.kind == Kind::Initiate;
        let mut sent = self.from - self.step;
        let mut done = if is_start { self.done } else { self.done + self.step };
        if let Some(t0) = t0
            && !is_start
            && sent < t0
            && self.from + self.step >= t0
        {
            sent = t0;
        }
        sent = sent.max(base);
        done = done.max(sent);
        let stamp = |at: i64| Stamp(at.saturating_sub(base).unsigned_abs());
        let reading = &self.reading;
        Exchange {
            scenario: 0,
            arm: 0,
            scan: CompactOption::NONE,
            kind: self.kind,
            purpose: if self.kind == Kind::Poll { Purpose::Follow } else { Purpose::Other },
            connection: Connection::Fresh,
            poller: 0,
            offset: CompactOption::NONE,
            planned: stamp(sent),
            sent: stamp(sent),
            first_byte: CompactOption::NONE,
            done: stamp(done),
            conn: CompactOption::NONE,
            new_conn: None,
            http: self.http,
            answer: reading.answer,
            fault: (reading.answer == Answer::Transport).then_some(TransportFault::Closed),
            state: reading.state,
            word: reading.word.clone().map(|word| Text::from(cut(word, LONGEST_WORD))),
            progress: reading.progress.into(),
            id: self.id.clone().filter(|_| is_start).map(Text::from),
            echo: reading.echo.clone().map(Text::from),
            worker: self.worker.clone().map(Text::from),
            cache: self.cache.clone().map(Text::from),
            seen: None,
            complete: reading.complete,
            created: reading.created.and_then(|created| u64::try_from(created).ok()).into(),
            route: None,
            trace: None,
            digest: None,
            // Why, and never what: a recording may hold credentials that no target file names.
            body: reading.reason.as_ref().map(|reason| Text::from(format!("[{}]", cut(reason.clone(), LONGEST_NOTE)))),
        }
    }

    /// How it travelled, seen from the initiate; a recording that does not say counts as fresh, and the report says so.
    pub(super) fn travelled(&self, initiate: Option<&Seen>, known: &mut HashSet<String>) -> (Connection, Option<bool>) {
        let Some(connection) = &self.connection else { return (Connection::Fresh, None) };
        let new = known.insert(connection.clone());
        if initiate.is_some_and(|initiate| initiate.connection.as_ref() == Some(connection)) {
            (Connection::KeepAlive, Some(false))
        } else if new {
            (Connection::Fresh, Some(true))
        } else {
            (Connection::PreOpened, Some(false))
        }
    }
}
