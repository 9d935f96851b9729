//! F by idleness: records that are dropped when nobody has asked for them for a while.

use crate::analysis::diagnosis::chance::all_among;
use crate::analysis::diagnosis::dataset::{Dataset, ScanRow, ns};
use crate::analysis::diagnosis::fact::Fact;
use crate::analysis::diagnosis::flapping::flaps::{Flapping, Kind};
use crate::analysis::diagnosis::open::OpenQuestion;
use crate::analysis::diagnosis::thresholds::{CHANCE, FEW_SCANS, MOMENT_MS, RARE_CHANCE};
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

/// F where the pause before a poll decides whether it may be denied: among polls of equal age every denial after a known sight came after a
/// longer pause than the others. A record that the job writes anew meanwhile is there again, so that not every long pause is followed by a
/// denial.
pub(super) fn idle(diagnosis: &mut Diagnosis, data: &Dataset<'_>) -> Option<Flapping> {
    let mut polls: Vec<AfterPause> = data.rows.iter().flat_map(after_pauses).collect();
    let ages = || polls.iter().filter(|poll| poll.denied).map(|poll| poll.age);
    let (youngest, oldest) = (ages().fold(f64::INFINITY, f64::min), ages().fold(0.0, f64::max));
    // A lifetime that is counted from the beginning, or from the end, takes every scan of an age, however often it was asked for.
    polls.retain(|poll| (youngest..=oldest).contains(&poll.age));
    let (denied, seen): (Vec<&AfterPause>, Vec<&AfterPause>) = polls.iter().partition(|poll| poll.denied);
    let shortest = denied.iter().map(|poll| poll.pause).fold(f64::INFINITY, f64::min);
    let (sooner, later): (Vec<&&AfterPause>, Vec<&&AfterPause>) = seen.iter().partition(|poll| poll.pause < shortest);
    let mut scans: Vec<u64> = denied.iter().map(|poll| poll.scan).collect();
    scans.sort_unstable();
    scans.dedup();
    // What happens by time, as a hole does, happens more likely during a longer pause: the pauses count by how long they are as well.
    let lasted = |polls: &[&&AfterPause]| polls.iter().map(|poll| poll.pause).sum::<f64>();
    let long = denied.iter().map(|poll| poll.pause).sum::<f64>() + lasted(&later);
    let by_time = (long / (long + lasted(&sooner))).powi(i32::try_from(denied.len()).unwrap_or(i32::MAX));
    let p = all_among(denied.len(), denied.len() + later.len(), polls.len());
    if scans.len() < FEW_SCANS || p > RARE_CHANCE {
        return None;
    }
    if by_time > CHANCE {
        diagnosis.open.push(OpenQuestion::EvictedOrHole);
        return None;
    }
    diagnosis.found(
        FaultClass::F,
        Strength::Strong,
        vec![Fact::GoneWhileUnasked {
            scans: scans.len() as u64,
            denied: denied.len() as u64,
            after_ns: ns(shortest),
            sooner: sooner.len() as u64,
            p,
        }],
    );
    Some(Flapping { gone_ms: Some(shortest), ..Flapping::of(Kind::Evicted) })
}

/// The polls of a scan that came after a sight of it or after its id, and the pause before each. Which of two that overlap was served
/// first is not known: both are left out. Of polls within a moment one counts: they meet one state of the record.
fn after_pauses(row: &ScanRow<'_>) -> Vec<AfterPause> {
    let Some(t0) = row.scan.t0() else { return Vec::new() };
    let (mut asked, mut known, mut last_sent) = (t0, true, t0);
    let mut polls: Vec<AfterPause> = Vec::new();
    for poll in row.scan.evidence() {
        let is_apart = polls.last().is_none_or(|last| row.scan.age(poll).as_ms() - last.age >= MOMENT_MS);
        if asked <= poll.sent && known && poll.route.is_none() && (is_apart || poll.answer == Answer::NotFound) {
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
