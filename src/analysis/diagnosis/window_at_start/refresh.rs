//! G: scans that become visible at common instants.

use std::collections::BTreeMap;

use crate::analysis::diagnosis::chance::ln_choose;
use crate::analysis::diagnosis::dataset::{Dataset, Observation, ScanRow, median, ns};
use crate::analysis::diagnosis::fact::{Exclusion, Fact};
use crate::analysis::diagnosis::open::OpenQuestion;
use crate::analysis::diagnosis::thresholds::{FEW_SCANS, FEWEST_WINDOWS, NEARLY_ALL, RARE_CHANCE};
use crate::analysis::diagnosis::{Diagnosis, Strength};
use crate::model::exchange::Exchange;
use crate::model::fault::FaultClass;
use crate::model::shard::{Numbering, Share, owner};
use crate::model::time::Stamp;

/// A scan's window, as ages and as instants of the run, in ms.
#[derive(Debug, Clone, Copy)]
struct Window {
    after: f64,
    until: f64,
    t0: f64,
}

impl Window {
    fn width(&self) -> f64 {
        self.until - self.after
    }
}

/// A row of instants, one period apart.
#[derive(Debug, Clone, Copy)]
struct Lattice {
    period: f64,
    phase: f64,
    /// Windows that end at one of them.
    fits: usize,
    /// ln of the chance that the best of all lattices that were tried fits so well by accident.
    ln_p: f64,
    /// How many periods were tried.
    tried: u32,
}

