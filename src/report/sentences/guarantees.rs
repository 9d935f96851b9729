//! What broke a guarantee, what proves nothing, and why nothing was checked.

use super::time;
use crate::analysis::echo::Doubt;
use crate::analysis::guarantees::{Ambiguity, Breach, Exhibit, NotAssessed, Place, Proof, Regress, SlowOn, Unclear};
use crate::model::answer::State;
use crate::model::exchange::answered;
use crate::report::words::{count, counted};

/// A breach, with the ages at which it shows.
pub fn proof(proof: &Proof) -> String {
    let told = breach(&proof.breach, &proof.exchanges);
    proof.scan.map_or_else(|| told.clone(), |scan| format!("scan {scan}: {told}"))
}

fn breach(breach: &Breach, exchanges: &[Exhibit]) -> String {
    let (Some(first), Some(last)) = (exchanges.first(), exchanges.last()) else { return String::new() };
    match breach {
        Breach::NeverIssued { id } => {
            format!("{} was never issued and is answered {}", id.as_deref().unwrap_or("a never-issued id"), said(first))
        }
        Breach::ShownToForeigner => format!("a foreign user's poll at {} answered {}{}", at(first), said(first), by(first)),
        Breach::Denied { denials, last_ns } => {
            let more = match denials {
                0 | 1 => String::new(),
                n => format!(", and {} more until {}", n - 1, time(*last_ns)),
            };
            format!("poll at {} answered {}{}{more}", at(first), said(first), by(first))
        }
        Breach::DeniedAfterVisible { denials } => format!(
            "visible at {}{}, then not_found at {}{}; {} in all",
            at(first),
            by(first),
            at(last),
            by(last),
            counted(*denials, "such denial")
        ),
        Breach::OtherId { asked, answered } => format!("asked for {asked}, answered for {answered} at {}{}", at(first), by(first)),
        Breach::WentBack { regress } => exchanges.iter().map(|step| step_back(*regress, step)).collect::<Vec<_>>().join(", then "),
        Breach::WriteNotShown { polls, late_ns } => format!(
            "the {} was acknowledged at {}, and not shown by {}, the last of them {} later",
            first.kind.word(),
            at(first),
            counted(*polls, "poll"),
            time(*late_ns)
        ),
        Breach::ChangeTakenBack => {
            format!("an acknowledged change was shown at {}{}, and not at {}{}", at(first), by(first), at(last), by(last))
        }
        Breach::EndNotShown => {
            format!("still {} at {}, though its {} had said {} at {}", said(last), at(last), first.kind.word(), said(first), at(first))
        }
        Breach::DeniedWhileWitnessed => {
            format!("the witness said {} at {}, the status not_found at {}{}", said(first), at(first), at(last), by(last))
        }
        Breach::ResultsMissing => {
            let code = last.http.map_or_else(String::new, |http| format!(" ({http})"));
            format!("status {} at {}, results {}{code} at {}{}", said(first), at(first), said(last), at(last), by(last))
        }
        Breach::RunningAfterWitnessedEnd => {
            format!("the witness said {} at {}, the status {} at {}{}", said(first), at(first), said(last), at(last), by(last))
        }
        Breach::WitnessedOtherEnd => format!("status {} at {}, the witness {} at {}", said(first), at(first), said(last), at(last)),
        Breach::NotFailedAfterWitnessedDeath => {
            format!("the witness said {} at {}, the status {} at {}", said(first), at(first), said(last), at(last))
        }
        Breach::HeldBack { usual_ns, slow, of } => format!(
            "the poll at {} on a {} connection was held for {}; usual is {}, and {slow} of {of} polls on fresh connections that were sent in the meantime took long, too",
            at(first),
            first.connection.word(),
            time(first.took_ns),
            time(*usual_ns)
        ),
    }
}

fn step_back(regress: Regress, poll: &Exhibit) -> String {
    let what = match (regress, poll.progress) {
        (Regress::Frozen, Some(progress)) => format!("progress {progress}"),
        _ if poll.state == Some(State::Unknown) && poll.word.is_none() => "no state".to_owned(),
        _ => said(poll),
    };
    format!("{what} at {}{}", at(poll), by(poll))
}

/// What proves nothing, with its count, as a fragment.
pub fn unclear(unclear: &Unclear) -> String {
    let why = ambiguity(unclear);
    match unclear.scans {
        0 => why,
        n => format!("{}: {why}", counted(n, "scan")),
    }
}

