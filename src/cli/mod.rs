//! The command line: arguments, commands, terminal and configuration. A command parses, calls [`run`](crate::run), and prints. This room alone prints, exits, touches files and the environment, and knows clap.

mod args;
mod commands;
mod config;
mod error;
mod files;
mod terminal;

use std::borrow::Cow;
use std::ffi::OsString;
use std::process::ExitCode;

use clap::{FromArgMatches, Parser, Subcommand};

use crate::cli::args::global::GlobalArgs;
use crate::cli::args::parser;
use crate::cli::commands::{
    bundle, check, compare, completions, diagnose, explain, import, man, matrix, merge, report, reproduce, run, schema, serve, watch,
};
use crate::cli::config::{Effective, Refused, Sources};
use crate::cli::error::CliError;
use crate::cli::terminal::output;
use crate::model::redaction::without_passwords;
use crate::verdict::Exit;

/// Finds, measures, explains and gates the window in which an async-job API denies a job that it has just accepted.
///
/// `POST` hands out an id; for a while `GET status/{id}` answers `not_found`. `statusgap run` replays the documented
/// scenarios against the reference service that ships with it, or against any deployment with --target.
#[derive(Debug, Parser)]
#[command(name = "statusgap", version, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(Box<run::RunArgs>),
    Reproduce(Box<reproduce::ReproduceArgs>),
    Diagnose(diagnose::DiagnoseArgs),
    Report(report::ReportArgs),
    Compare(compare::CompareArgs),
    Bundle(bundle::BundleArgs),
    Import(import::ImportArgs),
    Merge(merge::MergeArgs),
    Matrix(matrix::MatrixArgs),
    Watch(Box<watch::WatchArgs>),
    Serve(Box<serve::ServeArgs>),
    Check(check::CheckArgs),
    Schema(schema::SchemaArgs),
    Explain(explain::ExplainArgs),
    Config(commands::config::ConfigArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
}

/// Reads the command line with its defaults, and runs the command. Wrong usage ends with clap's own code, which is 2 as well.
pub fn run() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    // Without a working directory nothing is found there, and a run that needs it will say so.
    let folder = std::env::current_dir().unwrap_or_default();
    let sources = Sources { folder: &folder, variable: &|name| std::env::var(name).ok() };
    let ended = match understand(&words, &sources) {
        Ok((cli, effective)) => carry_out(cli, &effective, &sources),
        Err(Refused::Default(error)) => Err(error),
        Err(Refused::Usage(error)) => {
            let told = error.render().to_string();
            match without_passwords(&told) {
                Cow::Owned(clean) if clean != told && error.use_stderr() => output::eprint_note(clean.trim_end()),
                // If even that cannot be printed, the exit code still tells.
                _ => drop(error.print()),
            }
            return ExitCode::from(if error.use_stderr() { Exit::Usage as u8 } else { Exit::Pass as u8 });
        }
    };
    match ended {
        Ok(code) => code,
        Err(error) => {
            error.print();
            error.exit().into()
        }
    }
}

/// The command that is meant, with everything that the words leave out.
fn understand(words: &[OsString], sources: &Sources<'_>) -> Result<(Cli, Effective), Refused> {
    let parser = parser::parser_for(words);
    let effective = config::effective(words, &parser, sources)?;
    let matches = parser.try_get_matches_from(&effective.words).map_err(Refused::Usage)?;
    let cli = Cli::from_arg_matches(&matches).map_err(Refused::Usage)?;
    Ok((cli, effective))
}

fn carry_out(cli: Cli, effective: &Effective, sources: &Sources<'_>) -> Result<ExitCode, CliError> {
    let global = &cli.global;
    if let (false, Command::Run(_) | Command::Reproduce(_) | Command::Watch(_), Some(note)) = (global.quiet, &cli.command, effective.note())
    {
        output::eprint_note(&format!("note: {note}"));
    }
    let ended = match cli.command {
        Command::Run(mut args) => {
            args.probe = args.probe.speaking(global, effective.text());
            run::run(&args)
        }
        Command::Reproduce(mut args) => {
            args.probe = args.probe.speaking(global, effective.text());
            reproduce::run(&args)
        }
        Command::Watch(mut args) => {
            args.probe = args.probe.speaking(global, effective.text());
            watch::run(&args)
        }
        Command::Diagnose(mut args) => {
            args.quiet = global.quiet;
            diagnose::run(&args)
        }
        Command::Compare(mut args) => {
            args.color = global.color;
            compare::run(&args)
        }
        Command::Bundle(mut args) => {
            args.quiet = global.quiet;
            bundle::run(&args)
        }
        Command::Import(mut args) => {
            args.quiet = global.quiet;
            import::run(&args, &effective.text())
        }
        Command::Report(mut args) => {
            (args.color, args.quiet) = (global.color, global.quiet);
            report::run(&args)
        }
        Command::Merge(mut args) => {
            (args.color, args.quiet) = (global.color, global.quiet);
            merge::run(&args)
        }
        Command::Matrix(args) => matrix::run(&args),
        Command::Serve(args) => return Ok(serve::run(*args)),
        Command::Check(args) => check::run(&args),
        Command::Schema(args) => schema::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Config(args) => commands::config::run(&args, global, sources),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
    };
    ended.map(ExitCode::from)
}

/// What a command ends with.
type Ended = Result<Exit, CliError>;
