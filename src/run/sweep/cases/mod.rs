//! The cases of the sweep: which knobs are set, what is there then, and how far it reaches.

mod instances;
mod later;
mod lives;
mod others;
mod pairs;
mod windows;

use std::time::Duration;

use crate::model::fault::FaultClass;
use crate::run::sweep::law::written;
use crate::run::sweep::reach::Reach;
use crate::run::sweep::sizes::Sizes;
use crate::service::{Settings, SettingsError};
use crate::verdict::Verdict;

/// Which row of the table a case belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Group {
    /// Nothing is wrong.
    Healthy,
    /// One fault.
    One(FaultClass),
    /// Two faults.
    Pair,
}

/// One setting of the reference service, on top of the sound one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Case {
    pub(crate) group: Group,
    pub(crate) knobs: Vec<(&'static str, String)>,
    /// The classes that are there.
    pub(crate) classes: Vec<FaultClass>,
    /// Classes that are there besides, as what another one needs; they may be named.
    pub(crate) also: Vec<FaultClass>,
    /// Classes that nothing tells from the one that is there, at this size.
    pub(crate) alike: Vec<FaultClass>,
    /// Where the fault shows; `None`: nothing is known of that, and a pass is a miss.
    pub(crate) reach: Option<Reach>,
    /// How long the fault lasts where it shows.
    pub(crate) lasts: Duration,
}

impl Case {
    pub(super) fn healthy() -> Case {
        Case {
            group: Group::Healthy,
            knobs: Vec::new(),
            classes: Vec::new(),
            also: Vec::new(),
            alike: Vec::new(),
            reach: None,
            lasts: Duration::MAX,
        }
    }

    pub(super) fn one(class: FaultClass) -> Case {
        Case { group: Group::One(class), classes: vec![class], ..Case::healthy() }
    }

    pub(super) fn two(one: FaultClass, other: FaultClass) -> Case {
        Case { group: Group::Pair, classes: vec![one, other], ..Case::healthy() }
    }

    /// The verdict that a run must have.
    pub(crate) fn verdict(&self) -> Verdict {
        match self.group {
            Group::Healthy => Verdict::Pass,
            // What is answered to any id cannot be assessed.
            Group::One(FaultClass::N) => Verdict::Inconclusive,
            Group::One(_) | Group::Pair => Verdict::Fail,
        }
    }

    /// Whether the fault touches 5 % of scans at least, for 10 ms at least.
    pub(crate) fn is_plain(&self) -> bool {
        self.group != Group::Healthy && self.lasts >= Duration::from_millis(10) && self.reach.is_none_or(|reach| reach.share() >= 0.05)
    }

    /// What a preset sets on top of the sound one, with so many workers.
    pub(crate) fn of_preset(preset: &str, workers: usize, classes: &[FaultClass], also: &[FaultClass]) -> Result<Case, SettingsError> {
        let (sound, preset) = (Settings::preset("sound")?.values(), Settings::preset(preset)?.values());
        let group = classes.first().map_or(Group::Healthy, |class| Group::One(*class));
        let case = Case { group, classes: classes.to_vec(), ..Case::healthy() }.also(also).set("workers", workers);
        let differs = preset.into_iter().filter(|(knob, value)| *knob != "workers" && !sound.contains(&(*knob, value.clone())));
        Ok(differs.fold(case, |case, (knob, value)| case.set(knob, value)))
    }

    /// The settings that have a size and belong to the fault.
    pub(crate) fn sizes(&self) -> impl Iterator<Item = (&'static str, &str)> {
        // How long a job takes is no size of its fault.
        let is_of_job = |knob: &str| knob.starts_with("stage-") || knob == "strategy";
        let is_of_fault = move |knob: &str| (knob != "workers" || self.classes.contains(&FaultClass::B)) && !is_of_job(knob);
        self.knobs
            .iter()
            .filter(move |(knob, value)| is_of_fault(knob) && super::twins::size(value).is_some())
            .map(|(knob, value)| (*knob, value.as_str()))
    }

    /// What is set, as it would be written on the command line.
    pub(crate) fn settings(&self) -> String {
        let assignments: Vec<String> = self.knobs.iter().map(|(knob, value)| format!("{knob}={value}")).collect();
        if assignments.is_empty() { "as it is".to_owned() } else { assignments.join(" ") }
    }

    fn set(mut self, knob: &'static str, value: impl std::fmt::Display) -> Case {
        self.knobs.push((knob, format!("{value}")));
        self
    }

    fn set_time(self, knob: &'static str, time: Duration) -> Case {
        self.set(knob, written(time))
    }

    fn also(mut self, classes: &[FaultClass]) -> Case {
        self.also.extend(classes);
        self
    }

    fn alike(mut self, classes: &[FaultClass]) -> Case {
        self.alike.extend(classes);
        self
    }

    fn reaches(mut self, reach: Reach, lasts: Duration) -> Case {
        (self.reach, self.lasts) = (Some(reach), lasts);
        self
    }
}

/// All cases, with the sizes of this seed. Their order and number are the same for every seed.
pub(crate) fn cases(seed: u64) -> Vec<Case> {
    let mut sizes = Sizes::new(seed);
    let mut cases = Vec::new();
    cases.extend(others::healthy(&mut sizes));
    cases.extend(windows::cases(&mut sizes));
    cases.extend(instances::cases(&mut sizes));
    cases.extend(lives::cases(&mut sizes));
    cases.extend(others::faulty(&mut sizes));
    cases.extend(later::cases(&mut sizes));
    cases.extend(pairs::cases(&mut sizes));
    cases
}
