//! `statusgap matrix`: every configuration of the reference service against what must be found in it, on virtual time.
//!
//! The harness's own regression test: a healthy configuration must give no alarm and no class, a faulty one its verdict, its
//! broken guarantees and its class, for every seed.

mod expected;
mod parallel;
mod sizes;

use std::fmt::Write as _;
use std::ops::Range;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::cli::Ended;
use crate::cli::args::scenarios;
use crate::cli::args::service::ServiceArgs;
use crate::cli::commands::matrix::expected::{CONFIGURATIONS, Configuration};
use crate::cli::commands::matrix::parallel::{in_parallel, on_a_paused_clock};
use crate::cli::commands::matrix::sizes::LeaveOut;
use crate::cli::error::CliError;
use crate::cli::terminal::output;
use crate::model::fault::FaultClass;
use crate::model::guarantee::Guarantee;
use crate::model::scenario::Scenario;
use crate::probe::{Jobs, OnStrain, Options, Restraint};
use crate::run::{Concluded, INVESTIGATION_JOBS, Session, SpanOptions, Time, investigate, rehearse, virtual_options};
use crate::verdict::{Exit, Verdict};

/// Runs every preset and every fault of the reference service on virtual time, and compares what is found with what must be.
///
/// Each configuration is probed twice: by the investigation of `reproduce` (verdict and causes) with every seed, and by the shipped
/// scenarios (verdict, failed scenarios, broken guarantees) with one seed in four if it is healthy, else with one in 25. The exit code is 1 on any disagreement.
///
/// With --sizes, faults are switched on at many sizes instead, one or two at a time, and each answer is compared with what is there: right, open
/// with the truth among what is possible, too faint to be seen, or wrong. The exit code is 1 if a stated measure is missed.
#[derive(Debug, Args)]
pub struct MatrixArgs {
    /// How many seeds for each configuration [default: 5, with --sizes 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    seeds: Option<u64>,
    /// The first seed: with --sizes, seed 0 has the sizes of the list, and every other seed sizes of its own near them
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,
    /// Only configurations whose name contains this; with --sizes, only one class (`C`), `pairs`, `healthy`, or settings that contain this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Sweep over sizes: delays of 1 ms to 60 s under four laws, shares of 0.02 to 1, 2 to 32 workers, 1 to 8 slots, pairs of faults
    #[arg(long, group = "swept")]
    sizes: bool,
    /// With --sizes, diagnose each fault of this class as if the class were not known; `each` does so with every class in turn
    #[arg(long, value_name = "CLASS", requires = "swept")]
    leave_out: Option<LeaveOut>,
    /// Run the twins as well, and measure them: whether the true cause's twin fits, whether the intervals hold the true settings, and whether an
    /// investigation of the reproducer names the same cause. Of every preset with a fault; with --sizes of every case of the sweep
    #[arg(long, group = "swept")]
    twin: bool,
    /// How many threads are used [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// What goes to standard output
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "markdown")]
    format: MatrixFormat,
}

impl MatrixArgs {
    /// The seeds, as many as are wanted, or this many.
    fn seeds(&self, usual: u64) -> Range<u64> {
        self.seed..self.seed.saturating_add(self.seeds.unwrap_or(usual))
    }
}

/// How the matrix is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum MatrixFormat {
    /// A table that also reads well on a terminal.
    Markdown,
    /// One object per configuration.
    Json,
}

/// What one seed of one configuration showed.
#[derive(Debug, Clone)]
struct Seen {
    /// By the investigation.
    verdict: Verdict,
    causes: Vec<FaultClass>,
    /// By the shipped scenarios, for the seeds that run them.
    shipped: Option<Shipped>,
}

/// What the shipped scenarios showed.
#[derive(Debug, Clone)]
struct Shipped {
    verdict: Verdict,
    failed: Vec<String>,
    broken: Vec<Guarantee>,
}

