//! `statusgap serve`: the reference service on a socket.

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;

use clap::Args;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::args::headings;
use crate::cli::args::service::ServiceArgs;
use crate::cli::terminal::output;
use crate::probe::make_room_for_connections;
use crate::service::{KnobDescription, PresetDescription, Service, Settings, SpanExport};

/// Runs the reference service: the bug, each of its documented fixes, the sound design, and every fault of the zoo.
///
/// Prints one READY line with its address. SIGTERM and Ctrl-C let requests under way finish and end with exit code 0.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// Which service
    #[command(flatten)]
    pub service: ServiceArgs,
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// Port to listen on; 0 picks a free one
    #[arg(long, default_value_t = 8080)]
    pub port: u16,
    /// Lets other processes listen on the same port; the system deals connections to them. Each uses one processor, and they share
    /// jobs through --store redis://…
    #[arg(long)]
    pub reuse_port: bool,
    /// Sends the spans of traced requests to this OTLP/HTTP receiver, with the functions, files and lines of the service's own code,
    /// such as `http://127.0.0.1:4318` for `statusgap run --target http://127.0.0.1:8080 --otlp 127.0.0.1:4318`
    #[arg(long, value_name = "URL")]
    pub otlp_endpoint: Option<String>,
    /// Explain every knob and exit
    #[arg(long, help_heading = headings::INFORMATION)]
    pub list_knobs: bool,
    /// Explain every preset and exit
    #[arg(long, conflicts_with = "list_knobs", help_heading = headings::INFORMATION)]
    pub list_presets: bool,
}

/// The tokens of the users that are there if nobody names others: they stand in the documentation.
const KNOWN_TOKENS: [&str; 3] = ["admin-token", "alice-token", "mallory-token"];

/// Wrong usage.
const USAGE: u8 = 2;

/// Runs the command on a runtime of its own.
pub fn run(args: ServeArgs) -> ExitCode {
    make_room_for_connections();
    // Processes that share a port have a thread each: several in each would only wake each other.
    let mut runtime = if args.reuse_port { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    match runtime.enable_all().build() {
        Ok(runtime) => runtime.block_on(serve(args)),
        Err(error) => {
            output::eprint_note(&format!("error: cannot start the runtime: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Serves until SIGTERM or SIGINT. Ends with 0, with 2 if the settings, the store or the port cannot be used, with 1 if serving failed.
async fn serve(args: ServeArgs) -> ExitCode {
    if args.list_knobs {
        print(&knob_list());
        return ExitCode::SUCCESS;
    }
    if args.list_presets {
        print(&preset_list());
        return ExitCode::SUCCESS;
    }
    let refuse = |what: &str| {
        output::eprint_note(&format!("error: {what}"));
        ExitCode::from(USAGE)
    };
    let settings = match args.service.settings() {
        Ok(settings) => Settings { spans: args.otlp_endpoint.map_or(SpanExport::Off, SpanExport::To), ..settings },
        Err(error) => {
            return refuse(&format!("{error}\n  `statusgap serve --list-presets` and `--list-knobs` explain what there is"));
        }
    };
    let address = SocketAddr::new(args.host, args.port);
    let bound = if args.reuse_port { listen_beside_others(address) } else { TcpListener::bind(address).await };
    let listener = match bound {
        Ok(listener) => listener,
        Err(error) => {
            return refuse(&format!("cannot listen on {address}: {error}\n  --port 0 picks a free port"));
        }
    };
    let ready = match (listener.local_addr(), Signals::listen()) {
        (Ok(bound), Ok(signals)) => (bound, signals),
        (Err(error), _) | (_, Err(error)) => {
            return refuse(&format!("cannot serve on {address}: {error}"));
        }
    };
    let (bound, signals) = ready;
    let line = format!("READY http://{bound} preset={} workers={} store={}\n", settings.preset, settings.workers, settings.store.kind());
    let known = KNOWN_TOKENS.into_iter().find(|token| settings.users.contains_key(*token));
    let service = match Service::open(settings).await {
        Ok(service) => service,
        Err(error) => return refuse(&error.to_string()),
    };
    print(&line);
    if let (false, Some(token)) = (bound.ip().is_loopback(), known) {
        output::eprint_note(&format!(
            "note: anyone who can reach {bound} can use this service with a token that is public ({token}): give it users of its own with \
             --user NAME:TOKEN, or keep to --host 127.0.0.1"
        ));
    }
    match service.serve(listener, signals.any()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::eprint_note(&format!("error: serving on {bound} failed: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Listens on a port that other processes may have, too, if they agreed to it as well.
fn listen_beside_others(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Connections that may wait to be accepted: as many as tokio's own listeners allow.
const BACKLOG: u32 = 1024;

/// The signals that stop the service.
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    /// Listens from now on, so that none is missed once READY is printed.
    fn listen() -> std::io::Result<Self> {
        Ok(Signals { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn any(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

fn knob_list() -> String {
    let describe =
        |knob: &KnobDescription| format!("{} (default: {})\n    {}\n    {}\n", knob.name, knob.default, knob.explanation, knob.form);
    Settings::knobs().iter().map(describe).collect()
}

fn preset_list() -> String {
    let describe = |preset: &PresetDescription| {
        let knobs: Vec<String> = preset.knobs.iter().map(|(knob, value)| format!("--set {knob}={value}")).collect();
        let made_of = match (preset.base, knobs.is_empty()) {
            ("", true) => "the defaults".to_owned(),
            ("", false) => knobs.join(" "),
            (base, _) => format!("{base} with {}", knobs.join(" ")),
        };
        format!("{}\n    {}\n    {made_of}\n", preset.name, preset.explanation)
    };
    Settings::presets().iter().map(describe).collect()
}

/// Writes to standard output. A reader that has gone away, as `head` does, has read enough.
fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
