//! Classes that show in what is claimed rather than in when: N, Q, J, P and O.

use std::collections::BTreeMap;

use crate::analysis::ScenarioAnalysis;
use crate::analysis::diagnosis::dataset::{Dataset, Observation, ScanRow, ns};
use crate::analysis::diagnosis::fact::{Exclusion, Fact};
use crate::analysis::diagnosis::first_word::began_with_an_end;
use crate::analysis::diagnosis::flapping::{self, Flapping};
use crate::analysis::diagnosis::open::OpenQuestion;
use crate::analysis::diagnosis::{Diagnosis, Strength};
use crate::analysis::echo::Likeness;
use crate::analysis::guarantees::{Checked, Proof, Regress, went_back};
use crate::analysis::scan::{ScanHistory, SharedIds};
use crate::model::answer::{Answer, State};
use crate::model::exchange::{Exchange, Kind};
use crate::model::fault::FaultClass;
use crate::model::guarantee::Guarantee;
use crate::model::run::Journal;
use crate::model::time::Stamp;

/// A guarantee over all scenarios: how often checked, how often broken, and the proofs.
fn sum(scenarios: &[ScenarioAnalysis], guarantee: Guarantee) -> (u64, u64, Vec<Fact>) {
    let all = || scenarios.iter().flat_map(|scenario| &scenario.guarantees).filter(|checked| checked.guarantee == guarantee);
    let count = |of: fn(&Checked) -> u64| all().map(of).sum();
    let proofs = all().flat_map(|checked| checked.evidence.iter().take(2)).take(3).cloned().map(Fact::Proof).collect();
    (count(|checked| checked.checked), count(|checked| checked.broken), proofs)
}

/// N: the never-issued control is visible.
pub(super) fn unknown_masked(diagnosis: &mut Diagnosis, journal: &Journal, scenarios: &[ScenarioAnalysis]) -> bool {
    let (checked, broken, proofs) = sum(scenarios, Guarantee::Honesty);
    if broken > 0 {
        let mut facts = vec![Fact::NeverIssuedVisible { broken, polls: checked }];
        facts.extend(proofs);
        let mut visible = journal.exchanges.iter().filter(|one| one.kind == Kind::UnknownPoll && one.answer == Answer::Visible).peekable();
        let is_readers_doing = visible.peek().is_some() && visible.all(|control| !says_pending(control));
        if is_readers_doing {
            facts.push(Fact::VisibleByRule);
        }
        let strength = if is_readers_doing { Strength::Moderate } else { Strength::Strong };
        diagnosis.found(FaultClass::N, strength, facts);
    } else if checked > 0 {
        let mut answers: BTreeMap<String, u64> = BTreeMap::new();
        for control in journal.exchanges.iter().filter(|exchange| exchange.kind == Kind::UnknownPoll) {
            *answers.entry(control.told()).or_default() += 1;
        }
        diagnosis.excluded(FaultClass::N, Exclusion::NeverIssuedDenied { answers });
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
        let mut facts = vec![Fact::ForeignAnswered { scans: broken, of: checked }];
        facts.extend(proofs);
        diagnosis.found(FaultClass::Q, Strength::Strong, facts);
    } else if checked > 0 {
        diagnosis.excluded(FaultClass::Q, Exclusion::ForeignDenied { scans: checked });
    }
}

/// The instant from which on denials say nothing of the scan that was asked for: where another one is answered, the first removal of any.
pub(super) fn speaks_until(journal: &Journal, scenarios: &[ScenarioAnalysis]) -> Stamp {
    let (_, misanswered, _) = sum(scenarios, Guarantee::Echo);
    let removals = journal.exchanges.iter().filter(|exchange| matches!(exchange.kind, Kind::Delete | Kind::Cancel));
    removals.filter(|_| misanswered > 0).map(|removal| removal.sent).min().unwrap_or(Stamp(u64::MAX))
}

/// J: another scan is answered.
pub(super) fn wrong_job(diagnosis: &mut Diagnosis, data: &Dataset<'_>, scenarios: &[ScenarioAnalysis]) {
    let (checked, broken, proofs) = sum(scenarios, Guarantee::Echo);
    if broken > 0 {
        let mut facts = vec![Fact::AnotherIdAnswered { scans: broken, of: checked }];
        facts.extend(proofs);
        // Where no answer ever had the id that was asked for, the target file may name the wrong place.
        let named = data.rows.iter().any(|row| row.scan.polls().iter().any(|poll| row.scan.named_as(poll) == Some(Likeness::Same)));
        let strength = if named || answered_for_another(data) { Strength::Strong } else { Strength::Moderate };
        if strength < Strength::Strong {
            facts.push(Fact::NoKnownIdAnswered);
        }
        diagnosis.found(FaultClass::J, strength, facts);
    } else if checked > 0 {
        diagnosis.excluded(FaultClass::J, Exclusion::EchoRight { scans: checked });
    }
}

