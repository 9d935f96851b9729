//! `statusgap matrix --sizes`: what the diagnosis says of faults at sizes that it was not written for; with `--twin` also what the twins
//! say, of these faults or of the presets.

mod measures;
mod table;
mod twins;

use std::str::FromStr;

use crate::analysis::diagnosis::Candidates;
use crate::cli::Ended;
use crate::cli::commands::matrix::expected::Configuration;
use crate::cli::commands::matrix::parallel::{in_parallel, on_a_paused_clock};
use crate::cli::commands::matrix::sizes::measures::Measure;
use crate::cli::commands::matrix::{MatrixArgs, MatrixFormat, zoo};
use crate::cli::error::CliError;
use crate::cli::terminal::output;
use crate::model::fault::FaultClass;
use crate::run::RunError;
use crate::run::sweep::{Case, Group, Trial, cases, try_case};
use crate::run::twin::Twins;
use crate::verdict::Exit;

/// Which class is to be unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LeaveOut {
    /// This one.
    One(FaultClass),
    /// Every class, one after the other.
    Each,
}

impl FromStr for LeaveOut {
    type Err = String;

    fn from_str(text: &str) -> Result<LeaveOut, String> {
        if text == "each" {
            return Ok(LeaveOut::Each);
        }
        let letters = || FaultClass::ALL.map(FaultClass::letter).join(", ");
        FaultClass::from_letter(text)
            .map(LeaveOut::One)
            .ok_or_else(|| format!("no class has this letter: give one of {}, or `each`", letters()))
    }
}

/// One trial that is to be run.
struct Planned {
    case: Case,
    seed: u64,
    candidates: Candidates,
}

/// One that was.
struct Tried {
    case: Case,
    trial: Trial,
}

/// Runs the command.
pub(super) fn run(args: &MatrixArgs) -> Ended {
    let seeds = args.seeds(1);
    let mut planned: Vec<Planned> = Vec::new();
    for seed in seeds.clone() {
        let cases = if args.sizes { cases(seed) } else { zoo_cases()? };
        planned.extend(cases.into_iter().filter_map(|case| plan(args, seed, case)));
    }
    if planned.is_empty() {
        let only = args.only.as_deref().unwrap_or_default();
        return Err(CliError::usage(
            format!("no case of the sweep is of class `{only}` or has it in its settings"),
            "give a class (`C`), `pairs`, `healthy`, or a part of a setting (`queue-slots=4`), or leave --only out",
        ));
    }
    let twins = if args.twin { Twins::Run } else { Twins::LeftOut };
    let tried = in_parallel(&planned, args.jobs, |planned| {
        let trial = on_a_paused_clock(async { Ok(Box::pin(try_case(&planned.case, planned.seed, &planned.candidates, twins)).await?) })?;
        Ok(Tried { case: planned.case.clone(), trial })
    })?;
    let measures = match args.leave_out {
        Some(_) => measures::left_out(&tried),
        None => measures::all(&tried).into_iter().chain(twins::measures(&tried)).collect(),
    };
    let text = match args.format {
        MatrixFormat::Markdown => table::markdown(&tried, &measures, &seeds),
        MatrixFormat::Json => table::json(&tried, &measures),
    };
    output::print(&text)?;
    Ok(if measures.iter().all(Measure::is_met) { Exit::Pass } else { Exit::Fail })
}

/// The presets with a fault, each with the settings that make it.
fn zoo_cases() -> Result<Vec<Case>, RunError> {
    let case = |configuration: &Configuration| {
        Case::of_preset(configuration.service, configuration.workers, configuration.causes, configuration.also)
    };
    zoo().map(case).collect::<Result<_, _>>().map_err(|error| RunError::Service(error.into()))
}

/// A case as it is to be tried; `None` if it is not wanted.
fn plan(args: &MatrixArgs, seed: u64, case: Case) -> Option<Planned> {
    if !args.only.as_deref().is_none_or(|only| is_meant(&case, only)) {
        return None;
    }
    let candidates = match (&args.leave_out, case.group) {
        (None, _) => Candidates::all(),
        (Some(LeaveOut::Each), Group::One(class)) => Candidates::without(class),
        (Some(LeaveOut::One(left_out)), Group::One(class)) if *left_out == class => Candidates::without(class),
        (Some(_), _) => return None,
    };
    Some(Planned { case, seed, candidates })
}

/// Whether `--only` means a case: by its row of the table, or by its settings.
fn is_meant(case: &Case, only: &str) -> bool {
    match FaultClass::from_letter(only) {
        Some(class) => case.group == Group::One(class),
        None => table::row(case.group) == only || case.settings().contains(only),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_to_be_left_out_is_read_by_its_letter() {
        assert_eq!(LeaveOut::from_str("C'"), Ok(LeaveOut::One(FaultClass::CPrime)));
        assert_eq!(LeaveOut::from_str("each"), Ok(LeaveOut::Each));
        let refused = LeaveOut::from_str("AB").expect_err("no class");
        assert!(refused.ends_with("X, Y, Z, or `each`"), "{refused}");
    }
}
