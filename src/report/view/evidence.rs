//! What was seen, told in the order of time: the clearest scan's timeline, and the table of checks.

// Writing to a String cannot fail.
use std::fmt::Write as _;

use std::collections::BTreeMap;

use crate::analysis::Analysis;
use crate::analysis::gate::OffsetRate;
use crate::analysis::scan::ScanHistory;
use crate::model::answer::Answer;
use crate::model::exchange::{Connection, Exchange, Kind};
use crate::model::run::Journal;
use crate::model::time::{Nanos, Span};
use crate::model::trace::{SpanId, TraceId};
use crate::report::view::{EvidenceRow, Mark, Timeline, TimelineStep, is_visible};
use crate::report::words;

/// The clearest scan, with the handing out of its id in front.
pub(super) fn timeline(journal: &Journal, analysis: &Analysis) -> Option<Timeline> {
    let told = analysis.timeline.as_ref()?;
    let whole = |own: Option<SpanId>| Some(TraceId::joined(journal.run.trace_prefix?, own?).to_string());
    let mut steps = vec![TimelineStep {
        at_ms: 0.0,
        until_ms: 0.0,
        times: 1,
        asked: "id handed out".to_owned(),
        connection: None,
        told: told.id.as_deref().map_or_else(|| "accepted".to_owned(), words::name),
        denied: false,
        worker: None,
        trace: whole(told.trace),
        mark: Mark::Works,
    }];
    steps.extend(told.steps.iter().map(|step| {
        let mark = mark(step.kind, step.answer, step.denied);
        TimelineStep {
            at_ms: step.at.as_ms(),
            until_ms: step.until.as_ms(),
            times: step.times,
            asked: asked(step.kind),
            connection: Some(step.connection),
            told: words::name(&step.told),
            denied: step.kind == Kind::Poll && mark == Mark::Fails,
            worker: step.worker.as_deref().map(words::name),
            trace: whole(step.trace),
            mark,
        }
    }));
    let scenario = journal.scenarios.get(told.scenario as usize).map_or_else(String::new, |scenario| words::name(&scenario.name));
    Some(Timeline { scan: told.scan, scenario, id: told.id.as_deref().map(words::name), steps })
}

pub(super) fn asked(kind: Kind) -> String {
    match kind {
        Kind::Poll => "status poll".to_owned(),
        Kind::ForeignPoll => "status poll by a foreign user".to_owned(),
        Kind::Witness => "witness read".to_owned(),
        Kind::Results => "results read".to_owned(),
        other => other.word().to_owned(),
    }
}

/// How an answer is to be taken. It is told by what the answer means: a target may call a state `refused` or `throttled`.
fn mark(kind: Kind, answer: Answer, denied: bool) -> Mark {
    match (kind, answer) {
        (Kind::Poll, _) if denied => Mark::Fails,
        (Kind::Poll | Kind::Witness, Answer::Visible) | (Kind::ForeignPoll, Answer::NotFound | Answer::Refused) => Mark::Works,
        (Kind::ForeignPoll, Answer::Visible) => Mark::Fails,
        _ => Mark::Neutral,
    }
}

/// At most so many offsets have a row of their own; the table by age has them all.
const OFFSETS: usize = 12;

