//! What to ask next: from what is known of a target to the scenarios that tell the remaining causes apart.
//!
//! Pure like the analysis: in goes what the log says so far, out come scenarios; the caller runs them and asks again. The
//! order is that of a person who knows the traps: controls first, a scan alone before scans together, fresh connections and
//! settled ages before anything dense, and the probes that separate two causes only when both are still possible.

mod further;
mod question;
mod scenarios;
mod within_jobs;
mod within_rate;

pub use within_jobs::JobBudget;

use crate::analysis::Analysis;
use crate::model::fault::FaultClass;
use crate::model::run::{Capabilities, Journal, NotAsked};
use crate::model::scenario::Scenario;
use crate::run::investigate::plan::scenarios::Known;

/// A step of the investigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Ids that were never issued: if they are "visible", nothing else means anything.
    Controls,
    /// A few scans one after the other: what a patient client sees.
    Alone,
    /// Scans all at once: does the window grow with their number?
    Together,
    /// Fresh and kept connections, several pollers, a foreign user, dense traces, scans watched beyond their end.
    Survey,
    /// One poll per scan, at many ages, and many at once.
    SingleShots,
    /// Whatever separates what is still possible.
    Separate,
    /// More of what separates causes that are still not told apart.
    Further,
    /// More scans near the window's edge.
    Edge,
}

impl Stage {
    /// The first step.
    pub const FIRST: Stage = Stage::Controls;

    /// What it is about, for people who watch.
    pub fn title(self) -> &'static str {
        match self {
            Stage::Controls => "never-issued ids",
            Stage::Alone => "scans one by one",
            Stage::Together => "scans all at once",
            Stage::Survey => "connections, pollers, users, dense traces",
            Stage::SingleShots => "one poll per scan",
            Stage::Separate => "telling the causes apart",
            Stage::Further => "more of what tells the remaining causes apart",
            Stage::Edge => "locating the window's edge",
        }
    }

    /// The step after this one, in the light of what is known; `None` when there is nothing left to ask. Steps that cannot be
    /// afforded at so many requests per second are passed over.
    pub fn next(self, analysis: &Analysis, max_rps: Option<f64>) -> Option<Stage> {
        let next = self.successor(analysis)?;
        if within_rate::affords(next, max_rps) { Some(next) } else { next.next(analysis, max_rps) }
    }

    fn successor(self, analysis: &Analysis) -> Option<Stage> {
        let known = Known::of(analysis);
        match self {
            Stage::Controls if analysis.honest == Some(false) => None,
            Stage::Controls => Some(Stage::Alone),
            Stage::Alone => Some(Stage::Together),
            Stage::Together => Some(Stage::Survey),
            // A queue that is still draining would be measured by everything that comes after.
            Stage::Survey if analysis.diagnosis.names(FaultClass::E) => further(analysis),
            Stage::Survey => Some(Stage::SingleShots),
            Stage::SingleShots if known.has_window || known.has_lost || known.doubts_observer => Some(Stage::Separate),
            Stage::Separate if known.has_window && !known.disagrees => further(analysis).or(Some(Stage::Edge)),
            Stage::SingleShots | Stage::Separate | Stage::Further => further(analysis),
            Stage::Edge => None,
        }
    }

    /// The scenarios of this step, as large as a rate allows.
    pub fn scenarios(self, journal: &Journal, analysis: &Analysis, can: Capabilities, max_rps: Option<f64>) -> Vec<Scenario> {
        within_rate::within(scenarios::scenarios(self, journal, analysis, can), max_rps)
    }

    /// The scenarios of this step before anything is known, if it finds all that it looks for.
    pub fn outline(self, journal: &Journal, can: Capabilities, max_rps: Option<f64>) -> Vec<Scenario> {
        within_rate::within(scenarios::outline(self, journal, can), max_rps)
    }

    /// The scenarios of this step within a limit of jobs, and those that it leaves out.
    pub fn within_jobs(self, scenarios: Vec<Scenario>, analysis: &Analysis, budget: JobBudget) -> (Vec<Scenario>, Vec<NotAsked>) {
        let known = Known::of(analysis);
        within_jobs::within(self, scenarios, budget, known.has_window || known.has_lost || known.doubts_observer)
    }

    /// All steps in their order, as far as a rate allows: the most that an investigation may do, whatever is found.
    pub fn all(max_rps: Option<f64>) -> impl Iterator<Item = Stage> {
        [Stage::Controls, Stage::Alone, Stage::Together, Stage::Survey, Stage::SingleShots, Stage::Separate, Stage::Further, Stage::Edge]
            .into_iter()
            .filter(move |stage| within_rate::affords(*stage, max_rps))
    }
}

/// Goes on while causes are not told apart and something is left that would do it.
fn further(analysis: &Analysis) -> Option<Stage> {
    (!further::questions(analysis).is_empty()).then_some(Stage::Further)
}
