//! The same steps where only so many jobs may be started: each scenario as small as the limit asks for, and the rest left out by
//! name.
//!
//! Every job may cost its owner money or an hour of a machine. A step gets a part of the whole limit, so that the steps after it
//! have theirs. In a step each scenario first gets the fewest jobs with which it tells anything, in the order of what it tells;
//! what is left is dealt out by their usual sizes.

use crate::model::fault::FaultClass::{self, A, B, C, CPrime, D, E, F, G, H, I, J, K, L, M, O, P, Q, S, T, U, W};
use crate::model::plan::Plan;
use crate::model::run::NotAsked;
use crate::model::scenario::{Action, Scenario};
use crate::run::investigate::plan::Stage;
use crate::run::investigate::plan::question::Question;

/// The fewest scans with which a scenario tells anything: what the diagnosis asks for, such as 8 at once for a queue, 5 or 6 in each arm
/// of pairs (fewer cannot reach the error that the test of pairs allows), or 3 cancels. And the classes that are open without it.
fn need(question: Question) -> (u32, &'static [FaultClass]) {
    match question {
        Question::Controls | Question::Addresses => (1, &[]),
        Question::Alone => (1, &[A, B, C, D, E, G, K, L, M]),
        Question::Together => (8, &[E]),
        Question::ToTheEnd => (1, &[F, O]),
        Question::Pollers => (2, &[B]),
        Question::Kept => (10, &[P]),
        Question::Dense => (1, &[CPrime, H]),
        Question::Foreign => (1, &[Q]),
        Question::Again => (1, &[J]),
        Question::AtOnce => (10, &[I]),
        Question::SingleShots => (8, &[A, F, G, L, M]),
        Question::SecondWrite => (3, &[C, S, T]),
        Question::Unasked => (6, &[U]),
        Question::Observer => (12, &[D]),
        Question::Ends => (15, &[U, W]),
        Question::ManyIds => (8, &[K, L, M]),
        Question::Lattice => (6, &[G]),
        Question::Edge => (4, &[]),
        Question::Deeper => (16, &[E]),
        Question::Later => (2, &[B, CPrime]),
    }
}

/// A limit of jobs, and how much of it is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobBudget {
    /// In the whole investigation.
    pub most: u64,
    /// Not started yet.
    pub left: u64,
}

/// The scenarios of a step within a limit, and those that are left out. `narrowing`: there is something to be told apart, so that
/// the steps for it must have their part.
pub fn within(stage: Stage, scenarios: Vec<Scenario>, budget: JobBudget, narrowing: bool) -> (Vec<Scenario>, Vec<NotAsked>) {
    let planned: u64 = scenarios.iter().map(jobs).sum();
    let by_now = budget.most * share(stage, narrowing) / 100;
    let mut allowance = by_now.saturating_sub(budget.most - budget.left);
    // What a step cannot do without is not kept back for later ones.
    allowance = allowance.max(scenarios.iter().map(fewest).sum()).min(budget.left);
    if planned <= allowance {
        return (scenarios, Vec::new());
    }
    let mut order: Vec<usize> = (0..scenarios.len()).collect();
    order.sort_by_key(|index| Question::of(&scenarios[*index]));
    let mut given = vec![0; scenarios.len()];
    let mut left_out = Vec::new();
    let mut left = allowance;
    for index in order {
        let (scenario, needs) = (&scenarios[index], fewest(&scenarios[index]));
        if needs <= left {
            given[index] = needs;
            left -= needs;
        } else {
            left_out.push(NotAsked {
                scenario: scenario.name.clone(),
                title: scenario.title.clone(),
                needs,
                left,
                classes: Question::of(scenario).map(|question| need(question).1.to_vec()).unwrap_or_default(),
            });
        }
    }
    // The rest by usual sizes. Rounded down, so that the sum stays within the limit.
    let wanted = |index: usize| if given[index] > 0 { jobs(&scenarios[index]) - given[index] } else { 0 };
    let all: u64 = (0..scenarios.len()).map(wanted).sum();
    let more: Vec<u64> = (0..scenarios.len()).map(|index| (wanted(index) * left).checked_div(all).unwrap_or(0)).collect();
    let within = scenarios.into_iter().zip(given.iter().zip(&more)).filter_map(|(mut scenario, (given, more))| {
        let each = cost(&scenario);
        if jobs(&scenario) > 0 {
            scenario.load.scans = ((given + more) / each) as u32;
        }
        (scenario.load.scans > 0 || Plan::of(&scenario).total() > 0 && each == 0).then_some(scenario)
    });
    (within.collect(), left_out)
}

