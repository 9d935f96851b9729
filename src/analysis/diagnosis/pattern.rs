//! What was found where no class can be named: the finding, what it may be, and what to ask next.

use serde::{Deserialize, Serialize};

use crate::model::fault::FaultClass;
use crate::model::wording::{age as ms, count, counted, of_were, were};

/// A finding that no single class explains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
        /// Whether a worker with a small share of the requests could deny as much.
        may_be_worker: bool,
    },
    /// Everything was denied during one stretch of time, whatever its age, and nothing before or after it.
    OneStretch {
        /// Its first denial, in ms since the run began.
        from_ms: f64,
        /// Its last denial.
        to_ms: f64,
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
        latest_ms: f64,
    },
    /// Some scans were still denied when the watch ended, and scans that were asked for before them had needed long, too.
    StillWaiting {
        /// Scans that were denied to the last.
        scans: u64,
        /// Scans that were watched.
        of: u64,
        /// The longest that one of them was watched.
        watched_ms: f64,
        /// The longest window that was seen to end.
        longest_ms: f64,
    },
    /// Scans that were first polled after a certain age were denied; others were visible before it.
    DeniedLate {
        /// Scans that were denied.
        scans: u64,
        /// The earliest age at which one was denied.
        from_ms: f64,
        /// The latest age at which a scan was visible.
        visible_ms: f64,
    },
    /// No scan was ever visible to this caller.
    NothingSeen {
        /// Scans that were watched.
        scans: u64,
        /// The longest that one of them was watched.
        watched_ms: f64,
        /// Scans that the witness knew.
        witnessed: u64,
        /// Whether status was also asked as the initiate's caller, or at the address that was handed out.
        asked_otherwise: bool,
    },
    /// Scans of ids that share a part are never visible: one partition of the ids.
    Partition {
        /// What they share, such as `ids that end in f`.
        ids: String,
        /// Scans of such ids.
        scans: u64,
        /// All scans that were compared.
        of: u64,
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
        }
    }

    /// What was found, with numbers.
    pub fn statement(&self) -> String {
        match self {
            Pattern::AtRandom { denied, polls, scans, may_be_worker } => format!(
                "denials at random: {} of {} of scans that had been visible, in {} of them; no age, connection or id accounts for them{}",
                count(*denied),
                counted(*polls, "poll"),
                count(*scans),
                if *may_be_worker { ", but a worker that gets few of the requests could" } else { ", and no number of workers does" }
            ),
            Pattern::OneStretch { from_ms, to_ms, denied, polls, scans } => format!(
                "all denials at one time: {} of {} sent between {} and {} of the run were denied, of {} of different ages, and none before or after",
                count(*denied),
                counted(*polls, "poll"),
                ms(*from_ms),
                ms(*to_ms),
                counted(*scans, "scan")
            ),
            Pattern::TooFew { denied, polls } => {
                format!(
                    "{} of {} of scans that had been visible were denied: too few to tell what they have in common",
                    count(*denied),
                    counted(*polls, "poll")
                )
            }
            Pattern::SamePoll { nth, denied, scans } => {
                format!(
                    "poll number {nth} of a scan was denied in {} of {}, whenever it was sent, and no other poll was",
                    count(*denied),
                    counted(*scans, "scan")
                )
            }
            Pattern::OnceEach { scans, of } => format!(
                "{scans} of {of} scans were denied exactly once after they had been visible: denials at random, or workers that disagree, would have \
                 denied some of them more often"
            ),
            Pattern::MaybeLost { scans, of, latest_ms } => format!(
                "{} denied at every one of their few polls, as late as {}, at ages at which all others were visible",
                of_were(*scans, *of, "scan"),
                ms(*latest_ms)
            ),
            Pattern::StillWaiting { scans, of, watched_ms, longest_ms } => format!(
                "{} still denied when the watch ended, after {} at most, while others took up to {} to become visible: they may be \
                 waiting in a queue that this run filled itself",
                of_were(*scans, *of, "scan"),
                ms(*watched_ms),
                ms(*longest_ms)
            ),
            Pattern::DeniedLate { scans, from_ms, visible_ms } => format!(
                "{} {} first polled at {} or later, and denied; no scan was visible later than {}",
                counted(*scans, "scan"),
                were(*scans),
                ms(*from_ms),
                ms(*visible_ms)
            ),
            Pattern::NothingSeen { scans, watched_ms, witnessed, asked_otherwise } => format!(
                "none of {} was ever visible to this caller, watched for {} at most{}{}",
                counted(*scans, "scan"),
                ms(*watched_ms),
                if *witnessed > 0 { format!("; the witness knew {witnessed} of them") } else { String::new() },
                if *asked_otherwise { "; neither the initiate's own headers nor the address that was handed out changed that" } else { "" }
            ),
            Pattern::Partition { ids, scans, of } => {
                format!(
                    "{ids} were never visible ({}), all others were ({}): one part of the ids is affected",
                    counted(*scans, "scan"),
                    counted(of - scans, "scan")
                )
            }
        }
    }

    /// The classes that it may be, none of which is named.
    pub fn possible(&self) -> &'static [FaultClass] {
        use FaultClass::{A, B, C, CPrime, D, E, F, H, K, L, M};
        match self {
            Pattern::AtRandom { may_be_worker: true, .. } => &[B],
            Pattern::AtRandom { .. } => &[],
            Pattern::OneStretch { .. } => &[H],
            Pattern::TooFew { .. } => &[B, CPrime, F, H],
            Pattern::SamePoll { .. } => &[D],
            Pattern::OnceEach { .. } => &[D, H],
            Pattern::MaybeLost { .. } => &[A, B, L, M],
            Pattern::StillWaiting { .. } => &[E, A, M],
            Pattern::DeniedLate { .. } => &[F, M],
            Pattern::NothingSeen { witnessed, .. } if *witnessed > 0 => &[K, C, A],
            Pattern::NothingSeen { .. } => &[K, A, C, M],
            Pattern::Partition { .. } => &[L, M],
        }
    }

    /// What to ask next: of the target or of its log.
    pub fn ask_next(&self) -> &'static str {
        match self {
            Pattern::AtRandom { .. } => {
                "Find the denied requests in the service's own log by their time: a store that times out and is read as \"no such record\", or one \
                 instance of several that answers differently, looks like this. A header that names the worker in every answer (`worker` in the \
                 target file) settles whether it is always the same one."
            }
            Pattern::OneStretch { .. } => {
                "Look up what happened to the service at that time (restart, deployment, failover, a store that was away): it should have answered \
                 503 and not not_found. Then run again: denials at the same age of scans asked for at other times would be a gap in their life (H)."
            }
            Pattern::TooFew { .. } => {
                "Run more scans, each polled from several fresh connections at once well after it was visible (`statusgap reproduce` does both), and \
                 look up the denied request in the service's own log."
            }
            Pattern::SamePoll { .. } | Pattern::OnceEach { .. } => {
                "See what reading does to the record: a read that fills a cache, moves the record or uses it up changes what the next read finds."
            }
            Pattern::MaybeLost { .. } => {
                "Watch many scans for longer and compare the ids that are never visible with the others: `statusgap reproduce` does that in its step \
                 `many-ids`. Until then look for these ids in the service's own store."
            }
            Pattern::StillWaiting { .. } => {
                "Ask for fewer scans at a time, wait until the earlier ones have ended, and watch each for longer than the longest window: a scan \
                 that is then still denied, alone, is lost; one that appears was queued."
            }
            Pattern::DeniedLate { .. } => {
                "Follow a few scans from their first visible answer to well beyond their end: if they disappear at an age, the record is removed \
                 early (F); if others stay visible at that age, these were lost (M)."
            }
            Pattern::NothingSeen { asked_otherwise: true, .. } => {
                "Watch one scan for minutes, and look for its id in the store that status reads: it appears there late, in another scope, or not at \
                 all. A witness in the target file (`[witness]`) tells which."
            }
            Pattern::NothingSeen { .. } => {
                "Ask for the status once with exactly the headers of the initiate, and at the address that the initiate's answer hands out (`follow` \
                 in the target file): if the scan is visible there, the plain request looks in another scope (K). Else watch one scan for minutes."
            }
            Pattern::Partition { .. } => {
                "Look for one of these ids in the store: if the record is there, status does not read its partition or does not decode its id (L); if \
                 it is not, writes to that partition are lost (M)."
            }
        }
    }
}
