//! How fast requests may leave: the rate limit towards targets that are not ours, and the pauses that a target asks for.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::model::time::Stamp;
use crate::probe::clock::Clock;

/// A target may ask for any pause; more than this is not a pause but an end, and polls after it would all be late anyway.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// After a pause that a target asked for, this long without another one, and twice as many requests may leave again.
const PATIENCE: Duration = Duration::from_secs(10);

/// The slowest that a target makes us: a request per second.
const LARGEST_GAP: Duration = Duration::from_secs(1);

/// Holds requests back. Polls that are held back are sent late, and say so by their stamps.
#[derive(Debug)]
pub(crate) struct Pace {
    /// So many requests may leave in any stretch of [`Pace::stretch`]; `None`: no limit.
    at_most: Option<usize>,
    /// A second, or the time for one request where that is longer. Within it requests may follow each other at once: evenly
    /// spaced ones could never poll a scan at the moment its id arrives.
    stretch: Duration,
    /// Requests that have left or are about to.
    turns: AtomicU64,
    /// Whether nobody ever has to wait: no limit, and no target has asked for a pause.
    open: AtomicBool,
    next: Mutex<Next>,
}

#[derive(Debug, Default)]
struct Next {
    /// When the latest requests leave, the earliest first; never more than [`Pace::at_most`].
    latest: VecDeque<Stamp>,
    paused_until: Stamp,
    /// How far requests are apart since a target asked for a pause: what was held back meanwhile must not leave all at once.
    gap: Option<Gap>,
}

/// Half as many requests as before, and more again after a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Gap {
    between: Duration,
    /// Below this there is nothing left to be careful about.
    usual: Duration,
    /// When the last request leaves.
    last: Stamp,
    /// When it was last made wider or narrower.
    changed: Stamp,
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
        let limited = max_rps.filter(|rps| *rps > 0.0).map(|rps| (rps.floor().max(1.0), rps));
        Pace {
            at_most: limited.map(|(whole, _)| whole as usize),
            stretch: limited.map_or(Duration::ZERO, |(whole, rps)| Duration::from_secs_f64(whole / rps)),
            turns: AtomicU64::new(0),
            open: AtomicBool::new(limited.is_none()),
            next: Mutex::default(),
        }
    }

    /// Waits for this request's turn.
    pub(crate) async fn turn(&self, clock: &Clock) {
        self.turns.fetch_add(1, Ordering::Relaxed);
        if self.open.load(Ordering::Relaxed) {
            return;
        }
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
        let mut slot = now;
        if let Some(at_most) = self.at_most {
            if next.latest.len() >= at_most {
                slot = next.latest.pop_front().map_or(now, |first| first.after(self.stretch).max(now));
            }
            // Slots are given out in ascending order, so that the earliest of the latest is always the first.
            slot = next.latest.back().map_or(slot, |last| slot.max(*last));
        }
        if let Some(mut gap) = next.gap.take() {
            slot = slot.max(gap.last.after(gap.between));
            gap.last = slot;
            if slot.elapsed_from(gap.changed) >= PATIENCE {
                gap.between /= 2;
                gap.changed = slot;
            }
            next.gap = (gap.between > gap.usual).then_some(gap);
            if next.gap.is_none() && self.at_most.is_none() {
                self.open.store(true, Ordering::Relaxed);
            }
        }
        if self.at_most.is_some() {
            next.latest.push_back(slot);
        }
        Turn::At(slot)
    }

    /// The target asked for a pause (`Retry-After`); an unreadable or missing one counts as a second. When it is over, requests
    /// leave one by one, half as many as before.
    pub(crate) fn pause(&self, clock: &Clock, retry_after: Option<&str>) {
        self.pause_at(clock.now(), retry_after);
    }

    fn pause_at(&self, now: Stamp, retry_after: Option<&str>) {
        let asked = retry_after.and_then(seconds).map_or(Duration::from_secs(1), Duration::from_secs);
        let until = now.after(asked.min(LONGEST_PAUSE));
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        // Requests that were under way together are refused together: that is one reason to slow down and not many.
        if now >= next.paused_until {
            let usual = next.gap.map_or_else(|| self.usual_gap(now), |gap| gap.usual);
            let between = next.gap.map_or(usual, |gap| gap.between).saturating_mul(2).min(LARGEST_GAP.max(usual));
            next.gap = Some(Gap { between, usual, last: until, changed: until });
        }
        next.paused_until = next.paused_until.max(until);
        self.open.store(false, Ordering::Relaxed);
    }

    /// How far requests were apart up to now: by the limit, or on average.
    fn usual_gap(&self, now: Stamp) -> Duration {
        match self.at_most {
            Some(at_most) => self.stretch / u32::try_from(at_most).unwrap_or(u32::MAX),
            None => Duration::from_nanos(now.0 / self.turns.load(Ordering::Relaxed).max(1)),
        }
    }
}

