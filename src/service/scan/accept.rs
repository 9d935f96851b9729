//! Accepting a request: dedupe, a new id, what is written before the answer, and the start of the background work.

use std::sync::Arc;

use rand::Rng as _;
use tokio::sync::watch;
use tokio::time::Instant;

use super::run::{self, Start};
use super::{Fate, Job};
use crate::service::chance::{Purpose, RandomStream, happens};
use crate::service::fault::hold::FirstPhase;
use crate::service::fault::mangling::special_tail;
use crate::service::fault::queue::{JobSlot, Queue};
use crate::service::fault::scope::Region;
use crate::service::metrics::Event;
use crate::service::record::Record;
use crate::service::request::DiscoverRequest;
use crate::service::settings::{Placeholder, QueueRecord, ReadPath, Slot, Stage, StoreHandle};
use crate::service::shared::Shared;
use crate::service::spans::{self, Description};
use crate::service::store::{Put, StoreError, Write, keys};
use crate::service::worker::{Claim, Worker};

/// What became of a request.
#[derive(Debug)]
pub(crate) enum Accepted {
    /// Work has been started, under a new id or, after a forced refresh, under the one that was running.
    Started {
        /// The job.
        job: Box<Job>,
        /// Resolves when its first phase has ended.
        first_phase: FirstPhase,
    },
    /// Equal work is under way already.
    Joined {
        /// The scan that runs.
        scan_id: String,
        /// Its present record, if one has been written yet.
        record: Option<Record>,
        /// Its region.
        region: Region,
    },
}

/// A scan that already runs for the same user and filters.
struct Rival {
    scan_id: String,
    run: u64,
    record: Option<Record>,
}

/// Accepts a request on a worker.
pub(crate) async fn accept(
    shared: &Arc<Shared>,
    worker: &Arc<Worker>,
    user: &str,
    request: DiscoverRequest,
) -> Result<Accepted, StoreError> {
    if shared.settings.store_handle != StoreHandle::Eager {
        worker.open_handle();
    }
    let job = new_job(shared, worker, user, &request);
    if job.fate.lost {
        // The id is all there will ever be of it.
        let (_, first_phase) = watch::channel(true);
        return Ok(Accepted::Started { job: Box::new(job), first_phase: FirstPhase(first_phase) });
    }
    if job.fate.refused {
        return Ok(refuse(shared, job).await);
    }
    shared.send_grant(&job);
    let slot = shared.queue.as_ref().and_then(Queue::try_take);
    let waits_unrecorded = shared.queue.is_some() && slot.is_none() && shared.settings.queue_record == QueueRecord::AtStart;
    let at_once = !waits_unrecorded && job.fate.recorded_after.is_zero();
    if at_once {
        shared.send_details(&job);
    }
    let phases = if waits_unrecorded { Vec::new() } else { vec![shared.phase(&job, "started", "in_progress")] };
    let rival = if shared.settings.read_path == ReadPath::Store {
        claim_in_store(shared, &job, at_once, phases).await?
    } else {
        claim_in_memory(shared, &job, at_once, phases).await?
    };
    match rival {
        None => Ok(start(shared, job, slot, !at_once)),
        Some(rival) if request.force_refresh => restart(shared, job, rival, slot, at_once).await,
        Some(rival) => {
            let region = shared.running_job(&rival.scan_id).map_or(Region::Home, |job| job.region);
            Ok(Accepted::Joined { scan_id: rival.scan_id, record: rival.record, region })
        }
    }
}

fn new_job(shared: &Shared, worker: &Arc<Worker>, user: &str, request: &DiscoverRequest) -> Job {
    let settings = &shared.settings;
    let ordinal = shared.next_ordinal();
    let mut dice = shared.chance.dice(Purpose::Scan, ordinal);
    let own_id = new_id(&mut dice, settings.special_id_share);
    let named = request.scan_id.clone().filter(|id| shared.running_job(id).is_none());
    let scan_id = named.unwrap_or(own_id);
    let filter_key = request.filters.key(user);
    let cache_key = match settings.slot {
        Slot::PerFilters => filter_key.clone(),
        Slot::PerScan => format!("{user}:{scan_id}"),
    };
    let mut recorded_after = settings.registration_delay.draw(&mut dice);
    if happens(settings.commit_share, &mut dice) {
        recorded_after += settings.commit_delay.draw(&mut dice);
    }
    let fate = Fate {
        lost: happens(settings.lost_task_rate, &mut dice),
        recorded_after,
        slot_held: settings.queue_hold.draw(&mut dice),
        dies: settings.crash_stage != Stage::None && happens(settings.crash_rate, &mut dice),
        refused: happens(settings.refused_rate, &mut dice),
        granted_after: settings.grant_lag.draw(&mut dice),
        detailed_after: settings.detail_lag.draw(&mut dice),
        answered_after: settings.initiate_latency.draw(&mut dice),
    };
    Job {
        region: if happens(settings.remote_region_share, &mut dice) { Region::Remote } else { Region::Home },
        scan_id,
        user: user.to_owned(),
        filters: request.filters.clone(),
        filter_key,
        cache_key,
        run: 1,
        forced: request.force_refresh,
        ordinal,
        accepted: Instant::now(),
        created: shared.clock.unix_millis(),
        worker: worker.clone(),
        fate,
    }
}

fn new_id(dice: &mut RandomStream, special_share: f64) -> String {
    let mut bytes = [0; 16];
    dice.fill_bytes(&mut bytes);
    let id = format!("scan_{}", uuid::Builder::from_random_bytes(bytes).into_uuid().simple());
    if happens(special_share, dice) { format!("{id}{}", special_tail(dice)) } else { id }
}

