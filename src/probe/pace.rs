//! How fast requests may leave: the rate limit towards targets that are not ours, the pauses that a target asks for, and when it
//! has asked for too many.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::model::exchange::Kind;
use crate::model::time::Stamp;
use crate::probe::clock::Clock;

/// The pause where a target names none that can be read, or none at all.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);

/// A target may ask for any pause; more than this is not a pause but an end, and polls after it would all be late anyway.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// After a pause that a target asked for, this long without another one, and twice as many requests may leave again.
const PATIENCE: Duration = Duration::from_secs(10);

/// It doubles with each further pause, up to this: a limit that was found is not tried again and again.
const LONGEST_PATIENCE: Duration = Duration::from_secs(300);

/// A poll that is due leaves on time, unless it is later than this already: then it was held back, and its age is lost anyway.
const ON_TIME: Duration = Duration::from_millis(10);

/// Each job brings more requests: at least the initiate and one poll, and at most so many that count.
const REQUESTS_A_JOB: (u64, u64) = (2, 20);

/// The slowest that a target makes us: a request per second.
const LARGEST_GAP: Duration = Duration::from_secs(1);

/// How long a request can wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// It starts a job: what is asked of the target later follows from it, so this is where the load is made less.
    StartsJob,
    /// It asks for a certain age of a job, and is useless later.
    DueAt(Stamp),
    /// Any time will do.
    Patient,
}

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
    /// Those among them that start a job.
    jobs: AtomicU64,
    /// Whether nobody ever has to wait: no limit, and no target has asked for a pause.
    open: AtomicBool,
    next: Mutex<Next>,
    /// For how long requests of one kind may be answered with nothing but a wish for a pause.
    max_wait: Duration,
    /// Whether some kind of request was answered so last.
    held: AtomicBool,
    ended: Notify,
}

/// A target that asked for pauses until there was no more patience.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttled {
    /// How long requests of one kind had been answered so, and not otherwise.
    pub waited: Duration,
    /// The last pause that it asked for; `None`: it named none that can be read.
    pub retry_after: Option<Duration>,
}

#[derive(Debug, Default)]
struct Next {
    /// When the latest requests leave, the earliest first; never more than [`Pace::at_most`].
    latest: VecDeque<Stamp>,
    paused_until: Stamp,
    /// How far requests are apart since a target asked for a pause: what was held back meanwhile must not leave all at once.
    gap: Option<Gap>,
    /// Since when each kind of request has been answered with nothing but a wish for a pause.
    held_since: BTreeMap<Kind, Stamp>,
    given_up: Option<Throttled>,
}

/// Half as many requests as before, and more again after a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Gap {
    between: Duration,
    /// Below this there is nothing left to be careful about.
    usual: Duration,
    /// When the last request leaves.
    last: Stamp,
    /// When the last one left that starts a job.
    last_job: Stamp,
    /// When it was last made wider or narrower.
    changed: Stamp,
    /// After so long without a pause it is made narrower.
    patience: Duration,
}

impl Gap {
    /// When a request may leave. A poll that is due does not wait: the jobs that bring polls do, and by as much more.
    fn earliest(self, now: Stamp, urgency: Urgency, requests_a_job: u32) -> Stamp {
        match urgency {
            Urgency::StartsJob => now.max(self.last_job.after(self.between * requests_a_job)),
            Urgency::DueAt(planned) if now <= planned.after(ON_TIME) => now,
            Urgency::DueAt(_) | Urgency::Patient => now.max(self.last.after(self.between)),
        }
    }

    /// What it is after a request that leaves at `slot`; `None` when there is nothing left to be careful about.
    fn after(mut self, slot: Stamp, urgency: Urgency) -> Option<Gap> {
        match urgency {
            Urgency::StartsJob => self.last_job = slot,
            Urgency::DueAt(_) | Urgency::Patient => self.last = self.last.max(slot),
        }
        if slot.elapsed_from(self.changed) >= self.patience {
            self.between /= 2;
            self.changed = slot;
        }
        (self.between > self.usual).then_some(self)
    }
}

/// When a request may leave.
enum Turn {
    At(Stamp),
    /// Not until then; ask again.
    NotBefore(Stamp),
}

impl Pace {
    /// At most so many requests per second, `None` for no limit; and for how long a target may ask for nothing but pauses.
    pub(crate) fn new(max_rps: Option<f64>, max_wait: Duration) -> Pace {
        let limited = max_rps.filter(|rps| *rps > 0.0).map(|rps| (rps.floor().max(1.0), rps));
        Pace {
            at_most: limited.map(|(whole, _)| whole as usize),
            stretch: limited.map_or(Duration::ZERO, |(whole, rps)| Duration::from_secs_f64(whole / rps)),
            turns: AtomicU64::new(0),
            jobs: AtomicU64::new(0),
            open: AtomicBool::new(limited.is_none()),
            next: Mutex::default(),
            max_wait,
            held: AtomicBool::new(false),
            ended: Notify::new(),
        }
    }

