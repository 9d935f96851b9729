//! What supports a cause, in words.

use crate::analysis::diagnosis::{Division, Fact, IdMark, IdPart, LateWrite, Member, Pairs};
use crate::model::exchange::Route;
use crate::model::time::Nanos;
use crate::report::sentences::time;
use crate::report::words::{counted, of_were, were};

/// One fact, as a fragment.
pub fn fact(fact: &Fact) -> String {
    match fact {
        Fact::Proof(proof) => super::proof(proof),
        Fact::NeverIssuedVisible { broken, polls } => {
            format!("{broken} of {} for ids that were never issued were answered as visible", counted(*polls, "poll"))
        }
        Fact::VisibleByRule => "these answers have no success code or no state: `[[status.answer]]` in the target file may make them visible, or \
                                lack a rule that reads them as not_found"
            .to_owned(),
        Fact::ForeignAnswered { scans, of } => format!("a foreign user was answered for {scans} of {}", counted(*of, "scan")),
        Fact::AnotherIdAnswered { scans, of } => format!("{} answered with another id", of_were(*scans, *of, "scan")),
        Fact::NoKnownIdAnswered => {
            "no answer had the id that was asked for, and none had another scan's: `echo` in the target file may name another place than the id's"
                .to_owned()
        }
        Fact::HeldBack { scans } => format!(
            "polls on a connection that had carried a POST were held back in {}, polls on fresh connections were not",
            counted(*scans, "scan")
        ),

        Fact::WentBack { scans, of, latest_ns } => format!(
            "{scans} of {} went back from their end to an earlier state, as late as {} after it",
            counted(*of, "scan"),
            time(*latest_ns)
        ),
        Fact::WentBackAfterRepeat => "each of them after the same had been asked for again: the scans share a slot".to_owned(),
        Fact::AnsweredByTurns { scans, of } => {
            format!("{} answered by turns with their end and with a word that is not listed", of_were(*scans, *of, "scan"))
        }
        Fact::EndedOtherwise { scans, of } => format!("{scans} of {} ended in one way and later in another", counted(*of, "scan")),
        Fact::FrozenCopy { scans, of } => {
            format!("{scans} of {} were answered alike again and again while other answers went on", counted(*of, "scan"))
        }
        Fact::EndNeverShown { scans, of } => {
            format!("{scans} of {} never showed their end, which their witness or results did", counted(*of, "scan"))
        }

        Fact::Holes { holes, scans, denied, polls } => format!(
            "{} in {}: {denied} of {} after the first sight, each hole between two sights",
            counted(*holes, "hole"),
            counted(*scans, "scan"),
            counted(*polls, "poll")
        ),
        Fact::WidestHole { at_least_ns } => format!("the widest held for at least {}", time(*at_least_ns)),
        Fact::HolesAtOneAge => "each at about the same age".to_owned(),
        Fact::HolesAtChanges { holes, p } => {
            format!("each of {} lies where what the scan shows changes (p = {p:.1e})", counted(*holes, "such hole"))
        }
        Fact::HolesAtTheEnd { scans } => {
            format!("in each of {} the one hole lies between the last answer at work and the first that shows the end", counted(*scans, "scan"))
        }
        Fact::GoneWhileUnasked { scans, denied, after_ns, sooner, p } => format!(
            "{} denied when nobody had asked for them for {} or longer ({}); of {} at the same ages after shorter pauses none was denied (p = {p:.1e})",
            of_scans(*scans),
            time(*after_ns),
            counted(*denied, "denial"),
            counted(*sooner, "poll")
        ),
        Fact::EndReadOnce { scans, denied_beside } => format!(
            "in each of {} exactly one poll was answered with the end, and every later one was denied{}",
            counted(*scans, "scan"),
            if *denied_beside > 0 { format!("; so were {} that were under way beside it", counted(*denied_beside, "poll")) } else { String::new() }
        ),
        Fact::UnreadStayed { scans, at_ns, p } => format!(
            "{} whose end nobody had read {} still there at {}, when the others were gone (p = {p:.1e})",
            counted(*scans, "scan"),
            were(*scans),
            time(*at_ns)
        ),
        Fact::DeniedAfterSeen { scans, denied, polls, latest_ns } => format!(
            "{} {} seen and then denied: {denied} of {} up to {} after the id",
            counted(*scans, "scan"),
            were(*scans),
            counted(*polls, "poll"),
            time(*latest_ns)
        ),
        Fact::Healed { polls } => format!("after that none of {polls} polls was denied: the disagreement heals"),
        Fact::Gone { scans, fewest, after_end } => format!(
            "{} {} seen{}, then denied {}",
            counted(*scans, "scan"),
            were(*scans),
            if *after_end { " to end" } else { "" },
            if *fewest < 2 { "when last polled" } else { "at every later poll" }
        ),
        Fact::GoneScan { scan, visible_until_ns, denied, denied_from_ns, after_end_ns } => {
            let denied = match denied {
                1 => format!("not_found at {}, its last poll", time(*denied_from_ns)),
                n => format!("not_found at all {} from {} on", counted(*n, "poll"), time(*denied_from_ns)),
            };
            let removed = |(from, to)| format!(": removed between {} and {} after its end was seen", time(from), time(to));
            let removed = after_end_ns.map_or_else(String::new, removed);
            format!("scan {scan}: visible until {}, then {denied}{removed}", time(*visible_until_ns))
        }
        Fact::FreshConnectionsDisagree { scans, denied, polls, latest_ns } => format!(
            "{} {} seen and then denied: {denied} of {} on fresh connections, as late as {} after the id",
            counted(*scans, "scan"),
            were(*scans),
            counted(*polls, "poll"),
            time(*latest_ns)
        ),
        Fact::PairsSplit { split, of, latest_ns } => format!(
            "two polls sent together disagreed about {split} of {of} new scans, {} after the id at the latest",
            time(*latest_ns)
        ),
        Fact::WorkersDisagree => "of each scan every worker either always knows it or never does (by the worker header)".to_owned(),
        Fact::PollersDisagree { at_ns, seen, denied } => {
            format!("at one instant ({}), {} saw the same scan and {denied} did not", time(*at_ns), counted(*seen, "poller"))
        }
        Fact::KeptConnectionsAgree { scans } => {
            format!("on kept connections {} {} answered one way only", counted(*scans, "scan"), were(*scans))
        }

        Fact::NeverVisible { scans, of, watched_ns } => {
            format!("{} denied as long as watched ({} at most)", of_were(*scans, *of, "scan"), time(*watched_ns))
        }
        Fact::SeenByRoute { route, scans, of } => {
            let how = match route {
                Route::HandedOut => "at the address that the answer handed out",
                Route::AsInitiator => "asked for with the initiate's own headers",
                Route::CacheBusted => "asked for past caches",
            };
            format!("{how} {} seen", of_were(*scans, *of, "scan"))
        }
        Fact::IdsMarked { mark, lost_with, lost, seen_with, seen, p } => format!(
            "{} in {lost_with} of {lost} ids that were never seen, and in {seen_with} of {seen} that were (p = {p:.1e})",
            id_mark(*mark)
        ),
        Fact::IdsDivided { part, lost, seen, p } => {
            format!("{}: {lost} of {lost} were never seen; of all other ids {seen} of {seen} were seen (p = {p:.1e})", ids(part))
        }
        Fact::AnotherDenial { http, own } => format!(
            "their not_found came with HTTP {}, the service's own comes with {}",
            code(*http),
            own.iter().map(|http| code(*http)).collect::<Vec<_>>().join(", ")
        ),
        Fact::IdsAlike => "their ids have nothing in common that the others' have not".to_owned(),
        Fact::TooFewIds => "too few ids to compare with the others'".to_owned(),
        Fact::UnknownToWitness { scans } => format!("the witness does not know them either ({scans} asked)"),
        Fact::FailedByWitness { scans, of } => format!("the witness says that {scans} of {} failed", counted(*of, "scan")),
        Fact::KnownToWitness { scans } => format!("though the witness knew {scans} of them"),

        Fact::PairsDiffer { pairs, p } => format!("{} (p = {p:.1e})", paired(pairs)),
        Fact::PolledBeforeDenied { classes, denied, of, p } => format!(
            "at equal age {} denied where the scan had been asked for before, more often than first polls were, over {classes} ranges of ages (p = {p:.1e})",
            of_were(*denied, *of, "poll")
        ),
        Fact::OldWherePolled { polled_hidden, polled, unasked_hidden, unasked, p } => format!(
            "a change was read back old in {polled_hidden} of {polled} scans that had been asked for before it, and in {unasked_hidden} of {unasked} that had not (p = {p:.1e})"
        ),
        Fact::DeniedByCache { denials } => format!("{} came from a cache, as the headers say", counted(*denials, "denial")),
        Fact::WindowGrows { scans, first_third_at_most_ns, last_third_at_least_ns, alone_ns, p } => format!(
            "{scans} scans at once: the window grew with the place in which they were asked for (p = {p:.1e}), from at most {} for the first third to at least {} for the last{}",
            first_third(*first_third_at_most_ns),
            time(*last_third_at_least_ns),
            alone_ns.map_or_else(String::new, |alone| format!("; alone a scan was seen within {}", time(alone)))
        ),
        Fact::CommonInstants { scans, asked_over_ns, instants, apart_ns } => format!(
            "{scans} scans, asked for over {}, became visible at only {instants} instants, about {} apart",
            time(*asked_over_ns),
            time(*apart_ns)
        ),
        Fact::AgesDiffer { ages } => format!("their windows differ: no fewer than {ages} different ages explain them"),
        Fact::DeniedAtOnce { denied, of } => format!("polled at once, {} denied", of_were(*denied, *of, "scan")),
        Fact::LatestDenial { at_ns, later_than_ns, later, later_denied } => format!(
            "the last denial came {} after the id; of {later} scans that were first polled later than {}, {later_denied} were denied",
            time(*at_ns),
            time(*later_than_ns)
        ),
        Fact::FirstPollsDenied { denied, of, latest_ns } => {
            format!("{denied} of {of} first polls were denied, the latest {} after the id", time(*latest_ns))
        }
        Fact::HalfSeen { after_ns, until_ns } => format!(
            "half of the denied scans were seen within {}–{} and were never denied again",
            time(*after_ns),
            time(*until_ns)
        ),
        Fact::WitnessAhead { scans } => format!("the witness knew {scans} of them before status did"),
        Fact::SecondWriteLags { cancels, after_ns, until_ns } => {
            format!("a second write lagged as well: {cancels} of them were seen only after {}–{}", time(*after_ns), time(*until_ns))
        }
        Fact::EndLags { scans, lag_ns } => format!(
            "the end was shown late as well: in {scans} scans status said running {} or more after the witness had said that it ended",
            time(*lag_ns)
        ),
        Fact::ProgressIsCurrent { scans, of } => format!(
            "{scans} of {of} scans had already progressed when they were first visible, as far as if they had begun with their id: what is read is up to date, as a lagging copy is not"
        ),
        Fact::RefusedAfterAcceptance { scans, granted, refused, polls, latest_ns, taken_back } => format!(
            "the owner was refused {} after they had been accepted ({refused} of {}, as late as {} after the id), and shown {granted} of them later{}",
            counted(*scans, "scan"),
            counted(*polls, "poll"),
            time(*latest_ns),
            if *taken_back > 0 { format!("; {} refused again after that", of_were(*taken_back, *scans, "scan")) } else { String::new() }
        ),
        Fact::BegunWithAnEnd { scans, of, ran, latest_ns } => format!(
            "the first state of {scans} of {} was one of the end, up to {} after the id; {ran} were seen to run after it",
            counted(*of, "scan"),
            time(*latest_ns)
        ),
        Fact::MemberMissing { member, scans, latest_ns } => format!(
            "{} visible without {} up to {} after the id, and had it from then on",
            of_scans(*scans),
            match member {
                Member::Complete => "all that belongs to it",
                Member::State => "a state",
                Member::Id => "its id",
                Member::Progress => "its progress",
            },
            time(*latest_ns)
        ),
        Fact::ResultsLate { scans, of, there_ns, never } => format!(
            "results were missing after the end had been shown in {scans} of {}{}{}",
            counted(*of, "scan"),
            there_ns.map_or_else(String::new, |(after, until)| format!(", and there {}–{} after it", time(after), time(until))),
            if *never > 0 { format!("; {never} were not there when last asked for") } else { String::new() }
        ),
        Fact::ChangeHidden(late) => format!("an acknowledged change was read back old in {}", late_write(late)),
        Fact::DeletionHidden(late) => format!("an acknowledged deletion was not seen in {}", late_write(late)),
        Fact::StatesDiffer { pairs, p } => format!("{} (p = {p:.1e})", at_work(pairs)),
        Fact::SeenFromCache { answers } => format!("{} that showed a scan came from a cache, as the headers say", counted(*answers, "answer")),
        Fact::OnlyItsTwinFits { runs, others } => format!(
            "{} of a service that has it look like this log, and those of {} do not",
            counted(*runs, "run"),
            counted(*others, "other cause")
        ),
        Fact::KnownThoughFailed { scans, failed, http } => format!(
            "{} failed ({}), and status knew {scans} of them by the id that was sent along",
            counted(*failed, "request"),
            http.iter().map(|http| http.map_or_else(|| "no answer".to_owned(), |code| format!("HTTP {code}"))).collect::<Vec<_>>().join(", ")
        ),
        Fact::NoWorkerKnew { before_ns, denied } => format!(
            "no worker knew any scan before {}: {denied} of {} up to then were denied",
            time(*before_ns),
            counted(*denied, "poll")
        ),
    }
}

