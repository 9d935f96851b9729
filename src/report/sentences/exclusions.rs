//! What excludes a class, in words.

use crate::analysis::diagnosis::{Exclusion, RuledOut};
use crate::model::fault::FaultClass;
use crate::report::sentences::facts::{at_work, first_third, paired};
use crate::report::sentences::{rough_share, time};
use crate::report::words::counted;

/// The probe that excludes a class and what it showed, as a fragment.
pub fn exclusion(out: &RuledOut) -> String {
    match &out.by {
        Exclusion::NeverIssuedDenied { answers } => {
            let told: Vec<String> = answers.iter().map(|(answer, times)| format!("{answer} {times}")).collect();
            format!("the never-issued control: {} of {}", told.join(", "), answers.values().sum::<u64>())
        }
        Exclusion::ForeignDenied { scans } => format!("a foreign user's polls: {scans} of {} not shown", counted(*scans, "scan")),
        Exclusion::EchoRight { scans } => format!("the echoed id: right in {scans} of {}", counted(*scans, "scan")),
        Exclusion::NotHeldBack { scans, slow } => format!(
            "polls on kept connections, compared with fresh ones in {}: {}",
            counted(*scans, "scan"),
            if *slow { "slow polls were no matter of the connection" } else { "none was held back" }
        ),
        Exclusion::NoneWentBack { ended, of } => {
            format!("states over time: {} ended, and none of {of} went back", counted(*ended, "scan"))
        }
        Exclusion::SettledPollsSeen { polls, after_ns, share } => format!(
            "settled polls on fresh connections, all from one client address: 0 of {polls} denied after {}; a worker without the scan that takes more than {} of them would have shown with 95 %",
            time(*after_ns),
            rough_share(*share)
        ),
        Exclusion::LaterPollsSeen { polls, connections, share } => format!(
            "{} of scans that had been seen, on {} from one client address: none denied; a worker without the scan that takes more than {} of connections would have shown with 95 %",
            counted(*polls, "poll"),
            counted(*connections, "connection"),
            rough_share(*share)
        ),
        Exclusion::SoonPollsSeen { polls, within_ns, share } => format!(
            "{polls} polls within {} of a scan's first sight: none denied; a copy that lags and serves more than {} of reads would have shown with 95 %",
            time(*within_ns),
            rough_share(*share)
        ),
        Exclusion::DenseTrace { polls, widest_ns, until_ns } => {
            format!("a dense trace of {polls} polls of one scan: no hole wider than {} up to {}", time(*widest_ns), time(*until_ns))
        }
        Exclusion::StayedVisible { after_end_ns, scans } => format!(
            "no eviction within {} of the end: {} stayed visible for as long as the watch went on after it; a longer lifetime was not looked at",
            time(*after_end_ns),
            counted(*scans, "scan")
        ),
        Exclusion::AllSeen { scans, later_than_ns, share } => format!(
            "all of {} that were polled later than {} were seen; more than {} lost would have shown with 95 %",
            counted(*scans, "scan"),
            time(*later_than_ns),
            rough_share(*share)
        ),
        Exclusion::IdsInCommon => "the ids of the scans that were never seen have something in common".to_owned(),
        Exclusion::IdsAlike { lost, seen } => format!(
            "{lost} ids that were never seen compared with {seen} that were: no character, beginning, end or remainder tells them apart"
        ),
        Exclusion::EarlyPollsSeen { early, within_ns, of, share } => format!(
            "{early} scans were first polled within {} of their id, none of {of} was denied: a window longer than that in more than {} of scans would have shown with 95 %{}",
            time(*within_ns),
            rough_share(*share),
            // A copy may lag behind later changes as well.
            if out.class == FaultClass::C { "; whether later changes lag was not looked at" } else { "" }
        ),
        Exclusion::NothingToKeep { polls } => {
            format!("none of {polls} first polls was denied, so there was no denial that a cache could have kept")
        }
        Exclusion::SeenAtOnce { scans, share } => {
            format!("{scans} scans polled at once: none denied; more than {} of them would have shown with 95 %", rough_share(*share))
        }
        Exclusion::BurstSeen { scans } => {
            format!("{scans} scans asked for at once: none denied; a queue that only fills with more was not looked at")
        }
        Exclusion::PairsAlike { pairs } => format!("{}: no cache that keeps denials for longer than that", paired(pairs)),
        Exclusion::StatesAlike { pairs } => format!("{}: no cache that keeps what was visible for longer than that", at_work(pairs)),
        Exclusion::ResultsThere { scans, within_ns, share } => format!(
            "results of {} asked for within {} after the end: all there; missing ones in more than {} of them would have shown with 95 %",
            counted(*scans, "scan"),
            time(*within_ns),
            rough_share(*share)
        ),
        Exclusion::WritesShown { writes } => {
            let what = if out.class == FaultClass::T { "deletion" } else { "second write" };
            format!("the {what}: {writes} shown by every poll after the acknowledgement")
        }
        Exclusion::NoGrowth { scans, first_third_ns, last_third_ns } => format!(
            "{scans} scans at once: the window did not grow with their number ({} for the first third, {} for the last)",
            first_third(*first_third_ns),
            time(*last_third_ns)
        ),
        Exclusion::NoCommonInstants { scans, instants } => {
            format!("{scans} scans became visible at no fewer than {instants} different instants: no common lattice")
        }
        Exclusion::ChangesBetweenRefreshes { changes, within_ns } => format!(
            "what status shows changed {changes} times within {} of another change, while scans were denied for longer: no refresh lies so close to the next",
            time(*within_ns)
        ),
        Exclusion::LongerThanCommit { denied_at_ns } => {
            format!("the window lasts far longer than a commit: a poll at {} was still denied", time(*denied_at_ns))
        }
        Exclusion::SecondWriteLags => "the second write lags like the first, which a delayed registration does not".to_owned(),
        Exclusion::SecondWriteCurrent { cancels, within_ns } => {
            format!("the second write: {cancels} of them were seen within {}, so writes do not lag", time(*within_ns))
        }
    }
}
