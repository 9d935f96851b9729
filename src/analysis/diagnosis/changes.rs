//! S: an acknowledged change that is read back old, where new scans are visible at once.

use crate::analysis::diagnosis::dataset::{Dataset, ns};
use crate::analysis::diagnosis::fact::{Exclusion, Fact};
use crate::analysis::diagnosis::thresholds::FEW_SCANS;
use crate::analysis::diagnosis::{Diagnosis, Strength};
use crate::analysis::guarantees::shown_and_hidden;
use crate::model::exchange::{Exchange, Purpose};
use crate::model::fault::FaultClass;
use crate::model::time::Nanos;

/// S: a change was shown and then hidden again, and creation shows no such thing.
pub(super) fn stale_update(diagnosis: &mut Diagnosis, data: &Dataset<'_>) {
    let changed = || data.rows.iter().filter(|row| row.scan.change().is_some_and(Exchange::was_answered));
    let polls = |row: &&_| -> usize { after_change(row).count() };
    let asked = changed().filter(|row| polls(row) > 0).count() as u64;
    let back: Vec<_> = changed().filter_map(|row| Some((row, shown_and_hidden(row.scan)?))).collect();
    if back.is_empty() {
        let last = changed().flat_map(|row| after_change(&row)).filter(|poll| poll.seen == Some(false)).count();
        if asked as usize >= FEW_SCANS && last == 0 {
            diagnosis.excluded(FaultClass::S, Exclusion::ChangeShown { changes: asked });
        }
        return;
    }
    // Where a new scan goes both ways as well, the copy that lags is the cause of both.
    let of_creation = [FaultClass::B, FaultClass::C, FaultClass::CPrime, FaultClass::G];
    if of_creation.iter().any(|class| diagnosis.names(*class)) {
        return;
    }
    let hidden = back.iter().map(|(_, (_, hidden))| hidden);
    let latest = back.iter().filter_map(|(row, (_, hidden))| Some(hidden.sent.since(row.scan.change()?.done))).max().unwrap_or(Nanos(0));
    let fact = Fact::ChangeTakenBack { scans: back.len() as u64, of: asked, hidden: hidden.count() as u64, latest_ns: ns(latest.as_ms()) };
    diagnosis.found(FaultClass::S, if back.len() >= FEW_SCANS { Strength::Strong } else { Strength::Moderate }, vec![fact]);
}

fn after_change<'r>(row: &'r crate::analysis::diagnosis::dataset::ScanRow<'_>) -> impl Iterator<Item = &'r Exchange> {
    row.scan.polls().iter().copied().filter(|poll| poll.purpose == Purpose::Then && poll.seen.is_some())
}
