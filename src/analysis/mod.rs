//! From the log to findings: pure functions, no clock, no network, no randomness but a seed.
//!
//! In goes a [`Journal`], out comes an [`Analysis`]: for each scenario the rates at its offsets, the window, the guarantees
//! and the round trips, and the same for the run as a whole. It answers in numbers, enums and references to exchanges; sentences
//! are made in `report`, and what is good enough is decided in `verdict`.

pub mod baseline;
mod blank;
pub mod denied;
pub mod diagnosis;
pub mod echo;
pub mod first_polls;
pub mod gate;
pub mod guarantees;
pub mod load;
mod misnamed;
pub mod objectives;
pub mod punctuality;
pub mod refusal;
pub mod round_trips;
pub mod scan;
pub mod second_opinion;
pub mod so_far;
pub mod timeline;
pub mod timing;
pub mod twin;
pub mod window;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::analysis::diagnosis::{Candidates, Diagnosis};
use crate::analysis::first_polls::FirstPolls;
use crate::analysis::gate::{Loss, OffsetRate};
use crate::analysis::guarantees::{Checked, Evidence, ResultsMean};
use crate::analysis::load::Load;
use crate::analysis::misnamed::Misnamed;
use crate::analysis::objectives::Objective;
use crate::analysis::punctuality::Punctuality;
use crate::analysis::refusal::Refusal;
use crate::analysis::round_trips::RoundTrips;
use crate::analysis::scan::{ScanHistory, Scans, SharedIds};
use crate::analysis::timeline::Timeline;
use crate::analysis::timing::Timing;
use crate::analysis::twin::Twin;
use crate::analysis::window::Window;
use crate::model::answer::{Answer, State};
use crate::model::exchange::{Exchange, Kind};
use crate::model::guarantee::Guarantee;
use crate::model::run::Journal;
use crate::model::scenario::Scenario;
use crate::model::time::Nanos;

/// Everything that a log tells, before anybody judges it.
#[derive(Debug, Clone, PartialEq)]
pub struct Analysis {
    /// Scenario by scenario, in the order of the run.
    pub scenarios: Vec<ScenarioAnalysis>,
    /// The window over all scenarios.
    pub window: Window,
    /// The guarantees over all scenarios.
    pub guarantees: Vec<Checked>,
    /// The round trips by kind.
    pub round_trips: Vec<RoundTrips>,
    /// How long things took, as the owner of latency asks.
    pub timing: Timing,
    /// What the run shows of the target's objectives.
    pub objectives: Vec<Objective>,
    /// How punctual the probe was.
    pub punctuality: Punctuality,
    /// The jobs that it started, and what became of them.
    pub load: Load,
    /// The clearest scan, told step by step.
    pub timeline: Option<Timeline>,
    /// The causes that the findings support.
    pub diagnosis: Diagnosis,
    /// What twins of the log say of those causes; `None`: none was run.
    pub twin: Option<Twin>,
    /// Whether a never-issued id was denied, so that a `visible` means something; `None`: no control was answered.
    pub honest: Option<bool>,
    /// First polls that say nothing more often than chance explains.
    pub first_polls: Option<FirstPolls>,
    /// Refusals that were read as `not_found`, because never-issued ids are answered so.
    pub refusals: Vec<Refusal>,
    /// The log with those, and blank answers, read so; `None`: the log itself.
    pub(crate) as_read: Option<Arc<Journal>>,
}

impl Analysis {
    /// The log as it was read: with refusals that deny, and answers that say nothing of the job, as what they are.
    pub fn read<'a>(&'a self, journal: &'a Journal) -> &'a Journal {
        self.as_read.as_deref().unwrap_or(journal)
    }
}

/// Everything that a log tells of one scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct ScenarioAnalysis {
    /// The scenario's name.
    pub name: String,
    /// What was sent and how it was answered.
    pub counts: Counts,
    /// The rates at its offsets.
    pub offsets: Vec<OffsetRate>,
    /// The window of its scans.
    pub window: Window,
    /// The guarantees.
    pub guarantees: Vec<Checked>,
    /// How punctual its polls were.
    pub punctuality: Punctuality,
    /// The round trips of its polls.
    pub round_trips: Vec<RoundTrips>,
    /// What its polls without evidence were answered, at any age.
    pub losses: Vec<Loss>,
    /// What its controls without a verdict on honesty were answered: refusals, errors.
    pub lost_controls: Vec<Loss>,
}

