//! F behind another fault: scans that were denied now and then, and from some time after their end on for good.

use std::collections::BTreeMap;

use crate::analysis::diagnosis::dataset::{Dataset, Observation, ScanRow};
use crate::analysis::diagnosis::fact::Fact;
use crate::analysis::diagnosis::flapping::flaps::moments;
use crate::analysis::diagnosis::thresholds::{FEW_SCANS, RARE_CHANCE};
use crate::analysis::diagnosis::{Diagnosis, Strength};
use crate::model::fault::FaultClass;

/// The scans that went for good after their end, each with the place of the first denial of its tail.
pub(super) struct Tails(BTreeMap<u64, usize>);

impl Tails {
    /// Those of a log in which scans are denied before their end as well; none if chance would make such tails of those denials.
    pub(super) fn of(diagnosis: &mut Diagnosis, data: &Dataset<'_>) -> Option<Tails> {
        let mut tails = BTreeMap::new();
        let (mut denied, mut looks) = (0_usize, 0_usize);
        let mut chances = 0;
        let mut fewest = u64::MAX;
        for row in data.watched() {
            let tail = tail(row);
            let before = tail.unwrap_or(row.observations.len());
            let after_seen = row.observations[..before].iter().filter(|look| Some(look.age()) > row.first_seen());
            for look in after_seen {
                looks += 1;
                denied += usize::from(!look.seen());
            }
            let gone = tail.map(|place| (place, moments(row.observations[place..].iter().map(Observation::age))));
            if let Some((place, gone)) = gone.filter(|(_, gone)| *gone >= FEW_SCANS) {
                chances += gone;
                fewest = fewest.min((row.observations.len() - place) as u64);
                tails.insert(row.scan.number(), place);
            }
        }
        let share = denied as f64 / looks.max(1) as f64;
        let by_chance = share.powi(i32::try_from(chances).unwrap_or(i32::MAX));
        if denied < FEW_SCANS || tails.len() < 2 || by_chance > RARE_CHANCE || data.watched().any(|row| outlives(row, &tails, data)) {
            return None;
        }
        diagnosis.found(FaultClass::F, Strength::Strong, vec![Fact::Gone { scans: tails.len() as u64, fewest, after_end: true }]);
        Some(Tails(tails))
    }

    /// The earliest age at which a scan went for good, in ms.
    pub(super) fn earliest(&self, data: &Dataset<'_>) -> Option<f64> {
        let gone = |row: &ScanRow<'_>| Some(row.observations[*self.0.get(&row.scan.number())?].age());
        data.rows.iter().filter_map(gone).reduce(f64::min)
    }
}

/// The observations before each scan's tail, however short that is.
pub(super) fn without_tails<'a>(data: &Dataset<'a>) -> Dataset<'a> {
    let before = |row: &ScanRow<'a>| row.first(tail(row).unwrap_or(row.observations.len()));
    Dataset { journal: data.journal, rows: data.rows.iter().map(before).collect() }
}

/// Where a scan that was seen to end begins to be denied for good.
fn tail(row: &ScanRow<'_>) -> Option<usize> {
    let (ended, _) = row.scan.ended()?;
    let place = row.observations.iter().rposition(Observation::seen)? + 1;
    let denials = &row.observations[place..];
    (!denials.is_empty() && denials.iter().all(|denial| ended.sent <= denial.exchange.done)).then_some(place)
}

/// Whether a scan was seen later after its end than any other went: then not its age is what removes a scan.
fn outlives(row: &ScanRow<'_>, tails: &BTreeMap<u64, usize>, data: &Dataset<'_>) -> bool {
    let since_end = |row: &ScanRow<'_>, place: usize| {
        let (ended, _) = row.scan.ended()?;
        Some(row.observations.get(place)?.exchange.sent.since(ended.done).as_ms())
    };
    let latest_gone = data.rows.iter().filter_map(|row| since_end(row, *tails.get(&row.scan.number())?)).fold(0.0, f64::max);
    let last_seen = row.observations.iter().rposition(Observation::seen).and_then(|place| since_end(row, place));
    last_seen.is_some_and(|seen| seen > latest_gone)
}
