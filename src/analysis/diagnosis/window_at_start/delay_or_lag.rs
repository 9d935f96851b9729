//! A or C: a record that is written late, or read from a copy that lags.

use crate::analysis::diagnosis::dataset::{Dataset, ScanRow, median, ns};
use crate::analysis::diagnosis::fact::{Exclusion, Fact};
use crate::analysis::diagnosis::flapping::{Flapping, Kind};
use crate::analysis::diagnosis::never_visible::Lost;
use crate::analysis::diagnosis::open::OpenQuestion;
use crate::analysis::diagnosis::thresholds::{COMMIT_MS, OFF_THE_CLOCK};
use crate::analysis::diagnosis::window_at_start::commit::agrees_with_itself;
use crate::analysis::diagnosis::window_at_start::refresh::{changes_between_refreshes, on_one_clock};
use crate::analysis::diagnosis::window_at_start::second_write::{Says, SecondWrites};
use crate::analysis::diagnosis::window_at_start::windows::Windows;
use crate::analysis::diagnosis::{Diagnosis, Strength};
use crate::model::answer::{Answer, State};
use crate::model::fault::FaultClass;

/// What was decided before A and C are told apart.
#[derive(Clone, Copy)]
pub(super) struct Before<'a> {
    pub(super) lost: &'a Lost,
    pub(super) flapping: &'a Flapping,
    pub(super) observer: bool,
}

