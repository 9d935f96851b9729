//! From a scenario's scans to the series that are kept: one value for each scan, in the order of their numbers.

use std::collections::BTreeMap;

use crate::analysis::baseline::{KEPT, Rate, RoundTrips, Windows};
use crate::analysis::scan::{ScanHistory, Visibility};
use crate::model::answer::Answer;
use crate::model::exchange::{Connection, Exchange, Kind};
use crate::model::scenario::Scenario;
use crate::model::time::{Bracket, Nanos};

/// Whether each scan was denied at each offset, by the rules of [`crate::analysis::gate`].
pub(super) fn rates(scenario: &Scenario, scans: &[&ScanHistory<'_>]) -> Vec<Rate> {
    let mut rates = Vec::new();
    for (index, arm) in scenario.arms.iter().enumerate() {
        let of_arm: Vec<_> = scans.iter().filter(|scan| scan.arm() as usize == index).collect();
        for at in &arm.offsets {
            let in_time = |scan: &ScanHistory<'_>, poll: &Exchange| {
                poll.offset.get() == Some(at.as_nanos()) && (scan.age(poll).0 - at.as_nanos().0).abs() <= arm.tolerance.as_nanos().0
            };
            let outcome = |scan: &ScanHistory<'_>| {
                let answers = scan.gate_polls().filter(|poll| in_time(scan, poll) && poll.answer.is_evidence());
                let denied = answers.map(|poll| poll.answer == Answer::NotFound).reduce(|a, b| a || b)?;
                Some((scan.number(), denied))
            };
            let outcomes: Vec<(u64, bool)> = of_arm.iter().filter_map(|scan| outcome(scan)).collect();
            rates.push(Rate {
                arm: arm.name.clone(),
                connection: arm.connection,
                at: *at,
                denied: outcomes.iter().filter(|(_, denied)| *denied).count() as u64,
                scans: outcomes.len() as u64,
                runs: runs(&outcomes),
                numbers: outcomes.iter().map(|(scan, _)| *scan).collect(),
            });
        }
    }
    rates
}

/// How many in a row were not denied, then how many were, and so on.
fn runs(outcomes: &[(u64, bool)]) -> Vec<u64> {
    let mut runs = Vec::new();
    for same in outcomes.chunk_by(|a, b| a.1 == b.1) {
        if runs.is_empty() && same[0].1 {
            runs.push(0);
        }
        runs.push(same.len() as u64);
    }
    runs
}

/// The brackets of the scans that have one.
pub(super) fn windows(scans: &[&ScanHistory<'_>]) -> Windows {
    let mut windows = Windows { scans: 0, flapping: 0, brackets: Vec::new(), numbers: Vec::new() };
    for scan in scans {
        match scan.visibility() {
            Visibility::Flapping => windows.flapping += 1,
            Visibility::Seen(bracket) | Visibility::NeverSeen(bracket) => {
                windows.brackets.push(in_ms(bracket));
                windows.numbers.push(scan.number());
            }
            Visibility::NotAccepted | Visibility::NoEvidence => {}
        }
    }
    windows.scans = windows.flapping + windows.brackets.len() as u64;
    windows
}

/// The round trips of initiates and polls: what users wait for.
pub(super) fn round_trips(scans: &[&ScanHistory<'_>]) -> Vec<RoundTrips> {
    let mut kinds: BTreeMap<(Kind, Connection), (Vec<f64>, Vec<u64>)> = BTreeMap::new();
    for scan in scans {
        let mut own: BTreeMap<(Kind, Connection), Vec<f64>> = BTreeMap::new();
        for exchange in [scan.initiate].into_iter().chain(scan.polls().iter().copied()).filter(|exchange| exchange.was_answered()) {
            own.entry((exchange.kind, exchange.connection)).or_default().push(exchange.done.since(exchange.sent).as_ms());
        }
        for (key, mut trips) in own {
            trips.sort_by(f64::total_cmp);
            let (ms, numbers) = kinds.entry(key).or_default();
            ms.push(rounded(trips[trips.len() / 2]));
            numbers.push(scan.number());
        }
    }
    kinds.into_iter().map(|((kind, connection), (ms, numbers))| RoundTrips { kind, connection, ms, numbers }).collect()
}

impl Windows {
    /// No more than are kept.
    pub(super) fn thinned(mut self) -> Windows {
        self.brackets = thin(self.brackets);
        self.numbers = thin(self.numbers);
        self
    }
}

impl RoundTrips {
    /// No more than are kept.
    pub(super) fn thinned(mut self) -> RoundTrips {
        self.ms = thin(self.ms);
        self.numbers = thin(self.numbers);
        self
    }
}

/// Evenly picked by place, which knows nothing of the values.
fn thin<T: Clone>(values: Vec<T>) -> Vec<T> {
    if values.len() <= KEPT {
        return values;
    }
    (0..KEPT).map(|place| values[place * values.len() / KEPT].clone()).collect()
}

fn in_ms(bracket: Bracket) -> (f64, Option<f64>) {
    // Outwards, so that the truth stays inside.
    let after = (bracket.after.as_ms() * 1e3).floor() / 1e3;
    (after, bracket.until.map(Nanos::as_ms).map(|until| (until * 1e3).ceil() / 1e3))
}

/// To a microsecond.
fn rounded(ms: f64) -> f64 {
    (ms * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_outcomes_are_the_same() {
        for text in ["", "0", "1", "0011100", "1101"] {
            let outcomes: Vec<(u64, bool)> = text.bytes().zip(0..).map(|(digit, scan)| (scan, digit == b'1')).collect();
            let rate = Rate {
                arm: "polls".into(),
                connection: Connection::Fresh,
                at: crate::model::time::Span::millis(100),
                denied: 0,
                scans: outcomes.len() as u64,
                runs: runs(&outcomes),
                numbers: Vec::new(),
            };
            assert_eq!(rate.outcomes(), outcomes.iter().map(|(_, denied)| *denied).collect::<Vec<bool>>(), "{text}");
        }
    }

    #[test]
    fn a_large_run_is_thinned_evenly() {
        let thinned = thin((0..2_500).collect());
        assert_eq!((thinned.len(), thinned[0], thinned[1], thinned[999]), (KEPT, 0, 2, 2_497));
        assert_eq!(thin(vec![1, 2]), [1, 2]);
    }
}
