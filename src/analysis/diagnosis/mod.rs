//! From findings to causes: which fault classes the log supports, and which it rules out by which probe.

use serde::{Deserialize, Serialize};

use crate::model::fault::FaultClass;

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