    /// Waits for this request's turn.
    pub(crate) async fn turn(&self, clock: &Clock, urgency: Urgency) {
        self.turns.fetch_add(1, Ordering::Relaxed);
        self.jobs.fetch_add(u64::from(urgency == Urgency::StartsJob), Ordering::Relaxed);
        if self.open.load(Ordering::Relaxed) {
            return;
        }
        loop {
            let now = clock.now();
            match self.claim(now, urgency) {
                Turn::At(slot) if slot <= now => return,
                Turn::At(slot) => {
                    clock.sleep_until(slot).await;
                    // A pause that was asked for meanwhile holds for those that had their slot already.
                    if !self.is_paused(clock.now()) {
                        return;
                    }
                }
                Turn::NotBefore(until) => clock.sleep_until(until).await,
            }
        }
    }

    fn is_paused(&self, now: Stamp) -> bool {
        now < self.next.lock().unwrap_or_else(PoisonError::into_inner).paused_until
    }

    /// Takes the next slot, unless the target asked for a pause.
    fn claim(&self, now: Stamp, urgency: Urgency) -> Turn {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        if now < next.paused_until {
            return Turn::NotBefore(next.paused_until);
        }
        let earliest = next.gap.map_or(now, |gap| gap.earliest(now, urgency, self.requests_a_job()));
        // A job takes no slot in advance: until it comes, there may be another pause, or an end of the waiting.
        if urgency == Urgency::StartsJob && earliest > now {
            return Turn::NotBefore(earliest);
        }
        let mut slot = earliest;
        if let Some(at_most) = self.at_most {
            if next.latest.len() >= at_most {
                slot = next.latest.pop_front().map_or(slot, |first| first.after(self.stretch).max(slot));
            }
            // Slots are given out in ascending order, so that the earliest of the latest is always the first.
            slot = next.latest.back().map_or(slot, |last| slot.max(*last));
            next.latest.push_back(slot);
        }
        next.gap = next.gap.and_then(|gap| gap.after(slot, urgency));
        if next.gap.is_none() && self.at_most.is_none() {
            self.open.store(true, Ordering::Relaxed);
        }
        Turn::At(slot)
    }

    /// Whether requests are held back by a pause that the target asked for, or by what came of one.
    pub(crate) fn holds_back(&self) -> bool {
        !self.open.load(Ordering::Relaxed)
    }

    /// The target asked for a pause (`Retry-After`); an unreadable or missing one counts as a second. When it is over, requests
    /// leave one by one, half as many as before. Where requests of this kind have long been answered with nothing else, the run
    /// is given up: see [`Pace::given_up`].
    pub(crate) fn pause(&self, kind: Kind, now: Stamp, retry_after: Option<Duration>) {
        let until = now.after(retry_after.unwrap_or(SHORTEST_PAUSE).clamp(SHORTEST_PAUSE, LONGEST_PAUSE));
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        // Requests that were under way together are refused together: that is one reason to slow down and not many.
        if now >= next.paused_until {
            let usual = next.gap.map_or_else(|| self.usual_gap(now), |gap| gap.usual);
            let between = next.gap.map_or(usual, |gap| gap.between).saturating_mul(2).min(LARGEST_GAP.max(usual));
            let patience = next.gap.map_or(PATIENCE, |gap| (gap.patience * 2).min(LONGEST_PATIENCE));
            next.gap = Some(Gap { between, usual, last: until, last_job: until, changed: until, patience });
        }
        next.paused_until = next.paused_until.max(until);
        let since = *next.held_since.entry(kind).or_insert(now);
        let waited = now.elapsed_from(since);
        if waited >= self.max_wait && next.given_up.is_none() {
            next.given_up = Some(Throttled { waited, retry_after });
            self.ended.notify_waiters();
        }
        self.held.store(true, Ordering::Relaxed);
        self.open.store(false, Ordering::Relaxed);
    }

    /// A request of this kind was answered with something else than a wish for a pause.
    pub(crate) fn answered(&self, kind: Kind) {
        if self.held.load(Ordering::Relaxed) {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            next.held_since.remove(&kind);
            self.held.store(!next.held_since.is_empty(), Ordering::Relaxed);
        }
    }

    /// Waits until the target has asked for pauses for too long; for ever if it does not.
    pub(crate) async fn given_up(&self) -> Throttled {
        loop {
            let ended = self.ended.notified();
            let given_up = self.next.lock().unwrap_or_else(PoisonError::into_inner).given_up;
            if let Some(throttled) = given_up {
                return throttled;
            }
            ended.await;
        }
    }

