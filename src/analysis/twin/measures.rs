//! What is compared of one log, in numbers.
//!
//! A number has a resolution below which a difference means nothing: a poll more or less, or what a real machine does and a simulated
//! one does not.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::echo::Likeness;
use crate::analysis::guarantees::{Regress, went_back};
use crate::analysis::scan::{ScanHistory, Scans};
use crate::analysis::twin::aspects::Aspect;
use crate::analysis::twin::later::{AfterEnd, AfterWrite, Write, first_end, half_record, pairs, result_after_end};
use crate::analysis::twin::rows::{Row, Trip, mean, median, pollers, rows};
use crate::model::answer::{Answer, State};
use crate::model::exchange::{Exchange, Kind, Purpose, Route};
use crate::model::run::Journal;
use crate::model::scenario::LoadModel;
use crate::model::time::Nanos;

/// One number of one log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Measured {
    pub(super) value: f64,
    /// A difference of as much means nothing by itself.
    pub(super) resolution: f64,
}

/// Shares that differ by less mean nothing, however many polls they are of: a real machine is not quite like a simulated one.
pub(super) const SHARE_RESOLUTION: f64 = 0.01;

/// Shares of fewer cases are not compared with each other.
const FEW: usize = 4;

/// What is compared of one log.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Measures {
    pub(super) aspects: BTreeMap<Aspect, Measured>,
    /// The brackets of the windows, for the interval log-rank; an infinite end was never seen.
    pub(super) windows: Vec<(f64, f64)>,
}

impl Measures {
    /// Measures a log.
    pub fn of(journal: &Journal) -> Measures {
        let scans = Scans::of(&journal.exchanges);
        let histories = scans.histories();
        let trip = Trip::of(journal);
        let rows = rows(&histories, trip);
        let mut measures = Measures { windows: rows.iter().filter_map(Row::window).collect(), ..Measures::default() };
        measures.rates(&histories, &rows);
        measures.window(&rows);
        measures.lost_ids(&rows);
        measures.order(journal, &rows);
        measures.flaps(&rows);
        measures.answers(journal, &histories);
        measures.observer(journal, &rows);
        measures.writes(&histories, trip);
        measures.first_words(journal, &rows);
        measures.results(&rows, trip);
        measures.held(&rows);
        measures
    }

    fn share(&mut self, aspect: Aspect, answers: impl Iterator<Item = bool>) {
        let (yes, all) = answers.fold((0_u32, 0_u32), |(yes, all), answer| (yes + u32::from(answer), all + 1));
        if all > 0 {
            self.aspects
                .insert(aspect, Measured { value: f64::from(yes) / f64::from(all), resolution: SHARE_RESOLUTION + 1.0 / f64::from(all) });
        }
    }

    /// A size on a logarithmic scale: a real machine and a simulated one differ by some per cent, and by a millisecond.
    fn size(&mut self, aspect: Aspect, ms: Option<f64>) {
        if let Some(ms) = ms {
            let ms = ms.max(0.0) + 1.0;
            self.aspects.insert(aspect, Measured { value: ms.ln(), resolution: 0.05 + 1.0 / ms });
        }
    }

    fn rates(&mut self, histories: &[ScanHistory<'_>], rows: &[Row<'_>]) {
        let mut cells: BTreeMap<Aspect, Vec<bool>> = BTreeMap::new();
        for scan in histories {
            for poll in scan.evidence().filter(|poll| poll.purpose == Purpose::Offset) {
                let Some(at_ns) = poll.offset.get() else { continue };
                let cell = Aspect::Denied { scenario: scan.scenario(), arm: scan.arm(), at_ns, connection: poll.connection };
                cells.entry(cell).or_default().push(poll.answer == Answer::NotFound);
            }
        }
        for poll in rows.iter().flat_map(|row| &row.polls) {
            let octave = poll.sent.max(1.0).log2().floor().exp2();
            let cell = Aspect::DeniedByAge { from_ns: Nanos((octave * 1e6) as i64) };
            cells.entry(cell).or_default().push(!poll.seen);
        }
        for (cell, denied) in cells {
            self.share(cell, denied.into_iter());
        }
    }

