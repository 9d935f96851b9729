//! Whether states and progress only went forward, and whether the words for states could be read at all.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Ambiguity, Breach, Checked, Evidence, Finding, NotAssessed, Proof, Unclear, later_writes, may_be_old};
use crate::analysis::scan::ScanHistory;
use crate::model::answer::{Answer, State};
use crate::model::exchange::Exchange;
use crate::model::guarantee::Guarantee;

/// In which way a scan went back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Regress {
    /// From its end to a state in which it is at work.
    RanAgain,
    /// From one end to another.
    EndedOtherwise,
    /// From its end to an unlisted word, and to its end again; or back to a word that it had before the end.
    Alternated,
    /// One answer came back again and again while others went on.
    Frozen,
}

/// Whether and how a scan went back.
pub fn went_back(scan: &ScanHistory<'_>) -> Option<Regress> {
    match judge(scan) {
        Judged::Back(regress, _) => Some(regress),
        Judged::Forward | Judged::Unclear(_) => None,
    }
}

enum Judged<'a> {
    Forward,
    /// With the exchanges that show it.
    Back(Regress, Vec<&'a Exchange>),
    Unclear(Ambiguity),
}

/// Looks for two polls of which the second was sent after the first was answered and tells an earlier state.
pub(super) fn monotonic(scan: &ScanHistory<'_>, evidence: Evidence<'_>) -> Finding {
    if let Some((shown, hidden)) = later_writes::taken_back(scan) {
        return Finding::Broken(Proof::of_scan(scan, Breach::ChangeTakenBack, &[shown, hidden]));
    }
    match judge(scan) {
        Judged::Back(regress, exchanges) => Finding::Broken(Proof::of_scan(scan, Breach::WentBack { regress }, &exchanges)),
        Judged::Unclear(why) => Finding::Unclear(why),
        Judged::Forward => {
            let named = sights(scan).len();
            if named < 2
                && scan.polls().iter().filter(|poll| poll.answer == Answer::Visible && !scan.is_named_by(poll)).count() + named >= 2
            {
                return Finding::Unclear(Ambiguity::OtherIds);
            }
            let sights = || sights(scan).into_iter();
            let listed = sights().filter(|poll| poll.state.is_some_and(|state| state != State::Unknown)).count();
            let progress = sights().filter(|poll| poll.progress.get().is_some()).count();
            // Where the target file says where a state is, progress alone does not show that one was read.
            let by_progress = progress >= 2 && evidence.target.status.state.is_none() && sights().all(|poll| poll.state.is_none());
            if listed >= 2 || by_progress { Finding::Kept } else { Finding::Silent }
        }
    }
}

/// The visible answers about a scan before any second write, by the time they were asked for.
fn sights<'a>(scan: &ScanHistory<'a>) -> Vec<&'a Exchange> {
    let rewritten = scan.rewritten_from();
    let mut sights: Vec<&Exchange> = scan
        .polls()
        .iter()
        .copied()
        .filter(|poll| poll.answer == Answer::Visible && poll.sent < rewritten && scan.is_named_by(poll))
        .collect();
    sights.sort_by_key(|poll| poll.sent);
    sights
}

fn judge<'a>(scan: &ScanHistory<'a>) -> Judged<'a> {
    if scan.polls().len() < 2 {
        return Judged::Forward;
    }
    let sights = sights(scan);
    match (after_the_end(&sights), progress(&sights)) {
        (back @ Judged::Back(..), _) | (_, back @ Judged::Back(..)) => back,
        (unclear @ Judged::Unclear(_), _) | (_, unclear @ Judged::Unclear(_)) => unclear,
        (Judged::Forward, Judged::Forward) => Judged::Forward,
    }
}

fn is_end(poll: &Exchange) -> bool {
    poll.state.is_some_and(State::is_terminal)
}

