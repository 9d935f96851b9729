//! Classes that show in the first answers about a scan: Y, a default that reads as an end, and X, a record with members missing.

use crate::analysis::blank::has_null_state;
use crate::analysis::diagnosis::dataset::{Dataset, ns};
use crate::analysis::diagnosis::fact::{Fact, Member};
use crate::analysis::diagnosis::thresholds::{FEW_SCANS, MANY_ALIKE, NEARLY_ALL};
use crate::analysis::diagnosis::{Diagnosis, Strength};
use crate::analysis::scan::ScanHistory;
use crate::model::answer::{Answer, State};
use crate::model::exchange::Exchange;
use crate::model::fault::FaultClass;

/// Y: the first word of nearly every scan that was seen young is an end, and those that were watched on ran after it. True where that
/// explains ends that were taken back.
pub(super) fn default_end(diagnosis: &mut Diagnosis, data: &Dataset<'_>) -> bool {
    let scans = || data.rows.iter().map(|row| row.scan);
    let ran: Vec<f64> = scans().filter_map(ran_after_first_end).collect();
    let Some(latest) = ran.iter().copied().reduce(f64::max) else { return false };
    // At work, ended, and at work again: there an older answer, or a new attempt, has replaced a newer one.
    if ran.len() < 2 || scans().any(went_back_from_later_end) {
        return false;
    }
    let young = || scans().filter_map(first_state).filter(|(age, _)| *age <= latest);
    let (all, ended) = (young().count(), young().filter(|(_, state)| state.is_terminal()).count());
    // Two that ran speak for the others where those begin alike.
    if (ended as f64) < NEARLY_ALL * all as f64 || (ran.len() < FEW_SCANS && all < MANY_ALIKE) {
        return false;
    }
    let facts = vec![Fact::BegunWithAnEnd { scans: ended as u64, of: all as u64, ran: ran.len() as u64, latest_ns: ns(latest) }];
    diagnosis.found(FaultClass::Y, if ran.len() >= FEW_SCANS { Strength::Strong } else { Strength::Moderate }, facts);
    true
}

/// The answers that showed a scan, in their order, before anything was changed about it.
fn sights<'a>(scan: &ScanHistory<'a>) -> Vec<&'a Exchange> {
    let rewritten = scan.rewritten_from();
    let mut sights: Vec<&Exchange> = scan.evidence().filter(|poll| poll.answer == Answer::Visible && poll.sent < rewritten).collect();
    sights.retain(|poll| scan.is_named_by(poll));
    sights.sort_by_key(|poll| poll.sent);
    sights
}

fn listed_state(poll: &Exchange) -> Option<State> {
    poll.state.filter(|state| *state != State::Unknown)
}

/// The first state that was answered, and at what age.
fn first_state(scan: &ScanHistory<'_>) -> Option<(f64, State)> {
    sights(scan).into_iter().find_map(|poll| Some((scan.age(poll).as_ms(), listed_state(poll)?)))
}

/// The last age at which a scan that began with an end still showed it, before it ran.
fn ran_after_first_end(scan: &ScanHistory<'_>) -> Option<f64> {
    let sights = sights(scan);
    first_state(scan).filter(|(_, state)| state.is_terminal())?;
    let runs = sights.iter().position(|poll| listed_state(poll) == Some(State::Running))?;
    sights[..runs].iter().rev().find(|poll| listed_state(poll).is_some()).map(|poll| scan.age(poll).as_ms())
}

/// Whether a scan was at work, then ended, then at work again.
fn went_back_from_later_end(scan: &ScanHistory<'_>) -> bool {
    let mut states: Vec<bool> = sights(scan).into_iter().filter_map(listed_state).map(State::is_terminal).collect();
    states.dedup();
    // With the first end, which is the default: end, at work, end, at work.
    states.len() > if states.first() == Some(&true) { 3 } else { 2 }
}

/// Whether a scan began with an end that was a default: what it showed then says nothing of what came later.
pub(super) fn began_with_an_end(scan: &ScanHistory<'_>) -> bool {
    ran_after_first_end(scan).is_some() || (first_state(scan).is_some_and(|(_, state)| state.is_terminal()) && ended_twice(scan))
}

fn ended_twice(scan: &ScanHistory<'_>) -> bool {
    let mut ends: Vec<State> = sights(scan).into_iter().filter_map(listed_state).filter(|state| state.is_terminal()).collect();
    ends.dedup();
    ends.len() > 1
}