    fn window(&mut self, rows: &[Row<'_>]) {
        self.share(Aspect::DeniedAtFirst, rows.iter().filter(|row| !row.polls.is_empty()).map(Row::denied_at_start));
        self.share(Aspect::NeverSeen, rows.iter().filter(|row| !row.polls.is_empty()).map(|row| row.first_seen.is_none()));
        let denied = || rows.iter().filter(|row| row.denied_at_start() && row.first_seen.is_some()).filter_map(Row::window);
        let n = denied().count();
        if n > 0 {
            let mean = |end: fn((f64, f64)) -> f64| denied().map(|window| (end(window) + 1.0).ln()).sum::<f64>() / n as f64;
            for (aspect, value) in [(Aspect::WindowFrom, mean(|window| window.0)), (Aspect::WindowUntil, mean(|window| window.1))] {
                self.aspects.insert(aspect, Measured { value, resolution: 0.05 + (-value).exp() });
            }
        }
    }

    fn lost_ids(&mut self, rows: &[Row<'_>]) {
        let ids = |lost: bool| {
            rows.iter().filter(move |row| !row.polls.is_empty() && row.first_seen.is_none() == lost).filter_map(|row| row.scan.id())
        };
        let (lost, others) = (ids(true).count(), ids(false).count());
        if lost < 2 || others < 2 {
            return;
        }
        let marks: [fn(&str) -> bool; 3] = [
            |id| id.chars().any(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '~'))),
            |id| id.chars().any(|c| c.is_ascii_uppercase()),
            |id| id.starts_with('0'),
        ];
        let ahead = |mark: &fn(&str) -> bool| {
            ids(true).filter(|id| mark(id)).count() as f64 / lost as f64 - ids(false).filter(|id| mark(id)).count() as f64 / others as f64
        };
        let value = marks.iter().map(ahead).fold(0.0, f64::max);
        self.aspects.insert(Aspect::LostIdsMarked, Measured { value, resolution: SHARE_RESOLUTION + 1.0 / lost as f64 });
    }

    fn order(&mut self, journal: &Journal, rows: &[Row<'_>]) {
        for (scenario, plan) in (0_u32..).zip(&journal.scenarios) {
            if !matches!(plan.load.model, LoadModel::Open { every } if every.0.is_zero()) || plan.load.scans < 8 {
                continue;
            }
            let mut burst: Vec<_> =
                rows.iter().filter(|row| row.scan.scenario() == scenario).filter_map(|row| Some((row.scan.t0()?, row.window()?))).collect();
            // Jobs that were accepted at one instant stay in the order of their requests.
            burst.sort_by_key(|(accepted, _)| *accepted);
            if let Some(value) = kendall(&burst.iter().map(|(_, window)| *window).collect::<Vec<_>>()) {
                self.aspects.insert(Aspect::Growth { scenario }, Measured { value, resolution: 0.05 });
            }
        }
        let mut instants: Vec<(f64, f64)> = rows
            .iter()
            .filter(|row| row.denied_at_start() && row.first_seen.is_some())
            .filter_map(|row| {
                let (t0, (after, until)) = (row.scan.t0()?.0 as f64 / 1e6, row.window()?);
                Some((t0 + after, t0 + until))
            })
            .collect();
        let n = instants.len();
        if n >= 8 {
            let value = stabbing(&mut instants) as f64 / n as f64;
            self.aspects.insert(Aspect::Instants, Measured { value, resolution: 1.0 / n as f64 });
        }
    }

    fn flaps(&mut self, rows: &[Row<'_>]) {
        let followed = || rows.iter().filter(|row| row.after_seen().next().is_some());
        let flapping = || rows.iter().filter(|row| row.after_seen().any(|poll| !poll.seen));
        let changes = |row: &Row<'_>| {
            let after: Vec<bool> = row.after_seen().map(|poll| poll.seen).collect();
            after.chunk_by(|a, b| a == b).filter(|run| !run[0]).count()
        };
        self.share(Aspect::Flapping, followed().map(|row| row.after_seen().any(|poll| !poll.seen)));
        self.share(Aspect::DeniedAfterSeen, rows.iter().flat_map(Row::after_seen).map(|poll| !poll.seen));
        self.share(Aspect::CameBack, flapping().map(|row| row.after_seen().last().is_some_and(|poll| poll.seen)));
        self.share(Aspect::Twice, flapping().map(|row| changes(row) >= 2));
        let latest = rows.iter().flat_map(Row::after_seen).filter(|poll| !poll.seen).map(|poll| poll.sent).reduce(f64::max);
        self.size(Aspect::LatestFlap, latest);
        let in_a_row = rows.iter().flat_map(|row| {
            let after: Vec<bool> = row.after_seen().map(|poll| poll.seen).collect();
            after.windows(2).filter(|pair| !pair[0]).map(|pair| !pair[1]).collect::<Vec<bool>>()
        });
        self.share(Aspect::DeniedInARow, in_a_row);
        self.share(Aspect::PollersDisagree, pollers(rows).into_iter().map(super::rows::Pollers::disagree));
        let kept = |row: &Row<'_>| {
            let seen = row.first_seen.unwrap_or(f64::INFINITY);
            let t0 = row.scan.t0().unwrap_or_default();
            let late = row.kept().filter(|poll| poll.sent.since(t0).as_ms() > seen);
            late.map(|poll| poll.answer == Answer::NotFound).collect::<Vec<_>>()
        };
        self.share(Aspect::DeniedOnKept, rows.iter().flat_map(kept));
    }

