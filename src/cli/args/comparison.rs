//! What a run is compared with, and what is kept of it: an earlier run, a second target that is probed by turns, a baseline.

use std::path::PathBuf;

use clap::Args;

use crate::analysis::baseline::Baseline;
use crate::cli::args::headings;
use crate::cli::args::probe::ProbeArgs;
use crate::cli::args::service::ServiceArgs;
use crate::cli::error::CliError;
use crate::report::sentences::comparison::spoilt;
use crate::run::Session;
use crate::run::baseline::{self, Side};
use crate::verdict::comparison::{Criteria, Minimum, Share};

/// What a run is compared with, and what is kept of it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Comparison")]
pub struct ComparisonArgs {
    /// Compares this run with an earlier one: a log, a run's folder, a result.json, or a saved baseline. The exit code is the
    /// worse of verdict and comparison
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Writes a small baseline of this run, to be committed, unless the run failed to measure
    #[arg(long, value_name = "FILE", help_heading = headings::OUTPUT)]
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

/// What counts as a regression.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Comparison")]
pub struct CriteriaArgs {
    /// The chance of any false regression in the whole comparison
    #[arg(long, value_name = "SHARE", default_value = "1%")]
    alpha: Share,
    /// The rise in the share of denied scans that counts, in percentage points
    #[arg(long, value_name = "SHARE", default_value = "1%")]
    min_rate: Share,
    /// How much longer windows must be to count: a share, and a floor
    #[arg(long, value_name = "SHARE[,TIME]", default_value = "10%,20ms")]
    min_window: String,
    /// How much longer round trips must be to count: a share, and a floor
    #[arg(long, value_name = "SHARE[,TIME]", default_value = "20%,1ms")]
    min_latency: String,
}

impl CriteriaArgs {
    /// The criteria that were named.
    pub fn criteria(&self, seed: u64) -> Result<Criteria, CliError> {
        let usual = Criteria::default();
        let minimum = |flag: &str, text: &str, usual: Minimum| {
            Minimum::read(text, usual).map_err(|error| CliError::usage(format!("{flag}: {error}"), format!("the default is {usual}")))
        };
        if !(self.alpha.0 > 0.0 && self.alpha.0 < 0.5) {
            return Err(CliError::usage(
                format!("--alpha {} cannot be the chance of error", self.alpha),
                "give one above 0% and below 50%",
            ));
        }
        Ok(Criteria {
            alpha: self.alpha.0,
            min_rate: self.min_rate,
            min_window: minimum("--min-window", &self.min_window, usual.min_window)?,
            min_latency: minimum("--min-latency", &self.min_latency, usual.min_latency)?,
            seed,
        })
    }
}

/// What was asked for, read and checked before anything is sent.
pub struct ComparisonChoice {
    pub base: Option<Box<Baseline>>,
    pub save: Option<PathBuf>,
    pub criteria: Criteria,
    second: Option<SecondTarget>,
}

#[derive(Debug, Clone)]
enum SecondTarget {
    Deployed(String),
    Preset(String),
}

impl ComparisonArgs {
    /// Reads what a later comparison needs: a baseline that cannot be read must not cost a run.
    pub fn resolve(&self, probe: &ProbeArgs) -> Result<ComparisonChoice, CliError> {
        if self.against.is_some() && probe.target.is_none() {
            return Err(CliError::usage(
                "--against names a second deployment, and no first one is named",
                "add --target, or use --against-service with the reference service",
            ));
        }
        let base = match self.baseline.as_deref().map(|path| (path, baseline::read(path, spoilt))) {
            None => None,
            Some((_, Err(error))) => return Err(error.into()),
            Some((_, Ok(Side::Usable(base)))) => Some(base),
            Some((path, Ok(Side::Refused(why)))) => {
                return Err(CliError::usage(
                    format!("{} is not a baseline: {why}", path.display()),
                    "name a run that was complete and could be assessed",
                ));
            }
        };
        let second = match (&self.against, &self.against_service) {
            (Some(target), _) => Some(SecondTarget::Deployed(target.clone())),
            (None, Some(preset)) => Some(SecondTarget::Preset(preset.clone())),
            (None, None) => None,
        };
        let seed = probe.seed.unwrap_or(Criteria::default().seed);
        Ok(ComparisonChoice { base, save: self.save_baseline.clone(), criteria: self.criteria.criteria(seed)?, second })
    }
}

impl ComparisonChoice {
    /// Whether this run is to be compared or kept.
    pub fn compares(&self) -> bool {
        self.base.is_some() || self.save.is_some() || self.second.is_some()
    }

    /// The second target, on the clock of the first.
    pub async fn session(&self, probe: &ProbeArgs, seed: u64, first: &Session) -> Result<Option<Session>, CliError> {
        let session = match &self.second {
            None => return Ok(None),
            Some(SecondTarget::Deployed(target)) => probe.deployed(target, crate::run::twin_seed(seed))?,
            Some(SecondTarget::Preset(preset)) => {
                let args = ServiceArgs { service: preset.clone(), ..probe.service.clone() };
                let spans = probe.traces.options(true).headers_alone();
                Session::reference(args.choice()?, probe.time(), crate::run::twin_seed(seed), &spans).await?
            }
        };
        Ok(Some(session.on_the_clock_of(first)))
    }
}