/// X: members that the target file names are missing from the first answers, and are there later under the same word.
pub(super) fn half_record(diagnosis: &mut Diagnosis, data: &Dataset<'_>) {
    let mut facts = Vec::new();
    let mut most = 0;
    let state_at = data.journal.run.target.status.state.as_deref();
    for member in [Member::Complete, Member::State, Member::Id, Member::Progress] {
        let has = |poll: &Exchange| has(poll, member, state_at);
        let late: Vec<f64> = data.rows.iter().filter_map(|row| missing_until(row.scan, member, state_at)).collect();
        let Some(latest) = late.iter().copied().reduce(f64::max) else { continue };
        // Of the scans that were seen as young and are known to have the member at all, nearly all lack it at first.
        let young = data
            .rows
            .iter()
            .filter(|row| first_sight(row.scan).is_some_and(|age| age <= latest) && sights_of_record(row.scan).into_iter().any(has));
        // A state that is missing at first is an accident unless nearly all scans lack it; other members came late under the same word.
        let is_usual = member != Member::State || late.len() as f64 >= NEARLY_ALL * young.count() as f64;
        // Two scans that lacked the same are no accident of one.
        if late.len() >= 2 && is_usual {
            most = most.max(if member == Member::Progress { 0 } else { late.len() });
            facts.push(Fact::MemberMissing { member, scans: late.len() as u64, latest_ns: ns(latest) });
        }
    }
    if !facts.is_empty() {
        // Many services say nothing of progress before there is any.
        let only_progress = facts.iter().all(|fact| matches!(fact, Fact::MemberMissing { member: Member::Progress, .. }));
        if !only_progress {
            diagnosis.found(FaultClass::X, if most >= FEW_SCANS { Strength::Strong } else { Strength::Moderate }, facts);
        }
    }
}

/// Whether an answer has a member; `state_at` is where the target file looks for the state.
fn has(poll: &Exchange, member: Member, state_at: Option<&str>) -> bool {
    match member {
        Member::Complete => poll.complete != Some(false),
        // A job that waits for its work to begin need not be called anything.
        Member::State => {
            let says = poll.state != Some(State::Unknown) || poll.word.is_some() || has_null_state(poll, state_at);
            says || poll.progress.get().is_none_or(|progress| progress <= 0.0)
        }
        Member::Id => poll.echo.is_some(),
        Member::Progress => poll.progress.get().is_some() || poll.state.is_some_and(State::is_terminal),
    }
}

/// The answers that showed a scan, in their order, before it was removed: a change leaves the rest of its record as it was.
fn sights_of_record<'a>(scan: &ScanHistory<'a>) -> Vec<&'a Exchange> {
    let mut sights: Vec<&Exchange> = scan.evidence().filter(|poll| poll.answer == Answer::Visible && scan.is_named_by(poll)).collect();
    sights.sort_by_key(|poll| poll.sent);
    sights
}

fn first_sight(scan: &ScanHistory<'_>) -> Option<f64> {
    sights_of_record(scan).first().map(|poll| scan.age(poll).as_ms())
}

/// The last age at which a scan was visible without a member that it had in each later answer.
fn missing_until(scan: &ScanHistory<'_>, member: Member, state_at: Option<&str>) -> Option<f64> {
    let sights = sights_of_record(scan);
    let first = completed_at(&sights, member, state_at)?;
    Some(scan.age(sights[first - 1]).as_ms())
}

/// The place of the first answer that has a member which those before it lack and those after it have, unless the job's own course may be
/// why.
pub(in crate::analysis) fn completed_at(sights: &[&Exchange], member: Member, state_at: Option<&str>) -> Option<usize> {
    let has = |poll: &&Exchange| has(poll, member, state_at);
    let first = sights.iter().position(has).filter(|first| *first > 0)?;
    let (before, then) = (sights[first - 1], sights[first]);
    let by_course = match member {
        Member::Complete => false,
        // Many services call a job by a word only when it has ended.
        Member::State => then.state.is_some_and(State::is_terminal),
        // A service may rightly say less of a job that waits than of one that runs.
        Member::Id | Member::Progress => before.word != then.word,
    };
    (!by_course && sights[first..].iter().all(has)).then_some(first)
}
