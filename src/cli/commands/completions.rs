//! `statusgap completions`: what a shell needs to complete commands, options and names.

use clap::Args;
use clap::builder::PossibleValuesParser;
use clap_complete::Shell;

use crate::cli::Ended;
use crate::cli::args::parser::parser;
use crate::cli::terminal::output;
use crate::report::Format;
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
    let mut parser = parser();
    let presets: Vec<&'static str> = Settings::presets().iter().map(|preset| preset.name).collect();
    // Names that are parsed elsewhere are listed here, so that they can be completed.
    for command in ["run", "reproduce", "serve"] {
        parser = parser.mut_subcommand(command, |command| {
            command.mut_arg("service", |arg| arg.value_parser(PossibleValuesParser::new(presets.clone())).hide_possible_values(true))
        });
    }
    for command in ["run", "reproduce", "report"] {
        let formats = Format::ALL.map(Format::name);
        parser =
            parser.mut_subcommand(command, |command| command.mut_arg("format", |arg| arg.value_parser(PossibleValuesParser::new(formats))));
    }
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut parser, "statusgap", &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Pass)
}
