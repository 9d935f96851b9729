//! Classes that show in what is claimed rather than in when: N, Q, J, P and O.

use std::collections::BTreeMap;

use crate::analysis::ScenarioAnalysis;
use crate::analysis::diagnosis::case::{Case, ms};
use crate::analysis::diagnosis::flapping::{self, Flapping};
use crate::analysis::diagnosis::{Diagnosis, Strength};
use crate::analysis::guarantees::Checked;
use crate::analysis::scan::ScanHistory;
use crate::model::answer::{Answer, State};
use crate::model::exchange::{Connection, Kind};
use crate::model::fault::FaultClass;
use crate::model::guarantee::Guarantee;
use crate::model::run::Journal;

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
        let mut evidence = vec![format!("{broken} of {checked} polls for ids that were never issued were answered as visible")];
        evidence.extend(proofs);
        diagnosis.found(FaultClass::N, Strength::Strong, evidence);
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

/// Q: a foreign user sees the scan.
pub(super) fn foreign_disclosure(diagnosis: &mut Diagnosis, scenarios: &[ScenarioAnalysis]) {
    let (checked, broken, proofs) = sum(scenarios, Guarantee::Isolation);
    if broken > 0 {
        let mut evidence = vec![format!("a foreign user was answered for {broken} of {checked} scans")];
        evidence.extend(proofs);
        diagnosis.found(FaultClass::Q, Strength::Strong, evidence);
    } else if checked > 0 {
        diagnosis.excluded(FaultClass::Q, format!("a foreign user's polls: {checked} of {checked} scans not shown"));
    }
}

/// J: another scan is answered.
pub(super) fn wrong_job(diagnosis: &mut Diagnosis, scenarios: &[ScenarioAnalysis]) {
    let (checked, broken, proofs) = sum(scenarios, Guarantee::Echo);
    if broken > 0 {
        let mut evidence = vec![format!("{broken} of {checked} scans were answered with another scan's id")];
        evidence.extend(proofs);
        diagnosis.found(FaultClass::J, Strength::Strong, evidence);
    } else if checked > 0 {
        diagnosis.excluded(FaultClass::J, format!("the echoed id: right in all of {checked} scans"));
    }
}

/// P: polls on connections that had carried a POST are held back, polls on fresh ones are not.
pub(super) fn held_response(diagnosis: &mut Diagnosis, scenarios: &[ScenarioAnalysis]) {
    let (checked, broken, proofs) = sum(scenarios, Guarantee::Promptness);
    let polled = |on: fn(Connection) -> bool| {
        let mut trips = scenarios.iter().flat_map(|scenario| &scenario.round_trips);
        trips.any(|trips| trips.kind == Kind::Poll && on(trips.connection))
    };
    let of_used = |proof: &String| [Connection::KeepAlive, Connection::Pooled].iter().any(|used| proof.contains(used.word()));
    let (on_used, on_fresh) = (polled(|connection| !connection.is_own()), polled(Connection::is_own));
    if broken > 0 && on_used && proofs.iter().all(of_used) {
        let (strength, compared) = if on_fresh {
            (Strength::Strong, "polls on fresh connections were not")
        } else {
            (Strength::Moderate, "and none was polled on a fresh one")
        };
        let mut evidence = vec![format!("polls on a connection that had carried a POST were held back in {broken} scans, {compared}")];
        evidence.extend(proofs);
        diagnosis.found(FaultClass::P, strength, evidence);
    } else if broken == 0 && on_used {
        diagnosis.excluded(FaultClass::P, format!("polls on kept connections: none of {checked} scans had one held back"));
    }
}

/// O: an older state after a newer one, for good, or a state that never moves while the truth does.
pub(super) fn stale(diagnosis: &mut Diagnosis, case: &Case<'_>, scenarios: &[ScenarioAnalysis], flapping: &Flapping) {
    let mut evidence = Vec::new();
    let mut strength = Strength::Strong;
    let (checked, regressed, proofs) = sum(scenarios, Guarantee::MonotonicState);
    // Where reads alternate between a primary and a replica that lags, older states come back for as long as the lag; only
    // what lasts well beyond it is a fallback or a copy.
    let lag_ms = match flapping.kind {
        Some(flapping::Kind::MixedReads) => flapping.until_ms,
        _ => 0.0,
    };
    let lasting: Vec<(f64, bool)> =
        case.rows.iter().filter_map(|row| regression(row.scan)).filter(|(lasted, _)| *lasted > 2.0 * lag_ms).collect();
    if !lasting.is_empty() {
        evidence.push(format!(
            "{} of {checked} scans went back from their end to an earlier state, as late as {} after it",
            lasting.len(),
            ms(lasting.iter().map(|(lasted, _)| *lasted).fold(0.0, f64::max))
        ));
        if lasting.iter().all(|(_, repeated)| *repeated) {
            // A slot that two scans share may as well be called a wrong job; without another id in the answer nobody can tell.
            evidence.push("each of them after the same had been asked for again: the scans share a slot".to_owned());
            strength = Strength::Moderate;
        }
        evidence.extend(proofs);
    } else if regressed > 0 && flapping.kind != Some(flapping::Kind::MixedReads) {
        evidence.push(format!("the progress of {regressed} of {checked} scans went back"));
        evidence.extend(proofs);
        strength = Strength::Moderate;
    }
    let (watched, frozen, proofs) = sum(scenarios, Guarantee::Completion);
    // Where a worker knows only its own scans, a poll may simply never have met the right one after the end.
    let frozen = if flapping.kind == Some(flapping::Kind::PerInstance) { outlived(case).min(frozen) } else { frozen };
    if frozen > 0 {
        evidence.push(format!("{frozen} of {watched} scans that were watched to their end never showed it"));
        evidence.extend(proofs);
    }
    if !evidence.is_empty() {
        diagnosis.found(FaultClass::O, strength, evidence);
    } else if watched > 0 && regressed == 0 {
        diagnosis.excluded(FaultClass::O, format!("states over time: {watched} scans ended, and none of {checked} went back"));
    }
}

/// How many scans were still shown as running well after the age by which the others had ended.
fn outlived(case: &Case<'_>) -> u64 {
    let end_of = |scan: &ScanHistory<'_>| scan.ended().map(|(poll, _)| scan.age(poll).as_ms());
    let Some(usual) = case.rows.iter().filter_map(|row| end_of(row.scan)).reduce(f64::max) else { return 0 };
    let last_running = |scan: &ScanHistory<'_>| {
        scan.polls().iter().filter(|poll| poll.state == Some(State::Running)).map(|poll| scan.age(poll).as_ms()).reduce(f64::max)
    };
    case.rows.iter().filter(|row| end_of(row.scan).is_none() && last_running(row.scan).is_some_and(|age| age > usual + 500.0)).count()
        as u64
}

/// How long after its end a scan still showed an earlier state, in ms, and whether it did so only after a repeat of its
/// request; `None` if it never did.
fn regression(scan: &ScanHistory<'_>) -> Option<(f64, bool)> {
    let (ended, _) = scan.ended()?;
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
    let lasted = back.iter().map(|poll| poll.sent.since(ended.done).as_ms()).reduce(f64::max)?;
    let repeated = scan.repeat().is_some_and(|repeat| back.iter().all(|poll| repeat.sent <= poll.sent));
    Some((lasted, repeated))
}
