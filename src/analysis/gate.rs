//! The rates at the scheduled offsets: exact binomials, valid for any window law and any other polling.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::scan::ScanHistory;
use crate::model::answer::{Answer, TransportFault};
use crate::model::exchange::{Connection, Exchange, Purpose};
use crate::model::scenario::{Scenario, Stop, Tolerance};
use crate::model::time::{Nanos, Span};
use crate::statistics::binomial::{Limits, clopper_pearson, upper_limit};
use crate::statistics::compare::rates::Rates;
use crate::statistics::sprt::{Crossing, Decision, Sprt};

/// What was answered at one scheduled offset on one kind of connection.
#[derive(Debug, Clone, PartialEq)]
pub struct OffsetRate {
    /// The age asked for.
    pub at: Nanos,
    /// The arm's name.
    pub arm: String,
    /// How the polls travelled.
    pub connection: Connection,
    /// Polls that said visible or `not_found` and were sent within the tolerance.
    pub polls: u64,
    /// Those among them that said `not_found`.
    pub not_found: u64,
    /// Polls that said neither.
    pub other: u64,
    /// Polls outside the tolerance: void for this offset.
    pub late: u64,
    /// Scans behind these polls: the sample size of the limits, since polls of one scan are not independent.
    pub scans: u64,
    /// Scans with at least one `not_found` here.
    pub scans_denied: u64,
    /// Clopper–Pearson limits at 95 % for the share of scans that are denied at this offset.
    pub lower: f64,
    /// Its upper limit.
    pub upper: f64,
    /// Where the scenario's sequential test was decided here, if it has one.
    pub crossed: Option<Crossing>,
    /// Scans that were polled here in time and of which no poll told anything.
    pub scans_lost: u64,
    /// Those of them that a later poll showed.
    pub lost_then_visible: u64,
    /// What the polls without evidence were answered.
    pub losses: Vec<Loss>,
    /// The scenario's other requests, if polls are lost here more often than chance explains.
    pub gathered: Option<Gathered>,
}

/// Polls that were answered alike, and told neither visible nor `not_found`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Loss {
    /// What the answer means.
    pub answer: Answer,
    /// Its HTTP status code.
    pub http: Option<u16>,
    /// Why there was no answer.
    pub fault: Option<TransportFault>,
    /// How many polls.
    pub polls: u64,
}

impl Loss {
    /// Counts a poll.
    fn count(losses: &mut Vec<Loss>, poll: &Exchange) {
        let alike = |loss: &&mut Loss| (loss.answer, loss.http, loss.fault) == (poll.answer, poll.http, poll.fault);
        match losses.iter_mut().find(alike) {
            Some(loss) => loss.polls += 1,
            None => losses.push(Loss { answer: poll.answer, http: poll.http, fault: poll.fault, polls: 1 }),
        }
    }

    /// Of polls that told nothing, how many were answered how; the most frequent first.
    pub fn among<'a>(polls: impl Iterator<Item = &'a Exchange>) -> Vec<Loss> {
        let mut losses = Vec::new();
        polls.filter(|poll| !poll.answer.is_evidence()).for_each(|poll| Loss::count(&mut losses, poll));
        losses.sort_by_key(|loss| (std::cmp::Reverse(loss.polls), loss.answer, loss.http, loss.fault));
        losses
    }

    /// In words: `503`, `429`, `timed out`.
    pub fn words(&self) -> String {
        match (self.http, self.fault) {
            (Some(code), None) => code.to_string(),
            (_, Some(fault)) => fault.word().to_owned(),
            (None, None) => self.answer.word().to_owned(),
        }
    }
}

/// Losses at one offset that are more frequent than among the scenario's other requests, beyond chance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Gathered {
    /// The scenario's other polls that told nothing, and its initiates that failed.
    pub lost: u64,
    /// The scenario's other polls and its initiates.
    pub of: u64,
    /// Probability of so many losses here by chance (Fisher's exact test, one side), times the number of offsets.
    pub p: f64,
}

/// A healthy scenario whose polls are lost at random is called gathered with at most this probability.
pub const GATHERED_BY_CHANCE: f64 = 0.01;

/// How many denials at one offset a run without any excludes.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    /// The age at which the scans were polled; `None`: at whatever ages they were followed.
    pub at: Option<Nanos>,
    /// How the polls travelled.
    pub connection: Connection,
    /// Scans that were found at this age.
    pub scans: u64,
    /// Scans whose polls told nothing: any of them may have been unknown to status.
    pub lost: u64,
    /// One-sided 95 % upper limit for the share of scans denied.
    pub below: f64,
}

impl Bound {
    /// The bound of so many clean scans, each lost one counted as if it had been denied.
    pub fn of(at: Option<Nanos>, connection: Connection, scans: u64, lost: u64) -> Bound {
        Bound { at, connection, scans, lost, below: upper_limit(lost, scans + lost, 0.95) }
    }
}

