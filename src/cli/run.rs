//! `statusgap run`: scenarios against a target, and a verdict.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::{Args, ValueHint};
use sha1::{Digest, Sha1};

use crate::bundle::shell::literal;
use crate::cli::beside::{Beside, BesideArgs, Rival};
use crate::cli::complaint::Complaint;
use crate::cli::gate_args::{self, GateArgs};
use crate::cli::limits::{self, Limits};
use crate::cli::output;
use crate::cli::probe_args::ProbeArgs;
use crate::cli::progress::Progress;
use crate::cli::session::Session;
use crate::cli::shard_args::{self, Place, ShardChoice};
use crate::cli::{Ended, check, contact, files, report, scenarios};
use crate::model::plan::Plan;
use crate::model::redaction::without_password;
use crate::model::run::{Capabilities, EndReason, Pair, Run, Side};
use crate::model::scenario::{Action, Scenario, Stop, Tolerance};
use crate::model::shard::{Shard, Share};
use crate::model::time::Span;
use crate::model::wording::counted;
use crate::probe::{Halt, OnStrain, Onward, Options, Probe, Recorder, Seen};
use crate::verdict::Exit;
use crate::verdict::sequential::{Gates, Need};

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
    beside: BesideArgs,
    #[command(flatten)]
    gate: GateArgs,
    /// Runs one of several parts of the plan: I/N, such as 2/5 for the second of five, or `auto` for what a Kubernetes indexed
    /// Job, GitLab or a Slurm array says. All shards need the same --seed, a new one for every run; `statusgap merge` puts
    /// their logs together
    #[arg(long, value_name = "I/N|auto", help_heading = "Run")]
    shard: Option<ShardChoice>,
    /// How long it may take [default: twice what is planned, --max-wait and a minute; --dry-run shows it]
    #[arg(long, value_name = "TIME", help_heading = "Run")]
    budget: Option<Span>,
    /// Shows what would be sent, and sends nothing
    #[arg(long, help_heading = "Run")]
    dry_run: bool,
}

/// Runs the command.
pub fn run(args: &RunArgs) -> Ended {
    let scenarios = args.gate.apply(scenarios::resolve(&args.scenarios)?)?;
    let variable = |name: &str| std::env::var(name).ok();
    let place = args.shard.map(|choice| choice.resolve(&variable)).transpose()?;
    let beside = args.beside.resolve(&args.probe)?;
    if place.is_none()
        && !beside.compares()
        && !args.probe.quiet
        && let Some(note) = shard_args::unasked(&variable)
    {
        output::tell(&format!("note: {note}"));
    }
    if let (Some(_), true) = (place, beside.compares()) {
        return Err(Complaint::usage(
            "a shard is a part of a run, and says too little to be compared or kept",
            "merge the logs of all shards, and give the result to `statusgap compare`",
        ));
    }
    if let (Some(place), None) = (place, args.probe.seed) {
        return Err(Complaint::usage(
            format!("shard {place} needs the seed that all shards of the run share"),
            "give each of them the same --seed, a new one for every run, such as the number of the pipeline or job",
        ));
    }
    let seed = args.probe.seed.unwrap_or_else(rand::random);
    args.probe.block_on(probe(args, scenarios, seed, place, beside))
}

