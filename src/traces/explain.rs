//! Which span's beginning or end goes with scans becoming visible.
//!
//! A scan became visible somewhere in its bracket. A span explains it if its end (or beginning) lies in there, within what the clocks leave
//! open. A name is given only if it explains nearly all scans, more than any other, and more than chance would.

use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::Analysis;
use crate::analysis::scan::Scans;
use crate::model::run::Journal;
use crate::model::span::{Span, SpanIntake};
use crate::model::time::Nanos;
use crate::statistics::coincidence::{chance, meets};
use crate::traces::bracketed::{Bracketed, ByTrace, bracketed};
use crate::traces::candidates::{Candidate, Edge, SpanName, ages, candidates, name_in};
use crate::traces::clocks::{ClockBound, Clocks};
use crate::traces::evidence::{self, InsideFact};
use crate::traces::picture::{self, ScanPicture};

/// What the spans of a log say.
#[derive(Debug, Clone, PartialEq)]
pub struct Findings {
    /// Scans that were denied at first and visible later.
    pub scans: u64,
    /// Those of them whose POST has spans.
    pub with_spans: u64,
    /// How far the clocks are apart.
    pub clock: Option<ClockBound>,
    /// How much each scan's own requests leave open of that, where the target's clock did not hold all the while.
    pub clock_by_scan_ns: Option<Nanos>,
    /// What makes scans visible.
    pub outcome: Outcome,
    /// What the inside says of causes.
    pub facts: Vec<InsideFact>,
    /// The best candidates, those that explain most scans first.
    pub rows: Vec<SpanRow>,
    /// The clearest scan.
    pub picture: Option<ScanPicture>,
    /// What came in.
    pub intake: Option<SpanIntake>,
}

/// What makes scans visible.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Outcome {
    /// No scan was denied at first and visible later.
    NothingToExplain,
    /// A span.
    Named(Explanation),
    /// All that the target did for the scans had ended before: what makes them visible is not in their traces.
    AllHadEnded {
        /// Scans of which that holds.
        scans: u64,
        /// Of so many with spans.
        of: u64,
        /// The span that ended last, as a rule.
        last: SpanName,
        /// Median time from its end until the scan can have been visible at the earliest.
        before_ns: Nanos,
    },
    /// It cannot be told.
    CannotTell(Unexplained),
}

/// Why it cannot be told.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Unexplained {
    /// No span of any of the run's requests came.
    NoSpans {
        /// Spans that came, of other traces.
        others: u64,
    },
    /// The POSTs of too few scans have spans.
    FewWithSpans {
        /// Scans whose POST has spans.
        with_spans: u64,
        /// Scans with a window.
        of: u64,
    },
    /// No server span bounds the difference of the clocks, or the bounds contradict each other.
    ClocksUnknown {
        /// Whether there were bounds that contradict each other: a clock was set while the run went on.
        contradict: bool,
    },
    /// Spans of many scans were timed by a clock that is not the one that answers requests, and nothing bounds it.
    OtherClock {
        /// Scans that have such spans.
        scans: u64,
        /// Of so many.
        of: u64,
        /// One of these spans, as a rule.
        of_them: SpanName,
    },
    /// There are too few scans with a window.
    FewScans {
        /// So many there are.
        scans: u64,
        /// So many are needed.
        needed: u64,
    },
    /// No span goes with nearly all scans.
    NoneFits {
        /// The scans that the best one explains.
        explained: u64,
        /// Of so many.
        of: u64,
        /// Of so many that have it.
        have: u64,
        /// The best one.
        best: SpanName,
    },
    /// A span goes with the scans, and denials were read from where nothing was written: if that is a copy, the span only coincides.
    ReadElsewhere {
        /// Denials that were.
        elsewhere: u64,
        /// Denials whose reading is known.
        denied: u64,
        /// The span.
        span: SpanName,
        /// Scans that it explains.
        explained: u64,
        /// Of so many with spans.
        of: u64,
    },
    /// The best one may go with the scans by chance: the brackets are too wide, or too few.
    Chance {
        /// The scans that the best one explains.
        explained: u64,
        /// Of so many.
        of: u64,
        /// The chance that some span explains as many.
        p: f64,
        /// Median width of the brackets.
        width_ns: Nanos,
    },
}