/// G: scans become visible on a common lattice of instants, whatever their age.
pub(super) fn lattice(diagnosis: &mut Diagnosis, rows: &[&ScanRow<'_>]) -> bool {
    let mut windows = starts(rows);
    let longest = windows.iter().map(|window| window.after).fold(0.0, f64::max);
    let denied = windows.len();
    // A bracket as wide as the period holds an instant of any lattice.
    windows.retain(|window| window.width() <= 0.4 * longest);
    let n = windows.len();
    if n < FEWEST_WINDOWS {
        return false;
    }
    let by_age = stabbing(windows.iter().map(|window| (window.after, window.until)).collect());
    let instants = stabbing(windows.iter().map(|window| (window.t0 + window.after, window.t0 + window.until)).collect());
    // A lag that is always the same has a lattice where scans are asked for at even times: the age explains it better.
    let fixed = one_point(&windows) >= NEARLY_ALL;
    let wide = widened(&windows, longest);
    let fitted = best(&wide, longest);
    if fixed && fitted.is_some() {
        // Scans that were asked for at even times meet the same moment of a period as well.
        return false;
    }
    // What a lattice explains as well as few ages do excludes none.
    let explained = fitted.as_ref().is_some_and(|lattice| lattice.ln_p < RARE_CHANCE.ln());
    let fitted = fitted.filter(|_| by_age.len() >= 3);
    match fitted.filter(|lattice| lattice.ln_p < RARE_CHANCE.ln() && by_age.len() > ticks(&windows, lattice).min(2)) {
        Some(lattice) => {
            let instants = ticks(&windows, &lattice);
            let first = windows.iter().map(|window| window.t0 + window.until).fold(f64::INFINITY, f64::min);
            let last = windows.iter().map(|window| window.t0 + window.after).fold(0.0, f64::max);
            // Writes that a copy gets in their order arrive together with a late one before them: common instants, which lie anywhere.
            let lie_evenly = is_even(&windows, &lattice) || {
                // An index shows whatever is written at its next refresh, and nothing in between.
                windows.extend(later_changes(rows).filter(|change| change.width() <= 0.4 * longest));
                best(&widened(&windows, longest), longest).is_some_and(|joint| is_even(&windows, &joint))
            };
            let facts = vec![
                Fact::CommonInstants {
                    scans: lattice.fits as u64,
                    asked_over_ns: ns(last - first),
                    instants: instants as u64,
                    apart_ns: ns(lattice.period),
                },
                Fact::AgesDiffer { ages: by_age.len() as u64 },
            ];
            if lie_evenly {
                diagnosis.found(FaultClass::G, Strength::Strong, facts);
            } else {
                diagnosis.open.push(OpenQuestion::LagOrRefresh);
                diagnosis.found_among(FaultClass::G, vec![FaultClass::C], facts);
            }
            true
        }
        None => {
            // A lattice whose best fit would have been no surprise is not excluded by its absence.
            if explained || n * 2 < denied || chance(&wide, longest, MOST_TRIED, 0) > RARE_CHANCE.ln() {
                return false;
            }
            diagnosis.excluded(FaultClass::G, Exclusion::NoCommonInstants { scans: n as u64, instants: instants.len() as u64 });
            false
        }
    }
}

/// The windows of scans that were denied at first.
fn starts(rows: &[&ScanRow<'_>]) -> Vec<Window> {
    let denied = rows.iter().filter(|row| row.denied_at_start().next().is_some());
    let window = |row: &&ScanRow<'_>| {
        let (after, until) = row.start()?;
        Some(Window { after, until, t0: in_run(row.scan.t0()?) })
    };
    denied.filter_map(window).collect()
}

/// When status showed what had changed: between a poll that did not show a later write, or showed an older state, and the next one that did.
fn later_changes(rows: &[&ScanRow<'_>]) -> impl Iterator<Item = Window> {
    let between = |(before, after): (&Exchange, &Exchange)| Window {
        after: 0.0,
        until: after.done.since(before.sent).as_ms(),
        t0: in_run(before.sent),
    };
    rows.iter().flat_map(move |row| {
        let seen: Vec<&Observation<'_>> = row.after_seen().filter(|observation| observation.seen()).collect();
        let states = seen.windows(2).filter(|pair| pair[0].shows() != pair[1].shows() && pair[0].exchange.done <= pair[1].exchange.sent);
        let states = states.map(|pair| (pair[0].exchange, pair[1].exchange));
        let writes = [row.scan.change(), row.scan.delete()].into_iter().flatten().filter_map(|write| shown_late(row, write));
        states.chain(writes).map(between).collect::<Vec<Window>>()
    })
}

/// The last poll that did not show a write before the first that did, and that one.
fn shown_late<'a>(row: &ScanRow<'a>, write: &'a Exchange) -> Option<(&'a Exchange, &'a Exchange)> {
    let shown = row.scan.polls_after(write).filter(|poll| poll.seen == Some(true)).min_by_key(|poll| poll.done)?;
    let hidden =
        row.scan.polls_after(write).filter(|poll| poll.seen == Some(false) && poll.sent < shown.sent).max_by_key(|poll| poll.sent)?;
    Some((hidden, shown))
}

/// Whether what status showed changed at different instants that lie closer together than windows are long: an index shows nothing new between
/// two refreshes, which no window outlasts. As many scans must have had so long a window, and as many changes must lie so, as make a pattern.
pub(super) fn changes_between_refreshes(rows: &[&ScanRow<'_>]) -> Option<Exclusion> {
    let windows = starts(rows);
    let mut denied: Vec<f64> = windows.iter().map(|window| window.after).collect();
    denied.sort_by(|a, b| b.total_cmp(a));
    let period = denied.get(FEW_SCANS - 1).copied()?;
    let mut changes: Vec<(f64, f64)> = windows
        .iter()
        .copied()
        .chain(later_changes(rows))
        .map(|window| (window.t0 + window.after, window.t0 + window.until))
        .filter(|(after, until)| until - after < 0.4 * period)
        .collect();
    changes.sort_by(|a, b| a.1.total_cmp(&b.1));
    // Of changes in the order of their ends each is compared with the first that begins after it.
    let (mut apart, mut last): (usize, Option<(f64, f64)>) = (0, None);
    for (after, until) in changes {
        match last {
            Some((from, to)) if to <= after => {
                apart += usize::from(until - from < period);
                last = Some((after, until));
            }
            Some(_) => {}
            None => last = Some((after, until)),
        }
    }
    (apart >= FEW_SCANS).then(|| Exclusion::ChangesBetweenRefreshes { changes: apart as u64, within_ns: ns(period) })
}

fn in_run(at: Stamp) -> f64 {
    at.0 as f64 / 1e6
}

/// Whether the common instants of windows, each counted once, lie on a lattice as chance would not put them.
fn is_even(windows: &[Window], lattice: &Lattice) -> bool {
    chance(&common_instants(windows, lattice), lattice.period, lattice.tried, 0) < RARE_CHANCE.ln()
}

/// The largest share of windows that have one age in common.
fn one_point(windows: &[Window]) -> f64 {
    let within = |age: f64| windows.iter().filter(|window| window.after <= age && age <= window.until).count();
    let most = windows.iter().map(|window| within(window.until)).max().unwrap_or_default();
    most as f64 / windows.len().max(1) as f64
}

/// From the first end of a window to the last, in ms.
fn span(windows: &[Window]) -> f64 {
    let ends = || windows.iter().map(|window| window.t0 + window.until);
    ends().fold(0.0, f64::max) - ends().fold(f64::INFINITY, f64::min)
}

/// Brackets that are narrower than what all periods can be tried for are taken as wider than they are: that costs power, and no period.
fn widened(windows: &[Window], longest: f64) -> Vec<Window> {
    let width = median(windows.iter().map(Window::width).collect()).unwrap_or_default().max(0.5);
    let (shortest, most) = (longest.max(1.0), 1.7 * longest + width);
    let needed = (most / shortest).ln() * 4.0 * span(windows).max(shortest) / width;
    let more = width * ((needed / f64::from(MOST_TRIED)).max(1.0) - 1.0) / 2.0;
    windows.iter().map(|window| Window { after: window.after - more, until: window.until + more, ..*window }).collect()
}

/// The lattice on which most windows end. No window is longer than the period, and of many evenly spread ones the longest is nearly as
/// long.
fn best(windows: &[Window], longest: f64) -> Option<Lattice> {
    let span = span(windows);
    let width = median(windows.iter().map(Window::width).collect())?.max(0.5);
    // Over the whole run a step of the period shifts the last instant by a quarter of a bracket.
    let (mut period, most) = (longest.max(1.0), 1.7 * longest + width);
    let mut tried = 0_u32;
    let mut best: Option<(f64, f64, usize)> = None;
    while period <= most && tried < MOST_TRIED {
        let (phase, fits) = best_phase(windows, period);
        if best.is_none_or(|(_, _, most)| fits > most) {
            best = Some((period, phase, fits));
        }
        tried += 1;
        period += (period * width / (4.0 * span.max(period))).max(0.002 * width);
    }
    let (period, phase, fits) = best?;
    let misses = windows.len() - fits;
    if (fits as f64) < NEARLY_ALL * windows.len() as f64 {
        return None;
    }
    Some(Lattice { period, phase, fits, ln_p: chance(windows, period, tried, misses), tried })
}

/// ln of the chance that the best of so many lattices of about this period misses so few windows by accident.
fn chance(windows: &[Window], period: f64, tried: u32, misses: usize) -> f64 {
    let n = windows.len();
    // Each window but one, which gives the phase, holds an instant of the lattice by chance with its share of the period; the widest count.
    let mut shares: Vec<f64> = windows.iter().map(|window| (window.width() / period).min(1.0)).collect();
    shares.sort_by(|a, b| b.total_cmp(a));
    let by_chance: f64 = shares.iter().take((n - misses).saturating_sub(1)).map(|share| share.max(1e-6).ln()).sum();
    f64::from(tried).ln() + (n as f64).ln() + ln_choose(n, misses) + by_chance
}

/// So many periods are tried at most: what takes more is longer than a run can tell.
const MOST_TRIED: u32 = 6000;

/// The phase at which most windows of a period end, and how many.
fn best_phase(windows: &[Window], period: f64) -> (f64, usize) {
    let mut edges: Vec<(f64, i32)> = Vec::with_capacity(windows.len() * 3);
    for window in windows {
        let from = (window.t0 + window.after).rem_euclid(period);
        let to = from + window.width();
        edges.push((from, 1));
        if to >= period {
            edges.extend([(period, -1), (0.0, 1), (to - period, -1)]);
        } else {
            edges.push((to, -1));
        }
    }
    // What begins where another ends holds that instant, too.
    edges.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
    let (mut depth, mut most, mut phase) = (0, 0, 0.0);
    for (at, step) in edges {
        depth += step;
        if depth > most {
            (most, phase) = (depth, at);
        }
    }
    (phase, usize::try_from(most).unwrap_or_default().min(windows.len()))
}

/// The common instants of windows on a lattice: what all windows that end at one of them have in common.
fn common_instants(windows: &[Window], lattice: &Lattice) -> Vec<Window> {
    let mut instants: BTreeMap<i64, Window> = BTreeMap::new();
    for window in windows {
        // As an instant of the run: of different scans only these have anything in common.
        let own = Window { after: window.t0 + window.after, until: window.t0 + window.until, t0: 0.0 };
        let common = instants.entry(tick(window, lattice)).or_insert(own);
        // Who misses the lattice narrows nothing.
        if own.after < common.until && common.after < own.until {
            (common.after, common.until) = (common.after.max(own.after), common.until.min(own.until));
        }
    }
    instants.into_values().collect()
}

/// The instant of a lattice that is nearest to a window's middle: no window is half as wide as the period.
fn tick(window: &Window, lattice: &Lattice) -> i64 {
    ((window.t0 + f64::midpoint(window.after, window.until) - lattice.phase) / lattice.period).round() as i64
}

/// How many instants of a lattice ended windows.
fn ticks(windows: &[Window], lattice: &Lattice) -> usize {
    let mut ticks: Vec<i64> = windows.iter().map(|window| tick(window, lattice)).collect();
    ticks.sort_unstable();
    ticks.dedup();
    ticks.len()
}

/// The rows of one shard, the largest, where a log was put together from several: instants of different clocks are not to be
/// compared.
pub(super) fn on_one_clock<'r, 'a>(data: &Dataset<'a>, rows: Vec<&'r ScanRow<'a>>) -> Vec<&'r ScanRow<'a>> {
    let Some(share @ Share::Merged(_)) = &data.journal.run.shard else { return rows };
    let numbering = Numbering::of(&data.journal.scenarios);
    let mut by_shard: BTreeMap<u32, Vec<&ScanRow<'_>>> = BTreeMap::new();
    for row in rows {
        if let Some((load, place)) = numbering.place(row.scan.scenario(), row.scan.number()) {
            by_shard.entry(owner(share.of(), row.scan.scenario(), load, place)).or_default().push(row);
        }
    }
    // Of shards of equal size the first, so that the choice does not depend on anything else.
    by_shard.into_values().rev().max_by_key(Vec::len).unwrap_or_default()
}

/// The fewest points that touch every interval, by the greedy choice of right ends (which is optimal); the points are returned.
pub(super) fn stabbing(mut intervals: Vec<(f64, f64)>) -> Vec<f64> {
    intervals.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut points: Vec<f64> = Vec::new();
    for (after, until) in intervals {
        if points.last().is_none_or(|point| *point <= after) {
            points.push(until);
        }
    }
    points
}
