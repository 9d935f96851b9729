//! The lines of a log that are not exchanges: how a run began, and how it ended.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::allow::Allow;
use crate::model::contact::Contact;
use crate::model::digest::Digest;
use crate::model::exchange::Exchange;
use crate::model::fault::FaultClass;
use crate::model::fault::Owner;
use crate::model::noun::Noun;
use crate::model::recording::Recording;
use crate::model::scenario::Scenario;
use crate::model::second_opinion::SecondOpinion;
use crate::model::shard::Share;
use crate::model::slo::Slo;
use crate::model::span::{Inside, Span, SpanIntake};
use crate::model::time::{self, Nanos, Stamp};
use crate::model::trace::{SpanId, TraceId};

/// Version of the schema of logs without spans. Readers refuse a later one than they know.
pub const LOG_SCHEMA: u32 = 1;

/// The version of a log that has spans, which readers of version 1 do not know.
pub const LOG_SCHEMA_WITH_SPANS: u32 = 2;

/// The latest version that can be read.
pub const NEWEST_LOG_SCHEMA: u32 = LOG_SCHEMA_WITH_SPANS;

/// One line of a log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "line", rename_all = "snake_case")]
pub enum Line {
    /// The first line.
    Run(Box<Run>),
    /// A scenario that was decided on while the run was under way; it takes the next index.
    Scenario(Box<Scenario>),
    /// One exchange.
    Exchange(Box<Exchange>),
    /// A scenario starts no more scans, although more were planned: the verdict on its gate is known.
    Stopped(Stopped),
    /// A scenario of an investigation that was left out, because too few jobs were left for it.
    NotAsked(NotAsked),
    /// What the target says it did in one span.
    Span(Box<Span>),
    /// What became of all the spans that came in.
    SpanIntake(SpanIntake),
    /// The last line. A log without it is a partial run.
    End(End),
}

/// How a run began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// [`LOG_SCHEMA`] of the writer, or [`LOG_SCHEMA_WITH_SPANS`].
    pub schema: u32,
    /// The writer's name and version.
    pub tool: String,
    /// The run's own id.
    pub run_id: String,
    /// Wall clock at stamp zero, RFC 3339.
    pub started: String,
    /// The seed of all the run's randomness.
    pub seed: u64,
    /// What was probed.
    pub target: TargetNote,
    /// The scenarios, in order; later `Scenario` lines add to them.
    pub scenarios: Vec<Scenario>,
    /// How send times were held.
    pub clock: ClockNote,
    /// Which part of a larger run this is, or of which parts it was put together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Share>,
    /// The run beside which this one was made, scan by scan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<Pair>,
    /// The failures that are put up with for a while.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<Allow>,
    /// The command that repeats the run.
    pub command: String,
    /// Where it ran.
    pub environment: Environment,
    /// For a log that was made from a recording: which, and what it cannot show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<Recording>,
    /// What the target answered before the first scenario began; `None` where its contract was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Contact>,
    /// The first half of the trace ids of all exchanges; `None` where requests carried no `traceparent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_prefix: Option<SpanId>,
}

/// What was probed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TargetNote {
    /// The target's name.
    pub name: String,
    /// Its address, without credentials.
    pub base_url: String,
    /// The target file as it was written, so that environment variables stand as `${NAME}` and never as values.
    pub file: String,
    /// For the reference service started by the run itself: its settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// What the target file lets the run assess.
    pub can: Capabilities,
    /// Where a status reply is read, and how long it may be held.
    #[serde(default, skip_serializing_if = "StatusNote::is_empty")]
    pub status: StatusNote,
    /// Which HTTP was spoken.
    #[serde(default, skip_serializing_if = "HttpVersion::is_usual")]
    pub http: HttpVersion,
    /// What a job of this target is called. Older logs have none.
    #[serde(default = "Noun::of_older_logs", skip_serializing_if = "Noun::is_of_older_logs")]
    pub noun: Noun,
    /// The objectives of the target file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slo: Vec<Slo>,
}

