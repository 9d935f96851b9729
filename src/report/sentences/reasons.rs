//! Why a verdict is what it is.

use std::fmt;

use crate::analysis::gate::{Gathered, Loss};
use crate::model::answer::Answer;
use crate::model::run::{Flaw, FlawKind};
use crate::report::sentences::causes::lower_first;
use crate::report::sentences::faults;
use crate::report::words::{
    age, are, count, counted, of_were, planned, planned_span, quantile as quantile_label, share, share_at_least, share_at_most, were,
};
use crate::verdict::{Reason, UnusedAllowance};

/// Why a verdict is what it is, as a sentence without its full stop.
pub fn reason(reason: &Reason) -> String {
    Sentence(reason).to_string()
}

struct Sentence<'a>(&'a Reason);

impl fmt::Display for Sentence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Reason::NotFound { at, connection, not_found, polls } => {
                write!(
                    f,
                    "{} of {} at {} on {} connections answered not_found",
                    count(*not_found),
                    counted(*polls, "poll"),
                    planned(*at),
                    connection.word()
                )
            }
            Reason::RateTooHigh { at, connection, denied, scans, at_most, lower } => write!(
                f,
                "{} denied at {} on {} connections: above {} with confidence (at least {})",
                of_were(*denied, *scans, "scan"),
                planned(*at),
                connection.word(),
                share(*at_most),
                share_at_least(*lower)
            ),
            Reason::RateUnproven { at, connection, denied, scans, lost, at_most, upper } => write!(
                f,
                "{} denied at {} on {} connections{}, which allows for up to {}: too few scans to show at most {}",
                of_were(*denied, *scans, "scan"),
                planned(*at),
                connection.word(),
                and_lost(*lost),
                share_at_most(*upper),
                share(*at_most)
            ),
            Reason::RateCaught { at, connection, denied, scans, at_most } => write!(
                f,
                "{} of the first {} {} denied at {} on {} connections: the sequential test excludes a rate of {} or less",
                count(*denied),
                counted(*scans, "scan"),
                were(*denied),
                planned(*at),
                connection.word(),
                share(*at_most)
            ),
            Reason::RateUndecided { at, connection, denied, scans, lost, at_most, caught } => write!(
                f,
                "{} denied at {} on {} connections{}: too few scans to tell a rate of {} from one of {}",
                of_were(*denied, *scans, "scan"),
                planned(*at),
                connection.word(),
                and_lost(*lost),
                share(*at_most),
                share(*caught)
            ),
            Reason::Broken { guarantee, broken, checked } => {
                write!(f, "{} is broken in {} of {}: {}", guarantee.name(), count(*broken), count(*checked), guarantee.promise())
            }
            Reason::FaultFound { class } => write!(f, "{}: {}", class.named(), lower_first(faults::looks(*class).trim_end_matches('.'))),
            Reason::WindowTooLong { quantile, below, lower_ms } => {
                write!(
                    f,
                    "the window's {} is at least {}, and must be below {}",
                    quantile_label(*quantile),
                    age(*lower_ms),
                    planned_span(*below)
                )
            }
            Reason::WindowUnproven { quantile, below, upper_ms: Some(upper) } => {
                write!(
                    f,
                    "the window's {} could be up to {}, which does not show that it is below {}",
                    quantile_label(*quantile),
                    age(*upper),
                    planned_span(*below)
                )
            }
            Reason::WindowUnproven { quantile, below, upper_ms: None } => {
                write!(
                    f,
                    "too few scans for an upper limit of the window's {}, which must be below {}",
                    quantile_label(*quantile),
                    planned_span(*below)
                )
            }
            Reason::TooSlow { quantile, below, ms } => {
                write!(f, "the polls' {} is {}, and must be below {}", quantile_label(*quantile), age(*ms), planned_span(*below))
            }
            Reason::SpeedUnproven { quantile, below, samples } => {
                write!(
                    f,
                    "{} {} too few for a {}, which must be below {}",
                    counted(*samples, "poll"),
                    are(*samples),
                    quantile_label(*quantile),
                    planned_span(*below)
                )
            }
            Reason::UnknownIdVisible => f.write_str(
                "an id that was never issued is answered as if it existed: `visible` means nothing here, so nothing can be judged",
            ),
            Reason::NoControl { losses } if losses.iter().any(|loss| loss.answer == Answer::Refused) => write!(
                f,
                "not assessable: polls for never-issued ids were refused ({}), and no scan was ever visible to this caller, who may not be allowed to ask at all",
                listed(losses)
            ),
            Reason::NoControl { losses } if losses.is_empty() => {
                f.write_str("no poll for a never-issued id was answered: whether `visible` means anything is open")
            }
            Reason::NoControl { losses } => write!(
                f,
                "polls for never-issued ids were answered neither visible nor not_found ({}): whether `visible` means anything is open",
                listed(losses)
            ),
            Reason::UnlistedAfterEnd { scans } => {
                write!(
                    f,
                    "{} had a state after the end that the target file does not list: whether the end stays is open",
                    counted(*scans, "scan")
                )
            }
            Reason::NoneEnded { jobs, of, by: _, may_be_partial: true } => write!(
                f,
                "results of {} of {} were there while status still said running, and no job was seen to end: whether this API shows partial results is not known",
                count(*jobs),
                counted(*of, "job")
            ),
            Reason::NoneEnded { jobs, of, by, may_be_partial: false } => write!(
                f,
                "status still said running when the {} of {} of {} had said that it had ended, and no job was seen to end",
                by.word(),
                count(*jobs),
                counted(*of, "job")
            ),
            Reason::Silent { scans, of, losses } => write!(
                f,
                "{} of {} never got an answer that says whether they are known ({}), at any age{}",
                count(*scans),
                counted(*of, "accepted scan"),
                listed(losses),
                if scans < of { "; other scans did" } else { "" }
            ),
            Reason::NoScans { initiates: 0 } => f.write_str("not begun: no job was asked for"),
            Reason::NoScans { initiates } => write!(f, "none of {} was accepted", counted(*initiates, "initiate")),
            Reason::InitiatesFailed { failed, of } => write!(f, "{} of {} failed", count(*failed), counted(*of, "initiate")),
            Reason::WarmIds { repeated, of } => {
                write!(
                    f,
                    "{} given an id that another scan already had, so that no answer tells which of them it is about",
                    of_were(*repeated, *of, "scan")
                )
            }
            Reason::PollsFailed { failed, of, losses } => {
                write!(f, "{} answered neither visible nor not_found ({})", of_were(*failed, *of, "poll"), listed(losses))
            }
            Reason::FirstPolls { found } => write!(
                f,
                "the first poll of {} of {} was answered neither visible nor not_found ({}); of {} of scans that status had shown, {} {} (by chance: p {}): status may not have known the new ones yet",
                count(found.lost),
                counted(found.of, "accepted scan"),
                listed(&found.losses),
                counted(found.later, "later poll"),
                count(found.later_lost),
                were(found.later_lost),
                p_value(found.p)
            ),
            Reason::Lost { arm: _, at, connection, lost, of, losses, gathered, scans_lost, then_visible } => {
                write!(
                    f,
                    "at {} on {} connections, {} answered neither visible nor not_found ({})",
                    planned(*at),
                    connection.word(),
                    of_were(*lost, *of, "poll"),
                    listed(losses)
                )?;
                if let Some(Gathered { lost, of, p }) = gathered {
                    write!(
                        f,
                        "; of the scenario's other {}, {} {} (by chance: p {})",
                        counted(*of, "request"),
                        count(*lost),
                        were(*lost),
                        p_value(*p)
                    )?;
                }
                if *then_visible > 0 {
                    write!(
                        f,
                        "; {} of the {} concerned {} visible at a later poll, so status may not have known them yet",
                        count(*then_visible),
                        counted(*scans_lost, "scan"),
                        were(*then_visible)
                    )?;
                }
                Ok(())
            }
            Reason::NoSamples { arm, at, late, other } => {
                write!(f, "no valid poll at {} ({arm}): {} late, {} without evidence", planned(*at), count(*late), count(*other))
            }
            Reason::Late { late, of, latest_ms, throttled, throttled_after } if *throttled > 0 => {
                write!(
                    f,
                    "{} of {} left outside the tolerance (the latest by {}), held back because the target answered {} with 429, or 503 and \
                     Retry-After",
                    count(*late),
                    counted(*of, "poll"),
                    age(*latest_ms),
                    counted(*throttled, "request")
                )?;
                match throttled_after {
                    0 => Ok(()),
                    n => write!(f, " (the first after {} within a second)", counted(*n, "request")),
                }
            }
            Reason::Late { late, of, latest_ms, .. } => {
                write!(
                    f,
                    "the probe itself was late: {} of {} left outside the tolerance (the latest by {})",
                    count(*late),
                    counted(*of, "poll"),
                    age(*latest_ms)
                )
            }
            Reason::Interrupted => f.write_str("interrupted before the plan was done"),
            Reason::BudgetSpent => f.write_str("the budget was spent before the plan was done"),
            Reason::TargetGone => f.write_str("the target could not be reached any more"),
            Reason::Throttled { http, kind, waited, retry_after } => {
                let requests = kind.map_or_else(|| "request".to_owned(), |kind| format!("{} request", kind.word()));
                write!(f, "the target answered {http} to every {requests} for {:.0} s", waited.as_ms() / 1e3)?;
                retry_after.map_or(Ok(()), |wait| write!(f, " (Retry-After: {:.0})", wait.as_ms() / 1e3))
            }
            Reason::Unreachable { fault } => write!(f, "the target could not be reached: {}", fault.word()),
            Reason::CutShort => f.write_str("cut short: the run ended before all of this scenario was done"),
            Reason::StoppedOpen => f.write_str("stopped early because its gate was decided, and the log does not hold what decided it"),
            Reason::Allowed { what, until, because } => write!(f, "allowed until {until} because {because}: {}", Sentence(what)),
            Reason::NoLongerAllowed { what, expired, because, place } => {
                write!(f, "{}; it was allowed because {because}, but that entry ({place}) expired on {expired}", Sentence(what))
            }
            Reason::CutOff => f.write_str("the log is cut off: a partial run"),
            Reason::Damaged { flaws } => {
                f.write_str("the log is not as it was written: ")?;
                for (place, flaw) in flaws.iter().take(FLAWS_NAMED).enumerate() {
                    write!(f, "{}{}", if place == 0 { "" } else { "; " }, Described(flaw))?;
                }
                let more = flaws.len().saturating_sub(FLAWS_NAMED);
                if more > 0 { write!(f, "; and {more} more") } else { Ok(()) }
            }
            Reason::ShardsMissing { missing, of } => {
                let (noun, verb, whose) = if missing.len() == 1 { ("shard", "is", "its") } else { ("shards", "are", "their") };
                let told: Vec<String> = missing.iter().take(MISSING_TOLD).map(u32::to_string).collect();
                let more = missing.len().saturating_sub(MISSING_TOLD);
                let more = if more == 0 { String::new() } else { format!(" and {more} more") };
                write!(f, "{noun} {}{more} of {of} {verb} missing: what {whose} scans would have shown is not known", told.join(", "))
            }
            Reason::OnOtherShards => f.write_str("other shards have its scans"),
            Reason::FirstContact { problem } => write!(f, "{problem}"),
            Reason::LikeNoSuchPath { asked, http, quoted, change } => {
                write!(f, "no job was ever visible: `{asked}` answered {http} {quoted}, and {change}")
            }
            Reason::NothingRun => f.write_str("nothing was run: the target file supports none of the scenarios"),
        }
    }
}

