//! Requests over sockets: each connection opened, used and closed by us.
//!
//! In go a prepared request and a lane; out comes a reply or the reason why there is none. Nothing is retried, no redirect is
//! followed, no connection is shared unless a scenario asks for it: which connection carries what is the lane's business (`lane`),
//! since it decides what is measured.

mod connection;
mod connection_policy;
mod descriptors;
mod destination;
mod dial;
mod fault;
mod http2;
mod proxy;
mod request;
mod stream;
mod tcp;
mod tls;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::Either;
use http::header::{ACCEPT, ACCEPT_ENCODING, HeaderName, HeaderValue};
use tokio::time::timeout;

use crate::model::answer::TransportFault;
use crate::model::run::HttpVersion;
use crate::probe::clock::Clock;
use crate::probe::http1::KeepAlive;
use crate::probe::pool::Pool;
use crate::probe::trace_ids::TraceIds;
use crate::probe::transport::{Head, Limits, Received, Unsendable};
use crate::target::Request;
use connection::HttpConnection;
use connection_policy::Idle;
use destination::{Asked, Destination, Front, Origin, Scheme};
use tcp::{Stamping, Tcp};
use tls::Peer;

pub(crate) use connection_policy::NetworkLane;
pub(crate) use request::NetworkRequest;

pub use descriptors::make_room_for_connections;
pub use destination::is_loopback;
pub use proxy::Proxies;
pub use tls::{Certificates, Pem};

/// TLS as the probe speaks it to its target, for another client: the same trust, the same certificate, and whichever HTTP both agree on.
pub fn tls_for_others(certificates: &Certificates) -> Result<rustls::ClientConfig, NetworkError> {
    let mut config = tls::client_config(Peer::Target, certificates, b"h2")?;
    config.alpn_protocols.push(b"http/1.1".to_vec());
    Ok(config)
}

/// Why no requests can be sent to a target at all.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// The address is none for HTTP.
    #[error("`{0}` is not an address that HTTP can be sent to")]
    Address(String),
    /// Certificates or keys could not be used.
    #[error("cannot set up TLS")]
    Tls(#[source] rustls::Error),
    /// A file holds no certificates, or no key.
    #[error("{file} does not hold {wanted} in PEM form (-----BEGIN …): {why}")]
    Pem {
        /// The file as the user named it.
        file: String,
        /// What should be in it.
        wanted: &'static str,
        /// What the parser said.
        why: String,
    },
    /// The environment names a proxy that cannot be used. Its address is not shown, since a password may stand in it.
    #[error(
        "the proxy that HTTP_PROXY, HTTPS_PROXY or ALL_PROXY names cannot be used: write http://host:port, or set NO_PROXY for this target"
    )]
    Proxy,
    /// The text cannot stand in a header.
    #[error("{0:?} cannot be sent as a header: use visible ASCII characters")]
    Header(String),
}

/// How requests travel, apart from what scenarios and targets say.
#[derive(Debug, Clone)]
pub struct NetworkOptions {
    /// Which HTTP is spoken.
    pub version: HttpVersion,
    /// The longest that opening a connection may take, with name, proxy and TLS; `None` for no limit but that of the exchange.
    pub connect_limit: Option<Duration>,
    /// The longest that a reply's head may take from when its connection is open, likewise.
    pub first_byte_limit: Option<Duration>,
    /// How the probe names itself, unless the target file has it otherwise.
    pub user_agent: String,
    /// The run's id, sent along with every request; `None` for no such header.
    pub run_id: Option<String>,
    /// The ids by which requests are found in a tracing backend; `None` for no such headers.
    pub trace_ids: Option<TraceIds>,
    /// Whom to trust, and what to show.
    pub certificates: Certificates,
    /// What the environment says of proxies.
    pub proxies: Proxies,
}

impl Default for NetworkOptions {
    /// HTTP/1.1 to whom the system trusts, without proxies and with no limits but that of the whole exchange.
    fn default() -> Self {
        NetworkOptions {
            version: HttpVersion::One,
            connect_limit: None,
            first_byte_limit: None,
            user_agent: USER_AGENT.to_owned(),
            run_id: None,
            trace_ids: None,
            certificates: Certificates::default(),
            proxies: Proxies::default(),
        }
    }
}

