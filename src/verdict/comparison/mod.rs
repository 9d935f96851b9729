//! Is the new run worse than the old one? Which scenarios may be compared, what is asked of each, and what the answers amount to.
//!
//! In come two [`Baseline`]s and the [`Criteria`], out comes a [`Comparison`]. A regression is told where a test finds it beyond
//! chance, all tests of the comparison taken together, and where it is as large as the criteria ask for: significance alone
//! finds the weather of a busy machine, size alone finds noise. Scenarios that were run in different ways are not compared, and
//! a comparison that could not have found anything is inconclusive. How it looks is the business of `report`.

mod caveats;
mod criteria;
mod question;
mod usable;

use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::baseline::{Baseline, ScenarioBaseline};
use crate::model::exchange::{Connection, Kind};
use crate::model::noun::Noun;
use crate::model::time::Span;
use crate::statistics::compare::multiple::holm;
use crate::statistics::compare::units::Layout;
use crate::verdict::{Exit, Verdict};

pub use caveats::{ConditionChange, LeftOut, Mismatch, NotCompared, Note, Side};
pub use criteria::{Criteria, CriterionError, Minimum, Share};
pub use usable::{Spoilt, Unusable, usable};

use question::{Answered, Question};

/// What a comparison found.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The old run.
    pub base: RunNote,
    /// The new run.
    pub new: RunNote,
    /// What both targets call a job; "job", where they differ.
    pub noun: Noun,
    /// Whether scans were asked for by turns.
    pub layout: Layout,
    /// What counted as a regression.
    pub criteria: Criteria,
    /// What it amounts to.
    pub outcome: Outcome,
    /// Why nothing at all was compared.
    pub blocked: Vec<Mismatch>,
    /// Scenario by scenario, in the order of the new run.
    pub scenarios: Vec<ScenarioComparison>,
    /// How many tests were asked together.
    pub tests: usize,
    /// What a reader should know of the two runs.
    pub notes: Vec<Note>,
}

/// What a comparison amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub enum Outcome {
    /// Something became worse.
    #[serde(rename = "regression")]
    Regression,
    /// Nothing became worse, as far as could be told.
    #[serde(rename = "no regression")]
    NoRegression,
    /// The runs cannot be compared, or are too small for anything to be told.
    #[serde(rename = "inconclusive")]
    Inconclusive,
}

impl Outcome {
    /// The word used everywhere.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Regression => "regression",
            Outcome::NoRegression => "no regression",
            Outcome::Inconclusive => "inconclusive",
        }
    }

    /// The verdict that it is worth.
    pub fn verdict(self) -> Verdict {
        match self {
            Outcome::Regression => Verdict::Fail,
            Outcome::NoRegression => Verdict::Pass,
            Outcome::Inconclusive => Verdict::Inconclusive,
        }
    }
}

impl From<Outcome> for Exit {
    fn from(outcome: Outcome) -> Exit {
        outcome.verdict().into()
    }
}

/// One of the two runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunNote {
    /// Its target's name.
    pub target: String,
    /// When it started.
    pub started: String,
    /// What wrote it.
    pub tool: String,
}

/// One scenario in both runs.
#[derive(Debug, Clone, PartialEq)]
pub struct ScenarioComparison {
    /// Its name.
    pub name: String,
    /// Why it was not compared.
    pub not_compared: Option<NotCompared>,
    /// What could not be asked of it, and why.
    pub left_out: Vec<LeftOut>,
    /// Consecutive scans that counted as one.
    pub together: u64,
    /// What was asked.
    pub findings: Vec<Finding>,
}

/// One thing that was compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What.
    pub subject: Subject,
    /// The old value: a share, or ms.
    pub base: f64,
    /// The new value.
    pub new: f64,
    /// Whether the old value is identified. A window is not where no scan was denied: the value is then the least that it may be.
    pub base_known: bool,
    /// Whether the new value is.
    pub new_known: bool,
    /// Scans behind the old value.
    pub base_scans: u64,
    /// Scans behind the new value.
    pub new_scans: u64,
    /// The smallest difference that counts, in the unit of the values.
    pub minimum: f64,
    /// p-value for "worse", adjusted for all tests of the comparison; `None` where the samples could not have shown anything.
    pub p_worse: Option<f64>,
    /// p-value for "better", adjusted likewise.
    pub p_better: Option<f64>,
    /// What it amounts to.
    pub change: Change,
    /// About so many scans for each run would show a difference of [`Finding::minimum`]; `None` where these were enough.
    pub needs: Option<u64>,
}

