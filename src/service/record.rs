//! What a result slot holds: the state of one scan, and the rule by which one record may replace another.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// How far a scan has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// Accepted; the background work has written nothing yet.
    Accepted,
    /// Running, with snapshots.
    Scanning,
    /// Finished.
    Complete,
    /// Ended without a result.
    Failed,
}

impl State {
    /// Whether the scan has ended.
    pub(crate) fn is_terminal(self) -> bool {
        matches!(self, State::Complete | State::Failed)
    }
}

/// One opportunity that a strategy found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Opportunity {
    #[serde(rename = "opportunity_id")]
    pub(crate) id: String,
    pub(crate) strategy: String,
    pub(crate) symbol: String,
    pub(crate) confidence: f64,
    pub(crate) profit_potential_usd: f64,
}

/// The state of one scan as written into a slot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) scan_id: String,
    pub(crate) user_id: String,
    /// Counts the restarts of the scan: a later run's records beat an earlier run's.
    pub(crate) run: u64,
    pub(crate) state: State,
    pub(crate) message: String,
    pub(crate) strategies_completed: usize,
    pub(crate) total_strategies: usize,
    pub(crate) opportunities: Vec<Opportunity>,
    /// When it was accepted, in milliseconds since 1970.
    #[serde(default)]
    pub(crate) created: u64,
    /// Milliseconds since 1970.
    pub(crate) updated: u64,
    pub(crate) execution_time_ms: u64,
}

/// What became of a write that may be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It was written.
    Written,
    /// What is there is further on; the writer may go on and catch up.
    Behind,
    /// The scan has ended, or a later run has taken over: the writer must stop.
    Superseded,
}

impl Record {
    /// Whether the scan has ended.
    pub(crate) fn is_terminal(&self) -> bool {
        self.state.is_terminal()
    }

    /// Progress in percent, 0 when the total is unknown.
    pub(crate) fn percentage(&self) -> f64 {
        if self.total_strategies == 0 {
            return 0.0;
        }
        (1000.0 * self.strategies_completed as f64 / self.total_strategies as f64).round() / 10.0
    }

    /// Whether `new` may replace this record.
    pub(crate) fn admits(&self, new: &Record) -> Admission {
        Standing::of(self).admits(&Standing::of(new))
    }

    /// The record as stored.
    pub(crate) fn to_text(&self) -> String {
        // Strings, integers and finite floats only: nothing that JSON cannot hold.
        serde_json::to_string(self).expect("a record is always representable as JSON")
    }

    /// Reads a stored record; `None` if something else was written there.
    pub(crate) fn from_text(text: &str) -> Option<Record> {
        serde_json::from_str(text).ok()
    }
}

/// What decides whether one record may replace another. Read from text without the opportunities, it costs a fraction of the record.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Standing<'a> {
    #[serde(borrow)]
    scan_id: Cow<'a, str>,
    run: u64,
    pub(crate) state: State,
    strategies_completed: usize,
}

impl<'a> Standing<'a> {
    /// The standing of a stored record; `None` if something else was written there.
    pub(crate) fn from_text(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    fn of(record: &'a Record) -> Self {
        Standing {
            scan_id: Cow::Borrowed(&record.scan_id),
            run: record.run,
            state: record.state,
            strategies_completed: record.strategies_completed,
        }
    }

    /// Nothing replaces an end, no run a later one, no progress a greater one.
    ///
    /// The Redis store applies the same rule in its script, where it can be atomic.
    pub(crate) fn admits(&self, new: &Standing<'_>) -> Admission {
        if self.scan_id != new.scan_id {
            Admission::Written
        } else if self.state.is_terminal() || new.run < self.run {
            Admission::Superseded
        } else if !new.state.is_terminal() && new.strategies_completed < self.strategies_completed {
            Admission::Behind
        } else {
            Admission::Written
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(run: u64, state: State, strategies_completed: usize) -> Standing<'static> {
        Standing { scan_id: Cow::Borrowed("scan_1"), run, state, strategies_completed }
    }

    #[test]
    fn only_what_is_further_on_may_replace_a_record() {
        use State::{Accepted, Complete, Failed, Scanning};
        for (there, new, expected) in [
            ((1, Accepted, 0), (1, Scanning, 0), Admission::Written),
            ((1, Scanning, 3), (1, Scanning, 4), Admission::Written),
            ((1, Scanning, 3), (1, Complete, 14), Admission::Written),
            ((1, Scanning, 3), (1, Failed, 0), Admission::Written),
            ((1, Scanning, 3), (2, Scanning, 3), Admission::Written),
            ((1, Scanning, 3), (1, Accepted, 0), Admission::Behind),
            ((2, Scanning, 3), (2, Scanning, 0), Admission::Behind),
            ((2, Scanning, 3), (1, Scanning, 9), Admission::Superseded),
            ((2, Scanning, 3), (1, Complete, 14), Admission::Superseded),
            ((1, Complete, 14), (2, Accepted, 0), Admission::Superseded),
            ((1, Failed, 0), (1, Complete, 14), Admission::Superseded),
        ] {
            let admission = standing(there.0, there.1, there.2).admits(&standing(new.0, new.1, new.2));
            assert_eq!(admission, expected, "{there:?} and then {new:?}");
        }
    }
}
