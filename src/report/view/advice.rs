//! The next step, in words.

// Writing to a String cannot fail.
use std::fmt::Write as _;

use crate::analysis::Analysis;
use crate::analysis::diagnosis::{Cause, Strength};
use crate::model::run::Journal;
use crate::report::view::{headline, unseen};
use crate::report::words;
use crate::verdict::{Judgement, Reason, Verdict};

/// What to do now.
pub(super) fn next_step(journal: &Journal, analysis: &Analysis, judgement: &Judgement) -> String {
    if !judgement.assessable {
        return "Look at how a never-issued id is answered: either the target file's answer rules take not_found for visible, or the service invents a state \
                for ids it never issued. Until that is put right nothing else can be measured."
            .to_owned();
    }
    match judgement.verdict {
        Verdict::Pass => after_pass(analysis, judgement),
        Verdict::Fail => after_fail(analysis, judgement),
        Verdict::Inconclusive => after_inconclusive(journal, judgement),
    }
}

fn after_pass(analysis: &Analysis, judgement: &Judgement) -> String {
    if let Some(day) = headline::allowed(judgement).map(|(_, until)| until).min() {
        return format!("Cure what is allowed before its day: after {day} the first of it fails the run again.");
    }
    let Some(reads) = headline::read_your_writes(analysis).filter(|reads| reads.checked > 0) else {
        return "Nothing needs doing. This run polled no scans; add a scenario with scans to see the window itself.".to_owned();
    };
    let finer = [0.01, 0.001, 0.0001].into_iter().find(|rate| unseen::scans_to_exclude(*rate) > reads.checked);
    finer.map_or_else(
        || "Nothing needs doing.".to_owned(),
        |rate| {
            format!(
                "Nothing needs doing. To exclude denials in more than {} of scans takes {} clean scans; this run had {}.",
                words::share(rate),
                words::count(unseen::scans_to_exclude(rate)),
                words::count(reads.checked)
            )
        },
    )
}

fn after_fail(analysis: &Analysis, judgement: &Judgement) -> String {
    let causes = &analysis.diagnosis.causes;
    let still_open = || {
        let open = analysis.diagnosis.undecided.first();
        open.map_or_else(String::new, |open| format!(" Still open: {}.", words::sentence(open)))
    };
    match causes.as_slice() {
        [cause] => {
            let open = if cause.strength == Strength::Strong { String::new() } else { still_open() };
            format!("{} {}. {}{open}", certainty(cause.strength), named(cause), cause.class.cure())
        }
        [_, _, ..] => {
            let all: Vec<String> = causes.iter().map(named).collect();
            let mut text = format!("There is evidence for {} causes: {}.", causes.len(), all.join("; "));
            // More cures at once help nobody; the diagnosis has them all.
            for cause in causes.iter().take(2) {
                let _ = write!(text, " {}: {}", cause.class.letter(), cause.class.cure());
            }
            text
        }
        [] if judgement.reasons.iter().any(headline::is_denial) => {
            format!(
                "No single cause explains what was seen. Attach the markdown report and the log to the ticket: the log holds every exchange, and any cause can be \
                 looked for in it later.{}",
                still_open()
            )
        }
        [] => "Start with the first proof of the broken guarantee: it names the scan, and the log holds every exchange of it.".to_owned(),
    }
}

fn named(cause: &Cause) -> String {
    format!("{} (class {})", cause.class.name(), cause.class.letter())
}

fn certainty(strength: Strength) -> &'static str {
    match strength {
        Strength::Strong => "The cause is",
        Strength::Moderate => "The likely cause is",
        Strength::Weak => "A possible cause is",
    }
}

fn after_inconclusive(journal: &Journal, judgement: &Judgement) -> String {
    if journal.run.recording.is_some() {
        return "A recording has no controls and cannot pass. To find out whether the target is sound, ask it: `statusgap run --target FILE`.".to_owned();
    }
    let scenario_reasons = judgement.scenarios.iter().flat_map(|scenario| &scenario.reasons);
    let advice = judgement.reasons.iter().chain(scenario_reasons).find_map(remedy);
    advice.map_or_else(
        || "Run it again, to its end.".to_owned(),
        |advice| if journal.is_complete() { advice.to_owned() } else { format!("{advice} What was seen so far stands in the log.") },
    )
}

/// What would make an inconclusive run conclusive.
fn remedy(reason: &Reason) -> Option<&'static str> {
    Some(match reason {
        Reason::NoScans { .. } | Reason::InitiatesFailed { .. } => {
            "See why initiates are not accepted: the log holds their answers. Credentials, the request's body and rate limits come first."
        }
        Reason::NoControl => {
            "Make a never-issued id answerable: check `unknown_id` and the status path in the target file, and that the target is up."
        }
        Reason::RateUnproven { .. } | Reason::RateUndecided { .. } | Reason::WindowUnproven { .. } | Reason::SpeedUnproven { .. } => {
            "Run more scans (`load.scans` in the scenario), or tolerate what so few scans can show."
        }
        Reason::WarmIds { .. } => "Put `{n}` into the initiate's body in the target file, so that every scan is a new one.",
        Reason::PollsFailed { .. } => {
            "See what the polls were answered in the log: throttling asks for a slower load, server errors for the service's own log."
        }
        Reason::NoSamples { .. } | Reason::Late { .. } => {
            "Run it on a quieter machine, or with fewer scans in flight; or widen `polls.tolerance` in the scenario."
        }
        Reason::Unreachable { .. } => "Check the target's address, and that it is up and can be reached from here.",
        Reason::StoppedOpen => "Run it again: the log was changed, or is part of a larger one.",
        Reason::NoLongerAllowed { what, .. } => return remedy(what),
        Reason::TargetGone => "See why the target could not be reached any more, and run again.",
        Reason::Interrupted | Reason::CutOff => "Run it again, to its end.",
        Reason::Damaged { .. } => "Report an unchanged copy of the log, or run it again: lines of this one are missing or repeated.",
        Reason::BudgetSpent => "Raise the budget, or ask for less.",
        Reason::ShardsMissing { .. } | Reason::OnOtherShards => {
            "Run the other shards with the same --seed, and put all logs together: `statusgap merge`."
        }
        Reason::NothingRun => "Describe in the target file what the scenarios need (a foreign user, a witness, results), or choose others.",
        Reason::UnknownIdVisible
        | Reason::NotFound { .. }
        | Reason::RateTooHigh { .. }
        | Reason::RateCaught { .. }
        | Reason::Allowed { .. }
        | Reason::Broken { .. }
        | Reason::WindowTooLong { .. }
        | Reason::TooSlow { .. } => return None,
    })
}
