//! The run's own load: how many jobs it started, how many it left behind, and what of its own was under way at an instant.
//!
//! What a probe causes itself is not a fault of the target. A stall while ten initiates were under way, or a job that waits behind forty
//! others of ours, is explained by them; whoever judges a stall or a lost job asks [`Backlog`] first.

use crate::analysis::scan::ScanHistory;
use crate::model::answer::{Answer, State, TransportFault};
use crate::model::exchange::{Exchange, Kind};
use crate::model::time::{Nanos, Stamp};

/// How many jobs a run started, and what became of them as far as it looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Load {
    /// Initiates and repeats that were sent.
    pub started: u64,
    /// Those that were not accepted. One that got no answer may have left a job behind all the same.
    pub not_accepted: u64,
    /// Accepted ones that were seen to end.
    pub ended: u64,
    /// Accepted ones that were still at work when they were last looked at.
    pub unfinished: u64,
    /// Accepted ones of which no answer said how they stand.
    pub unknown: u64,
}

/// Counts the jobs of a log.
pub fn load(scans: &[&ScanHistory<'_>]) -> Load {
    let mut load = Load::default();
    for job in scans.iter().flat_map(|scan| jobs(scan)) {
        load.started += 1;
        match (job.accepted, job.ended, job.at_work) {
            (None, ..) => load.not_accepted += 1,
            (_, Some(_), _) => load.ended += 1,
            (_, None, true) => load.unfinished += 1,
            (_, None, false) => load.unknown += 1,
        }
    }
    load
}

/// One job, as far as it was looked at.
#[derive(Debug, Clone, Copy)]
struct Job {
    /// When the answer that accepted it had arrived.
    accepted: Option<Stamp>,
    /// When the first answer arrived that says that it has ended.
    ended: Option<Stamp>,
    /// Whether an answer said that it has not.
    at_work: bool,
}

/// The jobs of a scan: its own, and that of a repeat.
fn jobs(scan: &ScanHistory<'_>) -> Vec<Job> {
    let asked = scan.exchanges().iter().filter(|exchange| matches!(exchange.kind, Kind::Initiate | Kind::Repeat));
    let mut jobs: Vec<(&Exchange, Job)> = Vec::new();
    for exchange in asked.filter(|exchange| exchange.fault != Some(TransportFault::Request)) {
        let accepted = (exchange.answer == Answer::Accepted).then_some(exchange.done);
        jobs.push((exchange, Job { accepted, ended: None, at_work: false }));
    }
    for exchange in scan.exchanges().iter().filter(|exchange| matches!(exchange.kind, Kind::Poll | Kind::Witness | Kind::Filler)) {
        let Some(state) = exchange.state else { continue };
        // A poll is about the scan's own job unless it names another id.
        let other = |job: &&mut (&Exchange, Job)| exchange.id.is_some() && job.0.id != exchange.id;
        for (_, job) in jobs.iter_mut().filter(|job| !other(job) && (exchange.id.is_some() || job.0.kind == Kind::Initiate)) {
            if state.is_terminal() {
                job.ended = Some(job.ended.map_or(exchange.done, |ended| ended.min(exchange.done)));
            } else if state == State::Running {
                job.at_work = true;
            }
        }
    }
    // A repeat that was given the same id is the same job.
    let own = jobs.first().copied();
    for (exchange, job) in jobs.iter_mut().skip(1) {
        if let Some((first, known)) = own.filter(|(first, _)| first.id.is_some() && first.id == exchange.id)
            && first.answer == Answer::Accepted
        {
            (job.ended, job.at_work) = (known.ended, known.at_work);
        }
    }
    jobs.into_iter().map(|(_, job)| job).collect()
}

/// What of the run's own was under way in a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UnderWay {
    /// Requests of all kinds.
    pub requests: u64,
    /// Initiates and repeats among them.
    pub initiates: u64,
    /// Jobs that had been accepted and were not seen to end before it; those that nobody looked at to their end are among them.
    pub jobs: u64,
    /// Initiates and repeats that failed in it or in the second before it: server errors, refusals for load, time-outs.
    pub failed: u64,
    /// How late the latest of our own polls left in it, or in the second before it.
    pub lateness: Nanos,
}

