//! What a run needs before its first request: a target, a way to it, a clock, and the reference service if it is the target.

use std::sync::Arc;
use std::time::Duration;

use crate::model::run::{ClockNote, Environment, HttpVersion, LOG_SCHEMA, LOG_SCHEMA_WITH_SPANS, Run, TargetNote};
use crate::model::scenario::Scenario;
use crate::probe::{Certificates, Clock, InProcess, Latency, Network, NetworkOptions, TraceIds, Transport};
use crate::run::RunError;
use crate::run::embedded::Embedded;
use crate::run::spans::{SpanOptions, SpanSource};
use crate::service::{Service, Settings, SpanExport};
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

/// Whether requests may fail that were accepted: such a scan is found again by an id that the client has given it.
fn needs_own_ids(settings: &Settings) -> bool {
    !settings.gateway_timeout.is_zero()
}

fn reference_target(base_url: &str, own_ids: bool) -> Result<Target, RunError> {
    let target = if own_ids { Target::reference_with_own_ids(base_url, &|_| None) } else { Target::reference(base_url, &|_| None) };
    Ok(target?)
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
    service: Option<Embedded>,
    /// Where spans of the target come from, if anybody wants them.
    pub(crate) spans: Option<Arc<SpanSource>>,
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
            service: None,
            spans: None,
        }
    }

    /// Opens what spans are to come from.
    fn source(spans: &SpanOptions, trace_ids: Option<&TraceIds>) -> Result<Option<Arc<SpanSource>>, RunError> {
        match trace_ids {
            _ if !spans.wants_spans() => Ok(None),
            Some(trace_ids) => Ok(Some(Arc::new(SpanSource::open(spans, trace_ids.run())?))),
            None => Err(RunError::refused(
                "without trace headers no span can be said to belong to a request of this run",
                "leave out --no-trace-headers, or --otlp and --traces",
            )),
        }
    }

    /// The same, with spans of the deployment.
    pub(crate) fn with_spans(self, spans: &SpanOptions) -> Result<Session, RunError> {
        let source = Session::source(spans, self.transport.trace_ids())?;
        Ok(Session { spans: source, ..self })
    }

    /// Makes its trace ids those of one shard, in the header as well.
    pub(crate) fn trace_as_shard(&self, seed: u64, index: u32, header: &mut Run) {
        let Some(trace_ids) = self.transport.trace_ids() else { return };
        trace_ids.of_shard(seed, index);
        header.trace_prefix = Some(trace_ids.run());
        if let Some(spans) = &self.spans {
            spans.expect(trace_ids.run());
        }
    }

    /// Prepares a deployment that is already there.
    pub(crate) fn deployed(target: Target, contract: Contract, network: NetworkOptions, run_id: String) -> Result<Session, RunError> {
        let (http, certificates) = (network.version, Some(network.certificates.clone()));
        let network = Network::with(target.base_url(), network)?;
        Ok(Session { contract, http, certificates, ..Session::over(target, Transport::Network(network), real_clock()?, run_id) })
    }

    /// Starts the reference service on a free port of the loopback, or in process on virtual time.
    pub(crate) async fn reference(service: ReferenceService, time: Time, seed: u64, spans: &SpanOptions) -> Result<Session, RunError> {
        let mut service = service;
        match time {
            Time::Real => {
                let run_id = new_run_id();
                let trace_ids = spans.headers.then(|| TraceIds::of_run(seed, &run_id));
                let source = Session::source(spans, trace_ids.as_ref())?;
                if let Some(address) = source.as_ref().and_then(|source| source.address()) {
                    service.settings.spans = SpanExport::To(format!("http://{address}"));
                }
                let own_ids = needs_own_ids(&service.settings);
                let embedded = Embedded::start(service.settings).await?;
                let base_url = format!("http://{}", embedded.address);
                let network = NetworkOptions { run_id: Some(run_id.clone()), trace_ids, ..NetworkOptions::default() };
                let target = reference_target(&base_url, own_ids)?;
                let session = Session::deployed(target, Contract::Address, network, run_id)?;
                Ok(Session { name: service.name, settings: Some(service.note), service: Some(embedded), spans: source, ..session })
            }
            Time::Virtual => {
                // No socket lives on virtual time: the service hands its spans over.
                if spans.listen.is_some() {
                    service.settings.spans = SpanExport::Kept;
                }
                Session::in_process_with(service, Latency::Fixed(VIRTUAL_LATENCY), seed, spans).await
            }
        }
    }

    /// The reference service in process, on virtual time, over a network of this latency.
    pub async fn in_process(service: ReferenceService, latency: Latency, seed: u64) -> Result<Session, RunError> {
        Session::in_process_with(service, latency, seed, &SpanOptions::default()).await
    }

    async fn in_process_with(service: ReferenceService, latency: Latency, seed: u64, asked: &SpanOptions) -> Result<Session, RunError> {
        let mut settings = service.settings;
        settings.seed = Some(seed);
        settings.epoch = VIRTUAL_EPOCH.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond);
        let own_ids = needs_own_ids(&settings);
        let opened = Service::open(settings).await.map_err(RunError::Service)?;
        // Equal runs write equal logs.
        let run_id = format!("virtual-{seed:016x}");
        let trace_ids = asked.headers.then(|| TraceIds::of_run(seed, &run_id));
        let files_alone = SpanOptions { listen: None, ..asked.clone() };
        let spans = match (opened.spans(), &trace_ids) {
            (Some(store), Some(ids)) => Some(Arc::new(SpanSource::open(&files_alone, ids.run())?.with_store(store))),
            _ => Session::source(&files_alone, trace_ids.as_ref())?,
        };
        let in_process = InProcess::new(opened.router(), latency);
        let in_process = match trace_ids {
            Some(trace_ids) => in_process.traced_by(trace_ids),
            None => in_process,
        };
        let transport = Transport::InProcess(in_process.named(&run_id));
        // The address is never connected to; requests are calls.
        let target = reference_target("http://127.0.0.1:1", own_ids)?;
        let session = Session::over(target, transport, Clock::virtual_time(), run_id);
        Ok(Session { name: service.name, settings: Some(service.note), contract: Contract::Address, spans, ..session })
    }

    /// The header of this session's log.
    pub(crate) fn header(&self, seed: u64, scenarios: Vec<Scenario>, command: String) -> Run {
        let is_virtual = self.clock.is_virtual();
        let started = if is_virtual { VIRTUAL_EPOCH.to_owned() } else { now() };
        Run {
            schema: if self.spans.is_some() { LOG_SCHEMA_WITH_SPANS } else { LOG_SCHEMA },
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
            trace_prefix: self.transport.trace_ids().map(TraceIds::run),
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
        if let Some(spans) = &self.spans {
            spans.close();
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