async fn probe(args: &RunArgs, scenarios: Vec<Scenario>, seed: u64, place: Option<Place>, beside: Beside) -> Ended {
    let allowed = args.gate.allow.read()?;
    // A service that a shard starts for itself must not hand out the ids that another shard's does.
    let session = args.probe.session(seed.wrapping_add(place.map_or(0, |place| u64::from(place.index)))).await?;
    let (scenarios, left_out) = possible(scenarios, session.target.can());
    let mut limits = Limits::towards(session.target.base_url(), args.probe.max_rps, args.probe.max_scans)?;
    let rival = beside.session(&args.probe, seed, &session).await?;
    let (scenarios, more_left_out) = match &rival {
        Some(rival) => {
            limits = limits.stricter(Limits::towards(rival.target.base_url(), args.probe.max_rps, args.probe.max_scans)?);
            possible(scenarios, rival.target.can())
        }
        None => (scenarios, Vec::new()),
    };
    let scenarios = limits.apply(scenarios);
    // The limit is that of the whole run: each shard has its share.
    let max_rps = limits.max_rps.map(|rps| rps / place.map_or(1.0, |place| f64::from(place.of)));
    if !args.probe.quiet {
        tell_left_out(left_out.iter().chain(&more_left_out));
        for short in gate_args::falls_short(&scenarios) {
            output::tell(&format!("note: {short}"));
        }
    }
    let sides = if rival.is_some() { 2 } else { 1 };
    // First contact asks each target for a job of its own, unless it is the reference service that the run starts.
    let contacts = if contact::asks_for_jobs(&scenarios) && session.settings.is_none() { sides } else { 0 };
    let jobs = limits::planned_jobs(&scenarios) * sides + contacts;
    if let Some(most) = args.probe.max_jobs
        && jobs > u64::from(most)
    {
        session.close().await;
        if let Some(rival) = rival {
            rival.close().await;
        }
        let whole = match (sides, place) {
            (2, _) => "this run, with both targets,",
            (_, Some(_)) => "this run, with all its shards,",
            _ => "this run",
        };
        return Err(limits::too_many_jobs(whole, jobs, most, "raise --max-jobs, name fewer scenarios, or lower --max-scans"));
    }
    let max_wait = args.probe.max_wait.0;
    let time = args.budget.map_or_else(|| limits::time_limit(&scenarios, limits.max_rps, max_wait), |budget| budget.0);
    if args.dry_run {
        let can = session.target.can();
        session.close().await;
        if let Some(rival) = rival {
            rival.close().await;
            output::print("by turns against two targets, which are each sent all of this:\n")?;
        }
        let contact = contacts / sides;
        return dry_run(&scenarios, can, max_rps, place, Bounds { jobs, contact, time, max_wait });
    }
    if scenarios.is_empty() {
        session.close().await;
        return Err(Complaint::usage(
            "the target supports none of these scenarios",
            "describe more of it in the target file, or name other scenarios",
        ));
    }

    let mut header = session.header(seed, scenarios.clone(), command_line(&args.probe.words, seed, args.probe.seed.is_some()));
    header.pair = rival.as_ref().map(|_| Pair { id: header.run_id.clone(), side: Side::New });
    let shard = place.map(|place| as_shard(&mut header, place));
    header.allow = allowed;
    let folder = files::run_folder(args.probe.out.as_deref(), &header.started, &session.name)?;
    let options = Options {
        seed,
        max_rps,
        timeout: args.probe.timeout.0,
        first_n: shard.map_or_else(|| session.first_n(), |_| shared_first_n(&session, seed)),
        restraint: args.probe.restraint(args.probe.max_jobs.map(u64::from), OnStrain::GoOn),
    };
    let rival_contact = if contact::asks_for_jobs(&scenarios) {
        // Below the numbers of the scans, and each shard its own.
        let n = options.first_n.saturating_sub(1 + 2 * shard.map_or(0, |shard| u64::from(shard.index)));
        header.contact = contact::first_contact(&session, &args.probe, &options, n).await;
        match &rival {
            Some(rival) => contact::first_contact(rival, &args.probe, &options, n.saturating_sub(1)).await,
            None => None,
        }
    } else {
        None
    };
    if let Some(problem) = rival_contact.as_ref().and_then(|contact| contact.problem.as_ref())
        && header.contact.as_ref().is_none_or(|own| own.problem.is_none())
    {
        header.contact = Some(contact::held_up_by(problem, header.contact.take()));
    }
    contact::tell_problem(header.contact.as_ref(), &args.probe);
    let held_up = header.contact.as_ref().is_some_and(|contact| contact.problem.is_some());
    let log = files::begin_log(&folder, &header)?;
    let recorder = args.probe.tracing(Recorder::new(log, session.target.secrets()));
    let scans =
        shard.map_or_else(|| scenarios.iter().map(|scenario| u64::from(scenario.load.scans)).sum(), |shard| shard.scans(&scenarios));
    let progress = Progress::new(&scenarios, scans, args.probe.no_progress || held_up);
    let watcher = progress.clone();
    let probe = Probe::with_decisions(
        Arc::clone(&session.target),
        session.transport.clone(),
        session.clock.clone(),
        recorder,
        options.clone(),
        move |event| watcher.note(event),
        onward(if rival.is_some() { &[] } else { &scenarios }, shard),
    );

    let rival = match rival {
        Some(rival) => Some(Rival::begin(rival, &folder, &header, &options, rival_contact, &args.probe)?),
        None => None,
    };
    let run = async {
        if held_up {
            return EndReason::TargetGone;
        }
        let ran = async {
            match (&rival, shard) {
                (Some(rival), _) => rival.run_beside(&probe, &scenarios).await,
                (None, Some(shard)) => probe.run_shard(&scenarios, shard).await,
                (None, None) => probe.run(&scenarios).await,
            }
        };
        within(time, ran).await
    };
    let reason = until_stopped(&probe, run).await;
    progress.finish();
    if let Some(error) = probe.recorder().failure() {
        return Err(Complaint::recording(&folder.join(files::LOG), error));
    }
    let ended = probe.recorder().end(probe.clock().now(), reason);
    ended.map_err(|error| Complaint::recording(&folder.join(files::LOG), error))?;
    session.close().await;
    if let Some(rival) = rival {
        rival.end(reason).await?;
    }

    // What it held is free for what is read back.
    drop(probe);
    let exit = report::conclude(&folder, &header, &args.probe.wanted(), reason)?;
    beside.conclude(&folder, &header, &args.probe, exit)
}

