//! What a run needs before its first request: a target, a way to it, a clock, and the reference service if it is the target.

use std::sync::Arc;
use std::time::Duration;

use crate::cli::complaint::Complaint;
use crate::cli::embedded::Embedded;
use crate::cli::network_args::NetworkArgs;
use crate::cli::service_args::ServiceArgs;
use crate::cli::target;
use crate::model::run::{ClockNote, Environment, HttpVersion, LOG_SCHEMA, Run, TargetNote};
use crate::model::scenario::Scenario;
use crate::probe::{Clock, InProcess, Latency, Network, NetworkOptions, Transport};
use crate::service::Service;
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

/// A target that is ready to be probed.
pub struct Session {
    /// Its contract.
    pub target: Arc<Target>,
    /// The way to it.
    pub transport: Transport,
    /// The run's clock.
    pub clock: Clock,
    /// A short name for folders.
    pub name: String,
    /// The settings of the reference service, if that is the target.
    pub settings: Option<String>,
    /// The run's own id, which its requests carry.
    pub run_id: String,
    /// Which HTTP is spoken.
    pub http: HttpVersion,
    service: Option<Embedded>,
}

impl Session {
    /// Prepares a deployment that is already there.
    pub fn deployed(named: &str, network: &NetworkArgs) -> Result<Session, Complaint> {
        let target = target::resolve(named)?;
        let run_id = new_run_id();
        let options = network.options(&target, named, &run_id)?;
        let http = options.version;
        let network = Network::with(target.base_url(), options)?;
        Ok(Session {
            run_id,
            http,
            name: target.name().to_owned(),
            transport: Transport::Network(network),
            clock: real_clock()?,
            target: Arc::new(target),
            settings: None,
            service: None,
        })
    }

    /// Starts the reference service on a free port of the loopback, or in process on virtual time.
    pub async fn reference(args: &ServiceArgs, time: Time, seed: u64) -> Result<Session, Complaint> {
        let mut settings = args.settings()?;
        let note = args.describe(&settings);
        let name = args.service.clone();
        match time {
            Time::Real => {
                let service = Embedded::start(settings).await?;
                let base_url = format!("http://{}", service.address);
                let target = Target::reference(&base_url, &|_| None)?;
                let run_id = new_run_id();
                let network = Network::with(&base_url, NetworkOptions { run_id: Some(run_id.clone()), ..NetworkOptions::default() })?;
                Ok(Session {
                    run_id,
                    http: HttpVersion::One,
                    target: Arc::new(target),
                    transport: Transport::Network(network),
                    clock: real_clock()?,
                    name,
                    settings: Some(note),
                    service: Some(service),
                })
            }
            Time::Virtual => {
                settings.seed = Some(seed);
                settings.epoch = VIRTUAL_EPOCH.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond);
                let service = Service::open(settings).await.map_err(Complaint::Service)?;
                // Equal runs write equal logs.
                let run_id = format!("virtual-{seed:016x}");
                let transport = Transport::InProcess(InProcess::new(service.router(), Latency::Fixed(VIRTUAL_LATENCY)).named(&run_id));
                // The address is never connected to; requests are calls.
                let target = Target::reference("http://127.0.0.1:1", &|_| None)?;
                Ok(Session {
                    target: Arc::new(target),
                    transport,
                    clock: Clock::virtual_time(),
                    name,
                    settings: Some(note),
                    run_id,
                    http: HttpVersion::One,
                    service: None,
                })
            }
        }
    }

    /// The header of this session's log.
    pub fn header(&self, seed: u64, scenarios: Vec<Scenario>, command: String) -> Run {
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
                base_url: self.target.shown_url().to_owned(),
                file: self.target.source_text().to_owned(),
                service: self.settings.clone(),
                can: self.target.can(),
                status: self.target.status_note(),
                http: self.http,
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
    pub fn first_n(&self) -> u64 {
        if self.clock.is_virtual() {
            return 0;
        }
        // Seconds since 1970 with room for a thousand scans a second: no run meets the numbers of an earlier one.
        jiff::Timestamp::now().as_second().unsigned_abs() * 1000
    }

    /// The same session on another's clock, so that stamps of both are on one axis.
    #[must_use]
    pub fn on_the_clock_of(self, other: &Session) -> Session {
        Session { clock: other.clock.clone(), ..self }
    }

    /// Stops what was started.
    pub async fn close(self) {
        if let Some(service) = self.service {
            service.close().await;
        }
    }
}

fn real_clock() -> Result<Clock, Complaint> {
    Clock::real().map_err(|source| Complaint::System { action: "make a kernel timer", source })
}

/// Where this process runs.
pub fn environment() -> Environment {
    Environment {
        system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        processors: std::thread::available_parallelism().map_or(1, |n| n.get() as u32),
    }
}

fn new_run_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// The wall clock, RFC 3339 in UTC.
pub fn now() -> String {
    jiff::Timestamp::now().to_string()
}