    /// How many requests a job has brought so far.
    fn requests_a_job(&self) -> u32 {
        let jobs = self.jobs.load(Ordering::Relaxed).max(1);
        let requests = (self.turns.load(Ordering::Relaxed) / jobs).clamp(REQUESTS_A_JOB.0, REQUESTS_A_JOB.1);
        u32::try_from(requests).unwrap_or(u32::MAX)
    }

    /// How far requests were apart up to now: by the limit, or on average.
    fn usual_gap(&self, now: Stamp) -> Duration {
        match self.at_most {
            Some(at_most) => self.stretch / u32::try_from(at_most).unwrap_or(u32::MAX),
            None => Duration::from_nanos(now.0 / self.turns.load(Ordering::Relaxed).max(1)),
        }
    }
}

/// Longer pauses are not told apart: a log holds no distance beyond 73 years.
const LONGEST_TO_NAME: Duration = Duration::from_secs(20 * 365 * 24 * 60 * 60);

/// The pause that a reply asks for: seconds, or an instant, which is told by the target's own clock where its reply has a `Date`.
/// `now` is the wall clock, since 1970. `None` for what is neither; an instant that has passed is no pause.
pub(crate) fn retry_after(value: &str, date: Option<&str>, now: Duration) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are more seconds than anybody waits.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)).min(LONGEST_TO_NAME));
    }
    let until = instant(value)?;
    Some(until.saturating_sub(date.and_then(instant).unwrap_or(now)).min(LONGEST_TO_NAME))
}

