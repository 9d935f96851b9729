//! The run's clock: real time held by a kernel timer, or tokio's paused time. Nothing else in the probe tells the time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::model::run::ClockNote;
use crate::model::time::{Nanos, Stamp};
use crate::probe::timer::KernelTimer;

/// A clock that starts at stamp zero.
#[derive(Debug, Clone)]
pub struct Clock(Kind);

#[derive(Debug, Clone)]
enum Kind {
    /// The monotonic clock, with send times held by the kernel's timer.
    Real { epoch: Instant, timer: Arc<KernelTimer> },
    /// tokio's clock, which a paused runtime advances from event to event.
    Virtual { epoch: tokio::time::Instant },
}

impl Clock {
    /// A real clock that starts now. Needs a running tokio runtime.
    pub fn real() -> std::io::Result<Clock> {
        Ok(Clock(Kind::Real { epoch: Instant::now(), timer: Arc::new(KernelTimer::start()?) }))
    }

    /// A virtual clock that starts now. The runtime's time must be paused for it to be exact.
    pub fn virtual_time() -> Clock {
        Clock(Kind::Virtual { epoch: tokio::time::Instant::now() })
    }

    /// The present.
    pub fn now(&self) -> Stamp {
        let elapsed = match &self.0 {
            Kind::Real { epoch, .. } => epoch.elapsed(),
            Kind::Virtual { epoch } => epoch.elapsed(),
        };
        Stamp(elapsed.as_nanos() as u64)
    }

    /// The stamp of an instant of the process's monotonic clock that has just passed.
    pub fn stamp(&self, at: Instant) -> Stamp {
        match &self.0 {
            Kind::Real { epoch, .. } => Stamp(at.saturating_duration_since(*epoch).as_nanos() as u64),
            // Real time does not pass here.
            Kind::Virtual { .. } => self.now(),
        }
    }

    /// Waits until a stamp; returns at once if it has passed.
    pub async fn sleep_until(&self, stamp: Stamp) {
        match &self.0 {
            Kind::Real { epoch, timer } => timer.sleep_until(*epoch + Duration::from_nanos(stamp.0)).await,
            Kind::Virtual { epoch } => tokio::time::sleep_until(*epoch + Duration::from_nanos(stamp.0)).await,
        }
    }

    /// Stamp zero on the process's monotonic clock, for comparing with other clocks of this process.
    pub fn epoch(&self) -> Instant {
        match &self.0 {
            Kind::Real { epoch, .. } => *epoch,
            Kind::Virtual { epoch } => epoch.into_std(),
        }
    }

    /// Whether time is virtual.
    pub fn is_virtual(&self) -> bool {
        matches!(self.0, Kind::Virtual { .. })
    }

    /// How it holds send times, for the log.
    pub fn note(&self) -> ClockNote {
        match &self.0 {
            Kind::Real { .. } => ClockNote { timer: KernelTimer::NAME.into(), resolution: Nanos(1) },
            // tokio rounds its timers to its wheel's millisecond, paused or not.
            Kind::Virtual { .. } => ClockNote { timer: "virtual".into(), resolution: Nanos(1_000_000) },
        }
    }
}