fn of_scans(scans: u64) -> String {
    format!("{} {}", counted(scans, "scan"), were(scans))
}

/// Polls of equal age, with and without an earlier one.
pub(super) fn paired(pairs: &Pairs) -> String {
    let Pairs { at, polled_before_denied, polled_before, undisturbed_denied, undisturbed } = pairs;
    format!(
        "paired polls at {at}: denied {polled_before_denied}/{polled_before} where the scan had been polled before, {undisturbed_denied}/{undisturbed} where it had not"
    )
}

/// In how many scans, for how long, and whether it went both ways.
fn late_write(late: &LateWrite) -> String {
    let LateWrite { scans, of, taken_back, never, hidden_until_ns } = late;
    let back = if *taken_back > 0 { format!("; in {taken_back} it was shown and then hidden again") } else { String::new() };
    let never = if *never > 0 { format!("; in {never} it was not shown as long as they were watched") } else { String::new() };
    format!(
        "{scans} of {}, half of them until {} after the acknowledgement or longer{back}{never}",
        counted(*of, "scan"),
        time(*hidden_until_ns)
    )
}

/// Polls of equal age, and how many of them showed a scan that is at work.
pub(super) fn at_work(pairs: &Pairs) -> String {
    let Pairs { at, polled_before_denied, polled_before, undisturbed_denied, undisturbed } = pairs;
    format!(
        "polls at {at}: still at work {polled_before_denied}/{polled_before} where the scan had been polled before, {undisturbed_denied}/{undisturbed} where it had not"
    )
}

