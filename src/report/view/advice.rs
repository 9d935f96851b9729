//! The next step, in words.

// Writing to a String cannot fail.
use std::fmt::Write as _;

use crate::analysis::Analysis;
use crate::analysis::diagnosis::{Cause, Pattern, Strength, lower_first};
use crate::analysis::guarantees::Checked;
use crate::model::answer::Answer;
use crate::model::contact::{QUOTED, visible};
use crate::model::exchange::{Exchange, Kind};
use crate::model::limits::cut;
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
        Verdict::Pass => after_pass(journal, analysis, judgement),
        Verdict::Fail => after_fail(journal, analysis, judgement),
        Verdict::Inconclusive => after_inconclusive(journal, judgement),
    }
}

fn after_pass(journal: &Journal, analysis: &Analysis, judgement: &Judgement) -> String {
    if let Some(day) = headline::allowed(judgement).map(|(_, until)| until).min() {
        return format!("Cure what is allowed before its day: after {day} the first of it fails the run again.");
    }
    if headline::read_your_writes(analysis).is_none_or(|reads| reads.checked == 0) {
        return "Nothing needs doing. This run polled no scans; add a scenario with scans to see the window itself.".to_owned();
    }
    if !journal.not_asked.is_empty() {
        let left_out: Vec<String> = journal.not_asked.iter().map(|left_out| words::name(&left_out.scenario)).collect();
        return format!(
            "Nothing was found, and not everything was asked: too few jobs were left for {}. Raise --max-jobs to ask them.",
            left_out.join(", ")
        );
    }
    let Some(headline::Weakest { scenario, bound, .. }) = headline::weakest(analysis, judgement) else {
        return "Nothing needs doing.".to_owned();
    };
    let finer = [0.1, 0.01, 0.001, 0.0001].into_iter().find(|rate| unseen::scans_to_exclude(*rate) > bound.scans);
    finer.map_or_else(
        || "Nothing needs doing.".to_owned(),
        |rate| {
            let at = bound.at.map_or_else(String::new, |at| format!(" at {}", words::planned(at)));
            format!(
                "Nothing needs doing. To exclude denials in more than {} of scans at every age takes {} clean scans at each; this run had {}{at} in {}.",
                words::share(rate),
                words::count(unseen::scans_to_exclude(rate)),
                words::count(bound.scans),
                words::name(scenario)
            )
        },
    )
}

fn after_fail(journal: &Journal, analysis: &Analysis, judgement: &Judgement) -> String {
    let causes = &analysis.diagnosis.causes;
    let owner = journal.run.target.owner();
    let still_open = || {
        let open = analysis.diagnosis.undecided.first();
        open.map_or_else(String::new, |open| format!(" Still open: {}.", words::sentence(open)))
    };
    match causes.as_slice() {
        [cause] if !cause.or.is_empty() => {
            let many = if cause.or.len() == 1 { "Two" } else { "Several" };
            format!("{many} causes explain what was seen equally well: {}. {}", cause.title(), cause.cure(owner))
        }
        [cause] => {
            let open = if cause.strength == Strength::Strong { String::new() } else { still_open() };
            format!("{} {}. {}{open}", certainty(cause.strength), cause.named(), cause.cure(owner))
        }
        [_, _, ..] => {
            let all: Vec<String> = causes.iter().map(Cause::named).collect();
            let mut text = format!("There is evidence for {} causes: {}.", causes.len(), all.join("; "));
            // More cures at once help nobody; the diagnosis has them all.
            for cause in causes.iter().take(2) {
                let _ = write!(text, " If it is {}: {}", cause.named(), lower_first(&cause.cure(owner)));
            }
            text
        }
        [] => {
            let found: Vec<String> = analysis.diagnosis.patterns.iter().take(2).map(found).collect();
            if found.is_empty() { without_a_class(analysis, judgement) + &still_open() } else { found.join(" ") }
        }
    }
}

fn found(pattern: &Pattern) -> String {
    let possible: Vec<String> = pattern.possible().iter().map(|class| class.named()).collect();
    format!(
        "No class is named: {}.{} {}",
        words::sentence(&pattern.statement()).trim_end_matches('.'),
        words::may_be(&possible),
        pattern.ask_next()
    )
}

