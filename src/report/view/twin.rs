//! What the twins of a log say, and how to have the fault on another machine.

use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::Analysis;
use crate::analysis::twin::{Answer, Candidate, Picture, Setting, Twin};
use crate::bundle::shell::literal;
use crate::model::run::Journal;
use crate::report::rounded;
use crate::report::sentences::twin as sentences;
use crate::report::words;

/// What the twins of a log say.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TwinView {
    /// What follows.
    pub answer: Answer,
    /// The same in one sentence.
    pub statement: String,
    /// The candidates, the best first.
    pub candidates: Vec<CandidateRow>,
    /// How to have the fault on another machine; `null` where nothing was estimated.
    pub reproducer: Option<Reproducer>,
    /// Which further polls would tell two that fit apart.
    pub separation: Option<String>,
    /// The log beside the best of its twins.
    pub picture: Option<Picture>,
}

/// One candidate.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CandidateRow {
    /// The letters of its causes.
    pub classes: Vec<&'static str>,
    /// Their names.
    pub name: String,
    /// Whether it fits.
    pub fits: bool,
    /// The chance that a run of it is as far from the others as the log; `null`: it was not run.
    #[serde(serialize_with = "rounded::significant")]
    pub p: Option<f64>,
    /// How many runs that rests on.
    pub runs: u64,
    /// The same in a few words.
    pub standing: String,
    /// The settings on top of the preset `sound`.
    pub settings: Vec<Setting>,
    /// What it does not explain.
    pub misfits: Vec<String>,
    /// The settings that make the fault, as they are read.
    #[serde(skip)]
    pub fault: String,
}

/// Commands that show the fault elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Reproducer {
    /// Serves it.
    pub serve: String,
    /// Runs the same scenarios against it, started for the purpose.
    pub run: String,
    /// Runs the same scenarios against the same service without the fault.
    pub cured: String,
    /// What that shows.
    pub cured_shows: String,
}

impl TwinView {
    /// What is told of a log's twins; `None`: there are none.
    pub fn of(journal: &Journal, analysis: &Analysis) -> Option<TwinView> {
        let twin = analysis.twin.as_ref()?;
        Some(TwinView {
            answer: twin.answer,
            statement: words::clean(&sentences::statement(twin, journal), 600),
            candidates: twin.candidates.iter().map(|candidate| row(candidate, journal)).collect(),
            reproducer: twin.candidates.first().map(|best| reproducer(twin, best, journal)),
            separation: twin.separation.as_ref().map(|separation| sentences::separation(separation, journal)),
            picture: twin.picture.clone(),
        })
    }
}

fn row(candidate: &Candidate, journal: &Journal) -> CandidateRow {
    let of_fault = candidate.settings.iter().filter(|setting| !setting.is_of_job);
    CandidateRow {
        classes: candidate.classes.iter().map(|class| class.letter()).collect(),
        name: sentences::causes(&candidate.classes),
        fits: candidate.fits,
        p: candidate.fit.as_ref().map(|fit| fit.p),
        runs: candidate.fit.as_ref().map_or(0, |fit| fit.runs),
        standing: sentences::standing(candidate),
        misfits: candidate
            .fit
            .iter()
            .filter(|_| !candidate.fits)
            .flat_map(|fit| &fit.misfits)
            .map(|misfit| sentences::misfit(misfit, journal))
            .collect(),
        fault: of_fault.map(sentences::setting).collect::<Vec<_>>().join(", "),
        settings: candidate.settings.clone(),
    }
}

fn reproducer(twin: &Twin, best: &Candidate, journal: &Journal) -> Reproducer {
    let set = |is_wanted: &dyn Fn(&Setting) -> bool| -> String {
        let wanted = best.settings.iter().filter(|setting| is_wanted(setting));
        wanted.flat_map(|setting| [" --set ".to_owned(), literal(&format!("{}={}", setting.knob, setting.value))]).collect()
    };
    let (all, of_job) = (set(&|_| true), set(&|setting| setting.is_of_job));
    let plan = plan(journal);
    Reproducer {
        serve: format!("statusgap serve --service sound{all}"),
        run: format!("{plan} --service sound{all}"),
        cured: format!("{plan} --service sound{of_job}"),
        cured_shows: match twin.healthy_denies {
            Some(false) => "asked in the same way, it denied nothing".to_owned(),
            Some(true) => "asked in the same way, it denied something all the same: the polls ask for more than it promises".to_owned(),
            None => "the same service without the fault".to_owned(),
        },
    }
}

/// The command that runs the same scenarios, but for its target: an investigation decides anew, and of a recording there is none.
fn plan(journal: &Journal) -> String {
    let mut words = journal.run.command.split_whitespace().skip_while(|word| *word != "run").peekable();
    if words.next().is_none() || journal.run.recording.is_some() {
        return "statusgap reproduce".to_owned();
    }
    let scenarios: Vec<String> = words.take_while(|word| !word.starts_with('-')).map(|word| words::clean(word, 200)).collect();
    let gap = if scenarios.is_empty() { "" } else { " " };
    format!("statusgap run{gap}{}", scenarios.join(" "))
}
