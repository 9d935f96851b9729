//! What the target says of itself, in words.

// Writing to a String cannot fail.
use std::fmt::Write as _;

use crate::model::fault::FaultClass;
use crate::model::span::{SpanIntake, SpanKind};
use crate::model::time::Nanos;
use crate::report::sentences::time;
use crate::report::view::SpanLabel;
use crate::report::words::{count, counted};
use crate::traces::{Edge, Explanation, Findings, InsideFact, Outcome, SpanName, Stance, Statement, Unexplained};

/// What makes scans visible, as far as it can be told; `label` names a span.
pub fn outcome(outcome: &Outcome, scans: u64, label: impl Fn(&SpanName) -> SpanLabel) -> String {
    match outcome {
        Outcome::NothingToExplain => "no scan was denied at first and visible later, so that there is nothing to explain".to_owned(),
        Outcome::Named(named) => explained(named, label),
        Outcome::AllHadEnded { scans, of, last, before_ns } => format!(
            "in {} of {} all that the target did for the POST had ended before the scan was visible: the last span, {}, {} earlier. What makes scans \
             visible is not in their traces: a copy that lags (replica, index), a cache, another process's memory, or work that carries no trace \
             context",
            count(*scans),
            counted(*of, "scan"),
            label(last).quoted(),
            time(*before_ns)
        ),
        // Two possibilities are more than none.
        Outcome::CannotTell(why @ Unexplained::ReadElsewhere { .. }) => unexplained(why, scans, label),
        Outcome::CannotTell(why) => format!("which span makes scans visible is not known: {}", unexplained(why, scans, label)),
    }
}

fn explained(named: &Explanation, label: impl Fn(&SpanName) -> SpanLabel) -> String {
    let (link, edge) = match named.edge {
        Edge::Start => ("when", "had begun"),
        Edge::During => ("while", "was under way"),
        Edge::End => ("when", "had ended"),
    };
    let others: Vec<String> = named.as_well.iter().map(|other| label(other).quoted()).collect();
    let or = if others.is_empty() { String::new() } else { format!(" (or {}: the polls do not tell them apart)", others.join(", or ")) };
    let within = if named.after_ns <= named.until_ns {
        let widest = Nanos(named.after_ns.0.abs().max(named.until_ns.0.abs()));
        format!(", within {}", time(widest))
    } else {
        String::new()
    };
    let begins = if named.begins_ns.0 >= 0 {
        format!("it begins {} after the answer with the id had arrived", time(named.begins_ns))
    } else {
        format!("it begins {} before the answer with the id has arrived", time(Nanos(-named.begins_ns.0)))
    };
    format!(
        "visible {link} {} {edge}{or}: {} of {}{within}; {begins}",
        label(&named.span).quoted(),
        count(named.explained),
        counted(named.of, "scan")
    )
}