/// A or C: a delay before the first sight. A second write tells them apart: a replica lags behind every write.
pub(super) fn registration_or_lag(
    diagnosis: &mut Diagnosis,
    data: &Dataset<'_>,
    rows: &[&ScanRow<'_>],
    windows: &Windows,
    before: Before<'_>,
) {
    let Before { lost, flapping, observer } = before;
    let mut facts = Vec::new();
    if windows.denied > 0 {
        facts.push(Fact::FirstPollsDenied {
            denied: windows.denied as u64,
            of: windows.singles as u64,
            latest_ns: ns(windows.latest_denied),
        });
    }
    if let Some((after, until)) = windows.median.filter(|_| !observer) {
        facts.push(Fact::HalfSeen { after_ns: ns(after), until_ns: ns(until) });
    }
    let witnessed =
        rows.iter()
            .filter(|row| {
                let seen = row.first_seen().unwrap_or(f64::INFINITY);
                row.scan.witness().iter().any(|reading| {
                    reading.answer == Answer::Visible && row.scan.t0().is_some_and(|t0| reading.done.since(t0).as_ms() < seen)
                })
            })
            .count();
    if witnessed > 0 {
        facts.push(Fact::WitnessAhead { scans: witnessed as u64 });
    }
    let own = windows
        .median
        .map_or(windows.latest_denied, |(after, until)| if observer { windows.latest_denied } else { f64::midpoint(after, until) });
    let at_least = windows.median.map_or(windows.latest_denied, |(after, _)| if observer { windows.latest_denied } else { after });
    for (class, question) in [(FaultClass::G, OpenQuestion::DelayOrRefresh), (FaultClass::E, OpenQuestion::GrowthNotAsked)] {
        if !diagnosis.names(class) && !diagnosis.excludes(class) {
            diagnosis.open.push(question);
        }
    }
    if observer {
        // Beneath a cache that keeps denials the window does not show what the store does; a second write, which is visible, does.
        if SecondWrites::of(data, lost).is_some_and(|writes| writes.say(own) == Says::Current) {
            diagnosis.found_among(FaultClass::A, vec![FaultClass::I], facts);
        } else {
            diagnosis.found_among(FaultClass::A, vec![FaultClass::C], facts);
        }
        return;
    }
    let Some(writes) = SecondWrites::of(data, lost) else {
        diagnosis.open.push(OpenQuestion::NoSecondWrite);
        match without_second_write(rows) {
            Some((class, fact)) => {
                facts.push(fact);
                diagnosis.found(class, Strength::Moderate, facts);
            }
            None => {
                let mut or = not_excluded(diagnosis, rows);
                if !denied_alone(data, rows, at_least) && !or.contains(&FaultClass::E) {
                    or.push(FaultClass::E);
                }
                diagnosis.found_among(FaultClass::A, or, facts);
            }
        }
        return;
    };
    let (n, (after, until)) = (writes.count(), writes.medians());
    match writes.say(own) {
        Says::Lag => {
            facts.push(Fact::SecondWriteLags { cancels: n, after_ns: ns(after), until_ns: ns(until) });
            // What is refreshed now and then shows a second write late as well, but each scan after another time, and at common instants.
            // A scan that was never denied counts: a lag that is always the same denies all that are younger.
            if flapping.kind == Some(Kind::AtRandom) || !agrees_with_itself(rows, windows.latest_denied) {
                diagnosis.found_among(FaultClass::C, vec![FaultClass::CPrime], facts);
            } else if one_age(rows.iter().copied()) || diagnosis.excludes(FaultClass::G) {
                diagnosis.found(FaultClass::C, Strength::Strong, facts);
            } else if let Some(apart) = changes_between_refreshes(&on_one_clock(data, rows.to_vec())) {
                diagnosis.excluded(FaultClass::G, apart);
                diagnosis.found(FaultClass::C, Strength::Strong, facts);
            } else {
                diagnosis.open.push(OpenQuestion::LagOrRefresh);
                diagnosis.found_among(FaultClass::C, vec![FaultClass::G], facts);
            }
            diagnosis.excluded(FaultClass::A, Exclusion::SecondWriteLags);
        }
        Says::Nothing => {
            // Followed too loosely: the second write may have lagged as the first did, or not at all.
            diagnosis.open.push(OpenQuestion::DelayOrLag { cancels: n, after_ns: ns(after), until_ns: ns(until) });
            let mut or = not_excluded(diagnosis, rows);
            if !denied_alone(data, rows, at_least) && !or.contains(&FaultClass::E) {
                or.push(FaultClass::E);
            }
            diagnosis.found_among(FaultClass::A, or, facts);
        }
        Says::Current => {
            diagnosis.excluded(FaultClass::C, Exclusion::SecondWriteCurrent { cancels: n, within_ns: ns(until) });
            if !denied_alone(data, rows, at_least) {
                diagnosis.open.push(OpenQuestion::DelayOrQueue);
                diagnosis.found_among(FaultClass::A, vec![FaultClass::E], facts);
                return;
            }
            // A second write that a primary shows at once proves nothing of reads that go to a copy now and then.
            if flapping.kind == Some(Kind::AtRandom) || !agrees_with_itself(rows, windows.latest_denied) {
                diagnosis.open.push(OpenQuestion::DelayOrMixedReads);
                diagnosis.found_among(FaultClass::A, vec![FaultClass::CPrime], facts);
            } else if rows.iter().flat_map(|row| row.denied_at_start()).all(|denied| denied.age() <= COMMIT_MS) {
                // All scans are late by as little as a commit takes.
                diagnosis.found_among(FaultClass::A, vec![FaultClass::I], facts);
            } else {
                diagnosis.found(FaultClass::A, Strength::Strong, facts);
            }
        }
    }
}

/// What may be instead of a late record where no second write tells: a copy that lags, and what no probe has excluded of an index and a queue.
fn not_excluded(diagnosis: &Diagnosis, rows: &[&ScanRow<'_>]) -> Vec<FaultClass> {
    let mut or = vec![FaultClass::C];
    if !one_age(denied_at_first(rows)) && !diagnosis.excludes(FaultClass::G) && !diagnosis.names(FaultClass::G) {
        or.push(FaultClass::G);
    }
    if diagnosis.open.contains(&OpenQuestion::QueueOrDelay) {
        or.push(FaultClass::E);
    }
    or
}

/// Whether one age lies in the bracket of nearly every scan of these: a lag that is always the same.
fn one_age<'r, 'a: 'r>(rows: impl Iterator<Item = &'r ScanRow<'a>>) -> bool {
    let brackets: Vec<(f64, f64)> = rows.filter_map(ScanRow::start).collect();
    let within = |age: f64| brackets.iter().filter(|(after, until)| *after <= age && age <= *until).count();
    let most = brackets.iter().map(|(_, until)| within(*until)).max().unwrap_or_default();
    most * 10 >= brackets.len() * 9
}

fn denied_at_first<'r, 'a: 'r>(rows: &'r [&'r ScanRow<'a>]) -> impl Iterator<Item = &'r ScanRow<'a>> {
    rows.iter().copied().filter(|row| row.denied_at_start().next().is_some())
}

