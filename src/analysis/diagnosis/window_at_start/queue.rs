//! E: windows that grow with the queue.

use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;

use crate::analysis::diagnosis::dataset::{Dataset, ScanRow, median, ns};
use crate::analysis::diagnosis::fact::{Exclusion, Fact};
use crate::analysis::diagnosis::open::OpenQuestion;
use crate::analysis::diagnosis::thresholds::{CHANCE, LIKELY};
use crate::analysis::diagnosis::window_at_start::refresh::stabbing;
use crate::analysis::diagnosis::window_at_start::second_write::lag_as_well;
use crate::analysis::diagnosis::{Diagnosis, Strength};
use crate::model::fault::FaultClass;

/// E: the window grows with the place in the queue.
///
/// Decided before lost scans are: behind a long queue a scan may be denied as long as anybody looks.
pub(in crate::analysis::diagnosis) fn queue(diagnosis: &mut Diagnosis, data: &Dataset<'_>) -> bool {
    // In a queue a second write is seen at once; a copy that gets writes in their order shows each of many later than the one before.
    let lags = lag_as_well(data);
    let mut found = false;
    let mut checked = None;
    for (index, _) in data.journal.scenarios.iter().enumerate() {
        let mut burst: Vec<(f64, (f64, f64))> = data
            .watched()
            .filter(|row| row.scan.scenario() as usize == index && data.is_of_burst(row))
            .filter_map(|row| Some((row.scan.t0()?.0 as f64, row.start().or_else(|| still_denied(row))?)))
            .collect();
        let asked = data.rows.iter().filter(|row| row.scan.scenario() as usize == index).count();
        // Who is still denied when the watch ends has a window of at least that; if nobody is served, nothing grows.
        let served = burst.iter().filter(|(_, (_, until))| until.is_finite()).count();
        if burst.len() < 8 || burst.len() * 3 < asked * 2 || served * 3 < burst.len() {
            continue;
        }
        burst.sort_by(|a, b| a.0.total_cmp(&b.0));
        // The ends of the brackets bound each window; growth must show in the lower ends, where nothing is assumed.
        let lower: Vec<f64> = burst.iter().map(|(_, (after, _))| *after).collect();
        let third = lower.len() / 3;
        let first = median(burst[..third].iter().map(|(_, (_, until))| *until).collect()).unwrap_or_default();
        let last = median(lower[lower.len() - third..].to_vec()).unwrap_or_default();
        let idle = data.watched().filter(|row| data.was_idle(row)).filter_map(ScanRow::start).map(|(_, until)| until).reduce(f64::max);
        let first_third = first.is_finite().then(|| ns(first));
        let brackets: Vec<(f64, f64)> = burst.iter().map(|(_, bracket)| *bracket).collect();
        let p = growth_with_place(&brackets, data.journal.run.seed);
        // Alone a scan waits for nothing. Where it is denied all the same, writes that arrive in their order, each late by chance, grow with the
        // place as well; but those behind a late one arrive together with it, and a queue serves one after the other.
        let denied_alone = data.watched().filter(|row| data.was_idle(row)).any(|row| row.denied_at_start().next().is_some());
        let instants = |(t0, (after, until)): &(f64, (f64, f64))| until.is_finite().then_some((t0 / 1e6 + after, t0 / 1e6 + until));
        let one_by_one = stabbing(burst.iter().filter_map(instants).collect()).len() * 3 >= burst.len() * 2;
        let longer_than_alone = idle.is_none_or(|idle| last > 2.0 * idle) && (!denied_alone || one_by_one);
        if !lags && p < LIKELY && longer_than_alone && last > first.min(last / 2.0) {
            let sure = idle.is_some() && p < CHANCE;
            let grown = Fact::WindowGrows {
                scans: burst.len() as u64,
                first_third_at_most_ns: first_third,
                last_third_at_least_ns: ns(last),
                alone_ns: idle.map(ns),
                p,
            };
            if idle.is_some() {
                diagnosis.found(FaultClass::E, if sure { Strength::Strong } else { Strength::Moderate }, vec![grown]);
            } else {
                diagnosis.found_among(FaultClass::E, vec![FaultClass::A], vec![grown]);
            }
            if !sure {
                diagnosis.open.push(OpenQuestion::QueueOrDelay);
            }
            found = true;
        } else {
            checked = Some(Exclusion::NoGrowth { scans: burst.len() as u64, first_third_ns: first_third, last_third_ns: ns(last) });
        }
    }
    if let Some(checked) = checked.filter(|_| !found) {
        diagnosis.excluded(FaultClass::E, checked);
    }
    found
}

/// How often the windows of a burst, dealt out to the places by chance, would grow with the place as far as they did: a permutation test of
/// Kendall's S (1938) against exchangeability, so that no law of windows is taken for a queue. Only brackets that do not overlap are
/// ordered. Monte Carlo, by Phipson and Smyth's (2010) count, which never is zero.
fn growth_with_place(brackets: &[(f64, f64)], seed: u64) -> f64 {
    const ROUNDS: u32 = 5000;
    let n = brackets.len();
    let order = |a: usize, b: usize| {
        let (a, b) = (brackets[a], brackets[b]);
        i32::from(a.1 <= b.0) - i32::from(b.1 <= a.0)
    };
    let signs: Vec<Vec<i32>> = (0..n).map(|a| (0..n).map(|b| order(a, b)).collect()).collect();
    let sum =
        |places: &[usize]| -> i32 { (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j))).map(|(i, j)| signs[places[i]][places[j]]).sum() };
    let mut places: Vec<usize> = (0..n).collect();
    let observed = sum(&places);
    if observed <= 0 {
        return 1.0;
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut as_far = 1;
    for round in 1..=ROUNDS {
        places.shuffle(&mut random);
        as_far += u32::from(sum(&places) >= observed);
        // What is no growth shows early.
        if as_far > 50 {
            return f64::from(as_far) / f64::from(round + 1);
        }
    }
    f64::from(as_far) / f64::from(ROUNDS + 1)
}

/// The window of a scan that was denied to the last: at least so long.
fn still_denied(row: &ScanRow<'_>) -> Option<(f64, f64)> {
    let last = row.observations.last().filter(|_| row.first_seen().is_none())?;
    Some((last.age(), f64::INFINITY))
}
