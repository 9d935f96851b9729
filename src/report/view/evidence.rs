//! What was seen, told in the order of time: the clearest scan's timeline, and the table of checks.

// Writing to a String cannot fail.
use std::fmt::Write as _;

use std::collections::BTreeMap;

use crate::analysis::Analysis;
use crate::analysis::gate::OffsetRate;
use crate::analysis::scan::ScanHistory;
use crate::model::answer::{Answer, TransportFault};
use crate::model::exchange::{Connection, Exchange, Kind};
use crate::model::run::Journal;
use crate::model::time::{Nanos, Span};
use crate::report::view::{EvidenceRow, Mark, Timeline, TimelineStep, is_visible};
use crate::report::words;

/// The clearest scan, with the handing out of its id in front.
pub(super) fn timeline(journal: &Journal, analysis: &Analysis) -> Option<Timeline> {
    let told = analysis.timeline.as_ref()?;
    let mut steps = vec![TimelineStep {
        at_ms: 0.0,
        until_ms: 0.0,
        times: 1,
        kind: None,
        connection: Connection::Fresh,
        asked: "id handed out".to_owned(),
        told: told.id.as_deref().map_or_else(|| "accepted".to_owned(), words::name),
        mark: Mark::Works,
        worker: None,
    }];
    steps.extend(told.steps.iter().map(|step| TimelineStep {
        at_ms: step.at.as_ms(),
        until_ms: step.until.as_ms(),
        times: step.times,
        kind: Some(step.kind),
        connection: step.connection,
        asked: asked(step.kind),
        told: words::name(&step.told),
        mark: mark(step.kind, &step.told, step.denied),
        worker: step.worker.as_deref().map(words::name),
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

fn mark(kind: Kind, told: &str, denied: bool) -> Mark {
    let not_found = told == Answer::NotFound.word();
    match kind {
        Kind::Poll if denied => Mark::Fails,
        Kind::Poll | Kind::Witness if !not_found && !is_trouble(told) => Mark::Works,
        Kind::ForeignPoll if not_found => Mark::Works,
        Kind::ForeignPoll if !is_trouble(told) => Mark::Fails,
        _ => Mark::Neutral,
    }
}

/// Whether an answer, in words, says nothing about the scan.
fn is_trouble(told: &str) -> bool {
    let answers = [Answer::Throttled, Answer::ServerError, Answer::Malformed, Answer::Refused, Answer::Transport];
    answers.iter().any(|answer| answer.word() == told) || TransportFault::ALL.iter().any(|fault| fault.word() == told)
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
            |trip| format!("answered within {} (p50)", words::age(trip.from_sent.p50_ms)),
        ),
    })
}

fn controls(journal: &Journal) -> Option<EvidenceRow> {
    let polls = || journal.exchanges.iter().filter(|exchange| exchange.kind == Kind::UnknownPoll);
    let all = polls().count() as u64;
    let visible = polls().filter(|poll| is_visible(poll.answer)).count() as u64;
    (all > 0).then(|| EvidenceRow {
        check: "never-issued id".to_owned(),
        timing: "control".to_owned(),
        mark: if visible > 0 { Mark::Fails } else { Mark::Works },
        result: tally(polls().map(Exchange::told)),
        evidence: if visible > 0 {
            "a visible answer proves nothing here".to_owned()
        } else {
            "a visible answer means that the scan exists".to_owned()
        },
    })
}

/// Offsets of all scenarios, added up by age and connection.
fn offset_rows(analysis: &Analysis) -> Vec<(f64, u8, EvidenceRow)> {
    struct Sum<'a> {
        polls: u64,
        not_found: u64,
        only: Option<&'a OffsetRate>,
    }
    let mut sums: BTreeMap<(Nanos, Connection), Sum<'_>> = BTreeMap::new();
    for rate in analysis.scenarios.iter().flat_map(|scenario| &scenario.offsets).filter(|rate| rate.polls > 0) {
        let sum = sums.entry((rate.at, rate.connection)).or_insert(Sum { polls: 0, not_found: 0, only: Some(rate) });
        if sum.polls > 0 {
            sum.only = None;
        }
        sum.polls += rate.polls;
        sum.not_found += rate.not_found;
    }
    let left_out = sums.len().saturating_sub(OFFSETS);
    let mut rows: Vec<(f64, u8, EvidenceRow)> = sums
        .into_iter()
        .take(OFFSETS)
        .map(|((at, connection), sum)| {
            let mark = if sum.not_found > 0 { Mark::Fails } else { Mark::Works };
            let result = if sum.not_found > 0 {
                format!("not_found {} of {}", words::count(sum.not_found), words::count(sum.polls))
            } else {
                format!("visible {} of {}", words::count(sum.polls), words::count(sum.polls))
            };
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
            result: format!("{left_out} more offsets"),
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
        let _ = write!(text, ", {more} other answers");
    }
    format!("{text} of {}", words::count(all))
}
