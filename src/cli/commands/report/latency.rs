//! `statusgap report --format latency`: several logs are one report, on the newest of them.

use std::path::Path;

use crate::cli::commands::report::{ReportArgs, note_torn, view, write};
use crate::cli::error::CliError;
use crate::cli::terminal::output;
use crate::cli::{Ended, files};
use crate::report::trend::{Row, Trend};
use crate::report::{Format, Latency, View, render_latency};
use crate::run::Concluded;

/// A log that was read.
struct Read {
    concluded: Concluded,
    view: View,
    row: Row,
}

impl Read {
    fn from(path: &Path, quiet: bool) -> Result<Read, CliError> {
        let concluded = Concluded::read(path)?;
        note_torn(&concluded, path, quiet);
        let view = view(&concluded);
        let row = Row::of(&path.display().to_string(), &concluded.journal, &view);
        Ok(Read { concluded, view, row })
    }
}

/// Runs the command. The exit code is that of the newest log: the others were judged when they were new.
pub(super) fn run(args: &ReportArgs) -> Ended {
    if args.trend {
        return Err(CliError::usage("a latency report has the trend in it", "leave out --trend"));
    }
    let mut logs = args.logs.iter().map(|path| Read::from(path, args.quiet)).collect::<Result<Vec<_>, _>>()?;
    if logs.len() > 1 && !args.also.is_empty() {
        return Err(CliError::usage("--also writes further reports on one log", "report the logs one by one, or leave out --also"));
    }
    let against = args.against.as_deref().map(|path| Read::from(path, args.quiet)).transpose()?;
    logs.sort_by_key(|log| (log.view.run.began.is_none(), log.view.run.began));
    let rows = against.iter().chain(&logs).map(|log| log.row.clone());
    let warnings = Trend::over(rows.collect()).warnings;
    let (Some(newest), Some(report)) =
        (logs.last(), Latency::over(logs.iter().map(|log| &log.view), against.as_ref().map(|log| &log.view), warnings))
    else {
        return Err(CliError::usage("there is no log to report", "name one, or the folder of the run that wrote it"));
    };
    output::print(&render_latency(&report, args.format, None))?;
    if let Some(folder) = &args.out {
        let folder = files::OwnFolder::claim(folder)?;
        if logs.len() == 1 {
            write(&newest.view, &folder, &args.also)?;
        }
        for format in Format::ALL.into_iter().filter(|format| format.is_latency()) {
            let text = render_latency(&report, format, Some(Format::LatencySvg.file_name()));
            files::write_whole(&folder.join(format.file_name()), &text)?;
        }
    }
    Ok(newest.concluded.exit())
}
