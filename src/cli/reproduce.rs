//! `statusgap reproduce`: the on-call command: is it there, what is it, what to do.

use std::sync::Arc;

use clap::Args;

use crate::cli::complaint::Complaint;
use crate::cli::contact::{first_contact, tell_problem};
use crate::cli::investigation::{Investigation, Note, Outline};
use crate::cli::limits::{INQUIRY_JOBS, Limits};
use crate::cli::probe_args::ProbeArgs;
use crate::cli::run::{command_line, until_stopped};
use crate::cli::{Ended, bundle, files, output, report};
use crate::model::run::EndReason;
use crate::model::time::Span;
use crate::probe::{OnStrain, Options, Probe, Recorder, Restraint};
use crate::verdict::Exit;

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
    /// Shows the steps and the most that each of them may send, and sends nothing
    #[arg(long, help_heading = "Run")]
    dry_run: bool,
}

/// Runs the command.
pub fn run(args: &ReproduceArgs) -> Ended {
    args.probe.block_on(reproduce(args))
}

async fn reproduce(args: &ReproduceArgs) -> Ended {
    let seed = args.probe.seed.unwrap_or_else(rand::random);
    let session = args.probe.session(seed).await?;
    let limits = Limits::towards(session.target.base_url(), args.probe.max_rps, args.probe.max_scans)?;
    let most = u64::from(args.probe.max_jobs.unwrap_or(INQUIRY_JOBS));
    let max_wait = args.probe.max_wait.0.min(args.budget.0 / 2);
    if args.dry_run {
        let header = session.header(seed, Vec::new(), String::new());
        let can = session.target.can();
        session.close().await;
        let outline = Outline { header, can, limits, most, budget: args.budget, max_wait: Span(max_wait) };
        output::print(&outline.told())?;
        return Ok(Exit::Pass);
    }
    let mut header = session.header(seed, Vec::new(), command_line(&args.probe.words, seed, args.probe.seed.is_some()));
    let folder = files::run_folder(args.probe.out.as_deref(), &header.started, &session.name)?;
    let restraint = Restraint { max_wait, ..args.probe.restraint(Some(most), OnStrain::SlowDown) };
    let jobs = restraint.jobs.clone();
    let options = Options { seed, max_rps: limits.max_rps, timeout: args.probe.timeout.0, first_n: session.first_n(), restraint };
    header.contact = first_contact(&session, &args.probe, &options, options.first_n.saturating_sub(1)).await;
    tell_problem(header.contact.as_ref(), &args.probe);
    let held_up = header.contact.as_ref().is_some_and(|contact| contact.problem.is_some());
    let log = files::begin_log(&folder, &header)?;
    let recorder = args.probe.tracing(Recorder::new(log, session.target.secrets())).keeping();
    let probe = Probe::new(Arc::clone(&session.target), session.transport.clone(), session.clock.clone(), recorder, options, |_| {});
    let investigation = Investigation { probe: &probe, header: &header, can: session.target.can(), limits, jobs, budget: args.budget.0 };
    let note = |note: Note| {
        if !args.probe.no_progress {
            output::tell(&format!("{:>7.1} s  {}", probe.clock().now().0 as f64 / 1e9, told(&note)));
        }
    };
    let run = async { if held_up { EndReason::TargetGone } else { investigation.run(note).await.0 } };
    let reason = until_stopped(&probe, run).await;
    if let Some(error) = probe.recorder().failure() {
        return Err(Complaint::recording(&folder.join(files::LOG), error));
    }
    let ended = probe.recorder().end(probe.clock().now(), reason);
    ended.map_err(|error| Complaint::recording(&folder.join(files::LOG), error))?;
    session.close().await;
    let concluded = report::conclude(&folder, &header, &args.probe.wanted(), reason)?;
    if !held_up {
        bundle::write(&folder, args.probe.quiet)?;
    }
    Ok(concluded)
}

/// A note in words.
fn told(note: &Note) -> String {
    match note {
        Note::Stage(stage) => stage.title().to_owned(),
        Note::LeftOut(scenario) => format!("  too few jobs left for {scenario}"),
        Note::Strain(signs) => format!("  the target shows strain ({signs}): less at a time from now on"),
        Note::Waits(jobs) => format!("  waiting for {jobs} of its own jobs"),
    }
}
