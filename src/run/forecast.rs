//! How long a run will still take, from its scenarios and from what it has shown so far. A guess for people who wait, no limit.

use std::time::Duration;

use crate::model::scenario::{Follow, LoadModel, Scenario, Until};

/// The scenarios of a run, with how far each is.
#[derive(Debug, Clone)]
pub struct Forecast {
    scenarios: Vec<(Scenario, Stage)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waits,
    /// Since so long after the run's beginning.
    Runs(Duration),
    Over,
}

impl Forecast {
    /// Before the first of these scenarios has begun.
    pub fn of(scenarios: &[Scenario]) -> Forecast {
        Forecast { scenarios: scenarios.iter().map(|scenario| (scenario.clone(), Stage::Waits)).collect() }
    }

    /// A scenario is decided on during the run.
    pub fn also(&mut self, scenario: &Scenario) {
        self.scenarios.push((scenario.clone(), Stage::Waits));
    }

    /// A scenario begins, so long after the run did.
    pub fn begins(&mut self, scenario: u32, now: Duration) {
        self.set(scenario, Stage::Runs(now));
    }

    /// A scenario has ended.
    pub fn ends(&mut self, scenario: u32) {
        self.set(scenario, Stage::Over);
    }

    fn set(&mut self, scenario: u32, stage: Stage) {
        if let Some((_, of)) = self.scenarios.get_mut(scenario as usize) {
            *of = stage;
        }
    }

    /// The names of the scenarios that run.
    pub fn running(&self) -> impl Iterator<Item = &str> {
        self.scenarios.iter().filter(|(_, stage)| matches!(stage, Stage::Runs(_))).map(|(scenario, _)| scenario.name.as_str())
    }

    /// How long it still takes if the jobs to come are like those so far; `None` once nothing is known to be left.
    pub fn left(&self, now: Duration, shown: Shown) -> Option<Left> {
        // When the next scenario begins, and when all those that may have company have ended, and all that overlap.
        let (mut next, mut company, mut beside) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        let mut is_limit = false;
        for (scenario, stage) in &self.scenarios {
            let (all, waits) = takes(scenario, shown);
            let elapsed = match stage {
                Stage::Over => continue,
                Stage::Waits => Duration::ZERO,
                Stage::Runs(began) => now.saturating_sub(*began),
            };
            let left = all.saturating_sub(elapsed);
            is_limit |= waits;
            if scenario.overlap {
                let begins = if *stage == Stage::Waits { next } else { Duration::ZERO };
                beside = beside.max(begins + left);
            } else if scenario.side_by_side && shown.alike {
                company = company.max(next + left);
                next += starting(scenario).saturating_sub(elapsed);
            } else {
                next = next.max(company) + left;
            }
        }
        let left = next.max(company).max(beside);
        (!left.is_zero()).then_some(if is_limit { Left::AtMost(left) } else { Left::About(left) })
    }
}

/// What jobs have shown so far: the longest of each.
#[derive(Debug, Clone, Copy)]
pub struct Shown {
    /// How long a job was denied.
    pub window: Duration,
    /// How long a job took to its end; `None`: none has ended yet.
    pub job: Option<Duration>,
    /// Whether one window explains all of them, so that scenarios run side by side.
    pub alike: bool,
}

/// How long a run still takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// If the jobs to come are like those so far.
    About(Duration),
    /// In any case: how long a job takes is not known yet.
    AtMost(Duration),
}

/// How long it takes to start all jobs of a scenario; those of a closed load start until its end.
fn starting(scenario: &Scenario) -> Duration {
    match scenario.load.model {
        LoadModel::Open { every } => every.0 * scenario.load.scans.saturating_sub(1),
        LoadModel::Closed { .. } => Duration::ZERO,
    }
}

