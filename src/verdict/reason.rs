//! Why a verdict is what it is: numbers, and what follows from each reason. The sentences are made in `report`.

use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::first_polls::FirstPolls;
use crate::analysis::gate::{Gathered, Loss};
use crate::model::allow::Date;
use crate::model::answer::TransportFault;
use crate::model::contact::Problem;
use crate::model::exchange::{Connection, Kind};
use crate::model::fault::FaultClass;
use crate::model::guarantee::Guarantee;
use crate::model::run::Flaw;
use crate::model::time::{Nanos, Span};
use crate::verdict::Verdict;

/// One reason for a verdict.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "reason", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are the numbers of the sentence that report makes of them")]
pub enum Reason {
    /// Polls at a gate offset were answered `not_found`.
    NotFound {
        #[serde(rename = "at_ns")]
        at: Nanos,
        connection: Connection,
        not_found: u64,
        polls: u64,
    },
    /// More scans were denied at an offset than are tolerated, beyond doubt.
    RateTooHigh {
        #[serde(rename = "at_ns")]
        at: Nanos,
        connection: Connection,
        denied: u64,
        scans: u64,
        at_most: f64,
        lower: f64,
    },
    /// Too few scans to show that the rate is within what is tolerated.
    RateUnproven {
        #[serde(rename = "at_ns")]
        at: Nanos,
        connection: Connection,
        denied: u64,
        scans: u64,
        lost: u64,
        at_most: f64,
        upper: f64,
    },
    /// The sequential test says that more scans are denied than are tolerated.
    RateCaught {
        #[serde(rename = "at_ns")]
        at: Nanos,
        connection: Connection,
        denied: u64,
        scans: u64,
        at_most: f64,
    },
    /// The sequential test came to no end.
    RateUndecided {
        #[serde(rename = "at_ns")]
        at: Nanos,
        connection: Connection,
        denied: u64,
        scans: u64,
        lost: u64,
        at_most: f64,
        caught: f64,
    },
    /// A guarantee was broken.
    Broken { guarantee: Guarantee, broken: u64, checked: u64 },
    /// A comparison of many scans shows a fault that no scan shows by itself.
    FaultFound { class: FaultClass },
    /// A quantile of the window is above its limit, beyond doubt.
    WindowTooLong { quantile: f64, below: Span, lower_ms: f64 },
    /// A quantile of the window could not be shown to be below its limit.
    WindowUnproven { quantile: f64, below: Span, upper_ms: Option<f64> },
    /// A quantile of the poll's round trip is above its limit.
    TooSlow { quantile: f64, below: Span, ms: f64 },
    /// Too few polls for a quantile of the round trip.
    SpeedUnproven { quantile: f64, below: Span, samples: u64 },
    /// A never-issued id was answered as visible.
    UnknownIdVisible,
    /// No control poll was answered with a meaning; what they were answered instead.
    NoControl { losses: Vec<Loss> },
    /// No scan was accepted.
    NoScans { initiates: u64 },
    /// Too many initiates failed.
    InitiatesFailed { failed: u64, of: u64 },
    /// Most scans were given an id that another scan already had.
    WarmIds { repeated: u64, of: u64 },
    /// Too many polls said neither visible nor `not_found`.
    PollsFailed { failed: u64, of: u64, losses: Vec<Loss> },
    /// At one offset too many polls told nothing, or more than at the others.
    Lost {
        arm: String,
        #[serde(rename = "at_ns")]
        at: Nanos,
        connection: Connection,
        lost: u64,
        of: u64,
        losses: Vec<Loss>,
        gathered: Option<Gathered>,
        scans_lost: u64,
        then_visible: u64,
    },
    /// Over all scenarios, first polls told nothing more often than polls of scans that had been visible.
    FirstPolls { found: FirstPolls },
    /// Some scans got no answer that says anything, at any age, while other scans lost hardly a poll.
    Silent { scans: u64, of: u64, losses: Vec<Loss> },
    /// After their end, scans had a state that the target file does not list.
    UnlistedAfterEnd { scans: u64 },
    /// No job was seen to end, and something other than status speaks for it that some had.
    NoneEnded {
        jobs: u64,
        of: u64,
        /// What speaks for it.
        by: Kind,
        /// Whether it may be there before the end as well.
        may_be_partial: bool,
    },
    /// A planned offset has no valid poll.
    NoSamples {
        arm: String,
        #[serde(rename = "at_ns")]
        at: Nanos,
        late: u64,
        other: u64,
    },
    /// The probe was too late too often.
    Late { late: u64, of: u64, latest_ms: f64, throttled: u64, throttled_after: u64 },
    /// The user stopped the run.
    Interrupted,
    /// The budget was spent before the plan was done.
    BudgetSpent,
    /// The target could not be reached any more.
    TargetGone,
    /// The target answered requests, of one kind or all, with nothing but a wish for a wait.
    Throttled {
        http: u16,
        kind: Option<Kind>,
        #[serde(rename = "waited_ns")]
        waited: Nanos,
        #[serde(rename = "retry_after_ns")]
        retry_after: Option<Nanos>,
    },
    /// The target was never reached.
    Unreachable { fault: TransportFault },
    /// The run ended before all of the scenario was done.
    CutShort,
    /// The scenario was stopped because its gate was decided, and the log does not decide it.
    StoppedOpen,
    /// A failure that is put up with.
    Allowed { what: Box<Reason>, until: Date, because: String },
    /// A failure that was put up with until a day that has passed.
    NoLongerAllowed { what: Box<Reason>, expired: Date, because: String, place: String },
    /// The log ends without an end.
    CutOff,
    /// Lines of the log are missing, repeated, or not where they belong.
    Damaged { flaws: Vec<Flaw> },
    /// Some of the run's shards are not in the log; they count from 1.
    ShardsMissing { missing: Vec<u32>, of: u32 },
    /// The scans of this scenario are on other shards.
    OnOtherShards,
    /// The target file does not support any of the scenarios.
    NothingRun,
    /// The first requests showed that the run could not work.
    FirstContact { problem: Problem },
    /// No job was ever visible, and every poll was answered as a path is that does not exist.
    LikeNoSuchPath { asked: String, http: u16, quoted: String, change: String },
}

