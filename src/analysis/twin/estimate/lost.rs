//! The settings of K, L and M: which share of the jobs is never seen.

use crate::analysis::twin::estimate::{Estimate, Evidence, Known, estimate};
use crate::analysis::twin::rows::Row;
use crate::model::answer::Answer;
use crate::model::exchange::Route;
use crate::model::fault::FaultClass;

/// The share of jobs that were denied at ages at which all others had been seen.
fn share(evidence: &Evidence<'_>) -> Option<Known> {
    let rows = evidence.rows;
    let longest = rows.iter().filter(|row| row.first_seen.is_some()).filter_map(Row::window).map(|(after, _)| after).fold(0.0, f64::max);
    let watched = |row: &&Row<'_>| row.polls.last().is_some_and(|poll| poll.sent > longest);
    let counted = rows.iter().filter(watched).filter(|row| row.first_seen.is_none()).count() as u64;
    let of = rows.iter().filter(|row| watched(row) || row.first_seen.is_some()).count() as u64;
    (counted > 0).then_some(Known::Share { of, counted })
}

/// K: jobs that are recorded where status does not look unless it is told.
pub(super) fn scope(evidence: &Evidence<'_>) -> Vec<Estimate> {
    let by_route = |row: &Row<'_>| {
        let mut polls = row.scan.evidence();
        polls.any(|poll| poll.answer == Answer::Visible && matches!(poll.route, Some(Route::HandedOut | Route::AsInitiator)))
    };
    let asked_otherwise = evidence.rows.iter().any(|row| row.scan.evidence().any(|poll| poll.route.is_some()));
    // Where another way was asked and showed nothing that the usual one does not, there is no other place.
    if asked_otherwise && !evidence.rows.iter().any(|row| row.first_seen.is_none() && by_route(row)) {
        return Vec::new();
    }
    share(evidence).map(|share| estimate(FaultClass::K, &[("remote-region-share", share)])).into_iter().collect()
}

/// L: ids with characters that a router trips over.
pub(super) fn encoding(evidence: &Evidence<'_>) -> Vec<Estimate> {
    let knobs = |share| [("special-id-share", share), ("path-decoding", Known::Word("eager"))];
    share(evidence).map(|share| estimate(FaultClass::L, &knobs(share))).into_iter().collect()
}

/// M: jobs that are accepted and forgotten, or refused afterwards, which only the witness says.
pub(super) fn lost(evidence: &Evidence<'_>) -> Vec<Estimate> {
    let never_seen = || evidence.rows.iter().filter(|row| !row.polls.is_empty() && row.first_seen.is_none());
    // Most are never asked for at the witness: only where it was is anything known of that.
    let knows = |row: &Row<'_>| {
        let readings = || row.scan.witness().iter().filter(|reading| reading.answer.is_evidence());
        readings().next().map(|_| readings().any(|reading| reading.answer == Answer::Visible))
    };
    let (known, asked) = never_seen().filter_map(knows).fold((0, 0), |(known, asked), knows| (known + usize::from(knows), asked + 1));
    let knob = if known * 2 > asked { "refused-rate" } else { "lost-task-rate" };
    share(evidence).map(|share| estimate(FaultClass::M, &[(knob, share)])).into_iter().collect()
}
