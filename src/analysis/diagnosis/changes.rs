//! S and T: acknowledged changes and deletions that are read back old, where new scans are visible at once.

use crate::analysis::diagnosis::dataset::{Dataset, ScanRow, median, ns};
use crate::analysis::diagnosis::fact::{Exclusion, Fact, LateWrite};
use crate::analysis::diagnosis::thresholds::FEW_SCANS;
use crate::analysis::diagnosis::{Diagnosis, Strength};
use crate::analysis::guarantees::later_writes::{is_acknowledged, is_deletion};
use crate::model::exchange::Exchange;
use crate::model::fault::FaultClass;

/// S by the updates and cancels of a log, T by its deletions.
pub(super) fn later_writes(diagnosis: &mut Diagnosis, data: &Dataset<'_>) {
    // Where new scans are denied by such a copy as well, it is the cause of both.
    let of_creation = [FaultClass::B, FaultClass::C, FaultClass::CPrime, FaultClass::G];
    let explained = of_creation.iter().any(|class| diagnosis.causes.iter().any(|cause| cause.class == *class || cause.or.contains(class)));
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
        let fact = if class == FaultClass::S { Fact::ChangeHidden(facts) } else { Fact::DeletionHidden(facts) };
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

impl AfterWrite {
    fn of<'a>(row: &ScanRow<'a>, write: &'a Exchange) -> Option<AfterWrite> {
        if !write.was_answered() {
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