/// One step in the store decides who runs and makes the accepted scan visible, so that no two requests can disagree about either.
async fn claim_in_store(shared: &Shared, job: &Job, at_once: bool, mut writes: Vec<Write>) -> Result<Option<Rival>, StoreError> {
    let put = Put { key: keys::active(&job.filter_key), value: job.scan_id.clone(), ttl: shared.settings.ttl.active };
    let mut reveals = shared.lifecycle_reveals().then_some(job.scan_id.as_str());
    if at_once {
        writes.extend(shared.registration(job));
        if let Some(first) = job.placeholder(shared, shared.settings.placeholder) {
            writes.push(shared.put_of(job, &first).into());
            reveals = Some(&job.scan_id);
        }
    }
    for _ in 0..2 {
        let Some(holder) = shared.database.claim(&put, &writes, reveals).await? else {
            return Ok(None);
        };
        let found = shared
            .find_current(&job.worker, &job.user, &holder, shared.running_job(&holder).map_or(Region::Home, |job| job.region))
            .await?;
        let record = found.map(|found| found.record);
        if record.as_ref().is_none_or(|record| !record.is_terminal()) {
            let run = record.as_ref().map_or(1, |record| record.run);
            return Ok(Some(Rival { scan_id: holder, run, record }));
        }
        // The scan has ended, but whoever ended it did not live to lower the flag.
        let stale = Write::DeleteIf { key: put.key.clone(), value: holder };
        shared.database.apply(&[stale], None).await?;
    }
    Err(StoreError::Unavailable)
}

/// The dedupe of a worker that knows only itself. The lifecycle is written before the answer, so that the witness knows the id at once.
async fn claim_in_memory(shared: &Shared, job: &Job, at_once: bool, phases: Vec<Write>) -> Result<Option<Rival>, StoreError> {
    if let Claim::Running(task) = job.worker.claim_task(&job.filter_key, &job.scan_id) {
        let region = shared.running_job(&task.scan_id).map_or(Region::Home, |job| job.region);
        let found = shared.find_current(&job.worker, &job.user, &task.scan_id, region).await?;
        return Ok(Some(Rival { scan_id: task.scan_id, run: task.run, record: found.map(|found| found.record) }));
    }
    if at_once {
        let first = job.placeholder(shared, shared.settings.placeholder);
        shared.register(job, first, Vec::new()).await?;
    }
    if !phases.is_empty() {
        let reveals = shared.lifecycle_reveals().then_some(job.scan_id.as_str());
        // Best effort, as it was: without the store there is no lifecycle, but there is a scan.
        let _ = shared.database.apply(&phases, reveals).await;
    }
    Ok(None)
}

/// A forced refresh: the same id, a later run that beats whatever the former one still writes.
async fn restart(shared: &Arc<Shared>, mut job: Job, rival: Rival, slot: Option<JobSlot>, at_once: bool) -> Result<Accepted, StoreError> {
    job.worker.abort_task(&rival.scan_id);
    job.region = shared.running_job(&rival.scan_id).map_or(Region::Home, |job| job.region);
    if shared.settings.slot == Slot::PerScan {
        job.cache_key = format!("{}:{}", job.user, rival.scan_id);
    }
    job.scan_id = rival.scan_id;
    job.run = rival.run + 1;
    job.created = rival.record.as_ref().map_or(job.created, |record| record.created);
    if at_once {
        let fresh = job.placeholder(shared, shared.settings.placeholder);
        let carried = rival.record.filter(|_| shared.settings.placeholder == Placeholder::Guarded);
        // Progress must not fall: the last snapshot stands until the new run is past it.
        let first = carried.map(|record| Record { run: job.run, ..record }).or(fresh);
        let phase = shared.phase(&job, "started", "in_progress");
        shared.register(&job, first, vec![phase]).await?;
    }
    Ok(start(shared, job, slot, !at_once))
}

/// Answers as to any other request, and then refuses the work: only the lifecycle ever says so.
async fn refuse(shared: &Arc<Shared>, job: Job) -> Accepted {
    shared.apply_if_possible(&[shared.phase(&job, "started", "in_progress")]).await;
    let (all, refused) = (shared.clone(), job.clone());
    shared.crew.spawn(async move {
        let examined = all.settings.durations.profile.draw(&mut all.chance.dice(Purpose::Work, refused.ordinal));
        tokio::time::sleep(examined).await;
        all.apply_if_possible(&[all.phase(&refused, "failed", "error")]).await;
    });
    let (_, first_phase) = watch::channel(true);
    Accepted::Started { job: Box::new(job), first_phase: FirstPhase(first_phase) }
}

fn start(shared: &Arc<Shared>, job: Job, slot: Option<JobSlot>, unrecorded: bool) -> Accepted {
    let (sender, receiver) = watch::channel(false);
    shared.job_begins(&job);
    shared.metrics.scan(Event::Started);
    let start = Start { slot, unrecorded, first_phase: sender };
    let work = run::run(shared.clone(), job.clone(), start);
    let place = spans::here!("start");
    let work = spans::within(move || Description::work("run_discovery_background", place), work);
    let abort = shared.crew.spawn(spans::carried(work));
    job.worker.set_task(&job.filter_key, &job.scan_id, job.run, abort);
    Accepted::Started { job: Box::new(job), first_phase: FirstPhase(receiver) }
}