/// What was sent and how it was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Scans asked for.
    pub initiates: u64,
    /// Scans accepted.
    pub accepted: u64,
    /// Accepted scans whose id another scan had been given before.
    pub repeated_ids: u64,
    /// Scans that were denied only after they had been seen.
    pub denied_late: u64,
    /// Status polls.
    pub polls: u64,
    /// Status polls that said neither visible nor `not_found`.
    pub without_evidence: u64,
    /// Accepted scans with two polls and more, of which none said anything.
    pub silent: u64,
    /// Scans that were seen to end, and afterwards had a state that the target file does not list, or none.
    pub unlisted_after_end: u64,
    /// Status polls without evidence of all other scans, and all their status polls.
    pub lost_elsewhere: (u64, u64),
    /// Exchanges that the target answered with 429 or 503; where there is none, those shortly before the scenario, which hold it back.
    pub throttled: u64,
    /// How many requests were sent in the second before the first of these; 0 where there is none.
    pub throttled_after: u64,
    /// Exchanges of any kind to which no complete reply came.
    pub unanswered: u64,
}

/// Analyses a log.
pub fn analyse(journal: &Journal) -> Analysis {
    analyse_among(journal, &Candidates::all())
}

/// Analyses a log, with these classes to explain what is wrong in it.
pub fn analyse_among(journal: &Journal, candidates: &Candidates) -> Analysis {
    let (as_read, refusals) = refusal::read(journal);
    let as_read = as_read.map(Arc::new);
    let (journal, misnamed) = misnamed::read(as_read.as_deref().unwrap_or(journal));
    let journal = &*journal;
    let scans = Scans::of(&journal.exchanges);
    let histories = scans.histories();
    let all: Vec<&ScanHistory<'_>> = histories.iter().collect();
    let scenarios = analyse_scenarios(journal, &histories, misnamed.as_ref());
    let ages = gate_ages(&journal.scenarios);
    let guarantees = merge(&scenarios);
    let honesty = guarantees.iter().find(|checked| checked.guarantee == Guarantee::Honesty);
    // A run of one scenario tells what the scenario does: a large one is not looked at twice.
    let whole = match scenarios.as_slice() {
        [only] if journal.exchanges.iter().all(|exchange| exchange.scenario == 0) => Some(only),
        _ => None,
    };
    let window = whole.map_or_else(|| window::window(&undisturbed(journal, &all), &ages, &journal.scenarios), |only| only.window.clone());
    let honest = honesty.filter(|checked| checked.checked > 0).map(|checked| checked.broken == 0);
    let timing = timing::timing(journal, &all);
    Analysis {
        objectives: objectives::objectives(&journal.run.target.slo, &window, &timing, honest),
        timing,
        window,
        honest,
        round_trips: whole.map_or_else(|| round_trips::round_trips(journal.exchanges.iter()), |only| only.round_trips.clone()),
        punctuality: whole.map_or_else(|| punctuality::punctuality(&all), |only| only.punctuality),
        load: load::load(&all),
        timeline: timeline::clearest(&all),
        first_polls: first_polls::lost(&all),
        // A path that does not exist has no cause to be found.
        diagnosis: if journal.unrouted().is_some() {
            Diagnosis::default()
        } else {
            diagnosis::diagnose(journal, &all, &scenarios, candidates)
                .without(&journal.not_asked)
                .doubted(journal.end.as_ref().and_then(|end| end.second_opinion.as_ref()))
        },
        twin: None,
        guarantees,
        scenarios,
        refusals,
        as_read: as_read.clone(),
    }
}

/// A log as an analysis takes it: with refusals that deny, answers that say nothing, and ids that are none as what they are.
pub fn as_meant(journal: &Journal) -> Cow<'_, Journal> {
    let read = refusal::read(journal).0.map_or(Cow::Borrowed(journal), Cow::Owned);
    match misnamed::read(&read).0 {
        Cow::Owned(named) => Cow::Owned(named),
        Cow::Borrowed(_) => read,
    }
}

