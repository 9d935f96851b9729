//! `statusgap watch`: a small scenario again and again, and a rolling verdict.

mod connections;
mod hook;
mod listen;
pub mod post;
mod publish;

use std::time::Duration;

use clap::{Args, ValueHint, value_parser};
use tokio::sync::watch::{Receiver, channel};

use crate::cli::Ended;
use crate::cli::args::gate::AllowArgs;
use crate::cli::args::probe::{ProbeArgs, Reported};
use crate::cli::args::some_time;
use crate::cli::args::{headings, repeat, scenarios};
use crate::cli::commands::report;
use crate::cli::commands::run::{Bounds, dry_run, note_left_out};
use crate::cli::commands::watch::listen::{Listen, Page};
use crate::cli::commands::watch::post::Post;
use crate::cli::commands::watch::publish::{Publication, PublishedRound, moment};
use crate::cli::error::CliError;
use crate::cli::terminal::{github, output};
use crate::model::allow::Allow;
use crate::model::scenario::Scenario;
use crate::model::time::Span;
use crate::report::View;
use crate::run::interrupted;
use crate::run::watch::{FOLDER, JudgedRound, Logs, NotedChange, Step, Watch, WatchOptions};
use crate::verdict::rolling::{Outcome, RollingVerdict, Rules};
use crate::verdict::{Exit, Verdict};

/// Keeps measuring at a low rate, and tells when the verdict changes: a canary for a deployment.
///
/// Each round runs a small scenario and leaves a log of its own; the last rounds are judged together. Prometheus metrics and a
/// page that keeps itself up to date are served on the loopback. A proven denial makes it fail at once, which ends the watch
/// with exit code 1 unless --on-change, --post or --keep-going is given; it passes again after some clean rounds in a row.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// What each round runs: a shipped scenario, a file or a folder
    #[arg(long, value_name = "SCENARIO", value_hint = ValueHint::AnyPath, default_value = "canary", help_heading = "Run")]
    scenario: Vec<String>,
    /// From the beginning of one round to that of the next; a round that takes longer is followed by the next at once
    #[arg(long, value_name = "TIME", value_parser = some_time, default_value = "30s", help_heading = headings::WATCH)]
    every: Span,
    /// Begins no more rounds after this time [default: goes on until it is stopped]
    #[arg(long = "for", value_name = "TIME", value_parser = some_time, help_heading = headings::WATCH)]
    lasting: Option<Span>,
    /// Ends after so many rounds [default: goes on until it is stopped]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..), help_heading = headings::WATCH)]
    rounds: Option<u64>,
    /// Rounds that are judged together
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = value_parser!(u32).range(1..=1000), help_heading = headings::WATCH)]
    keep: u32,
    /// Clean rounds in a row after which a fail ends; no more than are kept
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = value_parser!(u32).range(1..=1000), help_heading = headings::WATCH)]
    recover: u32,
    /// Rounds in a row that could not be measured, such as those of a target that is down, after which the verdict is inconclusive
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = value_parser!(u32).range(1..=1000), help_heading = headings::WATCH)]
    patience: u32,
    /// A command for `sh -c` whenever the verdict changes; it finds `STATUSGAP_VERDICT`, `STATUSGAP_WAS`, `STATUSGAP_REASON`
    /// and `STATUSGAP_LOG` in its environment, and may take 30 s
    #[arg(long, value_name = "COMMAND", help_heading = headings::WATCH)]
    on_change: Option<String>,
    /// An address to which each change of the verdict is posted as JSON, such as a chat's or an incident tool's webhook; its
    /// `text` says it in one line
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, conflicts_with = "virtual_time", help_heading = headings::WATCH)]
    post: Option<String>,
    /// Goes on after the verdict has turned to fail, also without --on-change and --post
    #[arg(long, help_heading = headings::WATCH)]
    keep_going: bool,
    /// Where the page and /metrics are served: an address with a port, or `none`
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9464", help_heading = headings::WATCH)]
    listen: Listen,
    /// Further names by which the page may be asked for, such as this machine's: what a browser or a scraper says as `Host`.
    /// Addresses and localhost need not be named
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', help_heading = headings::WATCH)]
    listen_as: Vec<String>,
    /// Logs of rounds that are kept, beside those of the last 20 changes
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = value_parser!(u32).range(1..), help_heading = headings::WATCH)]
    keep_logs: u32,
    /// Shows what each round would send, and sends nothing
    #[arg(long, help_heading = headings::INFORMATION)]
    dry_run: bool,
    #[command(flatten)]
    allow: AllowArgs,
    #[command(flatten)]
    pub probe: ProbeArgs,
}

