//! What of a log is compared with that of its twin: rates by age, windows, flaps and the like, one number each.
//!
//! A number has a resolution below which a difference means nothing: a poll more or less, or what a real machine does and a simulated
//! one does not.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::echo::Likeness;
use crate::analysis::guarantees::{Regress, went_back};
use crate::analysis::scan::{ScanHistory, Scans};
use crate::analysis::twin::rows::{Row, median, rows};
use crate::model::answer::Answer;
use crate::model::exchange::{Connection, Exchange, Kind, Purpose, Route};
use crate::model::run::Journal;
use crate::model::scenario::LoadModel;
use crate::model::time::Nanos;

/// One thing that is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the variant says what its numbers are of; `scenario` and `arm` are indexes in the run")]
pub enum Aspect {
    /// Share of polls at a planned age that were denied.
    Denied { scenario: u32, arm: u32, at_ns: Nanos, connection: Connection },
    /// Share of all polls on connections of their own that were denied, within an octave of ages that begins here.
    DeniedByAge { from_ns: Nanos },
    /// Natural logarithm of the windows' lower ends in ms plus one: the mean of the jobs that were denied at first.
    WindowFrom,
    /// The same of their upper ends.
    WindowUntil,
    /// How much later or earlier the windows are than those of the other logs: the mean score of the interval log-rank test.
    WindowRank,
    /// Share of jobs denied at first.
    DeniedAtFirst,
    /// Share of jobs that were never seen.
    NeverSeen,
    /// Share of jobs that were never seen whose ids have some mark, less the share of the others' ids that have it; of the marks the one
    /// for which it is largest.
    LostIdsMarked,
    /// Kendall's correlation of window and place among jobs that were asked for at once.
    Growth { scenario: u32 },
    /// Share of different instants that are needed to explain when jobs were seen.
    Instants,
    /// Share of jobs denied after they had been seen.
    Flapping,
    /// Share of polls denied after the job had been seen.
    DeniedAfterSeen,
    /// Share of flapping jobs that were seen again after that.
    CameBack,
    /// Share of flapping jobs that were denied, seen and denied again.
    Twice,
    /// Natural logarithm of the latest age in ms at which a job that had been seen was denied.
    LatestFlap,
    /// Share of those denials after which the next poll of the same job was denied as well.
    DeniedInARow,
    /// Share of instants at which pollers of one job were answered differently.
    PollersDisagree,
    /// Share of polls on the starting connection that were denied after the job had been seen.
    DeniedOnKept,
    /// Share of jobs that went back from their end to an earlier state.
    WentBack,
    /// Share of polls that were answered with another job's id.
    OtherId,
    /// Share of polls of a foreign user that were answered.
    Disclosed,
    /// Share of polls for ids that were never issued that were answered.
    UnknownSeen,
    /// Share of polls by another way that were answered.
    ByRoute { route: Route },
    /// Share of readings of the witness that knew a job.
    Witness,
    /// Natural logarithm of the mean age in ms, since a cancel, by which polls showed it.
    SecondWrite,
    /// Natural logarithm of the longest round trip in ms on the starting connection.
    HeldBack,
}

/// What belongs together: of each group only the aspect that differs most counts, so that many planned ages do not outweigh the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    Rates,
    Window,
    Order,
    Flaps,
    Answers,
    SecondWrite,
    Held,
}

impl Aspect {
    pub(super) fn group(self) -> Group {
        match self {
            Aspect::Denied { .. } | Aspect::DeniedByAge { .. } => Group::Rates,
            Aspect::WindowFrom | Aspect::WindowUntil | Aspect::WindowRank | Aspect::DeniedAtFirst | Aspect::NeverSeen => Group::Window,
            Aspect::Growth { .. } | Aspect::Instants => Group::Order,
            Aspect::Flapping
            | Aspect::DeniedAfterSeen
            | Aspect::CameBack
            | Aspect::Twice
            | Aspect::LatestFlap
            | Aspect::DeniedInARow
            | Aspect::PollersDisagree
            | Aspect::DeniedOnKept => Group::Flaps,
            Aspect::WentBack
            | Aspect::OtherId
            | Aspect::Disclosed
            | Aspect::UnknownSeen
            | Aspect::ByRoute { .. }
            | Aspect::Witness
            | Aspect::LostIdsMarked => Group::Answers,
            Aspect::SecondWrite => Group::SecondWrite,
            Aspect::HeldBack => Group::Held,
        }
    }
}

/// One number of one log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Measured {
    pub(super) value: f64,
    /// A difference of as much means nothing by itself.
    pub(super) resolution: f64,
}

/// Shares that differ by less mean nothing, however many polls they are of: a real machine is not quite like a simulated one.
pub(super) const SHARE_RESOLUTION: f64 = 0.01;

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
        let rows = rows(&histories);
        let mut measures = Measures { windows: rows.iter().filter_map(Row::window).collect(), ..Measures::default() };
        measures.rates(&histories, &rows);
        measures.window(&rows);
        measures.lost_ids(&rows);
        measures.order(journal, &rows);
        measures.flaps(&rows);
        measures.answers(journal, &histories);
        measures.second_write(&histories);
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
        let mut instants: BTreeMap<(u64, Nanos), (u32, u32)> = BTreeMap::new();
        for row in rows {
            for poll in row.after_seen() {
                if let Some(at) = poll.exchange.offset.get() {
                    let (seen, all) = instants.entry((row.scan.number(), at)).or_default();
                    *seen += u32::from(poll.seen);
                    *all += 1;
                }
            }
        }
        self.share(Aspect::PollersDisagree, instants.values().filter(|(_, all)| *all > 1).map(|(seen, all)| *seen > 0 && seen < all));
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
        let witness = histories.iter().flat_map(|scan| scan.witness().iter().copied()).filter(evidence);
        self.share(Aspect::Witness, witness.map(is_seen));
    }

    fn second_write(&mut self, histories: &[ScanHistory<'_>]) {
        let shown = |scan: &ScanHistory<'_>| {
            let cancel = scan.cancel().filter(|cancel| cancel.was_answered())?;
            let polls = || scan.polls().iter().filter(|poll| poll.purpose == Purpose::Then);
            let by = polls().filter(|poll| poll.seen == Some(true)).map(|poll| poll.done).min()?;
            let not_yet = polls().filter(|poll| poll.seen == Some(false) && poll.sent < by).map(|poll| poll.sent).max();
            let since = |stamp: crate::model::time::Stamp| stamp.since(cancel.done).as_ms().max(0.0);
            Some(f64::midpoint(not_yet.map_or(0.0, since), since(by)))
        };
        let lags: Vec<f64> = histories.iter().filter_map(shown).collect();
        let mean = lags.iter().sum::<f64>() / lags.len().max(1) as f64;
        self.size(Aspect::SecondWrite, (!lags.is_empty()).then_some(mean));
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
