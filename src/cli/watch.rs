//! `statusgap watch`: a small scenario again and again, and a standing verdict.

mod connections;
mod hook;
mod listen;
mod logs;
mod publish;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueHint, value_parser};
use tokio::sync::watch::{Receiver, channel};

use crate::analysis::analyse;
use crate::cli::complaint::Complaint;
use crate::cli::gate_args::AllowArgs;
use crate::cli::limits::{self, Limits};
use crate::cli::probe_args::ProbeArgs;
use crate::cli::run::{Bounds, command_line, dry_run, interrupted, onward, possible, tell_left_out, until, within};
use crate::cli::session::{Session, now};
use crate::cli::watch::listen::{Listen, Page};
use crate::cli::watch::logs::Logs;
use crate::cli::watch::publish::{Publication, Told};
use crate::cli::{Ended, contact, files, github, output, report, scenarios};
use crate::log::LogWriter;
use crate::model::allow::Allow;
use crate::model::answer::Answer;
use crate::model::contact::Contact;
use crate::model::exchange::{Exchange, Kind};
use crate::model::run::{EndReason, Journal};
use crate::model::scenario::Scenario;
use crate::model::time::Span;
use crate::probe::{Clock, OnStrain, Options, Probe, Recorder};
use crate::report::{View, render};
use crate::standing::{Outcome, Round, Rules, Standing};
use crate::verdict::{Exit, Verdict, judge};

/// Keeps measuring at a low rate, and tells when the verdict changes: a canary for a deployment.
///
/// Each round runs a small scenario and leaves a log of its own; the last rounds are judged together. Prometheus metrics and a
/// page that keeps itself up to date are served on the loopback. A proven denial makes it fail at once, which ends the watch
/// with exit code 1 unless --on-change or --keep-going is given; it passes again after some clean rounds in a row.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// What each round runs: a shipped scenario, a file or a folder
    #[arg(long, value_name = "SCENARIO", value_hint = ValueHint::AnyPath, default_value = "canary", help_heading = "Watch")]
    scenario: Vec<String>,
    /// From the beginning of one round to that of the next; a round that takes longer is followed by the next at once
    #[arg(long, value_name = "TIME", default_value = "30s", help_heading = "Watch")]
    every: Span,
    /// Begins no more rounds after this time [default: goes on until it is stopped]
    #[arg(long = "for", value_name = "TIME", help_heading = "Watch")]
    lasting: Option<Span>,
    /// Ends after so many rounds [default: goes on until it is stopped]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..), help_heading = "Watch")]
    rounds: Option<u64>,
    /// Rounds that are judged together
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = value_parser!(u32).range(1..=1000), help_heading = "Watch")]
    keep: u32,
    /// Clean rounds in a row after which a fail ends; no more than are kept
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = value_parser!(u32).range(1..=1000), help_heading = "Watch")]
    recover: u32,
    /// Rounds in a row that could not be measured, such as those of a target that is down, after which the verdict is inconclusive
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = value_parser!(u32).range(1..=1000), help_heading = "Watch")]
    patience: u32,
    /// A command for `sh -c` whenever the verdict changes; it finds `STATUSGAP_VERDICT`, `STATUSGAP_WAS`, `STATUSGAP_REASON`
    /// and `STATUSGAP_LOG` in its environment, and may take 30 s
    #[arg(long, value_name = "COMMAND", help_heading = "Watch")]
    on_change: Option<String>,
    /// Goes on after the verdict has turned to fail, also without --on-change
    #[arg(long, help_heading = "Watch")]
    keep_going: bool,
    /// Where the page and /metrics are served: an address with a port, or `none`
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9464", help_heading = "Watch")]
    listen: Listen,
    /// Further names by which the page may be asked for, such as this machine's: what a browser or a scraper says as `Host`.
    /// Addresses and localhost need not be named
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', help_heading = "Watch")]
    listen_as: Vec<String>,
    /// Logs of rounds that are kept, beside those of the last 20 changes
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = value_parser!(u32).range(1..), help_heading = "Watch")]
    keep_logs: u32,
    /// Shows what each round would send, and sends nothing
    #[arg(long, help_heading = "Run")]
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
        return Err(Complaint::usage(message, "raise --keep, or lower --recover"));
    }
    if args.every.0 > LONGEST_PAUSE {
        return Err(Complaint::usage(format!("--every {} is longer than a day", args.every), "have a scheduler start `statusgap run`"));
    }
    if args.probe.virtual_time && args.rounds.is_none() && args.lasting.is_none() {
        return Err(Complaint::usage("on virtual time a watch would go on for ever in a moment", "say --rounds or --for"));
    }
    let named = scenarios::resolve(&args.scenario)?;
    let allowed = args.allow.read()?;
    args.probe.block_on(watch(args, named, allowed))
}

