//! The rows that are counted rather than told: scenarios, guarantees, round trips, causes.

// Writing to a String cannot fail.
use std::fmt::Write as _;

use std::collections::BTreeMap;

use crate::analysis::Analysis;
use crate::analysis::diagnosis::{Diagnosis, Pattern, Strength};
use crate::analysis::gate::OffsetRate;
use crate::analysis::guarantees::Checked;
use crate::analysis::round_trips::Percentiles;
use crate::analysis::round_trips::RoundTrips;
use crate::model::fault::Owner;
use crate::model::run::Journal;
use crate::report::view::window::Everyone;
use crate::report::view::{
    CauseRow, GuaranteeRow, LatencyRow, OffsetRow, PatternRow, RoundTrip, RuledOutRow, ScenarioRow, Standing, window,
};
use crate::report::words;
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
                source: words::sentence(&scenario.source),
                verdict: judged.verdict,
                reasons: judged.reasons.iter().map(words::reason).collect(),
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
                bound: judged.bound.clone(),
                power: judged.power.clone(),
            }
        })
        .collect()
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
    let standing = if checked.checked == 0 {
        Standing::NotAssessed(words::sentence(checked.not_assessed.as_deref().unwrap_or("nothing was checked")))
    } else if checked.broken > 0 {
        Standing::Broken
    } else {
        Standing::Kept
    };
    GuaranteeRow {
        guarantee: checked.guarantee,
        code: checked.guarantee.code(),
        name: checked.guarantee.name(),
        promise: checked.guarantee.promise(),
        standing,
        checked: checked.checked,
        broken: checked.broken,
        evidence: checked.evidence.iter().map(|proof| words::sentence(&proof.told)).collect(),
        unclear: checked.unclear.iter().map(|unclear| words::sentence(&unclear.told())).collect(),
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
    let causes = diagnosis.causes.iter().map(|cause| CauseRow {
        class: cause.class.letter(),
        or: cause.or.iter().map(|class| class.letter()).collect(),
        named: cause.named(),
        name: cause.title(),
        strength: match cause.strength {
            Strength::Strong => "strong",
            Strength::Moderate => "moderate",
            Strength::Weak => "weak",
        },
        mechanism: cause.mechanism(),
        cure: cause.cure(owner),
        evidence: cause.evidence.iter().map(|told| words::sentence(told)).collect(),
    });
    let ruled_out = diagnosis.ruled_out.iter().map(|row| RuledOutRow {
        class: row.class.letter(),
        name: row.class.name(),
        by: words::sentence(&row.by),
    });
    (causes.collect(), ruled_out.collect(), diagnosis.undecided.iter().map(|told| words::sentence(told)).collect())
}

/// The findings that no class is named for.
pub(super) fn patterns(diagnosis: &Diagnosis) -> Vec<PatternRow> {
    let row = |pattern: &Pattern| PatternRow {
        kind: pattern.kind(),
        statement: words::sentence(&pattern.statement()),
        possible: pattern.possible().iter().map(|class| class.letter()).collect(),
        possible_named: pattern.possible().iter().map(|class| class.named()).collect(),
        ask_next: pattern.ask_next(),
    };
    diagnosis.patterns.iter().map(row).collect()
}
