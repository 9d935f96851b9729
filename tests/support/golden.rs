//! Reading the golden answers; shared by the statistics tests.

use serde_json::Value;

pub fn text(name: &str) -> String {
    let path = format!("{}/fixtures/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub fn json(name: &str) -> Value {
    serde_json::from_str(&text(name)).unwrap()
}

/// A number, or a decimal string, or "Inf".
pub fn number(value: &Value) -> f64 {
    match value {
        Value::Number(number) => number.as_f64().unwrap(),
        Value::String(text) => real(text),
        other => panic!("no number: {other}"),
    }
}

pub fn real(text: &str) -> f64 {
    if text == "Inf" { f64::INFINITY } else { text.parse().unwrap_or_else(|_| panic!("{text}")) }
}

/// The rows of a comma-separated text, without its heading.
pub fn rows(text: &str) -> Vec<Vec<String>> {
    text.lines()
        .skip(1)
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.split(',').map(|cell| cell.trim().trim_matches('"').to_owned()).collect())
        .collect()
}

pub fn close(ours: f64, golden: f64, tolerance: f64, what: &str) {
    assert!((ours - golden).abs() <= tolerance, "{what}: {ours} instead of {golden}");
}

/// The text of a data set that is not redistributed with this project, or `None` with a printed line when `STATUSGAP_GOLDEN_DIR` does not name one.
pub fn withheld(file: &str) -> Option<String> {
    let Ok(folder) = std::env::var("STATUSGAP_GOLDEN_DIR") else {
        super::skip::skipped(&format!("{file} is not redistributed and STATUSGAP_GOLDEN_DIR names no folder"));
        return None;
    };
    let path = format!("{folder}/{file}");
    Some(std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}")))
}