/// All seeds of one configuration.
struct Row<'a> {
    configuration: &'a Configuration,
    seen: Vec<Seen>,
    disagreements: Vec<String>,
}

/// The presets with a fault of their own.
fn zoo() -> impl Iterator<Item = &'static Configuration> {
    let faulty = |configuration: &&Configuration| !configuration.causes.is_empty();
    CONFIGURATIONS.iter().filter(|configuration| configuration.service.starts_with("zoo-")).filter(faulty)
}

/// Runs the command.
pub fn run(args: &MatrixArgs) -> Ended {
    if args.sizes || args.twin {
        return sizes::run(args);
    }
    let seeds = args.seeds(5);
    let shipped = scenarios::resolve(&[])?;
    let wanted: Vec<&Configuration> = CONFIGURATIONS
        .iter()
        .filter(|configuration| args.only.as_ref().is_none_or(|only| configuration.service.contains(only.as_str())))
        .collect();
    if wanted.is_empty() {
        let only = args.only.as_deref().unwrap_or_default();
        return Err(CliError::usage(format!("no configuration's name contains `{only}`"), "leave --only out to see them all"));
    }
    let rows: Vec<Row<'_>> = all(&wanted, seeds.clone(), &shipped, args.jobs)?;
    let text = match args.format {
        MatrixFormat::Markdown => markdown(&rows, seeds.end - seeds.start),
        MatrixFormat::Json => json(&rows),
    };
    output::print(&text)?;
    Ok(if rows.iter().all(|row| row.disagreements.is_empty()) { Exit::Pass } else { Exit::Fail })
}

/// Runs all cells.
fn all<'a>(wanted: &[&'a Configuration], seeds: Range<u64>, shipped: &[Scenario], jobs: Option<u16>) -> Result<Vec<Row<'a>>, CliError> {
    let cells: Vec<(usize, u64)> = (0..wanted.len()).flat_map(|index| seeds.clone().map(move |seed| (index, seed))).collect();
    let seen = in_parallel(&cells, jobs, |(index, seed)| cell(wanted[*index], *seed, shipped))?;
    let mut rows: Vec<Row<'a>> =
        wanted.iter().map(|configuration| Row { configuration, seen: Vec::new(), disagreements: Vec::new() }).collect();
    for ((index, seed), seen) in cells.iter().zip(seen) {
        let row = &mut rows[*index];
        row.disagreements.extend(row.configuration.disagreements(&seen).into_iter().map(|told| format!("seed {seed}: {told}")));
        row.seen.push(seen);
    }
    Ok(rows)
}

/// One configuration with one seed.
fn cell(configuration: &Configuration, seed: u64, shipped: &[Scenario]) -> Result<Seen, CliError> {
    let Concluded { analysis, judgement, .. } = on_virtual_time(configuration, seed, None)?;
    let (verdict, causes) = (judgement.verdict, analysis.diagnosis.causes.iter().map(|cause| cause.class).collect());
    // The shipped scenarios send twice as much as the investigation, so they run with a part of the seeds: one in four where nothing
    // may be found, one in 25 where each seed would find the same.
    let every = if configuration.verdict == Verdict::Pass { 4 } else { 25 };
    let shipped = if seed.is_multiple_of(every) { Some(by_scenarios(configuration, seed, shipped)?) } else { None };
    Ok(Seen { verdict, causes, shipped })
}

fn by_scenarios(configuration: &Configuration, seed: u64, shipped: &[Scenario]) -> Result<Shipped, CliError> {
    let Concluded { analysis, judgement, .. } = on_virtual_time(configuration, seed, Some(shipped))?;
    let failed =
        judgement.scenarios.iter().filter(|scenario| scenario.verdict != Verdict::Pass).map(|scenario| scenario.name.clone()).collect();
    let broken = analysis.guarantees.iter().filter(|checked| checked.broken > 0).map(|checked| checked.guarantee).collect();
    Ok(Shipped { verdict: judgement.verdict, failed, broken })
}

