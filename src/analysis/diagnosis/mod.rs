//! From findings to causes: which fault classes the log supports, and which it rules out by which probe.
//!
//! A pure function of the log, in the order in which a person would decide: what voids everything else first (controls), then
//! what is seen on settled scans, then scans that are never seen, then the window at the start and what makes it. A class is
//! named only on evidence of its own; what these probes cannot tell apart is said, with the probe that would.

mod case;
mod claims;
mod flapping;
mod never;
mod start;

use serde::{Deserialize, Serialize};

use crate::analysis::ScenarioAnalysis;
use crate::analysis::diagnosis::case::{Case, Looks};
use crate::analysis::scan::ScanHistory;
use crate::model::fault::FaultClass;
use crate::model::run::Journal;

/// What the log says about causes. Empty when nothing is wrong.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Diagnosis {
    /// The supported classes, strongest first.
    pub causes: Vec<Cause>,
    /// The classes that a probe excludes.
    pub ruled_out: Vec<RuledOut>,
    /// What these probes cannot tell apart, in words, with the probe that would.
    pub undecided: Vec<String>,
}

/// One supported class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cause {
    /// The class.
    pub class: FaultClass,
    /// How well it is supported.
    pub strength: Strength,
    /// What supports it, with numbers.
    pub evidence: Vec<String>,
}

/// How well a class is supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// Compatible, and nothing better explains what was seen.
    Weak,
    /// Its signature was seen, but the probe that tells it from its neighbours was not run.
    Moderate,
    /// Its signature was seen and its neighbours were excluded.
    Strong,
}

/// One excluded class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuledOut {
    /// The class.
    pub class: FaultClass,
    /// The probe, and what it showed.
    pub by: String,
}

impl Diagnosis {
    /// Whether a class is among the causes.
    pub fn names(&self, class: FaultClass) -> bool {
        self.causes.iter().any(|cause| cause.class == class)
    }

    fn found(&mut self, class: FaultClass, strength: Strength, evidence: Vec<String>) {
        self.causes.push(Cause { class, strength, evidence });
    }

    fn excluded(&mut self, class: FaultClass, by: String) {
        self.ruled_out.push(RuledOut { class, by });
    }
}

/// Diagnoses a log from its scans and what was found of each scenario.
pub fn diagnose(journal: &Journal, scans: &[&ScanHistory<'_>], scenarios: &[ScenarioAnalysis]) -> Diagnosis {
    let mut diagnosis = Diagnosis::default();
    if claims::unknown_masked(&mut diagnosis, journal, scenarios) {
        // If everything is "visible", no other signature means anything.
        return diagnosis;
    }
    let looks = Looks::of(scans);
    let case = Case::new(journal, scans, &looks);
    claims::foreign_disclosure(&mut diagnosis, scenarios);
    claims::wrong_job(&mut diagnosis, scenarios);
    let flapping = flapping::diagnose(&mut diagnosis, &case);
    // A worker's own memory makes windows of all lengths, which must not be taken for a queue.
    let queued = flapping.kind.is_none() && start::queue(&mut diagnosis, &case);
    // Behind a long queue, and behind a cache that keeps denials, a scan may be denied as long as anybody looks.
    let observer = flapping.kind.is_none() && !queued && start::observer_effect(&mut diagnosis, &case);
    let lost = if queued || observer { never::Lost::new() } else { never::diagnose(&mut diagnosis, &case, &flapping) };
    start::diagnose(&mut diagnosis, &case, &flapping, &lost, start::Known { queued, observer });
    claims::held_response(&mut diagnosis, scenarios);
    claims::stale(&mut diagnosis, &case, scenarios, &flapping);
    if case.only_on_used_connections() {
        diagnosis.undecided.push(
            "every poll went by a connection that had carried something else, so neither what other workers know nor the cause of a \
             denial can be told: `statusgap reproduce` polls on fresh ones"
                .to_owned(),
        );
    }
    // Strongest first; among equals the order of decision stands.
    diagnosis.causes.sort_by_key(|cause| std::cmp::Reverse(cause.strength));
    let named: Vec<FaultClass> = diagnosis.causes.iter().map(|cause| cause.class).collect();
    diagnosis.ruled_out.retain(|out| !named.contains(&out.class));
    diagnosis.ruled_out.sort_by_key(|out| out.class);
    // Several probes may exclude a class; the first of them is enough.
    diagnosis.ruled_out.dedup_by_key(|out| out.class);
    diagnosis
}