/// Whether an answer named another scan of the run.
fn answered_for_another(data: &Dataset<'_>) -> bool {
    let mut ids: Vec<&str> = data.rows.iter().filter_map(|row| row.scan.id()).collect();
    ids.sort_unstable();
    let mut polls = data.rows.iter().flat_map(|row| row.scan.polls().iter().map(|poll| (row.scan, poll)));
    polls.any(|(scan, poll)| {
        scan.named_as(poll) == Some(Likeness::Other) && poll.echo.as_deref().is_some_and(|echo| ids.binary_search(&echo).is_ok())
    })
}

/// P: polls on connections that had carried a POST are held back, polls on fresh ones are not.
pub(super) fn held_response(diagnosis: &mut Diagnosis, data: &Dataset<'_>, scenarios: &[ScenarioAnalysis]) {
    let (checked, broken, proofs) = sum(scenarios, Guarantee::Promptness);
    if broken > 0 {
        // The guarantee is broken only where fresh polls of equal age were prompt.
        let mut facts = vec![Fact::HeldBack { scans: broken }];
        facts.extend(proofs);
        diagnosis.found(FaultClass::P, Strength::Strong, facts);
        return;
    }
    let unclear =
        || scenarios.iter().flat_map(|scenario| &scenario.guarantees).filter(|checked| checked.guarantee == Guarantee::Promptness);
    if checked > 0 {
        let slow = unclear().any(|checked| !checked.unclear.is_empty());
        diagnosis.excluded(FaultClass::P, Exclusion::NotHeldBack { scans: checked, slow });
    } else if data.only_on_used_connections() && unclear().any(|checked| !checked.unclear.is_empty()) {
        diagnosis.open.push(OpenQuestion::HeldOrSlow);
    }
}

/// What other classes explain of answers that are older than others.
#[derive(Clone, Copy)]
pub(super) struct Explained<'a> {
    pub(super) flapping: &'a Flapping,
    /// Scans begin with an end that is a default (Y).
    pub(super) default_end: bool,
    /// A cache keeps what was visible (U).
    pub(super) kept: bool,
}

/// O: an older state after a newer one, for good, or a state that never moves while the truth does.
pub(super) fn stale(diagnosis: &mut Diagnosis, data: &Dataset<'_>, scenarios: &[ScenarioAnalysis], explained: Explained<'_>) {
    let flapping = explained.flapping;
    let mut facts = Vec::new();
    let mut or = Vec::new();
    let mut strength = Strength::Strong;
    let (checked, regressed, proofs) = sum(scenarios, Guarantee::MonotonicState);
    // Answers about an id that several jobs were given are not about one of them.
    let shared = SharedIds::of(data.rows.iter().map(|row| row.scan));
    let is_default = |scan: &ScanHistory<'_>| explained.default_end && began_with_an_end(scan);
    let scans = || data.rows.iter().map(|row| row.scan).filter(|scan| !shared.has(scan) && !is_default(scan));
    let back: Vec<Regress> = scans().filter_map(went_back).collect();
    let of = |wanted: Regress| back.iter().filter(|regress| **regress == wanted).count();
    // Where reads alternate between a primary and a replica that lags, older states come back for as long as the lag; only
    // what lasts well beyond it is a fallback or a copy.
    let mixed = flapping.kind == Some(flapping::Kind::MixedReads) || diagnosis.names(FaultClass::CPrime);
    let lag_ms = if mixed { flapping.until_ms.max(longest_window(data)) } else { 0.0 };
    let (otherwise, by_turns, frozen_copy) = (of(Regress::EndedOtherwise), of(Regress::Alternated), of(Regress::Frozen));
    let ran_again = || scans().filter(|scan| went_back(scan) == Some(Regress::RanAgain));
    let lasting: Vec<Regression> = ran_again().filter_map(regression).filter(|back| back.lasted_ms > 2.0 * lag_ms).collect();
    let lasting = if mixed { lasting } else { explained_by_lag(diagnosis, data, flapping, lasting) };
    let mixed = mixed || diagnosis.names(FaultClass::CPrime);
    if !lasting.is_empty() {
        let longest = lasting.iter().map(|back| back.lasted_ms).fold(0.0, f64::max);
        facts.push(Fact::WentBack { scans: lasting.len() as u64, of: checked, latest_ns: ns(longest) });
        if lasting.iter().all(|back| back.repeated) {
            // A slot that two scans share may as well be called a wrong job; without another id in the answer nobody can tell.
            facts.push(Fact::WentBackAfterRepeat);
            strength = Strength::Moderate;
        }
        let denied = data.denied_until();
        // Reads that now and then go to a copy that lags show an older state for as long as they deny a new scan.
        let may_lag = !mixed && (flapping.kind.is_some() || longest <= 2.0 * denied);
        if may_lag {
            or.push(FaultClass::CPrime);
            strength = Strength::Moderate;
        }
        if let Some(doubt) = doubt(&lasting, may_lag) {
            strength = Strength::Moderate;
            diagnosis.open.push(doubt);
        }
    }
    if by_turns > 0 && !mixed {
        facts.push(Fact::AnsweredByTurns { scans: by_turns as u64, of: checked });
        // Two copies may lag behind each other for a while, and the denials tell of such a while.
        if flapping.kind.is_some() || by_turns < 2 {
            strength = Strength::Moderate;
        }
    }
    // What follows shows that answers disagree, and not that the later one is the older.
    for (count, fact) in [
        (otherwise, Fact::EndedOtherwise { scans: otherwise as u64, of: checked }),
        (frozen_copy, Fact::FrozenCopy { scans: frozen_copy as u64, of: checked }),
    ] {
        if count > 0 && !mixed {
            strength = if facts.is_empty() { Strength::Moderate } else { strength };
            facts.push(fact);
        }
    }
    if !facts.is_empty() {
        facts.extend(proofs);
    }
    let (watched, frozen, proofs) = sum(scenarios, Guarantee::Completion);
    // What status shows late it shows late to the end, and a cache keeps what it has for as long as it was told to.
    let lags = frozen > 0 && proofs.iter().all(|fact| is_within_lag(fact, longest_window(data)));
    if frozen > 0 && !lags && !explained.kept {
        // One scan may have been given up by its worker just then.
        strength = if facts.is_empty() && frozen >= 2 { Strength::Strong } else { strength.min(Strength::Moderate) };
        facts.push(Fact::EndNeverShown { scans: frozen, of: watched });
        facts.extend(proofs);
    }
    if !facts.is_empty() {
        diagnosis.found(FaultClass::O, strength, facts);
        if let Some(found) = diagnosis.causes.last_mut() {
            found.or = or;
        }
    } else if watched > 0 && checked > 0 && regressed == 0 {
        diagnosis.excluded(FaultClass::O, Exclusion::NoneWentBack { ended: watched, of: checked });
    }
}

