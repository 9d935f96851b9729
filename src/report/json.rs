//! The result as JSON, `statusgap.result/1`: what other programs read. The view's rows write themselves; what a row skips is laid out
//! for people alone.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::Serialize;

use crate::report::view::View;

const FORM: &str = "statusgap.result/1";

/// The result of a run.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "The result of a run")]
struct RunResult<'a> {
    /// `statusgap.result/1`
    schema: &'static str,
    #[serde(flatten)]
    view: &'a View,
}

/// The result of a run. Times are in milliseconds and end in `_ms`; a number that must not be told is `null`, with the
/// reason beside it. Ends with a newline.
pub fn json(view: &View) -> String {
    document(&RunResult { schema: FORM, view })
}

/// The form of what [`json`] writes, as JSON Schema.
pub fn result_schema() -> Schema {
    schema_of::<RunResult<'_>>(FORM)
}

/// A document as text that ends with a newline.
pub(super) fn document(form: &impl Serialize) -> String {
    // Maps with text as keys, strings and numbers always have a text.
    serde_json::to_string_pretty(form).unwrap_or_default() + "\n"
}

/// The schema of something that is written, under its name and version.
pub(super) fn schema_of<T: JsonSchema>(id: &'static str) -> Schema {
    let mut schema = SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>();
    schema.insert("$id".to_owned(), id.into());
    // What is written names its own form, so that no reader has to guess.
    if let Some(named) = schema.pointer_mut("/properties/schema") {
        *named = serde_json::json!({ "const": id, "description": "The form of this document." });
    }
    schema
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
}
