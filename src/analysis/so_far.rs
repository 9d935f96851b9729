//! What a run has shown by now, for whoever watches it: counts that grow with every exchange, and no judgement.
//!
//! The log is judged when it is whole. This is a rougher count of the same things, kept while exchanges arrive: who was denied at
//! which age, and until when.

use std::collections::BTreeMap;

use crate::model::answer::{Answer, State};
use crate::model::exchange::{Exchange, Kind, Purpose};
use crate::model::time::{Nanos, Stamp, is_one_window};

/// The counts so far.
#[derive(Debug, Clone, Default)]
pub struct SoFar {
    /// Jobs whose status was asked and answered.
    pub polled: u64,
    /// Those of them that were denied at least once.
    pub denied: u64,
    /// Denied jobs that were found later.
    pub found_again: u64,
    /// The first denial.
    pub first: Option<FirstDenial>,
    /// The highest age at which a job was denied.
    pub denied_until: Option<Nanos>,
    /// The lowest and the highest age at which a job that had been denied was found.
    pub found_from_to: Option<(Nanos, Nanos)>,
    /// The highest age at which a job was seen to end.
    pub ended_until: Option<Nanos>,
    /// Polls at planned ages: how many were denied, of how many.
    pub ages: BTreeMap<Nanos, (u64, u64)>,
    /// Jobs that are followed now.
    open: BTreeMap<u64, Job>,
}

/// The first denial of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstDenial {
    /// When its answer had arrived.
    pub at: Stamp,
    /// The job's age when it was asked for.
    pub age: Nanos,
    /// The status code.
    pub http: Option<u16>,
    /// The target's own word, if the reply had one.
    pub word: Option<String>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Job {
    t0: Option<Stamp>,
    polled: bool,
    /// The latest instant at which a poll was sent that was denied.
    denied: Option<Stamp>,
    found_again: bool,
}

impl SoFar {
    /// Takes note of an exchange that has ended. Whether it was the run's first denial.
    pub fn exchange(&mut self, exchange: &Exchange) -> bool {
        let Some(number) = exchange.scan.get() else { return false };
        match exchange.kind {
            Kind::Initiate if exchange.answer == Answer::Accepted => {
                self.open.entry(number).or_default().t0 = Some(exchange.done);
                false
            }
            // After a second write a denial may be right.
            Kind::Poll if exchange.purpose != Purpose::Then && exchange.answer.is_evidence() => self.poll(number, exchange),
            _ => false,
        }
    }

    /// Whether one window explains all jobs that were denied: none was denied at an age at which another one had been found.
    pub fn are_alike(&self) -> bool {
        let found = self.found_from_to.map(|(from, _)| from);
        self.denied_until.zip(found).is_none_or(|(denied, found)| is_one_window(denied, found))
    }

    /// Nothing more will come of a job.
    pub fn ended(&mut self, scan: u64) {
        self.open.remove(&scan);
    }

    fn poll(&mut self, number: u64, poll: &Exchange) -> bool {
        let Some(job) = self.open.get_mut(&number) else { return false };
        let Some(t0) = job.t0.filter(|t0| *t0 <= poll.sent) else { return false };
        let age = poll.sent.since(t0);
        self.polled += u64::from(!std::mem::replace(&mut job.polled, true));
        let denied = poll.answer == Answer::NotFound;
        if let Some(offset) = poll.offset.get().filter(|_| poll.purpose == Purpose::Offset) {
            let (denied_there, polled_there) = self.ages.entry(offset).or_default();
            *denied_there += u64::from(denied);
            *polled_there += 1;
        }
        if denied {
            self.denied += u64::from(job.denied.is_none());
            job.denied = job.denied.max(Some(poll.sent));
            self.denied_until = self.denied_until.max(Some(age));
            let is_first = self.first.is_none();
            if is_first {
                let word = poll.word.as_deref().map(str::to_owned);
                self.first = Some(FirstDenial { at: poll.done, age, http: poll.http, word });
            }
            return is_first;
        }
        if poll.state.is_some_and(State::is_terminal) {
            self.ended_until = self.ended_until.max(Some(age));
        }
        if job.denied.is_some_and(|denied| denied < poll.sent) && !std::mem::replace(&mut job.found_again, true) {
            self.found_again += 1;
            let found = poll.done.since(t0);
            let (from, to) = self.found_from_to.unwrap_or((found, found));
            self.found_from_to = Some((from.min(found), to.max(found)));
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn exchange(scan: u64, kind: &str, sent_ms: u64, answer: &str) -> Exchange {
        let ns = sent_ms * 1_000_000;
        let offset = (kind == "poll").then_some(100_000_000);
        let line = json!({
            "scenario": 0, "scan": scan, "kind": kind, "purpose": if kind == "poll" { "offset" } else { "other" }, "connection": "fresh",
            "answer": answer, "offset": offset, "planned": ns, "sent": ns, "done": ns + 1_000_000, "http": 200,
        });
        serde_json::from_value(line).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn jobs_are_counted_once_each_and_the_first_denial_is_named_once() {
        let mut so_far = SoFar::default();
        for scan in 0..3 {
            assert!(!so_far.exchange(&exchange(scan, "initiate", 0, "accepted")));
        }
        assert!(!so_far.exchange(&exchange(9, "poll", 100, "not_found")), "nobody knows when its id arrived");
        assert!(so_far.exchange(&exchange(0, "poll", 101, "not_found")));
        assert!(!so_far.exchange(&exchange(0, "poll", 201, "not_found")));
        assert!(!so_far.exchange(&exchange(1, "poll", 101, "visible")));
        assert!(!so_far.exchange(&exchange(2, "poll", 101, "server_error")), "no evidence");
        assert_eq!((so_far.polled, so_far.denied, so_far.found_again), (2, 1, 0));
        assert_eq!(so_far.first.as_ref().map(|first| first.age), Some(Nanos(100_000_000)));
        so_far.exchange(&exchange(0, "poll", 501, "visible"));
        so_far.exchange(&exchange(0, "poll", 601, "visible"));
        assert_eq!(so_far.found_again, 1);
        assert_eq!(so_far.denied_until, Some(Nanos(200_000_000)));
        assert_eq!(so_far.found_from_to, Some((Nanos(501_000_000), Nanos(501_000_000))));
        assert_eq!(so_far.ages.get(&Nanos(100_000_000)), Some(&(2, 5)));
        assert!(so_far.are_alike());
        so_far.exchange(&exchange(2, "poll", 901, "not_found"));
        assert!(!so_far.are_alike(), "denied at 900 ms, and another one was found at 501 ms");
    }
}