/// The median window of the first scans of a burst, if they were seen.
pub(super) fn first_third(median: Option<Nanos>) -> String {
    median.map_or_else(|| "longer than they were watched".to_owned(), time)
}

/// Which ids.
pub(super) fn ids(part: &IdPart) -> String {
    let has = match part.division {
        Division::LastCharacter => "end in".to_owned(),
        Division::FirstCharacter => "begin with".to_owned(),
        Division::Remainder(by) => format!("leave, divided by {by}, a remainder of"),
    };
    format!("ids that {has} {}", part.parts.iter().map(|part| format!("`{part}`")).collect::<Vec<_>>().join(", "))
}

fn id_mark(mark: IdMark) -> &'static str {
    match mark {
        IdMark::Slash => "a `/`",
        IdMark::Plus => "a `+`",
        IdMark::Equals => "a `=`",
        IdMark::Percent => "a `%`",
        IdMark::Blank => "a blank",
        IdMark::Dot => "a `.`",
        IdMark::Reserved => "a character that must be percent-encoded",
        IdMark::UpperCase => "an upper-case letter",
        IdMark::LeadingZero => "a leading zero",
    }
}

fn code(http: Option<u16>) -> String {
    http.map_or_else(|| "?".to_owned(), |http| http.to_string())
}