/// The longest time between rounds: whoever wants less has a scheduler.
const LONGEST_PAUSE: Duration = Duration::from_secs(86_400);

/// Runs the command.
pub fn run(args: &WatchArgs) -> Ended {
    if args.recover > args.keep {
        let message = format!("--recover {} is more than the {} rounds that are kept", args.recover, args.keep);
        return Err(CliError::usage(message, "raise --keep, or lower --recover"));
    }
    if args.every.0 > LONGEST_PAUSE {
        return Err(CliError::usage(format!("--every {} is longer than a day", args.every), "have a scheduler start `statusgap run`"));
    }
    if args.probe.virtual_time && args.rounds.is_none() && args.lasting.is_none() {
        return Err(CliError::usage("on virtual time a watch would go on for ever in a moment", "say --rounds or --for"));
    }
    let named = scenarios::resolve(&args.scenario)?;
    let allowed = args.allow.read()?;
    args.probe.block_on(watch(args, named, allowed))
}

impl WatchArgs {
    fn options(&self, seed: u64, allowed: Vec<Allow>) -> WatchOptions {
        let one_round = format!("{} --rounds 1", repeat::command(&self.probe.words, &["seed"]));
        WatchOptions {
            run: self.probe.options(seed, one_round, allowed, Reported::Nowhere),
            every: self.every.0,
            lasting: self.lasting.map(|lasting| lasting.0),
            rounds: self.rounds,
            rules: Rules { keep: self.keep as usize, recover: self.recover, patience: self.patience },
            keep_logs: self.keep_logs as usize,
        }
    }
}

async fn watch(args: &WatchArgs, named: Vec<Scenario>, allowed: Vec<Allow>) -> Ended {
    let seed = args.probe.seed.unwrap_or_else(rand::random);
    let session = args.probe.session(seed).await?;
    let mut watch = Watch::of(args.options(seed, allowed), named, session);
    if !args.probe.quiet {
        note_left_out(&watch.left_out);
    }
    watch.check()?;
    if args.dry_run {
        let contact = watch.contact_jobs();
        let bounds = Bounds { jobs: watch.jobs + contact, contact, time: watch.time, max_wait: args.probe.max_wait.0 };
        dry_run(&watch.scenarios, watch.can(), watch.max_rps(), None, bounds)?;
        watch.close().await;
        return Ok(Exit::Pass);
    }
    let post = args.post.as_deref().map(Post::to).transpose()?;
    let mut logs = watch.logs()?;
    let page = open_page(args, &watch, &logs).await?;
    let (stop, mut stopping) = channel(false);
    let signals = (!args.probe.virtual_time).then(|| {
        tokio::spawn(async move {
            interrupted().await;
            // Nobody listens any more only when the watch is over.
            let _ = stop.send(true);
        })
    });
    let ended = go_on(args, &mut watch, &mut logs, &page, post.as_ref(), &mut stopping).await;
    if let Some(signals) = signals {
        signals.abort();
    }
    page.close().await;
    watch.close().await;
    ended
}

async fn open_page(args: &WatchArgs, watch: &Watch, logs: &Logs) -> Result<Page, CliError> {
    let target = &watch.header().target;
    let names: Vec<&str> = watch.scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
    let publication = Publication::new(&target.name, &target.base_url, &names.join(", "), &watch.began, args);
    // A socket has no place on virtual time.
    let listen = if args.probe.virtual_time { Listen::Nowhere } else { args.listen };
    let page = Page::open(listen, &args.listen_as, publication).await?;
    if let (Some(address), false) = (page.address(), args.probe.quiet) {
        output::eprint_note(&format!(
            "watching {} every {}: http://{address}/, logs in {}",
            target.base_url,
            args.every,
            logs.folder().display()
        ));
        if !address.ip().is_loopback() {
            output::eprint_note(&format!("note: anyone who can reach {address} can read the page; it asks for no password"));
        }
    }
    Ok(page)
}

