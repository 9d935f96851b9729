//! The part of a log that is replayed: all of a short one, and the first jobs of each scenario of a long one.
//!
//! A scenario's jobs are dealt their arms, ages and phases in an order that does not depend on how many there are, so that its first jobs
//! are a plan of their own, and what was seen of them can be compared by itself.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::model::answer::{Answer, State};
use crate::model::exchange::{Exchange, Kind, Purpose};
use crate::model::run::Journal;
use crate::model::scenario::{Scenario, Until};
use crate::model::time::Stamp;
use crate::probe::{Decision, Observation};

/// How many exchanges a run of a twin has, about.
const ENOUGH: usize = 2_000;

/// A scenario is cut to no fewer jobs than this.
const FEWEST: u32 = 12;

/// How many jobs of each scenario are replayed: the first ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Excerpt {
    /// For each scenario the number of its first job, and how many there are.
    jobs: Vec<(u64, u32)>,
}

impl Excerpt {
    pub(super) fn of(journal: &Journal) -> Excerpt {
        let mut costs = vec![0_usize; journal.scenarios.len()];
        // A gate that was stopped began fewer jobs than were planned, and its twins begin no more.
        let mut begun = vec![0_u32; journal.scenarios.len()];
        for exchange in &journal.exchanges {
            let scenario = exchange.scenario as usize;
            if let (Some(cost), Some(begun)) = (costs.get_mut(scenario), begun.get_mut(scenario)) {
                *cost += 1;
                *begun += u32::from(exchange.kind == Kind::Initiate);
            }
        }
        for (cost, under_way) in costs.iter_mut().zip(under_way(journal)) {
            if under_way {
                *cost = 0;
            }
        }
        let most = level(&costs);
        let mut first = 0;
        let cut = |((scenario, cost), begun): ((&Scenario, usize), u32)| {
            let own = first;
            first += u64::from(scenario.load.scans);
            let all = begun.min(scenario.load.scans);
            let share = (f64::from(all) * most as f64 / cost.max(1) as f64).ceil() as u32;
            let jobs = match cost {
                0 => 0,
                cost if cost <= most => all,
                _ => share.max(FEWEST).min(all),
            };
            (own, jobs)
        };
        Excerpt { jobs: journal.scenarios.iter().zip(costs).zip(begun).map(cut).collect() }
    }

    /// What of a log is about these jobs, and was planned: an investigation also looks at jobs that it left behind.
    pub(super) fn cut<'a>(&self, journal: &'a Journal) -> Cow<'a, Journal> {
        let watched = Watched::all(journal);
        let stays = |exchange: &&Exchange| self.has(exchange) && is_planned(exchange, journal, &watched);
        if journal.exchanges.iter().all(|exchange| stays(&exchange)) {
            return Cow::Borrowed(journal);
        }
        let exchanges = journal.exchanges.iter().filter(stays).cloned().collect();
        Cow::Owned(Journal { exchanges, ..without_exchanges(journal) })
    }

    fn has(&self, exchange: &Exchange) -> bool {
        let Some((first, jobs)) = self.jobs.get(exchange.scenario as usize) else { return false };
        exchange.scan.get().is_none_or(|scan| scan.saturating_sub(*first) < u64::from(*jobs))
    }

    /// Ends each scenario when so many jobs of it were asked for.
    pub(super) fn decide(&self) -> impl Fn(Observation<'_>) -> Decision + Send + Sync + 'static {
        let left: Vec<u32> = self.jobs.iter().map(|(_, jobs)| *jobs).collect();
        let left = Mutex::new(left);
        move |observation| {
            let Observation::Exchange(exchange) = observation else { return Decision::Continue };
            if exchange.kind != Kind::Initiate {
                return Decision::Continue;
            }
            // A count is right whatever a panicking thread was doing.
            let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(left) = left.get_mut(exchange.scenario as usize) else { return Decision::Continue };
            *left = left.saturating_sub(1);
            if *left == 0 { Decision::StopScenario } else { Decision::Continue }
        }
    }
}

