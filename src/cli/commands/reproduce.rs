//! `statusgap reproduce`: the on-call command: is it there, what is it, what to do.

mod derive;

// Writing to a String cannot fail.
use std::fmt::Write as _;

use clap::Args;

use crate::cli::Ended;
use crate::cli::args::probe::{ProbeArgs, Reported};
use crate::cli::args::some_time;
use crate::cli::args::source::SourceArgs;
use crate::cli::args::twin::TwinArgs;
use crate::cli::args::{headings, repeat};
use crate::cli::commands::{bundle, report};
use crate::cli::sources;
use crate::cli::terminal::output;
use crate::model::plan::Plan;
use crate::model::scenario::{LoadModel, Scenario};
use crate::model::time::Span;
use crate::model::wording::{counted, planned_span};
use crate::run::investigate::{self, Outline, Stage};
use crate::run::{SECOND_OPINION, contact};
use crate::verdict::Exit;

/// Finds out in a minute whether a deployment has the gap, and which of its causes it is.
///
/// It decides by itself what to ask next: controls, scans alone and together, fresh and kept connections, several pollers, one
/// poll per scan, and then only the probes that separate what is still possible.
#[derive(Debug, Args)]
pub struct ReproduceArgs {
    #[command(flatten)]
    pub probe: ProbeArgs,
    #[command(flatten)]
    twin: TwinArgs,
    #[command(flatten)]
    source: SourceArgs,
    /// How long it may take
    #[arg(long, value_name = "TIME", value_parser = some_time, default_value = "60s", help_heading = "Run")]
    budget: Span,
    /// Shows the steps and the most that each of them may send, and sends nothing
    #[arg(long, help_heading = headings::INFORMATION)]
    dry_run: bool,
}

/// Runs the command.
pub fn run(args: &ReproduceArgs) -> Ended {
    args.probe.block_on(reproduce(args))
}

async fn reproduce(args: &ReproduceArgs) -> Ended {
    let seed = args.probe.seed.unwrap_or_else(rand::random);
    let derived = match sources::named(&args.source) {
        Some(named) => Some(derive::from_source(&named, args).await?),
        None => None,
    };
    let session = match &derived {
        Some(derived) => args.probe.described(derived.target.clone(), seed)?,
        None => args.probe.session(seed).await?,
    };
    let command = repeat::with_seed(&args.probe.words, args.probe.seed, seed, &[]);
    let options = args.probe.options(seed, command, Vec::new(), Reported::InTheReport);
    if args.dry_run {
        output::print(&dry_run(&investigate::outline(&options, &session, args.budget.0), args.budget))?;
        session.close().await;
        return Ok(Exit::Pass);
    }
    let mut finished = Box::pin(investigate::investigate(options, session, args.budget.0, args.twin.twins())).await?;
    finished.concluded = args.twin.apply(finished.concluded, args.probe.no_progress);
    let view = report::view(&finished.concluded);
    let exit = report::conclude(&finished.folder, &finished.concluded, &view, &args.probe.wanted(), finished.reason)?;
    if let Some(derived) = &derived {
        derive::keep(&derived.text, &finished.folder, args.probe.quiet)?;
    }
    if !finished.was_held_up() {
        bundle::write(&finished.folder, &finished.concluded, &view.headline, args.probe.quiet)?;
    }
    Ok(exit)
}

/// What an investigation may do at most, step by step. A step's scenarios depend on what the ones before it find; each stands here as
/// large as it can be within the limits.
fn dry_run(outline: &Outline, budget: Span) -> String {
    let mut text = String::new();
    let [mut requests, mut jobs_in_all] = [0, 0];
    if outline.has_first_contact {
        let _ = writeln!(text, "first contact\n  {}", contact::OUTLINE);
        jobs_in_all += 1;
    }
    for (stage, scenarios) in &outline.steps {
        let _ = writeln!(text, "{}{}", stage.title(), condition(*stage));
        for scenario in scenarios {
            let plan = Plan::towards(scenario, outline.can);
            let jobs = plan.jobs().min(outline.jobs);
            let kinds: Vec<String> = plan.requests.iter().map(|(kind, n)| counted(*n, kind.noun())).collect();
            let _ = writeln!(text, "  {}: {}", scenario.name, scenario.title);
            let _ = writeln!(text, "    at most {}; {}{}", counted(jobs, "job"), kinds.join(", "), pace(scenario));
            requests += plan.total();
            jobs_in_all += plan.jobs();
        }
    }
    let jobs = jobs_in_all.min(outline.jobs);
    let rate = outline.limits.max_rps.map_or_else(String::new, |rps| format!(", at most {rps} requests per second"));
    let _ = writeln!(
        text,
        "at most {} in all (--max-jobs {}): scenarios that would need more get fewer, or are left out and named\n\
         at most {}{rate}, besides first contact and looks at jobs that have not ended; where a window is found, jobs are followed\n\
         for up to twice as long as it lasts, with more requests\n\
         where two causes explain what was found, the scenario in which they differ most is run once more, within these limits\n\
         where jobs are denied, {SECOND_OPINION}\n\
         fewer jobs at a time when initiates fail or slow down; ends after {budget} in any case (--budget), and after {} of nothing but 429\n\
         nothing was sent",
        counted(jobs, "job"),
        outline.jobs,
        counted(requests, "request"),
        Span(outline.max_wait)
    );
    text
}

/// When a step is taken.
fn condition(stage: Stage) -> &'static str {
    match stage {
        Stage::Controls => "",
        Stage::Alone | Stage::Together | Stage::Survey => ", unless never-issued ids are visible",
        Stage::SingleShots => ", unless a queue was found",
        Stage::Separate => ", if jobs were denied or never seen",
        Stage::Further => ", as long as several causes are possible and jobs are left",
        Stage::Edge => ", if jobs were denied at first and connections agree",
    }
}

/// How fast a scenario starts its scans.
fn pace(scenario: &Scenario) -> String {
    match scenario.load.model {
        _ if scenario.load.scans < 2 => String::new(),
        LoadModel::Open { every } if every.0.is_zero() => "; all jobs at once".to_owned(),
        LoadModel::Open { every } => format!("; a job every {}", planned_span(every)),
        LoadModel::Closed { in_flight } => format!("; {in_flight} at a time"),
    }
}
