//! The table of classes and outcomes, and the trials that are to be looked at.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use serde_json::{Value, json};

use crate::analysis::diagnosis::{Cause, Diagnosis};
use crate::cli::commands::matrix::sizes::measures::Measure;
use crate::cli::commands::matrix::sizes::{Tried, twins};
use crate::model::fault::FaultClass;
use crate::run::sweep::{Group, Outcome};

/// How a row of the table is called.
pub(super) fn row(group: Group) -> &'static str {
    match group {
        Group::Healthy => "healthy",
        Group::One(class) => class.letter(),
        Group::Pair => "pairs",
    }
}

pub(super) fn markdown(tried: &[Tried], measures: &[Measure], seeds: &Range<u64>) -> String {
    let mut rows: BTreeMap<Group, Vec<&Tried>> = BTreeMap::new();
    for tried in tried {
        rows.entry(tried.case.group).or_default().push(tried);
    }
    let mut text = heading();
    for (group, tried) in &rows {
        push_row(&mut text, row(*group), tried);
    }
    push_row(&mut text, "all", &tried.iter().collect::<Vec<_>>());
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "\n{} trials, {}.\n\n| measure | trials | share | limit | |\n| --- | --: | --: | --: | --- |",
        tried.len(),
        named(seeds)
    );
    for measure in measures {
        let Measure { name, trials, of, limit, at_most } = measure;
        let limit = if *at_most { format!("≤ {limit} %") } else { format!("≥ {limit} %") };
        let met = if measure.is_met() { "met" } else { "missed" };
        let _ = writeln!(text, "| {name} | {trials} of {of} | {:.1} % | {limit} | {met} |", measure.percent());
    }
    let mut to_be_seen: Vec<&Tried> =
        tried.iter().filter(|tried| !matches!(tried.trial.outcome, Outcome::Right | Outcome::Faint)).collect();
    to_be_seen.sort_by_key(|tried| (std::cmp::Reverse(tried.trial.outcome), tried.case.group));
    if !to_be_seen.is_empty() {
        text.push('\n');
    }
    for tried in to_be_seen {
        let _ = writeln!(text, "- {}", line(tried));
    }
    twins::push(&mut text, tried);
    text
}

/// Which seeds: the sizes follow from them.
fn named(seeds: &Range<u64>) -> String {
    let last = seeds.end.saturating_sub(1);
    if seeds.start == last { format!("seed {last}") } else { format!("seeds {} to {last}", seeds.start) }
}

fn heading() -> String {
    let names: Vec<&str> = Outcome::ALL.into_iter().map(Outcome::name).collect();
    format!("| class | trials | {} | right |\n| --- | --: |{} --: |\n", names.join(" | "), " --: |".repeat(names.len()))
}

fn push_row(text: &mut String, name: &str, tried: &[&Tried]) {
    let count = |outcome: Outcome| tried.iter().filter(|tried| tried.trial.outcome == outcome).count();
    let cells: Vec<String> = Outcome::ALL.into_iter().map(|outcome| count(outcome).to_string()).collect();
    let right = 100.0 * count(Outcome::Right) as f64 / tried.len().max(1) as f64;
    let _ = writeln!(text, "| {name} | {} | {} | {right:.0} % |", tried.len(), cells.join(" | "));
}

/// One trial in a line: what was there, and what was said of it.
fn line(tried: &Tried) -> String {
    let Tried { case, trial } = tried;
    let possible: Vec<&str> = trial.diagnosis.possible().into_iter().map(FaultClass::letter).collect();
    let answer = answer(&trial.diagnosis);
    let seed = trial.seed;
    let there: Vec<&str> = case.classes.iter().map(|class| class.letter()).collect();
    format!(
        "{}: {} ({}), seed {seed}: {}, {}; possible: {}",
        trial.outcome.name(),
        if there.is_empty() { "healthy".to_owned() } else { there.join(" and ") },
        case.settings(),
        trial.verdict.word(),
        if answer.is_empty() { "no class".to_owned() } else { answer },
        if possible.is_empty() { "–".to_owned() } else { possible.join(" ") },
    )
}

fn answer(diagnosis: &Diagnosis) -> String {
    let named = |cause: &Cause| {
        let letters: Vec<&str> = cause.classes().map(FaultClass::letter).collect();
        format!("{} {}", letters.join(" or "), cause.strength.word())
    };
    diagnosis.causes.iter().map(named).collect::<Vec<_>>().join(", ")
}

pub(super) fn json(tried: &[Tried], measures: &[Measure]) -> String {
    let trials: Vec<Value> = tried.iter().map(trial).collect();
    let measures: Vec<Value> = measures
        .iter()
        .map(|measure| json!({"name": measure.name, "trials": measure.trials, "of": measure.of, "limit_percent": measure.limit, "at_most": measure.at_most, "met": measure.is_met()}))
        .collect();
    format!("{:#}\n", json!({"measures": measures, "trials": trials}))
}

fn trial(tried: &Tried) -> Value {
    let Tried { case, trial } = tried;
    let knobs: serde_json::Map<String, Value> =
        case.knobs.iter().map(|(knob, value)| ((*knob).to_owned(), value.as_str().into())).collect();
    let causes: Vec<Value> = trial
        .diagnosis
        .causes
        .iter()
        .map(|cause| json!({"class": cause.class, "or": cause.or, "strength": cause.strength.word()}))
        .collect();
    json!({
        "row": row(case.group), "settings": knobs, "seed": trial.seed, "classes": case.classes, "also": case.also, "alike": case.alike,
        "verdict": trial.verdict, "causes": causes, "possible": trial.diagnosis.possible(), "outcome": trial.outcome.name(),
        "twin": trial.twin.as_ref().map(twins::json),
    })
}
