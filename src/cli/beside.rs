//! What a run may have beside it: an earlier run to be compared with, a second target that is probed by turns, and a baseline
//! to be saved.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use crate::analysis::baseline::Baseline;
use crate::cli::baseline::{self, Side};
use crate::cli::compare::{self, ComparisonFormat, CriteriaArgs};
use crate::cli::complaint::Complaint;
use crate::cli::files::OwnFolder;
use crate::cli::probe_args::ProbeArgs;
use crate::cli::service_args::ServiceArgs;
use crate::cli::session::{Session, Time};
use crate::cli::{files, output, report};
use crate::model::contact::Contact;
use crate::model::run::{EndReason, Journal, Pair, Run, Side as RunSide};
use crate::model::scenario::Scenario;
use crate::probe::{Halt, Options, Probe, Recorder};
use crate::report::{Format, Style};
use crate::verdict::Exit;
use crate::verdict::comparison::{Criteria, Names};

/// What a run is compared with, and what is kept of it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Comparison")]
pub struct BesideArgs {
    /// Compares this run with an earlier one: a log, a run's folder, a result.json, or a saved baseline. The exit code is the
    /// worse of verdict and comparison
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Writes a small baseline of this run, to be committed, unless the run failed to measure
    #[arg(long, value_name = "FILE")]
    save_baseline: Option<PathBuf>,
    /// Probes a second deployment by turns, scan by scan, and tells whether --target is worse than it
    #[arg(long, value_name = "FILE|URL", conflicts_with = "baseline")]
    against: Option<String>,
    /// Probes a second reference service by turns, in this preset, and tells whether the first is worse than it
    #[arg(long, value_name = "PRESET", conflicts_with_all = ["target", "baseline", "store", "data_dir"])]
    against_service: Option<String>,
    #[command(flatten)]
    criteria: CriteriaArgs,
}

/// What was asked for, read and checked before anything is sent.
pub struct Beside {
    base: Option<Box<Baseline>>,
    save: Option<PathBuf>,
    rival: Option<RivalChoice>,
    criteria: Criteria,
}

#[derive(Debug, Clone)]
enum RivalChoice {
    Deployed(String),
    Preset(String),
}

impl BesideArgs {
    /// Reads what a later comparison needs: a baseline that cannot be read must not cost a run.
    pub fn resolve(&self, probe: &ProbeArgs) -> Result<Beside, Complaint> {
        if self.against.is_some() && probe.target.is_none() {
            return Err(Complaint::usage(
                "--against names a second deployment, and no first one is named",
                "add --target, or use --against-service with the reference service",
            ));
        }
        let base = match self.baseline.as_deref().map(|path| (path, baseline::read(path))) {
            None => None,
            Some((_, Err(complaint))) => return Err(complaint),
            Some((_, Ok(Side::Usable(base)))) => Some(base),
            Some((path, Ok(Side::Refused(why)))) => {
                return Err(Complaint::usage(
                    format!("{} is no baseline: {why}", path.display()),
                    "name a run that was complete and could be assessed",
                ));
            }
        };
        let rival = match (&self.against, &self.against_service) {
            (Some(target), _) => Some(RivalChoice::Deployed(target.clone())),
            (None, Some(preset)) => Some(RivalChoice::Preset(preset.clone())),
            (None, None) => None,
        };
        let seed = probe.seed.unwrap_or(Criteria::default().seed);
        Ok(Beside { base, save: self.save_baseline.clone(), rival, criteria: self.criteria.criteria(seed)? })
    }
}

impl Beside {
    /// Whether this run is to be compared or kept.
    pub fn compares(&self) -> bool {
        self.base.is_some() || self.save.is_some() || self.rival.is_some()
    }

    /// The second target, on the clock of the first.
    pub async fn session(&self, probe: &ProbeArgs, seed: u64, first: &Session) -> Result<Option<Session>, Complaint> {
        let session = match &self.rival {
            None => return Ok(None),
            Some(RivalChoice::Deployed(target)) => Session::deployed(target, &probe.network)?,
            Some(RivalChoice::Preset(preset)) => {
                let args = ServiceArgs { service: preset.clone(), ..probe.service.clone() };
                let time = if probe.virtual_time { Time::Virtual } else { Time::Real };
                Session::reference(&args, time, twin_seed(seed)).await?
            }
        };
        Ok(Some(session.on_the_clock_of(first)))
    }