/// Round after round, until it is over.
async fn go_on(
    args: &WatchArgs,
    watch: &mut Watch,
    logs: &mut Logs,
    page: &Page,
    post: Option<&Post>,
    stopping: &mut Receiver<bool>,
) -> Ended {
    if !watch.first_contact(stopping).await {
        return Ok(Exit::Interrupted);
    }
    let began = watch.began.parse::<jiff::Timestamp>().unwrap_or_default();
    let mut last: Option<View> = None;
    let (shown, exit) = loop {
        let round = match watch.next(logs, stopping, report::view).await? {
            Step::Round(round) => round,
            Step::HeldUp(view) => {
                if !args.probe.quiet {
                    output::eprint_note(&format!("the watch ends at first contact: {}", view.headline));
                }
                break (view, Exit::Inconclusive);
            }
            Step::Interrupted(view) => break (view, Exit::Interrupted),
            // Neither comes before the first round has ended.
            Step::Stopped => match last {
                Some(view) => break (view, Exit::Interrupted),
                None => return Ok(Exit::Interrupted),
            },
            Step::Over => match last {
                Some(view) => break (view, exit(&watch.rolling)),
                None => return Ok(exit(&watch.rolling)),
            },
        };
        let shown = round.shown();
        let reason = reason(&round, &watch.rolling);
        let published = PublishedRound {
            number: round.number,
            began: moment(began + round.began),
            outcome: round.outcome,
            view: &round.alone,
            reason: &reason,
            change: round.change,
            rolling: &watch.rolling,
        };
        let change = page.publish(&published, shown, logs.relative(&round.log));
        note_round(args, &published);
        if let Some(change) = &change {
            logs.changed(&NotedChange { at: &change.at.told, was: change.was, is: change.is, reason: &change.reason, log: &change.log })?;
            report::write(shown, logs.folder(), &args.probe.also)?;
            // That a watch begins with a pass is what everybody expects.
            let expected = change.was.is_none() && change.is == Verdict::Pass;
            if let Some(post) = post.filter(|_| !expected) {
                let target = &watch.header().target;
                post.send(&post::Posted::of(change, &target.name, &target.base_url)).await;
            }
            if let Some(command) = args.on_change.as_ref().filter(|_| !expected) {
                hook::call(command, change, &round.log, stopping).await;
            }
        }
        let ends = round.turned_to_fail() && args.on_change.is_none() && args.post.is_none() && !args.keep_going;
        let JudgedRound { alone, together, .. } = *round;
        let shown = together.unwrap_or(alone);
        if ends {
            break (shown, exit(&watch.rolling));
        }
        last = Some(shown);
    };
    conclude(args, logs, &shown)?;
    Ok(exit)
}

fn exit(rolling: &RollingVerdict) -> Exit {
    rolling.verdict().map_or(Exit::Inconclusive, Exit::from)
}

/// Why the verdict stands. What a round of its own cannot prove by then, the rounds together do.
fn reason(round: &JudgedRound<View>, rolling: &RollingVerdict) -> String {
    let shown = round.shown();
    match (round.outcome, rolling.verdict()) {
        (Outcome::Clean, Some(Verdict::Fail)) if rolling.owed() > 0 => {
            format!("{}; it passes when {} more rounds in a row are clean", shown.headline, rolling.owed())
        }
        (Outcome::Failing | Outcome::Unmeasured, _) if round.change.is_some() => round.alone.headline.clone(),
        _ => shown.headline.clone(),
    }
}

/// One line for each round, and for each change, on standard error.
fn note_round(args: &WatchArgs, round: &PublishedRound<'_>) {
    let at = round.began.told.get(11..19).unwrap_or_default();
    if !args.probe.no_progress {
        output::eprint_note(&format!("{at}  round {}  {}: {}", round.number, round.outcome.word(), round.view.headline));
    }
    if let (Some(change), false) = (round.change, args.probe.quiet) {
        let verdict = round.rolling.verdict().map_or("", Verdict::word).to_uppercase();
        let was = change.was.map_or(String::new(), |was| format!(" (was {})", was.word()));
        output::eprint_note(&format!("{at}  {verdict}{was}: {}", round.reason));
    }
}

/// Writes and shows the report on what is judged at the end.
fn conclude(args: &WatchArgs, logs: &Logs, shown: &View) -> Result<(), CliError> {
    let wanted = args.probe.wanted();
    let written = report::write(shown, logs.folder(), &wanted.also)?;
    output::print(&report::shown(shown, wanted.format, wanted.style, wanted.detail))?;
    github::annotate(shown, logs.folder(), wanted.github);
    if !wanted.quiet {
        output::eprint_note(&format!("written to {}: {}, {FOLDER}/", logs.folder().display(), written.join(", ")));
    }
    Ok(())
}
