//! Is it broken: which request, which answer, how many of how many, from when to when.

use std::collections::BTreeMap;
// Writing to a String cannot fail.
use std::fmt::Write as _;

use crate::analysis::denied::{DeniedJobs, DenyingAnswer, polled_ages};
use crate::analysis::guarantees::Checked;
use crate::analysis::scan::ScanHistory;
use crate::model::answer::Answer;
use crate::model::fault::FaultClass;
use crate::model::time::Nanos;
use crate::report::view::answers::Findings;
use crate::report::view::headline;
use crate::report::words;
use crate::verdict::{Reason, Verdict};

/// In a few words.
pub(super) fn short(findings: Findings<'_>) -> String {
    let Findings { judgement, window, .. } = findings;
    let (noun, many) = (findings.noun.one(), findings.noun.many());
    let reads = headline::read_your_writes(findings.analysis);
    let denied = judgement.reasons.iter().any(headline::is_denial);
    match judgement.verdict {
        Verdict::Fail if denied && window.flapped > 0 => format!("Yes: the API denies {many} that it has already shown"),
        Verdict::Fail if denied => format!("Yes: the API denies {many} that it has just accepted"),
        Verdict::Fail => format!("Yes: the API breaks a promise, though it denies no {noun}"),
        Verdict::Inconclusive if !judgement.assessable => format!("Not known: the API shows even {many} that never existed"),
        Verdict::Inconclusive => "This run cannot say".to_owned(),
        Verdict::Pass if reads.is_some_and(|reads| reads.broken > 0) => "No: denials stayed within what is tolerated".to_owned(),
        Verdict::Pass if reads.is_some_and(|reads| reads.checked > 0) => format!("No: every accepted {noun} was found"),
        Verdict::Pass => "No: everything that was expected held".to_owned(),
    }
}

/// In full.
pub(super) fn broken(findings: Findings<'_>, denied: &DeniedJobs, histories: &[ScanHistory<'_>], request: &str) -> String {
    let broken = what_is_broken(findings, denied, histories, request);
    match expired(findings) {
        Some(expired) => format!("{broken} {expired}"),
        None => broken,
    }
}

/// The entry of the list of known failures that would have let this pass until a day that is over.
fn expired(findings: Findings<'_>) -> Option<String> {
    let Findings { judgement, .. } = findings;
    let mut reasons = judgement.reasons.iter().chain(judgement.scenarios.iter().flat_map(|scenario| &scenario.reasons));
    reasons.find_map(|reason| match reason {
        Reason::NoLongerAllowed { expired, because, place, .. } => {
            Some(format!("It was allowed because {because}, but that entry ({place}) expired on {expired}."))
        }
        _ => None,
    })
}

fn what_is_broken(findings: Findings<'_>, denied: &DeniedJobs, histories: &[ScanHistory<'_>], request: &str) -> String {
    let Findings { judgement, .. } = findings;
    let noun = findings.noun.one();
    let reads = headline::read_your_writes(findings.analysis);
    let is_denial = judgement.reasons.iter().any(headline::is_denial);
    let what_was_denied = reads.filter(|reads| reads.broken > 0).map(|reads| counts(findings, reads, denied, request));
    match (judgement.verdict, what_was_denied) {
        (Verdict::Fail, Some(counts)) if is_denial => format!("Yes. {counts}"),
        (Verdict::Fail, _) => format!("Yes. {}.", words::sentence_case(first_reason(findings).trim_end_matches('.'))),
        (Verdict::Pass, Some(counts)) => format!("No: this stays within what is tolerated. {counts}"),
        (Verdict::Pass, None) => match (reads.filter(|reads| reads.checked > 0), polled_ages(histories)) {
            (Some(reads), Some((from, to))) => {
                let all = if reads.checked == 1 { format!("the {noun}") } else { format!("each of {}", findings.counted(reads.checked)) };
                let (request, when) = (words::sentence_case(request), ages(from, to));
                match unanswered(histories) {
                    None => format!("No. {request} found {all} that the API had accepted, whenever it was asked: {when}."),
                    Some(others) => {
                        format!(
                            "No. {request} found {all} that the API had accepted, whenever it got an answer that counts: {when}. {others}."
                        )
                    }
                }
            }
            _ => format!("No: everything that was expected held. The status of no {noun} was asked."),
        },
        (Verdict::Inconclusive, _) if !judgement.assessable => {
            format!("Not known: {request} answers even ids that were never issued as if there were {} {noun}.", findings.noun.article())
        }
        (Verdict::Inconclusive, Some(counts)) => format!("Not known yet. {counts}"),
        (Verdict::Inconclusive, None) => "This run cannot say.".to_owned(),
    }
}

