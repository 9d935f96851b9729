//! Signs that a target has more than it can do, and how much less is asked of it then.
//!
//! Three things are signs: an initiate that fails, one that takes far longer than the first ones did, and a request of ours that
//! leaves late although nothing held it back. Fewer initiates are then under way at a time, and after a failure none is sent for
//! a while. When initiates are answered as at first, there are more again, one by one.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::model::answer::{Answer, TransportFault};
use crate::model::exchange::Exchange;
use crate::model::time::Stamp;
use crate::probe::clock::Clock;

/// So many initiates say what is usual.
const FIRST: usize = 3;
/// Initiates that take this long by themselves are heavy: few are sent at a time from the start.
const HEAVY: Duration = Duration::from_millis(500);
/// So many heavy ones at a time.
const HEAVY_AT_A_TIME: u32 = 2;
/// Slower than usual by less than this is not a sign.
const SLACK: Duration = Duration::from_millis(200);
/// A request that leaves later than this is late.
const LATE: Duration = Duration::from_millis(250);
/// After a failure none is sent for this long, and twice as long after the next.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// A pause that is halved to less than this is over.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// After so many good ones in a row there is one more at a time.
const GOOD_IN_A_ROW: u32 = 4;
/// From so many at a time on, there is no limit any more.
const AMPLE: u32 = 32;

/// Whether initiates may leave, and how many at a time.
#[derive(Debug, Default)]
pub(crate) struct Strain {
    state: Mutex<State>,
    changed: Notify,
}

/// What was seen of strain so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Signs {
    /// Initiates that failed.
    pub failed: u64,
    /// Initiates that took far longer than the first ones.
    pub slow: u64,
    /// Requests that left late.
    pub late: u64,
}

impl Signs {
    /// All of them.
    pub fn total(self) -> u64 {
        self.failed + self.slow + self.late
    }
}

impl fmt::Display for Signs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = |n: u64, one: &str, many: &str| (n > 0).then(|| format!("{n} {}", if n == 1 { one } else { many }));
        let slow = "took far longer than the first ones";
        let told = [
            counted(self.failed, "initiate failed", "initiates failed"),
            counted(self.slow, slow, slow),
            counted(self.late, "poll left late", "polls left late"),
        ];
        f.write_str(&told.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}

#[derive(Debug, Default)]
struct State {
    /// The round trips of the first good initiates.
    first: Vec<Duration>,
    under_way: u32,
    /// So many at a time; `None`: as many as are planned.
    at_most: Option<u32>,
    /// None is sent before this.
    resume: Stamp,
    pause: Duration,
    good_in_a_row: u32,
    /// What was sent before this is part of a sign that was already heeded.
    heeded: Stamp,
    signs: Signs,
}

impl Strain {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was seen of strain so far.
    pub(crate) fn signs(&self) -> Signs {
        self.state().signs
    }

    /// Waits until one more initiate may be under way, and counts it. True if there was anything to wait for.
    pub(crate) async fn room(&self, clock: &Clock) -> bool {
        let mut waited = false;
        loop {
            let changed = self.changed.notified();
            let resume = {
                let mut state = self.state();
                let now = clock.now();
                if now >= state.resume && state.at_most.is_none_or(|most| state.under_way < most) {
                    state.under_way += 1;
                    return waited;
                }
                (now < state.resume).then_some(state.resume)
            };
            waited = true;
            match resume {
                Some(resume) => clock.sleep_until(resume).await,
                None => changed.await,
            }
        }
    }

    /// An initiate has ended.
    pub(crate) fn initiated(&self, exchange: &Exchange) {
        self.state().initiated(exchange);
        self.changed.notify_waiters();
    }

    /// A request that nothing held back was due at `planned`, and leaves now.
    pub(crate) fn leaves(&self, planned: Stamp, now: Stamp) {
        if now.elapsed_from(planned) > LATE {
            let mut state = self.state();
            state.signs.late += 1;
            state.less(planned, now);
        }
    }
}

