//! The published schemas against what they describe: shipped files, the sample log, the sample results. Read by somebody
//! else's validator, the crate `jsonschema`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn schema(form: &str) -> Value {
    let told = Command::new(env!("CARGO_BIN_EXE_statusgap")).args(["schema", form]).output().expect("the binary runs");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    serde_json::from_slice(&told.stdout).expect("a schema is JSON")
}

/// What the schema has against a value; empty if nothing.
fn complaints(schema: &Value, value: &Value) -> Vec<String> {
    let validator = jsonschema::draft202012::new(schema).expect("a right schema");
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn toml_files(folder: &str) -> Vec<(PathBuf, Value)> {
    let mut found: Vec<_> = fs::read_dir(root().join(folder))
        .expect("a folder of the repository")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a readable file");
            let value = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            (path, value)
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(!found.is_empty(), "{folder} has no files");
    found
}

#[track_caller]
fn takes(schema: &Value, name: &str, value: &Value) {
    let complaints = complaints(schema, value);
    assert!(complaints.is_empty(), "{name}: {complaints:#?}");
}

#[track_caller]
fn refuses(schema: &Value, value: &Value, what: &str) {
    assert!(!complaints(schema, value).is_empty(), "{what} is taken");
}

#[test]
fn every_schema_is_one_and_names_itself() {
    for form in ["log", "result", "comparison", "trend", "latency", "scenario", "target", "allow", "baseline"] {
        let schema = schema(form);
        // Editors refuse a relative identity, and files in TOML are what they edit.
        let is_edited = ["scenario", "target", "allow"].contains(&form);
        assert_eq!(schema["$id"], if is_edited { Value::Null } else { format!("statusgap.{form}/1").into() });
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert!(jsonschema::meta::is_valid(&schema), "{form}");
    }
}

/// Editors find it by the first line of the shipped target files.
#[test]
fn the_schema_beside_the_shipped_target_files_is_the_programs_own() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/targets");
    let text = std::fs::read_to_string(folder.join("target.schema.json")).expect("the shipped schema");
    let shipped: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(shipped, schema("target"), "write it anew: statusgap schema target > scenarios/targets/target.schema.json");
    for file in ["template.toml", "opportunity-scan.toml"] {
        let text = std::fs::read_to_string(folder.join(file)).expect("a shipped target file");
        assert!(text.starts_with("#:schema target.schema.json\n"), "{file}");
    }
}

#[test]
fn the_shipped_scenarios_are_taken_and_a_wrong_one_is_refused() {
    let schema = schema("scenario");
    let files = toml_files("scenarios");
    for (path, value) in &files {
        takes(&schema, &path.display().to_string(), value);
    }
    let right = &files[0].1;
    for (key, wrong, what) in [
        ("scan", Value::from(1), "an unknown key"),
        ("name", Value::Null, "a name that is none"),
        ("load", serde_json::json!({ "model": "opened" }), "an unknown model"),
        ("polls", serde_json::json!({ "offsets": ["100"] }), "an offset without a unit"),
        ("expect", serde_json::json!({ "not_found": { "at_most": 2 } }), "a rate above one"),
    ] {
        let mut value = right.clone();
        value[key] = wrong;
        refuses(&schema, &value, what);
    }
}

#[test]
fn the_shipped_targets_are_taken_and_a_wrong_one_is_refused() {
    let schema = schema("target");
    let files = toml_files("scenarios/targets");
    for (path, value) in files.iter().chain(&toml_files("fixtures/services")) {
        takes(&schema, &path.display().to_string(), value);
    }
    let right = &files[0].1;
    let mut without_status = right.clone();
    without_status.as_object_mut().expect("a table").remove("status");
    refuses(&schema, &without_status, "a target without a status endpoint");
    let mut wrong_code = right.clone();
    wrong_code["initiate"]["accept"] = serde_json::json!([2000]);
    refuses(&schema, &wrong_code, "a status code of four digits");
}

#[test]
fn every_line_of_the_sample_log_is_taken_and_a_wrong_one_is_refused() {
    let schema = schema("log");
    let validator = jsonschema::draft202012::new(&schema).expect("a right schema");
    let text = fs::read_to_string(root().join("fixtures/logs/deferred.ndjson")).expect("the sample log");
    let mut lines = 0;
    for (number, line) in text.lines().enumerate() {
        let value: Value = serde_json::from_str(line).expect("a line of JSON");
        let complaints: Vec<String> = validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(complaints.is_empty(), "line {}: {complaints:#?}", number + 1);
        lines += 1;
        if number == 1 {
            for (key, wrong) in [("kind", Value::from("glance")), ("sent", Value::from("soon")), ("line", Value::from("remark"))] {
                let mut value = value.clone();
                value[key] = wrong;
                refuses(&schema, &value, key);
            }
        }
    }
    assert!(lines > 100, "{lines} lines");
}

