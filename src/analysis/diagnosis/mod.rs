//! From findings to causes: which fault classes the log supports, and which it rules out by which probe.
//!
//! A pure function of the log, in the order in which a person would decide: what voids everything else first (controls), then
//! what is seen on settled scans, then scans that are never seen, then the window at the start and what makes it. A class is
//! named only on evidence of its own; what these probes cannot tell apart is said, with the probe that would.

mod addresses;
mod candidates;
mod chance;
mod changes;
mod dataset;
mod fact;
pub(in crate::analysis) mod first_word;
mod flapping;
mod grants;
mod ids;
mod instances;
mod late_results;
mod never_visible;
mod open;
mod orphans;
mod pattern;
mod positive_cache;
mod possible;
mod stretch;
mod thresholds;
mod window_at_start;
mod wrong_answers;

pub use crate::analysis::diagnosis::candidates::Candidates;
pub use crate::analysis::diagnosis::fact::{Exclusion, Fact, LateWrite, Member, Pairs};
pub use crate::analysis::diagnosis::ids::{Division, IdMark, IdPart};
pub use crate::analysis::diagnosis::open::OpenQuestion;
pub use crate::analysis::diagnosis::pattern::Pattern;
pub(crate) use crate::analysis::diagnosis::thresholds::COMMIT_MS;

use crate::analysis::ScenarioAnalysis;
use crate::analysis::diagnosis::dataset::{Dataset, Observations};
use crate::analysis::diagnosis::flapping::Flapping;
use crate::analysis::scan::ScanHistory;
use crate::analysis::second_opinion::Opinion;
use crate::model::fault::FaultClass;
use crate::model::run::{Journal, NotAsked};
use crate::model::second_opinion::SecondOpinion;

/// What the log says about causes. Empty when nothing is wrong.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Diagnosis {
    /// The supported classes, strongest first.
    pub causes: Vec<Cause>,
    /// The classes that a probe excludes.
    pub ruled_out: Vec<RuledOut>,
    /// What these probes cannot tell apart.
    pub open: Vec<OpenQuestion>,
    /// What was found where no class can be named.
    pub patterns: Vec<Pattern>,
    /// The classes that were considered.
    pub(crate) candidates: Candidates,
}

/// One supported class.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause {
    /// The class.
    pub class: FaultClass,
    /// Classes that explain what was seen as well, and that nothing in the log tells from it.
    pub or: Vec<FaultClass>,
    /// How well it is supported.
    pub strength: Strength,
    /// What supports it.
    pub facts: Vec<Fact>,
}

impl Cause {
    /// The class, and those that explain what was seen as well.
    pub fn classes(&self) -> impl Iterator<Item = FaultClass> + '_ {
        std::iter::once(self.class).chain(self.or.iter().copied())
    }

    /// Whether this class is among them.
    pub fn may_be(&self, class: FaultClass) -> bool {
        self.classes().any(|one| one == class)
    }
}

/// How well a class is supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strength {
    /// Compatible, and nothing better explains what was seen.
    Weak,
    /// Its signature was seen, but the probe that tells it from its neighbours was not run.
    Moderate,
    /// Its signature was seen and its neighbours were excluded.
    Strong,
}

impl Strength {
    /// The word for it in results.
    pub fn word(self) -> &'static str {
        match self {
            Strength::Weak => "weak",
            Strength::Moderate => "moderate",
            Strength::Strong => "strong",
        }
    }
}

/// One excluded class.
#[derive(Debug, Clone, PartialEq)]
pub struct RuledOut {
    /// The class.
    pub class: FaultClass,
    /// The probe, and what it showed.
    pub by: Exclusion,
}

impl Diagnosis {
    /// Whether a class is among the causes.
    pub fn names(&self, class: FaultClass) -> bool {
        self.causes.iter().any(|cause| cause.class == class)
    }

    /// Whether a probe excludes a class.
    fn excludes(&self, class: FaultClass) -> bool {
        self.ruled_out.iter().any(|out| out.class == class)
    }

    /// Whether workers with memories of their own are named, although the log does not exclude mixed reads.
    fn doubts_memory(&self) -> bool {
        self.causes.iter().any(|cause| cause.class == FaultClass::B && cause.strength < Strength::Strong)
    }

    /// The same, where scenarios were left out for lack of jobs: what they would have told apart is not excluded, whatever else was
    /// seen, and is said to be open.
    #[must_use]
    pub(in crate::analysis) fn without(mut self, not_asked: &[NotAsked]) -> Diagnosis {
        for left_out in not_asked {
            self.ruled_out.retain(|out| !left_out.classes.contains(&out.class));
            let unclear: Vec<FaultClass> = left_out.classes.iter().copied().filter(|class| !self.names(*class)).collect();
            for cause in &mut self.causes {
                // Its neighbour was not excluded by the probe that is made for it.
                if unclear.iter().any(|class| looks_like(*class) == looks_like(cause.class)) {
                    cause.strength = cause.strength.min(Strength::Moderate);
                }
            }
            self.open.push(OpenQuestion::NotAsked {
                scenario: left_out.scenario.clone(),
                title: left_out.title.clone(),
                needs: left_out.needs,
                left: left_out.left,
                classes: unclear,
            });
        }
        self.causes.sort_by_key(|cause| std::cmp::Reverse(cause.strength));
        self
    }

    /// The same, where an ordinary client was asked as well: what it does not see is not called strong.
    #[must_use]
    pub(in crate::analysis) fn doubted(mut self, second_opinion: Option<&SecondOpinion>) -> Diagnosis {
        if second_opinion.is_some_and(|said| matches!(Opinion::of(said), Opinion::OnlyOwn { .. })) {
            for cause in &mut self.causes {
                cause.strength = cause.strength.min(Strength::Moderate);
            }
        }
        self
    }