    /// After the reports of the run are written: saves its baseline, compares it, and gives the worse of both exit codes.
    pub fn conclude(&self, folder: &Path, header: &Run, probe: &ProbeArgs, exit: Exit) -> Result<Exit, Complaint> {
        if !self.compares() {
            return Ok(exit);
        }
        let new = baseline::of_log(&report::read_own(&folder.join(files::LOG), header)?);
        let mut worst = exit;
        if let Some(path) = &self.save {
            match &new {
                Side::Usable(new) => baseline::save(path, new)?,
                Side::Refused(why) => {
                    output::tell(&format!("no baseline was written to {}: {why}", path.display()));
                    worst = report::worse(worst, Exit::Inconclusive);
                }
            }
        }
        let base = match (&self.base, &self.rival) {
            (Some(base), _) => base.clone(),
            (None, Some(_)) => match baseline::of_log(&read_rival(folder, header)?) {
                Side::Usable(base) => base,
                Side::Refused(why) => return Ok(report::worse(worst, compare::refused("the run against the second target", &why))),
            },
            (None, None) => return Ok(worst),
        };
        let compared = compare::conclude(folder, &base, &new, &self.criteria, Names::MustAgree, shown(probe))?;
        Ok(if worst == Exit::Interrupted { worst } else { report::worse(worst, compared) })
    }
}

/// Reads back the log of the second target: that of this run's pair, and of no other.
fn read_rival(folder: &Path, header: &Run) -> Result<Journal, Complaint> {
    let log = rival_folder(folder).join(files::LOG);
    let journal = report::read(&log)?;
    let id = |run: &Run| run.pair.as_ref().map(|pair| pair.id.clone());
    if id(&journal.run) == id(header) { Ok(journal) } else { Err(Complaint::Replaced { log: log.display().to_string() }) }
}

/// How the comparison is shown after the report: beside a table as a table, and not at all where a program reads.
fn shown(probe: &ProbeArgs) -> Option<(ComparisonFormat, Style)> {
    let style = output::style(probe.color);
    match probe.format {
        Format::Table => Some((ComparisonFormat::Table, style)),
        Format::Markdown => Some((ComparisonFormat::Markdown, style)),
        _ => None,
    }
}

/// Where the log of the second target goes.
fn rival_folder(folder: &Path) -> PathBuf {
    folder.join("against")
}

/// Another seed, so that two services, or two targets with one database, are never told the same numbers.
fn twin_seed(seed: u64) -> u64 {
    seed ^ 0x9e37_79b9_7f4a_7c15
}

/// The second target under way, with a log of its own.
pub struct Rival {
    session: Session,
    probe: Arc<Probe>,
    header: Run,
    folder: OwnFolder,
}

impl Rival {
    /// Begins its log in a folder of its own.
    pub fn begin(
        session: Session,
        folder: &Path,
        first: &Run,
        options: &Options,
        contact: Option<Contact>,
        args: &ProbeArgs,
    ) -> Result<Rival, Complaint> {
        let folder = OwnFolder::claim(&rival_folder(folder))?;
        let seed = twin_seed(options.seed);
        let mut header = session.header(seed, first.scenarios.clone(), first.command.clone());
        header.started.clone_from(&first.started);
        header.pair = first.pair.as_ref().map(|pair| Pair { side: RunSide::Base, ..pair.clone() });
        header.contact = contact;
        let log = files::begin_log(&folder, &header)?;
        let recorder = args.tracing(Recorder::new(log, session.target.secrets()));
        let scans: u64 = first.scenarios.iter().map(|scenario| u64::from(scenario.load.scans)).sum();
        // Both targets may share a database: no number is asked for twice.
        let options = Options { seed, first_n: options.first_n + scans, ..options.clone() };
        let probe = Probe::new(Arc::clone(&session.target), session.transport.clone(), session.clock.clone(), recorder, options, |_| {});
        Ok(Rival { session, probe, header, folder })
    }

    /// Runs the scenarios against both targets by turns, and keeps the promise of flushing this one's log.
    pub async fn run_beside(&self, first: &Arc<Probe>, scenarios: &[Scenario]) -> Result<(), Halt> {
        let run = first.run_beside(&self.probe, scenarios);
        if self.probe.clock().is_virtual() {
            return run.await;
        }
        let flushing = async {
            loop {
                tokio::time::sleep(Duration::from_millis(250)).await;
                self.probe.recorder().flush_if_due();
            }
        };
        tokio::select! {
            ran = run => ran,
            () = flushing => Ok(()),
        }
    }

    /// Ends its log and writes its reports.
    pub async fn end(self, reason: EndReason) -> Result<(), Complaint> {
        if let Some(error) = self.probe.recorder().failure() {
            return Err(Complaint::recording(&self.folder.join(files::LOG), error));
        }
        let ended = self.probe.recorder().end(self.probe.clock().now(), reason);
        ended.map_err(|error| Complaint::recording(&self.folder.join(files::LOG), error))?;
        self.session.close().await;
        let journal = report::read_own(&self.folder.join(files::LOG), &self.header)?;
        let (view, _) = report::view(&journal);
        report::write(&view, &self.folder, &[]).map(|_| ())
    }
}