impl OffsetRate {
    /// Polls that left in time, whatever they were answered.
    pub fn in_time(&self) -> u64 {
        self.polls + self.other
    }

    /// What this offset excludes; `None` if a scan was denied here, or none was polled.
    pub fn bound(&self) -> Option<Bound> {
        let clean = self.scans_denied == 0 && self.scans + self.scans_lost > 0;
        clean.then(|| Bound::of(Some(self.at), self.connection, self.scans, self.scans_lost))
    }

    /// Upper limit for the share of scans denied that holds whatever the lost polls would have shown.
    pub fn upper_with_lost(&self, confidence: f64) -> f64 {
        upper_limit(self.scans_denied + self.scans_lost, self.scans + self.scans_lost, confidence)
    }
    /// Share of polls that said `not_found`; `None` without polls.
    pub fn rate(&self) -> Option<f64> {
        (self.polls > 0).then(|| self.not_found as f64 / self.polls as f64)
    }
}

/// What one poll says of the gate offset it was meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample {
    /// Nothing: it left outside the tolerance.
    Late,
    /// Nothing: it was answered neither visible nor `not_found`.
    NoEvidence,
    /// The scan was visible.
    Visible,
    /// The scan was denied.
    Denied,
}

/// Takes a poll of a scan's `age` for the sample at `offset` that it was meant to be.
pub fn sample(age: Nanos, offset: Nanos, tolerance: Span, answer: Answer) -> Sample {
    if (age.0 - offset.0).abs() > tolerance.as_nanos().0 {
        Sample::Late
    } else if !answer.is_evidence() {
        Sample::NoEvidence
    } else if answer == Answer::NotFound {
        Sample::Denied
    } else {
        Sample::Visible
    }
}

/// The sequential test by which a scenario's gates are judged: for a tolerated rate that may be decided early. Its trials are
/// the scans, in the order of their numbers: in the order of their answers, quick ones would be tried first.
pub fn sequential_test(scenario: &Scenario) -> Option<Sprt> {
    let Tolerance::Rate { at_most, confidence } = scenario.expect.not_found else { return None };
    let detect = scenario.load.detect.filter(|_| scenario.expect.stop != Stop::Never)?;
    Sprt::new(at_most, detect.rate, 1.0 - confidence, 1.0 - detect.power)
}

/// A sequential test in which polls may be lost: it fails by what was seen, and passes only if it would whatever the lost polls
/// had shown. The first decision stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LossyWalk {
    test: Sprt,
    denied: u64,
    lost: u64,
    trials: u64,
    crossing: Option<Crossing>,
}

/// What a scan's polls say of one offset together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trial {
    /// No poll told anything.
    Lost,
    /// It was seen, and never denied.
    Visible,
    /// It was denied.
    Denied,
}

impl Trial {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Trial) -> Trial {
        match (self, other) {
            (Trial::Denied, _) | (_, Trial::Denied) => Trial::Denied,
            (Trial::Visible, _) | (_, Trial::Visible) => Trial::Visible,
            (Trial::Lost, Trial::Lost) => Trial::Lost,
        }
    }

    /// What one poll contributes; a late one nothing.
    pub fn of(sample: Sample) -> Option<Trial> {
        match sample {
            Sample::Late => None,
            Sample::NoEvidence => Some(Trial::Lost),
            Sample::Visible => Some(Trial::Visible),
            Sample::Denied => Some(Trial::Denied),
        }
    }
}

impl LossyWalk {
    /// Before the first trial.
    pub fn new(test: Sprt) -> LossyWalk {
        LossyWalk { test, denied: 0, lost: 0, trials: 0, crossing: None }
    }

    /// One more scan.
    pub fn step(&mut self, trial: Trial) {
        self.trials += 1;
        self.denied += u64::from(trial == Trial::Denied);
        self.lost += u64::from(trial == Trial::Lost);
        let decided =
            |decision, events, trials| (self.test.decide(events, trials) == decision).then_some(Crossing { decision, events, trials });
        if self.crossing.is_none() {
            self.crossing = decided(Decision::Fail, self.denied, self.trials - self.lost)
                .or_else(|| decided(Decision::Pass, self.denied + self.lost, self.trials));
        }
    }

    /// Where it was decided.
    pub fn crossing(&self) -> Option<Crossing> {
        self.crossing
    }
}

