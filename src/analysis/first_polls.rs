//! First polls that tell nothing, where later polls do: the window itself may be answered with an error.

use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::gate::{GATHERED_BY_CHANCE, Loss};
use crate::analysis::scan::ScanHistory;
use crate::model::answer::Answer;
use crate::statistics::compare::rates::Rates;

/// First polls without evidence, over all scenarios, that are more frequent than among polls of jobs that status had already shown.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct FirstPolls {
    /// Accepted scans whose first poll was answered neither visible nor `not_found`.
    pub lost: u64,
    /// Accepted scans that were polled.
    pub of: u64,
    /// What those first polls were answered.
    pub losses: Vec<Loss>,
    /// Polls without evidence that were sent after their scan had been visible.
    pub later_lost: u64,
    /// Polls that were sent after their scan had been visible.
    pub later: u64,
    /// Probability of so many lost first polls by chance (Fisher's exact test, one side).
    pub p: f64,
}

/// Compares each scan's first poll with the polls that followed its first visible answer; `None` where chance explains the difference.
///
/// A 429 is the target's wish for a pause and says nothing of the scan, so that it counts on neither side.
pub fn lost(scans: &[&ScanHistory<'_>]) -> Option<FirstPolls> {
    let throttled = |answer: Answer| answer == Answer::Throttled;
    let accepted = || scans.iter().filter(|scan| scan.id().is_some());
    let first: Vec<_> = accepted().filter_map(|scan| scan.polls().first().copied()).filter(|poll| !throttled(poll.answer)).collect();
    let lost = first.iter().filter(|poll| !poll.answer.is_evidence()).count() as u64;
    // One lost poll is an accident of the network.
    if lost < 2 {
        return None;
    }
    let (mut later_lost, mut later) = (0, 0);
    for scan in accepted() {
        let Some(shown) = scan.polls().iter().find(|poll| poll.answer == Answer::Visible) else { continue };
        for poll in scan.polls().iter().filter(|poll| poll.sent > shown.done && !throttled(poll.answer)) {
            later += 1;
            later_lost += u64::from(!poll.answer.is_evidence());
        }
    }
    let of = first.len() as u64;
    let p = Rates { base_events: later_lost, base_trials: later, new_events: lost, new_trials: of }.fisher_higher();
    let found = FirstPolls { lost, of, losses: Loss::among(first.into_iter()), later_lost, later, p };
    (later > 0 && p <= GATHERED_BY_CHANCE).then_some(found)
}
