//! A log beside its twin, as somebody reads it who knows no statistics: what was denied at which age, and what of the twin.

use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::twin::aspects::Aspect;
use crate::analysis::twin::measures::{Measures, SHARE_RESOLUTION};

/// A log beside runs of its twin. Shares are from 0 to 1, ages in milliseconds since the id was known.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Picture {
    /// Denials by age.
    pub ages: Vec<AgeRow>,
    /// Jobs seen by age.
    pub seen: Vec<SeenRow>,
    /// Share of jobs denied after they had been seen.
    pub flapping: Option<Beside>,
}

/// A share of the log, and the smallest, the mean and the largest of the twin's runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the names say which")]
pub struct Beside {
    pub observed: f64,
    pub twin_from: f64,
    pub twin: f64,
    pub twin_to: f64,
}

/// Polls within an octave of ages.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct AgeRow {
    /// Where it begins.
    pub from_ms: f64,
    /// Where it ends.
    pub to_ms: f64,
    /// Polls of the log.
    pub polls: u64,
    /// Share of polls denied.
    #[serde(flatten)]
    pub denied: Beside,
}

/// Jobs seen by an age, of those that were denied at first or seen by it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct SeenRow {
    /// The age.
    pub by_ms: f64,
    /// Share of jobs that had been seen.
    #[serde(flatten)]
    pub seen: Beside,
}

impl Beside {
    fn of(observed: f64, twin: &[f64]) -> Option<Beside> {
        let (from, to) = twin.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(from, to), one| (from.min(*one), to.max(*one)));
        (!twin.is_empty()).then(|| Beside { observed, twin_from: from, twin: twin.iter().sum::<f64>() / twin.len() as f64, twin_to: to })
    }
}

impl Picture {
    pub(super) fn of(observed: &Measures, runs: &[Measures]) -> Picture {
        let beside = |aspect: Aspect| {
            let twin: Vec<f64> = runs.iter().filter_map(|run| run.aspects.get(&aspect)).map(|measured| measured.value).collect();
            Beside::of(observed.aspects.get(&aspect)?.value, &twin)
        };
        let ages = observed.aspects.iter().filter_map(|(aspect, measured)| {
            let Aspect::DeniedByAge { from_ns } = aspect else { return None };
            // The first octave reaches back to the instant at which the id was known.
            let from = from_ns.as_ms();
            let polls = (1.0 / (measured.resolution - SHARE_RESOLUTION).max(1e-9)).round() as u64;
            Some(AgeRow { from_ms: if from <= 1.0 { 0.0 } else { from }, to_ms: 2.0 * from, polls, denied: beside(*aspect)? })
        });
        Picture { ages: ages.collect(), seen: seen(observed, runs), flapping: beside(Aspect::Flapping) }
    }
}

/// Jobs seen by each age at which one octave ends, as far as the windows of the log reach.
fn seen(observed: &Measures, runs: &[Measures]) -> Vec<SeenRow> {
    let longest = observed.windows.iter().map(|(_, until)| *until).filter(|until| until.is_finite()).fold(0.0, f64::max);
    let by = |measures: &Measures, age: f64| {
        let known = measures.windows.iter().filter(|(after, until)| *until <= age || *after >= age).count();
        let seen = measures.windows.iter().filter(|(_, until)| *until <= age).count();
        (known > 0).then(|| seen as f64 / known as f64)
    };
    let mut rows = Vec::new();
    let mut age = 1.0;
    while age < 2.0 * longest {
        let twin: Vec<f64> = runs.iter().filter_map(|run| by(run, age)).collect();
        if let Some(seen) = by(observed, age).and_then(|share| Beside::of(share, &twin)) {
            rows.push(SeenRow { by_ms: age, seen });
        }
        age *= 2.0;
    }
    rows
}

impl Measures {
    /// Whether any job was denied, at first or later.
    pub(super) fn denies(&self) -> bool {
        let shares = [Aspect::DeniedAtFirst, Aspect::DeniedAfterSeen, Aspect::NeverSeen];
        shares.iter().any(|aspect| self.aspects.get(aspect).is_some_and(|measured| measured.value > 0.0))
    }
}
