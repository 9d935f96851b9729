//! `statusgap compare`: is the new run worse than the old one?

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum, ValueHint};

use crate::analysis::baseline::Baseline;
use crate::cli::args::comparison::CriteriaArgs;
use crate::cli::error::CliError;
use crate::cli::terminal::output::{self, ColourChoice};
use crate::cli::{Ended, files};
use crate::report::sentences::comparison::spoilt;
use crate::report::{Style, comparison};
use crate::run::baseline::{self, Side};
use crate::verdict::Exit;
use crate::verdict::comparison::{Comparison, Criteria, Names, Unusable, compare};

/// Tells whether a run is worse than an earlier one: rates of denials, windows and round trips.
///
/// A regression is a difference that is beyond chance, all tests of the comparison taken together, and as large as the minima
/// ask for. Scenarios that were run in different ways are not compared. Exit code 1: something is worse; 0: nothing is, as far as
/// could be told; 3: the runs cannot be compared, or are too small to tell.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The old run: a log, a run's folder, a result.json, or a file written by `run --save-baseline`
    #[arg(value_name = "BASE", value_hint = ValueHint::AnyPath)]
    base: PathBuf,
    /// The new run, likewise
    #[arg(value_name = "NEW", value_hint = ValueHint::AnyPath)]
    new: PathBuf,
    #[command(flatten)]
    criteria: CriteriaArgs,
    /// Compares although the targets have different names
    #[arg(long)]
    across_targets: bool,
    /// The seed of permutations that are drawn
    #[arg(long, value_name = "N", default_value_t = Criteria::default().seed)]
    seed: u64,
    /// What goes to standard output
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: ComparisonFormat,
    /// Also write comparison.json and comparison.md into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// When to colour the table.
    #[arg(skip)]
    pub color: ColourChoice,
}

/// What a comparison is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ComparisonFormat {
    /// A table for the terminal
    Table,
    /// GitHub-flavoured markdown
    Markdown,
    /// `statusgap.comparison/1`
    Json,
}

/// Runs the command.
pub fn run(args: &CompareArgs) -> Ended {
    let criteria = args.criteria.criteria(args.seed)?;
    let names = if args.across_targets { Names::MayDiffer } else { Names::MustAgree };
    let mut sides = Vec::new();
    for (path, what) in [(&args.base, "the base"), (&args.new, "the new run")] {
        match baseline::read(path, spoilt)? {
            Side::Usable(side) => sides.push(side),
            Side::Refused(why) => return Ok(refused(&format!("{what} ({})", path.display()), &why)),
        }
    }
    let compared = compare(&sides[0], &sides[1], &criteria, names);
    output::print(&text(&compared, args.format, output::style(args.color)))?;
    if let Some(folder) = &args.out {
        write(&files::OwnFolder::claim(folder)?, &compared)?;
    }
    Ok(compared.outcome.into())
}

/// Says why a run cannot be compared, which makes the comparison inconclusive.
pub fn refused(what: &str, why: &Unusable) -> Exit {
    output::eprint_note(&format!("inconclusive: nothing can be compared with {what}: {why}"));
    Exit::Inconclusive
}

/// A comparison in one of its formats.
pub fn text(compared: &Comparison, format: ComparisonFormat, style: Style) -> String {
    match format {
        ComparisonFormat::Table => comparison::table(compared, style),
        ComparisonFormat::Markdown => comparison::markdown(compared),
        ComparisonFormat::Json => comparison::json(compared),
    }
}

/// Writes a comparison into a folder.
pub fn write(folder: &Path, compared: &Comparison) -> Result<(), CliError> {
    files::write_whole(&folder.join(files::COMPARISON), &comparison::json(compared))?;
    Ok(files::write_whole(&folder.join(files::COMPARISON_TEXT), &comparison::markdown(compared))?)
}

/// Compares a run that just ended with a baseline, writes the result into its folder, and shows it.
pub fn conclude(
    folder: &Path,
    base: &Baseline,
    new: &Side,
    criteria: &Criteria,
    names: Names,
    shown: Option<(ComparisonFormat, Style)>,
) -> Ended {
    let new = match new {
        Side::Usable(new) => new,
        Side::Refused(why) => return Ok(refused("this run", why)),
    };
    let compared = compare(base, new, criteria, names);
    write(folder, &compared)?;
    if let Some((format, style)) = shown {
        output::print(&format!("\n{}", text(&compared, format, style)))?;
    }
    Ok(compared.outcome.into())
}
