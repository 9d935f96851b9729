//! Which guarantees were kept, checked scan by scan, each breach with the exchanges that prove it.

use serde::{Deserialize, Serialize};

use crate::analysis::scan::ScanHistory;
use crate::model::answer::{Answer, State};
use crate::model::exchange::{Connection, Exchange};
use crate::model::guarantee::Guarantee;
use crate::model::scenario::{Scenario, Until};
use crate::model::time::{Nanos, Span};

/// How one guarantee fared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// Which.
    pub guarantee: Guarantee,
    /// How many scans (or control polls) it could be checked on.
    pub checked: u64,
    /// How many of those broke it.
    pub broken: u64,
    /// What proves it, the clearest first; bounded.
    pub evidence: Vec<Proof>,
    /// Why nothing could be checked, where that is so.
    pub not_assessed: Option<String>,
}

/// A breach and the exchanges that prove it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proof {
    /// The scan, if it concerns one.
    pub scan: Option<u64>,
    /// In words, with ages.
    pub told: String,
}

/// How many proofs are kept of each guarantee: enough to see a pattern, few enough to read.
const PROOFS: usize = 5;

/// The exchanges of one scenario, as the checks want them.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// Its scans.
    pub scans: &'a [&'a ScanHistory<'a>],
    /// Its control polls for never-issued ids.
    pub unknown: &'a [&'a Exchange],
}

/// Checks all guarantees of one scenario.
///
/// Scan by scan rather than guarantee by guarantee: the exchanges of a scan lie far apart in a long log, and are fetched once.
pub fn check(evidence: Evidence<'_>) -> Vec<Checked> {
    let checks = Guarantee::ALL.map(check_of);
    let begin = |(guarantee, check): (Guarantee, &Check)| match check {
        Check::Scenario(check) => check(evidence),
        Check::Scan { otherwise, .. } => {
            let not_assessed = Some((*otherwise).to_owned());
            Checked { guarantee, checked: 0, broken: 0, evidence: Vec::new(), not_assessed }
        }
    };
    let mut checked: Vec<Checked> = Guarantee::ALL.into_iter().zip(&checks).map(begin).collect();
    for scan in evidence.scans {
        for (checked, check) in checked.iter_mut().zip(&checks) {
            if let Check::Scan { check, .. } = check {
                checked.add(scan, check(scan, evidence.scenario));
            }
        }
    }
    checked
}

