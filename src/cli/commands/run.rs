//! `statusgap run`: scenarios against a target, and a verdict.

use std::time::Duration;

use clap::{Args, ValueHint};

use crate::cli::Ended;
use crate::cli::args::comparison::{ComparisonArgs, ComparisonChoice};
use crate::cli::args::gate::{GateArgs, falls_short};
use crate::cli::args::probe::{ProbeArgs, Reported};
use crate::cli::args::shard::{self, ShardChoice};
use crate::cli::args::some_time;
use crate::cli::args::twin::TwinArgs;
use crate::cli::args::{headings, repeat, scenarios};
use crate::cli::commands::compare::{self, ComparisonFormat};
use crate::cli::commands::{check, report};
use crate::cli::error::CliError;
use crate::cli::terminal::output;
use crate::model::plan::Plan;
use crate::model::run::Capabilities;
use crate::model::scenario::Scenario;
use crate::model::shard::Shard;
use crate::model::time::Span;
use crate::model::wording::counted;
use crate::report::sentences::comparison::spoilt;
use crate::report::{Format, Style};
use crate::run::baseline::{self, Side};
use crate::run::{Finished, Place, PlannedRun};
use crate::run::{SECOND_OPINION, contact};
use crate::verdict::Exit;
use crate::verdict::comparison::Names;

/// Runs scenarios against the reference service, or against any deployment, and gives a verdict.
///
/// Without arguments, all shipped scenarios run against the reference service in preset `deferred`, started in this process
/// on a free port: the bug is there, and the exit code is 1. The log and the reports are written below `reports/`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Scenarios: shipped ones by name, files, or folders; all shipped ones if none is named
    #[arg(value_name = "SCENARIO", value_hint = ValueHint::AnyPath)]
    scenarios: Vec<String>,
    #[command(flatten)]
    pub probe: ProbeArgs,
    #[command(flatten)]
    comparison: ComparisonArgs,
    #[command(flatten)]
    gate: GateArgs,
    #[command(flatten)]
    twin: TwinArgs,
    /// Runs one of several parts of the plan: I/N, such as 2/5 for the second of five, or `auto` for what a Kubernetes indexed
    /// Job, GitLab or a Slurm array says. All shards need the same --seed, a new one for every run; `statusgap merge` puts
    /// their logs together
    #[arg(long, value_name = "I/N|auto", help_heading = "Run")]
    shard: Option<ShardChoice>,
    /// How long it may take [default: twice what is planned, --max-wait and a minute; --dry-run shows it]
    #[arg(long, value_name = "TIME", value_parser = some_time, help_heading = "Run")]
    budget: Option<Span>,
    /// Shows what would be sent, and sends nothing
    #[arg(long, help_heading = headings::INFORMATION)]
    dry_run: bool,
}

/// Runs the command.
pub fn run(args: &RunArgs) -> Ended {
    let scenarios = args.gate.apply(scenarios::resolve(&args.scenarios)?)?;
    let variable = |name: &str| std::env::var(name).ok();
    let place = args.shard.map(|choice| choice.resolve(&variable)).transpose()?;
    let comparison = args.comparison.resolve(&args.probe)?;
    if place.is_none()
        && !comparison.compares()
        && !args.probe.quiet
        && let Some(note) = shard::unasked(&variable)
    {
        output::eprint_note(&format!("note: {note}"));
    }
    if let (Some(_), true) = (place, comparison.compares()) {
        return Err(CliError::usage(
            "a shard is a part of a run, and says too little to be compared or kept",
            "merge the logs of all shards, and give the result to `statusgap compare`",
        ));
    }
    if let (Some(place), None) = (place, args.probe.seed) {
        return Err(CliError::usage(
            format!("shard {place} needs the seed that all shards of the run share"),
            "give each of them the same --seed, a new one for every run, such as the number of the pipeline or job",
        ));
    }
    let seed = args.probe.seed.unwrap_or_else(rand::random);
    args.probe.block_on(probe(args, scenarios, seed, place, comparison))
}

async fn probe(args: &RunArgs, scenarios: Vec<Scenario>, seed: u64, place: Option<Place>, comparison: ComparisonChoice) -> Ended {
    let allowed = args.gate.allow.read()?;
    let options = args.probe.options(seed, command(args, seed, place), allowed, Reported::InTheReport);
    // A service that a shard starts for itself must not hand out the ids that another shard's does.
    let session = args.probe.session(seed.wrapping_add(place.map_or(0, |place| u64::from(place.index)))).await?;
    let second = comparison.session(&args.probe, seed, &session).await?;
    let planned = PlannedRun::of(options, scenarios, session, second, place, args.budget.map(|budget| budget.0));
    if !args.probe.quiet {
        note_left_out(&planned.left_out);
        for short in falls_short(&planned.scenarios) {
            output::eprint_note(&format!("note: {short}"));
        }
        if let Some(short) = args.gate.quantile_falls_short(&planned.scenarios) {
            output::eprint_note(&format!("note: {short}"));
        }
    }
    planned.check_jobs()?;
    if args.dry_run {
        if planned.is_paired() {
            output::print("by turns against two targets, which are each sent all of this:\n")?;
        }
        let bounds = Bounds { jobs: planned.jobs, contact: planned.contacts, time: planned.time, max_wait: args.probe.max_wait.0 };
        dry_run(&planned.scenarios, planned.can(), planned.max_rps(), place, bounds)?;
        for window in planned.windows() {
            let plan = check::plan_lines(&window, &Plan::towards(&window, planned.can()));
            output::print(&format!("\nonly after a gate has failed, with jobs that it no longer needs: {}\n{plan}", window.title))?;
        }
        planned.cancel().await;
        return Ok(Exit::Pass);
    }
    let mut finished = Box::pin(planned.carry_out()).await?;
    finished.concluded = args.twin.apply(finished.concluded, args.probe.no_progress);
    if let Some((folder, concluded)) = &finished.second {
        report::write(&report::view(concluded), folder, &[])?;
    }
    let view = report::view(&finished.concluded);
    let exit = report::conclude(&finished.folder, &finished.concluded, &view, &args.probe.wanted(), finished.reason)?;
    compared(&comparison, &finished, &args.probe, exit)
}

