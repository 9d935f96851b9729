//! Runs against the reference service in process, on a paused clock: the same probe as over sockets, in milliseconds.

use std::time::Duration;

use statusgap::analysis::{Analysis, analyse};
use statusgap::model::run::Journal;
use statusgap::model::scenario::Scenario;
use statusgap::model::source::Source;
use statusgap::probe::{Erratic, Latency};
use statusgap::run::{ReferenceService, Session, investigate, rehearse, rehearse_by_turns, virtual_options};
use statusgap::service::{Settings, SpanExport};

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
    run_all(tried, std::slice::from_ref(scenario))
}

/// Runs one scenario against a service that says what it does in spans.
pub fn traced(tried: Tried<'_>, scenario: &Scenario) -> Journal {
    on_a_paused_clock(async {
        let mut settings = settings(tried);
        settings.spans = SpanExport::Kept;
        let service = ReferenceService { settings, name: tried.preset.to_owned(), note: "a test's".to_owned() };
        let session = Session::in_process(service, steady(), tried.seed).await.unwrap();
        let journal = rehearse(&session, virtual_options(tried.seed), std::slice::from_ref(scenario)).await.unwrap();
        session.close().await;
        journal
    })
}

/// Runs several scenarios, one after the other, against one service.
pub fn run_all(tried: Tried<'_>, scenarios: &[Scenario]) -> Journal {
    on_a_paused_clock(async {
        let session = session(tried, steady()).await;
        let journal = rehearse(&session, virtual_options(tried.seed), scenarios).await.unwrap();
        session.close().await;
        journal
    })
}

/// Runs scenarios against two services by turns, over a network that becomes slower all the while; the first is the base.
pub fn run_by_turns(base: Tried<'_>, new: Tried<'_>, scenarios: &[Scenario]) -> [Journal; 2] {
    on_a_paused_clock(async {
        let base_session = session(base, drifting(base.seed)).await;
        let new_session = session(new, drifting(new.seed)).await;
        let sides = [(&new_session, virtual_options(new.seed)), (&base_session, virtual_options(base.seed))];
        let [new, base] = rehearse_by_turns(sides, scenarios).await.unwrap();
        base_session.close().await;
        new_session.close().await;
        [base, new]
    })
}

/// A network whose ways take 5 ms on average at first, and twice as long some 200 exchanges later.
pub fn drifting(seed: u64) -> Latency {
    let from = Erratic { seed, usual: Duration::from_millis(5), longest_stall: Duration::from_millis(50), stalled: 0.01 };
    Latency::Drifting { from, growth: 0.005 }
}

/// Runs a whole investigation, each step decided on what is known by then.
pub fn inquire(tried: Tried<'_>) -> (Journal, Analysis) {
    on_a_paused_clock(async {
        let session = session(tried, steady()).await;
        let for_ever = Duration::from_secs(1_000_000);
        let journal = investigate::rehearse(&session, virtual_options(tried.seed), for_ever, |_| {}).await.unwrap();
        session.close().await;
        let analysis = analyse(&journal);
        (journal, analysis)
    })
}

fn on_a_paused_clock<T>(run: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(run)
}

fn steady() -> Latency {
    Latency::Fixed(Duration::from_millis(ONE_WAY_MS))
}

fn settings(tried: Tried<'_>) -> Settings {
    let mut settings = Settings::preset(tried.preset).unwrap();
    for (knob, value) in tried.knobs {
        settings.set(knob, value).unwrap();
    }
    settings
}

async fn session(tried: Tried<'_>, latency: Latency) -> Session {
    let settings = settings(tried);
    let service = ReferenceService { settings, name: tried.preset.to_owned(), note: "a test's".to_owned() };
    Session::in_process(service, latency, tried.seed).await.unwrap()
}
