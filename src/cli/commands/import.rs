//! `statusgap import`: a log from traffic that was recorded elsewhere.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::args::source::SourceArgs;
use crate::cli::args::{headings, repeat, target};
use crate::cli::commands::init;
use crate::cli::error::CliError;
use crate::cli::sources::{self, Described, Named, Screen};
use crate::cli::terminal::output;
use crate::cli::{Ended, files};
use crate::draft::{Finished, Origin, from_answers};
use crate::import::{Format, ImportError, Imported, LogFormat, Mapping, Options, Stamped, import};
use crate::log::{LogWriter, WriteError};
use crate::model::run::{ClockNote, LOG_SCHEMA, Run};
use crate::model::time::{Span, Stamp};
use crate::target::{Hosts, Target};
use crate::verdict::Exit;

/// Makes a log from traffic that was recorded elsewhere; no request is sent.
///
/// The log goes to standard output, and `statusgap report`, `diagnose` and `bundle` read it like any other. A recording has no controls,
/// so that its verdict is `fail` where a broken promise is in it, and else `inconclusive`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    #[command(subcommand)]
    from: From,
    /// No notes.
    #[arg(skip)]
    pub quiet: bool,
}

#[derive(Debug, Subcommand)]
enum From {
    /// An HTTP Archive, saved by a browser, a proxy or `statusgap bundle`
    Har(Common),
    /// What `k6 run --out json=FILE` wrote
    K6Json(Common),
    /// A server's access log: nginx's and Apache's `combined`, any nginx `log_format`, or JSON lines by --map
    AccessLog(AccessLog),
    /// JSON lines, one request each
    Ndjson(Lines),
}

#[derive(Debug, Args)]
struct Common {
    /// The recording; `-` for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What its requests mean: a target file, or the address of a service that speaks the reference contract (a HAR file needs none:
    /// it is derived from its requests and answers)
    #[arg(long, value_name = "FILE|URL")]
    target: Option<String>,
    /// Takes requests to any host by their path, and not only those to the target's `base_url`
    #[arg(long)]
    any_host: bool,
    /// Ages at which rates are counted, such as 100ms,2s
    #[arg(long, value_name = "AGES", value_delimiter = ',')]
    at: Vec<Span>,
    /// How far from such an age a poll may have been sent
    #[arg(long, value_name = "TIME", default_value = "50ms", requires = "at")]
    tolerance: Span,
    /// Writes the log into this file instead of to standard output
    #[arg(long, value_name = "LOG", help_heading = headings::OUTPUT)]
    out: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct AccessLog {
    #[command(flatten)]
    common: Common,
    /// How the lines are written, with nginx's names [default: combined]
    #[arg(long, value_name = "FORMAT", conflicts_with = "map")]
    log_format: Option<String>,
    /// For JSON lines: where the fields stand, such as time=@timestamp,url=request.path,duration=took:ms
    #[arg(long, value_name = "FIELD=KEY,…")]
    map: Option<String>,
    /// Which instant the stamps tell: nginx's the end of a request, Apache's its start
    #[arg(long, value_name = "WHICH", default_value = "end")]
    stamps: Stamps,
}

#[derive(Debug, Args)]
struct Lines {
    #[command(flatten)]
    common: Common,
    /// Where the fields stand, such as time=@timestamp,url=request.path,duration=took:ms [default: under their own names: time,
    /// method, url, request, status, duration, client, user, id, location, worker, body]
    #[arg(long, value_name = "FIELD=KEY,…", default_value = "", hide_default_value = true)]
    map: String,
    /// Which instant the stamps tell
    #[arg(long, value_name = "WHICH", default_value = "start")]
    stamps: Stamps,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Stamps {
    Start,
    End,
}

impl Stamps {
    fn of(self) -> Stamped {
        match self {
            Stamps::Start => Stamped::Start,
            Stamps::End => Stamped::End,
        }
    }
}

/// Runs the command. What was made of the recording is told on standard error; the verdict is the reports' business.
pub fn run(args: &ImportArgs, words: &[String]) -> Ended {
    let mapping = |text: &str| text.parse::<Mapping>().map_err(|error| CliError::Format(error.to_string()));
    let (common, format) = match &args.from {
        From::Har(common) => (common, Format::Har),
        From::K6Json(common) => (common, Format::K6Json),
        From::AccessLog(args) => {
            let format = match (&args.map, &args.log_format) {
                (Some(map), _) => Format::JsonLines(mapping(map)?, args.stamps.of(), "access-log"),
                (None, Some(format)) => {
                    let format = LogFormat::read(format).map_err(|error| CliError::Format(error.to_string()))?;
                    Format::AccessLog(format, args.stamps.of())
                }
                (None, None) => Format::AccessLog(LogFormat::combined(), args.stamps.of()),
            };
            (&args.common, format)
        }
        From::Ndjson(args) => (&args.common, Format::JsonLines(mapping(&args.map)?, args.stamps.of(), "ndjson")),
    };
    let target = common.target.as_deref().map(target::resolve).transpose()?;
    if let Some((earlier, later)) = common.at.iter().zip(common.at.iter().skip(1)).find(|(earlier, later)| later <= earlier) {
        return Err(CliError::usage(format!("--at: {later} stands after {earlier}"), "name the ages in ascending order, each once"));
    }
    let hosts = if common.any_host { Hosts::Any } else { Hosts::Own };
    let options = Options { target: target.as_ref(), hosts, at: common.at.clone(), tolerance: common.tolerance };
    let imported = import(&common.file.display().to_string(), open(&common.file)?, &format, &options);
    let derived = match &imported {
        // A recording of requests says what they mean, as far as one job in it shows.
        Err(ImportError::NoTarget { .. }) if matches!(format, Format::Har) && common.file != Path::new("-") => Some(derived(common)?),
        _ => None,
    };
    let (target, imported) = match derived {
        Some(derived) => {
            if !args.quiet {
                note_derived(&derived);
            }
            let options = Options { target: Some(&derived.target), hosts, at: common.at.clone(), tolerance: common.tolerance };
            let imported = import(&common.file.display().to_string(), open(&common.file)?, &format, &options)?;
            (Some(derived.target), imported)
        }
        None => {
            let imported = imported?;
            (target, imported)
        }
    };
    if !args.quiet {
        tell(&imported);
    }
    write(common.out.as_deref(), &header(&imported, target.as_ref(), words)?, &imported)?;
    Ok(Exit::Pass)
}

/// A target that the recording itself describes.
fn derived(common: &Common) -> Result<Finished, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| CliError::System { action: "start the runtime", source })?;
    let args = SourceArgs::default();
    let found = runtime.block_on(sources::read(&Named::Har(common.file.clone()), &args, Described::default()))?;
    let calls = found.recorded.as_deref().unwrap_or_default();
    let answers = init::of_recording(&found, calls, None)?;
    let origin = Origin { source: &found.source, file: "derived-target.toml", schema: None };
    Ok(from_answers(&found.draft, &answers, origin, &sources::variable)?)
}