/// How long one scenario takes, and whether that is no more than a limit.
fn takes(scenario: &Scenario, shown: Shown) -> (Duration, bool) {
    let to_the_end = |follow: &Follow| follow.until == Until::Terminal;
    let then = scenario.then.iter().flat_map(|then| &then.offsets).map(|at| at.0).max().unwrap_or_default();
    let longest = scenario.horizon().0;
    let one = scenario.arms.iter().map(|arm| {
        let polled = arm.offsets.last().map_or(Duration::ZERO, |at| at.0);
        match arm.follow {
            Some(follow) if follow.until == Until::Visible => polled.max(shown.window + follow.every.0) + follow.settle.0,
            Some(follow) if to_the_end(&follow) => shown.job.map_or(longest, |job| polled.max(job + follow.every.0) + follow.settle.0),
            Some(_) => longest,
            None => polled,
        }
    });
    let ages = scenario.controls.foreign_user.iter().chain(&scenario.readings.witness).chain(&scenario.readings.results);
    let one = one.chain(ages.map(|age| age.0)).max().unwrap_or_default();
    let one = (one + then).min(longest);
    let all = match scenario.load.model {
        LoadModel::Open { .. } => starting(scenario) + one,
        LoadModel::Closed { in_flight } => one * scenario.load.scans.div_ceil(in_flight.max(1)),
    };
    (all, scenario.waits_for_ends() && shown.job.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::source::Source;

    fn scenario(telling: &str) -> Scenario {
        let text = format!("name = \"x\"\ntitle = \"t\"\nsource = \"s\"\n{telling}");
        Scenario::read(Source { file: "x.toml", text: &text }).unwrap_or_else(|error| panic!("{error}"))
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_is_left_follows_the_window_and_what_has_ended() {
        let followed = "[load]\nscans = 11\nevery = \"100ms\"\n[polls]\noffsets = [\"100ms\"]\n[follow]\nuntil = \"visible\"\nevery = \"1s\"\ndeadline = \"9s\"";
        let at_ages = "[load]\nscans = 1\n[polls]\noffsets = [\"3s\"]";
        let mut forecast = Forecast::of(&[scenario(followed), scenario(at_ages)]);
        let shown = |window: u32| Shown { window: SECOND * window, job: None, alike: false };
        assert_eq!(forecast.left(Duration::ZERO, shown(0)), Some(Left::About(SECOND * 5)), "1 s of starts, a poll, and 3 s");
        assert_eq!(forecast.left(Duration::ZERO, shown(2)), Some(Left::About(SECOND * 7)), "and the window");
        assert_eq!(forecast.left(Duration::ZERO, shown(100)), Some(Left::About(SECOND * 13)), "no longer than the deadline");
        forecast.begins(0, Duration::ZERO);
        assert_eq!(forecast.left(SECOND, shown(2)), Some(Left::About(SECOND * 6)));
        forecast.ends(0);
        assert_eq!(forecast.left(SECOND, shown(2)), Some(Left::About(SECOND * 3)));
        forecast.ends(1);
        assert_eq!(forecast.left(SECOND, shown(2)), None);
    }

    #[test]
    fn scenarios_side_by_side_take_as_long_as_the_longest_once_their_jobs_have_started() {
        let beside = "side_by_side = true\n[load]\nscans = 11\nevery = \"100ms\"\n[polls]\noffsets = [\"3s\"]";
        let alone = "[load]\nscans = 1\n[polls]\noffsets = [\"2s\"]";
        let mut forecast = Forecast::of(&[scenario(beside), scenario(beside), scenario(alone)]);
        let shown = |alike| Shown { window: Duration::ZERO, job: None, alike };
        assert_eq!(forecast.left(Duration::ZERO, shown(false)), Some(Left::About(SECOND * 10)), "4 s, 4 s, 2 s");
        assert_eq!(forecast.left(Duration::ZERO, shown(true)), Some(Left::About(SECOND * 7)), "the second begins 1 s after the first");
        forecast.begins(0, Duration::ZERO);
        forecast.begins(1, SECOND);
        assert_eq!(forecast.left(SECOND * 2, shown(true)), Some(Left::About(SECOND * 5)));
    }

    #[test]
    fn how_long_jobs_take_is_a_limit_until_one_has_ended() {
        let to_the_end = "overlap = true\n[load]\nscans = 1\n[polls]\noffsets = [\"0s\"]\n[follow]\nuntil = \"terminal\"\nevery = \"1s\"\ndeadline = \"30s\"";
        let forecast = Forecast::of(&[scenario(to_the_end), scenario("[load]\nscans = 1\n[polls]\noffsets = [\"3s\"]")]);
        let shown = Shown { window: Duration::ZERO, job: None, alike: false };
        assert_eq!(forecast.left(Duration::ZERO, shown), Some(Left::AtMost(SECOND * 30)));
        let shown = Shown { job: Some(SECOND * 6), ..shown };
        assert_eq!(forecast.left(Duration::ZERO, shown), Some(Left::About(SECOND * 7)));
    }
}
