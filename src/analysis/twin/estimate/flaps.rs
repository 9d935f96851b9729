//! The settings of B, C′, F and H: what denies a job that had been seen.

use crate::analysis::twin::estimate::{Estimate, Evidence, Known, estimate, mixed};
use crate::analysis::twin::law::{Bracketed, LIKELY, Law, LawFit, fit, fit_fixed};
use crate::analysis::twin::rows::{Poll, Row, pollers};
use crate::model::answer::{Answer, State};
use crate::model::fault::FaultClass;
use crate::statistics::binomial::clopper_pearson;

/// Whether any job was denied after it had been seen.
fn flapped(evidence: &Evidence<'_>) -> bool {
    evidence.rows.iter().any(|row| row.after_seen().any(|poll| !poll.seen))
}

/// B: workers that each know their own jobs only, by turns or at random.
pub(super) fn memories(evidence: &Evidence<'_>) -> Vec<Estimate> {
    if !flapped(evidence) {
        return Vec::new();
    }
    let after = || evidence.rows.iter().flat_map(Row::after_seen);
    let (denied, all) = (after().filter(|poll| !poll.seen).count() as u64, after().count() as u64);
    // One of n workers knows a job, so that all but one in n polls are denied.
    let workers = |share: f64| (1.0 / (1.0 - share).max(1.0 / 64.0)).round().clamp(2.0, 64.0) as u64;
    let limits = clopper_pearson(denied, all, 0.95);
    let count = || Known::Count { best: workers(denied as f64 / all as f64), from: workers(limits.lower), to: workers(limits.upper) };
    // A connection that gave both answers about one job does not lead to one worker.
    let torn = evidence.rows.iter().any(|row| {
        let answers = || row.kept().map(|poll| poll.answer);
        answers().any(|answer| answer == Answer::Visible) && answers().any(|answer| answer == Answer::NotFound)
    });
    let routing = if torn { "per-request" } else { "per-connection" };
    // Where pollers of one instant agree, whoever takes one of their connections takes them all.
    let policies: &[&'static str] = if pollers_agree(evidence) { &["bursts", "random"] } else { &["random", "round-robin"] };
    policies
        .iter()
        .map(|policy| {
            estimate(
                FaultClass::B,
                &[
                    ("read-path", Known::Word("memory")),
                    ("workers", count()),
                    ("routing", Known::Word(routing)),
                    ("policy", Known::Word(policy)),
                ],
            )
        })
        .collect()
}

/// Whether all pollers of one instant were answered alike, while a job was denied at some such instants and seen at others.
fn pollers_agree(evidence: &Evidence<'_>) -> bool {
    let instants = pollers(evidence.rows);
    let mixed = instants.iter().filter(|pollers| pollers.disagree()).count();
    instants.iter().any(|pollers| pollers.seen == 0) && mixed * 10 < instants.len()
}

/// C′: a share of the reads goes to a copy that lags.
pub(super) fn mixed_reads(evidence: &Evidence<'_>) -> Vec<Estimate> {
    if !flapped(evidence) {
        return Vec::new();
    }
    let looks = evidence.rows.iter().flat_map(|row| &row.polls).map(|poll| (poll.served, poll.seen)).collect();
    let timers = refresh_of_copies(evidence);
    let lag = mixed(looks).map(|(lag, share)| estimate(FaultClass::CPrime, &[("replica-lag", Known::Law(lag)), ("replica-share", share)]));
    lag.into_iter().chain(timers).collect()
}

/// Copies that are refreshed each by a timer of its own: jobs are missing from some of them for up to a period.
fn refresh_of_copies(evidence: &Evidence<'_>) -> Option<Estimate> {
    let flapping = || evidence.rows.iter().filter(|row| row.after_seen().any(|poll| !poll.seen));
    let latest = |row: &Row<'_>| row.polls.iter().filter(|poll| !poll.seen).map(|poll| poll.served).reduce(f64::max);
    // The last of several copies is late by nearly a period.
    let ends: Vec<f64> = flapping().filter_map(latest).collect();
    let longest = ends.iter().copied().reduce(f64::max)?;
    let next = evidence.rows.iter().flat_map(|row| &row.polls).filter(|poll| poll.seen && poll.served > longest);
    let by = next.map(|poll| poll.served).reduce(f64::min)?;
    (ends.len() >= 2).then_some(())?;
    let n = ends.len() as f64;
    // The largest of n evenly spread times is below the end of their range by about one part in n.
    let likely: Vec<Law> =
        (0..LIKELY).map(|place| Law::Fixed(longest / (1.0 - (place as f64 + 0.5) / LIKELY as f64).powf(1.0 / n).max(0.5))).collect();
    let period = LawFit { best: Law::Fixed(by.clamp(longest, longest * 1.2)), likely };
    // Of copies whose refreshes are spread evenly, a job is missing from half of them in the middle of a period.
    let copies = Known::Count { best: 3, from: 2, to: 5 };
    Some(estimate(FaultClass::CPrime, &[("index-period", Known::Law(period)), ("index-copies", copies)]))
}

/// A job that was seen, and denied from some instant on.
struct Gone<'r, 'a> {
    row: &'r Row<'a>,
    /// The ages of the last poll that saw it and of the first that did not.
    seen: f64,
    denied: f64,
}

fn gone<'r, 'a>(row: &'r Row<'a>) -> Option<Gone<'r, 'a>> {
    row.first_seen?;
    let denied = row.after_seen().find(|poll| !poll.seen)?.sent;
    row.after_seen().filter(|poll| poll.sent >= denied).all(|poll| !poll.seen).then_some(())?;
    let seen = row.polls.iter().filter(|poll| poll.seen && poll.sent < denied).map(|poll| poll.sent).reduce(f64::max)?;
    Some(Gone { row, seen, denied })
}

/// F: records that are dropped: some time after the end, with the end, when others end, or when nobody asks.
pub(super) fn evictions(evidence: &Evidence<'_>) -> Vec<Estimate> {
    let gone: Vec<Gone<'_, '_>> = evidence.rows.iter().filter_map(gone).collect();
    let flapping = evidence.rows.iter().filter(|row| row.after_seen().any(|poll| !poll.seen)).count();
    // Jobs that come back are not dropped.
    if gone.is_empty() || gone.len() * 2 < flapping {
        return Vec::new();
    }
    [after_end(&gone), with_end(&gone), others_end(evidence, &gone), idle(evidence, &gone)].into_iter().flatten().collect()
}

fn after_end(gone: &[Gone<'_, '_>]) -> Option<Estimate> {
    let lives: Vec<Bracketed> = gone
        .iter()
        .filter_map(|gone| {
            let (from, by) = gone.row.end().filter(|(_, by)| by.is_finite())?;
            Some(Bracketed::new(((gone.seen - by).max(0.0), gone.denied - from)))
        })
        .collect();
    let life = fit_fixed(&lives)?;
    Some(estimate(FaultClass::F, &[("evict", Known::Word("ttl")), ("evict-after", Known::Law(life))]))
}

/// Only where hardly any end was seen: a job whose end can be read was not dropped with it.
fn with_end(gone: &[Gone<'_, '_>]) -> Option<Estimate> {
    let ended = gone.iter().filter(|gone| gone.row.end().is_some_and(|(_, by)| by.is_finite())).count();
    let works: Vec<Bracketed> = gone
        .iter()
        .filter_map(|gone| {
            let (from, until) = gone.row.window()?;
            Some(Bracketed::new(((gone.seen - until).max(0.0), (gone.denied - from).max(0.0))))
        })
        .collect();
    let work = fit(&works).filter(|_| ended * 4 <= gone.len())?;
    Some(estimate(FaultClass::F, &[("evict", Known::Word("on-completion")), ("stage-finalise", Known::Law(work))]))
}

fn others_end(evidence: &Evidence<'_>, gone: &[Gone<'_, '_>]) -> Option<Estimate> {
    let absolute = |row: &Row<'_>, age: f64| row.scan.t0().map(|t0| t0.0 as f64 / 1e6 + age);
    let mut ends: Vec<f64> = evidence
        .rows
        .iter()
        .filter_map(|row| {
            let (from, by) = row.end().filter(|(_, by)| by.is_finite())?;
            absolute(row, f64::midpoint(from, by))
        })
        .collect();
    ends.sort_by(f64::total_cmp);
    let between =
        |from: f64, to: f64| ends.partition_point(|end| *end <= to).saturating_sub(ends.partition_point(|end| *end <= from)) as u64;
    let kept: Vec<(u64, u64)> = gone
        .iter()
        .filter_map(|gone| {
            let (from, by) = gone.row.end().filter(|(_, by)| by.is_finite())?;
            let ended = absolute(gone.row, f64::midpoint(from, by))?;
            Some((between(ended, absolute(gone.row, gone.seen)?), between(ended, absolute(gone.row, gone.denied)?)))
        })
        .collect();
    let right = |keep: u64| kept.iter().filter(|(seen, denied)| *seen <= keep && keep <= *denied).count();
    let best = (1..=64).max_by_key(|keep| (right(*keep), std::cmp::Reverse(*keep)))?;
    let likely: Vec<u64> = (1..=64).filter(|keep| right(*keep) == right(best)).collect();
    (kept.len() >= 2 && right(best) * 10 >= kept.len() * 8).then_some(())?;
    let keep = Known::Count { best, from: *likely.first()?, to: *likely.last()? };
    Some(estimate(FaultClass::F, &[("evict", Known::Word("keep-last")), ("evict-keep", keep)]))
}

fn idle(evidence: &Evidence<'_>, gone: &[Gone<'_, '_>]) -> Option<Estimate> {
    let gaps = |row: &Row<'_>, until: f64| {
        let asked: Vec<f64> = row.polls.iter().map(|poll| poll.sent).filter(|sent| *sent <= until).collect();
        asked.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max)
    };
    // A pause that a job outlived, and the one that it did not.
    let survived = evidence.rows.iter().filter(|row| row.after_seen().all(|poll| poll.seen)).map(|row| gaps(row, f64::INFINITY));
    let survived = gone.iter().map(|gone| gaps(gone.row, gone.seen)).chain(survived).fold(0.0, f64::max);
    let shortest = gone.iter().map(|gone| gone.denied - gone.seen).fold(f64::INFINITY, f64::min);
    (survived < shortest).then_some(())?;
    let life = fit_fixed(&[Bracketed::new((survived, shortest))])?;
    Some(estimate(FaultClass::F, &[("evict", Known::Word("idle")), ("evict-after", Known::Law(life))]))
}

