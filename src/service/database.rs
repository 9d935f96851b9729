//! The store as the workers reach it: with outages, and with whatever stands between a write and a status read.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::RngExt as _;
use tokio::time::Instant;

use super::chance::{Chance, Purpose, happens};
use super::clock::Clock;
use super::distribution::Distribution;
use super::fault::follower::{Follower, next_tick};
use super::fault::late_changes::LateChanges;
use super::fault::quorum::{Arrival, Quorum, Replicas};
use super::ground_truth::{GroundTruth, Milestone};
use super::record::Admission;
use super::scan::changes::{Change, Changes};
use super::settings::Settings;
use super::spans::{self, CodePlace, Description};
use super::store::{Followed, Put, Reveal, Store, StoreError, Write};

/// The store and what is in front of it.
#[derive(Debug)]
pub(crate) struct Database {
    store: Store,
    copy: ReadCopy,
    late_changes: Option<LateChanges>,
    outage: Option<(Duration, Duration)>,
    /// The store's kind.
    system: &'static str,
    clock: Clock,
    chance: Arc<Chance>,
    truth: GroundTruth,
}

/// How spans name the store itself, and what lags behind it.
const PRIMARY: &str = "primary";
const COPY: &str = "replica";

/// What status reads look at.
#[derive(Debug)]
enum ReadCopy {
    /// The store itself.
    None,
    /// A replica that is late by a law; this share of reads goes there.
    Replica(Mutex<Follower>, Distribution, f64),
    /// An index in one copy or more, each refreshed with this period at instants of its own.
    Index(Vec<Mutex<Follower>>, Duration),
    /// Three replicas in a race.
    Quorum(Box<Mutex<Replicas>>),
}

/// Where one request reads from; chosen once, so that it sees one state of the world.
#[derive(Debug, Clone, Copy)]
pub(crate) enum View {
    /// The store itself.
    Primary,
    /// The replica, or this copy of the index.
    Copy(usize),
    /// One of the three replicas.
    Quorum(Arrival),
}

impl Database {
    /// Opens the store.
    pub(crate) async fn open(settings: &Settings, clock: Clock, chance: Arc<Chance>, truth: GroundTruth) -> Result<Self, StoreError> {
        let copy = if settings.quorum != Quorum::Off {
            ReadCopy::Quorum(Box::new(Mutex::new(Replicas::new(settings.quorum))))
        } else if !settings.replica_lag.is_zero() {
            ReadCopy::Replica(Mutex::default(), settings.replica_lag, settings.replica_share)
        } else if !settings.index_period.is_zero() {
            ReadCopy::Index((0..settings.index_copies).map(|_| Mutex::default()).collect(), settings.index_period)
        } else {
            ReadCopy::None
        };
        let store = Store::open(settings, clock).await?;
        Ok(Database {
            store,
            copy,
            late_changes: LateChanges::of(settings),
            outage: settings.outage,
            system: settings.store.kind(),
            clock,
            chance,
            truth,
        })
    }

    /// Applies a batch. `reveals` names the scan whose status can be answered from then on.
    pub(crate) async fn apply(&self, writes: &[Write], reveals: Option<&str>) -> Result<(), StoreError> {
        self.available()?;
        self.traced("SET", PRIMARY, spans::here!("apply"), self.store.apply(writes, self.reveal_at_store(reveals))).await?;
        self.ship(writes.iter(), reveals);
        Ok(())
    }

    /// Sets `put` and applies `also` if the key is free; otherwise returns its value.
    pub(crate) async fn claim(&self, put: &Put, also: &[Write], reveals: Option<&str>) -> Result<Option<String>, StoreError> {
        self.available()?;
        let claimed = self.store.claim(put, also, self.reveal_at_store(reveals));
        let holder = self.traced("SET NX", PRIMARY, spans::here!("claim"), claimed).await?;
        if holder.is_none() {
            self.ship(also.iter(), reveals);
        }
        Ok(holder)
    }

    /// Sets `put` and applies `also` if the record there admits it.
    pub(crate) async fn put_guarded(&self, put: &Put, also: &[Write], reveals: Option<&str>) -> Result<Admission, StoreError> {
        self.available()?;
        let written = self.store.put_guarded(put, also, self.reveal_at_store(reveals));
        let admission = self.traced("SET", PRIMARY, spans::here!("put_guarded"), written).await?;
        if admission == Admission::Written {
            let put: Write = put.clone().into();
            self.ship(std::iter::once(&put).chain(also), reveals);
        }
        Ok(admission)
    }

    /// Applies a change that the owner makes to a scan, of which some readers learn late.
    pub(crate) async fn apply_change(&self, write: &Write, scan_id: &str, change: &Change) -> Result<(), StoreError> {
        self.apply(std::slice::from_ref(write), None).await?;
        let known = match &self.late_changes {
            Some(late) => self.chance.with(Purpose::Write, |dice| late.ship(write, change, dice)),
            None => Instant::now(),
        };
        let milestone = if *change == Change::Delete { Milestone::Deleted } else { Milestone::Changed };
        self.truth.reaches(scan_id, milestone, known);
        Ok(())
    }

    /// The changes of a scan as this read learns of them, if it is one that learns of them late.
    pub(crate) fn late_changes(&self, scan_id: &str) -> Option<Changes> {
        let late = self.late_changes.as_ref()?;
        self.chance.with(Purpose::Read, |dice| late.is_asked(dice)).then(|| late.read(scan_id))
    }