/// What broke, on which requests, what it may be, and what to ask next.
fn without_a_class(analysis: &Analysis, judgement: &Judgement) -> String {
    let broken: Vec<&Checked> = analysis.guarantees.iter().filter(|checked| checked.broken > 0).collect();
    let failed = |checked: &&&Checked| {
        judgement
            .reasons
            .iter()
            .any(|reason| matches!(reason.matter(), Reason::Broken { guarantee, .. } if *guarantee == checked.guarantee))
    };
    if let Some(checked) = broken.iter().find(failed).or_else(|| broken.first()) {
        let proof = checked.evidence.first().map_or_else(String::new, |proof| format!(": {}", words::sentence(&proof.told)));
        let proof = proof.trim_end_matches('.');
        return format!(
            "{} broke in {} of {}{proof}. No cause was found for it. It can arise like this: {} {}",
            words::sentence(checked.guarantee.name()),
            checked.broken,
            checked.checked,
            checked.guarantee.arises(),
            checked.guarantee.ask_next()
        );
    }
    match judgement.reasons.first() {
        Some(reason @ Reason::TooSlow { .. }) => format!(
            "{}. Nothing else failed: compare the round trips in the report by kind and connection, and repeat the run with fewer scans in flight to see whether its own load \
             makes the difference.",
            words::sentence(&reason.to_string())
        ),
        Some(reason) => format!(
            "{}. No cause was found for it: run `statusgap reproduce`, which asks what separates the causes.",
            words::sentence(&reason.to_string())
        ),
        None => "Run it again: the log does not say what failed.".to_owned(),
    }
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
    let reasons = judgement.reasons.iter().chain(scenario_reasons);
    // What keeps anything from being measured comes before what keeps it from being proven; among equals, the order stands.
    let steps = reasons.filter_map(|reason| Some((weight(reason), remedy(reason, journal)?)));
    let advice = steps.min_by_key(|(weight, _)| *weight).map(|(_, advice)| advice);
    advice.map_or_else(
        || "Run it again, to its end.".to_owned(),
        |advice| {
            if journal.is_complete() || journal.exchanges.is_empty() {
                advice
            } else {
                format!("{advice} What was seen so far is in the log.")
            }
        },
    )
}

/// Which reason to begin with: the lowest.
fn weight(reason: &Reason) -> u8 {
    match reason.matter() {
        Reason::FirstContact { .. } | Reason::LikeNoSuchPath { .. } => 0,
        Reason::Unreachable { .. } | Reason::TargetGone => 1,
        Reason::NoScans { .. } | Reason::NoControl { .. } | Reason::WarmIds { .. } | Reason::NothingRun => 2,
        // A target that holds the probe back keeps anything from being measured, and no quieter machine helps.
        Reason::Lost { gathered: Some(_), .. } | Reason::Silent { .. } | Reason::Late { throttled: 1.., .. } => 3,
        Reason::InitiatesFailed { .. } | Reason::PollsFailed { .. } | Reason::Lost { .. } => 4,
        Reason::Late { .. } | Reason::NoSamples { .. } => 5,
        _ => 6,
    }
}

/// What would make an inconclusive run conclusive: it follows from the reason and from nothing else.
fn remedy(reason: &Reason, journal: &Journal) -> Option<String> {
    let advice = match reason {
        Reason::FirstContact { problem } => {
            let when = if problem.may_pass { "Run it again when a single request is answered" } else { "Look at this, and run it again" };
            return Some(format!("{when} (`-v` shows each exchange): {}", words::advice(&problem.change)));
        }
        Reason::LikeNoSuchPath { change, .. } => {
            let compare = "Compare the target file with the API's documentation, and run it again (`-v` shows each exchange)";
            return Some(format!("{compare}: {}", words::advice(change)));
        }
        Reason::NoControl { losses } if losses.iter().any(|loss| loss.answer == Answer::Refused) => {
            "Check the credentials and the status path in the target file: even polls for handed-out ids were never answered as visible."
        }
        Reason::NoScans { .. } | Reason::InitiatesFailed { .. } => return Some(after_failures(journal, Kind::Initiate)),
        Reason::NoControl { .. } => return Some(after_failures(journal, Kind::UnknownPoll)),
        Reason::Lost { then_visible: 1.., .. } => {
            "Look at what these polls were answered, in the log and in the service's own: an error or a refusal at first and an answer later \
             is often the window itself. If that answer means `not_found`, say so in the target file (`[[status.answer]]`)."
        }
        Reason::PollsFailed { .. } | Reason::Lost { .. } | Reason::Silent { .. } => return Some(after_failures(journal, Kind::Poll)),
        Reason::RateUnproven { .. } | Reason::RateUndecided { .. } | Reason::WindowUnproven { .. } | Reason::SpeedUnproven { .. } => {
            "Run more scans (`load.scans` in the scenario), or tolerate what so few scans can show."
        }
        Reason::WarmIds { .. } => "Put `{n}` into the initiate's body in the target file, so that every scan is a new one.",
        // Polls that were never sent are the consequence of another reason.
        Reason::NoSamples { late: 0, other: 0, .. }
        | Reason::UnknownIdVisible
        | Reason::NotFound { .. }
        | Reason::RateTooHigh { .. }
        | Reason::RateCaught { .. }
        | Reason::Allowed { .. }
        | Reason::Broken { .. }
        | Reason::WindowTooLong { .. }
        | Reason::TooSlow { .. } => return None,
        Reason::NoSamples { late, other, .. } if other > late => return Some(after_failures(journal, Kind::Poll)),
        Reason::UnlistedAfterEnd { .. } => {
            "List the word in `[status.states]` of the target file, as the state that it means; the markdown report names it."
        }
        Reason::Late { throttled: 1.., .. } => {
            "Stay below the target's rate limit with --max-rps, or ask for fewer scans. Only if every new job is answered so while older ones \
             are not, 429 may be the window: `[[status.answer]]` with `is = \"not_found\"` and `when = { http = 429 }` has it measured."
        }
        Reason::NoSamples { .. } | Reason::Late { .. } => {
            "Polls were late: run it on a quieter machine, or with fewer scans in flight; or widen `polls.tolerance` in the scenario."
        }
        Reason::Unreachable { .. } => "Check the target's address, and that it is up and can be reached from here.",
        Reason::StoppedOpen => "Run it again: the log was changed, or is part of a larger one.",
        Reason::NoLongerAllowed { what, .. } => return remedy(what, journal),
        Reason::TargetGone => "See why the target could not be reached any more, and run again.",
        Reason::Interrupted | Reason::CutOff => "Run it again, to its end.",
        Reason::Damaged { .. } => "Report an unchanged copy of the log, or run it again: lines of this one are missing or repeated.",
        Reason::Throttled { .. } => {
            "Ask the target's owner for its rate limit and stay below it with --max-rps, or run again when it has recovered; --max-wait says how long to be patient."
        }
        Reason::BudgetSpent => "Raise the budget, or ask for less.",
        Reason::ShardsMissing { .. } | Reason::OnOtherShards => {
            "Run the other shards with the same --seed, and put all logs together: `statusgap merge`."
        }
        Reason::NothingRun => "Describe in the target file what the scenarios need (a foreign user, a witness, results), or choose others.",
    };
    Some(advice.to_owned())
}

