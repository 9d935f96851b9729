//! Every knob of the service as a typed field, with its default.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::distribution::Distribution;
use super::fault::quorum::Quorum;
use super::spans::SpanExport;
pub use super::words::{
    Affinity, CacheKey, Evict, Fallback, Handover, OnCrash, PathDecoding, Placeholder, Policy, QueueRecord, ReadPath, Resolve, Routing,
    Slot, Stage, StoreHandle, Switch, UnsetState,
};

/// The database behind the workers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreChoice {
    /// One map in this process, shared by all workers; it stands for a shared database.
    Memory,
    /// A database file in the data directory; it survives a restart.
    Embedded,
    /// Redis or Valkey at this address (`redis://host:port/db`).
    Redis(String),
}

impl StoreChoice {
    /// The store's kind; a Redis address may carry a password.
    pub fn kind(&self) -> &'static str {
        match self {
            StoreChoice::Memory => "memory",
            StoreChoice::Embedded => "embedded",
            StoreChoice::Redis(_) => "redis",
        }
    }
}

/// One stage's or one strategy's durations, and the budgets around them.
#[derive(Debug, Clone, PartialEq)]
pub struct Durations {
    /// Reading the user's profile.
    pub profile: Distribution,
    /// Fetching the portfolio.
    pub portfolio: Distribution,
    /// Discovering assets; the first snapshot is written after it.
    pub assets: Distribution,
    /// Each strategy.
    pub strategy: Distribution,
    /// From the last strategy to the result.
    pub finalise: Distribution,
}

/// How long written things live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifetimes {
    /// A partial entry.
    pub partial: Duration,
    /// A finished entry.
    pub full: Duration,
    /// Lookup, index and user-latest keys.
    pub lookup: Duration,
    /// The flag that says a scan runs for a user and filters.
    pub active: Duration,
    /// The lifecycle.
    pub lifecycle: Duration,
}

