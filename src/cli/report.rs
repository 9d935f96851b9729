//! `statusgap report`: every report from a log, without a network.

use std::path::PathBuf;

use clap::Args;

use crate::analysis::analyse;
use crate::cli::complaint::Complaint;
use crate::cli::output::{self, ColourChoice};
use crate::cli::{Ended, files};
use crate::model::run::{EndReason, Journal};
use crate::model::shard::Share;
use crate::report::{Format, Style, View, render};
use crate::verdict::{Exit, Judgement, Reason, Verdict, judge};

/// Rebuilds reports from logs, without a network: byte for byte what the run itself wrote.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The logs (`log.ndjson` in a run's folder)
    #[arg(required = true, value_name = "LOG")]
    logs: Vec<PathBuf>,
    /// What goes to standard output
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
    /// Also write result.json, report.md and report.html into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// When to colour the table.
    #[arg(skip)]
    pub color: ColourChoice,
    /// No notes.
    #[arg(skip)]
    pub quiet: bool,
}

/// Runs the command. The exit code is the verdict's, so that a log can be judged again; the worst of several.
pub fn run(args: &ReportArgs) -> Ended {
    if args.out.is_some() && args.logs.len() > 1 {
        return Err(Complaint::usage("--out takes the reports of one log", "report the logs one by one"));
    }
    let mut worst = Exit::Pass;
    for path in &args.logs {
        let journal = read(path)?;
        if journal.torn && !args.quiet {
            output::tell(&format!("note: the last line of {} is torn and was left out", path.display()));
        }
        let (texts, exit) = texts(&journal, args.format, output::style(args.color));
        output::print(&texts.shown)?;
        if let Some(folder) = &args.out {
            std::fs::create_dir_all(folder).map_err(|source| Complaint::file("create the folder", folder, source))?;
            texts.write(folder)?;
        }
        worst = worse(worst, exit);
    }
    Ok(worst)
}

/// What a run does when its log is whole: reads it back, writes the reports beside it, and shows what was asked for.
pub fn conclude(folder: &std::path::Path, format: Format, style: Style, quiet: bool, reason: EndReason) -> Ended {
    let journal = read(&folder.join(files::LOG))?;
    let (texts, exit) = texts(&journal, format, style);
    let exit = if reason == EndReason::Interrupted { Exit::Interrupted } else { exit };
    let written = texts.write(folder);
    // The log is whole, and with it the verdict is known, even if there is no room for the reports, or none where it is shown.
    if let Err(complaint) = output::print(&texts.shown) {
        complaint.print();
        output::tell(&format!("  it can be shown again with `statusgap report {}`", folder.join(files::LOG).display()));
    }
    match written {
        Ok(()) => {}
        Err(complaint) if exit == Exit::Pass => return Err(complaint),
        Err(complaint) => {
            complaint.print();
            return Ok(exit);
        }
    }
    if !quiet {
        output::tell(&format!("written to {}: {}, result.json, report.md, report.html", folder.display(), files::LOG));
    }
    Ok(exit)
}

/// Reads a log from a file.
pub fn read(path: &std::path::Path) -> Result<Journal, Complaint> {
    let file = std::fs::File::open(path).map_err(|source| Complaint::file("open", path, source))?;
    let bytes = file.metadata().map_or(0, |metadata| metadata.len());
    Ok(crate::log::read_sized(&path.display().to_string(), std::io::BufReader::new(file), bytes)?)
}

/// All texts that a run leaves behind.
pub struct Texts {
    /// What was asked for on standard output.
    pub shown: String,
    result: String,
    report: String,
    page: String,
}

impl Texts {
    /// Writes the files of a run's folder.
    pub fn write(&self, folder: &std::path::Path) -> Result<(), Complaint> {
        files::write_whole(&folder.join(files::RESULT), &self.result)?;
        files::write_whole(&folder.join(files::REPORT), &self.report)?;
        files::write_whole(&folder.join(files::PAGE), &self.page)
    }
}

/// From a log to its texts and its exit code: the only way, for a run that just ended and for one of last year.
pub fn texts(journal: &Journal, format: Format, style: Style) -> (Texts, Exit) {
    let analysis = analyse(journal);
    let judgement = judge(journal, &analysis);
    let view = View::of(journal, &analysis, &judgement);
    let text = |format| render(&view, format, style);
    let texts = Texts { shown: text(format), result: text(Format::Json), report: text(Format::Markdown), page: text(Format::Html) };
    (texts, exit(journal, &judgement))
}

/// The verdict's exit code. That of one shard says whether the shard did its part and saw no failure: that it cannot speak for
/// the run is no fault of its job, and the verdict is that of the merged log.
fn exit(journal: &Journal, judgement: &Judgement) -> Exit {
    let is_shard = matches!(journal.run.shard, Some(Share::Shard(_)));
    let lacks_others = |reason: &Reason| {
        matches!(
            reason,
            Reason::ShardsMissing { .. }
                | Reason::OnOtherShards
                | Reason::RateUnproven { .. }
                | Reason::WindowUnproven { .. }
                | Reason::SpeedUnproven { .. }
        )
    };
    let all = || judgement.reasons.iter().chain(judgement.scenarios.iter().flat_map(|scenario| &scenario.reasons));
    if is_shard && judgement.verdict == Verdict::Inconclusive && all().all(lacks_others) { Exit::Pass } else { judgement.verdict.into() }
}

/// The weightier of two exit codes.
pub fn worse(a: Exit, b: Exit) -> Exit {
    let weight = |exit: Exit| match exit {
        Exit::Pass => 0,
        Exit::Inconclusive => 1,
        _ => 2,
    };
    if weight(b) > weight(a) { b } else { a }
}
