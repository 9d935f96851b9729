//! Where a log comes from whose requests somebody else sent, and what such a recording cannot show.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::time::Nanos;

/// A note in the header of a log that was made from a recording. No request was sent for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Recording {
    /// What kind of recording it was: `har`, `k6-json`, `access-log` or `ndjson`.
    pub format: String,
    /// The file, as it was named.
    pub file: String,
    /// Requests in it.
    pub requests: u64,
    /// Those among them that were to this target.
    pub recognised: u64,
    /// What it cannot show, with numbers.
    pub blind: Vec<Blind>,
}

/// Something that a recording cannot show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "blind", rename_all = "snake_case")]
pub enum Blind {
    /// Nobody asked for an id that was never issued, so whether `visible` means anything is open.
    Controls,
    /// The clients chose when to poll: at other ages nobody looked.
    ClientsChose,
    /// Replies were told by their code alone.
    NoBodies {
        /// How many polls.
        polls: u64,
    },
    /// Replies whose meaning stands in a body that was not recorded.
    BodyDecides {
        /// How many polls.
        polls: u64,
    },
    /// Which connection carried a request was not recorded.
    NoConnections,
    /// How long a request took was not recorded.
    NoDurations,
    /// The stamps are the server's: the way to the client is not in them.
    ServerClock,
    /// The stamps are coarse, and every bracket is wider by their step.
    CoarseStamps {
        /// The step.
        step: Nanos,
    },
    /// Scans whose id was found by the order of one client's requests.
    Paired {
        /// How many.
        scans: u64,
    },
    /// Scans whose initiate is not in the recording or cannot be told: their age counts from their first poll.
    Inferred {
        /// How many.
        scans: u64,
    },
    /// Ids that were denied whenever they were asked for, and that nothing proves to have been issued.
    DeniedOnly {
        /// How many.
        ids: u64,
    },
    /// Accepted initiates whose id is not known.
    Unmatched {
        /// How many.
        initiates: u64,
    },
    /// Polls by another user than the one who had asked for the scan.
    OtherUsers {
        /// How many.
        polls: u64,
    },
    /// Lines or entries that could not be read.
    BadLines {
        /// How many.
        lines: u64,
        /// The first few of them, from 1.
        first: Vec<u64>,
    },
}
