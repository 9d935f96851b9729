//! Windows that stop, or begin, at an instant of the run and not at an age.

use crate::analysis::diagnosis::chance::all_among_first;
use crate::analysis::diagnosis::dataset::{Dataset, Observation, ScanRow, median};
use crate::analysis::diagnosis::open::OpenQuestion;
use crate::analysis::diagnosis::thresholds::{FEW_SCANS, RARE_CHANCE};
use crate::analysis::diagnosis::{Diagnosis, Strength};
use crate::model::time::Stamp;

/// Says so where first polls of equal age were denied only before an instant, or only after it: the service changed, and what was found is true
/// of one part of the run. Bursts are left out, since a queue denies them and no others.
pub(super) fn changed(diagnosis: &mut Diagnosis, data: &Dataset<'_>, rows: &[&ScanRow<'_>]) {
    // Instants of several clocks are not to be compared.
    if data.is_merged() {
        return;
    }
    let firsts = || rows.iter().filter(|row| !data.is_of_burst(row)).filter_map(|row| row.observations.first());
    let Some(until) = median(firsts().filter(|first| !first.seen()).map(Observation::age).collect()) else { return };
    let mut polls: Vec<(Stamp, bool)> =
        firsts().filter(|first| first.age() <= until).map(|first| (first.exchange.sent, !first.seen())).collect();
    polls.sort_unstable();
    let (Some(first), Some(last)) = (polls.iter().position(|(_, denied)| *denied), polls.iter().rposition(|(_, denied)| *denied)) else {
        return;
    };
    let (n, denied) = (polls.len(), polls.iter().filter(|(_, denied)| *denied).count());
    let ends = all_among_first(denied, last + 1, n);
    let begins = all_among_first(denied, n - first, n);
    // One of the two, and twice as many ways to find one.
    if denied < FEW_SCANS || 2.0 * ends.min(begins) > RARE_CHANCE {
        return;
    }
    let at = if ends <= begins { polls[last].0 } else { polls[first].0 };
    diagnosis.open.push(OpenQuestion::Changed {
        at_ns: at.since(Stamp(0)),
        denied_before: ends <= begins,
        polls: n as u64,
        denied: denied as u64,
    });
    for cause in &mut diagnosis.causes {
        cause.strength = cause.strength.min(Strength::Moderate);
    }
}
