//! Runs an inquiry: one step after the other, each decided on what is known by then.

// Writing to a String cannot fail.
use std::fmt::Write as _;

use std::sync::Arc;
use std::time::Duration;

use crate::analysis::{Analysis, analyse};
use crate::cli::contact;
use crate::cli::limits::Limits;
use crate::inquiry::{JobBudget, Stage};
use crate::model::plan::Plan;
use crate::model::run::{Capabilities, EndReason, Journal, Run};
use crate::model::scenario::{LoadModel, Scenario};
use crate::model::time::{Span, Stamp};
use crate::model::wording::{counted, planned_span};
use crate::probe::{Jobs, Probe, Which};

#[cfg(test)]
mod tests;

/// An inquiry about one target.
pub struct Investigation<'a> {
    /// What sends and records; its recorder must keep what it records.
    pub probe: &'a Arc<Probe>,
    /// The log's header.
    pub header: &'a Run,
    /// What the target's contract allows for.
    pub can: Capabilities,
    /// How much may be asked of it.
    pub limits: Limits,
    /// The jobs that may be started: the probe counts them.
    pub jobs: Jobs,
    /// How long it may take.
    pub budget: Duration,
}

/// What an inquiry may do at most, before anything is known of its target.
pub struct Outline {
    /// The log's header.
    pub header: Run,
    /// What the target's contract allows for.
    pub can: Capabilities,
    /// How much may be asked of it.
    pub limits: Limits,
    /// The most jobs that it starts.
    pub most: u64,
    /// How long it may take.
    pub budget: Span,
    /// For how long it is put off by 429.
    pub max_wait: Span,
}

impl Outline {
    /// Step by step, in words. A step's scenarios depend on what the ones before it find; each stands here as large as it can be
    /// within the limits.
    pub fn told(&self) -> String {
        let journal = journal(&self.header);
        let mut text = String::new();
        let [mut requests, mut jobs_in_all] = [0, 0];
        if self.header.target.service.is_none() {
            let _ = writeln!(text, "first contact\n  {}", contact::OUTLINE);
            jobs_in_all += 1;
        }
        for stage in Stage::all(self.limits.max_rps) {
            let _ = writeln!(text, "{}{}", stage.title(), condition(stage));
            for scenario in self.limits.apply(stage.outline(&journal, self.can, self.limits.max_rps)) {
                let plan = Plan::towards(&scenario, self.can);
                let jobs = plan.jobs().min(self.most);
                let kinds: Vec<String> = plan.requests.iter().map(|(kind, n)| counted(*n, kind.noun())).collect();
                let _ = writeln!(text, "  {}: {}", scenario.name, scenario.title);
                let _ = writeln!(text, "    at most {}; {}{}", counted(jobs, "job"), kinds.join(", "), pace(&scenario));
                requests += plan.total();
                jobs_in_all += plan.jobs();
            }
        }
        let jobs = jobs_in_all.min(self.most);
        let rate = self.limits.max_rps.map_or_else(String::new, |rps| format!(", at most {rps} requests per second"));
        let _ = writeln!(
            text,
            "at most {} in all (--max-jobs {}): scenarios that would need more get fewer, or are left out and named\n\
             at most {}{rate}, besides first contact and looks at jobs that have not ended; where a window is found, jobs are followed\n\
             for up to twice as long as it lasts, with more requests\n\
             fewer jobs at a time when initiates fail or slow down; ends after {} in any case (--budget), and after {} of nothing but 429\n\
             nothing was sent",
            counted(jobs, "job"),
            self.most,
            counted(requests, "request"),
            self.budget,
            self.max_wait
        );
        text
    }
}

/// When a step is taken.
fn condition(stage: Stage) -> &'static str {
    match stage {
        Stage::Controls => "",
        Stage::Alone | Stage::Together | Stage::Survey => ", unless never-issued ids are visible",
        Stage::SingleShots => ", unless a queue was found",
        Stage::Separate => ", if jobs were denied or never seen",
        Stage::Edge => ", if jobs were denied at first and connections agree",
    }
}

/// How fast a scenario starts its scans.
fn pace(scenario: &Scenario) -> String {
    match scenario.load.model {
        _ if scenario.load.scans < 2 => String::new(),
        LoadModel::Open { every } if every.0.is_zero() => "; all jobs at once".to_owned(),
        LoadModel::Open { every } => format!("; a job every {}", planned_span(every)),
        LoadModel::Closed { in_flight } => format!("; {in_flight} at a time"),
    }
}

