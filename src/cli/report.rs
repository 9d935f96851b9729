//! `statusgap report`: every report from a log, without a network.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::analysis::analyse;
use crate::cli::complaint::Complaint;
use crate::cli::output::{self, ColourChoice};
use crate::cli::{Ended, files, github};
use crate::model::run::{EndReason, Journal, Run};
use crate::model::shard::Share;
use crate::report::trend::{self, Trend};
use crate::report::{Colour, Format, Style, View, render};
use crate::verdict::{Exit, Judgement, Reason, Verdict, judge};

/// Rebuilds reports from logs, without a network: byte for byte what the run itself wrote.
///
/// Several logs are a history: after their reports comes the trend over them, in the order in which they began.
/// The formats by name, as help lists them: `report`, where they stand, does not know clap.
pub fn formats() -> impl TypedValueParser<Value = Format> {
    // Only names of the list reach the closure, and each has its format.
    PossibleValuesParser::new(Format::ALL.map(Format::name)).map(|name| Format::named(&name).unwrap_or_default())
}

#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The logs, or the folders of the runs that wrote them
    #[arg(required = true, value_name = "LOG")]
    logs: Vec<PathBuf>,
    /// What goes to standard output
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = formats())]
    format: Format,
    /// Also write result.json, report.md and report.html into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Further formats to write into the folder, such as junit,openmetrics,hlog
    #[arg(long, value_name = "FORMAT,…", value_delimiter = ',', value_parser = formats(), hide_possible_values = true, requires = "out")]
    also: Vec<Format>,
    /// Only the trend over the logs, without the report on each
    #[arg(long)]
    trend: bool,
    /// When to colour the table.
    #[arg(skip)]
    pub color: ColourChoice,
    /// No notes.
    #[arg(skip)]
    pub quiet: bool,
}

/// Runs the command. The exit code is the verdict's, so that a log can be judged again; the worst of several.
pub fn run(args: &ReportArgs) -> Ended {
    let several = args.logs.len() > 1;
    if args.out.is_some() && several {
        return Err(Complaint::usage("--out takes the reports of one log", "report the logs one by one"));
    }
    if several && !args.format.can_be_strung_together() {
        let message = format!("{} is one document for one log", args.format.name());
        return Err(Complaint::usage(message, "report the logs one by one, or use --format table, markdown or json"));
    }
    let style = output::style(args.color);
    let mut worst = Exit::Pass;
    let mut history = Vec::new();
    for path in &args.logs {
        let journal = read(path)?;
        if journal.torn && !args.quiet {
            output::tell(&format!("note: the last line of {} is torn and was left out", path.display()));
        }
        let (view, exit) = view(&journal);
        if !args.trend {
            output::print(&render(&view, args.format, style))?;
        }
        if let Some(folder) = &args.out {
            let folder = files::OwnFolder::claim(folder)?;
            write(&view, &folder, &args.also)?;
        }
        worst = worse(worst, exit);
        if several || args.trend {
            history.push(trend::Row::of(&path.display().to_string(), &journal, &view));
        }
    }
    if !history.is_empty() {
        output::print(&tell(&Trend::over(history), args, style)?)?;
    }
    Ok(worst)
}

fn tell(trend: &Trend, args: &ReportArgs, style: Style) -> Result<String, Complaint> {
    match args.format {
        Format::Table => Ok(trend::terminal(trend, style)),
        Format::Markdown => Ok(trend::markdown(trend)),
        Format::Json => Ok(trend::json(trend)),
        // Each run's annotations are told; a trend is not a place in the code.
        _ if !args.trend => Ok(String::new()),
        other => Err(Complaint::usage(format!("a trend is not written as {}", other.name()), "use --format table, markdown or json")),
    }
}

/// What is to become of a run's result.
pub struct Wanted {
    /// What goes to standard output.
    pub format: Format,
    /// What is written into the folder beside the log and the three reports that are always there.
    pub also: Vec<Format>,
    /// How the table is to look.
    pub style: Style,
    /// No notes.
    pub quiet: bool,
    /// Whether GitHub is told, where it runs the command.
    pub github: github::Telling,
}