/// What can be compared of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The share of scans denied at an offset.
    Denied {
        /// The arm's name.
        arm: String,
        /// How the polls travelled.
        connection: Connection,
        /// The age.
        at: Span,
    },
    /// The share of scans that were seen and then denied.
    Flapping,
    /// How long scans are denied: the mean, with nothing for a scan that never was, to the end of what both runs watched.
    Window,
    /// The median of the scans' round trips.
    RoundTrip {
        /// Which exchanges.
        kind: Kind,
        /// How they travelled.
        connection: Connection,
    },
}

impl Subject {
    /// Whether its values are shares rather than times.
    pub fn is_share(&self) -> bool {
        matches!(self, Subject::Denied { .. } | Subject::Flapping)
    }
}

/// What one finding amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub enum Change {
    /// Worse beyond chance, and by enough.
    #[serde(rename = "worse")]
    Regression,
    /// Better beyond chance, and by enough.
    #[serde(rename = "better")]
    Improvement,
    /// Different beyond chance, and by less than counts.
    #[serde(rename = "below the minimum")]
    Small,
    /// Each run met the target in one state, and nothing shows how long it keeps one.
    #[serde(rename = "one state each")]
    OneState,
    /// Nothing beyond chance.
    #[serde(rename = "no change")]
    None,
    /// Too few scans for anything to be beyond chance.
    #[serde(rename = "too few")]
    TooFew,
    /// Neither value is identified.
    #[serde(rename = "not identified")]
    NotIdentified,
}

impl Change {
    /// The word used everywhere.
    pub fn word(self) -> &'static str {
        match self {
            Change::Regression => "worse",
            Change::Improvement => "better",
            Change::Small => "below the minimum",
            Change::OneState => "one state each",
            Change::None => "no change",
            Change::TooFew => "too few",
            Change::NotIdentified => "not identified",
        }
    }
}

/// Whether runs against targets with different names may be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// No: it may be a mistake.
    MustAgree,
    /// Yes: it was asked for.
    MayDiffer,
}

/// Compares two runs.
pub fn compare(base: &Baseline, new: &Baseline, criteria: &Criteria, names: Names) -> Comparison {
    let layout = layout(base, new);
    let blocked = blocked(base, new, if layout == Layout::Pairs { Names::MayDiffer } else { names });
    let mut scenarios: Vec<ScenarioComparison> = Vec::new();
    let mut questions: Vec<(usize, Question)> = Vec::new();
    if blocked.is_empty() {
        for new_one in &new.scenarios {
            let base_one = base.scenarios.iter().find(|one| one.name == new_one.name);
            let (mut scenario, asked) = ask(base_one, new_one, layout);
            scenario.together = base_one.map_or(1, |base_one| base_one.together.max(new_one.together));
            questions.extend(asked.into_iter().map(|question| (scenarios.len(), question)));
            scenarios.push(scenario);
        }
        for gone in base.scenarios.iter().filter(|old| new.scenarios.iter().all(|one| one.name != old.name)) {
            scenarios.push(ScenarioComparison::not_compared(&gone.name, NotCompared::Missing(Side::New)));
        }
    }
    let tests = answer(&mut scenarios, questions, layout, criteria);
    if layout == Layout::Apart {
        // One scenario speaks for all of a run: they ask the same target.
        let ends = |run: &Baseline| run.scenarios.iter().any(shows_ends);
        let (base_ends, new_ends) = (ends(base), ends(new));
        for scenario in &mut scenarios {
            scenario.hold_back_one_state(base_ends, new_ends);
        }
    }
    let all = || scenarios.iter().flat_map(|scenario| &scenario.findings);
    let outcome = if all().any(|finding| finding.change == Change::Regression) {
        Outcome::Regression
    } else if !scenarios.iter().any(ScenarioComparison::is_judged)
        || all().any(|finding| finding.change == Change::OneState && finding.new > finding.base)
    {
        Outcome::Inconclusive
    } else {
        Outcome::NoRegression
    };
    Comparison {
        base: RunNote::of(base),
        new: RunNote::of(new),
        noun: common_noun(base, new),
        layout,
        criteria: *criteria,
        outcome,
        blocked,
        tests,
        notes: notes(base, new).into_iter().chain(one_way(&scenarios)).collect(),
        scenarios,
    }
}

