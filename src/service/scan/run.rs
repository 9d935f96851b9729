//! The background work: stages, then the strategies, with a snapshot after each, and an end.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use rand::RngExt as _;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use super::{IN_PROGRESS, Job, cancel};
use crate::service::chance::{Purpose, RandomStream};
use crate::service::distribution::Distribution;
use crate::service::fault::queue::JobSlot;
use crate::service::ground_truth::Milestone;
use crate::service::metrics::Event;
use crate::service::record::{Admission, Opportunity, Record, State};
use crate::service::settings::{Handover, OnCrash, Placeholder, ReadPath, Stage};
use crate::service::shared::Shared;
use crate::service::spans::{self, Description, Kind};
use crate::service::store::{StoreError, Write, keys};

/// What a job starts with.
#[derive(Debug)]
pub(crate) struct Start {
    /// A queue slot, if it has one already.
    pub(crate) slot: Option<JobSlot>,
    /// Whether it has still to be recorded.
    pub(crate) unrecorded: bool,
    /// Told when the first phase has ended.
    pub(crate) first_phase: watch::Sender<bool>,
}

/// Why work stopped before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// The scan has been ended by somebody else, or restarted.
    Superseded,
    /// The task died.
    Died,
}

/// Attempts to write an ending, 200 ms apart: a store that comes back within a minute loses none.
const ENDING_ATTEMPTS: usize = 300;

/// Does the work of a job.
pub(crate) async fn run(shared: Arc<Shared>, job: Job, start: Start) {
    let work = Work { dice: shared.chance.dice(Purpose::Work, job.ordinal), shared: &shared, job: &job, due: Instant::now() };
    let outcome = tokio::select! {
        outcome = work.do_all(start) => outcome,
        () = shared.keep_lease(&job) => Err(Stop::Died),
    };
    match outcome {
        Ok(()) => shared.metrics.scan(Event::Completed),
        Err(Stop::Died) if shared.settings.on_crash == OnCrash::Fail => {
            let last = shared.find_current(&job.worker, &job.user, &job.scan_id, job.region).await.ok().flatten();
            let last = last.map(|found| found.record);
            for _ in 0..ENDING_ATTEMPTS {
                if cancel::end(&shared, &job, last.clone(), "Scan failed: the background task died").await.is_ok() {
                    break;
                }
                sleep(Duration::from_millis(200)).await;
            }
        }
        Err(Stop::Died) => shared.metrics.scan(Event::Failed),
        Err(Stop::Superseded) => {}
    }
    job.worker.end_task(&job.filter_key, &job.scan_id, job.run);
    shared.job_ends(&job);
    if outcome.is_ok() {
        for dropped in shared.eviction.after_completion(job).await {
            shared.take_out(&dropped).await;
        }
    }
}

struct Work<'a> {
    shared: &'a Arc<Shared>,
    job: &'a Job,
    dice: RandomStream,
    /// When the present stage is over. Stages are timed from here and not from when the timer woke, so that their lateness does not add up.
    due: Instant,
}

