//! S and T: acknowledged changes and deletions that are read back old, where new scans are visible at once.

use crate::analysis::diagnosis::dataset::{Dataset, ScanRow, median, ns};
use crate::analysis::diagnosis::fact::{Exclusion, Fact, LateWrite};
use crate::analysis::diagnosis::flapping::{Flapping, Kind};
use crate::analysis::diagnosis::thresholds::FEW_SCANS;
use crate::analysis::diagnosis::window_at_start::lag_as_well;
use crate::analysis::diagnosis::{Appearance, Diagnosis, Strength, looks_like};
use crate::analysis::guarantees::later_writes::{is_accepted, is_acknowledged, is_deletion};
use crate::model::exchange::Exchange;
use crate::model::fault::FaultClass;

/// S by the updates and cancels of a log, T by its deletions.
pub(super) fn later_writes(diagnosis: &mut Diagnosis, data: &Dataset<'_>, flapping: &Flapping) {
    // Where new scans are denied by such a copy as well, it is the cause of both.
    // A kept answer hides what came after it, and an answer about another job says nothing of this one.
    let of_creation = [FaultClass::B, FaultClass::C, FaultClass::CPrime, FaultClass::G, FaultClass::U, FaultClass::J];
    let explained = !diagnosis.doubts_memory() && of_creation.iter().any(|class| diagnosis.causes.iter().any(|cause| cause.may_be(*class)));
    // A window that nothing explains yet may be such a copy's as well.
    let denies_new = data.watched().any(|row| row.first_seen().is_some() && row.denied_at_start().next().is_some());
    let unexplained = denies_new && !diagnosis.causes.iter().any(|cause| looks_like(cause.class) == Appearance::Window);
    let explained = explained || (unexplained && lag_as_well(data));
    for class in [FaultClass::S, FaultClass::T] {
        let followed: Vec<AfterWrite> = data.rows.iter().filter_map(|row| AfterWrite::of(row, write_of(row, class)?)).collect();
        let late: Vec<&AfterWrite> = followed.iter().filter(|after| after.is_breach()).collect();
        if late.is_empty() {
            if followed.len() >= FEW_SCANS && followed.iter().all(|after| after.hidden == 0) {
                diagnosis.excluded(class, Exclusion::WritesShown { writes: followed.len() as u64 });
            }
            continue;
        }
        if explained {
            continue;
        }
        let never = late.iter().filter(|after| after.shown_ms.is_none()).count() as u64;
        let taken_back = late.iter().filter(|after| after.taken_back).count() as u64;
        let of = followed.len() as u64;
        let last = median(late.iter().map(|after| after.hidden_ms).collect()).unwrap_or_default();
        let facts = LateWrite { scans: late.len() as u64, of, taken_back, never, hidden_until_ns: ns(last) };
        let at_random = flapping.kind == Some(Kind::AtRandom);
        let fact = if class == FaultClass::S { Fact::ChangeHidden(facts) } else { Fact::DeletionHidden(facts) };
        if at_random || diagnosis.doubts_memory() {
            // New scans are denied now and then as well: reads of which some go to a copy that lags, which no memory of a worker's own does.
            diagnosis.causes.retain(|cause| cause.class != FaultClass::B);
            diagnosis.found(FaultClass::CPrime, Strength::Moderate, vec![fact]);
            return;
        }
        if diagnosis.names(FaultClass::O) {
            // Status has another place to answer from, so that a copy which lags behind every write need not deny a new scan.
            let copy = if taken_back > 0 { FaultClass::CPrime } else { FaultClass::C };
            diagnosis.found_among(class, vec![copy], vec![fact]);
            continue;
        }
        diagnosis.found(class, if late.len() >= FEW_SCANS { Strength::Strong } else { Strength::Moderate }, vec![fact]);
    }
}

fn write_of<'a>(row: &ScanRow<'a>, class: FaultClass) -> Option<&'a Exchange> {
    if class == FaultClass::S { row.scan.change() } else { row.scan.delete() }
}

/// What the polls after a write showed of it; times in ms since its acknowledgement.
struct AfterWrite {
    /// Polls that did not show it, and the latest of them.
    hidden: usize,
    hidden_ms: f64,
    /// The first answer that showed it.
    shown_ms: Option<f64>,
    /// Whether it was shown and hidden again.
    taken_back: bool,
    /// Whether a service may rightly take its time over it.
    may_be_late: bool,
}

/// Changes that were read back old: in scans that had been seen before them, and in scans that nobody had asked for.
pub(super) struct OldChanges {
    pub(super) polled: (u64, u64),
    pub(super) unasked: (u64, u64),
}

impl OldChanges {
    pub(super) fn of(data: &Dataset<'_>) -> OldChanges {
        let mut all = OldChanges { polled: (0, 0), unasked: (0, 0) };
        for row in &data.rows {
            let Some(write) = row.scan.change().or_else(|| row.scan.delete()) else { continue };
            let Some(after) = AfterWrite::of(row, write).filter(|after| !after.may_be_late) else { continue };
            let was_polled = row.scan.polls().iter().any(|poll| poll.sent < write.sent);
            let count = if was_polled { &mut all.polled } else { &mut all.unasked };
            *count = (count.0 + u64::from(after.hidden > 0), count.1 + 1);
        }
        all
    }
}

impl AfterWrite {
    fn of<'a>(row: &ScanRow<'a>, write: &'a Exchange) -> Option<AfterWrite> {
        // What was not accepted changed nothing.
        if !is_accepted(write) {
            return None;
        }
        let since = |poll: &Exchange| poll.sent.since(write.done).as_ms();
        let (mut hidden, mut hidden_ms, mut shown): (usize, f64, Option<&Exchange>) = (0, 0.0, None);
        let mut taken_back = false;
        let mut polls = 0;
        for poll in row.scan.polls_after(write) {
            polls += 1;
            if poll.seen == Some(true) {
                shown = shown.filter(|first| first.done <= poll.done).or(Some(poll));
            } else {
                hidden += 1;
                hidden_ms = hidden_ms.max(since(poll));
                taken_back |= shown.is_some_and(|shown| shown.done <= poll.sent);
            }
        }
        (polls > 0).then(|| AfterWrite {
            hidden,
            hidden_ms,
            shown_ms: shown.map(|poll| poll.done.since(write.done).as_ms()),
            taken_back,
            may_be_late: !is_acknowledged(write) || !(is_deletion(write) || row.scan.update().is_some()),
        })
    }

    fn is_breach(&self) -> bool {
        self.taken_back || (self.hidden > 0 && !self.may_be_late)
    }
}
