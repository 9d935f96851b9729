//! The options that make a run a gate: what it must detect, when it may stop, and which failures are put up with.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use crate::cli::error::CliError;
use crate::model::allow::Allow;
use crate::model::scenario::{Detect, LoadModel, Scenario, Stop, Tolerance};
use crate::model::source::Source;
use crate::report::sentences::{self, percent};
use crate::verdict::power::{scans_needed, sized};

/// What a run must detect, when it may stop, and what it puts up with.
#[derive(Debug, Args)]
pub struct GateArgs {
    /// Raises the number of scans so that each gate detects this share of denied scans, such as 1% or 0.01
    #[arg(long, value_name = "RATE", help_heading = "Gate")]
    detect: Option<Share>,
    /// With which probability --detect must be kept [default: 0.95]
    #[arg(long, value_name = "P", requires = "detect", help_heading = "Gate")]
    power: Option<Share>,
    /// When a scenario starts no more scans [default: what the scenario says, mostly never]
    #[arg(long, value_name = "WHEN", value_enum, help_heading = "Gate")]
    stop: Option<StopChoice>,
    #[command(flatten)]
    pub allow: AllowArgs,
}

/// Which failures are put up with.
#[derive(Debug, Args)]
pub struct AllowArgs {
    /// Known failures that do not make the verdict: a file of `[[allow]]` entries, each with a reason and a day of expiry
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Gate")]
    allow: Option<PathBuf>,
}

/// When a scenario starts no more scans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum StopChoice {
    /// Never: everything that was planned is measured
    Never,
    /// When one of its gates has failed
    FirstFailure,
    /// When one of its gates has failed, or all have passed (which only a tolerated rate can before the end)
    Decided,
}

/// A share of 0 to 1, both excluded, as people write it: `1%`, `0.01`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Share(f64);

impl std::str::FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Share, String> {
        let (number, unit) = text.strip_suffix('%').map_or((text, 1.0), |number| (number, 100.0));
        let share = number.trim().parse::<f64>().ok().map(|number| number / unit).filter(|share| 0.0 < *share && *share < 1.0);
        share.map(Share).ok_or_else(|| "write a share between 0 and 1, such as 1% or 0.01".to_owned())
    }
}

impl GateArgs {
    /// The scenarios as these options want them.
    pub fn apply(&self, mut scenarios: Vec<Scenario>) -> Result<Vec<Scenario>, CliError> {
        let detect = self.detect.map(|rate| Detect { rate: rate.0, power: self.power.map_or(0.95, |power| power.0) });
        if let Some(stop) = self.stop {
            for scenario in scenarios.iter_mut().filter(|scenario| scenario.is_gated()) {
                scenario.expect.stop = stop.into();
                let tolerates = matches!(scenario.expect.not_found, Tolerance::Rate { .. });
                if stop != StopChoice::Never && tolerates && scenario.load.detect.is_none() && !(detect.is_some() && can_grow(scenario)) {
                    return Err(CliError::usage(
                        format!(
                            "scenario {} tolerates a rate, and to stop it early takes knowing which rate must be caught",
                            scenario.name
                        ),
                        "add --detect RATE, or load.detect in the scenario",
                    ));
                }
            }
        }
        let Some(detect) = detect else { return Ok(scenarios.into_iter().map(sized).collect()) };
        if !scenarios.iter().any(can_grow) {
            return Err(CliError::usage(
                "none of these scenarios has a gate that more scans would make sharper",
                "name one whose scans start one after the other and are polled at offsets, such as `gate` or `immediate`",
            ));
        }
        scenarios.into_iter().map(|scenario| if can_grow(&scenario) { raised(scenario, detect) } else { Ok(sized(scenario)) }).collect()
    }
}

impl AllowArgs {
    /// The failures that are put up with.
    pub fn read(&self) -> Result<Vec<Allow>, CliError> {
        let Some(path) = &self.allow else { return Ok(Vec::new()) };
        let text = std::fs::read_to_string(path).map_err(|source| CliError::file("read", path, source))?;
        Ok(Allow::read(Source { file: &path.display().to_string(), text: &text })?)
    }
}

impl From<StopChoice> for Stop {
    fn from(choice: StopChoice) -> Stop {
        match choice {
            StopChoice::Never => Stop::Never,
            StopChoice::FirstFailure => Stop::FirstFailure,
            StopChoice::Decided => Stop::Decided,
        }
    }
}

/// Whether more scans make a scenario's gate sharper and leave it the same scenario. Those that ask how many scans or pollers
/// at once are borne, or that wait for the scans' ends, would become load tests.
fn can_grow(scenario: &Scenario) -> bool {
    let one_by_one = match scenario.load.model {
        LoadModel::Open { every } => !every.0.is_zero(),
        LoadModel::Closed { .. } => true,
    };
    let single = scenario.arms.iter().all(|arm| arm.pollers == 1);
    scenario.is_gated() && one_by_one && single && !scenario.waits_for_ends() && scenario.then.is_none()
}

fn raised(mut scenario: Scenario, detect: Detect) -> Result<Scenario, CliError> {
    let needed = scans_needed(&scenario, detect).ok_or_else(|| {
        CliError::usage(
            format!("a rate of {} with power {} cannot be asked of scenario {}", percent(detect.rate), detect.power, scenario.name),
            "it tolerates that rate, or it would take more than ten million scans",
        )
    })?;
    scenario.load.detect = Some(detect);
    let scans = u32::try_from(needed.saturating_mul(u64::from(scenario.hands()))).unwrap_or(u32::MAX);
    scenario.load.scans = scenario.load.scans.max(scans);
    // What was small enough to run beside others may be that no longer.
    scenario.overlap = false;
    Ok(scenario)
}

/// The gates that got fewer scans than what they were to detect takes, in words.
pub fn falls_short(scenarios: &[Scenario]) -> Vec<String> {
    let short = |scenario: &Scenario| {
        let detect = scenario.load.detect?;
        let needed = scans_needed(scenario, detect)?;
        let scans = u64::from(scenario.load.scans / scenario.hands().max(1));
        let power = crate::verdict::power::Power::of(scenario, scans).filter(|_| scans < needed)?;
        Some(format!(
            "{} may start only {scans} of the {needed} scans for each offset that were asked for: it {}",
            scenario.name,
            sentences::detects(&power.outlook(Some(detect)))
        ))
    };
    scenarios.iter().filter_map(short).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_as_people_write_them() {
        for (text, share) in [("1%", 0.01), ("0.1 %", 0.001), ("0.05", 0.05)] {
            assert!(text.parse::<Share>().is_ok_and(|read| (read.0 - share).abs() < 1e-12), "{text}");
        }
        for wrong in ["1", "0", "100%", "-1%", "much"] {
            assert!(wrong.parse::<Share>().is_err(), "{wrong}");
        }
    }
}
