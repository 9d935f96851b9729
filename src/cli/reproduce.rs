//! `statusgap reproduce`: the on-call command: is it there, what is it, what to do.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use crate::cli::complaint::Complaint;
use crate::cli::investigation::Investigation;
use crate::cli::limits::Limits;
use crate::cli::output::{self, ColourChoice};
use crate::cli::run::{command_line, interrupted};
use crate::cli::service_args::ServiceArgs;
use crate::cli::session::{Session, Time};
use crate::cli::{Ended, files, report};
use crate::inquiry::Stage;
use crate::log::LogWriter;
use crate::model::run::EndReason;
use crate::model::time::Span;
use crate::probe::{Options, Probe, Recorder};
use crate::report::Format;

/// Finds out in a minute whether a deployment has the gap, and which of its causes it is.
///
/// It decides by itself what to ask next: controls, scans alone and together, fresh and kept connections, several pollers, one
/// poll per scan, and then only the probes that separate what is still possible.
#[derive(Debug, Args)]
pub struct ReproduceArgs {
    /// A deployment: a target file, or the address of a service that speaks the reference contract
    #[arg(long, value_name = "FILE|URL", conflicts_with_all = ["service", "workers", "store", "set", "profile", "data_dir", "users"], help_heading = "Target")]
    target: Option<String>,
    #[command(flatten)]
    service: ServiceArgs,
    /// Runs on virtual time against the reference service in process
    #[arg(long = "virtual", conflicts_with = "target", help_heading = "Target")]
    virtual_time: bool,
    /// How long it may take
    #[arg(long, value_name = "TIME", default_value = "60s", help_heading = "Run")]
    budget: Span,
    /// The seed of all randomness [default: a new one, told in the report]
    #[arg(long, value_name = "N", help_heading = "Run")]
    seed: Option<u64>,
    /// The longest that one exchange may take
    #[arg(long, value_name = "TIME", default_value = "10s", help_heading = "Run")]
    timeout: Span,
    /// At most so many requests per second [default: 5 for targets that are not on this machine, no limit for those that are]
    #[arg(long, value_name = "N", help_heading = "Run")]
    max_rps: Option<f64>,
    /// At most so many scans in each step [default: 50 for targets that are not on this machine, no limit for those that are]
    #[arg(long, value_name = "N", help_heading = "Run")]
    max_scans: Option<u32>,
    /// The folder for log, result.json and report.md [default: reports/TIME-NAME]
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    out: Option<PathBuf>,
    /// What goes to standard output
    #[arg(long, value_name = "FORMAT", default_value = "table", help_heading = "Output")]
    format: Format,
    /// When to colour the table
    #[arg(long, value_name = "WHEN", default_value = "auto", help_heading = "Output")]
    color: ColourChoice,
    /// No notes on standard error
    #[arg(long, short, help_heading = "Output")]
    quiet: bool,
}

/// Runs the command.
pub fn run(args: &ReproduceArgs) -> Ended {
    let mut builder =
        if args.virtual_time { tokio::runtime::Builder::new_current_thread() } else { tokio::runtime::Builder::new_multi_thread() };
    let runtime = builder.enable_all().start_paused(args.virtual_time).build();
    runtime.map_err(|source| Complaint::System { action: "start the runtime", source })?.block_on(reproduce(args))
}

async fn reproduce(args: &ReproduceArgs) -> Ended {
    let seed = args.seed.unwrap_or_else(rand::random);
    let session = match &args.target {
        Some(target) => Session::deployed(target)?,
        None => Session::reference(&args.service, if args.virtual_time { Time::Virtual } else { Time::Real }, seed).await?,
    };
    let limits = Limits::towards(session.target.base_url(), args.max_rps, args.max_scans)?;
    let header = session.header(seed, Vec::new(), command_line(seed, args.seed.is_some()));
    let folder = files::run_folder(args.out.as_deref(), &header.started, &session.name)?;
    let log = LogWriter::begin(Box::new(files::create(&folder.join(files::LOG))?), &header).map_err(Complaint::Recording)?;
    let recorder = Recorder::new(log, session.target.secrets()).keeping();
    let options = Options { seed, max_rps: limits.max_rps, timeout: args.timeout.0, first_n: session.first_n() };
    let probe = Probe::new(Arc::clone(&session.target), session.transport.clone(), session.clock.clone(), recorder, options, |_| {});
    let investigation = Investigation { probe: &probe, header: &header, can: session.target.can(), limits, budget: args.budget.0 };
    let note = |stage: Stage| {
        if !args.quiet {
            eprintln!("{:>7.1} s  {}", probe.clock().now().0 as f64 / 1e9, stage.title());
        }
    };
    let reason = if args.virtual_time {
        investigation.run(note).await.0
    } else {
        tokio::select! {
            (reason, _) = investigation.run(note) => reason,
            () = interrupted() => EndReason::Interrupted,
        }
    };
    if let Some(error) = probe.recorder().failure() {
        return Err(Complaint::Recording(error));
    }
    probe.recorder().end(probe.clock().now(), reason).map_err(Complaint::Recording)?;
    session.close().await;
    report::conclude(&folder, args.format, output::style(args.color), args.quiet, reason)
}
