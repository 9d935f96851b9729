//! The settings of X and Y: what is not yet there when a job is seen first.

use crate::analysis::twin::estimate::{Estimate, Evidence, Known, estimate};
use crate::analysis::twin::later::{first_end, first_state, half_record};
use crate::analysis::twin::law::{Bracketed, fit};
use crate::model::answer::State;
use crate::model::fault::FaultClass;

/// X: a record that has no more than its state for a while.
pub(super) fn half(evidence: &Evidence<'_>) -> Vec<Estimate> {
    let state_at = evidence.journal.run.target.status.state.as_deref();
    let seen = evidence.rows.iter().filter(|row| row.first_seen.is_some());
    let halves: Vec<Bracketed> = seen.filter_map(|row| half_record(row, state_at)).map(Bracketed::new).collect();
    fit(&halves).map(|lag| estimate(FaultClass::X, &[("detail-lag", Known::Law(lag))])).into_iter().collect()
}

/// Y: an end that is said of every job until its work has written something.
pub(super) fn default_end(evidence: &Evidence<'_>) -> Vec<Estimate> {
    let began: Vec<Bracketed> = evidence.rows.iter().filter_map(first_end).map(Bracketed::new).collect();
    let Some(quiet) = fit(&began) else { return Vec::new() };
    let states = || evidence.rows.iter().filter(|row| first_end(row).is_some()).filter_map(first_state);
    let (succeeded, all) = (states().filter(|state| *state == State::Succeeded).count(), states().count());
    let word = if succeeded * 2 >= all { "complete" } else { "failed" };
    // The work that follows ends when an end is shown that is not taken back.
    let works: Vec<Bracketed> = evidence
        .rows
        .iter()
        .filter_map(|row| {
            let (_, ran) = first_end(row)?;
            let is_end = |state: Option<State>| state.is_some_and(State::is_terminal);
            let later = || row.polls.iter().filter(|poll| poll.seen && poll.served >= ran);
            let after = later().filter(|poll| !is_end(poll.exchange.state)).map(|poll| poll.served).fold(ran, f64::max);
            let by = later().filter(|poll| is_end(poll.exchange.state) && poll.served > after).map(|poll| poll.served).reduce(f64::min);
            Some(Bracketed::new(((after - ran).max(0.0), by.map_or(f64::INFINITY, |by| by - ran))))
        })
        .collect();
    let mut knobs = vec![("unset-state", Known::Word(word)), ("stage-assets", Known::Law(quiet))];
    knobs.extend(fit(&works).map(|work| ("stage-finalise", Known::Law(work))));
    vec![estimate(FaultClass::Y, &knobs)]
}
