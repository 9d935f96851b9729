//! The view: every number and every sentence of a report, chosen once.

mod advice;
mod answers;
mod denials;
mod evidence;
mod headline;
mod histograms;
mod lanes;
mod recorded;
mod repeat;
mod steps;
mod tables;
mod unseen;
mod window;

use std::time::Duration;

use crate::analysis::Analysis;
use crate::analysis::gate::Bound;
use crate::analysis::load::Load;
use crate::analysis::punctuality::Punctuality;
use crate::analysis::refusal;
use crate::analysis::scan::Scans;
use crate::model::answer::Answer;
use crate::model::contact::Contact;
use crate::model::exchange::{Connection, Kind};
use crate::model::guarantee::Guarantee;
use crate::model::run::Journal;
use crate::model::shard::Share;
use crate::report::view::window::Everyone;
use crate::report::words;
use crate::verdict::{Judgement, Verdict};

pub use answers::Answers;
pub use denials::DenialRow;
pub use histograms::Histograms;
pub(super) use lanes::reach;
pub use lanes::{Lane, LaneMark, Sign};
pub use steps::{Curve, CurveStep};
pub use window::{QuantileRow, SafeDelay, WindowView};

/// All that any format tells of a run. Text in it is safe to print and bounded.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// The verdict.
    pub verdict: Verdict,
    /// What happened, in one line that does not name the verdict.
    pub headline: String,
    /// Whether it is broken, since when, and what to do: for whoever knows nothing of this program.
    pub answers: Answers,
    /// What a reader must know before anything else: that the log is partial, torn, or cannot be judged.
    pub notices: Vec<String>,
    /// Why the verdict is what it is, the weightiest first.
    pub reasons: Vec<String>,
    /// Those reasons, also of single scenarios, that neither the headline nor a row of counts tells.
    pub other_reasons: Vec<String>,
    /// Whether a `visible` meant anything.
    pub assessable: bool,
    /// What was run, where and when.
    pub run: RunNote,
    /// Scenario by scenario.
    pub scenarios: Vec<ScenarioRow>,
    /// The clearest scan, step by step.
    pub timeline: Option<Timeline>,
    /// What was checked, when, and with which result.
    pub evidence: Vec<EvidenceRow>,
    /// The window over all scenarios.
    pub window: WindowView,
    /// Its curve with the limits around it, for drawing; `None` where there is nothing to draw.
    pub curve: Option<Curve>,
    /// How often status denied, by age and connection, over all scenarios.
    pub denials: Vec<DenialRow>,
    /// A bounded number of scans with what each was answered, the clearest of each scenario.
    pub lanes: Vec<Lane>,
    /// Round trips.
    pub latency: Vec<LatencyRow>,
    /// The same round trips, counted whole.
    pub histograms: Vec<Histograms>,
    /// The guarantees over all scenarios.
    pub guarantees: Vec<GuaranteeRow>,
    /// The supported causes, strongest first.
    pub causes: Vec<CauseRow>,
    /// The excluded causes.
    pub ruled_out: Vec<RuledOutRow>,
    /// What was found that no class is named for, with what to ask next.
    pub patterns: Vec<PatternRow>,
    /// What could not be told apart, with the probe that would.
    pub undecided: Vec<String>,
    /// What this run could not see.
    pub unseen: Vec<String>,
    /// How punctual the probe was.
    pub punctuality: Punctuality,
    /// The jobs that its scenarios started, and what became of them.
    pub load: Load,
    /// The jobs that were started besides: at first contact, which nobody watched.
    pub contact_jobs: u64,
    /// Requests that asked for a scan again.
    pub repeats: u64,
    /// Whether a status answer says how a job stands.
    pub tells_states: bool,
    /// How to see it again.
    pub repeat: Repeat,
    /// What to do now.
    pub next_step: String,
}

/// What was run, where and when.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the fields of the log's first line, cleaned")]
pub struct RunNote {
    pub target: String,
    pub base_url: String,
    /// Settings of the reference service, where the run started one itself.
    pub service: Option<String>,
    pub run_id: String,
    pub tool: String,
    pub started: String,
    /// The same as a number: wall clock at stamp zero, since 1970; `None` where the log's text is no time.
    pub began: Option<Duration>,
    /// From stamp zero to the end of the last exchange.
    pub lasted: Duration,
    pub seed: u64,
    pub command: String,
    pub timer: String,
    pub resolution_ms: f64,
    pub system: String,
    pub processors: u32,
    pub shard: Option<Share>,
    /// Exchanges in the log.
    pub exchanges: u64,
    /// Whether everything planned was done.
    pub complete: bool,
}