/// What an inquiry does, for people who watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// A step begins.
    Stage(Stage),
    /// A scenario is left out for lack of jobs.
    LeftOut(String),
    /// The target shows strain, so less is asked of it at a time.
    Strain(String),
    /// So many jobs have to end before the next step.
    Waits(usize),
}

/// How long jobs may stand still before they are no longer waited for between two steps: where the target shows strain, and where it
/// does not.
const LONGEST_WAIT: Duration = Duration::from_secs(15);
const SHORT_WAIT: Duration = Duration::from_secs(5);

impl Investigation<'_> {
    /// Goes through the steps until there is nothing left to ask, or the budget is spent. `note` hears of each step. Gives
    /// back why it ended, and the scenarios that it decided on.
    pub async fn run(&self, note: impl Fn(Note)) -> (EndReason, Vec<Scenario>) {
        let clock = self.probe.clock();
        let deadline = clock.now().after(self.budget);
        let mut journal = journal(self.header);
        let reason = match tokio::time::timeout(self.budget, self.steps(&mut journal, deadline, note)).await {
            Err(_) => EndReason::Budget,
            Ok(reason) => reason,
        };
        (reason, journal.scenarios)
    }

    async fn steps(&self, journal: &mut Journal, deadline: Stamp, note: impl Fn(Note)) -> EndReason {
        let mut analysis = analyse(journal);
        let mut step = Some(Stage::FIRST);
        let mut strained = 0;
        while let Some(stage) = step {
            note(Note::Stage(stage));
            let scenarios = self.affordable(stage, journal, &analysis, &note);
            journal.scenarios.extend(scenarios.iter().cloned());
            if let Err(halt) = self.probe.run_also(&scenarios).await {
                return halt.reason();
            }
            self.read(journal);
            analysis = analyse(journal);
            step = stage.next(&analysis, self.limits.max_rps);
            let signs = self.probe.signs();
            let shows_strain = signs.total() > strained;
            if shows_strain {
                strained = signs.total();
                note(Note::Strain(signs.to_string()));
            }
            if step.is_some() {
                let before = journal.exchanges.len();
                self.wait_for_jobs(shows_strain, deadline, &note).await;
                self.read(journal);
                if journal.exchanges.len() > before {
                    // What was seen meanwhile may change what is worth asking.
                    analysis = analyse(journal);
                    step = stage.next(&analysis, self.limits.max_rps);
                }
            }
        }
        // How many jobs are left behind is worth a look at each, where there is time for it.
        self.probe.look_at_all().await;
        EndReason::Complete
    }

    /// The scenarios of a step within all limits. What is left out is told, and stands in the log.
    fn affordable(&self, stage: Stage, journal: &mut Journal, analysis: &Analysis, note: &impl Fn(Note)) -> Vec<Scenario> {
        let scenarios = self.limits.apply(stage.scenarios(journal, analysis, self.can, self.limits.max_rps));
        let Some(left) = self.jobs.left() else { return scenarios };
        let budget = JobBudget { most: left + self.jobs.started(), left };
        let (scenarios, left_out) = stage.within_jobs(scenarios, analysis, budget);
        for not_asked in left_out {
            note(Note::LeftOut(not_asked.scenario.clone()));
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
    async fn wait_for_jobs(&self, strained: bool, deadline: Stamp, note: &impl Fn(Note)) {
        let now = self.probe.clock().now();
        let left = deadline.elapsed_from(now);
        let (which, patience, latest) = if strained {
            (Which::All, LONGEST_WAIT.min(left / 4), left / 3)
        } else {
            (Which::Denied, SHORT_WAIT.min(left / 10), left / 2)
        };
        let jobs = self.probe.waits_for(which);
        if jobs > 0 {
            note(Note::Waits(jobs));
            self.probe.wait_for(which, patience, now.after(latest)).await;
        }
    }
}

/// A log in which nothing stands yet.
fn journal(header: &Run) -> Journal {
    Journal {
        run: header.clone(),
        scenarios: Vec::new(),
        exchanges: Vec::new(),
        stopped: Vec::new(),
        not_asked: Vec::new(),
        end: None,
        torn: false,
    }
}
