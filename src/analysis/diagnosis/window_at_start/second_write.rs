//! When a second write is seen: a copy lags behind every write.
//!
//! The first poll after the acknowledgement of a write is compared with the first poll after the id, at no greater age: a copy that lags hides
//! both alike, a record that is written late is up to date from its first sight on. No size is compared with another one, so that the lag may
//! have any law.

use crate::analysis::diagnosis::dataset::{Dataset, ScanRow, median};
use crate::analysis::diagnosis::never_visible::Lost;
use crate::analysis::diagnosis::thresholds::{ENOUGH_FIRSTS, FEW_SCANS, LIKELY};
use crate::analysis::guarantees::later_writes::{is_accepted, is_acknowledged, is_deletion};
use crate::model::exchange::Exchange;
use crate::model::time::Stamp;
use crate::statistics::compare::rates::Rates;

/// What the polls after one write showed; times in ms since its acknowledgement.
#[derive(Debug, Clone, Copy)]
struct AfterWrite {
    /// The age of the first poll, and whether it did not show the write.
    first: f64,
    first_hidden: bool,
    /// The latest poll before the first answer that showed it which did not, and that answer; infinite where none showed it.
    hidden: f64,
    shown: f64,
    /// Whether the acknowledgement says that the write is done: a cancel may take its time.
    is_done: bool,
}

/// The second writes of a log, with the first polls of its scans.
pub(super) struct SecondWrites {
    writes: Vec<AfterWrite>,
    /// The ages of the first polls of scans, in order, and whether they were denied.
    firsts: Vec<(f64, bool)>,
}

/// What the second writes say of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    /// They lag as well.
    Lag,
    /// They were seen where as many first polls of new scans were denied that a copy that lags would have hidden some.
    Current,
    /// There were too few of them, or they lagged far more seldom.
    Nothing,
}

impl SecondWrites {
    /// Those of scans that are not lost; none if there are fewer than three.
    pub(super) fn of(data: &Dataset<'_>, lost: &Lost) -> Option<SecondWrites> {
        let rows = || data.watched().filter(|row| !lost.contains(&row.scan.number()));
        let writes: Vec<AfterWrite> =
            rows().flat_map(|row| [row.scan.change(), row.scan.delete()].map(|write| after(row, write?))).flatten().collect();
        if writes.len() < FEW_SCANS {
            return None;
        }
        let first = |row: &ScanRow<'_>| row.observations.first().map(|first| (first.age(), !first.seen()));
        let mut firsts: Vec<(f64, bool)> = rows().filter_map(first).filter(|(age, _)| *age >= 0.0).collect();
        firsts.sort_by(|a, b| a.0.total_cmp(&b.0));
        Some(SecondWrites { writes, firsts })
    }

    pub(super) fn count(&self) -> u64 {
        self.writes.len() as u64
    }

    /// Medians of both ends of the brackets in which writes were seen; where most were not, the second is the first.
    pub(super) fn medians(&self) -> (f64, f64) {
        let median_of = |end: fn(&AfterWrite) -> f64| median(self.writes.iter().map(end).collect()).unwrap_or_default();
        let (hidden, shown) = (median_of(|write| write.hidden), median_of(|write| write.shown));
        (hidden, if shown.is_finite() { shown } else { hidden })
    }

    /// What they say of a window of so many ms.
    pub(super) fn say(&self, window: f64) -> Says {
        // The youngest first polls: what is denied at some age is denied at every smaller one.
        let usual = median(self.writes.iter().map(|write| write.first).collect()).unwrap_or_default();
        let until = self.firsts.get(ENOUGH_FIRSTS.min(self.firsts.len()).saturating_sub(1)).map_or(usual, |(age, _)| age.max(usual));
        let firsts: Vec<bool> = self.firsts.iter().filter(|(age, _)| *age <= until).map(|(_, denied)| *denied).collect();
        let denied = firsts.iter().filter(|denied| **denied).count() as u64;
        let prompt: Vec<&AfterWrite> = self.writes.iter().filter(|write| write.first <= until).collect();
        let hides = |write: &&&AfterWrite| write.first_hidden && (write.is_done || write.hidden > 0.3 * window);
        let hidden = prompt.iter().filter(hides).count() as u64;
        let rates = Rates { base_events: denied, base_trials: firsts.len() as u64, new_events: hidden, new_trials: prompt.len() as u64 };
        let seldom = rates.fisher().p_lower < LIKELY;
        match hidden {
            0 if seldom => Says::Current,
            2.. if !seldom => Says::Lag,
            _ => Says::Nothing,
        }
    }
}

fn after<'a>(row: &ScanRow<'a>, write: &'a Exchange) -> Option<AfterWrite> {
    if !is_accepted(write) {
        return None;
    }
    let polls: Vec<&Exchange> = row.scan.polls_after(write).collect();
    let since = |stamp: Stamp| stamp.since(write.done).as_ms();
    let first = polls.iter().min_by_key(|poll| poll.sent)?;
    // A write that was not shown as long as anybody looked may lag for longer.
    let shown = polls.iter().filter(|poll| poll.seen == Some(true)).min_by_key(|poll| poll.done);
    let is_before = |poll: &&&Exchange| shown.is_none_or(|shown| poll.sent < shown.sent);
    let hidden = polls.iter().filter(|poll| poll.seen == Some(false)).filter(is_before).map(|poll| since(poll.sent));
    Some(AfterWrite {
        first: since(first.sent),
        first_hidden: first.seen == Some(false),
        hidden: hidden.fold(0.0, f64::max),
        shown: shown.map_or(f64::INFINITY, |shown| since(shown.done)),
        is_done: is_acknowledged(write) && (is_deletion(write) || row.scan.update().is_some()),
    })
}

/// Whether second writes lag as well as first ones, whatever else is known.
pub(in crate::analysis::diagnosis) fn lag_as_well(data: &Dataset<'_>) -> bool {
    let longest = data.denied_until();
    SecondWrites::of(data, &Lost::new()).is_some_and(|writes| writes.say(longest) == Says::Lag)
}
