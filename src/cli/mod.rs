//! The command line: one file a command. This room alone prints, exits, touches files and the environment, and knows clap.
#![expect(clippy::print_stderr, reason = "complaints and notes go to standard error; standard output has a door of its own")]

mod bundle;
mod check;
mod complaint;
mod diagnose;
mod files;
mod import;
mod investigation;
mod limits;
mod matrix;
mod output;
mod probe_args;
mod progress;
mod report;
mod reproduce;
mod run;
mod scenarios;
mod serve;
mod service_args;
mod session;
mod target;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::cli::complaint::Complaint;
use crate::verdict::Exit;

/// Finds, measures, explains and gates the window in which an async-job API denies a job that it has just accepted.
///
/// `POST` hands out an id; for a while `GET status/{id}` answers `not_found`. `statusgap run` replays the documented
/// scenarios against the reference service that ships with it, or against any deployment with --target.
#[derive(Debug, Parser)]
#[command(name = "statusgap", version, max_term_width = 100, after_help = EXIT_CODES, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    all expectations held
  1    an expectation failed: the gap is back
  2    wrong usage, or a wrong scenario or target file
  3    inconclusive: it could not be measured
  130  interrupted; the log is kept and a partial report written";

#[derive(Debug, Subcommand)]
enum Command {
    Run(Box<run::RunArgs>),
    Reproduce(Box<reproduce::ReproduceArgs>),
    Diagnose(diagnose::DiagnoseArgs),
    Report(report::ReportArgs),
    Bundle(bundle::BundleArgs),
    Import(import::ImportArgs),
    Matrix(matrix::MatrixArgs),
    Serve(Box<serve::ServeArgs>),
    Check(check::CheckArgs),
}

/// Parses the arguments and runs the command. Usage errors end the process with clap's own code, which is 2 as well.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let ended = match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Reproduce(args) => reproduce::run(&args),
        Command::Diagnose(args) => diagnose::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Bundle(args) => bundle::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Matrix(args) => matrix::run(&args),
        Command::Serve(args) => return serve::run(*args),
        Command::Check(args) => check::run(&args),
    };
    match ended {
        Ok(exit) => exit.into(),
        Err(complaint) => {
            complaint.print();
            complaint.exit().into()
        }
    }
}

/// What a command ends with.
type Ended = Result<Exit, Complaint>;

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        super::Cli::command().debug_assert();
    }
}
