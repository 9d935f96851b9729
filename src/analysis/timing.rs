//! What the owner of latency asks: how long the POST takes, how long until status knows a job and until it has ended, and how long
//! polls take, by what they were answered.
//!
//! The two waits are censored: a poll says "not yet" when it was sent and "by now" when its answer arrived. They are brackets, and
//! their limits those of [`crate::statistics::band`]. POST and polls are round trips, known exactly.

use std::collections::BTreeMap;

use crate::analysis::scan::ScanHistory;
use crate::analysis::window::{Brackets, CONFIDENCE, Quantile, quantiles};
use crate::model::answer::{Answer, State};
use crate::model::exchange::Exchange;
use crate::model::run::Journal;
use crate::model::scenario::{Action, Scenario, Until};
use crate::model::time::{Nanos, Stamp};
use crate::statistics::band::quantile_needs;
use crate::statistics::grouped::{Grouped, groups_needed};

/// The quantiles that are stated.
pub const QUANTILES: [f64; 3] = [0.5, 0.95, 0.99];

/// How long things took, over all scenarios of a run; the wait until a job is visible is the run's window.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Timing {
    /// The requests that were answered with an accepted job.
    pub post: Trips,
    /// Status polls of the owner by what they were answered; those without a complete answer have no round trip.
    pub polls: Vec<(Answer, Trips)>,
    /// Until status says that the job has ended.
    pub done: Completion,
}

/// Round trips from the sending to the last byte.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trips {
    /// How many.
    pub count: u64,
    /// Of how many jobs: the requests of one job are not independent, and limits count jobs.
    pub jobs: u64,
    /// One for each of [`QUANTILES`]; none without a round trip.
    pub quantiles: Vec<TripQuantile>,
}

/// One quantile of round trips, each job counting the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TripQuantile {
    /// Which, 0 to 1.
    pub p: f64,
    /// In milliseconds; `None` with fewer jobs than the quantile needs.
    pub ms: Option<f64>,
    /// Lower 95 % limit; `None`: there is none.
    pub lower_ms: Option<f64>,
    /// Upper 95 % limit; `None`: there is none.
    pub upper_ms: Option<f64>,
    /// How many jobs it needs to be stated.
    pub needs: u64,
}

/// The wait until jobs end, of those that were to be watched until then.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Completion {
    /// Accepted jobs that were to be watched to their end.
    pub jobs: u64,
    /// Those that were seen to end.
    pub ended: u64,
    /// Those of them that ended badly.
    pub failed: u64,
    /// Those of whose end nothing was learnt: no poll showed a listed state.
    pub unclear: u64,
    /// One for each of [`QUANTILES`]; none without a bracket.
    pub quantiles: Vec<Quantile>,
    /// After the last poll that showed the job unfinished, at the latest by the first that showed its end.
    pub brackets: Brackets,
}

/// How many jobs a quantile needs to have limits on both sides.
pub fn jobs_needed(p: f64) -> u64 {
    groups_needed(p, CONFIDENCE)
}

