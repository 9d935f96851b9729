//! The machine that everybody shares: its name, and how late it wakes a thread that has nothing else to do. Nobody who sends at a
//! given time can be more punctual than that, and on a virtual machine it changes with whoever else is on the host.

use std::fs;
use std::time::{Duration, Instant};

/// What the system calls the processor.
pub fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.to_owned())
}

/// How late a thread was at each of so many times, in microseconds, if it only sleeps in between.
pub fn lateness(wakes: u32, every: Duration) -> Vec<f64> {
    let begin = Instant::now();
    let wake = |deadline: Instant| {
        sleep(deadline.saturating_duration_since(Instant::now()));
        deadline.elapsed().as_secs_f64() * 1e6
    };
    (1..=wakes).map(|number| wake(begin + every * number)).collect()
}

/// By a kernel timer: an ordinary sleep is allowed to be 50 us late.
#[cfg(target_os = "linux")]
fn sleep(length: Duration) {
    use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime};

    // A timer set to nothing never rings.
    let length = length.max(Duration::from_nanos(1));
    let once = Timespec { tv_sec: length.as_secs() as i64, tv_nsec: i64::from(length.subsec_nanos()) };
    let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC).expect("a kernel timer");
    let times = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: once };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &times).expect("a timer that can be set");
    rustix::io::read(&timer, &mut [0; 8]).expect("a timer that rings");
}

#[cfg(not(target_os = "linux"))]
fn sleep(length: Duration) {
    std::thread::sleep(length);
}