/// Deals scans and exchanges to their scenarios, once, and analyses each.
fn analyse_scenarios(journal: &Journal, histories: &[ScanHistory<'_>], misnamed: Option<&Misnamed>) -> Vec<ScenarioAnalysis> {
    let scans = deal(histories, journal.scenarios.len(), ScanHistory::scenario);
    let exchanges = deal(&journal.exchanges, journal.scenarios.len(), |exchange| exchange.scenario);
    let hands = scans.into_iter().zip(exchanges);
    let shared_ids = SharedIds::of(histories.iter());
    let results = ResultsMean::among(histories);
    let mut analysed: Vec<ScenarioAnalysis> = journal
        .scenarios
        .iter()
        .zip(hands)
        .map(|(scenario, (scans, exchanges))| {
            let target = &journal.run.target;
            let evidence = Evidence { scenario, scans: &scans, unknown: &[], target, shared_ids: &shared_ids, misnamed, results };
            analyse_scenario(journal, evidence, &exchanges)
        })
        .collect();
    for (scenario, index) in analysed.iter_mut().zip(0..) {
        if scenario.counts.throttled == 0 {
            scenario.counts.throttled = throttled_before(journal, index);
        }
    }
    analysed
}

/// For so long a target's wish for a pause keeps the probe slow.
const HELD_BACK: Duration = Duration::from_secs(60);

/// How many requests of earlier scenarios were throttled shortly before a scenario began.
fn throttled_before(journal: &Journal, scenario: u32) -> u64 {
    let throttled = || journal.exchanges.iter().filter(|exchange| is_throttled(exchange));
    if throttled().next().is_none() {
        return 0;
    }
    let Some(began) = journal.exchanges.iter().filter(|exchange| exchange.scenario == scenario).map(|exchange| exchange.sent).min() else {
        return 0;
    };
    throttled().filter(|exchange| exchange.sent < began && began.elapsed_from(exchange.sent) <= HELD_BACK).count() as u64
}

fn is_throttled(exchange: &Exchange) -> bool {
    // A rule may read 429 as something else, and then nothing was held back.
    exchange.answer == Answer::Throttled || exchange.http == Some(503)
}

/// How many requests were sent in the second before the first one that was throttled, and with it.
fn throttled_after(exchanges: &[&Exchange]) -> u64 {
    let Some(first) = exchanges.iter().filter(|exchange| is_throttled(exchange)).map(|exchange| exchange.sent).min() else { return 0 };
    exchanges.iter().filter(|exchange| exchange.sent <= first && first.elapsed_from(exchange.sent) <= Duration::from_secs(1)).count() as u64
}

/// A hand of items for each scenario. Counted first: hands that grow would need their memory twice for a moment.
fn deal<T>(items: &[T], scenarios: usize, scenario: impl Fn(&T) -> u32) -> Vec<Vec<&T>> {
    let mut sizes = vec![0; scenarios];
    for item in items {
        if let Some(size) = sizes.get_mut(scenario(item) as usize) {
            *size += 1;
        }
    }
    let mut hands: Vec<Vec<&T>> = sizes.into_iter().map(Vec::with_capacity).collect();
    for item in items {
        if let Some(hand) = hands.get_mut(scenario(item) as usize) {
            hand.push(item);
        }
    }
    hands
}

fn analyse_scenario(journal: &Journal, evidence: Evidence<'_>, exchanges: &[&Exchange]) -> ScenarioAnalysis {
    let Evidence { scenario, scans, .. } = evidence;
    let unknown: Vec<&Exchange> = exchanges.iter().copied().filter(|exchange| exchange.kind == Kind::UnknownPoll).collect();
    ScenarioAnalysis {
        name: scenario.name.clone(),
        counts: counts(exchanges, scans),
        offsets: gate::offset_rates(scenario, scans),
        window: window::window(&undisturbed(journal, scans), &gate_ages(std::slice::from_ref(scenario)), &journal.scenarios),
        guarantees: guarantees::check(Evidence { unknown: &unknown, ..evidence }),
        punctuality: punctuality::punctuality(scans),
        round_trips: round_trips::round_trips(exchanges.iter().copied()),
        losses: Loss::among(exchanges.iter().copied().filter(|exchange| exchange.kind == Kind::Poll)),
        lost_controls: Loss::among(unknown.iter().copied()),
    }
}

/// The ages at which scenarios poll, each once.
fn gate_ages(scenarios: &[Scenario]) -> Vec<Nanos> {
    let offsets = scenarios.iter().flat_map(|scenario| &scenario.arms).flat_map(|arm| &arm.offsets);
    offsets.map(|offset| offset.as_nanos()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// The scans whose window means what it says: those that were watched until they were visible rather than looked at once, and
/// not those polled on a connection that had carried something else, such as the initiate, and may have been held back until the
/// window was over. Where there are no such scans, the others have to do.
fn undisturbed<'a, 'b>(journal: &Journal, scans: &[&'b ScanHistory<'a>]) -> Vec<&'b ScanHistory<'a>> {
    let free = |scan: &ScanHistory<'_>| scan.polls().iter().any(|poll| poll.connection.is_own());
    let followed = |scan: &ScanHistory<'_>| {
        let arm = journal.scenarios.get(scan.scenario() as usize).and_then(|scenario| scenario.arms.get(scan.arm() as usize));
        arm.is_some_and(|arm| arm.follow.is_some())
    };
    let mut chosen: Vec<_> = scans.iter().filter(|scan| free(scan)).copied().collect();
    if chosen.is_empty() {
        chosen = scans.to_vec();
    }
    if chosen.iter().any(|scan| followed(scan)) {
        chosen.retain(|scan| followed(scan));
    }
    chosen
}

fn leaves_the_listed_words(scan: &ScanHistory<'_>) -> bool {
    let Some((ended, _)) = scan.ended() else { return false };
    let is_unlisted = |poll: &&&Exchange| {
        poll.answer == Answer::Visible && poll.state == Some(State::Unknown) && ended.done <= poll.sent && scan.is_named_by(poll)
    };
    scan.polls().iter().find(is_unlisted).is_some_and(|poll| poll.sent < scan.rewritten_from())
}

fn counts(exchanges: &[&Exchange], scans: &[&ScanHistory<'_>]) -> Counts {
    let polls = || exchanges.iter().filter(|exchange| exchange.kind == Kind::Poll);
    let mut ids: Vec<&str> = scans.iter().filter_map(|scan| scan.id()).collect();
    let accepted = ids.len();
    ids.sort_unstable();
    ids.dedup();
    let is_silent = |scan: &&&ScanHistory<'_>| scan.id().is_some() && scan.polls().len() >= 2 && scan.evidence().next().is_none();
    let others = || scans.iter().filter(|scan| !is_silent(scan)).flat_map(|scan| scan.polls());
    Counts {
        silent: scans.iter().filter(is_silent).count() as u64,
        unlisted_after_end: scans.iter().filter(|scan| leaves_the_listed_words(scan)).count() as u64,
        lost_elsewhere: (others().filter(|poll| !poll.answer.is_evidence()).count() as u64, others().count() as u64),
        throttled: exchanges.iter().filter(|exchange| is_throttled(exchange)).count() as u64,
        throttled_after: throttled_after(exchanges),
        initiates: scans.len() as u64,
        accepted: accepted as u64,
        repeated_ids: (accepted - ids.len()) as u64,
        denied_late: scans.iter().filter(|scan| !scan.flaps().is_empty() && scan.flaps().len() == scan.denials().count()).count() as u64,
        polls: polls().count() as u64,
        without_evidence: polls().filter(|poll| !poll.answer.is_evidence()).count() as u64,
        unanswered: exchanges.iter().filter(|exchange| exchange.answer == Answer::Transport).count() as u64,
    }
}

/// The guarantees of the run: the sums over its scenarios.
fn merge(scenarios: &[ScenarioAnalysis]) -> Vec<Checked> {
    Guarantee::ALL
        .into_iter()
        .map(|guarantee| {
            let mut sum = Checked::nothing(guarantee);
            for scenario in scenarios {
                for checked in scenario.guarantees.iter().filter(|checked| checked.guarantee == guarantee) {
                    sum.include(checked);
                }
            }
            sum.evidence.truncate(6);
            sum
        })
        .collect()
}