/// What both call a job. A run that does not say it may be known by its result alone.
fn common_noun(base: &Baseline, new: &Baseline) -> Noun {
    match (&base.noun, &new.noun) {
        (one, other) if one == other || other.is_of_older_logs() => one.clone(),
        (one, other) if one.is_of_older_logs() => other.clone(),
        _ => Noun::default(),
    }
}

impl RunNote {
    fn of(run: &Baseline) -> RunNote {
        RunNote { target: run.target.clone(), started: run.started.clone(), tool: run.tool.clone() }
    }
}

impl ScenarioComparison {
    /// Whether something that the scenario measures was judged: denials, a window or a round trip. That nothing flapped is no such
    /// thing: most scenarios poll a scan until it is visible, and cannot see it.
    pub fn is_judged(&self) -> bool {
        let is_open = |finding: &Finding| matches!(finding.change, Change::TooFew | Change::NotIdentified);
        self.findings.iter().any(|finding| finding.subject != Subject::Flapping && !is_open(finding))
    }

    fn new(name: &str) -> ScenarioComparison {
        ScenarioComparison { name: name.to_owned(), not_compared: None, left_out: Vec::new(), together: 1, findings: Vec::new() }
    }

    fn not_compared(name: &str, why: NotCompared) -> ScenarioComparison {
        ScenarioComparison { not_compared: Some(why), ..ScenarioComparison::new(name) }
    }
}

fn layout(base: &Baseline, new: &Baseline) -> Layout {
    match (&base.pair, &new.pair) {
        (Some(one), Some(other)) if one.id == other.id && one.side != other.side => Layout::Pairs,
        _ => Layout::Apart,
    }
}

/// Why the two runs do not compare at all.
fn blocked(base: &Baseline, new: &Baseline, names: Names) -> Vec<Mismatch> {
    let mut why = Vec::new();
    // Presets of the reference service are what releases are to a deployment: the very thing that is to be compared.
    let one_service = base.service.is_some() && new.service.is_some();
    if names == Names::MustAgree && base.target != new.target && !one_service {
        why.push(Mismatch::Target(base.target.clone(), new.target.clone()));
    }
    if let (Some(old), Some(now)) = (&base.contract, &new.contract)
        && old != now
    {
        why.push(Mismatch::Contract(old.clone(), now.clone()));
    }
    if let (Some(old), Some(now)) = (&base.time, &new.time)
        && old != now
    {
        why.push(Mismatch::Time(old.clone(), now.clone()));
    }
    why
}

fn notes(base: &Baseline, new: &Baseline) -> Vec<Note> {
    let mut notes = Vec::new();
    for (run, side) in [(base, Side::Old), (new, Side::New)] {
        if run.contract.is_none() {
            notes.push(Note::ResultOnly(side));
        }
    }
    if let (Some(old), Some(now)) = (&base.machine, &new.machine)
        && old != now
    {
        notes.push(Note::Machines(old.clone(), now.clone()));
    }
    if base.tool != new.tool {
        notes.push(Note::Versions(base.tool.clone(), new.tool.clone()));
    }
    notes
}

/// Whether one run's scans were denied and those of the other were not.
fn is_one_way(finding: &Finding) -> bool {
    // A single scan at the edge of a phase says no more than none.
    let all_but_one = |share: f64, scans: u64| share.min(1.0 - share) * scans as f64 <= 1.5;
    matches!(finding.subject, Subject::Denied { .. })
        && !matches!(finding.change, Change::Small | Change::NotIdentified)
        && all_but_one(finding.base, finding.base_scans)
        && all_but_one(finding.new, finding.new_scans)
        && (finding.new - finding.base).abs() > 0.5
}

/// Whether a run saw denials end, one without the other: then they are the scans' own, and not a state of the target.
fn shows_ends(run: &ScenarioBaseline) -> bool {
    const ENOUGH: usize = 8;
    if run.refused.is_some() || run.together.saturating_mul(ENOUGH as u64) > run.scans {
        return false;
    }
    let windows = run.windows.iter().flat_map(|windows| &windows.brackets).filter(|(after, _)| *after > 0.0);
    let ended = windows.clone().filter(|(_, until)| until.is_some()).count();
    let open = windows.count() - ended;
    ended >= ENOUGH || ended > 0 && ended >= open
}

