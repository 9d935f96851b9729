//! The options of every command that probes: what, how fast, for how long, and where the results go.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueHint};

use crate::cli::args::global::GlobalArgs;
use crate::cli::args::headings;
use crate::cli::args::network::NetworkArgs;
use crate::cli::args::service::ServiceArgs;
use crate::cli::args::some_time;
use crate::cli::args::target;
use crate::cli::args::traces::TraceArgs;
use crate::cli::commands::report::{self, Wanted};
use crate::cli::error::CliError;
use crate::cli::terminal::github::Annotations;
use crate::cli::terminal::notes::{Shown, observer};
use crate::cli::terminal::output::{self, ColourChoice};
use crate::cli::terminal::trace::Trace;
use crate::cli::{Ended, files};
use crate::model::allow::Allow;
use crate::model::time::Span;
use crate::probe::{DEFAULT_MAX_WAIT, TraceIds, Tracing, make_room_for_connections};
use crate::report::Format;
use crate::run::{Contract, DEFAULT_TIMEOUT, Destination, RunOptions, Session, Time, new_run_id};
use crate::target::Target;

/// What is probed, and what becomes of it.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct ProbeArgs {
    /// A deployment: a target file, or the address of a service that speaks the reference contract
    #[arg(long, value_name = "FILE|URL", value_hint = ValueHint::AnyPath, conflicts_with_all = ["service", "workers", "store", "set", "profile", "data_dir", "users"], group = "deployment", help_heading = "Target")]
    pub target: Option<String>,
    #[command(flatten)]
    pub service: ServiceArgs,
    /// Runs on virtual time against the reference service in process: a scan of 170 s takes milliseconds
    #[arg(long = "virtual", conflicts_with = "deployment", help_heading = "Target")]
    pub virtual_time: bool,
    /// The folder for log, result.json, report.md and report.html [default: reports/TIME-NAME]
    #[arg(long, value_name = "DIR", help_heading = headings::OUTPUT)]
    pub out: Option<PathBuf>,
    /// What goes to standard output
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = report::formats(), help_heading = headings::OUTPUT)]
    pub format: Format,
    /// Further formats to write into the folder, such as junit,openmetrics,hlog
    #[arg(
        long,
        value_name = "FORMAT,…",
        value_delimiter = ',',
        value_parser = report::formats(),
        hide_possible_values = true,
        help_heading = headings::OUTPUT
    )]
    pub also: Vec<Format>,
    /// The round trips as an HdrHistogram V2 log, latency.hlog: short for --also hlog
    #[arg(long, help_heading = headings::OUTPUT)]
    pub hlog: bool,
    /// The full report on standard output rather than its first screen: scenarios, window, evidence, causes. Given twice (-vv), also
    /// every exchange on standard error as curl shows it: the request, its age, the code, headers and first bytes of the answer;
    /// secrets are struck out
    #[arg(short, long, action = clap::ArgAction::Count, help_heading = headings::OUTPUT)]
    pub verbose: u8,
    /// No annotations, step summary and outputs where GitHub Actions runs the command
    #[arg(long, help_heading = headings::OUTPUT)]
    pub no_github: bool,
    /// The seed of all randomness [default: a new one, told in the report]
    #[arg(long, value_name = "N", help_heading = "Run")]
    pub seed: Option<u64>,
    /// The longest that one exchange may take
    #[arg(long, value_name = "TIME", value_parser = some_time, default_value_t = Span(DEFAULT_TIMEOUT), help_heading = "Run")]
    pub timeout: Span,
    /// At most so many requests per second [default: 5 for targets that are not on this machine, no limit for those that are]
    #[arg(long, value_name = "N", value_parser = rate, help_heading = "Run")]
    pub max_rps: Option<f64>,
    /// At most so many scans, in all or in each step of an investigation [default: 50 for targets that are not on this machine, no
    /// limit for those that are]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Run")]
    pub max_scans: Option<u32>,
    /// At most so many jobs are started, repeats included, by the whole run, by both sides of --against together, or by each
    /// round of a watch [default: 84 for `reproduce`, no limit for others]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Run")]
    pub max_jobs: Option<u32>,
    /// Ends the run when all requests of one kind have been answered with 429, or with 503 and Retry-After, for this long
    #[arg(long, value_name = "TIME", default_value_t = Span(DEFAULT_MAX_WAIT), help_heading = "Run")]
    pub max_wait: Span,
    /// When to colour the table.
    #[arg(skip)]
    pub color: ColourChoice,
    /// No notes.
    #[arg(skip)]
    pub quiet: bool,
    /// No progress.
    #[arg(skip)]
    pub no_progress: bool,
    /// The command line as it took effect, with what came from the environment and from the configuration file.
    #[arg(skip)]
    pub words: Vec<String>,
    #[command(flatten)]
    pub network: NetworkArgs,
    #[command(flatten)]
    pub traces: TraceArgs,
}