/// The table of checks, by age.
pub(super) fn rows(journal: &Journal, analysis: &Analysis, histories: &[ScanHistory<'_>]) -> Vec<EvidenceRow> {
    let mut rows: Vec<EvidenceRow> = controls(journal).into_iter().chain(handed_out(analysis)).collect();
    let mut timed: Vec<(f64, u8, EvidenceRow)> = offset_rows(analysis);
    timed.extend(reading_rows(journal, analysis, histories));
    timed.extend(appearance(analysis));
    timed.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    rows.extend(timed.into_iter().map(|(_, _, row)| row));
    rows
}

fn handed_out(analysis: &Analysis) -> Option<EvidenceRow> {
    let initiates: u64 = analysis.scenarios.iter().map(|scenario| scenario.counts.initiates).sum();
    let accepted: u64 = analysis.scenarios.iter().map(|scenario| scenario.counts.accepted).sum();
    let trip = analysis.round_trips.iter().find(|trips| trips.kind == Kind::Initiate);
    (initiates > 0).then(|| EvidenceRow {
        check: "id handed out".to_owned(),
        timing: "0s".to_owned(),
        mark: if accepted > 0 { Mark::Works } else { Mark::Fails },
        result: format!("accepted {} of {}", words::count(accepted), words::counted(initiates, "initiate")),
        evidence: trip.map_or_else(
            || "no initiate was answered".to_owned(),
            |trip| match trip.from_sent.quantile_ms(0.5) {
                Some(p50) => format!("answered within {} (p50)", words::age(p50)),
                None => format!("answered within {}", words::age(trip.from_sent.max_ms)),
            },
        ),
    })
}

fn controls(journal: &Journal) -> Option<EvidenceRow> {
    let polls = || journal.exchanges.iter().filter(|exchange| exchange.kind == Kind::UnknownPoll);
    let all = polls().count() as u64;
    let visible = polls().any(|poll| is_visible(poll.answer));
    let denied = polls().any(|poll| poll.answer == Answer::NotFound);
    let (mark, evidence) = match (visible, denied) {
        (true, _) => (Mark::Fails, "a visible answer proves nothing here"),
        (false, true) => (Mark::Works, "a visible answer means that the scan exists"),
        (false, false) => (Mark::Neutral, "not one was denied: what visible means is open"),
    };
    (all > 0).then(|| EvidenceRow {
        check: "never-issued id".to_owned(),
        timing: "control".to_owned(),
        mark,
        result: tally(polls().map(Exchange::told)),
        evidence: evidence.to_owned(),
    })
}

/// Offsets of all scenarios, added up by age and connection.
fn offset_rows(analysis: &Analysis) -> Vec<(f64, u8, EvidenceRow)> {
    struct Sum<'a> {
        polls: u64,
        not_found: u64,
        other: u64,
        only: Option<&'a OffsetRate>,
    }
    let mut sums: BTreeMap<(Nanos, Connection), Sum<'_>> = BTreeMap::new();
    for rate in analysis.scenarios.iter().flat_map(|scenario| &scenario.offsets).filter(|rate| rate.in_time() > 0) {
        let sum = sums.entry((rate.at, rate.connection)).or_insert(Sum { polls: 0, not_found: 0, other: 0, only: Some(rate) });
        if sum.polls + sum.other > 0 {
            sum.only = None;
        }
        sum.polls += rate.polls;
        sum.not_found += rate.not_found;
        sum.other += rate.other;
    }
    let left_out = sums.len().saturating_sub(OFFSETS);
    let mut rows: Vec<(f64, u8, EvidenceRow)> = sums
        .into_iter()
        .take(OFFSETS)
        .map(|((at, connection), sum)| {
            let all = sum.polls + sum.other;
            let mark = match (sum.not_found, sum.polls) {
                (1.., _) => Mark::Fails,
                // Where a tenth and more told nothing, what the others told is not the whole of it.
                (0, polls) if polls * 10 > all * 9 => Mark::Works,
                _ => Mark::Neutral,
            };
            let (word, n) = if sum.not_found > 0 { ("not_found", sum.not_found) } else { ("visible", sum.polls) };
            let lost = if sum.other > 0 { format!(", {} without an answer that counts", words::count(sum.other)) } else { String::new() };
            let result = format!("{word} {} of {}{lost}", words::count(n), words::count(all));
            let evidence = sum.only.map_or_else(
                || "several scenarios, see below".to_owned(),
                |rate| format!("{} connections; scans denied: {} (95 %)", connection.word(), words::share_between(rate.lower, rate.upper)),
            );
            (at.as_ms(), 1, EvidenceRow { check: "status poll".to_owned(), timing: words::planned(at), mark, result, evidence })
        })
        .collect();
    if let (Some((last, ..)), true) = (rows.last(), left_out > 0) {
        let row = EvidenceRow {
            check: "status poll".to_owned(),
            timing: "later".to_owned(),
            mark: Mark::Neutral,
            result: words::counted(left_out as u64, "more offset"),
            evidence: "see the table by age".to_owned(),
        };
        rows.push((*last, 9, row));
    }
    rows
}

