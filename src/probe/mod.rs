//! The edge that drives an API: it sends what scenarios ask for, when they ask for it, and records what happened.
//!
//! In go a [`Target`](crate::target::Target), scenarios, a [`Clock`] and a [`Transport`]; out comes a log, nothing else.
//! The probe never judges: it does not know what a fault is, and `analysis` never sees a socket. Real and virtual time run
//! the same code; only the clock and the transport differ.

mod asking;
mod backlog;
mod clock;
mod contact;
mod cookies;
mod http1;
mod in_process;
mod jobs;
mod network;
mod pace;
mod poll;
mod pool;
mod record;
mod recorded;
mod request_meta;
mod runner;
mod scan;
mod session;
mod strain;
mod timer;
mod trace;
mod trace_ids;
mod transport;
mod virtual_network;

pub use backlog::Which;
pub use clock::Clock;
pub use contact::first_contact;
pub use in_process::InProcess;
pub use jobs::{DEFAULT_MAX_WAIT, Jobs, OnStrain, Restraint};
pub use network::{
    Certificates, Network, NetworkError, NetworkOptions, Pem, Proxies, is_loopback, make_room_for_connections, tls_for_others,
};
pub use pace::Throttled;
pub use record::Recorder;
pub use runner::{Decision, Event, Halt, Observation, Options, Probe, Unreachable};
pub use strain::Signs;
pub use trace::Tracing;
pub use trace_ids::TraceIds;
pub use transport::Transport;
pub use virtual_network::{Erratic, Latency, Measured, Quantiles};