fn ambiguity(unclear: &Unclear) -> String {
    let tally = format!("{} of {}", count(unclear.hits), count(unclear.of));
    match &unclear.why {
        Ambiguity::SharedId => "the id was handed out more than once, so the answers may be about several jobs".to_owned(),
        Ambiguity::ForeignerUnknown => "the foreign user was answered 401: are the credentials of [users.foreign] valid?".to_owned(),
        Ambiguity::EchoedId(doubt) => match doubt {
            Doubt::Case => "the echoed id differs from the scan's only in upper and lower case",
            Doubt::Form => "the echoed id differs from the scan's only in punctuation or leading zeros",
            Doubt::Shortened => "the echoed id is a part of the scan's, or the other way round",
            Doubt::Address => "the echoed address ends like the scan's and begins otherwise",
        }
        .to_owned(),
        Ambiguity::OtherIds => "its answers had another scan's id".to_owned(),
        Ambiguity::WitnessedLongBefore(again) => {
            let again = again.map_or_else(|| "was not asked again".to_owned(), |answer| format!("later said {}", answer.word()));
            format!("status denied it long after the witness had known it, and the witness {again}: it may have been removed from both")
        }
        Ambiguity::WitnessedOtherEndOnce => "status and witness name different ends, and the witness was not asked again".to_owned(),
        Ambiguity::WitnessStillRunning => "the witness still said that the job was running after status had shown its end".to_owned(),
        Ambiguity::UnknownToWitness => "the witness does not know a job that status shows as ended".to_owned(),
        Ambiguity::LastStateUnlisted(word) => format!("it was last answered `{word}`, which [status.states] does not list"),
        Ambiguity::LastStateAbsent => "its last answer gave no state".to_owned(),
        Ambiguity::EndedElsewhere(kind) => {
            format!("its {} said that it had ended, and status was not asked again as long as a second after that", kind.word())
        }
        Ambiguity::ThenDenied(None) => "it was at work when status last showed it, and was denied after that".to_owned(),
        Ambiguity::ThenDenied(Some(kind)) => {
            format!("its {} said that it had ended, and status denied it without having shown the end", kind.word())
        }
        Ambiguity::ResultsWhileRunning => {
            "results were there while status still said that the work went on: whether this API shows partial results is not known"
                .to_owned()
        }
        Ambiguity::StillRunning => {
            "still at work when the watch ended, and neither witness nor results say that the job had ended".to_owned()
        }
        Ambiguity::CachedState => {
            "an earlier state followed its end, within the time for which `Cache-Control` lets a cache keep the answer".to_owned()
        }
        Ambiguity::UnlistedAfterEnd(word) => {
            format!("after its end it was answered `{word}`, which [status.states] does not list: list it there")
        }
        Ambiguity::NoStateAfterEnd => "after its end the answers gave no state".to_owned(),
        Ambiguity::ProgressFell => {
            "its progress fell, as it may where each stage or attempt is counted from its beginning, or a total grows".to_owned()
        }
        Ambiguity::UnlistedWord(word) => format!("`{word}` is not listed in [status.states], and stood in {tally} answers"),
        Ambiguity::NoNumber(place) => format!("{} gave no number in {tally} answers", named(place)),
        Ambiguity::Absent(place) => format!("{} was absent in {tally} answers", named(place)),
        Ambiguity::NoListedWord(place) => format!(
            "{} held no word of [status.states] in {tally} answers: list what is a state there, or name another place",
            named(place)
        ),
        Ambiguity::NoId { place, example, constant } => format!(
            "{} {} `{example}` in {tally} answers, which is not an id that this run handed out: does `[status] echo` name the id?",
            named(place),
            if *constant { "held" } else { "held other values, such as" }
        ),
        Ambiguity::SlowPolls { limit_ns, on } => format!(
            "polls took longer than {} {}, and so did {tally} other requests in the meantime: no breach, since a pause, load or a long poll may do that",
            time(*limit_ns),
            match on {
                SlowOn::Both => "on used and on fresh connections alike",
                SlowOn::Used => "on used connections, and nothing tells them from fresh ones for certain",
                SlowOn::Fresh => "on fresh connections",
            }
        ),
    }
}

/// Why nothing could be checked, as a fragment.
pub fn not_assessed(why: &NotAssessed) -> String {
    match why {
        NotAssessed::NothingMeasured => "nothing was measured",
        NotAssessed::NoControlAnswered => "no control poll was answered",
        NotAssessed::ControlsRefused { refused, of } => {
            return format!("{refused} of {of} control polls were refused, and nothing was ever visible to this caller");
        }
        NotAssessed::NoForeignPoll => "no foreign user polled",
        NotAssessed::NoPollAnswered => "no poll was answered",
        NotAssessed::NotPolledAfterVisible => "no scan was polled after it was seen",
        NotAssessed::NotSeenTwice => "no scan was seen twice",
        NotAssessed::NoEcho => "status answers carry no id",
        NotAssessed::NothingVisible => "no job was visible",
        NotAssessed::NothingElseRead => "no witness or results were read",
        NotAssessed::NoneDied => "no scan died",
        NotAssessed::NotWatched => "no scan was watched to its end",
        NotAssessed::NoneEnded => "no scan ended by the deadline",
        NotAssessed::NoUsedConnection => "no poll went by a connection that had carried something else, to be compared with fresh ones",
        NotAssessed::NoFreshConnection => "no poll went by a fresh connection, to be compared with the others",
        NotAssessed::Unclear(seen) => return unclear(seen),
    }
    .to_owned()
}

fn named(place: &Place) -> &str {
    place.as_deref().unwrap_or("the state")
}

fn said(exchange: &Exhibit) -> String {
    answered(exchange.answer, exchange.word.as_deref(), exchange.fault, exchange.http)
}

fn at(exchange: &Exhibit) -> String {
    time(exchange.age_ns)
}

fn by(exchange: &Exhibit) -> String {
    exchange.worker.as_ref().map_or_else(String::new, |worker| format!(" (worker {worker})"))
}
