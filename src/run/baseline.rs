//! One side of a comparison: read from a log, a run's folder, a result or a saved baseline; and saving one.

use std::path::Path;

use serde::Deserialize;

use crate::analysis::baseline::{Baseline, Rate, SCHEMA, ScenarioBaseline};
use crate::log::StorageError;
use crate::log::storage::{self, LOG};
use crate::model::exchange::Connection;
use crate::model::noun::Noun;
use crate::model::time::Span;
use crate::run::{Concluded, RunError};
use crate::target::fingerprint;
use crate::verdict::comparison::{Spoilt, Unusable, usable};

/// Writes why a scenario was not measured.
type Sentence = fn(Spoilt<'_>) -> String;

/// What a file turned out to be.
pub enum Side {
    /// Something that can be compared.
    Usable(Box<Baseline>),
    /// A run that failed to measure.
    Refused(Unusable),
}

/// Reads one side of a comparison. A result is only read for itself where no log lies beside it, since it holds less.
pub fn read(path: &Path, told: Sentence) -> Result<Side, RunError> {
    if path.is_dir() {
        let (log, result) = (path.join(LOG), path.join("result.json"));
        return match (log.is_file(), result.is_file()) {
            (true, _) => Ok(of_log(&Concluded::read(&log)?, told)),
            (false, true) => read(&result, told),
            (false, false) => Err(RunError::refused(
                format!("`{}` holds neither {} nor result.json", path.display(), LOG),
                "name a run's folder, a log, a result.json, or a file written by --save-baseline",
            )),
        };
    }
    let text = std::fs::read_to_string(path).map_err(|source| StorageError::file("read", path, source))?;
    match serde_json::from_str::<Schema>(&text).ok().and_then(|file| file.schema) {
        Some(schema) if schema == SCHEMA => {
            let baseline: Baseline = serde_json::from_str(&text).map_err(|error| wrong(path, &error))?;
            Ok(Side::Usable(Box::new(baseline)))
        }
        Some(schema) if schema == "statusgap.result/1" => {
            let log = path.with_file_name(LOG);
            if log.is_file() {
                return Ok(of_log(&Concluded::read(&log)?, told));
            }
            let result: ResultFile = serde_json::from_str(&text).map_err(|error| wrong(path, &error))?;
            Ok(of_result(result))
        }
        Some(schema) => Err(RunError::refused(
            format!("{}: `{schema}` is neither {SCHEMA} nor statusgap.result/1", path.display()),
            "name a log, a run's folder, a result.json, or a file written by --save-baseline; a newer form needs a newer statusgap",
        )),
        None => {
            Ok(of_log(&Concluded::of(crate::log::read(&path.display().to_string(), text.as_bytes()).map_err(StorageError::from)?), told))
        }
    }
}

/// What a log holds. `told` says why a scenario was not measured.
pub fn of_log(concluded: &Concluded, told: Sentence) -> Side {
    let contract = Some(fingerprint(&concluded.journal.run.target.file));
    match usable(&concluded.journal, &concluded.analysis, &concluded.judgement, contract, told) {
        Ok(baseline) => Side::Usable(Box::new(baseline)),
        Err(why) => Side::Refused(why),
    }
}

/// Writes a baseline, to be kept beside a project's sources.
pub fn save(path: &Path, baseline: &Baseline) -> Result<(), RunError> {
    Ok(storage::write_whole(path, &baseline.text())?)
}

fn wrong(path: &Path, error: &serde_json::Error) -> RunError {
    RunError::refused(
        format!("{}:{}:{}: {error}", path.display(), error.line(), error.column()),
        "write it anew with `statusgap run … --save-baseline FILE`",
    )
}

/// The field by which files tell what they are.
#[derive(Debug, Deserialize)]
struct Schema {
    schema: Option<String>,
}

/// As much of a result as can be compared.
#[derive(Debug, Deserialize)]
struct ResultFile {
    tool: String,
    started: String,
    target: String,
    #[serde(default)]
    service: Option<String>,
    complete: bool,
    assessable: bool,
    scenarios: Vec<ResultScenario>,
}

#[derive(Debug, Deserialize)]
struct ResultScenario {
    name: String,
    verdict: String,
    reasons: Vec<String>,
    accepted: u64,
    offsets: Vec<ResultOffset>,
}

#[derive(Debug, Deserialize)]
struct ResultOffset {
    at_ms: f64,
    arm: String,
    connection: Connection,
    scans: u64,
    scans_denied: u64,
}

fn of_result(result: ResultFile) -> Side {
    if !result.complete {
        return Side::Refused(Unusable::Partial("the result says so"));
    }
    if !result.assessable {
        return Side::Refused(Unusable::NotAssessable("the result says that a `visible` means nothing"));
    }
    let scenarios: Vec<ScenarioBaseline> = result
        .scenarios
        .into_iter()
        .filter(|scenario| !scenario.offsets.is_empty())
        .map(|scenario| ScenarioBaseline {
            // A result does not tell which of its reasons spoil the measurement, so any does.
            refused: (scenario.verdict == "inconclusive").then(|| scenario.reasons.first().cloned().unwrap_or_default()),
            name: scenario.name,
            scans: scenario.accepted,
            together: 1,
            conditions: None,
            rates: scenario.offsets.into_iter().map(rate).collect(),
            windows: None,
            round_trips: Vec::new(),
        })
        .collect();
    if scenarios.iter().all(|scenario| scenario.scans == 0) {
        return Side::Refused(Unusable::NoScans);
    }
    Side::Usable(Box::new(Baseline {
        schema: SCHEMA.to_owned(),
        tool: result.tool,
        started: result.started,
        target: result.target,
        noun: Noun::of_older_logs(),
        service: result.service,
        contract: None,
        time: None,
        machine: None,
        pair: None,
        scenarios,
    }))
}

fn rate(offset: ResultOffset) -> Rate {
    Rate {
        arm: offset.arm,
        connection: offset.connection,
        at: Span(std::time::Duration::from_nanos((offset.at_ms.max(0.0) * 1e6).round() as u64)),
        denied: offset.scans_denied.min(offset.scans),
        scans: offset.scans,
        runs: Vec::new(),
        numbers: Vec::new(),
    }
}
