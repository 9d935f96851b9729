//! Which experiment shows the fault again: read off the analysis, with the ages at which it failed.

use crate::analysis::Analysis;
use crate::analysis::scan::{ScanHistory, Scans};
use crate::bundle::Unscriptable;
use crate::model::answer::Answer;
use crate::model::fault::FaultClass;
use crate::model::run::Journal;

/// One experiment. Times in milliseconds, as ages.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Experiment {
    /// So many scans at once, and one poll of the last one at an age at which it was denied.
    Window { at: f64, scans: u32, tries: u32 },
    /// One scan, polled on fresh connections until it is denied after it was seen, or until an age at which it would have been.
    Flap { until: f64, pause: f64, tries: u32 },
    /// Two scans that are both polled late; only the first was polled early as well.
    Observer { early: f64, late: f64, tries: u32 },
    /// Several scans, each polled once, long after all others were visible.
    Never { after: f64, scans: u32 },
    /// Two scans, and a poll that asks for the first.
    Echo,
    /// A scan, polled by a user who must not see it.
    Disclosure { at: f64 },
    /// An id that was never issued.
    Unknown,
    /// A scan, polled until it has ended and for as long afterwards as it took to go back.
    Regress { settle: f64, until: f64 },
}

/// From the initiate's reply to the poll's departure, a shell needs about so long; a window that is not much longer is not met.
const SHELL_MS: f64 = 40.0;

/// The first cause that has an experiment; without causes, what was denied.
pub fn choose(journal: &Journal, analysis: &Analysis) -> Result<Experiment, Unscriptable> {
    let scans = Scans::of(&journal.exchanges);
    let scans = scans.histories();
    if analysis.honest == Some(false) {
        return Ok(Experiment::Unknown);
    }
    if journal.unrouted().is_some() {
        return Err(Unscriptable::NothingFound);
    }
    let mut why = Unscriptable::NothingFound;
    for cause in &analysis.diagnosis.causes {
        match of_class(cause.class, &scans) {
            Ok(experiment) => return Ok(experiment),
            Err(reason) => why = reason,
        }
    }
    if why != Unscriptable::NothingFound {
        return Err(why);
    }
    // Without a cause, or where what shows one was not met: a denial is shown as it was seen.
    let at_start = window(&scans, 1);
    let first = if analysis.window.flapping > 0 || at_start.is_err() { flap(&scans) } else { None };
    first.map_or(at_start, Ok).map_err(|why| if why == Unscriptable::NothingFound { nothing(analysis) } else { why })
}

/// Why there is nothing that a script could show again.
fn nothing(analysis: &Analysis) -> Unscriptable {
    if analysis.refusals.iter().any(|refusal| refusal.polls > 0) {
        return Unscriptable::Fault(
            "the denials count as such because never-issued ids were answered alike, and the rules of the target file, which a script \
             follows, do not read these answers as not_found: add a rule to [[status.answer]] that does, and run again",
        );
    }
    if analysis.guarantees.iter().any(|checked| checked.broken > 0) {
        return Unscriptable::Fault(
            "what was found shows in the order or the timing of several requests, which a script of curl commands does not hold",
        );
    }
    Unscriptable::NothingFound
}

