//! When a second write is seen: a copy lags behind every write.

use crate::analysis::diagnosis::dataset::{Dataset, median};
use crate::analysis::diagnosis::never_visible::Lost;

/// The second writes of a log: of each, when the last poll that did not show it was sent and when the first answer came that did, in ms
/// since its acknowledgement.
pub(super) struct SecondWrites(Vec<(f64, f64)>);

/// What the second writes say of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    /// They lag as well.
    Lag,
    /// They were seen long before the window would have been over.
    Current,
    /// They were followed too loosely.
    Nothing,
}

impl SecondWrites {
    /// Those of scans that are not lost; none if there are fewer than three.
    pub(super) fn of(data: &Dataset<'_>, lost: &Lost) -> Option<SecondWrites> {
        let changed = data.rows.iter().filter(|row| !lost.contains(&row.scan.number()));
        let bracket = |row: &_| {
            let row: &crate::analysis::diagnosis::dataset::ScanRow<'_> = row;
            let change = row.scan.change().filter(|change| change.was_answered())?;
            let polls: Vec<_> = row.scan.polls_after(change).collect();
            let shown = polls.iter().filter(|poll| poll.seen == Some(true)).min_by_key(|poll| poll.done)?;
            let hidden = polls
                .iter()
                .filter(|poll| poll.seen == Some(false) && poll.sent < shown.sent)
                .map(|poll| poll.sent.since(change.done).as_ms())
                .fold(0.0, f64::max);
            Some((hidden, shown.done.since(change.done).as_ms()))
        };
        let brackets: Vec<(f64, f64)> = changed.filter_map(bracket).collect();
        (brackets.len() >= 3).then_some(SecondWrites(brackets))
    }

    pub(super) fn count(&self) -> u64 {
        self.0.len() as u64
    }

    /// Medians of both ends.
    pub(super) fn medians(&self) -> (f64, f64) {
        let median_of = |end: fn(&(f64, f64)) -> f64| median(self.0.iter().map(end).collect()).unwrap_or_default();
        (median_of(|bracket| bracket.0), median_of(|bracket| bracket.1))
    }

    /// What they say of a window of so many ms, the least that is certain of it. Each speaks for itself, since a poll that left late widens
    /// one bracket and none of the others.
    pub(super) fn say(&self, window: f64, at_least: f64) -> Says {
        let lag = self.0.iter().filter(|(hidden, _)| *hidden > 0.3 * window).count();
        let current = self.0.iter().filter(|(_, shown)| *shown <= 0.5 * at_least).count();
        if lag >= 2 && lag >= current {
            Says::Lag
        } else if current >= 3 && lag == 0 {
            Says::Current
        } else {
            Says::Nothing
        }
    }
}