impl TargetNote {
    /// Whose service it is: only the reference service that the run itself started has numbered options.
    pub fn owner(&self) -> Owner {
        if self.service.is_some() { Owner::Reference } else { Owner::Other }
    }
}

/// How the target file has status replies read, for reports that say what was looked for. Missing in older logs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct StatusNote {
    /// The place of the state, as it is written in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The place of the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub echo: Option<String>,
    /// The place of the progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<String>,
    /// For how long the service holds a status request on purpose while nothing changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_poll: Option<time::Span>,
}

impl StatusNote {
    fn is_empty(&self) -> bool {
        *self == StatusNote::default()
    }
}

/// Which HTTP is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum HttpVersion {
    /// HTTP/1.1.
    #[default]
    #[serde(rename = "1.1")]
    One,
    /// HTTP/2: agreed on over TLS, spoken at once (prior knowledge) without.
    #[serde(rename = "2")]
    Two,
}

impl HttpVersion {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out a reference")]
    fn is_usual(&self) -> bool {
        *self == HttpVersion::One
    }
}

/// What a target file describes beyond initiate and status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about a file, each a yes or a no")]
pub struct Capabilities {
    /// A second user who must not see the owner's scans.
    pub foreign_user: bool,
    /// An independent witness.
    pub witness: bool,
    /// A results endpoint.
    pub results: bool,
    /// A cancel endpoint.
    pub cancel: bool,
    /// An endpoint that changes a scan.
    #[serde(default)]
    pub update: bool,
    /// An endpoint that deletes a scan.
    #[serde(default)]
    pub delete: bool,
    /// How many steps there are before each initiate.
    #[serde(default)]
    pub setups: u32,
    /// How many pages of a list one poll looks at, at most; 0: status is not a list.
    #[serde(default)]
    pub pages: u32,
    /// A login, whose credentials requests need.
    #[serde(default)]
    pub login: bool,
    /// Each scan is polled once before it is asked for.
    #[serde(default)]
    pub asks_before: bool,
    /// A scan whose initiate failed is looked for.
    #[serde(default)]
    pub orphans: bool,
    /// Whether a visible answer has everything that belongs to the scan is told.
    #[serde(default)]
    pub complete: bool,
    /// When the service made the record is told.
    #[serde(default)]
    pub created: bool,
    /// The id is repeated in status answers.
    pub echo: bool,
    /// States beyond found and not found.
    pub states: bool,
    /// The initiate's answer hands out an address to poll.
    pub handed_out: bool,
    /// Status has a path of its own as well, at which it is asked for unless a scenario says otherwise.
    #[serde(default)]
    pub two_addresses: bool,
    /// The initiate is sent as another user, or with other headers, than the status is asked for.
    #[serde(default)]
    pub other_initiator: bool,
}

/// How send times were held, and how finely time was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClockNote {
    /// `timerfd`, `tokio` or `virtual`.
    pub timer: String,
    /// Smallest step of the clock.
    pub resolution: Nanos,
}

/// Two runs whose scans were asked for by turns, so that whatever drifts meets both alike. Scans of one number are a pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pair {
    /// The same text in both logs, and in no other.
    pub id: String,
    /// Which of the two this is.
    pub side: Side,
}

/// One of two runs that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The one that sets the standard.
    Base,
    /// The one in question.
    New,
}

/// Where a run ran, as far as it may matter to its reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Environment {
    /// Operating system and architecture.
    pub system: String,
    /// Processors that the run could use.
    pub processors: u32,
}

/// Where a scenario was stopped, because its gate was decided. Scans that were under way still end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stopped {
    /// Index of the scenario.
    pub scenario: u32,
    /// When.
    pub at: Stamp,
    /// How many of its scans had been started by then.
    pub begun: u32,
}

