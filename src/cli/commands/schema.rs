//! `statusgap schema`: the form of what this program reads and writes, as JSON Schema.

use clap::Args;
use clap::builder::PossibleValuesParser;
use schemars::Schema;

use crate::analysis::baseline::{self, Baseline};
use crate::cli::Ended;
use crate::cli::terminal::output;
use crate::model::allow::Allow;
use crate::model::run::Line;
use crate::model::scenario::Scenario;
use crate::report;
use crate::target::Target;
use crate::verdict::Exit;

/// One form: what it is called, and where its schema comes from.
struct Form {
    name: &'static str,
    /// Its identity: the name and the version of the form.
    id: &'static str,
    title: &'static str,
    schema: fn() -> Schema,
}

/// All forms, in the order in which help lists them. Another one is another row.
const FORMS: &[Form] = &[
    Form { name: "log", id: "statusgap.log/1", title: "One line of a statusgap log (NDJSON)", schema: || schemars::schema_for!(Line) },
    Form { name: "result", id: "statusgap.result/1", title: "The result of a run (result.json)", schema: report::result_schema },
    Form {
        name: "comparison",
        id: "statusgap.comparison/1",
        title: "A comparison of two runs (comparison.json)",
        schema: report::comparison::schema,
    },
    Form { name: "trend", id: "statusgap.trend/1", title: "Several runs as a history", schema: report::trend::schema },
    Form { name: "latency", id: "statusgap.latency/1", title: "How long jobs took (latency.json)", schema: report::latency::schema },
    Form { name: "scenario", id: "statusgap.scenario/1", title: "A scenario file (TOML)", schema: Scenario::file_schema },
    Form { name: "target", id: "statusgap.target/1", title: "A target file (TOML)", schema: Target::file_schema },
    Form { name: "allow", id: "statusgap.allow/1", title: "A file of known failures (TOML), for --allow", schema: Allow::file_schema },
    Form { name: "baseline", id: baseline::SCHEMA, title: "What is kept of a run, for --baseline", schema: Baseline::schema },
];

/// Prints the JSON Schema of a form that statusgap reads or writes.
///
/// For editors that complete and check files, and for programs that read results. A schema knows keys and types; what must fit
/// together beyond that is checked by `statusgap check`.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Which form
    #[arg(value_name = "FORM", value_parser = PossibleValuesParser::new(FORMS.iter().map(|form| form.name)))]
    form: String,
}

/// Runs the command.
pub fn run(args: &SchemaArgs) -> Ended {
    if let Some(form) = FORMS.iter().find(|form| form.name == args.form) {
        // A schema is plain JSON, and always has a text.
        let text = serde_json::to_string_pretty(&named(form)).unwrap_or_default();
        output::print(&format!("{text}\n"))?;
    }
    Ok(Exit::Pass)
}

/// The schema with its identity, which stands first for whoever reads it.
fn named(form: &Form) -> serde_json::Map<String, serde_json::Value> {
    let mut made = serde_json::Value::from((form.schema)());
    tidy(&mut made);
    let mut schema = serde_json::Map::new();
    schema.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
    // Editors resolve a relative identity against the schema's own address, and refuse it; these are the files that people edit.
    if !["scenario", "target", "allow"].contains(&form.name) {
        schema.insert("$id".to_owned(), form.id.into());
    }
    schema.insert("title".to_owned(), form.title.into());
    if let serde_json::Value::Object(made) = made {
        for (key, value) in made {
            schema.entry(key).or_insert(value);
        }
    }
    schema
}

/// Descriptions come from the code's documentation, where names link to each other; here they are only names.
fn tidy(schema: &mut serde_json::Value) {
    match schema {
        serde_json::Value::Object(object) => {
            if let Some(serde_json::Value::String(told)) = object.get_mut("description") {
                *told = told.replace("[`", "`").replace("`]", "`").replace('\n', " ");
            }
            object.values_mut().for_each(tidy);
        }
        serde_json::Value::Array(array) => array.iter_mut().for_each(tidy),
        _ => {}
    }
}
