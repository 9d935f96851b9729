//! What twins say, as sentences.

use crate::analysis::twin::{Answer, Aspect, Candidate, Misfit, Separation, Setting, Twin};
use crate::model::exchange::Route;
use crate::model::fault::FaultClass;
use crate::model::run::Journal;
use crate::report::words::{age, alternatives, counted, name, planned, share};

/// Causes by their names: `a queue (E) and a lost job (M)`.
pub fn causes(classes: &[FaultClass]) -> String {
    let names: Vec<String> = classes.iter().map(|class| class.named()).collect();
    match names.as_slice() {
        [] => "a service without a fault".to_owned(),
        [first @ .., last] if !first.is_empty() => format!("{} together with {last}", first.join(", ")),
        [only, ..] => only.clone(),
    }
}

/// What follows from all twins, in one sentence.
pub fn statement(twin: &Twin, journal: &Journal) -> String {
    let without: Vec<String> = twin.untried.iter().map(|class| class.named()).collect();
    let untried = if without.is_empty() { String::new() } else { format!("; there is no twin of {}", alternatives(&without)) };
    answer(twin, journal) + &untried
}

fn answer(twin: &Twin, journal: &Journal) -> String {
    let fitting: Vec<&Candidate> = twin.fitting().collect();
    match (twin.answer, fitting.first(), twin.candidates.first()) {
        (Answer::OneFits, Some(best), _) => {
            let others = twin.candidates.len() - 1;
            let excluded =
                if others > 0 { format!(", and none of {} does", counted(others as u64, "other candidate")) } else { String::new() };
            format!("{} explains this log: {}{excluded}", causes(&best.classes), like(best))
        }
        (Answer::SeveralFit, ..) => {
            let names: Vec<String> = fitting.iter().map(|candidate| causes(&candidate.classes)).collect();
            format!("{} explain this log equally well: what was asked does not tell them apart", alternatives(&names))
        }
        (Answer::NoneFits, _, Some(nearest)) => {
            let misfits = nearest.fit.as_ref().map(|fit| fit.misfits.as_slice()).unwrap_or_default();
            let why = misfits.first().map_or_else(String::new, |first| format!(", which does not explain {}", misfit(first, journal)));
            format!("no known cause explains this log; nearest is {}{why}", causes(&nearest.classes))
        }
        (Answer::NotSimulated, ..) => "none of the causes that can be simulated explains this log".to_owned(),
        (Answer::Recording, ..) => {
            "the settings below are estimated from the recording; it follows no plan that could be run again, so that nothing \
                                    was compared"
                .to_owned()
        }
        (Answer::Merged, ..) => {
            "the settings below are estimated from the log; it was put together from runs that went on at the same time, so that \
                                 nothing was compared"
                .to_owned()
        }
        (Answer::TooLong, ..) => {
            "the settings below are estimated from the log, which is too long to be run again in a few seconds".to_owned()
        }
        (Answer::OneFits | Answer::NoneFits, ..) => "no twin was run".to_owned(),
    }
}

/// How like its twin's runs a log is.
fn like(candidate: &Candidate) -> String {
    candidate.fit.as_ref().map_or_else(String::new, |fit| {
        format!("{} of a service that has it, under the same plan, look like this one (p = {})", counted(fit.runs, "run"), chance(fit.p))
    })
}

fn chance(p: f64) -> String {
    format!("{p:.2}")
}

/// How one candidate fared, in a few words.
pub fn standing(candidate: &Candidate) -> String {
    match &candidate.fit {
        None => "not run".to_owned(),
        Some(fit) if candidate.outdone_by.is_some() && fit.fits() => {
            let better = candidate.outdone_by.as_deref().unwrap_or_default();
            format!("explains less than {}", causes(better))
        }
        Some(fit) if candidate.fits => format!("fits, p = {}", chance(fit.p)),
        Some(_) if candidate.far_off => "does not fit by far".to_owned(),
        Some(fit) => format!("does not fit, p = {}", chance(fit.p)),
    }
}

/// In what a log differs from a twin.
pub fn misfit(misfit: &Misfit, journal: &Journal) -> String {
    let (shown, what) = subject(misfit.aspect, journal);
    let value = |value: f64| match shown {
        Shown::Share => share(value.clamp(0.0, 1.0)),
        Shown::LogMs => age((value.exp() - 1.0).max(0.0)),
        Shown::Number => format!("{value:.2}"),
    };
    let (from, to) = (value(misfit.twin_from), value(misfit.twin_to));
    let twin = if from == to { from } else { format!("{from} to {to}") };
    format!("{what}: {} here, {twin} in its runs", value(misfit.observed))
}

/// How an aspect's number is written.
enum Shown {
    Share,
    LogMs,
    Number,
}

