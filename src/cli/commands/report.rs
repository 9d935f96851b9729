//! `statusgap report`: every report from a log, without a network.

mod latency;

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::cli::args::twin::TwinArgs;
use crate::cli::error::CliError;
use crate::cli::terminal::github;
use crate::cli::terminal::output::{self, ColourChoice};
use crate::cli::{Ended, files};
use crate::model::run::EndReason;
use crate::report::trend::{self, Trend};
use crate::report::{Colour, Format, Latency, Style, View, render, render_latency, screen};
use crate::run::Concluded;
use crate::verdict::Exit;

/// Rebuilds reports from logs, without a network: byte for byte what the run itself wrote.
///
/// Several logs are a history: after their reports comes the trend over them, in the order in which they began. With --format latency
/// they are one report on how long jobs take, of the newest run against the one before it and over time.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The logs, or the folders of the runs that wrote them
    #[arg(required = true, value_name = "LOG")]
    logs: Vec<PathBuf>,
    /// What goes to standard output
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = formats())]
    format: Format,
    /// With --format latency: the log, or the folder of the run, that the newest run is held against [default: the run before it]
    #[arg(long, value_name = "LOG")]
    against: Option<PathBuf>,
    /// Also write result.json, report.md and report.html of one log into this folder; with --format latency, latency.md,
    /// latency.html, latency.svg and latency.json of any number
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Further formats to write into the folder, such as junit,openmetrics,hlog
    #[arg(long, value_name = "FORMAT,…", value_delimiter = ',', value_parser = formats(), hide_possible_values = true, requires = "out")]
    also: Vec<Format>,
    /// The full report on standard output rather than its first screen: scenarios, window, evidence, causes
    #[arg(short, long)]
    verbose: bool,
    /// Adds the spans of these files to a log whose requests carried trace ids: what the OpenTelemetry collector's file exporter
    /// writes, or what Jaeger saves; may be repeated
    #[arg(long, value_name = "FILE")]
    traces: Vec<PathBuf>,
    /// Only the trend over the logs, without the report on each
    #[arg(long)]
    trend: bool,
    #[command(flatten)]
    twin: TwinArgs,
    /// When to colour the table.
    #[arg(skip)]
    pub color: ColourChoice,
    /// No notes.
    #[arg(skip)]
    pub quiet: bool,
}

/// The formats by name, as help lists them: `report`, where they stand, does not know clap.
pub fn formats() -> impl TypedValueParser<Value = Format> {
    // Only names of the list reach the closure, and each has its format.
    PossibleValuesParser::new(Format::ALL.map(Format::name)).map(|name| Format::named(&name).unwrap_or_default())
}

/// Runs the command. The exit code is the verdict's, so that a log can be judged again; the worst of several.
pub fn run(args: &ReportArgs) -> Ended {
    if args.format.is_latency() {
        return latency::run(args);
    }
    if args.against.is_some() {
        return Err(CliError::usage("--against belongs to a latency report", "add --format latency, or use `statusgap compare BASE NEW`"));
    }
    let several = args.logs.len() > 1;
    if args.out.is_some() && several {
        return Err(CliError::usage("--out takes the reports of one log", "report the logs one by one"));
    }
    if several && !args.format.can_be_strung_together() {
        let message = format!("{} is one document for one log", args.format.name());
        return Err(CliError::usage(message, "report the logs one by one, or use --format table, markdown or json"));
    }
    let style = output::style(args.color);
    let mut worst = Exit::Pass;
    let mut history = Vec::new();
    for path in &args.logs {
        let mut concluded = Concluded::read_with_spans(path, &args.traces)?;
        // A history is read for its course, and may be long.
        if !several && !args.trend && (args.out.is_some() || args.format.shows_twins()) {
            concluded = args.twin.apply(concluded, args.quiet);
        }
        note_torn(&concluded, path, args.quiet);
        let view = view(&concluded);
        if !args.trend {
            output::print(&shown(&view, args.format, style, Detail::of(args.verbose)))?;
        }
        if let Some(folder) = &args.out {
            let folder = files::OwnFolder::claim(folder)?;
            write(&view, &folder, &args.also)?;
        }
        worst = worse(worst, concluded.exit());
        if several || args.trend {
            history.push(trend::Row::of(&path.display().to_string(), &concluded.journal, &view));
        }
    }
    if !history.is_empty() {
        output::print(&tell(&Trend::over(history), args, style)?)?;
    }
    Ok(worst)
}