#[test]
fn the_sample_results_are_taken_and_wrong_ones_are_refused() {
    for (form, sample, key) in
        [("result", "sample.json", "verdict"), ("trend", "sample.trend.json", "runs"), ("latency", "sample.latency.json", "runs")]
    {
        let schema = schema(form);
        let text = fs::read_to_string(root().join("reports").join(sample)).expect("the sample");
        let right: Value = serde_json::from_str(&text).expect("JSON");
        takes(&schema, sample, &right);
        for (key, wrong) in [(key, Value::from("perhaps")), ("schema", Value::from("statusgap.other/1"))] {
            let mut value = right.clone();
            value[key] = wrong;
            refuses(&schema, &value, key);
        }
        if form == "result" {
            let mut value = right.clone();
            value["diagnosis"][0]["facts"][0]["kind"] = Value::from("hunch");
            refuses(&schema, &value, "a fact of no kind");
        }
    }
}

/// TOML as its readers hand it to a validator of JSON: dates are texts.
fn as_json(value: toml::Value) -> Value {
    match value {
        toml::Value::Datetime(date) => date.to_string().into(),
        toml::Value::Array(list) => list.into_iter().map(as_json).collect(),
        toml::Value::Table(table) => table.into_iter().map(|(key, value)| (key, as_json(value))).collect(),
        plain => serde_json::to_value(plain).expect("plain data"),
    }
}

#[test]
fn known_failures_are_taken_and_what_leaves_something_open_is_refused() {
    let schema = schema("allow");
    let page = fs::read_to_string(root().join("docs/ci.md")).expect("the page on CI");
    let shown = page.split("```toml\n").find(|block| block.starts_with("[[allow]]")).expect("an example of [[allow]]");
    let shown = shown.split("```").next().expect("a block");
    let guarantee = "[[allow]]\nscenario = 'x'\nguarantee = 'promptness'\nreason = 'y'\nexpires = 2026-12-31\n";
    let right = |text: &str| as_json(toml::Value::Table(text.parse().expect("TOML")));
    for text in [shown, guarantee, ""] {
        takes(&schema, text, &right(text));
    }
    for (from, to, what) in [
        ("reason = 'y'\n", "", "no reason"),
        ("expires = 2026-12-31\n", "", "no end"),
        ("expires = 2026-12-31", "expires = 3", "a day that is none"),
        ("guarantee = 'promptness'", "guarantee = 'promptnes'", "a mistyped guarantee"),
        ("guarantee = 'promptness'", "not_found = ['100']", "an offset without a unit"),
        ("scenario = 'x'", "scenarios = ['x']", "an unknown key"),
    ] {
        refuses(&schema, &right(&guarantee.replace(from, to)), what);
    }
}

#[test]
fn a_baseline_and_a_comparison_with_it_are_taken_and_wrong_ones_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |arguments: &str| {
        let words = ["run", "immediate", "--virtual", "-q"].into_iter().chain(arguments.split_whitespace());
        let ended = Command::new(env!("CARGO_BIN_EXE_statusgap")).args(words).current_dir(folder.path()).output().expect("the binary runs");
        assert!(ended.status.code().is_some_and(|code| code < 2), "{}", String::from_utf8_lossy(&ended.stderr));
    };
    run("--service sound --seed 1 --out a --save-baseline base.json");
    run("--service zoo-a --seed 2 --out b --baseline base.json");
    let read =
        |name: &str| -> Value { serde_json::from_str(&fs::read_to_string(folder.path().join(name)).expect("a file")).expect("JSON") };
    for (form, name, wrong) in [
        (
            "baseline",
            "base.json",
            [("/scenarios/0/rates/0/connection", Value::from("slow")), ("/scenarios/0/windows/brackets/0", 1.into())],
        ),
        ("comparison", "b/comparison.json", [("/outcome", "perhaps".into()), ("/scenarios/0/findings/0/change", "worst".into())]),
    ] {
        let (schema, right) = (schema(form), read(name));
        takes(&schema, name, &right);
        let version = ("/schema", Value::from("statusgap.other/1"));
        for (place, wrong) in wrong.into_iter().chain([version]) {
            let mut value = right.clone();
            *value.pointer_mut(place).unwrap_or_else(|| panic!("{name} has no {place}")) = wrong;
            refuses(&schema, &value, place);
        }
    }
}
