//! `statusgap diagnose`: the causes that a log supports, and those that it rules out.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;

use crate::analysis::diagnosis::Diagnosis;
use crate::cli::Ended;
use crate::cli::args::twin::TwinArgs;
use crate::cli::commands::report;
use crate::cli::terminal::output;
use crate::model::fault::Owner;
use crate::model::wording::alternatives;
use crate::report::sentences::{causes, exclusions, facts, open, patterns};
use crate::report::view::{InsideView, Reproducer, TwinView};
use crate::run::Concluded;
use crate::verdict::{Exit, Verdict};

/// Says which causes logs support, which they rule out and by which probe, and what they cannot tell apart.
#[derive(Debug, Args)]
pub struct DiagnoseArgs {
    /// The logs (`log.ndjson` in a run's folder)
    #[arg(required = true, value_name = "LOG")]
    logs: Vec<PathBuf>,
    /// Adds the spans of these files to a log whose requests carried trace ids: what the OpenTelemetry collector's file exporter
    /// writes, or what Jaeger saves; may be repeated
    #[arg(long, value_name = "FILE")]
    traces: Vec<PathBuf>,
    #[command(flatten)]
    twin: TwinArgs,
    /// No notes.
    #[arg(skip)]
    pub quiet: bool,
}

/// Runs the command. The exit code is that of the worst verdict.
pub fn run(args: &DiagnoseArgs) -> Ended {
    let mut worst = Exit::Pass;
    for path in &args.logs {
        let concluded = args.twin.apply(Concluded::read_with_spans(path, &args.traces)?, args.quiet);
        let inside = report::view(&concluded).inside.map_or_else(String::new, |view| inside(&view));
        let Concluded { journal, analysis, judgement } = concluded;
        let verdict = judgement.verdict;
        let heading = if args.logs.len() > 1 { format!("{}\n", path.display()) } else { String::new() };
        let twin = TwinView::of(&journal, &analysis).map_or_else(String::new, |twin| simulated(&twin));
        output::print(&(heading + &tell(&analysis.diagnosis, verdict, journal.run.target.owner()) + &inside + &twin))?;
        worst = report::worse(worst, verdict.into());
    }
    Ok(worst)
}

/// What the target's own spans say.
fn inside(view: &InsideView) -> String {
    let mut text = format!("\ninside\n  {}\n", view.statement);
    for said in view.evidence.iter().map(|one| &one.sentence).chain(&view.contradictions).chain(&view.lost) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  - {said}");
    }
    text
}

/// What the twins say.
fn simulated(twin: &TwinView) -> String {
    let mut text = format!("\ntwin\n  {}\n", twin.statement);
    for candidate in &twin.candidates {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {}: {}\n    {}", candidate.name, candidate.standing, candidate.fault);
        for misfit in &candidate.misfits {
            let _ = writeln!(text, "    - {misfit}");
        }
    }
    if let Some(separation) = &twin.separation {
        let _ = writeln!(text, "  {separation}");
    }
    if let Some(Reproducer { serve, run, cured, cured_shows }) = &twin.reproducer {
        let _ = writeln!(text, "  the fault on another machine\n    {serve}\n    {run}");
        let _ = writeln!(text, "  without the fault: {cured_shows}\n    {cured}");
    }
    text
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
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\n{}, {} evidence\n  {}", causes::named(cause), cause.strength.word(), causes::mechanism(cause));
        for fact in &cause.facts {
            let _ = writeln!(text, "  - {}", facts::fact(fact));
        }
        let _ = writeln!(text, "  cure: {}", causes::cure(cause, owner));
    }
    for pattern in &diagnosis.patterns {
        let may_be: Vec<String> = pattern.possible().iter().map(|class| class.named()).collect();
        let _ = writeln!(text, "\nfound {}\n  {}", pattern.kind(), patterns::statement(pattern));
        if !may_be.is_empty() {
            let _ = writeln!(text, "  may be: {}", alternatives(&may_be));
        }
        let _ = writeln!(text, "  ask next: {}", patterns::ask_next(pattern));
    }
    if !diagnosis.open.is_empty() {
        text.push_str("\nundecided\n");
        for question in &diagnosis.open {
            let _ = writeln!(text, "  - {}", open::open_question(question));
        }
    }
    if !diagnosis.ruled_out.is_empty() {
        text.push_str("\nruled out\n");
        for out in &diagnosis.ruled_out {
            let _ = writeln!(text, "  {}: {}", out.class.named(), exclusions::exclusion(out));
        }
    }
    text
}