fn after_the_end<'a>(sights: &[&'a Exchange]) -> Judged<'a> {
    let Some(ended) = sights.iter().copied().filter(|poll| is_end(poll)).min_by_key(|poll| poll.done) else { return Judged::Forward };
    let after = || sights.iter().copied().filter(|poll| ended.done <= poll.sent);
    let listed = |poll: &&Exchange| poll.state.is_some_and(|state| state != State::Unknown) && poll.state != ended.state;
    let rightly_old = |poll: &Exchange| poll.sent < ended.done.after(may_be_old(poll));
    if let Some(back) = after().filter(listed).find(|poll| !rightly_old(poll)) {
        let regress = if is_end(back) { Regress::EndedOtherwise } else { Regress::RanAgain };
        return Judged::Back(regress, vec![ended, back]);
    }
    let unlisted = || after().filter(|poll| poll.state == Some(State::Unknown));
    for word in unlisted() {
        if let Some(again) = after().find(|poll| is_end(poll) && word.done <= poll.sent) {
            return Judged::Back(Regress::Alternated, vec![ended, word, again]);
        }
        let same = |poll: &&&Exchange| poll.word.is_some() && poll.word == word.word && poll.done <= ended.sent;
        if let Some(before) = sights.iter().find(same) {
            return Judged::Back(Regress::Alternated, vec![before, ended, word]);
        }
    }
    if after().any(|poll| listed(&poll)) {
        return Judged::Unclear(Ambiguity::CachedState);
    }
    match unlisted().next() {
        None => Judged::Forward,
        Some(word) => Judged::Unclear(match &word.word {
            Some(word) => Ambiguity::UnlistedAfterEnd(word.as_str().to_owned()),
            None => Ambiguity::NoStateAfterEnd,
        }),
    }
}

/// How often one answer must come back between others that go on before it is a copy that stands still.
const RETURNS: usize = 4;

/// What a fall of the progress proves: next to nothing. Many sound services count each stage or each file from its beginning, or a total
/// that grows, or start an attempt anew. Only one answer that comes back unchanged, again and again, between answers that go on each
/// time, is none of these.
fn progress<'a>(sights: &[&'a Exchange]) -> Judged<'a> {
    // A failed scan may well drop its progress, and an end has all of it.
    let told: Vec<&Exchange> = sights.iter().copied().filter(|poll| poll.progress.get().is_some() && !is_end(poll)).collect();
    let of = |poll: &Exchange| poll.progress.get().unwrap_or_default();
    if !told.iter().any(|poll| further_before(&told, poll).is_some()) {
        return Judged::Forward;
    }
    if let Some(frozen) = told.iter().copied().find(|poll| is_frozen(&told, poll))
        && let Some(further) = told.iter().copied().find(|poll| of(poll) > of(frozen))
        && let Some(back) = told.iter().copied().find(|poll| further.done <= poll.sent && same_answer(poll, frozen))
    {
        return Judged::Back(Regress::Frozen, vec![further, back]);
    }
    Judged::Unclear(Ambiguity::ProgressFell)
}

/// The answer with most progress that had arrived before a poll was sent, if it had more.
fn further_before<'a>(told: &[&'a Exchange], poll: &Exchange) -> Option<&'a Exchange> {
    let earlier = told.iter().copied().filter(|earlier| earlier.done <= poll.sent);
    let furthest = earlier.max_by(|a, b| a.progress.get().unwrap_or_default().total_cmp(&b.progress.get().unwrap_or_default()))?;
    (furthest.progress.get()? > poll.progress.get()? + 1e-9).then_some(furthest)
}

fn same_answer(a: &Exchange, b: &Exchange) -> bool {
    a.progress == b.progress && a.word == b.word && a.state == b.state
}

/// Whether this very answer came back so often, and whatever was answered in between went on from time to time.
fn is_frozen(told: &[&Exchange], frozen: &Exchange) -> bool {
    let is_it = |poll: &Exchange| same_answer(poll, frozen);
    let others: Vec<f64> = told.iter().filter(|poll| !is_it(poll)).filter_map(|poll| poll.progress.get()).collect();
    let goes_on = others.windows(2).all(|pair| pair[0] <= pair[1]);
    // Each return starts after an answer with more progress than any before the last return.
    let (mut returns, mut highest, mut risen) = (0, frozen.progress.get().unwrap_or_default(), false);
    for poll in told {
        if is_it(poll) {
            returns += usize::from(std::mem::take(&mut risen));
        } else if poll.progress.get().is_some_and(|now| now > highest) {
            highest = poll.progress.get().unwrap_or_default();
            risen = true;
        }
    }
    goes_on && returns >= RETURNS
}