/// What most requests of a kind got that say nothing, quoted, and what to do about that.
fn after_failures(journal: &Journal, kind: Kind) -> String {
    let what = match kind {
        Kind::Initiate => "POSTs",
        Kind::UnknownPoll => "polls of never-issued ids",
        _ => "polls",
    };
    let said_nothing =
        |exchange: &&Exchange| exchange.kind == kind && !exchange.answer.is_evidence() && exchange.answer != Answer::Accepted;
    let mut groups: Vec<(u64, &Exchange)> = Vec::new();
    for exchange in journal.exchanges.iter().filter(said_nothing) {
        match groups
            .iter_mut()
            .find(|(_, known)| (known.answer, known.http, known.fault) == (exchange.answer, exchange.http, exchange.fault))
        {
            Some((count, _)) => *count += 1,
            None => groups.push((1, exchange)),
        }
    }
    let Some((count, example)) = groups.into_iter().max_by_key(|(count, _)| *count) else {
        return format!("No {what} were answered. Run it again, to its end.");
    };
    let answered = match (example.fault, example.http) {
        (Some(fault), _) => format!("got no answer ({})", fault.word()),
        (None, http) => {
            let code = http.map_or_else(String::new, |http| format!(" {http}"));
            let body = example.body.as_deref().map_or_else(String::new, |body| format!(" `{}`", cut(visible(body), QUOTED)));
            format!("were answered{code}{body}")
        }
    };
    let step = match example.answer {
        Answer::Refused => "Look at the credentials in `[users]`, and at what that user may do.",
        Answer::Throttled => "Ask for less at a time: --max-rps, or fewer scans in flight.",
        Answer::ServerError => "See the service's own log.",
        Answer::Transport => "See why the connections fail or time out: the target's log, and what lies between.",
        _ if kind == Kind::Initiate => "Look at `[initiate]` in the target file: its body, `accept` and `id`.",
        _ => "Add a rule to `[[status.answer]]` in the target file that says what this answer means.",
    };
    format!("{} {what} {answered}. {step}", words::count(count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Nanos;
    use crate::report::samples;

    #[test]
    fn the_next_step_follows_from_the_reason() {
        let (journal, _, _) = samples::unassessable();
        let at = Nanos(0);
        for (reason, said) in [
            (Reason::NoSamples { arm: "fresh".into(), at, late: 9, other: 0 }, Some("quieter machine")),
            (Reason::Late { late: 9, of: 10, latest_ms: 80.0, throttled: 0, throttled_after: 0 }, Some("quieter machine")),
            (Reason::Late { late: 9, of: 10, latest_ms: 80.0, throttled: 2, throttled_after: 11 }, Some("--max-rps")),
            (Reason::NoSamples { arm: "fresh".into(), at, late: 0, other: 9 }, Some("polls")),
            (Reason::NoSamples { arm: "fresh".into(), at, late: 0, other: 0 }, None),
            (Reason::BudgetSpent, Some("budget")),
        ] {
            let advice = remedy(&reason, &journal);
            assert_eq!(advice.is_some(), said.is_some(), "{reason:?}");
            let (advice, said) = (advice.unwrap_or_default(), said.unwrap_or_default());
            assert!(advice.contains(said), "{reason:?}: {advice}");
            assert_eq!(advice.contains("quieter"), said == "quieter machine", "{reason:?}: {advice}");
        }
    }
}