/// Whether each scenario may have been under way when the run ended before its time: what was cut off has no equal among runs of a twin.
fn under_way(journal: &Journal) -> Vec<bool> {
    let ended = journal.exchanges.iter().map(|exchange| exchange.done).max().unwrap_or_default();
    let mut last = vec![Stamp(0); journal.scenarios.len()];
    for exchange in &journal.exchanges {
        if let Some(last) = last.get_mut(exchange.scenario as usize) {
            *last = exchange.done.max(*last);
        }
    }
    last.into_iter().map(|last| !journal.is_complete() && last.after(JUST_BEFORE) >= ended).collect()
}

/// A scenario that was asked something this shortly before the end may not have been over.
const JUST_BEFORE: Duration = Duration::from_secs(3);

/// What is known of a job that decides for how long its plan follows it.
#[derive(Debug, Clone, Copy, Default)]
struct Watched {
    accepted: Option<Stamp>,
    visible: Option<Stamp>,
    terminal: Option<Stamp>,
}

impl Watched {
    fn all(journal: &Journal) -> BTreeMap<u64, Watched> {
        let mut all: BTreeMap<u64, Watched> = BTreeMap::new();
        let earlier = |known: &mut Option<Stamp>, at: Stamp| *known = Some(known.map_or(at, |known| known.min(at)));
        for exchange in &journal.exchanges {
            let Some(watched) = exchange.scan.get().map(|scan| all.entry(scan).or_default()) else { continue };
            match (exchange.kind, exchange.answer) {
                (Kind::Initiate, Answer::Accepted) => watched.accepted = Some(exchange.done),
                (Kind::Poll, Answer::Visible) => {
                    earlier(&mut watched.visible, exchange.done);
                    if exchange.state.is_some_and(State::is_terminal) {
                        earlier(&mut watched.terminal, exchange.done);
                    }
                }
                _ => {}
            }
        }
        all
    }
}

/// Whether a poll is one that the scenario asks for.
fn is_planned(exchange: &Exchange, journal: &Journal, watched: &BTreeMap<u64, Watched>) -> bool {
    if exchange.kind != Kind::Poll || exchange.purpose != Purpose::Follow {
        return true;
    }
    let arm = journal.scenarios.get(exchange.scenario as usize).and_then(|scenario| scenario.arms.get(exchange.arm as usize));
    let Some(follow) = arm.and_then(|arm| arm.follow) else { return false };
    let Some(watched) = exchange.scan.get().and_then(|scan| watched.get(&scan)) else { return true };
    let (reached, slack) = match follow.until {
        Until::Accepted => (watched.accepted, Duration::ZERO),
        Until::Visible => (watched.visible, Duration::ZERO),
        Until::Terminal => (watched.terminal, AFTER_THE_DEADLINE),
        Until::Deadline => (None, Duration::ZERO),
    };
    let last = watched.accepted.map(|accepted| accepted.after(follow.deadline.0 + slack));
    let settled = reached.map(|reached| reached.after(follow.settle.0));
    // A poll that was under way when the end was seen was planned before it.
    last.is_none_or(|last| exchange.planned <= last) && settled.is_none_or(|settled| exchange.planned <= settled)
}

/// A last poll may follow the readings at the end of a job that is watched to its end.
const AFTER_THE_DEADLINE: Duration = Duration::from_secs(1);

fn without_exchanges(journal: &Journal) -> Journal {
    Journal {
        run: journal.run.clone(),
        scenarios: journal.scenarios.clone(),
        exchanges: Vec::new(),
        stopped: journal.stopped.clone(),
        not_asked: journal.not_asked.clone(),
        end: journal.end.clone(),
        torn: journal.torn,
        inside: journal.inside.clone(),
    }
}

/// The largest cost to which costs can be cut for their sum to be enough.
fn level(costs: &[usize]) -> usize {
    let sum = |most: usize| costs.iter().map(|cost| (*cost).min(most)).sum::<usize>();
    let (mut low, mut high) = (1, costs.iter().copied().max().unwrap_or(1).max(1));
    while low < high {
        let middle = usize::midpoint(low, high + 1);
        if sum(middle) <= ENOUGH {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_are_cut_until_the_sum_is_enough() {
        assert_eq!(level(&[100, 200, 300]), 300, "a short log is left as it is");
        assert_eq!(level(&[100, 5_000, 5_000]), 950);
        assert_eq!(level(&[]), 1);
    }
}
