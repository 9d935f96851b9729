//! From rounds to a rolling verdict: what a watch says of a target that is measured again and again.
//!
//! In go rounds, each a whole log that was judged alone, and the verdict on the rounds that are kept; out come the window of
//! rounds to be judged together, and the changes of the rolling verdict. The rules are these:
//!
//! - A round that proves a breach makes it `fail` at once.
//! - It stays `fail` until [`Rules::recover`] clean rounds have followed each other. Then the window begins anew with those
//!   rounds: what came before speaks of something that has been mended.
//! - [`Rules::patience`] rounds in a row that could not be measured make it `inconclusive`, whatever it was before; a single
//!   one changes nothing. They neither prove nor cure: if clean rounds were still owed, they are owed afterwards.
//! - Rounds in which a failure was put up with are not judged together with later ones, in which it no longer is: the window
//!   begins anew after the day on which an allowance expires.
//! - Otherwise it is the verdict on the window, judged as one run by the rules of any run.
//!
//! Nothing is measured here, no clock is read, and no log is judged.

mod window;

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::allow::Date;
use crate::model::run::Journal;
use crate::verdict::{Judgement, Verdict};

/// When the rolling verdict changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// At most so many rounds are judged together; at least one.
    pub keep: usize,
    /// So many clean rounds in a row end a `fail`; no more than are kept.
    pub recover: u32,
    /// So many rounds in a row that could not be measured make it `inconclusive`; at least one.
    pub patience: u32,
}

/// What one round tells by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was measured, and proves nothing bad.
    Clean,
    /// It proves a breach.
    Failing,
    /// It could not be measured.
    Unmeasured,
}

impl Outcome {
    /// What the verdict on a round means for the watch. That a round alone has too few scans for a limit does not count: the
    /// window is there for that.
    pub fn of(judgement: &Judgement) -> Outcome {
        match judgement.verdict {
            Verdict::Fail => Outcome::Failing,
            Verdict::Inconclusive if judgement.reasons.iter().any(|reason| !reason.wants_more_scans()) => Outcome::Unmeasured,
            Verdict::Inconclusive | Verdict::Pass => Outcome::Clean,
        }
    }

    /// The word used everywhere.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Clean => "clean",
            Outcome::Failing => "failing",
            Outcome::Unmeasured => "unmeasured",
        }
    }
}

/// One round.
#[derive(Debug, Clone)]
pub struct Round {
    /// When it began, counted from the beginning of the watch.
    pub began: Duration,
    /// Its log.
    pub journal: Journal,
    /// What it tells by itself.
    pub outcome: Outcome,
}

/// A change of the rolling verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// What it was; `None` before the first round.
    pub was: Option<Verdict>,
    /// What it is now.
    pub is: Verdict,
}

/// The rolling verdict, and the rounds that it rests on.
#[derive(Debug)]
pub struct RollingVerdict {
    rules: Rules,
    rounds: VecDeque<Round>,
    /// Clean rounds that are still owed after a breach.
    owed: u32,
    /// Rounds in a row that could not be measured.
    unmeasured: u32,
    verdict: Option<Verdict>,
}

/// More exchanges than that are not kept, however many rounds they would be; some 100 MB.
const MOST_EXCHANGES: usize = 200_000;

impl RollingVerdict {
    /// Before the first round.
    pub fn new(rules: Rules) -> RollingVerdict {
        RollingVerdict { rules, rounds: VecDeque::new(), owed: 0, unmeasured: 0, verdict: None }
    }

    /// Takes in the round that ended last.
    pub fn take(&mut self, round: Round) {
        let measured = round.outcome != Outcome::Unmeasured;
        if measured && self.rounds.back().is_some_and(|last| in_force(&last.journal) != in_force(&round.journal)) {
            self.rounds.clear();
        }
        match round.outcome {
            Outcome::Unmeasured => {
                self.unmeasured = self.unmeasured.saturating_add(1);
                // What was seen before the target was lost says nothing about what comes back, but that a breach is not cured.
                if self.is_lost() && self.owed == 0 {
                    self.rounds.clear();
                }
                return;
            }
            Outcome::Failing => {
                self.owed = self.rules.recover;
                self.rounds.push_back(round);
            }
            Outcome::Clean => {
                self.rounds.push_back(round);
                if self.owed == 1 {
                    let last_failing = self.rounds.iter().rposition(|round| round.outcome == Outcome::Failing);
                    self.rounds.drain(..last_failing.map_or(0, |last| last + 1));
                }
                self.owed = self.owed.saturating_sub(1);
            }
        }
        self.unmeasured = 0;
        let exchanges = |rounds: &VecDeque<Round>| rounds.iter().map(|round| round.journal.exchanges.len()).sum::<usize>();
        while self.rounds.len() > self.rules.keep || (self.rounds.len() > 1 && exchanges(&self.rounds) > MOST_EXCHANGES) {
            self.rounds.pop_front();
        }
    }

    /// The rounds that are kept, as the log of one run; `None` if there are none.
    pub fn window(&self) -> Option<Journal> {
        window::as_one(&self.rounds)
    }

    /// Forms the rolling verdict from that on the window, and tells whether it changed.
    pub fn settle(&mut self, window: Option<Verdict>) -> Option<Change> {
        let is = match window {
            _ if self.is_lost() => Verdict::Inconclusive,
            None => Verdict::Inconclusive,
            Some(_) if self.owed > 0 => Verdict::Fail,
            Some(verdict) => verdict,
        };
        let was = self.verdict.replace(is);
        (was != Some(is)).then_some(Change { was, is })
    }

    /// Whether the target has been out of reach of any measurement for longer than a moment.
    pub fn is_lost(&self) -> bool {
        self.unmeasured >= self.rules.patience
    }

    /// The rolling verdict; `None` before the first round.
    pub fn verdict(&self) -> Option<Verdict> {
        self.verdict
    }

    /// Clean rounds that are still owed after a breach.
    pub fn owed(&self) -> u32 {
        self.owed
    }

    /// How many rounds are kept.
    pub fn kept(&self) -> usize {
        self.rounds.len()
    }
}

/// How many failures are put up with on the day on which a round begins. The entries are the same in all rounds of a watch, so two
/// rounds with as many have the same. None where the day cannot be read, as in the verdict.
fn in_force(journal: &Journal) -> usize {
    let day = Date::of_instant(&journal.run.started).ok();
    journal.run.allow.iter().filter(|allow| day.is_some_and(|day| day <= allow.expires)).count()
}

#[cfg(test)]
mod tests;
