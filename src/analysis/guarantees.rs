//! Which guarantees were kept, checked scan by scan, each breach with the exchanges that prove it.
//!
//! A guarantee is broken only by what no healthy service does. What a healthy one might do as well is counted as unclear, with the
//! reason; where nothing else could be checked, the guarantee is not assessed.

mod completion;
mod finding;
pub mod later_writes;
mod promptness;
mod state;

use std::time::Duration;

use crate::analysis::echo::Likeness;
use crate::analysis::misnamed::Misnamed;
use crate::analysis::scan::{ScanHistory, SharedIds};
use crate::model::answer::{Answer, State};
use crate::model::exchange::Exchange;
use crate::model::guarantee::Guarantee;
use crate::model::run::TargetNote;
use crate::model::scenario::Scenario;
use crate::model::time::Span;

pub(in crate::analysis) use completion::ResultsMean;
pub use finding::{Ambiguity, Breach, Checked, Exhibit, NotAssessed, Place, Proof, SlowOn, Unclear};
pub use state::{Regress, went_back};

/// How many proofs are kept of each guarantee: enough to see a pattern, few enough to read.
const PROOFS: usize = 5;
/// And how many of a run with several scenarios.
const PROOFS_OF_A_RUN: usize = 6;

/// The exchanges of one scenario, as the checks want them.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// Its scans.
    pub scans: &'a [&'a ScanHistory<'a>],
    /// Its control polls for never-issued ids.
    pub unknown: &'a [&'a Exchange],
    /// What the target file says of the target.
    pub target: &'a TargetNote,
    /// The ids that were handed out more than once in the run.
    pub shared_ids: &'a SharedIds<'a>,
    /// What `[status] echo` holds, where that is not an id.
    pub(super) misnamed: Option<&'a Misnamed>,
    /// What results without a state mean in this run, whichever scenario asked for them.
    pub(in crate::analysis) results: ResultsMean,
}

/// Checks all guarantees of one scenario.
///
/// Scan by scan rather than guarantee by guarantee: the exchanges of a scan lie far apart in a long log, and are fetched once.
pub fn check(evidence: Evidence<'_>) -> Vec<Checked> {
    let checks = Guarantee::ALL.map(check_of);
    let begin = |(guarantee, check): (Guarantee, &Check)| match check {
        Check::Scenario(check) => check(evidence),
        Check::Scan { .. } => Checked::nothing(guarantee),
    };
    let mut checked: Vec<Checked> = Guarantee::ALL.into_iter().zip(&checks).map(begin).collect();
    for scan in evidence.scans {
        let shared = evidence.shared_ids.has(scan);
        for (checked, check) in checked.iter_mut().zip(&checks) {
            if let Check::Scan { check, compares, .. } = check {
                let finding = check(scan, evidence);
                let void = shared && *compares == Compares::AnswersOverTime && !matches!(finding, Finding::Silent);
                checked.add(if void { Finding::Unclear(Ambiguity::SharedId) } else { finding });
            }
        }
    }
    let words = state::Words::of(evidence);
    for (checked, check) in checked.iter_mut().zip(&checks) {
        words.remark_on(checked);
        if let Check::Scan { otherwise, .. } = check {
            let unseen = checked.guarantee == Guarantee::Echo && !words.any();
            checked.conclude(if unseen { NotAssessed::NothingVisible } else { otherwise.clone() });
        }
    }
    if evidence.scans.is_empty() && evidence.unknown.is_empty() {
        for checked in &mut checked {
            checked.not_assessed = Some(NotAssessed::NothingMeasured);
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
        check: fn(&ScanHistory<'_>, Evidence<'_>) -> Finding,
        compares: Compares,
        /// Why nothing could be checked, where every scan is silent.
        otherwise: NotAssessed,
    },
}

/// What a check of one scan goes by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Compares {
    /// Each answer for itself.
    Nothing,
    /// Answers at different times, which must be about one job.
    AnswersOverTime,
}

/// What a check says of one scan.
enum Finding {
    /// The scan tells nothing of this guarantee.
    Silent,
    Kept,
    Broken(Proof),
    /// A healthy service might do the same.
    Unclear(Ambiguity),
}

fn broken(scan: &ScanHistory<'_>, breach: Breach, exchanges: &[&Exchange]) -> Finding {
    Finding::Broken(Proof::of_scan(scan, breach, exchanges))
}

