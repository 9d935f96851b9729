//! Why: the cause by its name; of a pass, how sure it is; of an inconclusive run, what keeps it from a verdict.

// Writing to a String cannot fail.
use std::fmt::Write as _;

use crate::analysis::diagnosis::{Cause, Strength};
use crate::report::sentences::open::open_question;
use crate::report::sentences::{causes, patterns};
use crate::report::view::answers::{Findings, broken};
use crate::report::view::headline;
use crate::report::words;
use crate::verdict::Verdict;

/// The answer.
pub(super) fn why(findings: Findings<'_>) -> String {
    match findings.judgement.verdict {
        Verdict::Pass => how_sure(findings),
        Verdict::Fail => cause(findings),
        Verdict::Inconclusive => undecided(findings),
    }
}

/// The first cause and the names of the others, or what was found where no cause is named.
fn cause(findings: Findings<'_>) -> String {
    let diagnosis = &findings.analysis.diagnosis;
    let Some((first, others)) = diagnosis.causes.split_first() else {
        let found = diagnosis.patterns.first().map(|pattern| {
            let possible: Vec<String> = pattern.possible().iter().map(|class| class.named()).collect();
            let statement = words::sentence_case(&words::sentence(&patterns::statement(pattern)));
            format!("{}{}", statement.trim_end_matches('.'), if possible.is_empty() { ".".to_owned() } else { words::may_be(&possible) })
        });
        let open = || diagnosis.open.first().map_or_else(String::new, |open| format!(" It {}.", words::sentence(&open_question(open))));
        return found.unwrap_or_else(|| format!("Not known from this run: no cause was found that explains it.{}", open()));
    };
    let mut told = format!("{}. {}", named(first), causes::mechanism(first));
    if !others.is_empty() {
        let names: Vec<String> = others.iter().map(causes::named).collect();
        let _ = write!(told, " Besides: {}.", names.join("; "));
    }
    told
}

/// A cause with how sure it is.
pub(super) fn named(cause: &Cause) -> String {
    let name = causes::named(cause);
    match cause.strength {
        Strength::Strong => words::sentence_case(&name),
        Strength::Moderate => format!("Probably {name}"),
        Strength::Weak => format!("Possibly {name}"),
    }
}

/// What a run without a failure could have missed.
fn how_sure(findings: Findings<'_>) -> String {
    let (noun, many) = (findings.noun.one(), findings.noun.many());
    let Some(headline::Weakest { bound, .. }) = headline::weakest(findings.analysis, findings.judgement) else {
        return format!("The status of no {noun} was asked often enough to say.");
    };
    let at = bound.at.map_or_else(String::new, |at| format!(" {} after the id", words::planned(at)));
    let lost = if bound.lost > 0 { format!(", and {} without an answer that counts", words::count(bound.lost)) } else { String::new() };
    format!(
        "Least is known where 0 of {} {} denied{at}{lost}: there, at most {} of all {many} are denied (95 % confidence). Rarer denials could have been missed.",
        findings.counted(bound.scans),
        words::were(bound.scans),
        words::share_at_most(bound.below)
    )
}

/// What keeps the run from a verdict.
fn undecided(findings: Findings<'_>) -> String {
    // A reason may end with a question: is the target up?
    let end = |text: &str| if text.ends_with(['.', '?', '!']) { "" } else { "." };
    let sentence = |text: &str| format!("{}{}", words::sentence_case(text), end(text));
    let mut told = vec![sentence(&broken::first_reason(findings))];
    told.extend(headline::other_reasons(findings.judgement).iter().take(1).map(|reason| sentence(reason)));
    told.join(" ")
}