/// Everything that can be chosen about a service.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The preset these settings started from.
    pub preset: String,
    /// Bearer token → user name. The user called `admin` may read every scan's diagnostics.
    pub users: BTreeMap<String, String>,
    /// Number of workers, at least 1.
    pub workers: usize,
    /// What is routed as one unit.
    pub routing: Routing,
    /// How a worker is chosen.
    pub policy: Policy,
    /// Makes ids, worker choice, durations and coin flips repeatable.
    pub seed: Option<u64>,
    /// Whether no strategy finds anything, which makes records and answers small; not a knob. States and progress do not depend on it.
    pub finds_nothing: bool,
    /// Wall clock at service start, in milliseconds since 1970; `None`: the machine's.
    pub epoch: Option<i64>,
    /// Where the spans of traced requests go.
    pub spans: SpanExport,
    /// The shared store.
    pub store: StoreChoice,
    /// Where the embedded store keeps its file.
    pub data_dir: Option<PathBuf>,
    /// Put before every key in Redis.
    pub redis_prefix: String,
    /// When a worker opens the store.
    pub store_handle: StoreHandle,
    /// Where status looks.
    pub read_path: ReadPath,
    /// What a slot is keyed by.
    pub slot: Slot,
    /// What is written before the answer.
    pub placeholder: Placeholder,
    /// What status does without an entry.
    pub fallback: Fallback,
    /// Whether a scan is shown to its owner only.
    pub owner_check: Switch,
    /// Whether the lifecycle answers an unknown id with the most recent scan of any user.
    pub lifecycle_index_fallback: Switch,
    /// Durations of the background work.
    pub durations: Durations,
    /// Budget for the strategies together.
    pub budget: Duration,
    /// How many strategies run at a time.
    pub concurrency: usize,
    /// When a forced scan without a snapshot writes a placeholder after all.
    pub reprime_after: Duration,
    /// TTLs.
    pub ttl: Lifetimes,
    /// Discover requests per 60 s and user; 0: no limit.
    pub rate_limit: usize,
    /// Added before every status answer.
    pub status_latency: Distribution,
    /// HTTP code of a status answer for a running scan.
    pub running_code: u16,
    /// Where background tasks die.
    pub crash_stage: Stage,
    /// Share of scans that die there.
    pub crash_rate: f64,
    /// What becomes of them.
    pub on_crash: OnCrash,
    /// How long a running scan is believed to be alive without a sign of life in a shared Redis; 0: for ever.
    pub lease: Duration,
    /// When the store is unavailable, since service start.
    pub outage: Option<(Duration, Duration)>,
    /// Class A: time from the POST to the first record of it.
    pub registration_delay: Distribution,
    /// Class C: time by which the replica is late.
    pub replica_lag: Distribution,
    /// Class C′: share of status reads that go to the replica.
    pub replica_share: f64,
    /// Published quorum race between a write and a status read.
    pub quorum: Quorum,
    /// Class D: how long the front keeps a `not_found` answer.
    pub negative_cache_ttl: Duration,
    /// Classes D and U: the steps in which the cache in front counts time; 0: none.
    pub cache_clock: Duration,
    /// Class E: jobs that may hold a slot at a time; 0: no queue.
    pub queue_slots: usize,
    /// Class E: how long a job holds its slot.
    pub queue_hold: Distribution,
    /// Class E: when a queued job's record is written.
    pub queue_record: QueueRecord,
    /// Class F: which records are dropped early.
    pub evict: Evict,
    /// Class F: age at which they are dropped.
    pub evict_after: Duration,
    /// Class F: how many finished records `keep-last` keeps.
    pub evict_keep: usize,
    /// Class G: period of the index refresh; 0: reads need no index.
    pub index_period: Duration,
    /// Class H: time between delete and insert of a snapshot; 0: replaced in one step.
    pub replace_gap: Distribution,
    /// Class I: time from the answer to the commit.
    pub commit_delay: Distribution,
    /// Class I: share of scans committed late.
    pub commit_share: f64,
    /// Class J: which scan answers.
    pub resolve: Resolve,
    /// Class K: share of POSTs routed to the region that status does not look in by default.
    pub remote_region_share: f64,
    /// Class L: share of ids with `/`, `+` and `=` in them.
    pub special_id_share: f64,
    /// Class L: how the front reads paths.
    pub path_decoding: PathDecoding,
    /// Class M: share of accepted scans that are lost.
    pub lost_task_rate: f64,
    /// Class N: an unknown id is answered as pending.
    pub unknown_as_pending: Switch,
    /// Class P: a connection that carried a POST is not read again until the job's first phase ended.
    pub hold_connection: Switch,
    /// Class B: whether a cookie leads a client back to its worker.
    pub affinity: Affinity,
    /// Class C′: how many copies the index has, each refreshed at instants of its own.
    pub index_copies: usize,
    /// Class D: which requests share a kept `not_found`.
    pub negative_cache_key: CacheKey,
    /// Class H: time for which a record is in neither store while it moves from one to the other.
    pub handover_gap: Distribution,
    /// Class H: when it moves.
    pub handover_at: Handover,
    /// Class M: share of accepted scans that are refused afterwards.
    pub refused_rate: f64,
    /// Class R: time from the acceptance until the owner may see the scan.
    pub grant_lag: Distribution,
    /// Class R: share of requests that are checked against the access list that is late.
    pub grant_share: f64,
    /// Class S: time until status learns of a change.
    pub update_lag: Distribution,
    /// Class T: time until status learns of a deletion.
    pub delete_lag: Distribution,
    /// Classes S and T: share of status reads that learn of them late.
    pub change_share: f64,
    /// Class U: how long the front keeps a visible answer.
    pub positive_cache_ttl: Duration,
    /// Class V: time from the end until the result is in the store that serves results.
    pub result_lag: Distribution,
    /// Class W: whether an end is answered once only.
    pub consume_on_read: Switch,
    /// Class X: time from the first record until the rest of it is written.
    pub detail_lag: Distribution,
    /// Class Y: what status says of a scan whose work has written no state.
    pub unset_state: UnsetState,
    /// Class Z: time that a worker takes to answer a POST, once it has accepted the scan.
    pub initiate_latency: Distribution,
    /// Class Z: how long the front waits for the answer to a POST before it says 504; 0: for ever.
    pub gateway_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            preset: "deferred".into(),
            users: default_users(),
            workers: 1,
            // Several worker processes behind one listening port share connections, not requests:
            // the kernel hands a connection to one of them and there it stays.
            routing: Routing::PerConnection,
            policy: Policy::RoundRobin,
            seed: None,
            finds_nothing: false,
            epoch: None,
            spans: SpanExport::Off,
            store: StoreChoice::Memory,
            data_dir: None,
            redis_prefix: String::new(),
            store_handle: StoreHandle::Eager,
            read_path: ReadPath::Memory,
            slot: Slot::PerFilters,
            placeholder: Placeholder::None,
            fallback: Fallback::None,
            owner_check: Switch::On,
            lifecycle_index_fallback: Switch::Off,
            durations: Durations::short(),
            budget: Duration::from_secs(150),
            concurrency: 15,
            reprime_after: Duration::from_secs(5),
            ttl: Lifetimes {
                partial: Duration::from_secs(300),
                full: Duration::from_secs(300),
                lookup: Duration::from_secs(600),
                active: Duration::from_secs(300),
                lifecycle: Duration::from_secs(3600),
            },
            rate_limit: 0,
            status_latency: Distribution::ZERO,
            running_code: 200,
            crash_stage: Stage::None,
            crash_rate: 1.0,
            on_crash: OnCrash::Vanish,
            lease: Duration::from_secs(60),
            outage: None,
            registration_delay: Distribution::ZERO,
            replica_lag: Distribution::ZERO,
            replica_share: 1.0,
            quorum: Quorum::Off,
            negative_cache_ttl: Duration::ZERO,
            cache_clock: Duration::ZERO,
            queue_slots: 0,
            queue_hold: Distribution::fixed(300),
            queue_record: QueueRecord::AtStart,
            evict: Evict::None,
            evict_after: Duration::from_secs(1),
            evict_keep: 1,
            index_period: Duration::ZERO,
            replace_gap: Distribution::ZERO,
            commit_delay: Distribution::ZERO,
            commit_share: 0.5,
            resolve: Resolve::Asked,
            remote_region_share: 0.0,
            special_id_share: 0.0,
            path_decoding: PathDecoding::Correct,
            lost_task_rate: 0.0,
            unknown_as_pending: Switch::Off,
            hold_connection: Switch::Off,
            affinity: Affinity::None,
            index_copies: 1,
            negative_cache_key: CacheKey::Url,
            handover_gap: Distribution::ZERO,
            handover_at: Handover::End,
            refused_rate: 0.0,
            grant_lag: Distribution::ZERO,
            grant_share: 1.0,
            update_lag: Distribution::ZERO,
            delete_lag: Distribution::ZERO,
            change_share: 1.0,
            positive_cache_ttl: Duration::ZERO,
            result_lag: Distribution::ZERO,
            consume_on_read: Switch::Off,
            detail_lag: Distribution::ZERO,
            unset_state: UnsetState::Running,
            initiate_latency: Distribution::ZERO,
            gateway_timeout: Duration::ZERO,
        }
    }
}

impl Durations {
    /// First snapshot at exactly 2.0 s, result after about 6 s: short enough to try.
    pub fn short() -> Self {
        Durations {
            profile: Distribution::fixed(400),
            portfolio: Distribution::fixed(700),
            assets: Distribution::fixed(900),
            strategy: Distribution::uniform(500, 4000),
            finalise: Distribution::ZERO,
        }
    }

    /// First snapshot at 2.0 s, result after 160 to 174 s, as measured in production.
    pub fn production() -> Self {
        Durations { strategy: Distribution::uniform(120_000, 150_000), finalise: Distribution::uniform(14_000, 21_000), ..Self::short() }
    }
}

/// alice and mallory may scan; admin may read diagnostics too.
fn default_users() -> BTreeMap<String, String> {
    ["alice", "mallory", "admin"].into_iter().map(|name| (format!("{name}-token"), name.to_owned())).collect()
}
