//! How requests travel: over sockets, or in process. A closed enum, and one function at its seam.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;

use crate::model::answer::TransportFault;
use crate::model::exchange::Connection;
use crate::model::time::Stamp;
use crate::model::trace::SpanId;
use crate::probe::clock::Clock;
use crate::probe::in_process::{InProcess, InProcessLane};
use crate::probe::network::{Network, NetworkLane, NetworkRequest};
use crate::probe::trace_ids::{self, TRACEPARENT, TraceIds};
use crate::target::{Request, RequestError};

/// Sockets, or calls.
#[derive(Debug, Clone)]
pub enum Transport {
    /// HTTP over sockets.
    Network(Network),
    /// The reference service's router, called on virtual time.
    InProcess(InProcess),
}

/// A place to send from. Exchanges on one kept lane share its connection; on a fresh lane each has its own; on pooled lanes each
/// has whichever is idle.
#[derive(Debug)]
pub(crate) enum Lane {
    Network(NetworkLane),
    InProcess(InProcessLane),
}

/// A request that only waits for its time.
#[derive(Debug, Clone)]
pub(crate) enum Prepared {
    Network(NetworkRequest),
    /// Boxed, so that the others need not hold the place for it.
    InProcess(Box<http::Request<Bytes>>),
}

/// A request as it leaves.
pub(crate) enum AsSent<'a> {
    /// HTTP/1.1, byte for byte.
    Bytes(&'a [u8]),
    /// Anything else: what is packed only when it leaves.
    Message { method: &'a http::Method, uri: &'a http::Uri, headers: &'a http::HeaderMap, body: &'a [u8] },
}

impl Prepared {
    pub(crate) fn as_sent(&self) -> AsSent<'_> {
        match self {
            Prepared::Network(request) => request.as_sent(),
            Prepared::InProcess(request) => {
                AsSent::Message { method: request.method(), uri: request.uri(), headers: request.headers(), body: request.body() }
            }
        }
    }
}

/// Why a request cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unsendable {
    /// The target could not make it.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// Its address or a header is none that HTTP could carry.
    #[error("the address or a header cannot be sent over HTTP")]
    Address,
}

/// How long an exchange may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// As long as any.
    pub(crate) usual: Duration,
    /// And for so much longer, where the target holds it on purpose.
    pub(crate) held: Duration,
}

impl Limits {
    pub(crate) fn whole(self) -> Duration {
        self.usual.saturating_add(self.held)
    }
}

/// A complete reply.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) http: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

/// What came of one request.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// When the reply's head had arrived.
    pub(crate) first_byte: Option<Stamp>,
    /// When the reply's last byte had arrived, or it was given up.
    pub(crate) done: Stamp,
    /// Which connection carried it.
    pub(crate) conn: Option<u32>,
    /// Whether the connection was new.
    pub(crate) new_conn: Option<bool>,
    pub(crate) reply: Result<Received, TransportFault>,
    /// Which rule or limit of HTTP a broken reply broke, if that is known.
    pub(crate) broken: Option<&'static str>,
}

impl Transport {
    /// A lane for one poller.
    pub(crate) fn lane(&self, connection: Connection) -> Lane {
        match self {
            Transport::Network(_) => Lane::Network(NetworkLane::new(connection)),
            Transport::InProcess(in_process) => Lane::InProcess(in_process.lane(connection)),
        }
    }

    /// What of the way there must not be recorded, should a reply repeat it.
    pub(crate) fn secrets(&self) -> Vec<String> {
        match self {
            Transport::Network(network) => network.secrets(),
            Transport::InProcess(_) => Vec::new(),
        }
    }

    /// The ids of its requests, where they carry any.
    pub fn trace_ids(&self) -> Option<&TraceIds> {
        match self {
            Transport::Network(network) => network.trace_ids(),
            Transport::InProcess(in_process) => in_process.trace_ids(),
        }
    }

    /// The request with the ids of one exchange, and the exchange's half of them.
    pub(crate) fn traced<'r>(&self, request: &'r Prepared) -> (Cow<'r, Prepared>, Option<SpanId>) {
        let traced = self.trace_ids().and_then(|ids| match request {
            Prepared::Network(request) => request.traced(ids).map(|(request, own)| (Prepared::Network(request), own)),
            Prepared::InProcess(request) => {
                request.headers().get(TRACEPARENT).filter(|value| trace_ids::is_placeholder(value))?;
                let (mut request, own) = (request.clone(), ids.next());
                request.headers_mut().insert(TRACEPARENT, ids.value(own));
                Some((Prepared::InProcess(request), own))
            }
        });
        traced.map_or((Cow::Borrowed(request), None), |(request, own)| (Cow::Owned(request), Some(own)))
    }

    /// Does everything for a request that can be done before its time has come.
    pub(crate) fn prepare(&self, request: Request) -> Result<Prepared, Unsendable> {
        match self {
            Transport::Network(network) => network.prepare(request).map(Prepared::Network),
            Transport::InProcess(in_process) => in_process.prepare(request).map(Box::new).map(Prepared::InProcess),
        }
    }

    /// Sends one request and reads the whole reply, within its limits. The only place where requests leave the harness.
    pub(crate) async fn exchange(&self, lane: &Lane, request: &Prepared, limits: Limits, clock: &Clock) -> Outcome {
        let mut head = Head::default();
        let reply = match (self, lane, request) {
            (Transport::Network(network), Lane::Network(lane), Prepared::Network(request)) => {
                network.send(lane, request, limits, clock, &mut head).await
            }
            (Transport::InProcess(in_process), Lane::InProcess(lane), Prepared::InProcess(request)) => {
                // Boxed, so that exchanges over sockets need not hold the place for it.
                let reply = Box::pin(tokio::time::timeout(limits.whole(), in_process.send(lane, request, clock, &mut head))).await;
                reply.unwrap_or(Err(TransportFault::Timeout))
            }
            // Lanes and prepared requests are made by the same transport and never leave the probe.
            _ => Err(TransportFault::Request),
        };
        Outcome {
            first_byte: head.first_byte,
            done: head.done.unwrap_or_else(|| clock.now()),
            conn: head.conn,
            new_conn: head.new_conn,
            reply,
            broken: head.broken,
        }
    }
}

/// What is known of a reply before it is whole; kept outside the time limits, so that a time-out does not lose it.
#[derive(Debug, Default)]
pub(crate) struct Head {
    pub(crate) first_byte: Option<Stamp>,
    /// When the last byte had arrived, if that was earlier than it was read.
    pub(crate) done: Option<Stamp>,
    pub(crate) conn: Option<u32>,
    pub(crate) new_conn: Option<bool>,
    pub(crate) broken: Option<&'static str>,
}