fn check_of(guarantee: Guarantee) -> Check {
    use Compares::{AnswersOverTime, Nothing};
    let scan = |check, compares, otherwise| Check::Scan { check, compares, otherwise };
    match guarantee {
        Guarantee::Honesty => Check::Scenario(honesty),
        Guarantee::Isolation => scan(|scan, _| isolation(scan), Nothing, NotAssessed::NoForeignPoll),
        Guarantee::ReadYourWrites => scan(|scan, _| read_your_writes(scan), Nothing, NotAssessed::NoPollAnswered),
        Guarantee::MonotonicVisibility => scan(|scan, _| monotonic_visibility(scan), AnswersOverTime, NotAssessed::NotPolledAfterVisible),
        Guarantee::MonotonicState => scan(state::monotonic, AnswersOverTime, NotAssessed::NotSeenTwice),
        Guarantee::Echo => scan(|scan, _| echo(scan), Nothing, NotAssessed::NoEcho),
        Guarantee::Completion => Check::Scenario(completion::check),
        Guarantee::Agreement => {
            scan(|scan, evidence| agreement(scan, evidence.scenario.expect.stall), AnswersOverTime, NotAssessed::NothingElseRead)
        }
        Guarantee::Promptness => Check::Scenario(promptness::check),
        Guarantee::CrashHonesty => {
            scan(|scan, evidence| crash_honesty(scan, evidence.scenario.expect.stall), AnswersOverTime, NotAssessed::NoneDied)
        }
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
                    proofs.push(Proof::of_none(Breach::NeverIssued { id: poll.id.as_deref().map(str::to_owned) }, poll));
                }
            }
            // A refusal that stands for `not_found` has been read as one already. Any other says that the caller may not ask.
            _ => {}
        }
    }
    let refused = evidence.unknown.iter().filter(|poll| poll.answer == Answer::Refused).count() as u64;
    let not_assessed = (checked == 0).then_some(match refused {
        0 => NotAssessed::NoControlAnswered,
        _ => NotAssessed::ControlsRefused { refused, of: evidence.unknown.len() as u64 },
    });
    Checked { checked, broken, evidence: proofs, not_assessed, ..Checked::nothing(Guarantee::Honesty) }
}

fn isolation(scan: &ScanHistory<'_>) -> Finding {
    let (mut answered, mut unknown_caller) = (false, false);
    for poll in scan.foreign() {
        match poll.answer {
            Answer::Visible => return broken(scan, Breach::ShownToForeigner, &[*poll]),
            // A 401 says that the caller is nobody: whether another user would be shown the scan was not asked.
            Answer::Refused if poll.http == Some(401) => unknown_caller = true,
            Answer::NotFound | Answer::Refused => answered = true,
            _ => {}
        }
    }
    match (answered, unknown_caller) {
        (true, _) => Finding::Kept,
        (false, true) => Finding::Unclear(Ambiguity::ForeignerUnknown),
        (false, false) => Finding::Silent,
    }
}

fn read_your_writes(scan: &ScanHistory<'_>) -> Finding {
    let denials: Vec<_> = scan.denials().collect();
    let Some(first) = denials.first() else {
        if let Some((write, hidden)) = later_writes::not_shown(scan) {
            let last = hidden[hidden.len() - 1];
            let breach = Breach::WriteNotShown { polls: hidden.len() as u64, late_ns: last.sent.since(write.done) };
            return broken(scan, breach, &[write, hidden[0]]);
        }
        return if scan.evidence().next().is_some() { Finding::Kept } else { Finding::Silent };
    };
    let last = denials[denials.len() - 1];
    broken(scan, Breach::Denied { denials: denials.len() as u64, last_ns: scan.age(last) }, &[*first])
}

fn monotonic_visibility(scan: &ScanHistory<'_>) -> Finding {
    let visible: Vec<_> = scan.evidence().filter(|poll| poll.answer == Answer::Visible).collect();
    let Some(seen) = visible.iter().min_by_key(|poll| poll.done) else { return Finding::Silent };
    if !scan.evidence().any(|poll| seen.done < poll.sent) {
        return Finding::Silent;
    }
    match scan.flaps().first() {
        None => Finding::Kept,
        Some(denied) => broken(scan, Breach::DeniedAfterVisible { denials: scan.flaps().len() as u64 }, &[*seen, *denied]),
    }
}