/// The way to one target.
#[derive(Debug, Clone)]
pub struct Network {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    home: Arc<Destination>,
    front: Front,
    options: NetworkOptions,
    /// What goes along with every request that does not say otherwise.
    usual: Vec<(HeaderName, HeaderValue)>,
    tls: OnceLock<Arc<rustls::ClientConfig>>,
    /// For other origins. Made when the first one is met: the system's certificates take some milliseconds to read.
    tls_for_strangers: OnceLock<Arc<rustls::ClientConfig>>,
    /// The connections of pooled lanes.
    pool: Pool<Idle>,
    _stamping: Stamping,
}

/// By which a request can be told to be the probe's, on the target's side.
const RUN: HeaderName = HeaderName::from_static("x-statusgap-run");

/// How the probe names itself.
pub(crate) const USER_AGENT: &str = concat!("statusgap/", env!("CARGO_PKG_VERSION"));

/// What goes along with every request, over sockets and in process alike. A text that cannot be sent is left out.
pub(crate) fn usual_headers(user_agent: &str, run_id: Option<&str>, trace_ids: Option<&TraceIds>) -> Vec<(HeaderName, HeaderValue)> {
    let sendable = |name: HeaderName, text: &str| HeaderValue::from_str(text).ok().map(|value| (name, value));
    let mut usual: Vec<_> = sendable(http::header::USER_AGENT, user_agent).into_iter().collect();
    usual.push((ACCEPT, HeaderValue::from_static("*/*")));
    // A compressed body would have to be unpacked within bounds before it could be read, and would hide its size.
    usual.push((ACCEPT_ENCODING, HeaderValue::from_static("identity")));
    usual.extend(run_id.and_then(|run_id| sendable(RUN, run_id)));
    usual.extend(trace_ids.into_iter().flat_map(TraceIds::headers));
    usual
}

impl Network {
    /// The way to a target, as it is without any options.
    pub fn new(base_url: &str) -> Result<Network, NetworkError> {
        Network::with(base_url, NetworkOptions::default())
    }