/// One scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct ScenarioRow {
    /// Its name.
    pub name: String,
    /// What it does, in one line.
    pub title: String,
    /// The passage it comes from.
    pub source: String,
    /// Its verdict.
    pub verdict: Verdict,
    /// Why.
    pub reasons: Vec<String>,
    /// Scans accepted.
    pub accepted: u64,
    /// Scans asked for.
    pub initiates: u64,
    /// Status polls.
    pub polls: u64,
    /// How often it was answered `not_found`, in a few words.
    pub denied: String,
    /// Its rates.
    pub offsets: Vec<OffsetRow>,
    /// Its window.
    pub window: WindowView,
    /// Its guarantees.
    pub guarantees: Vec<GuaranteeRow>,
    /// The smallest true rate that a pass excludes at 95 %, at each of its ages.
    pub could_miss: Option<f64>,
    /// The same with the age of which least is known.
    pub bound: Option<Bound>,
    /// What its gate could detect and what not, with the scans that it got.
    pub power: Option<String>,
}

/// What was answered at one offset.
#[derive(Debug, Clone, PartialEq)]
pub struct OffsetRow {
    /// The age asked for, in milliseconds.
    pub at_ms: f64,
    /// The same, as files write it.
    pub at: String,
    /// The arm's name.
    pub arm: String,
    /// How the polls travelled.
    pub connection: Connection,
    /// Polls that count.
    pub polls: u64,
    /// Those that were answered `not_found`.
    pub not_found: u64,
    /// Polls without evidence.
    pub other: u64,
    /// Polls outside the tolerance.
    pub late: u64,
    /// Scans behind the polls.
    pub scans: u64,
    /// Scans denied here.
    pub scans_denied: u64,
    /// Scans of which no poll here told anything.
    pub scans_lost: u64,
    /// Share of polls answered `not_found`.
    pub rate: Option<f64>,
    /// 95 % limits for the share of scans denied.
    pub lower: f64,
    /// Upper limit.
    pub upper: f64,
}

/// The clearest scan, step by step.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline {
    /// Its number.
    pub scan: u64,
    /// Its scenario's name.
    pub scenario: String,
    /// Its id.
    pub id: Option<String>,
    /// Its steps by age; the first is the handing out of the id, at 0.
    pub steps: Vec<TimelineStep>,
}

/// One step of a timeline.
#[derive(Debug, Clone, PartialEq)]
pub struct TimelineStep {
    /// Age in milliseconds at which the (first) request was sent.
    pub at_ms: f64,
    /// Age of the last one.
    pub until_ms: f64,
    /// How many exchanges it stands for.
    pub times: u64,
    /// What was asked; `None` for the handing out of the id.
    pub kind: Option<Kind>,
    /// How it travelled.
    pub connection: Connection,
    /// What was asked, in words.
    pub asked: String,
    /// What was answered.
    pub told: String,
    /// How that is to be taken.
    pub mark: Mark,
    /// Who answered.
    pub worker: Option<String>,
}

/// How an answer is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// As it should be.
    Works,
    /// A broken promise.
    Fails,
    /// Neither.
    Neutral,
}

/// One row of the evidence table.
#[derive(Debug, Clone, PartialEq)]
pub struct EvidenceRow {
    /// What was checked.
    pub check: String,
    /// At which age.
    pub timing: String,
    /// How it is to be taken.
    pub mark: Mark,
    /// What was answered.
    pub result: String,
    /// What it rests on.
    pub evidence: String,
}

/// Round trips of one kind of exchange, in milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct LatencyRow {
    /// Which: the kind, and the connection where it is not the usual one.
    pub name: String,
    /// Which exchanges.
    pub kind: Kind,
    /// How they travelled.
    pub connection: Connection,
    /// From the sending.
    pub sent: RoundTrip,
    /// From the planned sending, which also counts the time that a late prober hides (coordinated omission).
    pub planned: RoundTrip,
}

