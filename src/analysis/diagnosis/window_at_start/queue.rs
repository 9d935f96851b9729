//! E: windows that grow with the queue.

use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;

use crate::analysis::diagnosis::dataset::{Dataset, ScanRow, median, ns};
use crate::analysis::diagnosis::fact::{Exclusion, Fact};
use crate::analysis::diagnosis::open::OpenQuestion;
use crate::analysis::diagnosis::thresholds::{CHANCE, LIKELY, UNLIKELY};
use crate::analysis::diagnosis::window_at_start::refresh::stabbing;
use crate::analysis::diagnosis::window_at_start::second_write::lag_as_well;
use crate::analysis::diagnosis::{Diagnosis, Strength};
use crate::model::fault::FaultClass;
use crate::statistics::compare::rates::Rates;

/// E: the window grows with the place in the queue.
///
/// Decided before lost scans are: behind a long queue a scan may be denied as long as anybody looks.
pub(in crate::analysis::diagnosis) fn queue(diagnosis: &mut Diagnosis, data: &Dataset<'_>) -> bool {
    // In a queue a second write is seen at once; a copy that gets writes in their order shows each of many later than the one before.
    let lags = lag_as_well(data);
    let mut best: Option<Growth> = None;
    let mut checked = None;
    // Alone a scan waits for nothing.
    let denied_alone = data.watched().filter(|row| data.was_idle(row)).any(|row| row.denied_at_start().next().is_some());
    let mut unclear = false;
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
            unclear |= served < burst.len() && !denied_alone;
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
        // Where a scan is denied alone as well, writes that arrive in their order, each late by chance, grow with the
        // place as well; but those behind a late one arrive together with it, and a queue serves one after the other.
        let instants = |(t0, (after, until)): &(f64, (f64, f64))| until.is_finite().then_some((t0 / 1e6 + after, t0 / 1e6 + until));
        let one_by_one = stabbing(burst.iter().filter_map(instants).collect()).len() * 3 >= served * 2;
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
            let growth = Growth { sure, alone: idle.is_some(), p, fact: grown };
            if best.as_ref().is_none_or(|best| (growth.sure, -growth.p) > (best.sure, -best.p)) {
                best = Some(growth);
            }
        } else if !lags
            && !denied_alone
            && some_are_denied(&lower)
            && (p < UNLIKELY || as_far_as_possible(&brackets, data.journal.run.seed) >= LIKELY)
        {
            // Windows that could not have shown a growth, that grew a little, or no longer than a scan alone may have waited, exclude none.
            unclear = true;
        } else {
            checked = Some(Exclusion::NoGrowth { scans: burst.len() as u64, first_third_ns: first_third, last_third_ns: ns(last) });
        }
    }
    let Some(Growth { sure, alone, fact, .. }) = best else {
        if unclear {
            diagnosis.open.push(OpenQuestion::QueueOrDelay);
        } else if let Some(checked) = checked {
            diagnosis.excluded(FaultClass::E, checked);
        }
        return false;
    };
    if alone {
        diagnosis.found(FaultClass::E, if sure { Strength::Strong } else { Strength::Moderate }, vec![fact]);
    } else {
        diagnosis.found_among(FaultClass::E, vec![FaultClass::A], vec![fact]);
    }
    if !sure {
        diagnosis.open.push(OpenQuestion::QueueOrDelay);
    }
    true
}

/// Windows that grew with the place, in one burst.
struct Growth {
    /// Whether they grew beyond chance, and scans were asked for alone to compare with.
    sure: bool,
    /// Whether scans were asked for alone.
    alone: bool,
    p: f64,
    fact: Fact,
}

/// Whether some of a burst were denied and some were not, as the first in a queue are not.
fn some_are_denied(lower: &[f64]) -> bool {
    lower.iter().any(|denied| *denied > 0.0) && lower.contains(&0.0)
}

/// The chance that [`growth_with_place`] would give these windows if they had come in the order of their places: the least that it can.
fn as_far_as_possible(brackets: &[(f64, f64)], seed: u64) -> f64 {
    let mut in_order = brackets.to_vec();
    in_order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    growth_with_place(&in_order, seed)
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

/// Whether scans that were asked for together were denied at ages at which hardly any other was: as those behind the first in a queue are.
pub(super) fn only_together(data: &Dataset<'_>, rows: &[&ScanRow<'_>], until_ms: f64) -> bool {
    let (mut together, mut apart) = ((0, 0), (0, 0));
    for row in rows {
        let Some(first) = row.observations.first().filter(|first| first.age() <= until_ms) else { continue };
        let (denied, all) = if data.is_of_burst(row) { &mut together } else { &mut apart };
        *denied += u64::from(!first.seen());
        *all += 1;
    }
    let rates = Rates { base_events: apart.0, base_trials: apart.1, new_events: together.0, new_trials: together.1 };
    together.1 > 0 && apart.1 > 0 && rates.fisher().p_higher < LIKELY
}

/// The window of a scan that was denied to the last: at least so long.
fn still_denied(row: &ScanRow<'_>) -> Option<(f64, f64)> {
    let last = row.observations.last().filter(|_| row.first_seen().is_none())?;
    Some((last.age(), f64::INFINITY))
}
