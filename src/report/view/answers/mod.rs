//! The four questions of whoever sees a report for the first time: is it broken, is the job lost, why, what now.
//!
//! Every format begins with the answers, in words that need no knowledge of this program: what is asked for is a job, and a
//! denial is a request with its answer.

mod broken;
mod fate;
mod reason;
mod short;

use crate::analysis::Analysis;
use crate::analysis::denied::denied_jobs;
use crate::analysis::diagnosis::Strength;
use crate::analysis::scan::ScanHistory;
use crate::bundle;
use crate::model::noun::Noun;
use crate::model::run::Journal;
use crate::report::sentences::{self, causes, faults};
use crate::report::view::{InsideView, WindowView, advice, inside};
use crate::report::words;
use crate::verdict::{Judgement, Verdict};

/// The answers to the four questions.
#[derive(Debug, Clone, PartialEq)]
pub struct Answers {
    /// Whether it is broken in a few words, for a heading.
    pub short: String,
    /// Is it broken: which request, which answer, how many of how many, from when to when.
    pub broken: String,
    /// Is the job lost?
    pub lost: String,
    /// Why; of a pass, how sure it is.
    pub why: String,
    /// What to do now, in a sentence or two; the next step in full stands in the view.
    pub now: String,
    /// The answers in at most 200 characters, for places that show one line.
    pub line: String,
    verdict: Verdict,
}

/// A question with its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered<'a> {
    /// A key for scripts.
    pub key: &'static str,
    /// The question in full.
    pub question: &'static str,
    /// The same as a label of at most eight characters.
    pub label: &'static str,
    /// The answer: sentences.
    pub answer: &'a str,
}

impl Answers {
    /// The questions in the order in which they are asked, with the answers.
    pub fn all(&self) -> [Answered<'_>; 4] {
        let (why, label) = match self.verdict {
            Verdict::Pass => ("How sure is that?", "sure?"),
            Verdict::Fail | Verdict::Inconclusive => ("Why?", "why?"),
        };
        [
            Answered { key: "broken", question: "Is it broken?", label: "broken?", answer: &self.broken },
            Answered { key: "lost", question: "Is the job lost?", label: "lost?", answer: &self.lost },
            Answered { key: "why", question: why, label, answer: &self.why },
            Answered { key: "act", question: "What now?", label: "now", answer: &self.now },
        ]
    }
}

/// What the answers are made of.
#[derive(Clone, Copy)]
struct Findings<'a> {
    journal: &'a Journal,
    analysis: &'a Analysis,
    judgement: &'a Judgement,
    window: &'a WindowView,
    /// What the target's spans say.
    inside: Option<&'a InsideView>,
    /// What one thing that the API is asked for is called.
    noun: &'a Noun,
}

impl Findings<'_> {
    /// `1 job`, `12 jobs`.
    fn counted(&self, n: u64) -> String {
        self.noun.counted(n)
    }

    /// `1 denied job`, `12 denied jobs`.
    fn denied(&self, n: u64) -> String {
        format!("{} {}", words::count(n), self.noun_denied(n))
    }

    /// `denied job`, `denied jobs`.
    fn noun_denied(&self, n: u64) -> String {
        format!("denied {}", self.noun.of(n))
    }
}