impl Reason {
    /// Which verdict this reason speaks for.
    pub fn speaks_for(&self) -> Verdict {
        if let Reason::Allowed { .. } = self { Verdict::Pass } else { self.traits().speaks_for }
    }

    /// Its place among the reasons of the same verdict: what says that nothing, or not what it seems, was measured comes first.
    pub(crate) fn rank(&self) -> u8 {
        self.traits().rank
    }

    /// Which reason to do something about first: the lowest. A target that holds the probe back keeps anything from being measured,
    /// and no quieter machine helps.
    pub(crate) fn urgency(&self) -> u8 {
        self.traits().urgency
    }

    /// Whether it says that the measurement failed, rather than that it proves too little.
    pub(crate) fn spoils_measurement(&self) -> bool {
        self.traits().spoils
    }

    /// What follows from each reason, in one place.
    fn traits(&self) -> Traits {
        use Verdict::{Fail, Inconclusive};
        let (speaks_for, rank, urgency, spoils) = match self.matter() {
            Reason::NotFound { .. }
            | Reason::RateTooHigh { .. }
            | Reason::RateCaught { .. }
            | Reason::Broken { .. }
            | Reason::FaultFound { .. }
            | Reason::WindowTooLong { .. }
            | Reason::TooSlow { .. } => (Fail, 4, 6, false),
            Reason::UnknownIdVisible => (Inconclusive, 0, 6, false),
            Reason::NoControl { .. } => (Inconclusive, 0, 2, false),
            Reason::Lost { gathered: Some(_), .. } | Reason::FirstPolls { .. } | Reason::Silent { .. } => (Inconclusive, 1, 3, true),
            // What holds polls back comes before what is missing for it.
            Reason::Late { throttled: 1.., .. } => (Inconclusive, 2, 3, true),
            Reason::NoScans { .. } => (Inconclusive, 2, 2, true),
            Reason::Lost { .. } | Reason::PollsFailed { .. } => (Inconclusive, 3, 4, true),
            Reason::NoSamples { .. } => (Inconclusive, 3, 5, true),
            Reason::WarmIds { .. } => (Inconclusive, 4, 2, true),
            Reason::InitiatesFailed { .. } => (Inconclusive, 4, 4, true),
            Reason::Late { .. } => (Inconclusive, 4, 5, true),
            Reason::UnlistedAfterEnd { .. } | Reason::NoneEnded { .. } => (Inconclusive, 4, 6, true),
            Reason::FirstContact { .. } | Reason::LikeNoSuchPath { .. } => (Inconclusive, 4, 0, false),
            Reason::Unreachable { .. } | Reason::TargetGone => (Inconclusive, 4, 1, false),
            Reason::NothingRun => (Inconclusive, 4, 2, false),
            Reason::RateUnproven { .. }
            | Reason::RateUndecided { .. }
            | Reason::WindowUnproven { .. }
            | Reason::SpeedUnproven { .. }
            | Reason::Interrupted
            | Reason::BudgetSpent
            | Reason::Throttled { .. }
            | Reason::CutShort
            | Reason::StoppedOpen
            | Reason::CutOff
            | Reason::Damaged { .. }
            | Reason::ShardsMissing { .. }
            | Reason::OnOtherShards
            | Reason::Allowed { .. }
            | Reason::NoLongerAllowed { .. } => (Inconclusive, 4, 6, false),
        };
        Traits { speaks_for, rank, urgency, spoils }
    }

    /// Whether a failure stands, whichever lines are missing from the log: it rests on answers that are there, and neither on how many
    /// others there are nor on what never came.
    pub(crate) fn stands_alone(&self) -> bool {
        match self.matter() {
            Reason::NotFound { .. } => true,
            Reason::Broken { guarantee, .. } => !matches!(guarantee, Guarantee::Completion | Guarantee::Promptness),
            _ => false,
        }
    }

    /// Whether nothing is missing but more of the same scans.
    pub fn wants_more_scans(&self) -> bool {
        matches!(
            self,
            Reason::RateUnproven { .. } | Reason::RateUndecided { .. } | Reason::WindowUnproven { .. } | Reason::SpeedUnproven { .. }
        )
    }

    /// What happened, whether or not it was ever allowed.
    pub fn matter(&self) -> &Reason {
        match self {
            Reason::Allowed { what, .. } | Reason::NoLongerAllowed { what, .. } => what,
            other => other,
        }
    }

    /// Whether another reason says the same of another scenario.
    pub(crate) fn same_matter(&self, other: &Reason) -> bool {
        match (self, other) {
            (Reason::Broken { guarantee: a, .. }, Reason::Broken { guarantee: b, .. }) => a == b,
            (Reason::NotFound { at: a, connection: x, .. }, Reason::NotFound { at: b, connection: y, .. }) => a == b && x == y,
            _ => self == other,
        }
    }
}

/// What a reason means for whoever judges, sorts, advises or compares.
struct Traits {
    speaks_for: Verdict,
    rank: u8,
    urgency: u8,
    spoils: bool,
}