/// What a scenario's status answers had at the places that the target file names.
pub(super) struct Words<'a> {
    evidence: Evidence<'a>,
    /// Visible answers.
    answers: u64,
    /// Those of them that had to tell a state.
    asked_for_state: u64,
    /// Those with a listed word, or with a rule that says the state.
    listed: u64,
    unlisted: BTreeMap<&'a str, u64>,
    with_progress: u64,
    with_echo: u64,
}

impl<'a> Words<'a> {
    pub(super) fn of(evidence: Evidence<'a>) -> Words<'a> {
        let mut words =
            Words { evidence, answers: 0, asked_for_state: 0, listed: 0, unlisted: BTreeMap::new(), with_progress: 0, with_echo: 0 };
        let sights = evidence.scans.iter().flat_map(|scan| scan.polls()).filter(|poll| poll.answer == Answer::Visible);
        for poll in sights {
            words.answers += 1;
            words.with_progress += u64::from(poll.progress.get().is_some());
            words.with_echo += u64::from(poll.echo.is_some());
            words.asked_for_state += u64::from(poll.state.is_some());
            match (poll.state, poll.word.as_deref()) {
                (Some(State::Unknown), Some(word)) => *words.unlisted.entry(word).or_default() += 1,
                (Some(State::Unknown) | None, _) => {}
                (Some(_), _) => words.listed += 1,
            }
        }
        words
    }

    /// Says what could not be read, where a guarantee depends on it.
    pub(super) fn remark_on(&self, checked: &mut Checked) {
        let of_answers = |why: Ambiguity, hits: u64, of: u64| Unclear { why, scans: 0, hits, of };
        let all = self.answers;
        if all == 0 {
            return;
        }
        match checked.guarantee {
            Guarantee::MonotonicState => {
                if let Some(unread) = self.state_is_unread() {
                    checked.unclear.insert(0, unread);
                }
                for (word, count) in self.most_frequent() {
                    checked.unclear(of_answers(Ambiguity::UnlistedWord(word.to_owned()), count, all));
                }
                if let (Some(place), 0) = (&self.evidence.target.status.progress, self.with_progress) {
                    checked.unclear(of_answers(Ambiguity::NoNumber(Some(place.clone())), all, all));
                }
            }
            Guarantee::Completion if checked.checked == 0 && !checked.unclear.is_empty() => {
                if let Some(unread) = self.state_is_unread() {
                    checked.unclear.insert(0, unread);
                    checked.conclude(NotAssessed::NoneEnded);
                }
            }
            Guarantee::Echo if self.with_echo == 0 => {
                if let Some(place) = &self.evidence.target.status.echo {
                    let place = Some(place.clone());
                    let why = match self.evidence.misnamed {
                        None => Ambiguity::Absent(place),
                        Some(misnamed) => Ambiguity::NoId { place, example: misnamed.example.clone(), constant: misnamed.constant },
                    };
                    checked.unclear(of_answers(why, all, all));
                }
            }
            _ => {}
        }
    }

    /// Whether any job was visible.
    pub(super) fn any(&self) -> bool {
        self.answers > 0
    }

    /// Why no answer told how its scan stood, if none did.
    fn state_is_unread(&self) -> Option<Unclear> {
        if self.asked_for_state == 0 || self.listed > 0 {
            return None;
        }
        let place = self.evidence.target.status.state.clone();
        let why = if self.unlisted.is_empty() { Ambiguity::Absent(place) } else { Ambiguity::NoListedWord(place) };
        Some(Unclear { why, scans: 0, hits: self.asked_for_state, of: self.answers })
    }

    /// The most frequent of the unlisted words, with their counts.
    fn most_frequent(&self) -> Vec<(&'a str, u64)> {
        const MOST: usize = 4;
        let mut words: Vec<(&str, u64)> = self.unlisted.iter().map(|(word, count)| (*word, *count)).collect();
        words.sort_by_key(|(word, count)| (std::cmp::Reverse(*count), *word));
        words.truncate(MOST);
        words
    }
}
