//! `statusgap run`: scenarios against a target, and a verdict.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use crate::cli::complaint::Complaint;
use crate::cli::limits::Limits;
use crate::cli::output::{self, ColourChoice};
use crate::cli::progress::Progress;
use crate::cli::service_args::ServiceArgs;
use crate::cli::session::{Session, Time};
use crate::cli::{Ended, check, files, report, scenarios};
use crate::log::LogWriter;
use crate::model::plan::Plan;
use crate::model::run::{Capabilities, EndReason};
use crate::model::scenario::{Action, Scenario};
use crate::model::time::Span;
use crate::probe::{Options, Probe, Recorder};
use crate::report::Format;
use crate::verdict::Exit;

/// Runs scenarios against the reference service, or against any deployment, and gives a verdict.
///
/// Without arguments, all shipped scenarios run against the reference service in preset `deferred`, started in this process
/// on a free port: the bug is there, and the exit code is 1. The log and the reports are written below `reports/`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Scenarios: shipped ones by name, files, or folders; all shipped ones if none is named
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<String>,
    /// A deployment: a target file, or the address of a service that speaks the reference contract
    #[arg(long, value_name = "FILE|URL", conflicts_with_all = ["service", "workers", "store", "set", "profile", "data_dir", "users"], help_heading = "Target")]
    target: Option<String>,
    #[command(flatten)]
    service: ServiceArgs,
    /// Runs on virtual time against the reference service in process: a scan of 170 s takes milliseconds
    #[arg(long = "virtual", conflicts_with = "target", help_heading = "Target")]
    virtual_time: bool,
    /// The folder for log, result.json and report.md [default: reports/TIME-NAME]
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    out: Option<PathBuf>,
    /// What goes to standard output
    #[arg(long, value_name = "FORMAT", default_value = "table", help_heading = "Output")]
    format: Format,
    /// When to colour the table
    #[arg(long, value_name = "WHEN", default_value = "auto", help_heading = "Output")]
    color: ColourChoice,
    /// No progress bar and no notes on standard error
    #[arg(long, short, help_heading = "Output")]
    quiet: bool,
    /// Shows what would be sent, and sends nothing
    #[arg(long, help_heading = "Run")]
    dry_run: bool,
    /// The seed of all randomness [default: a new one, told in the report]
    #[arg(long, value_name = "N", help_heading = "Run")]
    seed: Option<u64>,
    /// The longest that one exchange may take
    #[arg(long, value_name = "TIME", default_value = "10s", help_heading = "Run")]
    timeout: Span,
    /// At most so many requests per second [default: 5 for targets that are not on this machine, no limit for those that are]
    #[arg(long, value_name = "N", help_heading = "Run")]
    max_rps: Option<f64>,
    /// At most so many scans in all [default: 50 for targets that are not on this machine, no limit for those that are]
    #[arg(long, value_name = "N", help_heading = "Run")]
    max_scans: Option<u32>,
}

/// Runs the command.
pub fn run(args: &RunArgs) -> Ended {
    let scenarios = scenarios::resolve(&args.scenarios)?;
    let seed = args.seed.unwrap_or_else(rand::random);
    runtime(args)?.block_on(probe(args, scenarios, seed))
}

fn runtime(args: &RunArgs) -> Result<tokio::runtime::Runtime, Complaint> {
    let mut builder =
        if args.virtual_time { tokio::runtime::Builder::new_current_thread() } else { tokio::runtime::Builder::new_multi_thread() };
    builder.enable_all().start_paused(args.virtual_time).build().map_err(|source| Complaint::System { action: "start the runtime", source })
}

async fn probe(args: &RunArgs, scenarios: Vec<Scenario>, seed: u64) -> Ended {
    let session = match &args.target {
        Some(target) => Session::deployed(target)?,
        None => Session::reference(&args.service, if args.virtual_time { Time::Virtual } else { Time::Real }, seed).await?,
    };
    let (scenarios, left_out) = possible(scenarios, session.target.can());
    let limits = Limits::towards(session.target.base_url(), args.max_rps, args.max_scans)?;
    let scenarios = limits.apply(scenarios);
    let max_rps = limits.max_rps;
    if !args.quiet {
        for (name, why) in &left_out {
            eprintln!("note: scenario {name} is left out: {why}");
        }
    }
    if args.dry_run {
        session.close().await;
        return dry_run(&scenarios, max_rps);
    }
    if scenarios.is_empty() {
        session.close().await;
        return Err(Complaint::usage(
            "the target supports none of these scenarios",
            "describe more of it in the target file, or name other scenarios",
        ));
    }

    let header = session.header(seed, scenarios.clone(), command_line(seed, args.seed.is_some()));
    let folder = files::run_folder(args.out.as_deref(), &header.started, &session.name)?;
    let log_path = folder.join(files::LOG);
    let log = LogWriter::begin(Box::new(files::create(&log_path)?), &header).map_err(Complaint::Recording)?;
    let recorder = Recorder::new(log, session.target.secrets());
    let progress = Progress::new(&scenarios, args.quiet || args.virtual_time);
    let watcher = progress.clone();
    let options = Options { seed, max_rps, timeout: args.timeout.0, first_n: session.first_n() };
    let probe =
        Probe::new(Arc::clone(&session.target), session.transport.clone(), session.clock.clone(), recorder, options, move |event| {
            watcher.note(event);
        });

    let reason = until_stopped(&probe, &scenarios, args.virtual_time).await;
    progress.finish();
    if let Some(error) = probe.recorder().failure() {
        return Err(Complaint::Recording(error));
    }
    probe.recorder().end(probe.clock().now(), reason).map_err(Complaint::Recording)?;
    session.close().await;

    report::conclude(&folder, args.format, output::style(args.color), args.quiet, reason)
}

