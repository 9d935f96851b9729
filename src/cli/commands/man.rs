//! `statusgap man`: the manual pages.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, Command};
use clap_mangen::Man;

use crate::cli::args::environment::{self, Named};
use crate::cli::args::parser::parser;
use crate::cli::args::{examples, exit_codes};
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

/// One page: what clap's generator makes of the command, with sections of our own for exit codes, examples, variables and files, which
/// it would run together as one paragraph.
fn page(command: &Command) -> Result<String, CliError> {
    let mut page = Vec::new();
    let written = Man::new(command.clone().after_help("")).render(&mut page);
    written.map_err(|source| CliError::System { action: "write the page", source })?;
    let page = String::from_utf8_lossy(&page).into_owned();
    let (head, version) =
        page.split_once(".SH VERSION").map_or((page.as_str(), String::new()), |(head, rest)| (head, format!(".SH VERSION{rest}")));
    let head = head.split(".SH EXTRA").next().unwrap_or(head);
    let name = command.get_name();
    let codes = if name == "statusgap" { exit_codes::OF_A_VERDICT } else { exit_codes::of(name) };
    let sections = [
        exit_status(codes),
        example_section(name),
        named("ENVIRONMENT", &environment::variables(name)),
        named("FILES", &environment::files(name)),
    ];
    Ok(format!("{head}{}{version}", sections.concat()))
}

/// The section of the exit codes, one tagged paragraph each.
fn exit_status(codes: &str) -> String {
    let codes = codes.lines().filter_map(|line| line.strip_prefix("  ")?.split_once(' '));
    section("\"EXIT STATUS\"", codes.map(|(code, meaning)| (code.to_owned(), meaning.trim().to_owned())))
}

fn example_section(command: &str) -> String {
    section("EXAMPLES", examples::of(command).iter().map(|(line, what)| ((*line).to_owned(), (*what).to_owned())))
}

fn named(title: &str, entries: &[Named]) -> String {
    section(title, entries.iter().map(|(name, what)| ((*name).to_owned(), (*what).to_owned())))
}

/// A section of tagged paragraphs; nothing without any.
fn section(title: &str, entries: impl Iterator<Item = (String, String)>) -> String {
    let mut text = String::new();
    for (tag, meaning) in entries {
        // Writing to a string cannot fail.
        let _ = write!(text, ".TP\n{}\n{}\n", literal(&tag), literal(&meaning));
    }
    if text.is_empty() { text } else { format!(".SH {title}\n{text}") }
}

/// A line as roff prints it: hyphens that can be copied, no escapes, and no request at its beginning.
fn literal(line: &str) -> String {
    let line = line.replace('\\', "\\e").replace('-', "\\-");
    if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line }
}
