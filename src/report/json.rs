//! The result as JSON, `statusgap.result/1`: what other programs read. Its form stands in `result`.

use schemars::Schema;

use crate::analysis::gate::Bound;
use crate::model::exchange::Kind;
use crate::model::shard::Share;
use crate::report::result::{
    BoundResult, CauseResult, CurveResult, EstimateResult, FirstPollResult, GuaranteeResult, JobsResult, LatencyResult, OffsetResult,
    Ordered, PatternResult, PunctualityResult, RoundTripResult, Rounded, RuledOutResult, RunResult, ScenarioResult, ShareResult,
    StepResult, TimelineResult, VisibleByResult, WindowResult, schema_of,
};
use crate::report::view::{GuaranteeRow, Mark, RoundTrip, ScenarioRow, Standing, Timeline, View, WindowView};

const FORM: &str = "statusgap.result/1";

/// The result of a run. Times are in milliseconds and end in `_ms`; a number that must not be told is `null`, with the
/// reason beside it. Ends with a newline.
pub fn json(view: &View) -> String {
    // Values made of maps with text as keys, strings and numbers always have a text.
    let mut text = serde_json::to_string_pretty(&result(view)).unwrap_or_default();
    text.push('\n');
    text
}

/// The form of what [`json`] writes, as JSON Schema.
pub fn result_schema() -> Schema {
    schema_of::<RunResult<'_>>(FORM)
}

fn result(view: &View) -> RunResult<'_> {
    let run = &view.run;
    RunResult {
        schema: FORM,
        verdict: view.verdict,
        headline: &view.headline,
        reasons: &view.reasons,
        reason_facts: &view.reason_facts,
        notices: &view.notices,
        assessable: view.assessable,
        complete: run.complete,
        target: &run.target,
        base_url: &run.base_url,
        service: run.service.as_deref(),
        run_id: &run.run_id,
        started: &run.started,
        tool: &run.tool,
        seed: run.seed,
        command: &run.command,
        shard: run.shard.as_ref().map(share),
        exchanges: run.exchanges,
        scenarios: view.scenarios.iter().map(scenario).collect(),
        window: window(&view.window),
        guarantees: guarantees(&view.guarantees),
        diagnosis: view
            .causes
            .iter()
            .map(|cause| CauseResult {
                class: cause.class,
                or: &cause.or,
                name: cause.name,
                strength: cause.strength,
                evidence: &cause.evidence,
                facts: &cause.facts,
                mechanism: &cause.mechanism,
                cure: &cause.cure,
            })
            .collect(),
        ruled_out: view
            .ruled_out
            .iter()
            .map(|row| RuledOutResult { class: row.class, name: row.name, by: &row.by, fact: &row.fact })
            .collect(),
        patterns: view
            .patterns
            .iter()
            .map(|row| PatternResult {
                kind: row.kind,
                statement: &row.statement,
                possible: &row.possible,
                ask_next: row.ask_next,
                fact: &row.fact,
            })
            .collect(),
        undecided: &view.undecided,
        undecided_facts: &view.open,
        latency_ms: latency(view),
        timeline: view.timeline.as_ref().map(timeline),
        jobs: JobsResult {
            started: view.jobs_started(),
            at_first_contact: view.contact_jobs,
            not_accepted: view.load.not_accepted,
            ended: view.load.ended,
            unfinished: view.load.unfinished,
            unknown: view.load.unknown,
        },
        punctuality: PunctualityResult {
            polls: view.punctuality.polls,
            p50_ms: view.punctuality.told_p50_ms().map(Rounded::ms),
            p99_ms: view.punctuality.told_p99_ms().map(Rounded::ms),
            max_ms: Rounded::ms(view.punctuality.max_ms),
        },
        unseen: &view.unseen,
        next_step: &view.next_step,
    }
}

/// One shard by its index, a merged run by the shards that are in it; both count from 0.
fn share(share: &Share) -> ShareResult {
    match share {
        Share::Shard(shard) => ShareResult::Shard { index: shard.index, of: shard.of },
        Share::Merged(merged) => {
            ShareResult::Merged { of: merged.of, merged: merged.parts.iter().map(|part| part.index).collect(), missing: share.missing() }
        }
    }
}

fn scenario(row: &ScenarioRow) -> ScenarioResult<'_> {
    let offsets = row
        .offsets
        .iter()
        .map(|offset| OffsetResult {
            at_ms: Rounded::ms(offset.at_ms),
            arm: &offset.arm,
            connection: offset.connection,
            polls: offset.polls,
            not_found: offset.not_found,
            other: offset.other,
            late: offset.late,
            rate: offset.rate.map(Rounded::significant),
            scans: offset.scans,
            scans_denied: offset.scans_denied,
            scans_lost: (offset.scans_lost > 0).then_some(offset.scans_lost),
            lower: Rounded::significant(offset.lower),
            upper: Rounded::significant(offset.upper),
        })
        .collect();
    ScenarioResult {
        name: &row.name,
        title: &row.title,
        verdict: row.verdict,
        reasons: &row.reasons,
        reason_facts: &row.reason_facts,
        initiates: row.initiates,
        accepted: row.accepted,
        polls: row.polls,
        could_miss: row.could_miss.map(Rounded::significant),
        bound: row.bound.as_ref().map(bound),
        power: row.power.as_deref(),
        power_facts: row.power_facts.first(),
        offsets,
        window: window(&row.window),
        guarantees: guarantees(&row.guarantees),
    }
}

fn bound(bound: &Bound) -> BoundResult {
    BoundResult {
        at_ms: bound.at.map(|at| Rounded::ms(at.as_ms())),
        connection: bound.connection,
        scans: bound.scans,
        lost: bound.lost,
        below: Rounded::significant(bound.below),
    }
}

