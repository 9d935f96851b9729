//! What the probes of a run cannot tell apart: one variant for one question.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::fault::FaultClass;
use crate::model::time::Nanos;

/// A question that stays open, as `ThisOrThat`. What ends in `_ns` is in nanoseconds.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the variant says what its numbers are of, their names have the unit")]
pub enum OpenQuestion {
    /// A scenario was left out for lack of jobs; `classes` are those that it would have told apart.
    NotAsked { scenario: String, title: String, needs: u64, left: u64, classes: Vec<FaultClass> },
    /// All polls went by connections that had carried something else.
    OnlyUsedConnections,
    /// So many requests were cut off or answered with a gateway's error, and nobody looked whether they left a job behind: Z.
    FailedUnseen { failed: u64, of: u64 },
    /// Slow polls, and no fresh connection to compare with: P or a slow service.
    HeldOrSlow,
    /// O, or a default that stands for an end.
    StaleOrDefault,
    /// O, or an attempt that failed and was made again.
    StaleOrRetried,
    /// O, or C′: older answers came for no longer than denials.
    StaleOrMixedReads,
    /// O, or an accident of the one scan that went back.
    StaleOrAccident,
    /// H in so many scans, or a disturbance of the service.
    HoleOrDisturbance { scans: u64 },
    /// B, or a service that changed: from this instant of the run on nothing was denied.
    MemoryOrChange { from_ns: Nanos },
    /// First polls of equal age were denied only up to an instant of the run, or only from it on.
    Changed { at_ns: Nanos, denied_before: bool, polls: u64, denied: u64 },
    /// C′, or H.
    MixedReadsOrHole,
    /// B behind a balancer, or chance: kept connections were denied as well.
    MemoryOrChance { share: f64, kept_denied: u64, kept: u64 },
    /// F, or records that were all lost at one time.
    EvictedOrLostAtOnce,
    /// F, or a read that removes the record.
    EvictedOrReadOnce,
    /// F, or H: nobody looked whether the scans come back.
    EvictedOrHole,
    /// R, or any class of the window: ids that do not exist are refused as well.
    RefusedOrUnknown,
    /// B, or F and C′, with few polls.
    MemoryOrEvicted,
    /// M, or L, with few ids.
    LostOrIds,
    /// E, or A.
    QueueOrDelay,
    /// I, or A: few first polls came later than a commit takes.
    CommitOrDelay { latest_ns: Nanos, later_than_ns: Nanos, later: u64 },
    /// I, or A in each scan: polls of equal age did not go either way.
    CommitOrDelayInAll,
    /// I or A, or C and C′, within so short a window.
    LateOrLagging { window_ns: Nanos },
    /// A, or G.
    DelayOrRefresh,
    /// Whether the window grows with the queue: E.
    GrowthNotAsked,
    /// C, or G: the windows differ.
    LagOrRefresh,
    /// A, or C: the second write was followed too loosely.
    DelayOrLag { cancels: u64, after_ns: Nanos, until_ns: Nanos },
    /// A, or E: scans that were asked for alone were not denied.
    DelayOrQueue,
    /// A, or C′.
    DelayOrMixedReads,
    /// A, or C: there was no second write.
    NoSecondWrite,
}
