//! The one line that says what happened, and what must be known before it is read.

// Writing to a String cannot fail.
use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::analysis::Analysis;
use crate::analysis::gate::{Bound, OffsetRate};
use crate::analysis::guarantees::Checked;
use crate::model::allow::Date;
use crate::model::guarantee::Guarantee;
use crate::model::run::{EndReason, HttpVersion, Journal};
use crate::model::shard::Share;
use crate::report::view::WindowView;
use crate::report::{sentences, words};
use crate::verdict::{Judgement, Reason, ScenarioJudgement, Verdict};

/// What happened, in one line.
pub(super) fn headline(analysis: &Analysis, judgement: &Judgement, window: &WindowView) -> String {
    let first = || judgement.reasons.first().map_or_else(|| "no reason was recorded".to_owned(), words::reason);
    let Some(reads) = read_your_writes(analysis) else { return first() };
    let line = match judgement.verdict {
        Verdict::Inconclusive => return first(),
        Verdict::Fail if judgement.reasons.iter().any(is_denial) => denied(reads, window),
        Verdict::Fail => first(),
        Verdict::Pass if reads.checked == 0 => "all expectations held; no scan was polled".to_owned(),
        Verdict::Pass if allowed(judgement).next().is_some() => {
            let failures = allowed(judgement).count() as u64;
            format!(
                "{} denied; {} allowed for now, and nothing else failed",
                words::of_were(reads.broken, reads.checked, "accepted scan"),
                if failures == 1 { "1 failure is".to_owned() } else { format!("{} failures are", words::count(failures)) }
            )
        }
        Verdict::Pass if reads.broken > 0 => {
            format!("{} denied, within what the scenarios tolerate", words::of_were(reads.broken, reads.checked, "scan"))
        }
        Verdict::Pass => clean(reads, analysis, judgement),
    };
    match little_was_told(analysis) {
        Some(told) => format!("{line}; {told}"),
        None => line,
    }
}

/// What a run without a denial shows: the bound of the age of which least is known, since it holds at all the others as well.
fn clean(reads: &Checked, analysis: &Analysis, judgement: &Judgement) -> String {
    let none_denied = words::of_were(0, reads.checked, "accepted scan");
    let Some(Weakest { scenario, bound, scenarios, without_few }) = weakest(analysis, judgement) else {
        return format!("{none_denied} denied");
    };
    let below = words::share_at_most(bound.below);
    let Some(at) = bound.at else {
        if bound.scans == reads.checked && bound.lost == 0 {
            return format!("{none_denied} denied: polled as these were, the true rate is below {below} (95 %)");
        }
        return format!(
            "{none_denied} denied; scenario {} shows least: 0 of {}{}, so the true rate there is below {below} (95 %)",
            words::name(scenario),
            words::count(bound.scans),
            lost(&bound)
        );
    };
    if bound.scans == reads.checked && bound.lost == 0 && scenarios == 1 {
        return format!("{none_denied} denied: at each age polled the true rate is below {below} (95 %)");
    }
    let where_many = if without_few { format!("where at least {FEW} scans were polled at one age, ") } else { String::new() };
    let named = if scenarios > 1 { format!(" ({})", words::name(scenario)) } else { String::new() };
    let lost = lost(&bound);
    format!(
        "{none_denied} denied; {where_many}least is known at {}{named}: 0 of {}{lost}, so the true rate there is below {below} (95 %)",
        words::planned(at),
        words::count(bound.scans),
    )
}

fn lost(bound: &Bound) -> String {
    if bound.lost > 0 { format!(", and {} without an answer that counts", words::count(bound.lost)) } else { String::new() }
}

/// The bound that holds at every age of every scenario.
pub(super) struct Weakest<'a> {
    /// The scenario whose age it is.
    pub scenario: &'a str,
    /// What is known of that age.
    pub bound: Bound,
    /// Scenarios that say anything.
    pub scenarios: usize,
    /// Whether ages at which only a few scans were polled are left aside.
    pub without_few: bool,
}