fn window(view: &WindowView) -> WindowResult<'_> {
    let told = view.quantiles.iter().map(|row| {
        let estimate = row.told_at_all.then(|| (Rounded::ms(row.from_ms), row.to_ms.map(Rounded::ms)));
        (row.key.as_str(), estimate)
    });
    let limits = view.quantiles.iter().map(|row| (row.key.as_str(), (Rounded::ms(row.lower_ms), row.upper_ms.map(Rounded::ms))));
    let visible_by = view.visible_by.iter().map(|by| VisibleByResult {
        t_ms: Rounded::ms(by.t_ms),
        share: Rounded::significant(by.share_from),
        share_to: Rounded::significant(by.share_to),
        lower: Rounded::significant(by.lower),
        upper: Rounded::significant(by.upper),
        scans: (by.scans > 0).then_some(by.scans),
    });
    let curve = view.curve.iter().map(|point| CurveResult {
        from_ms: Rounded::ms(point.from_ms),
        to_ms: point.to_ms.map(Rounded::ms),
        mass: Rounded::significant(point.mass),
    });
    WindowResult {
        scans: view.scans,
        denied: view.denied,
        flapping: view.flapping,
        never_visible: view.never_visible,
        no_evidence: view.no_evidence,
        visible_by: visible_by.collect(),
        quantiles_ms: told.collect(),
        quantiles_limits_ms: limits.collect(),
        quantile_notes: view.quantiles.iter().filter_map(|row| Some((row.key.as_str(), row.note.as_deref()?))).collect(),
        first_poll_safe: FirstPollResult {
            p: view.safe.p.map(Rounded::significant),
            ms: view.safe.ms.map(Rounded::ms),
            told: &view.safe.told,
        },
        curve: curve.collect(),
        estimate: view.estimate.as_ref().map(|note| EstimateResult {
            method: &note.method,
            kkt_gap: Rounded::significant(note.kkt_gap),
            unique: note.unique,
        }),
    }
}

fn guarantees(rows: &[GuaranteeRow]) -> Vec<GuaranteeResult<'_>> {
    rows.iter()
        .map(|row| GuaranteeResult {
            code: row.code,
            name: row.name,
            verdict: row.standing.word(),
            checked: row.checked,
            broken: row.broken,
            evidence: &row.evidence,
            facts: &row.facts,
            why: if let Standing::NotAssessed(why) = &row.standing { Some(why) } else { None },
            unclear: &row.unclear,
            unclear_facts: &row.unclear_facts,
        })
        .collect()
}

fn latency(view: &View) -> Ordered<LatencyResult> {
    let rows = view.latency.iter();
    Ordered(
        rows.map(|row| (row.name.clone(), LatencyResult { sent: round_trip(&row.sent), corrected: round_trip(&row.planned) })).collect(),
    )
}

fn round_trip(trip: &RoundTrip) -> RoundTripResult {
    RoundTripResult {
        p50: trip.p50.map(Rounded::ms),
        p90: trip.p90.map(Rounded::ms),
        p95: trip.p95.map(Rounded::ms),
        p99: trip.p99.map(Rounded::ms),
        p999: trip.p999.map(Rounded::ms),
        max: Rounded::ms(trip.max),
        count: trip.count,
    }
}

fn timeline(timeline: &Timeline) -> TimelineResult<'_> {
    let steps = timeline.steps.iter().map(|step| StepResult {
        at_ms: Rounded::ms(step.at_ms),
        until_ms: Rounded::ms(step.until_ms),
        times: step.times,
        asked: &step.asked,
        connection: step.kind.map(|_| step.connection),
        told: &step.told,
        denied: step.kind == Some(Kind::Poll) && step.mark == Mark::Fails,
        worker: step.worker.as_deref(),
    });
    TimelineResult { scan: timeline.scan, scenario: &timeline.scenario, id: timeline.id.as_deref(), steps: steps.collect() }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json as value};

    use super::*;
    use crate::report::samples;

    #[test]
    fn every_kind_of_run_reads_as_in_its_snapshot() {
        for (name, view) in samples::all() {
            insta::assert_snapshot!(name, json(&view));
        }
    }

    #[test]
    fn a_quantile_of_too_few_scans_is_null_with_its_reason() {
        let result: Value = serde_json::from_str(&json(&samples::view(&samples::seed_bug()))).expect("JSON");
        assert_eq!(result["window"]["quantiles_ms"]["p50"], value!([1998.2, 2001.05]));
        assert_eq!(result["window"]["quantiles_ms"]["p99"], Value::Null);
        assert_eq!(result["window"]["quantile_notes"]["p99"], "n too small: 50 of 299 scans");
    }

    #[test]
    fn what_cannot_be_assessed_says_so() {
        let result: Value = serde_json::from_str(&json(&samples::view(&samples::unassessable()))).expect("JSON");
        assert_eq!((&result["assessable"], &result["verdict"]), (&Value::from(false), &Value::from("inconclusive")));
        assert_eq!(result["diagnosis"][0]["class"], "N");
    }

    #[test]
    fn numbers_are_rounded_so_that_equal_logs_give_equal_bytes() {
        let text = |number: Rounded| serde_json::to_string(&number).expect("a number");
        assert_eq!(text(Rounded::ms(1_998.200_049_999)), "1998.2");
        assert_eq!(text(Rounded::significant(0.928_865_123)), "0.928865");
        assert_eq!(text(Rounded::significant(-0.0)), "0.0");
        assert_eq!(text(Rounded::ms(f64::INFINITY)), "null");
    }
}
