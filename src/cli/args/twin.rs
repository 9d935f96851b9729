//! Whether the twins of a log are run.

use clap::Args;

use crate::cli::args::headings;
use crate::cli::terminal::output;
use crate::run::Concluded;
use crate::run::twin::Twins;

/// The options about the twins of a log.
#[derive(Debug, Clone, Copy, Args)]
pub struct TwinArgs {
    /// Leaves out the twins: the reference service with each cause that the log may have, run under the same plan on virtual time to see
    /// which of them explains the log. They take a few seconds of one processor after the probing
    #[arg(long, help_heading = headings::OUTPUT)]
    pub no_twin: bool,
}

impl TwinArgs {
    /// Whether twins are run.
    pub fn twins(self) -> Twins {
        if self.no_twin { Twins::LeftOut } else { Twins::Run }
    }

    /// What was concluded of a log, with its twins if they are wanted. `quiet`: without a word on standard error.
    pub fn apply(self, concluded: Concluded, quiet: bool) -> Concluded {
        if self.no_twin {
            return concluded;
        }
        concluded.with_twin(|trying| {
            if !quiet {
                let classes: Vec<String> = trying.classes.iter().map(|class| class.named()).collect();
                output::eprint_note(&format!("twin {} of {}: {}", trying.place, trying.of, classes.join(" and ")));
            }
        })
    }
}
