//! The only wall clock of the service: an epoch plus what has elapsed on tokio's clock.
//!
//! Under a paused clock with a fixed epoch every timestamp is therefore repeatable.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Wall clock since service start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    started: Instant,
    epoch: Duration,
}

impl Clock {
    /// Starts at `epoch_millis` since 1970, or at the machine's time.
    pub(crate) fn start(epoch_millis: Option<i64>) -> Self {
        let epoch = match epoch_millis {
            Some(millis) => Duration::from_millis(u64::try_from(millis).unwrap_or(0)),
            // A machine that believes to be before 1970 is served timestamps from 1970.
            None => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
        };
        Clock { started: Instant::now(), epoch }
    }

    /// Time since the service started.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Now, in nanoseconds since 1970.
    pub(crate) fn unix_nanos(&self) -> u64 {
        (self.epoch + self.elapsed()).as_nanos() as u64
    }

    /// Now, in milliseconds since 1970.
    pub(crate) fn unix_millis(&self) -> u64 {
        (self.epoch + self.elapsed()).as_millis() as u64
    }

    /// Now, in seconds since 1970.
    pub(crate) fn unix_seconds(&self) -> f64 {
        self.unix_millis() as f64 / 1000.0
    }

    /// The instant of service start.
    pub(crate) fn started(&self) -> Instant {
        self.started
    }
}