/// The rates of one scenario, by arm and offset. Every planned offset has its row, polled or not.
pub fn offset_rates(scenario: &Scenario, scans: &[&ScanHistory<'_>]) -> Vec<OffsetRate> {
    #[derive(Default)]
    struct Count {
        polls: u64,
        not_found: u64,
        late: u64,
        scans: u64,
        scans_denied: u64,
        scans_lost: u64,
        lost_then_visible: u64,
        losses: Vec<Loss>,
        walk: Option<LossyWalk>,
    }
    let test = sequential_test(scenario);
    let mut counts: BTreeMap<(u32, Nanos), Count> = BTreeMap::new();
    for (index, arm) in scenario.arms.iter().enumerate() {
        for offset in &arm.offsets {
            counts.entry((index as u32, offset.as_nanos())).or_default().walk = test.map(LossyWalk::new);
        }
    }
    let mut followed = (0, 0);
    for scan in scans {
        let Some(arm) = scenario.arms.get(scan.arm() as usize) else { continue };
        let mut trials: BTreeMap<Nanos, Trial> = BTreeMap::new();
        for poll in scan.gate_polls() {
            let Some(offset) = poll.offset.get() else { continue };
            let count = counts.entry((scan.arm(), offset)).or_default();
            let sample = sample(scan.age(poll), offset, arm.tolerance, poll.answer);
            let Some(trial) = Trial::of(sample) else {
                count.late += 1;
                continue;
            };
            match trial {
                Trial::Lost => Loss::count(&mut count.losses, poll),
                Trial::Visible | Trial::Denied => {
                    count.polls += 1;
                    count.not_found += u64::from(trial == Trial::Denied);
                }
            }
            trials.entry(offset).and_modify(|all| *all = all.and(trial)).or_insert(trial);
        }
        for poll in scan.polls().iter().filter(|poll| poll.purpose == Purpose::Follow) {
            followed.0 += u64::from(!poll.answer.is_evidence());
            followed.1 += 1;
        }
        for (offset, trial) in trials {
            let count = counts.entry((scan.arm(), offset)).or_default();
            match trial {
                Trial::Lost => {
                    count.scans_lost += 1;
                    let later = |poll: &&Exchange| poll.answer == Answer::Visible && scan.age(poll) > offset;
                    count.lost_then_visible += u64::from(scan.polls().iter().copied().any(|poll| later(&poll)));
                }
                Trial::Visible | Trial::Denied => {
                    count.scans += 1;
                    count.scans_denied += u64::from(trial == Trial::Denied);
                }
            }
            if let Some(walk) = &mut count.walk {
                walk.step(trial);
            }
        }
    }
    let mut rates: Vec<OffsetRate> = counts
        .into_iter()
        .filter_map(|((arm, at), mut count)| {
            let arm = scenario.arms.get(arm as usize)?;
            // Without a scan nothing is excluded.
            let limits =
                if count.scans == 0 { Limits { lower: 0.0, upper: 1.0 } } else { clopper_pearson(count.scans_denied, count.scans, 0.95) };
            count.losses.sort_by_key(|loss| (std::cmp::Reverse(loss.polls), loss.answer, loss.http, loss.fault));
            Some(OffsetRate {
                at,
                arm: arm.name.clone(),
                connection: arm.connection,
                polls: count.polls,
                not_found: count.not_found,
                other: count.losses.iter().map(|loss| loss.polls).sum(),
                late: count.late,
                scans: count.scans,
                scans_denied: count.scans_denied,
                lower: limits.lower,
                upper: limits.upper,
                crossed: count.walk.as_ref().and_then(LossyWalk::crossing),
                scans_lost: count.scans_lost,
                lost_then_visible: count.lost_then_visible,
                losses: count.losses,
                gathered: None,
            })
        })
        .collect();
    mark_gathered(&mut rates, followed, initiated(scans));
    rates
}

/// How many initiates failed, and of how many.
fn initiated(scans: &[&ScanHistory<'_>]) -> (u64, u64) {
    (scans.iter().filter(|scan| scan.t0().is_none()).count() as u64, scans.len() as u64)
}

/// Compares the losses at each offset with those of the scenario's other polls and of its initiates.
///
/// Polls of one age that fail while other requests are answered are lost to something that depends on the age: the window itself
/// may be answered with an error.
fn mark_gathered(rates: &mut [OffsetRate], followed: (u64, u64), initiated: (u64, u64)) {
    let others = (followed.0 + initiated.0, followed.1 + initiated.1);
    let all = rates.iter().fold(others, |(lost, of), rate| (lost + rate.other, of + rate.in_time()));
    let offsets = rates.iter().filter(|rate| rate.in_time() > 0).count() as f64;
    for rate in rates.iter_mut().filter(|rate| rate.other > 0) {
        let (lost, of) = (all.0 - rate.other, all.1 - rate.in_time());
        let table = Rates { base_events: lost, base_trials: of, new_events: rate.other, new_trials: rate.in_time() };
        let p = (table.fisher_higher() * offsets).min(1.0);
        rate.gathered = (p <= GATHERED_BY_CHANCE).then_some(Gathered { lost, of, p });
    }
}
