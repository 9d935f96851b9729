//! A place in the target file that should have the id of the scan in each answer, and has something else: a tenant, a region, the
//! number of the request.
//!
//! Such a place says nothing of which scan an answer is about. It is told from a service that answers for the wrong scan by what it
//! holds: a wrong scan has an id as well, which this run handed out, or which is written as those are.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::analysis::echo::{Likeness, likeness};
use crate::model::answer::Answer;
use crate::model::exchange::{Exchange, Kind};
use crate::model::run::Journal;
use crate::model::time::Stamp;

/// What `[status] echo` holds in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Misnamed {
    /// One of the values.
    pub(super) example: String,
    /// Whether it is the same in all answers.
    pub(super) constant: bool,
}

/// The kinds of answers that have one place for the id.
const PLACES: [&[Kind]; 3] = [&[Kind::Poll, Kind::ForeignPoll], &[Kind::Witness], &[Kind::Results]];

/// The journal without what stands in such places, and what `[status] echo` holds, if it is one of them.
pub(super) fn read(journal: &Journal) -> (Cow<'_, Journal>, Option<Misnamed>) {
    let found: Vec<Option<Misnamed>> = PLACES.iter().map(|kinds| judge(journal, kinds)).collect();
    if found.iter().all(Option::is_none) {
        return (Cow::Borrowed(journal), None);
    }
    let mut read = journal.clone();
    for (kinds, _) in PLACES.iter().zip(&found).filter(|(_, found)| found.is_some()) {
        for exchange in read.exchanges.iter_mut().filter(|exchange| kinds.contains(&exchange.kind)) {
            exchange.echo = None;
        }
    }
    (Cow::Owned(read), found.into_iter().next().flatten())
}

fn judge(journal: &Journal, kinds: &[Kind]) -> Option<Misnamed> {
    let answers = || journal.exchanges.iter().filter(|exchange| kinds.contains(&exchange.kind) && exchange.answer == Answer::Visible);
    let first = answers().find_map(|answer| answer.echo.as_deref())?;
    let constant = answers().filter_map(|answer| answer.echo.as_deref()).all(|echo| echo == first);
    let ids = handed_out(journal);
    let id_of = |answer: &Exchange| answer.scan.get().and_then(|scan| ids.of_scan.get(&scan).copied());
    let named = || answers().filter_map(|answer| Some((answer, id_of(answer)?, answer.echo.as_deref()?)));
    // Without an id that could have been meant, nothing is known.
    named().next()?;
    let several = named().any(|(_, id, _)| named().next().is_some_and(|(_, first, _)| first != id));
    // What never changes may be the id of one scan by accident.
    let by_accident = constant && several;
    if !by_accident && named().any(|(_, id, echo)| likeness(id, echo) != Likeness::Other) {
        return None;
    }
    let mut since: BTreeMap<&str, Option<Stamp>> = BTreeMap::new();
    for (_, _, echo) in named() {
        let searched = since.len() < SEARCHED;
        since.entry(echo).or_insert_with(|| ids.since_of(echo, searched));
    }
    // An id that had not been handed out yet is in the answer by accident.
    let mut others = named().filter_map(|(answer, _, echo)| Some(since.get(echo).copied().flatten()? <= answer.done)).peekable();
    let is_mix_up = others.peek().is_some() && if by_accident { others.all(|known| known) } else { others.any(|known| known) };
    let is_written_alike = || !constant && named().any(|(_, id, echo)| is_of_one_kind(id, echo));
    if is_mix_up || is_written_alike() {
        return None;
    }
    Some(Misnamed { example: first.to_owned(), constant })
}

/// So many values are looked for in other spellings, among so many ids: each is compared with each.
const SEARCHED: usize = 50;
const SEARCHED_IN: usize = 1000;

struct HandedOut<'a> {
    of_scan: BTreeMap<u64, &'a str>,
    /// When each was asked for.
    since: BTreeMap<&'a str, Stamp>,
}

impl HandedOut<'_> {
    /// When an id was asked for; however it is written, if `searched`.
    fn since_of(&self, echo: &str, searched: bool) -> Option<Stamp> {
        let alike = || self.since.iter().find(|(id, _)| likeness(id, echo) != Likeness::Other).map(|(_, since)| *since);
        self.since.get(echo).copied().or_else(|| if searched && self.since.len() <= SEARCHED_IN { alike() } else { None })
    }
}

fn handed_out(journal: &Journal) -> HandedOut<'_> {
    let mut ids = HandedOut { of_scan: BTreeMap::new(), since: BTreeMap::new() };
    let accepted = journal.exchanges.iter().filter(|exchange| matches!(exchange.kind, Kind::Initiate | Kind::Repeat));
    for exchange in accepted.filter(|exchange| exchange.answer == Answer::Accepted) {
        let Some(id) = exchange.id.as_deref() else { continue };
        ids.since.entry(id).or_insert(exchange.sent);
        if let (Kind::Initiate, Some(scan)) = (exchange.kind, exchange.scan.get()) {
            ids.of_scan.insert(scan, id);
        }
    }
    ids
}

/// Whether two ids are written alike: the same letters, and then a sign, before what counts or is drawn.
fn is_of_one_kind(id: &str, echo: &str) -> bool {
    let kind = |id: &str| -> Option<String> {
        let letters: String = id.chars().take_while(char::is_ascii_alphabetic).collect();
        let sign = id[letters.len()..].chars().next().filter(|sign| "-_:.".contains(*sign))?;
        let rest = &id[letters.len() + sign.len_utf8()..];
        (letters.len() >= 2 && rest.contains(|c: char| c.is_ascii_digit())).then(|| format!("{letters}{sign}"))
    };
    id != echo && kind(id).is_some_and(|kind_of_id| kind(echo) == Some(kind_of_id))
}