/// Older states that came back for no longer than scans are denied now and then: reads of which some go to a copy that lags, and nothing
/// that is served for good. What is left.
fn explained_by_lag(diagnosis: &mut Diagnosis, data: &Dataset<'_>, flapping: &Flapping, back: Vec<Regression>) -> Vec<Regression> {
    let is_open = flapping.kind == Some(flapping::Kind::AtRandom) || diagnosis.doubts_memory();
    let lag_ms = flapping.until_ms.max(longest_window(data));
    let (within, lasting): (Vec<Regression>, Vec<Regression>) =
        back.into_iter().partition(|back| is_open && !back.first_word && !back.failed && back.lasted_ms <= lag_ms);
    if within.is_empty() || !diagnosis.considers(FaultClass::CPrime) {
        return lasting.into_iter().chain(within).collect();
    }
    let latest = within.iter().map(|back| back.lasted_ms).fold(0.0, f64::max);
    diagnosis.causes.retain(|cause| cause.class != FaultClass::B);
    let fact = Fact::WentBack { scans: within.len() as u64, of: data.rows.len() as u64, latest_ns: ns(latest) };
    diagnosis.found(FaultClass::CPrime, Strength::Moderate, vec![fact]);
    lasting
}

/// The latest age at which a scan was denied that was seen later, in ms.
fn longest_window(data: &Dataset<'_>) -> f64 {
    let opened = data.watched().filter(|row| row.first_seen().is_some());
    opened.flat_map(ScanRow::denied_at_start).map(Observation::age).fold(0.0, f64::max)
}

/// Whether status was behind by no more than it is at the beginning, as a copy that lags is.
fn is_within_lag(fact: &Fact, lag_ms: f64) -> bool {
    let Fact::Proof(Proof { exchanges, .. }) = fact else { return false };
    let (Some(over), Some(still)) = (exchanges.first(), exchanges.last()) else { return false };
    still.sent_ns.since(over.sent_ns).as_ms() <= 1.2 * lag_ms
}

/// What else explains that scans went back from their end, if anything does: only an end that had been reached and is then hidden by an
/// older answer, in more than one scan, shows an older copy.
fn doubt(lasting: &[Regression], may_lag: bool) -> Option<OpenQuestion> {
    if lasting.iter().all(|back| back.first_word) {
        Some(OpenQuestion::StaleOrDefault)
    } else if lasting.iter().all(|back| back.failed) {
        Some(OpenQuestion::StaleOrRetried)
    } else if may_lag {
        Some(OpenQuestion::StaleOrMixedReads)
    } else if lasting.len() < 2 {
        Some(OpenQuestion::StaleOrAccident)
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