/// Quantiles of round trips, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(missing_docs, reason = "the quantiles that their names say")]
pub struct RoundTrip {
    pub count: u64,
    /// `None`: too few for it.
    pub p50: Option<f64>,
    /// `None`: too few for it.
    pub p90: Option<f64>,
    /// `None`: too few for it.
    pub p95: Option<f64>,
    /// `None`: too few for it.
    pub p99: Option<f64>,
    /// `None`: too few for it.
    pub p999: Option<f64>,
    pub max: f64,
}

/// How one guarantee fared.
#[derive(Debug, Clone, PartialEq)]
pub struct GuaranteeRow {
    /// Which.
    pub guarantee: Guarantee,
    /// Its stable code.
    pub code: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it promises.
    pub promise: &'static str,
    /// Kept, broken or not assessed.
    pub standing: Standing,
    /// On how many scans it was checked.
    pub checked: u64,
    /// How many of them broke it.
    pub broken: u64,
    /// What proves it.
    pub evidence: Vec<String>,
    /// What was seen beside that and proves nothing, with the reason.
    pub unclear: Vec<String>,
}

/// Whether a guarantee was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// No breach was seen.
    Kept,
    /// At least one was.
    Broken,
    /// Nothing was checked, and why.
    NotAssessed(String),
}

impl Standing {
    /// The word used in results.
    pub fn word(&self) -> &'static str {
        match self {
            Standing::Kept => "pass",
            Standing::Broken => "fail",
            Standing::NotAssessed(_) => "not_assessed",
        }
    }
}

/// One supported cause.
#[derive(Debug, Clone, PartialEq)]
pub struct CauseRow {
    /// Its class' letter.
    pub class: &'static str,
    /// The letters of classes that are not told from it.
    pub or: Vec<&'static str>,
    /// What people read: its name with the letter in brackets.
    pub named: String,
    /// Its name, with theirs.
    pub name: &'static str,
    /// How well it is supported.
    pub strength: &'static str,
    /// What happens inside such a service.
    pub mechanism: String,
    /// What cures it.
    pub cure: String,
    /// What supports it.
    pub evidence: Vec<String>,
}

/// A finding that no class is named for.
#[derive(Debug, Clone, PartialEq)]
pub struct PatternRow {
    /// The word for it.
    pub kind: &'static str,
    /// What was found.
    pub statement: String,
    /// The letters of the classes that it may be.
    pub possible: Vec<&'static str>,
    /// The same by their names, with the letters in brackets.
    pub possible_named: Vec<String>,
    /// What to ask next.
    pub ask_next: &'static str,
}

/// One excluded cause.
#[derive(Debug, Clone, PartialEq)]
pub struct RuledOutRow {
    /// Its class' letter.
    pub class: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The probe that excludes it.
    pub by: String,
}

/// How to see it again.
#[derive(Debug, Clone, PartialEq)]
pub struct Repeat {
    /// The command that repeats the run; empty where the log does not say.
    pub command: String,
    /// A shell snippet that asks for a new scan and polls it at the failing age.
    pub snippet: Option<String>,
}

impl View {
    /// Chooses what a report tells.
    pub fn of(journal: &Journal, analysis: &Analysis, judgement: &Judgement) -> View {
        let (journal, _) = refusal::read(journal);
        let journal = &*journal;
        let scans = Scans::of(&journal.exchanges);
        let histories = scans.histories();
        let scenarios = tables::scenarios(journal, analysis, judgement);
        let window = window::view(
            &analysis.window,
            Everyone::of(&analysis.guarantees, &analysis.guarantees),
            judgement.assessable,
            judgement.verdict,
        );
        let (causes, ruled_out, undecided) = tables::diagnosis(&analysis.diagnosis, journal.run.target.owner());
        let patterns = tables::patterns(&analysis.diagnosis);
        let view = View {
            verdict: judgement.verdict,
            headline: headline::headline(analysis, judgement, &window),
            answers: answers::answers(journal, analysis, judgement, &histories, &window),
            notices: headline::notices(journal, analysis, judgement),
            reasons: judgement.reasons.iter().map(words::reason).collect(),
            other_reasons: headline::other_reasons(judgement),
            assessable: judgement.assessable,
            run: run_note(journal),
            timeline: evidence::timeline(journal, analysis),
            evidence: evidence::rows(journal, analysis, &histories),
            curve: steps::curve(&analysis.window, judgement.assessable),
            denials: denials::rows(analysis),
            lanes: lanes::lanes(journal, &histories),
            latency: tables::latency(&analysis.round_trips),
            histograms: histograms::histograms(journal),
            guarantees: analysis.guarantees.iter().map(tables::guarantee).collect(),
            causes,
            ruled_out,
            patterns,
            undecided,
            unseen: Vec::new(),
            punctuality: analysis.punctuality,
            load: analysis.load,
            contact_jobs: journal.run.contact.as_ref().map_or(0, Contact::jobs),
            repeats: journal.exchanges.iter().filter(|exchange| exchange.kind == Kind::Repeat).count() as u64,
            tells_states: journal.run.target.can.states,
            repeat: repeat::repeat(journal, analysis),
            next_step: advice::next_step(journal, analysis, judgement),
            scenarios,
            window,
        };
        View { unseen: unseen::unseen(journal, analysis, &view), ..view }
    }

