//! What is kept of a run so that a later one can be compared with it: `statusgap.baseline/1`.
//!
//! In goes a [`Journal`], out comes a [`Baseline`]: for each scenario how it was run, how many scans were denied at each offset,
//! the brackets of the windows, and a round trip for each scan, all in the order in which the scans were asked for, since
//! neighbours may depend on each other. It is small, it holds no id, no address and no secret, and equal logs give equal text.
//! Whether a run is good enough to be one is decided in `verdict`.

mod conditions;
mod series;
mod text;

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

use crate::analysis::Analysis;
use crate::analysis::scan::{ScanHistory, Scans};
use crate::model::exchange::{Connection, Kind};
use crate::model::noun::Noun;
use crate::model::run::{Journal, Pair};
use crate::model::time::Span;
use crate::statistics::compare::dependence;

pub use conditions::at_once;

/// The name and version of the form.
pub const SCHEMA: &str = "statusgap.baseline/1";

/// At most so many windows and round trips of a kind are kept; of more, these many evenly picked ones.
pub const KEPT: usize = 1_000;

/// What is kept of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Baseline {
    /// [`SCHEMA`] of the writer.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: String,
    /// The writer's name and version.
    pub tool: String,
    /// Wall clock at the start of the run, RFC 3339.
    pub started: String,
    /// The target's name.
    pub target: String,
    /// What the target calls a job; "scan" where it is not said.
    #[serde(default = "Noun::of_older_logs", skip_serializing_if = "Noun::is_of_older_logs")]
    pub noun: Noun,
    /// The settings of the reference service, where the run started one: it is one target, however it is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Fingerprint of the target file without its name and address; `None` where the source does not hold the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<String>,
    /// Whether the run lived in real or in virtual time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// The machine that probed: system and processors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    /// The run beside which this one was made. Not kept in a file: pairs are told by both logs or by neither.
    #[serde(skip)]
    pub pair: Option<Pair>,
    /// Scenario by scenario; scenarios of controls alone have nothing to compare.
    pub scenarios: Vec<ScenarioBaseline>,
}

/// What is kept of one scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioBaseline {
    /// Its name.
    pub name: String,
    /// Scans accepted.
    pub scans: u64,
    /// So many consecutive scans count as one, because they depend on each other.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub together: u64,
    /// Why nothing may be compared with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// How it was run, in words: two runs compare only where these are equal. `None` where the source does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conditions: Option<BTreeMap<String, String>>,
    /// Denials at the offsets.
    pub rates: Vec<Rate>,
    /// The windows; `None` where the source does not hold them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windows: Option<Windows>,
    /// Round trips; empty where the source does not hold them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub round_trips: Vec<RoundTrips>,
}

/// Denials at one offset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rate {
    /// The arm's name.
    pub arm: String,
    /// How the polls travelled.
    pub connection: Connection,
    /// The age.
    pub at: Span,
    /// Scans that were denied.
    pub denied: u64,
    /// Scans that were polled in time and answered.
    pub scans: u64,
    /// The same scan by scan, in their order: how many in a row were not denied, then how many were, and so on. Empty where the
    /// source does not tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<u64>,
    /// The scans' numbers. Not kept in a file.
    #[serde(skip)]
    pub numbers: Vec<u64>,
}

impl ScenarioBaseline {
    /// Whether its scans were asked for in one moment; `false` where the source does not tell.
    pub fn is_at_once(&self) -> bool {
        self.conditions.as_ref().and_then(|conditions| conditions.get("load")).is_some_and(|load| load.contains(conditions::AT_ONCE))
    }
}

impl Rate {
    /// Scan by scan: whether it was denied. Empty where the source does not tell, or does not add up.
    pub fn outcomes(&self) -> Vec<bool> {
        if self.runs.iter().copied().fold(0, u64::saturating_add) != self.scans {
            return Vec::new();
        }
        self.runs.iter().enumerate().flat_map(|(place, length)| std::iter::repeat_n(place % 2 == 1, *length as usize)).collect()
    }
}

