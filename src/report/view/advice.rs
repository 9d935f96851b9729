//! The next step, in words.

// Writing to a String cannot fail.
use std::fmt::Write as _;

use crate::analysis::Analysis;
use crate::analysis::diagnosis::{Pattern, Strength};
use crate::analysis::guarantees::Checked;
use crate::model::run::Journal;
use crate::report::sentences::open::open_question;
use crate::report::sentences::{causes, patterns};
use crate::report::view::{InsideView, headline, inside, limitations};
use crate::report::{sentences, words};
use crate::verdict::{Judgement, Reason, Verdict};

/// What to do now.
pub(super) fn next_step(journal: &Journal, analysis: &Analysis, judgement: &Judgement, inside: Option<&InsideView>) -> String {
    if !judgement.assessable {
        return "Look at how a never-issued id is answered: either the target file's answer rules take not_found for visible, or the service invents a state \
                for ids it never issued. Until that is put right nothing else can be measured."
            .to_owned();
    }
    match judgement.verdict {
        Verdict::Pass => after_pass(journal, analysis, judgement),
        Verdict::Fail => after_fail(journal, analysis, judgement, inside),
        Verdict::Inconclusive => after_inconclusive(journal, judgement),
    }
}

fn after_pass(journal: &Journal, analysis: &Analysis, judgement: &Judgement) -> String {
    if let Some(day) = headline::allowed(judgement).map(|(_, until)| until).min() {
        return format!("Cure what is allowed before its day: after {day} the first of it fails the run again.");
    }
    if headline::read_your_writes(analysis).is_none_or(|reads| reads.checked == 0) {
        return "Nothing needs doing. This run polled no jobs; add a scenario with jobs to see the window itself.".to_owned();
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
    let finer = [0.1, 0.01, 0.001, 0.0001].into_iter().find(|rate| limitations::scans_to_exclude(*rate) > bound.scans);
    finer.map_or_else(
        || "Nothing needs doing.".to_owned(),
        |rate| {
            let at = bound.at.map_or_else(String::new, |at| format!(" at {}", words::planned(at)));
            format!(
                "Nothing needs doing. To exclude denials of more than {} of jobs takes {} jobs at each age without a denial; this run had {}{at} in {}.",
                words::share(rate),
                words::count(limitations::scans_to_exclude(rate)),
                words::count(bound.scans),
                words::name(scenario)
            )
        },
    )
}

fn after_fail(journal: &Journal, analysis: &Analysis, judgement: &Judgement, inside: Option<&InsideView>) -> String {
    let found_causes = &analysis.diagnosis.causes;
    let owner = journal.run.target.owner();
    let still_open = || {
        let open = analysis.diagnosis.open.first();
        open.map_or_else(String::new, |open| format!(" Still open: {}.", words::sentence(&open_question(open))))
    };
    match found_causes.as_slice() {
        [cause] if !cause.or.is_empty() => {
            let many = if cause.or.len() == 1 { "Two" } else { "Several" };
            let spans = inside::told_apart(inside, cause).map_or_else(String::new, |class| sentences::inside::speaks_for(class) + ". ");
            format!("{many} causes explain what was seen equally well: {}. {spans}{}", causes::title(cause), causes::cure(cause, owner))
        }
        [cause] => {
            let open = if cause.strength == Strength::Strong { String::new() } else { still_open() };
            format!("{} {}. {}{open}", certainty(cause.strength), causes::named(cause), causes::cure(cause, owner))
        }
        [_, _, ..] => {
            let all: Vec<String> = found_causes.iter().map(causes::named).collect();
            let mut text = format!("There is evidence for {} causes: {}.", found_causes.len(), all.join("; "));
            // More cures at once help nobody; the diagnosis has them all.
            for cause in found_causes.iter().take(2) {
                let _ = write!(text, " If it is {}: {}", causes::named(cause), causes::lower_first(&causes::cure(cause, owner)));
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
        "No class is named: {}{} {}",
        words::sentence(&patterns::statement(pattern)).trim_end_matches('.'),
        if possible.is_empty() { ".".to_owned() } else { words::may_be(&possible) },
        patterns::ask_next(pattern)
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
        let proof = checked.evidence.first().map_or_else(String::new, |proof| format!(": {}", words::sentence(&sentences::proof(proof))));
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
            words::sentence(&sentences::reason(reason))
        ),
        Some(reason) => format!(
            "{}. No cause was found for it: run `statusgap reproduce`, which asks what separates the causes.",
            words::sentence(&sentences::reason(reason))
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
    let steps = reasons.filter_map(|reason| Some((reason.urgency(), sentences::remedy(reason, journal)?)));
    let advice = steps.min_by_key(|(urgency, _)| *urgency).map(|(_, advice)| advice);
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