fn and_lost(lost: u64) -> String {
    if lost == 0 { String::new() } else { format!(" and {} more got no answer that counts", count(lost)) }
}

/// So many kinds of answers are named.
const ANSWERS_TOLD: usize = 4;

/// `403: 85, timed out: 2`.
fn listed(losses: &[Loss]) -> String {
    let mut told: Vec<String> = losses.iter().take(ANSWERS_TOLD).map(|loss| format!("{}: {}", loss.words(), count(loss.polls))).collect();
    if losses.len() > ANSWERS_TOLD {
        told.push(counted((losses.len() - ANSWERS_TOLD) as u64, "other answer"));
    }
    told.join(", ")
}

/// A probability of chance, to one digit.
fn p_value(p: f64) -> String {
    if p < 1e-6 { "below 0.000001".to_owned() } else { format!("{p:.6}").trim_end_matches('0').to_owned() }
}

/// So many flaws of a log are named.
const FLAWS_NAMED: usize = 4;

/// A flaw of a log in words.
struct Described<'a>(&'a Flaw);

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(shard) = self.0.shard {
            write!(f, "in shard {}'s log, ", u64::from(shard) + 1)?;
        }
        match self.0.kind {
            FlawKind::Count { written, read } => {
                write!(f, "it was closed with {}, and {} {} in it", counted(written, "exchange"), count(read), are(read))
            }
            FlawKind::Lines => f.write_str("as many exchanges as were written are in it, but some line of it, which may be the header, is not the one that was written"),
            FlawKind::AfterEnd { lines: after } => {
                write!(f, "{} {} after its end", counted(after, "line"), if after == 1 { "stands" } else { "stand" })
            }
            FlawKind::Ends { ends } => write!(f, "it has {}", counted(ends, "end")),
            FlawKind::Repeated { exchanges } => write!(f, "{} {} in it twice", counted(exchanges, "exchange"), are(exchanges)),
            FlawKind::NoInitiate { scans: 1 } => f.write_str("1 scan was polled, and its initiate is missing"),
            FlawKind::NoInitiate { scans } => write!(f, "{} {} polled without an initiate in the log", counted(scans, "scan"), were(scans)),
        }
    }
}

/// So many missing shards are named.
const MISSING_TOLD: usize = 12;

/// An allowance that allowed nothing, as a sentence without its full stop.
pub fn unused_allowance(unused: &UnusedAllowance) -> String {
    let why = if unused.was_run { "did not fail: remove the entry if it is cured" } else { "was not run" };
    format!("{}: {} in scenario {} {why}", unused.place, unused.failure, unused.scenario)
}
