//! What was found where no class can be named, and the classes that it may be.

use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::diagnosis::ids::IdPart;
use crate::model::fault::FaultClass;
use crate::model::time::Nanos;

/// A finding that no single class explains.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Pattern {
    /// Scans that had been visible were denied now and then, and no age, connection or id accounts for it.
    AtRandom {
        /// Denied polls of scans that had been visible.
        denied: u64,
        /// All polls of scans that had been visible.
        polls: u64,
        /// Scans that were denied.
        scans: u64,
        /// The latest age at which one was denied.
        latest_ns: Nanos,
        /// The classes that could deny as much: a worker with a small share of the requests (B), a copy that lags for longer than anybody
        /// watched (C′), holes that are shorter than the time between two polls (H).
        may_be: Vec<FaultClass>,
    },
    /// Everything was denied during one stretch of time, whatever its age, and nothing before or after it.
    OneStretch {
        /// Its first denial, since the run began.
        from_ns: Nanos,
        /// Its last denial.
        to_ns: Nanos,
        /// Denied polls in it.
        denied: u64,
        /// All polls in it.
        polls: u64,
        /// Scans that were denied.
        scans: u64,
    },
    /// So few denials that chance explains any pattern in them.
    TooFew {
        /// Denied polls of scans that had been visible.
        denied: u64,
        /// All polls of scans that had been visible.
        polls: u64,
    },
    /// The same poll of each scan was denied, counted from its first.
    SamePoll {
        /// Which, from 1.
        nth: u64,
        /// Scans of which it was denied.
        denied: u64,
        /// Scans that were polled as often.
        scans: u64,
    },
    /// Scans were denied at exactly one poll each after they had been visible, which neither chance nor workers that disagree do.
    OnceEach {
        /// Scans that were denied.
        scans: u64,
        /// Scans that were polled after they had been visible.
        of: u64,
    },
    /// Some scans were denied at their few polls, at ages at which every other scan was visible.
    MaybeLost {
        /// Scans that were denied.
        scans: u64,
        /// Scans that were polled at such ages.
        of: u64,
        /// The latest age at which one was denied.
        latest_ns: Nanos,
    },
    /// Some scans were still denied when the watch ended, and scans that were asked for before them had needed long, too.
    StillWaiting {
        /// Scans that were denied to the last.
        scans: u64,
        /// Scans that were watched.
        of: u64,
        /// The longest that one of them was watched.
        watched_ns: Nanos,
        /// The longest window that was seen to end.
        longest_ns: Nanos,
    },
    /// Scans that were first polled after a certain age were denied; others were visible before it.
    DeniedLate {
        /// Scans that were denied.
        scans: u64,
        /// The earliest age at which one was denied.
        from_ns: Nanos,
        /// The latest age at which a scan was visible.
        visible_ns: Nanos,
    },
    /// No scan was ever visible to this caller.
    NothingSeen {
        /// Scans that were watched.
        scans: u64,
        /// The longest that one of them was watched.
        watched_ns: Nanos,
        /// Scans that the witness knew.
        witnessed: u64,
        /// Whether status was also asked as the initiate's caller, or at the address that was handed out.
        asked_otherwise: bool,
    },
    /// Scans of ids that share a part are never visible: one partition of the ids.
    Partition {
        /// What they share.
        part: IdPart,
        /// Scans of such ids.
        scans: u64,
        /// All scans that were compared.
        of: u64,
    },
    /// Scans were denied at the address that was handed out, at ages at which the usual path showed them.
    OtherAddress {
        /// Denied polls at the address that was handed out.
        denied: u64,
        /// All polls there.
        polls: u64,
        /// The latest age at which one was denied.
        latest_ns: Nanos,
        /// Denied polls at the usual path, at the same ages.
        usual_denied: u64,
        /// All polls at the usual path, at the same ages.
        usual_polls: u64,
    },
}

impl Pattern {
    /// The word for it in results.
    pub fn kind(&self) -> &'static str {
        match self {
            Pattern::AtRandom { .. } => "at_random",
            Pattern::OneStretch { .. } => "one_stretch",
            Pattern::TooFew { .. } => "too_few",
            Pattern::SamePoll { .. } => "same_poll",
            Pattern::OnceEach { .. } => "once_each",
            Pattern::MaybeLost { .. } => "maybe_lost",
            Pattern::StillWaiting { .. } => "still_waiting",
            Pattern::DeniedLate { .. } => "denied_late",
            Pattern::NothingSeen { .. } => "nothing_seen",
            Pattern::Partition { .. } => "partition",
            Pattern::OtherAddress { .. } => "other_address",
        }
    }

    /// The classes that it may be, none of which is named.
    pub fn possible(&self) -> &[FaultClass] {
        use FaultClass::{A, B, C, CPrime, D, E, F, G, H, K, L, M};
        match self {
            Pattern::AtRandom { may_be, .. } => may_be,
            Pattern::OneStretch { .. } => &[H],
            Pattern::TooFew { .. } => &[B, CPrime, F, H],
            Pattern::SamePoll { .. } => &[D],
            Pattern::OnceEach { .. } => &[D, H],
            Pattern::MaybeLost { .. } => &[A, B, K, L, M],
            Pattern::StillWaiting { .. } => &[E, A, C, G, M],
            Pattern::DeniedLate { .. } => &[F, K, L, M],
            Pattern::NothingSeen { witnessed, .. } if *witnessed > 0 => &[K, C, A, M],
            Pattern::NothingSeen { .. } => &[K, A, C, L, M],
            Pattern::Partition { .. } => &[L, M],
            Pattern::OtherAddress { .. } => &[C, D, K],
        }
    }
}
