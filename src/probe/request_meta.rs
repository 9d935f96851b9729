//! What the log says of a request before it is sent.

use std::sync::Arc;

use crate::model::answer::Answer;
use crate::model::compact::CompactOption;
use crate::model::exchange::{Connection, Exchange, Kind, Purpose, Route};
use crate::model::redaction::Redaction;
use crate::model::text::Text;
use crate::model::time::{Nanos, Stamp};
use crate::probe::pace::Urgency;

/// A request about to be sent: everything of its log line that is known beforehand.
#[derive(Debug, Clone)]
pub(crate) struct RequestMeta {
    pub(super) scenario: u32,
    pub(super) arm: u32,
    pub(super) scan: Option<u64>,
    pub(super) kind: Kind,
    pub(super) purpose: Purpose,
    pub(super) connection: Connection,
    pub(super) poller: u32,
    pub(super) offset: Option<Nanos>,
    pub(super) planned: Stamp,
    pub(super) route: Option<Route>,
    pub(super) id: Option<Text>,
    /// When its poll began, if a request went before it.
    pub(super) begun: Option<Stamp>,
    /// Whether a 401 means that its login has expired.
    pub(super) renews: bool,
    /// What only its scan keeps secret.
    pub(super) secrets: Option<Arc<Redaction>>,
}

impl RequestMeta {
    /// A request that belongs to no scan, on a fresh connection.
    pub(crate) fn other(scenario: u32, kind: Kind, planned: Stamp) -> RequestMeta {
        RequestMeta {
            scenario,
            arm: 0,
            scan: None,
            kind,
            purpose: Purpose::Other,
            connection: Connection::Fresh,
            poller: 0,
            offset: None,
            planned,
            route: None,
            id: None,
            begun: None,
            renews: false,
            secrets: None,
        }
    }

    /// The same, by this poller of its scan.
    pub(crate) fn of_poller(self, poller: u32) -> RequestMeta {
        RequestMeta { poller, ..self }
    }

    /// The same, for the last request of a poll that began earlier.
    pub(crate) fn begun_at(self, begun: Stamp) -> RequestMeta {
        RequestMeta { begun: Some(begun), ..self }
    }

    /// The same, for a request that is sent again with a new login after a 401.
    pub(crate) fn renewing(self, renews: bool) -> RequestMeta {
        RequestMeta { renews, ..self }
    }

    pub(crate) fn renews(&self) -> bool {
        self.renews
    }

    pub(crate) fn secrets(&self) -> Option<&Redaction> {
        self.secrets.as_deref()
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// A look at a job beside what is measured: it is not evidence, and counts as a filler.
    pub(crate) fn look(scenario: u32, arm: u32, scan: u64, id: &str, now: Stamp) -> RequestMeta {
        RequestMeta { arm, scan: Some(scan), ..RequestMeta::other(scenario, Kind::Filler, now) }.with_id(id)
    }

    /// A poll of a job that its scan's own polls left denied.
    pub(crate) fn follow(scenario: u32, arm: u32, scan: u64, now: Stamp) -> RequestMeta {
        RequestMeta { arm, scan: Some(scan), purpose: Purpose::Follow, ..RequestMeta::other(scenario, Kind::Poll, now) }
    }

    /// The same by another way than the usual one.
    pub(crate) fn by_route(mut self, route: Route) -> RequestMeta {
        self.route = Some(route);
        self
    }

    /// When it was to leave.
    pub(crate) fn planned(&self) -> Stamp {
        self.planned
    }

    /// Whether nothing but ourselves could make it leave late: it waits for no answer before it.
    pub(crate) fn is_due(&self) -> bool {
        self.kind == Kind::Poll && self.purpose == Purpose::Offset && matches!(self.connection, Connection::Fresh | Connection::Pooled)
    }

    /// How long it can wait where the target asked for less.
    pub(crate) fn urgency(&self) -> Urgency {
        match self.kind {
            Kind::Initiate | Kind::Repeat => Urgency::StartsJob,
            _ if self.offset.is_some() && self.purpose != Purpose::Follow => Urgency::DueAt(self.planned),
            _ => Urgency::Patient,
        }
    }

    pub(crate) fn with_id(mut self, id: &str) -> RequestMeta {
        self.id = Some(id.into());
        self
    }

    /// The log line, as far as it is known when the request leaves.
    pub(crate) fn begin(&self, now: Stamp) -> Exchange {
        let sent = self.begun.unwrap_or(now);
        Exchange {
            scenario: self.scenario,
            arm: self.arm,
            scan: self.scan.into(),
            kind: self.kind,
            purpose: self.purpose,
            connection: self.connection,
            poller: self.poller,
            offset: self.offset.into(),
            planned: self.planned,
            sent,
            first_byte: CompactOption::NONE,
            done: now,
            conn: CompactOption::NONE,
            new_conn: None,
            http: None,
            answer: Answer::Transport,
            fault: None,
            state: None,
            word: None,
            progress: CompactOption::NONE,
            id: self.id.clone(),
            echo: None,
            worker: None,
            cache: None,
            seen: None,
            complete: None,
            created: CompactOption::NONE,
            route: self.route,
            trace: None,
            digest: None,
            body: None,
        }
    }

    /// Whether an answer is worth keeping the body of.
    pub(crate) fn is_unexpected(&self, answer: Answer) -> bool {
        match self.kind {
            Kind::Initiate | Kind::Repeat | Kind::Login | Kind::Setup => answer != Answer::Accepted,
            Kind::Poll | Kind::Witness => answer != Answer::Visible,
            Kind::ForeignPoll | Kind::UnknownPoll | Kind::EarlyPoll | Kind::OrphanPoll => answer != Answer::NotFound,
            Kind::Results | Kind::Cancel | Kind::Update | Kind::Delete => !answer.is_evidence(),
            Kind::Filler | Kind::Page => false,
        }
    }
}
