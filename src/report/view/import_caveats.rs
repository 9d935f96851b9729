//! What a recording cannot show, in words.

use crate::model::recording::{Blind, Recording};
use crate::report::words;

/// Where the log comes from, and what is missing there; the weightiest first.
pub(super) fn caveats(recording: &Recording) -> Vec<String> {
    let share = match recording.requests - recording.recognised.min(recording.requests) {
        0 => format!("all {} are the target's", words::counted(recording.requests, "request")),
        _ => format!("{} of {} are the target's", words::count(recording.recognised), words::counted(recording.requests, "request")),
    };
    let from = format!(
        "Made from a recording ({}, {}): {share}; no request was sent for this report.",
        words::name(&recording.format),
        words::name(&recording.file)
    );
    std::iter::once(from).chain(recording.blind.iter().map(told)).collect()
}

fn told(blind: &Blind) -> String {
    let counted = words::counted;
    match blind {
        Blind::Controls => {
            "Nobody asked for an id that was never issued: whether `visible` means anything is open, so a recording can fail and cannot pass.".to_owned()
        }
        Blind::ClientsChose => {
            "The clients chose when to poll, and when to stop: a window shorter than their first poll's delay, and whatever came after their last one, left no trace."
                .to_owned()
        }
        Blind::NoBodies { polls } => {
            format!("{} judged by the HTTP code alone: states, progress and the answered id are not known.", were(*polls, "poll"))
        }
        Blind::BodyDecides { polls } => format!(
            "{} no evidence: by the target file the body says whether the scan was found, and bodies were not recorded.",
            were(*polls, "poll")
        ),
        Blind::NoConnections => {
            "Which connection carried a request was not recorded: \"fresh\" stands for \"not known\", and held or pinned connections cannot be recognised.".to_owned()
        }
        Blind::NoDurations => {
            "How long requests took was not recorded: each is taken to lie within its stamp's step, and a slow one was sent earlier than that.".to_owned()
        }
        Blind::ServerClock => {
            "The stamps are the server's: t = 0 is when it had sent the id, and the way to the client is not in any window.".to_owned()
        }
        Blind::CoarseStamps { step } => format!(
            "The stamps go in steps of {}: every bracket and every round trip is wider by that, and shorter windows cannot be measured.",
            words::planned(*step)
        ),
        Blind::Paired { scans } => {
            format!("Of {} the initiate was found by the order of one client's requests, not by an id in its reply.", counted(*scans, "scan"))
        }
        Blind::Inferred { scans } => format!(
            "Of {} the initiate is not known: their age counts from their first poll, and their windows were longer than stated.",
            counted(*scans, "scan")
        ),
        Blind::DeniedOnly { ids } => format!(
            "{} denied whenever asked for, and nothing in the recording proves that they were issued: lost, expired and made-up ids look alike, so they are left out.",
            were(*ids, "id")
        ),
        Blind::Unmatched { initiates } => {
            format!("Of {} the id is not known, so that no poll could be matched with them.", counted(*initiates, "accepted initiate"))
        }
        Blind::OtherUsers { polls } => {
            format!("{} sent by another user than the one who had asked for the scan, and left out.", were(*polls, "poll"))
        }
        Blind::BadLines { lines, first } => {
            let first: Vec<String> = first.iter().map(u64::to_string).collect();
            format!("{} not readable and left out (the first: {}).", were(*lines, "record"), first.join(", "))
        }
    }
}

fn were(n: u64, noun: &str) -> String {
    format!("{} {}", words::counted(n, noun), if n == 1 { "was" } else { "were" })
}
