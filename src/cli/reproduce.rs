//! `statusgap reproduce`: the on-call command: is it there, what is it, what to do.

use std::sync::Arc;

use clap::Args;

use crate::cli::complaint::Complaint;
use crate::cli::investigation::Investigation;
use crate::cli::limits::Limits;
use crate::cli::probe_args::ProbeArgs;
use crate::cli::run::{command_line, until_stopped};
use crate::cli::{Ended, bundle, files, output, report};
use crate::inquiry::Stage;
use crate::model::time::Span;
use crate::probe::{Options, Probe, Recorder};

/// Finds out in a minute whether a deployment has the gap, and which of its causes it is.
///
/// It decides by itself what to ask next: controls, scans alone and together, fresh and kept connections, several pollers, one
/// poll per scan, and then only the probes that separate what is still possible.
#[derive(Debug, Args)]
pub struct ReproduceArgs {
    #[command(flatten)]
    pub probe: ProbeArgs,
    /// How long it may take
    #[arg(long, value_name = "TIME", default_value = "60s", help_heading = "Run")]
    budget: Span,
}

/// Runs the command.
pub fn run(args: &ReproduceArgs) -> Ended {
    args.probe.block_on(reproduce(args))
}

async fn reproduce(args: &ReproduceArgs) -> Ended {
    let seed = args.probe.seed.unwrap_or_else(rand::random);
    let session = args.probe.session(seed).await?;
    let limits = Limits::towards(session.target.base_url(), args.probe.max_rps, args.probe.max_scans)?;
    let header = session.header(seed, Vec::new(), command_line(&args.probe.words, seed, args.probe.seed.is_some()));
    let folder = files::run_folder(args.probe.out.as_deref(), &header.started, &session.name)?;
    let log = files::begin_log(&folder, &header)?;
    let recorder = Recorder::new(log, session.target.secrets()).keeping();
    let options = Options { seed, max_rps: limits.max_rps, timeout: args.probe.timeout.0, first_n: session.first_n() };
    let probe = Probe::new(Arc::clone(&session.target), session.transport.clone(), session.clock.clone(), recorder, options, |_| {});
    let investigation = Investigation { probe: &probe, header: &header, can: session.target.can(), limits, budget: args.budget.0 };
    let note = |stage: Stage| {
        if !args.probe.no_progress {
            output::tell(&format!("{:>7.1} s  {}", probe.clock().now().0 as f64 / 1e9, stage.title()));
        }
    };
    let reason = until_stopped(&probe, async { investigation.run(note).await.0 }).await;
    if let Some(error) = probe.recorder().failure() {
        return Err(Complaint::recording(&folder.join(files::LOG), error));
    }
    let ended = probe.recorder().end(probe.clock().now(), reason);
    ended.map_err(|error| Complaint::recording(&folder.join(files::LOG), error))?;
    session.close().await;
    let concluded = report::conclude(&folder, &header, &args.probe.wanted(), reason)?;
    bundle::write(&folder, args.probe.quiet)?;
    Ok(concluded)
}
