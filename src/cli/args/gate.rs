//! The options that make a run a gate: what it must detect, when it may stop, and which failures are put up with.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use crate::analysis::timing::jobs_needed;
use crate::cli::error::CliError;
use crate::model::allow::Allow;
use crate::model::scenario::{Detect, LoadModel, QUANTILES, Scenario, Stop, Tolerance};
use crate::model::source::Source;
use crate::model::wording::{alternatives, count};
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
    /// Raises the number of scans so that this quantile of the wait until a job is visible has 95 % limits on both sides: p50, p90,
    /// p95, p99 (368 jobs) or p99.9 (3,688)
    #[arg(long, value_name = "QUANTILE", help_heading = "Gate")]
    quantile: Option<QuantileChoice>,
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

/// One of the quantiles that reports state.
#[derive(Debug, Clone, Copy, PartialEq)]
struct QuantileChoice(f64);

impl std::str::FromStr for QuantileChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<QuantileChoice, String> {
        let named = QUANTILES.into_iter().find(|p| sentences::quantile(*p) == text.trim().to_ascii_lowercase());
        named.map(QuantileChoice).ok_or_else(|| format!("reports state {}", alternatives(&QUANTILES.map(sentences::quantile))))
    }
}

impl GateArgs {
    /// The scenarios as these options want them.
    pub fn apply(&self, scenarios: Vec<Scenario>) -> Result<Vec<Scenario>, CliError> {
        let mut scenarios = self.sized(scenarios)?;
        let Some(QuantileChoice(p)) = self.quantile else { return Ok(scenarios) };
        let widest = scenarios.iter_mut().filter(|scenario| measures_windows(scenario)).max_by_key(|scenario| scenario.load.scans);
        let Some(scenario) = widest else {
            return Err(CliError::usage(
                "none of these scenarios follows its jobs until they are visible, one after the other and on connections of their own",
                "name one that does, such as `immediate`",
            ));
        };
        let needed = u32::try_from(jobs_needed(p)).unwrap_or(u32::MAX);
        // What was small enough for company may be that no longer.
        scenario.side_by_side &= scenario.load.scans >= needed;
        scenario.load.scans = scenario.load.scans.max(needed);
        Ok(scenarios)
    }

    /// What keeps the quantile that was asked for from its limits, in words: fewer scans than it takes.
    pub fn quantile_falls_short(&self, scenarios: &[Scenario]) -> Option<String> {
        let QuantileChoice(p) = self.quantile?;
        let scans: u64 =
            scenarios.iter().filter(|scenario| measures_windows(scenario)).map(|scenario| u64::from(scenario.load.scans)).sum();
        let needed = jobs_needed(p);
        (scans < needed).then(|| {
            format!(
                "{scans} jobs at most are followed until they are visible, and limits for {} take {}",
                sentences::quantile(p),
                count(needed)
            )
        })
    }

    fn sized(&self, mut scenarios: Vec<Scenario>) -> Result<Vec<Scenario>, CliError> {
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
    scenario.is_gated() && one_by_one && single && !scenario.overlap && scenario.then.is_none()
}

/// Whether a scenario's jobs tell the window, and more of them leave it the same scenario.
fn measures_windows(scenario: &Scenario) -> bool {
    can_grow(scenario) && scenario.arms.iter().any(|arm| arm.follow.is_some() && arm.connection.is_own())
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
    scenario.side_by_side &= scenario.load.scans >= scans;
    scenario.load.scans = scenario.load.scans.max(scans);
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
    fn a_quantile_asks_for_the_scans_that_its_limits_take() {
        const FOLLOWED: &str = "[follow]\nuntil='visible'\nevery='50ms'\ndeadline='5s'";
        let scenario = |scans: u32, rest: &str| {
            let text = format!("name='x'\ntitle='x'\nsource='x'\n[load]\nscans={scans}\nevery='1ms'\n[polls]\noffsets=['0s']\n{rest}");
            Scenario::read(Source { file: "x.toml", text: &text }).expect("a scenario")
        };
        let args = |quantile: &str| GateArgs {
            detect: None,
            power: None,
            quantile: Some(quantile.parse().expect("a quantile")),
            stop: None,
            allow: AllowArgs { allow: None },
        };
        for (quantile, scans) in [("p50", [20, 30]), ("p99", [20, 368]), ("P99.9", [20, 3688])] {
            let sized = args(quantile).apply(vec![scenario(20, FOLLOWED), scenario(30, FOLLOWED)]).expect("they can grow");
            assert_eq!(sized.iter().map(|scenario| scenario.load.scans).collect::<Vec<_>>(), scans, "{quantile}");
            assert_eq!(args(quantile).quantile_falls_short(&sized), None);
        }
        assert!(args("p99").apply(vec![scenario(20, "")]).is_err(), "nobody looks when its jobs become visible");
        assert!(
            args("p99")
                .quantile_falls_short(&[scenario(50, FOLLOWED)])
                .is_some_and(|short| short.contains("50 jobs") && short.contains("368"))
        );
        for wrong in ["99", "p98", "", "p"] {
            assert!(wrong.parse::<QuantileChoice>().is_err(), "{wrong}");
        }
    }

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