/// Fewer scans at an age say nothing of a rate worth knowing. They are left aside, and that is said, unless there are no others.
const FEW: u64 = 10;

/// The age of which least is known, over all scenarios that passed without a denial.
pub(super) fn weakest<'a>(analysis: &Analysis, judgement: &'a Judgement) -> Option<Weakest<'a>> {
    let clean: Vec<(&str, Vec<Bound>)> = judgement
        .scenarios
        .iter()
        .zip(&analysis.scenarios)
        .filter_map(|(judged, seen)| {
            let own = judged.bound.clone()?;
            let ages: Vec<Bound> = seen.offsets.iter().filter_map(OffsetRate::bound).collect();
            Some((judged.name.as_str(), if ages.is_empty() { vec![own] } else { ages }))
        })
        .collect();
    let all = || clean.iter().flat_map(|(name, ages)| ages.iter().map(move |bound| (*name, bound)));
    let many = || all().filter(|(_, bound)| bound.scans + bound.lost >= FEW);
    let among: Vec<(&str, &Bound)> = if many().next().is_some() { many().collect() } else { all().collect() };
    let without_few = among.len() < all().count();
    let (scenario, bound) = among.into_iter().reduce(|weakest, next| if next.1.below > weakest.1.below { next } else { weakest })?;
    Some(Weakest { scenario, bound: bound.clone(), scenarios: clean.len(), without_few })
}

/// Where more than a tenth of the planned polls say nothing: how many do, and what became of the others. A reader who does not
/// know that takes the rest for the whole.
fn little_was_told(analysis: &Analysis) -> Option<String> {
    let rates = || analysis.scenarios.iter().flat_map(|scenario| &scenario.offsets);
    let told: u64 = rates().map(|rate| rate.polls).sum();
    let late: u64 = rates().map(|rate| rate.late).sum();
    let lost: u64 = rates().map(|rate| rate.other).sum();
    let all = told + late + lost;
    if told * 10 >= all * 9 {
        return None;
    }
    let mut answers: BTreeMap<String, u64> = BTreeMap::new();
    for loss in rates().flat_map(|rate| &rate.losses) {
        *answers.entry(loss.words()).or_default() += loss.polls;
    }
    let often = answers.into_iter().max_by_key(|(_, polls)| *polls);
    let often = often.map_or_else(String::new, |(answer, polls)| format!(", {} of them {answer}", words::count(polls)));
    let mut others = Vec::new();
    if lost > 0 {
        others.push(format!("{} {} answered neither visible nor not_found{often}", words::count(lost), words::were(lost)));
    }
    if late > 0 {
        others.push(format!("{} left too late", words::count(late)));
    }
    Some(format!(
        "only {} of {} planned polls show whether the scan was known ({})",
        words::count(told),
        words::count(all),
        others.join("; ")
    ))
}

/// The failures that are put up with, and until when.
pub(super) fn allowed(judgement: &Judgement) -> impl Iterator<Item = (&Reason, Date)> {
    judgement.scenarios.iter().flat_map(|scenario| &scenario.reasons).filter_map(|reason| match reason {
        Reason::Allowed { what, until, .. } => Some((what.as_ref(), *until)),
        _ => None,
    })
}

/// The run's count of scans that were denied after their id was handed out.
pub(super) fn read_your_writes(analysis: &Analysis) -> Option<&Checked> {
    analysis.guarantees.iter().find(|checked| checked.guarantee == Guarantee::ReadYourWrites)
}

/// Whether a reason says that accepted scans were denied.
pub(super) fn is_denial(reason: &Reason) -> bool {
    matches!(
        reason.matter(),
        Reason::NotFound { .. }
            | Reason::RateTooHigh { .. }
            | Reason::RateCaught { .. }
            | Reason::Broken { guarantee: Guarantee::ReadYourWrites | Guarantee::MonotonicVisibility, .. }
    )
}

