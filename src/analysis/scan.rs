//! One scan's history, and the bracket in which it became visible.

use crate::analysis::echo::{Likeness, likeness};
use crate::model::answer::{Answer, State};
use crate::model::exchange::{Exchange, Kind, Purpose};
use crate::model::time::{Bracket, Nanos, Stamp};

/// The exchanges of all scans of a journal, side by side: scan by scan, and in each the owner's polls before the others.
///
/// One row for all, of which each history is a piece: there may be a million histories of two exchanges each.
#[derive(Debug)]
pub struct Scans<'a>(Vec<&'a Exchange>);

impl<'a> Scans<'a> {
    /// Sorts the exchanges of a log, which stand in the order of sending. Those that belong to no scan are left out.
    pub fn of(exchanges: &'a [Exchange]) -> Scans<'a> {
        // Numbers are sorted rather than exchanges, which lie far apart; the place keeps those of a scan in the order of sending.
        // Room is measured before it is filled: a vector that grows needs its memory twice for a moment.
        let mut places: Vec<(u64, bool, Kind, u32)> = Vec::with_capacity(exchanges.len());
        places.extend(exchanges.iter().zip(0..).filter_map(|(exchange, place)| {
            let kind = exchange.kind;
            Some((exchange.scan.get()?, kind != Kind::Poll, kind, place))
        }));
        places.sort_unstable();
        let mut sorted = Vec::with_capacity(places.len());
        sorted.extend(places.into_iter().map(|(.., place)| &exchanges[place as usize]));
        Scans(sorted)
    }

    /// A history of each scan, by its number; none of a scan whose initiate is missing.
    pub fn histories(&self) -> Vec<ScanHistory<'_>> {
        let scans = || self.0.chunk_by(|a, b| a.scan == b.scan);
        let mut histories = Vec::with_capacity(scans().count());
        histories.extend(scans().filter_map(ScanHistory::of));
        histories
    }
}

/// The ids that were handed out more than once: for slots, or by a service that answers the same request with the same job.
#[derive(Debug, Clone, Default)]
pub struct SharedIds<'a>(Vec<&'a str>);

impl<'a> SharedIds<'a> {
    /// Those of all scans of a run, second initiates included.
    pub fn of<'s>(scans: impl Iterator<Item = &'s ScanHistory<'a>> + Clone) -> SharedIds<'a>
    where
        'a: 's,
    {
        let mut ids = Vec::with_capacity(scans.clone().count());
        ids.extend(scans.clone().filter_map(ScanHistory::id));
        // A repeat that is answered with the scan's own id has started it anew, which its history knows.
        ids.extend(scans.filter(|scan| !scan.was_restarted()).filter_map(|scan| scan.repeat()?.id.as_deref()));
        ids.sort_unstable();
        let mut shared: Vec<&str> = ids.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
        shared.dedup();
        SharedIds(shared)
    }

    /// Whether a scan's id may stand for another job as well.
    pub fn has(&self, scan: &ScanHistory<'_>) -> bool {
        !self.0.is_empty() && scan.id().is_some_and(|id| self.0.binary_search(&id).is_ok())
    }
}

/// All exchanges of one scan, by the time they were sent.
#[derive(Debug, Clone)]
pub struct ScanHistory<'a> {
    /// The exchange that asked for it.
    pub initiate: &'a Exchange,
    /// The owner's polls, and then the others, kind by kind.
    exchanges: &'a [&'a Exchange],
    /// How many polls there are.
    polls: u32,
}