fn note_derived(derived: &Finished) {
    output::eprint_note(
        "note: there is no target file, so that what the requests mean is taken from the recording itself (`statusgap init --har` writes it down):",
    );
    Screen::new(false).read_as(derived, false);
}

fn open(path: &Path) -> Result<Box<dyn BufRead>, CliError> {
    if path == Path::new("-") {
        return Ok(Box::new(std::io::stdin().lock()));
    }
    let file = std::fs::File::open(path).map_err(|source| CliError::file("open", path, source))?;
    Ok(Box::new(BufReader::with_capacity(1 << 16, file)))
}

fn tell(imported: &Imported) {
    let recording = &imported.recording;
    let scans: u32 = imported.scenarios.iter().map(|scenario| scenario.load.scans).sum();
    output::eprint_note(&format!("{} of {} requests are the target's: {scans} scans", recording.recognised, recording.requests));
    for blind in &recording.blind {
        if let crate::model::recording::Blind::BadLines { lines, first } = blind {
            let first: Vec<String> = first.iter().map(u64::to_string).collect();
            output::eprint_note(&format!("note: {lines} lines or entries could not be read, the first: {}", first.join(", ")));
        }
    }
}

/// The header of the log: that of the run it comes from, or one that says where it comes from.
fn header(imported: &Imported, target: Option<&Target>, words: &[String]) -> Result<Run, CliError> {
    if let Some(run) = &imported.run {
        return Ok(Run { recording: Some(imported.recording.clone()), ..run.clone() });
    }
    let Some(target) = target else {
        return Err(CliError::usage("there is no target", "name the target file with --target FILE"));
    };
    Ok(Run {
        schema: LOG_SCHEMA,
        tool: concat!("statusgap ", env!("CARGO_PKG_VERSION")).to_owned(),
        run_id: crate::run::new_run_id(),
        started: imported.started.clone(),
        seed: 0,
        target: target.note(),
        scenarios: imported.scenarios.clone(),
        clock: ClockNote { timer: "imported".to_owned(), resolution: imported.resolution },
        shard: None,
        pair: None,
        allow: Vec::new(),
        command: repeat::command(words, &[]),
        environment: crate::run::environment(),
        recording: Some(imported.recording.clone()),
        contact: None,
        trace_prefix: None,
    })
}

fn write(out: Option<&Path>, header: &Run, imported: &Imported) -> Result<(), CliError> {
    let to: Box<dyn std::io::Write + Send> = match out {
        Some(path) => Box::new(files::create(path)?),
        None => Box::new(std::io::stdout()),
    };
    let written = || -> Result<(), WriteError> {
        let log = LogWriter::begin_patiently(to, header)?;
        for exchange in &imported.exchanges {
            log.exchange(exchange)?;
        }
        let last = imported.exchanges.iter().map(|exchange| exchange.done).max().unwrap_or(Stamp(0));
        match imported.end {
            Some(reason) => log.end(last, reason),
            None => log.flush(),
        }
    };
    match written() {
        // A reader that went away (`| head`) is not an error.
        Err(WriteError::Io(error)) if out.is_none() && error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| match out {
            Some(path) => CliError::recording(path, error),
            None => CliError::recording(Path::new("standard output"), error),
        }),
    }
}
