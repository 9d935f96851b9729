//! Classes that show in what is claimed rather than in when: N, Q, J, P and O.

use std::collections::BTreeMap;

use crate::analysis::ScenarioAnalysis;
use crate::analysis::diagnosis::case::{Case, Look, Row};
use crate::analysis::diagnosis::flapping::{self, Flapping};
use crate::analysis::diagnosis::{Diagnosis, Strength};
use crate::analysis::echo::Likeness;
use crate::analysis::guarantees::{Checked, Regress, went_back};
use crate::analysis::scan::{ScanHistory, SharedIds};
use crate::model::answer::{Answer, State};
use crate::model::exchange::{Exchange, Kind};
use crate::model::fault::FaultClass;
use crate::model::guarantee::Guarantee;
use crate::model::run::Journal;
use crate::model::wording::{age as ms, counted, of_were};

/// A guarantee over all scenarios: how often checked, how often broken, and the proofs.
fn sum(scenarios: &[ScenarioAnalysis], guarantee: Guarantee) -> (u64, u64, Vec<String>) {
    let all = || scenarios.iter().flat_map(|scenario| &scenario.guarantees).filter(|checked| checked.guarantee == guarantee);
    let count = |of: fn(&Checked) -> u64| all().map(of).sum();
    let proofs = all().flat_map(|checked| checked.evidence.iter().take(2)).take(3).map(|proof| proof.told.clone()).collect();
    (count(|checked| checked.checked), count(|checked| checked.broken), proofs)
}

/// N: the never-issued control is visible.
pub(super) fn unknown_masked(diagnosis: &mut Diagnosis, journal: &Journal, scenarios: &[ScenarioAnalysis]) -> bool {
    let (checked, broken, proofs) = sum(scenarios, Guarantee::Honesty);
    if broken > 0 {
        let mut evidence =
            vec![format!("{broken} of {} for ids that were never issued were answered as visible", counted(checked, "poll"))];
        evidence.extend(proofs);
        let mut visible = journal.exchanges.iter().filter(|one| one.kind == Kind::UnknownPoll && one.answer == Answer::Visible).peekable();
        let is_readers_doing = visible.peek().is_some() && visible.all(|control| !says_pending(control));
        let strength = if is_readers_doing { Strength::Moderate } else { Strength::Strong };
        if is_readers_doing {
            evidence.push(
                "these answers have no success code or no state: `[[status.answer]]` in the target file may make them visible, or lack a rule \
                 that reads them as not_found"
                    .to_owned(),
            );
        }
        diagnosis.found(FaultClass::N, strength, evidence);
    } else if checked > 0 {
        let mut answers: BTreeMap<String, u64> = BTreeMap::new();
        for control in journal.exchanges.iter().filter(|exchange| exchange.kind == Kind::UnknownPoll) {
            *answers.entry(control.told()).or_default() += 1;
        }
        let told: Vec<String> = answers.iter().map(|(answer, times)| format!("{answer} {times}")).collect();
        let all: u64 = answers.values().sum();
        diagnosis.excluded(FaultClass::N, format!("the never-issued control: {} of {all}", told.join(", ")));
    }
    broken > 0
}

/// Whether the target itself answers as if there were a scan, and not only the target file reads it so.
fn says_pending(control: &Exchange) -> bool {
    let is_success = control.http.is_some_and(|http| (200..300).contains(&http));
    is_success && (control.state != Some(State::Unknown) || control.word.is_some())
}

/// Q: a foreign user sees the scan.
pub(super) fn foreign_disclosure(diagnosis: &mut Diagnosis, scenarios: &[ScenarioAnalysis]) {
    let (checked, broken, proofs) = sum(scenarios, Guarantee::Isolation);
    if broken > 0 {
        let mut evidence = vec![format!("a foreign user was answered for {broken} of {}", counted(checked, "scan"))];
        evidence.extend(proofs);
        diagnosis.found(FaultClass::Q, Strength::Strong, evidence);
    } else if checked > 0 {
        diagnosis.excluded(FaultClass::Q, format!("a foreign user's polls: {checked} of {} not shown", counted(checked, "scan")));
    }
}

/// J: another scan is answered.
pub(super) fn wrong_job(diagnosis: &mut Diagnosis, case: &Case<'_>, scenarios: &[ScenarioAnalysis]) {
    let (checked, broken, proofs) = sum(scenarios, Guarantee::Echo);
    if broken > 0 {
        let mut evidence = vec![format!("{} answered with another id", of_were(broken, checked, "scan"))];
        evidence.extend(proofs);
        // Where no answer ever had the id that was asked for, the target file may name the wrong place.
        let named = case.rows.iter().any(|row| row.scan.polls().iter().any(|poll| row.scan.named_as(poll) == Some(Likeness::Same)));
        let strength = if named || answered_for_another(case) { Strength::Strong } else { Strength::Moderate };
        if strength < Strength::Strong {
            evidence.push("no answer had the id that was asked for, and none had another scan's: `echo` in the target file may name another place than the id's".to_owned());
        }
        diagnosis.found(FaultClass::J, strength, evidence);
    } else if checked > 0 {
        diagnosis.excluded(FaultClass::J, format!("the echoed id: right in {checked} of {}", counted(checked, "scan")));
    }
}