/// The polls of accepted jobs whose answers say nothing of them: how many, and what they were answered, the most frequent first.
fn unanswered(histories: &[ScanHistory<'_>]) -> Option<String> {
    let mut answers: BTreeMap<String, u64> = BTreeMap::new();
    for poll in histories.iter().filter(|scan| scan.t0().is_some()).flat_map(ScanHistory::polls) {
        if poll.answer.is_evidence() {
            continue;
        }
        let answer = match (poll.fault, poll.http) {
            (Some(fault), _) => format!("got no answer ({})", fault.word()),
            (None, Some(code)) if poll.answer == Answer::Malformed => format!("answered {code} without a meaning"),
            (None, Some(code)) => format!("answered {code}"),
            (None, None) => format!("answered {}", poll.answer.word()),
        };
        *answers.entry(answer).or_default() += 1;
    }
    let polls: u64 = answers.values().sum();
    let mut answers: Vec<(String, u64)> = answers.into_iter().collect();
    answers.sort_by_key(|(_, polls)| std::cmp::Reverse(*polls));
    let did =
        |answer: &str, polls: u64| if answer.starts_with("got") { answer.to_owned() } else { format!("{} {answer}", words::were(polls)) };
    match answers.as_slice() {
        [] => None,
        [(answer, _)] => Some(format!("{} {}", words::counted(polls, "poll"), did(answer, polls))),
        _ => {
            let told: Vec<String> =
                answers.iter().take(3).map(|(answer, polls)| format!("{} {}", words::count(*polls), did(answer, *polls))).collect();
            let more = if answers.len() > told.len() { ", and others" } else { "" };
            Some(format!("{} did not get one: {}{more}", words::counted(polls, "poll"), told.join(", ")))
        }
    }
}

/// The first reason of the verdict, which the headline of a run without a denial repeats.
pub(super) fn first_reason(findings: Findings<'_>) -> String {
    findings.judgement.reasons.first().map_or_else(|| "no reason was recorded".to_owned(), words::reason)
}

fn counts(findings: Findings<'_>, reads: &Checked, denied: &DeniedJobs, request: &str) -> String {
    let window = findings.window;
    let known = if window.flapped > 0 && window.flapped >= reads.broken { "had already shown" } else { "had just accepted" };
    let jobs = format!("{} of {}", words::count(reads.broken), findings.counted(reads.checked));
    let when = denied.ages.map_or_else(String::new, |(from, to)| format!(", {}", ages(from, to)));
    let mut told = format!("{} answered {} for {jobs} that the API {known}{when}.", words::sentence_case(request), answer(&denied.answers));
    if window.flapped > 0 && window.flapped < reads.broken {
        // What is removed early does not come back.
        let goes = if findings.analysis.diagnosis.names(FaultClass::F) { "" } else { ": it comes and goes" };
        let _ = write!(told, " {} of them had already been shown{goes}.", words::count(window.flapped));
    }
    told
}

/// `from 0.2 ms to 2.001 s after the id`.
fn ages(from: Nanos, to: Nanos) -> String {
    let (from, to) = (words::age(from.as_ms()), words::age(to.as_ms()));
    if from == to { format!("{to} after the id") } else { format!("from {from} to {to} after the id") }
}

/// The answer that denied most: `404`, or `200 "not_found"` where the code alone would not say it.
pub(super) fn answer(answers: &[DenyingAnswer]) -> String {
    let Some(most) = answers.first() else { return "not_found".to_owned() };
    let code = most.http.map_or_else(String::new, |code| code.to_string());
    let text = match (&most.word, code.is_empty()) {
        (Some(word), false) => format!("{code} \"{}\"", words::clean(word, 40)),
        (Some(word), true) => format!("\"{}\"", words::clean(word, 40)),
        (None, false) if most.http.is_some_and(|code| code < 400) => format!("{code} (not_found)"),
        (None, false) => code,
        (None, true) => "not_found".to_owned(),
    };
    if answers.len() > 1 { format!("mostly {text}") } else { text }
}