    /// Whether a class may be named. What would lead to another class no further is to be passed by if not.
    fn considers(&self, class: FaultClass) -> bool {
        self.candidates.has(class)
    }

    fn found(&mut self, class: FaultClass, strength: Strength, facts: Vec<Fact>) {
        if self.considers(class) {
            self.causes.push(Cause { class, or: Vec::new(), strength, facts });
        }
    }

    /// One answer of several classes that are not told apart, the first of which is the most usual one.
    fn found_among(&mut self, class: FaultClass, or: Vec<FaultClass>, facts: Vec<Fact>) {
        let mut classes = std::iter::once(class).chain(or).filter(|class| self.candidates.has(*class));
        if let Some(class) = classes.next() {
            let or = classes.collect();
            self.causes.push(Cause { class, or, strength: Strength::Moderate, facts });
        }
    }

    fn excluded(&mut self, class: FaultClass, by: Exclusion) {
        self.ruled_out.push(RuledOut { class, by });
    }
}

/// What a class looks like before the probe that tells it from its neighbours is asked.
#[derive(PartialEq, Eq)]
enum Appearance {
    /// Denied at first, and seen later.
    Window,
    /// Never seen.
    Never,
    /// Seen, and denied in between.
    Flapping,
    /// Like no other.
    Own(FaultClass),
}

fn looks_like(class: FaultClass) -> Appearance {
    use FaultClass::{A, B, C, CPrime, D, E, G, H, I, K, L, M};
    match class {
        A | C | D | E | G | I => Appearance::Window,
        K | L | M => Appearance::Never,
        B | CPrime | H => Appearance::Flapping,
        other => Appearance::Own(other),
    }
}

/// Diagnoses a log from its scans and what was found of each scenario.
pub fn diagnose(journal: &Journal, scans: &[&ScanHistory<'_>], scenarios: &[ScenarioAnalysis], candidates: &Candidates) -> Diagnosis {
    use FaultClass::{D, E, N, R};
    let mut diagnosis = Diagnosis { candidates: candidates.clone(), ..Diagnosis::default() };
    if diagnosis.considers(N) && wrong_answers::unknown_masked(&mut diagnosis, journal, scenarios) {
        // If everything is "visible", no other signature means anything.
        return diagnosis;
    }
    let observations = Observations::of(scans, wrong_answers::speaks_until(journal, scenarios));
    let data = Dataset::new(journal, scans, &observations);
    wrong_answers::foreign_disclosure(&mut diagnosis, scenarios);
    orphans::accepted_though_failed(&mut diagnosis, journal);
    wrong_answers::wrong_job(&mut diagnosis, &data, scenarios);
    if diagnosis.considers(R) && grants::grant_lag(&mut diagnosis, &data) {
        // When a scan may be seen is not when its record is there.
        answers_over_time(&mut diagnosis, &data, scenarios, &Flapping::none());
        return in_order(diagnosis);
    }
    let flapping = flapping::diagnose(&mut diagnosis, &data);
    // A worker's own memory makes windows of all lengths, which must not be taken for a queue. What removes scans leaves their beginning alone.
    let begins_plainly = matches!(flapping.kind, None | Some(flapping::Kind::Evicted));
    let queued = begins_plainly && diagnosis.considers(E) && window_at_start::queue(&mut diagnosis, &data);
    // Behind a long queue, and behind a cache that keeps denials, a scan may be denied as long as anybody looks.
    // A cache that was filled before any scan was asked for denies all of them for a while.
    // Whatever removes scans removes those that were asked for before and those that were not.
    let may_be_kept = matches!(flapping.kind, None | Some(flapping::Kind::OneStretch | flapping::Kind::Evicted));
    let observer = may_be_kept && !queued && diagnosis.considers(D) && window_at_start::observer_effect(&mut diagnosis, &data);
    if queued {
        never_visible::overtaken(&mut diagnosis, &data);
    }
    let lost = if queued || observer { never_visible::Lost::new() } else { never_visible::diagnose(&mut diagnosis, &data, &flapping) };
    window_at_start::diagnose(&mut diagnosis, &data, &flapping, &lost, window_at_start::Known { queued, observer });
    wrong_answers::held_response(&mut diagnosis, &data, scenarios);
    answers_over_time(&mut diagnosis, &data, scenarios, &flapping);
    addresses::disagree(&mut diagnosis, &data);
    if data.only_on_used_connections() {
        diagnosis.open.push(OpenQuestion::OnlyUsedConnections);
    }
    in_order(diagnosis)
}

/// What scans that are visible show as they go on.
fn answers_over_time(diagnosis: &mut Diagnosis, data: &Dataset<'_>, scenarios: &[ScenarioAnalysis], flapping: &Flapping) {
    let default_end = first_word::default_end(diagnosis, data);
    let kept = positive_cache::positive_cache(diagnosis, data);
    first_word::half_record(diagnosis, data);
    wrong_answers::stale(diagnosis, data, scenarios, wrong_answers::Explained { flapping, default_end, kept });
    late_results::end_before_result(diagnosis, data, flapping);
    changes::later_writes(diagnosis, data, flapping);
}

fn in_order(mut diagnosis: Diagnosis) -> Diagnosis {
    // Strongest first; among equals the order of decision stands.
    diagnosis.causes.sort_by_key(|cause| std::cmp::Reverse(cause.strength));
    let named: Vec<FaultClass> = diagnosis.causes.iter().flat_map(Cause::classes).collect();
    diagnosis.ruled_out.retain(|out| !named.contains(&out.class));
    diagnosis.ruled_out.sort_by_key(|out| out.class);
    // Several probes may exclude a class; the first of them is enough.
    diagnosis.ruled_out.dedup_by_key(|out| out.class);
    diagnosis
}