/// A span that explains the windows.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Explanation {
    /// Which.
    pub span: SpanName,
    /// Which end of it.
    pub edge: Edge,
    /// Scans that it explains.
    pub explained: u64,
    /// Of so many with spans.
    pub of: u64,
    /// The chance that some span explains as many.
    pub p: f64,
    /// Visible at least so long after it, if as long in all scans; negative: before it.
    pub after_ns: Nanos,
    /// And at most so long after it.
    pub until_ns: Nanos,
    /// Median age at which it begins, from the whole answer that handed out the id.
    pub begins_ns: Nanos,
    /// Median time that it takes.
    pub takes_ns: Nanos,
    /// Other spans that explain as many scans, which the polls do not tell from it.
    pub as_well: Vec<SpanName>,
    /// Whether it was timed by a clock that is only assumed to be the one that was bounded.
    pub clock_is_assumed: bool,
    /// The process that wrote, for most scans.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
}

/// One candidate.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SpanRow {
    /// Which span.
    pub span: SpanName,
    /// Which end of it.
    pub edge: Edge,
    /// Scans that it explains.
    pub explained: u64,
    /// Scans that have it.
    pub of: u64,
    /// Median age at that end.
    pub age_ns: Nanos,
    /// Median time that it takes.
    pub takes_ns: Nanos,
}

/// Fewer scans have too little to say: three fixed ages may hide any difference.
const FEWEST: u64 = 5;

/// The share of scans that a name has to explain: some may have lost spans, or become visible by another way.
const NEARLY_ALL: f64 = 0.9;

/// The largest chance at which a name is given.
const LEVEL: f64 = 0.05;

const DRAWS: u32 = 999;

/// So many scans are compared with chance; more make it no surer, and slower.
const COMPARED: usize = 200;

/// So many candidates are listed.
const ROWS: usize = 12;

/// What the spans of a log say; `None` where nobody listened for spans and there are none.
pub fn findings(journal: &Journal, analysis: &Analysis) -> Option<Findings> {
    if journal.inside.spans.is_empty() && journal.inside.intake.is_none() {
        return None;
    }
    let journal = analysis.read(journal);
    let scans = Scans::of(&journal.exchanges);
    let histories = scans.histories();
    let by_trace = ByTrace::of(journal);
    let clocks = Clocks::of(journal);
    let windows = bracketed(journal, &histories, &by_trace);
    let with_spans: Vec<Bracketed<'_>> = windows.iter().filter(|scan| !scan.spans.is_empty()).cloned().collect();
    let found = candidates(&with_spans, &clocks);
    let scored = scored(&with_spans, &found);
    let outcome = outcome(journal, windows.len() as u64, &with_spans, &clocks, &scored);
    let (facts, outcome) = evidence::facts(journal, analysis, &histories, &by_trace, &clocks, outcome);
    Some(Findings {
        scans: windows.len() as u64,
        with_spans: with_spans.len() as u64,
        clock: clocks.usual(),
        clock_by_scan_ns: clocks.of_single_scans(),
        facts,
        rows: scored.iter().filter(|scored| scored.explained > 0).take(ROWS).map(Scored::row).collect(),
        picture: picture::clearest(&with_spans, &clocks, &outcome),
        outcome,
        intake: journal.inside.intake,
    })
}

/// A candidate and how many scans it explains.
struct Scored<'c, 'a> {
    candidate: &'c Candidate<'a>,
    explained: u64,
}