    /// Chooses where a status or results request reads from.
    pub(crate) fn status_view(&self) -> View {
        match &self.copy {
            ReadCopy::None => View::Primary,
            ReadCopy::Index(copies, _) if copies.len() == 1 => View::Copy(0),
            ReadCopy::Index(copies, _) => View::Copy(self.chance.with(Purpose::Read, |dice| dice.random_range(0..copies.len()))),
            ReadCopy::Replica(_, _, share) => {
                if self.chance.with(Purpose::Read, |dice| happens(*share, dice)) {
                    View::Copy(0)
                } else {
                    View::Primary
                }
            }
            ReadCopy::Quorum(replicas) => {
                View::Quorum(self.chance.with(Purpose::Read, |dice| lock(replicas).send_read(Instant::now(), dice)))
            }
        }
    }

    /// A key's value as this view has it.
    pub(crate) async fn get(&self, view: View, key: &str) -> Result<Option<String>, StoreError> {
        self.available()?;
        let address = if matches!(view, View::Primary) { PRIMARY } else { COPY };
        self.traced("GET", address, spans::here!("get"), self.read(view, key)).await
    }

    async fn read(&self, view: View, key: &str) -> Result<Option<String>, StoreError> {
        let now = Instant::now();
        match (view, &self.copy) {
            (View::Copy(_), ReadCopy::Replica(follower, ..)) => Ok(lock(follower).read(key, now, now)),
            (View::Copy(copy), ReadCopy::Index(copies, _)) => Ok(lock(&copies[copy]).read(key, now, now)),
            (View::Quorum(arrival), ReadCopy::Quorum(replicas)) => Ok(lock(replicas).read(key, now, arrival)),
            _ => self.store.get(key).await,
        }
    }

    /// What a key of the store itself leads to, and what is kept under other keys.
    pub(crate) async fn follow(&self, key: &str, prefix: &str, beside: &[String]) -> Result<Option<Followed>, StoreError> {
        self.available()?;
        self.traced("GET", PRIMARY, spans::here!("follow"), self.store.follow(key, prefix, beside)).await
    }

    /// A scan's lifecycle, by phase name.
    pub(crate) async fn phases(&self, scan_id: &str) -> Result<Vec<(String, String)>, StoreError> {
        self.available()?;
        self.store.phases(scan_id).await
    }

    /// The scan whose lifecycle changed last.
    pub(crate) async fn latest_lifecycle(&self) -> Result<Option<String>, StoreError> {
        self.available()?;
        self.store.latest_lifecycle().await
    }

    /// Succeeds if what the store does not hold may be denied.
    pub(crate) async fn confirm_missing(&self) -> Result<(), StoreError> {
        self.available()?;
        self.store.confirm_missing().await
    }

    /// Removes what has expired.
    pub(crate) fn purge(&self) -> Result<(), StoreError> {
        let now = Instant::now();
        match &self.copy {
            ReadCopy::None => {}
            ReadCopy::Replica(follower, ..) => lock(follower).purge(now),
            ReadCopy::Index(copies, _) => copies.iter().for_each(|copy| lock(copy).purge(now)),
            ReadCopy::Quorum(replicas) => lock(replicas).purge(now),
        }
        if let Some(late) = &self.late_changes {
            late.purge(now);
        }
        self.store.purge()
    }

    /// Number of values held, where it is cheap to know.
    pub(crate) fn size(&self) -> usize {
        self.store.size()
    }

    /// Does something that is a request to a database in the original system, as a span.
    async fn traced<T>(&self, operation: &str, address: &str, place: CodePlace, work: impl Future<Output = T>) -> T {
        spans::within(|| Description::database(self.system, operation, address, place), work).await
    }

    fn available(&self) -> Result<(), StoreError> {
        let now = self.clock.elapsed();
        match self.outage {
            Some((from, to)) if (from..to).contains(&now) => Err(StoreError::Unavailable),
            _ => Ok(()),
        }
    }

    /// Status can be answered from the store's own insert unless all reads go to a copy.
    fn reveal_at_store<'a>(&'a self, scan_id: Option<&'a str>) -> Option<Reveal<'a>> {
        let reads_store = match &self.copy {
            ReadCopy::None => true,
            ReadCopy::Replica(_, _, share) => *share < 1.0,
            ReadCopy::Index(..) | ReadCopy::Quorum(_) => false,
        };
        scan_id.filter(|_| reads_store).map(|scan_id| Reveal { truth: &self.truth, scan_id })
    }

    fn ship<'a>(&self, writes: impl Iterator<Item = &'a Write>, reveals: Option<&str>) {
        if matches!(self.copy, ReadCopy::None) {
            return;
        }
        let writes: Vec<Write> = writes.cloned().collect();
        let now = Instant::now();
        let visible = match &self.copy {
            ReadCopy::None => now,
            ReadCopy::Replica(follower, lag, _) => {
                let due = now + self.chance.with(Purpose::Write, |dice| lag.draw(dice));
                lock(follower).ship_in_order(&writes, due)
            }
            ReadCopy::Index(copies, period) => {
                let arrivals = (0..).zip(copies).map(|(number, copy)| {
                    let lattice = self.clock.started() + period.mul_f64(phase(number));
                    lock(copy).ship_in_order(&writes, next_tick(lattice, *period, now))
                });
                // There is at least one copy.
                arrivals.min().unwrap_or(now)
            }
            ReadCopy::Quorum(replicas) => self.chance.with(Purpose::Write, |dice| lock(replicas).ship(&writes, now, dice)),
        };
        if let Some(scan_id) = reveals {
            self.truth.mark(scan_id, visible);
        }
    }
}

/// By what part of a period the lattice of a copy is ahead of the first one's: no two of them meet.
fn phase(number: u32) -> f64 {
    (f64::from(number) * 0.618_033_988_749_895).fract()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