    fn answers(&mut self, journal: &Journal, histories: &[ScanHistory<'_>]) {
        let is_seen = |exchange: &Exchange| exchange.answer == Answer::Visible;
        let evidence = |exchange: &&Exchange| exchange.answer.is_evidence();
        let visible = histories.iter().filter(|scan| scan.polls().iter().any(|poll| is_seen(poll)));
        self.share(Aspect::WentBack, visible.map(|scan| went_back(scan) == Some(Regress::RanAgain)));
        let named = histories.iter().flat_map(|scan| scan.polls().iter().filter_map(|poll| scan.named_as(poll)));
        self.share(Aspect::OtherId, named.map(|likeness| likeness == Likeness::Other));
        let foreign = histories.iter().flat_map(|scan| scan.foreign().iter().copied()).filter(evidence);
        self.share(Aspect::Disclosed, foreign.map(is_seen));
        let unknown = journal.exchanges.iter().filter(|exchange| exchange.kind == Kind::UnknownPoll).filter(evidence);
        self.share(Aspect::UnknownSeen, unknown.map(is_seen));
        for route in [Route::HandedOut, Route::CacheBusted, Route::AsInitiator] {
            let by_route = histories.iter().flat_map(ScanHistory::evidence).filter(|poll| poll.route == Some(route));
            self.share(Aspect::ByRoute { route }, by_route.map(is_seen));
        }
        let denials = || histories.iter().flat_map(ScanHistory::denials);
        self.share(Aspect::Refused, denials().map(|denial| matches!(denial.http, Some(401 | 403))));
        self.known_though_failed(journal);
        let witness = histories.iter().flat_map(|scan| scan.witness().iter().copied()).filter(evidence);
        self.share(Aspect::Witness, witness.map(is_seen));
    }

    fn known_though_failed(&mut self, journal: &Journal) {
        let known: BTreeSet<u64> = journal
            .exchanges
            .iter()
            .filter(|exchange| exchange.kind == Kind::OrphanPoll && exchange.answer == Answer::Visible)
            .filter_map(|exchange| exchange.scan.get())
            .collect();
        let initiates = journal.exchanges.iter().filter(|exchange| exchange.kind == Kind::Initiate);
        self.share(Aspect::KnownThoughFailed, initiates.filter_map(|initiate| initiate.scan.get()).map(|scan| known.contains(&scan)));
    }

    fn observer(&mut self, journal: &Journal, rows: &[Row<'_>]) {
        for pair in pairs(journal) {
            let at = |arm: u32| {
                let of_arm = rows.iter().filter(move |row| row.scan.scenario() == pair.scenario && row.scan.arm() == arm);
                let polls = of_arm.flat_map(|row| &row.polls).map(|poll| (poll.seen, poll.exchange));
                polls.filter(|(_, poll)| poll.purpose == Purpose::Offset && poll.offset.get() == Some(pair.at))
            };
            let denied = |arm: u32| at(arm).map(|(seen, _)| !seen).collect::<Vec<bool>>();
            let behind = |arm: u32| {
                let listed = at(arm).filter(|(seen, _)| *seen).filter_map(|(_, poll)| poll.state).filter(|state| *state != State::Unknown);
                listed.map(|state| !state.is_terminal()).collect::<Vec<bool>>()
            };
            self.difference(Aspect::DeniedIfPolledBefore { scenario: pair.scenario }, &denied(pair.polled_before), &denied(pair.alone));
            self.difference(Aspect::BehindIfPolledBefore { scenario: pair.scenario }, &behind(pair.polled_before), &behind(pair.alone));
        }
    }

    /// The difference of two shares, of a few cases each. Of several pairs in one scenario the largest difference stands for all.
    fn difference(&mut self, aspect: Aspect, one: &[bool], other: &[bool]) {
        if one.len() < FEW || other.len() < FEW {
            return;
        }
        let share = |of: &[bool]| of.iter().filter(|yes| **yes).count() as f64 / of.len() as f64;
        let value = share(one) - share(other);
        let resolution = SHARE_RESOLUTION + 1.0 / one.len().min(other.len()) as f64;
        let largest = self.aspects.entry(aspect).or_insert(Measured { value, resolution });
        if value.abs() > largest.value.abs() {
            *largest = Measured { value, resolution };
        }
    }

    fn writes(&mut self, histories: &[ScanHistory<'_>], trip: Trip) {
        let writes =
            [(Write::Change, Aspect::SecondWrite, Aspect::ChangeHidden), (Write::Deletion, Aspect::Deletion, Aspect::DeletionHidden)];
        for (write, shown, hidden) in writes {
            let followed: Vec<AfterWrite> = histories.iter().filter_map(|scan| AfterWrite::of(scan, write, trip)).collect();
            self.size(shown, mean_middle(followed.iter().filter_map(AfterWrite::shown_by)));
            self.share(hidden, followed.iter().flat_map(|after| &after.looks).map(|look| !look.shown));
            if write == Write::Change {
                self.share(Aspect::ChangeTakenBack, followed.iter().map(AfterWrite::is_taken_back));
            }
        }
    }

    fn first_words(&mut self, journal: &Journal, rows: &[Row<'_>]) {
        let state_at = journal.run.target.status.state.as_deref();
        let seen = || rows.iter().filter(|row| row.first_seen.is_some());
        let ends = || seen().map(first_end);
        self.share(Aspect::BegunWithAnEnd, ends().map(|end| end.is_some()));
        self.size(Aspect::FirstEnd, mean_middle(ends().flatten()));
        let halves = || seen().map(|row| half_record(row, state_at));
        self.share(Aspect::HalfARecord, halves().map(|half| half.is_some()));
        self.size(Aspect::Missing, mean_middle(halves().flatten()));
    }

    fn results(&mut self, rows: &[Row<'_>], trip: Trip) {
        let results: Vec<AfterEnd> = rows.iter().filter_map(|row| result_after_end(row, trip)).collect();
        self.share(Aspect::ResultMissing, results.iter().map(|result| result.late().is_some()));
        let late = results.iter().filter_map(|result| result.late());
        self.size(Aspect::ResultLate, mean_middle(late.filter(|(_, there)| there.is_finite())));
    }

    fn held(&mut self, rows: &[Row<'_>]) {
        let trips: Vec<f64> = rows.iter().flat_map(Row::kept).map(|poll| poll.round_trip().as_secs_f64() * 1e3).collect();
        let longest = trips.iter().copied().reduce(f64::max);
        // Where nothing was held, the longest is that of any few round trips.
        let usual = median(trips).unwrap_or_default();
        if let Some(longest) = longest {
            let held = if longest > 5.0 * usual + 50.0 { longest } else { 50.0 };
            self.size(Aspect::HeldBack, Some(held));
        }
    }
}

/// The mean of the middles of brackets; `None` of none.
fn mean_middle(brackets: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    mean(&brackets.map(|(from, to)| f64::midpoint(from, to)).collect::<Vec<_>>())
}

/// Kendall's rank correlation of brackets with their places; those that overlap are not ordered. `None` where none is.
fn kendall(windows: &[(f64, f64)]) -> Option<f64> {
    let (mut sum, mut ordered) = (0.0, 0.0);
    for (place, (after, until)) in windows.iter().enumerate() {
        for (next_after, next_until) in &windows[place + 1..] {
            let step = f64::from(u8::from(until <= next_after)) - f64::from(u8::from(next_until <= after));
            sum += step;
            ordered += 1.0;
        }
    }
    (ordered > 0.0).then(|| sum / ordered)
}

/// The fewest points that touch every interval, by the greedy choice of right ends, which is optimal.
fn stabbing(intervals: &mut [(f64, f64)]) -> usize {
    intervals.sort_by(|a, b| a.1.total_cmp(&b.1));
    let (mut points, mut last) = (0, f64::NEG_INFINITY);
    for (after, until) in intervals.iter() {
        if last <= *after {
            points += 1;
            last = *until;
        }
    }
    points
}