/// What a run does when its log is whole: reads it back, writes the reports beside it, and shows what was asked for.
pub fn conclude(folder: &Path, header: &Run, wanted: &Wanted, reason: EndReason) -> Ended {
    let (view, exit) = view(&read_own(&folder.join(files::LOG), header)?);
    let exit = if reason == EndReason::Interrupted { Exit::Interrupted } else { exit };
    let written = write(&view, folder, &wanted.also);
    // The log is whole, and with it the verdict is known, even if there is no room for the reports, or none where it is shown.
    if let Err(complaint) = output::print(&render(&view, wanted.format, wanted.style)) {
        complaint.print();
        output::tell(&format!("  it can be shown again with `statusgap report {}`", folder.join(files::LOG).display()));
    }
    github::tell(&view, folder, wanted.github);
    let written = match written {
        Ok(written) => written,
        Err(complaint) if exit == Exit::Pass => return Err(complaint),
        Err(complaint) => {
            complaint.print();
            return Ok(exit);
        }
    };
    if !wanted.quiet {
        output::tell(&format!("written to {}: {}, {}", folder.display(), files::LOG, written.join(", ")));
    }
    Ok(exit)
}

/// Reads a log from a file, or from the folder of the run that wrote it.
pub fn read(path: &Path) -> Result<Journal, Complaint> {
    let path = if path.is_dir() { path.join(files::LOG) } else { path.to_path_buf() };
    let file = std::fs::File::open(&path).map_err(|source| Complaint::file("open", &path, source))?;
    let bytes = file.metadata().map_or(0, |metadata| metadata.len());
    Ok(crate::log::read_sized(&path.display().to_string(), std::io::BufReader::new(file), bytes)?)
}

/// Reads back the log that this process wrote with this header. A lock keeps others from the folder where there are locks; if another
/// run's log is there all the same, its verdict is not this run's.
pub fn read_own(path: &Path, header: &Run) -> Result<Journal, Complaint> {
    let journal = read(path)?;
    let own = |run: &Run| {
        (&run.run_id, run.seed, &run.started, &run.target, &run.command)
            == (&header.run_id, header.seed, &header.started, &header.target, &header.command)
    };
    if own(&journal.run) { Ok(journal) } else { Err(Complaint::Replaced { log: path.display().to_string() }) }
}

/// Files have no width and no colour.
const IN_A_FILE: Style = Style { width: 100, colour: Colour::Off };

/// Writes the files of a run's folder: the three that are always there, and what else is asked for. Their names come back.
pub fn write(view: &View, folder: &Path, also: &[Format]) -> Result<Vec<&'static str>, Complaint> {
    let mut formats = vec![Format::Json, Format::Markdown, Format::Html];
    formats.extend(also);
    let mut written = Vec::new();
    for format in formats {
        let name = format.file_name();
        if !written.contains(&name) {
            files::write_whole(&folder.join(name), &render(view, format, IN_A_FILE))?;
            written.push(name);
        }
    }
    Ok(written)
}

/// From a log to its view and its exit code: the only way, for a run that just ended and for one of last year.
pub fn view(journal: &Journal) -> (View, Exit) {
    let analysis = analyse(journal);
    let judgement = judge(journal, &analysis);
    (View::of(journal, &analysis, &judgement), exit(journal, &judgement))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::LogWriter;

    #[test]
    fn another_runs_log_has_no_verdict_for_this_run() {
        let text = include_str!("../../fixtures/logs/deferred.ndjson");
        let own = crate::log::read("deferred.ndjson", text.as_bytes()).expect("a log").run;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(files::LOG);
        let written_by = |run: &Run| {
            LogWriter::begin(Box::new(files::create(&path).expect("a file")), run).expect("a header");
            read_own(&path, &own)
        };
        assert!(written_by(&own).is_ok());
        let mut target = own.target.clone();
        target.base_url = "http://127.0.0.1:2".to_owned();
        for other in [
            Run { run_id: "another".to_owned(), ..own.clone() },
            Run { started: "2026-01-01T00:00:01Z".to_owned(), ..own.clone() },
            Run { seed: own.seed + 1, ..own.clone() },
            Run { target, ..own.clone() },
        ] {
            let refused = written_by(&other).expect_err("another run's log");
            assert_eq!(refused.exit(), Exit::Inconclusive, "{refused}");
            assert!(refused.to_string().contains("no longer what this run wrote"), "{refused}");
        }
    }
}