/// The windows of a scenario's scans.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Windows {
    /// Scans of which anything was learnt.
    pub scans: u64,
    /// Those that were seen and then denied; they have no window.
    pub flapping: u64,
    /// The brackets, in ms, of scans in the order in which they were asked for: last denied, first seen (`null`: never).
    pub brackets: Vec<(f64, Option<f64>)>,
    /// The numbers of the scans behind the brackets. Not kept in a file.
    #[serde(skip)]
    pub numbers: Vec<u64>,
}

/// Round trips of one kind, one for each scan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoundTrips {
    /// Which exchanges.
    pub kind: Kind,
    /// How they travelled.
    pub connection: Connection,
    /// In ms, in the order of the scans: the median of each scan's, since those of one scan are not independent.
    pub ms: Vec<f64>,
    /// The scans' numbers. Not kept in a file.
    #[serde(skip)]
    pub numbers: Vec<u64>,
}

impl Baseline {
    /// What is to be kept of a run. `contract` is the fingerprint of its target file.
    pub fn of(journal: &Journal, analysis: &Analysis, contract: Option<String>) -> Baseline {
        let journal = analysis.read(journal);
        let scans = Scans::of(&journal.exchanges);
        let histories = scans.histories();
        let run = &journal.run;
        let scenarios = journal.scenarios.iter().enumerate().filter(|(_, scenario)| scenario.load.scans > 0);
        Baseline {
            schema: SCHEMA.to_owned(),
            tool: run.tool.clone(),
            started: run.started.clone(),
            target: run.target.name.clone(),
            noun: run.target.noun.clone(),
            service: run.target.service.clone(),
            contract,
            time: Some(if run.clock.timer == "virtual" { "virtual" } else { "real" }.to_owned()),
            machine: Some(format!("{}, {} processors", run.environment.system, run.environment.processors)),
            pair: run.pair.clone(),
            scenarios: scenarios.map(|(index, _)| scenario(journal, index, &histories)).collect(),
        }
    }

    /// The form of [`text`](Baseline::text). A reader needs less than is written.
    pub fn schema() -> Schema {
        schemars::schema_for!(Baseline)
    }

    /// The baseline as text: JSON with one line for each list of numbers, to be kept beside a project's sources.
    pub fn text(&self) -> String {
        text::text(self)
    }
}

fn scenario(journal: &Journal, index: usize, histories: &[ScanHistory<'_>]) -> ScenarioBaseline {
    let scenario = &journal.scenarios[index];
    let scans: Vec<&ScanHistory<'_>> = histories.iter().filter(|scan| scan.scenario() as usize == index).collect();
    let accepted = scans.iter().filter(|scan| scan.id().is_some()).count();
    let rates = series::rates(scenario, &scans);
    let windows = series::windows(&super::undisturbed(journal, &scans));
    let round_trips = series::round_trips(&scans);
    let together = if conditions::at_once(scenario) {
        // What happened to one of them in that moment happened to all.
        accepted.max(1)
    } else {
        let windows = windows.brackets.iter().map(|(after, until)| until.map_or(*after, |until| f64::midpoint(*after, until)));
        let rates = rates.iter().map(|rate| rate.outcomes().into_iter().map(|denied| f64::from(u8::from(denied))).collect::<Vec<f64>>());
        rates.map(|series| dependence::together(&series)).chain([dependence::together(&windows.collect::<Vec<_>>())]).max().unwrap_or(1)
    };
    ScenarioBaseline {
        name: scenario.name.clone(),
        scans: accepted as u64,
        together: together as u64,
        refused: None,
        conditions: Some(conditions::conditions(scenario)),
        rates,
        windows: Some(windows.thinned()),
        round_trips: round_trips.into_iter().map(RoundTrips::thinned).collect(),
    }
}

const fn one() -> u64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out a reference")]
const fn is_one(n: &u64) -> bool {
    *n == 1
}