fn denied(reads: &Checked, window: &WindowView) -> String {
    let mut line = format!(
        "status denied {} of {} after handing out the id",
        words::count(reads.broken),
        words::counted(reads.checked, "accepted scan")
    );
    if window.flapped > 0 {
        let _ = write!(line, "; {} had already been visible", words::count(window.flapped));
    } else if let Some(median) = window.median().filter(|median| median.is_number())
        && window.denied * 2 > window.scans
    {
        let _ = write!(line, "; half were visible by {}", words::between(median.from_ms, median.to_ms));
    }
    // The window may rest on some of the scans, and says nothing of the others.
    if window.never_visible > 0 && window.scans == reads.checked {
        let _ = write!(line, "; {} still denied when last polled", words::count(window.never_visible));
    } else if window.never_visible > 0 {
        let (never, scans) = (words::count(window.never_visible), words::count(window.scans));
        let _ = write!(line, "; of {scans} watched until visible, {never} still denied when last polled");
    }
    line
}

/// What a reader must know before anything else.
pub(super) fn notices(journal: &Journal, analysis: &Analysis, judgement: &Judgement) -> Vec<String> {
    let mut notices = Vec::new();
    for refusal in analysis.refusals.iter().filter(|refusal| refusal.polls > 0) {
        let answer = refusal.http.map_or_else(|| refusal.answer.word().to_owned(), |code| code.to_string());
        notices.push(format!(
            "REFUSED MEANS not_found: {} of handed-out ids were answered {answer}, exactly as {} for never-issued ids were, and count as not_found.",
            words::counted(refusal.polls, "poll"),
            words::counted(refusal.controls, "poll"),
        ));
    }
    let exchanges = words::counted(journal.exchanges.len() as u64, "exchange");
    let ended_at_contact = journal.run.contact.as_ref().is_some_and(|contact| contact.problem.is_some());
    let cut = match journal.end.as_ref().map(|end| end.reason) {
        Some(EndReason::Complete) => None,
        Some(EndReason::Interrupted) => Some("PARTIAL RUN: it was interrupted"),
        Some(EndReason::Budget) => Some("PARTIAL RUN: its budget was spent"),
        Some(EndReason::TargetGone) if ended_at_contact => Some("ENDED AT FIRST CONTACT: the run could not work"),
        Some(EndReason::TargetGone) => Some("PARTIAL RUN: the target was gone"),
        Some(EndReason::Throttled { .. }) => Some("PARTIAL RUN: the target throttled it"),
        None => Some("PARTIAL LOG: it has no end"),
    };
    if let Some(cut) = cut {
        let told = if ended_at_contact && journal.exchanges.is_empty() {
            "no scenario was begun".to_owned()
        } else {
            format!("what follows rests on the {exchanges} before that")
        };
        notices.push(format!("{cut}; {told}."));
    }
    if let Some(contact) = &journal.run.contact {
        notices.extend(contact.notes.iter().map(|note| format!("FIRST CONTACT: {note}.")));
    }
    if let Some(Share::Merged(_)) = journal.run.shard
        && let Some(missing) = judgement.reasons.iter().find(|reason| matches!(reason, Reason::ShardsMissing { .. }))
    {
        notices.push(format!("PARTIAL RUN: {}.", words::sentence(&sentences::reason(missing))));
    }
    for stopped in &journal.stopped {
        if let Some(scenario) = journal.scenarios.get(stopped.scenario as usize) {
            notices.push(format!(
                "STOPPED EARLY: {} started {} of {}, since its denials had decided its gate{}.",
                words::name(&scenario.name),
                words::count(u64::from(stopped.begun)),
                words::counted(u64::from(scenario.load.scans), "scan"),
                if judgement.verdict == Verdict::Inconclusive {
                    "; what keeps the verdict open is another matter, named above"
                } else {
                    ""
                }
            ));
        }
    }
    notices.extend(
        judgement
            .unused_allowances
            .iter()
            .map(|unused| format!("UNUSED ALLOWANCE: {}.", words::sentence(&sentences::unused_allowance(unused)))),
    );
    if journal.torn {
        notices.push("TORN LOG: its last line was incomplete and is left out.".to_owned());
    }
    if let Some(damaged) = judgement.reasons.iter().find(|reason| matches!(reason, Reason::Damaged { .. })) {
        notices.push(format!("INCOMPLETE LOG: {}.", words::sentence(&sentences::reason(damaged))));
    }
    let accepted = analysis.load.started - analysis.load.not_accepted;
    if judgement.verdict == Verdict::Pass && accepted > 0 && analysis.load.ended == 0 {
        let why = if journal.run.target.can.states { "no job was seen to end" } else { "the target file maps no states" };
        notices.push(format!("COMPLETION NOT ASSESSED: {why}, so this pass does not say whether jobs ever end."));
    }
    if journal.run.target.http == HttpVersion::Two {
        notices.push("HTTP/2: a fresh exchange had a connection of its own, all exchanges on a kept one shared it.".to_owned());
    }
    if !judgement.assessable {
        notices.push(
            "NOT ASSESSABLE: a never-issued id is answered as if it existed, so no answer below proves that a scan exists.".to_owned(),
        );
    }
    notices
}

