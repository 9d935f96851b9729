//! Sleeps that end when they should.
//!
//! tokio's timer wheel turns in milliseconds and wakes a sleeper 1–2 ms late, which at an offset of 0 ms is a different
//! question from the one that was asked. On Linux one `timerfd` per clock, armed for the earliest sleeper, is late by the
//! time that an idle processor takes to wake (some 0.05 ms); it is armed early by what that lately was, and the rest is yielded
//! through. Elsewhere a sleep ends early on tokio's wheel and yields through the rest.

use std::time::Instant;

#[cfg(target_os = "linux")]
pub(crate) use linux::KernelTimer;
#[cfg(not(target_os = "linux"))]
pub(crate) use portable::KernelTimer;

#[cfg(target_os = "linux")]
mod linux {
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;
    use std::future::Future;
    use std::os::fd::OwnedFd;
    use std::pin::Pin;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
    use std::task::{Context, Poll, Waker};
    use std::time::Duration;

    use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime};
    use tokio::io::unix::AsyncFd;

    use super::Instant;

    /// Wakes any number of sleepers from one kernel timer.
    #[derive(Debug)]
    pub struct KernelTimer {
        shared: Arc<Shared>,
        driver: tokio::task::JoinHandle<()>,
    }

    #[derive(Debug)]
    struct Shared {
        fd: AsyncFd<OwnedFd>,
        sleepers: Mutex<BinaryHeap<Reverse<Sleeper>>>,
        alarm: Mutex<Alarm>,
    }

    /// For when the kernel's timer is armed, and how much earlier that is than its sleeper's deadline.
    #[derive(Debug)]
    struct Alarm {
        at: Option<Instant>,
        lead: Duration,
    }

    /// The processor is kept awake for no longer than this before a deadline.
    const LONGEST_LEAD: Duration = Duration::from_micros(50);

    /// By so much the lead follows each expiry: half of them end up later than the lead, and half earlier.
    const STEP: Duration = Duration::from_micros(1);

    impl Alarm {
        /// Learns from an expiry how long a wake takes here.
        fn rang(&mut self, now: Instant) {
            let Some(at) = self.at.take() else { return };
            let late = now.saturating_duration_since(at);
            self.lead = if late > self.lead { (self.lead + STEP).min(LONGEST_LEAD) } else { self.lead.saturating_sub(STEP) };
        }
    }

    #[derive(Debug)]
    struct Sleeper {
        deadline: Instant,
        state: Arc<State>,
    }

    /// What a sleep and its entry in the heap share. A dropped sleep leaves its entry behind until its deadline: removing it
    /// would cost more than waking nobody.
    #[derive(Debug)]
    struct State {
        over: AtomicBool,
        waker: Mutex<Option<Waker>>,
    }

    impl PartialEq for Sleeper {
        fn eq(&self, other: &Self) -> bool {
            self.deadline == other.deadline
        }
    }
    impl Eq for Sleeper {}
    impl PartialOrd for Sleeper {
        fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
            Some(self.cmp(other))
        }
    }
    impl Ord for Sleeper {
        fn cmp(&self, other: &Self) -> std::cmp::Ordering {
            self.deadline.cmp(&other.deadline)
        }
    }

    impl KernelTimer {
        /// What the log calls it.
        pub const NAME: &'static str = "timerfd";

        /// Makes the timer and the task that serves it. Needs a running tokio runtime.
        pub fn start() -> std::io::Result<KernelTimer> {
            let fd = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
            #[expect(
                deprecated,
                reason = "its successor is unsafe for the sake of raw descriptors; an OwnedFd is open as long as its owner lives"
            )]
            let fd = AsyncFd::new(fd)?;
            let alarm = Mutex::new(Alarm { at: None, lead: Duration::ZERO });
            let shared = Arc::new(Shared { fd, sleepers: Mutex::new(BinaryHeap::new()), alarm });
            let driver = tokio::spawn(serve(Arc::clone(&shared)));
            Ok(KernelTimer { shared, driver })
        }

        /// Waits until an instant.
        pub fn sleep_until(&self, deadline: Instant) -> impl Future<Output = ()> + use<> {
            Sleep { deadline, shared: Arc::clone(&self.shared), state: None }
        }
    }

    impl Drop for KernelTimer {
        fn drop(&mut self) {
            self.driver.abort();
        }
    }

    async fn serve(shared: Arc<Shared>) {
        loop {
            // The only one who waits for it needs no place in a list of those who do, as `readable` has.
            let Ok(mut ready) = std::future::poll_fn(|cx| shared.fd.poll_read_ready(cx)).await else { return };
            // Nobody reads how often it expired: tokio is told of each expiry anew (EPOLLET), and arming it sets the count to nothing.
            ready.clear_ready();
            drop(ready);
            shared.alarm().rang(Instant::now());
            // Whoever has an answer to read, reads it meanwhile.
            while shared.is_nearly_due() {
                tokio::task::yield_now().await;
            }
            shared.wake_due();
        }
    }

    impl Shared {
        fn sleepers(&self) -> MutexGuard<'_, BinaryHeap<Reverse<Sleeper>>> {
            self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
        }

        fn alarm(&self) -> MutexGuard<'_, Alarm> {
            self.alarm.lock().unwrap_or_else(PoisonError::into_inner)
        }

        /// Whether the next deadline is so near that it is not worth the processor's sleep.
        fn is_nearly_due(&self) -> bool {
            let ahead = self.sleepers().peek().map(|Reverse(next)| next.deadline.saturating_duration_since(Instant::now()));
            ahead.is_some_and(|ahead| !ahead.is_zero() && ahead <= self.alarm().lead)
        }

        fn wake_due(&self) {
            let mut due = Vec::new();
            {
                let mut sleepers = self.sleepers();
                let now = Instant::now();
                while sleepers.peek().is_some_and(|Reverse(next)| next.deadline <= now) {
                    due.extend(sleepers.pop().map(|Reverse(sleeper)| sleeper.state));
                }
                if let Some(Reverse(next)) = sleepers.peek() {
                    self.arm(next.deadline);
                }
            }
            for state in due {
                state.over.store(true, Ordering::Release);
                let waker = state.waker.lock().unwrap_or_else(PoisonError::into_inner).take();
                if let Some(waker) = waker {
                    waker.wake();
                }
            }
        }

        fn arm(&self, deadline: Instant) {
            let mut alarm = self.alarm();
            let now = Instant::now();
            // A zero time would disarm the timer; a deadline that has passed must fire at once.
            let ahead = deadline.saturating_duration_since(now).saturating_sub(alarm.lead);
            // Where the processor does not get to sleep, nothing is learnt of how long it takes to wake.
            alarm.at = (!ahead.is_zero()).then_some(now + ahead);
            let ahead = ahead.max(Duration::from_nanos(1));
            let value = Timespec { tv_sec: ahead.as_secs().try_into().unwrap_or(i64::MAX), tv_nsec: ahead.subsec_nanos().into() };
            let spec = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
            // Fails only for a bad descriptor or a malformed time, and this one is ours and well-formed.
            let _ = timerfd_settime(self.fd.get_ref(), TimerfdTimerFlags::empty(), &spec);
        }
    }

    struct Sleep {
        deadline: Instant,
        shared: Arc<Shared>,
        state: Option<Arc<State>>,
    }

    impl Future for Sleep {
        type Output = ();

        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
            if let Some(state) = &self.state {
                // The waker is stored before the flag is read, so that an expiry in between is not lost.
                *state.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
                return if state.over.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending };
            }
            if self.deadline <= Instant::now() {
                return Poll::Ready(());
            }
            let state = Arc::new(State { over: AtomicBool::new(false), waker: Mutex::new(Some(cx.waker().clone())) });
            {
                let mut sleepers = self.shared.sleepers();
                let first = sleepers.peek().is_none_or(|Reverse(next)| self.deadline < next.deadline);
                sleepers.push(Reverse(Sleeper { deadline: self.deadline, state: Arc::clone(&state) }));
                if first {
                    self.shared.arm(self.deadline);
                }
            }
            self.state = Some(state);
            Poll::Pending
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        /// The lead after so many wakes that each took so long.
        fn lead_after(wakes: usize, micros: u64, mut alarm: Alarm) -> Alarm {
            for _ in 0..wakes {
                let at = Instant::now();
                alarm.at = Some(at);
                alarm.rang(at + Duration::from_micros(micros));
            }
            alarm
        }

        #[test]
        fn the_lead_is_what_a_wake_takes_and_follows_it_within_its_bounds() {
            let steady = lead_after(200, 30, Alarm { at: None, lead: Duration::ZERO });
            assert!((29..=30).contains(&steady.lead.as_micros()), "{:?}", steady.lead);
            let slow = lead_after(200, 5_000, steady);
            assert_eq!(slow.lead, LONGEST_LEAD);
            let quick = lead_after(200, 0, slow);
            assert_eq!(quick.lead, Duration::ZERO);
        }

        #[test]
        fn what_was_not_armed_teaches_nothing() {
            let mut alarm = Alarm { at: None, lead: STEP };
            alarm.rang(Instant::now());
            assert_eq!(alarm.lead, STEP);
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod portable {
    use super::Instant;

    /// Sleeps early on tokio's wheel and yields through the rest.
    #[derive(Debug)]
    pub struct KernelTimer;

    /// tokio's wheel is late by up to this much.
    const EARLY: std::time::Duration = std::time::Duration::from_millis(3);

    impl KernelTimer {
        /// What the log calls it.
        pub const NAME: &'static str = "tokio+yield";

        /// Makes the timer.
        pub fn start() -> std::io::Result<KernelTimer> {
            Ok(KernelTimer)
        }

        /// Waits until an instant.
        pub async fn sleep_until(&self, deadline: Instant) {
            if let Some(early) = deadline.checked_sub(EARLY) {
                tokio::time::sleep_until(early.into()).await;
            }
            while Instant::now() < deadline {
                tokio::task::yield_now().await;
            }
        }
    }
}