/// Probes a configuration on a paused clock: by these scenarios, or by an investigation.
fn on_virtual_time(configuration: &Configuration, seed: u64, shipped: Option<&[Scenario]>) -> Result<Concluded, CliError> {
    on_a_paused_clock(async {
        let args = ServiceArgs::preset(configuration.service, configuration.workers);
        let session = Session::reference(args.choice()?, Time::Virtual, seed, &SpanOptions::default()).await?;
        let options = virtual_options(seed);
        let journal = if let Some(scenarios) = shipped {
            rehearse(&session, options, scenarios).await?
        } else {
            // The investigation is held to the model within the limit that it has where nobody says otherwise.
            let jobs = Jobs::at_most(Some(u64::from(INVESTIGATION_JOBS)));
            let restraint = Restraint { jobs, strain: OnStrain::SlowDown, ..Restraint::default() };
            investigate::rehearse(&session, Options { restraint, ..options }, Duration::from_secs(60), |_| {}).await?
        };
        session.close().await;
        Ok(Concluded::of(journal))
    })
}

fn letters(classes: &[FaultClass]) -> String {
    if classes.is_empty() { "–".to_owned() } else { classes.iter().map(|class| class.letter()).collect::<Vec<_>>().join(" ") }
}

fn markdown(rows: &[Row<'_>], seeds: u64) -> String {
    let mut text = String::from("| service | workers | verdict | causes | must be | agree |\n| --- | --: | --- | --- | --- | --: |\n");
    for row in rows {
        let configuration = row.configuration;
        let agree = row.seen.iter().filter(|seen| configuration.disagreements(seen).is_empty()).count();
        let first = row.seen.first();
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} {} | {agree}/{seeds} |",
            configuration.service,
            configuration.workers,
            first.map_or("–", |seen| seen.verdict.word()),
            first.map_or_else(String::new, |seen| letters(&seen.causes)),
            configuration.verdict.word(),
            letters(configuration.causes),
        );
    }
    let disagreements: Vec<String> = rows
        .iter()
        .flat_map(|row| {
            row.disagreements
                .iter()
                .map(|told| format!("- {} with {} workers, {told}", row.configuration.service, row.configuration.workers))
        })
        .collect();
    if disagreements.is_empty() {
        let _ = writeln!(text, "\n{} configurations, {seeds} seeds each: no disagreement.", rows.len());
    } else {
        let _ = writeln!(text, "\n{} disagreements:\n\n{}", disagreements.len(), disagreements.join("\n"));
    }
    text
}

