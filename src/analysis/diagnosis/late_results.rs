//! V: status shows the end before the result is there.

use crate::analysis::diagnosis::dataset::{Dataset, median, ns};
use crate::analysis::diagnosis::fact::{Exclusion, Fact};
use crate::analysis::diagnosis::flapping::{Flapping, Kind};
use crate::analysis::diagnosis::{Diagnosis, Strength};
use crate::analysis::guarantees::went_back;
use crate::analysis::scan::ScanHistory;
use crate::model::answer::{Answer, State};
use crate::model::exchange::Exchange;
use crate::model::fault::FaultClass;
use crate::statistics::binomial::zero_failure_bound;

/// V: results that were asked for after a success had been shown were missing, and were there later.
pub(super) fn end_before_result(diagnosis: &mut Diagnosis, data: &Dataset<'_>, flapping: &Flapping) {
    // What denies the scan, or shows it late, does so to its results as well.
    let of_scans = [FaultClass::B, FaultClass::C, FaultClass::CPrime, FaultClass::F, FaultClass::K, FaultClass::W];
    if flapping.kind == Some(Kind::AtRandom) || of_scans.iter().any(|class| diagnosis.causes.iter().any(|cause| cause.may_be(*class))) {
        return;
    }
    let (mut late, mut never, mut at_once, mut soonest) = (Vec::new(), 0_u64, 0_u64, 0.0_f64);
    for row in &data.rows {
        match results_after_end(row.scan) {
            Some(Results::Late { after, until }) => late.push((after, until)),
            Some(Results::Missing) => never += 1,
            Some(Results::There { after }) => {
                at_once += 1;
                soonest = soonest.max(after);
            }
            None => {}
        }
    }
    if late.is_empty() && never == 0 {
        if at_once > 0 {
            let by = Exclusion::ResultsThere { scans: at_once, within_ns: ns(soonest), share: zero_failure_bound(at_once, 0.95) };
            diagnosis.excluded(FaultClass::V, by);
        }
        return;
    }
    let after = median(late.iter().map(|(after, _)| *after).collect());
    let until = median(late.iter().map(|(_, until)| *until).collect());
    let asked = late.len() as u64 + never + at_once;
    let fact = Fact::ResultsLate { scans: late.len() as u64 + never, of: asked, there_ns: after.map(ns).zip(until.map(ns)), never };
    diagnosis.found(FaultClass::V, if late.len() >= 2 { Strength::Strong } else { Strength::Moderate }, vec![fact]);
}

/// What became of the results of a scan that succeeded; ages in ms, since the answer that showed the end.
enum Results {
    /// Missing at first, and there between these.
    Late { after: f64, until: f64 },
    /// Missing as often as they were asked for.
    Missing,
    /// There when they were first asked for.
    There { after: f64 },
}

fn results_after_end(scan: &ScanHistory<'_>) -> Option<Results> {
    let (ended, State::Succeeded) = scan.ended()? else { return None };
    // Where another answer takes the end back, what misses the result is the place that answered so, and not the time.
    if went_back(scan).is_some() {
        return None;
    }
    let asked: Vec<&Exchange> = scan.results().iter().copied().filter(|reading| reading.sent < scan.rewritten_from()).collect();
    let there = |reading: &&&Exchange| reading.answer == Answer::Visible && reading.state != Some(State::Running);
    // A 202 says honestly that they are not ready yet.
    let missing =
        |reading: &&&Exchange| reading.answer == Answer::NotFound || reading.state == Some(State::Running) && reading.http != Some(202);
    let after = |reading: &Exchange| reading.sent.since(ended.done).as_ms();
    let first_there = asked.iter().filter(there).min_by_key(|reading| reading.done);
    let last_missing = asked
        .iter()
        .filter(missing)
        .filter(|reading| ended.done <= reading.sent && first_there.is_none_or(|there| reading.sent < there.done))
        .map(|reading| after(reading))
        .reduce(f64::max);
    if asked.iter().filter(missing).any(|reading| first_there.is_some_and(|there| there.done <= reading.sent)) {
        // What was there and is missing again is not late.
        return None;
    }
    match (last_missing, first_there) {
        (Some(after), Some(there)) => Some(Results::Late { after, until: there.done.since(ended.done).as_ms() }),
        (Some(_), None) => Some(Results::Missing),
        (None, Some(there)) => Some(Results::There { after: after(there).max(0.0) }),
        (None, None) => None,
    }
}
