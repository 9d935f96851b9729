//! What every command takes: how it speaks, and where its defaults come from.

use std::path::PathBuf;

use clap::Args;

use crate::cli::args::headings;
use crate::cli::terminal::output::ColourChoice;

/// The options that stand before or after any command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = headings::COMMON)]
pub struct GlobalArgs {
    /// No progress and no notes on standard error; errors are still told
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// No progress, neither as a bar nor (in CI, or without a terminal) as lines
    #[arg(long, global = true)]
    pub no_progress: bool,
    /// When to colour the table
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    pub color: ColourChoice,
    /// The file with defaults [default: statusgap.toml here or in a parent folder, up to the repository's root]
    #[arg(long, value_name = "FILE", env = "STATUSGAP_CONFIG", hide_env_values = true, global = true)]
    pub config: Option<PathBuf>,
}