impl<'a> ScanHistory<'a> {
    /// One scan's history from its exchanges, the owner's polls first; `None` where its initiate is missing.
    fn of(exchanges: &'a [&'a Exchange]) -> Option<ScanHistory<'a>> {
        let polls = exchanges.partition_point(|exchange| exchange.kind == Kind::Poll);
        let initiate = *of_kind(&exchanges[polls..], Kind::Initiate).last()?;
        Some(ScanHistory { initiate, exchanges, polls: polls as u32 })
    }

    /// Its number in the run.
    pub fn number(&self) -> u64 {
        self.initiate.scan.get().unwrap_or_default()
    }

    /// Index of its scenario.
    pub fn scenario(&self) -> u32 {
        self.initiate.scenario
    }

    /// Index of its arm.
    pub fn arm(&self) -> u32 {
        self.initiate.arm
    }

    /// t = 0: when the whole of the id's answer had arrived; none if it was not accepted.
    pub fn t0(&self) -> Option<Stamp> {
        (self.initiate.answer == Answer::Accepted).then_some(self.initiate.done)
    }

    /// Its id, if the initiate was accepted.
    pub fn id(&self) -> Option<&'a str> {
        self.initiate.id.as_deref().filter(|_| self.initiate.answer == Answer::Accepted)
    }

    /// Status polls of the owner.
    pub fn polls(&self) -> &'a [&'a Exchange] {
        &self.exchanges[..self.polls as usize]
    }

    fn others(&self) -> &'a [&'a Exchange] {
        &self.exchanges[self.polls as usize..]
    }

    /// All its exchanges.
    pub fn exchanges(&self) -> &'a [&'a Exchange] {
        self.exchanges
    }

    /// Status polls of a foreign user.
    pub fn foreign(&self) -> &'a [&'a Exchange] {
        of_kind(self.others(), Kind::ForeignPoll)
    }

    /// Readings of the witness.
    pub fn witness(&self) -> &'a [&'a Exchange] {
        of_kind(self.others(), Kind::Witness)
    }

    /// Readings of the results.
    pub fn results(&self) -> &'a [&'a Exchange] {
        of_kind(self.others(), Kind::Results)
    }

    /// The second initiate with the same input.
    pub fn repeat(&self) -> Option<&'a Exchange> {
        of_kind(self.others(), Kind::Repeat).last().copied()
    }

    /// The cancel.
    pub fn cancel(&self) -> Option<&'a Exchange> {
        of_kind(self.others(), Kind::Cancel).last().copied()
    }

    /// The update.
    pub fn update(&self) -> Option<&'a Exchange> {
        of_kind(self.others(), Kind::Update).last().copied()
    }

    /// The delete.
    pub fn delete(&self) -> Option<&'a Exchange> {
        of_kind(self.others(), Kind::Delete).last().copied()
    }

    /// A later write that changes the scan: an update, or else a cancel.
    pub fn change(&self) -> Option<&'a Exchange> {
        self.update().or_else(|| self.cancel())
    }

    /// The polls that ask for the effect of a later write: those between its acknowledgement and the next write. A denial says nothing of a
    /// change, unless it is what shows it.
    pub fn polls_after(&self, write: &'a Exchange) -> impl Iterator<Item = &'a Exchange> + '_ {
        let writes = [self.cancel(), self.update(), self.delete()];
        let next = writes.into_iter().flatten().map(|other| other.sent).filter(|sent| write.done <= *sent).min();
        let is_after = move |poll: &&Exchange| write.done <= poll.sent && next.is_none_or(|next| poll.sent < next);
        let speaks = move |poll: &&Exchange| {
            poll.seen == Some(true) || (poll.seen == Some(false) && (write.kind == Kind::Delete || poll.answer == Answer::Visible))
        };
        self.polls().iter().copied().filter(|poll| poll.purpose == Purpose::Then).filter(speaks).filter(is_after)
    }

    /// The age at which an exchange was sent.
    pub fn age(&self, exchange: &Exchange) -> Nanos {
        exchange.sent.since(self.t0().unwrap_or(self.initiate.done))
    }

    /// The instant from which a `not_found` is a broken promise: t = 0, or the first visible answer if that came earlier.
    pub fn known_from(&self) -> Option<Stamp> {
        let t0 = self.t0()?;
        let first_visible = self.visible().map(|poll| poll.done).min();
        Some(first_visible.map_or(t0, |visible| visible.min(t0)))
    }

    /// Polls that bear on existence: sent before any cancel or delete, which may rightly remove the scan.
    pub fn evidence(&self) -> impl Iterator<Item = &'a Exchange> + '_ {
        let removed = self.cancel().into_iter().chain(self.delete()).map(|write| write.sent).min().unwrap_or(Stamp(u64::MAX));
        self.polls().iter().copied().filter(move |poll| poll.answer.is_evidence() && poll.sent < removed)
    }

    fn visible(&self) -> impl Iterator<Item = &'a Exchange> + '_ {
        self.evidence().filter(|poll| poll.answer == Answer::Visible)
    }

    /// The `not_found` answers to polls that were sent once the id was known: each breaks read-your-writes.
    pub fn denials(&self) -> impl Iterator<Item = &'a Exchange> + '_ {
        let known = self.known_from();
        self.evidence().filter(move |poll| poll.answer == Answer::NotFound && known.is_some_and(|known| known <= poll.sent))
    }

    /// The `not_found` answers to polls that were sent after a visible answer had been received: each is a flap.
    ///
    /// A visible answer that was still under way proves nothing: it may have been served after the denial.
    pub fn flaps(&self) -> Vec<&'a Exchange> {
        let Some(seen) = self.visible().map(|poll| poll.done).min() else { return Vec::new() };
        self.denials().filter(|poll| seen < poll.sent).collect()
    }

    /// The bracket, or `None` if the initiate was not accepted.
    ///
    /// Without any evidence it is `(0, ∞)`: nothing was learnt.
    pub fn bracket(&self) -> Option<Bracket> {
        let known = self.known_from()?;
        let last_denial = self.denials().map(|poll| poll.sent).max();
        let until = self
            .visible()
            .map(|poll| poll.done)
            .filter(|done| last_denial.is_none_or(|denied| denied < *done))
            .min()
            .map(|done| done.since(known).clamped());
        let after = last_denial.map_or(Nanos(0), |denied| denied.since(known));
        Some(Bracket { after, until })
    }

    /// The bracket of the first appearance, whatever came after it: what the start of a flapping or evicted scan tells.
    pub fn first_bracket(&self) -> Option<Bracket> {
        let known = self.known_from()?;
        let first = self.visible().map(|poll| poll.done).min();
        let after = self
            .denials()
            .map(|poll| poll.sent)
            .filter(|denied| first.is_none_or(|first| *denied < first))
            .max()
            .map_or(Nanos(0), |denied| denied.since(known));
        Some(Bracket { after, until: first.map(|first| first.since(known).clamped()) })
    }

    /// How its visibility is to be counted.
    pub fn visibility(&self) -> Visibility {
        let Some(bracket) = self.bracket() else { return Visibility::NotAccepted };
        if self.evidence().next().is_none() {
            return Visibility::NoEvidence;
        }
        if !self.flaps().is_empty() {
            return Visibility::Flapping;
        }
        match bracket.until {
            Some(_) => Visibility::Seen(bracket),
            None => Visibility::NeverSeen(bracket),
        }
    }

    /// Whether an answer is about this scan, as far as it says. One for another scan is a matter of the echo alone.
    pub fn is_named_by(&self, exchange: &Exchange) -> bool {
        self.named_as(exchange) != Some(Likeness::Other)
    }

    /// How the id in an answer relates to this scan's; `None` if it has none.
    pub fn named_as(&self, exchange: &Exchange) -> Option<Likeness> {
        let echo = exchange.echo.as_deref()?;
        Some(self.id().map_or(Likeness::Other, |id| likeness(id, echo)))
    }

    /// The first poll that showed a terminal state, and that state.
    pub fn ended(&self) -> Option<(&'a Exchange, State)> {
        self.polls()
            .iter()
            .filter(|poll| self.is_named_by(poll))
            .filter_map(|poll| poll.state.filter(|state| poll.answer == Answer::Visible && state.is_terminal()).map(|state| (*poll, state)))
            .min_by_key(|(poll, _)| poll.done)
    }

    /// Whether the repeat was answered with this scan's own id: then it is the same scan, and may start anew.
    pub fn was_restarted(&self) -> bool {
        self.repeat().is_some_and(|repeat| repeat.id.is_some() && repeat.id.as_deref() == self.id())
    }

    /// The instant from which a second write may rightly change the scan.
    pub fn rewritten_from(&self) -> Stamp {
        let restart = self.repeat().filter(|_| self.was_restarted()).map(|repeat| repeat.sent);
        let writes = [self.cancel(), self.update(), self.delete()].into_iter().flatten().map(|write| write.sent);
        restart.into_iter().chain(writes).min().unwrap_or(Stamp(u64::MAX))
    }

    /// The polls at gate offsets.
    pub fn gate_polls(&self) -> impl Iterator<Item = &'a Exchange> + '_ {
        self.polls().iter().copied().filter(|poll| poll.purpose == Purpose::Offset)
    }
}

/// Those of one kind, among exchanges that are sorted by kind.
fn of_kind<'a>(exchanges: &'a [&'a Exchange], kind: Kind) -> &'a [&'a Exchange] {
    let from = exchanges.partition_point(|exchange| exchange.kind < kind);
    let until = exchanges.partition_point(|exchange| exchange.kind <= kind);
    &exchanges[from..until]
}

/// How a scan's visibility is to be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// The initiate was not accepted.
    NotAccepted,
    /// Nothing that was answered says anything.
    NoEvidence,
    /// It was seen and then denied: its start is not a window.
    Flapping,
    /// It became visible in this bracket and stayed so.
    Seen(Bracket),
    /// It was denied as long as anybody looked: right-censored.
    NeverSeen(Bracket),
}
