//! Drives scenarios through the library's own probe and hands back what the log says; shared by the tests that look at exchanges.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use statusgap::log::LogWriter;
use statusgap::model::exchange::Exchange;
use statusgap::model::run::{End, EndReason, Environment, Journal, LOG_SCHEMA, Run};
use statusgap::model::scenario::Scenario;
use statusgap::model::source::Source;
use statusgap::model::span::Inside;
use statusgap::model::time::Stamp;
use statusgap::probe::{Clock, Options, Transport};
use statusgap::run::{Session, rehearse, virtual_options};
use statusgap::target::Target;

/// A scenario from the text of its file.
pub fn scenario(text: &str) -> Scenario {
    let text = format!("name = \"driven\"\ntitle = \"a test's scenario\"\nsource = \"a test\"\n{text}");
    Scenario::read(Source { file: "driven.toml", text: &text }).unwrap_or_else(|error| panic!("{error}"))
}

/// A target from the text of its file.
pub fn target(text: &str) -> Target {
    Target::read(Source { file: "driven-target.toml", text }, &|_| None).unwrap_or_else(|error| panic!("{error}"))
}

pub fn options(seed: u64) -> Options {
    virtual_options(seed)
}

/// The log of a run with these exchanges, an hour long: jobs a second apart at a target without states.
pub fn recorded(mut exchanges: Vec<Exchange>) -> Journal {
    let scenario = scenario("[load]\nscans = 1\nevery = \"1s\"\n[polls]\noffsets = [\"1s\"]");
    let target = target(
        "name = \"t\"\nbase_url = \"http://127.0.0.1:1\"\n[initiate]\npath = \"/jobs\"\nid = { pointer = \"/id\" }\n[status]\npath = \"/jobs/{id}\"",
    );
    exchanges.sort_by_key(|exchange| exchange.sent);
    let end = End::new(Stamp(3_600_000_000_000), EndReason::Complete, exchanges.len() as u64);
    Journal {
        run: header(&target, &Clock::virtual_time(), &scenario, 1),
        scenarios: vec![scenario],
        exchanges,
        stopped: Vec::new(),
        not_asked: Vec::new(),
        inside: Inside::default(),
        end: Some(end),
        torn: false,
    }
}

pub fn header(target: &Target, clock: &Clock, scenario: &Scenario, seed: u64) -> Run {
    Run {
        schema: LOG_SCHEMA,
        tool: "test".into(),
        run_id: "test".into(),
        started: "2026-01-01T00:00:00Z".into(),
        seed,
        target: target.note(),
        scenarios: vec![scenario.clone()],
        allow: Vec::new(),
        clock: clock.note(),
        shard: None,
        pair: None,
        command: "test".into(),
        environment: Environment { system: "test".into(), processors: 1 },
        recording: None,
        contact: None,
        trace_prefix: None,
    }
}

/// Bytes that outlive the writer they were given to.
#[derive(Clone, Default)]
pub struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    pub fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Runs one scenario to its end, and takes what was recorded through a log, as the binary does.
pub async fn journal(target: &Arc<Target>, transport: Transport, clock: &Clock, scenario: &Scenario, options: Options) -> Journal {
    let session = Session::over(Arc::clone(target), transport, clock.clone(), "test".to_owned());
    let recorded = rehearse(&session, options, std::slice::from_ref(scenario)).await.expect("memory takes a log");
    let kept = Kept::default();
    let log = LogWriter::begin(Box::new(kept.clone()), &recorded.run).expect("memory takes a log");
    for exchange in &recorded.exchanges {
        log.exchange(exchange).expect("memory takes a log");
    }
    let end = recorded.end.expect("it has ended");
    log.end(end.at, end.reason).expect("memory takes a log");
    drop(log);
    statusgap::log::read("kept", kept.bytes().as_slice()).unwrap_or_else(|error| panic!("{error}"))
}