/// An HTTP date (RFC 9110, 5.6.7) in the form that is not obsolete, since 1970.
fn instant(text: &str) -> Option<Duration> {
    let zoned = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok()?;
    Duration::try_from(zoned.as_duration()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    /// When so many requests leave that all want to leave at the start.
    fn leaving(max_rps: f64, requests: usize) -> Vec<u64> {
        let pace = Pace::new(Some(max_rps), Duration::from_secs(60));
        (0..requests)
            .map(|_| match pace.claim(Stamp(0), Urgency::Patient) {
                Turn::At(slot) => slot.0,
                Turn::NotBefore(_) => panic!("nobody asked for a pause"),
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
            .map(|_| match pace.claim(now, Urgency::Patient) {
                Turn::At(slot) => slot.0 / 1_000_000,
                Turn::NotBefore(until) => panic!("a pause until {until:?} is over"),
            })
            .collect()
    }

    /// A prober without a limit that sent 100 requests in its first second, and was then asked to wait.
    fn throttled(retry_after: Option<u64>) -> Pace {
        let pace = Pace::new(None, Duration::from_secs(60));
        pace.turns.store(100, Ordering::Relaxed);
        pace.pause(Kind::Poll, Stamp(SECOND), retry_after.map(Duration::from_secs));
        pace
    }

    #[test]
    fn what_a_pause_held_back_leaves_at_half_the_rate_and_not_at_once() {
        let pace = throttled(Some(2));
        assert!(matches!(pace.claim(Stamp(SECOND), Urgency::Patient), Turn::NotBefore(until) if until.0 == 3 * SECOND));
        assert_eq!(leaving_at(&pace, Stamp(3 * SECOND), 4), [3020, 3040, 3060, 3080]);
    }

    #[test]
    fn a_second_refusal_halves_the_rate_again_and_one_at_the_same_time_does_not() {
        let pace = throttled(Some(1));
        pace.pause(Kind::Poll, Stamp(SECOND + 1), Some(Duration::from_secs(1)));
        assert_eq!(leaving_at(&pace, Stamp(2 * SECOND + 1), 2)[1], 2040);
        pace.pause(Kind::Poll, Stamp(3 * SECOND), Some(Duration::from_secs(1)));
        let left = leaving_at(&pace, Stamp(4 * SECOND), 3);
        assert_eq!(left[2] - left[1], 40);
    }

    #[test]
    fn after_a_pause_jobs_are_spaced_and_polls_that_are_due_are_not() {
        let pace = throttled(None);
        // A hundred requests for ten jobs in a second: now ten every two seconds.
        pace.jobs.store(10, Ordering::Relaxed);
        let leaves = |ms: u64, urgency| match pace.claim(Stamp(ms * 1_000_000), urgency) {
            Turn::At(slot) => Ok(slot.0 / 1_000_000),
            Turn::NotBefore(until) => Err(until.0 / 1_000_000),
        };
        let due = |ms: u64| Urgency::DueAt(Stamp(ms * 1_000_000));
        assert_eq!(leaves(1500, due(1500)), Err(2000), "the pause holds for all");
        assert_eq!(leaves(2000, Urgency::StartsJob), Err(2200));
        assert_eq!(leaves(2200, Urgency::StartsJob), Ok(2200));
        assert_eq!(leaves(2201, Urgency::StartsJob), Err(2400), "no slot was taken in advance");
        assert_eq!([leaves(2210, due(2210)), leaves(2210, due(2205)), leaves(2211, due(2211))], [Ok(2210), Ok(2210), Ok(2211)]);
        // What the pause held back does not leave at once.
        assert_eq!([leaves(2212, due(1500)), leaves(2212, due(1500))], [Ok(2231), Ok(2251)]);
    }

    #[test]
    fn a_limit_that_was_found_is_tried_again_less_and_less_often() {
        let pace = throttled(None);
        pace.pause(Kind::Poll, Stamp(3 * SECOND), None);
        let left = leaving_at(&pace, Stamp(20 * SECOND), 2);
        assert_eq!(left[1] - left[0], 40, "sixteen seconds after the second pause");
        leaving_at(&pace, Stamp(24 * SECOND), 1);
        let left = leaving_at(&pace, Stamp(25 * SECOND), 2);
        assert_eq!(left[1] - left[0], 20);
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
        for absurd in [3600, u64::MAX] {
            let pace = throttled(Some(absurd));
            assert!(
                matches!(pace.claim(Stamp(2 * SECOND), Urgency::Patient), Turn::NotBefore(until) if until.0 == 31 * SECOND),
                "{absurd}"
            );
        }
        for none in [None, Some(0)] {
            let pace = throttled(none);
            assert!(matches!(pace.claim(Stamp(SECOND), Urgency::Patient), Turn::NotBefore(until) if until.0 == 2 * SECOND), "{none:?}");
        }
    }

    #[test]
    fn a_wait_is_read_as_seconds_or_as_an_instant_by_the_targets_own_clock() {
        const NOW: Duration = Duration::from_secs(1_700_000_000); // Tue, 14 Nov 2023 22:13:20 GMT
        const DATE: Option<&str> = Some("Wed, 21 Oct 2099 07:27:50 GMT");
        for (value, date, seconds) in [
            ("30", None, Some(30)),
            (" 7 ", None, Some(7)),
            ("315360000", None, Some(315_360_000)),
            ("99999999999999999999999999", None, Some(20 * 365 * 24 * 60 * 60)),
            ("Tue, 14 Nov 2023 22:13:50 GMT", None, Some(30)),
            ("Wed, 21 Oct 2099 07:28:00 GMT", DATE, Some(10)),
            ("Wed, 21 Oct 2015 07:28:00 GMT", DATE, Some(0)),
            ("Wed, 21 Oct 2015 07:28:00 GMT", None, Some(0)),
            ("Wed, 21 Oct 2015 07:28:00 GMT", Some("yesterday"), Some(0)),
            ("-1", None, None),
            ("1.5", None, None),
            ("soon", None, None),
            ("", None, None),
        ] {
            assert_eq!(retry_after(value, date, NOW), seconds.map(Duration::from_secs), "{value} {date:?}");
        }
    }

    /// Whether a run is given up, and after how many seconds, when requests of these kinds are answered (`true`: with a wish for a
    /// pause) at these seconds.
    fn given_up(answers: &[(u64, Kind, bool)]) -> Option<u64> {
        let pace = Pace::new(None, Duration::from_secs(60));
        for (second, kind, throttled) in answers {
            if *throttled {
                pace.pause(*kind, Stamp(second * SECOND), Some(Duration::from_secs(30)));
            } else {
                pace.answered(*kind);
            }
        }
        let given_up = pace.next.lock().expect("no panic").given_up;
        given_up.map(|throttled| throttled.waited.as_secs())
    }

    #[test]
    fn a_kind_of_request_that_is_answered_with_nothing_but_waits_ends_the_run() {
        use Kind::{Initiate, Poll, UnknownPoll};
        assert_eq!(given_up(&[(0, UnknownPoll, true), (30, UnknownPoll, true)]), None, "not yet");
        assert_eq!(given_up(&[(0, UnknownPoll, true), (30, UnknownPoll, true), (60, UnknownPoll, true)]), Some(60));
        assert_eq!(given_up(&[(0, Initiate, true), (30, Initiate, true), (45, Initiate, false), (61, Initiate, true)]), None, "one passed");
        let polls_only = [(0, Poll, true), (30, Initiate, false), (31, Poll, true), (62, UnknownPoll, false), (63, Poll, true)];
        assert_eq!(given_up(&polls_only), Some(63), "that others are answered does not help the polls");
    }
}
