//! Is the job lost: what became of the jobs that were denied, as far as anybody looked.

use crate::analysis::denied::DeniedJobs;
use crate::analysis::guarantees::{Ambiguity, Checked};
use crate::model::answer::Answer;
use crate::model::contact::ContactStep;
use crate::model::guarantee::Guarantee;
use crate::report::view::answers::Findings;
use crate::report::view::headline;
use crate::report::words;

/// The answer.
pub(super) fn lost(findings: Findings<'_>, denied: &DeniedJobs) -> String {
    let noun = findings.noun.one();
    let load = findings.analysis.load;
    if load.started == load.not_accepted {
        return at_contact(findings).unwrap_or_else(|| format!("No {noun} was accepted, so none can be lost."));
    }
    if !findings.judgement.assessable {
        return "Not known: a visible answer proves nothing here.".to_owned();
    }
    if denied.jobs == 0 || headline::read_your_writes(findings.analysis).is_none_or(|reads| reads.broken == 0) {
        return none_denied(findings);
    }
    if denied.never_shown == 0 {
        return format!("No. {}", shown(findings, denied));
    }
    let others = if denied.never_shown == denied.jobs { String::new() } else { format!(" {}", shown(findings, denied)) };
    let until = denied.denied_until.map_or_else(String::new, |age| format!(" {} after the id", words::age(age.as_ms())));
    let never = of_denied(findings, denied.never_shown, denied.jobs);
    let them = if denied.never_shown == 1 { "it" } else { "them" };
    if denied.denied_elsewhere > 0 {
        let elsewhere =
            if denied.denied_elsewhere == denied.never_shown { "and another endpoint does" } else { "and for some another endpoint does" };
        return format!("It seems so: status still denied {never} when last asked{until}, {elsewhere} not know {them} either.{others}");
    }
    format!("Perhaps: status still denied {never} when last asked{until}, and nothing else showed {them}.{others}")
}

/// What is known of the jobs that first contact started, if it started any and the run did not.
fn at_contact(findings: Findings<'_>) -> Option<String> {
    let contact = findings.journal.run.contact.as_ref()?;
    let (jobs, unread) = (contact.jobs(), contact.jobs_without_an_id());
    let polls: Vec<Answer> = contact.exchanges.iter().filter(|one| one.step == ContactStep::HandedOut).map(|one| one.answer).collect();
    let started = |jobs| {
        let it = if jobs == 1 { "it" } else { "them" };
        format!("first contact started {} and left {it}", findings.counted(jobs))
    };
    match (jobs, unread) {
        (0, 0) => None,
        (0, _) => Some(format!("Not known: {}: no id was read in the answer, so its status was not asked.", started(unread))),
        _ if polls.contains(&Answer::Visible) => {
            Some(format!("{}; status showed it, and whether it ended was not asked.", words::sentence_case(&started(jobs))))
        }
        _ if polls.is_empty() => Some(format!("Not known: {}; its status was not asked.", started(jobs))),
        _ => Some(format!("Not known: {}; status did not show it when asked, and nothing else was asked.", started(jobs))),
    }
}

/// `all of 12 denied jobs`, `3 of 12 denied jobs`, `the denied job`.
fn of_denied(findings: Findings<'_>, n: u64, all: u64) -> String {
    if all == 1 {
        return format!("the denied {}", findings.noun.one());
    }
    if n == all {
        return if all == 2 { format!("both {}", findings.noun_denied(all)) } else { format!("all of {}", findings.denied(all)) };
    }
    format!("{} of {}", words::count(n), findings.denied(all))
}

/// How denied jobs showed themselves.
fn shown(findings: Findings<'_>, denied: &DeniedJobs) -> String {
    let DeniedJobs { jobs, found_later, shown_otherwise, .. } = *denied;
    let mut told = Vec::new();
    if found_later > 0 {
        let who =
            if found_later == jobs { all(findings, jobs) } else { format!("{} of {}", words::count(found_later), findings.denied(jobs)) };
        // What was found last says nothing of how long it was denied: it may have been asked for long after.
        let median = findings.window.median().filter(|median| median.is_number() && denied.jobs * 2 > findings.window.scans);
        let by = median.map_or_else(String::new, |median| {
            format!("; half of those watched were visible by {}", words::between(median.from_ms, median.to_ms))
        });
        told.push(format!("{who} {} found later by the same request{by}", words::were(found_later)));
    }
    if shown_otherwise > 0 {
        let who = if found_later == 0 && shown_otherwise == jobs { all(findings, jobs) } else { words::count(shown_otherwise) };
        told.push(format!("{who} {} shown before or by another endpoint", words::were(shown_otherwise)));
    }
    if denied.at_work_meanwhile > 0 {
        told.push(format!(
            "{} {} seen at work by another endpoint while status denied",
            words::count(denied.at_work_meanwhile),
            words::were(denied.at_work_meanwhile)
        ));
    }
    if denied.succeeded > 0 {
        told.push(format!("{} {} seen to end well", words::count(denied.succeeded), words::were(denied.succeeded)));
    }
    format!("{}.", words::sentence_case(&told.join("; ")))
}

fn all(findings: Findings<'_>, jobs: u64) -> String {
    match jobs {
        1 => format!("the denied {}", findings.noun.one()),
        2 => format!("both {}", findings.noun_denied(jobs)),
        _ => format!("all {}", findings.denied(jobs)),
    }
}

fn none_denied(findings: Findings<'_>) -> String {
    let noun = findings.noun.one();
    let load = findings.analysis.load;
    let completion = findings.analysis.guarantees.iter().find(|checked| checked.guarantee == Guarantee::Completion);
    if let Some(never_ended) = completion.filter(|checked| checked.broken > 0) {
        let watched = findings.counted(never_ended.checked);
        return format!("Perhaps: {} of {watched} had not ended when watching them ended.", words::count(never_ended.broken));
    }
    let accepted = load.started - load.not_accepted;
    match load.ended {
        0 => format!("No {noun} was found missing. Whether they end was not seen."),
        ended if ended == accepted => format!("No. All of {} were seen to end.", findings.counted(accepted)),
        ended => {
            let at_work = completion.map_or(0, at_work_at_last);
            let at_work =
                if at_work > 0 { format!("{} had not ended when watching them ended; ", words::count(at_work)) } else { String::new() };
            format!(
                "No {noun} was found missing. {} of {} {} seen to end; {at_work}the others were not watched for that long.",
                words::count(ended),
                findings.counted(accepted),
                words::were(ended)
            )
        }
    }
}

/// Scans that were watched until the time for it was over, and still at work then.
fn at_work_at_last(completion: &Checked) -> u64 {
    let at_work = |why: &Ambiguity| matches!(why, Ambiguity::StillRunning | Ambiguity::ResultsWhileRunning | Ambiguity::EndedElsewhere(_));
    completion.unclear.iter().filter(|unclear| at_work(&unclear.why)).map(|unclear| unclear.scans).sum()
}
