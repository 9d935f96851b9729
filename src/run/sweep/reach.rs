//! Whether a run could have seen a fault of this size: what it polled, against where and how often the fault shows.

use std::time::Duration;

use crate::analysis::scan::{ScanHistory, Scans};
use crate::model::exchange::{Exchange, Kind};
use crate::model::run::Journal;

/// Where a fault shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Reach {
    /// In this share of the scans, to whoever asks before this age.
    Scans(f64, Duration),
    /// In this share of the polls that are sent before this age.
    Polls(f64, Duration),
    /// In this share of the polls of a scan that has not ended.
    MidLife(f64),
    /// This long after a scan's end.
    AfterEnd(Duration),
    /// When nobody has asked for a scan for this long.
    Unasked(Duration),
    /// When more than so many scans have ended.
    Ended(usize),
    /// To this share of the polls that are sent within this time of an update or a deletion.
    Writes(f64, Duration),
    /// In this share of the scans, to whoever asks for the result within this time of the end.
    Results(f64, Duration),
    /// In this share of the initiates.
    Initiates(f64),
    /// Always, to whoever looks for it.
    Always,
}

/// A fault that a run would have missed more often than this cannot have been expected to show.
const ALPHA: f64 = 0.05;

impl Reach {
    /// The share of scans that the fault touches.
    pub(crate) fn share(self) -> f64 {
        match self {
            Reach::Scans(share, _)
            | Reach::Polls(share, _)
            | Reach::MidLife(share)
            | Reach::Writes(share, _)
            | Reach::Results(share, _)
            | Reach::Initiates(share) => share,
            Reach::AfterEnd(_) | Reach::Unasked(_) | Reach::Ended(_) | Reach::Always => 1.0,
        }
    }

    /// Whether this run would have seen the fault with a chance of 95 % at least.
    pub(crate) fn is_within(self, journal: &Journal) -> bool {
        let scans = Scans::of(&journal.exchanges);
        let scans = scans.histories();
        let polls = || scans.iter().flat_map(|scan| scan.evidence().map(move |poll| (scan, poll)));
        let would_show = |share: f64, looks: usize| (1.0 - share).powi(i32::try_from(looks).unwrap_or(i32::MAX)) <= ALPHA;
        match self {
            Reach::Scans(share, until) => {
                let early = |scan: &&ScanHistory<'_>| scan.evidence().any(|poll| age(scan, poll) < until);
                would_show(share, scans.iter().filter(early).count())
            }
            Reach::Polls(share, until) => would_show(share, polls().filter(|(scan, poll)| age(scan, poll) < until).count()),
            Reach::MidLife(share) => {
                let running = |(scan, poll): &(&ScanHistory<'_>, &Exchange)| scan.ended().is_none_or(|(end, _)| poll.sent < end.sent);
                would_show(share, polls().filter(running).count())
            }
            Reach::AfterEnd(time) => {
                polls().any(|(scan, poll)| scan.ended().is_some_and(|(end, _)| poll.sent.elapsed_from(end.done) > time))
            }
            Reach::Unasked(time) => scans.iter().any(|scan| {
                let polls: Vec<&Exchange> = scan.evidence().collect();
                polls.windows(2).any(|pair| pair[1].sent.elapsed_from(pair[0].done) > time)
            }),
            Reach::Ended(count) => scans.iter().filter(|scan| scan.ended().is_some()).count() > count,
            Reach::Writes(share, within) => {
                let soon = |scan: &&ScanHistory<'_>| {
                    let writes = scan.exchanges().iter().filter(|exchange| matches!(exchange.kind, Kind::Update | Kind::Delete));
                    let is_soon =
                        |write: &&Exchange, poll: &&Exchange| write.done <= poll.sent && poll.sent.elapsed_from(write.done) < within;
                    writes.into_iter().any(|write| scan.polls().iter().any(|poll| is_soon(write, poll)))
                };
                would_show(share, scans.iter().filter(soon).count())
            }
            Reach::Results(share, within) => {
                let soon = |scan: &&ScanHistory<'_>| {
                    // The end came after the last answer that did not show it.
                    scan.ended().is_some_and(|(end, _)| {
                        let before = scan.evidence().filter(|poll| poll.sent < end.sent).map(|poll| poll.sent).max().unwrap_or(end.sent);
                        let after = |reading: &&Exchange| end.done <= reading.sent && reading.sent.elapsed_from(before) < within;
                        scan.results().iter().any(after)
                    })
                };
                would_show(share, scans.iter().filter(soon).count())
            }
            // Without an id of the client's nobody can look.
            Reach::Initiates(share) => journal.run.target.can.orphans && would_show(share, scans.len()),
            Reach::Always => true,
        }
    }
}

fn age(scan: &ScanHistory<'_>, poll: &Exchange) -> Duration {
    poll.sent.elapsed_from(scan.t0().unwrap_or(scan.initiate.done))
}