/// Another id is a breach; one that may be this scan's, written otherwise, is not.
fn echo(scan: &ScanHistory<'_>) -> Finding {
    let mut checked = false;
    let mut doubt = None;
    for poll in scan.polls().iter().filter(|poll| poll.answer == Answer::Visible) {
        match scan.named_as(poll) {
            None => {}
            Some(Likeness::Same) => checked = true,
            Some(Likeness::Doubtful(why)) => doubt = doubt.or(Some(why)),
            Some(Likeness::Other) => {
                let (asked, answered) = (scan.id().unwrap_or_default(), poll.echo.as_deref().unwrap_or_default());
                return broken(scan, Breach::OtherId { asked: asked.to_owned(), answered: answered.to_owned() }, &[*poll]);
            }
        }
    }
    match doubt {
        Some(doubt) => Finding::Unclear(Ambiguity::EchoedId(doubt)),
        None if checked => Finding::Kept,
        None => Finding::Silent,
    }
}

/// Contradictions between what had been answered on one endpoint and what is said later on another.
fn agreement(scan: &ScanHistory<'_>, slack: Span) -> Finding {
    let rewritten = scan.rewritten_from();
    let readings =
        || scan.witness().iter().chain(scan.results()).filter(|reading| reading.answer.is_evidence() && reading.sent < rewritten);
    if readings().next().is_none() {
        return Finding::Silent;
    }
    let mut unclear = None;
    match denied_while_known(scan, slack) {
        Denied::Never => {}
        Denied::Known { known, denied } => return broken(scan, Breach::DeniedWhileWitnessed, &[known, denied]),
        Denied::Later { again } => unclear = Some(Ambiguity::WitnessedLongBefore(again)),
    }
    // Status says it ended well, and the results are not there afterwards.
    if let Some((ended, State::Succeeded)) = scan.ended() {
        // A 202 says honestly that they are not ready yet; and results that were there before are read once, or have expired.
        let seen = scan.results().iter().filter(|reading| reading.answer == Answer::Visible && reading.state != Some(State::Running));
        let seen = seen.map(|reading| reading.done).min();
        let missing = scan.results().iter().find(|reading| {
            ended.done <= reading.sent
                && reading.sent < rewritten
                && (reading.answer == Answer::NotFound || reading.state == Some(State::Running) && reading.http != Some(202))
                && seen.is_none_or(|seen| reading.sent < seen)
        });
        if let Some(missing) = missing {
            return broken(scan, Breach::ResultsMissing, &[ended, *missing]);
        }
    }
    // The witness says it ended, and the status says running well after that.
    let mut still =
        scan.polls().iter().filter(|poll| poll.state == Some(State::Running) && poll.sent < rewritten && scan.is_named_by(poll));
    let contradicted = still.find_map(|poll| Some((witnessed_before(scan, poll, slack, State::is_terminal)?, *poll)));
    if let Some((over, still)) = contradicted {
        return broken(scan, Breach::RunningAfterWitnessedEnd, &[over, still]);
    }
    match scan.ended().map_or(Finding::Kept, |(ended, state)| at_the_end(scan, ended, state, slack)) {
        Finding::Kept => unclear.map_or(Finding::Kept, Finding::Unclear),
        finding => finding,
    }
}

/// Whether status denied a scan that its witness knew at that time.
enum Denied<'a> {
    Never,
    Known {
        known: &'a Exchange,
        denied: &'a Exchange,
    },
    /// The witness had known it well before, and nothing says that it still did: what it said when asked again, if it was.
    Later {
        again: Option<Answer>,
    },
}

/// The witness contradicts a denial if it knew the scan on both sides of it, or soon before it; a record that was known seconds ago may
/// have been removed from both since.
fn denied_while_known<'a>(scan: &ScanHistory<'a>, slack: Span) -> Denied<'a> {
    let known: Vec<&Exchange> = scan
        .witness()
        .iter()
        .copied()
        .filter(|reading| reading.answer == Answer::Visible && scan.is_named_by(reading) && reading.sent < scan.rewritten_from())
        .collect();
    let mut later = None;
    for denied in scan.denials() {
        let Some(before) = known.iter().filter(|reading| reading.done <= denied.sent).max_by_key(|reading| reading.done) else { continue };
        let soon = denied.sent <= before.done.after(slack.0);
        // What status itself has shown in between, and no longer shows, may have been removed as soon.
        let shown = || scan.evidence().filter(|poll| poll.answer == Answer::Visible);
        let shown_before = shown().any(|poll| before.done <= poll.sent && poll.done <= denied.sent);
        let there_after = known.iter().any(|reading| denied.done <= reading.sent);
        let shown_after = shown().any(|poll| denied.done <= poll.sent);
        if there_after || (soon && (shown_after || !shown_before)) {
            return Denied::Known { known: before, denied };
        }
        later = Some(before);
    }
    let Some(before) = later else { return Denied::Never };
    let again = scan.witness().iter().filter(|reading| before.done <= reading.sent).max_by_key(|reading| reading.done);
    Denied::Later { again: again.map(|reading| reading.answer) }
}