/// The command that repeats the run. The scheduler that said which shard it is will not be there when somebody repeats it.
fn command(args: &RunArgs, seed: u64, place: Option<Place>) -> String {
    let command = repeat::with_seed(&args.probe.words, args.probe.seed, seed, &["shard"]);
    match place {
        Some(place) => format!("{command} --shard {place}"),
        None => command,
    }
}

/// Saves the baseline of a run, compares it, and gives the worse of both exit codes.
fn compared(comparison: &ComparisonChoice, finished: &Finished, probe: &ProbeArgs, exit: Exit) -> Ended {
    if !comparison.compares() {
        return Ok(exit);
    }
    let new = baseline::of_log(&finished.concluded, spoilt);
    let mut worst = exit;
    if let Some(path) = &comparison.save {
        match &new {
            Side::Usable(new) => baseline::save(path, new)?,
            Side::Refused(why) => {
                output::eprint_note(&format!("no baseline was written to {}: {why}", path.display()));
                worst = report::worse(worst, Exit::Inconclusive);
            }
        }
    }
    let base = match (&comparison.base, &finished.second) {
        (Some(base), _) => base.clone(),
        (None, Some((_, second))) => match baseline::of_log(second, spoilt) {
            Side::Usable(base) => base,
            Side::Refused(why) => return Ok(report::worse(worst, compare::refused("the run against the second target", &why))),
        },
        (None, None) => return Ok(worst),
    };
    let compared = compare::conclude(&finished.folder, &base, &new, &comparison.criteria, Names::MustAgree, shown(probe))?;
    Ok(if worst == Exit::Interrupted { worst } else { report::worse(worst, compared) })
}

/// How the comparison is shown after the report: beside a table as a table, and not at all where a program reads.
fn shown(probe: &ProbeArgs) -> Option<(ComparisonFormat, Style)> {
    let style = output::style(probe.color);
    match probe.format {
        Format::Table => Some((ComparisonFormat::Table, style)),
        Format::Markdown => Some((ComparisonFormat::Markdown, style)),
        _ => None,
    }
}

/// Says which scenarios are left out because the target's contract does not allow for them.
pub fn note_left_out(left_out: &[(String, String)]) {
    for (name, why) in left_out {
        output::eprint_note(&format!("note: scenario {name} is left out: {why}"));
    }
}

/// What a run does not exceed.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// The jobs that it starts in all.
    pub jobs: u64,
    /// Those of them that first contact starts at one target.
    pub contact: u64,
    /// How long it takes.
    pub time: Duration,
    /// For how long it is put off by 429.
    pub max_wait: Duration,
}

/// Shows what would be sent, and what ends it in any case.
pub fn dry_run(scenarios: &[Scenario], can: Capabilities, max_rps: Option<f64>, place: Option<Place>, bounds: Bounds) -> Ended {
    let mut total = 0;
    if bounds.contact > 0 {
        output::print(&format!("first contact: {}\n\n", contact::OUTLINE))?;
    }
    for scenario in scenarios {
        let plan = Plan::towards(scenario, can);
        total += plan.total();
        output::print(&format!("{}: {}\n{}\n", scenario.name, scenario.title, check::plan_lines(scenario, &plan)))?;
    }
    let rate = max_rps
        .map_or_else(|| "no rate limit (the target is on this machine)".to_owned(), |rps| format!("at most {rps} requests per second"));
    if let Some(place) = place {
        let shard = Shard { index: place.index, of: place.of, plan: [0; 8].into() };
        let all: u64 = scenarios.iter().map(|scenario| u64::from(scenario.load.scans)).sum();
        output::print(&format!(
            "shard {place} runs {} of {}; the counts are of all shards together\n",
            shard.scans(scenarios),
            counted(all, "scan")
        ))?;
    }
    let Bounds { jobs, time, max_wait, .. } = bounds;
    if bounds.contact > 0 {
        output::print(&format!("where jobs are denied, {SECOND_OPINION}\n"))?;
    }
    output::print(&format!(
        "at most {} in {}{}, and {} started in all; {rate}\n\
         ends after {} in any case (--budget), and after {} of nothing but 429 (--max-wait); nothing was sent\n",
        counted(total, "request"),
        counted(scenarios.len() as u64, "scenario"),
        if bounds.contact > 0 { ", besides first contact" } else { "" },
        counted(jobs, "job"),
        Span(whole_seconds(time)),
        Span(max_wait)
    ))?;
    Ok(Exit::Pass)
}

/// The same, rounded up to a second where it is longer than that.
fn whole_seconds(time: Duration) -> Duration {
    if time < Duration::from_secs(1) { time } else { Duration::from_secs(time.as_secs() + u64::from(time.subsec_nanos() > 0)) }
}
