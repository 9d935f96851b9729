//! What the sweep must come to.

use serde::Serialize;

use crate::cli::commands::matrix::sizes::Tried;
use crate::run::sweep::{Group, Outcome};

/// A share of the trials, and its limit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Measure {
    pub(super) name: &'static str,
    pub(super) trials: usize,
    pub(super) of: usize,
    /// The limit in percent.
    pub(super) limit: f64,
    /// Whether the share may not be larger than the limit; else it may not be smaller.
    pub(super) at_most: bool,
}

impl Measure {
    /// The share in percent.
    pub(super) fn percent(&self) -> f64 {
        100.0 * self.trials as f64 / self.of.max(1) as f64
    }

    pub(super) fn is_met(&self) -> bool {
        if self.at_most { self.percent() <= self.limit } else { self.percent() >= self.limit }
    }
}

/// The measures of a sweep with all classes.
pub(super) fn all(tried: &[Tried]) -> Vec<Measure> {
    let faulty = || tried.iter().filter(|tried| tried.case.group != Group::Healthy);
    let plain = || faulty().filter(|tried| tried.case.is_plain());
    let healthy = || tried.iter().filter(|tried| tried.case.group == Group::Healthy);
    let of = |trials: &mut dyn Iterator<Item = &Tried>, counts: &dyn Fn(Outcome) -> bool| {
        let counted: Vec<bool> = trials.map(|tried| counts(tried.trial.outcome)).collect();
        (counted.iter().filter(|counts| **counts).count(), counted.len())
    };
    let measure = |name, (trials, of), limit, at_most| Measure { name, trials, of, limit, at_most };
    let measures = [
        measure(
            "faults: right, open with the truth among what is possible, or too faint",
            of(&mut faulty(), &|outcome| outcome <= Outcome::Faint),
            98.0,
            false,
        ),
        measure(
            "faults that touch 5 % of scans for 10 ms, or more: right",
            of(&mut plain(), &|outcome| outcome == Outcome::Right),
            90.0,
            false,
        ),
        measure("faults: wrong", of(&mut faulty(), &Outcome::is_wrong), 2.0, true),
        measure("faults: wrong and strong", of(&mut faulty(), &|outcome| outcome == Outcome::WrongAndStrong), 0.5, true),
        measure("healthy services: alarms", of(&mut healthy(), &Outcome::is_wrong), 0.0, true),
    ];
    // Of no trials there is no share.
    measures.into_iter().filter(|measure| measure.of > 0).collect()
}

/// The measure of trials whose class was left out.
pub(super) fn left_out(tried: &[Tried]) -> Vec<Measure> {
    let strong = tried.iter().filter(|tried| tried.trial.outcome == Outcome::WrongAndStrong).count();
    let name = "faults of a class that is not known: another class named, and called strong";
    vec![Measure { name, trials: strong, of: tried.len(), limit: 5.0, at_most: true }]
}
