//! Runs against the reference service in process, on a paused clock: the same probe as over sockets, in milliseconds.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use statusgap::analysis::{Analysis, analyse};
use statusgap::inquiry::Stage;
use statusgap::model::run::{End, EndReason, Journal, Pair, Side};
use statusgap::model::scenario::Scenario;
use statusgap::model::source::Source;
use statusgap::probe::{Clock, Erratic, InProcess, Latency, Onward, Options, Probe, Recorder, Restraint, Seen, Transport};
use statusgap::service::{Service, Settings};
use statusgap::target::Target;
use statusgap::verdict::sequential::{Gates, Need};

/// One way through the virtual network, in ms.
pub const ONE_WAY_MS: u64 = 1;

/// A reference service: its preset, and the knobs that are set on top.
#[derive(Debug, Clone, Copy)]
pub struct Tried<'a> {
    pub preset: &'a str,
    pub knobs: &'a [(&'a str, &'a str)],
    pub seed: u64,
}

/// Reads a scenario of which only the telling part is written.
pub fn scenario(telling: &str) -> Scenario {
    let text = format!("name = \"case\"\ntitle = \"a case\"\nsource = \"a test\"\n{telling}");
    Scenario::read(Source { file: "case.toml", text: &text }).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Runs one scenario.
pub fn run(tried: Tried<'_>, scenario: &Scenario) -> Journal {
    on_a_paused_clock(async {
        let (service, probe) = begin(tried, std::slice::from_ref(scenario)).await;
        probe.run(std::slice::from_ref(scenario)).await.unwrap();
        let journal = journal(&probe, tried.seed, vec![scenario.clone()]);
        service.shut_down().await;
        journal
    })
}

/// Runs several scenarios, one after the other, against one service.
pub fn run_all(tried: Tried<'_>, scenarios: &[Scenario]) -> Journal {
    on_a_paused_clock(async {
        let (service, probe) = begin(tried, scenarios).await;
        probe.run(scenarios).await.unwrap();
        let journal = journal(&probe, tried.seed, scenarios.to_vec());
        service.shut_down().await;
        journal
    })
}

/// Runs scenarios against two services by turns, over a network that becomes slower all the while; the first is the base.
pub fn run_by_turns(base: Tried<'_>, new: Tried<'_>, scenarios: &[Scenario]) -> [Journal; 2] {
    on_a_paused_clock(async {
        let (base_service, base_probe) = begin_over(base, scenarios, drifting(base.seed)).await;
        let (new_service, new_probe) = begin_over(new, scenarios, drifting(new.seed)).await;
        new_probe.run_beside(&base_probe, scenarios).await.unwrap();
        let journals = [(&base_probe, base.seed, Side::Base), (&new_probe, new.seed, Side::New)].map(|(probe, seed, side)| {
            let mut journal = journal(probe, seed, scenarios.to_vec());
            journal.run.pair = Some(Pair { id: "a pair".into(), side });
            journal
        });
        base_service.shut_down().await;
        new_service.shut_down().await;
        journals
    })
}

/// A network whose ways take 5 ms on average at first, and twice as long some 200 exchanges later.
pub fn drifting(seed: u64) -> Latency {
    let from = Erratic { seed, usual: Duration::from_millis(5), longest_stall: Duration::from_millis(50), stalled: 0.01 };
    Latency::Drifting { from, growth: 0.005 }
}

/// Runs the whole inquiry, each step decided on what is known by then.
pub fn inquire(tried: Tried<'_>) -> (Journal, Analysis) {
    on_a_paused_clock(async {
        let (service, probe) = begin(tried, &[]).await;
        let can = Target::reference("http://127.0.0.1:1", &|_| None).unwrap().can();
        let mut seen = journal(&probe, tried.seed, Vec::new());
        let mut analysis = analyse(&seen);
        let mut step = Some(Stage::FIRST);
        while let Some(stage) = step {
            let scenarios = stage.scenarios(&seen, &analysis, can, None);
            probe.run_also(&scenarios).await.unwrap();
            seen = journal(&probe, tried.seed, seen.scenarios.into_iter().chain(scenarios).collect());
            analysis = analyse(&seen);
            step = stage.next(&analysis, None);
        }
        service.shut_down().await;
        (seen, analysis)
    })
}

fn on_a_paused_clock<T>(run: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(run)
}

async fn begin(tried: Tried<'_>, scenarios: &[Scenario]) -> (Service, Arc<Probe>) {
    begin_over(tried, scenarios, Latency::Fixed(Duration::from_millis(ONE_WAY_MS))).await
}

async fn begin_over(tried: Tried<'_>, scenarios: &[Scenario], latency: Latency) -> (Service, Arc<Probe>) {
    let mut settings = Settings::preset(tried.preset).unwrap();
    for (knob, value) in tried.knobs {
        settings.set(knob, value).unwrap();
    }
    settings.seed = Some(tried.seed);
    settings.epoch = Some(1_767_225_600_000);
    let service = Service::open(settings).await.unwrap();
    let transport = Transport::InProcess(InProcess::new(service.router(), latency));
    let target = Arc::new(Target::reference("http://127.0.0.1:1", &|_| None).unwrap());
    let options =
        Options { seed: tried.seed, max_rps: None, timeout: Duration::from_secs(10), first_n: 0, restraint: Restraint::default() };
    let gates = Mutex::new(Gates::new(scenarios));
    let onward = move |seen: Seen<'_>| {
        let mut gates = gates.lock().unwrap();
        let need = match seen {
            Seen::Exchange(exchange) => gates.exchange(exchange),
            Seen::ScanEnded { scenario, scan } => gates.scan_ended(scenario, scan),
        };
        if need == Need::NoMore { Onward::StopScenario } else { Onward::Continue }
    };
    let clock = Clock::virtual_time();
    (service, Probe::with_decisions(target, transport, clock, Recorder::in_memory(), options, |_| {}, onward))
}

fn journal(probe: &Probe, seed: u64, scenarios: Vec<Scenario>) -> Journal {
    let mut exchanges = probe.recorder().kept();
    statusgap::log::in_order(&mut exchanges);
    let run = json!({
        "schema": 1, "tool": "a test", "run_id": "virtual", "started": "2026-01-01T00:00:00Z", "seed": seed,
        "target": { "name": "reference service", "base_url": "http://127.0.0.1:1", "file": "",
            "can": { "foreign_user": true, "witness": true, "results": true, "cancel": true, "echo": true, "states": true, "handed_out": false } },
        "scenarios": [], "clock": { "timer": "virtual", "resolution": 1_000_000 }, "command": "", "environment": { "system": "any", "processors": 1 },
    });
    let end = End::new(probe.clock().now(), EndReason::Complete, exchanges.len() as u64);
    Journal {
        run: serde_json::from_value(run).unwrap(),
        scenarios,
        exchanges,
        stopped: probe.recorder().stops(),
        not_asked: Vec::new(),
        end: Some(end),
        torn: false,
    }
}
