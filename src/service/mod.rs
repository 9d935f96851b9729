//! The reference service: a small async-job API that has the fault, its cures, and every known variant of it.
//!
//! In come [`Settings`], by preset and knob; out comes an axum router that speaks the contract of the original system. The mechanics are
//! real: workers with maps of their own, a background task that runs stages and strategies, snapshots, lifetimes, dedupe, cancellation. A
//! `not_found` arises because an entry is not where the request looks, and never because a timer decides to say so. The same router serves
//! sockets on the real clock and in-process calls on tokio's paused clock. This room knows nothing of the rest of the crate: whoever
//! tests an API must not share types with it.
//!
//! The way of a request: `front` (connections, routing, faults in front) → `api` (the contract) → `scan` (acceptance, lookup, work) →
//! `worker` (memory) and `database` (the shared store, and what lags behind it) → `store`.
//!
//! Three routes are not in the original contract, all for the owner. `POST /api/v1/opportunities/cancel/{scan_id}` ends a running scan as
//! `failed` with the message "Scan cancelled"; `PATCH /api/v1/opportunities/scans/{scan_id}` with `{"label": "…"}` gives it a label, which
//! status then shows; `DELETE` of the same address deletes it. They are the second writes that tell a lagging replica from a late
//! registration, and that may be lost or late themselves.
//!
//! ```
//! use statusgap::service::{OpenError, Service, Settings};
//!
//! # async fn example() -> Result<(), OpenError> {
//! let mut settings = Settings::preset("sound")?;
//! settings.set("replica-lag", "uniform(100ms,400ms)")?;
//! let service = Service::open(settings).await?;
//! let _router = service.router(); // or service.serve(listener, shutdown)
//! service.shut_down().await;
//! # Ok(()) }
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(example()).unwrap();
//! ```

mod api;
mod chance;
mod clock;
mod database;
mod distribution;
mod duration;
mod fault;
mod ground_truth;
mod knob;
mod knob_value;
mod load_balancer;
mod metrics;
mod preset;
mod record;
mod request;
mod scan;
mod settings;
mod shared;
mod spans;
mod store;
#[cfg(test)]
mod tests;
mod words;
mod worker;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;

pub use self::distribution::Distribution;
pub use self::fault::quorum::Quorum;
pub use self::ground_truth::{GroundTruth, Milestone};
pub use self::knob::{KnobDescription, SettingsError};
pub use self::preset::PresetDescription;
pub use self::settings::{
    Affinity, CacheKey, Durations, Evict, Fallback, Handover, Lifetimes, OnCrash, PathDecoding, Placeholder, Policy, QueueRecord, ReadPath,
    Resolve, Routing, Settings, Slot, Stage, StoreChoice, StoreHandle, Switch, UnsetState,
};
pub use self::spans::{SpanExport, SpanStore};
pub use self::store::StoreError;

use self::load_balancer::LoadBalancer;
use self::shared::Shared;

/// Why a service could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The settings contradict each other.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The store could not be opened.
    #[error("cannot open the store: {0}")]
    Store(#[from] StoreError),
}

/// A running service. It lives until [`Service::shut_down`], or until its runtime is gone.
#[derive(Debug)]
pub struct Service {
    shared: Arc<Shared>,
    front: Arc<LoadBalancer>,
}

/// How long open connections are waited for after the signal to stop.
const DRAIN: Duration = Duration::from_secs(5);

impl Service {
    /// Opens the store and starts the workers. Must be called on the runtime that will serve.
    pub async fn open(settings: Settings) -> Result<Service, OpenError> {
        settings.check()?;
        let shared = Arc::new(Shared::open(settings).await?);
        shared.crew.spawn(shared::purge_from_time_to_time(Arc::downgrade(&shared)));
        if let (Some(store), Some(endpoint)) = (&shared.spans, shared.settings.span_endpoint()) {
            shared.crew.spawn(spans::export_from_time_to_time(store.clone(), endpoint));
        }
        Ok(Service { front: Arc::new(LoadBalancer::new(shared.clone())), shared })
    }

    /// The router in front of all workers. It tells connections apart by `ConnectInfo<SocketAddr>` in the request's extensions: one peer
    /// address is one connection.
    pub fn router(&self) -> Router {
        Router::new().fallback(load_balancer::pass).with_state(self.front.clone())
    }