/// Answers the four questions.
pub(super) fn answers(
    journal: &Journal,
    analysis: &Analysis,
    judgement: &Judgement,
    histories: &[ScanHistory<'_>],
    window: &WindowView,
    inside: Option<&InsideView>,
) -> Answers {
    let findings = Findings { journal, analysis, judgement, window, inside, noun: &journal.run.target.noun };
    let denied = denied_jobs(histories);
    let request = bundle::status_line(&journal.run).map_or_else(|| "the status request".to_owned(), |line| shortened(&line));
    let cause = analysis.diagnosis.causes.first();
    Answers {
        short: broken::short(findings),
        broken: broken::broken(findings, &denied, histories, &request),
        lost: fate::lost(findings, &denied),
        why: reason::why(findings),
        now: now(findings),
        line: short::line(findings, &denied, &request, cause),
        verdict: judgement.verdict,
    }
}

/// The longest request that a sentence can carry, in characters.
const LONGEST_REQUEST: usize = 60;

/// A request in backquotes, without the middle of a long one.
fn shortened(line: &str) -> String {
    let line = words::clean(line, 400);
    let all: Vec<char> = line.chars().collect();
    if all.len() <= LONGEST_REQUEST {
        return format!("`{line}`");
    }
    let (head, tail) = (LONGEST_REQUEST / 3, LONGEST_REQUEST - LONGEST_REQUEST / 3 - 1);
    let text = |chars: &[char]| chars.iter().collect::<String>();
    format!("`{}…{}`", text(&all[..head]), text(&all[all.len() - tail..]))
}

/// What finds out the cause.
const INVESTIGATE: &str = "`statusgap reproduce` with the same target asks what tells the causes apart.";

/// The next step, cut to what fits a first glance.
fn now(findings: Findings<'_>) -> String {
    let Findings { journal, analysis, judgement, .. } = findings;
    // An investigation decides on all its scenarios while it runs.
    let is_investigation = journal.run.scenarios.is_empty();
    let Some(cause) = analysis.diagnosis.causes.first().filter(|_| judgement.verdict == Verdict::Fail) else {
        let asked_all = is_investigation || judgement.verdict != Verdict::Fail;
        return if asked_all { advice::next_step(journal, analysis, judgement, findings.inside) } else { INVESTIGATE.to_owned() };
    };
    let owner = journal.run.target.owner();
    let cure = match inside::told_apart(findings.inside, cause) {
        Some(class) => format!("{}: {}", sentences::inside::speaks_for(class), causes::lower_first(&faults::advice(class, owner))),
        None => causes::cure(cause, owner),
    };
    let first = cure.find(". ").map_or(cure.as_str(), |end| &cure[..=end]);
    if cause.strength == Strength::Strong && analysis.diagnosis.causes.len() == 1 {
        format!("{first} The command below must pass then.")
    } else if is_investigation || first.contains("statusgap reproduce") {
        first.to_owned()
    } else {
        format!("{first} {INVESTIGATE}")
    }
}

#[cfg(test)]
mod tests {
    use crate::analysis::load::Load;
    use crate::model::answer::{Answer, TransportFault};
    use crate::model::contact::{Contact, ContactStep, Contacted};
    use crate::model::exchange::{Exchange, Kind};
    use crate::model::time::Nanos;
    use crate::report::samples;

    #[test]
    fn a_stranger_is_told_whether_it_is_broken_whether_the_job_is_lost_why_and_what_to_do() {
        let answers = samples::view(&samples::seed_bug()).answers;
        assert_eq!(answers.short, "Yes: the API denies scans that it has just accepted");
        assert!(
            answers.broken.starts_with("Yes. `GET /api/v1/opportunities/status/{id}` answered 200 (not_found) for "),
            "{}",
            answers.broken
        );
        assert!(answers.broken.ends_with("100.1 ms after the id."), "{}", answers.broken);
        assert!(answers.lost.starts_with("No. "), "{}", answers.lost);
        assert!(answers.why.starts_with("Delayed registration (A). "), "{}", answers.why);
        assert!(answers.now.starts_with("Write the record before the answer that hands out the id."), "{}", answers.now);
        for (sample, short) in [
            (samples::flapping(), "Yes: the API denies scans that it has already shown"),
            (samples::healthy(), "No: every accepted scan was found"),
            (samples::unassessable(), "Not known: the API shows even scans that never existed"),
        ] {
            assert_eq!(samples::view(&sample).answers.short, short);
        }
    }

    #[test]
    fn polls_without_an_answer_that_counts_are_said_where_a_job_was_always_found() {
        let mut sample = samples::healthy();
        assert!(samples::view(&sample).answers.broken.contains(", whenever it was asked: "));
        let poll = sample.0.exchanges.iter().position(|one| one.kind == Kind::Poll).expect("a poll");
        for (http, answer, fault) in [
            (Some(500), Answer::ServerError, None),
            (Some(500), Answer::ServerError, None),
            (None, Answer::Transport, Some(TransportFault::Closed)),
        ] {
            let failed = Exchange { http, answer, fault, state: None, word: None, ..sample.0.exchanges[poll].clone() };
            sample.0.exchanges.insert(poll, failed);
        }
        let broken = samples::view(&sample).answers.broken;
        assert!(broken.contains(", whenever it got an answer that counts: "), "{broken}");
        assert!(broken.ends_with("3 polls did not get one: 2 were answered 500, 1 got no answer (connection closed)."), "{broken}");
    }

    #[test]
    fn a_job_that_first_contact_started_is_not_said_to_be_none() {
        let mut sample = samples::seed_bug();
        sample.1.load = Load::default();
        let initiate = |http, answer| Contacted {
            step: ContactStep::Initiate,
            asked: "POST /jobs".to_owned(),
            http: Some(http),
            fault: None,
            answer,
            body: None,
            took: Nanos(0),
        };
        for (answers, told) in [
            (
                vec![initiate(202, Answer::Malformed)],
                "Not known: first contact started 1 scan and left it: no id was read in the answer, so its status was not asked.",
            ),
            (vec![initiate(503, Answer::ServerError)], "No scan was accepted, so none can be lost."),
            (Vec::new(), "No scan was accepted, so none can be lost."),
        ] {
            sample.0.run.contact = Some(Contact { exchanges: answers, ..Contact::default() });
            assert_eq!(samples::view(&sample).answers.lost, told);
        }
    }

    #[test]
    fn one_job_and_two_jobs_are_spoken_of_as_people_do() {
        let mut sample = samples::healthy();
        for rate in sample.1.scenarios.iter_mut().flat_map(|scenario| &mut scenario.offsets) {
            (rate.polls, rate.scans) = (1, 1);
        }
        let why = samples::view(&sample).answers.why;
        assert!(why.contains("0 of 1 scan was denied"), "{why}");
        let mut sample = samples::seed_bug();
        for scan in [1, 2] {
            let own: Vec<Exchange> = sample.0.exchanges.iter().filter(|one| one.scan.get() == Some(0)).cloned().collect();
            sample.0.exchanges.extend(own.into_iter().map(|one| Exchange { scan: Some(scan).into(), ..one }));
            let lost = samples::view(&sample).answers.lost;
            assert!(lost.starts_with(if scan == 1 { "No. Both denied scans were" } else { "No. All 3 denied scans were" }), "{lost}");
        }
    }

    #[test]
    fn the_line_for_narrow_places_never_exceeds_two_hundred_characters() {
        for (name, view) in samples::all() {
            let length = view.answers.line.chars().count();
            assert!((20..=200).contains(&length), "{name}: {length} {}", view.answers.line);
        }
    }
}
