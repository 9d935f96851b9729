//! All four answers in one line, for places that show no more: an annotation, a page's title, a message.

use crate::analysis::denied::DeniedJobs;
use crate::analysis::diagnosis::Cause;
use crate::report::sentences::causes;
use crate::report::view::answers::{Findings, broken};
use crate::report::view::headline;
use crate::report::words;
use crate::verdict::Verdict;

/// The most characters of the line.
const MOST: usize = 200;

/// The line: at most [`MOST`] characters.
pub(super) fn line(findings: Findings<'_>, denied: &DeniedJobs, request: &str, cause: Option<&Cause>) -> String {
    let judgement = findings.judgement;
    let reads = headline::read_your_writes(findings.analysis);
    let counts = reads.filter(|reads| reads.broken > 0 && judgement.verdict != Verdict::Inconclusive).map(|reads| {
        let until = denied.ages.map_or_else(String::new, |(_, to)| format!(" until {}", words::age(to.as_ms())));
        format!(
            "{} {} {} of {}{until}",
            request.trim_matches('`'),
            broken::answer(&denied.answers),
            words::count(reads.broken),
            findings.counted(reads.checked)
        )
    });
    let first = counts.unwrap_or_else(|| match judgement.verdict {
        Verdict::Inconclusive => words::sentence_case(&broken::first_reason(findings)),
        _ => broken::short(findings),
    });
    let mut parts = vec![first];
    if judgement.verdict == Verdict::Fail {
        match denied.never_shown {
            _ if denied.jobs == 0 => {}
            0 => parts.push("none lost".to_owned()),
            never => parts.push(format!("{} never shown", words::count(never))),
        }
        parts.push(cause.map_or_else(|| "cause unknown".to_owned(), causes::named));
    }
    // What is said first matters most: the line is cut at its end.
    cut(&parts.join("; "))
}

fn cut(text: &str) -> String {
    if text.chars().count() <= MOST { text.to_owned() } else { words::clean(text, MOST - 1) }
}