/// Runs to the end, or until the user stops it. Stopping drops what is under way; the log keeps what was done.
async fn until_stopped(probe: &Arc<Probe>, scenarios: &[Scenario], virtual_time: bool) -> EndReason {
    let run = async {
        match probe.run(scenarios).await {
            Ok(()) => EndReason::Complete,
            Err(unreachable) => {
                eprintln!("note: {unreachable}");
                EndReason::TargetGone
            }
        }
    };
    if virtual_time {
        // Signals and the flushing of a log by real time have no place on a paused clock, and it is over in a moment.
        return run.await;
    }
    let flushing = async {
        loop {
            tokio::time::sleep(Duration::from_millis(250)).await;
            probe.recorder().flush_if_due();
        }
    };
    tokio::select! {
        reason = run => reason,
        () = interrupted() => EndReason::Interrupted,
        () = flushing => EndReason::Interrupted,
    }
}

/// Ctrl-C, or a polite kill.
pub async fn interrupted() {
    #[cfg(unix)]
    if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        return;
    }
    // Without a handler there is nothing to wait for; the run goes on.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// The scenarios that the target's contract allows for, and why the others are left out.
fn possible(scenarios: Vec<Scenario>, can: Capabilities) -> (Vec<Scenario>, Vec<(String, String)>) {
    let mut left_out = Vec::new();
    let kept = scenarios
        .into_iter()
        .filter(|scenario| {
            let polls = scenario.arms.iter().any(|arm| !arm.offsets.is_empty() || arm.follow.is_some());
            let only_foreign = !polls && scenario.load.scans > 0 && !scenario.controls.foreign_user.is_empty();
            let why = if only_foreign && !can.foreign_user {
                "the target file has no [users.foreign], so isolation is not assessed"
            } else if scenario.then.as_ref().is_some_and(|then| then.action == Action::Cancel) && !can.cancel {
                "the target file has no [cancel]"
            } else {
                return true;
            };
            left_out.push((scenario.name.clone(), why.to_owned()));
            false
        })
        .collect();
    (kept, left_out)
}

fn dry_run(scenarios: &[Scenario], max_rps: Option<f64>) -> Ended {
    let mut total = 0;
    for scenario in scenarios {
        let plan = Plan::of(scenario);
        total += plan.total();
        output::print(&format!("{}: {}\n{}\n", scenario.name, scenario.title, check::plan_lines(&plan)))?;
    }
    let rate = max_rps
        .map_or_else(|| "no rate limit (the target is on this machine)".to_owned(), |rps| format!("at most {rps} requests per second"));
    let plural = if scenarios.len() == 1 { "" } else { "s" };
    output::print(&format!("{total} requests at most in {} scenario{plural}, {rate}; nothing was sent\n", scenarios.len()))?;
    Ok(Exit::Pass)
}

/// The command that repeats this run, ready to be pasted: without what only concerns where its output went.
pub fn command_line(seed: u64, had_seed: bool) -> String {
    const ABOUT_OUTPUT: [&str; 3] = ["--out", "--format", "--color"];
    let mut words = vec!["statusgap".to_owned()];
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if ABOUT_OUTPUT.contains(&argument.as_str()) {
            arguments.next();
        } else if !(argument == "--quiet"
            || argument == "-q"
            || ABOUT_OUTPUT.iter().any(|flag| argument.strip_prefix(flag).is_some_and(|rest| rest.starts_with('='))))
        {
            words.push(quoted(&argument));
        }
    }
    if !had_seed {
        words.push(format!("--seed {seed}"));
    }
    words.join(" ")
}

fn quoted(word: &str) -> String {
    let plain = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}
