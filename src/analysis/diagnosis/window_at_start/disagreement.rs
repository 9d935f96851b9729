//! C′ where it shows in the first polls: two of one instant disagree, and none does later.

use crate::analysis::diagnosis::chance::share_left;
use crate::analysis::diagnosis::dataset::{Dataset, Observation, ScanRow, ns};
use crate::analysis::diagnosis::fact::{Exclusion, Fact};
use crate::analysis::diagnosis::flapping::Flapping;
use crate::analysis::diagnosis::thresholds::{CHANCE, FEW_SCANS, SETTLED, SPLIT_BY_CHANCE};
use crate::analysis::diagnosis::{Diagnosis, Strength};
use crate::model::fault::FaultClass;
use crate::statistics::binomial::survival;

/// The first two polls of a scan, where they were under way together.
pub(super) struct TwoAtOnce {
    /// The age of the first of them.
    pub(super) age: f64,
    /// Whether one of them saw the scan, and the other did not.
    pub(super) split: bool,
}

impl TwoAtOnce {
    pub(super) fn of(row: &ScanRow<'_>) -> Option<TwoAtOnce> {
        let [one, other, ..] = row.observations else { return None };
        (other.exchange.sent < one.exchange.done).then(|| TwoAtOnce { age: one.age(), split: one.seen() != other.seen() })
    }
}

/// C′: of two first polls that were under way together one often saw the scan and the other did not, and no poll well after the window
/// was denied. A record that is written late splits hardly any pair, and workers with memories of their own go on disagreeing.
pub(super) fn disagreement(diagnosis: &mut Diagnosis, data: &Dataset<'_>, rows: &[&ScanRow<'_>], flapping: &Flapping) -> bool {
    let pairs: Vec<TwoAtOnce> = rows.iter().filter_map(|row| TwoAtOnce::of(row)).collect();
    let split = pairs.iter().filter(|pair| pair.split).count();
    if split < FEW_SCANS || survival(split as u64, pairs.len() as u64, SPLIT_BY_CHANCE) > CHANCE {
        return false;
    }
    let window = rows.iter().flat_map(|row| row.denied_at_start()).map(Observation::age).fold(flapping.until_ms, f64::max);
    let latest = data.watched().flat_map(ScanRow::after_seen).filter(|seen| !seen.seen()).map(Observation::age).fold(0.0, f64::max);
    let settled = data.watched().flat_map(ScanRow::after_seen).filter(|observation| observation.age() > window).count();
    if settled < SETTLED || latest > window {
        return false;
    }
    let first_split = pairs.iter().filter(|pair| pair.split).map(|pair| pair.age).fold(0.0, f64::max);
    diagnosis.found(
        FaultClass::CPrime,
        Strength::Strong,
        vec![
            Fact::PairsSplit { split: split as u64, of: pairs.len() as u64, latest_ns: ns(first_split) },
            Fact::Healed { polls: settled as u64 },
        ],
    );
    diagnosis
        .excluded(FaultClass::B, Exclusion::SettledPollsSeen { polls: settled as u64, after_ns: ns(window), share: share_left(settled) });
    true
}
