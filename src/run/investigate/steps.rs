//! Goes through an investigation: one step after the other, each decided on what is known by then.

use std::sync::Arc;
use std::time::Duration;

use crate::analysis::diagnosis::Pattern;
use crate::analysis::{Analysis, analyse_among};
use crate::model::fault::FaultClass;
use crate::model::run::{EndReason, Journal, Run};
use crate::model::scenario::Scenario;
use crate::model::time::Stamp;
use crate::probe::{Jobs, Probe, Which};
use crate::run::Limits;
use crate::run::investigate::Explaining;
use crate::run::investigate::plan::{JobBudget, Stage};

/// An investigation of one target.
pub struct Investigation<'a> {
    /// What sends and records; its recorder must keep what it records.
    pub probe: &'a Arc<Probe>,
    /// The log's header.
    pub header: &'a Run,
    /// How much may be asked of it.
    pub limits: Limits,
    /// The jobs that may be started: the probe counts them.
    pub jobs: Jobs,
    /// How long it may take.
    pub budget: Duration,
    /// How it explains what it finds.
    pub explaining: Explaining,
}

/// What an investigation does, for people who watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// A step begins.
    Stage(Stage),
    /// A scenario is left out for lack of jobs.
    LeftOut(String),
    /// The target shows strain, so less is asked of it at a time.
    Strain(String),
    /// So many jobs have to end before the next step.
    Waits(usize),
    /// The causes that are still possible are simulated, to see whether one more scenario would tell them apart.
    Simulates,
    /// This scenario is run once more, because it tells two causes apart.
    Again(String),
}

/// How long jobs may stand still before they are no longer waited for between two steps: where the target shows strain, and where it
/// does not.
const LONGEST_WAIT: Duration = Duration::from_secs(15);
const SHORT_WAIT: Duration = Duration::from_secs(5);

impl Investigation<'_> {
    /// Goes through the steps until there is nothing left to ask, or the budget is spent. `note` hears of each step.
    pub async fn run(&self, note: impl Fn(&Progress)) -> EndReason {
        let deadline = self.probe.clock().now().after(self.budget);
        let mut journal = empty(self.header);
        let steps = self.steps(&mut journal, deadline, note);
        tokio::time::timeout(self.budget, steps).await.unwrap_or(EndReason::Budget)
    }

    async fn steps(&self, journal: &mut Journal, deadline: Stamp, note: impl Fn(&Progress)) -> EndReason {
        let mut analysis = analyse_among(journal, &self.explaining.candidates);
        let mut step = Some(Stage::FIRST);
        let mut strained = 0;
        while let Some(stage) = step {
            note(&Progress::Stage(stage));
            let scenarios = self.affordable(stage, journal, &analysis, &note);
            if stage == Stage::Further && scenarios.is_empty() {
                // Nothing that is left to ask can be afforded.
                break;
            }
            journal.scenarios.extend(scenarios.iter().cloned());
            if let Err(halt) = self.probe.run_also(&scenarios).await {
                return halt.reason();
            }
            self.read(journal);
            analysis = analyse_among(journal, &self.explaining.candidates);
            step = stage.next(&analysis, self.limits.max_rps);
            let signs = self.probe.signs();
            let shows_strain = signs.total() > strained;
            if shows_strain {
                strained = signs.total();
                note(&Progress::Strain(signs.to_string()));
            }
            if step.is_some() {
                let before = journal.exchanges.len();
                self.wait_for_jobs(shows_strain, deadline, longest_window(&analysis), &note).await;
                if asks_otherwise(&analysis) {
                    self.probe.ask_otherwise().await;
                }
                self.read(journal);
                if journal.exchanges.len() > before {
                    // What was seen meanwhile may change what is worth asking.
                    analysis = analyse_among(journal, &self.explaining.candidates);
                    step = stage.next(&analysis, self.limits.max_rps);
                }
            }
        }
        if let Some(scenario) = self.separating(journal, deadline, &note).await {
            note(&Progress::Again(scenario.name.clone()));
            journal.scenarios.push(scenario.clone());
            if let Err(halt) = self.probe.run_also(&[scenario]).await {
                return halt.reason();
            }
            self.read(journal);
        }
        // How many jobs are left behind is worth a look at each, where there is time for it.
        self.probe.look_at_all().await;
        if asks_otherwise(&analysis) {
            self.probe.ask_otherwise().await;
        }
        EndReason::Complete
    }

    /// The scenarios of a step within all limits. What is left out is told, and stands in the log.
    fn affordable(&self, stage: Stage, journal: &mut Journal, analysis: &Analysis, note: &impl Fn(&Progress)) -> Vec<Scenario> {
        let scenarios = self.limits.apply(stage.scenarios(journal, analysis, self.header.target.can, self.limits.max_rps));
        let Some(left) = self.jobs.left() else { return scenarios };
        let budget = JobBudget { most: left + self.jobs.started(), left };
        let (scenarios, left_out) = stage.within_jobs(scenarios, analysis, budget);
        // What was asked before and is not asked once more leaves nothing unknown that was known.
        for not_asked in left_out.into_iter().filter(|_| stage != Stage::Further) {
            note(&Progress::LeftOut(not_asked.scenario.clone()));
            self.probe.leave_out(&not_asked);
            journal.not_asked.push(not_asked);
        }
        scenarios
    }

    fn read(&self, journal: &mut Journal) {
        journal.exchanges.extend(self.probe.recorder().kept_from(journal.exchanges.len()));
        crate::log::in_order(&mut journal.exchanges);
    }

    /// A queue of our own jobs would be measured by the next step. Under strain all of them are waited for, else those that may not
    /// have begun.
    async fn wait_for_jobs(&self, strained: bool, deadline: Stamp, longest: Duration, note: &impl Fn(&Progress)) {
        let now = self.probe.clock().now();
        let left = deadline.elapsed_from(now);
        let (which, patience, latest) = if strained {
            (Which::All, LONGEST_WAIT.min(left / 4), left / 3)
        } else {
            // What took so long once may take as long again.
            (Which::Denied, SHORT_WAIT.min(left / 10).max(longest * 2).min(left / 4), left / 2)
        };
        let jobs = self.probe.waits_for(which);
        if jobs > 0 {
            note(&Progress::Waits(jobs));
            self.probe.wait_for(which, patience, now.after(latest)).await;
        }
    }
}

/// The longest window that was seen to end.
fn longest_window(analysis: &Analysis) -> Duration {
    let ends = analysis.window.brackets.iter().filter(|bracket| bracket.0 > 0.0).filter_map(|bracket| bracket.1.get());
    Duration::from_secs_f64(ends.fold(0.0, f64::max) / 1e3)
}

/// Whether some scans may be out of this caller's sight for good.
fn asks_otherwise(analysis: &Analysis) -> bool {
    let never = [FaultClass::K, FaultClass::L, FaultClass::M];
    let possible = analysis.diagnosis.patterns.iter().flat_map(Pattern::possible);
    never.iter().any(|class| analysis.diagnosis.names(*class)) || possible.into_iter().any(|class| never.contains(class))
}

/// A log in which nothing stands yet.
pub(super) fn empty(header: &Run) -> Journal {
    Journal {
        run: header.clone(),
        scenarios: Vec::new(),
        exchanges: Vec::new(),
        stopped: Vec::new(),
        not_asked: Vec::new(),
        inside: crate::model::span::Inside::default(),
        end: None,
        torn: false,
    }
}
