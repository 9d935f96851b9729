//! YAML as JSON, as far as documents about APIs have it.

use saphyr::{LoadableYamlNode, Yaml};
use serde_json::Value;

/// How deep values may stand in one another.
const DEEPEST: usize = 100;

/// The first document of a text. The error is a fragment with its line.
pub(super) fn read(text: &str) -> Result<Value, String> {
    // Aliases are copied where they stand, so that a short text could become a long one.
    const LONGEST: usize = 20 << 20;
    if text.len() > LONGEST {
        return Err(format!("it has {} bytes, and {LONGEST} are read at most", text.len()));
    }
    if text.matches(": *").count() + text.matches("- *").count() > 1000 {
        return Err("it has too many aliases".to_owned());
    }
    let documents = Yaml::load_from_str(text).map_err(|error| error.to_string())?;
    documents.first().map_or(Ok(Value::Null), |document| json_of(document, 0))
}

fn json_of(yaml: &Yaml<'_>, depth: usize) -> Result<Value, String> {
    if depth > DEEPEST {
        return Err(format!("values stand more than {DEEPEST} deep in one another"));
    }
    if let Some(text) = yaml.as_str() {
        return Ok(text.into());
    }
    if let Some(number) = yaml.as_integer() {
        return Ok(number.into());
    }
    if let Some(truth) = yaml.as_bool() {
        return Ok(truth.into());
    }
    if let Some(number) = yaml.as_floating_point() {
        return Ok(serde_json::Number::from_f64(number).map_or(Value::Null, Value::Number));
    }
    if let Some(items) = yaml.as_sequence() {
        return items.iter().map(|item| json_of(item, depth + 1)).collect();
    }
    if let Some(members) = yaml.as_mapping() {
        let member = |(key, value): (&Yaml<'_>, &Yaml<'_>)| {
            // Codes of answers are numbers in YAML, and names in JSON.
            let name = match json_of(key, depth + 1)? {
                Value::String(name) => name,
                other => other.to_string(),
            };
            Ok((name, json_of(value, depth + 1)?))
        };
        return members.iter().map(member).collect::<Result<serde_json::Map<_, _>, String>>().map(Value::Object);
    }
    Ok(Value::Null)
}