/// Whether an answer named another scan of the run.
fn answered_for_another(case: &Case<'_>) -> bool {
    let mut ids: Vec<&str> = case.rows.iter().filter_map(|row| row.scan.id()).collect();
    ids.sort_unstable();
    let mut polls = case.rows.iter().flat_map(|row| row.scan.polls().iter().map(|poll| (row.scan, poll)));
    polls.any(|(scan, poll)| {
        scan.named_as(poll) == Some(Likeness::Other) && poll.echo.as_deref().is_some_and(|echo| ids.binary_search(&echo).is_ok())
    })
}

/// P: polls on connections that had carried a POST are held back, polls on fresh ones are not.
pub(super) fn held_response(diagnosis: &mut Diagnosis, case: &Case<'_>, scenarios: &[ScenarioAnalysis]) {
    let (checked, broken, proofs) = sum(scenarios, Guarantee::Promptness);
    if broken > 0 {
        // The guarantee is broken only where fresh polls of equal age were prompt.
        let mut evidence = vec![format!(
            "polls on a connection that had carried a POST were held back in {}, polls on fresh connections were not",
            counted(broken, "scan")
        )];
        evidence.extend(proofs);
        diagnosis.found(FaultClass::P, Strength::Strong, evidence);
        return;
    }
    let unclear =
        || scenarios.iter().flat_map(|scenario| &scenario.guarantees).filter(|checked| checked.guarantee == Guarantee::Promptness);
    if checked > 0 {
        let slow = unclear().any(|checked| !checked.unclear.is_empty());
        let told = if slow { "slow polls were no matter of the connection" } else { "none was held back" };
        diagnosis.excluded(
            FaultClass::P,
            format!("polls on kept connections, compared with fresh ones in {}: {told}", counted(checked, "scan")),
        );
    } else if case.only_on_used_connections() && unclear().any(|checked| !checked.unclear.is_empty()) {
        diagnosis.undecided.push(
            "some polls took long, and none went by a fresh connection to be compared with: `statusgap run keep-alive` tells \
             a held response (P) from a slow service"
                .to_owned(),
        );
    }
}

/// O: an older state after a newer one, for good, or a state that never moves while the truth does.
pub(super) fn stale(diagnosis: &mut Diagnosis, case: &Case<'_>, scenarios: &[ScenarioAnalysis], flapping: &Flapping) {
    let mut evidence = Vec::new();
    let mut or = Vec::new();
    let mut strength = Strength::Strong;
    let (checked, regressed, proofs) = sum(scenarios, Guarantee::MonotonicState);
    // Answers about an id that several jobs were given are not about one of them.
    let shared = SharedIds::of(case.rows.iter().map(|row| row.scan));
    let scans = || case.rows.iter().map(|row| row.scan).filter(|scan| !shared.has(scan));
    let back: Vec<Regress> = scans().filter_map(went_back).collect();
    let of = |wanted: Regress| back.iter().filter(|regress| **regress == wanted).count();
    // Where reads alternate between a primary and a replica that lags, older states come back for as long as the lag; only
    // what lasts well beyond it is a fallback or a copy.
    let mixed = flapping.kind == Some(flapping::Kind::MixedReads);
    let lag_ms = if mixed { flapping.until_ms } else { 0.0 };
    let (otherwise, by_turns, frozen_copy) = (of(Regress::EndedOtherwise), of(Regress::Alternated), of(Regress::Frozen));
    let ran_again = || scans().filter(|scan| went_back(scan) == Some(Regress::RanAgain));
    let lasting: Vec<Regression> = ran_again().filter_map(regression).filter(|back| back.lasted_ms > 2.0 * lag_ms).collect();
    if !lasting.is_empty() {
        evidence.push(format!(
            "{} of {} went back from their end to an earlier state, as late as {} after it",
            lasting.len(),
            counted(checked, "scan"),
            ms(lasting.iter().map(|back| back.lasted_ms).fold(0.0, f64::max))
        ));
        if lasting.iter().all(|back| back.repeated) {
            // A slot that two scans share may as well be called a wrong job; without another id in the answer nobody can tell.
            evidence.push("each of them after the same had been asked for again: the scans share a slot".to_owned());
            strength = Strength::Moderate;
        }
        let longest = lasting.iter().map(|back| back.lasted_ms).fold(0.0, f64::max);
        let denied = case.watched().flat_map(Row::denied_at_start).map(Look::age).fold(0.0, f64::max);
        // Reads that now and then go to a copy that lags show an older state for as long as they deny a new scan.
        let may_lag = !mixed && (flapping.kind.is_some() || longest <= 2.0 * denied);
        if may_lag {
            or.push(FaultClass::CPrime);
            strength = Strength::Moderate;
        }
        if let Some(doubt) = doubt(&lasting, may_lag) {
            strength = Strength::Moderate;
            diagnosis.undecided.push(doubt);
        }
    }
    if by_turns > 0 && !mixed {
        evidence.push(format!(
            "{} answered by turns with their end and with a word that is not listed",
            of_were(by_turns as u64, checked, "scan")
        ));
        // Two copies may lag behind each other for a while, and the denials tell of such a while.
        if flapping.kind.is_some() || by_turns < 2 {
            strength = Strength::Moderate;
        }
    }
    // What follows shows that answers disagree, and not that the later one is the older.
    for (count, what) in [
        (otherwise, "ended in one way and later in another"),
        (frozen_copy, "were answered alike again and again while other answers went on"),
    ] {
        if count > 0 && !mixed {
            strength = if evidence.is_empty() { Strength::Moderate } else { strength };
            evidence.push(format!("{count} of {} {what}", counted(checked, "scan")));
        }
    }
    if !evidence.is_empty() {
        evidence.extend(proofs);
    }
    let (watched, frozen, proofs) = sum(scenarios, Guarantee::Completion);
    if frozen > 0 {
        // One scan may have been given up by its worker just then.
        strength = if evidence.is_empty() && frozen >= 2 { Strength::Strong } else { strength.min(Strength::Moderate) };
        evidence.push(format!("{frozen} of {} never showed their end, which their witness or results did", counted(watched, "scan")));
        evidence.extend(proofs);
    }
    if !evidence.is_empty() {
        diagnosis.found(FaultClass::O, strength, evidence);
        if let Some(found) = diagnosis.causes.last_mut() {
            found.or = or;
        }
    } else if watched > 0 && checked > 0 && regressed == 0 {
        diagnosis.excluded(FaultClass::O, format!("states over time: {} ended, and none of {checked} went back", counted(watched, "scan")));
    }
}