fn note_torn(concluded: &Concluded, path: &Path, quiet: bool) {
    if concluded.journal.torn && !quiet {
        output::eprint_note(&format!("note: the last line of {} is torn and was left out", path.display()));
    }
}

fn tell(trend: &Trend, args: &ReportArgs, style: Style) -> Result<String, CliError> {
    match args.format {
        Format::Table => Ok(trend::terminal(trend, style)),
        Format::Markdown => Ok(trend::markdown(trend)),
        Format::Json => Ok(trend::json(trend)),
        // Each run's annotations are told; a trend is not a place in the code.
        _ if !args.trend => Ok(String::new()),
        other => Err(CliError::usage(format!("a trend is not written as {}", other.name()), "use --format table, markdown or json")),
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
    /// How much of it is shown.
    pub detail: Detail,
    /// No notes.
    pub quiet: bool,
    /// Whether GitHub is told, where it runs the command.
    pub github: github::Annotations,
}

/// How much of a report is shown on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// The verdict and the answers to four questions.
    FirstScreen,
    /// All that a terminal can show.
    Full,
}

impl Detail {
    /// As `-v` says.
    pub fn of(verbose: bool) -> Detail {
        if verbose { Detail::Full } else { Detail::FirstScreen }
    }
}

/// What goes to standard output.
pub fn shown(view: &View, format: Format, style: Style, detail: Detail) -> String {
    match (format, detail) {
        (Format::Table, Detail::FirstScreen) => screen(view, style),
        _ => render(view, format, style),
    }
}

/// What becomes of a run whose log is whole: writes the reports beside it, and shows what was asked for.
pub fn conclude(folder: &Path, concluded: &Concluded, view: &View, wanted: &Wanted, reason: EndReason) -> Ended {
    let exit = if reason == EndReason::Interrupted { Exit::Interrupted } else { concluded.exit() };
    let written = write(view, folder, &wanted.also);
    // The log is whole, and with it the verdict is known, even if there is no room for the reports, or none where it is shown.
    if let Err(error) = output::print(&shown(view, wanted.format, wanted.style, wanted.detail)) {
        error.print();
        output::eprint_note(&format!("  it can be shown again with `statusgap report {}`", folder.join(files::LOG).display()));
    }
    github::annotate(view, folder, wanted.github);
    let written = match written {
        Ok(written) => written,
        Err(error) if exit == Exit::Pass => return Err(error),
        Err(error) => {
            error.print();
            return Ok(exit);
        }
    };
    if !wanted.quiet {
        output::eprint_note(&format!("written to {}: {}, {}", folder.display(), files::LOG, written.join(", ")));
    }
    Ok(exit)
}

/// Files have no width and no colour.
const IN_A_FILE: Style = Style { width: 100, colour: Colour::Off };

/// Writes the files of a run's folder: the three that are always there, and what else is asked for. Their names come back.
pub fn write(view: &View, folder: &Path, also: &[Format]) -> Result<Vec<&'static str>, CliError> {
    let mut formats = vec![Format::Json, Format::Markdown, Format::Html];
    formats.extend(also);
    if also.contains(&Format::Latency) {
        // The picture that it shows.
        formats.push(Format::LatencySvg);
    }
    let mut written = Vec::new();
    for format in formats {
        let name = format.file_name();
        if !written.contains(&name) {
            let text = match format {
                Format::Latency => render_latency(&Latency::of(view), format, Some(Format::LatencySvg.file_name())),
                other => render(view, other, IN_A_FILE),
            };
            files::write_whole(&folder.join(name), &text)?;
            written.push(name);
        }
    }
    Ok(written)
}

/// What a report says of a log.
pub fn view(concluded: &Concluded) -> View {
    View::of(&concluded.journal, &concluded.analysis, &concluded.judgement)
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
