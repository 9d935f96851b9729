//! One request with its answer: the unit of evidence, and the line of the log.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::answer::{Answer, State, TransportFault};
use crate::model::compact::CompactOption;
use crate::model::digest::Digest;
use crate::model::text::{Text, Texts};
use crate::model::time::{Nanos, Stamp};
use crate::model::trace::SpanId;

/// What an exchange was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Gets the credentials that other requests need.
    Login,
    /// A step before the initiate.
    Setup,
    /// Reads the status of a scan that has not been asked for yet, by the id that it will have.
    EarlyPoll,
    /// Asks for a scan; its last byte is the scan's t = 0.
    Initiate,
    /// Reads the status of a scan whose initiate failed, by the id that the client gave it.
    OrphanPoll,
    /// Asks a second time for a scan with the same input.
    Repeat,
    /// Reads the status of a scan as its owner.
    Poll,
    /// Reads a page of a list on which the scan is not, and which says where the list goes on.
    Page,
    /// Reads the status of a scan as a user who must not see it: a control.
    ForeignPoll,
    /// Reads the status of an id that was never issued: a control.
    UnknownPoll,
    /// Reads the endpoint that knows the scan independently of status.
    Witness,
    /// Reads the scan's results.
    Results,
    /// The second write: asks for the scan to be cancelled.
    Cancel,
    /// The second write: changes the scan.
    Update,
    /// The last write: deletes the scan.
    Delete,
    /// A harmless request that shifts round-robin routing.
    Filler,
}

impl Kind {
    /// The word used in tables and timelines.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Login => "login",
            Kind::Setup => "setup",
            Kind::EarlyPoll => "early poll",
            Kind::OrphanPoll => "orphan poll",
            Kind::Page => "page",
            Kind::Initiate => "initiate",
            Kind::Repeat => "repeat",
            Kind::Poll => "poll",
            Kind::ForeignPoll => "foreign poll",
            Kind::UnknownPoll => "unknown-id poll",
            Kind::Witness => "witness",
            Kind::Results => "results",
            Kind::Cancel => "cancel",
            Kind::Update => "update",
            Kind::Delete => "delete",
            Kind::Filler => "filler",
        }
    }

    /// What one such request is called where requests are counted.
    pub fn noun(self) -> &'static str {
        match self {
            Kind::Witness => "witness reading",
            Kind::Results => "results reading",
            other => other.word(),
        }
    }
}

/// How an exchange travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Connection {
    /// A connection of its own, opened for this exchange.
    Fresh,
    /// The connection that also carried the scan's initiate, kept open.
    KeepAlive,
    /// A connection of its own that was opened and warmed before it was needed.
    PreOpened,
    /// Whichever of the run's connections was idle, the one used last first, and a new one where all were in use: as most clients
    /// travel. The initiate does, too.
    Pooled,
}

impl Connection {
    /// The word used in files, tables and results.
    pub fn word(self) -> &'static str {
        match self {
            Connection::Fresh => "fresh",
            Connection::KeepAlive => "keep-alive",
            Connection::PreOpened => "pre-opened",
            Connection::Pooled => "pooled",
        }
    }

    /// Whether nothing else of its scan, or of another one, went before it on its connection but what warmed it: where something
    /// did, the same worker may have answered, or held the connection back.
    pub fn is_own(self) -> bool {
        match self {
            Connection::Fresh | Connection::PreOpened => true,
            Connection::KeepAlive | Connection::Pooled => false,
        }
    }

    /// How the initiate travels of a scan whose polls travel like this. A kept connection carries both, a pool is everybody's, and
    /// otherwise the initiate has a connection of its own, like any client's.
    #[must_use]
    pub fn of_initiate(self) -> Connection {
        if self.is_own() { Connection::Fresh } else { self }
    }
}

/// Which rule of the scenario asked for a poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A gate offset: the scenario asks for a poll at this very age.
    Offset,
    /// A follow-up poll that watches the scan.
    Follow,
    /// A poll after a later write (repeat, cancel, update or delete); the last write before it is the one it asks about.
    Then,
    /// A reading that is not tied to an age: controls, witness, results, fillers, initiates.
    Other,
    /// It was refused because its login had expired, and was sent again with a new one: it says nothing of its scan.
    Expired,
}

