//! What keeps two runs, or parts of them, from being compared, and what to know where they are. The sentences are made in `report`.

use crate::model::time::Span;

/// One of the two runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The run that is compared with.
    Old,
    /// The run that is judged.
    New,
}

/// Why the two runs do not compare at all; what they differ in, old and new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mismatch {
    /// The targets' names.
    Target(String, String),
    /// The fingerprints of the target files.
    Contract(String, String),
    /// Real or virtual time.
    Time(String, String),
}

/// What a reader should know of the two runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// Of one only a result is known.
    ResultOnly(Side),
    /// They were made on different machines.
    Machines(String, String),
    /// They were made by different versions.
    Versions(String, String),
    /// In these scenarios all scans of the one run were denied and none of the other.
    OneWay(Vec<String>),
}

/// Why a scenario was not compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotCompared {
    /// It is not in one run.
    Missing(Side),
    /// One run did not measure it, with the reason in words, as baselines keep it.
    NotMeasured(Side, String),
    /// It was run in another way.
    Conditions(Vec<ConditionChange>),
}

/// A condition in which two runs of a scenario differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionChange {
    /// Which, by its name in a baseline.
    pub condition: String,
    /// What it was; `None`: it was not set.
    pub base: Option<String>,
    /// What it is.
    pub new: Option<String>,
}

/// What could not be asked of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeftOut {
    /// Denials at an offset, of which one run has no sample.
    NoSample {
        /// The age.
        at: Span,
        /// The arm's name.
        arm: String,
    },
    /// Denials at an offset that the old run did not poll.
    NewOffset {
        /// The age.
        at: Span,
        /// The arm's name.
        arm: String,
    },
    /// Windows: no scan of one run has one.
    NoWindows,
    /// Windows: of one run only a result is known.
    WindowsOfResult,
    /// Round trips: of one run only a result is known.
    RoundTripsOfResult,
}