    /// All jobs that the command started, wherever a report counts them.
    pub fn jobs_started(&self) -> u64 {
        self.load.started + self.contact_jobs
    }

    /// How many jobs were started and left behind, as a sentence; `None` where none was.
    pub fn jobs(&self) -> Option<String> {
        let Load { started, not_accepted, unfinished, unknown, .. } = self.load;
        if self.jobs_started() == 0 {
            return None;
        }
        let mut of_them = vec![format!("{} for scans", words::count(started - self.repeats))];
        if self.repeats > 0 {
            of_them.push(format!("{} by asking again", words::count(self.repeats)));
        }
        if self.contact_jobs > 0 {
            of_them.push(format!("{} at first contact", words::count(self.contact_jobs)));
        }
        let started_in_all = words::counted(self.jobs_started(), "job");
        let of_them = if of_them.len() > 1 { format!(": {}", of_them.join(", ")) } else { String::new() };
        let mut told = vec![format!("Started {started_in_all}{of_them}")];
        if not_accepted > 0 {
            told.push(format!("{} {} not accepted", words::count(not_accepted), words::were(not_accepted)));
        }
        let accepted = started - not_accepted;
        if accepted > 0 && !self.tells_states {
            told.push("whether they ended is not known, since the target file maps no states".to_owned());
        } else if accepted > 0 && unfinished + unknown == 0 {
            told.push(if self.contact_jobs > 0 {
                "all accepted ones but that of first contact, which was not watched, were seen to end".to_owned()
            } else {
                "all that were accepted were seen to end".to_owned()
            });
        } else {
            if unfinished > 0 {
                told.push(format!("{} had not ended when last looked at", words::count(unfinished)));
            }
            if unknown > 0 {
                told.push(format!("of {} no answer said whether they ended", words::count(unknown)));
            }
        }
        Some(told.join("; ") + ".")
    }

    /// How punctual the probe was, as a sentence; `None` where no age was to be met.
    pub fn punctual(&self) -> Option<String> {
        let late = &self.punctuality;
        (late.polls > 0).then(|| {
            let told = [("p50", late.told_p50_ms()), ("p99", late.told_p99_ms())];
            let told: String = told.into_iter().filter_map(|(name, ms)| Some(format!("{name} {}, ", words::age(ms?)))).collect();
            format!("The probe's own lateness at {}: {told}at most {}.", words::counted(late.polls, "gate poll"), words::age(late.max_ms))
        })
    }
}

fn run_note(journal: &Journal) -> RunNote {
    let run = &journal.run;
    RunNote {
        target: words::name(&run.target.name),
        base_url: words::clean(&run.target.base_url, 200),
        service: run.target.service.as_deref().map(words::sentence),
        run_id: words::name(&run.run_id),
        tool: words::name(&run.tool),
        started: words::name(&run.started),
        began: words::since_1970(&run.started),
        lasted: Duration::from_nanos(journal.exchanges.iter().map(|exchange| exchange.done.0).max().unwrap_or_default()),
        seed: run.seed,
        command: words::clean(&run.command, 2000),
        timer: words::name(&run.clock.timer),
        resolution_ms: run.clock.resolution.as_ms(),
        system: words::name(&run.environment.system),
        processors: run.environment.processors,
        shard: run.shard.clone(),
        exchanges: journal.exchanges.len() as u64,
        complete: journal.is_complete(),
    }
}

/// Whether an answer shows the scan.
fn is_visible(answer: Answer) -> bool {
    answer == Answer::Visible
}
