//! `statusgap man`: the manual pages.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, Command};
use clap_mangen::Man;

use crate::cli::args::parser::parser;
use crate::cli::error::CliError;
use crate::cli::terminal::output;
use crate::cli::{Ended, files};
use crate::verdict::Exit;

/// Prints the manual page, or writes the pages of all commands into a folder.
///
/// To read it: statusgap man | man -l -
#[derive(Debug, Args)]
pub struct ManArgs {
    /// The folder for statusgap.1, statusgap-run.1 and so on; without it, statusgap.1 goes to standard output
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &ManArgs) -> Ended {
    let mut parser = parser().disable_help_subcommand(true);
    parser.build();
    let Some(folder) = &args.folder else {
        output::print(&page(&parser)?)?;
        return Ok(Exit::Pass);
    };
    std::fs::create_dir_all(folder).map_err(|source| CliError::file("create the folder", folder, source))?;
    for command in std::iter::once(&parser).chain(parser.get_subcommands()) {
        let name = command.get_display_name().unwrap_or_else(|| command.get_name());
        files::write_whole(&folder.join(format!("{name}.1")), &page(command)?)?;
    }
    Ok(Exit::Pass)
}

/// One page. The exit codes are a table, and are set as one rather than run together as a paragraph.
fn page(command: &Command) -> Result<String, CliError> {
    let codes = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let mut page = Vec::new();
    let written = Man::new(command.clone().after_help("")).render(&mut page);
    written.map_err(|source| CliError::System { action: "write the page", source })?;
    let page = String::from_utf8_lossy(&page).into_owned();
    let (head, version) =
        page.split_once(".SH VERSION").map_or((page.as_str(), String::new()), |(head, rest)| (head, format!(".SH VERSION{rest}")));
    let head = head.split(".SH EXTRA").next().unwrap_or(head);
    Ok(format!("{head}{}{version}", exit_status(&codes)))
}

/// The section of the exit codes, one tagged paragraph each.
fn exit_status(codes: &str) -> String {
    let mut section = String::new();
    for (code, meaning) in codes.lines().filter_map(|line| line.strip_prefix("  ")?.split_once(' ')) {
        // Writing to a string cannot fail.
        let _ = write!(section, ".TP\n{code}\n{}\n", meaning.trim());
    }
    if section.is_empty() { section } else { format!(".SH \"EXIT STATUS\"\n{section}") }
}
