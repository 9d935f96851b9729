//! What an exchange's reply means under the target's contract.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The meaning of one reply. Only `Visible` and `NotFound` are evidence about the window; the rest widens it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// An initiate was accepted and an id was found in it.
    Accepted,
    /// The endpoint knows the scan.
    Visible,
    /// The endpoint denies the scan.
    NotFound,
    /// The caller may not ask (401, 403).
    Refused,
    /// The caller asked too often (429).
    Throttled,
    /// The service failed (5xx).
    ServerError,
    /// No complete reply arrived; the exchange's `fault` says why.
    Transport,
    /// A reply arrived that the contract gives no meaning.
    Malformed,
}

impl Answer {
    /// Whether this answer says anything about visibility.
    pub fn is_evidence(self) -> bool {
        matches!(self, Answer::Visible | Answer::NotFound)
    }

    /// The word used in tables and timelines.
    pub fn word(self) -> &'static str {
        match self {
            Answer::Accepted => "accepted",
            Answer::Visible => "visible",
            Answer::NotFound => "not_found",
            Answer::Refused => "refused",
            Answer::Throttled => "throttled",
            Answer::ServerError => "server error",
            Answer::Transport => "no reply",
            Answer::Malformed => "malformed",
        }
    }
}

/// How a visible scan stands, in the harness's words; the target file maps the deployment's words to these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Accepted, queued or at work.
    Running,
    /// Ended well.
    Succeeded,
    /// Ended badly, and says so.
    Failed,
    /// A word the target file does not list.
    Unknown,
}

impl State {
    /// Whether the scan has ended.
    pub fn is_terminal(self) -> bool {
        matches!(self, State::Succeeded | State::Failed)
    }

    /// The word used in tables and timelines.
    pub fn word(self) -> &'static str {
        match self {
            State::Running => "running",
            State::Succeeded => "succeeded",
            State::Failed => "failed",
            State::Unknown => "unknown state",
        }
    }
}

/// Why no complete reply arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TransportFault {
    /// The connection was refused or could not be made.
    Connect,
    /// The host's name could not be resolved.
    Resolve,
    /// The proxy could not be reached, or did not let the request through.
    Proxy,
    /// The TLS handshake failed.
    Tls,
    /// The connection was not open within its limit.
    ConnectTimeout,
    /// The reply's head did not arrive within its limit.
    FirstByteTimeout,
    /// The exchange did not end within its limit.
    Timeout,
    /// The peer closed or reset the connection before the reply was whole.
    Closed,
    /// The reply was not HTTP, or its framing was broken.
    Protocol,
    /// The body was larger than the bound.
    TooLarge,
    /// A redirect that the rules do not allow to be followed.
    Redirect,
    /// The request itself could not be built, for example from a hostile `Location`.
    Request,
}

impl TransportFault {
    /// All of them.
    pub const ALL: [TransportFault; 12] = [
        TransportFault::Connect,
        TransportFault::Resolve,
        TransportFault::Proxy,
        TransportFault::Tls,
        TransportFault::ConnectTimeout,
        TransportFault::FirstByteTimeout,
        TransportFault::Timeout,
        TransportFault::Closed,
        TransportFault::Protocol,
        TransportFault::TooLarge,
        TransportFault::Redirect,
        TransportFault::Request,
    ];

    /// The word used in tables and timelines.
    pub fn word(self) -> &'static str {
        match self {
            TransportFault::Connect => "connection failed",
            TransportFault::Resolve => "name not resolved",
            TransportFault::Proxy => "refused by the proxy",
            TransportFault::Tls => "TLS failed",
            TransportFault::ConnectTimeout => "connecting timed out",
            TransportFault::FirstByteTimeout => "no first byte in time",
            TransportFault::Timeout => "timed out",
            TransportFault::Closed => "connection closed",
            TransportFault::Protocol => "broken HTTP",
            TransportFault::TooLarge => "body too large",
            TransportFault::Redirect => "redirect not followed",
            TransportFault::Request => "request not sendable",
        }
    }
}
