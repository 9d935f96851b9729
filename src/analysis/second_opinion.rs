//! What an ordinary client's tries say about denials that the probe saw, and which sequence such a client should try.

use std::collections::BTreeMap;

use crate::model::answer::Answer;
use crate::model::exchange::{Connection, Exchange, Kind, Purpose};
use crate::model::run::Journal;
use crate::model::second_opinion::{SecondOpinion, Sequence};
use crate::model::time::Nanos;
use crate::statistics::binomial::lower_limit;

/// What the tries say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Opinion {
    /// The ordinary client was denied as well.
    Confirmed {
        /// How often.
        denied: u64,
        /// Of how many polls.
        of: u64,
    },
    /// It was never denied, although at the rate that the probe saw it would have been.
    OnlyOwn {
        /// Polls.
        of: u64,
    },
    /// It was never denied, which chance may explain.
    Unsettled {
        /// Polls.
        of: u64,
    },
    /// None of its polls says anything.
    Silent {
        /// The jobs that it asked for.
        jobs: u64,
    },
}

/// Below this probability, chance does not explain that no poll was denied.
const UNLIKELY: f64 = 0.05;

impl Opinion {
    /// Weighs the tries against the rate of the probe's own polls; of that, the lower 95 % limit is taken.
    pub fn of(opinion: &SecondOpinion) -> Opinion {
        let sequence = opinion.sequence;
        let counted: Vec<_> = opinion.tries.iter().filter(|tried| tried.counts(sequence)).collect();
        let of = counted.len() as u64;
        let denied = counted.iter().filter(|tried| tried.answer == Answer::NotFound).count() as u64;
        if denied > 0 {
            return Opinion::Confirmed { denied, of };
        }
        if of == 0 {
            return Opinion::Silent { jobs: opinion.tries.len() as u64 };
        }
        let rate = lower_limit(sequence.denied, sequence.polls, 0.95);
        let by_chance = (1.0 - rate).powi(i32::try_from(of).unwrap_or(i32::MAX));
        if by_chance < UNLIKELY { Opinion::OnlyOwn { of } } else { Opinion::Unsettled { of } }
    }
}

/// The smallest sequence that was denied: the POST, and one poll at the age and by the connection at which most polls were denied,
/// the earliest among equals. `None` where no first look at a job was denied.
pub fn smallest_sequence(journal: &Journal) -> Option<Sequence> {
    let handed_out: BTreeMap<u64, i64> = journal
        .exchanges
        .iter()
        .filter(|exchange| exchange.kind == Kind::Initiate && exchange.answer == Answer::Accepted)
        .filter_map(|exchange| Some((exchange.scan.get()?, exchange.done.0 as i64)))
        .collect();
    let age = |exchange: &Exchange| Some(exchange.sent.0 as i64 - handed_out.get(&exchange.scan.get()?)?);
    let is_told = |exchange: &&Exchange| {
        exchange.kind == Kind::Poll && exchange.route.is_none() && matches!(exchange.answer, Answer::NotFound | Answer::Visible)
    };
    let polls: Vec<(&Exchange, i64)> = journal
        .exchanges
        .iter()
        .filter(is_told)
        .filter_map(|exchange| Some((exchange, age(exchange)?)))
        .filter(|(_, age)| *age >= 0)
        .collect();
    at_offsets(&polls).or_else(|| of_first_polls(&polls))
}

/// Among the ages that scenarios poll at.
fn at_offsets(polls: &[(&Exchange, i64)]) -> Option<Sequence> {
    let mut groups: BTreeMap<(i64, bool), (u64, u64)> = BTreeMap::new();
    for (poll, _) in polls.iter().filter(|(poll, _)| poll.purpose == Purpose::Offset) {
        let Some(offset) = poll.offset.get() else { continue };
        let group = groups.entry((offset.0, is_apart(poll))).or_default();
        group.0 += u64::from(poll.answer == Answer::NotFound);
        group.1 += 1;
    }
    let share = |(denied, polls): (u64, u64)| (denied as f64 / polls as f64, polls);
    let best = groups.into_iter().filter(|(_, (denied, _))| *denied > 0).reduce(|best, other| {
        // Ties go to the earlier age, which comes first.
        if share(other.1) > share(best.1) { other } else { best }
    });
    best.map(|((age, apart), (denied, polls))| Sequence { age: Nanos(age.max(0)), apart, polls, denied })
}

/// Among the first looks at each job: the earliest age that was denied, at the rate of all of them.
fn of_first_polls(polls: &[(&Exchange, i64)]) -> Option<Sequence> {
    let mut first: BTreeMap<u64, (&Exchange, i64)> = BTreeMap::new();
    for (poll, age) in polls {
        let Some(scan) = poll.scan.get() else { continue };
        let known = first.entry(scan).or_insert((poll, *age));
        if *age < known.1 {
            *known = (poll, *age);
        }
    }
    let denied: Vec<&(&Exchange, i64)> = first.values().filter(|(poll, _)| poll.answer == Answer::NotFound).collect();
    let (poll, age) = denied.iter().min_by_key(|(_, age)| *age)?;
    Some(Sequence { age: Nanos(*age), apart: is_apart(poll), polls: first.len() as u64, denied: denied.len() as u64 })
}

/// Whether a poll travels on another connection than the POST of its job.
fn is_apart(poll: &Exchange) -> bool {
    matches!(poll.connection, Connection::Fresh | Connection::PreOpened)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::second_opinion::SecondTry;

    fn opinion(polls: u64, denied: u64, tries: &[(i64, Answer)]) -> Opinion {
        let sequence = Sequence { age: Nanos(100_000_000), apart: true, polls, denied };
        let tried = |(late, answer): &(i64, Answer)| SecondTry {
            age: Some(Nanos(sequence.age.0 + late * 1_000_000)),
            http: Some(200),
            answer: *answer,
        };
        Opinion::of(&SecondOpinion { sequence, tries: tries.iter().map(tried).collect() })
    }

    #[test]
    fn tries_are_weighed_against_the_rate_that_was_seen() {
        let (gone, seen) = ((1, Answer::NotFound), (1, Answer::Visible));
        assert_eq!(opinion(50, 50, &[gone; 5]), Opinion::Confirmed { denied: 5, of: 5 });
        assert_eq!(opinion(50, 25, &[gone, seen, seen]), Opinion::Confirmed { denied: 1, of: 3 });
        assert_eq!(opinion(50, 50, &[seen; 5]), Opinion::OnlyOwn { of: 5 });
        assert_eq!(opinion(50, 1, &[seen; 5]), Opinion::Unsettled { of: 5 }, "one in fifty is missed by five tries");
        assert_eq!(opinion(1, 1, &[seen; 5]), Opinion::Unsettled { of: 5 }, "one denial proves no rate");
        // What was asked for too late, or got another answer, says nothing.
        assert_eq!(opinion(50, 50, &[(30, Answer::Visible), (1, Answer::ServerError)]), Opinion::Silent { jobs: 2 });
        assert_eq!(opinion(50, 50, &[(30, Answer::NotFound)]), Opinion::Confirmed { denied: 1, of: 1 });
    }
}
