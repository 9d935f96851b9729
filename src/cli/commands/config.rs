//! `statusgap config`: which value each option has, and where it is from.

use std::ffi::OsString;
use std::fmt::Write as _;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::cli::args::global::GlobalArgs;
use crate::cli::args::parser::parser;
use crate::cli::args::repeat::without_token;
use crate::cli::config::{Effective, Origin, Refused, Setting, Sources, effective};
use crate::cli::error::CliError;
use crate::cli::terminal::output;
use crate::cli::{Ended, config};
use crate::model::redaction::without_password;
use crate::verdict::Exit;

/// Shows each option's value and where it is from: flag, environment, statusgap.toml, or built in.
///
/// Flags are stronger than the environment, that is stronger than the file. A key of the file is an option's name with _ for
/// -: at the top for the commands that probe, below `[COMMAND]` for one command. The variable of `max_rps` is
/// `STATUSGAP_MAX_RPS`, that for `run` alone `STATUSGAP_RUN_MAX_RPS`. Paths in the file are relative to the file.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// How the values are written
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "table")]
    format: ConfigFormat,
    /// The command whose options are shown, with any options of its own
    #[arg(value_name = "COMMAND", default_value = "run", trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

/// How the values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ConfigFormat {
    /// For reading
    Table,
    /// For programs
    Json,
}

/// Runs the command.
pub fn run(args: &ConfigArgs, global: &GlobalArgs, sources: &Sources<'_>) -> Ended {
    // What is asked about is not run, so it may lack what it could not run without.
    let mut parser = parser();
    let names: Vec<String> = parser.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    for name in names {
        parser = parser.mut_subcommand(name, |command| command.mut_args(|arg| arg.required(false)));
    }
    let file = global.config.iter().flat_map(|path| [OsString::from("--config"), path.as_os_str().to_owned()]);
    let words: Vec<OsString> = [OsString::from("statusgap")].into_iter().chain(file).chain(args.command.iter().cloned()).collect();
    let found = effective(&words, &parser, sources).and_then(|found| match parser.try_get_matches_from(&found.words) {
        Ok(_) => Ok(found),
        Err(error) => Err(Refused::Usage(error)),
    });
    let found = match found {
        Ok(found) => found,
        Err(Refused::Default(error)) => return Err(error),
        Err(Refused::Usage(error)) => {
            let told = error.to_string();
            let told = told.strip_prefix("error: ").unwrap_or(&told).lines().next().unwrap_or_default().to_owned();
            return Err(CliError::usage(told, "statusgap config [COMMAND [ARGUMENTS]], as in: statusgap config run --max-rps 3"));
        }
    };
    if found.settings.is_empty() {
        return Err(CliError::usage("this command takes no defaults", "name another one, such as run, reproduce or serve"));
    }
    output::print(&match args.format {
        ConfigFormat::Table => table(&found),
        ConfigFormat::Json => json_of(&found),
    })?;
    Ok(Exit::Pass)
}

/// The values as they may be shown: a build's log is public.
fn shown(setting: &Setting) -> Vec<String> {
    setting
        .values
        .iter()
        .map(|value| if setting.key == "user" { without_token(value) } else { without_password(value).into_owned() })
        .collect()
}

fn is_on(setting: &Setting) -> bool {
    setting.values.iter().all(String::is_empty)
}

fn table(found: &Effective) -> String {
    let mut text = match &found.file {
        Some(file) => format!("{file} was read\n\n"),
        None => format!("no {} in this folder or above it in the repository\n\n", config::NAME),
    };
    let rows: Vec<[String; 3]> = found
        .settings
        .iter()
        .map(|setting| {
            let value = match setting.values.as_slice() {
                [] => "–".to_owned(),
                _ if is_on(setting) => "true".to_owned(),
                _ => shown(setting).join(" "),
            };
            let yields = setting.yields.as_ref().map_or_else(String::new, |told| format!(", {told}"));
            [setting.key.clone(), value, format!("{}{yields}", setting.origin)]
        })
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let (key, value) = (width(0), width(1));
    for row in &rows {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:<key$}  {:<value$}  {}", row[0], row[1], row[2]);
    }
    text
}

fn json_of(found: &Effective) -> String {
    let settings: serde_json::Map<String, Value> = found
        .settings
        .iter()
        .map(|setting| {
            let value = match setting.values.as_slice() {
                [] => Value::Null,
                _ if is_on(setting) => Value::Bool(true),
                [_] => Value::from(shown(setting).remove(0)),
                _ => Value::from(shown(setting)),
            };
            let from = match &setting.origin {
                Origin::Flag => json!({ "kind": "flag" }),
                Origin::Environment { variable } => json!({ "kind": "environment", "variable": variable }),
                Origin::File { path, line } => json!({ "kind": "file", "path": path, "line": line }),
                Origin::BuiltIn => json!({ "kind": "default" }),
            };
            let mut object = json!({ "value": value, "from": from });
            if let Some(told) = &setting.yields {
                object["yields"] = Value::from(told.as_str());
            }
            (setting.key.clone(), object)
        })
        .collect();
    format!("{:#}\n", json!({ "schema": "statusgap.config/1", "file": found.file, "settings": settings }))
}