/// The candidates, the best first: those that explain most; among equals what does not only read, the innermost, an end rather than a
/// beginning, and the earliest.
fn scored<'c, 'a>(scans: &[Bracketed<'a>], candidates: &'c [Candidate<'a>]) -> Vec<Scored<'c, 'a>> {
    let mut scored: Vec<Scored<'c, 'a>> = candidates
        .iter()
        .map(|candidate| {
            let fits = scans.iter().zip(&candidate.ages).filter(|(scan, age)| age.is_some_and(|age| meets((scan.after, scan.until), age)));
            Scored { candidate, explained: fits.count() as u64 }
        })
        .collect();
    scored.sort_by(|a, b| {
        let rank = |scored: &Scored<'_, '_>| {
            let candidate = scored.candidate;
            (
                std::cmp::Reverse(scored.explained),
                candidate.only_reads,
                std::cmp::Reverse(candidate.depth),
                candidate.edge,
                candidate.median_age(),
            )
        };
        rank(a).cmp(&rank(b)).then_with(|| a.candidate.name.cmp(&b.candidate.name))
    });
    scored
}

fn outcome(journal: &Journal, windows: u64, scans: &[Bracketed<'_>], clocks: &Clocks<'_>, scored: &[Scored<'_, '_>]) -> Outcome {
    let of = scans.len() as u64;
    let unexplained = |why| Outcome::CannotTell(why);
    if journal.inside.spans.is_empty() {
        return if windows == 0 {
            Outcome::NothingToExplain
        } else {
            unexplained(Unexplained::NoSpans { others: journal.inside.intake.map_or(0, |intake| intake.foreign) })
        };
    }
    if windows == 0 {
        return Outcome::NothingToExplain;
    }
    if windows < FEWEST {
        return unexplained(Unexplained::FewScans { scans: windows, needed: FEWEST });
    }
    if of < FEWEST || of * 2 < windows {
        return unexplained(Unexplained::FewWithSpans { with_spans: of, of: windows });
    }
    let Some(best) = scored.first() else {
        if let Some(why) = other_clock(scans, clocks) {
            return unexplained(why);
        }
        return unexplained(Unexplained::ClocksUnknown { contradict: !clocks.is_empty() });
    };
    let needed = (of as f64 * NEARLY_ALL).ceil() as u64;
    let best_writer = scored.iter().find(|scored| !scored.candidate.only_reads).unwrap_or(best);
    if best_writer.explained < needed {
        if let Some(why) = other_clock(scans, clocks) {
            return unexplained(why);
        }
        return all_had_ended(scans, clocks, needed).unwrap_or_else(|| {
            let have = best.candidate.ages.iter().flatten().count() as u64;
            unexplained(Unexplained::NoneFits { explained: best.explained, of, have, best: best.candidate.name.clone() })
        });
    }
    let p = by_chance(journal.run.seed, scans, scored, best_writer.explained);
    if p > LEVEL {
        let mut widths: Vec<i64> = scans.iter().map(|scan| scan.until - scan.after).collect();
        return unexplained(Unexplained::Chance { explained: best_writer.explained, of, p, width_ns: Nanos(median(&mut widths)) });
    }
    Outcome::Named(explanation(scans, best_writer, scored, p))
}

/// Whether what is missing may be in spans that cannot be laid beside polls.
fn other_clock(scans: &[Bracketed<'_>], clocks: &Clocks<'_>) -> Option<Unexplained> {
    let names: Vec<SpanName> =
        scans.iter().filter_map(|scan| scan.spans.iter().find(|span| clocks.is_elsewhere(span)).map(|span| name_in(span, scan))).collect();
    let (with, of) = (names.len() as u64, scans.len() as u64);
    (with * 2 > of).then_some(Unexplained::OtherClock { scans: with, of, of_them: most_frequent(names.into_iter())? })
}

/// The chance that the best candidate explains so many.
fn by_chance(seed: u64, scans: &[Bracketed<'_>], scored: &[Scored<'_, '_>], explained: u64) -> f64 {
    let step = scans.len().div_ceil(COMPARED).max(1);
    let chosen = || (0..scans.len()).step_by(step);
    let intervals: Vec<(i64, i64)> = chosen().map(|place| (scans[place].after, scans[place].until)).collect();
    // Only what could have been named.
    let series: Vec<Vec<Option<(i64, i64)>>> = scored
        .iter()
        .filter(|scored| !scored.candidate.only_reads)
        .map(|scored| chosen().map(|place| scored.candidate.ages[place]).collect())
        .collect();
    // Of the chosen ones the same share, rounded down: a smaller score is reached more easily, so that chance is not made light of.
    let score = (explained as usize * intervals.len()) / scans.len().max(1);
    let last = intervals.iter().map(|interval| interval.1).max().unwrap_or(1);
    let first = series.iter().flatten().flatten().map(|age| age.0).min().unwrap_or(0).clamp(-last, 0);
    let series: Vec<&[Option<(i64, i64)>]> = series.iter().map(Vec::as_slice).collect();
    chance(&intervals, &series, score, (first, last), DRAWS, seed)
}

fn explanation(scans: &[Bracketed<'_>], best: &Scored<'_, '_>, scored: &[Scored<'_, '_>], p: f64) -> Explanation {
    let candidate = best.candidate;
    let pairs = || {
        scans
            .iter()
            .zip(&candidate.ages)
            .filter_map(|(scan, age)| Some((scan, (*age)?)))
            .filter(|(scan, age)| meets((scan.after, scan.until), *age))
    };
    let after = pairs().map(|(scan, age)| scan.after.saturating_sub(age.1)).max().unwrap_or(0);
    let until = pairs().map(|(scan, age)| scan.until.saturating_sub(age.0)).min().unwrap_or(0);
    let spans = || candidate.spans.iter().flatten();
    // From the middle of what is known: of its end, its whole length earlier; of a stretch, half of it.
    let length = |span: &Span| span.end.0 - span.start.0;
    let before = |span: &Span| match candidate.edge {
        Edge::Start => 0,
        Edge::During => length(span) / 2,
        Edge::End => length(span),
    };
    let lengths = candidate.spans.iter().zip(&candidate.ages);
    let mut begins: Vec<i64> = lengths.filter_map(|(span, age)| Some(middle((*age)?) - before((*span)?))).collect();
    // A span around the named one, or its own other end, says nothing else.
    let encloses = |other: &Candidate<'_>| {
        let holds = |(outer, inner): (Option<&Span>, Option<&Span>)| match (outer, inner) {
            (Some(outer), Some(inner)) => outer.start <= inner.start && inner.end <= outer.end,
            _ => true,
        };
        other.spans.iter().copied().zip(candidate.spans.iter().copied()).all(holds)
    };
    let mut as_well: Vec<SpanName> = scored
        .iter()
        .filter(|other| other.explained == best.explained && !other.candidate.only_reads)
        .filter(|other| other.candidate.name != candidate.name && !encloses(other.candidate))
        .map(|other| other.candidate.name.clone())
        .collect();
    as_well.dedup();
    as_well.truncate(3);
    Explanation {
        span: candidate.name.clone(),
        edge: candidate.edge,
        explained: best.explained,
        of: scans.len() as u64,
        p,
        after_ns: Nanos(after),
        until_ns: Nanos(until),
        begins_ns: Nanos(median(&mut begins)),
        takes_ns: candidate.takes(),
        as_well,
        clock_is_assumed: candidate.is_assumed,
        instance: most_frequent(spans().filter_map(|span| span.instance())),
    }
}

/// So far apart are clocks of machines that are kept right, at most, as a rule.
const BETWEEN_MACHINES: i64 = 50_000_000;

/// The outcome where all spans had ended before scans were visible.
fn all_had_ended(scans: &[Bracketed<'_>], clocks: &Clocks<'_>, needed: u64) -> Option<Outcome> {
    let mut before = Vec::new();
    let mut last = Vec::new();
    for scan in scans {
        let ends = scan.spans.iter().map(|span| {
            let clock = clocks.of_span(span, scan.scan)?;
            let margin = if clock.is_assumed { BETWEEN_MACHINES } else { 0 };
            Some((ages(scan, span, Edge::End, clock).1.saturating_add(margin), *span))
        });
        // One span whose instant is not known may be the one that matters.
        let ends: Option<Vec<_>> = ends.collect();
        let Some((age, span)) = ends.and_then(|ends| ends.into_iter().max_by_key(|(age, _)| *age)) else { continue };
        if age <= scan.after {
            before.push(scan.after - age);
            last.push(name_in(span, scan));
        }
    }
    if (before.len() as u64) < needed {
        return None;
    }
    Some(Outcome::AllHadEnded {
        scans: before.len() as u64,
        of: scans.len() as u64,
        last: most_frequent(last.into_iter())?,
        before_ns: Nanos(median(&mut before)),
    })
}

impl Scored<'_, '_> {
    fn row(&self) -> SpanRow {
        let candidate = self.candidate;
        SpanRow {
            span: candidate.name.clone(),
            edge: candidate.edge,
            explained: self.explained,
            of: candidate.ages.iter().flatten().count() as u64,
            age_ns: candidate.median_age(),
            takes_ns: candidate.takes(),
        }
    }
}

impl Candidate<'_> {
    fn middle_ages(&self) -> Vec<i64> {
        self.ages.iter().flatten().copied().map(middle).collect()
    }

    fn median_age(&self) -> Nanos {
        Nanos(median(&mut self.middle_ages()))
    }

    fn takes(&self) -> Nanos {
        Nanos(median(&mut self.spans.iter().flatten().map(|span| span.end.0.saturating_sub(span.start.0)).collect::<Vec<i64>>()))
    }
}

fn middle(age: (i64, i64)) -> i64 {
    age.0 + (age.1 - age.0) / 2
}

/// The middle value; 0 of none.
pub(super) fn median(values: &mut [i64]) -> i64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

/// What occurs most often; of equals the first in order.
pub(super) fn most_frequent<T: Ord>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut counts: std::collections::BTreeMap<T, u64> = std::collections::BTreeMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map(|(value, _)| value)
}
