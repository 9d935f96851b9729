//! How many jobs may be started: one count for everything that a command sends, whichever target and scenario it is for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counts the jobs that are started. Clones share the count, so that two targets, or a first contact and the run after it, have
/// one limit.
#[derive(Debug, Clone, Default)]
pub struct Jobs {
    most: Option<u64>,
    started: Arc<AtomicU64>,
}

impl Jobs {
    /// At most so many jobs; `None` for no limit.
    pub fn at_most(most: Option<u64>) -> Jobs {
        Jobs { most, started: Arc::default() }
    }

    /// Counts a job that is about to be asked for; false, and not counted, when the limit is reached. Every request that asks the
    /// target for a job calls this first, whatever becomes of the request.
    pub fn start(&self) -> bool {
        let most = self.most.unwrap_or(u64::MAX);
        self.started.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |started| (started < most).then(|| started + 1)).is_ok()
    }

    /// How many were started.
    pub fn started(&self) -> u64 {
        self.started.load(Ordering::Relaxed)
    }

    /// How many may still be started; `None`: any number.
    pub fn left(&self) -> Option<u64> {
        self.most.map(|most| most.saturating_sub(self.started()))
    }
}

/// What keeps a run from asking too much of its target.
#[derive(Debug, Clone)]
pub struct Restraint {
    /// The jobs that may be started.
    pub jobs: Jobs,
    /// For how long a target may answer requests of one kind with nothing but 429, or 503 with `Retry-After`, before the run ends.
    pub max_wait: Duration,
    /// What the run does when the target shows strain.
    pub strain: OnStrain,
}

/// What a run does when initiates fail or slow down, or when it is late itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnStrain {
    /// It goes on as planned: the plan is what is to be measured.
    #[default]
    GoOn,
    /// It starts fewer jobs at a time, and waits between its steps until the jobs that it started have ended.
    SlowDown,
}

impl Default for Restraint {
    fn default() -> Self {
        Restraint { jobs: Jobs::default(), max_wait: DEFAULT_MAX_WAIT, strain: OnStrain::GoOn }
    }
}

/// [`Restraint::max_wait`] where nobody said otherwise.
pub const DEFAULT_MAX_WAIT: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::Jobs;

    #[test]
    fn clones_share_one_limit_and_nobody_starts_one_job_more() {
        let jobs = Jobs::at_most(Some(1000));
        let started: u64 = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    let jobs = jobs.clone();
                    scope.spawn(move || (0..400).filter(|_| jobs.start()).count() as u64)
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
        });
        assert_eq!((started, jobs.started(), jobs.left()), (1000, 1000, Some(0)));
    }
}
