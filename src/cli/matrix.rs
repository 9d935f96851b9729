//! `statusgap matrix`: every configuration of the reference service against what must be found in it.

use clap::Args;

use crate::cli::{Ended, output};
use crate::verdict::Exit;

/// Runs every configuration.
#[derive(Debug, Args)]
pub struct MatrixArgs {
    /// How many seeds
    #[arg(long, value_name = "N", default_value_t = 5)]
    seeds: u64,
}

/// Runs the command.
pub fn run(args: &MatrixArgs) -> Ended {
    output::print(&format!("{}", args.seeds))?;
    Ok(Exit::Pass)
}
