//! `statusgap merge`: the logs of one run's shards become one log, and its reports.

use std::path::PathBuf;

use clap::Args;

use crate::cli::commands::report;
use crate::cli::error::CliError;
use crate::cli::terminal::github::Annotations;
use crate::cli::terminal::output::{self, ColourChoice};
use crate::cli::{Ended, files};
use crate::log::{self, storage};
use crate::model::run::EndReason;
use crate::model::shard::Share;
use crate::report::Format;
use crate::run::{Concluded, Destination, now};

/// Puts the logs of one run's shards together, and judges the whole run.
///
/// Refuses logs of different runs and shards that are given twice. A run with missing shards is inconclusive, unless those that are
/// there prove a failure.
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// The shards' logs, or the folders of their runs
    #[arg(required = true, value_name = "LOG")]
    logs: Vec<PathBuf>,
    /// The folder for the merged log, result.json, report.md and report.html [default: reports/TIME-NAME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// What goes to standard output
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = report::formats())]
    format: Format,
    /// Further formats to write into the folder, such as junit,openmetrics,hlog
    #[arg(long, value_name = "FORMAT,…", value_delimiter = ',', value_parser = report::formats(), hide_possible_values = true)]
    also: Vec<Format>,
    /// The full report on standard output rather than its first screen: scenarios, window, evidence, causes
    #[arg(short, long)]
    verbose: bool,
    /// When to colour the table.
    #[arg(skip)]
    pub color: ColourChoice,
    /// No notes.
    #[arg(skip)]
    pub quiet: bool,
}

/// Runs the command. The exit code is the verdict's.
pub fn run(args: &MergeArgs) -> Ended {
    let mut logs = Vec::new();
    let paths: Vec<PathBuf> = args.logs.iter().map(|path| storage::log_at(path)).collect();
    for path in &paths {
        logs.push((path.display().to_string(), storage::open(path)?));
    }
    let nanos = |time: &str| time.parse::<jiff::Timestamp>().ok().and_then(|time| i64::try_from(time.as_nanosecond()).ok());
    let shards = log::open_shards(logs, &nanos)?;
    let destination = Destination { out: args.out.clone(), artefacts: files::artefacts() };
    let folder = destination.claim(&now(), "merged")?;
    let path = folder.join(files::LOG);
    if let Some(own) = paths.iter().find(|log| is_same(log, &path)) {
        return Err(CliError::usage(format!("{} would be overwritten while it is read", own.display()), "name another folder with --out"));
    }
    destination.artefacts.clear(&folder)?;
    let summary = shards.merge(Box::new(files::create(&path)?))?;
    if !args.quiet {
        let shards = args.logs.len();
        let of = summary.run.shard.as_ref().map_or(0, Share::of);
        output::eprint_note(&format!("{shards} of {of} shards, {} exchanges", summary.exchanges));
        for file in &summary.cut_off {
            output::eprint_note(&format!("note: {file} has no end: that shard was stopped, and what it did until then is kept"));
        }
    }
    let wanted = report::Wanted {
        format: args.format,
        also: args.also.clone(),
        style: output::style(args.color),
        detail: report::Detail::of(args.verbose),
        quiet: args.quiet,
        github: Annotations::WhereItRuns,
    };
    let concluded = Concluded::read_back(&path, &summary.run)?.with_twin(|_| {});
    report::conclude(&folder, &concluded, &report::view(&concluded), &wanted, EndReason::Complete)
}

fn is_same(a: &std::path::Path, b: &std::path::Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
