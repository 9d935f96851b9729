//! The options of every command that probes: what, how fast, for how long, and where the results go.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::cli::Ended;
use crate::cli::complaint::Complaint;
use crate::cli::github::Telling;
use crate::cli::manners::Manners;
use crate::cli::network_args::NetworkArgs;
use crate::cli::output::{self, ColourChoice};
use crate::cli::report::{self, Wanted};
use crate::cli::service_args::ServiceArgs;
use crate::cli::session::{Session, Time};
use crate::cli::trace::Trace;
use crate::model::time::Span;
use crate::probe::{Jobs, OnStrain, Recorder, Restraint, make_room_for_connections};
use crate::report::Format;

/// What is probed, and what becomes of it.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct ProbeArgs {
    /// A deployment: a target file, or the address of a service that speaks the reference contract
    #[arg(long, value_name = "FILE|URL", value_hint = ValueHint::AnyPath, conflicts_with_all = ["service", "workers", "store", "set", "profile", "data_dir", "users"], help_heading = "Target")]
    pub target: Option<String>,
    #[command(flatten)]
    pub service: ServiceArgs,
    /// Runs on virtual time against the reference service in process: a scan of 170 s takes milliseconds
    #[arg(long = "virtual", conflicts_with = "target", help_heading = "Target")]
    pub virtual_time: bool,
    /// The folder for log, result.json, report.md and report.html [default: reports/TIME-NAME]
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub out: Option<PathBuf>,
    /// What goes to standard output
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = report::formats(), help_heading = "Output")]
    pub format: Format,
    /// Further formats to write into the folder, such as junit,openmetrics,hlog
    #[arg(
        long,
        value_name = "FORMAT,…",
        value_delimiter = ',',
        value_parser = report::formats(),
        hide_possible_values = true,
        help_heading = "Output"
    )]
    pub also: Vec<Format>,
    /// The round trips as an HdrHistogram V2 log, latency.hlog: short for --also hlog
    #[arg(long, help_heading = "Output")]
    pub hlog: bool,
    /// Shows every exchange on standard error as curl does: the request, its age, the code, headers and first bytes of the answer;
    /// secrets are struck out
    #[arg(short, long, help_heading = "Output")]
    pub verbose: bool,
    /// No annotations, step summary and outputs where GitHub Actions runs the command
    #[arg(long, help_heading = "Output")]
    pub no_github: bool,
    /// The seed of all randomness [default: a new one, told in the report]
    #[arg(long, value_name = "N", help_heading = "Run")]
    pub seed: Option<u64>,
    /// The longest that one exchange may take
    #[arg(long, value_name = "TIME", default_value = "10s", help_heading = "Run")]
    pub timeout: Span,
    /// At most so many requests per second [default: 5 for targets that are not on this machine, no limit for those that are]
    #[arg(long, value_name = "N", help_heading = "Run")]
    pub max_rps: Option<f64>,
    /// At most so many scans, in all or in each step of an inquiry [default: 60 for targets that are not on this machine, no
    /// limit for those that are]
    #[arg(long, value_name = "N", help_heading = "Run")]
    pub max_scans: Option<u32>,
    /// At most so many jobs are started, repeats included, by the whole run, by both sides of --against together, or by each
    /// round of a watch [default: 50 for `reproduce`, no limit for others]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Run")]
    pub max_jobs: Option<u32>,
    /// Ends the run when all requests of one kind have been answered with 429, or with 503 and Retry-After, for this long
    #[arg(long, value_name = "TIME", default_value = "60s", help_heading = "Run")]
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
}

impl ProbeArgs {
    /// Takes over what stands outside the command: how to speak, and the whole command line.
    pub fn speaking(mut self, manners: &Manners, words: Vec<String>) -> ProbeArgs {
        self.color = manners.color;
        self.quiet = manners.quiet;
        self.no_progress = manners.no_progress || manners.quiet || self.virtual_time;
        self.words = words;
        self
    }

    /// What keeps a run from asking too much of its target.
    pub fn restraint(&self, max_jobs: Option<u64>, strain: OnStrain) -> Restraint {
        Restraint { jobs: Jobs::at_most(max_jobs), max_wait: self.max_wait.0, strain }
    }

    /// The same recorder, which also shows every exchange if that is asked for.
    pub fn tracing(&self, recorder: Recorder) -> Recorder {
        if self.verbose { recorder.tracing(Trace::to_standard_error()) } else { recorder }
    }

    /// What is to become of the result.
    pub fn wanted(&self) -> Wanted {
        Wanted {
            format: self.format,
            also: self.also.iter().copied().chain(self.hlog.then_some(Format::Hlog)).collect(),
            style: output::style(self.color),
            quiet: self.quiet,
            github: if self.no_github { Telling::Off } else { Telling::WhereItRuns },
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
            .map_err(|source| Complaint::System { action: "start the runtime", source })?;
        let ended = runtime.block_on(work);
        // A name that is still being looked up sits in a thread that nothing can stop: the time limit holds for it, too.
        runtime.shutdown_background();
        ended
    }

    /// The target, ready to be probed.
    pub async fn session(&self, seed: u64) -> Result<Session, Complaint> {
        match &self.target {
            Some(target) => Session::deployed(target, &self.network),
            None => {
                let time = if self.virtual_time { Time::Virtual } else { Time::Real };
                Session::reference(&self.service, time, seed).await
            }
        }
    }
}
