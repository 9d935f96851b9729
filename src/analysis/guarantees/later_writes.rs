//! Whether acknowledged changes and deletions are read back.

use super::may_be_old;
use crate::analysis::scan::ScanHistory;
use crate::model::answer::Answer;
use crate::model::exchange::{Exchange, Kind};

/// What a write's acknowledgement says is done: a 202 promises no more than that it will be.
pub fn is_acknowledged(write: &Exchange) -> bool {
    write.http.is_some_and(|code| (200..300).contains(&code) && code != 202)
}

/// Whether a write was accepted: what was not changed nothing.
pub fn is_accepted(write: &Exchange) -> bool {
    write.answer == Answer::Visible
}

/// An answer that showed an acknowledged change or deletion, and a later one that did not.
pub fn taken_back<'a>(scan: &ScanHistory<'a>) -> Option<(&'a Exchange, &'a Exchange)> {
    [scan.change(), scan.delete()].into_iter().flatten().filter(|write| is_accepted(write)).find_map(|write| {
        let polls = || scan.polls_after(write).filter(|poll| scan.is_named_by(poll));
        let shown = polls().filter(|poll| poll.seen == Some(true)).min_by_key(|poll| poll.done)?;
        let old = |poll: &&Exchange| poll.seen == Some(false) && shown.done.after(may_be_old(poll)) <= poll.sent;
        Some((shown, polls().filter(old).max_by_key(|poll| poll.sent)?))
    })
}

/// The polls that did not show an update or a deletion that had been acknowledged before they were sent, and that write. A cancel is left
/// out: a service may rightly take its time over it.
pub fn not_shown<'a>(scan: &ScanHistory<'a>) -> Option<(&'a Exchange, Vec<&'a Exchange>)> {
    [scan.update(), scan.delete()].into_iter().flatten().filter(|write| is_acknowledged(write)).find_map(|write| {
        let hidden = |poll: &&Exchange| poll.seen == Some(false) && write.done.after(may_be_old(poll)) <= poll.sent;
        let polls: Vec<&Exchange> = scan.polls_after(write).filter(hidden).collect();
        (!polls.is_empty()).then_some((write, polls))
    })
}

/// Whether a write is a deletion.
pub fn is_deletion(write: &Exchange) -> bool {
    write.kind == Kind::Delete
}