impl ScenarioComparison {
    /// Where each run went one way and the one that was denied saw no end of it, a state that outlasts a whole run looks like a change. All
    /// scans are one then: two runs of a target that keeps its state for as long would differ by chance.
    fn hold_back_one_state(&mut self, base_ends: bool, new_ends: bool) {
        let worse = |finding: &Finding| finding.new > finding.base;
        for (direction, ends) in [(true, new_ends), (false, base_ends)] {
            if !self.findings.iter().any(|finding| is_one_way(finding) && worse(finding) == direction) {
                continue;
            }
            for finding in self.findings.iter_mut().filter(|finding| worse(finding) == direction) {
                let is_sure = matches!(finding.change, Change::Regression | Change::Improvement);
                // Its scans depended on each other for so long that none of them was counted.
                let is_one =
                    finding.change == Change::TooFew && self.together >= finding.base_scans.min(finding.new_scans) && is_one_way(finding);
                if matches!(finding.subject, Subject::Denied { .. } | Subject::Window) && (is_sure && !ends || is_one) {
                    finding.change = Change::OneState;
                }
            }
        }
    }
}

/// Where the scans of one run were denied and those of the other were not, nothing in their order shows how long the target keeps a
/// state. That is what a window that came back looks like, and it must not go unsaid; but it is also what a long phase looks like.
fn one_way(scenarios: &[ScenarioComparison]) -> Option<Note> {
    let names: Vec<String> =
        scenarios.iter().filter(|scenario| scenario.findings.iter().any(is_one_way)).map(|scenario| scenario.name.clone()).collect();
    (!names.is_empty()).then_some(Note::OneWay(names))
}

/// What can be asked of one scenario.
fn ask(base: Option<&ScenarioBaseline>, new: &ScenarioBaseline, layout: Layout) -> (ScenarioComparison, Vec<Question>) {
    let refuse = |why: NotCompared| (ScenarioComparison::not_compared(&new.name, why), Vec::new());
    let Some(base) = base else { return refuse(NotCompared::Missing(Side::Old)) };
    for (run, side) in [(base, Side::Old), (new, Side::New)] {
        if let Some(why) = &run.refused {
            return refuse(NotCompared::NotMeasured(side, why.clone()));
        }
    }
    if let (Some(old), Some(now)) = (&base.conditions, &new.conditions)
        && old != now
    {
        let keys: std::collections::BTreeSet<&String> = old.keys().chain(now.keys()).collect();
        let differ = keys.into_iter().filter(|key| old.get(*key) != now.get(*key));
        let change = |key: &String| ConditionChange { condition: key.clone(), base: old.get(key).cloned(), new: now.get(key).cloned() };
        return refuse(NotCompared::Conditions(differ.map(change).collect()));
    }
    let mut scenario = ScenarioComparison::new(&new.name);
    let asked = question::questions(base, new, layout, &mut scenario.left_out);
    (scenario, asked)
}

/// Answers all questions together. Gives back how many of them had a chance to find anything.
fn answer(scenarios: &mut [ScenarioComparison], questions: Vec<(usize, Question)>, layout: Layout, criteria: &Criteria) -> usize {
    let smallest: Vec<f64> = questions.iter().map(|(_, question)| question.smallest_p(layout)).collect();
    // A question whose sample sizes rule out any answer costs the others nothing. Whether they do depends on sizes alone, and
    // not on what was seen, so that leaving it out is not a choice among outcomes.
    let able_among = |tests: usize| smallest.iter().filter(|p| **p <= criteria.alpha / tests as f64).count();
    let tests = (1..=questions.len()).find(|tests| able_among(*tests) <= *tests).map_or(0, able_among);
    let level = criteria.alpha / tests.max(1) as f64;
    let able: Vec<bool> = smallest.iter().map(|p| *p <= level).collect();
    let answers: Vec<Option<Answered>> = questions
        .iter()
        .zip(&able)
        .map(|((_, question), able)| if *able { question.answer(layout, level, criteria.seed) } else { None })
        .collect();
    let adjusted = |p: fn(&Answered) -> f64| {
        let asked: Vec<f64> = answers.iter().flatten().map(p).collect();
        holm(&asked)
    };
    let (mut worse, mut better) = (adjusted(|one| one.p_worse).into_iter(), adjusted(|one| one.p_better).into_iter());
    for ((place, question), answered) in questions.into_iter().zip(answers) {
        let p = answered.and_then(|_| Some((worse.next()?, better.next()?)));
        scenarios[place].findings.push(question.finding(p, layout, level, criteria));
    }
    tests
}
