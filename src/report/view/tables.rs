//! The rows that are counted rather than told: scenarios, guarantees, round trips, causes.

// Writing to a String cannot fail.
use std::fmt::Write as _;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::analysis::Analysis;
use crate::analysis::diagnosis::{Diagnosis, Pattern};
use crate::analysis::gate::{Bound, OffsetRate};
use crate::analysis::guarantees::Checked;
use crate::analysis::round_trips::Percentiles;
use crate::analysis::round_trips::RoundTrips;
use crate::model::fault::Owner;
use crate::model::run::Journal;
use crate::model::time::Nanos;
use crate::report::sentences::{causes, exclusions, facts, open, patterns};
use crate::report::view::window::Everyone;
use crate::report::view::{
    BoundRow, CauseRow, GuaranteeRow, LatencyRow, OffsetRow, PatternRow, RoundTrip, RuledOutRow, ScenarioRow, Standing, window,
};
use crate::report::{sentences, words};
use crate::verdict::Judgement;

/// One row for each scenario.
pub(super) fn scenarios(journal: &Journal, analysis: &Analysis, judgement: &Judgement) -> Vec<ScenarioRow> {
    let pairs = journal.scenarios.iter().zip(&analysis.scenarios).zip(&judgement.scenarios);
    pairs
        .map(|((scenario, seen), judged)| {
            let offsets: Vec<OffsetRow> = seen.offsets.iter().map(offset).collect();
            ScenarioRow {
                name: words::name(&scenario.name),
                title: words::sentence(&scenario.title),
                verdict: judged.verdict,
                reasons: judged.reasons.iter().map(words::reason).collect(),
                reason_facts: sentences::facts(&judged.reasons),
                accepted: seen.counts.accepted,
                initiates: seen.counts.initiates,
                polls: seen.counts.polls,
                denied: denied(&offsets, seen.window.denied, seen.window.scans + seen.window.flapping),
                offsets,
                window: window::view(
                    &seen.window,
                    Everyone::of(&seen.guarantees, &analysis.guarantees),
                    judgement.assessable,
                    judged.verdict,
                ),
                guarantees: seen.guarantees.iter().map(guarantee).collect(),
                could_miss: judged.could_miss,
                bound: judged.bound.as_ref().map(bound),
                power: judged.power.as_ref().map(sentences::outlook),
                power_facts: sentences::facts(judged.power.as_slice()).pop(),
            }
        })
        .collect()
}

fn bound(bound: &Bound) -> BoundRow {
    let Bound { at, connection, scans, lost, below } = *bound;
    BoundRow { at_ms: at.map(Nanos::as_ms), at: at.map(words::planned), connection, scans, lost, below }
}

fn offset(rate: &OffsetRate) -> OffsetRow {
    OffsetRow {
        at_ms: rate.at.as_ms(),
        at: words::planned(rate.at),
        arm: words::name(&rate.arm),
        connection: rate.connection,
        polls: rate.polls,
        not_found: rate.not_found,
        other: rate.other,
        late: rate.late,
        scans: rate.scans,
        scans_denied: rate.scans_denied,
        scans_lost: rate.scans_lost,
        rate: rate.rate(),
        lower: rate.lower,
        upper: rate.upper,
    }
}

/// So many offsets with a denial are named in a table's cell.
const NAMED: usize = 3;

/// How often status said `not_found`, for a table's cell: `50/50 at 100ms`.
fn denied(offsets: &[OffsetRow], denied: u64, scans: u64) -> String {
    let several = offsets.iter().any(|row| row.connection != offsets[0].connection);
    let lost: u64 = offsets.iter().map(|row| row.other).sum();
    let and_lost = if lost > 0 { format!("; {} without an answer that counts", words::count(lost)) } else { String::new() };
    let told = |row: &OffsetRow| {
        let lane = if several { format!(" {}", row.connection.word()) } else { String::new() };
        format!("{}/{} at {}{lane}", words::count(row.not_found), words::count(row.polls), row.at)
    };
    let hits: Vec<&OffsetRow> = offsets.iter().filter(|row| row.not_found > 0).collect();
    match (offsets, hits.as_slice()) {
        ([], _) if denied > 0 => format!("in {} of {}", words::count(denied), words::counted(scans, "scan")),
        ([], _) if scans > 0 => format!("in 0 of {}", words::counted(scans, "scan")),
        ([], _) => "–".to_owned(),
        ([only], []) => told(only) + &and_lost,
        (rows, []) => format!("0/{} at {} offsets{and_lost}", words::count(rows.iter().map(|row| row.polls).sum()), rows.len()),
        (_, hits) => {
            let mut text = hits.iter().take(NAMED).map(|row| told(row)).collect::<Vec<_>>().join(", ");
            if hits.len() > NAMED {
                let _ = write!(text, ", +{} more", hits.len() - NAMED);
            }
            text + &and_lost
        }
    }
}