fn unexplained(why: &Unexplained, scans: u64, label: impl Fn(&SpanName) -> SpanLabel) -> String {
    match why {
        Unexplained::NoSpans { others: 0 } => format!(
            "no span came. Does the service export its traces here (OTEL_EXPORTER_OTLP_ENDPOINT, http/protobuf), within the time that is waited for \
             them (--span-wait), and does it sample the requests that began the {}?",
            counted(scans, "scan")
        ),
        Unexplained::NoSpans { others } => format!(
            "{} came, and none of a request of this run. Does the service continue the `traceparent` of requests, and does whatever stands in front of \
             it let that header through?",
            counted(*others, "span")
        ),
        Unexplained::OtherClock { scans, of, of_them } => format!(
            "the process of {} has another clock than the one that answers requests, and nothing says by how much they differ ({} of {} have such spans). \
             Are the clocks of both machines set by NTP?",
            label(of_them).quoted(),
            count(*scans),
            counted(*of, "scan")
        ),
        Unexplained::FewWithSpans { with_spans, of } => {
            format!("of {} with a window only {} have spans: are all of them sampled, and is every worker instrumented?", counted(*of, "scan"), count(*with_spans))
        }
        Unexplained::ClocksUnknown { contradict: true } => {
            "the target's clock was set while the run went on, or is another one from request to request, so that spans cannot be laid beside polls".to_owned()
        }
        Unexplained::ClocksUnknown { contradict: false } => {
            "no span says when a request was answered, so that the target's clock and the run's cannot be compared: is the web framework instrumented?".to_owned()
        }
        Unexplained::FewScans { scans, needed } => {
            format!("{} with a window, and {needed} are needed", counted(*scans, "scan"))
        }
        Unexplained::NoneFits { explained: 0, .. } => {
            "no span begins or ends when scans become visible. What makes them visible may not be instrumented".to_owned()
        }
        // Where it is there it fits: what is missing is spans, not instruments.
        Unexplained::NoneFits { explained, of, have, best } if have < of && explained * 10 >= have * 9 => format!(
            "{} fits {} of the {} that have it, and {} of {} have none. Do all spans arrive in time (--span-wait), and is every worker instrumented?",
            label(best).quoted(),
            count(*explained),
            counted(*have, "scan"),
            count(of - have),
            count(*of)
        ),
        Unexplained::NoneFits { explained, of, best, .. } => format!(
            "no span begins or ends when scans become visible; {} fits best, in {} of {}. What makes them visible may not be instrumented",
            label(best).quoted(),
            count(*explained),
            counted(*of, "scan")
        ),
        Unexplained::ReadElsewhere { elsewhere, denied, span, explained, of } => format!(
            "{} fits {} of {}, but {} of {} read from another database address than was written to: what copies from one to the other, or \
             the span if both are one (a pool, a proxy)",
            label(span).quoted(),
            count(*explained),
            counted(*of, "scan"),
            count(*elsewhere),
            counted(*denied, "denial")
        ),
        Unexplained::Chance { explained, of, p, width_ns } => format!(
            "a span fits {} of {}, and by chance one does in {:.0} % of cases: polls leave open {} of each scan. Poll more densely (`[polls] follow`), or \
             more scans",
            count(*explained),
            counted(*of, "scan"),
            p * 100.0,
            time(*width_ns)
        ),
    }
}

/// What the statement rests on.
pub fn basis(found: &Findings) -> Option<String> {
    let mut text = match (found.clock, found.clock_by_scan_ns) {
        (Some(clock), _) => format!(
            "The target's clock and the run's are laid beside each other to within {}, by {}",
            time(clock.width()),
            counted(clock.spans, "server span")
        ),
        (None, Some(width)) => format!(
            "The target's clock was set or drifts while the run went on, so that each scan is laid beside its own requests alone: to within {}",
            time(width)
        ),
        (None, None) => return None,
    };
    let named = match &found.outcome {
        Outcome::Named(named) => Some(named),
        _ => None,
    };
    if let Some(named) = named {
        let chance =
            if named.p < 0.001 + f64::EPSILON { "0.1 % of cases at most".to_owned() } else { format!("{:.1} % of cases", named.p * 100.0) };
        let _ = write!(text, "; by chance some span fits as many scans in {chance}");
        if named.clock_is_assumed {
            text.push_str("; nothing says that the span's process has the same clock, which is taken for granted");
        }
    }
    Some(text)
}