async fn watch(args: &WatchArgs, named: Vec<Scenario>, allowed: Vec<Allow>) -> Ended {
    let seed = args.probe.seed.unwrap_or_else(rand::random);
    let session = args.probe.session(seed).await?;
    let (scenarios, left_out) = possible(named, session.target.can());
    let limits = Limits::towards(session.target.base_url(), args.probe.max_rps, args.probe.max_scans)?;
    let scenarios = limits.apply(scenarios);
    if !args.probe.quiet {
        tell_left_out(&left_out);
    }
    if scenarios.is_empty() {
        session.close().await;
        return Err(Complaint::usage(
            "the target supports none of these scenarios",
            "describe more of it in the target file, or name others",
        ));
    }
    let jobs = limits::planned_jobs(&scenarios);
    if let Some(most) = args.probe.max_jobs
        && jobs > u64::from(most)
    {
        session.close().await;
        return Err(limits::too_many_jobs("a round", jobs, most, "raise --max-jobs, or lower --max-scans or load.scans in the scenario"));
    }
    if args.dry_run {
        let can = session.target.can();
        // The watch asks for a job at first contact, before its first round.
        let contact = u64::from(contact::asks_for_jobs(&scenarios) && session.settings.is_none());
        session.close().await;
        let max_wait = args.probe.max_wait.0;
        let bounds = Bounds { jobs: jobs + contact, contact, time: limits::time_limit(&scenarios, limits.max_rps, max_wait), max_wait };
        return dry_run(&scenarios, can, limits.max_rps, None, bounds);
    }
    let began = session.header(seed, Vec::new(), String::new()).started;
    let folder = files::run_folder(args.probe.out.as_deref(), &began, &format!("watch-{}", session.name))?;
    let watch =
        Watch { args, seed, began, first_n: session.first_n(), clock: tokio::time::Instant::now(), session, scenarios, allowed, limits };
    let page = watch.page(&folder).await?;
    let (stop, stopping) = channel(false);
    let signals = (!args.probe.virtual_time).then(|| {
        tokio::spawn(async move {
            interrupted().await;
            // Nobody listens any more only when the watch is over.
            let _ = stop.send(true);
        })
    });
    let ended = watch.go_on(&folder, &page, stopping).await;
    if let Some(signals) = signals {
        signals.abort();
    }
    page.close().await;
    watch.session.close().await;
    ended
}

/// What stays the same from round to round.
struct Watch<'a> {
    args: &'a WatchArgs,
    seed: u64,
    began: String,
    first_n: u64,
    clock: tokio::time::Instant,
    session: Session,
    scenarios: Vec<Scenario>,
    /// Failures that are put up with in every round until their day has passed.
    allowed: Vec<Allow>,
    limits: Limits,
}

/// A round that has ended, and what was made of it.
struct Done {
    round: Round,
    view: View,
    log: PathBuf,
    ended: EndReason,
}

