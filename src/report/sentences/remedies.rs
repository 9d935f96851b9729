//! What would make an inconclusive run conclusive.

use crate::model::answer::Answer;
use crate::model::contact::{QUOTED, visible};
use crate::model::exchange::{Exchange, Kind};
use crate::model::limits::cut;
use crate::model::run::Journal;
use crate::report::words;
use crate::verdict::Reason;

/// What would make an inconclusive run conclusive: it follows from the reason and from nothing else.
pub fn remedy(reason: &Reason, journal: &Journal) -> Option<String> {
    let advice = match reason {
        Reason::FirstContact { problem } => {
            let when = if problem.may_pass { "Run it again when a single request is answered" } else { "Look at this, and run it again" };
            return Some(format!("{when} (`-vv` shows each exchange): {}", words::advice(&problem.change)));
        }
        Reason::LikeNoSuchPath { change, .. } => {
            let compare = "Compare the target file with the API's documentation, and run it again (`-vv` shows each exchange)";
            return Some(format!("{compare}: {}", words::advice(change)));
        }
        Reason::NoControl { losses } if losses.iter().any(|loss| loss.answer == Answer::Refused) => {
            "Check the credentials and the status path in the target file: even polls for handed-out ids were never answered as visible."
        }
        Reason::NoScans { initiates: 1.. } | Reason::InitiatesFailed { .. } => return Some(after_failures(journal, Kind::Initiate)),
        Reason::NoControl { .. } => return Some(after_failures(journal, Kind::UnknownPoll)),
        Reason::Lost { then_visible: 1.., .. } | Reason::FirstPolls { .. } => {
            "Look at what these polls were answered, in the log and in the service's own: an error or a refusal at first and an answer later \
             is often the window itself. If that answer means `not_found`, say so in the target file (`[[status.answer]]`)."
        }
        Reason::PollsFailed { .. } | Reason::Lost { .. } | Reason::Silent { .. } => return Some(after_failures(journal, Kind::Poll)),
        Reason::RateUnproven { .. } | Reason::RateUndecided { .. } | Reason::WindowUnproven { .. } | Reason::SpeedUnproven { .. } => {
            "Run more scans (`load.scans` in the scenario), or tolerate what so few scans can show."
        }
        Reason::WarmIds { .. } => {
            "Put `{n}` into the initiate's body in the target file, so that every scan is a new one. If it has that already, the API \
             gives out its ids again: poll fewer scans at a time, or for a shorter time than it keeps an id."
        }
        // Polls that were never sent are the consequence of another reason.
        Reason::NoSamples { late: 0, other: 0, .. }
        | Reason::NoScans { initiates: 0 }
        | Reason::UnknownIdVisible
        | Reason::CutShort
        | Reason::NotFound { .. }
        | Reason::RateTooHigh { .. }
        | Reason::RateCaught { .. }
        | Reason::Allowed { .. }
        | Reason::Broken { .. }
        | Reason::FaultFound { .. }
        | Reason::WindowTooLong { .. }
        | Reason::TooSlow { .. } => return None,
        Reason::NoSamples { late, other, .. } if other > late => return Some(after_failures(journal, Kind::Poll)),
        Reason::UnlistedAfterEnd { .. } => {
            "List the word in `[status.states]` of the target file, as the state that it means; the markdown report names it."
        }
        Reason::NoneEnded { .. } => {
            "Look at one of these jobs in the service: if it has ended, status never says so, or `[status.states]` of the target file does not \
             list its word for the end. If it is at work, follow it for longer than a job takes (`follow.deadline` in the scenario)."
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
    let (one, what) = match kind {
        Kind::Initiate => ("POST", "POSTs"),
        Kind::UnknownPoll => ("poll of a never-issued id", "polls of never-issued ids"),
        _ => ("poll", "polls"),
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
            format!("{} answered{code}{body}", words::were(count))
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
    format!("{} {} {answered}. {step}", words::count(count), if count == 1 { one } else { what })
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