fn subject(aspect: Aspect, journal: &Journal) -> (Shown, String) {
    let scenario = |index: u32| {
        journal.scenarios.get(index as usize).map_or_else(String::new, |scenario| format!(" of scenario {}", name(&scenario.name)))
    };
    match aspect {
        Aspect::Denied { scenario: index, at_ns, connection, .. } => {
            (Shown::Share, format!("polls denied at {} on {} connections{}", planned(at_ns), connection.word(), scenario(index)))
        }
        Aspect::DeniedByAge { from_ns } => {
            (Shown::Share, format!("polls denied at ages of {} to {}", age(from_ns.as_ms()), age(2.0 * from_ns.as_ms())))
        }
        Aspect::WindowFrom => (Shown::LogMs, "typical age of the last denial before a job was seen".to_owned()),
        Aspect::WindowUntil => (Shown::LogMs, "typical age at which a denied job was first seen".to_owned()),
        Aspect::WindowRank => (Shown::Number, "rank of the windows (interval log-rank score)".to_owned()),
        Aspect::DeniedAtFirst => (Shown::Share, "jobs denied at first".to_owned()),
        Aspect::NeverSeen => (Shown::Share, "jobs never seen".to_owned()),
        Aspect::Growth { scenario: index } => {
            (Shown::Number, format!("correlation of a job's wait with its place in the queue{}", scenario(index)))
        }
        Aspect::Instants => (Shown::Share, "jobs that were seen at instants of their own rather than together with others".to_owned()),
        Aspect::Flapping => (Shown::Share, "jobs denied after they had been seen".to_owned()),
        Aspect::DeniedAfterSeen => (Shown::Share, "polls denied after the job had been seen".to_owned()),
        Aspect::CameBack => (Shown::Share, "of the jobs that were denied after they had been seen, those that were seen again".to_owned()),
        Aspect::Twice => {
            (Shown::Share, "of the jobs that were denied after they had been seen, those that were denied more than once".to_owned())
        }
        Aspect::LatestFlap => (Shown::LogMs, "latest age at which a job that had been seen was denied".to_owned()),
        Aspect::DeniedInARow => {
            (Shown::Share, "denials of jobs that had been seen after which the next poll was denied as well".to_owned())
        }
        Aspect::LostIdsMarked => (Shown::Share, "ids with something in them that only those of jobs that were never seen have".to_owned()),
        Aspect::PollersDisagree => (Shown::Share, "instants at which pollers of one job were answered differently".to_owned()),
        Aspect::DeniedOnKept => (Shown::Share, "polls on the starting connection that were denied after the job had been seen".to_owned()),
        Aspect::WentBack => (Shown::Share, "jobs that went back from their end to running".to_owned()),
        Aspect::OtherId => (Shown::Share, "answers with another job's id".to_owned()),
        Aspect::Disclosed => (Shown::Share, "polls of a foreign user that were answered".to_owned()),
        Aspect::UnknownSeen => (Shown::Share, "polls for ids that were never issued that were answered".to_owned()),
        Aspect::ByRoute { route } => (Shown::Share, format!("polls {} that were answered", by(route))),
        Aspect::Witness => (Shown::Share, "readings of the witness that knew the job".to_owned()),
        Aspect::SecondWrite => (Shown::LogMs, "time until a change was seen".to_owned()),
        Aspect::ChangeHidden => (Shown::Share, "polls after a change that did not show it".to_owned()),
        Aspect::ChangeTakenBack => (Shown::Share, "changed jobs that showed the change and then hid it again".to_owned()),
        Aspect::Deletion => (Shown::LogMs, "time until a deletion was seen".to_owned()),
        Aspect::DeletionHidden => (Shown::Share, "polls after a deletion that still showed the job".to_owned()),
        Aspect::Refused => (Shown::Share, "denials that were refusals (401 or 403)".to_owned()),
        Aspect::DeniedIfPolledBefore { scenario: index } => {
            (Shown::Number, format!("share denied if polled before, less the share denied if not, at equal age{}", scenario(index)))
        }
        Aspect::BehindIfPolledBefore { scenario: index } => {
            let what = "share still shown at work if polled before, less the share if not, at equal age";
            (Shown::Number, format!("{what}{}", scenario(index)))
        }
        Aspect::BegunWithAnEnd => (Shown::Share, "jobs whose first state was an end, and that ran later".to_owned()),
        Aspect::FirstEnd => (Shown::LogMs, "age until which jobs showed an end before they ran".to_owned()),
        Aspect::HalfARecord => (Shown::Share, "jobs of which something was missing when they were first seen".to_owned()),
        Aspect::Missing => (Shown::LogMs, "age until which something was missing".to_owned()),
        Aspect::ResultMissing => (Shown::Share, "ended jobs whose result was missing".to_owned()),
        Aspect::ResultLate => (Shown::LogMs, "time from the end to the result".to_owned()),
        Aspect::KnownThoughFailed => {
            (Shown::Share, "jobs that were not accepted, as the answer said, and are known all the same".to_owned())
        }
        Aspect::HeldBack => (Shown::LogMs, "longest wait on the connection that had started the job".to_owned()),
    }
}

fn by(route: Route) -> &'static str {
    match route {
        Route::HandedOut => "at the address that was handed out",
        Route::CacheBusted => "with a query of their own",
        Route::AsInitiator => "as the user who started the job",
    }
}

/// One knob with what is likely of it.
pub fn setting(setting: &Setting) -> String {
    match &setting.likely {
        Some(likely) if likely.from != likely.to => format!("{} = {} ({} to {})", setting.knob, setting.value, likely.from, likely.to),
        _ => format!("{} = {}", setting.knob, setting.value),
    }
}

/// Which further polls would tell two apart.
pub fn separation(separation: &Separation, journal: &Journal) -> String {
    let (_, what) = subject(separation.aspect, journal);
    let ask = match &separation.scenario {
        Some(scenario) => format!("scenario {}", name(scenario)),
        None => "the same scenarios".to_owned(),
    };
    let times =
        if separation.times <= 1.5 { "once more".to_owned() } else { format!("with {:.0} times as many jobs", separation.times.ceil()) };
    format!("to tell {} from {}, run {ask} {times}: they differ most in {what}", causes(&separation.one), causes(&separation.other))
}
