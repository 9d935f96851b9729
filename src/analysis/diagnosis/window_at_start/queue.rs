//! E: windows that grow with the queue.

use crate::analysis::diagnosis::dataset::{Dataset, ScanRow, median, ns};
use crate::analysis::diagnosis::fact::{Exclusion, Fact};
use crate::analysis::diagnosis::open::OpenQuestion;
use crate::analysis::diagnosis::{Diagnosis, Strength};
use crate::model::fault::FaultClass;

/// E: the window grows with the place in the queue.
///
/// Decided before lost scans are: behind a long queue a scan may be denied as long as anybody looks.
pub(in crate::analysis::diagnosis) fn queue(diagnosis: &mut Diagnosis, data: &Dataset<'_>) -> bool {
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
        let idle = median(data.watched().filter(|row| data.was_idle(row)).filter_map(ScanRow::start).map(|(_, until)| until).collect());
        // Queues serve roughly in order, but not exactly in the order in which answers came back.
        let by_size = spread(&lower);
        let grows = last > 2.0 * first || idle.is_some_and(|idle| by_size > 3.0 * idle.max(5.0));
        let first_third = first.is_finite().then(|| ns(first));
        // Windows that differ by chance are as spread out, but no longer for those that were asked for later.
        let by_place = growth_with_place(&burst);
        if grows && staircase(&burst) && by_place > LIKELY_Z {
            let sure = idle.is_some() && by_place > SURE_Z;
            let grown = Fact::WindowGrows {
                scans: burst.len() as u64,
                first_third_at_most_ns: first_third,
                last_third_at_least_ns: ns(last),
                alone_ns: idle.map(ns),
            };
            diagnosis.found(FaultClass::E, if sure { Strength::Strong } else { Strength::Moderate }, vec![grown]);
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

/// A growth with the place as clear as this comes by chance in one of a thousand bursts, and in one of forty.
const SURE_Z: f64 = 3.1;

const LIKELY_Z: f64 = 1.96;

/// How far the windows of a burst grow with the place at which each scan was asked for: Kendall's S in standard deviations of its
/// distribution under exchangeability (Kendall, 1938). Only brackets that do not overlap are ordered.
fn growth_with_place(burst: &[(f64, (f64, f64))]) -> f64 {
    let mut sum = 0.0;
    let mut ordered = 0.0;
    for (place, (_, (after, until))) in burst.iter().enumerate() {
        for (_, (next_after, next_until)) in &burst[place + 1..] {
            let step = f64::from(u8::from(until <= next_after)) - f64::from(u8::from(next_until <= after));
            sum += step;
            ordered += step.abs();
        }
    }
    let n = burst.len() as f64;
    let pairs: f64 = n * (n - 1.0) / 2.0;
    // Pairs that overlap add nothing to the sum, and their share of the variance is left out as well.
    let variance = n * (n - 1.0) * (2.0 * n + 5.0) / 18.0 * (ordered / pairs.max(1.0));
    if variance > 0.0 { sum / variance.sqrt() } else { 0.0 }
}

/// The window of a scan that was denied to the last: at least so long.
fn still_denied(row: &ScanRow<'_>) -> Option<(f64, f64)> {
    let last = row.observations.last().filter(|_| row.first_seen().is_none())?;
    Some((last.age(), f64::INFINITY))
}

fn spread(numbers: &[f64]) -> f64 {
    let largest = numbers.iter().copied().fold(0.0, f64::max);
    let smallest = numbers.iter().copied().fold(f64::INFINITY, f64::min);
    largest - smallest.min(largest)
}

/// Whether the windows of a burst are many different ones, as a queue makes them, rather than one common instant: no single
/// age lies in more than half of the brackets.
fn staircase(burst: &[(f64, (f64, f64))]) -> bool {
    let sorted = |end: fn(&(f64, f64)) -> f64| {
        let mut ends: Vec<f64> = burst.iter().map(|(_, bracket)| end(bracket)).collect();
        ends.sort_by(f64::total_cmp);
        ends
    };
    let (afters, untils) = (sorted(|bracket| bracket.0), sorted(|bracket| bracket.1));
    // At the end of a bracket lie those that have begun before it, but for those that are over.
    let depth = |at: f64| afters.partition_point(|after| *after < at) - untils.partition_point(|until| *until < at);
    let deepest = untils.iter().map(|until| depth(*until)).max().unwrap_or_default();
    deepest * 2 <= burst.len()
}