/// Whole seconds; as many as can be told where there are more.
fn seconds(text: &str) -> Option<u64> {
    let text = text.trim();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
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

    /// When requests leave that all want to leave at this instant.
    fn leaving_at(pace: &Pace, now: Stamp, requests: usize) -> Vec<u64> {
        (0..requests)
            .map(|_| match pace.claim(now) {
                Turn::At(slot) => slot.0 / 1_000_000,
                Turn::Paused(until) => panic!("a pause until {until:?} is over"),
            })
            .collect()
    }

    /// A prober without a limit that sent 100 requests in its first second, and was then asked to wait.
    fn throttled(retry_after: Option<&str>) -> Pace {
        let pace = Pace::new(None);
        pace.turns.store(100, Ordering::Relaxed);
        pace.pause_at(Stamp(SECOND), retry_after);
        pace
    }

    #[test]
    fn what_a_pause_held_back_leaves_at_half_the_rate_and_not_at_once() {
        let pace = throttled(Some("2"));
        assert!(matches!(pace.claim(Stamp(SECOND)), Turn::Paused(until) if until.0 == 3 * SECOND));
        assert_eq!(leaving_at(&pace, Stamp(3 * SECOND), 4), [3020, 3040, 3060, 3080]);
    }

    #[test]
    fn a_second_refusal_halves_the_rate_again_and_one_at_the_same_time_does_not() {
        let pace = throttled(Some("1"));
        pace.pause_at(Stamp(SECOND + 1), Some("1"));
        assert_eq!(leaving_at(&pace, Stamp(2 * SECOND + 1), 2)[1], 2040);
        pace.pause_at(Stamp(3 * SECOND), Some("1"));
        let left = leaving_at(&pace, Stamp(4 * SECOND), 3);
        assert_eq!(left[2] - left[1], 40);
    }

    #[test]
    fn patience_is_rewarded() {
        let pace = throttled(None);
        let before = leaving_at(&pace, Stamp(2 * SECOND), 2);
        assert_eq!(before[1] - before[0], 20);
        leaving_at(&pace, Stamp(30 * SECOND), 2);
        assert_eq!(leaving_at(&pace, Stamp(31 * SECOND), 3), [31_000; 3], "as if nothing had happened");
        assert!(pace.open.load(Ordering::Relaxed));
    }

    #[test]
    fn no_target_can_ask_for_an_hour() {
        for absurd in ["3600", "18446744073709551615", "99999999999999999999999999"] {
            let pace = throttled(Some(absurd));
            assert!(matches!(pace.claim(Stamp(2 * SECOND)), Turn::Paused(until) if until.0 == 31 * SECOND), "{absurd}");
        }
        for unreadable in ["Wed, 21 Oct 2099 07:28:00 GMT", "-1", "soon", ""] {
            let pace = throttled(Some(unreadable));
            assert!(matches!(pace.claim(Stamp(SECOND)), Turn::Paused(until) if until.0 == 2 * SECOND), "{unreadable}");
        }
    }
}