fn json(rows: &[Row<'_>]) -> String {
    let rows: Vec<serde_json::Value> = rows
        .iter()
        .map(|row| {
            let seen: Vec<serde_json::Value> = row
                .seen
                .iter()
                .map(|seen| {
                    let shipped = seen.shipped.as_ref().map(|shipped| serde_json::json!({ "verdict": shipped.verdict, "failed": shipped.failed, "broken": shipped.broken }));
                    serde_json::json!({ "verdict": seen.verdict, "causes": seen.causes, "scenarios": shipped })
                })
                .collect();
            serde_json::json!({
                "service": row.configuration.service, "workers": row.configuration.workers,
                "expected": { "verdict": row.configuration.verdict, "causes": row.configuration.causes, "broken": row.configuration.broken, "failed_scenarios": row.configuration.fails },
                "seen": seen, "disagreements": row.disagreements,
            })
        })
        .collect();
    format!("{:#}\n", serde_json::Value::from(rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::diagnosis::Cause;

    /// What scenarios find: the verdict, the causes, and the scenarios that do not pass.
    type Found = (Verdict, Vec<FaultClass>, Vec<String>);

    fn found(configuration: &Configuration, seed: u64, scenarios: &[Scenario]) -> Result<Found, CliError> {
        let Concluded { analysis, judgement, .. } = on_virtual_time(configuration, seed, Some(scenarios))?;
        let mut causes: Vec<FaultClass> = analysis.diagnosis.causes.iter().flat_map(Cause::classes).collect();
        causes.sort_unstable();
        let judged = judgement.scenarios.iter().filter(|scenario| scenario.verdict != Verdict::Pass);
        let mut failed: Vec<String> = judged.map(|scenario| scenario.name.clone()).collect();
        failed.sort_unstable();
        Ok((judgement.verdict, causes, failed))
    }

    /// One configuration for each way in which jobs of one scenario could be met by those of another: a window that all share, queues,
    /// caches, copies that lag, and workers that open their store at their first job.
    const TELLING: [(&str, usize); 5] = [("deferred", 1), ("zoo-e", 1), ("zoo-d", 1), ("zoo-c-prime", 1), ("history-2", 4)];

    #[test]
    fn scenarios_side_by_side_find_what_they_find_one_after_the_other() {
        let telling = |configuration: &&Configuration| TELLING.contains(&(configuration.service, configuration.workers));
        let telling: Vec<Configuration> = CONFIGURATIONS.iter().filter(telling).copied().collect();
        assert_eq!(telling.len(), TELLING.len());
        assert_same_findings(&telling, 1);
    }

    #[test]
    #[ignore = "every configuration, with two workers as well: minutes"]
    fn scenarios_side_by_side_find_the_same_in_every_configuration() {
        // `zoo-d-before` keeps denials for the first 5 s of the run: whoever begins earlier meets more of them, whatever its company.
        let mut all: Vec<Configuration> = CONFIGURATIONS.iter().filter(|one| one.service != "zoo-d-before").copied().collect();
        let two = |one: &Configuration| (one.workers == 4).then_some(Configuration { workers: 2, ..*one });
        all.extend(all.clone().iter().filter_map(two));
        assert_same_findings(&all, 1);
    }

    fn assert_same_findings(configurations: &[Configuration], seeds: u64) {
        let beside = scenarios::resolve(&[]).unwrap_or_else(|error| panic!("{error}"));
        let in_turn: Vec<Scenario> = beside.iter().map(|scenario| Scenario { side_by_side: false, ..scenario.clone() }).collect();
        assert_ne!(beside, in_turn, "some run side by side");
        let cells: Vec<(Configuration, u64)> =
            configurations.iter().flat_map(|configuration| (0..seeds).map(move |seed| (*configuration, seed))).collect();
        let differences = in_parallel(&cells, None, |(configuration, seed)| {
            let (one, other) = (found(configuration, *seed, &beside)?, found(configuration, *seed, &in_turn)?);
            let named = format!("{} with {} workers, seed {seed}", configuration.service, configuration.workers);
            Ok((one != other).then(|| format!("{named}: {one:?} side by side,\n    {other:?} in turn")))
        });
        let differences: Vec<String> = differences.unwrap_or_else(|error| panic!("{error}")).into_iter().flatten().collect();
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    }

    #[test]
    fn a_default_run_takes_less_than_ten_seconds_and_the_first_three_scenarios_less_than_five() {
        let three = ["immediate", "settled", "zero-delay"].map(str::to_owned);
        let lasts = |service: &str, named: &[String]| {
            let configuration = CONFIGURATIONS.iter().find(|one| one.service == service && one.workers == 1);
            let scenarios = scenarios::resolve(named).unwrap_or_else(|error| panic!("{error}"));
            let configuration = configuration.unwrap_or_else(|| panic!("{service} is a preset"));
            let concluded = on_virtual_time(configuration, 0, Some(&scenarios)).unwrap_or_else(|error| panic!("{error}"));
            concluded.journal.exchanges.iter().map(|exchange| exchange.done.0).max().unwrap_or_default()
        };
        for service in ["deferred", "sound"] {
            let (all, first) = (lasts(service, &[]), lasts(service, &three));
            assert!(all < 9_400_000_000, "{service}: {all} ns of virtual time");
            assert!(first < 4_800_000_000, "{service}: {first} ns of virtual time");
        }
    }
}
