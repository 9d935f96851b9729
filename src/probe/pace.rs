//! How fast requests may leave: the rate limit towards targets that are not ours, and the pauses that a target asks for.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::model::time::Stamp;
use crate::probe::clock::Clock;

/// A target may ask for any pause; more than this is not a pause but an end, and polls after it would all be late anyway.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Holds requests back. Polls that are held back are sent late, and say so by their stamps.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Time between two requests; zero for no limit.
    gap: Duration,
    next: Mutex<Next>,
}

#[derive(Debug, Default)]
struct Next {
    slot: Stamp,
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
        let gap = max_rps.filter(|rps| *rps > 0.0).map_or(Duration::ZERO, |rps| Duration::from_secs_f64(1.0 / rps));
        Pace { gap, next: Mutex::new(Next::default()) }
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
        let slot = next.slot.max(now);
        next.slot = slot.after(self.gap);
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