/// The run's own requests and jobs over time.
#[derive(Debug, Clone, Default)]
pub struct Backlog {
    requests: Spans,
    initiates: Spans,
    jobs: Spans,
    /// When initiates failed, in order.
    failed: Vec<Stamp>,
    /// When polls left, and how late, in order.
    left: Vec<(Stamp, Nanos)>,
}

/// What counts as "just before".
const JUST_BEFORE_NS: u64 = 1_000_000_000;

impl Backlog {
    /// The backlog of a log: of all its exchanges, and of the jobs of its scans.
    pub fn of(exchanges: &[Exchange], scans: &[&ScanHistory<'_>]) -> Backlog {
        let asks = |exchange: &&Exchange| matches!(exchange.kind, Kind::Initiate | Kind::Repeat);
        let spans = |exchange: &Exchange| (exchange.sent, Some(exchange.done));
        let mut failed: Vec<Stamp> =
            exchanges.iter().filter(asks).filter(|exchange| is_overload(exchange)).map(|exchange| exchange.done).collect();
        failed.sort_unstable();
        let mut left: Vec<(Stamp, Nanos)> =
            exchanges.iter().filter(|exchange| exchange.kind == Kind::Poll).map(|poll| (poll.sent, poll.lateness())).collect();
        left.sort_unstable();
        let jobs = scans.iter().flat_map(|scan| jobs(scan)).filter_map(|job| Some((job.accepted?, job.ended)));
        Backlog {
            requests: Spans::of(exchanges.iter().map(spans)),
            initiates: Spans::of(exchanges.iter().filter(asks).map(spans)),
            jobs: Spans::of(jobs),
            failed,
            left,
        }
    }

    /// What was under way at some time between two instants, both included.
    pub fn between(&self, from: Stamp, to: Stamp) -> UnderWay {
        let just_before = Stamp(from.0.saturating_sub(JUST_BEFORE_NS));
        let failed = self.failed.partition_point(|at| *at <= to) - self.failed.partition_point(|at| *at < just_before);
        let first = self.left.partition_point(|(at, _)| *at < just_before);
        let last = self.left.partition_point(|(at, _)| *at <= to);
        UnderWay {
            requests: self.requests.between(from, to),
            initiates: self.initiates.between(from, to),
            jobs: self.jobs.between(from, to),
            failed: failed as u64,
            lateness: self.left[first..last.max(first)].iter().map(|(_, late)| *late).max().unwrap_or_default().clamped(),
        }
    }

    /// What else was under way while an exchange was.
    pub fn beside(&self, exchange: &Exchange) -> UnderWay {
        let all = self.between(exchange.sent, exchange.done);
        let own = u64::from(matches!(exchange.kind, Kind::Initiate | Kind::Repeat));
        UnderWay { requests: all.requests.saturating_sub(1), initiates: all.initiates.saturating_sub(own), ..all }
    }
}

/// Whether an initiate failed as it does where there is too much to do.
fn is_overload(exchange: &Exchange) -> bool {
    match exchange.answer {
        Answer::ServerError | Answer::Throttled => true,
        Answer::Transport => exchange.fault != Some(TransportFault::Request),
        _ => false,
    }
}

/// Stretches of time, to be counted; an open one lasts for ever.
#[derive(Debug, Clone, Default)]
struct Spans {
    begins: Vec<Stamp>,
    ends: Vec<Stamp>,
}

impl Spans {
    fn of(spans: impl Iterator<Item = (Stamp, Option<Stamp>)>) -> Spans {
        let (mut begins, mut ends) = (Vec::new(), Vec::new());
        for (begin, end) in spans {
            begins.push(begin);
            ends.extend(end);
        }
        begins.sort_unstable();
        ends.sort_unstable();
        Spans { begins, ends }
    }

    /// How many have begun by `to` and not ended before `from`.
    fn between(&self, from: Stamp, to: Stamp) -> u64 {
        let begun = self.begins.partition_point(|at| *at <= to);
        let over = self.ends.partition_point(|at| *at < from);
        begun.saturating_sub(over) as u64
    }
}