/// The reasons that neither the headline nor a row of counts tells; those of scenarios with the scenario's name.
pub(super) fn other_reasons(judgement: &Judgement) -> Vec<String> {
    let counted = |reason: &Reason| matches!(reason, Reason::NotFound { .. } | Reason::Broken { .. });
    let headline_is_first = judgement.verdict == Verdict::Inconclusive || !judgement.reasons.iter().any(is_denial);
    let run_wide = judgement
        .reasons
        .iter()
        .skip(usize::from(headline_is_first))
        .filter(|reason| !counted(reason) && reason.speaks_for() == judgement.verdict)
        .filter(|reason| {
            // Where no scan of a scenario got an answer that counts, the same of each of its offsets is not news.
            let is_of_silent = |scenario: &&ScenarioJudgement| scenario.reasons.contains(reason) && all_silent(scenario);
            !follows_from_silence(reason) || !judgement.scenarios.iter().any(|scenario| is_of_silent(&scenario))
        });
    let mut told: Vec<&Reason> = judgement.reasons.first().filter(|_| headline_is_first).into_iter().collect();
    let mut lines: Vec<(u8, String)> = Vec::new();
    for reason in run_wide {
        told.push(reason);
        lines.push((reason.rank(), words::reason(reason)));
    }
    for scenario in &judgement.scenarios {
        let follows = |reason: &Reason| follows_from_silence(reason) && all_silent(scenario);
        for reason in scenario.reasons.iter().filter(|reason| **reason != Reason::CutShort && !counted(reason) && !follows(reason)) {
            if !told.contains(&reason) {
                told.push(reason);
                lines.push((reason.rank(), format!("{}: {}", words::name(&scenario.name), words::reason(reason))));
            }
        }
    }
    // A terminal shows the first few: what changes the reading of all the rest must be among them.
    lines.sort_by_key(|(rank, _)| *rank);
    lines.into_iter().map(|(_, line)| line).collect()
}

/// Whether no scan of a scenario got an answer that counts, at any age.
fn all_silent(scenario: &ScenarioJudgement) -> bool {
    scenario.reasons.iter().any(|reason| matches!(reason.matter(), Reason::Silent { scans, of, .. } if scans == of))
}

/// Whether a reason only says of one offset what silence says of all.
fn follows_from_silence(reason: &Reason) -> bool {
    matches!(reason.matter(), Reason::Lost { .. } | Reason::NoSamples { .. })
}
