//! How to see it again: the run's command, and a few lines of shell that need curl and jq.
//!
//! The lines are made of the target file as it stands in the log. They ask for a new scan and poll that one: an id of
//! yesterday reproduces nothing. A log may come from anywhere, so everything in it is quoted for the shell.

use crate::analysis::Analysis;
use crate::bundle;
use crate::model::run::Journal;
use crate::report::view::Repeat;
use crate::report::words;

/// The command and, where something was denied and the target file says enough, the snippet.
pub(super) fn repeat(journal: &Journal, analysis: &Analysis) -> Repeat {
    let command = words::clean(journal.run.command.trim(), 2000);
    let snippet = denied_age(analysis).and_then(|seconds| bundle::by_hand(&journal.run, seconds, analysis.window.flapping > 0));
    Repeat { command, snippet }
}

/// The first age in seconds at which status denied a scan: a gate offset if one failed, else the clearest scan's.
fn denied_age(analysis: &Analysis) -> Option<f64> {
    let offsets = analysis.scenarios.iter().flat_map(|scenario| &scenario.offsets);
    let at_offset = offsets.filter(|rate| rate.not_found > 0).map(|rate| rate.at).min();
    let in_timeline = || analysis.timeline.as_ref()?.steps.iter().find(|step| step.denied).map(|step| step.at);
    at_offset.or_else(in_timeline).map(|at| (at.as_ms().max(0.0) / 100.0).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use crate::report::{View, samples};

    #[test]
    fn a_reproduction_asks_for_a_new_scan_and_polls_that_one() {
        let snippet = samples::view(&samples::seed_bug()).repeat.snippet.expect("the target file says enough");
        assert!(snippet.starts_with("id=$(curl -gs -X POST"), "{snippet}");
        assert!(snippet.contains("\nsleep 0.1\n"), "the failing offset is 100ms: {snippet}");
        assert!(snippet.contains("/opportunities/status/$id"), "{snippet}");
        assert!(!snippet.contains("scan_7f"), "an id of yesterday reproduces nothing: {snippet}");
    }

    #[test]
    fn nothing_is_made_up_where_the_target_file_says_too_little() {
        let (mut journal, analysis, judgement) = samples::seed_bug();
        for file in ["", "name = 'x'", "not toml [", "[initiate]\npath='/a'\n[status]\npath='/b/{id}'"] {
            journal.run.target.file = file.to_owned();
            assert_eq!(View::of(&journal, &analysis, &judgement).repeat.snippet, None, "{file}");
        }
        assert_eq!(samples::view(&samples::healthy()).repeat.snippet, None, "there is nothing to reproduce");
    }
}

#[cfg(test)]
mod scripts {
    use crate::analysis::Analysis;
    use crate::analysis::refusal::Refusal;
    use crate::bundle::{self, Unscriptable};
    use crate::model::answer::Answer;
    use crate::model::exchange::Kind;
    use crate::model::time::Stamp;
    use crate::report::samples;

    #[test]
    fn where_there_is_no_script_the_reason_is_that_of_this_run() {
        let (mut quiet, mut analysis, _) = samples::healthy();
        quiet.exchanges.retain(|one| one.answer != Answer::NotFound || one.kind == Kind::UnknownPoll);
        let why = |analysis: &Analysis| bundle::script(&quiet, analysis, "").expect_err("no script");
        assert_eq!(why(&analysis), Unscriptable::NothingFound);
        analysis.guarantees[4].broken = 1;
        assert!(why(&analysis).to_string().contains("order or the timing"), "{}", why(&analysis));
        analysis.refusals.push(Refusal { answer: Answer::Refused, http: Some(403), controls: 2, polls: 9 });
        assert!(why(&analysis).to_string().contains("[[status.answer]]"), "{}", why(&analysis));
    }

    #[test]
    fn a_job_that_is_denied_later_has_a_script_without_a_cause_too() {
        let (mut journal, analysis, _) = samples::healthy();
        let denial = journal.exchanges.iter().position(|one| one.kind == Kind::Poll && one.answer == Answer::NotFound).expect("a denial");
        let mut later = journal.exchanges.remove(denial);
        let last = journal.exchanges.last().expect("a visible poll").done;
        (later.sent, later.done) = (Stamp(last.0 + 5_000_000), Stamp(last.0 + 6_000_000));
        journal.exchanges.push(later);
        let script = bundle::script(&journal, &analysis, "").expect("a script");
        assert!(script.contains("it is denied after it had been visible"), "{script}");
    }
}