/// Where else it is said what keeps a run from working.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reported {
    /// In the report, which says it in so many words if it is a table.
    InTheReport,
    /// Nowhere.
    Nowhere,
}

fn rate(text: &str) -> Result<f64, &'static str> {
    let rate = text.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
    rate.ok_or("give a number of requests per second above 0")
}

impl ProbeArgs {
    /// Takes over what stands outside the command: how to speak, and the whole command line.
    pub fn speaking(mut self, global: &GlobalArgs, words: Vec<String>) -> ProbeArgs {
        self.color = global.color;
        self.quiet = global.quiet;
        self.no_progress = global.no_progress || global.quiet || self.virtual_time;
        self.words = words;
        self
    }

    /// What is asked of each run. `command` repeats it.
    pub fn options(&self, seed: u64, command: String, allow: Vec<Allow>, reported: Reported) -> RunOptions {
        RunOptions {
            seed,
            timeout: self.timeout.0,
            max_rps: self.max_rps,
            max_scans: self.max_scans,
            max_jobs: self.max_jobs,
            max_wait: self.max_wait.0,
            allow,
            command,
            destination: Destination { out: self.out.clone(), artefacts: files::artefacts() },
            trace: (self.verbose > 1).then(|| -> Arc<dyn Tracing> { Trace::to_standard_error() }),
            observer: observer(Shown {
                notes: !self.quiet,
                progress: !self.no_progress,
                problems: !self.quiet && (reported == Reported::Nowhere || self.format != Format::Table),
            }),
        }
    }

    /// What is to become of the result.
    pub fn wanted(&self) -> Wanted {
        Wanted {
            format: self.format,
            also: self.also.iter().copied().chain(self.hlog.then_some(Format::Hlog)).collect(),
            style: output::style(self.color),
            detail: report::Detail::of(self.verbose > 0),
            quiet: self.quiet,
            github: if self.no_github { Annotations::Off } else { Annotations::WhereItRuns },
        }
    }

    /// Does a command's work on a runtime for the kind of time that was asked for.
    ///
    /// A single thread probes: several would wake each other for every request, at twice the processor's time, and each would be
    /// later than the one is alone. What takes long happens elsewhere: the log is written, and an embedded service runs, on
    /// threads of their own.
    pub fn block_on(&self, work: impl Future<Output = Ended>) -> Ended {
        make_room_for_connections();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(self.virtual_time)
            .build()
            .map_err(|source| CliError::System { action: "start the runtime", source })?;
        let ended = runtime.block_on(work);
        // A name that is still being looked up sits in a thread that nothing can stop: the time limit holds for it, too.
        runtime.shutdown_background();
        ended
    }

    /// The kind of time that was asked for.
    pub fn time(&self) -> Time {
        if self.virtual_time { Time::Virtual } else { Time::Real }
    }

    /// The target, ready to be probed.
    pub async fn session(&self, seed: u64) -> Result<Session, CliError> {
        match &self.target {
            Some(target) => {
                let options = self.traces.options(self.quiet);
                Ok(self.deployed(target, seed)?.with_spans(&options)?)
            }
            None => {
                let options = self.traces.options(self.quiet);
                Ok(Session::reference(self.service.choice()?, self.time(), seed, &options).await?)
            }
        }
    }

    /// A deployment that is described by a target file without a place of its own, ready to be probed.
    pub fn described(&self, target: Target, seed: u64) -> Result<Session, CliError> {
        let run_id = new_run_id();
        let mut network = self.network.options(&target, "", &run_id)?;
        network.trace_ids = (!self.traces.no_trace_headers).then(|| TraceIds::of_run(seed, &run_id));
        Ok(Session::deployed(target, Contract::File, network, run_id)?.with_spans(&self.traces.options(self.quiet))?)
    }

    /// A deployment, ready to be probed; nobody listens for its spans yet.
    pub fn deployed(&self, named: &str, seed: u64) -> Result<Session, CliError> {
        let target = target::resolve(named)?;
        let run_id = new_run_id();
        let mut network = self.network.options(&target, named, &run_id)?;
        network.trace_ids = (!self.traces.no_trace_headers).then(|| TraceIds::of_run(seed, &run_id));
        let contract = if target::is_an_address(named) { Contract::Address } else { Contract::File };
        Ok(Session::deployed(target, contract, network, run_id)?)
    }
}