/// How one guarantee fared.
pub(super) fn guarantee(checked: &Checked) -> GuaranteeRow {
    let standing = match checked {
        Checked { checked: 0, .. } => Standing::NotAssessed,
        Checked { broken: 1.., .. } => Standing::Broken,
        _ => Standing::Kept,
    };
    let why = || {
        let why = checked.not_assessed.as_ref().map_or_else(|| "nothing was checked".to_owned(), sentences::not_assessed);
        words::sentence(&why)
    };
    GuaranteeRow {
        guarantee: checked.guarantee,
        code: checked.guarantee.code(),
        name: checked.guarantee.name(),
        promise: checked.guarantee.promise().to_owned(),
        standing,
        why: (standing == Standing::NotAssessed).then(why),
        checked: checked.checked,
        broken: checked.broken,
        evidence: checked.evidence.iter().map(|proof| words::sentence(&sentences::proof(proof))).collect(),
        facts: sentences::facts(&checked.evidence),
        unclear: checked.unclear.iter().map(|unclear| words::sentence(&sentences::unclear(unclear))).collect(),
        unclear_facts: sentences::facts(&checked.unclear),
    }
}

/// Round trips by kind: the first connection of a kind (fresh before kept) has the kind's own name, the others add theirs.
pub(super) fn latency(trips: &[RoundTrips]) -> Vec<LatencyRow> {
    let mut by_kind: BTreeMap<_, Vec<&RoundTrips>> = BTreeMap::new();
    for trip in trips {
        by_kind.entry(trip.kind).or_default().push(trip);
    }
    let mut rows = Vec::new();
    for (kind, mut trips) in by_kind {
        trips.sort_by_key(|trip| trip.connection);
        for (place, trip) in trips.into_iter().enumerate() {
            let name = if place == 0 { kind.word().to_owned() } else { format!("{} {}", kind.word(), trip.connection.word()) };
            let (sent, planned) = (round_trip(&trip.from_sent), round_trip(&trip.from_planned));
            rows.push(LatencyRow { name, kind, connection: trip.connection, sent, planned });
        }
    }
    rows
}

fn round_trip(latency: &Percentiles) -> RoundTrip {
    RoundTrip {
        count: latency.count,
        p50: latency.quantile_ms(0.5),
        p90: latency.quantile_ms(0.9),
        p95: latency.quantile_ms(0.95),
        p99: latency.quantile_ms(0.99),
        p999: latency.quantile_ms(0.999),
        max: latency.max_ms,
    }
}

/// The causes, the excluded ones, and what is undecided.
pub(super) fn diagnosis(diagnosis: &Diagnosis, owner: Owner) -> (Vec<CauseRow>, Vec<RuledOutRow>, Vec<String>) {
    let rows = diagnosis.causes.iter().map(|cause| CauseRow {
        class: cause.class.letter(),
        or: cause.or.iter().map(|class| class.letter()).collect(),
        named: causes::named(cause),
        name: causes::title(cause),
        strength: cause.strength.word(),
        mechanism: causes::mechanism(cause),
        cure: causes::cure(cause, owner),
        evidence: cause.facts.iter().map(|fact| words::sentence(&facts::fact(fact))).collect(),
        facts: sentences::facts(&cause.facts),
    });
    let ruled_out = diagnosis.ruled_out.iter().map(|row| RuledOutRow {
        class: row.class.letter(),
        name: row.class.name(),
        by: words::sentence(&exclusions::exclusion(row)),
        fact: one(&row.by),
    });
    (rows.collect(), ruled_out.collect(), diagnosis.open.iter().map(|question| words::sentence(&open::open_question(question))).collect())
}

/// The findings that no class is named for.
pub(super) fn patterns(diagnosis: &Diagnosis) -> Vec<PatternRow> {
    let row = |pattern: &Pattern| PatternRow {
        kind: pattern.kind(),
        statement: words::sentence(&patterns::statement(pattern)),
        possible: pattern.possible().iter().map(|class| class.letter()).collect(),
        possible_named: pattern.possible().iter().map(|class| class.named()).collect(),
        ask_next: patterns::ask_next(pattern),
        fact: one(pattern),
    };
    diagnosis.patterns.iter().map(row).collect()
}

fn one(finding: &impl Serialize) -> Value {
    sentences::facts(std::slice::from_ref(&finding)).pop().unwrap_or_default()
}