impl Work<'_> {
    async fn do_all(mut self, start: Start) -> Result<(), Stop> {
        self.wait_to_be_recorded(start.slot, start.unrecorded).await?;
        self.watch_idleness();
        self.due = Instant::now();
        self.prepare(start.first_phase).await?;
        let mut record = self.job.record(self.shared, State::Scanning, IN_PROGRESS);
        self.snapshot(&mut record).await?;
        self.run_strategies(&mut record).await?;
        self.due = Instant::now();
        self.pass(Stage::Finalise, self.shared.settings.durations.finalise).await?;
        self.complete(record).await
    }

    /// The queue, then whatever delays the first record.
    async fn wait_to_be_recorded(&mut self, slot: Option<JobSlot>, unrecorded: bool) -> Result<(), Stop> {
        if let Some(queue) = &self.shared.queue {
            let slot = match slot {
                Some(slot) => slot,
                None => {
                    spans::within(|| Description::message(Kind::Producer, spans::here!("wait_to_be_recorded")), async {}).await;
                    queue.take().await
                }
            };
            self.shared.crew.spawn(slot.hold_for(self.job.fate.slot_held));
        }
        if !unrecorded {
            return Ok(());
        }
        let describe = || match &self.shared.queue {
            Some(_) => Description::message(Kind::Consumer, spans::here!("record")),
            None => Description::work("record", spans::here!("record")),
        };
        spans::within(describe, self.record()).await
    }

    /// The first record of a job that had none when it was accepted.
    async fn record(&self) -> Result<(), Stop> {
        sleep(self.job.fate.recorded_after).await;
        self.shared.send_details(self.job);
        let first = self.job.placeholder(self.shared, self.shared.settings.placeholder);
        let phase = self.shared.phase(self.job, "started", "in_progress");
        for _ in 0..ENDING_ATTEMPTS {
            match self.shared.register(self.job, first.clone(), vec![phase.clone()]).await {
                Ok(Admission::Superseded) => return Err(Stop::Superseded),
                Ok(_) => return Ok(()),
                Err(_) => sleep(Duration::from_millis(200)).await,
            }
        }
        Err(Stop::Died)
    }

    fn watch_idleness(&self) {
        if !self.shared.eviction.watches_idleness() {
            return;
        }
        let (shared, job) = (self.shared.clone(), self.job.clone());
        self.shared.crew.spawn(async move {
            // A scan that is dropped while it runs comes back with its next snapshot, and is watched again.
            loop {
                shared.eviction.watch(&job.scan_id);
                shared.eviction.idle(&job.scan_id).await;
                shared.take_out(&job).await;
                if shared.running_job(&job.scan_id).is_none() {
                    break;
                }
            }
        });
    }

    /// Profile, portfolio, assets. A forced scan that has nothing to show by then writes a placeholder after all.
    async fn prepare(&mut self, first_phase: watch::Sender<bool>) -> Result<(), Stop> {
        let (shared, job) = (self.shared, self.job);
        let reprime = job.forced.then_some(shared.settings.reprime_after);
        let stages = self.stages(first_phase);
        tokio::pin!(stages);
        let Some(reprime) = reprime else {
            return stages.await;
        };
        if let Ok(outcome) = timeout(reprime, &mut stages).await {
            return outcome;
        }
        let kind = match shared.settings.placeholder {
            Placeholder::Guarded => Placeholder::Guarded,
            _ => Placeholder::Plain,
        };
        if let Some(record) = job.placeholder(shared, kind) {
            // A store that is away now has the first snapshot to come.
            let _ = shared.write(job, &record, Vec::new()).await;
        }
        stages.await
    }

    async fn stages(&mut self, first_phase: watch::Sender<bool>) -> Result<(), Stop> {
        let durations = self.shared.settings.durations.clone();
        self.pass(Stage::Profile, durations.profile).await?;
        // Whoever listens has gone if nobody holds a connection.
        let _ = first_phase.send(true);
        self.enter("started", "portfolio_fetch").await;
        self.pass(Stage::Portfolio, durations.portfolio).await?;
        self.enter("portfolio_fetch", "asset_discovery").await;
        self.pass(Stage::Assets, durations.assets).await?;
        self.enter("asset_discovery", "strategies_scan").await;
        Ok(())
    }

    /// Takes as long as the law says, and dies if that is the job's fate here.
    async fn pass(&mut self, stage: Stage, law: Distribution) -> Result<(), Stop> {
        self.due += law.draw(&mut self.dice);
        sleep_until(self.due).await;
        self.survive(stage)
    }

    fn survive(&self, stage: Stage) -> Result<(), Stop> {
        if self.job.fate.dies && self.shared.settings.crash_stage == stage { Err(Stop::Died) } else { Ok(()) }
    }

    async fn enter(&self, left: &str, entered: &str) {
        let writes = [self.shared.phase(self.job, left, "completed"), self.shared.phase(self.job, entered, "in_progress")];
        self.shared.apply_if_possible(&writes).await;
    }

    async fn run_strategies(&mut self, record: &mut Record) -> Result<(), Stop> {
        let law = self.shared.settings.durations.strategy;
        let finds = |strategy: &str, dice: &mut RandomStream| {
            if self.shared.settings.finds_nothing {
                Vec::new()
            } else {
                find_opportunities(&self.job.scan_id, strategy, &self.job.filters.symbols, dice)
            }
        };
        // All draws are made before anything runs, so that the order of completion cannot shift them.
        let planned: Vec<_> =
            self.job.filters.strategies().into_iter().map(|strategy| (law.draw(&mut self.dice), finds(strategy, &mut self.dice))).collect();
        let deadline = Instant::now() + self.shared.settings.budget;
        let mut running = stream::iter(planned)
            .map(|(duration, found)| async move {
                sleep(duration).await;
                found
            })
            .buffer_unordered(self.shared.settings.concurrency);
        while let Ok(Some(found)) = timeout_at(deadline, running.next()).await {
            record.strategies_completed += 1;
            record.opportunities.extend(found);
            self.snapshot(record).await?;
            if record.strategies_completed == 7 {
                self.survive(Stage::Strategies)?;
            }
        }
        let status = if record.strategies_completed < record.total_strategies { "timeout" } else { "completed" };
        self.shared.apply_if_possible(&[self.shared.phase(self.job, "strategies_scan", status)]).await;
        Ok(())
    }

    /// Writes the present state. A store that is away misses a snapshot and gets the next.
    async fn snapshot(&mut self, record: &mut Record) -> Result<(), Stop> {
        record.updated = self.shared.clock.unix_millis();
        record.execution_time_ms = self.job.accepted.elapsed().as_millis() as u64;
        match self.replace(record, Vec::new()).await {
            Ok(Admission::Superseded) => Err(Stop::Superseded),
            Ok(Admission::Written | Admission::Behind) | Err(_) => Ok(()),
        }
    }

    async fn complete(&mut self, mut record: Record) -> Result<(), Stop> {
        record.state = State::Complete;
        "Scan completed".clone_into(&mut record.message);
        record.updated = self.shared.clock.unix_millis();
        record.execution_time_ms = self.job.accepted.elapsed().as_millis() as u64;
        let also = vec![
            Write::DeleteIf { key: keys::active(&self.job.filter_key), value: self.job.scan_id.clone() },
            self.shared.phase(self.job, "completed", "completed"),
        ];
        let result_lag = self.shared.settings.result_lag;
        if !result_lag.is_zero() {
            let ready = self.shared.results.send(&self.job.scan_id, result_lag.draw(&mut self.dice));
            self.shared.truth.reaches(&self.job.scan_id, Milestone::ResultReady, ready);
        }
        for _ in 0..ENDING_ATTEMPTS {
            match self.replace(&record, also.clone()).await {
                Ok(Admission::Written) => return Ok(()),
                Ok(_) => return Err(Stop::Superseded),
                Err(_) => sleep(Duration::from_millis(200)).await,
            }
        }
        Err(Stop::Died)
    }

    /// For how long a record's predecessor is gone before it is there: class H.
    fn gap_before(&self, record: &Record) -> Distribution {
        let settings = &self.shared.settings;
        let moves = match settings.handover_at {
            Handover::Start => record.state == State::Scanning && record.strategies_completed == 0,
            Handover::End => record.is_terminal(),
        };
        if moves && !settings.handover_gap.is_zero() { settings.handover_gap } else { settings.replace_gap }
    }

    /// Writes a record; class H takes the former one out first and leaves a hole.
    async fn replace(&mut self, record: &Record, also: Vec<Write>) -> Result<Admission, StoreError> {
        let gap = self.gap_before(record);
        if !gap.is_zero() {
            let former = self.shared.find_current(&self.job.worker, &self.job.user, &self.job.scan_id, self.job.region).await?;
            if former.is_some_and(|former| former.record.admits(record) == Admission::Superseded) {
                return Ok(Admission::Superseded);
            }
            self.shared.take_out(self.job).await;
            sleep(gap.draw(&mut self.dice)).await;
        }
        if self.shared.settings.read_path != ReadPath::Store {
            return self.shared.write(self.job, record, also).await;
        }
        // The lookup outlives the result: both are written anew with each record.
        let keys = self.shared.lookup_keys(self.job).into_iter();
        self.shared.write(self.job, record, keys.chain(also).collect()).await
    }
}

/// What a strategy comes up with: nothing to three opportunities, on the symbols asked for.
fn find_opportunities(scan_id: &str, strategy: &str, symbols: &[String], dice: &mut RandomStream) -> Vec<Opportunity> {
    const USUAL: [&str; 4] = ["BTC", "ETH", "SOL", "ADA"];
    let short = &scan_id[scan_id.len().min(5)..scan_id.len().min(13)];
    (0..dice.random_range(0..=3))
        .map(|number| {
            let choice: usize = dice.random_range(0..1000);
            let symbol = if symbols.is_empty() { USUAL[choice % USUAL.len()] } else { &symbols[choice % symbols.len()] };
            Opportunity {
                id: format!("{short}-{strategy}-{number}"),
                strategy: strategy.to_owned(),
                symbol: symbol.to_owned(),
                confidence: f64::from(dice.random_range(5000..9900_u32)) / 10_000.0,
                profit_potential_usd: f64::from(dice.random_range(100..50_000_u32)) / 100.0,
            }
        })
        .collect()
}