    /// The way to a target.
    pub fn with(base_url: &str, options: NetworkOptions) -> Result<Network, NetworkError> {
        // Up to its path, which may be a secret.
        let not_http = || NetworkError::Address(base_url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/"));
        let mut home = Destination::of_base(base_url).ok_or_else(not_http)?;
        let front = Front::of_base(base_url).ok_or_else(not_http)?;
        if home.socket.is_none()
            && let Ok(uri) = base_url.parse()
        {
            home.proxy = options.proxies.toward(&home.origin, &uri)?;
        }
        let sendable = |text: &str| HeaderValue::from_str(text).map_err(|_| NetworkError::Header(text.to_owned()));
        sendable(&options.user_agent)?;
        options.run_id.as_deref().map(sendable).transpose()?;
        let usual = usual_headers(&options.user_agent, options.run_id.as_deref(), options.trace_ids.as_ref());
        let encrypted = home.origin.scheme == Scheme::Https;
        let shared = Shared {
            home: Arc::new(home),
            front,
            options,
            usual,
            tls: OnceLock::new(),
            tls_for_strangers: OnceLock::new(),
            pool: Pool::default(),
            _stamping: Stamping::begin(),
        };
        if encrypted {
            shared.tls(Peer::Target)?;
        }
        Ok(Network { shared: Arc::new(shared) })
    }

    /// The proxies' credentials, as they are written in addresses and as they are sent.
    pub(crate) fn secrets(&self) -> Vec<String> {
        self.shared.options.proxies.secrets()
    }

    /// The ids of its requests.
    pub(crate) fn trace_ids(&self) -> Option<&TraceIds> {
        self.shared.options.trace_ids.as_ref()
    }

    /// Does everything for a request that can be done before its time has come.
    pub(crate) fn prepare(&self, request: Request) -> Result<NetworkRequest, Unsendable> {
        let shared = &*self.shared;
        let (asked, to) = match shared.front.asked(&request.url) {
            Some(asked) => (asked, Arc::clone(&shared.home)),
            None => {
                let uri = request::address(&request.url)?;
                let origin = Origin::of(&uri).ok_or(Unsendable::Address)?;
                let to = if origin == shared.home.origin {
                    Arc::clone(&shared.home)
                } else {
                    let proxy = shared.options.proxies.toward(&origin, &uri).map_err(|_| Unsendable::Address)?;
                    Arc::new(Destination { origin, proxy, socket: None })
                };
                (Asked::of(&uri).ok_or(Unsendable::Address)?, to)
            }
        };
        NetworkRequest::new(request, asked, to, shared.options.version, &shared.usual)
    }

    /// Sends one request and reads the whole reply, within its limits.
    pub(crate) async fn send(
        &self,
        lane: &NetworkLane,
        request: &NetworkRequest,
        limits: Limits,
        clock: &Clock,
        head: &mut Head,
    ) -> Result<Received, TransportFault> {
        let mut late = TransportFault::Timeout;
        let outcome = timeout(limits.whole(), self.exchange(lane, request, limits.held, clock, head, &mut late)).await;
        outcome.unwrap_or(Err(late))
    }

    /// [`Network::send`], for as long as it takes; `late` is what it is called if time runs out at the moment.
    async fn exchange(
        &self,
        lane: &NetworkLane,
        request: &NetworkRequest,
        held: Duration,
        clock: &Clock,
        head: &mut Head,
        late: &mut TransportFault,
    ) -> Result<Received, TransportFault> {
        let options = &self.shared.options;
        let (mut connection, new) = match lane.take(&self.shared.pool, &request.to).await {
            Some(connection) => (connection, false),
            None => {
                // Whichever limit runs out: a connection that never opened is not a target that is slow to answer.
                *late = TransportFault::ConnectTimeout;
                // Boxed, as it is large and soon over: every scan under way would hold the place for it.
                let connection = within(options.connect_limit, *late, Box::pin(self.connect(&request.to))).await?;
                *late = TransportFault::Timeout;
                (connection, true)
            }
        };
        head.conn = connection.port;
        head.new_conn = Some(new);
        let first_byte_limit = options.first_byte_limit.map(|limit| limit + held);
        let sent = within(first_byte_limit, TransportFault::FirstByteTimeout, connection.send(&request.message)).await;
        sent.inspect_err(|_| head.broken = connection.broken())?;
        head.first_byte = Some(clock.stamp(connection.arrived()));
        let (received, keep_alive) = connection.receive().await.inspect_err(|_| head.broken = connection.broken())?;
        head.done = Some(clock.stamp(connection.arrived()));
        if keep_alive == KeepAlive::Open {
            lane.keep(&self.shared.pool, &request.to, connection);
        }
        Ok(received)
    }

    async fn connect(&self, to: &Arc<Destination>) -> Result<HttpConnection, TransportFault> {
        let peer = if Arc::ptr_eq(to, &self.shared.home) { Peer::Target } else { Peer::Stranger };
        let tls = match to.origin.scheme {
            Scheme::Http => None,
            Scheme::Https => Some(self.shared.tls(peer).map_err(|_| TransportFault::Tls)?),
        };
        let version = self.shared.options.version;
        let stream = dial::dial(to, version, tls).await?;
        let port = stream.tcp().and_then(Tcp::port);
        HttpConnection::open(stream, port.map(u32::from), version).await
    }
}

impl Shared {
    fn tls(&self, peer: Peer) -> Result<&Arc<rustls::ClientConfig>, NetworkError> {
        let made = match peer {
            Peer::Target => &self.tls,
            Peer::Stranger => &self.tls_for_strangers,
        };
        if let Some(config) = made.get() {
            return Ok(config);
        }
        let alpn: &[u8] = match self.options.version {
            HttpVersion::One => b"http/1.1",
            HttpVersion::Two => b"h2",
        };
        let config = tls::client_config(peer, &self.options.certificates, alpn)?;
        Ok(made.get_or_init(|| Arc::new(config)))
    }
}

/// Work that is given up after `limit`, and then called `late`. Most have no limit of their own, and hold no place for one.
fn within<T>(
    limit: Option<Duration>,
    late: TransportFault,
    work: impl Future<Output = Result<T, TransportFault>>,
) -> impl Future<Output = Result<T, TransportFault>> {
    match limit {
        None => Either::Left(work),
        Some(limit) => Either::Right(Box::pin(timeout(limit, work).map(move |outcome| outcome.unwrap_or(Err(late))))),
    }
}
