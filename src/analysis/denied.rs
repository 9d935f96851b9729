//! What became of the jobs that status denied: since when and until when, how it said so, and whether anything showed them again.

use std::collections::BTreeMap;

use crate::analysis::scan::ScanHistory;
use crate::model::answer::{Answer, State};
use crate::model::exchange::Exchange;
use crate::model::time::Nanos;

/// The jobs of a run that were denied after their id was known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeniedJobs {
    /// Jobs that were denied at least once.
    pub jobs: u64,
    /// Ages of the first and of the last denial.
    pub ages: Option<(Nanos, Nanos)>,
    /// How status said it, the most frequent first.
    pub answers: Vec<DenyingAnswer>,
    /// Denied jobs that status showed after their last denial.
    pub found_later: u64,
    /// Of the others, those that another endpoint showed, or that status itself had shown before.
    pub shown_otherwise: u64,
    /// Jobs that nothing showed after they were accepted.
    pub never_shown: u64,
    /// The latest age at which one of those was still denied.
    pub denied_until: Option<Nanos>,
    /// Of those that nothing showed, the ones that another endpoint denied as well.
    pub denied_elsewhere: u64,
    /// Denied jobs that were shown running or ended by another endpoint at an age between their own first and last denial.
    pub at_work_meanwhile: u64,
    /// Denied jobs that were seen to end well.
    pub succeeded: u64,
}

/// One way in which status denied jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DenyingAnswer {
    /// The status code.
    pub http: Option<u16>,
    /// The target's own word, if the reply had one.
    pub word: Option<String>,
    /// How many polls were answered so.
    pub polls: u64,
}

/// Looks at every job that was denied.
pub fn denied_jobs(histories: &[ScanHistory<'_>]) -> DeniedJobs {
    let mut all = DeniedJobs::default();
    let mut answers: BTreeMap<(Option<u16>, Option<&str>), u64> = BTreeMap::new();
    for scan in histories {
        let denials: Vec<&Exchange> = scan.denials().collect();
        // In the order of sending.
        let (Some(first), Some(last)) = (denials.first(), denials.last()) else { continue };
        for denial in &denials {
            *answers.entry((denial.http, denial.word.as_deref())).or_default() += 1;
        }
        all.jobs += 1;
        let (from, to) = (scan.age(first).clamped(), scan.age(last).clamped());
        all.ages = Some(all.ages.map_or((from, to), |(first, last)| (first.min(from), last.max(to))));
        all.add_fate(scan, first, last, to);
    }
    let mut answers: Vec<DenyingAnswer> =
        answers.into_iter().map(|((http, word), polls)| DenyingAnswer { http, word: word.map(str::to_owned), polls }).collect();
    answers.sort_by_key(|answer| std::cmp::Reverse(answer.polls));
    all.answers = answers;
    all
}

impl DeniedJobs {
    fn add_fate(&mut self, scan: &ScanHistory<'_>, first: &Exchange, last: &Exchange, last_age: Nanos) {
        let shows = |exchange: &&&Exchange| exchange.answer == Answer::Visible && scan.is_named_by(exchange);
        let other_endpoints = || scan.witness().iter().chain(scan.results());
        let meanwhile = |exchange: &&Exchange| first.sent <= exchange.sent && exchange.sent <= last.done;
        self.at_work_meanwhile += u64::from(scan.witness().iter().filter(shows).any(meanwhile));
        let ended_well = |exchange: &&&Exchange| exchange.state == Some(State::Succeeded);
        self.succeeded += u64::from(scan.polls().iter().chain(scan.witness()).filter(shows).any(|exchange| ended_well(&exchange)));
        if scan.polls().iter().filter(shows).any(|poll| poll.done > last.sent) {
            self.found_later += 1;
        } else if scan.polls().iter().chain(other_endpoints()).any(|exchange| shows(&exchange)) {
            self.shown_otherwise += 1;
        } else {
            self.never_shown += 1;
            self.denied_until = self.denied_until.max(Some(last_age));
            self.denied_elsewhere += u64::from(scan.witness().iter().any(|read| read.answer == Answer::NotFound));
        }
    }
}

/// The youngest and the oldest age at which status was asked for a job and answered.
pub fn polled_ages(histories: &[ScanHistory<'_>]) -> Option<(Nanos, Nanos)> {
    let ages = histories.iter().filter(|scan| scan.t0().is_some()).flat_map(|scan| {
        let polls: Vec<Nanos> = scan.evidence().map(|poll| scan.age(poll).clamped()).collect();
        polls
    });
    ages.fold(None, |range, age| Some(range.map_or((age, age), |(from, to): (Nanos, Nanos)| (from.min(age), to.max(age)))))
}
