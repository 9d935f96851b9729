//! The one line that says what happened, and what must be known before it is read.

// Writing to a String cannot fail.
use std::fmt::Write as _;

use crate::analysis::Analysis;
use crate::analysis::binomial::zero_failure_bound;
use crate::analysis::guarantees::Checked;
use crate::model::allow::Date;
use crate::model::guarantee::Guarantee;
use crate::model::run::{EndReason, HttpVersion, Journal};
use crate::model::shard::Share;
use crate::report::view::WindowView;
use crate::report::words;
use crate::verdict::{Judgement, Reason, Verdict};

/// What happened, in one line.
pub(super) fn headline(analysis: &Analysis, judgement: &Judgement, window: &WindowView) -> String {
    let first =
        || judgement.reasons.first().map_or_else(|| "no reason was recorded".to_owned(), |reason| words::sentence(&reason.to_string()));
    let Some(reads) = read_your_writes(analysis) else { return first() };
    match judgement.verdict {
        Verdict::Fail if judgement.reasons.iter().any(is_denial) => denied(reads, window),
        Verdict::Fail | Verdict::Inconclusive => first(),
        Verdict::Pass if reads.checked == 0 => "all expectations held; no scan was polled".to_owned(),
        Verdict::Pass if allowed(judgement).next().is_some() => {
            let failures = allowed(judgement).count() as u64;
            format!(
                "{} of {} were denied; {} allowed for now, and nothing else failed",
                words::count(reads.broken),
                words::counted(reads.checked, "accepted scan"),
                if failures == 1 { "1 failure is".to_owned() } else { format!("{} failures are", words::count(failures)) }
            )
        }
        Verdict::Pass if reads.broken > 0 => {
            format!(
                "{} of {} were denied, within what the scenarios tolerate",
                words::count(reads.broken),
                words::counted(reads.checked, "scan")
            )
        }
        Verdict::Pass => format!(
            "0 of {} were denied: at the ages polled the true rate is below {} (95 %)",
            words::counted(reads.checked, "accepted scan"),
            words::share(zero_failure_bound(reads.checked, 0.95))
        ),
    }
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
    if window.flapping > 0 {
        let _ = write!(line, "; {} had already been visible", words::count(window.flapping));
    } else if let Some(median) = window.median().filter(|median| median.is_number())
        && window.denied * 2 > window.scans
    {
        let _ = write!(line, "; half were visible by {}", words::between(median.from_ms, median.to_ms));
    }
    if window.never_visible > 0 {
        let _ = write!(line, "; {} still denied when last polled", words::count(window.never_visible));
    }
    line
}

/// What a reader must know before anything else.
pub(super) fn notices(journal: &Journal, judgement: &Judgement) -> Vec<String> {
    let mut notices = Vec::new();
    let exchanges = words::counted(journal.exchanges.len() as u64, "exchange");
    let cut = match journal.end.as_ref().map(|end| end.reason) {
        Some(EndReason::Complete) => None,
        Some(EndReason::Interrupted) => Some("PARTIAL RUN: it was interrupted"),
        Some(EndReason::Budget) => Some("PARTIAL RUN: its budget was spent"),
        Some(EndReason::TargetGone) => Some("PARTIAL RUN: the target was gone"),
        None => Some("PARTIAL LOG: it has no end"),
    };
    if let Some(cut) = cut {
        notices.push(format!("{cut}; what follows is told by the {exchanges} before that."));
    }
    if let Some(Share::Merged(_)) = journal.run.shard
        && let Some(missing) = judgement.reasons.iter().find(|reason| matches!(reason, Reason::ShardsMissing { .. }))
    {
        notices.push(format!("PARTIAL RUN: {}.", words::sentence(&missing.to_string())));
    }
    for stopped in &journal.stopped {
        if let Some(scenario) = journal.scenarios.get(stopped.scenario as usize) {
            notices.push(format!(
                "STOPPED EARLY: {} started {} of {}; its gate was decided by then.",
                words::name(&scenario.name),
                words::count(u64::from(stopped.begun)),
                words::counted(u64::from(scenario.load.scans), "scan")
            ));
        }
    }
    notices.extend(judgement.unused_allowances.iter().map(|unused| format!("UNUSED ALLOWANCE: {}.", words::sentence(unused))));
    if journal.torn {
        notices.push("TORN LOG: its last line was incomplete and is left out.".to_owned());
    }
    if let Some(damaged) = judgement.reasons.iter().find(|reason| matches!(reason, Reason::Damaged { .. })) {
        notices.push(format!("INCOMPLETE LOG: {}.", words::sentence(&damaged.to_string())));
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
        .filter(|reason| !counted(reason) && reason.speaks_for() == judgement.verdict);
    let mut told: Vec<&Reason> = judgement.reasons.first().filter(|_| headline_is_first).into_iter().collect();
    let mut lines = Vec::new();
    for reason in run_wide {
        told.push(reason);
        lines.push(words::sentence(&reason.to_string()));
    }
    for scenario in &judgement.scenarios {
        for reason in scenario.reasons.iter().filter(|reason| !counted(reason)) {
            if !told.contains(&reason) {
                told.push(reason);
                lines.push(format!("{}: {}", words::name(&scenario.name), words::sentence(&reason.to_string())));
            }
        }
    }
    lines
}