/// One exchange, as it stands in the log. All stamps are actual; `planned` is when it should have been sent.
///
/// Its texts are shared with the exchanges around it, so that a million of them fit into 160 MB.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Exchange {
    /// Index of the scenario in the run.
    pub scenario: u32,
    /// Index of the arm in the scenario.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub arm: u32,
    /// The scan's number in the run, from 0; `None` for exchanges that belong to no scan.
    #[serde(default, skip_serializing_if = "CompactOption::is_none")]
    pub scan: CompactOption<u64>,
    /// What it was for.
    pub kind: Kind,
    /// Which rule asked for it.
    pub purpose: Purpose,
    /// How it travelled.
    pub connection: Connection,
    /// Which concurrent poller sent it, from 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub poller: u32,
    /// For gate offsets: the age asked for, since t = 0 (or since the second write's answer for `Purpose::Then`).
    #[serde(default, skip_serializing_if = "CompactOption::is_none")]
    pub offset: CompactOption<Nanos>,
    /// When it should have been sent.
    pub planned: Stamp,
    /// When it was sent: the instant before the first byte could leave.
    pub sent: Stamp,
    /// When the reply's head had arrived. Like `done` by the kernel's stamp where there is one (HTTP/1.1 over TCP on Linux), and by
    /// when it was read otherwise; either is an upper bound for when the target sent it.
    #[serde(default, skip_serializing_if = "CompactOption::is_none")]
    pub first_byte: CompactOption<Stamp>,
    /// When the reply's last byte had arrived; for a failed exchange, when it was given up.
    pub done: Stamp,
    /// Which connection carried it (the local port over sockets).
    #[serde(default, skip_serializing_if = "CompactOption::is_none")]
    pub conn: CompactOption<u32>,
    /// Whether that connection was new with this exchange.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_conn: Option<bool>,
    /// The HTTP status code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<u16>,
    /// What the reply means.
    pub answer: Answer,
    /// Why there was no complete reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<TransportFault>,
    /// How the scan stood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// The deployment's own word for the state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub word: Option<Text>,
    /// Progress as the deployment counts it.
    #[serde(default, skip_serializing_if = "CompactOption::is_none")]
    pub progress: CompactOption<f64>,
    /// The id that was handed out (initiate), or asked for where it is not the scan's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Text>,
    /// The id that the reply carried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub echo: Option<Text>,
    /// Which worker answered, as far as the reply says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<Text>,
    /// What a cache in front said of itself (`Age`, `X-Cache`, `Via` and the like), joined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<Text>,
    /// For polls after a cancel, an update or a delete: whether the target's `seen_when` of that write held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<bool>,
    /// Whether a visible answer had everything that belongs to the scan, where the target file says how that is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complete: Option<bool>,
    /// When the service says that it made the record, in ms since 1970.
    #[serde(default, skip_serializing_if = "CompactOption::is_none")]
    pub created: CompactOption<u64>,
    /// Whether the request was sent to the address that was handed out, with a cache-busting query, or as the initiate's caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<Route>,
    /// The second half of the request's trace id, after the half in the run's header; also the id of the span that it names as its
    /// parent. `None` where no `traceparent` of ours was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<SpanId>,
    /// First 16 hex digits of the body's SHA-1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The body, bounded, kept for whatever is not an expected answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Text>,
}

/// An address other than the target's own template for the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// The address that the initiate's answer handed out.
    HandedOut,
    /// The usual address with a query string of its own, so that no cache has it.
    CacheBusted,
    /// The usual address, asked for with the initiate's user and headers instead of the status endpoint's own.
    AsInitiator,
}

impl Exchange {
    /// Round trip from the actual sending, to the last byte.
    pub fn round_trip(&self) -> std::time::Duration {
        self.done.elapsed_from(self.sent)
    }

    /// How much later than planned it was sent; negative if early.
    pub fn lateness(&self) -> Nanos {
        self.sent.since(self.planned)
    }

    /// The texts in it.
    pub fn texts(&self) -> impl Iterator<Item = &Text> {
        [&self.word, &self.id, &self.echo, &self.worker, &self.cache, &self.body].into_iter().flatten()
    }

    /// Gives up its copies of texts that `texts` holds already.
    pub fn share_texts(&mut self, texts: &mut Texts) {
        let mine = [&mut self.word, &mut self.id, &mut self.echo, &mut self.worker, &mut self.cache, &mut self.body];
        for text in mine.into_iter().flatten() {
            *text = texts.shared(text);
        }
    }

    /// Whether a complete reply arrived.
    pub fn was_answered(&self) -> bool {
        self.fault.is_none()
    }

    /// The answer in words, with the deployment's own state where it gave one: `visible (scanning)`. A `not_found` that was
    /// answered as a refusal says so: `not_found (403)`.
    pub fn told(&self) -> String {
        answered(self.answer, self.word.as_deref(), self.fault, self.http)
    }
}

/// An answer in words, from its parts: see [`Exchange::told`].
pub(crate) fn answered(answer: Answer, word: Option<&str>, fault: Option<TransportFault>, http: Option<u16>) -> String {
    match (answer, word, fault) {
        (Answer::NotFound, ..) if http.is_some_and(|code| (400..500).contains(&code) && !matches!(code, 404 | 410)) => {
            format!("{} ({})", answer.word(), http.unwrap_or_default())
        }
        (Answer::Visible, Some(word), _) => word.to_owned(),
        (Answer::Transport, _, Some(fault)) => fault.word().to_owned(),
        (answer, _, _) => answer.word().to_owned(),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out a reference")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_exchanges_fit_into_a_hundred_and_sixty_megabytes() {
        assert!(size_of::<Exchange>() <= 160, "{}", size_of::<Exchange>());
    }
}