/// What the witness says of a scan that status shows as ended. It may lag behind; a contrary end that stays is a contradiction.
fn at_the_end(scan: &ScanHistory<'_>, ended: &Exchange, state: State, slack: Span) -> Finding {
    let rewritten = scan.rewritten_from();
    let after: Vec<&Exchange> = scan
        .witness()
        .iter()
        .copied()
        .filter(|reading| ended.done.after(slack.0) <= reading.sent && reading.sent < rewritten && reading.answer.is_evidence())
        .filter(|reading| scan.is_named_by(reading))
        .collect();
    let Some(last) = after.last() else { return Finding::Kept };
    match last.state {
        Some(other) if other.is_terminal() && other != state => {
            let stays = after.len() >= 2 && after.iter().all(|reading| reading.state == Some(other));
            if stays {
                broken(scan, Breach::WitnessedOtherEnd, &[ended, *last])
            } else {
                Finding::Unclear(Ambiguity::WitnessedOtherEndOnce)
            }
        }
        Some(State::Running) => Finding::Unclear(Ambiguity::WitnessStillRunning),
        _ if last.answer == Answer::NotFound => Finding::Unclear(Ambiguity::UnknownToWitness),
        _ => Finding::Kept,
    }
}

/// The earliest reading of the witness that says a thing about a scan, well before a poll was sent, and is not taken back in between:
/// a job that is tried again may fail and run on.
fn witnessed_before<'a>(scan: &ScanHistory<'a>, poll: &Exchange, slack: Span, says: fn(State) -> bool) -> Option<&'a Exchange> {
    let holds = |reading: &Exchange| reading.state.is_some_and(says);
    let mut known =
        scan.witness().iter().copied().filter(|reading| reading.state.is_some() && scan.is_named_by(reading)).collect::<Vec<_>>();
    known.sort_by_key(|reading| reading.done);
    let first = *known.iter().find(|reading| holds(reading))?;
    let taken_back = known.iter().any(|reading| first.done < reading.done && !holds(reading));
    (first.done.after(slack.0).after(may_be_old(poll)) <= poll.sent && !taken_back).then_some(first)
}

fn crash_honesty(scan: &ScanHistory<'_>, slack: Span) -> Finding {
    let witness_failed = scan.witness().iter().any(|reading| reading.state == Some(State::Failed) && scan.is_named_by(reading));
    match scan.ended() {
        Some((_, State::Failed)) => Finding::Kept,
        None if scan.cancel().is_none() && witness_failed => {
            // An unlisted word may well mean that it failed.
            let says_otherwise =
                |poll: &&&Exchange| poll.answer.is_evidence() && poll.state != Some(State::Unknown) && scan.is_named_by(poll);
            let Some(after) = scan.polls().iter().rfind(says_otherwise) else { return Finding::Silent };
            let Some(died) = witnessed_before(scan, after, slack, |state| state == State::Failed) else { return Finding::Silent };
            broken(scan, Breach::NotFailedAfterWitnessedDeath, &[died, *after])
        }
        _ => Finding::Silent,
    }
}

/// For how long an answer may rightly be out of date: as long as the service declares that it may be kept, and no longer than a cache
/// says that it was.
fn may_be_old(answer: &Exchange) -> Duration {
    let Some(note) = answer.cache.as_deref().map(str::to_ascii_lowercase) else { return Duration::ZERO };
    let number = |text: &str| text.trim().parse::<u32>().ok().map(u64::from);
    let rules = || note.split(';').filter_map(|part| part.trim().strip_prefix("cache-control:")).flat_map(|rules| rules.split(','));
    let rule = |name: &str| rules().find_map(|rule| number(rule.trim().strip_prefix(name)?.strip_prefix('=')?));
    if rules().any(|rule| matches!(rule.trim(), "no-cache" | "no-store")) {
        return Duration::ZERO;
    }
    let Some(life) = rule("s-maxage").max(rule("max-age")) else { return Duration::ZERO };
    // Ages are whole seconds.
    let age = note.split(';').find_map(|part| number(part.trim().strip_prefix("age:")?)).map(|age| age + 1);
    Duration::from_secs(age.map_or(life, |age| age.min(life)))
}