/// How a guarantee is checked.
enum Check {
    /// By what all scans of a scenario tell together.
    Scenario(fn(Evidence<'_>) -> Checked),
    /// By what each scan tells for itself.
    Scan {
        check: fn(&ScanHistory<'_>, &Scenario) -> Finding,
        /// Why nothing could be checked, where every scan is silent.
        otherwise: &'static str,
    },
}

/// What a check says of one scan.
enum Finding {
    /// The scan tells nothing of this guarantee.
    Silent,
    Kept,
    Broken(String),
}

fn check_of(guarantee: Guarantee) -> Check {
    match guarantee {
        Guarantee::Honesty => Check::Scenario(honesty),
        Guarantee::Isolation => Check::Scan { check: |scan, _| isolation(scan), otherwise: "no foreign user polled" },
        Guarantee::ReadYourWrites => Check::Scan { check: |scan, _| read_your_writes(scan), otherwise: "no poll was answered" },
        Guarantee::MonotonicVisibility => {
            Check::Scan { check: |scan, _| monotonic_visibility(scan), otherwise: "no scan was polled after it was seen" }
        }
        Guarantee::MonotonicState => Check::Scan { check: |scan, _| monotonic_state(scan), otherwise: "no scan was seen twice" },
        Guarantee::Echo => Check::Scan { check: |scan, _| echo(scan), otherwise: "status answers carry no id" },
        Guarantee::Completion => Check::Scenario(completion),
        Guarantee::Agreement => {
            Check::Scan { check: |scan, scenario| agreement(scan, scenario.expect.stall), otherwise: "no witness or results were read" }
        }
        Guarantee::Promptness => Check::Scenario(promptness),
        Guarantee::CrashHonesty => Check::Scan { check: |scan, _| crash_honesty(scan), otherwise: "no scan died" },
    }
}

impl Checked {
    /// Adds what one more scan tells.
    fn add(&mut self, scan: &ScanHistory<'_>, finding: Finding) {
        match finding {
            Finding::Silent => return,
            Finding::Kept => {}
            Finding::Broken(told) => {
                self.broken += 1;
                if self.evidence.len() < PROOFS {
                    self.evidence.push(Proof { scan: Some(scan.number()), told: format!("scan {}: {told}", scan.number()) });
                }
            }
        }
        self.checked += 1;
        self.not_assessed = None;
    }
}

fn honesty(evidence: Evidence<'_>) -> Checked {
    let (mut checked, mut broken, mut proofs) = (0, 0, Vec::new());
    for poll in evidence.unknown {
        match poll.answer {
            Answer::NotFound => checked += 1,
            Answer::Visible => {
                checked += 1;
                broken += 1;
                if proofs.len() < PROOFS {
                    let id = poll.id.as_deref().unwrap_or("a never-issued id");
                    proofs.push(Proof { scan: None, told: format!("{id} was never issued and is answered {}", poll.told()) });
                }
            }
            // A refusal that stands for `not_found` has been read as one already. Any other says that the caller may not ask.
            _ => {}
        }
    }
    let refused = evidence.unknown.iter().filter(|poll| poll.answer == Answer::Refused).count();
    let not_assessed = (checked == 0).then(|| match refused {
        0 => "no control poll was answered".to_owned(),
        _ => format!("{refused} of {} control polls were refused, and nothing was ever visible to this caller", evidence.unknown.len()),
    });
    Checked { guarantee: Guarantee::Honesty, checked, broken, evidence: proofs, not_assessed }
}

fn isolation(scan: &ScanHistory<'_>) -> Finding {
    let mut answered = false;
    for poll in scan.foreign() {
        match poll.answer {
            Answer::Visible => {
                return Finding::Broken(format!("a foreign user's poll at {} answered {}{}", at(scan, poll), poll.told(), by(poll)));
            }
            Answer::NotFound | Answer::Refused => answered = true,
            _ => {}
        }
    }
    if answered { Finding::Kept } else { Finding::Silent }
}

fn read_your_writes(scan: &ScanHistory<'_>) -> Finding {
    let denials: Vec<_> = scan.denials().collect();
    let Some(first) = denials.first() else {
        return if scan.evidence().next().is_some() { Finding::Kept } else { Finding::Silent };
    };
    let more = match denials.len() {
        1 => String::new(),
        n => format!(", and {} more until {}", n - 1, at(scan, denials[n - 1])),
    };
    Finding::Broken(format!("poll at {} answered not_found{}{more}", at(scan, first), by(first)))
}

fn monotonic_visibility(scan: &ScanHistory<'_>) -> Finding {
    let visible: Vec<_> = scan.evidence().filter(|poll| poll.answer == Answer::Visible).collect();
    let Some(seen) = visible.iter().min_by_key(|poll| poll.done) else { return Finding::Silent };
    if !scan.evidence().any(|poll| seen.done < poll.sent) {
        return Finding::Silent;
    }
    match scan.flaps().first() {
        None => Finding::Kept,
        Some(denied) => Finding::Broken(format!(
            "visible at {}{}, then not_found at {}{}; {} in all",
            at(scan, seen),
            by(seen),
            at(scan, denied),
            by(denied),
            plural(scan.flaps().len(), "such denial")
        )),
    }
}

/// Looks for two polls of which the second was sent after the first was answered and tells an earlier state.
fn monotonic_state(scan: &ScanHistory<'_>) -> Finding {
    let rewritten = scan.rewritten_from();
    let mut told: Vec<&Exchange> = scan
        .polls()
        .iter()
        .copied()
        .filter(|poll| poll.answer == Answer::Visible && poll.sent < rewritten && scan.is_named_by(poll))
        .collect();
    if told.len() < 2 {
        return Finding::Silent;
    }
    told.sort_by_key(|poll| poll.sent);
    // The strongest claims made by answers that had arrived before the poll at hand was sent.
    let mut by_done = told.clone();
    by_done.sort_by_key(|poll| poll.done);
    let mut arrived = by_done.into_iter().peekable();
    let mut ended: Option<&Exchange> = None;
    let mut furthest: Option<&Exchange> = None;
    for poll in &told {
        while let Some(earlier) = arrived.next_if(|earlier| earlier.done <= poll.sent) {
            if earlier.state.is_some_and(State::is_terminal) && ended.is_none() {
                ended = Some(earlier);
            }
            if earlier.progress.get() > furthest.and_then(|furthest| furthest.progress.get()) {
                furthest = Some(earlier);
            }
        }
        if let Some(ended) = ended {
            let back = poll.state.is_some_and(|state| state != State::Unknown && Some(state) != ended.state);
            if back {
                return Finding::Broken(format!(
                    "{} at {}{}, then {} at {}{}",
                    ended.told(),
                    at(scan, ended),
                    by(ended),
                    poll.told(),
                    at(scan, poll),
                    by(poll)
                ));
            }
        }
        if let (Some(furthest), Some(now)) = (furthest, poll.progress.get()) {
            let before = furthest.progress.get().unwrap_or(now);
            // A failed scan may well drop its progress.
            if now < before - 1e-9 && poll.state != Some(State::Failed) {
                return Finding::Broken(format!(
                    "progress {before} at {}{}, then {now} at {}{}",
                    at(scan, furthest),
                    by(furthest),
                    at(scan, poll),
                    by(poll)
                ));
            }
        }
    }
    Finding::Kept
}

fn echo(scan: &ScanHistory<'_>) -> Finding {
    let mut checked = false;
    for poll in scan.polls().iter().filter(|poll| poll.answer == Answer::Visible) {
        let (Some(echo), Some(id)) = (poll.echo.as_deref(), scan.id()) else { continue };
        checked = true;
        if echo != id {
            return Finding::Broken(format!("asked for {id}, answered for {echo} at {}{}", at(scan, poll), by(poll)));
        }
    }
    if checked { Finding::Kept } else { Finding::Silent }
}

/// A scan that was watched to the deadline and did not end breaks the guarantee only if something says that it should have:
/// another scan of the scenario that ended, or the witness or the results of this one. A service that is merely slower than
/// the deadline is not assessed.
fn completion(evidence: Evidence<'_>) -> Checked {
    let watched = |scan: &&&ScanHistory<'_>| {
        evidence.scenario.arms.get(scan.arm() as usize).and_then(|arm| arm.follow).is_some_and(|follow| follow.until == Until::Terminal)
            // Where another scan is answered at last, this one's end was never asked for.
            && scan.evidence().filter(|poll| poll.answer == Answer::Visible).last().is_some_and(|poll| scan.is_named_by(poll))
            && scan.cancel().is_none()
    };
    let watched: Vec<_> = evidence.scans.iter().filter(watched).collect();
    let some_ended = watched.iter().any(|scan| scan.ended().is_some());
    let (mut checked, mut broken, mut proofs) = (0, 0, Vec::new());
    for scan in &watched {
        if scan.ended().is_some() {
            checked += 1;
            continue;
        }
        let elsewhere = scan.witness().iter().chain(scan.results()).find(|reading| reading.state.is_some_and(State::is_terminal));
        if !some_ended && elsewhere.is_none() {
            continue;
        }
        checked += 1;
        broken += 1;
        if proofs.len() < PROOFS {
            let last = scan.evidence().last();
            let last = last.map_or_else(|| "never answered".to_owned(), |poll| format!("still {} at {}", poll.told(), at(scan, poll)));
            let elsewhere =
                elsewhere.map_or_else(String::new, |reading| format!(", though its {} says {}", reading.kind.word(), reading.told()));
            proofs.push(Proof { scan: Some(scan.number()), told: format!("scan {}: {last}{elsewhere}", scan.number()) });
        }
    }
    let not_assessed = (checked == 0)
        .then(|| if watched.is_empty() { "no scan was watched to its end" } else { "no scan ended by the deadline" }.to_owned());
    Checked { guarantee: Guarantee::Completion, checked, broken, evidence: proofs, not_assessed }
}

/// Contradictions between what had been answered on one endpoint and what is said later on another.
fn agreement(scan: &ScanHistory<'_>, slack: Span) -> Finding {
    let rewritten = scan.rewritten_from();
    let readings =
        || scan.witness().iter().chain(scan.results()).filter(|reading| reading.answer.is_evidence() && reading.sent < rewritten);
    if readings().next().is_none() {
        return Finding::Silent;
    }
    // The witness knew the scan, and the status denied it afterwards.
    let known = scan
        .witness()
        .iter()
        .filter(|reading| reading.answer == Answer::Visible && scan.is_named_by(reading))
        .min_by_key(|reading| reading.done);
    if let Some(known) = known
        && let Some(denied) = scan.denials().find(|poll| known.done <= poll.sent)
    {
        return Finding::Broken(format!(
            "the witness said {} at {}, the status not_found at {}{}",
            known.told(),
            at(scan, known),
            at(scan, denied),
            by(denied)
        ));
    }
    // Status says it ended well, and the results are not there afterwards.
    if let Some((ended, State::Succeeded)) = scan.ended() {
        let missing = scan.results().iter().find(|reading| {
            ended.done <= reading.sent
                && reading.sent < rewritten
                && (reading.answer == Answer::NotFound || reading.state == Some(State::Running))
        });
        if let Some(missing) = missing {
            return Finding::Broken(format!(
                "status {} at {}, results {} at {}{}",
                ended.told(),
                at(scan, ended),
                told_of_results(missing),
                at(scan, missing),
                by(missing)
            ));
        }
    }
    // The witness says it ended, and the status says running well after that.
    let over = scan
        .witness()
        .iter()
        .filter(|reading| reading.state.is_some_and(State::is_terminal) && scan.is_named_by(reading))
        .min_by_key(|reading| reading.done);
    if let Some(over) = over {
        let still = scan.polls().iter().find(|poll| {
            poll.state == Some(State::Running) && over.done.after(slack.0) <= poll.sent && poll.sent < rewritten && scan.is_named_by(poll)
        });
        if let Some(still) = still {
            return Finding::Broken(format!(
                "the witness said {} at {}, the status {} at {}{}",
                over.told(),
                at(scan, over),
                still.told(),
                at(scan, still),
                by(still)
            ));
        }
    }
    Finding::Kept
}

fn told_of_results(reading: &Exchange) -> String {
    reading.http.map_or_else(|| reading.told(), |http| format!("{} ({http})", reading.told()))
}

/// A poll was held back if it took longer than the scenario's `stall` and twenty times what is usual for polls; one such
/// poll may be an accident of the network, so an arm needs two, and a twentieth of its scans.
fn promptness(evidence: Evidence<'_>) -> Checked {
    let stall = evidence.scenario.expect.stall;
    let answered = |scan: &&ScanHistory<'_>| scan.polls().iter().any(|poll| poll.was_answered());
    let polled: Vec<_> = evidence.scans.iter().filter(|scan| answered(scan)).collect();
    let usual = usual_trip(evidence.scans, |poll| poll.connection == Connection::Fresh)
        .or_else(|| usual_trip(evidence.scans, |_| true))
        .unwrap_or_default();
    let limit = Nanos::from(stall.0).0.max(usual.saturating_mul(20) as i64) as u64;
    let stalled: Vec<(&ScanHistory<'_>, &Exchange)> = polled
        .iter()
        .filter_map(|scan| {
            scan.polls().iter().find(|poll| poll.was_answered() && poll.round_trip().as_nanos() as u64 > limit).map(|poll| (**scan, *poll))
        })
        .collect();
    let enough = stalled.len() >= 2 && stalled.len() * 20 >= polled.len();
    let broken = if enough { stalled.len() as u64 } else { 0 };
    let proofs = stalled
        .iter()
        .take(if enough { PROOFS } else { 0 })
        .map(|(scan, poll)| Proof {
            scan: Some(scan.number()),
            told: format!(
                "scan {}: the poll at {} on a {} connection was held for {}; usual is {}",
                scan.number(),
                at(scan, poll),
                poll.connection.word(),
                ms(Nanos::from(poll.round_trip())),
                ms(Nanos(usual as i64))
            ),
        })
        .collect();
    let not_assessed = polled.is_empty().then(|| "no poll was answered".to_owned());
    Checked { guarantee: Guarantee::Promptness, checked: polled.len() as u64, broken, evidence: proofs, not_assessed }
}

/// The usual round trip of some polls, in ns: that of half of them is shorter. Those on fresh connections are what a kept connection
/// is compared with.
fn usual_trip(scans: &[&ScanHistory<'_>], counts: fn(&Exchange) -> bool) -> Option<u64> {
    let polls = || scans.iter().flat_map(|scan| scan.polls()).filter(|poll| poll.was_answered() && counts(poll));
    // Counted first, for no more memory than is needed: there may be a million.
    let mut trips = Vec::with_capacity(polls().count());
    trips.extend(polls().map(|poll| poll.round_trip().as_nanos() as u64));
    let middle = trips.len() / 2;
    (!trips.is_empty()).then(|| *trips.select_nth_unstable(middle).1)
}

fn crash_honesty(scan: &ScanHistory<'_>) -> Finding {
    let witness_failed = scan.witness().iter().find(|reading| reading.state == Some(State::Failed) && scan.is_named_by(reading));
    match (scan.ended(), witness_failed) {
        (Some((_, State::Failed)), _) => Finding::Kept,
        (None, Some(died)) if scan.cancel().is_none() => {
            let after = scan.polls().iter().rfind(|poll| died.done <= poll.sent && poll.answer.is_evidence());
            match after {
                Some(poll) => Finding::Broken(format!(
                    "the witness said {} at {}, the status {} at {}",
                    died.told(),
                    at(scan, died),
                    poll.told(),
                    at(scan, poll)
                )),
                None => Finding::Silent,
            }
        }
        _ => Finding::Silent,
    }
}

fn at(scan: &ScanHistory<'_>, exchange: &Exchange) -> String {
    ms(scan.age(exchange))
}

/// Milliseconds as reports write them: `100.4 ms`, and seconds from ten on: `12.40 s`.
pub fn ms(nanos: Nanos) -> String {
    let ms = nanos.as_ms();
    if ms.abs() < 10_000.0 { format!("{ms:.1} ms") } else { format!("{:.2} s", ms / 1e3) }
}

fn by(exchange: &Exchange) -> String {
    exchange.worker.as_ref().map_or_else(String::new, |worker| format!(" (worker {worker})"))
}

fn plural(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}
