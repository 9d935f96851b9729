//! What all workers of a service share, and the tasks that run in its name.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;

use super::chance::{Chance, Purpose, happens};
use super::clock::Clock;
use super::database::Database;
use super::fault::arrivals::Arrivals;
use super::fault::delivery::Deliveries;
use super::fault::eviction::Eviction;
use super::fault::queue::Queue;
use super::ground_truth::{GroundTruth, Milestone};
use super::metrics::Metrics;
use super::scan::Job;
use super::settings::Settings;
use super::spans::{SpanExport, SpanStore};
use super::store::StoreError;
use super::worker::Worker;

/// Everything that outlives a request.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) clock: Clock,
    pub(crate) chance: Arc<Chance>,
    pub(crate) truth: GroundTruth,
    pub(crate) database: Database,
    pub(crate) workers: Vec<Arc<Worker>>,
    pub(crate) metrics: Metrics,
    /// `None` where no spans are recorded.
    pub(crate) spans: Option<SpanStore>,
    pub(crate) queue: Option<Queue>,
    pub(crate) eviction: Eviction<Job>,
    /// Entries in the access list.
    grants: Arrivals,
    /// What a new record has beside its state.
    pub(crate) details: Arrivals,
    /// Results on their way into the store that serves them.
    pub(crate) results: Arrivals,
    pub(crate) deliveries: Deliveries,
    pub(crate) crew: TaskTracker,
    accepted: AtomicU64,
    running: Mutex<BTreeMap<String, Job>>,
    recent_posts: Mutex<BTreeMap<String, VecDeque<Instant>>>,
}

impl Shared {
    /// Opens the store and makes the workers.
    pub(crate) async fn open(settings: Settings) -> Result<Shared, StoreError> {
        let clock = Clock::start(settings.epoch);
        let chance = Arc::new(Chance::new(settings.seed));
        let truth = GroundTruth::default();
        let database = Database::open(&settings, clock, chance.clone(), truth.clone()).await?;
        let workers = (1..=settings.workers).map(|number| Arc::new(Worker::new(number, settings.store_handle))).collect();
        Ok(Shared {
            clock,
            chance,
            truth,
            database,
            workers,
            metrics: Metrics::default(),
            spans: (settings.spans != SpanExport::Off).then(|| SpanStore::new(clock, settings.seed.unwrap_or_else(rand::random))),
            queue: Queue::new(settings.queue_slots),
            eviction: Eviction::new(settings.evict, settings.evict_after, settings.evict_keep),
            grants: Arrivals::default(),
            details: Arrivals::default(),
            results: Arrivals::default(),
            deliveries: Deliveries::default(),
            crew: TaskTracker::default(),
            accepted: AtomicU64::new(0),
            running: Mutex::default(),
            recent_posts: Mutex::default(),
            settings,
        })
    }

    /// The number of the next POST, which its random stream is drawn from.
    pub(crate) fn next_ordinal(&self) -> u64 {
        self.accepted.fetch_add(1, Ordering::Relaxed)
    }

    /// Sends the entry by which the owner of a job may see it.
    pub(crate) fn send_grant(&self, job: &Job) {
        if !self.settings.grant_lag.is_zero() {
            let granted = self.grants.send(&job.scan_id, job.fate.granted_after);
            self.truth.reaches(&job.scan_id, Milestone::Granted, granted);
        }
    }

    /// Whether the access list that this request is checked against has the owner of a scan.
    pub(crate) fn is_granted(&self, scan_id: &str) -> bool {
        let asks_the_late_list = || self.chance.with(Purpose::Read, |dice| happens(self.settings.grant_share, dice));
        self.settings.grant_lag.is_zero() || self.grants.has(scan_id) || !asks_the_late_list()
    }

    /// Sends what a job's record has beside its state.
    pub(crate) fn send_details(&self, job: &Job) {
        if !self.settings.detail_lag.is_zero() {
            let detailed = self.details.send(&job.scan_id, job.fate.detailed_after);
            self.truth.reaches(&job.scan_id, Milestone::Detailed, detailed);
        }
    }

    /// Counts a POST of a user; `false` if it is one too many.
    pub(crate) fn within_rate(&self, user: &str) -> bool {
        let limit = self.settings.rate_limit;
        if limit == 0 {
            return true;
        }
        let mut recent = lock(&self.recent_posts);
        let posts = recent.entry(user.to_owned()).or_default();
        while posts.front().is_some_and(|post| post.elapsed() >= Duration::from_secs(60)) {
            posts.pop_front();
        }
        if posts.len() >= limit {
            return false;
        }
        posts.push_back(Instant::now());
        true
    }

    /// Notes a job that runs in this process.
    pub(crate) fn job_begins(&self, job: &Job) {
        lock(&self.running).insert(job.scan_id.clone(), job.clone());
    }

    /// Forgets a job, unless a later run of the same scan has taken its place.
    pub(crate) fn job_ends(&self, job: &Job) {
        let mut running = lock(&self.running);
        if running.get(&job.scan_id).is_some_and(|known| known.run <= job.run) {
            running.remove(&job.scan_id);
            if let Some(visible) = self.truth.visible_since(&job.scan_id) {
                self.metrics.visible_after(visible.saturating_duration_since(job.accepted));
            }
        }
    }

    /// The job of a scan that runs in this process.
    pub(crate) fn running_job(&self, scan_id: &str) -> Option<Job> {
        lock(&self.running).get(scan_id).cloned()
    }

    /// All jobs that run in this process.
    pub(crate) fn running_jobs(&self) -> Vec<Job> {
        lock(&self.running).values().cloned().collect()
    }

    /// Number of entries in worker memory and in a memory store.
    pub(crate) fn size(&self) -> usize {
        self.database.size() + self.workers.iter().map(|worker| worker.size().0).sum::<usize>()
    }

    /// Removes everything that has expired.
    fn purge(&self) {
        self.workers.iter().for_each(|worker| worker.purge());
        // A store that is away purges next time.
        let _ = self.database.purge();
        self.truth.forget_older(self.settings.ttl.lifecycle);
        for arrivals in [&self.grants, &self.details, &self.results] {
            arrivals.forget_older(PURGE_EVERY);
        }
        self.deliveries.forget_older(self.settings.ttl.full);
        lock(&self.recent_posts).retain(|_, posts| posts.back().is_some_and(|post| post.elapsed() < Duration::from_secs(60)));
    }
}

/// How often expired things are removed. Reads never see an expired value, so this bounds memory and nothing else.
const PURGE_EVERY: Duration = Duration::from_secs(15);

/// Removes expired things for as long as the service exists.
pub(crate) async fn purge_from_time_to_time(shared: Weak<Shared>) {
    loop {
        tokio::time::sleep(PURGE_EVERY).await;
        match shared.upgrade() {
            Some(shared) => shared.purge(),
            None => break,
        }
    }
}

/// The background tasks of a service: each is joined, or aborted and joined, before the service is gone.
#[derive(Debug, Default)]
pub(crate) struct TaskTracker {
    tasks: Mutex<JoinSet<()>>,
}

impl TaskTracker {
    /// Starts a task.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let mut tasks = lock(&self.tasks);
        // Finished tasks are let go here, so that the set is as large as the work under way.
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task)
    }

    /// Aborts all tasks and waits until they are gone.
    pub(crate) async fn dismiss(&self) {
        let mut tasks = std::mem::take(&mut *lock(&self.tasks));
        tasks.shutdown().await;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
