//! Scans side by side: for each, who was asked at which age, over what, and what was answered.
//!
//! A run may hold a million exchanges, and nobody looks at more than a few dozen scans: the clearest of each scenario are
//! chosen, and of a scan that was polled for minutes the polls at which anything changed.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::analysis::scan::{ScanHistory, Visibility};
use crate::analysis::timeline::clarity;
use crate::model::answer::Answer;
use crate::model::exchange::{Connection, Exchange, Kind};
use crate::model::run::Journal;
use crate::model::time::Nanos;
use crate::report::view::evidence;
use crate::report::words;

/// One scan.
#[derive(Debug, Clone, PartialEq)]
pub struct Lane {
    /// Its number in the run.
    pub scan: u64,
    /// Its scenario's name.
    pub scenario: String,
    /// How it ended, in words.
    pub outcome: String,
    /// Whether it was denied at least once.
    pub denied: bool,
    /// Where it became visible for good, if it had been denied before: ages in milliseconds, `None` for "not while anybody looked".
    pub bracket_ms: Option<(f64, Option<f64>)>,
    /// What it was answered, by age.
    pub marks: Vec<LaneMark>,
    /// Exchanges that are not among the marks.
    pub left_out: u64,
}

/// One exchange of a lane.
#[derive(Debug, Clone, PartialEq)]
pub struct LaneMark {
    /// The age at which it was sent, in milliseconds.
    pub at_ms: f64,
    /// What was asked, in words.
    pub asked: String,
    /// How it travelled.
    pub connection: Connection,
    /// Which of several concurrent pollers asked, from 0.
    pub poller: u32,
    /// What was answered, in words.
    pub told: String,
    /// What that means.
    pub sign: Sign,
    /// Who answered, as far as the reply says.
    pub worker: Option<String>,
    /// Whether the same poller's poll before it was answered by another worker.
    pub worker_changed: bool,
}

/// What an answer means for the scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// Status denies it, and should not.
    Denied,
    /// Status shows it.
    Visible,
    /// Status says neither, or says `not_found` where that is right.
    Neither,
    /// Another endpoint (witness, results) knows it.
    Known,
    /// Another endpoint does not.
    Unknown,
    /// A foreign user was shown it.
    Disclosed,
    /// A foreign user was not.
    Withheld,
    /// Somebody wrote: a repeat or a cancel.
    Written,
}

/// So many scans of one scenario.
const EACH: usize = 3;
/// So many scans in all.
const LANES: usize = 36;
/// So many exchanges of one scan.
const MARKS: usize = 100;
/// So many exchanges in all, so that a page of them stays well below a megabyte.
const MARKS_IN_ALL: usize = 2400;

