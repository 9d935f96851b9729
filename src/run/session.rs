//! What a run needs before its first request: a target, a way to it, a clock, and the reference service if it is the target.

use std::sync::Arc;
use std::time::Duration;

use crate::model::run::{ClockNote, Environment, HttpVersion, LOG_SCHEMA, Run, TargetNote};
use crate::model::scenario::Scenario;
use crate::probe::{Certificates, Clock, InProcess, Latency, Network, NetworkOptions, Transport};
use crate::run::RunError;
use crate::run::embedded::Embedded;
use crate::service::{Service, Settings};
use crate::target::Target;

/// One way through the virtual network: small against every offset, and not nothing.
const VIRTUAL_LATENCY: Duration = Duration::from_millis(1);

/// Wall clock at the start of every virtual run, so that equal runs write equal logs.
const VIRTUAL_EPOCH: &str = "2026-01-01T00:00:00Z";

/// Which kind of time a run lives in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// The real clock, over sockets.
    Real,
    /// tokio's paused clock, in process.
    Virtual,
}

/// How it was said what the target's requests and replies mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contract {
    /// By a target file.
    File,
    /// By an address alone, which means the reference contract.
    Address,
}

/// A reference service to be started.
#[derive(Debug, Clone)]
pub struct ReferenceService {
    /// Its knobs.
    pub settings: Settings,
    /// The preset's name.
    pub name: String,
    /// The choice in words, for the log.
    pub note: String,
}

/// A target that is ready to be probed.
pub struct Session {
    pub(crate) target: Arc<Target>,
    pub(crate) transport: Transport,
    pub(crate) clock: Clock,
    pub(crate) contract: Contract,
    /// A short name for folders.
    pub(crate) name: String,
    /// The settings of the reference service, if that is the target.
    pub(crate) settings: Option<String>,
    /// The run's own id, which its requests carry.
    pub(crate) run_id: String,
    /// Which HTTP is spoken.
    pub(crate) http: HttpVersion,
    /// Whom the target's certificates are checked against, where it is reached over sockets.
    pub(crate) certificates: Option<Certificates>,
    /// How many workers the reference service has, if that is the target.
    pub(crate) workers: Option<usize>,
    service: Option<Embedded>,
}

impl Session {
    /// A target that is reached over this transport, on this clock.
    pub fn over(target: impl Into<Arc<Target>>, transport: Transport, clock: Clock, run_id: String) -> Session {
        let target = target.into();
        Session {
            name: target.name().to_owned(),
            target,
            transport,
            clock,
            contract: Contract::File,
            settings: None,
            run_id,
            http: HttpVersion::One,
            certificates: None,
            workers: None,
            service: None,
        }
    }

    /// Prepares a deployment that is already there.
    pub(crate) fn deployed(target: Target, contract: Contract, network: NetworkOptions, run_id: String) -> Result<Session, RunError> {
        let (http, certificates) = (network.version, Some(network.certificates.clone()));
        let network = Network::with(target.base_url(), network)?;
        Ok(Session { contract, http, certificates, ..Session::over(target, Transport::Network(network), real_clock()?, run_id) })
    }

    /// Starts the reference service on a free port of the loopback, or in process on virtual time.
    pub(crate) async fn reference(service: ReferenceService, time: Time, seed: u64) -> Result<Session, RunError> {
        match time {
            Time::Real => {
                let workers = Some(service.settings.workers);
                let embedded = Embedded::start(service.settings).await?;
                let base_url = format!("http://{}", embedded.address);
                let run_id = new_run_id();
                let network = NetworkOptions { run_id: Some(run_id.clone()), ..NetworkOptions::default() };
                let target = Target::reference(&base_url, &|_| None)?;
                let session = Session::deployed(target, Contract::Address, network, run_id)?;
                Ok(Session { name: service.name, settings: Some(service.note), workers, service: Some(embedded), ..session })
            }
            Time::Virtual => Session::in_process(service, Latency::Fixed(VIRTUAL_LATENCY), seed).await,
        }
    }

    /// The reference service in process, on virtual time, over a network of this latency.
    pub async fn in_process(service: ReferenceService, latency: Latency, seed: u64) -> Result<Session, RunError> {
        let mut settings = service.settings;
        let workers = Some(settings.workers);
        settings.seed = Some(seed);
        settings.epoch = VIRTUAL_EPOCH.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond);
        let opened = Service::open(settings).await.map_err(RunError::Service)?;
        // Equal runs write equal logs.
        let run_id = format!("virtual-{seed:016x}");
        let transport = Transport::InProcess(InProcess::new(opened.router(), latency).named(&run_id));
        // The address is never connected to; requests are calls.
        let target = Target::reference("http://127.0.0.1:1", &|_| None)?;
        let session = Session::over(target, transport, Clock::virtual_time(), run_id);
        Ok(Session { name: service.name, settings: Some(service.note), contract: Contract::Address, workers, ..session })
    }

    /// The header of this session's log.
    pub(crate) fn header(&self, seed: u64, scenarios: Vec<Scenario>, command: String) -> Run {
        let is_virtual = self.clock.is_virtual();
        let started = if is_virtual { VIRTUAL_EPOCH.to_owned() } else { now() };
        Run {
            schema: LOG_SCHEMA,
            tool: concat!("statusgap ", env!("CARGO_PKG_VERSION")).to_owned(),
            run_id: self.run_id.clone(),
            started,
            seed,
            target: TargetNote {
                name: if self.settings.is_some() { format!("reference service, {}", self.name) } else { self.target.name().to_owned() },
                service: self.settings.clone(),
                http: self.http,
                ..self.target.note()
            },
            scenarios,
            allow: Vec::new(),
            clock: ClockNote { ..self.clock.note() },
            shard: None,
            pair: None,
            command,
            environment: environment(),
            recording: None,
            contact: None,
        }
    }

    /// The number that the first scan of this run carries in its request.
    pub(crate) fn first_n(&self) -> u64 {
        if self.clock.is_virtual() {
            return 0;
        }
        // Seconds since 1970 with room for a thousand scans a second: no run meets the numbers of an earlier one.
        jiff::Timestamp::now().as_second().unsigned_abs() * 1000
    }

    /// Its clock, begun anew: that of a run of its own.
    pub(crate) fn new_clock(&self) -> Result<Clock, RunError> {
        if self.clock.is_virtual() { Ok(Clock::virtual_time()) } else { real_clock() }
    }

    /// The same session on another's clock, so that stamps of both are on one axis.
    #[must_use]
    pub(crate) fn on_the_clock_of(self, other: &Session) -> Session {
        Session { clock: other.clock.clone(), ..self }
    }

    /// Stops what was started.
    pub async fn close(self) {
        if let Some(service) = self.service {
            service.close().await;
        }
    }
}

fn real_clock() -> Result<Clock, RunError> {
    Clock::real().map_err(|source| RunError::System { action: "make a kernel timer", source })
}

/// The machine that this process runs on, for the log.
pub fn environment() -> Environment {
    Environment {
        system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        processors: std::thread::available_parallelism().map_or(1, |n| n.get() as u32),
    }
}

/// A new id, which a run's requests carry.
pub fn new_run_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// The wall clock, RFC 3339 in UTC.
pub fn now() -> String {
    jiff::Timestamp::now().to_string()
}
