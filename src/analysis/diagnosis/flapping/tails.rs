//! F behind another fault: scans that were denied now and then, and from some time after their end on for good.

use crate::analysis::diagnosis::dataset::{Dataset, Observation, ScanRow};
use crate::analysis::diagnosis::fact::Fact;
use crate::analysis::diagnosis::flapping::flaps::moments;
use crate::analysis::diagnosis::thresholds::{FEW_SCANS, RARE_CHANCE};
use crate::analysis::diagnosis::{Diagnosis, Strength};
use crate::model::fault::FaultClass;

/// Scans that went for good after their end.
pub(super) struct Tails {
    /// The earliest age at which a scan was seen to end, in ms: from then on any may be gone.
    pub(super) gone_ms: f64,
}

impl Tails {
    /// Those of a log in which scans are denied before their end as well; none if chance would make such tails of those denials.
    pub(super) fn of(diagnosis: &mut Diagnosis, data: &Dataset<'_>) -> Option<Tails> {
        let mut tails = 0_u64;
        let (mut denied, mut looks) = (0_usize, 0_usize);
        let mut chances = 0;
        let mut fewest = u64::MAX;
        // Nobody was seen later after their end than this; if chance denied them, it denied all later looks.
        let life = data.watched().filter_map(last_seen_since_end).fold(0.0, f64::max);
        for row in data.watched() {
            let tail = tail(row);
            let before = tail.unwrap_or(row.observations.len());
            let after_seen = row.observations[..before].iter().filter(|look| Some(look.age()) > row.first_seen());
            for look in after_seen {
                looks += 1;
                denied += usize::from(!look.seen());
            }
            let Some(place) = tail else { continue };
            let outlived = row.observations[place..].iter().filter(|look| since_end(row, look).is_some_and(|since| since > life));
            let gone = moments(outlived.map(Observation::age));
            if gone >= FEW_SCANS {
                chances += gone;
                fewest = fewest.min((row.observations.len() - place) as u64);
                tails += 1;
            }
        }
        let share = denied as f64 / looks.max(1) as f64;
        let by_chance = share.powi(i32::try_from(chances).unwrap_or(i32::MAX));
        if denied < FEW_SCANS || tails < 2 || by_chance > RARE_CHANCE {
            return None;
        }
        diagnosis.found(FaultClass::F, Strength::Strong, vec![Fact::Gone { scans: tails, fewest, after_end: true }]);
        Some(Tails { gone_ms: earliest_end(data)? })
    }

    /// The observations before each scan's tail, however short that is. A copy that lags learns as late that a scan is gone as that it is there:
    /// denials before the tail that follow each other within the time for which scans are denied at their beginning belong to it.
    pub(super) fn without<'a>(&self, data: &Dataset<'a>) -> Dataset<'a> {
        let young = data.watched().flat_map(|row| row.observations.iter().filter(|look| !look.seen() && since_end(row, look).is_none()));
        let lag = young.map(Observation::age).filter(|age| *age < self.gone_ms).fold(0.0, f64::max);
        let late = |row: &ScanRow<'a>| row.observations.iter().position(|look| !look.seen() && look.age() >= self.gone_ms);
        let before = |row: &ScanRow<'a>| {
            // A scan whose end was not seen may have ended as early as any.
            let place = if row.scan.ended().is_some() { going(row, lag) } else { late(row) };
            row.first(place.unwrap_or(row.observations.len()))
        };
        Dataset { journal: data.journal, rows: data.rows.iter().map(before).collect() }
    }
}

/// The earliest age at which a scan was seen to end, in ms.
pub(super) fn earliest_end(data: &Dataset<'_>) -> Option<f64> {
    let age = |row: &ScanRow<'_>| Some(row.scan.ended()?.0.done.since(row.scan.t0()?).as_ms());
    data.rows.iter().filter_map(age).reduce(f64::min)
}

/// Where a scan that was seen to end begins to be denied for good.
fn tail(row: &ScanRow<'_>) -> Option<usize> {
    let (ended, _) = row.scan.ended()?;
    let place = row.observations.iter().rposition(Observation::seen)? + 1;
    let denials = &row.observations[place..];
    (!denials.is_empty() && denials.iter().all(|denial| ended.sent <= denial.exchange.done)).then_some(place)
}

/// Where a scan's tail begins, with the denials after its end from which on no two are farther apart than so many ms.
fn going(row: &ScanRow<'_>, lag: f64) -> Option<usize> {
    let tail = tail(row)?;
    let denied = |place: &usize| !row.observations[*place].seen() && since_end(row, &row.observations[*place]).is_some();
    let near = |from: usize, to: usize| row.observations[to].age() - row.observations[from].age() <= lag;
    let chain = (0..tail).rev().filter(denied).scan(tail, |next, place| {
        let belongs = near(place, *next);
        *next = place;
        belongs.then_some(place)
    });
    Some(chain.last().unwrap_or(tail))
}

/// How long after its scan had been seen to end a poll was sent, in ms.
fn since_end(row: &ScanRow<'_>, look: &Observation<'_>) -> Option<f64> {
    let (ended, _) = row.scan.ended()?;
    let since = look.exchange.sent.since(ended.done).as_ms();
    (since >= 0.0).then_some(since)
}

/// How long after its end a scan was seen last, in ms.
fn last_seen_since_end(row: &ScanRow<'_>) -> Option<f64> {
    since_end(row, row.observations.iter().rfind(|look| look.seen())?)
}
