//! `statusgap completions`: what a shell needs to complete commands, options and names.

use clap::builder::PossibleValuesParser;
use clap::{Args, Command};
use clap_complete::Shell;

use crate::cli::Ended;
use crate::cli::args::parser::parser;
use crate::cli::args::scenarios;
use crate::cli::commands::explain;
use crate::cli::terminal::output;
use crate::service::Settings;
use crate::verdict::Exit;

/// Prints completions for a shell.
///
/// bash: statusgap completions bash > ~/.local/share/bash-completion/completions/statusgap
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

/// Runs the command.
pub fn run(args: &CompletionsArgs) -> Ended {
    let mut parser = with_names(parser());
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut parser, "statusgap", &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Pass)
}

/// Adds names that are parsed elsewhere, so that they can be completed: presets, knobs, scenarios and codes.
fn with_names(mut parser: Command) -> Command {
    let presets: Vec<&'static str> = Settings::presets().iter().map(|preset| preset.name).collect();
    // clap wants names that outlive it; this process ends when the script is printed.
    let knobs: Vec<&'static str> = Settings::knobs().iter().map(|knob| &*format!("{}=", knob.name).leak()).collect();
    let scenarios: Vec<&'static str> = scenarios::names().collect();
    for command in ["run", "reproduce", "watch", "serve"] {
        parser = listed(parser, command, "service", &presets);
        parser = listed(parser, command, "set", &knobs);
    }
    parser = listed(parser, "run", "scenarios", &scenarios);
    parser = listed(parser, "watch", "scenario", &scenarios);
    listed(parser, "explain", "code", &explain::codes().collect::<Vec<_>>())
}

fn listed(parser: Command, command: &'static str, arg: &'static str, names: &[&'static str]) -> Command {
    let names = PossibleValuesParser::new(names.to_vec());
    parser.mut_subcommand(command, |command| command.mut_arg(arg, |arg| arg.value_parser(names).hide_possible_values(true)))
}