/// What else explains that scans went back from their end, if anything does: only an end that had been reached and is then hidden by an
/// older answer, in more than one scan, shows an older copy.
fn doubt(lasting: &[Regression], may_lag: bool) -> Option<String> {
    if lasting.iter().all(|back| back.first_word) {
        Some(
            "cannot tell an older copy (O) from a default that stands for an end: these scans were answered with an end before anything else, and ran \
             after it; see what status answers for a job that has no state of its own yet"
                .to_owned(),
        )
    } else if lasting.iter().all(|back| back.failed) {
        Some(
            "cannot tell an older copy (O) from an attempt that failed and was made again: these scans were answered as failed, and ran after it; \
             list the word of a failed attempt as running, or see in the service whether they were tried again"
                .to_owned(),
        )
    } else if may_lag {
        Some(
            "cannot tell an older copy that is served for good (O) from reads of which some go to a copy that lags (C'): older answers came for no longer than denials, or while \
             scans were denied as well; watch scans for far longer beyond their end"
                .to_owned(),
        )
    } else if lasting.len() < 2 {
        Some("cannot tell an older copy (O) from an accident of one scan: only one went back from its end; watch more scans beyond their end".to_owned())
    } else {
        None
    }
}

/// A scan that went back from its end to a state in which it is at work.
struct Regression {
    /// How long after its end it still did.
    lasted_ms: f64,
    /// Whether only after a repeat of its request.
    repeated: bool,
    /// Whether the end was the first that was said of it.
    first_word: bool,
    /// Whether the end was a failure.
    failed: bool,
}

/// How a scan went back from its end; `None` if it never did.
fn regression(scan: &ScanHistory<'_>) -> Option<Regression> {
    let (ended, state) = scan.ended()?;
    let back: Vec<_> = scan
        .polls()
        .iter()
        .filter(|poll| {
            poll.answer == Answer::Visible
                && poll.state == Some(State::Running)
                && ended.done <= poll.sent
                && poll.sent < scan.rewritten_from()
        })
        .filter(|poll| scan.is_named_by(poll))
        .collect();
    let lasted: f64 = back.iter().map(|poll| poll.sent.since(ended.done).as_ms()).reduce(f64::max)?;
    let repeated = scan.repeat().is_some_and(|repeat| back.iter().all(|poll| repeat.sent <= poll.sent));
    let first_word = !scan
        .polls()
        .iter()
        .any(|poll| poll.answer == Answer::Visible && poll.state.is_some() && poll.state != Some(State::Unknown) && poll.sent < ended.sent);
    Some(Regression { lasted_ms: lasted, repeated, first_word, failed: state == State::Failed })
}