/// The lanes, scenario by scenario, the clearest scan of each first.
pub(super) fn lanes(journal: &Journal, histories: &[ScanHistory<'_>]) -> Vec<Lane> {
    let mut ranked: Vec<(f64, &ScanHistory<'_>)> =
        histories.iter().filter(|scan| scan.t0().is_some() && exchanges(scan).next().is_some()).map(|scan| (clarity(scan), scan)).collect();
    ranked
        .sort_by(|(a, one), (b, other)| one.scenario().cmp(&other.scenario()).then(a.total_cmp(b)).then(one.number().cmp(&other.number())));
    let chosen: Vec<&ScanHistory<'_>> = ranked
        .chunk_by(|(_, one), (_, other)| one.scenario() == other.scenario())
        .flat_map(|scans| scans.iter().take(EACH).map(|(_, scan)| *scan))
        .take(LANES)
        .collect();
    let most = (MARKS_IN_ALL / chosen.len().max(1)).min(MARKS);
    chosen.into_iter().map(|scan| lane(journal, scan, most)).collect()
}

fn lane(journal: &Journal, scan: &ScanHistory<'_>, most: usize) -> Lane {
    let mut all: Vec<&Exchange> = exchanges(scan).collect();
    all.sort_by_key(|exchange| (exchange.sent, exchange.kind));
    let denials: Vec<*const Exchange> = scan.denials().map(std::ptr::from_ref).collect();
    let mut before: BTreeMap<u32, &str> = BTreeMap::new();
    let mut marks: Vec<LaneMark> = all
        .iter()
        .map(|exchange| {
            let mut worker_changed = false;
            if let (Kind::Poll, Some(worker)) = (exchange.kind, exchange.worker.as_deref()) {
                worker_changed = before.insert(exchange.poller, worker).is_some_and(|before| before != worker);
            }
            LaneMark {
                at_ms: scan.age(exchange).as_ms(),
                asked: evidence::asked(exchange.kind),
                connection: exchange.connection,
                poller: exchange.poller,
                told: words::name(&exchange.told()),
                sign: sign(exchange, denials.contains(&std::ptr::from_ref(*exchange))),
                worker: exchange.worker.as_deref().map(|worker| words::clean(worker, 24)),
                worker_changed,
            }
        })
        .collect();
    let count = marks.len();
    thin(&mut marks, most);
    Lane {
        scan: scan.number(),
        scenario: journal.scenarios.get(scan.scenario() as usize).map_or_else(String::new, |scenario| words::name(&scenario.name)),
        outcome: outcome(scan),
        denied: !denials.is_empty(),
        bracket_ms: match scan.visibility() {
            Visibility::Seen(bracket) | Visibility::NeverSeen(bracket) if !denials.is_empty() => {
                Some((bracket.after.as_ms(), bracket.until.map(Nanos::as_ms)))
            }
            _ => None,
        },
        left_out: (count - marks.len()) as u64,
        marks,
    }
}

fn exchanges<'a, 's>(scan: &'s ScanHistory<'a>) -> impl Iterator<Item = &'a Exchange> + 's {
    let readings = scan.polls().iter().chain(scan.foreign()).chain(scan.witness()).chain(scan.results()).copied();
    readings.chain(scan.repeat()).chain(scan.cancel()).chain(scan.update()).chain(scan.delete())
}

fn sign(exchange: &Exchange, denied: bool) -> Sign {
    match (exchange.kind, exchange.answer) {
        (Kind::Poll, _) if denied => Sign::Denied,
        (Kind::Poll, Answer::Visible) => Sign::Visible,
        (Kind::ForeignPoll, Answer::Visible) => Sign::Disclosed,
        (Kind::ForeignPoll, Answer::NotFound | Answer::Refused) => Sign::Withheld,
        (Kind::Witness | Kind::Results, Answer::Visible) => Sign::Known,
        (Kind::Witness | Kind::Results, Answer::NotFound) => Sign::Unknown,
        (Kind::Repeat | Kind::Cancel | Kind::Update | Kind::Delete, _) => Sign::Written,
        _ => Sign::Neither,
    }
}

/// Keeps what is told apart: the first and the last of each run of equal answers, then as many of the others as there is
/// room for, evenly.
fn thin(marks: &mut Vec<LaneMark>, most: usize) {
    if marks.len() <= most {
        return;
    }
    let same = |a: &LaneMark, b: &LaneMark| a.sign == b.sign && a.told == b.told && a.connection == b.connection && !b.worker_changed;
    let edge: Vec<bool> = (0..marks.len())
        .map(|at| {
            let begins = at == 0 || !same(&marks[at - 1], &marks[at]);
            let ends = marks.get(at + 1).is_none_or(|next| !same(&marks[at], next));
            begins || ends
        })
        .collect();
    let edges = edge.iter().filter(|edge| **edge).count();
    let room = most.saturating_sub(edges);
    let others = (marks.len() - edges).max(1);
    let (mut place, mut seen) = (0, 0);
    marks.retain(|_| {
        let is_edge = edge[place];
        place += 1;
        if is_edge {
            return true;
        }
        seen += 1;
        // Of `others` that come by, `room` are kept, spread evenly.
        seen * room / others > (seen - 1) * room / others
    });
    marks.truncate(most);
}

fn outcome(scan: &ScanHistory<'_>) -> String {
    let denials = scan.denials().count() as u64;
    let times = |n: u64| if n == 1 { "once".to_owned() } else { format!("{} times", words::count(n)) };
    match scan.visibility() {
        Visibility::Flapping => {
            let flaps = scan.flaps().len() as u64;
            format!("seen, then denied {}", times(flaps))
        }
        Visibility::Seen(bracket) if denials > 0 => {
            format!("denied {}, visible from {}", times(denials), words::between(bracket.after.as_ms(), bracket.until.map(Nanos::as_ms)))
        }
        Visibility::Seen(_) => "never denied".to_owned(),
        Visibility::NeverSeen(_) => format!("denied {}, as long as anybody looked", times(denials)),
        Visibility::NoEvidence if !scan.foreign().is_empty() && scan.polls().is_empty() => "only a foreign user asked".to_owned(),
        Visibility::NoEvidence | Visibility::NotAccepted => "nothing was learnt".to_owned(),
    }
}

/// The lanes' last age, in milliseconds, and the last age at which one of them was denied.
pub(in crate::report) fn reach<'a>(lanes: impl Iterator<Item = &'a Lane>) -> (f64, Option<f64>) {
    let (mut end, mut denied) = (0.0_f64, None::<f64>);
    for mark in lanes.flat_map(|lane| &lane.marks) {
        end = end.max(mark.at_ms);
        if mark.sign == Sign::Denied && denied.is_none_or(|denied| denied.total_cmp(&mark.at_ms) == Ordering::Less) {
            denied = Some(mark.at_ms);
        }
    }
    (end, denied)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn a_lane_tells_every_exchange_of_its_scan_by_age() {
        let view = samples::view(&samples::seed_bug());
        let [lane] = view.lanes.as_slice() else { panic!("one scan was recorded: {:?}", view.lanes) };
        let told: Vec<_> = lane.marks.iter().map(|mark| (mark.told.as_str(), mark.sign)).collect();
        assert_eq!(told, [("not_found", Sign::Denied), ("in_progress", Sign::Known), ("scanning", Sign::Visible)]);
        assert_eq!((lane.outcome.as_str(), lane.left_out), ("denied once, visible from 100.1 ms–2.002 s", 0));
    }

    #[test]
    fn a_scan_that_was_polled_for_minutes_keeps_the_polls_at_which_anything_changed() {
        let mark = |at: u32, sign| LaneMark {
            at_ms: f64::from(at),
            asked: "status poll".to_owned(),
            connection: Connection::Fresh,
            poller: 0,
            told: format!("{sign:?}"),
            sign,
            worker: None,
            worker_changed: false,
        };
        let mut marks: Vec<LaneMark> = (0..5000).map(|at| mark(at, if at < 3210 { Sign::Denied } else { Sign::Visible })).collect();
        thin(&mut marks, MARKS);
        assert_eq!(marks.len(), MARKS);
        for age in [0.0, 3209.0, 3210.0, 4999.0] {
            assert!(marks.iter().any(|mark| (mark.at_ms - age).abs() < 0.5), "{age} is missing");
        }
        let mut restless: Vec<LaneMark> = (0..5000).map(|at| mark(at, if at % 2 == 0 { Sign::Denied } else { Sign::Visible })).collect();
        thin(&mut restless, MARKS);
        assert_eq!(restless.len(), MARKS, "what never rests is cut short");
    }
}
