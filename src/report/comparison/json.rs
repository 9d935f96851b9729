//! The comparison as JSON, `statusgap.comparison/1`: what other programs read.

use serde_json::{Value, json as value};

use crate::analysis::compare::units::Layout;
use crate::report::comparison::{Told, told};
use crate::report::words;
use crate::verdict::comparison::{Comparison, Finding, RunNote, ScenarioComparison, Subject};

/// The comparison. Times are in milliseconds and end in `_ms`, shares are of 0 to 1; `null` stands for what cannot be told. Ends with
/// a newline.
pub fn json(comparison: &Comparison) -> String {
    let told = Told::of(comparison);
    let criteria = &comparison.criteria;
    let document = value!({
        "schema": "statusgap.comparison/1",
        "outcome": comparison.outcome.word(),
        "headline": told.headline,
        "base": run(&comparison.base),
        "new": run(&comparison.new),
        "layout": match comparison.layout { Layout::Apart => "apart", Layout::Pairs => "pairs" },
        "criteria": {
            "alpha": criteria.alpha,
            "min_rate": criteria.min_rate.0,
            "min_window": { "share": criteria.min_window.share.0, "floor_ms": criteria.min_window.floor.as_ms() },
            "min_latency": { "share": criteria.min_latency.share.0, "floor_ms": criteria.min_latency.floor.as_ms() },
            "seed": criteria.seed,
        },
        "tests": comparison.tests,
        "blocked": comparison.blocked.iter().map(|why| words::sentence(why)).collect::<Vec<_>>(),
        "notes": told.notes,
        "open": told.open,
        "scenarios": comparison.scenarios.iter().map(scenario).collect::<Vec<_>>(),
    });
    // Values made of maps, strings and finite numbers always have a text.
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}

fn run(run: &RunNote) -> Value {
    value!({ "target": words::name(&run.target), "started": words::name(&run.started), "tool": words::name(&run.tool) })
}

fn scenario(scenario: &ScenarioComparison) -> Value {
    value!({
        "name": words::name(&scenario.name),
        "not_compared": scenario.not_compared.as_deref().map(words::sentence),
        "left_out": scenario.left_out.iter().map(|why| words::sentence(why)).collect::<Vec<_>>(),
        "together": scenario.together,
        "findings": scenario.findings.iter().map(finding).collect::<Vec<_>>(),
    })
}

fn finding(finding: &Finding) -> Value {
    let (kind, unit) = match &finding.subject {
        Subject::Denied { .. } => ("denied", "share"),
        Subject::Flapping => ("flapping", "share"),
        Subject::Window => ("window", "ms"),
        Subject::RoundTrip { .. } => ("round_trip", "ms"),
    };
    let mut out = value!({
        "subject": kind,
        "told": told::subject(&finding.subject),
        "unit": unit,
        "base": number(finding.base),
        "new": number(finding.new),
        "base_scans": finding.base_scans,
        "new_scans": finding.new_scans,
        "minimum": number(finding.minimum),
        "p_worse": finding.p_worse.map(number),
        "p_better": finding.p_better.map(number),
        "change": finding.change.word(),
        "needs_scans": finding.needs,
    });
    match &finding.subject {
        Subject::Denied { arm, connection, at } => {
            out["arm"] = words::name(arm).into();
            out["connection"] = connection.word().into();
            out["at_ms"] = number(at.as_ms());
        }
        Subject::RoundTrip { kind, connection } => {
            out["exchange"] = kind.word().into();
            out["connection"] = connection.word().into();
        }
        Subject::Flapping | Subject::Window => {}
    }
    out
}

/// Six significant digits: the same text everywhere.
fn number(value: f64) -> Value {
    format!("{value:.5e}")
        .parse::<f64>()
        .ok()
        .and_then(|value| serde_json::Number::from_f64(value + 0.0))
        .map_or(Value::Null, Value::Number)
}
