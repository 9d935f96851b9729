//! `statusgap report`: every report from a log, without a network.

use std::path::PathBuf;

use clap::Args;

use crate::analysis::analyse;
use crate::cli::complaint::Complaint;
use crate::cli::output::{self, ColourChoice};
use crate::cli::{Ended, files};
use crate::model::run::{EndReason, Journal};
use crate::report::{Format, Style, View, render};
use crate::verdict::{Exit, judge};

/// Rebuilds reports from logs, without a network: byte for byte what the run itself wrote.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The logs (`log.ndjson` in a run's folder)
    #[arg(required = true, value_name = "LOG")]
    logs: Vec<PathBuf>,
    /// What goes to standard output
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
    /// Also write result.json and report.md into this folder
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
            eprintln!("note: the last line of {} is torn and was left out", path.display());
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
    texts.write(folder)?;
    output::print(&texts.shown)?;
    if !quiet {
        eprintln!("written to {}: {}, result.json, report.md", folder.display(), files::LOG);
    }
    Ok(if reason == EndReason::Interrupted { Exit::Interrupted } else { exit })
}

/// Reads a log from a file.
pub fn read(path: &std::path::Path) -> Result<Journal, Complaint> {
    let file = std::fs::File::open(path).map_err(|source| Complaint::file("open", path, source))?;
    Ok(crate::log::read(&path.display().to_string(), std::io::BufReader::new(file))?)
}

/// All texts that a run leaves behind.
pub struct Texts {
    /// What was asked for on standard output.
    pub shown: String,
    result: String,
    report: String,
}

impl Texts {
    /// Writes the files of a run's folder.
    pub fn write(&self, folder: &std::path::Path) -> Result<(), Complaint> {
        files::write_whole(&folder.join("result.json"), &self.result)?;
        files::write_whole(&folder.join("report.md"), &self.report)
    }
}

/// From a log to its texts and its exit code: the only way, for a run that just ended and for one of last year.
pub fn texts(journal: &Journal, format: Format, style: Style) -> (Texts, Exit) {
    let analysis = analyse(journal);
    let judgement = judge(journal, &analysis);
    let view = View::of(journal, &analysis, &judgement);
    let text = |format| render(&view, format, style);
    (Texts { shown: text(format), result: text(Format::Json), report: text(Format::Markdown) }, judgement.verdict.into())
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
