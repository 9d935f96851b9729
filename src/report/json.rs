//! The result as JSON, `statusgap.result/1`: what other programs read.

use serde_json::{Map, Value, json};

use crate::model::exchange::Kind;
use crate::model::shard::Share;
use crate::report::view::{GuaranteeRow, Mark, RoundTrip, ScenarioRow, Standing, View, WindowView};

/// The result of a run. Times are in milliseconds and end in `_ms`; a number that must not be told is `null`, with the
/// reason beside it. Ends with a newline.
pub fn json(view: &View) -> String {
    let value = result(view);
    // Values made of maps, strings and finite numbers always have a text.
    let mut text = serde_json::to_string_pretty(&value).unwrap_or_default();
    text.push('\n');
    text
}

fn result(view: &View) -> Value {
    let run = &view.run;
    json!({
        "schema": "statusgap.result/1",
        "verdict": view.verdict.word(),
        "headline": view.headline,
        "reasons": view.reasons,
        "notices": view.notices,
        "assessable": view.assessable,
        "complete": run.complete,
        "target": run.target,
        "base_url": run.base_url,
        "service": run.service,
        "run_id": run.run_id,
        "started": run.started,
        "tool": run.tool,
        "seed": run.seed,
        "command": run.command,
        "shard": run.shard.as_ref().map(share),
        "exchanges": run.exchanges,
        "scenarios": view.scenarios.iter().map(scenario).collect::<Vec<_>>(),
        "window": window(&view.window),
        "guarantees": guarantees(&view.guarantees),
        "diagnosis": view.causes.iter().map(|cause| json!({
            "class": cause.class,
            "name": cause.name,
            "strength": cause.strength,
            "evidence": cause.evidence,
            "mechanism": cause.mechanism,
            "cure": cause.cure,
        })).collect::<Vec<_>>(),
        "ruled_out": view.ruled_out.iter().map(|row| json!({ "class": row.class, "name": row.name, "by": row.by })).collect::<Vec<_>>(),
        "undecided": view.undecided,
        "latency_ms": latency(view),
        "timeline": timeline(view),
        "punctuality": {
            "polls": view.punctuality.polls,
            "p50_ms": ms(view.punctuality.p50_ms),
            "p99_ms": ms(view.punctuality.p99_ms),
            "max_ms": ms(view.punctuality.max_ms),
        },
        "unseen": view.unseen,
        "next_step": view.next_step,
    })
}

/// One shard by its index, a merged run by the shards that are in it; both count from 0.
fn share(share: &Share) -> Value {
    match share {
        Share::Shard(shard) => json!({ "index": shard.index, "of": shard.of }),
        Share::Merged(merged) => {
            let here: Vec<u32> = merged.parts.iter().map(|part| part.index).collect();
            json!({ "of": merged.of, "merged": here, "missing": share.missing() })
        }
    }
}

fn scenario(row: &ScenarioRow) -> Value {
    let offsets: Vec<Value> = row
        .offsets
        .iter()
        .map(|offset| {
            json!({
                "at_ms": ms(offset.at_ms),
                "arm": offset.arm,
                "connection": offset.connection.word(),
                "polls": offset.polls,
                "not_found": offset.not_found,
                "other": offset.other,
                "late": offset.late,
                "rate": offset.rate.map(significant),
                "scans": offset.scans,
                "scans_denied": offset.scans_denied,
                "lower": significant(offset.lower),
                "upper": significant(offset.upper),
            })
        })
        .collect();
    json!({
        "name": row.name,
        "title": row.title,
        "verdict": row.verdict.word(),
        "reasons": row.reasons,
        "initiates": row.initiates,
        "accepted": row.accepted,
        "polls": row.polls,
        "could_miss": row.could_miss.map(significant),
        "power": row.power,
        "offsets": offsets,
        "window": window(&row.window),
        "guarantees": guarantees(&row.guarantees),
    })
}

