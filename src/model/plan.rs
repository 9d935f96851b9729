//! What a scenario will ask of its target, counted before the first request is sent.

use serde::{Deserialize, Serialize};

use crate::model::exchange::Kind;
use crate::model::run::Capabilities;
use crate::model::scenario::{Action, Each, LoadModel, MOST_FOLLOWED, Scenario, Until};
use crate::model::time::Span;

/// So often a scan is looked for whose initiate failed.
pub const ORPHAN_POLLS: u64 = 3;

/// The requests that a scenario will send, at most, by kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The scenario's name.
    pub scenario: String,
    /// Requests by kind, in the order in which a scan meets them; kinds that do not occur are left out.
    pub requests: Vec<(Kind, u64)>,
    /// How long it takes, at most.
    pub at_most: Span,
    /// Gate polls per offset, the sample size of the gate.
    pub polls_per_offset: u64,
}

impl Plan {
    /// Counts a scenario's requests. Follow-up polls are counted to the deadline, so the plan is an upper bound.
    pub fn of(scenario: &Scenario) -> Plan {
        let scans = u64::from(scenario.load.scans);
        // Scans are dealt to the arms as evenly as can be; for an upper bound the largest hand is counted for each.
        let per_arm = scans.div_ceil(scenario.arms.len() as u64);
        let (mut polls, mut fillers, mut per_offset) = (0, 0, 0);
        for arm in &scenario.arms {
            let pollers = u64::from(arm.pollers);
            let offsets = arm.offsets.len() as u64;
            let at_offsets = match arm.each {
                Each::All => offsets * per_arm,
                Each::One => per_arm.min(per_arm * offsets),
            };
            let shots = if arm.each == Each::One && offsets > 0 { per_arm / offsets } else { per_arm };
            per_offset = per_offset.max(shots * pollers * u64::from(offsets > 0));
            let followed = arm.follow.filter(|follow| follow.until != Until::Accepted).map_or(0, |follow| {
                let start = arm.offsets.last().copied().unwrap_or_default();
                let slots = (follow.deadline.0.saturating_sub(start.0).as_nanos() / follow.every.0.as_nanos().max(1)) as u64 + 1;
                slots.min(MOST_FOLLOWED)
            });
            polls += at_offsets * pollers + followed * per_arm;
            fillers += u64::from(arm.fillers) * per_arm;
        }
        let then = scenario.then.as_ref();
        let count = |spans: &[Span]| spans.len() as u64 * scans;
        let at_end = if scenario.readings.at_end { scans } else { 0 };
        // Where the watching goes on after the end, results are read at its first sight as well.
        let goes_on = scenario.arms.iter().any(|arm| arm.follow.is_some_and(|follow| !follow.settle.0.is_zero()));
        let at_first_end = if goes_on { at_end } else { 0 };
        let second = |action| {
            if then.is_some_and(|then| then.action == action) { scans } else { 0 }
        };
        let requests = [
            (Kind::UnknownPoll, u64::from(scenario.controls.unknown_id)),
            (Kind::Initiate, scans),
            (Kind::Filler, fillers),
            (Kind::Poll, polls + then.map_or(0, |then| count(&then.offsets) + count(&then.delete))),
            (Kind::ForeignPoll, count(&scenario.controls.foreign_user)),
            (Kind::Witness, count(&scenario.readings.witness) + at_end),
            (Kind::Results, count(&scenario.readings.results) + at_end + at_first_end),
            (Kind::Repeat, second(Action::Repeat)),
            (Kind::Cancel, second(Action::Cancel)),
            (Kind::Update, second(Action::Update)),
            (Kind::Delete, second(Action::Delete) + then.map_or(0, |then| if then.delete.is_empty() { 0 } else { scans })),
        ];
        let one = scenario.horizon().0;
        let at_most = match scenario.load.model {
            LoadModel::Open { every } => every.0 * scenario.load.scans.saturating_sub(1) + one,
            LoadModel::Closed { in_flight } => one * scenario.load.scans.div_ceil(in_flight),
        };
        Plan {
            scenario: scenario.name.clone(),
            requests: requests.into_iter().filter(|(_, n)| *n > 0).collect(),
            at_most: Span(at_most),
            polls_per_offset: per_offset,
        }
    }

    /// The same for one target: requests that its file does not describe are not sent.
    pub fn towards(scenario: &Scenario, can: Capabilities) -> Plan {
        let mut plan = Plan::of(scenario);
        let scans = u64::from(scenario.load.scans);
        let polls = plan.requests.iter().find(|(kind, _)| *kind == Kind::Poll).map_or(0, |(_, polls)| *polls);
        let before = [
            (Kind::Login, u64::from(can.login)),
            (Kind::Setup, u64::from(can.setups) * scans),
            (Kind::EarlyPoll, if can.asks_before { scans } else { 0 }),
        ];
        plan.requests.splice(0..0, before.into_iter().filter(|(_, n)| *n > 0));
        let after = [
            (Kind::Page, u64::from(can.pages.saturating_sub(1)) * polls),
            (Kind::OrphanPoll, if can.orphans { ORPHAN_POLLS * scans } else { 0 }),
        ];
        plan.requests.extend(after.into_iter().filter(|(_, n)| *n > 0));
        plan.requests.retain(|(kind, _)| match kind {
            Kind::Witness => can.witness,
            Kind::Results => can.results,
            Kind::Cancel => can.cancel,
            Kind::Update => can.update,
            Kind::Delete => can.delete,
            Kind::ForeignPoll => can.foreign_user,
            _ => true,
        });
        plan
    }

    /// The requests that start a job: initiates and repeats.
    pub fn jobs(&self) -> u64 {
        self.requests.iter().filter(|(kind, _)| matches!(kind, Kind::Initiate | Kind::Repeat)).map(|(_, n)| n).sum()
    }

    /// All requests together.
    pub fn total(&self) -> u64 {
        self.requests.iter().map(|(_, n)| n).sum()
    }
}
