//! What a watch knows while it goes on: the data of its page and of its metrics.

use std::time::Duration;

use crate::verdict::Verdict;
use crate::verdict::rolling::Outcome;

/// A watch that goes on. Its texts are safe to print and bounded.
#[derive(Debug, Clone, PartialEq)]
pub struct WatchStatus {
    /// What is watched.
    pub target: String,
    /// The scenarios of each round.
    pub scenarios: String,
    /// From the beginning of one round to that of the next, at least.
    pub every: Duration,
    /// When the watch began.
    pub began: Moment,
    /// The rolling verdict; `None` before the first round has ended.
    pub verdict: Option<Verdict>,
    /// Since when it is that.
    pub since: Option<Moment>,
    /// Why, in one line.
    pub reason: String,
    /// Rounds that are judged together, and at most how many.
    pub kept: (usize, usize),
    /// Clean rounds in a row that a `fail` still needs to end.
    pub owed: u32,
    /// Rounds of the whole watch by what they told: clean, failing, unmeasured.
    pub rounds: [u64; 3],
    /// Accepted scans of the whole watch.
    pub scans: u64,
    /// Those of them that were denied.
    pub denied: u64,
    /// Requests of the whole watch.
    pub exchanges: u64,
    /// Changes of the rolling verdict in the whole watch.
    pub changed: u64,
    /// The latest changes, the latest first.
    pub changes: Vec<ChangeRow>,
    /// The latest rounds, the latest first.
    pub recent: Vec<RoundRow>,
    /// More of them in brief, for a picture; the latest last.
    pub strip: Vec<StripRound>,
}

/// So many rounds are drawn: a day of them, one every three minutes.
const DRAWN: usize = 480;

impl WatchStatus {
    /// Which place an outcome has in [`WatchStatus::rounds`].
    pub const OUTCOMES: [Outcome; 3] = [Outcome::Clean, Outcome::Failing, Outcome::Unmeasured];

    /// Counts a round.
    pub fn count(&mut self, outcome: Outcome) {
        for (count, of) in self.rounds.iter_mut().zip(WatchStatus::OUTCOMES) {
            *count += u64::from(of == outcome);
        }
    }
}

impl WatchStatus {
    /// Adds a round to those that are drawn, and forgets the oldest beyond their number.
    pub fn draw(&mut self, round: StripRound) {
        self.strip.push(round);
        let more = self.strip.len().saturating_sub(DRAWN);
        self.strip.drain(..more);
    }
}

/// A round in brief.
#[derive(Debug, Clone, PartialEq)]
pub struct StripRound {
    /// Its number, from 1.
    pub number: u64,
    /// When it began.
    pub began: Moment,
    /// What it told by itself.
    pub outcome: Outcome,
    /// Accepted scans.
    pub scans: u64,
    /// Those of them that were denied.
    pub denied: u64,
}

/// A moment, as it is told and as a number.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// RFC 3339, in UTC.
    pub told: String,
    /// Seconds since 1970.
    pub unix: f64,
}

/// A change of the rolling verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeRow {
    /// When.
    pub at: Moment,
    /// From what; `None` before the first round.
    pub was: Option<Verdict>,
    /// To what.
    pub is: Verdict,
    /// Why, in one line.
    pub reason: String,
    /// The log of the round that changed it, from the watch's folder.
    pub log: String,
}

/// A round.
#[derive(Debug, Clone, PartialEq)]
pub struct RoundRow {
    /// Its number, from 1.
    pub number: u64,
    /// When it began.
    pub began: Moment,
    /// What it told by itself.
    pub outcome: Outcome,
    /// What it saw, in one line.
    pub headline: String,
}

/// A watch that has failed, and is clean again for some rounds.
#[cfg(test)]
pub fn sample() -> WatchStatus {
    let moment = |seconds: u32| Moment { told: format!("2026-01-01T00:00:{seconds:02}Z"), unix: 1_767_225_600.0 + f64::from(seconds) };
    WatchStatus {
        target: "a service".to_owned(),
        scenarios: "canary".to_owned(),
        every: Duration::from_secs(30),
        began: moment(0),
        verdict: Some(Verdict::Fail),
        since: Some(moment(30)),
        reason: "status denied 5 of 24 accepted scans".to_owned(),
        kept: (6, 20),
        owed: 3,
        rounds: [4, 2, 1],
        scans: 24,
        denied: 5,
        exchanges: 160,
        changed: 1,
        changes: vec![ChangeRow {
            at: moment(30),
            was: Some(Verdict::Pass),
            is: Verdict::Fail,
            reason: "status denied 3 of 4 accepted scans".to_owned(),
            log: "rounds/round-000002.ndjson".to_owned(),
        }],
        recent: vec![RoundRow {
            number: 7,
            began: Moment { told: "2026-01-01T00:01:30Z".to_owned(), unix: 1_767_225_690.0 },
            outcome: Outcome::Clean,
            headline: "0 of 4 accepted scans were denied".to_owned(),
        }],
        strip: [Outcome::Clean, Outcome::Failing, Outcome::Unmeasured]
            .into_iter()
            .zip(1..)
            .map(|(outcome, number)| StripRound { number, began: moment(number as u32 * 10), outcome, scans: 4, denied: 2 * (number % 2) })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_that_goes_on_for_ever_draws_a_bounded_number_of_rounds() {
        let mut live = sample();
        let round = live.strip[0].clone();
        for number in 1..=1000 {
            live.draw(StripRound { number, ..round.clone() });
        }
        assert_eq!((live.strip.len(), live.strip[0].number, live.strip[DRAWN - 1].number), (DRAWN, 521, 1000));
    }
}
