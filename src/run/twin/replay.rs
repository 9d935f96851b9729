//! One run of a twin: the plan of a log against the reference service with certain settings.

use std::time::Duration;

use crate::analysis::as_meant;
use crate::analysis::twin::{Measures, Point};
use crate::model::run::{End, EndReason, Journal};
use crate::model::scenario::Scenario;
use crate::model::span::Inside;
use crate::model::time::Stamp;
use crate::probe::{Clock, Decision, InProcess, Latency, Measured, Observation, Probe, Recorder, Transport};
use crate::run::gates::onward;
use crate::run::limits::time_limit;
use crate::run::twin::excerpt::Excerpt;
use crate::run::twin::round_trips::measured;
use crate::run::virtual_options;
use crate::service::{Service, Settings};
use crate::target::Target;

/// The preset on which every twin stands: the same service without a fault.
const GROUND: &str = "sound";

/// The wall clock of every twin, so that equal twins write equal logs: 2026-01-01T00:00:00Z.
const EPOCH_MS: i64 = 1_767_225_600_000;

/// What of a log is replayed.
pub(super) struct Replay<'a> {
    journal: &'a Journal,
    excerpt: &'a Excerpt,
    /// The scenarios, and when each began.
    plan: Vec<(Scenario, Stamp)>,
    round_trips: Measured,
    limit: Duration,
}

impl<'a> Replay<'a> {
    pub(super) fn of(journal: &'a Journal, excerpt: &'a Excerpt) -> Replay<'a> {
        let mut began = vec![None; journal.scenarios.len()];
        for exchange in &journal.exchanges {
            if let Some(began) = began.get_mut(exchange.scenario as usize) {
                *began = Some(began.map_or(exchange.sent, |earliest: Stamp| earliest.min(exchange.sent)));
            }
        }
        // A scenario of which nothing was sent is left out by an end of its own, but keeps its number.
        let asked = |scenario: &Scenario, began: Option<Stamp>| {
            let mut scenario = scenario.clone();
            if began.is_none() {
                scenario.load.scans = 0;
                scenario.controls.unknown_id = 0;
            }
            (scenario, began.unwrap_or_default())
        };
        let plan: Vec<_> = journal.scenarios.iter().zip(began).map(|(scenario, began)| asked(scenario, began)).collect();
        let last = plan.iter().map(|(_, began)| Duration::from_nanos(began.0)).max().unwrap_or_default();
        let limit = last + time_limit(&journal.scenarios, None, Duration::ZERO);
        Replay { journal, excerpt, plan, round_trips: measured(journal), limit }
    }

    /// Runs the plan against a service with these settings; `None` where it refuses them. Each `run` has chances of its own.
    pub(super) fn run(&self, point: &Point, run: usize) -> Option<Measures> {
        let mut settings = Settings::preset(GROUND).ok()?;
        for (knob, value) in &point.knobs {
            settings.set(knob, &value.text()).ok()?;
        }
        let seed = seed_of(self.journal.run.seed, run);
        settings.seed = Some(seed);
        settings.epoch = Some(EPOCH_MS);
        // What a job found is compared with nothing, and is most of what there is to write and to read.
        settings.finds_nothing = true;
        let uptime = Duration::from_secs_f64((point.uptime_ms / 1e3).clamp(0.0, 1e6));
        // Without a clock that is driven by events alone, none of this would be over in milliseconds.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().ok()?;
        let journal = runtime.block_on(self.replayed(settings, uptime, seed))?;
        Some(Measures::of(&self.excerpt.cut(&as_meant(&journal))))
    }

    async fn replayed(&self, settings: Settings, uptime: Duration, seed: u64) -> Option<Journal> {
        let service = Service::open(settings).await.ok()?;
        tokio::time::sleep(uptime).await;
        let latency = Latency::Measured(Measured { seed, ..self.round_trips });
        let transport = Transport::InProcess(InProcess::new(service.router(), latency));
        let clock = Clock::virtual_time();
        // The address is never connected to; requests are calls.
        let target = Target::reference("http://127.0.0.1:1", &|_| None).ok()?;
        // The plan's own chances are those of the log: the same jobs in the same arms, polled at the same phases.
        let options = virtual_options(self.journal.run.seed);
        let (decided, cut) = (onward(&self.journal.scenarios, None), self.excerpt.decide());
        let decide = move |observation: Observation<'_>| {
            // Both count what they see.
            let (decided, cut) = (decided(observation), cut(observation));
            if cut == Decision::StopScenario { cut } else { decided }
        };
        let probe = Probe::with_decisions(target.into(), transport, clock, Recorder::in_memory(), options, |_| {}, decide);
        // A twin that does not come to an end is measured as far as it came.
        let ran = tokio::time::timeout(self.limit, probe.replay(&self.plan)).await;
        let mut exchanges = probe.recorder().kept();
        crate::log::in_order(&mut exchanges);
        service.shut_down().await;
        let reason = if matches!(ran, Ok(Ok(()))) { EndReason::Complete } else { EndReason::Budget };
        Some(Journal {
            run: self.journal.run.clone(),
            scenarios: self.journal.scenarios.clone(),
            end: Some(End::new(probe.clock().now(), reason, exchanges.len() as u64)),
            exchanges,
            stopped: Vec::new(),
            not_asked: Vec::new(),
            torn: false,
            inside: Inside::default(),
        })
    }
}

/// A seed of its own for each run of the twins of a log (Steele, Lea and Flood's mixer, OOPSLA 2014).
fn seed_of(seed: u64, run: usize) -> u64 {
    let mut mixed = seed.wrapping_add((run as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