/// How much of the limit may be used by the end of a step, in percent.
fn share(stage: Stage, narrowing: bool) -> u64 {
    match stage {
        Stage::Controls | Stage::Alone => 10,
        Stage::Together => 16,
        Stage::Survey if narrowing => 38,
        Stage::Survey => 45,
        Stage::SingleShots if narrowing => 60,
        Stage::Separate => 80,
        Stage::SingleShots | Stage::Further | Stage::Edge => 100,
    }
}

/// The jobs that a scenario starts.
fn jobs(scenario: &Scenario) -> u64 {
    u64::from(scenario.load.scans) * cost(scenario)
}

/// The jobs that each of its scans starts.
fn cost(scenario: &Scenario) -> u64 {
    if scenario.then.as_ref().is_some_and(|then| then.action == Action::Repeat) { 2 } else { 1 }
}

/// The fewest jobs with which a scenario tells anything; one that is small already needs no more than it has.
fn fewest(scenario: &Scenario) -> u64 {
    u64::from(Question::of(scenario).map_or(1, |question| need(question).0).min(scenario.load.scans)) * cost(scenario)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::source::Source;

    fn scenario(name: &str, scans: u32, more: &str) -> Scenario {
        let text = format!(
            "name = \"{name}\"\ntitle = \"t\"\nsource = \"s\"\n[load]\nscans = {scans}\nevery = \"1ms\"\n[polls]\noffsets = [\"0s\"]\n{more}"
        );
        Scenario::read(Source { file: "x.toml", text: &text }).unwrap_or_else(|error| panic!("{error}"))
    }

    const REPEAT: &str = "[follow]\nuntil = \"visible\"\nevery = \"1s\"\ndeadline = \"9s\"\n[then]\naction = \"repeat\"\nwhen = \"visible\"\noffsets = [\"0s\"]\n";

    #[test]
    fn a_step_never_starts_more_jobs_than_are_left_and_names_what_it_leaves_out() {
        for (most, left) in (1..80).flat_map(|most| (0..=most).map(move |left| (most, left))) {
            for stage in [Stage::Together, Stage::Survey, Stage::SingleShots, Stage::Separate] {
                let all =
                    vec![scenario("again", 2, REPEAT), scenario("kept", 12, ""), scenario("to-the-end", 2, ""), scenario("dense", 1, "")];
                let wanted = all.len();
                let (within, left_out) = super::within(stage, all, JobBudget { most, left }, true);
                let started: u64 = within.iter().map(|scenario| Plan::of(scenario).jobs()).sum();
                assert!(started <= left, "{stage:?} {most} {left}: {started}");
                assert_eq!(within.len() + left_out.len(), wanted, "{stage:?} {most} {left}");
                assert!(within.iter().all(|scenario| scenario.load.scans > 0));
            }
        }
    }

    #[test]
    fn an_ample_limit_changes_nothing_and_a_scenario_without_jobs_always_runs() {
        let usual = vec![scenario("kept", 12, ""), scenario("dense", 1, "")];
        assert_eq!(within(Stage::Survey, usual.clone(), JobBudget { most: 1000, left: 900 }, true), (usual, Vec::new()));
        let controls = vec![scenario("controls", 0, "")];
        assert_eq!(within(Stage::Controls, controls.clone(), JobBudget { most: 1, left: 0 }, false), (controls, Vec::new()));
    }
}
