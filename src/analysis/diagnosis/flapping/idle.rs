//! F by idleness: records that are dropped when nobody has asked for them for a while.

use crate::analysis::diagnosis::chance::ln_choose;
use crate::analysis::diagnosis::dataset::{Dataset, ScanRow, ns};
use crate::analysis::diagnosis::fact::Fact;
use crate::analysis::diagnosis::flapping::flaps::{Flapping, Kind};
use crate::analysis::diagnosis::thresholds::{FEW_SCANS, RARE_CHANCE};
use crate::analysis::diagnosis::{Diagnosis, Strength};
use crate::model::answer::Answer;
use crate::model::fault::FaultClass;

/// A poll of a scan that had been known until then.
struct AfterPause {
    /// The scan's number.
    scan: u64,
    /// How long nobody had asked for it, in ms.
    pause: f64,
    age: f64,
    denied: bool,
}

/// F where the pause before a poll decides whether it is denied: every denial after a known sight came after a longer pause than any
/// other sight, while scans that were asked for more often were visible at the same ages.
pub(super) fn idle(diagnosis: &mut Diagnosis, data: &Dataset<'_>) -> Option<Flapping> {
    let polls: Vec<AfterPause> = data.rows.iter().flat_map(after_pauses).collect();
    let (denied, seen): (Vec<&AfterPause>, Vec<&AfterPause>) = polls.iter().partition(|poll| poll.denied);
    let shortest = denied.iter().map(|poll| poll.pause).fold(f64::INFINITY, f64::min);
    let longest = seen.iter().map(|poll| poll.pause).fold(0.0, f64::max);
    let mut scans: Vec<u64> = denied.iter().map(|poll| poll.scan).collect();
    scans.sort_unstable();
    scans.dedup();
    let p = (-ln_choose(polls.len(), denied.len())).exp();
    if scans.len() < FEW_SCANS || shortest <= longest || p > RARE_CHANCE {
        return None;
    }
    // A lifetime that is counted from the beginning, or from the end, takes every scan of that age.
    let youngest = denied.iter().map(|poll| poll.age).fold(f64::INFINITY, f64::min);
    let as_old = seen.iter().filter(|poll| poll.age >= youngest).count();
    if (youngest_only(&denied, &seen)) || as_old < FEW_SCANS {
        return None;
    }
    diagnosis.found(
        FaultClass::F,
        Strength::Strong,
        vec![Fact::GoneWhileUnasked {
            scans: scans.len() as u64,
            denied: denied.len() as u64,
            after_ns: ns(shortest),
            seen_after_ns: ns(longest),
            as_old: as_old as u64,
        }],
    );
    Some(Flapping { gone_ms: Some(shortest), ..Flapping::of(Kind::Evicted) })
}

/// Whether the age explains the denials as well as the pause does: no scan was visible at an age at which another was denied.
fn youngest_only(denied: &[&AfterPause], seen: &[&AfterPause]) -> bool {
    let youngest = denied.iter().map(|poll| poll.age).fold(f64::INFINITY, f64::min);
    seen.iter().all(|poll| poll.age < youngest)
}

/// The polls of a scan that came after a sight of it or after its id, and the pause before each. Which of two that overlap was served
/// first is not known: both are left out.
fn after_pauses(row: &ScanRow<'_>) -> Vec<AfterPause> {
    let Some(t0) = row.scan.t0() else { return Vec::new() };
    let (mut asked, mut known, mut last_sent) = (t0, true, t0);
    let mut polls = Vec::new();
    for poll in row.scan.evidence() {
        if asked <= poll.sent && known && poll.route.is_none() {
            polls.push(AfterPause {
                scan: row.scan.number(),
                pause: poll.sent.since(last_sent).as_ms(),
                age: row.scan.age(poll).as_ms(),
                denied: poll.answer == Answer::NotFound,
            });
        }
        (asked, last_sent) = (asked.max(poll.done), last_sent.max(poll.sent));
        known = poll.answer == Answer::Visible;
    }
    polls
}