/// Holes whose ages differ by less are of one age.
const ONE_AGE_MS: f64 = 40.0;

/// H: a record that is missing for a moment whenever it is replaced: many times, or once.
pub(super) fn holes(evidence: &Evidence<'_>) -> Vec<Estimate> {
    let mut widths = Vec::new();
    let mut ages = Vec::new();
    let (mut at_end, mut at_start) = (0, 0);
    for row in evidence.rows {
        let after: Vec<&Poll<'_>> = row.after_seen().collect();
        for hole in after.chunk_by(|a, b| a.seen == b.seen).filter(|run| !run[0].seen) {
            let (first, last) = (hole[0], hole[hole.len() - 1]);
            let before = row.polls.iter().filter(|poll| poll.seen && poll.sent < first.sent).max_by(|a, b| a.sent.total_cmp(&b.sent));
            let next = row.polls.iter().filter(|poll| poll.seen && poll.sent > last.sent).min_by(|a, b| a.sent.total_cmp(&b.sent));
            if let (Some(before), Some(next)) = (before, next) {
                widths.push(Bracketed::new((last.served - first.served, next.served - before.served)));
                ages.push(f64::midpoint(first.sent, last.sent));
                let ended = |poll: &Poll<'_>| poll.exchange.state.is_some_and(State::is_terminal);
                at_end += usize::from(!ended(before) && ended(next));
                at_start += usize::from(!ended(next) && before.exchange.word != next.exchange.word);
            }
        }
    }
    let (Some(gap), Some(first)) = (fit(&widths), ages.iter().copied().reduce(f64::min)) else { return Vec::new() };
    let last = ages.iter().copied().fold(first, f64::max);
    let gap = || Known::Law(LawFit { best: gap.best, likely: gap.likely.clone() });
    let at = |law: Law| Known::Law(LawFit { best: law, likely: vec![law; LIKELY] });
    let many = estimate(
        FaultClass::H,
        &[
            ("replace-gap", gap()),
            ("stage-assets", at(Law::Fixed(first))),
            ("strategy", at(Law::Uniform(0.0, (last - first).max(1.0)))),
            ("stage-finalise", at(Law::Fixed(0.0))),
        ],
    );
    let of_age: Vec<Bracketed> = ages.iter().map(|age| Bracketed::new(((age - 20.0).max(0.0), age + 20.0))).collect();
    let once = fit(&of_age).map(|law| estimate(FaultClass::H, &[("replace-gap", gap()), ("stage-assets", Known::Law(law))]));
    // Nearly all holes where a job changes its state: it moves from one store to another there.
    let moves = |count: usize| count * 10 >= widths.len() * 8;
    let handover = |at: &'static str| estimate(FaultClass::H, &[("handover-gap", gap()), ("handover-at", Known::Word(at))]);
    let ends = Some(handover("end")).filter(|_| moves(at_end));
    let starts = Some(estimate(
        FaultClass::H,
        &[("handover-gap", gap()), ("handover-at", Known::Word("start")), ("stage-assets", at(Law::Fixed(first)))],
    ));
    let starts = starts.filter(|_| moves(at_start));
    // Holes of one age are one replacement; those of several need several.
    std::iter::once(many).filter(|_| last - first > ONE_AGE_MS).chain(once).chain(ends).chain(starts).collect()
}