/// A quantile of which too few scans were seen, or that lies beyond what was watched, is `null` in `quantiles_ms`; its
/// reason stands in `quantile_notes`, as does that of one that is an interval rather than a number. A limit that is `null` is
/// not finite. `share` is what is visible for certain, `share_to` what may be.
fn window(view: &WindowView) -> Value {
    let (mut quantiles, mut limits, mut notes) = (Map::new(), Map::new(), Map::new());
    for row in &view.quantiles {
        let estimate = if row.told_at_all { json!([ms(row.from_ms), row.to_ms.map(ms)]) } else { Value::Null };
        quantiles.insert(row.key.clone(), estimate);
        limits.insert(row.key.clone(), json!([ms(row.lower_ms), row.upper_ms.map(ms)]));
        if let Some(note) = &row.note {
            notes.insert(row.key.clone(), Value::from(note.as_str()));
        }
    }
    let visible_by: Vec<Value> = view
        .visible_by
        .iter()
        .map(|by| {
            json!({
                "t_ms": ms(by.t_ms),
                "share": significant(by.share_from),
                "share_to": significant(by.share_to),
                "lower": significant(by.lower),
                "upper": significant(by.upper),
            })
        })
        .collect();
    let curve: Vec<Value> = view
        .curve
        .iter()
        .map(|point| json!({ "from_ms": ms(point.from_ms), "to_ms": point.to_ms.map(ms), "mass": significant(point.mass) }))
        .collect();
    json!({
        "scans": view.scans,
        "denied": view.denied,
        "flapping": view.flapping,
        "never_visible": view.never_visible,
        "no_evidence": view.no_evidence,
        "visible_by": visible_by,
        "quantiles_ms": quantiles,
        "quantiles_limits_ms": limits,
        "quantile_notes": notes,
        "first_poll_safe": { "p": view.safe.p, "ms": view.safe.ms.map(ms), "told": view.safe.told },
        "curve": curve,
        "estimate": view.estimate.as_ref().map(|note| json!({
            "method": note.method,
            "kkt_gap": significant(note.kkt_gap),
            "unique": note.unique,
        })),
    })
}

fn guarantees(rows: &[GuaranteeRow]) -> Vec<Value> {
    rows.iter()
        .map(|row| {
            let mut value = json!({
                "code": row.code,
                "name": row.name,
                "verdict": row.standing.word(),
                "checked": row.checked,
                "broken": row.broken,
                "evidence": row.evidence,
            });
            if let Standing::NotAssessed(why) = &row.standing {
                value["why"] = Value::from(why.as_str());
            }
            value
        })
        .collect()
}

fn latency(view: &View) -> Map<String, Value> {
    view.latency
        .iter()
        .map(|row| {
            let mut value = round_trip(&row.sent);
            value["corrected"] = round_trip(&row.planned);
            (row.name.clone(), value)
        })
        .collect()
}

fn round_trip(trip: &RoundTrip) -> Value {
    json!({ "p50": ms(trip.p50), "p90": ms(trip.p90), "p99": trip.p99.map(ms), "max": ms(trip.max), "count": trip.count })
}

fn timeline(view: &View) -> Value {
    let Some(timeline) = &view.timeline else { return Value::Null };
    let steps: Vec<Value> = timeline
        .steps
        .iter()
        .map(|step| {
            json!({
                "at_ms": ms(step.at_ms),
                "until_ms": ms(step.until_ms),
                "times": step.times,
                "asked": step.asked,
                "connection": step.kind.map(|_| step.connection.word()),
                "told": step.told,
                "denied": step.kind == Some(Kind::Poll) && step.mark == Mark::Fails,
                "worker": step.worker,
            })
        })
        .collect();
    json!({ "scan": timeline.scan, "scenario": timeline.scenario, "id": timeline.id, "steps": steps })
}

/// Milliseconds to a tenth of a microsecond: finer than any clock here, coarse enough to be the same text everywhere.
fn ms(value: f64) -> Value {
    number((value * 1e4).round() / 1e4)
}

/// Six significant digits.
fn significant(value: f64) -> Value {
    format!("{value:.5e}").parse().map_or(Value::Null, number)
}

/// A finite number; JSON has no other.
fn number(value: f64) -> Value {
    // Minus zero is zero to every reader but a text comparison.
    serde_json::Number::from_f64(value + 0.0).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
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
        assert_eq!(result["window"]["quantiles_ms"]["p50"], json!([1998.2, 2001.05]));
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
        assert_eq!(ms(1_998.200_049_999).to_string(), "1998.2");
        assert_eq!(significant(0.928_865_123).to_string(), "0.928865");
        assert_eq!(significant(-0.0).to_string(), "0.0");
        assert_eq!(ms(f64::INFINITY), Value::Null);
    }
}