fn of_class(class: FaultClass, scans: &[ScanHistory<'_>]) -> Result<Experiment, Unscriptable> {
    let or = |experiment: Option<Experiment>| experiment.ok_or(Unscriptable::NothingFound);
    match class {
        FaultClass::A | FaultClass::C | FaultClass::G | FaultClass::I => window(scans, 1),
        FaultClass::E => window(scans, 8),
        FaultClass::B | FaultClass::CPrime | FaultClass::F | FaultClass::H => or(flap(scans)),
        FaultClass::D => or(observer(scans)),
        FaultClass::K | FaultClass::L | FaultClass::M => or(never(scans)),
        FaultClass::J => Ok(Experiment::Echo),
        FaultClass::N => Ok(Experiment::Unknown),
        FaultClass::O | FaultClass::Y => or(regress(scans)),
        FaultClass::P => Err(Unscriptable::Fault(
            "a held response shows on the connection of the initiate, which curl has closed by the time the id is known",
        )),
        FaultClass::Q => or(disclosure(scans)),
        FaultClass::R | FaultClass::S | FaultClass::T | FaultClass::U | FaultClass::V | FaultClass::W | FaultClass::X | FaultClass::Z => {
            Err(Unscriptable::Fault(
                "what shows this cause is compared over several requests that a script of curl commands does not time: `statusgap reproduce` shows it again",
            ))
        }
    }
}

/// Ages of the denials before a scan was first seen, and of the last one of each scan.
fn window(scans: &[ScanHistory<'_>], together: u32) -> Result<Experiment, Unscriptable> {
    let mut last: Vec<f64> = scans.iter().filter_map(|scan| start_denials(scan).last().copied()).collect();
    last.sort_by(f64::total_cmp);
    let Some(longest) = last.last().copied() else { return Err(Unscriptable::NothingFound) };
    if longest < SHELL_MS {
        return Err(Unscriptable::Fault(
            "the window was over before a shell could send its first poll: `statusgap run zero-delay` is fast enough",
        ));
    }
    // An age at which half of the denied scans were still denied, told by a poll that was sent then.
    let typical = last[last.len() / 2];
    let mut ages: Vec<f64> = scans.iter().flat_map(start_denials).filter(|age| *age <= (typical - SHELL_MS).max(0.0)).collect();
    ages.sort_by(f64::total_cmp);
    // The shell is late by itself, so that it aims at the earlier ages.
    let at = ages.get(ages.len() / 4).copied().unwrap_or(0.0);
    let at = if at < 2.0 * SHELL_MS { 0.0 } else { at };
    Ok(Experiment::Window { at, scans: together, tries: 10 })
}

fn start_denials(scan: &ScanHistory<'_>) -> Vec<f64> {
    let seen = scan.evidence().filter(|poll| poll.answer == Answer::Visible).map(|poll| poll.done).min();
    let mut ages: Vec<f64> =
        scan.denials().filter(|poll| seen.is_none_or(|seen| poll.sent < seen)).map(|poll| scan.age(poll).as_ms().max(0.0)).collect();
    ages.sort_by(f64::total_cmp);
    ages
}

fn flap(scans: &[ScanHistory<'_>]) -> Option<Experiment> {
    let mut first: Vec<f64> =
        scans.iter().filter_map(|scan| scan.flaps().iter().map(|poll| scan.age(poll).as_ms()).reduce(f64::min)).collect();
    first.sort_by(f64::total_cmp);
    let latest = *first.last()?;
    // Early flaps are over soon, and are looked for without a pause; a late one is waited for.
    let pause = if latest < 2000.0 { 0.0 } else { 50.0 };
    Some(Experiment::Flap { until: latest + 2000.0, pause, tries: if latest < 2000.0 { 6 } else { 3 } })
}

/// A scan that was denied early, and the age at which it still was.
fn observer(scans: &[ScanHistory<'_>]) -> Option<Experiment> {
    let denied: Vec<Vec<f64>> = scans.iter().map(start_denials).filter(|ages| ages.len() > 1).collect();
    let early = denied.iter().map(|ages| ages[0]).reduce(f64::min)?;
    let late = denied.iter().filter_map(|ages| ages.last().copied()).reduce(f64::max)?;
    let early = if early < 2.0 * SHELL_MS { 0.0 } else { early };
    Some(Experiment::Observer { early, late: (late / 2.0).clamp(500.0, 2000.0), tries: 8 })
}

fn never(scans: &[ScanHistory<'_>]) -> Option<Experiment> {
    let denied = |scan: &&ScanHistory<'_>| scan.denials().next().is_some();
    let seen = |scan: &ScanHistory<'_>| scan.evidence().any(|poll| poll.answer == Answer::Visible);
    let polled = scans.iter().filter(|scan| scan.evidence().next().is_some()).count();
    let lost = scans.iter().filter(denied).filter(|scan| !seen(scan)).count();
    if lost == 0 {
        return None;
    }
    let share = lost as f64 / polled.max(1) as f64;
    // Enough scans that a true share of half of what was seen would show in 99 of 100 scripts.
    let wanted = (0.01_f64.ln() / (1.0 - (share / 2.0).min(0.9)).ln()).ceil();
    let latest = scans
        .iter()
        .filter_map(|scan| {
            let first =
                scan.evidence().filter(|poll| poll.answer == Answer::Visible).map(|poll| scan.age(poll).as_ms()).reduce(f64::min)?;
            Some(first.max(0.0))
        })
        .fold(0.0, f64::max);
    Some(Experiment::Never { after: (2.0 * latest).clamp(3000.0, 30_000.0), scans: (wanted as u32).clamp(3, 60) })
}

fn disclosure(scans: &[ScanHistory<'_>]) -> Option<Experiment> {
    let shown = scans
        .iter()
        .flat_map(|scan| scan.foreign().iter().filter(|poll| poll.answer == Answer::Visible).map(|poll| scan.age(poll).as_ms()));
    Some(Experiment::Disclosure { at: shown.reduce(f64::min)?.max(0.0) })
}

fn regress(scans: &[ScanHistory<'_>]) -> Option<Experiment> {
    let back = scans.iter().filter(|scan| scan.repeat().is_none()).filter_map(|scan| {
        let (ended, _) = scan.ended()?;
        let back = scan.polls().iter().find(|poll| poll.sent >= ended.done && poll.state == Some(crate::model::answer::State::Running))?;
        Some((back.sent.since(ended.done).as_ms(), scan.age(ended).as_ms()))
    });
    let (settle, until) = back.reduce(|a, b| (a.0.max(b.0), a.1.max(b.1)))?;
    Some(Experiment::Regress { settle: settle + 2000.0, until: 2.0 * until + 5000.0 })
}
