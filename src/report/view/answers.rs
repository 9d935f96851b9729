//! The three questions of whoever sees a report for the first time: is it broken, since when and for how long, what to do.

use crate::analysis::Analysis;
use crate::analysis::diagnosis::Strength;
use crate::analysis::scan::ScanHistory;
use crate::model::run::Journal;
use crate::report::sentences::causes;
use crate::report::view::{WindowView, advice, headline};
use crate::report::words;
use crate::verdict::{Judgement, Verdict};

/// The answers, in words that need no knowledge of this program.
#[derive(Debug, Clone, PartialEq)]
pub struct Answers {
    /// Is it broken?
    pub broken: String,
    /// Since when in a scan's life, and for how long?
    pub when: String,
    /// What to do, in a sentence or two; the next step in full stands in the view.
    pub act: String,
}

/// Answers the three questions.
pub(super) fn answers(
    journal: &Journal,
    analysis: &Analysis,
    judgement: &Judgement,
    histories: &[ScanHistory<'_>],
    window: &WindowView,
) -> Answers {
    Answers {
        broken: broken(analysis, judgement, window),
        when: when(judgement, histories, window),
        act: act(journal, analysis, judgement),
    }
}

fn broken(analysis: &Analysis, judgement: &Judgement, window: &WindowView) -> String {
    let reads = headline::read_your_writes(analysis);
    let denied = judgement.reasons.iter().any(headline::is_denial);
    match judgement.verdict {
        Verdict::Fail if denied && window.flapped > 0 => "Yes: the API denies scans that it has already shown",
        Verdict::Fail if denied => "Yes: the API denies scans that it has just accepted",
        Verdict::Fail => "Yes: the API breaks a promise, though it denies no scan",
        Verdict::Inconclusive if !judgement.assessable => "It cannot be told: the API shows even scans that never existed",
        Verdict::Inconclusive => "It cannot be told from this run",
        Verdict::Pass if reads.is_some_and(|reads| reads.broken > 0) => "No: denials stayed within what is tolerated",
        Verdict::Pass if reads.is_some_and(|reads| reads.checked > 0) => "No: every accepted scan was found",
        Verdict::Pass => "No: everything that was expected held",
    }
    .to_owned()
}

/// From which age to which status denied, and how the window ends.
fn when(judgement: &Judgement, histories: &[ScanHistory<'_>], window: &WindowView) -> String {
    let mut denied: Option<(f64, f64)> = None;
    let mut polled: Option<(f64, f64)> = None;
    let widen = |range: &mut Option<(f64, f64)>, age: f64| {
        *range = Some(range.map_or((age, age), |(from, to)| (age.min(from), age.max(to))));
    };
    for scan in histories.iter().filter(|scan| scan.t0().is_some()) {
        scan.denials().for_each(|poll| widen(&mut denied, scan.age(poll).as_ms().max(0.0)));
        scan.evidence().for_each(|poll| widen(&mut polled, scan.age(poll).as_ms().max(0.0)));
    }
    if !judgement.assessable {
        return "Whenever status was asked, a visible answer proves nothing.".to_owned();
    }
    let Some((first, last)) = denied else {
        return match polled {
            Some((from, to)) => format!("No denial was seen; status was asked {} after the id.", words::between(from, Some(to))),
            None => "No scan's status was answered.".to_owned(),
        };
    };
    let range = format!("Denials were seen {} after the id was handed out", words::between(first, Some(last)));
    if window.flapped > 0 {
        return format!("{range}. They come and go: {} had already been visible.", words::count(window.flapped));
    }
    // How soon half of them were visible is told in the headline.
    if window.never_visible > 0 {
        return format!("{range}; {} had not become visible when last polled.", words::counted(window.never_visible, "scan"));
    }
    format!("{range}.")
}

/// The next step, cut to what fits a first glance.
fn act(journal: &Journal, analysis: &Analysis, judgement: &Judgement) -> String {
    if judgement.verdict == Verdict::Fail
        && let Some(cause) = analysis.diagnosis.causes.first()
    {
        let certainty = match cause.strength {
            Strength::Strong => "The cause",
            Strength::Moderate => "Likely cause",
            Strength::Weak => "Possible cause",
        };
        let others = match analysis.diagnosis.causes.len() {
            1 => String::new(),
            n => format!(" ({} more below)", n - 1),
        };
        let cure = causes::cure(cause, journal.run.target.owner());
        let remedy = first_sentence(&cure);
        return format!("{remedy} {certainty}: {}{others}.", causes::named(cause));
    }
    advice::next_step(journal, analysis, judgement)
}

fn first_sentence(text: &str) -> &str {
    text.find(". ").map_or(text, |end| &text[..=end])
}

#[cfg(test)]
mod tests {
    use crate::report::samples;

    #[test]
    fn a_stranger_is_told_whether_since_when_and_what_to_do() {
        let answers = samples::view(&samples::seed_bug()).answers;
        assert_eq!(answers.broken, "Yes: the API denies scans that it has just accepted");
        assert_eq!(answers.when, "Denials were seen 100.1 ms after the id was handed out.");
        assert_eq!(answers.act, "Write the record before the answer that hands out the id. The cause: delayed registration (A).");
        for (sample, broken) in [
            (samples::flapping(), "Yes: the API denies scans that it has already shown"),
            (samples::healthy(), "No: every accepted scan was found"),
            (samples::unassessable(), "It cannot be told: the API shows even scans that never existed"),
        ] {
            assert_eq!(samples::view(&sample).answers.broken, broken);
        }
    }
}
