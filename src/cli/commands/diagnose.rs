//! `statusgap diagnose`: the causes that a log supports, and those that it rules out.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;

use crate::analysis::diagnosis::{Diagnosis, Strength};
use crate::cli::Ended;
use crate::cli::commands::report;
use crate::cli::terminal::output;
use crate::model::fault::Owner;
use crate::model::wording::alternatives;
use crate::run::Concluded;
use crate::verdict::{Exit, Verdict};

/// Says which causes logs support, which they rule out and by which probe, and what they cannot tell apart.
#[derive(Debug, Args)]
pub struct DiagnoseArgs {
    /// The logs (`log.ndjson` in a run's folder)
    #[arg(required = true, value_name = "LOG")]
    logs: Vec<PathBuf>,
}

/// Runs the command. The exit code is that of the worst verdict.
pub fn run(args: &DiagnoseArgs) -> Ended {
    let mut worst = Exit::Pass;
    for path in &args.logs {
        let Concluded { journal, analysis, judgement } = Concluded::read(path)?;
        let verdict = judgement.verdict;
        let heading = if args.logs.len() > 1 { format!("{}\n", path.display()) } else { String::new() };
        output::print(&(heading + &tell(&analysis.diagnosis, verdict, journal.run.target.owner())))?;
        worst = report::worse(worst, verdict.into());
    }
    Ok(worst)
}

fn tell(diagnosis: &Diagnosis, verdict: Verdict, owner: Owner) -> String {
    let mut text = format!("verdict {}\n", verdict.word());
    if diagnosis.causes.is_empty() {
        text.push_str(if verdict == Verdict::Pass {
            "healthy as far as was looked: no cause is supported\n"
        } else if diagnosis.patterns.is_empty() {
            "no cause is supported: `statusgap report` says what was seen, and what to ask next\n"
        } else {
            "no single class is named\n"
        });
    }
    for cause in &diagnosis.causes {
        let strength = match cause.strength {
            Strength::Strong => "strong",
            Strength::Moderate => "moderate",
            Strength::Weak => "weak",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\n{}, {strength} evidence\n  {}", cause.named(), cause.mechanism());
        for evidence in &cause.evidence {
            let _ = writeln!(text, "  - {evidence}");
        }
        let _ = writeln!(text, "  cure: {}", cause.cure(owner));
    }
    for pattern in &diagnosis.patterns {
        let may_be: Vec<String> = pattern.possible().iter().map(|class| class.named()).collect();
        let _ = writeln!(text, "\nfound {}\n  {}", pattern.kind(), pattern.statement());
        if !may_be.is_empty() {
            let _ = writeln!(text, "  may be: {}", alternatives(&may_be));
        }
        let _ = writeln!(text, "  ask next: {}", pattern.ask_next());
    }
    if !diagnosis.undecided.is_empty() {
        text.push_str("\nundecided\n");
        for undecided in &diagnosis.undecided {
            let _ = writeln!(text, "  - {undecided}");
        }
    }
    if !diagnosis.ruled_out.is_empty() {
        text.push_str("\nruled out\n");
        for out in &diagnosis.ruled_out {
            let _ = writeln!(text, "  {}: {}", out.class.named(), out.by);
        }
    }
    text
}