/// How long things took in a run.
pub fn timing(journal: &Journal, scans: &[&ScanHistory<'_>]) -> Timing {
    let accepted: Vec<_> = scans.iter().filter(|scan| scan.t0().is_some()).map(|scan| (scan.number(), scan.initiate)).collect();
    let mut polls: BTreeMap<Answer, Vec<(u64, &Exchange)>> = BTreeMap::new();
    for scan in scans {
        for poll in scan.polls().iter().filter(|poll| poll.was_answered()) {
            polls.entry(poll.answer).or_default().push((scan.number(), poll));
        }
    }
    Timing {
        post: Trips::of(&accepted),
        polls: polls.into_iter().map(|(answer, polls)| (answer, Trips::of(&polls))).collect(),
        done: Completion::of(&journal.scenarios, scans),
    }
}

impl Trips {
    fn of(exchanges: &[(u64, &Exchange)]) -> Trips {
        let trips = exchanges.iter().map(|(job, exchange)| (*job, exchange.done.since(exchange.sent).as_ms()));
        let grouped = Grouped::of(trips.collect());
        let quantiles = QUANTILES.iter().filter_map(|p| {
            let quantile = grouped.quantile(*p, CONFIDENCE)?;
            let needs = quantile_needs(*p);
            let ms = (grouped.groups() >= needs).then_some(quantile.estimate);
            Some(TripQuantile { p: *p, ms, lower_ms: quantile.lower, upper_ms: quantile.upper, needs })
        });
        Trips { count: grouped.values(), jobs: grouped.groups(), quantiles: quantiles.collect() }
    }
}

impl Completion {
    fn of(scenarios: &[Scenario], scans: &[&ScanHistory<'_>]) -> Completion {
        let mut completion = Completion::default();
        let mut brackets = Vec::new();
        for scan in scans.iter().filter(|scan| scan.t0().is_some() && is_watched_to_its_end(scenarios, scan)) {
            completion.jobs += 1;
            match end(scan) {
                None => completion.unclear += 1,
                Some(End { after, until, state }) => {
                    completion.ended += u64::from(until.is_some());
                    completion.failed += u64::from(state == Some(State::Failed));
                    brackets.push((after.as_ms(), until.map(Nanos::as_ms).into()));
                }
            }
        }
        completion.brackets = brackets.into();
        completion.quantiles = quantiles(&completion.brackets, &QUANTILES);
        completion
    }
}

/// Whether the scenario meant to see the job's end. That is settled before anything is answered, so that slow jobs are not left out;
/// a job that is cancelled or deleted as soon as it is visible was never to end by itself.
fn is_watched_to_its_end(scenarios: &[Scenario], scan: &ScanHistory<'_>) -> bool {
    let Some(scenario) = scenarios.get(scan.scenario() as usize) else { return false };
    let removes = |action| matches!(action, Action::Cancel | Action::Delete);
    let is_cancelled_early = scenario.then.as_ref().is_some_and(|then| removes(then.action) && then.when == Until::Visible);
    let follow = scenario.arms.get(scan.arm() as usize).and_then(|arm| arm.follow);
    !is_cancelled_early && follow.is_some_and(|follow| matches!(follow.until, Until::Terminal | Until::Deadline))
}

/// When a job ended: ages since the answer that handed out its id.
struct End {
    after: Nanos,
    until: Option<Nanos>,
    state: Option<State>,
}

/// `None` if no poll says anything about the end. A denial says that status does not show one yet; a state that the target file does
/// not list says nothing. What a second write may have changed does not count.
fn end(scan: &ScanHistory<'_>) -> Option<End> {
    let t0 = scan.t0()?;
    let rewritten = scan.delete().map_or(Stamp(u64::MAX), |delete| delete.sent).min(scan.rewritten_from());
    let first = scan.ended().filter(|(poll, _)| poll.sent < rewritten);
    let before = |poll: &&&Exchange| poll.sent < rewritten && first.is_none_or(|(end, _)| poll.sent < end.done);
    let is_unfinished = |poll: &&&Exchange| match poll.answer {
        Answer::NotFound => true,
        Answer::Visible => poll.state == Some(State::Running) && scan.is_named_by(poll),
        _ => false,
    };
    let last = scan.polls().iter().filter(before).filter(is_unfinished).map(|poll| poll.sent).max();
    if first.is_none() && last.is_none() {
        return None;
    }
    Some(End {
        after: last.map_or(Nanos(0), |sent| sent.since(t0).clamped()),
        until: first.map(|(poll, _)| poll.done.since(t0).clamped()),
        state: first.map(|(_, state)| state),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::scan::Scans;
    use crate::log;

    fn deferred() -> Journal {
        log::read("deferred.ndjson", include_bytes!("../../fixtures/logs/deferred.ndjson").as_slice()).expect("a log")
    }

    fn of(journal: &Journal) -> Timing {
        let scans = Scans::of(&journal.exchanges);
        let histories = scans.histories();
        timing(journal, &histories.iter().collect::<Vec<_>>())
    }

    #[test]
    fn every_answered_poll_is_counted_once_under_its_answer() {
        let journal = deferred();
        let timing = of(&journal);
        let polls = journal.exchanges.iter().filter(|exchange| exchange.kind == crate::model::exchange::Kind::Poll);
        assert_eq!(timing.polls.iter().map(|(_, trips)| trips.count).sum::<u64>(), polls.count() as u64);
        assert_eq!(timing.polls.iter().map(|(answer, _)| *answer).collect::<Vec<_>>(), [Answer::Visible, Answer::NotFound]);
        assert_eq!((timing.post.count, timing.post.jobs), (27, 27));
        assert!(timing.post.quantiles[0].ms.is_some(), "27 jobs have a median");
        let p99 = timing.post.quantiles[2];
        assert_eq!((p99.ms, p99.upper_ms, p99.needs), (None, None, 299));
    }

    #[test]
    fn jobs_that_nobody_meant_to_watch_to_their_end_say_nothing_of_it() {
        let mut journal = deferred();
        assert_eq!(of(&journal).done, Completion::default());
        // The same exchanges in a scenario that means to: each job was last seen unfinished, and none was seen to end.
        for arm in journal.scenarios.iter_mut().flat_map(|scenario| &mut scenario.arms) {
            if let Some(follow) = &mut arm.follow {
                follow.until = Until::Terminal;
            }
        }
        let done = of(&journal).done;
        assert!(done.jobs > 0 && done.ended == 0 && done.brackets.iter().all(|(after, until)| *after > 0.0 && until.get().is_none()));
        assert!(
            done.quantiles.iter().all(|quantile| quantile.upper_ms.is_none() && quantile.lower_ms > 0.0 || quantile.p > 0.5),
            "{done:?}"
        );
    }
}
