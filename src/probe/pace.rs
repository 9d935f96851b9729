//! How fast requests may leave: the rate limit towards targets that are not ours, and the pauses that a target asks for.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::model::time::Stamp;
use crate::probe::clock::Clock;

/// A target may ask for any pause; more than this is not a pause but an end, and polls after it would all be late anyway.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Holds requests back. Polls that are held back are sent late, and say so by their stamps.
#[derive(Debug)]
pub(crate) struct Pace {
    /// So many requests may leave in any stretch of [`Pace::stretch`]; `None`: no limit.
    at_most: Option<usize>,
    /// A second, or the time for one request where that is longer. Within it requests may follow each other at once: evenly
    /// spaced ones could never poll a scan at the moment its id arrives.
    stretch: Duration,
    next: Mutex<Next>,
}

#[derive(Debug, Default)]
struct Next {
    /// When the latest requests leave, the earliest first; never more than [`Pace::at_most`].
    latest: VecDeque<Stamp>,
    paused_until: Stamp,
}

/// When a request may leave.
enum Turn {
    At(Stamp),
    /// Nobody may until then; ask again.
    Paused(Stamp),
}

impl Pace {
    /// At most so many requests per second; `None` for no limit.
    pub(crate) fn new(max_rps: Option<f64>) -> Pace {
        let Some(rps) = max_rps.filter(|rps| *rps > 0.0) else {
            return Pace { at_most: None, stretch: Duration::ZERO, next: Mutex::default() };
        };
        let whole = rps.floor().max(1.0);
        Pace { at_most: Some(whole as usize), stretch: Duration::from_secs_f64(whole / rps), next: Mutex::default() }
    }

    /// Waits for this request's turn.
    pub(crate) async fn turn(&self, clock: &Clock) {
        loop {
            let now = clock.now();
            match self.claim(now) {
                Turn::At(slot) if slot <= now => return,
                Turn::At(slot) => return clock.sleep_until(slot).await,
                Turn::Paused(until) => clock.sleep_until(until).await,
            }
        }
    }

    /// Takes the next slot, unless the target asked for a pause.
    fn claim(&self, now: Stamp) -> Turn {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        if now < next.paused_until {
            return Turn::Paused(next.paused_until);
        }
        let Some(at_most) = self.at_most else { return Turn::At(now) };
        let full = next.latest.len() >= at_most;
        let slot = if full { next.latest.pop_front().map_or(now, |first| first.after(self.stretch).max(now)) } else { now };
        // Slots are given out in ascending order, so that the earliest of the latest is always the first.
        let slot = next.latest.back().map_or(slot, |last| slot.max(*last));
        next.latest.push_back(slot);
        Turn::At(slot)
    }

    /// The target asked for a pause (`Retry-After`); an unreadable or missing one counts as a second.
    pub(crate) fn pause(&self, clock: &Clock, retry_after: Option<&str>) {
        let asked = retry_after.and_then(|seconds| seconds.trim().parse::<u64>().ok()).map_or(Duration::from_secs(1), Duration::from_secs);
        let until = clock.now().after(asked.min(LONGEST_PAUSE));
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        next.paused_until = next.paused_until.max(until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    /// When so many requests leave that all want to leave at the start.
    fn leaving(max_rps: f64, requests: usize) -> Vec<u64> {
        let pace = Pace::new(Some(max_rps));
        (0..requests)
            .map(|_| match pace.claim(Stamp(0)) {
                Turn::At(slot) => slot.0,
                Turn::Paused(_) => panic!("nobody asked for a pause"),
            })
            .collect()
    }

    #[test]
    fn a_limit_holds_in_every_second_and_lets_requests_follow_each_other_within_it() {
        let left = leaving(3.0, 7);
        assert_eq!(left, [0, 0, 0, SECOND, SECOND, SECOND, 2 * SECOND]);
    }

    #[test]
    fn less_than_one_request_per_second_is_spread_over_more_than_one() {
        assert_eq!(leaving(0.5, 3), [0, 2 * SECOND, 4 * SECOND]);
    }

    #[test]
    fn a_limit_between_whole_numbers_is_kept_on_average() {
        assert_eq!(leaving(2.5, 5), [0, 0, 800_000_000, 800_000_000, 1_600_000_000]);
    }
}
