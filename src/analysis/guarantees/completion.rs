//! Whether scans that were watched to their end showed one.
//!
//! That other scans ended proves nothing: jobs differ in length, and wait in queues, also in those that the probe itself has filled.
//! A scan that shows no end breaks the guarantee only if something else says that this very scan has ended.

use super::{Ambiguity, Breach, Checked, Evidence, NotAssessed, broken, may_be_old};
use crate::analysis::scan::ScanHistory;
use crate::model::answer::{Answer, State};
use crate::model::exchange::Exchange;
use crate::model::guarantee::Guarantee;
use crate::model::scenario::Until;

pub(super) fn check(evidence: Evidence<'_>) -> Checked {
    let mut checked = Checked::nothing(Guarantee::Completion);
    let mut watched = 0;
    for scan in evidence.scans.iter().filter(|scan| is_watched(scan, evidence)) {
        watched += 1;
        let finding = if evidence.shared_ids.has(scan) { super::Finding::Unclear(Ambiguity::SharedId) } else { completion(scan, evidence) };
        checked.add(finding);
    }
    checked.conclude(if watched == 0 { NotAssessed::NotWatched } else { NotAssessed::NoneEnded });
    checked
}

fn is_watched(scan: &ScanHistory<'_>, evidence: Evidence<'_>) -> bool {
    evidence.scenario.arms.get(scan.arm() as usize).and_then(|arm| arm.follow).is_some_and(|follow| follow.until == Until::Terminal)
        // Where another scan is answered at last, this one's end was never asked for.
        && scan.evidence().filter(|poll| poll.answer == Answer::Visible).last().is_some_and(|poll| scan.is_named_by(poll))
        && scan.cancel().is_none()
}

fn completion(scan: &ScanHistory<'_>, evidence: Evidence<'_>) -> super::Finding {
    use super::Finding::{Kept, Unclear};
    if scan.ended().is_some() {
        return Kept;
    }
    let Some(last) = scan.evidence().filter(|poll| poll.answer == Answer::Visible).last() else { return super::Finding::Silent };
    match (last.state, &last.word) {
        (Some(State::Running), _) => {}
        (_, Some(word)) => return Unclear(Ambiguity::LastStateUnlisted(word.as_str().to_owned())),
        (_, None) => return Unclear(Ambiguity::LastStateAbsent),
    }
    let slack = evidence.scenario.expect.stall;
    let denied = scan.evidence().any(|poll| last.done <= poll.sent && poll.answer == Answer::NotFound);
    let says_ended = |reading: &&&Exchange| {
        let by_state = reading.state.is_some_and(State::is_terminal);
        let by_results =
            evidence.results == ResultsMean::End && reading.kind == crate::model::exchange::Kind::Results && are_there(reading);
        (by_state || by_results) && scan.is_named_by(reading)
    };
    let elsewhere = scan.witness().iter().chain(scan.results()).filter(says_ended).min_by_key(|reading| reading.done);
    let taken_back = |over: &Exchange| {
        let later = |reading: &&&Exchange| over.done < reading.done && reading.state == Some(State::Running);
        scan.witness().iter().chain(scan.results()).any(|reading| later(&reading))
    };
    match elsewhere {
        Some(over) if over.done.after(slack.0).after(may_be_old(last)) <= last.sent && !taken_back(over) => {
            broken(scan, Breach::EndNotShown, &[*over, last])
        }
        // With an end before the last denial, it is a matter of the denials.
        over if denied => Unclear(Ambiguity::ThenDenied(over.map(|over| over.kind))),
        Some(over) => Unclear(Ambiguity::EndedElsewhere(over.kind)),
        None if evidence.results == ResultsMean::Unknown
            && scan.results().iter().any(|reading| are_there(reading) && scan.is_named_by(reading)) =>
        {
            Unclear(Ambiguity::ResultsWhileRunning)
        }
        None => Unclear(Ambiguity::StillRunning),
    }
}

/// Results that tell no state are there or not.
fn are_there(reading: &Exchange) -> bool {
    reading.answer == Answer::Visible && reading.state.is_none()
}

/// What results without a state mean: some services show a part of them before the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::analysis) enum ResultsMean {
    /// They were there while a scan that ended was at work.
    Nothing,
    /// They were missing while a scan that ended was at work, and never there while one was.
    End,
    /// No scan that ended tells.
    Unknown,
}

impl ResultsMean {
    /// As the scans of a run tell that ended.
    pub(in crate::analysis) fn among(scans: &[ScanHistory<'_>]) -> ResultsMean {
        let mut missing = false;
        for scan in scans {
            let Some((ended, _)) = scan.ended() else { continue };
            let before = |reading: &&&Exchange| reading.sent < ended.sent;
            let early = scan.results().iter().filter(before);
            for reading in early {
                if are_there(reading) && scan.polls().iter().any(|poll| reading.done <= poll.sent && poll.state == Some(State::Running)) {
                    return ResultsMean::Nothing;
                }
                missing |= reading.answer == Answer::NotFound || reading.state == Some(State::Running);
            }
        }
        if missing { ResultsMean::End } else { ResultsMean::Unknown }
    }
}
