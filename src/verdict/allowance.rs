//! Failures that are put up with: an allowed one speaks for no verdict, one whose day has passed speaks as before.

use crate::model::allow::{Allow, Date, Failure};
use crate::model::guarantee::Guarantee;
use crate::model::run::Journal;
use crate::verdict::Reason;

/// The allowances that a log's header holds, as of the day on which the run began: the log is judged alike for ever.
#[derive(Debug, Clone)]
pub(super) struct Allowances<'a> {
    entries: Vec<&'a Allow>,
    /// `None`: the header's instant cannot be read, so that nothing can be shown to be still allowed.
    day: Option<Date>,
    used: Vec<bool>,
}

impl<'a> Allowances<'a> {
    /// Those that are meant for the log's target.
    pub(super) fn of(journal: &'a Journal) -> Allowances<'a> {
        let meant = |allow: &&Allow| allow.target.as_ref().is_none_or(|target| *target == journal.run.target.name);
        let entries: Vec<&Allow> = journal.run.allow.iter().filter(meant).collect();
        Allowances { used: vec![false; entries.len()], entries, day: Date::of_instant(&journal.run.started).ok() }
    }

    /// The reasons of a scenario, where it applies wrapped into what is allowed and until when.
    pub(super) fn apply(&mut self, scenario: &str, reasons: Vec<Reason>) -> Vec<Reason> {
        if self.entries.is_empty() {
            return reasons;
        }
        // The read-your-writes that denials at offsets break is excused with them, but not if one of them is not excused.
        let at_offset = |reason: &Reason| offset(reason).is_some();
        let excused =
            reasons.iter().filter(|reason| at_offset(reason)).all(|reason| self.entry(scenario, reason, Denials::NotAll).is_some());
        let denials = if excused && reasons.iter().any(at_offset) { Denials::All } else { Denials::NotAll };
        reasons
            .into_iter()
            .map(|reason| match self.entry(scenario, &reason, denials) {
                None => reason,
                Some(index) => {
                    self.used[index] = true;
                    let allow = self.entries[index];
                    let (what, because) = (Box::new(reason), allow.reason.clone());
                    if self.day.is_some_and(|day| day <= allow.expires) {
                        Reason::Allowed { what, until: allow.expires, because }
                    } else {
                        Reason::NoLongerAllowed { what, expired: allow.expires, because, place: allow.place.clone() }
                    }
                }
            })
            .collect()
    }

    /// The entry for a reason; of several the one that lasts longest.
    fn entry(&self, scenario: &str, reason: &Reason, denials: Denials) -> Option<usize> {
        let covers = |index: &usize| {
            let entry = self.entries[*index];
            entry.scenario == scenario && covers(&entry.failure, reason, denials)
        };
        (0..self.entries.len()).filter(covers).max_by_key(|index| self.entries[*index].expires)
    }

    /// The entries that nothing was allowed by.
    pub(super) fn unused(&self, ran: &[&str]) -> Vec<UnusedAllowance> {
        let unused = self.entries.iter().zip(&self.used).filter(|(_, used)| !**used).map(|(entry, _)| entry);
        unused
            .map(|entry| UnusedAllowance {
                place: entry.place.clone(),
                failure: entry.failure.clone(),
                scenario: entry.scenario.clone(),
                was_run: ran.contains(&entry.scenario.as_str()),
            })
            .collect()
    }
}

/// An entry of the allow-list that nothing was allowed by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnusedAllowance {
    /// Where it stands: file and line.
    pub place: String,
    /// What may fail.
    pub failure: Failure,
    /// The scenario in which it may.
    pub scenario: String,
    /// Whether that scenario was run, so that it did not fail.
    pub was_run: bool,
}

/// Whether all denials at a scenario's offsets are excused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Denials {
    All,
    NotAll,
}

fn covers(failure: &Failure, reason: &Reason, denials: Denials) -> bool {
    match (failure, reason) {
        (Failure::Guarantee(allowed), Reason::Broken { guarantee, .. }) => allowed == guarantee,
        (Failure::Guarantee(Guarantee::ReadYourWrites), reason) => offset(reason).is_some(),
        (Failure::NotFoundAt(_), Reason::Broken { guarantee: Guarantee::ReadYourWrites, .. }) => denials == Denials::All,
        (Failure::NotFoundAt(offsets), reason) => offset(reason).is_some_and(|at| offsets.iter().any(|offset| offset.as_nanos() == at)),
        (Failure::Guarantee(_), _) => false,
    }
}

/// The gate offset that a reason is about.
fn offset(reason: &Reason) -> Option<crate::model::time::Nanos> {
    match reason {
        Reason::NotFound { at, .. }
        | Reason::RateTooHigh { at, .. }
        | Reason::RateUnproven { at, .. }
        | Reason::RateCaught { at, .. }
        | Reason::RateUndecided { at, .. } => Some(*at),
        _ => None,
    }
}
