//! A finding without a class in words, and what to ask next.

use crate::analysis::diagnosis::Pattern;
use crate::model::fault::FaultClass;
use crate::report::sentences::facts::ids;
use crate::report::sentences::time;
use crate::report::words::{count, counted, of_were, were};

/// What may be behind denials at random, though nothing shows it.
fn at_random_could_be(classes: &[FaultClass]) -> String {
    let could = |class: &FaultClass| match class {
        FaultClass::B => Some("a worker that gets few of the requests"),
        FaultClass::CPrime => Some("a copy that lags for longer than anybody watched"),
        FaultClass::H => Some("holes that are shorter than the time between two polls"),
        _ => None,
    };
    let could: Vec<&str> = classes.iter().filter_map(could).collect();
    let unless_workers = if classes.contains(&FaultClass::B) { "" } else { ", and no number of workers does" };
    if could.is_empty() { unless_workers.to_owned() } else { format!("{unless_workers}, but {} could", could.join(" or ")) }
}

/// What was found, with numbers.
pub fn statement(pattern: &Pattern) -> String {
    match pattern {
        Pattern::AtRandom { denied, polls, scans, may_be, .. } => format!(
            "denials at random: {} of {} of scans that had been visible, in {} of them; no age, connection or id accounts for them{}",
            count(*denied),
            counted(*polls, "poll"),
            count(*scans),
            at_random_could_be(may_be)
        ),
        Pattern::OneStretch { from_ns, to_ns, denied, polls, scans } => format!(
            "all denials at one time: {} of {} sent between {} and {} of the run were denied, of {} of different ages, and none before or after",
            count(*denied),
            counted(*polls, "poll"),
            time(*from_ns),
            time(*to_ns),
            counted(*scans, "scan")
        ),
        Pattern::TooFew { denied, polls } => {
            format!(
                "{} of {} of scans that had been visible were denied: too few to tell what they have in common",
                count(*denied),
                counted(*polls, "poll")
            )
        }
        Pattern::SamePoll { nth, denied, scans } => {
            format!(
                "poll number {nth} of a scan was denied in {} of {}, whenever it was sent, and no other poll was",
                count(*denied),
                counted(*scans, "scan")
            )
        }
        Pattern::OnceEach { scans, of } => format!(
            "{scans} of {of} scans were denied exactly once after they had been visible: denials at random, or workers that disagree, would have \
             denied some of them more often"
        ),
        Pattern::MaybeLost { scans, of, latest_ns } => format!(
            "{} denied at every one of their few polls, as late as {}, at ages at which all others were visible",
            of_were(*scans, *of, "scan"),
            time(*latest_ns)
        ),
        Pattern::StillWaiting { scans, of, watched_ns, longest_ns } => format!(
            "{} still denied when the watch ended, after {} at most, while others took up to {} to become visible: they may be \
             waiting in a queue that this run filled itself",
            of_were(*scans, *of, "scan"),
            time(*watched_ns),
            time(*longest_ns)
        ),
        Pattern::DeniedLate { scans, from_ns, visible_ns } => format!(
            "{} {} first polled at {} or later, and denied; no scan was visible later than {}",
            counted(*scans, "scan"),
            were(*scans),
            time(*from_ns),
            time(*visible_ns)
        ),
        Pattern::NothingSeen { scans, watched_ns, witnessed, asked_otherwise } => format!(
            "{} ever visible to this caller, watched for {} at most{}{}",
            if *scans == 1 {
                "the only scan that was polled was not".to_owned()
            } else {
                format!("none of {} was", counted(*scans, "scan"))
            },
            time(*watched_ns),
            if *witnessed > 0 { format!("; the witness knew {witnessed} of them") } else { String::new() },
            if *asked_otherwise { "; neither the initiate's own headers nor the address that was handed out changed that" } else { "" }
        ),
        Pattern::Partition { part, scans, of } => {
            format!(
                "{} were never visible ({}), all others were ({}): one part of the ids is affected",
                ids(part),
                counted(*scans, "scan"),
                counted(of - scans, "scan")
            )
        }
        Pattern::OtherAddress { denied, polls, latest_ns, usual_denied, usual_polls } => format!(
            "the address that was handed out denied scans in {} of {}, as late as {}; at such ages the usual path denied {} of {}",
            count(*denied),
            counted(*polls, "poll"),
            time(*latest_ns),
            count(*usual_denied),
            count(*usual_polls)
        ),
    }
}

/// What to ask next: of the target or of its log.
pub fn ask_next(pattern: &Pattern) -> &'static str {
    match pattern {
        Pattern::AtRandom { .. } => {
            "Find the denied requests in the service's own log by their time: a store that times out and is read as \"no such record\", or one \
             instance of several that answers differently, looks like this. A header that names the worker in every answer (`worker` in the \
             target file) settles whether it is always the same one."
        }
        Pattern::OneStretch { .. } => {
            "Look up what happened to the service at that time (restart, deployment, failover, a store that was away): it should have answered \
             503 and not not_found. Then run again: denials at the same age of scans asked for at other times would be a gap in their life (H)."
        }
        Pattern::TooFew { .. } => {
            "Run more scans, each polled from several fresh connections at once well after it was visible (`statusgap reproduce` does both), and \
             look up the denied request in the service's own log."
        }
        Pattern::SamePoll { .. } | Pattern::OnceEach { .. } => {
            "See what reading does to the record: a read that fills a cache, moves the record or uses it up changes what the next read finds."
        }
        Pattern::MaybeLost { .. } => {
            "Watch many scans for longer and compare the ids that are never visible with the others: `statusgap reproduce` does that in its step \
             `many-ids`. Until then look for these ids in the service's own store."
        }
        Pattern::StillWaiting { .. } => {
            "Ask for fewer scans at a time, wait until the earlier ones have ended, and watch each for longer than the longest window: a scan \
             that is then still denied, alone, is lost; one that appears was queued."
        }
        Pattern::DeniedLate { .. } => {
            "Follow a few scans from their first visible answer to well beyond their end: if they disappear at an age, the record is removed \
             early (F); if others stay visible at that age, these were lost (M)."
        }
        Pattern::NothingSeen { asked_otherwise: true, .. } => {
            "Watch one scan for minutes, and look for its id in the store that status reads: it appears there late, in another scope, or not at \
             all. A witness in the target file (`[witness]`) tells which."
        }
        Pattern::NothingSeen { .. } => {
            "Ask for the status once with exactly the headers of the initiate, and at the address that the initiate's answer hands out (`follow` \
             in the target file): if the scan is visible there, the plain request looks in another scope (K). Else watch one scan for minutes."
        }
        Pattern::Partition { .. } => {
            "Look for one of these ids in the store: if the record is there, status does not read its partition or does not decode its id (L); if \
             it is not, writes to that partition are lost (M)."
        }
        Pattern::OtherAddress { .. } => {
            "Compare what serves the two addresses: another copy of the data (C), a cache in front of one of them (D), or a lookup in another \
             scope (K). Both must answer from the record that the accepted request wrote."
        }
    }
}