/// A scenario of an investigation that was left out, because the limit of jobs left too few for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotAsked {
    /// Its name.
    pub scenario: String,
    /// What it would have done, in one line.
    pub title: String,
    /// The fewest jobs with which it tells anything.
    pub needs: u64,
    /// The jobs that were left for it.
    pub left: u64,
    /// The fault classes that it would have told apart: without it they are neither found nor excluded.
    pub classes: Vec<FaultClass>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct End {
    /// When.
    pub at: Stamp,
    /// Why.
    pub reason: EndReason,
    /// Exchanges in this log, so that a reader can tell a whole log from a cut one.
    pub exchanges: u64,
    /// A sum over the lines between header and end, whatever their order: a count alone does not show that one line is missing
    /// and another is there twice. Logs of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sum: Option<Digest>,
    /// A sum over all that the lines say that are neither exchanges nor spans, the header among them. Logs of earlier versions have
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub others: Option<Digest>,
    /// What is known to be wrong with the lines. In a merged log, what was wrong with those of its shards; a reader adds what it
    /// finds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flaws: Vec<Flaw>,
    /// What an ordinary client was answered, where the run saw a denial and asked for a second opinion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_opinion: Option<SecondOpinion>,
}

impl End {
    /// The end of lines with nothing wrong.
    pub fn new(at: Stamp, reason: EndReason, exchanges: u64) -> End {
        End { at, reason, exchanges, sum: None, others: None, flaws: Vec::new(), second_opinion: None }
    }
}

/// Something that is wrong with the lines of a log, so that they may not be what the run wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Flaw {
    /// The shard whose log has it, from 0; only in a merged log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<u32>,
    /// What is wrong.
    #[serde(flatten)]
    pub kind: FlawKind,
}

/// What can be wrong with the lines of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "flaw", rename_all = "snake_case")]
pub enum FlawKind {
    /// There are not as many exchanges as were written.
    Count {
        /// Exchanges that the end counts.
        written: u64,
        /// Exchanges that are there.
        read: u64,
    },
    /// The count is right, but a line is not the one that was written.
    Lines,
    /// Lines follow the end.
    AfterEnd {
        /// How many.
        lines: u64,
    },
    /// There is more than one end.
    Ends {
        /// How many.
        ends: u64,
    },
    /// Exchanges are there twice.
    Repeated {
        /// How many stand there a second time.
        exchanges: u64,
    },
    /// Scans were polled, and the line in which they were asked for is missing.
    NoInitiate {
        /// How many.
        scans: u64,
    },
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// Everything planned was done.
    Complete,
    /// The user stopped it.
    Interrupted,
    /// The time or request budget was used up.
    Budget,
    /// The target could not be reached any more.
    TargetGone,
    /// The target asked for waits (429, or 503 with `Retry-After`) until the longest wait was over.
    Throttled {
        /// How long requests of one kind had been answered so, and not otherwise.
        waited: Nanos,
        /// The last wait that it asked for; `None`: it named none that can be read.
        retry_after: Option<Nanos>,
    },
}

/// A whole log in memory: what all analysis is a function of.
#[derive(Debug, Clone, PartialEq)]
pub struct Journal {
    /// How the run began.
    pub run: Run,
    /// All scenarios: those of the header and those decided on later.
    pub scenarios: Vec<Scenario>,
    /// All exchanges, by the time they were sent.
    pub exchanges: Vec<Exchange>,
    /// The scenarios that were stopped because their verdict was known.
    pub stopped: Vec<Stopped>,
    /// The scenarios of an investigation that were left out for lack of jobs.
    pub not_asked: Vec<NotAsked>,
    /// What the target says it did, where it is instrumented and somebody listened.
    pub inside: Inside,
    /// How it ended; `None` for a log that was cut off.
    pub end: Option<End>,
    /// Whether the last line was torn and had to be dropped.
    pub torn: bool,
}

impl Journal {
    /// The whole trace id of an exchange.
    pub fn trace_of(&self, exchange: &Exchange) -> Option<TraceId> {
        Some(TraceId::joined(self.run.trace_prefix?, exchange.trace?))
    }

    /// Whether everything that was planned is in here.
    pub fn is_complete(&self) -> bool {
        self.end.as_ref().is_some_and(|end| end.reason == EndReason::Complete)
    }
}