    /// Serves a socket until `shutdown` resolves, then lets requests under way finish (for 5 s at most) and ends all background work.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()> {
        let front = self.front.clone();
        let listener = listener.tap_io(move |stream| {
            // Without it a delayed acknowledgement of 40 ms would look like a window. A connection that is gone already needs neither.
            let _ = stream.set_nodelay(true);
            if let Ok(peer) = stream.peer_addr() {
                front.opened(peer);
            }
        });
        let (told, mut stop) = tokio::sync::watch::channel(false);
        let signal = async move {
            shutdown.await;
            let _ = told.send(true);
        };
        let app = self.router().into_make_service_with_connect_info::<SocketAddr>();
        let mut served = axum::serve(listener, app).with_graceful_shutdown(signal).into_future();
        let late = async {
            let stopped = stop.wait_for(|stop| *stop).await.is_ok();
            if stopped {
                tokio::time::sleep(DRAIN).await;
            } else {
                // The server ended before the signal; its result is what counts.
                std::future::pending::<()>().await;
            }
        };
        let outcome = tokio::select! {
            outcome = &mut served => outcome,
            () = late => Ok(()),
        };
        self.shut_down().await;
        outcome
    }

    /// What the service itself knows about when each scan became visible.
    pub fn truth(&self) -> GroundTruth {
        self.shared.truth.clone()
    }

    /// The spans that were recorded, where they are kept.
    pub fn spans(&self) -> Option<SpanStore> {
        self.shared.spans.clone().filter(|_| self.shared.settings.spans == SpanExport::Kept)
    }

    /// Ends all background work. Where crashes are recorded, scans that were running are recorded as failed.
    pub async fn shut_down(self) {
        if self.shared.settings.on_crash == OnCrash::Fail {
            for job in self.shared.running_jobs() {
                let last = self.shared.find_current(&job.worker, &job.user, &job.scan_id, job.region).await.ok().flatten();
                // A store that is away at this moment cannot be told.
                let _ =
                    scan::cancel::end(&self.shared, &job, last.map(|found| found.record), "Scan interrupted: the service stopped").await;
            }
        }
        self.shared.crew.dismiss().await;
        if let (Some(store), Some(endpoint)) = (&self.shared.spans, self.shared.settings.span_endpoint()) {
            spans::send_all(store, &endpoint).await;
        }
    }
}

impl Settings {
    /// Refuses settings that contradict each other.
    fn check(&self) -> Result<(), SettingsError> {
        let conflict = |text| Err(SettingsError::Conflict(text));
        match self {
            Settings { spans: SpanExport::To(address), .. } if spans::Endpoint::of(address).is_none() => {
                conflict("spans are sent over plain HTTP: give an address such as http://127.0.0.1:4318")
            }
            Settings { workers: 0, .. } => conflict("knob `workers`: a service needs at least 1 worker"),
            Settings { concurrency: 0, .. } => conflict("knob `strategy-concurrency`: at least 1 strategy has to run"),
            Settings { store: StoreChoice::Embedded, data_dir: None, .. } => {
                conflict("the embedded store needs a directory: give --data-dir DIR")
            }
            Settings { users, .. } if users.is_empty() => conflict("a service needs at least one user"),
            _ if self.read_copies() > 1 => {
                conflict("replica-lag, index-period and quorum exclude each other: status reads one copy of the store")
            }
            Settings { index_copies: 0, .. } => conflict("knob `index-copies`: an index has at least 1 copy"),
            Settings { index_copies: 2.., .. } if self.index_period.is_zero() => {
                conflict("index-copies needs an index-period: without one there is no index")
            }
            Settings { read_path: ReadPath::Memory | ReadPath::MemoryFirst, .. }
                if !self.update_lag.is_zero() || !self.delete_lag.is_zero() =>
            {
                conflict("update-lag and delete-lag need read-path=store: a worker's own memory learns of a change at once")
            }
            Settings { negative_cache_key: CacheKey::User, .. } if self.negative_cache_ttl.is_zero() => {
                conflict("negative-cache-key needs a negative-cache-ttl: without one nothing is kept")
            }
            Settings { read_path: ReadPath::Memory, .. } if self.read_copies() > 0 => {
                conflict("replica-lag, index-period and quorum need a read-path that reads the store: memory-first or store")
            }
            _ => Ok(()),
        }
    }

    /// Where spans are sent, if they are.
    fn span_endpoint(&self) -> Option<spans::Endpoint> {
        match &self.spans {
            SpanExport::To(address) => spans::Endpoint::of(address),
            SpanExport::Off | SpanExport::Kept => None,
        }
    }

    /// How many kinds of copy status is told to read instead of the store.
    fn read_copies(&self) -> usize {
        [!self.replica_lag.is_zero(), !self.index_period.is_zero(), self.quorum != Quorum::Off].into_iter().filter(|on| *on).count()
    }
}
