//! W: a read that takes the end away, so that only one poll ever sees it.

use crate::analysis::diagnosis::chance::ln_choose;
use crate::analysis::diagnosis::dataset::{Dataset, ScanRow, ns};
use crate::analysis::diagnosis::fact::Fact;
use crate::analysis::diagnosis::flapping::flaps::{Flapping, Kind};
use crate::analysis::diagnosis::thresholds::{CHANCE, FEW_SCANS};
use crate::analysis::diagnosis::{Diagnosis, Strength};
use crate::model::answer::{Answer, State};
use crate::model::exchange::Exchange;
use crate::model::fault::FaultClass;

/// W: of every scan the end was answered once, all later polls were denied, and scans of equal age that nobody had asked for since their
/// end were still there.
pub(super) fn read_once(diagnosis: &mut Diagnosis, data: &Dataset<'_>, flapping: &[&ScanRow<'_>]) -> Option<Flapping> {
    let used_up: Vec<&&ScanRow<'_>> = flapping.iter().filter(|row| ended_once(row)).collect();
    if used_up.len() < FEW_SCANS || used_up.len() < flapping.len() {
        return None;
    }
    // The ages at which a scan whose end had been read was denied, and scans whose first look at their end came as late.
    let mut gone: Vec<f64> = used_up.iter().filter_map(|row| first_denial_after_end(row)).collect();
    gone.sort_by(f64::total_cmp);
    let usual = gone[gone.len() / 2];
    let unread = |row: &&ScanRow<'_>| first_look_after(row, usual);
    let looks: Vec<bool> = data.watched().filter(|row| !ended_once(row)).filter_map(|row| unread(&row)).collect();
    let there = looks.iter().filter(|seen| **seen).count();
    // Under a lifetime those that were not asked for would be gone as well: the chance that all of them are the ones that stay.
    let p = (-ln_choose(used_up.len() + there, there)).exp();
    if there < FEW_SCANS || there < looks.len() || p > CHANCE {
        return None;
    }
    let concurrent = used_up.iter().map(|row| denied_beside_the_end(row)).sum::<u64>();
    let facts = vec![
        Fact::EndReadOnce { scans: used_up.len() as u64, denied_beside: concurrent },
        Fact::UnreadStayed { scans: there as u64, at_ns: ns(usual), p },
    ];
    diagnosis.found(FaultClass::W, Strength::Strong, facts);
    Some(Flapping { gone_ms: Some(usual), ..Flapping::of(Kind::Evicted) })
}

/// Whether exactly one poll saw the end, on whichever connection, and every poll that was sent later was denied.
fn ended_once(row: &ScanRow<'_>) -> bool {
    let mut ends = row.scan.evidence().filter(|poll| shows_end(poll));
    let (Some(end), None) = (ends.next(), ends.next()) else { return false };
    let mut later = row.scan.evidence().filter(|poll| end.done <= poll.sent).peekable();
    later.peek().is_some() && later.all(|poll| poll.answer == Answer::NotFound)
}

fn shows_end(poll: &Exchange) -> bool {
    poll.answer == Answer::Visible && poll.state.is_some_and(State::is_terminal)
}

fn first_denial_after_end(row: &ScanRow<'_>) -> Option<f64> {
    let end = row.scan.evidence().find(|poll| shows_end(poll))?;
    let denied = row.scan.evidence().filter(|poll| poll.answer == Answer::NotFound && end.done <= poll.sent);
    denied.map(|poll| row.scan.age(poll).as_ms()).reduce(f64::min)
}

/// Whether a scan whose end nobody had read was there when it was first asked for again, that late; none if it was not asked for, or not
/// seen to have ended by then.
fn first_look_after(row: &ScanRow<'_>, age: f64) -> Option<bool> {
    let is_late = |poll: &&Exchange| row.scan.age(poll).as_ms() >= age;
    let first = row.scan.evidence().filter(is_late).min_by_key(|poll| poll.sent)?;
    let read_before = row.scan.evidence().any(|poll| !is_late(&poll) && shows_end(poll));
    (!read_before && (shows_end(first) || first.answer == Answer::NotFound)).then(|| shows_end(first))
}

/// Polls under way together with the one that saw the end, and denied.
fn denied_beside_the_end(row: &ScanRow<'_>) -> u64 {
    let Some(end) = row.scan.evidence().find(|poll| shows_end(poll)) else { return 0 };
    let beside = |poll: &&Exchange| poll.sent < end.done && end.sent < poll.done && poll.answer == Answer::NotFound;
    row.scan.evidence().filter(beside).count() as u64
}