/// Witness, results and foreign polls, by planned age.
fn reading_rows(journal: &Journal, analysis: &Analysis, histories: &[ScanHistory<'_>]) -> Vec<(f64, u8, EvidenceRow)> {
    let mut groups: BTreeMap<(Kind, Option<Span>), Vec<&Exchange>> = BTreeMap::new();
    for scan in histories {
        let Some(scenario) = journal.scenarios.get(scan.scenario() as usize) else { continue };
        let plans = [
            (scan.witness(), scenario.readings.witness.as_slice()),
            (scan.results(), scenario.readings.results.as_slice()),
            (scan.foreign(), scenario.controls.foreign_user.as_slice()),
        ];
        for (readings, planned) in plans {
            for reading in readings {
                groups.entry((reading.kind, nearest(planned, scan.age(reading)))).or_default().push(reading);
            }
        }
    }
    let denied_at = |at: Span| {
        analysis.scenarios.iter().flat_map(|scenario| &scenario.offsets).any(|rate| rate.at == at.as_nanos() && rate.not_found > 0)
    };
    groups
        .into_iter()
        .map(|((kind, at), readings)| {
            let visible = readings.iter().filter(|reading| is_visible(reading.answer)).count();
            let (mark, evidence) = match kind {
                Kind::ForeignPoll if visible > 0 => (Mark::Fails, "another user's scan is shown".to_owned()),
                Kind::ForeignPoll => (Mark::Works, "another user's scan is not shown".to_owned()),
                Kind::Witness if visible == readings.len() && at.is_some_and(denied_at) => {
                    (Mark::Works, "the witness knows the scan while status says not_found".to_owned())
                }
                Kind::Witness if visible == readings.len() => (Mark::Works, "the witness knows the scan".to_owned()),
                Kind::Witness => (Mark::Neutral, format!("the witness knows {visible} of {}", readings.len())),
                _ => (Mark::Neutral, format!("there for {visible} of {}", readings.len())),
            };
            let row = EvidenceRow {
                check: asked(kind),
                timing: at.map_or_else(|| "at the end".to_owned(), |at| words::planned(at.as_nanos())),
                mark,
                result: tally(readings.iter().map(|reading| reading.told())),
                evidence,
            };
            (at.map_or(f64::MAX, Span::as_ms), 2, row)
        })
        .collect()
}

/// The planned age that a reading belongs to; none if it was read at the end.
fn nearest(planned: &[Span], age: Nanos) -> Option<Span> {
    let distance = |span: &Span| (span.as_nanos().0 - age.0).abs();
    // Readings are not gated: what left within a tenth of its age, or 50 ms, was meant for it.
    planned.iter().copied().min_by_key(distance).filter(|span| distance(span) <= (span.as_nanos().0 / 10).max(50_000_000))
}

/// Where the median scan appears, if any was denied before.
fn appearance(analysis: &Analysis) -> Option<(f64, u8, EvidenceRow)> {
    let window = &analysis.window;
    if window.denied == 0 || window.flapping > 0 {
        return None;
    }
    let median = window.quantiles.iter().find(|quantile| (quantile.p - 0.5).abs() < 1e-9 && quantile.caveat.is_none())?;
    let until = median.to_ms?;
    let row = EvidenceRow {
        check: "status becomes visible".to_owned(),
        timing: words::between(median.from_ms, median.to_ms),
        mark: Mark::Neutral,
        result: "half of the scans by then".to_owned(),
        evidence: format!("{} followed to their first visible answer", words::counted(window.scans, "scan")),
    };
    Some((until, 0, row))
}

/// What was answered how often: `in_progress 18, scanning 2 of 20`.
fn tally(told: impl Iterator<Item = String>) -> String {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for answer in told {
        *counts.entry(words::name(&answer)).or_default() += 1;
    }
    let all: u64 = counts.values().sum();
    let mut counts: Vec<(String, u64)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    let more = counts.len().saturating_sub(4);
    let mut text = counts.iter().take(4).map(|(answer, n)| format!("{answer} {}", words::count(*n))).collect::<Vec<_>>().join(", ");
    if more > 0 {
        let _ = write!(text, ", {}", words::counted(more as u64, "other answer"));
    }
    format!("{text} of {}", words::count(all))
}

#[cfg(test)]
mod tests {
    use crate::model::answer::Answer;
    use crate::model::exchange::Kind;
    use crate::report::samples;
    use crate::report::view::{Mark, View};

    #[test]
    fn a_state_that_is_called_like_an_answer_of_ours_is_still_a_state() {
        for word in ["refused", "throttled", "server error", "malformed", "no reply", "timed out", "not_found"] {
            let (journal, mut analysis, judgement) = samples::seed_bug();
            let steps = analysis.timeline.as_mut().map(|timeline| &mut timeline.steps).expect("a scan");
            let last = steps.last_mut().expect("a step");
            last.told = word.to_owned();
            let mut foreign = last.clone();
            foreign.kind = Kind::ForeignPoll;
            steps.push(foreign);
            let refused = analysis.timeline.as_ref().and_then(|timeline| timeline.steps.last()).cloned().map(|mut step| {
                step.answer = Answer::Refused;
                step
            });
            analysis.timeline.as_mut().expect("a scan").steps.extend(refused);
            let timeline = View::of(&journal, &analysis, &judgement).timeline.expect("a scan");
            let marks: Vec<Mark> = timeline.steps.iter().rev().take(3).map(|step| step.mark).collect();
            assert_eq!(
                marks,
                [Mark::Works, Mark::Fails, Mark::Works],
                "{word}: withheld from a stranger, shown to one, shown to its owner"
            );
        }
    }
}