/// Whether scans that were asked for alone were denied at the ages at which others were; true where none was asked so early.
fn denied_alone(data: &Dataset<'_>, rows: &[&ScanRow<'_>], at_least: f64) -> bool {
    let mut early = rows
        .iter()
        .filter(|row| data.was_idle(row))
        .filter_map(|row| row.observations.first())
        .filter(|observation| observation.age() < 0.5 * at_least)
        .peekable();
    early.peek().is_none() || early.any(|observation| !observation.seen())
}

/// What scans that were denied at first show of the copy that is read, where no second write was sent: a record that is written late
/// is up to date once it is there, a copy that lags shows every change late.
fn without_second_write(rows: &[&ScanRow<'_>]) -> Option<(FaultClass, Fact)> {
    let denied = || rows.iter().filter(|row| row.denied_at_start().next().is_some());
    let behind = denied().filter(|row| behind_the_witness(row).is_some()).count();
    if behind >= 2 {
        let lag = median(denied().filter_map(|row| behind_the_witness(row)).collect()).unwrap_or_default();
        return Some((FaultClass::C, Fact::EndLags { scans: behind as u64, lag_ns: ns(lag) }));
    }
    let began: Vec<(f64, f64)> = denied().filter_map(|row| Some((began(row)?, row.start()?.0))).collect();
    let current = began.iter().filter(|(began, denied)| *began < 0.5 * denied).count();
    (current >= 3 && current * 4 >= began.len() * 3)
        .then_some((FaultClass::A, Fact::ProgressIsCurrent { scans: current as u64, of: began.len() as u64 }))
}

/// How long after the witness had said that a scan was over status still said that it was running, in ms, if by half its window.
fn behind_the_witness(row: &ScanRow<'_>) -> Option<f64> {
    let over =
        row.scan.witness().iter().filter(|reading| reading.state.is_some_and(State::is_terminal)).map(|reading| reading.done).min()?;
    let running = row.scan.polls().iter().filter(|poll| poll.answer == Answer::Visible && poll.state == Some(State::Running));
    let last = running.map(|poll| poll.sent).max()?;
    let behind = last.since(over).as_ms();
    (behind > 0.5 * row.start()?.0).then_some(behind)
}

/// The age at which a scan's progress was zero, by its first and last visible answers that differ; none if it began unprogressed, or if its
/// progress may be counted when it is read: that is as far in a copy that has just got the record.
fn began(row: &ScanRow<'_>) -> Option<f64> {
    let points: Vec<(f64, f64)> = row
        .observations
        .iter()
        .filter(|observation| observation.seen() && observation.exchange.state.is_none_or(|state| !state.is_terminal()))
        .filter_map(|observation| Some((observation.age(), observation.exchange.progress.get()?)))
        .collect();
    let first = *points.first().filter(|(_, progress)| *progress > 0.0)?;
    // The last answer that shows more than the one before it: before the end progress may stand still.
    let last = points.windows(2).rfind(|pair| pair[1].1 > pair[0].1)?[1];
    if last.0 <= first.0 + 100.0 || last.1 <= first.1 {
        return None;
    }
    let slope = (last.1 - first.1) / (last.0 - first.0);
    let until_then = points.iter().filter(|(age, _)| *age < last.0);
    let farthest = until_then.map(|(age, progress)| (first.1 + slope * (age - first.0) - progress).abs()).fold(0.0, f64::max);
    // Per cent and shares are often cut to whole hundredths.
    let cut_to = if last.1 <= 1.0 { 0.01 } else { 1.0 };
    (farthest > (OFF_THE_CLOCK * (last.1 - first.1)).max(1.5 * cut_to)).then(|| first.0 - first.1 / slope)
}