/// Runs to the end, or until its time is over.
pub async fn within(time: Duration, run: impl Future<Output = Result<(), Halt>>) -> EndReason {
    match tokio::time::timeout(time, run).await {
        Ok(Ok(())) => EndReason::Complete,
        Ok(Err(halt)) => {
            output::tell(&format!("note: {halt}"));
            halt.reason()
        }
        Err(_) => EndReason::Budget,
    }
}

/// Decides, from what is seen of each scenario, whether its gate needs more scans.
///
/// A shard sees its own scans only. A denial decides there as it does anywhere; what a tolerated rate is, the merged log decides.
pub fn onward(scenarios: &[Scenario], shard: Option<Shard>) -> impl Fn(Seen<'_>) -> Onward + Send + Sync + 'static {
    let mut watched = scenarios.to_vec();
    for scenario in watched.iter_mut().filter(|scenario| shard.is_some() && scenario.expect.not_found != Tolerance::Never) {
        scenario.expect.stop = Stop::Never;
    }
    let gates = Mutex::new(Gates::new(&watched));
    move |seen| {
        // What a panic elsewhere left behind is still a count of whole exchanges.
        let mut gates = gates.lock().unwrap_or_else(PoisonError::into_inner);
        let need = match seen {
            Seen::Exchange(exchange) => gates.exchange(exchange),
            Seen::ScanEnded { scenario, scan } => gates.scan_ended(scenario, scan),
        };
        match need {
            Need::More => Onward::Continue,
            Need::NoMore => Onward::StopScenario,
        }
    }
}

/// Makes a run's header that of a shard.
fn as_shard(header: &mut Run, place: Place) -> Shard {
    let target = &header.target;
    // A service that each shard starts for itself has a port of its own.
    let address = if target.service.is_some() { "" } else { target.base_url.as_str() };
    let plan = (&header.scenarios, address, &target.service, header.seed, place.of, &header.tool);
    // Plain data without maps of strange keys, which is all that JSON cannot hold.
    let plan = serde_json::to_vec(&plan).unwrap_or_default();
    let mut digest = [0; 8];
    digest.copy_from_slice(&Sha1::digest(&plan)[..8]);
    let shard = Shard { index: place.index, of: place.of, plan: digest.into() };
    header.shard = Some(Share::Shard(shard));
    // The scheduler that said which shard it is will not be there when somebody repeats it.
    let mut command = header.command.replace("--shard=auto", "--shard auto").replace("--shard auto", &format!("--shard {place}"));
    if !command.contains("--shard ") && !command.contains("--shard=") {
        command = format!("{command} --shard {place}");
    }
    header.command = command.replace("--shard=", "--shard ");
    shard
}

/// The number in the first scan's request, for all shards of a run alike: each scan has the number that it would have in the whole
/// run, so that no two ask for the same. No clock says it, since the shards start at different times.
fn shared_first_n(session: &Session, seed: u64) -> u64 {
    if session.clock.is_virtual() {
        return 0;
    }
    // Spread over 2^51, so that runs with other seeds have other numbers, and a double still holds them exactly.
    let digest = Sha1::digest(seed.to_be_bytes());
    digest.iter().take(8).fold(0, |number: u64, byte| number << 8 | u64::from(*byte)) >> 13
}

/// Runs to the end, or until the user stops it. Stopping drops what is under way; the log keeps what was done.
pub fn until_stopped(probe: &Probe, run: impl Future<Output = EndReason>) -> impl Future<Output = EndReason> {
    until(probe, run, interrupted())
}

/// Runs to the end, or until `stop`.
pub async fn until(probe: &Probe, run: impl Future<Output = EndReason>, stop: impl Future<Output = ()>) -> EndReason {
    if probe.clock().is_virtual() {
        // Signals and the flushing of a log by real time have no place on a paused clock, and it is over in a moment.
        return run.await;
    }
    let flushing = async {
        loop {
            tokio::time::sleep(Duration::from_millis(250)).await;
            probe.recorder().flush_if_due();
        }
    };
    tokio::select! {
        reason = run => reason,
        () = stop => EndReason::Interrupted,
        () = flushing => EndReason::Interrupted,
    }
}

/// Ctrl-C, or a polite kill.
pub async fn interrupted() {
    #[cfg(unix)]
    if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        return;
    }
    // Without a handler there is nothing to wait for; the run goes on.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// The scenarios that the target's contract allows for, and why the others are left out.
pub fn possible(scenarios: Vec<Scenario>, can: Capabilities) -> (Vec<Scenario>, Vec<(String, String)>) {
    let mut left_out = Vec::new();
    let kept = scenarios
        .into_iter()
        .filter(|scenario| {
            let polls = scenario.arms.iter().any(|arm| !arm.offsets.is_empty() || arm.follow.is_some());
            let only_foreign = !polls && scenario.load.scans > 0 && !scenario.controls.foreign_user.is_empty();
            let why = if only_foreign && !can.foreign_user {
                "the target file has no [users.foreign], so isolation is not assessed"
            } else if scenario.then.as_ref().is_some_and(|then| then.action == Action::Cancel) && !can.cancel {
                "the target file has no [cancel]"
            } else {
                return true;
            };
            left_out.push((scenario.name.clone(), why.to_owned()));
            false
        })
        .collect();
    (kept, left_out)
}

/// Says which scenarios [`possible`] left out.
pub fn tell_left_out<'a>(left_out: impl IntoIterator<Item = &'a (String, String)>) {
    for (name, why) in left_out {
        output::tell(&format!("note: scenario {name} is left out: {why}"));
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

/// The command that repeats this run, ready to be pasted: without what only concerns its output or where its defaults came
/// from, and without secrets.
pub fn command_line(words: &[String], seed: u64, had_seed: bool) -> String {
    const WITH_VALUE: [&str; 6] = ["--out", "--format", "--also", "--color", "--config", "--save-baseline"];
    const ALONE: [&str; 7] = ["--quiet", "-q", "--verbose", "-v", "--no-progress", "--no-github", "--hlog"];
    let mut told = vec!["statusgap".to_owned()];
    let mut words = words.iter().skip(1);
    while let Some(word) = words.next() {
        if WITH_VALUE.contains(&word.as_str()) {
            words.next();
        } else if word == "--user" {
            told.push(word.clone());
            told.extend(words.next().map(|user| literal(&without_token(user))));
        } else if let Some(user) = word.strip_prefix("--user=") {
            told.push(literal(&format!("--user={}", without_token(user))));
        } else if !(ALONE.contains(&word.as_str())
            || WITH_VALUE.iter().any(|flag| word.strip_prefix(flag).is_some_and(|rest| rest.starts_with('='))))
        {
            told.push(literal(&without_password_of(word)));
        }
    }
    if !had_seed {
        told.push(format!("--seed {seed}"));
    }
    told.join(" ")
}

/// `NAME:TOKEN` without the token, which is a secret.
pub fn without_token(user: &str) -> String {
    user.split_once(':').map_or_else(|| user.to_owned(), |(name, _)| format!("{name}:***"))
}

/// A word of a command line without the password of an address in it, be it alone or behind `--option=`.
pub fn without_password_of(word: &str) -> String {
    match word.split_once('=').filter(|(option, _)| option.starts_with("--")) {
        Some((option, value)) => format!("{option}={}", without_password(value)),
        None => without_password(word).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repeating_command_keeps_what_matters_and_tells_no_secret() {
        for (words, told) in [
            ("run --out x --format=json --also junit,hlog --no-github -q --seed 4 immediate", "statusgap run --seed 4 immediate"),
            ("--color never run --config=c.toml --no-progress --max-rps=3", "statusgap run --max-rps=3"),
            ("run --user bob:secret --user=al:secret", "statusgap run --user 'bob:***' '--user=al:***'"),
            ("run --store=redis://u:secret@h:1/0", "statusgap run '--store=redis://u:***@h:1/0'"),
            (
                "run --store redis://:a@b@h/0 --target http://h:1/x@y:z",
                "statusgap run --store 'redis://:***@h/0' --target http://h:1/x@y:z",
            ),
        ] {
            let words: Vec<String> = ["statusgap"].into_iter().chain(words.split(' ')).map(str::to_owned).collect();
            assert_eq!(command_line(&words, 9, true), told);
        }
        assert_eq!(command_line(&["statusgap".into(), "run".into()], 9, false), "statusgap run --seed 9");
    }
}
