//! What of a log is compared with that of its twin: rates by age, windows, flaps and the like, one number each.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::exchange::{Connection, Route};
use crate::model::time::Nanos;

/// One thing that is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the variant says what its numbers are of; `scenario` and `arm` are indexes in the run")]
pub enum Aspect {
    /// Share of polls at a planned age that were denied.
    Denied { scenario: u32, arm: u32, at_ns: Nanos, connection: Connection },
    /// Share of all polls on connections of their own that were denied, within an octave of ages that begins here.
    DeniedByAge { from_ns: Nanos },
    /// Natural logarithm of the windows' lower ends in ms plus one: the mean of the jobs that were denied at first.
    WindowFrom,
    /// The same of their upper ends.
    WindowUntil,
    /// How much later or earlier the windows are than those of the other logs: the mean score of the interval log-rank test.
    WindowRank,
    /// Share of jobs denied at first.
    DeniedAtFirst,
    /// Share of jobs that were never seen.
    NeverSeen,
    /// Share of jobs that were never seen whose ids have some mark, less the share of the others' ids that have it; of the marks the one
    /// for which it is largest.
    LostIdsMarked,
    /// Kendall's correlation of window and place among jobs that were asked for at once.
    Growth { scenario: u32 },
    /// Share of different instants that are needed to explain when jobs were seen.
    Instants,
    /// Share of jobs denied after they had been seen.
    Flapping,
    /// Share of polls denied after the job had been seen.
    DeniedAfterSeen,
    /// Share of flapping jobs that were seen again after that.
    CameBack,
    /// Share of flapping jobs that were denied, seen and denied again.
    Twice,
    /// Natural logarithm of the latest age in ms at which a job that had been seen was denied.
    LatestFlap,
    /// Share of those denials after which the next poll of the same job was denied as well.
    DeniedInARow,
    /// Share of instants at which pollers of one job were answered differently.
    PollersDisagree,
    /// Share of polls on the starting connection that were denied after the job had been seen.
    DeniedOnKept,
    /// Share of jobs that went back from their end to an earlier state.
    WentBack,
    /// Share of polls that were answered with another job's id.
    OtherId,
    /// Share of polls of a foreign user that were answered.
    Disclosed,
    /// Share of polls for ids that were never issued that were answered.
    UnknownSeen,
    /// Share of polls by another way that were answered.
    ByRoute { route: Route },
    /// Share of readings of the witness that knew a job.
    Witness,
    /// Natural logarithm of the mean age in ms, since a change, by which polls showed it.
    SecondWrite,
    /// Share of polls after a change that did not show it.
    ChangeHidden,
    /// Share of changed jobs that showed their change and then hid it again.
    ChangeTakenBack,
    /// Share of polls after a deletion that still showed the job.
    DeletionHidden,
    /// Natural logarithm of the mean age in ms, since a deletion, by which polls showed it.
    Deletion,
    /// Share of denials that were refusals (401 or 403).
    Refused,
    /// Of jobs of one age, the share of those polled before that were denied, less the share of those that were not polled before.
    DeniedIfPolledBefore { scenario: u32 },
    /// The same of those that were shown at work rather than ended.
    BehindIfPolledBefore { scenario: u32 },
    /// Share of jobs whose first state was an end, and that ran later.
    BegunWithAnEnd,
    /// Natural logarithm of the mean age in ms until which they showed that end.
    FirstEnd,
    /// Share of jobs of which something was missing when they were first seen, and there later.
    HalfARecord,
    /// Natural logarithm of the mean age in ms until which it was missing.
    Missing,
    /// Share of ended jobs whose result was missing when it was asked for after the end.
    ResultMissing,
    /// Natural logarithm of the mean time in ms from the end to the result.
    ResultLate,
    /// Share of jobs that were not accepted, as the answer said, and are known all the same.
    KnownThoughFailed,
    /// Natural logarithm of the longest round trip in ms on the starting connection.
    HeldBack,
}

/// What belongs together: of each group only the aspect that differs most counts, so that many planned ages do not outweigh the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    Rates,
    Window,
    Order,
    Flaps,
    Observer,
    Answers,
    SecondWrite,
    FirstWord,
    Results,
    Held,
}

impl Aspect {
    pub(super) fn group(self) -> Group {
        match self {
            Aspect::Denied { .. } | Aspect::DeniedByAge { .. } => Group::Rates,
            Aspect::WindowFrom | Aspect::WindowUntil | Aspect::WindowRank | Aspect::DeniedAtFirst | Aspect::NeverSeen => Group::Window,
            Aspect::Growth { .. } | Aspect::Instants => Group::Order,
            Aspect::Flapping
            | Aspect::DeniedAfterSeen
            | Aspect::CameBack
            | Aspect::Twice
            | Aspect::LatestFlap
            | Aspect::DeniedInARow
            | Aspect::PollersDisagree
            | Aspect::DeniedOnKept => Group::Flaps,
            Aspect::WentBack
            | Aspect::OtherId
            | Aspect::Disclosed
            | Aspect::UnknownSeen
            | Aspect::ByRoute { .. }
            | Aspect::Witness
            | Aspect::LostIdsMarked
            | Aspect::Refused
            | Aspect::KnownThoughFailed => Group::Answers,
            Aspect::DeniedIfPolledBefore { .. } | Aspect::BehindIfPolledBefore { .. } => Group::Observer,
            Aspect::SecondWrite | Aspect::ChangeHidden | Aspect::ChangeTakenBack | Aspect::Deletion | Aspect::DeletionHidden => {
                Group::SecondWrite
            }
            Aspect::BegunWithAnEnd | Aspect::FirstEnd | Aspect::HalfARecord | Aspect::Missing => Group::FirstWord,
            Aspect::ResultMissing | Aspect::ResultLate => Group::Results,
            Aspect::HeldBack => Group::Held,
        }
    }
}