/// One thing that the inside says of a cause.
pub fn fact(fact: &InsideFact) -> String {
    let text = match &fact.statement {
        Statement::WrittenAfterAnswer { scans, of, begins_ns } => format!(
            "what makes scans visible begins {} after the answer with the id had arrived ({} of {})",
            time(*begins_ns),
            count(*scans),
            counted(*of, "scan")
        ),
        Statement::AnsweredByOthers { denied_elsewhere, denied, visible_at_writer, visible } => format!(
            "{} of {} came from another process than the one that accepted the scan, {} of {} from that one",
            count(*denied_elsewhere),
            counted(*denied, "denial"),
            count(*visible_at_writer),
            counted(*visible, "visible answer")
        ),
        Statement::DeniedByWriter { denied_at_writer, denied } => {
            format!("{} of {} came from the very process that had accepted the scan", count(*denied_at_writer), counted(*denied, "denial"))
        }
        Statement::ReadElsewhere { elsewhere, denied } => {
            format!("{} of {} read from another database address than was written to", count(*elsewhere), counted(*denied, "denial"))
        }
        Statement::NotAnsweredByTarget { without_span, denied, others_with_span, others } => format!(
            "{} of {} after a first one have no span of the service, and {} of {} have one: something in front of it answered",
            count(*without_span),
            counted(*denied, "denial"),
            count(*others_with_span),
            counted(*others, "other answer")
        ),
        Statement::CacheHit { hits, denied } => {
            format!("{} of {} after a first one say that a cache was hit", count(*hits), counted(*denied, "denial"))
        }
        Statement::MessageWaited { scans, of, waited_ns, window_ns } => format!(
            "the message waited for {} of a window of {} until it was worked on ({} of {})",
            time(*waited_ns),
            time(*window_ns),
            count(*scans),
            counted(*of, "scan")
        ),
    };
    let for_or_against = match fact.stance {
        Stance::For => "speaks for",
        Stance::Against => "speaks against",
    };
    format!("{text}: {for_or_against} {}", fact.class.named())
}

/// That inside and outside disagree; nothing is decided by it.
pub fn contradiction(fact: &InsideFact, outside: &[FaultClass]) -> Option<String> {
    (fact.agrees == Some(false)).then(|| {
        format!(
            "what was measured outside names {}, and the spans do not fit that: {}. The diagnosis rests on what was measured; if the two stay apart, the \
             spans may be of another deployment, or lack a part",
            either(outside),
            self::fact(fact)
        )
    })
}

/// All of it in the room of a first screen: the span, or else what speaks for a cause; and what does not fit the measurement.
pub fn in_short(found: &Findings, outside: &[FaultClass], label: impl Fn(&SpanName) -> SpanLabel) -> String {
    let against = found.facts.iter().find(|one| one.agrees == Some(false));
    let fitting = found.facts.iter().find(|one| one.agrees != Some(false));
    match (&found.outcome, fitting, against) {
        (Outcome::Named(_), _, Some(against)) => {
            let towards = match against.stance {
                Stance::For => "for",
                Stance::Against => "against",
            };
            format!(
                "{}. But spans speak {towards} {}, against what was measured",
                outcome(&found.outcome, found.scans, label),
                against.class.named()
            )
        }
        (Outcome::AllHadEnded { .. } | Outcome::CannotTell(_), None, Some(against)) => {
            format!("{}; what was measured outside names {}", fact(against), either(outside))
        }
        (Outcome::CannotTell(Unexplained::ReadElsewhere { .. }), ..) => outcome(&found.outcome, found.scans, label),
        (Outcome::AllHadEnded { .. } | Outcome::CannotTell(_), Some(fitting), _) => fact(fitting),
        _ => outcome(&found.outcome, found.scans, label),
    }
}

fn either(classes: &[FaultClass]) -> String {
    classes.iter().map(|class| class.named()).collect::<Vec<_>>().join(" or ")
}

/// Which of several causes that polls do not tell apart the spans speak for.
pub fn speaks_for(class: FaultClass) -> String {
    format!("The service's own spans speak for {}", class.named())
}

/// What became of the spans, where some were lost.
pub fn intake(intake: SpanIntake) -> Option<String> {
    let mut lost = Vec::new();
    if intake.dropped > 0 {
        lost.push(format!("{} of this run were dropped, because there were too many of them", counted(intake.dropped, "span")));
    }
    if intake.unreadable > 0 {
        lost.push(format!("{} could not be read", counted(intake.unreadable, "request, line or span")));
    }
    (!lost.is_empty()).then(|| lost.join("; "))
}

/// What a span stands for, where its name alone does not say it.
pub fn kind(kind: SpanKind) -> Option<&'static str> {
    match kind {
        SpanKind::Internal | SpanKind::Client => None,
        SpanKind::Server | SpanKind::Producer | SpanKind::Consumer => Some(kind.word()),
    }
}