impl Watch<'_> {
    async fn page(&self, folder: &std::path::Path) -> Result<Page, Complaint> {
        let target = &self.session.header(self.seed, Vec::new(), String::new()).target;
        let names: Vec<&str> = self.scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
        let publication = Publication::new(&target.name, &target.base_url, &names.join(", "), &self.began, self.args);
        // A socket has no place on virtual time.
        let listen = if self.args.probe.virtual_time { Listen::Nowhere } else { self.args.listen };
        let page = Page::open(listen, &self.args.listen_as, publication).await?;
        if let (Some(address), false) = (page.address(), self.args.probe.quiet) {
            output::tell(&format!(
                "watching {} every {}: http://{address}/, logs in {}",
                target.base_url,
                self.args.every,
                folder.display()
            ));
            if !address.ip().is_loopback() {
                output::tell(&format!("note: whoever reaches {address} can read the page; it asks for no password"));
            }
        }
        Ok(page)
    }

    /// Round after round, until it is over.
    async fn go_on(&self, folder: &std::path::Path, page: &Page, mut stopping: Receiver<bool>) -> Ended {
        let rules = Rules { keep: self.args.keep as usize, recover: self.args.recover, patience: self.args.patience };
        let mut standing = Standing::new(rules);
        let mut logs = Logs::open(folder, self.args.keep_logs as usize)?;
        let (mut begun, mut scans, mut next) = (0, 0, self.clock);
        let Some(mut contact) = self.first_contact(&mut stopping).await else { return Ok(Exit::Interrupted) };
        let (shown, exit) = loop {
            begun += 1;
            let done = self.round(&mut logs, begun, scans, contact.clone(), &mut stopping).await?;
            if contact.as_ref().is_some_and(|contact| contact.problem.is_some()) {
                self.tell_held_up(&done.view);
                break (done.view, Exit::Inconclusive);
            }
            // A path at which a job was visible exists, whatever happens to later ones.
            if let Some(contact) = contact.as_mut().filter(|_| done.round.journal.exchanges.iter().any(is_visible_poll)) {
                contact.unrouted = None;
            }
            if done.ended == EndReason::Interrupted {
                let window = standing.window().filter(|_| !standing.is_lost());
                let shown = window.map_or(done.view, |window| report::view(&window).0);
                break (shown, Exit::Interrupted);
            }
            scans += self.scenarios.iter().map(|scenario| u64::from(scenario.load.scans)).sum::<u64>();
            let (outcome, round_view) = (done.round.outcome, done.view);
            let moment = self.moment(done.round.began);
            standing.take(done.round);
            let window = standing.window().map(|window| report::view(&window).0);
            let change = standing.settle(window.as_ref().map(|view| view.verdict));
            // A target that is lost is told of by the round that lost it.
            let shown = window.filter(|_| !standing.is_lost()).unwrap_or_else(|| round_view.clone());
            // What a round of its own cannot prove by then, the window does.
            let reason = match (outcome, standing.verdict()) {
                (Outcome::Clean, Some(Verdict::Fail)) if standing.owed() > 0 => {
                    format!("{}; it passes when {} more rounds in a row are clean", shown.headline, standing.owed())
                }
                (Outcome::Failing | Outcome::Unmeasured, _) if change.is_some() => round_view.headline.clone(),
                _ => shown.headline.clone(),
            };
            let told =
                Told { number: logs.number(), began: moment, outcome, round: &round_view, reason: &reason, change, standing: &standing };
            let change = page.publish(&told, &shown, logs.relative(&done.log));
            self.tell(&told, change.is_some());
            if let Some(change) = &change {
                logs.changed(change)?;
                report::write(&shown, folder, &self.args.probe.also)?;
                // That a watch begins with a pass is what everybody expects.
                let expected = change.was.is_none() && change.is == Verdict::Pass;
                if let Some(command) = self.args.on_change.as_ref().filter(|_| !expected) {
                    hook::call(command, change, &done.log, &stopping).await;
                }
            }
            let exit = standing.verdict().map_or(Exit::Inconclusive, Exit::from);
            let turned = change.is_some() && exit == Exit::Fail;
            if turned && self.args.on_change.is_none() && !self.args.keep_going {
                break (shown, exit);
            }
            next = (next + self.args.every.0).max(tokio::time::Instant::now());
            let over = self.args.rounds.is_some_and(|rounds| begun >= rounds)
                || self.args.lasting.is_some_and(|lasting| next.duration_since(self.clock) >= lasting.0);
            if over {
                break (shown, exit);
            }
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                () = stopped(&mut stopping) => break (shown, Exit::Interrupted),
            }
        };
        self.conclude(folder, &shown)?;
        Ok(exit)
    }

    /// What the target answers before the first round. What may pass by itself, such as a target that is down, is what a watch looks
    /// at, and ends none. `None`: somebody stopped it.
    async fn first_contact(&self, stopping: &mut Receiver<bool>) -> Option<Option<Contact>> {
        if !contact::asks_for_jobs(&self.scenarios) {
            return Some(None);
        }
        let probe = &self.args.probe;
        // The limit is each round's; the one job of first contact is beside them.
        let restraint = probe.restraint(None, OnStrain::GoOn);
        let options = Options { seed: self.seed, max_rps: self.limits.max_rps, timeout: probe.timeout.0, first_n: self.first_n, restraint };
        let asked = contact::first_contact(&self.session, probe, &options, self.first_n.saturating_sub(1));
        let contact = if probe.virtual_time {
            asked.await
        } else {
            tokio::select! {
                contact = asked => contact,
                () = stopped(stopping) => return None,
            }
        };
        Some(contact.map(|mut contact| {
            if let Some(problem) = contact.problem.take_if(|problem| problem.may_pass)
                && !probe.quiet
            {
                output::tell(&format!("note: first contact: {problem}"));
            }
            contact
        }))
    }

    fn tell_held_up(&self, view: &View) {
        if !self.args.probe.quiet {
            output::tell(&format!("the watch ends at first contact: {}", view.headline));
        }
    }

    /// One round: a log from its first line to its last, read back and judged.
    async fn round(
        &self,
        logs: &mut Logs,
        number: u64,
        scans: u64,
        contact: Option<Contact>,
        stopping: &mut Receiver<bool>,
    ) -> Result<Done, Complaint> {
        let began = self.clock.elapsed();
        let seed = self.seed.wrapping_add(number - 1);
        let mut header = self.session.header(seed, self.scenarios.clone(), self.command(seed));
        header.started = self.wall_clock(began);
        header.allow.clone_from(&self.allowed);
        let held_up = contact.as_ref().is_some_and(|contact| contact.problem.is_some());
        header.contact = contact;
        let path = logs.next()?;
        let log = LogWriter::begin(Box::new(files::create(&path)?), &header).map_err(|error| Complaint::recording(&path, error))?;
        let clock = if self.args.probe.virtual_time {
            Clock::virtual_time()
        } else {
            Clock::real().map_err(|source| Complaint::System { action: "make a kernel timer", source })?
        };
        // Each round is a run of its own, with the whole limit.
        let restraint = self.args.probe.restraint(self.args.probe.max_jobs.map(u64::from), OnStrain::GoOn);
        let time_limit = limits::time_limit(&self.scenarios, self.limits.max_rps, restraint.max_wait);
        let probe = Probe::with_decisions(
            Arc::clone(&self.session.target),
            self.session.transport.clone(),
            clock,
            self.args.probe.tracing(Recorder::new(log, self.session.target.secrets())),
            Options { seed, max_rps: self.limits.max_rps, timeout: self.args.probe.timeout.0, first_n: self.first_n + scans, restraint },
            |_| {},
            onward(&self.scenarios, None),
        );
        let run = async {
            if held_up {
                return EndReason::TargetGone;
            }
            within(time_limit, probe.run(&self.scenarios)).await
        };
        let ended = if self.args.probe.virtual_time { run.await } else { until(&probe, run, stopped(stopping)).await };
        if let Some(error) = probe.recorder().failure() {
            return Err(Complaint::recording(&path, error));
        }
        probe.recorder().end(probe.clock().now(), ended).map_err(|error| Complaint::recording(&path, error))?;
        logs.ended(&path)?;
        let journal = report::read_own(&path, &header)?;
        let (view, outcome) = seen(&journal);
        Ok(Done { round: Round { began, journal, outcome }, view, log: path, ended })
    }

    /// The command that repeats one round.
    fn command(&self, seed: u64) -> String {
        const WITH_VALUE: [&str; 11] = [
            "--every",
            "--for",
            "--rounds",
            "--keep",
            "--recover",
            "--patience",
            "--on-change",
            "--listen",
            "--listen-as",
            "--keep-logs",
            "--seed",
        ];
        let mut kept = Vec::new();
        let mut words = self.args.probe.words.iter();
        while let Some(word) = words.next() {
            if WITH_VALUE.contains(&word.as_str()) {
                words.next();
            } else if word != "--keep-going"
                && !WITH_VALUE.iter().any(|flag| word.strip_prefix(flag).is_some_and(|rest| rest.starts_with('=')))
            {
                kept.push(word.clone());
            }
        }
        kept.extend(["--rounds".to_owned(), "1".to_owned()]);
        command_line(&kept, seed, false)
    }

    /// The wall clock so long after the beginning: that of the machine, or the one that virtual time pretends.
    fn wall_clock(&self, since_began: Duration) -> String {
        let virtual_clock = || Some((self.began.parse::<jiff::Timestamp>().ok()? + since_began).to_string());
        if self.args.probe.virtual_time { virtual_clock().unwrap_or_else(now) } else { now() }
    }

    fn moment(&self, since_began: Duration) -> crate::report::watch_status::Moment {
        let began = self.began.parse::<jiff::Timestamp>().unwrap_or_default();
        publish::moment(began + since_began)
    }

    /// One line for each round, and for each change, on standard error.
    fn tell(&self, told: &Told<'_>, changed: bool) {
        let probe = &self.args.probe;
        let at = told.began.told.get(11..19).unwrap_or_default();
        if !probe.no_progress {
            output::tell(&format!("{at}  round {}  {}: {}", told.number, told.outcome.word(), told.round.headline));
        }
        if changed && !probe.quiet {
            let verdict = told.standing.verdict().map_or("", Verdict::word).to_uppercase();
            let was = told.change.and_then(|change| change.was).map_or(String::new(), |was| format!(" (was {})", was.word()));
            output::tell(&format!("{at}  {verdict}{was}: {}", told.reason));
        }
    }

    /// Writes and shows the report on what is judged at the end.
    fn conclude(&self, folder: &std::path::Path, shown: &View) -> Result<(), Complaint> {
        let wanted = self.args.probe.wanted();
        let written = report::write(shown, folder, &wanted.also)?;
        output::print(&render(shown, wanted.format, wanted.style))?;
        github::tell(shown, folder, wanted.github);
        if !wanted.quiet {
            output::tell(&format!("written to {}: {}, {}/", folder.display(), written.join(", "), logs::FOLDER));
        }
        Ok(())
    }
}

/// What a log tells by itself.
fn seen(journal: &Journal) -> (View, Outcome) {
    let analysis = analyse(journal);
    let judgement = judge(journal, &analysis);
    (View::of(journal, &analysis, &judgement), Outcome::of(&judgement))
}

fn is_visible_poll(exchange: &Exchange) -> bool {
    exchange.kind == Kind::Poll && exchange.answer == Answer::Visible
}

/// Until somebody wants it to stop.
async fn stopped(stopping: &mut Receiver<bool>) {
    if stopping.wait_for(|stop| *stop).await.is_err() {
        // On virtual time there is nobody who could.
        std::future::pending::<()>().await;
    }
}
