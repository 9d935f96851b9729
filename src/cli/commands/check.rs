//! `statusgap check`: validates scenario and target files and those of known failures, and shows what they would do.

mod live;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::Ended;
use crate::cli::args::some_time;
use crate::cli::args::target::something_else;
use crate::cli::error::CliError;
use crate::cli::terminal::output;
use crate::draft::kind_of;
use crate::model::allow::Allow;
use crate::model::plan::Plan;
use crate::model::run::Capabilities;
use crate::model::scenario::Scenario;
use crate::model::source::{InputError, Source};
use crate::model::time::Span;
use crate::model::wording::{counted, noun, planned_span, share_at_most};
use crate::report::sentences;
use crate::target::{Target, Understood, credentials};
use crate::verdict::Exit;
use crate::verdict::power::sized;

/// Validates scenario and target files and those of known failures, and shows what they mean.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Scenario files, target files, or files for --allow
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Tries a target file with one job, by an ordinary client, and shows how the file reads each answer
    #[arg(long)]
    live: bool,
    /// Starts the job without asking first
    #[arg(long, short, requires = "live")]
    yes: bool,
    /// How long the job is polled at most
    #[arg(long, value_name = "TIME", value_parser = some_time, default_value = "30s", requires = "live")]
    wait: Span,
    /// No notes.
    #[arg(skip)]
    pub quiet: bool,
}

/// Runs the command. All files are checked, and every wrong one is told.
pub fn run(args: &CheckArgs) -> Ended {
    let mut exit = Exit::Pass;
    for path in &args.files {
        match check(path) {
            Ok(told) => {
                output::print(&told)?;
                if args.live {
                    exit = worst(exit, live::check(path, args.yes, args.wait.0, args.quiet)?);
                }
            }
            Err(error) => {
                error.print();
                exit = Exit::Usage;
            }
        }
    }
    Ok(exit)
}

/// Of two ends the one that is worse: a wrong file, then one whose target could not be tried.
fn worst(one: Exit, other: Exit) -> Exit {
    match (one, other) {
        (Exit::Usage, _) | (_, Exit::Usage) => Exit::Usage,
        (Exit::Pass, other) => other,
        (one, _) => one,
    }
}

fn check(path: &Path) -> Result<String, CliError> {
    let text = std::fs::read_to_string(path).map_err(|source| CliError::file("read", path, source))?;
    let name = path.display().to_string();
    let source = Source { file: &name, text: &text };
    // A target says how to initiate; a scenario never does, and allows nothing. What is neither is complained about as a scenario.
    let has = |key: &str| source.line_of(key).is_some();
    // Keys that no scenario has, also mistaken ones.
    let of_targets = ["initiate", "base_url", "status", "users", "url", "host", "auth", "login", "setup", "poll"];
    if of_targets.into_iter().any(has) {
        let target = Target::read(source, &|name| std::env::var(name).ok())?;
        let can = target.can();
        let literals: Vec<String> = credentials::literals(&text).into_iter().map(|literal| literal.place).collect();
        let in_clear = if literals.is_empty() {
            String::new()
        } else {
            format!("  credentials in the file itself: {}; write ${{NAME}} for what the environment knows\n", literals.join(", "))
        };
        let told = |yes: bool| if yes { "yes" } else { "not assessed" };
        let mut lines = String::new();
        for Understood { label, text } in target.understood() {
            // Writing to a string cannot fail.
            let _ = writeln!(lines, "  {label:<17} {text}");
        }
        return Ok(format!(
            "{name}: target `{}` at {}\n{lines}  isolation (a foreign user): {}\n  witness: {}\n  results: {}\n  echo of the id: {}\n  second write ({}): {}\n{in_clear}",
            target.name(),
            target.shown_url(),
            told(can.foreign_user),
            told(can.witness),
            told(can.results),
            told(can.echo),
            later_writes(can),
            told(can.cancel || can.update || can.delete),
        ));
    }
    if has("allow") {
        let allowed = Allow::read(source)?.into_iter();
        let allowed = allowed.map(|allow| format!("  {} in {} until {}: {}\n", allow.failure, allow.scenario, allow.expires, allow.reason));
        return Ok(format!("{name}: known failures\n{}", allowed.collect::<String>()));
    }
    let scenario = Scenario::read(source).map_err(|error| match kind_of(&text) {
        Some(kind) => something_else(&name, kind),
        None if error.hint.is_none() && error.place.as_ref().is_none_or(|place| place.line == 1) => InputError {
            hint: Some(
                "the file is TOML: a scenario, a target, or a list of known failures; `statusgap init` makes a target of other files"
                    .to_owned(),
            ),
            ..error
        }
        .into(),
        None => error.into(),
    })?;
    let scenario = sized(scenario);
    Ok(format!("{name}: scenario `{}`: {}\n{}", scenario.name, scenario.title, plan_lines(&scenario, &Plan::of(&scenario))))
}

/// The writes that the file describes; a cancel, if it has none.
fn later_writes(can: Capabilities) -> String {
    let all = [(can.cancel, "cancel"), (can.update, "update"), (can.delete, "delete")];
    let there: Vec<&str> = all.into_iter().filter_map(|(there, name)| there.then_some(name)).collect();
    if there.is_empty() { "cancel".to_owned() } else { there.join(", ") }
}

/// A scenario's plan as lines of text: what will be sent, how often, and what that can show and cannot.
pub fn plan_lines(scenario: &Scenario, plan: &Plan) -> String {
    let mut lines = String::new();
    for (kind, count) in &plan.requests {
        // Writing to a string cannot fail.
        let _ = writeln!(lines, "  {count:>7} {}", noun(*count, kind.noun()));
    }
    let _ = writeln!(lines, "  {:>7} {} at most, within {}", plan.total(), noun(plan.total(), "request"), planned_span(plan.at_most));
    if plan.polls_per_offset > 0 {
        let bound = crate::statistics::binomial::zero_failure_bound(plan.polls_per_offset, 0.95);
        let _ = writeln!(
            lines,
            "  {} at each offset: none not_found would show a true rate below {} (95 %)",
            counted(plan.polls_per_offset, "poll"),
            share_at_most(bound)
        );
    }
    for line in sentences::plan(scenario).iter().flat_map(|plan| plan.lines()) {
        let _ = writeln!(lines, "  {line}");
    }
    lines
}