impl State {
    fn initiated(&mut self, exchange: &Exchange) {
        let trip = exchange.done.elapsed_from(exchange.sent);
        let failed = failed(exchange);
        if failed {
            self.signs.failed += 1;
            if self.less(exchange.sent, exchange.done) {
                self.pause = (self.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
                self.resume = exchange.done.after(self.pause);
            }
        } else if exchange.answer != Answer::Accepted {
            // Refused for another reason than load.
        } else if self.is_slow(trip) {
            self.signs.slow += 1;
            self.less(exchange.sent, exchange.done);
        } else {
            self.good(trip, exchange.done);
        }
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// Far slower than the quickest of the first ones.
    fn is_slow(&self, trip: Duration) -> bool {
        self.first.len() == FIRST && self.first.iter().min().is_some_and(|usual| trip > (*usual * 3).max(*usual + SLACK))
    }

    fn good(&mut self, trip: Duration, done: Stamp) {
        if !self.pause.is_zero() {
            // Patience is given up step by step: a target with room for one job would else refuse every second one.
            self.pause = if self.pause > SHORTEST_PAUSE { self.pause / 2 } else { Duration::ZERO };
            self.resume = self.resume.max(done.after(self.pause));
        }
        if self.first.len() < FIRST {
            self.first.push(trip);
            if trip >= HEAVY {
                self.at_most = Some(self.at_most.map_or(HEAVY_AT_A_TIME, |most| most.min(HEAVY_AT_A_TIME)));
            }
            return;
        }
        self.good_in_a_row += 1;
        let heavy = self.first.iter().min().is_some_and(|usual| *usual >= HEAVY);
        if self.good_in_a_row >= GOOD_IN_A_ROW && !heavy {
            self.good_in_a_row = 0;
            self.at_most = self.at_most.map(|most| most + 1).filter(|most| *most < AMPLE);
        }
    }

    /// Half as many at a time; false if this is part of what was already heeded.
    fn less(&mut self, sent: Stamp, now: Stamp) -> bool {
        self.good_in_a_row = 0;
        if sent < self.heeded {
            return false;
        }
        let usual = self.at_most.unwrap_or(self.under_way).min(self.under_way.max(1));
        self.at_most = Some((usual / 2).max(1));
        self.heeded = now;
        true
    }
}

/// Whether an initiate failed as it does where there is too much to do. One that was answered otherwise is not a sign of load.
fn failed(exchange: &Exchange) -> bool {
    match exchange.answer {
        Answer::ServerError | Answer::Throttled => true,
        Answer::Transport => matches!(
            exchange.fault,
            Some(
                TransportFault::Connect
                    | TransportFault::ConnectTimeout
                    | TransportFault::FirstByteTimeout
                    | TransportFault::Timeout
                    | TransportFault::Closed
            )
        ),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::exchange::Kind;
    use crate::probe::request_meta::RequestMeta;

    const MS: u64 = 1_000_000;

    /// Tells of initiates, one `(sent, done, answer)` after the other, in ms, with so many under way at a time.
    fn told(under_way: u32, initiates: &[(u64, u64, Answer)]) -> State {
        let mut state = State::default();
        for (sent, done, answer) in initiates {
            state.under_way = under_way;
            let begun = RequestMeta::other(0, Kind::Initiate, Stamp(sent * MS)).begin(Stamp(sent * MS));
            state.initiated(&Exchange { done: Stamp(done * MS), answer: *answer, ..begun });
        }
        state
    }

    use Answer::{Accepted, Refused, ServerError};

    const FIRST_THREE: [(u64, u64, Answer); 3] = [(0, 10, Accepted), (20, 32, Accepted), (40, 50, Accepted)];

    #[test]
    fn what_is_answered_as_the_first_ones_were_is_no_sign() {
        let state = told(12, &[&FIRST_THREE[..], &[(60, 260, Accepted), (300, 301, Refused)]].concat());
        assert_eq!((state.at_most, state.signs), (None, Signs::default()));
    }

    #[test]
    fn far_slower_than_at_first_halves_what_is_under_way_and_one_burst_is_one_sign() {
        let burst = [(100, 400, Accepted), (100, 420, Accepted), (100, 440, Accepted)];
        let state = told(12, &[&FIRST_THREE[..], &burst].concat());
        assert_eq!((state.at_most, state.signs), (Some(6), Signs { slow: 3, ..Signs::default() }));
        let again = told(12, &[&FIRST_THREE[..], &burst, &[(500, 900, Accepted)]].concat());
        assert_eq!(again.at_most, Some(3));
    }

    #[test]
    fn after_a_failure_none_is_sent_for_a_while_and_longer_after_the_next() {
        let failures = [(0, 10, ServerError), (1010, 1020, ServerError), (3020, 3030, ServerError), (7030, 7040, ServerError)];
        let resumes = |n: usize| told(1, &failures[..n]).resume.0 / MS;
        assert_eq!([1, 2, 3, 4].map(resumes), [1010, 3020, 7030, 15_040]);
        let recovered = told(1, &[&failures[..2], &[(3020, 3030, Accepted), (3040, 3050, ServerError)]].concat());
        assert_eq!(recovered.resume.0 / MS, 5050, "one that went well halves the pause, and the next failure doubles it");
    }

    #[test]
    fn when_all_goes_well_there_are_more_at_a_time_again() {
        let good: Vec<_> = (0..8).map(|n| (2000 + 20 * n, 2010 + 20 * n, Accepted)).collect();
        let state = told(8, &[&FIRST_THREE[..], &[(100, 110, ServerError)], &good].concat());
        assert_eq!(state.at_most, Some(6));
    }

    #[test]
    fn heavy_initiates_are_sent_two_at_a_time_from_the_start() {
        assert_eq!(told(1, &[(0, 900, Accepted)]).at_most, Some(2));
    }
}
